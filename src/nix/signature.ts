import { randomBytes } from 'node:crypto';
import { CacheError } from '../errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import {
	ed25519,
	halvesMatch,
	PUBLIC_KEY_BYTES,
	publicHalf,
	SECRET_KEY_BYTES,
	SIGNATURE_BYTES,
	secretKeyOfSeed,
} from './ed25519.ts';
import { formatHash } from './hash.ts';
import type { PathInfo } from './path-info.ts';

/** Signs store paths. Written `name:base64`, as `nix-store --generate-binary-cache-key` does. Not to be logged. */
export interface SecretKey {
	readonly name: string;
	/** 64 bytes: the seed, then the public key. */
	readonly secretKey: Uint8Array;
}

/** Checks signatures. Written `name:base64`, as in `trusted-public-keys`. */
export interface PublicKey {
	readonly name: string;
	/** 32 bytes. */
	readonly key: Uint8Array;
}

const SEED_BYTES = SECRET_KEY_BYTES - PUBLIC_KEY_BYTES;

/** A name stands in narinfos (`name:signature`) and in nix.conf, where blanks separate and `#` begins a comment. */
const KEY_NAME = /^[^\s:#\p{Cc}]{1,255}$/u;

const SECRET_KEY_HINT = 'Give it as `nix-store --generate-binary-cache-key` writes it: `name:base64`.';
const PUBLIC_KEY_HINT = 'Give it as in `trusted-public-keys`: `name:base64`.';

function checkName(name: string, what: string, hint: string): void {
	if (name === '') throw new CacheError('format-invalid', `${what} has no name in front of it.`, { hint });
	if (!KEY_NAME.test(name)) {
		throw new CacheError(
			'format-invalid',
			`The name of ${what.toLowerCase()} has blanks, \`:\`, \`#\` or control characters in it, or more than 255 characters.`,
			{
				hint,
			},
		);
	}
}

/**
 * `name:base64` to name and bytes. The messages never show the text: it may be a secret even where a public key is wanted. Like
 * Nix, line breaks within the base 64 are skipped.
 */
function parseKey(text: string, what: string, hint: string): { readonly name: string; readonly bytes: Uint8Array } {
	const trimmed = text.trim();
	if (trimmed === '') throw new CacheError('format-invalid', `${what} is empty.`, { hint });
	const colon = trimmed.indexOf(':');
	const name = trimmed.slice(0, Math.max(colon, 0));
	checkName(name, what, hint);
	const payload = trimmed.slice(colon + 1).replace(/[\r\n]/g, '');
	if (payload.includes(':'))
		throw new CacheError('format-invalid', `${what} has more than one \`:\`; is it several keys?`, { hint });
	return { name, bytes: decodeBase64(payload, `${what} (the part after the name)`) };
}

/**
 * Reads a secret key; surrounding white space is fine. Throws `format-invalid`: no name, not base 64, a public key, a wrong length,
 * halves that don't belong together. No message shows anything of the text.
 */
export function parseSecretKey(text: string): SecretKey {
	const { name, bytes } = parseKey(text, 'The secret key', SECRET_KEY_HINT);
	if (bytes.length === PUBLIC_KEY_BYTES) {
		throw new CacheError('format-invalid', 'The secret key has 32 bytes, as a public key has.', {
			hint: 'Give the other file that `nix-store --generate-binary-cache-key` wrote; a secret key has 64 bytes.',
		});
	}
	if (bytes.length !== SECRET_KEY_BYTES) {
		throw new CacheError('format-invalid', `The secret key has ${bytes.length} bytes where it takes 64; it may be cut off.`, {
			hint: SECRET_KEY_HINT,
		});
	}
	if (!halvesMatch(bytes)) {
		throw new CacheError(
			'format-invalid',
			'The public half of the secret key does not belong to the secret one; the key is damaged.',
			{
				hint: 'Nobody could verify its signatures: restore the key, or generate a new one.',
			},
		);
	}
	return { name, secretKey: bytes };
}

/** Reads a public key; surrounding white space is fine. Throws `format-invalid` like `parseSecretKey`, and shows as little. */
export function parsePublicKey(text: string): PublicKey {
	const { name, bytes } = parseKey(text, 'The public key', PUBLIC_KEY_HINT);
	if (bytes.length === SECRET_KEY_BYTES) {
		throw new CacheError('format-invalid', 'The public key has 64 bytes, as a secret key has.', {
			hint: 'If it is the secret key: it does not belong here, and where others could read it, replace it.',
		});
	}
	if (bytes.length !== PUBLIC_KEY_BYTES) {
		throw new CacheError('format-invalid', `The public key has ${bytes.length} bytes where it takes 32; it may be cut off.`, {
			hint: PUBLIC_KEY_HINT,
		});
	}
	return { name, key: bytes };
}

export function formatSecretKey(key: SecretKey): string {
	return `${key.name}:${encodeBase64(key.secretKey)}`;
}

export function formatPublicKey(key: PublicKey): string {
	return `${key.name}:${encodeBase64(key.key)}`;
}

export function publicKeyOf(secret: SecretKey): PublicKey {
	return { name: secret.name, key: publicHalf(secret.secretKey) };
}

/** A new key pair. Throws `format-invalid` when `name` can't be that of a key. `random` gives as many bytes as asked for. */
export function generateKey(name: string, random: (sizeBytes: number) => Uint8Array = randomBytes): SecretKey {
	checkName(name, 'The new key', SECRET_KEY_HINT);
	return { name, secretKey: secretKeyOfSeed(random(SEED_BYTES)) };
}

/**
 * What a signature covers: path, NAR hash, NAR size and references; not the URL, the compression, the deriver or the CA field.
 * Source: nix/src/libstore/path-info.cc, ValidPathInfo::fingerprint. Throws `format-invalid` when the size is not known.
 */
export function fingerprint(info: Pick<PathInfo, 'path' | 'narHash' | 'narSizeBytes' | 'references'>): string {
	if (!(info.narSizeBytes > 0)) {
		throw new CacheError('format-invalid', `${info.path} can't be signed or verified: the size of its NAR is not known.`);
	}
	const references = [...new Set(info.references)].sort().join(',');
	return `1;${info.path};${formatHash(info.narHash, 'nix32')};${info.narSizeBytes};${references}`;
}

/** Signs a fingerprint: `name:base64`, as the narinfo field `Sig` has it. */
export function sign(fingerprint: string, key: SecretKey): string {
	return `${key.name}:${encodeBase64(ed25519().sign(Buffer.from(fingerprint), key.secretKey))}`;
}

/** The signature's bytes, `null` when they are no signature. */
function signatureBytes(payload: string): Uint8Array | null {
	const bytes = Buffer.from(payload, 'base64');
	return bytes.length === SIGNATURE_BYTES && bytes.toString('base64') === payload ? bytes : null;
}

/** Whether `signature` is one over `fingerprint` by that of `keys` which it names. A damaged one is not; nothing throws. */
export function verify(fingerprint: string, signature: string, keys: readonly PublicKey[]): boolean {
	const name = signatureKeyName(signature);
	const bytes = signatureBytes(signature.slice(name.length + 1));
	if (name === '' || bytes === null) return false;
	const message = Buffer.from(fingerprint);
	return keys.some((key) => key.name === name && ed25519().verify(message, bytes, key.key));
}

/** The name of the key that made a signature, empty when it names none. */
export function signatureKeyName(signature: string): string {
	return signature.slice(0, Math.max(signature.indexOf(':'), 0));
}
