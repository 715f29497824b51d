import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CacheError, systemCode } from '../../errors.ts';
import { formatCacheInfo } from '../../nix/cache-info.ts';
import { formatNarInfo } from '../../nix/narinfo.ts';
import type { PathInfo } from '../../nix/path-info.ts';
import { hashPartOf } from '../../nix/store-path.ts';
import { visitInFlight } from '../in-flight.ts';
import { narInfoOf, type PublishableInfo } from '../published-narinfo.ts';

/** A path, and what is to be said of it with our signature. */
export interface SignedPath {
	readonly info: PathInfo;
	readonly publishable: PublishableInfo;
}

const FILES_IN_FLIGHT = 32;

/**
 * Writes narinfos into `folder` (new) as Nix's `file://` store has them. Nothing but signatures is ever taken from them, so the NARs that they speak of are not there.
 * Throws `disk-full`, `file-failed`.
 */
export async function writeSignatures(
	folder: string,
	paths: readonly SignedPath[],
	storeDir: string,
	signal: AbortSignal,
): Promise<void> {
	try {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		await writeFile(join(folder, 'nix-cache-info'), formatCacheInfo({ storeDir, wantMassQuery: true, priority: 0 }));
		await visitInFlight(paths, FILES_IN_FLIGHT, signal, async ({ info, publishable }) => {
			const nar = { url: 'nar/none.nar', compression: 'none', fileHash: info.narHash, fileSizeBytes: info.narSizeBytes } as const;
			const text = formatNarInfo(narInfoOf(publishable, { ...nar, sentBytes: 0 }));
			await writeFile(join(folder, `${hashPartOf(info.path)}.narinfo`), text);
		});
	} catch (cause) {
		if (signal.aborted) throw new CacheError('cancelled', 'Signing was stopped.', { cause });
		const code = systemCode(cause);
		if (code === null) throw cause;
		throw new CacheError(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `${folder} can't be written (${code}).`, { cause });
	}
}
