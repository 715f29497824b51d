import { availableParallelism } from 'node:os';
import type { Compression, NarSource, PackedNar } from '../backends/backend.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { type NarReader, narReader } from '../store/nar.ts';
import { chunkNar } from './chunk-packing.ts';
import { createEncoder, DEFAULT_LEVELS } from './encoder.ts';
import { borrowFrames, createFramePool } from './frame-pool.ts';
import { compressFrame } from './frame-worker.ts';
import { checkNar, digestOnThread } from './nar-check.ts';
import { type Nar, readChecked, readFrames, readSmall, SMALL_NAR_BYTES } from './nar-reading.ts';
import { createSpool, type Spooled, type SpoolPlace } from './spool.ts';
import { createWorkerPool } from './worker-pool.ts';

export interface PackerOptions {
	readonly compression: Compression;
	/** `null`: the default for that compression. */
	readonly level: number | null;
	/** For what does not wait in memory. */
	readonly spool: SpoolPlace;
	/** Where the file system has a store path, for chroot stores. Default: the path itself. */
	readonly realPath?: (storePath: string) => string;
	/** Default: from the file system. */
	readonly reader?: NarReader;
	/** Threads that compress. Default: one per core, at most 4. */
	readonly threads?: number;
}

/** Packs NARs for one push. Threads start with the first large path; `close` ends them and removes the spool folder. */
export interface Packer {
	/** `onRead` is told of bytes of the NAR as they are read from the store. */
	sourceOf(info: PathInfo, onRead?: (bytes: number) => void): NarSource;
	/** Some of these may be packed soon: gets ready for it while others ask the cache. */
	expect(infos: readonly PathInfo[]): void;
	close(): Promise<void>;
}

/** What one thread compresses at a time. Cut like this, programs at level 2 become 0.2 % larger than in one piece; at 1 MiB it is 1.1 %. */
const FRAME_BYTES = 4 * 1024 * 1024;

/**
 * Chunks are hashed once more than NARs are, and stored once however often they come again: a level below the one for NARs, for 6 % more bytes, makes up for
 * the former (10 % less time).
 */
const CHUNK_LEVEL = 1;

/** SHA-256 of one path is one thread's work; more than this many compressing threads would wait for it. */
const MAX_THREADS = 4;

/** What waits packed in memory; the rest waits on disk. */
const SPOOL_LIMITS = { bodyBytes: 2 * 1024 * 1024, totalBytes: 16 * 1024 * 1024 };

const RAW_CHUNK_BYTES = 1024 * 1024;

export function createPacker(options: PackerOptions): Packer {
	const { compression, reader = narReader, realPath = (path) => path } = options;
	const threads = options.threads ?? Math.min(availableParallelism(), MAX_THREADS);
	const compressing = createWorkerPool(threads);
	const hashing = createWorkerPool(1);
	// For each thread one frame at work and one ready; one being read, and one on its way into the spool.
	const frames = createFramePool(2 * threads + 2, FRAME_BYTES);
	const spool = createSpool(options.spool, SPOOL_LIMITS);
	const level = options.level ?? DEFAULT_LEVELS[compression];
	const chunkLevel = (compression === 'zstd' ? options.level : null) ?? CHUNK_LEVEL;
	const chunking = { level: chunkLevel, compressing, hashing, frames };

	async function packSmall(nar: Nar, signal: AbortSignal): Promise<PackedNar> {
		signal.throwIfAborted();
		const packed = readSmall(nar, (bytes) =>
			compression === 'zstd' || compression === 'gzip' ? compressFrame(compression, level, bytes) : new Uint8Array(bytes),
		);
		const writer = await spool.open(packed.length, nar.info.path);
		try {
			await writer.write(packed);
			return toPacked(compression, await writer.finish());
		} finally {
			await writer.discard();
		}
	}

	async function packInFrames(nar: Nar, signal: AbortSignal): Promise<PackedNar> {
		const { info } = nar;
		const writer = await spool.open(info.narSizeBytes, info.path);
		const loan = borrowFrames(frames, signal);
		const encoder = createEncoder(compression, level, compressing, writer.write);
		const check = checkNar(info, digestOnThread(hashing));
		try {
			for await (const frame of loan.fill((how) => readFrames(nar, how)))
				loan.use(frame, [check.update(frame), encoder.write(frame)]);
			await loan.settled();
			await encoder.finish();
			await check.verify();
			return toPacked(compression, await writer.finish());
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

	const packsSmall = compression === 'zstd' || compression === 'gzip' || compression === 'none';
	const isSmall = ({ narSizeBytes }: PathInfo): boolean => packsSmall && narSizeBytes <= SMALL_NAR_BYTES;
	return {
		expect(infos) {
			const bytes = infos.reduce((sum, info) => (isSmall(info) ? sum : sum + info.narSizeBytes), 0);
			if (bytes === 0) return;
			hashing.start(1);
			if (compression === 'zstd' || compression === 'gzip') compressing.start(Math.ceil(bytes / FRAME_BYTES));
		},
		sourceOf(info, onRead = () => {}) {
			const nar: Nar = { info, file: realPath(info.path), reader, onRead };
			const pack = isSmall(info) ? packSmall : packInFrames;
			return {
				raw: (signal) => readChecked(nar, Math.min(RAW_CHUNK_BYTES, Math.max(1, info.narSizeBytes)), signal),
				packed: (signal) => pack(nar, signal),
				chunks: (isKnown, signal) => chunkNar(nar, isKnown, chunking, signal),
			};
		},
		async close() {
			await Promise.all([compressing.close(), hashing.close()]);
			await spool.close();
		},
	};
}

function toPacked(compression: Compression, { body, sha256, dispose }: Spooled): PackedNar {
	return { compression, fileHash: sha256, body, dispose };
}
