import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeIndex } from '../../../../src/backends/actions-cache/format/index-reader.ts';
import { encodeIndex } from '../../../../src/backends/actions-cache/format/index-writer.ts';
import { addPaths, mergeIndexes } from '../../../../src/backends/actions-cache/format/merge.ts';
import type { StoredPath, StoreIndex } from '../../../../src/backends/actions-cache/format/model.ts';
import { hashPartOf } from '../../../../src/nix/store-path.ts';
import { anyPaths, contentOf, HEADER, indexOfPaths, madeChunks, madePath, madeStored, STORE_DIR } from './made-index.ts';

const anyIndex = anyPaths.map(indexOfPaths);
const hashPart = (name: string) => hashPartOf(madePath(name));
const merge = (indexes: readonly StoreIndex[], gone: readonly string[] = []) =>
	mergeIndexes(indexes, { storeDir: STORE_DIR, gonePacks: new Set(gone) });
const namesIn = (index: StoreIndex) => new Set([...index.paths()].map(({ info }) => info.path));
const usesIn = (index: StoreIndex) => new Map([...index.paths()].map(({ info, usedAt }) => [info.path, usedAt]));

describe('indexes as one', () => {
	test('are what the one is, when there is one, however often it is there', () => {
		fc.assert(
			fc.property(anyIndex, (index) => {
				expect(contentOf(merge([index]))).toEqual(contentOf(index));
				expect(contentOf(merge([index, index]))).toEqual(contentOf(index));
				expect(contentOf(merge([merge([index]), index]))).toEqual(contentOf(index));
				expect(merge([index, index]).packs).toEqual(index.packs);
			}),
		);
	});

	test('have the same paths, packs and times of use in any order, and the newest one’s records', () => {
		fc.assert(
			fc.property(anyIndex, anyIndex, anyIndex, (one, two, three) => {
				const merged = merge([one, two, three]);
				const turned = merge([three, one, two]);
				expect(namesIn(merged)).toEqual(new Set([one, two, three].flatMap((index) => [...namesIn(index)])));
				expect(namesIn(turned)).toEqual(namesIn(merged));
				expect(usesIn(turned)).toEqual(usesIn(merged));
				expect(new Set(turned.packs.map(({ key }) => key))).toEqual(new Set(merged.packs.map(({ key }) => key)));
				for (const path of one.paths()) expect(merged.path(hashPartOf(path.info.path))?.chunks).toEqual(path.chunks);
				expect(contentOf(merge([merge([one, two]), three]))).toEqual(contentOf(merged));
			}),
		);
	});

	test('have no path and no chunk of a pack that has gone', () => {
		fc.assert(
			fc.property(anyIndex, anyIndex, fc.nat(), (one, two, pick) => {
				const all = merge([one, two]);
				const gone = all.packs[pick % Math.max(1, all.packs.length)];
				if (gone === undefined) return;
				const left = merge([one, two], [gone.key]);
				expect(left.packs).toEqual(all.packs.filter((pack) => pack !== gone));
				for (const { chunks } of left.paths()) for (const { pack } of chunks) expect(pack.key).not.toBe(gone.key);
				for (const index of [one, two])
					for (const { info, chunks } of index.paths()) {
						const isWhole = chunks.every(({ pack }) => pack.key !== gone.key);
						if (isWhole) expect(left.path(hashPartOf(info.path))).not.toBeNull();
						for (const { id } of chunks) expect(left.chunk(id)?.pack.key).not.toBe(gone.key);
					}
			}),
		);
	});

	test('give an older record of a path whose newer pack has gone, with the later time of use', () => {
		const newer = indexOfPaths([madeStored('app', madeChunks('new', [10]), [], 50)]);
		const older = indexOfPaths([madeStored('app', madeChunks('old', [20]), [], 40)]);
		const gone = newer.packs.map(({ key }) => key);
		expect(merge([newer, older], gone).path(hashPart('app'))).toMatchObject({ usedAt: 50, chunks: [{ frameBytes: 20 }] });
		expect(merge([newer, older]).path(hashPart('app'))).toMatchObject({ usedAt: 50, chunks: [{ frameBytes: 10 }] });
		expect(merge([newer], gone).path(hashPart('app'))).toBeNull();
	});

	test('have a chunk that two jobs stored where the newest has it, also for paths that only the other one has', () => {
		const [at, elsewhere] = [madeChunks('first', [10]), madeChunks('second', [20])];
		const id = at[0]?.id ?? new Uint8Array();
		const twice = elsewhere.map((chunk) => ({ ...chunk, id, narBytes: 30 }));
		const indexes = [indexOfPaths([madeStored('app', at)]), indexOfPaths([madeStored('lib', twice)])];
		for (const [newer, older] of [indexes, indexes.toReversed()]) {
			const merged = merge([newer, older].filter((index) => index !== undefined));
			const { index } = decodeIndex(encodeIndex(HEADER, merged), { storeDir: STORE_DIR });
			for (const { chunks } of index.paths()) expect(chunks).toMatchObject([{ pack: { key: merged.chunk(id)?.pack.key } }]);
			expect(index.packs).toEqual(newer?.packs);
		}
	});

	test('take each path from one of them, however many have it: jobs that end together all continue the same index', () => {
		let decoded = 0;
		const counting = (index: StoreIndex): StoreIndex => ({
			...index,
			path(part) {
				decoded++;
				return index.path(part);
			},
		});
		const names = ['app', 'lib', 'doc'];
		const paths = names.map((name) => madeStored(name, madeChunks(name, [10]), [], 40));
		const merged = merge(Array.from({ length: 20 }, () => counting(indexOfPaths(paths))));
		expect([...merged.paths()]).toHaveLength(names.length);
		expect(decoded).toBe(names.length);
	});

	test('bring the signatures of an older one for the same NAR with the same references, as they lie in bytes', () => {
		const signed = (key: string, references: readonly string[], usedAt: number): StoredPath => {
			const made = madeStored('app', madeChunks('app', [10]), references, usedAt);
			return { ...made, info: { ...made.info, signatures: [`${key}:${Buffer.alloc(64, key).toString('base64')}`] } };
		};
		// The reference is a line of the first index's table, and a text in the second.
		const lib = madeStored('lib', madeChunks('lib', [7]));
		const indexes = [[signed('a', ['lib'], 3), lib], [signed('b', ['lib'], 9)], [signed('c', [], 5)]].map(
			(paths) => decodeIndex(encodeIndex(HEADER, indexOfPaths(paths)), { storeDir: STORE_DIR }).index,
		);
		const app = merge(indexes).path(hashPart('app'));
		expect(app?.info.signatures.map((signature) => signature.split(':')[0])).toEqual(['a', 'b']);
		expect(app?.usedAt).toBe(9);
	});

	test('can be written and read again as one', () => {
		fc.assert(
			fc.property(anyIndex, anyIndex, (one, two) => {
				const { index } = decodeIndex(encodeIndex(HEADER, merge([one, two])), { storeDir: STORE_DIR });
				expect(namesIn(index)).toEqual(namesIn(merge([one, two])));
				expect(usesIn(index)).toEqual(usesIn(merge([one, two])));
			}),
		);
	});
});

describe('what a push brings', () => {
	const base = indexOfPaths([
		madeStored('app', madeChunks('old', [20]), ['lib'], 40),
		madeStored('lib', madeChunks('lib', [7]), [], 40),
	]);
	const added: StoredPath = madeStored('app', madeChunks('new', [10]), ['lib'], 60);
	const packs = added.chunks.map(({ pack }) => pack);

	test('wins over what was there; the rest stays', () => {
		const index = addPaths(base, { packs, paths: [added] }, new Map());
		expect(index.path(hashPart('app'))).toEqual(added);
		expect(index.path(hashPart('lib'))).toEqual(base.path(hashPart('lib')));
		expect(index.pathCount).toBe(2);
		expect(index.packs).toHaveLength(3);
	});

	test('keeps the signatures of other jobs, whose readers trust no other key, unless they are of another NAR', () => {
		const signedBy = (key: string, narHash = added.info.narHash): StoredPath => ({
			...added,
			info: { ...added.info, narHash, signatures: [`${key}:${Buffer.alloc(64, key).toString('base64')}`] },
		});
		const signersIn = (index: StoreIndex) =>
			index.path(hashPart('app'))?.info.signatures.map((signature) => signature.split(':')[0]);
		const afterwards = (there: StoredPath) =>
			signersIn(addPaths(indexOfPaths([there]), { packs, paths: [signedBy('ours')] }, new Map()));
		expect(afterwards(signedBy('theirs'))).toEqual(['ours', 'theirs']);
		expect(afterwards(signedBy('ours'))).toEqual(['ours']);
		expect(afterwards(signedBy('theirs', { algorithm: 'sha256', digest: Buffer.alloc(32) }))).toEqual(['ours']);
	});

	test('marks what the job has read as used, never earlier than it was', () => {
		const used = new Map([
			[hashPart('lib'), 99],
			[hashPart('app'), 3],
			[hashPart('unknown'), 99],
		]);
		const index = addPaths(base, { packs: [], paths: [] }, used);
		expect(usesIn(index)).toEqual(
			new Map([
				[madePath('app'), 40],
				[madePath('lib'), 99],
			]),
		);
		expect(index.path(hashPart('lib'))?.usedAt).toBe(99);
	});
});
