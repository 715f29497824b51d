export const id = 805;
export const ids = [805];
export const modules = {

/***/ 1625:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Ch: () => (/* binding */ openStore),
/* harmony export */   Us: () => (/* binding */ pushingTo),
/* harmony export */   Vc: () => (/* binding */ inputsOf),
/* harmony export */   cT: () => (/* binding */ withoutSecrets),
/* harmony export */   oi: () => (/* binding */ openCommandSession)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1455);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(8161);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(6760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(9473);
/* harmony import */ var _inputs_inputs_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(7504);
/* harmony import */ var _inputs_secrets_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(4598);
/* harmony import */ var _store_local_store_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(2325);
/* harmony import */ var _command_js__WEBPACK_IMPORTED_MODULE_9__ = __webpack_require__(3192);
/* harmony import */ var _parse_js__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(2422);










/** Inputs that have another meaning, or another default, without a job around: a command does what it is told. */
const FIXED = { push: 'always', fallback: 'none', 'on-push-failure': 'fail' };
/** More than any key has. */
const MAX_KEY_FILE_BYTES = 64 * 1024;
const NIX_TIMEOUT_MS = 120_000;
/**
 * The inputs of the action as this command line gives them: from options, environment variables, and `given` (by name). Every secret is masked before anything is
 * checked. @throws CacheError `input-invalid`, `file-failed`
 */
async function inputsOf(context, given) {
    const get = await inputReader(context, given);
    for (const secret of (0,_inputs_secrets_js__WEBPACK_IMPORTED_MODULE_6__/* .secretTexts */ .V)(get))
        context.terminal.log.mask(secret);
    return (0,_inputs_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .parseInputs */ .T)(get);
}
async function inputReader({ command, args, env, cwd }, given) {
    const found = new Map(Object.entries({ ...FIXED, ...given }));
    for (const { name, input } of command.variables)
        found.set(input, (env[name] ?? '').trim());
    for (const option of command.options) {
        if (option.input === undefined)
            continue;
        const values = args.values.get(option.name) ?? [];
        if (values.some((value) => /[\r\n]/.test(value)))
            throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_8__/* .usageError */ .D)(`\`--${option.name}\` has a line break in its value.`);
        found.set(option.input, values.length > 0 ? values.join('\n') : (option.default ?? ''));
    }
    const keyFile = (0,_command_js__WEBPACK_IMPORTED_MODULE_9__/* .optionValue */ .T)(command, args, 'signing-key-file');
    if (keyFile !== null)
        found.set('signing-key', await readKey((0,node_path__WEBPACK_IMPORTED_MODULE_3__.resolve)(cwd, keyFile), found.get('signing-key') ?? ''));
    return (name) => found.get(name) ?? '';
}
async function readKey(file, other) {
    if (other !== '')
        throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_8__/* .usageError */ .D)('Both `--signing-key-file` and NIX_CACHE_SIGNING_KEY are given.', 'Give one of them.');
    try {
        if ((await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_1__.stat)(file)).size > MAX_KEY_FILE_BYTES)
            throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_8__/* .usageError */ .D)(`${file} is too large for a key.`);
        return (await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_1__.readFile)(file, 'utf8')).trim();
    }
    catch (cause) {
        if (cause instanceof _errors_js__WEBPACK_IMPORTED_MODULE_4__/* .CacheError */ .xA)
            throw cause;
        throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_8__/* .usageError */ .D)(`The file ${file} of \`--signing-key-file\` can't be read (${(0,_errors_js__WEBPACK_IMPORTED_MODULE_4__/* .systemCode */ .xU)(cause) ?? 'unknown'}).`);
    }
}
/** @throws CacheError `file-failed` */
async function openCommandSession(context, inputs) {
    const id = (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(6).toString('hex');
    const folder = await makeFolder(context.env.RUNNER_TEMP ?? (0,node_os__WEBPACK_IMPORTED_MODULE_2__.tmpdir)());
    let main = null;
    return {
        runner: runnerOf(context),
        inputs,
        early: null,
        state: () => ({ version: 1, id, folder, reportFile: (0,node_path__WEBPACK_IMPORTED_MODULE_3__.join)(folder, 'report.json'), inputs: {}, configuration: null, main }),
        keep: () => undefined,
        decide(decision) {
            main = decision;
        },
        close: () => (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_1__.rm)(folder, { recursive: true, force: true }),
    };
}
async function makeFolder(parent) {
    try {
        return await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_1__.mkdtemp)((0,node_path__WEBPACK_IMPORTED_MODULE_3__.join)(parent, 'nix-cache-action-'));
    }
    catch (cause) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_4__/* .CacheError */ .xA('file-failed', `No folder can be made in ${parent} (${(0,_errors_js__WEBPACK_IMPORTED_MODULE_4__/* .systemCode */ .xU)(cause) ?? 'unknown'}).`, {
            hint: 'Set TMPDIR to a folder that you can write to.',
            cause,
        });
    }
}
/** There are no later phases and no outputs. */
function runnerOf(context) {
    const { log } = context.terminal;
    const nothing = () => undefined;
    return {
        env: { ...withoutSecrets(context), GITHUB_WORKSPACE: context.cwd },
        log,
        saveState: nothing,
        state: () => '',
        setOutput: nothing,
        exportVariable: nothing,
        addPath: nothing,
        addSummary: async () => undefined,
        fail: log.error,
    };
}
/** The environment for programs that are started: they have no use for what this one was given. */
function withoutSecrets({ command, env }) {
    const secrets = new Set(command.variables.map(({ name }) => name));
    return Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.has(name)));
}
/** The store of this machine. @throws CacheError `nix-missing`, and what opening it throws */
async function openStore(context) {
    const { log } = context.terminal;
    const store = await (0,_store_local_store_js__WEBPACK_IMPORTED_MODULE_7__/* .openLocalStore */ .n)({ env: withoutSecrets(context), log, signal: AbortSignal.timeout(NIX_TIMEOUT_MS) });
    if (store !== null)
        return store;
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_4__/* .CacheError */ .xA('nix-missing', 'There is no Nix on this machine.', {
        hint: 'Install it, and see that `nix` is in PATH (`. /nix/var/nix/profiles/default/etc/profile.d/nix-daemon.sh`).',
    });
}
/** For a session that pushes to the first cache of its inputs. */
function pushingTo(store, indexesFolder) {
    return {
        store: store.description,
        snapshotFile: null,
        targets: [{ line: 0, whyNot: null, failed: false }],
        journal: null,
        isShared: false,
        pusherFolder: null,
        whyNot: null,
        indexesFolder,
        substituterFolder: null,
        served: {},
        warnings: [],
    };
}


/***/ }),

/***/ 3192:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   T: () => (/* binding */ optionValue)
/* harmony export */ });
/** The value of an option that was given at most once, or its default; `null` without either. */
function optionValue({ options }, { values }, name) {
    return values.get(name)?.at(-1) ?? options.find((option) => option.name === name)?.default ?? null;
}


/***/ }),

/***/ 3805:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   push: () => (/* binding */ push)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _phases_actions_cache_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(7147);
/* harmony import */ var _phases_push_new_paths_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(1964);
/* harmony import */ var _phases_stop_js__WEBPACK_IMPORTED_MODULE_11__ = __webpack_require__(6477);
/* harmony import */ var _phases_substituter_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(5022);
/* harmony import */ var _report_lines_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(6812);
/* harmony import */ var _report_problem_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(5344);
/* harmony import */ var _report_report_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(6098);
/* harmony import */ var _command_session_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(1625);
/* harmony import */ var _exit_status_js__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(2900);
/* harmony import */ var _parse_js__WEBPACK_IMPORTED_MODULE_9__ = __webpack_require__(2422);
/* harmony import */ var _words_js__WEBPACK_IMPORTED_MODULE_10__ = __webpack_require__(9596);












/** A million paths. */
const MAX_STDIN_BYTES = 128 * 2 ** 20;
const ASKING_TIMEOUT_MS = 60_000;
const NOTHING = {
    caches: [],
    added: null,
    served: [],
    serveErrors: {},
    storePaths: 0,
    durationsMs: {},
    warnings: [],
};
/** `push URL PATH...` */
async function push(context) {
    const { args, terminal } = context;
    const [url = '', ...operands] = args.operands;
    const paths = await pathsOf(operands, context.stdin);
    const inputs = await (0,_command_session_js__WEBPACK_IMPORTED_MODULE_7__/* .inputsOf */ .Vc)(context, { cache: url, paths: paths.join('\n') });
    if (paths.length === 0) {
        // What was to be pushed is all there.
        tell(context, (0,_report_report_js__WEBPACK_IMPORTED_MODULE_6__/* .makeReport */ .d)(NOTHING), ['No paths were named.']);
        return _exit_status_js__WEBPACK_IMPORTED_MODULE_8__/* .EXIT */ .dc.well;
    }
    const store = await (0,_command_session_js__WEBPACK_IMPORTED_MODULE_7__/* .openStore */ .Ch)(context);
    const session = await (0,_command_session_js__WEBPACK_IMPORTED_MODULE_7__/* .openCommandSession */ .oi)(context, inputs);
    const stop = (0,_phases_stop_js__WEBPACK_IMPORTED_MODULE_11__/* .stopOnSignals */ .Z)(terminal.log);
    try {
        sayWhatIsUnsigned(context, inputs);
        session.decide((0,_command_session_js__WEBPACK_IMPORTED_MODULE_7__/* .pushingTo */ .Us)(store, await indexesFor(session, store, stop.signal)));
        const dry = args.switches.has('dry-run');
        const report = await (0,_phases_push_new_paths_js__WEBPACK_IMPORTED_MODULE_2__.pushNewPaths)(dry ? dryRun(session) : session, store, stop, _phases_substituter_js__WEBPACK_IMPORTED_MODULE_3__/* .NO_READS */ .mE, new Map());
        tell(context, report, (0,_report_lines_js__WEBPACK_IMPORTED_MODULE_4__/* .reportLines */ .QS)(report));
        return ended(context, report, stop);
    }
    finally {
        stop.close();
        await session.close();
    }
}
async function pathsOf(operands, stdin) {
    const lines = operands.includes('-') ? await linesOf(stdin) : [];
    const paths = [...operands.filter((operand) => operand !== '-'), ...lines];
    if (paths.some((path) => path.trim() === '' || /[\r\n]/.test(path)))
        throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_9__/* .usageError */ .D)('A PATH is empty, or has a line break in it.');
    return paths;
}
async function linesOf(stdin) {
    const parts = [];
    let sizeBytes = 0;
    for await (const part of stdin) {
        const bytes = Buffer.from(part);
        sizeBytes += bytes.length;
        if (sizeBytes > MAX_STDIN_BYTES)
            throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_9__/* .usageError */ .D)('There is more on standard input than a list of paths.');
        parts.push(bytes);
    }
    const lines = Buffer.concat(parts).toString('utf8').split('\n');
    return lines.map((line) => line.trim()).filter((line) => line !== '');
}
/** The plan depends on what the store in the Actions cache holds, which a job reads once. */
async function indexesFor(session, store, stopped) {
    if (session.inputs.caches[0]?.kind !== 'actions-cache')
        return null;
    const { store: found, whyNone, whyNoPush, } = await (0,_phases_actions_cache_js__WEBPACK_IMPORTED_MODULE_1__/* .findStore */ .h$)(session, store, AbortSignal.any([stopped, AbortSignal.timeout(ASKING_TIMEOUT_MS)]));
    const whyNot = found === null ? whyNone : whyNoPush;
    if (whyNot !== null)
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('cache-unreachable', `The Actions cache can't be used: ${whyNot}`);
    return found?.indexesFolder ?? null;
}
function dryRun(session) {
    const { runner } = session;
    return { ...session, runner: { ...runner, env: { ...runner.env, NIX_CACHE_ACTION_DRY_RUN: 'true' } } };
}
function sayWhatIsUnsigned({ terminal }, { caches, signingKey }) {
    const kind = caches[0]?.kind;
    if (signingKey !== null || !(kind === 'http' || kind === 's3' || kind === 'file' || kind === 'nix-copy'))
        return;
    terminal.log.notice('No `signing-key`: paths go up with the signatures that they have, and Nix ignores those without one unless the server signs.');
}
function tell({ terminal, wantsJson }, report, lines) {
    if (wantsJson)
        terminal.print((0,_report_report_js__WEBPACK_IMPORTED_MODULE_6__/* .reportJson */ .l)(report).trimEnd());
    else
        for (const line of lines)
            terminal.print((0,_words_js__WEBPACK_IMPORTED_MODULE_10__/* .inOurWords */ .t)(line));
}
function ended({ terminal }, { caches }, stop) {
    const [cache] = caches;
    if (cache === undefined)
        return _exit_status_js__WEBPACK_IMPORTED_MODULE_8__/* .EXIT */ .dc.well;
    const status = stop.signal.aborted ? _exit_status_js__WEBPACK_IMPORTED_MODULE_8__/* .EXIT */ .dc.interrupted : (0,_exit_status_js__WEBPACK_IMPORTED_MODULE_8__/* .exitOfPush */ .Gw)(cache);
    const problem = (0,_report_problem_js__WEBPACK_IMPORTED_MODULE_5__/* .problemOf */ .Z)(cache, stop.signal.aborted);
    const vanished = cache.counts.vanished?.paths ?? 0;
    if (problem !== null)
        terminal.fail(problem);
    else if (vanished > 0)
        terminal.fail(`${vanished} paths are not in the store (any more).`);
    return status;
}


/***/ })

};
