import { CacheError } from '../errors.ts';
import { checkContentAddress, parseContentAddress } from '../nix/content-address.ts';
import { equalHash, formatHash } from '../nix/hash.ts';
import type { NarInfo } from '../nix/narinfo.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { signatureOf } from '../nix/path-signature.ts';
import { fingerprint, type PublicKey, type SecretKey, verify } from '../nix/signature.ts';
import type { StoredNar } from './nar-uploads.ts';

/** What is to be said of a path to everybody, but for where its NAR lies. */
export type PublishableInfo = Omit<NarInfo, 'url' | 'compression' | 'fileHash' | 'fileSizeBytes'>;

/** 64 bytes in base 64. Nix 2.34 stops at one that is garbage, and then it finds no other one either. */
const SIGNATURE = /^[^:\s]+:[A-Za-z0-9+/]{86}==$/;

/**
 * The path as its narinfo is to describe it: every signature that it came with stays, and ours is added (invariant I3).
 * @throws CacheError `path-corrupt` when its CA field stands for another path: Nix clients of all versions end with SIGABRT at such a
 * narinfo
 */
export function publishableInfo(info: PathInfo, signingKey: SecretKey | null, storeDir: string): PublishableInfo {
	const ours = signingKey === null ? [] : [signatureOf(info, signingKey)];
	return {
		storePath: info.path,
		narHash: info.narHash,
		narSizeBytes: info.narSizeBytes,
		references: info.references,
		deriver: info.deriver,
		signatures: [...new Set([...info.signatures.filter((signature) => SIGNATURE.test(signature)), ...ours])],
		ca: publishableCa(info, storeDir),
	};
}

export function narInfoOf(info: PublishableInfo, nar: StoredNar): NarInfo {
	const { url, compression, fileHash, fileSizeBytes } = nar;
	return { ...info, url, compression, fileHash, fileSizeBytes };
}

/**
 * A CA field of a kind that this code can't read (an experimental hash algorithm) can't be read by older clients either. It is left
 * out, and the signature speaks for the path as it does for any other.
 */
function publishableCa(info: PathInfo, storeDir: string): string | null {
	const problem = checkContentAddress(info, storeDir);
	if (problem === null || info.ca === null) return info.ca;
	if (!isReadable(info.ca)) return null;
	throw new CacheError('path-corrupt', `${info.path} can't be published: ${problem}.`, {
		hint: `Check it with \`nix-store --verify-path ${info.path}\`, and delete and build it again.`,
	});
}

function isReadable(ca: string): boolean {
	try {
		parseContentAddress(ca);
		return true;
	} catch {
		return false;
	}
}

/** Why a substituter would not take `published` for the local path `info`; `null` when it would. */
export function differenceOf(
	info: PathInfo,
	published: Pick<NarInfo, 'narHash' | 'narSizeBytes' | 'references' | 'signatures' | 'ca'>,
	publicKeys: readonly PublicKey[],
	storeDir: string,
): string | null {
	const { narHash, narSizeBytes, references, signatures, ca } = published;
	if (!equalHash(narHash, info.narHash)) return `its narinfo has another NAR hash (${formatHash(narHash, 'nix32')})`;
	if (narSizeBytes !== info.narSizeBytes) return `its narinfo has another NAR size (${narSizeBytes})`;
	if (references.join(' ') !== [...new Set(info.references)].sort().join(' ')) return 'its narinfo has other references';
	const wrongCa = checkContentAddress({ path: info.path, references, ca }, storeDir);
	if (wrongCa !== null) return wrongCa;
	// Content-addressed paths speak for themselves.
	if (ca !== null || publicKeys.length === 0) return null;
	const text = fingerprint(info);
	return signatures.some((signature) => verify(text, signature, publicKeys))
		? null
		: 'no signature of it is by a key that readers trust';
}
