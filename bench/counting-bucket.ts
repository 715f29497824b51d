/**
 * A bucket that keeps small objects, and of those in parts the sizes alone. It checks no signature: Ceph's test stores can't take 384 parts of one object
 * (one loses parts that come side by side, from Amazon's own client too, the other takes no key with a dot in parts), and this one shows what a post takes, not what a server accepts.
 */
import { createHash } from 'node:crypto';
import { type Peer, startServer } from '../__tests__/http/peers/server.ts';

interface CountingBucket extends AsyncDisposable {
	/** For `cache`. */
	readonly url: string;
	/** Sizes of what is there, by key. */
	readonly sizes: ReadonlyMap<string, number>;
}

const KEPT_BYTES = 64 * 1024;

export async function startCountingBucket(): Promise<CountingBucket> {
	const sizes = new Map<string, number>();
	const kept = new Map<string, Buffer>();
	const parts = new Map<string, { readonly eTag: string; readonly sizeBytes: number }>();
	const server: Peer = await startServer(async (request, response) => {
		const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
		const part = searchParams.get('partNumber');
		const hash = createHash('md5');
		const start: Buffer[] = [];
		let sizeBytes = 0;
		for await (const bytes of request) {
			hash.update(bytes);
			sizeBytes += bytes.length;
			if (sizeBytes <= KEPT_BYTES) start.push(bytes);
		}
		const eTag = `"${hash.digest('hex')}"`;
		if (request.method === 'PUT') {
			if (Number(request.headers['content-length']) !== sizeBytes) return void response.writeHead(400).end();
			if (part !== null) parts.set(part, { eTag, sizeBytes });
			else {
				sizes.set(pathname, sizeBytes);
				if (sizeBytes <= KEPT_BYTES) kept.set(pathname, Buffer.concat(start));
			}
			return void response.writeHead(200, { etag: eTag, 'content-length': 0 }).end();
		}
		if (request.method === 'POST') {
			const isBegin = searchParams.has('uploads');
			if (!isBegin) {
				const named = [
					...Buffer.concat(start)
						.toString()
						.matchAll(/<PartNumber>(\d+)<\/PartNumber>/g),
				].map(([, number = '']) => number);
				const all = named.map((number) => parts.get(number)?.sizeBytes ?? Number.NaN);
				sizes.set(
					pathname,
					all.reduce((sum, size) => sum + size, 0),
				);
			}
			const answer = isBegin
				? '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>'
				: '<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>';
			return void response.writeHead(200, { 'content-type': 'application/xml' }).end(answer);
		}
		const found = sizes.get(pathname);
		if (found === undefined) return void response.writeHead(404).end();
		response.writeHead(200, { 'content-length': found }).end(request.method === 'HEAD' ? undefined : kept.get(pathname));
	});
	return {
		url: `s3://a-bucket?endpoint=${server.url.origin}&region=us-east-1`,
		sizes,
		[Symbol.asyncDispose]: () => server.close(),
	};
}
