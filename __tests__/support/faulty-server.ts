/**
 * An HTTP(S) binary cache that fails when told to. Faults are scripted per request; everything is recorded.
 *
 *     await using server = await startFaultyServer();
 *     server.fail({ method: 'PUT', path: /\.narinfo$/ }, { kind: 'status', status: 503 }, { times: 3 });
 *     ...
 *     expect(server.requests.filter(({ fault }) => fault !== null)).toHaveLength(3);
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { testCertificates } from './certificates.ts';
import { answer, fileOf, type Handler, httpCache } from './http-cache.ts';

/** What goes wrong with a request. */
export type Fault =
	/** An answer with this status and these headers, such as Retry-After. */
	| {
			readonly kind: 'status';
			readonly status: number;
			readonly headers?: Readonly<Record<string, string>>;
			readonly body?: string;
			/** Without reading the request's body, and closing the connection, as servers do that are not interested. */
			readonly early?: boolean;
	  }
	/** 413 when the body is larger than this. */
	| { readonly kind: 'too-large'; readonly overBytes: number }
	/** The connection is cut: for GET after so many bytes of the body, for PUT after so many were read. */
	| { readonly kind: 'cut'; readonly afterBytes: number }
	/** The body flows at this rate, either way. */
	| { readonly kind: 'slow'; readonly bytesPerSecond: number }
	/** No answer at all; the connection stays open. */
	| { readonly kind: 'stall' }
	/** The right answer, late. */
	| { readonly kind: 'delay'; readonly delayMs: number }
	/** To the same path on another origin. */
	| { readonly kind: 'redirect'; readonly origin: string; readonly status?: number }
	/** 200 with this in place of the content. */
	| { readonly kind: 'garbage'; readonly body: string | Buffer }
	/** PUT: 201, but only the first bytes are kept. */
	| { readonly kind: 'lie'; readonly keepBytes: number };

/** Which requests; what is not said matches all. */
export interface RequestMatch {
	readonly method?: string;
	readonly path?: RegExp;
}

export interface RecordedRequest {
	readonly method: string;
	readonly path: string;
	readonly headers: IncomingHttpHeaders;
	/** The kind of fault that it met, or null. */
	readonly fault: Fault['kind'] | null;
	/** The status that it was answered with; 0 while it is open and when the connection was cut. */
	status: number;
}

export interface FaultyServerOptions {
	readonly tls?: boolean;
	/** Begins and ends with a slash; `/cache/` if not said. */
	readonly basePath?: string;
	/** `user:password` that everyone must show. */
	readonly credentials?: string;
	/** The host in `url`; 127.0.0.1 if not said. One of the test hosts makes another origin with names of its own. */
	readonly host?: string;
	/** What answers when nothing is wrong; the cache in `folder` if not said. */
	readonly healthy?: Handler;
	/** A folder to serve, kept when the server goes; a temporary one if not said. */
	readonly folder?: string;
}

export interface FaultyServer extends AsyncDisposable {
	/** Without a slash at its end. */
	readonly url: string;
	readonly origin: string;
	readonly port: number;
	readonly ca: string | null;
	readonly folder: string;
	readonly requests: readonly RecordedRequest[];
	readonly forgetRequests: () => void;
	/** From now on the next `times` matching requests fail (all, if not said). Of several faults the first that matches counts. */
	readonly fail: (match: RequestMatch, fault: Fault, options?: { readonly times?: number; readonly skip?: number }) => void;
	readonly heal: () => void;
	/** From now on its clock is so far ahead of the real one. */
	readonly setClockAhead: (ms: number) => void;
	/** Connections are refused until `accept`. */
	readonly refuse: () => Promise<void>;
	readonly accept: () => Promise<void>;
	/** Files in the cache, as path below the base and content. */
	readonly write: (path: string, content: string | Buffer) => void;
	readonly read: (path: string) => string;
}

interface Script {
	readonly match: RequestMatch;
	readonly fault: Fault;
	left: number;
	skip: number;
}

export async function startFaultyServer(options: FaultyServerOptions = {}): Promise<FaultyServer> {
	const basePath = options.basePath ?? '/cache/';
	const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'faulty-server-'));
	const certificates = options.tls ? await testCertificates() : null;
	const healthy = options.healthy ?? httpCache({ folder, basePath, credentials: options.credentials ?? null });
	const requests: RecordedRequest[] = [];
	const scripts: Script[] = [];
	let aheadMs = 0;

	const listener = (request: IncomingMessage, response: ServerResponse): void => {
		if (aheadMs !== 0) response.setHeader('Date', new Date(Date.now() + aheadMs).toUTCString());
		const fault = nextFault(scripts, request);
		const record = recordOf(request, response, fault);
		requests.push(record);
		const handler = fault === null ? healthy : faulty(fault, healthy, (url) => fileOf(url, basePath, folder));
		handler(request, response).catch(() => response.destroy());
	};
	const server: Server = certificates ? createTlsServer(certificates, listener) : createServer(listener);
	const listen = async (port: number): Promise<number> => {
		server.listen(port, '127.0.0.1');
		await once(server, 'listening');
		const address = server.address();
		if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
		return address.port;
	};
	const close = async (): Promise<void> => {
		if (!server.listening) return;
		const closed = once(server, 'close');
		server.close();
		server.closeAllConnections();
		await closed;
	};

	const port = await listen(0);
	const origin = `${certificates ? 'https' : 'http'}://${options.host ?? '127.0.0.1'}:${port}`;
	return {
		url: `${origin}${basePath.replace(/\/$/, '')}`,
		origin,
		port,
		ca: certificates?.ca ?? null,
		folder,
		requests,
		forgetRequests: () => requests.splice(0),
		fail: (match, fault, { times = Number.POSITIVE_INFINITY, skip = 0 } = {}) =>
			scripts.push({ match, fault, left: times, skip }),
		heal: () => scripts.splice(0),
		setClockAhead: (ms) => {
			aheadMs = ms;
		},
		refuse: close,
		accept: async () => {
			await listen(port);
		},
		write(path, content) {
			mkdirSync(dirname(join(folder, path)), { recursive: true });
			writeFileSync(join(folder, path), content);
		},
		read: (path) => readFileSync(join(folder, path), 'utf8'),
		async [Symbol.asyncDispose]() {
			await close();
			if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
		},
	};
}

function nextFault(scripts: Script[], { method, url = '' }: IncomingMessage): Fault | null {
	for (const script of scripts) {
		const { match } = script;
		if (script.left <= 0 || (match.method && match.method !== method) || (match.path && !match.path.test(url))) continue;
		if (script.skip-- > 0) continue;
		script.left--;
		return script.fault;
	}
	return null;
}

function recordOf(request: IncomingMessage, response: ServerResponse, fault: Fault | null): RecordedRequest {
	const { method = '', url = '', headers } = request;
	const record: RecordedRequest = { method, path: url, headers, fault: fault?.kind ?? null, status: 0 };
	response.once('finish', () => {
		record.status = response.statusCode;
	});
	return record;
}

/** A handler that does one thing wrong. `locate` finds the file of a URL. */
function faulty(fault: Fault, healthy: Handler, locate: (url: string) => string | null): Handler {
	switch (fault.kind) {
		case 'status':
			return async (request, response) => {
				if (!fault.early) return refuseWith(request, response, fault.status, fault.headers ?? {}, fault.body ?? '');
				response.writeHead(fault.status, { 'Content-Length': '0', Connection: 'close', ...fault.headers }).end();
			};
		case 'too-large':
			return (request, response) =>
				Number(request.headers['content-length'] ?? 0) > fault.overBytes
					? refuseWith(request, response, 413, {}, 'too large')
					: healthy(request, response);
		case 'cut':
			return (request, response) => healthy(request, response, () => cutAfter(fault.afterBytes));
		case 'slow':
			return (request, response) => healthy(request, response, () => atRate(fault.bytesPerSecond));
		case 'stall':
			return () => new Promise(() => undefined);
		case 'delay':
			return async (request, response) => {
				await sleep(fault.delayMs);
				await healthy(request, response);
			};
		case 'redirect':
			return (request, response) =>
				refuseWith(request, response, fault.status ?? 307, { Location: `${fault.origin}${request.url ?? ''}` }, '');
		case 'garbage':
			return (request, response) => refuseWith(request, response, 200, {}, fault.body);
		case 'lie':
			return async (request, response) => {
				const file = locate(request.url ?? '');
				const kept = (await readAll(request)).subarray(0, fault.keepBytes);
				if (file !== null) {
					mkdirSync(dirname(file), { recursive: true });
					writeFileSync(file, kept);
				}
				answer(response, 201);
			};
	}
}

/** Reads the body before it answers, so that the client sees the answer and not a closed connection. */
async function refuseWith(
	request: IncomingMessage,
	response: ServerResponse,
	status: number,
	headers: Readonly<Record<string, string>>,
	body: string | Buffer,
): Promise<void> {
	request.resume();
	await once(request, 'end');
	response.writeHead(status, { 'Content-Length': String(Buffer.byteLength(body)), ...headers });
	response.end(request.method === 'HEAD' ? undefined : body);
}

/** Passes so many bytes on, lets them reach the other side, and breaks. */
function cutAfter(limitBytes: number): Transform {
	let passed = 0;
	return new Transform({
		transform(chunk: Buffer, _encoding, done) {
			const part = chunk.subarray(0, limitBytes - passed);
			passed += part.length;
			this.push(part);
			if (passed < limitBytes) done();
			else setTimeout(() => done(new Error('cut')), 20);
		},
	});
}

/** Ten pieces a second. */
function atRate(bytesPerSecond: number): Transform {
	const piece = Math.max(1, Math.floor(bytesPerSecond / 10));
	return new Transform({
		async transform(chunk: Buffer, _encoding, done) {
			for (let at = 0; at < chunk.length; at += piece) {
				this.push(chunk.subarray(at, at + piece));
				await sleep(100);
			}
			done();
		},
	});
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
	return Buffer.concat(chunks);
}

function sleep(timeMs: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, timeMs));
}
