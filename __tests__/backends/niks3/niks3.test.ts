import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend.ts';
import { createNiks3 } from '../../../src/backends/niks3/niks3.ts';
import { openBackend } from '../../../src/backends/open.ts';
import { parseCacheTarget, type StoreTarget } from '../../../src/cache-target/target.ts';
import { parseNarInfo } from '../../../src/nix/narinfo.ts';
import { generateKey, publicKeyOf, type SecretKey } from '../../../src/nix/signature.ts';
import { hashPartOf } from '../../../src/nix/store-path.ts';
import { never, recordingLog, testClient } from '../../http/peers/means.ts';
import { randomBytesOf } from '../../push/keystream.ts';
import { type Niks3Server, type Niks3ServerOptions, startNiks3Server } from '../../support/niks3-server.ts';
import { backendContract } from '../backend-contract.ts';
import { contentAddressed, pathOf, STORE_DIR, sourceOf, type TestPath } from '../peers/paths.ts';

const ownKey = generateKey('own-1');

/** How the job says who it is. */
type Identity = 'token' | 'github' | 'nobody' | { readonly token: string };

interface OpenOptions {
	readonly identity?: Identity;
	readonly signingKey?: SecretKey | null;
	readonly netrc?: string;
}

function targetOf(server: Niks3Server, identity: Identity): StoreTarget {
	const token = identity === 'token' ? server.token : typeof identity === 'object' ? identity.token : null;
	const target = parseCacheTarget(server.cacheUrl, null, token === null ? null : { kind: 'bearer', token });
	if ('problem' in target || target.kind === 'actions-cache') throw new Error('not understood');
	return target;
}

function opened(server: Niks3Server, { identity = 'token', signingKey = null, netrc }: OpenOptions, client = testClient()) {
	const log = recordingLog();
	const backend = openBackend(targetOf(server, identity), {
		client,
		log,
		env: identity === 'github' ? server.identityEnv : {},
		storeDir: STORE_DIR,
		signingKey,
		publicKeys: signingKey === null ? [] : [publicKeyOf(signingKey)],
		netrc:
			netrc === undefined
				? []
				: [{ machine: '127.0.0.1', login: netrc.split(':')[0] ?? '', password: netrc.split(':')[1] ?? '' }],
		lookups: 8,
		sharesKey: false,
	});
	return { client, log, backend };
}

for (const [name, options, open] of [
	['with a token', {}, {}],
	[
		"with GitHub's tokens, a key of our own and readers who need credentials",
		{ readers: 'me:secret', signs: false },
		{ identity: 'github', signingKey: ownKey, netrc: 'me:secret' },
	],
] satisfies readonly (readonly [string, Niks3ServerOptions, OpenOptions])[]) {
	backendContract(`niks3, ${name},`, async () => {
		const server = await startNiks3Server(options);
		const client = testClient();
		return {
			job: () => opened(server, open, client).backend,
			async dispose() {
				await client.close();
				await server[Symbol.asyncDispose]();
			},
		};
	});
}

describe('a cache of niks3', () => {
	const closing: (() => Promise<void>)[] = [];
	afterEach(async () => {
		for (const close of closing.splice(0).reverse()) await close();
	});

	const start = async (
		options: Niks3ServerOptions = {},
		open: OpenOptions = {},
	): Promise<{ readonly server: Niks3Server; readonly backend: Backend; readonly log: readonly string[] }> => {
		const server = await startNiks3Server(options);
		const { client, backend, log } = opened(server, open);
		closing.push(
			async () => server[Symbol.asyncDispose](),
			() => client.close(),
			async () => (await backend).close(),
		);
		return { server, backend: await backend, log: log.lines };
	};
	const push = async (backend: Backend, path: TestPath) => (await backend.prepare(path.info, sourceOf(path), never))(never);
	const narInfoOf = (server: Niks3Server, { info }: TestPath) => {
		const text = server.storage.objects.get(`${hashPartOf(info.path)}.narinfo`)?.bytes.toString() ?? '';
		return parseNarInfo(text, { storeDir: STORE_DIR });
	};

	it('is read where the server says that it is, with its keys, and the parameters that the workflow wrote', async () => {
		const server = await startNiks3Server();
		closing.push(async () => server[Symbol.asyncDispose]());
		const { client, backend } = opened({ ...server, cacheUrl: `${server.cacheUrl}?priority=10` }, { identity: 'nobody' });
		closing.push(() => client.close());
		expect(await (await backend).check(false, never)).toEqual({ readable: true, note: null, whyNoPush: null, skipSignedBy: [] });
		expect((await backend).reads()).toEqual({
			substituters: [`${server.substituter}?priority=10`],
			publicKeys: server.publicKeys,
			netrc: [],
			throughUs: false,
			priority: null,
		});
	});

	it('takes five requests and two uploads for a path, and the API gets no credentials that are not for it', async () => {
		const { server, backend } = await start();
		await backend.check(true, never);
		await push(backend, pathOf('one'));
		expect(server.requests()).toEqual([
			'GET /api/cache-config',
			'HEAD /api/objects/00000000000000000000000000000000.narinfo',
			'POST /api/pending_closures',
			'POST /api/pending_closures/ID/sign',
			'POST /api/pending_closures/ID/complete',
		]);
		expect(server.api.received[0]?.headers.authorization).toBeUndefined();
		expect(server.storage.received.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
		expect(server.pending.size).toBe(0);
	});

	it('keeps the signatures and the content address of a path, and adds those of the server and of the job', async () => {
		const { server, backend } = await start({}, { signingKey: ownKey });
		const plain = contentAddressed('source');
		const theirs = `other-1:${'A'.repeat(86)}==`;
		const path = { ...plain, info: { ...plain.info, signatures: [theirs] } };
		await push(backend, path);
		const { signatures, ca } = narInfoOf(server, path);
		expect(ca).toBe(plain.info.ca);
		expect(signatures.map((signature) => signature.split(':')[0]).sort()).toEqual(['niks3-1', 'other-1', 'own-1']);
	});

	it('is sent nothing of a path that it has, nor a NAR that it has', async () => {
		const { server, backend } = await start();
		await push(backend, pathOf('one', 'the same'));
		const before = server.storage.received.length;
		expect(await push(backend, pathOf('one', 'the same'))).toEqual({ sentBytes: 0 });
		expect(server.storage.received.length).toBe(before);
		expect(await push(backend, pathOf('two', 'the same'))).toEqual({ sentBytes: 0 });
		expect(server.storage.received.length).toBe(before + 1);
	});

	it('takes NARs as they are, and no gzip', async () => {
		const { backend } = await start();
		const path = pathOf('plain');
		await expect(backend.prepare(path.info, sourceOf(path, 'gzip'), never)).rejects.toMatchObject({ code: 'input-invalid' });
	});

	it('is not sent what is larger than the server takes', async () => {
		const { server, backend } = await start({ maxNarBytes: 100 });
		const path = pathOf('large');
		const source = sourceOf(path);
		await expect(backend.prepare(path.info, source, never)).rejects.toMatchObject({
			code: 'cache-too-large',
			hint: expect.stringContaining('max-path-size'),
		});
		expect([source.packs, server.requests()]).toEqual([0, ['GET /api/cache-config']]);
	});

	it('whose signed URL is refused is not taken for a place where somebody may not write', async () => {
		const { server, backend } = await start();
		const path = pathOf('refused');
		server.storage.faults.fail(/^PUT /, { status: 403, body: '<Error><Message>Request has expired</Message></Error>' });
		await expect(push(backend, path)).rejects.toMatchObject({ code: 'cache-forbidden', hint: expect.stringContaining('clocks') });
	});

	describe('a NAR in parts', () => {
		const inParts = async (options: Niks3ServerOptions = {}) => {
			const started = await start({ partsFromBytes: 1000, ...options });
			const { server } = started;
			const target = targetOf(server, 'token');
			if (target.kind !== 'niks3') throw new Error('not of niks3');
			const client = testClient();
			closing.push(() => client.close());
			const cutting = createNiks3({
				target,
				client,
				env: {},
				storeDir: STORE_DIR,
				signingKey: null,
				log: recordingLog(),
				openReading: () => started.backend,
				partBytes: 1000,
			});
			return { ...started, cutting };
		};
		const large = pathOf('large', randomBytesOf(20_000, 1));

		it('asks for more URLs than it was given', async () => {
			const { server, backend, cutting } = await inParts({ firstParts: 2 });
			await push(cutting, large);
			expect(await backend.readBack(large.info, never)).toEqual({ ok: true });
			expect(server.requests().filter((request) => request.includes('request-parts')).length).toBeGreaterThan(10);
		});

		it('gets a new URL for a part whose URL has run out, and sends a part again that was cut', async () => {
			const { server, backend, cutting } = await inParts({ firstParts: 50 });
			server.storage.faults.fail(/^PUT .*parts/, { status: 403, body: '<Error><Message>Request has expired</Message></Error>' });
			server.storage.faults.fail(/^PUT .*parts/, { cutAfterBytes: 100 });
			await push(cutting, large);
			expect(await backend.readBack(large.info, never)).toEqual({ ok: true });
			expect(server.requests().filter((request) => request.includes('request-parts')).length).toBe(1);
		});

		it('is there when another job brought it in between, and fails when nobody did', async () => {
			const { server, cutting } = await inParts({ firstParts: 50 });
			const nar = [...(await narKeysAfter(server, cutting, large))][0];
			expect(nar).toMatch(/^nar\//);
			server.faults.fail(/multipart\/complete/, { status: 404, body: 'multipart upload not found' });
			const other = pathOf('other', randomBytesOf(21_000, 1));
			await expect(cutting.prepare(other.info, sourceOf(other), never)).rejects.toMatchObject({ code: 'cache-not-found' });
			server.faults.fail(/multipart\/complete/, { status: 404, body: 'multipart upload not found' });
			server.faults.fail(/^HEAD .*objects\/nar/, { status: 204 });
			await cutting.prepare(other.info, sourceOf(other), never);
		});
	});

	it.each([
		['the server fails once', /^POST .*pending_closures$/, { status: 500 }],
		['the server limits the rate', /sign$/, { status: 429, headers: { 'retry-after': '2' } }],
	] as const)('goes on when %s', async (_when, match, fault) => {
		const { server, backend } = await start();
		server.faults.fail(match, fault);
		const path = pathOf('one');
		await push(backend, path);
		expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
		expect(server.committed.size).toBe(2);
	});

	it('goes on when the answer to the commit is lost', async () => {
		const { server, backend } = await start();
		server.faults.fail(/complete$/, { loseAnswer: true });
		await push(backend, pathOf('one'));
		expect(server.committed.size).toBe(2);
	});

	it('shows nothing of a path whose push ended before the signatures', async () => {
		const { server, backend } = await start();
		const path = pathOf('one');
		const publish = await backend.prepare(path.info, sourceOf(path), never);
		server.faults.fail(/sign$/, { status: 400, body: 'no' });
		await expect(publish(never)).rejects.toMatchObject({ code: 'cache-invalid', message: expect.stringContaining('no') });
		expect([...server.storage.objects.keys()].filter((key) => key.endsWith('.narinfo'))).toEqual([]);
	});

	describe("GitHub's tokens", () => {
		it('are asked for the audience that the server names, once for many paths, and are masked', async () => {
			const { server, backend } = await start({}, { identity: 'github' });
			await backend.check(true, never);
			await Promise.all(['a', 'b', 'c', 'd'].map((name) => push(backend, pathOf(name))));
			expect(server.identities.length).toBe(1);
		});

		it('are renewed before they end', async () => {
			const { server, backend } = await start({ tokenLifeMs: 30_000 }, { identity: 'github' });
			await push(backend, pathOf('a'));
			expect(server.identities.length).toBeGreaterThan(1);
		});

		it('are renewed when one is refused, as often as a new one is taken, and a new one only once', async () => {
			const { server, backend } = await start({}, { identity: 'github' });
			server.faults.fail(/pending_closures$/, { status: 401, body: 'token is expired' });
			await push(backend, pathOf('a'));
			expect(server.identities.length).toBe(2);
			server.faults.fail(/pending_closures$/, { status: 401, body: 'token is expired' });
			await push(backend, pathOf('c'));
			expect(server.identities.length).toBe(3);
			server.faults.fail(/pending_closures$/, { status: 401, body: 'not allowed' }, 5);
			const path = pathOf('b');
			await expect(backend.prepare(path.info, sourceOf(path), never)).rejects.toMatchObject({
				code: 'cache-unauthorized',
				hint: expect.stringContaining('OIDC configuration'),
			});
		});
	});

	describe('says at once that it can be read and not be pushed to', () => {
		it.each<[string, Niks3ServerOptions, OpenOptions, string]>([
			['the token is wrong', {}, { identity: { token: 'wrong-token' } }, 'refuses the token'],
			['the audience of the server is unknown', { audience: null }, { identity: 'github' }, "takes no tokens of GitHub's"],
			['there is no token at all', {}, { identity: 'nobody' }, 'There is no `token`'],
		])('when %s', async (_when, options, open, message) => {
			const { backend } = await start(options, open);
			const { readable, note, whyNoPush } = await backend.check(true, never);
			expect([readable, note]).toEqual([true, whyNoPush]);
			expect(whyNoPush).toContain(message);
			expect(whyNoPush).not.toContain('wrong-token');
			expect(await backend.check(false, never)).toEqual({ readable: true, note: null, whyNoPush: null, skipSignedBy: [] });
		});
	});

	it('says that nobody signs', async () => {
		const { backend } = await start({ signs: false });
		expect((await backend.check(true, never)).note).toContain('does not sign');
		expect((await backend.check(false, never)).note).toBeNull();
	});

	it.each([
		['{"public_keys":[],"substituter_url":"ftp://a"}', 'no place'],
		['{"public_keys":["x"],"substituter_url":"http://a"}', 'a key'],
		['<html>', 'not JSON'],
	])('refuses a server that says %s of itself', async (body, what) => {
		const { server, backend } = await start();
		server.faults.fail(/cache-config/, { status: 200, body });
		await expect(backend.check(false, never)).rejects.toMatchObject({
			code: 'cache-invalid',
			message: expect.stringContaining(what),
		});
	});
});

async function narKeysAfter(server: Niks3Server, backend: Backend, path: TestPath): Promise<ReadonlySet<string>> {
	await backend.prepare(path.info, sourceOf(path), never);
	return new Set([...server.storage.objects.keys()].filter((key) => key.startsWith('nar/')));
}
