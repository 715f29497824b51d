/** Pure: the one line in the system's nix.conf, put in and taken out so that every other byte stays, in whatever order several are undone. */

/** First line of a configuration that was not there before; with it the file goes when the last include does. */
const CREATED = '# Created by nix-cache-action; goes with its last include.\n';

const MARK = ' # by nix-cache-action, until the end of the job';

/** With a line break in front, too: whether the file ended with one need not be remembered. */
function insertion(includeFile: string): string {
	return `\n!include ${includeFile}${MARK}\n`;
}

/** The files that this action's includes name, those of other jobs too. */
export function includesIn(text: string): readonly string[] {
	return text.split('\n').flatMap((line) => (line.endsWith(MARK) ? [line.slice('!include '.length, -MARK.length)] : []));
}

/**
 * The text with the include at its end; the same text when no other include of this action comes behind it already. `null` stands for a file that is not there. The last one's
 * netrc counts, which has the entries of those before it.
 */
export function withInclude(text: string | null, includeFile: string): string {
	const before = text ?? CREATED;
	if (includesIn(before).at(-1) === includeFile) return before;
	return (withoutInclude(before, includeFile) ?? CREATED) + insertion(includeFile);
}

/** The text without the include; `null` when the file was ours and nothing else is in it. */
export function withoutInclude(text: string | null, includeFile: string): string | null {
	if (text === null) return null;
	const inserted = insertion(includeFile);
	const at = text.indexOf(inserted);
	if (at < 0) return text === CREATED ? null : text;
	const before = text.slice(0, at);
	const after = text.slice(at + inserted.length);
	if (before === CREATED && after === '') return null;
	// What somebody appended meanwhile must not become one line with what stood last before.
	const glue = before === '' || before.endsWith('\n') || after === '' || after.startsWith('\n') ? '' : '\n';
	return before + glue + after;
}
