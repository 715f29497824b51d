/**
 * `@actions/cache` in a process of its own: it archives what lies in its workspace and restores to there, so it gets a folder of ours as workspace and as working
 * folder, and the job's own stays untouched. Its output is not the job's log.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the process is asked, as its one argument (JSON). Nothing in it is secret. */
export type ToolkitRequest =
	| { readonly call: 'save'; readonly path: string; readonly key: string }
	| {
			readonly call: 'restore';
			readonly path: string;
			readonly key: string;
			readonly restoreKeys: readonly string[];
			readonly lookupOnly: boolean;
	  };

/** What it leaves in `answer.json` of its working folder. */
export interface ToolkitAnswer {
	/** The id of a new entry (-1: none was made), or the key of one that was found; `null` for a miss. */
	readonly returned: number | string | null;
}

export const ANSWER_FILE = 'answer.json';

/** Runs one request and writes its answer. Throws what the toolkit throws. */
export async function runToolkit(json: string): Promise<void> {
	const asked: ToolkitRequest = JSON.parse(json);
	const { restoreCache, saveCache } = await import('@actions/cache');
	const returned =
		asked.call === 'save'
			? await saveCache([asked.path], asked.key)
			: await restoreCache([asked.path], asked.key, [...asked.restoreKeys], { lookupOnly: asked.lookupOnly });
	const answer: ToolkitAnswer = { returned: returned ?? null };
	await writeFile(join(process.cwd(), ANSWER_FILE), JSON.stringify(answer), { mode: 0o600 });
}
