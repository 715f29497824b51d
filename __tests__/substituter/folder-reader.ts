import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteRange, NarBytes, PathReader } from '../../src/backends/path-reader.ts';
import { CacheError } from '../../src/errors.ts';
import { type NarInfo, parseNarInfo } from '../../src/nix/narinfo.ts';
import { hashPartOf } from '../../src/nix/store-path.ts';

/** How a NAR comes: slowly, or not to its end. */
export interface NarPace {
	/** Pause before each 64 KiB. */
	readonly pauseMs?: number;
	/** The stream fails at this offset, every time. */
	readonly failAt?: number;
	/** Everything throws. */
	readonly down?: boolean;
}

/** A binary cache as `nix copy --to file://` writes it, read as a whole into memory but for its NARs. */
export async function folderReader(folder: string, storeDir: string, pace: NarPace = {}): Promise<PathReader> {
	const infos = new Map<string, NarInfo>();
	for (const name of await readdir(folder)) {
		if (!name.endsWith('.narinfo')) continue;
		const info = parseNarInfo(await readFile(join(folder, name), 'utf8'), { storeDir });
		infos.set(hashPartOf(info.storePath), info);
	}
	const throwWhenDown = (): void => {
		if (pace.down === true) throw new CacheError('cache-failing', 'HTTP 500 from the cache.');
	};
	return {
		label: folder,
		async narInfo(hashPart) {
			throwWhenDown();
			return infos.get(hashPart) ?? null;
		},
		async openNar(url, range, signal) {
			throwWhenDown();
			const file = join(folder, url);
			const found = await stat(file).catch(() => null);
			return found === null ? null : open(file, found.size, range, signal, pace);
		},
		close: async () => undefined,
	};
}

function open(file: string, totalBytes: number, asked: ByteRange | null, signal: AbortSignal, pace: NarPace): NarBytes {
	const range = { start: asked?.start ?? 0, end: Math.min(asked?.end ?? totalBytes, totalBytes - 1) };
	const whole = createReadStream(file, range);
	return { totalBytes, range, stream: Readable.from(paced(whole, range.start, signal, pace), { objectMode: false }) };
}

async function* paced(source: Readable, start: number, signal: AbortSignal, { pauseMs = 0, failAt = Infinity }: NarPace) {
	let offset = start;
	for await (const chunk of source) {
		if (pauseMs > 0) await sleep(pauseMs, undefined, { signal });
		if (offset >= failAt) throw new CacheError('cache-unreachable', 'The connection was reset.');
		offset += chunk.length;
		yield chunk;
	}
}
