import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import type { Report } from '../../src/report/report.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { graph, manyPaths } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import type { Step } from '../support/runner/steps.ts';
import { run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';

const upstreamKey = generateKey('upstream-1');
const upstreamSecret = formatSecretKey(upstreamKey);
const upstreamPublic = formatPublicKey(publicKeyOf(upstreamKey));
const secret = formatSecretKey(generateKey('mine-1'));

describe.each(testedVersions())('what a substituter of the job has, Nix %s', (nix) => {
	let machine: Machine;
	let upstream: FaultyServer;
	let caches = 0;
	const theirs = graph(`upstream-${nix}`);
	// Our own path needs one of theirs.
	const text = `let theirs = ${theirs}; in theirs // { mine = derivation {
		name = "mine"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo \${theirs.app} > $out" ]; }; }`;

	beforeAll(async () => {
		machine = await createMachine({ nix });
		const folder = join(machine.work, 'upstream');
		const inputs = { cache: `file://${folder}`, 'signing-key': upstreamSecret };
		const steps = [uses({ with: inputs }), run('nix-build --no-out-link job.nix -A app')];
		const first = await runJob(machine, steps, { workspace: { 'job.nix': theirs }, secrets: [upstreamSecret] });
		expect(checkCache(folder).length, first.log).toBeGreaterThanOrEqual(3);
		upstream = await startFaultyServer({ folder });
	});
	afterAll(async () => {
		await upstream?.[Symbol.asyncDispose]();
		await machine?.dispose();
	});

	const job = async (
		more: Readonly<Record<string, string>> = {},
		step: Step = () => undefined,
		expression = text,
		attribute = '-A mine',
	) => {
		await machine.emptyStore();
		upstream.forgetRequests();
		const folder = join(machine.work, `own-${++caches}`);
		const inputs = {
			cache: `file://${folder}`,
			substituters: upstream.url,
			'trusted-public-keys': upstreamPublic,
			'signing-key': secret,
			continuous: 'false',
			...more,
		};
		const steps = [uses({ with: inputs }), run(`nix-build --no-out-link job.nix ${attribute}`), step];
		const result = await runJob(machine, steps, { workspace: { 'job.nix': expression }, secrets: [secret] });
		expect(result.status, result.log).toBe('success');
		const [report] = result.reports as readonly Report[];
		const asked = upstream.requests.filter(({ headers }) => headers['user-agent'] === 'nix-cache-action').length;
		return { result, folder, asked, counts: report?.caches[0]?.counts ?? {}, paths: report?.caches[0]?.paths ?? [] };
	};

	it('is not pushed, and the report says where it is; it costs a request for each such path', async () => {
		const { result, folder, asked, counts, paths } = await job();
		expect(counts.pushed, result.log).toMatchObject({ paths: 1 });
		const found = paths.filter(({ class: name }) => name === 'upstream');
		expect(found.length, result.log).toBeGreaterThanOrEqual(2);
		expect(found[0]?.reason).toBe(`${upstream.url} has it.`);
		expect(asked).toBeLessThanOrEqual(found.length + 1);
		const upstreamPaths = new Set(checkCache(upstream.folder).map(({ storePath }) => storePath));
		expect(checkCache(folder, { upstream: upstreamPaths }).map(({ storePath }) => storePath.slice(44))).toEqual(['mine']);
		expect(result.annotations, result.log).toEqual([]);
	});

	it('is found while the job runs, too', async () => {
		const { result, counts } = await job({ continuous: 'true' });
		expect(counts.pushed, result.log).toMatchObject({ paths: 1 });
	});

	it('is pushed when the cache is to be whole (an empty `skip-signed-by`), and nobody is asked', async () => {
		const { result, folder, asked, counts } = await job({ 'skip-signed-by': '' });
		expect(counts.upstream, result.log).toBeUndefined();
		expect(checkCache(folder).length).toBeGreaterThanOrEqual(4);
		expect(asked).toBe(0);
	});

	it('is pushed when the substituter does not answer any more, which holds nothing up', async () => {
		const { result, folder } = await job({}, () => upstream.refuse());
		await upstream.accept();
		expect(checkCache(folder).length, result.log).toBeGreaterThanOrEqual(4);
		expect(result.stage('post').log).toMatch(/does not say what it has, so that is pushed/);
		expect(result.annotations, result.log).toEqual([]);
		expect(result.stage('post').durationMs).toBeLessThan(30_000);
	});

	it('is pushed when the substituter does not answer in time', async () => {
		const { result, folder } = await job({}, () => upstream.fail({ path: /narinfo/ }, { kind: 'stall' }));
		upstream.heal();
		expect(checkCache(folder).length, result.log).toBeGreaterThanOrEqual(4);
		expect(result.stage('post').durationMs).toBeLessThan(30_000);
	});

	it('is not asked for what was built here', async () => {
		const { counts, asked } = await job({}, () => undefined, manyPaths(200, `built-${nix}`), '');
		expect(counts.pushed).toMatchObject({ paths: 200 });
		expect(asked).toBe(0);
	});
});
