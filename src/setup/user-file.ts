import { join } from 'node:path';
import { CacheError } from '../errors.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { SetupContext } from './configuration.ts';
import { removePrivateFile, writePrivateFile } from './private-file.ts';

/** The files that Nix reads for a user, the first one applied last (nix.conf(5)). */
export const NIX_USER_CONF_FILES = 'NIX_USER_CONF_FILES';

/** Where the settings for this user go. */
export function userConfFileOf({ folder }: SetupContext): string {
	return join(folder, 'nix.conf');
}

/**
 * Has Nix read `file` with `text` before the files that it reads for this user anyway. Of several the first one wins, so ours add to all
 * the others. Harmless to repeat.
 */
export async function useUserConf(file: string, text: string, store: LocalStore, context: SetupContext): Promise<void> {
	if (file.includes(':')) {
		throw new CacheError(
			'config-failed',
			`The folder of ${file} has a colon in its name, where ${NIX_USER_CONF_FILES} separates files.`,
			{
				hint: 'Let the runner have a RUNNER_TEMP without one.',
			},
		);
	}
	await writePrivateFile(file, text);
	// Nix says which files these are, be it by the variable or by the XDG folders.
	const others = (context.env[NIX_USER_CONF_FILES]?.split(':') ?? store.nix.about.userConfFiles).filter(
		(other) => other !== '' && other !== file,
	);
	context.exportVariable(NIX_USER_CONF_FILES, [file, ...others].join(':'));
}

/** Removes our file and its entry. What other actions have added since stays. A variable can't be unset for later steps: the files that Nix reads without it stay in it. */
export async function forgetUserConf(file: string, context: SetupContext): Promise<void> {
	await removePrivateFile(file);
	const listed = context.env[NIX_USER_CONF_FILES]?.split(':') ?? [];
	if (listed.includes(file)) context.exportVariable(NIX_USER_CONF_FILES, listed.filter((other) => other !== file).join(':'));
}
