import { spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CacheError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { abortError } from '../../waiting/cancel.ts';
import { linesOf, reasonIn, type ToolkitLine } from './toolkit-output.ts';
import { ANSWER_FILE, type ToolkitAnswer, type ToolkitRequest } from './toolkit-program.ts';

export interface ToolkitProcessOptions {
	/** That of the action, as the runner made it. */
	readonly env: Readonly<Record<string, string | undefined>>;
	/** Absolute path of what calls `runToolkit` with its argument. */
	readonly script: string;
	readonly log: Log;
}

/** What came of one call. */
export interface ToolkitResult extends ToolkitAnswer {
	readonly lines: readonly ToolkitLine[];
}

/** A pack of 1 GiB on a slow line. */
const CALL_LIMIT_MS = 15 * 60_000;
const MAX_OUTPUT_BYTES = 256 * 1024;
const DOING = 'Speaking to the Actions cache';

/** Runs one request with the folder `place` as its workspace. When it ends, however it does, nothing of it runs any more. */
export async function runToolkitProcess(
	{ env, script, log }: ToolkitProcessOptions,
	place: string,
	request: ToolkitRequest,
	signal: AbortSignal,
): Promise<ToolkitResult> {
	const temp = join(place, 'temp');
	await mkdir(temp, { mode: 0o700 });
	const limit = AbortSignal.timeout(CALL_LIMIT_MS);
	const either = AbortSignal.any([signal, limit]);
	const run = { script, argument: JSON.stringify(request), place, env: { ...env, GITHUB_WORKSPACE: place, RUNNER_TEMP: temp } };
	const output = await outputOf(run, either);
	const lines = linesOf(output, log.mask);
	for (const { text } of lines) log.debug(`@actions/cache: ${text}`);
	if (signal.aborted) throw abortError(signal, DOING);
	if (limit.aborted) throw new CacheError('cache-stalled', `${DOING}: not done after ${CALL_LIMIT_MS / 60_000} minutes.`);
	return { ...(await answerIn(place, lines)), lines };
}

interface Run {
	readonly script: string;
	readonly argument: string;
	readonly place: string;
	readonly env: NodeJS.ProcessEnv;
}

/** Everything that the process and its own ones (tar, zstd) wrote, until all have ended; `signal` ends them. */
async function outputOf({ script, argument, place, env }: Run, signal: AbortSignal): Promise<string> {
	if (signal.aborted) return '';
	// A group of its own, so that a tar at work is ended too: it would go on writing to a folder that is being removed.
	const child = spawn(process.execPath, [script, argument], {
		cwd: place,
		env,
		stdio: ['ignore', 'pipe', 'pipe'],
		detached: true,
	});
	const parts: Buffer[] = [];
	let sizeBytes = 0;
	const take = (bytes: Buffer): void => {
		if (sizeBytes < MAX_OUTPUT_BYTES) parts.push(bytes);
		sizeBytes += bytes.length;
	};
	child.stdout.on('data', take);
	child.stderr.on('data', take);
	const stop = (): void => killGroup(child.pid);
	signal.addEventListener('abort', stop, { once: true });
	try {
		return await new Promise((resolve, reject) => {
			child.once('error', (cause) =>
				reject(new CacheError('cache-failing', "The process that speaks to the Actions cache can't be run.", { cause })),
			);
			child.once('close', () => resolve(Buffer.concat(parts).toString('utf8')));
		});
	} finally {
		signal.removeEventListener('abort', stop);
	}
}

function killGroup(pid: number | undefined): void {
	if (pid === undefined) return;
	try {
		process.kill(-pid, 'SIGKILL');
	} catch {
		// It has ended meanwhile.
	}
}

async function answerIn(place: string, lines: readonly ToolkitLine[]): Promise<ToolkitAnswer> {
	try {
		const answer: ToolkitAnswer = JSON.parse(await readFile(join(place, ANSWER_FILE), 'utf8'));
		return answer;
	} catch (cause) {
		const why = `The process that speaks to the Actions cache ended without an answer: ${reasonIn(lines)}`;
		throw new CacheError('cache-failing', why, { cause });
	}
}
