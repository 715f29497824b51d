import type { NarChunk } from '../backends/backend.ts';
import type { NarFrameOptions } from '../store/nar.ts';
import { type ChunkSizes, createChunker } from './chunker.ts';
import { borrowFrames, type FramePool } from './frame-pool.ts';
import { compressFrame, frameHash, giveBack, splitFrames } from './frame-worker.ts';
import { type Give, handedOver } from './handover.ts';
import { checkNar, digestOnThread } from './nar-check.ts';
import { type Nar, readFrames, readSmall, SMALL_NAR_BYTES } from './nar-reading.ts';
import type { WorkerPool } from './worker-pool.ts';

interface ChunkingOptions {
	/** Of zstd. */
	readonly level: number;
	/** Hashes and compresses chunks. */
	readonly compressing: WorkerPool;
	/** Hashes NARs; one thread. */
	readonly hashing: WorkerPool;
	/** Larger than a chunk. */
	readonly frames: FramePool;
}

/** Says of a chunk, by its id, that no frame of it is wanted. Asked once for each chunk of a NAR, ahead of the reader. */
type IsKnown = (id: Uint8Array) => boolean;

const KiB = 1024;

/**
 * With these a chunk has 740 KiB on average, and 370 MB of programs become 3.4 % larger than in frames of 4 MiB (with chunks half as large 6 %,
 * twice as large 1.5 %). A NAR of at most `minBytes` is one chunk: the way to another thread would take longer.
 */
export const CHUNK_SIZES: ChunkSizes = { minBytes: SMALL_NAR_BYTES, normalBytes: 512 * KiB, maxBytes: 2048 * KiB };

const NOTHING = new Uint8Array(0);
const NO_FRAME = { frame: null, frameHash: null };

/**
 * The chunks of the NAR. They come before all of it has been read: it is whole only when the last one was followed by the end. Throws `path-corrupt`
 * when size or hash are not the recorded ones, what reading throws (`path-vanished`, ...), what `isKnown` throws, and `signal.reason`. A small NAR
 * that is known is not read.
 */
export async function* chunkNar(
	nar: Nar,
	isKnown: IsKnown,
	options: ChunkingOptions,
	signal: AbortSignal,
): AsyncGenerator<NarChunk, void, void> {
	if (nar.info.narSizeBytes <= CHUNK_SIZES.minBytes) yield chunkWhole(nar, isKnown, options.level, signal);
	else yield* handedOver((give, either) => chunkInFrames(nar, packer(isKnown, options, give), options, either), signal);
}

/** One chunk, whose id is known without reading: if it is stored, so is the NAR. */
function chunkWhole(nar: Nar, isKnown: IsKnown, level: number, signal: AbortSignal): NarChunk {
	signal.throwIfAborted();
	const chunk = { id: nar.info.narHash.digest, narBytes: nar.info.narSizeBytes };
	if (isKnown(chunk.id)) return { ...chunk, ...NO_FRAME };
	const frame = readSmall(nar, (bytes) => compressFrame('zstd', level, bytes));
	return { ...chunk, frame, frameHash: frameHash(frame) };
}

/** Packs chunks that lie in one frame, until the reader has them. Calls need not wait for each other. */
type PackChunks = (chunks: readonly Uint8Array[]) => Promise<void>;

async function chunkInFrames(
	nar: Nar,
	packChunks: PackChunks,
	{ hashing, frames }: ChunkingOptions,
	signal: AbortSignal,
): Promise<void> {
	const loan = borrowFrames(frames, signal);
	const check = checkNar(nar.info, digestOnThread(hashing));
	const split = createSplitter(nar.info.narSizeBytes);
	try {
		for await (const frame of loan.fill((how) => readFrames(nar, behindRoom(how)))) {
			loan.use(frame, [check.update(frame), packChunks(split(frame))]);
		}
		await loan.settled();
		await check.verify();
	} catch (error) {
		// What failed first made the rest fail.
		throw loan.failure() ?? error;
	} finally {
		check.drop();
		await loan.close();
	}
}

function packer(isKnown: IsKnown, options: ChunkingOptions, give: Give<NarChunk>): PackChunks {
	let before: Promise<unknown> = Promise.resolve();
	return async (chunks) => {
		const turn = Promise.all([pack(chunks, isKnown, options), before]);
		const given = turn.then(([packed]) => ({ packed, all: packed.map(give) }));
		// The next one waits for its turn only; what fails is told here.
		before = given.catch(() => {});
		const { packed, all } = await given;
		await Promise.all(all);
		release(packed);
	};
}

async function pack(
	chunks: readonly Uint8Array[],
	isKnown: IsKnown,
	{ compressing, level }: ChunkingOptions,
): Promise<NarChunk[]> {
	if (chunks.length === 0) return [];
	const ids = await compressing.run({ kind: 'chunk-ids', chunks });
	const found = chunks.map((bytes, index) => {
		const id = ids.slice(32 * index, 32 * (index + 1));
		return { id, bytes, known: isKnown(id) };
	});
	const wanted = found.filter((chunk) => !chunk.known).map((chunk) => chunk.bytes);
	const joined = wanted.length === 0 ? NOTHING : await compressing.run({ kind: 'chunk-frames', level, chunks: wanted });
	const frames = splitFrames(joined).values();
	return found.map(({ id, bytes, known }) => {
		const made = known ? NO_FRAME : (frames.next().value ?? NO_FRAME);
		return { id, narBytes: bytes.length, ...made };
	});
}

/** Lets a reader fill the end of each buffer, so that in front of it there is room for what is left of the one before. */
function behindRoom({ frameBytes, allocate, signal }: NarFrameOptions): NarFrameOptions {
	const roomBytes = CHUNK_SIZES.maxBytes;
	return { frameBytes: frameBytes - roomBytes, allocate: () => allocate().subarray(roomBytes), signal };
}

/** Answers each frame of a NAR, which has room in front of it, with the chunks that end there. They lie in that frame's buffer, whole. */
function createSplitter(narSizeBytes: number): (frame: Uint8Array) => Uint8Array[] {
	const chunker = createChunker(CHUNK_SIZES);
	// Used again: new memory for each frame would take three times as long as copying does.
	let kept = new Uint8Array(0);
	let restBytes = 0;
	let readBytes = 0;
	return (frame) => {
		const ends = chunker.cut(frame);
		readBytes += frame.length;
		if (readBytes >= narSizeBytes && ends.at(-1) !== frame.length) ends.push(frame.length);
		const joined = new Uint8Array(frame.buffer, frame.byteOffset - restBytes, restBytes + frame.length);
		joined.set(kept.subarray(0, restBytes));
		const starts = [0, ...ends.map((end) => restBytes + end)];
		const chunks = ends.map((end, index) => joined.subarray(starts[index], restBytes + end));
		const rest = joined.subarray(starts.at(-1));
		if (rest.length > kept.length) kept = new Uint8Array(rest.length);
		kept.set(rest);
		restBytes = rest.length;
		return chunks;
	};
}

/** Frames that were made together lie in one buffer. */
function release(chunks: readonly NarChunk[]): void {
	const first = chunks.find((chunk) => chunk.frame !== null)?.frame ?? null;
	if (first !== null) giveBack(first);
}
