import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/log.ts';
import { parseNixAbout } from '../../src/store/nix-about.ts';
import { findNix, lastError, likelyFolders, type NixCommand, nixCommand } from '../../src/store/nix-command.ts';

/** Small programs in place of Nix: what is tested is how it is found, called and given up on. */
const ABOUT = readFileSync(join(import.meta.dirname, 'golden', 'about-2.26.txt'), 'utf8');
const never = new AbortController().signal;
const silent: Log = {
	debug: () => undefined,
	info: () => undefined,
	notice: () => undefined,
	warning: () => undefined,
	error: () => undefined,
	group: (_title, body) => body(),
	mask: () => undefined,
};

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'nix-command-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function program(file: string, script: string): string {
	const path = join(folder, file);
	mkdirSync(join(path, '..'), { recursive: true });
	writeFileSync(path, `#!/bin/sh\n${script}\n`);
	chmodSync(path, 0o755);
	return path;
}

function nix(script: string, env: Readonly<Record<string, string>> = {}): NixCommand {
	return nixCommand(program('nix', script), parseNixAbout(ABOUT), { PATH: process.env.PATH, ...env });
}

describe('finding Nix', () => {
	const about = `/bin/cat <<'EOF'\n${ABOUT}EOF`;

	it('takes the first one in PATH', async () => {
		const first = program('a/nix', about);
		program('b/nix', about);
		const found = await findNix({ env: { PATH: `/nowhere:${folder}/a:${folder}/b` }, log: silent, signal: never });
		expect(found?.program).toBe(first);
		expect(found?.about.version.text).toBe('2.26.3');
	});

	it("looks in the user's profiles when PATH has none", async () => {
		const inProfile = program('home/.nix-profile/bin/nix', about);
		const find = (env: Readonly<Record<string, string>>) =>
			findNix({ env: { PATH: '/nowhere', ...env }, log: silent, signal: never });
		expect((await find({ HOME: `${folder}/home` }))?.program).toBe(inProfile);
		const inState = program('state/nix/profile/bin/nix', about);
		expect((await find({ XDG_STATE_HOME: `${folder}/state` }))?.program).toBe(inState);
	});

	it('looks in PATH, the profiles of the user and those of the system, and never in a relative folder', () => {
		expect(likelyFolders({ PATH: '.::bin:/usr/bin', HOME: '/h' })).toEqual([
			'/usr/bin',
			'/h/.nix-profile/bin',
			'/h/.local/state/nix/profile/bin',
			'/nix/var/nix/profiles/default/bin',
			'/run/current-system/sw/bin',
		]);
	});

	it('passes over what can not be run', async () => {
		chmodSync(program('a/nix', about), 0o644);
		const second = program('b/nix', about);
		const found = await findNix({ env: { PATH: `${folder}/a:${folder}/b` }, log: silent, signal: never });
		expect(found?.program).toBe(second);
	});

	it('fails when the one that is there does not work', async () => {
		program('a/nix', 'echo "error: libfoo.so not found" >&2; exit 127');
		await expect(findNix({ env: { PATH: `${folder}/a` }, log: silent, signal: never })).rejects.toMatchObject({
			code: 'nix-failed',
			message: expect.stringContaining('libfoo.so not found'),
		});
	});
});

describe('running Nix', () => {
	it('gives all lines of standard error, also when a program that Nix starts makes it non-blocking and nobody reads for a while', async () => {
		const nonBlocking =
			'use Fcntl; fcntl(STDERR, F_SETFL, O_NONBLOCK | fcntl(STDERR, F_GETFL, 0)); for (1 .. 20000) { syswrite(STDERR, "  /line/$_\\n") }';
		const lines: string[] = [];
		const command = nix(`perl -e '${nonBlocking}'; echo done`);
		const ran = command.runStore([], { signal: never, onErrorLines: (all) => void lines.push(...all) });
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
		expect(await ran).toBe('done\n');
		expect(lines.filter((line) => line.startsWith('  /line/')).length).toBe(20_000);
	});

	it('says what is wrong when all lines are wanted, too', async () => {
		const failed = nix('echo "error: no such thing" >&2; exit 1').runStore([], { signal: never, onErrorLines: () => undefined });
		await expect(failed).rejects.toMatchObject({ code: 'nix-failed', message: expect.stringContaining('no such thing') });
	});

	it('fails when whoever gets the lines does', async () => {
		const onErrorLines = (): void => {
			throw new Error('not understood');
		};
		await expect(nix('true').runStore([], { signal: never, onErrorLines })).rejects.toThrow('not understood');
	});

	it('gives its output, with the new command line switched on', async () => {
		const output = await nix('printf "%s|" "$@"; cat').run(['path-info', '--stdin'], { signal: never, input: 'a\nb\n' });
		expect(output).toBe('--extra-experimental-features|nix-command|path-info|--stdin|a\nb\n');
	});

	it('closes its standard input when there is nothing to say', async () => {
		expect(await nix('cat; echo end').run([], { signal: never })).toBe('end\n');
	});

	it('hides the secrets of the action from it', async () => {
		const env = { INPUT_PASSWORD: 'x', 'INPUT_SIGNING-KEY': 'x', ACTIONS_RUNTIME_TOKEN: 'x', STATE_a: 'x', NIX_REMOTE: 'daemon' };
		const output = await nix('env', env).run([], { signal: never });
		expect(output).toContain('NIX_REMOTE=daemon');
		expect(output).not.toMatch(/INPUT_|ACTIONS_|STATE_/);
	});

	it('can be told of another environment', async () => {
		const changed = nix('env', { A: '1', B: '1' }).withEnvironment({ A: '2', B: undefined });
		const lines = (await changed.run([], { signal: never })).split('\n');
		expect(lines).toContain('A=2');
		expect(lines).not.toContain('B=1');
	});

	it('fails with the line that says why', async () => {
		const failing = nix('echo "warning: x" >&2; echo "error: path is not valid" >&2; exit 1').run(['path-info', '/nix/store/a'], {
			signal: never,
		});
		await expect(failing).rejects.toMatchObject({
			code: 'nix-failed',
			message: expect.stringMatching(/path-info.* failed \(1\): path is not valid$/),
		});
	});

	it('fails when it can not be started', async () => {
		const gone = nixCommand(join(folder, 'gone'), parseNixAbout(ABOUT), {});
		await expect(gone.run([], { signal: never })).rejects.toMatchObject({ code: 'nix-failed' });
	});

	it('is not troubled by a child that does not read what it is given', async () => {
		const output = await nix('exec 0<&-; echo ok').run([], { signal: never, input: 'x'.repeat(1 << 20) });
		expect(output).toBe('ok\n');
	});

	it('is ended after the time-out', async () => {
		const started = performance.now();
		await expect(nix('exec sleep 60').run([], { signal: never, timeoutMs: 100 })).rejects.toMatchObject({
			code: 'nix-failed',
			message: expect.stringContaining('100 ms'),
		});
		expect(performance.now() - started).toBeLessThan(10_000);
	});

	it('is ended when the job is, and not started after that', async () => {
		const abort = new AbortController();
		const running = nix('exec sleep 60').run([], { signal: abort.signal });
		abort.abort();
		await expect(running).rejects.toMatchObject({ code: 'cancelled' });
		await expect(nix(`touch ${folder}/started`).run([], { signal: abort.signal })).rejects.toMatchObject({ code: 'cancelled' });
		expect(() => readFileSync(`${folder}/started`)).toThrow();
	});

	it('keeps output that comes in many parts, and characters that are cut between them', async () => {
		const output = await nix('i=0; while [ $i -lt 2000 ]; do printf "é0123456789"; i=$((i+1)); done').run([], { signal: never });
		expect(output).toBe('é0123456789'.repeat(2000));
	});
});

describe('the line that says why', () => {
	it.each([
		['error: one\n', 'one'],
		['error:\n       … while calling\n\n       error: inner cause\n', 'inner cause'],
		['\x1b[31;1merror:\x1b[0m path is \x1b[35;1mbad\x1b[0m\n', 'path is bad'],
		['error: it failed\nTry "nix --help" for more information.\n', 'it failed'],
		['Killed\n', 'Killed'],
		['', 'no message'],
		[`error: ${'x'.repeat(10_000)}`, 'x'.repeat(500)],
	])('is found in %j', (stderr, line) => {
		expect(lastError(stderr)).toBe(line);
	});
});
