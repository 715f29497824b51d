import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PathInfo } from '../../src/nix/path-info.ts';
import type { PushResult } from '../../src/push/outcome.ts';
import { createPacker } from '../../src/push/packing.ts';
import { runPipeline } from '../../src/push/pipeline.ts';
import { planPush, selectPaths } from '../../src/push/plan.ts';
import { candidatesOf, NO_RULES } from './graph.ts';
import { MemoryCache } from './memory-cache.ts';
import { infoOf, narsOf, someBytes } from './narrator.ts';

// Plan, pipeline and packer together, on real time.

const MiB = 1024 * 1024;

let folder: string;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'push-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Five large paths and thirty small ones, each referring to the one before. */
const nars = new Map<string, Uint8Array>();
const infos: PathInfo[] = [];
for (let index = 0; index < 35; index++) {
	const bytes = someBytes(index % 7 === 3 ? 12 * MiB : 20_000 + index * 10_000, index + 1);
	const references = infos.slice(-1).map((info) => info.path);
	const info = { ...infoOf(`n${index}`, bytes), references };
	infos.push(info);
	nars.set(info.path, bytes);
}

async function push(read: ReadonlyMap<string, Uint8Array>, signal: AbortSignal, delayMs = 0) {
	const cache = new MemoryCache();
	const packer = createPacker({
		compression: 'zstd',
		level: null,
		spool: { kind: 'own', folder: join(folder, 'spool') },
		threads: 2,
		reader: narsOf(read, delayMs),
	});
	const plan = planPush(selectPaths(candidatesOf(infos), NO_RULES), await cache.presence(infos));
	const deadlineMs = performance.now() + 60_000;
	let result: PushResult;
	try {
		const options = { backend: cache, sourceOf: packer.sourceOf, signal, deadlineMs, graceMs: 50 };
		result = await runPipeline(plan, { ...options, concurrency: 'auto' });
	} finally {
		await packer.close();
	}
	expect(cache.breaches).toEqual([]);
	return { cache, result };
}

async function openFiles(): Promise<string[]> {
	const descriptors = await readdir('/proc/self/fd').catch(() => []);
	const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
	return targets.filter((target) => target.startsWith(folder));
}

test('every NAR arrives as it was read, and nothing stays behind', async () => {
	const { cache, result } = await push(nars, new AbortController().signal);
	expect(new Set([...result.outcomes.values()].map((outcome) => outcome.class))).toEqual(new Set(['pushed']));
	for (const [path, bytes] of nars) {
		expect(Buffer.compare(zstdDecompressSync(cache.nars.get(path) ?? Buffer.alloc(0)), bytes)).toBe(0);
	}
	expect(await openFiles()).toEqual([]);
	expect(await readdir(folder)).toEqual([]);
});

test('a path that changed on disk is corrupt, what refers to it is withheld, the rest is pushed', async () => {
	const bad = infos[10] as PathInfo;
	const changed = new Map(nars).set(bad.path, Buffer.from(nars.get(bad.path) ?? '').fill(7, 100, 200));
	const { result } = await push(changed, new AbortController().signal);
	const classes = infos.map((info) => result.outcomes.get(info.path)?.class);
	expect(classes.slice(0, 10)).toEqual(Array(10).fill('pushed'));
	expect(classes[10]).toBe('corrupt');
	expect(classes.slice(11)).toEqual(Array(24).fill('withheld'));
});

test.each([0, 5, 30, 60, 120])('a stop after %i ms leaves no file and nothing visible with a hole under it', async (stopMs) => {
	const { cache, result } = await push(nars, AbortSignal.timeout(stopMs), 10);
	expect(await openFiles()).toEqual([]);
	expect(await readdir(folder)).toEqual([]);
	for (const [path, { class: name }] of result.outcomes) {
		expect(['pushed', 'out-of-time']).toContain(name);
		expect(cache.isVisible(path)).toBe(name === 'pushed');
	}
});
