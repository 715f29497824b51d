import { CacheError } from '../errors.ts';
import { quote } from './quote.ts';

/** Nix's base 32: the digits and letters without `e`, `o`, `t` and `u` (nix/src/libutil/base-nix-32.hh). */
const ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz';

const CODES = Buffer.from(ALPHABET);

const NO_DIGIT = 255;

/** Character code (below 128) to digit value. */
const DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (let digit = 0; digit < ALPHABET.length; digit++) DIGITS[ALPHABET.charCodeAt(digit)] = digit;

/** How many characters encode `byteLength` bytes. */
function textLength(byteLength: number): number {
	return Math.ceil((byteLength * 8) / 5);
}

/**
 * Nix32: the bytes read as one little-endian number, written with the most significant digit first. So the character `n` places
 * from the right end holds the bits `5n` to `5n + 4`.
 */
export function encodeBase32(bytes: Uint8Array): string {
	const length = textLength(bytes.length);
	const text = Buffer.allocUnsafe(length);
	// What was read of the bytes and not written yet.
	let bits = 0;
	let bitCount = 0;
	let index = 0;
	for (let at = length - 1; at >= 0; at--) {
		if (bitCount < 5) {
			bits |= (bytes[index++] ?? 0) << bitCount;
			bitCount += 8;
		}
		text[at] = CODES[bits & 31] ?? 0;
		bits >>= 5;
		bitCount -= 5;
	}
	return text.toString('latin1');
}

/**
 * Inverse of `encodeBase32`; the length of the text gives that of the bytes. Throws `format-invalid` on a character outside the
 * alphabet, a length that no whole number of bytes has, and set bits beyond the last byte: every value has one spelling.
 */
export function decodeBase32(text: string): Uint8Array {
	const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
	if (textLength(bytes.length) !== text.length) {
		throw new CacheError('format-invalid', `${quote(text)} is not base 32 as Nix writes it: no value has ${text.length} digits.`);
	}
	for (let place = 0; place < text.length; place++) {
		const at = text.length - 1 - place;
		const digit = DIGITS[text.charCodeAt(at)] ?? NO_DIGIT;
		if (digit === NO_DIGIT) {
			throw new CacheError(
				'format-invalid',
				`${quote(text)} is not base 32 as Nix writes it: ${quote(text.charAt(at))} is no digit.`,
			);
		}
		const bit = place * 5;
		const index = bit >> 3;
		const shifted = digit << (bit & 7);
		bytes[index] = (bytes[index] ?? 0) | (shifted & 255);
		const carry = shifted >> 8;
		if (carry === 0) continue;
		if (index + 1 >= bytes.length) {
			throw new CacheError('format-invalid', `${quote(text)} is not base 32 as Nix writes it: its first digit is too large.`);
		}
		bytes[index + 1] = (bytes[index + 1] ?? 0) | carry;
	}
	return bytes;
}
