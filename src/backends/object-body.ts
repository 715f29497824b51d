import { Readable } from 'node:stream';
import type { ObjectBody } from './object-store.ts';
import type { ByteRange } from './path-reader.ts';

/** A body that is in memory. */
export function bodyOfBytes(bytes: Uint8Array): ObjectBody {
	const within = (range?: ByteRange) => (range === undefined ? bytes : bytes.subarray(range.start, range.end + 1));
	return { sizeBytes: bytes.length, bytes, stream: (range) => Readable.from([within(range)], { objectMode: false }) };
}

/** A part of a body, itself a body. */
export function partOfBody(body: ObjectBody, range: ByteRange): ObjectBody {
	return {
		sizeBytes: range.end + 1 - range.start,
		bytes: body.bytes?.subarray(range.start, range.end + 1) ?? null,
		stream: () => body.stream(range),
	};
}

export function bodyOfText(text: string): ObjectBody {
	return bodyOfBytes(Buffer.from(text, 'utf8'));
}
