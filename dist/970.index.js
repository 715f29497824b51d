export const id = 970;
export const ids = [970];
export const modules = {

/***/ 3970:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  collect: () => (/* binding */ collect),
  list: () => (/* binding */ list)
});

// EXTERNAL MODULE: ./build/backends/actions-cache/format/merge.js + 1 modules
var merge = __webpack_require__(6533);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
// EXTERNAL MODULE: ./build/backends/actions-cache/compacting.js
var compacting = __webpack_require__(7180);
// EXTERNAL MODULE: ./build/backends/actions-cache/format/compaction.js + 1 modules
var compaction = __webpack_require__(5856);
// EXTERNAL MODULE: ./build/backends/actions-cache/format/pack.js
var pack = __webpack_require__(7170);
// EXTERNAL MODULE: ./build/backends/actions-cache/index-saving.js + 1 modules
var index_saving = __webpack_require__(831);
// EXTERNAL MODULE: ./build/backends/actions-cache/pack-upload.js
var pack_upload = __webpack_require__(8290);
// EXTERNAL MODULE: ./build/backends/actions-cache/pack-writer.js + 1 modules
var pack_writer = __webpack_require__(9271);
// EXTERNAL MODULE: ./build/backends/actions-cache/packs.js + 1 modules
var actions_cache_packs = __webpack_require__(5204);
;// CONCATENATED MODULE: ./build/backends/actions-cache/garbage.js









/** Nothing waits for it. */
const COPYING_MS = 30 * 60_000;
/**
 * Brings this ref's store under its budget without a push: gives up what was not used for longest, forgets what lies in packs that are gone, and moves what is left
 * of packs that are mostly dead. One new index, and a pack where frames move; nothing where there is nothing to do. Throws what the service throws, and leaves the
 * store as it was then.
 */
async function collectGarbage(options) {
    const { service, known, storeDir, budgetBytes, nowS, signal } = options;
    const packs = (0,actions_cache_packs/* createPacks */.r)(service);
    const indexes = known.own.indexes.map(({ index }) => index);
    const before = (0,merge/* mergeIndexes */.$T)(indexes, { storeDir, gonePacks: new Set() });
    await packs.areThere(before.packs);
    const index = (0,merge/* mergeIndexes */.$T)(indexes, { storeDir, gonePacks: packs.gone });
    const plan = (0,compaction/* planCompaction */.Jb)(index, { budgetBytes, nowS, newBytes: 0 });
    const all = [...before.paths()];
    const lost = all.filter(({ info }) => index.path((0,store_path/* hashPartOf */.bV)(info.path)) === null);
    const result = {
        dropped: all.filter(({ info }) => plan.dropped.has((0,store_path/* hashPartOf */.bV)(info.path))),
        lost,
        paths: { before: all.length, after: all.length - lost.length - plan.dropped.size },
        packBytes: plan.packBytes,
        rewrittenPacks: plan.rewritten.length,
    };
    if (options.isDryRun || (result.dropped.length === 0 && lost.length === 0 && plan.rewritten.length === 0))
        return result;
    await save(index, { ...options, packs }, signal);
    return result;
}
async function save(index, options, signal) {
    const { service, known, nowS } = options;
    const writer = (0,pack_writer/* createPackWriter */.$)({
        folder: options.folder,
        header: pack/* PACK_HEADER */.Qv,
        trailer: (sizeBytes, frames) => (0,pack/* packTrailer */.RP)({ sizeBytes, frames }),
    });
    try {
        const compacted = await (0,compacting/* compact */.o)(index, { ...options, newBytes: 0, writer, limitMs: COPYING_MS });
        const added = await Promise.all((await writer.finish()).map((pack) => (0,pack_upload/* uploadPack */.Z)(service, pack, nowS, signal)));
        await (0,index_saving/* saveIndex */.m)(service, known.own, compacted.index(added), { createdAt: nowS, writer: options.writer }, signal);
    }
    finally {
        await writer.close();
    }
}

// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/phases/actions-cache.js + 6 modules
var actions_cache = __webpack_require__(7147);
// EXTERNAL MODULE: ./build/quantity.js
var quantity = __webpack_require__(6135);
// EXTERNAL MODULE: ./build/store/local-store.js + 1 modules
var local_store = __webpack_require__(2325);
// EXTERNAL MODULE: ./build/cli/command-session.js
var command_session = __webpack_require__(1625);
// EXTERNAL MODULE: ./build/cli/exit-status.js
var exit_status = __webpack_require__(2900);
;// CONCATENATED MODULE: ./build/cli/actions-cache-store.js









const EFFORT = { concurrency: 16, attempts: 5, patienceMs: 60_000, connectTimeoutMs: 15_000 };
const READING_TIMEOUT_MS = 5 * 60_000;
const COLLECTING_TIMEOUT_MS = 60 * 60_000;
const NO_CACHE_HINT = 'The runner gives ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL to actions, and not to `run:` steps; docs/cli.md shows how to hand them on.';
/** `ls` */
async function list(context) {
    const { args, terminal, wantsJson } = context;
    await withStore(context, 'whyNoRead', async ({ known, storeDir }) => {
        const chains = args.switches.has('all-refs') ? [known.own, ...known.others] : [known.own];
        const indexes = chains.flatMap((chain) => chain.indexes.map(({ index }) => index));
        const index = (0,merge/* mergeIndexes */.$T)(indexes, { storeDir, gonePacks: new Set() });
        const paths = [...index.paths()].sort((a, b) => b.usedAt - a.usedAt || compare(a.info.path, b.info.path));
        const refs = chains.map(({ ref, lastSlot, indexes: read }) => ({ ref, indexes: read.length, newest: lastSlot }));
        if (wantsJson) {
            const packs = index.packs.map(({ key, sizeBytes, createdAt }) => ({ key, sizeBytes, createdAt: timeOf(createdAt) }));
            terminal.print(JSON.stringify({ version: 1, refs, packs, paths: paths.map(pathJson) }, null, '\t'));
            return;
        }
        for (const path of paths)
            terminal.print(pathLine(path));
        const packBytes = index.packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        const names = refs.map(({ ref }) => ref).join(', ');
        terminal.log.info(`${names}: ${paths.length} paths in ${index.packs.length} packs (${(0,quantity/* formatBytes */.z3)(packBytes)}).`);
    });
    return exit_status/* EXIT */.dc.well;
}
/** `gc` */
async function collect(context) {
    const { args, terminal, wantsJson } = context;
    const isDryRun = args.switches.has('dry-run');
    await withStore(context, isDryRun ? 'whyNoRead' : 'whyNoWrite', async ({ service, known, storeDir, session }) => {
        const result = await collectGarbage({
            service,
            known,
            storeDir,
            budgetBytes: session.inputs.actionsCacheSizeBytes,
            folder: `${session.state().folder}/packs`,
            writer: 'gc',
            isDryRun,
            nowS: Math.floor(Date.now() / 1000),
            log: terminal.log,
            signal: AbortSignal.timeout(COLLECTING_TIMEOUT_MS),
        });
        if (wantsJson)
            terminal.print(JSON.stringify(resultJson(result), null, '\t'));
        else
            for (const line of resultLines(result, isDryRun))
                terminal.print(line);
    });
    return exit_status/* EXIT */.dc.well;
}
/** Opens the Actions cache of this job and reads its indexes. @throws CacheError `cache-unreachable` where there is none */
async function withStore(context, mayNot, body) {
    const inputs = await (0,command_session/* inputsOf */.Vc)(context, { cache: 'actions-cache' });
    context.terminal.log.mask(context.env.ACTIONS_RUNTIME_TOKEN ?? '');
    const session = await (0,command_session/* openCommandSession */.oi)(context, inputs);
    try {
        const storeDir = await storeDirOf(context);
        await (0,actions_cache/* withCacheService */.AL)(session.runner, session.state().folder, storeDir, EFFORT, async (service) => {
            const whyNot = service === null ? 'there is none here.' : (service.whyNoRead ?? service[mayNot]);
            if (service === null || whyNot !== null)
                throw new errors/* CacheError */.xA('cache-unreachable', `The Actions cache can't be used: ${whyNot}`, { hint: NO_CACHE_HINT });
            const known = await (0,actions_cache/* readKnown */.Uj)(session.runner, service, storeDir, AbortSignal.timeout(READING_TIMEOUT_MS));
            await body({ service, known, storeDir, session });
        });
    }
    finally {
        await session.close();
    }
}
/** A job that only looks need not have Nix. */
async function storeDirOf(context) {
    const env = (0,command_session/* withoutSecrets */.cT)(context);
    const store = await (0,local_store/* openLocalStore */.n)({ env, log: context.terminal.log, signal: AbortSignal.timeout(READING_TIMEOUT_MS) });
    return store?.storeDir ?? (env.NIX_STORE_DIR || '/nix/store');
}
function storedBytes({ chunks }) {
    return chunks.reduce((sum, { frameBytes }) => sum + frameBytes, 0);
}
function timeOf(seconds) {
    return new Date(seconds * 1000).toISOString();
}
function pathLine(path) {
    const sizes = `${(0,quantity/* formatBytes */.z3)(path.info.narSizeBytes).padStart(9)} ${(0,quantity/* formatBytes */.z3)(storedBytes(path)).padStart(9)}`;
    return `${timeOf(path.usedAt).slice(0, 10)} ${sizes}  ${(0,store_path/* baseNameOf */.mv)(path.info.path)}`;
}
function pathJson(path) {
    const { info, usedAt, chunks } = path;
    return {
        path: info.path,
        narSizeBytes: info.narSizeBytes,
        storedBytes: storedBytes(path),
        usedAt: timeOf(usedAt),
        packs: [...new Set(chunks.map(({ pack }) => pack.key))],
    };
}
function resultJson({ dropped, lost, ...numbers }) {
    return { version: 1, ...numbers, dropped: dropped.map(({ info }) => info.path), lost: lost.map(({ info }) => info.path) };
}
function resultLines({ dropped, lost, paths, packBytes, rewrittenPacks }, isDryRun) {
    const verb = isDryRun ? 'would go' : 'went';
    return [
        ...dropped.map((path) => `${verb}: ${(0,store_path/* baseNameOf */.mv)(path.info.path)}, used ${timeOf(path.usedAt).slice(0, 10)}`),
        ...lost.map(({ info }) => `lost: ${(0,store_path/* baseNameOf */.mv)(info.path)}`),
        `${paths.before} paths before, ${paths.after} after; ${(0,quantity/* formatBytes */.z3)(packBytes.before)} in packs before, ${(0,quantity/* formatBytes */.z3)(packBytes.after)} after; ${rewrittenPacks} packs rewritten.`,
    ];
}
function compare(a, b) {
    return a < b ? -1 : a > b ? 1 : 0;
}


/***/ }),

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


/***/ })

};
