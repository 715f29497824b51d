/**
 * A server that speaks attic's protocol and checks what attic checks: tokens and their rights, names, the size and hash of every NAR. It stands in for
 * the real one, which no package registry has. Written after attic/server/src (axum, sea-orm), whose answers and statuses it gives.
 *
 *     await using server = await startAtticServer({ caches: { mine: { isPublic: true } } });
 *     server.cacheUrl('mine'); // attic+http://127.0.0.1:…/mine
 *     server.token({ pull: ['mine'], push: ['mine'] });
 *     server.fail({ method: 'PUT' }, { kind: 'status', status: 500 }, { times: 1 });
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { authorize, type Cache, type CacheSettings, makeCache, type StoredObject } from './attic-server/caches.ts';
import { type Nars, narsIn } from './attic-server/nars.ts';
import { cacheInfoOf, narInfoOf } from './attic-server/reading.ts';
import { noSuchCache, noSuchObject, notFound, Refusal, refuse, send, sendJson } from './attic-server/refusal.ts';
import { makeToken, type TokenOptions } from './attic-server/tokens.ts';
import { HASH_PART, parseJson, readInfo, takeNar } from './attic-server/upload.ts';
import { type FaultyServer, startFaultyServer } from './faulty-server.ts';

export interface AtticServerOptions {
	/** By name. */
	readonly caches: Readonly<Record<string, CacheSettings>>;
	/** Where a proxy before it puts it; begins and ends with a slash. */
	readonly prefix?: string;
	/** The path that it believes to be reached by; `prefix` if not said. */
	readonly tells?: string;
	/** A NAR that it has is to be sent all the same; true if not said, as on the real server. */
	readonly requireProofOfPossession?: boolean;
	/** Settings of the real server; by default it makes them of the `Host` that it was asked under. */
	readonly apiEndpoint?: string;
	readonly substituterEndpoint?: string;
	readonly tls?: boolean;
	readonly host?: string;
}

export interface AtticServer
	extends Pick<FaultyServer, 'origin' | 'port' | 'requests' | 'forgetRequests' | 'fail' | 'heal' | 'ca'> {
	/** For the input `cache`. */
	readonly cacheUrl: (name: string) => string;
	/** For Nix. */
	readonly substituter: (name: string) => string;
	readonly publicKey: (name: string) => string;
	readonly token: (options: TokenOptions) => string;
	/** The paths of a cache by their hash part. */
	readonly objects: (name: string) => ReadonlyMap<string, StoredObject>;
	readonly narCount: () => number;
	readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** SQLite's limit of variables in a statement, and axum's of a JSON body. */
const MAX_VARIABLES = 32_766;
const MAX_JSON_BYTES = 2 * 1024 * 1024;

export async function startAtticServer(options: AtticServerOptions): Promise<AtticServer> {
	const { prefix = '/', tls = false, host = '127.0.0.1' } = options;
	const folder = mkdtempSync(join(tmpdir(), 'attic-server-'));
	const secret = randomBytes(32).toString('hex');
	const caches = new Map(Object.entries(options.caches).map(([name, settings]) => [name, makeCache(name, settings)]));
	const state: State = { ...options, prefix, secret, caches, nars: narsIn(join(folder, 'nars')) };
	const server = await startFaultyServer({ tls, host, folder, basePath: prefix, healthy: (...asked) => answer(state, ...asked) });
	const cacheOf = (name: string): Cache => {
		const cache = caches.get(name);
		if (cache === undefined) throw new Error(`there is no cache ${name}`);
		return cache;
	};
	return {
		...server,
		cacheUrl: (name) => `${tls ? 'attic' : 'attic+http'}://${host}:${server.port}${prefix}${name}`,
		substituter: (name) => `${server.origin}${prefix}${name}`,
		publicKey: (name) => cacheOf(name).publicKey,
		token: (permissions) => makeToken(secret, permissions),
		objects: (name) => cacheOf(name).objects,
		narCount: state.nars.count,
		async [Symbol.asyncDispose]() {
			await server[Symbol.asyncDispose]();
			rmSync(folder, { recursive: true, force: true });
		},
	};
}

interface State extends Omit<AtticServerOptions, 'caches'> {
	readonly prefix: string;
	readonly secret: string;
	readonly caches: ReadonlyMap<string, Cache>;
	readonly nars: Nars;
}

async function answer(
	state: State,
	request: IncomingMessage,
	response: ServerResponse,
	through: () => Transform = () => new PassThrough(),
): Promise<void> {
	try {
		const { pathname } = new URL(request.url ?? '', 'http://server.test');
		if (!pathname.startsWith(state.prefix)) throw notFound();
		await route(
			state,
			`${request.method} /${decodeURIComponent(pathname.slice(state.prefix.length))}`,
			request,
			response,
			through,
		);
	} catch (error) {
		if (!(error instanceof Refusal) || response.headersSent) throw error;
		refuse(response, error);
	}
}

async function route(
	state: State,
	asked: string,
	request: IncomingMessage,
	response: ServerResponse,
	through: () => Transform,
): Promise<void> {
	const body = () => bodyOf(request, through());
	const config = /^GET \/(?:_api\/v1\/cache-config\/([^/]+)|([^/]+)\/attic-cache-info)$/.exec(asked);
	if (config !== null) return sendJson(response, configOf(state, request, config[1] ?? config[2] ?? ''));
	if (asked === 'POST /_api/v1/get-missing-paths') return sendJson(response, await missing(state, request, body()));
	if (asked === 'PUT /_api/v1/upload-path') return sendJson(response, await upload(state, request, body()));
	const [, name = '', path = ''] = /^(?:GET|HEAD) \/([^/]+)\/(.+)$/.exec(asked) ?? [];
	const { authorization } = request.headers;
	if (path === 'nix-cache-info') {
		const cache = authorize(state.caches, state.secret, authorization, name, 'pull');
		return send(response, 200, 'text/x-nix-cache-info', cacheInfoOf(cache));
	}
	const [, hashPart = '', ending] = /^(?:nar\/)?([^./]+)\.(narinfo|nar)$/.exec(path) ?? [];
	if (ending === undefined || path.startsWith('nar/') !== (ending === 'nar')) throw notFound();
	// Here the object is looked up before the right to see it.
	const cache = state.caches.get(name) ?? null;
	if (cache === null) throw noSuchCache();
	const object = cache.objects.get(hashPart);
	if (object === undefined) throw noSuchObject();
	authorize(state.caches, state.secret, authorization, name, 'pull');
	if (ending === 'narinfo') return send(response, 200, 'text/x-nix-narinfo', narInfoOf(cache, hashPart, object));
	response.writeHead(200);
	if (request.method === 'HEAD') response.end();
	else await pipeline(Readable.from(state.nars.frames(object.narHash), { objectMode: false }), through(), response);
}

/** The body through `stream`, which ends with an error when the connection does. */
function bodyOf(request: IncomingMessage, stream: Transform): Readable {
	pipeline(request, stream).catch(() => undefined);
	return stream;
}

function configOf(state: State, { headers }: IncomingMessage, name: string): object {
	const { settings, publicKey } = authorize(state.caches, state.secret, headers.authorization, name, 'pull');
	const own = state.apiEndpoint ?? `${state.tls === true ? 'https' : 'http'}://${headers.host}${state.tells ?? state.prefix}`;
	return {
		substituter_endpoint: `${state.substituterEndpoint ?? own}${name}`,
		api_endpoint: own,
		public_key: publicKey,
		is_public: settings.isPublic,
		store_dir: settings.storeDir,
		priority: settings.priority,
		upstream_cache_key_names: settings.upstreamKeyNames,
		retention_period: 'Global',
	};
}

async function missing(state: State, { headers }: IncomingMessage, body: Readable): Promise<object> {
	if (headers['content-type'] !== 'application/json') throw new Refusal(415, 'UnsupportedMediaType', 'Expected JSON');
	const parts: Buffer[] = [];
	for await (const part of body) parts.push(part);
	const bytes = Buffer.concat(parts);
	if (bytes.length > MAX_JSON_BYTES) throw new Refusal(413, 'PayloadTooLarge', 'length limit exceeded');
	const { cache: name, store_path_hashes: hashes } = parseJson(bytes.toString('utf8'));
	const isHashPart = (hash: unknown) => typeof hash === 'string' && HASH_PART.test(hash);
	if (typeof name !== 'string' || !Array.isArray(hashes) || !hashes.every(isHashPart)) {
		throw new Refusal(422, 'UnprocessableEntity', 'Failed to deserialize the JSON body into the target type');
	}
	const { objects } = authorize(state.caches, state.secret, headers.authorization, name, 'push');
	const asked = new Set(hashes);
	if (asked.size > MAX_VARIABLES) throw new Refusal(500, 'InternalServerError', 'too many SQL variables');
	return { missing_paths: [...asked].filter((hash) => !objects.has(hash)) };
}

async function upload(state: State, { headers }: IncomingMessage, body: Readable): Promise<object> {
	const parts: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
	const { info, rest } = await readInfo(headers, parts);
	const { objects } = authorize(state.caches, state.secret, headers.authorization, info.cache, 'push');
	const kind = await takeNar(state.nars, info, rest, parts, state.requireProofOfPossession ?? true);
	objects.set(info.hashPart, info.object);
	return { kind, file_size: null, frac_deduplicated: kind === 'Deduplicated' ? 1 : 0 };
}
