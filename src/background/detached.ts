import { type ChildProcess, spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { CacheError, systemCode } from '../errors.ts';

export interface DetachedOptions {
	/** The Node that runs this. */
	readonly nodePath: string;
	/** Absolute path. */
	readonly script: string;
	readonly argument: string;
	/** The runner's environment; inputs and states are taken out of it. */
	readonly env: Readonly<Record<string, string | undefined>>;
	/** The file that its output goes to (0600, appended). */
	readonly log: string;
}

/** A process that outlives the one that started it. */
export interface DetachedChild {
	readonly process: ChildProcess;
	/** How it ended, in words; `null` while it runs. */
	end(): string | null;
}

/** Of the step that starts it: not for a process that outlives the step. */
const NOT_FOR_DAEMON = /^(?:INPUT|STATE)_/i;

/**
 * Starts a process that the runner does not wait for: it holds no pipe of ours, is in a session of its own, and keeps `RUNNER_TRACKING_ID`, by which the runner
 * finds and ends it at the end of the job should post not come to it. @throws CacheError `file-failed`
 */
export async function spawnDetached({ nodePath, script, argument, env, log }: DetachedOptions): Promise<DetachedChild> {
	const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !NOT_FOR_DAEMON.test(name)));
	const output = await openLog(log);
	try {
		const child = spawn(nodePath, [script, argument], {
			detached: true,
			stdio: ['ignore', output.fd, output.fd],
			env: kept,
			// Not the workspace, which a later step may want to remove.
			cwd: '/',
		});
		child.unref();
		let end: string | null = null;
		child.once('error', (error) => {
			end = `could not be started (${systemCode(error) ?? error.message})`;
		});
		child.once('exit', (status, by) => {
			end = `ended with ${by ?? `status ${status}`}`;
		});
		return { process: child, end: () => end };
	} finally {
		await output.close();
	}
}

async function openLog(file: string): Promise<FileHandle> {
	try {
		return await open(file, 'a', 0o600);
	} catch (cause) {
		throw new CacheError('file-failed', `${file} can't be written (${systemCode(cause) ?? 'unknown'}).`, { cause });
	}
}
