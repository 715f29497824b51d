/** The API of Cachix, `HOST/api/v1`. Source: cachix/cachix, cachix-api/src/Cachix/API.hs and cachix/src/Cachix/Client/Push/S3.hs. */

import { bodyOfText } from '../../bodies/in-memory.ts';
import type { CachixTarget } from '../../cache-target/cachix.ts';
import { CacheError } from '../../errors.ts';
import { answerLine } from '../../http/answer-text.ts';
import type { HttpAnswer, HttpClient } from '../../http/client.ts';
import { jsonFields, jsonTexts } from '../json-fields.ts';
import type { CompletedPart } from '../part-uploads.ts';
import { type CacheInformation, parseCacheInformation } from './cache-information.ts';
import type { NarInfoCreate } from './narinfo-create.ts';

/** An upload in parts that the server has begun. */
export interface Upload {
	readonly narId: string;
	readonly uploadId: string;
}

/**
 * Every call throws `cache-unauthorized`, `cache-forbidden`, `cache-not-found`, `cache-failing` (also for a quota that is used up), `cache-invalid`, and what
 * the HTTP client throws.
 */
export interface CachixApi {
	information(signal: AbortSignal): Promise<CacheInformation>;
	/** Which of these hash parts the cache does not have. At most `BULK` of them. */
	missing(hashParts: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>>;
	begin(compression: 'zst' | 'xz', signal: AbortSignal): Promise<Upload>;
	/** Where a part with this MD5 (in base 64) is to be put. The URL is signed and does not last. */
	partUrl(upload: Upload, partNumber: number, contentMd5: string, signal: AbortSignal): Promise<URL>;
	/** Makes the path visible. `parts` in their order. */
	complete(upload: Upload, parts: readonly CompletedPart[], narInfo: NarInfoCreate, signal: AbortSignal): Promise<void>;
	abort(upload: Upload, signal: AbortSignal): Promise<void>;
}

/** What the command line client asks for at once; the server takes no more. */
export const BULK = 32_768;

const DONE = [200, 201, 202, 204];
/** Explained here; the others are the HTTP client's business. */
const REFUSALS = [400, 401, 402, 403, 404, 409, 422];
const MAX_ANSWER_BYTES = 64 * 1024;
/** `BULK` hash parts with quotes and commas. */
const MAX_BULK_BYTES = 2 * 1024 * 1024;

const QUOTA = /quota|storage limit|limit (?:is |was )?(?:reached|exceeded)|exceed/i;

export function createCachixApi(target: CachixTarget, client: HttpClient): CachixApi {
	const { host, name, token } = target;
	const credentials = token === null ? null : ({ kind: 'bearer', token } as const);
	const base = `${host.origin}/api/v1/cache/${name}`;

	const call = async (method: 'GET' | 'POST', path: string, body: unknown, limitBytes: number, signal: AbortSignal) => {
		const answer = await client.request({
			method,
			url: new URL(`${base}${path}`),
			headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
			body: body === undefined ? null : bodyOfText(JSON.stringify(body)),
			credentials,
			accept: [...DONE, ...REFUSALS],
			limitBytes,
			signal,
		});
		if (answer.status >= 300) throw refusal(answer);
		return answer.bytes;
	};
	const post = (path: string, body: unknown, signal: AbortSignal) => call('POST', path, body, MAX_ANSWER_BYTES, signal);
	const ofUpload = ({ narId, uploadId }: Upload, step = '', query: Readonly<Record<string, string>> = {}): string =>
		`/multipart-nar/${encodeURIComponent(narId)}${step}?${new URLSearchParams({ uploadId, ...query })}`;

	function refusal(answer: HttpAnswer): CacheError {
		const said = answerLine(answer.header('content-type') ?? '', answer.bytes, credentials);
		const because = said === '' ? '.' : ` ("${said}").`;
		if (answer.status === 402 || QUOTA.test(said)) {
			return new CacheError('cache-failing', `${target.place} takes no more${because}`, {
				hint: 'Its storage is used up: look at its settings on the server, or leave large paths out with `max-path-size`.',
			});
		}
		switch (answer.status) {
			case 401:
				return new CacheError('cache-unauthorized', `${host.host} refuses the token for ${target.place}${because}`, {
					hint:
						token === null
							? 'It is private: give a token as `token`.'
							: 'Is the token complete, not revoked, and one of this server?',
				});
			case 403:
				return new CacheError('cache-forbidden', `${host.host} does not let this token use ${target.place}${because}`, {
					hint: 'Make a token for this cache, with the right to write when the job pushes.',
				});
			case 404:
				return new CacheError('cache-not-found', `${host.host} has no ${target.place}, or not for this token${because}`, {
					hint: 'Is the name that of `https://NAME.cachix.org`? A private cache needs `token`.',
				});
			default:
				return new CacheError('cache-invalid', `${host.host} answered ${answer.status} for ${target.place}${because}`);
		}
	}

	return {
		async information(signal) {
			const bytes = await call('GET', '', undefined, MAX_ANSWER_BYTES, signal);
			return parseCacheInformation(bytes, host, `What ${host.host} says of ${target.place}`);
		},
		async missing(hashParts, signal) {
			const bytes = await call('POST', '/narinfo', hashParts, MAX_BULK_BYTES, signal);
			return new Set(jsonTexts(bytes, `The list of paths that ${target.place} lacks`));
		},
		async begin(compression, signal) {
			const fields = jsonFields(await post(`/multipart-nar?compression=${compression}`, undefined, signal), 'A new upload');
			return { narId: fields.text('narId'), uploadId: fields.text('uploadId') };
		},
		async partUrl(upload, partNumber, contentMd5, signal) {
			const path = ofUpload(upload, '', { partNumber: `${partNumber}` });
			const url = jsonFields(await post(path, { contentMD5: contentMd5 }, signal), 'A part of an upload').text('uploadUrl');
			if (/^https?:/.test(url) && URL.canParse(url)) return new URL(url);
			throw new CacheError('cache-invalid', `${host.host} names no place for a part of an upload.`);
		},
		async complete(upload, parts, narInfo, signal) {
			await post(ofUpload(upload, '/complete'), { parts, narInfoCreate: narInfo }, signal);
		},
		async abort(upload, signal) {
			await post(ofUpload(upload, '/abort'), undefined, signal);
		},
	};
}
