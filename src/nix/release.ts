import { CacheError } from '../errors.ts';
import { formatHash, type Hash, parseHash } from './hash.ts';
import { quote } from './quote.ts';

/** A release of Nix as its project publishes it, and what the workflow says of where it comes from. */
export interface NixRelease {
	/** Three numbers, e.g. `2.31.2`. */
	readonly version: string;
	/** SHA-256 of the tarballs that are taken: one for each system that the job runs on. Empty: the one that the server publishes beside the tarball. */
	readonly hashes: readonly Hash[];
	/** The folder of all releases; a mirror has the same layout. No slash at its end. */
	readonly mirror: URL;
}

/** Where the Nix project publishes. */
const RELEASES = 'https://releases.nixos.org/nix';

/** A SHA-256 as `sha256sum` writes it. */
const HEXADECIMAL = /^[0-9a-f]{64}$/;

/**
 * Reads words like `2.31.2 sha256-… https://mirror.example/nix`, in any order and on any number of lines: a version, hashes, a mirror.
 * @throws CacheError `format-invalid`
 */
export function parseNixRelease(text: string): NixRelease {
	const words = text.split(/\s+/).filter((word) => word !== '');
	const urls = words.filter((word) => word.includes('://'));
	const versions = words.filter((word) => /^\d/.test(word) && !HEXADECIMAL.test(word) && !urls.includes(word));
	const hashes = words.filter((word) => !versions.includes(word) && !urls.includes(word));
	const [version] = versions;
	if (version === undefined || versions.length > 1 || !/^\d{1,4}\.\d{1,4}\.\d{1,4}$/.test(version)) {
		throw new CacheError(
			'format-invalid',
			`${quote(versions.join(' ') || text)} is not one version of three numbers, such as \`2.31.2\`.`,
		);
	}
	if (urls.length > 1) throw new CacheError('format-invalid', `${urls.length} mirrors are given; it can be one.`);
	return { version, hashes: hashes.map(readHash), mirror: readMirror(urls[0] ?? RELEASES) };
}

function readHash(word: string): Hash {
	if (HEXADECIMAL.test(word) || word.startsWith('sha256-') || word.startsWith('sha256:')) return parseHash(word, 'sha256');
	throw new CacheError(
		'format-invalid',
		`${quote(word)} is neither a version, nor a hash (\`sha256-…\`), nor a mirror (\`https://…\`).`,
	);
}

function readMirror(word: string): URL {
	const url = URL.canParse(word) ? new URL(word) : null;
	if (url === null || !/^https?:$/.test(url.protocol)) {
		throw new CacheError(
			'format-invalid',
			`The mirror ${quote(word.replace(/\/\/[^/]*@/, '//***@'))} is not an \`https://\` URL.`,
		);
	}
	if (url.username !== '' || url.password !== '') {
		throw new CacheError('format-invalid', 'The URL of the mirror has credentials inside; give them in `netrc`.');
	}
	url.search = '';
	url.hash = '';
	url.pathname = url.pathname.replace(/\/+$/, '');
	return url;
}

/** The tarball of a release for a system such as `x86_64-linux`. */
export function tarballUrl({ version, mirror }: NixRelease, system: string): URL {
	return new URL(`${mirror.href.replace(/\/$/, '')}/nix-${version}/nix-${version}-${system}.tar.xz`);
}

/** What stands beside each tarball, as `<tarball>.sha256`: the digest in hexadecimal; some mirrors add the file's name, as `sha256sum` does. Throws `format-invalid`. */
export function parsePublishedHash(text: string): Hash {
	return parseHash(text.trim().split(/\s/)[0] ?? '', 'sha256');
}

/** As it is written in the input. */
export function formatReleaseHash(hash: Hash): string {
	return formatHash(hash, 'sri');
}

/** The systems that the Nix project publishes tarballs for and GitHub has runners for, by Node's names; `null` for any other. */
export function nixSystem(platform: string, arch: string): string | null {
	const cpu = { x64: 'x86_64', arm64: 'aarch64' }[arch];
	return cpu !== undefined && (platform === 'linux' || platform === 'darwin') ? `${cpu}-${platform}` : null;
}
