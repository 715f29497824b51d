import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { constants, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify, stripVTControlCharacters } from 'node:util';
import { CacheError } from '../errors.ts';
import type { Log } from '../log.ts';
import { userName } from '../setup/configure-nix.ts';
import type { Caller } from '../setup/run-as-root.ts';
import { systemClock, throwIfAborted } from '../waiting/cancel.ts';
import { canAccess } from './machine.ts';
import { installError, PROFILE } from './put-in-place.ts';

const DOING = "Nix's own installer";
const SOCKET = '/nix/var/nix/daemon-socket/socket';
const SETTINGS = '/etc/nix/nix.conf';
const DAEMON_PATIENCE_MS = 30_000;
const RETRY_MS = 100;
/** What the script may take to remove its scratch folder after SIGTERM. */
const GRACE_MS = 3_000;
/** How many users for builds the installer makes by itself. Each takes macOS about a second. */
const USUAL_BUILD_USERS = 32;
const KEPT_LINES = 40;
const TOLD_LINES = 6;

/** How every failure of the script begins and ends, whatever it is (`failure` and `finish_fail` in NixOS/nix, scripts/install-multi-user.sh). */
const SAID_BY_EVERY_FAILURE =
	/^(?:---- oh no! -|(?:Oh no|Jeeze), something went wrong|an issue, we'd love to fix|:\($|We'd love to help|(?:If you can|You can), open|You can open an issue|https:\/\/github\.com\/nixos\/nix\/issues|Or (?:get in touch|feel free))/i;

const HINT =
	'Its whole output is in the log of this step. On a machine that is kept, undo what it had begun before the next try: https://nix.dev/manual/nix/stable/installation/uninstall';

/**
 * Installs Nix by the multi-user installer that is in its own release tarball: on macOS it makes the volume, the users and the daemon. It is run by this
 * user, as its authors mean it to be, and calls `sudo` itself. `folder` is where the tarball is unpacked for that time; `daemonPatienceMs` is how long the daemon
 * may take to answer after it.
 *
 * @throws CacheError `install-failed`, `disk-full`, `cancelled`, `deadline`
 */
export async function installByItsOwnInstaller(
	tarball: string,
	folder: string,
	log: Log,
	caller: Caller,
	daemonPatienceMs = DAEMON_PATIENCE_MS,
): Promise<void> {
	const place = await mkdtemp(join(folder, 'installer-'));
	try {
		await unpack(tarball, place, caller);
		const settings = join(place, 'settings-of-this-job.conf');
		await writeFile(settings, await settingsToInstall(), { mode: 0o600 });
		await run(join(place, 'install'), argumentsWith(settings), log, caller);
		await untilDaemonAnswers(daemonPatienceMs, caller.signal);
	} finally {
		await rm(place, { recursive: true, force: true });
	}
}

/** Unpacks the tarball `$1` to the folder `$2`; the first lines of what `tar` says, when it fails, are its reason, the last one is not. */
const UNPACK = `said=$(tar -xJof "$1" -C "$2" --strip-components 1 2>&1) || {
	printf '%s' "$said" | head -n 3 | tr '\\n' ' ' >&2
	exit 1
}`;

async function unpack(tarball: string, place: string, { env, signal }: Caller): Promise<void> {
	const { PATH = '', HOME = '' } = env;
	try {
		await promisify(execFile)('sh', ['-c', UNPACK, 'sh', tarball, place], { env: { PATH, HOME }, signal });
	} catch (error) {
		throwIfAborted(signal, DOING);
		throw installError(error);
	}
	for (const name of ['install', 'install-multi-user', '.reginfo']) {
		const isThere = await canAccess(join(place, name), constants.R_OK);
		if (!isThere) throw new CacheError('install-failed', 'The tarball is not that of a Nix release.');
	}
}

/** The installer writes the file anew, with what it is given at its beginning: so what was there is given as well. */
async function settingsToInstall(): Promise<string> {
	const there = await readFile(SETTINGS, 'utf8').catch(() => '');
	const lines = there.split('\n').filter((line) => line !== '');
	const isSet = lines.some((line) => /^\s*trusted-users\s*=/.test(line));
	// Who may become root at any time is as trusted as root.
	return [...lines, ...(isSet ? [] : [`trusted-users = root ${userName()}`]), ''].join('\n');
}

/**
 * What every installer since Nix 2.4 takes (NixOS/nix, scripts/install-nix-from-tarball.sh): an unknown one would print the usage and end with status 0.
 * So `--yes` is not among them, which came later (NixOS/nix#7218); without a terminal it asks nothing in any version. `--no-modify-profile`
 * does nothing for this kind of installation yet (NixOS/nix#4457). The flag for a volume without encryption is not needed since 2.4.
 */
function argumentsWith(settings: string): readonly string[] {
	const users = Math.min(USUAL_BUILD_USERS, 2 * availableParallelism());
	const count = ['--daemon-user-count', String(users)];
	return ['--daemon', '--no-channel-add', '--no-modify-profile', ...count, '--nix-extra-conf-file', settings];
}

async function run(script: string, args: readonly string[], log: Log, { env, signal }: Caller): Promise<void> {
	const { PATH = '', HOME = '', TMPDIR } = env;
	const user = userName();
	const lines: string[] = [];
	const status = await runToItsEnd(
		// One pipe for both, so that the order of the lines is kept.
		['/bin/sh', '-c', 'exec /bin/sh "$0" "$@" 2>&1', script, ...args],
		{ PATH, HOME, USER: user, LOGNAME: user, ...(TMPDIR === undefined ? {} : { TMPDIR }) },
		signal,
		(line) => {
			const text = stripVTControlCharacters(line).trimEnd();
			if (text.trim() === '') return;
			log.info(text);
			lines.push(text.slice(0, 300));
			if (lines.length > KEPT_LINES) lines.shift();
		},
	);
	throwIfAborted(signal, DOING);
	if (status === 0 && (await canAccess(join(PROFILE, 'bin/nix'), constants.X_OK))) return;
	const told = lines.filter((line) => !SAID_BY_EVERY_FAILURE.test(line)).slice(-TOLD_LINES);
	const how = status === 0 ? 'ended, but there is no Nix' : `failed (${status === null ? 'killed' : `status ${status}`})`;
	const said = told.length === 0 ? 'it said nothing' : `the last that it said:\n${told.join('\n')}`;
	throw new CacheError(isFull(told) ? 'disk-full' : 'install-failed', `${DOING} ${how}; ${said}\n`, { hint: HINT });
}

function isFull(lines: readonly string[]): boolean {
	return lines.some((line) => line.includes('No space left on device'));
}

/** The status; `null` when a signal ended it. When `signal` aborts, all that it has started ends too, but for what runs as root, which its `sudo` may let finish. */
async function runToItsEnd(
	[program = '', ...args]: readonly string[],
	env: NodeJS.ProcessEnv,
	signal: AbortSignal,
	onLine: (line: string) => void,
): Promise<number | null> {
	// A session of its own: no terminal, so that a `sudo` that wants a password after all fails and does not wait for it.
	const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
	createInterface({ input: child.stdout }).on('line', onLine);
	let last: NodeJS.Timeout | undefined;
	const stop = (): void => {
		killGroup(child, 'SIGTERM');
		last = setTimeout(() => {
			killGroup(child, 'SIGKILL');
			child.stdout.destroy();
		}, GRACE_MS);
	};
	signal.addEventListener('abort', stop, { once: true });
	if (signal.aborted) stop();
	try {
		return await new Promise((resolve, reject) => {
			child.once('error', (cause) => reject(new CacheError('install-failed', `${DOING} could not be run.`, { cause })));
			child.once('close', (status) => resolve(status));
		});
	} finally {
		signal.removeEventListener('abort', stop);
		clearTimeout(last);
	}
}

function killGroup({ pid }: ChildProcess, name: 'SIGTERM' | 'SIGKILL'): void {
	if (pid === undefined) return;
	try {
		process.kill(-pid, name);
	} catch {
		// It has ended meanwhile, or what is left of it runs as root.
	}
}

/** launchd starts the daemon while the installer ends. */
async function untilDaemonAnswers(patienceMs: number, signal: AbortSignal): Promise<void> {
	const deadline = systemClock.nowMs() + patienceMs;
	while (!(await answers())) {
		if (systemClock.nowMs() > deadline) {
			const message = `Nix is installed, but ${patienceMs / 1000} s later its daemon does not answer at ${SOCKET}.`;
			throw new CacheError('install-failed', message, {
				hint: '`sudo launchctl print system/org.nixos.nix-daemon` and `/var/log/nix-daemon.log` say why.',
			});
		}
		await systemClock.sleep(RETRY_MS, signal);
		throwIfAborted(signal, DOING);
	}
}

function answers(): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(SOCKET);
		const end = (is: boolean) => () => {
			socket.destroy();
			resolve(is);
		};
		socket
			.once('connect', end(true))
			.once('error', end(false))
			.setTimeout(RETRY_MS * 10, end(false));
	});
}
