import { describe, expect, test } from 'vitest';
import { CacheError } from '../../src/errors.ts';
import { sample, verifyPushed } from '../../src/push/verify.ts';
import { pathInfo } from './graph.ts';
import { MemoryCache, smallNars } from './memory-cache.ts';

const never = new AbortController().signal;
const infos = Array.from({ length: 300 }, (_, index) => pathInfo(`p${index}`, { narSizeBytes: 1000 + ((index * 37) % 300) }));

describe('which paths are read back', () => {
	test('`sample`: up to 64, each once, the largest among them', () => {
		const chosen = sample(infos, 'sample');
		expect(chosen.length).toBe(64);
		expect(new Set(chosen).size).toBe(64);
		const largest = infos.toSorted((a, b) => b.narSizeBytes - a.narSizeBytes).slice(0, 10);
		for (const info of largest) expect(chosen).toContain(info);
		expect(sample(infos.slice(0, 64), 'sample')).toEqual(infos.slice(0, 64));
		for (const count of [65, 66, 80, 100]) expect(new Set(sample(infos.slice(0, count), 'sample')).size).toBe(64);
	});

	test('`all`: all; `none`: none', () => {
		expect(sample(infos, 'all')).toEqual(infos);
		expect(sample(infos, 'none')).toEqual([]);
	});
});

describe('reading back', () => {
	test('says of each path whether a substituter would get it', async () => {
		const cache = new MemoryCache();
		const [whole, without] = infos;
		if (whole === undefined || without === undefined) throw new Error('no infos');
		const source = smallNars().sourceOf(whole, () => {});
		await (await cache.prepare(whole, source, never))(never);
		const findings = await verifyPushed(cache, [whole, without], 'all', never);
		expect(findings).toEqual([
			{ path: whole.path, problem: null },
			{ path: without.path, problem: 'no narinfo' },
		]);
	});

	test('a path that cannot be asked for is a finding with the reason', async () => {
		const readBack = async () => {
			throw new CacheError('cache-forbidden', 'No.', { hint: 'Ask.' });
		};
		expect(await verifyPushed({ readBack }, infos.slice(0, 1), 'all', never)).toEqual([
			{ path: infos[0]?.path, problem: 'No. Ask.' },
		]);
	});

	test('at most 64 are asked for at a time', async () => {
		let now = 0;
		let most = 0;
		const readBack = async () => {
			most = Math.max(most, ++now);
			await new Promise((resolve) => setTimeout(resolve, 1));
			now--;
			return { ok: true } as const;
		};
		expect((await verifyPushed({ readBack }, infos, 'all', never)).length).toBe(300);
		expect(most).toBe(64);
	});

	test('an abort ends it with what was found by then, and what was cut off is no finding', async () => {
		const abort = new AbortController();
		let asked = 0;
		const readBack = async (_: unknown, signal: AbortSignal) => {
			if (++asked === 100) abort.abort();
			await new Promise((resolve) => setImmediate(resolve));
			signal.throwIfAborted();
			return { ok: true } as const;
		};
		const findings = await verifyPushed({ readBack }, infos, 'all', abort.signal);
		expect(findings.length).toBeGreaterThan(15);
		expect(findings.length).toBeLessThan(100);
		expect(findings.every(({ problem }) => problem === null)).toBe(true);
	});
});
