import type { Pack } from './format/model.ts';

/** Bytes `start` to `end` (inclusive) of a pack. */
export type ReadPart = (pack: Pack, start: number, end: number) => Promise<Uint8Array>;

/** Paths that were pushed together are read together: after some small reads in a pack, its neighbourhood is fetched as a whole. */
export interface ReadAhead {
	/** The bytes when they are worth more than a request of their own; else `null`. */
	take(pack: Pack, offset: number, sizeBytes: number): Promise<Uint8Array | null>;
}

/** Reads above this are requests of their own. */
const SMALL_BYTES = 64 * 1024;
/** One path alone, or a few, move no more bytes than they have. */
const SMALL_READS_BEFORE = 16;
const WINDOW_BYTES = 512 * 1024;
/** 16 MiB. */
const WINDOWS_KEPT = 32;

export function createReadAhead(read: ReadPart): ReadAhead {
	const smallReads = new Map<string, number>();
	/** The one used last at the end. */
	const windows = new Map<string, Promise<Uint8Array>>();

	const windowAt = (pack: Pack, start: number): Promise<Uint8Array> => {
		const name = `${pack.key} ${start}`;
		const known = windows.get(name);
		windows.delete(name);
		const bytes = known ?? read(pack, start, Math.min(start + WINDOW_BYTES, pack.sizeBytes) - 1);
		windows.set(name, bytes);
		if (known === undefined) bytes.catch(() => windows.delete(name));
		for (const oldest of windows.keys()) {
			if (windows.size <= WINDOWS_KEPT) break;
			windows.delete(oldest);
		}
		return bytes;
	};

	return {
		async take(pack, offset, sizeBytes) {
			if (sizeBytes > SMALL_BYTES) return null;
			const before = smallReads.get(pack.key) ?? 0;
			smallReads.set(pack.key, before + 1);
			const start = offset - (offset % WINDOW_BYTES);
			const isAcross = offset + sizeBytes > start + WINDOW_BYTES;
			if (before < SMALL_READS_BEFORE || isAcross) return null;
			return (await windowAt(pack, start)).subarray(offset - start, offset - start + sizeBytes);
		},
	};
}
