/** A store URL that can't be used: what is wrong, and what is allowed. It never repeats credentials. */
export interface Refusal {
	readonly problem: string;
}

/** For a problem's text: credentials inside of a URL must not be repeated. A password may hold slashes, and what is hidden too much harms nobody. */
export function withoutUserInfo(text: string): string {
	return text.replace(/\/\/.*@/s, '//***@').replace(/^[^/:]*:[^/]*@/, '***@');
}
