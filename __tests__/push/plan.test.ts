import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Presence } from '../../src/backends/backend.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { type Candidates, type Plan, type PushRules, planPush, selectPaths, type Verdict } from '../../src/push/plan.ts';
import { candidatesOf, NO_RULES, pathInfo, type Scenario, scenarios, storePath } from './graph.ts';

function planOf(candidates: Candidates, rules: Partial<PushRules> = {}, has: ReadonlyMap<string, Presence> = new Map()): Plan {
	const selection = selectPaths(candidates, { ...NO_RULES, ...rules });
	return planPush(selection, new Map(selection.query.map((info) => [info.path, has.get(info.path) ?? { state: 'missing' }])));
}

function verdict(plan: Plan, info: PathInfo): Verdict | undefined {
	return plan.paths.get(info.path)?.verdict;
}

const names = (infos: readonly PathInfo[]) => infos.map((info) => info.path.slice(44));
const has = (...infos: readonly PathInfo[]) => new Map<string, Presence>(infos.map((info) => [info.path, { state: 'present' }]));

describe('what goes up', () => {
	const base = pathInfo('base');
	const lib = pathInfo('lib', { references: [base.path] });
	const app = pathInfo('app', { references: [base.path, lib.path] });

	test('a closure whose base is older than the job goes up whole, references first', () => {
		const plan = planOf(candidatesOf([app, lib, base], [app]));
		expect(names(plan.push)).toEqual(['base', 'lib', 'app']);
		expect(verdict(plan, app)).toEqual({ class: 'push', why: 'new' });
		expect(verdict(plan, base)).toEqual({ class: 'push', why: 'needed' });
		expect(plan.paths.get(base.path)?.isRoot).toBe(false);
	});

	test('what the cache has is left out, and what is missing below it is pushed', () => {
		const plan = planOf(candidatesOf([app, lib, base]), {}, has(app, lib));
		expect(names(plan.push)).toEqual(['base']);
		expect(verdict(plan, lib)).toEqual({ class: 'present' });
	});

	test('a path that the cache has with another hash stays, and what refers to it goes up', () => {
		const plan = planOf(candidatesOf([app, lib, base]), {}, new Map([[lib.path, { state: 'differs', narHash: 'sha256:x' }]]));
		expect(verdict(plan, lib)).toEqual({ class: 'differs', narHash: 'sha256:x' });
		expect(names(plan.push)).toEqual(['base', 'app']);
	});

	test('a path that refers to itself is no obstacle to itself', () => {
		const self = pathInfo('self', { references: [storePath('self')] });
		expect(names(planOf(candidatesOf([self])).push)).toEqual(['self']);
	});

	test('a path signed by an upstream is neither pushed nor asked about, nor is what it needs', () => {
		const signed = { ...lib, signatures: ['mine-1:AA', 'cache.nixos.org-1:BB'] };
		const selection = selectPaths(candidatesOf([app, signed, base], [app, signed]), {
			...NO_RULES,
			skipSignedBy: ['cache.nixos.org-1'],
		});
		expect(names(selection.query)).toEqual(['base', 'app']);
		const plan = planPush(selection, has(base));
		expect(verdict(plan, signed)).toEqual({ class: 'signed-upstream', keyName: 'cache.nixos.org-1' });
		expect(names(plan.push)).toEqual(['app']);
	});

	test('a path that a substituter has ends the walk like a signed one, and says where it is', () => {
		const upstream = new Map([[lib.path, 'https://up.example']]);
		const plan = planOf(candidatesOf([app, lib, base], [app, lib]), { upstream });
		expect(names(plan.push)).toEqual(['base', 'app']);
		expect(verdict(plan, lib)).toEqual({ class: 'upstream', substituter: 'https://up.example' });
		const onlyLib = planOf(candidatesOf([lib, base], [lib]), { upstream });
		expect(names(onlyLib.push)).toEqual([]);
		const whole = planOf(candidatesOf([app, lib, base], [app, lib]), { upstream, wholeClosures: true });
		expect(names(whole.push)).toEqual(['base', 'lib', 'app']);
	});

	test('a key whose name only begins like that of an upstream is another key', () => {
		const other = pathInfo('other', { signatures: ['cache.nixos.org-10:AA'] });
		expect(names(planOf(candidatesOf([other]), { skipSignedBy: ['cache.nixos.org-1'] }).push)).toEqual(['other']);
	});

	test('a store that takes whole closures gets what an upstream signed where it is needed, and not for itself', () => {
		const glibc = pathInfo('glibc', { signatures: ['cache.nixos.org-1:AA'] });
		const bash = pathInfo('bash', { signatures: ['cache.nixos.org-1:AA'], references: [glibc.path] });
		const unneeded = pathInfo('unneeded', { signatures: ['cache.nixos.org-1:AA'] });
		const mine = pathInfo('mine', { references: [bash.path] });
		const rules = { skipSignedBy: ['cache.nixos.org-1'], wholeClosures: true };
		const plan = planOf(candidatesOf([glibc, bash, unneeded, mine]), rules);
		expect(names(plan.push)).toEqual(['glibc', 'bash', 'mine']);
		expect(verdict(plan, bash)).toEqual({ class: 'push', why: 'needed' });
		expect(verdict(plan, unneeded)).toEqual({ class: 'signed-upstream', keyName: 'cache.nixos.org-1' });
		const without = planOf(candidatesOf([glibc, bash, unneeded, mine]), { ...rules, exclude: [/-glibc$/] });
		expect(verdict(without, mine)).toEqual({ class: 'withheld', culprit: glibc.path, culpritClass: 'excluded' });
	});

	test('no root gives an empty plan without a question to the cache', () => {
		const selection = selectPaths(candidatesOf([app, lib, base], []), NO_RULES);
		expect(selection.query).toEqual([]);
		expect(planPush(selection, new Map())).toEqual({ paths: new Map(), push: [] });
	});
});

describe('filters', () => {
	const secret = pathInfo('secret');
	const wrapper = pathInfo('wrapper', { references: [secret.path] });
	const app = pathInfo('app', { references: [wrapper.path] });
	const other = pathInfo('other');

	test('an excluded path withholds what needs it, through others too, and is named as the cause', () => {
		const plan = planOf(candidatesOf([app, wrapper, secret, other]), { exclude: [/-secret$/] });
		expect(verdict(plan, secret)).toEqual({ class: 'excluded', pattern: '-secret$' });
		const withheld = { class: 'withheld', culprit: secret.path, culpritClass: 'excluded' };
		expect([verdict(plan, wrapper), verdict(plan, app)]).toEqual([withheld, withheld]);
		expect(names(plan.push)).toEqual(['other']);
	});

	test('an excluded path that the cache has already withholds nothing', () => {
		const plan = planOf(candidatesOf([app, wrapper, secret]), { exclude: [/-secret$/] }, has(secret));
		expect(names(plan.push)).toEqual(['wrapper', 'app']);
		expect(verdict(plan, secret)).toEqual({ class: 'present' });
	});

	test('the cache is not asked about an excluded path that nothing needs', () => {
		const selection = selectPaths(candidatesOf([secret, other]), { ...NO_RULES, exclude: [/-secret$/] });
		expect(names(selection.query)).toEqual(['other']);
	});

	test('what only a withheld path needs stays out with it', () => {
		const needed = pathInfo('needed');
		const withheld = pathInfo('withheld', { references: [needed.path, secret.path] });
		const plan = planOf(candidatesOf([needed, withheld, secret], [withheld]), { exclude: [/-secret$/] });
		expect(plan.push).toEqual([]);
		expect(plan.paths.has(needed.path)).toBe(false);
	});

	test('a path that no include matches goes up when an included one needs it, and not for itself', () => {
		const plan = planOf(candidatesOf([app, wrapper, secret, other]), { include: [/-app$/] });
		expect(names(plan.push)).toEqual(['secret', 'wrapper', 'app']);
		expect(verdict(plan, secret)).toEqual({ class: 'push', why: 'needed' });
		expect(verdict(plan, other)).toEqual({ class: 'excluded', pattern: null });
	});

	test('expressions match the hash and name, not the folder, and a flag g does not make them forgetful', () => {
		const plan = planOf(candidatesOf([app, other]), { exclude: [/store/, /-(app|other)/g] });
		expect(plan.push).toEqual([]);
	});

	test('a path larger than the limit withholds what needs it unless the cache has it', () => {
		const big = pathInfo('big', { narSizeBytes: 501 });
		const user = pathInfo('user', { references: [big.path], narSizeBytes: 500 });
		const limit = { maxPathSizeBytes: 500 };
		expect(verdict(planOf(candidatesOf([big, user]), limit), big)).toEqual({ class: 'too-large', limitBytes: 500 });
		expect(verdict(planOf(candidatesOf([big, user]), limit), user)).toMatchObject({
			culprit: big.path,
			culpritClass: 'too-large',
		});
		expect(names(planOf(candidatesOf([big, user]), limit, has(big)).push)).toEqual(['user']);
	});

	test('a derivation file goes up only when a pushed path refers to it or `paths` names it', () => {
		const drv = pathInfo('x.drv');
		const user = pathInfo('user', { references: [drv.path] });
		expect(verdict(planOf(candidatesOf([drv, other])), drv)).toEqual({ class: 'derivation' });
		expect(names(planOf(candidatesOf([drv, user])).push)).toEqual(['x.drv', 'user']);
		expect(names(planOf(candidatesOf([drv]), { explicitPaths: true }).push)).toEqual(['x.drv']);
		expect(verdict(planOf(candidatesOf([drv, user]), { exclude: [/-user/] }), drv)).toEqual({ class: 'derivation' });
	});
});

describe('paths that are gone', () => {
	test('a new path that vanished is reported, and what needs it is withheld', () => {
		const gone = pathInfo('gone');
		const user = pathInfo('user', { references: [gone.path] });
		const plan = planOf(candidatesOf([user], [user], [gone.path]));
		expect(verdict(plan, gone)).toEqual({ class: 'vanished' });
		expect(verdict(plan, user)).toEqual({ class: 'withheld', culprit: gone.path, culpritClass: 'vanished' });
	});

	test('a root without path info counts as vanished', () => {
		const gone = pathInfo('gone');
		expect(verdict(planOf(candidatesOf([], [gone])), gone)).toEqual({ class: 'vanished' });
	});

	test('paths that refer to each other in a circle are withheld instead of waited for', () => {
		const a = pathInfo('a', { references: [storePath('b')] });
		const b = pathInfo('b', { references: [storePath('a')] });
		const plan = planOf(candidatesOf([a, b]));
		expect(plan.push).toEqual([]);
		expect(verdict(plan, a)).toMatchObject({ class: 'withheld', culpritClass: 'circular' });
	});
});

/** The definition of the plan, written as fixed points over sets and nothing else. */
function expectedPush({ infos, candidates, rules, presence }: Scenario): Set<string> {
	const valid = new Map(infos.filter((info) => !candidates.vanished.includes(info.path)).map((info) => [info.path, info]));
	const matches = (info: PathInfo, list: readonly RegExp[]) =>
		list.some((one) => new RegExp(one.source).test(info.path.slice(11)));
	const upstream = (info: PathInfo) =>
		rules.upstream.has(info.path) || info.signatures.some((text) => rules.skipSignedBy.some((key) => text.startsWith(`${key}:`)));
	const reliedOn = (info: PathInfo) => upstream(info) && !rules.wholeClosures;
	const there = (path: string) => presence.get(path)?.state !== 'missing';
	const ruledOut = (info: PathInfo) =>
		matches(info, rules.exclude) || info.narSizeBytes > (rules.maxPathSizeBytes ?? Number.POSITIVE_INFINITY);
	const holes = new Set<string>();
	const isHole = (path: string): boolean => {
		const info = valid.get(path);
		if (info === undefined) return true;
		if (reliedOn(info) || there(path)) return false;
		return ruledOut(info) || info.references.some((to) => to !== path && holes.has(to));
	};
	const everything = [...infos.flatMap((info) => [info.path, ...info.references]), ...candidates.roots];
	for (let before = -1; before !== holes.size; ) {
		before = holes.size;
		for (const path of everything) if (isHole(path)) holes.add(path);
	}
	const wanted = (info: PathInfo) =>
		!upstream(info) &&
		!ruledOut(info) &&
		(rules.explicitPaths || !info.path.endsWith('.drv')) &&
		(rules.include.length === 0 || matches(info, rules.include));
	const kept = new Set(
		[...candidates.roots].filter((path) => valid.has(path) && !holes.has(path) && wanted(valid.get(path) as PathInfo)),
	);
	for (const path of kept) {
		const info = valid.get(path);
		if (info === undefined || reliedOn(info) || (ruledOut(info) && there(path))) continue;
		for (const to of info.references) if (valid.has(to) && !holes.has(to)) kept.add(to);
	}
	return new Set([...kept].filter((path) => !there(path) && !reliedOn(valid.get(path) as PathInfo)));
}

describe('for random stores, rules and caches', () => {
	const answer = ({ candidates, rules, presence }: Scenario) => {
		const selection = selectPaths(candidates, rules);
		return {
			selection,
			plan: planPush(selection, new Map(selection.query.map(({ path }) => [path, presence.get(path) as Presence]))),
		};
	};

	test('every root and every vanished path is in exactly one class, and the list to push is that class', () => {
		fc.assert(
			fc.property(scenarios, (scenario) => {
				const { plan } = answer(scenario);
				for (const path of [...scenario.candidates.roots, ...scenario.candidates.vanished])
					expect(plan.paths.has(path)).toBe(true);
				const classed = [...plan.paths.values()].filter(({ verdict }) => verdict.class === 'push').map(({ path }) => path);
				expect(new Set(plan.push.map((info) => info.path))).toEqual(new Set(classed));
				expect(plan.push.length).toBe(classed.length);
			}),
			{ numRuns: 500 },
		);
	});

	test('whatever a pushed path refers to comes before it, or is in the cache or upstream', () => {
		fc.assert(
			fc.property(scenarios, (scenario) => {
				const { plan } = answer(scenario);
				const readable = new Set(
					[...plan.paths.values()]
						.filter(({ verdict }) => ['present', 'differs', 'signed-upstream', 'upstream'].includes(verdict.class))
						.map(({ path }) => path),
				);
				for (const info of plan.push) {
					readable.add(info.path);
					for (const reference of info.references) expect(readable).toContain(reference);
				}
			}),
			{ numRuns: 500 },
		);
	});

	test('exactly those are pushed that the definition says', () => {
		fc.assert(
			fc.property(scenarios, (scenario) => {
				expect(new Set(answer(scenario).plan.push.map((info) => info.path))).toEqual(expectedPush(scenario));
			}),
			{ numRuns: 500 },
		);
	});

	test('a withheld path names a cause below it that readers would not find', () => {
		fc.assert(
			fc.property(scenarios, (scenario) => {
				for (const { path, verdict } of answer(scenario).plan.paths.values()) {
					if (verdict.class !== 'withheld') continue;
					const below = new Set([path]);
					for (const at of below) for (const to of scenario.candidates.infos.get(at)?.references ?? []) below.add(to);
					expect(below).toContain(verdict.culprit);
					const isGone =
						scenario.candidates.vanished.includes(verdict.culprit) || !scenario.candidates.infos.has(verdict.culprit);
					expect(isGone || scenario.presence.get(verdict.culprit)?.state === 'missing').toBe(true);
				}
			}),
			{ numRuns: 500 },
		);
	});
});

describe('size', () => {
	test('50,000 paths with 250,000 references are planned in under a second', () => {
		const infos: PathInfo[] = [];
		for (let index = 0; index < 50_000; index++) {
			const references = Array.from({ length: Math.min(5, index) }, (_, back) => infos[index - 1 - back * 7]?.path ?? '');
			infos.push(
				pathInfo(`p${index}`, { references: references.filter((path) => path !== ''), signatures: ['some-key-1:AAAA'] }),
			);
		}
		const candidates = candidatesOf(infos);
		const rules = { ...NO_RULES, exclude: [/-p4999[0-9]$/, /secret/], include: [/-p/], skipSignedBy: ['cache.nixos.org-1'] };
		const started = performance.now();
		const selection = selectPaths(candidates, rules);
		const plan = planPush(selection, new Map());
		expect(performance.now() - started).toBeLessThan(1000);
		expect(plan.push.length).toBe(49_990);
	});

	test('a chain of 5,000 references needs no stack', () => {
		const infos: PathInfo[] = [];
		for (let index = 0; index < 5000; index++) {
			infos.push(pathInfo(`c${index}`, { references: index === 0 ? [] : [storePath(`c${index - 1}`)] }));
		}
		const plan = planOf(candidatesOf(infos, infos.slice(-1)));
		expect(names(plan.push).at(0)).toBe('c0');
		expect(plan.push.length).toBe(5000);
	});
});
