import { describeError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { applyCompaction, type CompactionPlan, carriedOut, planCompaction } from './format/compaction.ts';
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
	/** The longest that frames are copied. */
	readonly limitMs: number;
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
 * with moving, or takes too long, leaves the packs that were not copied whole by then as they are.
 */
export async function compact(index: StoreIndex, options: CompactingOptions): Promise<Compacted> {
	const { budgetBytes, newBytes, nowS, log } = options;
	const copyBytes = Math.max(0, PACK_BYTES - RESERVE_BYTES - newBytes);
	const plan = planCompaction(index, { budgetBytes, nowS, newBytes, copyBytes });
	if (plan.dropped.size === 0 && plan.copies.length === 0) return { dropped: plan.dropped, index: () => index };
	const places = await copyFrames(plan, options);
	const done = carriedOut(plan, places.length);
	log.info(
		`${plan.dropped.size} paths that were not used for longest leave the store in the Actions cache; the rest of ${done.rewritten.length} packs moves.`,
	);
	return {
		dropped: plan.dropped,
		index(packs) {
			const newPack = done.copies.length === 0 ? null : (packs[places[0]?.pack ?? -1] ?? null);
			const offsets = places.slice(0, done.copies.length).map(({ offset }) => offset);
			return newPack === null ? applyCompaction(index, plan, null, []) : applyCompaction(index, done, newPack, offsets);
		},
	};
}

/** Copies the frames as they are, from the first on: as many as could be had in time and lie in one pack. */
async function copyFrames(
	{ copies }: CompactionPlan,
	{ packs, writer, log, limitMs, signal }: CompactingOptions,
): Promise<readonly FramePlace[]> {
	const places: FramePlace[] = [];
	try {
		const left = copies.values();
		for await (const frame of packs.frames(copies, AbortSignal.any([signal, AbortSignal.timeout(limitMs)]))) {
			const { value: chunk } = left.next();
			const place = chunk === undefined ? null : await writer.append(chunk.id, frame);
			if (place === null || place.pack !== (places[0] ?? place).pack) break;
			places.push(place);
		}
	} catch (error) {
		log.info(`Packs that are mostly dead stay as they are: ${describeError(error)}`);
	}
	return places;
}
