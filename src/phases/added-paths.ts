import { describeError } from '../errors.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { originOf } from '../report/origins.ts';
import type { AddedFacts, CacheFacts } from '../report/report.ts';
import { readForbidsSubstitutes } from '../store/derivation-outputs.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { Session } from './session.ts';
import type { JobReads } from './substituter.ts';

/** What the store is given for its answer. */
const LOOK_TIMEOUT_MS = 20_000;

export interface AddedOptions {
	readonly session: Session;
	readonly store: LocalStore;
	readonly job: JobReads;
	/** Full paths that came to the store during the job; `null` when that is not known. */
	readonly paths: Promise<readonly string[] | null>;
	/** What was learned for the push; the store is asked for the rest. */
	readonly known: ReadonlyMap<string, PathInfo>;
	readonly caches: readonly CacheFacts[];
	readonly signal: AbortSignal;
}

/** What came to the store during the job, for the report: `null` when that can't be told. Never throws: nothing depends on it. */
export async function findAdded(options: AddedOptions): Promise<AddedFacts | null> {
	const { session, job } = options;
	try {
		const infos = await addedInfos(options);
		return infos === null ? null : { infos, served: job.used, forbidden: await findForbidden(options, infos) };
	} catch (error) {
		session.runner.log.debug(`What came to the store during the job is not known: ${describeError(error)}`);
		return null;
	}
}

async function addedInfos({ store, paths: added, known, signal }: AddedOptions): Promise<readonly PathInfo[] | null> {
	const paths = await added;
	if (paths === null) return null;
	const unknown = paths.filter((path) => !known.has(path));
	const asked =
		unknown.length === 0
			? new Map<string, PathInfo>()
			: await store.infos(unknown, AbortSignal.any([signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]));
	return paths.flatMap((path) => known.get(path) ?? asked.get(path) ?? []);
}

/** Files read for this; each takes a tenth of a millisecond. */
const MAX_DERIVATIONS = 1_000;

/** Of what was built though a cache has it, the paths whose derivations forbid substitution. */
async function findForbidden({ store, job, caches }: AddedOptions, infos: readonly PathInfo[]): Promise<ReadonlySet<string>> {
	const isThere = (path: string): boolean =>
		caches.some(({ plan }) => {
			const state = plan?.paths.get(path)?.verdict.class;
			return state === 'present' || state === 'differs';
		});
	const built = infos.filter((info) => originOf(info, job.used) === 'built' && isThere(info.path));
	const forbidden = new Set<string>();
	for (const { path, deriver } of built.slice(0, MAX_DERIVATIONS)) {
		if (deriver !== null && (await readForbidsSubstitutes(store, deriver))) forbidden.add(path);
	}
	return forbidden;
}
