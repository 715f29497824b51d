import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { ObjectBody } from '../bodies/body.ts';
import { CacheError, systemCode } from '../errors.ts';
import { abortError, type Clock, orAborted } from '../waiting/cancel.ts';
import { type Collected, collect, headerOf, headerPairs, type Wanted } from './collect.ts';
import type { Connections } from './connections.ts';
import { decodeContent } from './content-encoding.ts';

/** One request and its answer: no retry, no redirect, no meaning of the status. */
export interface Exchange {
	readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE' | 'OPTIONS';
	readonly url: URL;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: ObjectBody | null;
	/** Send the first bytes, then wait for this long before the rest goes. */
	readonly holdBodyMs: number;
	/** Whether the answer's body is wanted; if not, only the start of it is read, for an error message. */
	readonly wanted: (status: number) => boolean;
	/** Longest body that is taken when it is wanted; 0: it is given up unread. */
	readonly limitBytes: number;
	/** Whether a wanted body is handed on as a stream. */
	readonly streamed: boolean;
	readonly signal: AbortSignal;
}

export interface Answer {
	readonly status: number;
	/** What the status line says behind the number; empty where that was not kept. */
	readonly reason: string;
	/** `null` when the header is not there; the first one when it is there more than once. */
	header(name: string): string | null;
	/** All of them, by their names in lower case; those that are there more than once joined with commas. */
	headers(): Record<string, string>;
	/** The body without its `Content-Encoding`, or the start of one that was not wanted. */
	readonly bytes: Uint8Array;
	/** The body, where it was wanted as a stream; else `null`. */
	readonly stream: Readable | null;
}

export interface Timeouts {
	/** From the last byte sent to the first of the answer, and between any two while sending. */
	readonly headersMs: number;
	/** Between two parts of the answer's body. */
	readonly bodyMs: number;
}

/** The answer's headers came and its body did not come whole. */
export class AnswerBrokeOff extends Error {
	override readonly name = 'AnswerBrokeOff';
}

/** Larger bodies are streamed even when they are in memory: only then is each part's progress seen, and a stall told from a slow line. */
const WRITE_AT_ONCE_BYTES = 256 * 1024;
const UNWANTED_BYTES = 16 * 1024;
/** A server may move or check a large upload before it answers; nginx copies it between file systems at disk speed. */
const SETTLING_BYTES_PER_MS = 10_000;

/** @throws CacheError when cancelled, or when the answer is longer than the limit; else whatever undici throws */
export async function exchange(connections: Connections, asked: Exchange, timeouts: Timeouts, clock: Clock): Promise<Answer> {
	const doing = `${asked.method} ${asked.url.origin}${asked.url.pathname}`;
	const route = connections.route(asked.url, asked.streamed);
	const body = openBody(asked, clock);
	const sizeBytes = asked.body?.sizeBytes ?? 0;
	const options = {
		origin: route.origin,
		path: route.path,
		method: asked.method,
		headers: { ...asked.headers, ...route.headers, ...(asked.body === null ? {} : { 'content-length': `${sizeBytes}` }) },
		// undici's types leave out that it takes any async iterable (its documentation, `Dispatcher.request`).
		body: body.payload as Uint8Array | Readable | null,
		// HEAD too keeps its connection, which undici would close out of distrust of servers from before HTTP/1.1.
		reset: false,
		headersTimeout: timeouts.headersMs + Math.ceil(sizeBytes / SETTLING_BYTES_PER_MS),
		bodyTimeout: timeouts.bodyMs,
	};
	try {
		if (!asked.streamed) {
			const answer = collect(route.dispatcher, options, (status) => wantedOf(asked, status), asked.signal);
			return answerOf(await answer, asked, doing);
		}
		const response = route.dispatcher.request({ ...options, signal: asked.signal });
		return await streamedAnswer(await orAborted(response, asked.signal, doing), asked);
	} catch (error) {
		if (asked.signal.aborted) throw abortError(asked.signal, doing);
		// undici reports its own teardown of the body as well; only the body's own failure has a system code of a file.
		if (isFileError(body.failure)) {
			throw new CacheError('file-failed', `${doing}: what was to be sent can't be read (${systemCode(body.failure)}).`, {
				cause: body.failure,
			});
		}
		throw error;
	} finally {
		body.end();
	}
}

/** A body on its way. */
interface Sending {
	readonly payload: Uint8Array | AsyncIterable<Uint8Array> | null;
	/** What reading it failed with. */
	readonly failure: unknown;
	/** Reads no more of it: what it lies in may be gone from now on. */
	end(): void;
}

function openBody({ body, holdBodyMs }: Exchange, clock: Clock): Sending {
	const holds = holdBodyMs > 0;
	const isEmpty = body === null || body.sizeBytes === 0;
	const atOnce = isEmpty || holds || body.sizeBytes > WRITE_AT_ONCE_BYTES ? null : body.bytes;
	if (isEmpty || atOnce !== null) return { payload: atOnce, failure: null, end: () => undefined };
	const ended = new AbortController();
	let failure: unknown = null;
	async function* watched(sent: ObjectBody): AsyncGenerator<Uint8Array> {
		const pieces = sent.stream();
		try {
			for await (const piece of holds ? heldBack(pieces, holdBodyMs, clock, ended.signal) : pieces) {
				ended.signal.throwIfAborted();
				yield piece;
			}
		} catch (error) {
			failure ??= error;
			throw error;
		}
	}
	return {
		payload: watched(body),
		get failure() {
			return failure;
		},
		end: () => ended.abort(),
	};
}

/** A pause after the first byte (undici sends the head together with that). */
async function* heldBack(
	pieces: AsyncIterable<Uint8Array>,
	holdMs: number,
	clock: Clock,
	ended: AbortSignal,
): AsyncGenerator<Uint8Array> {
	let first = true;
	for await (const piece of pieces) {
		if (first) {
			first = false;
			yield piece.subarray(0, 1);
			await clock.sleep(holdMs, ended);
			yield piece.subarray(1);
		} else yield piece;
	}
}

function wantedOf({ wanted, limitBytes }: Exchange, status: number): Wanted {
	if (!wanted(status)) return { atMostBytes: UNWANTED_BYTES, startIsEnough: true };
	// A little of what nobody wants is read, for the connection.
	return { atMostBytes: limitBytes === 0 ? UNWANTED_BYTES : limitBytes, startIsEnough: false };
}

function answerOf({ status, reason, headers, bytes, ended }: Collected, asked: Exchange, doing: string): Answer {
	const header = (name: string): string | null => headerOf(headers, name);
	const answer = { status, reason, header, headers: () => joined(headerPairs(headers)), stream: null };
	// The status is the answer, whatever becomes of the text: a server that refuses an upload may cut the line right after it.
	if (!asked.wanted(status)) return { ...answer, bytes };
	if (asked.limitBytes === 0) return { ...answer, bytes: new Uint8Array() };
	if (ended === 'longer') throw new CacheError('cache-invalid', `${doing}: the answer is longer than ${asked.limitBytes} bytes.`);
	if (ended !== 'whole') throw new AnswerBrokeOff(`${doing}: the answer broke off`, { cause: ended.error });
	return { ...answer, bytes: decodeContent(bytes, header('content-encoding'), asked.limitBytes, doing) };
}

function joined(headers: ReturnType<typeof headerPairs>): Record<string, string> {
	const all: Record<string, string> = {};
	for (const [name, value] of headers) all[name] = name in all ? `${all[name]}, ${value}` : value;
	return all;
}

async function streamedAnswer({ statusCode: status, headers, body }: Dispatcher.ResponseData, asked: Exchange): Promise<Answer> {
	const all = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
		[value ?? []].flat().map((one) => [name, one]),
	);
	const header = (name: string): string | null => all.find(([one]) => one === name)?.[1] ?? null;
	const answer = { status, reason: '', header, headers: () => joined(all) };
	if (!asked.wanted(status)) {
		const start = await startOf(body).catch(() => new Uint8Array());
		return { ...answer, bytes: start, stream: null };
	}
	// Its reader is told of an error all the same; but for this, one that comes before it is read would end the process.
	body.on('error', () => undefined);
	return { ...answer, bytes: new Uint8Array(), stream: body };
}

/** For an error message; what is longer is given up, and its connection with it. */
async function startOf(body: Readable): Promise<Uint8Array> {
	const parts: Uint8Array[] = [];
	let leftBytes = UNWANTED_BYTES;
	for await (const part of body) {
		const bytes: Uint8Array = part;
		parts.push(bytes.subarray(0, leftBytes));
		leftBytes -= bytes.length;
		if (leftBytes < 0) break;
	}
	return Buffer.concat(parts);
}

function isFileError(error: unknown): boolean {
	return ['ENOENT', 'EACCES', 'EIO', 'EBADF', 'EISDIR', 'ESTALE', 'EMFILE', 'ENFILE'].includes(systemCode(error) ?? '');
}
