import { createHash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { CHUNK, PREFIX, PREFIX_BYTES } from '../../../../src/backends/actions-cache/format/index-layout.ts';
import { decodeIndex } from '../../../../src/backends/actions-cache/format/index-reader.ts';
import { encodeIndex, indexEncoder } from '../../../../src/backends/actions-cache/format/index-writer.ts';
import { indexOf } from '../../../../src/backends/actions-cache/format/merge.ts';
import type { StoredPath, StoreIndex } from '../../../../src/backends/actions-cache/format/model.ts';
import { isCacheError } from '../../../../src/errors.ts';
import { hashPartOf } from '../../../../src/nix/store-path.ts';
import {
	anyPaths,
	contentOf,
	contentOfChunk,
	HEADER,
	indexOfPaths,
	madeChunks,
	madePath,
	madeStored,
	STORE_DIR,
} from './made-index.ts';

function decode(bytes: Uint8Array): StoreIndex {
	return decodeIndex(bytes, { storeDir: STORE_DIR }).index;
}

/** An index around a changed body, with a checksum that is right. */
function withBody(bytes: Buffer, change: (body: Buffer) => Buffer): Buffer {
	const body = change(zstdDecompressSync(bytes.subarray(PREFIX_BYTES)));
	const prefix = Buffer.from(bytes.subarray(0, PREFIX_BYTES));
	prefix.writeBigUInt64LE(BigInt(body.length), PREFIX.bodyBytes);
	prefix.set(createHash('sha256').update(body).digest(), PREFIX.sha256);
	return Buffer.concat([prefix, zstdCompressSync(body)]);
}

/** Changes the head, whatever its length becomes. */
function withHead(bytes: Buffer, change: (text: string) => string): Buffer {
	return withBody(bytes, (body) => {
		const end = 4 + body.readUInt32LE(0);
		const head = Buffer.from(change(body.toString('utf8', 4, end)));
		const size = Buffer.alloc(4);
		size.writeUInt32LE(head.length);
		return Buffer.concat([size, head, body.subarray(end)]);
	});
}

/** Changes text of the records, of the same length. */
function withText(bytes: Buffer, from: string, to: string): Buffer {
	expect(to).toHaveLength(from.length);
	return withBody(bytes, (body) => {
		const at = body.lastIndexOf(from);
		expect(at).toBeGreaterThan(0);
		body.write(to, at, 'latin1');
		return body;
	});
}

/** Reads everything there is. */
function visit(index: StoreIndex): void {
	for (const { chunks } of index.paths()) for (const chunk of chunks) expect(index.chunk(chunk.id)).not.toBeNull();
	for (const hashPart of index.hashParts()) index.path(hashPart);
}

const formatError = (text: RegExp) => expect.objectContaining({ code: 'format-invalid', message: expect.stringMatching(text) });

const [a, b, c] = madeChunks('one', [100, 2000, 30]);
if (a === undefined || b === undefined || c === undefined) throw new Error('three chunks were made');
const tiny = indexOfPaths([madeStored('app', [a, b, a], ['app', 'lib', 'elsewhere']), madeStored('lib', [c, b])]);
const tinyBytes = encodeIndex(HEADER, tiny);
const tinyChunks = 3;
const chunkTableAt = (body: Buffer) => 4 + body.readUInt32LE(0);

describe('an index', () => {
	test('comes back as it was written', () => {
		fc.assert(
			fc.property(anyPaths, (paths) => {
				const written = indexOfPaths(paths);
				const { header, index } = decodeIndex(encodeIndex(HEADER, written), { storeDir: STORE_DIR });
				expect(header).toEqual(HEADER);
				expect(contentOf(index)).toEqual(contentOf(written));
				expect(index.pathCount).toBe(paths.length);
				expect(new Set(index.hashParts())).toEqual(new Set(paths.map(({ info }) => hashPartOf(info.path))));
				expect(new Set(index.packs.map(({ key }) => key))).toEqual(new Set(written.packs.map(({ key }) => key)));
				for (const { chunks } of paths) {
					for (const chunk of chunks) expect(contentOfChunk(index.chunk(chunk.id) ?? chunk)).toEqual(contentOfChunk(chunk));
				}
				expect(index.path('0'.repeat(32))).toBeNull();
				expect(index.path('short')).toBeNull();
				expect(index.chunk(new Uint8Array(32))).toBeNull();
				expect(index.chunk(new Uint8Array(3))).toBeNull();
			}),
		);
	});

	test('has the same bytes whatever the order of its paths, and under each number what that alone would give', () => {
		fc.assert(
			fc.property(anyPaths, (paths) => {
				const encode = indexEncoder(indexOfPaths(paths));
				const next = { ...HEADER, slot: 8, openSlots: [7] };
				expect(encode(HEADER).equals(encodeIndex(HEADER, indexOfPaths(paths)))).toBe(true);
				expect(encode(next).equals(encodeIndex(next, indexOfPaths(paths)))).toBe(true);
				const turned = decode(encodeIndex(HEADER, indexOfPaths(paths.toReversed())));
				expect(contentOf(turned)).toEqual(contentOf(decode(encode(HEADER))));
			}),
		);
	});

	test('without paths is one too', () => {
		const index = decode(encodeIndex(HEADER, indexOf(STORE_DIR, { packs: [], paths: [] })));
		expect([index.pathCount, index.packs, [...index.paths()]]).toEqual([0, [], []]);
	});

	test('has this body, byte for byte: a change of the format needs a new version number', () => {
		const body = zstdDecompressSync(tinyBytes.subarray(PREFIX_BYTES));
		expect(tinyBytes.subarray(0, 24).toString('hex')).toMatchInlineSnapshot(`"4e495843494e445801000000000000005403000000000000"`);
		expect(body.toString('hex').replaceAll(/.{128}/g, '$&\n')).toMatchInlineSnapshot(`
			"e20000007b22736c6f74223a372c226f70656e536c6f7473223a5b352c335d2c22637265617465644174223a313739303030303030302c22777269746572223a
			2263692f6275696c642f30222c2273746f7265446972223a222f6e69782f73746f7265222c227061636b73223a5b7b226b6579223a226e6361312d702d373639
			32633361643335343062623830336330323062336165653636636438383837313233323334222c2273697a654279746573223a323137302c2263726561746564
			4174223a313739303030303030307d5d2c226368756e6b73223a332c227061746873223a327da16fbedb291b7303d5e0be4a9559f33e9d24221a0a086cad4367
			a03f8d821da800000000740000000000000070170000d0070000be8af69ec978e3362b2bdb1bc2ab7099ebfb30a69e7b7b1098d5123ac1912eeffca0627e138b
			d3f24d5fa40baa1846630000000044080000000000005a0000001e000000771ac72a2020c3b60562a113c5fcec1cfa9c90df89f4b9247ce1fd4574eb5f589409
			be98cfd482d4a43581cf94caefdd0000000010000000000000002c01000064000000fa740bb2f92533ee306aec844e2500d0363871666d33616176326a69316d
			616c6269686c6e6973376d76666377776d3100000000c70000007631333779383177787834347a78386e6c6e31623478686a373562733764626ec70000008b00
			00007b226e616d65223a22617070222c226e617248617368223a2238373237656336333734373466653065356264356564643863353635646361303263356330
			333231643234656330396363616434353931643737383435373536222c226e617253697a65223a363630302c2272656673223a5b302c22623336727063666832
			62776e31397332387937626862706e78307a37633676762d656c73657768657265222c315d2c2275736564223a313739303030303030302c226368756e6b7322
			3a5b322c302c325d7d7b226e616d65223a226c6962222c226e617248617368223a22343234356661383461366632623161353338303666326664396536383464
			38303030633339636433643039666139656562336532383532346539306562353731222c226e617253697a65223a363039302c2275736564223a313739303030
			303030302c226368756e6b73223a5b312c305d7d"
		`);
	});

	test('says who wrote it in one short line', () => {
		const { header } = decodeIndex(encodeIndex({ ...HEADER, writer: `a\nb\u001b[1m${'x'.repeat(5000)}` }, tiny), {
			storeDir: STORE_DIR,
		});
		expect(header.writer).toBe(`a b [1m${'x'.repeat(993)}`);
	});
});

describe('bytes that are no index are refused, with what is wrong:', () => {
	const changed = (at: number, value: number) => Buffer.from(tinyBytes).fill(value, at, at + 1);
	const inChunk = (at: number, write: (body: Buffer, at: number) => void) =>
		withBody(tinyBytes, (body) => {
			write(body, chunkTableAt(body) + at);
			return body;
		});
	test.each([
		['nothing', Buffer.alloc(0), /does not begin as one/],
		['a web page', Buffer.from('<!DOCTYPE html>'.repeat(9)), /does not begin as one/],
		['a newer version', changed(PREFIX.version, 2), /is of version 2/],
		['unknown flags', changed(PREFIX.flags, 4), /flags \(4\)/],
		['a size of 2^60', changed(PREFIX.bodyBytes + 7, 0x10), /unpacked/],
		['a size just under the limit', changed(PREFIX.bodyBytes + 3, 0x1f), /shorter than it says/],
		['a size that is too small', changed(PREFIX.bodyBytes + 1, 0), /can not be unpacked/],
		['a wrong checksum', changed(PREFIX.sha256, tinyBytes.readUInt8(PREFIX.sha256) ^ 1), /checksum is wrong/],
		['one that was cut off', tinyBytes.subarray(0, -20), /cut off/],
		['another store', withHead(tinyBytes, (head) => head.replace('/nix/store', '/gnu/store')), /stores in \/gnu\/store/],
		['no JSON', withHead(tinyBytes, () => '{'), /head is not JSON/],
		['a list for a head', withHead(tinyBytes, () => '[]'), /head is not an object/],
		['2^60 chunks', withHead(tinyBytes, (head) => head.replace(/"chunks":3/, `"chunks":${2 ** 52}`)), /chunk table is longer/],
		['2^60 paths', withHead(tinyBytes, (head) => head.replace(/"paths":2/, '"paths":1e15')), /path table is longer/],
		['a negative count', withHead(tinyBytes, (head) => head.replace(/"paths":2/, '"paths":-2')), /`paths` of a head/],
		['half a path', withHead(tinyBytes, (head) => head.replace(/"paths":2/, '"paths":1.5')), /`paths` of a head/],
		['number 0', withHead(tinyBytes, (head) => head.replace('"slot":7', '"slot":0')), /`slot` of a head/],
		['an open number after its own', withHead(tinyBytes, (head) => head.replace('[5,3]', '[5,9]')), /`openSlots` of a head/],
		['a pack with another kind of key', withHead(tinyBytes, (head) => head.replace('nca1-p-', 'nca1-i-')), /`key` of a pack/],
		['a pack twice', withHead(tinyBytes, (head) => head.replace(/"packs":\[(.*?)\]/, '"packs":[$1,$1]')), /`packs` of a head/],
		[
			'a pack of 3 bytes',
			withHead(tinyBytes, (head) => head.replace(/"sizeBytes":\d+/, '"sizeBytes":3')),
			/`sizeBytes` of a pack/,
		],
		['a head of 4 GiB', withBody(tinyBytes, (body) => body.fill(255, 0, 4)), /head is longer/],
		['a chunk in no pack', inChunk(CHUNK.pack, (body, at) => body.writeUInt32LE(1, at)), /chunk 0 lies outside/],
		['a chunk at 2^60', inChunk(CHUNK.offset, (body, at) => body.writeBigUInt64LE(2n ** 60n, at)), /chunk 0 lies outside/],
		['a chunk in the header', inChunk(CHUNK.offset, (body, at) => body.writeBigUInt64LE(15n, at)), /chunk 0 lies outside/],
		['a frame into the trailer', inChunk(CHUNK.frameBytes, (body, at) => body.writeUInt32LE(2131, at)), /chunk 0 lies outside/],
		['an empty frame', inChunk(CHUNK.frameBytes, (body, at) => body.writeUInt32LE(0, at)), /chunk 0 lies outside/],
		['frames over each other', inChunk(CHUNK.offset, (body, at) => body.writeBigUInt64LE(50n, at)), /overlap|outside/],
		['chunks out of order', inChunk(CHUNK.id, (body, at) => body.fill(255, at, at + 32)), /chunks are not in order/],
		[
			'paths out of order',
			inChunk(CHUNK.bytes * tinyChunks, (body, at) => body.fill('z', at, at + 32)),
			/paths are not in order/,
		],
		[
			'a record outside',
			inChunk(CHUNK.bytes * tinyChunks + 32, (body, at) => body.writeUInt32LE(2 ** 31, at)),
			/record of its path 0/,
		],
	])('%s', (_, bytes, text) => {
		expect(() => decode(bytes)).toThrow(formatError(text));
	});

	test('frames over each other, wherever they lie, and no others', () => {
		const frames = [10, 20, 30, 40];
		const bytes = encodeIndex(
			HEADER,
			indexOfPaths([madeStored('app', [...madeChunks('one', frames, 300), ...madeChunks('two', frames, 300)])]),
		);
		const offsets = fc.array(fc.integer({ min: 16, max: 376 }), { minLength: 8, maxLength: 8 });
		const decoded = (changed: readonly number[]) => {
			const rows: { readonly pack: number; readonly start: number; readonly end: number }[] = [];
			const moved = withBody(bytes, (body) => {
				const table = chunkTableAt(body);
				for (const [line, start] of changed.entries()) {
					const at = table + line * CHUNK.bytes;
					body.writeBigUInt64LE(BigInt(start), at + CHUNK.offset);
					const end = start + body.readUInt32LE(at + CHUNK.frameBytes);
					rows.push({ pack: body.readUInt32LE(at + CHUNK.pack), start, end });
				}
				return body;
			});
			const overlap = rows.some((a) => rows.some((b) => a !== b && a.pack === b.pack && a.start < b.end && b.start < a.end));
			return { moved, overlap };
		};
		let refused = 0;
		fc.assert(
			fc.property(offsets, (changed) => {
				const { moved, overlap } = decoded(changed);
				if (overlap) refused++;
				if (overlap) expect(() => decode(moved)).toThrow(formatError(/overlap/));
				else expect(() => decode(moved)).not.toThrow();
			}),
			{ numRuns: 500 },
		);
		expect(refused).toBeGreaterThan(50);
		expect(refused).toBeLessThan(500);
	});

	test('after a look at each line of its tables a few times, and not as often as sorting them takes', () => {
		const chunks = madeChunks('many', new Array<number>(4096).fill(10));
		const bytes = encodeIndex(HEADER, indexOfPaths([madeStored('app', chunks)]));
		const looks = vi.spyOn(Buffer.prototype, 'readUInt32LE');
		try {
			decode(bytes);
			expect(looks.mock.calls.length / chunks.length).toBeLessThan(10);
		} finally {
			looks.mockRestore();
		}
	});

	test('deep nesting and a body that unpacks to much more than it has, without taking memory for them', () => {
		const deep = withHead(tinyBytes, () => '['.repeat(4_000_000));
		expect(() => decode(deep)).toThrow(formatError(/head is not JSON/));
		const bomb = Buffer.concat([tinyBytes.subarray(0, PREFIX_BYTES), zstdCompressSync(Buffer.alloc(300 * 1024 * 1024))]);
		expect(bomb.length).toBeLessThan(100_000);
		const before = process.memoryUsage().rss;
		expect(() => decode(bomb)).toThrow(formatError(/can not be unpacked/));
		expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
	});
});

describe('one bad record', () => {
	const sig = madeStored('lib-1', [a]).info.signatures[0] ?? '';
	const app = (changes: Partial<StoredPath['info']>): StoreIndex => {
		const { info, ...rest } = madeStored('app', [a, b], ['lib']);
		return decode(encodeIndex(HEADER, indexOfPaths([{ ...rest, info: { ...info, ...changes } }, madeStored('lib', [c])])));
	};
	const at = (index: StoreIndex, name: string) => index.path(hashPartOf(madePath(name)));

	test.each<[string, Partial<StoredPath['info']>]>([
		['a NAR size that its chunks do not have', { narSizeBytes: 5 }],
		['a reference outside of the store', { references: ['/nix/store/../../etc/passwd'] }],
		['a reference that is no name', { references: [`${STORE_DIR}/x`] }],
		['a reference twice', { references: [madePath('lib'), madePath('lib')] }],
		['a deriver that is no name', { deriver: `${STORE_DIR}/../x` }],
		['a name that no path has', { path: madePath('app').replace('app', 'a/p') }],
		['a signature with a line in it', { signatures: ['key:\nStorePath: x'] }],
		['a signature that is too short', { signatures: [sig.slice(0, -8)] }],
		['a content address that is not its own', { ca: `fixed:r:sha256:${'0'.repeat(52)}` }],
		['a content address with a line in it', { ca: 'text:\nx' }],
		['a text that refers to itself', { ca: `text:sha256:${'0'.repeat(52)}`, references: [madePath('app')] }],
	])('with %s takes its path out, and no other', (_, changes) => {
		const index = app(changes);
		const paths = [...index.paths()].map(({ info }) => info.path);
		expect(at(index, 'app')).toBeNull();
		expect(paths).toEqual([madePath('lib')]);
		expect(at(index, 'lib')).not.toBeNull();
	});

	test.each([
		['a chunk that is not there', '"chunks":[', '"chunks":9'],
		['no JSON', '"chunks"', '"chunk"]'],
		['a field of another kind', '"narHash":"', '"narHash":1'],
		['a number of a reference that is not there', '"used":', '"refs":'],
	])('with %s takes its path out', (_, from, to) => {
		expect([...decode(withText(tinyBytes, from, to)).paths()].length).toBeLessThan(2);
	});

	test('of a path without chunks takes it out: no NAR is empty', () => {
		expect([...decode(encodeIndex(HEADER, indexOfPaths([madeStored('app', [])]))).paths()]).toEqual([]);
	});
});

describe('changed bytes', () => {
	const anyChange = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
	const change = (bytes: Buffer, changes: readonly (readonly [number, number])[]): Buffer => {
		for (const [at, value] of changes) bytes[at % bytes.length] = value;
		return bytes;
	};
	const readOrRefuse = (bytes: Buffer): void => {
		try {
			visit(decode(bytes));
		} catch (error) {
			if (!isCacheError(error, 'format-invalid')) throw error;
		}
	};

	test('of an index end in a named error or in an index', () => {
		fc.assert(
			fc.property(anyPaths, anyChange, fc.nat(), (paths, changes, cut) => {
				const bytes = encodeIndex(HEADER, indexOfPaths(paths));
				readOrRefuse(change(Buffer.from(bytes), changes));
				readOrRefuse(bytes.subarray(0, cut % bytes.length));
			}),
		);
	});

	test('of its body too, with a checksum that is right', () => {
		fc.assert(
			fc.property(anyPaths, anyChange, (paths, changes) => {
				readOrRefuse(withBody(encodeIndex(HEADER, indexOfPaths(paths)), (body) => change(body, changes)));
			}),
			{ numRuns: 500 },
		);
	});
});
