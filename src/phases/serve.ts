import { loadIndexes } from '../backends/actions-cache/known-indexes.ts';
import { createPacks } from '../backends/actions-cache/packs.ts';
import { createStoreReader } from '../backends/actions-cache/store-reader.ts';
import { openReader } from '../backends/open.ts';
import type { PathReader } from '../backends/path-reader.ts';
import { parseCacheTarget } from '../cache-target/target.ts';
import { CacheError } from '../errors.ts';
import { createHttpClient } from '../http/client.ts';
import { withProxy } from '../http/proxy.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { type RunDaemonOptions, runDaemon } from '../substituter/run-daemon.ts';
import { openService } from './actions-cache.ts';
import { runPhase } from './run.ts';
import { createRunner, type Runner } from './runner.ts';
import { asServeHandover, type MountSource } from './serve-handover.ts';
import { writePackFindings } from './substituter.ts';

type Open = RunDaemonOptions['open'];

/** The background process: serves to Nix what that can't read by itself, until post ends it. Its only argument is the folder of its files. */
export async function serve(): Promise<void> {
	const runner = createRunner(process.env, false);
	await runPhase('serve', runner, async () => {
		const folder = process.argv[2];
		if (folder === undefined) throw new CacheError('internal', 'serve is started by main, with the folder of its files.');
		await runDaemon({ folder, open: openAll(runner, folder), log: runner.log });
	});
	// Whatever is still open (an idle connection to the cache) must not keep post waiting.
	process.exit();
}

/** Once for a whole job, so requests are tried less long than at its end: Nix waits. */
const EFFORT = { concurrency: 32, attempts: 3, patienceMs: 6_000, connectTimeoutMs: 5_000 };

function openAll(runner: Runner, folder: string): Open {
	return async (handover) => {
		const { storeDir, netrc, mounts } = asServeHandover(handover);
		const opened = await Promise.all(
			mounts.map(async ({ name, label, priority, source }) => {
				const reader =
					source.kind === 'actions-cache'
						? await openStore(runner, folder, storeDir, source.indexesFolder)
						: await openCache(runner, storeDir, netrc, source);
				return { name, priority, reader: { ...reader, label } };
			}),
		);
		return { mounts: opened, storeDir };
	};
}

async function openStore(runner: Runner, folder: string, storeDir: string, indexesFolder: string): Promise<PathReader> {
	const { service, close } = await openService(runner, folder, storeDir, EFFORT);
	if (service === null) throw new CacheError('cache-unreachable', 'This runner has no Actions cache.');
	const packs = createPacks(service);
	const { index } = await loadIndexes(indexesFolder, runner.log, packs.gone);
	const onClose = async (): Promise<void> => {
		await writePackFindings(folder, packs.findings());
		await close();
	};
	return createStoreReader({ index, packs, log: runner.log, onClose });
}

async function openCache(
	{ env, log }: Runner,
	storeDir: string,
	netrc: readonly NetrcEntry[],
	{ line, credentials, proxy }: MountSource & { readonly kind: 'cache' },
): Promise<PathReader> {
	const target = parseCacheTarget(line, null, credentials);
	if ('problem' in target || target.kind === 'actions-cache') throw new CacheError('internal', `${line} can't be served.`);
	const { concurrency, ...patience } = EFFORT;
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
