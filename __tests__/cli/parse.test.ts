import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Command, optionValue } from '../../src/cli/command.ts';
import { COMMANDS, commandNamed, optionsOf } from '../../src/cli/commands.ts';
import { parseArguments } from '../../src/cli/parse.ts';
import { type CacheError, isCacheError } from '../../src/errors.ts';
import { INPUT_NAMES } from '../../src/inputs/given.ts';

function command(name: string): Command {
	const found = commandNamed(name);
	if (found === null) throw new Error(`there is no ${name}`);
	return found;
}

const push = command('push');

function refusal(args: readonly string[], of: Command = push): CacheError {
	try {
		parseArguments(of, args);
	} catch (error) {
		if (isCacheError(error, 'input-invalid')) return error;
		throw error;
	}
	throw new Error('it was taken');
}

describe('the arguments of a command', () => {
	it('may stand in any order, with values behind a blank or an equals sign', () => {
		const args = parseArguments(push, [
			'--exclude=a=b',
			'file:///x',
			'--dry-run',
			'--exclude',
			'-doc$',
			'./result',
			'-q',
			'--',
			'--odd',
		]);
		expect(args.operands).toEqual(['file:///x', './result', '--odd']);
		expect(args.values.get('exclude')).toEqual(['a=b', '-doc$']);
		expect([...args.switches]).toEqual(['dry-run', 'quiet']);
	});

	it('have the defaults that the help shows', () => {
		const args = parseArguments(push, ['file:///x', 'y']);
		expect(optionValue(push, args, 'skip-signed-by')).toBe('cache.nixos.org-1');
		expect(optionValue(push, parseArguments(push, ['u', 'p', '--skip-signed-by', '']), 'skip-signed-by')).toBe('');
		expect(optionValue(push, args, 'push-url')).toBe(null);
	});

	it.each([
		[['u', 'p', '--compresion', 'xz'], /no option `--compresion`/, 'Did you mean `--compression`?'],
		[['u', 'p', '--dryrun'], /no option `--dryrun`/, 'Did you mean `--dry-run`?'],
		[['u', 'p', '-x'], /no option `-x`/, '`nix-cache-action push --help` shows all that it takes.'],
		[['u', 'p', '--compression', 'zst'], /does not take `zst`/, 'Did you mean `zstd`?'],
		[['u', 'p', '--compression', 'lzma9000'], /does not take/, 'It takes `zstd`, `xz`, `gzip`, `br`, `none`.'],
		[['u', 'p', '--push-url'], /`--push-url` takes a value: `--push-url URL`/, null],
		[['u', 'p', '--push-url', '--json'], /`--push-url` takes a value/, null],
		[['u', 'p', '--dry-run=yes'], /takes no value/, null],
		[['u', 'p', '--push-url', 'a', '--push-url', 'b'], /given twice/, null],
		[['u'], /needs PATH/, null],
		[[], /needs URL/, null],
	])('are refused with what was meant: %j', (args, message, hint) => {
		const error = refusal(args);
		expect(error.message).toMatch(message);
		if (hint !== null) expect(error.hint).toBe(hint);
	});

	it('that are too many are counted, not shown', () => {
		expect(refusal(['name', 'hunter2'], command('keygen')).message).toBe(
			'`nix-cache-action keygen` takes 1 argument, and there are 2.',
		);
	});

	it.each(['token', 'password', 'username', 'signing-key', 'netrc'])(
		'hold no secret: --%s is refused, with the variable to set',
		(name) => {
			const error = refusal(['u', 'p', `--${name}`, 'hunter2']);
			expect(error.hint).toMatch(new RegExp(`NIX_CACHE_${name.replace('-', '_').toUpperCase()}`));
			expect(`${error.message}${error.hint}`).not.toContain('hunter2');
		},
	);

	it('never end otherwise than parsed or refused, and a refusal shows no value but a wrong choice', () => {
		const word = fc.oneof(
			fc.string(),
			fc.constantFrom('--exclude', '--push-url', '--dry-run', '-q', '--', '-', '--token', '--json'),
		);
		fc.assert(
			fc.property(fc.array(word, { maxLength: 6 }), fc.stringMatching(/^[a-z]{12}$/), (words, secret) => {
				const args = [...words, '--push-url', secret, '--push-url', secret];
				try {
					parseArguments(push, args);
				} catch (error) {
					if (!isCacheError(error, 'input-invalid')) throw error;
					expect(`${error.message} ${error.hint}`).not.toContain(secret);
				}
			}),
		);
	});
});

describe('the table of commands', () => {
	it('names inputs that the action has', () => {
		const named = COMMANDS.flatMap(({ options, variables }) => [...options, ...variables].flatMap(({ input }) => input ?? []));
		expect(named.length).toBeGreaterThan(15);
		expect(named.filter((input) => !INPUT_NAMES.includes(input))).toEqual([]);
	});

	it('has each option once for a command, and examples that parse', () => {
		for (const one of COMMANDS) {
			const names = optionsOf(one).map(({ name }) => name);
			expect(new Set(names).size).toBe(names.length);
			for (const line of one.examples) parseLine(line);
		}
	});

	it('takes every command line of the documentation', () => {
		const root = join(import.meta.dirname, '..', '..');
		const lines = globSync(['docs/**/*.md', 'README.md'], { cwd: root }).flatMap((file) =>
			[...readFileSync(join(root, file), 'utf8').matchAll(/^```(?:sh|ya?ml|groovy)\n(.*?)^```/gms)].flatMap(([, block = '']) =>
				block.split('\n').filter((line) => /nix-cache-action(?:\.tgz)? [a-z-]/.test(line)),
			),
		);
		expect(lines.length).toBeGreaterThan(15);
		for (const line of lines) parseLine(line);
	});
});

/** Reads what stands behind the program's name in a line for a shell. */
function parseLine(line: string): void {
	const [, rest = ''] = /nix-cache-action(?:\.tgz)? (.*)$/.exec(line) ?? [];
	const [plain = ''] = rest.split(/ \|| >|\)$|; /);
	const [name = '', ...args] = (plain.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'));
	if (name !== '--help') parseArguments(command(name), args);
}
