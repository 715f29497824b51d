export const id = 212;
export const ids = [212];
export const modules = {

/***/ 3212:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   narFolderOf: () => (/* binding */ narFolderOf),
/* harmony export */   openFileStore: () => (/* binding */ openFileStore),
/* harmony export */   temporaryName: () => (/* binding */ temporaryName)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3024);
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(1455);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(6760);
/* harmony import */ var node_stream_promises__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(6466);
/* harmony import */ var _bodies_make_folders_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(5711);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(9473);
/* harmony import */ var _waiting_cancel_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(2368);








/** Nobody takes longer to write one object. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;
/** Where the NARs of a cache in `folder` lie. */
function narFolderOf(folder) {
    return (0,node_path__WEBPACK_IMPORTED_MODULE_3__.join)(folder, 'nar');
}
const TEMPORARY = /^\.nix-cache-action-[0-9a-f]{16}$/;
/** A writer's own name beside the object, until it is whole. Nix and this store look at no name with a dot in front. */
function temporaryName() {
    return `.nix-cache-action-${(0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(8).toString('hex')}`;
}
/**
 * A folder as Nix's `file://` store, also on a mounted share. An object is written under a name of the writer's own and then renamed, so a reader sees all of it
 * or nothing, and of several writers of one object the last wins. What killed writers left behind is swept by later ones after a day.
 */
function openFileStore(folder) {
    const label = `file://${folder}`;
    const fileOf = (key) => {
        if (!/^[\w+.=?-]+(?:\/[\w+.=?-]+)*$/.test(key) || key.split('/').some((part) => part === '..' || part === '.')) {
            throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('internal', `\`${key}\` is no key of a binary cache.`);
        }
        return (0,node_path__WEBPACK_IMPORTED_MODULE_3__.join)(folder, key);
    };
    const made = new Map();
    /** Once for each folder of a run. */
    const make = (directory) => {
        const known = made.get(directory) ?? (0,_bodies_make_folders_js__WEBPACK_IMPORTED_MODULE_5__/* .makeFolders */ .w)(directory).then(() => sweep(directory));
        made.set(directory, known);
        known.catch(() => made.delete(directory));
        return known;
    };
    return {
        label,
        async size(key, signal) {
            (0,_waiting_cancel_js__WEBPACK_IMPORTED_MODULE_7__/* .throwIfAborted */ .Te)(signal, `Looking for ${label}/${key}`);
            const found = await orAbsent((0,node_fs_promises__WEBPACK_IMPORTED_MODULE_2__.stat)(fileOf(key)), label);
            return found === null ? null : found.size;
        },
        async get(key, limitBytes, signal) {
            (0,_waiting_cancel_js__WEBPACK_IMPORTED_MODULE_7__/* .throwIfAborted */ .Te)(signal, `Reading ${label}/${key}`);
            const file = await orAbsent((0,node_fs_promises__WEBPACK_IMPORTED_MODULE_2__.open)(fileOf(key), 'r'), label);
            if (file === null)
                return null;
            try {
                const { size } = await file.stat();
                if (size > limitBytes)
                    throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-invalid', `${label}/${key} is longer than ${limitBytes} bytes.`);
                return await file.readFile();
            }
            catch (error) {
                throw explained(error, label);
            }
            finally {
                await file.close();
            }
        },
        async put(key, body, _contentType, signal) {
            (0,_waiting_cancel_js__WEBPACK_IMPORTED_MODULE_7__/* .throwIfAborted */ .Te)(signal, `Writing ${label}/${key}`);
            const file = fileOf(key);
            const temporary = (0,node_path__WEBPACK_IMPORTED_MODULE_3__.join)((0,node_path__WEBPACK_IMPORTED_MODULE_3__.dirname)(file), temporaryName());
            try {
                // Nix makes it too when it opens the folder, and its daemon does so as root: then nobody else could write in it.
                await make(narFolderOf(folder));
                await make((0,node_path__WEBPACK_IMPORTED_MODULE_3__.dirname)(file));
                if (body.moveTo)
                    return await body.moveTo(file);
                if (body.bytes === null)
                    await (0,node_stream_promises__WEBPACK_IMPORTED_MODULE_4__.pipeline)(body.stream(), (0,node_fs__WEBPACK_IMPORTED_MODULE_1__.createWriteStream)(temporary, { flags: 'wx' }), { signal });
                else
                    await writeBytes(temporary, body.bytes);
                (0,_waiting_cancel_js__WEBPACK_IMPORTED_MODULE_7__/* .throwIfAborted */ .Te)(signal, `Writing ${label}/${key}`);
                await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_2__.rename)(temporary, file);
            }
            catch (error) {
                await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_2__.rm)(temporary, { force: true }).catch(() => undefined);
                if (signal.aborted)
                    throw new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cancelled', `Writing ${label}/${key} was stopped.`, { cause: error });
                throw explained(error, label);
            }
        },
        close: async () => undefined,
    };
}
async function writeBytes(path, bytes) {
    const file = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_2__.open)(path, 'wx');
    try {
        await file.writeFile(bytes);
    }
    finally {
        await file.close();
    }
}
async function sweep(directory) {
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_2__.access)(directory, node_fs__WEBPACK_IMPORTED_MODULE_1__.constants.W_OK);
    for (const name of await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_2__.readdir)(directory)) {
        if (!TEMPORARY.test(name))
            continue;
        const path = (0,node_path__WEBPACK_IMPORTED_MODULE_3__.join)(directory, name);
        const found = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_2__.stat)(path).catch(() => null);
        if (found !== null && Date.now() - found.mtimeMs > ABANDONED_MS)
            await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_2__.rm)(path, { force: true });
    }
}
async function orAbsent(found, label) {
    try {
        return await found;
    }
    catch (error) {
        if (['ENOENT', 'ENOTDIR'].includes((0,_errors_js__WEBPACK_IMPORTED_MODULE_6__/* .systemCode */ .xU)(error) ?? ''))
            return null;
        throw explained(error, label);
    }
}
function explained(error, label) {
    const code = (0,_errors_js__WEBPACK_IMPORTED_MODULE_6__/* .systemCode */ .xU)(error);
    if (error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA || code === null)
        return error;
    const at = error instanceof Error && 'path' in error && typeof error.path === 'string' ? (0,node_path__WEBPACK_IMPORTED_MODULE_3__.basename)(error.path) : '';
    const what = `${label}: ${at === '' ? '' : `${at}: `}${code}.`;
    switch (code) {
        case 'EACCES':
        case 'EPERM':
            return new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-forbidden', what, {
                hint: "Give this job's user the right to read and write that folder.",
                cause: error,
            });
        case 'EROFS':
            return new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-read-only', what, {
                hint: 'That file system is mounted for reading only; set `push: never`.',
                cause: error,
            });
        case 'ENOSPC':
        case 'EDQUOT':
            return new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-failing', what, { hint: 'There is no space left in that folder.', cause: error });
        case 'ENOTDIR':
        case 'EEXIST':
            return new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-invalid', what, { hint: 'Is that a folder?', cause: error });
        default:
            return new _errors_js__WEBPACK_IMPORTED_MODULE_6__/* .CacheError */ .xA('cache-failing', what, { hint: 'Is the share mounted?', cause: error });
    }
}


/***/ }),

/***/ 5711:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   w: () => (/* binding */ makeFolders)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9473);



/**
 * Makes a folder and those above it, as far as they are missing. Not by `mkdir` with `recursive`, which in Node never ends, and keeps the process from ending,
 * where a folder that is there takes no other with ENOENT: one of a share whose other side is gone, or of the kernel's.
 */
async function makeFolders(folder) {
    try {
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.mkdir)(folder);
        return;
    }
    catch (error) {
        const code = (0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .systemCode */ .xU)(error);
        if (code !== 'ENOENT' || folder === (0,node_path__WEBPACK_IMPORTED_MODULE_1__.dirname)(folder))
            return expectFolder(folder, error);
    }
    await makeFolders((0,node_path__WEBPACK_IMPORTED_MODULE_1__.dirname)(folder));
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.mkdir)(folder).catch((error) => expectFolder(folder, error));
}
/** It is there, for example since another job made it just now. */
async function expectFolder(folder, failure) {
    const found = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.stat)(folder).catch(() => null);
    if (found?.isDirectory() !== true)
        throw failure;
}


/***/ })

};
