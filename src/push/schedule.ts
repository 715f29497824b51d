import type { DiskRoom } from './disk-room.ts';
import type { Job } from './jobs.ts';

/** Larger NARs cost processor, memory and disk, and have lanes of their own beside those of the small ones. */
const LARGE_BYTES = 8 * 1024 * 1024;

/**
 * Large NARs that are read at a time. The next one begins when the last byte of the one before is read, so no thread waits for work; more at a time would only
 * be ready later, and lie on disk meanwhile.
 */
const READING_LARGE = 1;

/** Large NARs in flight, packed or not: what lies in the spool. */
const LARGE_IN_FLIGHT = 6;

export interface ScheduleOptions {
	/** While somebody is short of it, nothing new is read. */
	readonly room: Pick<DiskRoom, 'isShort'>;
	readonly nowMs: () => number;
	readonly startedMs: number;
	/** Time at which nothing new is begun any more. */
	readonly endMs: number;
	/** Told of jobs that can't be done by then. */
	readonly onTooLate: (job: Job) => void;
}

/** What of a push is to begin next, going by what is under way. Of a job with an outcome nothing begins. */
export class Schedule {
	readonly #options: ScheduleOptions;
	/** Next at the end. */
	readonly #large: Job[];
	readonly #small: Job[];
	readonly #publishable: Job[] = [];
	/** Publishable and large, for a cache that takes the NAR only in that step. */
	readonly #unread: Job[] = [];
	readonly #reading = new Set<Job>();
	readonly #largeInFlight = new Set<Job>();
	#largeDoneBytes = 0;
	#isEnding = false;
	#inClosureOrder = false;

	constructor(jobs: readonly Job[], options: ScheduleOptions) {
		this.#options = options;
		this.#large = jobs.filter(isLarge).sort((a, b) => a.info.narSizeBytes - b.info.narSizeBytes);
		// References first: what comes early becomes visible early, and whenever the run ends it was not for nothing.
		this.#small = jobs.filter((job) => !isLarge(job)).reverse();
	}

	get isEnding(): boolean {
		return this.#isEnding;
	}

	/** From now on no NAR is begun. */
	end(): void {
		this.#isEnding = true;
	}

	/** `null`: there is nothing, or no room for it. What can become visible goes first: it ends the wait of others. */
	next(): Job | null {
		return this.#nextPublishable() ?? this.#nextToPrepare();
	}

	/** All that the job refers to is visible, and its NAR is where the cache wants it by then. */
	becomesPublishable(job: Job): void {
		(isUnread(job) ? this.#unread : this.#publishable).push(job);
	}

	preparing(job: Job): void {
		if (!isLarge(job)) return;
		this.#reading.add(job);
		this.#largeInFlight.add(job);
	}

	publishing(job: Job): void {
		if (isUnread(job)) this.#largeInFlight.add(job);
	}

	/** The NAR is read to its end. Whether that makes room for the next one. */
	wasRead(job: Job): boolean {
		return this.#reading.delete(job);
	}

	/** The cache has what it wants before the job becomes visible. */
	prepared(job: Job): void {
		if (isLarge(job) && job.readBytes > 0) this.#largeDoneBytes += job.info.narSizeBytes;
	}

	/** Neither prepared nor published at this moment. */
	rests(job: Job): void {
		this.#reading.delete(job);
		this.#largeInFlight.delete(job);
	}

	/** When there is not enough time for everything: whole closures, one after another, in place of the largest NARs. */
	goInClosureOrder(): void {
		if (this.#inClosureOrder) return;
		this.#inClosureOrder = true;
		for (const queue of [this.#large, this.#small]) queue.sort((a, b) => b.index - a.index);
	}

	#nextPublishable(): Job | null {
		const mayRead = !this.#isEnding && this.#largeInFlight.size < LARGE_IN_FLIGHT;
		return (mayRead ? takeOpen(this.#unread) : null) ?? takeOpen(this.#publishable);
	}

	#nextToPrepare(): Job | null {
		if (this.#isEnding || this.#options.room.isShort) return null;
		const hasRoom = this.#reading.size < READING_LARGE && this.#largeInFlight.size < LARGE_IN_FLIGHT;
		return (hasRoom ? this.#takeFrom(this.#large) : null) ?? this.#takeFrom(this.#small);
	}

	#takeFrom(queue: Job[]): Job | null {
		for (let job = queue.pop(); job !== undefined; job = queue.pop()) {
			if (job.outcome !== null) continue;
			if (this.#canFinish(job)) return job;
			this.#options.onTooLate(job);
		}
		return null;
	}

	/**
	 * Whether a large NAR that is begun now can be done before the end, going by what was done of large ones since the start. Those under way are taken to be half
	 * done: read, and not uploaded.
	 */
	#canFinish(job: Job): boolean {
		if (!isLarge(job) || this.#largeDoneBytes === 0) return true;
		const { startedMs, endMs } = this.#options;
		const nowMs = this.#options.nowMs();
		const halfBytes = [...this.#largeInFlight].reduce((sum, { info }) => sum + info.narSizeBytes / 2, 0);
		const bytesPerMs = (this.#largeDoneBytes + halfBytes) / (nowMs - startedMs);
		return nowMs + (halfBytes + job.info.narSizeBytes) / bytesPerMs <= endMs;
	}
}

function isLarge(job: Job): boolean {
	return job.info.narSizeBytes > LARGE_BYTES;
}

/** Whether all of a large NAR is still to be read. */
function isUnread(job: Job): boolean {
	return isLarge(job) && job.readBytes === 0;
}

/** The first that nothing was decided on meanwhile. */
function takeOpen(queue: Job[]): Job | null {
	for (let job = queue.shift(); job !== undefined; job = queue.shift()) if (job.outcome === null) return job;
	return null;
}
