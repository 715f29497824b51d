import { Readable } from 'node:stream';
import type { Credentials } from '../cache-target/credentials.ts';
import type { HttpTarget } from '../cache-target/http.ts';
import { CacheError, describeError, isCacheError } from '../errors.ts';
import type { HttpAnswer, HttpClient } from '../http/client.ts';
import { MAX_CACHE_INFO_BYTES } from '../nix/cache-info.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { netrcCredentials } from './netrc-credentials.ts';
import { bodyOfBytes } from './object-body.ts';

/** How long a server gets to refuse an upload on the sight of its head, beyond what an answer takes. */
const WAIT_MS = 250;
const MAX_WAIT_MS = 1_500;

const CACHE_INFO = 'nix-cache-info';

/** Of a path that can't be: servers that parse what they get (nix-casync) refuse the start of it, the others throw it away. */
const NO_PATH = `${'0'.repeat(32)}.narinfo`;

/**
 * Why an HTTP server surely takes no uploads, or not with these credentials; `null` when it may. Found out without leaving anything there: it is asked for its methods,
 * and where it does not name PUT, an upload is begun that is never finished. A server that says nothing to that may be writable.
 */
export async function whyNoUploads(
	target: HttpTarget,
	netrc: readonly NetrcEntry[],
	client: HttpClient,
	signal: AbortSignal,
): Promise<string | null> {
	const base = new URL(target.pushUrl ?? target.url);
	if (!base.pathname.endsWith('/')) base.pathname += '/';
	const credentials = target.credentials ?? netrcCredentials(netrc, base);
	const startedMs = performance.now();
	const url = new URL(CACHE_INFO, base);
	const question = { method: 'OPTIONS', url, credentials, accept: ANY, limitBytes: MAX_CACHE_INFO_BYTES, signal } as const;
	const options = await unlessFailed(client.request(question), signal);
	if (options === null) return null;
	if (isCacheInfo(options.bytes)) return checkByPutting(base, options.bytes, credentials, client, signal);
	if (/\bPUT\b/.test(options.header('allow') ?? '')) return null;

	const waitMs = Math.min(MAX_WAIT_MS, WAIT_MS + 2 * (performance.now() - startedMs));
	const patience = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(waitMs))]);
	const refusal = await client
		.request({
			method: 'PUT',
			url: new URL(NO_PATH, base),
			body: neverEnding(),
			credentials,
			accept: [],
			limitBytes: 0,
			signal: patience,
		})
		.then(
			() => null,
			(error: unknown) => error,
		);
	if (signal.aborted) throw refusal;
	if (!isCacheError(refusal, 'cache-read-only', 'cache-not-found', 'cache-unauthorized', 'cache-forbidden')) return null;
	return describeError(isAboutTheUser(refusal) ? refusal : withHint(refusal.message));
}

/**
 * For a server that looks at no method but maybe PUT: it gets back the file that it gave. nix-serve answers with that file once more; nix-binary-cache takes it, and would
 * have ended itself at an upload that breaks off.
 */
async function checkByPutting(
	base: URL,
	cacheInfo: Uint8Array,
	credentials: Credentials | null,
	client: HttpClient,
	signal: AbortSignal,
): Promise<string | null> {
	const body = bodyOfBytes(cacheInfo);
	const request = { method: 'PUT', url: new URL(CACHE_INFO, base), body, credentials, accept: ANY, signal } as const;
	const answer = await unlessFailed(client.request({ ...request, limitBytes: MAX_CACHE_INFO_BYTES }), signal);
	if (answer === null || !isCacheInfo(answer.bytes)) return null;
	return describeError(
		withHint(`${base.href} gives what it has whatever it is asked to do (as nix-serve does), and takes no uploads.`),
	);
}

/** A failure says nothing about uploads: `null`. */
async function unlessFailed(answer: Promise<HttpAnswer>, signal: AbortSignal): Promise<HttpAnswer | null> {
	try {
		return await answer;
	} catch (error) {
		if (!isCacheError(error) || signal.aborted) throw error;
		return null;
	}
}

function isCacheInfo(bytes: Uint8Array): boolean {
	return /^StoreDir:/m.test(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}

const ANY = Array.from({ length: 400 }, (_, index) => 200 + index);

function isAboutTheUser({ code }: CacheError): boolean {
	return code === 'cache-unauthorized' || code === 'cache-forbidden';
}

function withHint(message: string): CacheError {
	return new CacheError('push-impossible', message, {
		hint: 'Name the URL that takes uploads in `push-url`; a server that only serves a store (harmonia, nix-serve) goes under `substituters`, or set `push: never`.',
	});
}

/** Two bytes, of which one comes. */
function neverEnding() {
	return {
		sizeBytes: 2,
		bytes: null,
		stream: () => {
			let begun = false;
			return new Readable({
				read() {
					if (!begun) this.push(Buffer.alloc(1));
					begun = true;
				},
			});
		},
	};
}
