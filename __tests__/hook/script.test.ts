import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseJournalLine } from '../../src/hook/record.ts';
import { hookScript } from '../../src/hook/script.ts';
import { type Finished, finished } from '../support/child.ts';

const DRV = `/nix/store/${'a'.repeat(32)}-some.drv`;
const OUT = `/nix/store/${'b'.repeat(32)}-some`;
const DOC = `/nix/store/${'c'.repeat(32)}-some-doc`;

/** What is /bin/sh somewhere: Debian, most others, Alpine. Of these, every system has the first. */
const SHELLS = [['sh'], ['dash'], ['bash', '--posix'], ['busybox', 'sh']].filter(([name = '']) =>
	(process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name))),
);

let folder: string;
let journal: string;
let script: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "hook with 'quotes' and $blanks "));
	journal = join(folder, 'built');
	script = join(folder, 'hook');
	writeFileSync(journal, '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(userHook: string | null = null, to = journal): void {
	writeFileSync(script, hookScript({ journal: to, userHook }));
	chmodSync(script, 0o755);
}

/** Runs the script as Nix does: nothing to read, and both outputs in one pipe. */
function run(
	command: readonly string[],
	env: Readonly<Record<string, string>> = { DRV_PATH: DRV, OUT_PATHS: OUT },
): Promise<Finished> {
	const [program = '', ...args] = command;
	return finished(
		spawn(program, args, { env: { PATH: process.env.PATH, ...env }, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] }),
		'the hook',
		20_000,
	);
}

const lines = (): readonly string[] =>
	readFileSync(journal, 'utf8')
		.split('\n')
		.filter((line) => line !== '');
const records = () => lines().map((line) => parseJournalLine(line, '/nix/store'));
const silent = { code: 0, signal: null, stdout: '', stderr: '' };

describe.each(SHELLS.map((shell) => [shell.join(' '), shell] as const))('the post-build hook in %s', (_name, shell) => {
	const hook = (env?: Readonly<Record<string, string>>) => run([...shell, script], env);

	it('notes each output with its derivation and the time, and says nothing', async () => {
		write();
		const before = Math.floor(Date.now() / 1000) * 1000;
		expect(await hook({ DRV_PATH: DRV, OUT_PATHS: `${OUT} ${DOC}` })).toMatchObject(silent);
		expect(records()).toEqual([
			{ drvPath: DRV, outPath: OUT, timeMs: expect.any(Number) },
			{ drvPath: DRV, outPath: DOC, timeMs: expect.any(Number) },
		]);
		const timeMs = records()[0]?.timeMs ?? 0;
		expect(timeMs).toBeGreaterThanOrEqual(before);
		expect(timeMs).toBeLessThanOrEqual(Date.now());
	});

	it('notes the derivation alone where Nix names no output', async () => {
		write();
		expect(await hook({ DRV_PATH: DRV, OUT_PATHS: '' })).toMatchObject(silent);
		expect(await hook({ DRV_PATH: DRV })).toMatchObject(silent);
		expect(records().map((record) => record?.outPath)).toEqual([null, null]);
	});

	it('takes nothing else from the environment', async () => {
		write();
		await hook({
			DRV_PATH: DRV,
			OUT_PATHS: OUT,
			NIX_CONFIG: 'access-tokens = github.com=ghp_secret',
			AWS_SECRET_ACCESS_KEY: 'secret',
		});
		expect(readFileSync(journal, 'utf8')).not.toContain('secret');
		expect(lines()).toEqual([expect.stringMatching(/^1 \d+ \S+ \S+$/)]);
	});

	it('does not take a `?` or `*` of a name for a pattern', async () => {
		write();
		mkdirSync(join(folder, 'dir'));
		for (const name of ['ab', 'ac']) writeFileSync(join(folder, 'dir', name), '');
		await hook({ DRV_PATH: DRV, OUT_PATHS: `${folder.replaceAll(' ', '?')}/dir/a?` });
		expect(lines().length).toBe(1);
	});

	it('takes no variable that an environment may hold for a rule of its own', async () => {
		write();
		const odd = {
			IFS: '/',
			ENV: '/nonexistent',
			BASH_ENV: '/nonexistent',
			now: 'x',
			path: 'y',
			POSIXLY_CORRECT: '1',
			CDPATH: '/tmp',
		};
		expect(await hook({ DRV_PATH: DRV, OUT_PATHS: `${OUT} ${DOC}`, ...odd })).toMatchObject(silent);
		expect(records().map((record) => record?.outPath)).toEqual([OUT, DOC]);
	});

	it('notes the time as 0 where there is no `date`', async () => {
		write();
		const found = (await run(['sh', '-c', `command -v ${shell[0]}`])).stdout.trim();
		expect(await run([found, ...shell.slice(1), script], { DRV_PATH: DRV, OUT_PATHS: OUT, PATH: '/nonexistent' })).toMatchObject(
			silent,
		);
		expect(records().map((record) => record?.outPath)).toEqual([OUT]);
	});

	it.each([
		['the journal is gone', () => rmSync(journal)],
		['its folder is gone', () => write(null, join(folder, 'nothing', 'built'))],
		['it is a folder', () => write(null, folder)],
		['it is a device that is full', () => write(null, '/dev/full')],
		['a file stands where its folder was', () => write(null, join(script, 'built'))],
	])('ends with 0 and says nothing when %s', async (_what, change) => {
		write();
		change();
		expect(await hook()).toMatchObject(silent);
		expect(existsSync(join(folder, 'nothing'))).toBe(false);
		expect(existsSync(journal) && lines().length > 0).toBe(false);
	});

	it('does not wait for a reader of a FIFO', async () => {
		const pipe = join(folder, 'pipe');
		expect((await run(['mkfifo', pipe])).code).toBe(0);
		write(null, pipe);
		expect(await hook()).toMatchObject(silent);
	});

	it('becomes the hook of the user: the same environment, and its status is the result', async () => {
		const own = join(folder, "the user's hook");
		writeFileSync(own, `#!/bin/sh\nenv >> '${folder.replaceAll("'", "'\\''")}/env'\necho "$#" >&1\necho of-user >&2\nexit 7\n`);
		chmodSync(own, 0o755);
		write(own);
		const env = { DRV_PATH: DRV, OUT_PATHS: OUT, NIX_CONFIG: 'cores = 1\nmax-jobs = 2', now: 'mine', path: 'mine', file: 'mine' };
		expect(await hook(env)).toMatchObject({ code: 7, stdout: '0\n', stderr: 'of-user\n' });
		expect(records().map((record) => record?.outPath)).toEqual([OUT]);
		const seen = readFileSync(join(folder, 'env'), 'utf8');
		rmSync(join(folder, 'env'));
		await run([own], env);
		const direct = readFileSync(join(folder, 'env'), 'utf8');
		// A shell may add variables of its own to those of the programs that it starts.
		const without = (text: string) =>
			text
				.split('\n')
				.filter((line) => !/^(?:_|PWD|OLDPWD|SHLVL)=/.test(line))
				.sort();
		expect(without(seen)).toEqual(without(direct));
	});

	it('runs the hook of the user also when the journal is gone', async () => {
		const own = join(folder, 'own');
		writeFileSync(own, '#!/bin/sh\necho ran\n');
		chmodSync(own, 0o755);
		write(own);
		rmSync(journal);
		expect(await hook()).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' });
	});

	it('fails as Nix would when the hook of the user is not there', async () => {
		write('/nonexistent/hook');
		const { code, stderr } = await hook();
		expect(code).toBe(127);
		expect(stderr).toContain('/nonexistent/hook');
		expect(lines().length).toBe(1);
	});
});

describe('the post-build hook', () => {
	it('runs by its first line', async () => {
		write();
		expect(await run([script])).toMatchObject(silent);
		expect(records().map((record) => record?.outPath)).toEqual([OUT]);
	});

	it('keeps lines whole when many builds end at the same time, also with hundreds of long outputs', async () => {
		write();
		const outputs = Array.from({ length: 200 }, (_, n) => `${OUT}-${'x'.repeat(190)}-${n}`);
		const runs = Array.from({ length: 12 }, (_, n) =>
			run([script], { DRV_PATH: DRV.replace('some', `some-${n}`), OUT_PATHS: outputs.join(' ') }),
		);
		for (const result of await Promise.all(runs)) expect(result).toMatchObject(silent);
		expect(records().every((record) => record !== null)).toBe(true);
		expect(new Set(lines().map((line) => line.replace(/^1 \d+/, ''))).size).toBe(12 * 200);
	});

	it('starts behind a line that was cut off', async () => {
		write();
		writeFileSync(journal, `\n1 1700000000 ${DRV} /nix/sto`);
		await run([script]);
		expect(records()).toEqual([null, { drvPath: DRV, outPath: OUT, timeMs: expect.any(Number) }]);
	});

	it('refuses a path with a line break', () => {
		expect(() => hookScript({ journal: '/a\nb', userHook: null })).toThrow(/line break/);
	});
});
