import type { PathInfo } from '../nix/path-info.ts';

/**
 * Pure: which paths of the store are this job's. On a store of its own that is all that came while it ran. On one that other jobs or people use at the same
 * time, it is what the job's journal and the job's own roots account for: the difference of the store holds their paths, too, and these must not get into
 * this job's cache.
 */

export interface Evidence {
	/** Full paths that the post-build hook noted. */
	readonly built: readonly string[];
	/** Full paths that came to the store since the job began. */
	readonly added: readonly string[];
	/** Full paths that this job's own links lead to (`result`, `--add-root`). */
	readonly rooted: readonly string[];
	/** At least of `rooted` and all that they refer to; only needed on a shared store. */
	readonly infos: ReadonlyMap<string, PathInfo>;
	readonly isShared: boolean;
}

/** Roots of the push, each once: full paths, valid or not. */
export function attribute({ built, added, rooted, infos, isShared }: Evidence): readonly string[] {
	if (!isShared) return [...new Set([...built, ...added])];
	const isAdded = new Set(added);
	// An old link in a workspace that is kept leads to what was there before this job.
	const reached = closureOf(rooted, infos).filter((path) => isAdded.has(path));
	return [...new Set([...built, ...reached])];
}

function closureOf(paths: readonly string[], infos: ReadonlyMap<string, PathInfo>): readonly string[] {
	const reached = new Set(paths);
	for (const path of reached) {
		for (const reference of infos.get(path)?.references ?? []) reached.add(reference);
	}
	return [...reached];
}

/** What can be known cheaply of who else uses the store. */
export interface Surroundings {
	/** `RUNNER_ENVIRONMENT`. */
	readonly runnerEnvironment: string | undefined;
	/** When the store's database was made; `null` when that is not known. */
	readonly storeMadeMs: number | null;
	/** When the job began, or a moment shortly after that. */
	readonly jobBeganMs: number;
}

export interface Sharing {
	readonly isShared: boolean;
	/** For people: ends the sentence "The store counts as shared (or not), because ...". */
	readonly because: string;
}

/**
 * A machine of GitHub's is this job's alone. Elsewhere a store that is older than the job may be used by other jobs at the same time; who really does can't
 * be seen (their builds run under the same users, in other containers, or begin later), so it counts as shared.
 */
export function findSharing({ runnerEnvironment, storeMadeMs, jobBeganMs }: Surroundings): Sharing {
	if (runnerEnvironment === 'github-hosted') return { isShared: false, because: "the machine is GitHub's, and this job's alone" };
	if (storeMadeMs !== null && storeMadeMs >= jobBeganMs) return { isShared: false, because: 'the store was made in this job' };
	return { isShared: true, because: 'the store is older than this job, on a machine that others may use' };
}
