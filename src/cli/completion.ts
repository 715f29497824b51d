import type { Command, Option } from './command.ts';
import { COMMANDS, optionsOf, PROGRAM } from './commands.ts';

/** A script that tells a shell what may follow on a command line; `null` for a shell that is not known. */
export function completionFor(shell: string): string | null {
	switch (shell) {
		case 'bash':
			return bash();
		case 'zsh':
			return zsh();
		case 'fish':
			return fish();
		default:
			return null;
	}
}

const FUNCTION = '_nix_cache_action';

function bash(): string {
	const cases = COMMANDS.flatMap((command) => [
		`\t\t${command.name})`,
		`\t\t\toptions='${optionsOf(command)
			.map(({ name }) => `--${name}`)
			.join(' ')}'`,
		...optionsOf(command).flatMap((option) =>
			option.value === null
				? []
				: [`\t\t\tif [[ $previous == --${option.name} ]]; then ${bashWords(option.choices, option.completes)}; return; fi`],
		),
		`\t\t\tif [[ $current != -* ]]; then ${bashWords(...operandWords(command))}; return; fi`,
		'\t\t\t;;',
	]);
	return `${[
		`${FUNCTION}() {`,
		`\tlocal current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} options='' file`,
		'\tCOMPREPLY=()',
		'\tif ((COMP_CWORD == 1)); then',
		`\t\tCOMPREPLY=($(compgen -W '${COMMANDS.map(({ name }) => name).join(' ')} --help --version' -- "$current"))`,
		'\t\treturn',
		'\tfi',
		`\tcase \${COMP_WORDS[1]} in`,
		...cases,
		'\tesac',
		'\tCOMPREPLY=($(compgen -W "$options" -- "$current"))',
		'}',
		`complete -F ${FUNCTION} ${PROGRAM}`,
	].join('\n')}\n`;
}

/** As names of files, which are quoted where they have blanks. The bash of macOS is 3.2, without `compopt` and `mapfile`. */
const BASH_FILES =
	'compopt -o filenames 2> /dev/null; while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$current")';

function bashWords(choices: readonly string[] | undefined, completes: 'files' | undefined): string {
	if (choices !== undefined) return `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$current"))`;
	return completes === 'files' ? BASH_FILES : 'COMPREPLY=()';
}

/** What the arguments of a command may be: words, or files. */
function operandWords({ operands }: Command): readonly [words: readonly string[] | undefined, files: 'files' | undefined] {
	const words = operands.flatMap(({ completes }) => (Array.isArray(completes) ? completes : []));
	const takesFiles = operands.some(({ completes }) => completes === 'files');
	return [words.length === 0 ? undefined : words, takesFiles ? 'files' : undefined];
}

function zsh(): string {
	const cases = COMMANDS.flatMap((command) => [
		`\t\t${command.name})`,
		'\t\t\t_arguments \\',
		...optionsOf(command).map((option) => `\t\t\t\t${zshQuoted(zshOption(option))} \\`),
		`\t\t\t\t${zshQuoted(zshOperands(command))}`,
		'\t\t\t;;',
	]);
	return `${[
		`#compdef ${PROGRAM}`,
		`${FUNCTION}() {`,
		'\tlocal line state',
		"\t_arguments -C '--help[show help]' '--version[show the version]' '1: :->command' '*:: :->arguments'",
		'\tcase $state in',
		'\t(command)',
		'\t\tlocal -a commands=(',
		...COMMANDS.map(({ name, summary }) => `\t\t\t${zshQuoted(`${name}:${summary}`)}`),
		'\t\t)',
		'\t\t_describe command commands',
		'\t\t;;',
		'\t(arguments)',
		'\t\tcase $line[1] in',
		...cases,
		'\t\tesac',
		'\t\t;;',
		'\tesac',
		'}',
		'if [[ $funcstack[1] == _nix-cache-action ]]; then',
		`\t${FUNCTION} "$@"`,
		'else',
		`\tcompdef ${FUNCTION} ${PROGRAM}`,
		'fi',
	].join('\n')}\n`;
}

function zshOption({ name, value, meaning, choices, completes, repeats }: Option): string {
	const text = firstSentence(meaning).replace(/[[\]:\\]/g, '\\$&');
	const head = `${repeats === true ? '*' : ''}--${name}[${text}]`;
	if (value === null) return head;
	const action = choices === undefined ? (completes === 'files' ? '_files' : ' ') : `(${choices.join(' ')})`;
	return `${head}:${value}:${action}`;
}

function zshOperands(command: Command): string {
	const [words, files] = operandWords(command);
	if (words !== undefined) return `*: :(${words.join(' ')})`;
	return files === 'files' ? '*: :_files' : '*: : ';
}

function zshQuoted(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}

function fish(): string {
	const given = '__nix_cache_action_command';
	const isFirst = `-n 'not ${given}'`;
	const lines = COMMANDS.flatMap((command) => {
		const within = `-n '${given} ${command.name}'`;
		const [words, files] = operandWords(command);
		return [
			`complete -c ${PROGRAM} ${isFirst} -a ${command.name} -d ${fishQuoted(command.summary)}`,
			...(words === undefined ? [] : [`complete -c ${PROGRAM} ${within} -a '${words.join(' ')}'`]),
			...(files === undefined ? [] : [`complete -c ${PROGRAM} -F ${within}`]),
			...optionsOf(command).map((option) => `complete -c ${PROGRAM} ${within} ${fishOption(option)}`),
		];
	});
	return `${[
		// Whether there is a command, and it is this one.
		`function ${given}`,
		'\tset -l words (commandline -opc)',
		'\tset -q words[2]; or return 1',
		'\tset -q argv[1]; or return 0',
		'\ttest "$words[2]" = "$argv[1]"',
		'end',
		`complete -c ${PROGRAM} -f`,
		`complete -c ${PROGRAM} ${isFirst} -l help -s h -d 'Show all commands'`,
		`complete -c ${PROGRAM} ${isFirst} -l version -d 'Show the version'`,
		...lines,
	].join('\n')}\n`;
}

function fishOption({ name, short, value, meaning, choices, completes }: Option): string {
	const takes = value === null ? '' : completes === 'files' ? ' -r -F' : ' -x';
	const words = choices === undefined ? '' : ` -a '${choices.join(' ')}'`;
	return `-l ${name}${short === undefined ? '' : ` -s ${short}`}${takes}${words} -d ${fishQuoted(firstSentence(meaning))}`;
}

function fishQuoted(text: string): string {
	return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** Shells show it in one line. */
function firstSentence(text: string): string {
	const plain = text.replaceAll('`', '');
	return /^.*?(?=[.;,:] |\.$)/.exec(plain)?.[0] ?? plain;
}
