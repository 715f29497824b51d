/** The steps of .github/workflows/release.yml that need no GitHub, as they stand there. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startFaultyServer } from '../support/faulty-server.ts';
import { CHECKOUT } from '../support/machine.ts';

interface Workflow {
	readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly name?: string; readonly run?: string }[] }>>;
}

const temp = mkdtempSync(join(tmpdir(), 'release-'));
afterAll(() => rmSync(temp, { recursive: true, force: true }));
const env = {
	PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
	HOME: temp,
	RUNNER_TEMP: temp,
	npm_config_update_notifier: 'false',
	// Nothing answers there: what is not in the package can't be had.
	npm_config_registry: 'http://127.0.0.1:9/',
	npm_config_fetch_retries: '0',
};

it('the package of the command line runs from npx by its URL, and brings nothing else', async () => {
	const { jobs }: Workflow = parse(readFileSync(join(CHECKOUT, '.github/workflows/release.yml'), 'utf8'));
	const script = jobs.publish?.steps.find(({ name }) => name?.startsWith('Pack the command line'))?.run ?? '';
	execFileSync('bash', ['-e', '-o', 'pipefail', '-c', script], { cwd: CHECKOUT, env });
	const { version } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8'));
	await using server = await startFaultyServer();
	server.write('nix-cache-action.tgz', readFileSync(join(temp, 'nix-cache-action.tgz')));
	const npx = async (...args: readonly string[]): Promise<string> => {
		const argv = ['--yes', `${server.url}/nix-cache-action.tgz`, ...args];
		return (await promisify(execFile)('npx', argv, { cwd: temp, env })).stdout;
	};
	expect(await npx('--version')).toContain(version);
	expect(await npx('keygen', 'test-1')).toMatch(/^test-1:/);
	const [installed = ''] = readdirSync(join(temp, '.npm/_npx'));
	const packages = readdirSync(join(temp, '.npm/_npx', installed, 'node_modules')).filter((name) => !name.startsWith('.'));
	expect(packages).toEqual(['nix-cache-action']);
});
