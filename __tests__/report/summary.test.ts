import { parse } from '@mermaid-js/parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeReport, type ReportFacts } from '../../src/report/report.ts';
import { reportSummary } from '../../src/report/summary.ts';
import { pathInfo } from '../push/graph.ts';
import { troubledJob, usualJob } from './example.ts';
import { reportFacts } from './facts.ts';
import { elementsOf, rendered, seenText, tablesOf } from './rendered.ts';

const NOTHING: ReportFacts = {
	caches: [],
	added: null,
	served: [],
	serveErrors: {},
	storePaths: 7,
	durationsMs: {},
	warnings: [],
};
const MiB = 1024 ** 2;
const html = (facts: Partial<ReportFacts>): string => rendered(reportSummary(makeReport({ ...NOTHING, ...facts })));
const hitLineOf = (added: NonNullable<ReportFacts['added']>['infos']): string | undefined =>
	/<p>(.*)<\/p>/.exec(html({ added: { infos: added, served: new Set(), forbidden: new Set() } }))?.[1];

/** The only markup of a summary: all else is text. */
const MARKUP = new Set('h3 p strong table thead tbody tr th td details summary blockquote pre code'.split(' '));

describe('the summary as GitHub shows it', () => {
	it('is tables, folded tables, charts and text, whatever the report holds', async () => {
		await fc.assert(
			fc.asyncProperty(reportFacts, async (facts) => {
				const page = html(facts);
				const elements = elementsOf(page);
				expect(elements.filter(({ name }) => !MARKUP.has(name))).toEqual([]);
				const attributes = new Set(elements.map((element) => element.attributes).filter((text) => text !== ''));
				expect([...attributes].filter((text) => !['align="right"', 'class="language-mermaid"'].includes(text))).toEqual([]);
				for (const rows of tablesOf(page)) expect(new Set(rows.map((row) => row.length)).size).toBe(1);
				for (const [, chart = ''] of page.matchAll(/<code class="language-mermaid">(.*?)<\/code>/gs)) {
					await parse('pie', seenText(chart));
				}
			}),
		);
	});

	it.each(['+', '+ one', '- one', '1. one', '12) one', '=', '# one', '> one'])(
		'shows a warning that begins like %j as it is',
		(warning) => {
			const page = html({ warnings: [warning] });
			expect(elementsOf(page).filter(({ name }) => !MARKUP.has(name))).toEqual([]);
			expect(seenText(page)).toContain(warning);
		},
	);

	it('says where the new paths came from in a line, a table and a chart', () => {
		const upstream = { ultimate: false, signatures: ['cache.nixos.org-1:AAAA'], narSizeBytes: 30 * MiB };
		const infos = [pathInfo('a', { narSizeBytes: 10 * MiB }), pathInfo('b', upstream), pathInfo('c', upstream)];
		const page = html({ added: { infos, served: new Set(), forbidden: new Set() } });
		expect(tablesOf(page)[0]).toEqual([
			['', 'paths', 'NAR size'],
			['signed by cache.nixos.org-1', '2', '60.0 MiB'],
			['built here', '1', '10.0 MiB'],
		]);
		expect(seenText(page)).toContain('2 paths came from caches and 1 was built here: 66 % from caches.');
		expect(seenText(page)).toContain('"signed by cache.nixos.org-1" : 60.0');
	});

	it('does not round up to a whole, and claims nothing where nothing was built or fetched', () => {
		const upstream = Array.from({ length: 999 }, (_, index) =>
			pathInfo(`u${index}`, { ultimate: false, signatures: ['a-1:AAAA'] }),
		);
		expect(hitLineOf([...upstream, pathInfo('built')])).toContain('99 % from caches');
		expect(hitLineOf(upstream)).toContain('100 % from caches');
		expect(hitLineOf([...upstream, pathInfo('unsigned', { ultimate: false })])).toBe(
			'999 paths came from caches and 0 were built here, and of 1 it is not known: at least 99 % from caches.',
		);
		expect(hitLineOf([pathInfo('source', { ultimate: false, ca: 'fixed:r:sha256:00' })])).toBe(
			'Nothing was built, and nothing came from a cache.',
		);
	});

	it('lists what was built also where no cache was asked why', () => {
		const infos = [pathInfo('small'), pathInfo('large', { narSizeBytes: 10 * MiB })];
		const page = html({ added: { infos, served: new Set(), forbidden: new Set() } });
		expect(page).toContain('<summary>2 built here</summary>');
		expect(tablesOf(page).at(-1)?.slice(1)).toEqual([
			['large', '10.0 MiB'],
			['small', '1000 B'],
		]);
	});

	it('is nothing but the warnings of a job in which nothing was new and no cache was there', () => {
		expect(html({}).trim()).toBe('');
		expect(seenText(html({ warnings: ['Look here.'] })).trim()).toBe('Look here.');
	});

	it('says that caches failed behind the local substituter', () => {
		expect(seenText(html({ serveErrors: { 'cache-stalled': 3 } }))).toContain(
			'failures of its caches in this job (cache-stalled 3)',
		);
	});
});

describe('the examples in docs/', () => {
	it.each([
		['summary.md', usualJob],
		['summary-with-trouble.md', troubledJob],
	])('%s is what the action writes (`vitest -u` writes it anew)', async (name, facts) => {
		await expect(reportSummary(makeReport(facts))).toMatchFileSnapshot(`../../docs/examples/${name}`);
	});
});
