import type { ObjectBody } from '../bodies/body.ts';
import { isCacheError } from '../errors.ts';
import { digestText, type Hash } from '../nix/hash.ts';
import type { PathInfo } from '../nix/path-info.ts';
import type { Compression, NarSource, PackedNar } from './backend.ts';
import type { ObjectStore } from './object-store.ts';

/** A NAR that lies in the cache, with what a narinfo says about it. */
export interface StoredNar {
	/** Relative to the root of the cache. */
	readonly url: string;
	readonly compression: Compression;
	readonly fileHash: Hash;
	readonly fileSizeBytes: number;
	/** What bringing it there took; 0 when it was there. */
	readonly sentBytes: number;
}

/**
 * Nix's own suffixes; readers never look at them. Only for gzip Nix has none, but our names come from the NarHash, so a gzip-compressed
 * NAR would have the name of the uncompressed one.
 */
const SUFFIX: Readonly<Record<Compression, string>> = { zstd: '.zst', xz: '.xz', gzip: '.gz', br: '.br', none: '' };

/** From here on it is worth a round trip to see whether an earlier run, or another job right now, brought the same bytes. */
const ASK_BEFORE_SENDING_BYTES = 1024 * 1024;

/** The key of a NAR is its uncompressed hash, so it is known before the first byte is read. */
function narKey(narHash: Hash, compression: Compression): string {
	return `nar/${digestText(narHash, 'nix32')}.nar${SUFFIX[compression]}`;
}

/** The key of this very file, for where other bytes have the usual one. */
function fileKey(narHash: Hash, { compression, fileHash }: PackedNar): string {
	return `nar/${digestText(narHash, 'nix32')}-${digestText(fileHash, 'nix32')}.nar${SUFFIX[compression]}`;
}

/** Brings NARs into a store, each content once a run, however many paths have it. */
export interface NarUploads {
	bring(info: PathInfo, nar: NarSource, signal: AbortSignal): Promise<StoredNar>;
}

export function createNarUploads(store: ObjectStore): NarUploads {
	const uploads = new Map<string, Promise<StoredNar>>();
	return {
		async bring(info, nar, signal) {
			const content = digestText(info.narHash, 'hex');
			for (let other = uploads.get(content); other !== undefined; other = uploads.get(content)) {
				// When the upload for another path fails, that path may be to blame (gone, corrupt); this one tries itself.
				const stored = await other.catch(() => null);
				if (stored !== null) return { ...stored, sentBytes: 0 };
			}
			const upload = packAndStore(store, info, nar, signal);
			uploads.set(content, upload);
			return upload.catch((error: unknown) => {
				uploads.delete(content);
				throw error;
			});
		},
	};
}

async function packAndStore(store: ObjectStore, info: PathInfo, nar: NarSource, signal: AbortSignal): Promise<StoredNar> {
	const packed = await nar.packed(signal);
	try {
		const { url, sent } = await storeUnderAnyKey(store, info.narHash, packed, signal);
		const { compression, fileHash, body } = packed;
		return { url, compression, fileHash, fileSizeBytes: body.sizeBytes, sentBytes: sent ? body.sizeBytes : 0 };
	} finally {
		await packed.dispose();
	}
}

/**
 * Under the usual key, unless what is there is not ours and can't be overwritten: a job that packed otherwise was ended before its narinfo, or its upload was cut off. No later
 * job could push the path then.
 */
async function storeUnderAnyKey(store: ObjectStore, narHash: Hash, packed: PackedNar, signal: AbortSignal) {
	const usual = narKey(narHash, packed.compression);
	try {
		return { url: usual, sent: await storeUnlessThere(store, usual, packed, signal) };
	} catch (error) {
		if (!isRefusal(error) || (await sizeOrNull(store, usual, signal)) === null) throw error;
		const url = fileKey(narHash, packed);
		return { url, sent: await storeUnlessThere(store, url, packed, signal) };
	}
}

async function storeUnlessThere(store: ObjectStore, key: string, { body }: PackedNar, signal: AbortSignal): Promise<boolean> {
	if (body.sizeBytes >= ASK_BEFORE_SENDING_BYTES && (await isThere(store, key, body, signal))) return false;
	try {
		await store.put(key, body, 'application/x-nix-nar', signal);
		return true;
	} catch (error) {
		if (isRefusal(error) && (await isThere(store, key, body, signal))) return false;
		throw error;
	}
}

/** Who is not let see it does not know. */
async function sizeOrNull(store: ObjectStore, key: string, signal: AbortSignal): Promise<number | null> {
	try {
		return await store.size(key, signal);
	} catch (error) {
		if (isRefusal(error)) return null;
		throw error;
	}
}

/**
 * The name stands for the contents, but what is there may have been cut off: it counts when it is as long as ours. (What another
 * compression level made has another length and is replaced; readers can use either.)
 */
async function isThere(store: ObjectStore, key: string, body: ObjectBody, signal: AbortSignal): Promise<boolean> {
	return (await sizeOrNull(store, key, signal)) === body.sizeBytes;
}

/** How servers answer that keep what is there and let nobody overwrite it (Artifactory without that permission, Nexus, WORM buckets). */
export function isRefusal(error: unknown): boolean {
	return isCacheError(error, 'cache-forbidden', 'cache-read-only', 'cache-invalid');
}
