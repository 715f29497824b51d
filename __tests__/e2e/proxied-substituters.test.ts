import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { GRAPH, graph } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { startSocksProxy } from '../support/socks-proxy.ts';
import { startSshStore } from '../support/ssh-store.ts';
import { testedVersions } from '../support/versions.ts';

const key = generateKey('mirror-1');
const secret = formatSecretKey(key);
const publicKey = formatPublicKey(publicKeyOf(key));
const PASSWORD = 'proxy-pass-word';

/** Nobody but the proxies of the tests knows this name, so whatever comes from there came through one. */
const MIRROR = 'mirror.invalid';
const hosts = { [MIRROR]: '127.0.0.1' };

const build = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);
const builds = (log: string): number => log.match(/^building '/gm)?.length ?? 0;

describe.each(testedVersions())('substituters with a proxy of their own, Nix %s', (nix) => {
	let machine: Machine;
	let server: FaultyServer;
	let mirror: string;
	const expression = graph(`proxied-${nix}`);

	beforeAll(async () => {
		machine = await createMachine({ nix });
		const folder = join(machine.work, 'mirror');
		const first = await runJob(machine, [uses({ with: { cache: `file://${folder}`, 'signing-key': secret } }), build], {
			workspace: { 'job.nix': expression },
			secrets: [secret],
		});
		expect(first.stage('post').log, first.log).toMatch(/5 pushed/);
		server = await startFaultyServer({ folder });
		mirror = `http://${MIRROR}:${server.port}/cache`;
	});
	afterAll(async () => {
		await server?.[Symbol.asyncDispose]();
		await machine?.dispose();
	});

	const job = async (substituters: string, more: Readonly<Record<string, string>> = {}, step: () => void = () => undefined) => {
		await machine.emptyStore();
		server.forgetRequests();
		const own = `file://${join(machine.work, 'own')}`;
		const inputs = { cache: own, push: 'never', substituters, 'trusted-public-keys': publicKey, ...more };
		return runJob(machine, [uses({ with: inputs }), step, build], {
			workspace: { 'job.nix': expression },
			secrets: [PASSWORD],
		});
	};

	it('are read through it alone, with its credentials, and others directly', async () => {
		await using proxy = await startForwardProxy({ credentials: `ci:${PASSWORD}`, hosts });
		await using direct = await startFaultyServer();
		direct.write('nix-cache-info', 'StoreDir: /nix/store\nPriority: 10\n');
		const line = `${mirror}?priority=20&proxy=http://ci:${PASSWORD}@127.0.0.1:${proxy.port}`;
		const result = await job(`${direct.url}\n${line}`);
		expect(result.status, result.log).toBe('success');
		expect(
			result.annotations.filter(({ message }) => message.includes(MIRROR)),
			result.log,
		).toEqual([]);
		expect(builds(result.stage('run').log), result.log).toBe(0);
		expect(result.stage('post').log).toMatch(new RegExp(`Nix read \\d+ paths .* from http://${MIRROR}`));
		expect(direct.requests.some(({ path }) => path.endsWith('.narinfo'))).toBe(true);
		expect(proxy.requests.every((request) => request.startsWith(`GET http://${MIRROR}:${server.port}/cache/`))).toBe(true);
		expect(proxy.requests.length).toBe(server.requests.length);
		assertNoSecrets(result);
	});

	it('are read through a SOCKS proxy that looks their names up', async () => {
		await using proxy = await startSocksProxy({ user: { name: 'ci', password: PASSWORD }, hosts });
		const result = await job(`${mirror}?proxy=socks5h://ci:${PASSWORD}@127.0.0.1:${proxy.port}`);
		expect(builds(result.stage('run').log), result.log).toBe(0);
		expect(new Set(proxy.targets)).toEqual(new Set([`${MIRROR}:${server.port}`]));
		assertNoSecrets(result);
	});

	it.each([
		['are read whole', Number.POSITIVE_INFINITY, 0],
		['cost a build of each path, and not the job, where a NAR breaks off', 100, 4],
	])('that say of no NAR how long it is %s', async (_what, cutAfterBytes, built) => {
		const folder = join(machine.work, 'mirror');
		/** As attic sends NARs that it keeps in chunks: without a length, and in full whatever part is asked for. */
		const unmeasured = createServer((request, response) => {
			const file = join(folder, (request.url ?? '').replace('/cache/', ''));
			const bytes = existsSync(file) ? readFileSync(file) : null;
			if (bytes === null) return void response.writeHead(404).end();
			if (!file.includes('/nar/')) return void response.end(bytes);
			response.writeHead(200, { 'content-type': 'application/x-nix-nar' }).write(bytes.subarray(0, 100));
			setTimeout(() => (bytes.length > cutAfterBytes ? response.destroy() : response.end(bytes.subarray(100))), 20);
		}).listen(0, '127.0.0.1');
		await once(unmeasured, 'listening');
		const address = unmeasured.address();
		const port = typeof address === 'object' ? address?.port : 0;
		await using proxy = await startForwardProxy({ hosts });
		const result = await job(`http://${MIRROR}:${port}/cache?proxy=http://127.0.0.1:${proxy.port}`);
		unmeasured.close();
		expect(result.status, result.log).toBe('success');
		expect(builds(result.stage('run').log), result.log).toBe(built);
	});

	it('cost one warning and no build when the proxy is down', async () => {
		const proxy = await startForwardProxy({ hosts });
		await proxy.stop();
		const result = await job(`${mirror}?proxy=http://127.0.0.1:${proxy.port}`);
		expect(result.status, result.log).toBe('success');
		expect(builds(result.stage('run').log)).toBe(4);
		const told = result.annotations.map(({ message }) => message).filter((message) => message.includes(MIRROR));
		expect(told, result.log).toEqual([
			expect.stringMatching(`refused.*It is asked through the proxy 127.0.0.1:${proxy.port}. The job goes on without it`),
		]);
	});

	it('cost no build when the proxy goes down while the job runs', async () => {
		const proxy = await startForwardProxy({ hosts });
		const result = await job(`${mirror}?proxy=http://127.0.0.1:${proxy.port}`, {}, () => proxy.stop());
		expect(result.status, result.log).toBe('success');
		expect(builds(result.stage('run').log)).toBe(4);
	});
});

it('a substituter is read through `ssh -D`, a real SOCKS proxy', async () => {
	await using machine = await createMachine({ nix: '2.34' });
	await using far = await startSshStore({ nix: '2.26' });
	far.admit(machine);
	const folder = join(machine.work, 'mirror');
	const options = { workspace: { 'job.nix': graph('ssh-socks') }, secrets: [secret] };
	const first = await runJob(machine, [uses({ with: { cache: `file://${folder}`, 'signing-key': secret } }), build], options);
	expect(first.stage('post').log, first.log).toMatch(/5 pushed/);
	await machine.emptyStore();
	await using server = await startFaultyServer({ folder });
	// `cache.test` is known on both sides of the connection.
	const url = `http://cache.test:${server.port}/cache`;
	const { freePort, listening } = await import('../support/ports.ts');
	const port = await freePort();
	const ssh = machine.spawn(['ssh', '-N', '-D', `127.0.0.1:${port}`, `ci@${far.host}`]);
	try {
		await listening(port);
		const inputs = { cache: `file://${join(machine.work, 'own')}`, push: 'never', 'trusted-public-keys': publicKey };
		const steps = [uses({ with: { ...inputs, substituters: `${url}?proxy=socks5h://127.0.0.1:${port}` } }), build];
		const second = await runJob(machine, steps, options);
		expect(second.status, second.log).toBe('success');
		expect(builds(second.stage('run').log), second.log).toBe(0);
		expect(server.requests.length).toBeGreaterThan(5);
	} finally {
		ssh.kill('SIGTERM');
	}
});
