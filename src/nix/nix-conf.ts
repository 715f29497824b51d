import { CacheError } from '../errors.ts';
import { quote } from './quote.ts';

/** One line of a nix.conf that means something, in the order of the file: later ones win, `extra-` ones add to what stands before. */
export type ConfLine =
	| { readonly kind: 'setting'; readonly name: string; readonly value: string }
	/** A relative path starts from the file's own folder. A missing file is an error unless `optional` (`!include`). */
	| { readonly kind: 'include'; readonly path: string; readonly optional: boolean };

/** What Nix splits lines at; other white space belongs to the words. */
const BLANKS = /[ \t\r]+/;

/** Words joined by single blanks: all that Nix keeps of a value (libutil/configuration.cc). */
function normalized(text: string): string {
	return text
		.split(BLANKS)
		.filter((word) => word !== '')
		.join(' ');
}

/**
 * `name = value` and a line end; a list is joined by blanks. Throws `format-invalid` when Nix would not read back the same: line
 * breaks, `#` (a comment, wherever it stands), blanks at the ends or several in a row, blanks within an item of a list.
 */
export function formatSetting(name: string, value: string | readonly string[]): string {
	if (!/^[A-Za-z0-9_-]+$/.test(name)) throw new CacheError('format-invalid', `${quote(name)} is no name of a Nix setting.`);
	const items = typeof value === 'string' ? [value] : value;
	const text = items.join(' ');
	const problem = unwritable(items, text, typeof value !== 'string');
	if (problem !== null) {
		throw new CacheError('format-invalid', `The Nix setting \`${name}\` can't have this value: ${problem}.`);
	}
	return `${name} = ${text}\n`;
}

/** The value itself is not shown: it may be an `access-tokens`. */
function unwritable(items: readonly string[], text: string, list: boolean): string | null {
	if (/[\p{Cc}]/u.test(text)) return 'there is a line break or another control character in it';
	if (text.includes('#')) return 'there is a `#` in it, where Nix begins a comment';
	if (list && items.some((item) => item === '' || item.includes(' '))) return 'an item of a list is empty or has a blank in it';
	return normalized(text) === text ? null : 'Nix keeps neither blanks at its ends nor several in a row';
}

function parseLine(line: string, lineNumber: number): ConfLine | null {
	const words = normalized(line.replace(/#.*$/s, '')).split(' ');
	const [first = '', second, third] = words;
	if (first === '') return null;
	if (first === 'include' || first === '!include') {
		if (second !== undefined && third === undefined) return { kind: 'include', path: second, optional: first === '!include' };
	} else if (second === '=') {
		return { kind: 'setting', name: first, value: words.slice(2).join(' ') };
	}
	throw new CacheError(
		'format-invalid',
		`Line ${lineNumber} of the Nix configuration is neither \`name = value\` nor an include.`,
	);
}

/**
 * Reads a nix.conf (or NIX_CONFIG) as Nix does, comments left out; includes are not followed. Throws `format-invalid` on a line that
 * Nix refuses, without showing it.
 */
export function parseNixConf(text: string): readonly ConfLine[] {
	return text
		.split('\n')
		.map((line, index) => parseLine(line, index + 1))
		.filter((line) => line !== null);
}
