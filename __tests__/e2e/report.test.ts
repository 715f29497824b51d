import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import type { WhyBuilt } from '../../src/report/built.ts';
import type { Report } from '../../src/report/report.ts';
import { rendered, tablesOf } from '../report/rendered.ts';
import { schemaProblems } from '../report/schema.ts';
import { type RemoteCacheService, spawnCacheService } from '../support/cache-service/connect.ts';
import { build, derivation, fixedOutput, GRAPH, graph, textPath } from '../support/derivations.ts';
import { startFaultyServer } from '../support/faulty-server.ts';
import { createMachine } from '../support/machine.ts';
import type { JobResult } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';
import { play } from './actions-cache-store.ts';

const secret = formatSecretKey(generateKey('test-1'));
const BUILD = 'nix-build --no-out-link job.nix';

/** The report that a job left, once the published schema has nothing to say against it. */
function reportOf(result: JobResult): Report {
	expect(result.reports, result.log).toHaveLength(1);
	const [report] = result.reports;
	expect(schemaProblems(report), JSON.stringify(report)).toEqual([]);
	return report as Report;
}

/** Where the job's new paths came from: how many, by origin and names. */
function originsIn(result: JobResult): Readonly<Record<string, number>> {
	const { origins } = reportOf(result);
	return Object.fromEntries((origins ?? []).map(({ from, names, paths }) => [[from, ...names].join(' '), paths]));
}

/** What was built, by what is known of why with the first cache: names without the hash. */
function builtIn(result: JobResult): Partial<Record<WhyBuilt, readonly string[]>> {
	const [cache] = reportOf(result).caches;
	return Object.fromEntries(
		(cache?.built ?? []).map(({ why, paths }) => [why, paths.map((path) => path.replace(/^.*\/[^-]*-/, '')).sort()]),
	);
}

describe.each(testedVersions())('the report, Nix %s', (nix) => {
	it('tells what was built, fetched, imported and added, and what no cache gave', async () => {
		await using machine = await createMachine({ nix });
		const folder = join(machine.work, 'cache');
		const other = join(machine.work, 'other');
		await build(machine, derivation({ name: 'imported', script: 'echo imported > $out' }), {});
		const [imported = ''] = machine.storeNames().filter((name) => name.endsWith('-imported'));
		await machine.nix(['copy', '--to', `file://${other}`, `/nix/store/${imported}`]);
		await machine.emptyStore();

		const text = textPath('text', 'some text');
		const usual = derivation({ name: 'usual', script: 'cat $text > $out', env: { text } });
		const local = derivation({ name: 'local', script: 'echo local > $out', env: { allowSubstitutes: 'false' } });
		const late = derivation({ name: 'late', script: 'echo late > $out' });
		const key = derivation({ name: 'key', script: 'echo key > $out' });
		const first = `[ (${usual}) (${local}) (${fixedOutput('fixed', 'fixed')}) ]`;
		const workspace = { 'job.nix': first, 'second.nix': `${first} ++ [ (${late}) (${key}) ]` };
		const action = uses({ with: { cache: `file://${folder}`, 'signing-key': secret, exclude: '-key$' } });
		const options = { workspace, secrets: [secret] };

		const one = await runJob(machine, [action, run(BUILD)], options);
		expect(originsIn(one), one.log).toEqual({ built: 3, source: 1, derivation: 3 });
		expect(builtIn(one)).toEqual({ 'not-there': ['fixed', 'local', 'usual'] });

		await machine.emptyStore();
		const copy = `nix --extra-experimental-features nix-command copy --no-check-sigs --from file://${other} /nix/store/${imported}`;
		const two = await runJob(machine, [action, run(copy), run('nix-build --no-out-link second.nix')], options);
		expect(originsIn(two), two.log).toEqual({ 'signed test-1': 2, unsigned: 1, built: 3, source: 1, derivation: 5 });
		expect(builtIn(two)).toEqual({ 'kept-out': ['key'], forbidden: ['local'], 'not-there': ['late'] });
		expect(two.stage('post').log).toMatch(/^New in the store: 2 signed by test-1 \(\d+ B\), 1 copied here without a signature /m);
		expect(two.stage('post').groups).toContain('What was built in this job, and why');
		const [origins] = tablesOf(rendered(two.stage('post').summary));
		expect(origins?.map(([from, paths]) => [from, paths])).toEqual([
			['', 'paths'],
			['signed by test-1', '2'],
			['copied here without a signature', '1'],
			['built here', '3'],
			['sources and texts', '1'],
			['derivation files', '5'],
		]);

		const three = await runJob(machine, [action, run('nix-build --no-out-link second.nix')], options);
		expect(originsIn(three), three.log).toEqual({});
		expect(three.stage('post').log.trim().split('\n'), three.log).toHaveLength(1);
		assertNoSecrets(two);
	});

	it('is written for a job that only reads', async () => {
		await using machine = await createMachine({ nix });
		const folder = join(machine.work, 'cache');
		const options = { workspace: { 'job.nix': graph(`reads-${nix}`) }, secrets: [secret] };
		const inputs = { cache: `file://${folder}`, 'signing-key': secret };
		const buildAll = run(`${BUILD} ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);
		await runJob(machine, [uses({ with: inputs }), buildAll], options);
		await machine.emptyStore();
		const result = await runJob(machine, [uses({ with: { ...inputs, push: 'never' } }), buildAll], options);
		expect(result.annotations, result.log).toEqual([]);
		expect(originsIn(result), result.log).toMatchObject({ 'signed test-1': 4 });
		expect(result.stage('post').summary).toContain('4 paths came from caches and 0 were built here');
		expect(result.stage('post').log).not.toContain('Nothing new to push');
	});

	it('tells the same where a daemon builds and fetches, for a user that it trusts', async () => {
		await using machine = await createMachine({ nix });
		machine.addUser('runner');
		await machine.startDaemon({ trustedUsers: ['runner'] });
		await using server = await startFaultyServer({});
		const steady = derivation({ name: 'steady', script: 'echo steady > $out' });
		const late = derivation({ name: 'late', script: 'echo late > $out' });
		const workspace = { 'job.nix': `[ (${steady}) ]`, 'second.nix': `[ (${steady}) (${late}) ]` };
		const options = { user: 'runner', workspace, secrets: [secret] };
		const action = uses({ with: { cache: server.url, 'signing-key': secret } });
		const one = await runJob(machine, [action, run(BUILD)], options);
		expect(originsIn(one), one.log).toEqual({ built: 1, derivation: 1 });
		await machine.emptyStore();
		const two = await runJob(machine, [action, run('nix-build --no-out-link second.nix')], options);
		expect(originsIn(two), two.log).toEqual({ 'signed test-1': 1, built: 1, derivation: 2 });
		expect(builtIn(two)).toEqual({ 'not-there': ['late'] });
	});
});

describe('why a path was built although a cache was there', () => {
	it('is that the cache has it with other content, or came to have it meanwhile', async () => {
		await using machine = await createMachine({ nix: '2.26' });
		const folder = join(machine.work, 'cache');
		const random = derivation({ name: 'random', script: 'cat /proc/sys/kernel/random/uuid > $out' });
		const steady = derivation({ name: 'steady', script: 'echo steady > $out' });
		const options = { workspace: { 'job.nix': `[ (${random}) (${steady}) ]` }, secrets: [secret] };
		const action = uses({ with: { cache: `file://${folder}`, 'signing-key': secret } });
		await runJob(machine, [action, run(BUILD)], options);
		await machine.emptyStore();
		const result = await runJob(machine, [action, run(`${BUILD} --option substitute false`)], options);
		expect(builtIn(result), result.log).toEqual({ differs: ['random'], there: ['steady'] });
	});

	it('is that Nix did not read from a cache that failed when the job began', async () => {
		await using server = await startFaultyServer({});
		await using machine = await createMachine({ nix: '2.34' });
		const options = { workspace: { 'job.nix': graph('failed') }, secrets: [secret] };
		await server.refuse();
		const action = uses({ with: { cache: server.url, 'signing-key': secret, fallback: 'none' } });
		const result = await runJob(machine, [action, run(`${BUILD} -A base`), () => server.accept()], options);
		expect(builtIn(result), result.log).toEqual({ 'not-read': ['base-failed'] });
	});
});

describe('the report of a job on the Actions cache', () => {
	let service: RemoteCacheService;
	beforeAll(async () => {
		service = await spawnCacheService();
	});
	afterAll(() => service.stop());

	it('tells what the local substituter sent, and what was evicted', async () => {
		const repository = 'octo/report';
		await using machine = await createMachine({ nix: '2.26' });
		const options = { repository, workspace: { 'job.nix': graph('report') } };
		const steps = [uses({}), run(`${BUILD} -A app`)];
		await play(service, machine, steps, options);
		await machine.emptyStore();
		const second = await play(service, machine, steps, options);
		expect(originsIn(second), second.log).toMatchObject({ 'served the Actions cache': 3 });
		expect(builtIn(second)).toEqual({});

		await service.evict({ repository, keyPrefix: 'nca1-p-' });
		await machine.emptyStore();
		const third = await play(service, machine, steps, options);
		expect(originsIn(third), third.log).toMatchObject({ built: 5 });
		expect(builtIn(third)).toEqual({ lost: ['app-report', 'app-report-doc', 'base-report', 'lib-report', 'tool-report'] });
	});

	it('tells what is there with the signature of another workflow alone', async () => {
		const repository = 'octo/two-keys';
		await using machine = await createMachine({ nix: '2.26' });
		const by = (key: string): Promise<JobResult> =>
			play(service, machine, [uses({ with: { 'signing-key': key } }), run(`${BUILD} -A lib`)], {
				repository,
				workspace: { 'job.nix': graph('two-keys') },
				secrets: [key],
			});
		await by(formatSecretKey(generateKey('one-1')));
		await machine.emptyStore();
		const second = await by(formatSecretKey(generateKey('two-1')));
		expect(builtIn(second), second.log).toEqual({ untrusted: ['base-two-keys', 'lib-two-keys'] });
		expect(second.log).toContain('2 paths (');
		expect(second.log).toContain('in the cache, but signed by no key that this job trusts');
	});
});
