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
	/** What came from each cache, by its name. */
	readonly mounts: Readonly<Record<string, MountStatistics>>;
}

/** What one of the caches gave. */
export interface MountStatistics {
	/** Paths whose NAR was sent, as far as `served` has them. */
	readonly paths: number;
	/** Of their NARs, as they are sent. */
	readonly narBytes: number;
	/** NARs that broke off. */
	readonly narsCut: number;
}

/** Counts. `snapshot` is cheap but for `served`, which it copies. */
export interface Counters extends MountCounters {
	/** For one cache: counts for it and for all of them. */
	of(mount: string): MountCounters;
	/** Changes whenever anything was counted. */
	revision(): number;
	restarted(): void;
	snapshot(): SubstituterStatistics;
}

export interface MountCounters {
	narInfo(hit: boolean): void;
	narBegun(hashPart: string): void;
	narResumed(): void;
	narCut(): void;
	narBytes(sizeBytes: number): void;
	error(code: ErrorCode): void;
	refused(): void;
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
	mounts: {},
};

type Count = Exclude<keyof SubstituterStatistics, 'version' | 'errors' | 'served' | 'servedIsComplete' | 'mounts'>;

export function createCounters({ start, maxServed = MAX_SERVED }: CountersOptions = {}): Counters {
	const before = start ?? NOTHING;
	const counts: { -readonly [Name in keyof SubstituterStatistics]: SubstituterStatistics[Name] } = { ...before };
	const errors: Record<string, number> = { ...before.errors };
	const served = new Set(before.served);
	const mounts = new Map(
		Object.entries(before.mounts).map(([name, mount]): [string, { -readonly [Name in keyof MountStatistics]: number }] => [
			name,
			{ ...mount },
		]),
	);
	let { servedIsComplete } = before;
	let revision = 0;
	const add = (name: Count, amount = 1): void => {
		counts[name] += amount;
		revision++;
	};
	const all: MountCounters = {
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
	};
	return {
		...all,
		of(name) {
			const mount = mounts.get(name) ?? { paths: 0, narBytes: 0, narsCut: 0 };
			mounts.set(name, mount);
			return {
				...all,
				narBegun(hashPart) {
					const before = served.size;
					all.narBegun(hashPart);
					mount.paths += served.size - before;
				},
				narCut() {
					all.narCut();
					mount.narsCut++;
				},
				narBytes(sizeBytes) {
					all.narBytes(sizeBytes);
					mount.narBytes += sizeBytes;
				},
			};
		},
		restarted: () => add('restarts'),
		revision: () => revision,
		snapshot: () => ({
			...counts,
			errors: { ...errors },
			served: [...served],
			servedIsComplete,
			mounts: Object.fromEntries([...mounts].map(([name, mount]) => [name, { ...mount }])),
		}),
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
	const fields = new Map<string, unknown>(Object.entries(value));
	const count = (name: string): number => countOf(fields.get(name));
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
		mounts: mountsOf(fields.get('mounts')),
	};
}

function countOf(value: unknown): number {
	return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function mountsOf(value: unknown): Readonly<Record<string, MountStatistics>> {
	if (typeof value !== 'object' || value === null) return {};
	const entries = Object.entries(value).map(([name, mount]: [string, unknown]) => {
		const fields = new Map<string, unknown>(typeof mount === 'object' && mount !== null ? Object.entries(mount) : []);
		return [
			name,
			{ paths: countOf(fields.get('paths')), narBytes: countOf(fields.get('narBytes')), narsCut: countOf(fields.get('narsCut')) },
		] as const;
	});
	return Object.fromEntries(entries);
}

function numbersOf(value: object): Readonly<Record<string, number>> {
	return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}
