import type { PackedNar } from '../backends/backend.ts';
import { isCacheError } from '../errors.ts';
import type { Job } from './jobs.ts';

interface Waiting {
	readonly job: Job;
	readonly wake: () => void;
}

/** NARs that wait on disk for their upload leave less room for the next one. One that finds none tries again when no other of the run lies there. */
export class DiskRoom {
	/** At work on their NAR, or done with it and not in the cache yet. */
	readonly #holding = new Set<Job>();
	readonly #waiting: Waiting[] = [];
	/** Has waited, and tries again. */
	#trying: Job | null = null;

	/** Somebody is short of room, so nothing new should take any. */
	get isShort(): boolean {
		return this.#trying !== null || this.#waiting.length > 0;
	}

	/** Throws what `pack` throws, and `signal.reason`. */
	async pack(job: Job, pack: (signal: AbortSignal) => Promise<PackedNar>, signal: AbortSignal): Promise<PackedNar> {
		for (this.#holding.add(job); ; await this.#turn(job, signal)) {
			try {
				return await pack(signal);
			} catch (error) {
				if (!isCacheError(error, 'disk-full') || this.#holding.size === 1) throw error;
			} finally {
				if (this.#trying === job) this.#trying = null;
			}
		}
	}

	/** Whatever the job had on disk is gone. */
	leave(job: Job): void {
		this.#holding.delete(job);
		if (this.#holding.size > 0) return;
		const next = this.#waiting.shift();
		if (next === undefined) return;
		this.#holding.add(next.job);
		this.#trying = next.job;
		next.wake();
	}

	async #turn(job: Job, signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		this.#holding.delete(job);
		const woken = Promise.withResolvers<void>();
		const entry = { job, wake: woken.resolve };
		this.#waiting.push(entry);
		const onAbort = (): void => {
			const at = this.#waiting.indexOf(entry);
			if (at !== -1) this.#waiting.splice(at, 1);
			woken.reject(signal.reason);
		};
		signal.addEventListener('abort', onAbort, { once: true });
		await woken.promise.finally(() => signal.removeEventListener('abort', onAbort));
	}
}
