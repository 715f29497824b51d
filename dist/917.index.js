export const id = 917;
export const ids = [917];
export const modules = {

/***/ 6917:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   openToolkit: () => (/* binding */ openToolkit)
/* harmony export */ });
/* harmony import */ var node_child_process__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1421);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(7598);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3024);
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(1455);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(6760);
/* harmony import */ var node_stream_promises__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(6466);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(9473);
/* harmony import */ var _toolkit_program_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(7400);








/** A pack of 1 GiB on a slow line. */
const CALL_LIMIT_MS = 15 * 60_000;
const MAX_LOG_BYTES = 256 * 1024;
/**
 * The Actions cache through the public interface of `@actions/cache`: for servers that speak the older protocol (GHES, act, Gitea, Forgejo), and for the day on which
 * the newer one changes. An entry is an archive with one file; reading a part of it fetches all of it once.
 */
function openToolkit(options) {
    const { log, version, folder } = options;
    // The toolkit derives its namespace from the names of the files.
    const path = `nix-cache-action-${version.slice(0, 16)}`;
    const restored = new Map();
    const call = async (request, signal, use, prepare) => {
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_3__.mkdir)(folder, { recursive: true, mode: 0o700 });
        const place = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_3__.mkdtemp)((0,node_path__WEBPACK_IMPORTED_MODULE_4__.join)(folder, 'toolkit-'));
        try {
            await prepare?.(place);
            const output = await run(options, place, request, signal);
            for (const line of output.split('\n'))
                if (line.trim() !== '')
                    log.debug(`@actions/cache: ${line.replace(/^::\w+::/, '')}`);
            return await use(place, await answerIn(place), output);
        }
        finally {
            await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_3__.rm)(place, { recursive: true, force: true });
        }
    };
    /** The file of an entry, fetched once; `null` when the entry has gone. */
    const fetched = (key, signal) => {
        const known = restored.get(key);
        if (known !== undefined)
            return known;
        const request = { call: 'restore', path, key, restoreKeys: [], lookupOnly: false };
        const file = call(request, signal, async (place, { returned }, output) => {
            if (typeof returned !== 'string' || returned.toLowerCase() !== key.toLowerCase()) {
                refuse(output);
                return null;
            }
            const kept = (0,node_path__WEBPACK_IMPORTED_MODULE_4__.join)(folder, `entry-${(0,node_crypto__WEBPACK_IMPORTED_MODULE_1__.randomBytes)(8).toString('hex')}`);
            await (0,node_stream_promises__WEBPACK_IMPORTED_MODULE_5__.pipeline)((0,node_fs__WEBPACK_IMPORTED_MODULE_2__.createReadStream)((0,node_path__WEBPACK_IMPORTED_MODULE_4__.join)(place, path)), (0,node_fs__WEBPACK_IMPORTED_MODULE_2__.createWriteStream)(kept, { mode: 0o600, flags: 'wx' }));
            return kept;
        });
        restored.set(key, file);
        file.catch(() => restored.delete(key));
        return file;
    };
    const entryOf = (key) => ({
        key: key.toLowerCase(),
        async read(range, signal) {
            const file = await fetched(key, signal);
            if (file === null)
                return null;
            const { size } = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_3__.stat)(file);
            if (range !== null && range.end >= size)
                throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-invalid', `The entry \`${key}\` has ${size} bytes and should have more than ${range.end}.`);
            return (0,node_fs__WEBPACK_IMPORTED_MODULE_2__.createReadStream)(file, range ?? {});
        },
    });
    return {
        transport: 'toolkit',
        label: 'the Actions cache',
        whyNoRead: options.whyNoRead,
        whyNoWrite: options.whyNoWrite,
        refusesDuplicates: options.refusesDuplicates,
        async lookup(which, signal) {
            const [key, restoreKeys] = 'key' in which ? [which.key, []] : [which.newestOf, [which.newestOf]];
            const request = { call: 'restore', path, key, restoreKeys, lookupOnly: true };
            const returned = await call(request, signal, async (_, answer, output) => {
                if (answer.returned === null)
                    refuse(output);
                return answer.returned;
            });
            if (typeof returned !== 'string')
                return null;
            const isWanted = 'key' in which ? returned.toLowerCase() === which.key : returned.toLowerCase().startsWith(which.newestOf);
            return isWanted ? entryOf(returned) : null;
        },
        async save(key, body, signal) {
            const request = { call: 'save', path, key };
            return call(request, signal, async (_, { returned }, output) => {
                if (typeof returned === 'number' && returned >= 0)
                    return 'saved';
                refuse(output);
                if (/already exists|unable to reserve/i.test(output))
                    return 'exists';
                throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-failing', `The Actions cache did not take the entry \`${key}\`: ${lastLine(output)}`);
            }, (place) => writeBody(body, (0,node_path__WEBPACK_IMPORTED_MODULE_4__.join)(place, path)));
        },
        async close() {
            await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_3__.rm)(folder, { recursive: true, force: true });
        },
    };
}
async function writeBody(body, file) {
    try {
        await (0,node_stream_promises__WEBPACK_IMPORTED_MODULE_5__.pipeline)(body.stream(), (0,node_fs__WEBPACK_IMPORTED_MODULE_2__.createWriteStream)(file, { mode: 0o600, flags: 'wx' }));
    }
    catch (cause) {
        const code = (0,_errors_js__WEBPACK_IMPORTED_MODULE_6__/* .systemCode */ .xU)(cause);
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `${file} can't be written (${code ?? cause}).`, {
            cause,
        });
    }
}
/** What the toolkit writes to its log is all that it tells of a failure. */
function refuse(output) {
    if (/cache write denied/i.test(output))
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-read-only', 'This job may not write to the Actions cache.');
    if (/cache read denied/i.test(output))
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-forbidden', 'This job may not read from the Actions cache.');
    if (/rate limit|\b429\b/i.test(output))
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-throttled', 'The Actions cache limits the rate of requests now.');
    if (/insufficient usage/i.test(output))
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-read-only', "The repository's storage for the Actions cache is used up.");
    if (/failed to (?:restore|save)|::error::/i.test(output) && !/already exists|unable to reserve/i.test(output)) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-failing', `The Actions cache failed: ${lastLine(output)}`);
    }
}
function lastLine(output) {
    const line = output
        .split('\n')
        .filter((one) => /failed|error|unable/i.test(one))
        .at(-1) ?? 'it gave no reason';
    return `${line
        .replace(/^::\w+::/, '')
        .trim()
        .slice(0, 300)}.`;
}
async function answerIn(place) {
    try {
        const answer = JSON.parse(await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_3__.readFile)((0,node_path__WEBPACK_IMPORTED_MODULE_4__.join)(place, _toolkit_program_js__WEBPACK_IMPORTED_MODULE_7__/* .ANSWER_FILE */ .w), 'utf8'));
        return answer;
    }
    catch (cause) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-failing', 'The process that speaks to the Actions cache ended without an answer.', { cause });
    }
}
/** Everything that it wrote. */
async function run({ env, script }, place, request, signal) {
    const temp = (0,node_path__WEBPACK_IMPORTED_MODULE_4__.join)(place, 'temp');
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_3__.mkdir)(temp, { mode: 0o700 });
    const child = (0,node_child_process__WEBPACK_IMPORTED_MODULE_0__.spawn)(process.execPath, [script, JSON.stringify(request)], {
        cwd: place,
        env: { ...env, GITHUB_WORKSPACE: place, RUNNER_TEMP: temp },
        stdio: ['ignore', 'pipe', 'pipe'],
        signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]),
    });
    let output = '';
    const take = (bytes) => {
        if (output.length < MAX_LOG_BYTES)
            output += bytes.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    return new Promise((resolve, reject) => {
        child.once('error', (cause) => reject(signal.aborted
            ? new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cancelled', 'Speaking to the Actions cache was stopped.')
            : new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-failing', 'The process that speaks to the Actions cache can not be run.', { cause })));
        child.once('close', () => resolve(output));
    });
}


/***/ })

};
