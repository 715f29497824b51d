import { isCacheError } from '../errors.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { isDerivation } from '../nix/store-path.ts';
import { isAtLeast } from './nix-about.ts';
import type { NixCommand, RunOptions } from './nix-command.ts';
import { parsePathInfos } from './path-info-json.ts';

/** A set of paths with all that they refer to. */
export interface Closure {
	/** Keyed by full path. Closed, but for references that are in `invalid`. */
	readonly infos: ReadonlyMap<string, PathInfo>;
	/** What was asked for, or referred to, and is not valid (any more): a name that never was a path, or one collected meanwhile. */
	readonly invalid: ReadonlySet<string>;
}

/** 50,000 paths take 5 s through a daemon; a slow machine gets its time. */
const TIMEOUT_MS = 5 * 60_000;
/** Linux allows 2 MiB of arguments with the environment, macOS 1 MiB. */
const ARGUMENTS_LIMIT_BYTES = 256 * 1024;
/** A terminator and a pointer. */
const ARGUMENT_OVERHEAD_BYTES = 9;

/**
 * Asks Nix about `paths` (full paths, names checked), never its substituters. One entry for each; `null` when it is not valid. `store`: `--store` and
 * a URL, for another store than that of this machine. Throws `nix-failed`.
 */
export async function queryPathInfos(
	nix: NixCommand,
	storeDir: string,
	paths: readonly string[],
	signal: AbortSignal,
	store: readonly string[] = [],
): Promise<Map<string, PathInfo | null>> {
	const answer = await pathInfo(nix, storeDir, paths, { flags: [], store }, signal);
	return new Map(paths.map((path) => [path, answer.get(path) ?? null]));
}

/**
 * The valid ones of `paths` and everything that they refer to. One process when all are valid and Nix takes paths on standard input.
 * `nix path-info --recursive` gives nothing at all when one path is not valid, be it collected this moment, so then these paths are
 * asked about one by one (still in one process), and the recursion goes on from what they refer to.
 */
export async function queryClosure(
	nix: NixCommand,
	storeDir: string,
	paths: readonly string[],
	signal: AbortSignal,
): Promise<Closure> {
	const infos = new Map<string, PathInfo>();
	const invalid = new Set<string>();
	let frontier: readonly string[] = [...new Set(paths)];
	while (frontier.length > 0) {
		const answer =
			(await recursiveInfos(nix, storeDir, frontier, signal)) ?? (await queryPathInfos(nix, storeDir, frontier, signal));
		for (const [path, info] of answer) {
			if (info === null) invalid.add(path);
			else infos.set(path, info);
		}
		for (const path of frontier) if (!infos.has(path)) invalid.add(path);
		const references = new Set([...answer.values()].flatMap((info) => info?.references ?? []));
		frontier = [...references].filter((path) => !infos.has(path) && !invalid.has(path));
	}
	return { infos, invalid };
}

/** `null` when Nix refuses, which it does for one path that is not valid; any other trouble shows again when it is asked without recursion. */
async function recursiveInfos(
	nix: NixCommand,
	storeDir: string,
	paths: readonly string[],
	signal: AbortSignal,
): Promise<Map<string, PathInfo | null> | null> {
	try {
		return await pathInfo(nix, storeDir, paths, { flags: ['--recursive'], store: [] }, signal);
	} catch (error) {
		if (isCacheError(error, 'nix-failed')) return null;
		throw error;
	}
}

async function pathInfo(
	nix: NixCommand,
	storeDir: string,
	paths: readonly string[],
	{ flags, store }: { readonly flags: readonly string[]; readonly store: readonly string[] },
	signal: AbortSignal,
): Promise<Map<string, PathInfo | null>> {
	if (paths.length === 0) return new Map();
	const { version } = nix.about;
	const format = isAtLeast(version, 2, 33) ? ['--json-format', '2'] : [];
	const command = ['path-info', '--offline', '--json', ...format, ...flags, ...store];
	const options = { signal, timeoutMs: TIMEOUT_MS };
	if (takesStandardInput(nix)) {
		return parsePathInfos(await nix.run([...command, '--stdin'], { ...options, input: `${paths.join('\n')}\n` }), storeDir);
	}
	const others = chunksOf(paths.filter((path) => !isDerivation(path)));
	const derivations = chunksOf(paths.filter(isDerivation));
	const answers: string[] = [];
	for (const chunk of others) answers.push(await nix.run([...command, ...chunk], options));
	// An old Nix takes a derivation file for its outputs, unless told otherwise; and then it refuses to speak of one that is not valid.
	for (const chunk of derivations) {
		const valid = await onlyValid(nix, chunk, options, store);
		if (valid.length > 0) answers.push(await nix.run([...command, '--derivation', ...valid], options));
	}
	return new Map(answers.flatMap((json) => [...parsePathInfos(json, storeDir)]));
}

/** The valid ones of `paths`, in their order. `store` as for `queryPathInfos`. Throws `nix-failed`. */
export async function onlyValid(
	nix: NixCommand,
	paths: readonly string[],
	options: RunOptions,
	store: readonly string[] = [],
): Promise<readonly string[]> {
	const invalid = new Set<string>();
	for (const chunk of chunksOf(paths)) {
		const output = await nix.runStore(['--check-validity', '--print-invalid', ...store, ...chunk], options);
		for (const path of output.split('\n')) invalid.add(path);
	}
	return paths.filter((path) => !invalid.has(path));
}

/** Whether commands take any number of paths on standard input; else see `chunksOf`. */
export function takesStandardInput({ about }: NixCommand): boolean {
	return isAtLeast(about.version, 2, 15);
}

/** In the same order, as many at a time as one command may have arguments. */
export function chunksOf(paths: readonly string[]): readonly (readonly string[])[] {
	const chunks: string[][] = [];
	let roomBytes = 0;
	for (const path of paths) {
		roomBytes -= path.length + ARGUMENT_OVERHEAD_BYTES;
		if (roomBytes < 0) {
			chunks.push([]);
			roomBytes = ARGUMENTS_LIMIT_BYTES;
		}
		chunks.at(-1)?.push(path);
	}
	return chunks;
}
