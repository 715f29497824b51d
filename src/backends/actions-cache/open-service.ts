import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { isCacheError } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';
import type { Log } from '../../log.ts';
import type { CacheService } from './cache-service.ts';
import { openDirect } from './direct.ts';

export interface OpenServiceOptions {
	/** That of the action: `run:` steps do not have what is needed. */
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly client: HttpClient;
	readonly log: Log;
	/** For what lies on disk for a while; made when needed. */
	readonly folder: string;
	/** The namespace: `cacheVersion`. */
	readonly version: string;
	/** Absolute path of what calls `runToolkit` with its argument. */
	readonly toolkitScript: string;
	/** By which the indexes of this job were read; `null`: they were not read yet. */
	readonly transport: CacheService['transport'] | null;
}

/**
 * The Actions cache of this job; `null` where the runner has none. Which protocol a server speaks is told by the same variables as to `@actions/cache`
 * (its `config.ts`): v2 is spoken directly, everything else by the toolkit, and so is v2 when its first answer is not understood.
 */
export async function openCacheService(options: OpenServiceOptions): Promise<CacheService | null> {
	const { env, log } = options;
	const token = env.ACTIONS_RUNTIME_TOKEN ?? '';
	if (token === '') return null;
	const allowed = accessOf(env.ACTIONS_CACHE_MODE, token);
	const isEnterprise = isGhes(env.GITHUB_SERVER_URL);
	const baseUrl = env.ACTIONS_RESULTS_URL ?? '';
	const speaksV2 = !isEnterprise && (env.ACTIONS_CACHE_SERVICE_V2 ?? '') !== '';
	const toolkit = async (refusesDuplicates: boolean): Promise<CacheService> => {
		const { openToolkit } = await import('./toolkit.ts');
		const needed = (await hasTar(env.PATH)) ? allowed : { whyNoRead: NO_TAR, whyNoWrite: NO_TAR };
		return openToolkit({ ...options, ...needed, script: options.toolkitScript, refusesDuplicates });
	};
	if (!speaksV2) return (env.ACTIONS_CACHE_URL ?? '') === '' ? null : toolkit(isEnterprise);
	if (!URL.canParse(baseUrl) || !/^https?:$/.test(new URL(baseUrl).protocol)) return null;
	if (options.transport === 'toolkit') return toolkit(true);
	const direct = openDirect({
		...options,
		...allowed,
		baseUrl: new URL(baseUrl),
		token,
		mask: log.mask,
		nowMs: () => performance.now(),
	});
	return options.transport === 'direct' ? direct : withWayOut(direct, () => toolkit(true), log);
}

/**
 * Goes on with `other` when `first` does not understand its first answer: the protocol is not public, and may change. Later than that it would be wrong, as neither
 * finds the entries of the other: what is there would be taken for evicted.
 */
function withWayOut(first: CacheService, other: () => Promise<CacheService>, log: Log): CacheService {
	let second: Promise<CacheService> | null = null;
	let isUnderstood = false;
	const attempt = async <T>(use: (service: CacheService) => Promise<T>): Promise<T> => {
		if (second !== null) return use(await second);
		try {
			const answer = await use(first);
			isUnderstood ||= second === null;
			if (second === null) return answer;
		} catch (error) {
			if (isUnderstood || !isCacheError(error, 'cache-invalid')) throw error;
			if (second === null) log.info(`${error.message} @actions/cache is asked in its place, in all of this job.`);
			second ??= other();
		}
		return use(await second);
	};
	return {
		...first,
		get transport() {
			return second === null ? first.transport : 'toolkit';
		},
		lookup: (which, signal) => attempt((service) => service.lookup(which, signal)),
		save: (key, body, signal) => attempt((service) => service.save(key, body, signal)),
		async close() {
			await first.close();
			await (await second)?.close();
		},
	};
}

const NO_TAR = '`tar` is missing on this runner, and @actions/cache does not work without it: install GNU tar.';

type Access = Pick<CacheService, 'whyNoRead' | 'whyNoWrite'>;

/** What the workflow's `cache-mode` allows, and what the token's own claim says. Unknown values allow everything: the service decides. */
function accessOf(cacheMode: string | undefined, token: string): Access {
	const mode = (cacheMode ?? '').trim().toLowerCase();
	const mayRead = !['none', 'write-only'].includes(mode);
	const mayWrite = !['none', 'read'].includes(mode);
	const byMode = (what: string): string =>
		`the workflow's \`cache-mode: ${mode}\` does not let this job ${what} the Actions cache.`;
	const byToken = tokenWrites(token) === false ? 'GitHub gave this job a token that only reads from the Actions cache.' : null;
	return { whyNoRead: mayRead ? null : byMode('read from'), whyNoWrite: mayWrite ? byToken : byMode('write to') };
}

/** Whether the token has a scope that it can write, by its claim `ac`; `null` when that can't be told. A hint, since nobody has documented the claim. */
function tokenWrites(token: string): boolean | null {
	try {
		const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
		if (typeof claims !== 'object' || claims === null || !('ac' in claims) || typeof claims.ac !== 'string') return null;
		const scopes: unknown = JSON.parse(claims.ac);
		if (!Array.isArray(scopes) || scopes.length === 0) return null;
		const permissions = scopes.map((scope: unknown) =>
			typeof scope === 'object' && scope !== null && 'Permission' in scope ? Number(scope.Permission) : Number.NaN,
		);
		return permissions.some(Number.isNaN) ? null : permissions.some((permission) => (permission & 2) !== 0);
	} catch {
		return null;
	}
}

/** `@actions/cache` packs every entry with it. */
async function hasTar(path: string | undefined): Promise<boolean> {
	for (const folder of (path ?? '').split(delimiter).filter(isAbsolute)) {
		const isThere = await access(join(folder, 'tar'), constants.X_OK).then(
			() => true,
			() => false,
		);
		if (isThere) return true;
	}
	return false;
}

/** As the toolkit tells: any host but github.com, `*.ghe.com` and `*.localhost`. */
function isGhes(serverUrl: string | undefined): boolean {
	const url = URL.canParse(serverUrl ?? '') ? new URL(serverUrl ?? '') : new URL('https://github.com');
	const host = url.hostname.toLowerCase();
	return host !== 'github.com' && !host.endsWith('.ghe.com') && !host.endsWith('.localhost');
}
