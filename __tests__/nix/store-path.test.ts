import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	baseNameOf,
	DEFAULT_STORE_DIR,
	hashPartOf,
	isDerivation,
	isStorePathName,
	parseBaseName,
	parseStorePath,
} from '../../src/nix/store-path.ts';
import { baseName } from './arbitraries.ts';
import { invalidMessage, mutations, unlessInvalid } from './hostile.ts';

const hashPart = 'w9yy7v61ipb5rx6i35zq1mvc2iqfmps1';
const hello = `/nix/store/${hashPart}-hello-2.10`;

describe('store paths', () => {
	it('are taken apart', () => {
		expect(parseStorePath(hello, DEFAULT_STORE_DIR)).toEqual({
			path: hello,
			storeDir: '/nix/store',
			baseName: `${hashPart}-hello-2.10`,
			hashPart,
			name: 'hello-2.10',
		});
	});

	it('may be in another store directory, but only in the given one', () => {
		const elsewhere = `/srv/nix/store/${hashPart}-hello`;
		expect(parseStorePath(elsewhere, '/srv/nix/store').name).toBe('hello');
		expect(invalidMessage(() => parseStorePath(elsewhere, '/nix/store'))).toContain('is not a store path in /nix/store');
		expect(invalidMessage(() => parseStorePath(hello, '/srv/nix/store'))).toContain('is not a store path in /srv/nix/store');
	});

	it('are the same whether they come by path or by base name', () => {
		fc.assert(
			fc.property(baseName, (name) => {
				const parsed = parseBaseName(name, '/nix/store');
				expect(parseStorePath(`/nix/store/${name}`, '/nix/store')).toEqual(parsed);
				expect(`${parsed.hashPart}-${parsed.name}`).toBe(name);
				expect(baseNameOf(parsed.path)).toBe(name);
				expect(hashPartOf(parsed.path)).toBe(parsed.hashPart);
				expect(hashPartOf(name)).toBe(parsed.hashPart);
			}),
		);
	});

	it('are refused for nothing but their format, and never lead out of the store directory', () => {
		fc.assert(
			fc.property(mutations(hello), (text) => {
				const parsed = unlessInvalid(() => parseStorePath(text, '/nix/store'));
				if (parsed !== null) expect(parsed.path).toMatch(/^\/nix\/store\/[0-9a-z]{32}-[^/\s]+$/);
			}),
		);
	});

	it('are derivations by the end of their name', () => {
		expect(isDerivation(`${hello}.drv`)).toBe(true);
		expect(isDerivation(hello)).toBe(false);
	});

	it.each(['x', 'a'.repeat(211), '.gitignore', '...', '.a-b', '..a', 'A+b-c.d_e?f=0', 'x.lock'])(
		'may have the name %j',
		(name) => {
			expect(isStorePathName(`${hashPart}-${name}`)).toBe(true);
		},
	);

	it.each([
		['no name', `${hashPart}-`],
		['no dash', `${hashPart}hello`],
		['too long a name', `${hashPart}-${'a'.repeat(212)}`],
		['the name of the folder itself', `${hashPart}-.`],
		['the name of the folder above', `${hashPart}-..`],
		['a first part that is .', `${hashPart}-.-a`],
		['a first part that is ..', `${hashPart}-..-a`],
		['a slash', `${hashPart}-a/b`],
		['a blank', `${hashPart}-a b`],
		['a line end', `${hashPart}-a\n`],
		['a letter beyond ASCII', `${hashPart}-é`],
		['a hash of 31 digits', `${hashPart.slice(1)}-a`],
		['a hash of 33 digits', `0${hashPart}-a`],
		['an e in the hash', `e${hashPart.slice(1)}-a`],
		['an o in the hash', `o${hashPart.slice(1)}-a`],
		['a t in the hash', `t${hashPart.slice(1)}-a`],
		['a u in the hash', `u${hashPart.slice(1)}-a`],
		['upper case in the hash', `W${hashPart.slice(1)}-a`],
		['the folder of hard links', '.links'],
		['a temporary folder', 'tmp-123-0'],
	])('are not those with %s', (_what, name) => {
		expect(isStorePathName(name)).toBe(false);
		expect(invalidMessage(() => parseBaseName(name, '/nix/store'))).toContain('is not the name of a store path');
	});

	it('are checked fast enough for stores of 50,000', () => {
		const names = Array.from({ length: 50_000 }, (_, index) => `${hashPart}-package-${index}-with-a-usual-name-1.2.3`);
		names.filter(isStorePathName);
		const start = performance.now();
		expect(names.filter(isStorePathName)).toHaveLength(50_000);
		expect(performance.now() - start).toBeLessThan(200);
	});
});
