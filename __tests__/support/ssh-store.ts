/**
 * A Nix store on the far side of a real sshd: a machine of its own with its own Nix, its daemon and a user `ci` who may log in with one key. Its network is the
 * host's, so it listens on a port of 127.0.0.1.
 *
 *     await using far = await startSshStore({ nix: '2.26' });
 *     far.admit(machine); // ssh of that machine's root knows the host and has the key
 *     uses({ with: { cache: far.url('ssh-ng') } })
 */
import type { ChildProcess } from 'node:child_process';
import { chownSync } from 'node:fs';
import type { NixVersion } from '../../scripts/roots.ts';
import { createMachine, type Machine } from './machine.ts';
import { freePort } from './ports.ts';
import { stopProcess, untilItListens } from './serving-process.ts';

export interface SshStoreOptions {
	readonly nix: NixVersion;
	/** Whether the far daemon trusts the user; `true` if not said. */
	readonly trusted?: boolean;
	/** More lines for the far nix.conf. */
	readonly conf?: readonly string[];
	/** More lines for sshd_config. */
	readonly sshd?: readonly string[];
}

/** What a client has; the right keys if not said. */
export interface Admission {
	readonly user?: string;
	readonly key?: string | null;
	readonly hostKey?: string | null;
}

/** Who may log in. */
const USER = 'ci';

export async function startSshStore(options: SshStoreOptions): Promise<SshStore> {
	const machine = await createMachine({ nix: options.nix });
	const far = new SshStore(machine, await freePort(), options.sshd ?? []);
	machine.addUser(USER);
	await machine.startDaemon({ trustedUsers: options.trusted === false ? [] : [USER], conf: options.conf ?? [] });
	await far.start();
	return far;
}

export class SshStore implements AsyncDisposable {
	readonly machine: Machine;
	readonly port: number;
	readonly #sshd: readonly string[];
	readonly #output: string[] = [];
	#process: ChildProcess | null = null;

	constructor(machine: Machine, port: number, sshd: readonly string[]) {
		this.machine = machine;
		this.port = port;
		this.#sshd = sshd;
	}

	/** What clients call it; older Nix has no place for a port in a store URL, so `admit` writes it into ssh's configuration. */
	get host(): string {
		return `far-${this.port}`;
	}

	/** The private key of the user. */
	get key(): string {
		return this.machine.readFile('/etc/test-ssh/user');
	}

	/** `ssh-ed25519 AAAA...`. */
	get hostKey(): string {
		return this.machine.readFile('/etc/test-ssh/host.pub').split(' ').slice(0, 2).join(' ').trim();
	}

	/** How many connections clients made so far. */
	get connections(): number {
		return this.#output.join('').match(/^Connection from .*$/gm)?.length ?? 0;
	}

	/** The store URL; parameters as in a URL, without `?`. */
	url(scheme: 'ssh' | 'ssh-ng', parameters = ''): string {
		return `${scheme}://${USER}@${this.host}${parameters === '' ? '' : `?${parameters}`}`;
	}

	/**
	 * Tells ssh of a user on another machine where this is, who it is and which key to show. Other keys than the right ones may be said; `null`: none.
	 * May be called again.
	 */
	admit(machine: Machine, { user = 'root', key = this.key, hostKey = this.hostKey }: Admission = {}): void {
		const folder = `${machine.home(user)}/.ssh`;
		const keyFile = `${folder}/${this.host}`;
		const files: Record<string, string> = {
			[`${folder}/config`]: [
				`Host ${this.host}`,
				`HostName 127.0.0.1`,
				`Port ${this.port}`,
				`HostKeyAlias ${this.host}`,
				...(key === null ? [] : [`IdentityFile ${keyFile}`, 'IdentitiesOnly yes']),
				'',
			].join('\n'),
			[`${folder}/known_hosts`]: hostKey === null ? '' : `${this.host} ${hostKey}\n`,
			...(key === null ? {} : { [keyFile]: key }),
		};
		for (const [path, text] of Object.entries(files)) machine.writeFile(path, text, 0o600);
		if (user === 'root') return;
		const { uid } = machine.user(user);
		for (const path of [folder, ...Object.keys(files)]) chownSync(machine.outside(path), uid, uid);
	}

	async start(): Promise<void> {
		const { machine } = this;
		machine.writeFile('/etc/test-ssh/sshd_config', this.#configuration());
		await machine.run(['mkdir', '-p', '/run/sshd']);
		for (const name of ['host', 'user']) {
			await machine.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', `/etc/test-ssh/${name}`]);
		}
		machine.writeFile('/etc/test-ssh/authorized_keys', machine.readFile('/etc/test-ssh/user.pub'));
		const child = machine.spawn(['/usr/sbin/sshd', '-D', '-e', '-f', '/etc/test-ssh/sshd_config']);
		this.#process = child;
		await untilItListens(child, 'sshd', this.port, this.#output);
	}

	/** Nobody listens on the port any more. */
	async stop(): Promise<void> {
		const child = this.#process;
		this.#process = null;
		await stopProcess(child);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
		await this.machine.dispose();
	}

	#configuration(): string {
		return [
			`Port ${this.port}`,
			'ListenAddress 127.0.0.1',
			'HostKey /etc/test-ssh/host',
			'AuthorizedKeysFile /etc/test-ssh/authorized_keys',
			'PasswordAuthentication no',
			'KbdInteractiveAuthentication no',
			'UsePAM no',
			'StrictModes no',
			'MaxStartups 100',
			'PidFile none',
			'LogLevel VERBOSE',
			...this.#sshd,
			'',
		].join('\n');
	}
}
