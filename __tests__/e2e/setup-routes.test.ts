import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatPublicKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import type { Configuration, NixSettings } from '../../src/setup/configuration.ts';
import { parseSettings } from '../../src/store/settings.ts';
import { createMachine, type Daemon, type Machine, NODE } from '../support/machine.ts';
import { testedVersions } from '../support/versions.ts';
import type { Answer, Ask, Use } from './in-machine.ts';

const program = join(import.meta.dirname, 'in-machine.ts');
const CONF = '/etc/nix/nix.conf';
const key = formatPublicKey(publicKeyOf(generateKey('routes-1')));
const wish: NixSettings = {
	substituters: ['http://cache.test:9/nix'],
	publicKeys: [key],
	netrc: [{ machine: 'cache.test', login: 'me', password: 'hunter2' }],
	other: [],
};
const nothing: NixSettings = { substituters: [], publicKeys: [], netrc: [], other: [] };

/** A user's job: uses of the action, and the environment that they leave for later steps. */
class Job {
	readonly machine: Machine;
	readonly user: string;
	env: Readonly<Record<string, string>> = {};
	constructor(machine: Machine, user: string) {
		this.machine = machine;
		this.user = user;
	}

	use(id: string): Use {
		return { id, folder: `/tmp/${this.user}-${id}` };
	}

	async ask(ask: Ask): Promise<Answer> {
		const input = JSON.stringify(ask);
		const answer: Answer = JSON.parse(await this.machine.run([NODE, program], { input, user: this.user, env: this.env }));
		this.env = { ...this.env, ...answer.exported };
		return answer;
	}

	async configure(
		id: string,
		what = wish,
		previous: Configuration | null = null,
	): Promise<Answer & { readonly configuration: Configuration }> {
		const answer = await this.ask({ call: 'configure', use: this.use(id), wish: what, previous });
		if (answer.configuration === undefined) throw new Error(`not configured: ${JSON.stringify(answer)}`);
		return { ...answer, configuration: answer.configuration };
	}

	undo(id: string, previous: Configuration): Promise<Answer> {
		return this.ask({ call: 'undo', use: this.use(id), previous });
	}

	/** What Nix itself makes of it all, in a later step. */
	async settings() {
		return parseSettings(await this.machine.nix(['show-config', '--json'], { user: this.user, env: this.env }));
	}
}

/** Everything in /etc/nix: names, and of files owner, mode and contents. */
function etcNix(machine: Machine): unknown {
	const folder = machine.outside('/etc/nix');
	return readdirSync(folder).map((name) => {
		const file = join(folder, name);
		const { mode, uid, gid } = lstatSync(file);
		return [name, mode, uid, gid, lstatSync(file).isFile() ? readFileSync(file, 'utf8') : null];
	});
}

let machine: Machine;
afterEach(async () => {
	await machine?.dispose();
});

describe.each(testedVersions())('every route with Nix %s', (nix) => {
	let daemon: Daemon;
	beforeEach(async () => {
		machine = await createMachine({ nix });
		machine.addUser('trusted');
		machine.addUser('sudoer', { sudo: true });
		machine.addUser('stranger');
	});

	async function startDaemon(conf: readonly string[] = []): Promise<void> {
		daemon = await machine.startDaemon({ trustedUsers: ['trusted'], conf });
	}

	it.each(['root', 'trusted'])('tells %s by a file of our own', async (user) => {
		await startDaemon();
		const before = etcNix(machine);
		const job = new Job(machine, user);
		const first = await job.configure('a');
		expect(first).toMatchObject({ warnings: [], configuration: { route: 'user-file' } });
		const second = await job.configure('a', wish, first.remembered);
		expect(second.configuration).toEqual(first.configuration);
		const settings = await job.settings();
		expect(settings.substituters).toEqual(wish.substituters);
		expect(settings.trustedPublicKeys).toContain(key);
		expect(settings.netrcFile).toBe(`/tmp/${user}-a/netrc`);
		await job.undo('a', second.configuration);
		expect(await job.settings()).toEqual(await new Job(machine, user).settings());
		expect(etcNix(machine)).toEqual(before);
		expect(daemon.starts()).toBe(1);
	});

	it('tells the daemon by an include where sudo works, restarts it once, and takes it all back', async () => {
		await startDaemon();
		const before = etcNix(machine);
		const job = new Job(machine, 'sudoer');
		const first = await job.configure('a');
		expect(first).toMatchObject({ warnings: [], configuration: { route: 'system-include' }, exported: {} });
		expect(daemon.starts()).toBe(2);
		expect(await job.settings()).toMatchObject({ substituters: wish.substituters, netrcFile: '/tmp/sudoer-a/netrc' });
		expect(statSync(machine.outside('/tmp/sudoer-a/netrc')).mode & 0o777).toBe(0o600);
		const second = await job.configure('a', wish, first.remembered);
		expect(daemon.starts()).toBe(2);
		expect(await job.undo('a', second.configuration)).toMatchObject({ error: null });
		expect(etcNix(machine)).toEqual(before);
		expect(existsSync(machine.outside('/tmp/sudoer-a/netrc'))).toBe(false);
		expect(daemon.starts()).toBe(3);
		// Twice does no harm and costs no restart.
		await job.undo('a', second.configuration);
		expect(daemon.starts()).toBe(3);
	});

	it('restarts the daemon more often than systemd starts a service by itself', async () => {
		await startDaemon();
		machine.writeFile('/etc/systemd/system/nix-daemon.service.d/limit.conf', '[Unit]\nStartLimitBurst=5\n');
		const job = new Job(machine, 'sudoer');
		const uses = [];
		for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) {
			const answer = await job.configure(id, { ...nothing, substituters: [`http://cache.test:9/${id}`] });
			expect(answer).toMatchObject({ warnings: [], configuration: { route: 'system-include' } });
			uses.push({ id, configuration: answer.configuration });
		}
		for (const { id, configuration } of uses) expect(await job.undo(id, configuration)).toMatchObject({ error: null });
		expect(daemon.starts()).toBe(15);
		await machine.run(['nix-store', '--add', '/etc/hosts'], { user: 'stranger' });
	});

	it('does not rely on what another job has included for itself', async () => {
		await startDaemon();
		const plain = { ...wish, netrc: [] };
		const other = await new Job(machine, 'sudoer').configure('other', plain);
		const job = new Job(machine, 'sudoer');
		const own = await job.configure('own', plain);
		expect(own.configuration.route).toBe('system-include');
		// Who can't tell the daemon takes what there is, without a warning.
		expect(await new Job(machine, 'stranger').configure('c', plain)).toMatchObject({
			warnings: [],
			configuration: { route: 'already-there' },
		});
		await new Job(machine, 'sudoer').undo('other', other.configuration);
		expect((await job.settings()).substituters).toEqual(wish.substituters);
		await job.undo('own', own.configuration);
	});

	it('asks the daemon for caches that it grants everybody, in pre and in main, and it does not complain', async () => {
		await startDaemon([`trusted-substituters = ${wish.substituters.join(' ')}`, `extra-trusted-public-keys = ${key}`]);
		const job = new Job(machine, 'stranger');
		const granted = { ...wish, netrc: [] };
		const first = await job.configure('a', granted);
		const second = await job.configure('a', granted, first.remembered);
		for (const answer of [first, second]) expect(answer).toMatchObject({ warnings: [], configuration: { route: 'user-file' } });
		expect((await job.settings()).substituters).toEqual(wish.substituters);
		const { stderr } = await machine.exec(['nix-store', '--add', '/etc/hosts'], { user: 'stranger', env: job.env });
		expect(stderr).not.toMatch(/ignoring/);
		expect(daemon.starts()).toBe(1);
	});

	it('says what to add where nothing works, once, and changes nothing', async () => {
		await startDaemon();
		const before = etcNix(machine);
		const job = new Job(machine, 'stranger');
		const first = await job.configure('a');
		expect(first).toMatchObject({ configuration: { route: 'advice-only' }, exported: {} });
		expect(first.warnings).toEqual([expect.stringContaining('extra-trusted-users = stranger')]);
		expect((await job.configure('a', wish, first.remembered)).warnings).toEqual([]);
		expect(etcNix(machine)).toEqual(before);
	});
});

describe("the system's configuration", () => {
	let daemon: Daemon;
	let job: Job;
	beforeEach(async () => {
		machine = await createMachine({ nix: '2.26' });
		machine.addUser('sudoer', { sudo: true });
		daemon = await machine.startDaemon();
		job = new Job(machine, 'sudoer');
	});

	it('is as it was after two uses, in whatever order they end, whether its last line was ended or not', async () => {
		for (const order of [
			['a', 'b'],
			['b', 'a'],
		]) {
			for (const text of ['trusted-users = root\n', 'trusted-users = root', '']) {
				machine.writeFile(CONF, text, 0o664);
				const before = etcNix(machine);
				const done = new Map<string, Configuration>();
				for (const id of ['a', 'b']) {
					const netrc = [{ machine: `${id}.test`, login: 'me', password: `of-${id}` }];
					done.set(id, (await job.configure(id, { ...wish, netrc })).configuration);
				}
				expect((await job.settings()).netrcFile).toBe('/tmp/sudoer-b/netrc');
				expect(machine.readFile('/tmp/sudoer-b/netrc')).toMatch(/of-b(.|\n)*of-a/);
				for (const id of order) await job.undo(id, done.get(id) ?? expect.unreachable());
				expect(etcNix(machine)).toEqual(before);
			}
		}
	});

	it('is not there again when it was not there', async () => {
		rmSync(machine.outside(CONF));
		const { configuration } = await job.configure('a');
		expect(configuration.route).toBe('system-include');
		expect((await job.settings()).trustedPublicKeys).toContain(key);
		await job.undo('a', configuration);
		expect(etcNix(machine)).toEqual([]);
	});

	it('has the credentials of two uses, whichever of them learned of some last', async () => {
		const withNetrc = (...machines: readonly string[]): NixSettings => ({
			...wish,
			netrc: machines.map((name) => ({ machine: name, login: 'me', password: 'hunter2' })),
		});
		const hosts = async (): Promise<readonly string[]> =>
			machine.readFile((await job.settings()).netrcFile).match(/(?<=machine )\S+/g) ?? [];
		const first = await job.configure('a', withNetrc('a.test'));
		const second = await job.configure('b', withNetrc('b.test'));
		const main = await job.configure('a', withNetrc('127.0.0.1', 'a.test'), first.remembered);
		expect(new Set(await hosts())).toEqual(new Set(['127.0.0.1', 'a.test', 'b.test']));
		const other = await job.configure('b', withNetrc('b.test', 'c.test'), second.remembered);
		expect(new Set(await hosts())).toEqual(new Set(['127.0.0.1', 'a.test', 'b.test', 'c.test']));
		await job.undo('b', other.configuration);
		expect(new Set(await hosts())).toEqual(new Set(['127.0.0.1', 'a.test', 'b.test']));
		await job.undo('a', main.configuration);
	});

	it('may be for root alone, and need not be UTF-8', async () => {
		const text = Buffer.concat([Buffer.from('# f\xfcr alle\n', 'latin1'), Buffer.from(machine.readFile(CONF))]);
		machine.writeFile(CONF, text, 0o600);
		const before = etcNix(machine);
		const { configuration, warnings } = await job.configure('a');
		expect({ route: configuration.route, warnings }).toEqual({ route: 'system-include', warnings: [] });
		expect(readFileSync(machine.outside(CONF)).subarray(0, text.length)).toEqual(text);
		expect(await job.undo('a', configuration)).toMatchObject({ error: null });
		expect(etcNix(machine)).toEqual(before);
		expect(readFileSync(machine.outside(CONF))).toEqual(text);
	});

	it('may be a link, which stays one', async () => {
		machine.writeFile('/srv/nix.conf', 'trusted-users = root\n');
		rmSync(machine.outside(CONF));
		symlinkSync('/srv/nix.conf', machine.outside(CONF));
		const { configuration } = await job.configure('a');
		expect(machine.readFile('/srv/nix.conf')).toContain('nix-cache-action-a.conf');
		await job.undo('a', configuration);
		expect(machine.readFile('/srv/nix.conf')).toBe('trusted-users = root\n');
		expect(lstatSync(machine.outside(CONF)).isSymbolicLink()).toBe(true);
	});

	it('is left alone when it is in the store', async () => {
		machine.writeFile('/tmp/made.conf', 'trusted-users = root\n');
		const path = await machine.run(['nix-store', '--add', '/tmp/made.conf']);
		rmSync(machine.outside(CONF));
		symlinkSync(path, machine.outside(CONF));
		const answer = await job.configure('a');
		expect(answer.configuration.route).toBe('advice-only');
		expect(answer.warnings).toEqual([expect.stringContaining('is itself in the Nix store')]);
		await machine.run(['nix-store', '--verify', '--check-contents']);
		expect(daemon.starts()).toBe(1);
	});

	it('is as it was when the daemon does not come back, and the log says why', async () => {
		const before = etcNix(machine);
		const real = machine.readFile('/usr/bin/systemctl');
		machine.writeFile('/usr/bin/systemctl', '#!/bin/sh\n[ "$1" = restart ] || exit 0\necho "Job failed." >&2\nexit 1\n', 0o755);
		const answer = await job.configure('a');
		expect(answer).toMatchObject({ configuration: { route: 'advice-only' }, warnings: [expect.stringContaining('Job failed.')] });
		machine.writeFile('/usr/bin/systemctl', real, 0o755);
		expect(etcNix(machine)).toEqual(before);
		expect(readdirSync(machine.outside('/tmp/sudoer-a'))).toEqual([]);
	});

	it('is as it was after a kill in the middle, once post has undone it', async () => {
		const before = etcNix(machine);
		const real = machine.readFile('/usr/bin/systemctl');
		machine.writeFile('/usr/bin/systemctl', '#!/bin/sh\n[ "$1" = restart ] || exit 0\nsleep 60\n', 0o755);
		const ask: Ask = { call: 'configure', use: job.use('a'), wish, previous: null };
		const child = machine.spawn([NODE, program], { user: 'sudoer' });
		child.stdin?.end(JSON.stringify(ask));
		while (!machine.readFile(CONF).includes('nix-cache-action-a')) await sleep(20);
		child.kill('SIGKILL');
		machine.writeFile('/usr/bin/systemctl', real, 0o755);
		const remembered: Configuration = JSON.parse(machine.readFile('/tmp/sudoer-a.state'));
		expect(await job.undo('a', remembered)).toMatchObject({ error: null });
		expect(etcNix(machine)).toEqual(before);
		expect(readdirSync(machine.outside('/tmp/sudoer-a'))).toEqual([]);
	});

	it('is not touched without systemd', async () => {
		rmSync(machine.outside('/run/systemd'), { recursive: true });
		const before = etcNix(machine);
		const answer = await job.configure('a');
		expect(answer).toMatchObject({
			configuration: { route: 'advice-only' },
			warnings: [expect.stringContaining('neither systemd nor launchd')],
		});
		expect(etcNix(machine)).toEqual(before);
	});

	it('loses the include in main when there is nothing to tell any more', async () => {
		const before = etcNix(machine);
		const first = await job.configure('a');
		const second = await job.configure('a', nothing, first.remembered);
		expect(second.configuration.route).toBe('none');
		expect(etcNix(machine)).toEqual(before);
	});
});

describe('a netrc that only root may read', () => {
	beforeEach(async () => {
		machine = await createMachine({ nix: '2.34' });
		machine.addUser('trusted');
		machine.addUser('both', { sudo: true });
		await machine.startDaemon({ trustedUsers: ['trusted', 'both'] });
		machine.writeFile('/etc/nix/netrc', 'machine other.test login someone password something\n', 0o600);
	});

	it('is read by way of sudo', async () => {
		const { warnings } = await new Job(machine, 'both').configure('a');
		expect(warnings).toEqual([]);
		expect(machine.readFile('/tmp/both-a/netrc')).toMatch(/other\.test(.|\n)*something/);
	});

	it('is missed without sudo, with a warning that names it', async () => {
		const { warnings, configuration } = await new Job(machine, 'trusted').configure('a');
		expect(configuration.route).toBe('user-file');
		expect(warnings).toEqual([expect.stringMatching(/\/etc\/nix\/netrc.*EACCES/)]);
	});
});
