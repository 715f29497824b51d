import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { eventually } from '../support/child.ts';
import { cli, startCli } from '../support/command-line.ts';
import { build, buildOne, GRAPH, graph } from '../support/derivations.ts';
import { startFaultyServer } from '../support/faulty-server.ts';
import { answer, type Handler, httpCache } from '../support/http-cache.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { testedVersions } from '../support/versions.ts';

const key = generateKey('test-1');
const secret = formatSecretKey(key);
const publicKey = formatPublicKey(publicKeyOf(key));
const signing = { NIX_CACHE_SIGNING_KEY: secret };

/** A cache that only wants a bearer token, which Nix can't send. */
function behindToken(token: string, folder: string): Handler {
	const cache = httpCache({ folder, basePath: '/cache/', credentials: null });
	return async (request, response, through) => {
		if (request.headers.authorization === `Bearer ${token}`) await cache(request, response, through);
		else answer(response, 401);
	};
}

describe.each(testedVersions())('the command line, Nix %s', (nix) => {
	let machine: Machine;
	let nginx: Nginx;

	beforeAll(async () => {
		[machine, nginx] = await Promise.all([createMachine({ nix }), startNginx()]);
	});
	afterAll(async () => {
		await machine?.dispose();
		await nginx?.dispose();
	});

	const realise = (store: string, path: string, ...options: readonly string[]) =>
		machine.exec([
			'nix-store',
			'--realise',
			path,
			'--option',
			'substituters',
			store,
			'--option',
			'trusted-public-keys',
			publicKey,
			...options,
		]);

	it('makes keys that Nix signs with and believes', async () => {
		const result = await cli(machine, ['keygen', 'mine-1', '--secret-key-file', 'mine.secret'], { cwd: machine.work });
		expect(result.code, result.stderr).toBe(0);
		const file = join(machine.work, 'mine.secret');
		const secretKey = readFileSync(file, 'utf8');
		expect(statSync(file).mode & 0o777).toBe(0o600);
		expect(result.stdout + result.stderr).not.toContain(secretKey);
		await machine.run(['nix-store', '--generate-binary-cache-key', 'mine-1', 'theirs.secret', 'theirs.public'], {
			cwd: machine.work,
		});
		const form = (text: string) => text.replace(/[A-Za-z0-9+/]+={0,2}$/, (body) => String(Buffer.from(body, 'base64').length));
		expect(form(secretKey)).toBe(form(readFileSync(join(machine.work, 'theirs.secret'), 'utf8')));
		expect(form(result.stdout.trim())).toBe(form(readFileSync(join(machine.work, 'theirs.public'), 'utf8').trim()));
		expect(await machine.nix(['key', 'convert-secret-to-public'], { input: secretKey })).toBe(result.stdout.trim());
		const path = await buildOne(machine, graph(`keygen-${nix}`).replace(/^rec/, '(rec').replace(/$/, ').base'));
		await machine.nix(['store', 'sign', '--key-file', file, path]);
		await machine.nix([
			'store',
			'verify',
			'--no-contents',
			'--sigs-needed',
			'1',
			'--option',
			'trusted-public-keys',
			result.stdout.trim(),
			path,
		]);
	});

	it('pushes to an HTTP cache, signed and with credentials, and sends nothing the second time', async () => {
		const [app = ''] = await build(machine, graph(`http-${nix}`), { attributes: ['app'] });
		const env = { ...signing, NIX_CACHE_USERNAME: nginx.username, NIX_CACHE_PASSWORD: nginx.password };
		const options = { env, secrets: [secret, nginx.password], cwd: machine.work };
		const first = await cli(machine, ['push', nginx.url, app], options);
		expect(first.code, first.stderr).toBe(0);
		expect(first.stdout).toMatch(/: 3 pushed; .*\nRead back 3 of the pushed paths: all well\./);
		checkCache(nginx.folder);
		nginx.forgetRequests();
		const again = await cli(machine, ['push', nginx.url, app], options);
		expect(again.code, again.stderr).toBe(0);
		expect(again.stdout).toMatch(/^Nothing new to push to .*: 3 already there\.$/m);
		expect(nginx.requests().filter(({ method }) => method === 'PUT')).toEqual([]);

		await machine.emptyStore();
		machine.writeFile('/tmp/netrc', `machine 127.0.0.1 login ${nginx.username} password ${nginx.password}\n`, 0o600);
		const read = await realise(nginx.url, app, '--option', 'netrc-file', '/tmp/netrc');
		expect(read.code, read.stderr).toBe(0);
	});

	it('pushes to a folder what result links and standard input name, and Nix substitutes it', async () => {
		const folder = join(machine.work, 'cache');
		const paths = await build(machine, graph(`file-${nix}`), { attributes: GRAPH });
		const [base = '', , tool = '', app = ''] = paths;
		symlinkSync(app, join(machine.work, `result-${nix}`));
		const options = { env: signing, secrets: [secret], cwd: machine.work };
		const linked = await cli(machine, ['push', `file://${folder}`, `./result-${nix}`, '--json'], options);
		expect(linked.code, linked.stderr).toBe(0);
		const report = JSON.parse(linked.stdout);
		expect(report).toMatchObject({
			version: 1,
			caches: [{ cache: { kind: 'file', canPush: true }, counts: { pushed: { paths: 3 } } }],
		});
		const rest = await cli(machine, ['push', `file://${folder}`, '-', '--quiet'], { ...options, input: `${base}\n\n${tool}\n` });
		expect(rest.code, rest.stderr).toBe(0);
		expect(rest.stdout).toMatch(/: 1 pushed, 1 already there/);
		expect(checkCache(folder).length).toBe(4);
		await machine.emptyStore();
		const read = await realise(`file://${folder}`, app);
		expect(read.code, read.stderr).toBe(0);
		expect(readdirSync(machine.outside('/tmp')).filter((name) => /^nix-cache-action-\w{6}$/.test(name))).toEqual([]);
	});

	it('serves a private cache to a real build until Ctrl-C', async () => {
		const token = 'bearer-of-good-news';
		await using server = await startFaultyServer({ healthy: behindToken(token, join(machine.work, `private-${nix}`)) });
		const [app = ''] = await build(machine, graph(`serve-${nix}`), { attributes: ['app'] });
		const options = { env: { ...signing, NIX_CACHE_TOKEN: token }, secrets: [secret, token], cwd: machine.work };
		const pushed = await cli(machine, ['push', server.url, app], options);
		expect(pushed.code, pushed.stderr).toBe(0);
		await machine.emptyStore();
		const netrc = join(machine.work, `netrc-${nix}`);
		const child = startCli(machine, ['serve', server.url, '--netrc-file', netrc, '--json'], { env: { NIX_CACHE_TOKEN: token } });
		let output = '';
		let errors = '';
		child.stdout?.on('data', (chunk: Buffer) => (output += chunk));
		child.stderr?.on('data', (chunk: Buffer) => (errors += chunk));
		await eventually('serve is ready', () => output.includes('\n') || (child.exitCode !== null && expect.unreachable(errors)));
		const { url, login, password } = JSON.parse(output);
		expect(statSync(netrc).mode & 0o777).toBe(0o600);
		expect(readFileSync(netrc, 'utf8')).toContain(`login ${login}`);
		expect((await fetch(`${url}/nix-cache-info`)).status).toBe(403);
		writeFileSync(join(machine.work, 'serve.nix'), graph(`serve-${nix}`));
		const settings = { substituters: url, 'trusted-public-keys': publicKey, 'netrc-file': netrc };
		const flags = Object.entries(settings).flatMap(([name, value]) => ['--option', name, value]);
		const built = await machine.exec(['nix-build', '--no-out-link', join(machine.work, 'serve.nix'), '-A', 'app', ...flags]);
		expect(built.code, built.stderr).toBe(0);
		expect(built.stderr).not.toMatch(/^building '/m);
		expect(built.stdout.trim()).toBe(app);
		const exit = once(child, 'exit');
		child.kill('SIGINT');
		expect(await exit).toEqual([0, null]);
		expect(errors).toMatch(/Nix read 3 paths/);
		expect(output + errors).not.toContain(token);
		expect(password.length).toBeGreaterThan(20);
		expect(existsSync(netrc)).toBe(false);
	});
});
