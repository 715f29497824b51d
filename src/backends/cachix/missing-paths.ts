import type { PathInfo } from '../../nix/path-info.ts';
import { hashPartOf } from '../../nix/store-path.ts';
import { BULK, type CachixApi } from './cachix-api.ts';

/** Which of these paths (full) the cache does not have: one request for each `BULK` of them. Throws what the API does. */
export async function missingPaths(
	api: Pick<CachixApi, 'missing'>,
	paths: readonly PathInfo[],
	signal: AbortSignal,
): Promise<ReadonlySet<string>> {
	const missing = new Set<string>();
	for (let at = 0; at < paths.length; at += BULK) {
		const some = paths.slice(at, at + BULK);
		const hashParts = await api.missing(
			some.map(({ path }) => hashPartOf(path)),
			signal,
		);
		for (const { path } of some) if (hashParts.has(hashPartOf(path))) missing.add(path);
	}
	return missing;
}
