import { describe, expect, it } from 'vitest';
import { chooseWay, type MachineProbe } from '../../src/install/way.ts';

/** GitHub's own Ubuntu runner. */
const hosted: MachineProbe = { platform: 'linux', isRoot: false, sudo: true, systemd: true, nixFolder: 'missing' };

describe('the way in which Nix is installed', () => {
	it.each<[string, Partial<MachineProbe>, ReturnType<typeof chooseWay>]>([
		["GitHub's runner", {}, 'daemon'],
		['a container that runs as root', { isRoot: true, systemd: false }, 'single-user'],
		['root on a machine with systemd', { isRoot: true }, 'single-user'],
		['a user with sudo in a container', { systemd: false }, 'single-user-by-sudo'],
		['a user whose /nix it is', { sudo: false, nixFolder: 'ours' }, 'single-user'],
		['a user whose /nix it is, with sudo', { nixFolder: 'ours' }, 'single-user'],
		['what is left of an install with a daemon', { nixFolder: 'foreign' }, 'daemon'],
		['a Mac whose /nix is made', { platform: 'darwin', nixFolder: 'ours' }, 'single-user'],
	])('%s', (_name, changes, way) => {
		expect(chooseWay({ ...hosted, ...changes })).toBe(way);
	});

	it.each<[string, Partial<MachineProbe>, RegExp]>([
		['a user without rights', { sudo: false }, /no `sudo`/],
		['a store of somebody else without systemd', { systemd: false, nixFolder: 'foreign' }, /store of another user/],
		['a Mac without /nix', { platform: 'darwin', isRoot: true }, /On macOS `\/nix` must be there/],
	])('there is none for %s, and it says why', (_name, changes, whyNot) => {
		expect(chooseWay({ ...hosted, ...changes })).toEqual({ whyNot: expect.stringMatching(whyNot) });
	});
});
