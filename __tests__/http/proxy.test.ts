import { describe, expect, it } from 'vitest';
import { type Env, proxyFor } from '../../src/http/proxy.ts';

const proxied = (url: string, env: Env) => proxyFor(new URL(url), env)?.href ?? null;
const PROXY = 'http://proxy.corp:3128/';

describe('the proxy for a URL', () => {
	it('is named by the scheme of the URL', () => {
		expect(proxied('https://a.org', { https_proxy: PROXY })).toBe(PROXY);
		expect(proxied('http://a.org', { https_proxy: PROXY })).toBeNull();
		expect(proxied('http://a.org', { http_proxy: PROXY })).toBe(PROXY);
	});

	it('is taken from lower case before upper case, and from all_proxy last', () => {
		expect(proxied('https://a.org', { HTTPS_PROXY: PROXY })).toBe(PROXY);
		expect(proxied('http://a.org', { HTTP_PROXY: PROXY })).toBe(PROXY);
		expect(proxied('https://a.org', { https_proxy: PROXY, HTTPS_PROXY: 'http://other:1/' })).toBe(PROXY);
		expect(proxied('https://a.org', { https_proxy: '', HTTPS_PROXY: PROXY })).toBe(PROXY);
		expect(proxied('https://a.org', { ALL_PROXY: PROXY })).toBe(PROXY);
	});

	it('may be written without a scheme, and with credentials', () => {
		expect(proxied('https://a.org', { https_proxy: 'user:pass@proxy.corp:3128' })).toBe('http://user:pass@proxy.corp:3128/');
	});

	it('is used for loopback addresses too, as by curl', () => {
		expect(proxied('http://127.0.0.1:80', { http_proxy: PROXY })).toBe(PROXY);
		expect(proxied('http://localhost', { http_proxy: PROXY })).toBe(PROXY);
	});

	it.each([
		['example.com', 'http://example.com/', true],
		['example.com', 'http://a.example.com/', true],
		['.example.com', 'http://example.com/', true],
		['.example.com', 'http://a.example.com:8080/', true],
		['ample.com', 'http://example.com/', false],
		['EXAMPLE.com.', 'http://a.example.COM/', true],
		['a, b 127.0.0.1', 'http://127.0.0.1/', true],
		['0.0.1', 'http://127.0.0.1/', false],
		['*', 'http://example.com/', true],
		['*.example.com', 'http://a.example.com/', false],
		['example.com:8080', 'http://example.com:8080/', true],
		['example.com:8080', 'http://example.com/', false],
		['example.com:80', 'http://example.com/', true],
		['::1', 'http://[::1]:80/', true],
		['[::1]', 'http://[::1]/', true],
		['[::1]:81', 'http://[::1]/', false],
		['10.0.0.0/8', 'http://10.1.2.3:8081/', true],
		['10.0.0.0/8', 'http://11.1.2.3/', false],
		['127.0.0.1/32, fd00::/8', 'http://[fd12::1]/', true],
		['fd00::/8', 'http://[fe80::1]/', false],
		['10.0.0.0/33', 'http://10.1.2.3/', false],
		['10.0.0.0/x', 'http://10.1.2.3/', false],
		['10.0.0.0/8', 'http://10.example.com/', false],
		['', 'http://example.com/', false],
	])('with no_proxy %j exempts %s: %s', (noProxy, url, exempt) => {
		expect(proxied(url, { http_proxy: PROXY, no_proxy: noProxy })).toBe(exempt ? null : PROXY);
	});
});
