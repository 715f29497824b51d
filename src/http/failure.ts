import { STATUS_CODES } from 'node:http';
import type { Credentials } from '../cache-target/credentials.ts';
import { CacheError, type ErrorCode } from '../errors.ts';
import { answerLine } from './answer-text.ts';
import type { Answer } from './exchange.ts';

/** What was asked, as far as a message may tell it. */
export interface Asked {
	readonly method: string;
	readonly url: URL;
	/** Of the body that went up, `null` when there was none. */
	readonly sizeBytes: number | null;
	readonly credentials: Credentials | null;
	/** The URL that redirected here, when one did. */
	readonly redirectedFrom: URL | null;
}

/** Why a request failed, and whether it may go better the next time. */
export interface Failure {
	readonly code: ErrorCode;
	readonly message: string;
	readonly hint: string | null;
	readonly cause: unknown;
	/** `overloaded`: the host as a whole wants fewer requests. */
	readonly retry: 'no' | 'yes' | 'overloaded';
	readonly retryAfterMs: number | null;
}

export function errorOf(failure: Failure, attempts: number): CacheError {
	const message = attempts > 1 ? `${failure.message} (after ${attempts} attempts)` : failure.message;
	return new CacheError(failure.code, `${message}.`, { hint: failure.hint ?? undefined, cause: failure.cause });
}

/** Method and URL, without what may be secret in a URL: user info, query (signed URLs) and fragment. */
export function describeRequest(method: string, url: URL): string {
	return `${method} ${shownUrl(url)}`;
}

export function shownUrl(url: URL): string {
	return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`;
}

/** An answer whose status is not one that the caller takes. `nowMs` is the wall clock's time, for dates in `Retry-After`. */
export function failureOfAnswer(
	answer: Pick<Answer, 'status' | 'reason' | 'header' | 'bytes'>,
	asked: Asked,
	nowMs: number,
): Failure {
	const { status } = answer;
	const line = lineOf(answer, asked.credentials);
	// Error pages of web servers say the status once more, and nothing else.
	const said = /^\d{3} [\w ]+$/.test(line) && line.startsWith(`${status} `) ? '' : line;
	const name = STATUS_CODES[status] === undefined ? `${status}` : `${status} ${STATUS_CODES[status]}`;
	const meaning = meaningOf(status, asked);
	return {
		...meaning,
		message: `${describeRequest(asked.method, asked.url)} was answered with ${name}${said === '' ? '' : ` ("${said}")`}`,
		cause: undefined,
		retryAfterMs: retryAfterMs(answer.header('retry-after'), nowMs) ?? retryAfterInJsonMs(answer.bytes),
	};
}

/** What the body has to say; or else the status line, where it says more than the number (Nexus). */
function lineOf(
	{ status, reason, header, bytes }: Pick<Answer, 'status' | 'reason' | 'header' | 'bytes'>,
	credentials: Asked['credentials'],
): string {
	const line = answerLine(header('content-type') ?? '', bytes, credentials);
	if (line !== '' || reason.toLowerCase() === STATUS_CODES[status]?.toLowerCase()) return line;
	return answerLine('text/plain', Buffer.from(reason), credentials);
}

type Meaning = Pick<Failure, 'code' | 'hint' | 'retry'>;

const NOT_A_CACHE = 'Is the URL that of the cache itself (no login page, no API)? The log of the server may say more.';
/** HTTP version not supported, network authentication required. */
const LASTING: ReadonlySet<number> = new Set([505, 511]);

const SEE_ITS_LOG = 'The server failed: its own log says why.';

function meaningOf(status: number, asked: Asked): Meaning {
	const final = (code: ErrorCode, hint: string | null): Meaning => ({ code, hint, retry: 'no' });
	const writes = asked.method === 'PUT';
	switch (status) {
		case 401:
			return final('cache-unauthorized', unauthorizedHint(asked));
		case 403:
			return final(
				'cache-forbidden',
				writes
					? 'Its user may not write there: give it the permission to deploy (and to overwrite), or check `push-url`.'
					: `Its user may not read there, or ${asked.credentials === null ? 'credentials are missing' : 'the URL names another repository'}.`,
			);
		case 404:
		case 410:
			return final(
				'cache-not-found',
				'Is the path of the URL that of the repository? Create it on the server, or correct the URL.',
			);
		case 405:
		case 501:
			if (!writes) return final('cache-invalid', NOT_A_CACHE);
			return final(
				'cache-read-only',
				'The server takes no uploads there: name the URL that does in `push-url`, switch them on (nginx: `dav_methods PUT`), or set `push: never`.',
			);
		case 407:
			return final(
				'cache-unreachable',
				'The proxy wants credentials: put them into HTTPS_PROXY (`http://user:password@host:port`).',
			);
		case 409:
			return final('cache-invalid', writes ? 'Does the folder exist there (nginx: `create_full_put_path on`)?' : NOT_A_CACHE);
		case 413:
			return final(
				'cache-too-large',
				`It refuses ${megabytes(asked.sizeBytes ?? 0)} in one request: raise its limit (nginx: \`client_max_body_size\`), or leave such paths out with \`max-path-size\`.`,
			);
		case 429:
			return { code: 'cache-throttled', hint: 'It limits the rate of requests: lower `concurrency`.', retry: 'overloaded' };
		case 503:
			return { code: 'cache-failing', hint: 'The server is overloaded or down: try again when it is up.', retry: 'overloaded' };
		case 507:
			return final('cache-failing', 'Its disk is full, or a quota is used up.');
		default:
			// Those of proxies too, such as Cloudflare's 520 to 530; Nix tries the same ones again (filetransfer.cc).
			if (status === 408 || (status >= 500 && !LASTING.has(status))) {
				return { code: 'cache-failing', hint: SEE_ITS_LOG, retry: 'yes' };
			}
			return status >= 500 ? final('cache-failing', SEE_ITS_LOG) : final('cache-invalid', NOT_A_CACHE);
	}
}

function unauthorizedHint(asked: Asked): string {
	const { host } = asked.url;
	if (asked.redirectedFrom !== null && asked.redirectedFrom.origin !== asked.url.origin) {
		return `${asked.redirectedFrom.origin} redirected to ${asked.url.origin}, and credentials never follow to another origin: use that URL as the cache's.`;
	}
	if (asked.credentials === null) {
		return `${host} wants credentials, and got none (an empty secret is none): give \`username\` and \`password\`, or \`token\`, or an entry for ${asked.url.hostname} in \`netrc\`.`;
	}
	return asked.credentials.kind === 'bearer'
		? `${host} refuses the token: is it complete, not expired, and does the server take \`Authorization: Bearer\`?`
		: `${host} refuses the credentials: check \`username\` and \`password\` (or \`netrc\`), and that they are not expired.`;
}

export function megabytes(bytes: number): string {
	return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** RFC 9110, section 10.2.3: seconds or a date. `null` when there is none that can be read. */
function retryAfterMs(value: string | null, nowMs: number): number | null {
	if (value === null) return null;
	if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
	const date = Date.parse(value);
	return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}

/** Cloudflare says it within JSON (`retry_after`, in seconds), and Cachix is behind it. */
function retryAfterInJsonMs(bytes: Uint8Array): number | null {
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
	const seconds = /^\s*\{/.test(text) ? /"retry_after"\s*:\s*"?(\d{1,9})\b/.exec(text)?.[1] : undefined;
	return seconds === undefined ? null : Number(seconds) * 1000;
}
