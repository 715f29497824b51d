import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
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
}

/** What every `Backend` promises (src/backends/backend.ts). */
export function backendContract(
	name: string,
	open: () => Promise<CacheUnderTest>,
	{ knowsNarHashes = true }: CacheTraits = {},
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

		const push = async (path: TestPath, to: Backend = backend) => (await to.prepare(path.info, sourceOf(path), never))(never);
		const state = async ({ info }: TestPath) => (await backend.presence([info], never)).get(info.path)?.state;

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
			expect(await state(path)).toBe('present');
			expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
		});

		it('tells a path with other contents apart', async () => {
			await push(pathOf('clock', 'built at 12:00'));
			expect(await state(pathOf('clock', 'built at 12:01'))).toBe(knowsNarHashes ? 'differs' : 'present');
			expect(await backend.readBack(pathOf('clock', 'built at 12:01').info, never)).toMatchObject({ ok: false });
		});

		it('finds a path that was never pushed to be a problem when it is read back', async () => {
			expect(await backend.readBack(pathOf('nothing').info, never)).toEqual({ ok: false, problem: expect.any(String) });
		});

		it('answers for every path that it is asked for', async () => {
			const paths = Array.from({ length: 150 }, (_, i) => pathOf(`path-${i}`));
			await Promise.all(paths.filter((_, i) => i % 3 === 0).map((path) => push(path)));
			const found = await backend.presence(
				paths.map(({ info }) => info),
				never,
			);
			expect(paths.map(({ info }) => found.get(info.path)?.state)).toEqual(
				paths.map((_, i) => (i % 3 === 0 ? 'present' : 'missing')),
			);
			expect(found.size).toBe(150);
			expect((await backend.presence([], never)).size).toBe(0);
		});

		it('is the same after two jobs pushed the same path, one after the other and at once', async () => {
			const other = await cache.job();
			const path = pathOf('shared', 'x'.repeat(5000));
			await push(path);
			await push(path, other);
			await Promise.all([push(path), push(path, other)]);
			expect(await state(path)).toBe('present');
			expect(await other.readBack(path.info, never)).toEqual({ ok: true });
			await other.close();
		});

		it('keeps the references of a path, its own among them', async () => {
			const library = pathOf('library');
			const program = pathOf('program', 'program', { deriver: '/nix/store/5rwxzi7pal3qhpsyfc16gzkh939q1np6-curl-7.82.0.drv' });
			const info = { ...program.info, references: [program.info.path, library.info.path].sort() };
			await push(library);
			await push({ ...program, info });
			expect(await backend.readBack(info, never)).toEqual({ ok: true });
			expect(await backend.readBack(program.info, never)).toMatchObject({ ok: false });
		});

		it('stops when it is cancelled', async () => {
			const { info } = pathOf('late');
			await expect(backend.presence([info], AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
			await expect(backend.check(false, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
		});
	});
}
