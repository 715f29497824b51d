import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CacheError } from '../../src/errors.ts';
import { createEncoder } from '../../src/push/encoder.ts';
import { createWorkerPool, type WorkerPool } from '../../src/push/worker-pool.ts';

let pool: WorkerPool;
beforeEach(() => {
	pool = createWorkerPool(1);
});
afterEach(() => pool.close());

/** Frames of which much is left when the first output is handed on. */
const frames = [1, 2, 3].map(() => new Uint8Array(randomBytes(2 * 1024 * 1024)));

describe.each(['zstd', 'gzip', 'br', 'xz', 'none'] as const)('an encoder for %s', (compression) => {
	it('tells every write that waits what the sink failed with, also when that takes time', async () => {
		const full = new CacheError('disk-full', 'No space left.');
		const encoder = createEncoder(compression, 1, pool, async () => {
			await new Promise((resolve) => setTimeout(resolve, 50));
			throw full;
		});
		const writes = await Promise.allSettled(frames.map((frame) => encoder.write(frame)));
		encoder.abort();
		expect(writes.at(-1)).toEqual({ status: 'rejected', reason: full });
	});

	it('lets go of every write when it is aborted', async () => {
		const sinking = Promise.withResolvers<void>();
		const encoder = createEncoder(compression, 1, pool, () => sinking.promise);
		const writes = Promise.allSettled(frames.map((frame) => encoder.write(frame)));
		await new Promise((resolve) => setTimeout(resolve, 50));
		encoder.abort();
		sinking.resolve();
		expect((await writes).length).toBe(frames.length);
	});
});
