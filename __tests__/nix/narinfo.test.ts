import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHash } from '../../src/nix/hash.ts';
import { formatNarInfo, MAX_NARINFO_BYTES, type NarInfo, parseNarInfo } from '../../src/nix/narinfo.ts';
import { baseName, hash, references, sha256, storePath } from './arbitraries.ts';
import { goldenNames, goldenText } from './golden.ts';
import { invalidMessage, mutations, unlessInvalid } from './hostile.ts';

const options = { storeDir: '/nix/store' };

const published = ['cache.nixos.org', 'nix-copy'].flatMap((folder) =>
	goldenNames(`narinfo/${folder}`).map((name) => `narinfo/${folder}/${name}`),
);

const hello = goldenText('narinfo/cache.nixos.org/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1.narinfo');
const curl = goldenText('narinfo/cache.nixos.org/syd87l2rxw8cbsxmxl853h0r6pdwhwjr.narinfo');
const source = goldenText('narinfo/cache.nixos.org/mg5riyrz6hva7njw82gr5ghvajklkccq.narinfo');

/** `hello` with the line of one field replaced, or taken out when `line` is empty. */
function withLine(field: string, line: string): string {
	const changed = hello.replace(new RegExp(`^${field}:.*\n`, 'm'), line);
	if (changed === hello) throw new Error(`There is no ${field} to replace.`);
	return changed;
}

describe('a narinfo', () => {
	it.each(published)('%s comes back byte for byte', (name) => {
		const text = goldenText(name);
		const hashPart = /(\w{32})[^/]*$/.exec(name)?.[1];
		expect(formatNarInfo(parseNarInfo(text, { ...options, expectedHashPart: hashPart }))).toBe(text);
	});

	it('is read field by field, with full paths', () => {
		expect(parseNarInfo(curl, options)).toEqual({
			storePath: '/nix/store/syd87l2rxw8cbsxmxl853h0r6pdwhwjr-curl-7.82.0-bin',
			url: 'nar/05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56.nar.xz',
			compression: 'xz',
			fileHash: parseHash('sha256:05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56'),
			fileSizeBytes: 68852,
			narHash: parseHash('sha256:1b4sb93wp679q4zx9k1ignby1yna3z7c4c2ri3wphylbc2dwsys0'),
			narSizeBytes: 196040,
			references: [
				'/nix/store/0jqd0rlxzra1rs38rdxl43yh6rxchgc6-curl-7.82.0',
				'/nix/store/6w8g7njm4mck5dmjxws0z1xnrxvl81xa-glibc-2.34-115',
				'/nix/store/j5jxw3iy7bbz4a57fh9g2xm2gxmyal8h-zlib-1.2.12',
				'/nix/store/yxvjs9drzsphm9pcf42a4byzj1kb9m7k-openssl-1.1.1n',
			],
			deriver: '/nix/store/5rwxzi7pal3qhpsyfc16gzkh939q1np6-curl-7.82.0.drv',
			signatures: ['cache.nixos.org-1:TsTTb3WGTZKphvYdBHXwo6weVILmTytUjLB+vcX89fOjjRicCHmKA4RCPMVLkj6TMJ4GMX3HPVWRdD1hkeKZBQ=='],
			ca: null,
		});
		expect(parseNarInfo(source, options)).toMatchObject({
			references: [],
			deriver: null,
			ca: 'fixed:r:sha256:0555pg9zcr3aazyxqb6g6q8vq3lc5zz3rnqx8ga1i3bs2q04yb4q',
		});
	});

	it('may be as short as other servers make it', () => {
		const short = [
			'StorePath: /srv/store/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-hello-2.10',
			'URL: nar/x.nar',
			'NarHash: sha256:0555pg9zcr3aazyxqb6g6q8vq3lc5zz3rnqx8ga1i3bs2q04yb4q',
			'NarSize: 1',
			'',
		].join('\n');
		expect(parseNarInfo(short, { storeDir: '/srv/store' })).toEqual({
			storePath: '/srv/store/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-hello-2.10',
			url: 'nar/x.nar',
			compression: 'bzip2',
			fileHash: null,
			fileSizeBytes: null,
			narHash: parseHash('sha256:0555pg9zcr3aazyxqb6g6q8vq3lc5zz3rnqx8ga1i3bs2q04yb4q'),
			narSizeBytes: 1,
			references: [],
			deriver: null,
			signatures: [],
			ca: null,
		});
	});

	it.each([
		['an unknown field', 'Compression', 'Compression: xz\nSystem: x86_64-linux\nSystem: x86_64-linux\n', {}],
		['an empty compression', 'Compression', 'Compression: \n', { compression: 'bzip2' }],
		['a blank CA field', 'Compression', 'Compression: xz\nCA: \n', { ca: null }],
		['an unknown deriver', 'Compression', 'Compression: xz\nDeriver: unknown-deriver\n', { deriver: null }],
		['a URL elsewhere', 'URL', 'URL: https://elsewhere.example/../x?a=b\n', { url: 'https://elsewhere.example/../x?a=b' }],
		[
			'a hash in hex',
			'NarHash',
			'NarHash: sha256:982c4f00167a8d18d4431ddb3cfe2f8c0ebc1136cf2cdcfd576a64f6d3bba514\n',
			{ narHash: parseHash('sha256:0555pg9zcr3aazyxqb6g6q8vq3lc5zz3rnqx8ga1i3bs2q04yb4q') },
		],
		[
			'a hash as SRI',
			'NarHash',
			'NarHash: sha256-mCxPABZ6jRjUQx3bPP4vjA68ETbPLNz9V2pk9tO7pRQ=\n',
			{ narHash: parseHash('sha256:0555pg9zcr3aazyxqb6g6q8vq3lc5zz3rnqx8ga1i3bs2q04yb4q') },
		],
		['no signature', 'Sig', '', { signatures: [] }],
		[
			'references in disorder and twice',
			'References',
			`References: ${'1'.repeat(32)}-b  ${'0'.repeat(32)}-a ${'1'.repeat(32)}-b \n`,
			{
				references: [`/nix/store/${'0'.repeat(32)}-a`, `/nix/store/${'1'.repeat(32)}-b`],
			},
		],
	])('may have %s', (_what, field, line, expected) => {
		expect(parseNarInfo(withLine(field, line), options)).toMatchObject(expected);
	});

	it.each([
		[
			'a path outside of the store',
			'StorePath',
			'StorePath: /etc/passwd\n',
			'Line 1 of the narinfo: "/etc/passwd" is not a store path',
		],
		[
			'a path below a store path',
			'StorePath',
			'StorePath: /nix/store/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-hello-2.10/bin\n',
			'Line 1',
		],
		['no path', 'StorePath', '', 'has no StorePath'],
		['no URL', 'URL', '', 'has no URL'],
		['an empty URL', 'URL', 'URL: \n', 'Line 2 of the narinfo: "" is no URL'],
		['a URL with a blank', 'URL', 'URL: nar/a b\n', 'is no URL'],
		['a strange compression', 'Compression', 'Compression: ../x\n', 'is no name of a compression'],
		['a file hash that is none', 'FileHash', 'FileHash: sha256:abc\n', 'Line 4 of the narinfo: The digest'],
		['no NAR hash', 'NarHash', '', 'has no NarHash'],
		[
			'a NAR hash without algorithm',
			'NarHash',
			'NarHash: 0555pg9zcr3aazyxqb6g6q8vq3lc5zz3rnqx8ga1i3bs2q04yb4q\n',
			'does not say its algorithm',
		],
		['a NAR hash by another algorithm', 'NarHash', 'NarHash: md5:3y8bwfr609h3lh9ch0izcqq7fl\n', 'by md5, not by sha256'],
		['no NAR size', 'NarSize', '', 'has no NarSize'],
		['a NAR size of 0', 'NarSize', 'NarSize: 0\n', 'Line 7 of the narinfo: NarSize is 0'],
		['a negative size', 'NarSize', 'NarSize: -1\n', 'Line 7 of the narinfo: "-1" is no size'],
		['a size with a fraction', 'FileSize', 'FileSize: 1.5\n', 'is no size'],
		['a size in hex', 'FileSize', 'FileSize: 0x10\n', 'is no size'],
		['a size beyond 2^53', 'FileSize', 'FileSize: 9007199254740992\n', 'is no size'],
		['a reference by full path', 'References', 'References: /nix/store/9df65igwjmf2wbw0gbrrgair6piqjgmi-glibc-2.31\n', 'Line 8'],
		[
			'a reference that leads elsewhere',
			'References',
			'References: ../../etc\n',
			'Line 8 of the narinfo: "../../etc" is not the name',
		],
		['no blank after References', 'References', 'References:\n', 'Line 8 of the narinfo: "References:" is not `Name: value`'],
		['an empty deriver', 'Sig', 'Deriver: \n', 'Line 9'],
		['a deriver by full path', 'Sig', 'Deriver: /nix/store/5rwxzi7pal3qhpsyfc16gzkh939q1np6-curl-7.82.0.drv\n', 'Line 9'],
		['an empty signature', 'Sig', 'Sig: \n', 'is no signature'],
		['a signature without name', 'Sig', 'Sig: AAAA\n', 'is no signature'],
		['an empty line', 'Sig', '\n', 'Line 9 of the narinfo: "" is not'],
		['a line without a colon', 'Sig', 'garbage\n', '"garbage" is not'],
		['a field twice', 'Sig', 'NarSize: 205968\n', 'Line 9 of the narinfo: NarSize is there twice'],
		['two CA fields', 'Sig', 'CA: \nCA: text:sha256:x\n', 'Line 10 of the narinfo: CA is there twice'],
		['a NUL', 'Sig', 'X: \0\n', 'Line 9 of the narinfo: there is a control character'],
		['a web page', 'StorePath', '<!DOCTYPE html>\n', 'Line 1 of the narinfo: "<!DOCTYPE html>" is not `Name: value`'],
	])('is refused with %s', (_what, field, line, problem) => {
		expect(invalidMessage(() => parseNarInfo(withLine(field, line), options))).toContain(problem);
	});

	it('may be that of a path that refers to 50,000 others', () => {
		const references = Array.from({ length: 50_000 }, (_, n) => `/nix/store/${String(n).padStart(32, '0')}-some-package-1.2.3`);
		const info = { ...parseNarInfo(hello, options), references };
		expect(parseNarInfo(formatNarInfo(info), options)).toEqual(info);
	});

	it('is refused with CR and LF, without its last line end, empty, or too large', () => {
		expect(invalidMessage(() => parseNarInfo(hello.replaceAll('\n', '\r\n'), options))).toContain(
			'Line 1 of the narinfo: it ends with CR and LF',
		);
		expect(invalidMessage(() => parseNarInfo(hello.slice(0, -1), options))).toContain(
			'Line 9 of the narinfo: it does not end with a line end',
		);
		expect(invalidMessage(() => parseNarInfo('', options))).toContain('has no StorePath');
		const large = `${hello}X: ${'é'.repeat(MAX_NARINFO_BYTES / 2)}\n`;
		expect(invalidMessage(() => parseNarInfo(large, options))).toContain(`larger than ${MAX_NARINFO_BYTES} bytes`);
	});

	it('is refused when it is about another path than the one that was asked for', () => {
		const asked = { ...options, expectedHashPart: '0'.repeat(32) };
		expect(invalidMessage(() => parseNarInfo(hello, asked))).toContain(`not about a path with hash ${'0'.repeat(32)}`);
	});

	it('is refused for nothing but its format, however it is mutilated, and what is read has the shape that it should have', () => {
		fc.assert(
			fc.property(fc.constantFrom(hello, curl, source).chain(mutations), (text) => {
				const info = unlessInvalid(() => parseNarInfo(text, options));
				if (info === null) return;
				for (const path of [info.storePath, ...info.references, ...(info.deriver === null ? [] : [info.deriver])]) {
					expect(path).toMatch(/^\/nix\/store\/[0-9a-z]{32}-[^/\s]+$/);
				}
				expect(info.narSizeBytes).toBeGreaterThan(0);
				expect(parseNarInfo(formatNarInfo(info), options)).toEqual(info);
			}),
			{ numRuns: 500 },
		);
	});
});

const word = fc.string({ unit: fc.constantFrom(...'abcXYZ0189:/.?=&%+~-é'), minLength: 1, maxLength: 60 });

const narInfo: fc.Arbitrary<NarInfo> = fc.record({
	storePath,
	url: word,
	compression: fc.constantFrom('zstd', 'xz', 'none', 'bzip2'),
	fileHash: fc.option(hash),
	fileSizeBytes: fc.option(fc.maxSafeNat()),
	narHash: sha256,
	narSizeBytes: fc.maxSafeInteger().filter((size) => size > 0),
	references,
	deriver: fc.option(storePath.map((path) => `${path.slice(0, 240)}.drv`)),
	signatures: fc
		.uniqueArray(fc.base64String({ minLength: 4, maxLength: 88 }).map((base64) => `key-1:${base64}`))
		.map((all) => [...all].sort()),
	ca: fc.option(word),
});

describe('writing a narinfo', () => {
	it('is the inverse of reading one', () => {
		fc.assert(
			fc.property(narInfo, (info) => {
				expect(parseNarInfo(formatNarInfo(info), options)).toEqual(info);
			}),
		);
	});

	it('sorts references and signatures as Nix does, each once', () => {
		const info = parseNarInfo(hello, options);
		const [glibc = '', self = ''] = info.references;
		const shuffled = { ...info, references: [self, glibc, self], signatures: ['b:BBBB', 'a:AAAA', 'b:BBBB'] };
		expect(formatNarInfo(shuffled)).toContain(`References: ${glibc.slice(11)} ${self.slice(11)}\nSig: a:AAAA\nSig: b:BBBB\n`);
	});

	it('keeps the blank after References when there are none', () => {
		expect(formatNarInfo({ ...parseNarInfo(hello, options), references: [], signatures: [] })).toMatch(/\nReferences: \n$/);
	});

	it('refuses values that would begin another line', () => {
		const info = parseNarInfo(hello, options);
		expect(invalidMessage(() => formatNarInfo({ ...info, url: 'x\nSig: forged:AAAA' }))).toContain(
			"can't be the URL of a narinfo",
		);
		expect(invalidMessage(() => formatNarInfo({ ...info, signatures: ['a:AAAA\r'] }))).toContain("can't be the Sig of a narinfo");
	});

	it('writes base names for any valid path', () => {
		fc.assert(
			fc.property(baseName, (name) => {
				const info = { ...parseNarInfo(hello, options), references: [`/nix/store/${name}`] };
				expect(formatNarInfo(info)).toContain(`\nReferences: ${name}\n`);
			}),
			{ numRuns: 20 },
		);
	});
});
