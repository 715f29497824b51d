import type { Dispatcher } from 'undici';

/** Names and values in turn, in order. Most are never looked at, and to make text of all of them takes as long as to parse them. */
export type RawHeaders = readonly Buffer[];

/** An answer that was taken as it came. */
export interface Collected {
	readonly status: number;
	/** What the status line says behind the number. */
	readonly reason: string;
	readonly headers: RawHeaders;
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
		let reason = '';
		let headers: RawHeaders = [];
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
			resolve({ status, reason, headers, bytes: parts.length === 1 && only !== undefined ? only : Buffer.concat(parts), ended });
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
			onHeaders(code, raw, _resume, statusText) {
				// 1xx come before the answer.
				if (code < 200) return true;
				status = code;
				reason = statusText;
				headers = raw;
				const { atMostBytes, startIsEnough } = wanted(code);
				limitBytes = atMostBytes;
				// Of an answer to HEAD it is the length of what GET would give.
				const declared = options.method === 'HEAD' ? null : headerOf(raw, 'content-length');
				if (startIsEnough || !(Number(declared ?? 0) > limitBytes)) return true;
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

/** The value of the first header of that name (in lower case), `null` when it is not there. */
export function headerOf(headers: RawHeaders, name: string): string | null {
	for (let at = 0; at < headers.length; at += 2) {
		if (headers[at]?.length === name.length && textAt(headers, at).toLowerCase() === name) return textAt(headers, at + 1);
	}
	return null;
}

/** All of them, names in lower case. */
export function headerPairs(headers: RawHeaders): readonly (readonly [name: string, value: string])[] {
	return Array.from({ length: headers.length / 2 }, (_, index) => [
		textAt(headers, 2 * index).toLowerCase(),
		textAt(headers, 2 * index + 1),
	]);
}

function textAt(headers: RawHeaders, at: number): string {
	return headers[at]?.toString('latin1') ?? '';
}
