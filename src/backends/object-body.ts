import { Readable } from 'node:stream';
import type { ObjectBody } from './object-store.ts';

/** A body that is in memory. */
export function bodyOfBytes(bytes: Uint8Array): ObjectBody {
	return { sizeBytes: bytes.length, bytes, stream: () => Readable.from([bytes], { objectMode: false }) };
}

export function bodyOfText(text: string): ObjectBody {
	return bodyOfBytes(Buffer.from(text, 'utf8'));
}
