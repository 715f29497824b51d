import { loadIndexes } from '../backends/actions-cache/known-indexes.ts';
import { createPacks } from '../backends/actions-cache/packs.ts';
import { createStoreReader } from '../backends/actions-cache/store-reader.ts';
import type { PathReader } from '../backends/path-reader.ts';
import { CacheError } from '../errors.ts';
import { type RunDaemonOptions, runDaemon } from '../substituter/run-daemon.ts';
import { openService } from './actions-cache.ts';
import { MOUNT_EFFORT, openMountReader } from './mount-reader.ts';
import { runPhase } from './run.ts';
import { createRunner, type Runner } from './runner.ts';
import { asServeHandover } from './serve-handover.ts';
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

function openAll(runner: Runner, folder: string): Open {
	return async (handover) => {
		const { storeDir, netrc, mounts } = asServeHandover(handover);
		const opened = await Promise.all(
			mounts.map(async ({ name, label, priority, source }) => {
				const reader =
					source.kind === 'actions-cache'
						? await openStore(runner, folder, storeDir, source.indexesFolder)
						: await openMountReader(runner, storeDir, netrc, source);
				return { name, priority, reader: { ...reader, label } };
			}),
		);
		return { mounts: opened, storeDir };
	};
}

async function openStore(runner: Runner, folder: string, storeDir: string, indexesFolder: string): Promise<PathReader> {
	const { service, close } = await openService(runner, folder, storeDir, MOUNT_EFFORT, indexesFolder);
	if (service === null) throw new CacheError('cache-unreachable', 'This runner has no Actions cache.');
	const packs = createPacks(service);
	const { index } = await loadIndexes(indexesFolder, runner.log, packs.gone);
	const onClose = async (): Promise<void> => {
		await writePackFindings(folder, packs.findings());
		await close();
	};
	return createStoreReader({ index, packs, log: runner.log, onClose });
}
