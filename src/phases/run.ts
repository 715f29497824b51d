import { describeError, isCacheError, titleOf } from '../errors.ts';
import { isCommandLeft } from '../setup/run-as-root.ts';
import type { Runner } from './runner.ts';

export type Phase = 'pre' | 'main' | 'post' | 'serve' | 'pusher';

/**
 * The one place where a phase's failure becomes an exit status. Pre and main fail the job on a mistake of the user, and when there is no Nix to go on with; anything else,
 * a bug of ours included, is a warning and the job goes on without the cache. Post settles its own failures by `on-push-failure`, so what
 * arrives here is unexpected and a warning as well. A command of root's that hangs (`sudo`, a restart of the daemon) does not hold up the job beyond its time.
 */
export async function runPhase(phase: Phase, runner: Runner, body: () => Promise<void>): Promise<void> {
	try {
		await body();
	} catch (error) {
		if (isCacheError(error, 'input-invalid', 'push-impossible', 'install-failed')) {
			runner.fail(describeError(error), titleOf(error));
			return;
		}
		runner.log.warning(`${describeError(error)} The job goes on without the cache.`, titleOf(error, `nix-cache-action ${phase}`));
		if (error instanceof Error && error.stack !== undefined) runner.log.debug(error.stack);
	} finally {
		if (isCommandLeft()) process.exit();
	}
}
