import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PushedInChild } from './push-in-child.ts';

const MiB = 1024 * 1024;
const program = join(import.meta.dirname, 'push-in-child.ts');

let folder: string;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'packs-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Pushes in a process of its own, started by `wrap` when there is one, with its packs in `folder`. */
async function push(count: number, sizeBytes: number, wrap: readonly string[] = []): Promise<PushedInChild> {
	const [file, ...args] = [...wrap, process.execPath, program, folder, String(count), String(sizeBytes)];
	const { stdout } = await promisify(execFile)(file ?? '', args, { env: { PATH: process.env.PATH } });
	return JSON.parse(stdout) as PushedInChild;
}

describe('peak memory stays under 256 MiB', () => {
	test.each([
		['one NAR of 300 MiB that does not compress', 1, 300 * MiB],
		['1,500 small NARs', 1500, 20_000],
		['60 NARs of 8 MB, 32 at a time', 60, 8_000_000],
	])('%s', async (_, count, sizeBytes) => {
		const { whole, codes, isSound, packBytes, maxRssMiB } = await push(count, sizeBytes);
		expect({ whole, codes, isSound }).toEqual({ whole: count, codes: [], isSound: true });
		expect(packBytes).toBeGreaterThan(0.9 * count * sizeBytes);
		expect(maxRssMiB).toBeLessThan(256);
	});
});

// A disk of its own takes root.
describe.runIf(process.platform === 'linux' && process.getuid?.() === 0)('a full disk', () => {
	const onSmallDisk = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o size=10m tmpfs "$0" && exec "$@"', ''];

	test('fails what does not fit with `disk-full`; what was written before makes a sound pack', async () => {
		const { whole, codes, isSound, frames, packBytes } = await push(30, MiB, onSmallDisk.with(-1, folder));
		expect(new Set(codes)).toEqual(new Set(['disk-full']));
		expect(whole).toBeGreaterThan(4);
		expect(whole + codes.length).toBe(30);
		expect(frames).toBeGreaterThanOrEqual(whole);
		expect(packBytes).toBeLessThanOrEqual(10 * MiB);
		expect(isSound).toBe(true);
		expect(await readdir(folder)).toEqual([]);
	});

	test('so small that nothing fits leaves nothing', async () => {
		const { whole, codes, frames } = await push(1, 60 * MiB, onSmallDisk.with(-1, folder));
		expect({ whole, codes }).toEqual({ whole: 0, codes: ['disk-full'] });
		expect(frames).toBeGreaterThan(0);
		expect(await readdir(folder)).toEqual([]);
	});
});
