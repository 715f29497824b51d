import { realpath } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { CacheError } from '../errors.ts';
import type { Candidates } from '../push/plan.ts';
import type { LocalStore } from '../store/local-store.ts';
import { newSince, readSnapshot } from '../store/snapshot.ts';
import { jobRoots } from './job-roots.ts';
import type { Session } from './session.ts';

/** What may be pushed: what the input `paths` names, or else what this job brought to the store. `names`: of the store now, which may still be read. */
export async function rootsOf(
	session: Session,
	store: LocalStore,
	names: Promise<readonly string[]>,
	signal: AbortSignal,
): Promise<readonly string[]> {
	const { inputs, runner } = session;
	return inputs.paths.length > 0 ? namedRoots(inputs.paths, store, runner.env) : newRoots(session, store, names, signal);
}

/** Full paths that came to the store since main's snapshot; on a store that others use too, those of them that are this job's. */
async function newRoots(
	session: Session,
	store: LocalStore,
	names: Promise<readonly string[]>,
	signal: AbortSignal,
): Promise<readonly string[]> {
	const { snapshotFile = null, journal = null, isShared = false } = session.state().main ?? {};
	if (snapshotFile === null)
		throw new CacheError('state-invalid', 'The store was not looked at when the job began, so what is new is not known.');
	const [before, now] = await Promise.all([readSnapshot(snapshotFile), names]);
	const added = newSince(before, now).map((name) => `${store.storeDir}/${name}`);
	const { GITHUB_WORKSPACE: workspace = '', RUNNER_TEMP: temp = '' } = session.runner.env;
	const folders = [workspace, temp].filter((folder) => folder !== '');
	return jobRoots({ store, journal, added, isShared, folders, signal });
}

/** The store paths that the input `paths` means: store paths, what lies inside of one, or links to them. */
async function namedRoots(
	lines: readonly string[],
	store: LocalStore,
	env: Session['runner']['env'],
): Promise<readonly string[]> {
	const found = await Promise.all(lines.map((line) => storePathOf(resolve(env.GITHUB_WORKSPACE ?? '.', line), line, store)));
	return [...new Set(found)];
}

async function storePathOf(file: string, line: string, store: LocalStore): Promise<string> {
	const logical = file.startsWith(`${store.storeDir}/`) ? store.realPath(file) : file;
	const target = await realpath(logical).catch(() => null);
	const inside = target === null ? null : relative(await realpath(store.realStoreDir), target);
	const name = inside?.split('/')[0] ?? '';
	if (inside === null || name === '' || name === '..') {
		throw new CacheError('input-invalid', `paths: \`${line}\` is ${target === null ? 'not there' : 'not in the store'} now.`, {
			hint: 'It takes store paths and links to them such as `result`, relative to the workspace.',
		});
	}
	return `${store.storeDir}/${name}`;
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
