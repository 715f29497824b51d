import type { Problem } from '../problem.ts';
import type { EffectiveSettings } from '../store/settings.ts';
import type { NixSettings } from './configuration.ts';

/** Pure: what a daemon does for a user whom it does not trust, and what to tell people about it. */

/** How much of the wish the system's own configuration grants: all of it as it is, the caches when they are asked for, or not. */
export type Grant = 'already' | 'on-request' | 'denied';

export function grantOf(wish: NixSettings, settings: EffectiveSettings): Grant {
	if (!wish.publicKeys.every((key) => settings.trustedPublicKeys.includes(key))) return 'denied';
	const among = (known: readonly string[]): boolean =>
		wish.substituters.every((url) => known.some((entry) => sameCache(entry, url)));
	if (among(settings.substituters)) return 'already';
	return among([...settings.substituters, ...settings.trustedSubstituters]) ? 'on-request' : 'denied';
}

/** The daemon compares texts, and lets an entry with a slash at its end stand for one without; not the other way round. */
function sameCache(entry: string, url: string): boolean {
	return entry === url || entry === `${url}/`;
}

/** For an administrator: what to add where. `why` ends the sentence "the daemon does not trust the user, and ...". */
export function adviceFor(wish: NixSettings, user: string, confFile: string, why: string): Problem {
	const lines = [
		...(wish.substituters.length > 0 ? [`extra-trusted-substituters = ${wish.substituters.join(' ')}`] : []),
		...(wish.publicKeys.length > 0 ? [`extra-trusted-public-keys = ${wish.publicKeys.join(' ')}`] : []),
	];
	const narrow =
		lines.length === 0 ? '' : ` Or, to allow no more than these caches, ${lines.map((line) => `\`${line}\``).join(' and ')}`;
	const netrc = lines.length === 0 || wish.netrc.length === 0 ? '' : `, with the credentials in the daemon's own netrc`;
	return {
		code: 'daemon-distrusts',
		level: 'warning',
		title: 'The Nix daemon does not trust this user',
		message: `The Nix daemon does not trust the user ${user}, and ${why}, so Nix does not read from the caches of this step.`,
		fix: `Add \`extra-trusted-users = ${user}\` to ${confFile} and restart the daemon.${narrow}${netrc}${narrow === '' ? '' : '.'}`,
	};
}
