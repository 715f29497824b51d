import { Readable } from 'node:stream';
import type { ByteRange, NarBytes, PathReader, UnmeasuredNar } from '../backends/path-reader.ts';
import { CacheError, isCacheError } from '../errors.ts';
import type { NarAddress } from './nar-address.ts';
import { narChunks, unmeasuredChunks } from './nar-chunks.ts';
import type { Outage } from './outage.ts';
import type { MountCounters } from './statistics.ts';
import type { Trouble } from './trouble.ts';
import { withinLimit } from './within-limit.ts';

export interface NarOptions {
	readonly reader: PathReader;
	/** The longest wait for the first byte, and after a failure for the next one. */
	readonly startMs: number;
	/** The longest wait from one byte to the next. */
	readonly stallMs: number;
	readonly maxResumes: number;
	readonly outage: Outage;
	readonly trouble: Trouble;
	readonly counters: Pick<MountCounters, 'narBegun' | 'narResumed' | 'narCut' | 'narBytes'>;
}

export interface OpenNar {
	/** `null`: nobody knows, and `body` gives all of it. */
	readonly totalBytes: number | null;
	/** What `body` gives; `null`: the NAR ends before the range begins, or its length is not known. */
	readonly range: ByteRange | null;
	/** Fails when the rest can't be had. */
	readonly body: Readable;
}

/** Opens a NAR whose first byte is there; `null` when it is not there or can't be had. Never throws. `signal` ends the body, too. */
export type NarAnswers = (address: NarAddress, asked: ByteRange | null, signal: AbortSignal) => Promise<OpenNar | null>;

export function createNarAnswers(options: NarOptions): NarAnswers {
	const { outage, trouble, counters } = options;
	return async (address, asked, signal) => {
		const doing = `NAR of ${address.hashPart}`;
		if (outage.isOn()) return null;
		const closed = new AbortController();
		try {
			const limit = { limitMs: options.startMs, signal: AbortSignal.any([signal, closed.signal]), doing };
			const nar = await withinLimit(limit, (within) => begin(address, asked, within, options));
			outage.succeeded();
			if (nar === null) return null;
			const { totalBytes, range, chunks } = nar;
			if (chunks === null) return { totalBytes, range, body: Readable.from([]) };
			counters.narBegun(address.hashPart);
			const body = Readable.from(counted(chunks, doing, options), { objectMode: false });
			// A body that is destroyed before it was read never runs the generator that would close what is behind.
			body.once('close', () => closed.abort());
			return { totalBytes, range, body };
		} catch (error) {
			outage.failed(error);
			trouble(error, doing);
			return null;
		}
	};
}

interface Begun extends Pick<OpenNar, 'totalBytes' | 'range'> {
	/** `null`: there is nothing to read. */
	readonly chunks: Chunks | null;
}

interface Chunks {
	readonly first: Uint8Array;
	readonly rest: AsyncGenerator<Uint8Array, void, void>;
}

/** Waits for the first bytes, so that what fails at once can still be a 404. */
async function begin(
	address: NarAddress,
	asked: ByteRange | null,
	signal: AbortSignal,
	options: NarOptions,
): Promise<Begun | null> {
	const url = address.readerUrl;
	const nar = await options.reader.openNar(url, asked, signal);
	if (nar === null) return null;
	if (nar.totalBytes === null) {
		// There is no way to say which part that is. Nix asks so when it broke off, and builds the path when the rest is not there (docs/decisions/010-local-substituter.md).
		if ((asked?.start ?? 0) > 0) {
			discard(nar);
			return null;
		}
		const chunks = await begun(unmeasuredChunks(nar.stream, { stallMs: options.stallMs, signal }));
		return { totalBytes: null, range: null, chunks };
	}
	const { totalBytes, range } = nar;
	const wanted = { start: asked?.start ?? 0, end: Math.min(asked?.end ?? Number.MAX_SAFE_INTEGER, totalBytes - 1) };
	if (asked !== null && asked.start >= totalBytes) {
		discard(nar);
		return { totalBytes, range: null, chunks: null };
	}
	if (range.start !== wanted.start || range.end !== wanted.end) {
		discard(nar);
		throw new CacheError(
			'cache-invalid',
			`Bytes ${range.start} to ${range.end} of ${totalBytes} came in place of ${wanted.start} to ${wanted.end}.`,
		);
	}
	const rest = narChunks(nar, {
		reopen: (left) => reopen(url, left, totalBytes, signal, options),
		maxResumes: options.maxResumes,
		stallMs: options.stallMs,
		signal,
		onResume(error) {
			options.trouble(error, `NAR of ${address.hashPart}`);
			options.counters.narResumed();
		},
	});
	return { totalBytes, range, chunks: await begun(rest) };
}

async function begun(rest: Chunks['rest']): Promise<Chunks> {
	const first = await rest.next();
	if (first.done === true) throw new CacheError('cache-invalid', 'The NAR is empty.');
	return { first: first.value, rest };
}

/** From an offset on, what the first answer promised. */
async function reopen(
	url: string,
	left: ByteRange,
	totalBytes: number,
	signal: AbortSignal,
	options: NarOptions,
): Promise<NarBytes> {
	const limit = {
		limitMs: options.startMs,
		signal,
		doing: 'The rest of the NAR',
		discard: (nar: NarBytes | UnmeasuredNar | null) => nar && discard(nar),
	};
	const nar = await withinLimit(limit, (within) => options.reader.openNar(url, left, within));
	if (nar === null) throw new CacheError('cache-not-found', 'The rest of the NAR has gone.');
	if (nar.totalBytes !== null && nar.totalBytes === totalBytes && nar.range.start === left.start && nar.range.end === left.end)
		return nar;
	discard(nar);
	throw new CacheError('cache-invalid', 'The rest of the NAR is not that of the same NAR.');
}

/** Passes the chunks on and counts them. An end that comes too early is ours to count; one that the client wanted is not. */
async function* counted(
	{ first, rest }: Chunks,
	doing: string,
	{ counters, trouble }: NarOptions,
): AsyncGenerator<Uint8Array, void, void> {
	try {
		for (let chunk: Uint8Array | null = first; chunk !== null; ) {
			counters.narBytes(chunk.length);
			yield chunk;
			chunk = await rest.next().then(
				(next) => next.value ?? null,
				(error: unknown) => {
					if (!isCacheError(error, 'cancelled')) {
						counters.narCut();
						trouble(error, doing);
					}
					throw error;
				},
			);
		}
	} finally {
		await rest.return();
	}
}

function discard({ stream }: Pick<NarBytes, 'stream'>): void {
	stream.on('error', () => undefined).destroy();
}
