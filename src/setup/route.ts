import type { LocalStore } from '../store/local-store.ts';
import { type EffectiveSettings, querySettings } from '../store/settings.ts';
import type { Configuration, NixSettings, SetupContext, SystemInclude } from './configuration.ts';
import { findRestart } from './daemon.ts';
import { canBecomeRoot } from './run-as-root.ts';
import { includesOthers, planInclude } from './system-include.ts';
import { grantOf } from './untrusted.ts';
import { NIX_USER_CONF_FILES, userConfFileOf } from './user-file.ts';

/** How Nix will be told, with what that takes. */
export type Choice =
	/** `limited`: the daemon takes only what it grants everybody. */
	| { readonly route: 'user-file'; readonly limited: boolean }
	| { readonly route: 'system-include'; readonly system: SystemInclude }
	| { readonly route: 'already-there' }
	| { readonly route: 'none' }
	/** `why` ends the sentence "the daemon does not trust the user, and ...". */
	| { readonly route: 'advice-only'; readonly why: string };

/** Nix's settings without what this use of the action told it through the user's files. */
export async function settingsWithoutOurs(store: LocalStore, context: SetupContext): Promise<EffectiveSettings> {
	const listed = context.env[NIX_USER_CONF_FILES]?.split(':') ?? [];
	const ours = userConfFileOf(context);
	if (!listed.includes(ours)) return store.settings(context.signal);
	const others = listed.filter((file) => file !== ours).join(':');
	return querySettings(store.nix.withEnvironment({ [NIX_USER_CONF_FILES]: others }), context.signal);
}

/**
 * Through the user's files where Nix heeds them. Else what the daemon grants everybody for good, when that is all that is wished for; else the system's
 * configuration, where this user can act as root; else nothing.
 */
export async function chooseRoute(
	wish: NixSettings,
	store: LocalStore,
	previous: Configuration | null,
	context: SetupContext,
): Promise<Choice> {
	if (store.trust !== 'untrusted') return { route: 'user-file', limited: false };
	const grant = previous?.system ? 'denied' : grantOf(wish, await settingsWithoutOurs(store, context));
	const asGranted: Choice = grant === 'already' ? { route: 'already-there' } : { route: 'user-file', limited: true };
	const isEnough = grant !== 'denied' && wish.netrc.length === 0 && wish.other.length === 0;
	// What another job has included grants it until that ends.
	if (isEnough && !(await includesOthers(store, context))) return asGranted;
	const asRoot = await chooseInclude(store, previous, context);
	return asRoot.route === 'system-include' || grant === 'denied' ? asRoot : asGranted;
}

/**
 * Why Nix can't be told of a cache that nobody could have granted before, such as one with a port of this job's; `null` when it can. The text ends the
 * sentence "the daemon does not trust the user, and ...".
 */
export async function whyNothingNew(
	store: LocalStore,
	previous: Configuration | null,
	context: SetupContext,
): Promise<string | null> {
	if (store.trust !== 'untrusted') return null;
	const choice = await chooseInclude(store, previous, context);
	return choice.route === 'advice-only' ? choice.why : null;
}

async function chooseInclude(store: LocalStore, previous: Configuration | null, context: SetupContext): Promise<Choice> {
	const advice = (why: string): Choice => ({ route: 'advice-only', why });
	if (!(await canBecomeRoot(context))) return advice('there is no sudo without a password');
	if (previous?.system) return { route: 'system-include', system: previous.system };
	const restart = await findRestart(context);
	if (restart === null) return advice('neither systemd nor launchd is there to restart it with another configuration');
	const system = await planInclude(store, restart, context);
	return system === null
		? advice(`its configuration ${store.nix.about.systemConfFile} is itself in the Nix store`)
		: { route: 'system-include', system };
}
