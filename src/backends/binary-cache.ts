import { bodyOfText } from '../bodies/in-memory.ts';
import { CacheError, isCacheError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type CacheInfo, formatCacheInfo, MAX_CACHE_INFO_BYTES, parseCacheInfo } from '../nix/cache-info.ts';
import { equalHash, formatHash } from '../nix/hash.ts';
import { formatNarInfo, MAX_NARINFO_BYTES, type NarInfo, parseNarInfo } from '../nix/narinfo.ts';
import type { PathInfo } from '../nix/path-info.ts';
import type { PublicKey, SecretKey } from '../nix/signature.ts';
import { hashPartOf } from '../nix/store-path.ts';
import { type Backend, type BackendKind, type Checked, isMissing, type Presence, type ReadBack } from './backend.ts';
import { visitInFlight } from './in-flight.ts';
import { createNarUploads, isRefusal } from './nar-uploads.ts';
import type { ObjectStore } from './object-store.ts';
import { differenceOf, narInfoOf, publishableInfo } from './published-narinfo.ts';

export interface BinaryCacheOptions {
	readonly store: ObjectStore;
	readonly kind: BackendKind;
	/** The store URL for Nix. */
	readonly substituter: string;
	/** That of the local store (`/nix/store`). */
	readonly storeDir: string;
	/** `null`: nothing is signed. */
	readonly signingKey: SecretKey | null;
	/** The keys that readers trust: what is read back must be signed by one of them. Empty: not looked at. */
	readonly publicKeys: readonly PublicKey[];
	/** Narinfos that are asked for at a time. */
	readonly lookups: number;
	readonly log: Log;
}

const CACHE_INFO = 'nix-cache-info';

/** Up to this size it costs little to send a NAR that was there after all: 0.3 ms to pack it (docs/decisions/035-presumed-missing.md). */
const UNASKED_NAR_BYTES = 64 * 1024;

const USABLE: Checked = { readable: true, note: null, whyNoPush: null, skipSignedBy: [] };

/**
 * Priority 41: Nix asks this cache after cache.nixos.org, which has 40. By default nothing that cache.nixos.org signed is pushed, so of
 * a usual closure (thousands of paths from there, dozens of our own) most is found at the first place asked; the other way round
 * each of those thousands would cost this server a request for nothing. A cache that mirrors everything, near and fast, is better
 * asked first: `?priority=30` in its URL, or a `nix-cache-info` of one's own, which is never overwritten. (`nix copy` writes none
 * of this, which means priority 0.)
 */
const PRIORITY = 41;

/** The Nix binary cache format over any place that holds bytes. Source: nix/src/libstore/binary-cache-store.cc. */
export function createBinaryCache(options: BinaryCacheOptions): Backend {
	const { store, storeDir, signingKey, log } = options;
	const uploads = createNarUploads(store);
	let priority: number | null = null;

	/** @throws CacheError `format-invalid` when it can't be read or is that of another path */
	const lookUp = async (path: string, signal: AbortSignal): Promise<NarInfo | null> => {
		const bytes = await store.get(narinfoKey(path), MAX_NARINFO_BYTES, signal);
		return bytes === null ? null : parseNarInfo(textOf(bytes), { storeDir, expectedHashPart: hashPartOf(path) });
	};

	const putNarInfo = async (narInfo: NarInfo, signal: AbortSignal): Promise<void> => {
		try {
			await store.put(narinfoKey(narInfo.storePath), bodyOfText(formatNarInfo(narInfo)), 'text/x-nix-narinfo', signal);
		} catch (error) {
			// Where nothing can be overwritten, another job may have been faster; if it said the same, all is well (invariant I4).
			if (!isRefusal(error)) throw error;
			const there = await lookUp(narInfo.storePath, signal).catch(() => null);
			const same = there !== null && equalHash(there.narHash, narInfo.narHash);
			if (!same || !narInfo.signatures.every((signature) => there.signatures.includes(signature))) throw error;
		}
	};

	return {
		kind: options.kind,
		label: store.label,
		reads: () => ({ substituters: [options.substituter], publicKeys: [], netrc: [], throughUs: false, priority }),

		async check(mayWrite, signal) {
			const there = await store.get(CACHE_INFO, MAX_CACHE_INFO_BYTES, signal);
			if (there !== null) {
				({ priority } = checkedCacheInfo(textOf(there), store.label, storeDir));
				return USABLE;
			}
			if (!mayWrite)
				return { ...USABLE, readable: false, note: `${store.label} has no ${CACHE_INFO} yet, so Nix can't read from it.` };
			const text = formatCacheInfo({ storeDir, wantMassQuery: true, priority: PRIORITY });
			await store.put(CACHE_INFO, bodyOfText(text), 'text/x-nix-cache-info', signal);
			if ((await store.get(CACHE_INFO, MAX_CACHE_INFO_BYTES, signal)) === null) {
				const note = `${store.label} does not serve the ${CACHE_INFO} that was put: is \`push-url\` that of another cache?`;
				return { ...USABLE, readable: false, note };
			}
			log.info(`${store.label} had no ${CACHE_INFO}; it has one now.`);
			return USABLE;
		},

		async presence(paths, signal, sparing = false) {
			const found = new Map<string, Presence>();
			const unreadable: string[] = [];
			const lacksReference = ({ references }: PathInfo): boolean =>
				references.map((path) => found.get(path)).some((presence) => presence !== undefined && isMissing(presence));
			const look = async (info: PathInfo, either: AbortSignal): Promise<Presence> => {
				if (sparing && info.narSizeBytes <= UNASKED_NAR_BYTES && lacksReference(info)) return { state: 'presumed-missing' };
				try {
					return presenceOf(info, await lookUp(info.path, either));
				} catch (error) {
					if (!isCacheError(error, 'format-invalid')) throw error;
					// Nix fails on a narinfo that it can't read, so it is worse than none: it counts as missing, and is replaced by a push.
					unreadable.push(`${narinfoKey(info.path)}: ${error.message}`);
					return { state: 'missing' };
				}
			};
			await visitInFlight(paths, options.lookups, signal, async (info, either) => {
				found.set(info.path, await look(info, either));
			});
			if (unreadable[0] !== undefined) {
				log.warning(
					`${store.label} has ${unreadable.length} narinfos that can't be read. They count as missing. ${unreadable[0]}`,
				);
			}
			return found;
		},

		async prepare(info, nar, signal) {
			const publishable = publishableInfo(info, signingKey, storeDir);
			const stored = await uploads.bring(info, nar, signal);
			return async (publishSignal) => {
				await putNarInfo(narInfoOf(publishable, stored), publishSignal);
				return { sentBytes: stored.sentBytes };
			};
		},

		finish: async () => new Map(),

		async readBack(info, signal) {
			try {
				const published = await lookUp(info.path, signal);
				if (published === null) return problem('its narinfo is not there');
				const difference = differenceOf(info, published, options.publicKeys, storeDir);
				return difference === null ? await findNar(store, published, signal) : problem(difference);
			} catch (error) {
				if (isCacheError(error, 'format-invalid')) return problem(error.message);
				throw error;
			}
		},

		close: () => store.close(),
	};
}

function narinfoKey(path: string): string {
	return `${hashPartOf(path)}.narinfo`;
}

function textOf(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function problem(text: string): ReadBack {
	return { ok: false, problem: text };
}

/** @throws CacheError `cache-invalid` when Nix could not use the cache with this store */
function checkedCacheInfo(text: string, label: string, storeDir: string): CacheInfo {
	if (/^\s*[<{]/.test(text)) {
		throw new CacheError('cache-invalid', `${label}/${CACHE_INFO} is a web page or JSON, not the ${CACHE_INFO} of a cache.`, {
			hint: 'Is the URL that of the repository itself (no login page, no API)?',
		});
	}
	const info = parsedCacheInfo(text, label);
	if (info.storeDir !== null && info.storeDir !== storeDir) {
		throw new CacheError('cache-invalid', `${label} is for stores in ${info.storeDir}, and this one is in ${storeDir}.`, {
			hint: 'Paths can not move between store directories: use another cache.',
		});
	}
	return info;
}

function parsedCacheInfo(text: string, label: string): CacheInfo {
	try {
		return parseCacheInfo(text);
	} catch (error) {
		if (!isCacheError(error)) throw error;
		throw new CacheError('cache-invalid', `${label}: ${error.message}`, {
			hint: 'Correct or remove that file on the server.',
			cause: error,
		});
	}
}

function presenceOf(info: PathInfo, there: NarInfo | null): Presence {
	if (there === null) return { state: 'missing' };
	return equalHash(there.narHash, info.narHash)
		? { state: 'present' }
		: { state: 'differs', narHash: formatHash(there.narHash, 'nix32') };
}

async function findNar(store: ObjectStore, published: NarInfo, signal: AbortSignal): Promise<ReadBack> {
	const sizeBytes = await store.size(published.url, signal);
	if (sizeBytes === null) return problem(`its NAR (${published.url}) is not there`);
	if (sizeBytes !== -1 && published.fileSizeBytes !== null && sizeBytes !== published.fileSizeBytes) {
		return problem(`its NAR (${published.url}) has ${sizeBytes} bytes in place of ${published.fileSizeBytes}`);
	}
	return { ok: true };
}
