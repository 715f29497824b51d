/** How far a push is. Sizes are those of the NARs, uncompressed. */
export interface Progress {
	readonly pathsDone: number;
	readonly pathsTotal: number;
	/** A NAR counts half when it has been read, and whole when its path is done. */
	readonly bytesDone: number;
	readonly bytesTotal: number;
	/** `null` until enough was measured. */
	readonly bytesPerSecond: number | null;
	readonly remainingMs: number | null;
}

interface Sample {
	readonly atMs: number;
	readonly paths: number;
	readonly bytes: number;
}

/** Shorter than this says nothing. */
const MIN_SPAN_MS = 1000;

/** Rates are those of the last samples, so that they follow what the network does. */
const MAX_SAMPLES = 15;

/** Counts what is done and measures how fast. Time comes in with every sample. */
export class ProgressMeter {
	readonly #samples: Sample[] = [];
	readonly #pathsTotal: number;
	readonly #bytesTotal: number;
	#paths = 0;
	#bytes = 0;

	constructor(sizesBytes: readonly number[], nowMs: number) {
		this.#pathsTotal = sizesBytes.length;
		this.#bytesTotal = sizesBytes.reduce((sum, size) => sum + size, 0);
		this.#samples.push({ atMs: nowMs, paths: 0, bytes: 0 });
	}

	add(paths: number, bytes: number): void {
		this.#paths += paths;
		this.#bytes += bytes;
	}

	/** To be called about once a second. */
	sample(nowMs: number): void {
		this.#samples.push({ atMs: nowMs, paths: this.#paths, bytes: this.#bytes });
		if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
	}

	/** What the rest takes if bytes and paths go on at the present rate; `null`: not known. */
	remainingMs(nowMs: number): number | null {
		const rates = this.#rates(nowMs);
		if (rates === null) return null;
		const ofBytes = (this.#bytesTotal - this.#bytes) / rates.bytesPerMs;
		const ofPaths = (this.#pathsTotal - this.#paths) / rates.pathsPerMs;
		// While one large NAR is under way no path gets done: then its bytes alone tell.
		return Math.max(ofBytes, Number.isFinite(ofPaths) ? ofPaths : 0);
	}

	progress(nowMs: number): Progress {
		const rates = this.#rates(nowMs);
		return {
			pathsDone: this.#paths,
			pathsTotal: this.#pathsTotal,
			bytesDone: Math.round(this.#bytes),
			bytesTotal: this.#bytesTotal,
			bytesPerSecond: rates === null ? null : Math.round(rates.bytesPerMs * 1000),
			remainingMs: this.remainingMs(nowMs),
		};
	}

	#rates(nowMs: number): { readonly bytesPerMs: number; readonly pathsPerMs: number } | null {
		const first = this.#samples[0];
		if (first === undefined || nowMs - first.atMs < MIN_SPAN_MS || this.#bytes === first.bytes) return null;
		const spanMs = nowMs - first.atMs;
		return { bytesPerMs: (this.#bytes - first.bytes) / spanMs, pathsPerMs: (this.#paths - first.paths) / spanMs };
	}
}
