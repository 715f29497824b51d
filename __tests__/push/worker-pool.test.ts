import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { createWorkerPool, type WorkerPool } from '../../src/push/worker-pool.ts';
import { someBytes } from './narrator.ts';

const pools: WorkerPool[] = [];
afterEach(async () => {
	for (const pool of pools.splice(0)) await pool.close();
});

function poolOf(...args: Parameters<typeof createWorkerPool>): WorkerPool {
	const pool = createWorkerPool(...args);
	pools.push(pool);
	return pool;
}

function shared(bytes: Uint8Array): Uint8Array {
	const frame = new Uint8Array(new SharedArrayBuffer(bytes.length));
	frame.set(bytes);
	return frame;
}

test('each task gets its own answer, whichever thread did it', async () => {
	const pool = poolOf(2);
	const inputs = Array.from({ length: 20 }, (_, index) => someBytes(100_000 - index * 4000, index + 1));
	const answers = await Promise.all(inputs.map((bytes) => pool.run({ kind: 'zstd', level: 1, frame: shared(bytes) })));
	for (const [index, bytes] of inputs.entries()) {
		expect(Buffer.compare(zstdDecompressSync(answers[index] ?? Buffer.alloc(0)), bytes)).toBe(0);
	}
});

test('a task that fails is an error for its asker, and the thread goes on', async () => {
	const pool = poolOf(1);
	const frame = shared(someBytes(100));
	await expect(pool.run({ kind: 'gzip', level: 99, frame })).rejects.toMatchObject({ code: 'internal' });
	expect(zstdDecompressSync(await pool.run({ kind: 'zstd', level: 1, frame })).length).toBe(100);
});

test('a hash that goes on at another place than it stopped is an error, not another hash', async () => {
	const pool = poolOf(1);
	const frame = shared(someBytes(100));
	await pool.run({ kind: 'hash', stream: 7, offsetBytes: 0, frame });
	await expect(pool.run({ kind: 'hash', stream: 7, offsetBytes: 0, frame })).rejects.toMatchObject({ code: 'internal' });
	await expect(pool.run({ kind: 'digest', stream: 8, offsetBytes: 100 })).rejects.toMatchObject({ code: 'internal' });
});

test('a thread that dies is an error for its task, not a hang, and the tasks after it get another thread', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'pool-'));
	const file = join(folder, 'worker.mjs');
	const lines = [
		"import { parentPort } from 'node:worker_threads';",
		"parentPort.on('message', (task) => { if (task.level === 13) process.exit(3); if (task.level === 14) throw new Error('boom');",
		'parentPort.postMessage({ bytes: new Uint8Array([task.level]) }); });',
	];
	await writeFile(file, lines.join('\n'));
	const pool = poolOf(1, file);
	const run = (level: number) => pool.run({ kind: 'zstd', level, frame: new Uint8Array(0) });
	const answers = await Promise.allSettled([run(1), run(13), run(2), run(14), run(3)]);
	expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']);
	expect(answers[1]).toMatchObject({ reason: { code: 'internal', message: expect.stringContaining('exit code 3') } });
	expect(answers[3]).toMatchObject({ reason: { code: 'internal', message: expect.stringContaining('boom') } });
	await rm(folder, { recursive: true });
});

test('a worker file that is not there is an error, not a hang', async () => {
	await expect(
		poolOf(1, '/nowhere/frame-worker.js').run({ kind: 'zstd', level: 1, frame: new Uint8Array(0) }),
	).rejects.toMatchObject({
		code: 'internal',
	});
});

test('closing ends what is under way and refuses what comes later', async () => {
	const pool = poolOf(1);
	const frame = shared(someBytes(1_000_000));
	const running = [1, 2, 3].map(() => pool.run({ kind: 'zstd', level: 19, frame }));
	const settled = Promise.allSettled(running);
	await pool.close();
	expect((await settled).map((answer) => answer.status)).toEqual(['rejected', 'rejected', 'rejected']);
	await expect(pool.run({ kind: 'zstd', level: 1, frame })).rejects.toMatchObject({ code: 'internal' });
});
