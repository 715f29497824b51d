import { setTimeout as wait } from 'node:timers/promises';

/** Monotonic time; `sleep` ends early, without a throw, when `signal` aborts. */
export interface Clock {
	nowMs(): number;
	sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
	nowMs: () => performance.now(),
	async sleep(ms, signal) {
		// Only an abort rejects it.
		await wait(ms, undefined, { signal }).catch(() => {});
	},
};
