import { createHash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { CacheError } from '../../../errors.ts';
import { digestText } from '../../../nix/hash.ts';
import { baseNameOf, hashPartOf } from '../../../nix/store-path.ts';
import { placeOf } from './frame-use.ts';
import {
	CHUNK,
	INDEX_MAGIC,
	INDEX_VERSION,
	type IndexHead,
	MAX_BODY_BYTES,
	MAX_HEAD_BYTES,
	MAX_RECORD_BYTES,
	MAX_WRITER_CHARS,
	PATH,
	type PackRecord,
	type PathRecord,
	PREFIX,
	PREFIX_BYTES,
} from './index-layout.ts';
import type { Chunk, IndexHeader, Pack, StoredPath, StoreIndex } from './model.ts';

/** The index as bytes. Packs that no path needs are left out, and so are their chunks. Throws `cache-too-large`. */
export function encodeIndex(header: IndexHeader, index: StoreIndex): Buffer {
	return indexEncoder(index)(header);
}

/** As `encodeIndex`, for an index that is written under one number after another until one is free: nearly all of the work is done once. */
export function indexEncoder(index: StoreIndex): (header: IndexHeader) => Buffer {
	const paths = [...index.paths()].sort((a, b) => byText(hashPartOf(a.info.path), hashPartOf(b.info.path)));
	const chunks = chunksOf(paths, index);
	const packs = packsOf(chunks.list);
	const [pathTable, records] = pathTables(paths, chunks.lineOf);
	const tables = [chunkTable(chunks.list, packs.lineOf), pathTable, ...records];
	const contents = {
		storeDir: index.storeDir,
		packs: packs.list.map(recordOfPack),
		chunks: chunks.list.length,
		paths: paths.length,
	};
	return ({ slot, openSlots, createdAt, writer }) => {
		const head: IndexHead = { slot, openSlots, createdAt, writer: plain(writer), ...contents };
		const headBytes = Buffer.from(JSON.stringify(head), 'utf8');
		const headSize = Buffer.alloc(4);
		headSize.writeUInt32LE(headBytes.length);
		const body = Buffer.concat([headSize, headBytes, ...tables]);
		if (headBytes.length > MAX_HEAD_BYTES || body.length > MAX_BODY_BYTES)
			throw new CacheError('cache-too-large', `An index of ${paths.length} paths in ${packs.list.length} packs is too large.`);
		return Buffer.concat([prefixOf(body), zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })]);
	};
}

function recordOfPack({ key, sizeBytes, createdAt }: Pack): PackRecord {
	return { key, sizeBytes, createdAt };
}

/** For one line of a log. */
function plain(writer: string): string {
	return writer.replaceAll(/\p{Cc}/gu, ' ').slice(0, MAX_WRITER_CHARS);
}

/** A list, and where each of its items is. */
interface Lines<T> {
	readonly list: readonly T[];
	readonly lineOf: (item: T) => number;
}

/** Each once. Where two jobs stored one, the place is that of the index and not of whatever path comes last: its pack may have gone unnoticed. */
function chunksOf(paths: readonly StoredPath[], index: StoreIndex): Lines<Chunk> {
	const byId = new Map(paths.flatMap(({ chunks }) => chunks.map((chunk) => [idText(chunk), chunk] as const)));
	const sorted = [...byId].sort(([a], [b]) => byText(a, b));
	const lines = new Map(sorted.map(([id], line) => [id, line]));
	return { list: sorted.map(([, chunk]) => placeOf(index, chunk)), lineOf: (chunk) => lines.get(idText(chunk)) ?? 0 };
}

function packsOf(chunks: readonly Chunk[]): Lines<Pack> {
	const byKey = new Map(chunks.map(({ pack }) => [pack.key, pack]));
	const lines = new Map([...byKey.keys()].map((key, line) => [key, line]));
	return { list: [...byKey.values()], lineOf: ({ key }) => lines.get(key) ?? 0 };
}

function chunkTable(chunks: readonly Chunk[], packLine: (pack: Pack) => number): Buffer {
	const table = Buffer.alloc(chunks.length * CHUNK.bytes);
	for (const [line, chunk] of chunks.entries()) {
		const at = line * CHUNK.bytes;
		table.set(chunk.id, at + CHUNK.id);
		table.writeUInt32LE(packLine(chunk.pack), at + CHUNK.pack);
		table.writeBigUInt64LE(BigInt(chunk.offset), at + CHUNK.offset);
		table.writeUInt32LE(chunk.narBytes, at + CHUNK.narBytes);
		table.writeUInt32LE(chunk.frameBytes, at + CHUNK.frameBytes);
		table.set(chunk.frameHash, at + CHUNK.frameHash);
	}
	return table;
}

function pathTables(paths: readonly StoredPath[], chunkLine: (chunk: Chunk) => number): readonly [Buffer, readonly Buffer[]] {
	const lines = new Map(paths.map(({ info }, line) => [info.path, line]));
	const table = Buffer.alloc(paths.length * PATH.bytes);
	let offset = 0;
	const records = paths.map((path, line) => {
		const record = Buffer.from(JSON.stringify(recordOf(path, lines, chunkLine)), 'utf8');
		// Without a record it is not there, as for a record that nobody would read.
		const bytes = record.length > MAX_RECORD_BYTES ? Buffer.alloc(0) : record;
		const at = line * PATH.bytes;
		table.write(hashPartOf(path.info.path), at + PATH.hashPart, 'latin1');
		table.writeUInt32LE(offset, at + PATH.record);
		table.writeUInt32LE(bytes.length, at + PATH.recordBytes);
		offset += bytes.length;
		return bytes;
	});
	return [table, records];
}

function recordOf(
	{ info, chunks, usedAt }: StoredPath,
	lines: ReadonlyMap<string, number>,
	chunkLine: (chunk: Chunk) => number,
): PathRecord {
	return {
		name: baseNameOf(info.path).slice(PATH.hashPartBytes + 1),
		narHash: digestText(info.narHash, 'hex'),
		narSize: info.narSizeBytes,
		...(info.references.length === 0 ? {} : { refs: info.references.map((path) => lines.get(path) ?? baseNameOf(path)) }),
		...(info.deriver === null ? {} : { deriver: baseNameOf(info.deriver) }),
		...(info.signatures.length === 0 ? {} : { sigs: info.signatures }),
		...(info.ca === null ? {} : { ca: info.ca }),
		used: usedAt,
		chunks: chunks.map(chunkLine),
	};
}

function prefixOf(body: Buffer): Buffer {
	const prefix = Buffer.alloc(PREFIX_BYTES);
	prefix.write(INDEX_MAGIC, 'latin1');
	prefix.writeUInt32LE(INDEX_VERSION, PREFIX.version);
	prefix.writeBigUInt64LE(BigInt(body.length), PREFIX.bodyBytes);
	prefix.set(createHash('sha256').update(body).digest(), PREFIX.sha256);
	return prefix;
}

/** One character a byte, so that texts sort as the bytes do. */
function idText({ id }: Chunk): string {
	return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
}

function byText(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
