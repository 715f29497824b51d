/** What the runner makes of the lines that a step prints: `::commands::`, annotations, and secrets replaced. */

export interface Annotation {
	readonly level: 'error' | 'warning' | 'notice';
	readonly title: string;
	readonly message: string;
}

/** The log of one stage. */
export interface StageLog {
	/** As people see it: commands carried out, secrets replaced. */
	readonly shown: readonly string[];
	/** As the process printed it, but for `::add-mask::` lines. What leaks is looked for in here. */
	readonly raw: readonly string[];
	readonly annotations: readonly Annotation[];
	readonly groups: readonly string[];
	/** Commands that the runner no longer carries out. */
	readonly problems: readonly string[];
}

/** The secrets that a job's log hides, from `secrets.*` and from `::add-mask::`, with the encodings that the runner knows. */
export class Masks {
	readonly #forms = new Set<string>();

	add(secret: string): void {
		for (const line of secret.split(/\r?\n/)) {
			if (line.trim() === '') continue;
			for (const form of encodings(line)) this.#forms.add(form);
		}
	}

	has(secret: string): boolean {
		return this.#forms.has(secret);
	}

	hide(text: string): string {
		let hidden = text;
		for (const form of [...this.#forms].sort((a, b) => b.length - a.length)) hidden = hidden.replaceAll(form, '***');
		return hidden;
	}
}

/**
 * Forms in which a secret may show up: itself, in a URL, in JSON, and in base64 wherever it starts in what was encoded (the three
 * alignments, without the characters at the ends that depend on the neighbours).
 */
export function encodings(secret: string): readonly string[] {
	const bytes = Buffer.from(secret);
	const shifted = [0, 1, 2].map((shift) => {
		const text = Buffer.concat([Buffer.alloc(shift), bytes])
			.toString('base64')
			.replace(/=+$/, '');
		const first = shift === 0 ? 0 : shift + 1;
		const last = (shift + bytes.length) % 3 === 0 ? text.length : text.length - 1;
		return text.slice(first, last);
	});
	const long = shifted.filter((form) => form.length >= 6);
	return [...new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...long])];
}

/** Commands that write to a file since 2022; the runner refuses or ignores them when printed. */
const REPLACED_BY_FILES = ['set-output', 'save-state', 'set-env', 'add-path'];

/** Takes the lines of one stage, in the order in which they were printed. */
export class JobLog {
	readonly #masks: Masks;
	readonly #onLine: (shown: string) => void;
	readonly #debug: boolean;
	readonly #shown: string[] = [];
	readonly #raw: string[] = [];
	readonly #annotations: Annotation[] = [];
	readonly #groups: string[] = [];
	readonly #problems: string[] = [];
	#stopToken: string | null = null;

	constructor(masks: Masks, debug: boolean, onLine: (shown: string) => void) {
		this.#masks = masks;
		this.#debug = debug;
		this.#onLine = onLine;
	}

	take(line: string): void {
		const command = parseCommand(line);
		if (this.#stopToken !== null) {
			if (command?.name === this.#stopToken) this.#stopToken = null;
			else this.#print(line, line);
			return;
		}
		if (command === null) this.#print(line, line);
		else this.#obey(line, command);
	}

	/** A problem that the runner itself has with the step, shown as an error. */
	addError(message: string): void {
		this.#annotate('error', message, {});
		this.#show(`##[error]${message}`);
	}

	finish(): StageLog {
		return {
			shown: this.#shown,
			raw: this.#raw,
			annotations: this.#annotations,
			groups: this.#groups,
			problems: this.#problems,
		};
	}

	#obey(line: string, { name, properties, data }: Command): void {
		switch (name) {
			case 'add-mask':
				this.#masks.add(data);
				return;
			case 'stop-commands':
				this.#stopToken = data;
				return;
			case 'error':
			case 'warning':
			case 'notice':
				this.#annotate(name, data, properties);
				this.#print(line, `##[${name}]${data}`);
				return;
			case 'debug':
				this.#raw.push(line);
				if (this.#debug) this.#show(`##[debug]${data}`);
				return;
			case 'group':
				this.#groups.push(this.#masks.hide(data));
				this.#print(line, `##[group]${data}`);
				return;
			case 'endgroup':
				this.#print(line, '##[endgroup]');
				return;
			default:
				if (REPLACED_BY_FILES.includes(name)) this.#problems.push(`The \`${name}\` command is disabled.`);
				this.#print(line, line);
		}
	}

	#annotate(level: Annotation['level'], message: string, properties: Readonly<Record<string, string>>): void {
		this.#annotations.push({ level, title: this.#masks.hide(properties.title ?? ''), message: this.#masks.hide(message) });
	}

	#print(raw: string, shown: string): void {
		this.#raw.push(raw);
		this.#show(shown);
	}

	#show(text: string): void {
		const shown = this.#masks.hide(text);
		this.#shown.push(shown);
		this.#onLine(shown);
	}
}

interface Command {
	readonly name: string;
	readonly properties: Readonly<Record<string, string>>;
	readonly data: string;
}

/** `::name key=value,key=value::data`, with `%25 %0D %0A` escapes, and `%3A %2C` in properties. */
function parseCommand(line: string): Command | null {
	const [, name, list = '', data = ''] = /^\s*::([^\s:]+)(?:\s+(.*?))?::(.*)$/s.exec(line) ?? [];
	if (name === undefined) return null;
	const properties = list.split(',').flatMap((pair) => {
		const equals = pair.indexOf('=');
		return equals < 0 ? [] : [[pair.slice(0, equals).trim(), unescapeProperty(pair.slice(equals + 1))] as const];
	});
	return { name: name.toLowerCase(), properties: Object.fromEntries(properties), data: unescapeData(data) };
}

function unescapeData(text: string): string {
	return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}

function unescapeProperty(text: string): string {
	return unescapeData(text.replaceAll('%3A', ':').replaceAll('%2C', ','));
}
