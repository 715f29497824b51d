import type { IncomingMessage, ServerResponse } from 'node:http';
import { startServer } from '../http/peers/server.ts';

export interface CountingBucket extends AsyncDisposable {
	/** For `cache`. */
	readonly url: string;
	/** Sizes of the objects that are there, by the path of their URL. */
	readonly sizes: ReadonlyMap<string, number>;
	/** Sizes of the parts that came, of all objects. */
	readonly partSizes: readonly number[];
}

/** Enough for the order to complete an upload of 10,000 parts. */
const KEPT_BYTES = 2 * 1024 * 1024;
const BEGUN = '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>';
const COMPLETED = '<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>';

/**
 * A bucket for objects of many GiB, which others would keep on disk: it keeps small ones, and of all others the sizes. It checks no signature and computes no ETag, so it shows
 * what the sending side takes and sends, not what a server accepts. A body that is not as long as its `Content-Length` is refused.
 */
export async function startCountingBucket(): Promise<CountingBucket> {
	const sizes = new Map<string, number>();
	const kept = new Map<string, Buffer>();
	/** Sizes by object and number. */
	const parts = new Map<string, number>();

	const put = (path: string, part: string | null, { sizeBytes, start }: Received): void => {
		if (part !== null) parts.set(`${path} ${part}`, sizeBytes);
		else {
			sizes.set(path, sizeBytes);
			if (sizeBytes <= KEPT_BYTES) kept.set(path, start);
		}
	};

	const complete = (path: string, order: string): void => {
		const numbers = [...order.matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, number]) => number);
		sizes.set(
			path,
			numbers.reduce((sum, number) => sum + (parts.get(`${path} ${number}`) ?? Number.NaN), 0),
		);
	};

	const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
		const { pathname: path, searchParams } = new URL(request.url ?? '', 'http://host');
		const received = await receive(request);
		const sizeBytes = sizes.get(path);
		if (request.method === 'PUT') {
			if (Number(request.headers['content-length']) !== received.sizeBytes) return void response.writeHead(400).end();
			const part = searchParams.get('partNumber');
			put(path, part, received);
			response.writeHead(200, { etag: `"${part ?? 'whole'}"`, 'content-length': 0 }).end();
		} else if (request.method === 'POST') {
			const isBegin = searchParams.has('uploads');
			if (!isBegin) complete(path, received.start.toString());
			response.writeHead(200, { 'content-type': 'application/xml' }).end(isBegin ? BEGUN : COMPLETED);
		} else if (request.method === 'DELETE') {
			sizes.delete(path);
			response.writeHead(204).end();
		} else if (sizeBytes === undefined) response.writeHead(404).end();
		else response.writeHead(200, { 'content-length': sizeBytes }).end(request.method === 'HEAD' ? undefined : kept.get(path));
	};

	const server = await startServer(answer);
	return {
		url: `s3://a-bucket?endpoint=${server.url.origin}&region=us-east-1`,
		sizes,
		get partSizes() {
			return [...parts.values()];
		},
		[Symbol.asyncDispose]: () => server.close(),
	};
}

interface Received {
	readonly sizeBytes: number;
	/** At least the first `KEPT_BYTES`, as far as there are so many. */
	readonly start: Buffer;
}

async function receive(request: IncomingMessage): Promise<Received> {
	const start: Buffer[] = [];
	let sizeBytes = 0;
	for await (const bytes of request as AsyncIterable<Buffer>) {
		if (sizeBytes <= KEPT_BYTES) start.push(bytes);
		sizeBytes += bytes.length;
	}
	return { sizeBytes, start: Buffer.concat(start) };
}
