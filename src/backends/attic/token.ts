/** What a `Date` can hold (ECMAScript, 21.4.1.1). */
const MAX_SECONDS = 8.64e12;

/**
 * When a token ends, in milliseconds since 1970; `null` when it does not say. Attic calls its tokens opaque beyond what is standard, so this
 * looks at nothing else, and what is no JWT is no error. Source: RFC 7519, 4.1.4; attic/token/src/lib.rs.
 */
export function tokenExpiryMs(token: string): number | null {
	const [, payload, signature] = token.split('.');
	if (payload === undefined || signature === undefined) return null;
	try {
		const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
		const expiry = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : null;
		return typeof expiry === 'number' && Math.abs(expiry) <= MAX_SECONDS ? expiry * 1000 : null;
	} catch {
		return null;
	}
}
