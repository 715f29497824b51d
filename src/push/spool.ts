import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { DivisibleBody } from '../bodies/body.ts';
import { bodyOfFile } from '../bodies/in-file.ts';
import { bodyOfBytes } from '../bodies/in-memory.ts';
import { CacheError, systemCode } from '../errors.ts';
import type { Hash } from '../nix/hash.ts';

/** Packed bytes at rest. */
export interface Spooled {
	readonly body: DivisibleBody;
	readonly sha256: Hash;
	dispose(): Promise<void>;
}

/** Takes bytes one write after another, and ends as `Spooled` or as nothing. */
export interface SpoolWriter {
	/** The bytes are read before it resolves and may be reused then. Throws `disk-full` or `file-failed`. */
	write(bytes: Uint8Array): Promise<void>;
	finish(): Promise<Spooled>;
	/** Drops what was written. After `finish`: nothing. */
	discard(): Promise<void>;
}

export interface Spool {
	/** `expectedBytes` decides between memory and a file; `label` is for messages. */
	open(expectedBytes: number, label: string): Promise<SpoolWriter>;
	/** Removes the folder, if there is one. */
	close(): Promise<void>;
}

/** A file that may have held other bodies before. */
interface SpoolFile {
	readonly file: FileHandle;
	/** All that it takes on disk. */
	sizeBytes: number;
}

/**
 * The file of a finished body that is done with is written over by the next one: half the time of a new one, and far less where the system has to find
 * memory for that. Not so with larger ones than this, for the room on disk.
 */
const SPARE_BYTES = 256 * 1024 * 1024;

/** What one body may take in memory, and all of them. */
export interface SpoolLimits {
	readonly bodyBytes: number;
	readonly totalBytes: number;
}

/**
 * Keeps small bodies in memory and large ones in files of `folder` (mode 0700, made when first needed). A file loses its name right
 * after it was opened, so nothing stays behind however the process ends.
 */
export function createSpool(folder: string, limits: SpoolLimits): Spool {
	let reservedBytes = 0;
	let fileCount = 0;
	let closed = false;
	let made: Promise<unknown> | null = null;
	const spare: SpoolFile[] = [];

	async function openFile(label: string): Promise<SpoolWriter> {
		const used = spare.pop();
		if (used !== undefined) return fileWriter(used, (error) => fileError(error, folder, label), release);
		try {
			made ??= mkdir(folder, { recursive: true, mode: 0o700 });
			await made;
			const path = join(folder, `${process.pid}-${fileCount++}`);
			const file = await open(path, 'wx+', 0o600);
			await unlink(path).catch(async (error: unknown) => {
				await file.close();
				throw error;
			});
			return fileWriter({ file, sizeBytes: 0 }, (error) => fileError(error, folder, label), release);
		} catch (error) {
			made = null;
			throw fileError(error, folder, label);
		}
	}

	async function release(used: SpoolFile): Promise<void> {
		if (closed || used.sizeBytes > SPARE_BYTES) await used.file.close();
		else spare.push(used);
	}

	return {
		async open(expectedBytes, label) {
			if (expectedBytes > limits.bodyBytes || reservedBytes + expectedBytes > limits.totalBytes) return openFile(label);
			reservedBytes += expectedBytes;
			return memoryWriter((bytes) => {
				reservedBytes -= expectedBytes - bytes;
				return () => {
					reservedBytes -= bytes;
				};
			});
		},
		async close() {
			closed = true;
			await Promise.all(spare.splice(0).map(({ file }) => file.close()));
			// The files in it have no names any more; an empty folder that stays is no reason to lose the report.
			if (made !== null) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
		},
	};
}

/** `settle` is told once how much memory it came to, and answers with what gives that back. */
function memoryWriter(settle: (bytes: number) => () => void): SpoolWriter {
	const parts: Uint8Array[] = [];
	let isOpen = true;
	return {
		async write(bytes) {
			// Not `slice`, which copies nothing of a Buffer.
			parts.push(new Uint8Array(bytes));
		},
		async finish() {
			isOpen = false;
			const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
			const release = settle(bytes.length);
			return { body: bodyOfBytes(bytes), sha256: sha256(bytes), dispose: once(async () => release()) };
		},
		async discard() {
			if (isOpen) settle(0)();
			isOpen = false;
		},
	};
}

function fileWriter(
	used: SpoolFile,
	explain: (error: unknown) => CacheError,
	release: (used: SpoolFile) => Promise<void>,
): SpoolWriter {
	const { file } = used;
	const hash = createHash('sha256');
	let sizeBytes = 0;
	let isOpen = true;
	return {
		async write(bytes) {
			hash.update(bytes);
			try {
				for (let at = 0; at < bytes.length; ) {
					const { bytesWritten } = await file.write(bytes, at, bytes.length - at, sizeBytes + at);
					at += bytesWritten;
				}
			} catch (error) {
				throw explain(error);
			}
			sizeBytes += bytes.length;
			used.sizeBytes = Math.max(used.sizeBytes, sizeBytes);
		},
		async finish() {
			isOpen = false;
			return {
				body: bodyOfFile(file, sizeBytes),
				sha256: { algorithm: 'sha256', digest: hash.digest() },
				dispose: once(() => release(used)),
			};
		},
		async discard() {
			if (!isOpen) return;
			isOpen = false;
			// No spare file: a write of the encoder that was aborted may still be under way, and would go into the next body.
			await file.close();
		},
	};
}

function sha256(bytes: Uint8Array): Hash {
	return { algorithm: 'sha256', digest: createHash('sha256').update(bytes).digest() };
}

function once(action: () => Promise<void>): () => Promise<void> {
	let done: Promise<void> | null = null;
	return () => (done ??= action());
}

function fileError(error: unknown, folder: string, label: string): CacheError {
	const code = systemCode(error);
	if (code === 'ENOSPC' || code === 'EDQUOT') {
		return new CacheError('disk-full', `No space left in ${folder} to pack ${label}.`, {
			hint: 'Free space on that disk, lower `concurrency`, or leave the path out with `max-path-size` or `exclude`.',
			cause: error,
		});
	}
	return new CacheError('file-failed', `Writing a temporary file in ${folder} failed (${code ?? String(error)}).`, {
		cause: error,
	});
}
