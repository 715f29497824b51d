import { CacheError } from '../errors.ts';
import { quote } from '../nix/quote.ts';

/** Which Nix answers, and what its command line knows. */
export interface NixVersion {
	readonly implementation: 'nix' | 'lix' | 'determinate';
	/** For people, e.g. `2.34.8` or `Determinate 3.15.1 (Nix 2.33.0)`. */
	readonly text: string;
	/** The Nix release whose command line this one has. Lix was forked from 2.18 and counts as that. */
	readonly major: number;
	readonly minor: number;
}

/** What Nix says about itself and its files. JSON-serializable. */
export interface NixAbout {
	readonly version: NixVersion;
	/** The store directory in store paths, e.g. `/nix/store`. */
	readonly storeDir: string;
	readonly stateDir: string;
	readonly systemConfFile: string;
	/** In Nix's order: the first one wins. They need not exist. */
	readonly userConfFiles: readonly string[];
}

/** The oldest that has `nix path-info --json` behind the experimental feature and the `extra-` settings that the action writes. */
const OLDEST = { major: 2, minor: 4 };
const LIX_FORKED_FROM = { major: 2, minor: 18 };

/**
 * Reads `nix --version`: `nix (Nix) 2.34.8`, `nix (Determinate Nix 3.15.1) 2.33.0`, `nix (Lix, like Nix) 2.93.3`.
 * Throws `nix-failed` when there is no version in it or one that is too old.
 */
export function parseNixVersion(line: string): NixVersion {
	const match = /^nix \(([^)]*)\) (\d+)\.(\d+)(\S*)/.exec(line);
	if (match === null) throw new CacheError('nix-failed', `\`nix --version\` answers ${quote(line)}, which is no version of Nix.`);
	const [, name = '', majorText = '', minorText = '', rest = ''] = match;
	const text = `${majorText}.${minorText}${rest}`;
	if (name.startsWith('Lix')) return { implementation: 'lix', text: `Lix ${text}`, ...LIX_FORKED_FROM };
	const release = { major: Number(majorText), minor: Number(minorText) };
	const determinate = /^Determinate Nix (\S+)/.exec(name)?.[1];
	if (determinate !== undefined) {
		return { implementation: 'determinate', text: `Determinate ${determinate} (Nix ${text})`, ...release };
	}
	const version: NixVersion = { implementation: 'nix', text, ...release };
	if (!isAtLeast(version, OLDEST.major, OLDEST.minor)) {
		throw new CacheError('nix-failed', `Nix ${text} is too old.`, { hint: `Use Nix ${OLDEST.major}.${OLDEST.minor} or later.` });
	}
	return version;
}

export function isAtLeast(version: NixVersion, major: number, minor: number): boolean {
	return version.major > major || (version.major === major && version.minor >= minor);
}

/**
 * Reads `nix -v --version`, which says in one process start where everything is (libmain/shared.cc, printVersion). Since 2.31 some
 * of the paths are in quotes. Throws `nix-failed`.
 */
export function parseNixAbout(output: string): NixAbout {
	const lines = output.split('\n');
	const field = (label: string): string => {
		const line = lines.find((candidate) => candidate.startsWith(`${label}: `));
		if (line === undefined) throw new CacheError('nix-failed', `\`nix -v --version\` does not say the ${label.toLowerCase()}.`);
		return unquoted(line.slice(label.length + 2));
	};
	return {
		version: parseNixVersion(lines[0] ?? ''),
		storeDir: field('Store directory'),
		stateDir: field('State directory'),
		systemConfFile: field('System configuration file'),
		userConfFiles: field('User configuration files')
			.split(':')
			.filter((file) => file !== '')
			.map(unquoted),
	};
}

/** C++ writes a `std::filesystem::path` to a stream in quotes, with `\` before quotes and backslashes. */
function unquoted(text: string): string {
	if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
	return text.slice(1, -1).replace(/\\(.)/g, '$1');
}
