import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { narFrames } from '../../src/store/nar.ts';
import { plantTree, TREES, type Tree } from '../nix/trees.ts';
import { awkwardFiles, buildOne, writeBytes } from '../support/derivations.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import { testedVersions } from '../support/versions.ts';

const FRAME_BYTES = 1024 * 1024;

async function nar(path: string): Promise<Buffer> {
	const frames: Buffer[] = [];
	const signal = AbortSignal.timeout(60_000);
	for await (const frame of narFrames(path, { frameBytes: FRAME_BYTES, allocate: () => new Uint8Array(FRAME_BYTES), signal })) {
		frames.push(Buffer.from(frame));
	}
	return Buffer.concat(frames);
}

/** Names are any bytes but slash and NUL; half of them are of few letters, so that they come close to each other. */
const name = fc
	.oneof(
		fc.uint8Array({ minLength: 1, maxLength: 20 }),
		fc.array(fc.constantFrom(45, 46, 65, 97, 0xc3, 0xa9), { minLength: 1, maxLength: 4 }),
	)
	.map((bytes) => Buffer.from(bytes).map((byte) => (byte === 0 || byte === 0x2f ? 0x78 : byte)))
	.map((bytes) => Buffer.from(bytes))
	.filter((bytes) => !['.', '..'].includes(bytes.toString()));

const tree = fc.letrec<{ node: Tree }>((tie) => ({
	node: fc.oneof(
		{ maxDepth: 4 },
		fc.record({
			kind: fc.constant('file' as const),
			mode: fc.constantFrom(0o444, 0o644, 0o555, 0o744, 0o654),
			contents: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
		}),
		fc.record({ kind: fc.constant('symlink' as const), target: name }),
		fc.record({
			kind: fc.constant('directory' as const),
			entries: fc.uniqueArray(fc.tuple(name, tie('node')), { maxLength: 6, selector: ([bytes]) => bytes.toString('latin1') }),
		}),
	),
})).node;

describe.each(testedVersions())('a NAR, next to nix-store --dump of Nix %s', (nix) => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await createMachine({ nix });
	});
	afterAll(async () => {
		await machine?.dispose();
	});

	async function expectSame(path: string): Promise<void> {
		const dumped = await machine.exec(['nix-store', '--dump', path]);
		expect(dumped.code, dumped.stderr).toBe(0);
		expect((await nar(path)).equals(dumped.bytes)).toBe(true);
	}

	it.each(Object.entries(TREES))('is the same for %s', async (label, value) => {
		const path = join(machine.work, label);
		plantTree(Buffer.from(path), value);
		await expectSame(path);
	});

	it('is the same for any tree', async () => {
		let count = 0;
		await fc.assert(
			fc.asyncProperty(tree, async (value) => {
				const path = join(machine.work, `random-${count++}`);
				plantTree(Buffer.from(path), value);
				await expectSame(path);
			}),
			{ numRuns: 25 },
		);
	});

	it('is the same for a file of many frames and one that ends with a frame', async () => {
		const large = join(machine.work, 'large');
		await writeBytes(large, 9, 1, `nar-${nix}`);
		await expectSame(large);
		// 96 bytes before the contents and 16 after them.
		writeFileSync(join(machine.work, 'exact'), Buffer.alloc(FRAME_BYTES - 112, 'x'));
		await expectSame(join(machine.work, 'exact'));
	});

	it('is the same for what Nix has built', async () => {
		const path = await buildOne(machine, awkwardFiles(`nar-${nix}`));
		const dumped = await machine.exec(['nix-store', '--dump', path]);
		expect((await nar(join(machine.storeFolder, path.slice('/nix/store/'.length)))).equals(dumped.bytes)).toBe(true);
	});

	it('ends where Nix ends: one level deeper is refused', async () => {
		const deep = join(machine.work, 'too-deep');
		await machine.run(['mkdir', '-p', join(deep, ...Array.from({ length: 64 }, () => 'd'))]);
		await expect(nar(deep)).rejects.toMatchObject({ code: 'path-corrupt' });
		// Limited since 2.31.5 and 2.34.8.
		expect((await machine.exec(['nix-store', '--dump', deep])).code).toBe(nix === '2.34' ? 1 : 0);
	});
});
