import type { NixReads } from '../backends/backend.ts';
import { describeError, isCacheError } from '../errors.ts';
import { publicKeyOf } from '../nix/signature.ts';
import { preflight } from '../preflight/preflight.ts';
import { tellProblem } from '../problem.ts';
import type { LocalStore } from '../store/local-store.ts';
import { type Ours, wishOf } from './configure.ts';
import type { Session } from './session.ts';

/**
 * Looks for the usual mistakes now that Nix is configured: one annotation for each, none when all is well. What configuring Nix and asking the caches brought
 * to light was said there. That it can't look costs nothing but the look.
 */
export async function tellProblems(
	session: Session,
	store: LocalStore,
	reads: NixReads,
	ours: Ours,
	signal: AbortSignal,
): Promise<void> {
	const { inputs, runner, state } = session;
	const { configuration, main } = state();
	const pushes = main?.whyNot === null;
	const isTold = configuration !== null && configuration.route !== 'none' && configuration.route !== 'advice-only';
	const told = {
		route: configuration?.route ?? 'none',
		wish: wishOf(session, store, reads, ours),
		netrcFile: configuration?.netrc?.file ?? null,
	};
	const { signingKey, trustedPublicKeys, caches } = inputs;
	const keys = {
		signing: signingKey === null ? null : publicKeyOf(signingKey),
		ofCaches: reads.publicKeys,
		// A job that pushes without a key is told so by another notice.
		areKnown: signingKey !== null || trustedPublicKeys.length > 0 || reads.publicKeys.length > 0 || pushes,
		unsignedCaches: caches.flatMap((target) =>
			(target.kind === 'http' || target.kind === 'file') && reads.substituters.includes(target.substituter)
				? [target.substituter]
				: [],
		),
	};
	const { env, log } = runner;
	try {
		const problems = await preflight({
			store,
			env,
			told: isTold ? told : null,
			wish: null,
			keys,
			ours: ours.substituter?.storeUrls ?? [],
			log,
			signal,
		});
		for (const problem of problems) tellProblem(problem, log);
	} catch (error) {
		if (!isCacheError(error)) throw error;
		log.info(`The set-up was not looked at: ${describeError(error)}`);
	}
}
