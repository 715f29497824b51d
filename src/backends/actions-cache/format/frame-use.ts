import type { Chunk, Pack, StoredPath, StoreIndex } from './model.ts';

/** The frames of one pack that paths need. */
export interface LivePack {
	readonly pack: Pack;
	readonly liveBytes: number;
	/** In the order of the pack. */
	readonly frames: readonly Chunk[];
}

/** Which frames are needed, and by how many paths. */
export class FrameUse {
	readonly #frames = new Map<string, { readonly chunk: Chunk; paths: number }>();
	#liveBytes = 0;

	constructor(index: StoreIndex, paths: Iterable<StoredPath>) {
		for (const path of paths) {
			for (const [id, chunk] of chunksOf(path)) {
				const known = this.#frames.get(id);
				if (known !== undefined) known.paths++;
				else this.#add(id, placeOf(index, chunk));
			}
		}
	}

	/** Bytes of the frames that paths need. */
	get liveBytes(): number {
		return this.#liveBytes;
	}

	drop(path: StoredPath): void {
		for (const id of chunksOf(path).keys()) {
			const frame = this.#frames.get(id);
			if (frame === undefined || --frame.paths > 0) continue;
			this.#frames.delete(id);
			this.#liveBytes -= frame.chunk.frameBytes;
		}
	}

	packs(): readonly LivePack[] {
		const byKey = Map.groupBy(this.#frames.values(), ({ chunk }) => chunk.pack.key);
		return [...byKey.values()].flatMap((used) => {
			const frames = used.map(({ chunk }) => chunk).sort((a, b) => a.offset - b.offset);
			const pack = frames[0]?.pack;
			return pack === undefined ? [] : [{ pack, frames, liveBytes: frameBytesOf(frames) }];
		});
	}

	#add(id: string, chunk: Chunk): void {
		this.#frames.set(id, { chunk, paths: 1 });
		this.#liveBytes += chunk.frameBytes;
	}
}

/** Where all paths find the chunk: two jobs may have stored it at the same time, and one place is enough. */
export function placeOf(index: StoreIndex, chunk: Chunk): Chunk {
	return index.chunk(chunk.id) ?? chunk;
}

export function frameBytesOf(chunks: readonly Chunk[]): number {
	return chunks.reduce((sum, { frameBytes }) => sum + frameBytes, 0);
}

/** For a key of a `Map`. */
export function textOf(id: Uint8Array): string {
	return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
}

/** Each chunk once, however often the NAR has it. */
function chunksOf({ chunks }: StoredPath): ReadonlyMap<string, Chunk> {
	return new Map(chunks.map((chunk) => [textOf(chunk.id), chunk]));
}
