import type { Readable } from 'node:stream';
import type { NarInfo } from '../nix/narinfo.ts';

/** Bytes `start` to `end` (both inclusive) of a NAR as it is stored. */
export interface ByteRange {
	readonly start: number;
	readonly end: number;
}

/** A stored NAR, or a part of it. */
export interface NarBytes {
	/** Of the whole NAR as it is stored, whatever the range. */
	readonly totalBytes: number;
	/** What `stream` gives: the whole when no range was asked for. */
	readonly range: ByteRange;
	readonly stream: Readable;
}

/** All of a stored NAR whose length its server does not say (attic, where it puts one together from chunks). A range that was asked for says nothing then. */
export interface UnmeasuredNar {
	readonly totalBytes: null;
	readonly stream: Readable;
}

/**
 * A cache that a local substituter can serve paths from. Absent is `null`, also for what has gone since the narinfo was given out; failure is a
 * thrown `CacheError`, which the substituter answers as "not there". What is handed out was checked against its recorded hash.
 */
export interface PathReader {
	/** For people. */
	readonly label: string;
	/** The narinfo of the path with this hash part; its `url` is only meaningful to `openNar` of the same reader. */
	narInfo(hashPart: string, signal: AbortSignal): Promise<NarInfo | null>;
	/** An `end` past the last byte means the last byte (`bytes=a-` comes with a very large one). From a `start` past it there is nothing to read: any stream. */
	openNar(url: string, range: ByteRange | null, signal: AbortSignal): Promise<NarBytes | UnmeasuredNar | null>;
	close(): Promise<void>;
}
