import type { Backend, NarSource } from '../backends/backend.ts';
import { CacheError, isCacheError } from '../errors.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { type Clock, systemClock } from '../waiting/cancel.ts';
import { DiskRoom } from './disk-room.ts';
import { Failures, outcomeOf } from './failures.ts';
import { decide, type Job, jobsOf } from './jobs.ts';
import type { Outcome, PushResult } from './outcome.ts';
import type { Plan } from './plan.ts';
import { type Progress, ProgressMeter } from './progress.ts';
import { Schedule } from './schedule.ts';

export type { Progress } from './progress.ts';

export interface PipelineOptions {
	readonly backend: Pick<Backend, 'prepare'>;
	/** `onRead` is to be told of bytes of the NAR as they are read. */
	readonly sourceOf: (info: PathInfo, onRead: (bytes: number) => void) => NarSource;
	/** Stop soon (the job was cancelled): begins nothing new, finishes what was begun within `graceMs`, then cuts. */
	readonly signal: AbortSignal;
	/** Begin nothing new, and finish what was begun: somebody else does the rest. */
	readonly drain?: AbortSignal;
	/** Time of `clock` after which nothing may be in flight any more. */
	readonly deadlineMs: number;
	/** How long before the deadline, or after `signal`, only what was begun is finished. Default 5,000. */
	readonly graceMs?: number;
	/** Paths in flight. */
	readonly concurrency: number | 'auto';
	/** Called every `progressEveryMs` (default 5,000) while something is under way, and at the end. */
	readonly onProgress?: (progress: Progress) => void;
	readonly progressEveryMs?: number;
	readonly clock?: Clock;
}

/**
 * Small paths cost round trips: 1,500 of them with two requests each at 20 ms are 2 s in 32 lanes. Nix's own client uses 25
 * connections, so no server is surprised.
 */
const AUTO_CONCURRENCY = 32;

const GRACE_MS = 5000;
const PROGRESS_EVERY_MS = 5000;
const TICK_MS = 1000;

/** How long calls that were aborted may take to come back. */
const SETTLE_MS = 2000;

/**
 * Pushes what the plan says: NARs in any order, large ones first; a path becomes visible only when all its references are
 * (invariant I1). A path that fails takes along what refers to it and nothing else; an error of the whole cache ends the run.
 * Does not throw for what a path or the cache does wrong: that is in the result, which has an outcome for each path of `plan.push`.
 */
export async function runPipeline(plan: Plan, options: PipelineOptions): Promise<PushResult> {
	return new PushRun(plan, options).run();
}

class PushRun {
	readonly #options: PipelineOptions;
	readonly #clock: Clock;
	readonly #jobs: readonly Job[];
	readonly #schedule: Schedule;
	readonly #lanes: number;
	/** Calls to the backend; a job may be in its second before the first is counted off. */
	#inFlight = 0;
	readonly #room = new DiskRoom();
	readonly #meter: ProgressMeter;
	/** Aborted: so is everything in flight. */
	readonly #cut = new AbortController();
	/** Ends the timers. */
	readonly #over = new AbortController();
	readonly #idle = Promise.withResolvers<void>();
	readonly #startedMs: number;
	/** Time at which nothing new is begun any more. */
	readonly #endMs: number;
	readonly #failures = new Failures();
	#stoppedBy: PushResult['stoppedBy'] = null;

	constructor(plan: Plan, options: PipelineOptions) {
		this.#options = options;
		this.#clock = options.clock ?? systemClock;
		this.#startedMs = this.#clock.nowMs();
		// A short time is not to be eaten up by its own end.
		const graceMs = Math.min(options.graceMs ?? GRACE_MS, (options.deadlineMs - this.#startedMs) / 4);
		this.#endMs = options.deadlineMs - Math.max(0, graceMs);
		this.#lanes = options.concurrency === 'auto' ? AUTO_CONCURRENCY : options.concurrency;
		this.#jobs = jobsOf(plan.push);
		this.#schedule = new Schedule(this.#jobs, {
			room: this.#room,
			nowMs: () => this.#clock.nowMs(),
			startedMs: this.#startedMs,
			endMs: this.#endMs,
			onTooLate: (job) => this.#decide(job, { class: 'out-of-time' }),
		});
		this.#meter = new ProgressMeter(
			this.#jobs.map(({ info }) => info.narSizeBytes),
			this.#startedMs,
		);
	}

	async run(): Promise<PushResult> {
		const { signal, drain, onProgress } = this.#options;
		const onStop = () => this.#stopSoon();
		const onDrain = () => this.#end();
		signal.addEventListener('abort', onStop, { once: true });
		drain?.addEventListener('abort', onDrain, { once: true });
		if (signal.aborted) onStop();
		if (drain?.aborted) onDrain();
		const ticking = this.#tick();
		this.#pump();
		await this.#idle.promise;
		this.#over.abort();
		await ticking;
		signal.removeEventListener('abort', onStop);
		drain?.removeEventListener('abort', onDrain);
		for (const job of this.#jobs) if (job.outcome === null) this.#decide(job, { class: 'out-of-time' });
		if (this.#jobs.length > 0) onProgress?.(this.#meter.progress(this.#clock.nowMs()));
		return {
			outcomes: new Map(this.#jobs.map((job) => [job.info.path, job.outcome ?? { class: 'out-of-time' }])),
			stoppedBy: this.#stoppedBy,
			elapsedMs: this.#clock.nowMs() - this.#startedMs,
		};
	}

	/** Begins as much as there is room for. */
	#pump(): void {
		while (!this.#cut.signal.aborted && this.#inFlight < this.#lanes) {
			const job = this.#schedule.next();
			if (job === null) break;
			this.#inFlight++;
			// Neither rejects: what goes wrong is the outcome of the job.
			void (job.publish === null ? this.#prepare(job) : this.#publish(job, job.publish)).finally(() => {
				this.#inFlight--;
				this.#pump();
			});
		}
		if (this.#inFlight === 0) this.#idle.resolve();
	}

	async #prepare(job: Job): Promise<void> {
		this.#schedule.preparing(job);
		try {
			const publish = await this.#options.backend.prepare(job.info, this.#sourceOf(job), signalOf(job));
			this.#failures.succeeded();
			this.#schedule.prepared(job);
			job.publish = publish;
			if (job.waitsFor === 0) this.#schedule.becomesPublishable(job);
		} catch (error) {
			this.#fail(job, error);
		} finally {
			this.#schedule.rests(job);
			this.#room.leave(job);
		}
	}

	async #publish(job: Job, publish: NonNullable<Job['publish']>): Promise<void> {
		this.#schedule.publishing(job);
		try {
			const { sentBytes } = await publish(signalOf(job));
			this.#failures.succeeded();
			this.#decide(job, { class: 'pushed', sentBytes });
			for (const dependant of job.dependants) {
				if (dependant.waitsFor === 0 && dependant.publish !== null) this.#schedule.becomesPublishable(dependant);
			}
		} catch (error) {
			this.#fail(job, error);
		} finally {
			this.#schedule.rests(job);
			this.#room.leave(job);
		}
	}

	/** The job's NAR, watched: how much was read counts as progress, and a NAR that is read makes room for the next large one. */
	#sourceOf(job: Job): NarSource {
		const read = (bytes: number): void => {
			const newBytes = Math.min(bytes, job.info.narSizeBytes - job.readBytes);
			job.readBytes += newBytes;
			if (job.outcome === null) this.#meter.add(0, newBytes / 2);
			if (job.readBytes === job.info.narSizeBytes && this.#schedule.wasRead(job)) this.#pump();
		};
		const source = this.#options.sourceOf(job.info, read);
		const readAll = (): void => read(job.info.narSizeBytes);
		return {
			raw: (signal) => source.raw(signal),
			packed: async (signal) => {
				const packed = await this.#room.pack(job, source.packed, signal);
				readAll();
				return packed;
			},
			async *chunks(isKnown, signal) {
				yield* source.chunks(isKnown, signal);
				readAll();
			},
		};
	}

	#decide(job: Job, outcome: Outcome): void {
		for (const { info, readBytes } of decide(job, outcome)) this.#meter.add(1, info.narSizeBytes - readBytes / 2);
	}

	#fail(job: Job, error: unknown): void {
		// Aborted, for a reason that is known already.
		if (job.outcome !== null) return;
		const outcome: Outcome = this.#cut.signal.aborted ? { class: 'out-of-time' } : outcomeOf(error);
		if (outcome.class === 'failed' && this.#failures.concernsAll(outcome.code)) this.#stop(outcome, error);
		else this.#decide(job, outcome);
	}

	/** Ends the run: whatever is not done fails for the same reason, which is said once. */
	#stop(outcome: Outcome & { class: 'failed' }, error: unknown): void {
		const { code, message } = outcome;
		this.#stoppedBy = isCacheError(error) ? { code, message: error.message, hint: error.hint } : { code, message, hint: null };
		for (const job of this.#jobs) job.outcome ??= outcome;
		this.#cutNow(error);
	}

	/** Looks at the clock about once a second: progress, order, end. */
	async #tick(): Promise<void> {
		const { onProgress, deadlineMs, progressEveryMs = PROGRESS_EVERY_MS } = this.#options;
		let progressMs = this.#startedMs + progressEveryMs;
		while (!this.#over.signal.aborted && !this.#cut.signal.aborted) {
			const nowMs = this.#clock.nowMs();
			this.#meter.sample(nowMs);
			if (nowMs >= deadlineMs) this.#cutNow(new CacheError('deadline', 'The time for uploads is over.'));
			else if (nowMs >= this.#endMs) this.#end();
			else this.#mindTheOrder(nowMs);
			if (nowMs >= progressMs) {
				progressMs = nowMs + progressEveryMs;
				onProgress?.(this.#meter.progress(nowMs));
			}
			const nextMs = Math.min(nowMs + TICK_MS, progressMs, this.#schedule.isEnding ? deadlineMs : this.#endMs);
			await this.#clock.sleep(Math.max(1, nextMs - nowMs), this.#over.signal);
		}
	}

	#mindTheOrder(nowMs: number): void {
		const remainingMs = this.#meter.remainingMs(nowMs);
		if (remainingMs !== null && nowMs + remainingMs > this.#endMs) this.#schedule.goInClosureOrder();
	}

	#stopSoon(): void {
		this.#end();
		const graceMs = this.#options.graceMs ?? GRACE_MS;
		void this.#clock.sleep(graceMs, this.#over.signal).then(() => {
			if (!this.#over.signal.aborted) this.#cutNow(new CacheError('cancelled', 'The push was cancelled.'));
		});
	}

	#end(): void {
		this.#schedule.end();
		this.#pump();
	}

	#cutNow(reason: unknown): void {
		this.#schedule.end();
		this.#cut.abort(reason);
		for (const { abort } of this.#jobs) abort?.abort(reason);
		if (this.#inFlight === 0) this.#idle.resolve();
		// What does not listen to its signal is not waited for.
		void this.#clock.sleep(SETTLE_MS, this.#over.signal).then(() => this.#idle.resolve());
	}
}

function signalOf(job: Job): AbortSignal {
	job.abort ??= new AbortController();
	return job.abort.signal;
}
