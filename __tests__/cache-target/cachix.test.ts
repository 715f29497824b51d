import { describe, expect, it } from 'vitest';
import { cachixKeyName, cachixTargetAt, parseCachixUrl } from '../../src/cache-target/cachix.ts';
import { parseCacheTarget } from '../../src/cache-target/target.ts';

describe('the URL of a cache of Cachix', () => {
	it.each([
		['cachix://mine', { name: 'mine', place: 'cachix://mine', host: 'https://cachix.org/', parameters: '' }],
		['cachix://mine/?priority=30', { name: 'mine', place: 'cachix://mine', parameters: '?priority=30' }],
		[
			'cachix://nix-community?host=https://cachix.example:8443&priority=30&trusted=true',
			{
				name: 'nix-community',
				place: 'cachix://nix-community?host=https://cachix.example:8443',
				host: 'https://cachix.example:8443/',
				parameters: '?priority=30&trusted=true',
			},
		],
		['cachix://mine?host=http%3A%2F%2F127.0.0.1%3A80', { host: 'http://127.0.0.1/' }],
	])('%s is understood', (line, wanted) => {
		const target = parseCacheTarget(line, null, { kind: 'bearer', token: 'tok' });
		expect({ ...target, host: 'host' in target ? target.host.href : '' }).toMatchObject({
			kind: 'cachix',
			token: 'tok',
			...wanted,
		});
	});

	it.each([
		'cachix:mine',
		'cachix://',
		'cachix://mine.cachix.org',
		'cachix://mine/path',
		'cachix://-mine',
		'cachix://mine#x',
		`cachix://${'a'.repeat(64)}`,
	])('%s is not one', (line) => {
		expect(parseCachixUrl(line, null)).toEqual({ problem: expect.stringContaining('write `cachix://name`') });
	});

	it.each(['cachix.example', 'https://a/b', 'https://u:p@a', 'ftp://a', 'https://a?b', '%zz', 'https://a&host=https://b'])(
		'a host %s is refused',
		(host) => {
			expect(parseCachixUrl(`cachix://mine?host=${host}`, null)).toEqual({ problem: expect.stringContaining('host=') });
		},
	);

	it('shows no credentials that stand in it', () => {
		const answer = parseCachixUrl('cachix://user:s3cret@mine', null);
		expect(JSON.stringify(answer)).not.toContain('s3cret');
	});

	it('takes a token and no password', () => {
		const answer = parseCachixUrl('cachix://mine', { kind: 'basic', username: 'u', password: 's3cret' });
		expect(answer).toEqual({ problem: expect.stringContaining('`token`') });
		expect(JSON.stringify(answer)).not.toContain('s3cret');
	});

	it('tells the name of its key', () => {
		const target = parseCachixUrl('cachix://mine', null);
		expect('kind' in target && cachixKeyName(target)).toBe('mine.cachix.org-1');
	});
});

describe('a cache of Cachix that Nix reads at a URL', () => {
	const hosts = [new URL('https://cachix.example'), new URL('http://own.example:8080')];
	it.each([
		['https://nix-community.cachix.org', 'nix-community', 'https://cachix.org/'],
		['https://mine.cachix.example/', 'mine', 'https://cachix.example/'],
		['http://mine.own.example:8080', 'mine', 'http://own.example:8080/'],
		['https://cachix.org/api/v1/cache/emacs', 'emacs', 'https://cachix.org/'],
		['https://elsewhere.example:8443/api/v1/cache/mine/', 'mine', 'https://elsewhere.example:8443/'],
	])('%s is %s of %s', (url, name, host) => {
		const target = cachixTargetAt(new URL(url), hosts);
		expect({ name: target?.name, host: target?.host.href }).toEqual({ name, host });
	});

	it.each([
		'https://cache.nixos.org',
		'https://cachix.org',
		'https://a.b.cachix.org',
		'http://mine.cachix.org',
		'https://mine.cachix.org:8443',
		'https://mine.cachix.org/path',
		'https://mine.cachix.org.evil.example',
		'https://mine.own.example:8080',
		'https://elsewhere.example/api/v1/cache/-x',
		'https://elsewhere.example/api/v1/cache/a/b',
	])('%s is not known to be one', (url) => {
		expect(cachixTargetAt(new URL(url), hosts)).toBeNull();
	});
});
