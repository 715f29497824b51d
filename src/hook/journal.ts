import { type FileHandle, open, readFile } from 'node:fs/promises';
import { CacheError, systemCode } from '../errors.ts';
import { writePrivateFile } from '../setup/private-file.ts';
import { type JournalLine, LINE_LIMIT_BYTES, parseJournalLine } from './record.ts';

/** One build, or a part of its outputs. */
export interface JournalRecord {
	/** Full path of the derivation. */
	readonly drvPath: string | null;
	/** Full paths; empty when neither Nix nor the derivation's file says them. Whether they are valid, only Nix knows. */
	readonly outPaths: readonly string[];
	/** When it was built, or 0. */
	readonly timeMs: number;
}

export interface JournalOptions {
	/** What the post-build hook appends to. */
	readonly file: string;
	/** Where `keep` writes how far the journal was dealt with; `null`: nowhere, and it is read from its beginning. */
	readonly stateFile: string | null;
	readonly storeDir: string;
	/** What a derivation builds, where Nix does not tell the hook. */
	readonly outputsOf: (drvPath: string) => Promise<readonly string[]>;
}

/** What one call read. */
export interface JournalBatch {
	/** Not more than some thousand. */
	readonly records: readonly JournalRecord[];
	/** Remembers that these and all before them are dealt with: a reader that is opened later goes on behind them. Throws `disk-full`, `file-failed`. */
	keep(): Promise<void>;
}

/** A reader of the journal. Its calls are made one after another. */
export interface Journal {
	/**
	 * What came since the last call, in order, each output once. No records: there are no more now. A line is read when it has its end; lines that are none of
	 * the hook's are left out. A file that is not there has no records. Throws `file-failed`.
	 */
	read(): Promise<JournalBatch>;
}

const CHUNK_BYTES = 256 * 1024;
/** More than 100,000 builds. Beyond that somebody else fills it. */
const JOURNAL_LIMIT_BYTES = 32 * 1024 * 1024;

/** Opens a journal where a reader before this one came to. Throws `file-failed`. */
export async function openJournal({ file, stateFile, storeDir, outputsOf }: JournalOptions): Promise<Journal> {
	let offsetBytes = stateFile === null ? 0 : await readOffset(stateFile);
	const seen = new Set<string>();
	const isNew = (key: string): boolean => seen.size < seen.add(key).size;
	const batchOf = (records: readonly JournalRecord[]): JournalBatch => {
		const upToBytes = offsetBytes;
		return {
			records,
			async keep() {
				if (stateFile !== null) await writePrivateFile(stateFile, JSON.stringify({ version: 1, offsetBytes: upToBytes }));
			},
		};
	};
	return {
		async read() {
			for (;;) {
				const chunk = await readChunk(file, offsetBytes);
				const wholeBytes = wholeLinesBytes(chunk);
				if (wholeBytes === 0) return batchOf([]);
				offsetBytes += wholeBytes;
				const lines = chunk.toString('latin1', 0, wholeBytes).split('\n');
				const fresh = lines
					.map((line) => parseJournalLine(line, storeDir))
					.filter((line) => line !== null)
					.filter(({ drvPath, outPath }) => isNew(outPath ?? drvPath ?? ''));
				if (fresh.length > 0) {
					return batchOf(await Promise.all(grouped(fresh).map((record) => withOutputs(record, outputsOf, isNew))));
				}
			}
		},
	};
}

/** Up to the end of the last line that has one. What is too long for a line is let go without. */
function wholeLinesBytes(chunk: Buffer): number {
	const end = chunk.lastIndexOf('\n') + 1;
	return end === 0 && chunk.byteLength > LINE_LIMIT_BYTES ? chunk.byteLength : end;
}

/** Lines that follow each other and are about one derivation come from one run of the hook. */
function grouped(lines: readonly JournalLine[]): readonly JournalRecord[] {
	const records: { drvPath: string | null; outPaths: string[]; timeMs: number }[] = [];
	for (const { drvPath, outPath, timeMs } of lines) {
		const last = records.at(-1);
		const outPaths = outPath === null ? [] : [outPath];
		if (last !== undefined && drvPath !== null && last.drvPath === drvPath) last.outPaths.push(...outPaths);
		else records.push({ drvPath, outPaths, timeMs });
	}
	return records;
}

async function withOutputs(
	record: JournalRecord,
	outputsOf: JournalOptions['outputsOf'],
	isNew: (path: string) => boolean,
): Promise<JournalRecord> {
	if (record.outPaths.length > 0 || record.drvPath === null) return record;
	return { ...record, outPaths: (await outputsOf(record.drvPath)).filter(isNew) };
}

async function readChunk(file: string, offsetBytes: number): Promise<Buffer> {
	if (offsetBytes > JOURNAL_LIMIT_BYTES) return Buffer.alloc(0);
	let handle: FileHandle | null = null;
	try {
		handle = await open(file);
		const { buffer, bytesRead } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, offsetBytes);
		return buffer.subarray(0, bytesRead);
	} catch (cause) {
		const code = systemCode(cause) ?? 'unknown';
		if (code === 'ENOENT') return Buffer.alloc(0);
		throw new CacheError('file-failed', `The journal of builds ${file} can't be read (${code}).`, { cause });
	} finally {
		await handle?.close();
	}
}

/** From the beginning when nothing was kept, or it is damaged: twice is harmless. */
async function readOffset(stateFile: string): Promise<number> {
	let text: string;
	try {
		text = await readFile(stateFile, 'latin1');
	} catch (cause) {
		const code = systemCode(cause) ?? 'unknown';
		if (code === 'ENOENT') return 0;
		throw new CacheError('file-failed', `${stateFile} can't be read (${code}).`, { cause });
	}
	const offset = /^\{"version":1,"offsetBytes":(\d{1,15})\}$/.exec(text)?.[1];
	return offset === undefined ? 0 : Number(offset);
}
