import { type AtticTarget, parseAtticUrl } from './attic.ts';
import { type CachixTarget, parseCachixUrl } from './cachix.ts';
import type { Credentials } from './credentials.ts';
import { type FileTarget, parseFileUrl } from './file.ts';
import { type HttpTarget, parseHttpUrl, substituterUrl } from './http.ts';
import { type Niks3Target, parseNiks3Url } from './niks3.ts';
import { isNixStoreUrl, type NixStoreTarget, parseNixStoreUrl } from './nix-store.ts';
import { parametersSetElsewhere, type Refusal, withoutUserInfo } from './refusal.ts';
import { parseS3Url, type S3Target } from './s3.ts';

/** One line of the input `cache`, understood. One member for each kind that is built. */
export type CacheTarget = StoreTarget | ActionsCacheTarget;

/** A cache with an address. */
export type StoreTarget = HttpTarget | FileTarget | S3Target | AtticTarget | CachixTarget | Niks3Target | NixStoreTarget;

/** The GitHub Actions cache: it has no address and no credentials of the workflow's. */
export interface ActionsCacheTarget {
	readonly kind: 'actions-cache';
}

export const ACTIONS_CACHE: ActionsCacheTarget = { kind: 'actions-cache' };

/** Reads one line of `cache`. */
export function parseCacheTarget(line: string, pushUrl: URL | null, credentials: Credentials | null): CacheTarget | Refusal {
	if (line === ACTIONS_CACHE.kind) return ACTIONS_CACHE;
	if (line.startsWith('file:')) return parseFileUrl(line);
	if (line.startsWith('s3:')) return parseS3Url(line, credentials);
	if (/^attic(\+http)?:/.test(line)) return parseAtticUrl(line, credentials);
	if (isNixStoreUrl(line)) {
		if (credentials === null) return parseNixStoreUrl(line);
		return {
			problem:
				`cache: \`${withoutUserInfo(line)}\` takes no \`username\`, \`password\` or \`token\`; leave them out. ` +
				'SSH uses the key of an ssh-agent or of a file (`?ssh-key=/file`).',
		};
	}
	if (line.startsWith('cachix:')) return parseCachixUrl(line, credentials);
	if (/^niks3(\+http)?:/.test(line)) return parseNiks3Url(line, credentials);
	const url = parseHttpUrl(line, 'cache');
	if ('problem' in url) return url;
	const elsewhere = parametersSetElsewhere(line);
	if (elsewhere !== null) return { problem: `cache: \`${withoutUserInfo(line)}\` ${elsewhere}` };
	const base = new URL(url);
	base.search = '';
	return { kind: 'http', place: (pushUrl ?? base).href, url: base, pushUrl, substituter: substituterUrl(url), credentials };
}
