import type { StoreTarget } from '../cache-target/target.ts';
import { parseCacheTarget } from '../cache-target/target.ts';
import { isCacheError } from '../errors.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { formatPublicKey, publicKeyOf, signatureKeyName } from '../nix/signature.ts';
import { type Effort, withCache } from '../phases/cache.ts';
import { contextOf, knownNetrc } from '../phases/configure.ts';
import { decidePush } from '../phases/push-policy.ts';
import type { Session } from '../phases/session.ts';
import { userName } from '../setup/configure-nix.ts';
import { chooseRoute } from '../setup/route.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { EffectiveSettings } from '../store/settings.ts';

/** One thing that was looked at. No secret in any of it. */
export interface Finding {
	readonly level: 'ok' | 'notice' | 'warning';
	/** A word or two. */
	readonly about: string;
	readonly text: string;
	/** What to do about it; `null` when there is nothing to do. */
	readonly fix: string | null;
}

/** What a set-up is looked at with. */
export interface Patient {
	/** Its caches are those that were named, if any. */
	readonly session: Session;
	readonly store: LocalStore;
	/** Those that were named. */
	readonly targets: readonly StoreTarget[];
	readonly signal: AbortSignal;
}

const EFFORT: Effort = { concurrency: 8, attempts: 2, patienceMs: 5_000, connectTimeoutMs: 5_000 };

/** Nix, its daemon, its caches, the keys, and the caches that were named. Nothing is changed and nothing written. Throws `nix-failed`, `cancelled`. */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
	const { session, store, signal } = patient;
	const settings = await store.settings(signal);
	const netrc = await knownNetrc(session.inputs, store, signal);
	const [trust, read, named] = await Promise.all([
		examineTrust(patient),
		Promise.all(substituterTargets(settings, patient).map((target) => examineRead(patient, target, netrc))),
		Promise.all(patient.targets.map((target) => examineNamed(patient, target, settings, netrc))),
	]);
	return [examineNix(store), ...trust, ...read, ...named.flat(), ...examineKeys(patient, settings)];
}

function examineNix({ nix, storeDir, description }: LocalStore): Finding {
	const { version } = nix.about;
	const way = description.access === 'daemon' ? 'through its daemon' : 'directly';
	return ok('Nix', `${version.implementation === 'nix' ? 'Nix ' : ''}${version.text}, which opens ${storeDir} ${way}.`);
}

async function examineTrust({ session, store, targets, signal }: Patient): Promise<readonly Finding[]> {
	const user = userName();
	if (store.trust === 'direct') return [ok('trust', `The store is ${user}'s own, so Nix takes all settings of this user.`)];
	if (store.trust === 'trusted') return [ok('trust', `The daemon trusts ${user} and takes the settings of this user.`)];
	if (store.trust === 'unknown') {
		return [notice('trust', `Whether the daemon trusts ${user} can not be told.`, 'See `trusted-users` in its nix.conf.')];
	}
	const substituters = targets.flatMap((target) => ('substituter' in target ? [target.substituter] : []));
	const wish = { substituters, publicKeys: [], netrc: [], other: [] };
	const { route } = await chooseRoute(wish, store, null, contextOf(session, signal));
	const text = `The daemon does not trust ${user}: caches and keys that this user's settings add do not count.`;
	const confFile = store.nix.about.systemConfFile;
	const fix = `Add \`extra-trusted-users = ${user}\` to ${confFile} and restart the daemon, or add the caches and keys there.`;
	if (targets.length > 0 && (route === 'already-there' || (route === 'user-file' && substituters.length > 0)))
		return [ok('trust', `The daemon does not trust ${user}, and grants everybody the caches that were named.`)];
	if (route === 'system-include')
		return [notice('trust', `${text} As sudo asks no password, the action can add them for a job all the same.`, fix)];
	return [targets.length > 0 ? warning('trust', text, fix) : notice('trust', text, fix)];
}

/** The caches that Nix reads, but for those that were named. */
function substituterTargets({ substituters }: EffectiveSettings, { targets }: Patient): readonly StoreTarget[] {
	return [...new Set(substituters)].flatMap((url) => {
		const target = parseCacheTarget(url, null, null);
		if ('problem' in target || target.kind === 'actions-cache' || targets.some(({ place }) => place === target.place)) return [];
		return [target];
	});
}

async function examineRead(
	{ session, store, signal }: Patient,
	target: StoreTarget,
	netrc: readonly NetrcEntry[],
): Promise<Finding> {
	return said(target, async () =>
		withCache(session, store, target, netrc, EFFORT, async (backend) => {
			const { readable, note } = await backend.check(false, signal);
			const fix = note ?? 'Correct its URL, or take it out of `substituters`.';
			return readable ? ok('cache', `${target.place} answers.`) : warning('cache', `Nix can't read from ${target.place}.`, fix);
		}),
	);
}

async function examineNamed(
	{ session, store, signal }: Patient,
	target: StoreTarget,
	settings: EffectiveSettings,
	netrc: readonly NetrcEntry[],
): Promise<readonly Finding[]> {
	const { inputs, runner } = session;
	const push = decidePush({ ...inputs, push: 'auto' }, target, { ...runner.env, GITHUB_EVENT_NAME: '' }, netrc);
	const answer = await said(target, async () =>
		withCache(session, store, target, netrc, EFFORT, async (backend) => {
			const { readable, note, whyNoPush } = await backend.check(false, signal);
			if (!readable)
				return notice(
					'cache',
					`${target.place} answers, but Nix can't read from it${note === null ? '.' : `: ${note}`}`,
					'The first push makes it a cache.',
				);
			const { substituters, throughUs } = backend.reads();
			if (throughUs)
				return notice(
					'cache',
					`${target.place} answers, but Nix can't read it by itself.`,
					'Use `serve`, or give its credentials in the netrc.',
				);
			const isRead = substituters.every((url) => settings.substituters.some((one) => sameCache(one, url)));
			if (whyNoPush !== null) runner.log.info(`${target.place}: ${whyNoPush}`);
			return isRead
				? ok('cache', `${target.place} answers, and Nix reads from it.`)
				: notice(
						'cache',
						`${target.place} answers, but Nix is not set to read from it.`,
						`Add \`extra-substituters = ${substituters.join(' ')}\` to nix.conf.`,
					);
		}),
	);
	if (answer.level === 'warning') return [answer];
	const mayPush = push.canPush
		? ok('push', `There is what a push to ${target.place} needs: credentials, or a key.`)
		: notice(
				'push',
				`Nothing can be pushed to ${target.place} from here: ${push.whyNot}`,
				'Set NIX_CACHE_TOKEN, or NIX_CACHE_USERNAME and NIX_CACHE_PASSWORD.',
			);
	return [answer, mayPush];
}

/** What a cache says, or why it does not answer. */
async function said(target: StoreTarget, ask: () => Promise<Finding>): Promise<Finding> {
	try {
		return await ask();
	} catch (error) {
		if (!isCacheError(error) || error.code === 'internal') throw error;
		return warning(
			'cache',
			`${target.place} can't be used: ${error.message}`,
			error.hint ?? 'Correct its URL, or take it out of `substituters`.',
		);
	}
}

function examineKeys({ session, targets }: Patient, { trustedPublicKeys }: EffectiveSettings): readonly Finding[] {
	const { signingKey, trustedPublicKeys: given } = session.inputs;
	const own = [...(signingKey === null ? [] : [publicKeyOf(signingKey)]), ...given].map(formatPublicKey);
	const untrusted = own.filter((key) => !trustedPublicKeys.includes(key));
	const names = trustedPublicKeys.map(signatureKeyName);
	const trusted = ok('keys', names.length === 0 ? 'Nix believes no key.' : `Nix believes what ${names.join(', ')} signed.`);
	const missing = untrusted.map((key) =>
		warning(
			'keys',
			`Nix does not believe what ${signatureKeyName(key)} signs.`,
			`Add \`extra-trusted-public-keys = ${key}\` to nix.conf.`,
		),
	);
	const isUnsigned = signingKey === null && targets.some(({ kind }) => kind === 'http' || kind === 's3' || kind === 'file');
	const unsigned = isUnsigned
		? [
				notice(
					'keys',
					'There is no key to sign with: what is pushed keeps the signatures that it has.',
					'Set NIX_CACHE_SIGNING_KEY.',
				),
			]
		: [];
	return [trusted, ...missing, ...unsigned];
}

/** As the daemon compares them: an entry with a slash at its end stands for one without. */
function sameCache(entry: string, url: string): boolean {
	return entry.replace(/\?.*$/, '').replace(/\/$/, '') === url.replace(/\?.*$/, '').replace(/\/$/, '');
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
