import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/child.ts';
import { GRAPH, graph } from '../support/derivations.ts';
import { createMachine, type Daemon, type Machine } from '../support/machine.ts';
import { testedVersions } from '../support/versions.ts';
import { HookJob, one } from './hook-job.ts';

const TOKEN = 'ghp_secretsecretsecret';

/** Names and contents of everything in /etc/nix. */
function etcNix(machine: Machine): unknown {
	const folder = machine.outside('/etc/nix');
	return readdirSync(folder).map((name) => {
		const file = join(folder, name);
		return [name, lstatSync(file).isFile() ? readFileSync(file, 'utf8') : null];
	});
}

let machine: Machine;
afterEach(async () => {
	await machine?.dispose();
});

describe.each(testedVersions())('the post-build hook with Nix %s', (nix) => {
	let daemon: Daemon;
	beforeEach(async () => {
		machine = await createMachine({ nix });
		machine.addUser('runner');
		machine.addUser('sudoer', { sudo: true });
		machine.addUser('stranger');
	});

	const startDaemon = async (conf: readonly string[] = []): Promise<void> => {
		daemon = await machine.startDaemon({ trustedUsers: ['runner'], conf });
	};

	it.each([
		['root in a store of its own', 'root'],
		['a user whom the daemon trusts', 'runner'],
	])('notes the outputs of all builds, for %s, and no setting', async (_who, user) => {
		if (user !== 'root') await startDaemon();
		machine.writeFile('/own.conf', `access-tokens = github.com=${TOKEN}\n`);
		const job = new HookJob(machine, user, { NIX_USER_CONF_FILES: '/own.conf', AWS_SECRET_ACCESS_KEY: TOKEN });
		const answer = await job.start();
		expect(answer).toMatchObject({ hook: { whyNot: null }, warnings: [], configuration: { route: 'user-file' } });
		expect(await job.build(graph('hooked'), ...GRAPH)).toMatchObject({ code: 0 });
		const names = await job.built();
		expect([...names].sort()).toEqual(['app-hooked', 'app-hooked-doc', 'base-hooked', 'lib-hooked', 'tool-hooked']);
		expect(names.indexOf('base-hooked')).toBeLessThan(names.indexOf('lib-hooked'));
		expect(names.indexOf('lib-hooked')).toBeLessThan(names.indexOf('app-hooked'));

		expect(readFileSync(job.journal, 'utf8')).not.toContain(TOKEN);
		const { uid, mode } = statSync(job.journal);
		expect([uid, mode & 0o777]).toEqual([user === 'root' ? 0 : machine.user(user).uid, 0o600]);
		expect(statSync(join(job.journal, '..')).mode & 0o777).toBe(0o700);
		const script = answer.hook?.script ?? '';
		expect(machine.readFile(script)).not.toContain(TOKEN);

		await job.end();
		expect(await job.build(one('later'))).toMatchObject({ code: 0, stderr: expect.not.stringContaining('post-build-hook') });
	});

	it('comes with an include where sudo works, and leaves no trace in the configuration', async () => {
		await startDaemon();
		const before = etcNix(machine);
		const job = new HookJob(machine, 'sudoer');
		expect(await job.start()).toMatchObject({ hook: { whyNot: null }, configuration: { route: 'system-include' } });
		expect(await job.build(one('by-sudo'))).toMatchObject({ code: 0 });
		expect(await job.built()).toEqual(['by-sudo']);
		await job.end();
		expect(etcNix(machine)).toEqual(before);
		expect(daemon.starts()).toBe(3);
		expect(await job.build(one('later'))).toMatchObject({ code: 0, stderr: expect.not.stringContaining('post-build-hook') });
	});

	it('is not there for a user whom the daemon does not trust, who is told why', async () => {
		await startDaemon();
		const job = new HookJob(machine, 'stranger');
		const answer = await job.start();
		expect(answer.hook).toEqual({
			settings: [],
			journal: null,
			script: null,
			whyNot: expect.stringMatching(/does not trust this user, and there is no sudo/),
		});
		expect(answer).toMatchObject({ configuration: { route: 'none' }, warnings: [], exported: {} });
		expect(await job.build(one('untold'))).toMatchObject({ code: 0 });
	});

	it('is not put before the builds of all users of a daemon that others use', async () => {
		await startDaemon();
		const before = etcNix(machine);
		const job = new HookJob(machine, 'sudoer');
		const answer = await job.start({ isShared: true });
		expect(answer.hook).toMatchObject({ journal: null, whyNot: expect.stringContaining('other users build with it') });
		expect(etcNix(machine)).toEqual(before);
		expect(daemon.starts()).toBe(1);
	});

	it('tells two jobs apart that use one store at the same time: neither gets a path of the other', async () => {
		machine.addUser('second');
		await machine.startDaemon({ trustedUsers: ['runner', 'second'], conf: ['max-jobs = 4'] });
		const old = await new HookJob(machine, 'stranger').build(one('old'));
		expect(old.code).toBe(0);
		const jobs = [new HookJob(machine, 'runner'), new HookJob(machine, 'second')];
		for (const job of jobs) await job.start({ isShared: true });
		const before = machine.storeNames();
		await Promise.all(
			jobs.map(async (job) => {
				await job.build(graph(job.user), ...GRAPH);
				// No hook sees what is fetched; a link tells whose it is.
				for (const name of ['fetched', 'unlinked']) {
					machine.writeFile(`/tmp/${name}-by-${job.user}`, `${name} for ${job.user}`);
					const path = await machine.run(['nix-store', '--add', `/tmp/${name}-by-${job.user}`], { user: job.user });
					if (name === 'unlinked') continue;
					for (const [link, target] of [['result', path] as const, ['old', old.stdout.trim()] as const]) {
						await machine.run(
							['nix-store', '--realise', target, '--indirect', '--add-root', `${machine.home(job.user)}/${link}`],
							{
								user: job.user,
							},
						);
					}
				}
			}),
		);
		const built = (user: string) =>
			['app', 'app-doc', 'base', 'lib', 'tool'].map((name) => name.replace(/^\w+/, (first) => `${first}-${user}`));
		for (const job of jobs) {
			expect([...(await job.built())].sort()).toEqual(built(job.user));
			expect(await job.roots(before, true)).toEqual([...built(job.user), `fetched-by-${job.user}`].sort());
			// What the store alone would say.
			const all = jobs.flatMap(({ user }) => [...built(user), `fetched-by-${user}`, `unlinked-by-${user}`]);
			expect(await job.roots(before, false)).toEqual(all.sort());
		}
	});

	describe('beside a hook of the user', () => {
		beforeEach(() => {
			machine.writeFile('/own-hook', '#!/bin/sh\necho "$# $DRV_PATH" >> /tmp/own-ran\nexit $(cat /own-status)\n', 0o755);
			machine.writeFile('/own-status', '0');
			machine.writeFile('/own.conf', 'post-build-hook = /own-hook\n');
		});
		const ran = (): readonly string[] => machine.readFile('/tmp/own-ran').trim().split('\n');

		it.each(['root', 'runner'])('runs it, too, and lets its failure fail the build, for %s', async (user) => {
			if (user !== 'root') await startDaemon();
			const job = new HookJob(machine, user, { NIX_USER_CONF_FILES: '/own.conf' });
			await job.start();
			expect(await job.build(graph('both'), 'lib')).toMatchObject({ code: 0 });
			expect(await job.built()).toEqual(['base-both', 'lib-both']);
			expect(ran()).toEqual([expect.stringMatching(/^0 .*-base-both\.drv$/), expect.stringMatching(/^0 .*-lib-both\.drv$/)]);

			machine.writeFile('/own-status', '3');
			const failed = await job.build(one('noted'));
			expect(failed.code).toBe(1);
			expect(failed.stderr).toMatch(/failed with exit code 3/);
			expect(await job.built()).toContain('noted');
			await job.end();
			expect((await job.build(one('later'))).code).toBe(1);
			expect(ran().length).toBe(4);
		});

		it("runs that of the daemon's own configuration", async () => {
			await startDaemon(['post-build-hook = /own-hook']);
			for (const user of ['runner', 'sudoer']) {
				const job = new HookJob(machine, user);
				await job.start();
				expect(await job.build(one(`system-${user}`))).toMatchObject({ code: 0 });
				expect(await job.built()).toEqual([`system-${user}`]);
				expect(ran().at(-1)).toContain(`-system-${user}.drv`);
				await job.end();
			}
		});

		it('runs that of another use of the action in the same job', async () => {
			const first = new HookJob(machine, 'root', { NIX_USER_CONF_FILES: '/own.conf' }, 'first');
			await first.start();
			const second = new HookJob(machine, 'root', first.env, 'second');
			await second.start();
			expect(await second.build(one('twice'))).toMatchObject({ code: 0 });
			for (const job of [first, second]) expect(await job.built()).toEqual(['twice']);
			expect(ran().length).toBe(1);
			await second.end();
			expect(await first.build(one('once'))).toMatchObject({ code: 0 });
			expect(await first.built()).toEqual(['twice', 'once']);
		});

		it('gives way to one in NIX_CONFIG, which nothing can stand before', async () => {
			const job = new HookJob(machine, 'root', { NIX_CONFIG: 'cores = 1\npost-build-hook = /own-hook' });
			expect((await job.start()).hook).toMatchObject({ journal: null, whyNot: expect.stringContaining('NIX_CONFIG') });
			expect(await job.build(one('theirs'))).toMatchObject({ code: 0 });
			expect(ran().length).toBe(1);
		});
	});

	describe('that can not write its journal', () => {
		const quiet = { code: 0, stderr: expect.not.stringMatching(/post-build-hook: |cannot|No space|Read-only/) };

		it.each(['root', 'runner'])('never fails a build of %s', async (user) => {
			if (user !== 'root') await startDaemon();
			const job = new HookJob(machine, user);
			const hook = join(job.folder, 'hook');
			await job.start();
			expect(await job.build(one('first'))).toMatchObject(quiet);
			expect(await job.built()).toEqual(['first']);

			await machine.run(['mount', '--bind', hook, hook]);
			await machine.run(['mount', '-o', 'remount,bind,ro', hook]);
			expect(await job.build(one('read-only'))).toMatchObject(quiet);
			await machine.run(['umount', hook]);
			expect(await job.built()).toEqual(['first']);

			await machine.run(['mount', '-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', hook]);
			await machine.exec(['sh', '-c', `cat /dev/zero > ${hook}/built`]);
			expect(await job.build(one('full'))).toMatchObject(quiet);
			expect(readFileSync(job.journal).includes('full')).toBe(false);
			await machine.run(['umount', hook]);

			await machine.run(['rm', '-rf', job.folder]);
			expect(await job.build(one('gone'))).toMatchObject(quiet);
			expect(await machine.exec(['ls', job.folder])).toMatchObject({ code: 2 });
		});
	});

	it('does no harm where the daemon sees other files than the job', async () => {
		await startDaemon();
		await daemon.stop();
		machine.spawn(['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /tmp && exec nix-daemon']);
		await eventually('the daemon', async () => {
			const answer = await machine.exec(['nix-store', '-q', '--hash', '/nix/store/x'], { user: 'runner' });
			return !answer.stderr.includes('cannot connect');
		});
		const job = new HookJob(machine, 'runner');
		const { hook } = await job.start();
		expect(hook?.whyNot).toBeNull();
		const quiet = { code: 0, stderr: expect.not.stringMatching(/post-build-hook: |No such file/) };
		expect(await job.build(one('elsewhere'))).toMatchObject(quiet);
		expect(await job.built()).toEqual([]);

		// Its collector does not see our root, but the environment of a process.
		const sleeper = machine.spawn(['sleep', '60'], { user: 'runner', env: { HOOK: hook?.script ?? '' } });
		await machine.run(['nix-store', '--gc'], { user: 'runner', env: { NIX_REMOTE: 'daemon' } });
		expect(await job.build(one('after-collection'))).toMatchObject(quiet);
		sleeper.kill();
		await machine.run(['nix-store', '--gc'], { user: 'runner', env: { NIX_REMOTE: 'daemon' } });
		expect(machine.storeNames()).toEqual([]);
	});

	it('outlives garbage collection as long as the job, and is garbage then', async () => {
		await startDaemon();
		const job = new HookJob(machine, 'runner');
		const { hook } = await job.start();
		const script = hook?.script ?? '';
		await machine.run(['nix-collect-garbage']);
		expect(await job.build(one('after'))).toMatchObject({ code: 0 });
		expect(await job.built()).toEqual(['after']);
		await job.end();
		await machine.run(['nix-collect-garbage']);
		expect((await machine.exec(['ls', script])).code).not.toBe(0);
		expect(machine.storeNames().filter((name) => name.includes('nix-cache-action'))).toEqual([]);
	});

	it('takes little time of a build', async () => {
		await startDaemon();
		const job = new HookJob(machine, 'runner');
		const { tookMs = 0 } = await job.start();
		const builds = (salt: string): string =>
			`builtins.genList (n: ${one(`many-${salt}`).replace('builder =', 'n = n; builder =')}) 30`;
		const timed = async (salt: string, env: Readonly<Record<string, string>>): Promise<number> => {
			const startMs = performance.now();
			const argv = ['nix-build', '--no-out-link', '-j1', '-E', builds(salt)];
			await machine.run(argv, { user: 'runner', env, timeoutMs: 120_000 });
			return (performance.now() - startMs) / 30;
		};
		const rounds = ['a', 'b', 'c'];
		const without: number[] = [];
		const withHook: number[] = [];
		for (const round of rounds) {
			without.push(await timed(`${round}-without`, {}));
			withHook.push(await timed(`${round}-with`, job.env));
		}
		expect((await job.built()).length).toBe(90);
		const extraMs = Math.min(...withHook) - Math.min(...without);
		// 5 % of a build of 3 s; on an idle machine it is 3 to 10 ms, most of them for Nix to run any hook.
		expect(extraMs, `installed in ${tookMs} ms; a build without it: ${Math.min(...without)} ms`).toBeLessThan(150);
	});
});
