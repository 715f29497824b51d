const SIZE_UNITS: Readonly<Record<string, number>> = {
	'': 1,
	b: 1,
	kb: 1e3,
	mb: 1e6,
	gb: 1e9,
	tb: 1e12,
	k: 2 ** 10,
	m: 2 ** 20,
	g: 2 ** 30,
	t: 2 ** 40,
	kib: 2 ** 10,
	mib: 2 ** 20,
	gib: 2 ** 30,
	tib: 2 ** 40,
};

const TIME_UNITS: Readonly<Record<string, number>> = {
	ms: 1,
	'': 1e3,
	s: 1e3,
	sec: 1e3,
	second: 1e3,
	seconds: 1e3,
	m: 6e4,
	min: 6e4,
	minute: 6e4,
	minutes: 6e4,
	h: 36e5,
	hour: 36e5,
	hours: 36e5,
};

/** `2 GiB`, `500MB`, `1024` -> bytes; `null` when it is not a size. */
export function parseSizeBytes(text: string): number | null {
	return parseQuantity(text, SIZE_UNITS);
}

/** `10 min`, `90s`, `1.5 h`, `600` (seconds) -> milliseconds; `null` when it is not a duration. */
export function parseDurationMs(text: string): number | null {
	return parseQuantity(text, TIME_UNITS);
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | null {
	const match = /^(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]*)$/i.exec(text.trim());
	const unit = units[match?.[2]?.toLowerCase() ?? '?'];
	if (match?.[1] === undefined || unit === undefined) return null;
	const value = Math.round(Number(match[1]) * unit);
	return Number.isSafeInteger(value) ? value : null;
}

/** Bytes for people, in binary units: `640 B`, `1.4 MiB`. */
export function formatBytes(bytes: number): string {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	let value = bytes;
	let unit = 0;
	for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
	return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
