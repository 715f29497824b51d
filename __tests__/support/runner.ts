/**
 * Plays a job as GitHub's runner does: one process per stage of an action, an environment made from scratch, file commands
 * read when the process has ended, posts in reverse order whatever happened, cancellation with signals to one process.
 *
 *     const result = await runJob(machine, [
 *         uses({ with: { cache: server.url } }),
 *         run('nix-build'),
 *     ]);
 *     expect(result.status, result.log).toBe('success');
 *
 * What the real runner does is cited where it is done; it was read in actions/runner 2.336.0.
 */
import type { Machine } from './machine.ts';
import { Job } from './runner/job.ts';
import type { JobOptions, JobResult, RunStep, Step, StepOptions, UsesOptions, UsesStep } from './runner/steps.ts';

/** A step that uses an action. */
export function uses(options: UsesOptions = {}): UsesStep {
	return { kind: 'uses', ...options };
}

/** A step with a bash script. */
export function run(script: string, options: StepOptions = {}): RunStep {
	return { kind: 'run', script, ...options };
}

/** Plays a job to its end and returns what happened; a failing job is a result, not an error. */
export async function runJob(machine: Machine, steps: readonly Step[], options: JobOptions = {}): Promise<JobResult> {
	return new Job(machine, options).play(steps);
}

/** Throws, without printing it, when a secret of the job's options was seen where others than the job's own processes can read. */
export function assertNoSecrets(result: JobResult): void {
	if (result.leaks.length === 0) return;
	const places = new Set(result.leaks.map(({ where, secret }) => `secret ${secret + 1} in ${where}`));
	throw new Error(`secrets were seen where others can read them:\n${[...places].join('\n')}`);
}
