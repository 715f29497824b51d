import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { spawnCacheService } from '../support/cache-service/connect.ts';
import { eventually } from '../support/child.ts';
import { cli, startCli, startServing } from '../support/command-line.ts';
import { build, buildOne, GRAPH, graph, largePath } from '../support/derivations.ts';
import { startFaultyServer } from '../support/faulty-server.ts';
import { answer, type Handler, httpCache } from '../support/http-cache.ts';
import { CHECKOUT, createMachine, type Machine, NODE } from '../support/machine.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { freePort } from '../support/ports.ts';
import { run, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';
import { built, copied, MAIN, play } from './actions-cache-store.ts';

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

	it('says in a set-up that is well what there is, and of a cache that Nix does not know what to add', async () => {
		const folder = `file://${join(machine.work, 'examined')}`;
		const path = await buildOne(machine, `(${graph(`doctor-${nix}`)}).base`);
		expect((await cli(machine, ['push', folder, path], { env: signing })).code).toBe(0);
		const well = await cli(machine, ['doctor', '--json']);
		expect(well.code, well.stderr).toBe(0);
		expect(JSON.parse(well.stdout)).toMatchObject({
			problems: [],
			findings: [{ about: 'Nix' }, { about: 'trust' }, { about: 'keys' }],
		});
		expect(well.stdout).toContain(machine.nixVersion);

		const placeholder = { NIX_CONFIG: 'extra-trusted-public-keys = other-1:REPLACE-WITH-YOUR-PUBLIC-KEY=' };
		const sick = await cli(machine, ['doctor'], { env: placeholder });
		expect([sick.code, sick.stdout.match(/^(?:notice|WARNING) *\S+/gm)]).toEqual([1, ['WARNING key-unreadable:']]);
		expect(sick.stdout).toMatch(/^ok .*Nix believes what cache\.nixos\.org-1 signed\.$/m);

		const unknown = await cli(machine, ['doctor', folder], { env: signing, secrets: [secret] });
		expect(unknown.code, unknown.stderr).toBe(1);
		const fixes = [...unknown.stdout.matchAll(/Add `(extra-[^`]*)`/g)].map(([, line = '']) => line);
		expect(fixes).toEqual([`extra-substituters = ${folder}`, `extra-trusted-public-keys = ${publicKey}`]);
		const mended = await cli(machine, ['doctor', folder], {
			env: { ...signing, NIX_CONFIG: fixes.join('\n') },
			secrets: [secret],
		});
		expect([mended.code, mended.stdout.match(/^(notice|WARNING)/gm)], mended.stdout).toEqual([0, null]);
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
		const port = await freePort();
		const serving = ['--netrc-file', netrc, '--port', String(port), `${server.url}?priority=7`];
		const served = await startServing(machine, serving, { env: { NIX_CACHE_TOKEN: token } });
		const { url } = served;
		expect(url).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${port}/[0-9a-f]+$`));
		expect(statSync(netrc).mode & 0o777).toBe(0o600);
		expect(readFileSync(netrc, 'utf8')).toContain(`login ${served.login}`);
		const taken = await cli(machine, ['serve', '--port', String(port), server.url], { env: { NIX_CACHE_TOKEN: token } });
		expect([taken.code, taken.stdout], taken.stderr).toEqual([2, '']);
		expect((await fetch(`${url}/nix-cache-info`)).status).toBe(403);
		const authorization = `Basic ${Buffer.from(`${served.login}:${served.password}`).toString('base64')}`;
		const info = await fetch(`${url}/nix-cache-info`, { headers: { authorization } });
		expect(await info.text()).toMatch(/^Priority: 7$/m);
		writeFileSync(join(machine.work, 'serve.nix'), graph(`serve-${nix}`));
		const settings = { substituters: url, 'trusted-public-keys': publicKey, 'netrc-file': netrc };
		const flags = Object.entries(settings).flatMap(([name, value]) => ['--option', name, value]);
		const built = await machine.exec(['nix-build', '--no-out-link', join(machine.work, 'serve.nix'), '-A', 'app', ...flags]);
		expect(built.code, built.stderr).toBe(0);
		expect(built.stderr).not.toMatch(/^building '/m);
		expect(built.stdout.trim()).toBe(app);
		expect(await served.stop()).toBe(0);
		expect(served.output()).toMatch(/Nix read 3 paths/);
		expect(served.output()).not.toContain(token);
		expect(served.password.length).toBeGreaterThan(20);
		expect(existsSync(netrc)).toBe(false);
	});
});

describe('what the command line ends with', () => {
	let machine: Machine;
	let app: string;

	beforeAll(async () => {
		machine = await createMachine({ nix: '2.26' });
		[app = ''] = await build(machine, graph('exits'), { attributes: ['app'] });
	});
	afterAll(() => machine?.dispose());

	it('is 2 for a mistake in the command line, which is named, with what was meant', async () => {
		const mistakes: readonly (readonly [args: readonly string[], said: RegExp])[] = [
			[[], /No command is given/],
			[['psuh', 'file:///x', app], /Did you mean `push`\?/],
			[['push', 'file:///x', app, '--exlude', 'x'], /Did you mean `--exclude`\?/],
			[['push', 'file:///x'], /needs PATH/],
			[['push', 'gopher://x', app], /URL: `gopher:\/\/x` is of an unknown kind/],
			[['push', 'file:///x', app, '--concurrency=none'], /--concurrency: `none` is not allowed/],
			[['push', 'file:///x', app, '--verify', 'al'], /Did you mean `all`\?/],
			[['push', 'file:///x', '/no/such/path'], /PATH: `\/no\/such\/path` is not there/],
			[['push', 'file:///x', app, '--signing-key-file', '/no/key'], /can't be read \(ENOENT\)/],
			[['serve', 'file:///x'], /Nix reads `file:\/\/\/x` by itself/],
			[['keygen', 'a b'], /blanks/],
			[['keygen', 'a:b'], /blanks, `:`/],
			[['completion', 'tcsh'], /`bash`, `zsh` and `fish`/],
		];
		for (const [args, said] of mistakes) {
			const result = await cli(machine, args);
			expect(result.stderr, args.join(' ')).toMatch(said);
			expect([result.code, result.stdout], args.join(' ')).toEqual([2, '']);
			const [first = 'push', ...rest] = args;
			const asJson = await cli(machine, [first, '--json', ...rest]);
			expect(JSON.parse(asJson.stdout).error, args.join(' ')).toMatchObject({ code: 'input-invalid' });
			expect(asJson.code).toBe(2);
		}
	});

	it('is 2 for secrets on the command line or in a URL, and shows none of them', async () => {
		const options = { secrets: [] };
		const flag = await cli(machine, ['push', 'https://cache.test/x', app, '--token', 'hunter2-flag'], options);
		const url = await cli(machine, ['push', 'https://user:hunter2-url@cache.test/x', app], options);
		const variable = await cli(machine, ['push', 'file:///x', app], { env: { NIX_CACHE_SIGNING_KEY: 'k-1:hunter2-key' } });
		expect([flag.code, url.code, variable.code]).toEqual([2, 2, 2]);
		expect(flag.stderr).toMatch(/NIX_CACHE_TOKEN/);
		expect(variable.stderr).toMatch(/^error: NIX_CACHE_SIGNING_KEY: /);
		for (const { stdout, stderr } of [flag, url, variable]) expect(stdout + stderr).not.toContain('hunter2');
	});

	it('is 0 with secrets that no program it starts gets to see', async () => {
		await using other = await createMachine({ nix: '2.26' });
		const [path = ''] = await build(other, graph('environment'), { attributes: ['app'] });
		other.writeFile('/usr/local/bin/nix', '#!/bin/sh\nenv >> /tmp/environment\nexec /usr/bin/nix "$@"\n', 0o755);
		const env = { ...signing, NIX_CACHE_USERNAME: 'user', NIX_CACHE_PASSWORD: 'hunter2-password' };
		const result = await cli(other, ['push', `local?root=${other.work}/store`, path], { env: signing, secrets: [secret] });
		expect(result.code, result.stderr).toBe(0);
		expect((await cli(other, ['doctor', 'http://127.0.0.1:9/x'], { env })).code).toBe(1);
		const seen = other.readFile('/tmp/environment');
		expect(seen).toMatch(/^PATH=/m);
		expect(seen).not.toMatch(/NIX_CACHE_|hunter2/);
		expect(seen).not.toContain(secret);
	});

	it('is 3 for a cache that does not answer, refuses the credentials or is for another store directory', async () => {
		await using server = await startFaultyServer({ credentials: 'user:password' });
		const refused = await cli(machine, ['push', server.url, app, '--json'], {
			env: { ...signing, NIX_CACHE_USERNAME: 'user', NIX_CACHE_PASSWORD: 'wrong-password' },
			secrets: ['wrong-password', secret],
		});
		expect(refused.code, refused.stderr).toBe(3);
		expect(JSON.parse(refused.stdout).caches[0].stoppedBy.code).toMatch(/^cache-(unauthorized|forbidden)$/);
		await server.refuse();
		const served = await cli(machine, ['serve', server.url, '--json'], { env: { NIX_CACHE_TOKEN: 'some-token' } });
		expect(served.code, served.stderr).toBe(3);
		expect(JSON.parse(served.stdout).error.code).toBe('cache-unreachable');
		const folder = join(machine.work, 'elsewhere');
		mkdirSync(folder);
		writeFileSync(join(folder, 'nix-cache-info'), 'StoreDir: /srv/nix/store\n');
		const other = await cli(machine, ['push', `file://${folder}`, app], { env: signing });
		expect(other.code, other.stderr).toBe(3);
	});

	it('is 1 when some paths failed, and those that need no failed one are there', async () => {
		const folder = join(machine.work, 'partly');
		const paths = await build(machine, graph('partly'), { attributes: ['base', 'lib', 'tool'] });
		const lib = paths[1] ?? '';
		const file = join(machine.storeFolder, basename(lib), 'lib');
		chmodSync(file, 0o644);
		writeFileSync(file, 'not what was built');
		const result = await cli(machine, ['push', `file://${folder}`, ...paths], { env: signing });
		expect(result.code, result.stderr).toBe(1);
		expect(result.stderr).toMatch(/^error: Not every path was pushed to .*: 1 corrupt\. .*lib-partly/m);
		expect(checkCache(folder).length).toBe(2);
	});

	it('is 0 for what filters leave out and for a dry run, which sends nothing', async () => {
		const folder = join(machine.work, 'filtered');
		const filtered = await cli(machine, ['push', `file://${folder}`, app, '--exclude', '-app-', '--exclude', '-lib-'], {
			env: signing,
		});
		expect(filtered.code, filtered.stderr).toBe(0);
		expect(filtered.stdout).toMatch(/1 excluded/);
		const dry = await cli(machine, ['push', `file://${folder}-dry`, app, '--dry-run'], { env: signing });
		expect(dry.code, dry.stderr).toBe(0);
		expect(dry.stdout).toMatch(/3 to be pushed/);
		expect(existsSync(`${folder}-dry`)).toBe(false);
		const nothing = await cli(machine, ['push', `file://${folder}`, '-', '--json'], { input: '' });
		expect([nothing.code, JSON.parse(nothing.stdout).caches]).toEqual([0, []]);
	});

	it('is 130 after SIGINT in the middle of a push, which leaves a cache without holes and nothing on disk', async () => {
		await using server = await startFaultyServer();
		server.fail({ method: 'PUT' }, { kind: 'stall' });
		const child = startCli(machine, ['push', server.url, app], { env: signing });
		await eventually('an upload has begun', () => server.requests.some(({ method }) => method === 'PUT'), { timeoutMs: 60_000 });
		const exit = once(child, 'exit');
		child.kill('SIGINT');
		expect(await exit).toEqual([130, null]);
		expect(readdirSync(machine.outside('/tmp')).filter((name) => /^nix-cache-action-\w{6}$/.test(name))).toEqual([]);
	});

	it('of doctor is 1 for a daemon that does not trust the user and a cache that is down, and 0 once the fixes are applied', async () => {
		await using multi = await createMachine({ nix: '2.26' });
		multi.addUser('dev');
		const down = `http://127.0.0.1:${await freePort()}`;
		const daemon = await multi.startDaemon({ conf: [`substituters = ${down}`] });
		const folder = join(multi.work, 'cache');
		mkdirSync(folder);
		writeFileSync(join(folder, 'nix-cache-info'), 'StoreDir: /nix/store\nPriority: 41\n');
		const sick = await cli(multi, ['doctor', `file://${folder}`, '--json'], { user: 'dev' });
		expect(sick.code, sick.stderr).toBe(1);
		const problems: readonly { readonly level: string; readonly about: string; readonly text: string; readonly fix: string }[] =
			JSON.parse(sick.stdout).problems;
		const warnings = problems.filter(({ level }) => level === 'warning');
		expect(warnings.map(({ about }) => about).toSorted()).toEqual(['daemon-distrusts', 'push', 'substituter-unusable']);
		expect(warnings.find(({ about }) => about === 'substituter-unusable')?.text).toContain(`Nix is set to read from ${down}`);
		const [, trust = ''] = warnings.find(({ about }) => about === 'daemon-distrusts')?.fix.match(/Add `([^`]*)`/) ?? [];
		expect(trust).toBe('extra-trusted-users = dev');
		chmodSync(folder, 0o777);
		multi.writeFile('/etc/nix/nix.conf', `sandbox = false\nbuild-users-group =\nsubstituters =\n${trust}\n`);
		await daemon.restart();
		const well = await cli(multi, ['doctor', `file://${folder}`], { user: 'dev' });
		expect([well.code, well.stdout.match(/^WARNING.*/gm)], well.stdout).toEqual([0, null]);
	});

	it('of doctor is 1 for a cache that has credentials from the environment and none from Nix, and 0 once they are in its netrc', async () => {
		await using secretive = await createMachine({ nix: '2.34' });
		await using server = await startFaultyServer({ credentials: 'user:hunter-two', host: 'cache.test' });
		server.write('nix-cache-info', 'StoreDir: /nix/store\nPriority: 41\n');
		const env = { NIX_CACHE_USERNAME: 'user', NIX_CACHE_PASSWORD: 'hunter-two', NIX_CONFIG: `substituters = ${server.url}` };
		const sick = await cli(secretive, ['doctor', server.url, '--json'], { env });
		const { problems } = JSON.parse(sick.stdout);
		expect(problems.filter(({ level }: { readonly level: string }) => level === 'warning')).toEqual([
			expect.objectContaining({
				about: 'substituter-unusable',
				fix: 'Nix sends there what its netrc says: write `machine cache.test login USER password PASSWORD` into /etc/nix/netrc.',
			}),
		]);
		expect(sick.code).toBe(1);
		secretive.writeFile('/etc/nix/netrc', 'machine cache.test login user password hunter-two\n', 0o600);
		const well = await cli(secretive, ['doctor', server.url], { env });
		expect([well.code, well.stdout.match(/^WARNING.*/gm)], well.stdout).toEqual([0, null]);
	});

	it('is 0 for help, also when it is started by a link, as npm makes them', async () => {
		const link = join(machine.work, 'nix-cache-action');
		const { version, bin } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8'));
		symlinkSync(join(CHECKOUT, bin['nix-cache-action']), link);
		const path = `${dirname(NODE)}:${machine.environment.PATH}`;
		expect(await machine.run([link, '--version'], { env: { PATH: path } })).toBe(`nix-cache-action ${version}`);
		expect(await machine.run([link, 'help', 'push'], { env: { PATH: path } })).toMatch(
			/^Usage: nix-cache-action push \[OPTIONS\] URL PATH\.\.\.$/m,
		);
	});

	it('never writes a key over another one', async () => {
		machine.writeFile('/root/only.secret', 'the only copy');
		const result = await cli(machine, ['keygen', 'only']);
		expect([result.code, machine.readFile('/root/only.secret')]).toEqual([2, 'the only copy']);
	});

	it('leaves no file behind that a full disk has no room for', async () => {
		await machine.run(['sh', '-c', 'mkdir /full && mount -t tmpfs -o size=4k tmpfs /full && head -c 4096 /dev/zero > /full/all']);
		const keygen = () => cli(machine, ['keygen', 'mine-1', '--secret-key-file', '/full/mine.secret']);
		for (const result of [await keygen(), await keygen()])
			expect([result.code, result.stderr]).toEqual([1, expect.stringContaining("can't be written (ENOSPC)")]);
		expect((await machine.run(['ls', '/full'])).trim()).toBe('all');
	});
});

describe('the store in the Actions cache', () => {
	it('is listed and brought under a size, and what is left can be read', async () => {
		await using service = await spawnCacheService();
		await using machine = await createMachine({ nix: '2.34' });
		const job = await service.environment({ repository: 'octo/cli', ref: MAIN });
		const env = { ...job, GITHUB_REF: MAIN };
		const options = { env, secrets: [job.ACTIONS_RUNTIME_TOKEN ?? ''] };
		const old = await buildOne(machine, await largePath(machine, 'old', 20, 1));
		writeFileSync(join(machine.work, 'job.nix'), graph('listed'));
		const [lib = '', app = ''] = await build(machine, graph('listed'), { attributes: ['lib', 'app'] });
		const first = await cli(machine, ['push', 'actions-cache', old, lib], options);
		expect(first.code, first.stderr).toBe(0);
		await sleep(1_100); // last use is counted in seconds
		const second = await cli(machine, ['push', 'actions-cache', app], options);
		expect(second.code, second.stderr).toBe(0);
		const now = async () => JSON.parse((await cli(machine, ['ls', '--json'], options)).stdout);

		const listed = await cli(machine, ['ls'], options);
		expect(listed.code, listed.stderr).toBe(0);
		expect(listed.stdout.trim().split('\n').length).toBe(4);
		expect(listed.stdout).toMatch(/^\d{4}-\d\d-\d\d +20\.0 MiB .*-old$/m);
		expect(listed.stderr).toMatch(/refs\/heads\/main: 4 paths in 2 packs/);
		const { paths, packs } = await now();
		expect([paths.length, packs.length]).toEqual([4, 2]);

		const event = join(machine.work, 'event.json');
		writeFileSync(event, JSON.stringify({ repository: { default_branch: 'main' } }));
		const branch = {
			...(await service.environment({ repository: 'octo/cli', ref: 'refs/heads/topic' })),
			GITHUB_REF: 'refs/heads/topic',
		};
		const onBranch = async (...args: readonly string[]) =>
			JSON.parse((await cli(machine, ['ls', '--json', ...args], { env: { ...branch, GITHUB_EVENT_PATH: event } })).stdout).paths
				.length;
		expect([await onBranch(), await onBranch('--all-refs')]).toEqual([0, 4]);

		const planned = await cli(machine, ['gc', '--actions-cache-size', '5 MiB', '--dry-run', '--json'], options);
		expect(planned.code, planned.stderr).toBe(0);
		expect(JSON.parse(planned.stdout)).toMatchObject({ paths: { before: 4, after: 3 }, dropped: [old], rewrittenPacks: 1 });
		expect((await now()).paths.length).toBe(4);
		const collected = await cli(machine, ['gc', '--actions-cache-size', '5 MiB'], options);
		expect(collected.code, collected.stderr).toBe(0);
		expect(collected.stdout).toMatch(/^went: .*-old, used/m);
		const left = await now();
		expect([left.paths.length, left.packs.length]).toEqual([3, 2]);
		expect(left.packs.filter(({ key }: { key: string }) => packs.some((pack: { key: string }) => pack.key === key)).length).toBe(
			1,
		);

		await machine.emptyStore();
		const steps = [uses({}), run('nix-build --no-out-link job.nix -A app')];
		const job2 = await play(service, machine, steps, { repository: 'octo/cli', workspace: { 'job.nix': graph('listed') } });
		expect([built(job2), copied(job2)], job2.log).toEqual([0, 3]);

		await service.evict({ repository: 'octo/cli', keyPrefix: 'nca1-p-' });
		const lost = await cli(machine, ['gc', '--json'], options);
		expect(JSON.parse(lost.stdout), lost.stderr).toMatchObject({ paths: { before: 3, after: 0 }, dropped: [] });
		expect((await now()).paths).toEqual([]);
		expect(await service.violations()).toEqual([]);
	});

	it('is told to be missing outside of a job, with status 3', async () => {
		await using machine = await createMachine({ nix: '2.26' });
		for (const command of ['ls', 'gc']) {
			const result = await cli(machine, [command]);
			expect([result.code, result.stdout], result.stderr).toEqual([3, '']);
			expect(result.stderr).toMatch(/ACTIONS_RUNTIME_TOKEN/);
		}
	});
});
