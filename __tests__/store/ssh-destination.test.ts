import { describe, expect, it } from 'vitest';
import { sshDestination } from '../../src/store/ssh-destination.ts';

describe('where ssh connects to for a store URL', () => {
	it('is the user and the host of the URL, with what Nix adds to the options of ssh', () => {
		expect(sshDestination('ssh-ng://ci@cache.example.org')).toEqual({
			destination: 'ci@cache.example.org',
			hostKey: null,
			options: [],
		});
		expect(sshDestination('ssh://cache:2222/?compress=true&ssh-key=/a%20key&priority=10')).toEqual({
			destination: 'cache',
			hostKey: null,
			options: ['-i', '/a key', '-C', '-p2222'],
		});
	});

	it('has the host key of the URL, whose base64 may have a plus in it', () => {
		const key = 'ssh-ed25519 AAAA>>>>';
		const base64 = Buffer.from(key).toString('base64');
		expect(base64).toContain('+');
		for (const text of [base64, encodeURIComponent(base64)]) {
			const found = sshDestination(`ssh-ng://ci@host?base64-ssh-public-host-key=${text}`);
			expect(found?.hostKey).toEqual({ host: 'host', key });
		}
	});

	it('is not known where Nix starts no ssh, shares connections itself, or could read the URL in another way', () => {
		for (const url of [
			'local?root=/folder',
			'unix:///socket',
			'ssh-ng://localhost',
			'ssh-ng://ci@host?max-connections=4',
			'ssh-ng://-oProxyCommand=x@host',
			'ssh-ng://-v@host',
			'ssh-ng://ci%40x@host',
			'ssh-ng://[::1]',
			'ssh-ng://ci@host?ssh-key=%zz',
		])
			expect(sshDestination(url), url).toBeNull();
	});
});
