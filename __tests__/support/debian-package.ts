/**
 * A program of a Debian suite that is newer than this machine: fetched with apt, which checks Debian's signatures, with all that it needs, and unpacked into
 * a cache folder. It runs there with its own loader and libraries, beside those of the machine. Needs `apt-get`, `dpkg-deb`, Debian's keyring, and no root.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findRoot } from '../../scripts/roots.ts';
import { debianMirror } from '../../scripts/system/apt-sources.ts';
import { finished, stdoutOf } from './child.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const FETCH_MS = 300_000;

export interface UnpackedPackage {
	/** Of its programs: what to run them with, in front of their own arguments. */
	argv(program: string): readonly [string, ...string[]];
	/** Below which its libraries lie. */
	readonly libraries: string;
	/** All that was unpacked. */
	readonly folder: string;
}

/** The package with everything that it depends on. The first call on a machine takes a minute. */
export async function debianPackage(name: string, suite: string): Promise<UnpackedPackage> {
	const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'nix-cache-action-tests');
	const kept = join(folder, `${suite}-${name}`);
	if (!existsSync(kept)) await fetchPackage(name, suite, folder, kept);
	const triplet = readdirSync(join(kept, 'usr/lib')).find((entry) => /-linux-gnu$/.test(entry)) ?? '';
	const libraries = join(kept, 'usr/lib', triplet);
	const loader = readdirSync(libraries).find((entry) => /^ld-linux-.*\.so\.\d+$/.test(entry));
	if (loader === undefined) throw new Error(`no loader in ${libraries}`);
	return {
		libraries,
		folder: kept,
		argv: (program) => [
			join(libraries, loader),
			'--library-path',
			`${libraries}:${join(libraries, 'ceph')}`,
			join(kept, 'usr/bin', program),
		],
	};
}

/** That of this machine; on one that is not Debian, that of the root file systems. */
function mirrorOf(suite: string): string {
	const made = (): string | null =>
		debianMirror({ id: 'debian', name: 'Debian', codename: 'sid' }, join(findRoot('2.34').directory, 'etc', 'apt'));
	const mirror = debianMirror() ?? made();
	if (mirror === null) throw new Error(`there is no mirror of Debian ${suite} in /etc/apt: add one to its sources`);
	return mirror;
}

async function fetchPackage(name: string, suite: string, folder: string, kept: string): Promise<void> {
	if (!existsSync(KEYRING)) {
		throw new Error(
			`${name} of Debian ${suite} can't be fetched: ${KEYRING} is missing (apt-get install debian-archive-keyring)`,
		);
	}
	mkdirSync(folder, { recursive: true });
	const work = mkdtempSync(join(folder, 'fetching-'));
	try {
		const sources = join(work, 'sources.list');
		writeFileSync(sources, `deb [signed-by=${KEYRING}] ${mirrorOf(suite)} ${suite} main\n`);
		for (const part of ['lists/partial', 'archives/partial', 'unpacked']) mkdirSync(join(work, part), { recursive: true });
		const options = [
			`Dir::State=${work}`,
			`Dir::State::Lists=${join(work, 'lists')}`,
			// As on a machine where nothing is installed.
			'Dir::State::status=/dev/null',
			`Dir::Cache=${work}`,
			`Dir::Cache::archives=${join(work, 'archives')}`,
			`Dir::Etc::SourceList=${sources}`,
			'Dir::Etc::SourceParts=/nonexistent',
			// The development suite's release file is often a few hours older than its validity when a mirror is behind.
			'Acquire::Check-Valid-Until=false',
			'Acquire::Languages=none',
			'APT::Sandbox::User=root',
			'Debug::NoLocking=1',
		].flatMap((option) => ['-o', option]);
		await run('apt-get', [...options, 'update'], work);
		await run('apt-get', [...options, 'install', '-y', '--no-install-recommends', '--download-only', name], work);
		for (const file of readdirSync(join(work, 'archives')).filter((entry) => entry.endsWith('.deb'))) {
			// Since Debian 13 every package has its files in /usr; what else there is (devices, links of the base system) is not wanted.
			const unpack = `dpkg-deb --fsys-tarfile "$1" | tar -x -C unpacked --no-same-owner --wildcards './usr/bin/*' './usr/lib/*'`;
			await run('sh', ['-c', `${unpack} || true`, 'sh', join('archives', file)], work);
		}
		// Another process may have been faster.
		if (!existsSync(kept)) renameSync(join(work, 'unpacked'), kept);
	} finally {
		rmSync(work, { recursive: true, force: true });
	}
}

async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
	const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
	stdoutOf(`${program} ${args.at(-1)}`, await finished(child, program, FETCH_MS));
}
