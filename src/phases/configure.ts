import type { NixReads } from '../backends/backend.ts';
import type { HookSettings } from '../hook/install.ts';
import type { Inputs } from '../inputs/inputs.ts';
import { type NetrcEntry, netrcMachine } from '../nix/netrc.ts';
import { formatPublicKey, publicKeyOf } from '../nix/signature.ts';
import { type Problem, tellProblem } from '../problem.ts';
import type { NixSettings, Route, SetupContext } from '../setup/configuration.ts';
import { configureNix, undoConfiguration, userName } from '../setup/configure-nix.ts';
import { readNetrcFile } from '../setup/netrc-file.ts';
import { whyNothingNew } from '../setup/route.ts';
import { adviceFor } from '../setup/untrusted.ts';
import type { LocalStore } from '../store/local-store.ts';
import { isAtLeast } from '../store/nix-about.ts';
import type { KeptSession, Session } from './session.ts';
import type { RunningSubstituter } from './substituter.ts';

/** What runs for this step beside the job; `null`: nothing. */
export interface Ours {
	readonly substituter: RunningSubstituter | null;
	readonly hook: HookSettings | null;
}

/**
 * Tells Nix about the caches to read from, in place of what an earlier phase told it. Substituters that the workflow adds are told whatever
 * the cache says.
 */
export async function applySettings(
	session: Session,
	store: LocalStore,
	reads: NixReads,
	ours: Ours,
	signal: AbortSignal,
): Promise<Route> {
	const wish = wishOf(session, store, reads, ours);
	const configuration = await configureNix(wish, store, session.state().configuration, contextOf(session, signal));
	session.keep({ configuration });
	return configuration.route;
}

/** All that Nix is to know of this step. */
export function wishOf({ inputs }: Session, store: LocalStore, reads: NixReads, { substituter, hook }: Ours): NixSettings {
	const ownKeys = [...(inputs.signingKey === null ? [] : [publicKeyOf(inputs.signingKey)]), ...inputs.trustedPublicKeys];
	return {
		substituters: unique([...reads.substituters, ...directSubstituters(inputs)]),
		// Of two keys with one name Nix takes the first: what a cache says of itself is what reads it, whatever key the workflow has.
		publicKeys: unique([...reads.publicKeys, ...ownKeys.map(formatPublicKey)]),
		netrc: [...(substituter === null ? [] : [substituter.netrc]), ...netrcOf(inputs), ...reads.netrc],
		other: [...(substituter === null ? [] : settingsForOurs(store)), ...(hook?.settings ?? [])],
	};
}

/** Substituters that Nix reaches without the help of ours. */
export function directSubstituters({ substituters }: Inputs): readonly string[] {
	return substituters.filter(({ proxy }) => proxy === null).map(({ url }) => url);
}

/** Whether Nix can be told of a substituter of this job's own. Where it can't, and reads from no other cache, one warning says what an administrator has to add. */
export async function canServeHere(
	session: Session,
	store: LocalStore,
	readsOthers: boolean,
	signal: AbortSignal,
): Promise<boolean> {
	const why = await whyNothingNew(store, session.state().configuration, contextOf(session, signal));
	if (why === null) return true;
	const nothing = { substituters: [], publicKeys: [], netrc: [], other: [] };
	const advice = adviceFor(nothing, userName(), store.nix.about.systemConfFile, why);
	const { log } = session.runner;
	if (readsOthers) log.info(`What this action would serve on this machine is not read: ${advice.message} ${advice.fix}`);
	else tellProblem(advice, log);
	return false;
}

/** Takes back what this use of the action told Nix. A failure is said and does not stop the rest of post. */
export async function takeBackSettings(session: KeptSession, signal: AbortSignal): Promise<void> {
	const { configuration } = session.state();
	if (configuration !== null) await undoConfiguration(configuration, contextOf(session, signal));
}

/**
 * With these a build outlives the end of our substituter. Older versions abort where this one says to go on: docs/decisions/010-local-substituter.md.
 */
function settingsForOurs({ nix }: LocalStore): readonly (readonly [name: string, value: string])[] {
	return isAtLeast(nix.about.version, 2, 26) ? [['fallback', 'true']] : [];
}

/** The entries that the workflow gives: for the first cache from its credentials, and the text of `netrc`. */
function netrcOf(inputs: Inputs): readonly NetrcEntry[] {
	const own = inputs.caches.flatMap((target): readonly NetrcEntry[] => {
		if (target.kind !== 'http' || target.credentials === null) return [];
		const { url, credentials } = target;
		// Nix sends nothing but Basic. Servers that know tokens take one as the password, with any user name (Artifactory, attic, Cachix).
		return credentials.kind === 'basic'
			? [{ machine: netrcMachine(url.hostname), login: credentials.username, password: credentials.password }]
			: [{ machine: netrcMachine(url.hostname), login: 'token', password: credentials.token }];
	});
	return [...own, ...inputs.netrc];
}

/** The entries that the workflow gives, then those that Nix reads on this machine already. */
export async function knownNetrc(inputs: Inputs, store: LocalStore, signal: AbortSignal): Promise<readonly NetrcEntry[]> {
	const { netrcFile } = await store.settings(signal);
	return [...netrcOf(inputs), ...(await readNetrcFile(netrcFile)).entries];
}

/** Why what Nix's netrc on this machine holds does not count for this action; `null` when it does. */
export async function unreadNetrc(store: LocalStore, signal: AbortSignal): Promise<Problem | null> {
	const { netrcFile } = await store.settings(signal);
	return (await readNetrcFile(netrcFile)).problem;
}

export function contextOf(session: KeptSession, signal: AbortSignal): SetupContext {
	const { runner } = session;
	const { id, folder } = session.state();
	return {
		id,
		folder,
		env: runner.env,
		exportVariable: runner.exportVariable,
		remember: (configuration) => session.keep({ configuration }),
		log: runner.log,
		signal,
	};
}

function unique(texts: readonly string[]): readonly string[] {
	return [...new Set(texts)];
}
