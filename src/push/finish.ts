import type { Backend } from '../backends/backend.ts';
import { describeError, isCacheError } from '../errors.ts';
import type { Outcome, PushResult } from './outcome.ts';

/** Ends the push, and takes back what was called pushed and is not there after all. */
export async function finishPush(backend: Pick<Backend, 'finish'>, result: PushResult, signal: AbortSignal): Promise<PushResult> {
	try {
		const lost = await backend.finish(signal);
		if (lost.size === 0) return result;
		return { ...result, outcomes: pushedAs(result, (path, outcome) => failedAs(lost.get(path)) ?? outcome) };
	} catch (error) {
		const isLate = isCacheError(error, 'deadline', 'cancelled') || signal.aborted;
		const code = isCacheError(error) ? error.code : 'internal';
		const message = describeError(error);
		const failed: Outcome = isLate ? { class: 'out-of-time' } : { class: 'failed', code, message };
		const why = isCacheError(error) ? { code, message: error.message, hint: error.hint } : { code, message, hint: null };
		return { ...result, outcomes: pushedAs(result, () => failed), stoppedBy: result.stoppedBy ?? (isLate ? null : why) };
	}
}

function failedAs(reason: string | undefined): Outcome | null {
	return reason === undefined ? null : { class: 'failed', code: 'cache-not-found', message: reason };
}

function pushedAs(result: PushResult, change: (path: string, outcome: Outcome) => Outcome): ReadonlyMap<string, Outcome> {
	return new Map(
		[...result.outcomes].map(([path, outcome]) => [path, outcome.class === 'pushed' ? change(path, outcome) : outcome]),
	);
}
