import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
	applyCompaction,
	type CompactionPlan,
	planCompaction,
} from '../../../../src/backends/actions-cache/format/compaction.ts';
import { mergeIndexes } from '../../../../src/backends/actions-cache/format/merge.ts';
import type { Pack, StoreIndex } from '../../../../src/backends/actions-cache/format/model.ts';
import { HEADER_BYTES, TRAILER_BYTES } from '../../../../src/backends/actions-cache/format/pack.ts';
import { hashPartOf } from '../../../../src/nix/store-path.ts';
import { anyPaths, contentOf, indexOfPaths, madeChunks, madePack, madePath, madeStored, STORE_DIR } from './made-index.ts';

const MiB = 1024 * 1024;
const nowS = 2_000_000_000;
const hashPart = (name: string) => hashPartOf(madePath(name));
const plan = (index: StoreIndex, budgetBytes: number, newBytes = 0, copyBytes = 1024 * MiB) =>
	planCompaction(index, { budgetBytes, nowS, newBytes, copyBytes });

/** The new pack, as whoever copies would make it. */
function copied({ copies }: CompactionPlan): readonly [Pack | null, readonly number[]] {
	let end = HEADER_BYTES;
	const offsets = copies.map(({ frameBytes }) => (end += frameBytes) - frameBytes);
	return [copies.length === 0 ? null : madePack('compacted', end + TRAILER_BYTES), offsets];
}

function apply(index: StoreIndex, made: CompactionPlan): StoreIndex {
	return applyCompaction(index, made, ...copied(made));
}

/** Paths of one frame, each in a pack of its own. */
function lone(
	...paths: readonly (readonly [name: string, sizeMiB: number, references: readonly string[], usedAt: number])[]
): StoreIndex {
	return indexOfPaths(paths.map(([name, size, refs, usedAt]) => madeStored(name, madeChunks(name, [size * MiB]), refs, usedAt)));
}

describe('what is given up', () => {
	test('is nothing while all fits nine tenths of the budget', () => {
		const index = lone(['a', 40, [], 1], ['b', 50, [], 2]);
		const made = plan(index, 100 * MiB);
		expect(made).toMatchObject({
			dropped: new Set(),
			rewritten: [],
			copies: [],
			liveBytes: { before: 90 * MiB, after: 90 * MiB },
		});
		expect(contentOf(apply(index, made))).toEqual(contentOf(index));
		expect(plan(index, 100 * MiB, 1).dropped).toEqual(new Set([hashPart('a')]));
	});

	test('is what was used longest ago, and no more than needed', () => {
		const index = lone(['a', 30, [], 3], ['b', 30, [], 1], ['c', 30, [], 2]);
		expect(plan(index, 70 * MiB).dropped).toEqual(new Set([hashPart('b')]));
		expect(plan(index, 40 * MiB).dropped).toEqual(new Set([hashPart('b'), hashPart('c')]));
		expect(plan(index, 0).dropped.size).toBe(3);
	});

	test('is never what a path that stays refers to, however long ago that was read itself', () => {
		const index = lone(['glibc', 30, [], 1], ['app', 30, ['glibc', 'app'], 9], ['other', 30, [], 5]);
		expect(plan(index, 70 * MiB).dropped).toEqual(new Set([hashPart('other')]));
	});

	test('goes from what nothing refers to down to what it needs, when all were used at the same time', () => {
		const index = lone(['glibc', 30, [], 5], ['lib', 30, ['glibc'], 5], ['app', 30, ['lib', 'glibc'], 5]);
		expect(plan(index, 70 * MiB).dropped).toEqual(new Set([hashPart('app')]));
		expect(plan(index, 40 * MiB).dropped).toEqual(new Set([hashPart('app'), hashPart('lib')]));
	});

	test('is not saved by a time in the future', () => {
		const index = lone(['a', 30, [], nowS + 10 ** 9], ['b', 30, [], nowS]);
		expect(plan(index, 50 * MiB).dropped).toEqual(new Set([hashPart('a')]));
	});

	test('frees only what no other path needs', () => {
		const shared = madeChunks('shared', [40 * MiB]);
		const index = indexOfPaths([
			madeStored('a', [...shared, ...shared], [], 1),
			madeStored('b', [...shared, ...madeChunks('b', [10 * MiB])], [], 3),
			madeStored('c', madeChunks('c', [10 * MiB]), [], 2),
		]);
		expect(plan(index, 65 * MiB)).toMatchObject({
			dropped: new Set([hashPart('a'), hashPart('c')]),
			liveBytes: { after: 50 * MiB },
		});
	});

	test('is a circle as a whole, last', () => {
		const index = lone(['x', 30, ['y'], 1], ['y', 30, ['x'], 9], ['z', 30, [], 20]);
		expect(plan(index, 70 * MiB).dropped).toEqual(new Set([hashPart('z')]));
		expect(plan(index, 50 * MiB).dropped.size).toBe(3);
	});

	test('takes no more than its share of time for a chain of 20,000 paths', () => {
		const paths = Array.from({ length: 20_000 }, (_, at) =>
			madeStored(`p${at}`, madeChunks(`p${at}`, [100]), [`p${at + 1}`], at),
		);
		const index = indexOfPaths(paths);
		const start = performance.now();
		expect(plan(index, 1_000_000).dropped.size).toBe(11_000);
		expect(performance.now() - start).toBeLessThan(3000);
	});
});

describe('what is rewritten', () => {
	const half = (name: string, liveMiB: number, deadMiB: number) =>
		madeStored(name, madeChunks(name, [liveMiB * MiB], deadMiB * MiB));

	test('are packs less than half live, when that wins 16 MiB together', () => {
		const index = indexOfPaths([half('a', 10, 30), half('b', 30, 29), half('c', 1, 2)]);
		const made = plan(index, 1000 * MiB);
		expect(made.rewritten.map(({ sizeBytes }) => Math.round(sizeBytes / MiB))).toEqual([40, 3]);
		expect(made.copies.map(({ frameBytes }) => frameBytes)).toEqual([10 * MiB, MiB]);
		expect(made.packBytes.before - made.packBytes.after).toBe(32 * MiB + HEADER_BYTES + TRAILER_BYTES);
		expect(plan(indexOfPaths([half('a', 1, 10), half('c', 1, 5)]), 1000 * MiB).rewritten).toEqual([]);
	});

	test('are others too, deadest first, as long as all packs together exceed the budget', () => {
		const index = indexOfPaths([half('a', 30, 28), half('b', 30, 20), half('c', 30, 10)]);
		expect(plan(index, 149 * MiB).rewritten).toEqual([]);
		expect(plan(index, 125 * MiB).rewritten).toHaveLength(1);
		expect(plan(index, 112 * MiB).rewritten).toHaveLength(2);
	});

	test('are no more than one job may copy', () => {
		const index = indexOfPaths([half('a', 30, 100), half('b', 40, 100), half('c', 50, 100)]);
		expect(plan(index, 1000 * MiB, 0, 75 * MiB).copies.map(({ frameBytes }) => frameBytes / MiB)).toEqual([30, 40]);
	});

	test('are copied once, when two jobs had stored the same chunks in packs of their own', () => {
		const [chunk] = madeChunks('first', [MiB], 40 * MiB);
		const [other] = madeChunks('second', [MiB], 40 * MiB);
		if (chunk === undefined || other === undefined) throw new Error('two chunks were made');
		const newer = indexOfPaths([madeStored('a', [chunk])]);
		const older = indexOfPaths([madeStored('b', [{ ...other, id: chunk.id }])]);
		const merged = mergeIndexes([newer, older], { storeDir: STORE_DIR });
		const made = plan(merged, 1000 * MiB);
		expect(made).toMatchObject({ copies: [chunk], rewritten: [chunk.pack], kept: [] });
		const after = apply(merged, made);
		expect([...after.paths()].map(({ chunks }) => chunks.map(({ pack }) => pack.key))).toEqual([
			[madePack('compacted', 0).key],
			[madePack('compacted', 0).key],
		]);
		expect(after.packs).toHaveLength(1);
	});
});

describe('the index after it', () => {
	const anyLimits = fc.record({ budgetBytes: fc.nat(60 * MiB), newBytes: fc.nat(5 * MiB), copyBytes: fc.nat(80 * MiB) });

	test('has whole closures, fits, and needs no pack but those that it names', () => {
		fc.assert(
			fc.property(anyPaths, anyLimits, fc.boolean(), (paths, limits, isCopied) => {
				const index = indexOfPaths(paths);
				const made = planCompaction(index, { nowS, ...limits });
				const after = isCopied ? apply(index, made) : applyCompaction(index, made, null, []);
				const all = [...after.paths()];
				const names = new Set(all.map(({ info }) => info.path));
				const before = new Set(paths.map(({ info }) => info.path));
				for (const { info } of all)
					for (const reference of info.references) expect(names.has(reference)).toBe(before.has(reference));
				expect(all.length).toBe(paths.length - made.dropped.size);
				expect(after.pathCount).toBe(all.length);
				expect([...after.hashParts()].every((one) => after.path(one) !== null)).toBe(true);
				const packs = new Set(after.packs.map(({ key }) => key));
				const needed = new Set(all.flatMap(({ chunks }) => chunks.map(({ pack }) => pack.key)));
				expect(needed).toEqual(packs);
				for (const { chunks } of all) for (const chunk of chunks) expect(after.chunk(chunk.id)).toEqual(chunk);
				if (all.length > 0) expect(made.liveBytes.after).toBeLessThanOrEqual(0.9 * limits.budgetBytes - limits.newBytes);
				expect(made.copies.reduce((sum, { frameBytes }) => sum + frameBytes, 0)).toBeLessThanOrEqual(limits.copyBytes);
				expect(made.packBytes.after).toBeLessThanOrEqual(made.packBytes.before);
				const again = planCompaction(after, { nowS, ...limits });
				expect(again.dropped.size).toBe(0);
			}),
			{ numRuns: 300 },
		);
	});

	test('is refused when the copies do not lie in the new pack', () => {
		const index = indexOfPaths([madeStored('a', madeChunks('a', [MiB], 40 * MiB))]);
		const made = plan(index, 1000 * MiB);
		const internal = expect.objectContaining({ code: 'internal' });
		expect(() => applyCompaction(index, made, madePack('new', 2 * MiB), [])).toThrow(internal);
		expect(() => applyCompaction(index, made, madePack('new', 2 * MiB), [15])).toThrow(internal);
		expect(() => applyCompaction(index, made, madePack('new', MiB), [16])).toThrow(internal);
	});
});
