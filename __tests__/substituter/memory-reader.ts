import { Readable } from 'node:stream';
import type { ByteRange, NarBytes, PathReader } from '../../src/backends/path-reader.ts';
import type { NarInfo } from '../../src/nix/narinfo.ts';
import { hashPartOf } from '../../src/nix/store-path.ts';

/** What becomes of one call: an error that is thrown, or nothing special. May wait, and then goes on. */
export type Weather = () => void | Promise<void>;

/** A stored path: what the narinfo says, and the NAR as it is stored. */
export interface StoredNar {
	readonly info: NarInfo;
	readonly nar: Uint8Array;
}

/** The port's test double: paths in memory, and trouble as a test wants it. */
export interface MemoryReader extends PathReader {
	/** Every call, in order: `narinfo <hashPart>`, `nar <url> <range>`. */
	readonly calls: string[];
	/** Streams that were opened and not yet closed. */
	open(): number;
	/** Before a narinfo is answered. */
	narInfoWeather: Weather;
	/** Before a NAR is opened. */
	narWeather: Weather;
	/** Before each chunk of a NAR; `offset` is where in the NAR it begins. */
	chunkWeather: (offset: number) => void | Promise<void>;
}

const CHUNK_BYTES = 16 * 1024;

export function memoryReader(paths: readonly StoredNar[], chunkBytes = CHUNK_BYTES): MemoryReader {
	const infos = new Map(paths.map(({ info }) => [hashPartOf(info.storePath), info]));
	const nars = new Map(paths.map(({ info, nar }) => [info.url, nar]));
	const calls: string[] = [];
	let open = 0;
	const reader: MemoryReader = {
		label: 'memory',
		calls,
		open: () => open,
		narInfoWeather: () => undefined,
		narWeather: () => undefined,
		chunkWeather: () => undefined,
		async narInfo(hashPart) {
			calls.push(`narinfo ${hashPart}`);
			await reader.narInfoWeather();
			return infos.get(hashPart) ?? null;
		},
		async openNar(url, range, signal) {
			calls.push(`nar ${url} ${range === null ? 'whole' : `${range.start}-${range.end}`}`);
			await reader.narWeather();
			const nar = nars.get(url);
			return nar === undefined ? null : openPart(nar, range, signal);
		},
		close: async () => undefined,
	};

	function openPart(nar: Uint8Array, range: ByteRange | null, _signal: AbortSignal): NarBytes {
		const start = range?.start ?? 0;
		const end = Math.min(range?.end ?? nar.length, nar.length - 1);
		let offset = start;
		open++;
		const stream = new Readable({
			read() {
				Promise.resolve()
					.then(() => reader.chunkWeather(offset))
					.then(
						() => {
							const next = Math.min(offset + chunkBytes, end + 1);
							const chunk = offset > end ? null : Buffer.from(nar.subarray(offset, next));
							offset = next;
							stream.push(chunk);
						},
						(error: Error) => stream.destroy(error),
					);
			},
		});
		stream.once('close', () => open--);
		return { totalBytes: nar.length, range: { start, end }, stream };
	}
	return reader;
}
