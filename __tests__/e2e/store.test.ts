import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { build, buildOne, fixedOutput, graph, source } from '../support/derivations.ts';
import { createMachine, type Machine, NODE } from '../support/machine.ts';
import { testedVersions } from '../support/versions.ts';
import type { Answer } from './in-machine.ts';

const program = join(import.meta.dirname, 'in-machine.ts');
const NEVER_THERE = '/nix/store/00000000000000000000000000000000-never';

interface Question {
	readonly infos?: readonly string[];
	readonly closure?: readonly string[];
}

async function look(
	machine: Machine,
	{ infos = [], closure = [] }: Question,
	user = 'root',
	env: Record<string, string> = {},
): Promise<Answer> {
	const input = JSON.stringify({ call: 'store', infos, closure });
	return JSON.parse(await machine.run([NODE, program], { input, user, env }));
}

/** What `nix-store` says of a path, in the words of a path info. */
async function asNixStoreSays(machine: Machine, path: string): Promise<Partial<Record<keyof PathInfo, unknown>>> {
	const query = (what: string): Promise<string> => machine.run(['nix-store', '-q', `--${what}`, path]);
	const references = await query('references');
	const deriver = await query('deriver');
	return {
		path,
		narHash: await query('hash'),
		narSizeBytes: Number(await query('size')),
		references: references === '' ? [] : references.split('\n').sort(),
		deriver: deriver === 'unknown-deriver' ? null : deriver,
	};
}

describe.each(testedVersions())('the store of Nix %s', (nix) => {
	let machine: Machine;
	let top: string;
	let drv: string;
	let fixed: string;
	let src: string;
	beforeAll(async () => {
		machine = await createMachine({ nix, nixConf: ['secret-key-files = /etc/nix/secret'] });
		for (const user of ['trusted', 'member', 'stranger']) machine.addUser(user);
		const group = machine.readFile('/etc/group');
		machine.writeFile('/etc/group', `${group}builders:x:900:member\n`);
		machine.writeFile('/etc/nix/secret', '');
		await machine.run(['nix-store', '--generate-binary-cache-key', 'own-1', '/etc/nix/secret', '/etc/nix/public']);
		[top = ''] = await build(machine, graph(`store-${nix}`), { attributes: ['app'] });
		fixed = await buildOne(machine, fixedOutput(`fixed-${nix}`, 'fixed'));
		writeFileSync(join(machine.work, 'file'), 'source');
		src = await machine
			.run(['nix-instantiate', '--eval', '--read-write-mode', '--expr', source(join(machine.work, 'file'))])
			.then((text) => text.slice(1, -1));
		drv = await machine.run(['nix-store', '-q', '--deriver', top]);
	});
	afterAll(async () => {
		await machine?.dispose();
	});

	it('is described: where it is and who may write to it', async () => {
		const { description } = await look(machine, {});
		expect(description).toMatchObject({ access: 'direct', trust: 'direct', storeDir: '/nix/store', realStoreDir: '/nix/store' });
		expect(description?.about.version.text).toBe(machine.nixVersion);
	});

	it('tells of every path what nix-store tells, of derivation files too', async () => {
		const all = [top, fixed, src, drv];
		const { infos = {} } = await look(machine, { infos: all });
		for (const path of all) expect(infos[path]).toMatchObject(await asNixStoreSays(machine, path));
		expect(infos[top]).toMatchObject({ ultimate: true, ca: null, signatures: [expect.stringMatching(/^own-1:/)] });
		expect(infos[fixed]).toMatchObject({ ca: expect.stringMatching(/^fixed:sha256:/) });
		expect(infos[src]).toMatchObject({ ca: expect.stringMatching(/^fixed:r:sha256:/), deriver: null });
		expect(infos[drv]).toMatchObject({ ca: expect.stringMatching(/^text:sha256:/) });
	});

	it('has the closure that nix-store has', async () => {
		const { closure = {}, invalid } = await look(machine, { closure: [top, src] });
		const expected = (await machine.run(['nix-store', '-qR', top, src])).split('\n');
		expect(Object.keys(closure).sort()).toEqual(expected.sort());
		expect(invalid).toEqual([]);
	});

	it('has the closure of derivation files', async () => {
		const { closure = {} } = await look(machine, { closure: [drv, fixed] });
		const expected = (await machine.run(['nix-store', '-qR', drv, fixed])).split('\n');
		expect(Object.keys(closure).sort()).toEqual(expected.sort());
	});

	it('drops what is not valid and keeps the rest whole', async () => {
		const halfMade = `${'1'.repeat(32)}-half-made`;
		writeFileSync(join(machine.storeFolder, halfMade), '');
		const badDrv = NEVER_THERE.replace('never', 'never.drv');
		const {
			closure = {},
			invalid,
			names,
		} = await look(machine, { closure: [NEVER_THERE, `/nix/store/${halfMade}`, badDrv, top, drv] });
		const expected = (await machine.run(['nix-store', '-qR', top, drv])).split('\n');
		expect(Object.keys(closure).sort()).toEqual(expected.sort());
		expect(invalid?.toSorted()).toEqual([NEVER_THERE, badDrv, `/nix/store/${halfMade}`].sort());
		expect(names).toContain(halfMade);
		rmSync(join(machine.storeFolder, halfMade));
	});

	it('asks no substituter about a path that is not there', async () => {
		const env = { NIX_CONFIG: 'substituters = http://127.0.0.1:9/never\nconnect-timeout = 1' };
		const started = performance.now();
		const { invalid } = await look(machine, { closure: [NEVER_THERE] }, 'root', env);
		expect(invalid).toEqual([NEVER_THERE]);
		// One attempt alone would be retried for more than four seconds.
		expect(performance.now() - started).toBeLessThan(4_000);
	});

	it('knows whom the daemon trusts: by name, by group, or not', async () => {
		const daemon = await machine.startDaemon({ trustedUsers: ['trusted', '@builders'] });
		const trustOf = async (user: string): Promise<string | undefined> => (await look(machine, {}, user)).description?.trust;
		expect([await trustOf('trusted'), await trustOf('member'), await trustOf('stranger'), await trustOf('root')]).toEqual([
			'trusted',
			'trusted',
			'untrusted',
			'direct',
		]);
		const { closure = {}, description } = await look(machine, { closure: [top, drv] }, 'stranger');
		expect(description?.access).toBe('daemon');
		expect(Object.keys(closure).sort()).toEqual((await machine.run(['nix-store', '-qR', top, drv])).split('\n').sort());
		await daemon.stop();
	});

	it('says that the daemon does not answer', async () => {
		const daemon = await machine.startDaemon();
		await daemon.stop();
		const { error } = await look(machine, {}, 'stranger', { NIX_REMOTE: 'daemon' });
		expect(error).toMatchObject({ code: 'store-unreadable', message: expect.stringContaining('daemon does not answer') });
	});

	it('may have its files under a root of its own', async () => {
		const env = { NIX_REMOTE: '/tmp/elsewhere' };
		const path = await machine.run(['nix-store', '--add', join(machine.work, 'file')], { env });
		const { description, names, closure = {} } = await look(machine, { closure: [path] }, 'root', env);
		expect(description).toMatchObject({ access: 'direct', storeDir: '/nix/store', realStoreDir: '/tmp/elsewhere/nix/store' });
		expect(names).toContain(path.slice('/nix/store/'.length));
		expect(Object.keys(closure)).toEqual([path]);
	});

	it('can be asked about more paths than fit into an argument list', async () => {
		const never = Array.from(
			{ length: 12_000 },
			(_, index) => `/nix/store/${String(index).padStart(32, '0')}-${'x'.repeat(200)}`,
		);
		const { infos = {} } = await look(machine, { infos: [...never, top] });
		expect(Object.keys(infos)).toHaveLength(never.length + 1);
		expect(never.every((path) => infos[path] === null)).toBe(true);
		expect(infos[top]).toMatchObject({ path: top });
	});

	it('is on this machine or an error', async () => {
		const { error } = await look(machine, {}, 'root', { NIX_REMOTE: 'ssh-ng://user:secret@host' });
		expect(error).toMatchObject({ code: 'store-unreadable', message: expect.not.stringContaining('secret') });
	});
});

describe('another store directory', () => {
	it('is in every path', async () => {
		await using machine = await createMachine({ nix: '2.26', storeDir: '/srv/nix/store' });
		const path = await buildOne(machine, fixedOutput('srv', 'srv'));
		const { description, closure = {} } = await look(machine, { closure: [path] });
		expect(description).toMatchObject({ storeDir: '/srv/nix/store', realStoreDir: '/srv/nix/store' });
		expect(closure[path]).toMatchObject({ path });
	});
});

describe('Nix outside of PATH', () => {
	it("is found in the user's profile", async () => {
		await using machine = await createMachine({ nix: '2.34' });
		await machine.run(['mkdir', '-p', '/root/.nix-profile/bin']);
		symlinkSync('/usr/bin/nix', machine.outside('/root/.nix-profile/bin/nix'));
		const { description } = await look(machine, {}, 'root', { PATH: '/nowhere' });
		expect(description?.program).toBe('/root/.nix-profile/bin/nix');
	});
});
