import { oneLine } from './words.ts';

/** A page with thousands of rows helps nobody; all of them are in the JSON report. */
export const MAX_ROWS = 100;
const CELL_LIMIT = 500;

/** Lines of a table with numbers in all columns but the first. */
export function numbersTable(columns: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
	const rules = columns.map((_, index) => (index === 0 ? '---' : '---:'));
	return ['', row(columns), row(rules), ...bodyOf(rows, columns.length)];
}

/** Lines of a table under a title that unfolds it; none without rows. `title` is our own text. */
export function foldedTable(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
	if (rows.length === 0) return [];
	const head = [row(columns), row(columns.map(() => '---'))];
	return ['', `<details><summary>${title}</summary>`, '', ...head, ...bodyOf(rows, columns.length), '', '</details>'];
}

function bodyOf(rows: readonly (readonly string[])[], columns: number): readonly string[] {
	const shown = rows.slice(0, MAX_ROWS).map((cells) => row(cells.map(cell)));
	const left = rows.length - shown.length;
	return left === 0 ? shown : [...shown, row([`and ${left} more`, ...Array.from({ length: columns - 1 }, () => '')])];
}

function row(cells: readonly string[]): string {
	return `| ${cells.join(' | ')} |`;
}

/**
 * Text from elsewhere (names, answers of servers) as one line that shows it as it is. As entities, because those are never markup:
 * no HTML, Markdown, mention, formula or link; control characters and those that turn the direction of writing are not shown.
 */
export function cell(text: string): string {
	const short = text.length > CELL_LIMIT ? `${text.slice(0, CELL_LIMIT)}…` : text;
	return (
		oneLine(short)
			.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '�')
			// At the start of a line, `-`, `+` and `1.` begin a list, and `=` makes a title of the line before.
			.replace(/[&<>"'`*_[\]\\|#~@$!:]|^[-+=]|(?<=^\d{1,9})[.)](?= |$)/g, (character) => `&#${character.charCodeAt(0)};`)
	);
}
