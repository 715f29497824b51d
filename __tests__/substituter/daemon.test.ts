import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemCode } from '../../src/errors.ts';
import {
	daemonAlive,
	type StartDaemonOptions,
	type StartedDaemon,
	startDaemon,
	stopDaemon,
} from '../../src/substituter/daemon.ts';
import { readAddress, readStatistics } from '../../src/substituter/daemon-folder.ts';
import { type DaemonTimes, DEFAULT_TIMES } from '../../src/substituter/run-daemon.ts';
import { keptLog } from './kept-log.ts';
import { hashPart, someBytes } from './paths.ts';
import type { Orders } from './serve-program.ts';

const log = keptLog();
const SCRIPT = join(import.meta.dirname, 'serve-program.ts');
let folder: string;

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'substituter-daemon-'));
});
afterEach(async () => {
	await stopDaemon(folder, { graceMs: 0, log });
	rmSync(folder, { recursive: true, force: true });
	await expect.poll(() => processesOf(folder), { timeout: 5_000 }).toEqual([]);
});

function start(
	orders: Orders = {},
	options: Partial<StartDaemonOptions> = {},
	times: Partial<DaemonTimes> = {},
): Promise<StartedDaemon> {
	return startDaemon({
		nodePath: process.execPath,
		script: SCRIPT,
		env: { ...process.env, DAEMON_TIMES: JSON.stringify({ lookMs: 50, ...times }), ...options.env },
		folder,
		handover: orders,
		timeoutMs: 20_000,
		log,
		signal: new AbortController().signal,
		...(options.nodePath === undefined ? {} : { nodePath: options.nodePath }),
		...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
		...(options.signal === undefined ? {} : { signal: options.signal }),
		...(options.credentials === undefined ? {} : { credentials: options.credentials }),
	});
}

function get({ url, credentials }: StartedDaemon, name: string, headers: Readonly<Record<string, string>> = {}) {
	const authorization = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
	// A connection of its own for each, as each Nix process has.
	return request(`${url}/${name}`, { headers: { authorization, ...headers }, dispatcher: new Agent({ pipelining: 0 }) });
}

async function ask(daemon: StartedDaemon, name: string): Promise<number> {
	const { statusCode, body } = await get(daemon, name);
	await body.dump();
	return statusCode;
}

/** As Nix does: a connection that was cut is tried again some times. */
async function askAgain(daemon: StartedDaemon, name: string, attempts = 4): Promise<number> {
	return ask(daemon, name).catch(async (error: unknown) => {
		if (attempts === 1 || systemCode(error) === 'ECONNREFUSED') throw error;
		await sleep(100);
		return askAgain(daemon, name, attempts - 1);
	});
}

async function workerPid(): Promise<number> {
	const pid = (await readAddress(folder))?.worker.pid;
	if (pid === undefined) throw new Error('no worker');
	return pid;
}

/** macOS has none. */
const HAS_PROC = existsSync('/proc/self/stat');

/** Every process with this folder on its command line, which a keeper and its worker have. */
function processesOf(name: string): readonly string[] {
	if (!HAS_PROC) {
		const { stdout } = spawnSync('ps', ['-axww', '-o', 'command='], { encoding: 'utf8' });
		return stdout.split('\n').filter((line) => line.includes(name));
	}
	return readdirSync('/proc').filter((pid) => {
		try {
			return /^\d+$/.test(pid) && ofProcess(Number(pid), 'cmdline').split('\n').includes(name);
		} catch {
			return false;
		}
	});
}

/** A process that nobody waits for stays as a zombie in places. */
function runs(pid: number): boolean {
	if (!HAS_PROC) return isThere(pid);
	return existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

function isThere(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
}

function ofProcess(pid: number, file: 'cmdline' | 'environ'): string {
	return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', '\n');
}

const HELLO = `${hashPart('hello')}.narinfo`;

describe('the background process', () => {
	it('serves as soon as it has started, and knows its credentials', async () => {
		const daemon = await start();
		expect(await ask(daemon, HELLO)).toBe(200);
		expect(await daemonAlive(folder)).toBe(true);
	});

	it('takes credentials that the netrc has already', async () => {
		const credentials = { username: 'theirs', password: 'of long ago' };
		const daemon = await start({}, { credentials });
		expect(daemon.credentials).toEqual(credentials);
		expect(await ask(daemon, HELLO)).toBe(200);
	});

	it.runIf(HAS_PROC)('keeps the runner’s environment and its mark, but not the inputs and states of the step', async () => {
		const env = {
			RUNNER_TRACKING_ID: 'github_1',
			ACTIONS_RUNTIME_TOKEN: 'token',
			INPUT_PASSWORD: 'a secret',
			STATE_x: 'of main',
		};
		const { pid } = await start({}, { env });
		const lines = ofProcess(pid, 'environ').split('\n');
		expect(lines).toEqual(expect.arrayContaining(['RUNNER_TRACKING_ID=github_1', 'ACTIONS_RUNTIME_TOKEN=token']));
		expect(lines.filter((line) => /^(INPUT|STATE)_/.test(line))).toEqual([]);
	});

	it.runIf(HAS_PROC)(
		'leaves no secret on its command line, in its environment or in a file, and no file that others can read',
		async () => {
			const { pid, credentials } = await start({ secret: 'handed over' });
			const processes = [pid, await workerPid()];
			const seen = processes.flatMap((one) => [ofProcess(one, 'cmdline'), ofProcess(one, 'environ')]);
			for (const name of readdirSync(folder)) {
				seen.push(readFileSync(join(folder, name), 'utf8'));
				expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
			}
			for (const secret of [credentials.password, 'handed over']) expect(seen.join('\n')).not.toContain(secret);
			expect(readdirSync(folder)).not.toContain('serve-orders.json');
		},
	);

	it('keeps no pipe of the one who started it', async () => {
		const main = spawn(process.execPath, [join(import.meta.dirname, 'start-program.ts'), folder], {
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		let output = '';
		main.stdout.on('data', (chunk) => (output += chunk));
		main.stderr.on('data', (chunk) => (output += chunk));
		const closed = once(main, 'close');
		const [status] = await once(main, 'exit');
		const exited = performance.now();
		await closed;
		expect(status, output).toBe(0);
		expect(performance.now() - exited).toBeLessThan(1_000);
		expect(await daemonAlive(folder)).toBe(true);
	});

	it('takes the place of the one that ran in the same folder', async () => {
		const first = await start();
		const second = await start();
		expect(second.url).not.toBe(first.url);
		await expect(ask(first, HELLO)).rejects.toThrow();
		expect(await ask(second, HELLO)).toBe(200);
	});

	it('writes down what it did while it runs and at its end', async () => {
		const daemon = await start();
		await ask(daemon, HELLO);
		await expect.poll(async () => (await readStatistics(folder))?.narInfoHits, { timeout: 5_000 }).toBe(1);
		await ask(daemon, HELLO);
		await stopDaemon(folder, { log });
		expect(await readStatistics(folder)).toMatchObject({ version: 1, narInfoHits: 2, narInfoMisses: 0 });
	});

	it('survives what nobody expected', async () => {
		const daemon = await start({ trouble: 'surprises' });
		expect(await ask(daemon, HELLO)).toBe(200);
		expect(await ask(daemon, HELLO)).toBe(200);
		expect(readFileSync(join(folder, 'serve.log'), 'utf8')).toContain('nobody expected this');
	});
});

describe('a kill', () => {
	it('of the worker keeps nobody from being served, at the same URL, and is counted', async () => {
		const daemon = await start();
		await askAgain(daemon, HELLO);
		for (let kills = 1; kills <= 3; kills++) {
			await expect.poll(async () => (await readStatistics(folder))?.narInfoHits, { timeout: 5_000 }).toBe(kills);
			process.kill(await workerPid(), 'SIGKILL');
			expect(await askAgain(daemon, HELLO)).toBe(200);
		}
		await stopDaemon(folder, { log });
		expect(await readStatistics(folder)).toMatchObject({ narInfoHits: 4, restarts: 3 });
	});

	it('of the worker keeps those waiting who come at that very moment', async () => {
		const daemon = await start();
		for (let kills = 0; kills < 3; kills++) {
			process.kill(await workerPid(), 'SIGKILL');
			const answers = await Promise.all(Array.from({ length: 30 }, () => askAgain(daemon, HELLO)));
			expect(new Set(answers)).toEqual(new Set([200]));
		}
	});

	it('of the worker keeps those waiting whom the next one accepts before it can serve', async () => {
		const daemon = await start({ trouble: 'late' });
		await expect.poll(() => readStatistics(folder), { timeout: 5_000 }).not.toBeNull();
		process.kill(await workerPid(), 'SIGKILL');
		await expect.poll(() => readFileSync(join(folder, 'serve.log'), 'utf8'), { timeout: 5_000 }).toContain('opening late');
		// Nobody but the worker is left to accept.
		process.kill(daemon.pid, 'SIGSTOP');
		try {
			const answers = await Promise.all([1, 2, 3].map(() => ask(daemon, HELLO)));
			expect(answers).toEqual([200, 200, 200]);
		} finally {
			process.kill(daemon.pid, 'SIGCONT');
		}
		expect(await ask(daemon, HELLO)).toBe(200);
	}, 15_000);

	it('of the worker in the middle of a NAR lets the client go on where it was', async () => {
		const daemon = await start({ trouble: 'slow' });
		const narinfo = await (await get(daemon, HELLO)).body.text();
		const url = /^URL: (.*)$/m.exec(narinfo)?.[1] ?? '';
		const { body } = await get(daemon, url);
		const chunks: Buffer[] = [];
		await expect(
			(async () => {
				for await (const chunk of body) {
					chunks.push(chunk);
					process.kill(await workerPid(), 'SIGKILL');
				}
			})(),
		).rejects.toThrow();
		const begun = Buffer.concat(chunks);
		const rest = await get(daemon, url, { range: `bytes=${begun.length}-` });
		expect(rest.statusCode).toBe(206);
		expect(Buffer.concat([begun, Buffer.from(await rest.body.arrayBuffer())]).equals(someBytes(100_000, 'hello'))).toBe(true);
	});

	it('of the keeper leaves a worker that goes on, can be found, and ends when asked', async () => {
		const daemon = await start();
		const worker = await workerPid();
		process.kill(daemon.pid, 'SIGKILL');
		await expect.poll(async () => (await readAddress(folder))?.pid).toBe(worker);
		for (let index = 0; index < 10; index++) expect(await askAgain(daemon, HELLO)).toBe(200);
		expect(await daemonAlive(folder)).toBe(true);
		await stopDaemon(folder, { log });
		await expect.poll(() => runs(worker)).toBe(false);
	});

	it('again and again, or a worker that can’t begin again, ends in misses, never in silence', async () => {
		const daemon = await start({ trouble: 'fragile' });
		await expect.poll(() => readStatistics(folder), { timeout: 5_000 }).not.toBeNull();
		process.kill(await workerPid(), 'SIGKILL');
		for (const name of [HELLO, 'nix-cache-info', 'nar/x']) expect(await askAgain(daemon, name)).toBe(404);
		expect(readFileSync(join(folder, 'serve.log'), 'utf8')).toContain('Too many workers');
		expect(await daemonAlive(folder)).toBe(true);
		await stopDaemon(folder, { log });
		await expect.poll(() => runs(daemon.pid)).toBe(false);
	}, 30_000);
});

describe('a start that fails', () => {
	it('tells the last words of a process that died', async () => {
		await expect(start({ trouble: 'dies' })).rejects.toThrow(/ended with status 1\. Its last words: .*the cache is on fire/);
		expect(readdirSync(folder)).toEqual(['serve.log']);
	});

	it('tells when there is no such program', async () => {
		await expect(start({}, { nodePath: '/nonexistent/node' })).rejects.toThrow('could not be started (ENOENT)');
	});

	it('ends a process that is not ready in time', async () => {
		await expect(start({ trouble: 'hangs' }, { timeoutMs: 1_500 })).rejects.toThrow('was not ready within 1500 ms');
		expect(readdirSync(folder)).not.toContain('serve-orders.json');
		await expect.poll(() => processesOf(folder)).toEqual([]);
	});

	it('can be cancelled', async () => {
		await expect(start({ trouble: 'hangs' }, { signal: AbortSignal.timeout(500) })).rejects.toMatchObject({ code: 'cancelled' });
		expect(await daemonAlive(folder)).toBe(false);
	});

	it('says when the folder is not there', async () => {
		rmSync(folder, { recursive: true });
		await expect(start()).rejects.toMatchObject({ code: 'file-failed' });
	});
});

describe('the end', () => {
	it('comes when it is asked for, and once more does no harm', async () => {
		const daemon = await start();
		const worker = await workerPid();
		const started = performance.now();
		await stopDaemon(folder, { log });
		expect(performance.now() - started).toBeLessThan(3_000);
		expect(await daemonAlive(folder)).toBe(false);
		await expect.poll(() => runs(worker)).toBe(false);
		await expect(ask(daemon, HELLO)).rejects.toThrow();
		await stopDaemon(folder, { log });
		expect(readFileSync(join(folder, 'serve.log'), 'utf8')).toContain('The end: SIGTERM');
	});

	it('comes by force when the process does not listen', async () => {
		const daemon = await start({ trouble: 'blocks' });
		const stuck = ask(daemon, HELLO).catch(() => 'cut');
		await new Promise((resolve) => setTimeout(resolve, 200));
		const worker = await workerPid();
		await stopDaemon(folder, { graceMs: 200, log });
		expect(await stuck).toBe('cut');
		await expect.poll(() => runs(worker)).toBe(false);
		expect(await daemonAlive(folder)).toBe(false);
	});

	it('is no trouble when the process was killed before', async () => {
		const { pid, worker } = await start();
		for (const one of [pid, worker.pid]) process.kill(one, 'SIGKILL');
		await expect.poll(() => daemonAlive(folder)).toBe(false);
		await stopDaemon(folder, { log });
	});

	it('comes when the folder is removed', async () => {
		const { pid } = await start();
		rmSync(folder, { recursive: true });
		await expect.poll(() => runs(pid), { timeout: 5_000 }).toBe(false);
		expect(existsSync(folder)).toBe(false);
	});

	it('comes after the longest life of a job, which is five days on a machine of one’s own', async () => {
		expect(DEFAULT_TIMES.lifeMs).toBeGreaterThan(5 * 24 * 3_600_000);
		const { pid } = await start({}, {}, { lifeMs: 300 });
		await expect.poll(() => runs(pid), { timeout: 5_000 }).toBe(false);
		expect(readFileSync(join(folder, 'serve.log'), 'utf8')).toContain('the longest life');
	});

	it('never comes to another process that got the same number', async () => {
		const other = spawn('sleep', ['60']);
		try {
			for (const startTime of ['1', '99999999999']) {
				writeFileSync(
					join(folder, 'serve.json'),
					JSON.stringify({ version: 1, pid: other.pid, startTime, worker: { pid: other.pid, startTime }, port: 1, url: 'x' }),
				);
				expect(await daemonAlive(folder)).toBe(false);
				await stopDaemon(folder, { graceMs: 100, log });
			}
			expect(other.exitCode ?? other.signalCode).toBeNull();
		} finally {
			other.kill();
		}
	});

	it.each([
		'',
		'{',
		'{"version":1}',
		'{"version":1,"pid":-1,"startTime":null,"worker":{"pid":-1},"port":1,"url":"x"}',
		'{"version":1,"pid":0,"worker":{"pid":1},"port":1,"url":"x"}',
		'[]',
	])('does nothing for a file that says %j', async (text) => {
		writeFileSync(join(folder, 'serve.json'), text);
		expect(await daemonAlive(folder)).toBe(false);
		await stopDaemon(folder, { log });
	});
});
