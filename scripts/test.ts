/**
 * `npm test`: all tests. Makes the systems with Nix that the end-to-end tests play in (roots.ts says what it installs), and hands its arguments on
 * to vitest; `npm test -- --project unit` needs no such system, and runs anywhere. The last line is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureRoots, NIX_VERSIONS } from './roots.ts';
import { continueAsRoot } from './system/privilege.ts';

const root = join(import.meta.dirname, '..');
const args = process.argv.slice(2);

/** What vitest's JSON report says, as far as we read it. */
interface Report {
	readonly numPassedTests: number;
	readonly numFailedTests: number;
	readonly numPendingTests: number;
	readonly numTodoTests: number;
}

function isReport(value: unknown): value is Report {
	const numbers = ['numPassedTests', 'numFailedTests', 'numPendingTests', 'numTodoTests'];
	return typeof value === 'object' && value !== null && numbers.every((name) => typeof Reflect.get(value, name) === 'number');
}

function readReport(file: string): Report | null {
	if (!existsSync(file)) return null;
	const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
	return isReport(parsed) ? parsed : null;
}

function onlyUnitTests(): boolean {
	const projects = args.flatMap((arg, at) =>
		arg === '--project' ? [args[at + 1]] : arg.startsWith('--project=') ? [arg.slice(10)] : [],
	);
	return projects.length > 0 && projects.every((project) => project === 'unit');
}

/** Runs vitest and prints the totals; returns the exit status. */
function runTests(): number {
	const folder = mkdtempSync(join(tmpdir(), 'nix-cache-action-tests-'));
	try {
		const file = join(folder, 'report.json');
		const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
		const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
		const { status } = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...args], { cwd: root, stdio: 'inherit' });
		return printTotals(readReport(file), status ?? 1);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function printTotals(report: Report | null, status: number): number {
	const passed = report?.numPassedTests ?? 0;
	const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
	let failed = report?.numFailedTests ?? 0;
	if (passed + failed === 0) console.error('No test ran, which counts as a failure.');
	else if (status !== 0 && failed === 0)
		console.error('No test failed, but a file could not be loaded or an error was left over.');
	if (failed === 0 && (status !== 0 || passed === 0)) failed = 1;
	console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
	return failed === 0 ? 0 : 1;
}

/** What vitest keeps in the checkout belongs to whoever called sudo. */
function giveBack(): void {
	const { SUDO_UID, SUDO_GID } = process.env;
	const kept = ['node_modules/.vite', 'coverage'].map((path) => join(root, path)).filter((path) => existsSync(path));
	if (SUDO_UID && SUDO_GID && kept.length > 0)
		spawnSync('chown', ['-R', `${SUDO_UID}:${SUDO_GID}`, ...kept], { stdio: 'inherit' });
}

try {
	if (!onlyUnitTests()) {
		continueAsRoot('The end-to-end tests with real Nix', (line) => console.log(line));
		await ensureRoots(NIX_VERSIONS, (line) => console.log(line));
	}
	process.exitCode = runTests();
	giveBack();
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
}
