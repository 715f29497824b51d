import type { CacheInfo } from '../nix/cache-info.ts';
import type { PublicKey } from '../nix/signature.ts';
import type { NixSettings, Route } from '../setup/configuration.ts';
import type { NixVersion } from '../store/nix-about.ts';
import type { EffectiveSettings } from '../store/settings.ts';
import type { Trust } from '../store/trust.ts';

/** What the checks look at: gathered once, side by side, and then looked at without I/O. */
export interface Facts {
	readonly nix: NixVersion;
	readonly trust: Trust;
	/** What Nix makes of all its configuration, ours included: as the daemon sees it, where it trusts this user. */
	readonly effective: EffectiveSettings;
	/** What Nix was told by this step; `null` when it was told nothing. */
	readonly told: Told | null;
	/** What somebody only wonders whether it could be told (a command line); `null` in a job, where configuring Nix has settled that. */
	readonly wished: Wished | null;
	/** Where else Nix gets settings of this user's from, in the order in which they count, the last word first. */
	readonly sources: readonly ConfSource[];
	/** The step's own keys. */
	readonly keys: OwnKeys;
	/** What the HTTP caches answer that Nix will ask. */
	readonly answers: readonly Answer[];
	readonly disks: readonly Disk[];
}

export interface Told {
	readonly route: Route;
	readonly wish: NixSettings;
	/** Our netrc in place of another one; `null`: none was written. */
	readonly netrcFile: string | null;
}

export interface Wished {
	readonly wish: NixSettings;
	/** Whose wish it is. */
	readonly user: string;
	/** The system's nix.conf. */
	readonly confFile: string;
}

/** A text in the syntax of nix.conf. */
export interface ConfSource {
	/** For people. */
	readonly name: string;
	readonly text: string;
}

export interface OwnKeys {
	/** Of `signing-key`; `null` without one. */
	readonly signing: PublicKey | null;
	/** `name:base64` each, as the caches themselves named them. */
	readonly ofCaches: readonly string[];
	/** Whether the step or its caches named the keys that readers have to trust. */
	readonly areKnown: boolean;
	/** Caches of this step (store URLs) that sign nothing by themselves, as far as is known. */
	readonly unsignedCaches: readonly string[];
}

/** What one cache says when it is asked as Nix asks it, with what Nix's netrc has for its host. */
export interface Answer {
	/** The store URL, as Nix has it. */
	readonly url: string;
	/** `null`: Nix can't use it, and `trouble` says why; or, without trouble, nobody but the daemon can know. */
	readonly info: CacheInfo | null;
	readonly trouble: Trouble | null;
	/** How far its clock is ahead of ours; `null` when it does not tell the time. */
	readonly aheadMs: number | null;
}

export interface Trouble {
	readonly what: string;
	/** What to do about it; `null` when the failure itself says nothing. */
	readonly hint: string | null;
	/** It wants credentials, or others than Nix has. */
	readonly isRefusal: boolean;
}

/** The file system of a folder: the store's, or that of `RUNNER_TEMP`, where what is packed lies until it is sent. */
export interface Disk {
	readonly holds: 'store' | 'temp';
	readonly folder: string;
	/** Tells file systems apart. */
	readonly device: number;
	readonly freeBytes: number;
}
