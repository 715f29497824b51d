import { type Clock, throwIfAborted } from '../waiting/cancel.ts';

export interface PaceOptions {
	readonly clock: Clock;
	/** Uniform in [0, 1). */
	readonly random: () => number;
	/** Requests in flight while the host does not complain. */
	readonly connections: number;
	/** Tries for one request. */
	readonly attempts: number;
	/** How long a host may fail, without one success in between, before its requests are given up. */
	readonly patienceMs: number;
}

/** How a failed request is tried again: after a wait of its own, or when the host takes requests again. */
export interface Setback {
	readonly overloaded: boolean;
	/** What the host asked for. */
	readonly retryAfterMs: number | null;
	/** Which try failed; the first is 1. */
	readonly attempt: number;
	/** What `enter` answered for that try. */
	readonly enteredAtMs: number;
}

/**
 * The pace at which one host is asked. Requests share what is learned: a 429 or 503 to one of them quietens all and halves how many are
 * in flight (each `limit` successes add one again), and an outage is waited out once, not once by each of 1,500 requests.
 */
export interface HostPace {
	/** Waits for the host's quiet time and for a free place; answers with the time. Each `enter` is followed by one `leave`. */
	enter(signal: AbortSignal, doing: string): Promise<number>;
	leave(): void;
	/** The host answered in earnest. */
	succeeded(): void;
	/** Milliseconds to wait before the next try of a request that failed, `null` to give it up. */
	failed(setback: Setback): number | null;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 15_000;
const FIRST_QUIET_MS = 1_000;
/** A host that asks for an hour gets a minute; a CI job has no hour. */
const LONGEST_QUIET_MS = 60_000;
/** Requests that waited for the same quiet time start within this span, not all at once. */
const SPREAD_MS = 1_000;
/** Failures further apart than this are not taken for one outage. */
const SAME_OUTAGE_MS = 120_000;

export function createHostPace(options: PaceOptions): HostPace {
	const { clock, random } = options;
	let limit = options.connections;
	let inFlight = 0;
	let successes = 0;
	let quietUntilMs = Number.NEGATIVE_INFINITY;
	let slowedAtMs = Number.NEGATIVE_INFINITY;
	let slowdowns = 0;
	let failingSinceMs: number | null = null;
	let lastFailureMs = Number.NEGATIVE_INFINITY;
	const waiting = new Set<() => void>();

	const wakeOne = () => {
		for (const wake of waiting) {
			waiting.delete(wake);
			wake();
			return;
		}
	};
	const freePlace = async (signal: AbortSignal) => {
		const { promise, resolve } = Promise.withResolvers<void>();
		const wake = () => resolve();
		waiting.add(wake);
		signal.addEventListener('abort', wake, { once: true });
		await promise;
		signal.removeEventListener('abort', wake);
		// Whoever was woken and can't go passes it on.
		if (!waiting.delete(wake) && signal.aborted) wakeOne();
	};
	const slowDown = (setback: Setback, nowMs: number) => {
		// Requests that left before the last slow-down say nothing new about the pace since.
		if (setback.enteredAtMs > slowedAtMs) {
			slowedAtMs = nowMs;
			slowdowns++;
			limit = Math.max(1, Math.floor(limit / 2));
			successes = 0;
		}
		const quietMs = setback.retryAfterMs ?? backoff(random, FIRST_QUIET_MS, slowdowns);
		quietUntilMs = Math.max(quietUntilMs, nowMs + Math.min(quietMs, LONGEST_QUIET_MS));
		return quietUntilMs - nowMs;
	};

	return {
		async enter(signal, doing) {
			for (;;) {
				if (signal.aborted) {
					// It may be the one that was woken.
					if (inFlight < limit) wakeOne();
					throwIfAborted(signal, doing);
				}
				const nowMs = clock.nowMs();
				const quietMs = quietUntilMs - nowMs;
				if (quietMs > 0) await clock.sleep(quietMs + random() * Math.min(quietMs, SPREAD_MS), signal);
				else if (inFlight >= limit) await freePlace(signal);
				else {
					inFlight++;
					if (inFlight < limit) wakeOne();
					return nowMs;
				}
			}
		},
		leave() {
			inFlight--;
			if (inFlight < limit) wakeOne();
		},
		succeeded() {
			failingSinceMs = null;
			slowdowns = 0;
			if (limit < options.connections && ++successes >= limit) {
				successes = 0;
				limit++;
			}
		},
		failed(setback) {
			const nowMs = clock.nowMs();
			if (failingSinceMs === null || nowMs - lastFailureMs > SAME_OUTAGE_MS) failingSinceMs = nowMs;
			lastFailureMs = nowMs;
			const waitMs = setback.overloaded
				? slowDown(setback, nowMs)
				: Math.max(Math.min(setback.retryAfterMs ?? 0, LONGEST_QUIET_MS), backoff(random, FIRST_DELAY_MS, setback.attempt));
			if (setback.attempt >= options.attempts || nowMs + waitMs - failingSinceMs > options.patienceMs) return null;
			// The shared quiet time is waited for on entering.
			return setback.overloaded ? 0 : waitMs;
		},
	};
}

/** Full jitter: anything up to the bound that doubles each time (Brooker, "Exponential Backoff And Jitter", 2015). */
function backoff(random: () => number, firstMs: number, time: number): number {
	return random() * Math.min(LONGEST_DELAY_MS, firstMs * 2 ** (time - 1));
}
