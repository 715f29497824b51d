import type { Log } from '../log.ts';
import { createMasking } from '../phases/masking.ts';
import { inOurWords } from './words.ts';

/** Where a command writes: results to standard output, everything else to standard error. No secret that `log.mask` was told of gets to either. */
export interface Terminal {
	readonly log: Log;
	/** A line of the result. */
	print(line: string): void;
	/** Why it ends without a result; one line for people on standard error. */
	fail(message: string): void;
}

export interface TerminalOptions {
	readonly out: (text: string) => void;
	readonly err: (text: string) => void;
	readonly talk: 'quiet' | 'normal' | 'verbose';
	/** Standard error is a terminal that people look at. */
	readonly isColoured: boolean;
}

const COLOURS = { warning: 33, error: 31, notice: 36 } as const;

export function createTerminal({ out, err, talk, isColoured }: TerminalOptions): Terminal {
	const { add, clean } = createMasking();
	const say = (message: string): void => err(`${shown(clean(inOurWords(message)))}\n`);
	const labelled = (label: keyof typeof COLOURS, message: string): void => {
		const text = shown(clean(inOurWords(message)));
		err(`${isColoured ? `\x1b[1;${COLOURS[label]}m${label}:\x1b[0m` : `${label}:`} ${text}\n`);
	};
	const log: Log = {
		debug: (message) => void (talk === 'verbose' && say(message)),
		info: (message) => void (talk !== 'quiet' && say(message)),
		notice: (message) => void (talk !== 'quiet' && labelled('notice', message)),
		warning: (message) => labelled('warning', message),
		error: (message) => labelled('error', message),
		group(title, body) {
			log.info(title);
			return body();
		},
		mask: (secret) => void add(secret),
	};
	return { log, print: (line) => out(`${shown(clean(line))}\n`), fail: (message) => labelled('error', message) };
}

/** Text from elsewhere (a server's answer, a file name) must not move the cursor or change the title. Lines and tabs stay. */
function shown(text: string): string {
	return text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, '?');
}
