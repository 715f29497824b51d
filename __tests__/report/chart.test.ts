import { parse } from '@mermaid-js/parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pie, type Slice } from '../../src/report/chart.ts';
import { text } from './facts.ts';

/** What Mermaid's own parser reads out of the chart. */
async function read(
	lines: readonly string[],
): Promise<{ title: string | undefined; sections: readonly (readonly [string, number])[] }> {
	expect(lines.slice(0, 2)).toEqual(['', '```mermaid']);
	expect(lines.at(-1)).toBe('```');
	const { title, sections } = await parse('pie', lines.slice(2, -1).join('\n'));
	return { title, sections: sections.map(({ label, value }) => [label, value]) };
}

const MiB = 1024 ** 2;

describe('the pie chart', () => {
	it('is read by Mermaid as it was meant, the largest part first', async () => {
		const slices = [
			{ label: 'built here', bytes: 100 * MiB },
			{ label: 'signed by cache.nixos.org-1', bytes: 1500 * MiB },
			{ label: 'nothing', bytes: 0 },
			{ label: 'next to nothing', bytes: 100 },
		];
		expect(await read(pie('New in the store', slices))).toEqual({
			title: 'New in the store, MiB',
			sections: [
				['signed by cache.nixos.org-1', 1500],
				['built here', 100],
			],
		});
	});

	it.each([
		[5 * MiB, 'KiB'],
		[50 * MiB, 'MiB'],
		[50 * 1024 * MiB, 'GiB'],
	])('takes the unit that suits %i bytes', async (bytes, unit) => {
		const slices = ['left', 'right'].map((label) => ({ label, bytes: bytes / 2 }));
		expect((await read(pie('Size', slices))).title).toBe(`Size, ${unit}`);
	});

	it('is left out where there is nothing to compare', () => {
		expect(pie('Size', [])).toEqual([]);
		expect(
			pie('Size', [
				{ label: 'all', bytes: MiB },
				{ label: 'nothing', bytes: 0 },
			]),
		).toEqual([]);
	});

	it('puts the small parts together, and leaves out what could not be seen', async () => {
		const large = ['a', 'b'].map((label) => ({ label, bytes: 100 * MiB }));
		const small = Array.from({ length: 4 }, (_, index) => ({ label: `small ${index}`, bytes: MiB }));
		expect((await read(pie('Size', [...large, ...small]))).sections.at(-1)).toEqual(['others', 4]);
		expect((await read(pie('Size', [...large, ...small.slice(3)]))).sections).toHaveLength(2);
	});

	it('puts what is more than eight parts together', async () => {
		const slices = Array.from({ length: 20 }, (_, index) => ({ label: `part ${index}`, bytes: (index + 1) * MiB }));
		const { sections } = await read(pie('Size', slices));
		expect(sections).toHaveLength(8);
		expect(sections.at(-1)).toEqual(['others', 91]);
	});

	it('is a pie for Mermaid whatever the parts are called, and its sum is right but for what is too small to be seen', async () => {
		const slice: fc.Arbitrary<Slice> = fc.record({ label: text, bytes: fc.integer({ min: MiB, max: 1000 * MiB }) });
		await fc.assert(
			fc.asyncProperty(fc.array(slice, { minLength: 2, maxLength: 12 }), async (slices) => {
				const lines = pie('Size', slices);
				fc.pre(lines.length > 0);
				const { title, sections } = await read(lines);
				const unit = { KiB: 1024, MiB, GiB: 1024 * MiB }[title?.split(', ')[1] ?? ''] ?? 0;
				expect(new Set(sections.map(([label]) => label)).size).toBe(sections.length);
				const total = slices.reduce((sum, { bytes }) => sum + bytes, 0);
				const shown = sections.reduce((sum, [, value]) => sum + value * unit, 0);
				expect(Math.abs(shown - total)).toBeLessThanOrEqual(slices.length * 0.05 * unit + total / 100);
			}),
		);
	});
});
