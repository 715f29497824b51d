/** One part of a pie. */
export interface Slice {
	readonly label: string;
	readonly bytes: number;
}

/** More can't be told apart by their colours. */
const MAX_SLICES = 8;
/** Mermaid draws no part that is smaller. */
const MIN_SHARE = 0.01;
const LABEL_LIMIT = 60;

const UNITS = [
	['GiB', 1024 ** 3],
	['MiB', 1024 ** 2],
	['KiB', 1024],
] as const;

/**
 * Lines of a Mermaid pie chart, which GitHub draws in Markdown; none where there are less than two parts to compare. `title` is our own text. Mermaid refuses
 * a value of 0 and shows values without a unit, so that is in the title.
 */
export function pie(title: string, slices: readonly Slice[]): readonly string[] {
	const total = slices.reduce((sum, { bytes }) => sum + bytes, 0);
	const [unit, unitBytes] = UNITS.find(([, size]) => total >= 10 * size) ?? ['KiB', 1024];
	const values = withoutSmall(joined(slices), total)
		.map(({ label, bytes }) => [label, (bytes / unitBytes).toFixed(1)] as const)
		.filter(([, value]) => Number(value) > 0);
	if (values.length < 2) return [];
	return [
		'',
		'```mermaid',
		'pie showData',
		`    title ${title}, ${unit}`,
		...values.map(([label, value]) => `    "${label}" : ${value}`),
		'```',
	];
}

/** Mermaid shows the first of those that are called the same. */
function joined(slices: readonly Slice[]): readonly Slice[] {
	const byLabel = Map.groupBy(slices, ({ label }) => plain(label));
	return [...byLabel].map(([label, same]) => ({ label, bytes: same.reduce((sum, { bytes }) => sum + bytes, 0) }));
}

/** The largest, and all others as one, where that is large enough to be seen. */
function withoutSmall(slices: readonly Slice[], total: number): readonly Slice[] {
	const isSeen = ({ bytes }: Slice): boolean => bytes >= total * MIN_SHARE;
	const largestFirst = slices.toSorted((a, b) => b.bytes - a.bytes);
	const seen = largestFirst.filter(isSeen);
	if (seen.length === slices.length && seen.length <= MAX_SLICES) return seen;
	const shown = seen.slice(0, MAX_SLICES - 1);
	const others = largestFirst.slice(shown.length).reduce((sum, { bytes }) => sum + bytes, 0);
	return [...shown, { label: 'others', bytes: others }].filter(isSeen);
}

/** Labels hold names from elsewhere; what could end the string, the line or the block is not in them. */
function plain(label: string): string {
	const text = label.replace(/[^A-Za-z0-9 .,:/()_+-]/g, '?');
	return text.length > LABEL_LIMIT ? `${text.slice(0, LABEL_LIMIT - 3)}...` : text;
}
