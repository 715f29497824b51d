import type { PathInfo } from '../nix/path-info.ts';
import type { NarFrameOptions } from '../store/nar.ts';
import { checkNar, digestHere } from './nar-check.ts';

/** One NAR: what Nix recorded of it and how to read it. */
export interface Nar {
	readonly info: PathInfo;
	readonly read: (options: NarFrameOptions) => AsyncGenerator<Uint8Array, void, void>;
}

/** Tells `onRead` of each frame that passes. */
export async function* counted(
	frames: AsyncGenerator<Uint8Array, void, void>,
	onRead: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
	for await (const frame of frames) {
		onRead(frame.length);
		yield frame;
	}
}

/** In buffers of its own; the last one only when the hash is right, otherwise `path-corrupt` is thrown. */
export async function* readChecked(
	{ info, read }: Nar,
	frameBytes: number,
	signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
	const check = checkNar(info, digestHere());
	let held: Uint8Array | null = null;
	for await (const bytes of read({ frameBytes, allocate: () => new Uint8Array(frameBytes), signal })) {
		await check.update(bytes);
		if (held !== null) yield held;
		held = bytes;
	}
	await check.verify();
	if (held !== null) yield held;
}

/** All of a small NAR, with the right hash. */
export async function readWhole(nar: Nar, signal: AbortSignal): Promise<Uint8Array> {
	// One frame has room for all of it: a NAR is never empty, and one byte more is refused.
	for await (const bytes of readChecked(nar, Math.max(1, nar.info.narSizeBytes), signal)) return bytes;
	return new Uint8Array(0);
}
