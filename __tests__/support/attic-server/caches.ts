import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { forbidden, noSuchCache, unauthorized } from './refusal.ts';
import { type Permission, permissionOf } from './tokens.ts';

export interface CacheSettings {
	/** Everybody may read. */
	readonly isPublic?: boolean;
	/** `/nix/store` if not said. */
	readonly storeDir?: string;
	/** 41 if not said, as on the real server. */
	readonly priority?: number;
	readonly upstreamKeyNames?: readonly string[];
}

/** A path in a cache, as it was described to the server. */
export interface StoredObject {
	readonly storePath: string;
	/** Base names, in the order in which they came. */
	readonly references: readonly string[];
	readonly deriver: string | null;
	readonly sigs: readonly string[];
	readonly ca: string | null;
	/** Hex. */
	readonly narHash: string;
	readonly narSizeBytes: number;
}

/** One cache: what it was told to be, its key, its paths by hash part. */
export interface Cache {
	readonly name: string;
	readonly settings: Required<CacheSettings>;
	/** `name:base64`. */
	readonly publicKey: string;
	/** `name:base64` over the bytes. */
	readonly sign: (text: string) => string;
	readonly objects: Map<string, StoredObject>;
}

/** Signs with OpenSSL, not with the action's own code. */
export function makeCache(name: string, settings: CacheSettings): Cache {
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	return {
		name,
		settings: { isPublic: false, storeDir: '/nix/store', priority: 41, upstreamKeyNames: ['cache.nixos.org-1'], ...settings },
		publicKey: `${name}:${rawKey(publicKey)}`,
		sign: (text) => `${name}:${sign(null, Buffer.from(text), privateKey).toString('base64')}`,
		objects: new Map(),
	};
}

function rawKey(key: KeyObject): string {
	return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
}

/**
 * The cache, for who may do this there. Who may do nothing with it is not told whether there is one.
 * Source: attic/server/src/access/http.rs, auth_cache.
 */
export function authorize(
	caches: ReadonlyMap<string, Cache>,
	secret: string,
	authorization: string | undefined,
	name: string,
	right: keyof Permission,
): Cache {
	const granted = permissionOf(secret, authorization, name);
	const cache = caches.get(name);
	const permission = { ...granted, pull: granted.pull || cache?.settings.isPublic === true };
	const mayDiscover = permission.pull || permission.push;
	if (cache === undefined) throw mayDiscover ? noSuchCache() : unauthorized();
	if (!permission[right]) throw mayDiscover ? forbidden() : unauthorized();
	return cache;
}
