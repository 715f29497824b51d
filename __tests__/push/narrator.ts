import { createHash } from 'node:crypto';
import type { PathInfo } from '../../src/nix/path-info.ts';
import type { NarReader } from '../../src/store/nar.ts';
import { pathInfo } from './graph.ts';

/** Bytes that compress about as programs do, the same for the same seed. */
export function someBytes(sizeBytes: number, seed = 1): Buffer {
	const bytes = Buffer.alloc(sizeBytes);
	let state = seed;
	for (let at = 0; at < sizeBytes; at++) {
		state = (Math.imul(state, 1103515245) + 12345) >>> 0;
		bytes[at] = at % 7 < 4 ? 0x61 + (at % 5) : state >>> 24;
	}
	return bytes;
}

/** Path info whose hash and size are those of `bytes`. */
export function infoOf(name: string, bytes: Uint8Array): PathInfo {
	return pathInfo(name, {
		narSizeBytes: bytes.length,
		narHash: { algorithm: 'sha256', digest: createHash('sha256').update(bytes).digest() },
	});
}

/** Reads from memory as the store's reader does from disk; `delayMs` passes before each frame of a large one. */
export function narsOf(nars: ReadonlyMap<string, Uint8Array>, delayMs = 0): NarReader {
	const find = (path: string): Uint8Array => {
		const bytes = nars.get(path);
		if (bytes === undefined) throw new Error(`the test has no ${path}`);
		return bytes;
	};
	return {
		async *frames(path, { frameBytes, allocate, signal }) {
			const bytes = find(path);
			for (let at = 0; at < bytes.length; at += frameBytes) {
				const frame = allocate();
				signal.throwIfAborted();
				if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
				const part = bytes.subarray(at, at + frameBytes);
				frame.set(part);
				yield frame.subarray(0, part.length);
			}
		},
		into(room, path) {
			const bytes = find(path).subarray(0, room.length);
			room.set(bytes);
			return room.subarray(0, bytes.length);
		},
	};
}
