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
 * are not named here `check` or the first upload tells.
 */
export async function askForUploads(
	{ env, log }: Pick<Runner, 'env' | 'log'>,
	target: StoreTarget,
	netrc: readonly NetrcEntry[],
	signal: AbortSignal,
): Promise<CacheError | null> {
	if (target.kind === 'file') return whyReadOnly(target.folder, target.place);
	if (target.kind !== 'http' && target.kind !== 's3') return null;
	// Asked once: what a server says to this it says again.
	const { connectTimeoutMs, patienceMs } = PROBE;
	const client = createHttpClient({ env, log, connections: 1, attempts: 1, connectTimeoutMs, patienceMs });
	try {
		if (target.kind === 'http') return await whyNoUploads(target, { env, log, netrc, client, signal });
		const { openS3 } = await import('../backends/s3/store.ts');
		const store = openS3(target, { client, log });
		return await store.whyNoPut(signal).finally(store.close);
	} finally {
		await client.close();
	}
}
