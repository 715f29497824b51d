import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { orAborted } from '../waiting/cancel.ts';
import type { Environment } from './nix-command.ts';
import type { SshDestination } from './ssh-destination.ts';

/** One SSH connection for the ssh of several Nix processes: a handshake takes five round trips and more. Nothing here throws: without it, each ssh connects by itself. */
export interface SshConnection {
	/** Options will be asked for. */
	begin(): void;
	/** Options that have ssh go through the connection, which is begun if it is not there; `null` when it can't be had, or `signal` came first. */
	options(signal: AbortSignal): Promise<string | null>;
	/** Ends it, and it can't be had any more. */
	close(): Promise<void>;
}

export interface SshConnectionOptions {
	readonly ssh: SshDestination;
	/** What Nix is to give to ssh (`NIX_SSHOPTS`). */
	readonly sshOptions: string;
	readonly env: Environment;
	/** Where the socket is to be, if its path is short enough there. Only this user can read it. */
	readonly privateFolder: string;
}

/** From its last use on, so that it goes by itself when this process is killed. What uses it later begins another one. */
const PERSIST_SECONDS = 15;
/** Longer than `ConnectTimeout`, which does not hold for all of the handshake. */
const BEGIN_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 5_000;

/** The first value counts, so these come before those of the user. */
const MASTER = [
	...['-M', '-N', '-T', '-x', '-a'],
	...[`-oControlPersist=${PERSIST_SECONDS}`, '-oPermitLocalCommand=no', '-oClearAllForwardings=yes'],
];

/** By the ssh on `PATH`, as Nix's. Starts no process yet. `null` where it can't be. */
export function shareSshConnection({ ssh, sshOptions, env, privateFolder }: SshConnectionOptions): SshConnection | null {
	const given = sshOptions.split(/\s+/).filter((option) => option !== '');
	const parent = [privateFolder, tmpdir()].find(hasRoomForSocket);
	if (parent === undefined || !given.every(isPlain)) return null;
	const ending = new AbortController();
	let folder: string | null = null;
	let beginning: Promise<string | null> | null = null;

	const begin = async (): Promise<string | null> => {
		try {
			folder ??= await mkdtemp(join(parent, 'ssh-'));
			return await openMaster({ ssh, given, env, folder, signal: ending.signal });
		} catch {
			return null;
		}
	};

	const connection = async (): Promise<string | null> => {
		if (ending.signal.aborted) return null;
		beginning ??= begin();
		const last = beginning;
		const socket = await last;
		// It was not used for a while. One that could not be had is not tried again.
		if (socket === null || existsSync(socket) || ending.signal.aborted) return socket;
		if (beginning === last) beginning = begin();
		return beginning;
	};

	return {
		begin() {
			void connection();
		},
		async options(signal) {
			const socket = await orAborted(connection(), signal, 'Waiting for an SSH connection').catch(() => null);
			return socket === null || ending.signal.aborted ? null : `-oControlMaster=no -oControlPath=${socket}`;
		},
		async close() {
			ending.abort();
			await beginning;
			if (folder === null) return;
			const socket = join(folder, SOCKET);
			const args = ['-F', '/dev/null', `-oControlPath=${socket}`, '-O', 'exit', ssh.destination];
			if (existsSync(socket)) await succeeds(args, env, END_TIMEOUT_MS);
			await rm(folder, { recursive: true, force: true }).catch(() => undefined);
			folder = null;
		},
	};
}

interface Master {
	readonly ssh: SshDestination;
	/** The options of `NIX_SSHOPTS`. */
	readonly given: readonly string[];
	readonly env: Environment;
	/** For the socket, and for files that ssh reads. */
	readonly folder: string;
	readonly signal: AbortSignal;
}

/** The path of the socket when the connection is there, which a process holds that is nobody's child; `null` when it can't be had. May throw. */
async function openMaster({ ssh, given, env, folder, signal }: Master): Promise<string | null> {
	const args = [...given, ...ssh.options];
	if (ssh.hostKey !== null) {
		const knownHosts = join(folder, 'known_hosts');
		await writeFile(knownHosts, `${ssh.hostKey.host} ${ssh.hostKey.key}\n`, { mode: 0o600 });
		args.push(`-oUserKnownHostsFile=${knownHosts}`);
	}
	if (await isSharedByUser([...args, ssh.destination], env, signal)) return null;
	const socket = join(folder, SOCKET);
	const master = [...MASTER, `-oControlPath=${socket}`, ...args, ssh.destination];
	return (await succeeds(master, env, BEGIN_TIMEOUT_MS, signal)) && existsSync(socket) ? socket : null;
}

const SOCKET = 's';
/** Addresses of sockets have 104 bytes on macOS with the zero at their end. ssh makes the socket under a name that is longer by 17, and then renames it. */
const SOCKET_LIMIT_BYTES = 104 - 1 - 17;

/** Whether ssh can have a socket in a new folder there: its path is short enough, and has nothing that ssh or Nix takes for more than itself. */
export function hasRoomForSocket(parent: string): boolean {
	const socket = join(parent, 'ssh-123456', SOCKET);
	return Buffer.byteLength(socket) <= SOCKET_LIMIT_BYTES && /^[\w.+/-]+$/.test(socket);
}

/** Not when they say already how connections are shared, nor with quotes: those mean something to new versions of Nix alone. */
function isPlain(option: string): boolean {
	return !/['"\\]/.test(option) && !/^(?:-[MOS]|(?:-o)?(?i:control))/.test(option);
}

/** Whether the user's configuration shares connections to that host: then that may be the only way in, and is left as it is. */
async function isSharedByUser(args: readonly string[], env: Environment, signal: AbortSignal): Promise<boolean> {
	const { stdout } = await promisify(execFile)('ssh', ['-G', ...args], { env, signal, timeout: BEGIN_TIMEOUT_MS });
	return /^controlpath (?!none$)/m.test(stdout) || /^controlmaster (?!false$|no$)/m.test(stdout);
}

/** Its output is of no interest: what can't connect here, Nix's own ssh says. */
function succeeds(args: readonly string[], env: Environment, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
	return new Promise((resolve) => {
		const child = spawn('ssh', args, {
			env,
			stdio: 'ignore',
			timeout: timeoutMs,
			killSignal: 'SIGKILL',
			...(signal && { signal }),
		});
		child.once('error', () => undefined);
		child.once('close', (code) => resolve(code === 0));
	});
}
