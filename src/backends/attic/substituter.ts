import type { AtticTarget } from '../../cache-target/attic.ts';
import { atPath } from '../at-path.ts';
import type { CacheConfig } from './cache-config.ts';

/**
 * Where Nix reads: every attic server serves its caches beside its API, and may name another place for it, such as a CDN. That is taken where the
 * token need not go to another host than it was given for, nor from https to http. On its own origin the server is not believed: behind a
 * proxy it often knows neither the path nor the scheme that it is reached by. Without a slash at its end.
 */
export function substituterOf(
	{ endpoint, cache }: AtticTarget,
	{ substituterEndpoint, isPublic }: CacheConfig,
	hasCredentialsFor: (host: string) => boolean,
): URL {
	const own = new URL(cache, endpoint);
	const told = parseWebUrl(substituterEndpoint);
	if (told === null || told.origin === endpoint.origin) return own;
	if (endpoint.protocol === 'https:' && told.protocol === 'http:') return own;
	const mayRead = isPublic || told.hostname === endpoint.hostname || hasCredentialsFor(told.hostname);
	return mayRead ? atPath(told, told.pathname.replace(/\/+$/, '')) : own;
}

/** The host of the API as the server names it, when that is another one: uploads to it may pass a CDN's limits by. */
export function otherApiHost({ endpoint }: AtticTarget, { apiEndpoint }: CacheConfig): string | null {
	const told = parseWebUrl(apiEndpoint);
	return told === null || told.hostname === endpoint.hostname ? null : told.host;
}

/** The place as one that other things are relative to. */
export function asFolder(url: URL): URL {
	return atPath(url, `${url.pathname.replace(/\/*$/, '')}/`);
}

function parseWebUrl(text: string | null): URL | null {
	const url = text !== null && URL.canParse(text) ? new URL(text) : null;
	return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? url : null;
}
