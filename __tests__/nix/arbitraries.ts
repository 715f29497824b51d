import fc from 'fast-check';
import type { Hash } from '../../src/nix/hash.ts';

/** Random values of Nix's words, for properties. */

export const bytes = (minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> =>
	fc.uint8Array({ minLength, maxLength });

const SIZES = { md5: 16, sha1: 20, sha256: 32, sha512: 64 } as const;

export const sha256 = bytes(32).map((digest): Hash => ({ algorithm: 'sha256', digest }));

export const hash: fc.Arbitrary<Hash> = fc
	.constantFrom('md5', 'sha1', 'sha256', 'sha512')
	.chain((algorithm) => bytes(SIZES[algorithm]).map((digest) => ({ algorithm, digest })));

const digits = '0123456789abcdfghijklmnpqrsvwxyz';
const letters = `${digits}eotuABCDEFGHIJKLMNOPQRSTUVWXYZ+-_?=`;

const hashPart = fc.string({ unit: fc.constantFrom(...digits), minLength: 32, maxLength: 32 });

export const storeName = fc
	.tuple(fc.constantFrom(...letters.replace('-', '')), fc.string({ unit: fc.constantFrom(...letters, '.'), maxLength: 210 }))
	.map((parts) => parts.join(''));

export const baseName = fc.tuple(hashPart, storeName).map((parts) => parts.join('-'));

/** Full paths in /nix/store. */
export const storePath = baseName.map((name) => `/nix/store/${name}`);

/** Sorted and each once, as path infos have them. */
export const references = fc.uniqueArray(storePath, { maxLength: 8 }).map((paths) => [...paths].sort());

export const keyName = fc.string({
	unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789.-_é/@'),
	minLength: 1,
	maxLength: 40,
});
