import { Readable } from 'node:stream';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { ObjectBody } from '../../bodies/body.ts';
import { bodyOfBytes, bodyOfText } from '../../bodies/in-memory.ts';
import { CacheError } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';

/** What a caller tells the transport through the options of the SDK's `send`. */
export interface Sending {
	readonly abortSignal: AbortSignal;
}

/** A request as the SDK hands it over, signed. */
interface SignedRequest {
	readonly method: string;
	readonly protocol: string;
	readonly hostname: string;
	readonly port?: number;
	readonly path: string;
	readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: unknown;
}

/** The answers that mean something in S3's protocol. What is not among them is tried again, or ends as the HTTP client's own failure. */
export const ANSWERS: readonly number[] = [
	200, 201, 202, 204, 206, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 409, 411, 412, 416, 501,
];
/** Of what is no object. */
export const ANSWER_BYTES = 256 * 1024;
/** For requests that no caller can cancel: somebody else waits for the same credentials. */
export const UNATTENDED_MS = 60_000;

/**
 * Carries the SDK's requests with our HTTP client: its proxy, certificate authorities, time limits, further tries and pace. The SDK is left to make, sign and
 * understand them. A further try has the same signature, which is good for 15 minutes.
 */
export function createTransport(client: HttpClient): NonNullable<S3ClientConfig['requestHandler']> {
	return {
		metadata: { handlerProtocol: 'http/1.1' },
		async handle(request: SignedRequest, options: Partial<Sending> = {}) {
			const { abortSignal: signal = AbortSignal.timeout(UNATTENDED_MS) } = options;
			const answer = await client.request({
				method: methodOf(request.method),
				url: urlOf(request),
				headers: request.headers,
				body: bodyOf(request.body),
				accept: ANSWERS,
				limitBytes: ANSWER_BYTES,
				signal,
			});
			const body = Readable.from([answer.bytes], { objectMode: false });
			return { response: { statusCode: answer.status, headers: answer.headers(), body } };
		},
		updateHttpClientConfig: () => undefined,
		httpHandlerConfigs: () => ({}),
	};
}

function bodyOf(body: unknown): ObjectBody | null {
	if (body === undefined || body === null) return null;
	if (typeof body === 'string') return bodyOfText(body);
	if (body instanceof Uint8Array) return bodyOfBytes(body);
	throw new CacheError('internal', 'The body of a request to S3 is of an unknown kind.');
}

function methodOf(method: string): 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE' {
	if (method === 'GET' || method === 'HEAD' || method === 'PUT' || method === 'POST' || method === 'DELETE') return method;
	throw new CacheError('internal', `A request to S3 has the unknown method ${method}.`);
}

function urlOf({ protocol, hostname, port, path, query }: SignedRequest): URL {
	const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`);
	url.search = Object.entries(query ?? {})
		.flatMap(([name, value]) =>
			value === null ? [escaped(name)] : [value].flat().map((one) => `${escaped(name)}=${escaped(one)}`),
		)
		.join('&');
	return url;
}

/** As it was signed. Source: "Create a signed AWS API request" in the IAM user guide, UriEncode. */
export function escaped(text: string): string {
	return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
