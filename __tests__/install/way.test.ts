import { describe, expect, it } from 'vitest';
import { chooseWay, type MachineProbe } from '../../src/install/way.ts';

/** GitHub's own Ubuntu runner. */
const hosted: MachineProbe = {
	platform: 'linux',
	isRoot: false,
	sudo: true,
	systemd: true,
	nixFolder: 'missing',
	nixVolume: false,
};
const mac: MachineProbe = { ...hosted, platform: 'darwin', systemd: false };

describe('the way in which Nix is installed', () => {
	it.each<[string, Partial<MachineProbe>, ReturnType<typeof chooseWay>]>([
		["GitHub's runner", {}, 'daemon'],
		['a container that runs as root', { isRoot: true, systemd: false }, 'single-user'],
		['root on a machine with systemd', { isRoot: true }, 'single-user'],
		['a user with sudo in a container', { systemd: false }, 'single-user-by-sudo'],
		['a user whose /nix it is', { sudo: false, nixFolder: 'ours' }, 'single-user'],
		['a user whose /nix it is, with sudo', { nixFolder: 'ours' }, 'single-user'],
		['what is left of an install with a daemon', { nixFolder: 'foreign' }, 'daemon'],
		["GitHub's Mac", mac, 'own-installer'],
		['a Mac where root runs the jobs', { ...mac, isRoot: true, sudo: false }, 'own-installer'],
		['a Mac whose /nix waits for its volume', { ...mac, nixFolder: 'empty' }, 'own-installer'],
		['a Mac whose /nix it is', { ...mac, sudo: false, nixFolder: 'ours', nixVolume: true }, 'single-user'],
	])('%s', (_name, changes, way) => {
		expect(chooseWay({ ...hosted, ...changes })).toBe(way);
	});

	it.each<[string, Partial<MachineProbe>, RegExp]>([
		['a user without rights', { sudo: false }, /no `sudo`/],
		['a store of somebody else without systemd', { systemd: false, nixFolder: 'foreign' }, /store of another user/],
		['a Mac without sudo', { ...mac, sudo: false }, /takes root, and this user has no `sudo`/],
		['a Mac with a store of somebody else', { ...mac, nixFolder: 'foreign' }, /store of another user.*would take it over/],
		['a Mac with a volume of an earlier Nix', { ...mac, nixVolume: true }, /volume `Nix Store` already.*would take it over/],
		['a Mac with such a volume, for root', { ...mac, isRoot: true, nixVolume: true }, /volume `Nix Store` already/],
	])('there is none for %s, and it says why', (_name, changes, whyNot) => {
		expect(chooseWay({ ...hosted, ...changes })).toEqual({ whyNot: expect.stringMatching(whyNot) });
	});
});
