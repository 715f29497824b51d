import type { Hash } from './hash.ts';

/** What the store knows about one valid path. Paths are full (`/nix/store/<hash>-<name>`), whatever form the source used. */
export interface PathInfo {
	readonly path: string;
	/** SHA-256 of the path's NAR. */
	readonly narHash: Hash;
	readonly narSizeBytes: number;
	/** Full paths, sorted bytewise; a path that refers to itself is in its own list. */
	readonly references: readonly string[];
	/** Full path of the derivation, when it is known. */
	readonly deriver: string | null;
	/** `keyName:base64`, in the store's order. */
	readonly signatures: readonly string[];
	/** Content address (`fixed:r:sha256:...`, `text:sha256:...`), in Nix's own spelling. */
	readonly ca: string | null;
	/** Built here, and so trusted without a signature. */
	readonly ultimate: boolean;
}
