import { describe, expect, it } from 'vitest';
import { createHostPace, type HostPace, type PaceOptions, type Setback } from '../../src/http/host-pace.ts';
import { never } from './peers/means.ts';

/** A clock that stands still but for its sleeps. */
function stillClock() {
	let nowMs = 0;
	return {
		nowMs: () => nowMs,
		sleep: async (ms: number) => {
			nowMs += ms;
		},
		pass: (ms: number) => {
			nowMs += ms;
		},
	};
}

function paceWith(options: Partial<PaceOptions> = {}) {
	const clock = stillClock();
	const pace = createHostPace({ clock, random: () => 1, connections: 8, attempts: 5, patienceMs: 60_000, ...options });
	return { clock, pace };
}

const setback = (values: Partial<Setback>): Setback => ({
	overloaded: false,
	retryAfterMs: null,
	attempt: 1,
	enteredAtMs: 0,
	...values,
});

/** How many may enter before the next one has to wait. */
async function room(pace: HostPace): Promise<number> {
	let entered = 0;
	const stop = new AbortController();
	const enterAll = async () => {
		for (;;) {
			await pace.enter(stop.signal, 'test');
			entered++;
		}
	};
	const ended = enterAll().catch(() => undefined);
	await new Promise((resolve) => setImmediate(resolve));
	stop.abort();
	await ended;
	for (let i = 0; i < entered; i++) pace.leave();
	return entered;
}

describe('the pace for one host', () => {
	it('doubles the bound of the wait with each try, up to 15 s', () => {
		const { pace } = paceWith({ attempts: 20, patienceMs: 1e9 });
		const waits = [1, 2, 3, 6, 7, 12].map((attempt) => pace.failed(setback({ attempt })));
		expect(waits).toEqual([250, 500, 1000, 8000, 15_000, 15_000]);
	});

	it('waits anything between nothing and the bound', () => {
		expect(paceWith({ random: () => 0 }).pace.failed(setback({}))).toBe(0);
		expect(paceWith({ random: () => 0.5 }).pace.failed(setback({}))).toBe(125);
	});

	it('never waits less than the host asked for', () => {
		expect(paceWith({ random: () => 0 }).pace.failed(setback({ retryAfterMs: 7_000 }))).toBe(7_000);
	});

	it('gives a request up after the last try', () => {
		const { pace } = paceWith();
		expect(pace.failed(setback({ attempt: 4 }))).not.toBeNull();
		expect(pace.failed(setback({ attempt: 5 }))).toBeNull();
	});

	it('waits an outage out once, not once for each request', () => {
		const { pace, clock } = paceWith({ patienceMs: 1_000 });
		expect(pace.failed(setback({}))).toBe(250);
		clock.pass(2_000);
		expect(pace.failed(setback({}))).toBeNull();
		pace.succeeded();
		expect(pace.failed(setback({}))).toBe(250);
	});

	it('does not take failures that are minutes apart for one outage', () => {
		const { pace, clock } = paceWith({ patienceMs: 1_000 });
		pace.failed(setback({}));
		clock.pass(200_000);
		expect(pace.failed(setback({}))).toBe(250);
	});

	it('keeps every request away while the host asked for quiet', async () => {
		const { pace, clock } = paceWith();
		pace.failed(setback({ overloaded: true, retryAfterMs: 5_000 }));
		await pace.enter(never, 'test');
		expect(clock.nowMs()).toBeGreaterThanOrEqual(5_000);
		expect(clock.nowMs()).toBeLessThanOrEqual(6_000);
	});

	it('caps what a host may ask for at a minute', async () => {
		const { pace, clock } = paceWith({ patienceMs: 1e9 });
		pace.failed(setback({ overloaded: true, retryAfterMs: 3_600_000 }));
		await pace.enter(never, 'test');
		expect(clock.nowMs()).toBeLessThanOrEqual(61_000);
	});

	it('halves the requests in flight when the host is overloaded, once for each wave', async () => {
		const { pace, clock } = paceWith({ random: () => 0 });
		expect(await room(pace)).toBe(8);
		for (let i = 0; i < 8; i++) pace.failed(setback({ overloaded: true, enteredAtMs: 0 }));
		expect(await room(pace)).toBe(4);
		clock.pass(10);
		pace.failed(setback({ overloaded: true, enteredAtMs: clock.nowMs() }));
		expect(await room(pace)).toBe(2);
	});

	it('comes back to full speed with successes, one place for each round of them', async () => {
		const { pace } = paceWith({ random: () => 0, connections: 4 });
		pace.failed(setback({ overloaded: true }));
		expect(await room(pace)).toBe(2);
		pace.succeeded();
		pace.succeeded();
		expect(await room(pace)).toBe(3);
		for (let i = 0; i < 100; i++) pace.succeeded();
		expect(await room(pace)).toBe(4);
	});

	it('hands a free place to the next in line, also past one that was cancelled', async () => {
		const { pace } = paceWith({ connections: 1 });
		await pace.enter(never, 'first');
		const cancelled = new AbortController();
		const second = pace.enter(cancelled.signal, 'second');
		const third = pace.enter(never, 'third');
		pace.leave();
		cancelled.abort();
		await expect(second).rejects.toMatchObject({ code: 'cancelled' });
		await expect(third).resolves.toBe(0);
	});
});

it('who was woken and is cancelled while the host is quiet passes the place on', async () => {
	let wake: () => void = () => undefined;
	const clock = {
		nowMs: () => 0,
		sleep: (_ms: number, signal: AbortSignal) =>
			new Promise<void>((resolve) => {
				wake = resolve;
				signal.addEventListener('abort', () => resolve(), { once: true });
			}),
	};
	const pace = createHostPace({ clock, random: () => 0, connections: 1, attempts: 1, patienceMs: 0 });
	const enteredAtMs = await pace.enter(never, 'first');
	const stop = new AbortController();
	const second = pace.enter(stop.signal, 'second').catch((error: unknown) => error);
	let isThirdIn = false;
	const third = pace.enter(AbortSignal.timeout(5_000), 'third').then(() => {
		isThirdIn = true;
	});
	expect(pace.failed(setback({ overloaded: true, retryAfterMs: 30_000, enteredAtMs }))).toBeNull();
	pace.leave();
	await new Promise((resolve) => setImmediate(resolve));
	stop.abort();
	await second;
	await new Promise((resolve) => setImmediate(resolve));
	// It is its turn now: it waits for the quiet time like the one before it, and not for somebody to wake it.
	clock.nowMs = () => 3_600_000;
	wake();
	await third;
	expect(isThirdIn).toBe(true);
});
