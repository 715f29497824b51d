import { rename, rm, writeFile } from 'node:fs/promises';
import { CacheError, systemCode } from '../errors.ts';

/** Writes a file that only this user (and root) can read. Whoever reads it sees the old text or the new one, never a part. Throws `disk-full`, `file-failed`. */
export async function writePrivateFile(file: string, text: string | Uint8Array): Promise<void> {
	const next = `${file}.new`;
	try {
		// Opened anew, so that the mode holds whatever was there.
		await rm(next, { force: true });
		await writeFile(next, text, { mode: 0o600, flag: 'wx' });
		await rename(next, file);
	} catch (cause) {
		const code = systemCode(cause) ?? 'unknown';
		throw new CacheError(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `${file} can't be written (${code}).`, { cause });
	}
}

/** Removes a file of ours, and what `writePrivateFile` may have left beside it. */
export async function removePrivateFile(file: string): Promise<void> {
	await rm(`${file}.new`, { force: true });
	await rm(file, { force: true });
}
