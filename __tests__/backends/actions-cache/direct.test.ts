/** Our client of protocol v2, on the tests' service (which the real `@actions/cache` and the Azure SDK agree with) and Azurite. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CacheService as Service } from '../../../src/backends/actions-cache/cache-service.ts';
import { openDirect } from '../../../src/backends/actions-cache/direct.ts';
import { cacheVersion } from '../../../src/backends/actions-cache/format/keys.ts';
import { bodyOfBytes } from '../../../src/backends/object-body.ts';
import type { ObjectBody } from '../../../src/backends/object-store.ts';
import type { ByteRange } from '../../../src/backends/path-reader.ts';
import { createHttpClient, type HttpClient } from '../../../src/http/client.ts';
import type { Job } from '../../support/cache-service/job.ts';
import { type CacheService, startCacheService } from '../../support/cache-service.ts';

const signal = new AbortController().signal;
const VERSION = cacheVersion('/nix/store');

let service: CacheService;
let folder: string;
let client: HttpClient;
let lines: string[];
let masked: string[];
let nowMs: number;
let number = 0;

beforeAll(async () => {
	service = await startCacheService();
	folder = mkdtempSync(join(tmpdir(), 'direct-'));
});
afterAll(async () => {
	await service.stop();
	rmSync(folder, { recursive: true });
});
beforeEach(() => {
	[lines, masked, nowMs] = [[], [], 0];
	const keep = (line: string): void => void lines.push(line);
	const log = {
		debug: keep,
		info: keep,
		notice: keep,
		warning: keep,
		error: keep,
		group: <T>(_: string, body: () => Promise<T>) => body(),
		mask: keep,
	};
	client = createHttpClient({ env: {}, log, attempts: 3, patienceMs: 4_000 });
	service.resetCounters();
	number++;
});
afterEach(async () => {
	service.clearFaults();
	await client.close();
	expect(service.violations()).toEqual([]);
	expect(service.counters().blobHeads).toBe(0);
	for (const secret of masked) expect(lines.join('\n')).not.toContain(secret);
});

const repository = (): string => `owner/direct-${number}`;

function open(
	job: Job = {},
	environment: Readonly<Record<string, string>> = service.environment({ repository: repository(), ...job }),
): Service {
	return openDirect({
		client,
		baseUrl: new URL(environment.ACTIONS_RESULTS_URL ?? ''),
		token: environment.ACTIONS_RUNTIME_TOKEN ?? '',
		version: VERSION,
		whyNoRead: null,
		whyNoWrite: null,
		folder,
		mask: (secret) => masked.push(secret),
		nowMs: () => nowMs,
	});
}

async function read(cache: Service, key: string, range: ByteRange | null = null): Promise<Buffer | null> {
	const stream = await (await cache.lookup({ key }, signal))?.read(range, signal);
	return stream ? collect(stream) : null;
}

async function collect(stream: Readable): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	for await (const part of stream) parts.push(part);
	return Buffer.concat(parts);
}

/** A body as a spool file is one: it can only be streamed. */
function streamed(bytes: Uint8Array): ObjectBody {
	const pieces = Array.from({ length: Math.ceil(bytes.length / 60_000) }, (_, index) =>
		bytes.subarray(60_000 * index, 60_000 * (index + 1)),
	);
	return { sizeBytes: bytes.length, bytes: null, stream: () => Readable.from(pieces, { objectMode: false }) };
}

describe('an entry', () => {
	it.each([1, 3_000_000, 40_000_000])('of %i bytes comes back byte for byte, also in parts', async (sizeBytes) => {
		const bytes = randomBytes(sizeBytes);
		const cache = open();
		expect(await cache.save('nca1-p-one', sizeBytes > 30_000_000 ? streamed(bytes) : bodyOfBytes(bytes), signal)).toBe('saved');
		expect(service.counters()).toMatchObject({ requests: 2, creations: 1, finalizations: 1 });
		expect((await read(cache, 'nca1-p-one'))?.equals(bytes)).toBe(true);
		const range = { start: Math.floor(sizeBytes / 3), end: Math.floor(sizeBytes / 2) };
		expect((await read(cache, 'nca1-p-one', range))?.equals(bytes.subarray(range.start, range.end + 1))).toBe(true);
	});

	it('is not taken twice', async () => {
		const cache = open();
		expect(await cache.save('same', bodyOfBytes(Buffer.from('one')), signal)).toBe('saved');
		expect(await cache.save('same', bodyOfBytes(Buffer.from('two')), signal)).toBe('exists');
		expect(String(await read(cache, 'same'))).toBe('one');
	});

	it('is not mistaken for a longer key, and of several the newest is found', async () => {
		const cache = open();
		await cache.save('prefix-1', bodyOfBytes(Buffer.from('one')), signal);
		await cache.save('prefix-2', bodyOfBytes(Buffer.from('two')), signal);
		expect(await cache.lookup({ key: 'prefix-' }, signal)).toBeNull();
		expect((await cache.lookup({ newestOf: 'prefix-' }, signal))?.key).toBe('prefix-2');
		expect(service.counters().lookups).toBe(2);
	});

	it('of another branch is not seen, that of the default branch is', async () => {
		await open({ ref: 'refs/heads/one' }).save('of-one', bodyOfBytes(Buffer.from('1')), signal);
		await open().save('of-main', bodyOfBytes(Buffer.from('2')), signal);
		const other = open({ ref: 'refs/heads/two' });
		expect(await other.lookup({ key: 'of-one' }, signal)).toBeNull();
		expect(await other.lookup({ key: 'of-main' }, signal)).not.toBeNull();
	});

	it('that was evicted is gone for who looks, and for who has found it', async () => {
		const cache = open();
		await cache.save('evicted', bodyOfBytes(Buffer.from('x')), signal);
		const entry = await cache.lookup({ key: 'evicted' }, signal);
		await service.evict({ repository: repository() });
		expect(await entry?.read(null, signal)).toBeNull();
		expect(await cache.lookup({ key: 'evicted' }, signal)).toBeNull();
	});
});

describe('reading', () => {
	const bytes = randomBytes(2_000_000);
	const saved = async (): Promise<Service> => {
		const cache = open();
		await cache.save('blob', bodyOfBytes(bytes), signal);
		service.resetCounters();
		return cache;
	};

	it('asks for a new URL once when the time of one is up, however many read', async () => {
		const cache = await saved();
		const entry = await cache.lookup({ key: 'blob' }, signal);
		service.expireUrls();
		const ranges = Array.from({ length: 20 }, (_, index) => ({ start: index * 1000, end: index * 1000 + 999 }));
		const got = await Promise.all(
			ranges.map(async (range) => {
				const stream = await entry?.read(range, signal);
				return stream ? collect(stream) : Buffer.alloc(0);
			}),
		);
		expect(Buffer.concat(got).equals(bytes.subarray(0, 20_000))).toBe(true);
		expect(service.counters().lookups).toBe(2);
	});

	it('does not use a URL of more than eight minutes', async () => {
		const cache = await saved();
		const entry = await cache.lookup({ key: 'blob' }, signal);
		nowMs += 9 * 60_000;
		const stream = await entry?.read({ start: 0, end: 9 }, signal);
		if (stream) await collect(stream);
		expect(service.counters()).toMatchObject({ lookups: 2, blobReads: 1 });
	});

	it.each(['truncated', 'reset'] as const)('goes on where it was when the connection is %s', async (fault) => {
		const cache = await saved();
		service.inject({ operation: 'blob-get', fault, times: 2 });
		const range = { start: 1000, end: 1_999_999 };
		expect((await read(cache, 'blob', range))?.equals(bytes.subarray(1000))).toBe(true);
		const starts = service
			.calls()
			.filter(({ operation }) => operation === 'blob-get')
			.map((call) => Number(/=(\d+)-/.exec(call.range ?? '')?.[1]));
		expect(starts.length).toBe(3);
		expect(starts[0]).toBe(1000);
		expect(starts[1]).toBeGreaterThan(1000);
		expect(starts[2]).toBeGreaterThan(starts[1] ?? 0);
	});

	it('fetches all of it once where ranges are ignored', async () => {
		const cache = await saved();
		service.inject({ operation: 'blob-get', fault: 'whole' });
		const entry = await cache.lookup({ key: 'blob' }, signal);
		for (const start of [5, 1_000_000, 77]) {
			const stream = await entry?.read({ start, end: start + 99 }, signal);
			expect(stream && (await collect(stream)).equals(bytes.subarray(start, start + 100))).toBe(true);
		}
		expect(service.counters().blobReads).toBe(1);
		expect(readdirSync(folder).length).toBeGreaterThan(0);
	});

	it('waits for a storage that is busy, and gives up on one that stays so', async () => {
		const cache = await saved();
		service.inject({ operation: 'blob-get', fault: 'busy', times: 1 });
		expect((await read(cache, 'blob', { start: 0, end: 4 }))?.equals(bytes.subarray(0, 5))).toBe(true);
		service.inject({ operation: 'blob-get', fault: 'busy' });
		await expect(read(cache, 'blob', { start: 0, end: 4 })).rejects.toMatchObject({ code: 'cache-failing' });
	});

	it('ends at once when it is told to', async () => {
		const cache = await saved();
		service.inject({ operation: 'blob-get', fault: 'slow' });
		const entry = await cache.lookup({ key: 'blob' }, signal);
		const stop = new AbortController();
		const stream = await entry?.read({ start: 0, end: 1_999_999 }, stop.signal);
		setTimeout(() => stop.abort(), 50);
		await expect(stream ? collect(stream) : null).rejects.toThrow();
	});
});

describe('a refusal', () => {
	const body = bodyOfBytes(Buffer.from('x'));

	it.each([
		['write-denied', 'cache-read-only', 'cache-mode: write'],
		['insufficient-usage', 'cache-read-only', 'storage for the Actions cache is used up'],
		['unauthenticated', 'cache-unauthorized', 'token'],
		['invalid-argument', 'cache-invalid', 'invalid_argument'],
		['unimplemented', 'cache-invalid', 'not known'],
		['not-json', 'cache-invalid', 'not JSON'],
		['bad-gateway', 'cache-failing', '502'],
		['throttled', 'cache-throttled', '429'],
		['reset', 'cache-unreachable', ''],
	] as const)('to store: %s is %s, and says what it is', async (fault, code, words) => {
		service.inject({ operation: 'create', fault });
		const error: unknown = await open()
			.save('refused', body, signal)
			.catch((one: unknown) => one);
		expect(error).toMatchObject({ code });
		expect(`${error} ${error instanceof Error && 'hint' in error ? error.hint : ''}`).toContain(words);
	});

	it('to read is told as one', async () => {
		await expect(open({ mode: 'write-only', ref: 'refs/heads/blind' }).lookup({ key: 'any' }, signal)).rejects.toMatchObject({
			code: 'cache-forbidden',
		});
	});

	it('that passes is tried again: 502, 429 with Retry-After, a reset', async () => {
		for (const fault of ['bad-gateway', 'throttled', 'reset'] as const) {
			service.inject({ operation: 'lookup', fault, times: 1 });
			expect(await open().lookup({ key: 'none' }, signal)).toBeNull();
		}
		expect(service.counters().lookups).toBe(6);
	});

	it('without a word means that somebody else has the key', async () => {
		service.inject({ operation: 'create', fault: 'not-ok' });
		expect(await open().save('taken', body, signal)).toBe('exists');
	});

	it('of the end of an upload is an error: nobody finds the entry', async () => {
		service.inject({ operation: 'finalize', fault: 'not-ok' });
		const cache = open();
		await expect(cache.save('unfinished', body, signal)).rejects.toMatchObject({ code: 'cache-failing' });
		expect(await cache.lookup({ key: 'unfinished' }, signal)).toBeNull();
	});

	it('since the token is too old is one of the token', async () => {
		const environment = service.environment({ repository: repository(), tokenLifetimeMs: 1 });
		await new Promise((resolve) => setTimeout(resolve, 1100));
		await expect(open({}, environment).save('late', body, signal)).rejects.toMatchObject({ code: 'cache-unauthorized' });
	});
});
