import { CacheError } from '../errors.ts';
import { quote } from '../nix/quote.ts';
import type { NixAbout } from './nix-about.ts';
import type { Environment } from './nix-command.ts';

/** Where a store's files are and how Nix gets at its database. */
export interface StoreLocation {
	/** `direct`: this user owns the database; `daemon`: the Nix daemon does. */
	readonly access: 'direct' | 'daemon';
	/** The store directory in store paths. */
	readonly storeDir: string;
	/** Where those files are in the file system; another folder than `storeDir` for a store with a root of its own. */
	readonly realStoreDir: string;
}

/** What `auto` depends on. */
export interface StoreProbe {
	readonly stateDirExists: boolean;
	readonly stateDirWritable: boolean;
	readonly daemonSocketExists: boolean;
	readonly isRoot: boolean;
}

/**
 * What Nix makes of a store URL (libstore/store-api.cc and store-open.cc, openStore): `auto`, `daemon`, `local`, a folder, and the URLs of
 * local stores with their parameters. Throws `store-unreadable` for a store whose files are not on this machine.
 */
export function locateStore(url: string, about: NixAbout, probe: StoreProbe, env: Environment): StoreLocation {
	const [place = '', query = ''] = splitOnce(url, '?');
	// To Nix a plus is a plus.
	const parameters = new URLSearchParams(query.replaceAll('+', '%2B'));
	const at = (access: StoreLocation['access'], root: string | null): StoreLocation => {
		const rootDir = parameters.get('root') ?? root ?? '';
		const storeDir = parameters.get('store') ?? about.storeDir;
		return {
			access,
			storeDir,
			realStoreDir: parameters.get('real') ?? (rootDir === '' ? storeDir : `${rootDir.replace(/\/+$/, '')}/nix/store`),
		};
	};
	if (place === '' || place === 'auto') {
		if (probe.stateDirWritable) return at('direct', null);
		if (probe.daemonSocketExists) return at('daemon', null);
		return at('direct', hasNoStore(probe, env, query) ? ownRoot(env) : null);
	}
	if (place === 'daemon' || place.startsWith('unix://')) return at('daemon', null);
	if (place === 'local') return at('direct', null);
	if (place.startsWith('local://')) return at('direct', decoded(place.slice('local://'.length)) || null);
	if (place.startsWith('/')) return at('direct', place);
	// The rest of the URL may hold a password.
	const kind = place.includes('://') ? `${place.slice(0, place.indexOf('://'))}://…` : quote(place);
	throw new CacheError('store-unreadable', `The Nix store ${kind} is not on this machine, so nothing can be pushed from it.`, {
		hint: 'Use a local store: look at `store` in nix.conf and at NIX_REMOTE.',
	});
}

/** Without a `/nix` and not as root, Nix makes a store in the user's home (since 2.10). */
function hasNoStore(probe: StoreProbe, env: Environment, query: string): boolean {
	const told = env.NIX_STORE_DIR !== undefined || env.NIX_STATE_DIR !== undefined || query !== '';
	return !probe.stateDirExists && !probe.isRoot && !told;
}

function ownRoot(env: Environment): string {
	const dataDir = env.NIX_DATA_HOME ?? `${env.XDG_DATA_HOME ?? `${env.HOME ?? ''}/.local/share`}/nix`;
	return `${dataDir}/root`;
}

/** Later versions (seen with 2.34) show a folder that was given as it is (`/my store`) as a URL (`local:///my%20store`). */
function decoded(path: string): string {
	try {
		return decodeURIComponent(path);
	} catch {
		return path;
	}
}

function splitOnce(text: string, separator: string): readonly [string, string] {
	const at = text.indexOf(separator);
	return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
