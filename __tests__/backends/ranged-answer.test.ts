import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NarBytes } from '../../src/backends/path-reader.ts';
import { bytesOf } from '../../src/backends/ranged-answer.ts';
import { CacheError } from '../../src/errors.ts';
import type { HttpAnswer } from '../../src/http/client.ts';

type Answered = HttpAnswer & { readonly stream: Readable };

function answer(status: number, headers: Readonly<Record<string, string>>, parts: readonly string[] = []): Answered {
	const stream = Readable.from(
		parts.map((part) => Buffer.from(part)),
		{ objectMode: false },
	);
	const header = (name: string): string | null => headers[name] ?? null;
	return { status, reason: '', header, headers: () => headers, bytes: new Uint8Array(), stream };
}

/** Of an answer that says how long it is. */
function measured(...given: Parameters<typeof bytesOf>): NarBytes {
	const opened = bytesOf(...given);
	if (opened.totalBytes === null) throw new Error('it does not say how long it is');
	return opened;
}

const textOf = async (stream: Readable): Promise<string> => String(await buffer(stream));

describe('a streamed answer', () => {
	it('gives the whole with its length', async () => {
		const { totalBytes, range, stream } = measured(answer(200, { 'content-length': '6' }, ['abc', 'def']), null, 'x');
		expect({ totalBytes, range }).toEqual({ totalBytes: 6, range: { start: 0, end: 5 } });
		expect(await textOf(stream)).toBe('abcdef');
	});

	it('gives the part that was asked for, with an end past the last byte as well', async () => {
		const part = answer(206, { 'content-range': 'bytes 2-5/6' }, ['cdef']);
		const { totalBytes, range, stream } = measured(part, { start: 2, end: 999 }, 'x');
		expect({ totalBytes, range }).toEqual({ totalBytes: 6, range: { start: 2, end: 5 } });
		expect(await textOf(stream)).toBe('cdef');
	});

	it('is cut to the part by us when the server ignores the range', async () => {
		const text = 'abcdefghijklmnop';
		await fc.assert(
			fc.asyncProperty(
				fc.nat(text.length - 1),
				fc.nat(2 * text.length),
				fc.array(fc.integer({ min: 1, max: 5 })),
				async (start, more, cuts) => {
					let rest = text;
					const parts = cuts.map((length) => {
						const part = rest.slice(0, length);
						rest = rest.slice(length);
						return part;
					});
					const all = [...parts, rest].filter((part) => part !== '');
					const whole = answer(200, { 'content-length': `${text.length}` }, all);
					const { range, stream } = measured(whole, { start, end: start + more }, 'x');
					expect(range).toEqual({ start, end: Math.min(start + more, text.length - 1) });
					expect(await textOf(stream)).toBe(text.slice(start, start + more + 1));
					expect(whole.stream.destroyed).toBe(true);
				},
			),
			{ numRuns: 60 },
		);
	});

	it('without a length is all that there is, whatever part was asked for', async () => {
		for (const asked of [null, { start: 2, end: 3 }]) {
			const { totalBytes, stream } = bytesOf(answer(200, {}, ['abc', 'def']), asked, 'x');
			expect(totalBytes).toBeNull();
			expect(await textOf(stream)).toBe('abcdef');
		}
	});

	it('that refuses the range tells the length', () => {
		const refused = answer(416, { 'content-range': 'bytes */6' });
		expect(bytesOf(refused, { start: 6, end: 9 }, 'x')).toMatchObject({ totalBytes: 6 });
		expect(refused.stream.destroyed).toBe(true);
	});

	it.each<[string, Answered, { start: number; end: number } | null, RegExp]>([
		['is encoded', answer(200, { 'content-length': '9', 'content-encoding': 'gzip' }), null, /encoded/],
		['is another part', answer(206, { 'content-range': 'bytes 0-3/6' }), { start: 2, end: 3 }, /other bytes/],
		['is a part that does not say which', answer(206, {}), { start: 2, end: 3 }, /other bytes/],
		[
			'is a part that was not asked for to its end',
			answer(206, { 'content-range': 'bytes 2-2/6' }),
			{ start: 2, end: 3 },
			/other/,
		],
		['refuses and tells no length', answer(416, {}), { start: 2, end: 3 }, /does not say how long/],
	])('that %s is refused, and given up', (_, wrong, asked, message) => {
		expect(() => bytesOf(wrong, asked, 'nar/x')).toThrow(CacheError);
		expect(() => bytesOf(wrong, asked, 'nar/x')).toThrow(message);
		expect(wrong.stream.destroyed).toBe(true);
	});
});
