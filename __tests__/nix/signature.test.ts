import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHash } from '../../src/nix/hash.ts';
import { type NarInfo, parseNarInfo } from '../../src/nix/narinfo.ts';
import {
	fingerprint,
	formatPublicKey,
	formatSecretKey,
	generateKey,
	parsePublicKey,
	parseSecretKey,
	publicKeyOf,
	sign,
	signatureKeyName,
	verify,
} from '../../src/nix/signature.ts';
import { bytes, keyName } from './arbitraries.ts';
import { goldenNames, goldenText } from './golden.ts';
import { invalidMessage, mutations, unlessInvalid } from './hostile.ts';

const secretText = goldenText('keys/test-1.secret');
const publicText = goldenText('keys/test-1.public');
const secret = parseSecretKey(secretText);
const secondSecret = parseSecretKey(goldenText('keys/test-2.secret'));
const nixos = parsePublicKey('cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=');

function fingerprintOf(info: NarInfo): string {
	return fingerprint({ ...info, path: info.storePath });
}

function narInfos(folder: string): readonly (readonly [name: string, info: NarInfo])[] {
	return goldenNames(folder).map((name) => [name, parseNarInfo(goldenText(`${folder}/${name}`), { storeDir: '/nix/store' })]);
}

describe('signatures', () => {
	it.each(narInfos('narinfo/cache.nixos.org'))('of cache.nixos.org on %s are true', (_name, info) => {
		const [signature = ''] = info.signatures;
		expect(verify(fingerprintOf(info), signature, [publicKeyOf(secret), nixos])).toBe(true);
		expect(signatureKeyName(signature)).toBe('cache.nixos.org-1');
		expect(verify(fingerprintOf({ ...info, narSizeBytes: info.narSizeBytes + 1 }), signature, [nixos])).toBe(false);
	});

	it.each(narInfos('narinfo/nix-copy'))('on %s are those that we make', (_name, info) => {
		const keys = [secret, secondSecret].filter((key) =>
			info.signatures.some((signature) => signatureKeyName(signature) === key.name),
		);
		expect(keys).not.toHaveLength(0);
		expect(keys.map((key) => sign(fingerprintOf(info), key))).toEqual(info.signatures);
	});

	it('verify with the key that made them and with no other', () => {
		fc.assert(
			fc.property(fc.string(), keyName, bytes(32), bytes(32), (text, name, seed, otherSeed) => {
				fc.pre(Buffer.compare(seed, otherSeed) !== 0);
				const key = generateKey(name, () => seed);
				const other = publicKeyOf(generateKey(name, () => otherSeed));
				const signature = sign(text, key);
				expect(signatureKeyName(signature)).toBe(name);
				expect(verify(text, signature, [other, publicKeyOf(key)])).toBe(true);
				expect(verify(text, signature, [other])).toBe(false);
				expect(verify(`${text}.`, signature, [publicKeyOf(key)])).toBe(false);
				expect(verify(text, signature, [{ ...publicKeyOf(key), name: `${name}x` }])).toBe(false);
			}),
			{ numRuns: 20 },
		);
	});

	it('that are damaged are not true, and nothing throws', () => {
		const good = sign('text', secret);
		const keys = [publicKeyOf(secret)];
		fc.assert(
			fc.property(mutations(good), (signature) => {
				if (signature !== good) expect(verify('text', signature, keys)).toBe(false);
			}),
		);
		for (const signature of ['', ':', 'test-1', 'test-1:', 'test-1:AAAA', `:${good.split(':')[1]}`, good.replace(/=+$/, '')]) {
			expect(verify('text', signature, keys)).toBe(false);
		}
	});

	it('name no key when there is no colon', () => {
		expect(signatureKeyName('AAAA')).toBe('');
		expect(signatureKeyName('a:b:c')).toBe('a');
	});
});

describe('fingerprints', () => {
	const info = {
		path: '/nix/store/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-hello-2.10',
		narHash: parseHash('sha256:1mi14cqk363wv368ffiiy01knardmnlyphi6h9xv6dkjz44hk30i'),
		narSizeBytes: 205968,
		references: [
			'/nix/store/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-hello-2.10',
			'/nix/store/9df65igwjmf2wbw0gbrrgair6piqjgmi-glibc-2.31',
			'/nix/store/9df65igwjmf2wbw0gbrrgair6piqjgmi-glibc-2.31',
		],
	};

	it('have sorted references, each once, the path itself among them', () => {
		expect(fingerprint(info)).toBe(
			'1;/nix/store/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-hello-2.10;sha256:1mi14cqk363wv368ffiiy01knardmnlyphi6h9xv6dkjz44hk30i;205968;' +
				'/nix/store/9df65igwjmf2wbw0gbrrgair6piqjgmi-glibc-2.31,/nix/store/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-hello-2.10',
		);
		expect(fingerprint({ ...info, references: [] })).toMatch(/;205968;$/);
	});

	it.each([0, -1, Number.NaN])('are refused when the size is %d', (narSizeBytes) => {
		expect(invalidMessage(() => fingerprint({ ...info, narSizeBytes }))).toContain('the size of its NAR is not known');
	});
});

describe('keys', () => {
	it('of Nix come back as they were', () => {
		expect(formatSecretKey(secret)).toBe(secretText);
		expect(formatPublicKey(parsePublicKey(publicText))).toBe(publicText);
		expect(formatPublicKey(publicKeyOf(secret))).toBe(publicText);
	});

	it('that are generated come back as they were, with halves that belong together', () => {
		fc.assert(
			fc.property(keyName, bytes(32), (name, seed) => {
				const key = generateKey(name, () => seed);
				const again = parseSecretKey(formatSecretKey(key));
				expect(again.name).toBe(name);
				expect(Buffer.compare(again.secretKey, key.secretKey)).toBe(0);
				expect(parsePublicKey(formatPublicKey(publicKeyOf(key))).key).toEqual(publicKeyOf(key).key);
			}),
			{ numRuns: 20 },
		);
		expect(formatSecretKey(generateKey('a'))).not.toBe(formatSecretKey(generateKey('a')));
	});

	it('may have white space around them and line breaks within', () => {
		const wrapped = `\r\n  ${secretText.slice(0, 40)}\r\n${secretText.slice(40, 80)}\n${secretText.slice(80)} \n\n`;
		expect(formatSecretKey(parseSecretKey(wrapped))).toBe(secretText);
		expect(formatPublicKey(parsePublicKey(`\t${publicText}\n`))).toBe(publicText);
	});

	const payload = secretText.split(':')[1] ?? '';
	const publicPayload = publicText.split(':')[1] ?? '';
	const damaged = Buffer.from(payload, 'base64').fill(0, 60).toString('base64');

	it.each([
		['nothing', '', 'The secret key is empty.'],
		['white space', ' \n', 'The secret key is empty.'],
		['a key without name', payload, 'The secret key has no name in front of it.'],
		['an empty name', `:${payload}`, 'The secret key has no name in front of it.'],
		['a name with a blank', `my key:${payload}`, 'The name of the secret key has blanks'],
		['a name with a hash sign', `my#key:${payload}`, 'The name of the secret key has blanks, `:`, `#`'],
		['a public key', publicText, 'The secret key has 32 bytes, as a public key has.'],
		['a key that is cut off', secretText.slice(0, -8), 'The secret key has 60 bytes where it takes 64'],
		['no key at all', 'name:', 'The secret key has 0 bytes where it takes 64'],
		['what is no base 64', `name:${payload.slice(0, -3)}*==`, 'is not valid base 64'],
		['a key without its padding', secretText.replace(/=+$/, ''), 'is not valid base 64'],
		['two keys', `${secretText}\n${secretText}`, 'is it several keys?'],
		['halves that do not belong together', `name:${damaged}`, 'does not belong to the secret one'],
	])('refuse %s as a secret key, and show nothing of it', (_what, text, problem) => {
		const message = invalidMessage(() => parseSecretKey(text));
		expect(message).toContain(problem);
		for (const part of [payload.slice(0, 12), publicPayload.slice(0, 12), damaged.slice(0, 12)])
			expect(message).not.toContain(part);
	});

	it.each([
		['nothing', '', 'The public key is empty.'],
		['a key without name', publicPayload, 'The public key has no name in front of it.'],
		['a secret key', secretText, 'The public key has 64 bytes, as a secret key has.'],
		['a key that is cut off', publicText.slice(0, -4), 'The public key has 30 bytes where it takes 32'],
		['two keys', `${publicText} ${publicText}`, 'is it several keys?'],
	])('refuse %s as a public key, and show nothing of it', (_what, text, problem) => {
		const message = invalidMessage(() => parsePublicKey(text));
		expect(message).toContain(problem);
		for (const part of [payload.slice(0, 12), publicPayload.slice(0, 12)]) expect(message).not.toContain(part);
	});

	it('can not be generated for a name that no file could hold', () => {
		expect(invalidMessage(() => generateKey(''))).toContain('has no name');
		expect(invalidMessage(() => generateKey('a:b'))).toContain('The name of the new key');
	});

	it('are refused for nothing but their format, however they are mutilated', () => {
		fc.assert(
			fc.property(mutations(secretText), mutations(publicText), (mutatedSecret, mutatedPublic) => {
				unlessInvalid(() => parseSecretKey(mutatedSecret));
				unlessInvalid(() => parsePublicKey(mutatedPublic));
			}),
		);
	});
});
