import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatHash } from '../../src/nix/hash.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { parsePathInfos } from '../../src/store/path-info-json.ts';

/** Written by the real ones about the same paths: `golden/README.md`. */
function golden(name: string): Map<string, PathInfo | null> {
	return parsePathInfos(readFileSync(join(import.meta.dirname, 'golden', name), 'utf8'), '/nix/store');
}

const BAD = '/nix/store/00000000000000000000000000000000-bad';
const SELF = '/nix/store/kldwsngzkvvdh7fq6dhy2ax64h5mjhv2-self';

const plain = (infos: Map<string, PathInfo | null>): unknown =>
	[...infos.entries()]
		.map(([path, info]) => (info === null ? [path, null] : [path, { ...info, narHash: formatHash(info.narHash, 'nix32') }]))
		.sort();

/** One entry as the list form of Nix 2.8 and Lix has it, with changes. */
const entry = (changes: object): string =>
	JSON.stringify([
		{
			path: `/nix/store/${'0'.repeat(32)}-a`,
			narHash: 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
			narSize: 120,
			references: [],
			...changes,
		},
	]);
const only = (json: string): PathInfo | null | undefined => [...parsePathInfos(json, '/nix/store').values()][0];

describe('path information as JSON', () => {
	it('has every field of what Nix 2.34 writes in format 2', () => {
		expect(plain(golden('nix-2.34-format-2.json'))).toMatchSnapshot();
	});

	it.each(['nix-2.26.json', 'nix-2.34.json', 'nix-2.34-format-1.json'])('is the same in %s', (name) => {
		expect(plain(golden(name))).toEqual(plain(golden('nix-2.34-format-2.json')));
	});

	it('is the same from Nix 2.8, which answers for derivation files apart', () => {
		const both = new Map([...golden('nix-2.8.json'), ...golden('nix-2.8-derivation.json')]);
		expect(plain(both)).toEqual(plain(golden('nix-2.34-format-2.json')));
	});

	it('says null for a path that is not valid', () => {
		for (const name of ['nix-2.8.json', 'nix-2.26.json', 'nix-2.34-format-2.json']) expect(golden(name).get(BAD)).toBeNull();
	});

	it('keeps a reference to itself', () => {
		expect(golden('nix-2.26.json').get(SELF)?.references).toContain(SELF);
	});

	it("reads Lix's list", () => {
		const info = only(entry({ deriver: null, signatures: ['k-1:AA=='], ultimate: true, ca: null, valid: true }));
		expect(info).toMatchObject({ deriver: null, signatures: ['k-1:AA=='], ultimate: true, ca: null });
	});

	it('reads hashes in parts, with and without the algorithm again', () => {
		const digest = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
		for (const hash of [digest, `sha256-${digest}`]) {
			const info = only(entry({ narHash: { algorithm: 'sha256', format: 'base64', hash } }));
			expect(info && formatHash(info.narHash, 'sri')).toBe(`sha256-${digest}`);
		}
	});

	it('reads the content addresses of format 2 into the spelling of narinfos', () => {
		const hash = 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
		const nix32 = 'sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73';
		const ca = (method: string): string | null | undefined => only(entry({ ca: { method, hash } }))?.ca;
		expect(['flat', 'nar', 'git', 'text'].map(ca)).toEqual([
			`fixed:${nix32}`,
			`fixed:r:${nix32}`,
			`fixed:git:${nix32}`,
			`text:${nix32}`,
		]);
	});

	it('reads a content address by an experimental algorithm, so that one such path does not hide all others', () => {
		const ca = { method: 'nar', hash: 'blake3-Hz+LmxpyMX5MdDdrr/1k5o6YTrPFhVgYiw4/MIcA7jg=' };
		// Of `nix store add --hash-algo blake3` with Nix 2.34; `nix path-info --json --json-format 1` spells it so.
		expect(only(entry({ ca }))?.ca).toBe('fixed:r:blake3:0f7f023k0gqficc5i1f5nd79i3p6ckysysrpfi67wcbj3adqngqz');
	});

	it('reads the signatures of format 3', () => {
		expect(only(entry({ signatures: [{ keyName: 'k-1', sig: 'AA==' }] }))?.signatures).toEqual(['k-1:AA==']);
	});

	it('takes base names and full paths of another store directory', () => {
		const json = JSON.stringify({
			version: 2,
			storeDir: '/srv/nix/store',
			info: {
				[`${'0'.repeat(32)}-a`]: {
					narHash: 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
					narSize: 8,
					references: [`/srv/nix/store/${'1'.repeat(32)}-b`],
				},
			},
		});
		const [[path, info] = []] = parsePathInfos(json, '/srv/nix/store');
		expect(path).toBe(`/srv/nix/store/${'0'.repeat(32)}-a`);
		expect(info?.references).toEqual([`/srv/nix/store/${'1'.repeat(32)}-b`]);
	});

	it.each([
		['no JSON', '{'],
		['another JSON', '3'],
		['an entry that is no object', '{"/nix/store/00000000000000000000000000000000-a": 1}'],
		['a path in another store', entry({ path: `/gnu/store/${'0'.repeat(32)}-a` })],
		['a path that goes up', entry({ path: `/nix/store/../${'0'.repeat(32)}-a` })],
		['no path', entry({ path: undefined })],
		['no hash', entry({ narHash: undefined })],
		['a hash of another algorithm', entry({ narHash: 'sha1-qDPVkvWajoLleFd7+ZWLRVfDgRA=' })],
		['a size that is no number', entry({ narSize: '120' })],
		['a size of nothing', entry({ narSize: 0 })],
		['a size beyond 2^53', entry({ narSize: 2 ** 53 })],
		['references that are no list', entry({ references: 'a' })],
		['a reference that is no name', entry({ references: ['a'] })],
		['a deriver that is no name', entry({ deriver: '/etc/passwd' })],
		['a signature that is no text', entry({ signatures: [1] })],
		[
			'a content address by an unknown method',
			entry({ ca: { method: 'magic', hash: 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' } }),
		],
	])('refuses %s', (_what, json) => {
		expect(() => parsePathInfos(json, '/nix/store')).toThrowError(expect.objectContaining({ code: 'format-invalid' }));
	});
});
