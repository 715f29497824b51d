/**
 * Every failure that the action can name. The code is stable (documentation and the JSON report refer to it), the message says
 * what and where, the hint what to do about it. docs/troubleshooting.md has a section for each.
 */
export const ERROR_CODES = [
	// A mistake in the workflow: pre and main fail on these.
	'input-invalid',
	'push-impossible',
	// What the workflow asked for and the job can't do without.
	'install-failed',
	// The machine.
	'nix-missing',
	'nix-failed',
	'store-unreadable',
	'config-failed',
	'state-invalid',
	'disk-full',
	'file-failed',
	// Bytes that do not parse.
	'format-invalid',
	// One path.
	'path-vanished',
	'path-corrupt',
	// The cache.
	'cache-unreachable',
	'cache-tls',
	'cache-unauthorized',
	'cache-forbidden',
	'cache-not-found',
	'cache-read-only',
	'cache-too-large',
	'cache-throttled',
	'cache-failing',
	'cache-stalled',
	'cache-invalid',
	// Control flow.
	'deadline',
	'cancelled',
	'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorDetails {
	/** What the reader can do about it: one sentence, no secret in it. */
	readonly hint?: string | undefined;
	readonly cause?: unknown;
}

/** A failure with a code from the closed set above. Its message and hint never hold a secret. */
export class CacheError extends Error {
	override readonly name = 'CacheError';
	readonly code: ErrorCode;
	readonly hint: string | null;

	constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
		super(message, details.cause === undefined ? undefined : { cause: details.cause });
		this.code = code;
		this.hint = details.hint ?? null;
	}
}

/** Whether `error` is a `CacheError`, with one of `codes` when any are given. */
export function isCacheError(error: unknown, ...codes: readonly ErrorCode[]): error is CacheError {
	return error instanceof CacheError && (codes.length === 0 || codes.includes(error.code));
}

/** The system's error code (`ENOENT`, `ECONNREFUSED`, ...) of an error, or of the nearest cause that has one; else `null`. */
export function systemCode(error: unknown): string | null {
	for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
		if ('code' in at && typeof at.code === 'string' && !(at instanceof CacheError)) return at.code;
	}
	return null;
}

/** One line for people: the message and, where there is one, the hint. */
export function describeError(error: unknown): string {
	if (error instanceof CacheError) return error.hint === null ? error.message : `${error.message} ${error.hint}`;
	return error instanceof Error ? error.message : String(error);
}

/** Title of an annotation about `error`, with the code by which docs/troubleshooting.md has it. */
export function titleOf(error: unknown, title = 'nix-cache-action'): string {
	return error instanceof CacheError ? `${title} (${error.code})` : title;
}
