import { CacheError } from '../errors.ts';

/** Standard base 64 with padding, as Nix writes hashes, keys and signatures. */
export function encodeBase64(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/**
 * Decodes canonical base 64: padded, no white space, no stray bits, so that every value has one spelling. Throws `format-invalid`
 * with a message that names `what` and never shows the text, which may be a secret.
 */
export function decodeBase64(text: string, what: string): Uint8Array {
	const bytes = Buffer.from(text, 'base64');
	if (bytes.toString('base64') !== text) throw new CacheError('format-invalid', `${what} is not valid base 64.`);
	return new Uint8Array(bytes);
}
