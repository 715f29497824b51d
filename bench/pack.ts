/**
 * What packing takes, and what it can't be faster than: zstd alone on all threads and SHA-256 alone on one, over the same bytes.
 *
 *     node bench/pack.ts <path> [--levels 1,2,3] [--runs 5] [--threads 2]
 *
 * `path` is any file or folder; its NAR is held in memory for the limits, so it should have some hundred megabytes.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { PathInfo } from '../src/nix/path-info.ts';
import { createPacker } from '../src/push/packing.ts';
import { createWorkerPool } from '../src/push/worker-pool.ts';
import { formatBytes } from '../src/quantity.ts';
import { narFrames } from '../src/store/nar.ts';

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		levels: { type: 'string', default: '1,2,3' },
		runs: { type: 'string', default: '5' },
		threads: { type: 'string', default: String(Math.min(availableParallelism(), 4)) },
	},
});
const path = resolve(positionals[0] ?? '/usr/lib');
const threads = Number(values.threads);
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

async function readFrames(): Promise<Uint8Array[]> {
	const frames: Uint8Array[] = [];
	const allocate = (): Uint8Array => new Uint8Array(new SharedArrayBuffer(FRAME_BYTES));
	for await (const frame of narFrames(path, { frameBytes: FRAME_BYTES, allocate, signal })) frames.push(frame);
	return frames;
}

const frames = await readFrames();
const narSizeBytes = frames.reduce((sum, frame) => sum + frame.length, 0);
const info: PathInfo = {
	path,
	narHash: { algorithm: 'sha256', digest: hashOf(frames) },
	narSizeBytes,
	references: [],
	deriver: null,
	signatures: [],
	ca: null,
	ultimate: true,
};

function hashOf(parts: readonly Uint8Array[]): Uint8Array {
	const hash = createHash('sha256');
	for (const part of parts) hash.update(part);
	return hash.digest();
}

function print(name: string, { ms, packedBytes }: Measured): void {
	const rate = `${(narSizeBytes / ms / 1000).toFixed(0)} MB/s`;
	const packed = packedBytes === 0 ? '' : `${formatBytes(packedBytes)} (${((100 * packedBytes) / narSizeBytes).toFixed(1)} %)`;
	console.log(`${name.padEnd(34)} ${(ms / 1000).toFixed(2).padStart(7)} s ${rate.padStart(10)}   ${packed}`);
}

/** A frame only reads and writes memory, so all cores can be at it: there is no faster way with this zstd. */
async function zstdAlone(level: number): Promise<Measured> {
	const pool = createWorkerPool(threads);
	const measured = await measure(async () => {
		const packed = await Promise.all(frames.map((frame) => pool.run({ kind: 'zstd', level, frame })));
		return packed.reduce((sum, bytes) => sum + bytes.length, 0);
	});
	await pool.close();
	return measured;
}

async function packing(level: number): Promise<Measured> {
	const spoolDir = mkdtempSync(join(tmpdir(), 'bench-pack-'));
	const packer = createPacker({ compression: 'zstd', level, spool: { kind: 'own', folder: spoolDir }, threads });
	try {
		return await measure(async () => {
			const packed = await packer.sourceOf(info).packed(signal);
			await packed.dispose();
			return packed.body.sizeBytes;
		});
	} finally {
		await packer.close();
		rmSync(spoolDir, { recursive: true, force: true });
	}
}

console.log(`${path}: NAR of ${formatBytes(narSizeBytes)}; ${threads} threads; median of ${values.runs} runs\n`);
const reading = await measure(async () => {
	const frame = new Uint8Array(FRAME_BYTES);
	for await (const _ of narFrames(path, { frameBytes: FRAME_BYTES, allocate: () => frame, signal }));
	return 0;
});
print('reading the NAR alone', reading);
const hashing = await measure(async () => hashOf(frames).length * 0);
print('SHA-256 alone, one thread', hashing);
for (const level of values.levels.split(',').map(Number)) {
	const alone = await zstdAlone(level);
	print(`zstd -${level} alone, ${threads} threads`, alone);
	// Whatever is done, these seconds of processor have to be spent: reading and hashing on one core, zstd on all.
	const limitMs = alone.ms + (reading.ms + hashing.ms) / threads;
	print(`limit for level ${level} (all of these)`, { ms: limitMs, packedBytes: alone.packedBytes });
	print(`packing, zstd level ${level}`, await packing(level));
}
