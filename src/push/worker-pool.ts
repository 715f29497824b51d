import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CacheError } from '../errors.ts';
import { FRAME_WORKER, type WorkerReply, type WorkerTask } from './frame-worker.ts';

/** Threads that run tasks in the order in which they were given, each on the first that is free. */
export interface WorkerPool {
	readonly size: number;
	/** Starts so many threads ahead of their tasks, `size` at most: each takes 40 ms, which others may wait for anyway. */
	start(count: number): void;
	/** Rejects with `internal` when the task fails or its thread dies; the next task gets a new thread. */
	run(task: WorkerTask): Promise<Uint8Array>;
	/** Ends the threads; tasks that are not done are rejected. */
	close(): Promise<void>;
}

interface Job {
	readonly task: WorkerTask;
	readonly resolve: (bytes: Uint8Array) => void;
	readonly reject: (error: CacheError) => void;
}

interface Thread {
	readonly worker: Worker;
	job: Job | null;
}

/**
 * Beside the bundle lies the compiled file, beside the sources the source. The name is put together here, where the bundler does
 * not see it: it would move the file and rename it.
 */
function workerFile(): string {
	const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
	return join(import.meta.dirname, ['frame-worker', extension].join('.'));
}

/** Small heaps: frames and what becomes of them lie outside. */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

/** Starts no thread before the first task, and never more than `size`. */
export function createWorkerPool(size: number, file: string = workerFile()): WorkerPool {
	const threads = new Set<Thread>();
	const waiting: Job[] = [];
	let closed = false;

	function startThread(): Thread {
		const worker = new Worker(file, { workerData: FRAME_WORKER, env: {}, execArgv: [], resourceLimits: HEAP_LIMITS });
		const thread: Thread = { worker, job: null };
		worker.on('message', (reply: WorkerReply) => {
			const job = thread.job;
			thread.job = null;
			if ('bytes' in reply) job?.resolve(reply.bytes);
			else job?.reject(new CacheError('internal', `Packing a frame failed: ${reply.error}.`));
			next();
		});
		worker.on('error', (error) => died(thread, error.message));
		worker.on('exit', (code) => died(thread, `exit code ${code}`));
		threads.add(thread);
		return thread;
	}

	function died(thread: Thread, why: string): void {
		if (!threads.delete(thread)) return;
		thread.job?.reject(new CacheError('internal', `A thread that packs frames ended: ${why}.`));
		thread.job = null;
		next();
	}

	function next(): void {
		while (!closed && waiting.length > 0) {
			const idle = [...threads].find((thread) => thread.job === null) ?? (threads.size < size ? startThread() : null);
			const job = idle === null ? undefined : waiting.shift();
			if (idle === null || job === undefined) return;
			idle.job = job;
			idle.worker.postMessage(job.task satisfies WorkerTask);
		}
	}

	return {
		size,
		start(count) {
			while (!closed && threads.size < Math.min(count, size)) startThread();
		},
		run: (task) =>
			new Promise((resolve, reject) => {
				if (closed) return reject(new CacheError('internal', 'The threads that pack frames have been ended.'));
				waiting.push({ task, resolve, reject });
				next();
			}),
		async close() {
			closed = true;
			const unfinished = [...waiting.splice(0), ...[...threads].flatMap((thread) => thread.job ?? [])];
			const workers = [...threads].map((thread) => thread.worker);
			threads.clear();
			for (const job of unfinished) job.reject(new CacheError('cancelled', 'Packing was ended.'));
			await Promise.all(workers.map((worker) => worker.terminate()));
		},
	};
}
