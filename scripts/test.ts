/**
 * `npm test`: all tests. Makes the systems with Nix that the end-to-end tests play in (roots.ts says what it installs), and hands its arguments on to
 * vitest. The last line is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { continueAsRoot } from './system/privilege.ts';

/** The unit tests need no machine; all else does. */
function needsRoots(): boolean {
	const at = args.indexOf('--project');
	return !(at >= 0 && args[at + 1] === 'unit');
}

const root = join(import.meta.dirname, '..');
const args = process.argv.slice(2);

interface Totals {
	readonly numPassedTests: number;
	readonly numFailedTests: number;
	readonly numPendingTests: number;
	readonly success: boolean;
}

function isTotals(value: unknown): value is Totals {
	return typeof value === 'object' && value !== null && 'numPassedTests' in value && 'numFailedTests' in value;
}

function readTotals(file: string): Totals | null {
	try {
		const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
		return isTotals(parsed) ? parsed : null;
	} catch {
		return null;
	}
}

function runTests(): number {
	if (needsRoots()) {
		const made = spawnSync(process.execPath, ['scripts/roots.ts'], { cwd: root, stdio: 'inherit' });
		if (made.status !== 0) return made.status ?? 1;
	}
	const folder = mkdtempSync(join(tmpdir(), 'nix-cache-action-tests-'));
	try {
		const file = join(folder, 'report.json');
		const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
		const vitest = join(root, 'node_modules', '.bin', 'vitest');
		const { status } = spawnSync(vitest, ['run', ...reporters, ...args], { cwd: root, stdio: 'inherit' });
		const totals = readTotals(file);
		if (totals === null || totals.numPassedTests + totals.numFailedTests === 0) {
			console.error('No test ran.');
			return 1;
		}
		const skipped = totals.numPendingTests > 0 ? `, ${totals.numPendingTests} skipped` : '';
		console.log(`${totals.numPassedTests} passed, ${totals.numFailedTests} failed${skipped}`);
		return status ?? 1;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

if (needsRoots()) continueAsRoot('The end-to-end tests', console.log);
process.exitCode = runTests();
