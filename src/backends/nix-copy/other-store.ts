import type { PathInfo } from '../../nix/path-info.ts';

/**
 * A Nix store beside that of this machine: what this kind of cache asks of Nix. All failures are a thrown `CacheError` of one line; `path-corrupt` and
 * others that concern one path have its full path in the message.
 */
export interface OtherStore {
	/** Questions will follow: where several can share a connection, it begins to come about. That it does not is for the first question to say. */
	connect(): void;
	/** Whether it answers, and whether it trusts this user; `null` when it does not say. */
	ping(signal: AbortSignal): Promise<boolean | null>;
	/** Those of `paths` (full) that are not valid there. One question, whatever the number. */
	missing(paths: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>>;
	/** One entry for each of `paths`; `null` for one that is not valid. A round trip for each, of which some are made side by side when there are many. */
	infos(paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, PathInfo | null>>;
	/**
	 * Copies exactly `paths` (references first) with the signatures that the local store has. A path becomes valid there only when its references are; what
	 * was copied by the time that it fails is valid and stays. `onPath` is told of each when it begins.
	 */
	copy(
		paths: readonly string[],
		options: { readonly substitute: boolean; readonly onPath: (path: string) => void },
		signal: AbortSignal,
	): Promise<void>;
	/** Adds to paths of the local store, or of this one, the signatures that `from`, the URL of a binary cache, has for them. Locally it throws `nix-failed`. */
	takeSignatures(from: string, paths: readonly string[], where: 'here' | 'there', signal: AbortSignal): Promise<void>;
	/** Ends what `connect` and questions began. Does not throw. */
	close(): Promise<void>;
}

/** The Nix of this machine, as far as it opens other stores. */
export interface NixStores {
	/** Starts no process. `label` is the store's name in messages. */
	open(url: string, label: string): OtherStore;
	/** Whether another user, the daemon, opens the stores that this user's Nix substitutes from. */
	readonly substitutesByDaemon: boolean;
	/** Main asked the store already: what it can't do now, the first question shows. */
	readonly wasAsked: boolean;
	/** A folder that only this user can read, for what is gone when the push is. */
	readonly privateFolder: string;
}
