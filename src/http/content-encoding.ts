import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { CacheError } from '../errors.ts';

const DECODERS = {
	gzip: gunzipSync,
	'x-gzip': gunzipSync,
	deflate: inflateSync,
	br: brotliDecompressSync,
	zstd: zstdDecompressSync,
} as const;

/**
 * Takes a `Content-Encoding` off. We ask for none, but some caches store their narinfos encoded (Nix's `narinfo-compression`, niks3) and a
 * plain file server behind them hands them out as they are.
 * @throws CacheError `cache-invalid`: unknown encoding, damaged, or longer than `limitBytes` when decoded
 */
export function decodeContent(bytes: Uint8Array, encoding: string | null, limitBytes: number, doing: string): Uint8Array {
	const names = (encoding ?? '')
		.toLowerCase()
		.split(',')
		.map((name) => name.trim())
		.filter((name) => name !== '' && name !== 'identity');
	return names.reduceRight((left, name) => decode(left, name, limitBytes, doing), bytes);
}

function decode(bytes: Uint8Array, name: string, limitBytes: number, doing: string): Uint8Array {
	const decoder = isKnown(name) ? DECODERS[name] : null;
	if (decoder === null)
		throw new CacheError('cache-invalid', `${doing}: the answer has the unknown Content-Encoding ${JSON.stringify(name)}.`);
	try {
		return decoder(bytes, { maxOutputLength: limitBytes });
	} catch (error) {
		throw new CacheError('cache-invalid', `${doing}: the answer's Content-Encoding ${name} can't be undone.`, { cause: error });
	}
}

function isKnown(name: string): name is keyof typeof DECODERS {
	return Object.hasOwn(DECODERS, name);
}
