import type { BackendKind } from './backends/backend.ts';
import type { Finding, PushResult } from './push/outcome.ts';
import type { Plan, PlanClass } from './push/plan.ts';

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

/** The facts of one post phase. Durations in milliseconds. */
export interface ReportFacts {
	readonly cache: ReportCache;
	/** Valid or not, names in the store when the job ended. */
	readonly storePaths: number;
	/** `null` when nothing was planned (read-only, or it never came to that). */
	readonly plan: Plan | null;
	/** `null`: nothing was pushed (a dry run, or nothing to push). */
	readonly result: PushResult | null;
	/** `null`: not verified. */
	readonly findings: readonly Finding[] | null;
	readonly durationsMs: Readonly<Record<string, number>>;
	/** What was warned of during the job, in order. */
	readonly warnings: readonly string[];
}

export interface ReportCount {
	readonly paths: number;
	readonly narBytes: number;
}

/** What `report` names: the JSON file that post writes. Stable within a `version`. */
export interface Report {
	readonly version: 1;
	readonly cache: ReportCache;
	readonly storePaths: number;
	/** Only classes that occur. */
	readonly counts: Readonly<Partial<Record<ReportClass, ReportCount>>>;
	readonly sentBytes: number;
	readonly paths: readonly ReportedPath[];
	readonly stoppedBy: PushResult['stoppedBy'];
	readonly verification: { readonly checked: number; readonly problems: readonly Finding[] } | null;
	readonly durationsMs: Readonly<Record<string, number>>;
	readonly warnings: readonly string[];
}

export declare function makeReport(facts: ReportFacts): Report;

/** For the log; one line when nothing was new. */
export declare function reportLines(report: Report): readonly string[];

/** Markdown for the job summary, under 1 MiB whatever the report holds. */
export declare function reportSummary(report: Report): string;

export declare function reportJson(report: Report): string;
