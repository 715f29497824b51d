import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlockBlobClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { spawnCacheService } from './cache-service/connect.ts';
import { type CacheService, type Host, type Job, startCacheService } from './cache-service.ts';
import { runToolkit, type ToolkitResult } from './toolkit-client.ts';

const VERSION = 'a'.repeat(64);
const RPC = '/twirp/github.actions.results.api.v1.CacheService';

let service: CacheService;
let actLike: CacheService;
const folders: string[] = [];

beforeAll(async () => {
	[service, actLike] = await Promise.all([startCacheService(), startCacheService({ rules: 'act' })]);
});

afterEach(async () => {
	for (const one of [service, actLike]) {
		one.clearFaults();
		one.setVisibleAfterMs(0);
		one.setUrlLifetimeMs(600_000);
		await one.evict();
		expect(one.violations()).toEqual([]);
	}
});

afterAll(async () => {
	await Promise.all([service.stop(), actLike.stop()]);
	await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

async function newFolder(): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), 'toolkit-'));
	folders.push(folder);
	return folder;
}

/** A job with a workspace of its own that uses the real toolkit. */
async function jobOf(on: CacheService, host: Host, job: Job = {}) {
	const folder = await newFolder();
	const env = on.environment(job, host);
	return {
		folder,
		async save(key: string, bytes: Uint8Array): Promise<ToolkitResult> {
			await writeFile(join(folder, 'blob'), bytes);
			return runToolkit(env, folder, { call: 'save', paths: ['blob'], key });
		},
		restore: (key: string, restoreKeys: readonly string[] = []): Promise<ToolkitResult> =>
			runToolkit(env, folder, { call: 'restore', paths: ['blob'], key, restoreKeys }),
		lookup: async (key: string, restoreKeys: readonly string[] = []): Promise<string | number | null> =>
			(await runToolkit(env, folder, { call: 'restore', paths: ['blob'], key, restoreKeys, lookupOnly: true })).returned,
		read: (): Promise<Buffer> => readFile(join(folder, 'blob')),
	};
}

async function rpc(
	env: Readonly<Record<string, string>>,
	method: string,
	body: object,
): Promise<{ status: number; headers: Headers; json: Record<string, unknown> }> {
	const answer = await fetch(new URL(`${RPC}/${method}`, env.ACTIONS_RESULTS_URL), {
		method: 'POST',
		headers: { authorization: `Bearer ${env.ACTIONS_RUNTIME_TOKEN}`, 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});
	return { status: answer.status, headers: answer.headers, json: JSON.parse(await answer.text()) };
}

const uploadUrl = async (env: Readonly<Record<string, string>>, key: string): Promise<string> =>
	`${(await rpc(env, 'CreateCacheEntry', { key, version: VERSION })).json.signed_upload_url}`;
const downloadUrl = async (env: Readonly<Record<string, string>>, key: string): Promise<string> =>
	`${(await rpc(env, 'GetCacheEntryDownloadURL', { key, restore_keys: [], version: VERSION })).json.signed_download_url}`;

/** An entry made by plain requests, for tests of what comes after. */
async function stored(env: Readonly<Record<string, string>>, key: string, bytes: Uint8Array): Promise<void> {
	const put = await fetch(await uploadUrl(env, key), {
		method: 'PUT',
		headers: { 'x-ms-blob-type': 'BlockBlob' },
		body: Buffer.from(bytes),
	});
	expect(put.status).toBe(201);
	const done = await rpc(env, 'FinalizeCacheEntryUpload', { key, version: VERSION, size_bytes: `${bytes.length}` });
	expect(done.json).toMatchObject({ ok: true });
}

describe.each(['github', 'ghes'] as const)('the real @actions/cache as on %s', (host) => {
	it('restores what it saved, byte for byte', async () => {
		const bytes = randomBytes(3_000_000);
		const first = await jobOf(service, host);
		expect((await first.save('pack-1', bytes)).returned).toBeGreaterThan(0);
		expect(service.entries()).toMatchObject([{ key: 'pack-1', scope: 'refs/heads/main', repository: 'owner/repository' }]);

		const second = await jobOf(service, host);
		expect((await second.restore('pack-1')).returned).toBe('pack-1');
		expect(Buffer.compare(await second.read(), bytes)).toBe(0);
	});

	it('misses what is not there, and what is in another scope or repository', async () => {
		const feature = await jobOf(service, host, { ref: 'refs/heads/feature' });
		await feature.save('only-in-feature', randomBytes(10));
		for (const job of [{}, { ref: 'refs/heads/other' }, { ref: 'refs/heads/feature', repository: 'owner/elsewhere' }]) {
			expect(await (await jobOf(service, host, job)).lookup('only-in-feature')).toBeNull();
		}
		expect(await feature.lookup('only-in-feature')).toBe('only-in-feature');
	});

	it('takes the newest entry with the prefix, of its own scope before the base and the default branch', async () => {
		const main = await jobOf(service, host);
		const release = await jobOf(service, host, { ref: 'refs/heads/release' });
		const pull = await jobOf(service, host, { ref: 'refs/pull/7/merge', base: 'refs/heads/release' });
		await main.save('idx-1', randomBytes(10));
		await main.save('idx-2', randomBytes(10));
		expect(await pull.lookup('nothing', ['idx-'])).toBe('idx-2');
		await release.save('idx-0', randomBytes(10));
		expect(await pull.lookup('nothing', ['idx-'])).toBe('idx-0');
		await pull.save('idx-pull', randomBytes(10));
		await main.save('idx-3', randomBytes(10));
		expect(await pull.lookup('nothing', ['idx-'])).toBe('idx-pull');
		expect(await main.lookup('nothing', ['idx-'])).toBe('idx-3');
		expect(await main.lookup('idx-', ['idx-1'])).toBe('idx-3');
	});

	it('is refused a second entry of the same key, and keeps the first', async () => {
		const job = await jobOf(service, host);
		await job.save('same', Buffer.from('one'));
		const again = await job.save('same', Buffer.from('two'));
		expect(again.returned).toBe(-1);
		expect(again.log).toContain('another job may be creating this cache');
		await job.restore('same');
		expect(`${await job.read()}`).toBe('one');
	});

	it('is told that its token may not write', async () => {
		const { returned, log } = await (await jobOf(service, host, { mode: 'read' })).save('mine', randomBytes(10));
		// With the runner's variable it does not even ask; a token that was reduced for another reason has none.
		expect({ returned, log }).toMatchObject({
			returned: -1,
			log: expect.stringContaining("cache-mode 'read' does not permit writes"),
		});
		service.inject({ operation: 'create', fault: 'write-denied' });
		const denied = await (await jobOf(service, host)).save('mine', randomBytes(10));
		expect(denied.log).toMatch(
			/::warning::Failed to save: Unable to reserve cache with key mine. More details: cache write denied:/,
		);
	});

	it('is told that its token may not read', async () => {
		service.inject({ operation: 'lookup', fault: 'read-denied' });
		const { returned, log } = await (await jobOf(service, host)).restore('any');
		expect(returned).toBeNull();
		expect(log).toMatch(/::warning::Failed to restore: .*cache read denied:/);
	});

	it('gives up on a 429 at once', async () => {
		const job = await jobOf(service, host);
		service.inject({ operation: 'lookup', fault: 'throttled' });
		service.inject({ operation: 'create', fault: 'throttled' });
		service.resetCounters();
		expect((await job.restore('any')).returned).toBeNull();
		expect((await job.save('any', randomBytes(10))).returned).toBe(-1);
		expect(service.counters()).toMatchObject({ requests: 2, lookups: 1, creations: 1, blobReads: 0, blobWrites: 0 });
	});
});

describe('the real @actions/cache, v2 alone', () => {
	it('says when a limit ends, and what a used-up quota is', async () => {
		const job = await jobOf(service, 'github');
		service.inject({ operation: 'lookup', fault: 'throttled', times: 1 });
		expect((await job.restore('any')).log).toContain('your rate limit will reset in 1 seconds');
		service.inject({ operation: 'lookup', fault: 'insufficient-usage', times: 1 });
		expect((await job.restore('any')).log).toContain('Cache storage quota has been hit');
	});

	it('counts one lookup for a restore, and a reservation and a finalization for a save', async () => {
		const job = await jobOf(service, 'github');
		service.resetCounters();
		await job.save('counted', randomBytes(1000));
		await job.restore('counted');
		expect(service.counters()).toMatchObject({
			requests: 3,
			lookups: 1,
			creations: 1,
			finalizations: 1,
			blobReads: 1,
			blobWrites: 1,
		});
		expect(service.counters().bytesRead).toBeGreaterThan(1000);
	});
});

describe('the real @actions/cache as on act', () => {
	it('stores several entries of one key, in lower case, and finds the newest', async () => {
		const job = await jobOf(actLike, 'act');
		await job.save('Mixed-Case', Buffer.from('one'));
		await job.save('Mixed-Case', Buffer.from('two'));
		expect(actLike.entries().map(({ key }) => key)).toEqual(['mixed-case', 'mixed-case']);
		expect((await job.restore('MIXED-case')).returned).toBe('mixed-case');
		expect(`${await job.read()}`).toBe('two');
	});
});

describe('the Azure SDK on the URLs that the service signs', () => {
	it('uploads in blocks, and reads the whole and ranges of it', async () => {
		const env = service.environment();
		const bytes = randomBytes(5 * 1024 * 1024 + 17);
		const upload = new BlockBlobClient(await uploadUrl(env, 'blocks'));
		await upload.uploadData(bytes, { blockSize: 1024 * 1024, maxSingleShotSize: 1024, concurrency: 3 });
		await rpc(env, 'FinalizeCacheEntryUpload', { key: 'blocks', version: VERSION, size_bytes: `${bytes.length}` });

		const download = new BlockBlobClient(await downloadUrl(env, 'blocks'));
		expect(Buffer.compare(await download.downloadToBuffer(), bytes)).toBe(0);
		const part = await download.downloadToBuffer(1_000_001, 777);
		expect(Buffer.compare(part, bytes.subarray(1_000_001, 1_000_778))).toBe(0);
		expect((await download.getProperties()).contentLength).toBe(bytes.length);
	});

	it('may write and not read with an upload URL, read and not write with a download URL', async () => {
		const env = service.environment();
		const upload = new BlockBlobClient(await uploadUrl(env, 'rights'));
		await upload.uploadData(Buffer.from('x'));
		await expect(upload.download()).rejects.toMatchObject({ statusCode: 403 });
		await rpc(env, 'FinalizeCacheEntryUpload', { key: 'rights', version: VERSION, size_bytes: '1' });
		const download = new BlockBlobClient(await downloadUrl(env, 'rights'));
		await expect(download.uploadData(Buffer.from('y'))).rejects.toMatchObject({ statusCode: 403 });
	});

	it('is refused when the time of the URL is up', async () => {
		const env = service.environment();
		await stored(env, 'short', Buffer.from('x'));
		service.setUrlLifetimeMs(1000);
		const url = await downloadUrl(env, 'short');
		expect((await fetch(url)).status).toBe(200);
		await sleep(2100);
		await expect(new BlockBlobClient(url).downloadToBuffer()).rejects.toMatchObject({ statusCode: 403 });
	});
});

describe('the service', () => {
	it('limits reservations of a repository and says when to come back', async () => {
		await using small = await startCacheService({ creationsPerWindow: 2, windowMs: 1000 });
		const env = small.environment();
		const create = (key: string) => rpc(env, 'CreateCacheEntry', { key, version: VERSION });
		const statuses = [await create('1'), await create('2'), await create('3')].map(({ status }) => status);
		expect(statuses).toEqual([200, 200, 429]);
		const refused = await create('4');
		expect(refused.headers.get('retry-after')).toBe('1');
		expect(
			(await rpc(small.environment({ repository: 'owner/other' }), 'CreateCacheEntry', { key: '1', version: VERSION })).status,
		).toBe(200);
		await sleep(1000);
		expect((await create('3')).status).toBe(200);
	});

	it('finds an entry only some time after it was finalized, when told to', async () => {
		const env = service.environment();
		service.setVisibleAfterMs(300);
		await stored(env, 'later', Buffer.from('x'));
		const lookup = () => rpc(env, 'GetCacheEntryDownloadURL', { key: 'later', version: VERSION });
		expect((await lookup()).json).toEqual({});
		await sleep(350);
		expect((await lookup()).json).toMatchObject({ ok: true, matched_key: 'later' });
	});

	it('does not find an entry that was reserved and never finalized, and refuses the key all the same', async () => {
		const env = service.environment();
		await uploadUrl(env, 'half');
		expect((await rpc(env, 'GetCacheEntryDownloadURL', { key: 'half', version: VERSION })).json).toEqual({});
		expect(await rpc(env, 'CreateCacheEntry', { key: 'half', version: VERSION })).toMatchObject({
			status: 409,
			json: { code: 'already_exists' },
		});
	});

	it('finalizes only what was uploaded, with its exact size', async () => {
		const env = service.environment();
		const url = await uploadUrl(env, 'sized');
		const finalize = (size: string) => rpc(env, 'FinalizeCacheEntryUpload', { key: 'sized', version: VERSION, size_bytes: size });
		expect((await finalize('1')).json).toEqual({});
		await fetch(url, { method: 'PUT', headers: { 'x-ms-blob-type': 'BlockBlob' }, body: 'four' });
		expect((await finalize('5')).json).toEqual({});
		expect((await finalize('4')).json).toMatchObject({ ok: true });
	});

	it('refuses bad keys, versions and tokens', async () => {
		const env = service.environment();
		const status = async (with_: Readonly<Record<string, string>>, key: string, version: string) =>
			(await rpc(with_, 'CreateCacheEntry', { key, version })).status;
		expect(await status(env, 'with,comma', VERSION)).toBe(400);
		expect(await status(env, 'k'.repeat(513), VERSION)).toBe(400);
		expect(await status(env, 'fine', 'not-a-hash')).toBe(400);
		expect(await status(service.environment({ tokenLifetimeMs: -1 }), 'fine', VERSION)).toBe(401);
		expect(await status({ ...env, ACTIONS_RUNTIME_TOKEN: 'forged.forged.forged' }, 'fine', VERSION)).toBe(401);
	});

	it('loses entries with their blobs when told to', async () => {
		const env = service.environment();
		await stored(env, 'a-1', Buffer.from('x'));
		await stored(env, 'b-1', Buffer.from('x'));
		const url = await downloadUrl(env, 'a-1');
		expect(await service.evict({ keyPrefix: 'a-' })).toBe(1);
		expect(service.entries().map(({ key }) => key)).toEqual(['b-1']);
		expect((await fetch(url)).status).toBe(404);
	});

	it('plays each fault of a blob', async () => {
		const env = service.environment();
		const bytes = randomBytes(200_000);
		await stored(env, 'faulty', bytes);
		const url = await downloadUrl(env, 'faulty');
		const get = (fault: Parameters<typeof service.inject>[0]['fault'] | null, method = 'GET') => {
			if (fault !== null) service.inject({ operation: method === 'HEAD' ? 'blob-head' : 'blob-get', fault, times: 1 });
			return fetch(url, { method, headers: { range: 'bytes=100-199' } });
		};
		const good = await get(null);
		expect([good.status, good.headers.get('content-range')]).toEqual([206, `bytes 100-199/${bytes.length}`]);
		expect(Buffer.compare(Buffer.from(await good.arrayBuffer()), bytes.subarray(100, 200))).toBe(0);

		const whole = await get('whole');
		expect([whole.status, (await whole.arrayBuffer()).byteLength]).toEqual([200, bytes.length]);
		expect((await get('expired')).status).toBe(403);
		expect((await get('gone')).status).toBe(404);
		expect((await get('busy')).status).toBe(503);
		expect((await get('method-not-allowed', 'HEAD')).status).toBe(405);
		await expect((await get('truncated')).arrayBuffer()).rejects.toThrow();
		await expect((async () => (await get('reset')).arrayBuffer())()).rejects.toThrow();
		service.expireUrls();
		expect((await get(null)).status).toBe(403);
	});

	it('tells when the token of the job was sent to a blob', async () => {
		const env = service.environment();
		await stored(env, 'leaky', Buffer.from('x'));
		await using other = await startCacheService();
		const otherEnv = other.environment();
		await stored(otherEnv, 'leaky', Buffer.from('x'));
		await fetch(await downloadUrl(otherEnv, 'leaky'), { headers: { authorization: 'Bearer x' } });
		expect(other.violations()).toHaveLength(1);
	});

	it('runs as a program, with the same controls', async () => {
		await using remote = await spawnCacheService({ creationsPerWindow: 1 });
		const env = await remote.environment({ ref: 'refs/heads/feature' });
		await stored(env, 'remote', Buffer.from('x'));
		expect(await remote.entries()).toMatchObject([{ key: 'remote', scope: 'refs/heads/feature' }]);
		expect((await rpc(env, 'CreateCacheEntry', { key: 'next', version: VERSION })).status).toBe(429);
		await remote.inject({ operation: 'lookup', fault: 'bad-gateway', times: 1 });
		expect((await fetch(new URL(`${RPC}/GetCacheEntryDownloadURL`, remote.url), { method: 'POST', body: '{}' })).status).toBe(
			502,
		);
		expect(await remote.counters()).toMatchObject({ creations: 2, lookups: 1 });
		expect(await remote.evict()).toBe(1);
	});
});
