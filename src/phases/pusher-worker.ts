import { appendFileSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { CacheError, describeError } from '../errors.ts';
import { followJournal } from '../hook/follow.ts';
import { type Journal, type JournalBatch, openJournal } from '../hook/journal.ts';
import { readOutputPaths } from '../store/derivation-outputs.ts';
import { holdPaths } from '../store/gc-roots.ts';
import { type LocalStore, reopenLocalStore } from '../store/local-store.ts';
import { laterReads } from './later-reads.ts';
import { type Pushes, withPushes } from './push-new-paths.ts';
import {
	awsVariables,
	type FinishOrder,
	formatDone,
	type PusherOrders,
	pusherFiles,
	readDone,
	readFinishOrder,
	writeJson,
} from './pusher-folder.ts';
import type { Runner } from './runner.ts';
import { backgroundSession } from './session.ts';
import { type Stop, stopOnSignals } from './stop.ts';

/** How often it is looked whether the job is still there. */
const LOOK_MS = 5_000;

/** Before the time of the end is over: what was begun is cut, and the report written. */
const END_MS = 3_000;

/**
 * Pushes what is built until post wants the rest, pushes that, and writes the report. `ready` is called when signals are heard: SIGUSR2 means that post's order is there,
 * SIGTERM and SIGINT an early end.
 */
export async function runPusherWorker(runner: Runner, folder: string, orders: PusherOrders, ready: () => void): Promise<void> {
	const files = pusherFiles(folder);
	const session = backgroundSession(runner, (name) => orders.inputs[name] ?? '', orders.state);
	const { main } = orders.state;
	if (!main?.store || main.journal === null) throw new CacheError('state-invalid', 'The pusher was started without a store.');
	const store = reopenLocalStore(main.store, runner.env);
	const stop = stopOnSignals(runner.log);
	const finishing = new AbortController();
	let arrival: Promise<Arrival | null> = Promise.resolve(null);
	process.on('SIGUSR2', () => {
		if (!finishing.signal.aborted) arrival = finishOrderOf(folder, stop);
		finishing.abort();
	});
	// Without its keeper nobody waits for it, and post does all that is left.
	process.once('disconnect', () => stop.now());
	const reads = laterReads();
	await mkdir(files.held, { recursive: true, mode: 0o700 });
	const { journal: file } = main;
	const outputsOf = (drvPath: string) => readOutputPaths(store, drvPath);
	const journal = await openJournal({ file, stateFile: files.journalOffset, storeDir: store.storeDir, outputsOf });
	ready();
	const lonely = endWithFolder(folder, stop);
	try {
		const done = await readDone(folder);
		const onPushed = (target: number, path: string, sentBytes: number): void => {
			// Where paths become visible together, at the end, none is up yet.
			if (reachesCacheAtOnce(session, target))
				appendFileSync(files.done, formatDone({ target, path, sentBytes }), { mode: 0o600 });
		};
		await withPushes(session, store, stop, reads.job, done, onPushed, async (pushes) => {
			await pushWhileBuilt(pushes, {
				journal,
				file,
				store,
				held: files.held,
				finishing: finishing.signal,
				stop,
				log: runner.log,
			});
			if (!finishing.signal.aborted) return;
			const arrived = await arrival;
			if (arrived === null) throw new CacheError('state-invalid', 'Post did not say how to end.');
			reads.arrive(arrived.order);
			const report = await pushes.finish(arrived);
			clearTimeout(arrived.limit);
			await writeJson(files.report, report);
		});
	} finally {
		clearInterval(lonely);
		stop.close();
	}
}

const OVER_HINT = 'Raise `push-timeout`; a server that stalls says why in its own log.';

/** Post's order, and its time. */
interface Arrival {
	readonly order: FinishOrder;
	readonly startedMs: number;
	readonly deadlineMs: number;
	/** Ends what is under way by then. */
	readonly limit: NodeJS.Timeout;
}

/** Reads the order that has come now. Its time runs from here on, for what was begun before it, too: post waits no longer. */
async function finishOrderOf(folder: string, stop: Stop): Promise<Arrival | null> {
	const startedMs = performance.now();
	const order = await readFinishOrder(folder);
	if (order === null) return null;
	// Where the SDK looks for them.
	for (const name of Object.keys(awsVariables(process.env))) delete process.env[name];
	Object.assign(process.env, order.aws);
	// A short time is not to be eaten up by its own end.
	const deadlineMs = startedMs + order.timeoutMs - Math.min(END_MS, order.timeoutMs / 4);
	const over = (): void => stop.now(new CacheError('deadline', 'The time for the push is over.', { hint: OVER_HINT }));
	const limit = setTimeout(over, Math.max(1, deadlineMs - performance.now()));
	return { order, startedMs, deadlineMs, limit };
}

interface Following {
	readonly journal: Journal;
	readonly file: string;
	readonly store: LocalStore;
	/** For the roots that keep what waits from being collected. */
	readonly held: string;
	/** Post wants the rest. */
	readonly finishing: AbortSignal;
	readonly stop: Stop;
	readonly log: Runner['log'];
}

/** What is held, and not up yet. */
interface Waiting extends Pick<JournalBatch, 'keep'> {
	readonly roots: readonly string[];
}

/**
 * Until post wants the rest, or the job is stopped. What is built is held as it comes, so that a collection in the job costs nothing that waits for an upload;
 * all that waits goes up together. What fails here is tried again at the end.
 */
async function pushWhileBuilt(pushes: Pushes, { journal, file, store, held, finishing, stop, log }: Following): Promise<void> {
	const signal = AbortSignal.any([finishing, stop.signal]);
	const waiting: Waiting[] = [];
	const leave = (error: unknown): void => log.info(`Left for the end of the job: ${describeError(error)}`);
	const pushWaiting = async (): Promise<void> => {
		while (waiting.length > 0 && !signal.aborted) {
			const batches = [...waiting];
			try {
				await pushes.push(
					batches.flatMap(({ roots }) => roots),
					{ drain: finishing },
				);
				await batches.at(-1)?.keep();
			} catch (error) {
				leave(error);
			}
			waiting.splice(0, batches.length);
		}
	};
	let pushing = Promise.resolve();
	const take = async ({ records, keep }: JournalBatch): Promise<void> => {
		const paths = records.flatMap(({ outPaths }) => outPaths);
		try {
			const { held: roots } = await holdPaths(store, paths, held, stop.signal);
			log.info(`Built: ${paths.join(' ')}`);
			if (roots.length > 0 && waiting.push({ roots, keep }) === 1) pushing = pushWaiting();
		} catch (error) {
			leave(error);
		}
	};
	try {
		for await (const batch of followJournal(journal, { file, signal })) {
			// All that is left is post's to order.
			if (signal.aborted) break;
			await take(batch);
		}
	} finally {
		await pushing;
	}
}

function reachesCacheAtOnce({ inputs, state }: ReturnType<typeof backgroundSession>, target: number): boolean {
	const line = state().main?.targets[target]?.line ?? null;
	const kind = line === null ? 'actions-cache' : inputs.caches[line]?.kind;
	return kind !== 'actions-cache';
}

/** A job that is gone took the folder along. */
function endWithFolder(folder: string, stop: Stop): NodeJS.Timeout {
	return setInterval(() => {
		access(folder).catch(() => stop.now());
	}, LOOK_MS);
}
