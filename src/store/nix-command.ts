import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { CacheError } from '../errors.ts';
import type { Log } from '../log.ts';
import { openErrorFile } from './error-file.ts';
import { type NixAbout, parseNixAbout } from './nix-about.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface RunOptions {
	readonly signal: AbortSignal;
	/** Text for standard input; without it the input is empty. */
	readonly input?: string;
	/** Default: one minute. */
	readonly timeoutMs?: number;
	/** Gets lines of standard error as they come. Where Nix starts ssh some may be lost (see `ErrorFile`). */
	readonly onErrorLine?: (line: string) => void;
	/** Gets all lines of standard error once the program has succeeded. */
	readonly onErrorLines?: (lines: readonly string[]) => void;
}

/** What a Nix that failed had written to standard error, the end of it: the cause of a `nix-failed`. */
export class NixErrorOutput extends Error {
	override readonly name = 'NixErrorOutput';
}

/** A Nix that was found on this machine. */
export interface NixCommand {
	/** Absolute path of `nix`. */
	readonly program: string;
	readonly about: NixAbout;
	/** What it gets of the environment. */
	readonly environment: Environment;
	/** Runs `nix <args>` with the new command line switched on; gives its standard output. Throws `nix-failed`, `cancelled`. */
	run(args: readonly string[], options: RunOptions): Promise<string>;
	/** Runs `nix-store <args>` of the same Nix. */
	runStore(args: readonly string[], options: RunOptions): Promise<string>;
	/** Runs `nix-instantiate <args>` of the same Nix. */
	runInstantiate(args: readonly string[], options: RunOptions): Promise<string>;
	/** The same Nix with some variables of its environment replaced. */
	withEnvironment(changes: Environment): NixCommand;
}

const DEFAULT_TIMEOUT_MS = 60_000;
/** JSON of 450,000 paths; a JavaScript string ends at 512 MiB. */
const STDOUT_LIMIT_BYTES = 256 * 1024 * 1024;
const STDERR_KEPT_BYTES = 16 * 1024;
const LINE_LIMIT_BYTES = 64 * 1024;
const PIPES_LEFT_MS = 2000;
/** Inputs, runtime tokens and state of the action: nothing for Nix, its builders and its hooks to see. */
const NOT_FOR_NIX = /^(?:INPUT_|ACTIONS_|STATE_)/i;

/**
 * Looks for Nix in `PATH` and then where its installers put it; a job that installed it in an earlier step may have a `PATH` without it.
 * `null` when there is none; throws `nix-failed` when there is one that can't be used.
 */
export async function findNix(options: {
	readonly env: Environment;
	readonly log: Log;
	readonly signal: AbortSignal;
}): Promise<NixCommand | null> {
	for (const folder of likelyFolders(options.env)) {
		const program = join(folder, 'nix');
		if (!(await isExecutable(program))) continue;
		const about = parseNixAbout(
			await runProgram({ program, name: 'nix', env: options.env }, ['-v', '--version'], {
				signal: options.signal,
				timeoutMs: 20_000,
			}),
		);
		options.log.debug(`Nix ${about.version.text} at ${program}, store ${about.storeDir}`);
		return nixCommand(program, about, options.env);
	}
	return null;
}

/** The command of a Nix that was found before. Starts no process. */
export function nixCommand(program: string, about: NixAbout, env: Environment): NixCommand {
	return {
		program,
		about,
		environment: forNix(env),
		run: (args, options) =>
			runProgram({ program, name: 'nix', env }, ['--extra-experimental-features', 'nix-command', ...args], options),
		runStore: (args, options) => runProgram({ program, name: 'nix-store', env }, args, options),
		runInstantiate: (args, options) => runProgram({ program, name: 'nix-instantiate', env }, args, options),
		withEnvironment: (changes) => nixCommand(program, about, { ...env, ...changes }),
	};
}

/** `PATH`, then the profiles of the user and of the system. Absolute ones only: what lies in the checkout is nothing to run. */
export function likelyFolders(env: Environment): readonly string[] {
	const home = env.HOME ?? '/nonexistent';
	return [
		...(env.PATH ?? '').split(delimiter),
		join(home, '.nix-profile/bin'),
		join(env.XDG_STATE_HOME ?? join(home, '.local/state'), 'nix/profile/bin'),
		'/nix/var/nix/profiles/default/bin',
		'/run/current-system/sw/bin',
	].filter(isAbsolute);
}

async function isExecutable(file: string): Promise<boolean> {
	return access(file, constants.X_OK).then(
		() => true,
		() => false,
	);
}

function forNix(env: Environment): NodeJS.ProcessEnv {
	return Object.fromEntries(Object.entries(env).filter(([name]) => !NOT_FOR_NIX.test(name)));
}

/** Nix is one program that does what the name says by which it is called. */
interface Callee {
	readonly program: string;
	readonly name: 'nix' | 'nix-store' | 'nix-instantiate';
	readonly env: Environment;
}

/** Runs a program without a shell. Its output is bounded, and it is killed on time-out, abort and too much output. */
function runProgram(callee: Callee, args: readonly string[], options: RunOptions): Promise<string> {
	const { program, name } = callee;
	const shown = `\`${[name, ...args.filter((arg) => !arg.startsWith('/')).slice(0, 8)].join(' ')}\``;
	const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
	if (options.signal.aborted) return Promise.reject(new CacheError('cancelled', `${shown} was not started.`));
	return new Promise((resolve, reject) => {
		const errorFile = options.onErrorLines === undefined ? null : openErrorFile();
		const child = spawn(program, args, {
			argv0: name,
			env: forNix(callee.env),
			stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', errorFile?.fd ?? 'pipe'],
		});
		let stopped: CacheError | null = null;
		const stop = (reason: CacheError): void => {
			stopped ??= reason;
			child.kill('SIGKILL');
			// A program that it started (ssh) may hold the pipes for longer.
			setTimeout(() => {
				child.stdout?.destroy();
				child.stderr?.destroy();
			}, PIPES_LEFT_MS).unref();
		};
		const onAbort = (): void => stop(new CacheError('cancelled', `${shown} was stopped.`));
		const timer = setTimeout(() => stop(new CacheError('nix-failed', `${shown} did not end within ${timeoutMs} ms.`)), timeoutMs);
		options.signal.addEventListener('abort', onAbort, { once: true });
		const output = collectOutput(child, () =>
			stop(new CacheError('nix-failed', `${shown} wrote more than ${STDOUT_LIMIT_BYTES} bytes.`)),
		);
		const settle = (done: () => void): void => {
			clearTimeout(timer);
			options.signal.removeEventListener('abort', onAbort);
			try {
				done();
			} catch (error) {
				reject(error);
			} finally {
				errorFile?.close();
			}
		};
		child.once('error', (cause) =>
			settle(() => reject(new CacheError('nix-failed', `${program} could not be run: ${cause.message}.`, { cause }))),
		);
		child.once('close', (code, killedBy) =>
			settle(() => {
				if (stopped !== null) reject(stopped);
				else if (code === 0) {
					if (errorFile !== null) options.onErrorLines?.(errorFile.lines());
					resolve(output.stdout());
				} else {
					const cause = new NixErrorOutput(errorFile?.end(STDERR_KEPT_BYTES) ?? output.stderr());
					reject(new CacheError('nix-failed', `${shown} failed (${killedBy ?? code}): ${lastError(cause.message)}`, { cause }));
				}
			}),
		);
		if (options.onErrorLine !== undefined) onLines(child, options.onErrorLine);
		if (options.input !== undefined) {
			// A child that ends early closes the pipe; its exit status says why.
			child.stdin?.on('error', () => undefined);
			child.stdin?.end(options.input);
		}
	});
}

function collectOutput(child: ChildProcess, tooMuch: () => void): { stdout(): string; stderr(): string } {
	const chunks: Buffer[] = [];
	let sizeBytes = 0;
	let errors = Buffer.alloc(0);
	child.stdout?.on('data', (chunk: Buffer) => {
		sizeBytes += chunk.byteLength;
		if (sizeBytes > STDOUT_LIMIT_BYTES) tooMuch();
		else chunks.push(chunk);
	});
	child.stderr?.on('data', (chunk: Buffer) => {
		errors = Buffer.concat([errors, chunk]).subarray(-STDERR_KEPT_BYTES);
	});
	return { stdout: () => Buffer.concat(chunks).toString('utf8'), stderr: () => errors.toString('utf8') };
}

function onLines(child: ChildProcess, onLine: (line: string) => void): void {
	let rest = '';
	child.stderr?.on('data', (chunk: Buffer) => {
		const lines = (rest + chunk.toString('latin1')).split('\n');
		rest = lines.pop()?.slice(-LINE_LIMIT_BYTES) ?? '';
		for (const line of lines) onLine(line);
	});
}

/** The line of Nix's errors that says what is wrong: the last one marked `error:`, which is the innermost, else the last one. */
export function lastError(stderr: string): string {
	const lines = stderr
		.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '')
		.split('\n')
		.map((line) => line.trim())
		.filter((line) => line !== '' && line !== 'error:');
	const marked = lines.findLast((line) => line.startsWith('error:'));
	return (marked?.slice('error:'.length) ?? lines.at(-1) ?? 'no message').trim().slice(0, 500);
}
