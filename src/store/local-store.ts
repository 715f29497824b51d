import { access, constants } from 'node:fs/promises';
import type { Log } from '../log.ts';
import type { PathInfo } from '../nix/path-info.ts';
import type { NixAbout } from './nix-about.ts';
import { type Environment, findNix, type NixCommand, nixCommand } from './nix-command.ts';
import { type Closure, queryClosure, queryPathInfos } from './path-info.ts';
import { type EffectiveSettings, querySettings } from './settings.ts';
import { listStorePathNames } from './snapshot.ts';
import { locateStore, type StoreLocation, type StoreProbe } from './store-location.ts';
import { findTrust, type Trust } from './trust.ts';

/** What a later phase needs to open the same store again without asking Nix. JSON-serializable. */
export interface LocalStoreDescription extends StoreLocation {
	readonly program: string;
	readonly about: NixAbout;
	readonly trust: Trust;
}

/** The Nix store of this machine. */
export interface LocalStore {
	readonly description: LocalStoreDescription;
	readonly nix: NixCommand;
	/** The store directory in store paths. */
	readonly storeDir: string;
	/** The folder that holds the files. */
	readonly realStoreDir: string;
	readonly trust: Trust;
	/** Where the file system has a store path. */
	realPath(storePath: string): string;
	/** Names in the store directory that may be those of valid paths. No process. Throws `store-unreadable`. */
	names(): Promise<readonly string[]>;
	/** One entry for each of `paths` (full paths); `null` when it is not valid. */
	infos(paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, PathInfo | null>>;
	/** The valid ones of `paths` (full paths) and everything that they refer to. */
	closure(paths: readonly string[], signal: AbortSignal): Promise<Closure>;
	/** What Nix is set to for this user. Asked once. */
	settings(signal: AbortSignal): Promise<EffectiveSettings>;
}

/**
 * Finds Nix and its store: two or three short processes, 20 to 35 ms each. `null` when there is no Nix. Throws `nix-failed`, `store-unreadable`.
 */
export async function openLocalStore(options: {
	readonly env: Environment;
	readonly log: Log;
	readonly signal: AbortSignal;
}): Promise<LocalStore | null> {
	const { env, signal } = options;
	const nix = await findNix(options);
	if (nix === null) return null;
	const settings = await querySettings(nix, signal);
	const location = locateStore(settings.store, nix.about, await probeStore(nix.about, env), env);
	const trust = location.access === 'direct' ? 'direct' : await findTrust(nix, settings, signal);
	return reopenLocalStore({ ...location, program: nix.program, about: nix.about, trust }, env, settings);
}

/** Opens a store that an earlier phase described. Starts no process. */
export function reopenLocalStore(
	description: LocalStoreDescription,
	env: Environment,
	known: EffectiveSettings | null = null,
): LocalStore {
	const { storeDir, realStoreDir } = description;
	const nix = nixCommand(description.program, description.about, env);
	let settings = known === null ? null : Promise.resolve(known);
	return {
		description,
		nix,
		storeDir,
		realStoreDir,
		trust: description.trust,
		realPath: (storePath) => `${realStoreDir}${storePath.slice(storeDir.length)}`,
		names: () => listStorePathNames(realStoreDir),
		infos: (paths, signal) => queryPathInfos(nix, storeDir, paths, signal),
		closure: (paths, signal) => queryClosure(nix, storeDir, paths, signal),
		settings(signal) {
			settings ??= querySettings(nix, signal);
			// Whoever asks next tries again.
			settings.catch(() => {
				settings = null;
			});
			return settings;
		},
	};
}

async function probeStore(about: NixAbout, env: Environment): Promise<StoreProbe> {
	const can = (file: string, mode: number): Promise<boolean> =>
		access(file, mode).then(
			() => true,
			() => false,
		);
	const socket = env.NIX_DAEMON_SOCKET_PATH ?? `${about.stateDir}/daemon-socket/socket`;
	const [stateDirExists, stateDirWritable, daemonSocketExists] = await Promise.all([
		can(about.stateDir, constants.F_OK),
		can(about.stateDir, constants.R_OK | constants.W_OK),
		can(socket, constants.F_OK),
	]);
	return { stateDirExists, stateDirWritable, daemonSocketExists, isRoot: process.getuid?.() === 0 };
}
