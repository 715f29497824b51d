import type { Log } from '../log.ts';
import { runKeeper } from './keeper.ts';
import { isWorker, runWorker, type Served } from './worker.ts';

export interface RunDaemonOptions {
	/** The one that `startDaemon` was given. */
	readonly folder: string;
	/** Opens the cache from what `startDaemon` was given, a JSON value. `signal` aborts when the process is to end. Called in the worker only. */
	readonly open: (handover: unknown, signal: AbortSignal) => Promise<Served>;
	readonly log: Log;
	readonly times?: Partial<DaemonTimes> | undefined;
}

export interface DaemonTimes {
	/** Between two looks: have the statistics changed, is the folder still there? */
	readonly lookMs: number;
	/** After this the process ends, whatever happens. */
	readonly lifeMs: number;
	/** For requests that run at the end, and for closing the cache. */
	readonly closeMs: number;
}

/** A job has at most six hours on GitHub's machines, and five days on one's own (GitHub's documentation, "Usage limits for self-hosted runners"). */
export const DEFAULT_TIMES: DaemonTimes = { lookMs: 2_000, lifeMs: (5 * 24 + 1) * 3_600_000, closeMs: 1_500 };

/**
 * The background process, which is two: the keeper, the one that `startDaemon` started, and its worker, the same program once more, which opens the cache and
 * serves it. Both listen on the same socket. Should the worker be killed (an out-of-memory killer takes the larger process, and those of a step before all
 * others), the keeper lets clients wait and starts another one; should the keeper be killed, the worker goes on. For Nix fails the build when a substituter that it
 * knows disappears.
 *
 * Ends on SIGTERM and SIGINT, when its folder has gone, and after a lifetime. Returns when all is closed and the last statistics are written; what the process
 * may still have open then is the caller's to end. @throws CacheError when it can't begin
 */
export async function runDaemon(options: RunDaemonOptions): Promise<void> {
	const times = { ...DEFAULT_TIMES, ...options.times };
	if (isWorker()) await runWorker({ ...options, times });
	else await runKeeper({ ...options, times });
}
