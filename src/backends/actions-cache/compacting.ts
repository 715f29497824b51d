import { describeError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { applyCompaction, type CompactionPlan, planCompaction } from './format/compaction.ts';
import type { Pack, StoreIndex } from './format/model.ts';
import type { FramePlace, PackWriter } from './pack-writer.ts';
import type { Packs } from './packs.ts';

export interface CompactingOptions {
	/** `actions-cache-size`. */
	readonly budgetBytes: number;
	/** Frames that this push has in its packs. */
	readonly newBytes: number;
	readonly nowS: number;
	readonly packs: Packs;
	/** Frames that are still wanted go into the packs of this push. */
	readonly writer: PackWriter;
	readonly log: Log;
	readonly signal: AbortSignal;
}

export interface Compacted {
	/** Hash parts of paths that are given up. */
	readonly dropped: ReadonlySet<string>;
	/** The index that was compacted, as it is now that the packs of this push have their names. */
	index(packs: readonly Pack[]): StoreIndex;
}

/** The packs of a push end here; copies fill up the last one. */
const PACK_BYTES = 1024 ** 3;
const RESERVE_BYTES = 1024 ** 2;

/**
 * Keeps the store to its budget: gives up what was not used for longest, and moves what is left of packs that are mostly dead, frame by frame. What goes wrong
 * with moving leaves the frames where they are.
 */
export async function compact(index: StoreIndex, options: CompactingOptions): Promise<Compacted> {
	const { budgetBytes, newBytes, nowS, log } = options;
	const copyBytes = Math.max(0, PACK_BYTES - RESERVE_BYTES - newBytes);
	const plan = planCompaction(index, { budgetBytes, nowS, newBytes, copyBytes });
	if (plan.dropped.size === 0 && plan.copies.length === 0) return { dropped: plan.dropped, index: () => index };
	const places = await copyFrames(plan, options).catch((error: unknown) => {
		log.info(`Packs that are mostly dead stay as they are: ${describeError(error)}`);
		return null;
	});
	log.info(
		`${plan.dropped.size} paths that were not used for longest leave the store in the Actions cache; the rest of ${places === null ? 0 : plan.rewritten.length} packs moves.`,
	);
	return {
		dropped: plan.dropped,
		index(packs) {
			const newPack = places === null ? null : (packs[places[0]?.pack ?? -1] ?? null);
			return applyCompaction(index, plan, newPack, newPack === null ? [] : (places ?? []).map(({ offset }) => offset));
		},
	};
}

/** Copies the frames as they are. `null` when they did not all fit into one pack, or there are none. */
async function copyFrames(
	{ copies }: CompactionPlan,
	{ packs, writer, signal }: CompactingOptions,
): Promise<readonly FramePlace[] | null> {
	const places: FramePlace[] = [];
	const left = copies.values();
	for await (const frame of packs.frames(copies, signal)) {
		const { value: chunk } = left.next();
		if (chunk !== undefined) places.push(await writer.append(chunk.id, frame));
	}
	const isOnePack = places.length > 0 && places.every(({ pack }) => pack === places[0]?.pack);
	return isOnePack ? places : null;
}
