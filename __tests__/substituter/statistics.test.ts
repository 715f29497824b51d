import { describe, expect, it } from 'vitest';
import { createCounters, parseStatistics } from '../../src/substituter/statistics.ts';

describe('statistics', () => {
	it('survive being written down', () => {
		const counters = createCounters();
		counters.narInfo(true);
		const mount = counters.of('bucket');
		mount.narInfo(false);
		mount.narBegun('a');
		mount.narBytes(12);
		mount.narResumed();
		mount.narCut();
		counters.error('cache-failing');
		counters.refused();
		counters.restarted();
		const counted = counters.snapshot();
		expect(counted).toEqual({
			version: 1,
			narInfoHits: 1,
			narInfoMisses: 1,
			nars: 1,
			narsResumed: 1,
			narsCut: 1,
			narBytes: 12,
			errors: { 'cache-failing': 1 },
			refused: 1,
			restarts: 1,
			served: ['a'],
			servedIsComplete: true,
			mounts: { bucket: { paths: 1, narBytes: 12, narsCut: 1 } },
		});
		expect(parseStatistics(JSON.stringify(counted))).toEqual(counted);
	});

	it('go on from what was counted before', () => {
		const before = createCounters();
		before.narBegun('a');
		before.error('deadline');
		const after = createCounters({ start: before.snapshot() });
		after.narBegun('b');
		after.error('deadline');
		expect(after.snapshot()).toMatchObject({ nars: 2, errors: { deadline: 2 }, served: ['a', 'b'] });
		expect(before.snapshot()).toMatchObject({ nars: 1, errors: { deadline: 1 }, served: ['a'] });
	});

	it('change their revision with everything that is counted', () => {
		const counters = createCounters();
		const revisions = new Set([counters.revision()]);
		for (const count of [() => counters.narInfo(true), () => counters.error('deadline'), () => counters.narBytes(1)]) {
			count();
			revisions.add(counters.revision());
		}
		expect(revisions.size).toBe(4);
	});

	it('name only so many paths, and say that some are missing', () => {
		const counters = createCounters({ maxServed: 2 });
		for (const hashPart of ['a', 'b', 'a']) counters.narBegun(hashPart);
		expect(counters.snapshot()).toMatchObject({ nars: 3, served: ['a', 'b'], servedIsComplete: true });
		counters.narBegun('c');
		counters.narBegun('a');
		expect(counters.snapshot()).toMatchObject({ nars: 5, served: ['a', 'b'], servedIsComplete: false });
	});

	it.each(['', '{', 'null', '[]', '{"version":2}', '3'])('are not there in %j', (text) => {
		expect(parseStatistics(text)).toBeNull();
	});

	it('take nothing for a number that is none', () => {
		const text = '{"version":1,"nars":"7","narBytes":-1,"errors":{"a":"b","c":2},"served":[1,"x"]}';
		expect(parseStatistics(text)).toMatchObject({
			nars: 0,
			narBytes: 0,
			errors: { c: 2 },
			served: ['x'],
			servedIsComplete: false,
		});
	});
});
