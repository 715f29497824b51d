import type { CacheError } from '../errors.ts';
import type { Log } from '../log.ts';

/** Tells post that it must come to its end. */
export interface Stop {
	/** Aborted by the first SIGINT or SIGTERM. */
	readonly signal: AbortSignal;
	/** How long what was begun may still take after that: the runner sends SIGTERM 7.5 s after SIGINT, and kills 2.5 s later. */
	readonly graceMs: number;
	/** As if a signal had come, or for this reason. */
	now(reason?: CacheError): void;
	close(): void;
}

const GRACE_MS = 1_500;

/** Answers SIGINT and SIGTERM with an orderly end in place of Node's immediate one, and says `what` becomes of what was begun. */
export function stopOnSignals(log: Log, what = 'what is complete becomes visible, the rest is left for the next job'): Stop {
	const controller = new AbortController();
	const onSignal = (name: NodeJS.Signals): void => {
		if (!controller.signal.aborted) log.info(`${name}: ending; ${what}.`);
		controller.abort();
	};
	process.on('SIGINT', onSignal);
	process.on('SIGTERM', onSignal);
	return {
		signal: controller.signal,
		graceMs: GRACE_MS,
		now: (reason) => controller.abort(reason),
		close() {
			process.off('SIGINT', onSignal);
			process.off('SIGTERM', onSignal);
		},
	};
}
