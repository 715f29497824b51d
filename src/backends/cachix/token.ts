import type { CachixTarget } from '../../cache-target/cachix.ts';
import type { NetrcEntry } from '../../nix/netrc.ts';

/** The token for a cache: that of the workflow, else the password of the netrc entry that Nix would read the cache with. A `default` entry is for nobody in particular. */
export function cachixToken(target: CachixTarget, netrc: readonly NetrcEntry[]): string | null {
	const host = `${target.name}.${target.host.hostname}`.toLowerCase();
	return target.token ?? netrc.find(({ machine }) => machine?.toLowerCase() === host)?.password ?? null;
}
