/*
 * How an index lies in bytes: docs/actions-cache-format.md. Numbers are little-endian.
 *
 *     magic (8) | version u32 | flags u32, zero | size of the body u64 | SHA-256 of the body (32) | the body as one zstd frame
 *
 * Body:
 *
 *     size of the head u32 | head (JSON) | chunk table | path table | path records
 */

export const INDEX_MAGIC = 'NIXCINDX';
export const INDEX_VERSION = 1;

/** Before the zstd frame. */
export const PREFIX_BYTES = 56;
export const PREFIX = { version: 8, flags: 12, bodyBytes: 16, sha256: 24 } as const;

/** What a reader makes room for. An index of 50,000 paths has a body of some 20 MB. */
export const MAX_INDEX_BYTES = 256 * 1024 * 1024;
export const MAX_BODY_BYTES = 512 * 1024 * 1024;
/** Some 20,000 packs. JSON can take a hundred times its size in memory, so it is kept small. */
export const MAX_HEAD_BYTES = 4 * 1024 * 1024;
/** The record of a NAR of some 250 GB. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024;
export const MAX_WRITER_CHARS = 1000;

/** One line of the chunk table, which is sorted by `id`. */
export const CHUNK = {
	id: 0,
	idBytes: 32,
	pack: 32,
	offset: 36,
	narBytes: 44,
	frameBytes: 48,
	frameHash: 52,
	frameHashBytes: 16,
	bytes: 68,
} as const;

/** One line of the path table, which is sorted by hash part: 32 characters, where the record begins among the records, its length. */
export const PATH = { hashPart: 0, hashPartBytes: 32, record: 32, recordBytes: 36, bytes: 40 } as const;

/** The head of the body. */
export interface IndexHead {
	readonly slot: number;
	readonly openSlots: readonly number[];
	readonly createdAt: number;
	readonly writer: string;
	readonly storeDir: string;
	readonly packs: readonly PackRecord[];
	readonly chunks: number;
	readonly paths: number;
}

export interface PackRecord {
	readonly key: string;
	readonly sizeBytes: number;
	readonly createdAt: number;
}

/** The record of one path, JSON. Fields that would say nothing are left out. */
export interface PathRecord {
	/** After the hash part and its dash. */
	readonly name: string;
	/** 64 hexadecimal digits of SHA-256. */
	readonly narHash: string;
	readonly narSize: number;
	/** A number is a line of the path table, a text is `<hash>-<name>` of a path that the index does not have. */
	readonly refs?: readonly (number | string)[];
	/** `<hash>-<name>`. */
	readonly deriver?: string;
	readonly sigs?: readonly string[];
	readonly ca?: string;
	/** Seconds since 1970. */
	readonly used: number;
	/** Lines of the chunk table, in the order of the NAR. */
	readonly chunks: readonly number[];
}
