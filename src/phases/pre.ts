import { openLocalStore } from '../store/local-store.ts';
import { applySettings } from './configure.ts';
import { runPhase } from './run.ts';
import { createRunner } from './runner.ts';
import { openSession } from './session.ts';

/** Pre knows nothing of the steps before main and may run without it: it must be short and needs no network. */
const PRE_TIMEOUT_MS = 30_000;

/**
 * The start of the job, before any step: fails early on wrong inputs and, where Nix is there already, configures it, so that steps before
 * this action's own read from the cache too. Whether the cache answers is main's question.
 */
export async function pre(): Promise<void> {
	const runner = createRunner(process.env);
	await runPhase('pre', runner, async () => {
		const session = await openSession(runner);
		const signal = AbortSignal.timeout(PRE_TIMEOUT_MS);
		const store = await openLocalStore({ env: runner.env, log: runner.log, signal });
		if (store === null) return;
		// For a store behind SSH, a step may yet have to load the key.
		const substituters = session.inputs.caches.flatMap((target) =>
			target.kind === 'http' || target.kind === 'file' ? [target.substituter] : [],
		);
		await applySettings(
			session,
			store,
			{ substituters, publicKeys: [], netrc: [], throughUs: false, priority: null },
			{ substituter: null, hook: null },
			signal,
		);
	});
}
