import { access, constants, readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CacheError, systemCode } from '../errors.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { SetupContext, SystemInclude } from './configuration.ts';
import { type Environment, runAsRoot } from './run-as-root.ts';

/** How long a daemon may take to answer after its restart. */
const RESTART_MS = 15_000;

/** What would be done; `null` where nothing is known that restarts the daemon (no systemd, no launchd). */
export async function planSystemInclude({ env, id }: SetupContext): Promise<SystemInclude | null> {
	const restart = await restartCommand(env);
	if (restart === null) return null;
	const folder = env.NIX_CONF_DIR || '/etc/nix';
	const confFile = join(folder, 'nix.conf');
	const text = await readText(confFile);
	return {
		confFile,
		includeFile: join(folder, `nix-cache-action-${id}.conf`),
		restart,
		endedLine: text !== null && text !== '' && !text.endsWith('\n'),
		created: text === null,
	};
}

/** Lets the system's nix.conf include `settings`, and restarts the daemon, which reads it only then. */
export async function addSystemInclude(
	plan: SystemInclude,
	settings: string,
	store: LocalStore,
	context: SetupContext,
): Promise<void> {
	const { env, signal } = context;
	const old = await readText(plan.includeFile);
	const text = (await readText(plan.confFile)) ?? '';
	const line = includeLine(plan);
	const included = text.split('\n').includes(line);
	if (old === settings && included) return;
	await runAsRoot(['mkdir', '-p', dirname(plan.confFile)], '', env, signal);
	await writeAsRoot(plan.includeFile, settings, env, signal);
	if (!included) await writeAsRoot(plan.confFile, `${text}${plan.endedLine ? '\n' : ''}${line}\n`, env, signal);
	await runAsRoot(plan.restart, '', env, signal);
	await untilDaemonAnswers(store, signal);
}

/** Takes our line and file away, so that the system's nix.conf is byte for byte what it was, and restarts the daemon. */
export async function removeSystemInclude(
	done: SystemInclude,
	{ env, signal }: Pick<SetupContext, 'env' | 'signal'>,
): Promise<void> {
	const text = await readText(done.confFile);
	const line = `${includeLine(done)}\n`;
	const at = text === null ? -1 : `\n${text}`.indexOf(`\n${line}`);
	if (text !== null && at >= 0) {
		const before = text.slice(0, at);
		const after = text.slice(at + line.length);
		const left = `${done.endedLine && after === '' && before.endsWith('\n') ? before.slice(0, -1) : before}${after}`;
		if (left === '' && done.created) await runAsRoot(['rm', '-f', done.confFile], '', env, signal);
		else await writeAsRoot(done.confFile, left, env, signal);
	}
	if ((await readText(done.includeFile)) === null && at < 0) return;
	await runAsRoot(['rm', '-f', done.includeFile], '', env, signal);
	await runAsRoot(done.restart, '', env, signal);
}

function includeLine({ includeFile }: SystemInclude): string {
	return `!include ${includeFile}`;
}

async function restartCommand(env: Environment): Promise<readonly string[] | null> {
	if (process.platform === 'darwin') return ['launchctl', 'kickstart', '-k', 'system/org.nixos.nix-daemon'];
	for (const folder of (env.PATH ?? '').split(delimiter)) {
		if (folder.startsWith('/') && (await isExecutable(join(folder, 'systemctl')))) return ['systemctl', 'restart', 'nix-daemon'];
	}
	return null;
}

/** Overwrites in place: owner, mode and links of an existing file stay. `tee` writes what it is given, no shell in between. */
async function writeAsRoot(file: string, text: string, env: Environment, signal: AbortSignal): Promise<void> {
	await runAsRoot(['tee', file], text, env, signal);
}

async function readText(file: string): Promise<string | null> {
	try {
		return await readFile(file, 'utf8');
	} catch (cause) {
		if (systemCode(cause) === 'ENOENT') return null;
		throw new CacheError('config-failed', `${file} can't be read (${systemCode(cause) ?? 'unknown'}).`, { cause });
	}
}

async function untilDaemonAnswers(store: LocalStore, signal: AbortSignal): Promise<void> {
	const endMs = performance.now() + RESTART_MS;
	for (;;) {
		try {
			await store.nix.run(['store', 'ping'], { signal, timeoutMs: 5_000 });
			return;
		} catch (cause) {
			if (signal.aborted || performance.now() > endMs) {
				throw new CacheError('config-failed', 'The Nix daemon does not answer after its restart.', { cause });
			}
			await sleep(100, undefined, { signal });
		}
	}
}

async function isExecutable(file: string): Promise<boolean> {
	return access(file, constants.X_OK).then(
		() => true,
		() => false,
	);
}
