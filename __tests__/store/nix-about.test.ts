import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAtLeast, parseNixAbout, parseNixVersion } from '../../src/store/nix-about.ts';

const golden = (name: string): string => readFileSync(join(import.meta.dirname, 'golden', name), 'utf8');

describe("Nix's version", () => {
	it.each([
		['nix (Nix) 2.8.0', { implementation: 'nix', text: '2.8.0', major: 2, minor: 8 }],
		['nix (Nix) 2.36.0pre20261101_0123abc', { implementation: 'nix', text: '2.36.0pre20261101_0123abc', major: 2, minor: 36 }],
		[
			'nix (Determinate Nix 3.15.1) 2.33.0',
			{ implementation: 'determinate', text: 'Determinate 3.15.1 (Nix 2.33.0)', major: 2, minor: 33 },
		],
		['nix (Lix, like Nix) 2.93.3', { implementation: 'lix', text: 'Lix 2.93.3', major: 2, minor: 18 }],
	])('is read from %s', (line, version) => {
		expect(parseNixVersion(line)).toEqual(version);
	});

	it('compares as numbers', () => {
		const version = parseNixVersion('nix (Nix) 2.15.1');
		expect([
			isAtLeast(version, 2, 8),
			isAtLeast(version, 2, 15),
			isAtLeast(version, 2, 16),
			isAtLeast(version, 3, 0),
			isAtLeast(version, 1, 99),
		]).toEqual([true, true, false, false, true]);
	});

	it.each(['', 'nix 2.8', 'zsh: command not found: nix', 'nix (Nix) 2.3.18'])('is an error in %j', (line) => {
		expect(() => parseNixVersion(line)).toThrowError(expect.objectContaining({ code: 'nix-failed' }));
	});
});

describe('what Nix says about itself', () => {
	it.each([
		['2.8', '2.8.0'],
		['2.26', '2.26.3'],
		['2.34', '2.34.8'],
	])('is read from Nix %s', (version, text) => {
		const about = parseNixAbout(golden(`about-${version}.txt`));
		expect(about.version.text).toBe(text);
		expect(about).toMatchObject({
			storeDir: '/nix/store',
			stateDir: '/nix/var/nix',
			systemConfFile: '/etc/nix/nix.conf',
			userConfFiles: ['/root/.config/nix/nix.conf', '/etc/xdg/nix/nix.conf'],
		});
	});

	it('may have quotes and backslashes in paths', () => {
		const output = golden('about-2.34.txt').replace('"/nix/var/nix"', '"/a \\"b\\" \\\\c"');
		expect(parseNixAbout(output).stateDir).toBe('/a "b" \\c');
	});

	it('may have no user configuration at all', () => {
		const output = golden('about-2.8.txt').replace(/^User configuration files: .*$/m, 'User configuration files: ');
		expect(parseNixAbout(output).userConfFiles).toEqual([]);
	});

	it('is an error when a line is missing', () => {
		expect(() => parseNixAbout('nix (Nix) 2.8.0\n')).toThrowError(expect.objectContaining({ code: 'nix-failed' }));
	});
});
