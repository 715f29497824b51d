import { describe, expect, test } from 'vitest';
import type { PathInfo } from '../../src/nix/path-info.ts';
import type { Outcome } from '../../src/push/outcome.ts';
import type { PlannedPath, Verdict } from '../../src/push/plan.ts';
import { reportLines, servedLine } from '../../src/report/lines.ts';
import { type CacheFacts, makeReport, type ReportFacts, reportJson } from '../../src/report/report.ts';
import { reportSummary } from '../../src/report/summary.ts';
import { pathInfo, storePath } from '../push/graph.ts';

const KiB = 1024;

function planned(info: PathInfo, verdict: Verdict): PlannedPath {
	return { path: info.path, info: verdict.class === 'vanished' ? null : info, isRoot: true, verdict };
}

const push: Verdict = { class: 'push', why: 'new' };

/** Facts on paths by name: what the plan says, and what came of it where it was to be pushed. */
function facts(
	paths: readonly (readonly [PathInfo | string, Verdict, Outcome?])[],
	{
		warnings = [],
		served = [],
		serveErrors = {},
		added = null,
		...more
	}: Partial<CacheFacts> & Partial<Pick<ReportFacts, 'warnings' | 'served' | 'serveErrors' | 'added'>> = {},
): ReportFacts {
	const entries = paths.map(([what, verdict, outcome]) => {
		const info = typeof what === 'string' ? pathInfo(what, { narSizeBytes: 100 * KiB }) : what;
		return { planned: planned(info, verdict), outcome };
	});
	const outcomes = new Map(entries.flatMap(({ planned: { path }, outcome }) => (outcome === undefined ? [] : [[path, outcome]])));
	const cache: CacheFacts = {
		cache: { kind: 'http', label: 'https://cache.example/nix', canPush: true, whyNot: null },
		failure: null,
		plan: {
			paths: new Map(entries.map(({ planned }) => [planned.path, planned])),
			push: entries.flatMap(({ planned: { info, verdict } }) => (info === null || verdict.class !== 'push' ? [] : [info])),
		},
		result: outcomes.size === 0 ? null : { outcomes, stoppedBy: null, elapsedMs: 1234 },
		findings: null,
		lost: new Set(),
		untrusted: new Set(),
		isRead: true,
		durationsMs: { plan: 100, push: 1200 },
		...more,
	};
	return { caches: [cache], added, served, serveErrors, storePaths: 312, durationsMs: { total: 1500 }, warnings };
}

const down = { code: 'cache-unreachable', message: 'It does not answer.', hint: 'Is it up?' } as const;

const pushed = (sentBytes: number): Outcome => ({ class: 'pushed', sentBytes });
const linesOf = (...args: Parameters<typeof facts>) => reportLines(makeReport(facts(...args)));
const summaryOf = (...args: Parameters<typeof facts>) => reportSummary(makeReport(facts(...args)));

describe('log lines', () => {
	test('nothing new is one line', () => {
		expect(linesOf([], { plan: null })).toEqual(['Nothing new to push: all 312 paths in the store were there before the job.']);
	});

	test('new paths that all can be read already are one line', () => {
		const upstream: Verdict = { class: 'signed-upstream', keyName: 'cache.nixos.org-1' };
		expect(
			linesOf([
				['a', { class: 'present' }],
				['b', upstream],
				['c', upstream],
			]),
		).toEqual(['Nothing new to push to https://cache.example/nix: 1 already there, 2 signed by an upstream.']);
	});

	test('a push that went well is one line with numbers and bytes', () => {
		expect(
			linesOf([
				['a', push, pushed(20 * KiB)],
				['b', push, pushed(0)],
				['c', { class: 'present' }],
			]),
		).toEqual(['https://cache.example/nix: 2 pushed, 1 already there; 200 KiB as 20.0 KiB in 1.2 s.']);
	});

	test('a dry run says what would be pushed', () => {
		expect(linesOf([['a', push]])).toEqual(['https://cache.example/nix: 1 to be pushed.']);
	});

	test('what went wrong has a line for each reason, however many paths have it', () => {
		const down: Outcome = { class: 'failed', code: 'cache-unreachable', message: 'The cache\ndoes not answer.' };
		const many = Array.from({ length: 5000 }, (_, index) => [`n${index}`, push, down] as const);
		const lines = linesOf([...many, ['x', push, { class: 'corrupt', message: 'It has another hash.' }]]);
		expect(lines).toHaveLength(3);
		expect(lines[1]).toBe(`  ${storePath('n0').slice(11)} and 4999 more: failed. The cache does not answer.`);
		expect(lines[2]).toBe(`  ${storePath('x').slice(11)}: corrupt. It has another hash.`);
	});

	test('a withheld path names what it needs and why that is not there', () => {
		const withheld: Verdict = { class: 'withheld', culprit: storePath('secret'), culpritClass: 'excluded' };
		const lines = linesOf([
			['user', withheld],
			['secret', { class: 'excluded', pattern: '-secret$' }],
		]);
		expect(lines[1]).toContain(`It needs ${storePath('secret').slice(11)}, which is excluded.`);
	});

	test('what could not be read back is listed', () => {
		const findings = [
			{ path: storePath('a'), problem: null },
			{ path: storePath('b'), problem: 'The NAR is not there.' },
		];
		expect(linesOf([['a', push, pushed(1)]], { findings }).slice(1)).toEqual([
			'Read back 2 of the pushed paths: 1 with problems.',
			`  ${storePath('b').slice(11)}: The NAR is not there.`,
		]);
	});

	test('of the Actions cache nothing is said to be read back, since it is not asked', () => {
		const cache = { kind: 'actions-cache', label: 'the Actions cache', canPush: true, whyNot: null } as const;
		const well = { cache, findings: [{ path: storePath('a'), problem: null }] };
		expect(linesOf([['a', push, pushed(1)]], well).slice(1)).toEqual([
			'Checked 1 of the pushed paths in the index that was saved: all well. None was read back.',
		]);
		const summary = summaryOf([['a', push, pushed(1)]], well);
		expect(summary).toContain('Checked in the index that was saved: 1 path, 0 with problems. None was read back.');
		expect(summary).not.toContain('pull URL');
	});
});

describe('several caches', () => {
	const two = (): ReportFacts => {
		const [one, other] = [facts([['a', push, pushed(10)]]), facts([], { failure: down, plan: null })];
		const label = { kind: 's3', label: 's3://bucket', canPush: true, whyNot: null } as const;
		return { ...one, caches: [...one.caches, ...other.caches.map((cache) => ({ ...cache, cache: label }))] };
	};

	test('each has lines of its own, and one that failed at once has an annotation in place of them', () => {
		expect(reportLines(makeReport(two()))).toEqual(['https://cache.example/nix: 1 pushed; 100 KiB as 10 B in 1.2 s.']);
	});

	test('nothing new is said once for all of them', () => {
		const nothing = facts([], { plan: null });
		expect(reportLines(makeReport({ ...nothing, caches: [...nothing.caches, ...nothing.caches] }))).toHaveLength(1);
	});

	test('each has a section of its own in the summary, with why it got nothing', () => {
		const text = reportSummary(makeReport(two()));
		expect(text.match(/^### .*$/gm)).toHaveLength(2);
		expect(text).toContain('**The push ended early:** It does not answer. Is it up?');
		const readOnly = reportSummary(
			makeReport(
				facts([], {
					plan: null,
					cache: { kind: 'http', label: 'https://x', canPush: false, whyNot: 'There are no credentials.' },
				}),
			),
		);
		expect(readOnly).toContain('Not pushed to: There are no credentials.');
	});

	test('what was read through the local substituter is said of each', () => {
		const served = { label: 's3://bucket', paths: 3, bytes: 2048, cut: 1 };
		expect(servedLine(served)).toBe('Nix read 3 paths (2.0 KiB) from s3://bucket in this job; 1 broke off on the way.');
		expect(summaryOf([], { served: [served] })).toContain('Nix read 3 paths (2.0 KiB) from s3');
	});
});

describe('the report', () => {
	test('counts each class with its bytes, and the bytes that were sent', () => {
		const report = makeReport(
			facts([
				['a', push, pushed(10)],
				['b', push, pushed(20)],
				['c', push, { class: 'out-of-time' }],
				['d', { class: 'differs', narHash: 'sha256:x' }],
				['e', { class: 'vanished' }],
			]),
		);
		expect(report.caches[0]?.counts).toEqual({
			pushed: { paths: 2, narBytes: 200 * KiB },
			'out-of-time': { paths: 1, narBytes: 100 * KiB },
			differs: { paths: 1, narBytes: 100 * KiB },
			vanished: { paths: 1, narBytes: 0 },
		});
		expect(report.caches[0]?.sentBytes).toBe(30);
	});

	test('as JSON it comes back as it was', () => {
		const report = makeReport(
			facts([['a', push, pushed(10)]], { findings: [{ path: storePath('a'), problem: null }], warnings: ['One.'] }),
		);
		expect(JSON.parse(reportJson(report))).toEqual(report);
		expect(report.version).toBe(1);
	});
});

describe('the summary', () => {
	test('reads well', () => {
		const findings = [{ path: storePath('large'), problem: null }];
		const large = pathInfo('large', { narSizeBytes: 3_000_000 });
		const failed: Outcome = { class: 'failed', code: 'cache-too-large', message: 'The server takes 1 MiB at most.' };
		const text = summaryOf(
			[
				[large, push, pushed(900_000)],
				['b', push, failed],
				['c', { class: 'present' }],
			],
			{ findings, warnings: ['Something to know.'] },
		);
		expect(text.replaceAll(/[0-9a-z]{32}-/g, 'HASH-')).toMatchInlineSnapshot(`
			"
			> Something to know.

			### Nix cache: https&#58;//cache.example/nix

			|  | paths | NAR size |
			| --- | ---: | ---: |
			| pushed | 1 | 2.9 MiB |
			| failed | 1 | 100 KiB |
			| already there | 1 | 100 KiB |

			Sent 879 KiB for 2.9 MiB: 70 % saved by compression and by what was there.

			Read back through the pull URL: 1 path, 0 with problems.

			<details><summary>1 failed</summary>

			| path | reason |
			| --- | --- |
			| HASH-b | The server takes 1 MiB at most. |

			</details>

			<details><summary>Largest pushed paths</summary>

			| path | NAR size | sent |
			| --- | --- | --- |
			| large | 2.9 MiB | 879 KiB |

			</details>

			Time: plan 0.1 s, push 1.2 s.

			"
		`);
	});

	test('text from elsewhere is shown and never markup', () => {
		const evil = '</summary><img src=x onerror=1> [a](http://x) ![b](y) `c` | d @someone $x$ **e** &lt; \n# f \u202e \u0007';
		const text = summaryOf([['a', push, { class: 'failed', code: 'internal', message: evil }]], {
			warnings: [evil],
			cache: { kind: 'http', label: evil, canPush: true, whyNot: null },
		});
		expect(text).not.toMatch(/<img|<\/summary><img|\[a\]|!\[|@someone|\$x|\*\*e|^# f|http:\/\/x|\u202e|\u0007/m);
		expect(text.match(/<[a-z]+>/g)).toEqual(['<details>', '<summary>']);
		const cells = text.split('\n').filter((line) => line.startsWith('| ') && line.includes('onerror'));
		expect(cells.map((line) => line.split('|').length)).toEqual([4]);
	});

	test('10,000 paths with the longest reasons stay under the limit, and take less than a second', () => {
		const classes: Outcome['class'][] = ['failed', 'corrupt', 'withheld', 'pushed'];
		const paths = Array.from({ length: 10_000 }, (_, index) => {
			const message = `${index} ${'|'.repeat(2000)}`;
			const name = `${'n'.repeat(190)}${index}`;
			const outcome: Outcome = [
				{ class: 'failed', code: 'internal', message } as const,
				{ class: 'corrupt', message } as const,
				{ class: 'withheld', culprit: storePath(`${'_'.repeat(190)}${index}`), culpritClass: 'failed' } as const,
				pushed(1),
			][index % classes.length] as Outcome;
			return [name, push, outcome] as const;
		});
		const added = {
			infos: paths.map(([name], index) =>
				pathInfo(name, index % 2 === 0 ? {} : { ultimate: false, signatures: [`${'|'.repeat(100)}-${index}:AAAA`] }),
			),
			served: new Set<string>(),
			forbidden: new Set<string>(),
		};
		const input = facts(paths, { added, warnings: Array.from({ length: 1000 }, () => '`'.repeat(2000)) });
		const started = performance.now();
		const report = makeReport(input);
		const summary = reportSummary(report);
		expect(performance.now() - started).toBeLessThan(1000);
		expect(Buffer.byteLength(summary)).toBeLessThan(1024 * KiB);
		expect(summary).toContain('and 2400 more');
		expect(summary).toContain('| and 4901 more |');
		expect(reportLines(report).length).toBeLessThan(100);
		expect(reportLines(report)[0]).toMatch(/^New in the store: .{1,3000}, and 9988 more\.$/);
	});
});
