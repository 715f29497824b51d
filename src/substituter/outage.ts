import { isCacheError } from '../errors.ts';

export interface OutageOptions {
	/** Failures in a row after which the reader is left alone. */
	readonly failures: number;
	/** For how long. */
	readonly pauseMs: number;
	readonly nowMs: () => number;
}

/** Remembers whether the cache behind is in trouble. */
export interface Outage {
	/** Whether to answer at once, without asking the reader. */
	isOn(): boolean;
	succeeded(): void;
	failed(error: unknown): void;
}

/**
 * A cache that is down answers each request only after retries and time limits. Nix asks for thousands of paths, so paying for each would hold up the job for
 * longer than building takes: after some failures in a row all are misses for a while, then one request is let through again to see.
 */
export function createOutage({ failures, pauseMs, nowMs }: OutageOptions): Outage {
	let inARow = 0;
	let until = Number.NEGATIVE_INFINITY;
	return {
		isOn() {
			if (inARow < failures) return false;
			if (nowMs() < until) return true;
			// This one goes through; those beside it still have to wait for what becomes of it.
			until = nowMs() + pauseMs;
			return false;
		},
		succeeded() {
			inARow = 0;
		},
		failed(error) {
			if (!isAboutTheCache(error)) return;
			inARow++;
			until = nowMs() + pauseMs;
		},
	};
}

/** Not about the cache as a whole: one damaged path, a client that went away. */
function isAboutTheCache(error: unknown): boolean {
	return !isCacheError(
		error,
		'format-invalid',
		'path-corrupt',
		'path-vanished',
		'cache-not-found',
		'cache-too-large',
		'cancelled',
	);
}
