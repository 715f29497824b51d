/** The way to the blobs: everything goes on to Azurite as it came, but for what is to go wrong, and is counted. */
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Azurite } from './azurite.ts';
import { asBlobFault, type BlobFault, type BlobOperation, type Faults } from './faults.ts';
import type { Traffic } from './traffic.ts';

export interface BlobGate {
	readonly server: Server;
	/** Requests that no client should make: those with the token of the job. */
	violations(): readonly string[];
	close(): void;
}

const OPERATIONS: Readonly<Record<string, BlobOperation>> = { GET: 'blob-get', HEAD: 'blob-head', PUT: 'blob-put' };
const SLOW_PAUSE_MS = 100;
const CUT_AFTER_MS = 20;

/** `isGood`: whether a signature that was given out counts still; Azurite checks it as well. */
export function createBlobGate(
	azurite: Azurite,
	faults: Faults,
	traffic: Traffic,
	isGood: (signature: string) => boolean,
): BlobGate {
	const agent = new Agent({ keepAlive: true });
	const violations: string[] = [];
	const origin = new URL(azurite.origin);

	const handle = (asked: IncomingMessage, answer: ServerResponse) => {
		const method = asked.method ?? 'GET';
		const url = new URL(asked.url ?? '/', 'http://gate');
		const blob = url.pathname.split('/').at(-1) ?? '';
		const operation = OPERATIONS[method] ?? 'blob-put';
		traffic.calledBlob(operation, blob, asked.headers.range ?? null);
		const signature = url.searchParams.get('sig') ?? '';
		if (asked.headers.authorization !== undefined) violations.push(`${method} ${url.pathname} with Authorization`);
		const strike = asBlobFault(faults.strike(operation));
		const fault = isGood(signature) ? strike : 'expired';
		const refusal = fault === null ? null : REFUSALS[fault];
		if (refusal !== null && refusal !== undefined) {
			asked.resume();
			answer.writeHead(refusal.status, { 'content-type': 'application/xml', 'x-ms-error-code': refusal.code });
			answer.end(
				method === 'HEAD'
					? ''
					: `\uFEFF<?xml version="1.0" encoding="utf-8"?><Error><Code>${refusal.code}</Code><Message>${refusal.message}</Message></Error>`,
			);
			return;
		}
		if (fault === 'stalled') asked.resume();
		else forward(asked, answer, fault);
	};

	const forward = (asked: IncomingMessage, answer: ServerResponse, fault: BlobFault | null) => {
		const { range, 'x-ms-range': msRange, ...headers } = asked.headers;
		const ranges =
			fault === 'whole'
				? {}
				: { ...(range === undefined ? {} : { range }), ...(msRange === undefined ? {} : { 'x-ms-range': msRange }) };
		const onward = request(
			{
				agent,
				host: origin.hostname,
				port: origin.port,
				method: asked.method,
				path: asked.url,
				headers: { ...headers, ...ranges, host: origin.host },
			},
			(got) => {
				answer.writeHead(got.statusCode ?? 502, got.headers);
				giveOut(got, answer, fault).catch(() => answer.destroy());
			},
		);
		onward.on('error', () => answer.destroy());
		asked.on('data', (chunk: Buffer) => traffic.wrote(chunk.length));
		asked.on('error', () => onward.destroy());
		// A client that goes away in the middle must not leave half of a request in Azurite.
		answer.on('close', () => onward.destroy());
		if (fault === 'reset' && asked.method === 'PUT') asked.once('data', () => answer.socket?.resetAndDestroy());
		asked.pipe(onward);
	};

	const giveOut = async (got: IncomingMessage, answer: ServerResponse, fault: BlobFault | null) => {
		const totalBytes = Number(got.headers['content-length'] ?? 0);
		const isCut = fault === 'truncated' || fault === 'reset';
		let leftBytes = isCut ? Math.floor(totalBytes / 2) : Number.POSITIVE_INFINITY;
		async function* passed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
			for await (const chunk of source) {
				const bytes = chunk.subarray(0, Math.min(leftBytes, chunk.length));
				leftBytes -= bytes.length;
				traffic.read(bytes.length);
				yield bytes;
				if (fault === 'slow') await sleep(SLOW_PAUSE_MS);
				if (leftBytes <= 0) return;
			}
		}
		await pipeline(got, passed, answer, { end: !isCut });
		// What was written first has to leave before the connection ends.
		if (fault === 'reset') setTimeout(() => answer.socket?.resetAndDestroy(), CUT_AFTER_MS);
		if (fault === 'truncated') answer.socket?.end();
	};

	const server = createServer(handle);
	return {
		server,
		violations: () => [...violations],
		close: () => agent.destroy(),
	};
}

/** The answers of Azure (learn.microsoft.com, "Blob storage error codes"). Those that are not refusals are played in other ways. */
const REFUSALS: Readonly<Record<BlobFault, { readonly status: number; readonly code: string; readonly message: string } | null>> =
	{
		expired: {
			status: 403,
			code: 'AuthenticationFailed',
			message:
				'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.',
		},
		'method-not-allowed': {
			status: 405,
			code: 'UnsupportedHttpVerb',
			message: 'The resource does not support the specified HTTP verb.',
		},
		busy: { status: 503, code: 'ServerBusy', message: 'The server is busy.' },
		conflict: { status: 409, code: 'InvalidBlobType', message: 'The blob type is invalid for this operation.' },
		gone: { status: 404, code: 'BlobNotFound', message: 'The specified blob does not exist.' },
		truncated: null,
		reset: null,
		whole: null,
		stalled: null,
		slow: null,
	};
