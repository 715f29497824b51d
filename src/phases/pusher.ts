import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { getPriority, setPriority } from 'node:os';
import { identityOf, ownIdentity } from '../background/process-identity.ts';
import { CacheError } from '../errors.ts';
import { asPusherOrders, type PusherOrders, pusherFiles, takeOrders, writeJson } from './pusher-folder.ts';
import { runPhase } from './run.ts';
import { createRunner, type Runner } from './runner.ts';

/** Builds keep the processor: everything that these processes do may wait for them (0 is usual, 19 the most patient). */
const PRIORITY = 15;

/** After so many of them more would not help: post does the rest. */
const MOST_WORKERS = 3;

/** Tells the keeper's child from the keeper. */
const WORKER_VARIABLE = 'NIX_CACHE_ACTION_PUSHER_WORKER';
const READY = 'ready';

/**
 * The background process that pushes what is built while the job runs, and the rest when post says so. Its only argument is the folder of its files. It is two: the keeper,
 * which has the orders, and its worker, which is started again where the last one came to when something kills it (an out-of-memory killer takes the larger process).
 */
export async function pusher(): Promise<void> {
	const runner = createRunner(process.env, false);
	await runPhase('pusher', runner, async () => {
		const folder = process.argv[2];
		if (folder === undefined) throw new CacheError('internal', 'The pusher is started by main, with the folder of its files.');
		if (process.env[WORKER_VARIABLE] !== undefined && process.send !== undefined) await work(runner, folder);
		else await keep(runner, folder);
	});
	// Whatever is still open (an idle connection to the cache) must not keep post waiting.
	process.exit();
}

async function work(runner: Runner, folder: string): Promise<void> {
	// The keeper, which lives as long, does without that code.
	const [[orders], { runPusherWorker }] = await Promise.all([once(process, 'message'), import('./pusher-worker.ts')]);
	await runPusherWorker(runner, folder, asPusherOrders(orders), () => process.send?.(READY));
}

async function keep({ log, env }: Runner, folder: string): Promise<void> {
	// A runner may have been made more patient by whoever started it, and only root may take that back.
	if (getPriority() < PRIORITY) setPriority(PRIORITY);
	let worker: ChildProcess | null = null;
	let isReady = false;
	let told: 'SIGUSR2' | 'SIGTERM' | null = null;
	const tell = (signal: 'SIGUSR2' | 'SIGTERM'): void => {
		told = told === 'SIGTERM' ? told : signal;
		if (isReady) worker?.kill(signal);
	};
	process.on('SIGUSR2', () => tell('SIGUSR2'));
	for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => tell('SIGTERM'));
	// Post knows of it before it has the orders, and else takes them back: only one of the two pushes.
	await introduce(folder, null);
	const orders = await takeOrders(folder);
	for (let number = 1; number <= MOST_WORKERS; number++) {
		isReady = false;
		worker = employ(env, folder, orders);
		worker.on('message', () => {
			isReady = true;
			// It hears signals now; what came before is told again.
			if (told !== null) worker?.kill(told);
		});
		await introduce(folder, worker);
		const [status, signal] = await once(worker, 'exit');
		if (status === 0 || told === 'SIGTERM') return;
		log.info(
			`The process that pushes ended with ${signal ?? `status ${status}`}${number < MOST_WORKERS ? '; another one goes on' : ''}.`,
		);
	}
}

function employ(env: Runner['env'], folder: string, orders: PusherOrders): ChildProcess {
	const worker = fork(process.argv[1] ?? '', [folder], { env: { ...env, [WORKER_VARIABLE]: '1' } });
	// Its end says it all.
	worker.on('error', () => undefined);
	worker.send(orders, () => undefined);
	return worker;
}

/** Post speaks to the keeper, and ends both. */
async function introduce(folder: string, worker: ChildProcess | null): Promise<void> {
	const identity = { ...ownIdentity(), worker: identityOf(worker?.pid ?? process.pid) };
	await writeJson(pusherFiles(folder).identity, identity);
}
