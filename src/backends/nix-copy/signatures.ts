import { formatCacheInfo } from '../../nix/cache-info.ts';
import { formatNarInfo } from '../../nix/narinfo.ts';
import type { PathInfo } from '../../nix/path-info.ts';
import { hashPartOf } from '../../nix/store-path.ts';
import { openFileStore } from '../file-store.ts';
import { bodyOfText } from '../object-body.ts';
import { narInfoOf, type PublishableInfo } from '../published-narinfo.ts';

/** A path, and what is to be said of it with our signature. */
export interface SignedPath {
	readonly info: PathInfo;
	readonly publishable: PublishableInfo;
}

/**
 * Writes narinfos into `folder` as Nix's `file://` store has them. Nothing but signatures is ever taken from them, so the NARs that they speak of are not there.
 */
export async function writeSignatures(
	folder: string,
	paths: readonly SignedPath[],
	storeDir: string,
	signal: AbortSignal,
): Promise<void> {
	const files = openFileStore(folder);
	const put = (key: string, text: string): Promise<void> => files.put(key, bodyOfText(text), '', signal);
	await put('nix-cache-info', formatCacheInfo({ storeDir, wantMassQuery: true, priority: 0 }));
	for (const { info, publishable } of paths) {
		const nar = { url: 'nar/none.nar', compression: 'none', fileHash: info.narHash, fileSizeBytes: info.narSizeBytes } as const;
		const text = formatNarInfo(narInfoOf(publishable, { ...nar, sentBytes: 0 }));
		await put(`${hashPartOf(info.path)}.narinfo`, text);
	}
	await files.close();
}
