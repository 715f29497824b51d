export const id = 964;
export const ids = [964,212];
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

/***/ 5465:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   u: () => (/* binding */ bodyOfFile)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3024);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(8500);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(9473);




const PIECE_BYTES = 128 * 1024;
/** The one that is read into, and the two before it. */
const PIECES = 3;
/** How long everything else in this process may have to wait for who reads. */
const SLICE_MS = 5;
/** The first `sizeBytes` bytes of a file that was just written. They can be read until it is closed or written to. `moveTo` as in `DivisibleBody`. */
function bodyOfFile(file, sizeBytes, moveTo = null) {
    return { ...between(file, 0, sizeBytes), moveTo, part: (start, end) => partOfFile(file, start, end) };
}
function partOfFile(file, start, end) {
    const body = between(file, start, end);
    return { ...body, md5: () => md5Of(body.stream()) };
}
function between(file, start, end) {
    return { sizeBytes: end - start, bytes: null, stream: () => piecesOf(file, start, end) };
}
/**
 * Bytes `start` up to `end` (not included), by position, so that several can read at once. A piece is overwritten when two more have been taken: memory
 * for each of its own costs more than reading into it, and the garbage collector's time. Reading is synchronous: what was just written is in the
 * system's memory, and there in less time than another thread takes to be told of it.
 */
async function* piecesOf(file, start, end) {
    const pieceBytes = Math.min(PIECE_BYTES, end - start);
    const pieces = Array.from({ length: PIECES }, () => Buffer.allocUnsafeSlow(pieceBytes));
    let turnedAtMs = performance.now();
    for (let at = start; at < end;) {
        for (const piece of pieces) {
            if (at === end)
                break;
            const readBytes = (0,node_fs__WEBPACK_IMPORTED_MODULE_1__.readSync)(file.fd, piece, 0, Math.min(pieceBytes, end - at), at);
            if (readBytes === 0)
                throw new _errors_js__WEBPACK_IMPORTED_MODULE_3__/* .CacheError */ .xA('internal', `A temporary file ends at byte ${at} in place of ${end}.`);
            at += readBytes;
            yield piece.subarray(0, readBytes);
            if (performance.now() - turnedAtMs <= SLICE_MS)
                continue;
            await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_2__.setImmediate)();
            turnedAtMs = performance.now();
        }
    }
}
async function md5Of(pieces) {
    const hash = (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('md5');
    for await (const piece of pieces)
        hash.update(piece);
    return hash.digest();
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


/***/ }),

/***/ 1964:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  pushNewPaths: () => (/* binding */ pushNewPaths),
  L: () => (/* binding */ withPushes)
});

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./build/backends/file-store.js
var file_store = __webpack_require__(3212);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: external "node:util"
var external_node_util_ = __webpack_require__(7975);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
;// CONCATENATED MODULE: ./build/nix/nar.js

/**
 * The NAR format: strings (length as 64-bit little-endian integer, bytes, zeros up to a multiple of 8), arranged as
 *
 *     "nix-archive-1" node
 *     node  = "(" "type" "regular" ["executable" ""] "contents" <bytes> ")"
 *           | "(" "type" "symlink" "target" <bytes> ")"
 *           | "(" "type" "directory" entry* ")"
 *     entry = "entry" "(" "name" <bytes> "node" node ")"      sorted by the bytes of the names
 *
 * Source: nix/src/libutil/archive.cc and the manual, "Nix Archive (NAR) format". This file has the pieces that a writer puts
 * together; `read-nar.ts` takes archives apart. The constants are shared: they are not to be written to.
 */
/** Strings, names and numbers are padded to this many bytes. */
const ALIGNMENT = 8;
/** What Nix 2.31.5 and later accept (archive.cc); a tree beyond them can be dumped by older versions, but not be restored everywhere. */
const NAR_MAX_DEPTH = 64;
const NAR_MAX_NAME_BYTES = 255;
const NAR_MAX_TARGET_BYTES = 4095;
const PADDINGS = Array.from({ length: ALIGNMENT }, (_, used) => new Uint8Array((ALIGNMENT - used) % ALIGNMENT));
/** The zeros that follow `sizeBytes` bytes: 0 to 7 of them. */
function padding(sizeBytes) {
    return PADDINGS[sizeBytes % ALIGNMENT] ?? new Uint8Array(0);
}
/** A size as 64-bit little-endian integer. Throws `format-invalid` on what is no whole number from 0 to 2^53 - 1. */
function encodeSize(sizeBytes) {
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
        throw new errors/* CacheError */.xA('format-invalid', `${sizeBytes} is not a size that fits into a NAR.`);
    }
    const bytes = Buffer.alloc(ALIGNMENT);
    bytes.writeUInt32LE(sizeBytes % 2 ** 32, 0);
    bytes.writeUInt32LE(Math.floor(sizeBytes / 2 ** 32), 4);
    return bytes;
}
/** A whole string: length, bytes, padding. */
function encodeString(bytes) {
    return Buffer.concat([encodeSize(bytes.length), bytes, padding(bytes.length)]);
}
function tokens(...words) {
    return Buffer.concat(words.map((word) => encodeString(Buffer.from(word))));
}
/** What every NAR begins with; the root node follows. */
const NAR_MAGIC = tokens('nix-archive-1');
const DIRECTORY_START = tokens('(', 'type', 'directory');
const DIRECTORY_END = tokens(')');
const ENTRY_END = tokens(')');
const REGULAR = tokens('(', 'type', 'regular', 'contents');
const EXECUTABLE = tokens('(', 'type', 'regular', 'executable', '', 'contents');
const SYMLINK = tokens('(', 'type', 'symlink', 'target');
const NODE_END = tokens(')');
const ENTRY_NAME = tokens('entry', '(', 'name');
const ENTRY_NODE = tokens('node');
const REGULAR_ENDS = PADDINGS.map((zeros) => Buffer.concat([zeros, NODE_END]));
/** Everything of a regular file before its `sizeBytes` bytes of contents. */
function regularStart(executable, sizeBytes) {
    return Buffer.concat([executable ? EXECUTABLE : REGULAR, encodeSize(sizeBytes)]);
}
/** Everything of a regular file after its `sizeBytes` bytes of contents. */
function regularEnd(sizeBytes) {
    return REGULAR_ENDS[sizeBytes % ALIGNMENT] ?? NODE_END;
}
/** A whole symbolic link. */
function symlinkNode(target) {
    return Buffer.concat([SYMLINK, encodeString(target), NODE_END]);
}
/** Everything of a directory entry before its node; `ENTRY_END` comes after the node. Entries go in the order of `Buffer.compare` on their names. */
function entryStart(name) {
    return Buffer.concat([ENTRY_NAME, encodeString(name), ENTRY_NODE]);
}

// EXTERNAL MODULE: ./build/nix/quote.js
var quote = __webpack_require__(9044);
;// CONCATENATED MODULE: ./build/store/nar-parts.js




/** What Nix appends on macOS to names that differ from another one in case only (libutil/archive.cc). */
const CASE_HACK = Buffer.from('~nix~case~hack~');
const OWNER_MAY_EXECUTE = 0o100;
/** Links are not followed, and a pipe that came in place of a file can't block. */
const OPEN_FLAGS = external_node_fs_.constants.O_RDONLY | external_node_fs_.constants.O_NOFOLLOW | external_node_fs_.constants.O_NONBLOCK;
const SLASH = Buffer.from('/');
/**
 * Walks a tree in the order of its NAR. Synchronous: for small files that is three to five times as fast as `fs.promises`; whoever takes
 * the parts decides when to let others run. Throws `path-vanished`, `path-corrupt`, `store-unreadable`.
 */
function* narParts(root, caseHack) {
    const file = Buffer.from(root);
    let entry = {
        name: Buffer.alloc(0),
        kind: kindOf(attempt(file, (path) => (0,external_node_fs_.lstatSync)(path)), file),
        file,
    };
    /** What is left of the directories that are open, the innermost at the end; and of each, the next entry at the end. */
    const open = [];
    yield NAR_MAGIC;
    while (entry !== undefined) {
        if (open.length >= NAR_MAX_DEPTH)
            throw corrupt(entry.file, `is nested deeper than ${NAR_MAX_DEPTH}, which Nix refuses`);
        if (open.length > 0)
            yield entryStart(entry.name);
        if (entry.kind === 'directory') {
            yield DIRECTORY_START;
            open.push(entriesOf(entry.file, caseHack).reverse());
        }
        else {
            if (entry.kind === 'regular')
                yield* regular(entry.file);
            else
                yield symlinkNode(attempt(entry.file, readTarget));
            if (open.length > 0)
                yield ENTRY_END;
        }
        entry = open.at(-1)?.pop();
        while (entry === undefined && open.pop() !== undefined) {
            yield DIRECTORY_END;
            if (open.length > 0)
                yield ENTRY_END;
            entry = open.at(-1)?.pop();
        }
    }
}
function readTarget(link) {
    return (0,external_node_fs_.readlinkSync)(link, { encoding: 'buffer' });
}
function* regular(file) {
    const descriptor = attempt(file, (path) => (0,external_node_fs_.openSync)(path, OPEN_FLAGS));
    try {
        const stats = attempt(file, () => (0,external_node_fs_.fstatSync)(descriptor));
        if (!stats.isFile())
            throw corrupt(file, 'changed while it was read');
        yield regularStart((stats.mode & OWNER_MAY_EXECUTE) !== 0, stats.size);
        if (stats.size > 0)
            yield { descriptor, sizeBytes: stats.size, file };
        yield regularEnd(stats.size);
    }
    finally {
        (0,external_node_fs_.closeSync)(descriptor);
    }
}
/** The entries of a directory in the order of the bytes of their names in the archive. */
function entriesOf(directory, caseHack) {
    const found = attempt(directory, (path) => (0,external_node_fs_.readdirSync)(path, { withFileTypes: true, encoding: 'buffer' }));
    const entries = found.map((dirent) => {
        const file = Buffer.concat([directory, SLASH, dirent.name]);
        return { name: caseHack ? withoutCaseHack(dirent.name) : dirent.name, kind: kindOf(dirent, file), file };
    });
    entries.sort((a, b) => Buffer.compare(a.name, b.name));
    if (caseHack)
        refuseTwins(entries);
    return entries;
}
function withoutCaseHack(name) {
    const at = name.indexOf(CASE_HACK);
    return at < 0 ? name : name.subarray(0, at);
}
function refuseTwins(entries) {
    const twin = entries.find((entry, index) => entries[index + 1]?.name.equals(entry.name));
    if (twin !== undefined)
        throw corrupt(twin.file, 'has the same name as another file once the case hack is undone');
}
function kindOf(stats, file) {
    if (stats.isFile())
        return 'regular';
    if (stats.isDirectory())
        return 'directory';
    if (stats.isSymbolicLink())
        return 'symlink';
    throw corrupt(file, 'is neither file, directory nor symbolic link');
}
function corrupt(file, problem) {
    return new errors/* CacheError */.xA('path-corrupt', `${(0,quote/* quote */.h)(file.toString(), 400)} ${problem}.`);
}
/** Runs a call on a file; its errors become ours. */
function attempt(file, call) {
    try {
        return call(file);
    }
    catch (cause) {
        throw fileError(file, cause);
    }
}
/** What an error of the file system means for the path. */
function fileError(file, cause) {
    const shown = (0,quote/* quote */.h)(file.toString(), 400);
    const code = (0,errors/* systemCode */.xU)(cause) ?? 'unknown';
    if (code === 'ENOENT')
        return new errors/* CacheError */.xA('path-vanished', `${shown} is gone.`, { cause });
    if (code === 'ELOOP' || code === 'ENOTDIR')
        return new errors/* CacheError */.xA('path-corrupt', `${shown} changed while it was read.`, { cause });
    return new errors/* CacheError */.xA('store-unreadable', `${shown} can't be read (${code}).`, { cause });
}

;// CONCATENATED MODULE: ./build/store/nar.js





/** Up to here a read takes some 20 µs when the file is in memory, less than the way through the thread pool. */
const SYNC_READ_LIMIT_BYTES = 128 * 1024;
/** How long everything else in this process may have to wait for a tree of small files. */
const SLICE_MS = 5;
const readAsync = (0,external_node_util_.promisify)(external_node_fs_.read);
const undoesCaseHack = process.platform === 'darwin';
/**
 * The NAR of a file system tree, in frames: byte for byte what `nix-store --dump` writes. Contents go from the file straight into the
 * frame. Throws `path-vanished` when something of the tree is not there (any more), `path-corrupt` when it changes meanwhile or can't be
 * in a NAR, `store-unreadable`, `cancelled`.
 */
async function* narFrames(path, options) {
    const { signal, caseHack = undoesCaseHack } = options;
    const frames = new FrameFiller(options);
    let turnedAtMs = performance.now();
    for (const part of narParts(path, caseHack)) {
        if (part instanceof Uint8Array) {
            for (let rest = frames.put(part); rest !== null; rest = frames.put(rest))
                yield frames.take();
        }
        else {
            for (let left = part.sizeBytes; left > 0;) {
                if (frames.isFull)
                    yield frames.take();
                if (signal.aborted)
                    throw stopped(path);
                left -= await fill(frames, part, left);
            }
            if (part.sizeBytes > SYNC_READ_LIMIT_BYTES)
                refuseChange(part);
        }
        if (performance.now() - turnedAtMs > SLICE_MS) {
            if (signal.aborted)
                throw stopped(path);
            await (0,promises_.setImmediate)();
            turnedAtMs = performance.now();
        }
    }
    if (!frames.isEmpty)
        yield frames.take();
}
/**
 * The same NAR at once, for small ones: a view of `room`, or all of `room` when the NAR does not fit. Nothing else runs on this thread meanwhile. Throws as
 * `narFrames` does.
 */
function narInto(room, path, caseHack = undoesCaseHack) {
    const nar = new FrameFiller({ frameBytes: room.length, allocate: () => room });
    for (const part of narParts(path, caseHack)) {
        if (part instanceof Uint8Array)
            nar.put(part);
        else
            for (let left = part.sizeBytes; left > 0 && !nar.isFull;)
                left -= fillNow(nar, part, left);
        if (nar.isFull)
            break;
    }
    return nar.take();
}
/** How NARs are read from the file system. */
const narReader = { frames: narFrames, into: narInto };
function stopped(path) {
    return new errors/* CacheError */.xA('cancelled', `Reading ${path} was stopped.`);
}
/** Reads on from the file into the frame: at most `limitBytes`, at least one. */
async function fill(frames, contents, limitBytes) {
    const room = frames.room(limitBytes);
    if (room.length <= SYNC_READ_LIMIT_BYTES && contents.sizeBytes <= SYNC_READ_LIMIT_BYTES)
        return fillNow(frames, contents, limitBytes);
    const { descriptor, file } = contents;
    const { bytesRead } = await readAsync(descriptor, room, 0, room.length, null).catch((cause) => {
        throw fileError(file, cause);
    });
    return filled(frames, file, bytesRead);
}
function fillNow(frames, { descriptor, file }, limitBytes) {
    const room = frames.room(limitBytes);
    let readBytes;
    try {
        readBytes = (0,external_node_fs_.readSync)(descriptor, room, 0, room.length, null);
    }
    catch (cause) {
        throw fileError(file, cause);
    }
    return filled(frames, file, readBytes);
}
function filled(frames, file, readBytes) {
    if (readBytes === 0)
        throw corrupt(file, 'became shorter while it was read');
    frames.advance(readBytes);
    return readBytes;
}
/** A file that takes many reads may grow under them; that the bytes are the right ones is for the hash to say. */
function refuseChange({ descriptor, file, sizeBytes }) {
    if ((0,external_node_fs_.fstatSync)(descriptor).size !== sizeBytes)
        throw corrupt(file, 'changed its size while it was read');
}
/** Fills one frame after the other. */
class FrameFiller {
    #options;
    #frame = null;
    #usedBytes = 0;
    constructor(options) {
        this.#options = options;
    }
    get isFull() {
        return this.#usedBytes === this.#options.frameBytes;
    }
    get isEmpty() {
        return this.#usedBytes === 0;
    }
    /** Copies as much of `bytes` as there is room for; gives back the rest, `null` when there is none. */
    put(bytes) {
        const freeBytes = this.#options.frameBytes - this.#usedBytes;
        if (bytes.length > freeBytes) {
            this.put(bytes.subarray(0, freeBytes));
            return bytes.subarray(freeBytes);
        }
        this.#frame ??= this.#options.allocate();
        this.#frame.set(bytes, this.#usedBytes);
        this.#usedBytes += bytes.length;
        return null;
    }
    /** What is free of the frame, at most `limitBytes`. */
    room(limitBytes) {
        this.#frame ??= this.#options.allocate();
        const free = this.#options.frameBytes - this.#usedBytes;
        return this.#frame.subarray(this.#usedBytes, this.#usedBytes + Math.min(free, limitBytes));
    }
    advance(bytes) {
        this.#usedBytes += bytes;
    }
    /** The filled part of the frame; a new one begins. */
    take() {
        const filled = (this.#frame ?? new Uint8Array(0)).subarray(0, this.#usedBytes);
        this.#frame = null;
        this.#usedBytes = 0;
        return filled;
    }
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
;// CONCATENATED MODULE: ./build/push/chunker.js


/**
 * Entry `i` is the first four bytes, little-endian and signed, of the SHA-256 of `nix-cache-action gear ` and `i` in decimal (ASCII, no line end).
 * Another table would cut as well, but elsewhere: whoever shares chunks with us needs this one.
 */
const GEAR = new Int32Array(256).map((_, byte) => (0,external_node_crypto_.createHash)('sha256').update(`nix-cache-action gear ${byte}`).digest().readInt32LE(0));
/**
 * FastCDC: Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data Deduplication", USENIX ATC 2016, with normalized
 * chunking of level 1 (section 3.4) and no hashing below the minimum (section 3.3).
 *
 * The hash has 32 bits, `h = (h << 1) + GEAR[byte]`, so it knows the last 32 bytes. It begins with 0 at `minBytes` after a chunk's start, and the chunk
 * ends after the first byte that leaves the topmost bits of the hash 0: up to `normalBytes` one more than log2(normalBytes) bits, after it one less;
 * or at `maxBytes`. The paper scatters the bits over 64 to see further back; the 20th from the top still knows 13 bytes, which is enough.
 */
function createChunker({ minBytes, normalBytes, maxBytes }) {
    const bits = Math.log2(normalBytes);
    if (!(minBytes > 0 && minBytes <= normalBytes && normalBytes <= maxBytes && Number.isInteger(bits) && bits > 1 && bits < 31)) {
        throw new errors/* CacheError */.xA('internal', `Chunks of ${minBytes}, ${normalBytes} and ${maxBytes} bytes can't be cut.`);
    }
    const hard = -1 << (31 - bits);
    const easy = -1 << (33 - bits);
    let chunkBytes = 0;
    const rolling = { hash: 0 };
    /** Goes on with the chunk, whose next byte is at `from`. 0: it does not end in `bytes`. */
    function nextEnd(bytes, from) {
        const start = from - chunkBytes;
        const normal = Math.min(start + normalBytes, bytes.length);
        const longest = Math.min(start + maxBytes, bytes.length);
        const first = Math.max(from, start + minBytes);
        const end = scan(rolling, bytes, first, normal, hard) || scan(rolling, bytes, Math.max(first, normal), longest, easy);
        return end === 0 && start + maxBytes === longest ? longest : end;
    }
    return {
        cut(bytes) {
            const ends = [];
            let from = 0;
            for (let end = nextEnd(bytes, from); end !== 0; end = nextEnd(bytes, from)) {
                ends.push(end);
                from = end;
                chunkBytes = 0;
                rolling.hash = 0;
            }
            chunkBytes += bytes.length - from;
            return ends;
        },
    };
}
/** The end of the chunk if it comes before `stop`, else 0. */
function scan(rolling, bytes, from, stop, mask) {
    const first = Math.min(stop, from + (-(bytes.byteOffset + from) & 3));
    const words = IS_LITTLE_ENDIAN ? (stop - first) >> 2 : 0;
    return (scanBytes(rolling, bytes, from, first, mask) ||
        scanWords(rolling, bytes, first, words, mask) ||
        scanBytes(rolling, bytes, first + 4 * words, stop, mask));
}
function scanBytes(rolling, bytes, from, stop, mask) {
    let h = rolling.hash | 0;
    for (let at = from; at < stop; at++) {
        h = ((h << 1) + (GEAR[bytes[at] ?? 0] ?? 0)) | 0;
        if ((h & mask) === 0)
            return at + 1;
    }
    rolling.hash = h;
    return 0;
}
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
/**
 * The inner loop, for `count` times four bytes from where the memory is aligned: 2,000 MB/s with one read for four bytes, 1,500 with one for each, 1,100 with
 * one byte a turn; and half of that inside of `createChunker`, where the compiler can't take GEAR for a constant. The `?? 0` cost nothing.
 */
function scanWords(rolling, bytes, from, count, mask) {
    if (count <= 0)
        return 0;
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + from, count);
    let h = rolling.hash | 0;
    for (let index = 0; index < count; index++) {
        const word = words[index] ?? 0;
        const h1 = ((h << 1) + (GEAR[word & 255] ?? 0)) | 0;
        const h2 = ((h1 << 1) + (GEAR[(word >>> 8) & 255] ?? 0)) | 0;
        const h3 = ((h2 << 1) + (GEAR[(word >>> 16) & 255] ?? 0)) | 0;
        h = ((h3 << 1) + (GEAR[word >>> 24] ?? 0)) | 0;
        if ((h1 & mask) === 0)
            return from + 4 * index + 1;
        if ((h2 & mask) === 0)
            return from + 4 * index + 2;
        if ((h3 & mask) === 0)
            return from + 4 * index + 3;
        if ((h & mask) === 0)
            return from + 4 * index + 4;
    }
    rolling.hash = h;
    return 0;
}

;// CONCATENATED MODULE: ./build/push/frame-pool.js

/** Buffers are made when first needed. */
function createFramePool(count, frameBytes) {
    const free = [];
    const lent = new Map();
    const waiting = [];
    function lend(frame) {
        lent.set(frame.buffer, frame);
        return frame;
    }
    return {
        frameBytes,
        async take(signal) {
            signal.throwIfAborted();
            const frame = free.pop();
            if (frame !== undefined)
                return lend(frame);
            if (lent.size < count)
                return lend(new Uint8Array(new SharedArrayBuffer(frameBytes)));
            return new Promise((resolve, reject) => {
                const onAbort = () => {
                    waiting.splice(waiting.indexOf(onFrame), 1);
                    reject(signal.reason);
                };
                const onFrame = (given) => {
                    signal.removeEventListener('abort', onAbort);
                    resolve(lend(given));
                };
                waiting.push(onFrame);
                signal.addEventListener('abort', onAbort, { once: true });
            });
        },
        give(view) {
            const frame = lent.get(view.buffer);
            if (frame === undefined)
                throw new errors/* CacheError */.xA('internal', 'A frame was given back twice.');
            lent.delete(view.buffer);
            const next = waiting.shift();
            if (next !== undefined)
                next(frame);
            else
                free.push(frame);
        },
    };
}
function borrowFrames(pool, signal) {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const taken = new Map();
    const pending = new Set();
    async function track(frame, uses) {
        const failure = (await Promise.allSettled(uses)).find((use) => use.status === 'rejected');
        if (failure !== undefined)
            failed.abort(failure.reason);
        taken.delete(frame.buffer);
        pool.give(frame);
    }
    async function take() {
        const frame = await pool.take(either);
        taken.set(frame.buffer, frame);
        return frame;
    }
    return {
        async *fill(read) {
            let spare = null;
            const allocate = () => {
                if (spare === null)
                    throw new errors/* CacheError */.xA('internal', 'A reader wanted two frames at once.');
                const frame = spare;
                spare = null;
                return frame;
            };
            const frames = read({ frameBytes: pool.frameBytes, allocate, signal: either });
            try {
                for (;;) {
                    // Readers can't wait for a frame, so there is one before they ask.
                    spare ??= await take();
                    const next = await frames.next();
                    if (next.done === true)
                        return;
                    yield next.value;
                }
            }
            finally {
                await frames.return();
            }
        },
        use(frame, uses) {
            const done = track(frame, uses).finally(() => pending.delete(done));
            pending.add(done);
        },
        async settled() {
            await Promise.all(pending);
            failed.signal.throwIfAborted();
        },
        failure: () => (failed.signal.aborted ? failed.signal.reason : null),
        async close() {
            await Promise.all(pending);
            for (const frame of taken.values())
                pool.give(frame);
            taken.clear();
        },
    };
}

// EXTERNAL MODULE: external "node:worker_threads"
var external_node_worker_threads_ = __webpack_require__(5919);
// EXTERNAL MODULE: external "node:zlib"
var external_node_zlib_ = __webpack_require__(8522);
;// CONCATENATED MODULE: ./build/push/frame-worker.js
/**
 * What runs on the threads of `worker-pool.ts`: CPU work on frames that both sides share. This file is started by its path, from the
 * sources as well as beside the bundle, so it imports nothing but what Node has.
 */



/** `workerData` of the threads that are to take tasks; whoever imports this file otherwise only gets `compressFrame`. */
const FRAME_WORKER = 'frame-worker';
/** Compresses a frame on the thread that calls. Zstd writes its size into it, so that readers know what to make room for. */
function compressFrame(kind, level, frame) {
    // Room for what does not compress (ZSTD_COMPRESSBOUND, deflate's stored blocks): with less, Node goes through several buffers.
    const chunkSize = frame.length + (frame.length >> 8) + 512;
    if (kind === 'gzip')
        return (0,external_node_zlib_.gzipSync)(frame, { chunkSize, level });
    return (0,external_node_zlib_.zstdCompressSync)(frame, { chunkSize, params: { [external_node_zlib_.constants.ZSTD_c_compressionLevel]: level } });
}
/** Smaller buffers may be slices of Node's pool, which others use too. */
const SHARED_POOL_BYTES = 64 * 1024;
const streams = new Map();
function streamAt(stream, offsetBytes) {
    const known = streams.get(stream) ?? { hash: (0,external_node_crypto_.createHash)('sha256'), sizeBytes: 0 };
    // A thread that replaced another knows nothing of what that one had hashed.
    if (known.sizeBytes !== offsetBytes)
        throw new Error(`hash stream ${stream} is at ${known.sizeBytes}, not at ${offsetBytes}`);
    streams.set(stream, known);
    return known;
}
/** Ends the life of a buffer. The garbage collector sees little reason to hurry with them, and peak memory would be a third higher. */
function giveBack({ buffer }) {
    if (buffer instanceof ArrayBuffer && buffer.byteLength > SHARED_POOL_BYTES)
        buffer.transfer(0);
}
/** A copy of its own, to be transferred; the buffer that it came in is given back. */
function exactly(bytes) {
    const copy = new Uint8Array(Buffer.allocUnsafeSlow(bytes.length).buffer);
    copy.set(bytes);
    giveBack(bytes);
    return copy;
}
function sha256(bytes) {
    return (0,external_node_crypto_.createHash)('sha256').update(bytes).digest();
}
const FRAME_HASH_BYTES = 16;
/** The first 16 bytes of the frame's SHA-256: enough to tell damage, and to keep half a million of them. */
function frameHash(frame) {
    return new Uint8Array(sha256(frame).subarray(0, FRAME_HASH_BYTES));
}
/** Each frame behind its hash and its length (4 bytes, little-endian). */
function joinFrames(level, chunks) {
    const frames = chunks.map((chunk) => compressFrame('zstd', level, chunk));
    const joined = Buffer.allocUnsafeSlow(frames.reduce((sum, frame) => sum + FRAME_HASH_BYTES + 4 + frame.length, 0));
    let at = 0;
    for (const frame of frames) {
        joined.set(frameHash(frame), at);
        at = joined.writeUInt32LE(frame.length, at + FRAME_HASH_BYTES);
        joined.set(frame, at);
        at += frame.length;
        giveBack(frame);
    }
    return joined;
}
/** The answer to `chunk-frames`, in the order of the chunks. The frames are views of it, their hashes copies. */
function splitFrames(joined) {
    const view = new DataView(joined.buffer, joined.byteOffset, joined.length);
    const frames = [];
    for (let at = 0; at < joined.length;) {
        const start = at + FRAME_HASH_BYTES + 4;
        const end = start + view.getUint32(start - 4, true);
        frames.push({ frame: joined.subarray(start, end), frameHash: joined.slice(at, at + FRAME_HASH_BYTES) });
        at = end;
    }
    return frames;
}
function run(task) {
    switch (task.kind) {
        case 'zstd':
        case 'gzip':
            return exactly(compressFrame(task.kind, task.level, task.frame));
        case 'hash': {
            const at = streamAt(task.stream, task.offsetBytes);
            at.hash.update(task.frame);
            at.sizeBytes += task.frame.length;
            return new Uint8Array(0);
        }
        case 'digest': {
            const at = streamAt(task.stream, task.offsetBytes);
            streams.delete(task.stream);
            return exactly(at.hash.digest());
        }
        case 'chunk-ids':
            return exactly(Buffer.concat(task.chunks.map(sha256)));
        case 'chunk-frames':
            return joinFrames(task.level, task.chunks);
    }
}
function answer(task) {
    try {
        return { bytes: run(task) };
    }
    catch (error) {
        return { error: error instanceof Error ? error.message : String(error) };
    }
}
if (external_node_worker_threads_.workerData === FRAME_WORKER) {
    external_node_worker_threads_.parentPort?.on('message', (task) => {
        const reply = answer(task);
        external_node_worker_threads_.parentPort?.postMessage(reply, 'bytes' in reply ? [reply.bytes.buffer] : []);
    });
}

;// CONCATENATED MODULE: ./build/push/handover.js
/**
 * What `run` gives, for a reader that asks for one item after another. By the promises of its items `run` sees how far behind the reader is. Throws what
 * `run` throws, when everything that it gave before has been read, and `signal.reason`. When the reader leaves early, the signal that `run` has is
 * aborted and nobody waits for its items any more; the end of `run` is waited for in any case.
 */
async function* handedOver(run, signal) {
    const left = new AbortController();
    const waiting = [];
    let news = Promise.withResolvers();
    let ended = false;
    const give = (item) => new Promise((done) => {
        if (left.signal.aborted)
            return done();
        waiting.push({ item, done });
        news.resolve();
    });
    const running = run(give, AbortSignal.any([signal, left.signal])).finally(() => {
        ended = true;
        news.resolve();
    });
    // The reader is told of it below.
    running.catch(() => { });
    try {
        while (!ended || waiting.length > 0) {
            signal.throwIfAborted();
            const next = waiting.shift();
            if (next === undefined) {
                await news.promise;
                news = Promise.withResolvers();
                continue;
            }
            try {
                yield next.item;
            }
            finally {
                next.done();
            }
        }
        await running;
    }
    finally {
        left.abort();
        for (const { done } of waiting.splice(0))
            done();
        await running.catch(() => { });
    }
}

// EXTERNAL MODULE: ./build/nix/hash.js
var hash = __webpack_require__(3314);
;// CONCATENATED MODULE: ./build/push/nar-check.js



function digestHere() {
    const hash = (0,external_node_crypto_.createHash)('sha256');
    return {
        async update(bytes) {
            hash.update(bytes);
        },
        digest: async () => hash.digest(),
    };
}
let lastStream = 0;
/** Hashes on the one thread of `pool`. `bytes` have to lie in shared memory. */
function digestOnThread(pool) {
    const stream = ++lastStream;
    let offsetBytes = 0;
    return {
        async update(bytes) {
            const task = { kind: 'hash', stream, offsetBytes, frame: bytes };
            offsetBytes += bytes.length;
            await pool.run(task);
        },
        digest: () => pool.run({ kind: 'digest', stream, offsetBytes }),
    };
}
function checkNar(info, digester) {
    let sizeBytes = 0;
    let ended = false;
    const digest = () => {
        ended = true;
        return digester.digest();
    };
    return {
        async update(bytes) {
            sizeBytes += bytes.length;
            if (sizeBytes > info.narSizeBytes)
                throw longerThanRecorded(info);
            await digester.update(bytes);
        },
        verify: async () => refuseOther(info, sizeBytes, await digest()),
        drop() {
            if (!ended)
                digest().catch(() => { });
        },
    };
}
/** A NAR that is in memory, compared in the same way and given back. Of one that is too long, not all need be there. */
function checkedNar(info, bytes) {
    if (bytes.length > info.narSizeBytes)
        throw longerThanRecorded(info);
    refuseOther(info, bytes.length, (0,external_node_crypto_.hash)('sha256', bytes, 'buffer'));
    return bytes;
}
/** Throws `path-corrupt` unless a NAR of this size, with this SHA-256, is the recorded one. */
function refuseOther(info, sizeBytes, digest) {
    const { narSizeBytes, narHash } = info;
    if (sizeBytes !== narSizeBytes)
        throw nar_check_corrupt(info, `has ${sizeBytes} bytes in place of the recorded ${narSizeBytes}`);
    const found = { algorithm: 'sha256', digest };
    if ((0,hash/* equalHash */.Le)(found, narHash))
        return;
    throw nar_check_corrupt(info, `has the hash ${(0,hash/* formatHash */.ON)(found, 'nix32')} in place of the recorded ${(0,hash/* formatHash */.ON)(narHash, 'nix32')}`);
}
function longerThanRecorded(info) {
    return nar_check_corrupt(info, `is larger than the recorded ${info.narSizeBytes} bytes`);
}
function nar_check_corrupt(info, problem) {
    return new errors/* CacheError */.xA('path-corrupt', `${info.path} was changed after it was built: its NAR ${problem}.`, {
        hint: `\`nix-store --verify-path ${info.path}\` checks it, \`nix-store --repair-path ${info.path}\` fetches or builds it anew.`,
    });
}

;// CONCATENATED MODULE: ./build/push/nar-reading.js

/** Reads it frame by frame. */
async function* readFrames({ file, reader, onRead }, how) {
    for await (const frame of reader.frames(file, how)) {
        onRead(frame.length);
        yield frame;
    }
}
/** The longest NAR that is read at once: about a millisecond of this thread's time. */
const SMALL_NAR_BYTES = 256 * 1024;
/** Used again and again: new memory for each would be most of the work. One byte more shows that a NAR is longer than recorded. */
let room = null;
/** What `use` makes of all of a small NAR, with the right hash, otherwise `path-corrupt` is thrown. The bytes are another NAR's after the call. */
function readSmall({ info, file, reader, onRead }, use) {
    room ??= new Uint8Array(SMALL_NAR_BYTES + 1);
    const bytes = checkedNar(info, reader.into(room.subarray(0, info.narSizeBytes + 1), file));
    onRead(bytes.length);
    return use(bytes);
}
/** In buffers of its own; the last one only when the hash is right, otherwise `path-corrupt` is thrown. */
async function* readChecked(nar, frameBytes, signal) {
    const check = checkNar(nar.info, digestHere());
    let held = null;
    for await (const bytes of readFrames(nar, { frameBytes, allocate: () => new Uint8Array(frameBytes), signal })) {
        await check.update(bytes);
        if (held !== null)
            yield held;
        held = bytes;
    }
    await check.verify();
    if (held !== null)
        yield held;
}

;// CONCATENATED MODULE: ./build/push/chunk-packing.js






const KiB = 1024;
/**
 * With these a chunk has 740 KiB on average, and 370 MB of programs become 3.4 % larger than in frames of 4 MiB (with chunks half as large 6 %,
 * twice as large 1.5 %). A NAR of at most `minBytes` is one chunk: the way to another thread would take longer.
 */
const CHUNK_SIZES = { minBytes: SMALL_NAR_BYTES, normalBytes: 512 * KiB, maxBytes: 2048 * KiB };
const NOTHING = new Uint8Array(0);
const NO_FRAME = { frame: null, frameHash: null };
/**
 * The chunks of the NAR. They come before all of it has been read: it is whole only when the last one was followed by the end. Throws `path-corrupt`
 * when size or hash are not the recorded ones, what reading throws (`path-vanished`, ...), what `isKnown` throws, and `signal.reason`. A small NAR
 * that is known is not read.
 */
async function* chunkNar(nar, isKnown, options, signal) {
    if (nar.info.narSizeBytes <= CHUNK_SIZES.minBytes)
        yield chunkWhole(nar, isKnown, options.level, signal);
    else
        yield* handedOver((give, either) => chunkInFrames(nar, packer(isKnown, options, give), options, either), signal);
}
/** One chunk, whose id is known without reading: if it is stored, so is the NAR. */
function chunkWhole(nar, isKnown, level, signal) {
    signal.throwIfAborted();
    const chunk = { id: nar.info.narHash.digest, narBytes: nar.info.narSizeBytes };
    if (isKnown(chunk.id))
        return { ...chunk, ...NO_FRAME };
    const frame = readSmall(nar, (bytes) => compressFrame('zstd', level, bytes));
    return { ...chunk, frame, frameHash: frameHash(frame) };
}
async function chunkInFrames(nar, packChunks, { hashing, frames }, signal) {
    const loan = borrowFrames(frames, signal);
    const check = checkNar(nar.info, digestOnThread(hashing));
    const split = createSplitter(nar.info.narSizeBytes);
    try {
        for await (const frame of loan.fill((how) => readFrames(nar, behindRoom(how)))) {
            loan.use(frame, [check.update(frame), packChunks(split(frame))]);
        }
        await loan.settled();
        await check.verify();
    }
    catch (error) {
        // What failed first made the rest fail.
        throw loan.failure() ?? error;
    }
    finally {
        check.drop();
        await loan.close();
    }
}
function packer(isKnown, options, give) {
    let before = Promise.resolve();
    return async (chunks) => {
        const turn = Promise.all([pack(chunks, isKnown, options), before]);
        const given = turn.then(([packed]) => ({ packed, all: packed.map(give) }));
        // The next one waits for its turn only; what fails is told here.
        before = given.catch(() => { });
        const { packed, all } = await given;
        await Promise.all(all);
        release(packed);
    };
}
async function pack(chunks, isKnown, { compressing, level }) {
    if (chunks.length === 0)
        return [];
    const ids = await compressing.run({ kind: 'chunk-ids', chunks });
    const found = chunks.map((bytes, index) => {
        const id = ids.slice(32 * index, 32 * (index + 1));
        return { id, bytes, known: isKnown(id) };
    });
    const wanted = found.filter((chunk) => !chunk.known).map((chunk) => chunk.bytes);
    const joined = wanted.length === 0 ? NOTHING : await compressing.run({ kind: 'chunk-frames', level, chunks: wanted });
    const frames = splitFrames(joined).values();
    return found.map(({ id, bytes, known }) => {
        const made = known ? NO_FRAME : (frames.next().value ?? NO_FRAME);
        return { id, narBytes: bytes.length, ...made };
    });
}
/** Lets a reader fill the end of each buffer, so that in front of it there is room for what is left of the one before. */
function behindRoom({ frameBytes, allocate, signal }) {
    const roomBytes = CHUNK_SIZES.maxBytes;
    return { frameBytes: frameBytes - roomBytes, allocate: () => allocate().subarray(roomBytes), signal };
}
/** Answers each frame of a NAR, which has room in front of it, with the chunks that end there. They lie in that frame's buffer, whole. */
function createSplitter(narSizeBytes) {
    const chunker = createChunker(CHUNK_SIZES);
    // Used again: new memory for each frame would take three times as long as copying does.
    let kept = new Uint8Array(0);
    let restBytes = 0;
    let readBytes = 0;
    return (frame) => {
        const ends = chunker.cut(frame);
        readBytes += frame.length;
        if (readBytes >= narSizeBytes && ends.at(-1) !== frame.length)
            ends.push(frame.length);
        const joined = new Uint8Array(frame.buffer, frame.byteOffset - restBytes, restBytes + frame.length);
        joined.set(kept.subarray(0, restBytes));
        const starts = [0, ...ends.map((end) => restBytes + end)];
        const chunks = ends.map((end, index) => joined.subarray(starts[index], restBytes + end));
        const rest = joined.subarray(starts.at(-1));
        if (rest.length > kept.length)
            kept = new Uint8Array(rest.length);
        kept.set(rest);
        restBytes = rest.length;
        return chunks;
    };
}
/** Frames that were made together lie in one buffer. */
function release(chunks) {
    const first = chunks.find((chunk) => chunk.frame !== null)?.frame ?? null;
    if (first !== null)
        giveBack(first);
}

// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __webpack_require__(1421);
// EXTERNAL MODULE: external "node:events"
var external_node_events_ = __webpack_require__(8474);
;// CONCATENATED MODULE: ./build/push/encoder.js




/**
 * Level 2 of zstd takes two thirds of the time of Nix's level 3 for 5 % more bytes (level 1: little less time, 13 % more). Nix's own level
 * for xz; brotli's highest, which is what Node takes otherwise, does 1 MB/s.
 */
const DEFAULT_LEVELS = { zstd: 2, gzip: 6, br: 5, xz: 6, none: 0 };
function createEncoder(compression, level, pool, sink) {
    switch (compression) {
        case 'zstd':
        case 'gzip':
            return inFrames((frame) => pool.run({ kind: compression, level, frame }), sink);
        case 'none':
            return inFrames(async (frame) => frame, sink);
        case 'br': {
            const brotli = (0,external_node_zlib_.createBrotliCompress)({ params: { [external_node_zlib_.constants.BROTLI_PARAM_QUALITY]: level } });
            return throughStream(brotli, brotli, sink, async () => { });
        }
        case 'xz':
            return throughXz(level, pool.size, sink);
    }
}
/**
 * Each frame for itself, joined in order: both formats allow members one after another (RFC 8878 section 3.1, RFC 1952 section 2.2),
 * and Nix's readers take them.
 */
function inFrames(compress, sink) {
    let last = Promise.resolve();
    return {
        write(frame) {
            const before = last;
            const compressed = compress(frame);
            last = Promise.all([before, compressed]).then(async ([, bytes]) => {
                await sink(bytes);
                if (bytes !== frame && bytes.buffer instanceof ArrayBuffer)
                    bytes.buffer.transfer(0);
            });
            return last;
        },
        finish: () => last,
        abort() {
            last.catch(() => { });
        },
    };
}
function throughStream(input, output, sink, ended) {
    const drained = drain(output, sink);
    // Seen by `finish`, or of no interest after `abort`.
    drained.catch((error) => input.destroy(error instanceof Error ? error : undefined));
    return {
        write: (frame) => new Promise((resolve, reject) => {
            // A sink that fails ends the stream: its own error says no more than that, and none comes for a write that waits for the output to be taken.
            drained.catch(reject);
            input.write(frame, (error) => (error ? drained.then(() => reject(error), reject) : resolve()));
        }),
        async finish() {
            input.end();
            await drained;
            await ended();
        },
        abort() {
            input.destroy();
            output.destroy();
        },
    };
}
async function drain(output, sink) {
    for await (const bytes of output)
        await sink(bytes);
}
/** Node has no xz, so the program does it. */
function throughXz(level, threads, sink) {
    const child = (0,external_node_child_process_.spawn)('xz', ['--compress', '--stdout', `-${level}`, `--threads=${threads}`], {
        stdio: ['pipe', 'pipe', 'ignore'],
    });
    const failed = (error) => (0,errors/* systemCode */.xU)(error) === 'ENOENT'
        ? new errors/* CacheError */.xA('input-invalid', '`compression` is `xz`, but the program `xz` is not there.', {
            hint: 'Install it (Debian: `apt-get install xz-utils`), or use `compression: zstd`.',
        })
        : new errors/* CacheError */.xA('internal', 'The program `xz` failed.', { cause: error });
    const ended = (0,external_node_events_.once)(child, 'close').then(([code]) => {
        if (code !== 0)
            throw failed(new Error(`exit code ${code}`));
    }, (error) => {
        throw failed(error);
    });
    ended.catch(() => { });
    // A broken pipe says less than the end of the program does.
    child.stdin.on('error', () => { });
    const encoder = throughStream(child.stdin, child.stdout, sink, () => ended);
    return {
        ...encoder,
        write: (frame) => encoder.write(frame).catch((error) => {
            if ((0,errors/* isCacheError */.bt)(error))
                throw error;
            return ended.then(() => Promise.reject(failed(new Error('it ended early'))));
        }),
        abort() {
            encoder.abort();
            child.kill('SIGKILL');
        },
    };
}

// EXTERNAL MODULE: external "node:fs/promises"
var external_node_fs_promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: ./build/bodies/in-file.js
var in_file = __webpack_require__(5465);
// EXTERNAL MODULE: ./build/bodies/in-memory.js
var in_memory = __webpack_require__(808);
// EXTERNAL MODULE: ./build/bodies/make-folders.js
var make_folders = __webpack_require__(5711);
;// CONCATENATED MODULE: ./build/push/spool.js







/**
 * The file of a finished body that is done with is written over by the next one: half the time of a new one, and far less where the system has to find
 * memory for that. Not so with larger ones than this, for the room on disk.
 */
const SPARE_BYTES = 256 * 1024 * 1024;
/** Keeps small bodies in memory and large ones in files. */
function createSpool(place, limits) {
    const files = place.kind === 'own' ? ownFiles(place.folder) : filesOfDestination(place.folder, place.newName);
    let reservedBytes = 0;
    return {
        async open(expectedBytes, label) {
            if (expectedBytes > limits.bodyBytes || reservedBytes + expectedBytes > limits.totalBytes) {
                const explain = (error) => spool_fileError(error, place.folder, label);
                const file = await files.open().catch((error) => {
                    throw explain(error);
                });
                return fileWriter(file, explain);
            }
            reservedBytes += expectedBytes;
            return memoryWriter((bytes) => {
                reservedBytes -= expectedBytes - bytes;
                return () => {
                    reservedBytes -= bytes;
                };
            });
        },
        close: files.close,
    };
}
function ownFiles(folder) {
    const spare = [];
    let count = 0;
    let closed = false;
    let made = null;
    async function closeSpare() {
        const closing = spare.splice(0);
        await Promise.all(closing.map(({ file }) => file.close()));
        return closing.length > 0;
    }
    async function openFile() {
        try {
            made ??= (0,external_node_fs_promises_.mkdir)(folder, { recursive: true, mode: 0o700 });
            await made;
            const path = (0,external_node_path_.join)(folder, `${process.pid}-${count++}`);
            const file = await (0,external_node_fs_promises_.open)(path, 'wx+', 0o600);
            await (0,external_node_fs_promises_.unlink)(path).catch(async (error) => {
                await file.close();
                throw error;
            });
            return file;
        }
        catch (error) {
            made = null;
            throw error;
        }
    }
    return {
        async open() {
            const used = spare.pop();
            if (used !== undefined)
                return used;
            const file = await openFile();
            const opened = {
                file,
                moveTo: null,
                /** All that it takes on disk. */
                sizeBytes: 0,
                async release(sizeBytes) {
                    opened.sizeBytes = Math.max(opened.sizeBytes, sizeBytes);
                    if (closed || opened.sizeBytes > SPARE_BYTES)
                        await file.close();
                    else
                        spare.push(opened);
                },
                // No spare file: a write of the encoder that was aborted may still be under way, and would go into the next body.
                abandon: () => file.close(),
                makeRoom: closeSpare,
            };
            return opened;
        },
        async close() {
            closed = true;
            await closeSpare();
            // The files in it have no names any more; an empty folder that stays is no reason to lose the report.
            if (made !== null)
                await (0,external_node_fs_promises_.rm)(folder, { recursive: true, force: true }).catch(() => undefined);
        },
    };
}
function filesOfDestination(folder, newName) {
    return {
        async open() {
            await (0,make_folders/* makeFolders */.w)(folder);
            const path = (0,external_node_path_.join)(folder, newName());
            const file = await (0,external_node_fs_promises_.open)(path, 'wx+');
            let isMoved = false;
            const drop = async () => {
                if (isMoved)
                    return;
                // An error of the disk's that comes with it says nothing about what nobody wants any more.
                await file.close().catch(() => undefined);
                await (0,external_node_fs_promises_.rm)(path, { force: true }).catch(() => undefined);
            };
            return {
                file,
                async moveTo(target) {
                    // A share may say only now that there was no room, and nobody may see the file before.
                    await file.close();
                    await (0,external_node_fs_promises_.rename)(path, target);
                    isMoved = true;
                },
                release: drop,
                abandon: drop,
                makeRoom: async () => false,
            };
        },
        close: async () => undefined,
    };
}
/** `settle` is told once how much memory it came to, and answers with what gives that back. */
function memoryWriter(settle) {
    const parts = [];
    let isOpen = true;
    return {
        async write(bytes) {
            // Not `slice`, which copies nothing of a Buffer.
            parts.push(new Uint8Array(bytes));
        },
        async finish() {
            isOpen = false;
            const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
            const release = settle(bytes.length);
            return { body: (0,in_memory/* bodyOfBytes */.P)(bytes), sha256: spool_sha256(bytes), dispose: once(async () => release()) };
        },
        async discard() {
            if (isOpen)
                settle(0)();
            isOpen = false;
        },
    };
}
function fileWriter({ file, moveTo, release, abandon, makeRoom }, explain) {
    const hash = (0,external_node_crypto_.createHash)('sha256');
    let sizeBytes = 0;
    let isOpen = true;
    return {
        async write(bytes) {
            hash.update(bytes);
            for (let at = 0; at < bytes.length;) {
                try {
                    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, sizeBytes + at);
                    at += bytesWritten;
                }
                catch (error) {
                    if (!(isFull(error) && (await makeRoom())))
                        throw explain(error);
                }
            }
            sizeBytes += bytes.length;
        },
        async finish() {
            isOpen = false;
            return {
                body: (0,in_file/* bodyOfFile */.u)(file, sizeBytes, moveTo),
                sha256: { algorithm: 'sha256', digest: hash.digest() },
                dispose: once(() => release(sizeBytes)),
            };
        },
        async discard() {
            if (!isOpen)
                return;
            isOpen = false;
            await abandon();
        },
    };
}
function spool_sha256(bytes) {
    return { algorithm: 'sha256', digest: (0,external_node_crypto_.hash)('sha256', bytes, 'buffer') };
}
function once(action) {
    let done = null;
    return () => (done ??= action());
}
function isFull(error) {
    return ['ENOSPC', 'EDQUOT'].includes((0,errors/* systemCode */.xU)(error) ?? '');
}
function spool_fileError(error, folder, label) {
    if (isFull(error)) {
        return new errors/* CacheError */.xA('disk-full', `No space left in ${folder} to pack ${label}.`, {
            hint: 'Free space on that disk, lower `concurrency`, or leave the path out with `max-path-size` or `exclude`.',
            cause: error,
        });
    }
    return new errors/* CacheError */.xA('file-failed', `Writing a temporary file in ${folder} failed (${(0,errors/* systemCode */.xU)(error) ?? String(error)}).`, {
        cause: error,
    });
}

;// CONCATENATED MODULE: ./build/push/worker-pool.js




/**
 * Beside the bundle lies the compiled file, beside the sources the source. The name is put together here, where the bundler does
 * not see it: it would move the file and rename it.
 */
function workerFile() {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    return (0,external_node_path_.join)(import.meta.dirname, ['frame-worker', extension].join('.'));
}
/** Small heaps: frames and what becomes of them lie outside. */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };
/** Starts no thread before the first task, and never more than `size`. */
function createWorkerPool(size, file = workerFile()) {
    const threads = new Set();
    const waiting = [];
    let closed = false;
    function startThread() {
        const worker = new external_node_worker_threads_.Worker(file, { workerData: FRAME_WORKER, env: {}, execArgv: [], resourceLimits: HEAP_LIMITS });
        const thread = { worker, job: null };
        worker.on('message', (reply) => {
            const job = thread.job;
            thread.job = null;
            if ('bytes' in reply)
                job?.resolve(reply.bytes);
            else
                job?.reject(new errors/* CacheError */.xA('internal', `Packing a frame failed: ${reply.error}.`));
            next();
        });
        worker.on('error', (error) => died(thread, error.message));
        worker.on('exit', (code) => died(thread, `exit code ${code}`));
        threads.add(thread);
        return thread;
    }
    function died(thread, why) {
        if (!threads.delete(thread))
            return;
        thread.job?.reject(new errors/* CacheError */.xA('internal', `A thread that packs frames ended: ${why}.`));
        thread.job = null;
        next();
    }
    function next() {
        while (!closed && waiting.length > 0) {
            const idle = [...threads].find((thread) => thread.job === null) ?? (threads.size < size ? startThread() : null);
            const job = idle === null ? undefined : waiting.shift();
            if (idle === null || job === undefined)
                return;
            idle.job = job;
            idle.worker.postMessage(job.task);
        }
    }
    return {
        size,
        start(count) {
            while (!closed && threads.size < Math.min(count, size))
                startThread();
        },
        run: (task) => new Promise((resolve, reject) => {
            if (closed)
                return reject(new errors/* CacheError */.xA('internal', 'The threads that pack frames have been ended.'));
            waiting.push({ task, resolve, reject });
            next();
        }),
        async close() {
            closed = true;
            const unfinished = [...waiting.splice(0), ...[...threads].flatMap((thread) => thread.job ?? [])];
            const workers = [...threads].map((thread) => thread.worker);
            threads.clear();
            for (const job of unfinished)
                job.reject(new errors/* CacheError */.xA('cancelled', 'Packing was ended.'));
            await Promise.all(workers.map((worker) => worker.terminate()));
        },
    };
}

;// CONCATENATED MODULE: ./build/push/packing.js










/** What one thread compresses at a time. Cut like this, programs at level 2 become 0.2 % larger than in one piece; at 1 MiB it is 1.1 %. */
const FRAME_BYTES = 4 * 1024 * 1024;
/**
 * Chunks are hashed once more than NARs are, and stored once however often they come again: a level below the one for NARs, for 6 % more bytes, makes up for
 * the former (10 % less time).
 */
const CHUNK_LEVEL = 1;
/** SHA-256 of one path is one thread's work; more than this many compressing threads would wait for it. */
const MAX_THREADS = 4;
/** What waits packed in memory; the rest waits on disk. */
const SPOOL_LIMITS = { bodyBytes: 2 * 1024 * 1024, totalBytes: 16 * 1024 * 1024 };
const RAW_CHUNK_BYTES = 1024 * 1024;
function createPacker(options) {
    const { compression, reader = narReader, realPath = (path) => path } = options;
    const threads = options.threads ?? Math.min((0,external_node_os_.availableParallelism)(), MAX_THREADS);
    const compressing = createWorkerPool(threads);
    const hashing = createWorkerPool(1);
    // For each thread one frame at work and one ready; one being read, and one on its way into the spool.
    const frames = createFramePool(2 * threads + 2, FRAME_BYTES);
    const spool = createSpool(options.spool, SPOOL_LIMITS);
    const level = options.level ?? DEFAULT_LEVELS[compression];
    const chunkLevel = (compression === 'zstd' ? options.level : null) ?? CHUNK_LEVEL;
    const chunking = { level: chunkLevel, compressing, hashing, frames };
    async function packSmall(nar, signal) {
        signal.throwIfAborted();
        const packed = readSmall(nar, (bytes) => compression === 'zstd' || compression === 'gzip' ? compressFrame(compression, level, bytes) : new Uint8Array(bytes));
        const writer = await spool.open(packed.length, nar.info.path);
        try {
            await writer.write(packed);
            return toPacked(compression, await writer.finish());
        }
        finally {
            await writer.discard();
        }
    }
    async function packInFrames(nar, signal) {
        const { info } = nar;
        const writer = await spool.open(info.narSizeBytes, info.path);
        const loan = borrowFrames(frames, signal);
        const encoder = createEncoder(compression, level, compressing, writer.write);
        const check = checkNar(info, digestOnThread(hashing));
        try {
            for await (const frame of loan.fill((how) => readFrames(nar, how)))
                loan.use(frame, [check.update(frame), encoder.write(frame)]);
            await loan.settled();
            await encoder.finish();
            await check.verify();
            return toPacked(compression, await writer.finish());
        }
        catch (error) {
            // What failed first made the rest fail.
            const first = loan.failure() ?? error;
            encoder.abort();
            throw first;
        }
        finally {
            check.drop();
            await loan.close();
            await writer.discard();
        }
    }
    const packsSmall = compression === 'zstd' || compression === 'gzip' || compression === 'none';
    const isSmall = ({ narSizeBytes }) => packsSmall && narSizeBytes <= SMALL_NAR_BYTES;
    return {
        expect(infos) {
            const bytes = infos.reduce((sum, info) => (isSmall(info) ? sum : sum + info.narSizeBytes), 0);
            if (bytes === 0)
                return;
            hashing.start(1);
            if (compression === 'zstd' || compression === 'gzip')
                compressing.start(Math.ceil(bytes / FRAME_BYTES));
        },
        sourceOf(info, onRead = () => { }) {
            const nar = { info, file: realPath(info.path), reader, onRead };
            const pack = isSmall(info) ? packSmall : packInFrames;
            return {
                raw: (signal) => readChecked(nar, Math.min(RAW_CHUNK_BYTES, Math.max(1, info.narSizeBytes)), signal),
                packed: (signal) => pack(nar, signal),
                chunks: (isKnown, signal) => chunkNar(nar, isKnown, chunking, signal),
            };
        },
        async close() {
            await Promise.all([compressing.close(), hashing.close()]);
            await spool.close();
        },
    };
}
function toPacked(compression, { body, sha256, dispose }) {
    return { compression, fileHash: sha256, body, dispose };
}

// EXTERNAL MODULE: ./build/push/plan.js
var plan = __webpack_require__(1542);
// EXTERNAL MODULE: ./build/waiting/cancel.js
var cancel = __webpack_require__(2368);
;// CONCATENATED MODULE: ./build/push/shared-nars.js


/** Made once: an abort without a reason makes an exception, stack and all, for each NAR. */
const DROPPED = new errors/* CacheError */.xA('cancelled', 'Nobody takes this NAR any more.');
const KEEP = { bytes: 2 * 1024 ** 3, nars: 256 };
/** Where there is one cache only. */
function unsharedNars({ sourceOf }) {
    return { join: () => ({ sourceOf, leave: async () => undefined }) };
}
function shareNars(packer, limits = KEEP) {
    /** The caches that have yet to ask, by path. */
    const waiting = new Map();
    const packings = new Map();
    /** Packed and held by nobody, the oldest first. */
    const idle = new Set();
    let idleBytes = 0;
    const leavePath = (cache, path) => {
        const others = waiting.get(path);
        others?.delete(cache);
        if (others?.size === 0)
            waiting.delete(path);
    };
    /** What is kept for others takes no room on the disk from what is wanted now. */
    const pack = async (source, signal) => {
        try {
            return await source.packed(signal);
        }
        catch (error) {
            if (!(0,errors/* isCacheError */.bt)(error, 'disk-full') || idle.size === 0)
                throw error;
            await dropSurplus({ bytes: 0, nars: 0 });
            return source.packed(signal);
        }
    };
    const begin = (path, source) => {
        const stop = new AbortController();
        const packing = { nar: pack(source, stop.signal), stop, users: 0, sizeBytes: 0 };
        packings.set(path, packing);
        packing.nar.then(({ body }) => {
            packing.sizeBytes = body.sizeBytes;
        }, 
        // Whoever comes next tries again.
        () => forget(path, packing));
        return packing;
    };
    const forget = (path, packing) => {
        if (packings.get(path) === packing)
            packings.delete(path);
    };
    const drop = async (path, packing) => {
        forget(path, packing);
        if (idle.delete(path))
            idleBytes -= packing.sizeBytes;
        packing.stop.abort(DROPPED);
        await packing.nar.then((nar) => nar.dispose(), () => undefined);
    };
    const release = async (path, packing, isPacked) => {
        if (--packing.users > 0)
            return;
        if (!isPacked || !waiting.has(path))
            return drop(path, packing);
        idle.add(path);
        idleBytes += packing.sizeBytes;
        await dropSurplus(limits);
    };
    const dropSurplus = async ({ bytes, nars }) => {
        for (const oldest of idle) {
            if (idleBytes <= bytes && idle.size <= nars)
                return;
            const surplus = packings.get(oldest);
            if (surplus !== undefined)
                await drop(oldest, surplus);
        }
    };
    const take = async (path, source, signal) => {
        const packing = packings.get(path) ?? begin(path, source);
        packing.users++;
        if (idle.delete(path))
            idleBytes -= packing.sizeBytes;
        try {
            const nar = await (0,cancel/* orAborted */.H6)(packing.nar, signal, `Packing ${path}`);
            let held = true;
            const dispose = async () => {
                if (!held)
                    return;
                held = false;
                await release(path, packing, true);
            };
            return { ...nar, dispose };
        }
        catch (error) {
            await release(path, packing, false);
            throw error;
        }
    };
    return {
        join(paths) {
            const cache = {};
            const joined = [...paths];
            for (const path of joined)
                waiting.set(path, (waiting.get(path) ?? new Set()).add(cache));
            return {
                sourceOf(info, onRead) {
                    const source = packer.sourceOf(info, onRead);
                    return {
                        raw(signal) {
                            leavePath(cache, info.path);
                            return source.raw(signal);
                        },
                        packed(signal) {
                            leavePath(cache, info.path);
                            return take(info.path, source, signal);
                        },
                        chunks(isKnown, signal) {
                            leavePath(cache, info.path);
                            return source.chunks(isKnown, signal);
                        },
                    };
                },
                async leave() {
                    for (const path of joined)
                        leavePath(cache, path);
                    for (const path of idle) {
                        const packing = packings.get(path);
                        if (packing !== undefined && !waiting.has(path))
                            await drop(path, packing);
                    }
                },
            };
        },
    };
}

// EXTERNAL MODULE: ./build/phases/configure.js
var configure = __webpack_require__(645);
// EXTERNAL MODULE: ./build/phases/early-question.js
var early_question = __webpack_require__(5399);
// EXTERNAL MODULE: ./build/phases/job-report.js + 1 modules
var job_report = __webpack_require__(8620);
;// CONCATENATED MODULE: ./build/phases/meeting.js
/** How long one waits for the others. */
const PATIENCE_MS = 3_000;
function meeting(parties) {
    const all = Promise.withResolvers();
    let missing = parties;
    const arrive = () => {
        if (--missing <= 0)
            all.resolve();
    };
    return {
        async wait() {
            arrive();
            const patience = setTimeout(all.resolve, PATIENCE_MS);
            await all.promise;
            clearTimeout(patience);
        },
        leave: arrive,
    };
}

// EXTERNAL MODULE: ./build/phases/push-policy.js
var push_policy = __webpack_require__(9884);
// EXTERNAL MODULE: ./build/phases/store-question.js + 2 modules
var store_question = __webpack_require__(7514);
// EXTERNAL MODULE: ./build/phases/target-push.js + 10 modules
var target_push = __webpack_require__(147);
// EXTERNAL MODULE: ./build/cache-target/target.js + 5 modules
var cache_target_target = __webpack_require__(9238);
// EXTERNAL MODULE: ./build/http/proxy.js
var http_proxy = __webpack_require__(2749);
// EXTERNAL MODULE: ./build/phases/cache.js + 4 modules
var cache = __webpack_require__(7796);
;// CONCATENATED MODULE: ./build/phases/upstreams.js




/**
 * They are asked beside the push, which must not wait for them for long. As many paths as there are requests in flight take one round trip; a question for many
 * together, to the host of an API, would take a connection more than that.
 */
const EFFORT = { concurrency: 32, attempts: 2, patienceMs: 3_000, connectTimeoutMs: 3_000 };
const LIMIT_MS = 10_000;
/** Asked together: what was answered before the time ran out counts. */
const BATCH = 256;
/**
 * Asks once for each path that may be there, and only for those that came to this store with a signature of somebody else's. What was built here is in no upstream, or Nix would have
 * taken it from there; what nobody else signed could not have come from one. With an empty `skip-signed-by` the cache is to be whole, and nobody is asked.
 */
function createUpstreams(session, store, netrc) {
    const { inputs, runner } = session;
    const lines = inputs.skipSignedBy.length === 0 ? [] : [...inputs.substituters];
    const servers = inputs.caches.flatMap((target) => (target.kind === 'cachix' ? [target.host] : []));
    let bulk = null;
    /** The substituter that has the path, `null` for none. */
    const known = new Map();
    let last = Promise.resolve();
    /** Of many paths, those that a question for all of them shows to be lacking. One question serves all lines: it remembers who does not answer. */
    const lackedOf = async (url, env, paths, signal) => {
        if (paths.length <= EFFORT.concurrency)
            return new Set();
        bulk ??= __webpack_require__.e(/* import() */ 170).then(__webpack_require__.bind(__webpack_require__, 6170)).then(async ({ createBulkQuestion }) => createBulkQuestion(servers, await netrc(), runner.log));
        return (await bulk).lacked(url, env, paths, signal);
    };
    const isFromElsewhere = ({ ultimate, signatures }) => !ultimate && signatures.some((signature) => !signature.startsWith(`${inputs.signingKey?.name ?? ''}:`));
    const ask = async ({ url, proxy }, paths, signal) => {
        const target = (0,cache_target_target/* parseCacheTarget */.h)(url, null, null);
        if ('problem' in target || target.kind !== 'http')
            throw new errors/* CacheError */.xA('internal', `${url} is no HTTP cache.`);
        const env = proxy === null ? runner.env : (0,http_proxy/* withProxy */.fK)(runner.env, proxy);
        const lacked = await lackedOf(target.url, env, paths, signal);
        const possible = paths.filter(({ path }) => !lacked.has(path));
        if (possible.length === 0)
            return;
        await (0,cache/* withCache */.n)({ ...session, runner: { ...runner, env } }, store, target, await netrc(), EFFORT, async (backend) => {
            for (let at = 0; at < possible.length; at += BATCH) {
                const found = await backend.presence(possible.slice(at, at + BATCH), signal);
                for (const [path, { state }] of found)
                    if (state === 'present')
                        known.set(path, url);
            }
        });
    };
    const askAll = async (paths, signal) => {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
        for (const line of [...lines]) {
            const left = paths.filter(({ path }) => !known.has(path));
            if (left.length === 0 || limit.aborted)
                break;
            try {
                await ask(line, left, limit);
            }
            catch (error) {
                if (!(0,errors/* isCacheError */.bt)(error) || error.code === 'internal')
                    throw error;
                if (signal.aborted)
                    break;
                // One that fails is not asked again.
                lines.splice(lines.indexOf(line), 1);
                runner.log.info(`${line.url} does not say what it has, so that is pushed: ${(0,errors/* describeError */.Uc)(error)}`);
            }
        }
        // Whoever asks no more has not found out that a path is nowhere: the end of the job asks for it again.
        if (signal.aborted)
            return;
        for (const { path } of paths)
            if (!known.has(path))
                known.set(path, null);
    };
    return {
        async find(paths, signal) {
            const wanted = paths.filter(isFromElsewhere);
            if (lines.length > 0 && wanted.length > 0) {
                // One after the other: several caches want the same paths.
                const mine = last.then(async () => {
                    const unknown = wanted.filter(({ path }) => !known.has(path));
                    if (unknown.length > 0)
                        await askAll(unknown, signal);
                });
                last = mine.catch(() => undefined);
                await mine;
            }
            return new Map(wanted.flatMap(({ path }) => {
                const url = known.get(path) ?? null;
                return url === null ? [] : [[path, url]];
            }));
        },
    };
}

;// CONCATENATED MODULE: ./build/phases/push-new-paths.js













/**
 * Finds what the job added to the store, pushes it to every cache that takes it, reads it back. What goes wrong with one cache is in the report and holds up no
 * other. `startedMs`: when the time for it began. Throws when nothing can even begin.
 */
async function pushNewPaths(session, store, stop, job, done, startedMs = performance.now()) {
    const deadlineMs = startedMs + (0,push_policy/* pushTimeoutMs */.gv)(session.inputs);
    return withPushes(session, store, stop, job, done, () => undefined, (pushes) => pushes.finish({ startedMs, deadlineMs }));
}
/** Opens the pushes for the time of `body`. Caches are asked when there is something for them. */
async function withPushes(session, store, stop, job, done, onPushed, body) {
    const { inputs, state } = session;
    const folder = onlyFolder(session);
    const packer = createPacker({
        compression: inputs.compression,
        level: inputs.compressionLevel ?? (folder !== null && inputs.compression === 'zstd' ? FOLDER_LEVEL : null),
        spool: folder === null
            ? { kind: 'own', folder: (0,external_node_path_.join)(state().folder, 'spool') }
            : { kind: 'destination', folder: (0,file_store.narFolderOf)(folder), newName: file_store.temporaryName },
        realPath: store.realPath,
    });
    const netrc = () => (0,configure/* knownNetrc */.as)(inputs, store, stop.signal);
    const upstreams = createUpstreams(session, store, netrc);
    const named = state().main?.targets ?? [];
    const nars = named.length > 1 ? shareNars(packer) : unsharedNars(packer);
    const means = { session, store, stop, job, netrc, upstreams, nars, expectNars: packer.expect };
    const targets = named.flatMap((target, index) => target.whyNot === null
        ? [
            (0,target_push/* createTargetPush */.Sy)({
                means,
                target,
                done: new Map(done.get(index)),
                onPushed: (path, sentBytes) => onPushed(index, path, sentBytes),
            }),
        ]
        : []);
    try {
        return await body({
            push: (roots, order) => pushSome(means, targets, roots, order),
            finish: (order) => finishAll(means, targets, order),
        });
    }
    finally {
        await Promise.all(targets.map((target) => target.close()));
        await packer.close();
    }
}
/** Of zstd, where no line carries the bytes: a level below the one for other caches takes 11 % less time for 7 % more bytes. */
const FOLDER_LEVEL = 1;
/** The folder that everything goes to, which can be packed right there; `null` when it goes elsewhere too. */
function onlyFolder({ inputs, state }) {
    const [target, ...others] = state().main?.targets ?? [];
    const line = others.length > 0 ? null : (target?.line ?? null);
    const cache = line === null ? undefined : inputs.caches[line];
    return cache?.kind === 'file' ? cache.folder : null;
}
/** The longest that a push during the job may take; the end of the job ends it earlier. */
const JOB_MS = 6 * 3_600_000;
async function pushSome(means, targets, roots, { drain }) {
    const { session, store, stop } = means;
    const { log } = session.runner;
    const startedMs = performance.now();
    const selection = (0,plan/* selectPaths */.L)(await (0,store_question/* findCandidates */.eE)(store, roots, false, stop.signal), rulesOf(session));
    const order = {
        selection,
        startedMs,
        deadlineMs: startedMs + JOB_MS,
        ...(drain === undefined ? {} : { drain }),
        onProgress: log.debug,
    };
    const failures = await eachTarget(targets, (target, planned) => target.push({ ...order, planned }).then(() => null, (error) => error));
    for (const failure of failures)
        if (failure !== null)
            log.debug(String(failure));
}
async function finishAll(means, targets, { startedMs, deadlineMs }) {
    const { session, store, stop, job } = means;
    const { log } = session.runner;
    const signal = forLocalStore(stop, deadlineMs);
    const { main } = session.state();
    const question = { paths: session.inputs.paths, env: session.runner.env, main };
    const answers = (0,early_question/* answersOf */.B)(session.early, () => (0,store_question/* askStore */.fE)(store, question, signal), signal);
    const [roots, names] = await Promise.all([answers.roots, answers.names]);
    if (roots.length > 0)
        for (const target of targets)
            target.expect(deadlineMs);
    const candidates = await answers.candidates;
    const selection = candidates === null ? null : (0,plan/* selectPaths */.L)(candidates, rulesOf(session));
    const facts = selection === null
        ? []
        : await eachTarget(targets, (target, planned) => target.finish({
            selection,
            startedMs,
            deadlineMs,
            planned,
            onProgress: (line) => log.info(targets.length > 1 ? `${(0,target_push/* cacheOf */.w7)(session.inputs, target.target).label}: ${line}` : line),
        }));
    const pushed = new Map(facts.map((cache, index) => [targets[index]?.target, cache]));
    const caches = (main?.targets ?? []).map((target) => pushed.get(target) ?? (0,target_push/* untouched */.sF)(session, target));
    const { added } = answers;
    return (0,job_report/* jobReport */.q)({ session, store, stop, job, names, added, startedMs }, caches, selection?.candidates.infos ?? new Map());
}
/** What a job that was stopped may still take to find out what it has to report. */
const LOCAL_GRACE_MS = 3_000;
/** For questions to the local store: they are short, and the report needs the answers also when the push was stopped. */
function forLocalStore(stop, deadlineMs) {
    const late = new AbortController();
    const onStop = () => void setTimeout(() => late.abort(stop.signal.reason), LOCAL_GRACE_MS).unref();
    if (stop.signal.aborted)
        onStop();
    else
        stop.signal.addEventListener('abort', onStop, { once: true });
    const leftMs = Math.max(LOCAL_GRACE_MS, Math.floor(deadlineMs - performance.now()));
    return AbortSignal.any([late.signal, AbortSignal.timeout(leftMs)]);
}
/** All side by side; where plans are made, each waits shortly for the others, so that what several want is packed once. */
async function eachTarget(targets, run) {
    const planned = meeting(targets.length);
    return Promise.all(targets.map((target) => run(target, planned).finally(planned.leave)));
}
function rulesOf({ inputs }) {
    const { include, exclude, maxPathSizeBytes, skipSignedBy, paths } = inputs;
    return {
        include,
        exclude,
        maxPathSizeBytes,
        skipSignedBy,
        upstream: new Map(),
        explicitPaths: paths.length > 0,
        wholeClosures: false,
    };
}


/***/ })

};
