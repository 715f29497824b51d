import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
	cacheVersion,
	indexKey,
	indexPrefix,
	isPackKey,
	packKey,
	slotOfIndexKey,
} from '../../../../src/backends/actions-cache/format/keys.ts';

const anyRef = fc.string({ maxLength: 300 });

describe('keys in the Actions cache', () => {
	test('are these, for good: another spelling would lose every store', () => {
		expect(indexPrefix('refs/heads/main')).toMatchInlineSnapshot(`"nca1-i-f921bd05e68b-"`);
		expect(cacheVersion('/nix/store')).toMatchInlineSnapshot(
			`"03ceb304a143b61a397f5ee93238b98b7957765326c4cef6175adabda97b2d05"`,
		);
		expect(indexKey('refs/heads/main', 12)).toBe(`${indexPrefix('refs/heads/main')}00000012`);
		expect(packKey('0123456789'.repeat(4))).toBe('nca1-p-0123456789012345678901234567890123456789');
	});

	test('are short, in lower case and without commas, whatever the ref', () => {
		fc.assert(
			fc.property(anyRef, fc.integer({ min: 1, max: 99_999_999 }), (ref, slot) => {
				expect(indexKey(ref, slot)).toMatch(/^[a-z0-9._-]{1,512}$/);
				expect(indexKey(ref, slot).startsWith(indexPrefix(ref))).toBe(true);
			}),
		);
	});

	test('give their number back, in capitals too, for their own ref alone', () => {
		fc.assert(
			fc.property(anyRef, anyRef, fc.integer({ min: 1, max: 99_999_999 }), (ref, other, slot) => {
				expect(slotOfIndexKey(indexKey(ref, slot), ref)).toBe(slot);
				expect(slotOfIndexKey(indexKey(ref, slot).toUpperCase(), ref)).toBe(slot);
				if (other !== ref) expect(slotOfIndexKey(indexKey(ref, slot), other)).toBeNull();
			}),
		);
	});

	test.each(['00000000', '0000001', '000000001', '0000001x', ' 0000001', '00000001\n', ''])(
		'with the number %j are of no index',
		(digits) => {
			expect(slotOfIndexKey(`${indexPrefix('main')}${digits}`, 'main')).toBeNull();
		},
	);

	test('of packs are told from others', () => {
		expect(isPackKey(packKey('ab'.repeat(20)))).toBe(true);
		for (const key of [
			packKey('ab'),
			packKey('AB'.repeat(20)),
			packKey('xy'.repeat(20)),
			indexKey('main', 1),
			`${packKey('ab'.repeat(20))},`,
		])
			expect(isPackKey(key)).toBe(false);
	});
});
