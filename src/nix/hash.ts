import { CacheError } from '../errors.ts';
import { decodeBase32, encodeBase32 } from './base32.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { quote } from './quote.ts';

/** The hash algorithms that Nix has outside of experimental features. */
export type HashAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha512';

export interface Hash {
	readonly algorithm: HashAlgorithm;
	readonly digest: Uint8Array;
}

const DIGEST_BYTES: Readonly<Record<HashAlgorithm, number>> = { md5: 16, sha1: 20, sha256: 32, sha512: 64 };

function isHashAlgorithm(text: string): text is HashAlgorithm {
	return Object.hasOwn(DIGEST_BYTES, text);
}

/** `algorithm:digest`, `algorithm-digest` (SRI) or the digest alone. */
interface Parts {
	readonly algorithm: string | null;
	readonly digest: string;
	readonly sri: boolean;
}

function splitHash(text: string): Parts {
	const match = /^([a-z0-9]{1,16})([:-])/.exec(text);
	if (match === null) return { algorithm: null, digest: text, sri: false };
	return { algorithm: match[1] ?? null, digest: text.slice(match[0].length), sri: match[2] === '-' };
}

/** The lengths of the three encodings differ for every algorithm, so the length tells which one it is. */
function decodeDigest(digest: string, sizeBytes: number, sri: boolean, where: string): Uint8Array {
	if (digest.length === Math.ceil(sizeBytes / 3) * 4) {
		const bytes = decodeBase64(digest, `The digest of ${where}`);
		if (bytes.length === sizeBytes) return bytes;
	} else if (!sri && digest.length === sizeBytes * 2) {
		if (!/^[0-9a-fA-F]*$/.test(digest)) throw new CacheError('format-invalid', `The digest of ${where} is not hexadecimal.`);
		return new Uint8Array(Buffer.from(digest, 'hex'));
	} else if (!sri && digest.length === Math.ceil((sizeBytes * 8) / 5)) {
		return decodeBase32(digest);
	}
	throw new CacheError('format-invalid', `The digest of ${where} has a wrong length (${digest.length} characters).`);
}

/**
 * Reads a hash in any of Nix's spellings: `algo:nix32`, `algo:hex`, `algo:base64`, SRI (`algo-base64`), and the digest alone when
 * `assume` says of which algorithm it is. A prefix that contradicts `assume` is an error. Throws `format-invalid`.
 * Source: nix/src/libutil/hash.cc, Hash::parseAny.
 */
export function parseHash(text: string, assume?: HashAlgorithm): Hash {
	const where = `hash ${quote(text, 160)}`;
	const parts = splitHash(text);
	const algorithm = parts.algorithm ?? assume;
	if (algorithm === undefined) {
		throw new CacheError('format-invalid', `The ${where} does not say its algorithm.`, {
			hint: 'Nix writes it in front, as in `sha256:...`.',
		});
	}
	if (!isHashAlgorithm(algorithm)) {
		throw new CacheError('format-invalid', `The ${where} has an unknown algorithm.`, {
			hint: `Known are ${Object.keys(DIGEST_BYTES).join(', ')}.`,
		});
	}
	if (assume !== undefined && algorithm !== assume) {
		throw new CacheError('format-invalid', `The ${where} should be of algorithm ${assume}.`);
	}
	return { algorithm, digest: decodeDigest(parts.digest, DIGEST_BYTES[algorithm], parts.sri, where) };
}

/** The digest alone, without algorithm. */
export function digestText(hash: Hash, form: 'nix32' | 'hex'): string {
	if (form === 'nix32') return encodeBase32(hash.digest);
	return Buffer.from(hash.digest.buffer, hash.digest.byteOffset, hash.digest.byteLength).toString('hex');
}

/** `sha256:<nix32>`, `sha256:<hex>` or `sha256-<base64>`. */
export function formatHash(hash: Hash, form: 'nix32' | 'hex' | 'sri'): string {
	if (form === 'sri') return `${hash.algorithm}-${encodeBase64(hash.digest)}`;
	return `${hash.algorithm}:${digestText(hash, form)}`;
}

export function equalHash(a: Hash, b: Hash): boolean {
	return a.algorithm === b.algorithm && Buffer.compare(a.digest, b.digest) === 0;
}

/** Nix's shortening of digests for store paths: byte `i` is XORed into byte `i mod sizeBytes` (libutil/hash.cc, compressHash). */
export function foldHash(digest: Uint8Array, sizeBytes: number): Uint8Array {
	const folded = new Uint8Array(sizeBytes);
	for (const [index, byte] of digest.entries()) {
		const at = index % sizeBytes;
		folded[at] = (folded[at] ?? 0) ^ byte;
	}
	return folded;
}
