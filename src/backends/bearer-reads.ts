import { isCacheError } from '../errors.ts';
import type { HttpClient } from '../http/client.ts';
import { atPath } from './at-path.ts';
import type { Backend } from './backend.ts';

export interface BearerReadsOptions {
	/** Where the cache serves. */
	readonly baseUrl: URL;
	readonly token: string;
	readonly client: HttpClient;
}

const CACHE_INFO = 'nix-cache-info';

/** A path that no cache has. Some servers give `nix-cache-info` to everybody, and narinfos not. */
const NO_PATH = `${'0'.repeat(32)}.narinfo`;

/**
 * A cache that is read with a token. Nix can send nothing but Basic; most servers that know tokens take one as its password (Artifactory, attic, Cachix). Where one
 * does not, Nix reads through the local substituter.
 */
export function withBearerReads(cache: Backend, { baseUrl, token, client }: BearerReadsOptions): Backend {
	let throughUs = false;

	const refusesBasic = async (signal: AbortSignal): Promise<boolean> => {
		const credentials = { kind: 'basic', username: 'token', password: token } as const;
		const ask = async (key: string): Promise<number> => {
			const url = atPath(baseUrl, `${baseUrl.pathname.replace(/\/$/, '')}/${key}`);
			const accept = [200, 401, 403, 404, 410];
			return (await client.request({ method: 'GET', url, credentials, accept, limitBytes: 0, signal })).status;
		};
		try {
			const [info, none] = await Promise.all([ask(CACHE_INFO), ask(NO_PATH)]);
			// 403 for what is not there is the answer of buckets that nobody may list.
			return info === 401 || info === 403 || none === 401;
		} catch (error) {
			if (!isCacheError(error) || signal.aborted) throw error;
			// It did not say no; Nix finds out.
			return false;
		}
	};

	return {
		...cache,
		reads() {
			const reads = cache.reads();
			return throughUs ? { ...reads, substituters: [], throughUs } : reads;
		},
		async check(mayWrite, signal) {
			const checked = await cache.check(mayWrite, signal);
			throughUs = checked.readable && (await refusesBasic(signal));
			return checked;
		},
	};
}
