import { readFileSync } from 'node:fs';
import { systemCode } from '../errors.ts';

/** One process, told from a later one that got the same number. */
export interface ProcessIdentity {
	readonly pid: number;
	/** In ticks since the machine started; `null` where there is no `/proc`. */
	readonly startTime: string | null;
}

/** The process that runs this. */
export function ownIdentity(): ProcessIdentity {
	return identityOf(process.pid);
}

/** A process that runs now, such as a child. */
export function identityOf(pid: number): ProcessIdentity {
	return { pid, startTime: readStat(pid)?.startTime ?? null };
}

/** Whether the very process still runs. One that has ended and that nobody waited for (a zombie) does not. */
export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
	const stat = readStat(pid);
	if (stat !== null) return stat.state !== 'Z' && stat.state !== 'X' && (startTime === null || stat.startTime === startTime);
	if (startTime !== null) return false;
	return sendSignal(pid, 0);
}

/** Sends a signal if the very process still runs. Whether it was sent. */
export function signalProcess(identity: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL' | 'SIGUSR2'): boolean {
	return isRunning(identity) && sendSignal(identity.pid, signal);
}

function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
	try {
		return process.kill(pid, signal);
	} catch (error) {
		// Of another user, so none of ours; or not there.
		if (['EPERM', 'ESRCH'].includes(systemCode(error) ?? '')) return false;
		throw error;
	}
}

/** Fields 3 and 22 of proc_pid_stat(5). The name before them is in parentheses and may hold anything. */
function readStat(pid: number): { readonly state: string; readonly startTime: string } | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		const startTime = fields[18];
		return state === undefined || startTime === undefined ? null : { state, startTime };
	} catch {
		return null;
	}
}
