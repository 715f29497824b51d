import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CacheError, describeError, isCacheError, systemCode } from '../errors.ts';
import { formatSetting, parseNixConf } from '../nix/nix-conf.ts';
import { parseStorePath } from '../nix/store-path.ts';
import type { Configuration, NixSettings, SetupContext } from '../setup/configuration.ts';
import { settingsWithoutOurs, whyNothingNew } from '../setup/route.ts';
import { NIX_USER_CONF_FILES } from '../setup/user-file.ts';
import { holdPaths } from '../store/gc-roots.ts';
import type { LocalStore } from '../store/local-store.ts';
import { HOOK_NAME } from '../store/own-paths.ts';
import { querySettings } from '../store/settings.ts';
import { hookScript } from './script.ts';

/** The post-build hook of this job, and what Nix has to be told of it. */
export interface HookSettings {
	/** For `NixSettings.other`; empty when the job goes without a hook. */
	readonly settings: NixSettings['other'];
	/** What the hook appends to; `null` without a hook. */
	readonly journal: string | null;
	/** Its store path. A process that has it in its environment keeps it from collectors that don't see our root (docs/decisions/020-hook.md). */
	readonly script: string | null;
	/** Why there is no hook: it ends the sentence "Paths are not pushed while the job runs: ...". `null` when there is one. */
	readonly whyNot: string | null;
}

export interface HookOptions {
	readonly store: LocalStore;
	/** What an earlier phase told Nix. */
	readonly previous: Configuration | null;
	readonly context: SetupContext;
	/** Others build in this store, too (`push/attribution.ts`). */
	readonly isShared: boolean;
}

const SETTING = 'post-build-hook';
const JOURNAL = 'built';

/**
 * Puts the post-build hook into the store and gives the setting that has Nix run it. Some 100 ms, two or three short processes. What stands against it is told in
 * `whyNot`, failures included: the difference of the store finds all paths at the end of the job. Throws `cancelled`.
 */
export async function hookSettings(options: HookOptions): Promise<HookSettings> {
	const whyNot = await whyNoHook(options);
	if (whyNot !== null) return withoutHook(whyNot);
	try {
		return await install(options);
	} catch (error) {
		if (!isCacheError(error) || isCacheError(error, 'cancelled', 'internal')) throw error;
		return withoutHook(describeError(error));
	}
}

function withoutHook(whyNot: string): HookSettings {
	return { settings: [], journal: null, script: null, whyNot };
}

/** An untrusted user's settings don't reach the builds. The daemon's own configuration does, but then the builds of all its users have the hook. */
async function whyNoHook({ store, previous, context, isShared }: HookOptions): Promise<string | null> {
	if (setsHook(context.env.NIX_CONFIG)) {
		return `the environment variable NIX_CONFIG sets \`${SETTING}\`, which counts before all files. Move that to a nix.conf, and both hooks run.`;
	}
	if (store.trust !== 'untrusted') return null;
	const why = await whyNothingNew(store, previous, context);
	if (why !== null) return `the Nix daemon does not trust this user, and ${why}.`;
	return isShared ? 'the Nix daemon does not trust this user, and other users build with it, too.' : null;
}

function setsHook(variable = ''): boolean {
	try {
		return parseNixConf(variable).some((line) => line.kind === 'setting' && line.name === SETTING);
	} catch {
		// Nix says itself what it can't read.
		return false;
	}
}

async function install({ store, context }: HookOptions): Promise<HookSettings> {
	const folder = join(context.folder, 'hook');
	const journal = join(folder, JOURNAL);
	const script = hookScript({ journal, userHook: await userHookOf(store, context) });
	const file = await writeFiles(folder, journal, script);
	const printed = (await store.nix.runStore(['--add', file], { signal: context.signal })).trim();
	const { path } = parseStorePath(printed, store.storeDir);
	const { vanished } = await holdPaths(store, [path], folder, context.signal);
	if (vanished.length > 0) throw new CacheError('nix-failed', 'The post-build hook was collected as garbage at once.');
	const program = store.realPath(path);
	// Refused here, it costs the hook; with all settings, it would cost the job.
	formatSetting(SETTING, program);
	return { settings: [[SETTING, program]], journal, script: path, whyNot: null };
}

/** The hook that Nix runs without this use of the action; another use's hook is one, too. */
async function userHookOf(store: LocalStore, context: SetupContext): Promise<string | null> {
	// A daemon that does not trust the user heeds its own configuration alone.
	const ofDaemon = store.nix.withEnvironment({ NIX_CONFIG: '', [NIX_USER_CONF_FILES]: '' });
	const { postBuildHook } =
		store.trust === 'untrusted' ? await querySettings(ofDaemon, context.signal) : await settingsWithoutOurs(store, context);
	return postBuildHook;
}

/** Makes the journal and the script; gives the script's file. */
async function writeFiles(folder: string, journal: string, script: string): Promise<string> {
	const file = join(folder, HOOK_NAME);
	try {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		await writeFile(journal, '', { flag: 'a', mode: 0o600 });
		await writeFile(file, script);
		// In the store, everybody may run what its owner may run.
		await chmod(file, 0o755);
		return file;
	} catch (cause) {
		const code = systemCode(cause) ?? 'unknown';
		throw new CacheError(
			code === 'ENOSPC' ? 'disk-full' : 'file-failed',
			`The post-build hook can't be written to ${folder} (${code}).`,
			{
				cause,
			},
		);
	}
}
