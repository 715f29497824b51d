import { CacheError } from '../errors.ts';

/**
 * The NAR format: strings (length as 64-bit little-endian integer, bytes, zeros up to a multiple of 8), arranged as
 *
 *     "nix-archive-1" node
 *     node  = "(" "type" "regular" ["executable" ""] "contents" <bytes> ")"
 *           | "(" "type" "symlink" "target" <bytes> ")"
 *           | "(" "type" "directory" entry* ")"
 *     entry = "entry" "(" "name" <bytes> "node" node ")"      sorted by the bytes of the names
 *
 * Source: nix/src/libutil/archive.cc and the manual, "Nix Archive (NAR) format". This file has the pieces that a writer puts
 * together; `read-nar.ts` takes archives apart. The constants are shared: they are not to be written to.
 */

/** Strings, names and numbers are padded to this many bytes. */
export const ALIGNMENT = 8;

/** What Nix 2.31.5 and later accept (archive.cc); a tree beyond them can be dumped by older versions, but not be restored everywhere. */
export const NAR_MAX_DEPTH = 64;
export const NAR_MAX_NAME_BYTES = 255;
export const NAR_MAX_TARGET_BYTES = 4095;

const PADDINGS: readonly Uint8Array[] = Array.from(
	{ length: ALIGNMENT },
	(_, used) => new Uint8Array((ALIGNMENT - used) % ALIGNMENT),
);

/** The zeros that follow `sizeBytes` bytes: 0 to 7 of them. */
export function padding(sizeBytes: number): Uint8Array {
	return PADDINGS[sizeBytes % ALIGNMENT] ?? new Uint8Array(0);
}

/** A size as 64-bit little-endian integer. Throws `format-invalid` on what is no whole number from 0 to 2^53 - 1. */
export function encodeSize(sizeBytes: number): Uint8Array {
	if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
		throw new CacheError('format-invalid', `${sizeBytes} is not a size that fits into a NAR.`);
	}
	const bytes = Buffer.alloc(ALIGNMENT);
	bytes.writeUInt32LE(sizeBytes % 2 ** 32, 0);
	bytes.writeUInt32LE(Math.floor(sizeBytes / 2 ** 32), 4);
	return bytes;
}

/** A whole string: length, bytes, padding. */
export function encodeString(bytes: Uint8Array): Uint8Array {
	return Buffer.concat([encodeSize(bytes.length), bytes, padding(bytes.length)]);
}

function tokens(...words: readonly string[]): Uint8Array {
	return Buffer.concat(words.map((word) => encodeString(Buffer.from(word))));
}

/** What every NAR begins with; the root node follows. */
export const NAR_MAGIC = tokens('nix-archive-1');

export const DIRECTORY_START = tokens('(', 'type', 'directory');
export const DIRECTORY_END = tokens(')');
export const ENTRY_END = tokens(')');

const REGULAR = tokens('(', 'type', 'regular', 'contents');
const EXECUTABLE = tokens('(', 'type', 'regular', 'executable', '', 'contents');
const SYMLINK = tokens('(', 'type', 'symlink', 'target');
const NODE_END = tokens(')');
const ENTRY_NAME = tokens('entry', '(', 'name');
const ENTRY_NODE = tokens('node');
const REGULAR_ENDS = PADDINGS.map((zeros) => Buffer.concat([zeros, NODE_END]));

/** Everything of a regular file before its `sizeBytes` bytes of contents. */
export function regularStart(executable: boolean, sizeBytes: number): Uint8Array {
	return Buffer.concat([executable ? EXECUTABLE : REGULAR, encodeSize(sizeBytes)]);
}

/** Everything of a regular file after its `sizeBytes` bytes of contents. */
export function regularEnd(sizeBytes: number): Uint8Array {
	return REGULAR_ENDS[sizeBytes % ALIGNMENT] ?? NODE_END;
}

/** A whole symbolic link. */
export function symlinkNode(target: Uint8Array): Uint8Array {
	return Buffer.concat([SYMLINK, encodeString(target), NODE_END]);
}

/** Everything of a directory entry before its node; `ENTRY_END` comes after the node. Entries go in the order of `Buffer.compare` on their names. */
export function entryStart(name: Uint8Array): Uint8Array {
	return Buffer.concat([ENTRY_NAME, encodeString(name), ENTRY_NODE]);
}
