import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/log.ts';
import { findNetrc, parseNetrc } from '../../src/nix/netrc.ts';
import type { Configuration, NixSettings, SetupContext } from '../../src/setup/configuration.ts';
import { configureNix, undoConfiguration } from '../../src/setup/configure-nix.ts';
import { type LocalStore, reopenLocalStore } from '../../src/store/local-store.ts';
import { parseSettings } from '../../src/store/settings.ts';

const KEY = 'cache-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=';
const HOME_CONF = '/home/me/.config/nix/nix.conf';
const XDG_CONF = '/etc/xdg/nix/nix.conf';

let temp: string;
let env: Record<string, string | undefined>;
let warnings: string[];
beforeEach(() => {
	temp = mkdtempSync(join(tmpdir(), 'configure-'));
	env = { PATH: process.env.PATH };
	warnings = [];
});
afterEach(() => rmSync(temp, { recursive: true }));

const log: Log = {
	debug: () => undefined,
	info: () => undefined,
	notice: () => undefined,
	warning: (message) => {
		warnings.push(message);
	},
	error: () => undefined,
	group: (_title, body) => body(),
	mask: () => undefined,
};

/** The netrc of the machine. */
const machineNetrc = (): string => join(temp, 'machine-netrc');

/** A store whose settings are known already, so that Nix itself is not asked: where a process would be started, the test fails. */
function store(values: Readonly<Record<string, unknown>> = {}, trust: LocalStore['trust'] = 'direct'): LocalStore {
	const settings = { 'netrc-file': machineNetrc(), ...values };
	const json = JSON.stringify(Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, { value }])));
	const about = {
		version: { implementation: 'nix', text: '2.34.8', major: 2, minor: 34 },
		storeDir: '/nix/store',
		stateDir: '/nix/var/nix',
		systemConfFile: '/etc/nix/nix.conf',
		userConfFiles: [HOME_CONF, XDG_CONF],
	} as const;
	return reopenLocalStore(
		{ access: 'direct', storeDir: '/nix/store', realStoreDir: '/nix/store', program: join(temp, 'no-nix'), about, trust },
		env,
		parseSettings(json),
	);
}

/** One use of the action: it remembers as the runner does. */
class Use implements SetupContext {
	readonly id: string;
	readonly folder: string;
	readonly env = env;
	readonly log = log;
	readonly signal = new AbortController().signal;
	remembered: Configuration | null = null;
	constructor(id: string) {
		this.id = id;
		this.folder = join(temp, id);
		mkdirSync(this.folder, { mode: 0o700 });
	}
	exportVariable(name: string, value: string): void {
		env[name] = value;
	}
	remember(configuration: Configuration): void {
		// It goes through the runner's state file.
		this.remembered = JSON.parse(JSON.stringify(configuration));
	}
	file(name: string): string {
		return join(this.folder, name);
	}
	configure(wish: NixSettings, on = store()): Promise<Configuration> {
		return configureNix(wish, on, this.remembered, this);
	}
	async undo(): Promise<void> {
		if (this.remembered !== null) await undoConfiguration(this.remembered, this);
	}
}

const wish: NixSettings = {
	substituters: ['https://cache.example.org/nix'],
	publicKeys: [KEY],
	netrc: [{ machine: 'cache.example.org', login: 'me', password: 'hunter2' }],
	other: [],
};
const nothing: NixSettings = { substituters: [], publicKeys: [], netrc: [], other: [] };
const passwordFor = (use: Use, host: string): string | undefined =>
	findNetrc(parseNetrc(readFileSync(use.file('netrc'), 'utf8')), host)?.password;

describe('telling Nix through a file of our own', () => {
	it('writes settings that add, for this user alone, before the files that Nix reads anyway', async () => {
		const use = new Use('a');
		const { route } = await use.configure(wish);
		expect(route).toBe('user-file');
		expect(readFileSync(use.file('nix.conf'), 'utf8')).toBe(
			`extra-substituters = https://cache.example.org/nix\nextra-trusted-public-keys = ${KEY}\nnetrc-file = ${use.file('netrc')}\n`,
		);
		expect(env.NIX_USER_CONF_FILES).toBe([use.file('nix.conf'), HOME_CONF, XDG_CONF].join(':'));
		expect(readdirSync(use.folder).map((name) => statSync(use.file(name)).mode & 0o777)).toEqual([0o600, 0o600]);
	});

	it('respects NIX_USER_CONF_FILES, also when it is set to nothing', async () => {
		const use = new Use('a');
		env.NIX_USER_CONF_FILES = '/own.conf:/other.conf';
		await use.configure(wish);
		expect(env.NIX_USER_CONF_FILES).toBe(`${use.file('nix.conf')}:/own.conf:/other.conf`);
		await use.undo();
		env.NIX_USER_CONF_FILES = '';
		await use.configure(wish);
		expect(env.NIX_USER_CONF_FILES).toBe(use.file('nix.conf'));
	});

	it('does the same again in main without adding anything twice', async () => {
		const use = new Use('a');
		await use.configure(wish);
		const before = { ...env };
		const files = readdirSync(use.folder).map((name) => readFileSync(use.file(name), 'utf8'));
		await use.configure(wish);
		expect(env).toEqual(before);
		expect(readdirSync(use.folder).map((name) => readFileSync(use.file(name), 'utf8'))).toEqual(files);
	});

	it('takes another wish in main in place of that of pre', async () => {
		const use = new Use('a');
		await use.configure(wish);
		await use.configure({ ...nothing, substituters: ['https://b'] });
		expect(readFileSync(use.file('nix.conf'), 'utf8')).toBe('extra-substituters = https://b\n');
		expect(existsSync(use.file('netrc'))).toBe(false);
		expect((await use.configure(nothing)).route).toBe('none');
		expect(readdirSync(use.folder)).toEqual([]);
		expect(env.NIX_USER_CONF_FILES).toBe(`${HOME_CONF}:${XDG_CONF}`);
	});

	it('is undone without a trace, also twice, and also when only remembered', async () => {
		const use = new Use('a');
		await use.configure(wish);
		await use.undo();
		await use.undo();
		expect(readdirSync(use.folder)).toEqual([]);
		expect(env.NIX_USER_CONF_FILES).toBe(`${HOME_CONF}:${XDG_CONF}`);
		const stopped = new Use('b');
		stopped.remembered = {
			route: 'user-file',
			userConfFile: stopped.file('nix.conf'),
			netrc: { file: stopped.file('netrc'), replaces: '/x' },
			system: null,
		};
		await stopped.undo();
		expect(env.NIX_USER_CONF_FILES).toBe(`${HOME_CONF}:${XDG_CONF}`);
	});

	it('remembers before it acts: whatever it has written when it fails can be undone', async () => {
		const use = new Use('a');
		mkdirSync(use.file('nix.conf'));
		await expect(use.configure(wish)).rejects.toMatchObject({ code: 'file-failed' });
		expect(existsSync(use.file('netrc'))).toBe(true);
		rmSync(use.file('nix.conf'), { recursive: true });
		await use.undo();
		expect(readdirSync(use.folder)).toEqual([]);
	});

	it('refuses a value that Nix would read otherwise', async () => {
		const use = new Use('a');
		await expect(use.configure({ ...wish, substituters: ['https://a#b'] })).rejects.toMatchObject({ code: 'format-invalid' });
		await use.undo();
		expect(readdirSync(use.folder)).toEqual([]);
	});

	it.each(['direct', 'trusted', 'unknown'] as const)('is the way when trust is %s', async (trust) => {
		expect((await new Use('a').configure(wish, store({}, trust))).route).toBe('user-file');
	});
});

describe('the netrc', () => {
	it('has the entries of the machine behind ours, and ours count', async () => {
		writeFileSync(
			machineNetrc(),
			'machine other.test login a password b\nmachine cache.example.org login x password y\ndefault login d password e\n',
		);
		const use = new Use('a');
		await use.configure(wish);
		expect(passwordFor(use, 'cache.example.org')).toBe('hunter2');
		expect(passwordFor(use, 'other.test')).toBe('b');
		expect(passwordFor(use, 'third.test')).toBe('e');
		await use.configure(wish);
		expect(passwordFor(use, 'other.test')).toBe('b');
	});

	it('does without those of a file that Nix could not read either, and says so once', async () => {
		writeFileSync(machineNetrc(), 'machine other.test login "open\n');
		const use = new Use('a');
		await use.configure(wish);
		await use.configure(wish);
		expect(passwordFor(use, 'cache.example.org')).toBe('hunter2');
		expect(warnings).toEqual([expect.stringContaining(machineNetrc())]);
	});

	it('is not replaced when there is nothing to add', async () => {
		writeFileSync(machineNetrc(), 'machine other.test login a password b\n');
		const use = new Use('a');
		await use.configure({ ...wish, netrc: [] });
		expect(readFileSync(use.file('nix.conf'), 'utf8')).not.toContain('netrc-file');
	});

	it('is never readable by others, whatever lay in its place', async () => {
		const use = new Use('a');
		writeFileSync(use.file('netrc'), 'old', { mode: 0o644 });
		writeFileSync(use.file('netrc.new'), 'left over', { mode: 0o644 });
		chmodSync(use.file('netrc.new'), 0o644);
		await use.configure(wish);
		expect(statSync(use.file('netrc')).mode & 0o777).toBe(0o600);
		expect(readdirSync(use.folder).sort()).toEqual(['netrc', 'nix.conf']);
	});
});

describe('two uses in one job', () => {
	it.each([
		['the last one first', ['b', 'a']],
		['the first one first', ['a', 'b']],
	])('add up and go without a trace, %s', async (_order, order) => {
		env.NIX_USER_CONF_FILES = '/own.conf';
		const uses = new Map([
			['a', new Use('a')],
			['b', new Use('b')],
		]);
		for (const use of uses.values()) await use.configure({ ...wish, netrc: [] });
		expect(env.NIX_USER_CONF_FILES).toBe(`${uses.get('b')?.file('nix.conf')}:${uses.get('a')?.file('nix.conf')}:/own.conf`);
		for (const id of order) await uses.get(id)?.undo();
		expect(env.NIX_USER_CONF_FILES).toBe('/own.conf');
	});
});

it('the netrc of one use has what that of another one got meanwhile', async () => {
	const [a, b] = [new Use('a'), new Use('b')];
	await b.configure(wish);
	await a.configure(wish);
	writeFileSync(a.file('netrc'), 'machine of-a.example login x password y\n', { mode: 0o600 });
	// As Nix would say without the file of B.
	const settings = JSON.stringify({ 'netrc-file': { value: a.file('netrc') } });
	writeFileSync(join(temp, 'no-nix'), `#!/bin/sh\necho '${settings}'\n`, { mode: 0o755 });
	await b.configure(wish);
	expect(readFileSync(b.file('netrc'), 'utf8')).toContain('of-a.example');
});

describe('a daemon that does not trust the user', () => {
	const granted = { 'trusted-public-keys': [KEY], 'trusted-substituters': wish.substituters };

	it('is left alone when it has it all', async () => {
		const use = new Use('a');
		const { route } = await use.configure(
			{ ...wish, netrc: [] },
			store({ ...granted, substituters: wish.substituters }, 'untrusted'),
		);
		expect(route).toBe('already-there');
		expect(readdirSync(use.folder)).toEqual([]);
		expect(env.NIX_USER_CONF_FILES).toBeUndefined();
		expect(warnings).toEqual([]);
	});

	it('is asked for caches that it knows, with nothing that it would complain about', async () => {
		const use = new Use('a');
		const { route } = await use.configure({ ...wish, netrc: [] }, store(granted, 'untrusted'));
		expect(route).toBe('user-file');
		expect(readFileSync(use.file('nix.conf'), 'utf8')).toBe('extra-substituters = https://cache.example.org/nix\n');
		expect(warnings).toEqual([]);
	});
});
