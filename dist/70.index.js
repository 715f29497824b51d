export const id = 70;
export const ids = [70];
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

/***/ 4061:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   q: () => (/* binding */ writeNew)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);
/* harmony import */ var _parse_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(2422);
var __addDisposableResource = (undefined && undefined.__addDisposableResource) || function (env, value, async) {
    if (value !== null && value !== void 0) {
        if (typeof value !== "object" && typeof value !== "function") throw new TypeError("Object expected.");
        var dispose, inner;
        if (async) {
            if (!Symbol.asyncDispose) throw new TypeError("Symbol.asyncDispose is not defined.");
            dispose = value[Symbol.asyncDispose];
        }
        if (dispose === void 0) {
            if (!Symbol.dispose) throw new TypeError("Symbol.dispose is not defined.");
            dispose = value[Symbol.dispose];
            if (async) inner = dispose;
        }
        if (typeof dispose !== "function") throw new TypeError("Object not disposable.");
        if (inner) dispose = function() { try { inner.call(this); } catch (e) { return Promise.reject(e); } };
        env.stack.push({ value: value, dispose: dispose, async: async });
    }
    else if (async) {
        env.stack.push({ async: true });
    }
    return value;
};
var __disposeResources = (undefined && undefined.__disposeResources) || (function (SuppressedError) {
    return function (env) {
        function fail(e) {
            env.error = env.hasError ? new SuppressedError(e, env.error, "An error was suppressed during disposal.") : e;
            env.hasError = true;
        }
        var r, s = 0;
        function next() {
            while (r = env.stack.pop()) {
                try {
                    if (!r.async && s === 1) return s = 0, env.stack.push(r), Promise.resolve().then(next);
                    if (r.dispose) {
                        var result = r.dispose.call(r.value);
                        if (r.async) return s |= 2, Promise.resolve(result).then(next, function(e) { fail(e); return next(); });
                    }
                    else s |= 1;
                }
                catch (e) {
                    fail(e);
                }
            }
            if (s === 1) return env.hasError ? Promise.reject(env.error) : Promise.resolve();
            if (env.hasError) throw env.error;
        }
        return next();
    };
})(typeof SuppressedError === "function" ? SuppressedError : function (error, suppressed, message) {
    var e = new Error(message);
    return e.name = "SuppressedError", e.error = error, e.suppressed = suppressed, e;
});



/**
 * Writes a new file that only this user can read. Never over what is there: that may be the only copy of a key. @throws CacheError `input-invalid`
 * when the file is there, `disk-full`, `file-failed`
 */
async function writeNew(file, text) {
    let isMade = false;
    try {
        const env_1 = { stack: [], error: void 0, hasError: false };
        try {
            const handle = __addDisposableResource(env_1, await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.open)(file, 'wx', 0o600), true);
            isMade = true;
            await handle.writeFile(text);
            await handle.sync();
        }
        catch (e_1) {
            env_1.error = e_1;
            env_1.hasError = true;
        }
        finally {
            const result_1 = __disposeResources(env_1);
            if (result_1)
                await result_1;
        }
    }
    catch (cause) {
        // Part of a secret is of no use, and would be in the way of the next try.
        if (isMade)
            await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rm)(file, { force: true }).catch(() => undefined);
        const code = (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .systemCode */ .xU)(cause) ?? 'unknown';
        if (code === 'EEXIST')
            throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_2__/* .usageError */ .D)(`${file} is there already, and nothing is written over it.`, 'Give the name of a new file.');
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `${file} can't be written (${code}).`, { cause });
    }
}


/***/ }),

/***/ 8070:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   serve: () => (/* binding */ serve)
/* harmony export */ });
/* harmony import */ var node_events__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(8474);
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1455);
/* harmony import */ var node_net__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(7030);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(6760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(9473);
/* harmony import */ var _nix_netrc_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(6188);
/* harmony import */ var _phases_cache_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(7796);
/* harmony import */ var _phases_configure_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(645);
/* harmony import */ var _phases_mount_reader_js__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(1838);
/* harmony import */ var _phases_mounts_js__WEBPACK_IMPORTED_MODULE_16__ = __webpack_require__(6871);
/* harmony import */ var _quantity_js__WEBPACK_IMPORTED_MODULE_9__ = __webpack_require__(6135);
/* harmony import */ var _substituter_server_js__WEBPACK_IMPORTED_MODULE_10__ = __webpack_require__(9460);
/* harmony import */ var _command_js__WEBPACK_IMPORTED_MODULE_15__ = __webpack_require__(3192);
/* harmony import */ var _command_session_js__WEBPACK_IMPORTED_MODULE_11__ = __webpack_require__(1625);
/* harmony import */ var _exit_status_js__WEBPACK_IMPORTED_MODULE_12__ = __webpack_require__(2900);
/* harmony import */ var _parse_js__WEBPACK_IMPORTED_MODULE_13__ = __webpack_require__(2422);
/* harmony import */ var _private_file_js__WEBPACK_IMPORTED_MODULE_14__ = __webpack_require__(4061);

















const ASKING_TIMEOUT_MS = 60_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** `serve URL` */
async function serve(context) {
    const { args } = context;
    const [url = ''] = args.operands;
    const inputs = await (0,_command_session_js__WEBPACK_IMPORTED_MODULE_11__/* .inputsOf */ .Vc)(context, { cache: url });
    const target = targetOf(inputs, url);
    const port = portOf((0,_command_js__WEBPACK_IMPORTED_MODULE_15__/* .optionValue */ .T)(context.command, args, 'port'));
    const netrcFile = (0,_command_js__WEBPACK_IMPORTED_MODULE_15__/* .optionValue */ .T)(context.command, args, 'netrc-file');
    const store = await (0,_command_session_js__WEBPACK_IMPORTED_MODULE_11__/* .openStore */ .Ch)(context);
    const session = await (0,_command_session_js__WEBPACK_IMPORTED_MODULE_11__/* .openCommandSession */ .oi)(context, inputs);
    const stopped = untilStopped();
    try {
        const netrc = await (0,_phases_configure_js__WEBPACK_IMPORTED_MODULE_7__/* .knownNetrc */ .as)(inputs, store, stopped.signal);
        const priority = await ask(session, store, target, netrc, stopped.signal);
        const line = target.kind === 's3' ? target.line : target.substituter;
        const source = { kind: 'cache', line, credentials: target.credentials, proxy: null };
        const reader = await (0,_phases_mount_reader_js__WEBPACK_IMPORTED_MODULE_8__/* .openMountReader */ .F)(session.runner, store.storeDir, netrc, source);
        const order = {
            mount: { name: '', reader, priority: (0,_phases_mounts_js__WEBPACK_IMPORTED_MODULE_16__/* .priorityIn */ ._h)(target.substituter) ?? priority ?? _phases_mounts_js__WEBPACK_IMPORTED_MODULE_16__/* .CACHE_PRIORITY */ .KZ },
            storeDir: store.storeDir,
            port,
        };
        await serveUntil(stopped.wait, context, order, netrcFile === null ? null : { file: (0,node_path__WEBPACK_IMPORTED_MODULE_3__.resolve)(context.cwd, netrcFile), netrc }).finally(reader.close);
        return _exit_status_js__WEBPACK_IMPORTED_MODULE_12__/* .EXIT */ .dc.well;
    }
    catch (error) {
        if (stopped.signal.aborted && (0,_errors_js__WEBPACK_IMPORTED_MODULE_4__/* .isCacheError */ .bt)(error, 'cancelled'))
            return _exit_status_js__WEBPACK_IMPORTED_MODULE_12__/* .EXIT */ .dc.well;
        throw error;
    }
    finally {
        stopped.close();
        await session.close();
    }
}
function targetOf({ caches: [target] }, url) {
    if (target?.kind === 'http' || target?.kind === 's3')
        return target;
    throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_13__/* .usageError */ .D)(`Nix reads \`${url}\` by itself.`, 'Name it in `extra-substituters`; only HTTP caches and buckets are served here.');
}
function portOf(text) {
    if (text === null)
        return null;
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (port < 1 || port > 65_535)
        throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_13__/* .usageError */ .D)('`--port` takes a number from 1 to 65535.');
    return port;
}
/** Whether the cache answers; its priority. */
async function ask(session, store, target, netrc, stopped) {
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(ASKING_TIMEOUT_MS)]);
    return (0,_phases_cache_js__WEBPACK_IMPORTED_MODULE_6__/* .withCache */ .n)(session, store, target, netrc, _phases_mount_reader_js__WEBPACK_IMPORTED_MODULE_8__/* .MOUNT_EFFORT */ .f, async (backend) => {
        const { note } = await backend.check(false, signal);
        if (note !== null)
            session.runner.log.warning(note);
        return backend.reads().priority;
    });
}
async function serveUntil(stopped, context, { mount, storeDir, port }, netrc) {
    const { log } = context.terminal;
    const listener = port === null ? undefined : await listenOn(port);
    const substituter = await (0,_substituter_server_js__WEBPACK_IMPORTED_MODULE_10__/* .startSubstituter */ .Z)({ mounts: [mount], storeDir, listener, log });
    try {
        const { username: login, password } = substituter.credentials;
        const own = { machine: _substituter_server_js__WEBPACK_IMPORTED_MODULE_10__/* .ADDRESS */ .B, login, password };
        if (netrc !== null)
            await (0,_private_file_js__WEBPACK_IMPORTED_MODULE_14__/* .writeNew */ .q)(netrc.file, (0,_nix_netrc_js__WEBPACK_IMPORTED_MODULE_5__/* .formatNetrc */ .gG)([own, ...netrc.netrc]));
        try {
            announce(context, substituter.url, own, netrc?.file ?? null);
            await stopped;
        }
        finally {
            if (netrc !== null)
                await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_1__.rm)(netrc.file, { force: true });
        }
    }
    finally {
        await substituter.close();
    }
    const { mounts } = substituter.statistics();
    const { paths = 0, narBytes = 0 } = mounts[mount.name] ?? {};
    log.info(`Nix read ${paths} paths (${(0,_quantity_js__WEBPACK_IMPORTED_MODULE_9__/* .formatBytes */ .z3)(narBytes)}) from ${mount.reader.label}.`);
}
function announce({ terminal, wantsJson }, url, { machine, login, password }, netrcFile) {
    const { print, log } = terminal;
    if (wantsJson) {
        print(JSON.stringify({ url, machine, login, password }));
        return;
    }
    print(`extra-substituters = ${url}`);
    if (netrcFile === null)
        print(`machine ${machine} login ${login} password ${password}`);
    else
        print(`netrc-file = ${netrcFile}`);
    log.info('The lines above are for nix.conf and the netrc, or for `--option` on the command line of Nix. Ctrl-C ends this.');
}
async function listenOn(port) {
    const listener = (0,node_net__WEBPACK_IMPORTED_MODULE_2__.createServer)();
    listener.listen(port, _substituter_server_js__WEBPACK_IMPORTED_MODULE_10__/* .ADDRESS */ .B);
    try {
        await (0,node_events__WEBPACK_IMPORTED_MODULE_0__.once)(listener, 'listening');
        return listener;
    }
    catch (cause) {
        throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_13__/* .usageError */ .D)(`Port ${port} on ${_substituter_server_js__WEBPACK_IMPORTED_MODULE_10__/* .ADDRESS */ .B} can't be used (${(0,_errors_js__WEBPACK_IMPORTED_MODULE_4__/* .systemCode */ .xU)(cause) ?? 'unknown'}).`, 'Give another one, or leave `--port` out.');
    }
}
/** Ends with the first signal: Ctrl-C, a service manager, or the terminal that goes. */
function untilStopped() {
    const controller = new AbortController();
    const onSignal = () => controller.abort();
    for (const name of SIGNALS)
        process.on(name, onSignal);
    const wait = new Promise((resolve) => controller.signal.addEventListener('abort', () => resolve(), { once: true }));
    return {
        signal: controller.signal,
        wait,
        close() {
            for (const name of SIGNALS)
                process.off(name, onSignal);
        },
    };
}


/***/ })

};
