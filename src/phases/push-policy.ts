import type { CacheTarget } from '../cache-target/target.ts';
import type { Inputs } from '../inputs.ts';
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

/**
 * @param netrc entries that apply to the cache's host, given or found on the machine
 * @param hasKeys whether there are AWS credentials for the bucket, where `target` is one
 */
export function decidePush(
	inputs: Inputs,
	target: CacheTarget,
	env: Env,
	netrc: readonly NetrcEntry[],
	hasKeys: boolean,
): PushDecision {
	if (inputs.push === 'never') return { canPush: false, whyNot: '`push` is `never`.' };
	if (inputs.push === 'always') return { canPush: true, whyNot: null };
	if (mayStrangersStart(env)) {
		const whyNot = `anybody can start a job for \`${env.GITHUB_EVENT_NAME}\`; \`push: always\` pushes all the same.`;
		return { canPush: false, whyNot };
	}
	// GitHub keeps what a pull request stores in its Actions cache to that pull request, so there it needs no credentials of the workflow's.
	if (target.kind === 'actions-cache') return { canPush: true, whyNot: null };
	// Who may write into a folder is for the system to say.
	if (target.kind === 'file') return { canPush: true, whyNot: null };
	if (target.kind === 's3') {
		const whyNot =
			'there are no AWS credentials (a pull request from a fork has no secrets, and gets no identity token); `push: always` pushes all the same.';
		return hasKeys ? { canPush: true, whyNot: null } : { canPush: false, whyNot };
	}
	const writesTo = target.pushUrl ?? target.url;
	const hasCredentials = target.credentials !== null || findNetrc(netrc, writesTo.hostname) !== null;
	if (hasCredentials || inputs.signingKey !== null) return { canPush: true, whyNot: null };
	return {
		canPush: false,
		whyNot:
			'there are no credentials and no signing key (a pull request from a fork has no secrets); `push: always` pushes all the same.',
	};
}
