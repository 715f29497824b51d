import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { refusalOfUpload } from '../../src/http/upload-refusal.ts';
import { recordingLog } from './peers/means.ts';
import { closedPort } from './peers/server.ts';

interface Server {
	readonly url: URL;
	/** Heads that came, and how many bytes came after them. */
	readonly heads: IncomingMessage[];
	readonly bytes: () => number;
	readonly close: () => Promise<void>;
}

const open: Server[] = [];
afterEach(async () => {
	await Promise.all(open.splice(0).map((server) => server.close()));
});

/** A server that looks at the head first, as real ones do; `answer` may ask for the body. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
	const heads: IncomingMessage[] = [];
	let bytes = 0;
	const server = createServer((_request, response) => void response.writeHead(500).end());
	server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
		heads.push(request);
		request.on('data', (part: Buffer) => (bytes += part.length)).on('error', () => undefined);
		answer(request, response);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('no port');
	const made: Server = {
		url: new URL(`http://127.0.0.1:${address.port}/nix/nar/0.nar`),
		heads,
		bytes: () => bytes,
		close: async () => {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		},
	};
	open.push(made);
	return made;
}

const ask = (url: URL, more: object = {}) =>
	refusalOfUpload({ url, credentials: null, env: {}, log: recordingLog(), signal: AbortSignal.timeout(20_000), ...more });

describe('an upload that is not sent', () => {
	it.each([
		[401, 'cache-unauthorized'],
		[403, 'cache-forbidden'],
		[404, 'cache-not-found'],
		[405, 'cache-read-only'],
	])('is refused with %i: as a real one would be', async (status, code) => {
		const { url, heads, bytes } = await serve((_request, response) => void response.writeHead(status).end('No deploy rights'));
		const credentials = { kind: 'basic', username: 'ci', password: 'p-of-mine' } as const;
		const refusal = await ask(url, { credentials });
		expect(refusal).toMatchObject({ code, hint: expect.stringMatching(/\S/) });
		expect(refusal?.message).toContain(`PUT ${url.href} was answered with ${status}`);
		expect(refusal?.message).toContain('No deploy rights');
		expect(heads.map(({ method, headers }) => [method, headers.expect, headers['content-length']])).toEqual([
			['PUT', '100-continue', '1'],
		]);
		expect(heads[0]?.headers.authorization).toMatch(/^Basic /);
		expect(bytes()).toBe(0);
	});

	it('is asked for: the connection ends without a byte', async () => {
		const ended = Promise.withResolvers<void>();
		const { url, bytes } = await serve((request, response) => {
			request.once('close', () => ended.resolve());
			response.writeContinue();
		});
		expect(await ask(url)).toBeNull();
		await ended.promise;
		expect(bytes()).toBe(0);
	});

	it.each([200, 201, 307, 400, 409, 413, 417, 429, 500, 503])('says nothing of the rights with %i', async (status) => {
		const { url } = await serve((_request, response) => void response.writeHead(status).end());
		expect(await ask(url)).toBeNull();
	});

	it('says nothing where nobody listens, where a proxy is on the way, or when there is no time', async () => {
		expect(await ask(new URL(`http://127.0.0.1:${await closedPort()}/`))).toBeNull();
		const { url, heads } = await serve((_request, response) => void response.writeHead(403).end());
		expect(await ask(url, { env: { http_proxy: 'http://127.0.0.1:9' } })).toBeNull();
		expect(await ask(url, { signal: AbortSignal.abort() })).toBeNull();
		expect(heads).toEqual([]);
	});

	it('does not wait for a server that is silent, nor read an answer without an end', async () => {
		const { url } = await serve(() => undefined);
		expect(await ask(url, { signal: AbortSignal.timeout(100) })).toBeNull();
		const endless = await serve((_request, response) => {
			response.writeHead(403);
			const timer = setInterval(() => response.write('x'.repeat(1000)), 1);
			response.once('close', () => clearInterval(timer));
		});
		expect(await ask(endless.url)).toMatchObject({ code: 'cache-forbidden' });
	});
});
