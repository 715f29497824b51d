import { realpath } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { Backend } from '../backends/backend.ts';

import { CacheError } from '../errors.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { finishPush } from '../push/finish.ts';
import type { PushResult } from '../push/outcome.ts';
import { createPacker } from '../push/packing.ts';
import { type Progress, runPipeline } from '../push/pipeline.ts';
import { type Candidates, type Plan, type PushRules, planPush, selectPaths } from '../push/plan.ts';
import { verifyPushed } from '../push/verify.ts';
import { formatBytes } from '../quantity.ts';
import { makeReport, type Report, type ReportFacts } from '../report.ts';
import type { LocalStore } from '../store/local-store.ts';
import { narFrames } from '../store/nar.ts';
import { newSince, readSnapshot } from '../store/snapshot.ts';
import { withActionsCache } from './actions-cache.ts';
import { type Effort, withCache } from './cache.ts';
import { knownNetrc } from './configure.ts';
import type { Session } from './session.ts';
import type { Stop } from './stop.ts';
import type { JobReads } from './substituter.ts';

/** Requests in flight with `concurrency: auto`: enough to hide 20 ms of round trip from 1,500 small paths. */
const AUTO_CONCURRENCY = 32;

/** Of the time for the push, what is left for the upload of packs where paths go up together. */
const FINISH_SHARE = 0.5;

/** What a cancelled job leaves: the runner gives its posts 5 minutes in all. */
const CANCELLED_TIMEOUT_MS = 4 * 60_000;

/** Finds what the job added to the store, pushes it, reads it back. Throws when it can't even begin; what goes wrong later is in the report. */
export async function pushNewPaths(session: Session, store: LocalStore, stop: Stop, job: JobReads): Promise<Report> {
	const { inputs, runner } = session;
	const startedMs = performance.now();
	const timeoutMs =
		inputs.jobStatus === 'cancelled' ? Math.min(inputs.pushTimeoutMs, CANCELLED_TIMEOUT_MS) : inputs.pushTimeoutMs;
	const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]);
	const names = await store.names();
	const roots =
		inputs.paths.length > 0 ? await namedRoots(inputs.paths, store, runner.env) : await newRoots(session, store, names);
	const facts = factsOf(session, names.length, job);
	if (roots.length === 0) return makeReport({ ...facts, durationsMs: { total: elapsed(startedMs) } });
	// Two processes of Nix that need not wait for each other.
	const [candidates, netrc] = await Promise.all([
		findCandidates(store, roots, inputs.paths.length > 0, signal),
		knownNetrc(inputs, store, signal),
	]);
	const rules = rulesOf(session);
	const selection = selectPaths(candidates, rules);
	return withPushTarget(session, store, netrc, job, async (backend) => {
		await backend.check(true, signal);
		const plan = planPush(selection, await backend.presence(selection.query, signal));
		const planned = { ...facts, plan, durationsMs: { plan: elapsed(startedMs) } };
		if (isDryRun(runner.env) || plan.push.length === 0) return makeReport(planned);
		return pushPlan(session, store, stop, { backend, plan, facts: planned, startedMs, deadlineMs: startedMs + timeoutMs });
	});
}

/** Opens what takes the job's paths, as main decided. */
async function withPushTarget<T>(
	session: Session,
	store: LocalStore,
	netrc: readonly NetrcEntry[],
	job: JobReads,
	body: (backend: Backend) => Promise<T>,
): Promise<T> {
	const [target] = session.inputs.caches;
	const { pushTo } = session.state().main ?? { pushTo: null };
	if (pushTo === 'actions-cache') return withActionsCache(session, store, effortOf(session), job, body);
	if (target === undefined || target.kind === 'actions-cache') throw new CacheError('internal', 'There is no cache to push to.');
	return withCache(session, store, target, netrc, effortOf(session), body);
}

async function pushPlan(
	{ inputs, runner, state }: Session,
	store: LocalStore,
	stop: Stop,
	run: {
		readonly backend: Backend;
		readonly plan: Plan;
		readonly facts: ReportFacts;
		readonly startedMs: number;
		readonly deadlineMs: number;
	},
): Promise<Report> {
	const { backend, plan, facts, startedMs, deadlineMs } = run;
	const packer = createPacker({
		compression: inputs.compression,
		level: inputs.compressionLevel,
		spoolDir: join(state().folder, 'spool'),
		realPath: store.realPath,
		readNar: narFrames,
	});
	let result: PushResult;
	let takenMs: number;
	const untilDeadline = (): AbortSignal =>
		AbortSignal.any([stop.signal, AbortSignal.timeout(Math.max(1, Math.floor(deadlineMs - performance.now())))]);
	try {
		const taken = await runPipeline(plan, {
			backend,
			sourceOf: packer.sourceOf,
			signal: stop.signal,
			graceMs: stop.graceMs,
			deadlineMs: backend.kind === 'actions-cache' ? deadlineMs - (deadlineMs - performance.now()) * FINISH_SHARE : deadlineMs,
			concurrency: inputs.concurrency,
			// `nix copy` has not begun by then, and tells of itself.
			...(backend.kind === 'nix-copy' ? {} : { onProgress: (progress: Progress) => runner.log.info(progressLine(progress)) }),
		});
		takenMs = elapsed(startedMs);
		result = await finishPush(backend, taken, untilDeadline());
	} finally {
		await packer.close();
	}
	const pushedMs = elapsed(startedMs);
	const pushed = plan.push.filter((info) => result.outcomes.get(info.path)?.class === 'pushed');
	const findings = inputs.verify === 'none' ? null : await verifyPushed(backend, pushed, inputs.verify, untilDeadline());
	const { plan: planMs = 0 } = facts.durationsMs;
	const durationsMs = {
		plan: planMs,
		push: takenMs - planMs,
		finish: pushedMs - takenMs,
		verify: elapsed(startedMs) - pushedMs,
		total: elapsed(startedMs),
	};
	return makeReport({ ...facts, result, findings, durationsMs });
}

/** Full paths that came to the store since main's snapshot. */
async function newRoots(session: Session, store: LocalStore, names: readonly string[]): Promise<readonly string[]> {
	const file = session.state().main?.snapshotFile ?? null;
	if (file === null)
		throw new CacheError('state-invalid', 'The store was not looked at when the job began, so what is new is not known.');
	return newSince(await readSnapshot(file), names).map((name) => `${store.storeDir}/${name}`);
}

/** The store paths that the input `paths` means: store paths, what lies inside of one, or links to them. */
async function namedRoots(
	lines: readonly string[],
	store: LocalStore,
	env: Session['runner']['env'],
): Promise<readonly string[]> {
	const found = await Promise.all(lines.map((line) => storePathOf(resolve(env.GITHUB_WORKSPACE ?? '.', line), line, store)));
	return [...new Set(found)];
}

async function storePathOf(file: string, line: string, store: LocalStore): Promise<string> {
	const logical = file.startsWith(`${store.storeDir}/`) ? store.realPath(file) : file;
	const target = await realpath(logical).catch(() => null);
	const inside = target === null ? null : relative(await realpath(store.realStoreDir), target);
	const name = inside?.split('/')[0] ?? '';
	if (inside === null || name === '' || name === '..') {
		throw new CacheError(
			'input-invalid',
			`paths: \`${line}\` is ${target === null ? 'not there' : 'not in the store'} at the end of the job.`,
			{
				hint: 'It takes store paths and links to them such as `result`, seen from the workspace.',
			},
		);
	}
	return `${store.storeDir}/${name}`;
}

async function findCandidates(
	store: LocalStore,
	roots: readonly string[],
	explicit: boolean,
	signal: AbortSignal,
): Promise<Candidates> {
	const { infos, invalid } = await store.closure(roots, signal);
	const valid = roots.filter((path) => infos.has(path));
	// A name that never was a path (the output of a failed build) is not a candidate. One that was named, or that is referred to, was.
	const left = new Set(explicit ? [] : await store.names());
	const vanished = [...invalid].filter((path) => !left.has(path.slice(store.storeDir.length + 1)));
	return { infos, roots: new Set(valid), vanished };
}

function rulesOf({ inputs, state }: Session): PushRules {
	const { include, exclude, maxPathSizeBytes, skipSignedBy, paths } = inputs;
	const wholeClosures = state().main?.pushTo === 'cache' && inputs.caches[0]?.kind === 'nix-copy';
	return { include, exclude, maxPathSizeBytes, skipSignedBy, explicitPaths: paths.length > 0, wholeClosures };
}

function factsOf({ inputs, state }: Session, storePaths: number, job: JobReads): ReportFacts {
	const [target] = inputs.caches;
	const main = state().main;
	const cache = main?.pushTo === 'actions-cache' || target?.kind === 'actions-cache' ? null : (target ?? null);
	return {
		cache: {
			kind: cache?.kind ?? 'actions-cache',
			label: cache === null ? 'the Actions cache' : cache.place,
			canPush: (main?.pushTo ?? null) !== null,
			whyNot: main?.whyNot ?? null,
		},
		served: job.served,
		storePaths,
		plan: null,
		result: null,
		findings: null,
		durationsMs: {},
		warnings: main?.warnings ?? [],
	};
}

function progressLine({ pathsDone, pathsTotal, bytesDone, bytesTotal, bytesPerSecond, remainingMs }: Progress): string {
	const rate = bytesPerSecond === null ? '' : `, ${formatBytes(bytesPerSecond)}/s`;
	const left = remainingMs === null || pathsDone === pathsTotal ? '' : `, about ${Math.ceil(remainingMs / 1000)} s left`;
	return `Pushed ${pathsDone} of ${pathsTotal} paths, ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}${rate}${left}`;
}

function effortOf({ inputs, state }: Session): Effort {
	const concurrency = inputs.concurrency === 'auto' ? AUTO_CONCURRENCY : inputs.concurrency;
	const { cacheFailed = false, pushTo = null } = state().main ?? {};
	const outage = cacheFailed && pushTo === 'cache';
	const patienceMs = outage ? 10_000 : Math.min(90_000, inputs.pushTimeoutMs / 2);
	return { concurrency, attempts: outage ? 3 : 8, patienceMs, connectTimeoutMs: 15_000 };
}

function isDryRun(env: Session['runner']['env']): boolean {
	return env.NIX_CACHE_ACTION_DRY_RUN === 'true' || env.NIX_CACHE_ACTION_DRY_RUN === '1';
}

function elapsed(sinceMs: number): number {
	return Math.round(performance.now() - sinceMs);
}
