import type { DivisibleBody } from '../../../src/bodies/body.ts';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '../../../src/http/client.ts';
import type { Log } from '../../../src/log.ts';
import { type Clock, systemClock } from '../../../src/waiting/cancel.ts';

/** Everything that was logged, one `level: message` each. */
export interface RecordingLog extends Log {
	readonly lines: readonly string[];
}

export function recordingLog(): RecordingLog {
	const lines: string[] = [];
	const at = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
	return {
		lines,
		debug: at('debug'),
		info: at('info'),
		notice: at('notice'),
		warning: at('warning'),
		error: at('error'),
		group: (_title, body) => body(),
		mask: () => undefined,
	};
}

/** A clock whose sleeps pass at once and are written down, in milliseconds. */
export interface LeapingClock extends Clock {
	readonly sleeps: readonly number[];
}

export function leapingClock(): LeapingClock {
	const sleeps: number[] = [];
	let skippedMs = 0;
	return {
		sleeps,
		nowMs: () => systemClock.nowMs() + skippedMs,
		async sleep(ms) {
			sleeps.push(ms);
			skippedMs += ms;
			await new Promise((resolve) => setImmediate(resolve));
		},
	};
}

/** A client that leaps over its waits, and can be closed with `await using`. */
export function testClient(options: Partial<HttpClientOptions> = {}): HttpClient & AsyncDisposable {
	const client = createHttpClient({ env: {}, log: recordingLog(), clock: leapingClock(), ...options });
	return { ...client, [Symbol.asyncDispose]: () => client.close() };
}

/** A body of zeros that is in no memory, in parts of 64 KiB. */
export function bodyOfZeros(sizeBytes: number): DivisibleBody {
	const part = new Uint8Array(64 * 1024);
	async function* parts(): AsyncGenerator<Uint8Array> {
		for (let left = sizeBytes; left > 0; left -= part.length) yield left < part.length ? part.subarray(0, left) : part;
	}
	const md5 = () => Promise.reject(new Error('nobody should ask'));
	return {
		sizeBytes,
		bytes: null,
		moveTo: null,
		stream: parts,
		part: (start, end) => ({ ...bodyOfZeros(end - start), md5 }),
	};
}

export const never: AbortSignal = new AbortController().signal;
