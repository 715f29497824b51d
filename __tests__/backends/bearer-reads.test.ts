import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { withBearerReads } from '../../src/backends/bearer-reads.ts';
import { openBackend } from '../../src/backends/open.ts';
import type { HttpTarget } from '../../src/cache-target/http.ts';
import { never, recordingLog, testClient } from '../http/peers/means.ts';
import { startServer } from '../http/peers/server.ts';
import { STORE_DIR } from './peers/paths.ts';
import { type RepositoryOptions, startRepository } from './peers/repository.ts';

const toClose: { close(): Promise<void> }[] = [];
afterEach(async () => {
	for (const thing of toClose.splice(0)) await thing.close();
});

const TOKEN = 'secret-token';
const asBasic = `Basic ${Buffer.from(`token:${TOKEN}`).toString('base64')}`;
const isBasic = ({ headers }: IncomingMessage): boolean => headers.authorization === asBasic;

async function checked(server: RepositoryOptions, info: string) {
	const repository = await startRepository({ root: '/nix/', ...server });
	const client = testClient({ attempts: 2 });
	repository.files.set('nix-cache-info', { bytes: Buffer.from(info), contentType: undefined });
	const url = new URL(repository.url.href.replace(/\/$/, ''));
	const credentials = { kind: 'bearer', token: TOKEN } as const;
	const target: HttpTarget = { kind: 'http', place: url.href, url, pushUrl: null, substituter: `${url.href}?x=1`, credentials };
	const more = { storeDir: STORE_DIR, signingKey: null, publicKeys: [], netrc: [], lookups: 8, sharesKey: false, env: {} };
	const backend = await openBackend(target, { client, log: recordingLog(), ...more });
	toClose.push(backend, client, repository);
	await backend.check(false, never);
	return { repository, reads: backend.reads() };
}

const INFO = `StoreDir: ${STORE_DIR}\nPriority: 35\n`;

describe('an HTTP cache that is read with a token', () => {
	it('is read by Nix where the server takes the token as a password too', async () => {
		const { repository, reads } = await checked({}, INFO);
		expect(reads).toMatchObject({ throughUs: false, substituters: [`${repository.url.href.replace(/\/$/, '')}?x=1`] });
		expect(repository.received.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${TOKEN}`, asBasic, asBasic]);
		expect(repository.requests()).toEqual(['GET nix-cache-info', 'GET nix-cache-info', `GET ${'0'.repeat(32)}.narinfo`]);
	});

	it('is read through us, with the priority that it names, where only `Bearer` opens it', async () => {
		const { reads } = await checked({ bearer: TOKEN }, INFO);
		expect(reads).toMatchObject({ throughUs: true, substituters: [], priority: 35 });
	});

	it('is read through us where `nix-cache-info` is open to all and narinfos are not', async () => {
		const refuseBasic: RepositoryOptions['instead'] = (request, response) => {
			if (!isBasic(request) || request.url?.endsWith('nix-cache-info')) return false;
			response.writeHead(401).end();
			return true;
		};
		expect((await checked({ instead: refuseBasic }, `StoreDir: ${STORE_DIR}\n`)).reads).toMatchObject({
			throughUs: true,
			priority: null,
		});
	});

	it('is left to Nix when it says 403 of what it does not have, or fails when it is asked', async () => {
		expect((await checked({ unlistable: true }, INFO)).reads.throughUs).toBe(false);
		const failing: RepositoryOptions['instead'] = (request, response) => {
			if (!isBasic(request)) return false;
			response.writeHead(500).end();
			return true;
		};
		expect((await checked({ instead: failing }, INFO)).reads.throughUs).toBe(false);
	});
});

it('asks the cache alone, also below a path that begins with two slashes', async () => {
	const other = await startServer((_, response) => void response.end());
	const server = await startServer((_, response) => void response.writeHead(404).end());
	await using client = testClient();
	const readable = { readable: true, note: null, whyNoPush: null, skipSignedBy: [] };
	const reads = () => ({ substituters: [], publicKeys: [], netrc: [], throughUs: false, priority: null });
	const cache: Pick<Backend, 'check' | 'reads'> = { check: async () => readable, reads };
	const baseUrl = new URL(server.url);
	baseUrl.pathname = `//127.0.0.1:${other.url.port}/nix`;
	// Only these two are called.
	const backend = withBearerReads(cache as Backend, { baseUrl, token: 'secret', client });
	await backend.check(false, never);
	expect(other.received).toEqual([]);
	expect(server.received.map(({ path }) => path)).toContain(`//127.0.0.1:${other.url.port}/nix/nix-cache-info`);
	await Promise.all([other.close(), server.close()]);
});
