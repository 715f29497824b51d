import { describeError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { equalHash, formatHash } from '../../nix/hash.ts';
import type { PathInfo } from '../../nix/path-info.ts';
import { fingerprint, type PublicKey, type SecretKey, verify } from '../../nix/signature.ts';
import { hashPartOf } from '../../nix/store-path.ts';
import { orAborted } from '../../waiting/cancel.ts';
import type { Backend, NarSource, Presence } from '../backend.ts';
import { visitInFlight } from '../in-flight.ts';
import { differenceOf, publishableInfo } from '../published-narinfo.ts';
import type { CacheService } from './cache-service.ts';
import { type Compacted, compact } from './compacting.ts';
import { createEarlyUploads } from './early-uploads.ts';
import { addPaths, mergeIndexes } from './format/merge.ts';
import type { Pack, StoredPath, StoreIndex } from './format/model.ts';
import { PACK_HEADER, packTrailer } from './format/pack.ts';
import { createIncoming, type IncomingPath } from './incoming.ts';
import { saveIndex } from './index-saving.ts';
import type { KnownIndexes } from './known-indexes.ts';
import { uploadPack } from './pack-upload.ts';
import { createPackWriter } from './pack-writer.ts';
import type { Packs } from './packs.ts';

export interface ActionsCacheOptions {
	readonly service: CacheService;
	/** The store as main found it. */
	readonly known: KnownIndexes;
	readonly storeDir: string;
	/** `null`: nothing is signed. */
	readonly signingKey: SecretKey | null;
	/** The keys that readers trust; empty: they trust the cache itself. */
	readonly publicKeys: readonly PublicKey[];
	/** For the packs on their way; made when needed. */
	readonly folder: string;
	/** Which job this is, for people who read the index. */
	readonly writer: string;
	/** What the store may take: `actions-cache-size`. */
	readonly budgetBytes: number;
	/** Of the time for the push, what may go into keeping to that; as much may go into packing again what older packs do not have any more. */
	readonly compactionMs: number;
	/** Hash parts of the paths that this job read from here. */
	readonly used: ReadonlySet<string>;
	/** Of the same service; `known` was loaded with what it finds to be gone. */
	readonly packs: Packs;
	/** Seconds since 1970. */
	readonly nowS: number;
	readonly log: Log;
	/** Where a pack ends; for tests. */
	readonly packLimitBytes?: number;
}

/** A path of this push, whose frames are in its packs or in the store. */
interface Published {
	readonly info: PathInfo;
	readonly nar: NarSource;
	incoming: IncomingPath;
}

const PACKED_AGAIN_IN_FLIGHT = 4;

/**
 * The store in the Actions cache: paths come in one by one, and become visible together, with the index that `finish` saves after the packs (invariant
 * I1). Two requests for each pack and two for the index, however many paths there are.
 */
export function createActionsCache(options: ActionsCacheOptions): Backend {
	const { service, known, packs, storeDir, signingKey, nowS, log } = options;
	const early = createEarlyUploads((pack, signal) => uploadPack(service, pack, nowS, signal));
	const writer = createPackWriter({
		folder: options.folder,
		header: PACK_HEADER,
		trailer: (sizeBytes, frames) => packTrailer({ sizeBytes, frames }),
		...(options.packLimitBytes === undefined ? {} : { limitBytes: options.packLimitBytes }),
		onFull: early.begin,
	});
	const incoming = createIncoming(known.index, (key) => packs.gone.has(key), writer);
	const published: Published[] = [];
	let saved: StoreIndex = known.index;

	/** Finds out which have gone. One of which that can't be told is taken to be there. Throws what `signal` aborts with. */
	const lookFor = async (wanted: readonly Pack[], signal: AbortSignal): Promise<void> => {
		const looks = wanted.map((pack) => packs.areThere([pack]).catch((error: unknown) => log.debug(describeError(error))));
		await orAborted(Promise.all(looks), signal, 'Looking for packs in the Actions cache');
	};
	/** A path that was stored without a signature that this job's readers trust is of no use to them, and gets ours. */
	const isReadable = ({ info }: StoredPath): boolean =>
		signingKey === null ||
		info.ca !== null ||
		info.signatures.some((signature) => verify(fingerprint(info), signature, options.publicKeys));

	/** Brings what paths of this push have in older packs that turn out to be gone. What can't be brought now is lost, and `finish` tells of it. */
	const packAgain = async (signal: AbortSignal): Promise<void> => {
		await lookFor([...new Set(published.flatMap(({ incoming: path }) => path.olderPacks))], signal);
		const torn = published.filter(({ incoming: path }) => path.olderPacks.some(({ key }) => packs.gone.has(key)));
		if (torn.length === 0) return;
		log.info(`Packs that ${torn.length} new paths share have gone from the Actions cache; what lay in them is packed again.`);
		const limit = AbortSignal.any([signal, AbortSignal.timeout(options.compactionMs)]);
		await visitInFlight(torn, PACKED_AGAIN_IN_FLIGHT, limit, async (path, either) => {
			try {
				const again = await incoming.take(path.nar, either);
				path.incoming = { ...again, sentBytes: path.incoming.sentBytes + again.sentBytes };
			} catch (error) {
				log.info(`${path.info.path} was not packed again: ${describeError(error)}`);
			}
		});
	};

	/** What this ref's indexes hold, with what this job used; on the default branch, which others build on, kept to the budget. */
	const compactOwn = async (signal: AbortSignal): Promise<Compacted> => {
		const indexes = known.own.indexes.map(({ index }) => index);
		const own = mergeIndexes(indexes, { storeDir, gonePacks: packs.gone });
		const needed = published.flatMap(({ info }) => info.references.map(hashPartOf));
		const used = new Map([...options.used, ...needed].map((hashPart) => [hashPart, nowS]));
		const index = addPaths(own, { packs: [], paths: [] }, used);
		if (!known.refs.isDefault) return { dropped: new Set(), index: () => index };
		const newBytes = published.reduce((sum, path) => sum + path.incoming.sentBytes, 0);
		return compact(index, {
			budgetBytes: options.budgetBytes,
			newBytes,
			nowS,
			packs,
			writer,
			log,
			limitMs: options.compactionMs,
			signal,
		});
	};

	return {
		kind: 'actions-cache',
		label: service.label,
		// Nix reads from the local substituter, which has an address only once it runs.
		reads: () => ({ substituters: [], publicKeys: [], netrc: [], throughUs: true, priority: null }),
		check: async () => ({ readable: true, note: null, whyNoPush: null, skipSignedBy: [] }),
		async presence(paths, signal) {
			const found = new Map<string, Presence>();
			/** What this job has from elsewhere although it should be here may have lost its pack. */
			const unread = new Map<PathInfo, StoredPath>();
			for (const info of paths) {
				const stored = known.index.path(hashPartOf(info.path));
				if (stored === null) found.set(info.path, { state: wasIndexed(known, hashPartOf(info.path)) ? 'lost' : 'missing' });
				else if (!isReadable(stored)) found.set(info.path, { state: 'untrusted' });
				else if (options.used.has(hashPartOf(info.path))) found.set(info.path, presenceOf(info, stored));
				else unread.set(info, stored);
			}
			await lookFor(packsOf([...unread.values()]), signal);
			for (const [info, stored] of unread)
				found.set(info.path, isLost(stored, packs) ? { state: 'lost' } : presenceOf(info, stored));
			return found;
		},
		async prepare(info, nar, signal) {
			const { signatures, ca, references, deriver } = publishableInfo(info, signingKey, storeDir);
			const taken = await incoming.take(nar, signal);
			return async () => {
				published.push({ info: { ...info, signatures, ca, references, deriver, ultimate: false }, nar, incoming: taken });
				return { sentBytes: taken.sentBytes };
			};
		},
		async finish(signal) {
			if (published.length === 0) return new Map();
			await packAgain(signal);
			const compacted = await compactOwn(signal);
			const added: Pack[] = [];
			for (const [index, pack] of (await writer.finish()).entries())
				added.push((await early.ended(index, signal)) ?? (await uploadPack(service, pack, nowS, signal)));
			const all = published.map(({ info, incoming: path }) => path.stored(info, added, nowS));
			const older = packsOf(all).filter((pack) => !added.includes(pack));
			await lookFor(older, signal);
			const { whole, lost } = withoutLost(all, compacted.dropped, packs);
			const index = addPaths(compacted.index(added), { packs: added, paths: whole }, new Map());
			await saveIndex(service, known.own, index, { createdAt: nowS, writer: options.writer }, signal);
			saved = index;
			published.length = 0;
			return lost;
		},
		async readBack(info) {
			const stored = saved.path(hashPartOf(info.path));
			if (stored === null) return { ok: false, problem: 'the index that was saved does not have it' };
			const narInfo = { ...stored.info, storePath: info.path, url: '', compression: 'zstd', fileHash: null, fileSizeBytes: null };
			const difference = differenceOf(info, narInfo, signingKey === null ? [] : options.publicKeys, storeDir);
			return difference === null ? { ok: true } : { ok: false, problem: difference };
		},
		async close() {
			await early.close();
			await writer.close();
		},
	};
}

/** Whether an index that was read has it: one that the merged index lacks lay in packs that are gone. */
function wasIndexed({ own, others }: KnownIndexes, hashPart: string): boolean {
	return [own, ...others].some(({ indexes }) => indexes.some(({ index }) => index.path(hashPart) !== null));
}

function presenceOf(info: PathInfo, stored: StoredPath): Presence {
	return equalHash(stored.info.narHash, info.narHash)
		? { state: 'present' }
		: { state: 'differs', narHash: formatHash(stored.info.narHash, 'nix32') };
}

function packsOf(paths: readonly StoredPath[]): readonly Pack[] {
	return [...new Set(paths.flatMap(({ chunks }) => chunks.map(({ pack }) => pack)))];
}

function isLost({ chunks }: StoredPath, { gone }: Packs): boolean {
	return chunks.some(({ pack }) => gone.has(pack.key));
}

/** Parts the paths from those with chunks in an older pack that has gone meanwhile, and what refers to them. References come before. */
function withoutLost(
	paths: readonly StoredPath[],
	dropped: ReadonlySet<string>,
	packs: Packs,
): { readonly whole: readonly StoredPath[]; readonly lost: ReadonlyMap<string, string> } {
	const lost = new Map<string, string>();
	const whole: StoredPath[] = [];
	for (const path of paths) {
		const isMissing = (reference: string): boolean => lost.has(reference) || dropped.has(hashPartOf(reference));
		const culprit = path.info.references.find((reference) => reference !== path.info.path && isMissing(reference));
		if (culprit !== undefined)
			lost.set(path.info.path, `it needs ${culprit}, for which there is no room in \`actions-cache-size\` or which was lost`);
		else if (!isLost(path, packs)) whole.push(path);
		else
			lost.set(path.info.path, 'a pack that holds a part of it has gone from the Actions cache; the next push brings all of it');
	}
	return { whole, lost };
}
