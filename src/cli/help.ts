import type { Command, Operand, Option } from './command.ts';
import { COMMANDS, COMMON, optionsOf, PROGRAM } from './commands.ts';

/** Texts for a terminal: 80 columns, no colour. */
const WIDTH = 80;
const INDENT = '  ';
/** Where meanings begin. */
const COLUMN = 28;

export function programHelp(): string {
	return [
		`${PROGRAM}: push to and read from any Nix binary cache`,
		'',
		`Usage: ${PROGRAM} COMMAND [ARGUMENTS]`,
		'',
		'Commands:',
		...COMMANDS.flatMap(({ name, summary }) => entry(name, `${summary}.`)),
		'',
		'Options of all commands:',
		...COMMON.flatMap((option) => entry(labelOf(option), option.meaning)),
		...entry('    --version', 'Show the version.'),
		'',
		...wrapped('Keys, passwords and tokens are taken from environment variables, never from the command line.', ''),
		`\`${PROGRAM} COMMAND --help\` shows what a command takes.`,
		'',
	].join('\n');
}

export function commandHelp(command: Command): string {
	const { summary, description, variables, exits, examples, operands, json } = command;
	return [
		`${summary}.`,
		'',
		`Usage: ${usageOf(command)}`,
		...description.flatMap((paragraph) => ['', ...wrapped(plain(paragraph), '')]),
		...section(
			'Arguments',
			operands.flatMap(({ name, meaning }) => entry(name, plain(meaning))),
		),
		...section(
			'Options',
			optionsOf(command).flatMap((option) => entry(labelOf(option), plain(meaningOf(option, json)))),
		),
		...section(
			'Environment',
			variables.flatMap(({ name, meaning }) => entry(name, plain(meaning))),
		),
		...section(
			'Exit status',
			exits.flatMap(({ status, meaning }) => entry(String(status), plain(meaning))),
		),
		...section(
			'Examples',
			examples.map((line) => `${INDENT}${line}`),
		),
		'',
	].join('\n');
}

export function usageOf(command: Command): string {
	return [PROGRAM, command.name, '[OPTIONS]', ...command.operands.map(operandOf)].join(' ');
}

function operandOf({ name, count }: Operand): string {
	switch (count) {
		case 'one':
			return name;
		case 'many':
			return `${name}...`;
		case 'optional':
			return `[${name}]`;
		case 'any':
			return `[${name}...]`;
	}
}

export function labelOf({ name, short, value }: Option): string {
	return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === null ? '' : ` ${value}`}`;
}

/** With what else there is to say of its value. */
export function meaningOf({ name, meaning, choices, default: otherwise, repeats }: Option, json: string | null): string {
	if (name === 'json' && json !== null) return `${meaning.replace(/\.$/, '')}: ${json}.`;
	const more = [
		...(choices === undefined ? [] : [`One of ${choices.map((choice) => `\`${choice}\``).join(', ')}.`]),
		...(otherwise === undefined ? [] : [`Default: \`${otherwise}\`.`]),
		...(repeats === true ? ['May be given more than once.'] : []),
	];
	return [meaning, ...more].join(' ');
}

function section(title: string, lines: readonly string[]): readonly string[] {
	return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}

function entry(label: string, meaning: string): readonly string[] {
	const head = `${INDENT}${label}`;
	const lines = wrapped(meaning, ' '.repeat(COLUMN));
	return head.length < COLUMN ? [`${head.padEnd(COLUMN)}${lines[0]?.trimStart() ?? ''}`, ...lines.slice(1)] : [head, ...lines];
}

/** Markdown's marks are for the documentation. */
function plain(text: string): string {
	return text.replaceAll('`', '');
}

function wrapped(text: string, indent: string): readonly string[] {
	const lines: string[] = [];
	let line = indent;
	for (const word of text.split(' ')) {
		if (line.length > indent.length && line.length + word.length >= WIDTH) {
			lines.push(line.trimEnd());
			line = indent;
		}
		line += `${word} `;
	}
	return [...lines, line.trimEnd()];
}
