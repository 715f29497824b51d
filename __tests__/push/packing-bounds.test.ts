import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Compression } from '../../src/backends/backend.ts';
import type { PackedInChild } from './pack-in-child.ts';

const MiB = 1024 * 1024;
const program = join(import.meta.dirname, 'pack-in-child.ts');
const onSmallDisk = join(import.meta.dirname, 'on-small-disk-program.ts');

let folder: string;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'packing-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Packs in a process of its own, started by `wrap` when there is one, with its spool in `folder`. */
async function pack(
	count: number,
	sizeBytes: number,
	wrap: readonly string[] = [],
	compression: Compression = 'zstd',
): Promise<PackedInChild> {
	const order = [compression, join(folder, 'spool'), String(count), String(sizeBytes)];
	const [file, ...args] = [...wrap, process.execPath, program, ...order];
	const { stdout } = await promisify(execFile)(file ?? '', args, { env: { PATH: process.env.PATH } });
	return JSON.parse(stdout) as PackedInChild;
}

describe('peak memory stays under 256 MiB', () => {
	test.each([
		['one path of 600 MiB', 1, 600 * MiB],
		['1,500 small paths', 1500, 20_000],
		['60 paths of 8 MB, 32 at a time', 60, 8_000_000],
	])('%s', async (_, count, sizeBytes) => {
		const { code, packedBytes, maxRssMiB } = await pack(count, sizeBytes);
		expect(code).toBe(null);
		expect(packedBytes).toBeGreaterThan(0);
		expect(maxRssMiB).toBeLessThan(256);
	});
});

// A disk of its own takes root; without it, the end-to-end tests do the same on the whole action.
describe.runIf(process.platform === 'linux' && process.getuid?.() === 0)('a full disk', () => {
	const onDiskOf = (size: string) => [
		'unshare',
		'-m',
		'sh',
		'-c',
		`mount -t tmpfs -o size=${size} tmpfs "$0" && exec "$@"`,
		folder,
	];

	test.each<Compression>(['zstd', 'gzip', 'br', 'xz', 'none'])(
		'fails with `disk-full` and leaves nothing: %s',
		async (compression) => {
			const { code } = await pack(1, 60 * MiB, onDiskOf('128k'), compression);
			expect(code).toBe('disk-full');
			expect(await readdir(folder)).toEqual([]);
		},
	);

	test.each([
		['written over by the next NAR', 'spare'],
		['kept for another cache', 'idle'],
	])('takes no room from a NAR that is being packed with files that are to be %s', async (_, kept) => {
		const [file = '', ...args] = [...onDiskOf('8m'), process.execPath, onSmallDisk, join(folder, 'spool'), kept];
		expect((await promisify(execFile)(file, args)).stdout).toBe('none');
	});

	test('does not keep what fits from being packed', async () => {
		expect((await pack(20, MiB, onDiskOf('4m'))).code).toBe(null);
	});
});
