import { randomUUID } from 'node:crypto';
import type { ObjectBody } from '../../bodies/body.ts';
import { bodyOfBytes, bodyOfText } from '../../bodies/in-memory.ts';
import { CacheError, isCacheError, systemCode } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';
import { orAborted, throwIfAborted } from '../../waiting/cancel.ts';

/** Up to here one request brings it all. */
const ONE_PUT_BYTES = 16 * 1024 * 1024;
const BLOCK_BYTES = 8 * 1024 * 1024;
/** 4 MiB to 32 MiB each: larger blobs have larger blocks, of which there may be 50,000. */
const MAX_BLOCKS = 1_000;
const IN_FLIGHT = 4;
const REFUSED = [401, 403];
/** What the HTTP client makes of other refusals: for a cache whose URL somebody wrote. */
const MISTAKES = ['cache-invalid', 'cache-not-found', 'cache-read-only', 'cache-too-large'] as const;
const DOING = 'Uploading to the Actions cache';

/**
 * Uploads a blob to Azure's storage by its signed URL: as one (Put Blob), or in blocks that are sent side by side (Put Block, Put Block List). Memory: four blocks.
 * @see https://learn.microsoft.com/rest/api/storageservices/put-block
 */
export async function uploadBlob(client: HttpClient, url: URL, body: ObjectBody, signal: AbortSignal): Promise<void> {
	if (body.sizeBytes <= ONE_PUT_BYTES) {
		await put(client, url, body, signal, { 'x-ms-blob-type': 'BlockBlob', 'content-type': 'application/octet-stream' });
		return;
	}
	const ids = await putBlocks(client, url, body, signal);
	const list = ids.map((id) => `<Latest>${id}</Latest>`).join('');
	const xml = `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`;
	await put(client, withQuery(url, { comp: 'blocklist' }), bodyOfText(xml), signal, { 'content-type': 'application/xml' });
}

async function putBlocks(client: HttpClient, url: URL, body: ObjectBody, signal: AbortSignal): Promise<readonly string[]> {
	const blockBytes = Math.max(BLOCK_BYTES, Math.ceil(body.sizeBytes / MAX_BLOCKS));
	const failed = new AbortController();
	const either = AbortSignal.any([signal, failed.signal]);
	const upload = randomUUID();
	const ids: string[] = [];
	const underWay = new Set<Promise<void>>();
	try {
		for await (const block of blocksOf(body, blockBytes, either)) {
			// Servers that store elsewhere than Azure read the order from the id, in the form that the Azure SDK gives it: 48 characters.
			const id = Buffer.from(`${upload}${`${ids.length}`.padStart(12, '0')}`).toString('base64');
			ids.push(id);
			// One that failed may be none of those under way any more.
			throwIfAborted(either, DOING);
			const sent = put(client, withQuery(url, { comp: 'block', blockid: id }), bodyOfBytes(block), either, {}).finally(() =>
				underWay.delete(sent),
			);
			sent.catch((error: unknown) => failed.abort(error));
			underWay.add(sent);
			if (underWay.size >= IN_FLIGHT) await Promise.race(underWay);
		}
		await Promise.all(underWay);
		throwIfAborted(either, DOING);
		return ids;
	} catch (error) {
		throwIfAborted(either, DOING);
		if (isCacheError(error)) throw error;
		throw new CacheError('file-failed', `What is to be uploaded can't be read (${systemCode(error) ?? error}).`, {
			cause: error,
		});
	} finally {
		failed.abort();
		await Promise.allSettled(underWay);
	}
}

/** The body in pieces of `blockBytes`, each in memory of its own. */
async function* blocksOf(body: ObjectBody, blockBytes: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
	let block = Buffer.allocUnsafe(Math.min(blockBytes, body.sizeBytes));
	let filled = 0;
	let leftBytes = body.sizeBytes;
	for await (const part of unlessAborted(body.stream(), signal)) {
		let bytes = part;
		if (bytes.length > leftBytes) throw new CacheError('file-failed', 'What is to be uploaded is longer than it was.');
		while (bytes.length > 0) {
			const taken = Math.min(bytes.length, block.length - filled);
			block.set(bytes.subarray(0, taken), filled);
			filled += taken;
			leftBytes -= taken;
			bytes = bytes.subarray(taken);
			if (filled < block.length) continue;
			yield block;
			block = Buffer.allocUnsafe(Math.min(blockBytes, leftBytes));
			filled = 0;
		}
	}
	if (leftBytes !== 0) throw new CacheError('file-failed', `What is to be uploaded ended ${leftBytes} bytes too early.`);
}

/** Throws what `signal` aborts with, also while `stream` has nothing to give. */
async function* unlessAborted(stream: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
	const iterator = stream[Symbol.asyncIterator]();
	try {
		for (;;) {
			const next = await orAborted(iterator.next(), signal, DOING);
			if (next.done) return;
			yield next.value;
		}
	} finally {
		// One that is stuck would never come to its end; nothing waits for it.
		void iterator.return?.();
	}
}

async function put(
	client: HttpClient,
	url: URL,
	body: ObjectBody,
	signal: AbortSignal,
	headers: Readonly<Record<string, string>>,
): Promise<void> {
	const accept = [200, 201, ...REFUSED];
	const { status } = await client
		.request({ method: 'PUT', url, headers, body, accept, limitBytes: 64 * 1024, signal })
		.catch((error: unknown) => {
			throw isCacheError(error, ...MISTAKES) ? notTaken(error) : error;
		});
	if (!REFUSED.includes(status)) return;
	throw new CacheError('cache-forbidden', 'The storage behind the Actions cache refuses the URL that this upload was given.', {
		hint: "Such a URL is good for about an hour: is the upload that slow, is this machine's clock right, and does a proxy leave the query of a URL as it is?",
	});
}

/** The URL was made for this upload by the service itself. */
function notTaken(cause: CacheError): CacheError {
	return new CacheError('cache-failing', cause.message, {
		hint: 'It is the storage behind the Actions cache that says so: try again later, and if that does not help, look for a proxy that changes what it passes on.',
		cause,
	});
}

function withQuery(url: URL, parameters: Readonly<Record<string, string>>): URL {
	const more = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
	const wider = new URL(url);
	// Not by `searchParams`, which would write the signature anew and could write it differently.
	wider.search = `${url.search}${url.search === '' ? '?' : '&'}${more.join('&')}`;
	return wider;
}
