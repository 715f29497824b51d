import type { SecureContext } from 'node:tls';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { CacheError } from '../errors.ts';
import type { Log } from '../log.ts';
import { authorization } from './credentials.ts';
import { type Env, proxyFor, proxyUser } from './proxy.ts';
import { isSocks, socksConnector } from './socks.ts';
import { trustFromEnv } from './trust.ts';

export interface ConnectionOptions {
	readonly env: Env;
	readonly log: Log;
	/** Connections to one host at a time, beside those of streams. */
	readonly connections: number;
	readonly connectTimeoutMs: number;
}

/** How requests to one origin leave the machine. */
interface Way {
	readonly dispatcher: Dispatcher;
	readonly origin: string;
	/** Before path and query: the origin, where the request goes to a proxy that reads it. */
	readonly pathPrefix: string;
	readonly headers: Readonly<Record<string, string>>;
}

/** How one request does. */
interface Route extends Way {
	/** Path and query, or the whole URL where the request goes to a proxy that reads it. */
	readonly path: string;
}

export interface Connections {
	/** `streamed`: the answer takes as long as somebody reads it. */
	route(url: URL, streamed: boolean): Route;
	/** Ends all connections at once, those with a request under way too. */
	close(): Promise<void>;
}

/** An idle connection is dropped before usual servers drop theirs (nginx 75 s); one that says how long it waits is believed. */
const KEEP_ALIVE_MS = 20_000;

/**
 * Answers that are read as they come hold a connection for as long as their reader takes. They have their own, so that nobody waits behind them who asks for
 * little; more than several builds at once read of one cache.
 */
const STREAMS = 256;

/** Pools of connections: a direct one, and one for each proxy that the environment names. Opened when first needed. */
export function openConnections(options: ConnectionOptions): Connections {
	const open = new Map<string, Dispatcher>();
	let trust: SecureContext | null | undefined;
	const poolOf = (streamed: boolean) => ({
		connections: streamed ? STREAMS : options.connections,
		keepAliveTimeout: KEEP_ALIVE_MS,
	});
	const connect = () => {
		if (trust === undefined) trust = trustFromEnv(options.env, options.log);
		return { timeout: options.connectTimeoutMs, ...(trust === null ? {} : { secureContext: trust }) };
	};
	const opened = (name: string, streamed: boolean, make: (pool: ReturnType<typeof poolOf>) => Dispatcher): Dispatcher => {
		const key = streamed ? `${name}, streamed` : name;
		const dispatcher = open.get(key) ?? make(poolOf(streamed));
		open.set(key, dispatcher);
		return dispatcher;
	};
	const direct = (origin: string, streamed: boolean) =>
		origin.startsWith('https:')
			? opened('https', streamed, (pool) => new Agent({ ...pool, connect: connect() }))
			: opened('http', streamed, (pool) => new Agent({ ...pool, connect: { timeout: options.connectTimeoutMs } }));

	/** Opened when first needed, and the same for all of an origin: an environment with exceptions takes longer to read than a small request to make. */
	const ways = { small: new Map<string, Way>(), streamed: new Map<string, Way>() };
	const wayTo = (url: URL, streamed: boolean): Way => {
		const { origin } = url;
		const proxy = proxyFor(url, options.env);
		if (proxy === null) return { dispatcher: direct(origin, streamed), origin, pathPrefix: '', headers: {} };
		if (isSocks(proxy)) {
			const through = socksConnector(proxy, connect());
			const agent = opened(`through ${proxy.href}`, streamed, (pool) => new Agent({ ...pool, connect: through }));
			return { dispatcher: agent, origin, pathPrefix: '', headers: {} };
		}
		refuseUnknownProxy(proxy);
		const token = proxyToken(proxy);
		if (url.protocol === 'http:') {
			// The whole URL to the proxy, not a tunnel: proxies commonly tunnel to port 443 alone.
			const headers = { host: url.host, ...(token === null ? {} : { 'proxy-authorization': token }) };
			return { dispatcher: direct(proxy.origin, streamed), origin: proxy.origin, pathPrefix: origin, headers };
		}
		const tunnel = opened(`through ${proxy.href}`, streamed, (pool) => {
			const tls = connect();
			return new ProxyAgent({ ...pool, uri: proxy.origin, ...(token === null ? {} : { token }), requestTls: tls, proxyTls: tls });
		});
		return { dispatcher: tunnel, origin, pathPrefix: '', headers: {} };
	};

	return {
		route(url, streamed) {
			const known = streamed ? ways.streamed : ways.small;
			const way = known.get(url.origin) ?? wayTo(url, streamed);
			known.set(url.origin, way);
			return { ...way, path: `${way.pathPrefix}${url.pathname}${url.search}` };
		},
		async close() {
			ways.small.clear();
			ways.streamed.clear();
			await Promise.all([...open.values()].map((dispatcher) => dispatcher.destroy()));
			open.clear();
		},
	};
}

function refuseUnknownProxy(proxy: URL): void {
	if (proxy.protocol === 'http:' || proxy.protocol === 'https:') return;
	throw new CacheError(
		'cache-unreachable',
		`The environment names a proxy of the kind \`${proxy.protocol}//\`, which is not known here.`,
		{
			hint: 'Use an http://, https://, socks5:// or socks5h:// proxy in HTTPS_PROXY, or exempt the host in NO_PROXY.',
		},
	);
}

function proxyToken(proxy: URL): string | null {
	if (proxy.username === '' && proxy.password === '') return null;
	return authorization({ kind: 'basic', ...proxyUser(proxy) });
}
