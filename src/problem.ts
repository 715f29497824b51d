import type { Log } from './log.ts';

/** Every mistake in a set-up that the action can name. The codes are stable; docs/troubleshooting.md has a section for each. */
export const PROBLEM_CODES = [
	// What Nix can be told.
	'daemon-distrusts',
	'credentials-not-taken',
	'netrc-unreadable',
	'config-hidden',
	'substitution-off',
	// Keys.
	'key-missing',
	'key-name-taken',
	'key-unreadable',
	// The caches, as Nix will see them.
	'substituter-unusable',
	'priority-missing',
	// The machine.
	'nix-unsafe',
	'clock-wrong',
	'disk-low',
] as const;

export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** One mistake in a set-up, said once, with the way out. No secret in any of it. */
export interface Problem {
	readonly code: ProblemCode;
	/** `notice`: it may be meant so. */
	readonly level: 'warning' | 'notice';
	/** A few words. */
	readonly title: string;
	/** What is wrong, and what comes of it. */
	readonly message: string;
	/** The very line to add or command to run. */
	readonly fix: string;
}

/** One annotation. */
export function tellProblem({ code, level, title, message, fix }: Problem, log: Log): void {
	log[level](`${message} ${fix}`, `${title} (${code})`);
}
