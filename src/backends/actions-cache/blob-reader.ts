import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CacheError, isCacheError } from '../../errors.ts';
import type { HttpAnswer, HttpClient } from '../../http/client.ts';
import type { ByteRange } from '../path-reader.ts';
import type { FoundEntry } from './cache-service.ts';

export interface BlobReaderOptions {
	readonly client: HttpClient;
	/** Signed, good for some minutes from now. */
	readonly url: URL;
	/** A new URL for the same blob; `null` when the entry has gone. */
	readonly renew: (signal: AbortSignal) => Promise<URL | null>;
	readonly folder: string;
	readonly nowMs: () => number;
}

/** GitHub's download URLs are good for 10 minutes, and a clock may be off a little. */
const URL_LIFETIME_MS = 8 * 60_000;
/** How often one read goes on where its connection broke. */
const RESUMES = 4;
const GONE = [404, 410];
const REFUSED = [401, 403];

/** Reads parts of a blob by its signed URL, which is renewed when its time is up. One renewal serves all who wait for it. */
export function createBlobReader(options: BlobReaderOptions): Pick<FoundEntry, 'read'> {
	const { client, nowMs } = options;
	let current: { readonly url: Promise<URL | null>; readonly sinceMs: number } = {
		url: Promise.resolve(options.url),
		sinceMs: nowMs(),
	};
	/** The whole blob on disk, for servers that ignore `Range`. */
	let spooled: Promise<string> | null = null;

	const renewed = (before: typeof current, signal: AbortSignal): Promise<URL | null> => {
		if (current === before) {
			const url = options.renew(signal);
			// A failure is not kept: whoever comes next asks anew.
			url.catch(() => {
				current = { ...current, sinceMs: Number.NEGATIVE_INFINITY };
			});
			current = { url, sinceMs: nowMs() };
		}
		return current.url;
	};

	/** An answer that holds the bytes; `null` when the blob has gone. */
	const ask = async (range: ByteRange | null, signal: AbortSignal): Promise<HttpAnswer | null> => {
		for (let isRetry = false; ; isRetry = true) {
			const known = current;
			const url = nowMs() - known.sinceMs > URL_LIFETIME_MS ? await renewed(known, signal) : await known.url;
			if (url === null) return null;
			const asked = current;
			const headers = range === null ? {} : { range: `bytes=${range.start}-${range.end}` };
			const accept = [200, 206, 416, ...GONE, ...REFUSED];
			const answer = await client.request({ method: 'GET', url, headers, accept, limitBytes: 0, streamed: true, signal });
			if (GONE.includes(answer.status)) return null;
			if (!REFUSED.includes(answer.status)) return answer;
			if (isRetry)
				throw new CacheError(
					'cache-forbidden',
					'The storage behind the Actions cache refuses a URL that was made for it just now.',
				);
			if ((await renewed(asked, signal)) === null) return null;
		}
	};

	/** The bytes from `start` on, as a stream that may break off; `null` when the blob has gone. */
	const open = async (range: ByteRange | null, signal: AbortSignal): Promise<Readable | null> => {
		if (spooled !== null && range !== null) return slice(await spooled, range);
		const answer = await ask(range, signal);
		if (answer === null) return null;
		const { stream } = answer;
		if (answer.status === 416 || stream === null)
			throw new CacheError('cache-invalid', 'An entry of the Actions cache is shorter than it was.');
		if (range === null || answer.status === 206) {
			if (range !== null) checkContentRange(answer, range, stream);
			return stream;
		}
		spooled ??= spool(stream, options.folder).catch((error: unknown) => {
			spooled = null;
			throw error;
		});
		stream.on('error', () => undefined);
		const file = await spooled;
		// Somebody else was faster.
		stream.destroy();
		return slice(file, range);
	};

	return {
		async read(range, signal) {
			const first = await open(range, signal);
			if (first === null || range === null) return first;
			return Readable.from(resuming(first, range, open, signal), { objectMode: false });
		},
	};
}

/** The bytes of `range`, also when the connection breaks in the middle. */
async function* resuming(
	first: Readable,
	range: ByteRange,
	open: (range: ByteRange, signal: AbortSignal) => Promise<Readable | null>,
	signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
	let at = range.start;
	let stream = first;
	for (let resumes = 0; ; resumes++) {
		try {
			for await (const part of stream) {
				const bytes: Uint8Array = part;
				const wanted = bytes.subarray(0, range.end + 1 - at);
				at += wanted.length;
				yield wanted;
			}
			if (at > range.end) return;
			if (resumes >= RESUMES)
				throw new CacheError('cache-failing', `An entry of the Actions cache broke off ${resumes + 1} times.`);
		} catch (error) {
			if (signal.aborted || isCacheError(error) || resumes >= RESUMES) throw error;
		} finally {
			stream.destroy();
		}
		const next = await open({ start: at, end: range.end }, signal);
		if (next === null) throw new CacheError('cache-not-found', 'An entry of the Actions cache went away while it was read.');
		stream = next;
	}
}

function checkContentRange(answer: HttpAnswer, range: ByteRange, stream: Readable): void {
	const [, start, end] = /^bytes (\d+)-(\d+)\//.exec(answer.header('content-range') ?? '') ?? [];
	if (Number(start) === range.start && Number(end) === range.end) return;
	stream.on('error', () => undefined).destroy();
	throw new CacheError('cache-invalid', 'The storage behind the Actions cache gave other bytes than were asked for.');
}

async function spool(stream: Readable, folder: string): Promise<string> {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const file = join(folder, randomBytes(8).toString('hex'));
	try {
		await pipeline(stream, createWriteStream(file, { mode: 0o600, flags: 'wx' }));
		return file;
	} catch (cause) {
		await rm(file, { force: true });
		throw new CacheError('cache-failing', 'An entry of the Actions cache could not be fetched whole.', { cause });
	}
}

async function slice(file: string, { start, end }: ByteRange): Promise<Readable> {
	const { size } = await stat(file);
	if (end >= size)
		throw new CacheError('cache-invalid', `An entry of the Actions cache has ${size} bytes and should have more than ${end}.`);
	return createReadStream(file, { start, end });
}
