import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CacheInfo, formatCacheInfo, MAX_CACHE_INFO_BYTES, parseCacheInfo } from '../../src/nix/cache-info.ts';
import { goldenText } from './golden.ts';
import { invalidMessage, mutations, unlessInvalid } from './hostile.ts';

const usual = 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n';

describe('nix-cache-info', () => {
	it('as Nix writes it says the store directory alone', () => {
		expect(parseCacheInfo(goldenText('nix-cache-info'))).toEqual({
			storeDir: '/nix/store',
			wantMassQuery: false,
			priority: null,
		});
	});

	it('as cache.nixos.org serves it comes back byte for byte', () => {
		const info = { storeDir: '/nix/store', wantMassQuery: true, priority: 40 };
		expect(parseCacheInfo(usual)).toEqual(info);
		expect(formatCacheInfo(info)).toBe(usual);
	});

	it('may hold other keys, other lines and CR at line ends, and may lack its last line end', () => {
		const text = 'StoreDir: /srv/store\r\nnonsense\n\nX: y\nWantMassQuery: 0\nPriority:-5';
		expect(parseCacheInfo(text)).toEqual({ storeDir: '/srv/store', wantMassQuery: false, priority: -5 });
		expect(parseCacheInfo('')).toEqual({ storeDir: null, wantMassQuery: false, priority: null });
	});

	it.each([
		['a store directory that is not absolute', 'StoreDir: nix/store\n', '"nix/store" as StoreDir'],
		['a priority that is no number', 'Priority: high\n', '"high" as Priority'],
		['a priority that is too long', 'Priority: 1234567890\n', 'as Priority'],
		['too many bytes', 'x'.repeat(MAX_CACHE_INFO_BYTES + 1), 'too large'],
	])('is refused with %s', (_what, text, problem) => {
		expect(invalidMessage(() => parseCacheInfo(text))).toContain(problem);
	});

	it('comes back from its text', () => {
		const info: fc.Arbitrary<CacheInfo> = fc.record({
			storeDir: fc.option(fc.constantFrom('/nix/store', '/srv/my store')),
			wantMassQuery: fc.boolean(),
			priority: fc.option(fc.integer({ min: -999, max: 999 })),
		});
		fc.assert(
			fc.property(info, (value) => {
				expect(parseCacheInfo(formatCacheInfo(value))).toEqual(value);
			}),
		);
	});

	it('is refused for nothing but its format, however it is mutilated', () => {
		fc.assert(
			fc.property(mutations(usual), (text) => {
				unlessInvalid(() => parseCacheInfo(text));
			}),
		);
	});
});
