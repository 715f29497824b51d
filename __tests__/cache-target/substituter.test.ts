import { describe, expect, it } from 'vitest';
import { parseSubstituter } from '../../src/cache-target/substituter.ts';

describe('a line of `substituters`', () => {
	it.each([
		['https://a.example', { url: 'https://a.example', proxy: null }],
		['https://a.example/nix/?priority=10', { url: 'https://a.example/nix/?priority=10', proxy: null }],
		['https://a.example?proxy=http://proxy:3128', { url: 'https://a.example', proxy: 'http://proxy:3128' }],
		[
			'https://a.example/nix?priority=10&proxy=socks5h://u:p@proxy&trusted=1',
			{ url: 'https://a.example/nix?priority=10&trusted=1', proxy: 'socks5h://u:p@proxy' },
		],
		['https://a.example?proxy=http://u:pa+ss@proxy:3128', { url: 'https://a.example', proxy: 'http://u:pa+ss@proxy:3128' }],
		[
			'http://a.example?proxy=http%3A%2F%2Fu%3Ap%2540s%40proxy%3A80%2F%3Fx',
			{ url: 'http://a.example', proxy: 'http://u:p%40s@proxy:80/?x' },
		],
	])('%s is understood', (line, meant) => {
		expect(parseSubstituter(line)).toEqual(meant);
	});

	it.each([
		['https://a.example?proxy=ftp://proxy', /the proxy `ftp:\/\/proxy` of `https:\/\/a\.example` is not one/],
		['https://a.example?proxy=proxy:3128', /is not one; allowed are/],
		['https://a.example?proxy=', /is not one/],
		['https://a.example?proxy=http://p:1&proxy=http://p:2', /more than one proxy/],
		['file:///x?proxy=http://p:1', /file/],
	])('%s is refused', (line, problem) => {
		expect(parseSubstituter(line)).toEqual({ problem: expect.stringMatching(problem) });
	});

	it('tells no credentials of a proxy that it refuses', () => {
		expect(JSON.stringify(parseSubstituter('https://a.example?proxy=ftp://user:hunter2@proxy'))).not.toContain('hunter2');
		expect(JSON.stringify(parseSubstituter('https://a.example?proxy=user:hunter2@proxy'))).not.toContain('hunter2');
	});
});
