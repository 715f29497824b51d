import type { ObjectBody } from '../bodies/body.ts';
import type { Credentials } from '../cache-target/credentials.ts';

export interface HttpRequest {
	readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE' | 'OPTIONS';
	readonly url: URL;
	readonly headers?: Readonly<Record<string, string>>;
	/** Sent with its length. Read again for a redirect or a further try. */
	readonly body?: ObjectBody | null;
	/** For the origin of `url`. Sent at once, unasked, and never to another origin after a redirect (invariant I7). */
	readonly credentials?: Credentials | null;
	/** The statuses that are an answer; every other one is a failure. */
	readonly accept: readonly number[];
	/** Longest body that a successful answer may have; 0: none is read, the headers are enough. */
	readonly limitBytes: number;
	/**
	 * The body of a successful answer comes as a stream, whatever its length and as it was encoded; whoever asked ends it. Further tries are made until it
	 * begins, not after.
	 */
	readonly streamed?: boolean;
	readonly signal: AbortSignal;
}
