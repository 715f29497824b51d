export const id = 740;
export const ids = [740];
export const modules = {

/***/ 8740:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  runCommandLine: () => (/* binding */ runCommandLine)
});

// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/cli/commands.js
var commands = __webpack_require__(8455);
// EXTERNAL MODULE: ./build/cli/exit-status.js
var exit_status = __webpack_require__(2900);
;// CONCATENATED MODULE: ./build/cli/help.js

/** Texts for a terminal: 80 columns, no colour. */
const WIDTH = 80;
const INDENT = '  ';
/** Where meanings begin. */
const COLUMN = 28;
function programHelp() {
    return [
        `${commands/* PROGRAM */.RX}: push to and read from any Nix binary cache`,
        '',
        `Usage: ${commands/* PROGRAM */.RX} COMMAND [ARGUMENTS]`,
        '',
        'Commands:',
        ...commands/* COMMANDS */.Lo.flatMap(({ name, summary }) => entry(name, `${summary}.`)),
        '',
        'Options of all commands:',
        ...commands/* COMMON */.Sq.flatMap((option) => entry(labelOf(option), option.meaning)),
        ...entry('    --version', 'Show the version.'),
        '',
        ...wrapped('Keys, passwords and tokens are taken from environment variables, never from the command line.', ''),
        `\`${commands/* PROGRAM */.RX} COMMAND --help\` shows what a command takes.`,
        '',
    ].join('\n');
}
function commandHelp(command) {
    const { summary, description, variables, exits, examples, operands, json } = command;
    return [
        `${summary}.`,
        '',
        `Usage: ${usageOf(command)}`,
        ...description.flatMap((paragraph) => ['', ...wrapped(plain(paragraph), '')]),
        ...section('Arguments', operands.flatMap(({ name, meaning }) => entry(name, plain(meaning)))),
        ...section('Options', (0,commands/* optionsOf */.cz)(command).flatMap((option) => entry(labelOf(option), plain(meaningOf(option, json))))),
        ...section('Environment', variables.flatMap(({ name, meaning }) => entry(name, plain(meaning)))),
        ...section('Exit status', exits.flatMap(({ status, meaning }) => entry(String(status), plain(meaning)))),
        ...section('Examples', examples.map((line) => `${INDENT}${line}`)),
        '',
    ].join('\n');
}
function usageOf(command) {
    return [commands/* PROGRAM */.RX, command.name, '[OPTIONS]', ...command.operands.map(operandOf)].join(' ');
}
function operandOf({ name, count }) {
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
function labelOf({ name, short, value }) {
    return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === null ? '' : ` ${value}`}`;
}
/** With what else there is to say of its value. */
function meaningOf({ name, meaning, choices, default: otherwise, repeats }, json) {
    if (name === 'json' && json !== null)
        return `${meaning.replace(/\.$/, '')}: ${json}.`;
    const more = [
        ...(choices === undefined ? [] : [`One of ${choices.map((choice) => `\`${choice}\``).join(', ')}.`]),
        ...(otherwise === undefined ? [] : [`Default: \`${otherwise}\`.`]),
        ...(repeats === true ? ['May be given more than once.'] : []),
    ];
    return [meaning, ...more].join(' ');
}
function section(title, lines) {
    return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}
function entry(label, meaning) {
    const head = `${INDENT}${label}`;
    const lines = wrapped(meaning, ' '.repeat(COLUMN));
    return head.length < COLUMN ? [`${head.padEnd(COLUMN)}${lines[0]?.trimStart() ?? ''}`, ...lines.slice(1)] : [head, ...lines];
}
/** Markdown's marks are for the documentation. */
function plain(text) {
    return text.replaceAll('`', '');
}
function wrapped(text, indent) {
    const lines = [];
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

// EXTERNAL MODULE: ./build/cli/nearest.js
var nearest = __webpack_require__(4291);
// EXTERNAL MODULE: ./build/cli/parse.js
var parse = __webpack_require__(2422);
// EXTERNAL MODULE: ./build/phases/masking.js
var masking = __webpack_require__(321);
// EXTERNAL MODULE: ./build/cli/words.js
var words = __webpack_require__(9596);
;// CONCATENATED MODULE: ./build/cli/terminal.js


const COLOURS = { warning: 33, error: 31, notice: 36 };
function createTerminal({ out, err, talk, isColoured }) {
    const { add, clean } = (0,masking/* createMasking */.b)();
    const say = (message) => err(`${shown(clean((0,words/* inOurWords */.t)(message)))}\n`);
    const labelled = (label, message) => {
        const text = shown(clean((0,words/* inOurWords */.t)(message)));
        err(`${isColoured ? `\x1b[1;${COLOURS[label]}m${label}:\x1b[0m` : `${label}:`} ${text}\n`);
    };
    const log = {
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
function shown(text) {
    return text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, '?');
}

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
;// CONCATENATED MODULE: ./build/cli/version.js


/** As package.json beside dist/ says; `unknown` where only dist/ was taken. */
async function ownVersion() {
    try {
        const { version } = JSON.parse(await (0,promises_.readFile)((0,external_node_path_.join)(import.meta.dirname, '..', 'package.json'), 'utf8'));
        return String(version);
    }
    catch {
        return 'unknown';
    }
}

;// CONCATENATED MODULE: ./build/cli/command-line.js








/** Runs one command and answers with what the process is to end with. Never throws. */
async function runCommandLine(process) {
    const { argv, out } = process;
    const [first, ...rest] = argv;
    const plain = terminalFor(process, new Set());
    try {
        if (first === '--help' || first === '-h' || (first === 'help' && rest.length === 0))
            return said(out, programHelp());
        if (first === '--version')
            return said(out, `${commands/* PROGRAM */.RX} ${await ownVersion()}\n`);
        if (first === 'help')
            return said(out, commandHelp(wanted(rest[0] ?? '')));
        if (first === undefined)
            throw (0,parse/* usageError */.D)('No command is given.', `\`${commands/* PROGRAM */.RX} --help\` lists them.`);
        return await runCommand(process, wanted(first), rest);
    }
    catch (error) {
        // A line that can't be read can still say that it wants JSON.
        const end = argv.indexOf('--');
        if (argv.slice(0, end < 0 ? argv.length : end).includes('--json'))
            plain.print(JSON.stringify({ error: errorJson(error) }));
        plain.fail((0,errors/* describeError */.Uc)(error));
        return (0,exit_status/* exitOfError */.uP)(error);
    }
}
async function runCommand(process, command, rest) {
    const args = (0,parse/* parseArguments */.W)(command, rest);
    if (args.switches.has('help'))
        return said(process.out, commandHelp(command));
    const { env, cwd, stdin } = process;
    const terminal = terminalFor(process, args.switches);
    const wantsJson = args.switches.has('json');
    try {
        const handle = await handlerOf(command.name);
        return await handle({ command, args, env, cwd, stdin, terminal, wantsJson });
    }
    catch (error) {
        if (wantsJson)
            terminal.print(JSON.stringify({ error: errorJson(error) }));
        terminal.fail((0,errors/* describeError */.Uc)(error));
        if (error instanceof Error && error.stack !== undefined)
            terminal.log.debug(error.stack);
        return (0,exit_status/* exitOfError */.uP)(error);
    }
}
/** Loads the code of one command alone. */
async function handlerOf(name) {
    switch (name) {
        case 'push':
            return (await Promise.all(/* import() */[__webpack_require__.e(620), __webpack_require__.e(964), __webpack_require__.e(805)]).then(__webpack_require__.bind(__webpack_require__, 3805))).push;
        case 'serve':
            return (await __webpack_require__.e(/* import() */ 70).then(__webpack_require__.bind(__webpack_require__, 8070))).serve;
        case 'doctor':
            return (await __webpack_require__.e(/* import() */ 107).then(__webpack_require__.bind(__webpack_require__, 1107))).doctor;
        case 'keygen':
            return (await __webpack_require__.e(/* import() */ 18).then(__webpack_require__.bind(__webpack_require__, 8018))).keygen;
        case 'ls':
            return (await Promise.all(/* import() */[__webpack_require__.e(636), __webpack_require__.e(970)]).then(__webpack_require__.bind(__webpack_require__, 3970))).list;
        case 'gc':
            return (await Promise.all(/* import() */[__webpack_require__.e(636), __webpack_require__.e(970)]).then(__webpack_require__.bind(__webpack_require__, 3970))).collect;
        case 'completion':
            return (await __webpack_require__.e(/* import() */ 911).then(__webpack_require__.bind(__webpack_require__, 9911))).printCompletion;
        default:
            throw new errors/* CacheError */.xA('internal', `The command ${name} does nothing.`);
    }
}
function wanted(name) {
    const command = (0,commands/* commandNamed */.v)(name);
    if (command !== null)
        return command;
    const names = commands/* COMMANDS */.Lo.map((one) => one.name);
    const meant = (0,nearest/* nearest */.p)(name, names);
    const hint = meant === null ? `The commands are ${names.map((one) => `\`${one}\``).join(', ')}.` : `Did you mean \`${meant}\`?`;
    throw (0,parse/* usageError */.D)(name.startsWith('-') ? 'The command comes first, then its options.' : `There is no command \`${name}\`.`, hint);
}
function terminalFor({ out, err, env, isTerminal }, switches) {
    return createTerminal({
        out,
        err,
        talk: switches.has('verbose') ? 'verbose' : switches.has('quiet') ? 'quiet' : 'normal',
        // https://no-color.org
        isColoured: isTerminal && !env.NO_COLOR && env.TERM !== 'dumb',
    });
}
function said(out, text) {
    out(text);
    return exit_status/* EXIT */.dc.well;
}
function errorJson(error) {
    return (0,errors/* isCacheError */.bt)(error)
        ? { code: error.code, message: error.message, hint: error.hint }
        : { code: 'internal', message: (0,errors/* describeError */.Uc)(error), hint: null };
}


/***/ }),

/***/ 8455:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Lo: () => (/* binding */ COMMANDS),
/* harmony export */   RX: () => (/* binding */ PROGRAM),
/* harmony export */   Sq: () => (/* binding */ COMMON),
/* harmony export */   cz: () => (/* binding */ optionsOf),
/* harmony export */   v: () => (/* binding */ commandNamed)
/* harmony export */ });
const PROGRAM = 'nix-cache-action';
/** Options that every command has. */
const COMMON = [
    { name: 'json', value: null, meaning: 'Print the result as JSON on standard output, and nothing else there.' },
    { name: 'quiet', short: 'q', value: null, meaning: 'Say nothing but warnings and errors.' },
    { name: 'verbose', short: 'v', value: null, meaning: 'Say what is only of use when something does not work.' },
    { name: 'help', short: 'h', value: null, meaning: 'Show this text.' },
];
const USAGE = { status: 2, meaning: 'The command line or an environment variable is wrong; nothing was done.' };
const WELL = { status: 0, meaning: 'All is well.' };
const FAILED = { status: 1, meaning: 'It failed.' };
const NO_CACHE = {
    status: 3,
    meaning: 'The cache can not be used: it does not answer, refuses the credentials, or takes nothing.',
};
const STOPPED = { status: 130, meaning: 'SIGINT or SIGTERM ended it.' };
const CREDENTIALS = [
    {
        name: 'NIX_CACHE_USERNAME',
        input: 'username',
        meaning: 'User name for HTTP basic authentication; for `s3://` the access key id, where it is not the usual chain of AWS that finds it.',
    },
    {
        name: 'NIX_CACHE_PASSWORD',
        input: 'password',
        meaning: 'Password for HTTP basic authentication; for `s3://` the secret access key.',
    },
    { name: 'NIX_CACHE_TOKEN', input: 'token', meaning: 'Token, for caches that take one (attic, Cachix, niks3, HTTP bearer).' },
    {
        name: 'NIX_CACHE_NETRC',
        input: 'netrc',
        meaning: "More credentials, as netrc text. Those of Nix's own `netrc-file` count as well.",
    },
];
const SIGNING_KEY = {
    name: 'NIX_CACHE_SIGNING_KEY',
    input: 'signing-key',
    meaning: 'Secret key to sign with, `name:base64`, as `keygen` and `nix-store --generate-binary-cache-key` write it.',
};
const URL_MEANING = 'The cache: `https://…`, `http://…`, `s3://…`, `file:///…`, `attic://…`, `cachix://…`, `niks3://…`, `ssh-ng://…`, `ssh://…`, or `actions-cache` in a job of GitHub Actions. Each kind is what it is in the action.';
const TRUSTED_KEYS = {
    name: 'trusted-public-keys',
    value: 'KEY',
    repeats: true,
    input: 'trusted-public-keys',
    meaning: 'Public key (`name:base64`) whose signatures readers of the cache believe.',
};
const ACTIONS_CACHE_NEEDS = 'It works inside of a GitHub Actions job only, where `ACTIONS_RUNTIME_TOKEN` and `ACTIONS_RESULTS_URL` are set. The runner gives these to actions and not to `run:` steps; docs/cli.md shows how to hand them on.';
const COMMANDS = [
    {
        name: 'push',
        summary: 'Push store paths and all that they need to a cache',
        operands: [
            { name: 'URL', count: 'one', meaning: URL_MEANING },
            {
                name: 'PATH',
                count: 'many',
                completes: 'files',
                meaning: 'A store path, a link to one such as `result`, or `-` for paths on standard input, one per line.',
            },
        ],
        options: [
            { name: 'dry-run', value: null, meaning: 'Say what would be pushed, and send nothing.' },
            {
                name: 'signing-key-file',
                value: 'FILE',
                completes: 'files',
                meaning: 'File with the secret key to sign with, in place of NIX_CACHE_SIGNING_KEY.',
            },
            {
                name: 'push-url',
                value: 'URL',
                input: 'push-url',
                meaning: 'Where an HTTP cache takes uploads, when that is not where it serves them.',
            },
            {
                name: 'include',
                value: 'REGEXP',
                repeats: true,
                input: 'include',
                meaning: 'Push only paths of which `<hash>-<name>` matches, and what they need.',
            },
            {
                name: 'exclude',
                value: 'REGEXP',
                repeats: true,
                input: 'exclude',
                meaning: 'Leave out paths of which `<hash>-<name>` matches, and what needs them.',
            },
            {
                name: 'max-path-size',
                value: 'SIZE',
                input: 'max-path-size',
                meaning: 'Leave out larger paths, e.g. `2 GiB`, and what needs them.',
            },
            {
                name: 'skip-signed-by',
                value: 'NAMES',
                input: 'skip-signed-by',
                default: 'cache.nixos.org-1',
                meaning: 'Names of keys; a path that one of them signed is not pushed. Empty: push those as well.',
            },
            {
                name: 'compression',
                value: 'KIND',
                choices: ['zstd', 'xz', 'gzip', 'br', 'none'],
                default: 'zstd',
                input: 'compression',
                meaning: 'How NARs are compressed.',
            },
            { name: 'compression-level', value: 'N', input: 'compression-level', meaning: 'The higher, the smaller and slower.' },
            { name: 'concurrency', value: 'N', default: 'auto', input: 'concurrency', meaning: 'Uploads in flight.' },
            {
                name: 'push-timeout',
                value: 'TIME',
                default: '6 h',
                input: 'push-timeout',
                meaning: 'The longest that the push may take, e.g. `10 min`.',
            },
            {
                name: 'verify',
                value: 'HOW',
                choices: ['sample', 'all', 'none'],
                default: 'sample',
                input: 'verify',
                meaning: 'Read back what was pushed and check it: up to 64 paths, all, or none.',
            },
            TRUSTED_KEYS,
        ],
        variables: [SIGNING_KEY, ...CREDENTIALS],
        description: [
            'What is there already is not sent again. A path becomes visible when all that it needs is there, so that nobody ever reads a cache with a hole in it, also when this is stopped in the middle.',
        ],
        json: 'the report, the same that the action writes',
        exits: [
            { status: 0, meaning: 'All of it is in the cache now, but for what filters leave out.' },
            { status: 1, meaning: 'Some paths failed, could not be read back, or there was no time for them; or there is no Nix.' },
            USAGE,
            NO_CACHE,
            STOPPED,
        ],
        examples: [
            'nix-cache-action push https://cache.example.org/nix ./result',
            'nix-store --query --requisites ./result | nix-cache-action push file:///srv/nix-cache -',
        ],
    },
    {
        name: 'serve',
        summary: 'Serve a cache that needs credentials to Nix on this machine',
        operands: [{ name: 'URL', count: 'one', meaning: 'The cache: `https://…`, `http://…` or `s3://…`.' }],
        options: [
            { name: 'port', value: 'N', meaning: 'Port on 127.0.0.1. Without it the system chooses one.' },
            {
                name: 'netrc-file',
                value: 'FILE',
                completes: 'files',
                meaning: "Write a netrc for Nix there: the entries of Nix's own, and the one for this server. It must not exist, and is removed at the end.",
            },
        ],
        variables: CREDENTIALS,
        description: [
            'For caches that Nix can not read by itself, such as one that wants a bearer token, or a private bucket for a daemon without its credentials. It runs until Ctrl-C or SIGTERM, and prints the URL for `extra-substituters` and the line for the netrc. Nobody can read from it without the password in that line, which is a new one each time.',
        ],
        json: 'one line when it is ready: `url`, `machine`, `login`, `password`',
        exits: [{ status: 0, meaning: 'It was ended by SIGINT or SIGTERM.' }, FAILED, USAGE, NO_CACHE],
        examples: ['nix-cache-action serve https://cache.example.org/nix --netrc-file /run/user/1000/nix-netrc'],
    },
    {
        name: 'doctor',
        summary: 'Look for what keeps Nix from using caches on this machine',
        operands: [
            {
                name: 'URL',
                count: 'any',
                meaning: 'Caches to look at beside those that Nix is set to use. Credentials from the environment are for the first one.',
            },
        ],
        options: [
            {
                name: 'signing-key-file',
                value: 'FILE',
                completes: 'files',
                meaning: 'File with the secret key, in place of NIX_CACHE_SIGNING_KEY.',
            },
            TRUSTED_KEYS,
        ],
        variables: [SIGNING_KEY, ...CREDENTIALS],
        description: [
            'It says which Nix there is, whether its daemon trusts this user, which caches Nix reads from and what they answer, and which keys count. It changes nothing on this machine and puts no path into any cache; those that are named are asked whether they would take some.',
        ],
        json: '`findings` that are well, and `problems`, each with its `fix`',
        exits: [
            { status: 0, meaning: 'Nothing is wrong; a notice may be meant so.' },
            { status: 1, meaning: 'There are warnings, each of them said with its fix; or there is no Nix.' },
            USAGE,
        ],
        examples: ['nix-cache-action doctor', 'nix-cache-action doctor https://cache.example.org/nix'],
    },
    {
        name: 'keygen',
        summary: 'Make a key pair to sign store paths with',
        operands: [{ name: 'NAME', count: 'one', meaning: 'Name of the key, e.g. `example.org-1`. It stands in each signature.' }],
        options: [
            {
                name: 'secret-key-file',
                value: 'FILE',
                completes: 'files',
                meaning: 'Where the secret key goes. Without it: `NAME.secret` in this folder. A file that is there is never written over.',
            },
        ],
        variables: [],
        description: ['The secret key goes to a file that only you can read; the public key, for `trusted-public-keys`, is printed.'],
        json: '`name`, `publicKey`, `secretKeyFile`',
        exits: [WELL, FAILED, USAGE],
        examples: ['nix-cache-action keygen example.org-1'],
    },
    {
        name: 'ls',
        summary: 'List what the store in the Actions cache holds for this ref',
        operands: [],
        options: [
            {
                name: 'all-refs',
                value: null,
                meaning: 'What this job can read of other refs as well: the base and the default branch.',
            },
        ],
        variables: [],
        description: [
            'For each path: when a job last used it, the size of its NAR, what it takes in the cache, its name. With `--json` the packs as well.',
            ACTIONS_CACHE_NEEDS,
        ],
        json: '`refs`, `packs` and `paths`',
        exits: [WELL, FAILED, USAGE, { status: 3, meaning: 'There is no Actions cache here, or it does not answer.' }],
        examples: ['nix-cache-action ls'],
    },
    {
        name: 'gc',
        summary: 'Bring the store in the Actions cache under a size',
        operands: [],
        options: [
            {
                name: 'actions-cache-size',
                value: 'SIZE',
                default: '8 GiB',
                input: 'actions-cache-size',
                meaning: 'What this ref may take. Paths that were not used for longest go first.',
            },
            { name: 'dry-run', value: null, meaning: 'Say what would go, and change nothing.' },
        ],
        variables: [],
        description: [
            'Jobs on the default branch do this by themselves when they push. Packs that nothing refers to any more are not deleted, which takes another token: GitHub evicts what nobody reads after 7 days.',
            ACTIONS_CACHE_NEEDS,
        ],
        json: 'numbers before and after, and the paths that went',
        exits: [WELL, FAILED, USAGE, { status: 3, meaning: 'There is no Actions cache here, or it does not answer.' }],
        examples: ['nix-cache-action gc --actions-cache-size 4GiB --dry-run'],
    },
    {
        name: 'completion',
        summary: 'Print completion for a shell',
        operands: [{ name: 'SHELL', count: 'one', completes: ['bash', 'zsh', 'fish'], meaning: '`bash`, `zsh` or `fish`.' }],
        options: [],
        variables: [],
        description: [],
        json: null,
        exits: [WELL, USAGE],
        examples: [
            'eval "$(nix-cache-action completion bash)"',
            'nix-cache-action completion zsh > "$fpath[1]/_nix-cache-action"',
            'nix-cache-action completion fish > ~/.config/fish/completions/nix-cache-action.fish',
        ],
    },
];
function commandNamed(name) {
    return COMMANDS.find((command) => command.name === name) ?? null;
}
/** The options of a command and those that all have. */
function optionsOf({ options, json }) {
    return [...options, ...COMMON.filter(({ name }) => name !== 'json' || json !== null)];
}


/***/ }),

/***/ 2900:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Gw: () => (/* binding */ exitOfPush),
/* harmony export */   dc: () => (/* binding */ EXIT),
/* harmony export */   uP: () => (/* binding */ exitOfError)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);

/** What the program ends with; the help of each command says it too. */
const EXIT = { well: 0, failed: 1, usage: 2, noCache: 3, interrupted: 130 };
function exitOfError(error) {
    return (0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .isCacheError */ .bt)(error) ? exitOfCode(error.code) : EXIT.failed;
}
function exitOfCode(code) {
    if (code === 'input-invalid')
        return EXIT.usage;
    return code.startsWith('cache-') || code === 'push-impossible' ? EXIT.noCache : EXIT.failed;
}
/** What filters leave out was not asked for. */
function exitOfPush({ stoppedBy, paths, verification }) {
    if (stoppedBy !== null)
        return exitOfCode(stoppedBy.code);
    const isAmiss = paths.some(({ class: name }) => name === 'failed' || name === 'corrupt' || name === 'out-of-time' || name === 'vanished');
    return isAmiss || (verification?.problems.length ?? 0) > 0 ? EXIT.failed : EXIT.well;
}


/***/ }),

/***/ 4291:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   p: () => (/* binding */ nearest)
/* harmony export */ });
/* unused harmony export distanceOf */
/** The one of `names` that `word` was probably meant to be; `null` when none is near. */
function nearest(word, names) {
    const lower = word.toLowerCase();
    const longer = names.filter((name) => lower.length >= 2 && name.startsWith(lower));
    if (longer.length === 1)
        return longer[0] ?? null;
    const near = names
        .map((name) => ({ name, distance: distanceOf(lower, name) }))
        .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
        .sort((a, b) => a.distance - b.distance);
    return near[0]?.name ?? null;
}
/** Letters to add, remove, change or swap with their neighbour (Damerau and Levenshtein's distance, of which no part is changed twice). */
function distanceOf(a, b) {
    const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
    const at = (row, column) => rows[row]?.[column] ?? 0;
    for (let row = 1; row <= a.length; row++) {
        rows.push([row]);
        for (let column = 1; column <= b.length; column++) {
            const isSame = a[row - 1] === b[column - 1];
            let least = Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + (isSame ? 0 : 1));
            const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
            if (isSwap)
                least = Math.min(least, at(row - 2, column - 2) + 1);
            rows[row]?.push(least);
        }
    }
    return at(a.length, b.length);
}


/***/ }),

/***/ 2422:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   D: () => (/* binding */ usageError),
/* harmony export */   W: () => (/* binding */ parseArguments)
/* harmony export */ });
/* harmony import */ var node_util__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7975);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);
/* harmony import */ var _commands_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(8455);
/* harmony import */ var _nearest_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(4291);




/** Options that people try, and that would show a secret to everybody who can list processes. By the variable to set in their place. */
const SECRETS = new Map([
    ['signing-key', 'NIX_CACHE_SIGNING_KEY'],
    ['username', 'NIX_CACHE_USERNAME'],
    ['password', 'NIX_CACHE_PASSWORD'],
    ['token', 'NIX_CACHE_TOKEN'],
    ['netrc', 'NIX_CACHE_NETRC'],
]);
/** A mistake in the command line. */
function usageError(message, hint) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('input-invalid', message, { hint });
}
/**
 * Reads the arguments behind the name of a command. Options may stand anywhere, `--` ends them, and `--name=value` is `--name value`. No message shows a value.
 * @throws CacheError `input-invalid` for the first mistake
 */
function parseArguments(command, args) {
    const known = new Map((0,_commands_js__WEBPACK_IMPORTED_MODULE_2__/* .optionsOf */ .cz)(command).map((option) => [option.name, option]));
    const options = Object.fromEntries([...known.values()].map((option) => [option.name, parserOptionOf(option)]));
    // Not its own `strict`, whose messages can't name what was meant.
    const { tokens } = (0,node_util__WEBPACK_IMPORTED_MODULE_0__.parseArgs)({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
    const operands = [];
    const values = new Map();
    const switches = new Set();
    for (const token of tokens) {
        if (token.kind === 'option-terminator')
            continue;
        if (token.kind === 'positional') {
            operands.push(token.value);
            continue;
        }
        const option = known.get(token.name);
        if (option === undefined)
            throw unknownOption(token.name, token.rawName, command);
        if (option.value === null) {
            if (token.value !== undefined)
                throw usageError(`\`${token.rawName}\` takes no value.`, helpHint(command));
            switches.add(option.name);
            continue;
        }
        const given = values.get(option.name) ?? [];
        if (given.length > 0 && option.repeats !== true)
            throw usageError(`\`${token.rawName}\` is given twice.`, helpHint(command));
        values.set(option.name, [...given, checkedValue(option, token.value, token.inlineValue === true, command)]);
    }
    if (!switches.has('help'))
        checkOperands(command, operands);
    return { operands, values, switches };
}
function parserOptionOf({ value, short }) {
    return {
        type: value === null ? 'boolean' : 'string',
        multiple: true,
        ...(short === undefined ? {} : { short }),
    };
}
function checkedValue(option, value, isInline, command) {
    // The next option is not a value; a regular expression may well begin with a hyphen.
    const isOption = value !== undefined && (0,_commands_js__WEBPACK_IMPORTED_MODULE_2__/* .optionsOf */ .cz)(command).some(({ name, short }) => value === `--${name}` || value === `-${short}`);
    if (value === undefined || (isOption && !isInline))
        throw usageError(`\`--${option.name}\` takes a value: \`--${option.name} ${option.value}\`.`, helpHint(command));
    if (option.choices === undefined || option.choices.includes(value))
        return value;
    const meant = (0,_nearest_js__WEBPACK_IMPORTED_MODULE_3__/* .nearest */ .p)(value, option.choices);
    const choices = option.choices.map((choice) => `\`${choice}\``).join(', ');
    throw usageError(`\`--${option.name}\` does not take \`${value}\`.`, meant === null ? `It takes ${choices}.` : `Did you mean \`${meant}\`?`);
}
function unknownOption(name, rawName, command) {
    const variable = SECRETS.get(name);
    if (variable !== undefined) {
        return usageError(`There is no \`${rawName}\`: other users of this machine can read command lines.`, `Set the environment variable ${variable}, and replace the secret if it was a real one.`);
    }
    const meant = name.length < 2
        ? null
        : (0,_nearest_js__WEBPACK_IMPORTED_MODULE_3__/* .nearest */ .p)(name, (0,_commands_js__WEBPACK_IMPORTED_MODULE_2__/* .optionsOf */ .cz)(command).map((option) => option.name));
    return usageError(`\`${_commands_js__WEBPACK_IMPORTED_MODULE_2__/* .PROGRAM */ .RX} ${command.name}\` has no option \`${rawName}\`.`, meant === null ? helpHint(command) : `Did you mean \`--${meant}\`?`);
}
function checkOperands(command, operands) {
    const least = command.operands.filter(({ count }) => count === 'one' || count === 'many');
    const missing = least[operands.length];
    if (missing !== undefined)
        throw usageError(`\`${_commands_js__WEBPACK_IMPORTED_MODULE_2__/* .PROGRAM */ .RX} ${command.name}\` needs ${missing.name}: ${missing.meaning}`, helpHint(command));
    const isOpen = command.operands.some(({ count }) => count === 'many' || count === 'any');
    const most = command.operands.length;
    if (isOpen || operands.length <= most)
        return;
    const takes = most === 0 ? 'no argument' : `${most} argument${most === 1 ? '' : 's'}`;
    throw usageError(`\`${_commands_js__WEBPACK_IMPORTED_MODULE_2__/* .PROGRAM */ .RX} ${command.name}\` takes ${takes}, and there are ${operands.length}.`, helpHint(command));
}
function helpHint({ name }) {
    return `\`${_commands_js__WEBPACK_IMPORTED_MODULE_2__/* .PROGRAM */ .RX} ${name} --help\` shows all that it takes.`;
}


/***/ }),

/***/ 9596:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   t: () => (/* binding */ inOurWords)
/* harmony export */ });
/* harmony import */ var _inputs_given_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1153);
/* harmony import */ var _commands_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8455);


/** What inputs of the action are called here. */
const NAMES = new Map([
    ['cache', 'URL'],
    ['paths', 'PATH'],
    ..._commands_js__WEBPACK_IMPORTED_MODULE_1__/* .COMMANDS */ .Lo.flatMap(({ options, variables }) => [
        ...options.flatMap(({ name, input }) => (input === undefined ? [] : [[input, `--${name}`]])),
        ...variables.map(({ name, input }) => [input, name]),
    ]),
]);
/**
 * A message in the words of the command line: most of them come from parts that the action uses too, and name its inputs, as `` `signing-key` `` or, when an input is
 * wrong, in front of what is wrong with it.
 */
function inOurWords(message) {
    return message
        .replaceAll('this runner', 'this machine')
        .replaceAll('the caches of this step', 'the caches that were named')
        .replace(/^(?:An input is|\d+ inputs are) wrong:\n- /, '')
        .replace(/^((?:- )?)([a-z-]+): /gm, (all, hyphen, name) => _inputs_given_js__WEBPACK_IMPORTED_MODULE_0__/* .INPUT_NAMES */ .Qh.includes(name) ? `${hyphen}${NAMES.get(name) ?? name}: ` : all)
        .replace(/`([a-z-]+)`/g, (all, name) => {
        const ours = NAMES.get(name);
        return ours === undefined || name === 'cache' ? all : `\`${ours}\``;
    });
}


/***/ })

};
