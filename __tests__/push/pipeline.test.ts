import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CacheError, type ErrorCode } from '../../src/errors.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import type { Outcome, PushResult } from '../../src/push/outcome.ts';
import { type PipelineOptions, type Progress, runPipeline } from '../../src/push/pipeline.ts';
import { type Plan, planPush, selectPaths } from '../../src/push/plan.ts';
import { candidatesOf, NO_RULES, pathInfo, scenarios, storePath } from './graph.ts';
import { MemoryCache, type MemoryCacheOptions, smallNars, type Weather } from './memory-cache.ts';
import { VirtualClock } from './virtual-clock.ts';

const MiB = 1024 * 1024;

function planOf(infos: readonly PathInfo[]): Plan {
	const selection = selectPaths(candidatesOf(infos), NO_RULES);
	return planPush(selection, new Map());
}

/** Runs on virtual time: the cache takes as long as its weather says. */
async function push(
	infos: readonly PathInfo[],
	cacheOptions: MemoryCacheOptions = {},
	more: Partial<PipelineOptions> = {},
	clock = new VirtualClock(),
) {
	const cache = new MemoryCache({ sleep: (ms, signal) => clock.sleep(ms, signal), ...cacheOptions });
	const { open, sourceOf } = smallNars();
	const startedMs = clock.nowMs();
	const result = await clock.run(
		runPipeline(planOf(infos), {
			backend: cache,
			sourceOf,
			signal: new AbortController().signal,
			deadlineMs: startedMs + 600_000,
			concurrency: 'auto',
			clock,
			...more,
		}),
	);
	expect(cache.breaches).toEqual([]);
	return { cache, clock, result, open, elapsedMs: clock.nowMs() - startedMs };
}

function classes(result: PushResult): Record<string, string> {
	return Object.fromEntries([...result.outcomes].map(([path, { class: name }]) => [path.slice(44), name]));
}

function count(result: PushResult, name: Outcome['class']): number {
	return [...result.outcomes.values()].filter((outcome) => outcome.class === name).length;
}

const failure = (code: ErrorCode) => new CacheError(code, `${code} happened.`, { hint: 'Do this.' });

function numbered(amount: number, more: (index: number) => Partial<PathInfo> = () => ({})): PathInfo[] {
	return Array.from({ length: amount }, (_, index) => pathInfo(`n${index}`, more(index)));
}

describe('order', () => {
	const base = pathInfo('base', { narSizeBytes: 10 });
	const lib = pathInfo('lib', { narSizeBytes: 3000, references: [base.path, storePath('lib')] });
	const app = pathInfo('app', { narSizeBytes: 200, references: [base.path, lib.path] });

	test('small NARs go up after those that they refer to, so that each becomes visible at once', async () => {
		const { cache, result } = await push([app, lib, base], {}, { concurrency: 1 });
		expect(cache.prepared).toEqual([base.path, lib.path, app.path]);
		expect(cache.published).toEqual([base.path, lib.path, app.path]);
		expect(count(result, 'pushed')).toBe(3);
	});

	test('what is in the cache already is not waited for', async () => {
		const selection = selectPaths(candidatesOf([app, lib, base]), NO_RULES);
		const plan = planPush(selection, new Map([[base.path, { state: 'present' }]]));
		const cache = new MemoryCache({ readable: [base.path] });
		const signal = new AbortController().signal;
		const { sourceOf } = smallNars();
		const deadlineMs = performance.now() + 10_000;
		const result = await runPipeline(plan, { backend: cache, sourceOf, signal, deadlineMs, concurrency: 4 });
		expect(cache.published).toEqual([lib.path, app.path]);
		expect(cache.breaches).toEqual([]);
		expect([...result.outcomes.keys()]).toEqual([lib.path, app.path]);
	});

	test('an empty plan ends at once', async () => {
		const { result } = await push([]);
		expect(result).toMatchObject({ outcomes: new Map(), stoppedBy: null });
	});

	test('a chain of 5,000 is published one after the other', async () => {
		const chain = numbered(5000, (index) => ({ references: index === 0 ? [] : [storePath(`n${index - 1}`)] }));
		// The clock moves on whenever the chain waits for a turn of the event loop.
		const { result } = await push(chain, {}, { deadlineMs: 1e12 });
		expect(count(result, 'pushed')).toBe(5000);
	}, 60_000);
});

describe('how much at a time', () => {
	const roundTrip = { weather: () => ({ delayMs: 20 }) };

	test('1,500 small paths at 20 ms a request take 2 s', async () => {
		const { elapsedMs, cache } = await push(numbered(1500), roundTrip);
		expect(elapsedMs).toBeLessThan(2100);
		expect(cache.maxInFlight).toBe(32);
	});

	test('`concurrency` is a bound', async () => {
		const { cache, elapsedMs } = await push(numbered(100), roundTrip, { concurrency: 3 });
		expect(cache.maxInFlight).toBe(3);
		expect(elapsedMs).toBeGreaterThan((100 * 2 * 20) / 3 - 1);
	});

	test('one large NAR is read at a time, the next one while it is packed, and small paths go up beside them', async () => {
		let reading = 0;
		let mostReading = 0;
		let packing = 0;
		let mostPacking = 0;
		const infos = [
			...numbered(8, () => ({ narSizeBytes: 100 * MiB })),
			...Array.from({ length: 50 }, (_, i) => pathInfo(`s${i}`)),
		];
		const { sourceOf } = smallNars();
		const { cache } = await push(infos, roundTrip, {
			deadlineMs: 1e9,
			sourceOf: (info, onRead) => {
				const source = sourceOf(info, onRead);
				return {
					...source,
					async packed(signal) {
						if (info.narSizeBytes <= MiB) return source.packed(signal);
						mostReading = Math.max(mostReading, ++reading);
						mostPacking = Math.max(mostPacking, ++packing);
						await new Promise((resolve) => setImmediate(resolve));
						reading--;
						onRead(info.narSizeBytes);
						for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
						packing--;
						return source.packed(signal);
					},
				};
			},
		});
		expect(mostReading).toBe(1);
		expect(mostPacking).toBeGreaterThan(1);
		expect(cache.published.slice(0, 8).some((path) => path.includes('-s'))).toBe(true);
	});
});

describe('a path that fails', () => {
	const bad = pathInfo('bad');
	const user = pathInfo('user', { references: [bad.path] });
	const top = pathInfo('top', { references: [user.path] });
	const other = pathInfo('other');
	const all = [top, user, bad, other];
	const weather = (error: CacheError, at: 'prepare' | 'publish') => (step: string, info: PathInfo) =>
		step === at && info === bad ? { error } : {};

	test.each([
		['path-corrupt', 'corrupt'],
		['path-vanished', 'vanished'],
		['cache-failing', 'failed'],
		['cache-too-large', 'failed'],
		['disk-full', 'failed'],
	] as const)('%s: it is %s, what needs it is withheld and says why, the rest goes up', async (code, name) => {
		for (const step of ['prepare', 'publish'] as const) {
			const { result, cache, open } = await push(all, { weather: weather(failure(code), step) });
			expect(result.outcomes.get(bad.path)?.class).toBe(name);
			const withheld = { class: 'withheld', culprit: bad.path, culpritClass: name };
			expect([result.outcomes.get(user.path), result.outcomes.get(top.path)]).toEqual([withheld, withheld]);
			expect(result.outcomes.get(other.path)?.class).toBe('pushed');
			expect(result.stoppedBy).toBe(null);
			expect([user, top].some(({ path }) => cache.isVisible(path))).toBe(false);
			expect(open.count).toBe(0);
		}
	});

	test('the message and the hint are in the outcome', async () => {
		const { result } = await push(all, { weather: weather(failure('cache-too-large'), 'prepare') });
		expect(result.outcomes.get(bad.path)).toEqual({
			class: 'failed',
			code: 'cache-too-large',
			message: 'cache-too-large happened. Do this.',
		});
	});

	test('what can no longer be published is not begun, and aborted where it was', async () => {
		const large = pathInfo('large', { narSizeBytes: 20 * MiB, references: [bad.path] });
		const { elapsedMs, result } = await push([large, bad], {
			weather: (_, info) => (info === bad ? { error: failure('path-corrupt') } : { delayMs: 60_000 }),
		});
		expect(classes(result)).toEqual({ bad: 'corrupt', large: 'withheld' });
		expect(elapsedMs).toBeLessThan(1500);
	});

	test('an error that is none of ours is one path’s failure too', async () => {
		const { result } = await push([bad], { weather: () => ({ error: new TypeError('oops') as CacheError }) });
		expect(result.outcomes.get(bad.path)).toEqual({ class: 'failed', code: 'internal', message: 'oops' });
	});
});

describe('a disk with room for some of the NARs that wait for their upload', () => {
	/** Each NAR takes as much of the disk as it is large, until it is disposed of. */
	function onDiskOf(roomBytes: number) {
		const { sourceOf } = smallNars();
		const disk = { usedBytes: 0, tries: 0 };
		const source: PipelineOptions['sourceOf'] = (info, onRead) => ({
			...sourceOf(info, onRead),
			async packed(signal) {
				disk.tries++;
				if (disk.usedBytes + info.narSizeBytes > roomBytes) throw failure('disk-full');
				disk.usedBytes += info.narSizeBytes;
				const packed = await sourceOf(info, onRead).packed(signal);
				const dispose = async (): Promise<void> => {
					disk.usedBytes -= info.narSizeBytes;
					await packed.dispose();
				};
				return { ...packed, dispose };
			},
		});
		return { disk, sourceOf: source };
	}
	const slow = { weather: () => ({ delayMs: 1000 }) };

	test.each([
		['large', 100 * MiB],
		['small', 1 * MiB],
	])('takes them all, if not at once: %s ones', async (_, narSizeBytes) => {
		const { disk, sourceOf } = onDiskOf(2.5 * narSizeBytes);
		const { result } = await push(
			numbered(40, () => ({ narSizeBytes })),
			slow,
			{ sourceOf },
		);
		expect(count(result, 'pushed')).toBe(40);
		expect(disk.usedBytes).toBe(0);
	});

	test('is full for one that does not fit when it is alone, and for no other', async () => {
		const { disk, sourceOf } = onDiskOf(250 * MiB);
		const huge = pathInfo('huge', { narSizeBytes: 300 * MiB });
		const { result } = await push([huge, ...numbered(9, () => ({ narSizeBytes: 100 * MiB }))], slow, { sourceOf });
		expect(result.outcomes.get(huge.path)).toMatchObject({ class: 'failed', code: 'disk-full' });
		expect(count(result, 'pushed')).toBe(9);
		expect(disk.tries).toBeLessThanOrEqual(20);
	});

	test('holds up nobody when the job is cancelled', async () => {
		const { sourceOf } = onDiskOf(100 * MiB);
		const infos = numbered(6, () => ({ narSizeBytes: 100 * MiB }));
		const stop = new AbortController();
		const clock = new VirtualClock();
		void clock.sleep(500, new AbortController().signal).then(() => stop.abort());
		const more = { sourceOf, signal: stop.signal, graceMs: 1000 };
		const { result, elapsedMs } = await push(infos, { weather: () => ({ delayMs: 60_000 }) }, more, clock);
		expect(count(result, 'out-of-time')).toBe(6);
		expect(elapsedMs).toBeLessThan(2000);
	});
});

describe('an error of the whole cache', () => {
	test.each(['cache-unauthorized', 'cache-read-only', 'cache-tls'] as const)('%s ends the run with one reason', async (code) => {
		const { cache, result } = await push(numbered(2000), { weather: () => ({ delayMs: 20, error: failure(code) }) });
		expect(result.stoppedBy).toEqual({ code, message: `${code} happened.`, hint: 'Do this.' });
		expect(count(result, 'failed')).toBe(2000);
		expect(new Set([...result.outcomes.values()].map((outcome) => JSON.stringify(outcome))).size).toBe(1);
		expect(cache.prepared.length).toBeLessThan(40);
	});

	test.each([
		'cache-forbidden',
		'cache-unreachable',
		'cache-failing',
		'cache-throttled',
		'cache-not-found',
		'cache-stalled',
	] as const)('%s ends the run when it comes again and again', async (code) => {
		const { cache, result } = await push(numbered(2000), { weather: () => ({ delayMs: 20, error: failure(code) }) });
		expect(result.stoppedBy?.code).toBe(code);
		expect(count(result, 'failed')).toBe(2000);
		expect(cache.prepared.length).toBeLessThan(40);
	});

	test('failures between successes do not add up', async () => {
		let requests = 0;
		const { result } = await push(
			numbered(100),
			{ weather: (step) => (step === 'prepare' && ++requests % 3 === 0 ? { error: failure('cache-failing') } : {}) },
			{ concurrency: 1 },
		);
		expect(result.stoppedBy).toBe(null);
		expect(count(result, 'failed')).toBe(33);
	});

	test('a path that is too large for the server says nothing on others', async () => {
		const { result } = await push(numbered(50), { weather: () => ({ error: failure('cache-too-large') }) });
		expect(result.stoppedBy).toBe(null);
	});
});

describe('when time runs out', () => {
	test('what is complete is visible, the rest is out of time, and the deadline holds', async () => {
		const { result, elapsedMs } = await push(
			numbered(100),
			{ weather: () => ({ delayMs: 1000 }) },
			{ concurrency: 1, deadlineMs: 1000 + 60_500 },
		);
		expect(elapsedMs).toBeLessThanOrEqual(60_501);
		expect(count(result, 'pushed')).toBeGreaterThanOrEqual(26);
		expect(count(result, 'pushed') + count(result, 'out-of-time')).toBe(100);
		expect(result.stoppedBy).toBe(null);
	});

	test('whole closures come before large NARs when not everything fits', async () => {
		const infos: PathInfo[] = [];
		for (let index = 0; index < 40; index++) {
			const lib = pathInfo(`lib${index}`, { narSizeBytes: MiB });
			const tiny = pathInfo(`tiny${index}`, { narSizeBytes: 100 });
			infos.push(lib, tiny, pathInfo(`app${index}`, { narSizeBytes: 2 * MiB, references: [lib.path, tiny.path] }));
		}
		const { result } = await push(
			infos,
			{ weather: (step) => ({ delayMs: step === 'prepare' ? 1000 : 1 }) },
			{ concurrency: 2, deadlineMs: 1000 + 45_000, graceMs: 1000 },
		);
		const apps = Object.entries(classes(result)).filter(([name, name2]) => name.startsWith('app') && name2 === 'pushed').length;
		// 88 NARs fit, 120 are there. Largest first alone would end with all apps, all libs, and not one that can be published.
		expect(apps).toBeGreaterThan(15);
	});

	test('a large NAR that can not be done in time is not begun, and what needs it is out of time as well', async () => {
		const large = Array.from({ length: 20 }, (_, index) => pathInfo(`large${index}`, { narSizeBytes: 50 * MiB }));
		const users = large.map(({ path }, index) => pathInfo(`user${index}`, { references: [path] }));
		// Packed in no time, then six side by side, each at 5 MiB/s: there is time for two rounds of 10 s, and a third would end at 30 s.
		const { cache, result, elapsedMs } = await push(
			[...large, ...users, ...numbered(50)],
			{ weather: (step, info) => ({ delayMs: step === 'publish' ? 1 : (info.narSizeBytes / MiB) * 200 }) },
			{ deadlineMs: 1000 + 25_000, graceMs: 1000 },
		);
		expect(cache.prepared.filter((path) => path.includes('-large')).length).toBe(12);
		expect(elapsedMs).toBeLessThan(21_000);
		expect(count(result, 'pushed')).toBe(12 + 12 + 50);
		expect(count(result, 'out-of-time')).toBe(8 + 8);
	});

	test('a cancelled job finishes what was begun within the grace and cuts the rest', async () => {
		const abort = new AbortController();
		const clock = new VirtualClock();
		void clock.sleep(3000, new AbortController().signal).then(() => abort.abort());
		const slow = pathInfo('slow');
		const infos = [slow, ...numbered(60)];
		const { cache, result } = await push(
			infos,
			{ weather: (_, info) => ({ delayMs: info === slow ? 50_000 : 1000 }) },
			{ signal: abort.signal, graceMs: 2000, concurrency: 8, deadlineMs: 1e9 },
			clock,
		);
		expect(clock.nowMs()).toBeLessThanOrEqual(1000 + 5000);
		expect(result.outcomes.get(slow.path)).toEqual({ class: 'out-of-time' });
		expect(count(result, 'pushed')).toBeGreaterThanOrEqual(8);
		expect(cache.inFlight).toBe(0);
	});

	test('a request that does not listen to its signal is not waited for', async () => {
		const { result, elapsedMs } = await push(numbered(3), { weather: () => ({ stuck: true }) }, { deadlineMs: 1000 + 10_000 });
		expect(elapsedMs).toBeLessThanOrEqual(12_001);
		expect(count(result, 'out-of-time')).toBe(3);
	});

	test('nothing is begun after a stop that came before', async () => {
		const { cache, result } = await push(numbered(3), {}, { signal: AbortSignal.abort() });
		expect(cache.prepared).toEqual([]);
		expect(count(result, 'out-of-time')).toBe(3);
	});
});

test('progress grows to all of it, with a rate and an estimate on the way', async () => {
	const seen: Progress[] = [];
	await push(
		numbered(100, () => ({ narSizeBytes: MiB })),
		{ weather: (step) => ({ delayMs: step === 'prepare' ? 1000 : 0 }) },
		{ concurrency: 2, progressEveryMs: 5000, onProgress: (progress) => seen.push(progress) },
	);
	expect(seen.length).toBeGreaterThanOrEqual(9);
	for (const [index, at] of seen.entries()) expect(at.bytesDone).toBeGreaterThanOrEqual(seen[index - 1]?.bytesDone ?? 0);
	const middle = seen[4];
	expect(middle?.bytesPerSecond).toBeGreaterThan(1.8 * MiB);
	expect(middle?.bytesPerSecond).toBeLessThan(2.2 * MiB);
	expect(middle?.remainingMs).toBeGreaterThan(20_000);
	expect(middle?.remainingMs).toBeLessThan(30_000);
	expect(seen.at(-1)).toMatchObject({ pathsDone: 100, pathsTotal: 100, bytesDone: 100 * MiB, bytesTotal: 100 * MiB });
});

describe('for random stores, failures, delays and aborts', () => {
	const weather: fc.Arbitrary<Weather> = fc.oneof(
		{ weight: 3, arbitrary: fc.record({ delayMs: fc.nat({ max: 400 }) }) },
		{ weight: 3, arbitrary: fc.constant({}) },
		{
			weight: 1,
			arbitrary: fc.record({
				delayMs: fc.nat({ max: 400 }),
				lostAnswer: fc.boolean(),
				error: fc
					.constantFrom<ErrorCode[]>('path-corrupt', 'path-vanished', 'cache-failing', 'cache-unauthorized', 'cache-too-large')
					.map(failure),
			}),
		},
	);
	const runs = fc.record({
		scenario: scenarios,
		weathers: fc.array(weather, { minLength: 60, maxLength: 60 }),
		concurrency: fc.constantFrom(1, 2, 5, 'auto' as const),
		stopMs: fc.oneof(fc.constant(null), fc.nat({ max: 2000 })),
		deadlineMs: fc.constantFrom(300, 1500, 100_000),
	});

	test('nothing is ever visible with a hole under it, and every path has one outcome', async () => {
		await fc.assert(
			fc.asyncProperty(runs, async ({ scenario, weathers, concurrency, stopMs, deadlineMs }) => {
				const selection = selectPaths(scenario.candidates, scenario.rules);
				const plan = planPush(selection, scenario.presence);
				const clock = new VirtualClock();
				const order = [...scenario.candidates.infos.keys()];
				const cache = new MemoryCache({
					readable: [...plan.paths.values()]
						.filter(({ verdict }) => ['present', 'differs', 'signed-upstream', 'upstream'].includes(verdict.class))
						.map(({ path }) => path),
					weather: (step, info) => weathers[order.indexOf(info.path) * 2 + (step === 'prepare' ? 0 : 1)] ?? {},
					sleep: (ms, signal) => clock.sleep(ms, signal),
				});
				const { open, sourceOf } = smallNars();
				const abort = new AbortController();
				if (stopMs !== null) void clock.sleep(stopMs, abort.signal).then(() => abort.abort());
				const options = { backend: cache, sourceOf, signal: abort.signal, concurrency, clock, graceMs: 200 };
				const result = await clock.run(runPipeline(plan, { ...options, deadlineMs: clock.nowMs() + deadlineMs }));

				expect(cache.breaches).toEqual([]);
				expect(cache.inFlight).toBe(0);
				expect(open.count).toBe(0);
				expect(result.elapsedMs).toBeLessThanOrEqual(deadlineMs);
				expect([...result.outcomes.keys()]).toEqual(plan.push.map((info) => info.path));
				for (const [path, outcome] of result.outcomes) {
					if (outcome.class === 'pushed') expect(cache.isVisible(path)).toBe(true);
					if (outcome.class === 'withheld') {
						expect(['corrupt', 'failed', 'vanished']).toContain(result.outcomes.get(outcome.culprit)?.class);
						expect(cache.isVisible(path)).toBe(false);
					}
				}
				const calm = stopMs === null && deadlineMs === 100_000 && result.stoppedBy === null;
				if (calm) expect(count(result, 'out-of-time')).toBe(0);
			}),
			{ numRuns: 300 },
		);
	}, 60_000);
});
