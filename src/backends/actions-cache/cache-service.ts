import type { Readable } from 'node:stream';
import type { ObjectBody } from '../../bodies/body.ts';
import type { ByteRange } from '../path-reader.ts';

/** An entry of the Actions cache that was found by a lookup. */
export interface FoundEntry {
	/** As the service has it; some write keys in lower case. */
	readonly key: string;
	/**
	 * Exactly the bytes of `range`, or all of them; a stream that ends early ends with an error. `null` when the entry has gone since it was
	 * found. Renews what expires (URLs do after some minutes), by itself, with a further lookup.
	 */
	read(range: ByteRange | null, signal: AbortSignal): Promise<Readable | null>;
}

/** Which entry: the one with this very key, or the newest one whose key begins like this. */
export type Lookup = { readonly key: string } | { readonly newestOf: string };

/**
 * The GitHub Actions cache, or a server that speaks like it, as a place for immutable blobs. Keys are at most 512 characters of
 * `[a-z0-9._-]`. An entry can be missing at any time. Required methods only; absent is `null`, failure is a thrown `CacheError`
 * (`cache-throttled`, `cache-failing`, `cache-unauthorized`, `cache-read-only`, ...), retries and time limits are the transport's own business.
 * Opened by `open-service.ts` alone, closed where it was opened.
 */
export interface CacheService {
	/** `direct` reads ranges from the blob; `toolkit` restores the whole entry to disk at its first read. */
	readonly transport: 'direct' | 'toolkit';
	/** For people. */
	readonly label: string;
	/** What is known before anything was asked (`ACTIONS_CACHE_MODE`, the token's scopes); `null`: it may. Otherwise why it may not. */
	readonly whyNoRead: string | null;
	readonly whyNoWrite: string | null;
	/** Whether a second entry with the same key is refused. GitHub does; act, Gitea and Forgejo keep both and find the newer one. */
	readonly refusesDuplicates: boolean;

	/** One request. The answer's key is compared without regard to case; a service that answers a prefix in place of the key is not believed. */
	lookup(which: Lookup, signal: AbortSignal): Promise<FoundEntry | null>;

	/** Stores a new entry: reserve, upload in parallel blocks, finalize. `exists`: another entry has this key, or reserved it. */
	save(key: string, body: ObjectBody, signal: AbortSignal): Promise<'saved' | 'exists'>;

	close(): Promise<void>;
}
