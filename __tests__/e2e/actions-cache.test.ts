import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RemoteCacheService, spawnCacheService } from '../support/cache-service/connect.ts';
import { derivation, graph, manyPaths } from '../support/derivations.ts';
import { startFaultyServer } from '../support/faulty-server.ts';
import type { Machine } from '../support/machine.ts';
import { createMachine } from '../support/machine.ts';
import type { JobResult, Step } from '../support/runner/steps.ts';
import { run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';
import { built, copied, type PlayOptions, play, warnings } from './actions-cache-store.ts';

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

/** A job that has nothing to warn of. */
async function quietJob(machine: Machine, steps: readonly Step[], options: PlayOptions): Promise<JobResult> {
	const result = await job(machine, steps, options);
	expect(result.annotations, result.log).toEqual([]);
	return result;
}

describe.each(testedVersions())('without any cache, Nix %s', (nix) => {
	it('builds once: the second job, on a new machine, has it all from the Actions cache', async () => {
		const repository = `octo/twice-${nix}`;
		await using machine = await createMachine({ nix });
		const options = { repository, workspace: { 'job.nix': graph('twice') } };
		const first = await quietJob(machine, [uses({}), run(BUILD)], options);
		expect(first.stage('main').outputs).toMatchObject({ cache: 'actions-cache', 'can-push': 'true', substituters: '' });
		expect(built(first), first.log).toBeGreaterThan(0);
		await machine.emptyStore();
		const second = await quietJob(machine, [uses({}), run(BUILD)], options);
		expect(built(second), second.log).toBe(0);
		expect(copied(second), second.log).toBeGreaterThan(0);
		expect(second.stage('post').log).toMatch(/Nix read \d+ paths/);
		expect(second.stage('post').log).toContain('Nothing new to push');
	});
});

describe('the Actions cache', () => {
	it('is asked at most 4 times by a job with nothing new, 8 times by one with 1,500 new paths, and 20 times by one that reads them', async () => {
		const repository = 'octo/requests';
		await using machine = await createMachine({ nix: '2.26' });
		const options = { repository, workspace: { 'job.nix': manyPaths(1500, 'requests') } };
		const steps = [uses({}), run('nix-build --no-out-link job.nix')];
		await service.resetCounters();
		await quietJob(machine, steps, options);
		const entries = await service.entries({ repository });
		expect(entries.length, JSON.stringify(entries)).toBe(2);
		expect((await service.counters()).requests).toBeLessThanOrEqual(8);
		await service.resetCounters();
		await quietJob(machine, steps, options);
		expect((await service.counters()).requests).toBeLessThanOrEqual(4);
		expect((await service.entries({ repository })).length).toBe(2);
		await machine.emptyStore();
		await service.resetCounters();
		const third = await quietJob(machine, steps, options);
		expect(built(third)).toBe(0);
		expect((await service.counters()).requests).toBeLessThanOrEqual(20);
		expect((await service.entries({ repository })).length).toBe(2);
	});

	it('is asked at most 20 times by a job of another branch that reads 1,500 paths out of 10 packs', async () => {
		const repository = 'octo/ten-packs';
		await using machine = await createMachine({ nix: '2.34' });
		const names = Array.from({ length: 10 }, (_, index) => `part-${index}.nix`);
		const workspace = Object.fromEntries(names.map((name) => [name, manyPaths(150, name.replace('.nix', ''))]));
		for (const name of names)
			await quietJob(machine, [uses({}), run(`nix-build --no-out-link ${name}`)], { repository, workspace });
		expect((await service.entries({ repository, keyPrefix: 'nca1-p-' })).length).toBe(10);
		await machine.emptyStore();
		await service.resetCounters();
		const all = [uses({}), run(`nix-build --no-out-link ${names.join(' ')}`)];
		const reader = await quietJob(machine, all, { repository, workspace, ref: 'refs/heads/feature' });
		expect(built(reader), reader.log).toBe(0);
		expect(copied(reader)).toBeGreaterThanOrEqual(1500);
		expect((await service.counters()).requests).toBeLessThanOrEqual(20);
		expect((await service.entries({ repository })).length).toBe(20);
	});

	it('keeps to `actions-cache-size` on the default branch: what was used last stays, and dead packs are written anew', async () => {
		const repository = 'octo/budget';
		await using machine = await createMachine({ nix: '2.26' });
		const blob = (name: string): string => derivation({ name, script: 'head -c 20000000 /dev/urandom > $out' });
		const workspace = Object.fromEntries(
			['one', 'two', 'three'].map((name) => [`${name}.nix`, `[ (${blob(`${name}-a`)}) (${blob(`${name}-b`)}) ]`]),
		);
		const steps = (name: string): readonly Step[] => [
			uses({ with: { 'actions-cache-size': '115 MB' } }),
			run(`nix-build --no-out-link ${name}.nix`),
		];
		const options = { repository, workspace };
		await quietJob(machine, steps('one'), options);
		await quietJob(machine, steps('two'), options);
		// Read in a later second than it was stored, so that it was used after the first.
		await new Promise((resolve) => setTimeout(resolve, 1100));
		const third = await quietJob(machine, steps('three'), options);
		expect(third.stage('post').log).toContain(
			'1 paths that were not used for longest leave the store in the Actions cache; the rest of 1 packs moves.',
		);
		const packs = await service.entries({ repository, keyPrefix: 'nca1-p-' });
		// Two paths of its own, and what is left of the first pack: that one is needed no more.
		expect(packs.at(-1)?.sizeBytes).toBeGreaterThan(60_000_000);
		await service.evict({ repository, keyPrefix: packs[0]?.key ?? 'none' });
		await machine.emptyStore();
		const again = await quietJob(machine, steps('three'), options);
		expect(built(again), again.log).toBe(0);
		await machine.emptyStore();
		const oldest = await job(machine, steps('one'), options);
		expect(built(oldest), oldest.log).toBe(1);
	});

	it('stands in for a cache that is down, with one warning that says why, and holds the next job', async () => {
		const repository = 'octo/outage';
		await using machine = await createMachine({ nix: '2.34' });
		await using server = await startFaultyServer();
		await server.refuse();
		const cache = uses({ with: { cache: server.url } });
		const options = { repository, workspace: { 'job.nix': graph('outage') } };
		const first = await job(machine, [cache, run(BUILD)], options);
		expect(first.status, first.log).toBe('success');
		expect(warnings(first)).toEqual([expect.stringContaining('Actions cache in its place')]);
		expect(first.stage('main').outputs).toMatchObject({ cache: 'actions-cache', 'can-push': 'true' });
		await machine.emptyStore();
		const second = await job(machine, [cache, run(BUILD)], options);
		expect(second.status, second.log).toBe('success');
		expect(built(second), second.log).toBe(0);
	});

	it('does not hold up a job that has none', async () => {
		await using machine = await createMachine({ nix: '2.26' });
		const result = await runJob(machine, [uses({}), run(BUILD)], { workspace: { 'job.nix': graph('none') } });
		expect(result.status, result.log).toBe('success');
		expect(result.annotations, result.log).toEqual([]);
		expect(result.stage('main').outputs).toMatchObject({ cache: 'none', 'can-push': 'false', substituters: '' });
	});
});
