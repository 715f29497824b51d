import { CacheError } from '../errors.ts';

export interface Limit<T> {
	readonly limitMs: number;
	/** Ends the wait before its time. */
	readonly signal: AbortSignal;
	/** For the error: `nar of abc...`. */
	readonly doing: string;
	/** Closes a result that came after the wait was over. */
	readonly discard?: (late: T) => void;
}

/**
 * Settles as `body` does, or throws `deadline` or `cancelled` in time, even if `body` does not care for its signal. That signal aborts together with the wait;
 * after a success it goes on to live as long as `signal`.
 */
export async function withinLimit<T>(limit: Limit<T>, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const { limitMs, signal, doing } = limit;
	if (signal.aborted) throw new CacheError('cancelled', `${doing}: cancelled.`);
	const ended = Promise.withResolvers<never>();
	const timeout = new AbortController();
	const stop = (error: CacheError): void => {
		timeout.abort(error);
		ended.reject(error);
	};
	const timer = setTimeout(() => stop(new CacheError('deadline', `${doing}: no answer within ${limitMs} ms.`)), limitMs);
	const cancelled = (): void => stop(new CacheError('cancelled', `${doing}: cancelled.`));
	signal.addEventListener('abort', cancelled, { once: true });
	const work = Promise.resolve().then(() => body(AbortSignal.any([signal, timeout.signal])));
	try {
		return await Promise.race([work, ended.promise]);
	} catch (error) {
		// Nobody waits for it any more, so nobody else would close what it brings.
		work.then(limit.discard, () => undefined);
		throw error;
	} finally {
		clearTimeout(timer);
		signal.removeEventListener('abort', cancelled);
	}
}
