import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseNixAbout } from '../../src/store/nix-about.ts';
import { locateStore, type StoreProbe } from '../../src/store/store-location.ts';

const about = parseNixAbout(readFileSync(join(import.meta.dirname, 'golden', 'about-2.26.txt'), 'utf8'));
const daemonOnly: StoreProbe = { stateDirExists: true, stateDirWritable: false, daemonSocketExists: true, isRoot: false };
const owner: StoreProbe = { ...daemonOnly, stateDirWritable: true };
const nothing: StoreProbe = { stateDirExists: false, stateDirWritable: false, daemonSocketExists: false, isRoot: false };
const env = { HOME: '/home/me' };
const locate = (url: string, probe = owner, variables: Record<string, string> = env) => locateStore(url, about, probe, variables);

describe('where a store is', () => {
	it('is the usual place for auto, with whatever access there is', () => {
		const usual = { storeDir: '/nix/store', realStoreDir: '/nix/store' };
		expect(locate('auto', owner)).toEqual({ access: 'direct', ...usual });
		expect(locate('', owner)).toEqual({ access: 'direct', ...usual });
		expect(locate('auto', daemonOnly)).toEqual({ access: 'daemon', ...usual });
		expect(locate('daemon', owner)).toEqual({ access: 'daemon', ...usual });
		expect(locate('local', daemonOnly)).toEqual({ access: 'direct', ...usual });
	});

	it('is in the home of a user on a machine without /nix', () => {
		expect(locate('auto', nothing).realStoreDir).toBe('/home/me/.local/share/nix/root/nix/store');
		expect(locate('auto', nothing, { HOME: '/h', XDG_DATA_HOME: '/data' }).realStoreDir).toBe('/data/nix/root/nix/store');
		expect(locate('auto', { ...nothing, isRoot: true }).realStoreDir).toBe('/nix/store');
		expect(locate('auto', nothing, { HOME: '/h', NIX_STATE_DIR: '/s' }).realStoreDir).toBe('/nix/store');
	});

	it('is under the root that the URL names', () => {
		const under = { access: 'direct', storeDir: '/nix/store', realStoreDir: '/mnt/x/nix/store' };
		expect(
			['/mnt/x', '/mnt/x/', 'local?root=/mnt/x', 'local://?root=/mnt/x', 'local:///mnt/x'].map((url) => locate(url)),
		).toEqual(Array.from({ length: 5 }, () => under));
		expect(locate('unix:///run/nix.sock?root=/mnt/x')).toEqual({ ...under, access: 'daemon' });
	});

	it('may be a folder with characters that URLs spell otherwise', () => {
		// What Nix 2.8 and 2.34 show for `/mnt/a b+c%ö`, and for a root that is given as a parameter.
		for (const url of ['/mnt/a b+c%ö', 'local:///mnt/a%20b%2Bc%25%C3%B6', 'local:///mnt/a%20b+c%25%C3%B6'])
			expect(locate(url).realStoreDir, url).toBe('/mnt/a b+c%ö/nix/store');
		for (const url of ['local?root=/mnt/a%20b+c', 'local://?root=/mnt/a%20b%2Bc'])
			expect(locate(url).realStoreDir, url).toBe('/mnt/a b+c/nix/store');
		expect(locate('local:///mnt/100%').realStoreDir).toBe('/mnt/100%/nix/store');
	});

	it('is where the URL says that the files are', () => {
		expect(locate('local?real=/srv/files&store=/srv/store')).toEqual({
			access: 'direct',
			storeDir: '/srv/store',
			realStoreDir: '/srv/files',
		});
	});

	it.each(['ssh-ng://user:secret@host', 'https://cache.example.org', 'dummy://', 'relative'])(
		'is not on this machine for %s',
		(url) => {
			expect(() => locate(url)).toThrowError(expect.objectContaining({ code: 'store-unreadable' }));
			expect(() => locate(url)).not.toThrowError(/secret/);
		},
	);
});
