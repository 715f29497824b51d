import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyOf, type Peer, startServer } from '../../http/peers/server.ts';

export interface RepositoryOptions {
	/** Below which path it serves; with a final slash. */
	readonly root?: string;
	/** Answers a request in place of the repository, when it answers with true. */
	readonly instead?: (request: IncomingMessage, response: ServerResponse) => boolean;
	/** Basic credentials, `user:password`. */
	readonly basic?: string;
	readonly bearer?: string;
	readonly readOnly?: boolean;
	/** What is there can't be replaced, as in Artifactory without that permission: 403. */
	readonly writeOnce?: boolean;
	/** HEAD is answered with this status, whatever is there. */
	readonly headStatus?: number;
	/** Absent objects are 403, as in buckets that nobody may list. */
	readonly unlistable?: boolean;
}

interface StoredFile {
	readonly bytes: Buffer;
	readonly contentType: string | undefined;
}

/** A repository as enterprises have them: GET, HEAD (with ranges) and PUT of files, in memory. */
export interface Repository extends Peer {
	/** By key, relative to the root. */
	readonly files: Map<string, StoredFile>;
	/** Requests as `METHOD key`, in the order of arrival. */
	requests(): readonly string[];
}

export async function startRepository(options: RepositoryOptions = {}): Promise<Repository> {
	const { root = '/' } = options;
	const files = new Map<string, StoredFile>();
	const peer = await startServer(async (request, response) => {
		if (options.instead?.(request, response)) return;
		const path = new URL(request.url ?? '', 'http://host').pathname;
		if (!isLetIn(request, options)) return end(response, 401);
		if (!path.startsWith(root)) return end(response, 404);
		const key = path.slice(root.length);
		if (request.method === 'PUT') return end(response, await put(request, key));
		if (request.method === 'HEAD' && options.headStatus !== undefined) return end(response, options.headStatus);
		const file = files.get(key);
		if (file === undefined) return end(response, options.unlistable ? 403 : 404);
		give(request, response, file);
	});

	async function put(request: IncomingMessage, key: string): Promise<number> {
		const bytes = await bodyOf(request);
		if (options.readOnly) return 405;
		if (options.writeOnce && files.has(key)) return 403;
		files.set(key, { bytes, contentType: request.headers['content-type'] });
		return 201;
	}

	return {
		...peer,
		url: new URL(root, peer.url),
		files,
		requests: () => peer.received.map(({ method, path }) => `${method} ${path.slice(root.length)}`),
	};
}

function isLetIn({ headers }: IncomingMessage, { basic, bearer }: RepositoryOptions): boolean {
	const wanted = basic === undefined ? null : `Basic ${Buffer.from(basic).toString('base64')}`;
	return headers.authorization === (bearer === undefined ? (wanted ?? headers.authorization) : `Bearer ${bearer}`);
}

function end(response: ServerResponse, status: number): void {
	response.writeHead(status).end();
}

function give(request: IncomingMessage, response: ServerResponse, { bytes }: StoredFile): void {
	if (request.headers.range !== 'bytes=0-0') response.writeHead(200, { 'content-length': bytes.length });
	else if (bytes.length === 0) response.writeHead(416, { 'content-range': 'bytes */0' });
	else response.writeHead(206, { 'content-range': `bytes 0-0/${bytes.length}`, 'content-length': 1 });
	response.end(request.headers.range === 'bytes=0-0' ? bytes.subarray(0, 1) : bytes);
}
