import type { Presence } from '../backends/backend.ts';
import type { PathInfo } from '../nix/path-info.ts';
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
	/** The candidates were named one by one (`paths`), so derivation files among them are meant. */
	readonly explicitPaths: boolean;
}

/** What the store had to say. */
export interface Candidates {
	/** The roots and everything that they need, keyed by full path. */
	readonly infos: ReadonlyMap<string, PathInfo>;
	/** New paths of this job, or those that `paths` names. */
	readonly roots: ReadonlySet<string>;
	/** Paths that were new but are not valid any more. */
	readonly vanished: readonly string[];
}

/** Where one path stands before anything is sent, with the reason. */
export type Verdict =
	| { readonly class: 'push'; readonly why: 'new' | 'needed' }
	| { readonly class: 'present' }
	/** There with another NAR hash; it stays as it is. */
	| { readonly class: 'differs'; readonly narHash: string }
	| { readonly class: 'signed-upstream'; readonly keyName: string }
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
	/** Every root, everything that pushed paths need, and what vanished: each once. */
	readonly paths: ReadonlyMap<string, PlannedPath>;
	/** Those of class `push`, references before what refers to them. All other references of theirs can be read already. */
	readonly push: readonly PathInfo[];
}

/** The wanted part of the closure, before the cache was asked. */
export interface Selection {
	readonly candidates: Candidates;
	readonly rules: PushRules;
	/** Paths whose presence decides: ask the cache for these, no others. */
	readonly query: readonly PathInfo[];
}

export declare function selectPaths(candidates: Candidates, rules: PushRules): Selection;

/** `presence` has an entry for each path of `selection.query`. */
export declare function planPush(selection: Selection, presence: ReadonlyMap<string, Presence>): Plan;
