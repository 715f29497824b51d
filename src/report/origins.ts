import type { PathInfo } from '../nix/path-info.ts';
import { hashPartOf, isDerivation } from '../nix/store-path.ts';

/**
 * How a path came to the store, as far as the store and our own server know.
 *
 * - `built`: Nix built it here (`ultimate`).
 * - `served`: its NAR came through the local substituter. `names`: the cache that it served, or all of them when it served several.
 * - `signed`: it was copied here with signatures, from a cache that Nix reads by itself or by `nix copy`. `names`: those of the keys.
 * - `source`: its name follows from its content, and nobody signed it: what evaluation added or fetched, or a text.
 * - `derivation`: a derivation file.
 * - `unsigned`: none of these: from a cache that is trusted without signatures, from another machine that built it, or imported.
 */
export type Origin = 'built' | 'served' | 'signed' | 'source' | 'derivation' | 'unsigned';

/** In the order in which they are shown. */
export const ORIGINS: readonly Origin[] = ['served', 'signed', 'unsigned', 'built', 'source', 'derivation'];

/** Paths of one origin that came to the store during the job, and are valid at its end. */
export interface ReportOrigin {
	readonly from: Origin;
	/** See `Origin`; empty for the others. */
	readonly names: readonly string[];
	readonly paths: number;
	readonly narBytes: number;
}

export interface OriginFacts {
	/** What came to the store during the job, as the store tells of it at the end. */
	readonly added: readonly PathInfo[];
	/** Hash parts of the paths whose NARs the local substituter sent. */
	readonly served: ReadonlySet<string>;
	/** For people: the caches that it sent something from. */
	readonly servedFrom: readonly string[];
}

/** How one path came. A path that was sent and built all the same (its NAR broke off) was built. */
export function originOf(info: PathInfo, served: ReadonlySet<string>): Origin {
	if (info.ultimate) return 'built';
	if (served.has(hashPartOf(info.path))) return 'served';
	if (info.signatures.length > 0) return 'signed';
	if (info.ca === null) return 'unsigned';
	return isDerivation(info.path) ? 'derivation' : 'source';
}

/** All of `added` by where it came from: in the order of `ORIGINS`, the largest first within one. */
export function originsOf({ added, served, servedFrom }: OriginFacts): readonly ReportOrigin[] {
	const groups = new Map<string, ReportOrigin>();
	for (const info of added) {
		const from = originOf(info, served);
		const names = from === 'served' ? servedFrom : from === 'signed' ? keyNamesOf(info) : [];
		const key = JSON.stringify([from, ...names]);
		const before = groups.get(key);
		const [paths, narBytes] = [(before?.paths ?? 0) + 1, (before?.narBytes ?? 0) + info.narSizeBytes];
		groups.set(key, { from, names, paths, narBytes });
	}
	return [...groups.values()].sort((a, b) => ORIGINS.indexOf(a.from) - ORIGINS.indexOf(b.from) || b.narBytes - a.narBytes);
}

function keyNamesOf({ signatures }: PathInfo): readonly string[] {
	return [...new Set(signatures.map((signature) => signature.slice(0, Math.max(0, signature.indexOf(':')))))].sort();
}
