/** Storage that takes and gives objects by signed URLs alone, as S3 does for servers that hand such URLs out. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Peer, startServer } from '../http/peers/server.ts';
import { type ScriptedFaults, scriptedFaults } from './scripted-faults.ts';

export interface StoredObject {
	/** Empty when the storage keeps no bytes. */
	readonly bytes: Buffer;
	readonly sizeBytes: number;
	/** The MD5 in quotes. */
	readonly eTag: string;
	readonly headers: IncomingMessage['headers'];
}

export interface SignedStorage extends Peer {
	/** By key: what stands between the host and the query. */
	readonly objects: Map<string, StoredObject>;
	readonly faults: ScriptedFaults;
	/** A URL that may be used for `lifeMs`; a PUT has to have this MD5 (base 64), when one is given. */
	sign(method: 'GET' | 'PUT', key: string, more?: { readonly md5?: string; readonly lifeMs?: number }): string;
}

export interface SignedStorageOptions {
	/** The host in signed URLs; 127.0.0.1 if not said. */
	readonly host?: string;
	/** `false`: only sizes and MD5s, for what is too large for memory. */
	readonly keepBytes?: boolean;
	/** What is wrong with an object that is put, `null` when it may be there. */
	readonly check?: (key: string, object: StoredObject) => string | null;
}

export async function startSignedStorage({
	host,
	keepBytes = true,
	check = () => null,
}: SignedStorageOptions = {}): Promise<SignedStorage> {
	const secret = randomBytes(16);
	const objects = new Map<string, StoredObject>();
	const faults = scriptedFaults();
	const signature = (method: string, key: string, expires: string, md5: string): string =>
		createHmac('sha256', secret).update([method, key, expires, md5].join('\n')).digest('hex');

	const peer = await startServer(async (request, response) => {
		if (!(await faults.meet(request, response))) await answer(request, response);
	});

	async function answer(request: IncomingMessage, response: ServerResponse): Promise<ServerResponse> {
		const { pathname, searchParams } = new URL(request.url ?? '', 'http://storage');
		const key = decodeURIComponent(pathname.slice(1));
		const [expires = '', md5 = '', signed] = ['expires', 'md5', 'signature'].map((name) => searchParams.get(name) ?? '');
		// HEAD goes where GET may: the tests' readers ask for sizes.
		const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
		if (request.headers.authorization !== undefined) return refuse(response, 400, 'InvalidArgument: two authentications');
		if (signed !== signature(method, key, expires, md5)) return refuse(response, 403, 'SignatureDoesNotMatch');
		if (Date.now() > Number(expires)) return refuse(response, 403, 'AccessDenied: Request has expired');
		if (method === 'PUT') return put(request, response, key, md5);
		const object = objects.get(key);
		if (object === undefined) return refuse(response, 404, 'NoSuchKey');
		response.writeHead(200, { 'content-length': object.sizeBytes, ...encodingOf(object) });
		return response.end(request.method === 'HEAD' ? undefined : object.bytes);
	}

	async function put(request: IncomingMessage, response: ServerResponse, key: string, md5: string): Promise<ServerResponse> {
		const hash = createHash('md5');
		const parts: Buffer[] = [];
		let sizeBytes = 0;
		for await (const part of request) {
			hash.update(part);
			sizeBytes += part.length;
			if (keepBytes) parts.push(part);
		}
		if (request.headers['content-length'] !== String(sizeBytes)) return refuse(response, 411, 'MissingContentLength');
		const digest = hash.digest();
		const said = request.headers['content-md5'];
		if (md5 !== '' && said !== md5) return refuse(response, 403, 'SignatureDoesNotMatch: content-md5');
		if (said !== undefined && said !== digest.toString('base64')) return refuse(response, 400, 'BadDigest');
		const eTag = `"${digest.toString('hex')}"`;
		const object = { bytes: Buffer.concat(parts), sizeBytes, eTag, headers: request.headers };
		const problem = check(key, object);
		if (problem !== null) return refuse(response, 400, problem);
		objects.set(key, object);
		return response.writeHead(200, { etag: eTag, 'content-length': '0' }).end();
	}

	return {
		...peer,
		objects,
		faults,
		sign(method, key, { md5 = '', lifeMs = 60_000 } = {}) {
			const expires = String(Date.now() + lifeMs);
			const query = new URLSearchParams({ expires, md5, signature: signature(method, key, expires, md5) });
			return `http://${host ?? '127.0.0.1'}:${peer.url.port}/${encodeURI(key)}?${query}`;
		},
	};
}

function encodingOf({ headers }: StoredObject): Readonly<Record<string, string>> {
	const encoding = headers['content-encoding'];
	return encoding === undefined ? {} : { 'content-encoding': encoding };
}

function refuse(response: ServerResponse, status: number, message: string): ServerResponse {
	return response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Message>${message}</Message></Error>`);
}
