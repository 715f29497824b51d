import type { Credentials } from './credentials.ts';
import { type Refusal, withoutUserInfo } from './refusal.ts';

/** A cache at cachix.org, or at another server that speaks its protocol. */
export interface CachixTarget {
	readonly kind: 'cachix';
	/** For people: which cache. */
	readonly place: string;
	readonly name: string;
	/** The server whose API is asked: an origin, as the command line client's `--host`. */
	readonly host: URL;
	/** What Nix is to get behind the URL that the server names: '' or `?…`, as the user wrote it. */
	readonly parameters: string;
	/** `null`: a public cache can be read without one. */
	readonly token: string | null;
}

const HOST = 'https://cachix.org';
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/i;
const FORM = 'write `cachix://name`, with the name of the cache as in `https://name.cachix.org`';

/** `cachix://name`, with Nix's own parameters and `host=https://…` for a server elsewhere. */
export function parseCachixUrl(line: string, credentials: Credentials | null): CachixTarget | Refusal {
	const refuse = (why: string): Refusal => ({ problem: `cache: \`${withoutUserInfo(line)}\` ${why}.` });
	const [, name, query = ''] = /^cachix:\/\/([^/?#]*)\/?(?:\?([^#]*))?$/.exec(line) ?? [];
	if (name === undefined || !NAME.test(name)) return refuse(`is not the URL of a cache; ${FORM}`);
	if (credentials !== null && credentials.kind !== 'bearer') {
		return refuse('takes no `username` and `password`; give a token of Cachix as `token`');
	}
	const parameters = query.split('&').filter((parameter) => parameter !== '');
	const [written, ...more] = parameters.filter(isHost).map((parameter) => parameter.slice('host='.length));
	const host = originOf(written ?? HOST);
	if (host === null || more.length > 0)
		return refuse('has a `host=` that is not one server; write `host=https://cachix.example`');
	const forNix = parameters.filter((parameter) => !isHost(parameter));
	return {
		kind: 'cachix',
		place: `cachix://${name}${written === undefined ? '' : `?host=${host.origin}`}`,
		name,
		host,
		parameters: forNix.length === 0 ? '' : `?${forNix.join('&')}`,
		token: credentials?.token ?? null,
	};
}

/** What Cachix calls the key that a cache was made with. Its own tools write the secret key without a name. */
export function cachixKeyName({ name, host }: CachixTarget): string {
	return `${name}.${host.hostname}-1`;
}

/** What a server's API is below. */
const API = /^\/api\/v1\/cache\/([^/]+)\/?$/;

/**
 * The cache that is read at `url`, `null` when nothing says that it is one of Cachix. A server has each cache at `NAME.` before its own host name, which tells for
 * cachix.org and for what lines of `cache` name (`hosts`), and below its API, which tells for every server. Source: cachix/cachix, cachix-api/src/Cachix/API.hs.
 */
export function cachixTargetAt(url: URL, hosts: readonly URL[]): CachixTarget | null {
	const [, named] = API.exec(url.pathname) ?? [];
	const below = url.pathname === '/' ? [new URL(HOST), ...hosts].find((host) => isBelow(url, host)) : undefined;
	const host = named === undefined ? below : new URL(url.origin);
	const name = named ?? url.host.split('.', 1)[0] ?? '';
	if (host === undefined || !NAME.test(name)) return null;
	return { kind: 'cachix', place: url.origin + url.pathname.replace(/\/$/, ''), name, host, parameters: '', token: null };
}

/** Whether the host of `url` is that of `host` with one name before it. */
function isBelow(url: URL, host: URL): boolean {
	return url.protocol === host.protocol && url.host.slice(url.host.indexOf('.') + 1) === host.host;
}

function isHost(parameter: string): boolean {
	return parameter.startsWith('host=');
}

/** `null` when it is no plain origin over HTTP. */
function originOf(written: string): URL | null {
	const url = /^https?(:|%3A)/i.test(written) ? parsed(decoded(written)) : null;
	const isOrigin =
		url !== null && url.username === '' && url.password === '' && `${url.pathname}${url.search}${url.hash}` === '/';
	return isOrigin ? url : null;
}

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return '';
	}
}

function parsed(text: string): URL | null {
	return URL.canParse(text) ? new URL(text) : null;
}
