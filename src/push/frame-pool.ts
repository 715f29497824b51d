import { CacheError } from '../errors.ts';
import type { NarFrameOptions } from '../store/nar.ts';

/** A fixed number of buffers that threads can share: the bound on the memory of packing (invariant I6). */
export interface FramePool {
	readonly frameBytes: number;
	/** A free buffer of `frameBytes`, in the order of asking. Throws `signal.reason` when that comes first. */
	take(signal: AbortSignal): Promise<Uint8Array>;
	/** Gives a buffer back, or any view of one. */
	give(frame: Uint8Array): void;
}

/** Buffers are made when first needed. */
export function createFramePool(count: number, frameBytes: number): FramePool {
	const free: Uint8Array[] = [];
	const lent = new Map<ArrayBufferLike, Uint8Array>();
	const waiting: ((frame: Uint8Array) => void)[] = [];

	function lend(frame: Uint8Array): Uint8Array {
		lent.set(frame.buffer, frame);
		return frame;
	}

	return {
		frameBytes,
		async take(signal) {
			signal.throwIfAborted();
			const frame = free.pop();
			if (frame !== undefined) return lend(frame);
			if (lent.size < count) return lend(new Uint8Array(new SharedArrayBuffer(frameBytes)));
			return new Promise((resolve, reject) => {
				const onAbort = () => {
					waiting.splice(waiting.indexOf(onFrame), 1);
					reject(signal.reason);
				};
				const onFrame = (given: Uint8Array) => {
					signal.removeEventListener('abort', onAbort);
					resolve(lend(given));
				};
				waiting.push(onFrame);
				signal.addEventListener('abort', onAbort, { once: true });
			});
		},
		give(view) {
			const frame = lent.get(view.buffer);
			if (frame === undefined) throw new CacheError('internal', 'A frame was given back twice.');
			lent.delete(view.buffer);
			const next = waiting.shift();
			if (next !== undefined) next(frame);
			else free.push(frame);
		},
	};
}

/** The frames that are under way for one NAR. They come back to the pool when the caller's signal aborts or a use fails, too. */
export interface FrameLoan {
	/** Reads with frames of the pool; each is for one `use`. */
	fill(read: (options: NarFrameOptions) => AsyncGenerator<Uint8Array, void, void>): AsyncGenerator<Uint8Array, void, void>;
	/** The frame goes back to the pool when all of `uses` are over, well or not. */
	use(frame: Uint8Array, uses: readonly Promise<void>[]): void;
	/** Waits for all uses; throws what failed first. */
	settled(): Promise<void>;
	/** What the first use that failed was rejected with; `null` when none did. */
	failure(): unknown;
	/** Waits for all uses and gives everything back, also frames that were taken and never used. */
	close(): Promise<void>;
}

export function borrowFrames(pool: FramePool, signal: AbortSignal): FrameLoan {
	const failed = new AbortController();
	const either = AbortSignal.any([signal, failed.signal]);
	const taken = new Map<ArrayBufferLike, Uint8Array>();
	const pending = new Set<Promise<void>>();

	async function track(frame: Uint8Array, uses: readonly Promise<void>[]): Promise<void> {
		const failure = (await Promise.allSettled(uses)).find((use) => use.status === 'rejected');
		if (failure !== undefined) failed.abort(failure.reason);
		taken.delete(frame.buffer);
		pool.give(frame);
	}

	async function take(): Promise<Uint8Array> {
		const frame = await pool.take(either);
		taken.set(frame.buffer, frame);
		return frame;
	}

	return {
		async *fill(read) {
			let spare: Uint8Array | null = null;
			const allocate = (): Uint8Array => {
				if (spare === null) throw new CacheError('internal', 'A reader wanted two frames at once.');
				const frame = spare;
				spare = null;
				return frame;
			};
			const frames = read({ frameBytes: pool.frameBytes, allocate, signal: either });
			try {
				for (;;) {
					// Readers can't wait for a frame, so there is one before they ask.
					spare ??= await take();
					const next = await frames.next();
					if (next.done === true) return;
					yield next.value;
				}
			} finally {
				await frames.return();
			}
		},
		use(frame, uses) {
			const done: Promise<void> = track(frame, uses).finally(() => pending.delete(done));
			pending.add(done);
		},
		async settled() {
			await Promise.all(pending);
			failed.signal.throwIfAborted();
		},
		failure: () => (failed.signal.aborted ? failed.signal.reason : null),
		async close() {
			await Promise.all(pending);
			for (const frame of taken.values()) pool.give(frame);
			taken.clear();
		},
	};
}
