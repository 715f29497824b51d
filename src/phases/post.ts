import { writeFile } from 'node:fs/promises';
import { CacheError, describeError } from '../errors.ts';
import { builtLines, reportLines, servedLine } from '../report/lines.ts';
import { describeReason, problemOf } from '../report/problem.ts';
import { type CacheReport, type Report, reportJson } from '../report/report.ts';
import { reportSummary } from '../report/summary.ts';
import type { MainState } from '../state.ts';
import { type LocalStoreDescription, reopenLocalStore } from '../store/local-store.ts';
import { takeBackSettings } from './configure.ts';
import type { EarlyAnswers } from './early-question.ts';
import { finishWithPusher } from './pusher-control.ts';
import { readDone } from './pusher-folder.ts';
import { runPhase } from './run.ts';
import { createRunner } from './runner.ts';
import { removeFolder, resumeSession, type Session } from './session.ts';
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
		const session = resumeSession(runner, early);
		if (session === null) return;
		try {
			await takeBack(session);
			const job = await stopLocalSubstituter(session);
			for (const served of job.served) runner.log.info(servedLine(served));
			await push(session, stop, job);
		} finally {
			await leaveNothing(session);
		}
	});
	early?.cancel();
	stop.close();
}

async function takeBack(session: Session): Promise<void> {
	try {
		await takeBackSettings(session, AbortSignal.timeout(UNDO_TIMEOUT_MS));
	} catch (error) {
		session.runner.log.warning(describeError(error), 'Nix configuration not undone');
	}
}

async function leaveNothing({ state, runner }: Session): Promise<void> {
	try {
		await removeFolder(state());
	} catch (error) {
		runner.log.warning(`${state().folder} could not be removed: ${describeError(error)}`, 'nix-cache-action');
	}
}

async function push(session: Session, stop: Stop, job: JobReads): Promise<void> {
	const { main } = session.state();
	const { log } = session.runner;
	if (main === null) {
		log.info('This step did not run, so nothing is pushed.');
		return;
	}
	if (main.store === null || main.whyNot !== null) {
		log.info(`Nothing is pushed: ${main.whyNot ?? 'there was no Nix.'}`);
		if (main.store !== null) await tellReads(session, main.store, stop, job);
		return;
	}
	try {
		const report = (await finishWithPusher(session, stop, job)) ?? (await pushHere(session, main.store, stop, job));
		await tell(session, report);
		for (const cache of report.caches) {
			const problem = problemOf(cache, stop.signal.aborted);
			if (problem !== null) settle(session, problem, isKnown(main, cache));
		}
	} catch (error) {
		settle(session, describeError(error), false);
		if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
	}
}

/** In this process, what no other has pushed. */
async function pushHere(session: Session, store: LocalStoreDescription, stop: Stop, job: JobReads): Promise<Report> {
	const { pusherFolder = null } = session.state().main ?? {};
	const { pushNewPaths } = await import('./push-new-paths.ts');
	const done = pusherFolder === null ? new Map() : await readDone(pusherFolder);
	return pushNewPaths(session, reopenLocalStore(store, session.runner.env), stop, job, done);
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

async function publishReport({ runner, state }: Session, report: Report): Promise<void> {
	const { reportFile } = state();
	await runner.addSummary(reportSummary(report));
	try {
		await writeFile(reportFile, reportJson(report), { mode: 0o600 });
	} catch (cause) {
		throw new CacheError('file-failed', `The report ${reportFile} can't be written.`, { cause });
	}
}

/** Follows `on-push-failure`. `known`: people were warned of it before. */
function settle({ inputs, runner }: Session, problem: string, known: boolean): void {
	switch (inputs.onPushFailure) {
		case 'fail':
			runner.fail(problem);
			return;
		case 'warn':
			if (known) runner.log.info(`Nothing was pushed: ${problem}`);
			else runner.log.warning(problem, 'nix-cache-action: push');
			return;
		case 'ignore':
			runner.log.info(problem);
			return;
	}
}
