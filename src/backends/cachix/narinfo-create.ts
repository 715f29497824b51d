import { digestText, formatHash, type Hash } from '../../nix/hash.ts';
import type { PathInfo } from '../../nix/path-info.ts';
import { signatureOf } from '../../nix/path-signature.ts';
import type { SecretKey } from '../../nix/signature.ts';
import { baseNameOf, hashPartOf } from '../../nix/store-path.ts';

/** What the server makes a narinfo of (cachix-api, `Cachix.Types.NarInfoCreate`). It has no field for a content address, and for no signature but one. */
export interface NarInfoCreate {
	readonly cStoreHash: string;
	/** The name of the path, behind its hash part. */
	readonly cStoreSuffix: string;
	/** `sha256:<nix32>`. */
	readonly cNarHash: string;
	readonly cNarSize: number;
	/** Hexadecimal, without algorithm. */
	readonly cFileHash: string;
	readonly cFileSize: number;
	/** Base names, sorted. */
	readonly cReferences: readonly string[];
	/** A base name, or `unknown-deriver`. */
	readonly cDeriver: string;
	/** The 64 bytes in base 64, without the name of the key; `null`: the server signs. */
	readonly cSig: string | null;
}

export function narInfoCreate(
	info: PathInfo,
	file: { readonly hash: Hash; readonly sizeBytes: number },
	signingKey: SecretKey | null,
): NarInfoCreate {
	return {
		cStoreHash: hashPartOf(info.path),
		cStoreSuffix: baseNameOf(info.path).slice(hashPartOf(info.path).length + 1),
		cNarHash: formatHash(info.narHash, 'nix32'),
		cNarSize: info.narSizeBytes,
		cFileHash: digestText(file.hash, 'hex'),
		cFileSize: file.sizeBytes,
		cReferences: [...new Set(info.references.map(baseNameOf))].sort(),
		cDeriver: info.deriver === null ? 'unknown-deriver' : baseNameOf(info.deriver),
		cSig: signingKey === null ? null : signatureOf(info, signingKey).slice(signingKey.name.length + 1),
	};
}
