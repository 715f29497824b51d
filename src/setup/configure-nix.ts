import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CacheError, describeError, systemCode } from '../errors.ts';
import { formatSetting } from '../nix/nix-conf.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { EffectiveSettings } from '../store/settings.ts';
import { type Configuration, type NixSettings, noConfiguration, type SetupContext } from './configuration.ts';
import { readNetrcFile, writeNetrcFile } from './netrc-file.ts';
import { canBecomeRoot } from './run-as-root.ts';
import { addSystemInclude, planSystemInclude, removeSystemInclude } from './system-include.ts';
import { addUserConfFile, hiddenByNixConfig, removeUserConfFile } from './user-file.ts';

/**
 * Tells Nix what `wish` says, by the route with the least rights that works. Calling it again, also from a later phase with what the first call
 * gave, replaces what was told before.
 * @throws CacheError `config-failed`, `file-failed`, `format-invalid`
 */
export async function configureNix(
	wish: NixSettings,
	store: LocalStore,
	previous: Configuration | null,
	context: SetupContext,
): Promise<Configuration> {
	const settings = await store.settings(context.signal);
	const next = await chooseRoute(wish, store, settings, previous, context);
	if (previous !== null && previous.route !== next.route) await undoConfiguration(previous, context);
	context.remember(next);
	switch (next.route) {
		case 'user-file':
			await tellUser(wish, settings, next, context);
			break;
		case 'system-include':
			return tellSystem(wish, settings, next, store, context);
		case 'advice-only':
			// Pre has said it already.
			if (previous?.route !== 'advice-only') advise(wish, context);
			break;
		case 'already-there':
		case 'none':
			break;
	}
	return next;
}

/** Takes back what was told; nothing that is not ours is touched. Doing it twice does no harm. Throws `config-failed`. */
export async function undoConfiguration(configuration: Configuration, context: SetupContext): Promise<void> {
	if (configuration.userConfFile !== null) removeUserConfFile(configuration.userConfFile, context);
	for (const file of configuration.files) await rm(file, { force: true });
	if (configuration.system !== null) await removeSystemInclude(configuration.system, context);
}

async function chooseRoute(
	wish: NixSettings,
	store: LocalStore,
	settings: EffectiveSettings,
	previous: Configuration | null,
	context: SetupContext,
): Promise<Configuration> {
	const { id, folder } = context;
	if (wish.substituters.length + wish.publicKeys.length + wish.netrc.length === 0) return noConfiguration(id, 'none');
	const userConfFile = join(folder, 'nix.conf');
	const files = [userConfFile, join(folder, 'netrc')];
	const userFile: Configuration = { route: 'user-file', id, files, userConfFile, system: null };
	if (store.trust !== 'untrusted') return userFile;
	if (previous?.route === 'system-include') return previous;
	if (wish.publicKeys.every((key) => settings.trustedPublicKeys.includes(key)) && wish.netrc.length === 0) {
		if (wish.substituters.every((url) => settings.substituters.includes(url))) return noConfiguration(id, 'already-there');
		const allowed = [...settings.substituters, ...settings.trustedSubstituters];
		if (wish.substituters.every((url) => allowed.includes(url))) return userFile;
	}
	const system = (await canBecomeRoot(context.env, context.signal)) ? await planSystemInclude(context) : null;
	if (system === null) return noConfiguration(id, 'advice-only');
	return { route: 'system-include', id, files: [join(folder, 'netrc')], userConfFile: null, system };
}

async function tellUser(
	wish: NixSettings,
	settings: EffectiveSettings,
	next: Configuration,
	context: SetupContext,
): Promise<void> {
	const [confFile = '', netrcFile = ''] = next.files;
	const text = await confText(wish, settings, netrcFile);
	try {
		await writeFile(confFile, text, { mode: 0o600 });
	} catch (cause) {
		throw new CacheError('file-failed', `${confFile} can't be written (${systemCode(cause) ?? 'unknown'}).`, { cause });
	}
	addUserConfFile(confFile, context);
	const hidden = hiddenByNixConfig(context.env);
	if (hidden.length > 0) {
		const names = hidden.map((name) => `\`${name}\``).join(', ');
		context.log.warning(
			`NIX_CONFIG sets ${names}, which hides what this action adds. Write \`extra-\` in front there, or use the action's inputs.`,
			'nix-cache-action',
		);
	}
}

/** A daemon that can't be told costs this job the cache, not the build: it becomes advice. */
async function tellSystem(
	wish: NixSettings,
	settings: EffectiveSettings,
	next: Configuration,
	store: LocalStore,
	context: SetupContext,
): Promise<Configuration> {
	if (next.system === null) return next;
	const text = await confText(wish, settings, next.files[0] ?? '');
	try {
		await addSystemInclude(next.system, text, store, context);
		return next;
	} catch (error) {
		context.log.debug(describeError(error));
		await undoConfiguration(next, context).catch((undone: unknown) => context.log.debug(describeError(undone)));
		advise(wish, context, ` (${describeError(error)})`);
		return noConfiguration(next.id, 'advice-only');
	}
}

/** Only settings that add, and the one for the netrc, which goes with a copy of what it hides. */
async function confText(wish: NixSettings, settings: EffectiveSettings, netrcFile: string): Promise<string> {
	const parts: string[] = [];
	if (wish.substituters.length > 0) parts.push(formatSetting('extra-substituters', wish.substituters));
	if (wish.publicKeys.length > 0) parts.push(formatSetting('extra-trusted-public-keys', wish.publicKeys));
	if (wish.netrc.length > 0) {
		// In main this is the file that pre wrote, with the entries that it took over.
		await writeNetrcFile(netrcFile, wish.netrc, await readNetrcFile(settings.netrcFile));
		parts.push(formatSetting('netrc-file', netrcFile));
	}
	for (const [name, value] of wish.other) parts.push(formatSetting(name, value));
	return parts.join('');
}

function advise(wish: NixSettings, { log, env }: SetupContext, why = ''): void {
	const lines = [
		...(wish.substituters.length > 0 ? [`extra-trusted-substituters = ${wish.substituters.join(' ')}`] : []),
		...(wish.publicKeys.length > 0 ? [`extra-trusted-public-keys = ${wish.publicKeys.join(' ')}`] : []),
	];
	log.warning(
		`The Nix daemon does not trust this user, so Nix will not read from the cache${why}. Add \`extra-trusted-users = ${env.USER ?? 'USER'}\` to ` +
			`/etc/nix/nix.conf and restart the daemon; or, for this cache alone: ${lines.map((line) => `\`${line}\``).join(' and ')}.`,
		'nix-cache-action',
	);
}
