import { afterEach, describe, expect, it } from 'vitest';
import { createHttpClient, type HttpClient } from '../../src/http/client.ts';
import { askSubstituter } from '../../src/preflight/asking.ts';
import { recordingLog } from '../http/peers/means.ts';
import { closedPort, type Handler, type Peer, startServer } from '../http/peers/server.ts';

const NOW = Date.parse('2026-05-05T12:00:00Z');
const INFO = 'StoreDir: /nix/store\nPriority: 30\n';

const peers: Peer[] = [];
const clients: HttpClient[] = [];
afterEach(async () => {
	await Promise.all(clients.splice(0).map((client) => client.close()));
	await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

async function serve(handler: Handler): Promise<Peer> {
	const peer = await startServer(handler);
	peers.push(peer);
	return peer;
}

function ask(url: string, netrc: Parameters<typeof askSubstituter>[1]['netrc'] = []) {
	const client = createHttpClient({ env: {}, log: recordingLog(), attempts: 1 });
	clients.push(client);
	return askSubstituter(url, { client, netrc, storeDir: '/nix/store', nowMs: () => NOW, signal: AbortSignal.timeout(20_000) });
}

describe('a cache is asked as Nix asks it', () => {
	it('at its root whatever its parameters, with what the netrc has for its host', async () => {
		const { url, received } = await serve((_request, response) => void response.end(INFO));
		for (const tail of ['nix', 'nix/', 'nix?priority=3&trusted=1']) {
			const answer = await ask(`${url.href}${tail}`, [{ machine: '127.0.0.1', login: 'me', password: 'secret' }]);
			expect(answer).toMatchObject({ url: `${url.href}${tail}`, info: { priority: 30 }, trouble: null });
		}
		expect(received.map(({ path }) => path)).toEqual(Array.from({ length: 3 }, () => '/nix/nix-cache-info'));
		expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
	});

	it.each<[string, Record<string, string>, number | null]>([
		['its date', { Date: 'Tue, 05 May 2026 12:17:00 GMT' }, 17 * 60_000],
		['a date of long ago out of a shared cache', { Date: 'Tue, 05 May 2026 11:00:00 GMT', Age: '3600' }, 0],
		['no date that could be read', { Date: 'yesterday' }, null],
	])('and tells the time by %s', async (_what, headers, aheadMs) => {
		const { url } = await serve((_request, response) => void response.writeHead(200, headers).end(INFO));
		expect((await ask(url.href)).aheadMs).toBe(aheadMs);
	});

	it.each<[string, Handler, string]>([
		['no cache', (_request, response) => void response.writeHead(404).end(), 'it has no `nix-cache-info`'],
		['another store', (_request, response) => void response.end('StoreDir: /srv/store\n'), 'it is for stores in /srv/store'],
		['nonsense', (_request, response) => void response.end('Priority: high\n'), 'as Priority'],
		['too much', (_request, response) => void response.end('x'.repeat(100_000)), 'longer than'],
		['a refusal', (_request, response) => void response.writeHead(401).end(), '401 Unauthorized'],
	])('which may find %s, with what to do about it', async (_what, handler, text) => {
		const { url } = await serve(handler);
		const { info, trouble } = await ask(url.href);
		expect(info).toBeNull();
		expect(trouble?.what).toContain(text);
		expect(trouble?.what).not.toMatch(/\.$/);
	});

	it.each([401, 403])('and a refusal (%i) is none where only the daemon can read the netrc', async (status) => {
		const { url } = await serve((_request, response) => void response.writeHead(status).end());
		expect(await ask(url.href, null)).toMatchObject({ info: null, trouble: null });
	});

	it('which may find nobody', async () => {
		const { trouble } = await ask(`http://127.0.0.1:${await closedPort()}/`);
		expect(trouble).toMatchObject({
			what: expect.stringContaining('ECONNREFUSED'),
			hint: expect.stringContaining('Is the server up'),
		});
	});
});
