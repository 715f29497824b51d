import { once } from 'node:events';
import { Server as NetServer, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownIdentity } from '../background/process-identity.ts';
import { CacheError, describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type DaemonOrders, folderExists, parseOrders, readStatistics, writeAddress, writeStatistics } from './daemon-folder.ts';
import type { DaemonTimes, RunDaemonOptions } from './run-daemon.ts';
import { type Substituter, type SubstituterOptions, startSubstituter } from './server.ts';
import { createWaitingRoom, type WaitingRoom } from './waiting-room.ts';
import { withinLimit } from './within-limit.ts';

/** What is served: caches that were opened, and how. The worker closes their readers. */
export type Served = Pick<SubstituterOptions, 'mounts' | 'storeDir' | 'limits'>;

export type WorkerOptions = RunDaemonOptions & { readonly times: DaemonTimes };

/** What the worker says to its keeper: from now on connections are welcome. */
export const READY = 'ready';
/** Tells the keeper's child from the keeper: a variable, since the script's arguments are its caller's. */
export const WORKER_VARIABLE = 'NIX_CACHE_ACTION_SUBSTITUTER_WORKER';
const ORDERS_MS = 10_000;
/** Whoever waits for the start has a shorter limit of its own. */
const OPEN_MS = 10 * 60_000;

export function isWorker(): boolean {
	return process.env[WORKER_VARIABLE] !== undefined && process.send !== undefined;
}

/** Serves until it is told to end, its folder has gone or its life is over, with or without a keeper. */
export async function runWorker({ folder, open, log, times }: WorkerOptions): Promise<void> {
	const end = new AbortController();
	const onSignal = (signal: NodeJS.Signals): void => end.abort(signal);
	process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
	const { orders, listener, early } = await receiveOrders();
	// Before it serves nobody needs it without its keeper: whoever started them has given up.
	const onLonely = (): void => end.abort('the keeper has gone');
	process.once('disconnect', onLonely);
	if (!process.connected) onLonely();
	try {
		const limit = {
			limitMs: OPEN_MS,
			signal: end.signal,
			doing: 'Opening the cache',
			discard: (late: Served) => void closeReaders(late, log, times),
		};
		const served = await withinLimit(limit, (signal) => open(orders.handover, signal));
		process.off('disconnect', onLonely);
		try {
			await serve(
				{ ...served, credentials: orders.credentials, prefix: orders.prefix, listener, log },
				early,
				folder,
				times,
				end.signal,
			);
		} finally {
			await closeReaders(served, log, times);
		}
	} finally {
		process.off('disconnect', onLonely);
		early.close();
		// Both would keep the process alive.
		listener.close();
		if (process.connected) process.disconnect();
	}
}

async function serve(
	options: SubstituterOptions,
	early: WaitingRoom,
	folder: string,
	times: DaemonTimes,
	end: AbortSignal,
): Promise<void> {
	const { log, mounts } = options;
	const statistics = await readStatistics(folder);
	const substituter = await startSubstituter({ ...options, statistics });
	early.leadTo(substituter.take);
	if (statistics !== null) substituter.restarted();
	surviveSurprises(log);
	const farewell = meetKeeper(substituter, folder, log);
	try {
		log.info(`Serving ${mounts.map(({ reader }) => reader.label).join(', ')} at port ${substituter.port}.`);
		log.info(`The end: ${await untilEnd(substituter, folder, times, end)}.`);
	} finally {
		farewell();
		await substituter.close(times.closeMs);
		await keepStatistics(substituter, folder);
	}
}

interface Received {
	readonly orders: DaemonOrders;
	readonly listener: NetServer;
	/** Those whom the listener accepted, which it does from the moment that it is here, and nobody serves yet. */
	readonly early: WaitingRoom;
}

async function receiveOrders(): Promise<Received> {
	const [message, handle] = await once(process, 'message', { signal: AbortSignal.timeout(ORDERS_MS) });
	const orders = parseOrders(message?.orders);
	if (orders === null || !(handle instanceof NetServer))
		throw new CacheError('internal', 'The keeper of the substituter gave no orders.');
	const early = createWaitingRoom();
	handle.on('connection', early.enter);
	return { orders, listener: handle, early };
}

/** Takes connections that the keeper accepted; stands in for the keeper when it dies. Gives the function that ends this. */
function meetKeeper(substituter: Substituter, folder: string, log: Log): () => void {
	const onMessage = (message: unknown, handle: unknown): void => {
		if (handle instanceof Socket) substituter.take(handle);
		// The keeper keeps it until we say its number, and an early death of ours loses nothing.
		if (typeof message === 'number') process.send?.(message);
	};
	const onDisconnect = (): void => {
		log.info('The keeper has gone; this process goes on alone.');
		const own = ownIdentity();
		const { port, url } = substituter;
		writeAddress(folder, { ...own, worker: own, port, url }).catch((error: unknown) => log.error(describeError(error)));
	};
	process.on('message', onMessage).once('disconnect', onDisconnect);
	if (process.connected) process.send?.(READY);
	else onDisconnect();
	return () => {
		process.off('message', onMessage).off('disconnect', onDisconnect);
	};
}

/** A bug in some reader must not take the substituter away from the job's builds. */
function surviveSurprises(log: Log): void {
	const onSurprise = (error: unknown): void => log.error(`Unexpected, and survived: ${describeError(error)}`);
	process.on('uncaughtException', onSurprise).on('unhandledRejection', onSurprise);
}

/** Writes statistics when they changed. Gives the reason why it is over. */
async function untilEnd(
	substituter: Substituter,
	folder: string,
	{ lookMs, lifeMs }: DaemonTimes,
	signal: AbortSignal,
): Promise<string> {
	const deadline = performance.now() + lifeMs;
	for (let written = -1; ; ) {
		const revision = substituter.revision();
		if (revision !== written && (await keepStatistics(substituter, folder))) written = revision;
		await sleep(lookMs, undefined, { signal }).catch(() => undefined);
		if (signal.aborted) return String(signal.reason);
		if (performance.now() > deadline) return 'the longest life of a job is over';
		if (!(await folderExists(folder))) return 'the folder has gone';
	}
}

/** Whether they could be written: a full disk is no reason to end, and a folder that has gone is found by the next look. */
function keepStatistics(substituter: Substituter, folder: string): Promise<boolean> {
	return writeStatistics(folder, substituter.statistics()).then(
		() => true,
		() => false,
	);
}

async function closeReaders({ mounts }: Served, log: Log, { closeMs }: DaemonTimes): Promise<void> {
	const limit = { limitMs: closeMs, signal: new AbortController().signal, doing: 'Closing the caches' };
	await withinLimit(limit, () => Promise.all(mounts.map(({ reader }) => reader.close()))).catch((error: unknown) =>
		log.debug(describeError(error)),
	);
}
