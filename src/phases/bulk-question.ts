import { createCachixApi } from '../backends/cachix/cachix-api.ts';
import { missingPaths } from '../backends/cachix/missing-paths.ts';
import { tokenFor } from '../backends/cachix/token.ts';
import { type CachixTarget, cachixTargetAt } from '../cache-target/cachix.ts';
import { describeError, isCacheError } from '../errors.ts';
import { createHttpClient } from '../http/client.ts';
import type { Env } from '../http/proxy.ts';
import type { Log } from '../log.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import type { PathInfo } from '../nix/path-info.ts';

/** One request for many paths to a substituter that knows such a question. */
export interface BulkQuestion {
	/**
	 * Which of these paths (full) the substituter certainly lacks; of the others it may have each. None where it can't be asked so, or doesn't answer: nothing is lost
	 * but time, so that is for the debug log alone. `env` says by which proxy.
	 */
	lacked(url: URL, env: Env, paths: readonly PathInfo[], signal: AbortSignal): Promise<ReadonlySet<string>>;
}

/** A part of what the substituters have for all their answers: asking for each path comes after it. */
const LIMIT_MS = 3_000;
/** Whoever does not answer is asked for each path. */
const EFFORT = { connections: 1, attempts: 1, patienceMs: LIMIT_MS, connectTimeoutMs: 2_000 };

/**
 * The one such question that needs no more than the right to read is that of Cachix. What fails once is not tried again.
 * @param servers of Cachix, beside cachix.org
 */
export function createBulkQuestion(servers: readonly URL[], netrc: readonly NetrcEntry[], log: Log): BulkQuestion {
	const silent = new Set<string>();

	const ask = async (target: CachixTarget, env: Env, paths: readonly PathInfo[], signal: AbortSignal) => {
		const client = createHttpClient({ env, log, ...EFFORT });
		try {
			return await missingPaths(createCachixApi(target, client), paths, signal);
		} finally {
			await client.close();
		}
	};

	return {
		async lacked(url, env, paths, signal) {
			const target = cachixTargetAt(url, servers);
			if (target === null || silent.has(url.href)) return new Set();
			try {
				const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
				return await ask({ ...target, token: tokenFor(url.hostname, netrc) }, env, paths, limit);
			} catch (error) {
				if (!isCacheError(error) || error.code === 'internal') throw error;
				if (!signal.aborted) silent.add(url.href);
				log.debug(`${target.place} is asked for each path: ${describeError(error)}`);
				return new Set();
			}
		},
	};
}
