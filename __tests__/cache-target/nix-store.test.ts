import { describe, expect, it } from 'vitest';
import { parseCacheTarget } from '../../src/cache-target/target.ts';

describe('the URL of a store that Nix opens', () => {
	it.each([
		[
			'ssh-ng://ci@cache.example.com',
			{ place: 'ssh-ng://ci@cache.example.com', ssh: { host: 'cache.example.com', hasKey: false } },
		],
		['ssh://cache', { place: 'ssh://cache', ssh: { host: 'cache', hasKey: false } }],
		['ssh-ng://ci@host:2222', { place: 'ssh-ng://ci@host:2222', ssh: { host: 'host:2222', hasKey: false } }],
		['ssh://root@[::1]', { ssh: { host: '[::1]', hasKey: false } }],
		['ssh-ng://ci@host?ssh-key=/run/key&compress=true', { place: 'ssh-ng://ci@host', ssh: { host: 'host', hasKey: true } }],
		['ssh-ng://ci@host?remote-store=local?root=/srv', { place: 'ssh-ng://ci@host', ssh: { host: 'host', hasKey: false } }],
		['local?root=/srv/store', { place: 'local?root=/srv/store', ssh: null }],
		['local:///srv/store', { place: 'local:///srv/store', ssh: null }],
		['unix:///run/nix/socket?root=/srv', { place: 'unix:///run/nix/socket', ssh: null }],
		['daemon', { place: 'daemon', ssh: null }],
	])('%s is understood, and Nix gets it as it was written', (line, target) => {
		expect(parseCacheTarget(line, null, null)).toMatchObject({ kind: 'nix-copy', substituter: line, ...target });
	});

	it.each([
		['ssh://ci:hunter2@host', 'password inside'],
		['ssh-ng://', 'write `ssh-ng://user@host`'],
		['ssh-ng://-oProxyCommand=x', 'write `ssh-ng://user@host`'],
		['ssh://-x@host', 'write `ssh://user@host`'],
		['ssh://@host', 'write `ssh://user@host`'],
		['ssh://host/folder', 'write `ssh://user@host`'],
		['ssh://ho st', 'blanks'],
		['ssh://host#part', '`#`'],
		['ssh://host?compress', 'name=value'],
		['local', 'local?root=/folder'],
		['local?root=folder', 'local?root=/folder'],
		['unix://', 'unix:///socket'],
	])('%s is not one', (line, why) => {
		const refusal = parseCacheTarget(line, null, null);
		expect(refusal).toEqual({ problem: expect.stringContaining(why) });
		expect(JSON.stringify(refusal)).not.toContain('hunter2');
	});

	it('takes no credentials of HTTP', () => {
		const refusal = parseCacheTarget('ssh://ci@host', null, { kind: 'bearer', token: 'secret' });
		expect(refusal).toEqual({ problem: expect.stringMatching(/takes no `username`, `password` or `token`.*ssh-agent/) });
	});
});
