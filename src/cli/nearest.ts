/** The one of `names` that `word` was probably meant to be; `null` when none is near. */
export function nearest(word: string, names: readonly string[]): string | null {
	const lower = word.toLowerCase();
	const longer = names.filter((name) => lower.length >= 2 && name.startsWith(lower));
	if (longer.length === 1) return longer[0] ?? null;
	const near = names
		.map((name) => ({ name, distance: distanceOf(lower, name) }))
		.filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
		.sort((a, b) => a.distance - b.distance);
	return near[0]?.name ?? null;
}

/** Letters to add, remove, change or swap with their neighbour (Damerau and Levenshtein's distance, of which no part is changed twice). */
export function distanceOf(a: string, b: string): number {
	const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
	const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
	for (let row = 1; row <= a.length; row++) {
		rows.push([row]);
		for (let column = 1; column <= b.length; column++) {
			const isSame = a[row - 1] === b[column - 1];
			let least = Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + (isSame ? 0 : 1));
			const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
			if (isSwap) least = Math.min(least, at(row - 2, column - 2) + 1);
			rows[row]?.push(least);
		}
	}
	return at(a.length, b.length);
}
