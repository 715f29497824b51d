import { describe, expect, it } from 'vitest';
import { BULK } from '../../src/backends/cachix/cachix-api.ts';
import { openBackend } from '../../src/backends/open.ts';
import { parseCacheTarget } from '../../src/cache-target/target.ts';
import { createBulkQuestion } from '../../src/phases/bulk-question.ts';
import { pathOf, STORE_DIR, sourceOf } from '../backends/peers/paths.ts';
import { never, recordingLog, testClient } from '../http/peers/means.ts';
import { type CachixServer, startCachixServer } from '../support/cachix-server.ts';

const there = [pathOf('there-1'), pathOf('there-2')];
const absent = [pathOf('absent-1').info, pathOf('absent-2').info, pathOf('absent-3').info];
const all = [...absent, ...there.map(({ info }) => info)];

/** Where Nix can read the cache too: below the API. */
const urlOf = ({ api, name }: CachixServer) => new URL(`/api/v1/cache/${name}`, api.url);
const asked = (server: CachixServer) => server.requests().filter((request) => request === 'POST /narinfo').length;

async function fill(server: CachixServer): Promise<void> {
	await using client = testClient();
	const target = parseCacheTarget(server.cacheUrl, null, { kind: 'bearer', token: server.token });
	if ('problem' in target || target.kind === 'actions-cache') throw new Error('not understood');
	const means = { client, log: recordingLog(), storeDir: STORE_DIR, signingKey: null, publicKeys: [], netrc: [] };
	const backend = await openBackend(target, { ...means, lookups: 8, sharesKey: false, env: {} });
	for (const path of there) {
		const publish = await backend.prepare(path.info, sourceOf(path), never);
		await publish(never);
	}
	await backend.close();
}

describe('one question for many paths', () => {
	it('tells which of them a public cache of Cachix lacks, in one request without credentials', async () => {
		await using server = await startCachixServer();
		await fill(server);
		const bulk = createBulkQuestion([], [], recordingLog());
		const lacked = await bulk.lacked(urlOf(server), {}, all, never);
		expect([...lacked].sort()).toEqual(absent.map(({ path }) => path).sort());
		expect(asked(server)).toBe(1);
		expect(server.api.received.at(-1)?.headers.authorization).toBeUndefined();
	});

	it('goes with the token that the netrc has for the host, where the cache is private', async () => {
		await using server = await startCachixServer({ isPrivate: true });
		await fill(server);
		const netrc = [
			{ machine: null, login: 'x', password: 'for-all-others' },
			{ machine: '127.0.0.1', login: 'x', password: server.token },
		];
		const lacked = await createBulkQuestion([], netrc, recordingLog()).lacked(urlOf(server), {}, all, never);
		expect(lacked.size).toBe(absent.length);
		expect(server.api.received.at(-1)?.headers.authorization).toBe(`Bearer ${server.token}`);
	});

	it('is split where a server takes no more at a time', async () => {
		await using server = await startCachixServer();
		const paths = Array.from({ length: BULK + 1 }, (_, number) => pathOf(`many-${number}`).info);
		const lacked = await createBulkQuestion([], [], recordingLog()).lacked(urlOf(server), {}, paths, never);
		expect(lacked.size).toBe(BULK + 1);
		expect(asked(server)).toBe(2);
	});

	it.each([
		['a refusal', { status: 401 }],
		['a failure', { status: 500 }],
		['an answer that is none', { status: 200, body: '<html>' }],
		['another answer', { status: 200, body: '{"missing":[]}' }],
		['an answer without end', { status: 200, body: JSON.stringify(['x'.repeat(3 * 1024 * 1024)]) }],
		['no answer', { stall: true }],
	] as const)(
		'that meets %s says of no path that it is lacked, in the debug log alone, and is not asked again',
		async (_what, fault) => {
			await using server = await startCachixServer();
			server.faults.fail(/^POST/, fault, 9);
			const log = recordingLog();
			const bulk = createBulkQuestion([], [], log);
			const startedMs = performance.now();
			expect(await bulk.lacked(urlOf(server), {}, all, never)).toEqual(new Set());
			expect(performance.now() - startedMs).toBeLessThan(6_000);
			expect(await bulk.lacked(urlOf(server), {}, all, never)).toEqual(new Set());
			expect(asked(server)).toBe(1);
			expect(log.lines.filter((line) => line.includes('is asked for each path')).length).toBe(1);
			expect(log.lines.filter((line) => !line.startsWith('debug: '))).toEqual([]);
		},
	);

	it('is asked again when it was the job that gave it up', async () => {
		await using server = await startCachixServer();
		await fill(server);
		server.faults.fail(/^POST/, { stall: true });
		const bulk = createBulkQuestion([], [], recordingLog());
		expect(await bulk.lacked(urlOf(server), {}, all, AbortSignal.timeout(200))).toEqual(new Set());
		expect((await bulk.lacked(urlOf(server), {}, all, never)).size).toBe(absent.length);
	});

	it('believes nothing of paths that it did not name', async () => {
		await using server = await startCachixServer();
		server.faults.fail(/^POST/, { status: 200, body: JSON.stringify(['0'.repeat(32), 'x']) });
		expect(await createBulkQuestion([], [], recordingLog()).lacked(urlOf(server), {}, all, never)).toEqual(new Set());
	});

	it('is for no other kind of server', async () => {
		await using server = await startCachixServer();
		const bulk = createBulkQuestion([new URL('https://cachix.example')], [], recordingLog());
		expect(await bulk.lacked(server.api.url, {}, all, never)).toEqual(new Set());
		expect(server.api.received.length).toBe(0);
	});

	it('goes through the proxy of the line', async () => {
		await using server = await startCachixServer();
		const closed = { http_proxy: 'http://127.0.0.1:1' };
		expect(await createBulkQuestion([], [], recordingLog()).lacked(urlOf(server), closed, all, never)).toEqual(new Set());
		expect(server.api.received.length).toBe(0);
	});
});
