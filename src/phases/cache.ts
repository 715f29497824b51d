import type { Backend } from '../backends/backend.ts';
import { openBackend } from '../backends/open.ts';
import type { StoreTarget } from '../cache-target/target.ts';
import { createHttpClient } from '../http/client.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { publicKeyOf } from '../nix/signature.ts';
import type { LocalStore } from '../store/local-store.ts';
import { openOtherStore } from '../store/other-store.ts';
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

/** A backend that is open until `close`. */
export interface OpenCache {
	readonly backend: Backend;
	close(): Promise<void>;
}

/** Opens the backend of `target`. */
export async function openCache(
	{ inputs, runner, state }: Session,
	store: LocalStore,
	target: StoreTarget,
	netrc: readonly NetrcEntry[],
	{ concurrency, ...patience }: Effort,
): Promise<OpenCache> {
	const client = createHttpClient({ env: runner.env, log: runner.log, connections: concurrency, ...patience });
	const own = inputs.signingKey === null ? [] : [publicKeyOf(inputs.signingKey)];
	try {
		const backend = await openBackend(target, {
			client,
			log: runner.log,
			env: runner.env,
			storeDir: store.storeDir,
			signingKey: inputs.signingKey,
			sharesKey: inputs.caches.length > 1,
			publicKeys: [...own, ...inputs.trustedPublicKeys],
			netrc,
			lookups: concurrency,
			nixStores: {
				open: (url, label) =>
					openOtherStore(store.nix, { env: runner.env, storeDir: store.storeDir, url, label, privateFolder: state().folder }),
				substitutesByDaemon: store.description.access === 'daemon',
				wasAsked: state().main !== null,
				privateFolder: state().folder,
			},
		});
		return {
			backend,
			async close() {
				await backend.close().finally(() => client.close());
			},
		};
	} catch (error) {
		await client.close();
		throw error;
	}
}

/** Opens the backend of `target` for the time of `body`. */
export async function withCache<T>(
	session: Session,
	store: LocalStore,
	target: StoreTarget,
	netrc: readonly NetrcEntry[],
	effort: Effort,
	body: (backend: Backend) => Promise<T>,
): Promise<T> {
	const { backend, close } = await openCache(session, store, target, netrc, effort);
	try {
		return await body(backend);
	} finally {
		await close();
	}
}
