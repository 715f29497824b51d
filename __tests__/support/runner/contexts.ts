/** The environment and the contexts that the runner gives to a job's steps (runner 2.336, the allow list of GitHub's contexts). */
import type { Contexts } from './expression.ts';

/** What started the job. `fork_pull_request` comes from a fork: no secrets, a token that only reads. */
export type EventName = 'push' | 'pull_request' | 'pull_request_target' | 'fork_pull_request' | 'workflow_dispatch';

export interface JobPlace {
	readonly workspace: string;
	readonly temp: string;
	readonly toolCache: string;
	readonly eventPath: string;
}

export interface JobIdentity {
	readonly event: EventName;
	/** `null`: the one that goes with the event. */
	readonly ref: string | null;
	readonly serverUrl: string;
	readonly workflow: string;
	readonly job: string;
	readonly runId: string;
	readonly runAttempt: string;
	readonly token: string;
	/** The job's cell of a matrix, for the `matrix` context. */
	readonly matrix: Readonly<Record<string, string>>;
	readonly jobIndex: number;
}

const REPOSITORY = 'octo/example';
const SHA = '9f1c2f7c4c1b8ad8e4f5dd3c1d1b4e1f0a2b3c4d';

/** The payload that GITHUB_EVENT_PATH names. */
export function eventPayload(event: EventName): object {
	const repository = { full_name: REPOSITORY, default_branch: 'main', fork: false, private: false };
	if (event !== 'pull_request' && event !== 'fork_pull_request') return { ref: 'refs/heads/main', repository };
	const head = event === 'pull_request' ? repository : { ...repository, full_name: 'stranger/example', fork: true };
	return {
		action: 'synchronize',
		number: 7,
		repository,
		pull_request: { number: 7, head: { ref: 'feature', sha: SHA, repo: head }, base: { ref: 'main', repo: repository } },
	};
}

/** GITHUB_* and RUNNER_* variables that every step gets. */
export function githubEnvironment(identity: JobIdentity, place: JobPlace): Record<string, string> {
	const pull = identity.event === 'pull_request' || identity.event === 'fork_pull_request';
	const ref = identity.ref ?? (pull ? 'refs/pull/7/merge' : 'refs/heads/main');
	return {
		CI: 'true',
		GITHUB_ACTIONS: 'true',
		GITHUB_ACTOR: 'octocat',
		GITHUB_ACTOR_ID: '583231',
		GITHUB_API_URL: 'https://api.github.com',
		GITHUB_BASE_REF: pull ? 'main' : '',
		GITHUB_EVENT_NAME: pull ? 'pull_request' : identity.event,
		GITHUB_EVENT_PATH: place.eventPath,
		GITHUB_GRAPHQL_URL: 'https://api.github.com/graphql',
		GITHUB_HEAD_REF: pull ? 'feature' : '',
		GITHUB_JOB: identity.job,
		GITHUB_REF: ref,
		GITHUB_REF_NAME: ref.replace(/^refs\/(heads|pull)\//, ''),
		GITHUB_REF_PROTECTED: 'false',
		GITHUB_REF_TYPE: 'branch',
		GITHUB_REPOSITORY: REPOSITORY,
		GITHUB_REPOSITORY_ID: '1296269',
		GITHUB_REPOSITORY_OWNER: 'octo',
		GITHUB_REPOSITORY_OWNER_ID: '583231',
		GITHUB_RETENTION_DAYS: '90',
		GITHUB_RUN_ATTEMPT: identity.runAttempt,
		GITHUB_RUN_ID: identity.runId,
		GITHUB_RUN_NUMBER: '1',
		GITHUB_SERVER_URL: identity.serverUrl,
		GITHUB_SHA: SHA,
		GITHUB_TRIGGERING_ACTOR: 'octocat',
		GITHUB_WORKFLOW: identity.workflow,
		GITHUB_WORKFLOW_REF: `${REPOSITORY}/.github/workflows/ci.yml@${ref}`,
		GITHUB_WORKFLOW_SHA: SHA,
		GITHUB_WORKSPACE: place.workspace,
		RUNNER_ARCH: process.arch === 'arm64' ? 'ARM64' : 'X64',
		RUNNER_ENVIRONMENT: 'github-hosted',
		RUNNER_NAME: 'GitHub Actions 1',
		RUNNER_OS: 'Linux',
		RUNNER_TEMP: place.temp,
		RUNNER_TOOL_CACHE: place.toolCache,
		RUNNER_WORKSPACE: place.workspace.replace(/\/[^/]*$/, ''),
	};
}

/** The contexts that defaults in action.yml may name. */
export function contextsOf(identity: JobIdentity, status: string): Contexts {
	const { workflow, job, token, runId, matrix, jobIndex } = identity;
	return {
		github: { workflow, job, token, run_id: runId, repository: REPOSITORY },
		job: { status },
		strategy: { 'job-index': jobIndex, 'job-total': 1 },
		matrix,
		runner: { os: 'Linux' },
	};
}
