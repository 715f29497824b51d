import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { build, buildOne, GRAPH, graph } from '../support/derivations.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';

const key = generateKey('test-1');
const secret = formatSecretKey(key);
const publicKey = formatPublicKey(publicKeyOf(key));

describe.each(testedVersions())('a job on an HTTP cache, Nix %s', (nix) => {
	let machine: Machine;
	let nginx: Nginx;

	beforeAll(async () => {
		[machine, nginx] = await Promise.all([createMachine({ nix }), startNginx()]);
	});
	afterAll(async () => {
		await machine?.dispose();
		await nginx?.dispose();
	});

	const job = (expression: string, more: Readonly<Record<string, string>> = {}) =>
		runJob(
			machine,
			[
				uses({ with: { cache: nginx.url, username: nginx.username, password: nginx.password, 'signing-key': secret, ...more } }),
				run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`),
			],
			{ secrets: [nginx.password, secret], workspace: { 'job.nix': expression } },
		);

	it('pushes what the job built, signed, and a second job takes it all from the cache', async () => {
		const first = await job(graph('one'));
		expect(first.status, first.log).toBe('success');
		expect(first.stage('post').log).toMatch(/5 pushed/);
		expect(first.annotations, first.log).toEqual([]);
		assertNoSecrets(first);
		expect(first.leftovers.filter((name) => !name.includes('report'))).toEqual([]);

		const again = await job(graph('one'));
		expect(again.status, again.log).toBe('success');
		expect(again.stage('post').log).toMatch(/^Nothing new to push/m);

		await machine.emptyStore();
		const second = await job(graph('one'));
		expect(second.status, second.log).toBe('success');
		expect(second.stage('run').log).not.toMatch(/building '/);
		expect(second.stage('run').log).toMatch(/copying path .*app-one/);
		assertNoSecrets(second);
	});

	it('leaves paths that every Nix version substitutes, signatures required', async () => {
		const paths = await build(machine, graph('one'), { attributes: GRAPH });
		for (const reader of testedVersions()) {
			await using other = await createMachine({ nix: reader });
			other.writeFile('/etc/nix/netrc', `machine 127.0.0.1 login ${nginx.username} password ${nginx.password}\n`, 0o600);
			const options = ['substituters', nginx.url, 'trusted-public-keys', publicKey, 'require-sigs', 'true'];
			const flags = [0, 2, 4].flatMap((at) => ['--option', options[at] ?? '', options[at + 1] ?? '']);
			await other.run(['nix-store', '--realise', ...flags, ...paths]);
			const dump = await other.run(['sh', '-c', `nix-store --dump ${paths[0]} | sha256sum`]);
			expect(dump).toBe(await machine.run(['sh', '-c', `nix-store --dump ${paths[0]} | sha256sum`]));
		}
	});

	it('writes NARs and narinfos as nix copy does', async () => {
		const [path = ''] = await build(machine, graph('one'), { attributes: ['app'] });
		machine.writeFile(join(machine.work, 'key'), secret, 0o600);
		await machine.nix(['copy', '--to', `file://${machine.work}/copy?compression=none&secret-key=${machine.work}/key`, path]);
		const fields = (folder: string, name: string) =>
			Object.fromEntries(
				readFileSync(join(folder, name), 'utf8')
					.split('\n')
					.map((line) => line.split(': '))
					.filter(([field = '']) => !['URL', 'Compression', 'FileHash', 'FileSize', ''].includes(field)),
			);
		const names = readdirSync(join(machine.work, 'copy')).filter((name) => name.endsWith('.narinfo'));
		expect(names.length).toBeGreaterThan(1);
		for (const name of names) {
			expect(fields(nginx.folder, name)).toEqual(fields(join(machine.work, 'copy'), name));
			const url = /^URL: (.*)$/m.exec(readFileSync(join(nginx.folder, name), 'utf8'))?.[1] ?? '';
			const plain = /^URL: (.*)$/m.exec(readFileSync(join(machine.work, 'copy', name), 'utf8'))?.[1] ?? '';
			const ours = zstdDecompressSync(readFileSync(join(nginx.folder, url)));
			expect(ours.equals(readFileSync(join(machine.work, 'copy', plain)))).toBe(true);
		}
	});

	it('plans and sends nothing in a dry run', async () => {
		const result = await runJob(
			machine,
			[
				uses({ with: { cache: nginx.url, username: nginx.username, password: nginx.password, 'signing-key': secret } }),
				run('nix-build --no-out-link job.nix -A base'),
			],
			{ env: { NIX_CACHE_ACTION_DRY_RUN: 'true' }, secrets: [nginx.password, secret], workspace: { 'job.nix': graph('dry') } },
		);
		expect(result.stage('post').log).toMatch(/1 to be pushed/);
		const path = await buildOne(machine, `(${graph('dry')}).base`);
		const hash = path.slice('/nix/store/'.length).split('-')[0];
		expect(readdirSync(nginx.folder)).not.toContain(`${hash}.narinfo`);
	});
});
