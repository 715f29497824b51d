/**
 * Runs inside a machine, as one of its users: one call into `src/`, asked for by a JSON on standard input, answered by one on standard output.
 *
 *     node in-machine.ts < ask.json
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isCacheError } from '../../src/errors.ts';
import { type HookSettings, hookSettings } from '../../src/hook/install.ts';
import { installByItsOwnInstaller } from '../../src/install/own-installer.ts';
import type { Log } from '../../src/log.ts';
import { formatHash } from '../../src/nix/hash.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { jobRoots } from '../../src/phases/job-roots.ts';
import type { Configuration, NixSettings, SetupContext } from '../../src/setup/configuration.ts';
import { configureNix, undoConfiguration } from '../../src/setup/configure-nix.ts';
import { type Held, holdPaths, releasePaths } from '../../src/store/gc-roots.ts';
import { type LocalStoreDescription, openLocalStore } from '../../src/store/local-store.ts';
import { newSince } from '../../src/store/snapshot.ts';

export type Ask =
	| { readonly call: 'store'; readonly infos: readonly string[]; readonly closure: readonly string[] }
	| { readonly call: 'configure'; readonly use: Use; readonly wish: NixSettings; readonly previous: Configuration | null }
	| { readonly call: 'undo'; readonly use: Use; readonly previous: Configuration }
	| { readonly call: 'hook'; readonly use: Use; readonly isShared: boolean }
	| { readonly call: 'hold'; readonly paths: readonly string[]; readonly folder: string }
	| {
			readonly call: 'roots';
			readonly journal: string | null;
			readonly before: readonly string[];
			readonly isShared: boolean;
			readonly folders: readonly string[];
	  }
	| { readonly call: 'release'; readonly folder: string }
	| {
			readonly call: 'own-installer';
			readonly tarball: string;
			readonly folder: string;
			readonly stopAfterMs: number;
			/** The installer's own if not said. */
			readonly daemonPatienceMs?: number | undefined;
	  };

/** One use of the action. What it remembers is in `<folder>.state` as well. */
export interface Use {
	readonly id: string;
	readonly folder: string;
}

export interface Answer {
	/** Of the error that ended the call; `null` when it did what it was asked for. */
	readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
	readonly description?: LocalStoreDescription;
	readonly names?: readonly string[];
	/** Path to what is known of it, hashes as `sha256:<nix32>`; `null`: not valid. */
	readonly infos?: Readonly<Record<string, object | null>>;
	readonly closure?: Readonly<Record<string, object | null>>;
	readonly invalid?: readonly string[];
	readonly configuration?: Configuration;
	readonly hook?: HookSettings;
	readonly held?: Held;
	readonly roots?: readonly string[];
	/** How long the call itself took. */
	readonly tookMs?: number;
	/** The last one that was to be kept. */
	readonly remembered: Configuration | null;
	readonly exported: Readonly<Record<string, string>>;
	readonly warnings: readonly string[];
	/** What it told in its log. */
	readonly said: readonly string[];
}

const exported: Record<string, string> = {};
const warnings: string[] = [];
const said: string[] = [];
let remembered: Configuration | null = null;
const signal = AbortSignal.timeout(60_000);
const log: Log = {
	debug: () => undefined,
	info: (message) => void said.push(message),
	notice: (message) => void warnings.push(message),
	warning: (message) => void warnings.push(message),
	error: (message) => void warnings.push(message),
	group: (_title, body) => body(),
	mask: () => undefined,
};

function contextOf({ id, folder }: Use): SetupContext {
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	return {
		id,
		folder,
		env: process.env,
		exportVariable(name, value) {
			exported[name] = value;
			process.env[name] = value;
		},
		remember: (configuration) => {
			remembered = configuration;
			// The runner's state file, too, is written at once.
			writeFileSync(`${folder}.state`, JSON.stringify(configuration));
		},
		log,
		signal,
	};
}

async function answer(ask: Ask): Promise<Partial<Answer>> {
	if (ask.call === 'undo') {
		await undoConfiguration(ask.previous, contextOf(ask.use));
		return {};
	}
	if (ask.call === 'release') {
		await releasePaths(ask.folder);
		return {};
	}
	if (ask.call === 'own-installer') {
		const caller = { env: process.env, signal: AbortSignal.any([signal, AbortSignal.timeout(ask.stopAfterMs)]) };
		await installByItsOwnInstaller(ask.tarball, ask.folder, log, caller, ask.daemonPatienceMs);
		return {};
	}
	const store = await openLocalStore({ env: process.env, log, signal });
	if (store === null) return {};
	const startMs = performance.now();
	if (ask.call === 'hook') {
		const context = contextOf(ask.use);
		const hook = await hookSettings({ store, previous: null, context, isShared: ask.isShared });
		const tookMs = performance.now() - startMs;
		const wish = { substituters: [], publicKeys: [], netrc: [], other: hook.settings };
		return { hook, tookMs, configuration: await configureNix(wish, store, null, context) };
	}
	if (ask.call === 'hold') {
		const held = await holdPaths(store, ask.paths, ask.folder, signal);
		return { held, tookMs: performance.now() - startMs };
	}
	if (ask.call === 'roots') {
		const { journal, isShared, folders } = ask;
		const added = newSince(new Set(ask.before), await store.names()).map((name) => `${store.storeDir}/${name}`);
		return { roots: await jobRoots({ store, journal, added, isShared, folders, signal }) };
	}
	if (ask.call === 'configure') return { configuration: await configureNix(ask.wish, store, ask.previous, contextOf(ask.use)) };
	const { infos, invalid } = await store.closure(ask.closure, signal);
	return {
		description: store.description,
		names: await store.names(),
		infos: plain(await store.infos(ask.infos, signal)),
		closure: plain(infos),
		invalid: [...invalid],
	};
}

function plain(infos: ReadonlyMap<string, PathInfo | null>): Readonly<Record<string, object | null>> {
	return Object.fromEntries(
		[...infos].map(([path, info]) => [path, info === null ? null : { ...info, narHash: formatHash(info.narHash, 'nix32') }]),
	);
}

const ask: Ask = JSON.parse(readFileSync(0, 'utf8'));
const given = await answer(ask).then(
	(result) => ({ ...result, error: null }),
	(error: unknown) => {
		if (!isCacheError(error)) throw error;
		return { error: { code: error.code, message: error.message, hint: error.hint } };
	},
);
process.stdout.write(JSON.stringify({ ...given, remembered, exported, warnings, said } satisfies Answer));
