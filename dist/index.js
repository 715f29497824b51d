import { createRequire as __WEBPACK_EXTERNAL_createRequire } from "module";
/******/ var __webpack_modules__ = ({

/***/ 2613:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("assert");

/***/ }),

/***/ 181:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("buffer");

/***/ }),

/***/ 5317:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("child_process");

/***/ }),

/***/ 6982:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("crypto");

/***/ }),

/***/ 4434:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("events");

/***/ }),

/***/ 9896:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("fs");

/***/ }),

/***/ 8611:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("http");

/***/ }),

/***/ 5692:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("https");

/***/ }),

/***/ 9278:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("net");

/***/ }),

/***/ 4589:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:assert");

/***/ }),

/***/ 6698:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:async_hooks");

/***/ }),

/***/ 4573:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:buffer");

/***/ }),

/***/ 1421:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:child_process");

/***/ }),

/***/ 7540:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:console");

/***/ }),

/***/ 7598:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:crypto");

/***/ }),

/***/ 3053:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:diagnostics_channel");

/***/ }),

/***/ 610:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:dns");

/***/ }),

/***/ 1553:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:dns/promises");

/***/ }),

/***/ 8474:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:events");

/***/ }),

/***/ 3024:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:fs");

/***/ }),

/***/ 1455:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:fs/promises");

/***/ }),

/***/ 7067:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:http");

/***/ }),

/***/ 2467:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:http2");

/***/ }),

/***/ 4708:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:https");

/***/ }),

/***/ 7030:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:net");

/***/ }),

/***/ 8161:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:os");

/***/ }),

/***/ 6760:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:path");

/***/ }),

/***/ 643:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:perf_hooks");

/***/ }),

/***/ 1708:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:process");

/***/ }),

/***/ 1792:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:querystring");

/***/ }),

/***/ 481:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:readline");

/***/ }),

/***/ 7075:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:stream");

/***/ }),

/***/ 6466:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:stream/promises");

/***/ }),

/***/ 8500:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:timers/promises");

/***/ }),

/***/ 1692:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:tls");

/***/ }),

/***/ 3136:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:url");

/***/ }),

/***/ 7975:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:util");

/***/ }),

/***/ 3429:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:util/types");

/***/ }),

/***/ 5919:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:worker_threads");

/***/ }),

/***/ 8522:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:zlib");

/***/ }),

/***/ 857:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("os");

/***/ }),

/***/ 6928:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("path");

/***/ }),

/***/ 2203:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("stream");

/***/ }),

/***/ 3193:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("string_decoder");

/***/ }),

/***/ 3557:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("timers");

/***/ }),

/***/ 4756:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("tls");

/***/ }),

/***/ 2018:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("tty");

/***/ }),

/***/ 7016:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("url");

/***/ }),

/***/ 9023:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("util");

/***/ }),

/***/ 9473:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Gg: () => (/* binding */ titleOf),
/* harmony export */   Uc: () => (/* binding */ describeError),
/* harmony export */   bt: () => (/* binding */ isCacheError),
/* harmony export */   xA: () => (/* binding */ CacheError),
/* harmony export */   xU: () => (/* binding */ systemCode)
/* harmony export */ });
/* unused harmony export ERROR_CODES */
/**
 * Every failure that the action can name. The code is stable (documentation and the JSON report refer to it), the message says
 * what and where, the hint what to do about it. docs/troubleshooting.md has a section for each.
 */
const ERROR_CODES = (/* unused pure expression or super */ null && ([
    // A mistake in the workflow: pre and main fail on these.
    'input-invalid',
    'push-impossible',
    // What the workflow asked for and the job can't do without.
    'install-failed',
    // The machine.
    'nix-missing',
    'nix-failed',
    'store-unreadable',
    'config-failed',
    'state-invalid',
    'disk-full',
    'file-failed',
    // Bytes that do not parse.
    'format-invalid',
    // One path.
    'path-vanished',
    'path-corrupt',
    // The cache.
    'cache-unreachable',
    'cache-tls',
    'cache-unauthorized',
    'cache-forbidden',
    'cache-not-found',
    'cache-read-only',
    'cache-too-large',
    'cache-throttled',
    'cache-failing',
    'cache-stalled',
    'cache-invalid',
    // Control flow.
    'deadline',
    'cancelled',
    'internal',
]));
/** A failure with a code from the closed set above. Its message and hint never hold a secret. */
class CacheError extends Error {
    name = 'CacheError';
    code;
    hint;
    constructor(code, message, details = {}) {
        super(message, details.cause === undefined ? undefined : { cause: details.cause });
        this.code = code;
        this.hint = details.hint ?? null;
    }
}
/** Whether `error` is a `CacheError`, with one of `codes` when any are given. */
function isCacheError(error, ...codes) {
    return error instanceof CacheError && (codes.length === 0 || codes.includes(error.code));
}
/** The system's error code (`ENOENT`, `ECONNREFUSED`, ...) of an error, or of the nearest cause that has one; else `null`. */
function systemCode(error) {
    for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
        if ('code' in at && typeof at.code === 'string' && !(at instanceof CacheError))
            return at.code;
    }
    return null;
}
/** One line for people: the message and, where there is one, the hint. */
function describeError(error) {
    if (error instanceof CacheError)
        return error.hint === null ? error.message : `${error.message} ${error.hint}`;
    return error instanceof Error ? error.message : String(error);
}
/** Title of an annotation about `error`, with the code by which docs/troubleshooting.md has it. */
function titleOf(error, title = 'nix-cache-action') {
    return error instanceof CacheError ? `${title} (${error.code})` : title;
}


/***/ }),

/***/ 4636:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  _: () => (/* binding */ openJournal)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __nccwpck_require__(1455);
// EXTERNAL MODULE: ./build/errors.js
var errors = __nccwpck_require__(9473);
// EXTERNAL MODULE: ./build/setup/private-file.js
var private_file = __nccwpck_require__(6124);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __nccwpck_require__(9605);
;// CONCATENATED MODULE: ./build/hook/record.js


/** Two store paths of the usual length take 600 bytes. */
const LINE_LIMIT_BYTES = 4096;
const FIELDS = /^1 (\d{1,11}) (\S+) (\S+)$/;
/** `null` for a line that is torn, foreign, or about another store. */
function parseJournalLine(line, storeDir) {
    if (line.length > LINE_LIMIT_BYTES)
        return null;
    const [, seconds, drv = '', out = ''] = FIELDS.exec(line) ?? [];
    if (seconds === undefined)
        return null;
    const drvPath = drv === '-' ? null : storePath(drv, storeDir);
    const outPath = out === '-' ? null : storePath(out, storeDir);
    if (drvPath === undefined || outPath === undefined || (drvPath ?? outPath) === null)
        return null;
    if (drvPath !== null && !(0,store_path/* isDerivation */.qw)(drvPath))
        return null;
    return { drvPath, outPath, timeMs: Number(seconds) * 1000 };
}
function storePath(text, storeDir) {
    try {
        return (0,store_path/* parseStorePath */.GV)(text, storeDir).path;
    }
    catch (error) {
        if ((0,errors/* isCacheError */.bt)(error, 'format-invalid'))
            return undefined;
        throw error;
    }
}

;// CONCATENATED MODULE: ./build/hook/journal.js




const CHUNK_BYTES = 256 * 1024;
/** More than 100,000 builds. Beyond that somebody else fills it. */
const JOURNAL_LIMIT_BYTES = 32 * 1024 * 1024;
/** Opens a journal where a reader before this one came to. Throws `file-failed`. */
async function openJournal({ file, stateFile, storeDir, outputsOf }) {
    let offsetBytes = stateFile === null ? 0 : await readOffset(stateFile);
    const seen = new Set();
    const isNew = (key) => seen.size < seen.add(key).size;
    const batchOf = (records) => {
        const upToBytes = offsetBytes;
        return {
            records,
            async keep() {
                if (stateFile !== null)
                    await (0,private_file/* writePrivateFile */.P)(stateFile, JSON.stringify({ version: 1, offsetBytes: upToBytes }));
            },
        };
    };
    return {
        async read() {
            for (;;) {
                const chunk = await readChunk(file, offsetBytes);
                const wholeBytes = wholeLinesBytes(chunk);
                if (wholeBytes === 0)
                    return batchOf([]);
                offsetBytes += wholeBytes;
                const lines = chunk.toString('latin1', 0, wholeBytes).split('\n');
                const fresh = lines
                    .map((line) => parseJournalLine(line, storeDir))
                    .filter((line) => line !== null)
                    .filter(({ drvPath, outPath }) => isNew(outPath ?? drvPath ?? ''));
                if (fresh.length > 0) {
                    return batchOf(await Promise.all(grouped(fresh).map((record) => withOutputs(record, outputsOf, isNew))));
                }
            }
        },
    };
}
/** Up to the end of the last line that has one. What is too long for a line is let go without. */
function wholeLinesBytes(chunk) {
    const end = chunk.lastIndexOf('\n') + 1;
    return end === 0 && chunk.byteLength > LINE_LIMIT_BYTES ? chunk.byteLength : end;
}
/** Lines that follow each other and are about one derivation come from one run of the hook. */
function grouped(lines) {
    const records = [];
    for (const { drvPath, outPath, timeMs } of lines) {
        const last = records.at(-1);
        const outPaths = outPath === null ? [] : [outPath];
        if (last !== undefined && drvPath !== null && last.drvPath === drvPath)
            last.outPaths.push(...outPaths);
        else
            records.push({ drvPath, outPaths, timeMs });
    }
    return records;
}
async function withOutputs(record, outputsOf, isNew) {
    if (record.outPaths.length > 0 || record.drvPath === null)
        return record;
    return { ...record, outPaths: (await outputsOf(record.drvPath)).filter(isNew) };
}
async function readChunk(file, offsetBytes) {
    if (offsetBytes > JOURNAL_LIMIT_BYTES)
        return Buffer.alloc(0);
    let handle = null;
    try {
        handle = await (0,promises_.open)(file);
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, offsetBytes);
        return buffer.subarray(0, bytesRead);
    }
    catch (cause) {
        const code = (0,errors/* systemCode */.xU)(cause) ?? 'unknown';
        if (code === 'ENOENT')
            return Buffer.alloc(0);
        throw new errors/* CacheError */.xA('file-failed', `The journal of builds ${file} can't be read (${code}).`, { cause });
    }
    finally {
        await handle?.close();
    }
}
/** From the beginning when nothing was kept, or it is damaged: twice is harmless. */
async function readOffset(stateFile) {
    let text;
    try {
        text = await (0,promises_.readFile)(stateFile, 'latin1');
    }
    catch (cause) {
        const code = (0,errors/* systemCode */.xU)(cause) ?? 'unknown';
        if (code === 'ENOENT')
            return 0;
        throw new errors/* CacheError */.xA('file-failed', `${stateFile} can't be read (${code}).`, { cause });
    }
    const offset = /^\{"version":1,"offsetBytes":(\d{1,15})\}$/.exec(text)?.[1];
    return offset === undefined ? 0 : Number(offset);
}


/***/ }),

/***/ 9307:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   K: () => (/* binding */ inputLines)
/* harmony export */ });
/** The lines of an input that takes several, without blanks around them and without empty ones. */
function inputLines(text) {
    return text
        .split(/\r?\n/)
        .map((line) => line.trim())
        .filter((line) => line !== '');
}


/***/ }),

/***/ 9410:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   p: () => (/* binding */ decodeBase32),
/* harmony export */   z: () => (/* binding */ encodeBase32)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(9473);
/* harmony import */ var _quote_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(9044);


/** Nix's base 32: the digits and letters without `e`, `o`, `t` and `u` (nix/src/libutil/base-nix-32.hh). */
const ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz';
const CODES = Buffer.from(ALPHABET);
const NO_DIGIT = 255;
/** Character code (below 128) to digit value. */
const DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (let digit = 0; digit < ALPHABET.length; digit++)
    DIGITS[ALPHABET.charCodeAt(digit)] = digit;
/** How many characters encode `byteLength` bytes. */
function textLength(byteLength) {
    return Math.ceil((byteLength * 8) / 5);
}
/**
 * Nix32: the bytes read as one little-endian number, written with the most significant digit first. So the character `n` places
 * from the right end holds the bits `5n` to `5n + 4`.
 */
function encodeBase32(bytes) {
    const length = textLength(bytes.length);
    const text = Buffer.allocUnsafe(length);
    // What was read of the bytes and not written yet.
    let bits = 0;
    let bitCount = 0;
    let index = 0;
    for (let at = length - 1; at >= 0; at--) {
        if (bitCount < 5) {
            bits |= (bytes[index++] ?? 0) << bitCount;
            bitCount += 8;
        }
        text[at] = CODES[bits & 31] ?? 0;
        bits >>= 5;
        bitCount -= 5;
    }
    return text.toString('latin1');
}
/**
 * Inverse of `encodeBase32`; the length of the text gives that of the bytes. Throws `format-invalid` on a character outside the
 * alphabet, a length that no whole number of bytes has, and set bits beyond the last byte: every value has one spelling.
 */
function decodeBase32(text) {
    const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
    if (textLength(bytes.length) !== text.length) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .h)(text)} is not base 32 as Nix writes it: no value has ${text.length} digits.`);
    }
    for (let place = 0; place < text.length; place++) {
        const at = text.length - 1 - place;
        const digit = DIGITS[text.charCodeAt(at)] ?? NO_DIGIT;
        if (digit === NO_DIGIT) {
            throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .h)(text)} is not base 32 as Nix writes it: ${(0,_quote_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .h)(text.charAt(at))} is no digit.`);
        }
        const bit = place * 5;
        const index = bit >> 3;
        const shifted = digit << (bit & 7);
        bytes[index] = (bytes[index] ?? 0) | (shifted & 255);
        const carry = shifted >> 8;
        if (carry === 0)
            continue;
        if (index + 1 >= bytes.length) {
            throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .h)(text)} is not base 32 as Nix writes it: its first digit is too large.`);
        }
        bytes[index + 1] = (bytes[index + 1] ?? 0) | carry;
    }
    return bytes;
}


/***/ }),

/***/ 4125:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   W: () => (/* binding */ encodeBase64),
/* harmony export */   y: () => (/* binding */ decodeBase64)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(9473);

/** Standard base 64 with padding, as Nix writes hashes, keys and signatures. */
function encodeBase64(bytes) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
/**
 * Decodes canonical base 64: padded, no white space, no stray bits, so that every value has one spelling. Throws `format-invalid`
 * with a message that names `what` and never shows the text, which may be a secret.
 */
function decodeBase64(text, what) {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64') !== text)
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${what} is not valid base 64.`);
    return new Uint8Array(bytes);
}


/***/ }),

/***/ 3314:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Eb: () => (/* binding */ parseHash),
/* harmony export */   Es: () => (/* binding */ foldHash),
/* harmony export */   Le: () => (/* binding */ equalHash),
/* harmony export */   M6: () => (/* binding */ digestText),
/* harmony export */   ON: () => (/* binding */ formatHash)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(9473);
/* harmony import */ var _base32_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(9410);
/* harmony import */ var _base64_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(4125);
/* harmony import */ var _quote_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(9044);




const DIGEST_BYTES = { md5: 16, sha1: 20, sha256: 32, sha512: 64 };
function isHashAlgorithm(text) {
    return Object.hasOwn(DIGEST_BYTES, text);
}
function splitHash(text) {
    const match = /^([a-z0-9]{1,16})([:-])/.exec(text);
    if (match === null)
        return { algorithm: null, digest: text, sri: false };
    return { algorithm: match[1] ?? null, digest: text.slice(match[0].length), sri: match[2] === '-' };
}
/** The lengths of the three encodings differ for every algorithm, so the length tells which one it is. */
function decodeDigest(digest, sizeBytes, sri, where) {
    if (digest.length === Math.ceil(sizeBytes / 3) * 4) {
        const bytes = (0,_base64_js__WEBPACK_IMPORTED_MODULE_2__/* .decodeBase64 */ .y)(digest, `The digest of ${where}`);
        if (bytes.length === sizeBytes)
            return bytes;
    }
    else if (!sri && digest.length === sizeBytes * 2) {
        if (!/^[0-9a-fA-F]*$/.test(digest))
            throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The digest of ${where} is not hexadecimal.`);
        return new Uint8Array(Buffer.from(digest, 'hex'));
    }
    else if (!sri && digest.length === Math.ceil((sizeBytes * 8) / 5)) {
        return (0,_base32_js__WEBPACK_IMPORTED_MODULE_1__/* .decodeBase32 */ .p)(digest);
    }
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The digest of ${where} has a wrong length (${digest.length} characters).`);
}
/**
 * Reads a hash in any of Nix's spellings: `algo:nix32`, `algo:hex`, `algo:base64`, SRI (`algo-base64`), and the digest alone when
 * `assume` says of which algorithm it is. A prefix that contradicts `assume` is an error. Throws `format-invalid`.
 * Source: nix/src/libutil/hash.cc, Hash::parseAny.
 */
function parseHash(text, assume) {
    const where = `hash ${(0,_quote_js__WEBPACK_IMPORTED_MODULE_3__/* .quote */ .h)(text, 160)}`;
    const parts = splitHash(text);
    const algorithm = parts.algorithm ?? assume;
    if (algorithm === undefined) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The ${where} does not say its algorithm.`, {
            hint: 'Nix writes it in front, as in `sha256:...`.',
        });
    }
    if (!isHashAlgorithm(algorithm)) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The ${where} has an unknown algorithm.`, {
            hint: `Known are ${Object.keys(DIGEST_BYTES).join(', ')}.`,
        });
    }
    if (assume !== undefined && algorithm !== assume) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The ${where} should be of algorithm ${assume}.`);
    }
    return { algorithm, digest: decodeDigest(parts.digest, DIGEST_BYTES[algorithm], parts.sri, where) };
}
/** The digest alone, without algorithm. */
function digestText(hash, form) {
    if (form === 'nix32')
        return (0,_base32_js__WEBPACK_IMPORTED_MODULE_1__/* .encodeBase32 */ .z)(hash.digest);
    return Buffer.from(hash.digest.buffer, hash.digest.byteOffset, hash.digest.byteLength).toString('hex');
}
/** `sha256:<nix32>`, `sha256:<hex>` or `sha256-<base64>`. */
function formatHash(hash, form) {
    if (form === 'sri')
        return `${hash.algorithm}-${(0,_base64_js__WEBPACK_IMPORTED_MODULE_2__/* .encodeBase64 */ .W)(hash.digest)}`;
    return `${hash.algorithm}:${digestText(hash, form)}`;
}
function equalHash(a, b) {
    return a.algorithm === b.algorithm && Buffer.compare(a.digest, b.digest) === 0;
}
/** Nix's shortening of digests for store paths: byte `i` is XORed into byte `i mod sizeBytes` (libutil/hash.cc, compressHash). */
function foldHash(digest, sizeBytes) {
    const folded = new Uint8Array(sizeBytes);
    for (const [index, byte] of digest.entries()) {
        const at = index % sizeBytes;
        folded[at] = (folded[at] ?? 0) ^ byte;
    }
    return folded;
}


/***/ }),

/***/ 9044:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   h: () => (/* binding */ quote)
/* harmony export */ });
/** Untrusted text as it may stand in a message: quoted, control characters escaped, cut after `limit` characters. */
function quote(text, limit = 80) {
    const shown = text.length > limit ? `${text.slice(0, limit)}…` : text;
    return JSON.stringify(shown);
}


/***/ }),

/***/ 9605:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   GV: () => (/* binding */ parseStorePath),
/* harmony export */   Sj: () => (/* binding */ isStorePathName),
/* harmony export */   bV: () => (/* binding */ hashPartOf),
/* harmony export */   mv: () => (/* binding */ baseNameOf),
/* harmony export */   qw: () => (/* binding */ isDerivation),
/* harmony export */   u7: () => (/* binding */ parseBaseName)
/* harmony export */ });
/* unused harmony export DEFAULT_STORE_DIR */
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(9473);
/* harmony import */ var _quote_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(9044);


const DEFAULT_STORE_DIR = '/nix/store';
const HASH_PART_LENGTH = 32;
/**
 * nix/src/libstore/path.cc, checkName: 1 to 211 characters, and neither `.` nor `..` as the first dash-separated part (2.20 and
 * later; a name such as `.gitignore` is allowed). The letters e, o, t and u are no digits of the hash part.
 */
const BASE_NAME = /^[0-9a-df-np-sv-z]{32}-(?!\.{1,2}(?:-|$))[0-9a-zA-Z+\-._?=]{1,211}$/;
/**
 * Whether a name may be that of a store path. Lock files (`<hash>-<name>.lock`) and outputs under construction may too: only Nix's
 * database knows what is valid.
 */
function isStorePathName(baseName) {
    return BASE_NAME.test(baseName);
}
/** Throws `format-invalid` when `baseName` is not `<hash>-<name>`. */
function parseBaseName(baseName, storeDir) {
    if (!isStorePathName(baseName))
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .h)(baseName, 250)} is not the name of a store path.`);
    return {
        path: `${storeDir}/${baseName}`,
        storeDir,
        baseName,
        hashPart: baseName.slice(0, HASH_PART_LENGTH),
        name: baseName.slice(HASH_PART_LENGTH + 1),
    };
}
/** Throws `format-invalid` when `path` is not directly in `storeDir` (absolute, without a slash at its end) or its name is not `<hash>-<name>`. */
function parseStorePath(path, storeDir) {
    if (!path.startsWith(`${storeDir}/`) || !isStorePathName(path.slice(storeDir.length + 1))) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .h)(path, 300)} is not a store path in ${storeDir}.`);
    }
    return parseBaseName(path.slice(storeDir.length + 1), storeDir);
}
/** `<hash>-<name>` of a full store path that is known to be one. */
function baseNameOf(path) {
    return path.slice(path.lastIndexOf('/') + 1);
}
/** The 32 digits of a full store path (or of its base name) that is known to be one. */
function hashPartOf(path) {
    const start = path.lastIndexOf('/') + 1;
    return path.slice(start, start + HASH_PART_LENGTH);
}
/** Whether the path is that of a derivation file, which Nix tells from the name alone. */
function isDerivation(path) {
    return path.endsWith('.drv');
}


/***/ }),

/***/ 5399:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   B: () => (/* binding */ answersOf),
/* harmony export */   J: () => (/* binding */ askEarly)
/* harmony export */ });
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8500);
/* harmony import */ var _inputs_lines_js__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(9307);
/* harmony import */ var _state_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8801);
/* harmony import */ var _store_local_store_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(2325);
/* harmony import */ var _store_question_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(7514);





/** Whatever holds up the answers must not hold up post, which takes the secrets off the disk first. */
const LONGEST_WAIT_MS = 100;
/**
 * `null` where post does not ask, the pusher does, or the daemon would, which may be restarted when the configuration is undone. Asks nothing but what main wrote
 * into the state, and never throws: what is wrong here is found again, and told, by who wants the answers.
 *
 * @param env of the process, with the state that the runner hands back
 */
function askEarly(env) {
    const state = stateIn(env);
    const main = state?.main ?? null;
    if (state === null || main === null)
        return null;
    if (main.store?.access !== 'direct' || main.whyNot !== null || main.pusherFolder !== null)
        return null;
    const over = new AbortController();
    const question = { paths: (0,_inputs_lines_js__WEBPACK_IMPORTED_MODULE_4__/* .inputLines */ .K)(state.inputs.paths ?? ''), env, main };
    const answers = (0,_store_question_js__WEBPACK_IMPORTED_MODULE_3__/* .askStore */ .fE)((0,_store_local_store_js__WEBPACK_IMPORTED_MODULE_2__/* .reopenLocalStore */ .C)(main.store, env), question, over.signal);
    return {
        ...answers,
        asked: Promise.race([answers.roots.catch(() => undefined), (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_0__.setTimeout)(LONGEST_WAIT_MS, undefined, { ref: false })]).then(() => undefined),
        cancel: (reason) => over.abort(reason),
    };
}
function stateIn(env) {
    try {
        return (0,_state_js__WEBPACK_IMPORTED_MODULE_1__/* .loadState */ .C)((name) => env[`STATE_${name}`] ?? '');
    }
    catch {
        return null;
    }
}
/** The early answers until `signal` is aborted; what failed of them is asked again, since the configuration was being undone meanwhile. */
function answersOf(early, ask, signal) {
    if (early === null)
        return ask();
    const cancel = () => early.cancel(signal.reason);
    if (signal.aborted)
        cancel();
    else
        signal.addEventListener('abort', cancel, { once: true });
    let again = null;
    const anew = () => {
        again ??= ask();
        return again;
    };
    return (0,_store_question_js__WEBPACK_IMPORTED_MODULE_3__/* .heard */ .HK)({
        names: early.names.catch(() => anew().names),
        added: early.added.catch(() => anew().added),
        roots: early.roots.catch(() => anew().roots),
        candidates: early.candidates.catch(() => anew().candidates),
    });
}


/***/ }),

/***/ 7514:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  V8: () => (/* binding */ addedSince),
  fE: () => (/* binding */ askStore),
  eE: () => (/* binding */ findCandidates),
  HK: () => (/* binding */ heard)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __nccwpck_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __nccwpck_require__(6760);
// EXTERNAL MODULE: ./build/errors.js
var errors = __nccwpck_require__(9473);
// EXTERNAL MODULE: ./build/store/snapshot.js
var snapshot = __nccwpck_require__(3584);
// EXTERNAL MODULE: ./build/hook/journal.js + 1 modules
var hook_journal = __nccwpck_require__(4636);
// EXTERNAL MODULE: ./build/push/attribution.js
var attribution = __nccwpck_require__(9604);
// EXTERNAL MODULE: ./build/store/derivation-outputs.js + 1 modules
var derivation_outputs = __nccwpck_require__(8569);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __nccwpck_require__(9605);
// EXTERNAL MODULE: ./build/store/own-paths.js
var own_paths = __nccwpck_require__(827);
;// CONCATENATED MODULE: ./build/store/own-roots.js





const AT_ONCE = 64;
/**
 * Store paths (full paths, not all of them valid) that links below `folders` hold against garbage collection: `result` of nix-build and the like. Nix keeps a
 * link to each of them, so nothing is searched. Throws `store-unreadable`.
 */
async function rootsBelow(folders, { storeDir, stateDir }) {
    const auto = (0,external_node_path_.join)(stateDir, 'gcroots', 'auto');
    const inside = (await Promise.all(folders.map(spellings))).flat().map((folder) => `${folder}/`);
    const names = await listed(auto);
    const found = new Set();
    for (let at = 0; at < names.length; at += AT_ONCE) {
        const links = await Promise.all(names.slice(at, at + AT_ONCE).map((name) => targetOf((0,external_node_path_.join)(auto, name))));
        const ours = links.filter((link) => link !== null && inside.some((folder) => link.startsWith(folder)));
        for (const target of await Promise.all(ours.map((link) => targetOf(link ?? '')))) {
            const path = storePathIn(target ?? '', storeDir);
            if (path !== null && !(0,own_paths/* isOwnPath */.gd)(path))
                found.add(path);
        }
    }
    return [...found];
}
/** Nix writes a link's path as it was given to it. */
async function spellings(folder) {
    return [folder, await (0,promises_.realpath)(folder).catch(() => folder)];
}
/** `null`: it went meanwhile, or is no link. */
async function targetOf(link) {
    return (0,promises_.readlink)(link).catch(() => null);
}
/** A link may lead into a store path. */
function storePathIn(target, storeDir) {
    const [baseName = ''] = target.startsWith(`${storeDir}/`) ? target.slice(storeDir.length + 1).split('/') : [];
    try {
        return (0,store_path/* parseStorePath */.GV)(`${storeDir}/${baseName}`, storeDir).path;
    }
    catch (error) {
        if ((0,errors/* isCacheError */.bt)(error, 'format-invalid'))
            return null;
        throw error;
    }
}
async function listed(folder) {
    try {
        return await (0,promises_.readdir)(folder);
    }
    catch (cause) {
        const code = (0,errors/* systemCode */.xU)(cause) ?? 'unknown';
        // Nix makes it for the first root.
        if (code === 'ENOENT')
            return [];
        throw new errors/* CacheError */.xA('store-unreadable', `The roots of the garbage collector in ${folder} can't be read (${code}).`, {
            cause,
        });
    }
}

;// CONCATENATED MODULE: ./build/phases/job-roots.js




/** Full paths, valid or not, that this job is to push with all that they refer to. Throws `file-failed`, `store-unreadable`, `nix-failed`, `cancelled`. */
async function jobRoots({ store, journal, added, isShared, folders, signal, }) {
    const built = journal === null ? [] : await builtPaths(store, journal);
    const rooted = isShared ? await rootsBelow(folders, store.nix.about) : [];
    const { infos } = await store.closure(rooted, signal);
    return (0,attribution/* attribute */.l)({ built, added, rooted, infos, isShared });
}
/** All of the journal, also what the pusher had read before. */
async function builtPaths(store, file) {
    const { storeDir } = store;
    const journal = await (0,hook_journal/* openJournal */._)({ file, stateFile: null, storeDir, outputsOf: (drvPath) => (0,derivation_outputs/* readOutputPaths */.m)(store, drvPath) });
    const paths = [];
    for (;;) {
        const { records } = await journal.read();
        if (records.length === 0)
            return paths;
        for (const { outPaths } of records)
            paths.push(...outPaths);
    }
}

;// CONCATENATED MODULE: ./build/phases/store-question.js





function askStore(store, question, signal) {
    const { paths, env } = question;
    const explicit = paths.length > 0;
    const names = store.names();
    const added = addedSince(question.main?.snapshotFile ?? null, store, names);
    const roots = explicit ? namedRoots(paths, store, env) : newRoots(question, store, added, signal);
    const candidates = roots.then((found) => (found.length === 0 ? null : findCandidates(store, found, explicit, signal)));
    return heard({ names, added, roots, candidates });
}
/** The same answers. One that fails when nobody waits for it (another one failed before) is no error of this process. */
function heard(answers) {
    for (const answer of Object.values(answers))
        answer.catch(() => undefined);
    return answers;
}
/** Full paths that came to the store since the snapshot. `names`: of the store now, which may still be read. Throws `state-invalid`, `store-unreadable`. */
async function addedSince(snapshotFile, store, names) {
    if (snapshotFile === null)
        return null;
    const [before, now] = await Promise.all([(0,snapshot/* readSnapshot */.RA)(snapshotFile), names]);
    return (0,snapshot/* newSince */.nH)(before, now).map((name) => `${store.storeDir}/${name}`);
}
/** What was added; on a store that others use too, what of that is this job's. */
async function newRoots({ env, main }, store, adding, signal) {
    const { journal = null, isShared = false } = main ?? {};
    const added = await adding;
    if (added === null)
        throw new errors/* CacheError */.xA('state-invalid', 'The store was not looked at when the job began, so what is new is not known.');
    const { GITHUB_WORKSPACE: workspace = '', RUNNER_TEMP: temp = '' } = env;
    const folders = [workspace, temp].filter((folder) => folder !== '');
    return jobRoots({ store, journal, added, isShared, folders, signal });
}
/** The store paths that the input `paths` means: store paths, what lies inside of one, or links to them. */
async function namedRoots(lines, store, env) {
    const found = await Promise.all(lines.map((line) => storePathOf((0,external_node_path_.resolve)(env.GITHUB_WORKSPACE ?? '.', line), line, store)));
    return [...new Set(found)];
}
async function storePathOf(file, line, store) {
    const name = await nameInStore(file, store);
    if (name === null || name === '') {
        throw new errors/* CacheError */.xA('input-invalid', `paths: \`${line}\` is ${name === null ? 'not there' : 'not in the store'} now.`, {
            hint: 'It takes store paths and links to them such as `result`, relative to the workspace.',
        });
    }
    return `${store.storeDir}/${name}`;
}
const MOST_LINKS = 40;
/**
 * Name of the store path that a file is, lies in or leads to; empty when it is elsewhere, `null` when it is not there. Links are followed as far as the store and no
 * further, as Nix does: an output may be a link to another one. And Nix's links name store paths, which in a store with a root of its own are nowhere in the file system.
 */
async function nameInStore(file, { storeDir, realStoreDir }) {
    const folders = [storeDir, realStoreDir, await (0,promises_.realpath)(realStoreDir).catch(() => realStoreDir)];
    let at = file;
    for (let links = 0; links <= MOST_LINKS; links++) {
        const folder = folders.find((candidate) => at.startsWith(`${candidate}/`));
        if (folder !== undefined) {
            const [name = ''] = at.slice(folder.length + 1).split('/');
            return links > 0 || (await isThere((0,external_node_path_.join)(realStoreDir, name))) ? name : null;
        }
        const next = await firstLinkFollowed(at);
        if (next === null)
            return (await isThere(at)) ? '' : null;
        at = next;
    }
    return null;
}
/** The file by another name: with the first link on the way to it, or itself, replaced by what it says. `null` when there is none. */
async function firstLinkFollowed(file) {
    const [, ...parts] = file.split('/');
    for (const [index, part] of parts.entries()) {
        const folder = `/${parts.slice(0, index).join('/')}`;
        const target = await (0,promises_.readlink)((0,external_node_path_.join)(folder, part)).catch(() => null);
        if (target !== null)
            return (0,external_node_path_.resolve)(folder, target, ...parts.slice(index + 1));
    }
    return null;
}
async function isThere(file) {
    return (0,promises_.lstat)(file).then(() => true, () => false);
}
/** The roots with their closures. `explicit`: they were named. */
async function findCandidates(store, roots, explicit, signal) {
    const { infos, invalid } = await store.closure(roots, signal);
    const valid = roots.filter((path) => infos.has(path));
    // A name that never was a path (the output of a failed build) is not a candidate. One that was named, or that is referred to, was.
    const left = new Set(explicit ? [] : await store.names());
    const vanished = [...invalid].filter((path) => !left.has(path.slice(store.storeDir.length + 1)));
    return { infos, roots: new Set(valid), vanished };
}


/***/ }),

/***/ 9604:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   g: () => (/* binding */ findSharing),
/* harmony export */   l: () => (/* binding */ attribute)
/* harmony export */ });
/** Roots of the push, each once: full paths, valid or not. */
function attribute({ built, added, rooted, infos, isShared }) {
    if (!isShared)
        return [...new Set([...built, ...added])];
    const isAdded = new Set(added);
    // An old link in a workspace that is kept leads to what was there before this job.
    const reached = closureOf(rooted, infos).filter((path) => isAdded.has(path));
    return [...new Set([...built, ...reached])];
}
function closureOf(paths, infos) {
    const reached = new Set(paths);
    for (const path of reached) {
        for (const reference of infos.get(path)?.references ?? [])
            reached.add(reference);
    }
    return [...reached];
}
/**
 * A machine of GitHub's is this job's alone. Elsewhere a store that is older than the job may be used by other jobs at the same time; who really does can't
 * be seen (their builds run under the same users, in other containers, or begin later), so it counts as shared.
 */
function findSharing({ runnerEnvironment, storeMadeMs, jobBeganMs }) {
    if (runnerEnvironment === 'github-hosted')
        return { isShared: false, because: "the machine is GitHub's, and this job's alone" };
    if (storeMadeMs !== null && storeMadeMs >= jobBeganMs)
        return { isShared: false, because: 'the store was made in this job' };
    return { isShared: true, because: 'the store is older than this job, on a machine that others may use' };
}


/***/ }),

/***/ 6124:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   P: () => (/* binding */ writePrivateFile),
/* harmony export */   w: () => (/* binding */ removePrivateFile)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(1455);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(9473);


/** Writes a file that only this user (and root) can read. Whoever reads it sees the old text or the new one, never a part. Throws `disk-full`, `file-failed`. */
async function writePrivateFile(file, text) {
    const next = `${file}.new`;
    try {
        // Opened anew, so that the mode holds whatever was there.
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rm)(next, { force: true });
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.writeFile)(next, text, { mode: 0o600, flag: 'wx' });
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rename)(next, file);
    }
    catch (cause) {
        const code = (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .systemCode */ .xU)(cause) ?? 'unknown';
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `${file} can't be written (${code}).`, { cause });
    }
}
/** Removes a file of ours, and what `writePrivateFile` may have left beside it. */
async function removePrivateFile(file) {
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rm)(`${file}.new`, { force: true });
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rm)(file, { force: true });
}


/***/ }),

/***/ 8801:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   C: () => (/* binding */ loadState),
/* harmony export */   L: () => (/* binding */ saveState)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(9473);

const STATE_KEY = 'nix-cache-action';
function saveState(state, save) {
    save(STATE_KEY, JSON.stringify(state));
}
/** The state that an earlier phase saved, `null` when none did. Throws `state-invalid`. */
function loadState(load) {
    const text = load(STATE_KEY);
    if (text === '')
        return null;
    let parsed;
    try {
        parsed = JSON.parse(text);
    }
    catch (cause) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('state-invalid', 'The state of the earlier phase is not valid JSON.', { cause });
    }
    if (!isState(parsed))
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('state-invalid', 'The state of the earlier phase is of another version of this action.');
    return parsed;
}
/** The runner hands back what `saveState` wrote: the version and the kinds of its fields tell it from anything else. */
function isState(value) {
    return (typeof value === 'object' &&
        value !== null &&
        'version' in value &&
        value.version === 1 &&
        'id' in value &&
        typeof value.id === 'string' &&
        'folder' in value &&
        typeof value.folder === 'string' &&
        'reportFile' in value &&
        typeof value.reportFile === 'string' &&
        'inputs' in value &&
        typeof value.inputs === 'object' &&
        'configuration' in value &&
        'main' in value);
}


/***/ }),

/***/ 8569:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  l: () => (/* binding */ readForbidsSubstitutes),
  m: () => (/* binding */ readOutputPaths)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __nccwpck_require__(1455);
// EXTERNAL MODULE: ./build/errors.js
var errors = __nccwpck_require__(9473);
;// CONCATENATED MODULE: ./build/nix/derivation.js

/** libstore/derivations.cc: `Derive(` in the usual form, `DrvWithVersion("xp-dyn-drv",` for what depends on outputs of outputs. */
const HEAD = /^(?:Derive\(|DrvWithVersion\("[a-z-]{1,40}",)\[/;
/** Name, path, how it is hashed, hash. None of them needs an escape. */
const OUTPUT = /\("([^"\\]{1,250})","([^"\\]*)","[^"\\]*","[^"\\]*"\)([,\]])/y;
/** Reads the outputs, which stand first, from the text of a `.drv` file; what follows may be cut off. Throws `format-invalid`. */
function parseDerivationOutputs(text) {
    const head = HEAD.exec(text);
    if (head === null)
        throw new errors/* CacheError */.xA('format-invalid', 'This is not the text of a derivation.');
    const outputs = [];
    OUTPUT.lastIndex = head[0].length;
    for (;;) {
        const [, name, path, next] = OUTPUT.exec(text) ?? [];
        if (name === undefined)
            throw new errors/* CacheError */.xA('format-invalid', 'The outputs of a derivation are cut off or malformed.');
        outputs.push({ name, path: path === undefined || path === '' ? null : path });
        if (next === ']')
            return outputs;
    }
}
/** In the text of a derivation a quote within a string is escaped, so these can only be where variables of the builder are. */
const FORBIDDEN = '("allowSubstitutes","")';
const STRUCTURED = /\("__json","((?:[^"\\]|\\.)*)"\)/s;
/**
 * Whether the text of a whole `.drv` file says `allowSubstitutes = false`: then Nix builds it even where a cache has its outputs (unless
 * `always-allow-substitutes` is set). libstore/parsed-derivations.cc.
 */
function forbidsSubstitutes(text) {
    if (text.includes(FORBIDDEN))
        return true;
    const structured = STRUCTURED.exec(text)?.[1];
    if (structured === undefined)
        return false;
    try {
        const attributes = JSON.parse(unescaped(structured));
        return (typeof attributes === 'object' &&
            attributes !== null &&
            'allowSubstitutes' in attributes &&
            attributes.allowSubstitutes === false);
    }
    catch {
        return false;
    }
}
/** libstore/derivations.cc, parseString. */
function unescaped(text) {
    const whites = { n: '\n', r: '\r', t: '\t' };
    return text.replace(/\\(.)/gs, (_, character) => whites[character] ?? character);
}

;// CONCATENATED MODULE: ./build/store/derivation-outputs.js



/** Some 8,000 outputs. */
const READ_LIMIT_BYTES = 1024 * 1024;
/**
 * Full paths of the outputs of a derivation (full path), from its file and without a process. Empty when the file is gone or says nothing: it is in the
 * store only where the build was asked for on this machine, and content-addressed derivations don't know their outputs.
 */
async function readOutputPaths(store, drvPath) {
    const text = await readDerivation(store, drvPath);
    try {
        return text === null ? [] : parseDerivationOutputs(text).flatMap(({ path }) => path ?? []);
    }
    catch (error) {
        if ((0,errors/* isCacheError */.bt)(error, 'format-invalid'))
            return [];
        throw error;
    }
}
/** Whether a derivation (full path) says that its outputs are not to be substituted; `false` when its file is gone. */
async function readForbidsSubstitutes(store, drvPath) {
    const text = await readDerivation(store, drvPath);
    return text !== null && forbidsSubstitutes(text);
}
/** As much of it as is of use; `null` when it can't be read. */
async function readDerivation(store, drvPath) {
    try {
        const file = await (0,promises_.open)(store.realPath(drvPath));
        try {
            const sizeBytes = Math.min((await file.stat()).size, READ_LIMIT_BYTES);
            const { buffer, bytesRead } = await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes, 0);
            return buffer.toString('latin1', 0, bytesRead);
        }
        finally {
            await file.close();
        }
    }
    catch (error) {
        if ((0,errors/* systemCode */.xU)(error) !== null)
            return null;
        throw error;
    }
}


/***/ }),

/***/ 2325:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  n: () => (/* binding */ openLocalStore),
  C: () => (/* binding */ reopenLocalStore)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __nccwpck_require__(1455);
// EXTERNAL MODULE: ./build/store/nix-command.js + 1 modules
var nix_command = __nccwpck_require__(4705);
// EXTERNAL MODULE: ./build/store/path-info.js + 1 modules
var path_info = __nccwpck_require__(2847);
// EXTERNAL MODULE: ./build/store/settings.js
var store_settings = __nccwpck_require__(4305);
// EXTERNAL MODULE: ./build/store/snapshot.js
var snapshot = __nccwpck_require__(3584);
// EXTERNAL MODULE: ./build/errors.js
var errors = __nccwpck_require__(9473);
// EXTERNAL MODULE: ./build/nix/quote.js
var quote = __nccwpck_require__(9044);
;// CONCATENATED MODULE: ./build/store/store-location.js


/**
 * What Nix makes of a store URL (libstore/store-api.cc and store-open.cc, openStore): `auto`, `daemon`, `local`, a folder, and the URLs of
 * local stores with their parameters. Throws `store-unreadable` for a store whose files are not on this machine.
 */
function locateStore(url, about, probe, env) {
    const [place = '', query = ''] = splitOnce(url, '?');
    // To Nix a plus is a plus.
    const parameters = new URLSearchParams(query.replaceAll('+', '%2B'));
    const at = (access, root) => {
        const rootDir = parameters.get('root') ?? root ?? '';
        const storeDir = parameters.get('store') ?? about.storeDir;
        return {
            access,
            storeDir,
            realStoreDir: parameters.get('real') ?? (rootDir === '' ? storeDir : `${rootDir.replace(/\/+$/, '')}/nix/store`),
        };
    };
    if (place === '' || place === 'auto') {
        if (probe.stateDirWritable)
            return at('direct', null);
        if (probe.daemonSocketExists)
            return at('daemon', null);
        return at('direct', hasNoStore(probe, env, query) ? ownRoot(env) : null);
    }
    if (place === 'daemon' || place.startsWith('unix://'))
        return at('daemon', null);
    if (place === 'local')
        return at('direct', null);
    if (place.startsWith('local://'))
        return at('direct', decoded(place.slice('local://'.length)) || null);
    if (place.startsWith('/'))
        return at('direct', place);
    // The rest of the URL may hold a password.
    const kind = place.includes('://') ? `${place.slice(0, place.indexOf('://'))}://…` : (0,quote/* quote */.h)(place);
    throw new errors/* CacheError */.xA('store-unreadable', `The Nix store ${kind} is not on this machine, so nothing can be pushed from it.`, {
        hint: 'Use a local store: look at `store` in nix.conf and at NIX_REMOTE.',
    });
}
/** Without a `/nix` and not as root, Nix makes a store in the user's home (since 2.10). */
function hasNoStore(probe, env, query) {
    const told = env.NIX_STORE_DIR !== undefined || env.NIX_STATE_DIR !== undefined || query !== '';
    return !probe.stateDirExists && !probe.isRoot && !told;
}
function ownRoot(env) {
    const dataDir = env.NIX_DATA_HOME ?? `${env.XDG_DATA_HOME ?? `${env.HOME ?? ''}/.local/share`}/nix`;
    return `${dataDir}/root`;
}
/** Later versions (seen with 2.34) show a folder that was given as it is (`/my store`) as a URL (`local:///my%20store`). */
function decoded(path) {
    try {
        return decodeURIComponent(path);
    }
    catch {
        return path;
    }
}
function splitOnce(text, separator) {
    const at = text.indexOf(separator);
    return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

// EXTERNAL MODULE: ./build/store/trust.js
var store_trust = __nccwpck_require__(8804);
;// CONCATENATED MODULE: ./build/store/local-store.js







/**
 * Finds Nix and its store: two or three short processes, 20 to 35 ms each. `null` when there is no Nix. Throws `nix-failed`, `store-unreadable`.
 */
async function openLocalStore(options) {
    const { env, signal } = options;
    const nix = await (0,nix_command/* findNix */.rv)(options);
    if (nix === null)
        return null;
    const settings = await (0,store_settings/* querySettings */.s)(nix, signal);
    const location = locateStore(settings.store, nix.about, await probeStore(nix.about, env), env);
    const trust = location.access === 'direct' ? 'direct' : await (0,store_trust/* findTrust */.cb)(nix, settings, signal);
    return reopenLocalStore({ ...location, program: nix.program, about: nix.about, trust }, env, settings);
}
/** Opens a store that an earlier phase described. Starts no process. */
function reopenLocalStore(description, env, known = null) {
    const { storeDir, realStoreDir } = description;
    const nix = (0,nix_command/* nixCommand */.Dv)(description.program, description.about, env);
    let settings = known === null ? null : Promise.resolve(known);
    return {
        description,
        nix,
        storeDir,
        realStoreDir,
        trust: description.trust,
        realPath: (storePath) => `${realStoreDir}${storePath.slice(storeDir.length)}`,
        names: () => (0,snapshot/* listStorePathNames */.jW)(realStoreDir),
        infos: (paths, signal) => (0,path_info/* queryPathInfos */.zN)(nix, storeDir, paths, signal),
        closure: (paths, signal) => (0,path_info/* queryClosure */.K4)(nix, storeDir, paths, signal),
        settings(signal) {
            settings ??= (0,store_settings/* querySettings */.s)(nix, signal);
            // Whoever asks next tries again.
            settings.catch(() => {
                settings = null;
            });
            return settings;
        },
    };
}
async function probeStore(about, env) {
    const can = (file, mode) => (0,promises_.access)(file, mode).then(() => true, () => false);
    const socket = env.NIX_DAEMON_SOCKET_PATH ?? `${about.stateDir}/daemon-socket/socket`;
    const [stateDirExists, stateDirWritable, daemonSocketExists] = await Promise.all([
        can(about.stateDir, promises_.constants.F_OK),
        can(about.stateDir, promises_.constants.R_OK | promises_.constants.W_OK),
        can(socket, promises_.constants.F_OK),
    ]);
    return { stateDirExists, stateDirWritable, daemonSocketExists, isRoot: process.getuid?.() === 0 };
}


/***/ }),

/***/ 317:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   c7: () => (/* binding */ parseNixAbout),
/* harmony export */   du: () => (/* binding */ isAtLeast)
/* harmony export */ });
/* unused harmony export parseNixVersion */
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(9473);
/* harmony import */ var _nix_quote_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(9044);


/** The oldest that has `nix path-info --json` behind the experimental feature and the `extra-` settings that the action writes. */
const OLDEST = { major: 2, minor: 4 };
const LIX_FORKED_FROM = { major: 2, minor: 18 };
/**
 * Reads `nix --version`: `nix (Nix) 2.34.8`, `nix (Determinate Nix 3.15.1) 2.33.0`, `nix (Lix, like Nix) 2.93.3`.
 * Throws `nix-failed` when there is no version in it or one that is too old.
 */
function parseNixVersion(line) {
    const match = /^nix \(([^)]*)\) (\d+)\.(\d+)(\S*)/.exec(line);
    if (match === null)
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('nix-failed', `\`nix --version\` answers ${(0,_nix_quote_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .h)(line)}, which is no version of Nix.`);
    const [, name = '', majorText = '', minorText = '', rest = ''] = match;
    const text = `${majorText}.${minorText}${rest}`;
    if (name.startsWith('Lix'))
        return { implementation: 'lix', text: `Lix ${text}`, ...LIX_FORKED_FROM };
    const release = { major: Number(majorText), minor: Number(minorText) };
    const determinate = /^Determinate Nix (\S+)/.exec(name)?.[1];
    if (determinate !== undefined) {
        return { implementation: 'determinate', text: `Determinate ${determinate} (Nix ${text})`, ...release };
    }
    const version = { implementation: 'nix', text, ...release };
    if (!isAtLeast(version, OLDEST.major, OLDEST.minor)) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('nix-failed', `Nix ${text} is too old.`, { hint: `Use Nix ${OLDEST.major}.${OLDEST.minor} or later.` });
    }
    return version;
}
function isAtLeast(version, major, minor) {
    return version.major > major || (version.major === major && version.minor >= minor);
}
/**
 * Reads `nix -v --version`, which says in one process start where everything is (libmain/shared.cc, printVersion). Since 2.31 some
 * of the paths are in quotes. Throws `nix-failed`.
 */
function parseNixAbout(output) {
    const lines = output.split('\n');
    const field = (label) => {
        const line = lines.find((candidate) => candidate.startsWith(`${label}: `));
        if (line === undefined)
            throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('nix-failed', `\`nix -v --version\` does not say the ${label.toLowerCase()}.`);
        return unquoted(line.slice(label.length + 2));
    };
    return {
        version: parseNixVersion(lines[0] ?? ''),
        storeDir: field('Store directory'),
        stateDir: field('State directory'),
        systemConfFile: field('System configuration file'),
        userConfFiles: field('User configuration files')
            .split(':')
            .filter((file) => file !== '')
            .map(unquoted),
    };
}
/** C++ writes a `std::filesystem::path` to a stream in quotes, with `\` before quotes and backslashes. */
function unquoted(text) {
    if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"'))
        return text;
    return text.slice(1, -1).replace(/\\(.)/g, '$1');
}


/***/ }),

/***/ 4705:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  TO: () => (/* binding */ NixErrorOutput),
  rv: () => (/* binding */ findNix),
  VS: () => (/* binding */ lastError),
  Dv: () => (/* binding */ nixCommand)
});

// UNUSED EXPORTS: likelyFolders

// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __nccwpck_require__(1421);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __nccwpck_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __nccwpck_require__(6760);
// EXTERNAL MODULE: ./build/errors.js
var errors = __nccwpck_require__(9473);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __nccwpck_require__(7598);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __nccwpck_require__(3024);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __nccwpck_require__(8161);
;// CONCATENATED MODULE: ./build/store/error-file.js





/** A line for each path of a command, 1 KiB at most, and whatever Nix warns of. */
const LIMIT_BYTES = 64 * 1024 * 1024;
/** A page of a file system and more: a single byte may find room in the last one. */
const PROBE_BYTES = 64 * 1024;
/** Throws `file-failed`, `disk-full`. */
function openErrorFile() {
    const fd = openUnnamed();
    let isOpen = true;
    const read = (limitBytes) => {
        const { size } = (0,external_node_fs_.fstatSync)(fd);
        const bytes = Buffer.alloc(Math.min(size, limitBytes));
        let filled = 0;
        while (filled < bytes.length) {
            const count = (0,external_node_fs_.readSync)(fd, bytes, filled, bytes.length - filled, size - bytes.length + filled);
            if (count === 0)
                break;
            filled += count;
        }
        return bytes.toString('utf8', 0, filled);
    };
    return {
        fd,
        end: read,
        lines() {
            const { size } = (0,external_node_fs_.fstatSync)(fd);
            if (size > LIMIT_BYTES)
                throw new errors/* CacheError */.xA('nix-failed', `Nix wrote ${size} bytes to standard error.`);
            const text = read(size);
            writeOn(fd);
            return text.split('\n');
        },
        close() {
            if (isOpen)
                (0,external_node_fs_.closeSync)(fd);
            isOpen = false;
        },
    };
}
function openUnnamed() {
    try {
        const name = (0,external_node_path_.join)((0,external_node_os_.tmpdir)(), `nix-cache-action-${(0,external_node_crypto_.randomBytes)(12).toString('hex')}`);
        const fd = (0,external_node_fs_.openSync)(name, 'wx+', 0o600);
        (0,external_node_fs_.unlinkSync)(name);
        return fd;
    }
    catch (error) {
        throw fileError(error);
    }
}
/** Where more can be written, there was room for all that came before. */
function writeOn(fd) {
    try {
        for (let left = PROBE_BYTES; left > 0;)
            left -= (0,external_node_fs_.writeSync)(fd, Buffer.alloc(left, '\n'));
    }
    catch (error) {
        throw fileError(error);
    }
}
function fileError(cause) {
    const code = (0,errors/* systemCode */.xU)(cause) ?? 'unknown';
    return new errors/* CacheError */.xA(code === 'ENOSPC' || code === 'EDQUOT' ? 'disk-full' : 'file-failed', `No file can be written in ${(0,external_node_os_.tmpdir)()} (${code}).`, {
        hint: 'Free space there, or set `TMPDIR` to a folder with room that this user may write in.',
        cause,
    });
}

// EXTERNAL MODULE: ./build/store/nix-about.js
var nix_about = __nccwpck_require__(317);
;// CONCATENATED MODULE: ./build/store/nix-command.js






/** What a Nix that failed had written to standard error, the end of it: the cause of a `nix-failed`. */
class NixErrorOutput extends Error {
    name = 'NixErrorOutput';
}
const DEFAULT_TIMEOUT_MS = 60_000;
/** JSON of 450,000 paths; a JavaScript string ends at 512 MiB. */
const STDOUT_LIMIT_BYTES = 256 * 1024 * 1024;
const STDERR_KEPT_BYTES = 16 * 1024;
const LINE_LIMIT_BYTES = 64 * 1024;
const PIPES_LEFT_MS = 2000;
/** Inputs, runtime tokens and state of the action: nothing for Nix, its builders and its hooks to see. */
const NOT_FOR_NIX = /^(?:INPUT_|ACTIONS_|STATE_)/i;
/**
 * Looks for Nix in `PATH` and then where its installers put it; a job that installed it in an earlier step may have a `PATH` without it.
 * `null` when there is none; throws `nix-failed` when there is one that can't be used.
 */
async function findNix(options) {
    for (const folder of likelyFolders(options.env)) {
        const program = (0,external_node_path_.join)(folder, 'nix');
        if (!(await isExecutable(program)))
            continue;
        const about = (0,nix_about/* parseNixAbout */.c7)(await runProgram({ program, name: 'nix', env: options.env }, ['-v', '--version'], {
            signal: options.signal,
            timeoutMs: 20_000,
        }));
        options.log.debug(`Nix ${about.version.text} at ${program}, store ${about.storeDir}`);
        return nixCommand(program, about, options.env);
    }
    return null;
}
/** The command of a Nix that was found before. Starts no process. */
function nixCommand(program, about, env) {
    return {
        program,
        about,
        environment: forNix(env),
        run: (args, options) => runProgram({ program, name: 'nix', env }, ['--extra-experimental-features', 'nix-command', ...args], options),
        runStore: (args, options) => runProgram({ program, name: 'nix-store', env }, args, options),
        runInstantiate: (args, options) => runProgram({ program, name: 'nix-instantiate', env }, args, options),
        withEnvironment: (changes) => nixCommand(program, about, { ...env, ...changes }),
    };
}
/** `PATH`, then the profiles of the user and of the system. Absolute ones only: what lies in the checkout is nothing to run. */
function likelyFolders(env) {
    const home = env.HOME ?? '/nonexistent';
    return [
        ...(env.PATH ?? '').split(external_node_path_.delimiter),
        (0,external_node_path_.join)(home, '.nix-profile/bin'),
        (0,external_node_path_.join)(env.XDG_STATE_HOME ?? (0,external_node_path_.join)(home, '.local/state'), 'nix/profile/bin'),
        '/nix/var/nix/profiles/default/bin',
        '/run/current-system/sw/bin',
    ].filter(external_node_path_.isAbsolute);
}
async function isExecutable(file) {
    return (0,promises_.access)(file, promises_.constants.X_OK).then(() => true, () => false);
}
function forNix(env) {
    return Object.fromEntries(Object.entries(env).filter(([name]) => !NOT_FOR_NIX.test(name)));
}
/** Runs a program without a shell. Its output is bounded, and it is killed on time-out, abort and too much output. */
function runProgram(callee, args, options) {
    const { program, name } = callee;
    const shown = `\`${[name, ...args.filter((arg) => !arg.startsWith('/')).slice(0, 8)].join(' ')}\``;
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    if (options.signal.aborted)
        return Promise.reject(new errors/* CacheError */.xA('cancelled', `${shown} was not started.`));
    return new Promise((resolve, reject) => {
        const errorFile = options.onErrorLines === undefined ? null : openErrorFile();
        const child = (0,external_node_child_process_.spawn)(program, args, {
            argv0: name,
            env: forNix(callee.env),
            stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', errorFile?.fd ?? 'pipe'],
        });
        let stopped = null;
        const stop = (reason) => {
            stopped ??= reason;
            child.kill('SIGKILL');
            // A program that it started (ssh) may hold the pipes for longer.
            setTimeout(() => {
                child.stdout?.destroy();
                child.stderr?.destroy();
            }, PIPES_LEFT_MS).unref();
        };
        const onAbort = () => stop(new errors/* CacheError */.xA('cancelled', `${shown} was stopped.`));
        const timer = setTimeout(() => stop(new errors/* CacheError */.xA('nix-failed', `${shown} did not end within ${timeoutMs} ms.`)), timeoutMs);
        options.signal.addEventListener('abort', onAbort, { once: true });
        const output = collectOutput(child, () => stop(new errors/* CacheError */.xA('nix-failed', `${shown} wrote more than ${STDOUT_LIMIT_BYTES} bytes.`)));
        const settle = (done) => {
            clearTimeout(timer);
            options.signal.removeEventListener('abort', onAbort);
            try {
                done();
            }
            catch (error) {
                reject(error);
            }
            finally {
                errorFile?.close();
            }
        };
        child.once('error', (cause) => settle(() => reject(new errors/* CacheError */.xA('nix-failed', `${program} could not be run: ${cause.message}.`, { cause }))));
        child.once('close', (code, killedBy) => settle(() => {
            if (stopped !== null)
                reject(stopped);
            else if (code === 0) {
                if (errorFile !== null)
                    options.onErrorLines?.(errorFile.lines());
                resolve(output.stdout());
            }
            else {
                const cause = new NixErrorOutput(errorFile?.end(STDERR_KEPT_BYTES) ?? output.stderr());
                reject(new errors/* CacheError */.xA('nix-failed', `${shown} failed (${killedBy ?? code}): ${lastError(cause.message)}`, { cause }));
            }
        }));
        if (options.onErrorLine !== undefined)
            onLines(child, options.onErrorLine);
        if (options.input !== undefined) {
            // A child that ends early closes the pipe; its exit status says why.
            child.stdin?.on('error', () => undefined);
            child.stdin?.end(options.input);
        }
    });
}
function collectOutput(child, tooMuch) {
    const chunks = [];
    let sizeBytes = 0;
    let errors = Buffer.alloc(0);
    child.stdout?.on('data', (chunk) => {
        sizeBytes += chunk.byteLength;
        if (sizeBytes > STDOUT_LIMIT_BYTES)
            tooMuch();
        else
            chunks.push(chunk);
    });
    child.stderr?.on('data', (chunk) => {
        errors = Buffer.concat([errors, chunk]).subarray(-STDERR_KEPT_BYTES);
    });
    return { stdout: () => Buffer.concat(chunks).toString('utf8'), stderr: () => errors.toString('utf8') };
}
function onLines(child, onLine) {
    let rest = '';
    child.stderr?.on('data', (chunk) => {
        const lines = (rest + chunk.toString('latin1')).split('\n');
        rest = lines.pop()?.slice(-LINE_LIMIT_BYTES) ?? '';
        for (const line of lines)
            onLine(line);
    });
}
/** The line of Nix's errors that says what is wrong: the last one marked `error:`, which is the innermost, else the last one. */
function lastError(stderr) {
    const lines = stderr
        .replace(/\x1b\[[0-9;]*[A-Za-z]/g, '')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '' && line !== 'error:');
    const marked = lines.findLast((line) => line.startsWith('error:'));
    return (marked?.slice('error:'.length) ?? lines.at(-1) ?? 'no message').trim().slice(0, 500);
}


/***/ }),

/***/ 827:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   gd: () => (/* binding */ isOwnPath),
/* harmony export */   iN: () => (/* binding */ HOLD_NAME),
/* harmony export */   mm: () => (/* binding */ HOOK_NAME)
/* harmony export */ });
/** Names of what the action itself adds to the store; after the job it is garbage, and never pushed. */
const HOOK_NAME = 'nix-cache-action-hook';
const HOLD_NAME = 'nix-cache-action-hold';
/** Whether a store path (or its base name) is one that this action made, in this job or in another one. */
function isOwnPath(path) {
    return path.endsWith(`-${HOOK_NAME}`) || path.endsWith(`-${HOLD_NAME}.drv`);
}


/***/ }),

/***/ 2847:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  U_: () => (/* binding */ chunksOf),
  VV: () => (/* binding */ onlyValid),
  K4: () => (/* binding */ queryClosure),
  zN: () => (/* binding */ queryPathInfos),
  qb: () => (/* binding */ takesStandardInput)
});

// EXTERNAL MODULE: ./build/errors.js
var errors = __nccwpck_require__(9473);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __nccwpck_require__(9605);
// EXTERNAL MODULE: ./build/store/nix-about.js
var nix_about = __nccwpck_require__(317);
// EXTERNAL MODULE: ./build/nix/base32.js
var base32 = __nccwpck_require__(9410);
// EXTERNAL MODULE: ./build/nix/base64.js
var base64 = __nccwpck_require__(4125);
// EXTERNAL MODULE: ./build/nix/hash.js
var nix_hash = __nccwpck_require__(3314);
// EXTERNAL MODULE: ./build/nix/quote.js
var quote = __nccwpck_require__(9044);
;// CONCATENATED MODULE: ./build/store/path-info-json.js






/**
 * Reads what any version writes for `nix path-info --json`, keyed by full path, `null` for a path that is not valid:
 *
 * - up to 2.18, and Lix: a list of `{path, valid?, ...}`, where what is empty is left out;
 * - from 2.19 (`--json-format 1`): a map from full path to an object or `null`;
 * - from 2.33 with `--json-format 2` or later: `{version, storeDir, info}` with base names in place of paths.
 *
 * Hashes may be text or `{algorithm, format, hash}`, content addresses text or `{method, hash}`, signatures text or `{keyName, sig}`.
 * Throws `format-invalid`.
 */
function parsePathInfos(json, storeDir) {
    const names = new PathReader(storeDir);
    return new Map(entriesOf(parseJson(json)).map(([name, value]) => {
        const path = names.read(name, 'a path');
        return [path, value === null ? null : readPathInfo(path, value, names)];
    }));
}
function parseJson(json) {
    try {
        return JSON.parse(json);
    }
    catch (cause) {
        throw new errors/* CacheError */.xA('format-invalid', "Nix's path information is not valid JSON.", { cause });
    }
}
/** The three outer shapes as one: name or full path, and the fields of a valid path. */
function entriesOf(parsed) {
    if (Array.isArray(parsed)) {
        return parsed.map((item) => {
            const fields = asFields(item, 'an entry');
            return [fields.path, fields.valid === false ? null : fields];
        });
    }
    const outer = asFields(parsed, 'the whole');
    const entries = typeof outer.version === 'number' ? asFields(outer.info, 'info') : outer;
    return Object.entries(entries).map(([name, value]) => [name, value === null ? null : asFields(value, name)]);
}
function readPathInfo(path, fields, names) {
    const { narSize, deriver, ca } = fields;
    const narHash = readHash(fields.narHash, 'narHash', path);
    if (narHash.algorithm !== 'sha256')
        throw wrong('narHash', path);
    if (typeof narSize !== 'number' || !Number.isSafeInteger(narSize) || narSize <= 0)
        throw wrong('narSize', path);
    return {
        path,
        narHash,
        narSizeBytes: narSize,
        references: asList(fields.references, 'references', path)
            .map((reference) => names.read(reference, `a reference of ${path}`))
            .sort(),
        deriver: isAbsent(deriver) ? null : names.read(deriver, `the deriver of ${path}`),
        signatures: asList(fields.signatures, 'signatures', path).map((signature) => readSignature(signature, path)),
        ca: isAbsent(ca) ? null : readContentAddress(ca, path),
        ultimate: fields.ultimate === true,
    };
}
/** Full paths from full paths or base names. The same few thousand names come again and again as references: each is checked once. */
class PathReader {
    #storeDir;
    #known = new Map();
    constructor(storeDir) {
        this.#storeDir = storeDir;
    }
    read(value, what) {
        if (typeof value !== 'string')
            throw new errors/* CacheError */.xA('format-invalid', `Nix's path information: ${what} is not text.`);
        const known = this.#known.get(value);
        if (known !== undefined)
            return known;
        const { path } = value.startsWith('/') ? (0,store_path/* parseStorePath */.GV)(value, this.#storeDir) : (0,store_path/* parseBaseName */.u7)(value, this.#storeDir);
        this.#known.set(value, path);
        return path;
    }
}
/** Text with its algorithm (`sha256-<base64>`), or `{algorithm, format, hash}` where `hash` may or may not repeat it. */
function readHash(value, field, path) {
    if (typeof value === 'string')
        return (0,nix_hash/* parseHash */.Eb)(value);
    const { algorithm, hash } = asFields(value, `${field} of ${path}`);
    if (typeof algorithm !== 'string' || typeof hash !== 'string')
        throw wrong(field, path);
    return (0,nix_hash/* parseHash */.Eb)(/[-:]/.test(hash) ? hash : `${algorithm}:${hash}`);
}
/** How Nix spells the methods in front of the hash (libstore/content-address.cc). */
const METHOD_PREFIXES = new Map([
    ['flat', 'fixed:'],
    ['nar', 'fixed:r:'],
    ['git', 'fixed:git:'],
    ['text', 'text:'],
]);
function readContentAddress(value, path) {
    if (typeof value === 'string')
        return value;
    const { method, hash } = asFields(value, `the content address of ${path}`);
    const prefix = METHOD_PREFIXES.get(method);
    if (prefix === undefined)
        throw wrong('ca', path);
    return prefix + (experimentalHash(hash) ?? (0,nix_hash/* formatHash */.ON)(readHash(hash, 'ca', path), 'nix32'));
}
/** By an algorithm that only some versions of Nix know, spelled as in narinfos: who publishes the path decides what becomes of it. `null` for all others. */
function experimentalHash(hash) {
    const [, digest] = (typeof hash === 'string' ? /^blake3-(.*)$/.exec(hash) : null) ?? [];
    return digest === undefined ? null : `blake3:${(0,base32/* encodeBase32 */.z)((0,base64/* decodeBase64 */.y)(digest, 'A BLAKE3 hash'))}`;
}
function readSignature(value, path) {
    if (typeof value === 'string')
        return value;
    const { keyName, sig } = asFields(value, `a signature of ${path}`);
    if (typeof keyName !== 'string' || typeof sig !== 'string')
        throw wrong('signatures', path);
    return `${keyName}:${sig}`;
}
function isAbsent(value) {
    return value === undefined || value === null;
}
function asFields(value, what) {
    if (isFields(value))
        return value;
    throw new errors/* CacheError */.xA('format-invalid', `Nix's path information: ${what} is not an object.`);
}
function isFields(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function asList(value, field, path) {
    if (value === undefined || value === null)
        return [];
    if (!Array.isArray(value))
        throw wrong(field, path);
    return value;
}
function wrong(field, path) {
    return new errors/* CacheError */.xA('format-invalid', `Nix's path information of ${(0,quote/* quote */.h)(path, 300)}: unexpected ${field}.`);
}

;// CONCATENATED MODULE: ./build/store/path-info.js




/** 50,000 paths take 5 s through a daemon; a slow machine gets its time. */
const TIMEOUT_MS = 5 * 60_000;
/** Linux allows 2 MiB of arguments with the environment, macOS 1 MiB. */
const ARGUMENTS_LIMIT_BYTES = 256 * 1024;
/** A terminator and a pointer. */
const ARGUMENT_OVERHEAD_BYTES = 9;
/**
 * Asks Nix about `paths` (full paths, names checked), never its substituters. One entry for each; `null` when it is not valid. `store`: `--store` and
 * a URL, for another store than that of this machine. Throws `nix-failed`.
 */
async function queryPathInfos(nix, storeDir, paths, signal, store = []) {
    const answer = await pathInfo(nix, storeDir, paths, { flags: [], store }, signal);
    return new Map(paths.map((path) => [path, answer.get(path) ?? null]));
}
/**
 * The valid ones of `paths` and everything that they refer to. One process when all are valid and Nix takes paths on standard input.
 * `nix path-info --recursive` gives nothing at all when one path is not valid, be it collected this moment, so then these paths are
 * asked about one by one (still in one process), and the recursion goes on from what they refer to.
 */
async function queryClosure(nix, storeDir, paths, signal) {
    const infos = new Map();
    const invalid = new Set();
    let frontier = [...new Set(paths)];
    while (frontier.length > 0) {
        const answer = (await recursiveInfos(nix, storeDir, frontier, signal)) ?? (await queryPathInfos(nix, storeDir, frontier, signal));
        for (const [path, info] of answer) {
            if (info === null)
                invalid.add(path);
            else
                infos.set(path, info);
        }
        for (const path of frontier)
            if (!infos.has(path))
                invalid.add(path);
        const references = new Set([...answer.values()].flatMap((info) => info?.references ?? []));
        frontier = [...references].filter((path) => !infos.has(path) && !invalid.has(path));
    }
    return { infos, invalid };
}
/** `null` when Nix refuses, which it does for one path that is not valid; any other trouble shows again when it is asked without recursion. */
async function recursiveInfos(nix, storeDir, paths, signal) {
    try {
        return await pathInfo(nix, storeDir, paths, { flags: ['--recursive'], store: [] }, signal);
    }
    catch (error) {
        if ((0,errors/* isCacheError */.bt)(error, 'nix-failed'))
            return null;
        throw error;
    }
}
async function pathInfo(nix, storeDir, paths, { flags, store }, signal) {
    if (paths.length === 0)
        return new Map();
    const { version } = nix.about;
    const format = (0,nix_about/* isAtLeast */.du)(version, 2, 33) ? ['--json-format', '2'] : [];
    const command = ['path-info', '--offline', '--json', ...format, ...flags, ...store];
    const options = { signal, timeoutMs: TIMEOUT_MS };
    if (takesStandardInput(nix)) {
        return parsePathInfos(await nix.run([...command, '--stdin'], { ...options, input: `${paths.join('\n')}\n` }), storeDir);
    }
    const others = chunksOf(paths.filter((path) => !(0,store_path/* isDerivation */.qw)(path)));
    const derivations = chunksOf(paths.filter(store_path/* isDerivation */.qw));
    const answers = [];
    for (const chunk of others)
        answers.push(await nix.run([...command, ...chunk], options));
    // An old Nix takes a derivation file for its outputs, unless told otherwise; and then it refuses to speak of one that is not valid.
    for (const chunk of derivations) {
        const valid = await onlyValid(nix, chunk, options, store);
        if (valid.length > 0)
            answers.push(await nix.run([...command, '--derivation', ...valid], options));
    }
    return new Map(answers.flatMap((json) => [...parsePathInfos(json, storeDir)]));
}
/** The valid ones of `paths`, in their order. `store` as for `queryPathInfos`. Throws `nix-failed`. */
async function onlyValid(nix, paths, options, store = []) {
    const invalid = new Set();
    for (const chunk of chunksOf(paths)) {
        const output = await nix.runStore(['--check-validity', '--print-invalid', ...store, ...chunk], options);
        for (const path of output.split('\n'))
            invalid.add(path);
    }
    return paths.filter((path) => !invalid.has(path));
}
/** Whether commands take any number of paths on standard input; else see `chunksOf`. */
function takesStandardInput({ about }) {
    return (0,nix_about/* isAtLeast */.du)(about.version, 2, 15);
}
/** In the same order, as many at a time as one command may have arguments. */
function chunksOf(paths) {
    const chunks = [];
    let roomBytes = 0;
    for (const path of paths) {
        roomBytes -= path.length + ARGUMENT_OVERHEAD_BYTES;
        if (roomBytes < 0) {
            chunks.push([]);
            roomBytes = ARGUMENTS_LIMIT_BYTES;
        }
        chunks.at(-1)?.push(path);
    }
    return chunks;
}


/***/ }),

/***/ 4305:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   s: () => (/* binding */ querySettings)
/* harmony export */ });
/* unused harmony export parseSettings */
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(9473);
/* harmony import */ var _nix_about_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(317);


/** Asks Nix for its effective settings: one process. */
async function querySettings(nix, signal) {
    const { version } = nix.about;
    const command = (0,_nix_about_js__WEBPACK_IMPORTED_MODULE_1__/* .isAtLeast */ .du)(version, 2, 20) ? ['config', 'show'] : ['show-config'];
    return parseSettings(await nix.run([...command, '--json'], { signal }));
}
/** Reads `nix config show --json`: `{name: {value, ...}}`. Throws `format-invalid`; a setting that is not there has its usual default. */
function parseSettings(json) {
    const all = parseObject(json);
    const value = (name) => {
        const setting = all[name];
        return isObject(setting) ? setting.value : undefined;
    };
    const text = (name, otherwise) => {
        const found = value(name) ?? otherwise;
        return typeof found === 'string' ? found : wrong(name);
    };
    const texts = (name) => {
        const found = value(name) ?? [];
        return isTexts(found) ? found : wrong(name);
    };
    const number = (name, otherwise) => {
        const found = value(name) ?? otherwise;
        return typeof found === 'number' ? found : wrong(name);
    };
    return {
        store: text('store', 'auto'),
        substituters: texts('substituters'),
        trustedSubstituters: texts('trusted-substituters'),
        trustedPublicKeys: texts('trusted-public-keys'),
        trustedUsers: texts('trusted-users'),
        netrcFile: text('netrc-file', '/etc/nix/netrc'),
        postBuildHook: text('post-build-hook', '') || null,
        fallback: value('fallback') === true,
        connectTimeout: number('connect-timeout', 0),
        narinfoCacheNegativeTtl: number('narinfo-cache-negative-ttl', 3600),
        substitute: value('substitute') !== false,
        requireSigs: value('require-sigs') !== false,
        minFreeBytes: number('min-free', 0),
    };
}
function parseObject(json) {
    let parsed;
    try {
        parsed = JSON.parse(json);
    }
    catch (cause) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', "Nix's settings are not valid JSON.", { cause });
    }
    if (!isObject(parsed))
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', "Nix's settings are not a JSON object.");
    return parsed;
}
function isObject(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function isTexts(value) {
    return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
function wrong(name) {
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `Nix's setting ${name} has an unexpected type.`);
}


/***/ }),

/***/ 3584:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   RA: () => (/* binding */ readSnapshot),
/* harmony export */   W9: () => (/* binding */ takeSnapshot),
/* harmony export */   jW: () => (/* binding */ listStorePathNames),
/* harmony export */   nH: () => (/* binding */ newSince),
/* harmony export */   oF: () => (/* binding */ writeSnapshot)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(1455);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(9473);
/* harmony import */ var _nix_store_path_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(9605);
/* harmony import */ var _own_paths_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(827);




/** What Nix puts beside a path while it works on it, and leaves there when it is killed (libstore: pathlocks.cc, local-derivation-goal.cc). */
const BY_PRODUCT = /\.(?:lock|check|chroot)$/;
const LOCK = '.lock';
/** First line of a snapshot file; as many names follow, one per line. */
const HEADER = /^nix-cache-action snapshot 1 (\d{1,9})\n/;
/**
 * Names in the store directory that may be those of valid paths; which are, only Nix's database knows. Reads one directory (50 ms for
 * 50,000 names). Throws `store-unreadable`.
 */
async function listStorePathNames(realStoreDir) {
    const names = await readNames(realStoreDir);
    const byProducts = byProductsOf(names);
    return byProducts.size === 0 ? names : names.filter((name) => !byProducts.has(name));
}
/**
 * The names that need no second look at the end of the job. A path whose lock file lies beside it is left out: it is being made, or a build
 * of it was killed, and its name alone would hide that this job makes it anew.
 */
async function takeSnapshot(realStoreDir) {
    const names = await readNames(realStoreDir);
    const snapshot = new Set(names);
    for (const name of byProductsOf(names)) {
        snapshot.delete(name);
        if (name.endsWith(LOCK))
            snapshot.delete(name.slice(0, -LOCK.length));
    }
    return snapshot;
}
/** The names that came since the snapshot, without those of what the action itself put into the store. */
function newSince(snapshot, names) {
    return names.filter((name) => !snapshot.has(name) && !(0,_own_paths_js__WEBPACK_IMPORTED_MODULE_3__/* .isOwnPath */ .gd)(name));
}
/** Writes the snapshot for a later phase, readable by this user alone. */
async function writeSnapshot(file, snapshot) {
    const text = [`nix-cache-action snapshot 1 ${snapshot.size}`, ...snapshot, ''].join('\n');
    try {
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.writeFile)(file, text, { mode: 0o600 });
    }
    catch (cause) {
        const code = (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .systemCode */ .xU)(cause);
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `The snapshot ${file} can't be written (${code ?? 'unknown'}).`, {
            cause,
        });
    }
}
/** Reads what `writeSnapshot` wrote. Throws `state-invalid` when it is missing, cut off or of another version. */
async function readSnapshot(file) {
    const text = await readText(file);
    const header = HEADER.exec(text);
    const names = text.slice(header?.[0].length ?? 0).split('\n');
    // The last line is ended, so that a name that was cut off is noticed.
    const end = names.pop();
    const snapshot = new Set(names);
    if (header === null || end !== '' || snapshot.size !== Number(header[1])) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('state-invalid', `The snapshot ${file} is damaged or of another version of the action.`);
    }
    return snapshot;
}
async function readText(file) {
    try {
        return await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readFile)(file, 'latin1');
    }
    catch (cause) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('state-invalid', `The snapshot ${file} can't be read (${(0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .systemCode */ .xU)(cause) ?? 'unknown'}).`, { cause });
    }
}
async function readNames(realStoreDir) {
    try {
        return (await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readdir)(realStoreDir)).filter(_nix_store_path_js__WEBPACK_IMPORTED_MODULE_2__/* .isStorePathName */ .Sj);
    }
    catch (cause) {
        const code = (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .systemCode */ .xU)(cause) ?? 'unknown';
        // Nix makes the directory when it first needs it.
        if (code === 'ENOENT')
            return [];
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('store-unreadable', `The store directory ${realStoreDir} can't be read (${code}).`, { cause });
    }
}
/** Each `<name>.lock` and the like beside `<name>`. A path may really be called that (`Cargo.lock`), but then no other has its hash. */
function byProductsOf(names) {
    const possible = names.filter((name) => BY_PRODUCT.test(name));
    if (possible.length === 0)
        return new Set();
    const all = new Set(names);
    return new Set(possible.filter((name) => all.has(name.replace(BY_PRODUCT, ''))));
}


/***/ }),

/***/ 8804:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Ii: () => (/* binding */ askDaemon),
/* harmony export */   cb: () => (/* binding */ findTrust),
/* harmony export */   fO: () => (/* binding */ parseTrusted)
/* harmony export */ });
/* unused harmony export isTrustedUser */
/* harmony import */ var node_child_process__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(1421);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8161);
/* harmony import */ var node_util__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(7975);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(9473);
/* harmony import */ var _nix_about_js__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(317);





/**
 * Whether the daemon trusts this user. Later versions say so themselves; for the others `trusted-users` in the system's nix.conf says it,
 * as long as the daemon was started after the last change of it. Throws `store-unreadable` when no daemon answers.
 */
async function findTrust(nix, settings, signal) {
    const said = await askDaemon(nix, signal);
    if (said !== null)
        return said ? 'trusted' : 'untrusted';
    try {
        return isTrustedUser(settings.trustedUsers, (0,node_os__WEBPACK_IMPORTED_MODULE_1__.userInfo)().username, await groupsOfUser(settings.trustedUsers))
            ? 'trusted'
            : 'untrusted';
    }
    catch {
        return 'unknown';
    }
}
/** `trusted-users` holds names, `@group`s and `*`. */
function isTrustedUser(trustedUsers, user, groups) {
    return trustedUsers.some((entry) => entry.startsWith('@') ? groups.includes(entry.slice(1)) : entry === '*' || entry === user);
}
/** Asks the daemon whether it trusts this user; `null` when this Nix does not tell. Throws `store-unreadable` when none answers. */
async function askDaemon(nix, signal) {
    // `ping` was renamed between 2.15 and 2.26, and may go.
    const command = ['store', (0,_nix_about_js__WEBPACK_IMPORTED_MODULE_4__/* .isAtLeast */ .du)(nix.about.version, 2, 26) ? 'info' : 'ping'];
    const options = { signal, timeoutMs: 20_000 };
    try {
        const json = await nix.run([...command, '--json'], options).catch((error) => {
            if ((0,_errors_js__WEBPACK_IMPORTED_MODULE_3__/* .isCacheError */ .bt)(error, 'nix-failed'))
                return null;
            throw error;
        });
        if (json !== null)
            return parseTrusted(json);
        // It does not answer, or does not know `--json` yet.
        await nix.run(command, options);
        return null;
    }
    catch (cause) {
        if (!(0,_errors_js__WEBPACK_IMPORTED_MODULE_3__/* .isCacheError */ .bt)(cause, 'nix-failed'))
            throw cause;
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_3__/* .CacheError */ .xA('store-unreadable', `The Nix daemon does not answer: ${cause.message}`, {
            cause,
            hint: 'Start it, and see that this user may use its socket (`allowed-users`, or the group of the socket).',
        });
    }
}
/** Reads `nix store info --json`: `{"trusted": 0|1|true|false|null, ...}`; `null` when it does not say. */
function parseTrusted(json) {
    const trusted = /"trusted"\s*:\s*(0|1|true|false)\b/.exec(json)?.[1];
    return trusted === undefined ? null : trusted === '1' || trusted === 'true';
}
async function groupsOfUser(trustedUsers) {
    if (!trustedUsers.some((entry) => entry.startsWith('@')))
        return [];
    const { stdout } = await (0,node_util__WEBPACK_IMPORTED_MODULE_2__.promisify)(node_child_process__WEBPACK_IMPORTED_MODULE_0__.execFile)('id', ['-Gn'], { timeout: 10_000 });
    return stdout.trim().split(' ');
}


/***/ })

/******/ });
/************************************************************************/
/******/ // The module cache
/******/ var __webpack_module_cache__ = {};
/******/ 
/******/ // The require function
/******/ function __nccwpck_require__(moduleId) {
/******/ 	// Check if module is in cache
/******/ 	var cachedModule = __webpack_module_cache__[moduleId];
/******/ 	if (cachedModule !== undefined) {
/******/ 		return cachedModule.exports;
/******/ 	}
/******/ 	// Create a new module (and put it into the cache)
/******/ 	var module = __webpack_module_cache__[moduleId] = {
/******/ 		// no module.id needed
/******/ 		// no module.loaded needed
/******/ 		exports: {}
/******/ 	};
/******/ 
/******/ 	// Execute the module function
/******/ 	var threw = true;
/******/ 	try {
/******/ 		__webpack_modules__[moduleId].call(module.exports, module, module.exports, __nccwpck_require__);
/******/ 		threw = false;
/******/ 	} finally {
/******/ 		if(threw) delete __webpack_module_cache__[moduleId];
/******/ 	}
/******/ 
/******/ 	// Return the exports of the module
/******/ 	return module.exports;
/******/ }
/******/ 
/******/ // expose the modules object (__webpack_modules__)
/******/ __nccwpck_require__.m = __webpack_modules__;
/******/ 
/************************************************************************/
/******/ /* webpack/runtime/asset-relocator-loader */
/******/ if (typeof __nccwpck_require__ !== 'undefined') __nccwpck_require__.ab = decodeURIComponent(new URL('.', import.meta.url).pathname).slice(import.meta.url.match(/^file:\/\/\/\w:/) ? 1 : 0, -1) + "/";
/******/ 
/******/ /* webpack/runtime/create fake namespace object */
/******/ (() => {
/******/ 	var getProto = Object.getPrototypeOf ? (obj) => (Object.getPrototypeOf(obj)) : (obj) => (obj.__proto__);
/******/ 	var leafPrototypes;
/******/ 	// create a fake namespace object
/******/ 	// mode & 1: value is a module id, require it
/******/ 	// mode & 2: merge all properties of value into the ns
/******/ 	// mode & 4: return value when already ns object
/******/ 	// mode & 16: return value when it's Promise-like
/******/ 	// mode & 8|1: behave like require
/******/ 	__nccwpck_require__.t = function(value, mode) {
/******/ 		if(mode & 1) value = this(value);
/******/ 		if(mode & 8) return value;
/******/ 		if(typeof value === 'object' && value) {
/******/ 			if((mode & 4) && value.__esModule) return value;
/******/ 			if((mode & 16) && typeof value.then === 'function') return value;
/******/ 		}
/******/ 		var ns = Object.create(null);
/******/ 		__nccwpck_require__.r(ns);
/******/ 		var def = {};
/******/ 		leafPrototypes = leafPrototypes || [null, getProto({}), getProto([]), getProto(getProto)];
/******/ 		for(var current = mode & 2 && value; typeof current == 'object' && !~leafPrototypes.indexOf(current); current = getProto(current)) {
/******/ 			Object.getOwnPropertyNames(current).forEach((key) => (def[key] = () => (value[key])));
/******/ 		}
/******/ 		def['default'] = () => (value);
/******/ 		__nccwpck_require__.d(ns, def);
/******/ 		return ns;
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/define property getters */
/******/ (() => {
/******/ 	// define getter functions for harmony exports
/******/ 	__nccwpck_require__.d = (exports, definition) => {
/******/ 		for(var key in definition) {
/******/ 			if(__nccwpck_require__.o(definition, key) && !__nccwpck_require__.o(exports, key)) {
/******/ 				Object.defineProperty(exports, key, { enumerable: true, get: definition[key] });
/******/ 			}
/******/ 		}
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/ensure chunk */
/******/ (() => {
/******/ 	__nccwpck_require__.f = {};
/******/ 	// This file contains only the entry chunk.
/******/ 	// The chunk loading function for additional chunks
/******/ 	__nccwpck_require__.e = (chunkId) => {
/******/ 		return Promise.all(Object.keys(__nccwpck_require__.f).reduce((promises, key) => {
/******/ 			__nccwpck_require__.f[key](chunkId, promises);
/******/ 			return promises;
/******/ 		}, []));
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/get javascript chunk filename */
/******/ (() => {
/******/ 	// This function allow to reference async chunks
/******/ 	__nccwpck_require__.u = (chunkId) => {
/******/ 		// return url for filenames based on template
/******/ 		return "" + chunkId + ".index.js";
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/hasOwnProperty shorthand */
/******/ (() => {
/******/ 	__nccwpck_require__.o = (obj, prop) => (Object.prototype.hasOwnProperty.call(obj, prop))
/******/ })();
/******/ 
/******/ /* webpack/runtime/make namespace object */
/******/ (() => {
/******/ 	// define __esModule on exports
/******/ 	__nccwpck_require__.r = (exports) => {
/******/ 		if(typeof Symbol !== 'undefined' && Symbol.toStringTag) {
/******/ 			Object.defineProperty(exports, Symbol.toStringTag, { value: 'Module' });
/******/ 		}
/******/ 		Object.defineProperty(exports, '__esModule', { value: true });
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/import chunk loading */
/******/ (() => {
/******/ 	// no baseURI
/******/ 	
/******/ 	// object to store loaded and loading chunks
/******/ 	// undefined = chunk not loaded, null = chunk preloaded/prefetched
/******/ 	// [resolve, Promise] = chunk loading, 0 = chunk loaded
/******/ 	var installedChunks = {
/******/ 		792: 0
/******/ 	};
/******/ 	
/******/ 	var installChunk = (data) => {
/******/ 		var {ids, modules, runtime} = data;
/******/ 		// add "modules" to the modules object,
/******/ 		// then flag all "ids" as loaded and fire callback
/******/ 		var moduleId, chunkId, i = 0;
/******/ 		for(moduleId in modules) {
/******/ 			if(__nccwpck_require__.o(modules, moduleId)) {
/******/ 				__nccwpck_require__.m[moduleId] = modules[moduleId];
/******/ 			}
/******/ 		}
/******/ 		if(runtime) runtime(__nccwpck_require__);
/******/ 		for(;i < ids.length; i++) {
/******/ 			chunkId = ids[i];
/******/ 			if(__nccwpck_require__.o(installedChunks, chunkId) && installedChunks[chunkId]) {
/******/ 				installedChunks[chunkId][0]();
/******/ 			}
/******/ 			installedChunks[ids[i]] = 0;
/******/ 		}
/******/ 	
/******/ 	}
/******/ 	
/******/ 	__nccwpck_require__.f.j = (chunkId, promises) => {
/******/ 			// import() chunk loading for javascript
/******/ 			var installedChunkData = __nccwpck_require__.o(installedChunks, chunkId) ? installedChunks[chunkId] : undefined;
/******/ 			if(installedChunkData !== 0) { // 0 means "already installed".
/******/ 	
/******/ 				// a Promise means "currently loading".
/******/ 				if(installedChunkData) {
/******/ 					promises.push(installedChunkData[1]);
/******/ 				} else {
/******/ 					if(true) { // all chunks have JS
/******/ 						// setup Promise in chunk cache
/******/ 						var promise = import("./" + __nccwpck_require__.u(chunkId)).then(installChunk, (e) => {
/******/ 							if(installedChunks[chunkId] !== 0) installedChunks[chunkId] = undefined;
/******/ 							throw e;
/******/ 						});
/******/ 						var promise = Promise.race([promise, new Promise((resolve) => (installedChunkData = installedChunks[chunkId] = [resolve]))])
/******/ 						promises.push(installedChunkData[1] = promise);
/******/ 					}
/******/ 				}
/******/ 			}
/******/ 	};
/******/ 	
/******/ 	// no prefetching
/******/ 	
/******/ 	// no preloaded
/******/ 	
/******/ 	// no external install chunk
/******/ 	
/******/ 	// no on chunks loaded
/******/ })();
/******/ 
/************************************************************************/
var __webpack_exports__ = {};
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   AS: () => (/* binding */ pre),
/* harmony export */   VQ: () => (/* binding */ toolkit),
/* harmony export */   bE: () => (/* binding */ post),
/* harmony export */   iW: () => (/* binding */ main),
/* harmony export */   uP: () => (/* binding */ pusher),
/* harmony export */   wX: () => (/* binding */ serve),
/* harmony export */   xw: () => (/* binding */ cli)
/* harmony export */ });
/* harmony import */ var _phases_early_question_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(5399);

/** All but what the end of the job asks before it is loaded. */
const program = () => Promise.all(/* import() */[__nccwpck_require__.e(135), __nccwpck_require__.e(541)]).then(__nccwpck_require__.bind(__nccwpck_require__, 2541));
const cli = async () => (await program()).cli();
const main = async () => (await program()).main();
const pre = async () => (await program()).pre();
const pusher = async () => (await program()).pusher();
const serve = async () => (await program()).serve();
const toolkit = async () => (await program()).toolkit();
/** `cut`: aborted by a signal that comes before the rest is loaded. */
async function post(cut) {
    const early = (0,_phases_early_question_js__WEBPACK_IMPORTED_MODULE_0__/* .askEarly */ .J)(process.env);
    await early?.asked;
    return (await program()).post(cut, early);
}

var __webpack_exports__cli = __webpack_exports__.xw;
var __webpack_exports__main = __webpack_exports__.iW;
var __webpack_exports__post = __webpack_exports__.bE;
var __webpack_exports__pre = __webpack_exports__.AS;
var __webpack_exports__pusher = __webpack_exports__.uP;
var __webpack_exports__serve = __webpack_exports__.wX;
var __webpack_exports__toolkit = __webpack_exports__.VQ;
export { __webpack_exports__cli as cli, __webpack_exports__main as main, __webpack_exports__post as post, __webpack_exports__pre as pre, __webpack_exports__pusher as pusher, __webpack_exports__serve as serve, __webpack_exports__toolkit as toolkit };
