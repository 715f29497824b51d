import type { AtticTarget } from '../../cache-target/attic.ts';
import type { CacheConfig } from './cache-config.ts';

export interface Addresses {
	/** What `_api/v1/…` is relative to: it ends with a slash. */
	readonly api: URL;
	/** What Nix reads from, without a slash at its end. */
	readonly substituter: URL;
}

/**
 * Where to upload and where to read. A server may name other places than the one that the workflow does (an API that no CDN stands before, a
 * CDN to read from). They are taken where the token need not go to another host than it was given for, nor from https to http: a server behind a
 * proxy that ends TLS often calls itself http. Otherwise the place that the workflow names does both, as on every attic server.
 */
export function addressesOf(
	{ endpoint, cache }: AtticTarget,
	config: CacheConfig,
	hasCredentialsFor: (host: string) => boolean,
): Addresses {
	const followed = (told: string | null, mayLeave: (host: string) => boolean): URL | null => {
		const url = told !== null && URL.canParse(told) ? new URL(told) : null;
		if (url === null || url.username !== '' || url.password !== '' || !/^https?:$/.test(url.protocol)) return null;
		if (endpoint.protocol === 'https:' && url.protocol === 'http:') return null;
		return url.hostname === endpoint.hostname || mayLeave(url.hostname) ? new URL(url.pathname, url.origin) : null;
	};
	const api = followed(config.apiEndpoint, () => false) ?? endpoint;
	const substituter =
		followed(config.substituterEndpoint, (host) => config.isPublic || hasCredentialsFor(host)) ?? new URL(cache, endpoint);
	return { api: asFolder(api), substituter: withoutSlash(substituter) };
}

/** The place as one that other things are relative to. */
export function asFolder(url: URL): URL {
	return url.pathname.endsWith('/') ? url : new URL(`${url.pathname}/`, url);
}

function withoutSlash(url: URL): URL {
	return url.pathname === '/' || !url.pathname.endsWith('/') ? url : new URL(url.pathname.replace(/\/+$/, ''), url);
}
