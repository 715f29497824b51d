import { readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CacheError, systemCode } from '../errors.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { SetupContext, SystemInclude } from './configuration.ts';
import { removePrivateFile, writePrivateFile } from './private-file.ts';
import { runAsRoot } from './run-as-root.ts';
import { includesIn, withInclude, withoutInclude } from './system-conf.ts';

/** What the script says when the file is not (any more) what it was read as. */
const STALE = 'stale';
/** Others may change it between reading and replacing: each such time one of them got on. */
const ATTEMPTS = 25;

/**
 * Run as root: puts the contents of `$3` in place of the file `$1` (removes it, when `$3` is empty) if that has the contents of `$2` (is not
 * there, when `$2` is empty). The new file keeps owner and mode and comes in one step, by way of `$4`; where it can't be replaced (it is
 * mounted) it is written over. One job at a time, by a folder beside it, where one can be made; one that is still there after 5 s was left by a job that was killed.
 */
const REPLACE = `set -eu
lock="$1.nix-cache-action-lock"
tries=0
until mkdir "$lock" 2>/dev/null; do
	[ -d "$lock" ] || { lock=; break; }
	tries=$((tries + 1))
	if [ "$tries" -ge 50 ]; then rmdir "$lock" 2>/dev/null || :; tries=0; fi
	sleep 0.1
done
trap '[ -z "$lock" ] || rmdir "$lock" 2>/dev/null || :' EXIT
if [ -z "$2" ]; then [ ! -e "$1" ]; else cmp -s "$2" "$1"; fi || { echo ${STALE}; exit 0; }
if [ -z "$3" ]; then rm -f "$1"; exit 0; fi
rm -f "$4"
if [ -e "$1" ]; then cp -p "$1" "$4"; else mkdir -p "$(dirname "$1")"; touch "$4"; chmod 644 "$4"; fi
cat "$3" > "$4"
mv -f "$4" "$1" 2>/dev/null || { cat "$3" > "$1"; rm -f "$4"; }`;

/**
 * Where the daemon's configuration is and what this use of the action adds to it. `null` when it lies in the store, which is how NixOS,
 * nix-darwin and the like make it: nothing may be written there.
 */
export async function planInclude(
	store: LocalStore,
	restart: readonly string[],
	context: SetupContext,
): Promise<SystemInclude | null> {
	const { folder, confFile } = await findConf(store, context);
	if (confFile.startsWith(`${store.storeDir}/`)) return null;
	return { confFile, includeFile: join(folder, `nix-cache-action-${context.id}.conf`), restart };
}

/** Whether the daemon's configuration, as this user can read it, includes what other uses of the action wish for: it goes with their jobs. */
export async function includesOthers(store: LocalStore, context: SetupContext): Promise<boolean> {
	const { confFile } = await findConf(store, context);
	return includesIn(await readFile(confFile, 'utf8').catch(() => '')).length > 0;
}

async function findConf(
	store: LocalStore,
	context: SetupContext,
): Promise<{ readonly folder: string; readonly confFile: string }> {
	const { about } = store.nix;
	// The daemon was not started with this user's environment.
	const usual = context.env.NIX_CONF_DIR === undefined ? about.systemConfFile : '/etc/nix/nix.conf';
	const folder = dirname(usual);
	// Determinate's daemon writes nix.conf anew when it starts, and reads this one from there.
	const named = about.version.implementation === 'determinate' ? join(folder, 'nix.custom.conf') : usual;
	return { folder, confFile: await realpath(named).catch(() => named) };
}

/** First line of an included file: which folder goes with its job. The runner empties RUNNER_TEMP before the next one, should nobody else have. */
const OWNER = '# For as long as this folder is there: ';

/**
 * Writes the included file and adds the line that includes it, and takes back what killed jobs left. Says whether anything changed. Throws
 * `config-failed`.
 */
export async function addInclude(system: SystemInclude, text: string, context: SetupContext): Promise<boolean> {
	const abandoned = await removeAbandoned(system, context);
	const file = await rewrite(system.includeFile, () => inBytes(`${OWNER}${context.folder}\n${text}`), context);
	const line = await rewrite(system.confFile, (conf) => withInclude(conf, inBytes(system.includeFile)), context);
	return abandoned || file || line;
}

/** A substituter that is gone costs each command of everybody seconds, or the build (docs/decisions/010-local-substituter.md). */
async function removeAbandoned(system: SystemInclude, context: SetupContext): Promise<boolean> {
	let changed = false;
	for (const name of includesIn((await readIfThere(system.confFile, context)) ?? '')) {
		const includeFile = fromBytes(name).toString();
		if (includeFile === system.includeFile || dirname(includeFile) !== dirname(system.includeFile)) continue;
		const [owner = ''] = ((await readIfThere(includeFile, context)) ?? '').split('\n', 1);
		if (!owner.startsWith(OWNER)) continue;
		const ownerFolder = fromBytes(owner.slice(OWNER.length)).toString();
		const isGone = await runAsRoot(['sh', '-c', '[ -e "$1" ] || echo gone', 'sh', ownerFolder], context);
		if (isGone.trim() === 'gone') changed = (await removeInclude({ ...system, includeFile }, context)) || changed;
	}
	return changed;
}

/** Takes the line and the file back; what is not there (any more) is fine. Says whether anything changed. Throws `config-failed`. */
export async function removeInclude(system: SystemInclude, context: SetupContext): Promise<boolean> {
	const line = await rewrite(system.confFile, (conf) => withoutInclude(conf, inBytes(system.includeFile)), context);
	const file = await rewrite(system.includeFile, () => null, context);
	await runAsRoot(['rm', '-f', '--', nextOf(system.confFile, context), nextOf(system.includeFile, context)], context);
	return line || file;
}

function nextOf(file: string, { id }: SetupContext): string {
	return `${file}.nix-cache-action-${id}`;
}

/** Changes a file of root's, whose text is in bytes (`inBytes`). Another job may do the same at this moment; then it is read again. */
async function rewrite(file: string, change: (text: string | null) => string | null, context: SetupContext): Promise<boolean> {
	for (let attempt = 1; ; attempt++) {
		const old = await readIfThere(file, context);
		const next = change(old);
		if (next === old) return false;
		if (await replace(file, old, next, context)) return true;
		if (attempt === ATTEMPTS) throw new CacheError('config-failed', `${file} changes all the time.`);
	}
}

/**
 * Says whether the file was as `old` has it. The texts go over in files of our own folder: a nix.conf may hold access tokens, which have no place
 * among arguments.
 */
async function replace(file: string, old: string | null, next: string | null, context: SetupContext): Promise<boolean> {
	const before = join(context.folder, 'system-conf.before');
	const after = join(context.folder, 'system-conf.after');
	try {
		if (old !== null) await writePrivateFile(before, fromBytes(old));
		if (next !== null) await writePrivateFile(after, fromBytes(next));
		const given = [file, old === null ? '' : before, next === null ? '' : after, nextOf(file, context)];
		return (await runAsRoot(['sh', '-c', REPLACE, 'sh', ...given], context)).trim() !== STALE;
	} finally {
		await removePrivateFile(before);
		await removePrivateFile(after);
	}
}

/** Texts of files are taken byte by byte, a character for each: comments in an old nix.conf need not be UTF-8. */
function inBytes(text: string): string {
	return Buffer.from(text).toString('latin1');
}

function fromBytes(bytes: string): Buffer {
	return Buffer.from(bytes, 'latin1');
}

async function readIfThere(file: string, context: SetupContext): Promise<string | null> {
	try {
		return await readFile(file, 'latin1');
	} catch (cause) {
		const code = systemCode(cause) ?? 'unknown';
		if (code === 'ENOENT') return null;
		if (code === 'EACCES')
			return Buffer.from(await runAsRoot(['sh', '-c', 'base64 < "$1"', 'sh', file], context), 'base64').toString('latin1');
		throw new CacheError('config-failed', `${file} can't be read (${code}).`, { cause });
	}
}
