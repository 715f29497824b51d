import { readdir, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { CacheError, isCacheError, systemCode } from '../errors.ts';
import { parseStorePath } from '../nix/store-path.ts';
import type { NixAbout } from './nix-about.ts';
import { isOwnPath } from './own-paths.ts';

const AT_ONCE = 64;

/**
 * Store paths (full paths, not all of them valid) that links below `folders` hold against garbage collection: `result` of nix-build and the like. Nix keeps a
 * link to each of them, so nothing is searched. Throws `store-unreadable`.
 */
export async function rootsBelow(
	folders: readonly string[],
	{ storeDir, stateDir }: Pick<NixAbout, 'storeDir' | 'stateDir'>,
): Promise<readonly string[]> {
	const auto = join(stateDir, 'gcroots', 'auto');
	const inside = (await Promise.all(folders.map(spellings))).flat().map((folder) => `${folder}/`);
	const names = await listed(auto);
	const found = new Set<string>();
	for (let at = 0; at < names.length; at += AT_ONCE) {
		const links = await Promise.all(names.slice(at, at + AT_ONCE).map((name) => targetOf(join(auto, name))));
		const ours = links.filter((link) => link !== null && inside.some((folder) => link.startsWith(folder)));
		for (const target of await Promise.all(ours.map((link) => targetOf(link ?? '')))) {
			const path = storePathIn(target ?? '', storeDir);
			if (path !== null && !isOwnPath(path)) found.add(path);
		}
	}
	return [...found];
}

/** Nix writes a link's path as it was given to it. */
async function spellings(folder: string): Promise<readonly string[]> {
	return [folder, await realpath(folder).catch(() => folder)];
}

/** `null`: it went meanwhile, or is no link. */
async function targetOf(link: string): Promise<string | null> {
	return readlink(link).catch(() => null);
}

/** A link may lead into a store path. */
function storePathIn(target: string, storeDir: string): string | null {
	const [baseName = ''] = target.startsWith(`${storeDir}/`) ? target.slice(storeDir.length + 1).split('/') : [];
	try {
		return parseStorePath(`${storeDir}/${baseName}`, storeDir).path;
	} catch (error) {
		if (isCacheError(error, 'format-invalid')) return null;
		throw error;
	}
}

async function listed(folder: string): Promise<readonly string[]> {
	try {
		return await readdir(folder);
	} catch (cause) {
		const code = systemCode(cause) ?? 'unknown';
		// Nix makes it for the first root.
		if (code === 'ENOENT') return [];
		throw new CacheError('store-unreadable', `The roots of the garbage collector in ${folder} can't be read (${code}).`, {
			cause,
		});
	}
}
