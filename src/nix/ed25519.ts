import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import nacl from 'tweetnacl';
import { CacheError } from '../errors.ts';

/**
 * Ed25519 (RFC 8032) over raw keys: 64 bytes for the secret one (seed, then public half, as NaCl and Nix have it), 32 for the
 * public one, 64 for a signature. Signatures are deterministic, so all implementations give the same bytes.
 * docs/decisions/001-ed25519-by-openssl.md says why there are two.
 */
export interface Ed25519 {
	readonly name: string;
	/** Of a seed of 32 bytes. */
	publicKey(seed: Uint8Array): Uint8Array;
	sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array;
	/** The same on another thread, where it can be. */
	signAside?(message: Uint8Array, secretKey: Uint8Array): Promise<Uint8Array>;
	verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean;
}

export const SECRET_KEY_BYTES = 64;
export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
const SEED_BYTES = 32;

/** RFC 8410: what stands before the seed in a PKCS #8 key and before the public key in a SubjectPublicKeyInfo. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Making a key object costs more than a signature; it lives as long as the raw key that it was made of. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

function keyObject(raw: Uint8Array, make: () => KeyObject): KeyObject {
	const known = keyObjects.get(raw);
	if (known !== undefined) return known;
	const made = make();
	keyObjects.set(raw, made);
	return made;
}

function privateKeyOfSeed(seed: Uint8Array): KeyObject {
	const key = Buffer.concat([PKCS8_PREFIX, seed]);
	try {
		return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
	} finally {
		key.fill(0);
	}
}

function privateKeyObject(secretKey: Uint8Array): KeyObject {
	return keyObject(secretKey, () => privateKeyOfSeed(secretKey.subarray(0, SEED_BYTES)));
}

function publicKeyObject(publicKey: Uint8Array): KeyObject {
	return keyObject(publicKey, () =>
		createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' }),
	);
}

/** The OpenSSL that Node is linked with. One built or configured for FIPS may refuse Ed25519. */
export const openSsl: Ed25519 = {
	name: 'openssl',
	publicKey(seed) {
		const spki = createPublicKey(privateKeyOfSeed(seed)).export({ format: 'der', type: 'spki' });
		return new Uint8Array(spki.subarray(SPKI_PREFIX.length));
	},
	sign: (message, secretKey) => sign(null, message, privateKeyObject(secretKey)),
	signAside: (message, secretKey) =>
		new Promise((resolve, reject) => {
			sign(null, message, privateKeyObject(secretKey), (error, signature) => {
				if (error === null) resolve(signature);
				else reject(error);
			});
		}),
	verify: (message, signature, publicKey) => verify(null, message, publicKeyObject(publicKey), signature),
};

/** Plain JavaScript: a hundred times as slow, works everywhere. */
export const tweetNaCl: Ed25519 = {
	name: 'tweetnacl',
	publicKey: (seed) => nacl.sign.keyPair.fromSeed(seed).publicKey,
	sign: (message, secretKey) => nacl.sign.detached(message, secretKey),
	verify: (message, signature, publicKey) => nacl.sign.detached.verify(message, signature, publicKey),
};

/** RFC 8032, section 7.1, test 1: signs the empty message. */
const TEST_SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const TEST_PUBLIC_KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
const TEST_SIGNATURE =
	'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b';

function works(candidate: Ed25519): boolean {
	const message = new Uint8Array(0);
	const signature = Buffer.from(TEST_SIGNATURE, 'hex');
	const publicKey = Buffer.from(TEST_PUBLIC_KEY, 'hex');
	try {
		if (!publicKey.equals(candidate.publicKey(Buffer.from(TEST_SEED, 'hex')))) return false;
		const made = candidate.sign(message, Buffer.from(TEST_SEED + TEST_PUBLIC_KEY, 'hex'));
		return signature.equals(made) && candidate.verify(message, signature, publicKey);
	} catch {
		return false;
	}
}

/** The first implementation that gives the right answer to a known question. */
export function firstWorking(candidates: readonly Ed25519[]): Ed25519 {
	const found = candidates.find(works);
	if (found === undefined) throw new CacheError('internal', 'No implementation of Ed25519 works on this machine.');
	return found;
}

let chosen: Ed25519 | null = null;

/** The implementation to use in this process; found out once. */
export function ed25519(): Ed25519 {
	chosen ??= firstWorking([openSsl, tweetNaCl]);
	return chosen;
}

/** The 64 bytes of the secret key that a seed of 32 bytes stands for. */
export function secretKeyOfSeed(seed: Uint8Array): Uint8Array {
	const secretKey = new Uint8Array(SECRET_KEY_BYTES);
	secretKey.set(seed);
	secretKey.set(ed25519().publicKey(seed), SEED_BYTES);
	return secretKey;
}

/** Whether the second half of a secret key of 64 bytes is the public key that belongs to its first half. */
export function halvesMatch(secretKey: Uint8Array): boolean {
	return Buffer.compare(ed25519().publicKey(secretKey.subarray(0, SEED_BYTES)), publicHalf(secretKey)) === 0;
}

export function publicHalf(secretKey: Uint8Array): Uint8Array {
	return secretKey.slice(SEED_BYTES);
}
