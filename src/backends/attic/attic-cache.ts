import type { AtticTarget } from '../../cache-target/attic.ts';
import type { Credentials } from '../../cache-target/credentials.ts';
import { CacheError, describeError, isCacheError } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';
import type { Log } from '../../log.ts';
import { findNetrc, type NetrcEntry, netrcMachine } from '../../nix/netrc.ts';
import type { PathInfo } from '../../nix/path-info.ts';
import { formatPublicKey, type SecretKey } from '../../nix/signature.ts';
import { hashPartOf } from '../../nix/store-path.ts';
import type { Backend, Presence } from '../backend.ts';
import { netrcCredentials } from '../netrc-credentials.ts';
import { publishableInfo } from '../published-narinfo.ts';
import { createAtticApi } from './api.ts';
import { type CacheConfig, describeCacheConfig } from './cache-config.ts';
import { readPathBack } from './read-back.ts';
import { whyExpired } from './refusals.ts';
import { otherApiHost, substituterOf } from './substituter.ts';
import { tokenExpiryMs } from './token.ts';
import { uploadOf } from './upload.ts';

export interface AtticCacheOptions {
	readonly target: AtticTarget;
	readonly client: HttpClient;
	readonly log: Log;
	/** That of the local store. */
	readonly storeDir: string;
	/** Attic keeps the signatures that paths come with and serves its own; `null`: none is added. */
	readonly signingKey: SecretKey | null;
	/** For hosts without credentials of their own. */
	readonly netrc: readonly NetrcEntry[];
}

/**
 * Hash parts in one question. The server binds each as a variable of one SQL statement (SQLite takes 32,766), and the body stays under
 * the megabyte that nginx takes unless told otherwise.
 */
const PAGE = 10_000;

/**
 * A cache on an attic server, which takes a path and makes it readable in one step, and signs it. There is no step to prepare, so all of the upload
 * waits for the references (invariant I1), though attic itself would take paths in any order.
 */
export function createAtticCache(options: AtticCacheOptions): Backend {
	const { target, client, log, storeDir, signingKey, netrc } = options;
	const { cache, endpoint, place: label } = target;
	const credentials = target.credentials ?? netrcCredentials(netrc, endpoint);
	const expired = () => whyExpired(credentials === null ? null : tokenExpiryMs(secretOf(credentials)), Date.now(), cache);
	const api = createAtticApi({ client, endpoint, cache, label, credentials, expired });

	let known: { readonly config: CacheConfig; readonly substituter: URL } | null = null;
	const load = async (signal: AbortSignal) => {
		const config = await api.config(signal);
		known = { config, substituter: substituterOf(target, config, (host) => findNetrc(netrc, host) !== null) };
		return known;
	};

	/** Asking for nothing takes the same right as asking for paths and pushing them. */
	const findWhyNoPush = async (signal: AbortSignal): Promise<string | null> => {
		try {
			await api.missing([], signal);
			return null;
		} catch (error) {
			if (isCacheError(error, 'cache-unauthorized', 'cache-forbidden')) return describeError(error);
			throw error;
		}
	};

	return {
		kind: 'attic',
		label,

		reads() {
			if (known === null) return { substituters: [], publicKeys: [], netrc: [], throughUs: false, priority: null };
			const { config, substituter } = known;
			return {
				substituters: [`${substituter.href}${target.parameters}`],
				publicKeys: [formatPublicKey(config.publicKey)],
				netrc: config.isPublic ? [] : netrcFor(target, substituter),
				throughUs: false,
				priority: config.priority,
			};
		},

		async check(mayWrite, signal) {
			const { config } = await load(signal);
			log.debug(`${label}: ${describeCacheConfig(config)}.`);
			const apiHost = otherApiHost(target, config);
			if (apiHost !== null) {
				const why = `the token goes to ${endpoint.host} alone, and so do uploads`;
				log.info(`${label} names ${apiHost} for its API; ${why}. Where that host takes larger ones, name it in \`cache\`.`);
			}
			if (config.storeDir !== storeDir) {
				throw new CacheError('cache-invalid', `${label} is for stores in ${config.storeDir}, and this one is in ${storeDir}.`, {
					hint: 'Paths can not move between store directories: use another cache.',
				});
			}
			const note = mayWrite ? expired() : null;
			const whyNoPush = note ?? (mayWrite ? await findWhyNoPush(signal) : null);
			return { readable: true, note, whyNoPush, skipSignedBy: config.upstreamKeyNames };
		},

		/** Attic tells which paths it has, not with which NAR hash, so none of them is called different. */
		async presence(paths, signal) {
			const found = new Map<string, Presence>();
			for (let start = 0; start < paths.length; start += PAGE) {
				const page = paths.slice(start, start + PAGE);
				const hashParts = page.map(({ path }) => hashPartOf(path));
				const missing = await api.missing(hashParts, signal);
				for (const { path } of page) found.set(path, { state: missing.has(hashPartOf(path)) ? 'missing' : 'present' });
			}
			return found;
		},

		async prepare(info: PathInfo, nar) {
			const publishable = publishableInfo(info, signingKey, storeDir);
			return async (signal) => {
				await api.upload(uploadOf(cache, publishable, nar, signal), signal);
				// Whole even when the server had that NAR: it wants to see that we have it.
				return { sentBytes: info.narSizeBytes };
			};
		},

		finish: async () => new Map(),

		async readBack(info, signal) {
			const { config, substituter } = known ?? (await load(signal));
			const own = substituter.hostname === endpoint.hostname ? credentials : netrcCredentials(netrc, substituter);
			return readPathBack(info, { client, substituter, credentials: own, publicKey: config.publicKey, storeDir }, signal);
		},

		close: async () => undefined,
	};
}

/** Nix sends nothing but Basic, and attic takes a token as the password of any user. What is in the netrc already needs no second entry. */
function netrcFor({ credentials, endpoint }: AtticTarget, substituter: URL): readonly NetrcEntry[] {
	if (credentials === null || substituter.hostname !== endpoint.hostname) return [];
	const login = credentials.kind === 'basic' ? credentials.username : 'token';
	return [{ machine: netrcMachine(substituter.hostname), login, password: secretOf(credentials) }];
}

function secretOf(credentials: Credentials): string {
	return credentials.kind === 'basic' ? credentials.password : credentials.token;
}
