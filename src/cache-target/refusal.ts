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
