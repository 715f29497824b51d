import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectBody } from '../../bodies/body.ts';
import { bodyOfFile } from '../../bodies/in-file.ts';
import { CacheError, systemCode } from '../../errors.ts';

/** Takes frames one after another, and ends as a pack or as nothing. */
export interface PackFile {
	/** The header and all frames, also those that are still to be written. */
	readonly sizeBytes: number;
	/** Why it takes no more frames; `null` when it does. */
	readonly failure: CacheError | null;
	/**
	 * Gives the frame's offset when it has been written; `frame` is read until then. The place is taken at once, so calls need not wait for each other.
	 * Throws `disk-full` or `file-failed`, from then on always.
	 */
	append(frame: Uint8Array): Promise<number>;
	/** Ends the pack, after a failure with the frames that had been written before; `null` when there are none. Throws as `append` does. */
	finish(trailer: (sizeBytes: number, frames: number) => Uint8Array): Promise<FinishedPack | null>;
	/** Closes the file, for the finished pack too. */
	close(): Promise<void>;
}

/** A pack that waits to be uploaded. */
export interface FinishedPack {
	/** Can be read until the file is closed. */
	readonly body: ObjectBody;
	readonly frames: number;
	/** Lets go of the file, and of its space on the disk: it had lost its name before. */
	close(): Promise<void>;
}

/** One append that is to be written. */
interface Pending {
	readonly frame: Uint8Array;
	readonly resolve: () => void;
	readonly reject: (error: CacheError) => void;
}

/** What one system call takes; the system's limit is 1024. */
const PARTS_PER_WRITE = 256;

/**
 * Begins a pack with `header` in a file of `folder` (made when missing, mode 0700). The file (0600) loses its name right after it was opened, so nothing
 * stays behind however the process ends.
 */
export function createPackFile(folder: string, header: Uint8Array): PackFile {
	const opened = begin(folder, header);
	opened.catch(() => {});
	const waiting: Pending[] = [];
	let reservedBytes = header.length;
	let writtenBytes = header.length;
	let frames = 0;
	let failure: CacheError | null = null;
	let writing: Promise<void> | null = null;
	let closed: Promise<void> | null = null;

	async function write(parts: readonly Uint8Array[]): Promise<void> {
		try {
			await writeAll(await opened, parts, writtenBytes);
		} catch (error) {
			throw fileError(error, folder);
		}
		for (const part of parts) writtenBytes += part.length;
	}

	/** While one write is under way the next frames gather, and go together. */
	async function writeWaiting(): Promise<void> {
		while (waiting.length > 0) {
			const batch = waiting.splice(0, PARTS_PER_WRITE);
			try {
				if (failure !== null) throw failure;
				await write(batch.map(({ frame }) => frame));
				frames += batch.length;
				for (const { resolve } of batch) resolve();
			} catch (error) {
				failure = fileError(error, folder);
				for (const { reject } of batch) reject(failure);
			}
		}
		writing = null;
	}

	const close = (): Promise<void> => (closed ??= Promise.resolve(writing).then(() => closeFile(opened)));

	return {
		get sizeBytes() {
			return reservedBytes;
		},
		get failure() {
			return failure;
		},
		async append(frame) {
			if (failure !== null) throw failure;
			const offset = reservedBytes;
			reservedBytes += frame.length;
			await new Promise<void>((resolve, reject) => {
				waiting.push({ frame, resolve, reject });
				writing ??= writeWaiting();
			});
			return offset;
		},
		async finish(trailer) {
			await writing;
			if (frames === 0) return null;
			const file = await opened;
			try {
				// Without what a write that failed left behind.
				await file.truncate(writtenBytes);
			} catch (error) {
				throw fileError(error, folder);
			}
			await write([trailer(writtenBytes, frames)]);
			return { body: bodyOfFile(file, writtenBytes), frames, close };
		},
		close,
	};
}

async function begin(folder: string, header: Uint8Array): Promise<FileHandle> {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const path = join(folder, `pack-${process.pid}-${++lastFile}`);
	const file = await open(path, 'wx+', 0o600);
	try {
		await unlink(path);
		await writeAll(file, [header], 0);
		return file;
	} catch (error) {
		await file.close();
		throw error;
	}
}

async function closeFile(opened: Promise<FileHandle>): Promise<void> {
	const file = await opened.catch(() => null);
	await file?.close();
}

let lastFile = 0;

async function writeAll(file: FileHandle, parts: readonly Uint8Array[], position: number): Promise<void> {
	let at = position;
	let rest = parts.filter((part) => part.length > 0);
	while (rest.length > 0) {
		const { bytesWritten } = await file.writev(rest, at);
		at += bytesWritten;
		rest = without(rest, bytesWritten);
	}
}

/** What is left of `parts` after their first `bytes` bytes. */
function without(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
	let left = bytes;
	return parts.flatMap((part) => {
		const dropped = Math.min(left, part.length);
		left -= dropped;
		return dropped === part.length ? [] : [part.subarray(dropped)];
	});
}

function fileError(error: unknown, folder: string): CacheError {
	if (error instanceof CacheError) return error;
	const code = systemCode(error);
	if (code === 'ENOSPC' || code === 'EDQUOT') {
		return new CacheError('disk-full', `No space left in ${folder} for the pack that goes into the Actions cache.`, {
			hint: 'Free space on that disk, or leave large paths out with `max-path-size` or `exclude`.',
			cause: error,
		});
	}
	return new CacheError('file-failed', `Writing a pack in ${folder} failed (${code ?? String(error)}).`, { cause: error });
}
