import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CacheService } from '../backends/actions-cache/cache-service.ts';
import { cacheVersion } from '../backends/actions-cache/format/keys.ts';
import {
	type KnownIndexes,
	loadIndexes,
	readIndexes,
	saveIndexes,
	transportOf,
} from '../backends/actions-cache/known-indexes.ts';
import { openCacheService } from '../backends/actions-cache/open-service.ts';
import { createPacks } from '../backends/actions-cache/packs.ts';
import { refsOf } from '../backends/actions-cache/refs.ts';
import { CacheError, isCacheError } from '../errors.ts';
import { createHttpClient } from '../http/client.ts';
import { publicKeyOf } from '../nix/signature.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { Effort, OpenCache } from './cache.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import type { JobReads } from './substituter.ts';

/** The store in the Actions cache, as main found it. */
export interface FoundStore {
	readonly label: string;
	/** Where what was read of it lies, for serve and post. */
	readonly indexesFolder: string;
	readonly pathCount: number;
}

/** What main found of the Actions cache. */
export interface Found {
	/** `null`: it can't be used. */
	readonly store: FoundStore | null;
	/** Why not; one sentence, where `store` is `null`. */
	readonly whyNone: string;
	/** The failure behind that, where people should hear of one. */
	readonly failure: CacheError | null;
	/** `null`: the job can push there. */
	readonly whyNoPush: string | null;
}

/** The rest is for packing and uploads: a push that is done is worth more than a store that is tidy. */
const COMPACTION_SHARE = 1 / 8;

const EFFORT: Effort = { concurrency: 8, attempts: 3, patienceMs: 10_000, connectTimeoutMs: 5_000 };

/** Asks the Actions cache what is in it, once for the whole job. */
export async function findStore(session: Session, store: LocalStore, signal: AbortSignal): Promise<Found> {
	try {
		return await withCacheService(session.runner, session.state().folder, store.storeDir, EFFORT, async (service) => {
			if (service === null) return none('this runner has no Actions cache.', null);
			if (service.whyNoRead !== null) return none(service.whyNoRead, null);
			const known = await readKnown(session.runner, service, store.storeDir, signal);
			const indexesFolder = join(session.state().folder, 'actions-cache');
			await saveIndexes(known, store.storeDir, indexesFolder);
			const found = { label: service.label, indexesFolder, pathCount: known.index.pathCount };
			return { store: found, whyNone: '', failure: null, whyNoPush: service.whyNoWrite };
		});
	} catch (error) {
		if (!isCacheError(error)) throw error;
		return none(error.message, error);
	}
}

function none(why: string, failure: CacheError | null): Found {
	return { store: null, whyNone: why, failure, whyNoPush: why };
}

/** What this job can read of the store. Throws what the service throws. */
export async function readKnown(
	runner: Pick<Runner, 'env' | 'log'>,
	service: CacheService,
	storeDir: string,
	signal: AbortSignal,
): Promise<KnownIndexes> {
	const refs = refsOf(runner.env, await readEvent(runner.env.GITHUB_EVENT_PATH));
	const nowS = Math.floor(Date.now() / 1000);
	return readIndexes({ service, refs, storeDir, nowS, log: runner.log, signal });
}

/** Opens the Actions cache of this job for the time of `body`; `null` where the runner has none. */
export async function withCacheService<T>(
	runner: Pick<Runner, 'env' | 'log'>,
	folder: string,
	storeDir: string,
	effort: Effort,
	body: (service: CacheService | null) => Promise<T>,
): Promise<T> {
	const { service, close } = await openService(runner, folder, storeDir, effort, null);
	try {
		return await body(service);
	} finally {
		await close();
	}
}

/** The Actions cache of this job, until `close`; `null` where the runner has none. @param indexesFolder what main read of it; `null`: this is main */
export async function openService(
	{ env, log }: Pick<Runner, 'env' | 'log'>,
	folder: string,
	storeDir: string,
	{ concurrency, ...patience }: Effort,
	indexesFolder: string | null,
): Promise<{ readonly service: CacheService | null; readonly close: () => Promise<void> }> {
	const transport = indexesFolder === null ? null : await transportOf(indexesFolder, log);
	const client = createHttpClient({ env, log, connections: concurrency, ...patience });
	const version = cacheVersion(storeDir);
	const service = await openCacheService({
		env,
		client,
		log,
		folder: join(folder, `transfer-${process.pid}`),
		version,
		toolkitScript: join(import.meta.dirname, 'toolkit.js'),
		transport,
	});
	return {
		service,
		async close() {
			await service?.close();
			await client.close();
		},
	};
}

/** The payload of the event that started the job; `null` when there is none that can be read. */
async function readEvent(file: string | undefined): Promise<unknown> {
	if (file === undefined || file === '') return null;
	try {
		return JSON.parse(await readFile(file, 'utf8'));
	} catch {
		return null;
	}
}

/** Opens the store in the Actions cache to push to. Main has read its indexes. `job` may still grow until the push is finished. */
export async function openActionsCache(session: Session, store: LocalStore, effort: Effort, job: JobReads): Promise<OpenCache> {
	const { inputs, runner, state } = session;
	const { folder, main } = state();
	if (!main?.indexesFolder) throw new CacheError('state-invalid', 'Main did not read the indexes of the Actions cache.');
	const { service, close } = await openService(runner, folder, store.storeDir, effort, main.indexesFolder);
	try {
		if (service === null) throw new CacheError('cache-unreachable', 'This runner has no Actions cache any more.');
		const packs = createPacks(service, job.packFindings);
		const known = await loadIndexes(main.indexesFolder, runner.log, packs.gone);
		const { createActionsCache } = await import('../backends/actions-cache/actions-cache.ts');
		const own = inputs.signingKey === null ? [] : [publicKeyOf(inputs.signingKey)];
		const backend = createActionsCache({
			service,
			known,
			storeDir: store.storeDir,
			signingKey: inputs.signingKey,
			publicKeys: [...own, ...inputs.trustedPublicKeys],
			folder: join(folder, 'packs'),
			writer: inputs.lane,
			budgetBytes: inputs.actionsCacheSizeBytes,
			compactionMs: Math.ceil(inputs.pushTimeoutMs * COMPACTION_SHARE),
			used: job.used,
			packs,
			nowS: Math.floor(Date.now() / 1000),
			log: runner.log,
		});
		return {
			backend,
			async close() {
				await backend.close().finally(close);
			},
		};
	} catch (error) {
		await close();
		throw error;
	}
}
