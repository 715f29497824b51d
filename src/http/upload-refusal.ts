import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Credentials } from '../cache-target/credentials.ts';
import type { CacheError } from '../errors.ts';
import type { Log } from '../log.ts';
import { authorization } from './credentials.ts';
import { errorOf, failureOfAnswer } from './failure.ts';
import { type Env, proxyFor } from './proxy.ts';
import { trustFromEnv } from './trust.ts';

export interface Upload {
	/** Where something would be put, if it were. */
	readonly url: URL;
	readonly credentials: Credentials | null;
	/** For the proxy and the certificate authorities. */
	readonly env: Env;
	readonly log: Log;
	readonly signal: AbortSignal;
}

/** What a server says of the user or of the place, not of what is uploaded. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 404, 405, 501]);
const PATIENCE_MS = 3_000;
const ERROR_TEXT_BYTES = 4096;

/**
 * Why a server would refuse an upload, found out without one: the head of a PUT that says `Expect: 100-continue` (RFC 9110, section 10.1.1), whose
 * body is never sent. nginx, Jetty, Go and AWS check the user's rights before they ask for the body; the connection ends there, and nothing is stored.
 * `null`: it asks for the body, which servers also do that look at the rights only later (Tomcat as it is set by default), it does not answer in
 * time, or there is a proxy on the way, which speaks for itself. Not by way of the client: undici has no such header.
 */
export function refusalOfUpload(upload: Upload): Promise<CacheError | null> {
	const { url, credentials, env, log, signal } = upload;
	if (signal.aborted || proxyFor(url, env) !== null) return Promise.resolve(null);
	const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
	const secureContext = url.protocol === 'https:' ? trustFromEnv(env, log) : null;
	return new Promise((resolve) => {
		const request = send(url, {
			method: 'PUT',
			headers: {
				'user-agent': 'nix-cache-action',
				'content-length': '1',
				expect: '100-continue',
				...(credentials === null ? {} : { authorization: authorization(credentials) }),
			},
			agent: false,
			signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
			...(secureContext === null ? {} : { secureContext }),
		});
		const settle = (refusal: CacheError | null): void => {
			resolve(refusal);
			request.destroy();
		};
		request.once('continue', () => settle(null));
		request.once('response', (response) => {
			void refusalOf(response, upload).then(settle, () => settle(null));
		});
		request.on('error', () => settle(null));
		request.flushHeaders();
	});
}

async function refusalOf(response: IncomingMessage, { url, credentials }: Upload): Promise<CacheError | null> {
	const status = response.statusCode ?? 0;
	if (!REFUSALS.has(status)) return null;
	const parts: Buffer[] = [];
	let sizeBytes = 0;
	for await (const part of response) {
		const bytes: Buffer = part;
		parts.push(bytes);
		sizeBytes += bytes.length;
		if (sizeBytes > ERROR_TEXT_BYTES) break;
	}
	const header = (name: string): string | null => {
		const value = response.headers[name];
		return (Array.isArray(value) ? value[0] : value) ?? null;
	};
	const answer = { status, reason: response.statusMessage ?? '', header, bytes: Buffer.concat(parts) };
	return errorOf(
		failureOfAnswer(answer, { method: 'PUT', url, sizeBytes: null, credentials, redirectedFrom: null }, Date.now()),
		1,
	);
}
