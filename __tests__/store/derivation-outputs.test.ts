import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readOutputPaths } from '../../src/store/derivation-outputs.ts';

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'nix-cache-action-drv-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = () => readOutputPaths({ realPath: (path) => join(folder, path) }, 'x.drv');

it('reads the outputs from the file of a derivation', async () => {
	writeFileSync(join(folder, 'x.drv'), 'Derive([("doc","/nix/store/b","",""),("out","/nix/store/a","","")],[],[],"s","b",[],[])');
	expect(await read()).toEqual(['/nix/store/b', '/nix/store/a']);
});

it('knows none where the file is gone, is another thing, or says none', async () => {
	expect(await read()).toEqual([]);
	writeFileSync(join(folder, 'x.drv'), 'x'.repeat(2_000_000));
	expect(await read()).toEqual([]);
	writeFileSync(join(folder, 'x.drv'), 'Derive([("out","","r:sha256","")],[],[],"s","b",[],[])');
	expect(await read()).toEqual([]);
	rmSync(join(folder, 'x.drv'));
	mkdirSync(join(folder, 'x.drv'));
	expect(await read()).toEqual([]);
});
