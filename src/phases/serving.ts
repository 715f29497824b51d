import type { BackendKind, NixReads } from '../backends/backend.ts';
import type { ActionsCacheTarget, StoreTarget } from '../cache-target/target.ts';
import { CacheError, describeError, isCacheError } from '../errors.ts';
import type { LocalStore } from '../store/local-store.ts';
import { type FoundStore, findStore } from './actions-cache.ts';
import { type Effort, hasKeys, withCache } from './cache.ts';
import { knownNetrc } from './configure.ts';
import { decidePush, mayStrangersStart } from './push-policy.ts';
import type { Session } from './session.ts';

/** Where the job reads and what takes its paths. Decided once, in main: what post finds out later only costs its push. */
export interface Serving {
	/** What Nix reads from the configured cache. */
	readonly reads: NixReads;
	/** The store in the Actions cache, where the job reads or pushes there. */
	readonly store: FoundStore | null;
	/** For the output `cache`. */
	readonly kind: BackendKind;
	readonly pushTo: PushTo | null;
	/** Why the job does not push; `null` when it does. */
	readonly whyNot: string | null;
	/** The configured cache failed in a way that may pass: post tries less long. */
	readonly cacheFailed: boolean;
	/** What people should know, each once. */
	readonly warnings: readonly string[];
}

/** What takes the paths: the first line of `cache`, or the Actions cache in its place. */
export type PushTo = 'cache' | 'actions-cache';

/** Main must not hold up the job. */
const EFFORT: Effort = { concurrency: 8, attempts: 3, patienceMs: 10_000, connectTimeoutMs: 5_000 };

/** Failures that the end of the job would meet again. */
const LASTING = [
	'cache-unauthorized',
	'cache-forbidden',
	'cache-read-only',
	'cache-not-found',
	'cache-invalid',
	'cache-tls',
] as const;

const NO_READS: NixReads = { substituters: [], publicKeys: [], netrc: [], throughUs: false };

/**
 * Asks the configured cache whether it can be used, and the Actions cache where it is the one, or has to stand in. An outage costs the cache, never
 * the job. Throws `push-impossible` when `push` is `always` and nothing could be pushed.
 */
export async function decideServing(session: Session, store: LocalStore, signal: AbortSignal): Promise<Serving> {
	const target = session.inputs.caches[0];
	if (target === undefined) throw new CacheError('internal', 'There is always a cache.');
	return target.kind === 'actions-cache'
		? serveActionsCache(session, store, target, signal)
		: serveCache(session, store, target, signal);
}

/** What came of asking a configured cache. */
interface Asked {
	readonly reads: NixReads;
	/** `null`: the job can push there. */
	readonly whyNoPush: string | null;
	readonly failure: CacheError | null;
	readonly note: string | null;
}

async function serveCache(session: Session, store: LocalStore, target: StoreTarget, signal: AbortSignal): Promise<Serving> {
	const { inputs } = session;
	const asked = await ask(session, store, target, signal);
	const { reads, failure, note } = asked;
	const isReadable = reads.substituters.length > 0 || reads.throughUs;
	const wantsFallback = inputs.fallback === 'actions-cache';
	const mayPush = inputs.push !== 'never' && !(inputs.push === 'auto' && mayStrangersStart(session.runner.env));
	const wantsPush = mayPush && (asked.whyNoPush !== null || failure !== null);
	const found = wantsFallback && (!isReadable || wantsPush) ? await findStore(session, store, signal) : null;
	const pushesThere = wantsPush && found !== null && found.whyNoPush === null;
	const pushTo = pushesThere ? 'actions-cache' : asked.whyNoPush === null ? 'cache' : null;
	return {
		reads,
		store: found?.store ?? null,
		kind: isReadable ? target.kind : found === null || found.store === null ? 'none' : 'actions-cache',
		pushTo,
		whyNot: pushTo === null ? asked.whyNoPush : null,
		cacheFailed: failure !== null,
		warnings: [
			...(note === null ? [] : [note]),
			...(failure === null ? [] : [`${describeError(failure)} ${insteadOf(found, pushesThere, wantsFallback)}`]),
		],
	};
}

/** What serves in place of the cache that failed: one sentence. */
function insteadOf(found: Found | null, pushes: boolean, wanted: boolean): string {
	if (!wanted || found === null) return 'The job goes on without this cache.';
	if (found.store === null) return `The job goes on without this cache, and there is no other: ${found.whyNone}`;
	return pushes
		? 'The job reads from the Actions cache in its place, and pushes there.'
		: 'The job reads from the Actions cache in its place.';
}

type Found = Awaited<ReturnType<typeof findStore>>;

async function ask(session: Session, store: LocalStore, target: StoreTarget, signal: AbortSignal): Promise<Asked> {
	const { inputs, runner } = session;
	const netrc = await knownNetrc(inputs, store, signal);
	let whyNot: string | null = null;
	try {
		const decision = decidePush(inputs, target, runner.env, netrc, await hasKeys(session, target, EFFORT));
		whyNot = decision.whyNot;
		return await withCache(session, store, target, netrc, EFFORT, async (backend) => {
			const { readable, note } = await backend.check(decision.canPush, signal);
			return { reads: readable ? backend.reads() : NO_READS, whyNoPush: whyNot, failure: null, note };
		});
	} catch (error) {
		if (!isCacheError(error)) throw error;
		const isLasting = isCacheError(error, ...LASTING);
		if (isLasting && inputs.push === 'always') {
			throw new CacheError('push-impossible', `\`push\` is \`always\`, but ${error.message}`, {
				hint: error.hint ?? undefined,
				cause: error,
			});
		}
		return { reads: NO_READS, whyNoPush: isLasting ? error.message : whyNot, failure: error, note: null };
	}
}

async function serveActionsCache(
	session: Session,
	store: LocalStore,
	target: ActionsCacheTarget,
	signal: AbortSignal,
): Promise<Serving> {
	const { inputs, runner } = session;
	const found = await findStore(session, store, signal);
	const { whyNot } = decidePush(inputs, target, runner.env, [], false);
	const whyNoPush = whyNot ?? found.whyNoPush;
	if (whyNoPush !== null && inputs.push === 'always') {
		throw new CacheError('push-impossible', `\`push\` is \`always\`, but ${whyNoPush}`, { hint: 'Use `push: auto`.' });
	}
	return {
		reads: NO_READS,
		store: found.store,
		kind: found.store === null ? 'none' : 'actions-cache',
		pushTo: whyNoPush === null ? 'actions-cache' : null,
		whyNot: whyNoPush,
		cacheFailed: false,
		warnings: found.failure === null ? [] : [`${describeError(found.failure)} The job goes on without the Actions cache.`],
	};
}
