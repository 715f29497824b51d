import { CacheError } from '../../errors.ts';
import { createPackFile, type FinishedPack, type PackFile } from './pack-file.ts';

/** Where a frame lies among the packs of one push. */
export interface FramePlace {
	/** Index into what `finish` answers with. */
	readonly pack: number;
	/** Of the frame's first byte in that pack. */
	readonly offset: number;
	readonly frameBytes: number;
}

/** Puts the new frames of one push into packs on disk, each chunk once. */
export interface PackWriter {
	/** Where the chunk's frame is, or will be; `null` when this push has none. */
	find(id: Uint8Array): Promise<FramePlace> | null;
	/**
	 * Appends the frame unless the chunk has one, and gives its place when it has been written. Calls need not wait for each other; `frame` is read until
	 * the promise resolves. Throws `disk-full` or `file-failed`, for this chunk and all that come after it.
	 */
	append(id: Uint8Array, frame: Uint8Array): Promise<FramePlace>;
	/** The packs with everything that was written; none when nothing was. Nothing can be appended any more. */
	finish(): Promise<readonly FinishedPack[]>;
	/** Closes all files, also those that `finish` gave. */
	close(): Promise<void>;
}

export interface PackWriterOptions {
	readonly folder: string;
	/** What each pack begins with. */
	readonly header: Uint8Array;
	/** What each pack ends with, of the same length always. `sizeBytes`: of what comes before it. */
	readonly trailer: (sizeBytes: number, frames: number) => Uint8Array;
	/** A pack ends before the frame that would make it larger. */
	readonly limitBytes?: number;
	/** Told of a pack that takes no more frames, once: `pack` is its index into what `finish` answers with. */
	readonly onFull?: (pack: number, finished: Promise<FinishedPack | null>) => void;
}

/** Entries of up to 10 GiB are taken by GitHub; others that speak its protocol take less, and a reader of the toolkit kind fetches a pack whole. */
const DEFAULT_LIMIT_BYTES = 1024 ** 3;

export function createPackWriter(options: PackWriterOptions): PackWriter {
	const { folder, header, trailer, limitBytes = DEFAULT_LIMIT_BYTES } = options;
	const trailerBytes = trailer(0, 0).length;
	const places = new Map<string, Promise<FramePlace>>();
	const packs: PackFile[] = [];
	/** Of those that take no more frames. */
	const full: Promise<FinishedPack | null>[] = [];
	let finished: Promise<readonly FinishedPack[]> | null = null;

	function packFor(frameBytes: number): PackFile {
		const last = packs.at(-1);
		if (last !== undefined && (last.failure !== null || last.sizeBytes + frameBytes + trailerBytes <= limitBytes)) return last;
		if (last !== undefined) {
			const ended = last.finish(trailer);
			// Whoever asks for it is told.
			ended.catch(() => undefined);
			full.push(ended);
			options.onFull?.(full.length - 1, ended);
		}
		const next = createPackFile(folder, header);
		packs.push(next);
		return next;
	}

	async function write(frame: Uint8Array): Promise<FramePlace> {
		if (finished !== null) throw new CacheError('internal', 'Packs that were finished take no more frames.');
		const file = packFor(frame.length);
		const pack = packs.length - 1;
		return { pack, offset: await file.append(frame), frameBytes: frame.length };
	}

	async function finishAll(): Promise<readonly FinishedPack[]> {
		const all = await Promise.all(packs.map((pack, index) => full[index] ?? pack.finish(trailer)));
		// Only the last one can be without frames: after a failure no other is begun.
		return all.filter((pack) => pack !== null);
	}

	return {
		find: (id) => places.get(keyOf(id)) ?? null,
		append(id, frame) {
			const key = keyOf(id);
			const known = places.get(key);
			if (known !== undefined) return known;
			const place = write(frame);
			places.set(key, place);
			return place;
		},
		finish: () => (finished ??= finishAll()),
		async close() {
			await Promise.all(packs.map((pack) => pack.close()));
		},
	};
}

function keyOf(id: Uint8Array): string {
	return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
}
