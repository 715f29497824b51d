import type { CacheService } from '../backends/actions-cache/cache-service.ts';
import { mergeIndexes } from '../backends/actions-cache/format/merge.ts';
import type { StoredPath } from '../backends/actions-cache/format/model.ts';
import { collectGarbage, type GarbageResult } from '../backends/actions-cache/garbage.ts';
import type { KnownIndexes } from '../backends/actions-cache/known-indexes.ts';
import { CacheError } from '../errors.ts';
import { baseNameOf } from '../nix/store-path.ts';
import { readKnown, withCacheService } from '../phases/actions-cache.ts';
import type { Effort } from '../phases/cache.ts';
import { formatBytes } from '../quantity.ts';
import { openLocalStore } from '../store/local-store.ts';
import { type CommandSession, inputsOf, openCommandSession, withoutSecrets } from './command-session.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';

const EFFORT: Effort = { concurrency: 16, attempts: 5, patienceMs: 60_000, connectTimeoutMs: 15_000 };
const READING_TIMEOUT_MS = 5 * 60_000;
const COLLECTING_TIMEOUT_MS = 60 * 60_000;

const NO_CACHE_HINT =
	'The runner gives ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL to actions, and not to `run:` steps; docs/cli.md shows how to hand them on.';

/** `ls` */
export async function list(context: Context): Promise<ExitStatus> {
	const { args, terminal, wantsJson } = context;
	await withStore(context, 'whyNoRead', async ({ known, storeDir }) => {
		const chains = args.switches.has('all-refs') ? [known.own, ...known.others] : [known.own];
		const indexes = chains.flatMap((chain) => chain.indexes.map(({ index }) => index));
		const index = mergeIndexes(indexes, { storeDir, gonePacks: new Set() });
		const paths = [...index.paths()].sort((a, b) => b.usedAt - a.usedAt || compare(a.info.path, b.info.path));
		const refs = chains.map(({ ref, lastSlot, indexes: read }) => ({ ref, indexes: read.length, newest: lastSlot }));
		if (wantsJson) {
			const packs = index.packs.map(({ key, sizeBytes, createdAt }) => ({ key, sizeBytes, createdAt: timeOf(createdAt) }));
			terminal.print(JSON.stringify({ version: 1, refs, packs, paths: paths.map(pathJson) }, null, '\t'));
			return;
		}
		for (const path of paths) terminal.print(pathLine(path));
		const packBytes = index.packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
		const names = refs.map(({ ref }) => ref).join(', ');
		terminal.log.info(`${names}: ${paths.length} paths in ${index.packs.length} packs (${formatBytes(packBytes)}).`);
	});
	return EXIT.well;
}

/** `gc` */
export async function collect(context: Context): Promise<ExitStatus> {
	const { args, terminal, wantsJson } = context;
	const isDryRun = args.switches.has('dry-run');
	await withStore(context, isDryRun ? 'whyNoRead' : 'whyNoWrite', async ({ service, known, storeDir, session }) => {
		const result = await collectGarbage({
			service,
			known,
			storeDir,
			budgetBytes: session.inputs.actionsCacheSizeBytes,
			folder: `${session.state().folder}/packs`,
			writer: 'gc',
			isDryRun,
			nowS: Math.floor(Date.now() / 1000),
			log: terminal.log,
			signal: AbortSignal.timeout(COLLECTING_TIMEOUT_MS),
		});
		if (wantsJson) terminal.print(JSON.stringify(resultJson(result), null, '\t'));
		else for (const line of resultLines(result, isDryRun)) terminal.print(line);
	});
	return EXIT.well;
}

interface OpenStore {
	readonly service: CacheService;
	readonly known: KnownIndexes;
	readonly storeDir: string;
	readonly session: CommandSession;
}

/** Opens the Actions cache of this job and reads its indexes. @throws CacheError `cache-unreachable` where there is none */
async function withStore(
	context: Context,
	mayNot: 'whyNoRead' | 'whyNoWrite',
	body: (store: OpenStore) => Promise<void>,
): Promise<void> {
	const inputs = await inputsOf(context, { cache: 'actions-cache' });
	context.terminal.log.mask(context.env.ACTIONS_RUNTIME_TOKEN ?? '');
	const session = await openCommandSession(context, inputs);
	try {
		const storeDir = await storeDirOf(context);
		await withCacheService(session.runner, session.state().folder, storeDir, EFFORT, async (service) => {
			const whyNot = service === null ? 'there is none here.' : (service.whyNoRead ?? service[mayNot]);
			if (service === null || whyNot !== null)
				throw new CacheError('cache-unreachable', `The Actions cache can't be used: ${whyNot}`, { hint: NO_CACHE_HINT });
			const known = await readKnown(session.runner, service, storeDir, AbortSignal.timeout(READING_TIMEOUT_MS));
			await body({ service, known, storeDir, session });
		});
	} finally {
		await session.close();
	}
}

/** A job that only looks need not have Nix. */
async function storeDirOf(context: Context): Promise<string> {
	const env = withoutSecrets(context);
	const store = await openLocalStore({ env, log: context.terminal.log, signal: AbortSignal.timeout(READING_TIMEOUT_MS) });
	return store?.storeDir ?? (env.NIX_STORE_DIR || '/nix/store');
}

function storedBytes({ chunks }: StoredPath): number {
	return chunks.reduce((sum, { frameBytes }) => sum + frameBytes, 0);
}

function timeOf(seconds: number): string {
	return new Date(seconds * 1000).toISOString();
}

function pathLine(path: StoredPath): string {
	const sizes = `${formatBytes(path.info.narSizeBytes).padStart(9)} ${formatBytes(storedBytes(path)).padStart(9)}`;
	return `${timeOf(path.usedAt).slice(0, 10)} ${sizes}  ${baseNameOf(path.info.path)}`;
}

function pathJson(path: StoredPath) {
	const { info, usedAt, chunks } = path;
	return {
		path: info.path,
		narSizeBytes: info.narSizeBytes,
		storedBytes: storedBytes(path),
		usedAt: timeOf(usedAt),
		packs: [...new Set(chunks.map(({ pack }) => pack.key))],
	};
}

function resultJson({ dropped, lost, ...numbers }: GarbageResult) {
	return { version: 1, ...numbers, dropped: dropped.map(({ info }) => info.path), lost: lost.map(({ info }) => info.path) };
}

function resultLines({ dropped, lost, paths, packBytes, rewrittenPacks }: GarbageResult, isDryRun: boolean): readonly string[] {
	const verb = isDryRun ? 'would go' : 'went';
	return [
		...dropped.map((path) => `${verb}: ${baseNameOf(path.info.path)}, used ${timeOf(path.usedAt).slice(0, 10)}`),
		...lost.map(({ info }) => `lost: ${baseNameOf(info.path)}`),
		`${paths.before} paths before, ${paths.after} after; ${formatBytes(packBytes.before)} in packs before, ${formatBytes(packBytes.after)} after; ${rewrittenPacks} packs rewritten.`,
	];
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
