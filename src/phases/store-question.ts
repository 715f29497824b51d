import { lstat, readlink, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CacheError } from '../errors.ts';
import type { Candidates } from '../push/plan.ts';
import type { MainState } from '../state.ts';
import type { LocalStore } from '../store/local-store.ts';
import { newSince, readSnapshot } from '../store/snapshot.ts';
import { jobRoots } from './job-roots.ts';

/** What the end of the job asks the local store. */
export interface StoreQuestion {
	/** Of the input `paths`. */
	readonly paths: readonly string[];
	readonly env: Readonly<Record<string, string | undefined>>;
	/** What main knew; `null` when it did not run. */
	readonly main: Pick<MainState, 'snapshotFile' | 'journal' | 'isShared'> | null;
}

/** They come one by one, and each may fail. */
export interface StoreAnswers {
	/** Names in the store now. */
	readonly names: Promise<readonly string[]>;
	/** Full paths that came to the store since main's snapshot; `null` when there is none. */
	readonly added: Promise<readonly string[] | null>;
	/** Full paths that may be pushed: those that the input `paths` names, or else those that this job brought to the store. */
	readonly roots: Promise<readonly string[]>;
	/** The roots with their closures; `null` when there are none. */
	readonly candidates: Promise<Candidates | null>;
}

export function askStore(store: LocalStore, question: StoreQuestion, signal: AbortSignal): StoreAnswers {
	const { paths, env } = question;
	const explicit = paths.length > 0;
	const names = store.names();
	const added = addedSince(question.main?.snapshotFile ?? null, store, names);
	const roots = explicit ? namedRoots(paths, store, env) : newRoots(question, store, added, signal);
	const candidates = roots.then((found) => (found.length === 0 ? null : findCandidates(store, found, explicit, signal)));
	return heard({ names, added, roots, candidates });
}

/** The same answers. One that fails when nobody waits for it (another one failed before) is no error of this process. */
export function heard(answers: StoreAnswers): StoreAnswers {
	for (const answer of Object.values(answers)) answer.catch(() => undefined);
	return answers;
}

/** Full paths that came to the store since the snapshot. `names`: of the store now, which may still be read. Throws `state-invalid`, `store-unreadable`. */
export async function addedSince(
	snapshotFile: string | null,
	store: LocalStore,
	names: Promise<readonly string[]>,
): Promise<readonly string[] | null> {
	if (snapshotFile === null) return null;
	const [before, now] = await Promise.all([readSnapshot(snapshotFile), names]);
	return newSince(before, now).map((name) => `${store.storeDir}/${name}`);
}

/** What was added; on a store that others use too, what of that is this job's. */
async function newRoots(
	{ env, main }: StoreQuestion,
	store: LocalStore,
	adding: Promise<readonly string[] | null>,
	signal: AbortSignal,
): Promise<readonly string[]> {
	const { journal = null, isShared = false } = main ?? {};
	const added = await adding;
	if (added === null)
		throw new CacheError('state-invalid', 'The store was not looked at when the job began, so what is new is not known.');
	const { GITHUB_WORKSPACE: workspace = '', RUNNER_TEMP: temp = '' } = env;
	const folders = [workspace, temp].filter((folder) => folder !== '');
	return jobRoots({ store, journal, added, isShared, folders, signal });
}

/** The store paths that the input `paths` means: store paths, what lies inside of one, or links to them. */
async function namedRoots(lines: readonly string[], store: LocalStore, env: StoreQuestion['env']): Promise<readonly string[]> {
	const found = await Promise.all(lines.map((line) => storePathOf(resolve(env.GITHUB_WORKSPACE ?? '.', line), line, store)));
	return [...new Set(found)];
}

async function storePathOf(file: string, line: string, store: LocalStore): Promise<string> {
	const name = await nameInStore(file, store);
	if (name === null || name === '') {
		throw new CacheError('input-invalid', `paths: \`${line}\` is ${name === null ? 'not there' : 'not in the store'} now.`, {
			hint: 'It takes store paths and links to them such as `result`, relative to the workspace.',
		});
	}
	return `${store.storeDir}/${name}`;
}

const MOST_LINKS = 40;

/**
 * Name of the store path that a file is, lies in or leads to; empty when it is elsewhere, `null` when it is not there. Links are followed as far as the store and no
 * further, as Nix does: an output may be a link to another one. And Nix's links name store paths, which in a store with a root of its own are nowhere in the file system.
 */
async function nameInStore(file: string, { storeDir, realStoreDir }: LocalStore): Promise<string | null> {
	const folders = [storeDir, realStoreDir, await realpath(realStoreDir).catch(() => realStoreDir)];
	let at = file;
	for (let links = 0; links <= MOST_LINKS; links++) {
		const folder = folders.find((candidate) => at.startsWith(`${candidate}/`));
		if (folder !== undefined) {
			const [name = ''] = at.slice(folder.length + 1).split('/');
			return links > 0 || (await isThere(join(realStoreDir, name))) ? name : null;
		}
		const next = await firstLinkFollowed(at);
		if (next === null) return (await isThere(at)) ? '' : null;
		at = next;
	}
	return null;
}

/** The file by another name: with the first link on the way to it, or itself, replaced by what it says. `null` when there is none. */
async function firstLinkFollowed(file: string): Promise<string | null> {
	const [, ...parts] = file.split('/');
	for (const [index, part] of parts.entries()) {
		const folder = `/${parts.slice(0, index).join('/')}`;
		const target = await readlink(join(folder, part)).catch(() => null);
		if (target !== null) return resolve(folder, target, ...parts.slice(index + 1));
	}
	return null;
}

async function isThere(file: string): Promise<boolean> {
	return lstat(file).then(
		() => true,
		() => false,
	);
}

/** The roots with their closures. `explicit`: they were named. */
export async function findCandidates(
	store: LocalStore,
	roots: readonly string[],
	explicit: boolean,
	signal: AbortSignal,
): Promise<Candidates> {
	const { infos, invalid } = await store.closure(roots, signal);
	const valid = roots.filter((path) => infos.has(path));
	// A name that never was a path (the output of a failed build) is not a candidate. One that was named, or that is referred to, was.
	const left = new Set(explicit ? [] : await store.names());
	const vanished = [...invalid].filter((path) => !left.has(path.slice(store.storeDir.length + 1)));
	return { infos, roots: new Set(valid), vanished };
}
