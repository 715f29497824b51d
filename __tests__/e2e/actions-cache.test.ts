import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RemoteCacheService, spawnCacheService } from '../support/cache-service/connect.ts';
import { graph, manyPaths } from '../support/derivations.ts';
import { startFaultyServer } from '../support/faulty-server.ts';
import { createMachine } from '../support/machine.ts';
import type { JobOptions, JobResult, Step } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';
import type { Machine } from '../support/machine.ts';

const BUILD = 'nix-build --no-out-link job.nix -A app';
const MAIN = 'refs/heads/main';

let service: RemoteCacheService;
beforeAll(async () => {
	service = await spawnCacheService();
});
afterAll(async () => {
	expect(await service.violations()).toEqual([]);
	await service.stop();
});

interface PlayOptions extends JobOptions {
	/** Tests share one service, not one repository. */
	readonly repository: string;
	readonly mode?: 'none' | 'read' | 'write' | 'write-only';
}

async function play(machine: Machine, steps: readonly Step[], { repository, mode, ...options }: PlayOptions): Promise<JobResult> {
	const ref = options.ref ?? MAIN;
	const actions = await service.environment({ repository, ref, ...(mode === undefined ? {} : { mode }) });
	const token = actions.ACTIONS_RUNTIME_TOKEN ?? '';
	return runJob(machine, steps, { ...options, ref, actions, secrets: [token, ...(options.secrets ?? [])] });
}

const built = (result: JobResult): number => result.stage('run').log.match(/^building '/gm)?.length ?? 0;
const copied = (result: JobResult): number => result.stage('run').log.match(/^copying path '/gm)?.length ?? 0;

function expectQuiet(result: JobResult): void {
	expect(result.status, result.log).toBe('success');
	expect(result.annotations, result.log).toEqual([]);
	expect(result.orphans).toEqual([]);
	expect(result.leftovers.filter((name) => !name.startsWith('nix-cache-action-report-'))).toEqual([]);
	assertNoSecrets(result);
}

describe.each(testedVersions())('without any cache, Nix %s', (nix) => {
	it('builds once: the second job, on a new machine, has it all from the Actions cache', async () => {
		const repository = `octo/twice-${nix}`;
		await using machine = await createMachine({ nix });
		const options = { repository, workspace: { 'job.nix': graph('twice') } };
		const first = await play(machine, [uses({}), run(BUILD)], options);
		expectQuiet(first);
		expect(first.stage('main').outputs).toMatchObject({ cache: 'actions-cache', 'can-push': 'true', substituters: '' });
		expect(built(first), first.log).toBeGreaterThan(0);
		await machine.emptyStore();
		const second = await play(machine, [uses({}), run(BUILD)], options);
		expectQuiet(second);
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
		const first = await play(machine, steps, options);
		expectQuiet(first);
		const entries = await service.entries({ repository });
		expect(entries.length, JSON.stringify(entries)).toBe(2);
		expect((await service.counters()).requests).toBeLessThanOrEqual(8);
		await service.resetCounters();
		const second = await play(machine, steps, options);
		expectQuiet(second);
		expect((await service.counters()).requests).toBeLessThanOrEqual(4);
		expect((await service.entries({ repository })).length).toBe(2);
		await machine.emptyStore();
		await service.resetCounters();
		const third = await play(machine, steps, options);
		expectQuiet(third);
		expect(built(third)).toBe(0);
		expect((await service.counters()).requests).toBeLessThanOrEqual(20);
		expect((await service.entries({ repository })).length).toBe(2);
	});

	it('stands in for a cache that is down, with one warning that says why, and holds the next job', async () => {
		const repository = 'octo/outage';
		await using machine = await createMachine({ nix: '2.34' });
		await using server = await startFaultyServer();
		server.refuse();
		const cache = uses({ with: { cache: server.url } });
		const options = { repository, workspace: { 'job.nix': graph('outage') } };
		const first = await play(machine, [cache, run(BUILD)], options);
		expect(first.status, first.log).toBe('success');
		expect(first.annotations.map(({ message }) => message)).toEqual([expect.stringContaining('Actions cache in its place')]);
		expect(first.stage('main').outputs).toMatchObject({ cache: 'actions-cache', 'can-push': 'true' });
		await machine.emptyStore();
		const second = await play(machine, [cache, run(BUILD)], options);
		expect(second.status, second.log).toBe('success');
		expect(built(second), second.log).toBe(0);
	});

	it('does not hold up a job that has none', async () => {
		await using machine = await createMachine({ nix: '2.26' });
		const result = await runJob(machine, [uses({}), run(BUILD)], { workspace: { 'job.nix': graph('none') } });
		expectQuiet(result);
		expect(result.stage('main').outputs).toMatchObject({ cache: 'none', 'can-push': 'false', substituters: '' });
	});
});
