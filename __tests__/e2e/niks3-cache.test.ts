import { describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { GRAPH, graph } from '../support/derivations.ts';
import { createMachine } from '../support/machine.ts';
import { type Niks3Server, startNiks3Server } from '../support/niks3-server.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';
import { expectOneProblem } from './one-problem.ts';

const secret = formatSecretKey(generateKey('own-1'));
const nixBuild = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);
const job = ({ cacheUrl }: Niks3Server, more: Readonly<Record<string, string>> = {}) =>
	uses({ with: { cache: `${cacheUrl}?priority=10`, ...more } });
const pushedPaths = ({ committed }: Niks3Server) => [...committed].filter((key) => key.endsWith('.narinfo'));
const uploads = ({ storage }: Niks3Server) => storage.received.length;

describe.each(testedVersions())('a cache of niks3, Nix %s', (nix) => {
	it("takes what a job built by GitHub's token, signs it, gives it to the next one, and is asked for no more", async () => {
		await using server = await startNiks3Server({ servesAt: 'cache.test' });
		await using machine = await createMachine({ nix });
		const options = { workspace: { 'job.nix': graph(`niks3-${nix}`) }, env: server.identityEnv };
		const first = await runJob(machine, [job(server), nixBuild], options);
		expect(first.status, first.log).toBe('success');
		expect(first.annotations, first.log).toEqual([]);
		expect(first.stage('main').outputs).toMatchObject({
			cache: 'niks3',
			'can-push': 'true',
			substituters: `${server.substituter}?priority=10`,
		});
		expect(first.stage('post').log).toMatch(/5 pushed/);
		expect(pushedPaths(server).length).toBe(5);
		expect(server.pending.size).toBe(0);
		for (const token of server.identities) expect(first.log).not.toContain(token);
		await machine.emptyStore();
		const before = uploads(server);
		const second = await runJob(machine, [job(server), nixBuild], options);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('run').log).toMatch(/copying path .* from 'http:\/\/cache\.test/);
		expect(second.stage('post').log).toContain('Nothing new to push');
		expect(uploads(server)).toBe(before);
	});

	it('is read by everybody, signatures required', async () => {
		await using server = await startNiks3Server({ servesAt: 'cache.test' });
		await using machine = await createMachine({ nix });
		const steps = [job(server, { token: server.token }), nixBuild];
		const pushed = await runJob(machine, steps, { workspace: { 'job.nix': graph(`niks3-all-${nix}`) }, secrets: [server.token] });
		expect(pushed.status, pushed.log).toBe('success');
		assertNoSecrets(pushed);
		const paths = machine.storeNames().filter((name) => pushedPaths(server).includes(`${name.slice(0, 32)}.narinfo`));
		expect(paths.length).toBe(5);
		for (const reader of testedVersions()) {
			await using other = await createMachine({
				nix: reader,
				nixConf: [`substituters = ${server.substituter}`, `trusted-public-keys = ${server.publicKeys.join(' ')}`],
			});
			await other.run(['nix-store', '--realise', ...paths.map((name) => `/nix/store/${name}`)]);
		}
	});

	it('whose readers need credentials and which does not sign is read by a user who is not root, through a daemon', async () => {
		await using server = await startNiks3Server({ servesAt: 'cache.test', signs: false, readers: 'me:reading-secret' });
		await using machine = await createMachine({ nix });
		machine.addUser('runner');
		await machine.startDaemon({ trustedUsers: ['runner'] });
		const netrc = 'machine cache.test login me password reading-secret';
		const options = {
			user: 'runner',
			workspace: { 'job.nix': graph(`niks3-private-${nix}`) },
			secrets: [server.token, secret, 'reading-secret'],
		};
		const steps = [job(server, { token: server.token, 'signing-key': secret, netrc }), nixBuild];
		const first = await runJob(machine, steps, options);
		expect(first.status, first.log).toBe('success');
		expect(first.annotations, first.log).toEqual([]);
		expect(first.stage('post').log).toMatch(/5 pushed/);
		await machine.emptyStore();
		const second = await runJob(machine, steps, options);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('post').log).toContain('Nothing new to push');
		assertNoSecrets(second);
	});
});

describe('a cache of niks3 that can be read and not be pushed to', () => {
	it.each([
		['the token is wrong', { token: 'of-another-server' }, ['refuses the token of this job', 'the whole token of this server']],
		["the server takes no tokens of GitHub's", {}, ["takes no tokens of GitHub's", 'Give its API token as `token`']],
	] as const)('is read when %s, and the job is told at main', async (_when, inputs, texts) => {
		await using server = await startNiks3Server({ servesAt: 'cache.test', audience: null });
		await using machine = await createMachine({ nix: '2.26' });
		const options = { workspace: { 'job.nix': graph('niks3-read') }, env: server.identityEnv };
		const result = await runJob(machine, [job(server, { ...inputs, fallback: 'none' }), nixBuild], options);
		expect(result.status, result.log).toBe('success');
		expectOneProblem(result, ...texts);
		expect(result.stage('main').annotations.length, result.log).toBe(1);
		expect(result.stage('main').outputs).toMatchObject({ cache: 'niks3', 'can-push': 'false' });
	});

	it('is read by a pull request from a fork, which has neither token nor identity, and nothing is said', async () => {
		await using server = await startNiks3Server({ servesAt: 'cache.test' });
		await using machine = await createMachine({ nix: '2.34' });
		const workspace = { 'job.nix': graph('niks3-fork') };
		const pushed = await runJob(machine, [job(server), nixBuild], { workspace, env: server.identityEnv });
		expect(pushed.status, pushed.log).toBe('success');
		await machine.emptyStore();
		const result = await runJob(machine, [job(server), nixBuild], { event: 'fork_pull_request', workspace });
		expect(result.status, result.log).toBe('success');
		expect(result.annotations, result.log).toEqual([]);
		expect(result.stage('run').log).not.toMatch(/^building '/m);
		expect(result.stage('post').log).toContain('id-token: write');
	});
});
