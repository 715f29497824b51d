import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { attribute, type Evidence, findSharing } from '../../src/push/attribution.ts';

const path = (name: string): string => `/nix/store/${'a'.repeat(32)}-${name}`;

function infosOf(references: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, PathInfo> {
	const info = (name: string, names: readonly string[]): PathInfo => ({
		path: path(name),
		narHash: { algorithm: 'sha256', digest: new Uint8Array(32) },
		narSizeBytes: 1,
		references: names.map(path),
		deriver: null,
		signatures: [],
		ca: null,
		ultimate: true,
	});
	return new Map(Object.entries(references).map(([name, names]) => [path(name), info(name, names)]));
}

const evidence = (more: Partial<Evidence>): Evidence => ({
	built: [],
	added: [],
	rooted: [],
	infos: new Map(),
	isShared: true,
	...more,
});

describe('the paths of a job on a store of its own', () => {
	it('are all that came while it ran, and all that the hook noted', () => {
		const found = attribute(evidence({ isShared: false, built: [path('a'), path('b')], added: [path('b'), path('c')] }));
		expect(found).toEqual([path('a'), path('b'), path('c')]);
	});

	it('are the difference of the store where there was no hook', () => {
		expect(attribute(evidence({ isShared: false, added: [path('a')] }))).toEqual([path('a')]);
	});
});

describe('the paths of a job on a store that others use', () => {
	it('are not those that only the difference of the store has', () => {
		expect(attribute(evidence({ built: [path('a')], added: [path('a'), path('of-another-job')] }))).toEqual([path('a')]);
	});

	it('are also what its own links lead to, with what that refers to', () => {
		const found = attribute(
			evidence({
				rooted: [path('result')],
				added: [path('result'), path('lib'), path('of-another-job')],
				infos: infosOf({ result: ['lib', 'glibc', 'result'], lib: ['glibc'], glibc: [] }),
			}),
		);
		expect(found).toEqual([path('result'), path('lib')]);
	});

	it('are not what an old link leads to', () => {
		expect(attribute(evidence({ rooted: [path('old')], infos: infosOf({ old: [] }) }))).toEqual([]);
	});

	it('are none without a journal and links', () => {
		expect(attribute(evidence({ added: [path('a'), path('b')] }))).toEqual([]);
	});

	it('never are those of a job that shares nothing with it but the store', () => {
		const names = fc.uniqueArray(fc.constantFrom(...'abcdefghijkl'), { minLength: 1 });
		fc.assert(
			fc.property(names, names, fc.nat(), (all, chosen, salt) => {
				const mine = all.filter((_, index) => (index + salt) % 2 === 0);
				const theirs = all.filter((name) => !mine.includes(name));
				const chain = (list: readonly string[]) =>
					Object.fromEntries(list.map((name, index) => [name, list.slice(index, index + 2)]));
				const found = attribute(
					evidence({
						built: mine.filter((name) => chosen.includes(name)).map(path),
						rooted: mine.slice(0, 1).map(path),
						added: all.map(path),
						infos: infosOf({ ...chain(mine), ...chain(theirs) }),
					}),
				);
				for (const name of theirs) expect(found).not.toContain(path(name));
				expect(new Set(found).size).toBe(found.length);
				// A chain: its first one leads to all of it.
				expect([...found].sort()).toEqual(mine.map(path).sort());
			}),
		);
	});
});

describe('whether others use the store', () => {
	const surroundings = { runnerEnvironment: 'self-hosted', storeMadeMs: 1000, jobBeganMs: 5000 };

	it.each([
		['not on a machine of GitHub, however old the store of its image is', { runnerEnvironment: 'github-hosted' }, false],
		['not when the store was made in the job', { storeMadeMs: 5001 }, false],
		['perhaps when the store is older, on a machine of theirs', {}, true],
		['perhaps when the store is older, and nobody says what machine this is', { runnerEnvironment: undefined }, true],
		['perhaps when the age of the store is not known', { storeMadeMs: null }, true],
		['perhaps when the age of the job is not known', { jobBeganMs: Number.POSITIVE_INFINITY, storeMadeMs: 9e15 }, true],
	])('%s', (_what, change, expected) => {
		expect(findSharing({ ...surroundings, ...change }).isShared).toBe(expected);
	});
});
