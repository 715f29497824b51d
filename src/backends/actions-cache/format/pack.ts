import { CacheError } from '../../../errors.ts';

/*
 * A pack: 16 bytes of header, zstd frames one after another, 24 bytes of trailer. Where the frames lie says the index; header and trailer tell a pack, and a
 * whole one, from anything else. Numbers are little-endian. docs/actions-cache-format.md describes it.
 */

const HEADER_MAGIC = 'NIXCPACK';
const TRAILER_MAGIC = 'KCAPCXIN';
const VERSION = 1;

export const HEADER_BYTES = 16;
export const TRAILER_BYTES = 24;

/** What every pack begins with: magic, version (u32), flags (u32, zero). */
export const PACK_HEADER: Uint8Array = Buffer.concat([Buffer.from(HEADER_MAGIC, 'latin1'), u32(VERSION), u32(0)]);

/** What a pack ends with: number of frames (u32), version (u32), bytes before the trailer (u64), magic. */
export function packTrailer({ sizeBytes, frames }: { readonly sizeBytes: number; readonly frames: number }): Uint8Array {
	const size = Buffer.alloc(8);
	size.writeBigUInt64LE(BigInt(sizeBytes));
	return Buffer.concat([u32(frames), u32(VERSION), size, Buffer.from(TRAILER_MAGIC, 'latin1')]);
}

/** Checks the first bytes of what should be a pack. Throws `format-invalid`. */
export function checkPackHeader(bytes: Uint8Array): void {
	const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
	if (header.length < HEADER_BYTES) throw invalid(`it has ${header.length} bytes, and a header alone has ${HEADER_BYTES}`);
	if (header.toString('latin1', 0, 8) !== HEADER_MAGIC) throw invalid('it does not begin as one');
	const version = header.readUInt32LE(8);
	if (version !== VERSION) throw invalid(`it is of version ${version}, and this program reads version ${VERSION}`);
	const flags = header.readUInt32LE(12);
	if (flags !== 0) throw invalid(`it has flags (${flags}) that this program does not know`);
}

/** Checks the last bytes of what should be a whole pack of `sizeBytes`. Answers with the number of its frames. Throws `format-invalid`. */
export function checkPackTrailer(bytes: Uint8Array, sizeBytes: number): number {
	const trailer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(-TRAILER_BYTES);
	if (trailer.length < TRAILER_BYTES) throw invalid(`it has ${bytes.length} bytes, and a trailer alone has ${TRAILER_BYTES}`);
	if (trailer.toString('latin1', 16) !== TRAILER_MAGIC) throw invalid('it does not end as one: it was cut off, or went on');
	const version = trailer.readUInt32LE(4);
	if (version !== VERSION) throw invalid(`its trailer is of version ${version}, and this program reads version ${VERSION}`);
	const before = trailer.readBigUInt64LE(8);
	if (before !== BigInt(sizeBytes - TRAILER_BYTES))
		throw invalid(`it says that it has ${before} bytes before its trailer, and has ${sizeBytes - TRAILER_BYTES}`);
	return trailer.readUInt32LE(0);
}

function u32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32LE(value);
	return bytes;
}

function invalid(problem: string): CacheError {
	return new CacheError('format-invalid', `This is not a pack that can be read: ${problem}.`);
}
