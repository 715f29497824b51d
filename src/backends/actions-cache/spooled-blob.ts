import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CacheError, isCacheError } from '../../errors.ts';
import { abortError } from '../../waiting/cancel.ts';
import type { ByteRange } from '../path-reader.ts';
import { fileError } from './file-error.ts';

/** A whole blob on disk. Its file goes with the folder. */
export interface SpooledBlob {
	/** Throws `cache-invalid` when the blob is shorter. */
	read(range: ByteRange): Readable;
}

/** Fetches a blob whole, from the start again when it breaks off; `null` when it has gone. Throws `cache-failing` after `tries`. */
export async function spoolBlob(
	open: () => Promise<Readable | null>,
	folder: string,
	tries: number,
	signal: AbortSignal,
): Promise<SpooledBlob | null> {
	for (let left = tries; ; left--) {
		const stream = await open();
		if (stream === null) return null;
		try {
			return await written(stream, folder);
		} catch (error) {
			if (signal.aborted) throw abortError(signal, 'Reading from the Actions cache');
			if (isCacheError(error)) throw error;
			if (left <= 1)
				throw new CacheError('cache-failing', `An entry of the Actions cache broke off ${tries} times.`, { cause: error });
		}
	}
}

async function written(stream: Readable, folder: string): Promise<SpooledBlob> {
	const file = join(folder, randomBytes(8).toString('hex'));
	try {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		await pipeline(stream, createWriteStream(file, { mode: 0o600, flags: 'wx' }));
		const { size } = await stat(file);
		return { read: (range) => slice(file, size, range) };
	} catch (error) {
		stream.destroy();
		await rm(file, { force: true });
		throw fileError(error, file) ?? error;
	}
}

function slice(file: string, sizeBytes: number, { start, end }: ByteRange): Readable {
	if (end >= sizeBytes)
		throw new CacheError(
			'cache-invalid',
			`An entry of the Actions cache has ${sizeBytes} bytes and should have more than ${end}.`,
		);
	return createReadStream(file, { start, end });
}
