import type { Backend, BackendKind } from '../backends/backend.ts';
import { describeError, isCacheError } from '../errors.ts';
import type { Inputs } from '../inputs/inputs.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { signAhead } from '../nix/path-signature.ts';
import { finishPush } from '../push/finish.ts';
import type { Outcome, PushResult } from '../push/outcome.ts';
import { type Progress, runPipeline } from '../push/pipeline.ts';
import { type Plan, type Selection, selectPaths } from '../push/plan.ts';
import type { SharedNars } from '../push/shared-nars.ts';
import { verifyPushed } from '../push/verify.ts';
import { formatBytes } from '../quantity.ts';
import type { CacheFacts, ReportCache } from '../report/report.ts';
import type { MainTarget } from '../state.ts';
import type { OpenCache } from './cache.ts';
import { openTarget, type TargetMeans } from './open-target.ts';
import { isDryRun } from './push-policy.ts';
import type { Session } from './session.ts';
import type { Stop } from './stop.ts';
import { labelOf } from './target-label.ts';
import { createPlanner } from './target-plan.ts';
import type { Upstreams } from './upstreams.ts';

/** What the pushes to all caches of one process share. */
export interface PushMeans extends TargetMeans {
	readonly stop: Stop;
	readonly upstreams: Upstreams;
	readonly nars: SharedNars;
	/** As `Packer.expect`. */
	readonly expectNars: (infos: readonly PathInfo[]) => void;
}

/** One push to one cache. Times are those of `performance.now()`. */
export interface PushOrder {
	readonly selection: Selection;
	readonly startedMs: number;
	readonly deadlineMs: number;
	/** Begin nothing new, and finish what was begun. */
	readonly drain?: AbortSignal;
	/** Waits for the plans of the other caches. */
	readonly planned: { readonly wait: () => Promise<void> };
	readonly onProgress: (line: string) => void;
}

/** A cache that takes the job's paths: some while the job runs, the rest at its end. */
export interface TargetPush {
	readonly target: MainTarget;
	/** Begins to open the cache, for a `finish` that follows: that takes it time, in which others find out what there is to push. */
	expect(deadlineMs: number): void;
	/** Pushes what is selected, and remembers what is up. What goes wrong is tried again by `finish`. */
	push(order: PushOrder): Promise<void>;
	/** Pushes the rest of what is selected, ends the push, reads back. Answers for all of the selection; what the cache does wrong is in the answer. */
	finish(order: PushOrder): Promise<CacheFacts>;
	close(): Promise<void>;
}

/** Of the time for the push, what is left for the upload of packs where paths go up together. */
const FINISH_SHARE = 0.5;

export interface TargetPushOptions {
	readonly means: PushMeans;
	readonly target: MainTarget;
	/** What is up already, with the bytes sent for it: by path. Grows. */
	readonly done: Map<string, number>;
	/** Told of each path that is up. */
	readonly onPushed?: (path: string, sentBytes: number) => void;
}

/** Asks nothing of the cache yet. */
export function createTargetPush({ means, target, done, onPushed = () => {} }: TargetPushOptions): TargetPush {
	const { session, stop } = means;
	const { inputs, runner } = session;
	const planner = createPlanner({ upstreams: means.upstreams, done, stopped: stop.signal });
	let opened: Promise<CheckedCache> | null = null;
	let expected: Promise<CheckedCache> | null = null;
	const facts = untouched(session, target);

	/** Opened with the first push; one that failed is tried again. */
	const open = (signal: AbortSignal): Promise<CheckedCache> => {
		opened ??= openTarget(means, target).then(async (open) => {
			try {
				const { skipSignedBy } = await open.backend.check(!isDryRun(runner.env), signal);
				return { ...open, skipSignedBy };
			} catch (error) {
				await open.close();
				throw error;
			}
		});
		opened.catch(() => {
			opened = null;
		});
		return opened;
	};

	const run = async (backend: Backend, plan: Plan, order: PushOrder, deadlineMs: number): Promise<PushResult> => {
		const nars = means.nars.join(plan.push.map(({ path }) => path));
		const over = new AbortController();
		if (inputs.signingKey !== null) void signAhead(plan.push, inputs.signingKey, over.signal);
		return runPipeline(plan, {
			backend,
			sourceOf: nars.sourceOf,
			signal: stop.signal,
			...(order.drain === undefined ? {} : { drain: order.drain }),
			graceMs: stop.graceMs,
			deadlineMs,
			concurrency: inputs.concurrency,
			// `nix copy` begins after that, and tells of itself.
			...(backend.kind === 'nix-copy' ? {} : { onProgress: (progress) => order.onProgress(progressLine(progress)) }),
		}).finally(() => {
			over.abort();
			return nars.leave();
		});
	};

	const finish = async (order: PushOrder): Promise<CacheFacts> => {
		const { startedMs, deadlineMs } = order;
		const signal = until(stop, deadlineMs);
		if (packs(facts.cache.kind) && !isDryRun(runner.env)) means.expectNars(order.selection.query);
		const checked = await (expected ?? open(signal));
		const { backend } = checked;
		const selection = selectionFor(checked, order.selection);
		const plan = await planner.plan(backend, selection, signal);
		const planMs = elapsed(startedMs);
		const planned = { ...facts, plan, lost: planner.lost(), untrusted: planner.untrusted(), durationsMs: { plan: planMs } };
		await order.planned.wait();
		if (isDryRun(runner.env) || plan.push.length === 0) return planned;
		const left = { ...plan, push: plan.push.filter(({ path }) => !done.has(path)) };
		const takeMs = takesTogether(backend) ? deadlineMs - (deadlineMs - performance.now()) * FINISH_SHARE : deadlineMs;
		const before = plan.push.flatMap(({ path }): [string, Outcome][] => {
			const sentBytes = done.get(path);
			return sentBytes === undefined ? [] : [[path, { class: 'pushed', sentBytes }]];
		});
		const taken = await run(backend, left, order, takeMs);
		const takenMs = elapsed(startedMs);
		const all = { ...taken, outcomes: new Map([...before, ...taken.outcomes]) };
		const result = await finishPush(backend, all, until(stop, deadlineMs));
		const pushedMs = elapsed(startedMs);
		const pushed = plan.push.filter((info) => result.outcomes.get(info.path)?.class === 'pushed');
		const findings =
			inputs.verify === 'none' ? null : await verifyPushed(backend, pushed, inputs.verify, until(stop, deadlineMs));
		const durationsMs = {
			plan: planMs,
			push: takenMs - planMs,
			finish: pushedMs - takenMs,
			verify: elapsed(startedMs) - pushedMs,
		};
		return { ...planned, result, findings, durationsMs };
	};

	return {
		target,
		expect(deadlineMs) {
			expected = open(until(stop, deadlineMs));
			// `finish` tells of it.
			expected.catch(() => undefined);
		},
		async push(order) {
			// A cache that does not answer must not hold up the end of the job.
			const asking = order.drain === undefined ? [] : [order.drain];
			const signal = AbortSignal.any([until(stop, order.deadlineMs), ...asking]);
			const checked = await open(signal);
			const { backend } = checked;
			const selection = selectionFor(checked, order.selection);
			const plan = await planner.rest(backend, selection, signal);
			await order.planned.wait();
			if (plan.push.length === 0) return;
			const taken = await run(backend, plan, order, order.deadlineMs);
			const { outcomes } = backend.kind === 'nix-copy' ? await finishPush(backend, taken, until(stop, order.deadlineMs)) : taken;
			for (const [path, outcome] of outcomes) {
				if (outcome.class !== 'pushed') continue;
				done.set(path, outcome.sentBytes);
				onPushed(path, outcome.sentBytes);
			}
		},
		async finish(order) {
			try {
				return await finish(order);
			} catch (error) {
				if (error instanceof Error && error.stack !== undefined) runner.log.debug(error.stack);
				return { ...facts, failure: failureOf(error), durationsMs: { plan: elapsed(order.startedMs) } };
			}
		},
		async close() {
			const open = await opened?.catch(() => null);
			await open?.close();
		},
	};
}

interface CheckedCache extends OpenCache {
	/** Names of keys: the cache does not want what they signed. */
	readonly skipSignedBy: readonly string[];
}

/** The selection for one cache: some don't want what certain keys signed, and a Nix store takes a path with its whole closure or not at all. */
function selectionFor({ backend, skipSignedBy }: CheckedCache, selection: Selection): Selection {
	const { candidates, rules } = selection;
	const more = skipSignedBy.filter((name) => !rules.skipSignedBy.includes(name));
	const wholeClosures = backend.kind === 'nix-copy';
	if (more.length === 0 && wholeClosures === rules.wholeClosures) return selection;
	return selectPaths(candidates, { ...rules, wholeClosures, skipSignedBy: [...rules.skipSignedBy, ...more] });
}

function failureOf(error: unknown): CacheFacts['failure'] {
	return isCacheError(error)
		? { code: error.code, message: error.message, hint: error.hint }
		: { code: 'internal', message: describeError(error), hint: null };
}

/** Whether it takes NARs as we pack them. */
function packs(kind: BackendKind): boolean {
	return kind !== 'attic' && kind !== 'nix-copy' && kind !== 'none';
}

/** Where paths go up together at the end, that takes time of its own. */
function takesTogether({ kind }: Backend): boolean {
	return kind === 'actions-cache';
}

function until(stop: Stop, deadlineMs: number): AbortSignal {
	return AbortSignal.any([stop.signal, AbortSignal.timeout(Math.max(1, Math.floor(deadlineMs - performance.now())))]);
}

/** For the report. */
export function cacheOf(inputs: Inputs, { line, whyNot }: MainTarget): ReportCache {
	const kind = line === null ? 'actions-cache' : (inputs.caches[line]?.kind ?? 'actions-cache');
	return { kind, label: labelOf(inputs, line), canPush: whyNot === null, whyNot };
}

/** The facts on a cache before anything is done with it. */
export function untouched(session: Session, target: MainTarget): CacheFacts {
	const nothing = {
		plan: null,
		failure: null,
		result: null,
		findings: null,
		lost: new Set<string>(),
		untrusted: new Set<string>(),
		durationsMs: {},
	};
	return { ...nothing, cache: cacheOf(session.inputs, target), isRead: isRead(session, target) };
}

/** Whether Nix was told to read from it. */
function isRead({ inputs, state }: Session, { line, failed }: MainTarget): boolean {
	const { configuration, main } = state();
	if (failed || configuration?.route === 'advice-only') return false;
	const isThroughUs = Object.values(main?.served ?? {}).includes(labelOf(inputs, line));
	return !isThroughUs || main?.substituterFolder !== null;
}

function progressLine({ pathsDone, pathsTotal, bytesDone, bytesTotal, bytesPerSecond, remainingMs }: Progress): string {
	const rate = bytesPerSecond === null ? '' : `, ${formatBytes(bytesPerSecond)}/s`;
	const left = remainingMs === null || pathsDone === pathsTotal ? '' : `, about ${Math.ceil(remainingMs / 1000)} s left`;
	return `Pushed ${pathsDone} of ${pathsTotal} paths, ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}${rate}${left}`;
}

function elapsed(sinceMs: number): number {
	return Math.round(performance.now() - sinceMs);
}
