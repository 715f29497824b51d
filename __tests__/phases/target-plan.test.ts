import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Backend, Presence } from '../../src/backends/backend.ts';
import { createBinaryCache } from '../../src/backends/binary-cache.ts';
import { formatNarInfo } from '../../src/nix/narinfo.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { hashPartOf } from '../../src/nix/store-path.ts';
import { createPlanner } from '../../src/phases/target-plan.ts';
import { type Plan, type PushRules, selectPaths } from '../../src/push/plan.ts';
import { sha256 } from '../backends/peers/paths.ts';
import { never, recordingLog } from '../http/peers/means.ts';
import { candidatesOf, NO_RULES, pathInfo, type Scenario, scenarios } from '../push/graph.ts';

/** A binary cache of narinfos alone, which counts what it is asked for. */
function cacheOf(narinfos: ReadonlyMap<string, string>): { backend: Backend; asked: string[] } {
	const asked: string[] = [];
	const store = {
		label: 'memory',
		size: async () => null,
		async get(key: string) {
			asked.push(key);
			const text = narinfos.get(key);
			return text === undefined ? null : Buffer.from(text);
		},
		put: async () => undefined,
		close: async () => undefined,
	};
	const settings = { kind: 'http', substituter: 'memory:', storeDir: '/nix/store', signingKey: null, publicKeys: [] } as const;
	return { backend: createBinaryCache({ ...settings, store, lookups: 1, log: recordingLog() }), asked };
}

function narinfoOf(info: PathInfo, { state }: Presence): readonly (readonly [string, string])[] {
	if (state === 'missing') return [];
	const narHash = state === 'present' ? info.narHash : sha256('another build');
	const nar = { url: 'nar/x.nar', compression: 'none', fileHash: narHash, fileSizeBytes: info.narSizeBytes } as const;
	const { path: storePath, narSizeBytes, references, deriver, ca } = info;
	const text = formatNarInfo({ storePath, narHash, narSizeBytes, references, deriver, signatures: [], ca, ...nar });
	return [[`${hashPartOf(info.path)}.narinfo`, text]];
}

interface Planned {
	readonly plan: Plan;
	readonly asked: readonly string[];
}

/** `asksAll`: as a cache does that is asked for everything. */
async function planned(scenario: Omit<Scenario, 'infos'>, asksAll = false): Promise<Planned> {
	const { candidates, rules, presence } = scenario;
	const narinfos = [...candidates.infos.values()].flatMap((info) =>
		narinfoOf(info, presence.get(info.path) ?? { state: 'missing' }),
	);
	const { backend, asked } = cacheOf(new Map(narinfos));
	const exhaustive: Backend = { ...backend, presence: (paths, signal) => backend.presence(paths, signal) };
	const found = (paths: readonly PathInfo[]) =>
		paths.flatMap(({ path }): [string, string][] => {
			const url = rules.upstream.get(path);
			return url === undefined ? [] : [[path, url]];
		});
	const upstreams = { find: async (paths: readonly PathInfo[]) => new Map(found(paths)) };
	const planner = createPlanner({ upstreams, done: new Map(), stopped: never });
	const selection = selectPaths(candidates, { ...rules, upstream: new Map() });
	return { plan: await planner.plan(asksAll ? exhaustive : backend, selection, never), asked };
}

const LARGE_BYTES = 100_000;

/** Some of its paths are too large to be sent on suspicion. */
const mixed = scenarios.map((scenario): Scenario => {
	const sized = (info: PathInfo): PathInfo => (info.narSizeBytes === 1000 ? { ...info, narSizeBytes: LARGE_BYTES } : info);
	const infos = scenario.infos.map(sized);
	const { roots, vanished } = scenario.candidates;
	return { ...scenario, infos, candidates: { infos: new Map(infos.map((info) => [info.path, info])), roots, vanished } };
});

const pathsOf = (infos: readonly PathInfo[]): readonly string[] => infos.map(({ path }) => path).sort();

describe('a cache that is asked for no more than needed', () => {
	test('is planned for as if it had been asked for everything, as long as it has no holes', async () => {
		await fc.assert(
			fc.asyncProperty(mixed, async (scenario) => {
				const presence = new Map(scenario.presence);
				for (let isClosed = false; !isClosed; ) {
					isClosed = true;
					const going = new Set(pathsOf((await planned({ ...scenario, presence }, true)).plan.push));
					for (const { path, references } of scenario.infos) {
						if (presence.get(path)?.state === 'missing' || !references.some((to) => to !== path && going.has(to))) continue;
						presence.set(path, { state: 'missing' });
						isClosed = false;
					}
				}
				const [sparing, all] = await Promise.all([planned({ ...scenario, presence }), planned({ ...scenario, presence }, true)]);
				expect([...sparing.plan.paths]).toEqual([...all.plan.paths]);
				expect(sparing.plan.push).toEqual(all.plan.push);
				expect(sparing.asked.length).toBeLessThanOrEqual(all.asked.length);
			}),
			{ numRuns: 300 },
		);
	});

	test('with holes gets all that it lacks, and beyond that only what is small and above a hole', async () => {
		await fc.assert(
			fc.asyncProperty(mixed, async (scenario) => {
				const [sparing, all] = [(await planned(scenario)).plan, (await planned(scenario, true)).plan];
				const lacking = new Set(pathsOf(all.push));
				expect(pathsOf(sparing.push)).toEqual(expect.arrayContaining([...lacking]));
				const going = new Set(lacking);
				for (const { path, narSizeBytes, references } of sparing.push) {
					if (lacking.has(path)) continue;
					expect(narSizeBytes).toBeLessThan(LARGE_BYTES);
					expect(references.some((to) => going.has(to))).toBe(true);
					going.add(path);
				}
			}),
			{ numRuns: 300 },
		);
	});
});

describe('a chain of small paths', () => {
	const infos: PathInfo[] = [];
	for (let index = 0; index < 100; index++) {
		infos.push(pathInfo(`link-${index}`, { references: infos.slice(-1).map(({ path }) => path) }));
	}
	const states = (state: (index: number) => 'present' | 'missing') =>
		new Map(infos.map(({ path }, index): [string, Presence] => [path, { state: state(index) }]));
	const chain = (rules: Partial<PushRules>, state: (index: number) => 'present' | 'missing') =>
		planned({ candidates: candidatesOf(infos), rules: { ...NO_RULES, ...rules }, presence: states(state) });

	it('that is new takes one question', async () => {
		const { plan, asked } = await chain({}, () => 'missing');
		expect([plan.push.length, asked.length]).toEqual([100, 1]);
	});

	it('that is there takes one for each', async () => {
		const { plan, asked } = await chain({}, () => 'present');
		expect([plan.push.length, asked.length]).toEqual([0, 100]);
	});

	it.each([
		['is excluded', { exclude: [/-link-0$/] }],
		['is at a substituter', { upstream: new Map([[infos[0]?.path ?? '', 'https://up.example']]) }],
	])('whose first one %s and not there: the others are asked for, and are there', async (_, rules) => {
		const { plan, asked } = await chain(rules, (index) => (index === 0 ? 'missing' : 'present'));
		expect([plan.push.length, asked.length]).toEqual([0, 100]);
	});
});
