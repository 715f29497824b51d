import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../src/store/settings.ts';

const golden = (name: string): string => readFileSync(join(import.meta.dirname, 'golden', name), 'utf8');

describe("Nix's settings", () => {
	it.each(['2.8', '2.26', '2.34'])('are read from Nix %s', (version) => {
		expect(parseSettings(golden(`settings-${version}.json`))).toEqual({
			store: 'auto',
			substituters: [],
			trustedSubstituters: [],
			trustedPublicKeys: ['cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY='],
			trustedUsers: ['root'],
			netrcFile: '/etc/nix/netrc',
			postBuildHook: null,
			fallback: false,
			connectTimeout: version === '2.34' ? 15 : 0,
			narinfoCacheNegativeTtl: 3600,
			substitute: true,
			requireSigs: true,
			minFreeBytes: 0,
		});
	});

	it('have their defaults when a version does not know them', () => {
		expect(parseSettings('{}')).toMatchObject({
			store: 'auto',
			trustedUsers: [],
			netrcFile: '/etc/nix/netrc',
			connectTimeout: 0,
		});
	});

	it('have the post-build hook where there is one', () => {
		expect(parseSettings('{"post-build-hook": {"value": "/etc/nix/hook"}}').postBuildHook).toBe('/etc/nix/hook');
	});

	it.each(['', '[]', '{"substituters": {"value": "a"}}', '{"store": {"value": 1}}', '{"connect-timeout": {"value": "5"}}'])(
		'are refused when they are %j',
		(json) => {
			expect(() => parseSettings(json)).toThrowError(expect.objectContaining({ code: 'format-invalid' }));
		},
	);
});
