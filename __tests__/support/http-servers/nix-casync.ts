/**
 * A server as nix-casync is (pkg/server/server.go, pkg/store/metadatastore): what it keeps is the NAR itself, under its hash, and what a narinfo says of the path.
 * A narinfo is refused when its NAR is not there, or a path that it refers to; served NARs are compressed anew, so HEAD knows no length.
 */
import { createHash } from 'node:crypto';
import { brotliDecompressSync, gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { encodeBase32 } from '../../../src/nix/base32.ts';
import { digestText } from '../../../src/nix/hash.ts';
import { formatNarInfo, type NarInfo, parseNarInfo } from '../../../src/nix/narinfo.ts';
import { hashPartOf } from '../../../src/nix/store-path.ts';
import type { Handler } from '../http-cache.ts';
import { keyOf, readBody, reply } from './files.ts';

const DECOMPRESS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
	'': (bytes) => bytes,
	'.zst': (bytes) => zstdDecompressSync(bytes),
	'.gz': (bytes) => gunzipSync(bytes),
	'.br': (bytes) => brotliDecompressSync(bytes),
};

export function nixCasync(): Handler {
	const nars = new Map<string, Buffer>();
	const paths = new Map<string, NarInfo>();

	const putNarInfo = (text: string): string | null => {
		const info = parseNarInfo(text, { storeDir: '/nix/store' });
		const nar = nars.get(digestText(info.narHash, 'nix32'));
		if (nar === undefined) return 'Narinfo points to non-existent NarHash';
		if (nar.length !== info.narSizeBytes) return 'NarMeta is conflicting';
		const hashPart = hashPartOf(info.storePath);
		const missing = info.references.map(hashPartOf).find((reference) => reference !== hashPart && !paths.has(reference));
		if (missing !== undefined) return `Error putting PathInfo: ${missing} is not there`;
		paths.set(hashPart, info);
		return null;
	};

	return async (request, response) => {
		const { method = '' } = request;
		const name = keyOf(request);
		if (name === 'nix-cache-info') {
			if (method !== 'GET') return reply(response, 405);
			return reply(response, 200, 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n');
		}
		const [, hashPart] = /^([0-9a-z]{32})\.narinfo$/.exec(name) ?? [];
		const [, narHash, suffix = ''] = /^nar\/([0-9a-z]{52})\.nar(\.\w+)?$/.exec(name) ?? [];
		if (!['GET', 'HEAD', 'PUT'].includes(method)) return reply(response, 405);
		if (hashPart !== undefined && method === 'PUT') {
			let problem: string | null;
			try {
				problem = putNarInfo((await readBody(request)).toString('utf8'));
			} catch {
				problem = 'Error parsing .narinfo';
			}
			return problem === null ? reply(response, 200) : reply(response, 400, problem);
		}
		if (hashPart !== undefined) {
			const info = paths.get(hashPart);
			if (info === undefined) return reply(response, 404, 'Error getting PathInfo');
			const url = `nar/${digestText(info.narHash, 'nix32')}.nar.zst`;
			const text = formatNarInfo({ ...info, url, compression: 'zstd', fileHash: null, fileSizeBytes: null });
			return reply(response, 200, text);
		}
		if (narHash === undefined) return reply(response, 404);
		if (method === 'PUT') {
			const decompress = DECOMPRESS[suffix];
			if (decompress === undefined) return reply(response, 500, 'Error initializing decompressor');
			const nar = decompress(await readBody(request));
			nars.set(encodeBase32(createHash('sha256').update(nar).digest()), nar);
			return reply(response, 200);
		}
		const nar = nars.get(narHash);
		if (nar === undefined || suffix !== '.zst' || method === 'HEAD') return reply(response, 404);
		// No length: it is compressed on the way out.
		response.writeHead(200, { 'content-type': 'application/x-nix-nar' });
		response.end(zstdCompressSync(nar));
	};
}
