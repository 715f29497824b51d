import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend.ts';
import { createCachix } from '../../../src/backends/cachix/cachix.ts';
import { type BackendMeans, openBackend } from '../../../src/backends/open.ts';
import type { StoreTarget } from '../../../src/cache-target/target.ts';
import { parseCacheTarget } from '../../../src/cache-target/target.ts';
import { generateKey, publicKeyOf, type SecretKey } from '../../../src/nix/signature.ts';
import { never, recordingLog, testClient } from '../../http/peers/means.ts';
import { randomBytesOf } from '../../push/keystream.ts';
import { type CachixServer, type CachixServerOptions, startCachixServer } from '../../support/cachix-server.ts';
import { backendContract } from '../backend-contract.ts';
import { pathOf, STORE_DIR, sourceOf, type TestPath } from '../peers/paths.ts';

const ownKey = generateKey('mine.cachix.org-1');

function targetOf(server: CachixServer, token: string | null = server.token): StoreTarget {
	const target = parseCacheTarget(server.cacheUrl, null, token === null ? null : { kind: 'bearer', token });
	if ('problem' in target || target.kind === 'actions-cache') throw new Error('not understood');
	return target;
}

function opened(
	server: CachixServer,
	signingKey: SecretKey | null = null,
	token: string | null = server.token,
	client = testClient(),
	more: Partial<Pick<BackendMeans, 'netrc' | 'sharesKey'>> = {},
) {
	const log = recordingLog();
	const publicKeys = signingKey === null ? [] : [publicKeyOf(signingKey)];
	const backend = openBackend(targetOf(server, token), {
		client,
		log,
		storeDir: STORE_DIR,
		signingKey,
		publicKeys,
		netrc: [],
		lookups: 8,
		sharesKey: false,
		env: {},
		...more,
	});
	return { client, log, backend };
}

for (const [name, options, signingKey] of [
	['a public cache that signs', {}, null],
	['a private cache with a key of our own', { isPrivate: true, publicKeys: [publicKeyOf(ownKey)] }, ownKey],
] satisfies readonly (readonly [string, CachixServerOptions, SecretKey | null])[]) {
	backendContract(
		`Cachix, ${name},`,
		async () => {
			const server = await startCachixServer(options);
			const client = testClient();
			return {
				job: () => opened(server, signingKey, server.token, client).backend,
				async dispose() {
					await client.close();
					await server[Symbol.asyncDispose]();
				},
			};
		},
		{ knowsNarHashes: false },
	);
}

describe('a cache of Cachix', () => {
	const closing: (() => Promise<void>)[] = [];
	afterEach(async () => {
		for (const close of closing.splice(0).reverse()) await close();
	});

	const start = async (
		options: CachixServerOptions = {},
		signingKey: SecretKey | null = null,
		token?: string | null,
	): Promise<{ readonly server: CachixServer; readonly backend: Backend; readonly log: readonly string[] }> => {
		const server = await startCachixServer(options);
		const { client, backend, log } = opened(server, signingKey, token === undefined ? server.token : token);
		const open = await backend;
		closing.push(
			async () => server[Symbol.asyncDispose](),
			() => client.close(),
			() => open.close(),
		);
		return { server, backend: open, log: log.lines };
	};
	const push = async (backend: Backend, path: TestPath) => (await backend.prepare(path.info, sourceOf(path), never))(never);

	it('is read where the server says that it serves, with its keys, and without credentials when it is public', async () => {
		const { server, backend } = await start();
		await backend.check(true, never);
		const { publicKeys, ...reads } = backend.reads();
		expect(reads).toEqual({ substituters: [server.uri], netrc: [], throughUs: false, priority: null });
		expect(publicKeys).toEqual([expect.stringMatching(/^mine\.cachix\.org-1:/)]);
	});

	it('is read with the token when it is private', async () => {
		const { server, backend } = await start({ isPrivate: true });
		await backend.check(false, never);
		expect(backend.reads().netrc).toEqual([{ machine: '127.0.0.1', login: 'token', password: server.token }]);
	});

	it('takes the token of the netrc entry for where it serves', async () => {
		const server = await startCachixServer();
		closing.push(async () => server[Symbol.asyncDispose]());
		const netrc = [
			{ machine: null, login: 'x', password: 'of-nobody' },
			{ machine: 'Mine.127.0.0.1', login: 'x', password: server.token },
		];
		const { client, backend } = opened(server, null, null, testClient(), { netrc });
		closing.push(() => client.close());
		expect((await (await backend).check(true, never)).whyNoPush).toBeNull();
	});

	it('is read without a token when it is public', async () => {
		const { backend } = await start({}, null, null);
		expect(await backend.check(false, never)).toEqual({ readable: true, note: null, whyNoPush: null, skipSignedBy: [] });
		await expectNoPush(backend, 'Without a token');
	});

	it('takes four requests for a small path, and one to be asked for many', async () => {
		const { server, backend } = await start();
		await backend.check(true, never);
		const paths = Array.from({ length: 1500 }, (_, i) => pathOf(`path-${i}`).info);
		await backend.presence(paths, never);
		await push(backend, pathOf('one'));
		expect(server.requests()).toEqual([
			'GET ',
			'POST /narinfo',
			'POST /multipart-nar',
			'POST /multipart-nar/ID',
			'POST /multipart-nar/ID/complete',
		]);
		expect(server.storage.received.length).toBe(1);
	});

	it('is asked for no more than 32,768 paths at once', async () => {
		const { server, backend } = await start();
		const infos = Array.from({ length: 32_769 }, (_, i) => ({ ...pathOf('x').info, path: `${STORE_DIR}/${hashPart(i)}-x` }));
		const found = await backend.presence(infos, never);
		expect(server.requests()).toEqual(['POST /narinfo', 'POST /narinfo']);
		expect(found.size).toBe(32_769);
		expect(found.get(infos[32_768]?.path ?? '')).toEqual({ state: 'missing' });
	});

	it('sends no token to where the parts go', async () => {
		const { server, backend } = await start({ isPrivate: true });
		await push(backend, pathOf('one'));
		expect(server.storage.received.map(({ headers }) => headers.authorization)).toEqual([undefined]);
	});

	it('takes xz as well, and nothing else', async () => {
		const { backend } = await start();
		const path = pathOf('plain');
		const prepared = backend.prepare(path.info, sourceOf(path, 'none'), never);
		await expect(prepared).rejects.toMatchObject({ code: 'input-invalid' });
	});

	describe('an upload', () => {
		it('of several parts is one NAR', async () => {
			const { server, backend } = await start();
			await backend.check(true, never);
			const path = pathOf('large', randomBytesOf(300_000, 1));
			await push(smallParts(server, backend, 1000), path);
			expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
			expect(server.storage.received.filter(({ method }) => method === 'PUT').length).toBeGreaterThan(250);
		});

		it.each([
			['the server fails once', /^POST .*multipart-nar\?/, { status: 500 }],
			['the server fails once for a part', /partNumber=1/, { status: 502 }],
			['the server limits the rate', /^POST .*multipart-nar/, { status: 429, headers: { 'retry-after': '3' } }],
			['what is before it limits the rate', /^POST .*multipart-nar/, { status: 429, body: '{"status":429,"retry_after":4}' }],
			['the answer to the completion is lost', /\/complete/, { loseAnswer: true }],
		] as const)('goes on when %s', async (_when, match, fault) => {
			const { server, backend } = await start();
			server.faults.fail(match, fault);
			const path = pathOf('one');
			await push(backend, path);
			expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
		});

		it.each([
			['the storage fails once', { status: 503 }],
			['a part is cut', { cutAfterBytes: 100 }],
			['a URL has run out', { status: 403, body: '<Error><Message>Request has expired</Message></Error>' }],
		] as const)('goes on when %s', async (_when, fault) => {
			const { server, backend } = await start();
			server.storage.faults.fail(/^PUT/, fault);
			const path = pathOf('one', randomBytesOf(5000, 1));
			await push(backend, path);
			expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
		});

		it('gets a new URL for each part whose URL has run out, and gives up at the third', async () => {
			const { server, backend } = await start({ urlLifeMs: -1 });
			const path = pathOf('one');
			await expect(backend.prepare(path.info, sourceOf(path), never)).rejects.toMatchObject({ code: 'cache-forbidden' });
			expect(server.requests().filter((request) => request === 'POST /multipart-nar/ID').length).toBe(3);
		});

		it('is given up when it fails, when it is stopped, and when it is never published', async () => {
			const { server, backend } = await start();
			const path = pathOf('one', randomBytesOf(5000, 1));
			server.storage.faults.fail(/^PUT/, { status: 404 });
			await expect(backend.prepare(path.info, sourceOf(path), never)).rejects.toMatchObject({ code: 'cache-not-found' });
			const stop = new AbortController();
			server.storage.faults.fail(/^PUT/, { stall: true });
			const stopped = backend.prepare(path.info, sourceOf(path), stop.signal);
			setTimeout(() => stop.abort(), 30);
			await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
			await backend.prepare(pathOf('two').info, sourceOf(pathOf('two')), never);
			expect(server.openUploads.size).toBeGreaterThan(0);
			await backend.close();
			expect(server.openUploads.size).toBe(0);
			expect(server.narInfos.size).toBe(0);
		});

		it('gives the packed NAR back however it ends', async () => {
			const { server, backend } = await start();
			const path = pathOf('one');
			const good = sourceOf(path);
			await backend.prepare(path.info, good, never);
			const bad = sourceOf(path);
			server.faults.fail(/multipart-nar/, { status: 400, body: '{"error":"no"}' });
			await expect(backend.prepare(path.info, bad, never)).rejects.toMatchObject({ code: 'cache-invalid' });
			expect([good.disposals, bad.disposals]).toEqual([1, 1]);
		});

		it('counts as done when another job completed the same path and the server refuses a second one', async () => {
			const { server, backend } = await start();
			const path = pathOf('one');
			const publish = await backend.prepare(path.info, sourceOf(path), never);
			await push(backend, path);
			server.faults.fail(/complete/, { status: 409, body: '{"error":"exists"}' });
			await publish(never);
			const other = pathOf('one', 'something else');
			const late = await backend.prepare(other.info, sourceOf(other), never);
			server.faults.fail(/complete/, { status: 409, body: '{"error":"exists"}' });
			await expect(late(never)).rejects.toMatchObject({ code: 'cache-invalid', message: expect.stringContaining('exists') });
		});
	});

	describe('says what is wrong', () => {
		it('with a name', async () => {
			const server = await startCachixServer();
			closing.push(async () => server[Symbol.asyncDispose]());
			const { client, backend } = opened({ ...server, cacheUrl: server.cacheUrl.replace('mine', 'yours') });
			closing.push(() => client.close());
			await expect((await backend).check(false, never)).rejects.toMatchObject({
				code: 'cache-not-found',
				message: expect.stringContaining('has no cachix://yours'),
				hint: expect.stringContaining('https://NAME.cachix.org'),
			});
		});

		it('with a token, and does not show it', async () => {
			const { server, backend } = await start({}, null, 'wrong-token');
			server.faults.fail(/./, { status: 401, body: '{"error":"no wrong-token"}' }, 2);
			const error: unknown = await backend.check(true, never).catch((thrown: unknown) => thrown);
			expect(error).toMatchObject({ code: 'cache-unauthorized', hint: expect.stringContaining('complete, not revoked') });
			expect(String(error)).not.toContain('wrong-token');
		});

		it('with a token that is no good, and reads a public cache as everybody', async () => {
			const { backend } = await start({}, null, 'wrong-token');
			await expectNoPush(backend, 'refuses the token');
			expect(await backend.check(false, never)).toEqual({ readable: true, note: null, whyNoPush: null, skipSignedBy: [] });
			const other = await start({ isPrivate: true }, null, 'wrong-token');
			await expect(other.backend.check(true, never)).rejects.toMatchObject({ code: 'cache-unauthorized' });
			await expect(other.backend.check(false, never)).rejects.toMatchObject({ code: 'cache-unauthorized' });
		});

		it('with a token that only reads, when it is to push', async () => {
			const { backend } = await start({ permission: 'Read' });
			await expectNoPush(backend, 'may read');
			expect(await backend.check(false, never)).toEqual({ readable: true, note: null, whyNoPush: null, skipSignedBy: [] });
		});

		it('with a key that is not one of the cache, before anything is pushed', async () => {
			const { backend } = await start({ publicKeys: [publicKeyOf(ownKey)] }, generateKey('mine.cachix.org-1'));
			await expectNoPush(backend, 'whose readers trust mine.cachix.org-1');
		});

		it('and lets the server sign when the key is for another cache of the job', async () => {
			const server = await startCachixServer();
			closing.push(async () => server[Symbol.asyncDispose]());
			const { client, backend } = opened(server, generateKey('elsewhere-1'), server.token, testClient(), { sharesKey: true });
			closing.push(() => client.close());
			expect((await (await backend).check(true, never)).whyNoPush).toBeNull();
			const path = pathOf('one');
			await push(await backend, path);
			expect([...server.narInfos.values()][0]?.signatures).toEqual([expect.stringMatching(/^mine\.cachix\.org-1:/)]);
			const named = opened(server, generateKey('mine.cachix.org-1'), server.token, client, { sharesKey: true });
			await expectNoPush(await named.backend, 'is not a key of cachix://mine');
		});

		it('with a cache that has no key at all', async () => {
			const { backend } = await start({ publicKeys: [] });
			await expectNoPush(backend, 'cachix generate-keypair mine');
		});

		it.each([
			[402, '{"error":"pay"}'],
			[400, '{"error":"You have exceeded the storage quota"}'],
		])('with a quota that is used up (%i)', async (status, body) => {
			const { server, backend } = await start();
			server.faults.fail(/multipart-nar/, { status, body });
			const path = pathOf('one');
			await expect(backend.prepare(path.info, sourceOf(path), never)).rejects.toMatchObject({
				code: 'cache-failing',
				hint: expect.stringContaining('storage is used up'),
			});
		});

		it.each([
			['{', 'is not JSON'],
			['[]', 'is not an object'],
			['{"uri":"file:///etc","isPublic":true,"publicSigningKeys":[],"permission":"Read"}', 'no place'],
			['{"uri":"http://a.b","isPublic":1,"publicSigningKeys":[],"permission":"Read"}', '`isPublic`'],
			['{"uri":"http://a.b","isPublic":true,"publicSigningKeys":["x"],"permission":"Read"}', 'a key'],
		])('with a server that answers %s', async (body, what) => {
			const { server, backend } = await start();
			server.faults.fail(/./, { status: 200, body });
			await expect(backend.check(false, never)).rejects.toMatchObject({
				code: 'cache-invalid',
				message: expect.stringContaining(what),
			});
		});
	});
});

/** The cache can be read, and people are told why the job can't push to it and what to do. */
async function expectNoPush(backend: Backend, why: string): Promise<void> {
	const { readable, note, whyNoPush } = await backend.check(true, never);
	expect([readable, note]).toEqual([true, whyNoPush]);
	expect(whyNoPush).toContain(why);
}

/** A backend that cuts after so many bytes, and leaves reading to another one. */
function smallParts(server: CachixServer, reading: Backend, partBytes: number): Backend {
	const target = targetOf(server);
	if (target.kind !== 'cachix') throw new Error('not of Cachix');
	const means = { client: testClient(), signingKey: null, sharesKey: false, log: recordingLog() };
	return createCachix({ ...means, target, openReading: () => reading, partBytes });
}

function hashPart(number: number): string {
	return number.toString().padStart(32, '0');
}
