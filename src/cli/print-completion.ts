import { completionFor } from './completion.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { usageError } from './parse.ts';

/** `completion SHELL` */
export async function printCompletion({ args, terminal }: Context): Promise<ExitStatus> {
	const [shell = ''] = args.operands;
	const script = completionFor(shell);
	if (script === null) throw usageError(`There is no completion for \`${shell}\`.`, 'There is for `bash`, `zsh` and `fish`.');
	terminal.print(script.trimEnd());
	return EXIT.well;
}
