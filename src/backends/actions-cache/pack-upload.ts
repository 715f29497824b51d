import { randomBytes } from 'node:crypto';
import { CacheError } from '../../errors.ts';
import type { CacheService } from './cache-service.ts';
import { packKey } from './format/keys.ts';
import type { Pack } from './format/model.ts';
import type { FinishedPack } from './pack-file.ts';

/** Stores a pack under a key that nobody else has. @param nowS seconds since 1970. Throws what the service throws. */
export async function uploadPack(
	service: CacheService,
	{ body }: FinishedPack,
	nowS: number,
	signal: AbortSignal,
): Promise<Pack> {
	const key = packKey(randomBytes(20).toString('hex'));
	if ((await service.save(key, body, signal)) === 'exists')
		throw new CacheError('cache-failing', `The new key ${key} is taken already.`);
	return { key, sizeBytes: body.sizeBytes, createdAt: nowS };
}
