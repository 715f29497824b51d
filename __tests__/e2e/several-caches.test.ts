import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import type { Report } from '../../src/report/report.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { spawnCacheService } from '../support/cache-service/connect.ts';
import { GRAPH, graph, largePath, manyPaths } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import type { JobResult } from '../support/runner/steps.ts';
import { run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';
import { built, play } from './actions-cache-store.ts';

const secret = formatSecretKey(generateKey('test-1'));
const everything = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);

async function servers(): Promise<readonly [FaultyServer, FaultyServer, AsyncDisposable]> {
	const [a, b] = await Promise.all([startFaultyServer(), startFaultyServer()]);
	const both = {
		async [Symbol.asyncDispose]() {
			await a[Symbol.asyncDispose]();
			await b[Symbol.asyncDispose]();
		},
	};
	return [a, b, both];
}

const reportOf = (result: JobResult): Report =>
	JSON.parse(result.reports[0] === undefined ? '{}' : JSON.stringify(result.reports[0]));
const cacheOf = (result: JobResult, server: FaultyServer) => {
	const found = reportOf(result).caches.find(({ cache }) => cache.label.startsWith(server.url));
	if (found === undefined) throw new Error(`${server.url} is not in the report:\n${result.log}`);
	return found;
};
const warnings = (result: JobResult): readonly string[] => result.annotations.map(({ message }) => message);
const puts = ({ requests }: FaultyServer): number =>
	requests.filter(({ method, status }) => method === 'PUT' && status === 201).length;

const job = (machine: Machine, caches: readonly string[], build: ReturnType<typeof run>, text: string, more = {}) =>
	runJob(machine, [uses({ with: { cache: caches.join('\n'), 'signing-key': secret, ...more } }), build], {
		secrets: [secret],
		workspace: { 'job.nix': text },
	});

describe.each(testedVersions())('two caches, Nix %s', (nix) => {
	it('get everything, each with its counts, and the next job asks the one of the lower priority first', async () => {
		const [a, b, both] = await servers();
		await using _ = both;
		await using machine = await createMachine({ nix });
		const caches = [`${a.url}?priority=30`, `${b.url}?priority=20`];
		const first = await job(machine, caches, everything, graph(`two-${nix}`));
		expect(warnings(first), first.log).toEqual([]);
		for (const server of [a, b]) {
			expect(checkCache(server.folder).length).toBe(5);
			expect(cacheOf(first, server)).toMatchObject({ counts: { pushed: { paths: 5 } }, stoppedBy: null });
			expect(first.stage('post').log).toMatch(new RegExp(`${server.url}/?: 5 pushed`));
		}
		await machine.emptyStore();
		a.forgetRequests();
		b.forgetRequests();
		const second = await job(machine, caches, everything, graph(`two-${nix}`));
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		const ofNix = ({ requests }: FaultyServer, part: string) =>
			requests.filter(({ path, headers }) => path.includes(part) && headers['user-agent'] !== 'nix-cache-action').length;
		expect(ofNix(b, '/nar/')).toBeGreaterThanOrEqual(4);
		expect(ofNix(a, '/nar/')).toBe(0);
		expect(puts(a) + puts(b)).toBe(0);
	});
});

describe('several caches in one job', () => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix: '2.26' });
	});
	afterAll(() => machine.dispose());

	it('read and compress a NAR once', async () => {
		const [a, b, both] = await servers();
		await using _ = both;
		// It shrinks to a tenth, so what is read again to be sent weighs little.
		const text = await largePath(machine, 'read-once', 96, 0.05);
		const build = run('nix-build --no-out-link job.nix');
		const result = await job(machine, [a.url, b.url], build, text, { continuous: 'false', verify: 'none' });
		for (const server of [a, b]) expect(cacheOf(result, server)).toMatchObject({ counts: { pushed: { paths: 1 } } });
		const { readBytes } = result.stage('post');
		expect(readBytes, result.log).toBeGreaterThan(96 * 2 ** 20);
		expect(readBytes, result.log).toBeLessThan(1.6 * 96 * 2 ** 20);
	});

	it.each(['first', 'second'])('go on without the %s one, which is down from the start', async (which) => {
		const [a, b, both] = await servers();
		await using _ = both;
		const [down, up] = which === 'first' ? [a, b] : [b, a];
		await down.refuse();
		const result = await job(machine, [a.url, b.url], everything, graph(`down-${which}`));
		expect(result.status, result.log).toBe('success');
		expect(checkCache(up.folder).length).toBe(5);
		expect(cacheOf(result, up)).toMatchObject({ counts: { pushed: { paths: 5 } }, stoppedBy: null });
		expect(cacheOf(result, down)).toMatchObject({ stoppedBy: { code: 'cache-unreachable' } });
		expect(warnings(result), result.log).toEqual([
			expect.stringMatching(`${down.url}.*refused.*The job goes on with its other caches`),
		]);
	});

	it('are not held up by one that dies in the middle, which has no hole', async () => {
		const [a, b, both] = await servers();
		await using _ = both;
		b.fail({ method: 'PUT' }, { kind: 'status', status: 500 }, { skip: 40 });
		const build = run('nix-build --no-out-link job.nix');
		const options = { continuous: 'false', 'push-timeout': '30 s', concurrency: '4' };
		const result = await job(machine, [a.url, b.url], build, manyPaths(60, 'dies'), options);
		expect(result.status, result.log).toBe('success');
		expect(cacheOf(result, a)).toMatchObject({ counts: { pushed: { paths: 60 } }, stoppedBy: null });
		const dead = cacheOf(result, b);
		expect(dead.counts.failed?.paths ?? 0, result.log).toBeGreaterThan(0);
		const outcomes = (['pushed', 'failed', 'withheld', 'out-of-time'] as const).map((name) => dead.counts[name]?.paths ?? 0);
		expect(
			outcomes.reduce((sum, count) => sum + count),
			result.log,
		).toBe(60);
		expect(checkCache(a.folder).length).toBe(60);
		expect(checkCache(b.folder).length).toBe(dead.counts.pushed?.paths ?? 0);
		// It took b ten seconds and more to be given up.
		expect(cacheOf(result, a).durationsMs.push).toBeLessThan((dead.durationsMs.push ?? 0) / 2);
		expect(warnings(result), result.log).toEqual([expect.stringMatching(`Not every path was pushed to ${b.url}`)]);
	});

	it('do not wait for a slow one', async () => {
		const [a, b, both] = await servers();
		await using _ = both;
		b.fail({ method: 'PUT' }, { kind: 'delay', delayMs: 400 });
		const build = run('nix-build --no-out-link job.nix');
		const options = { continuous: 'false', concurrency: '4' };
		const result = await job(machine, [a.url, b.url], build, manyPaths(60, 'slow'), options);
		for (const server of [a, b]) expect(cacheOf(result, server)).toMatchObject({ counts: { pushed: { paths: 60 } } });
		const [fast = 0, slow = 0] = [a, b].map((server) => cacheOf(result, server).durationsMs.push ?? 0);
		expect(slow).toBeGreaterThan(60 * 2 * 100);
		expect(fast, result.log).toBeLessThan(slow / 2);
	});

	it('may be the Actions cache and one with a URL: both get all, and each serves the next job alone', async () => {
		const service = await spawnCacheService();
		const server = await startFaultyServer();
		try {
			const text = graph('with-actions-cache');
			const cache = `${server.url}\nactions-cache`;
			const options = { repository: 'octo/both', workspace: { 'job.nix': text }, secrets: [secret] };
			const steps = [uses({ with: { cache, 'signing-key': secret } }), everything];
			await machine.emptyStore();
			const first = await play(service, machine, steps, options);
			expect(warnings(first), first.log).toEqual([]);
			expect(reportOf(first).caches).toMatchObject([
				{ cache: { kind: 'http' }, counts: { pushed: { paths: 5 } } },
				{ cache: { kind: 'actions-cache' }, counts: { pushed: { paths: 5 } } },
			]);
			expect(checkCache(server.folder).length).toBe(5);
			await machine.emptyStore();
			await server.refuse();
			const second = await play(service, machine, steps, options);
			expect(built(second), second.log).toBe(0);
			expect(second.stage('post').log).toMatch(/Nix read 4 paths .* from the Actions cache/);
			await server.accept();
			await machine.emptyStore();
			const third = await play(service, machine, steps, { ...options, repository: 'octo/empty' });
			expect(built(third), third.log).toBe(0);
			expect(await service.violations()).toEqual([]);
		} finally {
			await server[Symbol.asyncDispose]();
			await service.stop();
		}
	});
});
