import { parseCacheTarget } from '../cache-target/target.ts';
import { CacheError, describeError, isCacheError, titleOf } from '../errors.ts';
import { withProxy } from '../http/proxy.ts';
import type { Warning } from '../log.ts';
import type { LocalStore } from '../store/local-store.ts';
import { type Effort, withCache } from './cache.ts';
import { knownNetrc } from './configure.ts';
import type { Session } from './session.ts';

/** A line of `substituters` (index) with a proxy of its own. */
export interface Proxied {
	readonly line: number;
	readonly url: string;
	/** May hold credentials. */
	readonly proxy: string;
	/** As in its `nix-cache-info`; `null` when that says nothing. */
	readonly priority: number | null;
}

/** Main must not hold up the job. */
const EFFORT: Effort = { concurrency: 4, attempts: 2, patienceMs: 5_000, connectTimeoutMs: 5_000 };

/** Asks the substituters with a proxy of their own whether they can be read through it. Whichever can't costs a warning and not the job. */
export async function askProxied(
	session: Session,
	store: LocalStore,
	signal: AbortSignal,
): Promise<{ readonly readable: readonly Proxied[]; readonly warnings: readonly Warning[] }> {
	const asked = await Promise.all(
		session.inputs.substituters.map(({ url, proxy }, line) =>
			proxy === null ? null : askThrough(session, store, { line, url, proxy, priority: null }, signal),
		),
	);
	return {
		readable: asked.filter((one) => one !== null && 'url' in one),
		warnings: asked.filter((one) => one !== null && 'text' in one),
	};
}

/** The substituter, or why not. */
async function askThrough(session: Session, store: LocalStore, one: Proxied, signal: AbortSignal): Promise<Proxied | Warning> {
	const { inputs, runner } = session;
	const target = parseCacheTarget(one.url, null, null);
	if ('problem' in target || target.kind !== 'http') throw new CacheError('internal', `${one.url} is no HTTP cache.`);
	const through = { ...session, runner: { ...runner, env: withProxy(runner.env, one.proxy) } };
	const netrc = await knownNetrc(inputs, store, signal);
	const goesOn = `It is asked through the proxy ${hostOf(one.proxy)}. The job goes on without it.`;
	try {
		return await withCache(through, store, target, netrc, EFFORT, async (backend) => {
			const { readable, note } = await backend.check(false, signal);
			const text = `${note ?? `${one.url} can't be read.`} ${goesOn}`;
			return readable ? { ...one, priority: backend.reads().priority } : { text, title: titleOf(null) };
		});
	} catch (error) {
		if (!isCacheError(error)) throw error;
		return { text: `${describeError(error)} ${goesOn}`, title: titleOf(error) };
	}
}

/** Without the credentials. */
function hostOf(proxy: string): string {
	return new URL(proxy).host;
}
