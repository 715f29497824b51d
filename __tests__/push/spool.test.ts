import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSpool } from '../../src/push/spool.ts';
import { whole } from '../support/whole.ts';

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'spool-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe.each([
	['memory', 1_000_000],
	['a file', 0],
])('what is spooled to %s', (_, bodyBytes) => {
	it('is read as a whole and in parts, also at the same time', async () => {
		const bytes = randomBytes(300_000);
		const spool = createSpool({ kind: 'own', folder: join(folder, 'spool') }, { bodyBytes, totalBytes: 1_000_000 });
		const writer = await spool.open(bytes.length, 'a path');
		const part = Buffer.alloc(7_000);
		for (let at = 0; at < bytes.length; at += part.length) {
			const copied = bytes.copy(part, 0, at);
			await writer.write(part.subarray(0, copied));
		}
		const { body, dispose } = await writer.finish();
		const read = async (range?: { start: number; end: number }) =>
			whole((range === undefined ? body : body.part(range.start, range.end + 1)).stream());
		const ranges = [{ start: 0, end: 0 }, { start: 65_535, end: 65_536 }, { start: 100_000, end: 299_999 }, undefined];
		const found = await Promise.all(ranges.map(read));
		const wanted = ranges.map((range) => (range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)));
		expect(found.map((part, index) => part.equals(wanted[index] ?? Buffer.alloc(0)))).toEqual([true, true, true, true]);
		await dispose();
		await spool.close();
	});
});

it('a body stays in memory while there is room, in a buffer of its own, and what has no room goes into a file', async () => {
	const spool = createSpool({ kind: 'own', folder: join(folder, 'spool') }, { bodyBytes: 2000, totalBytes: 2500 });
	const spooled = async (sizeBytes: number) => {
		const bytes = randomBytes(sizeBytes);
		// As zlib gives it: the start of a larger buffer.
		const given = Buffer.concat([bytes, Buffer.alloc(10_000)]).subarray(0, sizeBytes);
		const writer = await spool.open(sizeBytes, 'a path');
		await writer.write(given);
		given.fill(0);
		const { body, dispose } = await writer.finish();
		expect((await whole(body.stream())).equals(bytes)).toBe(true);
		return { isInMemory: body.bytes?.buffer.byteLength === sizeBytes, dispose };
	};
	const [first, second, third] = [await spooled(1200), await spooled(1300), await spooled(1)];
	expect([first, second, third].map(({ isInMemory }) => isInMemory)).toEqual([true, true, false]);
	await second.dispose();
	await second.dispose();
	expect((await spooled(1301)).isInMemory).toBe(false);
	expect((await spooled(1300)).isInMemory).toBe(true);
	await spool.close();
});

it('a file is written over by the next body, whatever its length was', async () => {
	const spool = createSpool({ kind: 'own', folder: join(folder, 'spool') }, { bodyBytes: 0, totalBytes: 0 });
	const spooled = async (bytes: Buffer) => {
		const writer = await spool.open(bytes.length, 'a path');
		await writer.write(bytes);
		return writer.finish();
	};
	const files = new Set<string>();
	const sizes = [300_000, 10, 0, 900_000, 300_000];
	for (const size of sizes) {
		const bytes = randomBytes(size);
		const { body, sha256, dispose } = await spooled(bytes);
		expect((await whole(body.stream())).equals(bytes)).toBe(true);
		expect(Buffer.from(sha256.digest).equals(createHash('sha256').update(bytes).digest())).toBe(true);
		for (const name of HAS_PROC ? readdirSync('/proc/self/fd') : []) {
			const target = linkOf(name);
			if (target.startsWith(join(folder, 'spool'))) files.add(target);
		}
		await dispose();
		// Once is enough: another body may have the file by now.
		await dispose();
	}
	expect(files.size).toBe(HAS_PROC ? 1 : 0);
	const [one, two] = await Promise.all([spooled(randomBytes(100)), spooled(randomBytes(100))]);
	expect((await whole(one.body.stream())).equals(await whole(two.body.stream()))).toBe(false);
	await Promise.all([one.dispose(), two.dispose()]);
	await spool.close();
});

it('a write that is still under way when its body is given up never shows in the next one', async () => {
	const spool = createSpool({ kind: 'own', folder: join(folder, 'spool') }, { bodyBytes: 0, totalBytes: 0 });
	const givenUp = await spool.open(1000, 'a path');
	await givenUp.write(randomBytes(100));
	const letGo = await holdNextWrite();
	const late = givenUp.write(randomBytes(900)).catch(() => undefined);
	await givenUp.discard();
	const bytes = randomBytes(1000);
	const writer = await spool.open(bytes.length, 'another path');
	await writer.write(bytes);
	letGo();
	await late;
	const { body, dispose } = await writer.finish();
	expect((await whole(body.stream())).equals(bytes)).toBe(true);
	await dispose();
	await spool.close();
});

describe('in the folder that the bodies are for', () => {
	let count: number;
	beforeEach(() => {
		count = 0;
	});
	const spoolOf = () =>
		createSpool({ kind: 'destination', folder, newName: () => `.new-${++count}` }, { bodyBytes: 10, totalBytes: 10 });
	const spooled = async (spool: ReturnType<typeof spoolOf>, bytes: Buffer) => {
		const writer = await spool.open(bytes.length, 'a path');
		await writer.write(bytes);
		return writer.finish();
	};
	const target = () => join(folder, 'target');

	it('a body is moved to its name, with the rights of any new file, and stays there', async () => {
		const spool = spoolOf();
		const bytes = randomBytes(300_000);
		writeFileSync(target(), 'what was there', { mode: 0o640 });
		const { body, dispose } = await spooled(spool, bytes);
		expect(readdirSync(folder).toSorted()).toEqual(['.new-1', 'target']);
		const mode = statSync(join(folder, '.new-1')).mode & 0o777;
		expect((await whole(body.stream())).equals(bytes)).toBe(true);
		await body.moveTo?.(target());
		expect(readdirSync(folder)).toEqual(['target']);
		expect(readFileSync(target()).equals(bytes)).toBe(true);
		expect(statSync(target()).mode & 0o777).toBe(mode);
		expect(mode).toBe(0o666 & ~process.umask());
		await expect(body.moveTo?.(join(folder, 'again'))).rejects.toMatchObject({ code: 'ENOENT' });
		const next = await spooled(spool, randomBytes(300_000));
		await dispose();
		await dispose();
		await next.dispose();
		await spool.close();
		expect(readdirSync(folder)).toEqual(['target']);
		expect(readFileSync(target()).equals(bytes)).toBe(true);
	});

	it('nothing stays of what was not moved, given up or finished', async () => {
		const spool = spoolOf();
		const { dispose } = await spooled(spool, randomBytes(100));
		const givenUp = await spool.open(100, 'a path');
		await givenUp.write(randomBytes(50));
		expect(readdirSync(folder)).toHaveLength(2);
		await Promise.all([dispose(), givenUp.discard()]);
		expect(readdirSync(folder)).toEqual([]);
		await spool.close();
		expect(existsSync(folder)).toBe(true);
	});

	it('what fails to be moved says why, and is gone when it is done with', async () => {
		const spool = spoolOf();
		const { body, dispose } = await spooled(spool, randomBytes(100));
		await expect(body.moveTo?.(join(folder, 'missing', 'target'))).rejects.toMatchObject({ code: 'ENOENT' });
		expect(readdirSync(folder)).toEqual(['.new-1']);
		await dispose();
		expect(readdirSync(folder)).toEqual([]);
	});

	it('small ones stay in memory and have no file to move', async () => {
		const spool = spoolOf();
		const { body, dispose } = await spooled(spool, randomBytes(10));
		expect(body.moveTo).toBeNull();
		expect(readdirSync(folder)).toEqual([]);
		await dispose();
	});

	it('a folder that can’t be written to fails that path by name', async () => {
		const spool = createSpool(
			{ kind: 'destination', folder: '/dev/null/nar', newName: () => 'x' },
			{ bodyBytes: 0, totalBytes: 0 },
		);
		await expect(spool.open(1, 'the path')).rejects.toMatchObject({
			code: 'file-failed',
			message: expect.stringContaining('/dev/null/nar'),
		});
	});
});

/** The next write to a file reaches the system when the answer is called, as on a machine whose threads are all busy. */
async function holdNextWrite(): Promise<() => void> {
	await using file = await open(join(folder, 'any'), 'w');
	const handles: FileHandle = Object.getPrototypeOf(file);
	const { write } = handles;
	const { promise, resolve } = Promise.withResolvers<void>();
	const spy = vi.spyOn(handles, 'write').mockImplementationOnce(async function (this: FileHandle, ...args) {
		spy.mockRestore();
		await promise;
		return Reflect.apply(write, this, args);
	});
	return resolve;
}

/** macOS has none. */
const HAS_PROC = existsSync('/proc/self/fd');

function linkOf(descriptor: string): string {
	try {
		return readlinkSync(`/proc/self/fd/${descriptor}`);
	} catch {
		return '';
	}
}
