import type { Credentials } from './credentials.ts';
import { BLANK_INSIDE, type Refusal, withoutUserInfo } from './refusal.ts';

/** A cache that a niks3 server keeps. */
export interface Niks3Target {
	readonly kind: 'niks3';
	/** For people: which server. */
	readonly place: string;
	/** Where its API is, with a slash at its end; no user info, query or fragment. */
	readonly url: URL;
	/** What Nix is to get behind the URL that the server names: '' or `?…`, as the user wrote it. */
	readonly parameters: string;
	/** `null`: the job identifies itself with a token of GitHub's, or only reads. */
	readonly token: string | null;
}

/** `niks3://host[:port][/path]`, over https; `niks3+http://…` over plain http. Parameters are Nix's own. */
export function parseNiks3Url(line: string, credentials: Credentials | null): Niks3Target | Refusal {
	const refuse = (why: string): Refusal => ({ problem: `cache: \`${withoutUserInfo(line)}\` ${why}.` });
	const [, plain, rest = ''] = /^niks3(\+http)?:\/\/([^?#]*)/.exec(line) ?? [];
	const written = `${plain === undefined ? 'https' : 'http'}://${rest}`;
	const url = rest !== '' && URL.canParse(written) ? new URL(written) : null;
	if (url === null || line.includes('#')) return refuse('is not the URL of a server; write `niks3://host`');
	if (url.username !== '' || url.password !== '') return refuse('has credentials inside; give a token as `token`');
	if (/\s/.test(line)) return refuse(BLANK_INSIDE);
	if (credentials !== null && credentials.kind !== 'bearer') {
		return refuse(
			'takes no `username` and `password`; give a token as `token`, or let the job have `permissions: id-token: write`',
		);
	}
	if (!url.pathname.endsWith('/')) url.pathname += '/';
	const parameters = /\?.*$/.exec(line)?.[0] ?? '';
	return {
		kind: 'niks3',
		place: line.slice(0, line.length - parameters.length).replace(/\/+$/, ''),
		url,
		parameters: parameters === '?' ? '' : parameters,
		token: credentials?.token ?? null,
	};
}
