import { formatPublicKey, signatureKeyName } from '../nix/signature.ts';
import type { Problem } from '../problem.ts';
import type { Facts } from './facts.ts';

/** Pure: whether Nix will believe what the caches of this step have. */

/** Its paths are believed by every Nix from the start. */
const USUAL = 'cache.nixos.org-1';

/** Of two keys with one name Nix knows the first (libstore/keys.cc), and settings that add come last. */
export function checkKeyNames({ effective, keys, told }: Facts): readonly Problem[] {
	if (told === null || !effective.requireSigs) return [];
	const named = new Map<string, string>();
	for (const key of effective.trustedPublicKeys) {
		const name = signatureKeyName(key);
		if (!named.has(name)) named.set(name, key);
	}
	const signing = keys.signing === null ? null : formatPublicKey(keys.signing);
	return told.wish.publicKeys.flatMap((key): readonly Problem[] => {
		const name = signatureKeyName(key);
		const other = named.get(name);
		if (other === undefined || other === key || !effective.trustedPublicKeys.includes(key)) return [];
		// A cache that names its keys says itself that this one is none of them.
		if (keys.ofCaches.includes(other)) return [];
		const ours = key === signing ? 'what `signing-key` signs' : `what \`${key}\` signed`;
		const wayOut =
			key === signing
				? `, or sign with a key of another name: \`nix-store --generate-binary-cache-key ${name}-new secret public\`.`
				: '.';
		return [
			{
				code: 'key-name-taken',
				level: 'warning',
				title: 'Two keys have one name',
				message: `Nix trusts another key with the name \`${name}\` already, and knows one key for a name, so it does not believe ${ours}.`,
				fix: `Remove \`${other}\` from \`trusted-public-keys\` (\`nix config show trusted-public-keys\`)${wayOut}`,
			},
		];
	});
}

/** Whether Nix can decode an entry of `trusted-public-keys`: 32 bytes after the name, padded or not (libstore/keys.cc, `base64Decode`). */
export function isKeyReadable(key: string): boolean {
	return /^[^:]+:[A-Za-z0-9+/]{43}(?:=.*)?$/.test(key);
}

/** Nix decodes all keys before it looks at a signature, so one that it can't read fails every build that would take a path. Its daemon does not heed those of a user whom it does not trust. */
export function checkKeysReadable({ effective, trust, sources }: Facts): readonly Problem[] {
	const unreadable = effective.trustedPublicKeys.find((key) => !isKeyReadable(key));
	if (unreadable === undefined || !effective.requireSigs || trust === 'untrusted') return [];
	const where = sources.find(({ text }) => text.includes(unreadable))?.name ?? "the system's nix.conf";
	// Without the part after the name: it may be a secret key.
	const colon = unreadable.indexOf(':');
	const shown = colon > 0 ? `\`${unreadable.slice(0, colon)}:…\`` : 'an entry without a name';
	return [
		{
			code: 'key-unreadable',
			level: 'warning',
			title: 'Nix can not read a key',
			message: `Nix can't read ${shown} in \`trusted-public-keys\`, and fails every build that would take a signed path from a cache.`,
			fix: `Write the public key there in full (\`NAME:BASE64\`), or take it out of ${where.replace(/^The/, 'the')}.`,
		},
	];
}

/** What nobody signed, or an unknown key, Nix passes over without a word. It may be that the cache holds nothing but the usual paths. */
export function checkKeysThere({ effective, keys, told }: Facts): readonly Problem[] {
	if (told === null || !effective.requireSigs || keys.areKnown) return [];
	const caches = keys.unsignedCaches.filter((url) => !/[?&]trusted=(?:1|true)\b/.test(url));
	if (caches.length === 0 || effective.trustedPublicKeys.some((key) => signatureKeyName(key) !== USUAL)) return [];
	return [
		{
			code: 'key-missing',
			level: 'notice',
			title: 'No key to believe the cache by',
			message: `Neither \`signing-key\` nor \`trusted-public-keys\` is given, so Nix takes from ${caches.join(', ')} only what ${USUAL} signed.`,
			fix: `Add the cache's public key, \`trusted-public-keys: NAME:BASE64\` (for a mirror of cache.nixos.org that of ${USUAL}).`,
		},
	];
}
