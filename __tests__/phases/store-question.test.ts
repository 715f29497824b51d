import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askStore } from '../../src/phases/store-question.ts';
import type { LocalStore } from '../../src/store/local-store.ts';
import { never } from '../http/peers/means.ts';

const NAME = '0c5b8vw40dy178xlpddw65q9gf1h2186-hello';

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'question-'));
	mkdirSync(join(folder, 'root/nix/store', NAME, 'bin'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A store with a root of its own, as far as it is asked here. */
function rootsFor(line: string): Promise<readonly string[]> {
	const realStoreDir = join(folder, 'root/nix/store');
	const store: Pick<LocalStore, 'storeDir' | 'realStoreDir' | 'names' | 'realPath' | 'closure'> = {
		storeDir: '/nix/store',
		realStoreDir,
		names: async () => [NAME],
		realPath: (path) => path.replace('/nix/store', realStoreDir),
		closure: async () => ({ infos: new Map(), invalid: new Set() }),
	};
	const question = { paths: [line], env: { GITHUB_WORKSPACE: folder }, main: null };
	return askStore(store as LocalStore, question, never).roots;
}

describe('a line of `paths`, where the store has a root of its own', () => {
	it('may be a store path, a link to one as Nix makes it, and a link to such a link', async () => {
		symlinkSync(`/nix/store/${NAME}`, join(folder, 'result'));
		symlinkSync('result', join(folder, 'again'));
		symlinkSync(`/nix/store/${NAME}/bin`, join(folder, 'inside'));
		for (const line of [`/nix/store/${NAME}`, 'result', 'again', 'inside'])
			expect(await rootsFor(line), line).toEqual([`/nix/store/${NAME}`]);
	});

	it('is followed as far as the store and no further: an output may be a link to another one', async () => {
		const other = '1c5b8vw40dy178xlpddw65q9gf1h2186-other';
		symlinkSync(`/nix/store/${NAME}`, join(folder, 'root/nix/store', other));
		symlinkSync(`/nix/store/${other}`, join(folder, 'result'));
		symlinkSync(join(folder, 'root/nix/store', other), join(folder, 'real'));
		for (const line of [`/nix/store/${other}`, 'result', 'result/bin', 'real', `root/nix/store/${other}`])
			expect(await rootsFor(line), line).toEqual([`/nix/store/${other}`]);
	});

	it('that leads nowhere is named', async () => {
		symlinkSync('loop', join(folder, 'loop'));
		symlinkSync('/nowhere', join(folder, 'dangling'));
		for (const line of ['loop', 'dangling', 'missing', '/nix/store/2c5b8vw40dy178xlpddw65q9gf1h2186-gone'])
			await expect(rootsFor(line)).rejects.toThrow(`\`${line}\` is not there now`);
		await expect(rootsFor('root')).rejects.toThrow('`root` is not in the store now');
	});
});
