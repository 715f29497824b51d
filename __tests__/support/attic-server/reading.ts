/** What Nix reads of a cache. Source: attic/server/src/api/binary_cache.rs, attic/server/src/narinfo/mod.rs. */
import { encodeBase32 } from '../../../src/nix/base32.ts';
import type { Cache, StoredObject } from './caches.ts';

export function cacheInfoOf({ settings }: Cache): string {
	return `WantMassQuery: 1\nStoreDir: ${settings.storeDir}\nPriority: ${settings.priority}\n`;
}

/** Signed as it is asked for, with the references in the order in which they were sent. The signatures that came along are kept and not served. */
export function narInfoOf(cache: Cache, hashPart: string, object: StoredObject): string {
	const { storePath, narHash, narSizeBytes, references, deriver, ca } = object;
	const folder = storePath.slice(0, storePath.lastIndexOf('/'));
	const fingerprint = [
		'1',
		storePath,
		`sha256:${encodeBase32(Buffer.from(narHash, 'hex'))}`,
		narSizeBytes,
		references.map((name) => `${folder}/${name}`).join(','),
	].join(';');
	return [
		`StorePath: ${storePath}`,
		`URL: nar/${hashPart}.nar`,
		'Compression: zstd',
		`NarHash: sha256:${narHash}`,
		`NarSize: ${narSizeBytes}`,
		`References: ${references.join(' ')}`,
		...(deriver === null ? [] : [`Deriver: ${deriver}`]),
		`Sig: ${cache.sign(fingerprint)}`,
		...(ca === null ? [] : [`CA: ${ca}`]),
		'',
	].join('\n');
}
