import { CacheError } from '../../errors.ts';
import { orAborted } from '../../waiting/cancel.ts';

/** Waits for the result, for as long as `signal` lets it. `doing` is for the message when it does not. */
export type Shared<T> = (signal: AbortSignal, doing: string) => Promise<T>;

interface Run<T> {
	readonly result: Promise<T>;
	readonly stop: AbortController;
	waiting: number;
}

/**
 * One run of `work` for all who want its result, begun by the first of them. Whoever gives up leaves the others alone; the last one to do so stops it. A success
 * is kept; after a failure, whoever comes next begins anew.
 */
export function shareWork<T>(work: (signal: AbortSignal) => Promise<T>): Shared<T> {
	let current: Run<T> | null = null;
	const forget = (run: Run<T>): void => {
		if (current === run) current = null;
	};
	const begin = (): Run<T> => {
		const stop = new AbortController();
		const run = { result: work(stop.signal), stop, waiting: 0 };
		run.result.catch(() => forget(run));
		return run;
	};
	return async (signal, doing) => {
		current ??= begin();
		const run = current;
		let isOver = false;
		run.waiting++;
		try {
			const settled = run.result.finally(() => {
				isOver = true;
			});
			return await orAborted(settled, signal, doing);
		} finally {
			run.waiting--;
			if (run.waiting === 0 && !isOver) {
				forget(run);
				run.stop.abort(new CacheError('cancelled', `${doing}: nobody waits for it any more.`));
			}
		}
	};
}
