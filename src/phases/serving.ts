import type { BackendKind, NixReads } from '../backends/backend.ts';
import type { StoreTarget } from '../cache-target/target.ts';
import { CacheError, describeError, isCacheError, titleOf } from '../errors.ts';
import type { Warning } from '../log.ts';
import type { MainTarget } from '../state.ts';
import type { LocalStore } from '../store/local-store.ts';
import { type Found, type FoundStore, findStore } from './actions-cache.ts';
import { askForUploads } from './ask-for-uploads.ts';
import { type Effort, withCache } from './cache.ts';
import { knownNetrc, unreadNetrc } from './configure.ts';
import { askProxied, type Proxied } from './proxied.ts';
import { decidePush, mayStrangersStart } from './push-policy.ts';
import type { Session } from './session.ts';

/** Where the job reads and what takes its paths. Decided once, in main: what post finds out later only costs its push. */
export interface Serving {
	/** What Nix reads from the configured caches by itself. */
	readonly reads: NixReads;
	/** Lines of `cache` (indexes) that Nix can't read by itself: the local substituter serves them. */
	readonly throughUs: readonly ThroughUs[];
	/** Lines of `substituters` with a proxy of their own: the local substituter serves them too. */
	readonly proxied: readonly Proxied[];
	/** The store in the Actions cache, where the job reads or pushes there. */
	readonly store: FoundStore | null;
	/** For the output `cache`: of the first line that can be read. */
	readonly kind: BackendKind;
	readonly targets: readonly MainTarget[];
	/** Why the job does not push; `null` when it does. */
	readonly whyNot: string | null;
	/** What people should know, each once. */
	readonly warnings: readonly Warning[];
}

export interface ThroughUs {
	readonly line: number;
	/** As in its `nix-cache-info`; `null` when that says nothing. */
	readonly priority: number | null;
}

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

/** What came of asking one line of `cache`. */
interface Asked {
	readonly line: number;
	readonly kind: BackendKind;
	/** `null`: nobody can read it. */
	readonly reads: NixReads | null;
	/** `null`: the job can push there. */
	readonly whyNoPush: string | null;
	readonly failure: CacheError | null;
	readonly note: Warning | null;
	/** Where the line is the Actions cache itself. */
	readonly found: Found | null;
}

/**
 * Asks the configured caches whether they can be used, and the Actions cache where it is one, or has to stand in. An outage costs that cache, never
 * the job. Throws `push-impossible` when `push` is `always` and to one of them nothing could be pushed.
 */
export async function decideServing(session: Session, store: LocalStore, signal: AbortSignal): Promise<Serving> {
	const [asked, proxied] = await Promise.all([
		Promise.all(
			session.inputs.caches.map((target, line) =>
				target.kind === 'actions-cache'
					? askActionsCache(session, store, line, signal)
					: askCache(session, store, target, line, signal),
			),
		),
		askProxied(session, store, signal),
	]);
	const standIn = await findStandIn(session, store, asked, signal);
	const own = asked.find(({ found }) => found !== null)?.found ?? null;
	const readable = asked.filter(({ reads }) => reads !== null);
	const targets = targetsOf(asked, standIn);
	const pushes = targets.some(({ whyNot }) => whyNot === null);
	const found = own ?? standIn?.found ?? null;
	return {
		reads: joined(readable.flatMap(({ reads }) => (reads === null || reads.throughUs ? [] : [reads]))),
		throughUs: readable.flatMap(({ line, reads, found }) =>
			reads?.throughUs === true && found === null ? [{ line, priority: reads.priority }] : [],
		),
		proxied: proxied.readable,
		store: found?.store ?? null,
		kind: readable[0]?.kind ?? (found === null || found.store === null ? 'none' : 'actions-cache'),
		targets,
		whyNot: pushes ? null : (targets[0]?.whyNot ?? null),
		warnings: [
			...asked.flatMap(({ note, failure, found: self }) => [
				...(note === null ? [] : [note]),
				...(failure === null ? [] : [warningOf(failure, insteadOf(self, standIn, readable.length > 0))]),
			]),
			...proxied.warnings,
		],
	};
}

/** Of one failure, and what comes of it. */
function warningOf(error: CacheError, outcome: string): Warning {
	return { text: `${describeError(error)} ${outcome}`, title: titleOf(error) };
}

/** The Actions cache in place of the configured ones. */
interface StandIn {
	readonly found: Found;
	readonly pushes: boolean;
}

/** Decided for reading and for writing separately; `null` where it is not wanted or not needed. */
async function findStandIn(
	session: Session,
	store: LocalStore,
	asked: readonly Asked[],
	signal: AbortSignal,
): Promise<StandIn | null> {
	const { inputs, runner } = session;
	if (inputs.fallback !== 'actions-cache' || asked.some(({ found }) => found !== null)) return null;
	const mayPush = inputs.push !== 'never' && !(inputs.push === 'auto' && mayStrangersStart(runner.env));
	const wantsPush = mayPush && asked.every(({ whyNoPush, failure }) => whyNoPush !== null || failure !== null);
	if (asked.some(({ reads }) => reads !== null) && !wantsPush) return null;
	const found = await findStore(session, store, signal);
	return { found, pushes: wantsPush && found.whyNoPush === null };
}

/** Where the Actions cache takes the paths, a cache that may be back by the end of the job is not tried as well. */
function targetsOf(asked: readonly Asked[], standIn: StandIn | null): readonly MainTarget[] {
	const lines = asked.map(({ line, whyNoPush, failure }) => {
		const whyNot = whyNoPush ?? (standIn?.pushes === true && failure !== null ? failure.message : null);
		return { line, whyNot, failed: failure !== null };
	});
	return standIn?.pushes === true ? [...lines, { line: null, whyNot: null, failed: false }] : lines;
}

function joined(all: readonly NixReads[]): NixReads {
	return {
		substituters: all.flatMap(({ substituters }) => substituters),
		publicKeys: all.flatMap(({ publicKeys }) => publicKeys),
		netrc: all.flatMap(({ netrc }) => netrc),
		throughUs: false,
		priority: null,
	};
}

/** What serves in place of the cache that failed: one sentence. */
function insteadOf(self: Found | null, standIn: StandIn | null, isReadable: boolean): string {
	if (self !== null) return 'The job goes on without the Actions cache.';
	if (standIn === null) return isReadable ? 'The job goes on with its other caches.' : 'The job goes on without this cache.';
	const { found, pushes } = standIn;
	if (found.store === null) return `The job goes on without this cache, and there is no other: ${found.whyNone}`;
	return pushes
		? 'The job reads from the Actions cache in its place, and pushes there.'
		: 'The job reads from the Actions cache in its place.';
}

async function askCache(
	session: Session,
	store: LocalStore,
	target: StoreTarget,
	line: number,
	signal: AbortSignal,
): Promise<Asked> {
	const { inputs, runner } = session;
	const netrc = await knownNetrc(inputs, store, signal);
	const { canPush, whyNot } = decidePush(inputs, target, runner.env, netrc);
	const common = { line, kind: target.kind, found: null };
	try {
		return await withCache(session, store, target, netrc, EFFORT, async (backend) => {
			const { readable, note, whyNoPush: said } = await backend.check(canPush, signal);
			const refusal = canPush && said === null ? await askForUploads(runner, target, netrc, signal) : null;
			const whyNoPush = refusal === null ? said : describeError(refusal);
			if (whyNoPush !== null && inputs.push === 'always') throw pushImpossible(whyNoPush);
			const reads = readable ? backend.reads() : null;
			const noted = note === null ? null : { text: note, title: titleOf(null) };
			const told = refusal === null ? noted : warningOf(refusal, 'The job reads from it and pushes nothing there.');
			return { ...common, reads, whyNoPush: whyNot ?? whyNoPush, failure: null, note: told };
		});
	} catch (cause) {
		if (!isCacheError(cause) || cause.code === 'push-impossible') throw cause;
		const error = netrc.length > 0 ? cause : await withUnreadNetrc(cause, store, signal);
		const isLasting = isCacheError(error, ...LASTING);
		if (isLasting && inputs.push === 'always') throw pushImpossible(error.message, error);
		return { ...common, reads: null, whyNoPush: isLasting ? error.message : whyNot, failure: error, note: null };
	}
}

/** Where the cache wants credentials, and those that Nix has can't be read: that is what to do something about. */
async function withUnreadNetrc(error: CacheError, store: LocalStore, signal: AbortSignal): Promise<CacheError> {
	const unread = isCacheError(error, 'cache-unauthorized', 'cache-forbidden') ? await unreadNetrc(store, signal) : null;
	return unread === null
		? error
		: new CacheError(error.code, error.message, { hint: `${unread.message} ${unread.fix}`, cause: error });
}

function pushImpossible(why: string, cause?: CacheError): CacheError {
	return new CacheError('push-impossible', `\`push\` is \`always\`, but ${why}`, { hint: cause?.hint ?? undefined, cause });
}

async function askActionsCache(session: Session, store: LocalStore, line: number, signal: AbortSignal): Promise<Asked> {
	const { inputs, runner } = session;
	const found = await findStore(session, store, signal);
	const { whyNot } = decidePush(inputs, { kind: 'actions-cache' }, runner.env, []);
	const whyNoPush = whyNot ?? found.whyNoPush;
	if (whyNoPush !== null && inputs.push === 'always') {
		throw new CacheError('push-impossible', `\`push\` is \`always\`, but ${whyNoPush}`, { hint: 'Use `push: auto`.' });
	}
	const reads = found.store === null ? null : { ...joined([]), throughUs: true };
	return { line, kind: 'actions-cache', reads, whyNoPush, failure: found.failure, note: null, found };
}
