import { parseCacheTarget } from '../cache-target/target.ts';
import { CacheError, describeError, isCacheError } from '../errors.ts';
import { withProxy } from '../http/proxy.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import type { PathInfo } from '../nix/path-info.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { BulkQuestion } from './bulk-question.ts';
import { type Effort, withCache } from './cache.ts';
import type { Session } from './session.ts';

/** The lines of `substituters`, as to which of the job's paths its readers find there and need in no other cache. */
export interface Upstreams {
	/** Which of these paths (full) are there, and in which one. What could not be found out counts as not there. */
	find(paths: readonly PathInfo[], signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
}

/**
 * They are asked beside the push, which must not wait for them for long. As many paths as there are requests in flight take one round trip; a question for many
 * together, to the host of an API, would take a connection more than that.
 */
const EFFORT: Effort = { concurrency: 32, attempts: 2, patienceMs: 3_000, connectTimeoutMs: 3_000 };
const LIMIT_MS = 10_000;
/** Asked together: what was answered before the time ran out counts. */
const BATCH = 256;

/**
 * Asks once for each path that may be there, and only for those that came to this store with a signature of somebody else's. What was built here is in no upstream, or Nix would have
 * taken it from there; what nobody else signed could not have come from one. With an empty `skip-signed-by` the cache is to be whole, and nobody is asked.
 */
export function createUpstreams(session: Session, store: LocalStore, netrc: () => Promise<readonly NetrcEntry[]>): Upstreams {
	const { inputs, runner } = session;
	const lines = inputs.skipSignedBy.length === 0 ? [] : [...inputs.substituters];
	const servers = inputs.caches.flatMap((target) => (target.kind === 'cachix' ? [target.host] : []));
	let bulk: Promise<BulkQuestion> | null = null;
	/** The substituter that has the path, `null` for none. */
	const known = new Map<string, string | null>();
	let last: Promise<void> = Promise.resolve();

	/** Of many paths, those that a question for all of them shows to be lacking. One question serves all lines: it remembers who does not answer. */
	const lackedOf: BulkQuestion['lacked'] = async (url, env, paths, signal) => {
		if (paths.length <= EFFORT.concurrency) return new Set();
		bulk ??= import('./bulk-question.ts').then(async ({ createBulkQuestion }) =>
			createBulkQuestion(servers, await netrc(), runner.log),
		);
		return (await bulk).lacked(url, env, paths, signal);
	};

	const isFromElsewhere = ({ ultimate, signatures }: PathInfo): boolean =>
		!ultimate && signatures.some((signature) => !signature.startsWith(`${inputs.signingKey?.name ?? ''}:`));

	const ask = async ({ url, proxy }: (typeof lines)[number], paths: readonly PathInfo[], signal: AbortSignal): Promise<void> => {
		const target = parseCacheTarget(url, null, null);
		if ('problem' in target || target.kind !== 'http') throw new CacheError('internal', `${url} is no HTTP cache.`);
		const env = proxy === null ? runner.env : withProxy(runner.env, proxy);
		const lacked = await lackedOf(target.url, env, paths, signal);
		const possible = paths.filter(({ path }) => !lacked.has(path));
		if (possible.length === 0) return;
		await withCache({ ...session, runner: { ...runner, env } }, store, target, await netrc(), EFFORT, async (backend) => {
			for (let at = 0; at < possible.length; at += BATCH) {
				const found = await backend.presence(possible.slice(at, at + BATCH), signal);
				for (const [path, { state }] of found) if (state === 'present') known.set(path, url);
			}
		});
	};

	const askAll = async (paths: readonly PathInfo[], signal: AbortSignal): Promise<void> => {
		const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
		for (const line of [...lines]) {
			const left = paths.filter(({ path }) => !known.has(path));
			if (left.length === 0 || limit.aborted) break;
			try {
				await ask(line, left, limit);
			} catch (error) {
				if (!isCacheError(error) || error.code === 'internal') throw error;
				if (signal.aborted) break;
				// One that fails is not asked again.
				lines.splice(lines.indexOf(line), 1);
				runner.log.info(`${line.url} does not say what it has, so that is pushed: ${describeError(error)}`);
			}
		}
		// Whoever asks no more has not found out that a path is nowhere: the end of the job asks for it again.
		if (signal.aborted) return;
		for (const { path } of paths) if (!known.has(path)) known.set(path, null);
	};

	return {
		async find(paths, signal) {
			const wanted = paths.filter(isFromElsewhere);
			if (lines.length > 0 && wanted.length > 0) {
				// One after the other: several caches want the same paths.
				const mine = last.then(async () => {
					const unknown = wanted.filter(({ path }) => !known.has(path));
					if (unknown.length > 0) await askAll(unknown, signal);
				});
				last = mine.catch(() => undefined);
				await mine;
			}
			return new Map(
				wanted.flatMap(({ path }): [string, string][] => {
					const url = known.get(path) ?? null;
					return url === null ? [] : [[path, url]];
				}),
			);
		},
	};
}
