import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { CacheError, isCacheError } from '../errors.ts';
import { isAtLeast } from './nix-about.ts';
import type { NixCommand } from './nix-command.ts';
import type { EffectiveSettings } from './settings.ts';

/** Whether Nix does what this user's settings say: as owner of the store, or because the daemon trusts the user. */
export type Trust = 'direct' | 'trusted' | 'untrusted' | 'unknown';

/**
 * Whether the daemon trusts this user. Later versions say so themselves; for the others `trusted-users` in the system's nix.conf says it,
 * as long as the daemon was started after the last change of it. Throws `store-unreadable` when no daemon answers.
 */
export async function findTrust(nix: NixCommand, settings: EffectiveSettings, signal: AbortSignal): Promise<Trust> {
	const said = await askDaemon(nix, signal);
	if (said !== null) return said ? 'trusted' : 'untrusted';
	try {
		return isTrustedUser(settings.trustedUsers, userInfo().username, await groupsOfUser(settings.trustedUsers))
			? 'trusted'
			: 'untrusted';
	} catch {
		return 'unknown';
	}
}

/** `trusted-users` holds names, `@group`s and `*`. */
export function isTrustedUser(trustedUsers: readonly string[], user: string, groups: readonly string[]): boolean {
	return trustedUsers.some((entry) =>
		entry.startsWith('@') ? groups.includes(entry.slice(1)) : entry === '*' || entry === user,
	);
}

/** Asks the daemon whether it trusts this user; `null` when this Nix does not tell. Throws `store-unreadable` when none answers. */
export async function askDaemon(nix: NixCommand, signal: AbortSignal): Promise<boolean | null> {
	// `ping` was renamed between 2.15 and 2.26, and may go.
	const command = ['store', isAtLeast(nix.about.version, 2, 26) ? 'info' : 'ping'];
	const options = { signal, timeoutMs: 20_000 };
	try {
		const json = await nix.run([...command, '--json'], options).catch((error: unknown) => {
			if (isCacheError(error, 'nix-failed')) return null;
			throw error;
		});
		if (json !== null) return parseTrusted(json);
		// It does not answer, or does not know `--json` yet.
		await nix.run(command, options);
		return null;
	} catch (cause) {
		if (!isCacheError(cause, 'nix-failed')) throw cause;
		throw new CacheError('store-unreadable', `The Nix daemon does not answer: ${cause.message}`, {
			cause,
			hint: 'Start it, and see that this user may use its socket (`allowed-users`, or the group of the socket).',
		});
	}
}

/** Reads `nix store info --json`: `{"trusted": 0|1|true|false|null, ...}`; `null` when it does not say. */
export function parseTrusted(json: string): boolean | null {
	const trusted = /"trusted"\s*:\s*(0|1|true|false)\b/.exec(json)?.[1];
	return trusted === undefined ? null : trusted === '1' || trusted === 'true';
}

async function groupsOfUser(trustedUsers: readonly string[]): Promise<readonly string[]> {
	if (!trustedUsers.some((entry) => entry.startsWith('@'))) return [];
	const { stdout } = await promisify(execFile)('id', ['-Gn'], { timeout: 10_000 });
	return stdout.trim().split(' ');
}
