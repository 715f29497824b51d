import fc from 'fast-check';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { hashPartOf } from '../../src/nix/store-path.ts';
import type { Outcome } from '../../src/push/outcome.ts';
import { planPush, selectPaths } from '../../src/push/plan.ts';
import type { CacheFacts, ReportFacts } from '../../src/report/report.ts';
import { pathInfo, type Scenario, scenarios, storePath } from '../push/graph.ts';

/** Anything that a server, a key or a file may be called. */
export const text = fc.oneof(
	fc.string(),
	fc.string({ unit: 'binary' }),
	fc.constantFrom('', '</details>', '```', '"', '| a |', '\n# b'),
);

const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
	fc.record({ class: fc.constant('pushed' as const), sentBytes: fc.nat() }),
	fc.record({ class: fc.constant('corrupt' as const), message: text }),
	fc.record({ class: fc.constantFrom('vanished' as const, 'out-of-time' as const) }),
	fc.record({ class: fc.constant('failed' as const), code: fc.constant('cache-failing' as const), message: text }),
	fc.record({
		class: fc.constant('withheld' as const),
		culprit: fc.constant(storePath('culprit')),
		culpritClass: fc.constantFrom('failed' as const, 'corrupt' as const),
	}),
);

const stop = fc.record({ code: fc.constant('cache-forbidden' as const), message: text, hint: fc.option(text) });

interface Randomness {
	readonly label: string;
	readonly canPush: boolean;
	readonly ended: readonly Outcome[];
	readonly stoppedBy: CacheFacts['failure'];
	readonly isDry: boolean;
	readonly isVerified: boolean;
	readonly isRead: boolean;
	readonly share: number;
}

const randomness: fc.Arbitrary<Randomness> = fc.record({
	label: text,
	canPush: fc.boolean(),
	ended: fc.array(outcomes, { minLength: 1, maxLength: 8 }),
	stoppedBy: fc.option(stop),
	isDry: fc.boolean(),
	isVerified: fc.boolean(),
	isRead: fc.boolean(),
	share: fc.integer({ min: 1, max: 5 }),
});

/** Every `share`-th of them. */
function some<T>(items: readonly T[], share: number): readonly T[] {
	return items.filter((_, index) => index % share === 0);
}

function cacheFacts({ candidates, rules, presence, infos }: Scenario, random: Randomness): CacheFacts {
	const { label, canPush, ended, stoppedBy, isDry, isVerified, isRead, share } = random;
	const common = {
		isRead,
		untrusted: new Set<string>(),
		lost: new Set(some(infos, share).map(({ path }) => path)),
		durationsMs: { plan: 3 },
	};
	const cache = { kind: 'http', label, canPush, whyNot: canPush ? null : 'It may not.' } as const;
	if (!canPush) return { ...common, cache, plan: null, failure: stoppedBy, result: null, findings: null };
	const plan = planPush(selectPaths(candidates, rules), presence);
	const outcomesOf = new Map<string, Outcome>(
		plan.push.map(({ path }, index) => [path, ended[index % ended.length] ?? { class: 'vanished' }]),
	);
	const findings = plan.push.map(({ path }, index) => ({ path, problem: index % share === 0 ? label : null }));
	const result = isDry ? null : { outcomes: outcomesOf, stoppedBy, elapsedMs: 12 };
	return { ...common, cache, plan, failure: null, result, findings: isVerified && !isDry ? findings : null };
}

/** How the store may show a path that came during a job. */
const states: readonly Partial<PathInfo>[] = [
	{},
	{ ultimate: false },
	{ ultimate: false, ca: 'text:sha256:0000' },
	{ ultimate: false, signatures: ['cache.nixos.org-1:AAAA'] },
];

/** The facts on any job: whatever the store, the rules, the caches and what became of the push. */
export const reportFacts: fc.Arbitrary<ReportFacts> = fc
	.record({
		scenario: scenarios,
		caches: fc.array(randomness, { maxLength: 3 }),
		labels: fc.array(text, { maxLength: 3 }),
		keyName: text,
		isKnown: fc.boolean(),
		warnings: fc.array(text, { maxLength: 3 }),
		share: fc.integer({ min: 1, max: 5 }),
	})
	.map(({ scenario, caches, labels, keyName, isKnown, warnings, share }) => {
		const infos = [
			...scenario.infos,
			...states.map((state, index) => pathInfo(`state-${index}`, state)),
			pathInfo('x.drv', { ultimate: false, ca: 'text:sha256:0000' }),
			pathInfo('foreign', { ultimate: false, signatures: [`${keyName}:AAAA`] }),
		];
		const paths = some(infos, share).map(({ path }) => path);
		return {
			caches: caches.map((random) => cacheFacts(scenario, random)),
			added: isKnown ? { infos, served: new Set(paths.map(hashPartOf)), forbidden: new Set(paths) } : null,
			served: labels.map((label, index) => ({ label, paths: index, bytes: 1000 * index, cut: index % 2 })),
			serveErrors: { 'cache-stalled': labels.length },
			storePaths: 30,
			durationsMs: { total: 7 },
			warnings,
		};
	});
