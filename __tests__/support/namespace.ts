/**
 * A mount namespace with a writable copy of a root file system: overlayfs over the shared read-only root, entered with pivot_root
 * and not chroot, because Nix goes back to "the" root of its mount namespace for some of its children.
 *
 * A holder process keeps the namespace alive. Commands enter it through a chain of programs that each `exec` the next, so the
 * process that the test started is the program itself, and a signal reaches exactly that.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import {
	chmodSync,
	closeSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eventually } from './child.ts';

/** A file or folder of the host that is seen inside at `inside`. */
export interface Mount {
	readonly outside: string;
	readonly inside: string;
	readonly readOnly?: boolean;
	readonly file?: boolean;
}

export interface Namespace {
	/** The temporary folder of this namespace, outside; removed by dispose. */
	readonly folder: string;
	/** The merged root, seen from outside. Absolute symbolic links under it lead to the host's files: read them with care. */
	readonly root: string;
	/** Starts a program inside, as root or as a user of the machine. Its pid is the program's. `env` is all of its environment. */
	readonly spawn: (argv: readonly string[], options: InsideOptions) => ChildProcess;
	/** Whether a process is inside. */
	readonly has: (pid: number) => boolean;
	/** Every process inside, but not the holder. */
	readonly processes: () => readonly number[];
	readonly dispose: () => Promise<void>;
}

export interface InsideOptions {
	readonly env: Readonly<Record<string, string>>;
	readonly cwd: string;
	readonly user?: string;
	readonly stdio?: SpawnOptions['stdio'];
}

/** The name of a machine's folder says which test process owns it: pid and start time. */
const PREFIX = 'nix-cache-action-machine-';
const OWNER = new RegExp(`^${PREFIX}(\\d+)-(\\d+)-`);
const MARKER = '.machine';

/**
 * Makes a namespace over `lower`. `files` are written before anything runs inside: path inside to content and mode.
 * `mounts` may refer to folders under the namespace's own folder, which `mounts` gets as its argument.
 */
export async function createNamespace(
	lower: string,
	mounts: (folder: string) => readonly Mount[],
	files: Readonly<Record<string, { readonly text: string; readonly mode?: number }>>,
): Promise<Namespace> {
	sweepOnce();
	const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-${startTime(process.pid)}-`));
	const id = folder.slice(folder.lastIndexOf('/') + 1);
	const upper = join(folder, 'upper');
	for (const name of ['upper', 'memory', 'root']) makeFolder(join(folder, name));
	const all: readonly Mount[] = [{ outside: '/proc', inside: '/proc' }, { outside: '/dev', inside: '/dev' }, ...mounts(folder)];
	for (const { outside, inside, file } of all) {
		makeFolders(upper, file ? dirname(inside) : inside);
		if (file) writeFileSync(join(upper, inside), '');
		else if (!existsSync(outside)) makeFolder(outside);
	}
	for (const [path, { text, mode }] of Object.entries({ ...files, [`/${MARKER}`]: { text: id, mode: 0o644 } })) {
		makeFolders(upper, dirname(path));
		writeFileSync(join(upper, path), text);
		chmodSync(join(upper, path), mode ?? 0o644);
	}

	const holder = await startHolder(folder, lower, all);
	const pid = holder.pid ?? 0;
	const processes = (): readonly number[] => processesWith(id).filter((other) => other !== pid);
	return {
		folder,
		root: `/proc/${pid}/root`,
		spawn: (argv, options) => spawnInside(pid, argv, options),
		has: (other) => markerOf(other) === id,
		processes,
		async dispose() {
			await killAll(processes);
			holder.kill('SIGKILL');
			await eventually('the end of the namespace', () => processesWith(id).length === 0);
			rmSync(folder, { recursive: true, force: true });
		},
	};
}

/** Folders in the upper layer hide the modes of those below, so they must be what a system has. */
function makeFolders(upper: string, path: string): void {
	const parts = path.split('/').filter((part) => part !== '');
	for (let depth = 1; depth <= parts.length; depth++) {
		const folder = join(upper, ...parts.slice(0, depth));
		if (existsSync(folder)) continue;
		makeFolder(folder, depth === 1 && parts[0] === 'tmp' ? 0o1777 : 0o755);
	}
}

/** Whatever the umask of this process says. */
function makeFolder(path: string, mode = 0o755): void {
	mkdirSync(path);
	chmodSync(path, mode);
}

/** Arguments: folder, lower, then for each mount: outside, inside, `ro` or `rw`. */
const SETUP = `
set -eu
folder=$1 lower=$2; shift 2
layer() { mkdir -p "$1/work"; mount -t overlay overlay -o "lowerdir=$lower,upperdir=$1/upper,workdir=$1/work" "$folder/root"; }
if ! layer "$folder" 2>/dev/null; then # the temporary folder is itself on an overlay, which can't be an upper layer
	mount -t tmpfs tmpfs "$folder/memory"
	cp -a "$folder/upper" "$folder/memory/upper"
	layer "$folder/memory"
fi
while [ $# -gt 0 ]; do
	mount --rbind "$1" "$folder/root$2"
	[ "$3" = rw ] || mount -o remount,bind,ro "$folder/root$2"
	shift 3
done
mkdir "$folder/root/.host"
cd "$folder/root"
pivot_root . .host
umount -l /.host
rmdir /.host
echo ready
exec cat >/dev/null
`;

/** The holder ends when we do, because its standard input ends. */
async function startHolder(folder: string, lower: string, mounts: readonly Mount[]): Promise<ChildProcess> {
	const args = mounts.flatMap(({ outside, inside, readOnly }) => [outside, inside, readOnly ? 'ro' : 'rw']);
	const holder = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', SETUP, 'sh', folder, lower, ...args], {
		stdio: ['pipe', 'pipe', 'pipe'],
		env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
	});
	let stderr = '';
	holder.stderr.on('data', (chunk: Buffer) => {
		stderr += chunk.toString();
	});
	await new Promise<void>((resolve, reject) => {
		holder.stdout.once('data', () => resolve());
		holder.once('error', reject);
		holder.once('exit', (code) => reject(new Error(`the mount namespace could not be made (status ${code}):\n${stderr}`)));
	});
	return holder;
}

function spawnInside(holder: number, argv: readonly string[], { env, cwd, user, stdio }: InsideOptions): ChildProcess {
	const become =
		user === undefined || user === 'root' ? [] : ['/usr/bin/setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups'];
	const chain = [`--mount=/proc/${holder}/ns/mnt`, '--', ...become, '/usr/bin/env', `--chdir=${cwd}`, ...argv];
	return spawn('/usr/bin/nsenter', chain, { env: { ...env }, stdio: stdio ?? ['pipe', 'pipe', 'pipe'] });
}

/** The processes whose root folder has the marker with this id, also those in a namespace that was made further inside. */
function processesWith(id: string): readonly number[] {
	return readdirSync('/proc').flatMap((name) => {
		if (!/^\d+$/.test(name)) return [];
		return markerOf(Number(name)) === id ? [Number(name)] : [];
	});
}

function markerOf(pid: number): string | null {
	try {
		const file = openSync(`/proc/${pid}/root/${MARKER}`, 'r');
		try {
			return readFileSync(file, 'utf8');
		} finally {
			closeSync(file);
		}
	} catch {
		return null; // ended meanwhile, or elsewhere
	}
}

/** Kills until nothing is left, since a process may start another between the look and the kill. */
async function killAll(processes: () => readonly number[]): Promise<void> {
	await eventually('the end of every process in the machine', () => {
		const alive = processes();
		kill(alive);
		return alive.length === 0;
	});
}

function kill(pids: readonly number[]): void {
	for (const pid of pids) {
		try {
			process.kill(pid, 'SIGKILL');
		} catch {
			// ended by itself
		}
	}
}

/** When a process started, in clock ticks since boot (proc_pid_stat(5), field 22), or null. Tells apart equal pids. */
function startTime(pid: number): string | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
	} catch {
		return null;
	}
}

let swept = false;

/** Once a process: ends what is left of machines whose test process was killed. */
function sweepOnce(): void {
	if (swept) return;
	swept = true;
	for (const name of readdirSync(tmpdir())) {
		const [, pid, started] = OWNER.exec(name) ?? [];
		if (pid === undefined || startTime(Number(pid)) === started) continue;
		kill(processesWith(name));
		rmSync(join(tmpdir(), name), { recursive: true, force: true });
	}
}
