import { type NetrcEntry, parseNetrc } from '../nix/netrc.ts';
import type { GetInput } from './given.ts';

/** Every text in the inputs that must never be shown, derived spellings included. Never throws: it runs before anything is checked. */
export function secretTexts(get: GetInput): readonly string[] {
	const found = new Set<string>();
	const password = get('password');
	for (const secret of [password, get('token'), get('github-token')]) addLines(found, secret);
	// As Nix sends it.
	if (get('token') !== '') found.add(base64(`token:${get('token')}`));
	if (password !== '') found.add(base64(`${get('username')}:${password}`));
	const key = get('signing-key');
	addLines(found, key);
	const keyBody = key.slice(key.indexOf(':') + 1).trim();
	if (keyBody !== '') found.add(keyBody);
	for (const entry of readableNetrc(get('netrc'))) {
		found.add(entry.password);
		found.add(base64(`${entry.login}:${entry.password}`));
	}
	for (const name of ['cache', 'push-url', 'substituters', 'install-nix']) {
		// The proxy of a substituter may be encoded, once for its line and once for its own URL.
		const texts = [get(name), decoded(get(name)), decoded(decoded(get(name)))].join('\n');
		for (const [, scheme = '', userInfo = ''] of texts.matchAll(/([\w+-]*):?\/\/([^/\s]*)@/g)) {
			// SSH's user name is no secret, and a short one (`ci`) is in every other word.
			if (/^ssh(?:-ng)?$/.test(scheme) && !userInfo.includes(':')) continue;
			found.add(userInfo);
			addLines(found, userInfo.slice(userInfo.indexOf(':') + 1));
		}
	}
	for (const line of ['cache', 'push-url', 'substituters', 'install-nix'].flatMap((name) => get(name).split(/\s+/))) {
		// A slash inside of a password makes it no URL.
		const [, userInfo = ''] = URL.canParse(line) ? [] : (/:\/\/(.*)@/.exec(line) ?? []);
		if (!userInfo.includes(':')) continue;
		found.add(userInfo);
		found.add(userInfo.slice(userInfo.indexOf(':') + 1));
	}
	found.delete('');
	return [...found];
}

function readableNetrc(text: string): readonly NetrcEntry[] {
	try {
		return parseNetrc(text);
	} catch {
		// What can't be parsed is masked line by line, so that an error message of anyone's can't show it.
		return text.split(/\s+/).map((word) => ({ machine: null, login: '', password: word.length >= 8 ? word : '' }));
	}
}

function addLines(found: Set<string>, text: string): void {
	for (const line of text.split(/\r?\n/)) found.add(line.trim());
}

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

function base64(text: string): string {
	return Buffer.from(text, 'utf8').toString('base64');
}
