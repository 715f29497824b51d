import type { Problem } from '../problem.ts';
import { checkAnswers, checkClock, checkPriorities } from './check-caches.ts';
import { checkKeyNames, checkKeysReadable, checkKeysThere } from './check-keys.ts';
import { checkDisks, checkVersion } from './check-machine.ts';
import { checkHidden, checkSubstitution, checkTrust } from './check-settings.ts';
import type { Facts } from './facts.ts';
import { gatherFacts, type Means } from './gather.ts';

/** One mistake each; a check of all caches may find one for each of them. */
export type Check = (facts: Facts) => readonly Problem[];

const CHECKS: readonly Check[] = [
	checkVersion,
	checkTrust,
	checkHidden,
	checkSubstitution,
	checkKeyNames,
	checkKeysReadable,
	checkKeysThere,
	checkAnswers,
	checkPriorities,
	checkClock,
	checkDisks,
];

/** What is wrong with the set-up, as far as that shows before the first build. Nothing is changed and nothing written anywhere. Throws `nix-failed`, `cancelled`. */
export async function preflight(means: Means): Promise<readonly Problem[]> {
	return problemsIn(await gatherFacts(means));
}

/** What is wrong with a set-up of which this is known. Pure. */
export function problemsIn(facts: Facts): readonly Problem[] {
	return CHECKS.flatMap((check) => check(facts));
}
