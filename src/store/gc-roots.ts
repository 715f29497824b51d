import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isCacheError, systemCode } from '../errors.ts';
import type { LocalStore } from './local-store.ts';
import { HOLD_NAME } from './own-paths.ts';
import { onlyValid } from './path-info.ts';

/** Which paths a garbage collector leaves alone from now on. */
export interface Held {
	/** They and all that they refer to stay valid until `releasePaths`. */
	readonly held: readonly string[];
	/** They were gone already. */
	readonly vanished: readonly string[];
}

const LINK_PREFIX = 'held-';
const TIMEOUT_MS = 60_000;

/**
 * Holds valid paths (full paths) against garbage collection, in one process: a derivation that nobody builds refers to all of them, and a link to it in
 * `folder` is a root of the collector. 1,500 paths take 0.1 s so, and 1 to 1.8 s with a root for each (docs/decisions/020-hook.md). Holds as long as the
 * link is there, whatever becomes of this process; a collector in another mount namespace does not see it. Throws `nix-failed`, `cancelled`.
 */
export async function holdPaths(
	store: Pick<LocalStore, 'nix'>,
	paths: readonly string[],
	folder: string,
	signal: AbortSignal,
): Promise<Held> {
	let left: readonly string[] = [...new Set(paths)];
	for (;;) {
		if (left.length === 0) return { held: [], vanished: paths };
		try {
			await addRoot(store, left, folder, signal);
			const held = new Set(left);
			return { held: left, vanished: paths.filter((path) => !held.has(path)) };
		} catch (error) {
			if (!isCacheError(error, 'nix-failed')) throw error;
			// It names one path that is gone at best, and holds none.
			const valid = await onlyValid(store.nix, left, { signal });
			if (valid.length === left.length) throw error;
			left = valid;
		}
	}
}

/** Lets go of all that was held with this folder. What the collector knows of the links goes with its next run. */
export async function releasePaths(folder: string): Promise<void> {
	try {
		for (const name of await readdir(folder)) {
			if (name.startsWith(LINK_PREFIX)) await rm(join(folder, name), { force: true });
		}
	} catch (error) {
		if (systemCode(error) !== 'ENOENT') throw error;
	}
}

async function addRoot(
	{ nix }: Pick<LocalStore, 'nix'>,
	paths: readonly string[],
	folder: string,
	signal: AbortSignal,
): Promise<void> {
	const link = join(folder, `${LINK_PREFIX}${randomBytes(6).toString('hex')}`);
	const listed = paths.map((path) => nixString(path)).join(' ');
	const input = `derivation { name = "${HOLD_NAME}"; system = "none"; builder = "none"; paths = map builtins.storePath [ ${listed} ]; }`;
	// Up to 2.8 a root outside of Nix's own folder has to be asked for; later versions take the flag, too.
	const root = ['--add-root', link, '--indirect'];
	const options = ['--option', 'substitute', 'false', '--option', 'pure-eval', 'false', '--option', 'restrict-eval', 'false'];
	await nix.runInstantiate([...options, ...root, '-'], { input, signal, timeoutMs: TIMEOUT_MS });
}

function nixString(text: string): string {
	return `"${text.replace(/["\\$]/g, '\\$&')}"`;
}
