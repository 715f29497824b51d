import { createHash, hash as hashOf } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { DivisibleBody } from '../bodies/body.ts';
import { bodyOfFile } from '../bodies/in-file.ts';
import { bodyOfBytes } from '../bodies/in-memory.ts';
import { makeFolders } from '../bodies/make-folders.ts';
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
	/** Removes a folder of our own. */
	close(): Promise<void>;
}

/** Where bodies lie that are too large for memory. */
export type SpoolPlace =
	/**
	 * A folder of our own (mode 0700, made when first needed, removed at the end). A file loses its name right after it was opened, so nothing stays behind however
	 * the process ends.
	 */
	| { readonly kind: 'own'; readonly folder: string }
	/** The folder that the bodies are for, where they get their names without being copied. Until then files have names that `newName` gives, and the rights that others have there. */
	| { readonly kind: 'destination'; readonly folder: string; readonly newName: () => string };

/** A file that bodies are written to. */
interface SpoolFile {
	readonly file: FileHandle;
	/** As in `DivisibleBody`. */
	readonly moveTo: DivisibleBody['moveTo'];
	/** The body is done with, whatever became of it. */
	release(sizeBytes: number): Promise<void>;
	/** It was given up; a write may still be under way. */
	abandon(): Promise<void>;
	/** The disk is full: gives up what waits for the next body. Whether that was anything. */
	makeRoom(): Promise<boolean>;
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

/** Keeps small bodies in memory and large ones in files. */
export function createSpool(place: SpoolPlace, limits: SpoolLimits): Spool {
	const files = place.kind === 'own' ? ownFiles(place.folder) : filesOfDestination(place.folder, place.newName);
	let reservedBytes = 0;
	return {
		async open(expectedBytes, label) {
			if (expectedBytes > limits.bodyBytes || reservedBytes + expectedBytes > limits.totalBytes) {
				const explain = (error: unknown) => fileError(error, place.folder, label);
				const file = await files.open().catch((error: unknown) => {
					throw explain(error);
				});
				return fileWriter(file, explain);
			}
			reservedBytes += expectedBytes;
			return memoryWriter((bytes) => {
				reservedBytes -= expectedBytes - bytes;
				return () => {
					reservedBytes -= bytes;
				};
			});
		},
		close: files.close,
	};
}

interface SpoolFiles {
	open(): Promise<SpoolFile>;
	close(): Promise<void>;
}

function ownFiles(folder: string): SpoolFiles {
	const spare: (SpoolFile & { sizeBytes: number })[] = [];
	let count = 0;
	let closed = false;
	let made: Promise<unknown> | null = null;

	async function closeSpare(): Promise<boolean> {
		const closing = spare.splice(0);
		await Promise.all(closing.map(({ file }) => file.close()));
		return closing.length > 0;
	}

	async function openFile(): Promise<FileHandle> {
		try {
			made ??= mkdir(folder, { recursive: true, mode: 0o700 });
			await made;
			const path = join(folder, `${process.pid}-${count++}`);
			const file = await open(path, 'wx+', 0o600);
			await unlink(path).catch(async (error: unknown) => {
				await file.close();
				throw error;
			});
			return file;
		} catch (error) {
			made = null;
			throw error;
		}
	}

	return {
		async open() {
			const used = spare.pop();
			if (used !== undefined) return used;
			const file = await openFile();
			const opened = {
				file,
				moveTo: null,
				/** All that it takes on disk. */
				sizeBytes: 0,
				async release(sizeBytes: number) {
					opened.sizeBytes = Math.max(opened.sizeBytes, sizeBytes);
					if (closed || opened.sizeBytes > SPARE_BYTES) await file.close();
					else spare.push(opened);
				},
				// No spare file: a write of the encoder that was aborted may still be under way, and would go into the next body.
				abandon: () => file.close(),
				makeRoom: closeSpare,
			};
			return opened;
		},
		async close() {
			closed = true;
			await closeSpare();
			// The files in it have no names any more; an empty folder that stays is no reason to lose the report.
			if (made !== null) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
		},
	};
}

function filesOfDestination(folder: string, newName: () => string): SpoolFiles {
	return {
		async open() {
			await makeFolders(folder);
			const path = join(folder, newName());
			const file = await open(path, 'wx+');
			let isMoved = false;
			const drop = async (): Promise<void> => {
				if (isMoved) return;
				// An error of the disk's that comes with it says nothing about what nobody wants any more.
				await file.close().catch(() => undefined);
				await rm(path, { force: true }).catch(() => undefined);
			};
			return {
				file,
				async moveTo(target) {
					// A share may say only now that there was no room, and nobody may see the file before.
					await file.close();
					await rename(path, target);
					isMoved = true;
				},
				release: drop,
				abandon: drop,
				makeRoom: async () => false,
			};
		},
		close: async () => undefined,
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
	{ file, moveTo, release, abandon, makeRoom }: SpoolFile,
	explain: (error: unknown) => CacheError,
): SpoolWriter {
	const hash = createHash('sha256');
	let sizeBytes = 0;
	let isOpen = true;
	return {
		async write(bytes) {
			hash.update(bytes);
			for (let at = 0; at < bytes.length; ) {
				try {
					const { bytesWritten } = await file.write(bytes, at, bytes.length - at, sizeBytes + at);
					at += bytesWritten;
				} catch (error) {
					if (!(isFull(error) && (await makeRoom()))) throw explain(error);
				}
			}
			sizeBytes += bytes.length;
		},
		async finish() {
			isOpen = false;
			return {
				body: bodyOfFile(file, sizeBytes, moveTo),
				sha256: { algorithm: 'sha256', digest: hash.digest() },
				dispose: once(() => release(sizeBytes)),
			};
		},
		async discard() {
			if (!isOpen) return;
			isOpen = false;
			await abandon();
		},
	};
}

function sha256(bytes: Uint8Array): Hash {
	return { algorithm: 'sha256', digest: hashOf('sha256', bytes, 'buffer') };
}

function once(action: () => Promise<void>): () => Promise<void> {
	let done: Promise<void> | null = null;
	return () => (done ??= action());
}

function isFull(error: unknown): boolean {
	return ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
}

function fileError(error: unknown, folder: string, label: string): CacheError {
	if (isFull(error)) {
		return new CacheError('disk-full', `No space left in ${folder} to pack ${label}.`, {
			hint: 'Free space on that disk, lower `concurrency`, or leave the path out with `max-path-size` or `exclude`.',
			cause: error,
		});
	}
	return new CacheError('file-failed', `Writing a temporary file in ${folder} failed (${systemCode(error) ?? String(error)}).`, {
		cause: error,
	});
}
