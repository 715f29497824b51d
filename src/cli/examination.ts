import type { NixReads } from '../backends/backend.ts';
import type { StoreTarget } from '../cache-target/target.ts';
import { isCacheError } from '../errors.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { formatPublicKey, publicKeyOf, signatureKeyName } from '../nix/signature.ts';
import { askForUploads } from '../phases/ask-for-uploads.ts';
import { type Effort, withCache } from '../phases/cache.ts';
import { knownNetrc } from '../phases/configure.ts';
import { decidePush } from '../phases/push-policy.ts';
import type { Session } from '../phases/session.ts';
import { isKeyReadable } from '../preflight/check-keys.ts';
import type { Facts } from '../preflight/facts.ts';
import { gatherFacts } from '../preflight/gather.ts';
import { hasPlace } from '../preflight/place.ts';
import { problemsIn } from '../preflight/preflight.ts';
import type { Problem } from '../problem.ts';
import type { NixSettings } from '../setup/configuration.ts';
import { userName } from '../setup/configure-nix.ts';
import type { LocalStore } from '../store/local-store.ts';

/** One thing that was looked at. No secret in any of it. */
export interface Finding {
	readonly level: 'ok' | 'notice' | 'warning';
	/** A word, or the code of a problem (docs/troubleshooting.md). */
	readonly about: string;
	readonly text: string;
	/** What to do about it; `null` when there is nothing to do. */
	readonly fix: string | null;
}

/** What a set-up is looked at with. */
export interface Patient {
	readonly session: Session;
	readonly store: LocalStore;
	/** Caches that were named. */
	readonly targets: readonly StoreTarget[];
	readonly signal: AbortSignal;
}

const EFFORT: Effort = { concurrency: 8, attempts: 2, patienceMs: 5_000, connectTimeoutMs: 5_000 };

/** Nix, its daemon, its caches, the keys, and the caches that were named. Nothing is changed here, and no path goes to a cache. Throws `nix-failed`, `cancelled`. */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
	const { session, store, targets, signal } = patient;
	const netrc = await knownNetrc(session.inputs, store, signal);
	const named = await Promise.all(targets.map((target) => ask(patient, target, netrc)));
	const wish = targets.length === 0 ? null : wishOf(patient, named);
	const facts = await gatherFacts({
		store,
		env: session.runner.env,
		told: null,
		wish,
		keys: {
			signing: ownKey(patient),
			ofCaches: named.flatMap(({ reads }) => reads?.publicKeys ?? []),
			areKnown: true,
			unsignedCaches: [],
		},
		// What does not answer us need not be asked again in the name of Nix.
		ours: named.flatMap(({ reads, target }) => (reads === null && 'substituter' in target ? [target.substituter] : [])),
		log: session.runner.log,
		signal,
	});
	const problems = problemsIn(facts);
	return [
		examineNix(store),
		...examineTrust(patient, wish, problems),
		...facts.answers.filter(({ info }) => info !== null).map(({ url }) => ok('cache', `${url} answers Nix.`)),
		...named.flatMap(({ findings }) => findings),
		...named.flatMap(({ reads }) => (reads === null ? [] : unread(reads, facts))),
		...examineKeys(patient, wish, facts),
		...problems.map(findingOf),
	];
}

function ownKey({ session: { inputs } }: Pick<Patient, 'session'>) {
	return inputs.signingKey === null ? null : publicKeyOf(inputs.signingKey);
}

/** What Nix would have to be told to read the caches that were named. */
function wishOf(patient: Patient, named: readonly Named[]): NixSettings {
	const own = ownKey(patient);
	const keys = [...(own === null ? [] : [own]), ...patient.session.inputs.trustedPublicKeys].map(formatPublicKey);
	return {
		substituters: named.flatMap(({ reads }) => reads?.substituters ?? []),
		publicKeys: [...new Set([...keys, ...named.flatMap(({ reads }) => reads?.publicKeys ?? [])])],
		netrc: [],
		other: [],
	};
}

function examineNix({ nix, storeDir, description }: LocalStore): Finding {
	const { version } = nix.about;
	const way = description.access === 'daemon' ? 'through its daemon' : 'directly';
	return ok('Nix', `${version.implementation === 'nix' ? 'Nix ' : ''}${version.text}, which opens ${storeDir} ${way}.`);
}

/** That it does not trust the user is a problem only where that stands in the way of something. */
function examineTrust({ store }: Patient, wish: NixSettings | null, problems: readonly Problem[]): readonly Finding[] {
	const user = userName();
	const confFile = store.nix.about.systemConfFile;
	switch (store.trust) {
		case 'direct':
			return [ok('trust', `The store is ${user}'s own, so Nix takes all settings of this user.`)];
		case 'trusted':
			return [ok('trust', `The daemon trusts ${user}, and takes all settings of this user.`)];
		case 'unknown':
			return [notice('trust', `Whether the daemon trusts ${user} can't be told.`, `See \`trusted-users\` in ${confFile}.`)];
		case 'untrusted':
			if (problems.some(({ code }) => code === 'daemon-distrusts')) return [];
			if ((wish?.substituters ?? []).length > 0)
				return [ok('trust', `The daemon does not trust ${user}, and grants everybody what was named.`)];
			return [
				notice(
					'trust',
					`The daemon does not trust ${user}: caches and keys in this user's settings count only where it grants them to everybody.`,
					`Add \`extra-trusted-users = ${user}\` to ${confFile} and restart the daemon, or add the caches and keys there.`,
				),
			];
	}
}

/** A cache that was named. */
interface Named {
	readonly target: StoreTarget;
	readonly findings: readonly Finding[];
	/** `null`: it can't be read. */
	readonly reads: NixReads | null;
}

/** Asks it with the credentials that were given. */
async function ask(patient: Patient, target: StoreTarget, netrc: readonly NetrcEntry[]): Promise<Named> {
	const { session, store, signal } = patient;
	const { place } = target;
	try {
		return await withCache(session, store, target, netrc, EFFORT, async (backend) => {
			const { readable, note } = await backend.check(false, signal);
			const answer = readable
				? ok('cache', `${place} answers.`)
				: notice('cache', note ?? `${place} answers, and is no cache yet.`, 'The first push makes it a cache.');
			return {
				target,
				findings: [answer, await examinePush(patient, target, netrc)],
				reads: readable ? backend.reads() : null,
			};
		});
	} catch (error) {
		if (!isCacheError(error) || error.code === 'internal') throw error;
		return {
			target,
			findings: [warning('cache', `${place} can't be used: ${error.message}`, error.hint ?? 'Correct its URL.')],
			reads: null,
		};
	}
}

async function examinePush({ session, signal }: Patient, target: StoreTarget, netrc: readonly NetrcEntry[]): Promise<Finding> {
	const { inputs, runner } = session;
	const { place } = target;
	// Not as in a job: whoever types a command is no stranger.
	const { canPush } = decidePush({ ...inputs, push: 'auto' }, target, { ...runner.env, GITHUB_EVENT_NAME: '' }, netrc);
	if (!canPush) return notice('push', `There is nothing to push to ${place} with.`, CREDENTIALS_HINT);
	const refusal = await askForUploads(runner, target, netrc, signal);
	return refusal === null
		? ok('push', `Nothing is known against a push to ${place}.`)
		: warning('push', `${place} takes nothing: ${refusal.message}`, refusal.hint ?? CREDENTIALS_HINT);
}

const CREDENTIALS_HINT =
	'To push, set NIX_CACHE_TOKEN, or NIX_CACHE_USERNAME and NIX_CACHE_PASSWORD, to those of somebody who may write.';

function unread({ substituters, throughUs }: NixReads, { effective }: Facts): readonly Finding[] {
	if (throughUs) return [notice('cache', 'Nix can not read that cache by itself.', 'Let `serve` read it for Nix.')];
	return substituters
		.filter((url) => !hasPlace(effective.substituters, url))
		.map((url) => notice('cache', `Nix is not set to read from ${url}.`, `Add \`extra-substituters = ${url}\` to nix.conf.`));
}

function examineKeys({ session, targets }: Patient, wish: NixSettings | null, { effective }: Facts): readonly Finding[] {
	const own = ownKey({ session });
	const wanted = wish?.publicKeys ?? (own === null ? [] : [formatPublicKey(own)]);
	const names = effective.trustedPublicKeys.filter(isKeyReadable).map(signatureKeyName);
	const trusted = ok('keys', names.length === 0 ? 'Nix believes no key.' : `Nix believes what ${names.join(', ')} signed.`);
	const missing = wanted
		.filter((key) => !effective.trustedPublicKeys.includes(key))
		.map((key) =>
			warning(
				'keys',
				`Nix does not believe what ${signatureKeyName(key)} signs.`,
				`Add \`extra-trusted-public-keys = ${key}\` to nix.conf.`,
			),
		);
	const isUnsigned = own === null && targets.some(({ kind }) => kind === 'http' || kind === 's3' || kind === 'file');
	const unsigned = notice(
		'keys',
		'There is no key to sign with: what is pushed keeps the signatures that it has.',
		'To push, set NIX_CACHE_SIGNING_KEY.',
	);
	return [trusted, ...missing, ...(isUnsigned ? [unsigned] : [])];
}

function findingOf({ code, level, message, fix }: Problem): Finding {
	// In a job it may be a cache that somebody else set up, and that nobody needs there.
	return { level: code === 'substituter-unusable' ? 'warning' : level, about: code, text: message, fix };
}

function ok(about: string, text: string): Finding {
	return { level: 'ok', about, text, fix: null };
}

function notice(about: string, text: string, fix: string): Finding {
	return { level: 'notice', about, text, fix };
}

function warning(about: string, text: string, fix: string): Finding {
	return { level: 'warning', about, text, fix };
}
