import type { Publish } from '../backends/backend.ts';
import type { PathInfo } from '../nix/path-info.ts';
import type { Outcome } from './outcome.ts';

/** One path on its way into the cache. */
export interface Job {
	readonly info: PathInfo;
	/** Place in the plan: references come before. */
	readonly index: number;
	/** Jobs of paths that refer to this one. */
	readonly dependants: readonly Job[];
	/** Aborts what is under way for it: it can't be published any more, or the run is over. `null` until something was begun. */
	abort: AbortController | null;
	/** References that readers can't see yet. */
	waitsFor: number;
	/** There once the cache has what it needs before the references are there. */
	publish: Publish | null;
	/** Bytes of the NAR that were read so far. */
	readBytes: number;
	/** `null` until it is decided; never changes after that. */
	outcome: Outcome | null;
}

/** Jobs for the paths of a plan, linked by their references. What is not in `push` can be read already, and no path waits for itself. */
export function jobsOf(push: readonly PathInfo[]): readonly Job[] {
	const byPath = new Map<string, Job & { readonly dependants: Job[] }>();
	for (const [index, info] of push.entries()) {
		byPath.set(info.path, {
			info,
			index,
			dependants: [],
			abort: null,
			waitsFor: 0,
			publish: null,
			readBytes: 0,
			outcome: null,
		});
	}
	for (const job of byPath.values()) {
		for (const reference of new Set(job.info.references)) {
			const referred = byPath.get(reference);
			if (referred === undefined || referred === job) continue;
			referred.dependants.push(job);
			job.waitsFor++;
		}
	}
	return [...byPath.values()];
}

/**
 * Decides a job, and with it those that now can't become visible any more. Answers with all jobs that were decided by this; a job that
 * was decided before stays as it was.
 */
export function decide(job: Job, outcome: Outcome): readonly Job[] {
	if (job.outcome !== null) return [];
	job.outcome = outcome;
	const decided = [job];
	if (outcome.class === 'pushed') {
		for (const dependant of job.dependants) dependant.waitsFor--;
		return decided;
	}
	const withheld = outcomeOfDependants(job, outcome);
	// Grows while it is walked.
	for (const { dependants } of decided) {
		for (const dependant of dependants) {
			if (dependant.outcome !== null) continue;
			dependant.outcome = withheld;
			dependant.abort?.abort();
			decided.push(dependant);
		}
	}
	return decided;
}

function outcomeOfDependants({ info }: Job, outcome: Exclude<Outcome, { class: 'pushed' }>): Outcome {
	switch (outcome.class) {
		case 'corrupt':
		case 'failed':
		case 'vanished':
			return { class: 'withheld', culprit: info.path, culpritClass: outcome.class };
		case 'withheld':
		case 'out-of-time':
			return outcome;
	}
}
