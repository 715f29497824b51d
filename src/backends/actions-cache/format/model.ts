import type { PathInfo } from '../../../nix/path-info.ts';

/** One pack: an immutable entry of the Actions cache that holds frames. */
export interface Pack {
	/** Its key in the cache. */
	readonly key: string;
	readonly sizeBytes: number;
	/** Seconds since 1970. */
	readonly createdAt: number;
}

/** One chunk of a NAR, stored once however many NARs hold it. */
export interface Chunk {
	/** SHA-256 of the uncompressed bytes, 32 bytes: what tells it from all others. */
	readonly id: Uint8Array;
	readonly narBytes: number;
	readonly pack: Pack;
	/** Where its zstd frame begins in the pack. */
	readonly offset: number;
	readonly frameBytes: number;
	/** The first 16 bytes of the frame's SHA-256: nothing that fails it is served. */
	readonly frameHash: Uint8Array;
}

/** One store path, whole: its NAR is the concatenation of its chunks, and the NAR as it is served that of their frames. */
export interface StoredPath {
	/** `ultimate` is false. */
	readonly info: PathInfo;
	readonly chunks: readonly Chunk[];
	/** When a job last read or pushed it, as far as an index was written then. Seconds since 1970. */
	readonly usedAt: number;
}

/** What an index adds to a path that a newer one has. */
export type Mention = Pick<StoredPath, 'usedAt'> & Pick<PathInfo, 'signatures'>;

/** An index, or several looked at as one. Built once and read often: it decodes a path when it is asked for. */
export interface StoreIndex {
	readonly storeDir: string;
	readonly pathCount: number;
	/** By the 32 characters of the path's hash part. */
	path(hashPart: string): StoredPath | null;
	/** Cheap where `path` is not. It need not be one that `path` finds. */
	mention(hashPart: string): Mention | null;
	/** Cheap: nothing is decoded. Not each of them need be a path that `path` finds. */
	hashParts(): Iterable<string>;
	paths(): Iterable<StoredPath>;
	/** By its `id`. */
	chunk(id: Uint8Array): Chunk | null;
	readonly packs: readonly Pack[];
}

/** What an index says of itself and its place among the others of its ref: docs/decisions/003-index-slots.md. */
export interface IndexHeader {
	/** Number of the index among those of its ref, from 1. */
	readonly slot: number;
	/** Indexes of the same ref before this one that are not merged into it, since they could not be read yet: taken, but not there. */
	readonly openSlots: readonly number[];
	/** Seconds since 1970. */
	readonly createdAt: number;
	/** Which job wrote it, for people. */
	readonly writer: string;
}

export function mentionOf(path: StoredPath | null): Mention | null {
	return path === null ? null : { usedAt: path.usedAt, signatures: path.info.signatures };
}
