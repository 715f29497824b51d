import type { DivisibleBody } from '../bodies/body.ts';
import type { Hash } from '../nix/hash.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import type { PathInfo } from '../nix/path-info.ts';

/** The kinds of cache, as the output `cache` names them. */
export type BackendKind = 'http' | 's3' | 'attic' | 'cachix' | 'niks3' | 'nix-copy' | 'file' | 'actions-cache' | 'none';

/** What a cache says about one path. */
export type Presence =
	| { readonly state: 'missing' }
	/** Not asked for: it is small, and something that it refers to is missing, so it should be missing too (invariant I1). */
	| { readonly state: 'presumed-missing' }
	/** Missing: the cache had it once, and its bytes are gone. */
	| { readonly state: 'lost' }
	/** Counts as missing: it is there, and no key that the job trusts signed it. What the job pushes brings its own signature. */
	| { readonly state: 'untrusted' }
	/** There, with the NAR hash that the local store has. */
	| { readonly state: 'present' }
	/** There, with another NAR hash: the build is not reproducible. It is left as it is. */
	| { readonly state: 'differs'; readonly narHash: string };

/** Whether there is no sign of it. */
export function isMissing({ state }: Presence): boolean {
	return state === 'missing' || state === 'presumed-missing';
}

/** How a NAR was packed; the names are those of the narinfo field `Compression`. */
export type Compression = 'zstd' | 'xz' | 'gzip' | 'br' | 'none';

/** A whole NAR, compressed and at rest (in memory or in a spool file), checked against the hash that Nix recorded. */
export interface PackedNar {
	readonly compression: Compression;
	readonly fileHash: Hash;
	readonly body: DivisibleBody;
	/** Gives memory or the spool file back. */
	dispose(): Promise<void>;
}

/** One chunk of a NAR; all of them in order, joined, are the NAR. */
export interface NarChunk {
	/** SHA-256 of the chunk's bytes, 32 bytes. */
	readonly id: Uint8Array;
	readonly narBytes: number;
	/** The chunk as one zstd frame, `null` when it is known. Its bytes may be overwritten when the next chunk is asked for. */
	readonly frame: Uint8Array | null;
	/** The first 16 bytes of the frame's SHA-256. */
	readonly frameHash: Uint8Array | null;
}

/** The NAR of one path, read from the local store at most once however many backends want it. */
export interface NarSource {
	/** The NAR uncompressed. Ends with a thrown `path-corrupt` before its last bytes are handed out when its hash is not the recorded one. */
	raw(signal: AbortSignal): AsyncIterable<Uint8Array>;
	/** Packed with the job's compression. The caller that asked disposes of it. */
	packed(signal: AbortSignal): Promise<PackedNar>;
	/**
	 * Cut by content, so that equal parts of different NARs are equal chunks. Ends with a thrown `path-corrupt` when the NAR's hash is not the recorded
	 * one. `isKnown` says of a chunk that no frame of it is wanted; it is asked once for each, ahead of the reader.
	 */
	chunks(isKnown: (id: Uint8Array) => boolean, signal: AbortSignal): AsyncIterable<NarChunk>;
}

/** What went up for one path. */
export interface Published {
	/** Bytes sent for the NAR; 0 when the cache had it already. */
	readonly sentBytes: number;
}

/** Makes a prepared path visible. Called once, and only when all its references can be read there (invariant I1). */
export type Publish = (signal: AbortSignal) => Promise<Published>;

/** What Nix has to be told to read from this cache. */
export interface NixReads {
	/** Store URLs for `extra-substituters`, without credentials. */
	readonly substituters: readonly string[];
	/** `name:base64` for `extra-trusted-public-keys`, those that the cache itself names. */
	readonly publicKeys: readonly string[];
	/** What Nix has to send to the hosts of these URLs, beyond what the workflow gave for them. */
	readonly netrc: readonly NetrcEntry[];
	/** Nix can't read it by itself (it has not the job's credentials): the local substituter serves it, and `substituters` is empty. */
	readonly throughUs: boolean;
	/** Where it stands among the caches that the local substituter serves, as it says itself; `null` when it does not say. */
	readonly priority: number | null;
}

/** What a cache is like that answers. */
export interface Checked {
	/** Whether Nix can read from it. A new cache without `nix-cache-info` is none for Nix, which drops it with a warning. */
	readonly readable: boolean;
	/** What people should know of it; `null` when all is as it should be. */
	readonly note: string | null;
	/** Why nothing can be pushed there, where a cache can tell and was asked with `mayWrite`; `null` when nothing stands in the way. */
	readonly whyNoPush: string | null;
	/** Names of keys whose paths the cache does not want: its readers have them from the upstream that signed them. */
	readonly skipSignedBy: readonly string[];
}

/** Verdict on one path read back through the URL that readers use. */
export type ReadBack = { readonly ok: true } | { readonly ok: false; readonly problem: string };

/**
 * A cache that holds store paths. Required methods only; absent is `null`, failure is a thrown `CacheError`.
 * Opened by `open.ts` alone, closed where it was opened.
 */
export interface Backend {
	readonly kind: BackendKind;
	/** For people: which cache this is, without credentials. */
	readonly label: string;

	/** Meaningful after `check`: some caches are asked there where they serve. */
	reads(): NixReads;

	/**
	 * Says whether the cache answers and can be used with this store; repairs what may be repaired (a missing `nix-cache-info`
	 * when `mayWrite`). Throws when it does not answer, or can't be used with this store.
	 */
	check(mayWrite: boolean, signal: AbortSignal): Promise<Checked>;

	/**
	 * What the cache has of these paths, keyed by full path; one entry for each. `sparing`: where each costs a request, the answer may be `presumed-missing`, provided
	 * that references come before what refers to them.
	 */
	presence(paths: readonly PathInfo[], signal: AbortSignal, sparing?: boolean): Promise<ReadonlyMap<string, Presence>>;

	/** Brings what can be brought before the references are there (for a plain binary cache: the NAR). */
	prepare(info: PathInfo, nar: NarSource, signal: AbortSignal): Promise<Publish>;

	/**
	 * Ends the push: a cache that takes paths together uploads them now. Answers with the published paths (full) that are not there after all, and why. Throws
	 * when none of them is.
	 */
	finish(signal: AbortSignal): Promise<ReadonlyMap<string, string>>;

	/** Reads one pushed path back as a substituter would: narinfo, a signature by one of `trustedKeys`, the NAR's presence. */
	readBack(info: PathInfo, signal: AbortSignal): Promise<ReadBack>;

	close(): Promise<void>;
}
