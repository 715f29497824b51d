import { open } from 'node:fs/promises';
import { isCacheError, systemCode } from '../errors.ts';
import { parseDerivationOutputs } from '../nix/derivation.ts';
import type { LocalStore } from './local-store.ts';

/** Some 8,000 outputs. */
const READ_LIMIT_BYTES = 1024 * 1024;

/**
 * Full paths of the outputs of a derivation (full path), from its file and without a process. Empty when the file is gone or says nothing: it is in the
 * store only where the build was asked for on this machine, and content-addressed derivations don't know their outputs.
 */
export async function readOutputPaths(store: Pick<LocalStore, 'realPath'>, drvPath: string): Promise<readonly string[]> {
	try {
		const file = await open(store.realPath(drvPath));
		try {
			const sizeBytes = Math.min((await file.stat()).size, READ_LIMIT_BYTES);
			const { buffer, bytesRead } = await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes, 0);
			return parseDerivationOutputs(buffer.toString('latin1', 0, bytesRead)).flatMap(({ path }) => path ?? []);
		} finally {
			await file.close();
		}
	} catch (error) {
		if (isCacheError(error, 'format-invalid') || systemCode(error) !== null) return [];
		throw error;
	}
}
