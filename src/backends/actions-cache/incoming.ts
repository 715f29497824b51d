import { CacheError } from '../../errors.ts';
import type { PathInfo } from '../../nix/path-info.ts';
import type { NarChunk, NarSource } from '../backend.ts';
import type { Chunk, Pack, StoredPath, StoreIndex } from './format/model.ts';
import type { FramePlace, PackWriter } from './pack-writer.ts';

/** A chunk that lies in a pack of this push, which has no name yet. */
interface NewChunk {
	readonly id: Uint8Array;
	readonly narBytes: number;
	readonly frameHash: Uint8Array;
	readonly place: FramePlace;
}

type IncomingChunk = Chunk | NewChunk;

/** A path whose NAR lies in the store, or in the packs of this push. */
export interface IncomingPath {
	/** New bytes in the packs of this push. */
	readonly sentBytes: number;
	/** Packs of the store that hold parts of it. */
	readonly olderPacks: readonly Pack[];
	/** The path as an index describes it, once the packs have their names: in the order in which `PackWriter.finish` gave them. */
	stored(info: PathInfo, packs: readonly Pack[], usedAt: number): StoredPath;
}

/** Takes NARs in: what the store has of them already is left where it is, the rest is appended to the packs of this push. */
export interface Incoming {
	take(nar: NarSource, signal: AbortSignal): Promise<IncomingPath>;
}

/** @param isGone whether the pack with this key is known to be gone, so that its chunks have to be stored again */
export function createIncoming(index: StoreIndex, isGone: (packKey: string) => boolean, writer: PackWriter): Incoming {
	/** Hashes of new frames, by chunk: a chunk that another NAR brings needs it too. */
	const hashes = new Map<string, Uint8Array>();

	const known = (id: Uint8Array): Chunk | null => {
		const chunk = index.chunk(id);
		return chunk === null || isGone(chunk.pack.key) ? null : chunk;
	};
	const append = async (id: Uint8Array, narBytes: number, frame: Uint8Array, frameHash: Uint8Array): Promise<NewChunk> => {
		hashes.set(keyOf(id), frameHash);
		return { id, narBytes, frameHash, place: await writer.append(id, frame) };
	};
	const find = async ({ id, narBytes }: NarChunk): Promise<IncomingChunk> => {
		const there = known(id);
		if (there !== null) return there;
		const [place, frameHash] = [await writer.find(id), hashes.get(keyOf(id))];
		if (place === null || frameHash === undefined)
			throw new CacheError('internal', 'A chunk that was known is not there any more.');
		return { id, narBytes, frameHash, place };
	};

	return {
		async take(nar, signal) {
			const chunks: IncomingChunk[] = [];
			const sent = new Set<string>();
			for await (const chunk of nar.chunks((id) => known(id) !== null || writer.find(id) !== null, signal)) {
				const { id, narBytes, frame, frameHash } = chunk;
				if (frame === null || frameHash === null) chunks.push(await find(chunk));
				else {
					if (writer.find(id) === null) sent.add(keyOf(id));
					chunks.push(await append(id, narBytes, frame, frameHash));
				}
			}
			return incomingPath(chunks, sent);
		},
	};
}

function incomingPath(chunks: readonly IncomingChunk[], sent: ReadonlySet<string>): IncomingPath {
	const own = new Map(
		chunks.flatMap((chunk) => ('place' in chunk && sent.has(keyOf(chunk.id)) ? [[keyOf(chunk.id), chunk.place]] : [])),
	);
	const older = new Map(chunks.flatMap((chunk) => ('place' in chunk ? [] : [[chunk.pack.key, chunk.pack] as const])));
	return {
		olderPacks: [...older.values()],
		sentBytes: [...own.values()].reduce((sum, { frameBytes }) => sum + frameBytes, 0),
		stored: (info, packs, usedAt) => ({
			info,
			usedAt,
			chunks: chunks.map((chunk) => ('place' in chunk ? named(chunk, packs) : chunk)),
		}),
	};
}

function named({ id, narBytes, frameHash, place }: NewChunk, packs: readonly Pack[]): Chunk {
	const pack = packs[place.pack];
	if (pack === undefined) throw new CacheError('internal', 'A frame lies in a pack that was not finished.');
	return { id, narBytes, frameHash, pack, offset: place.offset, frameBytes: place.frameBytes };
}

function keyOf(id: Uint8Array): string {
	return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
}
