import { getExecOutput } from '@actions/exec';
import { CacheError } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Whether `sudo` works here without asking for a password. */
export async function canBecomeRoot(env: Environment, signal: AbortSignal): Promise<boolean> {
	return runAsRoot(['true'], '', env, signal).then(
		() => true,
		() => false,
	);
}

/** Runs a command as root with `input` as its standard input; secrets must be in neither. Throws `config-failed`, also when `signal` aborts. */
export async function runAsRoot(argv: readonly string[], input: string, env: Environment, signal: AbortSignal): Promise<void> {
	const shown = `\`sudo ${argv.join(' ').slice(0, 120)}\``;
	const { PATH = '', HOME = '' } = env;
	const stopped = Promise.withResolvers<never>();
	const onAbort = (): void => stopped.reject(new CacheError('config-failed', `${shown} did not end in time.`));
	if (signal.aborted) onAbort();
	signal.addEventListener('abort', onAbort, { once: true });
	try {
		const options = { env: { PATH, HOME }, input: Buffer.from(input), silent: true, ignoreReturnCode: true };
		const { exitCode, stderr } = await Promise.race([getExecOutput('sudo', ['-n', ...argv], options), stopped.promise]);
		if (exitCode === 0) return;
		const why = stderr.trim().split('\n').at(-1) || `status ${exitCode}`;
		throw new CacheError('config-failed', `${shown} failed: ${why.slice(0, 300)}.`);
	} catch (cause) {
		if (cause instanceof CacheError) throw cause;
		throw new CacheError('config-failed', `${shown} could not be run.`, { cause });
	} finally {
		signal.removeEventListener('abort', onAbort);
	}
}
