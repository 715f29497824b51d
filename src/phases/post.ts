import { writeFile } from 'node:fs/promises';
import { describeError } from '../errors.ts';
import { builtLines, reportLines, servedLine } from '../report/lines.ts';
import { describeReason, problemOf } from '../report/problem.ts';
import { type CacheReport, type Report, reportJson } from '../report/report.ts';
import { reportSummary } from '../report/summary.ts';
import type { MainState } from '../state.ts';
import { type LocalStoreDescription, reopenLocalStore } from '../store/local-store.ts';
import { takeBackSettings } from './configure.ts';
import type { EarlyAnswers } from './early-question.ts';
import { finishWithPusher, stopPusher } from './pusher-control.ts';
import { readDone } from './pusher-folder.ts';
import { runPhase } from './run.ts';
import { createRunner, type Runner } from './runner.ts';
import { type KeptSession, removeFolder, resumeSession, type Session, withInputs } from './session.ts';
import { type Stop, stopOnSignals } from './stop.ts';
import { type JobReads, stopLocalSubstituter } from './substituter.ts';

/** What undoing the configuration may take: it restarts a daemon at worst. */
const UNDO_TIMEOUT_MS = 60_000;

/**
 * The end of the job. Undoes the configuration first, so that whatever happens to the push, no secret stays on disk; then pushes what is
 * new, reports, and follows `on-push-failure`. `cut`: aborted by a signal that came before this began. `early`: what was asked meanwhile.
 */
export async function post(cut: AbortSignal, early: EarlyAnswers | null): Promise<void> {
	const runner = createRunner(process.env);
	const stop = stopOnSignals(runner.log);
	if (cut.aborted) stop.now();
	await runPhase('post', runner, async () => {
		const kept = resumeSession(runner);
		if (kept === null) return;
		try {
			await takeBack(kept);
			const job = await stopLocalSubstituter(kept);
			for (const served of job.served) runner.log.info(servedLine(served));
			const session = await sessionToPush(kept, early);
			if (session !== null) await push(session, stop, job);
		} finally {
			await leaveNothing(kept);
		}
	});
	early?.cancel();
	stop.close();
}

async function takeBack(session: KeptSession): Promise<void> {
	try {
		await takeBackSettings(session, AbortSignal.timeout(UNDO_TIMEOUT_MS));
	} catch (error) {
		session.runner.log.warning(describeError(error), 'Nix configuration not undone');
	}
}

async function leaveNothing({ state, runner }: KeptSession): Promise<void> {
	try {
		await removeFolder(state());
	} catch (error) {
		runner.log.warning(`${state().folder} could not be removed: ${describeError(error)}`, 'nix-cache-action');
	}
}

/** `null` when nothing can be pushed: this step did not run, or what its inputs are made of changed after it. */
async function sessionToPush(kept: KeptSession, early: EarlyAnswers | null): Promise<Session | null> {
	const { runner, state } = kept;
	if (state().main === null) {
		runner.log.info('This step did not run, so nothing is pushed.');
		return null;
	}
	try {
		return withInputs(kept, early);
	} catch (error) {
		await stopPusher(kept);
		settle({ runner, policy: state().inputs['on-push-failure'] }, `Nothing is pushed. ${describeError(error)}`, false);
		return null;
	}
}

async function push(session: Session, stop: Stop, job: JobReads): Promise<void> {
	const { main } = session.state();
	const { log } = session.runner;
	if (main === null) return;
	if (main.store === null || main.whyNot !== null) {
		log.info(`Nothing is pushed: ${main.whyNot ?? 'there was no Nix.'}`);
		if (main.store !== null) await tellReads(session, main.store, stop, job);
		return;
	}
	const settling = { runner: session.runner, policy: session.inputs.onPushFailure };
	const startedMs = performance.now();
	try {
		const report = (await finishWithPusher(session, stop, job)) ?? (await pushHere(session, main.store, stop, job, startedMs));
		await tell(session, report);
		for (const cache of report.caches) {
			const problem = problemOf(cache, stop.signal.aborted);
			if (problem !== null) settle(settling, problem, isKnown(main, cache));
		}
	} catch (error) {
		settle(settling, describeError(error), false);
		if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
	}
}

/** In this process, what no other has pushed, in what is left of the time. */
async function pushHere(
	session: Session,
	store: LocalStoreDescription,
	stop: Stop,
	job: JobReads,
	startedMs: number,
): Promise<Report> {
	const { pusherFolder = null } = session.state().main ?? {};
	const { pushNewPaths } = await import('./push-new-paths.ts');
	const done = pusherFolder === null ? new Map() : await readDone(pusherFolder);
	return pushNewPaths(session, reopenLocalStore(store, session.runner.env), stop, job, done, startedMs);
}

/** A job that pushes nothing is told what it read. That this fails is no problem of the job. */
async function tellReads(session: Session, store: LocalStoreDescription, stop: Stop, job: JobReads): Promise<void> {
	try {
		const { reportOnReads } = await import('./job-report.ts');
		await tell(session, await reportOnReads(session, reopenLocalStore(store, session.runner.env), stop, job));
	} catch (error) {
		session.runner.log.info(`What came to the store during the job is not known: ${describeError(error)}`);
	}
}

async function tell(session: Session, report: Report): Promise<void> {
	const { log } = session.runner;
	for (const line of reportLines(report)) log.info(line);
	const details = builtLines(report);
	if (details.length > 0) {
		await log.group('What was built in this job, and why', async () => {
			for (const line of details) log.info(line);
		});
	}
	await publishReport(session, report);
}

/** One annotation per problem: an outage that main warned of and that lasts is no second one. */
function isKnown({ warnings }: MainState, { paths, stoppedBy }: CacheReport): boolean {
	if (paths.length > 0 || stoppedBy === null) return false;
	return warnings.some((warning) => warning.startsWith(describeReason(stoppedBy)));
}

/** That it can't be written says nothing about the push. */
async function publishReport({ runner, state }: Session, report: Report): Promise<void> {
	const { reportFile } = state();
	const written = await Promise.allSettled([
		runner.addSummary(reportSummary(report)),
		writeFile(reportFile, reportJson(report), { mode: 0o600 }),
	]);
	for (const [index, name] of ['The job summary', `The report ${reportFile}`].entries()) {
		const result = written[index];
		if (result?.status === 'rejected')
			runner.log.warning(`${name} can't be written: ${describeError(result.reason)}`, 'nix-cache-action');
	}
}

interface Settling {
	readonly runner: Runner;
	/** `on-push-failure`; what is neither `fail` nor `ignore` is `warn`. */
	readonly policy: string | undefined;
}

/** Follows `on-push-failure`. `known`: people were warned of it before. */
function settle({ runner, policy }: Settling, problem: string, known: boolean): void {
	if (policy === 'fail') runner.fail(problem);
	else if (policy === 'ignore') runner.log.info(problem);
	else if (known) runner.log.info(`Nothing was pushed: ${problem}`);
	else runner.log.warning(problem, 'nix-cache-action: push');
}
