/** Looks at a machine's processes while a stage runs: argument lists that anyone could see, and the stage's peak memory. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Machine } from '../machine.ts';

export interface Observation {
	/** The most memory that the process itself held, from VmHWM (proc_pid_status(5)); 0 when it ended before the first look. */
	readonly peakRssBytes: number;
	/** What the process read from files and sockets up to the last look, from rchar (proc_pid_io(5)). */
	readonly readBytes: number;
	/** Argument lists of the processes inside, each once, in the order in which they were seen; very short-lived ones are missed. */
	readonly commandLines: readonly string[];
}

const EVERY_MS = 20;
/** A process may exec something else soon after its start, so a young one is looked at again. */
const YOUNG_LOOKS = 25;

/** Starts looking, every 20 ms. `stop` ends it and tells what was seen. Without `commandLines` only memory is looked at. */
export function observe(machine: Machine, pid: number, commandLines: boolean): { readonly stop: () => Observation } {
	const looks = new Map<number, number>();
	const seen = new Set<string>();
	let peakRssBytes = 0;
	let readBytes = 0;

	const look = (): void => {
		peakRssBytes = Math.max(peakRssBytes, peakRss(pid));
		readBytes = Math.max(readBytes, Number(/^rchar: (\d+)$/m.exec(read(`/proc/${pid}/io`))?.[1] ?? 0));
		if (!commandLines) return;
		for (const other of numbers()) {
			const before = looks.get(other) ?? 0;
			if (before > YOUNG_LOOKS) continue;
			const inside = machine.has(other);
			// What is not ours now may still become ours: nsenter starts outside.
			looks.set(other, before + 1);
			if (inside) seen.add(commandLine(other));
		}
	};
	// Whoever is outside before the stage starts stays there.
	for (const other of numbers()) if (other !== pid && !machine.has(other)) looks.set(other, YOUNG_LOOKS + 1);
	look();
	const timer = setInterval(look, EVERY_MS);
	return {
		stop() {
			clearInterval(timer);
			seen.delete('');
			return { peakRssBytes, readBytes, commandLines: [...seen] };
		},
	};
}

/** All process ids. */
function numbers(): readonly number[] {
	return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function peakRss(pid: number): number {
	const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`)) ?? [];
	return Number(kibibytes ?? 0) * 1024;
}

function commandLine(pid: number): string {
	return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

function read(file: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return ''; // the process has ended
	}
}
