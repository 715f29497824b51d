import { join } from 'node:path';
import type { SetupContext } from './configuration.ts';

const VARIABLE = 'NIX_USER_CONF_FILES';

/**
 * Puts our nix.conf in front of the files that Nix reads for this user. Nix applies the first one last, and ours only adds (`extra-`), so
 * every other file keeps its say. Nix looks at the variable first: nix/src/libutil/config-global.cc, libstore/globals.cc.
 */
export function addUserConfFile(file: string, { env, exportVariable }: SetupContext): void {
	const files = userConfFiles(env);
	if (!files.includes(file)) exportVariable(VARIABLE, [file, ...files].join(':'));
}

/** Takes our file out again. The variable can't be unset for later steps, so it names the files that Nix reads without it. */
export function removeUserConfFile(file: string, { env, exportVariable }: SetupContext): void {
	const files = userConfFiles(env);
	if (files.includes(file)) exportVariable(VARIABLE, files.filter((other) => other !== file).join(':'));
}

/** The files that Nix reads for this user now, the one that wins first. */
function userConfFiles(env: SetupContext['env']): readonly string[] {
	const set = env[VARIABLE];
	if (set !== undefined && set !== '') return set.split(':').filter((file) => file !== '');
	const home = env.XDG_CONFIG_HOME || (env.HOME === undefined ? '' : join(env.HOME, '.config'));
	const system = (env.XDG_CONFIG_DIRS || '/etc/xdg').split(':');
	return [home, ...system].filter((folder) => folder !== '').map((folder) => join(folder, 'nix', 'nix.conf'));
}

/** Settings in `NIX_CONFIG` come after all files; a plain one hides what ours adds. */
export function hiddenByNixConfig(env: SetupContext['env']): readonly string[] {
	const hiding = ['substituters', 'trusted-public-keys', 'netrc-file'];
	const lines = (env.NIX_CONFIG ?? '').split('\n').map((line) => line.split('=')[0]?.trim() ?? '');
	return hiding.filter((name) => lines.includes(name));
}
