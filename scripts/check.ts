/**
 * `npm run check`: format, lint, types, unused code, drift of the table of inputs, of the page on the command line and of dist, tests. Runs all of them and fails when one does. `--without-tests` leaves the
 * tests to `npm test`; what follows goes to vitest.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

interface Step {
	readonly name: string;
	readonly run: () => boolean;
}

function command(file: string, ...args: readonly string[]): () => boolean {
	return () => spawnSync(join(root, 'node_modules', '.bin', file), args, { cwd: root, stdio: 'inherit' }).status === 0;
}

function script(file: string, ...args: readonly string[]): () => boolean {
	return () => spawnSync(process.execPath, [join('scripts', file), ...args], { cwd: root, stdio: 'inherit' }).status === 0;
}

/** Builds anew beside dist/ and compares every file: dist/ must be what src/ gives. */
function distIsCurrent(): boolean {
	const fresh = mkdtempSync(join(tmpdir(), 'nix-cache-action-dist-'));
	try {
		if (
			spawnSync(process.execPath, ['scripts/build.ts', fresh], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0
		)
			return false;
		const names = new Set([...readdirSync(fresh), ...readdirSync(join(root, 'dist'))]);
		const differing = [...names].filter((name) => !sameFile(join(fresh, name), join(root, 'dist', name)));
		if (differing.length > 0)
			console.error(`dist/ is not what src/ gives: ${differing.join(', ')}. Run \`npm run build\` and commit dist/.`);
		return differing.length === 0;
	} finally {
		rmSync(fresh, { recursive: true, force: true });
	}
}

function sameFile(left: string, right: string): boolean {
	try {
		return readFileSync(left).equals(readFileSync(right));
	} catch {
		return false;
	}
}

const steps: readonly Step[] = [
	{ name: 'format and lint (biome)', run: command('biome', 'check', '--error-on-warnings', '.') },
	{ name: 'types (tsc)', run: command('tsc', '-p', 'tsconfig.json') },
	{ name: 'unused code (knip)', run: command('knip') },
	{ name: 'docs/inputs.md is current', run: script('inputs-table.ts', '--check') },
	{ name: 'docs/cli.md is current', run: script('cli-page.ts', '--check') },
	{ name: 'dist is current', run: distIsCurrent },
];

const args = process.argv.slice(2);
const tests: Step = {
	name: 'tests',
	run: script('test.ts', ...args),
};

const failed: string[] = [];
for (const step of args.includes('--without-tests') ? steps : [...steps, tests]) {
	console.log(`\n== ${step.name}`);
	if (!step.run()) failed.push(step.name);
}
console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}.`);
process.exitCode = failed.length === 0 ? 0 : 1;
