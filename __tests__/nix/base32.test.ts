import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase32, encodeBase32 } from '../../src/nix/base32.ts';
import { bytes } from './arbitraries.ts';
import { goldenJson } from './golden.ts';
import { invalidMessage, unlessInvalid } from './hostile.ts';

const rows = goldenJson<readonly { readonly hex: string; readonly nix32: string }[]>('hashes.json');

describe('base 32', () => {
	it.each(rows)('writes $hex as Nix does', ({ hex, nix32 }) => {
		expect(encodeBase32(Buffer.from(hex, 'hex'))).toBe(nix32);
		expect(Buffer.from(decodeBase32(nix32)).toString('hex')).toBe(hex);
	});

	it('gives back the bytes that it wrote, whatever their number', () => {
		fc.assert(
			fc.property(bytes(0, 70), (value) => {
				expect(decodeBase32(encodeBase32(value))).toEqual(value);
			}),
		);
	});

	it('reads only what it would have written: every value has one spelling', () => {
		const text = fc.string({ unit: fc.constantFrom(...'0123456789abcdfghijklmnpqrsvwxyzeotuA!é'), maxLength: 60 });
		fc.assert(
			fc.property(text, (spelling) => {
				const value = unlessInvalid(() => decodeBase32(spelling));
				if (value !== null) expect(encodeBase32(value)).toBe(spelling);
			}),
		);
	});

	it.each(['e', 'o', 't', 'u', 'A', ' ', 'é', '\u{100}'])('refuses %j, which is no digit', (digit) => {
		expect(invalidMessage(() => decodeBase32(`0${digit}`))).toContain('is no digit');
	});

	it('refuses bits beyond the last byte', () => {
		expect(decodeBase32('7z')).toEqual(Uint8Array.of(255));
		expect(invalidMessage(() => decodeBase32('8z'))).toContain('first digit is too large');
	});

	it.each([1, 3, 6])('refuses %i digits, which no number of bytes has', (length) => {
		expect(invalidMessage(() => decodeBase32('0'.repeat(length)))).toContain(`no value has ${length} digits`);
	});
});
