import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { never } from '../http/peers/means.ts';
import { pathOf, sourceOf, type TestPath } from './peers/paths.ts';

/** An empty cache that may be written and takes paths of `STORE_DIR`. */
export interface CacheUnderTest {
	/** One more job's view of the same cache; closed by the test. */
	job(): Promise<Backend>;
	dispose(): Promise<void>;
}

/** Where caches differ. */
export interface CacheTraits {
	/** Its answer on what is there tells NAR hashes too; true if not said. */
	readonly knowsNarHashes?: boolean;
	/** Paths of one job become visible together, when the job ends its push; false if not said. */
	readonly takesTogether?: boolean;
	/** Each question goes to the cache, and can be cancelled. Else what a job read at its start is the answer; true if not said. */
	readonly asksAnew?: boolean;
}

/** What every `Backend` promises (src/backends/backend.ts). */
export function backendContract(
	name: string,
	open: () => Promise<CacheUnderTest>,
	{ knowsNarHashes = true, takesTogether = false, asksAnew = true }: CacheTraits = {},
): void {
	describe(`${name} as a backend`, () => {
		let cache: CacheUnderTest;
		let backend: Backend;
		beforeEach(async () => {
			cache = await open();
			backend = await cache.job();
			await backend.check(true, never);
		});
		afterEach(async () => {
			await backend.close();
			await cache.dispose();
		});

		/** In one job for all of the test, or in one of its own where a job pushes but once. */
		const inJob = async <T>(body: (job: Backend) => Promise<T>): Promise<T> => {
			if (!takesTogether) return body(backend);
			const job = await cache.job();
			try {
				await job.check(true, never);
				return await body(job);
			} finally {
				await job.close();
			}
		};
		const pushTo = async (job: Backend, paths: readonly TestPath[]): Promise<void> => {
			await Promise.all(paths.map(async (path) => (await job.prepare(path.info, sourceOf(path), never))(never)));
			expect(await job.finish(never)).toEqual(new Map());
		};
		const push = (...paths: readonly TestPath[]) => inJob((job) => pushTo(job, paths));
		const state = ({ info }: TestPath) => inJob(async (job) => (await job.presence([info], never)).get(info.path)?.state);
		const readBack = (info: PathInfo) => inJob((job) => job.readBack(info, never));

		it('can be read by Nix once it was checked by someone who may write', async () => {
			expect(await backend.check(false, never)).toMatchObject({ readable: true, note: null, whyNoPush: null });
			const { substituters, throughUs } = backend.reads();
			expect(substituters.length > 0).toBe(!throughUs);
		});

		it('shows a path only when it was published, not when it was prepared', async () => {
			const path = pathOf('hello');
			expect(await state(path)).toBe('missing');
			const publish = await backend.prepare(path.info, sourceOf(path), never);
			expect(await state(path)).toBe('missing');
			const { sentBytes } = await publish(never);
			expect(sentBytes).toBeGreaterThan(0);
			expect(await state(path)).toBe(takesTogether ? 'missing' : 'present');
			expect(await backend.finish(never)).toEqual(new Map());
			expect(await state(path)).toBe('present');
			expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
		});

		it('tells a path with other contents apart', async () => {
			await push(pathOf('clock', 'built at 12:00'));
			expect(await state(pathOf('clock', 'built at 12:01'))).toBe(knowsNarHashes ? 'differs' : 'present');
			expect(await readBack(pathOf('clock', 'built at 12:01').info)).toMatchObject({ ok: false });
		});

		it('finds a path that was never pushed to be a problem when it is read back', async () => {
			expect(await readBack(pathOf('nothing').info)).toEqual({ ok: false, problem: expect.any(String) });
		});

		it('answers for every path that it is asked for', async () => {
			const paths = Array.from({ length: 150 }, (_, i) => pathOf(`path-${i}`));
			await push(...paths.filter((_, i) => i % 3 === 0));
			const all = paths.map(({ info }) => info);
			const found = await inJob((job) => job.presence(all, never));
			expect(paths.map(({ info }) => found.get(info.path)?.state)).toEqual(
				paths.map((_, i) => (i % 3 === 0 ? 'present' : 'missing')),
			);
			expect(found.size).toBe(150);
			expect((await backend.presence([], never)).size).toBe(0);
		});

		it('is the same after two jobs pushed the same path, one after the other and at once', async () => {
			const [other, third] = [await cache.job(), await cache.job()];
			const path = pathOf('shared', 'x'.repeat(5000));
			await push(path);
			await pushTo(other, [path]);
			await Promise.all([push(path), pushTo(third, [path])]);
			expect(await state(path)).toBe('present');
			expect(await other.readBack(path.info, never)).toEqual({ ok: true });
			await other.close();
			await third.close();
		});

		it('keeps the references of a path, its own among them', async () => {
			const library = pathOf('library');
			const program = pathOf('program', 'program', { deriver: '/nix/store/5rwxzi7pal3qhpsyfc16gzkh939q1np6-curl-7.82.0.drv' });
			const info = { ...program.info, references: [program.info.path, library.info.path].sort() };
			await push(library);
			await push({ ...program, info });
			expect(await readBack(info)).toEqual({ ok: true });
			expect(await readBack(program.info)).toMatchObject({ ok: false });
		});

		it('stops when it is cancelled', async () => {
			const path = pathOf('late');
			const cancelled = AbortSignal.abort();
			if (asksAnew) {
				await expect(backend.presence([path.info], cancelled)).rejects.toMatchObject({ code: 'cancelled' });
				await expect(backend.check(false, cancelled)).rejects.toMatchObject({ code: 'cancelled' });
			}
			const publish = async (): Promise<unknown> => {
				await (await backend.prepare(path.info, sourceOf(path), cancelled))(cancelled);
				return backend.finish(cancelled);
			};
			await expect(publish()).rejects.toMatchObject({ code: 'cancelled' });
			expect(await state(path)).toBe('missing');
		});
	});
}
