import { createHash } from 'node:crypto';

/*
 * Names in the Actions cache. Some servers write them in lower case, and a comma separates keys in protocol v1, so they are made of `[a-z0-9-]`.
 * docs/actions-cache-format.md describes them.
 */

const INDEX = /^(nca1-i-[0-9a-f]{12}-)(\d{8})$/;
const PACK = /^nca1-p-[0-9a-f]{40}$/;
const MAX_SLOT = 99_999_999;

/** What the keys of all indexes of a ref begin with, and no others. */
export function indexPrefix(ref: string): string {
	return `nca1-i-${createHash('sha256').update(ref).digest('hex').slice(0, 12)}-`;
}

export function isSlot(slot: number): boolean {
	return Number.isInteger(slot) && slot >= 1 && slot <= MAX_SLOT;
}

/** @param slot 1 to 99,999,999 */
export function indexKey(ref: string, slot: number): string {
	return `${indexPrefix(ref)}${slot.toString().padStart(8, '0')}`;
}

/** The number in the key of an index of `ref`; `null` for any other key. */
export function slotOfIndexKey(key: string, ref: string): number | null {
	const [, prefix, digits] = INDEX.exec(key.toLowerCase()) ?? [];
	const slot = Number(digits);
	return prefix === indexPrefix(ref) && isSlot(slot) ? slot : null;
}

/** @param nonce 40 hexadecimal digits */
export function packKey(nonce: string): string {
	return `nca1-p-${nonce}`;
}

export function isPackKey(key: string): boolean {
	return PACK.test(key);
}

/** The namespace that a lookup is made in: stores in other directories, and later formats, never meet. 64 hexadecimal digits, as the service wants it. */
export function cacheVersion(storeDir: string): string {
	return createHash('sha256').update(`nix-cache-action|1|${storeDir}`).digest('hex');
}
