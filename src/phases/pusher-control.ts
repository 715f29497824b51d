import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnDetached } from '../background/detached.ts';
import { isRunning, signalProcess } from '../background/process-identity.ts';
import { describeError, isCacheError } from '../errors.ts';
import { type HookSettings, hookSettings } from '../hook/install.ts';
import { INPUT_NAMES, inputFromEnv } from '../inputs/given.ts';
import type { Report } from '../report/report.ts';
import type { LocalStore } from '../store/local-store.ts';
import { contextOf } from './configure.ts';
import { isDryRun, pushTimeoutMs } from './push-policy.ts';
import {
	awsVariables,
	type PusherIdentity,
	pusherFiles,
	readIdentity,
	readReport,
	retractOrders,
	writeJson,
} from './pusher-folder.ts';
import type { KeptSession, Session } from './session.ts';
import type { Stop } from './stop.ts';
import type { JobReads } from './substituter.ts';

/** Puts the post-build hook into the store, where the job is to push while it runs; `null` where it is not. */
export async function prepareHook(
	session: Session,
	store: LocalStore,
	isShared: boolean,
	signal: AbortSignal,
): Promise<HookSettings | null> {
	const { inputs, runner, state } = session;
	if (inputs.continuous === 'false' || inputs.paths.length > 0 || isDryRun(runner.env)) return null;
	const hook = await hookSettings({ store, previous: state().configuration, context: contextOf(session, signal), isShared });
	if (hook.whyNot === null) return hook;
	const text = `Paths are not pushed while the job runs, but all at its end: ${hook.whyNot}`;
	if (inputs.continuous === 'true') runner.log.warning(text, 'nix-cache-action');
	else runner.log.notice(text, 'nix-cache-action');
	return null;
}

/** Starts the process that pushes while the job runs. Main's state must be complete. That it can't be started costs nothing but time at the end. */
export async function startPusher(session: Session, hook: HookSettings): Promise<void> {
	const { runner, state, keep } = session;
	const { main } = state();
	if (main === null) return;
	const folder = join(state().folder, 'push');
	const files = pusherFiles(folder);
	try {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		await Promise.all([files.identity, files.finish, files.report].map((file) => rm(file, { force: true })));
		const get = inputFromEnv(runner.env);
		const inputs = Object.fromEntries(INPUT_NAMES.map((name) => [name, get(name)]));
		// Before it is there: however main ends, post knows of it.
		keep({ main: { ...main, pusherFolder: folder } });
		await writeJson(files.orders, { version: 1, inputs, state: state() });
		await spawnDetached({
			nodePath: process.execPath,
			script: join(import.meta.dirname, 'pusher.js'),
			argument: folder,
			// The collector of garbage spares what stands in the environment of a process: the hook, where it does not see its root.
			env: { ...runner.env, NIX_CACHE_ACTION_HOOK: hook.script ?? undefined },
			log: files.log,
		});
	} catch (error) {
		if (!isCacheError(error)) throw error;
		keep({ main });
		runner.log.warning(`${describeError(error)} Paths are pushed at the end of the job only.`, 'nix-cache-action');
	}
}

/** Between two looks at what the pusher says. */
const LOOK_MS = 100;
/** Before the first look at whether it has ended; each further wait is longer. With nothing to push that is soon, and the job waits for it. */
const FIRST_LOOK_MS = 10;
/** Beyond its time, for the report; after a signal, what its own end may take. */
const REPORT_MS = 2_000;
const STOP_MS = 4_000;
/** How long one that was started just now may take to say who it is. */
const START_MS = 3_000;

/**
 * Has the pusher push the rest and end, and shows what it says meanwhile. `null` when there is none, or it does not come to a report: then everything that is not
 * up is this process's to push.
 */
export async function finishWithPusher(session: Session, stop: Stop, job: JobReads): Promise<Report | null> {
	const { inputs, runner, state } = session;
	const folder = state().main?.pusherFolder ?? null;
	if (folder === null) return null;
	const files = pusherFiles(folder);
	const identity = await identityOf(folder);
	if (identity === null) {
		runner.log.info('The process that pushes while the job runs did not come to work; all is pushed now.');
		return null;
	}
	let endedByItself = true;
	if (isRunning(identity)) {
		const timeoutMs = pushTimeoutMs(inputs);
		const { used, served, errors } = job;
		const packFindings = await job.packFindings;
		try {
			const aws = awsVariables(runner.env);
			await writeJson(files.finish, { version: 1, aws, timeoutMs, used: [...used], packFindings, served, errors });
		} catch (error) {
			if (!isCacheError(error)) throw error;
			runner.log.info(`The process that pushed while the job ran is stopped, and the rest pushed now: ${describeError(error)}`);
			await stopPusher(session);
			return null;
		}
		const { size: from } = await stat(files.log);
		signalProcess(identity, 'SIGUSR2');
		endedByItself = await untilEnd(identity, files.log, from, timeoutMs + REPORT_MS, stop);
	}
	// One that lost its keeper must not push beside this process.
	const { worker = null } = (await readIdentity(folder)) ?? {};
	if (worker !== null) signalProcess(worker, 'SIGKILL');
	const report = await readReport(folder);
	if (report === null) {
		const tail = (await readFile(files.log, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n');
		runner.log.debug(tail);
		runner.log.warning(
			endedByItself
				? 'The process that pushed while the job ran ended before its time (killed, or out of memory); what it did not push is pushed now.'
				: 'The process that pushed while the job ran did not end in time, and was killed.',
			'nix-cache-action',
		);
	}
	return report;
}

/** Ends it, pushed or not: nothing can be pushed at this end of the job. */
export async function stopPusher({ state }: KeptSession): Promise<void> {
	const folder = state().main?.pusherFolder ?? null;
	const identity = folder === null ? null : await identityOf(folder);
	if (folder === null || identity === null) return;
	signalProcess(identity, 'SIGTERM');
	for (const deadline = performance.now() + STOP_MS; isRunning(identity) && performance.now() < deadline; )
		await sleep(FIRST_LOOK_MS);
	const { worker = null } = (await readIdentity(folder)) ?? {};
	for (const left of [identity, worker]) if (left !== null && isRunning(left)) signalProcess(left, 'SIGKILL');
}

/** `null`: it did not start, and when it does, it finds no orders. */
async function identityOf(folder: string): Promise<PusherIdentity | null> {
	for (const deadline = performance.now() + START_MS; performance.now() < deadline; await sleep(LOOK_MS)) {
		const identity = await readIdentity(folder);
		if (identity !== null) return identity;
	}
	return (await retractOrders(folder)) ? null : readIdentity(folder);
}

/** Shows the log from `from` on until the process ends, and sees to it that it does. Whether it did by itself. */
async function untilEnd(identity: PusherIdentity, log: string, from: number, timeoutMs: number, stop: Stop): Promise<boolean> {
	const startedMs = performance.now();
	let at = from;
	let shownAtMs = startedMs;
	let deadlineMs = performance.now() + timeoutMs;
	let isKilled = false;
	const onStop = (): void => {
		deadlineMs = Math.min(deadlineMs, performance.now() + STOP_MS);
		signalProcess(identity, 'SIGTERM');
	};
	stop.signal.addEventListener('abort', onStop, { once: true });
	if (stop.signal.aborted) onStop();
	while (isRunning(identity)) {
		const nowMs = performance.now();
		if (nowMs - shownAtMs >= LOOK_MS) {
			at = await showFrom(log, at);
			shownAtMs = nowMs;
		}
		if (nowMs > deadlineMs) isKilled = signalProcess(identity, 'SIGKILL');
		await sleep(Math.min(LOOK_MS, FIRST_LOOK_MS + (nowMs - startedMs) / 20));
	}
	for (let end = await showFrom(log, at); end !== at; end = await showFrom(log, at)) at = end;
	stop.signal.removeEventListener('abort', onStop);
	return !isKilled;
}

/** What the pusher wrote for the runner, word for word: its annotations are the job's. Answers with where it ends. */
async function showFrom(log: string, from: number): Promise<number> {
	const file = await open(log).catch(() => null);
	if (file === null) return from;
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, from);
		const whole = buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1);
		if (whole.length > 0) process.stdout.write(whole);
		return from + whole.length;
	} finally {
		await file.close();
	}
}
