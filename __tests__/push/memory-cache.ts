import { createHash } from 'node:crypto';
import type {
	Backend,
	Checked,
	NarSource,
	NixReads,
	PackedNar,
	Presence,
	Publish,
	ReadBack,
} from '../../src/backends/backend.ts';
import { bodyOfBytes } from '../../src/bodies/in-memory.ts';
import { CacheError } from '../../src/errors.ts';
import { equalHash, formatHash } from '../../src/nix/hash.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { whole } from '../support/whole.ts';

/** What goes wrong with one request, and how long it takes. */
export interface Weather {
	readonly delayMs?: number;
	readonly error?: CacheError;
	/** The request does its work, and the answer is lost: `error` comes after it. */
	readonly lostAnswer?: boolean;
	/** Never ends, not even when it is aborted. */
	readonly stuck?: boolean;
}

export interface MemoryCacheOptions {
	/** Paths that readers find elsewhere or here from the start. */
	readonly readable?: Iterable<string>;
	readonly weather?: (step: 'prepare' | 'publish', info: PathInfo) => Weather;
	readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * A cache in memory that keeps the contract of the port and a list of every breach of it by the caller: a narinfo before its
 * NAR or before a reference (invariant I1), a path prepared or published twice.
 */
export class MemoryCache implements Backend {
	readonly kind = 'http';
	readonly label = 'memory';
	readonly breaches: string[] = [];
	/** Paths in the order of their steps. */
	readonly prepared: string[] = [];
	readonly published: string[] = [];
	readonly nars = new Map<string, Uint8Array>();
	inFlight = 0;
	maxInFlight = 0;
	readonly #narinfos = new Map<string, PathInfo>();
	readonly #options: MemoryCacheOptions;
	readonly #readable: ReadonlySet<string>;

	constructor(options: MemoryCacheOptions = {}) {
		this.#options = options;
		this.#readable = new Set(options.readable);
	}

	async finish(): Promise<ReadonlyMap<string, string>> {
		return new Map();
	}

	isVisible(path: string): boolean {
		return this.#narinfos.has(path) || this.#readable.has(path);
	}

	reads(): NixReads {
		return { substituters: ['memory://'], publicKeys: [], netrc: [], throughUs: false, priority: null };
	}

	async check(): Promise<Checked> {
		return { readable: true, note: null, whyNoPush: null, skipSignedBy: [] };
	}

	async presence(paths: readonly PathInfo[]): Promise<ReadonlyMap<string, Presence>> {
		return new Map(paths.map((info) => [info.path, this.#presenceOf(info)]));
	}

	async prepare(info: PathInfo, nar: NarSource, signal: AbortSignal): Promise<Publish> {
		if (this.prepared.includes(info.path)) this.breaches.push(`${info.path} was prepared twice`);
		this.prepared.push(info.path);
		const packed = await nar.packed(signal);
		const { sizeBytes: sentBytes } = packed.body;
		try {
			await this.#request('prepare', info, signal, async () => {
				this.nars.set(info.path, await whole(packed.body.stream()));
			});
		} finally {
			await packed.dispose();
		}
		return async (publishSignal) => {
			if (this.published.includes(info.path)) this.breaches.push(`${info.path} was published twice`);
			this.published.push(info.path);
			await this.#request('publish', info, publishSignal, async () => this.#show(info));
			return { sentBytes };
		};
	}

	async readBack(info: PathInfo): Promise<ReadBack> {
		if (!this.isVisible(info.path)) return { ok: false, problem: 'no narinfo' };
		return this.nars.has(info.path) ? { ok: true } : { ok: false, problem: 'no NAR' };
	}

	async close(): Promise<void> {}

	#presenceOf(info: PathInfo): Presence {
		const found = this.#narinfos.get(info.path);
		if (found === undefined) return this.#readable.has(info.path) ? { state: 'present' } : { state: 'missing' };
		if (equalHash(found.narHash, info.narHash)) return { state: 'present' };
		return { state: 'differs', narHash: formatHash(found.narHash, 'nix32') };
	}

	#show(info: PathInfo): void {
		if (!this.nars.has(info.path)) this.breaches.push(`${info.path} was published without its NAR`);
		for (const reference of info.references) {
			if (reference !== info.path && !this.isVisible(reference)) {
				this.breaches.push(`${info.path} was published before ${reference}`);
			}
		}
		this.#narinfos.set(info.path, info);
	}

	async #request(
		step: 'prepare' | 'publish',
		info: PathInfo,
		signal: AbortSignal,
		work: () => Promise<void> | void,
	): Promise<void> {
		const { delayMs = 0, error, lostAnswer = false, stuck = false } = this.#options.weather?.(step, info) ?? {};
		this.inFlight++;
		this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
		try {
			if (stuck) await new Promise(() => {});
			if (delayMs > 0) await (this.#options.sleep ?? sleep)(delayMs, signal);
			if (signal.aborted) throw new CacheError('cancelled', 'The request was aborted.');
			if (error === undefined || lostAnswer) await work();
			if (error !== undefined) throw error;
		} finally {
			this.inFlight--;
		}
	}
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, ms);
		const onAbort = () => {
			clearTimeout(timer);
			resolve();
		};
		signal.addEventListener('abort', onAbort, { once: true });
	});
}

/** Sources of NARs that are a few bytes whatever size the info tells, and a count of those that were packed and not given back. */
export function smallNars() {
	const open = { count: 0 };
	const sourceOf = (info: PathInfo, onRead: (bytes: number) => void): NarSource => ({
		async *raw() {
			yield Buffer.from(info.path);
		},
		// biome-ignore lint/correctness/useYield: this cache never asks for chunks.
		async *chunks() {
			throw new Error('chunks are not for this cache');
		},
		async packed(): Promise<PackedNar> {
			onRead(info.narSizeBytes);
			const bytes = Buffer.from(info.path);
			open.count++;
			return {
				compression: 'none',
				fileHash: { algorithm: 'sha256', digest: createHash('sha256').update(bytes).digest() },
				body: bodyOfBytes(bytes),
				dispose: async () => {
					open.count--;
				},
			};
		},
	});
	return { open, sourceOf };
}
