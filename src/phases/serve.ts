import { loadIndexes } from '../backends/actions-cache/known-indexes.ts';
import { createPacks } from '../backends/actions-cache/packs.ts';
import { createStoreReader } from '../backends/actions-cache/store-reader.ts';
import { CacheError } from '../errors.ts';
import { type RunDaemonOptions, runDaemon } from '../substituter/run-daemon.ts';
import { openService } from './actions-cache.ts';
import { runPhase } from './run.ts';
import { createRunner, type Runner } from './runner.ts';
import { type ServeHandover, writePackFindings } from './substituter.ts';

type Open = RunDaemonOptions['open'];

/** The background process: serves the store in the Actions cache to Nix until post ends it. Its only argument is the folder of its files. */
export async function serve(): Promise<void> {
	const runner = createRunner(process.env);
	await runPhase('serve', runner, async () => {
		const folder = process.argv[2];
		if (folder === undefined) throw new CacheError('internal', 'serve is started by main, with the folder of its files.');
		await runDaemon({ folder, open: openStore(runner, folder), log: runner.log });
	});
	// Whatever is still open (an idle connection to the cache) must not keep post waiting.
	process.exit();
}

/** Once for a whole job, so requests are tried less long than at its end: Nix waits. */
const EFFORT = { concurrency: 32, attempts: 3, patienceMs: 6_000, connectTimeoutMs: 5_000 };

function openStore(runner: Runner, folder: string): Open {
	return async (handover) => {
		const { indexesFolder, storeDir, priority } = asHandover(handover);
		const { service, close } = await openService(runner, folder, storeDir, EFFORT);
		if (service === null) throw new CacheError('cache-unreachable', 'This runner has no Actions cache.');
		const packs = createPacks(service);
		const { index } = await loadIndexes(indexesFolder, runner.log, packs.gone);
		const onClose = async (): Promise<void> => {
			await writePackFindings(folder, packs.findings());
			await close();
		};
		return { reader: createStoreReader({ index, packs, log: runner.log, onClose }), storeDir, priority };
	};
}

function asHandover(value: unknown): ServeHandover {
	if (
		typeof value === 'object' &&
		value !== null &&
		'indexesFolder' in value &&
		typeof value.indexesFolder === 'string' &&
		'storeDir' in value &&
		typeof value.storeDir === 'string' &&
		'priority' in value &&
		typeof value.priority === 'number'
	) {
		return { indexesFolder: value.indexesFolder, storeDir: value.storeDir, priority: value.priority };
	}
	throw new CacheError('state-invalid', 'What main handed to serve is of another version.');
}
