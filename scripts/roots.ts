/**
 * The root file systems that the end-to-end tests and the demo run in: small Debian systems, one for each Nix version that we
 * promise to work with. Made once with debootstrap, kept in a cache folder, and only ever used as the read-only lower layer of
 * a Machine (`__tests__/support/machine.ts`).
 *
 * `node scripts/run.mjs roots [2.8] [2.26] [2.34]` makes those that are missing and prints where they are.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianMirror, hostRelease, withoutCredentials } from './system/apt-sources.ts';
import { needRootOnLinux } from './system/privilege.ts';

/** The Nix versions under test, named by major and minor number; the last one moves with Debian's development suite. */
export const NIX_VERSIONS = ['2.8', '2.26', '2.34'] as const;
export type NixVersion = (typeof NIX_VERSIONS)[number];

/** A finished root file system. `nixVersion` is what `nix --version` said when it was made, such as `2.26.3`. */
export interface Root {
	readonly nix: NixVersion;
	readonly suite: string;
	readonly directory: string;
	readonly nixVersion: string;
}

interface Recipe {
	readonly suite: string;
	readonly packages: readonly string[];
}

const COMMON_PACKAGES = ['nix-bin', 'sudo', 'ca-certificates', 'procps', 'util-linux', 'openssh-client', 'openssh-server'];

const RECIPES: Readonly<Record<NixVersion, Recipe>> = {
	// The web server of the tests lives in the oldest root, so that its version never moves.
	'2.8': { suite: 'bookworm', packages: [...COMMON_PACKAGES, 'nginx', 'openssl'] },
	'2.26': { suite: 'trixie', packages: COMMON_PACKAGES },
	'2.34': { suite: 'sid', packages: COMMON_PACKAGES },
};

/** Where roots are kept: `NIX_CACHE_ACTION_ROOTS`, else a folder of the system's cache. */
export function rootsFolder(): string {
	return process.env.NIX_CACHE_ACTION_ROOTS || '/var/cache/nix-cache-action/roots';
}

/** The finished root with this Nix. Throws, and says which command makes it, when it is not there. */
export function findRoot(nix: NixVersion): Root {
	const root = finishedRoot(nix);
	if (root === null) {
		throw new Error(`there is no root file system with Nix ${nix} in ${rootsFolder()}: run \`node scripts/run.mjs roots\``);
	}
	return root;
}

/** Makes the roots that are missing, at the same time, and returns all that were asked for. Tells `say` what it does. */
export async function ensureRoots(wanted: readonly NixVersion[], say: (line: string) => void): Promise<readonly Root[]> {
	needRootOnLinux('the tests with real Nix');
	// Asked for twice, a root would be made twice, in one folder.
	const missing = [...new Set(wanted)].filter((nix) => finishedRoot(nix) === null);
	if (missing.length > 0) {
		const suites = missing.map((nix) => `${RECIPES[nix].suite} with Nix ${nix}`).join(', ');
		say(`Making root file systems in ${rootsFolder()}: Debian ${suites}.`);
		say(`Each fetches about 70 MB of packages and takes 200 MB of disk; this happens once and takes a minute or two.`);
		const mirror = debianMirror();
		await using _lock = await takeLock(join(rootsFolder(), 'lock'), say);
		installDebootstrap(say);
		const made = await Promise.allSettled(missing.map((nix) => makeRoot(nix, mirror, say)));
		for (const result of made) if (result.status === 'rejected') throw result.reason;
	}
	return wanted.map(findRoot);
}

/** The root with this Nix if its stamp says that it is whole and was made by the recipe of today. */
function finishedRoot(nix: NixVersion): Root | null {
	const { suite } = RECIPES[nix];
	const directory = join(rootsFolder(), suite);
	const stamp = readStamp(`${directory}.stamp`);
	if (stamp === null || stamp.recipe !== recipeId(nix) || !existsSync(directory)) return null;
	return { nix, suite, directory, nixVersion: stamp.nixVersion };
}

function readStamp(file: string): { recipe: string; nixVersion: string } | null {
	if (!existsSync(file)) return null;
	const [recipe = '', nixVersion = ''] = readFileSync(file, 'utf8').split('\n');
	return { recipe, nixVersion };
}

function recipeId(nix: NixVersion): string {
	return createHash('sha256')
		.update(JSON.stringify([RECIPES[nix], process.arch]))
		.digest('hex')
		.slice(0, 16);
}

async function makeRoot(nix: NixVersion, mirror: string | null, say: (line: string) => void): Promise<void> {
	const { suite, packages } = RECIPES[nix];
	const directory = join(rootsFolder(), suite);
	if (finishedRoot(nix) !== null) return say(`${suite}: another process has made it.`);
	const partial = `${directory}.partial`;
	const log = `${directory}.log`;
	for (const old of [`${directory}.stamp`, partial, directory]) rmSync(old, { recursive: true, force: true });
	writeFileSync(log, '');

	const started = performance.now();
	say(`${suite}: debootstrap from ${mirror === null ? 'its default mirror' : withoutCredentials(mirror)}, log in ${log}`);
	// An older debootstrap has no script of the suite's own name; all newer suites share one.
	await run(['debootstrap', '--variant=minbase', suite, partial, mirror ?? '', 'sid'], log);
	await installInside(partial, packages, log);
	const nixVersion = await versionInside(partial, log);
	if (!isExpectedVersion(nix, nixVersion)) throw new Error(`Debian ${suite} should have Nix ${nix}, but it has ${nixVersion}`);
	renameSync(partial, directory);
	writeFileSync(`${directory}.stamp`, `${recipeId(nix)}\n${nixVersion}\n`);
	say(`${suite}: done, Nix ${nixVersion}, ${Math.round((performance.now() - started) / 1000)} s`);
}

/** The stable suites must have their version to the letter of the minor number; the development suite may only be newer. */
function isExpectedVersion(nix: NixVersion, actual: string): boolean {
	if (nix !== '2.34') return actual.startsWith(`${nix}.`);
	const [major = 0, minor = 0] = actual.split('.').map(Number);
	return major > 2 || (major === 2 && minor >= 34);
}

/** Installs packages in a root, with /proc and /dev and without starting any service. */
async function installInside(root: string, packages: readonly string[], log: string): Promise<void> {
	writeFileSync(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n');
	chmodSync(join(root, 'usr/sbin/policy-rc.d'), 0o755);
	const hostCertificates = '/etc/ssl/certs/ca-certificates.crt';
	mkdirSync(join(root, 'run/host'), { recursive: true });
	if (existsSync(hostCertificates)) copyFileSync(hostCertificates, join(root, 'run/host/ca.crt'));
	// The development suite's release file is often a few hours older than its validity when a mirror is behind.
	const options = '-o Acquire::Check-Valid-Until=false -o Acquire::https::CAInfo=/run/host/ca.crt -o Dpkg::Use-Pty=0';
	const script = [
		'set -e',
		`apt-get ${options} update`,
		`apt-get ${options} install -y --no-install-recommends ${packages.join(' ')}`,
		'apt-get clean',
		'rm -rf /var/lib/apt/lists/* /run/host /usr/share/doc /usr/share/man /usr/share/locale',
	];
	await run(inside(root, script.join('\n')), log);
}

async function versionInside(root: string, log: string): Promise<string> {
	const output = await run(inside(root, 'nix --version'), log);
	return /\(Nix\) (\d+\.\d+(\.\d+)?)/.exec(output)?.[1] ?? `unknown (${output.trim()})`;
}

/** The argument list that runs a shell script in a root. Its mounts are in a namespace of its own and vanish with it. */
function inside(root: string, script: string): string[] {
	const outer = [
		'set -e',
		'mount -t proc proc "$1/proc"',
		'mount --rbind /dev "$1/dev"',
		'exec chroot "$1" /bin/sh -c "$2"',
	].join('\n');
	return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', outer, 'sh', root, script];
}

function installDebootstrap(say: (line: string) => void): void {
	const missing = existsSync('/usr/sbin/debootstrap') ? [] : ['debootstrap'];
	const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
	if (!existsSync(keyring)) missing.push('debian-archive-keyring');
	if (missing.length === 0) return;
	if (!existsSync('/usr/bin/apt-get'))
		throw new Error(`${missing.join(' and ')} must be installed, and this system has no apt-get`);
	say(`Installing ${missing.join(' and ')} on this machine (apt-get, under 1 MB).`);
	for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...missing]]) {
		const { status } = spawnSync('apt-get', args, {
			stdio: ['ignore', 'ignore', 'inherit'],
			env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
		});
		if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed with status ${status} on ${hostRelease().name}`);
	}
}

/**
 * An exclusive lock on a file, held by flock(1) until disposed. The kernel gives it free when the holder dies, and the holder
 * dies with us because its standard input ends.
 */
async function takeLock(file: string, say: (line: string) => void): Promise<AsyncDisposable> {
	mkdirSync(rootsFolder(), { recursive: true });
	const waiting = setTimeout(() => say(`Waiting for another process that makes root file systems (${file}).`), 1000);
	const holder = spawn('flock', [file, 'sh', '-c', 'echo locked; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
	const ended = new Promise<void>((resolve, reject) => {
		holder.once('error', reject);
		holder.once('exit', () => resolve());
	});
	await Promise.race([
		new Promise<void>((resolve) => holder.stdout.once('data', () => resolve())),
		ended.then(() => Promise.reject(new Error(`flock could not lock ${file}`))),
	]);
	clearTimeout(waiting);
	return {
		[Symbol.asyncDispose]: () => {
			holder.stdin.end();
			return ended;
		},
	};
}

/** Runs a program, adds what it prints to a log file, and returns that. A failure shows the last lines. */
async function run(argv: readonly string[], log: string): Promise<string> {
	const [program = '', ...args] = argv;
	const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: installationEnv() });
	let output = '';
	const keep = (chunk: Buffer): void => {
		output += chunk.toString();
		writeFileSync(log, chunk, { flag: 'a' });
	};
	child.stdout.on('data', keep);
	child.stderr.on('data', keep);
	const status = await new Promise<number | null>((resolve, reject) => {
		child.once('error', reject);
		child.once('close', resolve);
	});
	if (status === 0) return output;
	const tail = output.trimEnd().split('\n').slice(-15).join('\n');
	throw new Error(`${program} failed with status ${status}; the whole log is ${log}, its end:\n${tail}`);
}

/** Nothing of the host's environment but its proxies goes into the installation. */
function installationEnv(): NodeJS.ProcessEnv {
	const { http_proxy, https_proxy, no_proxy } = process.env;
	return {
		PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
		HOME: '/root',
		LC_ALL: 'C.UTF-8',
		DEBIAN_FRONTEND: 'noninteractive',
		...(http_proxy ? { http_proxy } : {}),
		...(https_proxy ? { https_proxy } : {}),
		...(no_proxy ? { no_proxy } : {}),
	};
}

/** The roots that someone typed, or all. */
function parseVersions(args: readonly string[]): readonly NixVersion[] {
	const wanted = NIX_VERSIONS.filter((nix) => args.includes(nix));
	const unknown = args.filter((arg) => !NIX_VERSIONS.some((nix) => nix === arg));
	if (unknown.length > 0) throw new Error(`unknown Nix version ${unknown.join(', ')}; there are ${NIX_VERSIONS.join(', ')}`);
	return wanted.length > 0 ? wanted : NIX_VERSIONS;
}

if (import.meta.main) {
	try {
		const roots = await ensureRoots(parseVersions(process.argv.slice(2)), (line) => console.error(line));
		for (const root of roots) console.log(`${root.directory}\tDebian ${root.suite}\tNix ${root.nixVersion}`);
	} catch (error) {
		console.error(error instanceof Error ? error.message : error);
		process.exitCode = 1;
	}
}
