import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findNetrc, formatNetrc, type NetrcEntry, parseNetrc } from '../../src/nix/netrc.ts';
import { goldenJson } from './golden.ts';
import { invalidMessage, mutations, unlessInvalid } from './hostile.ts';
import { NETRC_CASES } from './netrc-cases.ts';

const rows = goldenJson<readonly { readonly what: string; readonly sends: string | null }[]>('netrc.json');

function sends(text: string): string | null {
	const entry = findNetrc(parseNetrc(text), '127.0.0.1');
	return entry === null ? null : `${entry.login}:${entry.password}`;
}

describe('a netrc', () => {
	it('is tried with curl in every case', () => {
		expect(rows.map(({ what }) => what)).toEqual(Object.keys(NETRC_CASES));
	});

	it.each(rows)('with $what gives what curl sends, also after it was written again', ({ what, sends: expected }) => {
		const text = NETRC_CASES[what] ?? '';
		expect(sends(text)).toBe(expected);
		expect(sends(formatNetrc(parseNetrc(text)))).toBe(expected);
	});

	it('keeps the order of its entries, those without login and those without password', () => {
		expect(parseNetrc('machine a password b machine c login d default login e\nmachine f')).toEqual([
			{ machine: 'a', login: '', password: 'b' },
			{ machine: 'c', login: 'd', password: '' },
			{ machine: null, login: 'e', password: '' },
			{ machine: 'f', login: '', password: '' },
		]);
	});

	it('has the first value where there are several, and nobody gets what stands before any machine', () => {
		expect(parseNetrc('login x password y machine a login b login c password d password e')).toEqual([
			{ machine: 'a', login: 'b', password: 'd' },
		]);
	});

	it('has nothing in a macro, wherever the macro is', () => {
		const text =
			'machine a login b password c\nmacdef x\n\tlogin "\n\tmachine d\n \t\npassword e\nmachine f login g\nmacdef last\nmachine h';
		expect(parseNetrc(text)).toEqual([
			{ machine: 'a', login: 'b', password: 'c' },
			{ machine: 'f', login: 'g', password: '' },
		]);
	});

	it('is empty when nothing is in it', () => {
		expect(parseNetrc('')).toEqual([]);
		expect(parseNetrc(' \n# machine a\n')).toEqual([]);
		expect(formatNetrc([])).toBe('');
	});

	it.each([
		['a quote that is not closed', 'machine a\nlogin "secret\npassword b', 'Line 2 of the netrc: a double quote is not closed'],
		['a quote that ends with an escape', 'machine a login "secret\\', 'Line 1 of the netrc: a double quote is not closed'],
		['a line break that is escaped', 'machine a login "secret\\\n"', 'Line 1 of the netrc: a double quote is not closed'],
		['a keyword without value', 'machine a\nlogin secret\npassword', 'Line 3 of the netrc: nothing follows `password`'],
		['a NUL', 'machine a login secret\0x', 'Line 1 of the netrc: there is a NUL in it'],
		[
			'a token too long for Nix',
			`machine a password ${'secret'.repeat(800)}`,
			'The password for machine "a" in the netrc has 4800 bytes',
		],
		[
			'a default token too long for Nix',
			`default login ${'secret'.repeat(800)}`,
			'The login for the default entry in the netrc has 4800 bytes',
		],
		['a token too long in UTF-8', `machine a login ${'é'.repeat(2043)}`, 'has 4086 bytes, more than 4085'],
		['more bytes than curl reads', '# secret\n'.repeat(15_000), 'larger than 131072 bytes'],
	])('is refused with %s, without a secret in the message', (_what, text, problem) => {
		const message = invalidMessage(() => parseNetrc(text));
		expect(message).toContain(problem);
		expect(message).not.toContain('secret');
	});

	it('counts lines through comments and macros', () => {
		const text = '# one\n\nmachine a # three\nmacdef m\nfive\n\n# seven\nmachine "';
		expect(invalidMessage(() => parseNetrc(text))).toContain('Line 8 of the netrc');
	});

	it('is refused for nothing but its format, however it is mutilated', () => {
		fc.assert(
			fc.property(fc.constantFrom(...Object.values(NETRC_CASES)).chain(mutations), (text) => {
				const entries = unlessInvalid(() => parseNetrc(text));
				if (entries !== null) unlessInvalid(() => formatNetrc(entries));
			}),
			{ numRuns: 300 },
		);
	});
});

const word = fc.oneof(
	fc.string({ maxLength: 20 }).filter((text) => !text.includes('\0')),
	fc.string({ unit: fc.constantFrom(...'ab"\\# \t\n\r\'é:'), maxLength: 12 }),
	fc.constantFrom('', 'machine', 'default', 'macdef', 'x'.repeat(4085)),
);
const entry: fc.Arbitrary<NetrcEntry> = fc.record({ machine: fc.option(word), login: word, password: word });

it('the credentials of an IPv6 address are found with and without brackets', () => {
	const entries = parseNetrc('machine ::1 login a password b\nmachine [FE80::2] login c password d');
	for (const [host, login] of [
		['[::1]', 'a'],
		['::1', 'a'],
		['[fe80::2]', 'c'],
		['fe80::2', 'c'],
	] as const)
		expect(findNetrc(entries, host)?.login).toBe(login);
	expect(findNetrc(entries, '[::2]')).toBeNull();
});

describe('writing a netrc', () => {
	it('is the inverse of reading one, defaults last', () => {
		fc.assert(
			fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
				const last = (one: NetrcEntry): number => (one.machine === null ? 1 : 0);
				expect(parseNetrc(formatNetrc(entries))).toEqual([...entries].sort((a, b) => last(a) - last(b)));
			}),
			{ numRuns: 300 },
		);
	});

	it('has a login in every entry and one token on a line', () => {
		const entries = [
			{ machine: null, login: 'd', password: '#e' },
			{ machine: 'a', login: '', password: 'b c"\\' },
		];
		expect(formatNetrc(entries)).toBe('machine a\nlogin ""\npassword "b c\\"\\\\"\ndefault\nlogin d\npassword "#e"\n');
	});

	it('quotes letters beyond ASCII, on which curl 8.14 fails otherwise', () => {
		expect(formatNetrc([{ machine: 'a', login: 'é', password: 'b"\\#' }])).toBe('machine a\nlogin "é"\npassword b"\\#\n');
	});

	it.each([
		['too long', 's'.repeat(4086), 'The password for machine "a" in the netrc has 4086 bytes'],
		['too long once it is quoted', '"'.repeat(2043), 'has 4088 bytes'],
		['that has a NUL in it', 'sss\0', 'The password for machine "a" has a NUL in it'],
	])('is refused with a password %s', (_what, password, problem) => {
		const message = invalidMessage(() => formatNetrc([{ machine: 'a', login: 'b', password }]));
		expect(message).toContain(problem);
		expect(message).not.toContain('sss');
	});

	it('is refused when curl would not read so large a file', () => {
		const entries = Array.from({ length: 40 }, (_, index) => ({ machine: `m${index}`, login: 'a', password: 'b'.repeat(4000) }));
		expect(invalidMessage(() => formatNetrc(entries))).toContain('larger than 131072 bytes');
	});
});

describe('finding credentials', () => {
	const entries = parseNetrc(
		'default login d password d\nmachine A.example login a password a\nmachine a.EXAMPLE login b password b',
	);

	it('takes the first entry of that name, in any case, before any default', () => {
		expect(findNetrc(entries, 'a.example')?.login).toBe('a');
		expect(findNetrc(entries, 'A.EXAMPLE')?.login).toBe('a');
	});

	it('takes the default for every other host, and nothing when there is none', () => {
		expect(findNetrc(entries, 'b.example')?.login).toBe('d');
		expect(findNetrc(entries.slice(1), 'b.example')).toBeNull();
		expect(findNetrc(entries.slice(1), 'x.a.example')).toBeNull();
	});
});
