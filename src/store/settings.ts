import { CacheError } from '../errors.ts';
import { isAtLeast } from './nix-about.ts';
import type { NixCommand } from './nix-command.ts';

/** The settings that matter here, as Nix itself puts them together from its files and its environment. */
export interface EffectiveSettings {
	/** The store URL; `NIX_REMOTE` is in it. */
	readonly store: string;
	readonly substituters: readonly string[];
	readonly trustedSubstituters: readonly string[];
	readonly trustedPublicKeys: readonly string[];
	readonly trustedUsers: readonly string[];
	readonly netrcFile: string;
	/** The program that Nix runs after each build; `null` when there is none. */
	readonly postBuildHook: string | null;
	readonly fallback: boolean;
	/** Seconds; 0 waits for ever. */
	readonly connectTimeout: number;
	/** Seconds for which Nix believes that a cache lacks a path. */
	readonly narinfoCacheNegativeTtl: number;
	/** Whether Nix takes anything from caches at all. */
	readonly substitute: boolean;
	/** Whether what comes from caches has to be signed by a trusted key. */
	readonly requireSigs: boolean;
	/** Nix collects garbage during a build when the disk has less. Bytes; 0: never. */
	readonly minFreeBytes: number;
}

/** Asks Nix for its effective settings: one process. */
export async function querySettings(nix: NixCommand, signal: AbortSignal): Promise<EffectiveSettings> {
	const { version } = nix.about;
	const command = isAtLeast(version, 2, 20) ? ['config', 'show'] : ['show-config'];
	return parseSettings(await nix.run([...command, '--json'], { signal }));
}

/** Reads `nix config show --json`: `{name: {value, ...}}`. Throws `format-invalid`; a setting that is not there has its usual default. */
export function parseSettings(json: string): EffectiveSettings {
	const all = parseObject(json);
	const value = (name: string): unknown => {
		const setting = all[name];
		return isObject(setting) ? setting.value : undefined;
	};
	const text = (name: string, otherwise: string): string => {
		const found = value(name) ?? otherwise;
		return typeof found === 'string' ? found : wrong(name);
	};
	const texts = (name: string): readonly string[] => {
		const found = value(name) ?? [];
		return isTexts(found) ? found : wrong(name);
	};
	const number = (name: string, otherwise: number): number => {
		const found = value(name) ?? otherwise;
		return typeof found === 'number' ? found : wrong(name);
	};
	return {
		store: text('store', 'auto'),
		substituters: texts('substituters'),
		trustedSubstituters: texts('trusted-substituters'),
		trustedPublicKeys: texts('trusted-public-keys'),
		trustedUsers: texts('trusted-users'),
		netrcFile: text('netrc-file', '/etc/nix/netrc'),
		postBuildHook: text('post-build-hook', '') || null,
		fallback: value('fallback') === true,
		connectTimeout: number('connect-timeout', 0),
		narinfoCacheNegativeTtl: number('narinfo-cache-negative-ttl', 3600),
		substitute: value('substitute') !== false,
		requireSigs: value('require-sigs') !== false,
		minFreeBytes: number('min-free', 0),
	};
}

function parseObject(json: string): Readonly<Record<string, unknown>> {
	let parsed: unknown;
	try {
		parsed = JSON.parse(json);
	} catch (cause) {
		throw new CacheError('format-invalid', "Nix's settings are not valid JSON.", { cause });
	}
	if (!isObject(parsed)) throw new CacheError('format-invalid', "Nix's settings are not a JSON object.");
	return parsed;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
	return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function wrong(name: string): never {
	throw new CacheError('format-invalid', `Nix's setting ${name} has an unexpected type.`);
}
