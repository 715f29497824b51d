import { access } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CacheError, isCacheError } from '../errors.ts';
import type { NixCommand } from '../store/nix-command.ts';
import { askDaemon } from '../store/trust.ts';
import { type Caller, runAsRoot } from './run-as-root.ts';

/** `org.nixos.` is that of the usual installer on macOS, the other one Determinate's. */
const LAUNCHD_LABELS = ['org.nixos.nix-daemon', 'systems.determinate.nix-daemon'];
const SYSTEMD_SERVICE = 'nix-daemon.service';

const ANSWER_TIMEOUT_MS = 30_000;
const RETRY_MS = 100;

/** The command that restarts the Nix daemon, to be run as root; `null` when neither systemd nor launchd runs it. */
export async function findRestart(caller: Caller): Promise<readonly string[] | null> {
	const works = (...command: readonly string[]): Promise<boolean> =>
		runAsRoot(command, caller).then(
			() => true,
			() => false,
		);
	if (process.platform === 'darwin') {
		for (const label of LAUNCHD_LABELS) {
			if (await works('launchctl', 'print', `system/${label}`)) return ['launchctl', 'kickstart', '-k', `system/${label}`];
		}
		return null;
	}
	// The folder is there when systemd is what started the machine (sd_booted(3)).
	const booted = await access('/run/systemd/system').then(
		() => true,
		() => false,
	);
	return booted && (await works('systemctl', 'is-active', '--quiet', SYSTEMD_SERVICE))
		? ['systemctl', 'restart', SYSTEMD_SERVICE]
		: null;
}

/**
 * Restarts the daemon and waits until it answers. Throws `config-failed`.
 *
 * systemd leaves a service stopped that is to be started a sixth time within ten seconds (systemd.unit(5), `StartLimitBurst`). Several uses of the action, or
 * jobs on one machine, would come to that; it begins to count anew when told to forget failures.
 */
export async function restartDaemon(restart: readonly string[], nix: NixCommand, caller: Caller): Promise<void> {
	if (restart[0] === 'systemctl') await runAsRoot(['systemctl', 'reset-failed', SYSTEMD_SERVICE], caller).catch(() => undefined);
	await runAsRoot(restart, caller);
	const deadline = performance.now() + ANSWER_TIMEOUT_MS;
	for (;;) {
		try {
			await askDaemon(nix, caller.signal);
			return;
		} catch (cause) {
			if (!isCacheError(cause, 'store-unreadable')) throw cause;
			if (performance.now() > deadline) {
				throw new CacheError('config-failed', `After its restart: ${cause.message}`, { cause });
			}
		}
		await sleep(RETRY_MS);
	}
}
