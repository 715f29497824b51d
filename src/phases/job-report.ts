import type { PathInfo } from '../nix/path-info.ts';
import { type CacheFacts, makeReport, type Report } from '../report/report.ts';
import type { LocalStore } from '../store/local-store.ts';
import { findAdded } from './added-paths.ts';

import type { Session } from './session.ts';
import type { Stop } from './stop.ts';
import { addedSince } from './store-question.ts';
import type { JobReads } from './substituter.ts';
import { untouched } from './target-push.ts';

/** What every report of a post phase needs. Times are those of `performance.now()`. */
export interface JobEnd {
	readonly session: Session;
	readonly store: LocalStore;
	readonly stop: Stop;
	readonly job: JobReads;
	/** Of the store now. */
	readonly names: readonly string[];
	/** Full paths that came to it during the job; `null` when that is not known. */
	readonly added: Promise<readonly string[] | null>;
	readonly startedMs: number;
}

/** What the end of the job has to tell. `known`: what was learned of the store for the push. */
export async function jobReport(
	{ session, store, stop, job, names, added: paths, startedMs }: JobEnd,
	caches: readonly CacheFacts[],
	known: ReadonlyMap<string, PathInfo>,
): Promise<Report> {
	const added = await findAdded({ session, store, job, paths, known, caches, signal: stop.signal });
	return makeReport({
		caches,
		added,
		served: job.served,
		serveErrors: job.errors,
		storePaths: names.length,
		durationsMs: { total: Math.round(performance.now() - startedMs) },
		warnings: session.state().main?.warnings ?? [],
	});
}

/** Of a job that pushes nothing: what came from where. */
export async function reportOnReads(session: Session, store: LocalStore, stop: Stop, job: JobReads): Promise<Report> {
	const startedMs = performance.now();
	const naming = store.names();
	const added = addedSince(session.state().main?.snapshotFile ?? null, store, naming);
	added.catch(() => undefined);
	const end = { session, store, stop, job, names: await naming, added, startedMs };
	const targets = session.state().main?.targets ?? [];
	return jobReport(
		end,
		targets.map((target) => untouched(session, target)),
		new Map(),
	);
}
