import { CacheError } from '../errors.ts';
import { encodeBase32 } from '../nix/base32.ts';
import { decodeBase64 } from '../nix/base64.ts';
import { formatHash, type Hash, parseHash } from '../nix/hash.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { quote } from '../nix/quote.ts';
import { parseBaseName, parseStorePath } from '../nix/store-path.ts';

/**
 * Reads what any version writes for `nix path-info --json`, keyed by full path, `null` for a path that is not valid:
 *
 * - up to 2.18, and Lix: a list of `{path, valid?, ...}`, where what is empty is left out;
 * - from 2.19 (`--json-format 1`): a map from full path to an object or `null`;
 * - from 2.33 with `--json-format 2` or later: `{version, storeDir, info}` with base names in place of paths.
 *
 * Hashes may be text or `{algorithm, format, hash}`, content addresses text or `{method, hash}`, signatures text or `{keyName, sig}`.
 * Throws `format-invalid`.
 */
export function parsePathInfos(json: string, storeDir: string): Map<string, PathInfo | null> {
	const names = new PathReader(storeDir);
	return new Map(
		entriesOf(parseJson(json)).map(([name, value]): [string, PathInfo | null] => {
			const path = names.read(name, 'a path');
			return [path, value === null ? null : readPathInfo(path, value, names)];
		}),
	);
}

type Fields = Readonly<Record<string, unknown>>;

function parseJson(json: string): unknown {
	try {
		return JSON.parse(json);
	} catch (cause) {
		throw new CacheError('format-invalid', "Nix's path information is not valid JSON.", { cause });
	}
}

/** The three outer shapes as one: name or full path, and the fields of a valid path. */
function entriesOf(parsed: unknown): readonly (readonly [unknown, Fields | null])[] {
	if (Array.isArray(parsed)) {
		return parsed.map((item) => {
			const fields = asFields(item, 'an entry');
			return [fields.path, fields.valid === false ? null : fields];
		});
	}
	const outer = asFields(parsed, 'the whole');
	const entries = typeof outer.version === 'number' ? asFields(outer.info, 'info') : outer;
	return Object.entries(entries).map(([name, value]) => [name, value === null ? null : asFields(value, name)]);
}

function readPathInfo(path: string, fields: Fields, names: PathReader): PathInfo {
	const { narSize, deriver, ca } = fields;
	const narHash = readHash(fields.narHash, 'narHash', path);
	if (narHash.algorithm !== 'sha256') throw wrong('narHash', path);
	if (typeof narSize !== 'number' || !Number.isSafeInteger(narSize) || narSize <= 0) throw wrong('narSize', path);
	return {
		path,
		narHash,
		narSizeBytes: narSize,
		references: asList(fields.references, 'references', path)
			.map((reference) => names.read(reference, `a reference of ${path}`))
			.sort(),
		deriver: isAbsent(deriver) ? null : names.read(deriver, `the deriver of ${path}`),
		signatures: asList(fields.signatures, 'signatures', path).map((signature) => readSignature(signature, path)),
		ca: isAbsent(ca) ? null : readContentAddress(ca, path),
		ultimate: fields.ultimate === true,
	};
}

/** Full paths from full paths or base names. The same few thousand names come again and again as references: each is checked once. */
class PathReader {
	readonly #storeDir: string;
	readonly #known = new Map<string, string>();

	constructor(storeDir: string) {
		this.#storeDir = storeDir;
	}

	read(value: unknown, what: string): string {
		if (typeof value !== 'string') throw new CacheError('format-invalid', `Nix's path information: ${what} is not text.`);
		const known = this.#known.get(value);
		if (known !== undefined) return known;
		const { path } = value.startsWith('/') ? parseStorePath(value, this.#storeDir) : parseBaseName(value, this.#storeDir);
		this.#known.set(value, path);
		return path;
	}
}

/** Text with its algorithm (`sha256-<base64>`), or `{algorithm, format, hash}` where `hash` may or may not repeat it. */
function readHash(value: unknown, field: string, path: string): Hash {
	if (typeof value === 'string') return parseHash(value);
	const { algorithm, hash } = asFields(value, `${field} of ${path}`);
	if (typeof algorithm !== 'string' || typeof hash !== 'string') throw wrong(field, path);
	return parseHash(/[-:]/.test(hash) ? hash : `${algorithm}:${hash}`);
}

/** How Nix spells the methods in front of the hash (libstore/content-address.cc). */
const METHOD_PREFIXES: ReadonlyMap<unknown, string> = new Map([
	['flat', 'fixed:'],
	['nar', 'fixed:r:'],
	['git', 'fixed:git:'],
	['text', 'text:'],
]);

function readContentAddress(value: unknown, path: string): string {
	if (typeof value === 'string') return value;
	const { method, hash } = asFields(value, `the content address of ${path}`);
	const prefix = METHOD_PREFIXES.get(method);
	if (prefix === undefined) throw wrong('ca', path);
	return prefix + (experimentalHash(hash) ?? formatHash(readHash(hash, 'ca', path), 'nix32'));
}

/** By an algorithm that only some versions of Nix know, spelled as in narinfos: who publishes the path decides what becomes of it. `null` for all others. */
function experimentalHash(hash: unknown): string | null {
	const [, digest] = (typeof hash === 'string' ? /^blake3-(.*)$/.exec(hash) : null) ?? [];
	return digest === undefined ? null : `blake3:${encodeBase32(decodeBase64(digest, 'A BLAKE3 hash'))}`;
}

function readSignature(value: unknown, path: string): string {
	if (typeof value === 'string') return value;
	const { keyName, sig } = asFields(value, `a signature of ${path}`);
	if (typeof keyName !== 'string' || typeof sig !== 'string') throw wrong('signatures', path);
	return `${keyName}:${sig}`;
}

function isAbsent(value: unknown): value is null | undefined {
	return value === undefined || value === null;
}

function asFields(value: unknown, what: string): Fields {
	if (isFields(value)) return value;
	throw new CacheError('format-invalid', `Nix's path information: ${what} is not an object.`);
}

function isFields(value: unknown): value is Fields {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asList(value: unknown, field: string, path: string): readonly unknown[] {
	if (value === undefined || value === null) return [];
	if (!Array.isArray(value)) throw wrong(field, path);
	return value;
}

function wrong(field: string, path: string): CacheError {
	return new CacheError('format-invalid', `Nix's path information of ${quote(path, 300)}: unexpected ${field}.`);
}
