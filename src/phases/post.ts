import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { CacheError, describeError } from '../errors.ts';
import { type Report, reportJson, reportLines, reportSummary, servedLine } from '../report.ts';
import { reopenLocalStore } from '../store/local-store.ts';
import { takeBackSettings } from './configure.ts';
import { pushNewPaths } from './push-new-paths.ts';
import { runPhase } from './run.ts';
import { createRunner } from './runner.ts';
import { removeFolder, resumeSession, type Session } from './session.ts';
import { type Stop, stopOnSignals } from './stop.ts';
import { type JobReads, stopLocalSubstituter } from './substituter.ts';

/** What undoing the configuration may take: it restarts a daemon at worst. */
const UNDO_TIMEOUT_MS = 60_000;

/**
 * The end of the job. Undoes the configuration first, so that whatever happens to the push, no secret stays on disk; then pushes what is
 * new, reports, and follows `on-push-failure`.
 */
export async function post(): Promise<void> {
	const runner = createRunner(process.env);
	const stop = stopOnSignals(runner.log);
	await runPhase('post', runner, async () => {
		const session = resumeSession(runner);
		if (session === null) return;
		try {
			await takeBack(session);
			const job = await stopLocalSubstituter(session);
			if (job.served !== null) runner.log.info(servedLine(job.served));
			await push(session, stop, job);
		} finally {
			await leaveNothing(session);
		}
	});
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
	if (main.store === null || main.pushTo === null) {
		log.info(`Nothing is pushed: ${main.whyNot ?? 'this job only reads.'}`);
		return;
	}
	try {
		const report = await pushNewPaths(session, reopenLocalStore(main.store, session.runner.env), stop, job);
		for (const line of reportLines(report)) log.info(line);
		await publishReport(session, report);
		const problem = problemOf(report, stop.signal.aborted);
		if (problem !== null) settle(session, problem);
	} catch (error) {
		const problem = describeError(error);
		// One annotation per problem: an outage that main warned of and that lasts is no second one.
		const known = main.warnings.some((warning) => warning.startsWith(problem));
		settle(session, problem, known);
		if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
	}
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

/** One line on what of the push did not succeed, why and what to do; `null` when all did. `stopped`: by a signal. */
function problemOf(report: Report, stopped: boolean): string | null {
	const paths = (['failed', 'corrupt', 'out-of-time'] as const).map((name) => [name, report.counts[name]?.paths ?? 0] as const);
	const parts = paths
		.filter(([, count]) => count > 0)
		.map(([name, count]) => `${count} ${name === 'out-of-time' ? 'out of time' : name}`);
	const unreadable = report.verification?.problems.length ?? 0;
	if (unreadable > 0) parts.push(`${unreadable} pushed, but not readable through the cache's URL`);
	if (parts.length === 0) return null;
	const why = report.stoppedBy === null ? firstReason(report, stopped) : describeReason(report.stoppedBy);
	return `Not every path was pushed to ${report.cache.label}: ${parts.join(', ')}. ${why}`;
}

function describeReason({ message, hint }: NonNullable<Report['stoppedBy']>): string {
	return hint === null ? message : `${message} ${hint}`;
}

const UNREADABLE_HINT = 'Do its URL and `push-url` lead to the same repository, and does that keep all it takes?';

/** What one path failed of, where the run did not end with one reason for all. */
function firstReason(report: Report, stopped: boolean): string {
	const path = report.paths.find(({ class: name, reason }) => (name === 'failed' || name === 'corrupt') && reason !== null);
	if (path !== undefined) return `${basename(path.path)}: ${path.reason}`;
	const finding = report.verification?.problems[0];
	if (finding !== undefined) {
		const text = `${basename(finding.path)}: ${finding.problem?.replace(/\.$/, '')}.`;
		return report.cache.kind === 'http' ? `${text} ${UNREADABLE_HINT}` : text;
	}
	return stopped
		? 'A signal ended the push; the rest is left for the next job.'
		: 'Raise `push-timeout`, or leave large paths out with `max-path-size`; a server that stalls says why in its own log.';
}

/** Follows `on-push-failure`. `known`: people were warned of it before. */
function settle({ inputs, runner }: Session, problem: string, known = false): void {
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
