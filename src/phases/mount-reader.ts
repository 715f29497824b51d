import { openReader } from '../backends/open.ts';
import type { PathReader } from '../backends/path-reader.ts';
import { parseCacheTarget } from '../cache-target/target.ts';
import { CacheError } from '../errors.ts';
import { createHttpClient } from '../http/client.ts';
import { withProxy } from '../http/proxy.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import type { Effort } from './cache.ts';
import type { Runner } from './runner.ts';
import type { MountSource } from './serve-handover.ts';

/** Once for a whole job, so requests are tried less long than at its end: Nix waits. */
export const MOUNT_EFFORT: Effort = { concurrency: 32, attempts: 3, patienceMs: 6_000, connectTimeoutMs: 5_000 };

/** A cache that Nix can't read by itself. Asks nothing of it yet. @throws CacheError `input-invalid` for one that Nix reads */
export async function openMountReader(
	{ env, log }: Pick<Runner, 'env' | 'log'>,
	storeDir: string,
	netrc: readonly NetrcEntry[],
	{ line, credentials, proxy }: MountSource & { readonly kind: 'cache' },
): Promise<PathReader> {
	const target = parseCacheTarget(line, null, credentials);
	if ('problem' in target || target.kind === 'actions-cache') throw new CacheError('internal', `${line} can't be served.`);
	const { concurrency, ...patience } = MOUNT_EFFORT;
	const through = proxy === null ? env : withProxy(env, proxy);
	const client = createHttpClient({ env: through, log, connections: concurrency, ...patience });
	const reader = await openReader(target, { client, log, netrc, storeDir });
	return {
		...reader,
		async close() {
			await reader.close();
			await client.close();
		},
	};
}
