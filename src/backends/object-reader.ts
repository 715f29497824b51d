import type { ByteRange, NarBytes, UnmeasuredNar } from './path-reader.ts';

/**
 * The reading half of a place that holds bytes by key, for the local substituter. Keys as in `ObjectStore`. Absent is `null`, failure a thrown
 * `CacheError`; retries are the adapter's own business.
 */
export interface ObjectReader {
	/** For people: where this is, without credentials. */
	readonly label: string;

	/** The whole of a small object (at most `limitBytes`, more is an error), `null` when it is not there. */
	get(key: string, limitBytes: number, signal: AbortSignal): Promise<Uint8Array | null>;

	/** The object, or a part of it, as a stream; `null` when it is not there. An `end` past the last byte means the last byte. */
	open(key: string, range: ByteRange | null, signal: AbortSignal): Promise<NarBytes | UnmeasuredNar | null>;

	/** Releases connections. No other call may follow. */
	close(): Promise<void>;
}
