import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyOfFile } from '../../src/bodies/in-file.ts';
import { bodyOfBytes, bodyOfText } from '../../src/bodies/in-memory.ts';
import { whole } from '../support/whole.ts';

const bytes = randomBytes(1_500_001);
let folder: string;
let file: FileHandle;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'body-'));
	file = await open(join(folder, 'file'), 'wx+');
	await file.write(bytes);
});
afterAll(async () => {
	await file?.close();
	await rm(folder, { recursive: true });
});

describe.each([
	['in memory', () => bodyOfBytes(bytes), bytes],
	['in a file', () => bodyOfFile(file, bytes.length), null],
])('a body %s', (_, open, inMemory) => {
	it('has its size and its bytes, at each reading, and says whether those are in memory', async () => {
		const body = open();
		expect(body.sizeBytes).toBe(bytes.length);
		expect(body.bytes).toBe(inMemory);
		for (let reading = 0; reading < 2; reading++) expect((await whole(body.stream())).equals(bytes)).toBe(true);
	});

	it('is read in parts, also several at a time, each with its size and its MD5', async () => {
		const body = open();
		const cuts = [
			[0, bytes.length],
			[0, 1],
			[1, 2],
			[131_071, 131_073],
			[700_000, bytes.length],
			[5, 5],
		] as const;
		const found = await Promise.all(
			cuts.map(async ([start, end]) => {
				const part = body.part(start, end);
				return { sizeBytes: part.sizeBytes, read: await whole(part.stream()), md5: Buffer.from(await part.md5()) };
			}),
		);
		for (const [index, { sizeBytes, read, md5 }] of found.entries()) {
			const wanted = bytes.subarray(...(cuts[index] ?? []));
			expect(sizeBytes).toBe(wanted.length);
			expect(read.equals(wanted)).toBe(true);
			expect(md5.equals(createHash('md5').update(wanted).digest())).toBe(true);
		}
	});
});

it('a body of a text has that text in UTF-8', async () => {
	const body = bodyOfText('Straße');
	expect(body.sizeBytes).toBe(7);
	expect((await whole(body.stream())).toString()).toBe('Straße');
});
