import type { ErrorCode } from '../errors.ts';

/** What a substituter did. A JSON value without secrets. */
export interface SubstituterStatistics {
	readonly version: 1;
	readonly narInfoHits: number;
	/** Answers `404`, also those for an error behind. */
	readonly narInfoMisses: number;
	/** Answers that began to send a NAR or a part of one. */
	readonly nars: number;
	/** How often a NAR was taken up again in the middle without the client's knowledge. */
	readonly narsResumed: number;
	/** How often the connection was cut in the middle of a NAR, because what is behind failed. */
	readonly narsCut: number;
	/** Of NARs, as they are sent. */
	readonly narBytes: number;
	/** Failures behind, by code. */
	readonly errors: Readonly<Record<string, number>>;
	/** Requests without the credentials. */
	readonly refused: number;
	/** How often the process that serves died and was replaced. */
	readonly restarts: number;
	/** Hash parts of the paths whose NARs were sent, in the order of their first one. */
	readonly served: readonly string[];
	/** Whether `served` has all of them. */
	readonly servedIsComplete: boolean;
}

/** Counts. `snapshot` is cheap but for `served`, which it copies. */
export interface Counters {
	narInfo(hit: boolean): void;
	narBegun(hashPart: string): void;
	narResumed(): void;
	narCut(): void;
	narBytes(sizeBytes: number): void;
	error(code: ErrorCode): void;
	refused(): void;
	restarted(): void;
	/** Changes whenever anything was counted. */
	revision(): number;
	snapshot(): SubstituterStatistics;
}

/** 3.5 MB of JSON. */
const MAX_SERVED = 100_000;

export interface CountersOptions {
	/** What was counted before. */
	readonly start?: SubstituterStatistics | null | undefined;
	readonly maxServed?: number;
}

const NOTHING: SubstituterStatistics = {
	version: 1,
	narInfoHits: 0,
	narInfoMisses: 0,
	nars: 0,
	narsResumed: 0,
	narsCut: 0,
	narBytes: 0,
	errors: {},
	refused: 0,
	restarts: 0,
	served: [],
	servedIsComplete: true,
};

type Count = Exclude<keyof SubstituterStatistics, 'version' | 'errors' | 'served' | 'servedIsComplete'>;

export function createCounters({ start, maxServed = MAX_SERVED }: CountersOptions = {}): Counters {
	const before = start ?? NOTHING;
	const counts: { -readonly [Name in keyof SubstituterStatistics]: SubstituterStatistics[Name] } = { ...before };
	const errors: Record<string, number> = { ...before.errors };
	const served = new Set(before.served);
	let { servedIsComplete } = before;
	let revision = 0;
	const add = (name: Count, amount = 1): void => {
		counts[name] += amount;
		revision++;
	};
	return {
		narInfo: (hit) => add(hit ? 'narInfoHits' : 'narInfoMisses'),
		narBegun(hashPart) {
			add('nars');
			if (served.size < maxServed) served.add(hashPart);
			else servedIsComplete &&= served.has(hashPart);
		},
		narResumed: () => add('narsResumed'),
		narCut: () => add('narsCut'),
		narBytes: (sizeBytes) => add('narBytes', sizeBytes),
		error(code) {
			errors[code] = (errors[code] ?? 0) + 1;
			revision++;
		},
		refused: () => add('refused'),
		restarted: () => add('restarts'),
		revision: () => revision,
		snapshot: () => ({ ...counts, errors: { ...errors }, served: [...served], servedIsComplete }),
	};
}

/** Reads what a substituter wrote; `null` when it is none of version 1, such as a part of one. */
export function parseStatistics(text: string): SubstituterStatistics | null {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return null;
	}
	if (typeof value !== 'object' || value === null) return null;
	const fields = new Map(Object.entries(value));
	const count = (name: string): number => {
		const found: unknown = fields.get(name);
		return typeof found === 'number' && Number.isSafeInteger(found) && found >= 0 ? found : 0;
	};
	if (fields.get('version') !== 1) return null;
	const errors: unknown = fields.get('errors');
	const served: unknown = fields.get('served');
	return {
		version: 1,
		narInfoHits: count('narInfoHits'),
		narInfoMisses: count('narInfoMisses'),
		nars: count('nars'),
		narsResumed: count('narsResumed'),
		narsCut: count('narsCut'),
		narBytes: count('narBytes'),
		refused: count('refused'),
		restarts: count('restarts'),
		errors: typeof errors === 'object' && errors !== null ? numbersOf(errors) : {},
		served: Array.isArray(served) ? served.filter((name) => typeof name === 'string') : [],
		servedIsComplete: fields.get('servedIsComplete') === true,
	};
}

function numbersOf(value: object): Readonly<Record<string, number>> {
	return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}
