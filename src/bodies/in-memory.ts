import { createHash } from 'node:crypto';
import type { BodyPart, DivisibleBody } from './body.ts';

/** A body that is in memory. */
export function bodyOfBytes(bytes: Uint8Array): DivisibleBody {
	return {
		sizeBytes: bytes.length,
		bytes,
		moveTo: null,
		async *stream() {
			yield bytes;
		},
		part: (start, end) => partOfBytes(bytes.subarray(start, end)),
	};
}

function partOfBytes(bytes: Uint8Array): BodyPart {
	return { ...bodyOfBytes(bytes), md5: async () => createHash('md5').update(bytes).digest() };
}

export function bodyOfText(text: string): DivisibleBody {
	return bodyOfBytes(Buffer.from(text, 'utf8'));
}
