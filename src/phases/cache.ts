import type { Backend } from '../backends/backend.ts';
import { openBackend } from '../backends/open.ts';
import type { StoreTarget } from '../cache-target/target.ts';
import { createHttpClient } from '../http/client.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { publicKeyOf } from '../nix/signature.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { Session } from './session.ts';

/** How hard a phase tries: main must not hold up the job, post has `push-timeout`. */
export interface Effort {
	/** Requests in flight. */
	readonly concurrency: number;
	readonly attempts: number;
	/** How long a host may fail before it is given up. */
	readonly patienceMs: number;
	readonly connectTimeoutMs: number;
}

/** Whether the job has AWS credentials for `target`; false of what is no bucket. Throws when something names credentials that can't be had. */
export async function hasKeys({ runner }: Session, target: StoreTarget, effort: Effort): Promise<boolean> {
	if (target.kind !== 's3') return false;
	const { findKeys } = await import('../backends/s3/credentials.ts');
	const { concurrency, ...patience } = effort;
	const client = createHttpClient({ env: runner.env, log: runner.log, connections: concurrency, ...patience });
	try {
		return (await findKeys(target, { client, log: runner.log })) !== null;
	} finally {
		await client.close();
	}
}

/** Opens the backend of `target` for the time of `body`. */
export async function withCache<T>(
	{ inputs, runner }: Session,
	store: LocalStore,
	target: StoreTarget,
	netrc: readonly NetrcEntry[],
	effort: Effort,
	body: (backend: Backend) => Promise<T>,
): Promise<T> {
	const { concurrency, ...patience } = effort;
	const client = createHttpClient({ env: runner.env, log: runner.log, connections: concurrency, ...patience });
	try {
		const own = inputs.signingKey === null ? [] : [publicKeyOf(inputs.signingKey)];
		const backend = await openBackend(target, {
			client,
			log: runner.log,
			storeDir: store.storeDir,
			signingKey: inputs.signingKey,
			publicKeys: [...own, ...inputs.trustedPublicKeys],
			netrc,
			lookups: concurrency,
		});
		try {
			return await body(backend);
		} finally {
			await backend.close();
		}
	} finally {
		await client.close();
	}
}
