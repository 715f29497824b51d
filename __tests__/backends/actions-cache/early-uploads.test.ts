/** Packs that are full go up before the push ends; on the tests' service. */
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createActionsCache } from '../../../src/backends/actions-cache/actions-cache.ts';
import type { CacheService } from '../../../src/backends/actions-cache/cache-service.ts';
import { readIndexes } from '../../../src/backends/actions-cache/known-indexes.ts';
import { createPacks } from '../../../src/backends/actions-cache/packs.ts';
import type { Backend } from '../../../src/backends/backend.ts';
import type { PathInfo } from '../../../src/nix/path-info.ts';
import { createPacker, type Packer } from '../../../src/push/packing.ts';
import { pathInfo } from '../../push/graph.ts';
import { randomBytesOf } from '../../push/keystream.ts';
import { narsOf } from '../../push/narrator.ts';
import { keptLog } from '../../substituter/kept-log.ts';
import { sha256 } from '../peers/paths.ts';
import { signal, useDirectCache } from './direct-cache.ts';

const cache = useDirectCache();

/** Small enough to be one chunk, and three of them fill a pack. */
const NAR_BYTES = 200_000;
const PACK_BYTES = 650_000;
const NARS = 7;

const nars = new Map<string, Buffer>();
const infos: readonly PathInfo[] = Array.from({ length: NARS }, (_, index) => {
	const bytes = randomBytesOf(NAR_BYTES, index);
	const info = pathInfo(`n${index}`, { narSizeBytes: NAR_BYTES, narHash: sha256(bytes) });
	nars.set(info.path, bytes);
	return info;
});

function packer(): Packer {
	return createPacker({
		compression: 'zstd',
		level: null,
		spool: { kind: 'own', folder: join(cache.folder, 'spool') },
		reader: narsOf(nars),
	});
}

async function openBackend(service: CacheService): Promise<Backend> {
	const refs = { own: 'refs/heads/main', others: [], isDefault: true };
	const known = await readIndexes({ service, refs, storeDir: '/nix/store', nowS: 1, log: keptLog(), signal });
	return createActionsCache({
		service,
		known,
		storeDir: '/nix/store',
		signingKey: null,
		publicKeys: [],
		folder: join(cache.folder, 'packs'),
		writer: 'test',
		budgetBytes: 1024 ** 3,
		compactionMs: 10_000,
		used: new Set(),
		packs: createPacks(service),
		nowS: 1,
		log: keptLog(),
		packLimitBytes: PACK_BYTES,
	});
}

async function bring(backend: Backend): Promise<void> {
	const packing = packer();
	for (const info of infos) await (await backend.prepare(info, packing.sourceOf(info), signal))(signal);
	await packing.close();
}

const entries = () => cache.service.entries({ repository: cache.repository });

it('puts full packs up while paths still come, and the rest with the index at the end', async () => {
	const service = cache.open();
	const backend = await openBackend(service);
	await bring(backend);
	await expect.poll(() => entries().filter(({ committedAtMs }) => committedAtMs !== null).length).toBe(2);
	expect(await backend.finish(signal)).toEqual(new Map());
	expect(entries()).toHaveLength(4);
	for (const info of infos) expect(await backend.readBack(info, signal)).toEqual({ ok: true });
	await backend.close();
	const { index } = await readIndexes({
		service,
		refs: { own: 'refs/heads/main', others: [], isDefault: true },
		storeDir: '/nix/store',
		nowS: 2,
		log: keptLog(),
		signal,
	});
	expect(index.pathCount).toBe(NARS);
});

it.runIf(process.platform === 'linux')('lets go of the disk space of packs that are up', async () => {
	/** Their files have no names any more. */
	const packsOnDisk = () =>
		readdirSync('/proc/self/fd')
			.flatMap((fd) => {
				try {
					return [readlinkSync(`/proc/self/fd/${fd}`)];
				} catch {
					// That of the listing itself.
					return [];
				}
			})
			.filter((file) => file.startsWith(join(cache.folder, 'packs')));
	const backend = await openBackend(cache.open());
	await bring(backend);
	await expect.poll(() => packsOnDisk().length).toBe(1);
	expect(await backend.finish(signal)).toEqual(new Map());
	expect(entries()).toHaveLength(4);
	await backend.close();
	expect(packsOnDisk()).toEqual([]);
});

it('tries again at the end what could not be put up early', async () => {
	const backend = await openBackend(cache.open());
	cache.service.inject({ operation: 'create', fault: 'write-denied', times: 1 });
	await bring(backend);
	await expect.poll(() => entries().length).toBeGreaterThan(0);
	cache.service.clearFaults();
	expect(await backend.finish(signal)).toEqual(new Map());
	expect(entries()).toHaveLength(4);
	await backend.close();
});

it('ends with what is under way when the push is given up', async () => {
	const backend = await openBackend(cache.open());
	cache.service.inject({ operation: 'blob-put', fault: 'busy' });
	await bring(backend);
	const startedMs = performance.now();
	await backend.close();
	expect(performance.now() - startedMs).toBeLessThan(2_000);
	expect(entries().filter(({ committedAtMs }) => committedAtMs !== null)).toEqual([]);
});
