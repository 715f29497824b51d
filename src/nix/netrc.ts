import { CacheError } from '../errors.ts';
import { quote } from './quote.ts';

/** Credentials for one host, or for every other one. */
export interface NetrcEntry {
	/** Host name without port, `null` for the entry `default`. */
	readonly machine: string | null;
	/** Empty when the entry has none; servers that take a token as password ignore it. */
	readonly login: string;
	readonly password: string;
}

/**
 * The limits of curl, which reads the file for Nix. Up to 8.10 a line has at most 4,095 bytes, its end among them, and a longer one
 * is skipped; later a token has at most 4,095 and the file 128 KiB, and beyond either the whole file is an error. A token of 4,085
 * bytes on a line with `password` in front is the longest that every version takes (tried with 7.88, 8.14 and 8.23).
 */
const MAX_TOKEN_BYTES = 4085;
const MAX_FILE_BYTES = 128 * 1024;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

interface Token {
	readonly text: string;
	readonly line: number;
	/** Where the next token may begin. */
	readonly end: number;
}

function syntaxError(line: number, problem: string): CacheError {
	return new CacheError('format-invalid', `Line ${line} of the netrc: ${problem}.`, {
		hint: 'The format is `machine HOST login USER password SECRET`.',
	});
}

/** A token in double quotes; a backslash makes the next character plain, or a line break or tab of `n`, `r`, `t`. */
function readQuoted(text: string, start: number, line: number): Token {
	let value = '';
	for (let at = start + 1; at < text.length; at++) {
		const character = text.charAt(at);
		if (character === '"') return { text: value, line, end: at + 1 };
		if (character === '\n') break;
		if (character === '\\') {
			const escaped = text.charAt(++at);
			if (escaped === '\n') break;
			value += ESCAPES[escaped] ?? escaped;
		} else {
			value += character;
		}
	}
	throw syntaxError(line, 'a double quote is not closed');
}

const SPACE = /[ \t\r\n]/;

/** Hands out the tokens of a netrc. */
class Tokens {
	readonly #text: string;
	#at = 0;
	#line = 1;

	constructor(text: string) {
		this.#text = text;
	}

	/** The next token, `null` at the end. A `#` where a token would begin makes the rest of the line a comment. */
	next(): Token | null {
		for (; this.#at < this.#text.length; this.#at++) {
			const character = this.#text.charAt(this.#at);
			if (character === '\n') this.#line++;
			else if (character === '#') this.#at = this.#endOfLine() - 1;
			else if (!SPACE.test(character)) return this.#token(character);
		}
		return null;
	}

	/** The value after a keyword. */
	value(keyword: Token): Token {
		const token = this.next();
		if (token === null) throw syntaxError(keyword.line, `nothing follows \`${keyword.text}\``);
		return token;
	}

	/** Passes over the body of a macro, which ends with a blank line. */
	skipMacro(): void {
		const blank = /\n[ \t\r]*(?:\n|$)/g;
		blank.lastIndex = this.#endOfLine();
		const end = blank.exec(this.#text) === null ? this.#text.length : blank.lastIndex - 1;
		for (; this.#at < end; this.#at++) if (this.#text.charAt(this.#at) === '\n') this.#line++;
	}

	#token(first: string): Token {
		const token = first === '"' ? readQuoted(this.#text, this.#at, this.#line) : this.#plain();
		this.#at = token.end;
		if (token.text.includes('\0')) throw syntaxError(token.line, 'there is a NUL in it');
		return token;
	}

	#plain(): Token {
		let end = this.#at;
		while (end < this.#text.length && !SPACE.test(this.#text.charAt(end))) end++;
		return { text: this.#text.slice(this.#at, end), line: this.#line, end };
	}

	#endOfLine(): number {
		const end = this.#text.indexOf('\n', this.#at);
		return end === -1 ? this.#text.length : end;
	}
}

function nameOf(machine: string | null): string {
	return machine === null ? 'the default entry' : `machine ${quote(machine)}`;
}

function tooLong(machine: string | null, what: string, sizeBytes: number): CacheError {
	return new CacheError(
		'format-invalid',
		`The ${what} for ${nameOf(machine)} in the netrc has ${sizeBytes} bytes, more than ${MAX_TOKEN_BYTES}.`,
		{
			hint: 'Nix would ignore it, or the whole file, and send no credentials at all: use a shorter token.',
		},
	);
}

interface OpenEntry {
	readonly machine: string | null;
	login: string | null;
	password: string | null;
}

function newEntry(machine: string | null): OpenEntry {
	return { machine, login: null, password: null };
}

/**
 * Reads a netrc as curl does for Nix: tokens over any number of lines, keywords in any case, double quotes with escapes, comments,
 * `macdef` (passed over), `account` (passed over), `default`; words that mean nothing are ignored. An entry without login has an
 * empty one. Throws `format-invalid` on what makes curl fail or send nothing; messages name lines and machines, never secrets.
 */
export function parseNetrc(text: string): readonly NetrcEntry[] {
	if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
		throw new CacheError('format-invalid', `The netrc is larger than ${MAX_FILE_BYTES} bytes, the most that Nix can read.`);
	}
	const tokens = new Tokens(text);
	const entries: OpenEntry[] = [];
	/** What `login` and `password` belong to; `null` before the first machine and after a macro. */
	let open: OpenEntry | null = null;
	for (let token = tokens.next(); token !== null; token = tokens.next()) {
		switch (token.text.toLowerCase()) {
			case 'machine':
				entries.push((open = newEntry(tokens.value(token).text)));
				break;
			case 'default':
				entries.push((open = newEntry(null)));
				break;
			case 'login':
				setOnce(open, 'login', tokens.value(token));
				break;
			case 'password':
				setOnce(open, 'password', tokens.value(token));
				break;
			case 'account':
				tokens.value(token);
				break;
			case 'macdef':
				tokens.skipMacro();
				open = null;
				break;
		}
	}
	return entries.map(({ machine, login, password }) => ({ machine, login: login ?? '', password: password ?? '' }));
}

/** The first value stays: that is what curl up to 8.22 sends. Values before any machine belong to nobody. */
function setOnce(entry: OpenEntry | null, what: 'login' | 'password', value: Token): void {
	if (entry === null) return;
	const sizeBytes = Buffer.byteLength(value.text);
	if (sizeBytes > MAX_TOKEN_BYTES) throw tooLong(entry.machine, what, sizeBytes);
	entry[what] ??= value.text;
}

/**
 * Quoted only where it must be: curl before 7.84 takes quotes for parts of the token. Letters beyond ASCII must be, since curl 8.14
 * fails on them otherwise.
 */
function formatToken(text: string): string {
	if (/^[!$-~][!-~]*$/.test(text)) return text;
	const escaped = text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t');
	return `"${escaped}"`;
}

function formatField(keyword: string, text: string, machine: string | null): string {
	if (text.includes('\0'))
		throw new CacheError('format-invalid', `The ${keyword} for ${nameOf(machine)} has a NUL in it, which a netrc can't hold.`);
	const token = formatToken(text);
	const sizeBytes = Buffer.byteLength(token);
	if (sizeBytes > MAX_TOKEN_BYTES) throw tooLong(machine, keyword, sizeBytes);
	return `${keyword} ${token}\n`;
}

/**
 * Writes entries so that every curl reads them back: `login` always there (without it curl 7.85 may drop the password), each token on
 * a line of its own, `default` entries behind all others, because curl looks no further than the first entry that fits.
 * Throws `format-invalid` when something is too long for Nix to read.
 */
export function formatNetrc(entries: readonly NetrcEntry[]): string {
	const ordered = [...entries.filter((entry) => entry.machine !== null), ...entries.filter((entry) => entry.machine === null)];
	const text = ordered
		.map(({ machine, login, password }) => {
			const head = machine === null ? 'default\n' : formatField('machine', machine, machine);
			return head + formatField('login', login, machine) + formatField('password', password, machine);
		})
		.join('');
	if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
		throw new CacheError('format-invalid', `The netrc would be larger than ${MAX_FILE_BYTES} bytes, the most that Nix can read.`);
	}
	return text;
}

/** A host as curl looks for it: in lower case, and an IPv6 address without the brackets that it has in a URL. */
export function netrcMachine(host: string): string {
	return host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
}

/** The credentials for `host` (no port; case does not matter): the first entry of that name, else the first `default`, else `null`. */
export function findNetrc(entries: readonly NetrcEntry[], host: string): NetrcEntry | null {
	const wanted = netrcMachine(host);
	const named = entries.find((entry) => entry.machine !== null && netrcMachine(entry.machine) === wanted);
	return named ?? entries.find((entry) => entry.machine === null) ?? null;
}
