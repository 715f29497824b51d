// biome-ignore-all lint/suspicious/noTemplateCurlyInString: GitHub's expressions look like JavaScript's
/** The tests' own machinery, tested: a harness that is wrong about the runner or about Nix would make every other test worthless. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NIX_VERSIONS, type NixVersion } from '../../scripts/roots.ts';
import { debianMirror, parseDeb822, parseOneLineStyle } from '../../scripts/system/apt-sources.ts';
import { eventually } from '../support/child.ts';
import {
	awkwardFiles,
	build,
	buildOne,
	chain,
	derivation,
	fixedOutput,
	graph,
	largePath,
	manyPaths,
	source,
	textPath,
	writeBytes,
} from '../support/derivations.ts';
import { type Fault, startFaultyServer } from '../support/faulty-server.ts';
import { CHECKOUT, createMachine, type Machine } from '../support/machine.ts';
import { startNginx } from '../support/nginx.ts';
import { startDelayProxy } from '../support/proxy.ts';
import { evaluate } from '../support/runner/expression.ts';
import { parsePairs } from '../support/runner/file-commands.ts';
import { encodings } from '../support/runner/job-log.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';

const SHORT_TIMES = { interruptMs: 300, terminateMs: 300, pipesMs: 500 };
const TRIVIAL = derivation({ name: 'trivial', script: 'echo hi > $out' });

describe('apt sources', () => {
	test('the mirror of a Debian machine is that of its own release', () => {
		const text =
			'Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm\n bookworm-updates\nComponents: main\n\nTypes: deb\nEnabled: no\nURIs: http://off.invalid/\nSuites: x\nComponents: main\n';
		expect(parseDeb822(text)).toEqual([
			{ uri: 'http://mirror.invalid/debian', suites: ['bookworm', 'bookworm-updates'], components: ['main'] },
		]);
		expect(
			parseOneLineStyle('# deb http://no.invalid x main\ndeb [arch=amd64] http://m.invalid/d trixie main contrib # why\n'),
		).toEqual([{ uri: 'http://m.invalid/d', suites: ['trixie'], components: ['main', 'contrib'] }]);
	});

	test('a machine that is not Debian has no Debian mirror', () => {
		expect(debianMirror({ id: 'ubuntu', name: 'Ubuntu', codename: 'noble' })).toBeNull();
	});
});

describe.each(NIX_VERSIONS)('a machine with Nix %s', (nix) => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix });
	});
	afterAll(() => machine.dispose());

	test('has that Nix, and it builds in an empty store of its own', async () => {
		expect(await machine.run(['nix', '--version'])).toContain(machine.nixVersion);
		expect(machine.storeNames()).toEqual([]);
		const path = await machine.run(['nix-build', '--no-out-link', '-E', TRIVIAL]);
		expect(machine.storeNames()).toContain(path.replace('/nix/store/', ''));
		expect(await machine.nix(['path-info', path])).toBe(path);
	});

	test('forgets everything when its store is emptied', async () => {
		await machine.run(['nix-build', '--no-out-link', '-E', TRIVIAL]);
		await machine.emptyStore();
		expect(machine.storeNames()).toEqual([]);
		expect((await machine.exec(['nix-build', '--no-out-link', '-E', TRIVIAL])).stderr).toContain('building');
	});

	test('lets a user build through the daemon and restart it with sudo systemctl', async () => {
		machine.addUser('runner', { sudo: true });
		machine.addUser('guest');
		const daemon = await machine.startDaemon({ trustedUsers: ['runner'] });
		const build = ['nix-build', '--no-out-link', '-E', TRIVIAL];
		expect(await machine.run(build, { user: 'guest' })).toMatch(/-trivial$/);
		expect((await machine.exec(['systemctl', 'restart', 'nix-daemon'], { user: 'guest' })).code).toBe(4);
		expect(daemon.starts()).toBe(1);
		const before = await machine.run(['systemctl', 'show', 'nix-daemon', '-p', 'MainPID', '--value']);
		await machine.run(['sudo', 'systemctl', 'restart', 'nix-daemon.service'], { user: 'runner' });
		expect(await machine.run(['systemctl', 'show', '--property=MainPID', '--value', 'nix-daemon'])).not.toBe(before);
		expect(await machine.run(['systemctl', 'is-active', 'nix-daemon'], { user: 'guest' })).toBe('active');
		expect(await machine.run(build, { user: 'runner' })).toMatch(/-trivial$/);
		expect(daemon.starts()).toBe(2);
	});

	test('runs programs under the pid that the test sees, and signals reach them', async () => {
		const child = machine.spawn(['sh', '-c', 'trap "exit 7" TERM; echo $$; while :; do sleep 0.05; done'], { user: 'runner' });
		const pid = await new Promise<number>((resolve) =>
			child.stdout?.once('data', (data: Buffer) => resolve(Number(data.toString()))),
		);
		expect(pid).toBe(child.pid);
		expect(machine.has(pid)).toBe(true);
		child.kill('SIGTERM');
		expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(7);
	});

	test('knows no host but itself', async () => {
		const { code } = await machine.exec(['getent', 'hosts', 'cache.example.org']);
		expect(code).toBe(2);
		expect(await machine.run(['getent', 'hosts', 'localhost'])).toContain('localhost');
	});
});

test('a machine may have another store folder', async () => {
	await using machine = await createMachine({ nix: '2.26', storeDir: '/srv/nix/store' });
	expect(await machine.run(['nix-build', '--no-out-link', '-E', TRIVIAL])).toMatch(/^\/srv\/nix\/store\//);
	expect(machine.storeNames().length).toBeGreaterThan(0);
});

test('nothing is left of a machine that was disposed of, not even a daemon', async () => {
	const machine = await createMachine({ nix: '2.34' });
	await machine.startDaemon();
	const child = machine.spawn(['setsid', 'sleep', '600']);
	await eventually('the sleep', () => machine.processes().length >= 2);
	await machine.dispose();
	await machine.dispose();
	expect(machine.processes()).toEqual([]);
	expect(child.exitCode ?? child.signalCode).not.toBeNull();
	expect(readdirSync(tmpdir()).filter((name) => machine.work.includes(`/${name}/`))).toEqual([]);
});

test('what a killed test run left behind is swept by the next', async () => {
	const script = (after: string): string =>
		`const { createMachine } = await import(${JSON.stringify(join(CHECKOUT, '__tests__/support/machine.ts'))});
		const machine = await createMachine({ nix: '2.26' }); await machine.startDaemon(); console.log(machine.work, machine.processes()[0]); ${after}`;
	const first = spawn(process.execPath, ['--input-type=module', '-e', script('setInterval(() => {}, 1000)')]);
	const [work = '', daemon = ''] = await new Promise<string[]>((resolve) =>
		first.stdout.once('data', (data: Buffer) => resolve(data.toString().trim().split(' '))),
	);
	first.kill('SIGKILL');
	await once(first, 'exit');
	expect([existsSync(work), existsSync(`/proc/${daemon}`)]).toEqual([true, true]);
	execFileSync(process.execPath, ['--input-type=module', '-e', script('await machine.dispose()')]);
	expect(existsSync(work)).toBe(false);
	await eventually('the end of the daemon', () => !existsSync(`/proc/${daemon}`));
});

interface Scripts {
	readonly pre?: string;
	readonly main: string;
	readonly post?: string;
}

let actions = 0;

/** A tiny action of the test's own, as CommonJS text for each stage. */
function writeAction(machine: Machine, scripts: Scripts, inputs: Readonly<Record<string, string>> = {}): string {
	const folder = join(machine.work, `action-${++actions}`);
	mkdirSync(folder);
	const runs = Object.keys(scripts).map((stage) => `  ${stage}: ${stage}.cjs`);
	const declared = Object.entries(inputs).map(([name, value]) => `  ${name}:\n    default: ${JSON.stringify(value)}`);
	writeFileSync(
		join(folder, 'action.yml'),
		['name: test', 'inputs:', ...declared, 'runs:', '  using: node24', ...runs].join('\n'),
	);
	const head =
		'const fs = require("node:fs"); const env = process.env; const put = (f, t) => fs.appendFileSync(env[f], t + "\\n");\n';
	for (const [stage, text] of Object.entries(scripts)) writeFileSync(join(folder, `${stage}.cjs`), head + text);
	return folder;
}

describe('the runner harness', () => {
	const nix: NixVersion = '2.26';
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix });
		machine.addUser('runner', { sudo: true });
	});
	afterAll(() => machine.dispose());

	test('runs pre, main and post with inputs by the rule, state of the same step only, and posts in reverse', async () => {
		const say = (stage: string): string =>
			`console.log(${JSON.stringify(stage)}, env["INPUT_PUSH-URL"], env.INPUT_TWO_WORDS, env.STATE_seen ?? "none", env["INPUT_JOB-STATUS"]); put("GITHUB_STATE", "seen=" + env["INPUT_PUSH-URL"] + ${JSON.stringify(stage)});`;
		const action = writeAction(
			machine,
			{ pre: say('pre'), main: say('main'), post: say('post') },
			{ 'push-url': 'default', 'two words': '', 'job-status': '${{ job.status }}' },
		);
		const steps = [
			uses({ action, name: 'a', with: { 'push-url': 'A' } }),
			uses({ action, name: 'b', with: { 'Two Words': 'x y' } }),
			run('exit 3'),
			run('echo never'),
		];
		const result = await runJob(machine, steps, { user: 'runner' });
		expect(result.stages.map(({ stage, name, log }) => `${stage} ${name}: ${log}`)).toEqual([
			'pre a: pre A  none success',
			'pre b: pre default x y none success',
			'main a: main A  Apre success',
			'main b: main default x y defaultpre success',
			'run run: ',
			'post b: post default x y defaultmain failure',
			'post a: post A  Amain failure',
		]);
		expect(result.status).toBe('failure');
	});

	test('applies GITHUB_ENV and GITHUB_PATH to later steps, and scripts see no ACTIONS_ variables', async () => {
		const action = writeAction(machine, {
			main: 'put("GITHUB_ENV", "ONE=1\\nMANY<<END\\na\\nb\\nEND"); put("GITHUB_PATH", "/first"); put("GITHUB_PATH", "/second"); console.log(Boolean(env.ACTIONS_RUNTIME_TOKEN), env.ONE); put("GITHUB_OUTPUT", "answer=42"); put("GITHUB_STEP_SUMMARY", "# Hi")',
		});
		const script =
			'echo "$ONE $MANY"; echo "$PATH" | cut -d: -f1,2; env | grep -c ^ACTIONS_ || true; echo "$GITHUB_REPOSITORY $HOME $(id -un)"';
		const result = await runJob(machine, [uses({ action }), run(script)], { user: 'runner' });
		expect(result.stage('main').log).toBe('true undefined');
		expect(result.stage('main').outputs).toEqual({ answer: '42' });
		expect(result.stage('main').summary).toBe('# Hi\n');
		expect(result.stage('run').log).toBe('1 a\nb\n/second:/first\n0\nocto/example /home/runner runner');
	});

	test('fails a step that writes what the runner refuses', async () => {
		const action = writeAction(machine, { main: 'put("GITHUB_ENV", "NODE_OPTIONS=--require x")' });
		const result = await runJob(machine, [uses({ action }), run('echo ${NODE_OPTIONS-unset}', { if: 'always' })]);
		expect(result.status).toBe('failure');
		expect(result.stage('run').log).toBe('unset');
		const large = writeAction(machine, { main: 'put("GITHUB_STEP_SUMMARY", "x".repeat(1024 * 1024 + 1))' });
		expect((await runJob(machine, [uses({ action: large })])).annotations[0]?.message).toContain('1025k');
	});

	test('hides masked values, keeps annotations, and sees a secret that leaks', async () => {
		const secret = 'correct horse battery';
		const main = (line: string): string =>
			`console.log("::add-mask::another-one"); console.log("::warning title=T::see another-one"); ${line}`;
		const clean = await runJob(machine, [uses({ action: writeAction(machine, { main: main('') }) })], { secrets: [secret] });
		expect(clean.annotations).toEqual([{ level: 'warning', title: 'T', message: 'see ***' }]);
		expect(() => assertNoSecrets(clean)).not.toThrow();
		const encoded = Buffer.from(`user:${secret}`).toString('base64');
		const places: Readonly<Record<string, string>> = {
			'log of main': `console.log(${JSON.stringify(`x${secret}y`)})`,
			'log of post': `console.log("Basic ${encoded}")`,
			summary: `put("GITHUB_STEP_SUMMARY", ${JSON.stringify(secret)})`,
			GITHUB_ENV: `put("GITHUB_ENV", "URL=http://u:" + encodeURIComponent(${JSON.stringify(secret)}) + "@h/")`,
			'/_temp/': `fs.writeFileSync(env.RUNNER_TEMP + "/netrc", ${JSON.stringify(secret)})`,
			'/tmp/leak': `fs.writeFileSync("/tmp/leak", ${JSON.stringify(secret)}); setTimeout(() => fs.rmSync("/tmp/leak"), 1)`,
			'argument lists': `require("node:child_process").execFileSync("sh", ["-c", "sleep 0.2", ${JSON.stringify(secret)}])`,
		};
		for (const [where, line] of Object.entries(places)) {
			const scripts = where === 'log of post' ? { main: '', post: line } : { main: line };
			const code = where === '/tmp/leak' ? { main: line.replace(/; setTimeout.*/, ''), post: 'fs.rmSync("/tmp/leak")' } : scripts;
			const result = await runJob(machine, [uses({ action: writeAction(machine, code) })], { secrets: [secret] });
			expect(() => assertNoSecrets(result), where).toThrow(where);
			expect(result.log).not.toContain(secret);
			expect(result.log).not.toContain(encoded);
		}
		const closed = `fs.writeFileSync(env.RUNNER_TEMP + "/netrc", ${JSON.stringify(secret)}, { mode: 0o600 })`;
		const hidden = await runJob(machine, [uses({ action: writeAction(machine, { main: closed }) })], { secrets: [secret] });
		expect(() => assertNoSecrets(hidden)).not.toThrow();
		expect(hidden.leftovers).toEqual(['netrc']);
	});

	test('cancels with SIGINT, SIGTERM and SIGKILL, and runs posts after it', async () => {
		const action = writeAction(
			machine,
			{
				main: 'process.on("SIGINT", () => console.log("int")); process.on("SIGTERM", () => console.log("term")); setInterval(() => {}, 1000); console.log("ready")',
				post: 'console.log(env["INPUT_JOB-STATUS"])',
			},
			{ 'job-status': '${{ job.status }}' },
		);
		const result = await runJob(machine, [uses({ action }), run('echo never')], {
			times: SHORT_TIMES,
			onLine: (line, job) => {
				if (line === 'ready') void job.cancel();
			},
		});
		expect(result.status).toBe('cancelled');
		expect(result.stage('main')).toMatchObject({ log: 'ready\nint\nterm', signal: 'SIGKILL', conclusion: 'cancelled' });
		expect(result.stage('post').log).toBe('cancelled');
		expect(result.stages.map(({ stage }) => stage)).toEqual(['main', 'post']);
	});

	test('sweeps orphans at the end, and refuses a stage that leaves its pipes to one', async () => {
		const leaveBehind = (stdio: string): string =>
			`require("node:child_process").spawn("sleep", ["600"], { detached: true, stdio: "${stdio}" }).unref()`;
		const quiet = await runJob(machine, [uses({ action: writeAction(machine, { main: leaveBehind('ignore') }) })], {
			times: SHORT_TIMES,
		});
		expect(quiet.orphans).toEqual(['sleep 600']);
		const holding = uses({ action: writeAction(machine, { main: leaveBehind('inherit') }) });
		await expect(runJob(machine, [holding], { times: SHORT_TIMES })).rejects.toThrow('pipes');
		const tolerated = await runJob(machine, [holding], { times: SHORT_TIMES, strict: false });
		expect(tolerated.stage('main').pipesHeld).toBe(true);
	});

	test('does not run pre of a local action, and runs post of one whose main was skipped only if pre ran', async () => {
		const scripts = { pre: 'console.log("pre")', main: '', post: 'console.log("post")' };
		const stages = async (local: boolean): Promise<readonly string[]> => {
			const step = uses({ action: writeAction(machine, scripts), local, if: 'never' });
			return (await runJob(machine, [step])).stages.map(({ stage }) => stage);
		};
		expect(await stages(false)).toEqual(['pre', 'post']);
		expect(await stages(true)).toEqual([]);
	});

	test('measures the peak memory of a stage', async () => {
		const action = writeAction(machine, { main: 'const b = Buffer.alloc(200 << 20, 1); setTimeout(() => b.length, 100)' });
		const { peakRssBytes } = (await runJob(machine, [uses({ action })])).stage('main');
		expect(peakRssBytes).toBeGreaterThan(200 << 20);
		expect(peakRssBytes).toBeLessThan(400 << 20);
	});
});

describe('file commands and expressions', () => {
	test('malformed file commands are refused with the words of the runner', () => {
		expect(parsePairs('A=b=c\nB<<X\n1\n\n2\nX\n')).toEqual({ A: 'b=c', B: '1\n\n2' });
		expect(() => parsePairs('nothing')).toThrow("Invalid format 'nothing'");
		expect(() => parsePairs('A<<END\n1')).toThrow("Matching delimiter not found 'END'");
		expect(() => parsePairs('=x')).toThrow('Name must not be empty');
	});

	test('expressions are looked up, and unknown ones are refused', () => {
		const contexts = { github: { workflow: 'CI' }, matrix: { os: 'linux' } };
		expect(evaluate('${{ github.workflow }}/${{ matrix.none }}/${{ toJSON(matrix) }}', contexts)).toBe(
			'CI//{\n  "os": "linux"\n}',
		);
		expect(() => evaluate('${{ secrets.x }}', contexts)).toThrow('secrets');
		expect(() => evaluate("${{ github.workflow == 'x' }}", contexts)).toThrow("can't evaluate");
	});

	test('a secret is known in base64 wherever it starts', () => {
		for (const before of ['', 'u:', 'us:', 'use:']) {
			const text = Buffer.from(`${before}hunter2hunter2${'!'.repeat(before.length)}`).toString('base64');
			expect(encodings('hunter2hunter2').some((form) => text.includes(form))).toBe(true);
		}
	});
});

describe('nginx', () => {
	test('takes uploads of those with credentials and serves real Nix, over TLS and under a base path', async () => {
		await using cache = await startNginx({ auth: 'write', tls: true });
		await using machine = await createMachine({ nix: '2.34' });
		machine.writeFile('/etc/ca.pem', cache.ca ?? '');
		const env = { NIX_SSL_CERT_FILE: '/etc/ca.pem' };
		const path = await machine.run(['nix-build', '--no-out-link', '-E', TRIVIAL]);
		await expect(machine.nix(['copy', '--to', cache.url, path], { env })).rejects.toThrow('does not appear to be a binary cache');
		machine.writeFile('/etc/nix/netrc', `machine 127.0.0.1 login ${cache.username} password ${cache.password}\n`);
		await machine.nix(['copy', '--to', cache.url, path], { env });
		expect(readdirSync(cache.folder)).toContain('nix-cache-info');
		expect(
			cache.requests().some(({ method, status, path: at }) => method === 'PUT' && status === 201 && at.endsWith('.narinfo')),
		).toBe(true);
		machine.writeFile('/etc/nix/netrc', '');
		await machine.emptyStore();
		const options = ['--option', 'substituters', cache.url, '--option', 'require-sigs', 'false'];
		expect((await machine.exec(['nix-store', '--realise', path, ...options], { env })).stderr).toContain('copying path');
	});

	test('has a push path of its own, a largest body, and stops and starts on one port', async () => {
		await using cache = await startNginx({ pushPath: '/upload/', maxBodySize: '1k' });
		const headers = { Authorization: `Basic ${Buffer.from(`${cache.username}:${cache.password}`).toString('base64')}` };
		const put = async (url: string, body = 'hi'): Promise<number> => (await fetch(url, { method: 'PUT', headers, body })).status;
		expect(await put(`${cache.url}/a/b`)).toBe(405);
		expect(await put(`${cache.pushUrl}/a/b`)).toBe(201);
		expect(await put(`${cache.pushUrl}/c`, 'x'.repeat(2000))).toBe(413);
		expect(await (await fetch(`${cache.url}/a/b`, { headers })).text()).toBe('hi');
		expect((await fetch(`${cache.url}/a/b`)).status).toBe(401);
		await cache.stop();
		await expect(fetch(cache.url)).rejects.toThrow();
		cache.forgetRequests();
		await cache.restart({ auth: 'none' });
		expect((await fetch(`${cache.url}/a/b`)).status).toBe(200);
		expect(cache.requests()).toMatchObject([{ method: 'GET', path: '/repository/nix/a/b', status: 200, sentBytes: 2 }]);
	});
});

describe('the faulty server', () => {
	test('is a whole cache as long as nothing is asked of it', async () => {
		await using server = await startFaultyServer({ credentials: 'u:p' });
		expect((await fetch(`${server.url}/x`)).status).toBe(401);
		const headers = { Authorization: `Basic ${Buffer.from('u:p').toString('base64')}` };
		expect((await fetch(`${server.url}/a/x`, { method: 'PUT', headers, body: 'hello' })).status).toBe(201);
		expect(server.read('a/x')).toBe('hello');
		const part = await fetch(`${server.url}/a/x`, { headers: { ...headers, Range: 'bytes=1-2' } });
		expect([part.status, await part.text()]).toEqual([206, 'el']);
		expect((await fetch(`${server.url}/a/x`, { method: 'HEAD', headers })).headers.get('content-length')).toBe('5');
		expect(server.requests.map(({ status }) => status)).toEqual([401, 201, 206, 200]);
	});

	test('fails as told, as often as told', async () => {
		await using server = await startFaultyServer();
		await using other = await startFaultyServer({ host: 'other.test' });
		server.write('x', 'x'.repeat(1000));
		const get = async (fault: Fault, init: RequestInit = {}): Promise<string> => {
			server.heal();
			server.fail({ path: /x$/ }, fault, { times: 1 });
			try {
				const response = await fetch(`${server.url}/x`, { redirect: 'manual', signal: AbortSignal.timeout(400), ...init });
				return `${response.status} ${response.headers.get('location') ?? (await response.text()).length}`;
			} catch (error) {
				return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'broken';
			}
		};
		expect(await get({ kind: 'status', status: 429, headers: { 'Retry-After': '1' } })).toBe('429 0');
		expect(await get({ kind: 'cut', afterBytes: 10 })).toBe('broken');
		expect(await get({ kind: 'stall' })).toBe('timeout');
		expect(await get({ kind: 'slow', bytesPerSecond: 1000 })).toBe('timeout');
		expect(await get({ kind: 'slow', bytesPerSecond: 10_000 })).toBe('200 1000');
		expect(await get({ kind: 'delay', delayMs: 50 })).toBe('200 1000');
		expect(await get({ kind: 'garbage', body: 'StorePath: no' })).toBe('200 13');
		expect(await get({ kind: 'redirect', origin: other.origin })).toBe(`307 ${other.origin}/cache/x`);
		const body = 'y'.repeat(500);
		expect(await get({ kind: 'too-large', overBytes: 100 }, { method: 'PUT', body })).toBe('413 9');
		expect(await get({ kind: 'cut', afterBytes: 100 }, { method: 'PUT', body })).toBe('broken');
		expect(server.read('x')).toBe('x'.repeat(1000));
		expect(await get({ kind: 'lie', keepBytes: 100 }, { method: 'PUT', body })).toBe('201 0');
		expect(server.read('x')).toBe('y'.repeat(100));
		expect((await fetch(`${server.url}/x`)).status).toBe(200);
		await server.refuse();
		await expect(fetch(`${server.url}/x`)).rejects.toThrow();
		await server.accept();
		expect((await fetch(`${server.url}/x`)).status).toBe(200);
	});
});

test('the delaying proxy adds its round trip to each exchange and one to a connection', async () => {
	await using server = await startFaultyServer();
	server.write('small', 'x');
	server.write('large', Buffer.alloc(20 << 20));
	await using proxy = await startDelayProxy(server.port, 40);
	const agent = new Agent({ keepAlive: true });
	const timed = async (path: string): Promise<number> => {
		const started = performance.now();
		const sent = request(`${proxy.through(server.url)}/${path}`, { agent }).end();
		await once(sent, 'response').then(([response]) => once(response.resume(), 'end'));
		return performance.now() - started;
	};
	expect(await timed('small')).toBeGreaterThan(79);
	const second = await timed('small');
	expect(second).toBeGreaterThan(39);
	expect(second).toBeLessThan(75);
	expect(await timed('large')).toBeLessThan(1000);
	expect(proxy.connections()).toBe(1);
	agent.destroy();
});

describe.each(NIX_VERSIONS)('derivations for tests, with Nix %s', (nix) => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix });
	});
	afterAll(() => machine.dispose());
	const closure = async (path: string): Promise<readonly string[]> =>
		(await machine.run(['nix-store', '--query', '--requisites', path])).split('\n').map((line) => line.replace(/^.*?-/, ''));

	test('a graph has real references, and none to what was only needed for building', async () => {
		const [app = ''] = await build(machine, graph('x'), { attributes: ['app'] });
		expect((await closure(app)).toSorted()).toEqual(['app-x', 'base-x', 'lib-x']);
		expect(machine.storeNames().some((name) => name.endsWith('-app-x-doc'))).toBe(true);
		expect((await closure(await buildOne(machine, chain(5, 'x')))).length).toBe(5);
	});

	test('many paths are one closure', async () => {
		expect((await closure(await buildOne(machine, manyPaths(150, 'x')))).length).toBe(150);
	});

	test('awkward files, fixed outputs, texts and sources are what they say', async () => {
		const awkward = await buildOne(machine, awkwardFiles('x'));
		expect(await machine.run(['sh', '-c', 'ls -d "$1"/dir-*/* | od -An -c | tr -d " \\n"', 'sh', awkward])).toContain(
			'dir-200/376',
		);
		const info = await machine.nix(['path-info', '--json', await buildOne(machine, fixedOutput('f', "it's")), '--offline']);
		expect(info).toMatch(/"ca":\s*"fixed:sha256:/);
		const evaluate = (expression: string): Promise<string> => machine.run(['nix-instantiate', '--eval', '-E', expression]);
		expect(await evaluate(textPath('t', 'a "b" ${c} $d'))).toMatch(/-t"$/);
		mkdirSync(join(machine.work, 'tree'), { recursive: true });
		expect(await evaluate(source(join(machine.work, 'tree')))).toMatch(/-source"$/);
	});

	test('a large path has the bytes that were asked for, every time the same', async () => {
		const path = await buildOne(machine, await largePath(machine, 'big', 3));
		const again = join(machine.work, 'again');
		await writeBytes(again, 3, 0.5, 'big');
		const ratio = zstdCompressSync(readFileSync(again)).length / (3 << 20);
		expect(ratio).toBeGreaterThan(0.4);
		expect(ratio).toBeLessThan(0.65);
		expect((await machine.exec(['cmp', path, again])).code).toBe(0);
	});
});
