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
	/** Connections to one host at a time. */
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
	route(url: URL): Route;
	/** Ends all connections at once, those with a request under way too. */
	close(): Promise<void>;
}

/** An idle connection is dropped before usual servers drop theirs (nginx 75 s); one that says how long it waits is believed. */
const KEEP_ALIVE_MS = 20_000;

/** Pools of connections: a direct one, and one for each proxy that the environment names. Opened when first needed. */
export function openConnections(options: ConnectionOptions): Connections {
	const open = new Map<string, Dispatcher>();
	let trust: SecureContext | null | undefined;
	const pool = { connections: options.connections, keepAliveTimeout: KEEP_ALIVE_MS };
	const connect = () => {
		if (trust === undefined) trust = trustFromEnv(options.env, options.log);
		return { timeout: options.connectTimeoutMs, ...(trust === null ? {} : { secureContext: trust }) };
	};
	const opened = (key: string, make: () => Dispatcher): Dispatcher => {
		const dispatcher = open.get(key) ?? make();
		open.set(key, dispatcher);
		return dispatcher;
	};
	const direct = (origin: string) =>
		origin.startsWith('https:')
			? opened('https', () => new Agent({ ...pool, connect: connect() }))
			: opened('http', () => new Agent({ ...pool, connect: { timeout: options.connectTimeoutMs } }));

	/** Opened when first needed, and the same for all of an origin: an environment with exceptions takes longer to read than a small request to make. */
	const ways = new Map<string, Way>();
	const wayTo = (url: URL): Way => {
		const { origin } = url;
		const proxy = proxyFor(url, options.env);
		if (proxy === null) return { dispatcher: direct(origin), origin, pathPrefix: '', headers: {} };
		if (isSocks(proxy)) {
			const agent = opened(`through ${proxy.href}`, () => new Agent({ ...pool, connect: socksConnector(proxy, connect()) }));
			return { dispatcher: agent, origin, pathPrefix: '', headers: {} };
		}
		refuseUnknownProxy(proxy);
		const token = proxyToken(proxy);
		if (url.protocol === 'http:') {
			// The whole URL to the proxy, not a tunnel: proxies commonly tunnel to port 443 alone.
			const headers = { host: url.host, ...(token === null ? {} : { 'proxy-authorization': token }) };
			return { dispatcher: direct(proxy.origin), origin: proxy.origin, pathPrefix: origin, headers };
		}
		const tunnel = opened(`through ${proxy.href}`, () => {
			const tls = connect();
			return new ProxyAgent({ ...pool, uri: proxy.origin, ...(token === null ? {} : { token }), requestTls: tls, proxyTls: tls });
		});
		return { dispatcher: tunnel, origin, pathPrefix: '', headers: {} };
	};

	return {
		route(url) {
			const way = ways.get(url.origin) ?? wayTo(url);
			ways.set(url.origin, way);
			return { ...way, path: `${way.pathPrefix}${url.pathname}${url.search}` };
		},
		async close() {
			ways.clear();
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
