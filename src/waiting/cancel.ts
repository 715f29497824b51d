import { setTimeout as sleep } from 'node:timers/promises';
import { CacheError } from '../errors.ts';

/** Monotonic time; `sleep` ends early, without a throw, when `signal` aborts. */
export interface Clock {
	nowMs(): number;
	sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
	nowMs: () => performance.now(),
	async sleep(ms, signal) {
		// Only an abort can reject.
		await sleep(ms, undefined, { signal }).catch(() => undefined);
	},
};

/** @throws CacheError `cancelled` or `deadline`, when `signal` has aborted */
export function throwIfAborted(signal: AbortSignal, doing: string): void {
	if (signal.aborted) throw abortError(signal, doing);
}

/** Why `signal` aborted: the `CacheError` that it was given as the reason, `deadline` for `AbortSignal.timeout`, else `cancelled`. */
export function abortError(signal: AbortSignal, doing: string): CacheError {
	const reason: unknown = signal.reason;
	if (reason instanceof CacheError) return reason;
	if (reason instanceof DOMException && reason.name === 'TimeoutError') {
		return new CacheError('deadline', `${doing}: the time for it ran out.`);
	}
	return new CacheError('cancelled', `${doing}: cancelled.`);
}

/** Settles as `promise` does, or rejects as soon as `signal` aborts, whatever `promise` is still waiting for. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal, doing: string): Promise<T> {
	const aborted = Promise.withResolvers<never>();
	const onAbort = () => aborted.reject(abortError(signal, doing));
	signal.addEventListener('abort', onAbort, { once: true });
	if (signal.aborted) onAbort();
	try {
		return await Promise.race([promise, aborted.promise]);
	} finally {
		signal.removeEventListener('abort', onAbort);
	}
}
