import { join } from 'node:path';
import { createPacker } from '../push/packing.ts';
import { type PushRules, selectPaths } from '../push/plan.ts';
import { shareNars } from '../push/shared-nars.ts';
import type { CacheFacts, Report } from '../report/report.ts';
import type { MainTarget } from '../state.ts';
import type { LocalStore } from '../store/local-store.ts';
import { narFrames } from '../store/nar.ts';
import { findCandidates, rootsOf } from './candidates.ts';
import { knownNetrc } from './configure.ts';
import { type JobEnd, jobReport } from './job-report.ts';
import { type PushRun, pushToTarget, untouched } from './push-to-target.ts';
import type { Session } from './session.ts';
import type { Stop } from './stop.ts';
import type { JobReads } from './substituter.ts';

/** What a cancelled job leaves: the runner gives its posts 5 minutes in all. */
const CANCELLED_TIMEOUT_MS = 4 * 60_000;

/**
 * Finds what the job added to the store, pushes it to every cache that takes it, reads it back. What goes wrong with one cache is in the report and holds up no
 * other. Throws when nothing can even begin.
 */
export async function pushNewPaths(session: Session, store: LocalStore, stop: Stop, job: JobReads): Promise<Report> {
	const { inputs, state } = session;
	const startedMs = performance.now();
	const timeoutMs =
		inputs.jobStatus === 'cancelled' ? Math.min(inputs.pushTimeoutMs, CANCELLED_TIMEOUT_MS) : inputs.pushTimeoutMs;
	const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]);
	const names = await store.names();
	const roots = await rootsOf(session, store, names);
	const end: JobEnd = { session, store, stop, job, names, startedMs };
	const targets = state().main?.targets ?? [];
	if (roots.length === 0) {
		const nothing = targets.map((target) => untouched(session, target));
		return jobReport(end, nothing, new Map());
	}
	// Two processes of Nix that need not wait for each other.
	const [candidates, netrc] = await Promise.all([
		findCandidates(store, roots, inputs.paths.length > 0, signal),
		knownNetrc(inputs, store, signal),
	]);
	const selection = selectPaths(candidates, rulesOf(session));
	return withPacker(session, store, async (packer) => {
		const nars = shareNars(packer);
		const shared = { session, store, stop, job, netrc, selection, nars, startedMs, deadlineMs: startedMs + timeoutMs, signal };
		return jobReport(end, await pushToAll(targets, shared), candidates.infos);
	});
}

type Shared = Omit<PushRun, 'target' | 'planned'>;

async function pushToAll(targets: readonly MainTarget[], shared: Shared): Promise<readonly CacheFacts[]> {
	const taking = targets.filter(({ whyNot }) => whyNot === null);
	const together = meeting(taking.length);
	return Promise.all(
		targets.map((target) =>
			target.whyNot === null
				? pushToTarget({ ...shared, target, planned: together }).finally(together.leave)
				: untouched(shared.session, target),
		),
	);
}

/** How long a cache whose plan is made waits for those of the others: what they want too is then packed once for all. */
const MEETING_MS = 3_000;

/** Where `count` parties wait for each other, though not long. Whoever leaves is not waited for. */
function meeting(count: number): { readonly wait: () => Promise<void>; readonly leave: () => void } {
	const all = Promise.withResolvers<void>();
	let missing = count;
	const arrive = (): void => {
		if (--missing <= 0) all.resolve();
	};
	return {
		async wait() {
			arrive();
			const patience = setTimeout(all.resolve, MEETING_MS);
			await all.promise;
			clearTimeout(patience);
		},
		leave: arrive,
	};
}

async function withPacker<T>(
	{ inputs, state }: Session,
	store: LocalStore,
	body: (packer: ReturnType<typeof createPacker>) => Promise<T>,
): Promise<T> {
	const packer = createPacker({
		compression: inputs.compression,
		level: inputs.compressionLevel,
		spoolDir: join(state().folder, 'spool'),
		realPath: store.realPath,
		readNar: narFrames,
	});
	try {
		return await body(packer);
	} finally {
		await packer.close();
	}
}

function rulesOf({ inputs }: Session): PushRules {
	const { include, exclude, maxPathSizeBytes, skipSignedBy, paths } = inputs;
	return { include, exclude, maxPathSizeBytes, skipSignedBy, explicitPaths: paths.length > 0 };
}
