import type { Inputs } from '../inputs/inputs.ts';

/** For people: the cache that a line of `cache` names; `null`: the Actions cache in place of those. */
export function labelOf({ caches }: Inputs, line: number | null): string {
	const target = line === null ? undefined : caches[line];
	return target === undefined || target.kind === 'actions-cache' ? 'the Actions cache' : target.place;
}
