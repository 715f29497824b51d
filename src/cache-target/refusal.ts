/** A store URL that can't be used: what is wrong, and what is allowed. It never repeats credentials. */
export interface Refusal {
	readonly problem: string;
}

/** For a problem's text: credentials inside of a URL must not be repeated. A password may hold slashes, and what is hidden too much harms nobody. */
export function withoutUserInfo(text: string): string {
	return text.replace(/\/\/.*@/s, '//***@').replace(/^[^/:]*:[^/]*@/, '***@');
}

/** Of a line that goes on behind a blank: a URL parser takes that for part of the path, and `nix.conf` for the next URL. */
export const BLANK_INSIDE = 'has a blank inside; each URL has a line of its own, and a blank in a path is `%20`';

/** Parameters of a store URL that `nix copy` heeds: they would change what is in the cache, and would go unheard here. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
	['secret-key', 'use the input `signing-key`'],
	['secret-keys', 'use the input `signing-key`'],
	['compression', 'use the input `compression`'],
	['compression-level', 'use the input `compression-level`'],
	['narinfo-compression', 'narinfos are not compressed here; leave it out'],
	['ls-compression', 'no listings are written here; leave it out'],
	['log-compression', 'no build logs are written here; leave it out'],
	['write-nar-listing', 'no listings are written here; leave it out'],
	['index-debug-info', 'debug information is not indexed here; leave it out'],
]);

/** What is wrong with a parameter that has an input in its place, or none here; `null` for all others. */
export function setElsewhere(name: string): string | null {
	const instead = ELSEWHERE.get(name);
	return instead === undefined ? null : `has the parameter \`${name}\`: ${instead}.`;
}

/** The same for all parameters of a line. */
export function parametersSetElsewhere(line: string): string | null {
	const [, query = ''] = /\?([^#]*)/.exec(line) ?? [];
	for (const parameter of query.split('&')) {
		const problem = setElsewhere(parameter.replace(/=.*/s, ''));
		if (problem !== null) return problem;
	}
	return null;
}
