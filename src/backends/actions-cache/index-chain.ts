/** The indexes of one ref, read and continued: docs/decisions/003-index-slots.md. */
import type { Readable } from 'node:stream';
import { CacheError, describeError, isCacheError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { visitInFlight } from '../in-flight.ts';
import type { CacheService, FoundEntry } from './cache-service.ts';
import { MAX_INDEX_BYTES } from './format/index-layout.ts';
import { decodeIndex } from './format/index-reader.ts';
import { indexKey, indexPrefix, slotOfIndexKey } from './format/keys.ts';
import type { IndexHeader, StoreIndex } from './format/model.ts';

/** One index as it was read. */
export interface ReadIndex {
	readonly slot: number;
	readonly bytes: Uint8Array;
	readonly header: IndexHeader;
	readonly index: StoreIndex;
}

/** What is known of the indexes of one ref. */
export interface IndexChain {
	readonly ref: string;
	/** Newest first. Together they hold everything but what is open. */
	readonly indexes: readonly ReadIndex[];
	/** The highest number that is taken; 0 when there is none. */
	readonly lastSlot: number;
	/** Numbers that are taken and can't be read (yet). */
	readonly openSlots: readonly number[];
}

export interface ChainOptions {
	readonly service: CacheService;
	readonly storeDir: string;
	/** Seconds since 1970. */
	readonly nowS: number;
	readonly log: Log;
	readonly signal: AbortSignal;
}

/** Indexes that were reserved before a younger one, and finalized after it, are there by then. */
const YOUNG_S = 15 * 60;
/** A job that takes longer than this from reserving its index to finalizing it has died. */
const OPEN_FOR_S = 60 * 60;
/** How far behind a damaged newest index an older one is looked for. */
const STEPS_BACK = 3;
/** Twenty jobs at once leave nineteen. More than this in one go is no use: the next writer merges what was read. */
const MOST_READS = 64;
const READS_IN_FLIGHT = 6;

/** Reads the newest index of `ref` and what it does not hold. Throws what the service throws; a damaged index is said and left out. */
export async function readChain(ref: string, options: ChainOptions): Promise<IndexChain> {
	const { service, log, signal } = options;
	const newest = await service.lookup({ newestOf: indexPrefix(ref) }, signal);
	const newestSlot = newest === null ? null : slotOfIndexKey(newest.key, ref);
	if (newest === null || newestSlot === null) {
		if (newest !== null)
			log.info(`The Actions cache answers with \`${newest.key}\` where an index was asked for; it is not used.`);
		return { ref, indexes: [], lastSlot: 0, openSlots: [] };
	}
	const reading = new ChainReading(ref, options);
	await reading.take(newestSlot, newest);
	for (let back = 1; back <= STEPS_BACK && reading.isEmpty && newestSlot > back; back++) await reading.look(newestSlot - back);
	await reading.lookAhead();
	await reading.lookBehind();
	return reading.result();
}

/** The indexes of a ref that were read, and what is still to be looked for. */
class ChainReading {
	readonly #ref: string;
	readonly #options: ChainOptions;
	readonly #read = new Map<number, ReadIndex>();
	/** Looked for, and not there or damaged. */
	readonly #missing = new Set<number>();
	#lastSlot = 0;

	constructor(ref: string, options: ChainOptions) {
		this.#ref = ref;
		this.#options = options;
	}

	get isEmpty(): boolean {
		return this.#read.size === 0;
	}

	async look(slot: number): Promise<boolean> {
		const { service, signal } = this.#options;
		const entry = await service.lookup({ key: indexKey(this.#ref, slot) }, signal);
		if (entry !== null) return this.take(slot, entry);
		this.#missing.add(slot);
		return false;
	}

	/** Whether the slot is taken, readable or not. */
	async take(slot: number, entry: FoundEntry): Promise<boolean> {
		const { storeDir, log, signal } = this.#options;
		this.#lastSlot = Math.max(this.#lastSlot, slot);
		try {
			const bytes = await wholeOf(await entry.read(null, signal), signal);
			if (bytes !== null) {
				const { header, index } = decodeIndex(bytes, { storeDir });
				if (header.slot !== slot) throw new CacheError('format-invalid', `it says that it is number ${header.slot}`);
				this.#read.set(slot, { slot, bytes, header, index });
				return true;
			}
		} catch (error) {
			if (!isCacheError(error, 'format-invalid', 'cache-invalid')) throw error;
			log.info(`The index \`${entry.key}\` in the Actions cache can't be used: ${describeError(error)}`);
		}
		this.#missing.add(slot);
		return true;
	}

	/** Of two that were reserved together the earlier number may be the newer entry. */
	async lookAhead(): Promise<void> {
		const newest = this.#read.get(this.#lastSlot);
		if (newest !== undefined && this.#options.nowS - newest.header.createdAt > YOUNG_S) return;
		for (let left = MOST_READS; left > 0 && (await this.look(this.#lastSlot + 1)); left--);
	}

	/** Reads what no index that was read holds, until there is nothing more to be had. */
	async lookBehind(): Promise<void> {
		for (let left = MOST_READS; left > 0; ) {
			const wanted = this.#notHeld()
				.filter((slot) => !this.#missing.has(slot))
				.slice(0, left);
			if (wanted.length === 0) return;
			left -= wanted.length;
			await visitInFlight(wanted, READS_IN_FLIGHT, this.#options.signal, async (slot) => {
				await this.look(slot);
			});
		}
	}

	result(): IndexChain {
		const indexes = [...this.#read.values()].sort((a, b) => b.slot - a.slot);
		return {
			ref: this.#ref,
			indexes,
			lastSlot: this.#lastSlot,
			// One that was not looked for, since there were too many, is left to later readers.
			openSlots: this.#notHeld().filter((slot) => !this.#missing.has(slot) || this.#mayCome(slot)),
		};
	}

	/**
	 * Numbers that were not read and that no index holds: one holds all before it but those that it names as open. Those after the last
	 * one that was read are held by none.
	 */
	#notHeld(): readonly number[] {
		const indexes = [...this.#read.values()];
		const newest = Math.max(0, ...this.#read.keys());
		const open = new Set(indexes.flatMap(({ header }) => header.openSlots));
		for (let slot = newest + 1; slot <= this.#lastSlot; slot++) open.add(slot);
		return [...open]
			.filter((slot) => !this.#read.has(slot))
			.filter((slot) => !indexes.some(({ header }) => header.slot > slot && !header.openSlots.includes(slot)))
			.sort((a, b) => b - a);
	}

	/** Whether the job that took the number may still be at it. */
	#mayCome(slot: number): boolean {
		const first = [...this.#read.values()].filter(({ header }) => header.slot > slot).map(({ header }) => header.createdAt);
		return first.length === 0 || this.#options.nowS - Math.min(...first) < OPEN_FOR_S;
	}
}

/** All of a stream, `null` for none. Throws `format-invalid` when it is longer than any index. */
async function wholeOf(stream: Readable | null, signal: AbortSignal): Promise<Uint8Array | null> {
	if (stream === null) return null;
	const parts: Uint8Array[] = [];
	let sizeBytes = 0;
	const stop = () => stream.destroy(new CacheError('cancelled', 'Reading an index was stopped.'));
	signal.addEventListener('abort', stop, { once: true });
	try {
		for await (const part of stream) {
			const bytes: Uint8Array = part;
			sizeBytes += bytes.length;
			if (sizeBytes > MAX_INDEX_BYTES) throw new CacheError('format-invalid', `it has more than ${MAX_INDEX_BYTES} bytes`);
			parts.push(bytes);
		}
	} finally {
		signal.removeEventListener('abort', stop);
		stream.destroy();
	}
	return Buffer.concat(parts);
}
