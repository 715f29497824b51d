import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { CacheError } from '../../src/errors.ts';
import { parseNarInfo } from '../../src/nix/narinfo.ts';
import { type Substituter, type SubstituterOptions, startSubstituter } from '../../src/substituter/server.ts';
import { keptLog } from './kept-log.ts';
import { type MemoryReader, memoryReader } from './memory-reader.ts';
import { hashPart, STORE_DIR, someBytes, storedNar } from './paths.ts';

const nar = someBytes(3_000_000, 'hello');
const hello = storedNar('hello', nar);
const running: (() => Promise<void>)[] = [];

afterEach(async () => {
	for (const close of running.splice(0)) await close();
});

async function start(options: Partial<SubstituterOptions> = {}): Promise<Substituter & { readonly reader: MemoryReader }> {
	const reader = memoryReader([hello]);
	const substituter = await startSubstituter({
		mounts: [{ name: '', reader, priority: 35 }],
		storeDir: STORE_DIR,
		log: keptLog(),
		...options,
	});
	running.push(() => substituter.close(0));
	return { ...substituter, reader };
}

function authorization({ credentials }: Substituter): string {
	return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}

function get(substituter: Substituter, name: string, more: Parameters<typeof request>[1] = {}) {
	return request(`${substituter.url}/${name}`, {
		...more,
		headers: { authorization: authorization(substituter), ...more.headers },
	});
}

async function narUrl(substituter: Substituter): Promise<string> {
	const { body } = await get(substituter, `${hashPart('hello')}.narinfo`);
	return parseNarInfo(await body.text(), { storeDir: STORE_DIR }).url;
}

describe('a substituter on the loopback interface', () => {
	it('has a URL and credentials that no other one has', async () => {
		const [one, other] = [await start(), await start()];
		expect(one.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/);
		expect(new URL(one.url).pathname).not.toBe(new URL(other.url).pathname);
		expect(one.credentials.password).toMatch(/^[0-9a-f]{48}$/);
		expect(one.credentials.password).not.toBe(other.credentials.password);
	});

	it('takes the credentials and the prefix that it is given', async () => {
		const given = await start({ credentials: { username: 'a', password: 'b:c' }, prefix: 'here' });
		expect(new URL(given.url).pathname).toBe('/here');
		expect((await get(given, 'nix-cache-info')).statusCode).toBe(200);
	});

	it('serves several caches, each with its own priority and its own paths', async () => {
		const mounts = [
			{ name: 'one', reader: memoryReader([hello]), priority: 30 },
			{ name: 'two', reader: memoryReader([]), priority: 45 },
		];
		const substituter = await start({ mounts });
		const [one, two] = [await get(substituter, 'one/nix-cache-info'), await get(substituter, 'two/nix-cache-info')];
		expect(await one.body.text()).toContain('Priority: 30');
		expect(await two.body.text()).toContain('Priority: 45');
		const name = `${hashPart('hello')}.narinfo`;
		const [found, missing] = [await get(substituter, `one/${name}`), await get(substituter, `two/${name}`)];
		expect([found.statusCode, missing.statusCode]).toEqual([200, 404]);
		const { url } = parseNarInfo(await found.body.text(), { storeDir: STORE_DIR });
		await (await get(substituter, `one/${url}`)).body.arrayBuffer();
		for (const nowhere of ['nix-cache-info', 'three/nix-cache-info', ''])
			expect((await get(substituter, nowhere)).statusCode).toBe(404);
		const { mounts: counted, nars } = substituter.statistics();
		expect(nars).toBe(1);
		expect(counted).toEqual({
			one: { paths: 1, narBytes: expect.any(Number), narsCut: 0 },
			two: { paths: 0, narBytes: 0, narsCut: 0 },
		});
		expect(counted.one?.narBytes).toBeGreaterThan(0);
	});

	it('serves a path: cache info, narinfo, NAR, and a part of it', async () => {
		const substituter = await start();
		expect(await (await get(substituter, 'nix-cache-info')).body.text()).toContain('StoreDir: /nix/store\n');
		const url = await narUrl(substituter);
		const whole = await get(substituter, url);
		expect(whole.headers['content-length']).toBe('3000000');
		expect(Buffer.from(await whole.body.arrayBuffer()).equals(nar)).toBe(true);
		const part = await get(substituter, url, { headers: { range: 'bytes=2999990-' } });
		expect(part.statusCode).toBe(206);
		expect(Buffer.from(await part.body.arrayBuffer()).equals(nar.subarray(2_999_990))).toBe(true);
		expect(substituter.statistics()).toMatchObject({ narInfoHits: 1, nars: 2, narBytes: 3_000_010 });
		await expect.poll(() => substituter.reader.open()).toBe(0);
	});

	it('refuses whoever has no credentials, uploads too, also those who wait to be told to go on', async () => {
		const { url } = await start();
		expect((await request(`${url}/nix-cache-info`)).statusCode).toBe(403);
		const upload = await request(`${url}/nar/x.nar`, { method: 'PUT', body: 'x'.repeat(1_000) });
		expect(upload.statusCode).toBe(403);
		await upload.body.dump();
		expect(await raw(url, 'PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n')).toMatch(
			/^HTTP\/1.1 403 /,
		);
	});

	it('answers uploads with 404 and takes none of them', async () => {
		const substituter = await start();
		const upload = await get(substituter, 'nix-cache-info', { method: 'PUT', body: 'StoreDir: /evil\n' });
		expect(upload.statusCode).toBe(404);
		expect(await (await get(substituter, 'nix-cache-info')).body.text()).toContain('/nix/store');
	});

	it('uses a connection again', async () => {
		const substituter = await start();
		const agent = new Agent({ connections: 1, pipelining: 1 });
		let connections = 0;
		agent.on('connect', () => connections++);
		for (let index = 0; index < 5; index++) {
			await (await get(substituter, `${hashPart('hello')}.narinfo`, { dispatcher: agent })).body.dump();
			const { body } = await get(substituter, await narUrl(substituter), { dispatcher: agent });
			await body.dump({ limit: nar.length + 1 });
		}
		expect(connections).toBe(1);
		await agent.close();
	});

	it('answers many at once', async () => {
		const substituter = await start();
		const url = await narUrl(substituter);
		const bodies = await Promise.all(
			Array.from({ length: 30 }, async () => Buffer.from(await (await get(substituter, url)).body.arrayBuffer())),
		);
		expect(bodies.every((bytes) => bytes.equals(nar))).toBe(true);
	});

	it('does not read ahead of a slow client', async () => {
		const large = storedNar('large', Buffer.alloc(40_000_000, 'nar'));
		const reader = memoryReader([large]);
		let read = 0;
		reader.chunkWeather = (offset) => {
			read = Math.max(read, offset);
		};
		const substituter = await start({ mounts: [{ name: '', reader, priority: 35 }] });
		const { body: text } = await get(substituter, `${hashPart('large')}.narinfo`);
		const { url } = parseNarInfo(await text.text(), { storeDir: STORE_DIR });
		const { body } = await get(substituter, url);
		await once(body, 'readable');
		await sleep(200);
		const before = read;
		await sleep(200);
		expect(read).toBe(before);
		// What the kernel buffers on both sides of the loopback interface is some megabytes.
		expect(read).toBeLessThan(20_000_000);
		body.on('error', () => undefined).destroy();
		await expect.poll(() => reader.open()).toBe(0);
	});
});

describe('a client that goes away', () => {
	it('in the middle of a NAR leaves nothing open', async () => {
		const substituter = await start();
		const { reader } = substituter;
		reader.chunkWeather = (offset) => (offset > 2_000_000 ? new Promise(() => undefined) : undefined);
		const { body } = await get(substituter, await narUrl(substituter));
		await once(body, 'readable');
		expect(reader.open()).toBe(1);
		body.on('error', () => undefined).destroy();
		await expect.poll(() => reader.open()).toBe(0);
		expect(substituter.statistics()).toMatchObject({ narsCut: 0, errors: {} });
		expect((await get(substituter, 'nix-cache-info')).statusCode).toBe(200);
	});

	it('before the NAR was opened leaves nothing open', async () => {
		const substituter = await start();
		const { reader } = substituter;
		const url = await narUrl(substituter);
		const opening = Promise.withResolvers<void>();
		reader.narWeather = () => opening.promise;
		const abort = new AbortController();
		const asked = get(substituter, url, { signal: abort.signal });
		await expect.poll(() => reader.calls.length).toBe(2);
		abort.abort();
		await expect(asked).rejects.toThrow();
		await sleep(50);
		opening.resolve();
		await sleep(50);
		expect(reader.open()).toBe(0);
		expect(substituter.statistics()).toMatchObject({ nars: 0, errors: {} });
	});
});

describe('a NAR that fails in the middle for good', () => {
	it('is a cut connection, never a complete answer, and its rest is a miss', async () => {
		const substituter = await start({ limits: { narResumes: 1 } });
		const url = await narUrl(substituter);
		substituter.reader.chunkWeather = (offset) => {
			if (offset > 1_000_000) throw new CacheError('path-corrupt', 'A chunk does not have its hash.');
		};
		const { body, statusCode } = await get(substituter, url);
		expect(statusCode).toBe(200);
		await expect(body.arrayBuffer()).rejects.toThrow();
		expect(substituter.statistics()).toMatchObject({ narsCut: 1 });
		expect((await get(substituter, url, { headers: { range: 'bytes=1015808-' } })).statusCode).toBe(404);
	});
});

describe('bytes that are no HTTP', () => {
	it.each([
		['garbage', 'hello\r\n\r\n'],
		['a line without end', 'x'.repeat(100_000)],
		['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(100_000)}`],
		['a length that is none', 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
		['a tunnel', 'CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n'],
		[
			'an upgrade',
			'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n',
		],
	])('%s: the server goes on', async (_what, bytes) => {
		const substituter = await start();
		expect(await raw(substituter.url, bytes)).not.toMatch(/^HTTP\/1.1 [25]/);
		expect((await get(substituter, 'nix-cache-info')).statusCode).toBe(200);
	});
});

describe('close', () => {
	it('ends connections that wait, at once, and takes no more', async () => {
		const substituter = await start();
		await (await get(substituter, 'nix-cache-info')).body.dump();
		const started = performance.now();
		await substituter.close();
		expect(performance.now() - started).toBeLessThan(1_000);
		await expect(get(substituter, 'nix-cache-info')).rejects.toThrow();
		running.length = 0;
	});

	it('lets a NAR come to its end', async () => {
		const substituter = await start();
		const url = await narUrl(substituter);
		substituter.reader.chunkWeather = (offset) => (offset === 1_998_848 ? sleep(200) : undefined);
		const { body } = await get(substituter, url);
		const closing = substituter.close(5_000);
		expect(Buffer.from(await body.arrayBuffer()).equals(nar)).toBe(true);
		await closing;
		running.length = 0;
	});

	it('cuts what does not end in time', async () => {
		const substituter = await start();
		const url = await narUrl(substituter);
		substituter.reader.chunkWeather = (offset) => (offset > 1_000_000 ? new Promise(() => undefined) : undefined);
		const { body } = await get(substituter, url);
		const reading = expect(body.arrayBuffer()).rejects.toThrow();
		await substituter.close(50);
		await reading;
		expect(substituter.reader.open()).toBe(0);
		running.length = 0;
	});
});

/** Sends bytes as they are and gives what comes back before the end, or within a second. */
async function raw(url: string, bytes: string): Promise<string> {
	const { port, hostname } = new URL(url);
	const socket = connect(Number(port), hostname);
	let answer = '';
	socket.on('data', (chunk) => {
		answer += chunk;
		socket.end();
	});
	socket.on('error', () => undefined);
	socket.write(bytes);
	await Promise.race([once(socket, 'close').catch(() => undefined), sleep(1_000)]);
	socket.destroy();
	return answer;
}
