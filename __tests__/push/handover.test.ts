import { describe, expect, test } from 'vitest';
import { handedOver } from '../../src/push/handover.ts';

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

async function read<Item>(items: AsyncGenerator<Item, void, void>): Promise<Item[]> {
	const all: Item[] = [];
	for await (const item of items) all.push(item);
	return all;
}

describe('what is handed over', () => {
	test('comes in the order in which it was given, whether the giver waits or not', async () => {
		const impatient = handedOver<number>(async (give) => {
			await Promise.all([give(1), give(2), give(3)]);
		}, never);
		expect(await read(impatient)).toEqual([1, 2, 3]);
		const patient = handedOver<number>(async (give) => {
			for (let item = 0; item < 50; item++) {
				if (item % 3 === 0) await turn();
				await give(item);
			}
		}, never);
		expect(await read(patient)).toEqual(Array.from({ length: 50 }, (_, index) => index));
	});

	test('is done with when the next one is asked for, not before', async () => {
		const done: number[] = [];
		const items = handedOver<number>(async (give) => {
			await Promise.all([1, 2, 3].map((item) => give(item).then(() => done.push(item))));
		}, never);
		for await (const item of items) {
			await turn();
			expect(done).toEqual([1, 2, 3].slice(0, item - 1));
		}
		expect(done).toEqual([1, 2, 3]);
	});

	test('is read before the giver’s failure is told', async () => {
		const seen: number[] = [];
		const items = handedOver<number>(async (give) => {
			await give(1);
			throw new Error('no more');
		}, never);
		const reading = (async () => {
			for await (const item of items) seen.push(item);
		})();
		await expect(reading).rejects.toThrow('no more');
		expect(seen).toEqual([1]);
	});
});

test('nobody waits for a reader who left, and the giver’s end is waited for', async () => {
	let ended = false;
	const items = handedOver<number>(async (give, signal) => {
		await Promise.all([give(1), give(2)]);
		expect(signal.aborted).toBe(true);
		await give(3);
		await turn();
		ended = true;
		throw new Error('of no interest any more');
	}, never);
	for await (const item of items) {
		expect(item).toBe(1);
		break;
	}
	expect(ended).toBe(true);
});

test('an abort is told with its reason, while waiting for an item and while having one', async () => {
	for (const gives of [true, false]) {
		const abort = new AbortController();
		const items = handedOver<number>(async (give, signal) => {
			if (gives) await Promise.all([give(1), give(2)]);
			else await new Promise((resolve) => signal.addEventListener('abort', resolve));
			signal.throwIfAborted();
		}, abort.signal);
		setTimeout(() => abort.abort(new Error('enough')), 5);
		const reading = (async () => {
			for await (const _ of items) await new Promise((resolve) => setTimeout(resolve, 20));
		})();
		await expect(reading).rejects.toThrow('enough');
	}
});
