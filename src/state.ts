import { CacheError } from './errors.ts';
import type { Configuration } from './setup/configuration.ts';
import type { LocalStoreDescription } from './store/local-store.ts';

/** What one phase hands to the next ones of the same step. JSON-serializable, and without any secret. */
export interface State {
	readonly version: 1;
	/** Names this use of the action: two in one job never meet. */
	readonly id: string;
	/** Folder of this use under `RUNNER_TEMP`, mode 0700; it goes in post. */
	readonly folder: string;
	/** Where post writes the JSON report: outside of the folder, since it stays. */
	readonly reportFile: string;
	/** The inputs as the phase saw them, without secrets: a later phase must not see others (`hashFiles` and `env` change during a job). */
	readonly inputs: Readonly<Record<string, string>>;
	/** What was done to Nix's configuration, so that it can be undone. */
	readonly configuration: Configuration | null;
	/** `null` while only pre has run, or without Nix. */
	readonly main: MainState | null;
}

/** What main found out. */
export interface MainState {
	readonly store: LocalStoreDescription | null;
	/** `null`: there is nothing to compare the store with. */
	readonly snapshotFile: string | null;
	/** What could take the job's paths: the lines of `cache` in their order, or what stands in for them. */
	readonly targets: readonly MainTarget[];
	/** What the post-build hook appends to; `null` without a hook. */
	readonly journal: string | null;
	/** Others use the store while this job runs: only what the journal and the job's own links account for is pushed. */
	readonly isShared: boolean;
	/** Of the background process that pushes while the job runs; `null` when there is none. */
	readonly pusherFolder: string | null;
	/** Why nothing is pushed; `null` when something is. */
	readonly whyNot: string | null;
	/** Where main kept the indexes of the store in the Actions cache; `null` when that is not used. */
	readonly indexesFolder: string | null;
	/** Of the background process that serves that store; `null` when there is none. */
	readonly substituterFolder: string | null;
	/** What that process serves: labels for people, by the names of the statistics. */
	readonly served: Readonly<Record<string, string>>;
	/** Warnings so far, for the report. */
	readonly warnings: readonly string[];
}

/** One cache that could take the job's paths. */
export interface MainTarget {
	/** Index of its line in `Inputs.caches`; `null`: the Actions cache in place of those. */
	readonly line: number | null;
	/** Why it does not get them; `null` when it does. */
	readonly whyNot: string | null;
	/** It did not answer when main asked: post tries less long. */
	readonly failed: boolean;
}

const STATE_KEY = 'nix-cache-action';

export function saveState(state: State, save: (name: string, value: string) => void): void {
	save(STATE_KEY, JSON.stringify(state));
}

/** The state that an earlier phase saved, `null` when none did. Throws `state-invalid`. */
export function loadState(load: (name: string) => string): State | null {
	const text = load(STATE_KEY);
	if (text === '') return null;
	let parsed: unknown;
	try {
		parsed = JSON.parse(text);
	} catch (cause) {
		throw new CacheError('state-invalid', 'The state of the earlier phase is not valid JSON.', { cause });
	}
	if (!isState(parsed))
		throw new CacheError('state-invalid', 'The state of the earlier phase is of another version of this action.');
	return parsed;
}

/** The runner hands back what `saveState` wrote: the version and the kinds of its fields tell it from anything else. */
function isState(value: unknown): value is State {
	return (
		typeof value === 'object' &&
		value !== null &&
		'version' in value &&
		value.version === 1 &&
		'id' in value &&
		typeof value.id === 'string' &&
		'folder' in value &&
		typeof value.folder === 'string' &&
		'reportFile' in value &&
		typeof value.reportFile === 'string' &&
		'inputs' in value &&
		typeof value.inputs === 'object' &&
		'configuration' in value &&
		'main' in value
	);
}
