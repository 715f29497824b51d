import { CacheError } from '../errors.ts';
import { formatHash, type Hash, parseHash } from './hash.ts';
import { quote } from './quote.ts';
import { baseNameOf, hashPartOf, parseBaseName, parseStorePath } from './store-path.ts';

/** What a binary cache says about one path, at `<hashPart>.narinfo`. Paths are full. */
export interface NarInfo {
	readonly storePath: string;
	/** Where the NAR is: relative to the root of the cache, or absolute. */
	readonly url: string;
	/** `zstd`, `xz`, `none` and so on; `bzip2` when the cache does not say. */
	readonly compression: string;
	/** Of the compressed NAR. Many servers leave it out, and no client checks it. */
	readonly fileHash: Hash | null;
	readonly fileSizeBytes: number | null;
	readonly narHash: Hash;
	readonly narSizeBytes: number;
	/** Sorted bytewise, each once. */
	readonly references: readonly string[];
	readonly deriver: string | null;
	/** `keyName:base64`, as they stand. */
	readonly signatures: readonly string[];
	readonly ca: string | null;
}

export interface NarInfoOptions {
	readonly storeDir: string;
	/** The hash part that was asked for; another one is an error. */
	readonly expectedHashPart?: string | undefined;
}

/** Room for some seventy thousand references. Nix itself has no limit. */
export const MAX_NARINFO_BYTES = 4 * 1024 * 1024;

const KNOWN_ONCE: ReadonlySet<string> = new Set([
	'StorePath',
	'URL',
	'Compression',
	'FileHash',
	'FileSize',
	'NarHash',
	'NarSize',
	'References',
	'Deriver',
	'CA',
]);

interface Field {
	readonly value: string;
	readonly line: number;
}

/** Known fields by name; signatures, which may come several times, apart. */
interface Fields {
	readonly byName: ReadonlyMap<string, Field>;
	readonly signatures: readonly Field[];
}

function corrupt(line: number, problem: string, cause?: unknown): CacheError {
	return new CacheError('format-invalid', `Line ${line} of the narinfo: ${problem}.`, { cause });
}

function splitFields(text: string): Fields {
	if (Buffer.byteLength(text) > MAX_NARINFO_BYTES) {
		throw new CacheError('format-invalid', `The narinfo is larger than ${MAX_NARINFO_BYTES} bytes.`);
	}
	const lines = text.split('\n');
	if (lines.pop() !== '') throw corrupt(lines.length + 1, 'it does not end with a line end; is the file cut off?');
	const byName = new Map<string, Field>();
	const signatures: Field[] = [];
	for (const [index, content] of lines.entries()) {
		const line = index + 1;
		if (content.endsWith('\r')) throw corrupt(line, 'it ends with CR and LF, which Nix refuses');
		if (/\p{Cc}/u.test(content)) throw corrupt(line, 'there is a control character in it');
		const separator = content.indexOf(': ');
		if (separator < 1 || content.indexOf(':') !== separator) throw corrupt(line, `${quote(content)} is not \`Name: value\``);
		const name = content.slice(0, separator);
		const field = { value: content.slice(separator + 2), line };
		if (name === 'Sig') signatures.push(field);
		if (!KNOWN_ONCE.has(name)) continue;
		if (byName.has(name)) throw corrupt(line, `${name} is there twice`);
		byName.set(name, field);
	}
	return { byName, signatures };
}

/** Runs `parse` over a field's value; an error names the line. */
function parseField<T>(field: Field, parse: (value: string) => T): T {
	try {
		return parse(field.value);
	} catch (error) {
		if (error instanceof CacheError) throw corrupt(field.line, error.message.replace(/\.$/, ''), error);
		throw error;
	}
}

function parseNumber(field: Field): number {
	const number = Number(field.value);
	if (!/^\d{1,16}$/.test(field.value) || !Number.isSafeInteger(number))
		throw corrupt(field.line, `${quote(field.value)} is no size`);
	return number;
}

function parseReferences(field: Field, storeDir: string): readonly string[] {
	const names = field.value.split(' ').filter((name) => name !== '');
	const paths = names.map((name) => parseField({ ...field, value: name }, (value) => parseBaseName(value, storeDir).path));
	return [...new Set(paths)].sort();
}

function parseDeriver(field: Field | undefined, storeDir: string): string | null {
	if (field === undefined || field.value === 'unknown-deriver') return null;
	return parseField(field, (value) => parseBaseName(value, storeDir).path);
}

function parseSignature(field: Field): string {
	if (!/^[^:\s]+:\S+$/.test(field.value)) throw corrupt(field.line, `${quote(field.value)} is no signature (\`name:base64\`)`);
	return field.value;
}

function parseNarHash(value: string): Hash {
	const hash = parseHash(value);
	if (hash.algorithm !== 'sha256') throw new CacheError('format-invalid', `NarHash is by ${hash.algorithm}, not by sha256.`);
	return hash;
}

function parseUrl(field: Field): string {
	if (!/^\S+$/.test(field.value)) throw corrupt(field.line, `${quote(field.value)} is no URL`);
	return field.value;
}

function parseCompression(field: Field | undefined): string {
	if (field === undefined || field.value === '') return 'bzip2';
	if (!/^[A-Za-z0-9-]{1,32}$/.test(field.value)) throw corrupt(field.line, `${quote(field.value)} is no name of a compression`);
	return field.value;
}

/**
 * Reads an untrusted narinfo. As tolerant as Nix: fields that no client needs may be absent (FileHash, FileSize, References, Deriver,
 * CA; Compression is then `bzip2`), unknown ones are ignored, hashes may have any spelling. What makes some Nix version fail is
 * refused: `format-invalid`, with the line. Source: nix/src/libstore/nar-info.cc.
 */
export function parseNarInfo(text: string, options: NarInfoOptions): NarInfo {
	const { storeDir, expectedHashPart } = options;
	const { byName, signatures } = splitFields(text);
	const required = (name: string): Field => {
		const field = byName.get(name);
		if (field === undefined) throw new CacheError('format-invalid', `The narinfo has no ${name}.`);
		return field;
	};
	const optional = <T>(name: string, parse: (field: Field) => T): T | null => {
		const field = byName.get(name);
		return field === undefined ? null : parse(field);
	};

	const storePath = parseField(required('StorePath'), (value) => parseStorePath(value, storeDir).path);
	if (expectedHashPart !== undefined && hashPartOf(storePath) !== expectedHashPart) {
		throw corrupt(
			required('StorePath').line,
			`it is about ${quote(storePath, 300)}, not about a path with hash ${expectedHashPart}`,
		);
	}
	const narSize = required('NarSize');
	const narSizeBytes = parseNumber(narSize);
	if (narSizeBytes === 0) throw corrupt(narSize.line, 'NarSize is 0');
	return {
		storePath,
		url: parseUrl(required('URL')),
		compression: parseCompression(byName.get('Compression')),
		fileHash: optional('FileHash', (field) => parseField(field, parseHash)),
		fileSizeBytes: optional('FileSize', parseNumber),
		narHash: parseField(required('NarHash'), parseNarHash),
		narSizeBytes,
		references: optional('References', (field) => parseReferences(field, storeDir)) ?? [],
		deriver: parseDeriver(byName.get('Deriver'), storeDir),
		signatures: signatures.map(parseSignature),
		ca: optional('CA', (field) => field.value || null),
	};
}

/** One line; refuses what would begin another one. */
function line(name: string, value: string): string {
	if (/\p{Cc}/u.test(value)) throw new CacheError('format-invalid', `${quote(value)} can't be the ${name} of a narinfo.`);
	return `${name}: ${value}\n`;
}

/**
 * As Nix writes it, byte for byte: its order of fields, base names for paths, base 32 for hashes, `References: ` even when there are
 * none, references and signatures sorted and each once. Fields that are `null` are left out. Throws `format-invalid` when a value
 * has a line break or another control character in it. Source: nix/src/libstore/nar-info.cc, NarInfo::to_string.
 */
export function formatNarInfo(info: NarInfo): string {
	const references = [...new Set(info.references.map(baseNameOf))].sort().join(' ');
	const signatures = [...new Set(info.signatures)].sort();
	return [
		line('StorePath', info.storePath),
		line('URL', info.url),
		line('Compression', info.compression),
		info.fileHash === null ? '' : line('FileHash', formatHash(info.fileHash, 'nix32')),
		info.fileSizeBytes === null ? '' : line('FileSize', String(info.fileSizeBytes)),
		line('NarHash', formatHash(info.narHash, 'nix32')),
		line('NarSize', String(info.narSizeBytes)),
		line('References', references),
		info.deriver === null ? '' : line('Deriver', baseNameOf(info.deriver)),
		...signatures.map((signature) => line('Sig', signature)),
		info.ca === null ? '' : line('CA', info.ca),
	].join('');
}
