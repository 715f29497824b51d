/**
 * Calls `visit` for every item, at most `limit` at a time, in order of the items. The first failure aborts the signal that the other
 * calls were given; it is thrown when all of them have ended.
 */
export async function visitInFlight<T>(
	items: readonly T[],
	limit: number,
	signal: AbortSignal,
	visit: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
	const failed = new AbortController();
	const either = AbortSignal.any([signal, failed.signal]);
	const failures: unknown[] = [];
	const left = items.values();
	const work = async (): Promise<void> => {
		for (const item of left) {
			if (failures.length > 0) return;
			try {
				await visit(item, either);
			} catch (error) {
				failures.push(error);
				failed.abort(error);
			}
		}
	};
	await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
	if (failures.length > 0) throw failures[0];
}
