/** Servers that are programs: processes that stay in the foreground and listen on a port of 127.0.0.1. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { listening } from './ports.ts';

/** Waits until it listens; throws with what it wrote when it ends before. `output` grows as it writes. */
export async function untilItListens(child: ChildProcess, name: string, port: number, output: string[] = []): Promise<void> {
	for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
	const failed = once(child, 'exit').then(() => Promise.reject(new Error(`${name} ended:\n${output.join('')}`)));
	await Promise.race([listening(port), failed]);
	failed.catch(() => undefined); // it ends when it is stopped
}

/** Ends it, unless it has ended. */
export async function stopProcess(child: ChildProcess | null, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
	if (!child || child.exitCode !== null || child.signalCode !== null) return;
	child.kill(signal);
	await once(child, 'exit');
}
