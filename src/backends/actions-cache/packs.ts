import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CacheError, describeError, isCacheError } from '../../errors.ts';
import { orAborted } from '../../waiting/cancel.ts';
import type { ByteRange } from '../path-reader.ts';
import type { CacheService, FoundEntry } from './cache-service.ts';
import type { Chunk, Pack } from './format/model.ts';
import { checkPackHeader, HEADER_BYTES } from './format/pack.ts';
import { createReadAhead } from './read-ahead.ts';

/** Frames of packs, read by range and checked. */
export interface Packs {
	/** Whether all of `packs` are there. Looks each up once; from then on it is known, until a read finds it gone. */
	areThere(packs: Iterable<Pack>): Promise<boolean>;
	/** What was found out, for another process of this job. */
	findings(): PackFindings;
	/**
	 * The zstd frames of `chunks`, in order, each one whole and with the hash that it should have. What lies side by side is one request.
	 * Throws `cache-not-found` when a pack has gone, `cache-invalid` for a frame that is not the one that was stored.
	 */
	frames(chunks: readonly Chunk[], signal: AbortSignal): AsyncGenerator<Uint8Array, void, void>;
	/** Keys of packs that were found to be gone. */
	readonly gone: ReadonlySet<string>;
}

/** Keys of packs that were found, and of those that were not. */
export interface PackFindings {
	readonly there: readonly string[];
	readonly gone: readonly string[];
}

/** Of what serves many at once, so that the end of one of them does not end it. */
const SHARED_LIMIT_MS = 60_000;
const DOING = 'Reading from the Actions cache';

export const NO_FINDINGS: PackFindings = { there: [], gone: [] };

/** @param elsewhere what another process of this job found out; known from when it is there, which may be never */
export function createPacks(service: CacheService, elsewhere: Promise<PackFindings> = Promise.resolve(NO_FINDINGS)): Packs {
	const entries = new Map<string, Promise<FoundEntry | null>>();
	const gone = new Set<string>();
	const there = new Set<string>();
	void elsewhere.then((found) => {
		for (const key of found.gone) gone.add(key);
		for (const key of found.there) there.add(key);
	});

	/** One lookup for all who ask at the same time; a failure is asked again, an answer is not. */
	const find = (pack: Pack): Promise<FoundEntry | null> => {
		const known = entries.get(pack.key);
		if (known !== undefined) return known;
		const found = service.lookup({ key: pack.key }, AbortSignal.timeout(SHARED_LIMIT_MS)).then((entry) => {
			if (entry === null) gone.add(pack.key);
			else there.add(pack.key);
			return entry;
		});
		entries.set(pack.key, found);
		found.catch(() => entries.delete(pack.key));
		return found;
	};

	const open = async (pack: Pack, range: ByteRange, signal: AbortSignal): Promise<Readable> => {
		const entry = await orAborted(find(pack), signal, DOING);
		const stream = entry === null ? null : await entry.read(range, signal);
		if (stream !== null) return stream;
		gone.add(pack.key);
		throw new CacheError('cache-not-found', `The pack \`${pack.key}\` has gone from the Actions cache.`);
	};
	const ahead = createReadAhead(async (pack, start, end) => {
		const parts: Uint8Array[] = [];
		for await (const part of await open(pack, { start, end }, AbortSignal.timeout(SHARED_LIMIT_MS))) parts.push(part);
		return Buffer.concat(parts);
	});

	return {
		gone,
		findings: () => ({ there: [...there].filter((key) => !gone.has(key)), gone: [...gone] }),
		async areThere(packs) {
			const asked = [...packs];
			await Promise.all(asked.filter(({ key }) => !there.has(key) && !gone.has(key)).map(find));
			return asked.every(({ key }) => !gone.has(key));
		},
		async *frames(chunks, signal) {
			for (const run of runsOf(chunks)) {
				const { pack, offset, sizeBytes } = run;
				const near = await orAborted(ahead.take(pack, offset, sizeBytes), signal, DOING);
				const stream =
					near === null ? await open(pack, { start: offset, end: offset + sizeBytes - 1 }, signal) : Readable.from([near]);
				try {
					yield* framesOf(stream, run.chunks);
				} catch (error) {
					if (isCacheError(error, 'cache-invalid')) await refuseForeign(await find(pack), signal);
					throw error;
				} finally {
					stream.destroy();
				}
			}
		},
	};
}

/** Chunks that lie side by side in one pack. */
interface Run {
	readonly pack: Pack;
	readonly offset: number;
	readonly sizeBytes: number;
	readonly chunks: readonly Chunk[];
}

function runsOf(chunks: readonly Chunk[]): readonly Run[] {
	const groups: Chunk[][] = [];
	let before: Chunk | null = null;
	for (const chunk of chunks) {
		const follows = before !== null && chunk.pack.key === before.pack.key && chunk.offset === before.offset + before.frameBytes;
		if (follows) groups.at(-1)?.push(chunk);
		else groups.push([chunk]);
		before = chunk;
	}
	return groups.flatMap((group) => {
		const [first] = group;
		if (first === undefined) return [];
		const sizeBytes = group.reduce((sum, { frameBytes }) => sum + frameBytes, 0);
		return [{ pack: first.pack, offset: first.offset, sizeBytes, chunks: group }];
	});
}

/** Where the bytes are wrong: says so when that is no pack at all, or one of a later version. Throws `cache-invalid`. */
async function refuseForeign(entry: FoundEntry | null, signal: AbortSignal): Promise<void> {
	const stream = await entry?.read({ start: 0, end: HEADER_BYTES - 1 }, signal);
	const parts: Uint8Array[] = [];
	for await (const part of stream ?? []) parts.push(part);
	try {
		checkPackHeader(Buffer.concat(parts));
	} catch (cause) {
		throw new CacheError('cache-invalid', `\`${entry?.key}\` in the Actions cache: ${describeError(cause)}`, { cause });
	}
}

/** Cuts a stream into the frames of `chunks`. */
async function* framesOf(stream: Readable, chunks: readonly Chunk[]): AsyncGenerator<Uint8Array, void, void> {
	const left = chunks.values();
	let chunk = left.next().value;
	let parts: Uint8Array[] = [];
	let haveBytes = 0;
	for await (const part of stream) {
		let rest: Uint8Array = part;
		while (chunk !== undefined && haveBytes + rest.length >= chunk.frameBytes) {
			const missing = chunk.frameBytes - haveBytes;
			parts.push(rest.subarray(0, missing));
			const frame = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
			checkFrame(chunk, frame);
			yield frame;
			rest = rest.subarray(missing);
			[parts, haveBytes] = [[], 0];
			chunk = left.next().value;
		}
		if (rest.length > 0) parts.push(rest);
		haveBytes += rest.length;
	}
	if (chunk !== undefined) throw new CacheError('cache-invalid', `The pack \`${chunk.pack.key}\` ends too early.`);
}

function checkFrame(chunk: Chunk, frame: Uint8Array): void {
	const hash = createHash('sha256').update(frame).digest().subarray(0, chunk.frameHash.length);
	if (hash.equals(chunk.frameHash)) return;
	throw new CacheError(
		'cache-invalid',
		`The pack \`${chunk.pack.key}\` was changed or damaged: the frame at ${chunk.offset} has another hash than the index says.`,
	);
}
