import { describe, expect, it } from 'vitest';
import type { PathInfo } from '../../src/nix/path-info.ts';
import type { Verdict } from '../../src/push/plan.ts';
import { type BuiltFacts, whyBuilt } from '../../src/report/built.ts';
import { pathInfo } from '../push/graph.ts';

const present: Verdict = { class: 'present' };
const differs: Verdict = { class: 'differs', narHash: 'sha256:x' };
const push: Verdict = { class: 'push', why: 'new' };

const verdicts: readonly (readonly [string, Verdict])[] = [
	['new', push],
	['evicted', push],
	['there', present],
	['local', present],
	['other', differs],
	['local-other', differs],
	['secret', { class: 'excluded', pattern: 'secret' }],
	['image', { class: 'too-large', limitBytes: 1 }],
	['needs-secret', { class: 'withheld', culprit: pathInfo('secret').path, culpritClass: 'excluded' }],
	['gone', { class: 'vanished' }],
	['foreign', push],
];

const infos = new Map(verdicts.map(([name], index) => [name, pathInfo(name, { narSizeBytes: 1000 + index })]));
const infoOf = (name: string): PathInfo => infos.get(name) ?? pathInfo(name);
const pathsOf = (...names: readonly string[]): readonly string[] => names.map((name) => infoOf(name).path);

const facts = (more: Partial<BuiltFacts> = {}): BuiltFacts => ({
	built: [...infos.values()].reverse(),
	plan: {
		paths: new Map(
			verdicts.map(([name, verdict]) => {
				const info = infoOf(name);
				return [info.path, { path: info.path, info, isRoot: true, verdict }];
			}),
		),
		push: [],
	},
	lost: new Set(pathsOf('evicted', 'local')),
	untrusted: new Set(pathsOf('foreign')),
	forbidden: new Set(pathsOf('local', 'local-other')),
	isRead: true,
	...more,
});

describe('why paths were built', () => {
	it('is what the cache had of them, in the order in which they are given', () => {
		expect(whyBuilt(facts())).toEqual([
			{ why: 'kept-out', paths: pathsOf('needs-secret', 'image', 'secret'), narBytes: 3021 },
			{ why: 'lost', paths: pathsOf('evicted'), narBytes: 1001 },
			{ why: 'untrusted', paths: pathsOf('foreign'), narBytes: 1010 },
			{ why: 'differs', paths: pathsOf('other'), narBytes: 1004 },
			{ why: 'there', paths: pathsOf('there'), narBytes: 1002 },
			{ why: 'forbidden', paths: pathsOf('local-other', 'local'), narBytes: 2008 },
			{ why: 'not-there', paths: pathsOf('new'), narBytes: 1000 },
		]);
	});

	it('is that Nix did not read from the cache, where it was not told to', () => {
		const reasons = whyBuilt(facts({ isRead: false }));
		expect(reasons.map(({ why, paths }) => [why, paths.length])).toEqual([
			['not-read', 8],
			['forbidden', 2],
		]);
	});

	it('is not said of a path that the cache was not asked about', () => {
		expect(whyBuilt(facts({ plan: null }))).toEqual([]);
		expect(whyBuilt(facts({ built: [pathInfo('another')] }))).toEqual([]);
	});
});
