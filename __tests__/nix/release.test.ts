import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatHash } from '../../src/nix/hash.ts';
import { formatReleaseHash, nixSystem, parseNixRelease, parsePublishedHash, tarballUrl } from '../../src/nix/release.ts';

const hex = '2c2e146b80834fe0ca201b51deeb939405b4f18e8d2071bf80b10f8123c50464';

describe('the words of install-nix', () => {
	it('are a version alone, from where Nix publishes it', () => {
		const release = parseNixRelease('2.34.8');
		expect(release).toMatchObject({ version: '2.34.8', hashes: [] });
		expect(tarballUrl(release, 'x86_64-linux').href).toBe(
			'https://releases.nixos.org/nix/nix-2.34.8/nix-2.34.8-x86_64-linux.tar.xz',
		);
	});

	it('are a version, hashes in the usual spellings, and a mirror, in any order and on any lines', () => {
		const parts = ['2.34.8', hex, `sha256-${Buffer.from(hex, 'hex').toString('base64')}`, 'https://mirror.example/a/nix/'];
		const whole = parseNixRelease(parts.join('\r\n  '));
		expect(whole.hashes.map((hash) => formatHash(hash, 'hex'))).toEqual([`sha256:${hex}`, `sha256:${hex}`]);
		expect(tarballUrl(whole, 'aarch64-darwin').href).toBe(
			'https://mirror.example/a/nix/nix-2.34.8/nix-2.34.8-aarch64-darwin.tar.xz',
		);
		fc.assert(
			fc.property(fc.shuffledSubarray(parts, { minLength: 4 }), (words) => {
				expect(tarballUrl(parseNixRelease(words.join(' ')), 'x').href).toBe(tarballUrl(whole, 'x').href);
			}),
		);
	});

	it.each([
		['latest', 'not one version of three numbers'],
		['2.34.8 latest', 'neither a version, nor a hash'],
		['2.34', 'not one version of three numbers'],
		['2.34.8 2.31.2', 'not one version of three numbers'],
		['2.34.8pre1', 'not one version of three numbers'],
		['2.34.8/../../x', 'not one version of three numbers'],
		[`sha256:${hex}`, 'not one version of three numbers'],
		['2.34.8 sha256-AAAA', 'wrong length'],
		['2.34.8 sha1-AAAA', 'neither a version, nor a hash'],
		['2.34.8 ftp://mirror.example', 'is not an `https://` URL'],
		['2.34.8 https://ci:hunter22@mirror.example', 'credentials inside'],
		['2.34.8 https://a.example https://b.example', '2 mirrors'],
	])('`%s` are refused, with what is wrong', (text, message) => {
		expect(() => parseNixRelease(text)).toThrow(message);
		expect(() => parseNixRelease(text)).not.toThrow(/hunter22/);
	});
});

describe('the hash beside a tarball', () => {
	it('is read with and without the name of the file', () => {
		for (const text of [hex, `${hex}\n`, `${hex}  nix-2.34.8-x86_64-linux.tar.xz\n`]) {
			expect(formatReleaseHash(parsePublishedHash(text))).toBe(`sha256-${Buffer.from(hex, 'hex').toString('base64')}`);
		}
	});

	it('is nothing else', () => {
		for (const text of ['', '<html>not found</html>', hex.slice(1), `${hex}0`]) expect(() => parsePublishedHash(text)).toThrow();
	});
});

it('knows the systems that there are tarballs for', () => {
	expect(nixSystem('linux', 'x64')).toBe('x86_64-linux');
	expect(nixSystem('darwin', 'arm64')).toBe('aarch64-darwin');
	expect(nixSystem('win32', 'x64')).toBeNull();
	expect(nixSystem('linux', 'riscv64')).toBeNull();
});
