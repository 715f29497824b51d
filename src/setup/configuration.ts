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
 * - `advice-only`: not at all; the log says which lines an administrator would have to add;
 * - `already-there`: the system's own configuration has it all;
 * - `none`: there was nothing to tell.
 */
export type Route = 'user-file' | 'system-include' | 'advice-only' | 'already-there' | 'none';

/** What was done, or was about to be done when the process ended: all that `undoConfiguration` needs. JSON-serializable, no secrets. */
export interface Configuration {
	readonly route: Route;
	readonly id: string;
	/** Files of ours, to be removed. */
	readonly files: readonly string[];
	/** `NIX_USER_CONF_FILES` was set and has to lose this entry. */
	readonly userConfFile: string | null;
	/** The system's configuration that includes a file of ours, and what restarts the daemon that reads it. */
	readonly system: SystemInclude | null;
}

export interface SystemInclude {
	/** The system's nix.conf. */
	readonly confFile: string;
	/** Our file beside it. */
	readonly includeFile: string;
	/** Command that restarts the daemon, to be run as root. */
	readonly restart: readonly string[];
	/** The last line of `confFile` had no end, and got one. */
	readonly endedLine: boolean;
	/** There was no `confFile`. */
	readonly created: boolean;
}

/** Nothing was told. */
export function noConfiguration(id: string, route: Route): Configuration {
	return { route, id, files: [], userConfFile: null, system: null };
}
