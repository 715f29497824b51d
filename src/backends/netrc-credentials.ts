import type { Credentials } from '../cache-target/credentials.ts';
import { findNetrc, type NetrcEntry } from '../nix/netrc.ts';

/** What the netrc has for the host of `url`, as Nix would send it. */
export function netrcCredentials(entries: readonly NetrcEntry[], url: URL): Credentials | null {
	const entry = findNetrc(entries, url.hostname);
	return entry === null ? null : { kind: 'basic', username: entry.login, password: entry.password };
}
