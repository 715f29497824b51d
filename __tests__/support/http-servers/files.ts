/** What the servers of this folder have in common: files of a cache in a folder, and requests read whole. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';

export const readBody = (request: IncomingMessage): Promise<Buffer> => buffer(request);

export function fileIn(folder: string, key: string): Buffer | null {
	const file = join(folder, key);
	return existsSync(file) ? readFileSync(file) : null;
}

export function writeIn(folder: string, key: string, bytes: string | Buffer): void {
	const file = join(folder, key);
	mkdirSync(dirname(file), { recursive: true });
	writeFileSync(file, bytes);
}

export function reply(
	response: ServerResponse,
	status: number,
	body: string | Buffer = '',
	headers: Readonly<Record<string, string>> = {},
): void {
	response.writeHead(status, { 'content-length': String(Buffer.byteLength(body)), ...headers });
	response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** Path without the query, and without the slash that it begins with. */
export function keyOf({ url = '/' }: IncomingMessage): string {
	return decodeURIComponent(new URL(url, 'http://server').pathname.slice(1));
}
