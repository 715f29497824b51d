import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findSharing, type Sharing } from '../push/attribution.ts';
import type { NixAbout } from '../store/nix-about.ts';
import type { Runner } from './runner.ts';

/** Whether others may use the store while this job runs, from what the runner says and from the ages of two files. */
export async function storeSharing({ stateDir }: Pick<NixAbout, 'stateDir'>, env: Runner['env']): Promise<Sharing> {
	return findSharing({
		runnerEnvironment: env.RUNNER_ENVIRONMENT,
		storeMadeMs: await madeMs(join(stateDir, 'db', 'db.sqlite')),
		// The runner writes it when the job begins.
		jobBeganMs: (await madeMs(env.GITHUB_EVENT_PATH ?? '')) ?? Number.POSITIVE_INFINITY,
	});
}

/** `null` when the file is not there, or its file system does not know. */
async function madeMs(file: string): Promise<number | null> {
	const times = await stat(file).catch(() => null);
	return times === null || times.birthtimeMs === 0 ? null : times.birthtimeMs;
}
