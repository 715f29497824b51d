import type { PathInfo } from '../nix/path-info.ts';
import type { Plan, Verdict } from '../push/plan.ts';

/**
 * What is known of why Nix built a path here although it could have read it from a cache: what that cache had of it when the job ended, before the push.
 *
 * - `not-there`: the cache did not have it. Its inputs changed, or no job has pushed it, or it was removed.
 * - `lost`: the cache had it once, and its bytes are gone (evicted).
 * - `untrusted`: the cache had it, and no key that the job trusts signed it.
 * - `forbidden`: the cache has it, and its derivation says that it is not to be substituted (`allowSubstitutes = false`).
 * - `differs`: the cache has it with other content: the build is not reproducible.
 * - `there`: the cache has it. Why Nix did not take it is not known; maybe it came only during the job, or no trusted key signed it, or the cache failed.
 * - `kept-out`: this workflow's rules keep it out (`include`, `exclude`, `max-path-size`, `skip-signed-by`), by itself or with what it needs.
 * - `not-read`: Nix was not told to read from this cache: it failed when the job began, or Nix could not be set up for it.
 */
export type WhyBuilt = 'not-there' | 'lost' | 'untrusted' | 'forbidden' | 'differs' | 'there' | 'kept-out' | 'not-read';

/** In the order in which they are shown: what people can do something about first. */
export const WHY_BUILT: readonly WhyBuilt[] = [
	'not-read',
	'kept-out',
	'lost',
	'untrusted',
	'differs',
	'there',
	'forbidden',
	'not-there',
];

/** Paths that were built in the job, for one reason and with one cache. */
export interface ReportBuilt {
	readonly why: WhyBuilt;
	/** Full paths, the largest first. */
	readonly paths: readonly string[];
	readonly narBytes: number;
}

export interface BuiltFacts {
	/** Paths that were built in the job, the largest first. */
	readonly built: readonly PathInfo[];
	/** What the cache said; `null`: it was not asked. */
	readonly plan: Plan | null;
	/** Full paths that the cache had once and has no more. */
	readonly lost: ReadonlySet<string>;
	/** Full paths that the cache has without a signature that the job believes. */
	readonly untrusted: ReadonlySet<string>;
	/** Full paths whose derivations forbid substitution, as far as that was looked at. */
	readonly forbidden: ReadonlySet<string>;
	/** Nix was told to read from the cache. */
	readonly isRead: boolean;
}

/** By reason; empty where the cache was not asked: then nothing is known. */
export function whyBuilt({ built, plan, lost, untrusted, forbidden, isRead }: BuiltFacts): readonly ReportBuilt[] {
	if (plan === null) return [];
	const groups = new Map<WhyBuilt, PathInfo[]>();
	for (const info of built) {
		const verdict = plan.paths.get(info.path)?.verdict;
		const missing = lost.has(info.path) ? 'lost' : untrusted.has(info.path) ? 'untrusted' : 'not-there';
		const why = verdict === undefined ? null : reasonOf(verdict, missing, forbidden.has(info.path));
		if (why === null) continue;
		const reason = isRead || why === 'forbidden' ? why : 'not-read';
		const group = groups.get(reason);
		if (group === undefined) groups.set(reason, [info]);
		else group.push(info);
	}
	return WHY_BUILT.flatMap((why) => {
		const infos = groups.get(why);
		return infos === undefined ? [] : [grouped(why, infos)];
	});
}

function grouped(why: WhyBuilt, infos: readonly PathInfo[]): ReportBuilt {
	return { why, paths: infos.map(({ path }) => path), narBytes: infos.reduce((sum, info) => sum + info.narSizeBytes, 0) };
}

function reasonOf(verdict: Verdict, missing: WhyBuilt, isForbidden: boolean): WhyBuilt | null {
	switch (verdict.class) {
		case 'push':
			return missing;
		case 'present':
			return isForbidden ? 'forbidden' : 'there';
		case 'differs':
			return isForbidden ? 'forbidden' : 'differs';
		case 'withheld':
		case 'excluded':
		case 'too-large':
		case 'signed-upstream':
			return 'kept-out';
		// What a substituter has and nobody here signed was not built here.
		case 'upstream':
		case 'derivation':
		case 'vanished':
			return null;
	}
}
