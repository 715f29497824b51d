import { randomBytes } from 'node:crypto';
import { CacheError } from '../../errors.ts';
import type { CacheService } from './cache-service.ts';
import { packKey } from './format/keys.ts';
import type { Pack } from './format/model.ts';
import type { FinishedPack } from './pack-file.ts';

/** When the answer to a reservation is lost, the request that is sent once more finds the key taken, and by nobody. */
const KEYS = 3;

/** Stores a pack under a key that nobody else has. @param nowS seconds since 1970. Throws what the service throws. */
export async function uploadPack(
	service: CacheService,
	{ body }: FinishedPack,
	nowS: number,
	signal: AbortSignal,
): Promise<Pack> {
	for (let left = KEYS; left > 0; left--) {
		const key = packKey(randomBytes(20).toString('hex'));
		if ((await service.save(key, body, signal)) === 'saved') return { key, sizeBytes: body.sizeBytes, createdAt: nowS };
	}
	throw new CacheError('cache-failing', `${KEYS} new keys were taken already.`, {
		hint: "The service of GitHub's cache reserves keys and does not answer: try again later.",
	});
}
