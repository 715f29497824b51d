import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDaemon, stopDaemon } from '../../src/substituter/daemon.ts';
import { readStatistics } from '../../src/substituter/daemon-folder.ts';
import { startSubstituter } from '../../src/substituter/server.ts';
import { folderReader, type NarPace } from '../substituter/folder-reader.ts';
import { keptLog } from '../substituter/kept-log.ts';
import type { Finished } from '../support/child.ts';
import { build, GRAPH, graph, largePath } from '../support/derivations.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import { testedVersions } from '../support/versions.ts';
import type { Orders } from './substituter-program.ts';

const EXPRESSION = '/root/all.nix';
const log = keptLog();

interface Reached {
	readonly url: string;
	readonly credentials: { readonly username: string; readonly password: string };
}

describe.each(testedVersions())('Nix %s with the local substituter', (nix) => {
	let machine: Machine;
	let cache: string;
	let publicKey: string;
	let expected: readonly string[];
	const cleanups: (() => Promise<void>)[] = [];

	beforeAll(async () => {
		machine = await createMachine({ nix });
		const big = await largePath(machine, 'big', 16, 1);
		const expression = graph('sub').replace(/\}$/, `big = ${big}; }`);
		machine.writeFile(EXPRESSION, expression);
		const paths = await build(machine, expression, { attributes: [...GRAPH, 'big'] });
		await machine.run(['nix-store', '--generate-binary-cache-key', 'job-1', `${machine.work}/secret`, `${machine.work}/public`]);
		publicKey = readFileSync(join(machine.work, 'public'), 'utf8').trim();
		cache = join(machine.work, 'cache');
		await machine.nix(['copy', '--to', `file://${cache}?compression=zstd&secret-key=${machine.work}/secret`, ...paths]);
		expected = await narHashes(paths);
	});
	beforeEach(async () => {
		await machine.emptyStore();
	});
	afterEach(async () => {
		for (const cleanup of cleanups.splice(0)) await cleanup();
	});
	afterAll(async () => {
		await machine?.dispose();
	});

	async function narHashes(paths: readonly string[]): Promise<readonly string[]> {
		return (await machine.run(['nix-store', '-q', '--hash', ...paths])).split('\n');
	}

	/** In this process, for what the reader does. */
	async function serve(pace: NarPace = {}) {
		const reader = await folderReader(cache, machine.storeDir, pace);
		const substituter = await startSubstituter({
			mounts: [{ name: '', reader, priority: 35 }],
			storeDir: machine.storeDir,
			limits: { narResumes: 1 },
			log,
		});
		cleanups.push(() => substituter.close(0));
		return substituter;
	}

	/** As in a job, for what kills do. */
	async function serveInBackground(pace: NarPace) {
		const folder = mkdtempSync(join(machine.work, 'serve-'));
		const daemon = await startDaemon({
			nodePath: process.execPath,
			script: join(import.meta.dirname, 'substituter-program.ts'),
			env: process.env,
			folder,
			handover: { cache, storeDir: machine.storeDir, pace } satisfies Orders,
			timeoutMs: 30_000,
			log,
			signal: new AbortController().signal,
		});
		cleanups.push(async () => {
			await stopDaemon(folder, { log });
			rmSync(folder, { recursive: true });
		});
		return { ...daemon, folder };
	}

	function settings({ url, credentials }: Reached, more: readonly string[] = [], query = ''): Readonly<Record<string, string>> {
		machine.writeFile(
			'/etc/nix/job-netrc',
			`machine 127.0.0.1\nlogin ${credentials.username}\npassword ${credentials.password}\n`,
			0o600,
		);
		const keys = query === '' ? [`trusted-public-keys = ${publicKey}`] : ['trusted-public-keys ='];
		return { NIX_CONFIG: [`substituters = ${url}${query}`, ...keys, 'netrc-file = /etc/nix/job-netrc', ...more].join('\n') };
	}

	function nixBuild(env: Readonly<Record<string, string>>, attributes: readonly string[]): Promise<Finished> {
		return machine.exec(['nix-build', '--no-out-link', EXPRESSION, ...attributes.flatMap((name) => ['-A', name])], { env });
	}

	const built = ({ stderr }: Finished): number => stderr.match(/^building '/gm)?.length ?? 0;

	it('takes everything from it, byte for byte, and builds nothing', async () => {
		const substituter = await serve();
		const result = await nixBuild(settings(substituter), [...GRAPH, 'big']);
		expect(result.code, result.stderr).toBe(0);
		expect(built(result)).toBe(0);
		expect(await narHashes(result.stdout.trim().split('\n'))).toEqual(expected);
		expect(substituter.statistics()).toMatchObject({ refused: 0, errors: {}, narsCut: 0 });
		expect(substituter.statistics().served.length).toBeGreaterThanOrEqual(5);
	});

	it('takes nothing that no key of its own signed, unless the substituter is trusted by its URL', async () => {
		const substituter = await serve();
		const unsigned = await nixBuild(settings(substituter, ['trusted-public-keys =']), ['base']);
		expect(unsigned.code, unsigned.stderr).toBe(0);
		expect(built(unsigned)).toBe(1);
		expect(substituter.statistics().nars).toBe(0);
		await machine.emptyStore();
		const trusted = await nixBuild(settings(substituter, [], '?trusted=1'), ['base']);
		expect(built(trusted)).toBe(0);
		expect(substituter.statistics().nars).toBe(1);
	});

	it('builds when the credentials are wrong', async () => {
		const substituter = await serve();
		const result = await nixBuild(settings({ ...substituter, credentials: { username: 'x', password: 'y' } }), ['base']);
		expect(result.code, result.stderr).toBe(0);
		expect(built(result)).toBe(1);
		expect(substituter.statistics().refused).toBeGreaterThan(0);
	});

	it('builds when everything behind it fails', async () => {
		const substituter = await serve({ down: true });
		const result = await nixBuild(settings(substituter), ['app']);
		expect(result.code, result.stderr).toBe(0);
		expect(built(result)).toBe(4);
		expect(Object.keys(substituter.statistics().errors)).toEqual(['cache-failing']);
	});

	it('builds what fails in the middle for good, because its rest is then not there', async () => {
		const substituter = await serve({ failAt: 4_000_000 });
		const result = await nixBuild(settings(substituter), ['big']);
		expect(result.code, result.stderr).toBe(0);
		expect(built(result)).toBe(1);
		expect(substituter.statistics().narsCut).toBeGreaterThan(0);
	});

	it('goes on when the process that serves is killed in the middle of a NAR, and builds nothing', async () => {
		const daemon = await serveInBackground({ pauseMs: 15 });
		const running = nixBuild(settings(daemon), ['big']);
		await expect.poll(async () => (await readStatistics(daemon.folder))?.narBytes ?? 0, { timeout: 20_000 }).toBeGreaterThan(0);
		process.kill(daemon.worker.pid, 'SIGKILL');
		const result = await running;
		expect(result.code, result.stderr).toBe(0);
		expect(built(result)).toBe(0);
		expect(await narHashes(result.stdout.trim().split('\n'))).toEqual(expected.slice(-1));
		await expect.poll(async () => (await readStatistics(daemon.folder))?.restarts, { timeout: 5_000 }).toBe(1);
	});

	it('builds, told to fall back, when all of it is killed in the middle of a NAR', async () => {
		const daemon = await serveInBackground({ pauseMs: 15 });
		const running = nixBuild(settings(daemon, ['fallback = true']), ['big']);
		await expect.poll(async () => (await readStatistics(daemon.folder))?.narBytes ?? 0, { timeout: 20_000 }).toBeGreaterThan(0);
		for (const { pid } of [daemon, daemon.worker]) process.kill(pid, 'SIGKILL');
		const result = await running;
		expect(result.code, result.stderr).toBe(0);
		expect(built(result)).toBe(1);
	});
});
