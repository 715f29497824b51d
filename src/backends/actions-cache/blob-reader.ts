import { Readable } from 'node:stream';
import { CacheError, isCacheError } from '../../errors.ts';
import type { HttpAnswer, HttpClient } from '../../http/client.ts';
import { abortError } from '../../waiting/cancel.ts';
import type { ByteRange } from '../path-reader.ts';
import type { FoundEntry } from './cache-service.ts';
import { type Shared, shareWork } from './shared-work.ts';
import { type SpooledBlob, spoolBlob } from './spooled-blob.ts';

export interface BlobReaderOptions {
	readonly client: HttpClient;
	/** Signed, good for some minutes from now. */
	readonly url: URL;
	/** A new URL for the same blob; `null` when the entry has gone. */
	readonly renew: (signal: AbortSignal) => Promise<URL | null>;
	readonly folder: string;
	readonly nowMs: () => number;
}

/** Some bytes of the blob, as they come: `stream` may break off. */
interface Opened {
	readonly stream: Readable;
	/** What `stream` should give; `null` when the server does not say how long the blob is. */
	readonly range: ByteRange | null;
}

/** `null`: the blob has gone. */
type Open = (range: ByteRange | null, signal: AbortSignal) => Promise<Opened | null>;

interface SignedUrl {
	readonly get: Shared<URL | null>;
	readonly sinceMs: number;
}

/** GitHub's download URLs are good for 10 minutes, and a clock may be off a little. */
const URL_LIFETIME_MS = 8 * 60_000;
/** How often one read goes on where its connection broke. */
const RESUMES = 4;
const GONE = [404, 410];
const REFUSED = [401, 403];
const DOING = 'Reading from the Actions cache';

/** Reads parts of a blob by its signed URL, which is renewed when its time is up. One renewal serves all who wait for it. */
export function createBlobReader(options: BlobReaderOptions): Pick<FoundEntry, 'read'> {
	const { client, nowMs } = options;
	let current: SignedUrl = { get: async () => options.url, sinceMs: nowMs() };
	/** The whole blob on disk, for servers that ignore `Range`. */
	let spooled: Shared<SpooledBlob | null> | null = null;

	/** Whoever comes second with the same old URL finds it renewed. */
	const renew = (before: SignedUrl): void => {
		if (current === before) current = { get: shareWork(options.renew), sinceMs: nowMs() };
	};

	/** An answer that holds the bytes; `null` when the blob has gone. */
	const ask = async (range: ByteRange | null, signal: AbortSignal): Promise<HttpAnswer | null> => {
		for (let isRetry = false; ; isRetry = true) {
			if (nowMs() - current.sinceMs > URL_LIFETIME_MS) renew(current);
			const asked = current;
			const url = await asked.get(signal, DOING);
			if (url === null) return null;
			const headers = range === null ? {} : { range: `bytes=${range.start}-${range.end}` };
			const accept = [200, 206, 416, ...GONE, ...REFUSED];
			const answer = await client.request({ method: 'GET', url, headers, accept, limitBytes: 0, streamed: true, signal });
			if (GONE.includes(answer.status)) return null;
			if (!REFUSED.includes(answer.status)) return answer;
			if (isRetry)
				throw new CacheError(
					'cache-forbidden',
					'The storage behind the Actions cache refuses a URL that was made for it just now.',
					{ hint: "Is this machine's clock right, and does a proxy leave the query of a URL as it is?" },
				);
			renew(asked);
		}
	};

	const openWhole = async (signal: AbortSignal): Promise<Opened | null> => {
		const answer = await ask(null, signal);
		if (answer === null) return null;
		const length = answer.header('content-length');
		const range = length === null ? null : { start: 0, end: Number(length) - 1 };
		return { stream: streamOf(answer), range };
	};

	const fromDisk = async (range: ByteRange, signal: AbortSignal): Promise<Opened | null> => {
		spooled ??= shareWork((until) =>
			spoolBlob(async () => (await openWhole(until))?.stream ?? null, options.folder, RESUMES + 1, until),
		);
		const blob = await spooled(signal, DOING);
		return blob === null ? null : { stream: blob.read(range), range };
	};

	const open: Open = async (range, signal) => {
		if (range === null) return openWhole(signal);
		if (spooled !== null) return fromDisk(range, signal);
		const answer = await ask(range, signal);
		if (answer === null) return null;
		if (answer.status === 206) return { stream: checkedRange(answer, range), range };
		const stream = streamOf(answer);
		// The shared one has a request of its own: this one ends with `signal`.
		stream.destroy();
		return fromDisk(range, signal);
	};

	return {
		async read(range, signal) {
			const closed = new AbortController();
			const either = AbortSignal.any([signal, closed.signal]);
			const first = await open(range, either);
			if (first === null) return null;
			const parts = resuming(first, open, either);
			return endedBy(signal, parts, () => {
				closed.abort();
				// Also when nothing was read of it: then the generator has not begun, and closes nothing.
				first.stream.destroy();
			});
		},
	};
}

/**
 * A stream of `parts`. Whoever destroys it in the middle ends the connection at once by `onClose`; `Readable.from` would wait for the next part first, which a
 * server that stalls does not send.
 */
function endedBy(signal: AbortSignal, parts: AsyncGenerator<Uint8Array, void, void>, onClose: () => void): Readable {
	const stream = new Readable({
		read() {
			parts.next().then(
				({ done, value }) => this.push(done ? null : value),
				(error: Error) => this.destroy(error),
			);
		},
		destroy(error, callback) {
			signal.removeEventListener('abort', stop);
			onClose();
			parts.return().catch(() => undefined);
			callback(error);
		},
	});
	const stop = (): void => void stream.destroy(abortError(signal, DOING));
	signal.addEventListener('abort', stop, { once: true });
	// Its reader is told of an error all the same; but for this, one that comes before it is read would end the process.
	stream.on('error', () => undefined);
	if (signal.aborted) stop();
	return stream;
}

/** The bytes of `first`, also when the connection breaks in the middle. */
async function* resuming(first: Opened, open: Open, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
	let opened = first;
	let at = first.range?.start ?? 0;
	const end = first.range?.end ?? null;
	for (let breaks = 1; ; breaks++) {
		let cause: unknown;
		try {
			for await (const part of opened.stream) {
				const bytes: Uint8Array = part;
				const wanted = end === null ? bytes : bytes.subarray(0, end + 1 - at);
				at += wanted.length;
				if (wanted.length > 0) yield wanted;
			}
			if (end === null || at > end) return;
		} catch (error) {
			if (isCacheError(error)) throw error;
			cause = error;
		} finally {
			opened.stream.destroy();
		}
		if (signal.aborted) throw abortError(signal, DOING);
		if (end === null || breaks > RESUMES)
			throw new CacheError('cache-failing', `An entry of the Actions cache broke off ${breaks} times.`, { cause });
		const next = await open({ start: at, end }, signal);
		if (next === null) throw new CacheError('cache-not-found', 'An entry of the Actions cache went away while it was read.');
		opened = next;
	}
}

function streamOf({ status, stream }: HttpAnswer): Readable {
	if (status !== 416 && stream !== null) return stream;
	throw new CacheError('cache-invalid', 'An entry of the Actions cache is shorter than it was.');
}

function checkedRange(answer: HttpAnswer, range: ByteRange): Readable {
	const stream = streamOf(answer);
	const [, start, end] = /^bytes (\d+)-(\d+)\//.exec(answer.header('content-range') ?? '') ?? [];
	if (Number(start) === range.start && Number(end) === range.end) return stream;
	stream.destroy();
	throw new CacheError('cache-invalid', 'The storage behind the Actions cache gave other bytes than were asked for.');
}
