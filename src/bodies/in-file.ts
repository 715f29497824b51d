import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { CacheError } from '../errors.ts';
import type { BodyPart, DivisibleBody, ObjectBody } from './body.ts';

const PIECE_BYTES = 128 * 1024;
/** The one that is read into, and the two before it. */
const PIECES = 3;
/** How long everything else in this process may have to wait for who reads. */
const SLICE_MS = 5;

/** The first `sizeBytes` bytes of a file that was just written. They can be read until it is closed or written to. `moveTo` as in `DivisibleBody`. */
export function bodyOfFile(file: FileHandle, sizeBytes: number, moveTo: DivisibleBody['moveTo'] = null): DivisibleBody {
	return { ...between(file, 0, sizeBytes), moveTo, part: (start, end) => partOfFile(file, start, end) };
}

function partOfFile(file: FileHandle, start: number, end: number): BodyPart {
	const body = between(file, start, end);
	return { ...body, md5: () => md5Of(body.stream()) };
}

function between(file: FileHandle, start: number, end: number): ObjectBody {
	return { sizeBytes: end - start, bytes: null, stream: () => piecesOf(file, start, end) };
}

/**
 * Bytes `start` up to `end` (not included), by position, so that several can read at once. A piece is overwritten when two more have been taken: memory
 * for each of its own costs more than reading into it, and the garbage collector's time. Reading is synchronous: what was just written is in the
 * system's memory, and there in less time than another thread takes to be told of it.
 */
async function* piecesOf(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array, void, void> {
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

async function md5Of(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
	const hash = createHash('md5');
	for await (const piece of pieces) hash.update(piece);
	return hash.digest();
}
