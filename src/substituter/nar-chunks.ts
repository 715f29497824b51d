import type { Readable } from 'node:stream';
import type { ByteRange, NarBytes } from '../backends/path-reader.ts';
import { CacheError } from '../errors.ts';

export interface NarChunksOptions {
	/** Opens the rest again after a failure, with its own limit on time. */
	readonly reopen: (rest: ByteRange) => Promise<NarBytes>;
	/** How often that is tried for one NAR. */
	readonly maxResumes: number;
	/** The longest wait for the next bytes of the reader. The client may take its time. */
	readonly stallMs: number;
	/** Ends it at once. */
	readonly signal: AbortSignal;
	/** Called for each failure that is survived. */
	readonly onResume: (error: unknown) => void;
}

/**
 * Exactly the bytes of `first.range`, taken up again where the reader failed. Throws when it fails too often, when it gives more bytes than it said, or
 * `cancelled`. The stream that is being read is closed when the generator ends, whoever ends it.
 */
export async function* narChunks(first: NarBytes, options: NarChunksOptions): AsyncGenerator<Uint8Array, void, void> {
	const { end } = first.range;
	let offset = first.range.start;
	let source = watch(first.stream, options);
	try {
		for (let resumes = 0; offset <= end; ) {
			const next = await source.next().then(chunkOrEnd, failed);
			if (next instanceof Uint8Array) {
				offset += next.length;
				if (offset > end + 1)
					throw new CacheError('cache-invalid', `The NAR is longer than the ${first.totalBytes} bytes that it has.`);
				yield next;
				continue;
			}
			source.close();
			if (options.signal.aborted || resumes++ >= options.maxResumes) throw next.error;
			options.onResume(next.error);
			source = watch((await options.reopen({ start: offset, end })).stream, options);
		}
		// Read to its end, the reader's connection can be used again. There is nothing left to spoil.
		await source.drain();
	} finally {
		source.close();
	}
}

/** All bytes of a NAR whose length nobody knows. Where the reader fails it can't be taken up again; otherwise as `narChunks`. */
export async function* unmeasuredChunks(
	stream: Readable,
	options: Pick<NarChunksOptions, 'stallMs' | 'signal'>,
): AsyncGenerator<Uint8Array, void, void> {
	const source = watch(stream, options);
	try {
		for (let next = await source.next(); next !== null; next = await source.next()) yield next;
	} finally {
		source.close();
	}
}

/** The client has all bytes by then, but its next request on the same connection waits. */
const DRAIN_MS = 100;

interface Failed {
	readonly error: unknown;
}

function chunkOrEnd(chunk: Uint8Array | null): Uint8Array | Failed {
	return chunk ?? { error: new CacheError('cache-invalid', 'The NAR ended before its end.') };
}

function failed(error: unknown): Failed {
	return { error };
}

interface Watched {
	/** `null` at the end. Settles in time, whatever the stream does. */
	next(): Promise<Uint8Array | null>;
	/** Waits a moment for the end. */
	drain(): Promise<void>;
	close(): void;
}

function watch(stream: Readable, { stallMs, signal }: Pick<NarChunksOptions, 'stallMs' | 'signal'>): Watched {
	// It may fail when nobody waits for it any more.
	stream.on('error', () => undefined);
	const iterator: AsyncIterator<unknown> = stream[Symbol.asyncIterator]();
	let giveUp: (error: CacheError) => void = () => undefined;
	const timer = setTimeout(
		() => giveUp(new CacheError('cache-stalled', `No byte of the NAR came within ${stallMs} ms.`)),
		stallMs,
	);
	const cancelled = (): void => {
		giveUp(new CacheError('cancelled', 'The NAR is not wanted any more.'));
		stream.destroy();
	};
	signal.addEventListener('abort', cancelled, { once: true });
	const next = async (): Promise<Uint8Array | null> => {
		// A promise of its own for each chunk: racing against one that lives as long as the NAR would keep something of every chunk.
		const { done, value } = await new Promise<IteratorResult<unknown>>((resolve, reject) => {
			giveUp = reject;
			timer.refresh();
			if (signal.aborted) cancelled();
			iterator.next().then(resolve, reject);
		});
		if (done === true) return null;
		if (value instanceof Uint8Array) return value;
		throw new CacheError('internal', 'The NAR did not come as bytes.');
	};
	return {
		next,
		async drain() {
			const impatience = setTimeout(() => giveUp(new CacheError('cache-stalled', 'The NAR does not end.')), DRAIN_MS);
			await next().catch(() => undefined);
			clearTimeout(impatience);
		},
		close() {
			clearTimeout(timer);
			signal.removeEventListener('abort', cancelled);
			stream.destroy();
		},
	};
}
