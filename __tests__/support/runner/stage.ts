/** One process of a job, started and ended the way the runner does it. */
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Machine } from '../machine.ts';
import { type Observation, observe } from './observer.ts';

/** The runner's times, in milliseconds; tests may make them shorter. */
export interface RunnerTimes {
	/** From SIGINT to SIGTERM when a job is cancelled. */
	readonly interruptMs: number;
	/** From SIGTERM to SIGKILL. */
	readonly terminateMs: number;
	/** How long the runner waits for the pipes to close once the process has ended. */
	readonly pipesMs: number;
	/** The harness's own limit for a stage. */
	readonly stageMs: number;
}

export const RUNNER_TIMES: RunnerTimes = { interruptMs: 7_500, terminateMs: 2_500, pipesMs: 5_000, stageMs: 120_000 };

export interface StageCommand {
	readonly argv: readonly string[];
	readonly env: Readonly<Record<string, string>>;
	readonly cwd: string;
	readonly user: string;
	/** Sample the argument lists of all processes in the machine. */
	readonly watch: boolean;
}

export interface StageEnd extends Observation {
	readonly exitCode: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly durationMs: number;
	/** Whether someone still held the pipes when the runner's patience ended; each such stage costs a user those seconds. */
	readonly pipesHeld: boolean;
}

export interface RunningStage {
	readonly pid: number;
	readonly end: Promise<StageEnd>;
	/** To that process alone, as the runner does on Linux and macOS. */
	readonly kill: (signal: NodeJS.Signals) => void;
	/** SIGINT, SIGTERM, SIGKILL with the runner's pauses, until the process has ended. */
	readonly cancel: () => Promise<void>;
}

export function startStage(
	machine: Machine,
	command: StageCommand,
	times: RunnerTimes,
	onLine: (line: string) => void,
): RunningStage {
	const started = performance.now();
	const child = machine.spawnBare(command.argv, command.env, command.cwd, command.user);
	const pid = child.pid ?? 0;
	const observer = observe(machine, pid, command.watch);
	for (const stream of [child.stdout, child.stderr]) if (stream) readLines(stream, onLine);

	const exited = new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
		child.once('error', reject);
		child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
	});
	const closed = new Promise<boolean>((resolve) => child.once('close', () => resolve(true)));
	const limit = setTimeout(() => child.kill('SIGKILL'), times.stageMs);

	const end = async (): Promise<StageEnd> => {
		const { exitCode, signal } = await exited;
		const durationMs = performance.now() - started;
		clearTimeout(limit);
		const closedInTime = await Promise.race([closed, inTurns(times.pipesMs).then(() => false)]);
		if (!closedInTime) letGo(child);
		const seen = observer.stop();
		if (durationMs >= times.stageMs)
			throw new Error(`${command.argv.join(' ')} did not end within ${times.stageMs} ms and was killed`);
		return { exitCode, signal, durationMs, pipesHeld: !closedInTime, ...seen };
	};
	return {
		pid,
		end: end(),
		kill: (signal) => {
			child.kill(signal);
		},
		async cancel() {
			child.kill('SIGINT');
			if (await within(exited, times.interruptMs)) return;
			child.kill('SIGTERM');
			if (await within(exited, times.terminateMs)) return;
			child.kill('SIGKILL');
			await exited;
		},
	};
}

const TURN_MS = 50;

/** In many short waits: a machine that stood still for seconds has not read yet what is to be read, and no process holds the pipes for that. */
async function inTurns(ms: number): Promise<void> {
	for (let leftMs = ms; leftMs > 0; leftMs -= TURN_MS) await after(Math.min(leftMs, TURN_MS));
}

/** Calls `onLine` for each line, also for a last one without a newline. */
function readLines(stream: Readable, onLine: (line: string) => void): void {
	let rest = '';
	stream.setEncoding('utf8');
	stream.on('data', (chunk: string) => {
		const lines = (rest + chunk).split(/\r?\n/);
		rest = lines.pop() ?? '';
		lines.forEach(onLine);
	});
	stream.on('end', () => {
		if (rest !== '') onLine(rest);
	});
}

function letGo(child: ChildProcess): void {
	child.stdout?.destroy();
	child.stderr?.destroy();
}

async function within(promise: Promise<unknown>, timeMs: number): Promise<boolean> {
	return Promise.race([promise.then(() => true), after(timeMs).then(() => false)]);
}

function after(timeMs: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, timeMs).unref());
}
