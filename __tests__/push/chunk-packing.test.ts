import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NarChunk } from '../../src/backends/backend.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { CHUNK_SIZES } from '../../src/push/chunk-packing.ts';
import { createChunker } from '../../src/push/chunker.ts';
import { createPacker, type Packer, type PackerOptions } from '../../src/push/packing.ts';
import { type NarReader, narFrames, narReader } from '../../src/store/nar.ts';
import { randomBytesOf } from './keystream.ts';
import { infoOf, narsOf, someBytes } from './narrator.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const never = new AbortController().signal;
const nothing = (): boolean => false;

let folder: string;
let packers: Packer[];
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chunk-packing-'));
	packers = [];
});
afterEach(async () => {
	for (const packer of packers) await packer.close();
	await rm(folder, { recursive: true });
});

function packerOf(reader: NarReader, more: Partial<PackerOptions> = {}): Packer {
	const options = {
		compression: 'zstd',
		level: null,
		spool: { kind: 'own', folder: join(folder, 'spool') },
		threads: 2,
		reader,
	} as const;
	const packer = createPacker({ ...options, ...more });
	packers.push(packer);
	return packer;
}

function packerOfOne(info: PathInfo, bytes: Uint8Array): Packer {
	return packerOf(narsOf(new Map([[info.path, bytes]])));
}

/** A chunk that stays what it is when the next one is asked for. */
interface Kept {
	readonly id: string;
	readonly narBytes: number;
	readonly frame: Buffer | null;
	readonly frameHash: Buffer | null;
}

async function chunksOf(
	packer: Packer,
	info: PathInfo,
	isKnown: (id: Uint8Array) => boolean = nothing,
	onRead?: (bytes: number) => void,
): Promise<Kept[]> {
	const kept: Kept[] = [];
	for await (const { id, narBytes, frame, frameHash } of packer.sourceOf(info, onRead).chunks(isKnown, never)) {
		const copy = (bytes: Uint8Array | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes));
		kept.push({ id: Buffer.from(id).toString('hex'), narBytes, frame: copy(frame), frameHash: copy(frameHash) });
	}
	return kept;
}

function sha256(bytes: Uint8Array): Buffer {
	return createHash('sha256').update(bytes).digest();
}

/** Where `bytes` are cut, with nothing but the chunker. */
function cutHere(bytes: Uint8Array): Uint8Array[] {
	const ends = createChunker(CHUNK_SIZES).cut(bytes);
	if (ends.at(-1) !== bytes.length) ends.push(bytes.length);
	return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function frameBytes(chunks: readonly Kept[]): number {
	return chunks.reduce((sum, { frame }) => sum + (frame?.length ?? 0), 0);
}

/** Frame by frame: `zstdDecompressSync` ends after the first frame whose content does not fill its last output buffer. */
function unpacked(chunks: readonly Kept[]): Buffer {
	return Buffer.concat(chunks.map(({ frame }) => zstdDecompressSync(frame ?? Buffer.alloc(0))));
}

describe('the chunks of a NAR', () => {
	const lastRead = 2 * MiB;
	test.each([1, 112, 256 * KiB, 256 * KiB + 1, lastRead - 8, lastRead, lastRead + 8, 13 * MiB])(
		'of %i bytes are its parts, each a whole frame under its hash',
		async (size) => {
			for (const bytes of [someBytes(size), randomBytesOf(size, size), Buffer.alloc(size)]) {
				const info = infoOf('some', bytes);
				const chunks = await chunksOf(packerOfOne(info, bytes), info);
				const parts = cutHere(bytes);
				expect(chunks.map(({ narBytes }) => narBytes)).toEqual(parts.map((part) => part.length));
				for (const [index, part] of parts.entries()) {
					const { id, frame, frameHash } = chunks[index] as Kept;
					expect(id).toBe(sha256(part).toString('hex'));
					expect(Buffer.compare(zstdDecompressSync(frame as Buffer), part)).toBe(0);
					expect(Buffer.compare(sha256(frame as Buffer).subarray(0, 16), frameHash as Buffer)).toBe(0);
				}
				expect(Buffer.compare(unpacked(chunks), bytes)).toBe(0);
			}
		},
	);

	const zstd = (process.env.PATH ?? '').split(delimiter).some((bin) => existsSync(join(bin, 'zstd')));
	test.runIf(zstd)('joined are one stream for the program zstd', async () => {
		const bytes = someBytes(9 * MiB);
		const info = infoOf('some', bytes);
		const chunks = await chunksOf(packerOfOne(info, bytes), info);
		const input = Buffer.concat(chunks.map(({ frame }) => frame ?? Buffer.alloc(0)));
		const { stdout } = spawnSync('zstd', ['--decompress', '--stdout'], { input, maxBuffer: 20 * MiB });
		expect(Buffer.compare(stdout, bytes)).toBe(0);
	});

	test('are the same however many are packed at the same time, by however many threads', async () => {
		const nars = new Map<string, Uint8Array>();
		const infos: PathInfo[] = [];
		for (let index = 0; index < 24; index++) {
			const bytes = index % 4 === 0 ? randomBytesOf(7 * MiB + index, index) : someBytes(30_000 * (index + 1), index + 1);
			const info = infoOf(`n${index}`, bytes);
			infos.push(info);
			nars.set(info.path, bytes);
		}
		for (const threads of [1, 3]) {
			const packer = packerOf(narsOf(nars), { threads });
			const all = await Promise.all(infos.map((info) => chunksOf(packer, info)));
			for (const [index, chunks] of all.entries()) {
				const bytes = nars.get((infos[index] as PathInfo).path) as Uint8Array;
				expect(Buffer.compare(unpacked(chunks), bytes)).toBe(0);
				expect(chunks.map(({ id }) => id)).toEqual(cutHere(bytes).map((part) => sha256(part).toString('hex')));
			}
		}
	});

	test('come with zstd whatever the compression of the job is, and beside a packed NAR', async () => {
		const bytes = someBytes(5 * MiB);
		const info = infoOf('some', bytes);
		const packer = packerOf(narsOf(new Map([[info.path, bytes]])), { compression: 'none' });
		const source = packer.sourceOf(info);
		const [chunks, packed] = await Promise.all([chunksOf(packer, info), source.packed(never)]);
		await packed.dispose();
		expect(packed.body.sizeBytes).toBe(bytes.length);
		expect(Buffer.compare(unpacked(chunks), bytes)).toBe(0);
	});

	test('of a tree are those of the NAR that the store’s reader makes of it', async () => {
		const path = join(folder, 'tree');
		await mkdir(join(path, 'bin'), { recursive: true });
		await writeFile(join(path, 'bin', 'tool'), someBytes(9 * MiB), { mode: 0o755 });
		await symlink('bin/tool', join(path, 'link'));
		const parts: Buffer[] = [];
		const reading = narFrames(path, { frameBytes: MiB, allocate: () => new Uint8Array(MiB), signal: never });
		for await (const frame of reading) parts.push(Buffer.from(frame));
		const nar = Buffer.concat(parts);
		const reads: number[] = [];
		const packer = packerOf(narReader, { realPath: () => path });
		const chunks = await chunksOf(packer, infoOf('tree', nar), nothing, (bytes) => reads.push(bytes));
		expect(Buffer.compare(unpacked(chunks), nar)).toBe(0);
		expect(reads.reduce((sum, bytes) => sum + bytes, 0)).toBe(nar.length);
	});
});

describe('what is known', () => {
	test('is asked once for each chunk, and has no frame', async () => {
		const bytes = randomBytesOf(9 * MiB, 1);
		const info = infoOf('some', bytes);
		const packer = packerOfOne(info, bytes);
		const first = await chunksOf(packer, info);
		expect(first.length).toBeGreaterThan(6);
		const known = new Set(first.filter((_, index) => index % 3 === 1).map(({ id }) => id));
		const asked: string[] = [];
		const second = await chunksOf(packer, info, (id) => {
			const hex = Buffer.from(id).toString('hex');
			asked.push(hex);
			return known.has(hex);
		});
		expect(asked.sort()).toEqual(first.map(({ id }) => id).sort());
		expect(second).toEqual(first.map((chunk, index) => (index % 3 === 1 ? { ...chunk, frame: null, frameHash: null } : chunk)));
		const third = await chunksOf(packer, info, () => true);
		expect(frameBytes(third)).toBe(0);
		expect(third.map(({ id, narBytes }) => [id, narBytes])).toEqual(first.map(({ id, narBytes }) => [id, narBytes]));
	});

	test('of a small NAR is its own hash, and then it is not even read', async () => {
		const bytes = someBytes(5000);
		const info = infoOf('small', bytes);
		const unreadable = packerOf(narsOf(new Map()));
		expect(await chunksOf(unreadable, info, (id) => Buffer.compare(id, info.narHash.digest) === 0)).toEqual([
			{ id: sha256(bytes).toString('hex'), narBytes: 5000, frame: null, frameHash: null },
		]);
		await expect(chunksOf(unreadable, info)).rejects.toThrow('the test has no');
	});

	test('can’t be told: that fails the NAR', async () => {
		const bytes = someBytes(9 * MiB);
		const info = infoOf('some', bytes);
		const packer = packerOfOne(info, bytes);
		const broken = (): boolean => {
			throw new Error('no index');
		};
		await expect(chunksOf(packer, info, broken)).rejects.toThrow('no index');
		expect((await chunksOf(packer, info)).length).toBeGreaterThan(1);
	});
});

/** An output of a build, and the same rebuilt with 1 % of its bytes replaced, some added, in one place. */
function rebuilt(first: Buffer): Buffer {
	const at = Math.floor(first.length / 3);
	const edit = randomBytesOf(Math.floor(first.length / 100) + 1000, 5);
	return Buffer.concat([first.subarray(0, at), edit, first.subarray(at + edit.length - 1000)]);
}

describe('an output of 100 MB, rebuilt with an edit of 1 % in one place', () => {
	/** As much of this program, which is some 100 MB of code and tables. */
	async function programBytes(): Promise<Buffer> {
		const file = await open(process.execPath);
		try {
			const bytes = Buffer.alloc(Math.min(100_000_000, (await file.stat()).size));
			await file.read(bytes, 0, bytes.length, 0);
			return bytes;
		} finally {
			await file.close();
		}
	}

	test.each<[string, () => Buffer | Promise<Buffer>]>([
		['a program', programBytes],
		['bytes without order', () => randomBytesOf(100_000_000, 1)],
	])('of %s: at most a tenth of its frames are new', async (_, make) => {
		const first = await make();
		expect(first.length).toBeGreaterThan(60_000_000);
		const second = rebuilt(first);
		const infos = [infoOf('first', first), infoOf('second', second)] as const;
		const packer = packerOf(
			narsOf(
				new Map([
					[infos[0].path, first],
					[infos[1].path, second],
				]),
			),
		);
		const stored = new Map((await chunksOf(packer, infos[0])).map((chunk) => [chunk.id, chunk]));
		const again = await chunksOf(packer, infos[1], (id) => stored.has(Buffer.from(id).toString('hex')));
		expect(frameBytes(again)).toBeLessThanOrEqual(0.1 * frameBytes([...stored.values()]));
		const whole = again.map((chunk) => (chunk.frame === null ? (stored.get(chunk.id) as Kept) : chunk));
		expect(sha256(unpacked(whole)).equals(infos[1].narHash.digest)).toBe(true);
	});
});

describe('a NAR that can’t be packed', () => {
	const changes: [string, (bytes: Buffer) => Buffer][] = [
		['another bit', (bytes) => Buffer.from(bytes).fill(1, bytes.length - 1)],
		['shorter', (bytes) => bytes.subarray(0, -8)],
		['longer', (bytes) => Buffer.concat([bytes, Buffer.alloc(8 * MiB)])],
	];
	test.each(changes)('since it changed (%s) is corrupt, after chunks that may have come already', async (_, change) => {
		for (const size of [1000, 9 * MiB]) {
			const bytes = someBytes(size);
			const info = infoOf('some', bytes);
			const packer = packerOfOne(info, change(bytes));
			await expect(chunksOf(packer, info)).rejects.toMatchObject({
				code: 'path-corrupt',
				message: expect.stringContaining(info.path),
			});
		}
	});

	test('since it is gone is `path-vanished`, small or large', async () => {
		const packer = packerOf(narReader, { realPath: () => join(folder, 'gone') });
		for (const narSizeBytes of [500, 50 * MiB]) {
			const info = { ...infoOf('gone', Buffer.alloc(1)), narSizeBytes };
			await expect(chunksOf(packer, info)).rejects.toMatchObject({ code: 'path-vanished' });
		}
	});

	test('since one of its files vanishes while it is read is `path-vanished`', async () => {
		const path = join(folder, 'tree');
		await mkdir(path);
		for (const name of ['a', 'b', 'c']) await writeFile(join(path, name), randomBytesOf(6 * MiB, 1));
		const packer = packerOf(narReader, { realPath: () => path });
		let vanished = false;
		const onRead = (): void => {
			if (!vanished) rm(join(path, 'c'));
			vanished = true;
		};
		const info = { ...infoOf('tree', Buffer.alloc(1)), narSizeBytes: 18 * MiB + 500 };
		await expect(chunksOf(packer, info, nothing, onRead)).rejects.toMatchObject({ code: 'path-vanished' });
	});

	test('does not keep others from it, before, beside or after it', async () => {
		const bad = someBytes(20 * MiB, 1);
		const good = randomBytesOf(20 * MiB, 2);
		const badInfo = infoOf('bad', bad);
		const goodInfo = infoOf('good', good);
		const packer = packerOf(
			narsOf(
				new Map([
					[badInfo.path, Buffer.concat([bad, bad])],
					[goodInfo.path, good],
				]),
			),
		);
		for (let round = 0; round < 3; round++) {
			const [failed, packed] = await Promise.allSettled([chunksOf(packer, badInfo), chunksOf(packer, goodInfo)]);
			expect(failed.status).toBe('rejected');
			if (packed.status === 'rejected') throw packed.reason;
			expect(Buffer.compare(unpacked(packed.value), good)).toBe(0);
		}
	});
});

describe('the reader of the chunks', () => {
	const bytes = randomBytesOf(60 * MiB, 1);
	const info = infoOf('large', bytes);

	test('is waited for: only so much is read as there are frames for', async () => {
		let readBytes = 0;
		const source = packerOfOne(info, bytes).sourceOf(info, (more) => {
			readBytes += more;
		});
		let count = 0;
		for await (const _ of source.chunks(nothing, never)) {
			if (++count > 3) continue;
			await new Promise((resolve) => setTimeout(resolve, 100));
			expect(readBytes).toBeLessThanOrEqual((count + 6) * 2 * MiB);
		}
		expect(readBytes).toBe(bytes.length);
	});

	test('may leave early, and may come again', async () => {
		const packer = packerOfOne(info, bytes);
		for (let round = 0; round < 8; round++) {
			for await (const chunk of packer.sourceOf(info).chunks(nothing, never)) {
				expect(chunk.frame).not.toBe(null);
				break;
			}
		}
		expect(frameBytes(await chunksOf(packer, info))).toBeGreaterThan(bytes.length);
	});

	test('may fail, and the frames come back', async () => {
		const packer = packerOfOne(info, bytes);
		const failing = async (): Promise<void> => {
			for await (const _ of packer.sourceOf(info).chunks(nothing, never)) throw new Error('disk on fire');
		};
		for (let round = 0; round < 8; round++) await expect(failing()).rejects.toThrow('disk on fire');
		expect(frameBytes(await chunksOf(packer, info))).toBeGreaterThan(bytes.length);
	});

	test.each(['reading', 'taking'])('is told of an abort soon, while %s', async (phase) => {
		const slow = phase === 'reading' ? 50 : 0;
		const packer = packerOf(narsOf(new Map([[info.path, bytes]]), slow));
		const abort = new AbortController();
		const read = async (): Promise<void> => {
			for await (const _ of packer.sourceOf(info).chunks(nothing, abort.signal)) {
				if (phase === 'taking') await new Promise((resolve) => setTimeout(resolve, 100));
			}
		};
		setTimeout(() => abort.abort(new Error('enough')), 120);
		const started = performance.now();
		await expect(read()).rejects.toThrow('enough');
		expect(performance.now() - started).toBeLessThan(1000);
		expect(frameBytes(await chunksOf(packerOfOne(info, bytes), info))).toBeGreaterThan(bytes.length);
	});

	test('can keep ids and hashes of chunks; only the frames are lent', async () => {
		const seen: { chunk: NarChunk; id: Buffer; hash: Buffer }[] = [];
		for await (const chunk of packerOfOne(info, bytes).sourceOf(info).chunks(nothing, never)) {
			seen.push({ chunk, id: Buffer.from(chunk.id), hash: Buffer.from(chunk.frameHash ?? []) });
		}
		for (const { chunk, id, hash } of seen) {
			expect(Buffer.compare(chunk.id, id)).toBe(0);
			expect(Buffer.compare(chunk.frameHash ?? new Uint8Array(0), hash)).toBe(0);
		}
	});
});
