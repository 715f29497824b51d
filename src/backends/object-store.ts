import type { DivisibleBody } from '../bodies/body.ts';

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
