import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpClient } from '../../src/http/client.ts';
import { type SocksProxyOptions, startSocksProxy } from '../support/socks-proxy.ts';
import { never, testClient } from './peers/means.ts';
import { createPrivateCa, type PrivateCa } from './peers/private-ca.ts';
import { closedPort, type Peer, startServer } from './peers/server.ts';

let ca: PrivateCa;
let secure: Peer;
let plain: Peer;
beforeAll(async () => {
	ca = createPrivateCa();
	secure = await startServer((_, response) => void response.end('secure'), ca.issue('DNS:cache.test'));
	plain = await startServer((request, response) => void response.end(`plain ${request.url}`));
});
afterAll(async () => {
	await secure.close();
	await plain.close();
	ca.remove();
});

const user = { name: 'usér', password: 'p@ss%w' };
const fetchFrom = async (client: HttpClient, url: string): Promise<string> => {
	const answer = await client.request({ method: 'GET', url: new URL(url), accept: [200], limitBytes: 100, signal: never });
	return Buffer.from(answer.bytes).toString();
};

describe('a SOCKS proxy', () => {
	it('takes http and https requests to names that it alone knows, for socks5h', async () => {
		await using proxy = await startSocksProxy({ hosts: { 'cache.test': '127.0.0.1' } });
		await using client = testClient({ env: { all_proxy: `socks5h://127.0.0.1:${proxy.port}`, SSL_CERT_FILE: ca.file } });
		expect(await fetchFrom(client, `http://cache.test:${plain.url.port}/a?b`)).toBe('plain /a?b');
		expect(await fetchFrom(client, `https://cache.test:${secure.url.port}/`)).toBe('secure');
		expect(proxy.targets).toEqual([`cache.test:${plain.url.port}`, `cache.test:${secure.url.port}`]);
	});

	it('is given the address for socks5, which this machine looks up', async () => {
		await using proxy = await startSocksProxy();
		await using client = testClient({ env: { HTTP_PROXY: `socks5://127.0.0.1:${proxy.port}` } });
		expect(await fetchFrom(client, `http://localhost:${plain.url.port}/x`)).toBe('plain /x');
		expect(proxy.targets).toEqual([expect.stringMatching(/^(127\.0\.0\.1|0:0:0:0:0:0:0:1):\d+$/)]);
		await expect(fetchFrom(client, 'http://cache.invalid/')).rejects.toMatchObject({
			code: 'cache-unreachable',
			message: expect.stringContaining('cache.invalid'),
		});
	});

	it('gets the user name and password of its URL', async () => {
		await using proxy = await startSocksProxy({ user });
		const url = `socks5://us%C3%A9r:p%40ss%w@127.0.0.1:${proxy.port}`;
		await using client = testClient({ env: { http_proxy: url } });
		expect(await fetchFrom(client, plain.url.href)).toBe('plain /');
	});

	it('keeps its connections, and is passed by for hosts in NO_PROXY', async () => {
		await using proxy = await startSocksProxy();
		const env = { all_proxy: `socks5h://127.0.0.1:${proxy.port}` };
		await using client = testClient({ env, connections: 3 });
		await Promise.all(Array.from({ length: 30 }, () => fetchFrom(client, plain.url.href)));
		expect(proxy.targets.length).toBeLessThanOrEqual(3);
		const before = proxy.targets.length;
		await using exempt = testClient({ env: { ...env, NO_PROXY: '127.0.0.1' } });
		await fetchFrom(exempt, plain.url.href);
		expect(proxy.targets.length).toBe(before);
	});

	const refusals: readonly (readonly [string, SocksProxyOptions, string, RegExp])[] = [
		['wrong credentials', { user }, 'ci:wrong-secret@', /refuses the user name and password/],
		['no credentials', { user }, '', /wants other credentials/],
		['a host that it does not allow', { reply: 2 }, '', /does not allow 127\.0\.0\.1/],
		['a host that it does not reach', { reply: 4 }, '', /did not reach 127\.0\.0\.1 \(HostUnreachable\)/],
	];
	it.each(refusals)('that refuses (%s) is the one to blame, and no secret is told', async (_, options, credentials, message) => {
		await using proxy = await startSocksProxy(options);
		const env = { http_proxy: `socks5h://${credentials}127.0.0.1:${proxy.port}` };
		await using client = testClient({ env, attempts: 2 });
		const error: unknown = await fetchFrom(client, plain.url.href).catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ code: 'cache-unreachable', message: expect.stringMatching(message) });
		const { inspect } = await import('node:util');
		expect(inspect(error, { depth: 9 })).not.toContain('wrong-secret');
	});

	it('that is not there, or is a web server, gives cache-unreachable', async () => {
		await using gone = testClient({ env: { http_proxy: `socks5://127.0.0.1:${await closedPort()}` }, attempts: 2 });
		await expect(fetchFrom(gone, plain.url.href)).rejects.toMatchObject({
			code: 'cache-unreachable',
			message: expect.stringContaining('refused'),
		});
		await using wrong = testClient({ env: { http_proxy: `socks5://127.0.0.1:${plain.url.port}` }, attempts: 2 });
		await expect(fetchFrom(wrong, plain.url.href)).rejects.toMatchObject({
			code: 'cache-unreachable',
			message: expect.stringContaining('not SOCKS 5'),
		});
	});

	it('has its targets’ certificates checked like any others', async () => {
		await using proxy = await startSocksProxy();
		await using client = testClient({ env: { https_proxy: `socks5h://127.0.0.1:${proxy.port}` } });
		await expect(fetchFrom(client, secure.url.href)).rejects.toMatchObject({ code: 'cache-tls' });
	});
});
