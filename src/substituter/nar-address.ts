import { CacheError } from '../errors.ts';

/** What the URL of a NAR says: whose NAR it is, and where the reader has it. */
export interface NarAddress {
	readonly hashPart: string;
	/** `NarInfo.url` as the reader gave it. */
	readonly readerUrl: string;
}

/** Longer ones would make request lines that some clients and our own limit on headers refuse. */
const MAX_READER_URL_BYTES = 4096;

const EXTENSIONS: Readonly<Record<string, string>> = {
	zstd: '.zst',
	xz: '.xz',
	bzip2: '.bz2',
	gzip: '.gz',
	br: '.br',
	lzip: '.lz',
	lz4: '.lz4',
};

const ADDRESS = /^nar\/([0-9a-df-np-sv-z]{32})-([A-Za-z0-9_-]+)\.nar(?:\.[a-z0-9]{1,4})?$/;

/**
 * The URL that a client is given in place of the reader's, relative to the root of the cache: `nar/<hashPart>-<reader's URL in base 64>.nar.zst`. It says all
 * that is needed, because Nix keeps narinfos on disk and may ask for the NAR long after, in another process. Throws `format-invalid` when it would be too long.
 */
export function formatNarAddress({ hashPart, readerUrl }: NarAddress, compression: string): string {
	const bytes = Buffer.from(readerUrl);
	if (bytes.length > MAX_READER_URL_BYTES)
		throw new CacheError(
			'format-invalid',
			`The URL of the NAR of ${hashPart} has ${bytes.length} bytes, more than ${MAX_READER_URL_BYTES}.`,
		);
	return `nar/${hashPart}-${bytes.toString('base64url')}.nar${EXTENSIONS[compression] ?? ''}`;
}

/** Reads what `formatNarAddress` wrote, `null` for anything else. The extension is for people: it is not looked at. */
export function parseNarAddress(path: string): NarAddress | null {
	const [, hashPart, opaque] = ADDRESS.exec(path) ?? [];
	if (hashPart === undefined || opaque === undefined) return null;
	const bytes = Buffer.from(opaque, 'base64url');
	const readerUrl = bytes.toString();
	const canonical = Buffer.from(readerUrl).toString('base64url') === opaque;
	return canonical && bytes.length <= MAX_READER_URL_BYTES ? { hashPart, readerUrl } : null;
}
