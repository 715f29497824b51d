import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { type CachixServer, startCachixServer } from '../support/cachix-server.ts';
import { GRAPH, graph } from '../support/derivations.ts';
import { createMachine } from '../support/machine.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';
import { expectOneProblem } from './one-problem.ts';

const key = generateKey('mine.cachix.org-1');
const secret = formatSecretKey(key);
/** As Cachix's own tools write it. */
const namelessSecret = secret.slice(secret.indexOf(':') + 1);
const salt = (nix: string) => `cachix-${nix}`;
const attributes = GRAPH.map((name) => `-A ${name}`).join(' ');
const nixBuild = run(`nix-build --no-out-link job.nix ${attributes}`);

const job = (server: CachixServer, more: Readonly<Record<string, string>> = {}) =>
	uses({ with: { cache: `${server.cacheUrl}&priority=10`, token: server.token, ...more } });

describe.each(testedVersions())('a public cache of Cachix, Nix %s', (nix) => {
	it('takes what a job built, signs it, gives it to the next one, and is asked for no more', async () => {
		await using server = await startCachixServer({ servesAt: 'cache.test' });
		await using machine = await createMachine({ nix });
		const options = { workspace: { 'job.nix': graph(salt(nix)) }, secrets: [server.token] };
		const first = await runJob(machine, [job(server), nixBuild], options);
		expect(first.status, first.log).toBe('success');
		expect(first.annotations, first.log).toEqual([]);
		expect(first.stage('main').outputs).toMatchObject({
			cache: 'cachix',
			'can-push': 'true',
			substituters: `${server.uri}?priority=10`,
		});
		expect(first.stage('post').log).toMatch(/5 pushed/);
		expect(server.narInfos.size).toBe(5);
		expect(server.openUploads.size).toBe(0);
		await machine.emptyStore();
		const puts = server.storage.received.filter(({ method }) => method === 'PUT').length;
		const second = await runJob(machine, [job(server), nixBuild], options);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('post').log).toContain('Nothing new to push');
		expect(server.storage.received.filter(({ method }) => method === 'PUT').length).toBe(puts);
		assertNoSecrets(second);
	});

	it('is read by everybody, signatures required', async () => {
		await using server = await startCachixServer({ servesAt: 'cache.test' });
		await using machine = await createMachine({ nix });
		const pushed = await runJob(machine, [job(server), nixBuild], { workspace: { 'job.nix': graph(salt(nix)) } });
		expect(pushed.status, pushed.log).toBe('success');
		expect(server.narInfos.size).toBe(5);
		for (const reader of testedVersions()) {
			await using other = await createMachine({
				nix: reader,
				nixConf: [
					`substituters = ${server.uri}`,
					`trusted-public-keys = ${server.managedKey === null ? '' : formatPublicKey(publicKeyOf(server.managedKey))}`,
				],
			});
			for (const { storePath } of server.narInfos.values()) await other.run(['nix-store', '--realise', storePath]);
		}
	});
});

describe.each(testedVersions())('a private cache of Cachix with a key of its own, Nix %s', (nix) => {
	it('is read with the token, through a daemon and by a user who is not root', async () => {
		await using server = await startCachixServer({ servesAt: 'cache.test', isPrivate: true, publicKeys: [publicKeyOf(key)] });
		await using machine = await createMachine({ nix });
		machine.addUser('runner');
		await machine.startDaemon({ trustedUsers: ['runner'] });
		const options = {
			user: 'runner',
			workspace: { 'job.nix': graph(salt(nix)) },
			secrets: [server.token, secret, namelessSecret],
		};
		const steps = [job(server, { 'signing-key': namelessSecret }), nixBuild];
		const first = await runJob(machine, steps, options);
		expect(first.status, first.log).toBe('success');
		expect(first.annotations, first.log).toEqual([]);
		expect(first.stage('post').log).toMatch(/5 pushed/);
		assertNoSecrets(first);
		await machine.emptyStore();
		const second = await runJob(machine, [job(server), nixBuild], options);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('run').log).toMatch(/copying path .* from 'http:\/\/cache\.test/);
		expect(second.stage('post').log).toContain('Nothing new to push');
		assertNoSecrets(second);
	});
});

describe('a cache of Cachix that can be read and not be pushed to', () => {
	it.each([
		['the token only reads', { permission: 'Read' }, {}, ['The token may read cachix://mine', 'right to write']],
		[
			'the key is another one',
			{},
			{ 'signing-key': secret },
			['`signing-key` is not a key of cachix://mine', 'the secret key that belongs to it'],
		],
	] as const)('is read when %s, and the job is told at main', async (_when, serverOptions, inputs, texts) => {
		await using server = await startCachixServer({ servesAt: 'cache.test', ...serverOptions });
		await using machine = await createMachine({ nix: '2.26' });
		const options = { workspace: { 'job.nix': graph('read') }, secrets: [server.token, secret] };
		const result = await runJob(machine, [job(server, { ...inputs, fallback: 'none' }), nixBuild], options);
		expect(result.status, result.log).toBe('success');
		expectOneProblem(result, ...texts);
		expect(result.stage('main').annotations.length, result.log).toBe(1);
		expect(result.stage('main').outputs).toMatchObject({ cache: 'cachix', 'can-push': 'false' });
	});

	it.each([
		[
			'the name',
			(server: CachixServer) => ({ cache: server.cacheUrl.replace('mine', 'yours') }),
			['has no cachix://yours', 'NAME.cachix.org'],
		],
		['the token', () => ({ token: 'of-another-server' }), ['refuses the token for cachix://mine', 'complete, not revoked']],
	] as const)('costs one line when %s is wrong', async (_what, wrong, texts) => {
		await using server = await startCachixServer({ servesAt: 'cache.test' });
		await using machine = await createMachine({ nix: '2.34' });
		const options = { workspace: { 'job.nix': graph('wrong') }, secrets: [server.token] };
		const result = await runJob(machine, [job(server, { fallback: 'none', ...wrong(server) }), nixBuild], options);
		expect(result.status, result.log).toBe('success');
		expectOneProblem(result, ...texts);
		const strict = await runJob(machine, [job(server, { push: 'always', ...wrong(server) })], options);
		expect(strict.status, strict.log).toBe('failure');
	});

	it('is read without a token, as in a pull request from a fork, and nothing is said', async () => {
		await using server = await startCachixServer({ servesAt: 'cache.test' });
		await using machine = await createMachine({ nix: '2.34' });
		const pushed = await runJob(machine, [job(server), nixBuild], { workspace: { 'job.nix': graph('fork') } });
		expect(pushed.status, pushed.log).toBe('success');
		await machine.emptyStore();
		const steps = [job(server, { token: '' }), nixBuild];
		const result = await runJob(machine, steps, { event: 'fork_pull_request', workspace: { 'job.nix': graph('fork') } });
		expect(result.status, result.log).toBe('success');
		expect(result.annotations, result.log).toEqual([]);
		expect(result.stage('run').log).not.toMatch(/^building '/m);
		expect(result.stage('post').log).toContain('there is no `token`');
	});
});

it('a cache of Cachix on a second line finds its token in netrc, and signs what the key of the first line signs there', async () => {
	await using server = await startCachixServer({ servesAt: 'cache.test' });
	await using machine = await createMachine({ nix: '2.26' });
	const folder = join(machine.work, 'nix');
	const own = formatSecretKey(generateKey('folder-1'));
	const inputs = {
		cache: `file://${folder}\n${server.cacheUrl}`,
		netrc: `machine mine.127.0.0.1 login x password ${server.token}`,
		'signing-key': own,
	};
	const options = { workspace: { 'job.nix': graph('two') }, secrets: [server.token, own] };
	const result = await runJob(machine, [uses({ with: inputs }), nixBuild], options);
	expect(result.status, result.log).toBe('success');
	expect(result.annotations, result.log).toEqual([]);
	expect(checkCache(folder).length).toBe(5);
	expect(server.narInfos.size).toBe(5);
	for (const { signatures } of server.narInfos.values()) expect(signatures).toEqual([expect.stringMatching(/^mine\.cachix/)]);
	assertNoSecrets(result);
});
