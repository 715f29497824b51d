import { equalHash } from '../../../nix/hash.ts';
import { hashPartOf } from '../../../nix/store-path.ts';
import type { Chunk, Pack, StoredPath, StoreIndex } from './model.ts';

export interface MergeOptions {
	readonly storeDir: string;
	/** Keys of packs that are known to have gone: what lies in them is not there. */
	readonly gonePacks?: ReadonlySet<string>;
}

/**
 * Several indexes (newest first) as one. A path comes from the first that has it whole, with the signatures that any of them has of the same NAR, and was last
 * used when any of them says that it was used latest.
 */
export function mergeIndexes(indexes: readonly StoreIndex[], { storeDir, gonePacks = new Set() }: MergeOptions): StoreIndex {
	const isThere = ({ pack }: Chunk): boolean => !gonePacks.has(pack.key);
	const hashParts = new Set<string>();
	for (const index of indexes) for (const hashPart of index.hashParts()) hashParts.add(hashPart);
	const packs = new Map(indexes.toReversed().flatMap((index) => index.packs.map((pack) => [pack.key, pack] as const)));
	const path = (hashPart: string): StoredPath | null => {
		const found = indexes.map((index) => index.path(hashPart)).filter((one) => one !== null);
		const whole = found.find(({ chunks }) => chunks.every(isThere));
		if (whole === undefined || found.length === 1) return whole ?? null;
		const info = { ...whole.info, signatures: signaturesOf(whole, found) };
		return { ...whole, info, usedAt: Math.max(...found.map(({ usedAt }) => usedAt)) };
	};
	return {
		storeDir,
		pathCount: hashParts.size,
		packs: [...packs.values()].filter(({ key }) => !gonePacks.has(key)),
		path,
		hashParts: () => hashParts,
		*paths() {
			for (const hashPart of hashParts) {
				const found = path(hashPart);
				if (found !== null) yield found;
			}
		},
		chunk(id) {
			for (const index of indexes) {
				const found = index.chunk(id);
				if (found !== null && isThere(found)) return found;
			}
			return null;
		},
	};
}

/** Jobs may have keys of their own, and their readers trust no other (invariant I3). A signature is of path, NAR and references. */
function signaturesOf({ info }: StoredPath, all: readonly StoredPath[]): readonly string[] {
	const same = all.filter(
		(one) => equalHash(one.info.narHash, info.narHash) && one.info.references.join(' ') === info.references.join(' '),
	);
	return [...new Set([...info.signatures, ...same.flatMap((one) => one.info.signatures)])];
}

/** What a push brings. */
export interface Additions {
	readonly packs: readonly Pack[];
	readonly paths: readonly StoredPath[];
}

/** The index with what a push brings; that wins over what was there. `used`: when paths were read last, by hash part. */
export function addPaths(base: StoreIndex, added: Additions, used: ReadonlyMap<string, number>): StoreIndex {
	return mergeIndexes([indexOf(base.storeDir, added), withUses(base, used)], { storeDir: base.storeDir });
}

/** Paths that are in memory, as an index. */
export function indexOf(storeDir: string, { packs, paths }: Additions): StoreIndex {
	const byHashPart = new Map(paths.map((path) => [hashPartOf(path.info.path), path]));
	const chunks = new Map(paths.flatMap((path) => path.chunks.map((chunk) => [textOf(chunk.id), chunk] as const)));
	return {
		storeDir,
		pathCount: byHashPart.size,
		packs,
		path: (hashPart) => byHashPart.get(hashPart) ?? null,
		hashParts: () => byHashPart.keys(),
		paths: () => byHashPart.values(),
		chunk: (id) => chunks.get(textOf(id)) ?? null,
	};
}

function withUses(index: StoreIndex, used: ReadonlyMap<string, number>): StoreIndex {
	const marked = (path: StoredPath): StoredPath => {
		const usedAt = used.get(hashPartOf(path.info.path)) ?? 0;
		return usedAt > path.usedAt ? { ...path, usedAt } : path;
	};
	return {
		...methodsOf(index),
		path(hashPart) {
			const found = index.path(hashPart);
			return found === null ? null : marked(found);
		},
		*paths() {
			for (const path of index.paths()) yield marked(path);
		},
	};
}

/** An index need not be a plain object. */
function methodsOf(index: StoreIndex): StoreIndex {
	return {
		storeDir: index.storeDir,
		pathCount: index.pathCount,
		packs: index.packs,
		path: (hashPart) => index.path(hashPart),
		hashParts: () => index.hashParts(),
		paths: () => index.paths(),
		chunk: (id) => index.chunk(id),
	};
}

function textOf(id: Uint8Array): string {
	return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
}
