import { CacheError } from '../errors.ts';
import { quote } from './quote.ts';

export const DEFAULT_STORE_DIR = '/nix/store';

/** `<storeDir>/<hashPart>-<name>`, taken apart. */
export interface StorePath {
	/** The full path. */
	readonly path: string;
	readonly storeDir: string;
	/** `<hashPart>-<name>`. */
	readonly baseName: string;
	/** 32 digits of Nix's base 32. */
	readonly hashPart: string;
	readonly name: string;
}

const HASH_PART_LENGTH = 32;

/**
 * nix/src/libstore/path.cc, checkName: 1 to 211 characters, and neither `.` nor `..` as the first dash-separated part (2.20 and
 * later; a name such as `.gitignore` is allowed). The letters e, o, t and u are no digits of the hash part.
 */
const BASE_NAME = /^[0-9a-df-np-sv-z]{32}-(?!\.{1,2}(?:-|$))[0-9a-zA-Z+\-._?=]{1,211}$/;

/**
 * Whether a name may be that of a store path. Lock files (`<hash>-<name>.lock`) and outputs under construction may too: only Nix's
 * database knows what is valid.
 */
export function isStorePathName(baseName: string): boolean {
	return BASE_NAME.test(baseName);
}

/** Throws `format-invalid` when `baseName` is not `<hash>-<name>`. */
export function parseBaseName(baseName: string, storeDir: string): StorePath {
	if (!isStorePathName(baseName))
		throw new CacheError('format-invalid', `${quote(baseName, 250)} is not the name of a store path.`);
	return {
		path: `${storeDir}/${baseName}`,
		storeDir,
		baseName,
		hashPart: baseName.slice(0, HASH_PART_LENGTH),
		name: baseName.slice(HASH_PART_LENGTH + 1),
	};
}

/** Throws `format-invalid` when `path` is not directly in `storeDir` (absolute, without a slash at its end) or its name is not `<hash>-<name>`. */
export function parseStorePath(path: string, storeDir: string): StorePath {
	if (!path.startsWith(`${storeDir}/`) || !isStorePathName(path.slice(storeDir.length + 1))) {
		throw new CacheError('format-invalid', `${quote(path, 300)} is not a store path in ${storeDir}.`);
	}
	return parseBaseName(path.slice(storeDir.length + 1), storeDir);
}

/** `<hash>-<name>` of a full store path that is known to be one. */
export function baseNameOf(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}

/** The 32 digits of a full store path (or of its base name) that is known to be one. */
export function hashPartOf(path: string): string {
	const start = path.lastIndexOf('/') + 1;
	return path.slice(start, start + HASH_PART_LENGTH);
}

/** Whether the path is that of a derivation file, which Nix tells from the name alone. */
export function isDerivation(path: string): boolean {
	return path.endsWith('.drv');
}
