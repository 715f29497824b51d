import type { StoreTarget } from '../cache-target/target.ts';
import { CacheError } from '../errors.ts';
import type { Inputs } from '../inputs/inputs.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import type { MainTarget } from '../state.ts';
import type { LocalStore } from '../store/local-store.ts';
import { openActionsCache } from './actions-cache.ts';
import { type Effort, type OpenCache, openCache } from './cache.ts';
import type { Session } from './session.ts';
import type { JobReads } from './substituter.ts';

export interface TargetMeans {
	readonly session: Session;
	readonly store: LocalStore;
	readonly job: JobReads;
	/** Asks Nix for its settings, once, so only when it matters. */
	readonly netrc: () => Promise<readonly NetrcEntry[]>;
}

/** Requests in flight with `concurrency: auto`: enough to hide 20 ms of round trip from 1,500 small paths. */
const AUTO_CONCURRENCY = 32;

/** Opens what takes the job's paths, as main decided. */
export async function openTarget({ session, store, netrc, job }: TargetMeans, target: MainTarget): Promise<OpenCache> {
	const cache = target.line === null ? undefined : session.inputs.caches[target.line];
	const effort = effortOf(session.inputs, target);
	if (target.line === null || cache?.kind === 'actions-cache') return openActionsCache(session, store, effort, job);
	if (cache === undefined) throw new CacheError('state-invalid', `Line ${target.line + 1} of \`cache\` is not there any more.`);
	return openCache(session, store, cache, readsNetrc(cache) ? await netrc() : [], effort);
}

/** Whether its credentials may come from a netrc. */
function readsNetrc(cache: StoreTarget): boolean {
	switch (cache.kind) {
		case 'http':
			return cache.credentials === null;
		case 'attic':
		case 'cachix':
		case 'niks3':
			return true;
		case 'file':
		case 's3':
		case 'nix-copy':
			return false;
	}
}

function effortOf(inputs: Inputs, { failed }: MainTarget): Effort {
	const concurrency = inputs.concurrency === 'auto' ? AUTO_CONCURRENCY : inputs.concurrency;
	const patienceMs = failed ? 10_000 : Math.min(90_000, inputs.pushTimeoutMs / 2);
	return { concurrency, attempts: failed ? 3 : 8, patienceMs, connectTimeoutMs: 15_000 };
}
