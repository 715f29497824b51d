/** Keeps secrets out of texts. */
export interface Masking {
	/** Whether it is a new one. */
	add(secret: string): boolean;
	/** The text with `***` in place of every secret. */
	clean(text: string): string;
}

/** Shorter than this would mask half of the log. */
const SHORTEST_MASK = 4;

export function createMasking(): Masking {
	const known = new Set<string>();
	let secrets: readonly string[] = [];
	return {
		add(secret) {
			if (secret === '' || known.has(secret)) return false;
			known.add(secret);
			// Longest first: a secret that holds another one must be replaced whole.
			if (secret.length >= SHORTEST_MASK) secrets = [...secrets, secret].sort((a, b) => b.length - a.length);
			return true;
		},
		clean: (text) => secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text),
	};
}
