/**
 * A place that holds bytes by key: an HTTP server, a bucket, a directory. Keys are those of a binary cache
 * (`nix-cache-info`, `<hash>.narinfo`, `nar/<hash>.nar.zst`): relative, `/`-separated, plain ASCII.
 * Absent is `null`; every failure is a thrown `CacheError`, retries are the adapter's own business.
 */
export interface ObjectStore {
	/** For people: where this is, without credentials. */
	readonly label: string;

	/** Size in bytes of the object, `null` when it is not there. A server that does not tell the size of what it has: -1. */
	size(key: string, signal: AbortSignal): Promise<number | null>;

	/** The whole of a small object (at most `limitBytes`, more is an error), `null` when it is not there. */
	get(key: string, limitBytes: number, signal: AbortSignal): Promise<Uint8Array | null>;

	/**
	 * Stores `body` under `key`, replacing what was there, so that a reader sees the old bytes or the new ones and never a part.
	 * May read `body` several times (retries).
	 */
	put(key: string, body: DivisibleBody, contentType: string, signal: AbortSignal): Promise<void>;

	/** Releases connections. No other call may follow. */
	close(): Promise<void>;
}

/** Bytes of a known length that can be read again: a buffer or a spooled file. */
export interface ObjectBody {
	readonly sizeBytes: number;
	/** The bytes themselves when they are in memory, else `null`. */
	readonly bytes: Uint8Array | null;
	/**
	 * All bytes, from the start at each call. A piece may be overwritten once two more have been taken. Those have 64 KiB or more (but for the last), so a stream
	 * that never holds back that much while it asks for more, as those of Node do, can be given the pieces as they are.
	 */
	stream(): AsyncIterable<Uint8Array>;
}

/** A body that can also be read in parts, several at a time. */
export interface DivisibleBody extends ObjectBody {
	/** Bytes `start` up to `end` (not included) as a body of their own, good for as long as the whole one is. */
	part(start: number, end: number): BodyPart;
}

export interface BodyPart extends ObjectBody {
	/** The MD5 of its bytes (16), as storage wants it beside them. Reads them, and keeps none. */
	md5(): Promise<Uint8Array>;
}
