import { type GetInput, SECRET_INPUTS } from '../inputs/given.ts';
import type { State } from '../state.ts';

/** Inputs that are read anew in each phase although they are no secrets; the last two may have the credentials of a proxy or a mirror inside. */
const FRESH_INPUTS: ReadonlySet<string> = new Set(['job-status', 'substituters', 'install-nix']);

/** The inputs to keep for later phases. */
export function inputsToKeep(names: readonly string[], get: GetInput): Readonly<Record<string, string>> {
	return Object.fromEntries(
		names.filter((name) => !SECRET_INPUTS.has(name) && !FRESH_INPUTS.has(name)).map((name) => [name, get(name)]),
	);
}

/** Inputs for a later phase: secrets and the job's status as they are now, everything else as it was. */
export function inputsAsKept(state: State, now: GetInput): GetInput {
	return (name) => state.inputs[name] ?? now(name);
}
