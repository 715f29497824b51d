/**
 * What bringing a tree into a pack takes, and what it can't be faster than: zstd and two SHA-256 over the same bytes, alone on all threads.
 *
 *     node bench/chunks.ts <path> [--runs 3] [--threads 2] [--level 2]
 *
 * `path` is any file or folder; its NAR is held in memory for the limits, so it should have some hundred megabytes. Ends with 1,500 small NARs, and
 * with what a rebuild costs of which 4 MiB differ in one place.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createPackWriter, type PackWriter } from '../src/backends/actions-cache/pack-writer.ts';
import type { PathInfo } from '../src/nix/path-info.ts';
import { CHUNK_SIZES } from '../src/push/chunk-packing.ts';
import { createChunker } from '../src/push/chunker.ts';
import { createPacker } from '../src/push/packing.ts';
import { createWorkerPool } from '../src/push/worker-pool.ts';
import { formatBytes } from '../src/quantity.ts';
import { type NarReader, narFrames, narReader } from '../src/store/nar.ts';

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		runs: { type: 'string', default: '3' },
		threads: { type: 'string', default: String(Math.min(availableParallelism(), 4)) },
		level: { type: 'string', default: '2' },
	},
});
const path = resolve(positionals[0] ?? '/usr/lib');
const threads = Number(values.threads);
const level = Number(values.level);
const signal = new AbortController().signal;
const FRAME_BYTES = 4 * 1024 * 1024;

interface Measured {
	readonly ms: number;
	readonly packedBytes: number;
}

/** Median of the runs; the first one, which fills caches and starts threads, does not count. */
async function measure(run: () => Promise<number>): Promise<Measured> {
	const times: number[] = [];
	let packedBytes = 0;
	for (let index = 0; index <= Number(values.runs); index++) {
		const started = performance.now();
		packedBytes = await run();
		if (index > 0) times.push(performance.now() - started);
	}
	return { ms: times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0, packedBytes };
}

function print(name: string, rawBytes: number, { ms, packedBytes }: Measured): void {
	const rate = `${(rawBytes / ms / 1000).toFixed(0)} MB/s`;
	const packed = packedBytes === 0 ? '' : `${formatBytes(packedBytes)} (${((100 * packedBytes) / rawBytes).toFixed(1)} %)`;
	console.log(`${name.padEnd(52)} ${(ms / 1000).toFixed(2).padStart(7)} s ${rate.padStart(10)}   ${packed}`);
}

async function readFrames(): Promise<Uint8Array[]> {
	const frames: Uint8Array[] = [];
	const allocate = (): Uint8Array => new Uint8Array(new SharedArrayBuffer(FRAME_BYTES));
	for await (const frame of narFrames(path, { frameBytes: FRAME_BYTES, allocate, signal })) frames.push(frame);
	return frames;
}

function infoOf(parts: readonly Uint8Array[], name: string): PathInfo {
	const hash = createHash('sha256');
	for (const part of parts) hash.update(part);
	return {
		path: name,
		narHash: { algorithm: 'sha256', digest: hash.digest() },
		narSizeBytes: parts.reduce((sum, part) => sum + part.length, 0),
		references: [],
		deriver: null,
		signatures: [],
		ca: null,
		ultimate: true,
	};
}

/** Of NARs in memory. */
function readerOf(nars: ReadonlyMap<string, readonly Uint8Array[]>): NarReader {
	return {
		async *frames(name, { frameBytes, allocate }) {
			for (const part of nars.get(name) ?? []) {
				for (let at = 0; at < part.length; at += frameBytes) {
					const bytes = part.subarray(at, at + frameBytes);
					const frame = allocate();
					frame.set(bytes);
					yield frame.subarray(0, bytes.length);
				}
			}
		},
		into(room, name) {
			let at = 0;
			for (const part of nars.get(name) ?? []) {
				room.set(part, at);
				at += part.length;
			}
			return room.subarray(0, at);
		},
	};
}

/** A push of its own: threads, packs and all. The bytes of the packs. */
async function pushed(infos: readonly PathInfo[], reader: NarReader, known?: PackWriter): Promise<number> {
	const folder = mkdtempSync(join(tmpdir(), 'bench-chunks-'));
	const packer = createPacker({
		compression: 'zstd',
		level,
		spool: { kind: 'own', folder: join(folder, 'spool') },
		threads,
		reader,
	});
	const writer = known ?? createPackWriter({ folder, header: new Uint8Array(16), trailer: () => new Uint8Array(32) });
	let newBytes = 0;
	const isKnown = (id: Uint8Array): boolean => writer.find(id) !== null;
	const pushOne = async (info: PathInfo): Promise<void> => {
		for await (const { id, frame } of packer.sourceOf(info).chunks(isKnown, signal)) {
			if (frame === null) continue;
			if (!isKnown(id)) newBytes += frame.length;
			await writer.append(id, frame);
		}
	};
	try {
		const todo = infos.values();
		const lane = async (): Promise<void> => {
			for (const info of todo) await pushOne(info);
		};
		await Promise.all(Array.from({ length: 8 }, lane));
		if (known === undefined) await writer.finish();
		return newBytes;
	} finally {
		await packer.close();
		if (known === undefined) await writer.close();
		rmSync(folder, { recursive: true, force: true });
	}
}

const frames = await readFrames();
const info = infoOf(frames, path);
const sizeBytes = info.narSizeBytes;
console.log(
	`${path}: NAR of ${formatBytes(sizeBytes)}; zstd level ${level}, ${threads} threads; median of ${values.runs} runs\n`,
);

const reading = await measure(async () => {
	const frame = new Uint8Array(FRAME_BYTES);
	for await (const _ of narFrames(path, { frameBytes: FRAME_BYTES, allocate: () => frame, signal }));
	return 0;
});
print('reading the NAR alone', sizeBytes, reading);
let chunkCount = 0;
const chunking = await measure(async () => {
	const chunker = createChunker(CHUNK_SIZES);
	chunkCount = frames.reduce((sum, frame) => sum + chunker.cut(frame).length, 0);
	return 0;
});
print(`chunking alone (mean ${formatBytes(sizeBytes / chunkCount)})`, sizeBytes, chunking);
const hashing = await measure(async () => infoOf(frames, path).narHash.digest.length * 0);
print('SHA-256 alone, one thread', sizeBytes, hashing);
const pool = createWorkerPool(threads);
const zstd = await measure(async () => {
	const packed = await Promise.all(frames.map((frame) => pool.run({ kind: 'zstd', level, frame })));
	return packed.reduce((sum, bytes) => sum + bytes.length, 0);
});
await pool.close();
print(`zstd alone in frames of 4 MiB, ${threads} threads`, sizeBytes, zstd);
// Whatever is done, these seconds of processor have to be spent.
const limitMs = zstd.ms + (reading.ms + chunking.ms + 2 * hashing.ms) / threads;
print('limit (all of these, SHA-256 twice)', sizeBytes, { ms: limitMs, packedBytes: zstd.packedBytes });
print('a push into a pack, threads started anew', sizeBytes, await measure(() => pushed([info], narReader)));

const smallFrames = Array.from({ length: 1500 }, (_, index) => {
	const frame = frames[index % frames.length] ?? new Uint8Array(0);
	return [frame.slice((index * 10007) % (frame.length / 2), ((index * 10007) % (frame.length / 2)) + 2000 + (index % 40) * 1000)];
});
const smallNars = new Map(smallFrames.map((parts, index) => [`small-${index}`, parts]));
const smallInfos = [...smallNars].map(([name, parts]) => infoOf(parts, name));
const smallBytes = smallInfos.reduce((sum, { narSizeBytes }) => sum + narSizeBytes, 0);
print('1,500 small NARs from memory into a pack', smallBytes, await measure(() => pushed(smallInfos, readerOf(smallNars))));

/** One frame of the NAR replaced by other bytes, some more than there were. */
const middle = Math.floor(frames.length / 2);
const edited = frames.with(middle, randomBytes((frames[middle]?.length ?? 0) + 1000));
const folder = mkdtempSync(join(tmpdir(), 'bench-chunks-'));
const first = createPackWriter({ folder, header: new Uint8Array(16), trailer: () => new Uint8Array(32) });
const firstBytes = await pushed([info], narReader, first);
const started = performance.now();
const rebuiltBytes = await pushed([infoOf(edited, 'edited')], readerOf(new Map([['edited', edited]])), first);
print('a rebuild with an edit in one place', sizeBytes, { ms: performance.now() - started, packedBytes: rebuiltBytes });
console.log(`  that is ${((100 * rebuiltBytes) / firstBytes).toFixed(2)} % of what the first one took`);
await first.close();
rmSync(folder, { recursive: true, force: true });
