import type { StoredPath } from './model.ts';

interface Node {
	readonly path: StoredPath;
	/** As late as anything that refers to it. */
	usedAt: number;
	/** That have not been visited yet. */
	referrers: number;
}

/**
 * The paths, least recently used first and each after all that refer to it (of `paths`, itself not counted): whoever drops from the front never breaks a
 * closure. A path was used when what refers to it was. Paths in a circle, which Nix does not have, come together as the last group.
 * @param nowS seconds since 1970; nothing counts as used later
 */
export function leastUsedFirst(paths: readonly StoredPath[], nowS: number): readonly (readonly StoredPath[])[] {
	const nodes = new Map<string, Node>();
	for (const path of paths) nodes.set(path.info.path, { path, usedAt: Math.min(path.usedAt, nowS), referrers: 0 });
	const referencesOf = ({ path: { info } }: Node): readonly Node[] =>
		info.references.flatMap((reference) => (reference === info.path ? [] : (nodes.get(reference) ?? [])));
	for (const node of nodes.values()) for (const reference of referencesOf(node)) reference.referrers++;
	// Referrers first (Kahn's algorithm); the list grows while it is gone through.
	const order = [...nodes.values()].filter(({ referrers }) => referrers === 0);
	for (const node of order) {
		for (const reference of referencesOf(node)) {
			reference.usedAt = Math.max(reference.usedAt, node.usedAt);
			if (--reference.referrers === 0) order.push(reference);
		}
	}
	const circles = [...nodes.values()].filter(({ referrers }) => referrers > 0).map(({ path }) => path);
	// A stable sort: among those used at the same time referrers stay first.
	const sorted = order.sort((a, b) => a.usedAt - b.usedAt).map(({ path }) => [path]);
	return circles.length === 0 ? sorted : [...sorted, circles];
}
