import { CacheError } from '../errors.ts';
import type { ObjectBody } from './object-store.ts';

/** The body in pieces of `partBytes` (the last one may be shorter), each in memory of its own. What is not asked for is not read. */
export async function* partsOf(body: ObjectBody, partBytes: number): AsyncGenerator<Uint8Array, void, void> {
	let part = Buffer.allocUnsafe(Math.min(partBytes, body.sizeBytes));
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
			part = Buffer.allocUnsafe(Math.min(partBytes, leftBytes));
			filled = 0;
		}
	}
	if (leftBytes !== 0) throw new CacheError('internal', `A body ended ${leftBytes} bytes too early.`);
}
