import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { build, derivation, GRAPH, graph, largePath } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import { startNginx } from '../support/nginx.ts';
import type { JobOptions, JobResult, RunningJob } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';

const secret = formatSecretKey(generateKey('test-1'));
const password = 'correct-horse-battery-staple';

let machine: Machine;
let server: FaultyServer;
let salts = 0;

beforeAll(async () => {
	[machine, server] = await Promise.all([createMachine({ nix: '2.26' }), startFaultyServer({ credentials: `ci:${password}` })]);
});
afterAll(async () => {
	await machine?.dispose();
	await server?.[Symbol.asyncDispose]();
});
beforeEach(() => {
	server.forgetRequests();
	for (const name of readdirSync(server.folder)) rmSync(join(server.folder, name), { recursive: true });
});

const inputs = () => ({ cache: server.url, username: 'ci', password, 'signing-key': secret });
const everything = GRAPH.map((name) => `-A ${name}`).join(' ');

async function job(
	given: Readonly<Record<string, string>>,
	script = `nix-build --no-out-link job.nix ${everything}`,
	options: JobOptions = {},
): Promise<JobResult> {
	const result = await runJob(machine, [uses({ with: given }), run(script)], {
		secrets: [password, secret],
		workspace: { 'job.nix': graph(`seen-${++salts}`) },
		...options,
	});
	expect(result.status, result.log).toBe('success');
	assertNoSecrets(result);
	return result;
}

/** Names of what the cache holds, without hash and salt. */
const held = (folder = server.folder): readonly string[] =>
	checkCache(folder)
		.map(({ storePath }) => storePath.replace(/^.*?-/, '').replace(/-seen-\d+/, ''))
		.sort();

const puts = () => server.requests.filter(({ method }) => method === 'PUT');

describe.each(['xz', 'gzip', 'br', 'none'])('with compression %s', (compression) => {
	it('the NARs are whole, are labelled so, and Nix takes them', async () => {
		const options = { workspace: { 'job.nix': graph(`packed-${compression}`) } };
		await job({ ...inputs(), compression }, undefined, options);
		expect(new Set(checkCache(server.folder).map((info) => info.compression))).toEqual(new Set([compression]));
		expect(held().length).toBe(5);
		await machine.emptyStore();
		const second = await job({ ...inputs(), compression }, undefined, options);
		expect(second.stage('run').log).not.toMatch(/^building '/m);
		expect(second.stage('post').log).toContain('Nothing new to push');
	});
});

describe('what is pushed', () => {
	it('`paths` takes result links, and pushes their closure and nothing else', async () => {
		await job({ ...inputs(), paths: 'result\n\n' }, `nix-build job.nix -A lib && nix-build --no-out-link job.nix ${everything}`);
		expect(held()).toEqual(['base', 'lib']);
	});

	it('`paths` takes a result that is itself a link to another path', async () => {
		const target = derivation({ name: 'target-seen', script: 'echo target > $out' });
		const link = derivation({ name: 'link-seen', script: 'ln -s $target $out', env: { target: `(${target})` } });
		await job({ ...inputs(), paths: 'result', continuous: 'false' }, 'nix-build job.nix', { workspace: { 'job.nix': link } });
		expect(held()).toEqual(['link-seen', 'target-seen']);
	});

	it('`include` chooses what is wanted, with what it needs', async () => {
		await job({ ...inputs(), include: '-lib-' });
		expect(held()).toEqual(['base', 'lib']);
	});

	it('`exclude` holds back what matches and what needs it', async () => {
		const result = await job({ ...inputs(), exclude: '-lib-' });
		expect(held()).toEqual(['base', 'tool']);
		expect(result.stage('post').log).toMatch(/1 excluded/);
		expect(result.stage('post').log).toMatch(/2 withheld/);
		expect(result.annotations).toEqual([]);
	});

	it('`max-path-size` leaves out what is larger', async () => {
		const result = await job({ ...inputs(), 'max-path-size': '1 B' });
		expect(held()).toEqual([]);
		expect(result.stage('post').log).toMatch(/5 too large/);
	});

	it('keeps signatures of others beside ours, and leaves out what an upstream signed unless told', async () => {
		const others = generateKey('other-1');
		const upstream = generateKey('cache.nixos.org-1');
		const expression = graph(`seen-${++salts}`);
		const [base = '', tool = ''] = await build(machine, expression, { attributes: ['base', 'tool'] });
		const sign = async (path: string, key: ReturnType<typeof generateKey>) => {
			machine.writeFile('/root/key', formatSecretKey(key), 0o600);
			await machine.nix(['store', 'sign', '--key-file', '/root/key', path]);
		};
		await sign(base, others);
		await sign(tool, upstream);
		const push = (more: Readonly<Record<string, string>>) =>
			runJob(machine, [uses({ with: { ...inputs(), paths: `${base}\n${tool}`, ...more } })], { secrets: [secret] });
		const first = await push({});
		expect(first.stage('post').log, first.log).toMatch(/1 pushed, 1 signed by an upstream/);
		const [info] = checkCache(server.folder);
		expect(info?.signatures.map((signature) => signature.split(':')[0]).sort()).toEqual(['other-1', 'test-1']);
		const second = await push({ 'skip-signed-by': '' });
		expect(second.stage('post').log, second.log).toMatch(/1 pushed, 1 already there/);
		const toolInfo = checkCache(server.folder).find(({ storePath }) => storePath === tool);
		expect(toolInfo?.signatures.map((signature) => signature.split(':')[0]).sort()).toEqual(['cache.nixos.org-1', 'test-1']);
	});
});

describe('a push that takes its time', () => {
	it('says every five seconds how far it is, how fast, and what is left', async () => {
		const expression = await largePath(machine, `slow-${++salts}`, 4, 1);
		server.fail({ method: 'PUT', path: /nar\// }, { kind: 'slow', bytesPerSecond: 400_000 });
		const options = { workspace: { 'job.nix': expression } };
		const result = await job({ ...inputs(), continuous: 'false' }, 'nix-build --no-out-link job.nix', options);
		server.heal();
		const lines = result
			.stage('post')
			.log.split('\n')
			.filter((line) => line.startsWith('Pushed '));
		expect(lines.length, result.log).toBeGreaterThan(1);
		expect(lines[0]).toMatch(/^Pushed 0 of 1 paths, .* of 4\.\d MiB, .* KiB\/s, about \d+ s left$/);
		expect(lines.at(-1)).toMatch(/^Pushed 1 of 1 paths, (4\.\d MiB) of \1/);
		expect(lines.at(-1)).not.toContain('left');
	});
});

describe('where it is pushed, and as whom', () => {
	it('`push-url` takes the uploads, and the cache serves them', async () => {
		await using cache = await startNginx({ pushPath: '/upload/' });
		const { pushUrl = '', username, password: own } = cache;
		const given = { cache: cache.url, 'push-url': pushUrl ?? '', username, password: own, 'signing-key': secret };
		const result = await job(given, undefined, { secrets: [own, secret] });
		expect(result.annotations, result.log).toEqual([]);
		expect(held(cache.folder)).toEqual(['app', 'app-doc', 'base', 'lib', 'tool'].sort());
		const sent = cache.requests().filter(({ method }) => method === 'PUT');
		expect(sent.length).toBeGreaterThan(0);
		expect(sent.filter(({ path }) => !path.startsWith('/upload/'))).toEqual([]);
	});

	it('`token` goes along as a bearer token', async () => {
		await using open = await startFaultyServer();
		const token = 'a-token-that-nobody-may-see';
		const result = await job({ cache: open.url, token, 'signing-key': secret }, undefined, { secrets: [token, secret] });
		expect(result.stage('post').log, result.log).toMatch(/5 pushed/);
		const sent = open.requests.filter(({ method }) => method === 'PUT');
		expect(new Set(sent.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${token}`]));
		checkCache(open.folder);
	});

	it.each(['signing-key', 'password'])('CRLF and blank lines around `%s` do no harm', async (name) => {
		const given = inputs();
		const value = name === 'password' ? given.password : given['signing-key'];
		const result = await job({ ...given, [name]: `${value}\r\n`, cache: `\r\n${server.url}\r\n\r\n` });
		expect(result.stage('post').log, result.log).toMatch(/5 pushed/);
		expect(result.annotations).toEqual([]);
	});
});

describe('whether it is pushed', () => {
	it('`push: never` reads only', async () => {
		server.write('nix-cache-info', 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 41\n');
		const result = await job({ ...inputs(), push: 'never' });
		expect(result.annotations, result.log).toEqual([]);
		expect(puts()).toEqual([]);
		expect(result.stage('main').outputs['can-push']).toBe('false');
		expect(result.stage('main').outputs.cache).toBe('http');
	});

	it('a job for `pull_request_target` pushes only when told `always`', async () => {
		const event = 'pull_request_target';
		const auto = await job(inputs(), undefined, { event });
		expect(auto.stage('main').outputs['can-push']).toBe('false');
		expect(puts()).toEqual([]);
		const always = await job({ ...inputs(), push: 'always' }, undefined, { event });
		expect(always.stage('post').log).toMatch(/5 pushed/);
	});

	it('the job after one that was killed in the middle of its push pushes the rest', async () => {
		const expression = graph('killed');
		const options = { workspace: { 'job.nix': expression }, secrets: [password, secret] };
		server.fail({ method: 'PUT', path: /nar\// }, { kind: 'stall' }, { skip: 2 });
		// Two NARs are there and a third is on its way.
		const killInTheMiddle = (running: RunningJob) => {
			const timer = setInterval(() => {
				if (puts().filter(({ path }) => path.includes('nar/')).length < 3) return;
				running.running?.kill('SIGKILL');
				clearInterval(timer);
			}, 20).unref();
		};
		const killed = await runJob(
			machine,
			[uses({ with: { ...inputs(), concurrency: '1' } }), run(`nix-build --no-out-link job.nix ${everything}`), killInTheMiddle],
			options,
		);
		expect(killed.stage('post').signal, killed.log).toBe('SIGKILL');
		assertNoSecrets(killed);
		server.heal();
		checkCache(server.folder);
		await machine.emptyStore();
		await job(inputs(), undefined, options);
		expect(held().length).toBe(5);
	});
});
