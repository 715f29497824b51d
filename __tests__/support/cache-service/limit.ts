/** So many calls in a window of time, counted apart for each repository. */
export interface Limit {
	/** `null` when the call may pass, else the whole seconds until the next one may. */
	take(repository: string): number | null;
}

export function createLimit(calls: number, windowMs: number, now: () => number): Limit {
	const taken = new Map<string, number[]>();
	return {
		take(repository) {
			const nowMs = now();
			const recent = (taken.get(repository) ?? []).filter((atMs) => atMs > nowMs - windowMs);
			taken.set(repository, recent);
			const [oldest] = recent;
			if (recent.length >= calls) return Math.max(1, Math.ceil(((oldest ?? nowMs) + windowMs - nowMs) / 1000));
			recent.push(nowMs);
			return null;
		},
	};
}
