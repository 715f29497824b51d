import { createCipheriv } from 'node:crypto';

/** Bytes without any order, the same for the same seed. */
export function randomBytesOf(sizeBytes: number, seed: number): Buffer {
	const key = Buffer.alloc(16);
	key.writeUInt32LE(seed);
	return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}
