export const id = 18;
export const ids = [18];
export const modules = {

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

/***/ 8018:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   keygen: () => (/* binding */ keygen)
/* harmony export */ });
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);
/* harmony import */ var _nix_signature_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(8486);
/* harmony import */ var _command_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(3192);
/* harmony import */ var _exit_status_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(2900);
/* harmony import */ var _parse_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(2422);
/* harmony import */ var _private_file_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(4061);







/** `keygen NAME` */
async function keygen({ command, args, terminal, cwd, wantsJson }) {
    const [name = ''] = args.operands;
    const key = newKey(name);
    const file = (0,node_path__WEBPACK_IMPORTED_MODULE_0__.resolve)(cwd, (0,_command_js__WEBPACK_IMPORTED_MODULE_6__/* .optionValue */ .T)(command, args, 'secret-key-file') ?? `${name.replaceAll('/', '-')}.secret`);
    const publicKey = (0,_nix_signature_js__WEBPACK_IMPORTED_MODULE_2__/* .formatPublicKey */ .et)((0,_nix_signature_js__WEBPACK_IMPORTED_MODULE_2__/* .publicKeyOf */ .kc)(key));
    await (0,_private_file_js__WEBPACK_IMPORTED_MODULE_5__/* .writeNew */ .q)(file, (0,_nix_signature_js__WEBPACK_IMPORTED_MODULE_2__/* .formatSecretKey */ .$5)(key));
    if (wantsJson)
        terminal.print(JSON.stringify({ name, publicKey, secretKeyFile: file }));
    else
        terminal.print(publicKey);
    terminal.log.info(`The secret key is in ${file}. Whoever has it can make paths that your machines believe: keep it as a secret.`);
    return _exit_status_js__WEBPACK_IMPORTED_MODULE_3__/* .EXIT */ .dc.well;
}
function newKey(name) {
    try {
        return (0,_nix_signature_js__WEBPACK_IMPORTED_MODULE_2__/* .generateKey */ .rh)(name);
    }
    catch (error) {
        if ((0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .isCacheError */ .bt)(error, 'format-invalid'))
            throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_4__/* .usageError */ .D)(error.message, 'Name it after who signs, such as `example.org-1`.');
        throw error;
    }
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


/***/ })

};
