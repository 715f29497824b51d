import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/waiting/cancel.ts';

interface Timer {
	readonly atMs: number;
	readonly wake: () => void;
}

/** Time that passes only when nothing else is left to do, so hours take no time and every run is the same. */
export class VirtualClock implements Clock {
	#nowMs = 1000;
	readonly #timers = new Set<Timer>();

	nowMs(): number {
		return this.#nowMs;
	}

	sleep(ms: number, signal: AbortSignal): Promise<void> {
		if (signal.aborted) return Promise.resolve();
		return new Promise((resolve) => {
			const timer: Timer = {
				atMs: this.#nowMs + ms,
				wake: () => {
					this.#timers.delete(timer);
					signal.removeEventListener('abort', timer.wake);
					resolve();
				},
			};
			this.#timers.add(timer);
			signal.addEventListener('abort', timer.wake, { once: true });
		});
	}

	/** Lets time pass until `promise` settles. */
	async run<T>(promise: Promise<T>): Promise<T> {
		let settled = false;
		const watched = promise.finally(() => {
			settled = true;
		});
		watched.catch(() => {});
		while (!settled) {
			await setImmediate();
			if (settled) break;
			const next = [...this.#timers].reduce<Timer | null>((a, b) => (a === null || b.atMs < a.atMs ? b : a), null);
			if (next === null) throw new Error('nothing is left to wait for');
			this.#nowMs = Math.max(this.#nowMs, next.atMs);
			next.wake();
		}
		return watched;
	}
}
