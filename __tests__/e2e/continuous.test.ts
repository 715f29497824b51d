import { readdirSync, rmSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import type { Report } from '../../src/report/report.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { spawnCacheService } from '../support/cache-service/connect.ts';
import { chain, derivation, GRAPH, graph } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import type { JobOptions, JobResult, RunningJob, Step, UsesStep } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';

const secret = formatSecretKey(generateKey('test-1'));
const password = 'correct-horse-battery-staple';

let server: FaultyServer;
let salts = 0;

beforeAll(async () => {
	server = await startFaultyServer({ credentials: `ci:${password}` });
});
afterAll(() => server?.[Symbol.asyncDispose]());
beforeEach(() => {
	server.heal();
	server.forgetRequests();
	for (const name of readdirSync(server.folder)) rmSync(join(server.folder, name), { recursive: true });
});

const action = (more: Readonly<Record<string, string>> = {}): Step =>
	uses({ with: { cache: server.url, username: 'ci', password, 'signing-key': secret, ...more } });
const buildAll = (file = 'job.nix', options = ''): Step =>
	run(`nix-build --no-out-link ${options} ${file} ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);

async function job(machine: Machine, steps: readonly Step[], options: JobOptions = {}): Promise<JobResult> {
	const result = await runJob(machine, steps, {
		secrets: [password, secret],
		workspace: { 'job.nix': graph(`continuous-${++salts}`) },
		...options,
	});
	assertNoSecrets(result);
	return result;
}

/** Names of what the cache holds, without hash and salt. */
const held = (): readonly string[] =>
	checkCache(server.folder)
		.map(({ storePath }) => storePath.replace(/^.*?-/, '').replace(/-continuous-\d+.*/, ''))
		.sort();

const narinfos = (): readonly string[] =>
	server.requests
		.filter(({ method, path, status }) => method === 'PUT' && path.endsWith('.narinfo') && status >= 200 && status < 300)
		.map(({ path }) => path);

/** Waits within the job, between its steps. */
async function until(what: string, isSo: () => boolean, timeoutMs = 20_000): Promise<void> {
	for (const deadline = performance.now() + timeoutMs; !isSo(); await sleep(20)) {
		if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
	}
}

/** Waits until so many paths are in the cache. */
const pushed =
	(count: number): Step =>
	() =>
		until(`${count} paths are in the cache`, () => narinfos().length === count);

/** Kills the keeper of the pusher, or the process that does its work. */
const kill = (which: 'keeper' | 'worker'): Step =>
	run(
		`kill -KILL $(grep -o '"pid":[0-9]*' "$RUNNER_TEMP"/nix-cache-action-*/push/pusher.json | ${which === 'keeper' ? 'head' : 'tail'} -n 1 | cut -d : -f 2)`,
	);

describe.each(testedVersions())('a job that pushes while it runs, Nix %s', (nix) => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix });
	});
	afterAll(() => machine?.dispose());

	it('has its paths in the cache before it ends, and reports them at its end', async () => {
		const result = await job(machine, [action(), buildAll(), pushed(5), () => expect(held()).toHaveLength(5)]);
		expect(result.status, result.log).toBe('success');
		expect(result.annotations).toEqual([]);
		expect(result.stage('post').log).toMatch(/5 pushed/);
		expect(result.orphans).toEqual([]);
		expect(new Set(narinfos()).size).toBe(narinfos().length);
		expect(result.leftovers.filter((name) => !name.includes('report'))).toEqual([]);
	});

	it('pushes at its end what no hook saw', async () => {
		const result = await job(machine, [
			action(),
			buildAll(),
			run('echo "no build" > file-continuous-0 && nix-store --add file-continuous-0'),
		]);
		expect(result.stage('post').log, result.log).toMatch(/6 pushed/);
		expect(held()).toContain('file');
	});

	it('a hook of the workflow goes on working', async () => {
		machine.writeFile('/root/hook', '#!/bin/sh\necho "$DRV_PATH" >> /root/hooked\n', 0o755);
		machine.writeFile('/root/.config/nix/nix.conf', 'post-build-hook = /root/hook\n');
		try {
			const result = await job(machine, [action(), buildAll(), run('wc -l < /root/hooked; rm /root/hooked')]);
			expect(result.status, result.log).toBe('success');
			expect(result.stage('post').log).toMatch(/5 pushed/);
			expect(result.log).toMatch(/^4$/m);
		} finally {
			rmSync(machine.outside('/root/.config/nix/nix.conf'));
		}
	});
});

it('a runner that gives way to everything else, and whose user may not change that, pushes while the job runs', async () => {
	await using machine = await createMachine({ nix: '2.34' });
	machine.addUser('runner');
	await machine.startDaemon({ trustedUsers: ['runner'] });
	const before = getPriority();
	setPriority(19);
	try {
		const folder = join(machine.work, 'patient');
		await machine.run(['mkdir', '-m', '777', folder]);
		const steps = [uses({ with: { cache: `file://${folder}`, 'signing-key': secret, continuous: 'true' } }), buildAll()];
		const result = await job(machine, steps, { user: 'runner' });
		expect(
			result.annotations.map(({ message }) => message),
			result.log,
		).toEqual([]);
		expect(checkCache(folder).length).toBe(5);
	} finally {
		setPriority(before);
	}
});

describe('trouble on the way', () => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix: '2.26' });
	});
	afterAll(() => machine?.dispose());

	/** Five paths are pushed, `which` is killed, five more are built: all are in the cache at the end, and none went up twice. */
	async function jobWithKilled(which: 'keeper' | 'worker', ...last: readonly Step[]): Promise<JobResult> {
		const workspace = { 'job.nix': graph(`continuous-${++salts}`), 'more.nix': graph(`continuous-more-${++salts}`) };
		const steps = [action(), buildAll(), pushed(5), kill(which), buildAll('more.nix'), ...last];
		const result = await job(machine, steps, { workspace });
		expect(result.status, result.log).toBe('success');
		expect(result.stage('post').log).toMatch(/10 pushed/);
		expect(held()).toHaveLength(10);
		expect(new Set(narinfos()).size).toBe(10);
		expect(narinfos()).toHaveLength(10);
		return result;
	}

	it('a pusher that is killed: post says so, pushes the rest, and nothing goes up twice', async () => {
		const { annotations } = await jobWithKilled('keeper');
		expect(annotations.map(({ message }) => message)).toEqual([
			'The process that pushed while the job ran ended before its time (killed, or out of memory); what it did not push is pushed now.',
		]);
	});

	it('a worker that is killed: another one goes on where it came to, while the job runs', async () => {
		const { annotations } = await jobWithKilled('worker', pushed(10));
		expect(annotations).toEqual([]);
	});

	it('a pusher that was killed in the middle of an upload leaves no hole', async () => {
		server.fail({ method: 'PUT', path: /nar\// }, { kind: 'stall' }, { skip: 1 });
		const result = await job(machine, [
			action({ concurrency: '1' }),
			buildAll(),
			() =>
				until(
					'a second NAR is on its way',
					() => server.requests.filter(({ path, method }) => method === 'PUT' && path.includes('nar/')).length >= 2,
				),
			kill('keeper'),
			() => {
				checkCache(server.folder);
				server.heal();
			},
		]);
		expect(result.status, result.log).toBe('success');
		expect(held()).toHaveLength(5);
		expect(new Set(narinfos()).size).toBe(narinfos().length);
	});

	it('a cache that is down while the job runs gets all at the end', async () => {
		const result = await job(machine, [
			action(),
			() => server.fail({ method: 'PUT' }, { kind: 'status', status: 503 }),
			buildAll(),
			() => until('the pusher has tried', () => server.requests.some(({ method, fault }) => method === 'PUT' && fault !== null)),
			() => server.heal(),
		]);
		expect(result.status, result.log).toBe('success');
		expect(result.annotations).toEqual([]);
		expect(held()).toHaveLength(5);
	});

	it('a cache that left a question unanswered while the job ran does not hold up its end', async () => {
		const asked = () =>
			server.requests.some(({ method, path, fault }) => method === 'GET' && path.endsWith('.narinfo') && fault === 'stall');
		const result = await job(machine, [
			action(),
			() => server.fail({ method: 'GET', path: /\.narinfo$/ }, { kind: 'stall' }),
			buildAll('job.nix', '--option substitute false'),
			() => until('the pusher waits for an answer', asked),
			() => server.heal(),
		]);
		expect(result.status, result.log).toBe('success');
		expect(result.annotations).toEqual([]);
		expect(result.stage('post').durationMs).toBeLessThan(15_000);
		expect(result.stage('post').log).not.toContain('Pushed 0 of 0');
		expect(held()).toHaveLength(5);
	});

	it('an upload that takes longer than `push-timeout` is given up in time, and told by the pusher', async () => {
		server.fail({ method: 'PUT', path: /nar\// }, { kind: 'delay', delayMs: 60_000 });
		const result = await job(machine, [
			action({ 'push-timeout': '12 s' }),
			run('nix-build --no-out-link job.nix -A base'),
			() => until('a NAR is on its way', () => server.requests.some(({ path }) => path.includes('nar/'))),
			run('nix-build --no-out-link job.nix -A lib'),
		]);
		expect(result.status, result.log).toBe('success');
		expect(result.stage('post').durationMs, result.log).toBeLessThan(14_000);
		expect(result.annotations.map(({ message }) => message).join(), result.log).not.toContain('ended before its time');
		const [report] = result.reports as readonly Report[];
		expect(report?.caches[0]?.counts['out-of-time']?.paths, result.log).toBe(2);
	});

	it('a pusher that takes long to start does not push beside post', async () => {
		const isPusher = "process.argv[1]?.endsWith('pusher.js') && process.env.NIX_CACHE_ACTION_PUSHER_WORKER === undefined";
		machine.writeFile(
			'/root/late.cjs',
			`if (${isPusher}) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_000);\n`,
		);
		server.fail({ method: 'PUT', path: /nar\// }, { kind: 'delay', delayMs: 6_000 });
		const { with: inputs = {} } = action() as UsesStep;
		const late = uses({ with: inputs, env: { NODE_OPTIONS: '--require=/root/late.cjs' } });
		const result = await job(machine, [late, buildAll()]);
		expect(result.status, result.log).toBe('success');
		expect(result.annotations, result.log).toEqual([]);
		expect(result.stage('post').log).toMatch(/5 pushed/);
		const nars = server.requests.filter(({ method, path }) => method === 'PUT' && path.includes('nar/'));
		expect(nars).toHaveLength(5);
		expect(result.orphans).toEqual([]);
	});

	it('a pusher that hangs does not double the time that the end of the job takes', async () => {
		server.fail({ method: 'PUT', path: /nar\// }, { kind: 'delay', delayMs: 60_000 });
		const stopBoth = run(
			'kill -STOP $(grep -o \'"pid":[0-9]*\' "$RUNNER_TEMP"/nix-cache-action-*/push/pusher.json | cut -d : -f 2)',
		);
		const started = () => until('the pusher is at work', () => server.requests.some(({ path }) => path.includes('nar/')));
		const result = await job(machine, [action({ 'push-timeout': '8 s' }), buildAll(), started, stopBoth]);
		expect(result.status, result.log).toBe('success');
		expect(result.stage('post').durationMs, result.log).toBeLessThan(13_000);
		const messages = result.annotations.map(({ message }) => message).join('\n');
		expect(messages, result.log).toContain('did not end in time');
		expect(messages).not.toContain('killed, or out of memory');
		expect(result.orphans).toEqual([]);
	});

	it('a short `push-timeout` is not all kept for its own end', async () => {
		const add = run(`echo ${++salts} > file-continuous-0 && nix-store --add file-continuous-0`);
		const result = await job(machine, [action({ 'push-timeout': '3 s' }), () => sleep(1_500), add]);
		expect(result.status, result.log).toBe('success');
		expect(result.annotations, result.log).toEqual([]);
		expect(held()).toEqual(['file']);
	});

	it('a cache that does not answer in the time for the push is not called cancelled', async () => {
		const add = run(`echo ${++salts} > file-continuous-0 && nix-store --add file-continuous-0`);
		const stall = () => server.fail({ method: 'GET' }, { kind: 'stall' });
		const result = await job(machine, [action({ 'push-timeout': '4 s' }), stall, () => sleep(1_500), add]);
		expect(result.annotations, result.log).toMatchObject([
			{ message: expect.stringMatching(/The time for the push is over|the time for it ran out/) },
		]);
		expect(result.stage('post').log).not.toContain('cancelled');
	});

	it('a full disk, on which the pusher can not be told to end, costs nothing that fits into memory', async () => {
		await machine.run(['sh', '-c', 'mkdir -p /small && mount -t tmpfs -o size=1m tmpfs /small']);
		const fill = run(
			'd=$(echo "$RUNNER_TEMP"/nix-cache-action-*/push); mv $d $d.old; cp -a $d.old/. /small; ln -s /small $d; head -c 2m /dev/zero > /small/fill || true',
		);
		const add = run(`echo ${++salts} > file-continuous-0 && nix-store --add file-continuous-0`);
		const result = await job(machine, [
			action(),
			run('nix-build --no-out-link job.nix -A base'),
			pushed(1),
			fill,
			buildAll(),
			add,
		]);
		await machine.run(['umount', '-l', '/small']);
		expect(result.status, result.log).toBe('success');
		expect(held(), result.log).toHaveLength(6);
		expect(result.annotations.map(({ message }) => message).join(), result.log).not.toContain('ENOSPC');
		expect(result.orphans).toEqual([]);
	});

	it('a pusher that was just started when main is ended does not outlive the job', async () => {
		// As when a cancel comes between two of main's instructions.
		const script = `if (process.argv[1]?.endsWith('main.js')) {
	const children = require('node:child_process');
	const { spawn } = children;
	children.spawn = (...call) => {
		const child = spawn(...call);
		if (String(call[1]).includes('pusher.js')) process.kill(process.pid, 'SIGKILL');
		return child;
	};
	require('node:module').syncBuiltinESMExports();
}`;
		machine.writeFile('/root/ended.cjs', script);
		const { with: inputs = {} } = action() as UsesStep;
		const result = await job(machine, [uses({ with: inputs, env: { NODE_OPTIONS: '--require=/root/ended.cjs' } })]);
		expect(result.stage('main').signal, result.log).toBe('SIGKILL');
		expect(result.orphans, result.log).toEqual([]);
	});

	it('`continuous: false` leaves everything to the end', async () => {
		const result = await job(machine, [
			action({ continuous: 'false' }),
			buildAll(),
			() => sleep(1500),
			() => expect(narinfos()).toEqual([]),
		]);
		expect(result.stage('post').log, result.log).toMatch(/5 pushed/);
	});

	it('a garbage collection in the job costs no path that waits', async () => {
		// The first NAR is on its way for as long as everything else takes.
		server.fail({ method: 'PUT', path: /nar\// }, { kind: 'delay', delayMs: 6_000 }, { times: 1 });
		const isUnderWay = () => server.requests.some(({ method, path }) => method === 'PUT' && path.includes('nar/'));
		const first = run('nix-build --no-out-link job.nix -A base');
		const waits = () => until('the first NAR is on its way', isUnderWay);
		const collection = run('sleep 1; nix-collect-garbage');
		const result = await job(machine, [action(), first, waits, buildAll(), collection]);
		expect(result.status, result.log).toBe('success');
		expect(result.annotations).toEqual([]);
		expect(held()).toHaveLength(5);
	});

	// As the runner does when its own time is up: SIGINT, SIGTERM 7.5 s later, SIGKILL 2.5 s after that.
	it.each([1, 10, 60])(
		'ended %i s into a long push: the cache has no hole, what is complete is visible, the rest is listed',
		async (afterS) => {
			server.fail({ method: 'PUT', path: /nar\// }, { kind: 'delay', delayMs: 2000 });
			const timers: NodeJS.Timeout[] = [];
			const endIt = (running: RunningJob): void => {
				const send = (signal: NodeJS.Signals, laterMs: number): void =>
					void timers.push(setTimeout(() => running.running?.kill(signal), afterS * 1000 + laterMs));
				send('SIGINT', 0);
				send('SIGTERM', 7_500);
				send('SIGKILL', 10_000);
			};
			const job40 = { 'job.nix': chain(40, `continuous-${++salts}`) };
			const build = run('nix-build --no-out-link job.nix');
			const result = await job(machine, [action({ concurrency: '1' }), build, endIt], { workspace: job40 });
			for (const timer of timers) clearTimeout(timer);
			const visible = held().length;
			const [report] = result.reports as readonly Report[];
			const { pushed, 'out-of-time': late } = report?.caches[0]?.counts ?? {};
			const told = pushed?.paths ?? 0;
			expect(late?.paths, result.log).toBe(40 - told);
			// With one upload at a time, one narinfo may have been cut off after it was there and before the server said so.
			expect(visible - told, result.log).toBeGreaterThanOrEqual(0);
			expect(visible - told, result.log).toBeLessThanOrEqual(1);
			expect(visible).toBeLessThan(40);
			if (afterS > 20) expect(visible).toBeGreaterThan(10);
			expect(result.stage('post').signal).toBeNull();
			expect(result.orphans).toEqual([]);
			expect(result.leftovers.filter((name) => !name.includes('report'))).toEqual([]);
		},
	);
});

describe('the Actions cache', () => {
	it('gets one pack and one index of a job that pushes while it runs', async () => {
		await using service = await spawnCacheService();
		await using machine = await createMachine({ nix: '2.34' });
		const actions = await service.environment({ repository: 'octo/continuous' });
		const first = await job(machine, [uses({}), buildAll(), () => sleep(1500)], { actions });
		expect(first.stage('post').log, first.log).toMatch(/5 pushed/);
		expect(await service.entries({ repository: 'octo/continuous' })).toHaveLength(2);
		await machine.emptyStore();
		const again = await job(machine, [uses({}), buildAll()], { actions, workspace: { 'job.nix': graph(`continuous-${salts}`) } });
		expect(again.stage('run').log, again.log).not.toMatch(/^building '/m);
	});
});

describe('a store that two jobs use at the same time', () => {
	it('gives each its own paths, and neither a path of the other', async () => {
		await using other = await startFaultyServer();
		await using machine = await createMachine({ nix: '2.26' });
		const single = (name: string) => derivation({ name, script: 'sleep 1; echo $name > $out' });
		const shared = { 'shared-store': 'true' };
		const [one, two] = await Promise.all([
			job(machine, [action(shared), run('nix-build job.nix')], { workspace: { 'job.nix': single('mine-one') } }),
			job(machine, [uses({ with: { cache: other.url, 'signing-key': secret, ...shared } }), run('nix-build job.nix')], {
				workspace: { 'job.nix': single('mine-two') },
			}),
		]);
		expect(one.status, one.log).toBe('success');
		expect(two.status, two.log).toBe('success');
		expect(checkCache(server.folder).map(({ storePath }) => storePath.slice(44))).toEqual(['mine-one']);
		expect(checkCache(other.folder).map(({ storePath }) => storePath.slice(44))).toEqual(['mine-two']);
	});
});

it('pushes while the job runs also on a runner of the lowest priority, which only root may raise', async () => {
	await using machine = await createMachine({ nix: '2.26' });
	machine.addUser('runner');
	await machine.startDaemon({ trustedUsers: ['runner'] });
	const usual = getPriority();
	setPriority(19);
	try {
		const result = await job(machine, [action(), buildAll(), pushed(5)], { user: 'runner' });
		expect(result.status, result.log).toBe('success');
		expect(result.annotations, result.log).toEqual([]);
	} finally {
		setPriority(usual);
	}
});
