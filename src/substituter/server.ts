import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PathReader } from '../backends/path-reader.ts';
import { CacheError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { NarInfo } from '../nix/narinfo.ts';
import { type Credentials, randomCredentials, randomPrefix } from './credentials.ts';
import { createHandler, type Handler, type HandlerLimits } from './handler.ts';
import { createCounters, type SubstituterStatistics } from './statistics.ts';

/** One cache that is served. */
export interface Mount {
	/** What its URL has behind that of the substituter (`a-z`, `0-9`, `-`; nothing where there is one only). It names the cache in the statistics. */
	readonly name: string;
	/** Closed by whoever opened it, after the substituter. */
	readonly reader: PathReader;
	/** The lower, the earlier Nix asks; cache.nixos.org has 40. */
	readonly priority: number;
	/** Applied to each narinfo before it is sent, such as to add a signature. */
	readonly sign?: ((info: NarInfo) => NarInfo) | undefined;
}

export interface SubstituterOptions {
	/** Each is a cache of its own for Nix, with its own priority and its own answer to whether it is trusted. */
	readonly mounts: readonly Mount[];
	readonly storeDir: string;
	/** Default: random ones. */
	readonly credentials?: Credentials | undefined;
	/** Where the URL's path begins. Default: random. */
	readonly prefix?: string | undefined;
	readonly limits?: Partial<HandlerLimits> | undefined;
	/** What already listens, such as in another process too. Closed with the substituter. Default: a port from the system. */
	readonly listener?: NetServer | undefined;
	/** What an earlier substituter in its place counted. */
	readonly statistics?: SubstituterStatistics | null | undefined;
	readonly log: Log;
}

export interface Substituter {
	/** `http://127.0.0.1:<port>/<random>`, without credentials; the caches are at `<url>/<name>`. */
	readonly url: string;
	readonly port: number;
	readonly credentials: Credentials;
	/** Serves a connection that was accepted elsewhere. */
	take(connection: Socket): void;
	/** Counts that this one stands in for one that died. */
	restarted(): void;
	statistics(): SubstituterStatistics;
	/** Changes whenever the statistics do. */
	revision(): number;
	/** Takes no more requests, waits up to `graceMs` for those that run, then cuts them. Default: two seconds. */
	close(graceMs?: number): Promise<void>;
}

/** On this machine no one else needs to reach it, and no one else can. */
export const ADDRESS = '127.0.0.1';
/** A NAR's URL has up to 5.5 kB. */
const MAX_HEADER_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 30_000;
/** A connection that is closed just when a client uses it again costs the client an attempt: better that clients close theirs. */
const KEEP_ALIVE_MS = 5 * 60_000;
/** For clients that neither read nor write; Nix gives up itself after 300 s (`stalled-download-timeout`). */
const IDLE_MS = 10 * 60_000;
const CLOSE_GRACE_MS = 2_000;

/** Starts a binary cache on a port of the loopback interface. Throws what `listen` throws. */
export async function startSubstituter(options: SubstituterOptions): Promise<Substituter> {
	const credentials = options.credentials ?? randomCredentials();
	const prefix = options.prefix ?? randomPrefix();
	const counters = createCounters({ start: options.statistics });
	const ending = new AbortController();
	const handler = byMount(prefix, options.mounts, (mount) =>
		createHandler({
			...options,
			...mount,
			prefix: mount.name === '' ? prefix : `${prefix}/${mount.name}`,
			credentials,
			counters: counters.of(mount.name),
			signal: ending.signal,
		}),
	);
	let closing = false;
	const answer = (request: IncomingMessage, response: ServerResponse): void => {
		// Its connection would stay open for the next request.
		response.once('close', () => closing && setImmediate(() => server.closeIdleConnections()));
		void respond(request, response, handler);
	};
	const server = createServer(
		{ maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
		answer,
	);
	// Without this, a client that waits for the word `continue` would send us a body that nobody wants.
	server.on('checkContinue', answer);
	server.timeout = IDLE_MS;
	if (options.listener === undefined) server.listen(0, ADDRESS);
	else server.listen(options.listener);
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('The substituter got no port.');
	return {
		url: `http://${ADDRESS}:${address.port}/${prefix}`,
		port: address.port,
		credentials,
		take: (connection) => void server.emit('connection', connection),
		restarted: counters.restarted,
		statistics: counters.snapshot,
		revision: counters.revision,
		async close(graceMs = CLOSE_GRACE_MS) {
			closing = true;
			const closed = once(server, 'close');
			server.close();
			server.closeIdleConnections();
			const patience = new AbortController();
			await Promise.race([closed, sleep(graceMs, undefined, { signal: patience.signal }).catch(() => undefined)]);
			patience.abort();
			ending.abort();
			server.closeAllConnections();
			await closed;
		},
	};
}

/** One handler for all: each answers for its part of the paths. What is nobody's is the first one's to refuse. */
function byMount(prefix: string, mounts: readonly Mount[], make: (mount: Mount) => Handler): Handler {
	const handlers = new Map(mounts.map((mount) => [mount.name, make(mount)]));
	const [first] = handlers.values();
	if (first === undefined) throw new CacheError('internal', 'There is nothing to serve.');
	return (request, signal) => {
		const name = request.path.startsWith(`/${prefix}/`) ? request.path.slice(prefix.length + 2).split('/', 1)[0] : undefined;
		return (handlers.get(name ?? '') ?? first)(request, signal);
	};
}

async function respond(request: IncomingMessage, response: ServerResponse, handler: Handler): Promise<void> {
	const gone = new AbortController();
	response.on('close', () => gone.abort()).on('error', () => undefined);
	const { method = '', url = '', headers } = request;
	const answer = await handler({ method, path: url, headers }, gone.signal);
	// Gone while we were asking: a NAR must be closed all the same.
	if (response.destroyed && answer.body !== null && !Buffer.isBuffer(answer.body)) answer.body.destroy();
	if (response.destroyed) return;
	response.writeHead(answer.status, answer.headers);
	if (answer.body === null || Buffer.isBuffer(answer.body)) {
		response.end(answer.body ?? undefined);
		return;
	}
	// Both ends are destroyed when one of them fails: the client sees a cut connection, and asks for the rest.
	await pipeline(answer.body, response).catch(() => undefined);
}
