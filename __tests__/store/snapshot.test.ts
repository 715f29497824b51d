import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listStorePathNames, newSince, readSnapshot, takeSnapshot, writeSnapshot } from '../../src/store/snapshot.ts';

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'snapshot-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const A = `${'a'.repeat(32)}-a`;
const B = `${'b'.repeat(32)}-b`;
const LOCKFILE = `${'c'.repeat(32)}-Cargo.lock`;
const make = (...names: readonly string[]): void => {
	for (const name of names) writeFileSync(join(folder, name), '');
};

describe('the names in a store directory', () => {
	it('are those of store paths, without what Nix keeps beside them', async () => {
		const drv = `${'d'.repeat(32)}-d.drv`;
		make(A, `${A}.lock`, `${A}.check`, drv, `${drv}.lock`, `${drv}.chroot`, '.links', 'tmp-123-1', 'add-123-1', '.tmp-link-1-2');
		expect([...(await listStorePathNames(folder))].sort()).toEqual([A, drv]);
	});

	it('may end like a lock file', async () => {
		make(LOCKFILE, `${LOCKFILE}.lock`);
		expect(await listStorePathNames(folder)).toEqual([LOCKFILE]);
	});

	it('are none where Nix made no store yet', async () => {
		expect(await listStorePathNames(join(folder, 'none'))).toEqual([]);
	});

	it('can fail to be read, which names the directory', async () => {
		make('file');
		await expect(listStorePathNames(join(folder, 'file'))).rejects.toMatchObject({
			code: 'store-unreadable',
			message: expect.stringContaining('ENOTDIR'),
		});
	});
});

describe('the difference', () => {
	it('has what came since the snapshot', async () => {
		make(A);
		const before = await takeSnapshot(folder);
		make(B);
		expect(newSince(before, await listStorePathNames(folder))).toEqual([B]);
	});

	it('has a path that was under construction, or left broken, at the time of the snapshot', async () => {
		make(A, `${A}.lock`);
		const before = await takeSnapshot(folder);
		rmSync(join(folder, `${A}.lock`));
		expect(newSince(before, await listStorePathNames(folder))).toEqual([A]);
	});

	it('has nothing that the action itself put into the store', async () => {
		make(A, `${'d'.repeat(32)}-nix-cache-action-hook`, `${'d'.repeat(32)}-nix-cache-action-hold.drv`);
		expect(newSince(new Set(), await listStorePathNames(folder))).toEqual([A]);
	});

	it('has a path of which only the lock file was there', async () => {
		make(`${A}.lock`);
		const before = await takeSnapshot(folder);
		make(A);
		expect(newSince(before, await listStorePathNames(folder))).toEqual([A]);
	});
});

describe('a snapshot file', () => {
	const file = (): string => join(folder, 'snapshot');

	it('gives back what was written, readable by its owner alone', async () => {
		for (const names of [[], [A], [A, B, LOCKFILE]]) {
			await writeSnapshot(file(), new Set(names));
			expect(await readSnapshot(file())).toEqual(new Set(names));
		}
		expect(statSync(file()).mode & 0o777).toBe(0o600);
	});

	it('is an error when it is cut off anywhere', async () => {
		await writeSnapshot(file(), new Set([A, B]));
		const whole = readFileSync(file());
		for (let length = 0; length < whole.length; length++) {
			writeFileSync(file(), whole);
			truncateSync(file(), length);
			await expect(readSnapshot(file()), `at ${length}`).rejects.toMatchObject({ code: 'state-invalid' });
		}
	});

	it('is an error when it is missing, of another version or something else', async () => {
		await expect(readSnapshot(file())).rejects.toMatchObject({ code: 'state-invalid' });
		for (const text of ['nix-cache-action snapshot 2 0\n', 'hello\n', `${A}\n`]) {
			writeFileSync(file(), text);
			await expect(readSnapshot(file())).rejects.toMatchObject({ code: 'state-invalid' });
		}
	});

	it('says which file can not be written', async () => {
		const missing = join(folder, 'none', 'snapshot');
		await expect(writeSnapshot(missing, new Set())).rejects.toMatchObject({
			code: 'file-failed',
			message: expect.stringContaining(missing),
		});
	});
});
