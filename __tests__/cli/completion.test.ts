import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { completionFor } from '../../src/cli/completion.ts';

/** What bash offers for the last of `words`. */
function offered(...words: readonly string[]): readonly string[] {
	return offeredBy('', ...words);
}

/** The same after the commands `before`. */
function offeredBy(before: string, ...words: readonly string[]): readonly string[] {
	const quoted = words.map((word) => `'${word}'`).join(' ');
	const script = `${before}\n${completionFor('bash')}\nCOMP_WORDS=(nix-cache-action ${quoted}) COMP_CWORD=${words.length}\n_nix_cache_action\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
	const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8', cwd: import.meta.dirname });
	expect([status, stderr]).toEqual([0, '']);
	return stdout.split('\n').filter((line) => line !== '');
}

describe('completion for bash', () => {
	it('offers commands first', () => {
		expect(offered('')).toEqual(['push', 'serve', 'doctor', 'keygen', 'ls', 'gc', 'completion', '--help', '--version']);
		expect(offered('k')).toEqual(['keygen']);
	});

	it('offers the options of the command, the values of an option, and files where files are wanted', () => {
		expect(offered('gc', '--')).toEqual(['--actions-cache-size', '--dry-run', '--json', '--quiet', '--verbose', '--help']);
		expect(offered('push', 'file:///x', '--compression', 'z')).toEqual(['zstd']);
		expect(offered('push', 'file:///x', 'completion.t')).toEqual(['completion.test.ts']);
		expect(offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
		expect(offered('serve', 'x', '--port', '')).toEqual([]);
	});

	it('offers files as such, so that bash quotes their names and goes on below a folder, and words as they are', () => {
		const told = 'compopt() { printf "%s\\n" "compopt $*"; }';
		expect(offeredBy(told, 'push', 'file:///x', 'completion.t')).toEqual(['compopt -o filenames', 'completion.test.ts']);
		expect(offeredBy(told, 'completion', 'z')).toEqual(['zsh']);
	});

	it('offers files in the bash of macOS, which is 3.2', () => {
		expect(offeredBy('enable -n mapfile compopt 2> /dev/null', 'push', 'file:///x', 'completion.t')).toEqual([
			'completion.test.ts',
		]);
	});
});
