/**
 * A GitHub Actions cache service for the tests, in this process: protocol v2 (Twirp over JSON) and v1 (`_apis/artifactcache`), scopes,
 * prefix search, immutable entries, rate limits, signed URLs that expire, and faults at will. The blobs lie in a real Azurite.
 * `cache-service/program.ts` is the same as a program of its own.
 *
 * What the real service does beyond what is known of it in public can't be seen here: its true limits, which entries it evicts when, how soon
 * a new entry is found everywhere.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Azurite, startAzurite } from './cache-service/azurite.ts';
import { createBlobGate } from './cache-service/blob-gate.ts';
import { createEntries, type Entry } from './cache-service/entries.ts';
import { createFaults, type Injection } from './cache-service/faults.ts';
import { actionsEnvironment, createTokens, type Host, type Job } from './cache-service/job.ts';
import { createLimit } from './cache-service/limit.ts';
import { createOperations } from './cache-service/operations.ts';
import { answerV1 } from './cache-service/protocol-v1.ts';
import { answerV2 } from './cache-service/protocol-v2.ts';
import { json, type Reply } from './cache-service/reply.ts';
import { type Call, type Counters, createTraffic } from './cache-service/traffic.ts';

export type { Call, Counters, Entry, Host, Injection, Job };

export interface CacheServiceOptions {
	/** Whose rules hold: `act` takes several entries of one key, in lower case. `github` if not said; GHES has the same rules. */
	readonly rules?: 'github' | 'act';
	/** Reservations in one window, for each repository; GitHub's is 200. */
	readonly creationsPerWindow?: number;
	/** GitHub has a limit for lookups too and does not say which. */
	readonly lookupsPerWindow?: number;
	readonly windowMs?: number;
	/** How long a download URL is good, in steps of a second; uploads have six times as long. */
	readonly urlLifetimeMs?: number;
	/** How long after its finalization an entry is not found yet. */
	readonly visibleAfterMs?: number;
}

/** Which entries: all that fit every field that is given. */
export interface Which {
	readonly keyPrefix?: string;
	readonly scope?: string;
	readonly repository?: string;
}

/** What a test may ask of the service, or do to it. Everything is JSON, so it goes through `program.ts` as well. */
export interface CacheServiceControl {
	/** The part of an action's environment that has to do with the cache, with a new token for this job. */
	environment(job?: Job, host?: Host): Readonly<Record<string, string>>;
	entries(which?: Which): readonly Entry[];
	/** Removes entries and their blobs, as the real service does without a word; how many. */
	evict(which?: Which): Promise<number>;
	inject(injection: Injection): void;
	clearFaults(): void;
	/** From now on every URL given out before is answered as one whose time is up. */
	expireUrls(): void;
	setVisibleAfterMs(ms: number): void;
	setUrlLifetimeMs(ms: number): void;
	counters(): Counters;
	calls(): readonly Call[];
	resetCounters(): void;
	/** Things that no client may do, such as sending the job's token to a blob. Empty at the end of every good test. */
	violations(): readonly string[];
	/** Swaps the bytes of a blob, behind the back of everybody. */
	overwrite(key: string, base64: string): Promise<void>;
}

export interface CacheService extends CacheServiceControl, AsyncDisposable {
	/** `http://127.0.0.1:<port>`; blobs have another port. */
	readonly url: string;
	stop(): Promise<void>;
}

const BODY_LIMIT_BYTES = 160 * 1024 * 1024;

export async function startCacheService(options: CacheServiceOptions = {}): Promise<CacheService> {
	const now = () => Date.now();
	const { windowMs = 60_000, creationsPerWindow = 200, lookupsPerWindow = 1000 } = options;
	let { urlLifetimeMs = 600_000, visibleAfterMs = 0 } = options;
	const isAct = options.rules === 'act';
	const azurite = await startAzurite();
	const entries = createEntries({ immutable: !isAct, lowerCase: isAct }, now);
	const tokens = createTokens(now);
	const faults = createFaults();
	const traffic = createTraffic();
	/** The signatures given out that count. */
	const signatures = new Set<string>();
	const gate = createBlobGate(azurite, faults, traffic, (signature) => signatures.has(signature));
	const blobOrigin = await listen(gate.server);
	const operations = createOperations({
		entries,
		tokens,
		faults,
		traffic,
		azurite,
		now,
		creations: createLimit(creationsPerWindow, windowMs, now),
		lookups: createLimit(lookupsPerWindow, windowMs, now),
		urlLifetimeMs: () => urlLifetimeMs,
		visibleAfterMs: () => visibleAfterMs,
		blobUrl(signed) {
			const url = new URL(signed, blobOrigin);
			signatures.add(url.searchParams.get('sig') ?? '');
			return url.href;
		},
	});
	const server = createServer((asked, answer) => {
		route(asked).then(
			(reply) => send(reply, answer),
			(error: unknown) => send(json(500, { code: 'internal', msg: `${error}` }), answer),
		);
	});
	const route = async (asked: IncomingMessage): Promise<Reply> => {
		const url = new URL(asked.url ?? '/', 'http://service');
		const { authorization } = asked.headers;
		const body = await readBody(asked);
		const request = { method: asked.method ?? 'GET', url, contentRange: asked.headers['content-range'] };
		return (
			(asked.method === 'POST' && !isAct ? await answerV2(operations, url.pathname, authorization, body) : null) ??
			(await answerV1(operations, request, authorization, body)) ??
			json(404, { message: 'not found' })
		);
	};
	const url = await listen(server);
	const select = ({ keyPrefix = '', scope, repository }: Which = {}) =>
		entries
			.all()
			.filter(({ key }) => key.startsWith(keyPrefix))
			.filter((entry) => scope === undefined || entry.scope === scope)
			.filter((entry) => repository === undefined || entry.repository === repository);
	const stop = async () => {
		await Promise.all([close(server), close(gate.server)]);
		gate.close();
		await azurite.stop();
	};

	return {
		url,
		environment: (job = {}, host = 'github') => actionsEnvironment(host, url, tokens.issue(job), job),
		entries: select,
		async evict(which) {
			const gone = select(which);
			entries.remove(new Set(gone.map(({ id }) => id)));
			await Promise.all(gone.map(({ blob }) => azurite.container.getBlobClient(blob).deleteIfExists()));
			return gone.length;
		},
		inject: (injection) => faults.inject(injection),
		clearFaults: () => faults.clear(),
		expireUrls: () => signatures.clear(),
		setVisibleAfterMs(ms) {
			visibleAfterMs = ms;
		},
		setUrlLifetimeMs(ms) {
			urlLifetimeMs = ms;
		},
		counters: () => traffic.counters(),
		calls: () => traffic.calls(),
		resetCounters: () => traffic.reset(),
		violations: () => gate.violations(),
		async overwrite(key, base64) {
			const entry = entries.all().findLast((candidate) => candidate.key === key);
			if (entry === undefined) throw new Error(`no entry ${key}`);
			await upload(azurite, entry.blob, Buffer.from(base64, 'base64'));
		},
		stop,
		[Symbol.asyncDispose]: stop,
	};
}

async function upload(azurite: Azurite, blob: string, bytes: Buffer): Promise<void> {
	await azurite.container.getBlockBlobClient(blob).uploadData(bytes);
}

async function listen(server: Server): Promise<string> {
	await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return `http://127.0.0.1:${port}`;
}

async function close(server: Server): Promise<void> {
	const closed = new Promise<void>((resolve) => server.close(() => resolve()));
	server.closeAllConnections();
	await closed;
}

async function readBody(asked: IncomingMessage): Promise<Buffer> {
	const parts: Buffer[] = [];
	let sizeBytes = 0;
	for await (const part of asked) {
		parts.push(part);
		sizeBytes += part.length;
		if (sizeBytes > BODY_LIMIT_BYTES) throw new Error('the body is too long');
	}
	return Buffer.concat(parts);
}

function send({ status, headers, body }: Reply, answer: ServerResponse): void {
	if (status === null) answer.socket?.resetAndDestroy();
	else answer.writeHead(status, headers).end(body);
}
