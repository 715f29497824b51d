import { readFile, writeFile } from 'node:fs/promises';
import { CacheError, isCacheError, systemCode } from '../errors.ts';
import { formatNetrc, type NetrcEntry, parseNetrc } from '../nix/netrc.ts';

/** The entries of a netrc; none when there is no such file, when this user may not read it, or when it is not a netrc. */
export async function readNetrcFile(file: string): Promise<readonly NetrcEntry[]> {
	if (file === '') return [];
	try {
		return parseNetrc(await readFile(file, 'utf8'));
	} catch (error) {
		if (isCacheError(error, 'format-invalid') || systemCode(error) !== null) return [];
		throw error;
	}
}

/**
 * Writes the netrc that Nix downloads with, for this user and root alone. `netrc-file` is not additive, so the entries that Nix would have read
 * go on behind ours: for a host that the workflow gives credentials for, these win, since the first entry of a host counts.
 */
export async function writeNetrcFile(file: string, ours: readonly NetrcEntry[], existing: readonly NetrcEntry[]): Promise<void> {
	// An entry `default` ends the list for curl, whatever stands behind it.
	const isOurs = (entry: NetrcEntry): boolean =>
		ours.some(
			({ machine, login, password }) => machine === entry.machine && login === entry.login && password === entry.password,
		);
	const all = [...ours, ...existing.filter((entry) => !isOurs(entry))];
	const sorted = [...all.filter((entry) => entry.machine !== null), ...all.filter((entry) => entry.machine === null)];
	try {
		await writeFile(file, formatNetrc(sorted), { mode: 0o600 });
	} catch (cause) {
		if (isCacheError(cause)) throw cause;
		throw new CacheError('file-failed', `The netrc ${file} can't be written (${systemCode(cause) ?? 'unknown'}).`, { cause });
	}
}
