import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJournalLine } from '../../src/hook/record.ts';

const DRV = `/nix/store/${'a'.repeat(32)}-some.drv`;
const OUT = `/nix/store/${'b'.repeat(32)}-some`;

const parse = (line: string) => parseJournalLine(line, '/nix/store');

describe('a line of the journal', () => {
	it('names a derivation and an output', () => {
		expect(parse(`1 1700000000 ${DRV} ${OUT}`)).toEqual({ drvPath: DRV, outPath: OUT, timeMs: 1_700_000_000_000 });
	});

	it('may leave out one of them', () => {
		expect(parse(`1 0 ${DRV} -`)).toEqual({ drvPath: DRV, outPath: null, timeMs: 0 });
		expect(parse(`1 0 - ${OUT}`)).toEqual({ drvPath: null, outPath: OUT, timeMs: 0 });
	});

	it.each([
		['is empty', ''],
		['names nothing', '1 0 - -'],
		['is of another version', `2 0 ${DRV} ${OUT}`],
		['is cut off', `1 0 ${DRV} ${OUT.slice(0, 20)}`],
		['is two in one', `1 0 ${DRV} /nix/sto1 0 ${DRV} ${OUT}`],
		['is about another store', `1 0 /gnu${DRV} /gnu${OUT}`],
		['leads out of the store', `1 0 ${DRV} /nix/store/../../etc/shadow`],
		['leads into a path', `1 0 ${DRV} ${OUT}/bin`],
		['has a derivation that is none', `1 0 ${OUT} ${OUT}`],
		['has a time that is none', `1 -5 ${DRV} ${OUT}`],
		['has a time of many digits', `1 ${'9'.repeat(400)} ${DRV} ${OUT}`],
		['has a control character', `1 0 ${DRV} ${OUT}\r`],
		['is very long', `1 0 ${DRV} /nix/store/${'b'.repeat(32)}-${'x'.repeat(5000)}`],
	])('is left out when it %s', (_what, line) => {
		expect(parse(line)).toBeNull();
	});

	it('never gives anything but paths directly in the store, whatever it is', () => {
		const word = fc.constantFrom('1', '0', '-', DRV, OUT, '', `${OUT}/x`, '/etc/passwd', '..', '\n', ' ', '1700000000');
		fc.assert(
			fc.property(
				fc.oneof(
					fc.string(),
					fc.array(word, { maxLength: 8 }).map((words) => words.join(' ')),
				),
				(line) => {
					const record = parse(line);
					if (record === null) return;
					for (const path of [record.drvPath, record.outPath]) {
						expect(path ?? OUT).toMatch(/^\/nix\/store\/[0-9a-z]{32}-[^/\s]+$/);
					}
				},
			),
		);
	});
});
