/**
 * Brings NARs of made-up bytes into packs in a process of its own and prints what came of it as JSON, the largest resident size among it.
 *
 *     node push-in-child.ts <folder> <number of NARs> <bytes of each>
 */
import { createHash } from 'node:crypto';
import { createPackWriter } from '../../../src/backends/actions-cache/pack-writer.ts';
import { createPacker } from '../../../src/push/packing.ts';
import type { NarFrameOptions } from '../../../src/store/nar.ts';
import { pathInfo } from '../../push/graph.ts';
import { randomBytesOf } from '../../push/keystream.ts';
import { whole as wholeOf } from '../../support/whole.ts';

/** What the process prints. */
export interface PushedInChild {
	/** NARs that are whole in the packs, and the codes of the errors that ended others. */
	readonly whole: number;
	readonly codes: readonly string[];
	/** Frames and bytes of the packs. */
	readonly frames: number;
	readonly packBytes: number;
	/** Whether each whole NAR's frames are in the packs with the bytes that they had. */
	readonly isSound: boolean;
	readonly maxRssMiB: number;
}

const [folder = '', count = 0, sizeBytes = 0] = process.argv.slice(2).map((arg, index) => (index === 0 ? arg : Number(arg))) as [
	string,
	number,
	number,
];
const signal = new AbortController().signal;
const blocks = Array.from({ length: 4 }, (_, index) => randomBytesOf(1024 * 1024, index));

/** NAR `index`: blocks in an order of its own, each with a mark, so that no two chunks are the same. */
function* pieces(index: number): Generator<Uint8Array> {
	for (let at = 0, turn = 0; at < sizeBytes; turn++) {
		const block = blocks[(index + turn) % blocks.length] as Buffer;
		const mark = Buffer.from(`${index}-${turn}-`.padEnd(64));
		const piece = turn % 2 === 0 ? mark : block;
		yield piece.subarray(0, Math.min(piece.length, sizeBytes - at));
		at += piece.length;
	}
}

async function* frames(path: string, { frameBytes, allocate }: NarFrameOptions): AsyncGenerator<Uint8Array, void, void> {
	let frame: Uint8Array | null = null;
	let used = 0;
	for (const piece of pieces(Number(path.split('-n').at(-1)))) {
		for (let at = 0; at < piece.length; ) {
			frame ??= allocate();
			const part = piece.subarray(at, at + frameBytes - used);
			frame.set(part, used);
			used += part.length;
			at += part.length;
			if (used < frameBytes) continue;
			yield frame;
			frame = null;
			used = 0;
		}
	}
	if (frame !== null) yield frame.subarray(0, used);
}

function into(room: Uint8Array, path: string): Uint8Array {
	let used = 0;
	for (const piece of pieces(Number(path.split('-n').at(-1)))) {
		room.set(piece, used);
		used += piece.length;
	}
	return room.subarray(0, used);
}

function infoOf(index: number) {
	const hash = createHash('sha256');
	for (const piece of pieces(index)) hash.update(piece);
	return pathInfo(`n${index}`, { narSizeBytes: sizeBytes, narHash: { algorithm: 'sha256', digest: hash.digest() } });
}

const packer = createPacker({
	compression: 'zstd',
	level: null,
	spool: { kind: 'own', folder: `${folder}/spool` },
	threads: 2,
	reader: { frames, into },
});
const writer = createPackWriter({ folder, header: new Uint8Array(16), trailer: () => new Uint8Array(32) });
const codes: string[] = [];
const sums: { readonly place: { pack: number; offset: number; frameBytes: number }; readonly frameHash: Uint8Array }[] = [];
let whole = 0;

async function pushOne(index: number): Promise<void> {
	const own: typeof sums = [];
	try {
		const isKnown = (id: Uint8Array): boolean => writer.find(id) !== null;
		for await (const { id, frame, frameHash } of packer.sourceOf(infoOf(index)).chunks(isKnown, signal)) {
			if (frame !== null && frameHash !== null) own.push({ place: await writer.append(id, frame), frameHash });
			else await writer.find(id);
		}
		sums.push(...own);
		whole++;
	} catch (error) {
		codes.push(error instanceof Error && 'code' in error ? String(error.code) : String(error));
	}
}

const todo = Array.from({ length: count }, (_, index) => index).values();
const lane = async (): Promise<void> => {
	for (const index of todo) await pushOne(index);
};
await Promise.all(Array.from({ length: Math.min(count, 32) }, lane));
const packs = await writer.finish();
const maxRssMiB = process.resourceUsage().maxRSS / 1024;
const bytes = await Promise.all(packs.map(({ body }) => wholeOf(body.stream())));
const isSound = sums.every(({ place: { pack, offset, frameBytes }, frameHash }) => {
	const frame = bytes[pack]?.subarray(offset, offset + frameBytes) ?? Buffer.alloc(0);
	return createHash('sha256').update(frame).digest().subarray(0, 16).equals(frameHash);
});
await packer.close();
await writer.close();
process.stdout.write(
	JSON.stringify({
		whole,
		codes,
		frames: packs.reduce((sum, pack) => sum + pack.frames, 0),
		packBytes: packs.reduce((sum, pack) => sum + pack.body.sizeBytes, 0),
		isSound,
		maxRssMiB,
	} satisfies PushedInChild),
);
