import { getExecOutput } from '@actions/exec';
import { CacheError } from '../errors.ts';
import type { SetupContext } from './configuration.ts';

/** Whose environment finds `sudo`, and what ends the wait for it. */
export type Caller = Pick<SetupContext, 'env' | 'signal'>;

let left = false;

/** Whether a command was given up that may still run: it keeps this process alive for as long, and root's can't be ended from here. */
export function isCommandLeft(): boolean {
	return left;
}

/** Whether this user is root, or `sudo` works without asking for a password. */
export async function canBecomeRoot(caller: Caller): Promise<boolean> {
	return runAsRoot(['true'], caller).then(
		() => true,
		() => false,
	);
}

/** Runs a command as root and gives its standard output; no argument may be a secret. Throws `config-failed`, also when the signal aborts. */
export async function runAsRoot(argv: readonly string[], { env, signal }: Caller): Promise<string> {
	const [program = '', ...args] = process.getuid?.() === 0 ? argv : ['sudo', '-n', ...argv];
	const shown = `\`${[program, ...args].join(' ').slice(0, 120)}\``;
	const { PATH = '', HOME = '' } = env;
	const stopped = Promise.withResolvers<never>();
	const onAbort = (): void => {
		left = true;
		stopped.reject(new CacheError('config-failed', `${shown} did not end in time.`));
	};
	if (signal.aborted) onAbort();
	signal.addEventListener('abort', onAbort, { once: true });
	try {
		// No `input`: a child that ends before it is written would end this process with EPIPE.
		const options = { env: { PATH, HOME }, silent: true, ignoreReturnCode: true };
		const { exitCode, stdout, stderr } = await Promise.race([getExecOutput(program, args, options), stopped.promise]);
		if (exitCode === 0) return stdout;
		const why = stderr.trim().split('\n').at(-1) || `status ${exitCode}`;
		throw new CacheError('config-failed', `${shown} failed: ${why.slice(0, 300)}.`);
	} catch (cause) {
		if (cause instanceof CacheError) throw cause;
		throw new CacheError('config-failed', `${shown} could not be run.`, { cause });
	} finally {
		signal.removeEventListener('abort', onAbort);
	}
}
