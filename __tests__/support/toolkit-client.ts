/**
 * A stranger to this project: the real `@actions/cache`, in a process of its own with the environment that the runner gives to actions. It checks
 * the tests' cache service. Run by `runToolkit`; as a program: `node toolkit-client.ts <folder> <json of a ToolkitCall>`.
 */
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type ToolkitCall =
	| { readonly call: 'save'; readonly paths: readonly string[]; readonly key: string }
	| {
			readonly call: 'restore';
			readonly paths: readonly string[];
			readonly key: string;
			readonly restoreKeys?: readonly string[];
			readonly lookupOnly?: boolean;
	  };

export interface ToolkitResult {
	/** What the function returned: a number of `saveCache`, a key or `null` (a miss) of `restoreCache`. */
	readonly returned: number | string | null;
	/** Everything that it wrote, workflow commands such as `::warning::` included. */
	readonly log: string;
}

const MARK = 'toolkit-client returned ';
const LIMIT_MS = 60_000;

/** `folder` becomes the workspace, and so the place of relative paths. */
export async function runToolkit(
	env: Readonly<Record<string, string>>,
	folder: string,
	call: ToolkitCall,
): Promise<ToolkitResult> {
	const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, JSON.stringify(call)], {
		cwd: folder,
		env: { PATH: process.env.PATH, ...env, GITHUB_WORKSPACE: folder, RUNNER_TEMP: join(folder, '.temp') },
		timeout: LIMIT_MS,
		maxBuffer: 16 * 1024 * 1024,
	});
	const at = stdout.lastIndexOf(MARK);
	const { returned }: Pick<ToolkitResult, 'returned'> = JSON.parse(stdout.slice(at + MARK.length));
	return { returned, log: stdout.slice(0, at) };
}

async function main(json: string): Promise<void> {
	mkdirSync(process.env.RUNNER_TEMP ?? '', { recursive: true });
	const { restoreCache, saveCache } = await import('@actions/cache');
	const asked: ToolkitCall = JSON.parse(json);
	const returned =
		asked.call === 'save'
			? await saveCache([...asked.paths], asked.key)
			: await restoreCache([...asked.paths], asked.key, [...(asked.restoreKeys ?? [])], {
					lookupOnly: asked.lookupOnly ?? false,
				});
	process.stdout.write(`\n${MARK}${JSON.stringify({ returned: returned ?? null })}\n`);
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2] ?? '');
