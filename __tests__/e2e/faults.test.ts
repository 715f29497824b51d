import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { build, buildOne, chain, GRAPH, graph, largePath } from '../support/derivations.ts';
import { type Fault, type FaultyServer, type RequestMatch, startFaultyServer } from '../support/faulty-server.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import type { JobOptions, JobResult, RunningJob, Step } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';

const secret = formatSecretKey(generateKey('test-1'));
const password = 'correct-horse-battery-staple';

let machine: Machine;
let server: FaultyServer;

beforeAll(async () => {
	[machine, server] = await Promise.all([createMachine({ nix: '2.26' }), startFaultyServer({ credentials: `ci:${password}` })]);
});
afterAll(async () => {
	await machine?.dispose();
	await server?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
	server.heal();
	server.forgetRequests();
	for (const name of readdirSync(server.folder)) rmSync(join(server.folder, name), { recursive: true });
});

const inputs = (more: Readonly<Record<string, string>> = {}) => ({
	cache: server.url,
	username: 'ci',
	password,
	'signing-key': secret,
	...more,
});
const buildGraph = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);
let salts = 0;

/** A job that builds something new; `between` happens after the build, before post. */
function job(between: Step[], more: Readonly<Record<string, string>> = {}, options: JobOptions = {}): Promise<JobResult> {
	return runJob(machine, [uses({ with: inputs(more) }), buildGraph, ...between], {
		secrets: [password, secret],
		workspace: { 'job.nix': graph(`fault-${++salts}`) },
		...options,
	});
}

const problems = (result: JobResult) =>
	result.annotations.filter(({ level }) => level !== 'notice').map(({ message }) => message);

/** What is true after every fault: a green job, a whole cache, no secret anywhere. */
function expectHarmless(result: JobResult): void {
	expect(result.status, result.log).toBe('success');
	checkCache(server.folder);
	assertNoSecrets(result);
	expect(result.leftovers.filter((name) => !name.includes('report'))).toEqual([]);
}

interface Case {
	readonly what: string;
	readonly match: RequestMatch;
	readonly fault: Fault;
	readonly times?: number;
	/** Of the one annotation; null: nothing to say, all is pushed. */
	readonly says: RegExp | null;
}

const status = (code: number, headers: Readonly<Record<string, string>> = {}): Fault => ({
	kind: 'status',
	status: code,
	headers,
});
const PUT = { method: 'PUT' };

describe('a server that fails at the end of the job', () => {
	const cases: readonly Case[] = [
		{ what: '401', match: {}, fault: status(401), says: /401.*(username|password|token)/s },
		{ what: '403 on PUT', match: PUT, fault: status(403), says: /403.*may not write there.*`push-url`/s },
		{ what: '404 on PUT', match: PUT, fault: status(404), says: /404.*path of the URL that of the repository/s },
		{ what: '404 on everything', match: {}, fault: status(404), says: /404.*path of the URL that of the repository/s },
		{ what: '405 on PUT', match: PUT, fault: status(405), says: /405.*takes no uploads there.*`push-url`/s },
		{
			what: '413',
			match: { ...PUT, path: /nar\// },
			fault: { kind: 'too-large', overBytes: 10 },
			says: /413.*raise its limit.*`max-path-size`/s,
		},
		{ what: '429 with Retry-After', match: PUT, fault: status(429, { 'Retry-After': '1' }), times: 3, says: null },
		{ what: '500 in a burst', match: {}, fault: status(500), times: 4, says: null },
		{ what: '503 for good', match: {}, fault: status(503), says: /503.*try again when it is up/s },
		{
			what: 'a connection cut in the middle of a NAR',
			match: { ...PUT, path: /nar\// },
			fault: { kind: 'cut', afterBytes: 40 },
			times: 3,
			says: null,
		},
		{ what: 'no answer', match: PUT, fault: { kind: 'stall' }, says: /out of time|did not|time/i },
		{ what: 'very slow', match: PUT, fault: { kind: 'slow', bytesPerSecond: 20 }, says: /out of time/ },
		{
			what: 'a lie: 201 for a NAR that was cut off',
			match: { ...PUT, path: /nar\// },
			fault: { kind: 'lie', keepBytes: 20 },
			times: 1,
			says: /not readable/,
		},
	];
	it.each(cases)('$what', async ({ what, match, fault, times, says }) => {
		const between: Step[] = [() => server.fail(match, fault, times === undefined ? {} : { times })];
		const result = await job(between, { 'push-timeout': '8 s' });
		if (what.startsWith('a lie')) {
			expect(result.status).toBe('success');
			expect(() => checkCache(server.folder)).toThrow();
		} else expectHarmless(result);
		if (says === null) {
			expect(problems(result), result.log).toEqual([]);
			expect(result.stage('post').log).toMatch(/5 pushed/);
		} else {
			expect(problems(result).length, result.log).toBe(1);
			expect(problems(result)[0]).toMatch(says);
			// Which cache it is about.
			expect(problems(result)[0]).toContain(new URL(server.url).host);
		}
	});

	it('fails the job when on-push-failure says so, and is silent when it says ignore', async () => {
		const failing: Step[] = [() => server.fail(PUT, status(403))];
		const failed = await job(failing, { 'on-push-failure': 'fail' });
		expect(failed.stage('post').exitCode).toBe(1);
		expect(problems(failed).length, failed.log).toBe(1);
		server.heal();
		const ignored = await job(failing, { 'on-push-failure': 'ignore' });
		expect(ignored.stage('post').exitCode).toBe(0);
		expect(problems(ignored), ignored.log).toEqual([]);
		assertNoSecrets(failed);
	});

	it('never sends credentials along with a redirect to another origin', async () => {
		await using other = await startFaultyServer({ host: 'other.test' });
		const result = await job([() => server.fail(PUT, { kind: 'redirect', origin: other.origin, status: 307 })]);
		expect(other.requests.length).toBeGreaterThan(0);
		expect(other.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
		expectHarmless(result);
		expect(problems(result).length, result.log).toBeLessThan(2);
	});

	it('replaces a narinfo that can not be read', async () => {
		const expression = graph(`fault-${++salts}`);
		// After the build: Nix itself fails on such a narinfo.
		const spoil = async (running: RunningJob) => {
			const path = await buildOne(running.machine, `(${expression}).base`);
			server.write(`${path.slice('/nix/store/'.length).split('-')[0]}.narinfo`, 'StorePath: nonsense\n');
		};
		const result = await job([spoil], {}, { workspace: { 'job.nix': expression } });
		expectHarmless(result);
		expect(result.stage('post').log).toMatch(/can't be read/);
	});
});

describe('a server that fails from the start', () => {
	it.each([
		['refuses connections', () => server.refuse(), inputs, /refused.*goes on without this cache/is],
		[
			'has a name that does not resolve',
			() => undefined,
			() => inputs({ cache: 'http://no-such-host.invalid/nix' }),
			/no-such-host\.invalid.*goes on without this cache/s,
		],
		[
			'answers 503 to everything',
			() => server.fail({}, status(503)),
			inputs,
			/503.*try again when it is up.*goes on without this cache/s,
		],
		[
			'takes other credentials',
			() => undefined,
			() => inputs({ password: 'wrong-password-of-mine' }),
			/401.*check `username` and `password`.*goes on without this cache/s,
		],
	])('%s: the job builds without it', async (what, prepare, given, says) => {
		await prepare();
		const result = await runJob(machine, [uses({ with: given() }), buildGraph], {
			secrets: [password, secret],
			workspace: { 'job.nix': graph(`fault-${++salts}`) },
		});
		if (what.startsWith('refuses')) await server.accept();
		expect(result.status, result.log).toBe('success');
		expect(result.stage('main').exitCode).toBe(0);
		expect(problems(result).length, result.log).toBe(1);
		expect(problems(result)[0]).toMatch(says);
		checkCache(server.folder);
		assertNoSecrets(result);
	});

	it('is not trusted without its authority, and is with NODE_EXTRA_CA_CERTS', async () => {
		await using tls = await startFaultyServer({ tls: true, credentials: `ci:${password}` });
		machine.writeFile('/etc/test-ca.pem', tls.ca ?? '');
		const distrusted = await job([], { cache: tls.url });
		expect(distrusted.status, distrusted.log).toBe('success');
		expect(problems(distrusted)[0]).toMatch(/NODE_EXTRA_CA_CERTS/);
		expect(problems(distrusted).length, distrusted.log).toBe(1);
		const env = { NODE_EXTRA_CA_CERTS: '/etc/test-ca.pem', NIX_SSL_CERT_FILE: '/etc/test-ca.pem' };
		const trusted = await job([], { cache: tls.url }, { env });
		expect(problems(trusted), trusted.log).toEqual([]);
		expect(trusted.stage('post').log).toMatch(/5 pushed/);
		checkCache(tls.folder);
	});

	it('fails main when push is always and the credentials are wrong', async () => {
		const result = await runJob(machine, [uses({ with: inputs({ push: 'always', password: 'wrong-password-of-mine' }) })], {
			secrets: [secret],
		});
		expect(result.stage('main').exitCode).toBe(1);
		expect(problems(result).join('\n')).toMatch(/`push` is `always`/);
	});
});

describe('the store', () => {
	it('reports a path that was changed on disk as corrupt, and withholds what needs it', async () => {
		const expression = graph(`fault-${++salts}`);
		const touch = async (job: RunningJob) => {
			const [base = ''] = await build(machine, expression, { attributes: ['base'] });
			await job.machine.run(['sh', '-c', `chmod -R u+w ${base}; echo changed > ${base}/base`]);
		};
		const result = await job([touch], {}, { workspace: { 'job.nix': expression } });
		expectHarmless(result);
		expect(result.stage('post').log).toMatch(/1 corrupt/);
		expect(result.stage('post').log).toMatch(/withheld/);
		expect(problems(result)[0]).toMatch(/corrupt/);
		expect(problems(result).length, result.log).toBe(1);
	});

	it('ignores stale lock files and names that are not valid, and keeps derivation files out', async () => {
		const litter = run(
			'touch /nix/store/00000000000000000000000000000000-x.lock; mkdir /nix/store/11111111111111111111111111111111-never; touch /nix/store/tmp-1-2',
		);
		const result = await job([litter]);
		expectHarmless(result);
		expect(result.stage('post').log).toMatch(/5 pushed, 4 derivation files/);
		expect(problems(result)).toEqual([]);
		await machine.run(['sh', '-c', 'rm -rf /nix/store/0000* /nix/store/1111* /nix/store/tmp-1-2']);
	});

	it('pushes a chain of 600 whole, also when its base is older than the job', async () => {
		await build(machine, chain(300, 'old'));
		const result = await job(
			[run('nix-build --no-out-link chain.nix')],
			{},
			{
				workspace: { 'job.nix': graph(`fault-${++salts}`), 'chain.nix': chain(600, 'old') },
			},
		);
		expectHarmless(result);
		expect(result.stage('post').log).toMatch(/605 pushed/);
	});

	it('keeps signatures of others beside ours, and leaves out what an upstream signed unless told', async () => {
		const others = generateKey('other-1');
		const upstream = generateKey('cache.nixos.org-1');
		const expression = graph(`fault-${++salts}`);
		const [base = '', tool = ''] = await build(machine, expression, { attributes: ['base', 'tool'] });
		const sign = async (path: string, key: ReturnType<typeof generateKey>) => {
			machine.writeFile('/root/key', formatSecretKey(key), 0o600);
			await machine.nix(['store', 'sign', '--key-file', '/root/key', path]);
		};
		await sign(base, others);
		await sign(tool, upstream);
		const push = (more: Readonly<Record<string, string>>) =>
			runJob(machine, [uses({ with: inputs({ paths: `${base}\n${tool}`, ...more }) })], { secrets: [secret] });
		const first = await push({});
		expect(first.stage('post').log, first.log).toMatch(/1 pushed, 1 signed by an upstream/);
		const [info] = checkCache(server.folder);
		expect(info?.signatures.map((signature) => signature.split(':')[0]).sort()).toEqual(['other-1', 'test-1']);
		const second = await push({ 'skip-signed-by': '' });
		expect(second.stage('post').log, second.log).toMatch(/1 pushed, 1 already there/);
		const toolInfo = checkCache(server.folder).find(({ storePath }) => storePath === tool);
		expect(toolInfo?.signatures.map((signature) => signature.split(':')[0]).sort()).toEqual(['cache.nixos.org-1', 'test-1']);
	});

	it('says where the disk is full, and goes on', async () => {
		await machine.run(['sh', '-c', 'mkdir -p /small && mount -t tmpfs -o size=2m tmpfs /small']);
		const path = await buildOne(machine, await largePath(machine, 'too-much', 24, 1));
		const result = await runJob(
			machine,
			[
				uses({ with: inputs({ paths: path }) }),
				async (running) =>
					void (await running.machine.run([
						'sh',
						'-c',
						`for d in ${running.place.temp}/nix-cache-action-*/; do mkdir -p $d/spool && mount --bind /small $d/spool; done`,
					])),
			],
			{ secrets: [secret, password] },
		);
		await machine.exec(['sh', '-c', 'umount -l /small; for m in $(findmnt -rn -o TARGET | grep spool); do umount -l $m; done']);
		// The test's own mount keeps the folder from being removed.
		expect(problems(result).filter((problem) => !problem.includes('could not be removed')).length, result.log).toBe(1);
		expect(problems(result)[0]).toMatch(/No space left in \S+spool.*Free space on that disk/s);
		expect(result.stage('post').exitCode).toBe(0);
		checkCache(server.folder);
	});
});

describe('the end comes early', () => {
	it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
		'%s in the middle of post leaves a whole cache and no secret',
		async (signal) => {
			// One NAR is there, and the second is on its way for as long as it takes.
			server.fail({ ...PUT, path: /nar\// }, { kind: 'stall' }, { skip: 1 });
			const nars = (): number => server.requests.filter(({ method, path }) => method === 'PUT' && path.includes('nar/')).length;
			const kill = (running: RunningJob): void => {
				const timer = setInterval(() => {
					if (nars() < 2) return;
					running.running?.kill(signal);
					clearInterval(timer);
				}, 20).unref();
			};
			const result = await job([kill], { concurrency: '1' });
			checkCache(server.folder);
			assertNoSecrets(result);
			const post = result.stage('post');
			expect(nars(), result.log).toBe(2);
			if (signal === 'SIGKILL') expect(post.signal).toBe('SIGKILL');
			else {
				expect(post.exitCode, result.log).toBe(0);
				expect(post.log).toMatch(/out of time/);
			}
			server.heal();
			const next = await job([]);
			expectHarmless(next);
			expect(next.stage('post').log, next.log).toMatch(/pushed/);
		},
	);

	it('two jobs that push the same closure at once leave what one leaves', async () => {
		const expression = graph(`fault-${++salts}`);
		await using other = await createMachine({ nix: '2.26' });
		const play = (on: Machine) =>
			runJob(on, [uses({ with: inputs() }), buildGraph], { secrets: [secret, password], workspace: { 'job.nix': expression } });
		const results = await Promise.all([play(machine), play(other)]);
		for (const result of results) expectHarmless(result);
		expect(checkCache(server.folder).length).toBe(5);
	});
});

describe('inputs', () => {
	const key = formatPublicKey(publicKeyOf(generateKey('p-1')));
	it.each([
		['a key without a name', { 'signing-key': secret.slice(7) }, /signing-key/],
		['a key of the wrong length', { 'signing-key': secret.slice(0, 40) }, /signing-key/],
		['a public key in place of the secret one', { 'signing-key': key }, /signing-key/],
		['credentials inside of the URL', { cache: 'https://me:my-own-password@cache.test/x' }, /cache.*credentials inside/s],
		['an unknown kind', { cache: 'gopher://cache.test' }, /cache.*unknown kind/s],
		['a bad expression and a bad size', { exclude: '(', 'max-path-size': 'huge' }, /exclude.*max-path-size/s],
	])('fail early on %s', async (_what, more, says) => {
		const result = await runJob(machine, [uses({ with: inputs(more) })], { secrets: [secret.slice(7), 'my-own-password'] });
		expect(result.status).toBe('failure');
		// The same mistake in pre and in main is one annotation each: the runner stops at the first.
		expect(problems(result).length, result.log).toBe(1);
		expect(problems(result)[0]).toMatch(says);
		assertNoSecrets(result);
	});

	it('all empty, as in a pull request from a fork, give a green job that reads and pushes nothing', async () => {
		const empty = { cache: server.url, username: '', password: '', token: '', 'signing-key': '', netrc: '' };
		const result = await runJob(machine, [uses({ with: empty }), run('true')], { event: 'pull_request' });
		expect(result.status, result.log).toBe('success');
		expect(result.stage('main').outputs['can-push'] ?? '').toBe('false');
		const none = await runJob(machine, [uses({ with: {} }), run('true')]);
		expect(none.status, none.log).toBe('success');
		expect(none.annotations, none.log).toEqual([]);
	});
});
