/** The API of a niks3 server. Source: Mic92/niks3, server/ and client/. */

import { bodyOfText } from '../../bodies/in-memory.ts';
import type { Niks3Target } from '../../cache-target/niks3.ts';
import { CacheError, describeError } from '../../errors.ts';
import { answerLine } from '../../http/answer-text.ts';
import type { HttpAnswer, HttpClient } from '../../http/client.ts';
import { type PublicKey, parsePublicKey } from '../../nix/signature.ts';
import { type JsonFields, jsonFields } from '../json-fields.ts';
import type { CompletedPart } from '../part-uploads.ts';

/** What the server says to everybody. */
export interface Niks3Configuration {
	/** Where Nix reads. */
	readonly substituter: URL;
	/** What the server signs with; empty: it does not sign. */
	readonly publicKeys: readonly PublicKey[];
	/** For whom the tokens of GitHub's have to be; `null`: the server takes none. */
	readonly audience: string | null;
	/** `null`: no limit. */
	readonly maxNarBytes: number | null;
}

/** An object of a closure. */
export interface ClosureObject {
	readonly key: string;
	readonly type: 'narinfo' | 'nar';
	/** Keys of what it needs: those of the references' narinfos and of the NAR. */
	readonly refs: readonly string[];
	/** Of a NAR, unpacked. */
	readonly narSizeBytes?: number;
}

/** Where an object that the server does not have is to be put. */
export type PendingObject =
	| { readonly kind: 'whole'; readonly url: URL }
	| { readonly kind: 'parts'; readonly uploadId: string; readonly urls: readonly URL[] };

export interface PendingClosure {
	readonly id: string;
	/** By key; what the server has is not among them. */
	readonly objects: ReadonlyMap<string, PendingObject>;
}

/** What the server signs, in its own words. */
export interface NarInfoMetadata {
	readonly store_path: string;
	readonly url: string;
	readonly compression: string;
	readonly nar_hash: string;
	readonly nar_size: number;
	readonly references: readonly string[];
	readonly deriver?: string;
	readonly signatures?: readonly string[];
	readonly ca?: string;
}

export interface Authentication {
	/** By what the job says who it is; `null`: it does not. */
	token(signal: AbortSignal): Promise<string | null>;
	/** That token was refused. Answers whether another try makes sense. */
	refused(token: string): boolean;
	/** A request was answered as it should be. */
	accepted(): void;
}

/** Every call throws `cache-unauthorized`, `cache-forbidden`, `cache-not-found`, `cache-invalid`, `cache-too-large`, and what the HTTP client throws. */
export interface Niks3Api {
	configuration(issuer: string, signal: AbortSignal): Promise<Niks3Configuration>;
	begin(closure: string, objects: readonly ClosureObject[], signal: AbortSignal): Promise<PendingClosure>;
	/** The server's signatures of a narinfo (`name:base64`). */
	sign(closureId: string, key: string, metadata: NarInfoMetadata, signal: AbortSignal): Promise<readonly string[]>;
	partUrl(key: string, uploadId: string, partNumber: number, signal: AbortSignal): Promise<URL>;
	completeParts(key: string, uploadId: string, parts: readonly CompletedPart[], signal: AbortSignal): Promise<void>;
	/** Whether the server has an object. Nobody without the right to write is told. */
	has(key: string, signal: AbortSignal): Promise<boolean>;
	commit(closureId: string, signal: AbortSignal): Promise<void>;
}

const DONE = [200, 201, 204];
/** Explained here; the others are the HTTP client's business. */
const REFUSALS = [400, 401, 403, 404, 409, 413, 422];
/** Servers that do not know the question yet answer it as one for a page. */
const NOT_KNOWN = [301, 302, 303, 307, 308, 404, 405];
const MAX_ANSWER_BYTES = 1024 * 1024;
const SIGNATURE = /^[^:\s]+:[A-Za-z0-9+/]{86}==$/;

export function createNiks3Api(target: Niks3Target, client: HttpClient, authentication: Authentication): Niks3Api {
	const { url: base, place } = target;
	const what = (of: string): string => `What ${place} says of ${of}`;

	async function ask(
		method: 'GET' | 'HEAD' | 'POST',
		path: string,
		body: unknown,
		accept: readonly number[],
		signal: AbortSignal,
	): Promise<HttpAnswer> {
		for (;;) {
			const token = await authentication.token(signal);
			const credentials = token === null ? null : ({ kind: 'bearer', token } as const);
			const answer = await client.request({
				method,
				url: new URL(path, base),
				headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
				body: body === undefined ? null : bodyOfText(JSON.stringify(body)),
				credentials,
				accept: [...accept, ...REFUSALS],
				limitBytes: MAX_ANSWER_BYTES,
				signal,
			});
			if (accept.includes(answer.status)) {
				authentication.accepted();
				return answer;
			}
			if (answer.status === 401 && token !== null && authentication.refused(token)) continue;
			throw refusal(answer, answerLine(answer.header('content-type') ?? '', answer.bytes, credentials));
		}
	}
	const post = async (path: string, body: unknown, signal: AbortSignal) => (await ask('POST', path, body, DONE, signal)).bytes;

	function refusal({ status }: HttpAnswer, said: string): CacheError {
		const because = said === '' ? '.' : ` ("${said}").`;
		switch (status) {
			case 401:
				return new CacheError('cache-unauthorized', `${place} refuses the token of this job${because}`, {
					hint:
						target.token === null
							? "Does the server's OIDC configuration allow this repository and branch?"
							: 'Is it the whole token of this server?',
				});
			case 403:
				return new CacheError('cache-forbidden', `${place} does not let this job write${because}`, {
					hint: "Give it the scope to write in the server's configuration.",
				});
			case 404:
				return new CacheError('cache-not-found', `${place} does not know what it was asked for${because}`, {
					hint: 'Is the URL that of a niks3 server (not that of its bucket)?',
				});
			case 413:
				return new CacheError('cache-too-large', `${place} refuses a path as too large${because}`, {
					hint: 'Leave such paths out with `max-path-size`.',
				});
			default:
				return new CacheError('cache-invalid', `${place} answered ${status}${because}`);
		}
	}

	return {
		async configuration(issuer, signal) {
			const path = `api/cache-config?${new URLSearchParams({ issuer })}`;
			const { bytes } = await client.request({
				method: 'GET',
				url: new URL(path, base),
				headers: { accept: 'application/json' },
				accept: [200],
				limitBytes: MAX_ANSWER_BYTES,
				signal,
			});
			return readConfiguration(jsonFields(bytes, what('itself')), base, place);
		},
		async begin(closure, objects, signal) {
			const asked = objects.map(({ key, type, refs, narSizeBytes }) => ({ key, type, refs, nar_size: narSizeBytes }));
			const fields = jsonFields(await post('api/pending_closures', { closure, objects: asked }, signal), what('a new closure'));
			const pending = fields.fields('pending_objects');
			return {
				id: fields.text('id'),
				objects: new Map(pending.names().map((key) => [key, readPending(pending.fields(key), place)])),
			};
		},
		async sign(closureId, key, metadata, signal) {
			const path = `api/pending_closures/${encodeURIComponent(closureId)}/sign`;
			const fields = jsonFields(await post(path, { narinfos: { [key]: metadata } }, signal), what('signatures'));
			const signatures = fields.fields('signatures').texts(key);
			if (signatures.every((signature) => SIGNATURE.test(signature))) return signatures;
			throw new CacheError('cache-invalid', `${place} gave a signature that is none.`);
		},
		async partUrl(key, uploadId, partNumber, signal) {
			const asked = { object_key: key, upload_id: uploadId, start_part_number: partNumber, num_parts: 1 };
			const fields = jsonFields(await post('api/multipart/request-parts', asked, signal), what('a part'));
			return signedUrl(fields.texts('part_urls')[0] ?? '', place);
		},
		async completeParts(key, uploadId, parts, signal) {
			// The quotes of an ETag are HTTP's; the server puts its own around it.
			const done = parts.map(({ partNumber, eTag }) => ({ part_number: partNumber, etag: eTag.replace(/^"|"$/g, '') }));
			await post('api/multipart/complete', { object_key: key, upload_id: uploadId, parts: done }, signal);
		},
		async has(key, signal) {
			const answer = await ask('HEAD', `api/objects/${key}`, undefined, [200, 204, ...NOT_KNOWN], signal);
			return answer.status < 300;
		},
		async commit(closureId, signal) {
			await post(`api/pending_closures/${encodeURIComponent(closureId)}/complete`, {}, signal);
		},
	};
}

function readConfiguration(fields: JsonFields, base: URL, place: string): Niks3Configuration {
	// A server that reads are not told apart from serves them itself.
	const written = fields.textOrNull('substituter_url') || base.href;
	const substituter = URL.parse(written);
	if (
		substituter === null ||
		!/^https?:$/.test(substituter.protocol) ||
		substituter.username !== '' ||
		substituter.search !== ''
	) {
		throw new CacheError('cache-invalid', `${place} names no place that Nix could read from.`);
	}
	return {
		substituter,
		publicKeys: fields.texts('public_keys').map((text) => readKey(text, place)),
		audience: fields.textOrNull('oidc_audience') || null,
		maxNarBytes: fields.numberOrNull('max_nar_size') || null,
	};
}

function readKey(text: string, place: string): PublicKey {
	try {
		return parsePublicKey(text);
	} catch (cause) {
		throw new CacheError('cache-invalid', `${place} has a key that can't be read: ${describeError(cause)}`, { cause });
	}
}

function readPending(fields: JsonFields, place: string): PendingObject {
	const parts = fields.fieldsOrNull('multipart_info');
	if (parts === null) return { kind: 'whole', url: signedUrl(fields.text('presigned_url'), place) };
	return { kind: 'parts', uploadId: parts.text('upload_id'), urls: parts.texts('part_urls').map((url) => signedUrl(url, place)) };
}

function signedUrl(text: string, place: string): URL {
	const url = /^https?:/.test(text) ? URL.parse(text) : null;
	if (url === null) throw new CacheError('cache-invalid', `${place} names no place for an upload.`);
	return url;
}
