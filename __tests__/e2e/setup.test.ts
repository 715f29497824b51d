import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { GRAPH, graph } from '../support/derivations.ts';
import { createMachine, type Daemon, type Machine } from '../support/machine.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import type { JobResult } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';

const secret = formatSecretKey(generateKey('test-1'));

let nginx: Nginx;
beforeAll(async () => {
	nginx = await startNginx();
});
afterAll(async () => {
	await nginx?.dispose();
});

const action = (more: Readonly<Record<string, string>> = {}) =>
	uses({ with: { cache: nginx.url, username: nginx.username, password: nginx.password, 'signing-key': secret, ...more } });

const buildAll = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);

function job(machine: Machine, salt: string, user: string, env: Readonly<Record<string, string>> = {}): Promise<JobResult> {
	return runJob(machine, [action(), buildAll], {
		user,
		env,
		secrets: [nginx.password, secret],
		workspace: { 'job.nix': graph(salt) },
	});
}

/** Plays the job twice with an emptied store between: built and pushed first, then taken from the cache. */
async function twice(machine: Machine, daemon: Daemon, salt: string, user: string): Promise<JobResult> {
	const first = await job(machine, salt, user);
	expect(first.status, first.log).toBe('success');
	expect(first.stage('post').log).toMatch(/5 pushed/);
	assertNoSecrets(first);
	await daemon.stop();
	await machine.emptyStore();
	await daemon.restart();
	const second = await job(machine, salt, user);
	expect(second.status, second.log).toBe('success');
	assertNoSecrets(second);
	return second;
}

describe('pre and main', () => {
	it('say the same to Nix once, and main alone says all of it', async () => {
		await using machine = await createMachine({ nix: '2.26' });
		const seen: Record<string, string> = {};
		const look = (name: string) =>
			run(`echo "$NIX_USER_CONF_FILES"; for file in \${NIX_USER_CONF_FILES//:/ }; do [ ! -e $file ] || cat $file; done`, {
				name,
			});
		const steps = (local: boolean) => [
			uses({ with: { cache: nginx.url, username: nginx.username, password: nginx.password, 'signing-key': secret }, local }),
			look('look'),
		];
		for (const local of [false, true]) {
			const result = await runJob(machine, steps(local), { secrets: [nginx.password, secret] });
			expect(result.status, result.log).toBe('success');
			expect(result.annotations, result.log).toEqual([]);
			if (!local) expect(result.stage('main').env).toEqual(result.stage('pre').env);
			const log = result.stage('run', 'look').log;
			seen[String(local)] = log.replace(/nix-cache-action-[0-9a-f]{12}/g, 'ours').replace(/job-\d+/g, 'job');
			expect(log.match(/nix-cache-action-[0-9a-f]{12}\/nix\.conf/g)?.length, log).toBe(1);
			expect(log.match(/^extra-substituters/gm)?.length, log).toBe(1);
			assertNoSecrets(result);
		}
		expect(seen.true).toBe(seen.false);
	});
});

describe.each(testedVersions())('configuring Nix %s through a daemon', (nix) => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix });
		machine.addUser('trusted');
		machine.addUser('sudoer', { sudo: true });
		machine.addUser('stranger');
	});
	afterAll(async () => {
		await machine?.dispose();
	});

	it('tells a daemon that trusts the user through a file of our own', async () => {
		const daemon = await machine.startDaemon({ trustedUsers: ['trusted'] });
		const before = machine.readFile('/etc/nix/nix.conf');
		const second = await twice(machine, daemon, `trusted-${nix}`, 'trusted');
		expect(second.stage('run').log).not.toMatch(/^building '/m);
		expect(second.annotations, second.log).toEqual([]);
		expect(machine.readFile('/etc/nix/nix.conf')).toBe(before);
		await daemon.stop();
	});

	it('lets the system include a file and restarts the daemon where sudo works, and leaves no trace', async () => {
		const daemon = await machine.startDaemon();
		const before = machine.readFile('/etc/nix/nix.conf');
		const second = await twice(machine, daemon, `sudoer-${nix}`, 'sudoer');
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.annotations, second.log).toEqual([]);
		expect(machine.readFile('/etc/nix/nix.conf')).toBe(before);
		expect(await machine.run(['ls', '/etc/nix'])).not.toMatch(/nix-cache-action/);
		await daemon.stop();
	});

	it('says the line to add where nothing else works, builds, and pushes all the same', async () => {
		const daemon = await machine.startDaemon();
		const second = await twice(machine, daemon, `stranger-${nix}`, 'stranger');
		expect(second.stage('run').log).toMatch(/^building '/m);
		const texts = second.annotations.map(({ message }) => message);
		expect(texts.length, second.log).toBe(1);
		expect(texts[0]).toMatch(/extra-trusted-users = stranger/);
		expect(texts[0]).toMatch(/extra-trusted-public-keys = test-1:/);
		await daemon.stop();
	});
});

describe('the configuration of a user', () => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix: '2.26' });
	});
	afterAll(async () => {
		await machine?.dispose();
	});

	it('keeps its own say: NIX_USER_CONF_FILES, netrc entries, and nothing is left when the job ends', async () => {
		machine.writeFile(
			'/root/own.conf',
			'keep-derivations = false\nextra-trusted-public-keys = own-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=\n',
		);
		machine.writeFile('/etc/nix/netrc', 'machine other.test login someone password something-else\n', 0o600);
		const show = run(
			'nix --extra-experimental-features nix-command config show > shown; cat shown; cat "$(sed -n "s/^netrc-file = //p" shown)"',
		);
		const result = await runJob(machine, [action(), show], {
			env: { NIX_USER_CONF_FILES: '/root/own.conf' },
			secrets: [nginx.password, secret],
		});
		expect(result.status, result.log).toBe('success');
		const seen = result.stage('run').log;
		expect(seen).toMatch(/^keep-derivations = false/m);
		expect(seen).toMatch(/^trusted-public-keys = .*own-1:.*test-1:|^trusted-public-keys = .*test-1:.*own-1:/m);
		expect(seen).toMatch(/^substituters = .*127\.0\.0\.1/m);
		expect(seen).toMatch(/machine other\.test\s+login someone\s+password something-else/);
		expect(result.leftovers.filter((name) => !name.includes('report'))).toEqual([]);
		expect(existsSync(machine.outside('/root/.config/nix'))).toBe(false);
	});

	it('has room for two uses of the action side by side', async () => {
		await using other = await startNginx({ password: 'another-password-of-the-second' });
		const second = uses({
			name: 'second',
			with: { cache: other.url, username: other.username, password: other.password, 'signing-key': secret },
		});
		const result = await runJob(machine, [action(), second, buildAll], {
			secrets: [nginx.password, other.password, secret],
			workspace: { 'job.nix': graph('two') },
		});
		expect(result.status, result.log).toBe('success');
		expect(result.stage('post', 'action').log).toMatch(/5 pushed/);
		expect(result.stage('post', 'second').log).toMatch(/5 pushed/);
		expect(result.leftovers.filter((name) => !name.includes('report'))).toEqual([]);
	});
});
