import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { CacheError } from './errors.ts';

const PIECE_BYTES = 128 * 1024;
/** The one that is read into, and the two before it. */
const PIECES = 3;
/** How long everything else in this process may have to wait for who reads. */
const SLICE_MS = 5;

/**
 * Bytes `start` up to `end` (not included) of a file that was just written, by position, so that several can read at once. A piece is overwritten when two more
 * have been taken: memory for each of its own costs more than reading into it, and the garbage collector's time. Reading is synchronous: what was
 * just written is in the system's memory, and there in less time than another thread takes to be told of it.
 */
export async function* piecesOf(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array, void, void> {
	const pieceBytes = Math.min(PIECE_BYTES, end - start);
	const pieces = Array.from({ length: PIECES }, () => Buffer.allocUnsafeSlow(pieceBytes));
	let turnedAtMs = performance.now();
	for (let at = start; at < end; ) {
		for (const piece of pieces) {
			if (at === end) break;
			const readBytes = readSync(file.fd, piece, 0, Math.min(pieceBytes, end - at), at);
			if (readBytes === 0) throw new CacheError('internal', `A temporary file ends at byte ${at} in place of ${end}.`);
			at += readBytes;
			yield piece.subarray(0, readBytes);
			if (performance.now() - turnedAtMs <= SLICE_MS) continue;
			await setImmediate();
			turnedAtMs = performance.now();
		}
	}
}
