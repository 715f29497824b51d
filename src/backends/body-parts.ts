import { CacheError } from '../errors.ts';
import type { ObjectBody } from './object-store.ts';

/**
 * The body in pieces of `partBytes` (the last one may be shorter). What is not asked for is not read.
 * @param allocate gives the memory for a piece; called once for each, when it is asked for
 */
export async function* partsOf(
	body: ObjectBody,
	partBytes: number,
	allocate: (bytes: number) => Uint8Array = Buffer.allocUnsafe,
): AsyncGenerator<Uint8Array, void, void> {
	let part = allocate(Math.min(partBytes, body.sizeBytes));
	let filled = 0;
	let leftBytes = body.sizeBytes;
	for await (const chunk of body.stream()) {
		let bytes: Uint8Array = chunk;
		while (bytes.length > 0) {
			const taken = Math.min(bytes.length, part.length - filled);
			part.set(bytes.subarray(0, taken), filled);
			filled += taken;
			leftBytes -= taken;
			bytes = bytes.subarray(taken);
			if (filled < part.length) continue;
			yield part;
			part = allocate(Math.min(partBytes, leftBytes));
			filled = 0;
		}
	}
	if (leftBytes !== 0) throw new CacheError('internal', `A body ended ${leftBytes} bytes too early.`);
}
