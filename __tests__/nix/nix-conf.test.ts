import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSetting, parseNixConf } from '../../src/nix/nix-conf.ts';
import { goldenJson } from './golden.ts';
import { invalidMessage, mutations, unlessInvalid } from './hostile.ts';

interface Golden {
	readonly text: string;
	readonly values: Readonly<Record<string, string | number | readonly string[]>>;
}

const golden = goldenJson<Golden>('nix-conf.json');

describe('reading a nix.conf', () => {
	it('finds the values that Nix finds', () => {
		const found = parseNixConf(golden.text).flatMap((line) =>
			line.kind === 'setting' ? [[line.name, line.value] as const] : [],
		);
		const expected = Object.entries(golden.values).map(
			([name, value]) => [name, Array.isArray(value) ? value.join(' ') : String(value)] as const,
		);
		expect(new Map(found)).toEqual(new Map(expected));
	});

	it('keeps the order, and includes as they stand', () => {
		const text = 'cores = 1\ninclude a.conf # why\n!include /b.conf\nextra-substituters = x y\ncores = 2';
		expect(parseNixConf(text)).toEqual([
			{ kind: 'setting', name: 'cores', value: '1' },
			{ kind: 'include', path: 'a.conf', optional: false },
			{ kind: 'include', path: '/b.conf', optional: true },
			{ kind: 'setting', name: 'extra-substituters', value: 'x y' },
			{ kind: 'setting', name: 'cores', value: '2' },
		]);
	});

	it('finds nothing in comments and blank lines', () => {
		expect(parseNixConf('')).toEqual([]);
		expect(parseNixConf('# cores = 1\n \t\r\n#\n')).toEqual([]);
	});

	it.each([
		['a word alone', 'cores = 1\nsecret-word\n', 'Line 2'],
		['no blank before the sign', 'cores= 1', 'Line 1'],
		['no sign', 'access-tokens secret-word', 'Line 1'],
		['an include of nothing', 'include', 'Line 1'],
		['an include of two files', 'include a b', 'Line 1'],
		['a value that is a comment', 'access-tokens # = secret-word', 'Line 1'],
	])('refuses a line with %s, as Nix does, and does not show it', (_what, text, where) => {
		const message = invalidMessage(() => parseNixConf(text));
		expect(message).toContain(`${where} of the Nix configuration is neither`);
		expect(message).not.toContain('secret-word');
	});

	it('fails for nothing but the format, however the text is mutilated', () => {
		fc.assert(
			fc.property(mutations(golden.text), (text) => {
				for (const line of unlessInvalid(() => parseNixConf(text)) ?? []) {
					if (line.kind === 'setting') expect(line.value).not.toMatch(/[\n#]/);
				}
			}),
		);
	});
});

describe('writing a setting', () => {
	const word = fc.string({ minLength: 1, maxLength: 30 }).filter((text) => !/[\s\p{Cc}#]/u.test(text));

	it('gives a line that reads as the same value', () => {
		fc.assert(
			fc.property(fc.array(word), (words) => {
				const value = words.join(' ');
				expect(parseNixConf(formatSetting('extra-substituters', words))).toEqual([
					{ kind: 'setting', name: 'extra-substituters', value },
				]);
				expect(formatSetting('x', value)).toBe(formatSetting('x', words));
			}),
		);
	});

	it('either refuses a text or gives it back exactly', () => {
		const text = fc.string({ unit: fc.constantFrom(...'ab#= \t\r\n\0\u{a0}é'), maxLength: 12 });
		fc.assert(
			fc.property(text, (value) => {
				const line = unlessInvalid(() => formatSetting('netrc-file', value));
				if (line !== null) expect(parseNixConf(`${line}cores = 1\n`)[0]).toEqual({ kind: 'setting', name: 'netrc-file', value });
			}),
			{ numRuns: 500 },
		);
	});

	it.each([
		['a line break', 'a\nb', 'there is a line break'],
		['a carriage return', 'a\rb', 'there is a line break'],
		['a comment sign', 'https://a.example/#b', 'there is a `#` in it'],
		['a blank at its end', 'a ', 'Nix keeps neither blanks'],
		['two blanks in a row', 'a  b', 'Nix keeps neither blanks'],
		['an item with a blank', ['a b'], 'an item of a list is empty or has a blank'],
		['an empty item', ['a', ''], 'an item of a list is empty'],
	])('is refused for a value with %s, and the value is not shown', (_what, value, problem) => {
		const message = invalidMessage(() => formatSetting('access-tokens', value));
		expect(message).toContain(`The Nix setting \`access-tokens\` can't have this value: ${problem}`);
		expect(message).not.toContain('a.example');
	});

	it.each(['', 'a b', 'a=b', 'a#', 'a\n'])('is refused for the name %j', (name) => {
		expect(invalidMessage(() => formatSetting(name, 'x'))).toContain('is no name of a Nix setting');
	});
});
