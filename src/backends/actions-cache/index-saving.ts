import { bodyOfBytes } from '../../bodies/in-memory.ts';
import { CacheError } from '../../errors.ts';
import { systemClock, throwIfAborted } from '../../waiting/cancel.ts';
import type { CacheService } from './cache-service.ts';
import { indexEncoder } from './format/index-writer.ts';
import { indexKey, indexPrefix, slotOfIndexKey } from './format/keys.ts';
import type { IndexHeader, StoreIndex } from './format/model.ts';
import type { IndexChain } from './index-chain.ts';

/** Forty jobs that end at the same moment. */
const MOST_TRIES = 40;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4_000;

/**
 * Saves `index` as the next one of the chain. A number that another job takes first is passed over, and named as open: after a short wait, in which others that
 * are refused too spread, the newest number that is there is looked up, so that twenty jobs at the same moment try a few times each and not twenty. Throws
 * what the service throws, and `cache-failing` when there is no end to it.
 */
export async function saveIndex(
	service: CacheService,
	chain: IndexChain,
	index: StoreIndex,
	header: Pick<IndexHeader, 'createdAt' | 'writer'>,
	signal: AbortSignal,
): Promise<number> {
	const encode = indexEncoder(index);
	let slot = chain.lastSlot + 1;
	for (let refusals = 0; refusals < MOST_TRIES; refusals++) {
		const passedOver = Array.from({ length: slot - chain.lastSlot - 1 }, (_, number) => chain.lastSlot + 1 + number);
		const bytes = encode({ ...header, slot, openSlots: [...chain.openSlots, ...passedOver] });
		const key = indexKey(chain.ref, slot);
		if ((await service.save(key, bodyOfBytes(bytes), signal)) === 'saved' && (await isOurs(service, key, bytes, signal)))
			return slot;
		await systemClock.sleep(Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** refusals), signal);
		throwIfAborted(signal, 'Saving the index');
		slot = Math.max(slot, await newestSlot(service, chain.ref, signal)) + 1;
	}
	throw new CacheError(
		'cache-failing',
		`Other jobs took ${MOST_TRIES} index numbers in a row, so this job's index was not saved.`,
	);
}

async function newestSlot(service: CacheService, ref: string, signal: AbortSignal): Promise<number> {
	const newest = await service.lookup({ newestOf: indexPrefix(ref) }, signal);
	return newest === null ? 0 : (slotOfIndexKey(newest.key, ref) ?? 0);
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
