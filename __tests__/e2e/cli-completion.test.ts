/** The scripts for shells that few machines have; those for bash are in `__tests__/cli/completion.test.ts`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionFor } from '../../src/cli/completion.ts';
import { debianPackage } from '../support/debian-package.ts';

const folder = mkdtempSync(join(tmpdir(), 'cli-completion-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(argv: readonly string[]) {
	const [program = '', ...args] = argv;
	return spawnSync(program, args, {
		encoding: 'utf8',
		cwd: folder,
		env: { HOME: folder, PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
	});
}

function script(shell: string, more = ''): string {
	const file = join(folder, `script${more.length}.${shell}`);
	writeFileSync(file, `${completionFor(shell)}${more}`);
	return file;
}

describe('completion for zsh', () => {
	it('is a script that zsh can read', async () => {
		const zsh = (await debianPackage('zsh', 'trixie')).argv('zsh');
		expect(run([...zsh, '-f', '-n', script('zsh')])).toMatchObject({ status: 0, stderr: '' });
		expect(run([...zsh, '-f', '-n', script('zsh', "if [[ '")]).status).not.toBe(0);
	});
});

describe('completion for fish', () => {
	let fish: readonly string[];
	beforeAll(async () => {
		fish = (await debianPackage('fish', 'trixie')).argv('fish');
	});

	const offered = (line: string): readonly string[] => {
		const { stdout, stderr } = run([...fish, '--no-config', '-c', `source ${script('fish')}; complete -C '${line}'`]);
		expect(stderr).toBe('');
		return stdout.split('\n').flatMap((entry) => entry.split('\t')[0] || []);
	};

	it('offers commands, their options and the values of these', () => {
		expect(offered('nix-cache-action k')).toEqual(['keygen']);
		expect(offered('nix-cache-action ').toSorted()).toEqual(['completion', 'doctor', 'gc', 'keygen', 'ls', 'push', 'serve']);
		expect(offered('nix-cache-action gc --dr')).toEqual(['--dry-run']);
		expect(offered('nix-cache-action push file:///x --compression z')).toEqual(['zstd']);
		expect(offered('nix-cache-action completion ').toSorted()).toEqual(['bash', 'fish', 'zsh']);
		expect(offered('nix-cache-action push ls script')).toContain(`script0.fish`);
	});
});
