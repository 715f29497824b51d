import type { Dispatcher } from 'undici';

/** An answer that was taken as it came. */
export interface Collected {
	readonly status: number;
	/** Names in lower case, with their values, in order. */
	readonly headers: readonly (readonly [name: string, value: string])[];
	readonly bytes: Uint8Array;
	/** How its body ended: whole, longer than what was asked for, or with an error. */
	readonly ended: 'whole' | 'longer' | { readonly error: unknown };
}

/** How much of an answer's body is wanted. */
export interface Wanted {
	readonly atMostBytes: number;
	/** A longer one is of use too. */
	readonly startIsEnough: boolean;
}

/**
 * Sends a request and keeps the answer, without the stream that `Dispatcher.request` makes for each: of a small request that is a good part of the work.
 * What is longer than wanted is given up, and its connection with it. Rejects when no answer begins, and when `signal` aborts.
 */
export function collect(
	dispatcher: Dispatcher,
	options: Dispatcher.DispatchOptions,
	wanted: (status: number) => Wanted,
	signal: AbortSignal,
): Promise<Collected> {
	return new Promise((resolve, reject) => {
		let status = 0;
		let headers: Collected['headers'] = [];
		let limitBytes = 0;
		let sizeBytes = 0;
		const parts: Uint8Array[] = [];
		let cut: (reason: Error) => void = () => undefined;

		const onAbort = (): void => {
			const reason = new Error('aborted');
			// While it waits for a connection there is nothing to cut.
			reject(reason);
			cut(reason);
		};
		const settle = (ended: Collected['ended']): void => {
			signal.removeEventListener('abort', onAbort);
			const [only] = parts;
			resolve({ status, headers, bytes: parts.length === 1 && only !== undefined ? only : Buffer.concat(parts), ended });
		};
		const giveUp = (): void => {
			settle('longer');
			cut(new Error('longer than what is wanted'));
		};
		if (signal.aborted) return onAbort();
		signal.addEventListener('abort', onAbort, { once: true });
		dispatcher.dispatch(options, {
			onConnect(abort) {
				cut = abort;
				if (signal.aborted) onAbort();
			},
			onHeaders(code, raw) {
				// 1xx come before the answer.
				if (code < 200) return true;
				status = code;
				headers = pairs(raw);
				const { atMostBytes, startIsEnough } = wanted(code);
				limitBytes = atMostBytes;
				// Of an answer to HEAD it is the length of what GET would give.
				const declared = options.method === 'HEAD' ? undefined : headers.find(([name]) => name === 'content-length')?.[1];
				if (startIsEnough || !(Number(declared) > limitBytes)) return true;
				giveUp();
				return false;
			},
			onData(bytes) {
				const left = limitBytes - sizeBytes;
				sizeBytes += bytes.length;
				if (left > 0) parts.push(bytes.length > left ? bytes.subarray(0, left) : bytes);
				if (sizeBytes <= limitBytes) return true;
				giveUp();
				return false;
			},
			onComplete: () => settle('whole'),
			onError(error) {
				signal.removeEventListener('abort', onAbort);
				if (status === 0) reject(error);
				else settle({ error });
			},
		});
	});
}

function pairs(raw: readonly Buffer[]): Collected['headers'] {
	return Array.from({ length: raw.length / 2 }, (_, index) => [
		(raw[2 * index]?.toString('latin1') ?? '').toLowerCase(),
		raw[2 * index + 1]?.toString('latin1') ?? '',
	]);
}
