import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import type { Report } from '../../src/report/report.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { type CachixServer, type CachixServerOptions, startCachixServer } from '../support/cachix-server.ts';
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
		beforeBuild: Step = () => undefined,
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
		const steps = [uses({ with: inputs }), beforeBuild, run(`nix-build --no-out-link job.nix ${attribute}`), step];
		const result = await runJob(machine, steps, { workspace: { 'job.nix': expression }, secrets: [secret] });
		expect(result.status, result.log).toBe('success');
		const [report] = result.reports as readonly Report[];
		const asked = upstream.requests.filter(
			({ path, headers }) => path.endsWith('.narinfo') && headers['user-agent'] === 'nix-cache-action',
		).length;
		return { result, folder, asked, counts: report?.caches[0]?.counts ?? {}, paths: report?.caches[0]?.paths ?? [] };
	};

	it('is not pushed, and the report says where it is; it costs a request for each such path', async () => {
		const { result, folder, asked, counts, paths } = await job();
		expect(counts.pushed, result.log).toMatchObject({ paths: 1 });
		const found = paths.filter(({ class: name }) => name === 'upstream');
		expect(found.length, result.log).toBeGreaterThanOrEqual(2);
		expect(found[0]?.reason).toBe(`${upstream.url} has it.`);
		expect(asked).toBe(found.length);
		const upstreamPaths = new Set(checkCache(upstream.folder).map(({ storePath }) => storePath));
		expect(checkCache(folder, { upstream: upstreamPaths }).map(({ storePath }) => storePath.slice(44))).toEqual(['mine']);
		expect(result.annotations, result.log).toEqual([]);
	});

	it('is found while the job runs, too', async () => {
		const { result, counts } = await job({ continuous: 'true' });
		expect(counts.pushed, result.log).toMatchObject({ paths: 1 });
	});

	it('is asked for once more when the job ends while that is being asked', async () => {
		const steps: Step = () => upstream.fail({ path: /narinfo/ }, { kind: 'delay', delayMs: 1_500 });
		const { result, counts } = await job({ continuous: 'true' }, () => undefined, text, '-A mine', steps);
		upstream.heal();
		expect(counts.pushed, result.log).toMatchObject({ paths: 1 });
		expect(result.stage('post').log).not.toMatch(/does not say what it has/);
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

describe.each(testedVersions())('what a substituter of Cachix has, and what another one has, Nix %s', (nix) => {
	let machine: Machine;
	let other: FaultyServer;
	let jobs = 0;
	const MANY = 150;
	const many = manyPaths(MANY, `others-${nix}`);
	const few = graph(`cachix-${nix}`);
	const text = `let many = ${many}; few = ${few}; in { inherit many; inherit (few) app; mine = derivation {
		name = "mine"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo \${many} \${few.app} > $out" ]; }; }`;
	const options = (server: CachixServer) => ({ workspace: { 'job.nix': text }, secrets: [secret, upstreamSecret, server.token] });

	beforeAll(async () => {
		machine = await createMachine({ nix });
		const folder = join(machine.work, 'other');
		const inputs = { cache: `file://${folder}`, 'signing-key': upstreamSecret };
		const steps = [uses({ with: inputs }), run('nix-build --no-out-link job.nix -A many')];
		const first = await runJob(machine, steps, { workspace: { 'job.nix': text }, secrets: [upstreamSecret] });
		expect(checkCache(folder).length, first.log).toBe(MANY);
		other = await startFaultyServer({ folder });
	});
	afterAll(async () => {
		await other?.[Symbol.asyncDispose]();
		await machine?.dispose();
	});

	/** A job that takes 150 paths from the other substituter and a few from Cachix, which is asked first, and makes one of its own. */
	const job = async (serverOptions: CachixServerOptions = {}, trouble: (server: CachixServer) => void = () => undefined) => {
		await using server = await startCachixServer(serverOptions);
		await machine.emptyStore();
		const filling = { cache: server.cacheUrl, token: server.token };
		const filled = await runJob(
			machine,
			[uses({ with: filling }), run('nix-build --no-out-link job.nix -A app')],
			options(server),
		);
		expect(filled.stage('post').log, filled.log).toMatch(/5 pushed/);
		await machine.emptyStore();
		other.forgetRequests();
		const before = server.api.received.length;
		const folder = join(machine.work, `job-${++jobs}`);
		const inputs = {
			cache: `file://${folder}`,
			substituters: `http://cache.test:${server.api.url.port}/api/v1/cache/${server.name}\n${other.url}`,
			'trusted-public-keys': `${upstreamPublic}\n${server.managedKey === null ? '' : formatPublicKey(publicKeyOf(server.managedKey))}`,
			'signing-key': secret,
			continuous: 'false',
			...(serverOptions.isPrivate === true ? { netrc: `machine cache.test login x password ${server.token}` } : {}),
		};
		const steps = [uses({ with: inputs }), run('nix-build --no-out-link job.nix -A mine'), () => trouble(server)];
		const result = await runJob(machine, steps, options(server));
		expect(result.status, result.log).toBe('success');
		expect(result.annotations, result.log).toEqual([]);
		const [report] = result.reports as readonly Report[];
		const found = (report?.caches[0]?.paths ?? []).filter(({ class: name }) => name === 'upstream');
		expect(report?.caches[0]?.counts.pushed, result.log).toMatchObject({ paths: 1 });
		expect(checkCache(folder, { upstream: new Set(found.map(({ path }) => path)) }).length).toBe(1);
		const ours = server.api.received
			.slice(before)
			.filter(({ headers, path }) => headers['user-agent'] === 'nix-cache-action' && path.includes('narinfo'));
		return {
			result,
			inBulk: ours.filter(({ method }) => method === 'POST').length,
			oneByOne: ours.filter(({ method }) => method === 'GET').length,
			fromCachix: found.filter(({ reason }) => reason?.includes('//cache.test')).length,
			fromOther: found.filter(({ reason }) => reason?.includes(other.url)).length,
		};
	};

	it('costs one request for all that Cachix lacks, and one for each path that it has', async () => {
		const { inBulk, oneByOne, fromCachix, fromOther, result } = await job();
		expect({ inBulk, oneByOne, fromOther }, result.log).toEqual({ inBulk: 1, oneByOne: fromCachix, fromOther: MANY });
		expect(fromCachix).toBeGreaterThanOrEqual(2);
	});

	it('costs the same where Cachix wants a token, which the netrc has', async () => {
		const { inBulk, oneByOne, fromCachix, result } = await job({ isPrivate: true });
		expect({ inBulk, oneByOne }, result.log).toEqual({ inBulk: 1, oneByOne: fromCachix });
		expect(fromCachix).toBeGreaterThanOrEqual(2);
	});

	it('is asked for one by one when the question for many is refused, and nobody is told', async () => {
		const { inBulk, oneByOne, fromCachix, fromOther, result } = await job({}, (server) =>
			server.faults.fail(/^POST .*narinfo/, { status: 403 }, 9),
		);
		expect({ inBulk, oneByOne, fromOther }, result.log).toEqual({ inBulk: 1, oneByOne: fromCachix + MANY, fromOther: MANY });
		expect(fromCachix).toBeGreaterThanOrEqual(2);
		expect(result.stage('post').log).not.toMatch(/cache\.test.*(asked for each|does not say)/);
	});
});
