import { describe, expect, it } from 'vitest';
import { inOurWords } from '../../src/cli/words.ts';
import { describeError } from '../../src/errors.ts';
import { parseInputs } from '../../src/inputs/inputs.ts';

function messageOf(inputs: Readonly<Record<string, string>>): string {
	try {
		parseInputs((name) => inputs[name] ?? '');
	} catch (error) {
		return inOurWords(describeError(error));
	}
	throw new Error('nothing was wrong');
}

describe('a message of the action, said on the command line', () => {
	it('names flags and variables in place of inputs', () => {
		expect(messageOf({ compression: 'lzma' })).toMatch(/^--compression: `lzma` is not allowed/);
		expect(messageOf({ 'signing-key': 'x' })).toMatch(/^NIX_CACHE_SIGNING_KEY: /);
		expect(messageOf({ cache: 'nonsense' })).toMatch(/^URL: `nonsense` is not a URL|^URL: `nonsense` has no scheme/);
		expect(inOurWords('Raise `push-timeout`, or leave large paths out with `max-path-size`.')).toBe(
			'Raise `--push-timeout`, or leave large paths out with `--max-path-size`.',
		);
	});

	it('has all problems when there are several', () => {
		const lines = messageOf({ compression: 'lzma', verify: 'maybe' }).split('\n');
		expect(lines).toEqual([expect.stringMatching(/^--compression: /), expect.stringMatching(/^- --verify: /)]);
	});

	it('leaves other words alone', () => {
		for (const text of ['https: it is', 'sudo: no password', '`nix-cache-info` of `verify-me`'])
			expect(inOurWords(text)).toBe(text);
	});
});
