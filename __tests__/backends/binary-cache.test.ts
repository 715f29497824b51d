import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { openBackend } from '../../src/backends/open.ts';
import type { HttpTarget } from '../../src/cache-target/http.ts';
import { CacheError } from '../../src/errors.ts';
import { formatHash } from '../../src/nix/hash.ts';
import { parseNarInfo } from '../../src/nix/narinfo.ts';
import { fingerprint, generateKey, publicKeyOf, sign, verify } from '../../src/nix/signature.ts';
import { hashPartOf } from '../../src/nix/store-path.ts';
import { never, recordingLog, testClient } from '../http/peers/means.ts';
import { backendContract } from './backend-contract.ts';
import { contentAddressed, pathOf, STORE_DIR, sha256, sourceOf, type TestPath } from './peers/paths.ts';
import { type Repository, type RepositoryOptions, startRepository } from './peers/repository.ts';

const toClose: { close(): Promise<void> }[] = [];
afterEach(async () => {
	for (const thing of toClose.splice(0)) await thing.close();
});

const key = generateKey('test-1');
const readers = publicKeyOf(key);

interface Opened {
	readonly backend: Backend;
	readonly repository: Repository;
	readonly log: ReturnType<typeof recordingLog>;
}

async function open(
	server: RepositoryOptions = {},
	more: { signed?: boolean; storeDir?: string; repository?: Repository; pushUrl?: URL } = {},
): Promise<Opened> {
	const repository = more.repository ?? (await startRepository(server));
	const client = testClient({ attempts: 3 });
	const log = recordingLog();
	const url = repository.url;
	const target: HttpTarget = {
		place: (more.pushUrl ?? url).href,
		kind: 'http',
		url,
		pushUrl: more.pushUrl ?? null,
		substituter: `${url.href}?priority=7`,
		credentials: null,
	};
	const backend = await openBackend(target, {
		client,
		log,
		storeDir: more.storeDir ?? STORE_DIR,
		signingKey: more.signed === false ? null : key,
		publicKeys: [readers],
		netrc: [],
		lookups: 8,
		sharesKey: false,
		env: {},
	});
	toClose.push(backend, client, repository);
	return { backend, repository, log };
}

const push = async (backend: Backend, path: TestPath, source = sourceOf(path)) =>
	(await backend.prepare(path.info, source, never))(never);
const narinfoText = ({ files }: Repository, { info }: TestPath) => String(files.get(`${hashPartOf(info.path)}.narinfo`)?.bytes);
const narinfo = (repository: Repository, path: TestPath) => parseNarInfo(narinfoText(repository, path), { storeDir: STORE_DIR });
const file = (text: string) => ({ bytes: Buffer.from(text), contentType: undefined });

backendContract('a binary cache on HTTP', async () => {
	const repository = await startRepository({ root: '/nix/' });
	toClose.push(repository);
	return { job: async () => (await open({}, { repository })).backend, dispose: async () => undefined };
});

backendContract('a binary cache on a server that lets nobody overwrite', async () => {
	const repository = await startRepository({ writeOnce: true });
	toClose.push(repository);
	return { job: async () => (await open({}, { repository })).backend, dispose: async () => undefined };
});

describe('the check of a cache', () => {
	it('writes a nix-cache-info where there is none, for readers after cache.nixos.org', async () => {
		const { backend, repository, log } = await open();
		expect(await backend.check(true, never)).toMatchObject({ readable: true, note: null });
		expect(repository.files.get('nix-cache-info')).toEqual({
			bytes: Buffer.from('StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 41\n'),
			contentType: 'text/x-nix-cache-info',
		});
		expect(log.lines).toEqual([expect.stringContaining('it has one now')]);
	});

	it('leaves one that is there as it is', async () => {
		const { backend, repository } = await open();
		repository.files.set('nix-cache-info', file('StoreDir: /nix/store\n'));
		expect(await backend.check(true, never)).toMatchObject({ readable: true, note: null });
		expect(repository.requests()).toEqual(['GET nix-cache-info']);
	});

	it('says that Nix can not read from a cache without one when it may not write it', async () => {
		const { backend, repository } = await open();
		expect(await backend.check(false, never)).toMatchObject({
			readable: false,
			note: expect.stringContaining('no nix-cache-info yet'),
		});
		expect(repository.files.size).toBe(0);
	});

	it('notices a push URL that belongs to another cache', async () => {
		const other = await startRepository();
		toClose.push(other);
		const { backend } = await open({}, { pushUrl: other.url });
		expect(await backend.check(true, never)).toMatchObject({ readable: false, note: expect.stringContaining('`push-url`') });
	});

	it.each([
		['StoreDir: /gnu/store\n', 'is for stores in /gnu/store'],
		['<!DOCTYPE html><title>Log in</title>', 'a web page'],
		['{"errors": []}', 'JSON'],
		['StoreDir: here\n', 'as StoreDir'],
	])('refuses a nix-cache-info that is %j', async (text, message) => {
		const { backend, repository } = await open();
		repository.files.set('nix-cache-info', file(text));
		await expect(backend.check(true, never)).rejects.toMatchObject({
			code: 'cache-invalid',
			message: expect.stringContaining(message),
		});
	});

	it.each([
		[{ readOnly: true }, 'cache-read-only'],
		[{ root: '/repository/' }, 'cache-not-found'],
		[{ basic: 'a:b' }, 'cache-unauthorized'],
		[{ unlistable: true }, 'cache-forbidden'],
	])('fails with a server that is %j', async (server, code) => {
		const repository = await startRepository(server);
		toClose.push(repository);
		const { backend } = await open({}, { repository: { ...repository, url: new URL('/', repository.url) } });
		await expect(backend.check(true, never)).rejects.toMatchObject({ code });
	});

	it('tells Nix the URL with its parameters, and no key', async () => {
		const { backend, repository } = await open();
		expect(backend.reads()).toEqual({
			substituters: [`${repository.url.href}?priority=7`],
			publicKeys: [],
			netrc: [],
			throughUs: false,
			priority: null,
		});
	});
});

describe('a pushed path', () => {
	it('has the narinfo that `nix copy` writes, but for the name of the NAR', async () => {
		const { backend, repository } = await open();
		const dependency = pathOf('dependency');
		const deriver = '/nix/store/5rwxzi7pal3qhpsyfc16gzkh939q1np6-program.drv';
		const program = pathOf('program', 'program', { references: [dependency.info.path], deriver });
		const { sentBytes } = await push(backend, program);
		const narHash = formatHash(program.info.narHash, 'nix32');
		const url = `nar/${narHash.slice('sha256:'.length)}.nar.zst`;
		const packed = repository.files.get(url);
		expect(narinfoText(repository, program)).toBe(
			[
				`StorePath: ${program.info.path}`,
				`URL: ${url}`,
				'Compression: zstd',
				`FileHash: ${formatHash(sha256(packed?.bytes ?? ''), 'nix32')}`,
				`FileSize: ${packed?.bytes.length}`,
				`NarHash: ${narHash}`,
				`NarSize: ${program.nar.length}`,
				`References: ${dependency.info.path.slice('/nix/store/'.length)}`,
				'Deriver: 5rwxzi7pal3qhpsyfc16gzkh939q1np6-program.drv',
				`Sig: ${sign(fingerprint(program.info), key)}`,
				'',
			].join('\n'),
		);
		expect(sentBytes).toBe(packed?.bytes.length);
		expect(packed?.contentType).toBe('application/x-nix-nar');
		expect(repository.files.get(`${hashPartOf(program.info.path)}.narinfo`)?.contentType).toBe('text/x-nix-narinfo');
	});

	it('costs two requests when it is small', async () => {
		const { backend, repository } = await open();
		await push(backend, pathOf('small'));
		expect(repository.requests().map((request) => request.replace(/[^ ]*[/.]nar/, '.nar'))).toEqual([
			'PUT .nar.zst',
			'PUT .narinfo',
		]);
	});

	it('keeps the signatures that it came with, each once, without garbage that would stop Nix', async () => {
		const { backend, repository } = await open();
		const upstream = generateKey('upstream-1');
		const plain = pathOf('signed');
		const [theirs, ours] = [upstream, key].map((signer) => sign(fingerprint(plain.info), signer));
		const path = pathOf('signed', 'signed', { signatures: [theirs ?? '', ours ?? '', 'garbage', 'upstream-2:AAAA', ''] });
		await push(backend, path);
		expect(narinfo(repository, path).signatures).toEqual([ours, theirs].sort());
		expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
	});

	it('gets no signature when there is no key', async () => {
		const { backend, repository } = await open({}, { signed: false });
		const path = pathOf('unsigned');
		await push(backend, path);
		expect(narinfoText(repository, path)).not.toContain('Sig:');
		expect(await backend.readBack(path.info, never)).toEqual({ ok: false, problem: expect.stringContaining('signature') });
	});

	it('keeps its content address, and then needs no signature', async () => {
		const { backend, repository } = await open({}, { signed: false });
		const path = contentAddressed('source');
		await push(backend, path);
		expect(narinfo(repository, path).ca).toBe(path.info.ca);
		expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
	});

	it('with a content address of another path is corrupt, and nothing of it is sent', async () => {
		const { backend, repository } = await open();
		const path = contentAddressed('source');
		const source = sourceOf(path);
		const info = { ...path.info, ca: `fixed:r:${formatHash(sha256('other'), 'nix32')}` };
		await expect(backend.prepare(info, source, never)).rejects.toMatchObject({ code: 'path-corrupt' });
		expect([source.packs, repository.received.length]).toEqual([0, 0]);
	});

	it('goes without a content address that older clients can not read', async () => {
		const { backend, repository } = await open();
		const path = pathOf('experimental', 'x', { ca: 'fixed:r:blake3:0c1y1zd2s9dmvfm2ykrkn3rwn9hhbnnv4lbv9p0wz4i1hk2yf3xk' });
		await push(backend, path);
		expect(narinfo(repository, path).ca).toBeNull();
		expect(verify(fingerprint(path.info), narinfo(repository, path).signatures[0] ?? '', [readers])).toBe(true);
	});
});

describe('a NAR', () => {
	it('goes up once in a run for all paths that have it', async () => {
		const { backend, repository } = await open();
		const paths = ['a', 'b', 'c'].map((name) => pathOf(name, 'same contents'));
		const sources = paths.map((path) => sourceOf(path));
		const published = await Promise.all(paths.map((path, i) => push(backend, path, sources[i])));
		expect(published.filter(({ sentBytes }) => sentBytes > 0)).toHaveLength(1);
		expect(sources.map(({ packs, disposals }) => packs - disposals)).toEqual([0, 0, 0]);
		expect(repository.requests().filter((request) => request.includes('nar/'))).toHaveLength(1);
		for (const path of paths) expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
	});

	it('is tried for the next path when the first one that has it fails', async () => {
		const { backend, repository } = await open();
		const [bad, good] = [pathOf('bad', 'same'), pathOf('good', 'same')];
		const failing = sourceOf(bad, 'zstd', new CacheError('path-vanished', 'gone'));
		const results = await Promise.allSettled([push(backend, bad, failing), push(backend, good)]);
		expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
		expect(narinfo(repository, good).storePath).toBe(good.info.path);
	});

	it.each([
		['zstd', '.nar.zst'],
		['xz', '.nar.xz'],
		['gzip', '.nar.gz'],
		['br', '.nar.br'],
		['none', '.nar'],
	] as const)('compressed with %s has a name of its own', async (compression, suffix) => {
		const { backend, repository } = await open();
		const path = pathOf('any');
		await push(backend, path, sourceOf(path, compression));
		expect(narinfo(repository, path)).toMatchObject({
			compression,
			url: expect.stringMatching(new RegExp(`^nar/[a-z0-9]{52}\\${suffix}$`)),
		});
	});

	const large = pathOf('large', Buffer.alloc(2e6, 'noise'));
	const largeKey = `nar/${formatHash(large.info.narHash, 'nix32').slice('sha256:'.length)}.nar`;

	it('that is large is not sent again when it is there already', async () => {
		const { backend, repository } = await open();
		repository.files.set(largeKey, { bytes: Buffer.from(large.nar), contentType: undefined });
		expect(await push(backend, large, sourceOf(large, 'none'))).toEqual({ sentBytes: 0 });
		expect(repository.requests()[0]).toBe(`HEAD ${largeKey}`);
		expect(await backend.readBack(large.info, never)).toEqual({ ok: true });
	});

	it('that was cut off is sent again', async () => {
		const { backend, repository } = await open();
		repository.files.set(largeKey, { bytes: Buffer.from(large.nar.subarray(0, 1e6)), contentType: undefined });
		expect((await push(backend, large, sourceOf(large, 'none'))).sentBytes).toBe(large.nar.length);
		expect(repository.files.get(largeKey)?.bytes.length).toBe(large.nar.length);
	});

	it.each([
		['was cut off', large.nar.subarray(0, 1e6)],
		['was made by another compression level', Buffer.concat([large.nar, Buffer.alloc(9)])],
	])('that %s where nobody can overwrite it is left alone, and the path gets one of its own', async (_, bytes) => {
		const { backend, repository } = await open({ writeOnce: true });
		repository.files.set(largeKey, { bytes: Buffer.from(bytes), contentType: undefined });
		expect((await push(backend, large, sourceOf(large, 'none'))).sentBytes).toBe(large.nar.length);
		expect(repository.files.get(largeKey)?.bytes.length).toBe(bytes.length);
		expect(repository.files.get(narinfo(repository, large).url)?.bytes.length).toBe(large.nar.length);
		expect(await backend.readBack(large.info, never)).toEqual({ ok: true });
		// So in every later job: that one is there as well now, and whole.
		repository.files.delete(`${hashPartOf(large.info.path)}.narinfo`);
		const { backend: later } = await open({}, { repository });
		expect(await push(later, large, sourceOf(large, 'none'))).toEqual({ sentBytes: 0 });
		expect(await later.readBack(large.info, never)).toEqual({ ok: true });
	});

	it('that can not be written under any name is an error', async () => {
		const { backend, repository } = await open({ readOnly: true });
		repository.files.set(largeKey, { bytes: Buffer.from(large.nar.subarray(0, 1e6)), contentType: undefined });
		await expect(push(backend, large, sourceOf(large, 'none'))).rejects.toMatchObject({ code: 'cache-read-only' });
	});

	it('is given back by the packer when the upload fails', async () => {
		const { backend } = await open({ readOnly: true });
		const path = pathOf('refused');
		const source = sourceOf(path);
		await expect(push(backend, path, source)).rejects.toMatchObject({ code: 'cache-read-only' });
		expect([source.packs, source.disposals]).toEqual([1, 1]);
	});
});

describe('a narinfo', () => {
	const path = pathOf('garbled');
	const narinfoKey = `${hashPartOf(path.info.path)}.narinfo`;

	it.each([
		'',
		'garbage',
		'<html></html>\n',
		'StorePath: /nix/store/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-hello-2.10\nURL: x\nNarHash: sha256:1mi14cqk363wv368ffiiy01knardmnlyphi6h9xv6dkjz44hk30i\nNarSize: 8\n',
	])('that is %j counts as missing, is reported and is replaced', async (text) => {
		const { backend, repository, log } = await open();
		repository.files.set(narinfoKey, file(text));
		expect((await backend.presence([path.info], never)).get(path.info.path)).toEqual({ state: 'missing' });
		expect(log.lines).toEqual([expect.stringMatching(/^warning: .*1 narinfos that can't be read/)]);
		expect(await backend.readBack(path.info, never)).toMatchObject({ ok: false });
		await push(backend, path);
		expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
	});

	it('that can not be overwritten and says something else is an error', async () => {
		const { backend, repository } = await open({ writeOnce: true });
		repository.files.set(narinfoKey, file('garbage'));
		await expect(push(backend, path)).rejects.toMatchObject({ code: 'cache-forbidden' });
	});

	it('lookup that fails ends the presence of all', async () => {
		const { backend } = await open({
			instead: (request, response) => {
				if (request.url?.startsWith(`/${narinfoKey}`) !== true) return false;
				response.writeHead(400).end();
				return true;
			},
		});
		const paths = [path, ...Array.from({ length: 50 }, (_, i) => pathOf(`${i}`))].map(({ info }) => info);
		await expect(backend.presence(paths, never)).rejects.toMatchObject({
			code: 'cache-invalid',
			message: expect.stringContaining(narinfoKey),
		});
	});
});

describe('reading back', () => {
	const path = pathOf('pushed', 'y'.repeat(10_000));

	it.each([
		['its NAR is gone', (key: string) => key.startsWith('nar/'), () => null, 'is not there'],
		['its NAR is cut off', (key: string) => key.startsWith('nar/'), (bytes: Buffer) => bytes.subarray(1), 'bytes in place of'],
		[
			'its signature is another one',
			(key: string) => key.endsWith('.narinfo'),
			(bytes: Buffer) => String(bytes).replace(/Sig: .*/, `Sig: ${sign('x', key)}`),
			'no signature',
		],
		[
			'its references are others',
			(key: string) => key.endsWith('.narinfo'),
			(bytes: Buffer) => String(bytes).replace('References: ', 'References: w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-hello-2.10'),
			'references',
		],
		[
			'its size is another one',
			(key: string) => key.endsWith('.narinfo'),
			(bytes: Buffer) => String(bytes).replace(/NarSize: .*/, 'NarSize: 1'),
			'NAR size',
		],
		[
			'its CA field is wrong',
			(key: string) => key.endsWith('.narinfo'),
			(bytes: Buffer) => `${bytes}CA: fixed:r:sha256:1mi14cqk363wv368ffiiy01knardmnlyphi6h9xv6dkjz44hk30i\n`,
			'CA field',
		],
	] as const)('finds that %s', async (_, isMeant, spoil, text) => {
		const { backend, repository } = await open();
		await push(backend, path);
		for (const [name, { bytes }] of [...repository.files]) {
			const spoiled = isMeant(name) ? spoil(bytes) : bytes;
			if (spoiled === null) repository.files.delete(name);
			else repository.files.set(name, { bytes: Buffer.from(spoiled), contentType: undefined });
		}
		expect(await backend.readBack(path.info, never)).toEqual({ ok: false, problem: expect.stringContaining(text) });
	});

	it('does without HEAD', async () => {
		const { backend } = await open({ headStatus: 404 });
		await push(backend, path);
		expect(await backend.readBack(path.info, never)).toEqual({ ok: true });
	});
});
