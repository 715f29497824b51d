import type { Log } from '../log.ts';
import type { NetrcEntry } from '../nix/netrc.ts';

/** What Nix should know in the steps to come. */
export interface NixSettings {
	/** Store URLs without credentials. */
	readonly substituters: readonly string[];
	/** `name:base64` each. */
	readonly publicKeys: readonly string[];
	readonly netrc: readonly NetrcEntry[];
	/** Further settings, by their name in nix.conf. */
	readonly other: readonly (readonly [name: string, value: string])[];
}

/** This use of the action in this job. */
export interface SetupContext {
	/** Tells this use from all others on this machine: letters, digits and dashes. */
	readonly id: string;
	/** A folder of this use alone; it exists, with mode 0700. */
	readonly folder: string;
	readonly env: Readonly<Record<string, string | undefined>>;
	/** Sets a variable for all later steps of the job. */
	exportVariable(name: string, value: string): void;
	/** Keeps what `undoConfiguration` needs, at once: it is called before anything outside of `folder` changes. */
	remember(configuration: Configuration): void;
	readonly log: Log;
	readonly signal: AbortSignal;
}

/**
 * How Nix was told:
 *
 * - `user-file`: through `NIX_USER_CONF_FILES`, because Nix does what this user says;
 * - `system-include`: through a file that the system's nix.conf includes, because the daemon does not trust the user;
 * - `already-there`: the system's own configuration has it all;
 * - `advice-only`: not at all; the log says which lines an administrator would have to add;
 * - `none`: there was nothing to tell.
 */
export type Route = 'user-file' | 'system-include' | 'advice-only' | 'already-there' | 'none';

/** What was done, or was about to be done when the process ended: all that `undoConfiguration` needs. JSON-serializable, no secrets. */
export interface Configuration {
	readonly route: Route;
	/** Our entry in `NIX_USER_CONF_FILES`; `null` when there is none. */
	readonly userConfFile: string | null;
	/** Our netrc in place of another one; `null` when there is none. */
	readonly netrc: NetrcReplacement | null;
	/** The line in the system's configuration; `null` when there is none. */
	readonly system: SystemInclude | null;
}

export interface NetrcReplacement {
	readonly file: string;
	/** What `netrc-file` was before. */
	readonly replaces: string;
}

export interface SystemInclude {
	/** The file that gets the line; need not exist. */
	readonly confFile: string;
	/** Our file beside it. */
	readonly includeFile: string;
	/** Command that restarts the daemon, to be run as root. */
	readonly restart: readonly string[];
}

export const NOTHING_TOLD: Configuration = { route: 'none', userConfFile: null, netrc: null, system: null };
