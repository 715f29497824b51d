import { CacheError } from '../errors.ts';

/** Pure: the post-build hook as a text. Nix runs it after each build, and fails the build when it does not end with status 0. */

export interface HookParts {
	/** The file that gets the records; absolute. What is not there is not made. */
	readonly journal: string;
	/** The hook that Nix would run without ours, as its setting has it; `null` when there is none. */
	readonly userHook: string | null;
}

/**
 * A POSIX shell script that appends one line for each output to the journal (`record.ts`), and then becomes the user's hook. Of the environment,
 * which holds all settings of Nix with their tokens, it uses `DRV_PATH` and `OUT_PATHS` alone.
 *
 * - A subshell does the work, so that nothing in it (a full disk, a folder that is gone) can end the script or change what the user's hook sees.
 * - One `printf` is one write to a file opened for appending: lines of builds that end together don't mix. It begins with a line break, too, so
 *   that a line which was cut off does not spoil the next one.
 * - Only an existing regular file is written: a FIFO would make it wait, and as root it would leave files in a folder of the job's user.
 * - A path may have a `?` in it, hence `set -f`.
 *
 * Throws `config-failed` when one of the parts can't be in a script.
 */
export function hookScript({ journal, userHook }: HookParts): string {
	const file = quoted(journal);
	return `#!/bin/sh
# By nix-cache-action: notes what was built, for the process that pushes it. The build goes on whatever happens here.
[ -f ${file} ] && (
	set -f
	now=$(date +%s)
	for path in \${OUT_PATHS:--}; do
		printf '\\n1 %s %s %s\\n' "\${now:-0}" "\${DRV_PATH:--}" "$path"
	done >>${file}
) 2>/dev/null
${userHook === null ? 'exit 0' : `exec ${quoted(userHook)} "$@"`}
`;
}

function quoted(path: string): string {
	if (/[\0\n]/.test(path)) throw new CacheError('config-failed', 'A path for the post-build hook has a line break in it.');
	return `'${path.replaceAll("'", "'\\''")}'`;
}
