import { CacheError } from '../errors.ts';
import { quote } from './quote.ts';

/** `nix-cache-info`, the file at the root of a binary cache. */
export interface CacheInfo {
	/** The store directory of all paths in the cache, `null` when it does not say. A client with another one refuses the cache. */
	readonly storeDir: string | null;
	/** Whether clients may ask for many paths at once without a need. */
	readonly wantMassQuery: boolean;
	/** The lower, the earlier Nix asks this cache; cache.nixos.org has 40. `null`: not said, which Nix takes for 0. */
	readonly priority: number | null;
}

/** No real one has more than some hundred. */
export const MAX_CACHE_INFO_BYTES = 16 * 1024;

/**
 * Reads lines `Key: value`, as tolerant as Nix: other keys and lines without a colon are ignored (binary-cache-store.cc, init). Throws
 * `format-invalid` when it is too large, a store directory is not absolute or a priority is no number.
 */
export function parseCacheInfo(text: string): CacheInfo {
	if (text.length > MAX_CACHE_INFO_BYTES) throw new CacheError('format-invalid', 'nix-cache-info is too large to be one.');
	let storeDir: string | null = null;
	let wantMassQuery = false;
	let priority: number | null = null;
	for (const line of text.split('\n')) {
		const colon = line.indexOf(':');
		if (colon === -1) continue;
		const value = line.slice(colon + 1).trim();
		switch (line.slice(0, colon)) {
			case 'StoreDir':
				if (!value.startsWith('/')) throw new CacheError('format-invalid', `nix-cache-info has ${quote(value)} as StoreDir.`);
				storeDir = value;
				break;
			case 'WantMassQuery':
				wantMassQuery = value === '1';
				break;
			case 'Priority':
				if (!/^-?\d{1,9}$/.test(value)) throw new CacheError('format-invalid', `nix-cache-info has ${quote(value)} as Priority.`);
				priority = Number(value);
				break;
		}
	}
	return { storeDir, wantMassQuery, priority };
}

/** As `nix-push` wrote it and caches serve it. */
export function formatCacheInfo(info: CacheInfo): string {
	const lines = [
		...(info.storeDir === null ? [] : [`StoreDir: ${info.storeDir}`]),
		`WantMassQuery: ${info.wantMassQuery ? 1 : 0}`,
		...(info.priority === null ? [] : [`Priority: ${info.priority}`]),
	];
	return lines.map((line) => `${line}\n`).join('');
}
