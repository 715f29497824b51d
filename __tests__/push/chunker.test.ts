import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChunkSizes, createChunker } from '../../src/push/chunker.ts';
import { randomBytesOf } from './keystream.ts';

const SMALL: ChunkSizes = { minBytes: 64, normalBytes: 256, maxBytes: 1024 };
const MEDIUM: ChunkSizes = { minBytes: 4096, normalBytes: 8192, maxBytes: 32768 };

/** Ends of all chunks of `bytes`, handed over in pieces of these sizes, again and again. */
function endsOf(bytes: Uint8Array, sizes: ChunkSizes, pieces: readonly number[] = [bytes.length || 1]): number[] {
	const chunker = createChunker(sizes);
	const ends: number[] = [];
	for (let at = 0, turn = 0; at < bytes.length; turn++) {
		const piece = bytes.subarray(at, at + (pieces[turn % pieces.length] ?? 1));
		ends.push(...chunker.cut(piece).map((end) => at + end));
		at += piece.length;
	}
	return ends;
}

function chunksOf(bytes: Uint8Array, sizes: ChunkSizes): Uint8Array[] {
	const ends = endsOf(bytes, sizes);
	if (ends.at(-1) !== bytes.length) ends.push(bytes.length);
	return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function idOf(chunk: Uint8Array): string {
	return createHash('sha256').update(chunk).digest('hex');
}

/** The rule as the doc comment of `createChunker` has it, one byte at a time and with numbers that can't overflow. */
function endsByTheBook(bytes: Uint8Array, { minBytes, normalBytes, maxBytes }: ChunkSizes): number[] {
	const gear = Array.from({ length: 256 }, (_, byte) =>
		BigInt(createHash('sha256').update(`nix-cache-action gear ${byte}`).digest().readUInt32LE(0)),
	);
	const bits = Math.log2(normalBytes);
	const ends: number[] = [];
	let start = 0;
	let hash = 0n;
	for (let at = 0; at < bytes.length; at++) {
		const index = at - start;
		if (index >= minBytes) {
			hash = (2n * hash + (gear[bytes[at] ?? 0] ?? 0n)) % 2n ** 32n;
			const zeros = index < normalBytes ? bits + 1 : bits - 1;
			if (hash >> BigInt(32 - zeros) !== 0n && index + 1 < maxBytes) continue;
		} else if (index + 1 < maxBytes) continue;
		ends.push(at + 1);
		start = at + 1;
		hash = 0n;
	}
	return ends;
}

/** Bytes with and without order, and with long runs of one byte. */
const anyBytes = fc
	.array(
		fc.oneof(
			fc.tuple(fc.nat(5000), fc.nat(2 ** 31)).map(([size, seed]) => randomBytesOf(size, seed)),
			fc.tuple(fc.nat(3000), fc.nat(255)).map(([size, byte]) => Buffer.alloc(size, byte)),
			fc.uint8Array({ maxLength: 300 }),
		),
		{ maxLength: 8 },
	)
	.map((parts) => Buffer.concat(parts));

describe('where an input is cut', () => {
	test('is what the documented rule says', () => {
		fc.assert(
			fc.property(anyBytes, (bytes) => {
				expect(endsOf(bytes, SMALL)).toEqual(endsByTheBook(bytes, SMALL));
			}),
		);
	});

	test('does not depend on how it is handed over', () => {
		const pieces = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 20 });
		fc.assert(
			fc.property(anyBytes, pieces, (bytes, sizes) => {
				expect(endsOf(bytes, SMALL, sizes)).toEqual(endsOf(bytes, SMALL));
			}),
		);
	});

	test('is the same for the same bytes, in every version of this program', () => {
		const ends = endsOf(randomBytesOf(8 * 1024 * 1024, 1), {
			minBytes: 256 * 1024,
			normalBytes: 512 * 1024,
			maxBytes: 2048 * 1024,
		});
		expect(ends).toEqual(GOLDEN_ENDS);
	});

	test('leaves chunks that joined are the input, none too short but the last, none too long', () => {
		fc.assert(
			fc.property(anyBytes, (bytes) => {
				const chunks = chunksOf(bytes, SMALL);
				expect(Buffer.compare(Buffer.concat(chunks), bytes)).toBe(0);
				for (const [index, { length }] of chunks.entries()) {
					expect(length).toBeLessThanOrEqual(SMALL.maxBytes);
					if (index < chunks.length - 1) expect(length).toBeGreaterThanOrEqual(SMALL.minBytes);
				}
			}),
		);
	});

	test('is at the maximum in a run of one byte', () => {
		const ends = endsOf(new Uint8Array(10_000), SMALL);
		expect(ends).toEqual(Array.from({ length: 9 }, (_, index) => 1024 * (index + 1)));
	});

	test('is about at the size that is called normal, in bytes without order', () => {
		const mean = (2 * 1024 * 1024) / endsOf(randomBytesOf(2 * 1024 * 1024, 3), MEDIUM).length;
		expect(mean).toBeGreaterThan(MEDIUM.normalBytes);
		expect(mean).toBeLessThan(1.7 * MEDIUM.normalBytes);
	});
});

describe('an edit', () => {
	const original = randomBytesOf(1024 * 1024, 7);
	const known = new Set(chunksOf(original, MEDIUM).map(idOf));
	const edit = fc.record({
		at: fc.nat(original.length),
		removedBytes: fc.nat(2000),
		inserted: fc.tuple(fc.nat(2000), fc.nat(2 ** 31)).map(([size, seed]) => randomBytesOf(size, seed)),
	});

	test('of some bytes, longer, shorter or as long, makes only chunks new that are near it', () => {
		// With a fixed seed: that two inputs cut at the same places again is very likely soon, and certain never.
		fc.assert(
			fc.property(edit, ({ at, removedBytes, inserted }) => {
				const edited = Buffer.concat([original.subarray(0, at), inserted, original.subarray(at + removedBytes)]);
				const chunks = chunksOf(edited, MEDIUM);
				const fresh = chunks.flatMap((chunk, index) => (known.has(idOf(chunk)) ? [] : [index]));
				expect(fresh.length).toBeLessThanOrEqual(12);
				if (fresh.length === 0) return;
				const before = chunks.slice(0, fresh[0]).reduce((sum, chunk) => sum + chunk.length, 0);
				expect(before).toBeGreaterThanOrEqual(at - MEDIUM.maxBytes);
				expect(before).toBeLessThanOrEqual(at + inserted.length);
				expect((fresh.at(-1) ?? 0) - (fresh[0] ?? 0)).toBeLessThanOrEqual(12);
			}),
			{ seed: 1, numRuns: 60 },
		);
	});
});

test.each([
	{ minBytes: 0, normalBytes: 256, maxBytes: 1024 },
	{ minBytes: 512, normalBytes: 256, maxBytes: 1024 },
	{ minBytes: 64, normalBytes: 300, maxBytes: 1024 },
	{ minBytes: 64, normalBytes: 2048, maxBytes: 1024 },
	{ minBytes: 1, normalBytes: 2, maxBytes: 1024 },
])('sizes that make no sense are refused: %o', (sizes) => {
	expect(() => createChunker(sizes)).toThrow(expect.objectContaining({ code: 'internal' }));
});

/** Of AES-128 in counter mode with the key 01 00 00 ... and the counter 0, over 8 MiB of zeros. */
const GOLDEN_ENDS: readonly number[] = [
	627325, 1414483, 2011045, 2593953, 3236804, 3613001, 3953347, 4503698, 5078095, 6254659, 6646960, 7231215, 8342652,
];
