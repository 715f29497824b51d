import type { Credentials } from './credentials.ts';
import { BLANK_INSIDE, type Refusal, withoutUserInfo } from './refusal.ts';

/** A cache on an attic server. */
export interface AtticTarget {
	readonly kind: 'attic';
	/** For people: where it takes uploads, without credentials. */
	readonly place: string;
	/** What the server's paths (`_api/v1/…`, `<cache>/nix-cache-info`) are relative to: it ends with a slash. */
	readonly endpoint: URL;
	readonly cache: string;
	/** What the user wrote for Nix behind the URL (`?priority=10`), '' for nothing. */
	readonly parameters: string;
	readonly credentials: Credentials | null;
}

/** Source: attic/attic/src/cache.rs, CACHE_NAME_REGEX. */
const CACHE_NAME = /^[A-Za-z0-9][A-Za-z0-9_+-]{0,49}$/;

const FORM = 'write `attic://host/cache`, with the path of the server before the name of the cache where it has one';

/** `attic://host[:port][/prefix]/cache`, and `attic+http://…` for a server without TLS. */
export function parseAtticUrl(line: string, credentials: Credentials | null): AtticTarget | Refusal {
	const shown = withoutUserInfo(line);
	const [, scheme, rest = ''] = /^(attic|attic\+http):\/\/([^/].*)$/.exec(line) ?? [];
	const text = `${scheme === 'attic+http' ? 'http' : 'https'}://${rest}`;
	if (scheme === undefined || !URL.canParse(text)) return { problem: `cache: \`${shown}\` is not a URL; ${FORM}.` };
	const url = new URL(text);
	if (url.username !== '' || url.password !== '') {
		return {
			problem: `cache: \`${shown}\` has credentials inside, which would end in logs; give the token as the input \`token\`.`,
		};
	}
	if (/\s/.test(line)) return { problem: `cache: \`${shown}\` ${BLANK_INSIDE}.` };
	if (line.includes('#')) return { problem: `cache: \`${shown}\` has a fragment (\`#…\`); leave it out.` };
	const [, prefix = '', cache = ''] = /^(.*\/)([^/]*)$/.exec(url.pathname.replace(/\/$/, '')) ?? [];
	if (cache === '') return { problem: `cache: \`${shown}\` names no cache; ${FORM}.` };
	if (!CACHE_NAME.test(cache)) {
		return {
			problem: `cache: \`${cache}\` is no name that attic allows: up to 50 letters, digits, \`-\`, \`_\` and \`+\`, beginning with a letter or a digit.`,
		};
	}
	// Not `new URL(prefix, …)`: what is behind a leading `//` would be taken for another host.
	const endpoint = new URL(url.origin);
	endpoint.pathname = prefix;
	const place = `${scheme}://${url.host}${prefix}${cache}`;
	return { kind: 'attic', place, endpoint, cache, parameters: url.search, credentials };
}
