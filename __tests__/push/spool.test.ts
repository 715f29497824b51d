import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSpool } from '../../src/push/spool.ts';

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'spool-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe.each([
	['memory', 1_000_000],
	['a file', 0],
])('what is spooled to %s', (_, bodyBytes) => {
	it('is read as a whole and in parts, also at the same time', async () => {
		const bytes = randomBytes(300_000);
		const spool = createSpool(join(folder, 'spool'), { bodyBytes, totalBytes: 1_000_000 });
		const writer = await spool.open(bytes.length, 'a path');
		for (let at = 0; at < bytes.length; at += 7_000) await writer.write(bytes.subarray(at, at + 7_000));
		const { body, dispose } = await writer.finish();
		const read = async (range?: { start: number; end: number }) =>
			Buffer.concat(await (range === undefined ? body : body.part(range.start, range.end + 1)).stream().toArray());
		const ranges = [{ start: 0, end: 0 }, { start: 65_535, end: 65_536 }, { start: 100_000, end: 299_999 }, undefined];
		const found = await Promise.all(ranges.map(read));
		const wanted = ranges.map((range) => (range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)));
		expect(found.map((part, index) => part.equals(wanted[index] ?? Buffer.alloc(0)))).toEqual([true, true, true, true]);
		await dispose();
		await spool.close();
	});
});
