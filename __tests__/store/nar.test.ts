import { execFileSync } from 'node:child_process';
import {
	appendFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readlinkSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NarFrameOptions, narFrames, narInto } from '../../src/store/nar.ts';
import { goldenBytes } from '../nix/golden.ts';
import { plantTree, TREES } from '../nix/trees.ts';

let folder: string;
let root: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'nar-'));
	root = join(folder, 'root');
});
afterEach(() => rmSync(folder, { recursive: true }));

const never = new AbortController().signal;
const KIB = 1024;
const MIB = 1024 * KIB;

function start(changes: Partial<NarFrameOptions> = {}): AsyncGenerator<Uint8Array, void, void> {
	const frameBytes = changes.frameBytes ?? 64 * KIB;
	return narFrames(root, { frameBytes, allocate: () => new Uint8Array(frameBytes), signal: never, ...changes });
}

async function frames(changes: Partial<NarFrameOptions> = {}): Promise<readonly Buffer[]> {
	const all: Buffer[] = [];
	for await (const frame of start(changes)) all.push(Buffer.from(frame));
	return all;
}

const dump = async (changes: Partial<NarFrameOptions> = {}): Promise<Buffer> => Buffer.concat(await frames(changes));

/** A tree of `count` levels; the innermost is a directory. */
function nest(count: number): void {
	mkdirSync(join(root, ...Array.from({ length: count - 1 }, () => 'd')), { recursive: true });
}

describe('a NAR out of the file system', () => {
	it.each(Object.keys(TREES))('is what nix-store --dump writes: %s', async (name) => {
		const tree = TREES[name];
		if (tree === undefined) throw new Error('no such tree');
		plantTree(Buffer.from(root), tree);
		const golden = goldenBytes(`nar/${name}.nar`);
		expect((await dump()).equals(golden)).toBe(true);
		expect(golden.equals(narInto(new Uint8Array(golden.length + 1), root))).toBe(true);
	});

	it('fills the room that there is for it, and no more', () => {
		const tree = TREES.nested;
		if (tree === undefined) throw new Error('no such tree');
		plantTree(Buffer.from(root), tree);
		const whole = goldenBytes('nar/nested.nar');
		fc.assert(
			fc.property(fc.integer({ min: 1, max: whole.length + 10 }), (roomBytes) => {
				const room = Buffer.alloc(roomBytes + 1, 0xaa);
				const nar = narInto(room.subarray(0, roomBytes), root);
				expect(whole.subarray(0, roomBytes).equals(nar)).toBe(true);
				expect(room[roomBytes]).toBe(0xaa);
			}),
			{ numRuns: 60 },
		);
	});

	it('is the same in frames of any size, all of them full but the last', async () => {
		const tree = TREES.nested;
		if (tree === undefined) throw new Error('no such tree');
		plantTree(Buffer.from(root), tree);
		const whole = goldenBytes('nar/nested.nar');
		await fc.assert(
			fc.asyncProperty(fc.integer({ min: 1, max: whole.length + 10 }), async (frameBytes) => {
				const all = await frames({ frameBytes });
				expect(Buffer.concat(all).equals(whole)).toBe(true);
				expect(all.slice(0, -1).every((frame) => frame.length === frameBytes)).toBe(true);
				expect(all.at(-1)?.length).toBeGreaterThan(0);
			}),
			{ numRuns: 60 },
		);
	});

	it.each([128 * KIB - 1, 128 * KIB, 128 * KIB + 1, MIB])(
		'has a file of %i bytes whole, also out of several frames',
		async (size) => {
			const contents = Buffer.from(Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) % 256));
			writeFileSync(root, contents);
			for (const frameBytes of [100_000, 4 * MIB]) {
				const bytes = await dump({ frameBytes });
				const at = bytes.indexOf(contents.subarray(0, 512));
				expect(bytes.subarray(at, at + size).equals(contents)).toBe(true);
				expect(bytes.length % 8).toBe(0);
			}
		},
	);

	it('goes into shared memory, and into a buffer again that was given back', async () => {
		writeFileSync(root, Buffer.alloc(MIB, 'x'));
		const whole = await dump();
		const buffer = new Uint8Array(new SharedArrayBuffer(100 * KIB));
		const parts: Buffer[] = [];
		for await (const frame of start({ frameBytes: buffer.length, allocate: () => buffer })) {
			expect(frame.buffer).toBe(buffer.buffer);
			parts.push(Buffer.from(frame));
		}
		expect(Buffer.concat(parts).equals(whole)).toBe(true);
	});

	it('lets others run while it reads a tree of small files', async () => {
		mkdirSync(root);
		for (let index = 0; index < 3000; index++) writeFileSync(join(root, `${index}`), 'x');
		let turns = 0;
		const timer = setInterval(() => turns++, 1);
		await dump({ frameBytes: 8 * MIB });
		clearInterval(timer);
		expect(turns).toBeGreaterThan(1);
	});
});

describe('the case hack', () => {
	beforeEach(() => {
		mkdirSync(root);
		writeFileSync(join(root, 'B'), 'upper');
		writeFileSync(join(root, 'b~nix~case~hack~1'), 'lower');
		writeFileSync(join(root, 'a'), 'first');
	});

	it('is undone where Nix does it, and names are sorted after that', async () => {
		const names = [...(await dump({ caseHack: true })).toString('latin1').matchAll(/name\0{4}.{8}([aBb].*?)\0/gs)];
		expect(names.map((match) => match[1])).toEqual(['B', 'a', 'b']);
	});

	it('is part of the name elsewhere', async () => {
		expect((await dump({ caseHack: false })).includes('b~nix~case~hack~1')).toBe(true);
	});

	it('must not make two of one name', async () => {
		writeFileSync(join(root, 'B~nix~case~hack~1'), 'again');
		await expect(dump({ caseHack: true })).rejects.toMatchObject({
			code: 'path-corrupt',
			message: expect.stringContaining('same name'),
		});
	});
});

describe('what can not be in a NAR', () => {
	it('is a named pipe, on which nothing waits', async () => {
		mkdirSync(root);
		execFileSync('mkfifo', [join(root, 'pipe')]);
		await expect(dump()).rejects.toMatchObject({ code: 'path-corrupt', message: expect.stringContaining('pipe') });
	});

	it('is a tree deeper than 64', async () => {
		nest(64);
		expect((await dump()).length).toBeGreaterThan(0);
		nest(65);
		await expect(dump()).rejects.toMatchObject({ code: 'path-corrupt', message: expect.stringContaining('deeper than 64') });
	});
});

describe('a tree that goes or changes', () => {
	it('has vanished when it is not there', async () => {
		await expect(dump()).rejects.toMatchObject({ code: 'path-vanished', message: expect.stringContaining(root) });
	});

	it('has vanished when a file goes after its directory was read', async () => {
		mkdirSync(root);
		writeFileSync(join(root, 'a'), Buffer.alloc(2 * KIB));
		writeFileSync(join(root, 'b'), '');
		const reading = start({ frameBytes: KIB });
		await reading.next();
		rmSync(join(root, 'b'));
		await expect(reading.next().then(() => reading.next())).rejects.toMatchObject({
			code: 'path-vanished',
			message: expect.stringContaining('b'),
		});
	});

	it('is corrupt when a file becomes a symbolic link', async () => {
		mkdirSync(root);
		writeFileSync(join(root, 'a'), Buffer.alloc(2 * KIB));
		writeFileSync(join(root, 'b'), '');
		const reading = start({ frameBytes: KIB });
		await reading.next();
		rmSync(join(root, 'b'));
		symlinkSync('a', join(root, 'b'));
		await expect(reading.next().then(() => reading.next())).rejects.toMatchObject({ code: 'path-corrupt' });
	});

	it.each([
		['shorter', (file: string) => truncateSync(file, MIB)],
		['longer', (file: string) => appendFileSync(file, 'more')],
	])('is corrupt when a file becomes %s meanwhile', async (_what, change) => {
		writeFileSync(root, Buffer.alloc(4 * MIB));
		const reading = start({ frameBytes: MIB });
		await reading.next();
		change(root);
		const rest = (async () => {
			for await (const _ of reading);
		})();
		await expect(rest).rejects.toMatchObject({ code: 'path-corrupt', message: expect.stringContaining(root) });
	});

	it('is read as it was when a file is replaced', async () => {
		writeFileSync(root, Buffer.alloc(MIB, 'a'));
		const whole = await dump();
		const reading = start({ frameBytes: 64 * KIB });
		const parts = [Buffer.from((await reading.next()).value ?? [])];
		writeFileSync(join(folder, 'new'), Buffer.alloc(MIB, 'b'));
		renameSync(join(folder, 'new'), root);
		for await (const frame of reading) parts.push(Buffer.from(frame));
		expect(Buffer.concat(parts).equals(whole)).toBe(true);
	});
});

describe.runIf(process.platform === 'linux')('open files', () => {
	/** Descriptors on files of this test; the one that lists the folder is gone by the time that it is looked at. */
	const open = (): number =>
		readdirSync('/proc/self/fd')
			.map((descriptor) => `/proc/self/fd/${descriptor}`)
			.filter((link) => existsSync(link) && readlinkSync(link).startsWith(folder)).length;

	beforeEach(() => writeFileSync(root, Buffer.alloc(4 * MIB)));

	it('are closed when the reader leaves early', async () => {
		const reading = start();
		await reading.next();
		expect(open()).toBe(1);
		await reading.return();
		expect(open()).toBe(0);
	});

	it('are closed when there is no room for all of it', () => {
		expect(narInto(new Uint8Array(MIB), root).length).toBe(MIB);
		expect(open()).toBe(0);
	});

	it('are closed when reading is aborted, in the middle of a file', async () => {
		const abort = new AbortController();
		const reading = start({ signal: abort.signal });
		await reading.next();
		abort.abort();
		await expect(reading.next()).rejects.toMatchObject({ code: 'cancelled' });
		await sleep(0);
		expect(open()).toBe(0);
	});
});
