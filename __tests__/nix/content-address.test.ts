import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	type ContentAddress,
	checkContentAddress,
	contentAddressPath,
	formatContentAddress,
	parseContentAddress,
} from '../../src/nix/content-address.ts';
import { formatHash } from '../../src/nix/hash.ts';
import { hash, references, sha256, storeName, storePath } from './arbitraries.ts';
import { goldenJson } from './golden.ts';
import { invalidMessage, mutations, unlessInvalid } from './hostile.ts';

interface Row {
	readonly path: string;
	readonly references: readonly string[];
	readonly ca: string;
}

const rows = ['content-addresses.json', 'content-addresses-2.34.json'].flatMap((name) => goldenJson<readonly Row[]>(name));

function storeDirOf(row: Row): string {
	return row.path.slice(0, row.path.lastIndexOf('/'));
}

describe('content addresses', () => {
	it('of the golden data show every method, algorithm and kind of reference that Nix has', () => {
		const kinds = new Set(rows.map(({ ca }) => ca.slice(0, ca.lastIndexOf(':'))));
		const fixed = ['md5', 'sha1', 'sha256', 'sha512'].flatMap((algorithm) => [`fixed:${algorithm}`, `fixed:r:${algorithm}`]);
		expect([...kinds].sort()).toEqual([...fixed, 'text:sha256'].sort());
		expect(rows.filter((row) => row.references.includes(row.path)).length).toBeGreaterThanOrEqual(6);
		expect(rows.some((row) => row.ca.startsWith('text:') && row.references.length > 1)).toBe(true);
		expect(rows.some((row) => storeDirOf(row) !== '/nix/store')).toBe(true);
	});

	it.each(rows)('$ca stands for $path', (row) => {
		expect(checkContentAddress(row, storeDirOf(row))).toBeNull();
		expect(formatContentAddress(parseContentAddress(row.ca))).toBe(row.ca);
	});

	it.each(rows)('of $path do not stand for it when name, references or digest are others', (row) => {
		const storeDir = storeDirOf(row);
		const other = `${storeDir}/00000000000000000000000000000000-other`;
		const { hash } = parseContentAddress(row.ca);
		const digest = hash.digest.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
		const changed = formatContentAddress({ ...parseContentAddress(row.ca), hash: { ...hash, digest } });
		expect(checkContentAddress({ ...row, ca: changed }, storeDir)).toContain('its CA field stands for');
		expect(checkContentAddress({ ...row, path: `${row.path}x`, references: [] }, storeDir)).toContain('its CA field');
		expect(checkContentAddress({ ...row, references: [...row.references, other] }, storeDir)).toContain('its CA field');
		expect(checkContentAddress(row, '/elsewhere')).toContain('is not a store path in /elsewhere');
	});

	it('are not needed', () => {
		expect(checkContentAddress({ path: '/nix/store/anything', references: [], ca: null }, '/nix/store')).toBeNull();
	});

	it('that paths were made from stand for them', () => {
		const method = fc.constantFrom('text', 'recursive');
		fc.assert(
			fc.property(method, sha256, storeName, references, fc.boolean(), (method, hash, name, references, self) => {
				const selfReference = self && method === 'recursive';
				const ca = { method, hash } as const;
				const path = contentAddressPath(ca, name, references, selfReference, '/nix/store');
				const all = selfReference ? [...references, path] : references;
				expect(checkContentAddress({ path, references: all, ca: formatContentAddress(ca) }, '/nix/store')).toBeNull();
				expect(contentAddressPath(ca, name, [...references].reverse(), selfReference, '/nix/store')).toBe(path);
			}),
		);
	});

	it('come back from their text, in any spelling of the digest that Nix reads', () => {
		const method = fc.constantFrom<ContentAddress['method']>('text', 'flat', 'recursive', 'git');
		const prefix = { text: 'text:', flat: 'fixed:', recursive: 'fixed:r:', git: 'fixed:git:' };
		fc.assert(
			fc.property(method, hash, (method, hash) => {
				expect(parseContentAddress(formatContentAddress({ method, hash }))).toEqual({ method, hash });
				expect(parseContentAddress(prefix[method] + formatHash(hash, 'hex'))).toEqual({ method, hash });
			}),
		);
	});

	it.each([
		['text by another algorithm', 'text:sha1:4vifmhxwn25qqlxjhmkihd5d8gvd9g43', [], 'is addressed by sha256'],
		[
			'text that refers to itself',
			'text:sha256:0bkj3jq8aldrkpsfw52gwcabmzq3qbka1hzla7irzq3y242gh90y',
			['self'],
			'can not refer to itself',
		],
		[
			'references of a flat file',
			'fixed:sha256:0bkj3jq8aldrkpsfw52gwcabmzq3qbka1hzla7irzq3y242gh90y',
			['other'],
			'can have references',
		],
		['references of a NAR by sha1', 'fixed:r:sha1:4vifmhxwn25qqlxjhmkihd5d8gvd9g43', ['self'], 'can have references'],
		['a git tree by md5', 'fixed:git:md5:3y8bwfr609h3lh9ch0izcqq7fl', [], 'a git tree is addressed by sha1 or sha256'],
		['an unknown algorithm', 'fixed:r:blake3:0bkj3jq8aldrkpsfw52gwcabmzq3qbka1hzla7irzq3y242gh90y', [], 'unknown algorithm'],
		['an unknown method', 'magic:sha256:0bkj3jq8aldrkpsfw52gwcabmzq3qbka1hzla7irzq3y242gh90y', [], 'is not a content address'],
		['SRI', 'fixed:r:sha256-mCxPABZ6jRjUQx3bPP4vjA68ETbPLNz9V2pk9tO7pRQ=', [], 'is not a content address'],
		['nothing', '', [], 'is not a content address'],
	])('with %s are a problem, as Nix would end with an error or an assertion', (_what, ca, kinds, problem) => {
		const path = '/nix/store/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-x';
		const references = kinds.map((kind) => (kind === 'self' ? path : '/nix/store/9df65igwjmf2wbw0gbrrgair6piqjgmi-glibc-2.31'));
		expect(checkContentAddress({ path, references, ca }, '/nix/store')).toContain(problem);
	});

	it('of impossible combinations make no path', () => {
		const ca = parseContentAddress('fixed:sha256:0bkj3jq8aldrkpsfw52gwcabmzq3qbka1hzla7irzq3y242gh90y');
		expect(invalidMessage(() => contentAddressPath(ca, 'x', [], true, '/nix/store'))).toContain('can have references');
	});

	it('are refused for nothing but their format, however they are mutilated', () => {
		const [first] = rows;
		const text = first?.ca ?? '';
		fc.assert(
			fc.property(mutations(text), storePath, (ca, path) => {
				unlessInvalid(() => parseContentAddress(ca));
				expect(typeof checkContentAddress({ path, references: [], ca }, '/nix/store')).toBe('string');
			}),
		);
	});
});
