import type { CachixTarget } from '../../cache-target/cachix.ts';
import type { NetrcEntry } from '../../nix/netrc.ts';

/** The token for a cache: that of the workflow, else that of the netrc for where Nix reads the cache. */
export function cachixToken(target: CachixTarget, netrc: readonly NetrcEntry[]): string | null {
	return target.token ?? tokenFor(`${target.name}.${target.host.hostname}`, netrc);
}

/** The password that Nix reads this host with, which is a token. A `default` entry is for nobody in particular. */
export function tokenFor(hostname: string, netrc: readonly NetrcEntry[]): string | null {
	return netrc.find(({ machine }) => machine?.toLowerCase() === hostname.toLowerCase())?.password ?? null;
}
