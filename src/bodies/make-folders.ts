import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../errors.ts';

/**
 * Makes a folder and those above it, as far as they are missing. Not by `mkdir` with `recursive`, which in Node never ends, and keeps the process from ending,
 * where a folder that is there takes no other with ENOENT: one of a share whose other side is gone, or of the kernel's.
 */
export async function makeFolders(folder: string): Promise<void> {
	try {
		await mkdir(folder);
		return;
	} catch (error) {
		const code = systemCode(error);
		if (code !== 'ENOENT' || folder === dirname(folder)) return expectFolder(folder, error);
	}
	await makeFolders(dirname(folder));
	await mkdir(folder).catch((error: unknown) => expectFolder(folder, error));
}

/** It is there, for example since another job made it just now. */
async function expectFolder(folder: string, failure: unknown): Promise<void> {
	const found = await stat(folder).catch(() => null);
	if (found?.isDirectory() !== true) throw failure;
}
