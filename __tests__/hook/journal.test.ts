import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followJournal } from '../../src/hook/follow.ts';
import { type Journal, type JournalRecord, openJournal } from '../../src/hook/journal.ts';

const hashOf = (n: number): string => String(n).padStart(32, '0');
const drv = (n: number): string => `/nix/store/${hashOf(n)}-made.drv`;
const out = (n: number, name = 'made'): string => `/nix/store/${hashOf(n)}-${name}`;
const line = (n: number, name?: string): string => `\n1 1700000000 ${drv(n)} ${out(n, name)}\n`;
const record = (n: number, ...names: readonly string[]): JournalRecord => ({
	drvPath: drv(n),
	outPaths: (names.length === 0 ? ['made'] : names).map((name) => out(n, name)),
	timeMs: 1_700_000_000_000,
});

let folder: string;
let file: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'nix-cache-action-journal-'));
	file = join(folder, 'built');
	writeFileSync(file, '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (more: Partial<Parameters<typeof openJournal>[0]> = {}): Promise<Journal> =>
	openJournal({ file, stateFile: join(folder, 'state'), storeDir: '/nix/store', outputsOf: async () => [], ...more });

const read = async (journal: Journal): Promise<readonly JournalRecord[]> => (await journal.read()).records;

async function all(journal: Journal): Promise<readonly JournalRecord[]> {
	const records: JournalRecord[] = [];
	for (;;) {
		const some = await read(journal);
		if (some.length === 0) return records;
		records.push(...some);
	}
}

const append = (...texts: readonly string[]): void => appendFileSync(file, texts.join(''));

describe('the journal', () => {
	it('gives what was built, in order, with the outputs of a derivation together', async () => {
		const journal = await open();
		expect(await read(journal)).toEqual([]);
		append(line(1), line(2, 'lib'), line(2, 'lib-doc'), line(3));
		expect(await read(journal)).toEqual([record(1), record(2, 'lib', 'lib-doc'), record(3)]);
		expect(await read(journal)).toEqual([]);
		append(line(4));
		expect(await read(journal)).toEqual([record(4)]);
	});

	it('gives an output once, however often it was noted', async () => {
		const journal = await open();
		append(line(1), line(1), line(2), line(1));
		expect(await read(journal)).toEqual([record(1), record(2)]);
		append(line(2), line(1));
		expect(await read(journal)).toEqual([]);
	});

	it('waits for the end of a line', async () => {
		const journal = await open();
		append(line(1), line(2).slice(0, -30));
		expect(await read(journal)).toEqual([record(1)]);
		append(line(2).slice(-30));
		expect(await read(journal)).toEqual([record(2)]);
	});

	it('leaves out what is torn, foreign or hostile, and goes on behind it', async () => {
		const journal = await open();
		append(line(1).slice(0, -9), line(2), '\0\xff\xfe\n', 'x'.repeat(1_000_000), '\n', `\n1 0 ${drv(9)} /etc/shadow\n`, line(3));
		expect(await all(journal)).toEqual([record(2), record(3)]);
	});

	it('gives the same, however the bytes come', async () => {
		const pieces = fc.array(
			fc.oneof(
				fc.nat(9).map((n) => line(n)),
				fc.constantFrom('\n', 'x\n', line(5).slice(0, 60), '1 0 - -\n'),
			),
		);
		await fc.assert(
			fc.asyncProperty(pieces, fc.array(fc.nat(200), { minLength: 1, maxLength: 40 }), async (texts, cuts) => {
				const text = `${texts.join('')}\n`;
				writeFileSync(file, text);
				const whole = (await all(await open({ stateFile: null }))).flatMap(({ outPaths }) => outPaths);
				writeFileSync(file, '');
				const journal = await open({ stateFile: null });
				const found: string[] = [];
				for (let at = 0, cut = 0; at < text.length; cut++) {
					const length = 1 + (cuts[cut % cuts.length] ?? 0);
					append(text.slice(at, at + length));
					at += length;
					found.push(...(await all(journal)).flatMap(({ outPaths }) => outPaths));
				}
				expect(found).toEqual(whole);
			}),
			{ numRuns: 30 },
		);
	});

	it('reads a long one in parts', async () => {
		append(...Array.from({ length: 20_000 }, (_, n) => line(n)));
		const journal = await open();
		expect((await read(journal)).length).toBeLessThan(10_000);
		expect((await all(journal)).length).toBeGreaterThan(10_000);
	});

	it('stops at a size that no job reaches', async () => {
		const journal = await open();
		truncateSync(file, 40 * 1024 * 1024);
		append('\n', line(1));
		expect(await all(journal)).toEqual([]);
	});

	it('asks for the outputs where Nix did not tell them', async () => {
		append(`\n1 1700000000 ${drv(1)} -\n`, `\n1 1700000000 ${drv(2)} -\n`, line(3));
		const journal = await open({ outputsOf: async (path) => (path === drv(1) ? [out(1), out(1, 'made-doc'), out(3)] : []) });
		expect(await read(journal)).toEqual([record(1, 'made', 'made-doc'), { ...record(2), outPaths: [] }, record(3)]);
	});

	it('is empty when the file is not there, and has what comes when it is made', async () => {
		rmSync(file);
		const journal = await open();
		expect(await read(journal)).toEqual([]);
		append(line(1));
		expect(await read(journal)).toEqual([record(1)]);
	});

	it('throws `file-failed` when it can not be read', async () => {
		rmSync(file);
		mkdirSync(file);
		await expect((await open()).read()).rejects.toMatchObject({ code: 'file-failed' });
	});
});

describe('a reader that is opened later', () => {
	it('goes on behind what was kept', async () => {
		append(line(1), line(2));
		const first = await open();
		const taken = await first.read();
		append(line(3));
		await first.read();
		await taken.keep();
		expect(await all(await open())).toEqual([record(3)]);
		expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o600);
		expect(readdirSync(folder).sort()).toEqual(['built', 'state']);
	});

	it.each(['', '{"version":1,"offsetBytes":', '{"version":2,"offsetBytes":5}', '{"version":1,"offsetBytes":-5}', 'null'])(
		'begins again when what was kept is `%s`',
		async (text) => {
			append(line(1));
			writeFileSync(join(folder, 'state'), text);
			expect(await all(await open())).toEqual([record(1)]);
		},
	);

	it('reads all of it where nothing is to be kept', async () => {
		append(line(1));
		for (let n = 0; n < 2; n++) {
			const journal = await open({ stateFile: null });
			const { records, keep } = await journal.read();
			expect(records).toEqual([record(1)]);
			await keep();
		}
		expect(readdirSync(folder)).toEqual(['built']);
	});
});

describe('following the journal', () => {
	it('hands out what comes, soon after it came', async () => {
		const end = new AbortController();
		const found: string[] = [];
		const waitedMs: number[] = [];
		let sentMs = 0;
		const sendSoon = (): void => {
			setTimeout(() => {
				sentMs = performance.now();
				append(line(found.length + 1));
			}, 50);
		};
		sendSoon();
		for await (const { records } of followJournal(await open(), { file, pollMs: 60_000, signal: end.signal })) {
			waitedMs.push(performance.now() - sentMs);
			found.push(...records.flatMap(({ outPaths }) => outPaths));
			if (found.length === 3) end.abort();
			else sendSoon();
		}
		expect(found).toEqual([out(1), out(2), out(3)]);
		expect(Math.max(...waitedMs)).toBeLessThan(2_000);
	}, 10_000);

	it('sees what no watch tells of', async () => {
		const end = new AbortController();
		rmSync(file);
		setTimeout(() => append(line(1)), 100);
		for await (const { records } of followJournal(await open(), { file, pollMs: 50, signal: end.signal })) {
			expect(records).toEqual([record(1)]);
			end.abort();
		}
	});

	it('hands out what is there before it ends', async () => {
		append(...Array.from({ length: 5_000 }, (_, n) => line(n)));
		let count = 0;
		for await (const { records, keep } of followJournal(await open(), { file, signal: AbortSignal.abort() })) {
			count += records.length;
			await keep();
		}
		expect(count).toBe(5_000);
		for await (const { records } of followJournal(await open(), { file, signal: AbortSignal.abort() }))
			expect(records).toEqual([]);
	});

	it('leaves to the next reader what was not kept', async () => {
		append(line(1), line(2));
		const signal = AbortSignal.abort();
		const follow = async (): Promise<readonly JournalRecord[]> => {
			const found: JournalRecord[] = [];
			for await (const { records } of followJournal(await open(), { file, signal })) found.push(...records);
			return found;
		};
		expect(await follow()).toEqual([record(1), record(2)]);
		expect(await follow()).toEqual([record(1), record(2)]);
	});

	it('ends soon after the signal while it waits', async () => {
		const end = new AbortController();
		setTimeout(() => end.abort(), 50);
		const startMs = performance.now();
		for await (const { records } of followJournal(await open(), { file, pollMs: 60_000, signal: end.signal }))
			expect(records).toEqual([]);
		expect(performance.now() - startMs).toBeLessThan(2_000);
	});
});
