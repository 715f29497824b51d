/** HTTP credentials for one cache. They go to the host of the cache that they were given for and to no other. */
export type Credentials =
	| { readonly kind: 'basic'; readonly username: string; readonly password: string }
	| { readonly kind: 'bearer'; readonly token: string };

/** One line of the input `cache`, understood. One member for each kind that is built. */
export type CacheTarget = StoreTarget | ActionsCacheTarget;

/** A cache with an address, which Nix reads by itself. */
export type StoreTarget = HttpTarget | FileTarget;

/** A folder, such as a mounted share, in Nix's `file://` form. */
export interface FileTarget {
	readonly kind: 'file';
	/** Absolute, without a slash at its end. */
	readonly folder: string;
	/** The store URL as Nix gets it, with the parameters that the user wrote. */
	readonly substituter: string;
}

/** The GitHub Actions cache: it has no address and no credentials of the workflow's. */
export interface ActionsCacheTarget {
	readonly kind: 'actions-cache';
}

export const ACTIONS_CACHE: ActionsCacheTarget = { kind: 'actions-cache' };

export interface HttpTarget {
	readonly kind: 'http';
	/** Where the cache serves: no user info, query or fragment. */
	readonly url: URL;
	/** Where it takes uploads; `null` when that is `url`. */
	readonly pushUrl: URL | null;
	/** The store URL as Nix gets it, with the parameters that the user wrote (`?priority=10`). */
	readonly substituter: string;
	readonly credentials: Credentials | null;
}

/** A store URL that can't be used: what is wrong, and what is allowed. It never repeats credentials. */
export interface Refusal {
	readonly problem: string;
}

const HTTP = '`https://…` and `http://…`';
const BUILT = '`https://…`, `http://…`, `file:///…` and `actions-cache`';
const PLANNED: ReadonlySet<string> = new Set([
	's3:',
	'attic:',
	'attic+http:',
	'cachix:',
	'niks3:',
	'ssh:',
	'ssh-ng:',
	'local:',
	'daemon:',
	'unix:',
]);

/** Reads an `http(s)://` URL without user info or fragment; parameters stay. */
export function parseHttpUrl(line: string, input: string): URL | Refusal {
	const allowed = input === 'cache' ? BUILT : HTTP;
	const bare = line.includes('://') ? line : `missing://${line}`;
	const url = URL.canParse(bare) ? new URL(bare) : null;
	if (url === null) return { problem: `${input}: \`${withoutUserInfo(line)}\` is not a URL; allowed are ${allowed}.` };
	if (url.username !== '' || url.password !== '') {
		return {
			problem:
				`${input}: \`${withoutUserInfo(line)}\` has credentials inside, which would end in logs and in Nix's configuration; ` +
				'give them as the inputs `username` and `password`, `token` or `netrc`.',
		};
	}
	if (url.protocol === 'missing:') {
		return { problem: `${input}: \`${withoutUserInfo(line)}\` has no scheme; write \`https://${withoutUserInfo(line)}\`.` };
	}
	if (url.protocol !== 'http:' && url.protocol !== 'https:') {
		const why = PLANNED.has(url.protocol) ? 'is of a kind that is not built yet' : 'is of an unknown kind';
		return { problem: `${input}: \`${withoutUserInfo(line)}\` ${why}; this version has ${allowed}.` };
	}
	if (url.hash !== '') return { problem: `${input}: \`${withoutUserInfo(line)}\` has a fragment (\`#…\`); leave it out.` };
	return url;
}

/** Reads one line of `cache`. */
export function parseCacheTarget(line: string, pushUrl: URL | null, credentials: Credentials | null): CacheTarget | Refusal {
	if (line === ACTIONS_CACHE.kind) return ACTIONS_CACHE;
	if (line.startsWith('file:')) return parseFileUrl(line);
	const url = parseHttpUrl(line, 'cache');
	if ('problem' in url) return url;
	const base = new URL(url);
	base.search = '';
	return { kind: 'http', url: base, pushUrl, substituter: substituterUrl(url), credentials };
}

/** `file:///folder`, as Nix takes it: an absolute path, not encoded but for blanks, and parameters of Nix's own. */
function parseFileUrl(line: string): FileTarget | Refusal {
	const [, path, parameters = ''] = /^file:\/\/(\/[^?#]*)(\?[^#]*)?$/.exec(line) ?? [];
	const folder = path === undefined || !/^[^%\0]*$/.test(path) ? null : path.replace(/\/+$/, '');
	if (folder === null || folder === '' || folder.split('/').includes('..')) {
		return { problem: `cache: \`${line}\` is not the URL of a folder; write \`file:///folder\`, with an absolute path.` };
	}
	return { kind: 'file', folder, substituter: `file://${folder}${parameters}` };
}

/** For people: where a cache takes uploads, without credentials. */
export function placeOf(target: StoreTarget): string {
	return target.kind === 'http' ? (target.pushUrl ?? target.url).href : `file://${target.folder}`;
}

/**
 * The store URL as it is written into Nix's configuration. Nix compares it as text with `trusted-substituters`, so nothing but an
 * empty path's slash is normalized away.
 */
export function substituterUrl(url: URL): string {
	return url.pathname === '/' ? `${url.origin}${url.search}` : url.href;
}

function withoutUserInfo(text: string): string {
	return text.replace(/\/\/[^/]*@/, '//***@').replace(/^[^/:]*:[^/]*@/, '***@');
}
