import { type ConfLine, parseNixConf } from '../nix/nix-conf.ts';
import type { NixSettings } from './configuration.ts';

/** Settings that a plain line in `NIX_CONFIG` takes away again, under each of their names, and which part of the wish that is. */
const REPLACED: ReadonlyMap<string, 'substituters' | 'publicKeys' | 'netrc'> = new Map([
	['substituters', 'substituters'],
	['binary-caches', 'substituters'],
	['trusted-public-keys', 'publicKeys'],
	['binary-cache-public-keys', 'publicKeys'],
	['netrc-file', 'netrc'],
]);

/**
 * What `NIX_CONFIG` hides of the wish, as one line for people each: it comes after all files, and a setting there that is not an `extra-` one
 * replaces what files say.
 */
export function hiddenByVariable(wish: NixSettings, variable: string | undefined): readonly string[] {
	const names = new Set(linesOf(variable ?? '').map((line) => (line.kind === 'setting' ? line.name : '')));
	return [...names].flatMap((name) => {
		const part = REPLACED.get(name);
		if (part === undefined || wish[part].length === 0) return [];
		const fix =
			part === 'netrc' ? `leave \`${name}\` out there and give its entries in \`netrc\`` : `write \`extra-${name}\` there`;
		return [`The environment variable NIX_CONFIG sets \`${name}\`, which hides what this step configures: ${fix}.`];
	});
}

/** Nix says itself what it can't read. */
function linesOf(text: string): readonly ConfLine[] {
	try {
		return parseNixConf(text);
	} catch {
		return [];
	}
}
