import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SetupContext } from '../../src/setup/configuration.ts';
import { addInclude, removeInclude } from '../../src/setup/system-include.ts';
import { recordingLog } from '../http/peers/means.ts';

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'include-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function contextOf(id: string): SetupContext {
	mkdirSync(join(folder, id), { recursive: true });
	const { signal } = new AbortController();
	const nothing = () => undefined;
	const context = { id, folder: join(folder, id), env: process.env, signal, log: recordingLog() };
	return { ...context, exportVariable: nothing, remember: nothing };
}

describe('the configuration of the system', () => {
	const confFile = () => join(folder, 'etc', 'nix.conf');
	const includeOf = (id: string) => ({
		confFile: confFile(),
		includeFile: join(folder, 'etc', `nix-cache-action-${id}.conf`),
		restart: [],
	});

	it('has the line of each of several jobs for as long as that wants it, and none afterwards', async () => {
		mkdirSync(join(folder, 'etc'));
		writeFileSync(confFile(), 'cores = 2\n');
		const job = async (id: string): Promise<void> => {
			const system = includeOf(id);
			for (let round = 0; round < 8; round++) {
				await addInclude(system, 'x', contextOf(id));
				await sleep(Math.random() * 10);
				expect(readFileSync(confFile(), 'utf8')).toContain(system.includeFile);
				await removeInclude(system, contextOf(id));
				await sleep(Math.random() * 10);
				expect(readFileSync(confFile(), 'utf8')).not.toContain(system.includeFile);
			}
		};
		await Promise.all(['a', 'b', 'c'].map(job));
		expect(readFileSync(confFile(), 'utf8')).toBe('cores = 2\n');
		expect(readdirSync(join(folder, 'etc'))).toEqual(['nix.conf']);
	}, 60_000);

	it('can be changed after a job that was killed in the middle of that', async () => {
		mkdirSync(join(folder, 'etc'));
		mkdirSync(`${confFile()}.nix-cache-action-lock`);
		expect(await addInclude(includeOf('a'), 'x', contextOf('a'))).toBe(true);
		expect(readdirSync(join(folder, 'etc')).sort()).toEqual(['nix-cache-action-a.conf', 'nix.conf']);
	}, 30_000);

	it('loses what killed jobs left, once the runner has emptied their folders, and nothing of those that run', async () => {
		mkdirSync(join(folder, 'etc'));
		writeFileSync(confFile(), 'cores = 2\n');
		for (const id of ['killed', 'running']) await addInclude(includeOf(id), `extra-substituters = http://${id}\n`, contextOf(id));
		rmSync(join(folder, 'killed'), { recursive: true });
		await addInclude(includeOf('next'), 'x', contextOf('next'));
		expect(readdirSync(join(folder, 'etc')).sort()).toEqual([
			'nix-cache-action-next.conf',
			'nix-cache-action-running.conf',
			'nix.conf',
		]);
		expect(readFileSync(confFile(), 'utf8')).toMatch(
			/^cores = 2\n\n!include .*running.conf # .*\n\n!include .*next.conf # .*\n$/,
		);
	});

	it('may hold what is not UTF-8', async () => {
		const text = Buffer.from('# f\xfcr alle\ncores = 2', 'latin1');
		mkdirSync(join(folder, 'etc'));
		writeFileSync(confFile(), text);
		expect(await addInclude(includeOf('a'), 'netrc-file = /tmp/é\n', contextOf('a'))).toBe(true);
		expect(readFileSync(confFile(), 'latin1')).toBe(
			`${text.toString('latin1')}\n!include ${includeOf('a').includeFile} # by nix-cache-action, until the end of the job\n`,
		);
		expect(readFileSync(includeOf('a').includeFile, 'utf8')).toMatch(/\nnetrc-file = \/tmp\/é\n$/);
		await removeInclude(includeOf('a'), contextOf('a'));
		expect(readFileSync(confFile())).toEqual(text);
	});
});
