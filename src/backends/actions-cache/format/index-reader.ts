import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { CacheError, isCacheError } from '../../../errors.ts';
import { checkContentAddress } from '../../../nix/content-address.ts';
import type { Hash } from '../../../nix/hash.ts';
import type { PathInfo } from '../../../nix/path-info.ts';
import { parseBaseName } from '../../../nix/store-path.ts';
import { parseHead, parseMention, parseRecord } from './index-json.ts';
import {
	CHUNK,
	INDEX_MAGIC,
	INDEX_VERSION,
	type IndexHead,
	MAX_BODY_BYTES,
	MAX_HEAD_BYTES,
	MAX_INDEX_BYTES,
	MAX_RECORD_BYTES,
	PATH,
	type PathRecord,
	PREFIX,
	PREFIX_BYTES,
} from './index-layout.ts';
import type { Chunk, IndexHeader, Mention, Pack, StoredPath, StoreIndex } from './model.ts';
import { HEADER_BYTES, TRAILER_BYTES } from './pack.ts';

/** Of the keys of tables, which are hashes, so that nearly all differ by then: as many as make an exact number, which is compared in a tenth of the time. */
const START_BYTES = 6;

/**
 * Reads what `encodeIndex` wrote, or anything else: bounds, order and checksum are checked before anything is believed. A path whose record is wrong is not
 * there; a table that is wrong is an error, since nothing can be found by it. Paths and chunks are decoded when they are asked for, so an index of
 * 50,000 paths is open in the time that unpacking it takes. Throws `format-invalid`.
 */
export function decodeIndex(
	bytes: Uint8Array,
	expected: { readonly storeDir: string },
): { readonly header: IndexHeader; readonly index: StoreIndex } {
	const body = unpack(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
	const headBytes = body.length >= 4 ? body.readUInt32LE(0) : Number.POSITIVE_INFINITY;
	if (headBytes > Math.min(body.length - 4, MAX_HEAD_BYTES)) throw invalid('its head is longer than the whole, or than any head');
	const head = parseHead(body.toString('utf8', 4, 4 + headBytes));
	if (head.storeDir !== expected.storeDir)
		throw invalid(`it is for stores in ${head.storeDir}, and this one is in ${expected.storeDir}`);
	const chunkTable = cut(body, 4 + headBytes, head.chunks * CHUNK.bytes, 'chunk table');
	const pathTable = cut(body, 4 + headBytes + chunkTable.length, head.paths * PATH.bytes, 'path table');
	const records = body.subarray(4 + headBytes + chunkTable.length + pathTable.length);
	const { packs } = head;
	checkChunks(chunkTable, packs);
	checkOverlaps(chunkTable);
	checkPaths(pathTable, records.length);
	const { slot, openSlots, createdAt, writer } = head;
	return { header: { slot, openSlots, createdAt, writer }, index: new DecodedIndex(head, packs, chunkTable, pathTable, records) };
}

function unpack(bytes: Buffer): Buffer {
	if (bytes.length < PREFIX_BYTES || bytes.toString('latin1', 0, 8) !== INDEX_MAGIC) throw invalid('it does not begin as one');
	const version = bytes.readUInt32LE(PREFIX.version);
	if (version !== INDEX_VERSION) throw invalid(`it is of version ${version}, and this program reads version ${INDEX_VERSION}`);
	const flags = bytes.readUInt32LE(PREFIX.flags);
	if (flags !== 0) throw invalid(`it has flags (${flags}) that this program does not know`);
	const bodyBytes = bytes.readBigUInt64LE(PREFIX.bodyBytes);
	if (bytes.length > MAX_INDEX_BYTES || bodyBytes > MAX_BODY_BYTES)
		throw invalid(`it has ${bytes.length} bytes, and ${bodyBytes} unpacked`);
	const body = decompress(bytes.subarray(PREFIX_BYTES), Number(bodyBytes));
	const sha256 = createHash('sha256').update(body).digest();
	if (!sha256.equals(bytes.subarray(PREFIX.sha256, PREFIX.sha256 + 32))) throw invalid('its checksum is wrong');
	return body;
}

function decompress(frame: Buffer, sizeBytes: number): Buffer {
	try {
		const body = zstdDecompressSync(frame, { maxOutputLength: Math.max(1, sizeBytes), chunkSize: Math.max(64, sizeBytes) });
		if (body.length === sizeBytes) return body;
	} catch (cause) {
		throw invalid('it can not be unpacked: it was cut off or changed', cause);
	}
	throw invalid('it is shorter than it says');
}

function cut(body: Buffer, start: number, sizeBytes: number, what: string): Buffer {
	if (start + sizeBytes > body.length) throw invalid(`its ${what} is longer than the whole`);
	return body.subarray(start, start + sizeBytes);
}

function checkChunks(table: Buffer, packs: readonly Pack[]): void {
	for (let at = 0; at < table.length; at += CHUNK.bytes) {
		if (!isInOrder(table, at, CHUNK.bytes, CHUNK.idBytes)) throw invalid('its chunks are not in order');
		const pack = packs[table.readUInt32LE(at + CHUNK.pack)];
		const offset = offsetAt(table, at);
		const frameBytes = table.readUInt32LE(at + CHUNK.frameBytes);
		const isInside =
			pack !== undefined && frameBytes > 0 && offset >= HEADER_BYTES && offset <= pack.sizeBytes - TRAILER_BYTES - frameBytes;
		if (!isInside) throw invalid(`its chunk ${at / CHUNK.bytes} lies outside of every pack`);
	}
}

/** Of a frame; one of 2^53 or more need not be exact, since it lies outside of every pack. */
function offsetAt(table: Buffer, at: number): number {
	return table.readUInt32LE(at + CHUNK.offset) + 2 ** 32 * table.readUInt32LE(at + CHUNK.offset + 4);
}

/** Each frame belongs to one chunk: of a pack's frames in the order of the pack, each ends before the next one begins. */
function checkOverlaps(table: Buffer): void {
	const packs = new Map<number, { readonly starts: number[]; readonly ends: number[] }>();
	for (let at = 0; at < table.length; at += CHUNK.bytes) {
		const pack = table.readUInt32LE(at + CHUNK.pack);
		const frames = packs.get(pack) ?? { starts: [], ends: [] };
		packs.set(pack, frames);
		const start = offsetAt(table, at);
		frames.starts.push(start);
		frames.ends.push(start + table.readUInt32LE(at + CHUNK.frameBytes));
	}
	for (const { starts, ends } of packs.values()) {
		// Sorted apart, which costs a tenth: where none overlap both are the order of the pack, and where some do an end comes after a start that follows it.
		const sorted = Float64Array.from(starts).sort();
		const overlap = Float64Array.from(ends)
			.sort()
			.some((end, frame) => end > (sorted[frame + 1] ?? Number.POSITIVE_INFINITY));
		if (overlap) throw invalid('two of its chunks overlap');
	}
}

/** Whether the line at `at` comes after the one before it in a table that is sorted by its first bytes. */
function isInOrder(table: Buffer, at: number, lineBytes: number, keyBytes: number): boolean {
	if (at === 0) return true;
	const before = at - lineBytes;
	const order = table.readUIntBE(before, START_BYTES) - table.readUIntBE(at, START_BYTES);
	return (order || table.compare(table, at, at + keyBytes, before, before + keyBytes)) < 0;
}

function checkPaths(table: Buffer, recordBytes: number): void {
	for (let at = 0; at < table.length; at += PATH.bytes) {
		if (!isInOrder(table, at, PATH.bytes, PATH.hashPartBytes)) throw invalid('its paths are not in order');
		const size = table.readUInt32LE(at + PATH.recordBytes);
		if (size > MAX_RECORD_BYTES || table.readUInt32LE(at + PATH.record) + size > recordBytes)
			throw invalid(`the record of its path ${at / PATH.bytes} lies outside, or is longer than any record`);
	}
}

class DecodedIndex implements StoreIndex {
	readonly storeDir: string;
	readonly pathCount: number;
	readonly packs: readonly Pack[];
	readonly #chunkTable: Buffer;
	readonly #pathTable: Buffer;
	readonly #records: Buffer;
	/** Base names by line: a path is referred to by many. */
	readonly #baseNames: string[] = [];

	constructor(head: IndexHead, packs: readonly Pack[], chunkTable: Buffer, pathTable: Buffer, records: Buffer) {
		this.storeDir = head.storeDir;
		this.pathCount = head.paths;
		this.packs = packs;
		this.#chunkTable = chunkTable;
		this.#pathTable = pathTable;
		this.#records = records;
	}

	path(hashPart: string): StoredPath | null {
		const line = this.#lineOf(hashPart);
		return line === null ? null : this.#pathAt(line);
	}

	mention(hashPart: string): Mention | null {
		const line = this.#lineOf(hashPart);
		if (line === null) return null;
		try {
			return parseMention(this.#recordText(line));
		} catch (error) {
			if (isCacheError(error, 'format-invalid')) return null;
			throw error;
		}
	}

	*hashParts(): Iterable<string> {
		for (let line = 0; line < this.pathCount; line++) yield this.#hashPartAt(line);
	}

	*paths(): Iterable<StoredPath> {
		for (let line = 0; line < this.pathCount; line++) {
			const path = this.#pathAt(line);
			if (path !== null) yield path;
		}
	}

	chunk(id: Uint8Array): Chunk | null {
		const line =
			id.length === CHUNK.idBytes ? find(this.#chunkTable, CHUNK.bytes, Buffer.from(id.buffer, id.byteOffset, id.length)) : null;
		return line === null ? null : this.#chunkAt(line);
	}

	#lineOf(hashPart: string): number | null {
		const key = Buffer.from(hashPart, 'latin1');
		return key.length === PATH.hashPartBytes ? find(this.#pathTable, PATH.bytes, key) : null;
	}

	#chunkAt(line: number): Chunk | null {
		const at = line * CHUNK.bytes;
		const row = this.#chunkTable.subarray(at, at + CHUNK.bytes);
		const pack = row.length < CHUNK.bytes ? undefined : this.packs[row.readUInt32LE(CHUNK.pack)];
		if (pack === undefined) return null;
		return {
			id: row.subarray(CHUNK.id, CHUNK.id + CHUNK.idBytes),
			narBytes: row.readUInt32LE(CHUNK.narBytes),
			pack,
			offset: offsetAt(row, 0),
			frameBytes: row.readUInt32LE(CHUNK.frameBytes),
			frameHash: row.subarray(CHUNK.frameHash, CHUNK.frameHash + CHUNK.frameHashBytes),
		};
	}

	#hashPartAt(line: number): string {
		return this.#pathTable.toString('latin1', line * PATH.bytes, line * PATH.bytes + PATH.hashPartBytes);
	}

	/** `null` for a record that does not describe a path. */
	#pathAt(line: number): StoredPath | null {
		try {
			const record = this.#recordAt(line);
			const info = this.#infoOf(this.#hashPartAt(line), record);
			const chunks = record.chunks.map((number) => this.#chunkAt(number));
			const whole = chunks.filter((chunk) => chunk !== null);
			const narBytes = whole.reduce((sum, chunk) => sum + chunk.narBytes, 0);
			const isWhole = whole.length === chunks.length && narBytes === info.narSizeBytes && narBytes > 0;
			if (!isWhole || checkContentAddress(info, this.storeDir) !== null) return null;
			return { info, chunks: whole, usedAt: record.used };
		} catch (error) {
			if (isCacheError(error, 'format-invalid')) return null;
			throw error;
		}
	}

	#recordAt(line: number): PathRecord {
		return parseRecord(this.#recordText(line));
	}

	#recordText(line: number): string {
		const at = line * PATH.bytes;
		const start = this.#pathTable.readUInt32LE(at + PATH.record);
		const end = start + this.#pathTable.readUInt32LE(at + PATH.recordBytes);
		return this.#records.toString('utf8', start, end);
	}

	#infoOf(hashPart: string, record: PathRecord): PathInfo {
		const narHash: Hash = { algorithm: 'sha256', digest: Buffer.from(record.narHash, 'hex') };
		const references = (record.refs ?? []).map((reference) => this.#full(this.#baseNameOf(reference))).sort();
		if (new Set(references).size < references.length) throw invalid('a path names a reference twice');
		return {
			path: this.#full(`${hashPart}-${record.name}`),
			narHash,
			narSizeBytes: record.narSize,
			references,
			deriver: record.deriver === undefined ? null : this.#full(record.deriver),
			signatures: record.sigs ?? [],
			ca: record.ca ?? null,
			ultimate: false,
		};
	}

	#full(baseName: string): string {
		return parseBaseName(baseName, this.storeDir).path;
	}

	#baseNameOf(reference: number | string): string {
		if (typeof reference === 'string') return reference;
		if (reference >= this.pathCount) throw invalid('a reference points nowhere');
		return (this.#baseNames[reference] ??= `${this.#hashPartAt(reference)}-${this.#recordAt(reference).name}`);
	}
}

/** The line whose first bytes are `key`, in a table that is sorted by them; `null` when there is none. */
function find(table: Buffer, lineBytes: number, key: Buffer): number | null {
	const start = key.readUIntBE(0, START_BYTES);
	let low = 0;
	let high = table.length / lineBytes;
	while (low < high) {
		const line = (low + high) >>> 1;
		const at = line * lineBytes;
		const order = table.readUIntBE(at, START_BYTES) - start || table.compare(key, 0, key.length, at, at + key.length);
		if (order === 0) return line;
		if (order < 0) low = line + 1;
		else high = line;
	}
	return null;
}

function invalid(problem: string, cause?: unknown): CacheError {
	return new CacheError('format-invalid', `This is not an index that can be read: ${problem}.`, { cause });
}
