import { CacheError } from '../errors.ts';
import { MAX_NARINFO_BYTES, type NarInfo, parseNarInfo } from '../nix/narinfo.ts';
import type { ObjectReader } from './object-reader.ts';
import type { PathReader } from './path-reader.ts';

/**
 * A plain binary cache, for the local substituter. Its NARs are passed on as they are stored: Nix checks them against the narinfo, whose signature
 * it checks as it would without us.
 */
export function createBinaryCacheReader(reader: ObjectReader, storeDir: string): PathReader {
	return {
		label: reader.label,
		async narInfo(hashPart, signal): Promise<NarInfo | null> {
			const bytes = await reader.get(`${hashPart}.narinfo`, MAX_NARINFO_BYTES, signal);
			if (bytes === null) return null;
			return parseNarInfo(Buffer.from(bytes).toString('utf8'), { storeDir, expectedHashPart: hashPart });
		},
		openNar(url, range, signal) {
			// What a narinfo names is looked up in its own cache, never elsewhere.
			if (/^[a-z][a-z0-9+.-]*:|^\/|(^|\/)\.\.(\/|$)/i.test(url)) {
				throw new CacheError('format-invalid', `${reader.label} has a narinfo whose NAR lies elsewhere (${url}).`);
			}
			return reader.open(url, range, signal);
		},
		close: () => reader.close(),
	};
}
