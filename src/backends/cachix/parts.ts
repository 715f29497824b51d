import { createHash } from 'node:crypto';
import { CacheError, isCacheError } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';
import { visitInFlight } from '../in-flight.ts';
import type { DivisibleBody, ObjectBody } from '../object-store.ts';
import type { CachixApi, CompletedPart, Upload } from './cachix-api.ts';

/** As the command line client cuts, so servers are used to it. */
const PART_BYTES = 32 * 1024 * 1024;
/** S3 takes no more parts. */
const MAX_PARTS = 10_000;
/** Parts of one NAR; of several NARs that many each, as far as the client's connections go. */
const PARTS_IN_FLIGHT = 4;
/** A signed URL can run out between its making and the end of a queue. */
const URLS_PER_PART = 3;
const MAX_THANKS_BYTES = 64 * 1024;

/**
 * Sends a body in parts, each to a URL that the server signs for its MD5. Parts are read from where the body lies, once for their MD5 and once to be sent, so
 * they take no memory. `partBytes` is for tests.
 */
export async function uploadParts(
	api: Pick<CachixApi, 'partUrl'>,
	client: HttpClient,
	upload: Upload,
	body: DivisibleBody,
	signal: AbortSignal,
	partBytes = PART_BYTES,
): Promise<readonly CompletedPart[]> {
	const sizeBytes = Math.max(partBytes, Math.ceil(body.sizeBytes / MAX_PARTS));
	const count = Math.max(1, Math.ceil(body.sizeBytes / sizeBytes));
	const numbers = Array.from({ length: count }, (_, index) => index + 1);
	const done: CompletedPart[] = [];
	await visitInFlight(numbers, PARTS_IN_FLIGHT, signal, async (partNumber, either) => {
		const part = body.part((partNumber - 1) * sizeBytes, Math.min(partNumber * sizeBytes, body.sizeBytes));
		const contentMd5 = await md5Of(part);
		const place = () => api.partUrl(upload, partNumber, contentMd5, either);
		done.push({ partNumber, eTag: await putPart(client, part, contentMd5, place, either) });
	});
	return done.sort((a, b) => a.partNumber - b.partNumber);
}

async function putPart(
	client: HttpClient,
	part: ObjectBody,
	contentMd5: string,
	place: () => Promise<URL>,
	signal: AbortSignal,
): Promise<string> {
	const headers = { 'content-type': 'application/octet-stream', 'content-md5': contentMd5 };
	for (let urls = 1; ; urls++) {
		const url = await place();
		try {
			const accept = [200, 201, 204];
			const answer = await client.request({
				method: 'PUT',
				url,
				headers,
				body: part,
				accept,
				limitBytes: MAX_THANKS_BYTES,
				signal,
			});
			const eTag = answer.header('etag');
			if (eTag !== null) return eTag;
			throw new CacheError('cache-invalid', `${url.host} took a part of an upload and gave no ETag for it.`);
		} catch (error) {
			// 403: the URL has run out; 400: the bytes did not arrive as they were sent.
			if (urls >= URLS_PER_PART || !isCacheError(error, 'cache-forbidden', 'cache-invalid')) throw error;
		}
	}
}

async function md5Of(part: ObjectBody): Promise<string> {
	const hash = createHash('md5');
	if (part.bytes !== null) hash.update(part.bytes);
	else for await (const chunk of part.stream()) hash.update(chunk);
	return hash.digest('base64');
}
