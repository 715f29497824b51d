import type { ErrorCode } from '../errors.ts';

/** Why a path cannot become readable in the cache; what needs it is withheld. */
export type WithholdingClass = 'excluded' | 'too-large' | 'vanished' | 'corrupt' | 'failed' | 'circular';

/** A path that is left out since it needs, maybe through others, one that readers would not find. */
export interface Withheld {
	readonly class: 'withheld';
	/** Full path of the first cause, not of the reference in between. */
	readonly culprit: string;
	readonly culpritClass: WithholdingClass;
}

/** What became of one path that the plan wanted to push. */
export type Outcome =
	| { readonly class: 'pushed'; readonly sentBytes: number }
	/** Its NAR has another hash or size than Nix recorded (invariant I2). */
	| { readonly class: 'corrupt'; readonly message: string }
	| { readonly class: 'vanished' }
	| { readonly class: 'failed'; readonly code: ErrorCode; readonly message: string }
	/** It was not complete when time was up, or something that it needs was not. */
	| { readonly class: 'out-of-time' }
	| Withheld;

/** One outcome for each path of `Plan.push`. */
export interface PushResult {
	readonly outcomes: ReadonlyMap<string, Outcome>;
	/** What made the run end early: an error that concerns the whole cache, said once. `null` when it ran to its end or out of time. */
	readonly stoppedBy: { readonly code: ErrorCode; readonly message: string; readonly hint: string | null } | null;
	readonly elapsedMs: number;
}

/** One path that was read back through the URL that readers use. */
export interface Finding {
	readonly path: string;
	/** `null` when all is well. */
	readonly problem: string | null;
}
