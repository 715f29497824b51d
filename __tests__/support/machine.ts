/**
 * A Machine: a private Debian system with a real Nix, in a mount namespace of its own, made in a tenth of a second. Its /nix is its
 * own and empty; its network is the host's, so a server of the test on 127.0.0.1 is there too.
 *
 * The checkout is visible (read-only) at its own path, and so is one writable folder, `work`, for what a test shares with programs inside.
 */
import type { ChildProcess } from 'node:child_process';
import {
	appendFileSync,
	chmodSync,
	chownSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { findRoot, type NixVersion } from '../../scripts/roots.ts';
import { needRootOnLinux } from '../../scripts/system/privilege.ts';
import { type Finished, finished, stdoutOf } from './child.ts';
import { createNamespace, type Mount, type Namespace } from './namespace.ts';

export interface MachineOptions {
	readonly nix: NixVersion;
	/** Another store folder than /nix/store, such as `/srv/nix/store`; the state folder goes beside it. */
	readonly storeDir?: string;
	/** More lines for /etc/nix/nix.conf. */
	readonly nixConf?: readonly string[];
}

export interface CommandOptions {
	/** Added to the machine's environment (`Machine.environment`). */
	readonly env?: Readonly<Record<string, string>>;
	readonly user?: string;
	readonly cwd?: string;
	readonly input?: string | Buffer;
	/** The longest that the program may take; a minute if not said. */
	readonly timeoutMs?: number;
}

export interface DaemonOptions {
	/** `trusted-users` beside root. */
	readonly trustedUsers?: readonly string[];
	/** More lines for /etc/nix/nix.conf. */
	readonly conf?: readonly string[];
}

/** The machine's nix-daemon, run by the stand-in of systemctl. */
export interface Daemon {
	readonly stop: () => Promise<void>;
	readonly restart: () => Promise<void>;
	/** How often it was started, by us or by anyone in the machine. */
	readonly starts: () => number;
	readonly log: () => string;
}

export interface User {
	readonly name: string;
	readonly uid: number;
	readonly home: string;
}

/** Where the runner's node is, inside. It is the one that runs the tests. */
export const NODE = '/opt/runner/node24/bin/node';

/** The folder of this checkout. */
export const CHECKOUT = join(import.meta.dirname, '..', '..');

/** Starts the whole bundle and ends: post of a step that never ran. */
export const BARE_START = [NODE, join(CHECKOUT, 'dist', 'post.js')];

/** Names that mean 127.0.0.1 in every machine, for tests where the host matters; certificates of the tests are valid for them. */
export const TEST_HOSTS = ['cache.test', 'other.test'];

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const SYSTEMCTL = join(import.meta.dirname, 'systemctl.sh');
const SERVICE = '/etc/systemd/system/nix-daemon.service';

export async function createMachine(options: MachineOptions): Promise<Machine> {
	needRootOnLinux('machines with their own Nix');
	const root = findRoot(options.nix);
	const storeDir = options.storeDir ?? '/nix/store';
	const nixHome = dirname(storeDir);
	const state = { NIX_STORE_DIR: storeDir, NIX_STATE_DIR: `${nixHome}/var/nix`, NIX_LOG_DIR: `${nixHome}/var/log/nix` };
	const nixEnvironment = options.storeDir === undefined ? {} : state;
	const conf = ['sandbox = false', 'build-users-group =', 'substituters =', ...(options.nixConf ?? [])];
	const mounts = (folder: string): readonly Mount[] => [
		{ outside: join(folder, 'work'), inside: join(folder, 'work') },
		{ outside: join(folder, 'nix'), inside: nixHome },
		{ outside: CHECKOUT, inside: CHECKOUT, readOnly: true },
		{ outside: process.execPath, inside: NODE, readOnly: true, file: true },
	];
	const socket = `${nixHome}/var/nix/daemon-socket/socket`;
	const environment = Object.entries(nixEnvironment).map(([name, value]) => `${name}=${value}`);
	const namespace = await createNamespace(root.directory, mounts, {
		'/etc/nix/nix.conf': { text: lines(conf) },
		'/etc/hosts': { text: `127.0.0.1 localhost ${TEST_HOSTS.join(' ')} ${hostname()}\n::1 localhost\n` },
		// No name is looked up beyond this machine: an unknown host is unknown at once.
		'/etc/nsswitch.conf': { text: 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' },
		'/usr/bin/systemctl': { text: readFileSync(SYSTEMCTL, 'utf8'), mode: 0o755 },
		'/etc/default/nix-daemon': { text: `socket=${socket}\nenvironment='${environment.join(' ')}'\n` },
	});
	return new Machine(namespace, root.nixVersion, storeDir, conf, nixEnvironment);
}

export class Machine implements AsyncDisposable {
	readonly nixVersion: string;
	readonly storeDir: string;
	/** A folder that is the same inside and outside, 0755, owned by root. */
	readonly work: string;
	/** The store folder from outside, on the host's file system. */
	readonly storeFolder: string;
	/** The machine's root from outside. Absolute symbolic links under it lead to the host's files. */
	readonly root: string;
	/** What every command inside gets, beside what its options add. */
	readonly environment: Readonly<Record<string, string>>;
	readonly #namespace: Namespace;
	readonly #conf: readonly string[];
	#emptied = 0;
	readonly #users = new Map<string, User>();

	constructor(
		namespace: Namespace,
		nixVersion: string,
		storeDir: string,
		conf: readonly string[],
		nixEnvironment: Readonly<Record<string, string>>,
	) {
		this.#namespace = namespace;
		this.#conf = conf;
		this.nixVersion = nixVersion;
		this.storeDir = storeDir;
		this.work = join(namespace.folder, 'work');
		this.storeFolder = join(namespace.folder, 'nix', 'store');
		this.root = namespace.root;
		this.environment = { PATH, LANG: 'C.UTF-8', ...nixEnvironment };
	}

	/** Runs a program to its end. A status other than 0 is not an error here. */
	exec(argv: readonly string[], options: CommandOptions = {}): Promise<Finished> {
		return finished(this.spawn(argv, options), argv.join(' '), options.timeoutMs ?? 60_000, options.input);
	}

	/** Runs a program that must succeed, and returns its standard output without the last newline. */
	async run(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
		return stdoutOf(argv.join(' '), await this.exec(argv, options));
	}

	/** `run` with the new command line, `nix build` and so on, which the machine's nix.conf does not enable, like Nix's default. */
	nix(args: readonly string[], options: CommandOptions = {}): Promise<string> {
		return this.run(['nix', '--extra-experimental-features', 'nix-command', ...args], options);
	}

	/** Starts a program with pipes. The pid of the child is the program's. */
	spawn(argv: readonly string[], options: CommandOptions = {}): ChildProcess {
		const { user = 'root' } = options;
		const home = this.home(user);
		const env = { ...this.environment, HOME: home, USER: user, LOGNAME: user, ...options.env };
		return this.#namespace.spawn(argv, { env, cwd: options.cwd ?? home, user });
	}

	/** Starts a program with exactly this environment, standard input closed: how the runner harness starts a step. */
	spawnBare(argv: readonly string[], env: Readonly<Record<string, string>>, cwd: string, user: string): ChildProcess {
		return this.#namespace.spawn(argv, { env, cwd, user, stdio: ['ignore', 'pipe', 'pipe'] });
	}

	/** Every process that runs inside now. */
	processes(): readonly number[] {
		return this.#namespace.processes();
	}

	/** Whether a process runs inside. */
	has(pid: number): boolean {
		return this.#namespace.has(pid);
	}

	/** A path inside as seen from outside. */
	outside(path: string): string {
		return join(this.root, path);
	}

	readFile(path: string): string {
		return readFileSync(this.outside(path), 'utf8');
	}

	writeFile(path: string, content: string | Buffer, mode = 0o644): void {
		mkdirSync(this.outside(dirname(path)), { recursive: true });
		writeFileSync(this.outside(path), content);
		chmodSync(this.outside(path), mode);
	}

	/** A new user with a home, a group of the same name, and passwordless sudo if asked for. */
	addUser(name: string, { sudo = false }: { readonly sudo?: boolean } = {}): User {
		const user: User = { name, uid: 1000 + this.#users.size, home: `/home/${name}` };
		appendFileSync(this.outside('/etc/passwd'), `${name}:x:${user.uid}:${user.uid}::${user.home}:/bin/bash\n`);
		appendFileSync(this.outside('/etc/group'), `${name}:x:${user.uid}:\n`);
		appendFileSync(this.outside('/etc/shadow'), `${name}:*:20000:0:99999:7:::\n`);
		if (sudo) this.writeFile(`/etc/sudoers.d/${name}`, `${name} ALL=(ALL) NOPASSWD:ALL\n`, 0o440);
		mkdirSync(this.outside(user.home), { recursive: true });
		chownSync(this.outside(user.home), user.uid, user.uid);
		this.#users.set(name, user);
		return user;
	}

	/** The home of root or of a user that was added. */
	home(user: string): string {
		return user === 'root' ? '/root' : this.user(user).home;
	}

	/** A user that was added. */
	user(name: string): User {
		const user = this.#users.get(name);
		if (!user) throw new Error(`the machine has no user ${name}: addUser first`);
		return user;
	}

	/** Makes this a multi-user install: writes nix.conf and starts the real nix-daemon as a service. Root still writes directly. */
	async startDaemon({ trustedUsers = [], conf = [] }: DaemonOptions = {}): Promise<Daemon> {
		this.writeFile(
			'/etc/nix/nix.conf',
			lines([...this.#conf, `trusted-users = ${['root', ...trustedUsers].join(' ')}`, ...conf]),
		);
		this.writeFile(SERVICE, '[Service]\nExecStart=nix-daemon --daemon\n');
		mkdirSync(this.outside('/run/systemd/system'), { recursive: true });
		const systemctl = async (verb: string): Promise<void> => {
			await this.run(['systemctl', verb, 'nix-daemon']);
		};
		await systemctl('restart');
		return {
			stop: () => systemctl('stop'),
			restart: () => systemctl('restart'),
			starts: () => this.readFile('/run/nix-daemon.starts').split('\n').length - 1,
			log: () => this.readFile('/var/log/nix-daemon.log'),
		};
	}

	/**
	 * What a job on another machine finds: nothing in the store, no database, no result links that count, nothing that Nix
	 * remembers of caches. A running daemon is stopped before and started again.
	 */
	async emptyStore(): Promise<void> {
		const hasDaemon = (await this.exec(['systemctl', 'is-active', '--quiet', 'nix-daemon'])).code === 0;
		if (hasDaemon) await this.run(['systemctl', 'stop', 'nix-daemon']);
		const nixHome = join(this.#namespace.folder, 'nix');
		// Put aside and not removed: for five seconds ext4 passes over the inodes of what was deleted one by one, which slows down who writes then.
		const aside = join(this.#namespace.folder, `aside-${++this.#emptied}`);
		mkdirSync(aside);
		for (const name of readdirSync(nixHome)) renameSync(join(nixHome, name), join(aside, name));
		for (const user of ['root', ...this.#users.keys()]) {
			rmSync(this.outside(join(this.home(user), '.cache/nix')), { recursive: true, force: true });
		}
		if (hasDaemon) await this.run(['systemctl', 'start', 'nix-daemon']);
	}

	/** The names in the store folder, without Nix's own (`.links`). */
	storeNames(): readonly string[] {
		return existsSync(this.storeFolder) ? readdirSync(this.storeFolder).filter((name) => !name.startsWith('.')) : [];
	}

	/** Ends every process inside and removes all of it. May be called twice. */
	async dispose(): Promise<void> {
		await this.#namespace.dispose();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.dispose();
	}
}

function lines(text: readonly string[]): string {
	return text.map((line) => `${line}\n`).join('');
}
