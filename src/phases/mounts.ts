import type { MountOrder } from './serve-handover.ts';
import type { Serving } from './serving.ts';
import type { Session } from './session.ts';
import { labelOf } from './target-label.ts';

/** Before cache.nixos.org (40): an answer from this machine costs nothing, and by default nothing that is signed there is pushed. */
const STORE_PRIORITY = 30;

/** After it, as `nix-cache-info` of a new cache says; `?priority=N` in the URL comes first, then what the cache says of itself. */
export const CACHE_PRIORITY = 41;

/** What Nix can't read by itself, for the local substituter. An empty store needs nobody to serve it. */
export function mountsOf(
	{ inputs }: Pick<Session, 'inputs'>,
	serving: Pick<Serving, 'store' | 'throughUs' | 'proxied'>,
): readonly MountOrder[] {
	const { store } = serving;
	const stores: readonly MountOrder[] =
		store === null || store.pathCount === 0
			? []
			: [
					{
						name: 'actions-cache',
						label: 'the Actions cache',
						priority: STORE_PRIORITY,
						// Without a key there is nobody whose signature could be asked for: what the service gives to this job's ref is trusted as it is.
						isTrusted: inputs.signingKey === null,
						source: { kind: 'actions-cache', indexesFolder: store.indexesFolder },
					},
				];
	const caches = serving.throughUs.flatMap(({ line: number, priority }): MountOrder[] => {
		const target = inputs.caches[number];
		if (target === undefined || !('substituter' in target)) return [];
		const credentials = target.kind === 'http' || target.kind === 's3' ? target.credentials : null;
		const line = target.kind === 's3' ? target.line : target.substituter;
		return [
			{
				name: `cache-${number + 1}`,
				label: labelOf(inputs, number),
				priority: priorityIn(target.substituter) ?? priority ?? CACHE_PRIORITY,
				isTrusted: isTrustedIn(target.substituter),
				source: { kind: 'cache', line, credentials, proxy: null },
			},
		];
	});
	const proxied = serving.proxied.map(
		({ line, url, proxy, priority }): MountOrder => ({
			name: `substituter-${line + 1}`,
			label: url,
			priority: priorityIn(url) ?? priority ?? CACHE_PRIORITY,
			isTrusted: isTrustedIn(url),
			source: { kind: 'cache', line: url, credentials: null, proxy },
		}),
	);
	return [...stores, ...caches, ...proxied];
}

/** What the user wrote into a store URL, as Nix reads it. */
export function priorityIn(storeUrl: string): number | null {
	const text = /[?&]priority=(\d{1,9})(?:&|$)/.exec(storeUrl)?.[1];
	return text === undefined ? null : Number(text);
}

/** Whether the user has Nix take the paths of a store without a signature. */
function isTrustedIn(storeUrl: string): boolean {
	return /[?&]trusted=(1|true)(&|$)/.test(storeUrl);
}
