import { setTimeout as sleep } from 'node:timers/promises';
import { inputLines } from '../inputs/lines.ts';
import { loadState, type State } from '../state.ts';
import { reopenLocalStore } from '../store/local-store.ts';
import { askStore, heard, type StoreAnswers } from './store-question.ts';

/** The end of the job asks the local store first of all, before most of this program is loaded: Nix answers meanwhile. */
export interface EarlyAnswers extends StoreAnswers {
	/** Nix is at work, or will not be, or it takes long to get there: this thread has time for other things. Never rejects. */
	readonly asked: Promise<void>;
	/** Nobody wants the answers any more. */
	cancel(reason?: unknown): void;
}

/** Whatever holds up the answers must not hold up post, which takes the secrets off the disk first. */
const LONGEST_WAIT_MS = 100;

/**
 * `null` where post does not ask, the pusher does, or the daemon would, which may be restarted when the configuration is undone. Asks nothing but what main wrote
 * into the state, and never throws: what is wrong here is found again, and told, by who wants the answers.
 *
 * @param env of the process, with the state that the runner hands back
 */
export function askEarly(env: Readonly<Record<string, string | undefined>>): EarlyAnswers | null {
	const state = stateIn(env);
	const main = state?.main ?? null;
	if (state === null || main === null) return null;
	if (main.store?.access !== 'direct' || main.whyNot !== null || main.pusherFolder !== null) return null;
	const over = new AbortController();
	const question = { paths: inputLines(state.inputs.paths ?? ''), env, main };
	const answers = askStore(reopenLocalStore(main.store, env), question, over.signal);
	return {
		...answers,
		asked: Promise.race([answers.roots.catch(() => undefined), sleep(LONGEST_WAIT_MS, undefined, { ref: false })]).then(
			() => undefined,
		),
		cancel: (reason) => over.abort(reason),
	};
}

function stateIn(env: Readonly<Record<string, string | undefined>>): State | null {
	try {
		return loadState((name) => env[`STATE_${name}`] ?? '');
	} catch {
		return null;
	}
}

/** The early answers until `signal` is aborted; what failed of them is asked again, since the configuration was being undone meanwhile. */
export function answersOf(early: EarlyAnswers | null, ask: () => StoreAnswers, signal: AbortSignal): StoreAnswers {
	if (early === null) return ask();
	const cancel = (): void => early.cancel(signal.reason);
	if (signal.aborted) cancel();
	else signal.addEventListener('abort', cancel, { once: true });
	let again: StoreAnswers | null = null;
	const anew = (): StoreAnswers => {
		again ??= ask();
		return again;
	};
	return heard({
		names: early.names.catch(() => anew().names),
		added: early.added.catch(() => anew().added),
		roots: early.roots.catch(() => anew().roots),
		candidates: early.candidates.catch(() => anew().candidates),
	});
}
