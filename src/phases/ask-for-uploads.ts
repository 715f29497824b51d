import { whyNoUploads } from '../backends/upload-probe.ts';
import type { StoreTarget } from '../cache-target/target.ts';
import type { CacheError } from '../errors.ts';
import { createHttpClient } from '../http/client.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { whyReadOnly } from '../preflight/refusal.ts';
import type { Runner } from './runner.ts';

const PROBE = { patienceMs: 10_000, connectTimeoutMs: 5_000 };

/**
 * Why the cache would take nothing from this job, as far as that can be known without leaving a trace there; `null` when nothing is known against it. Of the kinds that
 * are not named here `check` or the first upload tells: to ask S3 takes an object, and who may put one may not always remove it.
 */
export async function askForUploads(
	{ env, log }: Pick<Runner, 'env' | 'log'>,
	target: StoreTarget,
	netrc: readonly NetrcEntry[],
	signal: AbortSignal,
): Promise<CacheError | null> {
	if (target.kind === 'file') return whyReadOnly(target.folder, target.place);
	if (target.kind !== 'http') return null;
	// Asked once: what a server says to this it says again.
	const { connectTimeoutMs, patienceMs } = PROBE;
	const client = createHttpClient({ env, log, connections: 1, attempts: 1, connectTimeoutMs, patienceMs });
	try {
		return await whyNoUploads(target, { env, log, netrc, client, signal });
	} finally {
		await client.close();
	}
}
