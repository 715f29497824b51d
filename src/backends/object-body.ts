import { Readable } from 'node:stream';
import type { DivisibleBody } from './object-store.ts';

/** A body that is in memory. */
export function bodyOfBytes(bytes: Uint8Array): DivisibleBody {
	return {
		sizeBytes: bytes.length,
		bytes,
		stream: () => Readable.from([bytes], { objectMode: false }),
		part: (start, end) => bodyOfBytes(bytes.subarray(start, end)),
	};
}

export function bodyOfText(text: string): DivisibleBody {
	return bodyOfBytes(Buffer.from(text, 'utf8'));
}
