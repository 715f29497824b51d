import { Readable } from 'node:stream';
import { describeError, isCacheError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { NarInfo } from '../../nix/narinfo.ts';
import type { ByteRange, NarBytes, PathReader } from '../path-reader.ts';
import type { Chunk, StoredPath, StoreIndex } from './format/model.ts';
import type { Packs } from './packs.ts';

export interface StoreReaderOptions {
	readonly index: StoreIndex;
	readonly packs: Packs;
	readonly log: Log;
	/** Called once, with the last stream at rest. */
	readonly onClose: () => Promise<void>;
}

/** So much of a NAR is there, and checked, before its first byte is handed out: whatever is wrong with it by then is a plain "not there". */
const AHEAD_BYTES = 4 * 1024 * 1024;

/** Serves paths of the Actions cache: narinfos from the index, NARs as the frames of their chunks, which joined are a zstd stream. */
export function createStoreReader({ index, packs, log, onClose }: StoreReaderOptions): PathReader {
	/** Paths whose frames turned out to be wrong. */
	const spoiled = new Set<string>();

	const find = (hashPart: string): StoredPath | null => {
		if (spoiled.has(hashPart)) return null;
		const stored = index.path(hashPart);
		return stored === null || stored.chunks.some(({ pack }) => packs.gone.has(pack.key)) ? null : stored;
	};

	async function* counted(
		hashPart: string,
		chunks: readonly Chunk[],
		signal: AbortSignal,
	): AsyncGenerator<Uint8Array, void, void> {
		try {
			yield* packs.frames(chunks, signal);
		} catch (error) {
			if (isCacheError(error, 'cache-invalid')) spoiled.add(hashPart);
			if (isCacheError(error, 'cache-invalid', 'cache-not-found')) log.info(describeError(error));
			throw error;
		}
	}

	return {
		label: 'the Actions cache',
		async narInfo(hashPart) {
			const stored = find(hashPart);
			if (stored === null) return null;
			// A pack that has gone is noticed before Nix decides for the path, and one that is used is kept by GitHub.
			return (await packs.areThere(new Set(stored.chunks.map(({ pack }) => pack)))) ? narInfoOf(hashPart, stored) : null;
		},
		async openNar(url, range, signal) {
			const stored = find(url);
			if (stored === null) return null;
			const totalBytes = fileBytes(stored);
			const wanted = { start: range?.start ?? 0, end: Math.min(range?.end ?? totalBytes, totalBytes - 1) };
			if (wanted.start > wanted.end) return null;
			const { chunks, skipBytes } = chunksIn(stored.chunks, wanted);
			const bytes = cut(counted(url, chunks, signal), skipBytes, wanted.end - wanted.start + 1);
			try {
				return { totalBytes, range: wanted, stream: await streamOf(bytes) } satisfies NarBytes;
			} catch (error) {
				if (isCacheError(error, 'cache-invalid', 'cache-not-found')) return null;
				throw error;
			}
		},
		close: onClose,
	};
}

/** Its URL is the hash part: nothing else is needed to find its chunks again. */
function narInfoOf(hashPart: string, stored: StoredPath): NarInfo {
	const { path, narHash, narSizeBytes, references, deriver, signatures, ca } = stored.info;
	const file = { url: hashPart, compression: 'zstd', fileHash: null, fileSizeBytes: fileBytes(stored) };
	return { storePath: path, narHash, narSizeBytes, references, deriver, signatures, ca, ...file };
}

function fileBytes({ chunks }: StoredPath): number {
	return chunks.reduce((sum, { frameBytes }) => sum + frameBytes, 0);
}

/** The chunks whose frames hold `range`, and how much of the first one comes before it. */
function chunksIn(all: readonly Chunk[], range: ByteRange): { readonly chunks: readonly Chunk[]; readonly skipBytes: number } {
	const chunks: Chunk[] = [];
	let skipBytes = 0;
	let at = 0;
	for (const chunk of all) {
		const end = at + chunk.frameBytes;
		if (end > range.start && at <= range.end) {
			if (chunks.length === 0) skipBytes = range.start - at;
			chunks.push(chunk);
		}
		at = end;
	}
	return { chunks, skipBytes };
}

async function* cut(
	frames: AsyncIterable<Uint8Array>,
	skipBytes: number,
	sizeBytes: number,
): AsyncGenerator<Uint8Array, void, void> {
	let skip = skipBytes;
	let left = sizeBytes;
	for await (const frame of frames) {
		const part = frame.subarray(skip, skip + left);
		skip = 0;
		left -= part.length;
		if (part.length > 0) yield part;
		if (left === 0) return;
	}
}

/** A stream whose first bytes are there already. */
async function streamOf(parts: AsyncGenerator<Uint8Array, void, void>): Promise<Readable> {
	const ahead: Uint8Array[] = [];
	let aheadBytes = 0;
	let ended = false;
	while (!ended && aheadBytes < AHEAD_BYTES) {
		const next = await parts.next();
		ended = next.done === true;
		if (!next.done) {
			ahead.push(next.value);
			aheadBytes += next.value.length;
		}
	}
	async function* all(): AsyncGenerator<Uint8Array, void, void> {
		try {
			yield* ahead;
			if (!ended) yield* parts;
		} finally {
			await parts.return();
		}
	}
	return Readable.from(all(), { objectMode: false });
}
