import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
	checkPackHeader,
	checkPackTrailer,
	HEADER_BYTES,
	PACK_HEADER,
	packTrailer,
	TRAILER_BYTES,
} from '../../../../src/backends/actions-cache/format/pack.ts';
import { isCacheError } from '../../../../src/errors.ts';

const formatError = (text: RegExp) => expect.objectContaining({ code: 'format-invalid', message: expect.stringMatching(text) });

describe('the header of a pack', () => {
	test('is 16 bytes, these', () => {
		expect(Buffer.from(PACK_HEADER).toString('hex')).toBe('4e495843 5041434b 01000000 00000000'.replaceAll(' ', ''));
		expect(PACK_HEADER).toHaveLength(HEADER_BYTES);
		checkPackHeader(PACK_HEADER);
		checkPackHeader(Buffer.concat([PACK_HEADER, Buffer.from('frames')]));
	});

	test.each([
		['cut off', PACK_HEADER.subarray(0, 15), /it has 15 bytes/],
		['empty', new Uint8Array(), /it has 0 bytes/],
		['of something else', Buffer.from('<!DOCTYPE html><html>'), /does not begin as one/],
		['of a newer version', Buffer.from(PACK_HEADER).fill(2, 8, 9), /is of version 2/],
		['with unknown flags', Buffer.from(PACK_HEADER).fill(1, 12, 13), /flags \(1\)/],
	])('that is %s is refused', (_, bytes, text) => {
		expect(() => checkPackHeader(bytes)).toThrow(formatError(text));
	});
});

describe('the trailer of a pack', () => {
	const trailer = Buffer.from(packTrailer({ sizeBytes: 0x1_0000_0010, frames: 3 }));
	const sizeBytes = 0x1_0000_0010 + TRAILER_BYTES;

	test('is 24 bytes, these, and says how many frames there are', () => {
		expect(trailer.toString('hex')).toBe('03000000 01000000 1000000001000000 4b43415043 58494e'.replaceAll(' ', ''));
		expect(trailer).toHaveLength(TRAILER_BYTES);
		expect(checkPackTrailer(trailer, sizeBytes)).toBe(3);
		expect(checkPackTrailer(Buffer.concat([Buffer.from('the last frame'), trailer]), sizeBytes)).toBe(3);
	});

	test.each([
		['cut off', trailer.subarray(0, 23), sizeBytes, /it has 23 bytes/],
		['those of a pack that was cut off', Buffer.alloc(24, 1), sizeBytes, /was cut off/],
		['of a newer version', Buffer.from(trailer).fill(9, 4, 5), sizeBytes, /of version 9/],
		['of a pack of another size', trailer, sizeBytes - 1, /says that it has 4294967312 bytes/],
	])('that is %s is refused', (_, bytes, size, text) => {
		expect(() => checkPackTrailer(bytes, size)).toThrow(formatError(text));
	});

	test('of any bytes gives a number or a named error', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 60 }), fc.maxSafeNat(), (bytes, size) => {
				try {
					expect(checkPackTrailer(bytes, size)).toBeTypeOf('number');
				} catch (error) {
					expect(isCacheError(error, 'format-invalid')).toBe(true);
				}
			}),
		);
	});
});
