import { spawn } from 'node:child_process';
import { CacheError } from '../errors.ts';

const TIMEOUT_MS = 60_000;

/** Whether `sudo` works here without asking for a password. */
export async function canBecomeRoot(env: Environment, signal: AbortSignal): Promise<boolean> {
	return runAsRoot(['true'], '', env, signal).then(
		() => true,
		() => false,
	);
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Runs a command as root with `input` as its standard input. Secrets must be in neither. Throws `config-failed`. */
export function runAsRoot(argv: readonly string[], input: string, env: Environment, signal: AbortSignal): Promise<string> {
	return new Promise((resolve, reject) => {
		const { PATH, HOME, LANG } = env;
		const child = spawn('sudo', ['-n', ...argv], { env: { PATH, HOME, LANG }, signal, timeout: TIMEOUT_MS });
		const out: Buffer[] = [];
		const err: Buffer[] = [];
		child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
		child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
		const fail = (why: string, cause?: unknown): void =>
			reject(new CacheError('config-failed', `\`sudo ${argv.join(' ').slice(0, 120)}\` failed: ${why}.`, { cause }));
		child.once('error', (cause) => fail(cause.message, cause));
		child.once('close', (code, killedBy) => {
			if (code === 0) resolve(Buffer.concat(out).toString('utf8'));
			else fail(Buffer.concat(err).toString('utf8').trim().split('\n').at(-1) || `status ${code ?? killedBy}`);
		});
		// A command that ends early closes the pipe; its status says why.
		child.stdin.on('error', () => undefined);
		child.stdin.end(input);
	});
}
