import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNixConf } from '../../src/nix/nix-conf.ts';
import { withInclude, withoutInclude } from '../../src/setup/system-conf.ts';

const file = (id: string): string => `/etc/nix/nix-cache-action-${id}.conf`;

/** Any configuration there may be, with and without a line end at the end, empty, or none at all. */
const conf = fc.oneof(
	fc.constant(null),
	fc
		.array(fc.constantFrom('substituters = https://a', '', '# comment', '!include nix.custom.conf', ' x = y '), { maxLength: 5 })
		.chain((lines) => fc.constantFrom(lines.join('\n'), `${lines.join('\n')}\n`)),
);

describe("the line in the system's configuration", () => {
	it('includes our file, once, after all that is there', () => {
		const once = withInclude('substituters =\n', file('a'));
		expect(parseNixConf(once)).toEqual([
			{ kind: 'setting', name: 'substituters', value: '' },
			{ kind: 'include', path: file('a'), optional: true },
		]);
		expect(withInclude(once, file('a'))).toBe(once);
	});

	it('leaves every byte as it was, in whatever order several uses come and go', () => {
		const ids = ['a', 'b', 'c', 'd'];
		const order = fc.shuffledSubarray(ids, { minLength: ids.length });
		fc.assert(
			fc.property(conf, order, order, (before, coming, going) => {
				const added = coming.reduce<string | null>((text, id) => withInclude(text, file(id)), before);
				expect(going.reduce<string | null>((text, id) => withoutInclude(text, file(id)), added)).toBe(before);
			}),
		);
	});

	it('does not touch what others append meanwhile', () => {
		fc.assert(
			fc.property(conf, fc.boolean(), (before, ended) => {
				const appended = `${withInclude(before, file('a'))}max-jobs = 3${ended ? '\n' : ''}`;
				const left = parseNixConf(withoutInclude(appended, file('a')) ?? '');
				expect(left).toEqual([...parseNixConf(before ?? ''), { kind: 'setting', name: 'max-jobs', value: '3' }]);
			}),
		);
	});

	it('is no more there when it is taken away twice, and never was in a file without it', () => {
		const twice = withoutInclude(withoutInclude(withInclude('a = b', file('a')), file('a')), file('a'));
		expect(twice).toBe('a = b');
		expect(withoutInclude(null, file('a'))).toBeNull();
		expect(withoutInclude(withInclude('a = b', file('a')), file('b'))).toBe(withInclude('a = b', file('a')));
	});
});
