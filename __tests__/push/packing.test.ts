import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Compression, PackedNar } from '../../src/backends/backend.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { createPacker, type Packer, type PackerOptions } from '../../src/push/packing.ts';
import { type NarReader, narFrames, narReader } from '../../src/store/nar.ts';
import { whole } from '../support/whole.ts';
import { infoOf, narsOf, someBytes } from './narrator.ts';

const MiB = 1024 * 1024;
const never = new AbortController().signal;

let folder: string;
let packers: Packer[];
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'packing-'));
	packers = [];
});
afterEach(async () => {
	for (const packer of packers) await packer.close();
	await rm(folder, { recursive: true });
});

function packerOf(reader: NarReader, more: Partial<PackerOptions> = {}): Packer {
	const packer = createPacker({
		compression: 'zstd',
		level: null,
		spool: { kind: 'own', folder: join(folder, 'spool') },
		threads: 2,
		reader,
		...more,
	});
	packers.push(packer);
	return packer;
}

/** Packs `bytes` and gives back what was packed, having checked what every packed NAR has to fulfil. */
async function pack(bytes: Uint8Array, more: Partial<PackerOptions> = {}): Promise<Buffer> {
	const info = infoOf('some', bytes);
	const packer = packerOf(narsOf(new Map([[info.path, bytes]])), more);
	const packed = await packer.sourceOf(info).packed(never);
	const body = await whole(packed.body.stream());
	expect(packed.compression).toBe(more.compression ?? 'zstd');
	expect(packed.body.sizeBytes).toBe(body.length);
	expect(Buffer.compare(packed.fileHash.digest, createHash('sha256').update(body).digest())).toBe(0);
	if (packed.body.bytes !== null) expect(Buffer.compare(packed.body.bytes, body)).toBe(0);
	const cuts = [0, Math.floor(body.length / 3), Math.floor(body.length / 2), body.length];
	const parts = cuts.slice(1).map((end, i) => packed.body.part(cuts[i] ?? 0, end));
	const inParts = await Promise.all(parts.map((part) => whole(part.stream())));
	expect(parts.map(({ sizeBytes }) => sizeBytes)).toEqual(inParts.map(({ length }) => length));
	expect(Buffer.compare(Buffer.concat(inParts), body)).toBe(0);
	await packed.dispose();
	return body;
}

async function openSpoolFiles(): Promise<string[]> {
	const descriptors = await readdir('/proc/self/fd').catch(() => []);
	const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
	return targets.filter((target) => target.startsWith(folder));
}

describe('what comes out is what went in', () => {
	test.each([1, 8, 112, 256 * 1024, 256 * 1024 + 1, 4 * MiB - 8, 4 * MiB, 4 * MiB + 8, 13 * MiB])(
		'zstd, %i bytes',
		async (size) => {
			const bytes = someBytes(size);
			expect(Buffer.compare(zstdDecompressSync(await pack(bytes)), bytes)).toBe(0);
		},
	);

	test.each<[Compression, (packed: Buffer) => Buffer]>([
		['gzip', gunzipSync],
		['br', brotliDecompressSync],
		['none', (packed) => packed],
	])('%s, small and in several frames', async (compression, unpack) => {
		for (const size of [500, 9 * MiB]) {
			const bytes = someBytes(size);
			expect(Buffer.compare(unpack(await pack(bytes, { compression })), bytes)).toBe(0);
		}
	});

	test('xz, through the program', async () => {
		const { spawnSync } = await import('node:child_process');
		for (const size of [500, 9 * MiB]) {
			const bytes = someBytes(size);
			const packed = await pack(bytes, { compression: 'xz', level: 1 });
			const { stdout } = spawnSync('xz', ['--decompress', '--stdout'], { input: packed, maxBuffer: 20 * MiB });
			expect(Buffer.compare(stdout, bytes)).toBe(0);
		}
	});

	test('bytes that do not compress, at every level that is usual', async () => {
		const { randomBytes } = await import('node:crypto');
		const bytes = randomBytes(5 * MiB);
		for (const level of [1, 2, 3]) expect(Buffer.compare(zstdDecompressSync(await pack(bytes, { level })), bytes)).toBe(0);
	});

	test('a higher level gives fewer bytes', async () => {
		const bytes = someBytes(2 * MiB);
		expect((await pack(bytes, { level: 9 })).length).toBeLessThan((await pack(bytes, { level: 1 })).length);
	});

	test.each<[Compression, (packed: Buffer) => Buffer]>([
		['zstd', zstdDecompressSync],
		['gzip', gunzipSync],
		['none', (packed) => packed],
	])('%s: many at once, large and small, in memory and in files, each its own bytes', async (compression, unpack) => {
		const nars = new Map<string, Uint8Array>();
		const infos: PathInfo[] = [];
		for (let index = 0; index < 120; index++) {
			// Uncompressed, the small ones are more than what is kept in memory.
			const bytes = someBytes(index % 20 === 0 ? 6 * MiB + index : 2100 * (index + 1), index + 1);
			const info = infoOf(`n${index}`, bytes);
			infos.push(info);
			nars.set(info.path, bytes);
		}
		const packer = packerOf(narsOf(nars), { compression });
		const packed = await Promise.all(infos.map((info) => packer.sourceOf(info).packed(never)));
		for (const [index, info] of infos.entries()) {
			const { body, fileHash, dispose } = packed[index] as PackedNar;
			const bytes = await whole(body.stream());
			expect(Buffer.compare(unpack(bytes), nars.get(info.path) as Uint8Array)).toBe(0);
			expect(Buffer.compare(fileHash.digest, createHash('sha256').update(bytes).digest())).toBe(0);
			await dispose();
		}
	});
});

describe('a NAR that is not what Nix recorded', () => {
	const changes: [string, (bytes: Buffer) => Buffer][] = [
		['another bit', (bytes) => Buffer.from(bytes).fill(1, bytes.length - 1)],
		['shorter', (bytes) => bytes.subarray(0, -8)],
		['longer', (bytes) => Buffer.concat([bytes, Buffer.alloc(8 * MiB)])],
	];
	test.each(changes)('%s: it is corrupt, with the command that tells and the one that repairs', async (_, change) => {
		for (const size of [1000, 9 * MiB]) {
			const bytes = someBytes(size);
			const info = infoOf('some', bytes);
			const packer = packerOf(narsOf(new Map([[info.path, change(bytes)]])));
			await expect(packer.sourceOf(info).packed(never)).rejects.toMatchObject({
				code: 'path-corrupt',
				message: expect.stringContaining(info.path),
				hint: expect.stringMatching(/--verify-path .*--repair-path/),
			});
			await packer.close();
			expect(await openSpoolFiles()).toEqual([]);
		}
	});

	test.each(changes)('%s: the raw stream ends with that before its last bytes', async (_, change) => {
		const bytes = someBytes(3 * MiB);
		const info = infoOf('some', bytes);
		const packer = packerOf(narsOf(new Map([[info.path, change(bytes)]])));
		let seen = 0;
		const read = async () => {
			for await (const chunk of packer.sourceOf(info).raw(never)) seen += chunk.length;
		};
		await expect(read()).rejects.toMatchObject({ code: 'path-corrupt' });
		expect(seen).toBeLessThan(bytes.length);
	});

	test('the raw stream of a good one has all bytes, in chunks that stay what they were', async () => {
		const bytes = someBytes(5 * MiB + 8);
		const info = infoOf('some', bytes);
		const chunks: Uint8Array[] = [];
		for await (const chunk of packerOf(narsOf(new Map([[info.path, bytes]])))
			.sourceOf(info)
			.raw(never))
			chunks.push(chunk);
		expect(Buffer.compare(Buffer.concat(chunks), bytes)).toBe(0);
	});

	test('after a failure the next path is packed as if nothing had been', async () => {
		const bad = someBytes(20 * MiB, 1);
		const good = someBytes(20 * MiB, 2);
		const badInfo = infoOf('bad', bad);
		const goodInfo = infoOf('good', good);
		const packer = packerOf(
			narsOf(
				new Map([
					[badInfo.path, Buffer.concat([bad, bad])],
					[goodInfo.path, good],
				]),
			),
		);
		for (let round = 0; round < 3; round++) {
			const [failed, packed] = await Promise.allSettled([
				packer.sourceOf(badInfo).packed(never),
				packer.sourceOf(goodInfo).packed(never),
			]);
			expect(failed.status).toBe('rejected');
			if (packed.status === 'rejected') throw packed.reason;
			expect(Buffer.compare(zstdDecompressSync(await whole(packed.value.body.stream())), good)).toBe(0);
			await packed.value.dispose();
		}
	});
});

describe('the spool', () => {
	const large = someBytes(20 * MiB);
	const info = infoOf('large', large);

	test('a large one lies in a file without a name that only we can open, and is gone when the packer is closed', async () => {
		const packer = packerOf(narsOf(new Map([[info.path, large]])));
		const packed = await packer.sourceOf(info).packed(never);
		expect(packed.body.bytes).toBe(null);
		expect((await stat(join(folder, 'spool'))).mode & 0o777).toBe(0o700);
		expect(await readdir(join(folder, 'spool'))).toEqual([]);
		expect((await openSpoolFiles()).length).toBe(process.platform === 'linux' ? 1 : 0);
		await packed.dispose();
		await packed.dispose();
		await packer.close();
		expect(await openSpoolFiles()).toEqual([]);
		expect(existsSync(join(folder, 'spool'))).toBe(false);
	});

	test('its bytes can be read several times, also at the same time', async () => {
		const packed = await packerOf(narsOf(new Map([[info.path, large]])))
			.sourceOf(info)
			.packed(never);
		const [one, two] = await Promise.all([whole(packed.body.stream()), whole(packed.body.stream())]);
		const three = await whole(packed.body.stream());
		expect(Buffer.compare(one, two) || Buffer.compare(two, three)).toBe(0);
		for await (const _ of packed.body.stream()) break;
		expect(Buffer.compare(await whole(packed.body.stream()), one)).toBe(0);
		await packed.dispose();
	});

	test('an abort leaves no file and takes no time', async () => {
		// All five frames would take five seconds.
		const packer = packerOf(narsOf(new Map([[info.path, large]]), 1000));
		const abort = new AbortController();
		const packing = packer.sourceOf(info).packed(abort.signal);
		setTimeout(() => abort.abort(new Error('enough')), 75);
		const started = performance.now();
		await expect(packing).rejects.toThrow('enough');
		expect(performance.now() - started).toBeLessThan(3000);
		expect(await readdir(join(folder, 'spool'))).toEqual([]);
		await packer.close();
		expect(await openSpoolFiles()).toEqual([]);
	});

	test('what is read from the store is told as it is read', async () => {
		const packer = packerOf(narsOf(new Map([[info.path, large]])));
		const reads: number[] = [];
		const packed = await packer.sourceOf(info, (bytes) => reads.push(bytes)).packed(never);
		await packed.dispose();
		expect(reads.length).toBe(5);
		expect(reads.reduce((sum, bytes) => sum + bytes, 0)).toBe(large.length);
	});

	test('a folder that cannot be made fails that path by name', async () => {
		const packer = packerOf(narsOf(new Map([[info.path, large]])), { spool: { kind: 'own', folder: '/dev/null/spool' } });
		await expect(packer.sourceOf(info).packed(never)).rejects.toMatchObject({ code: 'file-failed' });
	});
});

describe('from the file system', () => {
	test('a tree is packed as the NAR that the store’s reader makes of it', async () => {
		const path = join(folder, 'tree');
		await mkdir(join(path, 'bin'), { recursive: true });
		await writeFile(join(path, 'bin', 'tool'), someBytes(9 * MiB), { mode: 0o755 });
		await symlink('bin/tool', join(path, 'link'));
		const parts: Buffer[] = [];
		const reading = narFrames(path, { frameBytes: MiB, allocate: () => new Uint8Array(MiB), signal: never });
		for await (const frame of reading) parts.push(Buffer.from(frame));
		const nar = Buffer.concat(parts);
		const packed = await packerOf(narReader, { realPath: () => path })
			.sourceOf(infoOf('tree', nar))
			.packed(never);
		expect(Buffer.compare(zstdDecompressSync(await whole(packed.body.stream())), nar)).toBe(0);
		await packed.dispose();
	});

	test('a path that is gone is `path-vanished`, small or large', async () => {
		const packer = packerOf(narReader, { realPath: () => join(folder, 'gone') });
		for (const narSizeBytes of [500, 50 * MiB]) {
			const info = { ...infoOf('gone', Buffer.alloc(1)), narSizeBytes };
			await expect(packer.sourceOf(info).packed(never)).rejects.toMatchObject({ code: 'path-vanished' });
		}
	});

	test('a recorded size of nothing is corrupt and no endless loop', async () => {
		const info = { ...infoOf('some', Buffer.alloc(1)), narSizeBytes: 0 };
		await expect(
			packerOf(narReader, { realPath: () => folder })
				.sourceOf(info)
				.packed(never),
		).rejects.toMatchObject({
			code: 'path-corrupt',
		});
	});
});

test('when the program xz is missing, the message says so and what to do', async () => {
	const path = process.env.PATH;
	process.env.PATH = folder;
	try {
		await expect(pack(someBytes(9 * MiB), { compression: 'xz' })).rejects.toMatchObject({
			code: 'input-invalid',
			message: expect.stringContaining('xz'),
			hint: expect.stringContaining('zstd'),
		});
	} finally {
		process.env.PATH = path;
	}
});
