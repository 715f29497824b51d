import { userInfo } from 'node:os';
import { join } from 'node:path';
import { CacheError, isCacheError } from '../errors.ts';
import { findNetrc } from '../nix/netrc.ts';
import { formatSetting } from '../nix/nix-conf.ts';
import { type Problem, tellProblem } from '../problem.ts';
import type { LocalStore } from '../store/local-store.ts';
import { findNix } from '../store/nix-command.ts';
import {
	type Configuration,
	type NetrcReplacement,
	type NixSettings,
	NOTHING_TOLD,
	type SetupContext,
	type SystemInclude,
} from './configuration.ts';
import { restartDaemon } from './daemon.ts';
import { readNetrcFile, writeNetrcFile } from './netrc-file.ts';
import { removePrivateFile } from './private-file.ts';
import { type Choice, chooseRoute, settingsWithoutOurs } from './route.ts';
import { canBecomeRoot } from './run-as-root.ts';
import { addInclude, removeInclude } from './system-include.ts';
import { adviceFor } from './untrusted.ts';
import { forgetUserConf, userConfFileOf, useUserConf } from './user-file.ts';

const CREDENTIALS_NOT_TAKEN: Problem = {
	code: 'credentials-not-taken',
	level: 'warning',
	title: 'The Nix daemon takes no credentials from this user',
	message: 'The Nix daemon knows the caches of this step, but takes no credentials from this user.',
	fix: "Put an entry for their hosts, `machine HOST login USER password PASSWORD`, into the daemon's own netrc (`/etc/nix/netrc`), and let this user read it.",
};

/**
 * Tells Nix what `wish` says for the rest of the job, by the route with the least rights that works. `previous` is what an earlier phase of this
 * step did: it is kept where it says the same, and replaced where not. Where this user can't tell Nix, one warning says what an administrator
 * has to add. Throws `config-failed`, `file-failed`, `disk-full`, and `format-invalid` for a value that Nix can't read.
 */
export async function configureNix(
	wish: NixSettings,
	store: LocalStore,
	previous: Configuration | null,
	context: SetupContext,
): Promise<Configuration> {
	const choice: Choice = isNothing(wish) ? { route: 'none' } : await chooseRoute(wish, store, previous, context);
	if (previous !== null && previous.route !== choice.route) await undoConfiguration(previous, context);
	const task = { wish, store, previous, context };
	switch (choice.route) {
		case 'user-file':
			return choice.limited ? useGrant(task) : useOwnFile(task);
		case 'system-include':
			return useInclude(choice.system, task);
		case 'advice-only':
			return advise(choice.why, task);
		case 'already-there':
			await sayWhatIsMissing(task);
			return remembered({ ...NOTHING_TOLD, route: 'already-there' }, context);
		case 'none':
			return remembered(NOTHING_TOLD, context);
	}
}

/**
 * Takes back what was told, also when that was stopped in the middle, and leaves what others have changed since. Doing it twice does no harm.
 * Secrets go first. Throws `config-failed`.
 */
export async function undoConfiguration(configuration: Configuration, context: SetupContext): Promise<void> {
	const { netrc, userConfFile, system } = configuration;
	if (netrc !== null) await removePrivateFile(netrc.file);
	if (userConfFile !== null) await forgetUserConf(userConfFile, context);
	if (system !== null) await undoInclude(system, context);
}

interface Task {
	readonly wish: NixSettings;
	readonly store: LocalStore;
	/** `null`: nothing was said yet in this job. */
	readonly previous: Configuration | null;
	readonly context: SetupContext;
}

async function useOwnFile(task: Task): Promise<Configuration> {
	const { wish, store, context } = task;
	const userConfFile = userConfFileOf(context);
	const netrc = await planNetrc(task);
	const configuration = remembered({ ...NOTHING_TOLD, route: 'user-file', userConfFile, netrc }, context);
	await writeNetrc(netrc, task);
	await useUserConf(userConfFile, confText(wish, netrc), store, context);
	return configuration;
}

/** A daemon complains on every command about settings that it does not take from this user; caches that it knows it takes. */
async function useGrant(task: Task): Promise<Configuration> {
	const { wish, store, context } = task;
	const userConfFile = userConfFileOf(context);
	const configuration = remembered({ ...NOTHING_TOLD, route: 'user-file', userConfFile }, context);
	await useUserConf(userConfFile, confText({ ...wish, publicKeys: [], other: [] }, null), store, context);
	await sayWhatIsMissing(task);
	return configuration;
}

/** A daemon that can't be told costs this job the cache, not the build: it becomes advice. */
async function useInclude(system: SystemInclude, task: Task): Promise<Configuration> {
	const { wish, store, previous, context } = task;
	const netrc = await planNetrc(task);
	const configuration = remembered({ ...NOTHING_TOLD, route: 'system-include', netrc, system }, context);
	try {
		await writeNetrc(netrc, task);
		if (await addInclude(system, confText(wish, netrc), context)) await restartDaemon(system.restart, store.nix, context);
	} catch (error) {
		if (!isCacheError(error, 'config-failed')) throw error;
		context.log.debug(error.message);
		await undoConfiguration(configuration, context).catch((undone: unknown) => context.log.debug(String(undone)));
		return advise(`its configuration can't be changed (${error.message})`, task);
	}
	if (previous === null)
		context.log.info(`${system.confFile} includes this job's settings until its end, as the daemon does not trust this user.`);
	return configuration;
}

function advise(why: string, { wish, store, previous, context }: Task): Configuration {
	// Pre has said it already.
	if (previous?.route !== 'advice-only') {
		tellProblem(adviceFor(wish, userName(), store.nix.about.systemConfFile, why), context.log);
	}
	return remembered({ ...NOTHING_TOLD, route: 'advice-only' }, context);
}

/** What a daemon that knows the caches, but does not trust the user, can't be told; unless its netrc, where this user may read it, has it already. */
async function sayWhatIsMissing({ wish, store, previous, context }: Task): Promise<void> {
	if (previous !== null || wish.netrc.length === 0) return;
	const { netrcFile } = await settingsWithoutOurs(store, context);
	const { entries } = await readNetrcFile(netrcFile);
	const isThere = wish.netrc.every(({ machine }) => findNetrc(entries, machine ?? '') !== null);
	if (!isThere) tellProblem(CREDENTIALS_NOT_TAKEN, context.log);
}

async function undoInclude(system: SystemInclude, context: SetupContext): Promise<void> {
	if (!(await canBecomeRoot(context))) {
		throw new CacheError(
			'config-failed',
			`${system.confFile} still includes ${system.includeFile}: sudo asks for a password now.`,
			{
				hint: 'Remove that line and restart the Nix daemon.',
			},
		);
	}
	if (!(await removeInclude(system, context))) return;
	const nix = await findNix(context);
	if (nix !== null) await restartDaemon(system.restart, nix, context);
}

/** Only settings that add, and the one for the netrc, which goes with a copy of what it hides: docs/decisions/002-settings-that-only-add.md. */
function confText(wish: NixSettings, netrc: NetrcReplacement | null): string {
	return [
		...(wish.substituters.length > 0 ? [formatSetting('extra-substituters', wish.substituters)] : []),
		...(wish.publicKeys.length > 0 ? [formatSetting('extra-trusted-public-keys', wish.publicKeys)] : []),
		...(netrc === null ? [] : [formatSetting('netrc-file', netrc.file)]),
		...wish.other.map(([name, value]) => formatSetting(name, value)),
	].join('');
}

async function planNetrc({ wish, store, previous, context }: Task): Promise<NetrcReplacement | null> {
	if (wish.netrc.length === 0) return null;
	const file = join(context.folder, 'netrc');
	const mayHaveChanged = previous?.system || (previous !== null && hasOtherFiles(store, previous, context));
	if (previous?.netrc && !mayHaveChanged) return previous.netrc;
	const { netrcFile } = await settingsWithoutOurs(store, context);
	return { file, replaces: netrcFile === file ? (previous?.netrc?.replaces ?? netrcFile) : netrcFile };
}

/** Whether Nix reads files that it does not by itself: those of other uses of the action in this job, which may name a netrc since. */
function hasOtherFiles(store: LocalStore, { userConfFile }: Configuration, { env }: SetupContext): boolean {
	const usual = new Set([userConfFile, ...store.nix.about.userConfFiles]);
	return (env.NIX_USER_CONF_FILES ?? '').split(':').some((file) => file !== '' && !usual.has(file));
}

async function writeNetrc(netrc: NetrcReplacement | null, { wish, previous, context }: Task): Promise<void> {
	if (netrc === null) {
		if (previous?.netrc) await removePrivateFile(previous.netrc.file);
		return;
	}
	const problem = await writeNetrcFile(netrc.file, wish.netrc, netrc.replaces, context);
	if (problem !== null && previous === null) tellProblem(problem, context.log);
}

function remembered(configuration: Configuration, context: SetupContext): Configuration {
	context.remember(configuration);
	return configuration;
}

function isNothing({ substituters, publicKeys, netrc, other }: NixSettings): boolean {
	return substituters.length + publicKeys.length + netrc.length + other.length === 0;
}

/** The user of this job, for people. */
export function userName(): string {
	try {
		return userInfo().username;
	} catch {
		// A uid without an entry in the user database.
		return String(process.getuid?.() ?? 'of this job');
	}
}
