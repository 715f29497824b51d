import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openConnection } from '../../../src/backends/s3/connection.ts';
import { uploadInParts } from '../../../src/backends/s3/multipart.ts';
import { openS3 } from '../../../src/backends/s3/store.ts';
import { bodyOfBytes } from '../../../src/bodies/in-memory.ts';
import { never, recordingLog, testClient } from '../../http/peers/means.ts';
import { bodyOf, type Peer, startServer } from '../../http/peers/server.ts';
import { environment, targetOf } from './targets.ts';

/** What a server says in place of an answer. */
interface Said {
	readonly status: number;
	readonly code?: string;
	readonly message?: string;
	/** More of the XML. */
	readonly more?: string;
	readonly headers?: Readonly<Record<string, string>>;
}

const user = { accessKeyId: 'AKIATEST', secretAccessKey: 'test-secret' };
let peer: Peer;
let answers: (Said | null)[];
beforeEach(async () => {
	environment({}, vi.stubEnv);
	answers = [];
	peer = await startServer(async (request, response) => {
		await bodyOf(request);
		say(request, response, answers.length > 1 ? (answers.shift() ?? null) : (answers[0] ?? null));
	});
});
afterEach(async () => {
	vi.unstubAllEnvs();
	await peer.close();
});

/** As S3 writes its errors; `null`: all is well. */
function say(request: IncomingMessage, response: ServerResponse, said: Said | null): void {
	if (said === null) return void response.writeHead(200, { etag: '"1"', 'content-length': 0 }).end();
	const { status, code, message = 'Some text.', more = '', headers = {} } = said;
	response.writeHead(status, { 'content-type': 'application/xml', ...headers });
	const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${more}<RequestId>1</RequestId></Error>`;
	response.end(code === undefined || request.method === 'HEAD' ? '' : xml);
}

async function put(...said: (Said | null)[]): Promise<unknown> {
	answers = said;
	await using client = testClient({ attempts: 2 });
	const store = openS3(targetOf(`s3://a-bucket?endpoint=${peer.url.origin}`, user), { client, log: recordingLog() });
	return store.put('nar/a', bodyOfBytes(Buffer.from('x')), '', never).then(
		() => null,
		(error: unknown) => error,
	);
}

const cases: readonly (readonly [string, Said, string, RegExp])[] = [
	[
		'another region, by a redirect',
		{ status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-west-1' } },
		'cache-invalid',
		/in the region `eu-west-1`: write `region=eu-west-1` in the URL in place of `us-east-1`/,
	],
	[
		'another region, by the signature',
		{ status: 400, code: 'AuthorizationHeaderMalformed', more: '<Region>eu-central-1</Region>' },
		'cache-invalid',
		/write `region=eu-central-1`/,
	],
	[
		'another region, unnamed',
		{ status: 400, code: 'AuthorizationHeaderMalformed' },
		'cache-invalid',
		/`region=us-east-1` the one/,
	],
	[
		'another endpoint',
		{ status: 307, code: 'TemporaryRedirect', headers: { location: 'http://127.0.0.1:9/' } },
		'cache-invalid',
		/`endpoint`/,
	],
	[
		'a session that has expired',
		{ status: 400, code: 'ExpiredToken' },
		'cache-unauthorized',
		/session .* has expired.*role-duration-seconds/,
	],
	['a token of another key', { status: 403, code: 'InvalidToken' }, 'cache-unauthorized', /AWS_SESSION_TOKEN/],
	['a clock that stays wrong', { status: 403, code: 'RequestTimeTooSkewed' }, 'cache-unauthorized', /clock/],
	['a denial', { status: 403, code: 'AccessDenied' }, 'cache-forbidden', /s3:PutObject.*s3:ListBucket/],
	['a denial without a text', { status: 403 }, 'cache-forbidden', /s3:PutObject/],
	['a quota', { status: 403, code: 'QuotaExceeded' }, 'cache-failing', /quota/],
	['an upload that is gone', { status: 404, code: 'NoSuchUpload' }, 'cache-invalid', /lifecycle rule/],
	['too large an object', { status: 400, code: 'EntityTooLarge' }, 'cache-too-large', /max-path-size/],
	['a method that is not there', { status: 405, code: 'MethodNotAllowed' }, 'cache-read-only', /push: never/],
	['a part of S3 that is not there', { status: 501, code: 'NotImplemented' }, 'cache-invalid', /has not all of S3/],
	[
		'too many requests',
		{ status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' },
		'cache-throttled',
		/lower `concurrency`/,
	],
	[
		'too many requests, as Cloudflare says it',
		{ status: 429, code: 'TooManyRequests' },
		'cache-throttled',
		/lower `concurrency`/,
	],
	['a server that fails', { status: 500, code: 'InternalError' }, 'cache-failing', /failed/],
];

describe('an answer of S3 that means', () => {
	it.each(cases)('%s', async (_, said, code, hint) => {
		const error = await put(said);
		expect(error).toMatchObject({ code, hint: expect.stringMatching(hint) });
		expect(String(error)).toMatch(
			said.code === undefined || said.status >= 429 ? /a-bucket/ : new RegExp(`${said.code} \\(${said.status}\\) \\("`),
		);
		expect(String(error).split('\n').length).toBe(1);
	});

	it('something else, from what is not S3 at all', async () => {
		answers = [];
		await using client = testClient();
		const web = await startServer(
			(_, response) => void response.writeHead(400, { 'content-type': 'text/html' }).end('<html><p>no</html>'),
		);
		const store = openS3(targetOf(`s3://a-bucket?endpoint=${web.url.origin}`, user), { client, log: recordingLog() });
		await expect(store.get('nix-cache-info', 100, never)).rejects.toMatchObject({ code: 'cache-invalid' });
		await web.close();
	});

	it.each([503, 500])('%i is tried again', async (status) => {
		expect(await put({ status, code: 'SlowDown' }, null)).toBeNull();
		expect(peer.received.length).toBe(2);
	});

	it('a conflict with another writer is tried once more', async () => {
		expect(await put({ status: 409, code: 'OperationAborted' }, null)).toBeNull();
	});
});

it('an upload that nobody answers ends as an unreachable cache', async () => {
	await using client = testClient({ attempts: 1 });
	const store = openS3(targetOf('s3://a-bucket?endpoint=127.0.0.1:9&scheme=http', user), { client, log: recordingLog() });
	await expect(store.get('a', 10, never)).rejects.toMatchObject({ code: 'cache-unreachable' });
});

it('a request never carries the secret, and is signed for the region of the URL', async () => {
	await put(null);
	const headers = peer.received[0]?.headers ?? {};
	expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIATEST\/\d{8}\/us-east-1\/s3\/aws4_request, /);
	expect(JSON.stringify(headers)).not.toContain('test-secret');
	expect(headers['content-length']).toBe('1');
	expect(Object.keys(headers).filter((name) => /checksum|expect|transfer-encoding/.test(name))).toEqual([]);
});

it('a bucket is named in the host where the URL says so, and a proxy of the environment is used', async () => {
	await using client = testClient({ env: { http_proxy: peer.url.origin } });
	const store = openS3(targetOf('s3://a-bucket?endpoint=http://s3.test&addressing-style=virtual', user), {
		client,
		log: recordingLog(),
	});
	await store.put('nar/a', bodyOfBytes(Buffer.from('x')), '', never);
	expect(peer.received.map(({ path, headers }) => [headers.host, path])).toEqual([
		['a-bucket.s3.test', 'http://a-bucket.s3.test/nar/a'],
	]);
});

describe('the end of an upload in parts that fails after its answer began, as S3 lets it,', () => {
	const begun = '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>';
	const ended = '<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>';
	const failed = (code: string) => `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>We failed.</Message></Error>`;

	/** The methods that came, when the ends are answered so. */
	async function upload(...ends: readonly string[]): Promise<{ readonly error: unknown; readonly methods: string }> {
		const left = [...ends];
		await using client = testClient({ attempts: 2 });
		const bucket = await startServer(async (request, response) => {
			await bodyOf(request);
			const text =
				request.method === 'PUT' || request.method === 'DELETE' ? '' : request.url?.includes('uploads') ? begun : left.shift();
			response.writeHead(200, { 'content-type': 'application/xml', etag: '"1"' }).end(text);
		});
		const connection = openConnection(targetOf(`s3://a-bucket?endpoint=${bucket.url.origin}`, user), {
			client,
			log: recordingLog(),
		});
		const object = { Bucket: 'a-bucket', Key: 'nar/a', ContentType: '' };
		const error = await uploadInParts(connection, { object, body: bodyOfBytes(Buffer.from('x')), label: 'a' }, never).then(
			() => null,
			(cause: unknown) => cause,
		);
		await bucket.close();
		return { error, methods: bucket.received.map(({ method }) => method).join(' ') };
	}

	it.each(['InternalError', 'SlowDown', 'ServiceUnavailable'])('with %s is asked for again', async (code) => {
		expect(await upload(failed(code), ended)).toEqual({ error: null, methods: 'POST PUT POST POST' });
	});

	it('is a failure of the server when it fails again', async () => {
		const { error, methods } = await upload(failed('InternalError'), failed('InternalError'), failed('InternalError'));
		expect(error).toMatchObject({ code: 'cache-failing' });
		expect(methods).toMatch(/ DELETE$/);
	});
});
