import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { whyNoUploads } from '../../src/backends/upload-probe.ts';
import type { HttpTarget } from '../../src/cache-target/http.ts';
import type { CacheError } from '../../src/errors.ts';
import { never, recordingLog, testClient } from '../http/peers/means.ts';
import { closedPort } from '../http/peers/server.ts';
import { type Repository, startRepository } from './peers/repository.ts';

const toClose: { close(): Promise<void> }[] = [];
afterEach(async () => {
	for (const thing of toClose.splice(0)) await thing.close();
});

type Instead = (request: IncomingMessage, response: ServerResponse) => boolean;
const answering =
	(...statuses: readonly (readonly [method: string, status: number, headers?: Readonly<Record<string, string>>])[]): Instead =>
	(request, response) => {
		const found = statuses.find(([method]) => method === request.method);
		if (found === undefined) return false;
		response.writeHead(found[1], found[2]).end();
		return true;
	};

async function probe(
	instead: Instead,
	basic?: string,
): Promise<{ repository: Repository; ask: () => Promise<CacheError | null> }> {
	const repository = await startRepository({ root: '/nix/', instead, ...(basic === undefined ? {} : { basic }) });
	repository.files.set('nix-cache-info', { bytes: Buffer.from('StoreDir: /nix/store\n'), contentType: undefined });
	const client = testClient({ attempts: 1 });
	toClose.push(client, repository);
	const url = new URL(repository.url.href.replace(/\/$/, ''));
	const credentials = { kind: 'basic', username: 'ci', password: 'pass' } as const;
	const target: HttpTarget = { kind: 'http', place: url.href, url, pushUrl: null, substituter: url.href, credentials };
	return { repository, ask: () => whyNoUploads(target, { env: {}, netrc: [], client, log: recordingLog(), signal: never }) };
}

describe('whether a server takes uploads', () => {
	it.each([200, 404, 405, 501, 500])(
		'is taken for granted when it waits for the body, and nothing is left there (OPTIONS %d)',
		async (status) => {
			const { repository, ask } = await probe(answering(['OPTIONS', status]));
			expect(await ask()).toBeNull();
			expect([...repository.files.keys()]).toEqual(['nix-cache-info']);
		},
	);

	it.each([
		['that names PUT', { allow: 'GET, HEAD, PUT' }, 1],
		['that is known to look first', { server: 'nginx/1.22.1' }, 1],
		['that says nothing of itself', {}, 2],
	])(
		'is asked with the head of an upload of a server %s, and with a first byte only where that says nothing',
		async (_, headers, uploads) => {
			const { repository, ask } = await probe(answering(['OPTIONS', 405, headers]));
			expect(await ask()).toBeNull();
			expect(repository.requests().filter((request) => request.startsWith('PUT'))).toHaveLength(uploads);
		},
	);

	it.each([
		[404, /404/, /push-url.*harmonia, nix-serve/],
		[405, /405/, /push-url/],
		[501, /501/, /push-url/],
		[401, /401/, /refuses the credentials/],
		[403, /403/, /may not write there/],
	])('is denied when it refuses with %d', async (status, message, hint) => {
		const { ask } = await probe(answering(['OPTIONS', 405], ['PUT', status]));
		expect(await ask()).toMatchObject({
			code: 'push-impossible',
			message: expect.stringMatching(message),
			hint: expect.stringMatching(hint),
		});
	});

	it('is denied when it gives its files whatever the method is', async () => {
		const { repository, ask } = await probe((request, response) => {
			if (!request.url?.endsWith('nix-cache-info')) return false;
			response.end('StoreDir: /nix/store\nWantMassQuery: 1\n');
			return true;
		});
		expect(await ask()).toMatchObject({ code: 'push-impossible', message: expect.stringContaining('nix-serve') });
		expect(repository.requests()).toEqual(['OPTIONS nix-cache-info', 'PUT nix-cache-info']);
	});

	it('is not denied when it looks at PUT alone, and it gets no upload that breaks off (nix-binary-cache)', async () => {
		const { repository, ask } = await probe((request, response) => {
			if (request.method !== 'OPTIONS') return false;
			response.end('StoreDir: /nix/store\n');
			return true;
		});
		expect(await ask()).toBeNull();
		expect(repository.requests()).toEqual(['OPTIONS nix-cache-info', 'PUT nix-cache-info']);
		expect(String(repository.files.get('nix-cache-info')?.bytes)).toBe('StoreDir: /nix/store\n');
	});

	it.each([500, 503, 417, 400])('stays open when it fails otherwise (%d)', async (status) => {
		expect(await (await probe(answering(['OPTIONS', 405], ['PUT', status]))).ask()).toBeNull();
	});

	it('stays open when it is not there', async () => {
		const client = testClient({ attempts: 1 });
		toClose.push(client);
		const url = new URL(`http://127.0.0.1:${await closedPort()}/`);
		const target: HttpTarget = { kind: 'http', place: url.href, url, pushUrl: null, substituter: url.href, credentials: null };
		expect(await whyNoUploads(target, { env: {}, netrc: [], client, log: recordingLog(), signal: never })).toBeNull();
	});
});
