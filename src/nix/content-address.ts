import { createHash } from 'node:crypto';
import { CacheError } from '../errors.ts';
import { encodeBase32 } from './base32.ts';
import { foldHash, formatHash, type Hash, parseHash } from './hash.ts';
import type { PathInfo } from './path-info.ts';
import { quote } from './quote.ts';
import { parseStorePath } from './store-path.ts';

/**
 * How a content-addressed path was hashed: as a text file with references, as the bytes of one file, as a NAR, or as a git tree
 * (experimental). A path made so needs no signature, since its name follows from this field, its references and its own name.
 */
export interface ContentAddress {
	readonly method: 'text' | 'flat' | 'recursive' | 'git';
	readonly hash: Hash;
}

/** nix/src/libstore/content-address.cc, renderContentAddress. */
const PREFIX: Readonly<Record<ContentAddress['method'], string>> = {
	text: 'text:',
	flat: 'fixed:',
	recursive: 'fixed:r:',
	git: 'fixed:git:',
};

const METHODS: Readonly<Record<string, ContentAddress['method']>> = {
	text: 'text',
	fixed: 'flat',
	'fixed:r': 'recursive',
	'fixed:git': 'git',
};

/** The method's part of the text that is hashed for all but `text` and NARs by SHA-256. */
const INNER_PREFIX: Readonly<Record<ContentAddress['method'], string>> = { text: '', flat: '', recursive: 'r:', git: 'git:' };

const STORE_HASH_BYTES = 20;

/** Reads `fixed:[r:|git:]algo:digest` or `text:sha256:digest`. Throws `format-invalid`. */
export function parseContentAddress(text: string): ContentAddress {
	const [, prefix = '', hash = ''] = /^(text|fixed|fixed:r|fixed:git):([a-z0-9]+:[A-Za-z0-9+/=]*)$/.exec(text) ?? [];
	const method = METHODS[prefix];
	if (method === undefined) {
		throw new CacheError(
			'format-invalid',
			`${quote(text, 160)} is not a content address (\`text:\` or \`fixed:\`, then algorithm and digest).`,
		);
	}
	return { method, hash: parseHash(hash) };
}

/** As Nix writes it, the digest in base 32. */
export function formatContentAddress(ca: ContentAddress): string {
	return PREFIX[ca.method] + formatHash(ca.hash, 'nix32');
}

function sha256(text: string): Buffer {
	return createHash('sha256').update(text).digest();
}

/** nix/src/libstore/store-dir-config.cc, makeStorePath. `hash` is written `sha256:<hex>`. */
function makeStorePath(type: string, hash: string, name: string, storeDir: string): string {
	const digest = foldHash(sha256(`${type}:${hash}:${storeDir}:${name}`), STORE_HASH_BYTES);
	return `${storeDir}/${encodeBase32(digest)}-${name}`;
}

/** What Nix would stop at, with an exception or an assertion that ends its process. */
function impossible(ca: ContentAddress, references: readonly string[], selfReference: boolean): string | null {
	const { method, hash } = ca;
	if (method === 'text') {
		if (hash.algorithm !== 'sha256') return `a text file is addressed by sha256, not by ${hash.algorithm}`;
		return selfReference ? 'a text file can not refer to itself' : null;
	}
	if (method === 'git' && hash.algorithm !== 'sha1' && hash.algorithm !== 'sha256') {
		return `a git tree is addressed by sha1 or sha256, not by ${hash.algorithm}`;
	}
	if (method === 'recursive' && hash.algorithm === 'sha256') return null;
	return references.length > 0 || selfReference ? 'only a text file or a NAR hashed by sha256 can have references' : null;
}

/**
 * The full store path that a content address stands for. `references` are full paths, in any order, without the path itself;
 * `selfReference` says whether it refers to itself. Throws `format-invalid` on a combination that no path has.
 * Source: nix/src/libstore/store-dir-config.cc, makeFixedOutputPath and makeTextPath.
 */
export function contentAddressPath(
	ca: ContentAddress,
	name: string,
	references: readonly string[],
	selfReference: boolean,
	storeDir: string,
): string {
	const problem = impossible(ca, references, selfReference);
	if (problem !== null) throw new CacheError('format-invalid', `${quote(name)} can't be content-addressed so: ${problem}.`);
	const hash = formatHash(ca.hash, 'hex');
	if (ca.method !== 'text' && !(ca.method === 'recursive' && ca.hash.algorithm === 'sha256')) {
		const inner = sha256(`fixed:out:${INNER_PREFIX[ca.method]}${hash}:`).toString('hex');
		return makeStorePath('output:out', `sha256:${inner}`, name, storeDir);
	}
	const sorted = [...new Set(references)].sort();
	const type = [ca.method === 'text' ? 'text' : 'source', ...sorted, ...(selfReference ? ['self'] : [])].join(':');
	return makeStorePath(type, hash, name, storeDir);
}

/**
 * Whether the CA field of a path fits the path: `null` when it does or when there is none, else what is wrong. A field that does not
 * fit must never be published: Nix clients of all versions end with SIGABRT when they see one.
 *
 * Paths that refer to themselves are checked like all others. Nix 2.17 to 2.34 compute their digest by another rule than the versions
 * before and after (release notes of 2.35), but the digest is in the field, and how the path follows from it never changed.
 * Whether the digest is that of the contents is not looked at: that takes the contents, and whoever imports the path checks it.
 * A field that this code can't read (an experimental algorithm) counts as one that does not fit, since older clients can't read it
 * either.
 */
export function checkContentAddress(info: Pick<PathInfo, 'path' | 'references' | 'ca'>, storeDir: string): string | null {
	if (info.ca === null) return null;
	try {
		const { name } = parseStorePath(info.path, storeDir);
		const others = info.references.filter((reference) => reference !== info.path);
		const expected = contentAddressPath(
			parseContentAddress(info.ca),
			name,
			others,
			others.length < info.references.length,
			storeDir,
		);
		return expected === info.path ? null : `its CA field stands for ${expected}`;
	} catch (error) {
		if (error instanceof CacheError) return `its CA field can't be used: ${error.message}`;
		throw error;
	}
}
