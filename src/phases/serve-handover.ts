import type { Credentials } from '../cache-target/credentials.ts';
import { CacheError } from '../errors.ts';
import type { NetrcEntry } from '../nix/netrc.ts';

/** What main hands to serve, by a file that nobody else can read. */
export interface ServeHandover {
	readonly version: 1;
	readonly storeDir: string;
	/** For hosts without credentials of their own. */
	readonly netrc: readonly NetrcEntry[];
	readonly mounts: readonly MountOrder[];
}

/** One cache to be served. */
export interface MountOrder {
	/** Part of its URL. */
	readonly name: string;
	/** For people. */
	readonly label: string;
	readonly priority: number;
	/** Nix takes its paths without a signature. */
	readonly isTrusted: boolean;
	readonly source: MountSource;
}

export type MountSource =
	/** The store in the Actions cache, as main read its indexes. */
	| { readonly kind: 'actions-cache'; readonly indexesFolder: string }
	/** A line of `cache`, or of `substituters` with a proxy of its own. */
	| { readonly kind: 'cache'; readonly line: string; readonly credentials: Credentials | null; readonly proxy: string | null };

/** What `main` of this very version wrote. @throws CacheError `state-invalid` */
export function asServeHandover(value: unknown): ServeHandover {
	if (isHandover(value)) return value;
	throw new CacheError('state-invalid', 'What main handed to serve is of another version.');
}

function isHandover(value: unknown): value is ServeHandover {
	return (
		typeof value === 'object' &&
		value !== null &&
		'version' in value &&
		value.version === 1 &&
		'storeDir' in value &&
		typeof value.storeDir === 'string' &&
		'netrc' in value &&
		Array.isArray(value.netrc) &&
		'mounts' in value &&
		Array.isArray(value.mounts)
	);
}
