import { createHash, type Hash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';

/** NARs by their hash (hex), whoever has them: each is a list of chunks that all NARs share. */
export interface Nars {
	readonly has: (narHash: string) => boolean;
	readonly write: () => NarWriter;
	/** The chunks of a NAR, each a zstd frame, so that all of them in order are a zstd stream. */
	readonly frames: (narHash: string) => AsyncGenerator<Buffer>;
	/** How many NARs there are. */
	readonly count: () => number;
}

export interface NarWriter {
	readonly add: (bytes: Uint8Array) => void;
	/** Keeps the NAR when it has this hash (hex) and size; says whether. */
	readonly finish: (narHash: string, sizeBytes: number) => boolean;
}

/** The real server cuts by content, 64 KiB on average; where it cuts nobody can tell from outside. */
const CHUNK_BYTES = 64 * 1024;

export function narsIn(folder: string): Nars {
	mkdirSync(folder, { recursive: true });
	const nars = new Map<string, readonly string[]>();
	return {
		has: (narHash) => nars.has(narHash),
		count: () => nars.size,
		write: () => writer(folder, (narHash, chunks) => nars.set(narHash, chunks)),
		async *frames(narHash) {
			for (const chunk of nars.get(narHash) ?? []) yield await readFile(join(folder, chunk));
		},
	};
}

function writer(folder: string, keep: (narHash: string, chunks: readonly string[]) => void): NarWriter {
	const hash: Hash = createHash('sha256');
	const chunks: string[] = [];
	let sizeBytes = 0;
	let pending = Buffer.alloc(0);
	const cut = (bytes: Buffer): void => {
		const name = createHash('sha256').update(bytes).digest('hex');
		if (!existsSync(join(folder, name))) writeFileSync(join(folder, name), zstdCompressSync(bytes));
		chunks.push(name);
	};
	return {
		add(bytes) {
			hash.update(bytes);
			sizeBytes += bytes.length;
			pending = Buffer.concat([pending, bytes]);
			for (; pending.length >= CHUNK_BYTES; pending = pending.subarray(CHUNK_BYTES)) cut(pending.subarray(0, CHUNK_BYTES));
		},
		finish(narHash, wantedBytes) {
			if (pending.length > 0) cut(pending);
			const isRight = hash.digest('hex') === narHash && sizeBytes === wantedBytes;
			if (isRight) keep(narHash, chunks);
			return isRight;
		},
	};
}
