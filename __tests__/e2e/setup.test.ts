import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { hashPartOf } from '../../src/nix/store-path.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { GRAPH, graph } from '../support/derivations.ts';
import { createMachine, type Daemon, type Machine } from '../support/machine.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import type { JobResult, RunningJob } from '../support/runner/steps.ts';
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

/** What later steps have from the action: the variables, and the files that those and the folder of the action's use hold. */
interface Told {
	readonly env: Readonly<Record<string, string>>;
	readonly files: readonly (readonly [name: string, mode: number, text: string])[];
}

/** `use` is random and the folder is the job's: they are replaced, so that two jobs can be compared. */
function toldTo({ machine, place, stages }: RunningJob): Told {
	const normal = (text: string): string => text.replaceAll(place.temp, '$TEMP').replace(/nix-cache-action-[0-9a-f]{12}/g, 'use');
	const env = Object.assign({}, ...stages.map((stage) => stage.env));
	const files = readdirSync(machine.outside(place.temp), { withFileTypes: true, recursive: true })
		.filter((entry) => entry.isFile() && ['nix.conf', 'netrc'].includes(entry.name))
		.map((entry) => join(entry.parentPath, entry.name))
		.sort()
		.map(
			(file) =>
				[normal(file).replace(/^.*\$TEMP/, '$TEMP'), statSync(file).mode & 0o777, normal(readFileSync(file, 'utf8'))] as const,
		);
	return {
		env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, normal(String(value))])),
		files,
	};
}

describe('pre and main', () => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix: '2.26' });
	});
	afterAll(async () => {
		await machine?.dispose();
	});

	const use = (local: boolean) =>
		uses({
			with: { cache: nginx.url, username: nginx.username, password: nginx.password, 'signing-key': secret, continuous: 'false' },
			local,
		});

	/** What was told before the action's step, and after it. */
	async function play(local: boolean, env: Readonly<Record<string, string>> = {}): Promise<readonly [Told, Told]> {
		const told: Told[] = [];
		const look = (job: RunningJob) => void told.push(toldTo(job));
		const result = await runJob(machine, [look, use(local), look], { env, secrets: [nginx.password, secret] });
		expect(result.status, result.log).toBe('success');
		expect(result.annotations, result.log).toEqual([]);
		expect(result.stages.map(({ stage }) => stage)).toEqual(local ? ['main', 'post'] : ['pre', 'main', 'post']);
		assertNoSecrets(result);
		const [before, after] = told;
		return [before ?? expect.unreachable(), after ?? expect.unreachable()];
	}

	it('tell Nix the same: the same files and variables after both, nothing twice', async () => {
		const [afterPre, afterMain] = await play(false);
		expect(afterMain).toEqual(afterPre);
		expect(afterMain.files.map(([name, mode]) => [name, mode])).toEqual([
			['$TEMP/use/netrc', 0o600],
			['$TEMP/use/nix.conf', expect.any(Number)],
		]);
		const [netrc = '', conf = ''] = afterMain.files.map(([, , text]) => text);
		expect(netrc.match(/machine/g)?.length, netrc).toBe(1);
		for (const text of [nginx.url, 'test-1:', 'netrc-file']) expect(conf.split(text).length, conf).toBe(2);
		const files = (afterMain.env.NIX_USER_CONF_FILES ?? '').split(':');
		expect(files.filter((file) => file === '$TEMP/use/nix.conf').length).toBe(1);
		expect(new Set(files).size).toBe(files.length);
	});

	it("keep a user's own NIX_USER_CONF_FILES, once", async () => {
		machine.writeFile('/root/own.conf', 'keep-derivations = false\n');
		const [afterPre, afterMain] = await play(false, { NIX_USER_CONF_FILES: '/root/own.conf' });
		expect(afterMain).toEqual(afterPre);
		expect(afterMain.env.NIX_USER_CONF_FILES?.split(':').sort()).toEqual(['$TEMP/use/nix.conf', '/root/own.conf']);
	});

	it('main alone, as with `uses: ./`, tells all that both tell', async () => {
		const [, both] = await play(false);
		const [nothing, alone] = await play(true);
		expect(nothing).toEqual({ env: {}, files: [] });
		expect(alone).toEqual(both);
	});

	it('main alone serves and pushes as both do', async () => {
		const play = () =>
			runJob(machine, [use(true), buildAll], {
				secrets: [nginx.password, secret],
				workspace: { 'job.nix': graph('alone') },
			});
		const first = await play();
		expect(first.stage('post').log, first.log).toMatch(/5 pushed/);
		expect(first.leftovers.filter((name) => !name.includes('report'))).toEqual([]);
		await machine.emptyStore();
		const second = await play();
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('post').log).toContain('Nothing new to push');
		for (const result of [first, second]) {
			expect(result.annotations, result.log).toEqual([]);
			assertNoSecrets(result);
		}
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
		const texts = (level: string) => second.annotations.filter((one) => one.level === level).map(({ message }) => message);
		expect(texts('warning'), second.log).toEqual([expect.stringMatching(/extra-trusted-users = stranger/)]);
		expect(texts('warning')).toEqual([expect.stringMatching(/extra-trusted-public-keys = test-1:/)]);
		// No hook either: the difference of the store does it all.
		expect(texts('notice')).toEqual([expect.stringMatching(/^Paths are not pushed while the job runs, but all at its end: /)]);
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

	it('has room for two uses of the action side by side, each with a cache and a key of its own', async () => {
		await using other = await startNginx({ password: 'another-password-of-the-second' });
		const otherSecret = formatSecretKey(generateKey('test-2'));
		const host = (url: string, name: string) => url.replace('127.0.0.1', name);
		// Two hosts: an entry of netrc knows no port.
		const steps = [
			action({ cache: host(nginx.url, 'cache.test') }),
			uses({
				name: 'second',
				with: {
					cache: host(other.url, 'other.test'),
					username: other.username,
					password: other.password,
					'signing-key': otherSecret,
				},
			}),
			buildAll,
		];
		const options = { secrets: [nginx.password, other.password, secret, otherSecret], workspace: { 'job.nix': graph('two') } };
		const play = async (): Promise<JobResult> => {
			const result = await runJob(machine, steps, options);
			expect(result.status, result.log).toBe('success');
			expect(result.annotations, result.log).toEqual([]);
			expect(result.leftovers.filter((name) => !name.includes('report'))).toEqual([]);
			assertNoSecrets(result);
			return result;
		};
		const first = await play();
		for (const [name, cache, signer] of [
			['action', nginx, 'test-1'],
			['second', other, 'test-2'],
		] as const) {
			expect(first.stage('post', name).log, first.log).toMatch(/5 pushed/);
			const ours = checkCache(cache.folder).filter(({ storePath }) => /-two(-doc)?$/.test(storePath));
			expect(ours.map(({ signatures }) => signatures.map((signature) => signature.split(':')[0]))).toEqual(
				Array.from({ length: 5 }, () => [signer]),
			);
		}
		// Each cache loses what the other keeps: Nix has to read from both, with the credentials and the key of each.
		for (const [{ folder }, lost] of [
			[nginx, /-(app|lib)-two(-doc)?$/],
			[other, /-(base|tool)-two$/],
		] as const) {
			const gone = checkCache(folder).filter(({ storePath }) => lost.test(storePath));
			expect(gone.length).toBeGreaterThan(1);
			for (const { storePath } of gone) rmSync(join(folder, `${hashPartOf(storePath)}.narinfo`));
		}
		await machine.emptyStore();
		const second = await play();
		expect(second.stage('run').log).not.toMatch(/^building '/m);
		for (const name of ['cache.test', 'other.test'])
			expect(second.stage('run').log).toMatch(new RegExp(`^copying path .*${name}`, 'm'));
	});
});
