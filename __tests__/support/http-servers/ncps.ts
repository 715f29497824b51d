/**
 * A server as ncps is (pkg/server/server.go, pkg/cache): it serves at its root and takes uploads under `/upload`, both for everybody; a narinfo gets the
 * signature of the server in addition. HEAD answers 204 with the length of what GET would give, ranges are ignored, OPTIONS names the methods of the route.
 */
import { parseNarInfo } from '../../../src/nix/narinfo.ts';
import { fingerprint, formatPublicKey, generateKey, publicKeyOf, sign } from '../../../src/nix/signature.ts';
import type { Handler } from '../http-cache.ts';
import { fileIn, keyOf, readBody, reply, writeIn } from './files.ts';

const key = generateKey('ncps.test');
export const NCPS_PUBLIC_KEY = formatPublicKey(publicKeyOf(key));

export function ncps(folder: string, { allowPut = true } = {}): Handler {
	return async (request, response) => {
		const name = keyOf(request);
		if (name === 'nix-cache-info') {
			if (request.method !== 'GET') return reply(response, 405, '', { allow: 'GET' });
			return reply(response, 200, 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 10');
		}
		const [, upload = '', object = ''] = /^(upload\/)?([a-z0-9]+\.narinfo|nar\/[a-z0-9]+\.nar(?:\.\w+)?)$/.exec(name) ?? [];
		if (object === '') return reply(response, 404, 'Not Found');
		if (request.method === 'PUT') {
			if (upload === '' || !allowPut) return reply(response, 405, 'Method Not Allowed');
			const body = await readBody(request);
			if (!object.endsWith('.narinfo')) writeIn(folder, object, body);
			else {
				try {
					writeIn(folder, object, signed(body.toString('utf8')));
				} catch {
					return reply(response, 500, 'Internal Server Error');
				}
			}
			return void response.writeHead(204).end();
		}
		if (request.method !== 'GET' && request.method !== 'HEAD') return reply(response, 405, '', { allow: 'GET, HEAD, PUT' });
		const file = fileIn(folder, object);
		if (file === null) return reply(response, 404, 'Not Found');
		if (request.method === 'HEAD') return void response.writeHead(204, { 'content-length': String(file.length) }).end();
		reply(response, 200, file);
	};
}

function signed(text: string): string {
	const { storePath: path, ...info } = parseNarInfo(text, { storeDir: '/nix/store' });
	return `${text.trimEnd()}\nSig: ${sign(fingerprint({ path, ...info }), key)}\n`;
}
