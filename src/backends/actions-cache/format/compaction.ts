import { CacheError } from '../../../errors.ts';
import { hashPartOf } from '../../../nix/store-path.ts';
import { FrameUse, frameBytesOf, type LivePack, placeOf, textOf } from './frame-use.ts';
import { leastUsedFirst } from './least-used.ts';
import type { Chunk, Pack, StoredPath, StoreIndex } from './model.ts';
import { HEADER_BYTES, TRAILER_BYTES } from './pack.ts';

export interface CompactionLimits {
	/** What the store may take in the Actions cache (`actions-cache-size`). */
	readonly budgetBytes: number;
	/** Seconds since 1970: nothing counts as used later than now. */
	readonly nowS: number;
	/** What this job stores in addition to what the index holds. */
	readonly newBytes: number;
	/** The most that one job copies, 1 GiB unless told: no pack is made larger. */
	readonly copyBytes?: number;
}

/** What is to be done so that the store keeps to its budget. */
export interface CompactionPlan {
	/** Hash parts of the paths that are given up. No path that stays refers to one of them. */
	readonly dropped: ReadonlySet<string>;
	/** The packs that stay as they are. */
	readonly kept: readonly Pack[];
	/** The packs whose live frames move to a new one; after that no path needs them. */
	readonly rewritten: readonly Pack[];
	/** Those frames, to be copied verbatim in this order: neighbours in a pack come one after another, so they are one read. */
	readonly copies: readonly Chunk[];
	/** Frames that paths need. */
	readonly liveBytes: { readonly before: number; readonly after: number };
	/** Packs that paths need, whole. What is not needed any more stays in the cache until GitHub evicts it, and is in neither number. */
	readonly packBytes: { readonly before: number; readonly after: number };
}

/** Live bytes are brought under this part of the budget, so that not every job has to drop something. */
const FILL = 0.9;
/** A pack of which less is live is rewritten. */
const LIVE_ENOUGH = 0.5;
/** Less than this is not worth a new entry. */
const MIN_GAIN_BYTES = 16 * 1024 * 1024;
const MAX_COPY_BYTES = 1024 ** 3;
const FRAMING_BYTES = HEADER_BYTES + TRAILER_BYTES;

/**
 * Which paths to give up, least recently used first, until what is live fits 90 % of the budget; then which packs to rewrite: those that are mostly dead,
 * and others, deadest first, as long as all packs together exceed the budget.
 */
export function planCompaction(index: StoreIndex, limits: CompactionLimits): CompactionPlan {
	const paths = [...index.paths()];
	const use = new FrameUse(index, paths);
	const liveBefore = use.liveBytes;
	const packsBefore = sizeOf(use.packs());
	const dropped = dropPaths(paths, use, limits);
	const needed = use.packs();
	const rewritten = packsToRewrite(needed, limits);
	const copies = rewritten.flatMap(({ frames }) => frames);
	const keys = new Set(rewritten.map(({ pack }) => pack.key));
	const kept = needed.filter(({ pack }) => !keys.has(pack.key));
	return {
		dropped,
		kept: kept.map(({ pack }) => pack),
		rewritten: rewritten.map(({ pack }) => pack),
		copies,
		liveBytes: { before: liveBefore, after: use.liveBytes },
		packBytes: { before: packsBefore, after: sizeOf(kept) + (copies.length > 0 ? frameBytesOf(copies) + FRAMING_BYTES : 0) },
	};
}

/** Takes from `use` what is given up. */
function dropPaths(paths: readonly StoredPath[], use: FrameUse, { budgetBytes, nowS, newBytes }: CompactionLimits): Set<string> {
	const roomBytes = FILL * budgetBytes - newBytes;
	const dropped = new Set<string>();
	if (use.liveBytes <= roomBytes) return dropped;
	for (const group of leastUsedFirst(paths, nowS)) {
		if (use.liveBytes <= roomBytes) break;
		for (const path of group) {
			use.drop(path);
			dropped.add(hashPartOf(path.info.path));
		}
	}
	return dropped;
}

function packsToRewrite(
	packs: readonly LivePack[],
	{ budgetBytes, newBytes, copyBytes = MAX_COPY_BYTES }: CompactionLimits,
): readonly LivePack[] {
	const rewritten: LivePack[] = [];
	let totalBytes = sizeOf(packs) + newBytes;
	let madeBytes = FRAMING_BYTES;
	let gainBytes = -FRAMING_BYTES;
	for (const one of packs.toSorted((a, b) => liveShare(a) - liveShare(b))) {
		const deadBytes = one.pack.sizeBytes - one.liveBytes - FRAMING_BYTES;
		const isWanted = liveShare(one) < LIVE_ENOUGH || totalBytes > budgetBytes;
		if (!isWanted || deadBytes <= 0 || madeBytes + one.liveBytes > copyBytes) continue;
		rewritten.push(one);
		totalBytes -= deadBytes;
		madeBytes += one.liveBytes;
		gainBytes += one.pack.sizeBytes - one.liveBytes;
	}
	return gainBytes < MIN_GAIN_BYTES ? [] : rewritten;
}

function liveShare({ pack, liveBytes }: LivePack): number {
	return liveBytes / pack.sizeBytes;
}

function sizeOf(packs: readonly LivePack[]): number {
	return packs.reduce((sum, { pack }) => sum + pack.sizeBytes, 0);
}

/** The plan as far as its first `copied` frames carry it: a pack of which not all were copied stays. */
export function carriedOut(plan: CompactionPlan, copied: number): CompactionPlan {
	const left = new Set(plan.copies.slice(copied).map(({ pack }) => pack.key));
	return {
		...plan,
		kept: [...plan.kept, ...plan.rewritten.filter(({ key }) => left.has(key))],
		rewritten: plan.rewritten.filter(({ key }) => !left.has(key)),
		copies: plan.copies.filter(({ pack }) => !left.has(pack.key)),
	};
}

/**
 * The index as the plan leaves it. `newPack` holds `plan.copies` at `offsets`; `null` when nothing was to be copied, or could be: then the plan's
 * frames stay where they are.
 */
export function applyCompaction(
	index: StoreIndex,
	plan: CompactionPlan,
	newPack: Pack | null,
	offsets: readonly number[],
): StoreIndex {
	const moved = newPack === null ? new Map<string, Chunk>() : movedTo(newPack, plan.copies, offsets);
	const packs = [...plan.kept, ...(newPack === null ? plan.rewritten : [newPack])];
	const packKeys = new Set(packs.map(({ key }) => key));
	const placed = (chunk: Chunk): Chunk => moved.get(textOf(chunk.id)) ?? placeOf(index, chunk);
	const changed = (path: StoredPath): StoredPath => ({ ...path, chunks: path.chunks.map(placed) });
	const hashParts = new Set<string>();
	for (const hashPart of index.hashParts()) if (!plan.dropped.has(hashPart)) hashParts.add(hashPart);
	return {
		storeDir: index.storeDir,
		pathCount: hashParts.size,
		packs,
		hashParts: () => hashParts,
		path(hashPart) {
			const path = hashParts.has(hashPart) ? index.path(hashPart) : null;
			return path === null ? null : changed(path);
		},
		mention: (hashPart) => (hashParts.has(hashPart) ? index.mention(hashPart) : null),
		*paths() {
			for (const path of index.paths()) if (!plan.dropped.has(hashPartOf(path.info.path))) yield changed(path);
		},
		chunk(id) {
			const chunk = moved.get(textOf(id)) ?? index.chunk(id);
			return chunk !== null && packKeys.has(chunk.pack.key) ? chunk : null;
		},
	};
}

function movedTo(pack: Pack, copies: readonly Chunk[], offsets: readonly number[]): Map<string, Chunk> {
	if (offsets.length !== copies.length)
		throw new CacheError('internal', `${copies.length} frames were to be copied, and ${offsets.length} were.`);
	return new Map(copies.map((chunk, at) => [textOf(chunk.id), { ...chunk, pack, offset: offsetIn(pack, chunk, offsets[at]) }]));
}

function offsetIn(pack: Pack, { frameBytes }: Chunk, offset = 0): number {
	if (offset >= HEADER_BYTES && offset + frameBytes <= pack.sizeBytes - TRAILER_BYTES) return offset;
	throw new CacheError('internal', `A copied frame can't lie at ${offset} of the new pack.`);
}
