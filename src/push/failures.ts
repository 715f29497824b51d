import { describeError, type ErrorCode, isCacheError } from '../errors.ts';
import type { Outcome } from './outcome.ts';

/** These say that no other path will fare better: the cache does not let us in, or the program that `compression` needs is missing. */
const FATAL_CODES: ReadonlySet<ErrorCode> = new Set(['cache-unauthorized', 'cache-read-only', 'cache-tls', 'input-invalid']);

/** These may be the fault of one path, unless they come this often in a row. The HTTP client has made its retries before each of them. */
const CACHE_CODES: ReadonlySet<ErrorCode> = new Set([
	'cache-unreachable',
	'cache-forbidden',
	'cache-not-found',
	'cache-throttled',
	'cache-failing',
	'cache-stalled',
	'cache-invalid',
]);
const FAILURES_IN_A_ROW = 4;

/** Tells the failures of one path from those of the cache. */
export class Failures {
	#inARow = 0;

	succeeded(): void {
		this.#inARow = 0;
	}

	/** Told of each failed call; whether no other path will fare better. */
	concernsAll(code: ErrorCode): boolean {
		if (CACHE_CODES.has(code)) this.#inARow++;
		return FATAL_CODES.has(code) || this.#inARow >= FAILURES_IN_A_ROW;
	}
}

/** What an error means for the path that it came with. */
export function outcomeOf(error: unknown): Outcome {
	if (!isCacheError(error)) return { class: 'failed', code: 'internal', message: describeError(error) };
	switch (error.code) {
		case 'path-corrupt':
			return { class: 'corrupt', message: describeError(error) };
		case 'path-vanished':
			return { class: 'vanished' };
		default:
			return { class: 'failed', code: error.code, message: describeError(error) };
	}
}
