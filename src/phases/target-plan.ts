import { type Backend, isMissing, type Presence } from '../backends/backend.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { type Plan, planPush, type Selection, selectPaths } from '../push/plan.ts';
import type { Upstreams } from './upstreams.ts';

export interface PlannerOptions {
	readonly upstreams: Upstreams;
	/** What this process has put into the cache, by path. Grows. */
	readonly done: ReadonlyMap<string, unknown>;
	/** Aborted: nobody is asked any more. */
	readonly stopped: AbortSignal;
}

/** Plans the pushes to one cache, which is asked for a path that it has once. */
export interface Planner {
	/** What this process is to put into the cache, `done` or not. Throws what asking the cache throws. */
	plan(backend: Backend, selection: Selection, signal: AbortSignal): Promise<Plan>;
	/** The same without what is `done`. */
	rest(backend: Backend, selection: Selection, signal: AbortSignal): Promise<Plan>;
	/** Paths that the cache had once and whose bytes are gone, as far as it was asked. */
	lost(): ReadonlySet<string>;
	/** Paths that the cache has without a signature that the job believes, as far as it was asked. */
	untrusted(): ReadonlySet<string>;
}

export function createPlanner({ upstreams, done, stopped }: PlannerOptions): Planner {
	/** What the cache has. */
	const known = new Map<string, Presence>();

	const pathsThatAre = (wanted: Presence['state']): ReadonlySet<string> =>
		new Set([...known].flatMap(([path, { state }]) => (state === wanted ? [path] : [])));

	/** Gives those that were not asked for. */
	const ask = async (
		backend: Backend,
		paths: readonly PathInfo[],
		signal: AbortSignal,
		sparing: boolean,
	): Promise<readonly PathInfo[]> => {
		const unknown = paths.filter(({ path }) => !done.has(path) && !known.has(path));
		// What is not known to be up is listed as not pushed.
		if (unknown.length === 0 || stopped.aborted) return [];
		const found = await backend.presence(unknown, signal, sparing);
		for (const [path, presence] of found) if (!isMissing(presence)) known.set(path, presence);
		return unknown.filter(({ path }) => found.get(path)?.state === 'presumed-missing');
	};

	/** Without what a substituter of the job's has, which is asked for nothing but what would go up. */
	const planWith = async (selection: Selection, there: ReadonlyMap<string, Presence>, signal: AbortSignal): Promise<Plan> => {
		const plan = planPush(selection, there);
		const upstream = await upstreams.find(plan.push, signal);
		if (upstream.size === 0) return plan;
		return planPush(selectPaths(selection.candidates, { ...selection.rules, upstream }), there);
	};

	/** `ours`: what counts as there, whatever the cache says. */
	const planBeside = async (
		ours: readonly (readonly [string, Presence])[],
		backend: Backend,
		selection: Selection,
		signal: AbortSignal,
	): Promise<Plan> => {
		const { query } = selection;
		const presumed = await ask(backend, query, signal, true);
		const there = new Map([...known, ...ours]);
		const plan = await planWith(selection, there, signal);
		const going = new Set(plan.push.map(({ path }) => path));
		// Where something stays missing (it is excluded, or at a substituter), what refers to it may be there nevertheless.
		if (presumed.length === 0 || query.every(({ path }) => there.has(path) || going.has(path))) return plan;
		await ask(backend, presumed, signal, false);
		return planWith(selection, new Map([...known, ...ours]), signal);
	};

	return {
		plan: (backend, selection, signal) => planBeside([], backend, selection, signal),
		rest: (backend, selection, signal) =>
			planBeside(
				[...done.keys()].map((path) => [path, { state: 'present' }]),
				backend,
				selection,
				signal,
			),
		lost: () => pathsThatAre('lost'),
		untrusted: () => pathsThatAre('untrusted'),
	};
}
