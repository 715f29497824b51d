import type { Readable } from 'node:stream';
import type { Arguments, Command } from './command.ts';
import type { Terminal } from './terminal.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command works with. */
export interface Context {
	readonly command: Command;
	readonly args: Arguments;
	readonly env: Environment;
	readonly terminal: Terminal;
	readonly stdin: Readable;
	/** Where relative paths begin. */
	readonly cwd: string;
	/** `--json` */
	readonly wantsJson: boolean;
}
