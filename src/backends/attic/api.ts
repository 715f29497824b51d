import { bodyOfText } from '../../bodies/in-memory.ts';
import type { Credentials } from '../../cache-target/credentials.ts';
import { CacheError } from '../../errors.ts';
import type { HttpAnswer, HttpClient } from '../../http/client.ts';
import type { HttpRequest } from '../../http/request.ts';
import { asFields, type CacheConfig, MAX_CONFIG_BYTES, parseCacheConfig, parseJson } from './cache-config.ts';
import { explainRefusal } from './refusals.ts';
import type { Upload } from './upload.ts';

export interface AtticApiOptions {
	readonly client: HttpClient;
	/** What `_api/v1/…` is relative to. */
	readonly endpoint: URL;
	readonly cache: string;
	/** For people. */
	readonly label: string;
	readonly credentials: Credentials | null;
	/** Why the token does not count any more; `null` when it does. */
	readonly expired: () => string | null;
}

/** The calls of attic's API. Failures are thrown with hints that fit attic. */
export interface AtticApi {
	config(signal: AbortSignal): Promise<CacheConfig>;
	/** Which of these hash parts of store paths the cache does not have. Needs the right to push. */
	missing(hashParts: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>>;
	upload(upload: Upload, signal: AbortSignal): Promise<void>;
}

/** A hash part takes 35 bytes, and ten thousand are asked for at a time. */
const MAX_MISSING_BYTES = 1024 * 1024;

export function createAtticApi({ client, endpoint, cache, label, credentials, expired }: AtticApiOptions): AtticApi {
	const ask = async (wants: 'pull' | 'push', request: Omit<HttpRequest, 'credentials' | 'accept'>): Promise<HttpAnswer> => {
		try {
			return await client.request({ ...request, credentials, accept: [200] });
		} catch (error) {
			throw explainRefusal(error, { endpoint, cache, wants, hasToken: credentials !== null, expired: expired() });
		}
	};
	return {
		async config(signal) {
			const url = new URL(`_api/v1/cache-config/${cache}`, endpoint);
			const { bytes } = await ask('pull', { method: 'GET', url, limitBytes: MAX_CONFIG_BYTES, signal });
			return parseCacheConfig(textOf(bytes), label);
		},
		async missing(hashParts, signal) {
			const url = new URL('_api/v1/get-missing-paths', endpoint);
			const body = bodyOfText(JSON.stringify({ cache, store_path_hashes: hashParts }));
			const headers = { 'content-type': 'application/json' };
			const { bytes } = await ask('push', { method: 'POST', url, headers, body, limitBytes: MAX_MISSING_BYTES, signal });
			const paths = asFields(parseJson(textOf(bytes)))?.missing_paths;
			if (!Array.isArray(paths)) throw new CacheError('cache-invalid', `${label} did not say which paths are missing there.`);
			return new Set(paths.filter((path) => typeof path === 'string'));
		},
		async upload({ preambleBytes, body }, signal) {
			const url = new URL('_api/v1/upload-path', endpoint);
			const headers = {
				'content-type': 'application/octet-stream',
				'x-attic-nar-info-preamble-size': `${preambleBytes}`,
			};
			await ask('push', { method: 'PUT', url, headers, body, limitBytes: 0, signal });
		},
	};
}

function textOf(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
