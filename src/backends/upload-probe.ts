import { Readable } from 'node:stream';
import { bodyOfBytes } from '../bodies/in-memory.ts';
import type { Credentials } from '../cache-target/credentials.ts';
import type { HttpTarget } from '../cache-target/http.ts';
import { CacheError, isCacheError } from '../errors.ts';
import type { HttpAnswer, HttpClient } from '../http/client.ts';
import type { Env } from '../http/proxy.ts';
import { refusalOfUpload } from '../http/upload-refusal.ts';
import type { Log } from '../log.ts';
import { MAX_CACHE_INFO_BYTES } from '../nix/cache-info.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { netrcCredentials } from './netrc-credentials.ts';

/** How long a server gets to refuse an upload on the sight of its head, beyond what an answer takes. */
const WAIT_MS = 250;
const MAX_WAIT_MS = 1_500;

const CACHE_INFO = 'nix-cache-info';

/** Of a path that can't be. */
const NO_PATH = `${'0'.repeat(32)}.narinfo`;

/** What the question is asked with. */
export interface UploadProbeMeans {
	/** For the proxy and the certificate authorities. */
	readonly env: Env;
	readonly netrc: readonly NetrcEntry[];
	readonly client: HttpClient;
	readonly log: Log;
	readonly signal: AbortSignal;
}

/**
 * Why an HTTP server takes no uploads at all, or not with these credentials, found out without leaving anything there; `null` when nothing is known against it.
 * It is asked for its methods, which shows servers that look at no method; the others are shown the head of an upload, and refuse that or not.
 */
export async function whyNoUploads(target: HttpTarget, means: UploadProbeMeans): Promise<CacheError | null> {
	const { netrc, client, signal } = means;
	const base = new URL(target.pushUrl ?? target.url);
	if (!base.pathname.endsWith('/')) base.pathname += '/';
	const credentials = target.credentials ?? netrcCredentials(netrc, base);
	const startedMs = performance.now();
	const url = new URL(CACHE_INFO, base);
	const question = { method: 'OPTIONS', url, credentials, accept: ANY, limitBytes: MAX_CACHE_INFO_BYTES, signal } as const;
	const options = await unlessFailed(client.request(question), signal);
	if (options === null) return null;
	if (isCacheInfo(options.bytes)) return whyNotTaken(base, options.bytes, credentials, client, signal);
	const place = new URL(NO_PATH, base);
	const refusal = await refusalOfUpload({ ...means, url: place, credentials });
	if (refusal !== null) return impossible(refusal.message, refusal);
	if (LOOK_FIRST.test(options.header('server') ?? '') || /\bPUT\b/.test(options.header('allow') ?? '')) return null;
	return whyRefusedInTheMiddle(place, credentials, performance.now() - startedMs, means);
}

/** These look at the place and at the user's rights before they ask for the body. */
const LOOK_FIRST = /nginx|apache|jetty|artifactory|nexus/i;

/** Others ask for the body of whatever comes (harmonia), and refuse it when its first byte is there. More than that does not come. */
async function whyRefusedInTheMiddle(
	url: URL,
	credentials: Credentials | null,
	answerMs: number,
	{ client, signal }: UploadProbeMeans,
): Promise<CacheError | null> {
	const patience = AbortSignal.timeout(Math.ceil(Math.min(MAX_WAIT_MS, WAIT_MS + 2 * answerMs)));
	const upload = { method: 'PUT', url, body: neverEnding(), credentials, accept: [], limitBytes: 0 } as const;
	const refusal = await client.request({ ...upload, signal: AbortSignal.any([signal, patience]) }).then(
		() => null,
		(error: unknown) => error,
	);
	if (signal.aborted) throw refusal;
	if (!isCacheError(refusal, 'cache-read-only', 'cache-not-found', 'cache-unauthorized', 'cache-forbidden')) return null;
	return impossible(refusal.message, refusal);
}

/**
 * For a server that looks at no method but maybe PUT: it gets back the file that it gave. nix-serve answers with that file once more; nix-binary-cache takes it, and would
 * have ended itself at an upload that breaks off.
 */
async function whyNotTaken(
	base: URL,
	cacheInfo: Uint8Array,
	credentials: Credentials | null,
	client: HttpClient,
	signal: AbortSignal,
): Promise<CacheError | null> {
	const body = bodyOfBytes(cacheInfo);
	const request = { method: 'PUT', url: new URL(CACHE_INFO, base), body, credentials, accept: ANY, signal } as const;
	const answer = await unlessFailed(client.request({ ...request, limitBytes: MAX_CACHE_INFO_BYTES }), signal);
	if (answer === null || !isCacheInfo(answer.bytes)) return null;
	return impossible(`${base.href} gives what it has whatever it is asked to do (as nix-serve does), and takes no uploads.`);
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

function impossible(message: string, cause?: CacheError): CacheError {
	const hint =
		cause?.code === 'cache-unauthorized' || cause?.code === 'cache-forbidden'
			? cause.hint
			: 'Name the URL that takes uploads in `push-url`; a server that only serves a store (harmonia, nix-serve) goes under `substituters`, or set `push: never`.';
	return new CacheError('push-impossible', message, { hint: hint ?? undefined, cause });
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
