import type { PathInfo } from '../../nix/path-info.ts';

type Ask = (paths: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, PathInfo | null>>;

/** Long enough for those who ask at the same time to be heard, and nothing beside the start of a process. */
const HEARS_MS = 10;

/** Questions for one path each that come at about the same time, asked as one: each costs a process and a connection. */
export function askedTogether(ask: Ask): (path: string, signal: AbortSignal) => Promise<PathInfo | null> {
	let next: { readonly paths: Set<string>; readonly answers: ReturnType<Ask> } | null = null;
	const begin = (signal: AbortSignal) => {
		const paths = new Set<string>();
		const answers = new Promise<void>((resolve) => setTimeout(resolve, HEARS_MS)).then(() => {
			next = null;
			return ask([...paths], signal);
		});
		return { paths, answers };
	};
	return async (path, signal) => {
		next ??= begin(signal);
		next.paths.add(path);
		return (await next.answers).get(path) ?? null;
	};
}
