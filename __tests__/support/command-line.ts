/** Runs `dist/cli.js` inside of a machine, and looks that no secret gets to where others could see it. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually, type Finished, finished } from './child.ts';
import { CHECKOUT, type CommandOptions, type Machine, NODE } from './machine.ts';
import { observe } from './runner/observer.ts';

const CLI = join(CHECKOUT, 'dist', 'cli.js');

export interface CliOptions extends CommandOptions {
	/** None of them may be in the output, or in the argument list of any process. */
	readonly secrets?: readonly string[];
}

/** Runs a command to its end; the status is for the test to judge. Throws when a secret was seen. */
export async function cli(machine: Machine, args: readonly string[], options: CliOptions = {}): Promise<Finished> {
	const child = startCli(machine, args, options);
	const { secrets = [] } = options;
	const observer = observe(machine, child.pid ?? 0, secrets.length > 0);
	const result = await finished(child, `cli.js ${args.join(' ')}`, options.timeoutMs ?? 120_000, options.input).finally(
		observer.stop,
	);
	const { commandLines } = observer.stop();
	const seen = { output: `${result.stdout}${result.stderr}`, 'argument lists': commandLines.join('\n') };
	if (secrets.length > 0 && commandLines.length === 0)
		throw new Error('no process was seen, so nothing is known of argument lists');
	for (const [where, text] of Object.entries(seen)) {
		for (const secret of secrets) if (text.includes(secret)) throw new Error(`a secret is in the ${where}:\n${text}`);
	}
	return result;
}

/** Starts a command that runs until it is stopped. */
export function startCli(machine: Machine, args: readonly string[], options: CliOptions = {}): ChildProcess {
	return machine.spawn([NODE, CLI, ...args], options);
}

export interface Served {
	/** For `substituters`. */
	readonly url: string;
	readonly login: string;
	readonly password: string;
	/** All that it wrote so far, to either side. */
	readonly output: () => string;
	/** Ends it as Ctrl-C does; its exit status. */
	readonly stop: () => Promise<number | null>;
}

/** Starts `serve --json` and waits until it is ready. */
export async function startServing(machine: Machine, args: readonly string[], options: CliOptions = {}): Promise<Served> {
	const child = startCli(machine, ['serve', '--json', ...args], options);
	const exit = once(child, 'exit');
	let out = '';
	let err = '';
	child.stdout?.on('data', (chunk: Buffer) => (out += chunk));
	child.stderr?.on('data', (chunk: Buffer) => (err += chunk));
	await eventually('serve is ready', () => out.includes('\n') || child.exitCode !== null, { timeoutMs: 60_000 });
	if (!out.includes('\n')) throw new Error(`serve ended:\n${err}`);
	const { url, login, password }: { url: string; login: string; password: string } = JSON.parse(out);
	return {
		url,
		login,
		password,
		output: () => `${out}${err}`,
		async stop() {
			child.kill('SIGINT');
			const [code] = await exit;
			return code;
		},
	};
}
