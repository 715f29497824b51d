import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { GRAPH, graph, largePath } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { type Handler, httpCache } from '../support/http-cache.ts';
import { artifactRepository, signedStorage } from '../support/http-servers/artifact-repository.ts';
import { NCPS_PUBLIC_KEY, ncps } from '../support/http-servers/ncps.ts';
import { nixBinaryCache } from '../support/http-servers/nix-binary-cache.ts';
import { nixCasync } from '../support/http-servers/nix-casync.ts';
import { harmonia, nixServe } from '../support/http-servers/store-servers.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import type { JobResult } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { startSocksProxy } from '../support/socks-proxy.ts';
import { testedVersions } from '../support/versions.ts';

const key = generateKey('test-1');
const secret = formatSecretKey(key);
const publicKey = formatPublicKey(publicKeyOf(key));
const TOKEN = 'artifact-secret-token';
const everything = `nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`;

const folders: string[] = [];
const newFolder = (): string => {
	const folder = mkdtempSync(join(tmpdir(), 'http-servers-'));
	folders.push(folder);
	return folder;
};
afterAll(() => {
	for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A cache that only `Bearer` opens. */
function bearerOnly(folder: string): Handler {
	const open = httpCache({ folder, basePath: '/cache/', credentials: null });
	return async (request, response, through) => {
		if (request.headers.authorization === `Bearer ${TOKEN}`) return open(request, response, through);
		response.writeHead(401, { 'content-length': '0' }).end();
	};
}

const serve = (healthy: Handler): Promise<FaultyServer> => startFaultyServer({ healthy });
const warnings = (result: JobResult): readonly string[] => result.annotations.map(({ message }) => message);

describe.each(testedVersions())('servers as they are, Nix %s', (nix) => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix });
	});
	afterAll(() => machine.dispose());

	const job = (inputs: Readonly<Record<string, string>>, text: string, script = everything) =>
		runJob(machine, [uses({ with: { fallback: 'none', ...inputs } }), run(script)], {
			secrets: [secret, TOKEN],
			workspace: { 'job.nix': text },
		});

	/** A job pushes all, one on an empty machine builds nothing and pushes nothing. */
	async function twice(
		inputs: Readonly<Record<string, string>>,
		salt: string,
		script = everything,
		text = graph(`${salt}-${nix}`),
	) {
		await machine.emptyStore();
		const first = await job(inputs, text, script);
		expect(first.status, first.log).toBe('success');
		expect(warnings(first), first.log).toEqual([]);
		expect(first.stage('post').log, first.log).toMatch(/\d+ pushed/);
		expect(first.stage('post').log).toMatch(/Read back \d+ of the pushed paths: all well/);
		await machine.emptyStore();
		const second = await job(inputs, text, script);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('post').log, second.log).toContain('Nothing new to push');
		assertNoSecrets(second);
		return { first, second };
	}

	it('ncps: uploads go to /upload, HEAD is not believed, its own signature is enough for readers', async () => {
		const folder = newFolder();
		await using server = await serve(ncps(folder));
		const inputs = { cache: server.origin, 'push-url': `${server.origin}/upload`, 'signing-key': secret };
		await twice(inputs, 'ncps');
		expect(checkCache(folder).length).toBe(5);
		const reader = { cache: server.origin, push: 'never', 'trusted-public-keys': NCPS_PUBLIC_KEY };
		await machine.emptyStore();
		const third = await job(reader, graph(`ncps-${nix}`));
		expect(third.stage('run').log, third.log).not.toMatch(/^building '/m);
		const large = await largePath(machine, `ncps-large-${nix}`, 8, 0.5);
		await twice(inputs, '', 'nix-build --no-out-link job.nix', large);
	});

	it('ncps: without its `push-url`, and with uploads switched off, is told at main', async () => {
		const folder = newFolder();
		await using server = await serve(ncps(folder));
		const without = await job({ cache: server.origin, 'signing-key': secret }, graph('ncps-no-upload'));
		expect(warnings(without), without.log).toEqual([expect.stringMatching(/405.*push-url/)]);
		expect(without.stage('post').log).toMatch(/Nothing is pushed/);
		await using closed = await serve(ncps(folder, { allowPut: false }));
		const inputs = { cache: closed.origin, 'push-url': `${closed.origin}/upload`, 'signing-key': secret };
		const refused = await job(inputs, graph('ncps-closed'));
		expect(warnings(refused), refused.log).toEqual([expect.stringMatching(/405/)]);
	});

	it('nix-casync: NARs before narinfos, narinfos after those of their references', async () => {
		await using server = await serve(nixCasync());
		await twice({ cache: server.origin, 'signing-key': secret }, 'casync');
		expect(server.requests.filter(({ status }) => status === 400)).toEqual([]);
	});

	it('nix-binary-cache: is given a nix-cache-info, and never an upload that breaks off', async () => {
		const folder = newFolder();
		const { handler, isDead } = nixBinaryCache(folder);
		await using server = await serve(handler);
		await twice({ cache: server.origin, 'signing-key': secret }, 'binary-cache');
		expect(isDead()).toBe(false);
		expect(checkCache(folder).length).toBe(5);
	});

	it.each([
		['nix-serve', nixServe],
		['harmonia', harmonia],
	])('%s: is read from; that it takes nothing is told at main, and post does not try', async (name, handler) => {
		const folder = join(machine.work, name);
		await machine.emptyStore();
		const text = graph(`${name}-${nix}`);
		await job({ cache: `file://${folder}`, 'signing-key': secret, compression: 'none' }, text);
		expect(checkCache(folder).length).toBe(5);
		await using server = await serve(handler(folder));
		await machine.emptyStore();
		const result = await job({ cache: server.origin, 'signing-key': secret }, text);
		expect(result.stage('run').log, result.log).not.toMatch(/^building '/m);
		expect(result.stage('main').outputs).toMatchObject({ cache: 'http', 'can-push': 'false' });
		expect(warnings(result), result.log).toEqual([expect.stringMatching(/(takes no uploads|405).*harmonia, nix-serve/)]);
		const sinceMain = server.requests.findLastIndex(({ headers }) => headers['user-agent'] !== 'nix-cache-action');
		expect(server.requests.slice(sinceMain + 1)).toEqual([]);
		const own = { cache: `file://${newFolder()}`, 'signing-key': formatSecretKey(generateKey('own-1')) };
		const quiet = await job({ ...own, substituters: server.origin, 'trusted-public-keys': publicKey }, text);
		expect(warnings(quiet), quiet.log).toEqual([]);
	});

	it('Artifactory: virtual and local repository, redirects to a store elsewhere that sees no credentials', async () => {
		const folder = newFolder();
		// Another host, as Nix sends the credentials of a host to all of its ports.
		await using storage = await startFaultyServer({ healthy: signedStorage(folder), host: 'other.test' });
		const credentials = `ci:${TOKEN}`;
		await using server = await serve(artifactRepository({ folder, credentials, storage: () => storage.origin }));
		const virtual = `${server.origin}/artifactory/nix`;
		const local = `${server.origin}/artifactory/nix-local`;
		const inputs = { username: 'ci', password: TOKEN, 'signing-key': secret };
		await twice({ ...inputs, cache: virtual, 'push-url': local }, 'artifactory');
		expect(checkCache(folder).length).toBe(5);
		expect(storage.requests.length).toBeGreaterThan(4);
		expect(storage.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
		const onlyVirtual = await job({ ...inputs, cache: virtual }, graph('artifactory-virtual'));
		expect(warnings(onlyVirtual), onlyVirtual.log).toEqual([
			expect.stringMatching(/405.*No default deployment repository.*push-url/),
		]);
		const wrong = await job({ ...inputs, password: `${TOKEN}-old`, cache: virtual, 'push-url': local }, graph('artifactory-401'));
		expect(warnings(wrong), wrong.log).toEqual([
			expect.stringMatching(/401.*Authentication is required.*refuses the credentials/),
		]);
	});

	it('a server behind a SOCKS proxy that `ALL_PROXY` names: Nix asks the proxy for it, and not for what this machine serves', async () => {
		await using server = await serve(bearerOnly(newFolder()));
		await using proxy = await startSocksProxy({ hosts: { 'bearer.invalid': '127.0.0.1' } });
		const text = graph(`socks-${nix}`);
		const cache = `http://bearer.invalid:${server.port}/cache`;
		const inputs = { cache, token: TOKEN, 'signing-key': secret, fallback: 'none' };
		const options = {
			secrets: [secret, TOKEN],
			workspace: { 'job.nix': text },
			env: { ALL_PROXY: `socks5h://127.0.0.1:${proxy.port}` },
		};
		await machine.emptyStore();
		const first = await runJob(machine, [uses({ with: inputs }), run(everything)], options);
		expect(warnings(first), first.log).toEqual([]);
		expect(first.stage('post').log, first.log).toMatch(/5 pushed/);
		await machine.emptyStore();
		const second = await runJob(machine, [uses({ with: inputs }), run(everything)], options);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(new Set(proxy.targets)).toEqual(new Set([`bearer.invalid:${server.port}`]));
	});

	it('a server that takes tokens as `Bearer` alone is read through the local substituter', async () => {
		await using server = await serve(bearerOnly(newFolder()));
		const { second } = await twice({ cache: `${server.origin}/cache`, token: TOKEN, 'signing-key': secret }, 'bearer');
		expect(second.stage('post').log).toMatch(new RegExp(`Nix read 4 paths .* from ${server.origin}/cache`));
		expect(second.stage('main').outputs).toMatchObject({ cache: 'http', 'can-push': 'true' });
	});

	it('a server that takes tokens as `Bearer` alone is read by a daemon for a user who is not root', async () => {
		await using server = await serve(bearerOnly(newFolder()));
		await using shared = await createMachine({ nix });
		shared.addUser('runner');
		await shared.startDaemon({ trustedUsers: ['runner'] });
		const inputs = { cache: `${server.origin}/cache`, token: TOKEN, 'signing-key': secret, fallback: 'none' };
		const options = { user: 'runner', secrets: [secret, TOKEN], workspace: { 'job.nix': graph(`bearer-daemon-${nix}`) } };
		const first = await runJob(shared, [uses({ with: inputs }), run(everything)], options);
		expect(warnings(first), first.log).toEqual([]);
		expect(first.stage('post').log, first.log).toMatch(/5 pushed/);
		await shared.emptyStore();
		const second = await runJob(shared, [uses({ with: inputs }), run(everything)], options);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('post').log, second.log).toContain('Nothing new to push');
		assertNoSecrets(second);
	});
});
