import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distanceOf, nearest } from '../../src/cli/nearest.ts';

describe('what was probably meant', () => {
	const names = ['push', 'serve', 'doctor', 'keygen', 'ls', 'gc', 'completion'];
	it.each([
		['psuh', 'push'],
		['PUSH', 'push'],
		['docter', 'doctor'],
		['comp', 'completion'],
		['sl', 'ls'],
		['install', null],
		['', null],
		['x', null],
	])('by %j is %j', (word, meant) => {
		expect(nearest(word, names)).toBe(meant);
	});

	it('is measured as a distance: none to itself, the same both ways, and never more than the longer word', () => {
		fc.assert(
			fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
				expect(distanceOf(a, a)).toBe(0);
				expect(distanceOf(a, b)).toBe(distanceOf(b, a));
				expect(distanceOf(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
				expect(distanceOf(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
			}),
		);
	});
});
