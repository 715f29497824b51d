import type { Niks3Target } from '../../cache-target/niks3.ts';
import type { HttpClient } from '../../http/client.ts';
import type { Log } from '../../log.ts';
import { createJobIdentity, hasJobIdentity, type JobIdentity } from '../job-identity.ts';
import type { Authentication } from './niks3-api.ts';

export interface AuthenticationMeans {
	readonly client: HttpClient;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly log: Log;
}

/** In a row, of tokens that were refused though they had not ended: clocks differ. A server that refuses a new one too means it. */
const MAX_RENEWALS = 1;

/** The token that the workflow gives; else tokens of GitHub's for the audience that `audience` learns from the server, renewed in time, and when one is refused that was not new. */
export function authenticate(
	target: Niks3Target,
	audience: (signal: AbortSignal) => Promise<string | null>,
	means: AuthenticationMeans,
): Authentication {
	if (target.token !== null) return { token: async () => target.token, refused: () => false, accepted: () => undefined };
	let identity: JobIdentity | null = null;
	let renewals = 0;
	return {
		async token(signal) {
			if (!hasJobIdentity(means.env)) return null;
			const wanted = identity === null ? await audience(signal) : null;
			if (identity === null && wanted === null) return null;
			identity ??= createJobIdentity({ ...means, audience: wanted ?? '' });
			return identity.token(signal);
		},
		refused(token) {
			// With an older one than others have by now: theirs is tried.
			if (identity === null || !identity.forget(token)) return true;
			return ++renewals <= MAX_RENEWALS;
		},
		accepted() {
			renewals = 0;
		},
	};
}
