import { describe, expect, it } from 'vitest';
import type { NixSettings } from '../../src/setup/configuration.ts';
import { hiddenByVariable } from '../../src/setup/nix-config-variable.ts';

const nothing: NixSettings = { substituters: [], publicKeys: [], netrc: [], other: [] };
const wish: NixSettings = {
	...nothing,
	substituters: ['https://a'],
	publicKeys: ['k:AA'],
	netrc: [{ machine: 'a', login: 'b', password: 'c' }],
};

describe('NIX_CONFIG', () => {
	it.each([
		['substituters = https://b', 'extra-substituters'],
		['x = y\n  binary-caches =   https://b # comment', 'extra-binary-caches'],
		['trusted-public-keys =', 'extra-trusted-public-keys'],
		['netrc-file = /x', 'in `netrc`'],
	])('hides ours with %j, and the warning has the way out', (variable, fix) => {
		const lines = hiddenByVariable(wish, variable);
		expect(lines).toHaveLength(1);
		expect(lines[0]).toContain(fix);
		expect(lines[0]).not.toContain('https://b');
	});

	it.each([undefined, '', 'extra-substituters = https://b', '# substituters = x', 'not a configuration', 'access-tokens = a=b'])(
		'hides nothing with %j',
		(variable) => {
			expect(hiddenByVariable(wish, variable)).toEqual([]);
		},
	);

	it('hides nothing that is not there', () => {
		expect(hiddenByVariable(nothing, 'substituters = x\nnetrc-file = y')).toEqual([]);
	});

	it('is warned of once for each setting', () => {
		expect(hiddenByVariable(wish, 'substituters = a\nsubstituters = b\nnetrc-file = c')).toHaveLength(2);
	});
});
