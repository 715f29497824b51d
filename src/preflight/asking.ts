import type { Credentials } from '../cache-target/credentials.ts';
import { CacheError, isCacheError } from '../errors.ts';
import type { HttpAnswer, HttpClient } from '../http/client.ts';
import { type CacheInfo, MAX_CACHE_INFO_BYTES, parseCacheInfo } from '../nix/cache-info.ts';
import { findNetrc, type NetrcEntry } from '../nix/netrc.ts';
import type { Answer } from './facts.ts';

export interface Asking {
	readonly client: HttpClient;
	/** As Nix has it: it sends what that has for a host, and nothing else. `null`: only the daemon can read it, so that a refusal says nothing. */
	readonly netrc: readonly NetrcEntry[] | null;
	readonly storeDir: string;
	/** The time of this machine. */
	nowMs(): number;
	readonly signal: AbortSignal;
}

/** Asks a cache for its `nix-cache-info` as Nix does when it opens it. Never throws for what is the cache's fault. */
export async function askSubstituter(url: string, asking: Asking): Promise<Answer> {
	const sentMs = asking.nowMs();
	try {
		const answer = await get(url, asking);
		const aheadMs = aheadOf(answer, (sentMs + asking.nowMs()) / 2);
		if (REFUSALS.includes(answer.status)) return { url, info: null, aheadMs, trouble: null };
		if (answer.status !== 200) {
			return { url, info: null, aheadMs, trouble: { what: 'it has no `nix-cache-info`', hint: NO_CACHE_HINT, isRefusal: false } };
		}
		return { url, aheadMs, ...read(Buffer.from(answer.bytes).toString('utf8'), asking.storeDir) };
	} catch (error) {
		if (!isCacheError(error)) throw error;
		const { message, hint } = error;
		return {
			url,
			info: null,
			aheadMs: null,
			trouble: {
				what: message.replace(/\.$/, ''),
				hint,
				isRefusal: isCacheError(error, 'cache-unauthorized', 'cache-forbidden'),
			},
		};
	}
}

const REFUSALS: readonly number[] = [401, 403];
const NO_CACHE_HINT = 'Correct its URL, or take it out of `substituters`.';

function get(url: string, { client, netrc, signal }: Asking): Promise<HttpAnswer> {
	const address = new URL(url);
	address.search = '';
	if (!address.pathname.endsWith('/')) address.pathname += '/';
	address.pathname += 'nix-cache-info';
	const entry = findNetrc(netrc ?? [], address.hostname);
	const credentials: Credentials | null =
		entry === null ? null : { kind: 'basic', username: entry.login, password: entry.password };
	return client.request({
		method: 'GET',
		url: address,
		credentials,
		accept: [200, 404, 410, ...(netrc === null ? REFUSALS : [])],
		limitBytes: MAX_CACHE_INFO_BYTES,
		signal,
	});
}

function read(text: string, storeDir: string): Pick<Answer, 'info' | 'trouble'> {
	let info: CacheInfo;
	try {
		info = parseCacheInfo(text);
	} catch (error) {
		if (!(error instanceof CacheError)) throw error;
		return {
			info: null,
			trouble: { what: error.message.replace(/\.$/, ''), hint: 'Correct that file on the server.', isRefusal: false },
		};
	}
	if (info.storeDir === null || info.storeDir === storeDir) return { info, trouble: null };
	const what = `it is for stores in ${info.storeDir}, and this one is in ${storeDir}`;
	return {
		info: null,
		trouble: { what, hint: 'Take it out of `substituters`: paths can not move between store directories.', isRefusal: false },
	};
}

/** A shared cache on the way (RFC 9111, section 4.2.3) answers with a date of long ago and says how long. A date has whole seconds. */
function aheadOf(answer: HttpAnswer, askedMs: number): number | null {
	const date = Date.parse(answer.header('date') ?? '');
	if (Number.isNaN(date)) return null;
	const age = answer.header('age') ?? '0';
	return date + (/^\d{1,9}$/.test(age) ? Number(age) * 1000 : 0) - askedMs;
}
