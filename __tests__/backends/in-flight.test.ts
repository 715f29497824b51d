import { describe, expect, it } from 'vitest';
import { visitInFlight } from '../../src/backends/in-flight.ts';
import { never } from '../http/peers/means.ts';

const soon = () => new Promise((resolve) => setImmediate(resolve));

describe('visiting in flight', () => {
	it('visits every item once, in order, and never more than the limit at a time', async () => {
		const visited: number[] = [];
		let inFlight = 0;
		let most = 0;
		await visitInFlight(
			Array.from({ length: 100 }, (_, i) => i),
			7,
			never,
			async (item) => {
				visited.push(item);
				most = Math.max(most, ++inFlight);
				await soon();
				inFlight--;
			},
		);
		expect(visited).toEqual(Array.from({ length: 100 }, (_, i) => i));
		expect(most).toBe(7);
	});

	it('throws the first failure after all others have ended, begins nothing new and tells them to stop', async () => {
		const begun: number[] = [];
		let ended = 0;
		let told = 0;
		const visit = async (item: number, signal: AbortSignal) => {
			begun.push(item);
			if (item === 2) throw new Error('first');
			await soon();
			await soon();
			if (signal.aborted) told++;
			ended++;
			if (item === 1) throw new Error('second');
		};
		await expect(visitInFlight([0, 1, 2, 3, 4, 5], 3, never, visit)).rejects.toThrow('first');
		expect([begun, ended, told]).toEqual([[0, 1, 2], 2, 2]);
	});

	it('has nothing to do for no items', async () => {
		await visitInFlight([], 3, never, () => Promise.reject(new Error('never called')));
	});
});
