/** Untrusted text as it may stand in a message: quoted, control characters escaped, cut after `limit` characters. */
export function quote(text: string, limit = 80): string {
	const shown = text.length > limit ? `${text.slice(0, limit)}…` : text;
	return JSON.stringify(shown);
}
