import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { bodyOfBytes } from '../../src/bodies/in-memory.ts';
import { CacheError } from '../../src/errors.ts';
import type { HttpRequest } from '../../src/http/request.ts';
import { systemClock } from '../../src/waiting/cancel.ts';
import { bodyOfZeros, leapingClock, never, recordingLog, testClient } from './peers/means.ts';
import { bodyOf, closedPort, type Handler, type Peer, startServer } from './peers/server.ts';

const peers: Peer[] = [];
afterEach(async () => {
	for (const peer of peers.splice(0)) await peer.close();
});

async function serve(handler: Handler): Promise<Peer> {
	const peer = await startServer(handler);
	peers.push(peer);
	return peer;
}

const get = (url: URL, more: Partial<HttpRequest> = {}): HttpRequest => ({
	method: 'GET',
	url,
	accept: [200, 404],
	limitBytes: 1000,
	signal: never,
	...more,
});
const put = (url: URL, body: HttpRequest['body'], more: Partial<HttpRequest> = {}): HttpRequest =>
	get(url, { method: 'PUT', body: body ?? null, accept: [201], ...more });

const basic = { kind: 'basic', username: 'ci', password: 'pässword!' } as const;

async function failure(promise: Promise<unknown>): Promise<CacheError> {
	const error: unknown = await promise.then(
		() => null,
		(thrown: unknown) => thrown,
	);
	if (error instanceof CacheError) return error;
	throw new Error('no CacheError was thrown', { cause: error });
}

describe('a request', () => {
	it('answers with status, headers and body', async () => {
		const peer = await serve((_, response) => void response.writeHead(200, { 'x-test': 'yes' }).end('hello'));
		await using client = testClient();
		const answer = await client.request(get(peer.url));
		expect([answer.status, answer.header('x-test'), answer.header('x-none')]).toEqual([200, 'yes', null]);
		expect(Buffer.from(answer.bytes).toString()).toBe('hello');
	});

	it('sends credentials unasked, a length with every PUT, and no Expect', async () => {
		const peer = await serve(async (request, response) => {
			await bodyOf(request);
			response.writeHead(request.method === 'PUT' ? 201 : 200).end();
		});
		await using client = testClient();
		await client.request(get(peer.url, { method: 'HEAD', credentials: basic }));
		await client.request(put(peer.url, bodyOfBytes(Buffer.from('abc')), { credentials: { kind: 'bearer', token: 't0ken' } }));
		await client.request(put(peer.url, bodyOfZeros(300_000)));
		await client.request(put(peer.url, bodyOfBytes(new Uint8Array())));
		const [head, small, large, empty] = peer.received.map(({ headers }) => headers);
		expect(head?.authorization).toBe(`Basic ${Buffer.from('ci:pässword!').toString('base64')}`);
		expect(small?.authorization).toBe('Bearer t0ken');
		expect(large?.authorization).toBeUndefined();
		expect([small, large, empty].map((headers) => headers?.['content-length'])).toEqual(['3', '300000', '0']);
		expect([small, large, empty].map((headers) => headers?.['transfer-encoding'] ?? headers?.expect)).toEqual(
			Array(3).fill(undefined),
		);
	});

	it('uses its connections again, also after HEAD and after errors', async () => {
		const peer = await serve((request, response) => void response.writeHead(request.url === '/none' ? 404 : 200).end('x'));
		await using client = testClient({ connections: 2 });
		const urls = Array.from({ length: 40 }, (_, i) => new URL(i % 3 === 0 ? '/none' : '/some', peer.url));
		await Promise.all(urls.map((url, i) => client.request(get(url, { method: i % 2 === 0 ? 'HEAD' : 'GET' }))));
		expect(peer.received).toHaveLength(40);
		expect(peer.connections()).toBeLessThanOrEqual(2);
	});

	it('takes a Content-Encoding off that it did not ask for', async () => {
		const body = zstdCompressSync(Buffer.from('StorePath: x\n'));
		const peer = await serve((_, response) => void response.writeHead(200, { 'content-encoding': 'zstd' }).end(body));
		await using client = testClient();
		expect(Buffer.from((await client.request(get(peer.url))).bytes).toString()).toBe('StorePath: x\n');
	});

	it.each([
		['zstd', zstdCompressSync(Buffer.alloc(5000))],
		['gzip', Buffer.from('not gzip')],
		['snappy', Buffer.from('?')],
		['constructor', Buffer.from('?')],
	])('refuses a Content-Encoding %s that is too long, damaged or unknown', async (encoding, body) => {
		const peer = await serve((_, response) => void response.writeHead(200, { 'content-encoding': encoding }).end(body));
		await using client = testClient();
		expect(await failure(client.request(get(peer.url)))).toMatchObject({ code: 'cache-invalid' });
	});

	it('refuses an answer that is longer than the limit', async () => {
		const peer = await serve((_, response) => void response.end(Buffer.alloc(1001)));
		await using client = testClient();
		expect(await failure(client.request(get(peer.url)))).toMatchObject({ code: 'cache-invalid' });
	});

	it('gives a body up unread when only the headers are wanted', async () => {
		const peer = await serve((_, response) => void response.writeHead(200, { 'content-length': 1e9 }).write('x'));
		await using client = testClient();
		const answer = await client.request(get(peer.url, { limitBytes: 0 }));
		expect([answer.header('content-length'), answer.bytes.length]).toEqual(['1000000000', 0]);
	});
});

describe('a redirect', () => {
	it('is followed, with credentials on the same origin and without them to another one', async () => {
		const other = await serve((_, response) => void response.end('there'));
		const peer = await serve((request, response) => {
			const location = request.url === '/a' ? '/b' : new URL('/c?X-Signature=s3cret', other.url).href;
			response.writeHead(307, { location }).end();
		});
		await using client = testClient();
		const answer = await client.request(get(new URL('/a', peer.url), { credentials: basic }));
		expect(Buffer.from(answer.bytes).toString()).toBe('there');
		expect(peer.received.map(({ headers }) => headers.authorization !== undefined)).toEqual([true, true]);
		expect(other.received.map(({ headers }) => headers.authorization)).toEqual([undefined]);
	});

	it('of an upload sends the body again for 307 and 308, and is refused for the ones that would make it a GET', async () => {
		const peer = await serve(async (request, response) => {
			const path = request.url ?? '';
			const body = await bodyOf(request);
			if (path === '/target') response.writeHead(201).end(`${body.length}`);
			else response.writeHead(Number(path.slice(1)), { location: '/target' }).end();
		});
		await using client = testClient();
		for (const status of [307, 308]) {
			const answer = await client.request(put(new URL(`/${status}`, peer.url), bodyOfZeros(400_000)));
			expect(Buffer.from(answer.bytes).toString()).toBe('400000');
		}
		for (const status of [301, 302, 303]) {
			const error = await failure(client.request(put(new URL(`/${status}`, peer.url), bodyOfZeros(10))));
			expect(error).toMatchObject({ code: 'cache-invalid', hint: expect.stringContaining('push-url') });
		}
	});

	it('is followed five times and no more', async () => {
		const peer = await serve((request, response) => {
			const left = Number(request.url?.slice(1));
			if (left === 0) response.end('ok');
			else response.writeHead(302, { location: `/${left - 1}` }).end();
		});
		await using client = testClient();
		expect((await client.request(get(new URL('/5', peer.url)))).status).toBe(200);
		expect(await failure(client.request(get(new URL('/6', peer.url))))).toMatchObject({ code: 'cache-invalid' });
	});

	it.each(['', 'ftp://a.org/', 'http://'])('to %j is an error', async (location) => {
		const peer = await serve((_, response) => void response.writeHead(302, { location }).end());
		await using client = testClient();
		expect(await failure(client.request(get(peer.url)))).toMatchObject({ code: 'cache-invalid' });
	});

	it('that ends in 401 without the credentials says why they were not sent', async () => {
		const other = await serve((_, response) => void response.writeHead(401).end());
		const peer = await serve((_, response) => void response.writeHead(302, { location: other.url.href }).end());
		await using client = testClient();
		const error = await failure(client.request(get(peer.url, { credentials: basic })));
		expect(error).toMatchObject({ code: 'cache-unauthorized', hint: expect.stringContaining('never follow to another origin') });
	});
});

describe('answers that are read as they come', () => {
	it('hold up nobody who asks for little, however many there are', async () => {
		const peer = await serve((request, response) => {
			if (request.url === '/small') response.end('small');
			else response.writeHead(200, { 'content-length': 10 }).write('five.');
		});
		await using client = testClient({ connections: 2 });
		const streams = await Promise.all(
			Array.from({ length: 40 }, () => client.request(get(new URL('/large', peer.url), { streamed: true, limitBytes: 0 }))),
		);
		expect(Buffer.from((await client.request(get(new URL('/small', peer.url)))).bytes).toString()).toBe('small');
		for (const { stream } of streams) stream?.destroy();
	});
});

describe('a failure that may pass', () => {
	it.each([408, 500, 502, 504, 520, 522, 525, 530, 429, 503])('with status %i is tried again, body and all', async (status) => {
		let left = 3;
		const peer = await serve(async (request, response) => {
			const { length } = await bodyOf(request);
			response.writeHead(left-- > 0 ? status : 201).end(`${length}`);
		});
		await using client = testClient();
		const answer = await client.request(put(peer.url, bodyOfZeros(400_000)));
		expect(Buffer.from(answer.bytes).toString()).toBe('400000');
		expect(peer.received).toHaveLength(4);
	});

	it('is tried again when the connection breaks before or in the middle of the answer', async () => {
		let seen = 0;
		const peer = await serve((request, response) => {
			seen++;
			if (seen === 1) request.socket.resetAndDestroy();
			else if (seen === 2) response.writeHead(200, { 'content-length': 5 }).write('he', () => request.socket.destroy());
			else if (seen === 3)
				response.writeHead(200, { 'content-length': 5, connection: 'close' }).write('he', () => request.socket.end());
			else response.end('hello');
		});
		await using client = testClient();
		expect(Buffer.from((await client.request(get(peer.url))).bytes).toString()).toBe('hello');
		expect(seen).toBe(4);
	});

	it('is tried again soon enough when the server asks for an hour', async () => {
		let left = 1;
		const peer = await serve((_, response) => void response.writeHead(left-- > 0 ? 502 : 200, { 'retry-after': '3600' }).end());
		await using client = testClient();
		expect((await client.request(get(peer.url))).status).toBe(200);
	});

	it.each([501, 505, 507, 511])('is none with status %i', async (status) => {
		const peer = await serve((_, response) => void response.writeHead(status).end());
		await using client = testClient();
		await failure(client.request(get(peer.url)));
		expect(peer.received).toHaveLength(1);
	});

	it('says what the status line says when the body says nothing, as with Nexus', async () => {
		const answers: readonly (readonly [string, string, string])[] = [
			['Repository is read only: nix', '', ' ("Repository is read only: nix")'],
			['Repository is read only: nix', 'because', ' ("because")'],
			['bad request', '', ''],
			['', '', ''],
		];
		for (const [reason, body, said] of answers) {
			const peer = await serve((_, response) => void response.writeHead(400, reason).end(body));
			await using client = testClient({ attempts: 1 });
			const error = await failure(client.request(get(peer.url)));
			expect(error.message).toBe(`GET ${peer.url.href} was answered with 400 Bad Request${said}.`);
		}
	});

	it('is given up after the last try, and the message says how many there were', async () => {
		const peer = await serve((_, response) => void response.writeHead(500).end('out of ideas\nsecond line'));
		await using client = testClient({ attempts: 3 });
		const error = await failure(client.request(get(new URL('/x?token=s3cret', peer.url))));
		expect(error.code).toBe('cache-failing');
		expect(error.message).toBe(
			`GET ${peer.url.origin}/x?… was answered with 500 Internal Server Error ("out of ideas") (after 3 attempts).`,
		);
		expect(peer.received).toHaveLength(3);
	});

	it.each([
		['in seconds', () => '2', 2_000, 3_000],
		// Made when it is its turn: the tests before it take their time.
		['as a date', () => new Date(Date.now() + 9_000).toUTCString(), 7_000, 10_000],
	])('waits as long as Retry-After says, %s', async (_how, told, least, most) => {
		const retryAfter = told();
		let seen = 0;
		const peer = await serve(
			(_, response) => void response.writeHead(seen++ === 0 ? 429 : 200, { 'retry-after': retryAfter }).end(),
		);
		const clock = leapingClock();
		await using client = testClient({ clock });
		await client.request(get(peer.url));
		const waitedMs = clock.sleeps.reduce((sum, ms) => sum + ms, 0);
		expect(waitedMs).toBeGreaterThan(least - 100);
		expect(waitedMs).toBeLessThan(most);
	});

	it('waits as long as `retry_after` in the JSON of an answer without that header says', async () => {
		let seen = 0;
		const peer = await serve((_, response) => {
			response.writeHead(seen++ === 0 ? 429 : 200, { 'content-type': 'application/problem+json' });
			response.end('{"status": 429, "error_code": 1015, "retryable": true, "retry_after": 5}');
		});
		const clock = leapingClock();
		await using client = testClient({ clock });
		await client.request(get(peer.url));
		const waitedMs = clock.sleeps.reduce((sum, ms) => sum + ms, 0);
		expect(waitedMs).toBeGreaterThan(4_900);
		expect(waitedMs).toBeLessThan(6_100);
	});

	it('of a host that limits the rate slows all requests down until each one got through', async () => {
		// A bucket of 10 requests that fills with 50 a second of the client's own time.
		const clock = leapingClock();
		let tokens = 10;
		let filledMs = clock.nowMs();
		const peer = await serve((_, response) => {
			const nowMs = clock.nowMs();
			tokens = Math.min(10, tokens + ((nowMs - filledMs) / 1000) * 50);
			filledMs = nowMs;
			if (tokens >= 1) response.end(`${tokens--}`);
			else response.writeHead(429, { 'retry-after': '1' }).end();
		});
		await using client = testClient({ clock, attempts: 8 });
		const answers = await Promise.all(Array.from({ length: 200 }, () => client.request(get(peer.url))));
		expect(answers.every(({ status }) => status === 200)).toBe(true);
		expect(peer.received.length).toBeLessThan(600);
	});

	it('for good is waited for once, not once for each request', async () => {
		const peer = await serve((_, response) => void response.writeHead(503).end());
		const clock = leapingClock();
		await using client = testClient({ clock, patienceMs: 30_000, attempts: 100 });
		const errors = await Promise.all(Array.from({ length: 100 }, () => failure(client.request(get(peer.url)))));
		expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['cache-failing']));
		const late = await failure(client.request(get(peer.url)));
		expect(late.message).not.toContain('attempts');
	});
});

describe('a failure that stays', () => {
	it.each([
		[401, 'GET', 'cache-unauthorized', '`username` and `password`, or `token`'],
		[403, 'GET', 'cache-forbidden', 'may not read'],
		[403, 'PUT', 'cache-forbidden', 'may not write'],
		[404, 'PUT', 'cache-not-found', 'repository'],
		[405, 'PUT', 'cache-read-only', '`push-url`'],
		[501, 'PUT', 'cache-read-only', '`push-url`'],
		[409, 'PUT', 'cache-invalid', 'folder'],
		[507, 'PUT', 'cache-failing', 'disk is full'],
		[400, 'GET', 'cache-invalid', null],
		[304, 'GET', 'cache-invalid', null],
	] as const)('with status %i for %s has the code %s', async (status, method, code, hint) => {
		const peer = await serve(async (request, response) => {
			await bodyOf(request);
			response.writeHead(status).end();
		});
		await using client = testClient();
		const body = method === 'PUT' ? bodyOfBytes(Buffer.from('x')) : null;
		const error = await failure(client.request(get(peer.url, { method, body, accept: [200] })));
		expect(error.code).toBe(code);
		if (hint !== null) expect(error.hint).toContain(hint);
		expect(peer.received).toHaveLength(1);
	});

	it('tells refused credentials from missing ones, and repeats none of them', async () => {
		const peer = await serve(
			(request, response) => void response.writeHead(401).end(`no: ${request.headers.authorization}, ci, pässword!`),
		);
		await using client = testClient();
		const error = await failure(client.request(get(peer.url, { credentials: basic })));
		expect(error.hint).toContain('refuses the credentials');
		expect(error.message).toContain('"no: Basic ***, ***, ***"');
	});

	it.each([
		[
			'application/json',
			'{\n "errors" : [ {\n  "status" : 403, "message" : "Not enough permissions" } ]\n}',
			'Not enough permissions',
		],
		['text/html', '<html>\n<head><title>Log\nin here</title></head>', 'Log in here'],
		['text/html', '<html><head><title>400 Bad Request</title></head>', undefined],
		['text/plain', '\n  \u001b[31mred\u0007 alert\nmore', '[31mred alert'],
		['text/plain', 'x'.repeat(20_000), `${'x'.repeat(200)}…`],
	])('shows one line of what the server says in %s', async (contentType, text, line) => {
		const peer = await serve((_, response) => void response.writeHead(400, { 'content-type': contentType }).end(text));
		await using client = testClient();
		const error = await failure(client.request(get(peer.url)));
		expect(/\("(.*)"\)/s.exec(error.message)?.[1]?.trim()).toBe(line);
	});

	it('is told apart below HTTP: refused, unknown host, not HTTP', async () => {
		await using client = testClient({ attempts: 2 });
		const refused = await failure(client.request(get(new URL(`http://127.0.0.1:${await closedPort()}/`))));
		expect(refused).toMatchObject({ code: 'cache-unreachable', message: expect.stringContaining('refused (ECONNREFUSED)') });
		const unknown = await failure(client.request(get(new URL('http://no-such-host.invalid/'))));
		expect(unknown.code).toBe('cache-unreachable');
		expect(unknown.message).toMatch(/no-such-host\.invalid/);
		const peer = await serve((request) => void request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
		expect(await failure(client.request(get(peer.url)))).toMatchObject({
			code: 'cache-invalid',
			message: expect.stringContaining('not HTTP'),
		});
	});
});

describe('a body that can not be sent as promised', () => {
	const accepting: Handler = async (request, response) => {
		await bodyOf(request);
		response.writeHead(201).end();
	};

	it('since its file is gone, or is shorter or longer than it was, is the fault of the file', async () => {
		const peer = await serve(accepting);
		await using client = testClient();
		const gone = { sizeBytes: 10, bytes: null, stream: () => createReadStream('/no/such/file') };
		expect(await failure(client.request(put(peer.url, gone)))).toMatchObject({
			code: 'file-failed',
			message: expect.stringContaining('ENOENT'),
		});
		for (const sizeBytes of [999, 1001]) {
			const changed = { ...bodyOfZeros(1000), sizeBytes };
			expect(await failure(client.request(put(peer.url, changed)))).toMatchObject({ code: 'file-failed' });
		}
	});

	it('for a reason of its own says that reason', async () => {
		const peer = await serve(accepting);
		await using client = testClient();
		const reason = new CacheError('path-corrupt', 'Not what it was.');
		const stream = () =>
			Readable.from(
				(function* () {
					yield Buffer.alloc(100);
					throw reason;
				})(),
				{ objectMode: false },
			);
		expect(await failure(client.request(put(peer.url, { sizeBytes: 1000, bytes: null, stream })))).toBe(reason);
	});
});

describe('a server that stalls', () => {
	const timeouts = { headersMs: 300, bodyMs: 300 };

	it('before its answer, in its answer, or in taking the body gives cache-stalled', async () => {
		const peer = await serve((request, response) => {
			if (request.url === '/answer') response.writeHead(200, { 'content-length': 10 }).write('x');
			else if (request.url === '/body') request.pause();
		});
		await using client = testClient({ timeouts, attempts: 1 });
		const before = failure(client.request(get(peer.url)));
		const within = failure(client.request(get(new URL('/answer', peer.url))));
		const taking = failure(client.request(put(new URL('/body', peer.url), bodyOfZeros(16e6))));
		expect((await before).code).toBe('cache-stalled');
		expect((await taking).code).toBe('cache-stalled');
		expect((await within).code).toBe('cache-stalled');
	});
});

describe('an answer that comes before the body is sent', () => {
	const early = (status: number) => (request: IncomingMessage, response: ServerResponse) => {
		response.writeHead(status, { connection: 'close' }).end('too early');
		// Closes with unread data: the kernel answers what still comes with a reset.
		response.once('finish', () => request.socket.destroy());
	};

	it.each([
		[413, 'cache-too-large'],
		[401, 'cache-unauthorized'],
	])('is the error even when the server closes at once (%i)', async (status, code) => {
		const peer = await serve(early(status));
		for (let i = 0; i < 10; i++) {
			await using client = testClient({ attempts: 3, clock: systemClock });
			expect((await failure(client.request(put(peer.url, bodyOfZeros(20e6))))).code).toBe(code);
		}
	});

	it('is read on the next try when the reset was faster: that one sends its body only after a pause', async () => {
		// Answers to a head alone, and cuts the line of whoever has sent more by then.
		const peer = await serve((request, response) => {
			request.once('data', () => {
				const sent = request.socket.bytesRead;
				setTimeout(() => {
					if (sent > 2000 || request.socket.bytesRead > sent) request.socket.resetAndDestroy();
					else early(413)(request, response);
				}, 100);
			});
		});
		await using client = testClient({ clock: systemClock });
		expect((await failure(client.request(put(peer.url, bodyOfZeros(20e6))))).code).toBe('cache-too-large');
		expect(peer.received).toHaveLength(2);
	});

	it('with 413 is learned: what is as large is not sent again, what is smaller is', async () => {
		const peer = await serve(async (request, response) => {
			if (Number(request.headers['content-length']) > 1e6) return early(413)(request, response);
			await bodyOf(request);
			response.writeHead(201).end();
		});
		await using client = testClient();
		const refused = await failure(client.request(put(peer.url, bodyOfZeros(2e6))));
		expect(refused.hint).toContain('2.0 MB');
		const before = peer.received.length;
		const unsent = await failure(client.request(put(peer.url, bodyOfZeros(3e6))));
		expect(unsent).toMatchObject({ code: 'cache-too-large', message: expect.stringContaining('not sent') });
		expect(peer.received).toHaveLength(before);
		expect((await client.request(put(peer.url, bodyOfZeros(1e6)))).status).toBe(201);
	});
});

describe('a signal', () => {
	it('ends a request that waits for its answer, for its turn, or for the next try', async () => {
		const peer = await serve((request, response) => {
			if (request.url === '/again') response.writeHead(500).end();
		});
		await using client = testClient({ connections: 1, clock: systemClock });
		const stop = new AbortController();
		const waits = [new URL('/hang', peer.url), new URL('/queued', peer.url)].map((url) =>
			failure(client.request(get(url, { signal: stop.signal }))),
		);
		await expect.poll(() => peer.received.length).toBe(1);
		stop.abort();
		expect((await Promise.all(waits)).map(({ code }) => code)).toEqual(['cancelled', 'cancelled']);
		const deadline = await failure(client.request(get(new URL('/again', peer.url), { signal: AbortSignal.timeout(1) })));
		expect(deadline.code).toBe('deadline');
		const reason = new CacheError('deadline', 'The push took too long.');
		expect(await failure(client.request(get(peer.url, { signal: AbortSignal.abort(reason) })))).toBe(reason);
	});

	it('ends an upload and gives its stream back', async () => {
		const peer = await serve((request) => void request.pause());
		await using client = testClient();
		const body = bodyOfZeros(64e6);
		let begun = 0;
		let ended = 0;
		async function* stream(): AsyncGenerator<Uint8Array> {
			begun++;
			try {
				yield* body.stream();
			} finally {
				ended++;
			}
		}
		const watched = { ...body, stream };
		const stop = new AbortController();
		const upload = failure(client.request(put(peer.url, watched, { signal: stop.signal })));
		await expect.poll(() => peer.received.length).toBe(1);
		stop.abort();
		expect((await upload).code).toBe('cancelled');
		expect(begun).toBe(1);
		await expect.poll(() => ended).toBe(1);
	});
});

it('writes tries to the debug log, without queries', async () => {
	let seen = 0;
	const peer = await serve((_, response) => void response.writeHead(seen++ === 0 ? 500 : 200).end());
	const log = recordingLog();
	await using client = testClient({ log });
	await client.request(get(new URL('/a?secret=1', peer.url), { credentials: basic }));
	expect(log.lines).toEqual([`debug: GET ${peer.url.origin}/a?… was answered with 500 Internal Server Error; trying again (1)`]);
});
