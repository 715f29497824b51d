import type { Log } from '../../src/log.ts';

/** A log that keeps its lines. */
export interface KeptLog extends Log {
	readonly lines: string[];
}

export function keptLog(): KeptLog {
	const lines: string[] = [];
	const keep = (message: string): void => void lines.push(message);
	return {
		lines,
		debug: () => undefined,
		info: keep,
		notice: keep,
		warning: keep,
		error: keep,
		group: (_title, body) => body(),
		mask: () => undefined,
	};
}
