import { expect, test } from 'vitest';
import type { Backend, NarSource } from '../../src/backends/backend.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { runPipeline } from '../../src/push/pipeline.ts';
import { planPush, selectPaths } from '../../src/push/plan.ts';
import { candidatesOf, NO_RULES, pathInfo } from './graph.ts';
import { VirtualClock } from './virtual-clock.ts';

// A cache that takes the NAR in the step that makes its path visible, as attic does.

const MiB = 1024 * 1024;

/** Pushes to a cache that takes `msPerMiB` for each NAR, on virtual time. */
async function push(infos: readonly PathInfo[], msPerMiB: number, deadlineMs: number, signal = new AbortController().signal) {
	const clock = new VirtualClock();
	const visible = new Set<string>();
	let large = 0;
	let mostLarge = 0;
	const backend: Pick<Backend, 'prepare'> = {
		prepare: async (info, nar) => async (publishSignal) => {
			expect(info.references.filter((path) => !visible.has(path))).toEqual([]);
			const isLarge = info.narSizeBytes > 8 * MiB;
			if (isLarge) mostLarge = Math.max(mostLarge, ++large);
			for await (const part of nar.raw(publishSignal)) expect(part.length).toBe(1);
			await clock.sleep((info.narSizeBytes / MiB) * msPerMiB, publishSignal);
			if (isLarge) large--;
			if (publishSignal.aborted) throw publishSignal.reason;
			visible.add(info.path);
			return { sentBytes: info.narSizeBytes };
		},
	};
	const sourceOf = (info: PathInfo, onRead: (bytes: number) => void): NarSource => ({
		async *raw() {
			onRead(info.narSizeBytes);
			yield new Uint8Array(1);
		},
		packed: () => Promise.reject(new Error('nobody packs here')),
		chunks: () => {
			throw new Error('nobody cuts here');
		},
	});
	const plan = planPush(selectPaths(candidatesOf(infos), NO_RULES), new Map());
	const options = { backend, sourceOf, signal, deadlineMs: clock.nowMs() + deadlineMs, concurrency: 'auto', clock } as const;
	const result = await clock.run(runPipeline(plan, options));
	const count = (name: string) => [...result.outcomes.values()].filter((outcome) => outcome.class === name).length;
	return { count, visible, mostLarge, result };
}

const large = (amount: number): PathInfo[] =>
	Array.from({ length: amount }, (_, index) => pathInfo(`large${index}`, { narSizeBytes: 40 * MiB }));

test('six large NARs are on their way at a time, and small ones beside them', async () => {
	const libraries = large(20);
	const apps = libraries.map(({ path }, index) => pathInfo(`app${index}`, { references: [path] }));
	const { count, mostLarge } = await push([...libraries, ...apps], 100, 600_000);
	expect(mostLarge).toBe(6);
	expect(count('pushed')).toBe(40);
});

test('when time is short, some large NARs are whole in place of all of them half', async () => {
	const { count, visible } = await push(large(20), 250, 35_000);
	// 10 s for six at a time: three rounds would end at 30 s, which is when nothing new may be begun.
	expect(visible.size).toBeGreaterThanOrEqual(12);
	expect(count('pushed') + count('out-of-time')).toBe(20);
	expect(count('pushed')).toBe(visible.size);
});

test('after a stop no large NAR is begun any more', async () => {
	const { count } = await push(large(20), 100, 600_000, AbortSignal.abort());
	expect(count('out-of-time')).toBe(20);
});
