import { openJournal } from '../hook/journal.ts';
import { attribute } from '../push/attribution.ts';
import { readOutputPaths } from '../store/derivation-outputs.ts';
import type { LocalStore } from '../store/local-store.ts';
import { rootsBelow } from '../store/own-roots.ts';

export interface JobRootsOptions {
	readonly store: LocalStore;
	/** What the post-build hook wrote; `null` when there was none. */
	readonly journal: string | null;
	/** Full paths that came to the store since the job began. */
	readonly added: readonly string[];
	/** Others use the store, too. */
	readonly isShared: boolean;
	/** Where this job makes its links: the workspace, `RUNNER_TEMP`. */
	readonly folders: readonly string[];
	readonly signal: AbortSignal;
}

/** Full paths, valid or not, that this job is to push with all that they refer to. Throws `file-failed`, `store-unreadable`, `nix-failed`, `cancelled`. */
export async function jobRoots({
	store,
	journal,
	added,
	isShared,
	folders,
	signal,
}: JobRootsOptions): Promise<readonly string[]> {
	const built = journal === null ? [] : await builtPaths(store, journal);
	const rooted = isShared ? await rootsBelow(folders, store.nix.about) : [];
	const { infos } = await store.closure(rooted, signal);
	return attribute({ built, added, rooted, infos, isShared });
}

/** All of the journal, also what the pusher had read before. */
async function builtPaths(store: LocalStore, file: string): Promise<readonly string[]> {
	const { storeDir } = store;
	const journal = await openJournal({ file, stateFile: null, storeDir, outputsOf: (drvPath) => readOutputPaths(store, drvPath) });
	const paths: string[] = [];
	for (;;) {
		const { records } = await journal.read();
		if (records.length === 0) return paths;
		for (const { outPaths } of records) paths.push(...outPaths);
	}
}
