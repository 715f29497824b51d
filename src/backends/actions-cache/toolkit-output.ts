/** What `@actions/cache` says, as far as it tells what became of a call: it returns the same for a miss and for most failures. */
import { CacheError } from '../../errors.ts';
import { denialIn, THROTTLED_HINT } from './twirp.ts';

/** One line, without the command to the runner that it was. */
export interface ToolkitLine {
	/** `debug`, `warning`, `error`, ...; '' for plain text. */
	readonly level: string;
	readonly text: string;
}

const COMMAND = /^::([\w-]+)(?: [^:]*)?::/;
/** It gives a URL whole, and then shows it inside of JSON. */
const LONGEST_TEXT = 2_000;

/** The lines of `output`. What it tells the runner to mask is given to `mask`, and is not in them. */
export function linesOf(output: string, mask: (secret: string) => void): readonly ToolkitLine[] {
	const all = output.split('\n').map((line) => {
		const level = COMMAND.exec(line)?.[1] ?? '';
		return { level, text: level === '' ? line : unescaped(line.replace(COMMAND, '')) };
	});
	const secrets = new Set(all.filter(({ level, text }) => level === 'add-mask' && text !== '').map(({ text }) => text));
	for (const secret of secrets) mask(secret);
	return all
		.filter(({ level, text }) => level !== 'add-mask' && text.trim() !== '')
		.map(({ level, text }) => ({ level, text: without(secrets, text).replace(/\s+/g, ' ').trim().slice(0, LONGEST_TEXT) }));
}

/** https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts, `escapeData`, backwards. */
function unescaped(text: string): string {
	return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}

function without(secrets: ReadonlySet<string>, text: string): string {
	return [...secrets].reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}

/** Why the call was not done; `exists`: another entry has the key; `null`: it does not say that it failed. */
export function failureIn(lines: readonly ToolkitLine[]): CacheError | 'exists' | null {
	const reasons = lines.filter(isReason);
	const said = reasons.map(({ text }) => text).join('\n');
	const denial = denialIn(said);
	if (denial !== null) return denial;
	if (/rate limit|too many requests|\b429\b/i.test(said)) {
		return new CacheError('cache-throttled', 'The Actions cache limits the rate of requests now.', { hint: THROTTLED_HINT });
	}
	if (/storage quota has been hit/i.test(said)) return denialIn('insufficient usage');
	const skipped = /effective cache-mode '([^']*)' does not permit (reads|writes)/.exec(said);
	if (skipped !== null) {
		const code = skipped[2] === 'reads' ? 'cache-forbidden' : 'cache-read-only';
		return new CacheError(code, `The workflow's \`cache-mode: ${skipped[1]}\` does not permit ${skipped[2]}.`);
	}
	if (/already exist|response was not ok|more details: (?:undefined|null)?$/im.test(said)) return 'exists';
	const failed = reasons.some(({ level, text }) => level === 'error' || /^failed to (?:restore|save)/i.test(text));
	return failed ? new CacheError('cache-failing', `The Actions cache failed: ${reasonIn(lines)}`) : null;
}

/** Whether an entry that has an id was not saved all the same. */
export function saysNotSaved(lines: readonly ToolkitLine[]): boolean {
	return lines.some(({ level, text }) => level !== 'debug' && /^failed to save/i.test(text));
}

/** The last line that tells of a failure, as a sentence. */
export function reasonIn(lines: readonly ToolkitLine[]): string {
	const text = lines.findLast((line) => isReason(line) && line.level !== 'debug')?.text ?? lines.findLast(isReason)?.text;
	return `${(text ?? 'it gave no reason').slice(0, 300).replace(/\.$/, '')}.`;
}

/** Paths, headers and bodies are among the debug lines too. */
function isReason({ level, text }: ToolkitLine): boolean {
	return level === 'error' || /\b(?:failed|denied|error|unable|limit|permit)\b/i.test(text);
}
