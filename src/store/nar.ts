import { fstatSync, read, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CacheError } from '../errors.ts';
import { type Contents, corrupt, fileError, narParts } from './nar-parts.ts';

export interface NarFrameOptions {
	/** Size of every frame but the last one, which may be shorter. */
	readonly frameBytes: number;
	/** A buffer of `frameBytes`, which may be shared memory. Reuse them: new memory costs more than reading into it. */
	allocate(): Uint8Array;
	readonly signal: AbortSignal;
	/** Undo the names that Nix makes on case-insensitive file systems. Default: on macOS, as Nix does. */
	readonly caseHack?: boolean;
}

/** Up to here a read takes some 20 µs when the file is in memory, less than the way through the thread pool. */
const SYNC_READ_LIMIT_BYTES = 128 * 1024;
/** How long everything else in this process may have to wait for a tree of small files. */
const SLICE_MS = 5;

const readAsync = promisify(read);

const undoesCaseHack = process.platform === 'darwin';

/**
 * The NAR of a file system tree, in frames: byte for byte what `nix-store --dump` writes. Contents go from the file straight into the
 * frame. Throws `path-vanished` when something of the tree is not there (any more), `path-corrupt` when it changes meanwhile or can't be
 * in a NAR, `store-unreadable`, `cancelled`.
 */
export async function* narFrames(path: string, options: NarFrameOptions): AsyncGenerator<Uint8Array, void, void> {
	const { signal, caseHack = undoesCaseHack } = options;
	const frames = new FrameFiller(options);
	let turnedAtMs = performance.now();
	for (const part of narParts(path, caseHack)) {
		if (part instanceof Uint8Array) {
			for (let rest = frames.put(part); rest !== null; rest = frames.put(rest)) yield frames.take();
		} else {
			for (let left = part.sizeBytes; left > 0; ) {
				if (frames.isFull) yield frames.take();
				if (signal.aborted) throw stopped(path);
				left -= await fill(frames, part, left);
			}
			if (part.sizeBytes > SYNC_READ_LIMIT_BYTES) refuseChange(part);
		}
		if (performance.now() - turnedAtMs > SLICE_MS) {
			if (signal.aborted) throw stopped(path);
			await setImmediate();
			turnedAtMs = performance.now();
		}
	}
	if (!frames.isEmpty) yield frames.take();
}

/**
 * The same NAR at once, for small ones: a view of `room`, or all of `room` when the NAR does not fit. Nothing else runs on this thread meanwhile. Throws as
 * `narFrames` does.
 */
export function narInto(room: Uint8Array, path: string, caseHack: boolean = undoesCaseHack): Uint8Array {
	const nar = new FrameFiller({ frameBytes: room.length, allocate: () => room });
	for (const part of narParts(path, caseHack)) {
		if (part instanceof Uint8Array) nar.put(part);
		else for (let left = part.sizeBytes; left > 0 && !nar.isFull; ) left -= fillNow(nar, part, left);
		if (nar.isFull) break;
	}
	return nar.take();
}

/** How NARs are read from the file system. */
export const narReader = { frames: narFrames, into: narInto } as const;
export type NarReader = typeof narReader;

function stopped(path: string): CacheError {
	return new CacheError('cancelled', `Reading ${path} was stopped.`);
}

/** Reads on from the file into the frame: at most `limitBytes`, at least one. */
async function fill(frames: FrameFiller, contents: Contents, limitBytes: number): Promise<number> {
	const room = frames.room(limitBytes);
	if (room.length <= SYNC_READ_LIMIT_BYTES && contents.sizeBytes <= SYNC_READ_LIMIT_BYTES)
		return fillNow(frames, contents, limitBytes);
	const { descriptor, file } = contents;
	const { bytesRead } = await readAsync(descriptor, room, 0, room.length, null).catch((cause: unknown) => {
		throw fileError(file, cause);
	});
	return filled(frames, file, bytesRead);
}

function fillNow(frames: FrameFiller, { descriptor, file }: Contents, limitBytes: number): number {
	const room = frames.room(limitBytes);
	let readBytes: number;
	try {
		readBytes = readSync(descriptor, room, 0, room.length, null);
	} catch (cause) {
		throw fileError(file, cause);
	}
	return filled(frames, file, readBytes);
}

function filled(frames: FrameFiller, file: Buffer, readBytes: number): number {
	if (readBytes === 0) throw corrupt(file, 'became shorter while it was read');
	frames.advance(readBytes);
	return readBytes;
}

/** A file that takes many reads may grow under them; that the bytes are the right ones is for the hash to say. */
function refuseChange({ descriptor, file, sizeBytes }: Contents): void {
	if (fstatSync(descriptor).size !== sizeBytes) throw corrupt(file, 'changed its size while it was read');
}

/** Fills one frame after the other. */
class FrameFiller {
	readonly #options: Pick<NarFrameOptions, 'allocate' | 'frameBytes'>;
	#frame: Uint8Array | null = null;
	#usedBytes = 0;

	constructor(options: Pick<NarFrameOptions, 'allocate' | 'frameBytes'>) {
		this.#options = options;
	}

	get isFull(): boolean {
		return this.#usedBytes === this.#options.frameBytes;
	}

	get isEmpty(): boolean {
		return this.#usedBytes === 0;
	}

	/** Copies as much of `bytes` as there is room for; gives back the rest, `null` when there is none. */
	put(bytes: Uint8Array): Uint8Array | null {
		const freeBytes = this.#options.frameBytes - this.#usedBytes;
		if (bytes.length > freeBytes) {
			this.put(bytes.subarray(0, freeBytes));
			return bytes.subarray(freeBytes);
		}
		this.#frame ??= this.#options.allocate();
		this.#frame.set(bytes, this.#usedBytes);
		this.#usedBytes += bytes.length;
		return null;
	}

	/** What is free of the frame, at most `limitBytes`. */
	room(limitBytes: number): Uint8Array {
		this.#frame ??= this.#options.allocate();
		const free = this.#options.frameBytes - this.#usedBytes;
		return this.#frame.subarray(this.#usedBytes, this.#usedBytes + Math.min(free, limitBytes));
	}

	advance(bytes: number): void {
		this.#usedBytes += bytes;
	}

	/** The filled part of the frame; a new one begins. */
	take(): Uint8Array {
		const filled = (this.#frame ?? new Uint8Array(0)).subarray(0, this.#usedBytes);
		this.#frame = null;
		this.#usedBytes = 0;
		return filled;
	}
}
