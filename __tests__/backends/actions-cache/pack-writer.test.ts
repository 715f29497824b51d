import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
	createPackWriter,
	type FramePlace,
	type PackWriter,
	type PackWriterOptions,
} from '../../../src/backends/actions-cache/pack-writer.ts';
import { randomBytesOf } from '../../push/keystream.ts';
import { whole } from '../../support/whole.ts';

const HEADER = Buffer.from('a pack begins:16');
const TRAILER_BYTES = 24;

function trailer(sizeBytes: number, frames: number): Uint8Array {
	return Buffer.from(`${sizeBytes}/${frames}`.padEnd(TRAILER_BYTES));
}

let folder: string;
let writers: PackWriter[];
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'packs-'));
	writers = [];
});
afterEach(async () => {
	for (const writer of writers) await writer.close();
	await rm(folder, { recursive: true });
});

function writerOf(more: Partial<PackWriterOptions> = {}): PackWriter {
	const writer = createPackWriter({ folder: join(folder, 'packs'), header: HEADER, trailer, ...more });
	writers.push(writer);
	return writer;
}

function idOf(frame: Uint8Array): Uint8Array {
	return createHash('sha256').update(frame).digest();
}

function append(writer: PackWriter, frame: Uint8Array): Promise<FramePlace> {
	return writer.append(idOf(frame), frame);
}

/** The packs' bytes, having checked what holds for every pack. */
async function packsOf(writer: PackWriter): Promise<Buffer[]> {
	return Promise.all(
		(await writer.finish()).map(async ({ body, frames }) => {
			const bytes = await whole(body.stream());
			expect(body.sizeBytes).toBe(bytes.length);
			expect(bytes.subarray(0, HEADER.length).toString()).toBe(HEADER.toString());
			const end = bytes.length - TRAILER_BYTES;
			expect(bytes.subarray(end).toString().trim()).toBe(`${end}/${frames}`);
			return bytes;
		}),
	);
}

function frameAt(packs: readonly Buffer[], { pack, offset, frameBytes }: FramePlace): Buffer {
	return (packs[pack] as Buffer).subarray(offset, offset + frameBytes);
}

async function openFiles(): Promise<string[]> {
	const descriptors = await readdir('/proc/self/fd').catch(() => []);
	const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
	return targets.filter((target) => target.startsWith(folder));
}

describe('what is appended', () => {
	test('lies where it was said to lie, in order, between header and trailer, whatever is appended at once', async () => {
		const frames = fc.array(fc.tuple(fc.integer({ min: 1, max: 300_000 }), fc.boolean()), { minLength: 1, maxLength: 40 });
		await fc.assert(
			fc.asyncProperty(frames, async (all) => {
				const writer = writerOf();
				const places: Promise<FramePlace>[] = [];
				for (const [index, [size, waits]] of all.entries()) {
					places.push(append(writer, randomBytesOf(size, index)));
					if (waits) await places.at(-1);
				}
				const packs = await packsOf(writer);
				let offset = HEADER.length;
				for (const [index, [size]] of all.entries()) {
					const place = (await places[index]) as FramePlace;
					expect(place).toEqual({ pack: 0, offset, frameBytes: size });
					expect(Buffer.compare(frameAt(packs, place), randomBytesOf(size, index))).toBe(0);
					offset += size;
				}
				expect(packs.map(({ length }) => length)).toEqual([offset + TRAILER_BYTES]);
				await writer.close();
			}),
			{ numRuns: 25 },
		);
	});

	test('more than the system writes at once is written all the same', async () => {
		const writer = writerOf();
		const frames = Array.from({ length: 2500 }, (_, index) => randomBytesOf(1 + (index % 50), index + 10));
		const places = await Promise.all(frames.map((frame) => append(writer, frame)));
		const packs = await packsOf(writer);
		for (const [index, place] of places.entries()) {
			expect(Buffer.compare(frameAt(packs, place), frames[index] as Buffer)).toBe(0);
		}
	});

	test('twice is there once, also when both come at the same time', async () => {
		const writer = writerOf();
		const frame = randomBytesOf(1000, 1);
		const id = idOf(frame);
		expect(writer.find(id)).toBe(null);
		const [one, two] = [writer.append(id, frame), writer.append(Uint8Array.from(id), randomBytesOf(1000, 1))];
		const found = writer.find(Uint8Array.from(id));
		expect(found).not.toBe(null);
		const places = [await one, await two, await found, await append(writer, frame)];
		expect(new Set(places.map((place) => JSON.stringify(place))).size).toBe(1);
		expect((await packsOf(writer)).map(({ length }) => length)).toEqual([HEADER.length + 1000 + TRAILER_BYTES]);
	});

	test('after the end is a mistake of ours', async () => {
		const writer = writerOf();
		await append(writer, randomBytesOf(10, 1));
		await writer.finish();
		await expect(append(writer, randomBytesOf(10, 2))).rejects.toMatchObject({ code: 'internal' });
	});
});

describe('packs', () => {
	test('end before the frame that would make them larger than the limit', async () => {
		const limitBytes = 10_000;
		const writer = writerOf({ limitBytes });
		const sizes = [4000, 4000, limitBytes - 8000 - HEADER.length - TRAILER_BYTES, 1, 9000, 1000, 20_000, 500];
		const frames = sizes.map((size, index) => randomBytesOf(size, index));
		const places = await Promise.all(frames.map((frame) => append(writer, frame)));
		const packs = await packsOf(writer);
		expect(places.map(({ pack }) => pack)).toEqual([0, 0, 0, 1, 1, 2, 3, 4]);
		expect(packs[0]?.length).toBe(limitBytes);
		for (const [index, place] of places.entries()) {
			expect(Buffer.compare(frameAt(packs, place), frames[index] as Buffer)).toBe(0);
		}
		// Only a frame that is larger by itself makes a larger pack.
		expect(packs.map(({ length }) => length <= limitBytes)).toEqual([true, true, true, false, true]);
	});

	test('are none when nothing was appended, and then there is no folder either', async () => {
		const writer = writerOf();
		expect(await writer.finish()).toEqual([]);
		await writer.close();
		expect(existsSync(join(folder, 'packs'))).toBe(false);
	});

	test('lie in files without names, and are gone when closed', async () => {
		const writer = writerOf();
		await append(writer, randomBytesOf(100_000, 1));
		expect((await stat(join(folder, 'packs'))).mode & 0o777).toBe(0o700);
		expect(await readdir(join(folder, 'packs'))).toEqual([]);
		expect((await openFiles()).length).toBe(process.platform === 'linux' ? 1 : 0);
		await writer.finish();
		await writer.close();
		await writer.close();
		expect(await openFiles()).toEqual([]);
	});

	test('can be read several times, also at the same time, and in part', async () => {
		const writer = writerOf();
		await append(writer, randomBytesOf(3_000_000, 1));
		const [pack] = await writer.finish();
		const body = (pack as NonNullable<typeof pack>).body;
		expect(body.bytes).toBe(null);
		const [one, two] = await Promise.all([whole(body.stream()), whole(body.stream())]);
		for await (const _ of body.stream()) break;
		const three = await whole(body.stream());
		expect(Buffer.compare(one, two) || Buffer.compare(two, three)).toBe(0);
	});

	test('are closed in the middle of writing without an error', async () => {
		const writer = writerOf();
		const appended = Array.from({ length: 20 }, (_, index) => append(writer, randomBytesOf(500_000, index)));
		await writer.close();
		await Promise.allSettled(appended);
		expect(await openFiles()).toEqual([]);
	});
});

test('a folder that can’t be made fails each frame, and leaves nothing to upload', async () => {
	const writer = writerOf({ folder: '/dev/null/packs' });
	const failed = { code: 'file-failed', message: expect.stringContaining('/dev/null/packs') };
	await expect(append(writer, randomBytesOf(10, 1))).rejects.toMatchObject(failed);
	await expect(append(writer, randomBytesOf(10, 2))).rejects.toMatchObject(failed);
	await expect(writer.find(idOf(randomBytesOf(10, 1)))).rejects.toMatchObject(failed);
	expect(await writer.finish()).toEqual([]);
});
