import type { Credentials } from './credentials.ts';
import { BLANK_INSIDE, type Refusal, withoutUserInfo } from './refusal.ts';

export interface HttpTarget {
	readonly kind: 'http';
	/** For people: where it takes uploads, without credentials. */
	readonly place: string;
	/** Where the cache serves: no user info, query or fragment. */
	readonly url: URL;
	/** Where it takes uploads; `null` when that is `url`. */
	readonly pushUrl: URL | null;
	/** The store URL as Nix gets it, with the parameters that the user wrote (`?priority=10`). */
	readonly substituter: string;
	readonly credentials: Credentials | null;
}

const HTTP = '`https://…` and `http://…`';
const BUILT =
	'`https://…`, `http://…`, `s3://…`, `attic://…`, `cachix://…`, `niks3://…`, `file:///…`, `ssh-ng://…`, `ssh://…` and `actions-cache`';

/** Reads an `http(s)://` URL without user info or fragment; parameters stay. */
export function parseHttpUrl(line: string, input: string): URL | Refusal {
	const allowed = input === 'cache' ? BUILT : HTTP;
	const bare = line.includes('://') ? line : `missing://${line}`;
	const url = URL.canParse(bare) ? new URL(bare) : null;
	if (url === null) return { problem: `${input}: \`${withoutUserInfo(line)}\` is not a URL; allowed are ${allowed}.` };
	if (url.username !== '' || url.password !== '') {
		return {
			problem:
				`${input}: \`${withoutUserInfo(line)}\` has credentials inside, which would end in logs and in Nix's configuration; ` +
				'give them as the inputs `username` and `password`, `token` or `netrc`.',
		};
	}
	if (url.protocol === 'missing:') {
		return { problem: `${input}: \`${withoutUserInfo(line)}\` has no scheme; write \`https://${withoutUserInfo(line)}\`.` };
	}
	if (url.protocol !== 'http:' && url.protocol !== 'https:') {
		return { problem: `${input}: \`${withoutUserInfo(line)}\` is of an unknown kind; this version has ${allowed}.` };
	}
	if (/\s/.test(line)) return { problem: `${input}: \`${withoutUserInfo(line)}\` ${BLANK_INSIDE}.` };
	// An empty one, too: in nix.conf it begins a comment.
	if (line.includes('#')) return { problem: `${input}: \`${withoutUserInfo(line)}\` has a fragment (\`#…\`); leave it out.` };
	return url;
}

/**
 * The store URL as it is written into Nix's configuration. Nix compares it as text with `trusted-substituters`, so nothing but an
 * empty path's slash is normalized away.
 */
export function substituterUrl(url: URL): string {
	return url.pathname === '/' ? `${url.origin}${url.search}` : url.href;
}
