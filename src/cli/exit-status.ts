import { type ErrorCode, isCacheError } from '../errors.ts';
import type { CacheReport } from '../report/report.ts';

/** What the program ends with; the help of each command says it too. */
export const EXIT = { well: 0, failed: 1, usage: 2, noCache: 3, interrupted: 130 } as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

export function exitOfError(error: unknown): ExitStatus {
	return isCacheError(error) ? exitOfCode(error.code) : EXIT.failed;
}

function exitOfCode(code: ErrorCode): ExitStatus {
	if (code === 'input-invalid') return EXIT.usage;
	return code.startsWith('cache-') || code === 'push-impossible' ? EXIT.noCache : EXIT.failed;
}

/** What filters leave out was not asked for. */
export function exitOfPush({ stoppedBy, paths, verification }: CacheReport): ExitStatus {
	if (stoppedBy !== null) return exitOfCode(stoppedBy.code);
	const isAmiss = paths.some(
		({ class: name }) => name === 'failed' || name === 'corrupt' || name === 'out-of-time' || name === 'vanished',
	);
	return isAmiss || (verification?.problems.length ?? 0) > 0 ? EXIT.failed : EXIT.well;
}
