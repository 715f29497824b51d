import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestText, equalHash, foldHash, formatHash, type HashAlgorithm, parseHash } from '../../src/nix/hash.ts';
import { bytes, hash } from './arbitraries.ts';
import { goldenJson } from './golden.ts';
import { invalidMessage, mutations, unlessInvalid } from './hostile.ts';

interface Row {
	readonly algorithm: HashAlgorithm;
	readonly hex: string;
	readonly nix32: string;
	readonly sri: string;
}

const rows = goldenJson<readonly Row[]>('hashes.json');
const empty = 'sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73';

describe('hashes', () => {
	it.each(rows)('$sri has the same spellings as in Nix', ({ algorithm, hex, nix32, sri }) => {
		const value = parseHash(sri);
		expect(formatHash(value, 'hex')).toBe(`${algorithm}:${hex}`);
		expect(formatHash(value, 'nix32')).toBe(`${algorithm}:${nix32}`);
		expect(formatHash(value, 'sri')).toBe(sri);
		expect(digestText(value, 'hex')).toBe(hex);
		expect(digestText(value, 'nix32')).toBe(nix32);
		const base64 = sri.slice(algorithm.length + 1);
		for (const text of [
			`${algorithm}:${hex}`,
			`${algorithm}:${hex.toUpperCase()}`,
			`${algorithm}:${nix32}`,
			`${algorithm}:${base64}`,
		]) {
			expect(parseHash(text)).toEqual(value);
		}
		for (const text of [hex, nix32, base64, sri]) expect(parseHash(text, algorithm)).toEqual(value);
	});

	it('come back from every spelling', () => {
		fc.assert(
			fc.property(hash, fc.constantFrom('nix32', 'hex', 'sri'), (value, form) => {
				expect(equalHash(parseHash(formatHash(value, form)), value)).toBe(true);
			}),
		);
	});

	it('are refused for nothing but their format, however they are mutilated', () => {
		const spellings = rows.flatMap(({ algorithm, hex, nix32, sri }) => [`${algorithm}:${hex}`, `${algorithm}:${nix32}`, sri]);
		fc.assert(
			fc.property(fc.constantFrom(...spellings).chain(mutations), (text) => {
				const value = unlessInvalid(() => parseHash(text));
				if (value !== null) expect(parseHash(formatHash(value, 'nix32'))).toEqual(value);
			}),
		);
	});

	it('are told apart by algorithm and digest', () => {
		const value = parseHash(empty);
		expect(equalHash(value, parseHash(formatHash(value, 'hex')))).toBe(true);
		expect(equalHash(value, { ...value, digest: new Uint8Array(32) })).toBe(false);
		expect(equalHash({ algorithm: 'md5', digest: new Uint8Array(16) }, { algorithm: 'sha1', digest: new Uint8Array(20) })).toBe(
			false,
		);
	});

	it.each([
		['no algorithm', empty.slice(7), 'does not say its algorithm'],
		['an unknown algorithm', 'blake3:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73', 'unknown algorithm'],
		['a name that objects inherit', 'constructor:00', 'unknown algorithm'],
		['a digest of another algorithm', 'sha256:3y8bwfr609h3lh9ch0izcqq7fl', 'wrong length (26 characters)'],
		['a digit that is none', `sha256:e${empty.slice(8)}`, 'is no digit'],
		['hex that is none', `sha256:${'g'.repeat(64)}`, 'not hexadecimal'],
		['base 64 with stray bits', `sha256-${'A'.repeat(42)}B=`, 'not valid base 64'],
		['base 64 of 33 bytes', `sha256-${'A'.repeat(44)}`, 'wrong length (44 characters)'],
		['SRI with a digest in base 32', empty.replace(':', '-'), 'wrong length'],
		['nothing', '', 'does not say its algorithm'],
	])('are refused with %s', (_what, text, problem) => {
		expect(invalidMessage(() => parseHash(text))).toContain(problem);
	});

	it('are refused when another algorithm is assumed', () => {
		expect(invalidMessage(() => parseHash(empty, 'sha512'))).toContain('should be of algorithm sha512');
	});
});

describe('folding', () => {
	it('XORs byte i into byte i mod size', () => {
		expect(foldHash(Uint8Array.of(1, 2, 4, 8, 16), 2)).toEqual(Uint8Array.of(1 ^ 4 ^ 16, 2 ^ 8));
	});

	it('leaves what is not longer than the size as it is, with zeros behind', () => {
		fc.assert(
			fc.property(bytes(0, 20), (value) => {
				const padded = new Uint8Array(20);
				padded.set(value);
				expect(foldHash(value, 20)).toEqual(padded);
			}),
		);
	});
});
