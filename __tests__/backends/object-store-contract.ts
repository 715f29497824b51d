import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/backends/object-store.ts';
import type { DivisibleBody } from '../../src/bodies/body.ts';
import { bodyOfBytes } from '../../src/bodies/in-memory.ts';
import { never } from '../http/peers/means.ts';

/** An empty store to try the contract on. */
export interface StoreUnderTest {
	readonly store: ObjectStore;
	dispose(): Promise<void>;
}

/** What every `ObjectStore` promises (src/backends/object-store.ts). */
export function objectStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
	describe(`${name} as an object store`, () => {
		let opened: StoreUnderTest;
		let store: ObjectStore;
		beforeEach(async () => {
			opened = await open();
			store = opened.store;
		});
		afterEach(async () => {
			await store.close();
			await opened.dispose();
		});

		const put = (key: string, body: DivisibleBody, signal = never) => store.put(key, body, 'application/octet-stream', signal);
		const get = async (key: string) => {
			const bytes = await store.get(key, 10e6, never);
			return bytes === null ? null : Buffer.from(bytes);
		};

		it('says null of what is not there', async () => {
			expect(await store.size('nar/none.nar.zst', never)).toBeNull();
			expect(await get('none.narinfo')).toBeNull();
		});

		it.each(['nix-cache-info', '0a1b.narinfo', 'nar/0a1b.nar.zst', 'log/a/b+c_d=e.drv'])(
			'gives back what was put at %s',
			async (key) => {
				const bytes = randomBytes(1000);
				await put(key, bodyOfBytes(bytes));
				expect(await get(key)).toEqual(bytes);
				expect([1000, -1]).toContain(await store.size(key, never));
			},
		);

		it('keeps objects apart', async () => {
			await put('a', bodyOfBytes(Buffer.from('1')));
			await put('nar/a', bodyOfBytes(Buffer.from('2')));
			expect([await get('a'), await get('nar/a')].map(String)).toEqual(['1', '2']);
		});

		it('replaces what was there', async () => {
			await put('a', bodyOfBytes(Buffer.from('a long text')));
			await put('a', bodyOfBytes(Buffer.from('short')));
			expect(String(await get('a'))).toBe('short');
		});

		it('takes an empty object', async () => {
			await put('empty', bodyOfBytes(new Uint8Array()));
			expect(await get('empty')).toEqual(Buffer.alloc(0));
			expect([0, -1]).toContain(await store.size('empty', never));
		});

		it('takes a body that is in no memory', async () => {
			const bytes = randomBytes(3_000_000);
			const parts = Array.from({ length: 30 }, (_, i) => bytes.subarray(i * 100_000, (i + 1) * 100_000));
			await put('nar/large', {
				...bodyOfBytes(bytes),
				bytes: null,
				stream: () => Readable.from(parts, { objectMode: false }),
			});
			expect((await get('nar/large'))?.equals(bytes)).toBe(true);
		});

		it('refuses to get more than the limit', async () => {
			await put('a', bodyOfBytes(Buffer.alloc(1001)));
			await expect(store.get('a', 1000, never)).rejects.toMatchObject({ name: 'CacheError' });
			expect((await store.get('a', 1001, never))?.length).toBe(1001);
		});

		it('shows the old bytes or the new ones while two put at once', async () => {
			const bodies = [Buffer.alloc(200_000, 'a'), Buffer.alloc(300_000, 'b')];
			await Promise.all(bodies.map((bytes) => put('a', bodyOfBytes(bytes))));
			const there = await get('a');
			expect(bodies.some((bytes) => there?.equals(bytes))).toBe(true);
		});

		it('takes many objects at once', async () => {
			const keys = Array.from({ length: 200 }, (_, i) => `nar/${i}`);
			await Promise.all(keys.map((key) => put(key, bodyOfBytes(Buffer.from(key)))));
			expect((await Promise.all(keys.map(get))).map(String)).toEqual(keys);
		});

		it('does nothing when it was cancelled before', async () => {
			const aborted = AbortSignal.abort();
			await expect(put('a', bodyOfBytes(Buffer.from('x')), aborted)).rejects.toMatchObject({ code: 'cancelled' });
			await expect(store.get('a', 10, aborted)).rejects.toMatchObject({ code: 'cancelled' });
			await expect(store.size('a', aborted)).rejects.toMatchObject({ code: 'cancelled' });
			expect(await get('a')).toBeNull();
		});

		it('has a label without credentials', () => {
			expect(store.label).not.toBe('');
			expect(store.label).not.toMatch(/@|pass|secret/);
		});
	});
}
