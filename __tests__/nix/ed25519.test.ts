import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	type Ed25519,
	ed25519,
	firstWorking,
	halvesMatch,
	openSsl,
	publicHalf,
	secretKeyOfSeed,
	tweetNaCl,
} from '../../src/nix/ed25519.ts';
import { bytes } from './arbitraries.ts';

/** What an OpenSSL in FIPS mode does. */
const refuse = (): never => {
	throw new Error('error:1C8000A5:Provider routines::operation not supported for this keytype');
};
const refusing: Ed25519 = {
	name: 'refusing',
	publicKey: refuse,
	sign: refuse,
	verify: () => false,
};

describe('Ed25519', () => {
	it('gives the same bytes with OpenSSL and with tweetnacl, and each verifies what the other signed', () => {
		fc.assert(
			fc.property(bytes(32), bytes(0, 500), (seed, message) => {
				expect(openSsl.publicKey(seed)).toEqual(tweetNaCl.publicKey(seed));
				const key = secretKeyOfSeed(seed);
				const signature = openSsl.sign(message, key);
				expect(Buffer.compare(tweetNaCl.sign(message, key), signature)).toBe(0);
				expect(tweetNaCl.verify(message, signature, publicHalf(key))).toBe(true);
				expect(openSsl.verify(message, signature, publicHalf(key))).toBe(true);
			}),
			{ numRuns: 20 },
		);
	});

	it('is signed with on another thread as it is here', async () => {
		const key = secretKeyOfSeed(new Uint8Array(32).fill(3));
		const message = Buffer.from('message');
		const aside = await openSsl.signAside?.(message, key);
		expect(aside === undefined ? null : Buffer.compare(aside, openSsl.sign(message, key))).toBe(0);
		await expect(openSsl.signAside?.(message, new Uint8Array(3))).rejects.toThrow();
	});

	it.each([openSsl, tweetNaCl])('by $name verifies no signature with a bit changed', ({ verify }) => {
		const key = secretKeyOfSeed(new Uint8Array(32).fill(7));
		const message = Buffer.from('message');
		const signature = openSsl.sign(message, key);
		fc.assert(
			fc.property(fc.nat({ max: signature.length * 8 - 1 }), (bit) => {
				const changed = Uint8Array.from(signature);
				changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
				expect(verify(message, changed, publicHalf(key))).toBe(false);
			}),
			{ numRuns: 20 },
		);
	});

	it('is done by OpenSSL where that works', () => {
		expect(ed25519()).toBe(openSsl);
	});

	it('is done by tweetnacl where OpenSSL refuses it', () => {
		expect(firstWorking([refusing, tweetNaCl])).toBe(tweetNaCl);
	});

	it('is not done by what gives a wrong answer', () => {
		const wrong: Ed25519 = { ...tweetNaCl, sign: () => new Uint8Array(64) };
		const misled: Ed25519 = { ...tweetNaCl, publicKey: () => new Uint8Array(32) };
		expect(firstWorking([wrong, misled, tweetNaCl])).toBe(tweetNaCl);
		expect(() => firstWorking([refusing, wrong, misled])).toThrow('No implementation of Ed25519');
	});

	it('notices halves of a key that do not belong together', () => {
		const key = secretKeyOfSeed(new Uint8Array(32).fill(1));
		const other = secretKeyOfSeed(new Uint8Array(32).fill(2));
		expect(halvesMatch(key)).toBe(true);
		expect(halvesMatch(Uint8Array.from([...key.subarray(0, 32), ...publicHalf(other)]))).toBe(false);
	});
});
