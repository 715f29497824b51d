import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../src/errors.ts';
import { PROBLEM_CODES, type ProblemCode } from '../src/problem.ts';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs', 'troubleshooting.md'), 'utf8');

/** Of a code's section: what stands under its heading, which is also its anchor. */
const sections = new Map(
	page
		.split(/^#{2,3} /m)
		.slice(1)
		.map((section) => {
			const [heading = '', ...lines] = section.split('\n');
			return [heading, lines.join('\n')] as const;
		}),
);

/** All texts of the sources, with what is put in at run time as `…`, and literals that go on in another line joined. */
const said = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
	.filter((name) => name.endsWith('.ts'))
	.map((name) => readFileSync(join(root, 'src', name), 'utf8'))
	.join('\n')
	.replace(/\\([`'"])/g, '$1')
	.replace(/['`] \+\n?\s*['`]/g, '');

const codes = [...ERROR_CODES, ...PROBLEM_CODES];

/** Said where Nix is configured; the others are preflight's. */
const TOLD_BY_SETUP: readonly ProblemCode[] = ['daemon-distrusts', 'credentials-not-taken', 'netrc-unreadable'];

describe('the page for trouble', () => {
	it('has one section for each code, and none for another', () => {
		const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading);
		expect([...headings].sort()).toEqual([...codes].sort());
		expect(new Set(codes).size).toBe(codes.length);
	});

	it.each(codes)('tells of %s what people see, why, and what to do', (code) => {
		const text = sections.get(code) ?? '';
		for (const part of [/^\*\*You see\*\*\n\n```\n\S/m, /^\*\*Why\.\*\* \S/m, /^\*\*What to do\.\*\* \S/m])
			expect(text).toMatch(part);
	});

	// What preflight says is compared with the whole annotation in preflight/checks.test.ts.
	it.each([...ERROR_CODES, ...TOLD_BY_SETUP])('quotes of %s what the sources really say', (code) => {
		const shown = /```\n([\s\S]*?)\n```/.exec(sections.get(code) ?? '')?.[1] ?? '';
		const fragments = shown
			.replace(/\(E[A-Z]+\)|\b\d{3} [A-Z]\w+|nix-cache-info/g, '…')
			.split(/…|\n|(?<=[.:]) (?=[A-Z`])/)
			.map((fragment) => fragment.trim().replace(/^[^\w`]+|[`(),.:]+$/g, ''))
			.filter((fragment) => fragment.length >= 7);
		expect(fragments.length, shown).toBeGreaterThan(0);
		expect(fragments.filter((fragment) => !said.includes(fragment))).toEqual([]);
	});

	it('has no link to an anchor that is not there', () => {
		const anchors = [...sections.keys()].map((heading) => heading.toLowerCase().replaceAll(' ', '-'));
		for (const [, anchor = ''] of page.matchAll(/\]\(#([\w-]+)\)/g)) expect(anchors).toContain(anchor);
	});
});
