import { join } from 'node:path';
import { narFolderOf, temporaryName } from '../backends/file-store.ts';
import { createPacker } from '../push/packing.ts';
import { type PushRules, selectPaths } from '../push/plan.ts';
import { shareNars, unsharedNars } from '../push/shared-nars.ts';
import type { Report } from '../report/report.ts';
import type { LocalStore } from '../store/local-store.ts';
import { knownNetrc } from './configure.ts';
import { answersOf } from './early-question.ts';
import { jobReport } from './job-report.ts';
import { type Meeting, meeting } from './meeting.ts';
import { pushTimeoutMs } from './push-policy.ts';
import type { Session } from './session.ts';
import type { Stop } from './stop.ts';
import { askStore, findCandidates } from './store-question.ts';
import type { JobReads } from './substituter.ts';
import { cacheOf, createTargetPush, type PushMeans, type PushOrder, type TargetPush, untouched } from './target-push.ts';
import { createUpstreams } from './upstreams.ts';

/** What is up already, by index of the target: paths with the bytes sent for them. */
export type Done = ReadonlyMap<number, ReadonlyMap<string, number>>;

/**
 * Finds what the job added to the store, pushes it to every cache that takes it, reads it back. What goes wrong with one cache is in the report and holds up no
 * other. `startedMs`: when the time for it began. Throws when nothing can even begin.
 */
export async function pushNewPaths(
	session: Session,
	store: LocalStore,
	stop: Stop,
	job: JobReads,
	done: Done,
	startedMs = performance.now(),
): Promise<Report> {
	const deadlineMs = startedMs + pushTimeoutMs(session.inputs);
	return withPushes(
		session,
		store,
		stop,
		job,
		done,
		() => undefined,
		(pushes) => pushes.finish({ startedMs, deadlineMs }),
	);
}

type FinishOrder = Pick<PushOrder, 'startedMs' | 'deadlineMs'>;

/** The pushes of one process to all caches that take the job's paths. */
export interface Pushes {
	/** Pushes valid paths (full) with all that they refer to. Throws what asking the local store throws; a cache that fails is tried again at the end. */
	push(roots: readonly string[], order: Pick<PushOrder, 'drain'>): Promise<void>;
	/** Pushes what the job added to the store, as far as it is not up, and ends the push. */
	finish(order: FinishOrder): Promise<Report>;
}

/** Told of each path that is up: index of the target, path, bytes sent. */
export type OnPushed = (target: number, path: string, sentBytes: number) => void;

/** Opens the pushes for the time of `body`. Caches are asked when there is something for them. */
export async function withPushes<T>(
	session: Session,
	store: LocalStore,
	stop: Stop,
	job: JobReads,
	done: Done,
	onPushed: OnPushed,
	body: (pushes: Pushes) => Promise<T>,
): Promise<T> {
	const { inputs, state } = session;
	const folder = onlyFolder(session);
	const packer = createPacker({
		compression: inputs.compression,
		level: inputs.compressionLevel ?? (folder !== null && inputs.compression === 'zstd' ? FOLDER_LEVEL : null),
		spool:
			folder === null
				? { kind: 'own', folder: join(state().folder, 'spool') }
				: { kind: 'destination', folder: narFolderOf(folder), newName: temporaryName },
		realPath: store.realPath,
	});
	const netrc = () => knownNetrc(inputs, store, stop.signal);
	const upstreams = createUpstreams(session, store, netrc);
	const named = state().main?.targets ?? [];
	const nars = named.length > 1 ? shareNars(packer) : unsharedNars(packer);
	const means: PushMeans = { session, store, stop, job, netrc, upstreams, nars, expectNars: packer.expect };
	const targets = named.flatMap((target, index) =>
		target.whyNot === null
			? [
					createTargetPush({
						means,
						target,
						done: new Map(done.get(index)),
						onPushed: (path, sentBytes) => onPushed(index, path, sentBytes),
					}),
				]
			: [],
	);
	try {
		return await body({
			push: (roots, order) => pushSome(means, targets, roots, order),
			finish: (order) => finishAll(means, targets, order),
		});
	} finally {
		await Promise.all(targets.map((target) => target.close()));
		await packer.close();
	}
}

/** Of zstd, where no line carries the bytes: a level below the one for other caches takes 11 % less time for 7 % more bytes. */
const FOLDER_LEVEL = 1;

/** The folder that everything goes to, which can be packed right there; `null` when it goes elsewhere too. */
function onlyFolder({ inputs, state }: Session): string | null {
	const [target, ...others] = state().main?.targets ?? [];
	const line = others.length > 0 ? null : (target?.line ?? null);
	const cache = line === null ? undefined : inputs.caches[line];
	return cache?.kind === 'file' ? cache.folder : null;
}

/** The longest that a push during the job may take; the end of the job ends it earlier. */
const JOB_MS = 6 * 3_600_000;

async function pushSome(
	means: PushMeans,
	targets: readonly TargetPush[],
	roots: readonly string[],
	{ drain }: Pick<PushOrder, 'drain'>,
): Promise<void> {
	const { session, store, stop } = means;
	const { log } = session.runner;
	const startedMs = performance.now();
	const selection = selectPaths(await findCandidates(store, roots, false, stop.signal), rulesOf(session));
	const order = {
		selection,
		startedMs,
		deadlineMs: startedMs + JOB_MS,
		...(drain === undefined ? {} : { drain }),
		onProgress: log.debug,
	};
	const failures = await eachTarget(targets, (target, planned) =>
		target.push({ ...order, planned }).then(
			() => null,
			(error: unknown) => error,
		),
	);
	for (const failure of failures) if (failure !== null) log.debug(String(failure));
}

async function finishAll(
	means: PushMeans,
	targets: readonly TargetPush[],
	{ startedMs, deadlineMs }: FinishOrder,
): Promise<Report> {
	const { session, store, stop, job } = means;
	const { log } = session.runner;
	const signal = forLocalStore(stop, deadlineMs);
	const { main } = session.state();
	const question = { paths: session.inputs.paths, env: session.runner.env, main };
	const answers = answersOf(session.early, () => askStore(store, question, signal), signal);
	const [roots, names] = await Promise.all([answers.roots, answers.names]);
	if (roots.length > 0) for (const target of targets) target.expect(deadlineMs);
	const candidates = await answers.candidates;
	const selection = candidates === null ? null : selectPaths(candidates, rulesOf(session));
	const facts =
		selection === null
			? []
			: await eachTarget(targets, (target, planned) =>
					target.finish({
						selection,
						startedMs,
						deadlineMs,
						planned,
						onProgress: (line) =>
							log.info(targets.length > 1 ? `${cacheOf(session.inputs, target.target).label}: ${line}` : line),
					}),
				);
	const pushed = new Map(facts.map((cache, index) => [targets[index]?.target, cache]));
	const caches = (main?.targets ?? []).map((target) => pushed.get(target) ?? untouched(session, target));
	const { added } = answers;
	return jobReport({ session, store, stop, job, names, added, startedMs }, caches, selection?.candidates.infos ?? new Map());
}

/** What a job that was stopped may still take to find out what it has to report. */
const LOCAL_GRACE_MS = 3_000;

/** For questions to the local store: they are short, and the report needs the answers also when the push was stopped. */
function forLocalStore(stop: Stop, deadlineMs: number): AbortSignal {
	const late = new AbortController();
	const onStop = (): void => void setTimeout(() => late.abort(stop.signal.reason), LOCAL_GRACE_MS).unref();
	if (stop.signal.aborted) onStop();
	else stop.signal.addEventListener('abort', onStop, { once: true });
	const leftMs = Math.max(LOCAL_GRACE_MS, Math.floor(deadlineMs - performance.now()));
	return AbortSignal.any([late.signal, AbortSignal.timeout(leftMs)]);
}

/** All side by side; where plans are made, each waits shortly for the others, so that what several want is packed once. */
async function eachTarget<T>(
	targets: readonly TargetPush[],
	run: (target: TargetPush, planned: Meeting) => Promise<T>,
): Promise<readonly T[]> {
	const planned = meeting(targets.length);
	return Promise.all(targets.map((target) => run(target, planned).finally(planned.leave)));
}

function rulesOf({ inputs }: Session): PushRules {
	const { include, exclude, maxPathSizeBytes, skipSignedBy, paths } = inputs;
	return {
		include,
		exclude,
		maxPathSizeBytes,
		skipSignedBy,
		upstream: new Map(),
		explicitPaths: paths.length > 0,
		wholeClosures: false,
	};
}
