import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type * as FileSystem from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createSpool } from '../../src/push/spool.ts';

/** As a share does that takes writes and finds out later that there is no room for them. */
vi.mock('node:fs/promises', async (original) => {
	const real = await original<typeof FileSystem>();
	const open: typeof real.open = async (...args) => {
		const file = await real.open(...args);
		const { close } = file;
		file.close = async () => {
			await close();
			throw Object.assign(new Error('quota'), { code: 'EDQUOT' });
		};
		return file;
	};
	return { ...real, open };
});

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'spool-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('what a share says when a file is closed comes before anybody sees it under its name', async () => {
	const spool = createSpool({ kind: 'destination', folder, newName: () => '.new' }, { bodyBytes: 0, totalBytes: 0 });
	const writer = await spool.open(100, 'a path');
	await writer.write(Buffer.alloc(100));
	const { body, dispose } = await writer.finish();
	await expect(body.moveTo?.(join(folder, 'target'))).rejects.toMatchObject({ code: 'EDQUOT' });
	expect(existsSync(join(folder, 'target'))).toBe(false);
	await dispose();
	expect(readdirSync(folder)).toEqual([]);
});
