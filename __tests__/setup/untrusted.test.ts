import { describe, expect, it } from 'vitest';
import type { Problem } from '../../src/problem.ts';
import type { NixSettings } from '../../src/setup/configuration.ts';
import { adviceFor, grantOf } from '../../src/setup/untrusted.ts';
import { parseSettings } from '../../src/store/settings.ts';

const KEY = 'cache-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=';
const wish = (changes: Partial<NixSettings> = {}): NixSettings => ({
	substituters: ['https://cache.example.org/nix'],
	publicKeys: [KEY],
	netrc: [],
	other: [],
	...changes,
});
const settings = (values: Readonly<Record<string, readonly string[]>>) =>
	parseSettings(JSON.stringify(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]))));
const KEYS = { 'trusted-public-keys': [KEY] };

describe('what a daemon grants a user whom it does not trust', () => {
	it('is what its own configuration has, with or without a slash at the end of a URL', () => {
		for (const url of ['https://cache.example.org/nix', 'https://cache.example.org/nix/']) {
			expect(grantOf(wish(), settings({ ...KEYS, substituters: [url] }))).toBe('already');
			expect(grantOf(wish(), settings({ ...KEYS, 'trusted-substituters': [url] }))).toBe('on-request');
		}
	});

	it('is nothing when it lacks a key or a cache, or compares another text', () => {
		const substituters = ['https://cache.example.org/nix'];
		expect(grantOf(wish(), settings({ substituters }))).toBe('denied');
		expect(grantOf(wish({ substituters: [...substituters, 'https://b'] }), settings({ ...KEYS, substituters }))).toBe('denied');
		expect(grantOf(wish({ substituters: [`${substituters[0]}/`] }), settings({ ...KEYS, substituters }))).toBe('denied');
	});
});

const textOf = ({ message, fix }: Problem): string => `${message} ${fix}`;

describe('the advice', () => {
	it('has the lines to add, for the user or for these caches alone, and where', () => {
		const text = textOf(adviceFor(wish(), 'alice', '/etc/nix/nix.conf', 'there is no sudo'));
		expect(text).toContain('`extra-trusted-users = alice` to /etc/nix/nix.conf and restart the daemon');
		expect(text).toContain('`extra-trusted-substituters = https://cache.example.org/nix`');
		expect(text).toContain(`\`extra-trusted-public-keys = ${KEY}\``);
		expect(text).not.toContain('\n');
	});

	it('says that credentials are the daemon’s business, and never shows them', () => {
		const netrc = [{ machine: 'cache.example.org', login: 'me', password: 'hunter2' }];
		const text = textOf(adviceFor(wish({ netrc }), 'alice', '/etc/nix/nix.conf', 'there is no sudo'));
		expect(text).toContain("the daemon's own netrc");
		expect(text).not.toContain('hunter2');
	});
});
