import { equalHash } from '../../../nix/hash.ts';
import { hashPartOf } from '../../../nix/store-path.ts';
import { type Chunk, mentionOf, type Pack, type StoredPath, type StoreIndex } from './model.ts';

export interface MergeOptions {
	readonly storeDir: string;
	/** Keys of packs that are known to have gone: what lies in them is not there. */
	readonly gonePacks?: ReadonlySet<string>;
}

/**
 * Several indexes (newest first) as one. A path comes from the first that has it whole, with the signatures that any of them has of the same NAR, and was last
 * used when any of them says that it was used latest. Jobs that end together all continue the same index, so nearly all paths are in all of them: of the others
 * only what they may add is read.
 */
export function mergeIndexes(indexes: readonly StoreIndex[], { storeDir, gonePacks = new Set() }: MergeOptions): StoreIndex {
	const isThere = ({ pack }: Chunk): boolean => !gonePacks.has(pack.key);
	let known: ReadonlySet<string> | null = null;
	const hashParts = (): ReadonlySet<string> => (known ??= hashPartsOf(indexes));
	const packs = new Map(indexes.toReversed().flatMap((index) => index.packs.map((pack) => [pack.key, pack] as const)));
	const path = (hashPart: string): StoredPath | null => {
		for (const index of indexes) {
			const found = index.path(hashPart);
			if (found?.chunks.every(isThere)) return withMentions(found, hashPart, indexes, index);
		}
		return null;
	};
	return {
		storeDir,
		get pathCount() {
			return hashParts().size;
		},
		packs: [...packs.values()].filter(({ key }) => !gonePacks.has(key)),
		path,
		mention: (hashPart) => mentionOf(path(hashPart)),
		hashParts,
		*paths() {
			for (const hashPart of hashParts()) {
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

function hashPartsOf(indexes: readonly StoreIndex[]): ReadonlySet<string> {
	const all = new Set<string>();
	for (const index of indexes) for (const hashPart of index.hashParts()) all.add(hashPart);
	return all;
}

/** `path`, which comes from the index `from`, with what all others say of it. */
function withMentions(path: StoredPath, hashPart: string, indexes: readonly StoreIndex[], from: StoreIndex): StoredPath {
	let { usedAt } = path;
	const signatures = new Set(path.info.signatures);
	for (const index of indexes) {
		const mention = index === from ? null : index.mention(hashPart);
		if (mention === null) continue;
		usedAt = Math.max(usedAt, mention.usedAt);
		if (mention.signatures.every((signature) => signatures.has(signature))) continue;
		for (const signature of signaturesFor(path, index.path(hashPart))) signatures.add(signature);
	}
	if (usedAt === path.usedAt && signatures.size === path.info.signatures.length) return path;
	return { ...path, usedAt, info: { ...path.info, signatures: [...signatures] } };
}

/** Jobs may have keys of their own, and their readers trust no other (invariant I3). A signature is of path, NAR and references. */
function signaturesFor({ info }: StoredPath, other: StoredPath | null): readonly string[] {
	const isSame =
		other !== null &&
		equalHash(other.info.narHash, info.narHash) &&
		other.info.references.join(' ') === info.references.join(' ');
	return isSame ? other.info.signatures : [];
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
		mention: (hashPart) => mentionOf(byHashPart.get(hashPart) ?? null),
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
	const path = (hashPart: string): StoredPath | null => {
		const found = index.path(hashPart);
		return found === null ? null : marked(found);
	};
	return {
		...methodsOf(index),
		path,
		mention: (hashPart) => mentionOf(path(hashPart)),
		*paths() {
			for (const path of index.paths()) yield marked(path);
		},
	};
}

/** An index need not be a plain object. */
function methodsOf(index: StoreIndex): StoreIndex {
	return {
		storeDir: index.storeDir,
		get pathCount() {
			return index.pathCount;
		},
		packs: index.packs,
		path: (hashPart) => index.path(hashPart),
		mention: (hashPart) => index.mention(hashPart),
		hashParts: () => index.hashParts(),
		paths: () => index.paths(),
		chunk: (id) => index.chunk(id),
	};
}

function textOf(id: Uint8Array): string {
	return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
}
