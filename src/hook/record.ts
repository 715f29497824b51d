import { isCacheError } from '../errors.ts';
import { isDerivation, parseStorePath } from '../nix/store-path.ts';

/**
 * One line of the journal: `1 <seconds since 1970> <derivation> <output>`, one line for each output, `-` for what Nix did not say. Written by the
 * post-build hook (`script.ts`), and by anybody else who can write the file, so nothing of it is believed but what it names.
 */
export interface JournalLine {
	/** Full path of the derivation that was built. */
	readonly drvPath: string | null;
	/** Full path; `null` where Nix does not say it (2.8.0, and rebuilds with 2.30 and 2.31). */
	readonly outPath: string | null;
	/** When it was built, or 0. */
	readonly timeMs: number;
}

/** Two store paths of the usual length take 600 bytes. */
export const LINE_LIMIT_BYTES = 4096;

const FIELDS = /^1 (\d{1,11}) (\S+) (\S+)$/;

/** `null` for a line that is torn, foreign, or about another store. */
export function parseJournalLine(line: string, storeDir: string): JournalLine | null {
	if (line.length > LINE_LIMIT_BYTES) return null;
	const [, seconds, drv = '', out = ''] = FIELDS.exec(line) ?? [];
	if (seconds === undefined) return null;
	const drvPath = drv === '-' ? null : storePath(drv, storeDir);
	const outPath = out === '-' ? null : storePath(out, storeDir);
	if (drvPath === undefined || outPath === undefined || (drvPath ?? outPath) === null) return null;
	if (drvPath !== null && !isDerivation(drvPath)) return null;
	return { drvPath, outPath, timeMs: Number(seconds) * 1000 };
}

function storePath(text: string, storeDir: string): string | undefined {
	try {
		return parseStorePath(text, storeDir).path;
	} catch (error) {
		if (isCacheError(error, 'format-invalid')) return undefined;
		throw error;
	}
}
