import { open, rm } from 'node:fs/promises';
import { CacheError, systemCode } from '../errors.ts';
import { usageError } from './parse.ts';

/**
 * Writes a new file that only this user can read. Never over what is there: that may be the only copy of a key. @throws CacheError `input-invalid`
 * when the file is there, `disk-full`, `file-failed`
 */
export async function writeNew(file: string, text: string): Promise<void> {
	let isMade = false;
	try {
		await using handle = await open(file, 'wx', 0o600);
		isMade = true;
		await handle.writeFile(text);
		await handle.sync();
	} catch (cause) {
		// Part of a secret is of no use, and would be in the way of the next try.
		if (isMade) await rm(file, { force: true }).catch(() => undefined);
		const code = systemCode(cause) ?? 'unknown';
		if (code === 'EEXIST')
			throw usageError(`${file} is there already, and nothing is written over it.`, 'Give the name of a new file.');
		throw new CacheError(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `${file} can't be written (${code}).`, { cause });
	}
}
