/** Child processes of the tests: their output collected, with a limit on every wait. */
import type { ChildProcess } from 'node:child_process';

/** How a process ended and what it wrote. Exactly one of `code` and `signal` is null. */
export interface Finished {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly stdout: string;
	readonly stderr: string;
	/** Standard output as it came, for NARs and other things that are not text. */
	readonly bytes: Buffer;
}

/**
 * Waits for a child's end and the end of its pipes. Kills it and throws when that takes longer than `timeoutMs`.
 * `what` names it in the message.
 */
export async function finished(child: ChildProcess, what: string, timeoutMs: number, input?: string | Buffer): Promise<Finished> {
	const out: Buffer[] = [];
	const err: Buffer[] = [];
	child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
	child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
	child.stdin?.on('error', () => undefined); // it may end without reading all
	child.stdin?.end(input);
	let timer: NodeJS.Timeout | undefined;
	try {
		return await new Promise<Finished>((resolve, reject) => {
			timer = setTimeout(() => {
				child.kill('SIGKILL');
				const tail = Buffer.concat([...out, ...err])
					.toString()
					.slice(-2000);
				reject(new Error(`${what} did not end within ${timeoutMs} ms; the end of its output:\n${tail}`));
			}, timeoutMs);
			child.once('error', reject);
			child.once('close', (code, signal) => {
				const bytes = Buffer.concat(out);
				resolve({ code, signal, stdout: bytes.toString(), stderr: Buffer.concat(err).toString(), bytes });
			});
		});
	} finally {
		clearTimeout(timer);
	}
}

/** The same, for programs that must succeed: standard output without the final newline. Throws with standard error. */
export function stdoutOf(what: string, { code, signal, stdout, stderr }: Finished): string {
	if (code !== 0) throw new Error(`${what} ended with ${signal ?? `status ${code}`}:\n${stderr || stdout}`);
	return stdout.replace(/\n$/, '');
}

/** Asks `condition` every `everyMs` until it answers with something else than false or null. Throws after `timeoutMs`. */
export async function eventually<T>(
	what: string,
	condition: () => Promise<T | false | null> | T | false | null,
	{ timeoutMs = 10_000, everyMs = 20 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		const answer = await condition();
		if (answer !== false && answer !== null) return answer;
		if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
		await new Promise((resolve) => setTimeout(resolve, everyMs));
	}
}
