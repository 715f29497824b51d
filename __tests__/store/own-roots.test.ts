import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isOwnPath } from '../../src/store/own-paths.ts';
import { rootsBelow } from '../../src/store/own-roots.ts';

const path = (name: string): string => `/nix/store/${'a'.repeat(32)}-${name}`;

let folder: string;
let auto: string;
let count = 0;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'nix-cache-action-roots-'));
	auto = join(folder, 'state', 'gcroots', 'auto');
	mkdirSync(auto, { recursive: true });
	mkdirSync(join(folder, 'work'));
	mkdirSync(join(folder, 'other'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A link to `target` that is registered as Nix does it. */
function root(link: string, target: string): void {
	symlinkSync(target, join(folder, link));
	register(join(folder, link));
}

const register = (link: string): void => symlinkSync(link, join(auto, String(++count)));
const below = (...folders: readonly string[]) =>
	rootsBelow(
		folders.map((name) => join(folder, name)),
		{ storeDir: '/nix/store', stateDir: join(folder, 'state') },
	);

describe("a job's own roots", () => {
	it('are what links below its folders lead to, each once', async () => {
		root('work/result', path('app'));
		root('work/result-2', path('app'));
		root('work/result-doc', `${path('app-doc')}/share`);
		root('other/result', path('of-another'));
		root('work-2', path('beside'));
		expect((await below('work')).toSorted()).toEqual([path('app'), path('app-doc')]);
		expect((await below('work', 'other')).length).toBe(3);
		expect(await below()).toEqual([]);
	});

	it('are found by way of a link to their folder', async () => {
		symlinkSync(join(folder, 'work'), join(folder, 'workspace'));
		root('work/result', path('app'));
		expect(await below('workspace')).toEqual([path('app')]);
	});

	it('are neither what went, nor what is no store path, nor what the action holds itself', async () => {
		register(join(folder, 'work', 'gone'));
		root('work/elsewhere', '/etc/passwd');
		root('work/odd', '/nix/store/odd');
		root('work/up', '/nix/store/../../etc');
		root('work/held-0', path('nix-cache-action-hold.drv'));
		writeFileSync(join(folder, 'work', 'file'), '');
		register(join(folder, 'work', 'file'));
		writeFileSync(join(auto, 'no-link'), '');
		expect(await below('work')).toEqual([]);
	});

	it('are none where Nix has no roots yet', async () => {
		rmSync(auto, { recursive: true });
		expect(await below('work')).toEqual([]);
	});
});

it("knows the action's own paths by their names", () => {
	for (const name of ['nix-cache-action-hook', 'nix-cache-action-hold.drv']) expect(isOwnPath(path(name))).toBe(true);
	for (const name of ['nix-cache-action-hook-1.0', 'my-nix-cache-action-hold', 'hook']) expect(isOwnPath(path(name))).toBe(false);
});
