/** What the tests of the Actions cache have in common: jobs on a service that they share, each test in a repository of its own. */
import { expect } from 'vitest';
import type { RemoteCacheService } from '../support/cache-service/connect.ts';
import type { Machine } from '../support/machine.ts';
import type { JobOptions, JobResult, Step } from '../support/runner/steps.ts';
import { assertNoSecrets, runJob } from '../support/runner.ts';

export const MAIN = 'refs/heads/main';

export interface PlayOptions extends JobOptions {
	readonly repository: string;
	readonly mode?: 'none' | 'read' | 'write' | 'write-only';
	readonly host?: 'github' | 'ghes' | 'act';
}

/** A job whose actions see the service. Its token is a secret. */
export async function play(
	service: RemoteCacheService,
	machine: Machine,
	steps: readonly Step[],
	{ repository, mode, host = 'github', ...options }: PlayOptions,
): Promise<JobResult> {
	const isPull = options.event === 'pull_request' || options.event === 'fork_pull_request';
	const ref = options.ref ?? (isPull ? 'refs/pull/7/merge' : MAIN);
	const actions = await service.environment({ repository, ref, ...(mode === undefined ? {} : { mode }) }, host);
	const token = actions.ACTIONS_RUNTIME_TOKEN ?? '';
	const server = actions.GITHUB_SERVER_URL ?? '';
	const result = await runJob(machine, steps, {
		...options,
		ref,
		actions,
		env: { ...options.env },
		serverUrl: server,
		secrets: [token, ...(options.secrets ?? [])],
	});
	expect(result.status, result.log).toBe('success');
	expect(result.orphans, result.log).toEqual([]);
	expect(
		result.leftovers.filter((name) => !name.startsWith('nix-cache-action-report-')),
		result.log,
	).toEqual([]);
	assertNoSecrets(result);
	return result;
}

export const built = (result: JobResult, name?: string): number =>
	result.stage('run', name).log.match(/^building '/gm)?.length ?? 0;
export const copied = (result: JobResult): number => result.stage('run').log.match(/^copying path '/gm)?.length ?? 0;
export const warnings = (result: JobResult): readonly string[] =>
	result.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message);
