import type { BodyPart, DivisibleBody, ObjectBody } from '../bodies/body.ts';
import { CacheError, isCacheError } from '../errors.ts';
import type { HttpClient } from '../http/client.ts';
import { visitInFlight } from './in-flight.ts';

export interface CompletedPart {
	/** From 1. */
	readonly partNumber: number;
	/** As the storage answered it, quotes and all. */
	readonly eTag: string;
}

/** A signed URL, and the headers that were signed with it. */
export interface PartPlace {
	readonly url: URL;
	readonly headers: Readonly<Record<string, string>>;
}

/** Says where a part is to be put. Asked again, with the next attempt (from 1), when the place before did not take the part. */
export type FindPlace = (part: BodyPart, partNumber: number, attempt: number, signal: AbortSignal) => Promise<PartPlace>;

/** As Cachix's own client cuts; S3 takes nothing under 5 MiB, and the last part may be shorter. */
export const PART_BYTES = 32 * 1024 * 1024;
/** S3 takes no more parts. */
const MAX_PARTS = 10_000;
/** Parts of one NAR; of several NARs that many each, as far as the client's connections go. */
const PARTS_IN_FLIGHT = 4;
/** A signed URL can run out between its making and the end of a queue. */
const PLACES_PER_PART = 3;
const MAX_THANKS_BYTES = 64 * 1024;

/** Where a signed URL is refused: it says itself who may write there. */
export const SIGNED_URL_HINT =
	"Are the clocks of the cache's server and of its storage right, and does a proxy change what is sent?";

/**
 * Sends a body in parts to signed URLs, without credentials. Parts are read from where the body lies, so they take no memory. Answers with all of them, in
 * their order.
 */
export async function uploadParts(
	client: HttpClient,
	body: DivisibleBody,
	partBytes: number,
	findPlace: FindPlace,
	signal: AbortSignal,
): Promise<readonly CompletedPart[]> {
	const sizeBytes = Math.max(partBytes, Math.ceil(body.sizeBytes / MAX_PARTS));
	const count = Math.max(1, Math.ceil(body.sizeBytes / sizeBytes));
	const numbers = Array.from({ length: count }, (_, index) => index + 1);
	const done: CompletedPart[] = [];
	await visitInFlight(numbers, PARTS_IN_FLIGHT, signal, async (partNumber, either) => {
		const part = body.part((partNumber - 1) * sizeBytes, Math.min(partNumber * sizeBytes, body.sizeBytes));
		const place = (attempt: number) => findPlace(part, partNumber, attempt, either);
		done.push({ partNumber, eTag: await putPart(client, part, place, either) });
	});
	return done.sort((a, b) => a.partNumber - b.partNumber);
}

async function putPart(
	client: HttpClient,
	part: ObjectBody,
	findPlace: (attempt: number) => Promise<PartPlace>,
	signal: AbortSignal,
): Promise<string> {
	for (let attempt = 1; ; attempt++) {
		const place = await findPlace(attempt);
		try {
			const accept = [200, 201, 204];
			const answer = await client.request({ ...place, method: 'PUT', body: part, accept, limitBytes: MAX_THANKS_BYTES, signal });
			const eTag = answer.header('etag');
			if (eTag !== null) return eTag;
			throw new CacheError('cache-invalid', `${place.url.host} took a part of an upload and gave no ETag for it.`);
		} catch (error) {
			// 403: the URL has run out; 400: the bytes did not arrive as they were sent.
			if (!isCacheError(error, 'cache-forbidden', 'cache-invalid')) throw error;
			if (attempt >= PLACES_PER_PART) throw refusedAt(place.url, error);
		}
	}
}

function refusedAt({ host }: URL, cause: CacheError): CacheError {
	return new CacheError(
		cause.code,
		`${host} took a part of an upload at none of ${PLACES_PER_PART} signed URLs: ${cause.message}`,
		{
			hint: SIGNED_URL_HINT,
			cause,
		},
	);
}
