import { describe, expect, test } from 'vitest';
import { decodeIndex } from '../../../../src/backends/actions-cache/format/index-reader.ts';
import { encodeIndex } from '../../../../src/backends/actions-cache/format/index-writer.ts';
import { indexOf } from '../../../../src/backends/actions-cache/format/merge.ts';
import type { Chunk, StoredPath } from '../../../../src/backends/actions-cache/format/model.ts';
import { hashPartOf } from '../../../../src/nix/store-path.ts';
import { HEADER, madeChunks, madePath, madeStored, STORE_DIR } from './made-index.ts';

const PATHS = 50_000;
const REFERENCES = 10;
const MiB = 1024 * 1024;

function manyPaths(): readonly StoredPath[] {
	const names = Array.from({ length: PATHS + REFERENCES }, (_, at) => `package-${at}-1.2.3`);
	const chunks: Chunk[] = [];
	for (let pack = 0; pack < 60; pack++) chunks.push(...madeChunks(`pack-${pack}`, new Array<number>(1000).fill(170_000)));
	return Array.from({ length: PATHS }, (_, at) => {
		// Every fifth path has a second chunk.
		const own = chunks.slice(at + Math.floor(at / 5), at + Math.floor((at + 1) / 5) + 1);
		return madeStored(names[at] ?? '', own, names.slice(at + 1, at + 1 + REFERENCES));
	});
}

function measure<T>(what: string, work: () => T): { readonly result: T; readonly ms: number; readonly rssMiB: number } {
	const rss = process.memoryUsage().rss;
	const start = performance.now();
	const result = work();
	const ms = performance.now() - start;
	const rssMiB = (process.memoryUsage().rss - rss) / MiB;
	process.stdout.write(`${what}: ${ms.toFixed(0)} ms, ${rssMiB.toFixed(0)} MiB more\n`);
	return { result, ms, rssMiB };
}

describe('an index of 50,000 paths, 60,000 chunks and 500,000 references', () => {
	test('is open in under a second and 120 MiB, and finds a path in microseconds', { timeout: 60_000 }, () => {
		const written = indexOf(STORE_DIR, { packs: [], paths: manyPaths() });
		const { result: bytes } = measure('encoded', () => encodeIndex(HEADER, written));
		process.stdout.write(`${(bytes.length / MiB).toFixed(1)} MiB\n`);
		const opened = measure('opened', () => decodeIndex(bytes, { storeDir: STORE_DIR }));
		expect(opened.ms).toBeLessThan(1000);
		expect(opened.rssMiB).toBeLessThan(120);
		const { index } = opened.result;
		expect(index.pathCount).toBe(PATHS);
		const looked = measure('10,000 paths', () => {
			let found = 0;
			for (let at = 0; at < PATHS; at += 5) if (index.path(hashPartOf(madePath(`package-${at}-1.2.3`))) !== null) found++;
			return found;
		});
		expect(looked.result).toBe(PATHS / 5);
		expect(looked.ms / looked.result).toBeLessThan(1);
		expect(measure('all paths', () => [...index.paths()].length).result).toBe(PATHS);
	});
});
