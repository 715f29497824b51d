import { readdir, readFile, writeFile } from 'node:fs/promises';
import { CacheError, systemCode } from '../errors.ts';
import { isStorePathName } from '../nix/store-path.ts';
import { isOwnPath } from './own-paths.ts';

/** Names of the paths that were whole in the store at one moment. */
export type Snapshot = ReadonlySet<string>;

/** What Nix puts beside a path while it works on it, and leaves there when it is killed (libstore: pathlocks.cc, local-derivation-goal.cc). */
const BY_PRODUCT = /\.(?:lock|check|chroot)$/;
const LOCK = '.lock';

/** First line of a snapshot file; as many names follow, one per line. */
const HEADER = /^nix-cache-action snapshot 1 (\d{1,9})\n/;

/**
 * Names in the store directory that may be those of valid paths; which are, only Nix's database knows. Reads one directory (50 ms for
 * 50,000 names). Throws `store-unreadable`.
 */
export async function listStorePathNames(realStoreDir: string): Promise<readonly string[]> {
	const names = await readNames(realStoreDir);
	const byProducts = byProductsOf(names);
	return byProducts.size === 0 ? names : names.filter((name) => !byProducts.has(name));
}

/**
 * The names that need no second look at the end of the job. A path whose lock file lies beside it is left out: it is being made, or a build
 * of it was killed, and its name alone would hide that this job makes it anew.
 */
export async function takeSnapshot(realStoreDir: string): Promise<Snapshot> {
	const names = await readNames(realStoreDir);
	const snapshot = new Set(names);
	for (const name of byProductsOf(names)) {
		snapshot.delete(name);
		if (name.endsWith(LOCK)) snapshot.delete(name.slice(0, -LOCK.length));
	}
	return snapshot;
}

/** The names that came since the snapshot, without those of what the action itself put into the store. */
export function newSince(snapshot: Snapshot, names: readonly string[]): readonly string[] {
	return names.filter((name) => !snapshot.has(name) && !isOwnPath(name));
}

/** Writes the snapshot for a later phase, readable by this user alone. */
export async function writeSnapshot(file: string, snapshot: Snapshot): Promise<void> {
	const text = [`nix-cache-action snapshot 1 ${snapshot.size}`, ...snapshot, ''].join('\n');
	try {
		await writeFile(file, text, { mode: 0o600 });
	} catch (cause) {
		const code = systemCode(cause);
		throw new CacheError(
			code === 'ENOSPC' ? 'disk-full' : 'file-failed',
			`The snapshot ${file} can't be written (${code ?? 'unknown'}).`,
			{
				cause,
			},
		);
	}
}

/** Reads what `writeSnapshot` wrote. Throws `state-invalid` when it is missing, cut off or of another version. */
export async function readSnapshot(file: string): Promise<Snapshot> {
	const text = await readText(file);
	const header = HEADER.exec(text);
	const names = text.slice(header?.[0].length ?? 0).split('\n');
	// The last line is ended, so that a name that was cut off is noticed.
	const end = names.pop();
	const snapshot = new Set(names);
	if (header === null || end !== '' || snapshot.size !== Number(header[1])) {
		throw new CacheError('state-invalid', `The snapshot ${file} is damaged or of another version of the action.`);
	}
	return snapshot;
}

async function readText(file: string): Promise<string> {
	try {
		return await readFile(file, 'latin1');
	} catch (cause) {
		throw new CacheError('state-invalid', `The snapshot ${file} can't be read (${systemCode(cause) ?? 'unknown'}).`, { cause });
	}
}

async function readNames(realStoreDir: string): Promise<readonly string[]> {
	try {
		return (await readdir(realStoreDir)).filter(isStorePathName);
	} catch (cause) {
		const code = systemCode(cause) ?? 'unknown';
		// Nix makes the directory when it first needs it.
		if (code === 'ENOENT') return [];
		throw new CacheError('store-unreadable', `The store directory ${realStoreDir} can't be read (${code}).`, { cause });
	}
}

/** Each `<name>.lock` and the like beside `<name>`. A path may really be called that (`Cargo.lock`), but then no other has its hash. */
function byProductsOf(names: readonly string[]): ReadonlySet<string> {
	const possible = names.filter((name) => BY_PRODUCT.test(name));
	if (possible.length === 0) return new Set();
	const all = new Set(names);
	return new Set(possible.filter((name) => all.has(name.replace(BY_PRODUCT, ''))));
}
