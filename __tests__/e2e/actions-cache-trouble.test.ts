import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { type RemoteCacheService, spawnCacheService } from '../support/cache-service/connect.ts';
import { chain, graph } from '../support/derivations.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import { startNginx } from '../support/nginx.ts';
import type { JobResult, Step } from '../support/runner/steps.ts';
import { run, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';
import { built, copied, MAIN, type PlayOptions, play, warnings } from './actions-cache-store.ts';

const BUILD = 'nix-build --no-out-link job.nix -A app';

let service: RemoteCacheService;
beforeAll(async () => {
	service = await spawnCacheService();
});
afterAll(async () => {
	expect(await service.violations()).toEqual([]);
	await service.stop();
});

const job = (machine: Machine, steps: readonly Step[], options: PlayOptions): Promise<JobResult> =>
	play(service, machine, steps, options);
const twoSteps = [uses({}), run(BUILD)];

describe('what GitHub evicts', () => {
	it.each([
		['packs', 'nca1-p-'],
		['indexes', 'nca1-i-'],
	])('is built again and pushed again: %s', async (name, keyPrefix) => {
		const repository = `octo/evicted-${name}`;
		await using machine = await createMachine({ nix: '2.26' });
		const options = { repository, workspace: { 'job.nix': graph(`evicted-${name}`) } };
		await job(machine, twoSteps, options);
		expect(await service.evict({ repository, keyPrefix })).toBe(1);
		await machine.emptyStore();
		const second = await job(machine, twoSteps, options);
		expect(built(second), second.log).toBe(4);
		await machine.emptyStore();
		const third = await job(machine, twoSteps, options);
		expect(built(third), third.log).toBe(0);
	});

	it('takes nothing else along: a pack that goes costs its own paths alone', async () => {
		const repository = 'octo/one-pack';
		await using machine = await createMachine({ nix: '2.34' });
		const workspace = { 'one.nix': graph('one'), 'two.nix': graph('two') };
		const both = [uses({}), run('nix-build --no-out-link one.nix -A app; nix-build --no-out-link two.nix -A app')];
		await job(machine, [uses({}), run('nix-build --no-out-link one.nix -A app')], { repository, workspace });
		const first = await service.entries({ repository, keyPrefix: 'nca1-p-' });
		await job(machine, both, { repository, workspace });
		await service.evict({ repository, keyPrefix: first[0]?.key ?? 'none' });
		await machine.emptyStore();
		const after = await job(machine, both, { repository, workspace });
		expect(built(after), after.log).toBe(4);
		await machine.emptyStore();
		const healed = await job(machine, both, { repository, workspace });
		expect(built(healed), healed.log).toBe(0);
	});
});

describe('a pack with other bytes', () => {
	it('is not served, and what was in it is built', async () => {
		const repository = 'octo/corrupt';
		await using machine = await createMachine({ nix: '2.34' });
		const options = { repository, workspace: { 'job.nix': graph('corrupt') } };
		await job(machine, twoSteps, options);
		const [pack] = await service.entries({ repository, keyPrefix: 'nca1-p-' });
		await service.overwrite(pack?.key ?? '', Buffer.alloc(100_000, 'x').toString('base64'));
		await machine.emptyStore();
		const second = await job(machine, twoSteps, options);
		expect(built(second), second.log).toBe(4);
		expect(warnings(second)).toEqual([]);
	});

	it('is no index either', async () => {
		const repository = 'octo/corrupt-index';
		await using machine = await createMachine({ nix: '2.26' });
		const options = { repository, workspace: { 'job.nix': graph('corrupt-index') } };
		await job(machine, twoSteps, options);
		const [index] = await service.entries({ repository, keyPrefix: 'nca1-i-' });
		await service.overwrite(index?.key ?? '', Buffer.from('NIXCINDX and nothing more').toString('base64'));
		await machine.emptyStore();
		const second = await job(machine, twoSteps, options);
		expect(built(second), second.log).toBe(4);
		expect(second.stage('main').log).toMatch(/The index `nca1-i-\S+` in the Actions cache can't be used/);
		await machine.emptyStore();
		const third = await job(machine, twoSteps, options);
		expect(built(third), third.log).toBe(0);
	});
});

describe('one answer that is not understood', () => {
	it('costs one path once, and none that other jobs stored', async () => {
		const repository = 'octo/strange-answer';
		await using machine = await createMachine({ nix: '2.34' });
		const workspace = { 'old.nix': graph('strange-old'), 'used.nix': graph('strange-used'), 'new.nix': graph('strange-new') };
		const build = (...names: readonly string[]): Step =>
			run(names.map((name) => `nix-build --no-out-link ${name}.nix -A app`).join('; '));
		const action = uses({ with: { continuous: 'false' } });
		await job(machine, [action, build('old', 'used')], { repository, workspace });
		await machine.emptyStore();
		const strange = (): Promise<void> => service.inject({ operation: 'lookup', fault: 'not-json', times: 2 });
		await job(machine, [action, strange, build('used', 'new')], { repository, workspace });
		await machine.emptyStore();
		const third = await job(machine, [action, build('old', 'used', 'new')], { repository, workspace });
		expect(built(third), third.log).toBe(0);
	});
});

describe('twenty jobs of a matrix at the same time', () => {
	it('lose nothing of each other', async () => {
		const repository = 'octo/matrix';
		const common = chain(3, 'common');
		const expression = (index: number): string => `{ common = ${common}; app = ${graph(`cell-${index}`)}.app; }`;
		const cells = Array.from({ length: 20 }, (_, index) => index);
		const cell = async (index: number): Promise<void> => {
			await using machine = await createMachine({ nix: '2.34' });
			const steps = [uses({}), run('nix-build --no-out-link job.nix')];
			await job(machine, steps, { repository, jobIndex: index, workspace: { 'job.nix': expression(index) } });
		};
		// All of them read before the first one writes.
		await Promise.all(cells.map(cell));
		await using machine = await createMachine({ nix: '2.34' });
		const workspace = Object.fromEntries(cells.map((index) => [`job-${index}.nix`, expression(index)]));
		const all = [uses({}), run('for file in job-*.nix; do nix-build --no-out-link $file; done')];
		const last = await job(machine, all, { repository, workspace });
		expect(built(last), last.log).toBe(0);
		expect(copied(last)).toBeGreaterThanOrEqual(20 * 3);
	}, 300_000);
});

describe.each(testedVersions())('a service that fails, Nix %s', (nix) => {
	it.each([
		['lookups get a 502', { operation: 'lookup', fault: 'bad-gateway' }],
		['lookups are throttled', { operation: 'lookup', fault: 'throttled' }],
		['blobs are gone', { operation: 'blob-get', fault: 'gone' }],
		['blobs are throttled', { operation: 'blob-get', fault: 'busy' }],
		['blobs break off', { operation: 'blob-get', fault: 'reset' }],
	] as const)('never makes a job red: %s', async (name, injection) => {
		const repository = `octo/${name.replaceAll(' ', '-')}-${nix}`;
		await using machine = await createMachine({ nix });
		const options = { repository, workspace: { 'job.nix': graph(`${name.replaceAll(' ', '-')}-${nix}`) } };
		await job(machine, twoSteps, options);
		await machine.emptyStore();
		const steps = [uses({}), () => service.inject(injection), run(BUILD)];
		try {
			const second = await job(machine, steps, options);
			expect(built(second), second.log).toBe(4);
			await machine.emptyStore();
			const third = await job(machine, twoSteps, options);
			expect(built(third), third.log).toBe(4);
			expect(warnings(third).length, third.log).toBeLessThanOrEqual(1);
		} finally {
			await service.clearFaults();
		}
	});
});

describe('who may', () => {
	const key = generateKey('team-1');

	it('serves signed paths to jobs with a key, without trusting the cache itself', async () => {
		const repository = 'octo/signed';
		await using machine = await createMachine({ nix: '2.34' });
		const options = { repository, workspace: { 'job.nix': graph('signed') }, secrets: [formatSecretKey(key)] };
		const signed = [uses({ with: { 'signing-key': formatSecretKey(key) } }), run(BUILD)];
		await job(machine, signed, options);
		await machine.emptyStore();
		const second = await job(machine, signed, options);
		expect(built(second), second.log).toBe(0);
		expect(second.stage('main').outputs.substituters).not.toContain('trusted');
		expect(second.stage('main').outputs['public-key']).toBe(formatPublicKey(publicKeyOf(key)));
		await machine.emptyStore();
		const other = generateKey('other-1');
		const strangers = [uses({ with: { 'signing-key': formatSecretKey(other) } }), run(BUILD)];
		const third = await job(machine, strangers, { ...options, secrets: [formatSecretKey(other)] });
		expect(built(third), third.log).toBe(4);
	});

	it('signs what was stored without a key before, without storing it again', async () => {
		const repository = 'octo/signed-later';
		await using machine = await createMachine({ nix: '2.26' });
		const options = { repository, workspace: { 'job.nix': graph('signed-later') } };
		await job(machine, twoSteps, options);
		const secrets = [formatSecretKey(key)];
		const signed = [uses({ with: { 'signing-key': formatSecretKey(key) } }), run(BUILD)];
		await machine.emptyStore();
		const second = await job(machine, signed, { ...options, secrets });
		expect(built(second), second.log).toBe(4);
		expect((await service.entries({ repository, keyPrefix: 'nca1-p-' })).length).toBe(1);
		await machine.emptyStore();
		const third = await job(machine, signed, { ...options, secrets });
		expect(built(third), third.log).toBe(0);
	});

	it('keeps what a pull request from a fork builds for that pull request, next to a cache that it can only read', async () => {
		const repository = 'octo/fork';
		await using cache = await startNginx({ auth: 'write' });
		await using machine = await createMachine({ nix: '2.26' });
		const workspace = { 'job.nix': graph('fork') };
		const own = uses({
			with: { cache: cache.url, username: cache.username, password: cache.password, 'signing-key': formatSecretKey(key) },
		});
		const secrets = [cache.password, formatSecretKey(key)];
		await job(machine, [own, run('nix-build --no-out-link job.nix -A lib')], { repository, workspace, secrets });
		await machine.emptyStore();
		const trusted = formatPublicKey(publicKeyOf(key));
		const steps = [uses({ with: { cache: cache.url, 'trusted-public-keys': trusted } }), run(BUILD)];
		const fork = await job(machine, steps, { repository, workspace, event: 'fork_pull_request' });
		expect(built(fork), fork.log).toBe(2);
		expect(warnings(fork), fork.log).toEqual([]);
		expect(fork.stage('main').log).toMatch(/ is pushed .* to the Actions cache\./);
		await machine.emptyStore();
		const again = await job(machine, steps, { repository, workspace, event: 'fork_pull_request' });
		expect(built(again), again.log).toBe(0);
		expect(again.stage('main').outputs.cache).toBe('http');
		const scopes = new Set((await service.entries({ repository })).map(({ scope }) => scope));
		expect([...scopes]).toEqual(['refs/pull/7/merge']);
	});

	it('lets a pull request read what the default branch has, and not the other way round', async () => {
		const repository = 'octo/scopes';
		await using machine = await createMachine({ nix: '2.26' });
		const options = { repository, workspace: { 'job.nix': graph('scopes') } };
		await job(machine, [uses({}), run('nix-build --no-out-link job.nix -A lib')], { ...options, ref: MAIN });
		await machine.emptyStore();
		const pull = await job(machine, twoSteps, { ...options, event: 'pull_request' });
		expect(built(pull), pull.log).toBe(2);
		await machine.emptyStore();
		const main = await job(machine, twoSteps, options);
		expect(built(main), main.log).toBe(2);
	});

	it.each([
		['read', 'can-push', 'false'],
		['none', 'cache', 'none'],
	] as const)('does what `cache-mode: %s` says without a warning', async (mode, output, value) => {
		const repository = `octo/mode-${mode}`;
		await using machine = await createMachine({ nix: '2.26' });
		const result = await job(machine, twoSteps, { repository, mode, workspace: { 'job.nix': graph(`mode-${mode}`) } });
		expect(result.stage('main').outputs[output], result.log).toBe(value);
		expect(warnings(result), result.log).toEqual([]);
		expect(await service.entries({ repository })).toEqual([]);
	});
});

describe('other servers', () => {
	it.each(['ghes', 'act'] as const)('work through @actions/cache: %s', async (host) => {
		const repository = `octo/${host}`;
		await using machine = await createMachine({ nix: '2.26' });
		const options = { repository, host, workspace: { 'job.nix': graph(host) } };
		const first = await job(machine, twoSteps, options);
		expect(first.stage('main').outputs, first.log).toMatchObject({ cache: 'actions-cache', 'can-push': 'true' });
		await machine.emptyStore();
		const second = await job(machine, twoSteps, options);
		expect(built(second), second.log).toBe(0);
		expect(warnings(second), second.log).toEqual([]);
	});
});

describe('other ways to run', () => {
	it('serves a user who is not root through a daemon that trusts it', async () => {
		const repository = 'octo/trusted';
		await using machine = await createMachine({ nix: '2.34' });
		machine.addUser('runner');
		await machine.startDaemon({ trustedUsers: ['runner'] });
		const options = { repository, user: 'runner', workspace: { 'job.nix': graph('trusted') } };
		await job(machine, twoSteps, options);
		await machine.emptyStore();
		const second = await job(machine, twoSteps, options);
		expect(built(second), second.log).toBe(0);
	});

	it('serves a user whom the daemon does not trust, by way of sudo', async () => {
		const repository = 'octo/untrusted';
		await using machine = await createMachine({ nix: '2.26' });
		machine.addUser('runner', { sudo: true });
		await machine.startDaemon({});
		const options = { repository, user: 'runner', workspace: { 'job.nix': graph('untrusted') } };
		await job(machine, twoSteps, options);
		await machine.emptyStore();
		const second = await job(machine, twoSteps, options);
		expect(built(second), second.log).toBe(0);
	});

	it('is not read by a user whom the daemon does not trust, without sudo, and costs nothing that the daemon grants', async () => {
		const repository = 'octo/stranger';
		await using cache = await startNginx({ auth: 'write' });
		await using machine = await createMachine({ nix: '2.34' });
		machine.addUser('stranger');
		const key = generateKey('granted-1');
		const trusted = formatPublicKey(publicKeyOf(key));
		const conf = [`extra-trusted-substituters = ${cache.url}`, `extra-trusted-public-keys = ${trusted}`];
		const daemon = await machine.startDaemon({ conf });
		const workspace = { 'job.nix': graph('stranger') };
		const options = { repository, user: 'stranger', workspace };
		// Somebody fills both: the cache with `lib`, the Actions cache with all of it.
		const own = uses({
			with: { cache: cache.url, username: cache.username, password: cache.password, 'signing-key': formatSecretKey(key) },
		});
		const secrets = [cache.password, formatSecretKey(key)];
		await job(machine, [own, run('nix-build --no-out-link job.nix -A lib')], { repository, workspace, secrets });
		await job(machine, twoSteps, options);
		await daemon.stop();
		await machine.emptyStore();
		await daemon.restart();
		const alone = await job(machine, twoSteps, options);
		expect(built(alone), alone.log).toBe(4);
		expect(warnings(alone), alone.log).toEqual([
			expect.stringMatching(/does not trust the user stranger.*extra-trusted-users = stranger/s),
		]);
		expect(alone.annotations.filter(({ level }) => level === 'notice').map(({ message }) => message)).toEqual([
			expect.stringMatching(/^Paths are not pushed while the job runs/),
		]);
		await daemon.stop();
		await machine.emptyStore();
		await daemon.restart();
		const beside = await job(
			machine,
			[uses({ with: { cache: cache.url, 'trusted-public-keys': trusted } }), run(BUILD)],
			options,
		);
		expect(built(beside), beside.log).toBe(2);
		expect(warnings(beside), beside.log).toEqual([]);
		expect(beside.stage('main').log).toContain('What this action would serve on this machine is not read');
	});

	it('works as in a container job: root, no daemon, another HOME', async () => {
		const repository = 'octo/container';
		await using machine = await createMachine({ nix: '2.34' });
		await machine.run(['mkdir', '-p', '/github/home']);
		const options = { repository, env: { HOME: '/github/home' }, workspace: { 'job.nix': graph('container') } };
		await job(machine, twoSteps, options);
		await machine.emptyStore();
		const second = await job(machine, twoSteps, options);
		expect(built(second), second.log).toBe(0);
	});
});
