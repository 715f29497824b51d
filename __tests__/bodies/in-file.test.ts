import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bodyOfFile } from '../../src/bodies/in-file.ts';
import { whole } from '../support/whole.ts';

const bytes = randomBytes(1_500_001);
let folder: string;
let file: FileHandle;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'body-in-file-'));
	file = await open(join(folder, 'file'), 'wx+');
	await file.write(bytes);
});
afterAll(async () => {
	await file?.close();
	await rm(folder, { recursive: true });
});

it('leaves a piece alone until two more have been taken, and has no more of them than three', async () => {
	const held: Uint8Array[] = [];
	const buffers = new Set<ArrayBufferLike>();
	let at = 0;
	for await (const piece of bodyOfFile(file, bytes.length).stream()) {
		held.push(piece);
		buffers.add(piece.buffer);
		at += piece.length;
		const last = held.slice(-2);
		const sizeBytes = last.reduce((sum, { length }) => sum + length, 0);
		expect(Buffer.concat(last).equals(bytes.subarray(at - sizeBytes, at))).toBe(true);
	}
	// Those who pass pieces on hold back less than 64 KiB.
	expect(held.slice(0, -1).every(({ length }) => length >= 64 * 1024)).toBe(true);
	expect(buffers.size).toBe(3);
});

it('lets others have their turn', async () => {
	// A hole of 512 MiB takes some tenths of a second to read, and no room.
	const sizeBytes = 2 ** 29;
	await file.truncate(sizeBytes);
	let turns = 0;
	let isRead = false;
	const turn = (): void => {
		turns++;
		if (!isRead) setImmediate(turn);
	};
	setImmediate(turn);
	const startedMs = performance.now();
	for await (const piece of bodyOfFile(file, sizeBytes).stream()) if (piece.length === 0) throw new Error('an empty piece');
	isRead = true;
	const tookMs = performance.now() - startedMs;
	await file.truncate(bytes.length);
	expect(turns).toBeGreaterThan(2);
	// Each slice is 5 ms and what a piece takes.
	expect(turns).toBeGreaterThan(tookMs / 50);
});

it('does not end in silence when the file is shorter than it was', async () => {
	await expect(whole(bodyOfFile(file, bytes.length + 1).stream())).rejects.toMatchObject({ code: 'internal' });
});
