import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DetachedChild, spawnDetached } from '../background/detached.ts';
import { isRunning, type ProcessIdentity, signalProcess } from '../background/process-identity.ts';
import { CacheError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Credentials, randomCredentials, randomPrefix } from './credentials.ts';
import { type DaemonAddress, logFile, readAddress, removeAddress, removeOrders, writeOrders } from './daemon-folder.ts';

export interface StartDaemonOptions {
	/** The Node that runs this. */
	readonly nodePath: string;
	/** Absolute path of what calls `runDaemon`; it gets `folder` as its only argument. */
	readonly script: string;
	/** The runner's environment; inputs and states are taken out of it. */
	readonly env: Readonly<Record<string, string | undefined>>;
	/** Exists, is this use's own, mode 0700. All files of the background process lie in it, and its removal ends the process. */
	readonly folder: string;
	/** A JSON value for the one who opens the cache in the background process. May hold secrets. */
	readonly handover: unknown;
	/** Those that the netrc has for 127.0.0.1 already, if it has some: there can be only one entry for a host. Default: random ones. */
	readonly credentials?: Credentials | undefined;
	/** The longest wait for readiness, opening the cache included. */
	readonly timeoutMs: number;
	readonly log: Log;
	readonly signal: AbortSignal;
}

export interface StartedDaemon extends DaemonAddress {
	/** To be masked, and written to Nix's netrc. */
	readonly credentials: Credentials;
}

export interface StopDaemonOptions {
	/** From the request to end until it is made to. */
	readonly graceMs?: number;
	readonly log: Log;
}

const POLL_MS = 20;
const STOP_GRACE_MS = 6_000;
const KILL_WAIT_MS = 1_000;
const LOG_TAIL = { bytes: 4_000, lines: 5 };

/**
 * Starts the background process of this folder and waits until it serves. It holds no pipe of ours (the runner would wait for it), is in a session of its own,
 * and keeps `RUNNER_TRACKING_ID`, by which the runner finds and ends it at the end of the job should post not come to it. One that ran here before is ended.
 * @throws CacheError `internal` with the end of the log when it died or is not ready in time, `cancelled`, `file-failed`
 */
export async function startDaemon(options: StartDaemonOptions): Promise<StartedDaemon> {
	const { folder, log, signal } = options;
	await stopDaemon(folder, { log });
	const credentials = options.credentials ?? randomCredentials();
	await writeOrders(folder, { credentials, prefix: randomPrefix(), handover: options.handover });
	const { nodePath, script, env } = options;
	const child = await spawnDetached({ nodePath, script, env, argument: folder, log: logFile(folder) });
	try {
		const address = await readiness(child, options);
		log.debug(`The substituter runs as process ${address.pid} at port ${address.port}.`);
		return { ...address, credentials };
	} catch (error) {
		child.process.kill('SIGKILL');
		if (signal.aborted) throw new CacheError('cancelled', 'The start of the substituter was cancelled.');
		throw error;
	} finally {
		// The child took them; if it did not, nobody should find them.
		await removeOrders(folder);
	}
}

/** Whether the background process of this folder runs. */
export async function daemonAlive(folder: string): Promise<boolean> {
	const address = await readAddress(folder);
	return address !== null && isRunning(address);
}

/** Ends the background process of this folder: asks first, then kills. Harmless when there is none, or it is dead already. */
export async function stopDaemon(folder: string, { graceMs = STOP_GRACE_MS, log }: StopDaemonOptions): Promise<void> {
	const address = await readAddress(folder);
	if (address === null) return;
	// The keeper ends its worker, unless one of them can't.
	if (!signalProcess(address, 'SIGTERM')) signalProcess(address.worker, 'SIGTERM');
	for (const one of [address, (await readAddress(folder))?.worker ?? address.worker]) {
		if (await hasEnded(one, graceMs)) continue;
		log.debug(`Process ${one.pid} of the substituter did not end within ${graceMs} ms and is killed.`);
		signalProcess(one, 'SIGKILL');
		if (!(await hasEnded(one, KILL_WAIT_MS))) log.debug(`Process ${one.pid} is still there.`);
	}
	await removeAddress(folder);
}

async function hasEnded(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
	for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(POLL_MS)) {
		if (!isRunning(identity)) return true;
	}
	return !isRunning(identity);
}

/** Waits for the file by which the child says that it serves. */
async function readiness(child: DetachedChild, { folder, timeoutMs, signal }: StartDaemonOptions): Promise<DaemonAddress> {
	for (const deadline = performance.now() + timeoutMs; ; await sleep(POLL_MS, undefined, { signal })) {
		const address = await readAddress(folder);
		if (address !== null && address.pid === child.process.pid) return address;
		const end = child.end();
		if (end !== null) throw await failedStart(folder, end);
		if (performance.now() > deadline) throw await failedStart(folder, `was not ready within ${timeoutMs} ms`);
	}
}

async function failedStart(folder: string, what: string): Promise<CacheError> {
	const text = await readFile(logFile(folder), 'utf8').catch(() => '');
	const lines = text.slice(-LOG_TAIL.bytes).trim().split('\n').slice(-LOG_TAIL.lines);
	const said = lines.join(' / ') || 'nothing';
	return new CacheError('internal', `The substituter ${what}. Its last words: ${said}`);
}
