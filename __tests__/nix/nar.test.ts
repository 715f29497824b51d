import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCacheError } from '../../src/errors.ts';
import {
	DIRECTORY_END,
	DIRECTORY_START,
	ENTRY_END,
	encodeSize,
	encodeString,
	entryStart,
	NAR_MAGIC,
	padding,
	regularEnd,
	regularStart,
	symlinkNode,
} from '../../src/nix/nar.ts';
import { NAR_LIMITS, type NarEvent, type NarLimits, readNar } from '../../src/nix/read-nar.ts';
import { goldenBytes, goldenNames } from './golden.ts';
import { invalidMessage } from './hostile.ts';
import { TREES, type Tree } from './trees.ts';

function sorted(tree: Tree & { readonly kind: 'directory' }): readonly (readonly [name: Buffer, tree: Tree])[] {
	return [...tree.entries].sort(([a], [b]) => Buffer.compare(a, b));
}

function writeNode(tree: Tree): readonly Uint8Array[] {
	switch (tree.kind) {
		case 'file': {
			const sizeBytes = tree.contents.length;
			return [regularStart((tree.mode & 0o100) !== 0, sizeBytes), tree.contents, regularEnd(sizeBytes)];
		}
		case 'symlink':
			return [symlinkNode(tree.target)];
		case 'directory':
			return [
				DIRECTORY_START,
				...sorted(tree).flatMap(([name, child]) => [entryStart(name), ...writeNode(child), ENTRY_END]),
				DIRECTORY_END,
			];
	}
}

function write(tree: Tree): Buffer {
	return Buffer.concat([NAR_MAGIC, ...writeNode(tree)]);
}

async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array, void, void> {
	for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** All events; contents joined, as how they are cut is not promised. */
async function read(bytes: Uint8Array, chunkBytes = 64, limits: NarLimits = NAR_LIMITS): Promise<readonly unknown[]> {
	const events: unknown[] = [];
	let parts: Buffer[] = [];
	const flush = (): void => {
		if (parts.length > 0) events.push({ kind: 'contents', bytes: Buffer.concat(parts) });
		parts = [];
	};
	for await (const event of readNar(inChunks(bytes, chunkBytes), limits)) {
		if (event.kind === 'contents') {
			parts.push(Buffer.from(event.bytes));
		} else {
			flush();
			events.push(event);
		}
	}
	flush();
	return events;
}

function expected(tree: Tree, name: Buffer | null = null): readonly NarEvent[] {
	switch (tree.kind) {
		case 'file': {
			const start = { kind: 'regular', name, executable: (tree.mode & 0o100) !== 0, sizeBytes: tree.contents.length } as const;
			return tree.contents.length === 0 ? [start] : [start, { kind: 'contents', bytes: tree.contents }];
		}
		case 'symlink':
			return [{ kind: 'symlink', name, target: tree.target }];
		case 'directory':
			return [
				{ kind: 'directory', name },
				...sorted(tree).flatMap(([childName, child]) => expected(child, childName)),
				{ kind: 'directory-end' },
			];
	}
}

async function problem(bytes: Uint8Array, limits: NarLimits = NAR_LIMITS, chunkBytes = 64): Promise<string> {
	try {
		await read(bytes, chunkBytes, limits);
	} catch (error) {
		if (isCacheError(error, 'format-invalid')) return error.message;
		throw error;
	}
	return 'none';
}

/** An archive whose strings are these; a number stands for a bare length. */
function archive(...parts: readonly (string | number | Uint8Array)[]): Buffer {
	return Buffer.concat(
		['nix-archive-1', ...parts].map((part) =>
			typeof part === 'number' ? encodeSize(part) : typeof part === 'string' ? encodeString(Buffer.from(part)) : part,
		),
	);
}

const empty = ['(', 'type', 'regular', 'contents', '', ')'];

function entry(name: string): readonly string[] {
	return ['entry', '(', 'name', name, 'node', ...empty, ')'];
}

function folder(...names: readonly string[]): Buffer {
	return archive('(', 'type', 'directory', ...names.flatMap(entry), ')');
}

const trees = Object.entries(TREES);

describe('NAR', () => {
	it('golden data is there for every tree', () => {
		expect(goldenNames('nar')).toEqual(trees.map(([name]) => `${name}.nar`).sort());
	});

	it.each(trees)('of %s is written as `nix-store --dump` does', (name, tree) => {
		expect(write(tree).equals(goldenBytes(`nar/${name}.nar`))).toBe(true);
	});

	it.each(trees)('of %s is read, however it comes in', async (name, tree) => {
		const bytes = goldenBytes(`nar/${name}.nar`);
		for (const chunkBytes of [1, 7, 8, 4096, bytes.length]) expect(await read(bytes, chunkBytes)).toEqual(expected(tree));
	});
});

const fileName = fc
	.uint8Array({ minLength: 1, maxLength: 12 })
	.map((bytes) => Buffer.from(bytes))
	.filter((name) => !name.includes(0) && !name.includes(0x2f) && !['.', '..'].includes(name.toString('latin1')));

const anyTree = fc.letrec<{ node: Tree }>((tie) => ({
	node: fc.oneof(
		{ maxDepth: 4, depthSize: 'small' },
		fc.record({
			kind: fc.constant('file' as const),
			mode: fc.constantFrom(0o644, 0o755),
			contents: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
		}),
		fc.record({ kind: fc.constant('symlink' as const), target: fileName }),
		fc.record({
			kind: fc.constant('directory' as const),
			entries: fc.uniqueArray(fc.tuple(fileName, tie('node')), { maxLength: 4, selector: ([name]) => name.toString('latin1') }),
		}),
	),
})).node;

describe('the NAR reader', () => {
	it('gives back any tree that was written', async () => {
		await fc.assert(
			fc.asyncProperty(anyTree, fc.integer({ min: 1, max: 100 }), async (tree, chunkBytes) => {
				expect(await read(write(tree), chunkBytes)).toEqual(expected(tree));
			}),
		);
	});

	it('refuses every archive that is cut off, wherever', async () => {
		const bytes = goldenBytes('nar/nested.nar');
		for (let length = 0; length < bytes.length; length += 1) {
			expect(await problem(bytes.subarray(0, length), NAR_LIMITS, bytes.length)).toContain(
				`at byte ${length}: it ends too early`,
			);
		}
	});

	it('fails for nothing but the format when bytes are changed, and never gives names that lead elsewhere', async () => {
		const bytes = goldenBytes('nar/nested.nar');
		const change = fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 0, max: 255 }));
		await fc.assert(
			fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
				const changed = Buffer.from(bytes);
				for (const [at, value] of changes) changed[at] = value;
				try {
					for await (const event of readNar(inChunks(changed, 50))) {
						if (event.kind === 'directory-end' || event.kind === 'contents') continue;
						expect(event.name === null || (event.name.length > 0 && !event.name.includes('/'))).toBe(true);
					}
				} catch (error) {
					if (!isCacheError(error, 'format-invalid')) throw error;
				}
			}),
			{ numRuns: 400 },
		);
	});

	it('fails for nothing but the format on random bytes', async () => {
		await fc.assert(
			fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, afterMagic) => {
				expect(await problem(afterMagic ? Buffer.concat([NAR_MAGIC, bytes]) : bytes)).toContain('The NAR is not valid at byte');
			}),
		);
	});

	const bad: readonly (readonly [what: string, bytes: Buffer, problem: string])[] = [
		['another magic', archive().fill('2', 20, 21), 'expected "nix-archive-1", found "nix-archive-2"'],
		['a text', Buffer.from('<!DOCTYPE html><html></html>'), 'a length is beyond 2^53'],
		['an unknown type', archive('(', 'type', 'fifo', ')'), '"fifo" is no type of file'],
		['a file without contents', archive('(', 'type', 'regular', ')'), 'expected "contents", found ")"'],
		['an executable that is something', archive('(', 'type', 'regular', 'executable', 'x'), 'expected "", found "x"'],
		['an executable twice', archive('(', 'type', 'regular', 'executable', '', 'executable', ''), 'expected "contents"'],
		['names in disorder', folder('b', 'a'), 'the name "a" is not after "b"'],
		['names in the order of UTF-16', folder('\u{1f600}', '\uffee'), 'is not after'],
		['a name twice', folder('a', 'a'), 'the name "a" is not after "a"'],
		['an empty name', folder(''), 'a name is empty'],
		['the name .', folder('.'), 'an entry has the name "."'],
		['the name ..', folder('..'), 'an entry has the name ".."'],
		['a name with a slash', folder('../../etc/passwd'), 'has a slash or NUL'],
		['a name with NUL', folder('a\0b'), 'has a slash or NUL'],
		['a name of 256 bytes', folder('n'.repeat(256)), 'a name has 256 bytes, more than 255'],
		[
			'a name of 8 EiB',
			archive('(', 'type', 'directory', 'entry', '(', 'name', Buffer.alloc(8, 0x7f)),
			'a length is beyond 2^53',
		],
		[
			'a name of 2^53 - 1 bytes',
			archive('(', 'type', 'directory', 'entry', '(', 'name', Number.MAX_SAFE_INTEGER),
			'more than 255',
		],
		['a token of 33 bytes', archive('('.repeat(33)), 'a token has 33 bytes, more than 32'],
		['an entry without node', archive('(', 'type', 'directory', 'entry', '(', 'name', 'a', ')'), 'expected "node"'],
		[
			'an entry that is not closed',
			archive('(', 'type', 'directory', 'entry', '(', 'name', 'a', 'node', ...empty, 'entry'),
			'expected ")"',
		],
		['something else in a directory', archive('(', 'type', 'directory', 'name'), 'expected "entry" or ")"'],
		[
			'a target of 4096 bytes',
			archive('(', 'type', 'symlink', 'target', 't'.repeat(4096), ')'),
			'has 4096 bytes, more than 4095',
		],
		['a target with NUL', archive('(', 'type', 'symlink', 'target', 'a\0b', ')'), 'has a NUL'],
		['padding after a token', archive().fill(1, 21, 22), 'padding is not zero'],
		[
			'padding after contents',
			archive('(', 'type', 'regular', 'contents', 1, Buffer.from('a\0\0\0\0\0\0b')),
			'padding is not zero',
		],
		[
			'contents beyond 2^53',
			archive('(', 'type', 'regular', 'contents', Buffer.from('0000000000002000', 'hex')),
			'a length is beyond 2^53',
		],
		['contents that are missing', archive('(', 'type', 'regular', 'contents', 5), 'it ends too early'],
		['bytes behind it', Buffer.concat([folder(), Buffer.from([0])]), 'bytes follow the archive'],
		['nothing', Buffer.alloc(0), 'at byte 0: it ends too early'],
	];

	it.each(bad)('refuses %s', async (_what, bytes, message) => {
		for (const chunkBytes of [1, 1000]) expect(await problem(bytes, NAR_LIMITS, chunkBytes)).toContain(message);
	});

	it('ignores bytes behind the archive when told to, as Nix does, and leaves them unread', async () => {
		let taken = 0;
		async function* endless(): AsyncGenerator<Uint8Array, void, void> {
			for (; ; taken++) yield taken === 0 ? folder() : Buffer.alloc(1024);
		}
		const events: NarEvent[] = [];
		for await (const event of readNar(endless(), { ...NAR_LIMITS, trailingBytes: 'ignore' })) events.push(event);
		expect(events).toEqual([{ kind: 'directory', name: null }, { kind: 'directory-end' }]);
		expect(taken).toBe(0);
	});

	it('reads 63 levels of directories and refuses 64, without a call stack', async () => {
		const deep = (levels: number): Buffer => {
			const down = Buffer.concat([DIRECTORY_START, entryStart(Buffer.from('d'))]);
			const up = Buffer.concat([ENTRY_END, DIRECTORY_END]);
			const bottom = Buffer.concat([regularStart(false, 0), regularEnd(0)]);
			return Buffer.concat([NAR_MAGIC, Buffer.alloc(levels * down.length, down), bottom, Buffer.alloc(levels * up.length, up)]);
		};
		expect(await problem(deep(63))).toBe('none');
		expect(await problem(deep(64))).toContain('directories are nested deeper than 64');
		const limits = { ...NAR_LIMITS, maxDepth: Number.POSITIVE_INFINITY };
		expect(await read(deep(20_000), 65_536, limits)).toHaveLength(40_001);
	});

	it('accepts the largest name and target', async () => {
		expect(await problem(folder('n'.repeat(255)))).toBe('none');
		expect(await problem(archive('(', 'type', 'symlink', 'target', 't'.repeat(4095), ')'))).toBe('none');
	});

	it('hands contents on as they come, so a file of 2^53 - 1 bytes costs no memory', async () => {
		let sent = 0;
		async function* huge(): AsyncGenerator<Uint8Array, void, void> {
			yield archive('(', 'type', 'regular', 'contents', Number.MAX_SAFE_INTEGER);
			const chunk = Buffer.alloc(65_536);
			for (; ; sent++) yield chunk;
		}
		let received = 0;
		for await (const event of readNar(huge())) {
			if (event.kind === 'contents') received++;
			expect(received === sent || received === sent + 1).toBe(true);
			if (received === 100) break;
		}
		expect(received).toBe(100);
	});

	it('does not keep chunks alive through the names that it gives', async () => {
		for await (const event of readNar(inChunks(folder('a', 'b'), 4096))) {
			if (event.kind === 'regular') expect(event.name?.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
		}
	});

	it('closes its input when it ends, when it fails and when it is left early', async () => {
		let closed = 0;
		async function* input(bytes: Buffer): AsyncGenerator<Uint8Array, void, void> {
			try {
				yield* inChunks(bytes, 8);
			} finally {
				closed++;
			}
		}
		for await (const _event of readNar(input(folder('a'))));
		expect(closed).toBe(1);
		await expect(readNar(input(archive('garbage'))).next()).rejects.toThrow('expected "("');
		expect(closed).toBe(2);
		for await (const _event of readNar(input(folder('a')))) break;
		expect(closed).toBe(3);
	});

	it('lets errors of its input through as they are', async () => {
		const broken = new Error('connection lost');
		async function* input(): AsyncGenerator<Uint8Array, void, void> {
			yield NAR_MAGIC;
			throw broken;
		}
		await expect(readNar(input()).next()).rejects.toBe(broken);
	});
});

describe("the NAR writer's pieces", () => {
	it.each([
		[0, '0000000000000000'],
		[1, '0100000000000000'],
		[2 ** 32 - 1, 'ffffffff00000000'],
		[2 ** 32, '0000000001000000'],
		[5 * 2 ** 30 + 3, '0300004001000000'],
		[Number.MAX_SAFE_INTEGER, 'ffffffffffff1f00'],
	])('have %d as 64 bits', (size, hex) => {
		expect(Buffer.from(encodeSize(size)).toString('hex')).toBe(hex);
	});

	it.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('refuse %d as a size', (size) => {
		expect(invalidMessage(() => encodeSize(size))).toContain('is not a size that fits into a NAR');
	});

	it('fill up to multiples of 8', () => {
		expect([0, 1, 7, 8, 9, 2 ** 40 + 5].map((size) => padding(size).length)).toEqual([0, 7, 1, 0, 7, 3]);
		for (let size = 0; size < 20; size++) expect((size + regularEnd(size).length) % 8).toBe(0);
	});
});
