import { writeFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpClient } from '../../src/http/client.ts';
import type { Env } from '../../src/http/proxy.ts';
import { trustFromEnv } from '../../src/http/trust.ts';
import { type ConnectProxy, startConnectProxy } from './peers/connect-proxy.ts';
import { never, recordingLog, testClient } from './peers/means.ts';
import { createPrivateCa, type PrivateCa } from './peers/private-ca.ts';
import { closedPort, type Peer, startServer } from './peers/server.ts';

let ca: PrivateCa;
let secure: Peer;
let plain: Peer;

beforeAll(async () => {
	ca = createPrivateCa();
	secure = await startServer((_, response) => void response.end('secure'), ca.issue('IP:127.0.0.1,DNS:cache.test'));
	plain = await startServer((_, response) => void response.end('plain'));
});
afterAll(async () => {
	await secure?.close();
	await plain?.close();
	ca?.remove();
});

const fetchFrom = async (client: HttpClient, url: URL): Promise<string> => {
	const answer = await client.request({ method: 'GET', url, accept: [200], limitBytes: 100, signal: never });
	return Buffer.from(answer.bytes).toString();
};

describe('TLS', () => {
	it('trusts an authority in the file that SSL_CERT_FILE or NIX_SSL_CERT_FILE names', async () => {
		for (const name of ['SSL_CERT_FILE', 'NIX_SSL_CERT_FILE']) {
			await using client = testClient({ env: { [name]: ca.file } });
			expect(await fetchFrom(client, secure.url)).toBe('secure');
		}
	});

	it('adds it to the authorities that Node trusts, and does without a file that can not be read', () => {
		const log = recordingLog();
		expect(trustFromEnv({ SSL_CERT_FILE: ca.file }, log)?.context).toBeInstanceOf(createSecureContext().context.constructor);
		expect(log.lines).toEqual([]);
		expect(trustFromEnv({}, log)).toBeNull();
		expect(trustFromEnv({ SSL_CERT_FILE: '/no/such/file' }, log)).toBeNull();
		expect(log.lines).toEqual([expect.stringContaining("/no/such/file can't be read (ENOENT)")]);
	});

	it('stays as it is when the file holds no certificate', async () => {
		const file = `${ca.file}.garbage`;
		writeFileSync(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
		await using client = testClient({ env: { SSL_CERT_FILE: file } });
		await expect(fetchFrom(client, secure.url)).rejects.toMatchObject({ code: 'cache-tls' });
	});

	it('without it fails at once with cache-tls and names the variables', async () => {
		await using client = testClient();
		const before = secure.connections();
		await expect(fetchFrom(client, secure.url)).rejects.toMatchObject({
			code: 'cache-tls',
			message: expect.stringContaining('not trusted'),
			hint: expect.stringMatching(/NODE_EXTRA_CA_CERTS.*NIX_SSL_CERT_FILE/),
		});
		expect(secure.connections()).toBe(before);
	});

	it('tells a certificate of another host, an old one, and a server without TLS apart', async () => {
		const other = await startServer(() => undefined, ca.issue('DNS:other.test'));
		const expired = await startServer(() => undefined, ca.issue('IP:127.0.0.1', -1));
		await using client = testClient({ env: { SSL_CERT_FILE: ca.file } });
		const cases: readonly (readonly [URL, string])[] = [
			[other.url, 'another host'],
			[expired.url, 'not valid at this time'],
			[new URL(plain.url.href.replace('http:', 'https:')), 'no TLS connection'],
		];
		for (const [url, text] of cases) {
			await expect(fetchFrom(client, url)).rejects.toMatchObject({ code: 'cache-tls', message: expect.stringContaining(text) });
		}
		await other.close();
		await expired.close();
	});

	it('is not left by a redirect', async () => {
		const down = await startServer(
			(_, response) => void response.writeHead(302, { location: plain.url.href }).end(),
			ca.issue('IP:127.0.0.1'),
		);
		await using client = testClient({ env: { SSL_CERT_FILE: ca.file } });
		await expect(fetchFrom(client, down.url)).rejects.toMatchObject({
			code: 'cache-invalid',
			message: expect.stringContaining('from https to http'),
		});
		await down.close();
	});

	it('keeps its connections', async () => {
		await using client = testClient({ env: { SSL_CERT_FILE: ca.file }, connections: 3 });
		const before = secure.connections();
		await Promise.all(Array.from({ length: 30 }, () => fetchFrom(client, secure.url)));
		expect(secure.connections() - before).toBeLessThanOrEqual(3);
	});
});

describe('a proxy', () => {
	let proxy: ConnectProxy;
	beforeAll(async () => {
		proxy = await startConnectProxy();
	});
	afterAll(() => proxy?.close());
	const through = (user = ''): Env => ({ https_proxy: `http://${user}127.0.0.1:${proxy.port}`, SSL_CERT_FILE: ca.file });

	it('gets a CONNECT for https, with its credentials, and never sees those of the cache', async () => {
		await using client = testClient({ env: through('us%C3%A9r:p%40ss@') });
		const before = proxy.tunnels.length;
		expect(await fetchFrom(client, secure.url)).toBe('secure');
		expect(proxy.tunnels.slice(before)).toEqual([
			{ target: secure.url.host, authorization: `Basic ${Buffer.from('usér:p@ss').toString('base64')}` },
		]);
	});

	it('keeps its tunnels', async () => {
		await using client = testClient({ env: through(), connections: 3 });
		const before = proxy.tunnels.length;
		await Promise.all(Array.from({ length: 30 }, () => fetchFrom(client, secure.url)));
		expect(proxy.tunnels.length - before).toBeLessThanOrEqual(3);
	});

	it('gets the whole URL for http, and no tunnel, and the server sees nothing of it', async () => {
		const forward = await startServer((request, response) => void response.end(`forwarded ${request.url}`));
		await using client = testClient({ env: { http_proxy: `http://user:pass@127.0.0.1:${forward.url.port}` } });
		expect(await fetchFrom(client, new URL('http://cache.test/a?b'))).toBe('forwarded http://cache.test/a?b');
		const [received] = forward.received;
		expect(received?.headers.host).toBe('cache.test');
		expect(received?.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('user:pass').toString('base64')}`);
		await forward.close();
	});

	it('is passed by for hosts in NO_PROXY', async () => {
		await using client = testClient({ env: { ...through(), NO_PROXY: '127.0.0.1' } });
		const before = proxy.tunnels.length;
		expect(await fetchFrom(client, secure.url)).toBe('secure');
		expect(proxy.tunnels).toHaveLength(before);
	});

	it.each([
		['407 Proxy Authentication Required', /refused the tunnel with status 407/, /credentials into HTTPS_PROXY/],
		['403 Forbidden', /refused the tunnel with status 403/, /NO_PROXY/],
	])('that answers %s is named as the one to blame', async (refusal, message, hint) => {
		const strict = await startConnectProxy(refusal);
		await using client = testClient({ env: { https_proxy: `http://127.0.0.1:${strict.port}` } });
		await expect(fetchFrom(client, secure.url)).rejects.toMatchObject({
			code: 'cache-unreachable',
			message: expect.stringMatching(message),
			hint: expect.stringMatching(hint),
		});
		expect(strict.tunnels).toHaveLength(1);
		await strict.close();
	});

	it('that is not there or of an unknown kind gives cache-unreachable', async () => {
		const port = await closedPort();
		await using gone = testClient({ env: { https_proxy: `http://127.0.0.1:${port}` }, attempts: 2 });
		await expect(fetchFrom(gone, secure.url)).rejects.toMatchObject({
			code: 'cache-unreachable',
			message: expect.stringContaining('refused'),
		});
		await using socks = testClient({ env: { https_proxy: 'socks4://127.0.0.1:1080' } });
		await expect(fetchFrom(socks, secure.url)).rejects.toMatchObject({
			code: 'cache-unreachable',
			message: expect.stringContaining('socks4'),
		});
	});

	it('is reached with TLS when its URL says https, and its certificate is checked like any other', async () => {
		const answer = (await import('node:tls')).createServer(ca.issue('DNS:localhost'), (socket) => {
			socket.once('data', () => socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n')).on('error', () => undefined);
		});
		await new Promise<void>((resolve) => answer.listen(0, '127.0.0.1', resolve));
		const address = answer.address();
		const url = `https://localhost:${address !== null && typeof address === 'object' ? address.port : 0}`;
		await using trusting = testClient({ env: { https_proxy: url, SSL_CERT_FILE: ca.file }, attempts: 2 });
		await expect(fetchFrom(trusting, secure.url)).rejects.toMatchObject({ message: expect.stringContaining('status 502') });
		await using other = testClient({ env: { https_proxy: url } });
		await expect(fetchFrom(other, secure.url)).rejects.toMatchObject({ code: 'cache-tls' });
		answer.close();
	});
});
