import type { Readable } from 'node:stream';
import { CacheError, describeError, isCacheError } from '../errors.ts';
import type { Command } from './command.ts';
import { COMMANDS, commandNamed, PROGRAM } from './commands.ts';
import type { Context, Environment } from './context.ts';
import { EXIT, type ExitStatus, exitOfError } from './exit-status.ts';
import { commandHelp, programHelp } from './help.ts';
import { nearest } from './nearest.ts';
import { parseArguments, usageError } from './parse.ts';
import { createTerminal, type Terminal } from './terminal.ts';
import { ownVersion } from './version.ts';

/** The process, as far as the command line sees it. */
export interface Process {
	/** Behind the program's name. */
	readonly argv: readonly string[];
	readonly env: Environment;
	readonly cwd: string;
	readonly stdin: Readable;
	readonly out: (text: string) => void;
	readonly err: (text: string) => void;
	/** Standard error is one. */
	readonly isTerminal: boolean;
}

/** Runs one command and answers with what the process is to end with. Never throws. */
export async function runCommandLine(process: Process): Promise<ExitStatus> {
	const { argv, out } = process;
	const [first, ...rest] = argv;
	const plain = terminalFor(process, new Set());
	try {
		if (first === '--help' || first === '-h' || (first === 'help' && rest.length === 0)) return said(out, programHelp());
		if (first === '--version') return said(out, `${PROGRAM} ${await ownVersion()}\n`);
		if (first === 'help') return said(out, commandHelp(wanted(rest[0] ?? '')));
		if (first === undefined) throw usageError('No command is given.', `\`${PROGRAM} --help\` lists them.`);
		return await runCommand(process, wanted(first), rest);
	} catch (error) {
		// A line that can't be read can still say that it wants JSON.
		const end = argv.indexOf('--');
		if (argv.slice(0, end < 0 ? argv.length : end).includes('--json')) plain.print(JSON.stringify({ error: errorJson(error) }));
		plain.fail(describeError(error));
		return exitOfError(error);
	}
}

async function runCommand(process: Process, command: Command, rest: readonly string[]): Promise<ExitStatus> {
	const args = parseArguments(command, rest);
	if (args.switches.has('help')) return said(process.out, commandHelp(command));
	const { env, cwd, stdin } = process;
	const terminal = terminalFor(process, args.switches);
	const wantsJson = args.switches.has('json');
	try {
		const handle = await handlerOf(command.name);
		return await handle({ command, args, env, cwd, stdin, terminal, wantsJson });
	} catch (error) {
		if (wantsJson) terminal.print(JSON.stringify({ error: errorJson(error) }));
		terminal.fail(describeError(error));
		if (error instanceof Error && error.stack !== undefined) terminal.log.debug(error.stack);
		return exitOfError(error);
	}
}

type Handler = (context: Context) => Promise<ExitStatus>;

/** Loads the code of one command alone. */
async function handlerOf(name: string): Promise<Handler> {
	switch (name) {
		case 'push':
			return (await import('./push.ts')).push;
		case 'serve':
			return (await import('./serve.ts')).serve;
		case 'doctor':
			return (await import('./doctor.ts')).doctor;
		case 'keygen':
			return (await import('./keygen.ts')).keygen;
		case 'ls':
			return (await import('./actions-cache-store.ts')).list;
		case 'gc':
			return (await import('./actions-cache-store.ts')).collect;
		case 'completion':
			return (await import('./print-completion.ts')).printCompletion;
		default:
			throw new CacheError('internal', `The command ${name} does nothing.`);
	}
}

function wanted(name: string): Command {
	const command = commandNamed(name);
	if (command !== null) return command;
	const names = COMMANDS.map((one) => one.name);
	const meant = nearest(name, names);
	const hint = meant === null ? `The commands are ${names.map((one) => `\`${one}\``).join(', ')}.` : `Did you mean \`${meant}\`?`;
	throw usageError(
		name.startsWith('-') ? 'The command comes first, then its options.' : `There is no command \`${name}\`.`,
		hint,
	);
}

function terminalFor({ out, err, env, isTerminal }: Process, switches: ReadonlySet<string>): Terminal {
	return createTerminal({
		out,
		err,
		talk: switches.has('verbose') ? 'verbose' : switches.has('quiet') ? 'quiet' : 'normal',
		// https://no-color.org
		isColoured: isTerminal && !env.NO_COLOR && env.TERM !== 'dumb',
	});
}

function said(out: Process['out'], text: string): ExitStatus {
	out(text);
	return EXIT.well;
}

function errorJson(error: unknown) {
	return isCacheError(error)
		? { code: error.code, message: error.message, hint: error.hint }
		: { code: 'internal', message: describeError(error), hint: null };
}
