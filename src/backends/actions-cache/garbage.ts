import type { Log } from '../../log.ts';
import { hashPartOf } from '../../nix/store-path.ts';
import type { CacheService } from './cache-service.ts';
import { compact } from './compacting.ts';
import { planCompaction } from './format/compaction.ts';
import { mergeIndexes } from './format/merge.ts';
import type { StoredPath, StoreIndex } from './format/model.ts';
import { PACK_HEADER, packTrailer } from './format/pack.ts';
import { saveIndex } from './index-saving.ts';
import type { KnownIndexes } from './known-indexes.ts';
import { uploadPack } from './pack-upload.ts';
import { createPackWriter } from './pack-writer.ts';
import { createPacks } from './packs.ts';

export interface GarbageOptions {
	readonly service: CacheService;
	/** As they are now. */
	readonly known: KnownIndexes;
	readonly storeDir: string;
	/** What this ref's store may take. */
	readonly budgetBytes: number;
	/** For a pack on its way; made when needed. */
	readonly folder: string;
	/** Who does this, for people who read the index. */
	readonly writer: string;
	/** Only plans. */
	readonly isDryRun: boolean;
	/** Seconds since 1970. */
	readonly nowS: number;
	readonly log: Log;
	readonly signal: AbortSignal;
}

/** What went, or would go. */
export interface GarbageResult {
	/** Not used for longest, and no room for them. */
	readonly dropped: readonly StoredPath[];
	/** A part of them was in a pack that is gone. */
	readonly lost: readonly StoredPath[];
	readonly paths: { readonly before: number; readonly after: number };
	/** Of the packs that paths need, whole. */
	readonly packBytes: { readonly before: number; readonly after: number };
	readonly rewrittenPacks: number;
}

/** Nothing waits for it. */
const COPYING_MS = 30 * 60_000;

/**
 * Brings this ref's store under its budget without a push: gives up what was not used for longest, forgets what lies in packs that are gone, and moves what is left
 * of packs that are mostly dead. One new index, and a pack where frames move; nothing where there is nothing to do. Throws what the service throws, and leaves the
 * store as it was then.
 */
export async function collectGarbage(options: GarbageOptions): Promise<GarbageResult> {
	const { service, known, storeDir, budgetBytes, nowS, signal } = options;
	const packs = createPacks(service);
	const indexes = known.own.indexes.map(({ index }) => index);
	const before = mergeIndexes(indexes, { storeDir, gonePacks: new Set() });
	await packs.areThere(before.packs);
	const index = mergeIndexes(indexes, { storeDir, gonePacks: packs.gone });
	const plan = planCompaction(index, { budgetBytes, nowS, newBytes: 0 });
	const all = [...before.paths()];
	const lost = all.filter(({ info }) => index.path(hashPartOf(info.path)) === null);
	const result = {
		dropped: all.filter(({ info }) => plan.dropped.has(hashPartOf(info.path))),
		lost,
		paths: { before: all.length, after: all.length - lost.length - plan.dropped.size },
		packBytes: plan.packBytes,
		rewrittenPacks: plan.rewritten.length,
	};
	if (options.isDryRun || (result.dropped.length === 0 && lost.length === 0 && plan.rewritten.length === 0)) return result;
	await save(index, { ...options, packs }, signal);
	return result;
}

async function save(
	index: StoreIndex,
	options: GarbageOptions & { readonly packs: ReturnType<typeof createPacks> },
	signal: AbortSignal,
): Promise<void> {
	const { service, known, nowS } = options;
	const writer = createPackWriter({
		folder: options.folder,
		header: PACK_HEADER,
		trailer: (sizeBytes, frames) => packTrailer({ sizeBytes, frames }),
	});
	try {
		const compacted = await compact(index, { ...options, newBytes: 0, writer, limitMs: COPYING_MS });
		const added = await Promise.all((await writer.finish()).map((pack) => uploadPack(service, pack, nowS, signal)));
		await saveIndex(service, known.own, compacted.index(added), { createdAt: nowS, writer: options.writer }, signal);
	} finally {
		await writer.close();
	}
}
