import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { packKey } from '../../../../src/backends/actions-cache/format/keys.ts';
import { indexOf } from '../../../../src/backends/actions-cache/format/merge.ts';
import type { Chunk, IndexHeader, Pack, StoredPath, StoreIndex } from '../../../../src/backends/actions-cache/format/model.ts';
import { HEADER_BYTES, TRAILER_BYTES } from '../../../../src/backends/actions-cache/format/pack.ts';
import { encodeBase32 } from '../../../../src/nix/base32.ts';
import { hashPartOf } from '../../../../src/nix/store-path.ts';

export const STORE_DIR = '/nix/store';
export const HEADER: IndexHeader = { slot: 7, openSlots: [5, 3], createdAt: 1_790_000_000, writer: 'ci/build/0' };

function digest(text: string): Buffer {
	return createHash('sha256').update(text).digest();
}

export function madePath(name: string, storeDir = STORE_DIR): string {
	return `${storeDir}/${encodeBase32(digest(name).subarray(0, 20))}-${name}`;
}

export function madePack(name: string, sizeBytes: number, createdAt = 1_790_000_000): Pack {
	return { key: packKey(digest(name).toString('hex').slice(0, 40)), sizeBytes, createdAt };
}

/** Chunks of the given frame sizes, one after another in a pack that is just as large as they need, or larger by `deadBytes`. */
export function madeChunks(name: string, frameSizes: readonly number[], deadBytes = 0): readonly Chunk[] {
	const bytes = frameSizes.reduce((sum, size) => sum + size, 0);
	const pack = madePack(name, HEADER_BYTES + bytes + deadBytes + TRAILER_BYTES);
	let offset = HEADER_BYTES;
	return frameSizes.map((frameBytes, at) => {
		const id = digest(`${name} ${at}`);
		const chunk = {
			id,
			narBytes: frameBytes * 3,
			pack,
			offset,
			frameBytes,
			frameHash: digest(`frame ${name} ${at}`).subarray(0, 16),
		};
		offset += frameBytes;
		return chunk;
	});
}

export function madeStored(
	name: string,
	chunks: readonly Chunk[],
	references: readonly string[] = [],
	usedAt = 1_790_000_000,
): StoredPath {
	return {
		info: {
			path: madePath(name),
			narHash: { algorithm: 'sha256', digest: digest(`nar ${name}`) },
			narSizeBytes: chunks.reduce((sum, { narBytes }) => sum + narBytes, 0),
			references: references.map((reference) => madePath(reference)).sort(),
			deriver: name.length % 2 === 0 ? `${madePath(name)}.drv` : null,
			signatures: name.length % 3 === 0 ? [] : [`key-1:${Buffer.concat([digest(name), digest(name)]).toString('base64')}`],
			ca: null,
			ultimate: false,
		},
		chunks,
		usedAt,
	};
}

export function indexOfPaths(paths: readonly StoredPath[]): StoreIndex {
	const packs = new Map(paths.flatMap(({ chunks }) => chunks.map(({ pack }) => [pack.key, pack] as const)));
	return indexOf(STORE_DIR, { packs: [...packs.values()], paths });
}

/** All that an index says, in one order, with bytes as text. */
export function contentOf(index: StoreIndex): unknown {
	const paths = [...index.paths()].map(({ info, chunks, usedAt }) => ({
		...info,
		narHash: Buffer.from(info.narHash.digest).toString('hex'),
		usedAt,
		chunks: chunks.map(contentOfChunk),
	}));
	return Object.fromEntries(paths.sort((a, b) => (a.path < b.path ? -1 : 1)).map((path) => [hashPartOf(path.path), path]));
}

export function contentOfChunk({ id, frameHash, pack, ...rest }: Chunk): unknown {
	return {
		...rest,
		id: Buffer.from(id).toString('hex'),
		frameHash: Buffer.from(frameHash).toString('hex'),
		pack,
	};
}

const LAYER_NAMES = ['app', 'lib-c++', 'glibc-2.40', 'src.tar.gz', '.hidden', 'x?y=z', 'tool_1', 'doc', 'man-pages', 'zlib'];

/** A store of up to ten paths: each refers to paths with a higher number, maybe to itself, and is made of chunks of up to three packs. */
export const anyPaths: fc.Arbitrary<readonly StoredPath[]> = fc
	.record({
		frames: fc.array(fc.array(fc.integer({ min: 1, max: 9_000_000 }), { minLength: 1, maxLength: 6 }), {
			minLength: 1,
			maxLength: 3,
		}),
		salt: fc.integer({ min: 0, max: 3 }),
		paths: fc.array(
			fc.record({
				picks: fc.array(fc.nat(100), { minLength: 1, maxLength: 5 }),
				refs: fc.subarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
				usedAt: fc.integer({ min: 1, max: 2_000_000_000 }),
			}),
			{ maxLength: LAYER_NAMES.length },
		),
	})
	.map(({ frames, salt, paths }) => {
		const chunks = frames.flatMap((sizes, pack) => madeChunks(`${salt}/${pack}/${sizes.join()}`, sizes));
		return paths.map(({ picks, refs, usedAt }, at) =>
			madeStored(
				LAYER_NAMES[at] ?? '',
				picks.flatMap((pick) => chunks[pick % chunks.length] ?? []),
				refs.filter((ref) => ref >= at).map((ref) => LAYER_NAMES[ref] ?? ''),
				usedAt,
			),
		);
	});
