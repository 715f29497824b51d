import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { GRAPH, graph } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import { lookAlikeConf, machineWithoutNix, makeNixTarball, type NixTarball, withoutNixFolder } from '../support/nix-tarball.ts';
import type { JobOptions, JobResult, RunningJob } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';

const PROFILE = '/nix/var/nix/profiles/default';
const secret = formatSecretKey(generateKey('test-1'));
const build = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);

/** A server with the layout of releases.nixos.org. */
async function startMirror(tarball: NixTarball, credentials?: string): Promise<FaultyServer> {
	const mirror = await startFaultyServer({ basePath: '/nix/', ...(credentials === undefined ? {} : { credentials }) });
	mirror.write(tarball.path, tarball.bytes);
	mirror.write(`${tarball.path}.sha256`, tarball.hex);
	return mirror;
}

/** A job that installs Nix, builds, and pushes to a folder. */
async function play(machine: Machine, installNix: string, options: JobOptions = {}, netrc = ''): Promise<JobResult> {
	const cache = 'file:///var/cache/nix';
	const result = await runJob(
		machine,
		[uses({ with: { cache, 'signing-key': secret, 'install-nix': installNix, netrc } }), build],
		{
			workspace: { 'job.nix': graph('installed') },
			env: { NIX_CONFIG: lookAlikeConf(machine.nixVersion.startsWith('2.8.') ? '2.8' : '2.26') },
			...options,
			secrets: [secret, ...(options.secrets ?? [])],
		},
	);
	assertNoSecrets(result);
	return result;
}

const cacheOf = (machine: Machine): string => machine.outside('/var/cache/nix');
const messages = (result: JobResult): readonly string[] => result.annotations.map(({ level, message }) => `${level}: ${message}`);

function expectPushed(result: JobResult, machine: Machine): void {
	expect(result.status, result.log).toBe('success');
	expect(messages(result), result.log).toEqual([]);
	expect(result.stage('post').log).toMatch(/5 pushed/);
	expect(checkCache(cacheOf(machine)).length).toBe(5);
}

describe.each(testedVersions())('install-nix, Nix %s', (nix) => {
	let tarball: NixTarball;
	beforeAll(async () => {
		tarball = await makeNixTarball(nix);
	}, 120_000);

	it('gives a container one that builds and pushes; the next job has it from the tool cache', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		const installNix = `${tarball.version}\n${tarball.hash}\n${mirror.url}`;
		const first = await play(machine, installNix);
		expectPushed(first, machine);
		expect(first.leftovers).toEqual([expect.stringMatching(/^nix-cache-action-report-/)]);
		expect(mirror.requests.map(({ path }) => path)).toEqual([`/nix/${tarball.path}`]);
		await machine.run([`${PROFILE}/bin/nix-store`, '--verify', '--check-contents']);
		expect(readdirSync(machine.outside('/nix')).sort()).toEqual(['store', 'var']);

		await mirror.refuse();
		await machine.emptyStore();
		const second = await play(machine, installNix);
		expect(second.status, second.log).toBe('success');
		expect(second.stage('main').log).toContain('is in the tool cache');
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
	});

	it('makes /nix that of a user who has sudo, where no systemd runs', async () => {
		await using machine = await machineWithoutNix(nix);
		await withoutNixFolder(machine);
		const { uid } = machine.addUser('runner', { sudo: true });
		await machine.run(['install', '-d', '-o', 'runner', '/var/cache/nix']);
		await using mirror = await startMirror(tarball);
		const result = await play(machine, `${tarball.version} ${tarball.hash} ${mirror.url}`, { user: 'runner' });
		expectPushed(result, machine);
		expect(statSync(machine.outside('/nix/store')).uid).toBe(uid);
		expect(existsSync(machine.outside('/etc/nix'))).toBe(false);
	});

	it('starts the daemon where systemd runs, with users for builds, and the daemon trusts this user', async () => {
		await using machine = await machineWithoutNix(nix);
		await withoutNixFolder(machine);
		machine.addUser('runner', { sudo: true });
		await machine.run(['mkdir', '-p', '/run/systemd/system']);
		// Nix's daemon makes this folder when it first looks at the cache, and then it is root's.
		await machine.run(['install', '-d', '-o', 'runner', '/var/cache/nix', '/var/cache/nix/nar']);
		await using mirror = await startMirror(tarball);
		machine.writeFile('/etc/nix/nix.conf', 'keep-failed = true');
		const result = await play(machine, `${tarball.version} ${tarball.hash} ${mirror.url}`, { user: 'runner' });
		expectPushed(result, machine);
		expect(result.stage('main').log).toContain('with a daemon');
		expect(statSync(machine.outside('/nix/store'))).toMatchObject({ uid: 0, mode: 0o41775 });
		expect(machine.readFile('/etc/nix/nix.conf')).toBe(
			'keep-failed = true\nbuild-users-group = nixbld\ntrusted-users = root runner\n',
		);
		expect(machine.readFile('/etc/group')).toMatch(/^nixbld:.*nixbld1,.*nixbld32$/m);
	});

	it('starts the daemon of the Nix that is in the profile, also when that is another one later', async () => {
		await using machine = await machineWithoutNix(nix);
		await withoutNixFolder(machine);
		machine.addUser('runner', { sudo: true });
		await machine.run(['mkdir', '-p', '/run/systemd/system']);
		await machine.run(['install', '-d', '-o', 'runner', '/var/cache/nix', '/var/cache/nix/nar']);
		await using mirror = await startMirror(tarball);
		await play(machine, `${tarball.version} ${tarball.hash} ${mirror.url}`, { user: 'runner' });
		// As `nix upgrade-nix` does it.
		const upgrade = `set -e
			PATH=${PROFILE}/bin:$PATH
			unit=$(readlink -f ${PROFILE}/lib/systemd/system/nix-daemon.service)
			cp -r "\${unit%/lib/systemd/*}" /tmp/nix-99.9
			chmod -R u+w /tmp/nix-99.9
			echo '# upgraded' >> /tmp/nix-99.9/lib/systemd/system/nix-daemon.service
			nix-env --profile ${PROFILE} --install "$(nix-store --add /tmp/nix-99.9)"`;
		await machine.run(['sh', '-c', upgrade], { env: { NIX_CONFIG: lookAlikeConf(nix) } });
		const unit = await machine.run(['cat', '/etc/systemd/system/nix-daemon.service']);
		expect(unit).toContain('# upgraded');
	});
});

describe('install-nix', () => {
	const nix = '2.26';
	let tarball: NixTarball;
	beforeAll(async () => {
		tarball = await makeNixTarball(nix);
	}, 120_000);

	async function expectRefused(
		installNix: string,
		message: RegExp,
		{ prepare, user = 'root', netrc = '' }: { prepare?: (machine: Machine) => unknown; user?: string; netrc?: string } = {},
	) {
		await using machine = await machineWithoutNix(nix);
		await prepare?.(machine);
		const result = await play(machine, installNix, { user }, netrc);
		expect(result.status, result.log).toBe('failure');
		expect(messages(result), result.log).toEqual([expect.stringMatching(message)]);
		expect(machine.storeNames()).toEqual([]);
		expect(result.leftovers).toEqual([]);
	}

	it('without a hash takes the published one and says what to add; with that line it is silent', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		const first = await play(machine, `${tarball.version} ${mirror.url}`);
		expect(first.status, first.log).toBe('success');
		expect(messages(first)).toEqual([expect.stringContaining(`add \`${tarball.hash}\` to \`install-nix\``)]);
		await machine.emptyStore();
		const second = await play(machine, `${tarball.version} ${tarball.hash} ${mirror.url}`);
		expect(messages(second), second.log).toEqual([]);
	});

	it('leaves a Nix alone that is there, and asks no server', async () => {
		await using machine = await createMachine({ nix });
		await using mirror = await startMirror(tarball);
		const result = await play(machine, `2.31.2 ${mirror.url}`, { env: {} });
		expectPushed(result, machine);
		expect(result.stage('main').log).toContain('is there already');
		expect(mirror.requests).toEqual([]);
	});

	it('gives later steps the Nix that an earlier job left on the machine', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		const installNix = `${tarball.version} ${tarball.hash} ${mirror.url}`;
		await play(machine, installNix);
		await mirror.refuse();
		const second = await play(machine, installNix);
		expect(second.status, second.log).toBe('success');
		expect(second.stage('main').log).toContain('is there already');
	});

	it('refuses a tarball with another hash than the workflow gives, and installs nothing', async () => {
		await using mirror = await startMirror(tarball);
		const other = `sha256-${Buffer.alloc(32).toString('base64')}`;
		await expectRefused(`${tarball.version} ${other} ${mirror.url}`, /has the hash sha256-.*Nothing was installed/s);
	});

	it('refuses a tarball that is not the one whose hash stands beside it', async () => {
		await using mirror = await startMirror(tarball);
		mirror.write(`${tarball.path}.sha256`, `${'0'.repeat(64)}  nix.tar.xz\n`);
		await expectRefused(`${tarball.version} ${mirror.url}`, /not the one that stands beside it/);
	});

	it('refuses what is a tarball, but not one of Nix', async () => {
		await using mirror = await startMirror(tarball);
		await using machine = await createMachine({ nix });
		await machine.run(['tar', '-cJf', join(machine.work, 'x.tar.xz'), '-C', '/etc', 'hosts']);
		const bytes = await machine.exec(['cat', join(machine.work, 'x.tar.xz')]);
		mirror.write(tarball.path, bytes.bytes);
		const hex = (await machine.run(['sha256sum', join(machine.work, 'x.tar.xz')])).slice(0, 64);
		await expectRefused(`${tarball.version} sha256:${hex} ${mirror.url}`, /not that of a Nix release/);
	});

	it('names the version that does not exist', async () => {
		await using mirror = await startMirror(tarball);
		await expectRefused(`2.99.0 ${mirror.url}`, /Nix 2\.99\.0 for .*404.*Is the version right/s);
	});

	it('fetches again what broke off, and gives up after some times', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		const installNix = `${tarball.version} ${tarball.hash} ${mirror.url}`;
		mirror.fail({ path: /xz$/ }, { kind: 'cut', afterBytes: 100_000 }, { times: 2 });
		expectPushed(await play(machine, installNix), machine);
		mirror.fail({ path: /xz$/ }, { kind: 'cut', afterBytes: 100_000 });
		await expectRefused(installNix, /broke off 3 times/);
	});

	it('says that the disk is full', async () => {
		await using mirror = await startMirror(tarball);
		const small = (machine: Machine) => machine.run(['mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', '/nix']);
		await expectRefused(`${tarball.version} ${tarball.hash} ${mirror.url}`, /No space left on device.*400 MB/s, {
			prepare: small,
		});
	});

	it('fetches again what was damaged in the tool cache', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		const installNix = `${tarball.version} ${mirror.url}`;
		const first = await play(machine, installNix);
		expect(first.status, first.log).toBe('success');
		const system = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux`;
		const kept = join(machine.work, '_tool', 'nix', tarball.version, system, `${tarball.hex}.tar.xz`);
		expect(existsSync(kept)).toBe(true);
		writeFileSync(kept, 'damaged');
		await machine.emptyStore();
		const second = await play(machine, installNix);
		expect(second.status, second.log).toBe('success');
		expect(second.stage('main').log).toContain('is damaged and is fetched again');
	});

	describe('for a user who can not read the tool cache', () => {
		async function playWithout(mode: (folder: string) => void): Promise<JobResult> {
			await using machine = await machineWithoutNix(nix);
			await using mirror = await startMirror(tarball);
			machine.addUser('runner');
			await machine.run(['chown', 'runner', '/nix']);
			await machine.run(['install', '-d', '-o', 'runner', '/var/cache/nix']);
			const installNix = `${tarball.version} ${tarball.hash} ${mirror.url}`;
			expectPushed(await play(machine, installNix, { user: 'runner' }), machine);
			mode(join(machine.work, '_tool', 'nix', tarball.version, `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux`));
			await machine.run(['sh', '-c', 'chmod -R u+w /nix/store && rm -rf /nix/*']);
			return await play(machine, installNix, { user: 'runner' });
		}

		it('fetches again what it holds', async () => {
			const result = await playWithout((folder) => chmodSync(join(folder, `${tarball.hex}.tar.xz`), 0));
			expect(result.status, result.log).toBe('success');
			expect(result.stage('main').log).toMatch(/can't be read \(EACCES\) and is fetched again/);
		});

		it('fails the step where nothing is known to do about it, as there is no Nix to go on with', async () => {
			const result = await playWithout((folder) => chmodSync(folder, 0o111));
			expect(result.status, result.log).toBe('failure');
			expect(result.stage('main').conclusion).toBe('failure');
			expect(messages(result), result.log).toEqual([expect.stringMatching(/^error: Nix .* can't be installed: EACCES/)]);
		});
	});

	it('shows a mirror the credentials of the netrc, and nobody else', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball, 'ci:open-sesame-77');
		const installNix = `${tarball.version} ${tarball.hash} ${mirror.url}`;
		const secrets = ['open-sesame-77'];
		expectPushed(await play(machine, installNix, { secrets }, 'machine 127.0.0.1 login ci password open-sesame-77'), machine);
		await expectRefused(installNix, /401/);
		mirror.forgetRequests();
		await expectRefused(installNix, /401/, { netrc: 'default login ci password open-sesame-77' });
		expect(mirror.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
	});

	it('says why it can do nothing for a user without rights', async () => {
		await using mirror = await startMirror(tarball);
		const user = (machine: Machine) => machine.addUser('runner');
		await expectRefused(`${tarball.version} ${mirror.url}`, /may not write to `\/nix`.*no `sudo`/s, {
			prepare: user,
			user: 'runner',
		});
	});

	it('makes /nix where there is none, in a container', async () => {
		await using machine = await machineWithoutNix(nix);
		await withoutNixFolder(machine);
		await using mirror = await startMirror(tarball);
		expectPushed(await play(machine, `${tarball.version} ${tarball.hash} ${mirror.url}`), machine);
		expect(readdirSync(machine.outside('/nix')).sort()).toEqual(['store', 'var']);
		expect(readdirSync(machine.outside('/nix/store')).filter((name) => name.startsWith('.'))).toEqual(['.links']);
	});

	it('leaves the settings that are there', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		const own = '# ours\n build-users-group =\n';
		machine.writeFile('/etc/nix/nix.conf', own);
		expectPushed(await play(machine, `${tarball.version} ${tarball.hash} ${mirror.url}`), machine);
		expect(machine.readFile('/etc/nix/nix.conf')).toBe(own);
	});

	it('is asked for by a warning, where there is no Nix; the job goes on, and with it there is no warning', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		const result = await runJob(machine, [uses({})]);
		expect(result.status, result.log).toBe('success');
		expect(messages(result)).toEqual([expect.stringContaining('give `install-nix` a version')]);
		expect(result.stage('main').outputs).toMatchObject({ cache: 'none', 'can-push': 'false' });
		expectPushed(await play(machine, `${tarball.version} ${tarball.hash} ${mirror.url}`), machine);
	});

	it.each([20, 80, 140, 200, 300])('is done again when it was killed %i ms after it began', async (afterMs) => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		const installNix = `${tarball.version} ${tarball.hash} ${mirror.url}`;
		const kill = (line: string, job: RunningJob): void => {
			if (line.includes('Fetching')) setTimeout(() => job.running?.kill('SIGKILL'), afterMs);
		};
		await play(machine, installNix, { onLine: kill, strict: false });
		const second = await play(machine, installNix);
		expect(second.status, second.log).toBe('success');
		expect(second.stage('post').log).toMatch(/pushed|Nothing new/);
		await machine.run([`${PROFILE}/bin/nix-store`, '--verify', '--check-contents']);
	});

	it('is done once by two jobs at the same time', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		const installNix = `${tarball.version} ${tarball.hash} ${mirror.url}`;
		// A slow disk.
		machine.writeFile('/usr/local/bin/chmod', '#!/bin/sh\n/usr/bin/chmod "$@"\nexec sleep 0.3\n', 0o755);
		const both = await Promise.all([play(machine, installNix), play(machine, installNix)]);
		for (const result of both) expect(result.status, result.log).toBe('success');
		await machine.run([`${PROFILE}/bin/nix-store`, '--verify', '--check-contents']);
		expect(machine.readFile('/etc/nix/nix.conf')).toBe('build-users-group =\n');
	});

	it('is not kept from it by what an earlier one left behind, for a user who owns /nix', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		machine.addUser('runner');
		await machine.run(['chown', 'runner', '/nix']);
		await machine.run(['install', '-d', '-o', 'runner', '/var/cache/nix']);
		// Killed between the change of a path's mode and its move.
		const left =
			'umask 022 && mkdir -p /nix/.install-0/store/x/bin && touch /nix/.install-0/store/x/bin/nix && chmod -R a-w /nix/.install-0/store/x && touch -d "2 hours ago" /nix/.install-0';
		await machine.run(['sh', '-c', left], { user: 'runner' });
		const result = await play(machine, `${tarball.version} ${tarball.hash} ${mirror.url}`, { user: 'runner' });
		expectPushed(result, machine);
		expect(readdirSync(machine.outside('/nix')).sort()).toEqual(['store', 'var']);
	});

	it('ends in order when the job is cancelled meanwhile, and is done again', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		mirror.fail({ path: /xz$/ }, { kind: 'stall' });
		const installNix = `${tarball.version} ${tarball.hash} ${mirror.url}`;
		const cancel = (line: string, job: RunningJob): void => {
			if (line.includes('Fetching')) job.running?.kill('SIGINT');
		};
		const first = await play(machine, installNix, { onLine: cancel });
		expect(first.status, first.log).toBe('failure');
		expect(first.stage('main').log).toContain('SIGINT: ending; Nix may be there in part.');
		expect(messages(first), first.log).toEqual([expect.stringMatching(/can't be installed: .*cancelled/)]);
		expect(first.leftovers).toEqual([]);
		mirror.heal();
		expectPushed(await play(machine, installNix), machine);
	});

	it('leaves nothing of what was unpacked when the job was cancelled', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		machine.writeFile('/usr/local/bin/tar', '#!/bin/sh\n/usr/bin/tar "$@"\nexec sleep 1\n', 0o755);
		const installNix = `${tarball.version} ${tarball.hash} ${mirror.url}`;
		const isUnpacking = () => readdirSync(machine.outside('/nix')).some((name) => name.startsWith('.install-'));
		const stop = async (line: string, job: RunningJob): Promise<void> => {
			if (!line.includes('Fetching')) return;
			await expect.poll(isUnpacking, { timeout: 10_000 }).toBe(true);
			job.running?.kill('SIGINT');
		};
		const first = await play(machine, installNix, { onLine: (line, job) => void stop(line, job), strict: false });
		expect(first.status, first.log).toBe('failure');
		await expect.poll(isUnpacking, { timeout: 5_000 }).toBe(false);
		const second = await play(machine, installNix);
		expect(second.status, second.log).toBe('success');
		expect(readdirSync(machine.outside('/nix')).sort()).toEqual(['store', 'var']);
	});

	it('goes on where one stopped before the registration', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		const installNix = `${tarball.version} ${tarball.hash} ${mirror.url}`;
		await play(machine, installNix);
		await machine.run(['rm', '-rf', '/nix/var', '/etc/nix']);
		const second = await play(machine, installNix);
		expect(second.status, second.log).toBe('success');
		await machine.run([`${PROFILE}/bin/nix-store`, '--verify', '--check-contents']);
	});
});
