import { CacheError, isCacheError } from '../../errors.ts';

/** Who asked an attic server for what, to explain its refusal. */
export interface Asker {
	readonly endpoint: URL;
	readonly cache: string;
	readonly wants: 'pull' | 'push';
	readonly hasToken: boolean;
	/** Why the token does not count any more; `null` when it does, as far as it says itself. */
	readonly expired: string | null;
}

/**
 * The error with a hint that fits attic: what its statuses mean is its own. It takes a token that it can't verify for none, and who has no right
 * to a cache at all is not told whether there is one. Source: attic/server/src/access/http.rs, attic/server/src/error.rs.
 */
export function explainRefusal(error: unknown, asker: Asker): unknown {
	// Who answers elsewhere, after a redirect, never got the token; the hint that says so stays.
	if (!isCacheError(error) || !error.message.includes(asker.endpoint.origin)) return error;
	const hint = hintFor(error, asker);
	return hint === null ? error : new CacheError(error.code, error.message, { hint, cause: error.cause });
}

/** How the token for a job is made. */
function makeToken(cache: string): string {
	return `\`atticadm make-token --sub ci --validity 1y --pull ${cache} --push ${cache}\``;
}

function hintFor({ code }: CacheError, { cache, wants, hasToken, expired }: Asker): string | null {
	switch (code) {
		case 'cache-unauthorized':
			if (expired !== null) return expired;
			return hasToken
				? `Attic answers so when the token does not name ${cache}, or was not made by this server, and also when there is no such cache: check the name, or make a token with ${makeToken(cache)}.`
				: `The cache is private, or there is none of that name: check the name, or give a \`token\` (${makeToken(cache)}).`;
		case 'cache-forbidden':
			if (expired !== null) return expired;
			return hasToken
				? `The token may not ${wants} there, or was not made by this server: make one with ${makeToken(cache)}.`
				: `To ${wants} takes a \`token\` there (${makeToken(cache)}).`;
		case 'cache-not-found':
			return `Is ${cache} the name of a cache there (\`attic cache create ${cache}\` makes one), and the URL that of the server?`;
		case 'cache-too-large':
			return (
				'Attic takes a NAR whole and uncompressed in one request, so what stands before it sets the limit: nginx (`client_max_body_size`, 1 MB if not set), ' +
				'Cloudflare (100 MB on its free plan), Cloud Run (32 MB). Raise it, give an address that leads past it, or leave such paths out with `max-path-size`.'
			);
		default:
			return null;
	}
}

/** What to say of a token that ended at this time; `null` when it has not ended, or does not say. */
export function whyExpired(expiryMs: number | null, nowMs: number, cache: string): string | null {
	if (expiryMs === null || expiryMs > nowMs) return null;
	return `The \`token\` expired at ${new Date(expiryMs).toISOString()}: make a new one with ${makeToken(cache)}.`;
}
