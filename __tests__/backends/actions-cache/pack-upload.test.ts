import { expect, it } from 'vitest';
import type { CacheService } from '../../../src/backends/actions-cache/cache-service.ts';
import { uploadPack } from '../../../src/backends/actions-cache/pack-upload.ts';
import { bodyOfBytes } from '../../../src/bodies/in-memory.ts';
import { never } from '../../http/peers/means.ts';

/** Keys that were asked for; the first `taken` of them are there already. */
function serviceWith(taken: number) {
	const keys: string[] = [];
	const save: CacheService['save'] = async (key) => {
		keys.push(key);
		return keys.length <= taken ? 'exists' : 'saved';
	};
	// Nothing else is called.
	return { keys, service: { save } as CacheService };
}
const pack = { body: bodyOfBytes(new Uint8Array(8)), frames: 0, close: async () => undefined };

it('takes another key when one is reserved by a request whose answer was lost', async () => {
	const { keys, service } = serviceWith(2);
	const { key, sizeBytes } = await uploadPack(service, pack, 1, never);
	expect([key, sizeBytes]).toEqual([keys[2], 8]);
	expect(new Set(keys).size).toBe(3);
});

it('gives up when every key is taken', async () => {
	const { keys, service } = serviceWith(9);
	await expect(uploadPack(service, pack, 1, never)).rejects.toMatchObject({ code: 'cache-failing' });
	expect(keys.length).toBe(3);
});
