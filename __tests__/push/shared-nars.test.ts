import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PackedNar } from '../../src/backends/backend.ts';
import { CacheError } from '../../src/errors.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { createPacker, type Packer } from '../../src/push/packing.ts';
import { type KeepLimits, type NarsOfCache, shareNars } from '../../src/push/shared-nars.ts';
import { whole } from '../support/whole.ts';
import { pathInfo } from './graph.ts';
import { narsOf } from './narrator.ts';

const never = new AbortController().signal;
const names = ['a', 'b', 'c'] as const;
const contents = new Map<string, Buffer>();
const infos = new Map<string, PathInfo>();
let folder: string;
let packer: Packer;
let reads: string[];

/** Large enough to lie in a spool file, which is open for as long as it is kept. */
const SIZE = 3 * 1024 * 1024;

beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'shared-nars-'));
	reads = [];
	for (const name of names) {
		const bytes = randomBytes(SIZE);
		const info = pathInfo(name, {
			narHash: { algorithm: 'sha256', digest: createHash('sha256').update(bytes).digest() },
			narSizeBytes: SIZE,
		});
		contents.set(info.path, bytes);
		infos.set(name, info);
	}
	// What a disk would take.
	const stored = narsOf(contents, 10);
	packer = createPacker({
		compression: 'zstd',
		level: null,
		spool: { kind: 'own', folder: join(folder, 'spool') },
		reader: {
			...stored,
			frames(path, how) {
				reads.push(path);
				return stored.frames(path, how);
			},
		},
	});
});

afterEach(async () => {
	await packer.close();
	await rm(folder, { recursive: true });
});

const infoOf = (name: string): PathInfo => infos.get(name) ?? expect.fail(`no path ${name}`);
const pathsOf = (...wanted: readonly string[]): readonly string[] => wanted.map((name) => infoOf(name).path);

function caches(count: number, limits?: KeepLimits): readonly NarsOfCache[] {
	const shared = shareNars(packer, limits);
	return Array.from({ length: count }, () => shared.join(pathsOf(...names)));
}

const packedFor = (cache: NarsOfCache | undefined, name: string, signal = never): Promise<PackedNar> =>
	(cache ?? expect.fail('no cache')).sourceOf(infoOf(name), () => undefined).packed(signal);

async function contentOf(nar: PackedNar): Promise<Buffer> {
	return zstdDecompressSync(await whole(nar.body.stream()));
}

describe('NARs for several caches', () => {
	it('are read once when they ask at the same time', async () => {
		const [one, two] = caches(2);
		const nars = await Promise.all([packedFor(one, 'a'), packedFor(two, 'a')]);
		expect(reads).toEqual(pathsOf('a'));
		await nars[0].dispose();
		await nars[0].dispose();
		expect(Buffer.compare(await contentOf(nars[1]), contents.get(infoOf('a').path) ?? Buffer.alloc(0))).toBe(0);
		await nars[1].dispose();
	});

	it('wait for a cache that is slower', async () => {
		const [one, two] = caches(2);
		for (const name of names) await (await packedFor(one, name)).dispose();
		for (const name of names) await (await packedFor(two, name)).dispose();
		expect(reads).toEqual(pathsOf(...names));
	});

	it('are packed again when too many wait', async () => {
		const [one, two] = caches(2, { bytes: 2 * SIZE + 100_000, nars: 10 });
		for (const name of names) await (await packedFor(one, name)).dispose();
		for (const name of ['c', 'b', 'a']) await (await packedFor(two, name)).dispose();
		expect(reads).toEqual([...pathsOf(...names), ...pathsOf('a')]);
	});

	it('are not kept for a cache that has left', async () => {
		const [one, two, three] = caches(3);
		await (await packedFor(one, 'a')).dispose();
		await two?.leave();
		await (await packedFor(three, 'a')).dispose();
		expect(reads).toEqual(pathsOf('a'));
		await (await packedFor(three, 'a')).dispose();
		expect(reads).toEqual(pathsOf('a', 'a'));
	});

	it('go on for the others when one gives up', async () => {
		const [one, two] = caches(2);
		const abort = new AbortController();
		const given = packedFor(one, 'a', abort.signal);
		const taken = packedFor(two, 'a');
		abort.abort(new CacheError('cancelled', 'enough'));
		await expect(given).rejects.toThrow('enough');
		await (await taken).dispose();
		expect(reads).toEqual(pathsOf('a'));
	});

	it('stop being packed when nobody is left who wants them', async () => {
		const [one] = caches(1);
		const abort = new AbortController();
		const given = packedFor(one, 'a', abort.signal);
		await expect.poll(() => reads.length).toBe(1);
		abort.abort(new CacheError('cancelled', 'enough'));
		await expect(given).rejects.toThrow('enough');
		await (await packedFor(one, 'a')).dispose();
		expect(reads).toEqual(pathsOf('a', 'a'));
	});

	it('fail for all who asked, and are tried again by whoever comes next', async () => {
		const { path } = infoOf('a');
		const right = contents.get(path) ?? Buffer.alloc(0);
		contents.set(path, randomBytes(SIZE));
		const [one, two, three] = caches(3);
		const both = await Promise.allSettled([packedFor(one, 'a'), packedFor(two, 'a')]);
		expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
		contents.set(path, right);
		await (await packedFor(three, 'a')).dispose();
		expect(reads).toEqual(pathsOf('a', 'a'));
	});
});
