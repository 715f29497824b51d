import { readdir, readFile, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemCode } from '../errors.ts';
import { createHttpClient } from '../http/client.ts';
import type { Log } from '../log.ts';
import { findNetrc } from '../nix/netrc.ts';
import type { NixSettings } from '../setup/configuration.ts';
import { userName } from '../setup/configure-nix.ts';
import { readNetrcFile } from '../setup/netrc-file.ts';
import { NIX_USER_CONF_FILES } from '../setup/user-file.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { Environment } from '../store/nix-command.ts';
import { type EffectiveSettings, querySettings } from '../store/settings.ts';
import { askSubstituter } from './asking.ts';
import type { Answer, ConfSource, Disk, Facts } from './facts.ts';
import { hasPlace } from './place.ts';

export interface Means {
	/** As it was opened; what Nix was told since is in `env`. */
	readonly store: LocalStore;
	/** Of the steps to come. */
	readonly env: Environment;
	readonly told: Facts['told'];
	/** In place of `told`, by whoever only asks; `null` in a job. */
	readonly wish: NixSettings | null;
	readonly keys: Facts['keys'];
	/** Store URLs that need no asking: they are this machine's own. */
	readonly ours: readonly string[];
	readonly log: Log;
	readonly signal: AbortSignal;
}

/** A cache that takes longer is not one to wait for at the start of a job. */
const PATIENCE_MS = 3_000;

/** Configuration of a use of this action: `…/nix-cache-action-<id>/nix.conf`, or `nix-cache-action-<id>.conf` beside the system's. */
const USE = /nix-cache-action-[0-9a-f]{12}(?:\/nix)?\.conf$/;

/** One process of Nix, and one request for each cache. Throws `nix-failed`, `cancelled`. */
export async function gatherFacts(means: Means): Promise<Facts> {
	const { store, env, told, wish, keys, signal } = means;
	const { version, systemConfFile } = store.nix.about;
	const wished = wish === null ? null : { wish, user: userName(), confFile: systemConfFile };
	const { NIX_USER_CONF_FILES: files } = env;
	const nix = files === undefined ? store.nix : store.nix.withEnvironment({ [NIX_USER_CONF_FILES]: files });
	const asked = querySettings(nix, signal);
	const reading = readSources(store, env);
	const [effective, answers, sources, disks] = await Promise.all([
		asked,
		Promise.all([asked, reading]).then(([settings, read]) => askAll(settings, read, means)),
		reading,
		lookAtDisks(store, env),
	]);
	return { nix: version, trust: store.trust, effective, told, wished, sources, keys, answers, disks };
}

async function askAll(
	settings: EffectiveSettings,
	sources: readonly ConfSource[],
	{ store, env, told, wish, ours, log, signal }: Means,
): Promise<readonly Answer[]> {
	const wished = (told?.wish ?? wish)?.substituters ?? [];
	// Other uses of the action in this job ask theirs, with credentials that Nix may not have before they are through.
	const theirs = [...sources.filter(({ name }) => USE.test(name)), ...(await readIncludes(store))]
		.map(({ text }) => text)
		.join(' ');
	const urls = [...new Set([...settings.substituters, ...(wish?.substituters ?? [])])].filter(
		(url) => /^https?:\/\//.test(url) && URL.canParse(url),
	);
	const asked = urls.filter((url) => !hasPlace(ours, url) && (hasPlace(wished, url) || !hasPlace(theirs.split(/\s+/), url)));
	if (asked.length === 0) return [];
	const { entries, problem } = await readNetrcFile(settings.netrcFile);
	const netrc = problem !== null && store.trust !== 'direct' ? null : entries;
	const limits = { connections: 4, attempts: 2, patienceMs: PATIENCE_MS, connectTimeoutMs: PATIENCE_MS };
	const client = createHttpClient({ env, log, ...limits });
	const limited = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
	const asking = { client, netrc, storeDir: store.storeDir, nowMs: Date.now, signal: limited };
	// Credentials that the daemon does not take from this user: setting it up has told so already.
	const withheld = told !== null && told.netrcFile === null ? told.wish.netrc : [];
	const isTold = (url: string): boolean => {
		const { hostname } = new URL(url);
		return findNetrc(withheld, hostname) !== null && findNetrc(entries, hostname) === null;
	};
	try {
		return await Promise.all(asked.map((url) => askSubstituter(url, isTold(url) ? { ...asking, netrc: null } : asking)));
	} finally {
		await client.close();
	}
}

/** `NIX_CONFIG` counts after all files, and of the files the first one (nix.conf(5)). */
async function readSources({ nix }: LocalStore, env: Environment): Promise<readonly ConfSource[]> {
	const files = env[NIX_USER_CONF_FILES]?.split(':') ?? nix.about.userConfFiles;
	const texts = await Promise.all(
		files.map(async (file) => ({ name: file, text: await readFile(file, 'utf8').catch(() => '') })),
	);
	return [{ name: 'The environment variable NIX_CONFIG', text: env.NIX_CONFIG ?? '' }, ...texts];
}

/** What uses of the action have the system's configuration include. */
async function readIncludes({ nix }: LocalStore): Promise<readonly ConfSource[]> {
	const folder = dirname(nix.about.systemConfFile);
	const names = (await readdir(folder).catch(() => [])).filter((name) => USE.test(name));
	return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(folder, name), 'utf8').catch(() => '') })));
}

async function lookAtDisks({ realStoreDir }: LocalStore, env: Environment): Promise<readonly Disk[]> {
	const folders = [
		{ holds: 'store', folder: realStoreDir },
		{ holds: 'temp', folder: env.RUNNER_TEMP ?? tmpdir() },
	] as const;
	const disks = await Promise.all(
		folders.map(async ({ holds, folder }) => {
			const found = await lookAtDisk(folder);
			return found === null ? [] : [{ holds, folder, ...found }];
		}),
	);
	return disks.flat();
}

/** Of a store that is not there yet the folder that will hold it counts. */
async function lookAtDisk(folder: string): Promise<Pick<Disk, 'device' | 'freeBytes'> | null> {
	try {
		const [{ bavail, bsize }, { dev }] = await Promise.all([statfs(folder), stat(folder)]);
		return { device: dev, freeBytes: bavail * bsize };
	} catch (error) {
		const isMissing = systemCode(error) === 'ENOENT' && dirname(folder) !== folder;
		return isMissing ? lookAtDisk(dirname(folder)) : null;
	}
}
