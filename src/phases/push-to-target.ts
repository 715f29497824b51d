import type { Backend, Presence } from '../backends/backend.ts';
import { CacheError, describeError, isCacheError } from '../errors.ts';
import type { Inputs } from '../inputs.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { finishPush } from '../push/finish.ts';
import { type Progress, runPipeline } from '../push/pipeline.ts';
import { type Plan, planPush, type Selection } from '../push/plan.ts';
import type { SharedNars } from '../push/shared-nars.ts';
import { verifyPushed } from '../push/verify.ts';
import { formatBytes } from '../quantity.ts';
import type { CacheFacts, ReportCache } from '../report/report.ts';
import type { MainTarget } from '../state.ts';
import type { LocalStore } from '../store/local-store.ts';
import { withActionsCache } from './actions-cache.ts';
import { type Effort, withCache } from './cache.ts';
import type { Session } from './session.ts';
import type { Stop } from './stop.ts';
import type { JobReads } from './substituter.ts';
import { labelOf } from './target-label.ts';

/** What the push to one cache goes by. Times are those of `performance.now()`. */
export interface PushRun {
	readonly session: Session;
	readonly store: LocalStore;
	readonly stop: Stop;
	readonly job: JobReads;
	readonly netrc: readonly NetrcEntry[];
	readonly selection: Selection;
	readonly nars: SharedNars;
	readonly startedMs: number;
	readonly deadlineMs: number;
	/** Ends at the deadline, or when the job is stopped. */
	readonly signal: AbortSignal;
	readonly target: MainTarget;
	/** Waits for the plans of the other caches. */
	readonly planned: { readonly wait: () => Promise<void> };
}

/** Requests in flight with `concurrency: auto`: enough to hide 20 ms of round trip from 1,500 small paths. */
const AUTO_CONCURRENCY = 32;

/** Of the time for the push, what is left for the upload of packs where paths go up together. */
const FINISH_SHARE = 0.5;

/** Pushes the selection to one cache. What the cache does wrong is in the answer. */
export async function pushToTarget(run: PushRun): Promise<CacheFacts> {
	const { session, selection, signal, target } = run;
	const facts = untouched(session, target);
	try {
		return await withPushTarget(run, async (backend) => {
			await backend.check(true, signal);
			const presence = await backend.presence(selection.query, signal);
			const plan = planPush(selection, presence);
			const planned = { ...facts, plan, lost: lostPaths(presence), durationsMs: { plan: elapsed(run.startedMs) } };
			await run.planned.wait();
			if (isDryRun(session.runner.env) || plan.push.length === 0) return planned;
			return pushPlan(run, backend, plan, planned);
		});
	} catch (error) {
		if (error instanceof Error && error.stack !== undefined) session.runner.log.debug(error.stack);
		const code = isCacheError(error) ? error.code : 'internal';
		const failure = isCacheError(error)
			? { code, message: error.message, hint: error.hint }
			: { code, message: describeError(error), hint: null };
		return { ...facts, failure, durationsMs: { plan: elapsed(run.startedMs) } };
	}
}

/** The facts on a cache before anything is done with it. */
export function untouched(session: Session, target: MainTarget): CacheFacts {
	const nothing = { plan: null, failure: null, result: null, findings: null, lost: new Set<string>(), durationsMs: {} };
	return { ...nothing, cache: cacheOf(session.inputs, target), isRead: isRead(session, target) };
}

/** Whether Nix was told to read from it. */
function isRead({ inputs, state }: Session, { line, failed }: MainTarget): boolean {
	const { configuration, main } = state();
	if (failed || configuration?.route === 'advice-only') return false;
	const isThroughUs = Object.values(main?.served ?? {}).includes(labelOf(inputs, line));
	return !isThroughUs || main?.substituterFolder !== null;
}

function lostPaths(presence: ReadonlyMap<string, Presence>): ReadonlySet<string> {
	return new Set([...presence].flatMap(([path, { state }]) => (state === 'lost' ? [path] : [])));
}

function cacheOf(inputs: Inputs, { line, whyNot }: MainTarget): ReportCache {
	const kind = line === null ? 'actions-cache' : (inputs.caches[line]?.kind ?? 'actions-cache');
	return { kind, label: labelOf(inputs, line), canPush: whyNot === null, whyNot };
}

/** Opens what takes the job's paths, as main decided. */
async function withPushTarget<T>(run: PushRun, body: (backend: Backend) => Promise<T>): Promise<T> {
	const { session, store, netrc, job, target } = run;
	const cache = target.line === null ? undefined : session.inputs.caches[target.line];
	const effort = effortOf(session.inputs, target);
	if (target.line === null || cache?.kind === 'actions-cache') return withActionsCache(session, store, effort, job, body);
	if (cache === undefined) throw new CacheError('state-invalid', `Line ${target.line + 1} of \`cache\` is not there any more.`);
	return withCache(session, store, cache, netrc, effort, body);
}

async function pushPlan(run: PushRun, backend: Backend, plan: Plan, facts: CacheFacts): Promise<CacheFacts> {
	const { session, stop, startedMs, deadlineMs } = run;
	const { inputs, runner } = session;
	const untilDeadline = (): AbortSignal =>
		AbortSignal.any([stop.signal, AbortSignal.timeout(Math.max(1, Math.floor(deadlineMs - performance.now())))]);
	const nars = run.nars.join(plan.push.map(({ path }) => path));
	const prefix = inputs.caches.length > 1 ? `${facts.cache.label}: ` : '';
	const taken = await runPipeline(plan, {
		backend,
		sourceOf: nars.sourceOf,
		signal: stop.signal,
		graceMs: stop.graceMs,
		deadlineMs: backend.kind === 'actions-cache' ? deadlineMs - (deadlineMs - performance.now()) * FINISH_SHARE : deadlineMs,
		concurrency: inputs.concurrency,
		onProgress: (progress) => runner.log.info(`${prefix}${progressLine(progress)}`),
	}).finally(nars.leave);
	const takenMs = elapsed(startedMs);
	const result = await finishPush(backend, taken, untilDeadline());
	const pushedMs = elapsed(startedMs);
	const pushed = plan.push.filter((info) => result.outcomes.get(info.path)?.class === 'pushed');
	const findings = inputs.verify === 'none' ? null : await verifyPushed(backend, pushed, inputs.verify, untilDeadline());
	const { plan: planMs = 0 } = facts.durationsMs;
	const durationsMs = {
		plan: planMs,
		push: takenMs - planMs,
		finish: pushedMs - takenMs,
		verify: elapsed(startedMs) - pushedMs,
	};
	return { ...facts, result, findings, durationsMs };
}

function progressLine({ pathsDone, pathsTotal, bytesDone, bytesTotal, bytesPerSecond, remainingMs }: Progress): string {
	const rate = bytesPerSecond === null ? '' : `, ${formatBytes(bytesPerSecond)}/s`;
	const left = remainingMs === null || pathsDone === pathsTotal ? '' : `, about ${Math.ceil(remainingMs / 1000)} s left`;
	return `Pushed ${pathsDone} of ${pathsTotal} paths, ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}${rate}${left}`;
}

function effortOf(inputs: Inputs, { failed }: MainTarget): Effort {
	const concurrency = inputs.concurrency === 'auto' ? AUTO_CONCURRENCY : inputs.concurrency;
	const patienceMs = failed ? 10_000 : Math.min(90_000, inputs.pushTimeoutMs / 2);
	return { concurrency, attempts: failed ? 3 : 8, patienceMs, connectTimeoutMs: 15_000 };
}

function isDryRun(env: Session['runner']['env']): boolean {
	return env.NIX_CACHE_ACTION_DRY_RUN === 'true' || env.NIX_CACHE_ACTION_DRY_RUN === '1';
}

function elapsed(sinceMs: number): number {
	return Math.round(performance.now() - sinceMs);
}
