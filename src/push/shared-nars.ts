import type { NarSource, PackedNar } from '../backends/backend.ts';
import { CacheError, isCacheError } from '../errors.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { orAborted } from '../waiting/cancel.ts';
import type { Packer } from './packing.ts';

/** The NARs of one push to several caches: each is read, hashed and compressed once for all that take it packed. */
export interface SharedNars {
	/** For one more cache, to which these paths (full) are to be pushed. */
	join(paths: Iterable<string>): NarsOfCache;
}

export interface NarsOfCache {
	/** `onRead` as in `Packer.sourceOf`; who comes second to a NAR reads nothing. */
	sourceOf(info: PathInfo, onRead: (bytes: number) => void): NarSource;
	/** The cache asks for nothing any more: what was kept for it goes. */
	leave(): Promise<void>;
}

/** What may wait, packed, for a slower cache. Beyond it the oldest is dropped, and packed again when it is asked for. */
export interface KeepLimits {
	readonly bytes: number;
	/** Each may be an open file. */
	readonly nars: number;
}

/** Made once: an abort without a reason makes an exception, stack and all, for each NAR. */
const DROPPED = new CacheError('cancelled', 'Nobody takes this NAR any more.');

const KEEP: KeepLimits = { bytes: 2 * 1024 ** 3, nars: 256 };

/** One NAR that is packed, or about to be. */
interface Packing {
	readonly nar: Promise<PackedNar>;
	readonly stop: AbortController;
	/** Those who wait for it or hold it. */
	users: number;
	/** Bytes, once it is packed. */
	sizeBytes: number;
}

/** Where there is one cache only. */
export function unsharedNars({ sourceOf }: Pick<Packer, 'sourceOf'>): SharedNars {
	return { join: () => ({ sourceOf, leave: async () => undefined }) };
}

export function shareNars(packer: Pick<Packer, 'sourceOf'>, limits: KeepLimits = KEEP): SharedNars {
	/** The caches that have yet to ask, by path. */
	const waiting = new Map<string, Set<object>>();
	const packings = new Map<string, Packing>();
	/** Packed and held by nobody, the oldest first. */
	const idle = new Set<string>();
	let idleBytes = 0;

	const leavePath = (cache: object, path: string): void => {
		const others = waiting.get(path);
		others?.delete(cache);
		if (others?.size === 0) waiting.delete(path);
	};

	/** What is kept for others takes no room on the disk from what is wanted now. */
	const pack = async (source: NarSource, signal: AbortSignal): Promise<PackedNar> => {
		try {
			return await source.packed(signal);
		} catch (error) {
			if (!isCacheError(error, 'disk-full') || idle.size === 0) throw error;
			await dropSurplus({ bytes: 0, nars: 0 });
			return source.packed(signal);
		}
	};

	const begin = (path: string, source: NarSource): Packing => {
		const stop = new AbortController();
		const packing: Packing = { nar: pack(source, stop.signal), stop, users: 0, sizeBytes: 0 };
		packings.set(path, packing);
		packing.nar.then(
			({ body }) => {
				packing.sizeBytes = body.sizeBytes;
			},
			// Whoever comes next tries again.
			() => forget(path, packing),
		);
		return packing;
	};

	const forget = (path: string, packing: Packing): void => {
		if (packings.get(path) === packing) packings.delete(path);
	};

	const drop = async (path: string, packing: Packing): Promise<void> => {
		forget(path, packing);
		if (idle.delete(path)) idleBytes -= packing.sizeBytes;
		packing.stop.abort(DROPPED);
		await packing.nar.then(
			(nar) => nar.dispose(),
			() => undefined,
		);
	};

	const release = async (path: string, packing: Packing, isPacked: boolean): Promise<void> => {
		if (--packing.users > 0) return;
		if (!isPacked || !waiting.has(path)) return drop(path, packing);
		idle.add(path);
		idleBytes += packing.sizeBytes;
		await dropSurplus(limits);
	};

	const dropSurplus = async ({ bytes, nars }: KeepLimits): Promise<void> => {
		for (const oldest of idle) {
			if (idleBytes <= bytes && idle.size <= nars) return;
			const surplus = packings.get(oldest);
			if (surplus !== undefined) await drop(oldest, surplus);
		}
	};

	const take = async (path: string, source: NarSource, signal: AbortSignal): Promise<PackedNar> => {
		const packing = packings.get(path) ?? begin(path, source);
		packing.users++;
		if (idle.delete(path)) idleBytes -= packing.sizeBytes;
		try {
			const nar = await orAborted(packing.nar, signal, `Packing ${path}`);
			let held = true;
			const dispose = async (): Promise<void> => {
				if (!held) return;
				held = false;
				await release(path, packing, true);
			};
			return { ...nar, dispose };
		} catch (error) {
			await release(path, packing, false);
			throw error;
		}
	};

	return {
		join(paths) {
			const cache = {};
			const joined = [...paths];
			for (const path of joined) waiting.set(path, (waiting.get(path) ?? new Set()).add(cache));
			return {
				sourceOf(info, onRead) {
					const source = packer.sourceOf(info, onRead);
					return {
						raw(signal) {
							leavePath(cache, info.path);
							return source.raw(signal);
						},
						packed(signal) {
							leavePath(cache, info.path);
							return take(info.path, source, signal);
						},
						chunks(isKnown, signal) {
							leavePath(cache, info.path);
							return source.chunks(isKnown, signal);
						},
					};
				},
				async leave() {
					for (const path of joined) leavePath(cache, path);
					for (const path of idle) {
						const packing = packings.get(path);
						if (packing !== undefined && !waiting.has(path)) await drop(path, packing);
					}
				},
			};
		},
	};
}
