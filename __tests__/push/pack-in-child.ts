/**
 * Packs NARs of made-up bytes in a process of its own and prints what came of it as JSON, the largest resident size among it.
 *
 *     node pack-in-child.ts <compression> <spool folder> <number of NARs> <bytes of each>
 */
import { createHash } from 'node:crypto';
import type { Compression } from '../../src/backends/backend.ts';
import { createPacker } from '../../src/push/packing.ts';
import type { NarFrameOptions } from '../../src/store/nar.ts';
import { pathInfo } from './graph.ts';
import { someBytes } from './narrator.ts';

/** What the process prints. */
export interface PackedInChild {
	/** Of the error that ended it; `null` when all went well. */
	readonly code: string | null;
	readonly packedBytes: number;
	readonly maxRssMiB: number;
}

const [compression, spoolDir = '', count = 0, sizeBytes = 0] = process.argv
	.slice(2)
	.map((arg, index) => (index < 2 ? arg : Number(arg))) as [Compression, string, number, number];
const template = someBytes(1024 * 1024);
const signal = new AbortController().signal;

function* pieces(frameBytes: number): Generator<Uint8Array> {
	for (let at = 0; at < sizeBytes; ) {
		const start = at % template.length;
		const length = Math.min(template.length - start, frameBytes - (at % frameBytes), sizeBytes - at);
		yield template.subarray(start, start + length);
		at += length;
	}
}

async function* frames(_: string, { frameBytes, allocate }: NarFrameOptions): AsyncGenerator<Uint8Array, void, void> {
	let frame: Uint8Array | null = null;
	let used = 0;
	for (const piece of pieces(frameBytes)) {
		frame ??= allocate();
		frame.set(piece, used);
		used += piece.length;
		if (used < frameBytes) continue;
		yield frame;
		frame = null;
		used = 0;
	}
	if (frame !== null) yield frame.subarray(0, used);
}

function into(room: Uint8Array, _: string): Uint8Array {
	let used = 0;
	for (const piece of pieces(room.length)) {
		room.set(piece, used);
		used += piece.length;
	}
	return room.subarray(0, used);
}

function digest(): Uint8Array {
	const hash = createHash('sha256');
	for (const piece of pieces(4 * 1024 * 1024)) hash.update(piece);
	return hash.digest();
}

const narHash = { algorithm: 'sha256', digest: digest() } as const;
const packer = createPacker({
	compression,
	// The usual one of xz takes its time.
	level: compression === 'xz' ? 0 : null,
	spool: { kind: 'own', folder: spoolDir },
	threads: 2,
	reader: { frames, into },
});
let packedBytes = 0;
let code: string | null = null;

async function packOne(index: number): Promise<void> {
	const source = packer.sourceOf(pathInfo(`n${index}`, { narSizeBytes: sizeBytes, narHash }));
	const packed = await source.packed(signal);
	for await (const chunk of packed.body.stream()) packedBytes += chunk.length;
	await packed.dispose();
}

const todo = Array.from({ length: count }, (_, index) => index).values();
const lane = async (): Promise<void> => {
	for (const index of todo) await packOne(index);
};
try {
	await Promise.all(Array.from({ length: Math.min(count, 32) }, lane));
} catch (error) {
	code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
await packer.close();
process.stdout.write(
	JSON.stringify({ code, packedBytes, maxRssMiB: process.resourceUsage().maxRSS / 1024 } satisfies PackedInChild),
);
