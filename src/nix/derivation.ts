import { CacheError } from '../errors.ts';

/** One output of a derivation. */
export interface DerivationOutput {
	readonly name: string;
	/** Full path; `null` when it is only known after the build (content-addressed derivations). */
	readonly path: string | null;
}

/** libstore/derivations.cc: `Derive(` in the usual form, `DrvWithVersion("xp-dyn-drv",` for what depends on outputs of outputs. */
const HEAD = /^(?:Derive\(|DrvWithVersion\("[a-z-]{1,40}",)\[/;
/** Name, path, how it is hashed, hash. None of them needs an escape. */
const OUTPUT = /\("([^"\\]{1,250})","([^"\\]*)","[^"\\]*","[^"\\]*"\)([,\]])/y;

/** Reads the outputs, which stand first, from the text of a `.drv` file; what follows may be cut off. Throws `format-invalid`. */
export function parseDerivationOutputs(text: string): readonly DerivationOutput[] {
	const head = HEAD.exec(text);
	if (head === null) throw new CacheError('format-invalid', 'This is not the text of a derivation.');
	const outputs: DerivationOutput[] = [];
	OUTPUT.lastIndex = head[0].length;
	for (;;) {
		const [, name, path, next] = OUTPUT.exec(text) ?? [];
		if (name === undefined) throw new CacheError('format-invalid', 'The outputs of a derivation are cut off or malformed.');
		outputs.push({ name, path: path === undefined || path === '' ? null : path });
		if (next === ']') return outputs;
	}
}

/** In the text of a derivation a quote within a string is escaped, so these can only be where variables of the builder are. */
const FORBIDDEN = '("allowSubstitutes","")';
const STRUCTURED = /\("__json","((?:[^"\\]|\\.)*)"\)/s;

/**
 * Whether the text of a whole `.drv` file says `allowSubstitutes = false`: then Nix builds it even where a cache has its outputs (unless
 * `always-allow-substitutes` is set). libstore/parsed-derivations.cc.
 */
export function forbidsSubstitutes(text: string): boolean {
	if (text.includes(FORBIDDEN)) return true;
	const structured = STRUCTURED.exec(text)?.[1];
	if (structured === undefined) return false;
	try {
		const attributes: unknown = JSON.parse(unescaped(structured));
		return (
			typeof attributes === 'object' &&
			attributes !== null &&
			'allowSubstitutes' in attributes &&
			attributes.allowSubstitutes === false
		);
	} catch {
		return false;
	}
}

/** libstore/derivations.cc, parseString. */
function unescaped(text: string): string {
	const whites: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
	return text.replace(/\\(.)/gs, (_, character: string) => whites[character] ?? character);
}
