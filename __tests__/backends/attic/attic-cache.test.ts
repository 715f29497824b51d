import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend.ts';
import { type BackendMeans, openBackend } from '../../../src/backends/open.ts';
import { parseAtticUrl } from '../../../src/cache-target/attic.ts';
import type { Credentials } from '../../../src/cache-target/credentials.ts';
import { CacheError } from '../../../src/errors.ts';
import { createHttpClient } from '../../../src/http/client.ts';
import type { PathInfo } from '../../../src/nix/path-info.ts';
import { generateKey, sign } from '../../../src/nix/signature.ts';
import { never, recordingLog, testClient } from '../../http/peers/means.ts';
import { type AtticServer, type AtticServerOptions, startAtticServer } from '../../support/attic-server.ts';
import { backendContract } from '../backend-contract.ts';
import { contentAddressed, pathOf, STORE_DIR, sourceOf } from '../peers/paths.ts';

const toClose: AsyncDisposable[] = [];
afterEach(async () => {
	for (const thing of toClose.splice(0).reverse()) await thing[Symbol.asyncDispose]();
});

async function serve(options: Partial<AtticServerOptions> = {}): Promise<AtticServer> {
	const server = await startAtticServer({ caches: { mine: {} }, ...options });
	toClose.push(server);
	return server;
}

/** A job's view of a cache; `url` is that of the input `cache`. */
async function view(url: string, credentials: Credentials | null, means: Partial<BackendMeans> = {}): Promise<Backend> {
	const client = testClient();
	toClose.push(client);
	const target = parseAtticUrl(url, credentials);
	if ('problem' in target) throw new Error(target.problem);
	const rest = {
		log: recordingLog(),
		env: {},
		storeDir: STORE_DIR,
		signingKey: null,
		sharesKey: false,
		publicKeys: [],
		netrc: [],
		lookups: 8,
	};
	return openBackend(target, { client, ...rest, ...means });
}

const bearer = (token: string): Credentials => ({ kind: 'bearer', token });
const both = { pull: ['mine'], push: ['mine'] };

async function open(options: Partial<AtticServerOptions> = {}, means: Partial<BackendMeans> = {}) {
	const server = await serve(options);
	const backend = await view(server.cacheUrl('mine'), bearer(server.token(both)), means);
	return { server, backend };
}

async function push(backend: Backend, path: ReturnType<typeof pathOf>, source = sourceOf(path)): Promise<number> {
	const publish = await backend.prepare(path.info, source, never);
	return (await publish(never)).sentBytes;
}

const stateOf = async (backend: Backend, { info }: { info: PathInfo }) =>
	(await backend.presence([info], never)).get(info.path)?.state;

const errorOf = (promise: Promise<unknown>): Promise<CacheError> =>
	promise.then(
		() => Promise.reject(new Error('it went well')),
		(error) => (error instanceof CacheError ? error : Promise.reject(error)),
	);

for (const [name, settings] of [
	['a private cache on an attic server', {}],
	[
		'a public one behind a path, whose NARs need no proof',
		{ prefix: '/nix/attic/', requireProofOfPossession: false, caches: { mine: { isPublic: true } } },
	],
] as const) {
	const openOne = async () => {
		const server = await startAtticServer({ caches: { mine: {} }, ...settings });
		const client = testClient();
		return {
			job: () => view(server.cacheUrl('mine'), bearer(server.token(both)), { client }),
			async dispose() {
				await client.close();
				await server[Symbol.asyncDispose]();
			},
		};
	};
	backendContract(name, openOne, { knowsNarHashes: false });
}

describe('what Nix is told of a cache on an attic server', () => {
	it('is where the server says that it serves, its key, and the token for a private cache', async () => {
		const { server, backend } = await open();
		const { token } = { token: server.token(both) };
		const job = await view(`${server.cacheUrl('mine')}?priority=30`, bearer(token));
		expect(job.reads().substituters).toEqual([]);
		await job.check(true, never);
		expect(job.reads()).toEqual({
			substituters: [`${server.substituter('mine')}?priority=30`],
			publicKeys: [server.publicKey('mine')],
			netrc: [{ machine: '127.0.0.1', login: 'token', password: token }],
			throughUs: false,
			priority: 41,
		});
		await backend.check(false, never);
		expect(server.requests.filter(({ method }) => method === 'POST').length).toBe(1);
	});

	it('is asked for with TLS, and stays so when a server behind a proxy takes itself for one without', async () => {
		const wrong = { apiEndpoint: 'http://127.0.0.1:1/', substituterEndpoint: 'http://127.0.0.1:1/' };
		const server = await serve({ tls: true, ...wrong });
		expect(server.cacheUrl('mine')).toMatch(/^attic:/);
		const file = join(mkdtempSync(join(tmpdir(), 'attic-ca-')), 'ca.pem');
		toClose.push({ [Symbol.asyncDispose]: async () => rmSync(dirname(file), { recursive: true }) });
		writeFileSync(file, server.ca ?? '');
		const client = testClient({ env: { SSL_CERT_FILE: file } });
		toClose.push(client);
		const backend = await view(server.cacheUrl('mine'), bearer(server.token(both)), { client });
		await backend.check(true, never);
		await push(backend, pathOf('hello'));
		expect(await backend.readBack(pathOf('hello').info, never)).toEqual({ ok: true });
		expect(backend.reads().substituters).toEqual([server.substituter('mine')]);
	});

	it('has no token for a public cache', async () => {
		const { backend } = await open({ caches: { mine: { isPublic: true } } });
		await backend.check(true, never);
		expect(backend.reads().netrc).toEqual([]);
	});

	it('leads to no other host with the token in hand, but the netrc may have another one for it', async () => {
		const elsewhere = { apiEndpoint: 'http://api.example/', substituterEndpoint: 'http://cdn.example/' };
		const log = recordingLog();
		const { server, backend } = await open(elsewhere, { log });
		await backend.check(true, never);
		expect(backend.reads().substituters).toEqual([server.substituter('mine')]);
		await push(backend, pathOf('hello'));
		expect(server.objects('mine').size).toBe(1);
		expect(log.lines).toContainEqual(expect.stringMatching(/^info: .* names api.example for its API; the token goes to 127/));
		const netrc = [{ machine: 'cdn.example', login: 'ci', password: 'other' }];
		const job = await view(server.cacheUrl('mine'), bearer(server.token(both)), { netrc });
		await job.check(true, never);
		expect(job.reads()).toMatchObject({ substituters: ['http://cdn.example/mine'], netrc: [] });
	});

	it('is the path that the workflow names where a proxy adds one that the server does not know of', async () => {
		const server = await serve({ prefix: '/nix/attic/', tells: '/' });
		const backend = await view(server.cacheUrl('mine'), bearer(server.token(both)));
		await backend.check(true, never);
		await push(backend, pathOf('hello'));
		expect(await backend.readBack(pathOf('hello').info, never)).toEqual({ ok: true });
		expect(backend.reads().substituters).toEqual([`${server.origin}/nix/attic/mine`]);
	});

	it('may lead to another host when everybody may read there', async () => {
		const { backend } = await open({ caches: { mine: { isPublic: true } }, substituterEndpoint: 'http://cdn.example/' });
		await backend.check(true, never);
		expect(backend.reads().substituters).toEqual(['http://cdn.example/mine']);
	});

	it('comes with the token out of the netrc as well', async () => {
		const server = await serve();
		const netrc = [{ machine: '127.0.0.1', login: 'ci', password: server.token(both) }];
		const backend = await view(server.cacheUrl('mine'), null, { netrc });
		expect(await backend.check(true, never)).toMatchObject({ readable: true, whyNoPush: null });
		await push(backend, pathOf('hello'));
		expect(await backend.readBack(pathOf('hello').info, never)).toEqual({ ok: true });
		expect(backend.reads().netrc).toEqual([]);
	});

	it('includes the keys whose paths the cache does not want', async () => {
		const { backend } = await open({ caches: { mine: { upstreamKeyNames: ['cache.nixos.org-1', 'org-1'] } } });
		expect(await backend.check(true, never)).toMatchObject({ skipSignedBy: ['cache.nixos.org-1', 'org-1'] });
	});
});

describe('an upload to attic', () => {
	it('describes the path: references as they are signed, signatures, deriver and content address', async () => {
		const signingKey = generateKey('ours-1');
		const { server, backend } = await open({}, { signingKey });
		const deriver = '/nix/store/5rwxzi7pal3qhpsyfc16gzkh939q1np6-curl-7.82.0.drv';
		const plain = pathOf('plain', 'plain', { deriver, signatures: [sign('1;x', generateKey('theirs-1'))] });
		const library = pathOf('library');
		const info = { ...plain.info, references: [plain.info.path, library.info.path].sort().reverse() };
		await push(backend, { ...plain, info });
		const fixed = contentAddressed('source');
		await push(backend, fixed);
		const [stored, addressed] = [...server.objects('mine').values()];
		expect(stored).toMatchObject({
			storePath: info.path,
			deriver: '5rwxzi7pal3qhpsyfc16gzkh939q1np6-curl-7.82.0.drv',
			references: info.references.map((path) => path.slice(11)).sort(),
			sigs: [expect.stringMatching(/^theirs-1:/), expect.stringMatching(/^ours-1:/)],
			ca: null,
		});
		expect(addressed?.ca).toBe(fixed.info.ca);
		expect(await backend.readBack(info, never)).toEqual({ ok: true });
	});

	it('sends the whole of a NAR that the server has for another path', async () => {
		const { server, backend } = await open();
		const one = pathOf('one', 'x'.repeat(200_000));
		const other = { nar: one.nar, info: { ...pathOf('other').info, narHash: one.info.narHash, narSizeBytes: one.nar.length } };
		expect(await push(backend, one)).toBe(one.nar.length);
		expect(await push(backend, other)).toBe(one.nar.length);
		expect(server.narCount()).toBe(1);
		expect(await backend.readBack(other.info, never)).toEqual({ ok: true });
	});

	it('says its length, and has thousands of references before the NAR', async () => {
		const { server, backend } = await open();
		const many = pathOf('many');
		const references = Array.from({ length: 3000 }, (_, i) => pathOf(`reference-${i}`).info.path).sort();
		await push(backend, { ...many, info: { ...many.info, references } });
		const [put] = server.requests.filter(({ method }) => method === 'PUT');
		const preambleBytes = Number(put?.headers['x-attic-nar-info-preamble-size']);
		expect(preambleBytes).toBeGreaterThan(100_000);
		expect(put?.headers['content-length']).toBe(`${preambleBytes + many.nar.length}`);
		expect(put?.headers['transfer-encoding']).toBeUndefined();
	});

	it('of a NAR that turns out corrupt ends before the server has anything to keep, and is not tried again', async () => {
		const { server, backend } = await open();
		const path = pathOf('rotten', 'x'.repeat(300_000));
		const rotten = {
			...sourceOf(path),
			async *raw() {
				yield path.nar.subarray(0, 250_000);
				await new Promise((resolve) => setTimeout(resolve, 100));
				throw new CacheError('path-corrupt', 'rotten was changed after it was built.');
			},
		};
		expect(await errorOf(push(backend, path, rotten))).toMatchObject({
			code: 'path-corrupt',
			message: expect.stringMatching(/rotten/),
		});
		expect(server.objects('mine').size + server.narCount()).toBe(0);
		expect(server.requests.filter(({ method }) => method === 'PUT').length).toBe(1);
		expect(await stateOf(backend, path)).toBe('missing');
	});

	it('with a wrong content address never begins', async () => {
		const { server, backend } = await open();
		const wrong = pathOf('wrong', 'wrong', { ca: contentAddressed('other').info.ca });
		await expect(backend.prepare(wrong.info, sourceOf(wrong), never)).rejects.toMatchObject({ code: 'path-corrupt' });
		expect(server.requests).toEqual([]);
	});

	it('stops when it is cancelled', async () => {
		const { server, backend } = await open();
		server.fail({ method: 'PUT' }, { kind: 'stall' });
		const stop = new AbortController();
		const path = pathOf('slow');
		const publish = await backend.prepare(path.info, sourceOf(path), never);
		setTimeout(() => stop.abort(), 100);
		await expect(publish(stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
	});

	it('goes up on many connections at a time', async () => {
		const server = await serve();
		const client = createHttpClient({ env: {}, log: recordingLog(), connections: 12 });
		toClose.push({ [Symbol.asyncDispose]: () => client.close() });
		const backend = await view(server.cacheUrl('mine'), bearer(server.token(both)), { client });
		await backend.check(true, never);
		server.fail({ method: 'PUT' }, { kind: 'delay', delayMs: 300 });
		const startMs = performance.now();
		await Promise.all(Array.from({ length: 12 }, (_, i) => push(backend, pathOf(`one-of-${i}`))));
		expect(performance.now() - startMs).toBeLessThan(1500);
		expect(server.objects('mine').size).toBe(12);
	});
});

describe('when an attic server fails', () => {
	const large = pathOf('large', Buffer.alloc(3_000_000, 'large'));

	it.each([
		['answers 500 once', { kind: 'status', status: 500 }, 1],
		['answers 429 and says when to come back', { kind: 'status', status: 429, headers: { 'Retry-After': '7' } }, 1],
		['is restarted behind its proxy', { kind: 'status', status: 502, body: '<title>502 Bad Gateway</title>' }, 3],
		['cuts the connection in the middle of a NAR', { kind: 'cut', afterBytes: 1_000_000 }, 2],
		['refuses at once and closes', { kind: 'status', status: 503, early: true }, 1],
	] as const)('the NAR is read again for another try: it %s', async (_, fault, times) => {
		const { server, backend } = await open();
		server.fail({ method: 'PUT' }, fault, { times });
		await push(backend, large);
		expect(server.requests.filter(({ method }) => method === 'PUT').length).toBe(times + 1);
		expect(await backend.readBack(large.info, never)).toEqual({ ok: true });
	});

	it('an answer that was cut off is no reason to push a path twice in vain: it ends the same', async () => {
		const { server, backend } = await open();
		server.fail({ path: /get-missing/ }, { kind: 'status', status: 500 }, { times: 1 });
		server.fail({ path: /cache-config/ }, { kind: 'status', status: 504 }, { times: 1 });
		await backend.check(true, never);
		await push(backend, large);
		await push(backend, large);
		expect(server.objects('mine').size).toBe(1);
	});

	it('a proxy that takes no large bodies is named with its limit, and gets nothing as large again', async () => {
		const { server, backend } = await open();
		server.fail({ method: 'PUT' }, { kind: 'too-large', overBytes: 1_000_000 });
		const error = await errorOf(push(backend, large));
		expect(error).toMatchObject({
			code: 'cache-too-large',
			hint: expect.stringMatching(/client_max_body_size.*Cloudflare.*100 MB.*Cloud Run.*32 MB.*max-path-size/),
		});
		expect(error.message).toMatch(/413/);
		expect((await errorOf(push(backend, large))).hint).toMatch(/Cloudflare/);
		expect(server.requests.filter(({ method }) => method === 'PUT').length).toBe(1);
		await push(backend, pathOf('small'));
	});

	it('a NAR that came otherwise than it was announced is refused with the words of the server', async () => {
		const { server, backend } = await open();
		const path = pathOf('mixed-up');
		const source = {
			...sourceOf(path),
			raw: async function* () {
				yield Buffer.alloc(path.nar.length);
			},
		};
		expect((await errorOf(push(backend, path, source))).message).toContain('Bad NAR Hash or Size');
		expect(server.objects('mine').size).toBe(0);
	});
});

describe('what an attic server lets nobody do', () => {
	const check = async (server: AtticServer, name: string, token: string | null) =>
		(await view(server.cacheUrl(name), token === null ? null : bearer(token))).check(true, never);

	it('to read a private cache without a token, and to see whether there is one', async () => {
		const server = await serve();
		for (const name of ['mine', 'nothing']) {
			const error = await errorOf(check(server, name, null));
			expect(error).toMatchObject({
				code: 'cache-unauthorized',
				hint: expect.stringMatching(/private, or there is none.*`token`.*make-token/),
			});
		}
	});

	it('to read with a token for other caches, or of another server', async () => {
		const [server, other] = [await serve(), await serve()];
		for (const token of [server.token({ pull: ['others-*'] }), other.token(both), 'no token at all']) {
			const error = await errorOf(check(server, 'mine', token));
			expect(error).toMatchObject({
				code: 'cache-unauthorized',
				hint: expect.stringMatching(/does not name mine.*check the name.*--push mine/),
			});
			expect(`${error.message} ${error.hint}`).not.toContain(token);
		}
	});

	it('to take the token along a redirect to another host', async () => {
		const [server, other] = [await serve(), await serve()];
		server.fail({ path: /cache-config/ }, { kind: 'redirect', origin: other.origin });
		const error = await errorOf(check(server, 'mine', server.token(both)));
		expect(error).toMatchObject({ code: 'cache-unauthorized', hint: expect.stringContaining(`redirected to ${other.origin}`) });
		expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
	});

	it('to read a cache that is not there, which whoever may is told', async () => {
		const server = await serve();
		const error = await errorOf(check(server, 'team-new', server.token({ pull: ['team-*'], push: ['team-*'] })));
		expect(error).toMatchObject({ code: 'cache-not-found', hint: expect.stringContaining('attic cache create team-new') });
		expect(error.message).toContain('The requested cache does not exist.');
	});

	it('to push with a token that may only pull: the cache is read all the same', async () => {
		const server = await serve();
		const checked = await check(server, 'mine', server.token({ pull: ['mine'] }));
		expect(checked).toMatchObject({
			readable: true,
			note: null,
			whyNoPush: expect.stringMatching(/403.*may not push.*--push mine/),
		});
	});

	it('to push to a public cache without a token', async () => {
		const server = await serve({ caches: { mine: { isPublic: true } } });
		expect(await check(server, 'mine', null)).toMatchObject({
			readable: true,
			whyNoPush: expect.stringContaining('To push takes a `token`'),
		});
	});

	it('to use an expired token, whose end is told', async () => {
		const server = await serve({ caches: { mine: {}, open: { isPublic: true } } });
		const token = server.token({ pull: ['*'], push: ['*'], validSeconds: -3600 });
		const told = /expired at 20\d\d-\d\d-\d\dT.*make-token/;
		expect(await errorOf(check(server, 'mine', token))).toMatchObject({
			code: 'cache-unauthorized',
			hint: expect.stringMatching(told),
		});
		expect(await check(server, 'open', token)).toMatchObject({
			readable: true,
			note: expect.stringMatching(told),
			whyNoPush: expect.stringMatching(told),
		});
	});

	it('to take paths of another store directory', async () => {
		const server = await serve({ caches: { mine: { storeDir: '/gnu/store' } } });
		expect(await errorOf(check(server, 'mine', server.token(both)))).toMatchObject({
			code: 'cache-invalid',
			message: expect.stringContaining('/gnu/store'),
		});
	});

	it('to mistake another server for it', async () => {
		const { server, backend } = await open();
		for (const body of ['<html><title>Log in</title></html>', '[]', '{"public_key":"nonsense"}', '{}']) {
			server.heal();
			server.fail({ path: /cache-config/ }, { kind: 'garbage', body });
			await expect(backend.check(true, never)).rejects.toMatchObject({ code: 'cache-invalid', hint: expect.any(String) });
		}
		server.heal();
		await backend.check(true, never);
		server.fail({ path: /get-missing/ }, { kind: 'garbage', body: '{"missing":[]}' });
		await expect(backend.presence([pathOf('x').info], never)).rejects.toMatchObject({ code: 'cache-invalid' });
	});
});

describe('asking an attic server what is missing', () => {
	it('takes one question for ten thousand paths', async () => {
		const { server, backend } = await open();
		const there = pathOf('there');
		await push(backend, there);
		const paths = [...Array.from({ length: 25_000 }, (_, i) => pathOf(`path-${i}`).info), there.info];
		server.forgetRequests();
		const found = await backend.presence(paths, never);
		expect(found.size).toBe(25_001);
		expect([...found.values()].filter(({ state }) => state === 'present').length).toBe(1);
		expect(found.get(there.info.path)).toEqual({ state: 'present' });
		expect(server.requests.length).toBe(3);
	});

	it('takes none for no paths', async () => {
		const { server, backend } = await open();
		expect((await backend.presence([], never)).size).toBe(0);
		expect(server.requests).toEqual([]);
	});
});

describe('reading a path back from an attic server', () => {
	it('finds what is signed by another key, or can not be had', async () => {
		const { server, backend } = await open();
		const path = pathOf('hello', 'x'.repeat(100_000));
		await push(backend, path);
		await backend.check(true, never);
		server.fail({ path: /\/nar\// }, { kind: 'status', status: 404 }, { times: 1 });
		expect(await backend.readBack(path.info, never)).toEqual({ ok: false, problem: expect.stringContaining('its NAR (nar/') });
		server.fail({ path: /narinfo$/ }, { kind: 'garbage', body: 'StorePath: /nix/store/none' }, { times: 1 });
		expect(await backend.readBack(path.info, never)).toMatchObject({ ok: false });
		expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
	});
});
