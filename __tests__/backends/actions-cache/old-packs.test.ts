/** What becomes of packs that earlier jobs stored; on the tests' service. */
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createActionsCache } from '../../../src/backends/actions-cache/actions-cache.ts';
import { type KnownIndexes, readIndexes } from '../../../src/backends/actions-cache/known-indexes.ts';
import { createPacks, type PackFindings } from '../../../src/backends/actions-cache/packs.ts';
import type { Backend } from '../../../src/backends/backend.ts';
import type { PathInfo } from '../../../src/nix/path-info.ts';
import { hashPartOf } from '../../../src/nix/store-path.ts';
import { createPacker } from '../../../src/push/packing.ts';
import { pathInfo } from '../../push/graph.ts';
import { randomBytesOf } from '../../push/keystream.ts';
import { narsOf } from '../../push/narrator.ts';
import { keptLog } from '../../substituter/kept-log.ts';
import { sha256 } from '../peers/paths.ts';
import { signal, useDirectCache } from './direct-cache.ts';

const cache = useDirectCache();
const storeDir = '/nix/store';
const PACKS = 4;

const nars = new Map<string, Buffer>();
const info = (name: string, contents: number, sizeBytes = 100_000): PathInfo => {
	const bytes = randomBytesOf(sizeBytes, contents);
	const made = pathInfo(name, { narSizeBytes: bytes.length, narHash: sha256(bytes) });
	nars.set(made.path, bytes);
	return made;
};
/** Each in a pack of its own. */
const old = Array.from({ length: PACKS }, (_, index) => info(`old-${index}`, index));

const known = (): Promise<KnownIndexes> => {
	const refs = { own: 'refs/heads/main', others: [], isDefault: true };
	return readIndexes({ service: cache.open(), refs, storeDir, nowS: 1, log: keptLog(), signal });
};

interface JobOptions {
	readonly budgetBytes?: number;
	/** What it has read from the cache. */
	readonly used?: readonly PathInfo[];
	readonly nowS?: number;
}

async function job({ budgetBytes = 1024 ** 3, used = [], nowS = 1 }: JobOptions = {}): Promise<Backend> {
	const service = cache.open();
	return createActionsCache({
		service,
		known: await known(),
		storeDir,
		signingKey: null,
		publicKeys: [],
		folder: join(cache.folder, 'packs'),
		writer: 'test',
		budgetBytes,
		compactionMs: 300,
		used: new Set(used.map(({ path }) => hashPartOf(path))),
		packs: createPacks(service),
		nowS,
		log: keptLog(),
	});
}

async function bring(backend: Backend, path: PathInfo): Promise<void> {
	const spool = { kind: 'own', folder: join(cache.folder, 'spool') } as const;
	const packer = createPacker({ compression: 'zstd', level: null, spool, reader: narsOf(nars) });
	await (await backend.prepare(path, packer.sourceOf(path), signal))(signal);
	await packer.close();
}

beforeEach(async () => {
	for (const path of old) {
		const backend = await job();
		await bring(backend, path);
		await backend.finish(signal);
		await backend.close();
	}
});

it('a push that can not find out whether an old pack is there goes on as if it were', async () => {
	const backend = await job();
	// The same contents as another path, so nothing of it is stored anew.
	const again = info('again', 0);
	await bring(backend, again);
	await bring(backend, info('new', PACKS));
	cache.service.inject({ operation: 'lookup', fault: 'bad-gateway' });
	expect(await backend.finish(signal)).toEqual(new Map());
	await backend.close();
	cache.service.clearFaults();
	expect((await known()).index.pathCount).toBe(PACKS + 2);
});

it('a new path that shares contents with a pack that has gone unnoticed is packed once more, with what refers to it', async () => {
	const again = info('again', 0);
	const partly = info('partly', 1);
	const user = pathInfo('user', { narSizeBytes: 5, narHash: sha256(Buffer.from('hello')), references: [again.path] });
	nars.set(user.path, Buffer.from('hello'));
	const backend = await job();
	const paths = [again, partly, user];
	const spool = { kind: 'own', folder: join(cache.folder, 'spool') } as const;
	const packer = createPacker({ compression: 'zstd', level: null, spool, reader: narsOf(nars) });
	for (const path of paths) await (await backend.prepare(path, packer.sourceOf(path), signal))(signal);
	const [first] = cache.service.entries({ repository: cache.repository, keyPrefix: 'nca1-p-' });
	await cache.service.evict({ repository: cache.repository, keyPrefix: first?.key ?? 'none' });
	cache.service.resetCounters();
	expect(await backend.finish(signal)).toEqual(new Map());
	// The two packs that are counted on, each once.
	expect(cache.service.counters().lookups).toBe(2);
	await backend.close();
	await packer.close();
	const { index } = await known();
	const there = cache.service.entries({ repository: cache.repository, keyPrefix: 'nca1-p-' }).map(({ key }) => key);
	for (const { path } of paths)
		for (const { pack } of index.path(hashPartOf(path))?.chunks ?? [{ pack: { key: 'none' } }]) expect(there).toContain(pack.key);
});

it('a new path that can not be packed once more is lost, with what refers to it, and no other', async () => {
	const again = info('again', 0);
	const user = pathInfo('user', { narSizeBytes: 5, narHash: sha256(Buffer.from('hello')), references: [again.path] });
	nars.set(user.path, Buffer.from('hello'));
	const other = info('other', PACKS);
	const backend = await job();
	for (const path of [again, user, other]) await bring(backend, path);
	nars.set(again.path, Buffer.from('changed meanwhile'));
	const [first] = cache.service.entries({ repository: cache.repository, keyPrefix: 'nca1-p-' });
	await cache.service.evict({ repository: cache.repository, keyPrefix: first?.key ?? 'none' });
	expect([...(await backend.finish(signal)).keys()]).toEqual([again.path, user.path]);
	await backend.close();
	const { index } = await known();
	expect(index.path(hashPartOf(other.path))).not.toBeNull();
	expect(index.path(hashPartOf(user.path))).toBeNull();
});

it('packs are looked for side by side, each once, and those that have gone are told', async () => {
	const [first] = cache.service.entries({ repository: cache.repository, keyPrefix: 'nca1-p-' });
	await cache.service.evict({ repository: cache.repository, keyPrefix: first?.key ?? 'none' });
	const backend = await job();
	cache.service.resetCounters();
	const found = await backend.presence(old, signal, false);
	expect(old.map(({ path }) => found.get(path)?.state)).toEqual(['lost', 'present', 'present', 'present']);
	expect(cache.service.counters().lookups).toBe(PACKS);
	await backend.close();
});

it('what another process of the job found out of packs is not asked again, also when it is told late', async () => {
	const [first] = cache.service.entries({ repository: cache.repository, keyPrefix: 'nca1-p-' });
	const elsewhere = Promise.withResolvers<PackFindings>();
	const packs = createPacks(cache.open(), elsewhere.promise);
	const all = (await known()).index.packs;
	const others = all.filter(({ key }) => key !== first?.key);
	elsewhere.resolve({ there: others.map(({ key }) => key), gone: [first?.key ?? 'none'] });
	await elsewhere.promise;
	cache.service.resetCounters();
	expect(await packs.areThere(others)).toBe(true);
	expect(await packs.areThere(all)).toBe(false);
	expect(cache.service.counters().lookups).toBe(0);
});

it('a service that keeps a job waiting does not do so beyond its time', async () => {
	const backend = await job();
	cache.service.inject({ operation: 'lookup', fault: 'throttled' });
	const startedMs = performance.now();
	const presence = backend.presence(old, AbortSignal.timeout(200), false);
	await expect(presence).rejects.toMatchObject({ code: 'deadline' });
	expect(performance.now() - startedMs).toBeLessThan(2_000);
	await backend.close();
});

describe('packs that are mostly dead', () => {
	const small = [info('small-0', 10), info('small-1', 11)];

	/** Two packs, of which all but a little was not used since. */
	beforeEach(async () => {
		for (const [index, path] of small.entries()) {
			const backend = await job();
			await bring(backend, info(`large-${index}`, 20 + index, 20_000_000));
			await bring(backend, path);
			await backend.finish(signal);
			await backend.close();
		}
	});

	/** Pushes a path, with no room for those that were not used. Gives the packs of those that were. */
	async function push(): Promise<readonly (string | undefined)[]> {
		const backend = await job({ budgetBytes: 2_000_000, used: small, nowS: 100 });
		await bring(backend, info('new', 30));
		expect(await backend.finish(signal)).toEqual(new Map());
		await backend.close();
		cache.service.clearFaults();
		const { index } = await known();
		expect(index.path(hashPartOf(info('new', 30).path))).not.toBeNull();
		expect(index.path(hashPartOf(info('large-0', 20).path))).toBeNull();
		return small.map(({ path }) => index.path(hashPartOf(path))?.chunks[0]?.pack.key);
	}

	/** Before a push copies. */
	const INDEX_READS = 1;
	const keys = () => cache.service.entries({ repository: cache.repository, keyPrefix: 'nca1-p-' }).map(({ key }) => key);

	it('move into that of the push', async () => {
		const packs = await push();
		expect(packs).toEqual([keys().at(-1), keys().at(-1)]);
	});

	it('stay where the storage does not give them in time, and the push is not held up', async () => {
		const before = keys();
		cache.service.inject({ operation: 'blob-get', fault: 'stalled', after: INDEX_READS });
		expect(await push()).toEqual(before.slice(-2));
	});

	it('move as far as the storage gives them', async () => {
		const before = keys();
		cache.service.inject({ operation: 'blob-get', fault: 'stalled', after: INDEX_READS + 1 });
		const packs = await push();
		expect(packs.filter((key) => key === keys().at(-1))).toHaveLength(1);
		expect(packs.filter((key) => key !== undefined && before.includes(key))).toHaveLength(1);
	});
});
