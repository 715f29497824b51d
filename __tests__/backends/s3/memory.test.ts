import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startServer } from '../../http/peers/server.ts';
import type { PutInChild } from './put-in-child.ts';

const GiB = 1024 ** 3;

/** Ceph would keep 6 GiB on disk; this server counts them and takes any signature. */
it('6 GiB go up with less than 256 MiB of memory, each request with its length', { timeout: 180_000 }, async () => {
	const sizes: number[] = [];
	const server = await startServer(async (request, response) => {
		let sizeBytes = 0;
		for await (const part of request) sizeBytes += (part as Buffer).length;
		const { searchParams } = new URL(request.url ?? '', 'http://host');
		if (request.method === 'PUT' && Number(request.headers['content-length']) === sizeBytes) {
			sizes.push(sizeBytes);
			return void response.writeHead(200, { etag: `"${searchParams.get('partNumber')}"`, 'content-length': 0 }).end();
		}
		const result = searchParams.has('uploads')
			? '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>'
			: '<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>';
		response.writeHead(200, { 'content-type': 'application/xml' }).end(result);
	});
	const args = [join(import.meta.dirname, 'put-in-child.ts'), `s3://a-bucket?endpoint=${server.url.origin}`, `${6 * GiB}`];
	const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env.PATH } });
	await server.close();
	const { maxRssMiB } = JSON.parse(stdout) as PutInChild;
	expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(6 * GiB);
	expect(new Set(sizes)).toEqual(new Set([16 * 1024 * 1024]));
	expect(maxRssMiB).toBeLessThan(256);
});
