/** Which transport speaks to which server, and the one through `@actions/cache`. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CacheService as Service } from '../../../src/backends/actions-cache/cache-service.ts';
import { cacheVersion } from '../../../src/backends/actions-cache/format/keys.ts';
import { openCacheService } from '../../../src/backends/actions-cache/open-service.ts';
import { bodyOfBytes } from '../../../src/bodies/in-memory.ts';
import { createHttpClient, type HttpClient } from '../../../src/http/client.ts';
import { keptLog } from '../../substituter/kept-log.ts';
import type { Host, Job } from '../../support/cache-service/job.ts';
import { type CacheService, startCacheService } from '../../support/cache-service.ts';

const signal = new AbortController().signal;

let github: CacheService;
let act: CacheService;
let client: HttpClient;
let folder: string;
let number = 0;
let log = keptLog();
const opened: Service[] = [];

beforeAll(async () => {
	[github, act] = await Promise.all([startCacheService(), startCacheService({ rules: 'act' })]);
});
afterAll(async () => {
	await Promise.all([github.stop(), act.stop()]);
});
beforeEach(() => {
	log = keptLog();
	client = createHttpClient({ env: {}, log, attempts: 2, patienceMs: 2_000 });
	folder = mkdtempSync(join(tmpdir(), 'open-service-'));
	number++;
});
afterEach(async () => {
	for (const one of opened.splice(0)) await one.close();
	await client.close();
	// Nothing of the toolkit's archives is left.
	expect(existsSync(join(folder, 'transfer')) ? readdirSync(join(folder, 'transfer')) : []).toEqual([]);
	rmSync(folder, { recursive: true });
	github.clearFaults();
	expect(github.violations()).toEqual([]);
});

async function open(
	env: Readonly<Record<string, string | undefined>>,
	transport: Service['transport'] | null = null,
): Promise<Service | null> {
	const service = await openCacheService({
		env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
		client,
		log,
		folder: join(folder, 'transfer'),
		version: cacheVersion('/nix/store'),
		toolkitScript: join(import.meta.dirname, 'toolkit-program.ts'),
		transport,
	});
	if (service !== null) opened.push(service);
	return service;
}

async function on(host: Host, job: Job = {}, transport: Service['transport'] | null = null): Promise<Service> {
	const service = host === 'act' ? act : github;
	const one = await open(service.environment({ repository: `owner/open-${number}`, ...job }, host), transport);
	if (one === null) throw new Error('there is a service');
	return one;
}

async function read(service: Service, key: string, start: number, end: number): Promise<Buffer | null> {
	const stream = await (await service.lookup({ key }, signal))?.read({ start, end }, signal);
	if (!stream) return null;
	const parts: Uint8Array[] = [];
	for await (const part of stream) parts.push(part);
	return Buffer.concat(parts);
}

describe('which service it is', () => {
	it('is told by the variables of the runner', async () => {
		expect((await on('github')).transport).toBe('direct');
		expect((await on('ghes')).transport).toBe('toolkit');
		expect((await on('act')).transport).toBe('toolkit');
	});

	it.each([
		['without a token', {}],
		['without addresses', { ACTIONS_RUNTIME_TOKEN: 'opaque' }],
		[
			'with an address that is none',
			{ ACTIONS_RUNTIME_TOKEN: 'opaque', ACTIONS_CACHE_SERVICE_V2: 'True', ACTIONS_RESULTS_URL: 'nowhere' },
		],
	])('is none %s', async (_, env) => {
		expect(await open(env)).toBeNull();
	});

	it('says what `cache-mode` and the token do not allow, before anything is asked', async () => {
		expect(await on('github', { mode: 'read' })).toMatchObject({
			whyNoRead: null,
			whyNoWrite: expect.stringContaining('cache-mode: read'),
		});
		expect(await on('github', { mode: 'write-only' })).toMatchObject({
			whyNoRead: expect.stringContaining('write-only'),
			whyNoWrite: null,
		});
		const { ACTIONS_CACHE_MODE: _, ...env } = github.environment({ mode: 'read' });
		expect(await open(env)).toMatchObject({ whyNoRead: null, whyNoWrite: expect.stringContaining('token that only reads') });
		expect(await open({ ...env, ACTIONS_RUNTIME_TOKEN: 'opaque' })).toMatchObject({ whyNoRead: null, whyNoWrite: null });
	});

	it('is asked through @actions/cache when an answer is not understood', async () => {
		const bytes = randomBytes(1000);
		github.inject({ operation: 'create', fault: 'unimplemented', times: 1 });
		const service = await on('github');
		expect(service.transport).toBe('direct');
		expect(await service.save('nca1-p-way-out', bodyOfBytes(bytes), signal)).toBe('saved');
		expect(service.transport).toBe('toolkit');
		expect(log.lines.join('\n')).toContain('@actions/cache is asked in its place');
		expect((await read(service, 'nca1-p-way-out', 10, 19))?.equals(bytes.subarray(10, 20))).toBe(true);
		// The other processes of the job find it too.
		expect(await (await on('github', {}, 'toolkit')).lookup({ key: 'nca1-p-way-out' }, signal)).not.toBeNull();
	});

	it('stays the same where @actions/cache would not find what is there', async () => {
		await (await on('github')).save('nca1-p-there', bodyOfBytes(Buffer.from('a pack')), signal);
		const main = await on('github');
		expect(await main.lookup({ key: 'nca1-p-there' }, signal)).not.toBeNull();
		for (const service of [main, await on('github', {}, main.transport)]) {
			github.inject({ operation: 'lookup', fault: 'not-json', times: 2 });
			await expect(service.lookup({ key: 'nca1-p-there' }, signal)).rejects.toMatchObject({ code: 'cache-invalid' });
			expect(await service.lookup({ key: 'nca1-p-there' }, signal)).not.toBeNull();
			expect(service.transport).toBe('direct');
		}
	});
});

describe.each(['ghes', 'act'] as const)('through @actions/cache on %s', (host) => {
	it('an entry comes back in parts, fetched once; what is not there is not', async () => {
		const bytes = randomBytes(300_000);
		const service = await on(host);
		expect(await service.save('nca1-p-one', bodyOfBytes(bytes), signal)).toBe('saved');
		const entry = await service.lookup({ newestOf: 'nca1-p-' }, signal);
		expect(entry?.key).toBe('nca1-p-one');
		for (const start of [0, 1000, 299_990]) {
			const stream = await entry?.read({ start, end: start + 9 }, signal);
			const parts: Uint8Array[] = [];
			for await (const part of stream ?? []) parts.push(part);
			expect(Buffer.concat(parts).equals(bytes.subarray(start, start + 10))).toBe(true);
		}
		expect(await service.lookup({ key: 'nca1-p-on' }, signal)).toBeNull();
		expect(await service.lookup({ newestOf: 'nca1-i-' }, signal)).toBeNull();
	});
});

describe('a second entry of one key', () => {
	it('is refused on GHES', async () => {
		const service = await on('ghes');
		expect(service.refusesDuplicates).toBe(true);
		await service.save('twice', bodyOfBytes(Buffer.from('one')), signal);
		expect(await service.save('twice', bodyOfBytes(Buffer.from('two')), signal)).toBe('exists');
	});

	it('hides the first one on act', async () => {
		const service = await on('act');
		expect(service.refusesDuplicates).toBe(false);
		await service.save('twice', bodyOfBytes(Buffer.from('one')), signal);
		await service.save('twice', bodyOfBytes(Buffer.from('two')), signal);
		expect(String(await read(await on('act'), 'twice', 0, 2))).toBe('two');
	});
});

it('a service that fails is told as one by the toolkit too', async () => {
	const service = await on('ghes');
	github.inject({ operation: 'create', fault: 'write-denied' });
	await expect(service.save('denied', bodyOfBytes(Buffer.from('x')), signal)).rejects.toMatchObject({ code: 'cache-read-only' });
	github.clearFaults();
	github.inject({ operation: 'create', fault: 'throttled' });
	await expect(service.save('throttled', bodyOfBytes(Buffer.from('x')), signal)).rejects.toMatchObject({
		code: 'cache-throttled',
	});
});
