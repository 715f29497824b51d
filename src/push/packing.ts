import { availableParallelism } from 'node:os';
import type { Compression, NarSource, PackedNar } from '../backends/backend.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { createEncoder, DEFAULT_LEVELS } from './encoder.ts';
import { borrowFrames, createFramePool } from './frame-pool.ts';
import { compressFrame } from './frame-worker.ts';
import { checkNar, digestHere, digestOnThread } from './nar-check.ts';
import { createSpool, type Spooled } from './spool.ts';
import { createWorkerPool } from './worker-pool.ts';

/** The NAR of what lies at `path`, in frames of exactly `frameBytes` but the last, each in a buffer from `allocate`. */
export type NarReader = (
	path: string,
	options: {
		readonly frameBytes: number;
		readonly allocate: () => Uint8Array | Promise<Uint8Array>;
		readonly signal: AbortSignal;
	},
) => AsyncIterable<Uint8Array>;

export interface PackerOptions {
	readonly compression: Compression;
	/** `null`: the default for that compression. */
	readonly level: number | null;
	/** A folder for spool files, made (0700) when first needed and removed by `close`. */
	readonly spoolDir: string;
	/** Where the file system has a store path, for chroot stores. Default: the path itself. */
	readonly realPath?: (storePath: string) => string;
	readonly readNar: NarReader;
	/** Threads that compress. Default: one per core, at most 4. */
	readonly threads?: number;
}

/** Packs NARs for one push. Threads start with the first large path; `close` ends them and removes the spool folder. */
export interface Packer {
	sourceOf(info: PathInfo): NarSource;
	close(): Promise<void>;
}

/**
 * What one thread compresses at a time. Larger frames compress no better with zstd's window at the usual levels (bench/README.md),
 * smaller ones do worse.
 */
const FRAME_BYTES = 4 * 1024 * 1024;

/** NARs up to here are packed at once on the main thread: the way to another one takes longer. */
const INLINE_BYTES = 256 * 1024;

/** SHA-256 of one path is one thread's work; more than this many compressing threads would wait for it. */
const MAX_THREADS = 4;

const SPOOL_LIMITS = { bodyBytes: 8 * 1024 * 1024, totalBytes: 32 * 1024 * 1024 };

const RAW_CHUNK_BYTES = 1024 * 1024;

export function createPacker(options: PackerOptions): Packer {
	const threads = options.threads ?? Math.min(availableParallelism(), MAX_THREADS);
	const compressing = createWorkerPool(threads);
	const hashing = createWorkerPool(1);
	// For each thread one frame at work and one ready, one being read, and one on its way into the spool.
	const frames = createFramePool(2 * threads + 2, FRAME_BYTES);
	const spool = createSpool(options.spoolDir, SPOOL_LIMITS);
	const { compression, readNar, realPath = (path) => path } = options;
	const level = options.level ?? DEFAULT_LEVELS[compression];

	async function* raw(info: PathInfo, frameBytes: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
		const check = checkNar(info, digestHere());
		let held: Uint8Array | null = null;
		for await (const bytes of readNar(realPath(info.path), { frameBytes, allocate: () => new Uint8Array(frameBytes), signal })) {
			await check.update(bytes);
			if (held !== null) yield held;
			held = bytes;
		}
		await check.verify();
		if (held !== null) yield held;
	}

	async function packInline(info: PathInfo, signal: AbortSignal): Promise<PackedNar> {
		const parts: Uint8Array[] = [];
		for await (const bytes of raw(info, info.narSizeBytes, signal)) parts.push(bytes);
		const nar = parts[0] ?? new Uint8Array(0);
		const packed = compression === 'zstd' || compression === 'gzip' ? compressFrame(compression, level, nar) : nar;
		const writer = await spool.open(packed.length, info.path);
		try {
			await writer.write(packed);
			return toPacked(await writer.finish());
		} finally {
			await writer.discard();
		}
	}

	async function packInFrames(info: PathInfo, signal: AbortSignal): Promise<PackedNar> {
		const writer = await spool.open(info.narSizeBytes, info.path);
		const loan = borrowFrames(frames, signal);
		const encoder = createEncoder(compression, level, compressing, writer.write);
		const check = checkNar(info, digestOnThread(hashing));
		try {
			const reading = readNar(realPath(info.path), { frameBytes: FRAME_BYTES, allocate: loan.take, signal: loan.signal });
			for await (const frame of reading) loan.use(frame, [check.update(frame), encoder.write(frame)]);
			await loan.settled();
			await encoder.finish();
			await check.verify();
			return toPacked(await writer.finish());
		} catch (error) {
			// What failed first made the rest fail.
			const first = loan.failure() ?? error;
			encoder.abort();
			throw first;
		} finally {
			check.drop();
			await loan.close();
			await writer.discard();
		}
	}

	function toPacked({ body, sha256, dispose }: Spooled): PackedNar {
		return { compression, fileHash: sha256, body, dispose };
	}

	const packsInline = compression === 'zstd' || compression === 'gzip' || compression === 'none';
	return {
		sourceOf: (info) => ({
			raw: (signal) => raw(info, RAW_CHUNK_BYTES, signal),
			packed: shared((signal) =>
				packsInline && info.narSizeBytes <= INLINE_BYTES ? packInline(info, signal) : packInFrames(info, signal),
			),
		}),
		async close() {
			await Promise.all([compressing.close(), hashing.close()]);
			await spool.close();
		},
	};
}

/** One packing for all who ask before the last of them has disposed of it. The signal of the first counts. */
function shared(pack: (signal: AbortSignal) => Promise<PackedNar>): (signal: AbortSignal) => Promise<PackedNar> {
	let current: { readonly nar: Promise<PackedNar>; users: number } | null = null;
	return async (signal) => {
		const mine = (current ??= { nar: pack(signal), users: 0 });
		mine.users++;
		const leave = (): boolean => {
			if (--mine.users === 0 && current === mine) current = null;
			return mine.users === 0;
		};
		try {
			const nar = await mine.nar;
			let disposed = false;
			const dispose = async () => {
				if (disposed) return;
				disposed = true;
				if (leave()) await nar.dispose();
			};
			return { ...nar, dispose };
		} catch (error) {
			leave();
			throw error;
		}
	};
}
