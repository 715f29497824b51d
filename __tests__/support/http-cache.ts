/** A small HTTP binary cache over a folder: GET, HEAD, PUT, ranges, basic credentials. The demo's cache, and the base of the faulty one. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { PassThrough, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface HttpCacheOptions {
	readonly folder: string;
	/** Begins and ends with a slash. */
	readonly basePath: string;
	/** `user:password` that everyone must show, or null. */
	readonly credentials: string | null;
}

/** Answers one request; the bodies, either way, flow through what `through` makes. */
export type Handler = (request: IncomingMessage, response: ServerResponse, through?: () => Transform) => Promise<void>;

let uploads = 0;

export function httpCache({ folder, basePath, credentials }: HttpCacheOptions): Handler {
	const expected = credentials === null ? null : `Basic ${Buffer.from(credentials).toString('base64')}`;
	return async (request, response, through = () => new PassThrough()) => {
		if (expected !== null && request.headers.authorization !== expected) {
			return answer(response, 401, { 'WWW-Authenticate': 'Basic realm="cache"' });
		}
		const file = fileOf(request.url ?? '/', basePath, folder);
		if (file === null) return answer(response, 404);
		switch (request.method) {
			case 'GET':
			case 'HEAD':
				return send(file, request, response, through);
			case 'PUT':
				return receive(file, request, response, through);
			default:
				return answer(response, 405, { Allow: 'GET, HEAD, PUT' });
		}
	};
}

/** An answer without a body. */
export function answer(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
	response.writeHead(status, { 'Content-Length': '0', ...headers }).end();
}

/** The file that a URL names, or null when it is not below the base path. */
export function fileOf(url: string, basePath: string, folder: string): string | null {
	const { pathname } = new URL(url, 'http://cache.test');
	if (!pathname.startsWith(basePath)) return null;
	return join(folder, decodeURIComponent(pathname.slice(basePath.length)));
}

async function send(file: string, request: IncomingMessage, response: ServerResponse, through: () => Transform): Promise<void> {
	const info = await stat(file).catch(() => null);
	if (info === null || !info.isFile()) return answer(response, 404);
	const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
	const start = from === undefined ? 0 : Number(from);
	const end = to ? Math.min(Number(to), info.size - 1) : info.size - 1;
	if (start > end && info.size > 0) return answer(response, 416, { 'Content-Range': `bytes */${info.size}` });
	response.writeHead(from === undefined ? 200 : 206, {
		'Content-Length': String(end - start + 1),
		'Accept-Ranges': 'bytes',
		...(from === undefined ? {} : { 'Content-Range': `bytes ${start}-${end}/${info.size}` }),
	});
	if (request.method === 'HEAD' || info.size === 0) response.end();
	else await pipeline(createReadStream(file, { start, end }), through(), response);
}

/** To a temporary name first: a cut upload leaves nothing. */
async function receive(
	file: string,
	request: IncomingMessage,
	response: ServerResponse,
	through: () => Transform,
): Promise<void> {
	const partial = `${file}.partial-${++uploads}`;
	await mkdir(dirname(file), { recursive: true });
	try {
		await pipeline(request, through(), createWriteStream(partial));
		await rename(partial, file);
	} catch (error) {
		await rm(partial, { force: true });
		throw error;
	}
	answer(response, 201);
}
