/**
 * The way in which macOS gets Nix, played on Linux: the release's own installer is a stand-in that takes exactly what the real one takes
 * (support/release-installer), and does with systemd's stand-in what the real one does with launchd. What macOS itself does, only `self-test.yml` shows.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { derivation } from '../support/derivations.ts';
import { type Machine, NODE } from '../support/machine.ts';
import { lookAlikeConf, machineWithoutNix, makeNixTarball, type NixTarball, withoutNixFolder } from '../support/nix-tarball.ts';
import { testedVersions } from '../support/versions.ts';
import type { Answer, Ask } from './in-machine.ts';

const program = join(import.meta.dirname, 'in-machine.ts');
const PROFILE_BIN = '/nix/var/nix/profiles/default/bin';
const FOLDER = '/tmp/use of the action';
/** What the job has in its environment. */
const JOB = { INPUT_PASSWORD: 'open-sesame-77', ACTIONS_RUNTIME_TOKEN: 'token-77', NIX_REMOTE: 'daemon', PS4: 'open-sesame-77' };

async function machineLikeMac(nix: Parameters<typeof machineWithoutNix>[0]): Promise<Machine> {
	const machine = await machineWithoutNix(nix);
	await withoutNixFolder(machine);
	machine.addUser('runner', { sudo: true });
	await machine.run(['mkdir', '-p', '/run/systemd/system', '/etc/systemd/system']);
	await machine.run(['mkdir', '-m', '700', FOLDER], { user: 'runner' });
	return machine;
}

async function ask(machine: Machine, question: Ask): Promise<Answer> {
	const env = { ...JOB, ...(question.call === 'store' ? { PATH: `${PROFILE_BIN}:/usr/bin:/bin`, NIX_REMOTE: '' } : {}) };
	const options = { input: JSON.stringify(question), user: 'runner', env, timeoutMs: 90_000 };
	return JSON.parse(await machine.run([NODE, program], options));
}

interface Means {
	readonly trouble?: string;
	readonly stopAfterMs?: number;
	readonly daemonPatienceMs?: number;
}

function install(
	machine: Machine,
	tarball: NixTarball,
	{ trouble = '', stopAfterMs = 60_000, daemonPatienceMs }: Means = {},
): Promise<Answer> {
	const file = join(machine.work, 'nix.tar.xz');
	writeFileSync(file, tarball.bytes);
	if (trouble !== '') machine.writeFile('/etc/installer-trouble', trouble);
	return ask(machine, { call: 'own-installer', tarball: file, folder: FOLDER, stopAfterMs, daemonPatienceMs });
}

function expectNothingLeft(machine: Machine): void {
	expect(readdirSync(machine.outside(FOLDER))).toEqual([]);
	expect(readdirSync(machine.outside('/tmp')).filter((name) => name.startsWith('tmp.'))).toEqual([]);
}

describe.each(testedVersions())("a release's own installer, Nix %s", (nix) => {
	let tarball: NixTarball;
	beforeAll(async () => {
		tarball = await makeNixTarball(nix);
	}, 120_000);

	it('makes a Nix with a daemon that trusts this user, and sees nothing of the job', async () => {
		await using machine = await machineLikeMac(nix);
		machine.writeFile('/etc/nix/nix.conf', 'keep-failed = true\n');
		const answer = await install(machine, tarball);
		expect(answer.error).toBeNull();
		expect(answer.said).toContain('~~> Setting up the build users');
		expect(machine.readFile('/etc/nix/nix.conf')).toBe(
			'keep-failed = true\ntrusted-users = root runner\nbuild-users-group = nixbld\n',
		);
		const given = machine.readFile('/tmp/installer.env').split('\n');
		const names = given.map((line) => line.split('=')[0] ?? '').filter((name) => /^[A-Z]/.test(name));
		const fromItsOptions = ['NIX_EXTRA_CONF', 'NIX_INSTALLER_NO_CHANNEL_ADD', 'NIX_USER_COUNT'];
		const fromTheShell = ['PWD', 'SHLVL', 'OLDPWD'];
		expect(names.filter((name) => !fromTheShell.includes(name)).sort()).toEqual(
			['HOME', 'LOGNAME', 'PATH', 'USER', ...fromItsOptions].sort(),
		);
		expectNothingLeft(machine);

		const { description } = await ask(machine, { call: 'store', infos: [], closure: [] });
		expect(description).toMatchObject({ trust: 'trusted' });
		const env = { PATH: `${PROFILE_BIN}:/usr/bin:/bin`, NIX_CONFIG: lookAlikeConf(nix) };
		const path = await machine.run(['nix-build', '--no-out-link', '-E', derivation({ name: 'built', script: 'echo > $out' })], {
			user: 'runner',
			env,
		});
		expect(path).toMatch(/^\/nix\/store\/.*-built$/);
	});
});

describe("a release's own installer", () => {
	const nix = '2.26';
	let tarball: NixTarball;
	beforeAll(async () => {
		tarball = await makeNixTarball(nix);
	}, 120_000);

	it('that fails is told with the last that it said of itself, not with what it says of every failure', async () => {
		await using machine = await machineLikeMac(nix);
		const { error, said } = await install(machine, tarball, { trouble: 'user' });
		expect(error).toEqual({
			code: 'install-failed',
			message: [
				"Nix's own installer failed (status 1); the last that it said:",
				'Welcome to the Multi-User Nix Installation',
				'~~> Setting up the build users',
				'<dscl_cmd> DS Error: -14120 (eDSRecordNotFound)',
				'',
			].join('\n'),
			hint: expect.stringContaining('installation/uninstall'),
		});
		expect(said.join('\n')).toContain('You can open an issue at');
		expectNothingLeft(machine);
	});

	it('is not believed when it ends well and there is no Nix', async () => {
		await using machine = await machineLikeMac(nix);
		const { error } = await install(machine, tarball, { trouble: 'nothing' });
		expect(error).toMatchObject({ code: 'install-failed', message: expect.stringContaining('ended, but there is no Nix') });
		expectNothingLeft(machine);
	});

	it('that would wait for a password fails instead', async () => {
		await using machine = await machineLikeMac(nix);
		machine.writeFile('/etc/sudoers.d/runner', 'runner ALL=(root) NOPASSWD:ALL\nrunner ALL=(nobody) ALL\n', 0o440);
		const { error } = await install(machine, tarball, { trouble: 'password' });
		expect(error).toMatchObject({ code: 'install-failed', message: expect.stringMatching(/terminal is required|password/) });
	});

	it('is ended, with all that it has started, when the time is over', async () => {
		await using machine = await machineLikeMac(nix);
		const { error } = await install(machine, tarball, { trouble: 'slow', stopAfterMs: 4_000 });
		expect(error).toMatchObject({ code: 'deadline', message: "Nix's own installer: the time for it ran out." });
		expect(machine.has(Number(machine.readFile('/tmp/installer.slow')))).toBe(false);
		expectNothingLeft(machine);
	});

	it('whose daemon does not come is a failure that says where to look', async () => {
		await using machine = await machineLikeMac(nix);
		const { error } = await install(machine, tarball, { trouble: 'no-daemon', daemonPatienceMs: 2_000 });
		expect(error).toMatchObject({
			code: 'install-failed',
			message: 'Nix is installed, but 2 s later its daemon does not answer at /nix/var/nix/daemon-socket/socket.',
			hint: expect.stringContaining('/var/log/nix-daemon.log'),
		});
	});

	it('is not run from a tarball that has none', async () => {
		await using machine = await machineLikeMac(nix);
		await machine.run(['tar', '-cJf', '/tmp/other.tar.xz', '-C', '/etc', 'hosts']);
		const question: Ask = { call: 'own-installer', tarball: '/tmp/other.tar.xz', folder: FOLDER, stopAfterMs: 60_000 };
		const { error } = await ask(machine, question);
		expect(error).toMatchObject({ code: 'install-failed', message: 'The tarball is not that of a Nix release.' });
		expectNothingLeft(machine);
	});

	it('is not run with a disk that is full', async () => {
		await using machine = await machineLikeMac(nix);
		await machine.run(['mount', '-t', 'tmpfs', '-o', 'size=2m,mode=0777', 'tmpfs', FOLDER]);
		const { error } = await install(machine, tarball);
		expect(error).toMatchObject({ code: 'disk-full' });
		expectNothingLeft(machine);
	});
});
