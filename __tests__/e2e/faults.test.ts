import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { build, buildOne, chain, GRAPH, graph, largePath } from '../support/derivations.ts';
import { type Fault, type FaultyServer, type RequestMatch, startFaultyServer } from '../support/faulty-server.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import type { JobOptions, JobResult, RunningJob, Step } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { expectOneProblem, problems } from './one-problem.ts';

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
	// Faults come after the build; continuous.test.ts has those of a push that runs beside it.
	continuous: 'false',
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
	/** What the one annotation says beside the cache's URL: what is wrong, and what to do. `null`: nothing to say, all is pushed. */
	readonly says: readonly string[] | null;
	/** At the least. */
	readonly lastsMs?: number;
}

const status = (code: number, headers: Readonly<Record<string, string>> = {}): Fault => ({
	kind: 'status',
	status: code,
	headers,
});
const PUT = { method: 'PUT' };
const NAR = { ...PUT, path: /nar\// };
const WRONG_PASSWORD = ['401 Unauthorized', 'refuses the credentials: check `username` and `password`'];
const WRONG_PATH = ['404 Not Found', 'Is the path of the URL that of the repository?', 'correct the URL'];
const DOWN = ['503 Service Unavailable', 'The server is overloaded or down: try again when it is up.'];
const LATE = ['5 out of time', 'Raise `push-timeout`'];
const UNREADABLE = "not readable through the cache's URL";

describe('a server that fails at the end of the job', () => {
	const cases: readonly Case[] = [
		{ what: '401', match: {}, fault: status(401), says: WRONG_PASSWORD },
		{
			what: '403 on PUT',
			match: PUT,
			fault: status(403),
			says: ['403 Forbidden', 'Its user may not write there: give it the permission to deploy', 'or check `push-url`'],
		},
		{ what: '404 on PUT', match: PUT, fault: status(404), says: WRONG_PATH },
		{ what: '404 on everything', match: {}, fault: status(404), says: WRONG_PATH },
		{
			what: '405 on PUT',
			match: PUT,
			fault: status(405),
			says: [
				'405 Method Not Allowed',
				'The server takes no uploads there: name the URL that does in `push-url`',
				'`push: never`',
			],
		},
		{
			what: '413',
			match: NAR,
			fault: { kind: 'too-large', overBytes: 10 },
			says: ['413 Payload Too Large', 'raise its limit (nginx: `client_max_body_size`)', '`max-path-size`'],
		},
		{ what: '429 with Retry-After', match: PUT, fault: status(429, { 'Retry-After': '2' }), times: 3, says: null, lastsMs: 2000 },
		{
			what: '429 for good',
			match: {},
			fault: status(429),
			says: ['429 Too Many Requests', 'It limits the rate of requests: lower `concurrency`.'],
		},
		{ what: '500 in a burst', match: {}, fault: status(500), times: 4, says: null },
		{
			what: '500 for good',
			match: {},
			fault: status(500),
			says: ['500 Internal Server Error', 'The server failed: its own log says why.'],
		},
		{ what: '503 for good', match: {}, fault: status(503), says: DOWN },
		{
			what: 'a connection cut in the middle of a NAR',
			match: NAR,
			fault: { kind: 'cut', afterBytes: 40 },
			times: 3,
			says: null,
		},
		{ what: 'no answer', match: PUT, fault: { kind: 'stall' }, says: LATE },
		{ what: 'very slow', match: PUT, fault: { kind: 'slow', bytesPerSecond: 20 }, says: LATE },
	];
	it.each(cases)('$what', async ({ match, fault, times, says, lastsMs = 0 }) => {
		const between: Step[] = [() => server.fail(match, fault, times === undefined ? {} : { times })];
		const result = await job(between, { 'push-timeout': '8 s' });
		expectHarmless(result);
		expect(result.stage('post').durationMs).toBeGreaterThan(lastsMs);
		const struck = server.requests.filter((request) => request.fault !== null);
		if (says === null) {
			expect(struck.length, result.log).toBe(times);
			expect(problems(result), result.log).toEqual([]);
			expect(result.stage('post').log).toMatch(/5 pushed/);
		} else {
			expect(struck.length, result.log).toBeGreaterThan(0);
			expectOneProblem(result, server.url, ...says);
		}
	});

	it('that says 201 to a NAR and keeps a part of it is found out', async () => {
		const result = await job([() => server.fail(NAR, { kind: 'lie', keepBytes: 20 }, { times: 1 })]);
		expect(result.status, result.log).toBe('success');
		expectOneProblem(
			result,
			server.url,
			`1 pushed, but ${UNREADABLE}`,
			'has 20 bytes in place of',
			'does that keep all it takes?',
		);
		expect(() => checkCache(server.folder)).toThrow(/NAR/);
		assertNoSecrets(result);
	});

	it('fails the job when on-push-failure says so, and is silent when it says ignore', async () => {
		const failing: Step[] = [() => server.fail(PUT, status(403))];
		const failed = await job(failing, { 'on-push-failure': 'fail' });
		expect(failed.stage('post').exitCode).toBe(1);
		expect(failed.status).toBe('failure');
		expectOneProblem(failed, server.url, '403 Forbidden', 'or check `push-url`');
		expect(failed.annotations[0]?.level).toBe('error');
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
		expectOneProblem(result, server.url, `5 pushed, but ${UNREADABLE}`, 'Do its URL and `push-url` lead to the same repository');
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
		expectOneProblem(result, server.url, "has 1 narinfos that can't be read. They count as missing.");
		expect(checkCache(server.folder).length).toBe(5);
	});

	it('that lost a path gets it again', async () => {
		await job([]);
		const base = checkCache(server.folder).find(({ storePath }) => storePath.includes('-base-'))?.storePath ?? '';
		rmSync(join(server.folder, `${base.slice('/nix/store/'.length, '/nix/store/'.length + 32)}.narinfo`));
		await machine.emptyStore();
		const again = await job([], {}, { workspace: { 'job.nix': graph(`fault-${salts}`) } });
		expectHarmless(again);
		expect(problems(again)).toEqual([]);
		expect(checkCache(server.folder)).toHaveLength(5);
		expect(again.stage('post').log).toMatch(/1 pushed, 3 already there/);
	});
});

describe('a server that fails from the start', () => {
	const GOES_ON = 'The job goes on without this cache';
	interface Start {
		readonly what: string;
		readonly prepare?: () => Promise<void> | void;
		readonly more?: { readonly cache?: string; readonly password?: string };
		/** `null`: main has nothing to say. */
		readonly says: readonly string[] | null;
	}
	const starts: readonly Start[] = [
		{
			what: 'refuses connections',
			prepare: () => server.refuse(),
			says: ['the connection was refused (ECONNREFUSED)', 'Is the server up, and does it listen on this port?'],
		},
		{
			what: 'has a name that does not resolve',
			more: { cache: 'http://no-such-host.invalid/nix' },
			says: ['the host no-such-host.invalid is not known (ENOTFOUND)', 'Is the name right, and can this runner resolve it?'],
		},
		{ what: 'answers 404 to everything', prepare: () => server.fail({}, status(404)), says: null },
		{ what: 'answers 503 to everything', prepare: () => server.fail({}, status(503)), says: DOWN },
		{ what: 'takes other credentials', more: { password: 'wrong-password-of-mine' }, says: WRONG_PASSWORD },
	];
	it.each(starts)('$what: the job builds without it', async ({ what, prepare, more = {}, says }) => {
		await prepare?.();
		const result = await runJob(machine, [uses({ with: inputs(more) }), buildGraph], {
			secrets: [password, secret],
			workspace: { 'job.nix': graph(`fault-${++salts}`) },
		});
		if (what === 'refuses connections') await server.accept();
		expect(result.stage('main').exitCode).toBe(0);
		expect(result.stage('run').log).toMatch(/^building '/m);
		// A cache that is still empty has nothing there: that it takes nothing either shows at the end.
		if (says === null) expectOneProblem(result, server.url, ...WRONG_PATH);
		else expectOneProblem(result, more.cache ?? server.url, ...says, GOES_ON);
		expectHarmless(result);
	});

	it('is not trusted without its authority, and is with NODE_EXTRA_CA_CERTS', async () => {
		await using tls = await startFaultyServer({ tls: true, credentials: `ci:${password}` });
		machine.writeFile('/etc/test-ca.pem', tls.ca ?? '');
		const distrusted = await job([], { cache: tls.url });
		expect(distrusted.status, distrusted.log).toBe('success');
		expectOneProblem(
			distrusted,
			tls.url,
			'the certificate of the server is not trusted (SELF_SIGNED_CERT_IN_CHAIN)',
			'in NODE_EXTRA_CA_CERTS (for this action) and NIX_SSL_CERT_FILE (for Nix)',
			GOES_ON,
		);
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
		expectOneProblem(result, '`push` is `always`', server.url, ...WRONG_PASSWORD);
		expect(result.annotations[0]?.title).toBe('nix-cache-action (push-impossible)');
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
		expectOneProblem(result, server.url, '1 corrupt', 'was changed after it was built', '`nix-store --repair-path /nix/store/');
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

	it('says where the disk is full, and goes on', async () => {
		await machine.run(['sh', '-c', 'mkdir -p /small && mount -t tmpfs -o size=2m tmpfs /small']);
		const path = await buildOne(machine, await largePath(machine, 'too-much', 24, 1));
		// A link, and not a mount: what post may remove like its own.
		const shrink = async ({ place }: RunningJob): Promise<void> => {
			await machine.run(['sh', '-c', `for d in ${place.temp}/nix-cache-action-*/; do ln -s /small "$d/spool"; done`]);
		};
		const result = await runJob(machine, [uses({ with: inputs({ paths: path }) }), shrink], { secrets: [secret, password] });
		const left = await machine.run(['ls', '-A', '/small']);
		await machine.run(['umount', '-l', '/small']);
		expectOneProblem(
			result,
			server.url,
			'1 failed',
			'No space left in ',
			`/spool to pack ${path}.`,
			'Free space on that disk, lower `concurrency`, or leave the path out with `max-path-size` or `exclude`.',
		);
		expect(result.stage('post').exitCode).toBe(0);
		expectHarmless(result);
		expect(left).toBe('');
	});
});

describe('the end comes early', () => {
	it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
		'%s in the middle of post leaves a whole cache and no secret',
		async (signal) => {
			// One NAR is there, and the second is on its way for as long as it takes.
			server.fail(NAR, { kind: 'stall' }, { skip: 1 });
			const nars = (): number => server.requests.filter(({ method, path }) => method === 'PUT' && path.includes('nar/')).length;
			const kill = (running: RunningJob): void => {
				const timer = setInterval(() => {
					if (nars() < 2) return;
					running.running?.kill(signal);
					clearInterval(timer);
				}, 20).unref();
			};
			const options = { workspace: { 'job.nix': graph(`fault-${++salts}`) } };
			const result = await job([kill], { concurrency: '1' }, options);
			const visible = checkCache(server.folder).length;
			expect(visible).toBeLessThan(5);
			assertNoSecrets(result);
			const post = result.stage('post');
			expect(nars(), result.log).toBe(2);
			if (signal === 'SIGKILL') {
				expect(post.signal).toBe('SIGKILL');
				expect(problems(result)).toEqual([]);
			} else {
				expect(post.exitCode, result.log).toBe(0);
				expect(post.log).toContain(`${signal}: ending; what is complete becomes visible`);
				expectOneProblem(
					result,
					server.url,
					`${5 - visible} out of time`,
					'A signal ended the push; the rest is left for the next job.',
				);
				expect(result.leftovers.filter((name) => !name.includes('report'))).toEqual([]);
			}
			// Somebody else's machine, or this one's next job: what is missing goes up.
			server.heal();
			await machine.emptyStore();
			const next = await job([], {}, options);
			expectHarmless(next);
			expect(problems(next), next.log).toEqual([]);
			expect(checkCache(server.folder).length).toBe(5);
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
