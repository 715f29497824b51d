/** Our client of protocol v2, on the tests' service (which the real `@actions/cache` and the Azure SDK agree with) and Azurite. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { CacheService as Service } from '../../../src/backends/actions-cache/cache-service.ts';
import { openDirect } from '../../../src/backends/actions-cache/direct.ts';
import type { ByteRange } from '../../../src/backends/path-reader.ts';
import { bodyOfBytes, bodyOfText } from '../../../src/bodies/in-memory.ts';
import { CacheError, describeError } from '../../../src/errors.ts';
import { testClient } from '../../http/peers/means.ts';
import { bodyOf, startServer } from '../../http/peers/server.ts';
import { collect, signal, streamed, useDirectCache } from './direct-cache.ts';

const cache = useDirectCache();

async function read(service: Service, key: string, range: ByteRange | null = null): Promise<Buffer | null> {
	return collect(await (await service.lookup({ key }, signal))?.read(range, signal));
}

describe('an entry', () => {
	it.each([1, 3_000_000, 40_000_000])('of %i bytes comes back byte for byte, also in parts', async (sizeBytes) => {
		const bytes = randomBytes(sizeBytes);
		const service = cache.open();
		expect(await service.save('nca1-p-one', sizeBytes > 30_000_000 ? streamed(bytes) : bodyOfBytes(bytes), signal)).toBe('saved');
		expect(cache.service.counters()).toMatchObject({ requests: 2, creations: 1, finalizations: 1 });
		expect((await read(service, 'nca1-p-one'))?.equals(bytes)).toBe(true);
		const range = { start: Math.floor(sizeBytes / 3), end: Math.floor(sizeBytes / 2) };
		expect((await read(service, 'nca1-p-one', range))?.equals(bytes.subarray(range.start, range.end + 1))).toBe(true);
	});

	it('is not taken twice', async () => {
		const service = cache.open();
		expect(await service.save('same', bodyOfText('one'), signal)).toBe('saved');
		expect(await service.save('same', bodyOfText('two'), signal)).toBe('exists');
		expect(String(await read(service, 'same'))).toBe('one');
	});

	it('is not mistaken for a longer key, and of several the newest is found', async () => {
		const service = cache.open();
		await service.save('prefix-1', bodyOfText('one'), signal);
		await service.save('prefix-2', bodyOfText('two'), signal);
		expect(await service.lookup({ key: 'prefix-' }, signal)).toBeNull();
		expect((await service.lookup({ newestOf: 'prefix-' }, signal))?.key).toBe('prefix-2');
		expect(cache.service.counters().lookups).toBe(2);
	});

	it('of another branch is not seen, that of the default branch is', async () => {
		await cache.open({ ref: 'refs/heads/one' }).save('of-one', bodyOfText('1'), signal);
		await cache.open().save('of-main', bodyOfText('2'), signal);
		const other = cache.open({ ref: 'refs/heads/two' });
		expect(await other.lookup({ key: 'of-one' }, signal)).toBeNull();
		expect(await other.lookup({ key: 'of-main' }, signal)).not.toBeNull();
	});

	it('that was evicted is gone for who looks, and for who has found it', async () => {
		const service = cache.open();
		await service.save('evicted', bodyOfText('x'), signal);
		const entry = await service.lookup({ key: 'evicted' }, signal);
		await cache.service.evict({ repository: cache.repository });
		expect(await entry?.read(null, signal)).toBeNull();
		expect(await service.lookup({ key: 'evicted' }, signal)).toBeNull();
	});
});

describe('an upload in blocks', () => {
	const large = randomBytes(40_000_000);

	it.each([
		['ends too early', streamed(large, large.length + 1), 'too early'],
		['goes on too long', streamed(large, large.length - 1), 'longer'],
		['can not be read', { sizeBytes: 40_000_000, bytes: null, stream: failing }, 'EIO'],
	])('of a body that %s fails because of the body', async (_, body, words) => {
		const error = await cache.failureOf(cache.open().save('body', body, signal));
		expect(error).toMatchObject({ code: 'file-failed' });
		expect(String(error)).toContain(words);
		expect(cache.service.counters().finalizations).toBe(0);
	});

	it('that is refused ends with the refusal, without reading the rest of the body', async () => {
		cache.service.inject({ operation: 'blob-put', fault: 'method-not-allowed' });
		let given = 0;
		async function* parts() {
			for (let start = 0; start < large.length; start += 1_000_000) {
				given++;
				yield large.subarray(start, start + 1_000_000);
				await new Promise((resolve) => setTimeout(resolve, 10));
			}
		}
		const body = { sizeBytes: large.length, bytes: null, stream: () => Readable.from(parts(), { objectMode: false }) };
		expect(await cache.failureOf(cache.open().save('refused', body, signal))).toMatchObject({ code: 'cache-failing' });
		expect(given).toBeLessThan(30);
	});

	it('with a URL whose time is up says so', async () => {
		cache.service.inject({ operation: 'blob-put', fault: 'expired' });
		const error = await cache.failureOf(cache.open().save('late', streamed(large), signal));
		expect(error).toMatchObject({ code: 'cache-forbidden', hint: expect.stringContaining('clock') });
	});
});

it.each(['gone', 'conflict', 'method-not-allowed'] as const)(
	'an upload that the storage does not take (%s) is its failure, and nobody is told to set up a server',
	async (fault) => {
		cache.service.inject({ operation: 'blob-put', fault });
		const error = await cache.failureOf(cache.open().save('refused', streamed(randomBytes(20_000_000)), signal));
		expect(error).toMatchObject({ code: 'cache-failing', message: expect.stringMatching(/40[459]/) });
		expect(describeError(error)).not.toMatch(/nginx|repository|push-url/);
	},
);

function failing(): Readable {
	return new Readable({
		read() {
			this.destroy(Object.assign(new Error('bad disk'), { code: 'EIO' }));
		},
	});
}

describe('a refusal', () => {
	const body = bodyOfText('x');

	it.each([
		['write-denied', 'cache-read-only', 'cache-mode: write'],
		['insufficient-usage', 'cache-read-only', 'storage for the Actions cache is used up'],
		['unauthenticated', 'cache-unauthorized', 'token'],
		['invalid-argument', 'cache-invalid', 'invalid_argument'],
		['unimplemented', 'cache-invalid', 'not known'],
		['not-json', 'cache-invalid', 'not JSON'],
		['bad-gateway', 'cache-failing', '502'],
		['throttled', 'cache-throttled', '200 new entries a minute'],
		['reset', 'cache-unreachable', 'broke off'],
	] as const)('to store: %s is %s, and says what it is', async (fault, code, words) => {
		cache.service.inject({ operation: 'create', fault });
		const startedMs = performance.now();
		const error = await cache.failureOf(cache.open().save('refused', body, signal));
		expect(error).toMatchObject({ code });
		expect(describeError(error)).toContain(words);
		// The tests' client has 4 s of patience; that of the action 90 s.
		expect(performance.now() - startedMs).toBeLessThan(8_000);
	});

	it.each([
		['read-denied', 'cache-forbidden', 'cache-mode: read'],
		['unauthenticated', 'cache-unauthorized', 'token'],
		['throttled', 'cache-throttled', '429'],
	] as const)('to find: %s is %s, and says what it is', async (fault, code, words) => {
		cache.service.inject({ operation: 'lookup', fault });
		const error = await cache.failureOf(cache.open().lookup({ key: 'any' }, signal));
		expect(error).toMatchObject({ code });
		expect(describeError(error)).toContain(words);
	});

	it('is none that came once, such as the page of a proxy', async () => {
		cache.service.inject({ operation: 'create', fault: 'not-json', times: 1 });
		expect(await cache.open().save('stored', body, signal)).toBe('saved');
		cache.service.inject({ operation: 'lookup', fault: 'not-json', times: 1 });
		expect(await cache.open().lookup({ key: 'stored' }, signal)).not.toBeNull();
	});

	it('is that of the token, where it has no scope to read or write', async () => {
		const writer = cache.open({ mode: 'write-only', ref: 'refs/heads/blind' });
		expect(await cache.failureOf(writer.lookup({ key: 'any' }, signal))).toMatchObject({ code: 'cache-forbidden' });
		const reader = cache.open({ mode: 'read' });
		expect(await reader.lookup({ key: 'any' }, signal)).toBeNull();
		expect(await cache.failureOf(reader.save('any', body, signal))).toMatchObject({ code: 'cache-read-only' });
	});

	it('that passes is tried again: 502, 429 with Retry-After, a reset', async () => {
		for (const fault of ['bad-gateway', 'throttled', 'reset'] as const) {
			cache.service.inject({ operation: 'lookup', fault, times: 1 });
			expect(await cache.open().lookup({ key: 'none' }, signal)).toBeNull();
		}
		expect(cache.service.counters().lookups).toBe(6);
	});

	it('without a word means that somebody else has the key', async () => {
		cache.service.inject({ operation: 'create', fault: 'not-ok' });
		expect(await cache.open().save('taken', body, signal)).toBe('exists');
	});

	it('of the end of an upload is an error: nobody finds the entry', async () => {
		cache.service.inject({ operation: 'finalize', fault: 'not-ok' });
		const service = cache.open();
		expect(await cache.failureOf(service.save('unfinished', body, signal))).toMatchObject({ code: 'cache-failing' });
		expect(await service.lookup({ key: 'unfinished' }, signal)).toBeNull();
	});

	it('since the token is too old is one of the token', async () => {
		const environment = cache.service.environment({ repository: cache.repository, tokenLifetimeMs: 1 });
		await new Promise((resolve) => setTimeout(resolve, 1100));
		expect(await cache.failureOf(cache.open({}, environment).save('late', body, signal))).toMatchObject({
			code: 'cache-unauthorized',
		});
	});
});

it('an answer to the end of an upload that was lost is asked for again, and the entry is taken to be saved', async () => {
	let finalized = 0;
	const peer = await startServer(async (request, response) => {
		await bodyOf(request);
		const say = (value: unknown): void => void response.end(JSON.stringify(value));
		if (request.method === 'PUT') response.writeHead(201).end();
		else if (request.url?.endsWith('/CreateCacheEntry')) say({ ok: true, signed_upload_url: `${peer.url}blob?sig=a%2Bb` });
		else if (request.url?.endsWith('/GetCacheEntryDownloadURL'))
			say({ ok: true, signed_download_url: `${peer.url}blob?sig=c`, matched_key: 'lost' });
		else if (finalized++ === 0) request.socket.destroy();
		else say({ ok: false });
	});
	await using client = testClient();
	const masked: string[] = [];
	const service = openDirect({
		client,
		baseUrl: peer.url,
		token: 'opaque',
		version: 'v'.repeat(64),
		whyNoRead: null,
		whyNoWrite: null,
		folder: '/nonexistent',
		mask: (secret) => masked.push(secret),
		nowMs: () => 0,
	});
	expect(await service.save('lost', bodyOfText('x'), signal)).toBe('saved');
	expect(finalized).toBe(2);
	// As it is, and as it stands in the URL.
	expect(masked).toEqual(['a+b', 'a%2Bb', 'c']);
	await peer.close();
});

it.each([
	['cancelled', () => new AbortController()],
	['deadline', () => new AbortController()],
] as const)('a signal ends every operation at once: %s', async (code, controller) => {
	const service = cache.open();
	await service.save('there', bodyOfBytes(randomBytes(3_000_000)), signal);
	const entry = await service.lookup({ key: 'there' }, signal);
	const endless = { sizeBytes: 40_000_000, bytes: null, stream: () => new Readable({ read: () => undefined }) };
	for (const operation of ['lookup', 'create'] as const) cache.service.inject({ operation, fault: 'throttled', times: 1 });
	cache.service.inject({ operation: 'blob-get', fault: 'slow' });
	const stop = controller();
	const operations = [
		service.lookup({ key: 'there' }, stop.signal),
		service.save('waits', bodyOfText('x'), stop.signal),
		service.save('hangs', endless, stop.signal),
		entry?.read(null, stop.signal).then(collect),
		entry?.read({ start: 5, end: 2_999_000 }, stop.signal).then(collect),
	].map((operation) => cache.failureOf(Promise.resolve(operation)));
	await new Promise((resolve) => setTimeout(resolve, 150));
	const startedMs = performance.now();
	stop.abort(code === 'deadline' ? new CacheError('deadline', 'The time is up.') : undefined);
	for (const error of await Promise.all(operations)) expect(error).toMatchObject({ code });
	expect(performance.now() - startedMs).toBeLessThan(500);
});
