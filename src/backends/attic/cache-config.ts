import { CacheError, describeError } from '../../errors.ts';
import { formatPublicKey, type PublicKey, parsePublicKey } from '../../nix/signature.ts';

/** What an attic server says of one cache. */
export interface CacheConfig {
	/** The cache's own key; the server signs with it whatever it serves. */
	readonly publicKey: PublicKey;
	/** Where Nix is to read, and where the API is, as the server sees itself; `null` when it does not say. */
	readonly substituterEndpoint: string | null;
	readonly apiEndpoint: string | null;
	/** Whether everybody may read. */
	readonly isPublic: boolean;
	readonly storeDir: string;
	/** Names of keys: what was signed by one of them is not to be uploaded. */
	readonly upstreamKeyNames: readonly string[];
	/** As in `nix-cache-info`; `null` when it does not say. */
	readonly priority: number | null;
	/** How long a path stays that nobody reads; `null`: as the server's own setting says. */
	readonly retentionSeconds: number | null;
}

/** A configuration has a key, two URLs, and a list of names. */
export const MAX_CONFIG_BYTES = 256 * 1024;

/**
 * Reads the answer to `GET _api/v1/cache-config/<cache>`. Fields that it does not know are left alone, since servers add some.
 * Source: attic/attic/src/api/v1/cache_config.rs, CacheConfig.
 * @throws CacheError `cache-invalid`
 */
export function parseCacheConfig(text: string, label: string): CacheConfig {
	const fields = asFields(parseJson(text));
	if (fields === null) {
		throw new CacheError('cache-invalid', `What answers for ${label} is no attic server: it sent no configuration of a cache.`, {
			hint: 'Is the URL that of the server (`attic login` takes the same), with the name of the cache behind it?',
		});
	}
	const { store_dir: storeDir, upstream_cache_key_names: upstream, priority, retention_period: retention } = fields;
	return {
		publicKey: readKey(fields.public_key, label),
		substituterEndpoint: textOrNull(fields.substituter_endpoint),
		apiEndpoint: textOrNull(fields.api_endpoint),
		isPublic: fields.is_public === true,
		storeDir: textOrNull(storeDir) ?? '/nix/store',
		upstreamKeyNames: Array.isArray(upstream) ? upstream.filter((name) => typeof name === 'string') : [],
		priority: typeof priority === 'number' ? priority : null,
		retentionSeconds: readRetention(retention),
	};
}

/** One line on it, for the log. */
export function describeCacheConfig(config: CacheConfig): string {
	const { isPublic, priority, retentionSeconds, publicKey } = config;
	const kept = retentionSeconds === null ? "the server's time" : retentionSeconds === 0 ? 'ever' : `${retentionSeconds} s`;
	const rank = priority === null ? '' : `priority ${priority}, `;
	return `${isPublic ? 'public' : 'private'}, ${rank}kept for ${kept}, signed by ${formatPublicKey(publicKey)}`;
}

type Fields = Readonly<Record<string, unknown>>;

/** `null`: not an object. */
export function asFields(value: unknown): Fields | null {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}

/** `undefined`: not JSON. */
export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

function textOrNull(value: unknown): string | null {
	return typeof value === 'string' && value !== '' ? value : null;
}

function readKey(value: unknown, label: string): PublicKey {
	try {
		return parsePublicKey(textOrNull(value) ?? '');
	} catch (cause) {
		throw new CacheError('cache-invalid', `The server names no key for ${label} that Nix could use: ${describeError(cause)}`, {
			hint: 'Make a new one with `attic cache configure --regenerate-keypair`.',
			cause,
		});
	}
}

/** `"Global"`, or `{"Period": seconds}`. */
function readRetention(value: unknown): number | null {
	const period = asFields(value)?.Period;
	return typeof period === 'number' ? period : null;
}
