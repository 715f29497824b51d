import type { PathInfo } from '../nix/path-info.ts';
import type { NarFrameOptions, NarReader } from '../store/nar.ts';
import { checkedNar, checkNar, digestHere } from './nar-check.ts';

/** One NAR: what Nix recorded of it and how to read it. */
export interface Nar {
	readonly info: PathInfo;
	/** Where the file system has it. */
	readonly file: string;
	readonly reader: NarReader;
	/** Is told of bytes as they are read. */
	readonly onRead: (bytes: number) => void;
}

/** Reads it frame by frame. */
export async function* readFrames({ file, reader, onRead }: Nar, how: NarFrameOptions): AsyncGenerator<Uint8Array, void, void> {
	for await (const frame of reader.frames(file, how)) {
		onRead(frame.length);
		yield frame;
	}
}

/** The longest NAR that is read at once: about a millisecond of this thread's time. */
export const SMALL_NAR_BYTES = 256 * 1024;

/** Used again and again: new memory for each would be most of the work. One byte more shows that a NAR is longer than recorded. */
let room: Uint8Array | null = null;

/** What `use` makes of all of a small NAR, with the right hash, otherwise `path-corrupt` is thrown. The bytes are another NAR's after the call. */
export function readSmall({ info, file, reader, onRead }: Nar, use: (bytes: Uint8Array) => Uint8Array): Uint8Array {
	room ??= new Uint8Array(SMALL_NAR_BYTES + 1);
	const bytes = checkedNar(info, reader.into(room.subarray(0, info.narSizeBytes + 1), file));
	onRead(bytes.length);
	return use(bytes);
}

/** In buffers of its own; the last one only when the hash is right, otherwise `path-corrupt` is thrown. */
export async function* readChecked(nar: Nar, frameBytes: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
	const check = checkNar(nar.info, digestHere());
	let held: Uint8Array | null = null;
	for await (const bytes of readFrames(nar, { frameBytes, allocate: () => new Uint8Array(frameBytes), signal })) {
		await check.update(bytes);
		if (held !== null) yield held;
		held = bytes;
	}
	await check.verify();
	if (held !== null) yield held;
}
