import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, ownIdentity, type ProcessIdentity } from '../background/process-identity.ts';
import { CacheError, describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type DaemonOrders, folderExists, takeOrders, writeAddress } from './daemon-folder.ts';
import type { DaemonTimes } from './run-daemon.ts';
import { ADDRESS } from './server.ts';
import { createWaitingRoom, type WaitingRoom } from './waiting-room.ts';
import { READY, WORKER_VARIABLE } from './worker.ts';

export interface KeeperOptions {
	readonly folder: string;
	readonly times: DaemonTimes;
	readonly log: Log;
}

/** What all workers of one keeper share. */
interface Post extends KeeperOptions {
	readonly orders: DaemonOrders;
	readonly server: Server;
	readonly port: number;
	readonly waiting: WaitingRoom;
	/** Aborts when all is to end. */
	readonly end: AbortSignal;
}

/** Workers that may die within a minute before it is clear that more of them would not help. */
const MOST_DEATHS = 5;
const DEATHS_WITHIN_MS = 60_000;
const FIRST_PAUSE_MS = 100;
/** Beyond the time that a worker needs to close everything. */
const END_RESERVE_MS = 1_000;

/** Keeps a worker running. Returns when it ended of its own accord or was told to. @throws CacheError `internal` when the first one never served */
export async function runKeeper({ folder, times, log }: KeeperOptions): Promise<void> {
	const end = new AbortController();
	const onSignal = (): void => end.abort();
	process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
	const orders = await takeOrders(folder);
	const waiting = createWaitingRoom();
	const server = createServer({ pauseOnConnect: true }, waiting.enter);
	server.listen(0, ADDRESS);
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new CacheError('internal', 'The substituter got no port.');
	const post: Post = { folder, times, log, orders, server, port: address.port, waiting, end: end.signal };
	try {
		if (!(await keepWorkers(post))) await refuseAll(post);
	} finally {
		server.close();
		waiting.close();
	}
}

/** Whether it came to an orderly end; otherwise too many workers died. */
async function keepWorkers(post: Post): Promise<boolean> {
	const { log, end } = post;
	const deaths: number[] = [];
	let everServed = false;
	for (;;) {
		const { death, served } = await employ(post);
		if (death === null || end.aborted) return true;
		everServed ||= served;
		if (!everServed) throw new CacheError('internal', `The worker of the substituter ${death} before it served.`);
		const now = performance.now();
		const recent = deaths.filter((time) => time > now - DEATHS_WITHIN_MS).length;
		deaths.push(now);
		if (recent >= MOST_DEATHS) return false;
		log.info(`The worker ${death}; another one takes its place.`);
		// The first one at once: clients wait.
		if (recent > 0) await sleep(FIRST_PAUSE_MS * 2 ** recent, undefined, { signal: end }).catch(() => undefined);
		if (end.aborted) return true;
	}
}

/** One worker, from start to end. `death`: how it ended, `null` when it was meant to. */
async function employ(post: Post): Promise<{ readonly death: string | null; readonly served: boolean }> {
	const { orders, server, waiting, end, log } = post;
	const [script, ...args] = process.argv.slice(1);
	if (script === undefined) throw new CacheError('internal', 'The substituter does not know its own program.');
	const worker = fork(script, args, {
		env: { ...process.env, [WORKER_VARIABLE]: '1' },
		stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
	});
	// A worker that dies with the message on its way is told by its end.
	const ignore = (): void => undefined;
	let served = false;
	/** Connections on their way to the worker: it may die before it has them. */
	const underway = new Map<number, Socket>();
	const pass = (connection: Socket): void => {
		const number = underway.size === 0 ? 0 : Math.max(...underway.keys()) + 1;
		underway.set(number, connection);
		worker.send(number, connection, { keepOpen: true }, ignore);
	};
	worker.on('message', (message) => {
		if (message === READY) {
			served = true;
			waiting.leadTo(pass);
			announce(post, identityOf(worker.pid ?? 0)).catch((error: unknown) => log.error(describeError(error)));
		} else if (typeof message === 'number') {
			// Only our end of it: the connection is the worker's now.
			underway.get(message)?.destroy();
			underway.delete(message);
		}
	});
	worker.send({ orders }, server, { keepOpen: true }, ignore);
	const death = await endOf(worker, post);
	waiting.leadTo(null);
	for (const connection of underway.values()) waiting.enter(connection);
	if (end.aborted) return { death: null, served };
	// Status 0 is no proof: whoever calls `runDaemon` may turn an error into a line of the log.
	return { death: served ? death : (death ?? 'ended with status 0'), served };
}

function announce({ folder, port, orders }: Post, worker: ProcessIdentity): Promise<void> {
	return writeAddress(folder, { ...ownIdentity(), worker, port, url: `http://${ADDRESS}:${port}/${orders.prefix}` });
}

async function endOf(worker: ChildProcess, { end, server, times }: Post): Promise<string | null> {
	const ended = new Promise<string | null>((resolve) => {
		worker.once('error', (error) => resolve(`could not be started (${describeError(error)})`));
		worker.once('exit', (status, signal) => resolve(status === 0 ? null : `ended with ${signal ?? `status ${status}`}`));
	});
	let force: NodeJS.Timeout | undefined;
	const stop = (): void => {
		// Otherwise connections would come in here, and nobody would serve them.
		server.close();
		worker.kill('SIGTERM');
		force = setTimeout(() => worker.kill('SIGKILL'), 2 * times.closeMs + END_RESERVE_MS);
	};
	end.addEventListener('abort', stop, { once: true });
	if (end.aborted) stop();
	const death = await ended;
	end.removeEventListener('abort', stop);
	clearTimeout(force);
	return death;
}

/** What is left when no worker stays alive: everything is a miss, which harms no build. */
async function refuseAll(post: Post): Promise<void> {
	const { folder, waiting, end, log, times } = post;
	log.error('Too many workers of the substituter died: from now on nothing is served.');
	const http = createHttpServer((_request, response) => {
		response.writeHead(404, { 'content-length': '0', connection: 'close' }).end();
	});
	waiting.leadTo((connection) => {
		http.emit('connection', connection);
		connection.resume();
	});
	await announce(post, ownIdentity()).catch((error: unknown) => log.error(describeError(error)));
	const deadline = performance.now() + times.lifeMs;
	while (!end.aborted && performance.now() < deadline && (await folderExists(folder))) {
		await sleep(times.lookMs, undefined, { signal: end }).catch(() => undefined);
	}
}
