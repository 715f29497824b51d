import { CacheError } from '../../errors.ts';
import { bodyOfBytes } from '../object-body.ts';
import type { CacheService } from './cache-service.ts';
import { indexEncoder } from './format/index-writer.ts';
import { indexKey } from './format/keys.ts';
import type { IndexHeader, StoreIndex } from './format/model.ts';
import type { IndexChain } from './index-chain.ts';

/** Twenty jobs that end at the same time are refused nineteen times at most. */
const MOST_TRIES = 40;

/**
 * Saves `index` as the next one of the chain. A number that another job takes first is passed over, and named as open. Throws what the service throws, and
 * `cache-failing` when there is no end to it.
 */
export async function saveIndex(
	service: CacheService,
	chain: IndexChain,
	index: StoreIndex,
	header: Pick<IndexHeader, 'createdAt' | 'writer'>,
	signal: AbortSignal,
): Promise<number> {
	const openSlots = [...chain.openSlots];
	const encode = indexEncoder(index);
	for (let slot = chain.lastSlot + 1; slot <= chain.lastSlot + MOST_TRIES; slot++) {
		const bytes = encode({ ...header, slot, openSlots });
		const key = indexKey(chain.ref, slot);
		if ((await service.save(key, bodyOfBytes(bytes), signal)) === 'saved' && (await isOurs(service, key, bytes, signal)))
			return slot;
		openSlots.push(slot);
	}
	throw new CacheError(
		'cache-failing',
		`Other jobs took ${MOST_TRIES} index numbers in a row, so this job's index was not saved.`,
	);
}

/** Where a second entry of one key is taken, the newer one hides ours. */
async function isOurs(service: CacheService, key: string, bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
	if (service.refusesDuplicates) return true;
	const stream = await (await service.lookup({ key }, signal))?.read(null, signal);
	if (!stream) return false;
	const parts: Uint8Array[] = [];
	for await (const part of stream) parts.push(part);
	return Buffer.concat(parts).equals(bytes);
}
