/** The numbered indexes of a ref (docs/decisions/003-index-slots.md), on the tests' service. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openDirect } from '../../../src/backends/actions-cache/direct.ts';
import { encodeIndex } from '../../../src/backends/actions-cache/format/index-writer.ts';
import { cacheVersion, indexKey, packKey } from '../../../src/backends/actions-cache/format/keys.ts';
import { addPaths, indexOf, mergeIndexes } from '../../../src/backends/actions-cache/format/merge.ts';
import type { StoredPath, StoreIndex } from '../../../src/backends/actions-cache/format/model.ts';
import { type IndexChain, readChain } from '../../../src/backends/actions-cache/index-chain.ts';
import { saveIndex } from '../../../src/backends/actions-cache/index-saving.ts';
import { bodyOfBytes } from '../../../src/bodies/in-memory.ts';
import { createHttpClient, type HttpClient } from '../../../src/http/client.ts';
import { encodeBase32 } from '../../../src/nix/base32.ts';
import { hashPartOf } from '../../../src/nix/store-path.ts';
import { keptLog } from '../../substituter/kept-log.ts';
import { type CacheService, startCacheService } from '../../support/cache-service.ts';

const signal = new AbortController().signal;
const storeDir = '/nix/store';
const ref = 'refs/heads/main';
const NOW_S = 1_800_000_000;

let service: CacheService;
let folder: string;
let client: HttpClient;
let number = 0;
const log = keptLog();

beforeAll(async () => {
	service = await startCacheService();
	folder = mkdtempSync(join(tmpdir(), 'chain-'));
});
afterAll(async () => {
	await service.stop();
	rmSync(folder, { recursive: true });
});
beforeEach(() => {
	client = createHttpClient({ env: {}, log });
	number++;
});
afterEach(() => client.close());

function open() {
	const environment = service.environment({ repository: `owner/chain-${number}` });
	return openDirect({
		client,
		baseUrl: new URL(environment.ACTIONS_RESULTS_URL ?? ''),
		token: environment.ACTIONS_RUNTIME_TOKEN ?? '',
		version: cacheVersion(storeDir),
		whyNoRead: null,
		whyNoWrite: null,
		folder,
		mask: () => undefined,
		nowMs: () => performance.now(),
	});
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

function onePath(name: string): StoreIndex {
	const pack = {
		key: packKey(sha256(name).toString('hex').slice(0, 40)),
		sizeBytes: 1000,
		sha256: sha256(name),
		createdAt: NOW_S,
	};
	const path: StoredPath = {
		usedAt: NOW_S,
		info: {
			path: pathOf(name),
			narHash: { algorithm: 'sha256', digest: sha256(`nar ${name}`) },
			narSizeBytes: 100,
			references: [],
			deriver: null,
			signatures: [],
			ca: null,
			ultimate: false,
		},
		chunks: [
			{ id: sha256(`nar ${name}`), narBytes: 100, pack, offset: 16, frameBytes: 50, frameHash: sha256('frame').subarray(0, 16) },
		],
	};
	return indexOf(storeDir, { packs: [pack], paths: [path] });
}

const pathOf = (name: string): string => `${storeDir}/${encodeBase32(sha256(name).subarray(0, 20))}-${name}`;
const read = (nowS = NOW_S): Promise<IndexChain> => readChain(ref, { service: open(), storeDir, nowS, log, signal });
const merged = ({ indexes }: IndexChain): StoreIndex =>
	mergeIndexes(
		indexes.map(({ index }) => index),
		{ storeDir },
	);
const holds = (chain: IndexChain, name: string): boolean => merged(chain).path(hashPartOf(pathOf(name))) !== null;

async function write(chain: IndexChain, name: string): Promise<number> {
	const { packs, path } = onePath(name);
	const added = path(hashPartOf(pathOf(name)));
	if (added === null) throw new Error('there is a path');
	return saveIndex(
		open(),
		chain,
		addPaths(merged(chain), { packs, paths: [added] }, new Map()),
		{ createdAt: NOW_S, writer: name },
		signal,
	);
}

it('one after another hold everything, and a later reader needs one lookup', async () => {
	for (const name of ['a', 'b', 'c']) await write(await read(), name);
	service.resetCounters();
	const chain = await read(NOW_S + 3600);
	expect(service.counters().requests).toBe(1);
	expect(chain).toMatchObject({ lastSlot: 3, openSlots: [] });
	expect(['a', 'b', 'c'].every((name) => holds(chain, name))).toBe(true);
});

it('of twenty jobs that read at the same moment and wrote at the same moment lose nothing', async () => {
	await write(await read(), 'before');
	const names = Array.from({ length: 20 }, (_, index) => `job-${index}`);
	const before = await read();
	service.resetCounters();
	const slots = await Promise.all(names.map((name) => write(before, name)));
	// Not 20 + 19 + 18 ...
	expect(service.counters().creations).toBeLessThan(120);
	expect(slots.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 2));
	const chain = await read();
	expect(['before', ...names].filter((name) => !holds(chain, name))).toEqual([]);
	// The next writer merges them, and from then on one lookup is enough.
	await write(chain, 'after');
	service.resetCounters();
	const later = await read(NOW_S + 3600);
	expect(service.counters().requests).toBe(1);
	expect(names.filter((name) => !holds(later, name))).toEqual([]);
});

it('of more jobs than one reader reads are named until one has read them, however late it comes', async () => {
	const names = Array.from({ length: 70 }, (_, index) => `cell-${index}`);
	const at = { createdAt: NOW_S, writer: 'matrix' };
	// Each began when there was nothing, and none knows what the others hold.
	for (const [index, name] of names.entries()) {
		const openSlots = Array.from({ length: index }, (_, before) => before + 1);
		const bytes = encodeIndex({ ...at, slot: index + 1, openSlots }, onePath(name));
		expect(await open().save(indexKey(ref, index + 1), bodyOfBytes(bytes), signal)).toBe('saved');
	}
	await write(await read(NOW_S + 7200), 'next day');
	const chain = await read(NOW_S + 90_000);
	expect(names.filter((name) => !holds(chain, name))).toEqual([]);
	expect(chain.openSlots).toEqual([]);
});

it('that are damaged or gone cost what they alone had', async () => {
	await write(await read(), 'a');
	await write(await read(), 'b');
	await service.overwrite(indexKey(ref, 2), Buffer.from('not an index').toString('base64'));
	const damaged = await read();
	expect(holds(damaged, 'a')).toBe(true);
	expect(holds(damaged, 'b')).toBe(false);
	expect(damaged.lastSlot).toBe(2);
	expect(log.lines.join('\n')).toContain(`The index \`${indexKey(ref, 2)}\``);
	await write(damaged, 'c');
	await service.evict({ repository: `owner/chain-${number}`, keyPrefix: indexKey(ref, 1) });
	const after = await read();
	expect(['a', 'c'].every((name) => holds(after, name))).toBe(true);
});

it('that were reserved and never came are waited for during an hour, and given up', async () => {
	await write(await read(), 'a');
	service.inject({ operation: 'finalize', fault: 'not-ok', times: 1 });
	await expect(write(await read(), 'lost')).rejects.toMatchObject({ code: 'cache-failing' });
	const chain = await read();
	expect(await write(chain, 'b')).toBe(3);
	const soon = await read(NOW_S + 60);
	expect(soon).toMatchObject({ lastSlot: 3, openSlots: [2] });
	expect(['a', 'b'].every((name) => holds(soon, name))).toBe(true);
	expect((await read(NOW_S + 7200)).openSlots).toEqual([]);
});
