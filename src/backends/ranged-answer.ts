import { Readable } from 'node:stream';
import { CacheError } from '../errors.ts';
import type { HttpAnswer } from '../http/client.ts';
import type { ByteRange, NarBytes, UnmeasuredNar } from './path-reader.ts';

/**
 * What a streamed answer to a GET gives of an object: 200, 206 or 416. A server that ignores `Range` sends the whole, of which what comes before the range is
 * read and dropped. `what` is for messages. Throws `cache-invalid` when the server gives other bytes than were asked for.
 */
export function bytesOf(answer: HttpAnswer, asked: ByteRange | null, what: string): NarBytes | UnmeasuredNar {
	const { status, stream } = answer;
	const refuse = (problem: string): never => {
		stream?.destroy();
		throw new CacheError('cache-invalid', `${what}: ${problem}.`);
	};
	if (status === 416) {
		stream?.destroy();
		const totalBytes = Number(/^bytes \*\/(\d{1,15})$/.exec(answer.header('content-range') ?? '')?.[1] ?? Number.NaN);
		if (!Number.isSafeInteger(totalBytes)) return refuse('the server refuses the range and does not say how long the object is');
		return { totalBytes, range: { start: totalBytes, end: totalBytes }, stream: Readable.from([]) };
	}
	if (stream === null) return refuse('the server sent nothing');
	if (status === 206 && asked !== null) {
		const [, start, end, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(answer.header('content-range') ?? '') ?? [];
		const range = { start: Number(start), end: Number(end) };
		const totalBytes = Number(total);
		const wantedEnd = Math.min(asked.end, totalBytes - 1);
		if (range.start !== asked.start || range.end !== wantedEnd) return refuse('the server gave other bytes than were asked for');
		return { totalBytes, range, stream };
	}
	if (answer.header('content-encoding') !== null) return refuse('the server sends it encoded, so its length is not known');
	const totalBytes = Number(answer.header('content-length') ?? Number.NaN);
	if (!Number.isSafeInteger(totalBytes)) return { totalBytes: null, stream };
	const range = { start: asked?.start ?? 0, end: Math.min(asked?.end ?? totalBytes - 1, totalBytes - 1) };
	if (range.start === 0 && range.end === totalBytes - 1) return { totalBytes, range, stream };
	return { totalBytes, range, stream: partOf(stream, range) };
}

/** The bytes of `range`; the connection is given up behind it. */
function partOf(whole: Readable, { start, end }: ByteRange): Readable {
	async function* parts(): AsyncGenerator<Uint8Array, void, void> {
		let at = 0;
		for await (const part of whole) {
			const bytes: Uint8Array = part;
			const wanted = bytes.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
			at += bytes.length;
			if (wanted.length > 0) yield wanted;
			if (at > end) return;
		}
	}
	const part = Readable.from(parts(), { objectMode: false });
	part.once('close', () => whole.destroy());
	return part;
}
