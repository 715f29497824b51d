import { afterEach, describe, expect, it } from 'vitest';
import { type HttpStoreOptions, openHttpStore } from '../../src/backends/http-store.ts';
import { bodyOfBytes } from '../../src/bodies/in-memory.ts';
import { never, testClient } from '../http/peers/means.ts';
import { startServer } from '../http/peers/server.ts';
import { objectStoreContract } from './object-store-contract.ts';
import { type Repository, type RepositoryOptions, startRepository } from './peers/repository.ts';

const toClose: { close(): Promise<void> }[] = [];
afterEach(async () => {
	for (const thing of toClose.splice(0)) await thing.close();
});

function later<T extends { close(): Promise<void> }>(thing: T): T {
	toClose.push(thing);
	return thing;
}

async function open(server: RepositoryOptions = {}, options: Partial<HttpStoreOptions> = {}) {
	const repository = later(await startRepository(server));
	const client = later(testClient());
	const store = openHttpStore({ baseUrl: repository.url, pushUrl: null, credentials: null, netrc: [], client, ...options });
	return { repository, store, client };
}

const put = (store: Awaited<ReturnType<typeof open>>['store'], key: string, text = 'x') =>
	store.put(key, bodyOfBytes(Buffer.from(text)), 'text/plain', never);
const get = (store: Awaited<ReturnType<typeof open>>['store'], key: string) => store.get(key, 1000, never);

const basic = { kind: 'basic', username: 'ci', password: 'pass' } as const;

objectStoreContract('a repository at the root of a server', async () => {
	const { store } = await open();
	return { store, dispose: async () => undefined };
});

objectStoreContract('a repository under a path, with credentials', async () => {
	const { store } = await open({ root: '/artifactory/nix-local/', basic: 'ci:pass' }, { credentials: basic });
	return { store, dispose: async () => undefined };
});

objectStoreContract('a repository that knows no HEAD', async () => {
	const { store } = await open({ headStatus: 405 });
	return { store, dispose: async () => undefined };
});

describe('the HTTP store', () => {
	it('takes a base URL with and without its final slash, and leaves a query out', async () => {
		const { repository, client } = await open({ root: '/a/b/' });
		repository.files.set('key', { bytes: Buffer.from('there'), contentType: undefined });
		for (const path of ['/a/b', '/a/b/', '/a/b?priority=10']) {
			const baseUrl = new URL(path, repository.url);
			const store = openHttpStore({ baseUrl, pushUrl: null, credentials: null, netrc: [], client });
			expect(String(await get(store, 'key'))).toBe('there');
			expect(store.label).toBe(`${repository.url.origin}/a/b`);
		}
		expect(repository.received.map(({ path }) => path)).toEqual(Array(3).fill('/a/b/key'));
	});

	it('puts to the push URL and reads from the other one', async () => {
		const upload = later(await startRepository({ root: '/upload/' }));
		const { repository, store } = await open({}, { pushUrl: new URL(upload.url.href.slice(0, -1)) });
		await put(store, 'nar/x');
		expect([...upload.files.keys()]).toEqual(['nar/x']);
		expect(await get(store, 'nar/x')).toBeNull();
		expect(repository.requests()).toEqual(['GET nar/x']);
	});

	it('sends the content type', async () => {
		const { repository, store } = await open();
		await store.put('a.narinfo', bodyOfBytes(Buffer.from('x')), 'text/x-nix-narinfo', never);
		expect(repository.files.get('a.narinfo')?.contentType).toBe('text/x-nix-narinfo');
	});

	it.each([200, 201, 202, 204])('takes %i for a stored object', async (status) => {
		const server = later(
			await startServer((request, response) => void request.resume().on('end', () => response.writeHead(status).end())),
		);
		const { store } = await open({}, { baseUrl: server.url });
		await put(store, 'a');
	});

	it.each([206, 207, 304])('does not take %i for one', async (status) => {
		const server = later(
			await startServer((request, response) => void request.resume().on('end', () => response.writeHead(status).end())),
		);
		const { store } = await open({}, { baseUrl: server.url });
		await expect(put(store, 'a')).rejects.toMatchObject({ code: 'cache-invalid' });
	});
});

describe('credentials', () => {
	it('of the workflow go to both URLs of the cache', async () => {
		const upload = later(await startRepository({ bearer: 't0ken' }));
		const { store } = await open({ bearer: 't0ken' }, { pushUrl: upload.url, credentials: { kind: 'bearer', token: 't0ken' } });
		await put(store, 'a');
		expect(await get(store, 'a')).toBeNull();
	});

	it('of a netrc are used for their host when the workflow gives none', async () => {
		const netrc = [
			{ machine: 'other.example', login: 'no', password: 'no' },
			{ machine: '127.0.0.1', login: 'ci', password: 'pass' },
		];
		const { store } = await open({ basic: 'ci:pass' }, { netrc });
		await put(store, 'a');
		const { store: own } = await open(
			{ basic: 'ci:pass' },
			{ netrc: [{ machine: '127.0.0.1', login: 'x', password: 'y' }], credentials: basic },
		);
		await put(own, 'a');
	});

	it('never go to another origin that a narinfo names', async () => {
		const elsewhere = later(await startRepository());
		elsewhere.files.set('nar/x', { bytes: Buffer.from('abc'), contentType: undefined });
		const { store } = await open({ basic: 'ci:pass' }, { credentials: basic });
		expect(await store.size(new URL('nar/x', elsewhere.url).href, never)).toBe(3);
		expect(elsewhere.received.map(({ headers }) => headers.authorization)).toEqual([undefined]);
	});
});

describe('a size', () => {
	const withFile = (repository: Repository) =>
		repository.files.set('nar/x', { bytes: Buffer.alloc(100_000), contentType: undefined });

	it.each([405, 403, 404, 501])('is learned by a GET of one byte when HEAD is answered with %i', async (headStatus) => {
		const { repository, store } = await open({ headStatus });
		withFile(repository);
		expect(await store.size('nar/x', never)).toBe(100_000);
		expect(await store.size('nar/y', never)).toBeNull();
		expect(repository.requests()).toEqual(['HEAD nar/x', 'GET nar/x', 'HEAD nar/y', 'GET nar/y']);
	});

	it('is -1 when the server does not tell it', async () => {
		const server = later(
			await startServer((_, response) => void response.writeHead(200, { 'transfer-encoding': 'chunked' }).end('x')),
		);
		const { store } = await open({}, { baseUrl: server.url });
		expect(await store.size('a', never)).toBe(-1);
	});

	it('takes a server that ignores ranges, without reading what it sends', async () => {
		const server = later(
			await startServer((request, response) => {
				if (request.method === 'HEAD') response.writeHead(405).end();
				else response.writeHead(200, { 'content-length': 5e9 }).write('x');
			}),
		);
		const { store } = await open({}, { baseUrl: server.url });
		expect(await store.size('a', never)).toBe(5e9);
	});
});

describe('a 403', () => {
	it('is an error as long as nothing could be read', async () => {
		const { store } = await open({ unlistable: true });
		await expect(get(store, 'a')).rejects.toMatchObject({ code: 'cache-forbidden' });
		await expect(store.size('a', never)).rejects.toMatchObject({ code: 'cache-forbidden' });
	});

	it('means that the object is not there once another one could be read', async () => {
		const { repository, store } = await open({ unlistable: true });
		repository.files.set('nix-cache-info', { bytes: Buffer.from('StoreDir: /nix/store\n'), contentType: undefined });
		await get(store, 'nix-cache-info');
		expect(await get(store, 'a')).toBeNull();
		expect(await store.size('a', never)).toBeNull();
	});
});
