import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CacheError } from '../../src/errors.ts';
import { type CacheInfo, parseCacheInfo } from '../../src/nix/cache-info.ts';
import { parseNarInfo } from '../../src/nix/narinfo.ts';
import { createHandler, type HandlerLimits, type HandlerOptions, type SubstituterAnswer } from '../../src/substituter/handler.ts';
import { createCounters } from '../../src/substituter/statistics.ts';
import { type KeptLog, keptLog } from './kept-log.ts';
import { type MemoryReader, memoryReader, type StoredNar } from './memory-reader.ts';
import { hashPart, STORE_DIR, someBytes, storedNar } from './paths.ts';

const PREFIX = 'random';
const AUTHORIZATION = `Basic ${Buffer.from('job:secret').toString('base64')}`;
const never = new Promise<never>(() => undefined);

interface Asked {
	readonly method?: string;
	readonly range?: string;
	readonly authorization?: string | undefined;
	readonly prefix?: string;
}

interface Setup {
	readonly reader: MemoryReader;
	readonly log: KeptLog;
	readonly statistics: () => ReturnType<ReturnType<typeof createCounters>['snapshot']>;
	readonly ask: (name: string, asked?: Asked, signal?: AbortSignal) => Promise<SubstituterAnswer>;
	/** Asks for the narinfo and gives the URL in it. */
	readonly narUrl: (name: string) => Promise<string>;
}

function setup(paths: readonly StoredNar[], limits: Partial<HandlerLimits> = {}, more: Partial<HandlerOptions> = {}): Setup {
	const reader = memoryReader(paths);
	const log = keptLog();
	const counters = createCounters();
	const handler = createHandler({
		reader,
		prefix: PREFIX,
		credentials: { username: 'job', password: 'secret' },
		storeDir: STORE_DIR,
		priority: 35,
		limits: { narInfoMs: 100, narStartMs: 100, narStallMs: 100, ...limits },
		counters,
		log,
		signal: new AbortController().signal,
		...more,
	});
	const ask: Setup['ask'] = (name, asked = {}, signal = new AbortController().signal) =>
		handler(
			{
				method: asked.method ?? 'GET',
				path: `/${asked.prefix ?? PREFIX}/${name}`,
				headers: { authorization: 'authorization' in asked ? asked.authorization : AUTHORIZATION, range: asked.range },
			},
			signal,
		);
	return {
		reader,
		log,
		statistics: counters.snapshot,
		ask,
		narUrl: async (name) => infoIn(await ask(`${hashPart(name)}.narinfo`)).url,
	};
}

function infoIn(answer: SubstituterAnswer) {
	if (!Buffer.isBuffer(answer.body)) throw new Error(`no narinfo, but ${answer.status}`);
	return parseNarInfo(answer.body.toString(), { storeDir: STORE_DIR });
}

async function bytesOf({ body }: SubstituterAnswer): Promise<Buffer> {
	if (body === null) return Buffer.alloc(0);
	if (Buffer.isBuffer(body)) return body;
	const chunks: Buffer[] = [];
	for await (const chunk of body) chunks.push(chunk);
	return Buffer.concat(chunks);
}

const nar = someBytes(100_000, 'hello');
const hello = storedNar('hello', nar);

describe('nix-cache-info', () => {
	it('says which store it is for, how early to ask, and that many paths may be asked for', async () => {
		const answer = await setup([]).ask('nix-cache-info');
		expect(answer.status).toBe(200);
		expect(parseCacheInfo(String(answer.body))).toEqual({
			storeDir: STORE_DIR,
			wantMassQuery: true,
			priority: 35,
		} satisfies CacheInfo);
	});

	it('is there whatever the reader does', async () => {
		const { ask, reader } = setup([]);
		reader.narInfoWeather = () => never;
		expect((await ask('nix-cache-info')).status).toBe(200);
	});
});

describe('who may ask', () => {
	it.each([
		['no credentials', undefined],
		['another password', `Basic ${Buffer.from('job:secrets').toString('base64')}`],
		['another user', `Basic ${Buffer.from('jobs:secret').toString('base64')}`],
		['a bearer token', 'Bearer am9iOnNlY3JldA=='],
		['nothing behind the scheme', 'Basic '],
		['something that is no base 64', 'Basic ?'],
	])('refuses %s, and never asks the reader', async (_what, authorization) => {
		const { ask, reader, statistics } = setup([hello]);
		for (const name of ['nix-cache-info', `${hashPart('hello')}.narinfo`, 'nar/x.nar'])
			expect((await ask(name, { authorization })).status).toBe(403);
		expect(reader.calls).toEqual([]);
		expect(statistics().refused).toBe(3);
	});

	it('takes the scheme in any case, as RFC 7617 says', async () => {
		const { ask } = setup([hello]);
		expect((await ask('nix-cache-info', { authorization: AUTHORIZATION.replace('Basic', 'basic') })).status).toBe(200);
	});

	it('knows nothing below another prefix', async () => {
		const { ask, reader } = setup([hello]);
		for (const prefix of ['', 'other', 'random/x', 'randomx'])
			expect((await ask(`${hashPart('hello')}.narinfo`, { prefix })).status).toBe(404);
		expect(reader.calls).toEqual([]);
	});
});

describe('what is not there', () => {
	it.each([
		'',
		'index.html',
		'nar/',
		'../nix-cache-info',
		'nix-cache-info/',
		'nix-cache-info?x=1',
		`${hashPart('hello')}.ls`,
		'narinfo',
	])('answers 404 to %j', async (name) => {
		expect((await setup([hello]).ask(name)).status).toBe(404);
	});

	it.each(['PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'MKCOL'])('has nothing that %s could change', async (method) => {
		const { ask, reader } = setup([hello]);
		for (const name of ['nix-cache-info', `${hashPart('hello')}.narinfo`, 'nar/new.nar'])
			expect((await ask(name, { method })).status).toBe(404);
		expect(reader.calls).toEqual([]);
	});

	it('never gives an answer that makes Nix fail, whatever is asked for', async () => {
		const { ask } = setup([hello]);
		await fc.assert(
			fc.asyncProperty(fc.string({ unit: 'binary' }), fc.constantFrom('GET', 'HEAD', 'PUT'), async (name, method) => {
				const { status } = await ask(`nar/${name}`, { method, range: name });
				expect(status).toBe(404);
			}),
		);
	});
});

describe('a narinfo', () => {
	it('is the reader’s, with a URL of our own', async () => {
		const { ask, statistics } = setup([hello]);
		const answer = await ask(`${hashPart('hello')}.narinfo`);
		expect(answer.status).toBe(200);
		expect(answer.headers['content-length']).toBe(String((await bytesOf(answer)).length));
		const { url, ...rest } = infoIn(answer);
		const { url: _readers, ...expected } = hello.info;
		expect(rest).toEqual(expected);
		expect(url).toMatch(/^nar\/[0-9a-z]{32}-[A-Za-z0-9_-]+\.nar\.zst$/);
		expect(statistics()).toMatchObject({ narInfoHits: 1, narInfoMisses: 0 });
	});

	it('is signed as the caller says', async () => {
		const { ask } = setup([hello], {}, { sign: (info) => ({ ...info, signatures: [...info.signatures, 'job:c2ln'] }) });
		expect(infoIn(await ask(`${hashPart('hello')}.narinfo`)).signatures).toEqual(['job:c2ln']);
	});

	it('has no content address that does not fit, because Nix aborts on one', async () => {
		const wrong = storedNar('hello', nar, { ca: `fixed:r:sha256:${'0'.repeat(52)}` });
		expect(infoIn(await setup([wrong]).ask(`${hashPart('hello')}.narinfo`)).ca).toBeNull();
	});

	it('answers HEAD with the same headers and no body', async () => {
		const { ask } = setup([hello]);
		const { body: _body, ...got } = await ask(`${hashPart('hello')}.narinfo`);
		expect(await ask(`${hashPart('hello')}.narinfo`, { method: 'HEAD' })).toEqual({ ...got, body: null });
	});

	it('is a miss when the reader does not have it', async () => {
		const { ask, statistics } = setup([]);
		expect((await ask(`${hashPart('hello')}.narinfo`)).status).toBe(404);
		expect(statistics()).toMatchObject({ narInfoHits: 0, narInfoMisses: 1, errors: {} });
	});

	it.each([
		['another path than the one asked for', { storePath: `${STORE_DIR}/${hashPart('other')}-other` }, 'cache-invalid'],
		['a path of another store', { storePath: `/gnu/store/${hashPart('hello')}-hello` }, 'format-invalid'],
		['a signature with a line break', { signatures: ['a:b\nURL: nar/x'] }, 'format-invalid'],
		['a URL without an end', { url: 'x'.repeat(5_000) }, 'format-invalid'],
	])('is a miss when the reader gives %s', async (_what, changes, code) => {
		const { ask, reader, statistics } = setup([]);
		const { info } = storedNar('hello', nar, changes);
		Object.assign(reader, { narInfo: async () => info });
		expect((await ask(`${hashPart('hello')}.narinfo`)).status).toBe(404);
		expect(statistics().errors).toEqual({ [code]: 1 });
	});

	it('is asked for once when many ask at the same time', async () => {
		const { ask, reader } = setup([hello]);
		reader.narInfoWeather = () => sleep(20);
		const answers = await Promise.all(Array.from({ length: 50 }, () => ask(`${hashPart('hello')}.narinfo`)));
		expect(answers.every(({ status }) => status === 200)).toBe(true);
		expect(reader.calls).toHaveLength(1);
		await ask(`${hashPart('hello')}.narinfo`);
		expect(reader.calls).toHaveLength(2);
	});

	it('that is not there is not asked for again for some seconds, and then it is', async () => {
		let nowMs = 1_000;
		const { ask, reader } = setup([], { missMs: 3_000 }, { nowMs: () => nowMs });
		const path = `${hashPart('hello')}.narinfo`;
		await ask(path);
		nowMs += 2_999;
		expect((await ask(path)).status).toBe(404);
		expect(reader.calls).toHaveLength(1);
		nowMs += 1;
		Object.assign(reader, { narInfo: async () => hello.info });
		expect((await ask(path)).status).toBe(200);
	});

	it('of a reader that fails is a miss that is not remembered', async () => {
		const { ask, reader, statistics, log } = setup([hello]);
		reader.narInfoWeather = () => {
			throw new CacheError('cache-failing', 'HTTP 500 from the cache.');
		};
		expect((await ask(`${hashPart('hello')}.narinfo`)).status).toBe(404);
		expect(statistics().errors).toEqual({ 'cache-failing': 1 });
		expect(log.lines.join()).toContain('HTTP 500');
		reader.narInfoWeather = () => undefined;
		expect((await ask(`${hashPart('hello')}.narinfo`)).status).toBe(200);
	});

	it('of a reader that never answers is a miss in time', async () => {
		const { ask, reader, statistics } = setup([hello], { narInfoMs: 30 });
		reader.narInfoWeather = () => never;
		const started = performance.now();
		expect((await ask(`${hashPart('hello')}.narinfo`)).status).toBe(404);
		expect(performance.now() - started).toBeLessThan(1_000);
		expect(statistics().errors).toEqual({ deadline: 1 });
	});

	it('of a reader that throws something else than an error is a miss, too', async () => {
		const { ask, reader, statistics } = setup([hello]);
		reader.narInfoWeather = () => Promise.reject('broken');
		expect((await ask(`${hashPart('hello')}.narinfo`)).status).toBe(404);
		expect(statistics().errors).toEqual({ internal: 1 });
	});
});

describe('an outage', () => {
	it('is not waited for again and again: after some failures all are misses for a while, then one request looks', async () => {
		let nowMs = 0;
		const { ask, reader } = setup([hello], { outageFailures: 3, outagePauseMs: 1_000 }, { nowMs: () => nowMs });
		reader.narInfoWeather = () => {
			throw new CacheError('cache-unreachable', 'Nobody there.');
		};
		for (let index = 0; index < 100; index++) expect((await ask(`${hashPart(`${index}`)}.narinfo`)).status).toBe(404);
		expect(reader.calls).toHaveLength(3);
		nowMs = 1_001;
		await ask(`${hashPart('a')}.narinfo`);
		await ask(`${hashPart('b')}.narinfo`);
		expect(reader.calls).toHaveLength(4);
		nowMs = 3_000;
		reader.narInfoWeather = () => undefined;
		expect((await ask(`${hashPart('hello')}.narinfo`)).status).toBe(200);
		expect((await ask(`${hashPart('hello')}.narinfo`)).status).toBe(200);
	});

	it('is not made of damaged paths', async () => {
		const { ask, reader } = setup([hello], { outageFailures: 3 });
		reader.narInfoWeather = () => {
			throw new CacheError('format-invalid', 'Damaged.');
		};
		for (let index = 0; index < 10; index++) await ask(`${hashPart(`${index}`)}.narinfo`);
		reader.narInfoWeather = () => undefined;
		expect((await ask(`${hashPart('hello')}.narinfo`)).status).toBe(200);
	});

	it('fills the log with a few lines only', async () => {
		const { ask, reader, log, statistics } = setup([hello], { outageFailures: 1_000 });
		reader.narInfoWeather = () => {
			throw new CacheError('cache-failing', 'HTTP 500.');
		};
		for (let index = 0; index < 100; index++) await ask(`${hashPart(`${index}`)}.narinfo`);
		expect(log.lines).toHaveLength(3);
		expect(statistics().errors).toEqual({ 'cache-failing': 100 });
	});
});

describe('a NAR', () => {
	it('comes whole, byte for byte, whatever the reader calls it', async () => {
		await fc.assert(
			fc.asyncProperty(fc.stringMatching(/^\S{1,200}$/u), async (url) => {
				const { ask, narUrl } = setup([storedNar('hello', nar, { url })]);
				const answer = await ask(await narUrl('hello'));
				expect(answer.status).toBe(200);
				expect(answer.headers).toMatchObject({ 'content-length': '100000', 'accept-ranges': 'bytes' });
				expect((await bytesOf(answer)).equals(nar)).toBe(true);
			}),
			{ numRuns: 50 },
		);
	});

	it('has a URL that another substituter with the same reader understands', async () => {
		const url = await setup([hello]).narUrl('hello');
		expect((await bytesOf(await setup([hello]).ask(url))).equals(nar)).toBe(true);
	});

	it('whose length nobody knows comes whole, and the rest of it is not there when it broke off', async () => {
		const { ask, narUrl, reader } = setup([hello]);
		const { openNar } = reader;
		reader.openNar = async (...asked) => {
			const opened = await openNar(...asked);
			return opened && { totalBytes: null, stream: opened.stream };
		};
		const url = await narUrl('hello');
		for (const range of [undefined, 'bytes=0-']) {
			const answer = await ask(url, range === undefined ? {} : { range });
			expect(answer.status).toBe(200);
			expect(answer.headers).toEqual({ 'accept-ranges': 'bytes', 'content-type': 'application/x-nix-nar' });
			expect((await bytesOf(answer)).equals(nar)).toBe(true);
		}
		reader.chunkWeather = (offset) => {
			if (offset > 50_000) throw new CacheError('cache-unreachable', 'gone');
		};
		await expect(bytesOf(await ask(url))).rejects.toThrow('gone');
		expect((await ask(url, { range: 'bytes=50000-' })).status).toBe(404);
		await sleep(20);
		expect(reader.open()).toBe(0);
	});

	it('comes in the part that was asked for', async () => {
		const { ask, narUrl } = setup([hello]);
		const url = await narUrl('hello');
		await fc.assert(
			fc.asyncProperty(fc.nat(99_999), fc.option(fc.nat(150_000)), async (start, length) => {
				const end = length === null ? '' : String(start + length);
				const answer = await ask(url, { range: `bytes=${start}-${end}` });
				const last = Math.min(length === null ? 99_999 : start + length, 99_999);
				expect(answer.status).toBe(206);
				expect(answer.headers).toMatchObject({
					'content-range': `bytes ${start}-${last}/100000`,
					'content-length': String(last - start + 1),
					'accept-ranges': 'bytes',
				});
				expect((await bytesOf(answer)).equals(nar.subarray(start, last + 1))).toBe(true);
			}),
			{ numRuns: 50 },
		);
	});

	it.each(['bytes=100000-', 'bytes=100000-100001', 'bytes=999999999999999-'])('has nothing in %s', async (range) => {
		const { ask, narUrl, reader } = setup([hello]);
		const answer = await ask(await narUrl('hello'), { range });
		expect(answer).toMatchObject({
			status: 416,
			headers: { 'content-range': 'bytes */100000', 'content-length': '0' },
			body: null,
		});
		await expect.poll(() => reader.open()).toBe(0);
	});

	it.each(['bytes=5-4', 'bytes=-5', 'bytes=0-1,5-6', 'bytes=x-', 'lines=1-2', 'bytes=9999999999999999-', ''])(
		'comes whole for the range %j, which we need not understand',
		async (range) => {
			const { ask, narUrl } = setup([hello]);
			const answer = await ask(await narUrl('hello'), { range });
			expect(answer.status).toBe(200);
			expect((await bytesOf(answer)).equals(nar)).toBe(true);
		},
	);

	it('answers HEAD with the same headers and no body, and leaves nothing open', async () => {
		const { ask, narUrl, reader } = setup([hello]);
		const answer = await ask(await narUrl('hello'), { method: 'HEAD' });
		expect(answer).toMatchObject({ status: 200, headers: { 'content-length': '100000' }, body: null });
		await expect.poll(() => reader.open()).toBe(0);
	});

	it('is counted, with the paths that were served', async () => {
		const { ask, narUrl, statistics } = setup([hello]);
		const url = await narUrl('hello');
		await bytesOf(await ask(url));
		await bytesOf(await ask(url, { range: 'bytes=10-19' }));
		expect(statistics()).toMatchObject({ nars: 2, narBytes: 100_010, served: [hashPart('hello')], servedIsComplete: true });
	});

	it.each<[string, (reader: MemoryReader) => void]>([
		['has gone since', (reader) => Object.assign(reader, { openNar: async () => null })],
		['can’t be opened', (reader) => (reader.narWeather = () => Promise.reject(new CacheError('cache-failing', 'HTTP 500')))],
		['takes for ever to open', (reader) => (reader.narWeather = () => never)],
		['opens and never gives a byte', (reader) => (reader.chunkWeather = () => never)],
		[
			'opens and fails at its first byte',
			(reader) => (reader.chunkWeather = () => Promise.reject(new CacheError('path-corrupt', 'Hash'))),
		],
	])('that %s is not there', async (_what, spoil) => {
		const { ask, narUrl, reader, statistics } = setup([hello]);
		const url = await narUrl('hello');
		spoil(reader);
		expect(await ask(url)).toMatchObject({ status: 404, body: null });
		expect(await ask(url, { range: 'bytes=5-' })).toMatchObject({ status: 404, body: null });
		expect(statistics()).toMatchObject({ nars: 0, narsCut: 0, served: [] });
		await expect.poll(() => reader.open()).toBe(0);
	});

	it('that comes in another part than the one asked for is not served', async () => {
		const { ask, narUrl, reader } = setup([hello]);
		const url = await narUrl('hello');
		const { openNar } = reader;
		Object.assign(reader, { openNar: (name: string, _range: null, signal: AbortSignal) => openNar(name, null, signal) });
		expect((await ask(url, { range: 'bytes=5-' })).status).toBe(404);
		await expect.poll(() => reader.open()).toBe(0);
	});
});

describe('a NAR that fails in the middle', () => {
	it('is taken up again where it failed, without the client’s knowledge', async () => {
		const { ask, narUrl, reader, statistics } = setup([hello]);
		const url = await narUrl('hello');
		let failures = 0;
		reader.chunkWeather = (offset) => {
			if (offset > 20_000 && failures++ < 2) throw new CacheError('cache-unreachable', 'Connection reset.');
		};
		const answer = await ask(url, { range: 'bytes=1000-89999' });
		expect((await bytesOf(answer)).equals(nar.subarray(1_000, 90_000))).toBe(true);
		expect(statistics()).toMatchObject({ narsResumed: 2, narsCut: 0, errors: { 'cache-unreachable': 2 } });
		expect(reader.calls.slice(1)).toEqual([
			'nar nar/hello.nar.zst 1000-89999',
			...Array(2).fill('nar nar/hello.nar.zst 33768-89999'),
		]);
		await expect.poll(() => reader.open()).toBe(0);
	});

	it('is taken up again when it stalls', async () => {
		const { ask, narUrl, reader, statistics } = setup([hello], { narStallMs: 30 });
		let stalls = 0;
		reader.chunkWeather = (offset) => (offset > 20_000 && stalls++ < 1 ? never : undefined);
		expect((await bytesOf(await ask(await narUrl('hello')))).equals(nar)).toBe(true);
		expect(statistics()).toMatchObject({ narsResumed: 1, errors: { 'cache-stalled': 1 } });
	});

	it('ends with an error when it fails again and again, after a bounded number of attempts', async () => {
		const { ask, narUrl, reader, statistics } = setup([hello], { narResumes: 3 });
		reader.chunkWeather = (offset) => {
			if (offset > 20_000) throw new CacheError('path-corrupt', 'A chunk does not have its hash.');
		};
		await expect(ask(await narUrl('hello')).then(bytesOf)).rejects.toThrow('does not have its hash');
		expect(reader.calls).toHaveLength(1 + 1 + 3);
		expect(statistics()).toMatchObject({ narsResumed: 3, narsCut: 1, errors: { 'path-corrupt': 4 } });
		await expect.poll(() => reader.open()).toBe(0);
	});

	it('ends with an error when it has gone, and then the rest is not there', async () => {
		const { ask, narUrl, reader } = setup([hello]);
		const url = await narUrl('hello');
		reader.chunkWeather = (offset) => {
			if (offset <= 20_000) return;
			Object.assign(reader, { openNar: async () => null });
			throw new CacheError('cache-failing', 'Gone.');
		};
		await expect(ask(url).then(bytesOf)).rejects.toThrow('has gone');
		expect((await ask(url, { range: 'bytes=20000-' })).status).toBe(404);
	});

	it('never continues with the bytes of another NAR', async () => {
		const { ask, narUrl, reader } = setup([hello, storedNar('other', someBytes(100_001, 'other'))]);
		const url = await narUrl('hello');
		const { openNar } = reader;
		reader.chunkWeather = (offset) => {
			if (offset > 20_000) throw new CacheError('cache-failing', 'Reset.');
		};
		const answer = await ask(url);
		Object.assign(reader, {
			openNar: (_url: string, range: null, signal: AbortSignal) => openNar('nar/other.nar.zst', range, signal),
		});
		await expect(bytesOf(answer)).rejects.toThrow('not that of the same NAR');
		await expect.poll(() => reader.open()).toBe(0);
	});

	it('is closed when the client goes away, even while nothing comes', async () => {
		const { ask, narUrl, reader, statistics } = setup([hello], { narStallMs: 60_000, narStartMs: 60_000 });
		const url = await narUrl('hello');
		reader.chunkWeather = (offset) => (offset > 20_000 ? never : undefined);
		const client = new AbortController();
		const answer = await ask(url, {}, client.signal);
		const reading = bytesOf(answer);
		await sleep(20);
		expect(reader.open()).toBe(1);
		client.abort();
		await expect(reading).rejects.toThrow();
		await expect.poll(() => reader.open()).toBe(0);
		expect(statistics()).toMatchObject({ narsCut: 0, errors: {} });
	});

	it('is closed when its body is destroyed before it was read', async () => {
		const { ask, narUrl, reader } = setup([hello]);
		const { body } = await ask(await narUrl('hello'));
		if (body === null || Buffer.isBuffer(body)) throw new Error('no stream');
		body.destroy();
		await expect.poll(() => reader.open()).toBe(0);
	});
});
