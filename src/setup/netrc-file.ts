import { readFile } from 'node:fs/promises';
import { describeError, systemCode } from '../errors.ts';
import { formatNetrc, type NetrcEntry, parseNetrc } from '../nix/netrc.ts';
import type { Problem } from '../problem.ts';
import { writePrivateFile } from './private-file.ts';
import { type Caller, canBecomeRoot, runAsRoot } from './run-as-root.ts';

/** What a netrc holds; `problem` is `null` when all of it was read. A file that is not there is empty. */
export interface KnownNetrc {
	readonly entries: readonly NetrcEntry[];
	readonly problem: Problem | null;
}

/** Reads the netrc that Nix is set to use (`netrc-file`). `readForbidden` is asked for a text that this user may not read. Does not throw. */
export async function readNetrcFile(file: string, readForbidden: () => Promise<string | null> = nobody): Promise<KnownNetrc> {
	try {
		return { entries: parseNetrc(await readText(file, readForbidden)), problem: null };
	} catch (error) {
		if (systemCode(error) === 'ENOENT') return { entries: [], problem: null };
		return { entries: [], problem: unreadable(file, error) };
	}
}

/**
 * Writes the netrc that Nix downloads with, for this user and root alone. `netrc-file` is not additive, so the entries of the one that Nix would
 * have read (`existing`) go on behind ours: for a host that the workflow gives credentials for, these win, since the first entry of a host
 * counts. A multi-user install often has one that only root may read: it is read as root, where that works. Gives a problem as `readNetrcFile`
 * does. Throws `format-invalid` when something is too long for Nix, `file-failed`.
 */
export async function writeNetrcFile(
	file: string,
	ours: readonly NetrcEntry[],
	existing: string,
	caller: Caller,
): Promise<Problem | null> {
	const { entries, problem } = await readNetrcFile(existing, async () =>
		(await canBecomeRoot(caller)) ? runAsRoot(['cat', '--', existing], caller) : null,
	);
	await writePrivateFile(file, formatNetrc([...ours, ...entries]));
	return problem;
}

function unreadable(file: string, error: unknown): Problem {
	const isForbidden = systemCode(error) === 'EACCES';
	return {
		code: 'netrc-unreadable',
		level: 'warning',
		title: 'The netrc can not be read',
		message: `The entries of ${file} do not count in this job: ${withFullStop(describeError(error))}`,
		fix: isForbidden
			? `Let this user read it in a step before, \`sudo chgrp "$(id -gn)" ${file} && sudo chmod g+r ${file}\`, or give its entries in \`netrc\`.`
			: 'Write it as `machine HOST login USER password PASSWORD`, or give its entries in `netrc`.',
	};
}

function withFullStop(text: string): string {
	return text.endsWith('.') ? text : `${text}.`;
}

async function readText(file: string, readForbidden: () => Promise<string | null>): Promise<string> {
	try {
		return await readFile(file, 'utf8');
	} catch (error) {
		const text = systemCode(error) === 'EACCES' ? await readForbidden() : null;
		if (text === null) throw error;
		return text;
	}
}

async function nobody(): Promise<null> {
	return null;
}
