import { cachixToken } from '../backends/cachix/token.ts';
import { hasJobIdentity } from '../backends/job-identity.ts';
import type { CacheTarget } from '../cache-target/target.ts';
import type { Inputs } from '../inputs/inputs.ts';
import { findNetrc, type NetrcEntry } from '../nix/netrc.ts';

/** Whether the end of the job pushes; `whyNot` is for people and `null` when it does. */
export interface PushDecision {
	readonly canPush: boolean;
	readonly whyNot: string | null;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Events that a stranger can trigger and that yet see the repository's secrets. What such a job builds may be the stranger's code, and a
 * signed path is believed wherever the key is trusted.
 */
const STRANGERS_EVENTS: ReadonlySet<string> = new Set(['pull_request_target', 'issue_comment']);

/** Whether anybody can start this job, with what the repository trusts. */
export function mayStrangersStart(env: Env): boolean {
	return STRANGERS_EVENTS.has(env.GITHUB_EVENT_NAME ?? '');
}

/** @param netrc entries that apply to the cache's host, given or found on the machine */
export function decidePush(inputs: Inputs, target: CacheTarget, env: Env, netrc: readonly NetrcEntry[]): PushDecision {
	if (inputs.push === 'never') return { canPush: false, whyNot: '`push` is `never`.' };
	if (inputs.push === 'always') return { canPush: true, whyNot: null };
	if (mayStrangersStart(env)) {
		const whyNot = `anybody can start a job for \`${env.GITHUB_EVENT_NAME}\`; \`push: always\` pushes all the same.`;
		return { canPush: false, whyNot };
	}
	// GitHub keeps what a pull request stores in its Actions cache to that pull request, so there it needs no credentials of the workflow's.
	if (target.kind === 'actions-cache') return { canPush: true, whyNot: null };
	// Who may write into a folder is for the system to say, and who into a Nix store for that. Whether there are keys for a bucket comes to light when it is asked.
	if (target.kind === 'file' || target.kind === 'nix-copy' || target.kind === 's3') return { canPush: true, whyNot: null };
	if (target.kind === 'cachix') {
		if (cachixToken(target, netrc) !== null) return { canPush: true, whyNot: null };
		return { canPush: false, whyNot: 'there is no `token` (a pull request from a fork has no secrets).' };
	}
	if (target.kind === 'niks3') {
		if (target.token !== null || hasJobIdentity(env)) return { canPush: true, whyNot: null };
		const whyNot =
			'there is no `token`, and the job has no `permissions: id-token: write` (a pull request from a fork gets neither).';
		return { canPush: false, whyNot };
	}
	const writesTo = target.kind === 'attic' ? target.endpoint : (target.pushUrl ?? target.url);
	const hasCredentials = target.credentials !== null || findNetrc(netrc, writesTo.hostname) !== null;
	if (hasCredentials) return { canPush: true, whyNot: null };
	if (target.kind === 'attic') {
		return {
			canPush: false,
			whyNot: 'there is no `token`, and attic takes nothing without (a pull request from a fork has no secrets).',
		};
	}
	if (inputs.signingKey !== null) return { canPush: true, whyNot: null };
	return {
		canPush: false,
		whyNot:
			'there are no credentials and no signing key (a pull request from a fork has no secrets); `push: always` pushes all the same.',
	};
}

/** Plans, and sends nothing. */
export function isDryRun(env: Env): boolean {
	return env.NIX_CACHE_ACTION_DRY_RUN === 'true' || env.NIX_CACHE_ACTION_DRY_RUN === '1';
}

/** What a cancelled job leaves: the runner gives its posts 5 minutes in all. */
const CANCELLED_TIMEOUT_MS = 4 * 60_000;

/** How long the end of the job waits for uploads. */
export function pushTimeoutMs(inputs: Pick<Inputs, 'jobStatus' | 'pushTimeoutMs'>): number {
	return inputs.jobStatus === 'cancelled' ? Math.min(inputs.pushTimeoutMs, CANCELLED_TIMEOUT_MS) : inputs.pushTimeoutMs;
}
