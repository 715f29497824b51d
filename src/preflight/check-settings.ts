import { type ConfLine, parseNixConf } from '../nix/nix-conf.ts';
import type { Problem } from '../problem.ts';
import { adviceFor, grantOf } from '../setup/untrusted.ts';
import type { ConfSource, Facts, Told } from './facts.ts';
import { hasPlace } from './place.ts';

/** Pure: whether what Nix was told is what it does. */

type Part = 'substituters' | 'publicKeys' | 'netrc';

/** Each part of the wish by the names of its setting, the usual one first. */
const NAMES: Readonly<Record<Part, readonly [string, ...string[]]>> = {
	substituters: ['substituters', 'binary-caches'],
	publicKeys: ['trusted-public-keys', 'binary-cache-public-keys'],
	netrc: ['netrc-file'],
};

export function checkTrust({ trust, wished, effective }: Facts): readonly Problem[] {
	if (trust !== 'untrusted' || wished === null || grantOf(wished.wish, effective) !== 'denied') return [];
	return [adviceFor(wished.wish, wished.user, wished.confFile, 'takes no settings from it')];
}

/** A setting that is not an `extra-` one replaces what was said before it, and `NIX_CONFIG` has the last word. */
export function checkHidden({ told, effective, trust, sources }: Facts): readonly Problem[] {
	if (told === null) return [];
	const isHidden: Readonly<Record<Part, boolean>> = {
		substituters: !told.wish.substituters.every((url) => hasPlace(effective.substituters, url)),
		// Of a user whom it does not trust a daemon takes no more than which of its caches to leave out.
		publicKeys: trust !== 'untrusted' && !told.wish.publicKeys.every((key) => effective.trustedPublicKeys.includes(key)),
		netrc: trust !== 'untrusted' && told.netrcFile !== null && effective.netrcFile !== told.netrcFile,
	};
	const parts = (['substituters', 'publicKeys', 'netrc'] as const).filter((part) => isHidden[part]);
	return parts.length === 0 ? [] : [hidden(parts, told, sources)];
}

function hidden(parts: readonly Part[], told: Told, sources: readonly ConfSource[]): Problem {
	const found = parts.flatMap((part) => {
		const at = sources.flatMap(({ name, text }) => settingsIn(text, NAMES[part]).map((setting) => ({ name, setting })));
		return at.slice(0, 1).map(({ name, setting }) => ({ name, setting, part }));
	});
	const [first] = found;
	const common = { code: 'config-hidden', level: 'warning', title: 'What this step configures is hidden' } as const;
	if (first === undefined) {
		const names = parts.map((part) => NAMES[part][0]);
		return {
			...common,
			message: `Nix does not have what this step configured by way of ${told.route === 'user-file' ? 'NIX_USER_CONF_FILES' : 'its system configuration'}: something else sets ${quoted(names)}.`,
			fix: `See what \`nix config show ${names[0]}\` says, and write \`extra-${names[0]}\` where that is set.`,
		};
	}
	const here = found.filter(({ name }) => name === first.name);
	const added = here.filter(({ part }) => part !== 'netrc').map(({ setting }) => `extra-${setting}`);
	const fixes = [
		...(added.length === 0 ? [] : [`write ${quoted(added)} there`]),
		...(added.length === here.length ? [] : ['leave `netrc-file` out there and give its entries in `netrc`']),
	];
	return {
		...common,
		message: `${first.name} sets ${quoted(here.map(({ setting }) => setting))}, which hides what this step configures.`,
		fix: capital(`${fixes.join(', and ')}.`),
	};
}

/** Which of `names` a configuration sets anew. Nix says itself what it can't read. */
function settingsIn(text: string, names: readonly string[]): readonly string[] {
	let lines: readonly ConfLine[];
	try {
		lines = parseNixConf(text);
	} catch {
		return [];
	}
	return names.filter((name) => lines.some((line) => line.kind === 'setting' && line.name === name));
}

export function checkSubstitution({ effective, told, sources }: Facts): readonly Problem[] {
	if (told === null || effective.substitute) return [];
	const where = sources.find(({ text }) => settingsIn(text, ['substitute']).length > 0)?.name ?? "the system's nix.conf";
	return [
		{
			code: 'substitution-off',
			level: 'warning',
			title: 'Nix takes nothing from caches',
			message: 'Nix is set to build everything (`substitute = false`), so it reads from no cache.',
			fix: `Take \`substitute = false\` out of ${where.replace(/^The/, 'the')}, or write \`substitute = true\`.`,
		},
	];
}

function quoted(names: readonly string[]): string {
	return names.map((name) => `\`${name}\``).join(' and ');
}

function capital(text: string): string {
	return text.slice(0, 1).toUpperCase() + text.slice(1);
}
