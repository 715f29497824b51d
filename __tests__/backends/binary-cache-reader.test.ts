import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createBinaryCacheReader } from '../../src/backends/binary-cache-reader.ts';
import type { ObjectReader } from '../../src/backends/object-reader.ts';
import { formatNarInfo } from '../../src/nix/narinfo.ts';
import { hashPartOf } from '../../src/nix/store-path.ts';
import { never } from '../http/peers/means.ts';
import { pathOf, STORE_DIR } from './peers/paths.ts';

const { info } = pathOf('served');
const stored = { url: 'nar/x.nar.zst', compression: 'zstd', fileHash: null, fileSizeBytes: null };
const text = formatNarInfo({ ...info, storePath: info.path, ...stored });

function readerOf(files: Readonly<Record<string, string>>) {
	const opened: string[] = [];
	const reader: ObjectReader = {
		label: 'https://cache.test',
		get: async (key) => (files[key] === undefined ? null : Buffer.from(files[key])),
		open: async (key) => {
			opened.push(key);
			return { totalBytes: 1, range: { start: 0, end: 0 }, stream: Readable.from(['x']) };
		},
		close: async () => undefined,
	};
	return { opened, reader: createBinaryCacheReader(reader, STORE_DIR) };
}

describe('a binary cache for the local substituter', () => {
	it('gives the narinfo of a path, and null of what is not there', async () => {
		const { reader } = readerOf({ [`${hashPartOf(info.path)}.narinfo`]: text });
		expect(await reader.narInfo(hashPartOf(info.path), never)).toMatchObject({ storePath: info.path, url: 'nar/x.nar.zst' });
		expect(await reader.narInfo('0'.repeat(32), never)).toBeNull();
	});

	it('refuses the narinfo of another path, and one that is none', async () => {
		const { reader } = readerOf({ [`${'0'.repeat(32)}.narinfo`]: text, [`${'1'.repeat(32)}.narinfo`]: '<html>' });
		await expect(reader.narInfo('0'.repeat(32), never)).rejects.toMatchObject({ code: 'format-invalid' });
		await expect(reader.narInfo('1'.repeat(32), never)).rejects.toMatchObject({ code: 'format-invalid' });
	});

	it.each(['https://elsewhere.test/x.nar', '//elsewhere.test/x.nar', '/etc/passwd', '../other/x.nar', 'nar/../../x', 'file:x'])(
		'does not follow a narinfo to %s',
		(url) => {
			const { reader, opened } = readerOf({});
			expect(() => reader.openNar(url, null, never)).toThrow(/lies elsewhere/);
			expect(opened).toEqual([]);
		},
	);

	it('opens NARs as they are named, with a query too', async () => {
		const { reader, opened } = readerOf({});
		await reader.openNar('nar/x.nar?hash=y', null, never);
		expect(opened).toEqual(['nar/x.nar?hash=y']);
	});
});
