import type { Presence } from '../backends/backend.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { baseNameOf, isDerivation } from '../nix/store-path.ts';
import type { Withheld } from './outcome.ts';

/** What the inputs `include`, `exclude`, `max-path-size`, `skip-signed-by` and `paths` say. The expressions match `<hash>-<name>`. */
export interface PushRules {
	/** Empty: everything. */
	readonly include: readonly RegExp[];
	readonly exclude: readonly RegExp[];
	/** Size of the NAR, uncompressed. */
	readonly maxPathSizeBytes: number | null;
	/** Names of keys; a path signed by one of them is readable upstream. */
	readonly skipSignedBy: readonly string[];
	/** Paths (full) that a substituter of the job's has, and which one: readers find them there. */
	readonly upstream: ReadonlyMap<string, string>;
	/** The candidates were named one by one (`paths`), so derivation files among them are meant. */
	readonly explicitPaths: boolean;
	/** The cache is a store, which takes a path only when it has all that it refers to: what an upstream signed goes along where it is needed. */
	readonly wholeClosures: boolean;
}

/** What the store had to say. */
export interface Candidates {
	/** The roots and everything that they need, keyed by full path. */
	readonly infos: ReadonlyMap<string, PathInfo>;
	/** New paths of this job, or those that `paths` names. */
	readonly roots: ReadonlySet<string>;
	/** Paths that were new but are not valid any more. A root or reference without path info counts as one of them. */
	readonly vanished: readonly string[];
}

/** Where one path stands before anything is sent, with the reason. */
export type Verdict =
	| { readonly class: 'push'; readonly why: 'new' | 'needed' }
	| { readonly class: 'present' }
	/** There with another NAR hash; it stays as it is, and what refers to it can be read. */
	| { readonly class: 'differs'; readonly narHash: string }
	| { readonly class: 'signed-upstream'; readonly keyName: string }
	| { readonly class: 'upstream'; readonly substituter: string }
	/** `pattern`: the expression that excludes it; `null` when no expression of `include` matches. */
	| { readonly class: 'excluded'; readonly pattern: string | null }
	| { readonly class: 'too-large'; readonly limitBytes: number }
	| { readonly class: 'derivation' }
	| { readonly class: 'vanished' }
	| Withheld;

export type PlanClass = Verdict['class'];

export interface PlannedPath {
	readonly path: string;
	/** `null` for one that vanished. */
	readonly info: PathInfo | null;
	/** New in this job (or named by `paths`), not just needed. */
	readonly isRoot: boolean;
	readonly verdict: Verdict;
}

/** What goes up and why the rest does not. */
export interface Plan {
	/** Every root, everything that the kept roots need down to what upstreams have, and what vanished: each once. */
	readonly paths: ReadonlyMap<string, PlannedPath>;
	/** Those of class `push`, references before what refers to them. All other references of theirs can be read already. */
	readonly push: readonly PathInfo[];
}

/** The wanted part of the closure, before the cache was asked. */
export interface Selection {
	readonly candidates: Candidates;
	readonly rules: PushRules;
	/** What the rules leave out even when something needs it. */
	readonly ruledOut: ReadonlyMap<string, RuledOut>;
	/** Roots that no rule leaves out. */
	readonly wanted: ReadonlySet<string>;
	/** Wanted roots and what they need, references first, down to what upstreams have and what the rules leave out. */
	readonly order: readonly string[];
	/** Paths whose presence decides: ask the cache for these and no others. */
	readonly query: readonly PathInfo[];
}

/** Whether a path can be read once the push is done: `null` when it can, else what stands in the way. */
type Obstacle = Omit<Withheld, 'class'> | null;

/** What the rules alone say, whether a path is a root or just needed. */
export type RuledOut = Extract<Verdict, { class: 'signed-upstream' | 'upstream' | 'excluded' | 'too-large' }>;

/** On a path that a wanted one needs, or that is wanted itself. */
type NeededVerdict = Exclude<Verdict, { class: 'derivation' }>;

/**
 * Chooses the paths that the cache has to be asked about.
 *
 * - A root is wanted unless it is a derivation file (and not named by `paths`), signed by an upstream or found at one, excluded, matched by no
 *   `include`, or too large.
 * - What a wanted root needs goes along however old it is: `include` and the rule on derivation files concern roots only.
 * - A path signed by a `skip-signed-by` key, or found at a substituter, ends the walk: that its closure can be read there is the upstream's own invariant. Not so with
 *   `wholeClosures`: there it is not wanted for itself, but goes along like any other path.
 * - An excluded or too large path that is needed ends the walk as well, but the cache is asked for it: when it is there, what
 *   needs it can go up.
 */
export function selectPaths(candidates: Candidates, rules: PushRules): Selection {
	const infoOf = lookUp(candidates);
	const ruledOut = new Map<string, RuledOut>();
	for (const info of candidates.infos.values()) {
		const verdict = (rules.wholeClosures ? null : readableUpstream(info, rules)) ?? verdictOfRules(info, rules);
		if (verdict !== null) ruledOut.set(info.path, verdict);
	}
	const wanted = new Set<string>();
	for (const root of candidates.roots) {
		const info = infoOf(root);
		if (info !== null && verdictOnRoot(info, rules, ruledOut) === null) wanted.add(root);
	}
	const order = referencesFirst(wanted, (path) => (ruledOut.has(path) ? [] : (infoOf(path)?.references ?? [])));
	const query = order
		.filter((path) => !isUpstream(ruledOut.get(path)))
		.map(infoOf)
		.filter((info) => info !== null);
	return { candidates, rules, ruledOut, wanted, order, query };
}

/**
 * Says for every path what becomes of it. `presence` is the cache's answer to `selection.query`.
 *
 * A path that is in the cache is taken at its word (what it refers to is the cache's own invariant), yet what turns out to be
 * missing below it is pushed too. A path whose reference neither is readable nor will be is withheld, and names the first cause.
 */
export function planPush(selection: Selection, presence: ReadonlyMap<string, Presence>): Plan {
	const { candidates, rules, ruledOut, wanted, order } = selection;
	const infoOf = lookUp(candidates);
	const verdicts = verdictsOf(selection, infoOf, presence);
	const needed = neededBy(wanted, verdicts, infoOf);

	const paths = new Map<string, PlannedPath>();
	const add = (path: string, verdict: Verdict): void => {
		paths.set(path, { path, info: infoOf(path), isRoot: candidates.roots.has(path), verdict });
	};
	const push: PathInfo[] = [];
	for (const path of order) {
		const verdict = verdicts.get(path);
		if (verdict === undefined || !(wanted.has(path) || needed.has(path))) continue;
		const info = infoOf(path);
		add(path, verdict.class === 'push' && wanted.has(path) ? { class: 'push', why: 'new' } : verdict);
		if (verdict.class === 'push' && info !== null) push.push(info);
	}
	for (const path of [...candidates.roots, ...candidates.vanished]) {
		if (paths.has(path)) continue;
		const info = infoOf(path);
		const verdict = info === null ? { class: 'vanished' as const } : verdictOnRoot(info, rules, ruledOut);
		if (verdict !== null) add(path, verdict);
	}
	return { paths, push };
}

function lookUp(candidates: Candidates): (path: string) => PathInfo | null {
	const vanished = new Set(candidates.vanished);
	return (path) => (vanished.has(path) ? null : (candidates.infos.get(path) ?? null));
}

function readableUpstream(info: PathInfo, rules: PushRules): RuledOut | null {
	for (const signature of info.signatures) {
		const keyName = signature.slice(0, Math.max(0, signature.indexOf(':')));
		if (rules.skipSignedBy.includes(keyName)) return { class: 'signed-upstream', keyName };
	}
	const substituter = rules.upstream.get(info.path);
	return substituter === undefined ? null : { class: 'upstream', substituter };
}

function isUpstream(verdict: RuledOut | undefined): boolean {
	return verdict?.class === 'signed-upstream' || verdict?.class === 'upstream';
}

/** Why a path stays out even when a wanted one needs it, whoever signed it; `null` when it may go up. */
function verdictOfRules(info: PathInfo, rules: PushRules): RuledOut | null {
	const baseName = baseNameOf(info.path);
	// `search`, as `test` would carry state from one path to the next with a flag `g` or `y`.
	const pattern = rules.exclude.find((expression) => baseName.search(expression) !== -1);
	if (pattern !== undefined) return { class: 'excluded', pattern: pattern.source };
	if (rules.maxPathSizeBytes !== null && info.narSizeBytes > rules.maxPathSizeBytes) {
		return { class: 'too-large', limitBytes: rules.maxPathSizeBytes };
	}
	return null;
}

/** Why a root is not wanted for itself; `null` when it is. */
function verdictOnRoot(info: PathInfo, rules: PushRules, ruledOut: ReadonlyMap<string, RuledOut>): Verdict | null {
	const verdict = ruledOut.get(info.path);
	if (verdict !== undefined && isUpstream(verdict)) return verdict;
	const elsewhere = rules.wholeClosures ? readableUpstream(info, rules) : null;
	if (elsewhere !== null) return elsewhere;
	if (!rules.explicitPaths && isDerivation(info.path)) return { class: 'derivation' };
	if (verdict !== undefined) return verdict;
	const baseName = baseNameOf(info.path);
	const included = rules.include.length === 0 || rules.include.some((expression) => baseName.search(expression) !== -1);
	return included ? null : { class: 'excluded', pattern: null };
}

/** All that can be reached from `starts`, each once and after what it refers to. Loops over a stack: closures are thousands deep. */
function referencesFirst(starts: Iterable<string>, referencesOf: (path: string) => readonly string[]): string[] {
	const order: string[] = [];
	const seen = new Set<string>();
	for (const start of starts) {
		if (seen.has(start)) continue;
		seen.add(start);
		const stack = [{ path: start, references: referencesOf(start), next: 0 }];
		for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
			const reference = top.references[top.next++];
			if (reference === undefined) {
				order.push(top.path);
				stack.pop();
			} else if (!seen.has(reference)) {
				seen.add(reference);
				stack.push({ path: reference, references: referencesOf(reference), next: 0 });
			}
		}
	}
	return order;
}

function verdictsOf(
	{ order, ruledOut }: Selection,
	infoOf: (path: string) => PathInfo | null,
	presence: ReadonlyMap<string, Presence>,
): ReadonlyMap<string, NeededVerdict> {
	const verdicts = new Map<string, NeededVerdict>();
	const obstacles = new Map<string, Obstacle>();
	for (const path of order) {
		const info = infoOf(path);
		const verdict =
			info === null
				? { class: 'vanished' as const }
				: (verdictOfCache(presence.get(path)) ?? ruledOut.get(path) ?? verdictOfReferences(info, obstacles));
		verdicts.set(path, verdict);
		obstacles.set(path, obstacleOf(path, verdict));
	}
	return verdicts;
}

function verdictOfCache(presence: Presence | undefined): NeededVerdict | null {
	if (presence?.state === 'present') return { class: 'present' };
	return presence?.state === 'differs' ? { class: 'differs', narHash: presence.narHash } : null;
}

function verdictOfReferences(info: PathInfo, obstacles: ReadonlyMap<string, Obstacle>): NeededVerdict {
	for (const reference of info.references) {
		if (reference === info.path) continue;
		const obstacle = obstacles.get(reference);
		// Nix allows no circles; one in what we were told would leave paths that wait for each other.
		if (obstacle === undefined) return { class: 'withheld', culprit: reference, culpritClass: 'circular' };
		if (obstacle !== null) return { class: 'withheld', ...obstacle };
	}
	return { class: 'push', why: 'needed' };
}

function obstacleOf(path: string, verdict: NeededVerdict): Obstacle {
	switch (verdict.class) {
		case 'push':
		case 'present':
		case 'differs':
		case 'signed-upstream':
		case 'upstream':
			return null;
		case 'withheld':
			return { culprit: verdict.culprit, culpritClass: verdict.culpritClass };
		case 'excluded':
		case 'too-large':
		case 'vanished':
			return { culprit: path, culpritClass: verdict.class };
	}
}

/** What the wanted roots that are or will be readable need. What only withheld paths need stays out with them. */
function neededBy(
	wanted: ReadonlySet<string>,
	verdicts: ReadonlyMap<string, NeededVerdict>,
	infoOf: (path: string) => PathInfo | null,
): ReadonlySet<string> {
	const isKept = (path: string): boolean => {
		const verdict = verdicts.get(path)?.class;
		return verdict === 'push' || verdict === 'present' || verdict === 'differs';
	};
	return new Set(referencesFirst([...wanted].filter(isKept), (path) => (isKept(path) ? (infoOf(path)?.references ?? []) : [])));
}
