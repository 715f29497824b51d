export const id = 911;
export const ids = [911];
export const modules = {

/***/ 9911:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  printCompletion: () => (/* binding */ printCompletion)
});

// EXTERNAL MODULE: ./build/cli/commands.js
var commands = __webpack_require__(8455);
;// CONCATENATED MODULE: ./build/cli/completion.js

/** A script that tells a shell what may follow on a command line; `null` for a shell that is not known. */
function completionFor(shell) {
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
function bash() {
    const cases = commands/* COMMANDS */.Lo.flatMap((command) => [
        `\t\t${command.name})`,
        `\t\t\toptions='${(0,commands/* optionsOf */.cz)(command)
            .map(({ name }) => `--${name}`)
            .join(' ')}'`,
        ...(0,commands/* optionsOf */.cz)(command).flatMap((option) => option.value === null
            ? []
            : [`\t\t\tif [[ $previous == --${option.name} ]]; then ${bashWords(option.choices, option.completes)}; return; fi`]),
        `\t\t\tif [[ $current != -* ]]; then ${bashWords(...operandWords(command))}; return; fi`,
        '\t\t\t;;',
    ]);
    return `${[
        `${FUNCTION}() {`,
        `\tlocal current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} options='' file`,
        '\tCOMPREPLY=()',
        '\tif ((COMP_CWORD == 1)); then',
        `\t\tCOMPREPLY=($(compgen -W '${commands/* COMMANDS */.Lo.map(({ name }) => name).join(' ')} --help --version' -- "$current"))`,
        '\t\treturn',
        '\tfi',
        `\tcase \${COMP_WORDS[1]} in`,
        ...cases,
        '\tesac',
        '\tCOMPREPLY=($(compgen -W "$options" -- "$current"))',
        '}',
        `complete -F ${FUNCTION} ${commands/* PROGRAM */.RX}`,
    ].join('\n')}\n`;
}
/** As names of files, which are quoted where they have blanks. The bash of macOS is 3.2, without `compopt` and `mapfile`. */
const BASH_FILES = 'compopt -o filenames 2> /dev/null; while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$current")';
function bashWords(choices, completes) {
    if (choices !== undefined)
        return `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$current"))`;
    return completes === 'files' ? BASH_FILES : 'COMPREPLY=()';
}
/** What the arguments of a command may be: words, or files. */
function operandWords({ operands }) {
    const words = operands.flatMap(({ completes }) => (Array.isArray(completes) ? completes : []));
    const takesFiles = operands.some(({ completes }) => completes === 'files');
    return [words.length === 0 ? undefined : words, takesFiles ? 'files' : undefined];
}
function zsh() {
    const cases = commands/* COMMANDS */.Lo.flatMap((command) => [
        `\t\t${command.name})`,
        '\t\t\t_arguments \\',
        ...(0,commands/* optionsOf */.cz)(command).map((option) => `\t\t\t\t${zshQuoted(zshOption(option))} \\`),
        `\t\t\t\t${zshQuoted(zshOperands(command))}`,
        '\t\t\t;;',
    ]);
    return `${[
        `#compdef ${commands/* PROGRAM */.RX}`,
        `${FUNCTION}() {`,
        '\tlocal line state',
        "\t_arguments -C '--help[show help]' '--version[show the version]' '1: :->command' '*:: :->arguments'",
        '\tcase $state in',
        '\t(command)',
        '\t\tlocal -a commands=(',
        ...commands/* COMMANDS */.Lo.map(({ name, summary }) => `\t\t\t${zshQuoted(`${name}:${summary}`)}`),
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
        `\tcompdef ${FUNCTION} ${commands/* PROGRAM */.RX}`,
        'fi',
    ].join('\n')}\n`;
}
function zshOption({ name, value, meaning, choices, completes, repeats }) {
    const text = firstSentence(meaning).replace(/[[\]:\\]/g, '\\$&');
    const head = `${repeats === true ? '*' : ''}--${name}[${text}]`;
    if (value === null)
        return head;
    const action = choices === undefined ? (completes === 'files' ? '_files' : ' ') : `(${choices.join(' ')})`;
    return `${head}:${value}:${action}`;
}
function zshOperands(command) {
    const [words, files] = operandWords(command);
    if (words !== undefined)
        return `*: :(${words.join(' ')})`;
    return files === 'files' ? '*: :_files' : '*: : ';
}
function zshQuoted(text) {
    return `'${text.replaceAll("'", "'\\''")}'`;
}
function fish() {
    const given = '__nix_cache_action_command';
    const isFirst = `-n 'not ${given}'`;
    const lines = commands/* COMMANDS */.Lo.flatMap((command) => {
        const within = `-n '${given} ${command.name}'`;
        const [words, files] = operandWords(command);
        return [
            `complete -c ${commands/* PROGRAM */.RX} ${isFirst} -a ${command.name} -d ${fishQuoted(command.summary)}`,
            ...(words === undefined ? [] : [`complete -c ${commands/* PROGRAM */.RX} ${within} -a '${words.join(' ')}'`]),
            ...(files === undefined ? [] : [`complete -c ${commands/* PROGRAM */.RX} -F ${within}`]),
            ...(0,commands/* optionsOf */.cz)(command).map((option) => `complete -c ${commands/* PROGRAM */.RX} ${within} ${fishOption(option)}`),
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
        `complete -c ${commands/* PROGRAM */.RX} -f`,
        `complete -c ${commands/* PROGRAM */.RX} ${isFirst} -l help -s h -d 'Show all commands'`,
        `complete -c ${commands/* PROGRAM */.RX} ${isFirst} -l version -d 'Show the version'`,
        ...lines,
    ].join('\n')}\n`;
}
function fishOption({ name, short, value, meaning, choices, completes }) {
    const takes = value === null ? '' : completes === 'files' ? ' -r -F' : ' -x';
    const words = choices === undefined ? '' : ` -a '${choices.join(' ')}'`;
    return `-l ${name}${short === undefined ? '' : ` -s ${short}`}${takes}${words} -d ${fishQuoted(firstSentence(meaning))}`;
}
function fishQuoted(text) {
    return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
/** Shells show it in one line. */
function firstSentence(text) {
    const plain = text.replaceAll('`', '');
    return /^.*?(?=[.;,:] |\.$)/.exec(plain)?.[0] ?? plain;
}

// EXTERNAL MODULE: ./build/cli/exit-status.js
var exit_status = __webpack_require__(2900);
// EXTERNAL MODULE: ./build/cli/parse.js
var parse = __webpack_require__(2422);
;// CONCATENATED MODULE: ./build/cli/print-completion.js



/** `completion SHELL` */
async function printCompletion({ args, terminal }) {
    const [shell = ''] = args.operands;
    const script = completionFor(shell);
    if (script === null)
        throw (0,parse/* usageError */.D)(`There is no completion for \`${shell}\`.`, 'There is for `bash`, `zsh` and `fish`.');
    terminal.print(script.trimEnd());
    return exit_status/* EXIT */.dc.well;
}


/***/ })

};
