import fc from 'fast-check';
import { isCacheError } from '../../src/errors.ts';

/** The value of `parse`, or `null` when it threw the one error that bad bytes may cause. Any other error passes. */
export function unlessInvalid<T>(parse: () => T): T | null {
	try {
		return parse();
	} catch (error) {
		if (isCacheError(error, 'format-invalid')) return null;
		throw error;
	}
}

/** The message (and hint) of the `format-invalid` that `parse` throws. */
export function invalidMessage(parse: () => unknown): string {
	try {
		parse();
	} catch (error) {
		if (isCacheError(error, 'format-invalid')) return [error.message, error.hint ?? ''].join(' ').trim();
		throw error;
	}
	throw new Error('It was accepted.');
}

const edit = fc.record({
	at: fc.nat(),
	remove: fc.nat({ max: 12 }),
	insert: fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('\n', '\r\n', '\0', ':', ' ', '"', '\\', '#', '\u{1f600}', '-')),
});

/** Texts that are almost `text`: a few places cut out or written over. */
export function mutations(text: string): fc.Arbitrary<string> {
	return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) =>
		edits.reduce((current, { at, remove, insert }) => {
			const start = at % (current.length + 1);
			return current.slice(0, start) + insert + current.slice(start + remove);
		}, text),
	);
}
