import type { Backend, NarSource } from '../backends/backend.ts';
import type { PathInfo } from '../nix/path-info.ts';
import type { PushResult } from './outcome.ts';
import type { Plan } from './plan.ts';

export interface Progress {
	readonly pathsDone: number;
	readonly pathsTotal: number;
	/** Sizes are those of the NARs, uncompressed. */
	readonly bytesDone: number;
	readonly bytesTotal: number;
	/** `null` until enough was measured. */
	readonly bytesPerSecond: number | null;
	readonly remainingMs: number | null;
}

/** Monotonic time; `sleep` ends early, without a throw, when `signal` aborts. */
export interface Clock {
	nowMs(): number;
	sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface PipelineOptions {
	readonly backend: Pick<Backend, 'prepare'>;
	readonly sourceOf: (info: PathInfo) => NarSource;
	/** Stop soon (the job was cancelled): begins nothing new, finishes what is complete within `graceMs`, then cuts. */
	readonly signal: AbortSignal;
	/** Time of `clock` after which nothing may be in flight any more. */
	readonly deadlineMs: number;
	/** How long before the deadline, or after `signal`, only what was begun is finished. Default 5,000. */
	readonly graceMs?: number;
	/** Requests in flight. */
	readonly concurrency: number | 'auto';
	/** Called every `progressEveryMs` (default 5,000) while something is under way, and at the end. */
	readonly onProgress?: (progress: Progress) => void;
	readonly progressEveryMs?: number;
	readonly clock?: Clock;
}

/** Pushes what the plan says. Does not throw for what a path or the cache does wrong: that is in the result. */
export declare function runPipeline(plan: Plan, options: PipelineOptions): Promise<PushResult>;
