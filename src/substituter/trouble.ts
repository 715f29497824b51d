import { CacheError, describeError, type ErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';
import type { MountCounters } from './statistics.ts';

/** Where failures behind the substituter go, since no client hears of them. */
export type Trouble = (error: unknown, doing: string) => void;

/** Lines for each code; what comes after is counted, and shown when debugging. */
const SHOWN = 3;

/** Counts every failure and shows the first ones of each code. What a client did not want any more is none. */
export function createTrouble(counters: Pick<MountCounters, 'error'>, log: Log): Trouble {
	const seen = new Map<ErrorCode, number>();
	return (error, doing) => {
		const code = error instanceof CacheError ? error.code : 'internal';
		if (code === 'cancelled') return;
		counters.error(code);
		const times = (seen.get(code) ?? 0) + 1;
		seen.set(code, times);
		const line = `${doing}: ${describeError(error)} (${code})`;
		if (times > SHOWN) log.debug(line);
		else log.info(times === SHOWN ? `${line} Further ones of this kind are only counted.` : line);
		if (code === 'internal' && error instanceof Error && error.stack !== undefined) log.debug(error.stack);
	};
}
