import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersOf, askEarly, type EarlyAnswers } from '../../src/phases/early-question.ts';
import { heard, type StoreAnswers } from '../../src/phases/store-question.ts';
import type { MainState, State } from '../../src/state.ts';

let work: string;
beforeAll(() => {
	work = mkdtempSync(join(tmpdir(), 'early-'));
	mkdirSync(join(work, 'store'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** The runner's environment of post: a job on a store of its own, in which nothing is. */
function envAfter(change: Partial<MainState>, daemon = false): Record<string, string> {
	const about = { version: [2, 26, 3], stateDir: '/nix/var/nix', systemConfDir: '/etc/nix' };
	const main = {
		store: {
			storeDir: '/nix/store',
			realStoreDir: join(work, 'store'),
			access: daemon ? 'daemon' : 'direct',
			program: join(work, 'no-nix'),
			about,
			trust: 'direct',
		},
		snapshotFile: join(work, 'snapshot'),
		targets: [],
		journal: null,
		isShared: false,
		pusherFolder: null,
		whyNot: null,
		...change,
	};
	const state = { version: 1, id: 'id', folder: work, reportFile: '', inputs: { paths: '' }, configuration: null, main };
	return { 'STATE_nix-cache-action': JSON.stringify(state satisfies Record<keyof State, unknown>) };
}

const EMPTY_SNAPSHOT = 'nix-cache-action snapshot 1 0\n';

describe('what is asked before the program is loaded', () => {
	it('is what came to the store, where post itself is to push it', async () => {
		writeFileSync(join(work, 'snapshot'), EMPTY_SNAPSHOT);
		const early = askEarly(envAfter({}));
		expect(await early?.names).toEqual([]);
		expect(await early?.roots).toEqual([]);
		expect(await early?.candidates).toBeNull();
		await early?.asked;
	});

	it.each([
		['no step ran before', {}],
		['the state is damaged', { 'STATE_nix-cache-action': '{' }],
		['the state is that of another version', { 'STATE_nix-cache-action': '{"version":2}' }],
	])('is nothing where %s', (_what, env) => {
		expect(askEarly(env)).toBeNull();
	});

	it.each([
		['there was no Nix', () => envAfter({ store: null })],
		['nothing is pushed', () => envAfter({ whyNot: 'a fork' })],
		['another process pushes', () => envAfter({ pusherFolder: work })],
		['a daemon answers, which may be restarted meanwhile', () => envAfter({}, true)],
	])('is nothing where %s', (_what, env) => {
		expect(askEarly(env())).toBeNull();
	});

	it('fails without a word, and those who want to know ask again', async () => {
		rmSync(join(work, 'snapshot'), { force: true });
		const early = askEarly(envAfter({}));
		await early?.asked;
		await expect(early?.roots).rejects.toThrow("can't be read");
		let asked = 0;
		const again: StoreAnswers = {
			names: Promise.resolve(['other']),
			added: Promise.resolve([]),
			roots: Promise.resolve(['/nix/store/x']),
			candidates: Promise.resolve(null),
		};
		const answers = answersOf(
			early,
			() => {
				asked++;
				return again;
			},
			new AbortController().signal,
		);
		// What did not fail stands.
		expect(await answers.names).toEqual([]);
		expect(await answers.roots).toEqual(['/nix/store/x']);
		expect(await answers.candidates).toBeNull();
		expect(asked).toBe(1);
	});

	it('fails by what is waited for, and not by the rest', async () => {
		rmSync(join(work, 'snapshot'), { force: true });
		const fail = <T>(): Promise<T> => Promise.reject(new Error('again'));
		const again = () => heard({ names: fail(), added: fail(), roots: fail(), candidates: fail() });
		const answers = answersOf(askEarly(envAfter({})), again, new AbortController().signal);
		// An answer that failed unheard would end the process, and this test.
		await expect(answers.roots).rejects.toThrow('again');
		await new Promise((resolve) => setImmediate(resolve));
	});

	it('lets post begin though the answers take long', async () => {
		const fifo = join(work, 'fifo');
		execFileSync('mkfifo', [fifo]);
		const early = askEarly(envAfter({ snapshotFile: fifo }));
		let answered = false;
		early?.roots
			.catch(() => undefined)
			.finally(() => {
				answered = true;
			});
		await early?.asked;
		expect(answered).toBe(false);
		writeFileSync(fifo, EMPTY_SNAPSHOT);
		expect(await early?.roots).toEqual([]);
	});

	it('ends when nobody wants it any more', async () => {
		const over = new AbortController();
		const early = waiting(over);
		const stop = new AbortController();
		const never = () => Promise.reject(new Error('cancelled'));
		const answers = answersOf(
			early,
			() => ({ names: never(), added: never(), roots: never(), candidates: never() }),
			stop.signal,
		);
		stop.abort(new Error('the job was cancelled'));
		await expect(answers.candidates).rejects.toThrow('cancelled');
		expect(over.signal.reason).toEqual(new Error('the job was cancelled'));
		await Promise.allSettled([answers.names, answers.roots]);
	});
});

/** Answers that never come. */
function waiting(over: AbortController): EarlyAnswers {
	const cut = <T>(): Promise<T> =>
		new Promise((_resolve, reject) => {
			over.signal.addEventListener('abort', () => reject(over.signal.reason));
		});
	return {
		names: cut(),
		added: cut(),
		roots: cut(),
		candidates: cut(),
		asked: Promise.resolve(),
		cancel: (reason) => over.abort(reason),
	};
}
