import type { CacheTarget } from '../cache-target.ts';
import { CacheError } from '../errors.ts';
import type { Inputs } from '../inputs.ts';
import { findNetrc, type NetrcEntry } from '../nix/netrc.ts';

/** Whether the end of the job pushes; `whyNot` is for people and `null` when it does. */
export interface PushDecision {
	readonly canPush: boolean;
	readonly whyNot: string | null;
}

/**
 * Events that a stranger can trigger and that yet see the repository's secrets. What such a job builds may be the stranger's code, and a
 * signed path is believed wherever the key is trusted.
 */
const STRANGERS_EVENTS: ReadonlySet<string> = new Set(['pull_request_target', 'issue_comment']);

/**
 * @param netrc entries that apply to the cache's host, given or found on the machine
 * @throws CacheError `push-impossible` when `push` is `always` and nothing could be pushed
 */
export function decidePush(
	inputs: Inputs,
	target: CacheTarget | null,
	eventName: string,
	netrc: readonly NetrcEntry[],
): PushDecision {
	if (inputs.push === 'never') return { canPush: false, whyNot: '`push` is `never`.' };
	if (target === null) {
		if (inputs.push === 'always') {
			throw new CacheError('push-impossible', '`push` is `always`, but `cache` is empty.', {
				hint: 'Name a cache, or use `push: auto`.',
			});
		}
		return { canPush: false, whyNot: 'no `cache` is configured.' };
	}
	if (inputs.push === 'always') return { canPush: true, whyNot: null };
	if (STRANGERS_EVENTS.has(eventName)) {
		return { canPush: false, whyNot: `anybody can start a job for \`${eventName}\`; \`push: always\` pushes all the same.` };
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
