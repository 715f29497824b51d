import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { type AtticServer, startAtticServer } from '../support/attic-server.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { buildOne, chain, derivation, GRAPH, graph, largePath, manyPaths } from '../support/derivations.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import type { JobResult, RunningJob } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';

const everything = `nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`;

let server: AtticServer;
beforeAll(async () => {
	const caches = { open: { isPublic: true }, filtered: { upstreamKeyNames: ['upstream-1'] } };
	const versions = Object.fromEntries(testedVersions().map((nix) => [`nix-${nix.replace('.', '-')}`, {}]));
	server = await startAtticServer({ caches: { ...caches, ...versions, mine: {}, killed: {} } });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
	server.heal();
	server.forgetRequests();
});

/** References that the cache does not have. */
const holes = (name: string): readonly string[] => {
	const objects = server.objects(name);
	return [...objects.values()].flatMap(({ references }) => references.filter((base) => !objects.has(base.slice(0, 32))));
};

const count = (method: string): number => server.requests.filter((request) => request.method === method).length;
const tokenFor = (...names: readonly string[]): string => server.token({ pull: names, push: names });

async function job(machine: Machine, cache: string, token: string, script: string, text: string, given = {}): Promise<JobResult> {
	const result = await runJob(machine, [uses({ with: { cache: server.cacheUrl(cache), token, ...given } }), run(script)], {
		secrets: token === '' ? [] : [token],
		workspace: { 'job.nix': text },
	});
	expect(result.status, result.log).toBe('success');
	assertNoSecrets(result);
	return result;
}

describe.each(testedVersions())('a cache on an attic server, Nix %s', (nix) => {
	const name = `nix-${nix.replace('.', '-')}`;

	it('takes what a job built, gives it to the next one with the signature of the server, and is asked for no more', async () => {
		await using machine = await createMachine({ nix });
		const text = graph(`attic-${nix}`);
		const first = await job(machine, name, tokenFor(name), everything, text);
		expect(first.annotations, first.log).toEqual([]);
		expect(first.stage('main').outputs).toMatchObject({
			cache: 'attic',
			'can-push': 'true',
			substituters: server.substituter(name),
		});
		expect(first.stage('post').log).toMatch(/5 pushed/);
		expect(server.objects(name).size).toBe(5);
		await machine.emptyStore();
		server.forgetRequests();
		const second = await job(machine, name, tokenFor(name), everything, text);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('post').log).toContain('Nothing new to push');
		expect(count('PUT')).toBe(0);
	});

	it('is read and written by a user whose daemon has the token from the netrc', async () => {
		await using machine = await createMachine({ nix });
		machine.addUser('runner');
		await machine.startDaemon({ trustedUsers: ['runner'] });
		const token = tokenFor(name);
		const text = graph(`attic-daemon-${nix}`);
		const steps = [uses({ with: { cache: server.cacheUrl(name), token } }), run(everything)];
		const options = { user: 'runner', secrets: [token], workspace: { 'job.nix': text } };
		const first = await runJob(machine, steps, options);
		expect(first.stage('post').log, first.log).toMatch(/5 pushed/);
		await machine.emptyStore();
		const second = await runJob(machine, steps, options);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('post').log).toContain('Nothing new to push');
		assertNoSecrets(second);
	});

	it('(the one of the tests) serves what Nix itself wrote and what no code of the action sent', async () => {
		await using machine = await createMachine({ nix });
		const path = await buildOne(machine, derivation({ name: `by-hand-${nix}`, script: 'mkdir $out; echo "$out" > $out/me' }));
		const [nar, narHash, narSize] = await Promise.all([
			machine.exec(['nix-store', '--dump', path]),
			machine.run(['nix-store', '--query', '--hash', path]),
			machine.run(['nix-store', '--query', '--size', path]),
		]);
		const base = path.slice('/nix/store/'.length);
		const described = { cache: name, store_path_hash: base.slice(0, 32), store_path: path, references: [base], system: null };
		const more = { deriver: null, sigs: [], ca: null, nar_hash: narHash, nar_size: Number(narSize) };
		const answer = await fetch(`${server.origin}/_api/v1/upload-path`, {
			method: 'PUT',
			headers: { authorization: `bearer ${tokenFor(name)}`, 'x-attic-nar-info': JSON.stringify({ ...described, ...more }) },
			body: new Uint8Array(nar.bytes),
		});
		expect(await answer.json()).toMatchObject({ kind: 'Uploaded' });
		await machine.emptyStore();
		machine.writeFile('/etc/nix/netrc', `machine 127.0.0.1 login ci password ${tokenFor(name)}\n`, 0o600);
		const options = ['substituters', server.substituter(name), 'trusted-public-keys', server.publicKey(name)];
		await machine.run(['nix-store', '--option', ...options.slice(0, 2), '--option', ...options.slice(2), '--realise', path]);
		expect(await machine.run(['nix-store', '--query', '--hash', path])).toBe(narHash);
	});
});

describe('a cache on an attic server', () => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix: '2.26' });
	});
	afterAll(() => machine.dispose());

	const warnings = (result: JobResult): readonly string[] => result.annotations.map(({ message }) => message);

	it('costs little more than a request for each of 300 small paths', async () => {
		const token = tokenFor('mine');
		const result = await job(machine, 'mine', token, 'nix-build --no-out-link job.nix', manyPaths(300, 'attic'), {
			verify: 'none',
		});
		expect(result.stage('post').log).toMatch(/300 pushed/);
		expect(count('PUT')).toBe(300);
		// Nix asked for each as well before it was built.
		const ours = server.requests.filter(({ headers }) => headers['user-agent'] === 'nix-cache-action');
		const each = ours.length / 300;
		process.stdout.write(`attic: ${ours.length} requests for 300 paths, ${each.toFixed(3)} for each\n`);
		expect(each).toBeLessThan(1.05);
	});

	it('takes a large path, and a path that was changed on disk not', async () => {
		const large = await largePath(machine, 'attic-large', 64, 0.3);
		const rotten = derivation({ name: 'rotten', script: 'mkdir $out; head -c 9000000 /dev/zero > $out/data' });
		const text = `{ large = ${large}; rotten = ${rotten}; }`;
		const script =
			'nix-build --no-out-link job.nix -A large; p=$(nix-build --no-out-link job.nix -A rotten); chmod -R u+w $p; echo x >> $p/data';
		const result = await job(machine, 'mine', tokenFor('mine'), script, text);
		expect(result.stage('post').log, result.log).toMatch(/1 pushed/);
		expect(result.stage('post').log).toMatch(/1 corrupt/);
		const names = [...server.objects('mine').values()].map(({ storePath }) => storePath.slice(44));
		expect(names).toContain('attic-large');
		expect(names).not.toContain('rotten');
	});

	it('does not get what is signed by an upstream that its own configuration names, and a cache beside it does', async () => {
		const key = generateKey('upstream-1');
		machine.writeFile('/root/upstream.secret', formatSecretKey(key), 0o600);
		const text = graph('attic-upstream');
		const sign = 'nix --extra-experimental-features nix-command store sign --key-file /root/upstream.secret';
		const script = `${everything}; ${sign} $(nix-build --no-out-link job.nix -A base -A lib)`;
		const beside = join(machine.work, 'beside');
		const cache = `${server.cacheUrl('filtered')}\nfile://${beside}`;
		const result = await job(machine, 'filtered', tokenFor('filtered'), script, text, { cache, continuous: 'false' });
		expect(result.stage('post').log, result.log).toMatch(/3 pushed/);
		expect(checkCache(beside).length).toBe(5);
		const names = [...server.objects('filtered').values()].map(({ storePath }) => storePath.slice(44));
		expect(names.toSorted()).toEqual(['app-attic-upstream', 'app-attic-upstream-doc', 'tool-attic-upstream']);
	});

	it('has nothing with a hole under it after a push that was killed, and the next one brings the rest', async () => {
		const token = tokenFor('killed');
		server.fail({ method: 'PUT' }, { kind: 'delay', delayMs: 25 });
		let playing: RunningJob | null = null;
		const remember = (job: RunningJob): void => {
			playing = job;
		};
		const steps = [
			uses({ with: { cache: server.cacheUrl('killed'), token, continuous: 'false' } }),
			remember,
			run('nix-build --no-out-link job.nix'),
		];
		const options = { secrets: [token], workspace: { 'job.nix': chain(80, 'attic-killed') } };
		const watch = setInterval(() => server.objects('killed').size >= 20 && playing?.running?.kill('SIGKILL'), 10);
		const killed = await runJob(machine, steps, options).finally(() => clearInterval(watch));
		expect(killed.stage('post').signal, killed.log).toBe('SIGKILL');
		const sizeThen = server.objects('killed').size;
		expect(sizeThen).toBeGreaterThanOrEqual(20);
		expect(sizeThen).toBeLessThan(80);
		expect(holes('killed')).toEqual([]);
		server.heal();
		const next = await runJob(machine, [...steps.slice(0, 1), run('nix-build --no-out-link job.nix')], {
			...options,
			workspace: { 'job.nix': chain(81, 'attic-killed') },
		});
		expect(next.status, next.log).toBe('success');
		expect(server.objects('killed').size).toBe(81);
		expect(holes('killed')).toEqual([]);
	});

	it('is only read with a token that may do no more, which costs no warning', async () => {
		const result = await job(machine, 'mine', server.token({ pull: ['mine'] }), everything, graph('attic-pull'), {
			fallback: 'none',
		});
		expect(warnings(result), result.log).toEqual([]);
		expect(result.stage('main').outputs).toMatchObject({ cache: 'attic', 'can-push': 'false' });
		expect(result.stage('main').log).toMatch(/Nothing is pushed at the end of the job: .*may not push/);
		expect(count('PUT')).toBe(0);
	});

	it('is only read without a token, where everybody may', async () => {
		const result = await job(machine, 'open', '', everything, graph('attic-fork'), { fallback: 'none' });
		expect(warnings(result), result.log).toEqual([]);
		expect(result.stage('main').outputs).toMatchObject({ cache: 'attic', 'can-push': 'false' });
	});

	it.each([
		[
			'an expired token',
			'mine',
			() => server.token({ pull: ['mine'], push: ['mine'], validSeconds: -60 }),
			/expired at .*make-token/,
		],
		[
			'an expired token where everybody may read',
			'open',
			() => server.token({ push: ['*'], validSeconds: -60 }),
			/expired at .*make-token/,
		],
		['a token for another cache', 'mine', () => server.token({ pull: ['other'] }), /401.*does not name mine/],
		['a token of another server', 'mine', () => 'of-another-server', /401.*does not name mine/],
		['the wrong name', 'miner', () => server.token({ pull: ['mine*'], push: ['mine*'] }), /404.*attic cache create miner/],
		['no token', 'mine', () => '', /401.*private, or there is none.*`token`/],
	])('%s is told at main, once, and costs the cache, not the job', async (_, cache, token, told) => {
		const result = await job(machine, cache, token(), everything, graph('attic-trouble'), { fallback: 'none' });
		expect(warnings(result), result.log).toEqual([expect.stringMatching(told)]);
		expect(result.stage('main').log).toMatch(told);
	});

	it('whose token ends while the job runs says so at its end, in one line', async () => {
		const token = server.token({ pull: ['mine'], push: ['mine'], validSeconds: 5 });
		const inputs = { cache: server.cacheUrl('mine'), token, continuous: 'false', fallback: 'none' };
		const steps = [uses({ with: inputs }), run(everything), () => sleep(5_000)];
		const result = await runJob(machine, steps, { secrets: [token], workspace: { 'job.nix': graph('attic-ends') } });
		expect(result.status, result.log).toBe('success');
		expect(result.stage('main').annotations, result.log).toEqual([]);
		expect(warnings(result), result.log).toEqual([expect.stringMatching(/expired at .*make-token/s)]);
		assertNoSecrets(result);
	});

	it('that can not be written is an error with `push: always`', async () => {
		const token = server.token({ pull: ['mine'] });
		const result = await runJob(machine, [uses({ with: { cache: server.cacheUrl('mine'), token, push: 'always' } })], {
			secrets: [token],
		});
		expect(result.status).toBe('failure');
		expect(result.stage('main').log).toMatch(/`push` is `always`, but .*may not push there/);
	});

	it('behind a proxy that refuses large bodies says so, with the fix, and gets the rest', async () => {
		server.fail({ method: 'PUT' }, { kind: 'too-large', overBytes: 1_000_000 });
		const large = derivation({ name: 'attic-413', script: 'head -c 3000000 /dev/zero > $out' });
		const small = derivation({ name: 'attic-small', script: 'echo small > $out' });
		const script = 'nix-build --no-out-link job.nix';
		const result = await job(machine, 'mine', tokenFor('mine'), script, `[ (${large}) (${small}) ]`);
		expect(result.stage('post').log, result.log).toMatch(/1 pushed/);
		expect(warnings(result)).toEqual([expect.stringMatching(/1 failed.*413.*client_max_body_size.*max-path-size/s)]);
	});
});
