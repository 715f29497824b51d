import type { BackendKind } from '../backends/backend.ts';
import type { PathInfo } from '../nix/path-info.ts';
import type { Finding, Outcome, PushResult } from '../push/outcome.ts';
import type { Plan, PlanClass, PlannedPath } from '../push/plan.ts';
import { formatBytes } from '../quantity.ts';
import { type ReportBuilt, whyBuilt } from './built.ts';
import { originOf, originsOf, type ReportOrigin } from './origins.ts';
import { withheldReason } from './words.ts';

/** What a path ended as: the plan's class, or what the pipeline made of a path that was to be pushed. */
export type ReportClass = Exclude<PlanClass, 'push'> | 'planned' | 'pushed' | 'corrupt' | 'failed' | 'out-of-time';

export interface ReportedPath {
	readonly path: string;
	readonly class: ReportClass;
	/** One sentence for people; `null` where the class says it all. */
	readonly reason: string | null;
	readonly narSizeBytes: number | null;
	/** Bytes sent for the NAR; `null` unless pushed. */
	readonly sentBytes: number | null;
}

/** Where Nix reads from and the job pushes to. */
export interface ReportCache {
	readonly kind: BackendKind;
	readonly label: string;
	readonly canPush: boolean;
	/** Why not, when it can't. */
	readonly whyNot: string | null;
}

/** What the job read from one cache through the local substituter. */
export interface ReportServed {
	readonly label: string;
	readonly paths: number;
	/** As they were sent, compressed. */
	readonly bytes: number;
	/** NARs that broke off. */
	readonly cut: number;
}

/** What became of the push to one cache. Durations in milliseconds. */
export interface CacheFacts {
	readonly cache: ReportCache;
	/** `null` when nothing was planned (read-only, or it never came to that). */
	readonly plan: Plan | null;
	/** Why the push could not begin; `null` when it could, or was not meant to. */
	readonly failure: PushResult['stoppedBy'];
	/** `null`: nothing was pushed (a dry run, or nothing to push). */
	readonly result: PushResult | null;
	/** `null`: not verified. */
	readonly findings: readonly Finding[] | null;
	/** Full paths that this cache had once and has no more. */
	readonly lost: ReadonlySet<string>;
	/** Full paths that this cache had without a signature that the job believes. */
	readonly untrusted: ReadonlySet<string>;
	/** Nix was told to read from it. */
	readonly isRead: boolean;
	readonly durationsMs: Readonly<Record<string, number>>;
}

/** What came to the store during the job, and what is known of it. */
export interface AddedFacts {
	/** Valid at the end of the job. */
	readonly infos: readonly PathInfo[];
	/** Hash parts of the paths whose NARs the local substituter sent. */
	readonly served: ReadonlySet<string>;
	/** Full paths whose derivations forbid substitution, of those that were built and that a cache has. */
	readonly forbidden: ReadonlySet<string>;
}

/** The facts of one post phase. */
export interface ReportFacts {
	/** In the order of the input `cache`. */
	readonly caches: readonly CacheFacts[];
	/** `null`: not known. */
	readonly added: AddedFacts | null;
	/** Failures of caches behind the local substituter, by code: how often. */
	readonly serveErrors: Readonly<Record<string, number>>;
	/** By cache; empty: no local substituter ran. */
	readonly served: readonly ReportServed[];
	/** Valid or not, names in the store when the job ended. */
	readonly storePaths: number;
	readonly durationsMs: Readonly<Record<string, number>>;
	/** What was warned of during the job, in order. */
	readonly warnings: readonly string[];
}

export interface BuiltPath {
	readonly path: string;
	readonly narSizeBytes: number;
}

export interface ReportCount {
	readonly paths: number;
	readonly narBytes: number;
}

export interface CacheReport {
	readonly cache: ReportCache;
	/** Only classes that occur. */
	readonly counts: Readonly<Partial<Record<ReportClass, ReportCount>>>;
	readonly sentBytes: number;
	readonly paths: readonly ReportedPath[];
	/** What was built in the job, by what is known of why; empty where the cache was not asked. */
	readonly built: readonly ReportBuilt[];
	/** What ended the push early, or kept it from beginning. */
	readonly stoppedBy: PushResult['stoppedBy'];
	readonly verification: { readonly checked: number; readonly problems: readonly Finding[] } | null;
	readonly durationsMs: Readonly<Record<string, number>>;
}

/** What the output `report` names: the JSON file that post writes. Stable within a `version`. */
export interface Report {
	readonly version: 1;
	/** What came to the store during the job, by where it came from; `null`: not known. */
	readonly origins: readonly ReportOrigin[] | null;
	/** What Nix built in the job, the largest first. */
	readonly built: readonly BuiltPath[];
	readonly caches: readonly CacheReport[];
	readonly served: readonly ReportServed[];
	readonly serveErrors: Readonly<Record<string, number>>;
	readonly storePaths: number;
	readonly durationsMs: Readonly<Record<string, number>>;
	readonly warnings: readonly string[];
}

export function makeReport({ caches, added, served, serveErrors, storePaths, durationsMs, warnings }: ReportFacts): Report {
	const origins = added === null ? null : originsOf({ added: added.infos, served: added.served, servedFrom: sentFrom(served) });
	const built = added === null ? [] : builtOf(added);
	const reports = caches.map((cache) => cacheReport(cache, built, added?.forbidden ?? new Set()));
	return {
		version: 1,
		origins,
		built: built.map(({ path, narSizeBytes }) => ({ path, narSizeBytes })),
		caches: reports,
		served,
		serveErrors,
		storePaths,
		durationsMs,
		warnings,
	};
}

/** The largest first. */
function builtOf({ infos, served }: AddedFacts): readonly PathInfo[] {
	return infos
		.filter((info) => originOf(info, served) === 'built')
		.sort((a, b) => b.narSizeBytes - a.narSizeBytes || (a.path < b.path ? -1 : 1));
}

function sentFrom(served: readonly ReportServed[]): readonly string[] {
	return served.filter(({ paths }) => paths > 0).map(({ label }) => label);
}

function cacheReport(facts: CacheFacts, built: readonly PathInfo[], forbidden: ReadonlySet<string>): CacheReport {
	const { cache, plan, failure, result, findings, lost, untrusted, isRead, durationsMs } = facts;
	const paths =
		plan === null ? [] : [...plan.paths.values()].map((planned) => reported(planned, result?.outcomes.get(planned.path) ?? null));
	const counts: Partial<Record<ReportClass, ReportCount>> = {};
	for (const path of paths) {
		const { paths: number, narBytes } = counts[path.class] ?? { paths: 0, narBytes: 0 };
		counts[path.class] = { paths: number + 1, narBytes: narBytes + (path.narSizeBytes ?? 0) };
	}
	return {
		cache,
		counts,
		sentBytes: paths.reduce((sum, path) => sum + (path.sentBytes ?? 0), 0),
		paths,
		built: whyBuilt({ built, plan, lost, untrusted, forbidden, isRead }),
		stoppedBy: failure ?? result?.stoppedBy ?? null,
		verification:
			findings === null ? null : { checked: findings.length, problems: findings.filter((finding) => finding.problem !== null) },
		durationsMs,
	};
}

function reported({ path, info, verdict }: PlannedPath, outcome: Outcome | null): ReportedPath {
	const common = { path, narSizeBytes: info?.narSizeBytes ?? null, sentBytes: null };
	switch (verdict.class) {
		case 'push':
			return { ...common, ...(outcome === null ? { class: 'planned', reason: null } : ended(outcome)) };
		case 'differs':
			return {
				...common,
				class: 'differs',
				reason: `The cache has it with the NAR hash ${verdict.narHash}: the build is not reproducible.`,
			};
		case 'signed-upstream':
			return { ...common, class: 'signed-upstream', reason: `Signed by ${verdict.keyName}.` };
		case 'upstream':
			return { ...common, class: 'upstream', reason: `${verdict.substituter} has it.` };
		case 'excluded':
			return {
				...common,
				class: 'excluded',
				reason: verdict.pattern === null ? 'No expression of `include` matches.' : `Matches ${verdict.pattern}.`,
			};
		case 'too-large':
			return { ...common, class: 'too-large', reason: `Larger than ${formatBytes(verdict.limitBytes)}.` };
		case 'withheld':
			return { ...common, class: 'withheld', reason: withheldReason(verdict) };
		case 'present':
		case 'derivation':
		case 'vanished':
			return { ...common, class: verdict.class, reason: null };
	}
}

function ended(outcome: Outcome): Pick<ReportedPath, 'class' | 'reason' | 'sentBytes'> {
	switch (outcome.class) {
		case 'pushed':
			return { class: 'pushed', reason: null, sentBytes: outcome.sentBytes };
		case 'corrupt':
		case 'failed':
			return { class: outcome.class, reason: outcome.message, sentBytes: null };
		case 'withheld':
			return { class: 'withheld', reason: withheldReason(outcome), sentBytes: null };
		case 'vanished':
		case 'out-of-time':
			return { class: outcome.class, reason: null, sentBytes: null };
	}
}

export function reportJson(report: Report): string {
	return `${JSON.stringify(report, null, '\t')}\n`;
}
