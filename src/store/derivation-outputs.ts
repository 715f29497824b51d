import { open } from 'node:fs/promises';
import { isCacheError, systemCode } from '../errors.ts';
import { forbidsSubstitutes, parseDerivationOutputs } from '../nix/derivation.ts';
import type { LocalStore } from './local-store.ts';

/** Some 8,000 outputs. */
const READ_LIMIT_BYTES = 1024 * 1024;

/**
 * Full paths of the outputs of a derivation (full path), from its file and without a process. Empty when the file is gone or says nothing: it is in the
 * store only where the build was asked for on this machine, and content-addressed derivations don't know their outputs.
 */
export async function readOutputPaths(store: Pick<LocalStore, 'realPath'>, drvPath: string): Promise<readonly string[]> {
	const text = await readDerivation(store, drvPath);
	try {
		return text === null ? [] : parseDerivationOutputs(text).flatMap(({ path }) => path ?? []);
	} catch (error) {
		if (isCacheError(error, 'format-invalid')) return [];
		throw error;
	}
}

/** Whether a derivation (full path) says that its outputs are not to be substituted; `false` when its file is gone. */
export async function readForbidsSubstitutes(store: Pick<LocalStore, 'realPath'>, drvPath: string): Promise<boolean> {
	const text = await readDerivation(store, drvPath);
	return text !== null && forbidsSubstitutes(text);
}

/** As much of it as is of use; `null` when it can't be read. */
async function readDerivation(store: Pick<LocalStore, 'realPath'>, drvPath: string): Promise<string | null> {
	try {
		const file = await open(store.realPath(drvPath));
		try {
			const sizeBytes = Math.min((await file.stat()).size, READ_LIMIT_BYTES);
			const { buffer, bytesRead } = await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes, 0);
			return buffer.toString('latin1', 0, bytesRead);
		} finally {
			await file.close();
		}
	} catch (error) {
		if (systemCode(error) !== null) return null;
		throw error;
	}
}
