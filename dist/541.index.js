export const id = 541;
export const ids = [541];
export const modules = {

/***/ 2818:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   z: () => (/* binding */ fileError)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);

const FULL = ['ENOSPC', 'EDQUOT'];
const FAILED = [
    'EACCES',
    'EBADF',
    'EEXIST',
    'EIO',
    'EISDIR',
    'EMFILE',
    'ENFILE',
    'ENOENT',
    'ENOTDIR',
    'EPERM',
    'EROFS',
    'ESTALE',
];
/** What went wrong with `file`, when it was the file: `disk-full` or `file-failed`; `null` for an error that came from elsewhere, as from a connection. */
function fileError(cause, file) {
    const code = (0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .systemCode */ .xU)(cause) ?? '';
    if (FULL.includes(code))
        return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('disk-full', `${file} can't be written: the disk is full (${code}).`, { cause });
    return FAILED.includes(code) ? new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('file-failed', `${file} can't be written (${code}).`, { cause }) : null;
}


/***/ }),

/***/ 8506:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   H3: () => (/* binding */ PREFIX),
/* harmony export */   OK: () => (/* binding */ MAX_HEAD_BYTES),
/* harmony export */   PA: () => (/* binding */ INDEX_MAGIC),
/* harmony export */   YK: () => (/* binding */ MAX_BODY_BYTES),
/* harmony export */   g3: () => (/* binding */ INDEX_VERSION),
/* harmony export */   gI: () => (/* binding */ PATH),
/* harmony export */   hF: () => (/* binding */ MAX_WRITER_CHARS),
/* harmony export */   m$: () => (/* binding */ CHUNK),
/* harmony export */   r7: () => (/* binding */ PREFIX_BYTES),
/* harmony export */   w2: () => (/* binding */ MAX_INDEX_BYTES),
/* harmony export */   xR: () => (/* binding */ MAX_RECORD_BYTES)
/* harmony export */ });
/*
 * How an index lies in bytes: docs/actions-cache-format.md. Numbers are little-endian.
 *
 *     magic (8) | version u32 | flags u32, zero | size of the body u64 | SHA-256 of the body (32) | the body as one zstd frame
 *
 * Body:
 *
 *     size of the head u32 | head (JSON) | chunk table | path table | path records
 */
const INDEX_MAGIC = 'NIXCINDX';
const INDEX_VERSION = 1;
/** Before the zstd frame. */
const PREFIX_BYTES = 56;
const PREFIX = { version: 8, flags: 12, bodyBytes: 16, sha256: 24 };
/** What a reader makes room for. An index of 50,000 paths has a body of some 20 MB. */
const MAX_INDEX_BYTES = 256 * 1024 * 1024;
const MAX_BODY_BYTES = 512 * 1024 * 1024;
/** Some 20,000 packs. JSON can take a hundred times its size in memory, so it is kept small. */
const MAX_HEAD_BYTES = 4 * 1024 * 1024;
/** The record of a NAR of some 250 GB. */
const MAX_RECORD_BYTES = 4 * 1024 * 1024;
const MAX_WRITER_CHARS = 1000;
/** One line of the chunk table, which is sorted by `id`. */
const CHUNK = {
    id: 0,
    idBytes: 32,
    pack: 32,
    offset: 36,
    narBytes: 44,
    frameBytes: 48,
    frameHash: 52,
    frameHashBytes: 16,
    bytes: 68,
};
/** One line of the path table, which is sorted by hash part: 32 characters, where the record begins among the records, its length. */
const PATH = { hashPart: 0, hashPartBytes: 32, record: 32, recordBytes: 36, bytes: 40 };


/***/ }),

/***/ 7643:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   DS: () => (/* binding */ cacheVersion),
/* harmony export */   RK: () => (/* binding */ isSlot),
/* harmony export */   jE: () => (/* binding */ indexPrefix),
/* harmony export */   l7: () => (/* binding */ packKey),
/* harmony export */   mh: () => (/* binding */ indexKey),
/* harmony export */   nW: () => (/* binding */ slotOfIndexKey),
/* harmony export */   xH: () => (/* binding */ isPackKey)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);

/*
 * Names in the Actions cache. Some servers write them in lower case, and a comma separates keys in protocol v1, so they are made of `[a-z0-9-]`.
 * docs/actions-cache-format.md describes them.
 */
const INDEX = /^(nca1-i-[0-9a-f]{12}-)(\d{8})$/;
const PACK = /^nca1-p-[0-9a-f]{40}$/;
const MAX_SLOT = 99_999_999;
/** What the keys of all indexes of a ref begin with, and no others. */
function indexPrefix(ref) {
    return `nca1-i-${(0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(ref).digest('hex').slice(0, 12)}-`;
}
function isSlot(slot) {
    return Number.isInteger(slot) && slot >= 1 && slot <= MAX_SLOT;
}
/** @param slot 1 to 99,999,999 */
function indexKey(ref, slot) {
    return `${indexPrefix(ref)}${slot.toString().padStart(8, '0')}`;
}
/** The number in the key of an index of `ref`; `null` for any other key. */
function slotOfIndexKey(key, ref) {
    const [, prefix, digits] = INDEX.exec(key.toLowerCase()) ?? [];
    const slot = Number(digits);
    return prefix === indexPrefix(ref) && isSlot(slot) ? slot : null;
}
/** @param nonce 40 hexadecimal digits */
function packKey(nonce) {
    return `nca1-p-${nonce}`;
}
function isPackKey(key) {
    return PACK.test(key);
}
/** The namespace that a lookup is made in: stores in other directories, and later formats, never meet. 64 hexadecimal digits, as the service wants it. */
function cacheVersion(storeDir) {
    return (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(`nix-cache-action|1|${storeDir}`).digest('hex');
}


/***/ }),

/***/ 6533:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  yS: () => (/* binding */ addPaths),
  $T: () => (/* binding */ mergeIndexes)
});

// UNUSED EXPORTS: indexOf

// EXTERNAL MODULE: ./build/nix/hash.js
var hash = __webpack_require__(3314);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
;// CONCATENATED MODULE: ./build/backends/actions-cache/format/model.js
function mentionOf(path) {
    return path === null ? null : { usedAt: path.usedAt, signatures: path.info.signatures };
}

;// CONCATENATED MODULE: ./build/backends/actions-cache/format/merge.js



/**
 * Several indexes (newest first) as one. A path comes from the first that has it whole, with the signatures that any of them has of the same NAR, and was last
 * used when any of them says that it was used latest. Jobs that end together all continue the same index, so nearly all paths are in all of them: of the others
 * only what they may add is read.
 */
function mergeIndexes(indexes, { storeDir, gonePacks = new Set() }) {
    const isThere = ({ pack }) => !gonePacks.has(pack.key);
    let known = null;
    const hashParts = () => (known ??= hashPartsOf(indexes));
    const packs = new Map(indexes.toReversed().flatMap((index) => index.packs.map((pack) => [pack.key, pack])));
    const path = (hashPart) => {
        for (const index of indexes) {
            const found = index.path(hashPart);
            if (found?.chunks.every(isThere))
                return withMentions(found, hashPart, indexes, index);
        }
        return null;
    };
    return {
        storeDir,
        get pathCount() {
            return hashParts().size;
        },
        packs: [...packs.values()].filter(({ key }) => !gonePacks.has(key)),
        path,
        mention: (hashPart) => mentionOf(path(hashPart)),
        hashParts,
        *paths() {
            for (const hashPart of hashParts()) {
                const found = path(hashPart);
                if (found !== null)
                    yield found;
            }
        },
        chunk(id) {
            for (const index of indexes) {
                const found = index.chunk(id);
                if (found !== null && isThere(found))
                    return found;
            }
            return null;
        },
    };
}
function hashPartsOf(indexes) {
    const all = new Set();
    for (const index of indexes)
        for (const hashPart of index.hashParts())
            all.add(hashPart);
    return all;
}
/** `path`, which comes from the index `from`, with what all others say of it. */
function withMentions(path, hashPart, indexes, from) {
    let { usedAt } = path;
    const signatures = new Set(path.info.signatures);
    for (const index of indexes) {
        const mention = index === from ? null : index.mention(hashPart);
        if (mention === null)
            continue;
        usedAt = Math.max(usedAt, mention.usedAt);
        if (mention.signatures.every((signature) => signatures.has(signature)))
            continue;
        for (const signature of signaturesFor(path, index.path(hashPart)))
            signatures.add(signature);
    }
    if (usedAt === path.usedAt && signatures.size === path.info.signatures.length)
        return path;
    return { ...path, usedAt, info: { ...path.info, signatures: [...signatures] } };
}
/** Jobs may have keys of their own, and their readers trust no other (invariant I3). A signature is of path, NAR and references. */
function signaturesFor({ info }, other) {
    const isSame = other !== null &&
        (0,hash/* equalHash */.Le)(other.info.narHash, info.narHash) &&
        other.info.references.join(' ') === info.references.join(' ');
    return isSame ? other.info.signatures : [];
}
/** The index with what a push brings; that wins over what was there. `used`: when paths were read last, by hash part. */
function addPaths(base, added, used) {
    return mergeIndexes([indexOf(base.storeDir, added), withUses(base, used)], { storeDir: base.storeDir });
}
/** Paths that are in memory, as an index. */
function indexOf(storeDir, { packs, paths }) {
    const byHashPart = new Map(paths.map((path) => [(0,store_path/* hashPartOf */.bV)(path.info.path), path]));
    const chunks = new Map(paths.flatMap((path) => path.chunks.map((chunk) => [textOf(chunk.id), chunk])));
    return {
        storeDir,
        pathCount: byHashPart.size,
        packs,
        path: (hashPart) => byHashPart.get(hashPart) ?? null,
        mention: (hashPart) => mentionOf(byHashPart.get(hashPart) ?? null),
        hashParts: () => byHashPart.keys(),
        paths: () => byHashPart.values(),
        chunk: (id) => chunks.get(textOf(id)) ?? null,
    };
}
function withUses(index, used) {
    const marked = (path) => {
        const usedAt = used.get((0,store_path/* hashPartOf */.bV)(path.info.path)) ?? 0;
        return usedAt > path.usedAt ? { ...path, usedAt } : path;
    };
    const path = (hashPart) => {
        const found = index.path(hashPart);
        return found === null ? null : marked(found);
    };
    return {
        ...methodsOf(index),
        path,
        mention: (hashPart) => mentionOf(path(hashPart)),
        *paths() {
            for (const path of index.paths())
                yield marked(path);
        },
    };
}
/** An index need not be a plain object. */
function methodsOf(index) {
    return {
        storeDir: index.storeDir,
        get pathCount() {
            return index.pathCount;
        },
        packs: index.packs,
        path: (hashPart) => index.path(hashPart),
        mention: (hashPart) => index.mention(hashPart),
        hashParts: () => index.hashParts(),
        paths: () => index.paths(),
        chunk: (id) => index.chunk(id),
    };
}
function textOf(id) {
    return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
}


/***/ }),

/***/ 7170:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   EH: () => (/* binding */ TRAILER_BYTES),
/* harmony export */   PK: () => (/* binding */ checkPackHeader),
/* harmony export */   Qv: () => (/* binding */ PACK_HEADER),
/* harmony export */   RP: () => (/* binding */ packTrailer),
/* harmony export */   q2: () => (/* binding */ HEADER_BYTES)
/* harmony export */ });
/* unused harmony export checkPackTrailer */
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);

/*
 * A pack: 16 bytes of header, zstd frames one after another, 24 bytes of trailer. Where the frames lie says the index; header and trailer tell a pack, and a
 * whole one, from anything else. Numbers are little-endian. docs/actions-cache-format.md describes it.
 */
const HEADER_MAGIC = 'NIXCPACK';
const TRAILER_MAGIC = 'KCAPCXIN';
const VERSION = 1;
const HEADER_BYTES = 16;
const TRAILER_BYTES = 24;
/** What every pack begins with: magic, version (u32), flags (u32, zero). */
const PACK_HEADER = Buffer.concat([Buffer.from(HEADER_MAGIC, 'latin1'), u32(VERSION), u32(0)]);
/** What a pack ends with: number of frames (u32), version (u32), bytes before the trailer (u64), magic. */
function packTrailer({ sizeBytes, frames }) {
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(sizeBytes));
    return Buffer.concat([u32(frames), u32(VERSION), size, Buffer.from(TRAILER_MAGIC, 'latin1')]);
}
/** Checks the first bytes of what should be a pack. Throws `format-invalid`. */
function checkPackHeader(bytes) {
    const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (header.length < HEADER_BYTES)
        throw invalid(`it has ${header.length} bytes, and a header alone has ${HEADER_BYTES}`);
    if (header.toString('latin1', 0, 8) !== HEADER_MAGIC)
        throw invalid('it does not begin as one');
    const version = header.readUInt32LE(8);
    if (version !== VERSION)
        throw invalid(`it is of version ${version}, and this program reads version ${VERSION}`);
    const flags = header.readUInt32LE(12);
    if (flags !== 0)
        throw invalid(`it has flags (${flags}) that this program does not know`);
}
/** Checks the last bytes of what should be a whole pack of `sizeBytes`. Answers with the number of its frames. Throws `format-invalid`. */
function checkPackTrailer(bytes, sizeBytes) {
    const trailer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(-TRAILER_BYTES);
    if (trailer.length < TRAILER_BYTES)
        throw invalid(`it has ${bytes.length} bytes, and a trailer alone has ${TRAILER_BYTES}`);
    if (trailer.toString('latin1', 16) !== TRAILER_MAGIC)
        throw invalid('it does not end as one: it was cut off, or went on');
    const version = trailer.readUInt32LE(4);
    if (version !== VERSION)
        throw invalid(`its trailer is of version ${version}, and this program reads version ${VERSION}`);
    const before = trailer.readBigUInt64LE(8);
    if (before !== BigInt(sizeBytes - TRAILER_BYTES))
        throw invalid(`it says that it has ${before} bytes before its trailer, and has ${sizeBytes - TRAILER_BYTES}`);
    return trailer.readUInt32LE(0);
}
function u32(value) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
}
function invalid(problem) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `This is not a pack that can be read: ${problem}.`);
}


/***/ }),

/***/ 8890:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  $G: () => (/* binding */ loadIndexes),
  PS: () => (/* binding */ readIndexes),
  iC: () => (/* binding */ saveIndexes),
  JH: () => (/* binding */ transportOf)
});

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: external "node:zlib"
var external_node_zlib_ = __webpack_require__(8522);
// EXTERNAL MODULE: ./build/nix/content-address.js
var content_address = __webpack_require__(1520);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
// EXTERNAL MODULE: ./build/backends/actions-cache/format/index-layout.js
var index_layout = __webpack_require__(8506);
// EXTERNAL MODULE: ./build/backends/actions-cache/format/keys.js
var keys = __webpack_require__(7643);
// EXTERNAL MODULE: ./build/backends/actions-cache/format/pack.js
var format_pack = __webpack_require__(7170);
;// CONCATENATED MODULE: ./build/backends/actions-cache/format/index-json.js




/** The head of an index's body, every field checked. Throws `format-invalid`. */
function parseHead(text) {
    const fields = fieldsOf(text, 'head');
    const { storeDir, writer } = fields;
    if (typeof storeDir !== 'string' || !/^\/[^\0\n]{1,4000}$/.test(storeDir))
        throw wrong('head', 'storeDir');
    if (typeof writer !== 'string' || writer.length > index_layout/* MAX_WRITER_CHARS */.hF || /\p{Cc}/u.test(writer))
        throw wrong('head', 'writer');
    const slot = slotOf(fields.slot, 'slot');
    const openSlots = listOf(fields.openSlots, 'head', 'openSlots').map((one) => slotOf(one, 'openSlots'));
    if (openSlots.some((one) => one >= slot) || !areDistinct(openSlots))
        throw wrong('head', 'openSlots');
    const packs = listOf(fields.packs, 'head', 'packs').map(packOf);
    if (!areDistinct(packs.map(({ key }) => key)))
        throw wrong('head', 'packs');
    return {
        slot,
        openSlots,
        createdAt: count(fields.createdAt, 'head', 'createdAt'),
        writer,
        storeDir,
        packs,
        chunks: count(fields.chunks, 'head', 'chunks'),
        paths: count(fields.paths, 'head', 'paths'),
    };
}
/** The record of one path, every field checked but for what only the rest of the index can tell. Throws `format-invalid`. */
function parseRecord(text) {
    const fields = fieldsOf(text, 'record');
    const { name, narHash, deriver, ca } = fields;
    if (typeof name !== 'string')
        throw wrong('record', 'name');
    if (!isSha256(narHash))
        throw wrong('record', 'narHash');
    if (deriver !== undefined && typeof deriver !== 'string')
        throw wrong('record', 'deriver');
    if (ca !== undefined && typeof ca !== 'string')
        throw wrong('record', 'ca');
    return {
        name,
        narHash,
        narSize: count(fields.narSize, 'record', 'narSize'),
        refs: listOf(fields.refs ?? [], 'record', 'refs').map((one) => typeof one === 'string' ? one : count(one, 'record', 'refs')),
        sigs: signaturesOf(fields.sigs),
        ...(deriver === undefined ? {} : { deriver }),
        ...(ca === undefined ? {} : { ca }),
        used: count(fields.used, 'record', 'used'),
        chunks: listOf(fields.chunks, 'record', 'chunks').map((line) => count(line, 'record', 'chunks')),
    };
}
/** Of a record only what it adds to that of a newer index. Throws `format-invalid`. */
function parseMention(text) {
    const { used, sigs } = fieldsOf(text, 'record');
    return { usedAt: count(used, 'record', 'used'), signatures: signaturesOf(sigs) };
}
function packOf(value) {
    const { key, sizeBytes, createdAt } = asFields(value, 'pack');
    if (typeof key !== 'string' || !(0,keys/* isPackKey */.xH)(key))
        throw wrong('pack', 'key');
    const size = count(sizeBytes, 'pack', 'sizeBytes');
    if (size < format_pack/* HEADER_BYTES */.q2 + format_pack/* TRAILER_BYTES */.EH)
        throw wrong('pack', 'sizeBytes');
    return { key, sizeBytes: size, createdAt: count(createdAt, 'pack', 'createdAt') };
}
function signaturesOf(value) {
    return listOf(value ?? [], 'record', 'sigs').map(signatureOf);
}
/** It becomes a line of a narinfo. */
function signatureOf(value) {
    if (typeof value !== 'string' || !/^[^\s:]+:[A-Za-z0-9+/]{86}==$/.test(value))
        throw wrong('record', 'sigs');
    return value;
}
function slotOf(value, field) {
    const slot = count(value, 'head', field);
    if (!(0,keys/* isSlot */.RK)(slot))
        throw wrong('head', field);
    return slot;
}
function areDistinct(values) {
    return new Set(values).size === values.length;
}
function isSha256(value) {
    return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
function count(value, where, field) {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0)
        return value;
    throw wrong(where, field);
}
function listOf(value, where, field) {
    if (Array.isArray(value))
        return value;
    throw wrong(where, field);
}
function fieldsOf(text, where) {
    let value;
    try {
        value = JSON.parse(text);
    }
    catch (cause) {
        throw new errors/* CacheError */.xA('format-invalid', `This is not an index that can be read: a ${where} is not JSON.`, { cause });
    }
    return asFields(value, where);
}
function asFields(value, where) {
    if (isObject(value))
        return value;
    throw new errors/* CacheError */.xA('format-invalid', `This is not an index that can be read: a ${where} is not an object.`);
}
function isObject(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function wrong(where, field) {
    return new errors/* CacheError */.xA('format-invalid', `This is not an index that can be read: \`${field}\` of a ${where} is wrong.`);
}

;// CONCATENATED MODULE: ./build/backends/actions-cache/format/index-reader.js








/** Of the keys of tables, which are hashes, so that nearly all differ by then: as many as make an exact number, which is compared in a tenth of the time. */
const START_BYTES = 6;
/**
 * Reads what `encodeIndex` wrote, or anything else: bounds, order and checksum are checked before anything is believed. A path whose record is wrong is not
 * there; a table that is wrong is an error, since nothing can be found by it. Paths and chunks are decoded when they are asked for, so an index of
 * 50,000 paths is open in the time that unpacking it takes. Throws `format-invalid`.
 */
function decodeIndex(bytes, expected) {
    const body = unpack(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    const headBytes = body.length >= 4 ? body.readUInt32LE(0) : Number.POSITIVE_INFINITY;
    if (headBytes > Math.min(body.length - 4, index_layout/* MAX_HEAD_BYTES */.OK))
        throw invalid('its head is longer than the whole, or than any head');
    const head = parseHead(body.toString('utf8', 4, 4 + headBytes));
    if (head.storeDir !== expected.storeDir)
        throw invalid(`it is for stores in ${head.storeDir}, and this one is in ${expected.storeDir}`);
    const chunkTable = cut(body, 4 + headBytes, head.chunks * index_layout/* CHUNK */.m$.bytes, 'chunk table');
    const pathTable = cut(body, 4 + headBytes + chunkTable.length, head.paths * index_layout/* PATH */.gI.bytes, 'path table');
    const records = body.subarray(4 + headBytes + chunkTable.length + pathTable.length);
    const { packs } = head;
    checkChunks(chunkTable, packs);
    checkOverlaps(chunkTable);
    checkPaths(pathTable, records.length);
    const { slot, openSlots, createdAt, writer } = head;
    return { header: { slot, openSlots, createdAt, writer }, index: new DecodedIndex(head, packs, chunkTable, pathTable, records) };
}
function unpack(bytes) {
    if (bytes.length < index_layout/* PREFIX_BYTES */.r7 || bytes.toString('latin1', 0, 8) !== index_layout/* INDEX_MAGIC */.PA)
        throw invalid('it does not begin as one');
    const version = bytes.readUInt32LE(index_layout/* PREFIX */.H3.version);
    if (version !== index_layout/* INDEX_VERSION */.g3)
        throw invalid(`it is of version ${version}, and this program reads version ${index_layout/* INDEX_VERSION */.g3}`);
    const flags = bytes.readUInt32LE(index_layout/* PREFIX */.H3.flags);
    if (flags !== 0)
        throw invalid(`it has flags (${flags}) that this program does not know`);
    const bodyBytes = bytes.readBigUInt64LE(index_layout/* PREFIX */.H3.bodyBytes);
    if (bytes.length > index_layout/* MAX_INDEX_BYTES */.w2 || bodyBytes > index_layout/* MAX_BODY_BYTES */.YK)
        throw invalid(`it has ${bytes.length} bytes, and ${bodyBytes} unpacked`);
    const body = decompress(bytes.subarray(index_layout/* PREFIX_BYTES */.r7), Number(bodyBytes));
    const sha256 = (0,external_node_crypto_.createHash)('sha256').update(body).digest();
    if (!sha256.equals(bytes.subarray(index_layout/* PREFIX */.H3.sha256, index_layout/* PREFIX */.H3.sha256 + 32)))
        throw invalid('its checksum is wrong');
    return body;
}
function decompress(frame, sizeBytes) {
    try {
        const body = (0,external_node_zlib_.zstdDecompressSync)(frame, { maxOutputLength: Math.max(1, sizeBytes), chunkSize: Math.max(64, sizeBytes) });
        if (body.length === sizeBytes)
            return body;
    }
    catch (cause) {
        throw invalid('it can not be unpacked: it was cut off or changed', cause);
    }
    throw invalid('it is shorter than it says');
}
function cut(body, start, sizeBytes, what) {
    if (start + sizeBytes > body.length)
        throw invalid(`its ${what} is longer than the whole`);
    return body.subarray(start, start + sizeBytes);
}
function checkChunks(table, packs) {
    for (let at = 0; at < table.length; at += index_layout/* CHUNK */.m$.bytes) {
        if (!isInOrder(table, at, index_layout/* CHUNK */.m$.bytes, index_layout/* CHUNK */.m$.idBytes))
            throw invalid('its chunks are not in order');
        const pack = packs[table.readUInt32LE(at + index_layout/* CHUNK */.m$.pack)];
        const offset = offsetAt(table, at);
        const frameBytes = table.readUInt32LE(at + index_layout/* CHUNK */.m$.frameBytes);
        const isInside = pack !== undefined && frameBytes > 0 && offset >= format_pack/* HEADER_BYTES */.q2 && offset <= pack.sizeBytes - format_pack/* TRAILER_BYTES */.EH - frameBytes;
        if (!isInside)
            throw invalid(`its chunk ${at / index_layout/* CHUNK */.m$.bytes} lies outside of every pack`);
    }
}
/** Of a frame; one of 2^53 or more need not be exact, since it lies outside of every pack. */
function offsetAt(table, at) {
    return table.readUInt32LE(at + index_layout/* CHUNK */.m$.offset) + 2 ** 32 * table.readUInt32LE(at + index_layout/* CHUNK */.m$.offset + 4);
}
/** Each frame belongs to one chunk: of a pack's frames in the order of the pack, each ends before the next one begins. */
function checkOverlaps(table) {
    const packs = new Map();
    for (let at = 0; at < table.length; at += index_layout/* CHUNK */.m$.bytes) {
        const pack = table.readUInt32LE(at + index_layout/* CHUNK */.m$.pack);
        const frames = packs.get(pack) ?? { starts: [], ends: [] };
        packs.set(pack, frames);
        const start = offsetAt(table, at);
        frames.starts.push(start);
        frames.ends.push(start + table.readUInt32LE(at + index_layout/* CHUNK */.m$.frameBytes));
    }
    for (const { starts, ends } of packs.values()) {
        // Sorted apart, which costs a tenth: where none overlap both are the order of the pack, and where some do an end comes after a start that follows it.
        const sorted = Float64Array.from(starts).sort();
        const overlap = Float64Array.from(ends)
            .sort()
            .some((end, frame) => end > (sorted[frame + 1] ?? Number.POSITIVE_INFINITY));
        if (overlap)
            throw invalid('two of its chunks overlap');
    }
}
/** Whether the line at `at` comes after the one before it in a table that is sorted by its first bytes. */
function isInOrder(table, at, lineBytes, keyBytes) {
    if (at === 0)
        return true;
    const before = at - lineBytes;
    const order = table.readUIntBE(before, START_BYTES) - table.readUIntBE(at, START_BYTES);
    return (order || table.compare(table, at, at + keyBytes, before, before + keyBytes)) < 0;
}
function checkPaths(table, recordBytes) {
    for (let at = 0; at < table.length; at += index_layout/* PATH */.gI.bytes) {
        if (!isInOrder(table, at, index_layout/* PATH */.gI.bytes, index_layout/* PATH */.gI.hashPartBytes))
            throw invalid('its paths are not in order');
        const size = table.readUInt32LE(at + index_layout/* PATH */.gI.recordBytes);
        if (size > index_layout/* MAX_RECORD_BYTES */.xR || table.readUInt32LE(at + index_layout/* PATH */.gI.record) + size > recordBytes)
            throw invalid(`the record of its path ${at / index_layout/* PATH */.gI.bytes} lies outside, or is longer than any record`);
    }
}
class DecodedIndex {
    storeDir;
    pathCount;
    packs;
    #chunkTable;
    #pathTable;
    #records;
    /** Base names by line: a path is referred to by many. */
    #baseNames = [];
    constructor(head, packs, chunkTable, pathTable, records) {
        this.storeDir = head.storeDir;
        this.pathCount = head.paths;
        this.packs = packs;
        this.#chunkTable = chunkTable;
        this.#pathTable = pathTable;
        this.#records = records;
    }
    path(hashPart) {
        const line = this.#lineOf(hashPart);
        return line === null ? null : this.#pathAt(line);
    }
    mention(hashPart) {
        const line = this.#lineOf(hashPart);
        if (line === null)
            return null;
        try {
            return parseMention(this.#recordText(line));
        }
        catch (error) {
            if ((0,errors/* isCacheError */.bt)(error, 'format-invalid'))
                return null;
            throw error;
        }
    }
    *hashParts() {
        for (let line = 0; line < this.pathCount; line++)
            yield this.#hashPartAt(line);
    }
    *paths() {
        for (let line = 0; line < this.pathCount; line++) {
            const path = this.#pathAt(line);
            if (path !== null)
                yield path;
        }
    }
    chunk(id) {
        const line = id.length === index_layout/* CHUNK */.m$.idBytes ? find(this.#chunkTable, index_layout/* CHUNK */.m$.bytes, Buffer.from(id.buffer, id.byteOffset, id.length)) : null;
        return line === null ? null : this.#chunkAt(line);
    }
    #lineOf(hashPart) {
        const key = Buffer.from(hashPart, 'latin1');
        return key.length === index_layout/* PATH */.gI.hashPartBytes ? find(this.#pathTable, index_layout/* PATH */.gI.bytes, key) : null;
    }
    #chunkAt(line) {
        const at = line * index_layout/* CHUNK */.m$.bytes;
        const row = this.#chunkTable.subarray(at, at + index_layout/* CHUNK */.m$.bytes);
        const pack = row.length < index_layout/* CHUNK */.m$.bytes ? undefined : this.packs[row.readUInt32LE(index_layout/* CHUNK */.m$.pack)];
        if (pack === undefined)
            return null;
        return {
            id: row.subarray(index_layout/* CHUNK */.m$.id, index_layout/* CHUNK */.m$.id + index_layout/* CHUNK */.m$.idBytes),
            narBytes: row.readUInt32LE(index_layout/* CHUNK */.m$.narBytes),
            pack,
            offset: offsetAt(row, 0),
            frameBytes: row.readUInt32LE(index_layout/* CHUNK */.m$.frameBytes),
            frameHash: row.subarray(index_layout/* CHUNK */.m$.frameHash, index_layout/* CHUNK */.m$.frameHash + index_layout/* CHUNK */.m$.frameHashBytes),
        };
    }
    #hashPartAt(line) {
        return this.#pathTable.toString('latin1', line * index_layout/* PATH */.gI.bytes, line * index_layout/* PATH */.gI.bytes + index_layout/* PATH */.gI.hashPartBytes);
    }
    /** `null` for a record that does not describe a path. */
    #pathAt(line) {
        try {
            const record = this.#recordAt(line);
            const info = this.#infoOf(this.#hashPartAt(line), record);
            const chunks = record.chunks.map((number) => this.#chunkAt(number));
            const whole = chunks.filter((chunk) => chunk !== null);
            const narBytes = whole.reduce((sum, chunk) => sum + chunk.narBytes, 0);
            const isWhole = whole.length === chunks.length && narBytes === info.narSizeBytes && narBytes > 0;
            if (!isWhole || (0,content_address/* checkContentAddress */.M3)(info, this.storeDir) !== null)
                return null;
            return { info, chunks: whole, usedAt: record.used };
        }
        catch (error) {
            if ((0,errors/* isCacheError */.bt)(error, 'format-invalid'))
                return null;
            throw error;
        }
    }
    #recordAt(line) {
        return parseRecord(this.#recordText(line));
    }
    #recordText(line) {
        const at = line * index_layout/* PATH */.gI.bytes;
        const start = this.#pathTable.readUInt32LE(at + index_layout/* PATH */.gI.record);
        const end = start + this.#pathTable.readUInt32LE(at + index_layout/* PATH */.gI.recordBytes);
        return this.#records.toString('utf8', start, end);
    }
    #infoOf(hashPart, record) {
        const narHash = { algorithm: 'sha256', digest: Buffer.from(record.narHash, 'hex') };
        const references = (record.refs ?? []).map((reference) => this.#full(this.#baseNameOf(reference))).sort();
        if (new Set(references).size < references.length)
            throw invalid('a path names a reference twice');
        return {
            path: this.#full(`${hashPart}-${record.name}`),
            narHash,
            narSizeBytes: record.narSize,
            references,
            deriver: record.deriver === undefined ? null : this.#full(record.deriver),
            signatures: record.sigs ?? [],
            ca: record.ca ?? null,
            ultimate: false,
        };
    }
    #full(baseName) {
        return (0,store_path/* parseBaseName */.u7)(baseName, this.storeDir).path;
    }
    #baseNameOf(reference) {
        if (typeof reference === 'string')
            return reference;
        if (reference >= this.pathCount)
            throw invalid('a reference points nowhere');
        return (this.#baseNames[reference] ??= `${this.#hashPartAt(reference)}-${this.#recordAt(reference).name}`);
    }
}
/** The line whose first bytes are `key`, in a table that is sorted by them; `null` when there is none. */
function find(table, lineBytes, key) {
    const start = key.readUIntBE(0, START_BYTES);
    let low = 0;
    let high = table.length / lineBytes;
    while (low < high) {
        const line = (low + high) >>> 1;
        const at = line * lineBytes;
        const order = table.readUIntBE(at, START_BYTES) - start || table.compare(key, 0, key.length, at, at + key.length);
        if (order === 0)
            return line;
        if (order < 0)
            low = line + 1;
        else
            high = line;
    }
    return null;
}
function invalid(problem, cause) {
    return new errors/* CacheError */.xA('format-invalid', `This is not an index that can be read: ${problem}.`, { cause });
}

// EXTERNAL MODULE: ./build/backends/actions-cache/format/merge.js + 1 modules
var merge = __webpack_require__(6533);
// EXTERNAL MODULE: ./build/backends/in-flight.js
var in_flight = __webpack_require__(8336);
;// CONCATENATED MODULE: ./build/backends/actions-cache/index-chain.js





/** Indexes that were reserved before a younger one, and finalized after it, are there by then. */
const YOUNG_S = 15 * 60;
/** A job that takes longer than this from reserving its index to finalizing it has died. */
const OPEN_FOR_S = 60 * 60;
/** How far behind a damaged newest index an older one is looked for. */
const STEPS_BACK = 3;
/** Twenty jobs at once leave nineteen. More than this in one go is no use: the next writer merges what was read. */
const MOST_READS = 64;
const READS_IN_FLIGHT = 6;
/** Reads the newest index of `ref` and what it does not hold. Throws what the service throws; a damaged index is said and left out. */
async function readChain(ref, options) {
    const { service, log, signal } = options;
    const newest = await service.lookup({ newestOf: (0,keys/* indexPrefix */.jE)(ref) }, signal);
    const newestSlot = newest === null ? null : (0,keys/* slotOfIndexKey */.nW)(newest.key, ref);
    if (newest === null || newestSlot === null) {
        if (newest !== null)
            log.info(`The Actions cache answers with \`${newest.key}\` where an index was asked for; it is not used.`);
        return { ref, indexes: [], lastSlot: 0, openSlots: [] };
    }
    const reading = new ChainReading(ref, options);
    await reading.take(newestSlot, newest);
    for (let back = 1; back <= STEPS_BACK && reading.isEmpty && newestSlot > back; back++)
        await reading.look(newestSlot - back);
    await reading.lookAhead();
    await reading.lookBehind();
    return reading.result();
}
/** The indexes of a ref that were read, and what is still to be looked for. */
class ChainReading {
    #ref;
    #options;
    #read = new Map();
    /** Looked for, and not there or damaged. */
    #missing = new Set();
    #lastSlot = 0;
    constructor(ref, options) {
        this.#ref = ref;
        this.#options = options;
    }
    get isEmpty() {
        return this.#read.size === 0;
    }
    async look(slot) {
        const { service, signal } = this.#options;
        const entry = await service.lookup({ key: (0,keys/* indexKey */.mh)(this.#ref, slot) }, signal);
        if (entry !== null)
            return this.take(slot, entry);
        this.#missing.add(slot);
        return false;
    }
    /** Whether the slot is taken, readable or not. */
    async take(slot, entry) {
        const { storeDir, log, signal } = this.#options;
        this.#lastSlot = Math.max(this.#lastSlot, slot);
        try {
            const bytes = await wholeOf(await entry.read(null, signal), signal);
            if (bytes !== null) {
                const { header, index } = decodeIndex(bytes, { storeDir });
                if (header.slot !== slot)
                    throw new errors/* CacheError */.xA('format-invalid', `it says that it is number ${header.slot}`);
                this.#read.set(slot, { slot, bytes, header, index });
                return true;
            }
        }
        catch (error) {
            if (!(0,errors/* isCacheError */.bt)(error, 'format-invalid', 'cache-invalid'))
                throw error;
            log.info(`The index \`${entry.key}\` in the Actions cache can't be used: ${(0,errors/* describeError */.Uc)(error)}`);
        }
        this.#missing.add(slot);
        return true;
    }
    /** Of two that were reserved together the earlier number may be the newer entry. */
    async lookAhead() {
        const newest = this.#read.get(this.#lastSlot);
        if (newest !== undefined && this.#options.nowS - newest.header.createdAt > YOUNG_S)
            return;
        for (let left = MOST_READS; left > 0 && (await this.look(this.#lastSlot + 1)); left--)
            ;
    }
    /** Reads what no index that was read holds, until there is nothing more to be had. */
    async lookBehind() {
        for (let left = MOST_READS; left > 0;) {
            const wanted = this.#notHeld()
                .filter((slot) => !this.#missing.has(slot))
                .slice(0, left);
            if (wanted.length === 0)
                return;
            left -= wanted.length;
            await (0,in_flight/* visitInFlight */.F)(wanted, READS_IN_FLIGHT, this.#options.signal, async (slot) => {
                await this.look(slot);
            });
        }
    }
    result() {
        const indexes = [...this.#read.values()].sort((a, b) => b.slot - a.slot);
        return {
            ref: this.#ref,
            indexes,
            lastSlot: this.#lastSlot,
            // One that was not looked for, since there were too many, is left to later readers.
            openSlots: this.#notHeld().filter((slot) => !this.#missing.has(slot) || this.#mayCome(slot)),
        };
    }
    /**
     * Numbers that were not read and that no index holds: one holds all before it but those that it names as open. Those after the last
     * one that was read are held by none.
     */
    #notHeld() {
        const indexes = [...this.#read.values()];
        const newest = Math.max(0, ...this.#read.keys());
        const open = new Set(indexes.flatMap(({ header }) => header.openSlots));
        for (let slot = newest + 1; slot <= this.#lastSlot; slot++)
            open.add(slot);
        return [...open]
            .filter((slot) => !this.#read.has(slot))
            .filter((slot) => !indexes.some(({ header }) => header.slot > slot && !header.openSlots.includes(slot)))
            .sort((a, b) => b - a);
    }
    /** Whether the job that took the number may still be at it. */
    #mayCome(slot) {
        const first = [...this.#read.values()].filter(({ header }) => header.slot > slot).map(({ header }) => header.createdAt);
        return first.length === 0 || this.#options.nowS - Math.min(...first) < OPEN_FOR_S;
    }
}
/** All of a stream, `null` for none. Throws `format-invalid` when it is longer than any index. */
async function wholeOf(stream, signal) {
    if (stream === null)
        return null;
    const parts = [];
    let sizeBytes = 0;
    const stop = () => stream.destroy(new errors/* CacheError */.xA('cancelled', 'Reading an index was stopped.'));
    signal.addEventListener('abort', stop, { once: true });
    try {
        for await (const part of stream) {
            const bytes = part;
            sizeBytes += bytes.length;
            if (sizeBytes > index_layout/* MAX_INDEX_BYTES */.w2)
                throw new errors/* CacheError */.xA('format-invalid', `it has more than ${index_layout/* MAX_INDEX_BYTES */.w2} bytes`);
            parts.push(bytes);
        }
    }
    finally {
        signal.removeEventListener('abort', stop);
        stream.destroy();
    }
    return Buffer.concat(parts);
}

;// CONCATENATED MODULE: ./build/backends/actions-cache/known-indexes.js







/** Asks the service for the indexes that this job can read: two requests for each ref at most, unless jobs ended at the same time. */
async function readIndexes({ refs, ...options }) {
    const [own, ...others] = await Promise.all([refs.own, ...refs.others].map((ref) => readChain(ref, options)));
    if (own === undefined)
        throw new errors/* CacheError */.xA('internal', 'A job has a ref of its own.');
    return known({ refs, own, others, transport: options.service.transport }, options.storeDir, new Set());
}
const MANIFEST = 'indexes.json';
/** Writes what was read to files of `folder` (made with mode 0700 when it is not there). Throws `file-failed` or `disk-full`. */
async function saveIndexes({ refs, transport, own, others }, storeDir, folder) {
    try {
        await (0,promises_.mkdir)(folder, { recursive: true, mode: 0o700 });
        const chains = await Promise.all([own, ...others].map(async ({ indexes, ...chain }) => ({
            ...chain,
            files: await Promise.all(indexes.map((index) => saveIndex(index, folder))),
        })));
        const manifest = { version: 1, storeDir, refs, transport, chains };
        await (0,promises_.writeFile)((0,external_node_path_.join)(folder, `${MANIFEST}.new`), JSON.stringify(manifest), { mode: 0o600 });
        await (0,promises_.rename)((0,external_node_path_.join)(folder, `${MANIFEST}.new`), (0,external_node_path_.join)(folder, MANIFEST));
    }
    catch (cause) {
        const code = (0,errors/* systemCode */.xU)(cause);
        throw new errors/* CacheError */.xA(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `The indexes can't be kept in ${folder} (${code ?? cause}).`, {
            cause,
        });
    }
}
async function saveIndex({ bytes, slot }, folder) {
    const file = `${(0,external_node_crypto_.randomBytes)(6).toString('hex')}-${slot}.index`;
    await (0,promises_.writeFile)((0,external_node_path_.join)(folder, file), bytes, { mode: 0o600 });
    return file;
}
/** By which another process of this job read what it saved. Throws `state-invalid`. */
async function transportOf(folder, log) {
    return (await readingBack(folder, log, readManifest)).transport;
}
/**
 * Reads back what another process of this job saved. `gonePacks` may grow: what lies in them is not there from then on, or found in an older index.
 * Throws `state-invalid`.
 */
async function loadIndexes(folder, log, gonePacks) {
    return readingBack(folder, log, async () => {
        const manifest = await readManifest(folder);
        const [own, ...others] = await Promise.all(manifest.chains.map(async ({ files, ...chain }) => ({
            ...chain,
            indexes: await Promise.all(files.map((file) => loadIndex((0,external_node_path_.join)(folder, file), manifest.storeDir))),
        })));
        if (own === undefined)
            throw new Error('it has no chain');
        return known({ ...manifest, own, others }, manifest.storeDir, gonePacks);
    });
}
async function readManifest(folder) {
    return JSON.parse(await (0,promises_.readFile)((0,external_node_path_.join)(folder, MANIFEST), 'utf8'));
}
async function readingBack(folder, log, read) {
    try {
        return await read(folder);
    }
    catch (cause) {
        log.debug((0,errors/* describeError */.Uc)(cause));
        throw new errors/* CacheError */.xA('state-invalid', `The indexes that main kept in ${folder} can't be read.`, { cause });
    }
}
async function loadIndex(file, storeDir) {
    const bytes = await (0,promises_.readFile)(file);
    const { header, index } = decodeIndex(bytes, { storeDir });
    return { slot: header.slot, bytes, header, index };
}
function known({ refs, transport, own, others }, storeDir, gonePacks) {
    const indexes = [own, ...others].flatMap((chain) => chain.indexes.map(({ index }) => index));
    return { refs, transport, own, others, index: (0,merge/* mergeIndexes */.$T)(indexes, { storeDir, gonePacks }) };
}


/***/ }),

/***/ 5204:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  B: () => (/* binding */ NO_FINDINGS),
  r: () => (/* binding */ createPacks)
});

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/waiting/cancel.js
var cancel = __webpack_require__(2368);
// EXTERNAL MODULE: ./build/backends/actions-cache/format/pack.js
var pack = __webpack_require__(7170);
;// CONCATENATED MODULE: ./build/backends/actions-cache/read-ahead.js
/** Reads above this are requests of their own. */
const SMALL_BYTES = 64 * 1024;
/** One path alone, or a few, move no more bytes than they have. */
const SMALL_READS_BEFORE = 16;
const WINDOW_BYTES = 512 * 1024;
/** 16 MiB. */
const WINDOWS_KEPT = 32;
function createReadAhead(read) {
    const smallReads = new Map();
    /** The one used last at the end. */
    const windows = new Map();
    const windowAt = (pack, start) => {
        const name = `${pack.key} ${start}`;
        const known = windows.get(name);
        windows.delete(name);
        const bytes = known ?? read(pack, start, Math.min(start + WINDOW_BYTES, pack.sizeBytes) - 1);
        windows.set(name, bytes);
        if (known === undefined)
            bytes.catch(() => windows.delete(name));
        for (const oldest of windows.keys()) {
            if (windows.size <= WINDOWS_KEPT)
                break;
            windows.delete(oldest);
        }
        return bytes;
    };
    return {
        async take(pack, offset, sizeBytes) {
            if (sizeBytes > SMALL_BYTES)
                return null;
            const before = smallReads.get(pack.key) ?? 0;
            smallReads.set(pack.key, before + 1);
            const start = offset - (offset % WINDOW_BYTES);
            const isAcross = offset + sizeBytes > start + WINDOW_BYTES;
            if (before < SMALL_READS_BEFORE || isAcross)
                return null;
            return (await windowAt(pack, start)).subarray(offset - start, offset - start + sizeBytes);
        },
    };
}

;// CONCATENATED MODULE: ./build/backends/actions-cache/packs.js






/** Of what serves many at once, so that the end of one of them does not end it. */
const SHARED_LIMIT_MS = 60_000;
const DOING = 'Reading from the Actions cache';
const NO_FINDINGS = { there: [], gone: [] };
/** @param elsewhere what another process of this job found out; known from when it is there, which may be never */
function createPacks(service, elsewhere = Promise.resolve(NO_FINDINGS)) {
    const entries = new Map();
    const gone = new Set();
    const there = new Set();
    void elsewhere.then((found) => {
        for (const key of found.gone)
            gone.add(key);
        for (const key of found.there)
            there.add(key);
    });
    /** One lookup for all who ask at the same time; a failure is asked again, an answer is not. */
    const find = (pack) => {
        const known = entries.get(pack.key);
        if (known !== undefined)
            return known;
        const found = service.lookup({ key: pack.key }, AbortSignal.timeout(SHARED_LIMIT_MS)).then((entry) => {
            if (entry === null)
                gone.add(pack.key);
            else
                there.add(pack.key);
            return entry;
        });
        entries.set(pack.key, found);
        found.catch(() => entries.delete(pack.key));
        return found;
    };
    const open = async (pack, range, signal) => {
        const entry = await (0,cancel/* orAborted */.H6)(find(pack), signal, DOING);
        const stream = entry === null ? null : await entry.read(range, signal);
        if (stream !== null)
            return stream;
        gone.add(pack.key);
        throw new errors/* CacheError */.xA('cache-not-found', `The pack \`${pack.key}\` has gone from the Actions cache.`);
    };
    const ahead = createReadAhead(async (pack, start, end) => {
        const parts = [];
        for await (const part of await open(pack, { start, end }, AbortSignal.timeout(SHARED_LIMIT_MS)))
            parts.push(part);
        return Buffer.concat(parts);
    });
    return {
        gone,
        findings: () => ({ there: [...there].filter((key) => !gone.has(key)), gone: [...gone] }),
        async areThere(packs) {
            const asked = [...packs];
            await Promise.all(asked.filter(({ key }) => !there.has(key) && !gone.has(key)).map(find));
            return asked.every(({ key }) => !gone.has(key));
        },
        async *frames(chunks, signal) {
            for (const run of runsOf(chunks)) {
                const { pack, offset, sizeBytes } = run;
                const near = await (0,cancel/* orAborted */.H6)(ahead.take(pack, offset, sizeBytes), signal, DOING);
                const stream = near === null ? await open(pack, { start: offset, end: offset + sizeBytes - 1 }, signal) : external_node_stream_.Readable.from([near]);
                try {
                    yield* framesOf(stream, run.chunks);
                }
                catch (error) {
                    if ((0,errors/* isCacheError */.bt)(error, 'cache-invalid'))
                        await refuseForeign(await find(pack), signal);
                    throw error;
                }
                finally {
                    stream.destroy();
                }
            }
        },
    };
}
function runsOf(chunks) {
    const groups = [];
    let before = null;
    for (const chunk of chunks) {
        const follows = before !== null && chunk.pack.key === before.pack.key && chunk.offset === before.offset + before.frameBytes;
        if (follows)
            groups.at(-1)?.push(chunk);
        else
            groups.push([chunk]);
        before = chunk;
    }
    return groups.flatMap((group) => {
        const [first] = group;
        if (first === undefined)
            return [];
        const sizeBytes = group.reduce((sum, { frameBytes }) => sum + frameBytes, 0);
        return [{ pack: first.pack, offset: first.offset, sizeBytes, chunks: group }];
    });
}
/** Where the bytes are wrong: says so when that is no pack at all, or one of a later version. Throws `cache-invalid`. */
async function refuseForeign(entry, signal) {
    const stream = await entry?.read({ start: 0, end: pack/* HEADER_BYTES */.q2 - 1 }, signal);
    const parts = [];
    for await (const part of stream ?? [])
        parts.push(part);
    try {
        (0,pack/* checkPackHeader */.PK)(Buffer.concat(parts));
    }
    catch (cause) {
        throw new errors/* CacheError */.xA('cache-invalid', `\`${entry?.key}\` in the Actions cache: ${(0,errors/* describeError */.Uc)(cause)}`, { cause });
    }
}
/** Cuts a stream into the frames of `chunks`. */
async function* framesOf(stream, chunks) {
    const left = chunks.values();
    let chunk = left.next().value;
    let parts = [];
    let haveBytes = 0;
    for await (const part of stream) {
        let rest = part;
        while (chunk !== undefined && haveBytes + rest.length >= chunk.frameBytes) {
            const missing = chunk.frameBytes - haveBytes;
            parts.push(rest.subarray(0, missing));
            const frame = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
            checkFrame(chunk, frame);
            yield frame;
            rest = rest.subarray(missing);
            [parts, haveBytes] = [[], 0];
            chunk = left.next().value;
        }
        if (rest.length > 0)
            parts.push(rest);
        haveBytes += rest.length;
    }
    if (chunk !== undefined)
        throw new errors/* CacheError */.xA('cache-invalid', `The pack \`${chunk.pack.key}\` ends too early.`);
}
function checkFrame(chunk, frame) {
    const hash = (0,external_node_crypto_.createHash)('sha256').update(frame).digest().subarray(0, chunk.frameHash.length);
    if (hash.equals(chunk.frameHash))
        return;
    throw new errors/* CacheError */.xA('cache-invalid', `The pack \`${chunk.pack.key}\` was changed or damaged: the frame at ${chunk.offset} has another hash than the index says.`);
}


/***/ }),

/***/ 5642:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   P: () => (/* binding */ shareWork)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _waiting_cancel_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(2368);


/**
 * One run of `work` for all who want its result, begun by the first of them. Whoever gives up leaves the others alone; the last one to do so stops it. A success
 * is kept; after a failure, whoever comes next begins anew.
 */
function shareWork(work) {
    let current = null;
    const forget = (run) => {
        if (current === run)
            current = null;
    };
    const begin = () => {
        const stop = new AbortController();
        const run = { result: work(stop.signal), stop, waiting: 0 };
        run.result.catch(() => forget(run));
        return run;
    };
    return async (signal, doing) => {
        current ??= begin();
        const run = current;
        let isOver = false;
        run.waiting++;
        try {
            const settled = run.result.finally(() => {
                isOver = true;
            });
            return await (0,_waiting_cancel_js__WEBPACK_IMPORTED_MODULE_1__/* .orAborted */ .H6)(settled, signal, doing);
        }
        finally {
            run.waiting--;
            if (run.waiting === 0 && !isOver) {
                forget(run);
                run.stop.abort(new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('cancelled', `${doing}: nobody waits for it any more.`));
            }
        }
    };
}


/***/ }),

/***/ 7400:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   K: () => (/* binding */ runToolkit),
/* harmony export */   w: () => (/* binding */ ANSWER_FILE)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6760);
/**
 * `@actions/cache` in a process of its own: it archives what lies in its workspace and restores to there, so it gets a folder of ours as workspace and as working
 * folder, and the job's own stays untouched. Its output is not the job's log.
 */


const ANSWER_FILE = 'answer.json';
/** Runs one request and writes its answer. Throws what the toolkit throws. */
async function runToolkit(json) {
    const asked = JSON.parse(json);
    const { restoreCache, saveCache } = await Promise.all(/* import() */[__webpack_require__.e(88), __webpack_require__.e(728)]).then(__webpack_require__.bind(__webpack_require__, 9728));
    const returned = asked.call === 'save'
        ? await saveCache([asked.path], asked.key)
        : await restoreCache([asked.path], asked.key, [...asked.restoreKeys], { lookupOnly: asked.lookupOnly });
    const answer = { returned: returned ?? null };
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.writeFile)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(process.cwd(), ANSWER_FILE), JSON.stringify(answer), { mode: 0o600 });
}


/***/ }),

/***/ 7849:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Hn: () => (/* binding */ denialIn),
/* harmony export */   Ve: () => (/* binding */ createTwirp),
/* harmony export */   Vi: () => (/* binding */ THROTTLED_HINT)
/* harmony export */ });
/* harmony import */ var _bodies_in_memory_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(808);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);
/**
 * The Actions cache's service, protocol v2: Twirp with JSON, `POST <base>/twirp/github.actions.results.api.v1.CacheService/<method>`. As `@actions/cache` speaks it
 * (its `cacheTwirpClient.ts` and the generated `results/api/v1/cache.ts`); GitHub has not published it.
 */


const MAX_ANSWER_BYTES = 256 * 1024;
/** Statuses that carry a Twirp error to be understood here; others are the HTTP client's business (it waits for 429 and tries 5xx again). */
const UNDERSTOOD = [200, 400, 401, 403, 404, 409, 412];
/** How the service begins its refusals (`@actions/cache`, `CACHE_WRITE_DENIED_PREFIX` and `CACHE_READ_DENIED_PREFIX`). */
const WRITE_DENIED = 'cache write denied:';
const READ_DENIED = 'cache read denied:';
const QUOTA = 'insufficient usage';
const THROTTLED_HINT = 'GitHub takes about 200 new entries a minute of a repository, from all of its jobs and actions together: let fewer of them save at the same time. Later jobs push what is missing.';
function createTwirp({ client, baseUrl, token }) {
    const ask = (method, request, signal) => client
        .request({
        method: 'POST',
        url: new URL(`/twirp/github.actions.results.api.v1.CacheService/${method}`, baseUrl),
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: (0,_bodies_in_memory_js__WEBPACK_IMPORTED_MODULE_0__/* .bodyOfText */ .V)(JSON.stringify(request)),
        credentials: { kind: 'bearer', token },
        accept: UNDERSTOOD,
        limitBytes: MAX_ANSWER_BYTES,
        signal,
    })
        .catch((error) => {
        throw (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .isCacheError */ .bt)(error, 'cache-throttled') ? throttled(error) : error;
    });
    return {
        async call(method, request, signal) {
            const first = await ask(method, request, signal);
            // The page of a proxy, in place of an answer, may be none the next time; `@actions/cache` tries again too.
            const answer = first.status === 200 && fieldsOf(first) === null ? await ask(method, request, signal) : first;
            return answer.status === 200 ? understood(method, answer) : refused(method, answer, token);
        },
    };
}
function understood(method, answer) {
    const fields = fieldsOf(answer);
    if (fields === null)
        throw strange(method, 'something that is not JSON');
    if (fields.ok === true)
        return { kind: 'ok', fields };
    const denial = denialIn(textOf(fields.message));
    if (denial !== null)
        throw denial;
    return { kind: 'not-ok' };
}
function refused(method, answer, token) {
    const fields = fieldsOf(answer) ?? {};
    const [code, message] = [textOf(fields.code), textOf(fields.msg).replaceAll(token, '***')];
    if (answer.status === 409 || code === 'already_exists')
        return { kind: 'not-ok' };
    const denial = denialIn(message);
    if (denial !== null)
        throw denial;
    if (answer.status === 401) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('cache-unauthorized', "The Actions cache refuses this job's token.", {
            hint: 'The token is good for the length of a job: did it run longer than the runner allows?',
        });
    }
    if (answer.status === 403)
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('cache-forbidden', `The Actions cache refuses ${method}: ${message || 'no reason given'}.`);
    throw strange(method, `${answer.status} ${code} ${message}`.trim());
}
/** What the service does not allow, by how it says so; `null` when it is something else. */
function denialIn(message) {
    if (message.includes(WRITE_DENIED)) {
        const why = message.slice(message.indexOf(WRITE_DENIED) + WRITE_DENIED.length).trim();
        return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('cache-read-only', `This job may not write to the Actions cache: ${why || 'its token only reads'}.`, {
            hint: 'For events that strangers can start GitHub gives a token that only reads, unless the workflow says `cache-mode: write`.',
        });
    }
    if (message.includes(READ_DENIED)) {
        return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('cache-forbidden', 'This job may not read from the Actions cache: its token has no scope that it can read.', { hint: 'Give the job `cache-mode: read` or `write`, or leave that out.' });
    }
    if (message.toLowerCase().includes(QUOTA)) {
        return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('cache-read-only', "The repository's storage for the Actions cache is used up, so nothing new is taken.", { hint: 'Raise the budget in the settings of the repository, delete entries, or lower `actions-cache-size`.' });
    }
    return null;
}
/** The HTTP client's hint is about binary caches. */
function throttled(cause) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('cache-throttled', cause.message, { hint: THROTTLED_HINT, cause });
}
function strange(method, what) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('cache-invalid', `The Actions cache answered ${method} in a way that is not known: ${what}.`);
}
function fieldsOf(answer) {
    try {
        const value = JSON.parse(Buffer.from(answer.bytes).toString('utf8'));
        return typeof value === 'object' && value !== null && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value))
            : null;
    }
    catch {
        return null;
    }
}
/** One line, of text that ends in messages. */
function textOf(value) {
    return typeof value === 'string' ? value.replace(/\s+/g, ' ').slice(0, 300) : '';
}


/***/ }),

/***/ 3918:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   cachixToken: () => (/* binding */ cachixToken),
/* harmony export */   tokenFor: () => (/* binding */ tokenFor)
/* harmony export */ });
/** The token for a cache: that of the workflow, else that of the netrc for where Nix reads the cache. */
function cachixToken(target, netrc) {
    return target.token ?? tokenFor(`${target.name}.${target.host.hostname}`, netrc);
}
/** The password that Nix reads this host with, which is a token. A `default` entry is for nobody in particular. */
function tokenFor(hostname, netrc) {
    return netrc.find(({ machine }) => machine?.toLowerCase() === hostname.toLowerCase())?.password ?? null;
}


/***/ }),

/***/ 8336:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   F: () => (/* binding */ visitInFlight)
/* harmony export */ });
/**
 * Calls `visit` for every item, at most `limit` at a time, in order of the items. The first failure aborts the signal that the other
 * calls were given; it is thrown when all of them have ended.
 */
async function visitInFlight(items, limit, signal, visit) {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const failures = [];
    const left = items.values();
    const work = async () => {
        for (const item of left) {
            if (failures.length > 0)
                return;
            try {
                await visit(item, either);
            }
            catch (error) {
                failures.push(error);
                failed.abort(error);
            }
        }
    };
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
    if (failures.length > 0)
        throw failures[0];
}


/***/ }),

/***/ 314:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Cv: () => (/* binding */ createJobIdentity),
/* harmony export */   Yn: () => (/* binding */ identityIssuer),
/* harmony export */   iC: () => (/* binding */ hasJobIdentity)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _waiting_cancel_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(2368);
/* harmony import */ var _json_fields_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9488);



/** For one token, with all tries. */
const LONGEST_WAIT_MS = 120_000;
/** Tokens live for some minutes, a push may take longer. */
const RENEW_BEFORE_MS = 60_000;
/** Of a token that does not say when it ends. */
const UNKNOWN_LIFE_MS = 4 * 60_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Whether the job may ask for such tokens: `permissions: id-token: write`, and no pull request from a fork. */
function hasJobIdentity(env) {
    return (env.ACTIONS_ID_TOKEN_REQUEST_URL ?? '') !== '' && (env.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? '') !== '';
}
/** Who makes these tokens: GitHub, or an Enterprise Server (docs.github.com, "OpenID Connect reference"). */
function identityIssuer(env) {
    const server = (env.GITHUB_SERVER_URL ?? '').replace(/\/$/, '');
    return server === '' || server === 'https://github.com'
        ? 'https://token.actions.githubusercontent.com'
        : `${server}/_services/token`;
}
/** As `@actions/core` asks (oidc-utils.ts): the URL has parameters already, and the audience is one more. */
function createJobIdentity(options) {
    const { client, env, audience, log, nowMs = Date.now } = options;
    let current = null;
    let newest = null;
    const ask = async (signal) => {
        const url = URL.parse(env.ACTIONS_ID_TOKEN_REQUEST_URL ?? '');
        if (url === null)
            throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('internal', 'The runner gives no URL for the tokens of this job.');
        url.searchParams.set('audience', audience);
        const answer = await client.request({
            method: 'GET',
            url,
            headers: { accept: 'application/json' },
            credentials: { kind: 'bearer', token: env.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? '' },
            accept: [200],
            limitBytes: MAX_ANSWER_BYTES,
            signal,
        });
        const token = (0,_json_fields_js__WEBPACK_IMPORTED_MODULE_2__/* .jsonFields */ .y)(answer.bytes, "GitHub's answer with a token for this job").text('value');
        log.mask(token);
        return token;
    };
    /** For all who wait: that one of them is cancelled is nothing to the others. */
    const begin = () => {
        const askedMs = nowMs();
        const held = { token: ask(AbortSignal.timeout(LONGEST_WAIT_MS)), freshUntilMs: Number.POSITIVE_INFINITY };
        held.token.then((token) => {
            newest = token;
            held.freshUntilMs = askedMs + (lifeMsOf(token, askedMs) ?? UNKNOWN_LIFE_MS) - RENEW_BEFORE_MS;
        }, () => {
            if (current === held)
                current = null;
        });
        return held;
    };
    return {
        async token(signal) {
            if (current === null || nowMs() >= current.freshUntilMs)
                current = begin();
            return (0,_waiting_cancel_js__WEBPACK_IMPORTED_MODULE_1__/* .orAborted */ .H6)(current.token, signal, 'Asking GitHub for a token for this job');
        },
        forget(refused) {
            if (refused !== newest)
                return false;
            current = null;
            newest = null;
            return true;
        },
    };
}
/**
 * How long a JSON Web Token lives that was asked for just now: by the clock of who made it, from which ours may differ. `null` when it does not say. It is not checked:
 * that is for whom it is for.
 */
function lifeMsOf(token, askedMs) {
    try {
        const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
        if (typeof payload !== 'object' || payload === null)
            return null;
        const [issued, end] = [Reflect.get(payload, 'iat'), Reflect.get(payload, 'exp')];
        if (typeof end !== 'number')
            return null;
        return end * 1000 - (typeof issued === 'number' ? issued * 1000 : askedMs);
    }
    catch {
        return null;
    }
}


/***/ }),

/***/ 9488:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   b: () => (/* binding */ jsonTexts),
/* harmony export */   y: () => (/* binding */ jsonFields)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);

/** Reads an answer that should be an object. `what` begins the messages: `The answer of cachix.org`. */
function jsonFields(bytes, what) {
    return fieldsOf(jsonValue(bytes, what), what);
}
/** Reads an answer that should be a list of texts. */
function jsonTexts(bytes, what) {
    return textsOf(jsonValue(bytes, what), what);
}
function fieldsOf(value, what) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw strange(what, 'is not an object');
    const fields = new Map(Object.entries(value));
    const wrong = (name, wanted) => strange(what, `has no ${wanted} \`${name}\``);
    const textOrNull = (name) => {
        const text = fields.get(name) ?? null;
        if (text === null || typeof text === 'string')
            return text;
        throw wrong(name, 'text');
    };
    const fieldsOrNull = (name) => {
        const inner = fields.get(name) ?? null;
        return inner === null ? null : fieldsOf(inner, `\`${name}\` in ${what}`);
    };
    return {
        textOrNull,
        fieldsOrNull,
        text(name) {
            const text = textOrNull(name);
            if (text === null)
                throw wrong(name, 'text');
            return text;
        },
        boolean(name) {
            const truth = fields.get(name);
            if (typeof truth !== 'boolean')
                throw wrong(name, 'boolean');
            return truth;
        },
        numberOrNull(name) {
            const number = fields.get(name) ?? null;
            if (number === null || typeof number === 'number')
                return number;
            throw wrong(name, 'number');
        },
        texts: (name) => textsOf(fields.get(name), `\`${name}\` in ${what}`),
        fields(name) {
            const inner = fieldsOrNull(name);
            if (inner === null)
                throw wrong(name, 'object');
            return inner;
        },
        names: () => [...fields.keys()],
    };
}
function textsOf(value, what) {
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
        throw strange(what, 'is not a list of texts');
    return value;
}
function jsonValue(bytes, what) {
    try {
        const value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
        return value;
    }
    catch (cause) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('cache-invalid', `${what} is not JSON.`, { hint: 'Is that the right server?', cause });
    }
}
function strange(what, why) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('cache-invalid', `${what} ${why}.`);
}


/***/ }),

/***/ 1347:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   d: () => (/* binding */ netrcCredentials)
/* harmony export */ });
/* harmony import */ var _nix_netrc_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6188);

/** What the netrc has for the host of `url`, as Nix would send it. */
function netrcCredentials(entries, url) {
    const entry = (0,_nix_netrc_js__WEBPACK_IMPORTED_MODULE_0__/* .findNetrc */ .kE)(entries, url.hostname);
    return entry === null ? null : { kind: 'basic', username: entry.login, password: entry.password };
}


/***/ }),

/***/ 4926:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   c: () => (/* binding */ openReader),
/* harmony export */   f: () => (/* binding */ openBackend)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);

/** Opens the backend for a cache with an address, and loads the code for its kind alone. Asks nothing of the cache yet. */
async function openBackend(target, means) {
    switch (target.kind) {
        case 'http': {
            const [{ openHttpStore }, { createBinaryCache }] = await Promise.all([
                __webpack_require__.e(/* import() */ 102).then(__webpack_require__.bind(__webpack_require__, 7102)),
                __webpack_require__.e(/* import() */ 825).then(__webpack_require__.bind(__webpack_require__, 9825)),
            ]);
            const { url: baseUrl, pushUrl, substituter, credentials } = target;
            const store = openHttpStore({ baseUrl, pushUrl, credentials, netrc: means.netrc, client: means.client });
            const cache = createBinaryCache({ ...means, kind: 'http', store, substituter });
            if (credentials?.kind !== 'bearer')
                return cache;
            const { withBearerReads } = await __webpack_require__.e(/* import() */ 131).then(__webpack_require__.bind(__webpack_require__, 2131));
            return withBearerReads(cache, { baseUrl, token: credentials.token, client: means.client });
        }
        case 'attic': {
            const { createAtticCache } = await __webpack_require__.e(/* import() */ 493).then(__webpack_require__.bind(__webpack_require__, 1493));
            return createAtticCache({ ...means, target });
        }
        case 'cachix': {
            const [{ createCachix }, { cachixToken }, openReading] = await Promise.all([
                __webpack_require__.e(/* import() */ 211).then(__webpack_require__.bind(__webpack_require__, 7211)),
                Promise.resolve(/* import() */).then(__webpack_require__.bind(__webpack_require__, 3918)),
                binaryCacheOpener(means, 'cachix'),
            ]);
            return createCachix({ ...means, target: { ...target, token: cachixToken(target, means.netrc) }, openReading });
        }
        case 'niks3': {
            const [{ createNiks3 }, openReading] = await Promise.all([__webpack_require__.e(/* import() */ 608).then(__webpack_require__.bind(__webpack_require__, 4608)), binaryCacheOpener(means, 'niks3')]);
            return createNiks3({ ...means, target, openReading });
        }
        case 'file': {
            const [{ openFileStore }, { createBinaryCache }] = await Promise.all([
                __webpack_require__.e(/* import() */ 212).then(__webpack_require__.bind(__webpack_require__, 3212)),
                __webpack_require__.e(/* import() */ 825).then(__webpack_require__.bind(__webpack_require__, 9825)),
            ]);
            return createBinaryCache({ ...means, kind: 'file', store: openFileStore(target.folder), substituter: target.substituter });
        }
        case 's3': {
            const { openS3Cache } = await Promise.all(/* import() */[__webpack_require__.e(711), __webpack_require__.e(837)]).then(__webpack_require__.bind(__webpack_require__, 2837));
            return openS3Cache(target, means);
        }
        case 'nix-copy': {
            const { createNixCopy } = await __webpack_require__.e(/* import() */ 193).then(__webpack_require__.bind(__webpack_require__, 7955));
            if (means.nixStores === undefined)
                throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('internal', 'There is no Nix to copy with.');
            return createNixCopy({ ...means, target, nix: means.nixStores });
        }
    }
}
/** Opens a server's cache as Nix reads it, at the URL that the server names: what is trusted there are its own keys too. */
async function binaryCacheOpener(means, kind) {
    const [{ openHttpStore }, { createBinaryCache }] = await Promise.all([__webpack_require__.e(/* import() */ 102).then(__webpack_require__.bind(__webpack_require__, 7102)), __webpack_require__.e(/* import() */ 825).then(__webpack_require__.bind(__webpack_require__, 9825))]);
    return (baseUrl, netrc, publicKeys) => {
        const reading = { baseUrl, pushUrl: null, credentials: null, netrc: [...netrc, ...means.netrc], client: means.client };
        const trusted = [...means.publicKeys, ...publicKeys];
        return createBinaryCache({ ...means, kind, store: openHttpStore(reading), substituter: baseUrl.href, publicKeys: trusted });
    };
}
/** Opens a cache that the local substituter serves, because Nix can't read it by itself. Asks nothing of it: whoever found it to be served has read from it. */
async function openReader(target, means) {
    const { createBinaryCacheReader } = await __webpack_require__.e(/* import() */ 62).then(__webpack_require__.bind(__webpack_require__, 1062));
    switch (target.kind) {
        case 'http': {
            const { openHttpStore } = await __webpack_require__.e(/* import() */ 102).then(__webpack_require__.bind(__webpack_require__, 7102));
            const { url: baseUrl, pushUrl, credentials } = target;
            const store = openHttpStore({ baseUrl, pushUrl, credentials, netrc: means.netrc, client: means.client }, true);
            return createBinaryCacheReader(store, means.storeDir);
        }
        case 's3': {
            const { openS3 } = await Promise.all(/* import() */[__webpack_require__.e(711), __webpack_require__.e(555)]).then(__webpack_require__.bind(__webpack_require__, 4555));
            return createBinaryCacheReader(openS3(target, means, true), means.storeDir);
        }
        default:
            throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('input-invalid', `Nix reads ${target.place} by itself: it need not be served.`);
    }
}


/***/ }),

/***/ 5015:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   W: () => (/* binding */ spawnDetached)
/* harmony export */ });
/* harmony import */ var node_child_process__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1421);
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1455);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9473);



/** Of the step that starts it: not for a process that outlives the step. */
const NOT_FOR_DAEMON = /^(?:INPUT|STATE)_/i;
/**
 * Starts a process that the runner does not wait for: it holds no pipe of ours, is in a session of its own, and keeps `RUNNER_TRACKING_ID`, by which the runner
 * finds and ends it at the end of the job should post not come to it. @throws CacheError `file-failed`
 */
async function spawnDetached({ nodePath, script, argument, env, log }) {
    const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !NOT_FOR_DAEMON.test(name)));
    const output = await openLog(log);
    try {
        const child = (0,node_child_process__WEBPACK_IMPORTED_MODULE_0__.spawn)(nodePath, [script, argument], {
            detached: true,
            stdio: ['ignore', output.fd, output.fd],
            env: kept,
            // Not the workspace, which a later step may want to remove.
            cwd: '/',
        });
        child.unref();
        let end = null;
        child.once('error', (error) => {
            end = `could not be started (${(0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .systemCode */ .xU)(error) ?? error.message})`;
        });
        child.once('exit', (status, by) => {
            end = `ended with ${by ?? `status ${status}`}`;
        });
        return { process: child, end: () => end };
    }
    finally {
        await output.close();
    }
}
async function openLog(file) {
    try {
        return await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_1__.open)(file, 'a', 0o600);
    }
    catch (cause) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .CacheError */ .xA('file-failed', `${file} can't be written (${(0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .systemCode */ .xU)(cause) ?? 'unknown'}).`, { cause });
    }
}


/***/ }),

/***/ 863:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   W_: () => (/* binding */ isRunning),
/* harmony export */   a7: () => (/* binding */ signalProcess),
/* harmony export */   cu: () => (/* binding */ identityOf),
/* harmony export */   hY: () => (/* binding */ ownIdentity)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3024);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);


/** The process that runs this. */
function ownIdentity() {
    return identityOf(process.pid);
}
/** A process that runs now, such as a child. */
function identityOf(pid) {
    return { pid, startTime: readStat(pid)?.startTime ?? null };
}
/** Whether the very process still runs. One that has ended and that nobody waited for (a zombie) does not. */
function isRunning({ pid, startTime }) {
    const stat = readStat(pid);
    if (stat !== null)
        return stat.state !== 'Z' && stat.state !== 'X' && (startTime === null || stat.startTime === startTime);
    if (startTime !== null)
        return false;
    return sendSignal(pid, 0);
}
/** Sends a signal if the very process still runs. Whether it was sent. */
function signalProcess(identity, signal) {
    return isRunning(identity) && sendSignal(identity.pid, signal);
}
function sendSignal(pid, signal) {
    try {
        return process.kill(pid, signal);
    }
    catch (error) {
        // Of another user, so none of ours; or not there.
        if (['EPERM', 'ESRCH'].includes((0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .systemCode */ .xU)(error) ?? ''))
            return false;
        throw error;
    }
}
/** Fields 3 and 22 of proc_pid_stat(5). The name before them is in parentheses and may hold anything. */
function readStat(pid) {
    try {
        const stat = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readFileSync)(`/proc/${pid}/stat`, 'utf8');
        const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const startTime = fields[18];
        return state === undefined || startTime === undefined ? null : { state, startTime };
    }
    catch {
        return null;
    }
}


/***/ }),

/***/ 808:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   P: () => (/* binding */ bodyOfBytes),
/* harmony export */   V: () => (/* binding */ bodyOfText)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);

/** A body that is in memory. */
function bodyOfBytes(bytes) {
    return {
        sizeBytes: bytes.length,
        bytes,
        moveTo: null,
        async *stream() {
            yield bytes;
        },
        part: (start, end) => partOfBytes(bytes.subarray(start, end)),
    };
}
function partOfBytes(bytes) {
    return { ...bodyOfBytes(bytes), md5: async () => (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('md5').update(bytes).digest() };
}
function bodyOfText(text) {
    return bodyOfBytes(Buffer.from(text, 'utf8'));
}


/***/ }),

/***/ 7155:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Ho: () => (/* binding */ parseCachixUrl),
/* harmony export */   JT: () => (/* binding */ cachixTargetAt),
/* harmony export */   nD: () => (/* binding */ cachixKeyName)
/* harmony export */ });
/* harmony import */ var _refusal_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2577);

const HOST = 'https://cachix.org';
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/i;
const FORM = 'write `cachix://name`, with the name of the cache as in `https://name.cachix.org`';
/** `cachix://name`, with Nix's own parameters and `host=https://…` for a server elsewhere. */
function parseCachixUrl(line, credentials) {
    const refuse = (why) => ({ problem: `cache: \`${(0,_refusal_js__WEBPACK_IMPORTED_MODULE_0__/* .withoutUserInfo */ .sl)(line)}\` ${why}.` });
    const [, name, query = ''] = /^cachix:\/\/([^/?#]*)\/?(?:\?([^#]*))?$/.exec(line) ?? [];
    if (name === undefined || !NAME.test(name))
        return refuse(`is not the URL of a cache; ${FORM}`);
    if (credentials !== null && credentials.kind !== 'bearer') {
        return refuse('takes no `username` and `password`; give a token of Cachix as `token`');
    }
    const parameters = query.split('&').filter((parameter) => parameter !== '');
    const [written, ...more] = parameters.filter(isHost).map((parameter) => parameter.slice('host='.length));
    const host = originOf(written ?? HOST);
    if (host === null || more.length > 0)
        return refuse('has a `host=` that is not one server; write `host=https://cachix.example`');
    const forNix = parameters.filter((parameter) => !isHost(parameter));
    return {
        kind: 'cachix',
        place: `cachix://${name}${written === undefined ? '' : `?host=${host.origin}`}`,
        name,
        host,
        parameters: forNix.length === 0 ? '' : `?${forNix.join('&')}`,
        token: credentials?.token ?? null,
    };
}
/** What Cachix calls the key that a cache was made with. Its own tools write the secret key without a name. */
function cachixKeyName({ name, host }) {
    return `${name}.${host.hostname}-1`;
}
/** What a server's API is below. */
const API = /^\/api\/v1\/cache\/([^/]+)\/?$/;
/**
 * The cache that is read at `url`, `null` when nothing says that it is one of Cachix. A server has each cache at `NAME.` before its own host name, which tells for
 * cachix.org and for what lines of `cache` name (`hosts`), and below its API, which tells for every server. Source: cachix/cachix, cachix-api/src/Cachix/API.hs.
 */
function cachixTargetAt(url, hosts) {
    const [, named] = API.exec(url.pathname) ?? [];
    const below = url.pathname === '/' ? [new URL(HOST), ...hosts].find((host) => isBelow(url, host)) : undefined;
    const host = named === undefined ? below : new URL(url.origin);
    const name = named ?? url.host.split('.', 1)[0] ?? '';
    if (host === undefined || !NAME.test(name))
        return null;
    return { kind: 'cachix', place: url.origin + url.pathname.replace(/\/$/, ''), name, host, parameters: '', token: null };
}
/** Whether the host of `url` is that of `host` with one name before it. */
function isBelow(url, host) {
    return url.protocol === host.protocol && url.host.slice(url.host.indexOf('.') + 1) === host.host;
}
function isHost(parameter) {
    return parameter.startsWith('host=');
}
/** `null` when it is no plain origin over HTTP. */
function originOf(written) {
    const url = /^https?(:|%3A)/i.test(written) ? parsed(decoded(written)) : null;
    const isOrigin = url !== null && url.username === '' && url.password === '' && `${url.pathname}${url.search}${url.hash}` === '/';
    return isOrigin ? url : null;
}
function decoded(text) {
    try {
        return decodeURIComponent(text);
    }
    catch {
        return '';
    }
}
function parsed(text) {
    return URL.canParse(text) ? new URL(text) : null;
}


/***/ }),

/***/ 2805:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   f: () => (/* binding */ parseHttpUrl),
/* harmony export */   g: () => (/* binding */ substituterUrl)
/* harmony export */ });
/* harmony import */ var _refusal_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2577);

const HTTP = '`https://…` and `http://…`';
const BUILT = '`https://…`, `http://…`, `s3://…`, `attic://…`, `cachix://…`, `niks3://…`, `file:///…`, `ssh-ng://…`, `ssh://…` and `actions-cache`';
/** Reads an `http(s)://` URL without user info or fragment; parameters stay. */
function parseHttpUrl(line, input) {
    const allowed = input === 'cache' ? BUILT : HTTP;
    const bare = line.includes('://') ? line : `missing://${line}`;
    const url = URL.canParse(bare) ? new URL(bare) : null;
    if (url === null)
        return { problem: `${input}: \`${(0,_refusal_js__WEBPACK_IMPORTED_MODULE_0__/* .withoutUserInfo */ .sl)(line)}\` is not a URL; allowed are ${allowed}.` };
    if (url.username !== '' || url.password !== '') {
        return {
            problem: `${input}: \`${(0,_refusal_js__WEBPACK_IMPORTED_MODULE_0__/* .withoutUserInfo */ .sl)(line)}\` has credentials inside, which would end in logs and in Nix's configuration; ` +
                'give them as the inputs `username` and `password`, `token` or `netrc`.',
        };
    }
    if (url.protocol === 'missing:') {
        return { problem: `${input}: \`${(0,_refusal_js__WEBPACK_IMPORTED_MODULE_0__/* .withoutUserInfo */ .sl)(line)}\` has no scheme; write \`https://${(0,_refusal_js__WEBPACK_IMPORTED_MODULE_0__/* .withoutUserInfo */ .sl)(line)}\`.` };
    }
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
        return { problem: `${input}: \`${(0,_refusal_js__WEBPACK_IMPORTED_MODULE_0__/* .withoutUserInfo */ .sl)(line)}\` is of an unknown kind; this version has ${allowed}.` };
    }
    if (/\s/.test(line))
        return { problem: `${input}: \`${(0,_refusal_js__WEBPACK_IMPORTED_MODULE_0__/* .withoutUserInfo */ .sl)(line)}\` ${_refusal_js__WEBPACK_IMPORTED_MODULE_0__/* .BLANK_INSIDE */ .KP}.` };
    // An empty one, too: in nix.conf it begins a comment.
    if (line.includes('#'))
        return { problem: `${input}: \`${(0,_refusal_js__WEBPACK_IMPORTED_MODULE_0__/* .withoutUserInfo */ .sl)(line)}\` has a fragment (\`#…\`); leave it out.` };
    return url;
}
/**
 * The store URL as it is written into Nix's configuration. Nix compares it as text with `trusted-substituters`, so nothing but an
 * empty path's slash is normalized away.
 */
function substituterUrl(url) {
    return url.pathname === '/' ? `${url.origin}${url.search}` : url.href;
}


/***/ }),

/***/ 2577:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   KP: () => (/* binding */ BLANK_INSIDE),
/* harmony export */   jj: () => (/* binding */ parametersSetElsewhere),
/* harmony export */   lS: () => (/* binding */ setElsewhere),
/* harmony export */   sl: () => (/* binding */ withoutUserInfo)
/* harmony export */ });
/** For a problem's text: credentials inside of a URL must not be repeated. A password may hold slashes, and what is hidden too much harms nobody. */
function withoutUserInfo(text) {
    return text.replace(/\/\/.*@/s, '//***@').replace(/^[^/:]*:[^/]*@/, '***@');
}
/** Of a line that goes on behind a blank: a URL parser takes that for part of the path, and `nix.conf` for the next URL. */
const BLANK_INSIDE = 'has a blank inside; each URL has a line of its own, and a blank in a path is `%20`';
/** Parameters of a store URL that `nix copy` heeds: they would change what is in the cache, and would go unheard here. */
const ELSEWHERE = new Map([
    ['secret-key', 'use the input `signing-key`'],
    ['secret-keys', 'use the input `signing-key`'],
    ['compression', 'use the input `compression`'],
    ['compression-level', 'use the input `compression-level`'],
    ['narinfo-compression', 'narinfos are not compressed here; leave it out'],
    ['ls-compression', 'no listings are written here; leave it out'],
    ['log-compression', 'no build logs are written here; leave it out'],
    ['write-nar-listing', 'no listings are written here; leave it out'],
    ['index-debug-info', 'debug information is not indexed here; leave it out'],
]);
/** What is wrong with a parameter that has an input in its place, or none here; `null` for all others. */
function setElsewhere(name) {
    const instead = ELSEWHERE.get(name);
    return instead === undefined ? null : `has the parameter \`${name}\`: ${instead}.`;
}
/** The same for all parameters of a line. */
function parametersSetElsewhere(line) {
    const [, query = ''] = /\?([^#]*)/.exec(line) ?? [];
    for (const parameter of query.split('&')) {
        const problem = setElsewhere(parameter.replace(/=.*/s, ''));
        if (problem !== null)
            return problem;
    }
    return null;
}


/***/ }),

/***/ 9238:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  X: () => (/* binding */ ACTIONS_CACHE),
  h: () => (/* binding */ parseCacheTarget)
});

// EXTERNAL MODULE: ./build/cache-target/refusal.js
var refusal = __webpack_require__(2577);
;// CONCATENATED MODULE: ./build/cache-target/attic.js

/** Source: attic/attic/src/cache.rs, CACHE_NAME_REGEX. */
const CACHE_NAME = /^[A-Za-z0-9][A-Za-z0-9_+-]{0,49}$/;
const FORM = 'write `attic://host/cache`, with the path of the server before the name of the cache where it has one';
/** `attic://host[:port][/prefix]/cache`, and `attic+http://…` for a server without TLS. */
function parseAtticUrl(line, credentials) {
    const shown = (0,refusal/* withoutUserInfo */.sl)(line);
    const [, scheme, rest = ''] = /^(attic|attic\+http):\/\/([^/].*)$/.exec(line) ?? [];
    const text = `${scheme === 'attic+http' ? 'http' : 'https'}://${rest}`;
    if (scheme === undefined || !URL.canParse(text))
        return { problem: `cache: \`${shown}\` is not a URL; ${FORM}.` };
    const url = new URL(text);
    if (url.username !== '' || url.password !== '') {
        return {
            problem: `cache: \`${shown}\` has credentials inside, which would end in logs; give the token as the input \`token\`.`,
        };
    }
    if (/\s/.test(line))
        return { problem: `cache: \`${shown}\` ${refusal/* BLANK_INSIDE */.KP}.` };
    if (line.includes('#'))
        return { problem: `cache: \`${shown}\` has a fragment (\`#…\`); leave it out.` };
    const [, prefix = '', cache = ''] = /^(.*\/)([^/]*)$/.exec(url.pathname.replace(/\/$/, '')) ?? [];
    if (cache === '')
        return { problem: `cache: \`${shown}\` names no cache; ${FORM}.` };
    if (!CACHE_NAME.test(cache)) {
        return {
            problem: `cache: \`${cache}\` is no name that attic allows: up to 50 letters, digits, \`-\`, \`_\` and \`+\`, beginning with a letter or a digit.`,
        };
    }
    // Not `new URL(prefix, …)`: what is behind a leading `//` would be taken for another host.
    const endpoint = new URL(url.origin);
    endpoint.pathname = prefix;
    const place = `${scheme}://${url.host}${prefix}${cache}`;
    return { kind: 'attic', place, endpoint, cache, parameters: url.search, credentials };
}

// EXTERNAL MODULE: ./build/cache-target/cachix.js
var cachix = __webpack_require__(7155);
;// CONCATENATED MODULE: ./build/cache-target/file.js

/** `file:///folder`, as Nix takes it: an absolute path, not encoded, and parameters of Nix's own. Blanks would end it in nix.conf. */
function parseFileUrl(line) {
    const [, path, parameters = ''] = /^file:\/\/(\/[^?#]*)(\?[^#]*)?$/.exec(line) ?? [];
    const folder = path === undefined || !/^[^%\s\0]*$/.test(path) ? null : path.replace(/\/+$/, '');
    if (folder === null || folder === '' || folder.split('/').includes('..')) {
        return {
            problem: `cache: \`${line}\` is not the URL of a folder; write \`file:///folder\`, with an absolute path that has no blanks and no per cent signs.`,
        };
    }
    const elsewhere = (0,refusal/* parametersSetElsewhere */.jj)(line);
    if (elsewhere !== null)
        return { problem: `cache: \`${line}\` ${elsewhere}` };
    return { kind: 'file', place: `file://${folder}`, folder, substituter: `file://${folder}${parameters}` };
}

// EXTERNAL MODULE: ./build/cache-target/http.js
var http = __webpack_require__(2805);
;// CONCATENATED MODULE: ./build/cache-target/niks3.js

/** `niks3://host[:port][/path]`, over https; `niks3+http://…` over plain http. Parameters are Nix's own. */
function parseNiks3Url(line, credentials) {
    const refuse = (why) => ({ problem: `cache: \`${(0,refusal/* withoutUserInfo */.sl)(line)}\` ${why}.` });
    const [, plain, rest = ''] = /^niks3(\+http)?:\/\/([^?#]*)/.exec(line) ?? [];
    const written = `${plain === undefined ? 'https' : 'http'}://${rest}`;
    const url = rest !== '' && URL.canParse(written) ? new URL(written) : null;
    if (url === null || line.includes('#'))
        return refuse('is not the URL of a server; write `niks3://host`');
    if (url.username !== '' || url.password !== '')
        return refuse('has credentials inside; give a token as `token`');
    if (/\s/.test(line))
        return refuse(refusal/* BLANK_INSIDE */.KP);
    if (credentials !== null && credentials.kind !== 'bearer') {
        return refuse('takes no `username` and `password`; give a token as `token`, or let the job have `permissions: id-token: write`');
    }
    if (!url.pathname.endsWith('/'))
        url.pathname += '/';
    const parameters = /\?.*$/.exec(line)?.[0] ?? '';
    return {
        kind: 'niks3',
        place: line.slice(0, line.length - parameters.length).replace(/\/+$/, ''),
        url,
        parameters: parameters === '?' ? '' : parameters,
        token: credentials?.token ?? null,
    };
}

;// CONCATENATED MODULE: ./build/cache-target/nix-store.js

const SCHEMES = /^(?:ssh|ssh-ng|local|unix):\/\/|^(?:local|daemon)(?:$|\?)/;
/** Whether a line of `cache` is a store URL of the kinds above. */
function isNixStoreUrl(line) {
    return SCHEMES.test(line);
}
/**
 * The store URLs of `nix copy` that no other kind takes: `ssh-ng://[user@]host[:port]`, `ssh://…`, `local?root=/folder`, `local:///folder`, `daemon`, `unix:///socket`.
 * Source: nix/src/libstore/store-reference.cc and ssh.cc.
 */
function parseNixStoreUrl(line) {
    const refuse = (why) => ({ problem: `cache: \`${(0,refusal/* withoutUserInfo */.sl)(line)}\` ${why}` });
    const [place = '', parameters] = line.split(/\?(.*)/s);
    if (/[^!-~]/.test(line) || line.includes('#'))
        return refuse('has blanks, `#` or other characters that a store URL has encoded (`%20`).');
    if (parameters !== undefined && !parameters.split('&').every((pair) => /^[\w-]+=/.test(pair))) {
        return refuse('has parameters that are not `name=value`, joined by `&`.');
    }
    const [, scheme = '', authority] = /^(ssh|ssh-ng):\/\/(.*)$/.exec(place) ?? [];
    if (authority === undefined)
        return parseLocal(line, place, parameters, refuse);
    const [, user, host = ''] = /^(?:([^@]*)@)?([^@/]*)\/?$/.exec(authority) ?? [];
    if (user?.includes(':') === true) {
        return refuse('has a password inside; SSH takes a key: give it to an ssh-agent, or name its file with `?ssh-key=/file`.');
    }
    // What begins with a hyphen would be an option of ssh.
    if (user === '' || user?.startsWith('-') === true || !/^(?:[\w][\w.-]*|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/.test(host)) {
        return refuse(`is not the URL of a store behind SSH; write \`${scheme}://user@host\`.`);
    }
    const hasKey = new URLSearchParams(parameters).has('ssh-key');
    return { kind: 'nix-copy', place, substituter: line, ssh: { host, hasKey } };
}
function parseLocal(line, place, parameters, refuse) {
    const root = new URLSearchParams(parameters).get('root');
    const isElsewhere = place === 'daemon' || /^(?:unix|local):\/\/\/./.test(place) || (place === 'local' && root?.startsWith('/') === true);
    if (!isElsewhere)
        return refuse('is no store beside that of this job; write `local?root=/folder`, `unix:///socket` or `daemon`.');
    return { kind: 'nix-copy', place: place === 'local' ? `local?root=${root}` : place, substituter: line, ssh: null };
}

;// CONCATENATED MODULE: ./build/cache-target/s3.js

/** Those that Nix names. */
const STORAGE_CLASSES = [
    'STANDARD',
    'REDUCED_REDUNDANCY',
    'STANDARD_IA',
    'ONEZONE_IA',
    'INTELLIGENT_TIERING',
    'GLACIER',
    'DEEP_ARCHIVE',
    'GLACIER_IR',
];
/** Parameters for whoever reads; Nix gets them as they are. */
const FOR_READERS = ['priority', 'want-mass-query', 'trusted', 'path-info-cache-size', 'system-features'];
/** How Nix itself uploads; nothing of it is seen in the cache, and this action goes about it in its own way. */
const FOR_UPLOADS_BY_NIX = [
    'multipart-upload',
    'multipart-chunk-size',
    'buffer-size',
    'multipart-threshold',
    'parallel-compression',
    'local-nar-cache',
];
const OWN = ['region', 'endpoint', 'scheme', 'profile', 'addressing-style', 'storage-class'];
/**
 * `s3://bucket[/folder]?region=&endpoint=&scheme=&profile=&addressing-style=&storage-class=`, with the meaning and the defaults that they have for Nix.
 * Source: nix/src/libstore/include/nix/store/s3-binary-cache-store.hh (2.34).
 */
function parseS3Url(line, credentials) {
    const problem = (text) => ({ problem: `cache: \`${(0,refusal/* withoutUserInfo */.sl)(line)}\` ${text}` });
    const [, bucket = '', folder = '', query = ''] = /^s3:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/.exec(line) ?? [];
    if (bucket.includes('@'))
        return problem('has credentials inside; give them as the inputs `username` and `password`.');
    if (!/^[a-z0-9][a-z0-9._-]{1,254}$/i.test(bucket))
        return problem('names no bucket; write `s3://bucket?region=…`.');
    const segments = folder.split('/').filter((segment) => segment !== '');
    if (!segments.every((segment) => /^[\w.+=-]+$/.test(segment) && !/^\.+$/.test(segment)))
        return problem('has a folder whose name has other characters than letters, digits and `.+=_-`.');
    const parameters = parametersOf(query);
    if (typeof parameters === 'string')
        return problem(parameters);
    const service = serviceOf(bucket, parameters);
    if (typeof service === 'string')
        return problem(service);
    if (credentials?.kind === 'bearer') {
        return { problem: 'token: given, but the first line of `cache` is S3, which knows none; use `username` and `password`.' };
    }
    const prefix = segments.map((segment) => `${segment}/`).join('');
    const url = `${bucketUrl(bucket, service)}${prefix}`.replace(/\/$/, '');
    const forReaders = query.split('&').filter((parameter) => FOR_READERS.includes(parameter.replace(/=.*/s, '')));
    const profile = parameters.get('profile') ?? '';
    return {
        kind: 's3',
        place: parameters.has('endpoint') ? url : `s3://${bucket}/${prefix}`.replace(/\/$/, ''),
        bucket,
        prefix,
        ...service,
        // What Nix calls it when there is none.
        profile: profile === '' || profile === 'default' ? null : profile,
        credentials,
        line,
        substituter: `${url}${forReaders.length === 0 ? '' : `?${forReaders.join('&')}`}`,
    };
}
/** The parameters of a query by name, or what is wrong with it. */
function parametersOf(query) {
    const found = new Map();
    for (const parameter of query.split('&').filter((text) => text !== '')) {
        const [, name = '', encoded = ''] = /^([^=]*)=?(.*)$/s.exec(parameter) ?? [];
        const elsewhere = (0,refusal/* setElsewhere */.lS)(name);
        if (elsewhere !== null)
            return elsewhere;
        if (![...OWN, ...FOR_READERS, ...FOR_UPLOADS_BY_NIX].includes(name))
            return `has the unknown parameter \`${name}\`; those of a bucket are ${OWN.map((own) => `\`${own}\``).join(', ')}.`;
        if (found.has(name))
            return `has the parameter \`${name}\` twice.`;
        if (/%(?![0-9a-f]{2})/i.test(encoded))
            return `has a lone \`%\` in the parameter \`${name}\`.`;
        found.set(name, decoded(encoded));
    }
    return found;
}
function decoded(text) {
    try {
        return decodeURIComponent(text);
    }
    catch {
        return text;
    }
}
function serviceOf(bucket, parameters) {
    const region = parameters.get('region') || 'us-east-1';
    if (!/^[a-z0-9][a-z0-9_-]{0,62}$/i.test(region))
        return 'has a region that is none; write `region=eu-west-1`, for example.';
    const scheme = parameters.get('scheme') || 'https';
    if (scheme !== 'https' && scheme !== 'http')
        return 'has an unknown `scheme`; allowed are `https` and `http`.';
    const given = parameters.get('endpoint') ?? '';
    const endpoint = endpointOf(given === '' ? amazonHost(region) : given, scheme);
    if (endpoint === null)
        return 'has an `endpoint` that is none; write `endpoint=https://host:port` (and no bucket in it).';
    const storageClass = storageClassOf(parameters);
    if (storageClass === undefined)
        return `has an unknown \`storage-class\`; allowed are ${STORAGE_CLASSES.map((name) => `\`${name}\``).join(', ')}.`;
    const style = parameters.get('addressing-style') || 'auto';
    if (style !== 'auto' && style !== 'path' && style !== 'virtual')
        return 'has an unknown `addressing-style`; allowed are `auto`, `path` and `virtual`.';
    if (style === 'virtual' && bucket.includes('.'))
        return 'has a bucket with a dot in its name, for which no certificate is valid with `addressing-style=virtual`.';
    const auto = given === '' && !bucket.includes('.') ? 'virtual' : 'path';
    return { region, endpoint, addressing: style === 'auto' ? auto : style, storageClass };
}
/** `undefined`: an unknown one. */
function storageClassOf(parameters) {
    const given = parameters.get('storage-class') ?? '';
    return given === '' ? null : STORAGE_CLASSES.find((name) => name === given);
}
/** China's partition and the European Sovereign Cloud have domains of their own. Source: partitions.json of the AWS SDKs. */
function amazonHost(region) {
    const domain = region.startsWith('cn-') ? 'com.cn' : region.startsWith('eusc-') ? 'eu' : 'com';
    return `s3.${region}.amazonaws.${domain}`;
}
function endpointOf(text, scheme) {
    const full = text.includes('://') ? text : `${scheme}://${text}`;
    if (!/^https?:\/\/[^@?#]+$/i.test(full) || !URL.canParse(full))
        return null;
    return new URL(full);
}
/** Ends with a slash. */
function bucketUrl(bucket, { endpoint, addressing }) {
    const path = endpoint.pathname.replace(/\/$/, '');
    return addressing === 'path'
        ? `${endpoint.origin}${path}/${bucket}/`
        : `${endpoint.protocol}//${bucket}.${endpoint.host}${path}/`;
}

;// CONCATENATED MODULE: ./build/cache-target/target.js








const ACTIONS_CACHE = { kind: 'actions-cache' };
/** Reads one line of `cache`. */
function parseCacheTarget(line, pushUrl, credentials) {
    if (line === ACTIONS_CACHE.kind)
        return ACTIONS_CACHE;
    if (line.startsWith('file:'))
        return parseFileUrl(line);
    if (line.startsWith('s3:'))
        return parseS3Url(line, credentials);
    if (/^attic(\+http)?:/.test(line))
        return parseAtticUrl(line, credentials);
    if (isNixStoreUrl(line)) {
        if (credentials === null)
            return parseNixStoreUrl(line);
        return {
            problem: `cache: \`${(0,refusal/* withoutUserInfo */.sl)(line)}\` takes no \`username\`, \`password\` or \`token\`; leave them out. ` +
                'SSH uses the key of an ssh-agent or of a file (`?ssh-key=/file`).',
        };
    }
    if (line.startsWith('cachix:'))
        return (0,cachix/* parseCachixUrl */.Ho)(line, credentials);
    if (/^niks3(\+http)?:/.test(line))
        return parseNiks3Url(line, credentials);
    const url = (0,http/* parseHttpUrl */.f)(line, 'cache');
    if ('problem' in url)
        return url;
    const elsewhere = (0,refusal/* parametersSetElsewhere */.jj)(line);
    if (elsewhere !== null)
        return { problem: `cache: \`${(0,refusal/* withoutUserInfo */.sl)(line)}\` ${elsewhere}` };
    const base = new URL(url);
    base.search = '';
    return { kind: 'http', place: (pushUrl ?? base).href, url: base, pushUrl, substituter: (0,http/* substituterUrl */.g)(url), credentials };
}


/***/ }),

/***/ 1863:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   N: () => (/* binding */ answerLine)
/* harmony export */ });
/* harmony import */ var _credentials_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1711);

const LONGEST = 200;
/**
 * The one line that a server's answer has to say, for an error message: the message inside of JSON (Artifactory, Nexus, attic), the
 * title of an HTML page (nginx, proxies), or the first line of plain text. '' when there is nothing readable. Without the credentials that it may be echoing, also where
 * it is cut.
 */
function answerLine(contentType, bytes, credentials) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    // A binary answer (a NAR, an image) has nothing to say.
    if (text.includes('\0') || text.includes('\ufffd'))
        return '';
    const said = contentType.includes('json') || /^\s*[{[]/.test(text) ? jsonMessage(text) : null;
    const title = /<title[^>]*>([^<]*)<\/title>/i.exec(text)?.[1];
    const xmlMessage = /<message>([^<]*)<\/message>/i.exec(text)?.[1];
    const line = said ?? xmlMessage ?? title ?? (/^\s*</.test(text) ? '' : text.trimStart().split('\n', 1)[0]) ?? '';
    const clean = (0,_credentials_js__WEBPACK_IMPORTED_MODULE_0__/* .withoutCredentials */ .r)(line.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim(), credentials);
    return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}…` : clean;
}
/** The first text under a key that servers use for it, at any depth; `null` when there is none. */
function jsonMessage(text) {
    try {
        return messageIn(JSON.parse(text), 0);
    }
    catch {
        return null;
    }
}
const KEYS = ['message', 'error_description', 'detail', 'error', 'errors'];
function messageIn(value, depth) {
    if (typeof value === 'string' && depth > 0)
        return value;
    if (typeof value !== 'object' || value === null || depth > 4)
        return null;
    if (Array.isArray(value))
        return messageIn(value[0], depth + 1);
    const found = KEYS.map((key) => messageIn(Reflect.get(value, key), depth + 1));
    return found.find((message) => message !== null) ?? null;
}


/***/ }),

/***/ 5803:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  u: () => (/* binding */ createHttpClient)
});

// EXTERNAL MODULE: ./build/waiting/cancel.js
var cancel = __webpack_require__(2368);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
;// CONCATENATED MODULE: ./build/http/collect.js
/**
 * Sends a request and keeps the answer, without the stream that `Dispatcher.request` makes for each: of a small request that is a good part of the work.
 * What is longer than wanted is given up, and its connection with it. Rejects when no answer begins, and when `signal` aborts.
 */
function collect(dispatcher, options, wanted, signal) {
    return new Promise((resolve, reject) => {
        let status = 0;
        let reason = '';
        let headers = [];
        let limitBytes = 0;
        let sizeBytes = 0;
        const parts = [];
        let cut = () => undefined;
        const onAbort = () => {
            const reason = new Error('aborted');
            // While it waits for a connection there is nothing to cut.
            reject(reason);
            cut(reason);
        };
        const settle = (ended) => {
            signal.removeEventListener('abort', onAbort);
            const [only] = parts;
            resolve({ status, reason, headers, bytes: parts.length === 1 && only !== undefined ? only : Buffer.concat(parts), ended });
        };
        const giveUp = () => {
            settle('longer');
            cut(new Error('longer than what is wanted'));
        };
        if (signal.aborted)
            return onAbort();
        signal.addEventListener('abort', onAbort, { once: true });
        dispatcher.dispatch(options, {
            onConnect(abort) {
                cut = abort;
                if (signal.aborted)
                    onAbort();
            },
            onHeaders(code, raw, _resume, statusText) {
                // 1xx come before the answer.
                if (code < 200)
                    return true;
                status = code;
                reason = statusText;
                headers = raw;
                const { atMostBytes, startIsEnough } = wanted(code);
                limitBytes = atMostBytes;
                // Of an answer to HEAD it is the length of what GET would give.
                const declared = options.method === 'HEAD' ? null : headerOf(raw, 'content-length');
                if (startIsEnough || !(Number(declared ?? 0) > limitBytes))
                    return true;
                giveUp();
                return false;
            },
            onData(bytes) {
                const left = limitBytes - sizeBytes;
                sizeBytes += bytes.length;
                if (left > 0)
                    parts.push(bytes.length > left ? bytes.subarray(0, left) : bytes);
                if (sizeBytes <= limitBytes)
                    return true;
                giveUp();
                return false;
            },
            onComplete: () => settle('whole'),
            onError(error) {
                signal.removeEventListener('abort', onAbort);
                if (status === 0)
                    reject(error);
                else
                    settle({ error });
            },
        });
    });
}
/** The value of the first header of that name (in lower case), `null` when it is not there. */
function headerOf(headers, name) {
    for (let at = 0; at < headers.length; at += 2) {
        if (headers[at]?.length === name.length && textAt(headers, at).toLowerCase() === name)
            return textAt(headers, at + 1);
    }
    return null;
}
/** All of them, names in lower case. */
function headerPairs(headers) {
    return Array.from({ length: headers.length / 2 }, (_, index) => [
        textAt(headers, 2 * index).toLowerCase(),
        textAt(headers, 2 * index + 1),
    ]);
}
function textAt(headers, at) {
    return headers[at]?.toString('latin1') ?? '';
}

// EXTERNAL MODULE: external "node:zlib"
var external_node_zlib_ = __webpack_require__(8522);
;// CONCATENATED MODULE: ./build/http/content-encoding.js


const DECODERS = {
    gzip: external_node_zlib_.gunzipSync,
    'x-gzip': external_node_zlib_.gunzipSync,
    deflate: external_node_zlib_.inflateSync,
    br: external_node_zlib_.brotliDecompressSync,
    zstd: external_node_zlib_.zstdDecompressSync,
};
/**
 * Takes a `Content-Encoding` off. We ask for none, but some caches store their narinfos encoded (Nix's `narinfo-compression`, niks3) and a
 * plain file server behind them hands them out as they are.
 * @throws CacheError `cache-invalid`: unknown encoding, damaged, or longer than `limitBytes` when decoded
 */
function decodeContent(bytes, encoding, limitBytes, doing) {
    const names = (encoding ?? '')
        .toLowerCase()
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '' && name !== 'identity');
    return names.reduceRight((left, name) => decode(left, name, limitBytes, doing), bytes);
}
function decode(bytes, name, limitBytes, doing) {
    const decoder = isKnown(name) ? DECODERS[name] : null;
    if (decoder === null)
        throw new errors/* CacheError */.xA('cache-invalid', `${doing}: the answer has the unknown Content-Encoding ${JSON.stringify(name)}.`);
    try {
        return decoder(bytes, { maxOutputLength: limitBytes });
    }
    catch (error) {
        throw new errors/* CacheError */.xA('cache-invalid', `${doing}: the answer's Content-Encoding ${name} can't be undone.`, { cause: error });
    }
}
function isKnown(name) {
    return Object.hasOwn(DECODERS, name);
}

;// CONCATENATED MODULE: ./build/http/exchange.js




/** The answer's headers came and its body did not come whole. */
class AnswerBrokeOff extends Error {
    name = 'AnswerBrokeOff';
}
/** Larger bodies are streamed even when they are in memory: only then is each part's progress seen, and a stall told from a slow line. */
const WRITE_AT_ONCE_BYTES = 256 * 1024;
const UNWANTED_BYTES = 16 * 1024;
/** A server may move or check a large upload before it answers; nginx copies it between file systems at disk speed. */
const SETTLING_BYTES_PER_MS = 10_000;
/** @throws CacheError when cancelled, or when the answer is longer than the limit; else whatever undici throws */
async function exchange(connections, asked, timeouts, clock) {
    const doing = `${asked.method} ${asked.url.origin}${asked.url.pathname}`;
    const route = connections.route(asked.url, asked.streamed);
    const body = openBody(asked, clock);
    const sizeBytes = asked.body?.sizeBytes ?? 0;
    const options = {
        origin: route.origin,
        path: route.path,
        method: asked.method,
        headers: { ...asked.headers, ...route.headers, ...(asked.body === null ? {} : { 'content-length': `${sizeBytes}` }) },
        // undici's types leave out that it takes any async iterable (its documentation, `Dispatcher.request`).
        body: body.payload,
        // HEAD too keeps its connection, which undici would close out of distrust of servers from before HTTP/1.1.
        reset: false,
        headersTimeout: timeouts.headersMs + Math.ceil(sizeBytes / SETTLING_BYTES_PER_MS),
        bodyTimeout: timeouts.bodyMs,
    };
    try {
        if (!asked.streamed) {
            const answer = collect(route.dispatcher, options, (status) => wantedOf(asked, status), asked.signal);
            return answerOf(await answer, asked, doing);
        }
        const response = route.dispatcher.request({ ...options, signal: asked.signal });
        return await streamedAnswer(await (0,cancel/* orAborted */.H6)(response, asked.signal, doing), asked);
    }
    catch (error) {
        if (asked.signal.aborted)
            throw (0,cancel/* abortError */.vt)(asked.signal, doing);
        // undici reports its own teardown of the body as well; only the body's own failure has a system code of a file.
        if (isFileError(body.failure)) {
            throw new errors/* CacheError */.xA('file-failed', `${doing}: what was to be sent can't be read (${(0,errors/* systemCode */.xU)(body.failure)}).`, {
                cause: body.failure,
            });
        }
        throw error;
    }
    finally {
        body.end();
    }
}
function openBody({ body, holdBodyMs }, clock) {
    const holds = holdBodyMs > 0;
    const isEmpty = body === null || body.sizeBytes === 0;
    const atOnce = isEmpty || holds || body.sizeBytes > WRITE_AT_ONCE_BYTES ? null : body.bytes;
    if (isEmpty || atOnce !== null)
        return { payload: atOnce, failure: null, end: () => undefined };
    const ended = new AbortController();
    let failure = null;
    async function* watched(sent) {
        const pieces = sent.stream();
        try {
            for await (const piece of holds ? heldBack(pieces, holdBodyMs, clock, ended.signal) : pieces) {
                ended.signal.throwIfAborted();
                yield piece;
            }
        }
        catch (error) {
            failure ??= error;
            throw error;
        }
    }
    return {
        payload: watched(body),
        get failure() {
            return failure;
        },
        end: () => ended.abort(),
    };
}
/** A pause after the first byte (undici sends the head together with that). */
async function* heldBack(pieces, holdMs, clock, ended) {
    let first = true;
    for await (const piece of pieces) {
        if (first) {
            first = false;
            yield piece.subarray(0, 1);
            await clock.sleep(holdMs, ended);
            yield piece.subarray(1);
        }
        else
            yield piece;
    }
}
function wantedOf({ wanted, limitBytes }, status) {
    if (!wanted(status))
        return { atMostBytes: UNWANTED_BYTES, startIsEnough: true };
    // A little of what nobody wants is read, for the connection.
    return { atMostBytes: limitBytes === 0 ? UNWANTED_BYTES : limitBytes, startIsEnough: false };
}
function answerOf({ status, reason, headers, bytes, ended }, asked, doing) {
    const header = (name) => headerOf(headers, name);
    const answer = { status, reason, header, headers: () => joined(headerPairs(headers)), stream: null };
    // The status is the answer, whatever becomes of the text: a server that refuses an upload may cut the line right after it.
    if (!asked.wanted(status))
        return { ...answer, bytes };
    if (asked.limitBytes === 0)
        return { ...answer, bytes: new Uint8Array() };
    if (ended === 'longer')
        throw new errors/* CacheError */.xA('cache-invalid', `${doing}: the answer is longer than ${asked.limitBytes} bytes.`);
    if (ended !== 'whole')
        throw new AnswerBrokeOff(`${doing}: the answer broke off`, { cause: ended.error });
    return { ...answer, bytes: decodeContent(bytes, header('content-encoding'), asked.limitBytes, doing) };
}
function joined(headers) {
    const all = {};
    for (const [name, value] of headers)
        all[name] = name in all ? `${all[name]}, ${value}` : value;
    return all;
}
async function streamedAnswer({ statusCode: status, headers, body }, asked) {
    const all = Object.entries(headers).flatMap(([name, value]) => [value ?? []].flat().map((one) => [name, one]));
    const header = (name) => all.find(([one]) => one === name)?.[1] ?? null;
    const answer = { status, reason: '', header, headers: () => joined(all) };
    if (!asked.wanted(status)) {
        const start = await startOf(body).catch(() => new Uint8Array());
        return { ...answer, bytes: start, stream: null };
    }
    // Its reader is told of an error all the same; but for this, one that comes before it is read would end the process.
    body.on('error', () => undefined);
    return { ...answer, bytes: new Uint8Array(), stream: body };
}
/** For an error message; what is longer is given up, and its connection with it. */
async function startOf(body) {
    const parts = [];
    let leftBytes = UNWANTED_BYTES;
    for await (const part of body) {
        const bytes = part;
        parts.push(bytes.subarray(0, leftBytes));
        leftBytes -= bytes.length;
        if (leftBytes < 0)
            break;
    }
    return Buffer.concat(parts);
}
function isFileError(error) {
    return ['ENOENT', 'EACCES', 'EIO', 'EBADF', 'EISDIR', 'ESTALE', 'EMFILE', 'ENFILE'].includes((0,errors/* systemCode */.xU)(error) ?? '');
}

// EXTERNAL MODULE: ./build/http/failure.js
var failure = __webpack_require__(1923);
// EXTERNAL MODULE: external "node:dns/promises"
var promises_ = __webpack_require__(1553);
// EXTERNAL MODULE: ./node_modules/undici/index.js
var undici = __webpack_require__(6752);
// EXTERNAL MODULE: ./build/http/proxy.js
var http_proxy = __webpack_require__(2749);
;// CONCATENATED MODULE: ./build/http/socks.js



/** A SOCKS proxy did not let us through; the message says why. */
class SocksRefusal extends Error {
    name = 'SocksRefusal';
    /** Whether it may go better the next time. */
    mayPass;
    constructor(message, mayPass) {
        super(message);
        this.mayPass = mayPass;
    }
}
const DEFAULT_PORT = 1080;
/** Whether `proxy` is of a kind that is spoken here: SOCKS 5, with the target's name looked up on this machine or (`h`) by the proxy, as curl has it. */
function isSocks({ protocol }) {
    return protocol === 'socks5:' || protocol === 'socks5h:';
}
/** Connects through a SOCKS 5 proxy (RFC 1928), with user name and password where its URL has them (RFC 1929). */
function socksConnector(proxy, options) {
    const plain = (0,undici/* buildConnector */.gU)({ timeout: options.timeout });
    const secure = (0,undici/* buildConnector */.gU)(options);
    const proxyHost = bare(proxy.hostname);
    const proxyPort = Number(proxy.port || DEFAULT_PORT);
    const { username, password } = (0,http_proxy/* proxyUser */.sP)(proxy);
    const credentials = username === '' ? {} : { userId: username, password };
    const through = async ({ hostname, protocol, port }) => {
        const { SocksClient } = await __webpack_require__.e(/* import() */ 474).then(__webpack_require__.t.bind(__webpack_require__, 2474, 19));
        const name = bare(hostname);
        const host = proxy.protocol === 'socks5h:' ? name : (await (0,promises_.lookup)(name)).address;
        const socket = await called(plain, { hostname: proxyHost, protocol: 'http:', port: `${proxyPort}` });
        try {
            await SocksClient.createConnection({
                command: 'connect',
                proxy: { host: proxyHost, port: proxyPort, type: 5, ...credentials },
                destination: { host, port: Number(port || (protocol === 'https:' ? 443 : 80)) },
                timeout: options.timeout,
                existing_socket: socket,
            });
        }
        catch (error) {
            socket.destroy();
            // Not as the cause: the library's error holds the credentials.
            throw refusalOf(error instanceof Error ? error.message : '', name);
        }
        return socket;
    };
    return (target, callback) => {
        through(target).then((socket) => {
            if (target.protocol === 'https:')
                secure({ ...target, httpSocket: socket }, callback);
            else
                callback(null, socket);
        }, (error) => callback(error instanceof Error ? error : new Error(String(error)), null));
    };
}
/** The connection that a callback tells of. */
function called(connect, target) {
    return new Promise((resolve, reject) => {
        connect(target, (...[error, socket]) => {
            if (error === null)
                resolve(socket);
            else
                reject(error);
        });
    });
}
/** Its errors have no codes; the texts are those of socks/src/common/constants.ts. */
function refusalOf(said, host) {
    if (said.includes('Authentication failed'))
        return new SocksRefusal('the SOCKS proxy refuses the user name and password', false);
    if (said.includes('no accepted authentication type'))
        return new SocksRefusal('the SOCKS proxy wants other credentials', false);
    const [, reply] = /rejected connection - (\w+)/.exec(said) ?? [];
    if (reply === 'NotAllowed')
        return new SocksRefusal(`the SOCKS proxy does not allow ${host}`, false);
    if (reply !== undefined)
        return new SocksRefusal(`the SOCKS proxy did not reach ${host} (${reply})`, true);
    if (said.includes('timed out'))
        return new SocksRefusal('the SOCKS proxy did not answer in time', true);
    if (said.includes('Socket closed'))
        return new SocksRefusal('the SOCKS proxy closed the connection', true);
    return new SocksRefusal('what the proxy answered is not SOCKS 5', false);
}
/** Without the brackets of an IPv6 address. */
function bare(host) {
    return host.replace(/^\[(.*)\]$/, '$1');
}

;// CONCATENATED MODULE: ./build/http/connection-failure.js




/** What undici or Node threw in place of an answer. */
function failureOfError(error, asked) {
    const code = (0,errors/* systemCode */.xU)(error) ?? '';
    const { what, ...rest } = diagnose(error, code, asked);
    const shown = code === '' || what.includes(code) ? '' : ` (${code})`;
    return { ...rest, message: `${(0,failure/* describeRequest */.Ng)(asked.method, asked.url)}: ${what}${shown}`, cause: error, retryAfterMs: null };
}
function diagnose(error, code, asked) {
    return (proxyRefusal(error) ??
        socksRefusal(error) ??
        trustProblem(code, asked.url) ??
        nameProblem(error, code, asked.url) ??
        brokenConnection(error, code) ??
        (code === ''
            ? {
                code: 'internal',
                what: `unexpected failure: ${error instanceof Error ? error.message : String(error)}`,
                hint: 'Please report it, with the log of a run with debug logging.',
                retry: 'no',
            }
            : unreachable('there is no connection', 'yes')));
}
const NO_WAY_THERE = 'Is the server up, and is there a way to it from this runner (firewall, proxy in HTTPS_PROXY)?';
const BROKEN_OFF = 'The log of the server, or of a proxy before it, says why: look for its limits of time and size.';
function unreachable(what, retry, hint = NO_WAY_THERE) {
    return { code: 'cache-unreachable', what, hint, retry };
}
function socksRefusal(error) {
    if (!(error instanceof SocksRefusal))
        return null;
    const hint = 'Is the URL of the proxy right (`socks5h://user:password@host:port`), and does it let this host through?';
    return unreachable(error.message, error.mayPass ? 'yes' : 'no', hint);
}
/** undici's tunnel tells the status of a refused CONNECT in the message alone. */
function proxyRefusal(error) {
    const status = /^Proxy response \((\d+)\)/.exec(error instanceof Error ? error.message : '')?.[1];
    if (status === undefined)
        return null;
    const what = `the proxy refused the tunnel with status ${status}`;
    if (status === '407') {
        return unreachable(what, 'no', 'Put its credentials into HTTPS_PROXY (`http://user:password@host:port`).');
    }
    const hint = 'Let the proxy allow this host, or exempt it in NO_PROXY.';
    return status.startsWith('5') ? unreachable(what, 'yes', hint) : unreachable(what, 'no', hint);
}
const UNTRUSTED = new Set([
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'CERT_UNTRUSTED',
]);
/** Codes: X509_V_ERR_* as Node spells them (node/src/crypto/crypto_common.cc), and those of OpenSSL and of Node's own checks. */
function trustProblem(code, url) {
    const tls = (what, hint) => ({ code: 'cache-tls', what, hint, retry: 'no' });
    if (UNTRUSTED.has(code)) {
        return tls('the certificate of the server is not trusted', 'Name a file with the certificate of your authority in NODE_EXTRA_CA_CERTS (for this action) and NIX_SSL_CERT_FILE (for Nix), in `env` of the job.');
    }
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH' || code === 'UND_ERR_PRX_TLS') {
        return tls('the certificate is for another host', `Use a name of the server that is in its certificate in place of ${url.hostname}.`);
    }
    if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
        return tls('the certificate is not valid at this time', 'Renew it on the server, or correct the clock of this machine.');
    }
    if (code === 'EPROTO' || /^ERR_(SSL|TLS)_/.test(code)) {
        return tls('no TLS connection came about', 'Does the server speak TLS on this port, or should the URL begin with http://?');
    }
    return /^(CERT|CRL|INVALID|UNABLE_TO)_/.test(code)
        ? tls('the certificate of the server is not accepted', 'Check its chain of certificates.')
        : null;
}
function nameProblem(error, code, url) {
    if (code !== 'ENOTFOUND' && code !== 'EAI_AGAIN')
        return null;
    // With a proxy it is the proxy's name that could not be found.
    const host = error instanceof Error && 'hostname' in error && typeof error.hostname === 'string' ? error.hostname : url.hostname;
    return code === 'ENOTFOUND'
        ? unreachable(`the host ${host} is not known`, 'no', 'Is the name right, and can this runner resolve it?')
        : unreachable(`the name ${host} could not be looked up`, 'yes');
}
const STALLED_HINT = 'The server, or a proxy before it, is overloaded or hangs: lower `concurrency`, or look at its log.';
const STALLED = {
    UND_ERR_HEADERS_TIMEOUT: 'the server took no more bytes, or gave no answer',
    UND_ERR_BODY_TIMEOUT: 'the answer stopped coming',
};
function brokenConnection(error, code) {
    const stalled = STALLED[code];
    if (stalled !== undefined)
        return { code: 'cache-stalled', what: stalled, hint: STALLED_HINT, retry: 'yes' };
    if (error instanceof AnswerBrokeOff)
        return unreachable('the answer was cut off', 'yes', BROKEN_OFF);
    const plain = (as, what, hint) => ({ code: as, what, hint, retry: 'no' });
    if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH')
        return plain('file-failed', 'what was to be sent changed its size meanwhile', 'Does something else write into RUNNER_TEMP?');
    if (code === 'UND_ERR_HEADERS_OVERFLOW')
        return plain('cache-invalid', 'the headers of the answer are too long', 'Is the URL that of the cache itself?');
    if (code.startsWith('HPE_'))
        return plain('cache-invalid', 'what came back is not HTTP', 'Is it the right port, and should the URL begin with https://?');
    if (code === 'ECONNREFUSED') {
        return unreachable('the connection was refused', 'yes', 'Is the server up, and does it listen on this port?');
    }
    if (isReset(code))
        return unreachable('the connection broke off', 'yes', BROKEN_OFF);
    if (code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT')
        return unreachable('no connection within the time for it', 'yes');
    return null;
}
/** Whether the other side ended the connection, which may have been its way of refusing an upload half-way. */
function isReset(code) {
    return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED' || code === 'UND_ERR_SOCKET';
}

// EXTERNAL MODULE: ./build/http/credentials.js
var http_credentials = __webpack_require__(1711);
;// CONCATENATED MODULE: ./build/http/redirect.js


const MAX_REDIRECTS = 5;
/** For a PUT only those that keep the method (RFC 9110, section 15.4): after the others it would arrive as a GET. */
const FOLLOWED = { GET: [301, 302, 303, 307, 308], HEAD: [301, 302, 303, 307, 308], PUT: [307, 308] };
/**
 * Where the answer sends the request, or `null` when it does not.
 * @throws CacheError `cache-invalid`: no usable place, from https to http, too many, or a PUT that would become a GET
 */
function redirectTarget(answer, asked, redirects) {
    const { status } = answer;
    if (status < 301 || status > 308 || (status > 303 && status < 307))
        return null;
    const refuse = (why, hint) => {
        throw new errors/* CacheError */.xA('cache-invalid', `${(0,failure/* describeRequest */.Ng)(asked.method, asked.url)} was answered with ${status}, ${why}.`, {
            hint,
        });
    };
    const location = answer.header('location') ?? '';
    const target = location !== '' && URL.canParse(location, asked.url.href) ? new URL(location, asked.url) : null;
    if (target === null || (target.protocol !== 'https:' && target.protocol !== 'http:'))
        return refuse('a redirect to nowhere');
    const follows = asked.method === 'PUT' || asked.method === 'POST' ? FOLLOWED.PUT : FOLLOWED.GET;
    if (!follows.includes(status)) {
        return refuse(`a redirect to ${(0,failure/* shownUrl */.zA)(target)} that an upload can't follow`, 'Name the URL that takes uploads in `push-url`.');
    }
    if (asked.url.protocol === 'https:' && target.protocol === 'http:')
        return refuse('a redirect from https to http');
    if (redirects >= MAX_REDIRECTS)
        return refuse(`the redirect number ${redirects + 1}`);
    target.username = '';
    target.password = '';
    target.hash = '';
    return target;
}

;// CONCATENATED MODULE: ./build/http/attempt.js






/** How long a server gets to refuse an upload on the sight of its head, after it cut the line on the try before. */
const HOLD_BODY_MS = 1_000;
const USER_AGENT = 'nix-cache-action';
/**
 * One try: the request and the redirects that it meets.
 * @throws CacheError for what no further try would mend
 */
async function attempt(request, holdBody, means) {
    let asked = {
        method: request.method,
        url: request.url,
        sizeBytes: request.body?.sizeBytes ?? null,
        credentials: request.credentials ?? null,
        redirectedFrom: null,
    };
    for (let redirects = 0;; redirects++) {
        means.refusedSizes.check(asked);
        const answer = await send(request, asked, holdBody, means).catch((error) => ({ error }));
        if ('error' in answer) {
            if ((0,errors/* isCacheError */.bt)(answer.error))
                throw answer.error;
            return { answer: null, failure: failureOfError(answer.error, asked), wasCut: isReset((0,errors/* systemCode */.xU)(answer.error)) };
        }
        if (request.accept.includes(answer.status))
            return { answer, failure: null };
        const target = redirectTarget(answer, asked, redirects);
        if (target === null) {
            if (answer.status === 413)
                means.refusedSizes.learn(asked);
            return { answer: null, failure: (0,failure/* failureOfAnswer */.aJ)(answer, asked, Date.now()), wasCut: false };
        }
        const credentials = target.origin === asked.url.origin ? asked.credentials : null;
        asked = { ...asked, url: target, credentials, redirectedFrom: asked.url };
    }
}
function send(request, { url, credentials }, holdBody, means) {
    return exchange(means.connections, {
        method: request.method,
        url,
        headers: {
            'user-agent': USER_AGENT,
            ...request.headers,
            ...(credentials === null ? {} : { authorization: (0,http_credentials/* authorization */.i)(credentials) }),
        },
        body: request.body ?? null,
        holdBodyMs: holdBody ? HOLD_BODY_MS : 0,
        wanted: (status) => status < 300 && request.accept.includes(status),
        limitBytes: request.limitBytes,
        streamed: request.streamed ?? false,
        signal: request.signal,
    }, means.timeouts, means.clock);
}

// EXTERNAL MODULE: ./build/http/trust.js
var http_trust = __webpack_require__(339);
;// CONCATENATED MODULE: ./build/http/connections.js






/** An idle connection is dropped before usual servers drop theirs (nginx 75 s); one that says how long it waits is believed. */
const KEEP_ALIVE_MS = 20_000;
/**
 * Answers that are read as they come hold a connection for as long as their reader takes. They have their own, so that nobody waits behind them who asks for
 * little; more than several builds at once read of one cache.
 */
const STREAMS = 256;
/** Pools of connections: a direct one, and one for each proxy that the environment names. Opened when first needed. */
function openConnections(options) {
    const open = new Map();
    let trust;
    const poolOf = (streamed) => ({
        connections: streamed ? STREAMS : options.connections,
        keepAliveTimeout: KEEP_ALIVE_MS,
    });
    const connect = () => {
        if (trust === undefined)
            trust = (0,http_trust/* trustFromEnv */.a)(options.env, options.log);
        return { timeout: options.connectTimeoutMs, ...(trust === null ? {} : { secureContext: trust }) };
    };
    const opened = (name, streamed, make) => {
        const key = streamed ? `${name}, streamed` : name;
        const dispatcher = open.get(key) ?? make(poolOf(streamed));
        open.set(key, dispatcher);
        return dispatcher;
    };
    const direct = (origin, streamed) => origin.startsWith('https:')
        ? opened('https', streamed, (pool) => new undici/* Agent */.g6({ ...pool, connect: connect() }))
        : opened('http', streamed, (pool) => new undici/* Agent */.g6({ ...pool, connect: { timeout: options.connectTimeoutMs } }));
    /** Opened when first needed, and the same for all of an origin: an environment with exceptions takes longer to read than a small request to make. */
    const ways = { small: new Map(), streamed: new Map() };
    const wayTo = (url, streamed) => {
        const { origin } = url;
        const proxy = (0,http_proxy/* proxyFor */.iJ)(url, options.env);
        if (proxy === null)
            return { dispatcher: direct(origin, streamed), origin, pathPrefix: '', headers: {} };
        if (isSocks(proxy)) {
            const through = socksConnector(proxy, connect());
            const agent = opened(`through ${proxy.href}`, streamed, (pool) => new undici/* Agent */.g6({ ...pool, connect: through }));
            return { dispatcher: agent, origin, pathPrefix: '', headers: {} };
        }
        refuseUnknownProxy(proxy);
        const token = proxyToken(proxy);
        if (url.protocol === 'http:') {
            // The whole URL to the proxy, not a tunnel: proxies commonly tunnel to port 443 alone.
            const headers = { host: url.host, ...(token === null ? {} : { 'proxy-authorization': token }) };
            return { dispatcher: direct(proxy.origin, streamed), origin: proxy.origin, pathPrefix: origin, headers };
        }
        const tunnel = opened(`through ${proxy.href}`, streamed, (pool) => {
            const tls = connect();
            return new undici/* ProxyAgent */.kT({ ...pool, uri: proxy.origin, ...(token === null ? {} : { token }), requestTls: tls, proxyTls: tls });
        });
        return { dispatcher: tunnel, origin, pathPrefix: '', headers: {} };
    };
    return {
        route(url, streamed) {
            const known = streamed ? ways.streamed : ways.small;
            const way = known.get(url.origin) ?? wayTo(url, streamed);
            known.set(url.origin, way);
            return { ...way, path: `${way.pathPrefix}${url.pathname}${url.search}` };
        },
        async close() {
            ways.small.clear();
            ways.streamed.clear();
            await Promise.all([...open.values()].map((dispatcher) => dispatcher.destroy()));
            open.clear();
        },
    };
}
function refuseUnknownProxy(proxy) {
    if (proxy.protocol === 'http:' || proxy.protocol === 'https:')
        return;
    throw new errors/* CacheError */.xA('cache-unreachable', `The environment names a proxy of the kind \`${proxy.protocol}//\`, which is not known here.`, {
        hint: 'Use an http://, https://, socks5:// or socks5h:// proxy in HTTPS_PROXY, or exempt the host in NO_PROXY.',
    });
}
function proxyToken(proxy) {
    if (proxy.username === '' && proxy.password === '')
        return null;
    return (0,http_credentials/* authorization */.i)({ kind: 'basic', ...(0,http_proxy/* proxyUser */.sP)(proxy) });
}

;// CONCATENATED MODULE: ./build/http/host-pace.js

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 15_000;
const FIRST_QUIET_MS = 1_000;
/** A host that asks for an hour gets a minute; a CI job has no hour. */
const LONGEST_QUIET_MS = 60_000;
/** Requests that waited for the same quiet time start within this span, not all at once. */
const SPREAD_MS = 1_000;
/** Failures further apart than this are not taken for one outage. */
const SAME_OUTAGE_MS = 120_000;
function createHostPace(options) {
    const { clock, random } = options;
    let limit = options.connections;
    let inFlight = 0;
    let successes = 0;
    let quietUntilMs = Number.NEGATIVE_INFINITY;
    let slowedAtMs = Number.NEGATIVE_INFINITY;
    let slowdowns = 0;
    let failingSinceMs = null;
    let lastFailureMs = Number.NEGATIVE_INFINITY;
    const waiting = new Set();
    const wakeOne = () => {
        for (const wake of waiting) {
            waiting.delete(wake);
            wake();
            return;
        }
    };
    const freePlace = async (signal) => {
        const { promise, resolve } = Promise.withResolvers();
        const wake = () => resolve();
        waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
        await promise;
        signal.removeEventListener('abort', wake);
        // Whoever was woken and can't go passes it on.
        if (!waiting.delete(wake) && signal.aborted)
            wakeOne();
    };
    const slowDown = (setback, nowMs) => {
        // Requests that left before the last slow-down say nothing new about the pace since.
        if (setback.enteredAtMs > slowedAtMs) {
            slowedAtMs = nowMs;
            slowdowns++;
            limit = Math.max(1, Math.floor(limit / 2));
            successes = 0;
        }
        const quietMs = setback.retryAfterMs ?? backoff(random, FIRST_QUIET_MS, slowdowns);
        quietUntilMs = Math.max(quietUntilMs, nowMs + Math.min(quietMs, LONGEST_QUIET_MS));
        return quietUntilMs - nowMs;
    };
    return {
        async enter(signal, doing) {
            for (;;) {
                if (signal.aborted) {
                    // It may be the one that was woken.
                    if (inFlight < limit)
                        wakeOne();
                    (0,cancel/* throwIfAborted */.Te)(signal, doing);
                }
                const nowMs = clock.nowMs();
                const quietMs = quietUntilMs - nowMs;
                if (quietMs > 0)
                    await clock.sleep(quietMs + random() * Math.min(quietMs, SPREAD_MS), signal);
                else if (inFlight >= limit)
                    await freePlace(signal);
                else {
                    inFlight++;
                    if (inFlight < limit)
                        wakeOne();
                    return nowMs;
                }
            }
        },
        leave() {
            inFlight--;
            if (inFlight < limit)
                wakeOne();
        },
        succeeded() {
            failingSinceMs = null;
            slowdowns = 0;
            if (limit < options.connections && ++successes >= limit) {
                successes = 0;
                limit++;
            }
        },
        failed(setback) {
            const nowMs = clock.nowMs();
            if (failingSinceMs === null || nowMs - lastFailureMs > SAME_OUTAGE_MS)
                failingSinceMs = nowMs;
            lastFailureMs = nowMs;
            const waitMs = setback.overloaded
                ? slowDown(setback, nowMs)
                : Math.max(Math.min(setback.retryAfterMs ?? 0, LONGEST_QUIET_MS), backoff(random, FIRST_DELAY_MS, setback.attempt));
            if (setback.attempt >= options.attempts || nowMs + waitMs - failingSinceMs > options.patienceMs)
                return null;
            // The shared quiet time is waited for on entering.
            return setback.overloaded ? 0 : waitMs;
        },
    };
}
/** Full jitter: anything up to the bound that doubles each time (Brooker, "Exponential Backoff And Jitter", 2015). */
function backoff(random, firstMs, time) {
    return random() * Math.min(LONGEST_DELAY_MS, firstMs * 2 ** (time - 1));
}

;// CONCATENATED MODULE: ./build/http/refused-sizes.js


function createRefusedSizes() {
    /** The smallest refused size by origin. */
    const smallest = new Map();
    return {
        check({ method, url, sizeBytes }) {
            const refused = smallest.get(url.origin);
            if (refused === undefined || sizeBytes === null || sizeBytes < refused)
                return;
            throw new errors/* CacheError */.xA('cache-too-large', `${(0,failure/* describeRequest */.Ng)(method, url)}: ${(0,failure/* megabytes */.ix)(sizeBytes)} not sent, since the server refused ${(0,failure/* megabytes */.ix)(refused)} before.`, { hint: 'Raise its limit (nginx: `client_max_body_size`), or leave such paths out with `max-path-size`.' });
        },
        learn({ url, sizeBytes }) {
            if (sizeBytes !== null)
                smallest.set(url.origin, Math.min(sizeBytes, smallest.get(url.origin) ?? sizeBytes));
        },
    };
}

;// CONCATENATED MODULE: ./build/http/client.js






function createHttpClient(options) {
    const { env, log, clock = cancel/* systemClock */.ml, connections: perHost = 32 } = options;
    const { random = Math.random, attempts = 8, patienceMs = 90_000 } = options;
    const means = {
        connections: openConnections({ env, log, connections: perHost, connectTimeoutMs: options.connectTimeoutMs ?? 15_000 }),
        refusedSizes: createRefusedSizes(),
        timeouts: options.timeouts ?? { headersMs: 60_000, bodyMs: 60_000 },
        clock,
    };
    const paces = new Map();
    const paceOf = (origin) => {
        const pace = paces.get(origin) ?? createHostPace({ clock, random, connections: perHost, attempts, patienceMs });
        paces.set(origin, pace);
        return pace;
    };
    return {
        request: (request) => untilAnswered(request, paceOf(request.url.origin), means, log),
        close: () => means.connections.close(),
    };
}
async function untilAnswered(request, pace, means, log) {
    let doing = (0,failure/* describeRequest */.Ng)(request.method, request.url);
    let holdBody = false;
    for (let number = 1;; number++) {
        const enteredAtMs = await pace.enter(request.signal, doing);
        const result = await attempt(request, holdBody, means).finally(() => pace.leave());
        if (result.failure === null) {
            pace.succeeded();
            return result.answer;
        }
        const { retry, retryAfterMs, message } = result.failure;
        const setback = { overloaded: retry === 'overloaded', retryAfterMs, attempt: number, enteredAtMs };
        const waitMs = retry === 'no' ? null : pace.failed(setback);
        if (waitMs === null)
            throw (0,failure/* errorOf */.Mz)(result.failure, number);
        log.debug(`${message}; trying again (${number})`);
        // A server may refuse an upload (413, 401) and close before it is heard. With the body held back the refusal can be read.
        holdBody = result.wasCut;
        doing = message;
        await means.clock.sleep(waitMs, request.signal);
        (0,cancel/* throwIfAborted */.Te)(request.signal, doing);
    }
}


/***/ }),

/***/ 1711:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   i: () => (/* binding */ authorization),
/* harmony export */   r: () => (/* binding */ withoutCredentials)
/* harmony export */ });
/** The value of the header `Authorization`. Sent with the first request already: some servers (Artifactory) never ask for it on HEAD. */
function authorization(credentials) {
    return credentials.kind === 'bearer' ? `Bearer ${credentials.token}` : `Basic ${basicToken(credentials)}`;
}
/** `text`, which a server wrote, without the credentials that it may be echoing. */
function withoutCredentials(text, credentials) {
    if (credentials === null)
        return text;
    const secrets = credentials.kind === 'bearer' ? [credentials.token] : [credentials.password, basicToken(credentials), credentials.username];
    return secrets.filter((secret) => secret !== '').reduce((left, secret) => left.replaceAll(secret, '***'), text);
}
function basicToken(credentials) {
    return Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64');
}


/***/ }),

/***/ 1923:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Mz: () => (/* binding */ errorOf),
/* harmony export */   Ng: () => (/* binding */ describeRequest),
/* harmony export */   aJ: () => (/* binding */ failureOfAnswer),
/* harmony export */   ix: () => (/* binding */ megabytes),
/* harmony export */   zA: () => (/* binding */ shownUrl)
/* harmony export */ });
/* harmony import */ var node_http__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7067);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);
/* harmony import */ var _answer_text_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(1863);



function errorOf(failure, attempts) {
    const message = attempts > 1 ? `${failure.message} (after ${attempts} attempts)` : failure.message;
    return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA(failure.code, `${message}.`, { hint: failure.hint ?? undefined, cause: failure.cause });
}
/** Method and URL, without what may be secret in a URL: user info, query (signed URLs) and fragment. */
function describeRequest(method, url) {
    return `${method} ${shownUrl(url)}`;
}
function shownUrl(url) {
    return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`;
}
/** An answer whose status is not one that the caller takes. `nowMs` is the wall clock's time, for dates in `Retry-After`. */
function failureOfAnswer(answer, asked, nowMs) {
    const { status } = answer;
    const line = lineOf(answer, asked.credentials);
    // Error pages of web servers say the status once more, and nothing else.
    const said = /^\d{3} [\w ]+$/.test(line) && line.startsWith(`${status} `) ? '' : line;
    const name = node_http__WEBPACK_IMPORTED_MODULE_0__.STATUS_CODES[status] === undefined ? `${status}` : `${status} ${node_http__WEBPACK_IMPORTED_MODULE_0__.STATUS_CODES[status]}`;
    const meaning = meaningOf(status, asked);
    return {
        ...meaning,
        message: `${describeRequest(asked.method, asked.url)} was answered with ${name}${said === '' ? '' : ` ("${said}")`}`,
        cause: undefined,
        retryAfterMs: retryAfterMs(answer.header('retry-after'), nowMs) ?? retryAfterInJsonMs(answer.bytes),
    };
}
/** What the body has to say; or else the status line, where it says more than the number (Nexus). */
function lineOf({ status, reason, header, bytes }, credentials) {
    const line = (0,_answer_text_js__WEBPACK_IMPORTED_MODULE_2__/* .answerLine */ .N)(header('content-type') ?? '', bytes, credentials);
    if (line !== '' || reason.toLowerCase() === node_http__WEBPACK_IMPORTED_MODULE_0__.STATUS_CODES[status]?.toLowerCase())
        return line;
    return (0,_answer_text_js__WEBPACK_IMPORTED_MODULE_2__/* .answerLine */ .N)('text/plain', Buffer.from(reason), credentials);
}
const NOT_A_CACHE = 'Is the URL that of the cache itself (no login page, no API)? The log of the server may say more.';
/** HTTP version not supported, network authentication required. */
const LASTING = new Set([505, 511]);
const SEE_ITS_LOG = 'The server failed: its own log says why.';
function meaningOf(status, asked) {
    const final = (code, hint) => ({ code, hint, retry: 'no' });
    const writes = asked.method === 'PUT';
    switch (status) {
        case 401:
            return final('cache-unauthorized', unauthorizedHint(asked));
        case 403:
            return final('cache-forbidden', writes
                ? 'Its user may not write there: give it the permission to deploy (and to overwrite), or check `push-url`.'
                : `Its user may not read there, or ${asked.credentials === null ? 'credentials are missing' : 'the URL names another repository'}.`);
        case 404:
        case 410:
            return final('cache-not-found', 'Is the path of the URL that of the repository? Create it on the server, or correct the URL.');
        case 405:
        case 501:
            if (!writes)
                return final('cache-invalid', NOT_A_CACHE);
            return final('cache-read-only', 'The server takes no uploads there: name the URL that does in `push-url`, switch them on (nginx: `dav_methods PUT`), or set `push: never`.');
        case 407:
            return final('cache-unreachable', 'The proxy wants credentials: put them into HTTPS_PROXY (`http://user:password@host:port`).');
        case 409:
            return final('cache-invalid', writes ? 'Does the folder exist there (nginx: `create_full_put_path on`)?' : NOT_A_CACHE);
        case 413:
            return final('cache-too-large', `It refuses ${megabytes(asked.sizeBytes ?? 0)} in one request: raise its limit (nginx: \`client_max_body_size\`), or leave such paths out with \`max-path-size\`.`);
        case 429:
            return { code: 'cache-throttled', hint: 'It limits the rate of requests: lower `concurrency`.', retry: 'overloaded' };
        case 503:
            return { code: 'cache-failing', hint: 'The server is overloaded or down: try again when it is up.', retry: 'overloaded' };
        case 507:
            return final('cache-failing', 'Its disk is full, or a quota is used up.');
        default:
            // Those of proxies too, such as Cloudflare's 520 to 530; Nix tries the same ones again (filetransfer.cc).
            if (status === 408 || (status >= 500 && !LASTING.has(status))) {
                return { code: 'cache-failing', hint: SEE_ITS_LOG, retry: 'yes' };
            }
            return status >= 500 ? final('cache-failing', SEE_ITS_LOG) : final('cache-invalid', NOT_A_CACHE);
    }
}
function unauthorizedHint(asked) {
    const { host } = asked.url;
    if (asked.redirectedFrom !== null && asked.redirectedFrom.origin !== asked.url.origin) {
        return `${asked.redirectedFrom.origin} redirected to ${asked.url.origin}, and credentials never follow to another origin: use that URL as the cache's.`;
    }
    if (asked.credentials === null) {
        return `${host} wants credentials, and got none (an empty secret is none): give \`username\` and \`password\`, or \`token\`, or an entry for ${asked.url.hostname} in \`netrc\`.`;
    }
    return asked.credentials.kind === 'bearer'
        ? `${host} refuses the token: is it complete, not expired, and does the server take \`Authorization: Bearer\`?`
        : `${host} refuses the credentials: check \`username\` and \`password\` (or \`netrc\`), and that they are not expired.`;
}
function megabytes(bytes) {
    return `${(bytes / 1e6).toFixed(1)} MB`;
}
/** RFC 9110, section 10.2.3: seconds or a date. `null` when there is none that can be read. */
function retryAfterMs(value, nowMs) {
    if (value === null)
        return null;
    if (/^\d{1,9}$/.test(value))
        return Number(value) * 1000;
    const date = Date.parse(value);
    return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}
/** Cloudflare says it within JSON (`retry_after`, in seconds), and Cachix is behind it. */
function retryAfterInJsonMs(bytes) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    const seconds = /^\s*\{/.test(text) ? /"retry_after"\s*:\s*"?(\d{1,9})\b/.exec(text)?.[1] : undefined;
    return seconds === undefined ? null : Number(seconds) * 1000;
}


/***/ }),

/***/ 2749:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   fK: () => (/* binding */ withProxy),
/* harmony export */   iJ: () => (/* binding */ proxyFor),
/* harmony export */   sP: () => (/* binding */ proxyUser)
/* harmony export */ });
/* harmony import */ var node_net__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7030);

/**
 * The proxy that the environment names for `url`, or `null` for a direct connection. The rules are curl's, since Nix goes by them and
 * the two should take the same way: lower case before upper case, an empty variable counts as absent, `all_proxy` comes last, and
 * loopback addresses are no exception. Two things are taken that curl leaves: `HTTP_PROXY` in upper case (curl fears CGI scripts),
 * and entries of `no_proxy` with a port.
 * Source: curl/lib/url.c, detect_proxy; curl/lib/noproxy.c; tried with curl 7.88.
 */
function proxyFor(url, env) {
    const scheme = url.protocol === 'https:' ? 'https' : 'http';
    const proxy = variable(env, `${scheme}_proxy`) ?? variable(env, 'all_proxy');
    if (proxy === null || isExempt(url, variable(env, 'no_proxy') ?? ''))
        return null;
    const text = proxy.includes('://') ? proxy : `http://${proxy}`;
    return URL.canParse(text) ? new URL(text) : null;
}
/** The environment of one cache that is reached through a proxy of its own, whatever the job's environment names or exempts. */
function withProxy(env, proxy) {
    return { ...env, http_proxy: proxy, https_proxy: proxy, no_proxy: '', NO_PROXY: '' };
}
/** The credentials inside of a proxy's URL. A lone `%` stands for itself, as it does for curl. */
function proxyUser({ username, password }) {
    return { username: decoded(username), password: decoded(password) };
}
function decoded(text) {
    return text.replace(/(?:%[0-9a-f]{2})+/gi, (octets) => Buffer.from(octets.replaceAll('%', ''), 'hex').toString('utf8'));
}
function variable(env, name) {
    return env[name] || env[name.toUpperCase()] || null;
}
function isExempt(url, noProxy) {
    if (noProxy.trim() === '*')
        return true;
    const host = bare(url.hostname);
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    return noProxy.split(/[\s,]+/).some((entry) => {
        const [, name = '', entryPort] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? [null, entry];
        const pattern = bare(name).replace(/^\./, '');
        if (pattern === '' || (entryPort !== undefined && entryPort !== port))
            return false;
        if (isAddress(host) && pattern.includes('/'))
            return isWithin(host, pattern);
        return host === pattern || (!isAddress(host) && host.endsWith(`.${pattern}`));
    });
}
/** Whether an address is in a network (`10.0.0.0/8`). What is no network has nothing in it. */
function isWithin(address, network) {
    const [, start = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(network) ?? [];
    const family = (0,node_net__WEBPACK_IMPORTED_MODULE_0__.isIP)(start);
    if (family === 0 || family !== (0,node_net__WEBPACK_IMPORTED_MODULE_0__.isIP)(address) || Number(bits) > (family === 4 ? 32 : 128))
        return false;
    const list = new node_net__WEBPACK_IMPORTED_MODULE_0__.BlockList();
    const name = family === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(start, Number(bits), name);
    return list.check(address, name);
}
/** Lower case, without the brackets of an IPv6 address and the final dot of a complete name. */
function bare(host) {
    return host
        .toLowerCase()
        .replace(/^\[(.*)\]$/, '$1')
        .replace(/\.$/, '');
}
function isAddress(host) {
    return host.includes(':') || /^[\d.]+$/.test(host);
}


/***/ }),

/***/ 339:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   a: () => (/* binding */ trustFromEnv)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3024);
/* harmony import */ var node_tls__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1692);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9473);



/** What Nix and OpenSSL read. Node itself reads only `NODE_EXTRA_CA_CERTS`, and that one when it starts. */
const VARIABLES = ['NIX_SSL_CERT_FILE', 'SSL_CERT_FILE'];
/**
 * The certificate authorities that servers are checked against: Node's own (with those of `NODE_EXTRA_CA_CERTS`) and, in addition, those
 * in the files that the environment names. `null` when it names none that can be read: Node's default then holds. One context for
 * all connections, since making it from a system's whole bundle takes 20 ms.
 */
function trustFromEnv(env, log) {
    const files = new Set(VARIABLES.map((name) => env[name] ?? '').filter((file) => file !== ''));
    const bundles = [...files].map((file) => readBundle(file, log)).filter((bundle) => bundle !== null);
    return bundles.length === 0 ? null : (0,node_tls__WEBPACK_IMPORTED_MODULE_1__.createSecureContext)({ ca: [...(0,node_tls__WEBPACK_IMPORTED_MODULE_1__.getCACertificates)('default'), ...bundles] });
}
function readBundle(file, log) {
    try {
        return (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readFileSync)(file, 'latin1');
    }
    catch (error) {
        log.info(`The certificates in ${file} can't be read (${(0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .systemCode */ .xU)(error) ?? 'unknown error'}); going on without.`);
        return null;
    }
}


/***/ }),

/***/ 1153:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Qh: () => (/* binding */ INPUT_NAMES),
/* harmony export */   pH: () => (/* binding */ SECRET_INPUTS),
/* harmony export */   yj: () => (/* binding */ inputFromEnv)
/* harmony export */ });
/** Inputs whose values are secrets: never saved in the state, never shown. */
const SECRET_INPUTS = new Set([
    'signing-key',
    'username',
    'password',
    'token',
    'netrc',
    'github-token',
]);
/** Every input of action.yml. */
const INPUT_NAMES = [
    'cache',
    'push-url',
    'substituters',
    'trusted-public-keys',
    'signing-key',
    'username',
    'password',
    'token',
    'netrc',
    'push',
    'paths',
    'include',
    'exclude',
    'max-path-size',
    'skip-signed-by',
    'compression',
    'compression-level',
    'concurrency',
    'continuous',
    'shared-store',
    'push-timeout',
    'on-push-failure',
    'fallback',
    'verify',
    'actions-cache-size',
    'install-nix',
    'github-token',
    'lane',
    'job-status',
];
/** How the runner hands inputs over: `INPUT_` and the name in capitals, blanks as underscores, hyphens kept. */
function inputFromEnv(env) {
    return (name) => (env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] ?? '').trim();
}


/***/ }),

/***/ 7504:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  T: () => (/* binding */ parseInputs)
});

// EXTERNAL MODULE: ./build/cache-target/cachix.js
var cachix = __webpack_require__(7155);
// EXTERNAL MODULE: ./build/cache-target/http.js
var http = __webpack_require__(2805);
// EXTERNAL MODULE: ./build/cache-target/refusal.js
var refusal = __webpack_require__(2577);
;// CONCATENATED MODULE: ./build/cache-target/substituter.js


const PROXIES = /^(https?|socks5h?):$/;
/** Reads `https://host/cache?priority=N&proxy=http://proxy:3128`. The value of `proxy` may be encoded as in any URL. */
function parseSubstituter(line) {
    const url = (0,http/* parseHttpUrl */.f)(line, 'substituters');
    if ('problem' in url)
        return url;
    const [proxy, ...more] = proxiesIn(line);
    if (proxy === undefined)
        return { url: (0,http/* substituterUrl */.g)(url), proxy: null };
    const bare = withoutProxy(line);
    if (more.length > 0)
        return { problem: `substituters: \`${bare}\` names more than one proxy.` };
    if (!URL.canParse(proxy) || !PROXIES.test(new URL(proxy).protocol) || new URL(proxy).hostname === '') {
        return {
            problem: `substituters: the proxy \`${(0,refusal/* withoutUserInfo */.sl)(proxy)}\` of \`${bare}\` is not one; allowed are \`http://host:port\`, \`https://host:port\` and \`socks5://host:port\`.`,
        };
    }
    return { url: (0,http/* substituterUrl */.g)(new URL(bare)), proxy };
}
/** Decoded as the parts of a URL are, not as forms: a `+` in a password is one. */
function proxiesIn(line) {
    const [, query = ''] = line.split('?', 2);
    const given = query.split('&').filter((parameter) => /^proxy(=|$)/.test(parameter));
    return given.map((parameter) => {
        const value = parameter.slice('proxy='.length);
        try {
            return decodeURIComponent(value);
        }
        catch {
            return value;
        }
    });
}
/** The line without its proxy: other parameters stay as they were written. */
function withoutProxy(line) {
    const [base = '', query = ''] = line.split('?', 2);
    const kept = query.split('&').filter((parameter) => !/^proxy(=|$)/.test(parameter));
    return kept.length === 0 ? base : `${base}?${kept.join('&')}`;
}

// EXTERNAL MODULE: ./build/cache-target/target.js + 5 modules
var cache_target_target = __webpack_require__(9238);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/netrc.js
var netrc = __webpack_require__(6188);
// EXTERNAL MODULE: ./build/nix/release.js
var release = __webpack_require__(9321);
// EXTERNAL MODULE: ./build/nix/signature.js
var signature = __webpack_require__(8486);
// EXTERNAL MODULE: ./build/quantity.js
var quantity = __webpack_require__(6135);
// EXTERNAL MODULE: ./build/inputs/lines.js
var inputs_lines = __webpack_require__(9307);
;// CONCATENATED MODULE: ./build/inputs/reader.js


/** Reads inputs of several kinds by name. What is wrong with one becomes a line of `problems`, and something that can be gone on with comes back. */
function inputReader(get, problems) {
    const lines = (name) => (0,inputs_lines/* inputLines */.K)(get(name));
    const attempt = (name, parse) => {
        try {
            return [parse()];
        }
        catch (error) {
            problems.push(`${name}: ${(0,errors/* describeError */.Uc)(error)}`);
            return [];
        }
    };
    return {
        lines,
        attempt,
        /** The first of `allowed` when the input is empty. */
        choice(name, allowed) {
            const given = get(name);
            const found = given === '' ? allowed[0] : allowed.find((value) => value === given);
            if (found !== undefined)
                return found;
            problems.push(`${name}: \`${given}\` is not allowed; allowed are ${allowed.map((value) => `\`${value}\``).join(', ')}.`);
            return allowed[0];
        },
        regExps: (name) => lines(name).flatMap((line) => {
            try {
                return [new RegExp(line, 'u')];
            }
            catch (error) {
                problems.push(`${name}: \`${line}\` is not a regular expression (${(0,errors/* describeError */.Uc)(error)}).`);
                return [];
            }
        }),
        quantity(name, parse, allowed) {
            const given = get(name);
            if (given === '')
                return null;
            const value = parse(given);
            if (value === null || value <= 0)
                problems.push(`${name}: \`${given}\` is not ${allowed}.`);
            return value;
        },
    };
}

;// CONCATENATED MODULE: ./build/inputs/inputs.js










const COMPRESSION_LEVELS = {
    zstd: [1, 19],
    xz: [0, 9],
    gzip: [1, 9],
    br: [0, 11],
    none: null,
};
/** By kind of cache, where the server takes some alone. */
const TAKEN_COMPRESSIONS = {
    cachix: ['zstd', 'xz'],
    niks3: ['zstd', 'xz', 'none'],
};
/** A timer of Node's that is set to more fires at once. 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/**
 * Checks all inputs together.
 * @throws CacheError `input-invalid` whose message lists every problem: the input, what was given (never a secret), what is allowed.
 */
function parseInputs(get) {
    const problems = [];
    const read = inputReader(get, problems);
    const credentials = readCredentials(get, problems);
    const { caches, substituters } = readCaches(read, credentials, problems);
    const inputs = {
        caches,
        substituters,
        trustedPublicKeys: read
            .lines('trusted-public-keys')
            .flatMap((line) => read.attempt('trusted-public-keys', () => (0,signature/* parsePublicKey */.ee)(line))),
        signingKey: get('signing-key') === ''
            ? null
            : (read.attempt('signing-key', () => (0,signature/* parseSecretKey */.NP)(namedKey(get('signing-key'), caches)))[0] ?? null),
        netrc: read.attempt('netrc', () => (0,netrc/* parseNetrc */.QZ)(get('netrc'))).flat(),
        push: read.choice('push', ['auto', 'always', 'never']),
        paths: read.lines('paths'),
        include: read.regExps('include'),
        exclude: read.regExps('exclude'),
        maxPathSizeBytes: read.quantity('max-path-size', quantity/* parseSizeBytes */.kl, 'a size such as `500 MB` or `2 GiB`'),
        skipSignedBy: get('skip-signed-by')
            .split(/[\s,]+/)
            .filter((name) => name !== ''),
        ...readCompression(get, read, problems),
        concurrency: readConcurrency(get('concurrency'), problems),
        continuous: read.choice('continuous', ['auto', 'true', 'false']),
        sharedStore: read.choice('shared-store', ['auto', 'true', 'false']),
        pushTimeoutMs: Math.min(read.quantity('push-timeout', quantity/* parseDurationMs */.yi, 'a duration such as `90 s` or `10 min`') ?? 600_000, LONGEST_TIMER_MS),
        onPushFailure: read.choice('on-push-failure', ['warn', 'fail', 'ignore']),
        fallback: read.choice('fallback', ['actions-cache', 'none']),
        verify: read.choice('verify', ['sample', 'all', 'none']),
        jobStatus: get('job-status'),
        actionsCacheSizeBytes: read.quantity('actions-cache-size', quantity/* parseSizeBytes */.kl, 'a size such as `8 GiB`') ?? 8 * 2 ** 30,
        lane: get('lane'),
        installNix: get('install-nix') === '' ? null : (read.attempt('install-nix', () => (0,release/* parseNixRelease */._0)(get('install-nix')))[0] ?? null),
    };
    for (const { kind } of caches) {
        const taken = TAKEN_COMPRESSIONS[kind];
        if (taken === undefined || taken.includes(inputs.compression))
            continue;
        const names = taken.map((name) => `\`${name}\``).join(', ');
        problems.push(`compression: \`${inputs.compression}\` is not allowed with \`${kind}://\`, which takes ${names}.`);
    }
    if (problems.length > 0) {
        const count = problems.length === 1 ? 'An input is wrong' : `${problems.length} inputs are wrong`;
        throw new errors/* CacheError */.xA('input-invalid', `${count}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
    }
    return inputs;
}
/** An empty secret (a pull request from a fork) means no credentials, not an error. */
function readCredentials(get, problems) {
    const [username, password, token] = [get('username'), get('password'), get('token')];
    if (token !== '' && password !== '') {
        problems.push('token: given together with `password`; give `token` alone (bearer), or `username` and `password` (basic).');
    }
    if (/[\r\n]/.test(username + password + token)) {
        problems.push('username, password, token: a line break inside; each is a single line.');
    }
    if (/[^\x20-\x7e\xa0-\xff]/.test(token.replace(/[\r\n]/g, '')))
        problems.push('token: a character that no header can carry (a curly quote, a tab?); copy the token anew.');
    if (username.includes(':'))
        problems.push('username: a colon inside; HTTP basic authentication has no way to send one.');
    if (password !== '' && username === '' && token === '') {
        problems.push('username: empty although `password` is given; Nix reads both from a netrc entry, so name the user (any text if the server ignores it).');
    }
    if (token !== '')
        return { kind: 'bearer', token };
    return username !== '' && password !== '' ? { kind: 'basic', username, password } : null;
}
function readCaches(read, credentials, problems) {
    const pushUrls = read.lines('push-url');
    const pushUrl = pushUrls[0] === undefined ? null : (0,http/* parseHttpUrl */.f)(pushUrls[0], 'push-url');
    if (pushUrl !== null && 'problem' in pushUrl)
        problems.push(pushUrl.problem);
    else if (pushUrl !== null && pushUrl.search !== '')
        problems.push('push-url: parameters (`?…`) have no meaning here; leave them out.');
    if (pushUrls.length > 1)
        problems.push(`push-url: ${pushUrls.length} lines; it is for the first line of \`cache\` and has one.`);
    const caches = [];
    for (const [index, line] of read.lines('cache').entries()) {
        const first = index === 0;
        const target = (0,cache_target_target/* parseCacheTarget */.h)(line, first && pushUrl instanceof URL ? pushUrl : null, first ? credentials : null);
        if ('problem' in target)
            problems.push(target.problem);
        else if (caches.some((other) => nameOf(other) === nameOf(target)))
            problems.push(`cache: \`${line}\` is there twice.`);
        else
            caches.push(target);
    }
    if (pushUrls.length > 0 && read.lines('cache').length === 0)
        problems.push('push-url: given without `cache`; name the URL to pull from there.');
    if (pushUrls.length > 0 && caches[0] !== undefined && caches[0].kind !== 'http')
        problems.push('push-url: given, but the first line of `cache` is not an HTTP cache; leave it out.');
    const substituters = read.lines('substituters').flatMap((line) => {
        const parsed = parseSubstituter(line);
        if (!('problem' in parsed))
            return [parsed];
        problems.push(parsed.problem);
        return [];
    });
    return { caches: caches.length === 0 ? [cache_target_target/* ACTIONS_CACHE */.X] : caches, substituters };
}
/** Cachix writes secret keys without a name. */
function namedKey(text, caches) {
    const target = caches.find(({ kind }) => kind === 'cachix');
    return target?.kind === 'cachix' && !text.includes(':') ? `${(0,cachix/* cachixKeyName */.nD)(target)}:${text.trim()}` : text;
}
function nameOf(target) {
    return target.kind === 'actions-cache' ? target.kind : target.place;
}
function readCompression(get, read, problems) {
    const compression = read.choice('compression', ['zstd', 'xz', 'gzip', 'br', 'none']);
    const given = get('compression-level');
    if (given === '')
        return { compression, compressionLevel: null };
    const range = COMPRESSION_LEVELS[compression];
    const level = /^\d{1,2}$/.test(given) ? Number(given) : Number.NaN;
    if (range === null)
        problems.push('compression-level: given although `compression` is `none`; leave it out.');
    else if (!(level >= range[0] && level <= range[1])) {
        problems.push(`compression-level: \`${given}\` is not allowed; \`${compression}\` has ${range[0]} to ${range[1]}.`);
    }
    return { compression, compressionLevel: level };
}
function readConcurrency(given, problems) {
    if (given === '' || given === 'auto')
        return 'auto';
    const value = /^\d{1,3}$/.test(given) ? Number(given) : 0;
    if (value < 1 || value > 256)
        problems.push(`concurrency: \`${given}\` is not allowed; allowed are \`auto\` and 1 to 256.`);
    return value;
}


/***/ }),

/***/ 4598:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   V: () => (/* binding */ secretTexts)
/* harmony export */ });
/* harmony import */ var _nix_netrc_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6188);

/** Every text in the inputs that must never be shown, derived spellings included. Never throws: it runs before anything is checked. */
function secretTexts(get) {
    const found = new Set();
    const password = get('password');
    for (const secret of [password, get('token'), get('github-token')])
        addLines(found, secret);
    // As Nix sends it.
    if (get('token') !== '')
        found.add(base64(`token:${get('token')}`));
    if (password !== '')
        found.add(base64(`${get('username')}:${password}`));
    const key = get('signing-key');
    addLines(found, key);
    const keyBody = key.slice(key.indexOf(':') + 1).trim();
    if (keyBody !== '')
        found.add(keyBody);
    for (const entry of readableNetrc(get('netrc'))) {
        found.add(entry.password);
        found.add(base64(`${entry.login}:${entry.password}`));
    }
    for (const name of ['cache', 'push-url', 'substituters', 'install-nix']) {
        // The proxy of a substituter may be encoded, once for its line and once for its own URL.
        const texts = [get(name), decoded(get(name)), decoded(decoded(get(name)))].join('\n');
        for (const [, scheme = '', userInfo = ''] of texts.matchAll(/([\w+-]*):?\/\/([^/\s]*)@/g)) {
            // SSH's user name is no secret, and a short one (`ci`) is in every other word.
            if (/^ssh(?:-ng)?$/.test(scheme) && !userInfo.includes(':'))
                continue;
            found.add(userInfo);
            addLines(found, userInfo.slice(userInfo.indexOf(':') + 1));
        }
    }
    for (const line of ['cache', 'push-url', 'substituters', 'install-nix'].flatMap((name) => get(name).split(/\s+/))) {
        // A slash inside of a password makes it no URL.
        const [, userInfo = ''] = URL.canParse(line) ? [] : (/:\/\/(.*)@/.exec(line) ?? []);
        if (!userInfo.includes(':'))
            continue;
        found.add(userInfo);
        found.add(userInfo.slice(userInfo.indexOf(':') + 1));
    }
    found.delete('');
    return [...found];
}
function readableNetrc(text) {
    try {
        return (0,_nix_netrc_js__WEBPACK_IMPORTED_MODULE_0__/* .parseNetrc */ .QZ)(text);
    }
    catch {
        // What can't be parsed is masked line by line, so that an error message of anyone's can't show it.
        return text.split(/\s+/).map((word) => ({ machine: null, login: '', password: word.length >= 8 ? word : '' }));
    }
}
function addLines(found, text) {
    for (const line of text.split(/\r?\n/))
        found.add(line.trim());
}
function decoded(text) {
    try {
        return decodeURIComponent(text);
    }
    catch {
        return text;
    }
}
function base64(text) {
    return Buffer.from(text, 'utf8').toString('base64');
}


/***/ }),

/***/ 4075:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Rs: () => (/* binding */ MAX_CACHE_INFO_BYTES),
/* harmony export */   Uw: () => (/* binding */ parseCacheInfo),
/* harmony export */   y6: () => (/* binding */ formatCacheInfo)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _quote_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9044);


/** No real one has more than some hundred. */
const MAX_CACHE_INFO_BYTES = 16 * 1024;
/**
 * Reads lines `Key: value`, as tolerant as Nix: other keys and lines without a colon are ignored (binary-cache-store.cc, init). Throws
 * `format-invalid` when it is too large, a store directory is not absolute or a priority is no number.
 */
function parseCacheInfo(text) {
    if (text.length > MAX_CACHE_INFO_BYTES)
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', 'nix-cache-info is too large to be one.');
    let storeDir = null;
    let wantMassQuery = false;
    let priority = null;
    for (const line of text.split('\n')) {
        const colon = line.indexOf(':');
        if (colon === -1)
            continue;
        const value = line.slice(colon + 1).trim();
        switch (line.slice(0, colon)) {
            case 'StoreDir':
                if (!value.startsWith('/'))
                    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `nix-cache-info has ${(0,_quote_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .h)(value)} as StoreDir.`);
                storeDir = value;
                break;
            case 'WantMassQuery':
                wantMassQuery = value === '1';
                break;
            case 'Priority':
                if (!/^-?\d{1,9}$/.test(value))
                    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `nix-cache-info has ${(0,_quote_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .h)(value)} as Priority.`);
                priority = Number(value);
                break;
        }
    }
    return { storeDir, wantMassQuery, priority };
}
/** As `nix-push` wrote it and caches serve it. */
function formatCacheInfo(info) {
    const lines = [
        ...(info.storeDir === null ? [] : [`StoreDir: ${info.storeDir}`]),
        `WantMassQuery: ${info.wantMassQuery ? 1 : 0}`,
        ...(info.priority === null ? [] : [`Priority: ${info.priority}`]),
    ];
    return lines.map((line) => `${line}\n`).join('');
}


/***/ }),

/***/ 1520:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   M3: () => (/* binding */ checkContentAddress),
/* harmony export */   hv: () => (/* binding */ parseContentAddress)
/* harmony export */ });
/* unused harmony exports formatContentAddress, contentAddressPath */
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);
/* harmony import */ var _base32_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9410);
/* harmony import */ var _hash_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(3314);
/* harmony import */ var _quote_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(9044);
/* harmony import */ var _store_path_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(9605);






/** nix/src/libstore/content-address.cc, renderContentAddress. */
const PREFIX = {
    text: 'text:',
    flat: 'fixed:',
    recursive: 'fixed:r:',
    git: 'fixed:git:',
};
const METHODS = {
    text: 'text',
    fixed: 'flat',
    'fixed:r': 'recursive',
    'fixed:git': 'git',
};
/** The method's part of the text that is hashed for all but `text` and NARs by SHA-256. */
const INNER_PREFIX = { text: '', flat: '', recursive: 'r:', git: 'git:' };
const STORE_HASH_BYTES = 20;
/** Reads `fixed:[r:|git:]algo:digest` or `text:sha256:digest`. Throws `format-invalid`. */
function parseContentAddress(text) {
    const [, prefix = '', hash = ''] = /^(text|fixed|fixed:r|fixed:git):([a-z0-9]+:[A-Za-z0-9+/=]*)$/.exec(text) ?? [];
    const method = METHODS[prefix];
    if (method === undefined) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_5__/* .quote */ .h)(text, 160)} is not a content address (\`text:\` or \`fixed:\`, then algorithm and digest).`);
    }
    return { method, hash: (0,_hash_js__WEBPACK_IMPORTED_MODULE_3__/* .parseHash */ .Eb)(hash) };
}
/** As Nix writes it, the digest in base 32. */
function formatContentAddress(ca) {
    return PREFIX[ca.method] + formatHash(ca.hash, 'nix32');
}
function sha256(text) {
    return (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(text).digest();
}
/** nix/src/libstore/store-dir-config.cc, makeStorePath. `hash` is written `sha256:<hex>`. */
function makeStorePath(type, hash, name, storeDir) {
    const digest = (0,_hash_js__WEBPACK_IMPORTED_MODULE_3__/* .foldHash */ .Es)(sha256(`${type}:${hash}:${storeDir}:${name}`), STORE_HASH_BYTES);
    return `${storeDir}/${(0,_base32_js__WEBPACK_IMPORTED_MODULE_2__/* .encodeBase32 */ .z)(digest)}-${name}`;
}
/** What Nix would stop at, with an exception or an assertion that ends its process. */
function impossible(ca, references, selfReference) {
    const { method, hash } = ca;
    if (method === 'text') {
        if (hash.algorithm !== 'sha256')
            return `a text file is addressed by sha256, not by ${hash.algorithm}`;
        return selfReference ? 'a text file can not refer to itself' : null;
    }
    if (method === 'git' && hash.algorithm !== 'sha1' && hash.algorithm !== 'sha256') {
        return `a git tree is addressed by sha1 or sha256, not by ${hash.algorithm}`;
    }
    if (method === 'recursive' && hash.algorithm === 'sha256')
        return null;
    return references.length > 0 || selfReference ? 'only a text file or a NAR hashed by sha256 can have references' : null;
}
/**
 * The full store path that a content address stands for. `references` are full paths, in any order, without the path itself;
 * `selfReference` says whether it refers to itself. Throws `format-invalid` on a combination that no path has.
 * Source: nix/src/libstore/store-dir-config.cc, makeFixedOutputPath and makeTextPath.
 */
function contentAddressPath(ca, name, references, selfReference, storeDir) {
    const problem = impossible(ca, references, selfReference);
    if (problem !== null)
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_5__/* .quote */ .h)(name)} can't be content-addressed so: ${problem}.`);
    const hash = (0,_hash_js__WEBPACK_IMPORTED_MODULE_3__/* .formatHash */ .ON)(ca.hash, 'hex');
    if (ca.method !== 'text' && !(ca.method === 'recursive' && ca.hash.algorithm === 'sha256')) {
        const inner = sha256(`fixed:out:${INNER_PREFIX[ca.method]}${hash}:`).toString('hex');
        return makeStorePath('output:out', `sha256:${inner}`, name, storeDir);
    }
    const sorted = [...new Set(references)].sort();
    const type = [ca.method === 'text' ? 'text' : 'source', ...sorted, ...(selfReference ? ['self'] : [])].join(':');
    return makeStorePath(type, hash, name, storeDir);
}
/**
 * Whether the CA field of a path fits the path: `null` when it does or when there is none, else what is wrong. A field that does not
 * fit must never be published: Nix clients of all versions end with SIGABRT when they see one.
 *
 * Paths that refer to themselves are checked like all others. Nix 2.17 to 2.34 compute their digest by another rule than the versions
 * before and after (release notes of 2.35), but the digest is in the field, and how the path follows from it never changed.
 * Whether the digest is that of the contents is not looked at: that takes the contents, and whoever imports the path checks it.
 * A field that this code can't read (an experimental algorithm) counts as one that does not fit, since older clients can't read it
 * either.
 */
function checkContentAddress(info, storeDir) {
    if (info.ca === null)
        return null;
    try {
        const { name } = (0,_store_path_js__WEBPACK_IMPORTED_MODULE_4__/* .parseStorePath */ .GV)(info.path, storeDir);
        const others = info.references.filter((reference) => reference !== info.path);
        const expected = contentAddressPath(parseContentAddress(info.ca), name, others, others.length < info.references.length, storeDir);
        return expected === info.path ? null : `its CA field stands for ${expected}`;
    }
    catch (error) {
        if (error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA)
            return `its CA field can't be used: ${error.message}`;
        throw error;
    }
}


/***/ }),

/***/ 1873:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Z: () => (/* binding */ halvesMatch),
/* harmony export */   __: () => (/* binding */ secretKeyOfSeed),
/* harmony export */   ev: () => (/* binding */ ed25519),
/* harmony export */   fP: () => (/* binding */ SECRET_KEY_BYTES),
/* harmony export */   h_: () => (/* binding */ publicHalf),
/* harmony export */   kf: () => (/* binding */ PUBLIC_KEY_BYTES),
/* harmony export */   tM: () => (/* binding */ SIGNATURE_BYTES)
/* harmony export */ });
/* unused harmony exports openSsl, tweetNaCl, firstWorking */
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var tweetnacl__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(668);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9473);



const SECRET_KEY_BYTES = 64;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const SEED_BYTES = 32;
/** RFC 8410: what stands before the seed in a PKCS #8 key and before the public key in a SubjectPublicKeyInfo. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
/** Making a key object costs more than a signature; it lives as long as the raw key that it was made of. */
const keyObjects = new WeakMap();
function keyObject(raw, make) {
    const known = keyObjects.get(raw);
    if (known !== undefined)
        return known;
    const made = make();
    keyObjects.set(raw, made);
    return made;
}
function privateKeyOfSeed(seed) {
    const key = Buffer.concat([PKCS8_PREFIX, seed]);
    try {
        return (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createPrivateKey)({ key, format: 'der', type: 'pkcs8' });
    }
    finally {
        key.fill(0);
    }
}
function privateKeyObject(secretKey) {
    return keyObject(secretKey, () => privateKeyOfSeed(secretKey.subarray(0, SEED_BYTES)));
}
function publicKeyObject(publicKey) {
    return keyObject(publicKey, () => (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createPublicKey)({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' }));
}
/** The OpenSSL that Node is linked with. One built or configured for FIPS may refuse Ed25519. */
const openSsl = {
    name: 'openssl',
    publicKey(seed) {
        const spki = (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createPublicKey)(privateKeyOfSeed(seed)).export({ format: 'der', type: 'spki' });
        return new Uint8Array(spki.subarray(SPKI_PREFIX.length));
    },
    sign: (message, secretKey) => (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.sign)(null, message, privateKeyObject(secretKey)),
    signAside: (message, secretKey) => new Promise((resolve, reject) => {
        (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.sign)(null, message, privateKeyObject(secretKey), (error, signature) => {
            if (error === null)
                resolve(signature);
            else
                reject(error);
        });
    }),
    verify: (message, signature, publicKey) => (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.verify)(null, message, publicKeyObject(publicKey), signature),
};
/** Plain JavaScript: a hundred times as slow, works everywhere. */
const tweetNaCl = {
    name: 'tweetnacl',
    publicKey: (seed) => tweetnacl__WEBPACK_IMPORTED_MODULE_1__.sign.keyPair.fromSeed(seed).publicKey,
    sign: (message, secretKey) => tweetnacl__WEBPACK_IMPORTED_MODULE_1__.sign.detached(message, secretKey),
    verify: (message, signature, publicKey) => tweetnacl__WEBPACK_IMPORTED_MODULE_1__.sign.detached.verify(message, signature, publicKey),
};
/** RFC 8032, section 7.1, test 1: signs the empty message. */
const TEST_SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const TEST_PUBLIC_KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
const TEST_SIGNATURE = 'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b';
function works(candidate) {
    const message = new Uint8Array(0);
    const signature = Buffer.from(TEST_SIGNATURE, 'hex');
    const publicKey = Buffer.from(TEST_PUBLIC_KEY, 'hex');
    try {
        if (!publicKey.equals(candidate.publicKey(Buffer.from(TEST_SEED, 'hex'))))
            return false;
        const made = candidate.sign(message, Buffer.from(TEST_SEED + TEST_PUBLIC_KEY, 'hex'));
        return signature.equals(made) && candidate.verify(message, signature, publicKey);
    }
    catch {
        return false;
    }
}
/** The first implementation that gives the right answer to a known question. */
function firstWorking(candidates) {
    const found = candidates.find(works);
    if (found === undefined)
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .CacheError */ .xA('internal', 'No implementation of Ed25519 works on this machine.');
    return found;
}
let chosen = null;
/** The implementation to use in this process; found out once. */
function ed25519() {
    chosen ??= firstWorking([openSsl, tweetNaCl]);
    return chosen;
}
/** The 64 bytes of the secret key that a seed of 32 bytes stands for. */
function secretKeyOfSeed(seed) {
    const secretKey = new Uint8Array(SECRET_KEY_BYTES);
    secretKey.set(seed);
    secretKey.set(ed25519().publicKey(seed), SEED_BYTES);
    return secretKey;
}
/** Whether the second half of a secret key of 64 bytes is the public key that belongs to its first half. */
function halvesMatch(secretKey) {
    return Buffer.compare(ed25519().publicKey(secretKey.subarray(0, SEED_BYTES)), publicHalf(secretKey)) === 0;
}
function publicHalf(secretKey) {
    return secretKey.slice(SEED_BYTES);
}


/***/ }),

/***/ 6113:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Ne: () => (/* binding */ parseNarInfo),
/* harmony export */   Nt: () => (/* binding */ formatNarInfo),
/* harmony export */   x1: () => (/* binding */ MAX_NARINFO_BYTES)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _hash_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3314);
/* harmony import */ var _quote_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(9044);
/* harmony import */ var _store_path_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9605);




/** Room for some seventy thousand references. Nix itself has no limit. */
const MAX_NARINFO_BYTES = 4 * 1024 * 1024;
const KNOWN_ONCE = new Set([
    'StorePath',
    'URL',
    'Compression',
    'FileHash',
    'FileSize',
    'NarHash',
    'NarSize',
    'References',
    'Deriver',
    'CA',
]);
function corrupt(line, problem, cause) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `Line ${line} of the narinfo: ${problem}.`, { cause });
}
function splitFields(text) {
    if (Buffer.byteLength(text) > MAX_NARINFO_BYTES) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The narinfo is larger than ${MAX_NARINFO_BYTES} bytes.`);
    }
    const lines = text.split('\n');
    if (lines.pop() !== '')
        throw corrupt(lines.length + 1, 'it does not end with a line end; is the file cut off?');
    const byName = new Map();
    const signatures = [];
    for (const [index, content] of lines.entries()) {
        const line = index + 1;
        if (content.endsWith('\r'))
            throw corrupt(line, 'it ends with CR and LF, which Nix refuses');
        if (/\p{Cc}/u.test(content))
            throw corrupt(line, 'there is a control character in it');
        const separator = content.indexOf(': ');
        if (separator < 1 || content.indexOf(':') !== separator)
            throw corrupt(line, `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_3__/* .quote */ .h)(content)} is not \`Name: value\``);
        const name = content.slice(0, separator);
        const field = { value: content.slice(separator + 2), line };
        if (name === 'Sig')
            signatures.push(field);
        if (!KNOWN_ONCE.has(name))
            continue;
        if (byName.has(name))
            throw corrupt(line, `${name} is there twice`);
        byName.set(name, field);
    }
    return { byName, signatures };
}
/** Runs `parse` over a field's value; an error names the line. */
function parseField(field, parse) {
    try {
        return parse(field.value);
    }
    catch (error) {
        if (error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA)
            throw corrupt(field.line, error.message.replace(/\.$/, ''), error);
        throw error;
    }
}
function parseNumber(field) {
    const number = Number(field.value);
    if (!/^\d{1,16}$/.test(field.value) || !Number.isSafeInteger(number))
        throw corrupt(field.line, `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_3__/* .quote */ .h)(field.value)} is no size`);
    return number;
}
function parseReferences(field, storeDir) {
    const names = field.value.split(' ').filter((name) => name !== '');
    const paths = names.map((name) => parseField({ ...field, value: name }, (value) => (0,_store_path_js__WEBPACK_IMPORTED_MODULE_2__/* .parseBaseName */ .u7)(value, storeDir).path));
    return [...new Set(paths)].sort();
}
function parseDeriver(field, storeDir) {
    if (field === undefined || field.value === 'unknown-deriver')
        return null;
    return parseField(field, (value) => (0,_store_path_js__WEBPACK_IMPORTED_MODULE_2__/* .parseBaseName */ .u7)(value, storeDir).path);
}
function parseSignature(field) {
    if (!/^[^:\s]+:\S+$/.test(field.value))
        throw corrupt(field.line, `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_3__/* .quote */ .h)(field.value)} is no signature (\`name:base64\`)`);
    return field.value;
}
function parseNarHash(value) {
    const hash = (0,_hash_js__WEBPACK_IMPORTED_MODULE_1__/* .parseHash */ .Eb)(value);
    if (hash.algorithm !== 'sha256')
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `NarHash is by ${hash.algorithm}, not by sha256.`);
    return hash;
}
function parseUrl(field) {
    if (!/^\S+$/.test(field.value))
        throw corrupt(field.line, `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_3__/* .quote */ .h)(field.value)} is no URL`);
    return field.value;
}
function parseCompression(field) {
    if (field === undefined || field.value === '')
        return 'bzip2';
    if (!/^[A-Za-z0-9-]{1,32}$/.test(field.value))
        throw corrupt(field.line, `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_3__/* .quote */ .h)(field.value)} is no name of a compression`);
    return field.value;
}
/**
 * Reads an untrusted narinfo. As tolerant as Nix: fields that no client needs may be absent (FileHash, FileSize, References, Deriver,
 * CA; Compression is then `bzip2`), unknown ones are ignored, hashes may have any spelling. What makes some Nix version fail is
 * refused: `format-invalid`, with the line. Source: nix/src/libstore/nar-info.cc.
 */
function parseNarInfo(text, options) {
    const { storeDir, expectedHashPart } = options;
    const { byName, signatures } = splitFields(text);
    const required = (name) => {
        const field = byName.get(name);
        if (field === undefined)
            throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The narinfo has no ${name}.`);
        return field;
    };
    const optional = (name, parse) => {
        const field = byName.get(name);
        return field === undefined ? null : parse(field);
    };
    const storePath = parseField(required('StorePath'), (value) => (0,_store_path_js__WEBPACK_IMPORTED_MODULE_2__/* .parseStorePath */ .GV)(value, storeDir).path);
    if (expectedHashPart !== undefined && (0,_store_path_js__WEBPACK_IMPORTED_MODULE_2__/* .hashPartOf */ .bV)(storePath) !== expectedHashPart) {
        throw corrupt(required('StorePath').line, `it is about ${(0,_quote_js__WEBPACK_IMPORTED_MODULE_3__/* .quote */ .h)(storePath, 300)}, not about a path with hash ${expectedHashPart}`);
    }
    const narSize = required('NarSize');
    const narSizeBytes = parseNumber(narSize);
    if (narSizeBytes === 0)
        throw corrupt(narSize.line, 'NarSize is 0');
    return {
        storePath,
        url: parseUrl(required('URL')),
        compression: parseCompression(byName.get('Compression')),
        fileHash: optional('FileHash', (field) => parseField(field, _hash_js__WEBPACK_IMPORTED_MODULE_1__/* .parseHash */ .Eb)),
        fileSizeBytes: optional('FileSize', parseNumber),
        narHash: parseField(required('NarHash'), parseNarHash),
        narSizeBytes,
        references: optional('References', (field) => parseReferences(field, storeDir)) ?? [],
        deriver: parseDeriver(byName.get('Deriver'), storeDir),
        signatures: signatures.map(parseSignature),
        ca: optional('CA', (field) => field.value || null),
    };
}
/** One line; refuses what would begin another one. */
function line(name, value) {
    if (/\p{Cc}/u.test(value))
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_3__/* .quote */ .h)(value)} can't be the ${name} of a narinfo.`);
    return `${name}: ${value}\n`;
}
/**
 * As Nix writes it, byte for byte: its order of fields, base names for paths, base 32 for hashes, `References: ` even when there are
 * none, references and signatures sorted and each once. Fields that are `null` are left out. Throws `format-invalid` when a value
 * has a line break or another control character in it. Source: nix/src/libstore/nar-info.cc, NarInfo::to_string.
 */
function formatNarInfo(info) {
    const references = [...new Set(info.references.map(_store_path_js__WEBPACK_IMPORTED_MODULE_2__/* .baseNameOf */ .mv))].sort().join(' ');
    const signatures = [...new Set(info.signatures)].sort();
    return [
        line('StorePath', info.storePath),
        line('URL', info.url),
        line('Compression', info.compression),
        info.fileHash === null ? '' : line('FileHash', (0,_hash_js__WEBPACK_IMPORTED_MODULE_1__/* .formatHash */ .ON)(info.fileHash, 'nix32')),
        info.fileSizeBytes === null ? '' : line('FileSize', String(info.fileSizeBytes)),
        line('NarHash', (0,_hash_js__WEBPACK_IMPORTED_MODULE_1__/* .formatHash */ .ON)(info.narHash, 'nix32')),
        line('NarSize', String(info.narSizeBytes)),
        line('References', references),
        info.deriver === null ? '' : line('Deriver', (0,_store_path_js__WEBPACK_IMPORTED_MODULE_2__/* .baseNameOf */ .mv)(info.deriver)),
        ...signatures.map((signature) => line('Sig', signature)),
        info.ca === null ? '' : line('CA', info.ca),
    ].join('');
}


/***/ }),

/***/ 6188:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   QZ: () => (/* binding */ parseNetrc),
/* harmony export */   gG: () => (/* binding */ formatNetrc),
/* harmony export */   kE: () => (/* binding */ findNetrc),
/* harmony export */   m4: () => (/* binding */ netrcMachine)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _quote_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9044);


/**
 * The limits of curl, which reads the file for Nix. Up to 8.10 a line has at most 4,095 bytes, its end among them, and a longer one
 * is skipped; later a token has at most 4,095 and the file 128 KiB, and beyond either the whole file is an error. A token of 4,085
 * bytes on a line with `password` in front is the longest that every version takes (tried with 7.88, 8.14 and 8.23).
 */
const MAX_TOKEN_BYTES = 4085;
const MAX_FILE_BYTES = 128 * 1024;
const ESCAPES = { n: '\n', r: '\r', t: '\t' };
function syntaxError(line, problem) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `Line ${line} of the netrc: ${problem}.`, {
        hint: 'The format is `machine HOST login USER password SECRET`.',
    });
}
/** A token in double quotes; a backslash makes the next character plain, or a line break or tab of `n`, `r`, `t`. */
function readQuoted(text, start, line) {
    let value = '';
    for (let at = start + 1; at < text.length; at++) {
        const character = text.charAt(at);
        if (character === '"')
            return { text: value, line, end: at + 1 };
        if (character === '\n')
            break;
        if (character === '\\') {
            const escaped = text.charAt(++at);
            if (escaped === '\n')
                break;
            value += ESCAPES[escaped] ?? escaped;
        }
        else {
            value += character;
        }
    }
    throw syntaxError(line, 'a double quote is not closed');
}
const SPACE = /[ \t\r\n]/;
/** Hands out the tokens of a netrc. */
class Tokens {
    #text;
    #at = 0;
    #line = 1;
    constructor(text) {
        this.#text = text;
    }
    /** The next token, `null` at the end. A `#` where a token would begin makes the rest of the line a comment. */
    next() {
        for (; this.#at < this.#text.length; this.#at++) {
            const character = this.#text.charAt(this.#at);
            if (character === '\n')
                this.#line++;
            else if (character === '#')
                this.#at = this.#endOfLine() - 1;
            else if (!SPACE.test(character))
                return this.#token(character);
        }
        return null;
    }
    /** The value after a keyword. */
    value(keyword) {
        const token = this.next();
        if (token === null)
            throw syntaxError(keyword.line, `nothing follows \`${keyword.text}\``);
        return token;
    }
    /** Passes over the body of a macro, which ends with a blank line. */
    skipMacro() {
        const blank = /\n[ \t\r]*(?:\n|$)/g;
        blank.lastIndex = this.#endOfLine();
        const end = blank.exec(this.#text) === null ? this.#text.length : blank.lastIndex - 1;
        for (; this.#at < end; this.#at++)
            if (this.#text.charAt(this.#at) === '\n')
                this.#line++;
    }
    #token(first) {
        const token = first === '"' ? readQuoted(this.#text, this.#at, this.#line) : this.#plain();
        this.#at = token.end;
        if (token.text.includes('\0'))
            throw syntaxError(token.line, 'there is a NUL in it');
        return token;
    }
    #plain() {
        let end = this.#at;
        while (end < this.#text.length && !SPACE.test(this.#text.charAt(end)))
            end++;
        return { text: this.#text.slice(this.#at, end), line: this.#line, end };
    }
    #endOfLine() {
        const end = this.#text.indexOf('\n', this.#at);
        return end === -1 ? this.#text.length : end;
    }
}
function nameOf(machine) {
    return machine === null ? 'the default entry' : `machine ${(0,_quote_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .h)(machine)}`;
}
function tooLong(machine, what, sizeBytes) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The ${what} for ${nameOf(machine)} in the netrc has ${sizeBytes} bytes, more than ${MAX_TOKEN_BYTES}.`, {
        hint: 'Nix would ignore it, or the whole file, and send no credentials at all: use a shorter token.',
    });
}
function newEntry(machine) {
    return { machine, login: null, password: null };
}
/**
 * Reads a netrc as curl does for Nix: tokens over any number of lines, keywords in any case, double quotes with escapes, comments,
 * `macdef` (passed over), `account` (passed over), `default`; words that mean nothing are ignored. An entry without login has an
 * empty one. Throws `format-invalid` on what makes curl fail or send nothing; messages name lines and machines, never secrets.
 */
function parseNetrc(text) {
    if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The netrc is larger than ${MAX_FILE_BYTES} bytes, the most that Nix can read.`);
    }
    const tokens = new Tokens(text);
    const entries = [];
    /** What `login` and `password` belong to; `null` before the first machine and after a macro. */
    let open = null;
    for (let token = tokens.next(); token !== null; token = tokens.next()) {
        switch (token.text.toLowerCase()) {
            case 'machine':
                entries.push((open = newEntry(tokens.value(token).text)));
                break;
            case 'default':
                entries.push((open = newEntry(null)));
                break;
            case 'login':
                setOnce(open, 'login', tokens.value(token));
                break;
            case 'password':
                setOnce(open, 'password', tokens.value(token));
                break;
            case 'account':
                tokens.value(token);
                break;
            case 'macdef':
                tokens.skipMacro();
                open = null;
                break;
        }
    }
    return entries.map(({ machine, login, password }) => ({ machine, login: login ?? '', password: password ?? '' }));
}
/** The first value stays: that is what curl up to 8.22 sends. Values before any machine belong to nobody. */
function setOnce(entry, what, value) {
    if (entry === null)
        return;
    const sizeBytes = Buffer.byteLength(value.text);
    if (sizeBytes > MAX_TOKEN_BYTES)
        throw tooLong(entry.machine, what, sizeBytes);
    entry[what] ??= value.text;
}
/**
 * Quoted only where it must be: curl before 7.84 takes quotes for parts of the token. Letters beyond ASCII must be, since curl 8.14
 * fails on them otherwise.
 */
function formatToken(text) {
    if (/^[!$-~][!-~]*$/.test(text))
        return text;
    const escaped = text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t');
    return `"${escaped}"`;
}
function formatField(keyword, text, machine) {
    if (text.includes('\0'))
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The ${keyword} for ${nameOf(machine)} has a NUL in it, which a netrc can't hold.`);
    const token = formatToken(text);
    const sizeBytes = Buffer.byteLength(token);
    if (sizeBytes > MAX_TOKEN_BYTES)
        throw tooLong(machine, keyword, sizeBytes);
    return `${keyword} ${token}\n`;
}
/**
 * Writes entries so that every curl reads them back: `login` always there (without it curl 7.85 may drop the password), each token on
 * a line of its own, `default` entries behind all others, because curl looks no further than the first entry that fits.
 * Throws `format-invalid` when something is too long for Nix to read.
 */
function formatNetrc(entries) {
    const ordered = [...entries.filter((entry) => entry.machine !== null), ...entries.filter((entry) => entry.machine === null)];
    const text = ordered
        .map(({ machine, login, password }) => {
        const head = machine === null ? 'default\n' : formatField('machine', machine, machine);
        return head + formatField('login', login, machine) + formatField('password', password, machine);
    })
        .join('');
    if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The netrc would be larger than ${MAX_FILE_BYTES} bytes, the most that Nix can read.`);
    }
    return text;
}
/** A host as curl looks for it: in lower case, and an IPv6 address without the brackets that it has in a URL. */
function netrcMachine(host) {
    return host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
}
/** The credentials for `host` (no port; case does not matter): the first entry of that name, else the first `default`, else `null`. */
function findNetrc(entries, host) {
    const wanted = netrcMachine(host);
    const named = entries.find((entry) => entry.machine !== null && netrcMachine(entry.machine) === wanted);
    return named ?? entries.find((entry) => entry.machine === null) ?? null;
}


/***/ }),

/***/ 8002:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   X: () => (/* binding */ parseNixConf),
/* harmony export */   w: () => (/* binding */ formatSetting)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _quote_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9044);


/** What Nix splits lines at; other white space belongs to the words. */
const BLANKS = /[ \t\r]+/;
/** Words joined by single blanks: all that Nix keeps of a value (libutil/configuration.cc). */
function normalized(text) {
    return text
        .split(BLANKS)
        .filter((word) => word !== '')
        .join(' ');
}
/**
 * `name = value` and a line end; a list is joined by blanks. Throws `format-invalid` when Nix would not read back the same: line
 * breaks, `#` (a comment, wherever it stands), blanks at the ends or several in a row, blanks within an item of a list.
 */
function formatSetting(name, value) {
    if (!/^[A-Za-z0-9_-]+$/.test(name))
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_1__/* .quote */ .h)(name)} is no name of a Nix setting.`);
    const items = typeof value === 'string' ? [value] : value;
    const text = items.join(' ');
    const problem = unwritable(items, text, typeof value !== 'string');
    if (problem !== null) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The Nix setting \`${name}\` can't have this value: ${problem}.`);
    }
    return `${name} = ${text}\n`;
}
/** The value itself is not shown: it may be an `access-tokens`. */
function unwritable(items, text, list) {
    if (/[\p{Cc}]/u.test(text))
        return 'there is a line break or another control character in it';
    if (text.includes('#'))
        return 'there is a `#` in it, where Nix begins a comment';
    if (list && items.some((item) => item === '' || item.includes(' ')))
        return 'an item of a list is empty or has a blank in it';
    return normalized(text) === text ? null : 'Nix keeps neither blanks at its ends nor several in a row';
}
function parseLine(line, lineNumber) {
    const words = normalized(line.replace(/#.*$/s, '')).split(' ');
    const [first = '', second, third] = words;
    if (first === '')
        return null;
    if (first === 'include' || first === '!include') {
        if (second !== undefined && third === undefined)
            return { kind: 'include', path: second, optional: first === '!include' };
    }
    else if (second === '=') {
        return { kind: 'setting', name: first, value: words.slice(2).join(' ') };
    }
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `Line ${lineNumber} of the Nix configuration is neither \`name = value\` nor an include.`);
}
/**
 * Reads a nix.conf (or NIX_CONFIG) as Nix does, comments left out; includes are not followed. Throws `format-invalid` on a line that
 * Nix refuses, without showing it.
 */
function parseNixConf(text) {
    return text
        .split('\n')
        .map((line, index) => parseLine(line, index + 1))
        .filter((line) => line !== null);
}


/***/ }),

/***/ 9321:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   DH: () => (/* binding */ nixSystem),
/* harmony export */   VF: () => (/* binding */ formatReleaseHash),
/* harmony export */   WH: () => (/* binding */ parsePublishedHash),
/* harmony export */   _0: () => (/* binding */ parseNixRelease),
/* harmony export */   oe: () => (/* binding */ tarballUrl)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _hash_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3314);
/* harmony import */ var _quote_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9044);



/** Where the Nix project publishes. */
const RELEASES = 'https://releases.nixos.org/nix';
/** A SHA-256 as `sha256sum` writes it. */
const HEXADECIMAL = /^[0-9a-f]{64}$/;
/**
 * Reads words like `2.31.2 sha256-… https://mirror.example/nix`, in any order and on any number of lines: a version, hashes, a mirror.
 * @throws CacheError `format-invalid`
 */
function parseNixRelease(text) {
    const words = text.split(/\s+/).filter((word) => word !== '');
    const urls = words.filter((word) => word.includes('://'));
    const versions = words.filter((word) => /^\d/.test(word) && !HEXADECIMAL.test(word) && !urls.includes(word));
    const hashes = words.filter((word) => !versions.includes(word) && !urls.includes(word));
    const [version] = versions;
    if (version === undefined || versions.length > 1 || !/^\d{1,4}\.\d{1,4}\.\d{1,4}$/.test(version)) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_2__/* .quote */ .h)(versions.join(' ') || text)} is not one version of three numbers, such as \`2.31.2\`.`);
    }
    if (urls.length > 1)
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${urls.length} mirrors are given; it can be one.`);
    return { version, hashes: hashes.map(readHash), mirror: readMirror(urls[0] ?? RELEASES) };
}
function readHash(word) {
    if (HEXADECIMAL.test(word) || word.startsWith('sha256-') || word.startsWith('sha256:'))
        return (0,_hash_js__WEBPACK_IMPORTED_MODULE_1__/* .parseHash */ .Eb)(word, 'sha256');
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${(0,_quote_js__WEBPACK_IMPORTED_MODULE_2__/* .quote */ .h)(word)} is neither a version, nor a hash (\`sha256-…\`), nor a mirror (\`https://…\`).`);
}
function readMirror(word) {
    const url = URL.canParse(word) ? new URL(word) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `The mirror ${(0,_quote_js__WEBPACK_IMPORTED_MODULE_2__/* .quote */ .h)(word.replace(/\/\/[^/]*@/, '//***@'))} is not an \`https://\` URL.`);
    }
    if (url.username !== '' || url.password !== '') {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', 'The URL of the mirror has credentials inside; give them in `netrc`.');
    }
    url.search = '';
    url.hash = '';
    url.pathname = url.pathname.replace(/\/+$/, '');
    return url;
}
/** The tarball of a release for a system such as `x86_64-linux`. */
function tarballUrl({ version, mirror }, system) {
    return new URL(`${mirror.href.replace(/\/$/, '')}/nix-${version}/nix-${version}-${system}.tar.xz`);
}
/** What stands beside each tarball, as `<tarball>.sha256`: the digest in hexadecimal; some mirrors add the file's name, as `sha256sum` does. Throws `format-invalid`. */
function parsePublishedHash(text) {
    return (0,_hash_js__WEBPACK_IMPORTED_MODULE_1__/* .parseHash */ .Eb)(text.trim().split(/\s/)[0] ?? '', 'sha256');
}
/** As it is written in the input. */
function formatReleaseHash(hash) {
    return (0,_hash_js__WEBPACK_IMPORTED_MODULE_1__/* .formatHash */ .ON)(hash, 'sri');
}
/** The systems that the Nix project publishes tarballs for and GitHub has runners for, by Node's names; `null` for any other. */
function nixSystem(platform, arch) {
    const cpu = { x64: 'x86_64', arm64: 'aarch64' }[arch];
    return cpu !== undefined && (platform === 'linux' || platform === 'darwin') ? `${cpu}-${platform}` : null;
}


/***/ }),

/***/ 8486:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   $5: () => (/* binding */ formatSecretKey),
/* harmony export */   DW: () => (/* binding */ signatureKeyName),
/* harmony export */   MX: () => (/* binding */ verify),
/* harmony export */   NP: () => (/* binding */ parseSecretKey),
/* harmony export */   Rj: () => (/* binding */ fingerprint),
/* harmony export */   _S: () => (/* binding */ sign),
/* harmony export */   ee: () => (/* binding */ parsePublicKey),
/* harmony export */   et: () => (/* binding */ formatPublicKey),
/* harmony export */   kc: () => (/* binding */ publicKeyOf),
/* harmony export */   rh: () => (/* binding */ generateKey)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);
/* harmony import */ var _base64_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4125);
/* harmony import */ var _ed25519_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(1873);
/* harmony import */ var _hash_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(3314);





const SEED_BYTES = _ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .SECRET_KEY_BYTES */ .fP - _ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .PUBLIC_KEY_BYTES */ .kf;
/** A name stands in narinfos (`name:signature`) and in nix.conf, where blanks separate and `#` begins a comment. */
const KEY_NAME = /^[^\s:#\p{Cc}]{1,255}$/u;
const SECRET_KEY_HINT = 'Give it as `nix-store --generate-binary-cache-key` writes it: `name:base64`.';
const PUBLIC_KEY_HINT = 'Give it as in `trusted-public-keys`: `name:base64`.';
function checkName(name, what, hint) {
    if (name === '')
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', `${what} has no name in front of it.`, { hint });
    if (!KEY_NAME.test(name)) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', `The name of ${what.toLowerCase()} has blanks, \`:\`, \`#\` or control characters in it, or more than 255 characters.`, {
            hint,
        });
    }
}
/**
 * `name:base64` to name and bytes. The messages never show the text: it may be a secret even where a public key is wanted. Like
 * Nix, line breaks within the base 64 are skipped.
 */
function parseKey(text, what, hint) {
    const trimmed = text.trim();
    if (trimmed === '')
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', `${what} is empty.`, { hint });
    const colon = trimmed.indexOf(':');
    const name = trimmed.slice(0, Math.max(colon, 0));
    checkName(name, what, hint);
    const payload = trimmed.slice(colon + 1).replace(/[\r\n]/g, '');
    if (payload.includes(':'))
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', `${what} has more than one \`:\`; is it several keys?`, { hint });
    return { name, bytes: (0,_base64_js__WEBPACK_IMPORTED_MODULE_2__/* .decodeBase64 */ .y)(payload, `${what} (the part after the name)`) };
}
/**
 * Reads a secret key; surrounding white space is fine. Throws `format-invalid`: no name, not base 64, a public key, a wrong length,
 * halves that don't belong together. No message shows anything of the text.
 */
function parseSecretKey(text) {
    const { name, bytes } = parseKey(text, 'The secret key', SECRET_KEY_HINT);
    if (bytes.length === _ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .PUBLIC_KEY_BYTES */ .kf) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', 'The secret key has 32 bytes, as a public key has.', {
            hint: 'Give the other file that `nix-store --generate-binary-cache-key` wrote; a secret key has 64 bytes.',
        });
    }
    if (bytes.length !== _ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .SECRET_KEY_BYTES */ .fP) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', `The secret key has ${bytes.length} bytes where it takes 64; it may be cut off.`, {
            hint: SECRET_KEY_HINT,
        });
    }
    if (!(0,_ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .halvesMatch */ .Z)(bytes)) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', 'The public half of the secret key does not belong to the secret one; the key is damaged.', {
            hint: 'Nobody could verify its signatures: restore the key, or generate a new one.',
        });
    }
    return { name, secretKey: bytes };
}
/** Reads a public key; surrounding white space is fine. Throws `format-invalid` like `parseSecretKey`, and shows as little. */
function parsePublicKey(text) {
    const { name, bytes } = parseKey(text, 'The public key', PUBLIC_KEY_HINT);
    if (bytes.length === _ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .SECRET_KEY_BYTES */ .fP) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', 'The public key has 64 bytes, as a secret key has.', {
            hint: 'If it is the secret key: it does not belong here, and where others could read it, replace it.',
        });
    }
    if (bytes.length !== _ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .PUBLIC_KEY_BYTES */ .kf) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', `The public key has ${bytes.length} bytes where it takes 32; it may be cut off.`, {
            hint: PUBLIC_KEY_HINT,
        });
    }
    return { name, key: bytes };
}
function formatSecretKey(key) {
    return `${key.name}:${(0,_base64_js__WEBPACK_IMPORTED_MODULE_2__/* .encodeBase64 */ .W)(key.secretKey)}`;
}
function formatPublicKey(key) {
    return `${key.name}:${(0,_base64_js__WEBPACK_IMPORTED_MODULE_2__/* .encodeBase64 */ .W)(key.key)}`;
}
function publicKeyOf(secret) {
    return { name: secret.name, key: (0,_ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .publicHalf */ .h_)(secret.secretKey) };
}
/** A new key pair. Throws `format-invalid` when `name` can't be that of a key. `random` gives as many bytes as asked for. */
function generateKey(name, random = node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes) {
    checkName(name, 'The new key', SECRET_KEY_HINT);
    return { name, secretKey: (0,_ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .secretKeyOfSeed */ .__)(random(SEED_BYTES)) };
}
/**
 * What a signature covers: path, NAR hash, NAR size and references; not the URL, the compression, the deriver or the CA field.
 * Source: nix/src/libstore/path-info.cc, ValidPathInfo::fingerprint. Throws `format-invalid` when the size is not known.
 */
function fingerprint(info) {
    if (!(info.narSizeBytes > 0)) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('format-invalid', `${info.path} can't be signed or verified: the size of its NAR is not known.`);
    }
    const references = [...new Set(info.references)].sort().join(',');
    return `1;${info.path};${(0,_hash_js__WEBPACK_IMPORTED_MODULE_4__/* .formatHash */ .ON)(info.narHash, 'nix32')};${info.narSizeBytes};${references}`;
}
/** Signs a fingerprint: `name:base64`, as the narinfo field `Sig` has it. */
function sign(fingerprint, key) {
    return `${key.name}:${(0,_base64_js__WEBPACK_IMPORTED_MODULE_2__/* .encodeBase64 */ .W)((0,_ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .ed25519 */ .ev)().sign(Buffer.from(fingerprint), key.secretKey))}`;
}
/** The signature's bytes, `null` when they are no signature. */
function signatureBytes(payload) {
    const bytes = Buffer.from(payload, 'base64');
    return bytes.length === _ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .SIGNATURE_BYTES */ .tM && bytes.toString('base64') === payload ? bytes : null;
}
/** Whether `signature` is one over `fingerprint` by that of `keys` which it names. A damaged one is not; nothing throws. */
function verify(fingerprint, signature, keys) {
    const name = signatureKeyName(signature);
    const bytes = signatureBytes(signature.slice(name.length + 1));
    if (name === '' || bytes === null)
        return false;
    const message = Buffer.from(fingerprint);
    return keys.some((key) => key.name === name && (0,_ed25519_js__WEBPACK_IMPORTED_MODULE_3__/* .ed25519 */ .ev)().verify(message, bytes, key.key));
}
/** The name of the key that made a signature, empty when it names none. */
function signatureKeyName(signature) {
    return signature.slice(0, Math.max(signature.indexOf(':'), 0));
}


/***/ }),

/***/ 7147:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  h$: () => (/* binding */ findStore),
  C3: () => (/* binding */ openActionsCache),
  IH: () => (/* binding */ openService),
  Uj: () => (/* binding */ readKnown),
  AL: () => (/* binding */ withCacheService)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./build/backends/actions-cache/format/keys.js
var keys = __webpack_require__(7643);
// EXTERNAL MODULE: ./build/backends/actions-cache/known-indexes.js + 3 modules
var known_indexes = __webpack_require__(8890);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
// EXTERNAL MODULE: ./build/waiting/cancel.js
var cancel = __webpack_require__(2368);
// EXTERNAL MODULE: ./build/backends/actions-cache/shared-work.js
var shared_work = __webpack_require__(5642);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:stream/promises"
var external_node_stream_promises_ = __webpack_require__(6466);
// EXTERNAL MODULE: ./build/backends/actions-cache/file-error.js
var file_error = __webpack_require__(2818);
;// CONCATENATED MODULE: ./build/backends/actions-cache/spooled-blob.js








/** Fetches a blob whole, from the start again when it breaks off; `null` when it has gone. Throws `cache-failing` after `tries`. */
async function spoolBlob(open, folder, tries, signal) {
    for (let left = tries;; left--) {
        const stream = await open();
        if (stream === null)
            return null;
        try {
            return await written(stream, folder);
        }
        catch (error) {
            if (signal.aborted)
                throw (0,cancel/* abortError */.vt)(signal, 'Reading from the Actions cache');
            if ((0,errors/* isCacheError */.bt)(error))
                throw error;
            if (left <= 1)
                throw new errors/* CacheError */.xA('cache-failing', `An entry of the Actions cache broke off ${tries} times.`, { cause: error });
        }
    }
}
async function written(stream, folder) {
    const file = (0,external_node_path_.join)(folder, (0,external_node_crypto_.randomBytes)(8).toString('hex'));
    try {
        await (0,promises_.mkdir)(folder, { recursive: true, mode: 0o700 });
        await (0,external_node_stream_promises_.pipeline)(stream, (0,external_node_fs_.createWriteStream)(file, { mode: 0o600, flags: 'wx' }));
        const { size } = await (0,promises_.stat)(file);
        return { read: (range) => slice(file, size, range) };
    }
    catch (error) {
        stream.destroy();
        await (0,promises_.rm)(file, { force: true });
        throw (0,file_error/* fileError */.z)(error, file) ?? error;
    }
}
function slice(file, sizeBytes, { start, end }) {
    if (end >= sizeBytes)
        throw new errors/* CacheError */.xA('cache-invalid', `An entry of the Actions cache has ${sizeBytes} bytes and should have more than ${end}.`);
    return (0,external_node_fs_.createReadStream)(file, { start, end });
}

;// CONCATENATED MODULE: ./build/backends/actions-cache/blob-reader.js





/** GitHub's download URLs are good for 10 minutes, and a clock may be off a little. */
const URL_LIFETIME_MS = 8 * 60_000;
/** How often one read goes on where its connection broke. */
const RESUMES = 4;
const GONE = [404, 410];
const REFUSED = [401, 403];
const DOING = 'Reading from the Actions cache';
/** Reads parts of a blob by its signed URL, which is renewed when its time is up. One renewal serves all who wait for it. */
function createBlobReader(options) {
    const { client, nowMs } = options;
    let current = { get: async () => options.url, sinceMs: nowMs() };
    /** The whole blob on disk, for servers that ignore `Range`. */
    let spooled = null;
    /** Whoever comes second with the same old URL finds it renewed. */
    const renew = (before) => {
        if (current === before)
            current = { get: (0,shared_work/* shareWork */.P)(options.renew), sinceMs: nowMs() };
    };
    /** An answer that holds the bytes; `null` when the blob has gone. */
    const ask = async (range, signal) => {
        for (let isRetry = false;; isRetry = true) {
            if (nowMs() - current.sinceMs > URL_LIFETIME_MS)
                renew(current);
            const asked = current;
            const url = await asked.get(signal, DOING);
            if (url === null)
                return null;
            const headers = range === null ? {} : { range: `bytes=${range.start}-${range.end}` };
            const accept = [200, 206, 416, ...GONE, ...REFUSED];
            const answer = await client.request({ method: 'GET', url, headers, accept, limitBytes: 0, streamed: true, signal });
            if (GONE.includes(answer.status))
                return null;
            if (!REFUSED.includes(answer.status))
                return answer;
            if (isRetry)
                throw new errors/* CacheError */.xA('cache-forbidden', 'The storage behind the Actions cache refuses a URL that was made for it just now.', { hint: "Is this machine's clock right, and does a proxy leave the query of a URL as it is?" });
            renew(asked);
        }
    };
    const openWhole = async (signal) => {
        const answer = await ask(null, signal);
        if (answer === null)
            return null;
        const length = answer.header('content-length');
        const range = length === null ? null : { start: 0, end: Number(length) - 1 };
        return { stream: streamOf(answer), range };
    };
    const fromDisk = async (range, signal) => {
        spooled ??= (0,shared_work/* shareWork */.P)((until) => spoolBlob(async () => (await openWhole(until))?.stream ?? null, options.folder, RESUMES + 1, until));
        const blob = await spooled(signal, DOING);
        return blob === null ? null : { stream: blob.read(range), range };
    };
    const open = async (range, signal) => {
        if (range === null)
            return openWhole(signal);
        if (spooled !== null)
            return fromDisk(range, signal);
        const answer = await ask(range, signal);
        if (answer === null)
            return null;
        if (answer.status === 206)
            return { stream: checkedRange(answer, range), range };
        const stream = streamOf(answer);
        // The shared one has a request of its own: this one ends with `signal`.
        stream.destroy();
        return fromDisk(range, signal);
    };
    return {
        async read(range, signal) {
            const closed = new AbortController();
            const either = AbortSignal.any([signal, closed.signal]);
            const first = await open(range, either);
            if (first === null)
                return null;
            const parts = resuming(first, open, either);
            return endedBy(signal, parts, () => {
                closed.abort();
                // Also when nothing was read of it: then the generator has not begun, and closes nothing.
                first.stream.destroy();
            });
        },
    };
}
/**
 * A stream of `parts`. Whoever destroys it in the middle ends the connection at once by `onClose`; `Readable.from` would wait for the next part first, which a
 * server that stalls does not send.
 */
function endedBy(signal, parts, onClose) {
    const stream = new external_node_stream_.Readable({
        read() {
            parts.next().then(({ done, value }) => this.push(done ? null : value), (error) => this.destroy(error));
        },
        destroy(error, callback) {
            signal.removeEventListener('abort', stop);
            onClose();
            parts.return().catch(() => undefined);
            callback(error);
        },
    });
    const stop = () => void stream.destroy((0,cancel/* abortError */.vt)(signal, DOING));
    signal.addEventListener('abort', stop, { once: true });
    // Its reader is told of an error all the same; but for this, one that comes before it is read would end the process.
    stream.on('error', () => undefined);
    if (signal.aborted)
        stop();
    return stream;
}
/** The bytes of `first`, also when the connection breaks in the middle. */
async function* resuming(first, open, signal) {
    let opened = first;
    let at = first.range?.start ?? 0;
    const end = first.range?.end ?? null;
    for (let breaks = 1;; breaks++) {
        let cause;
        try {
            for await (const part of opened.stream) {
                const bytes = part;
                const wanted = end === null ? bytes : bytes.subarray(0, end + 1 - at);
                at += wanted.length;
                if (wanted.length > 0)
                    yield wanted;
            }
            if (end === null || at > end)
                return;
        }
        catch (error) {
            if ((0,errors/* isCacheError */.bt)(error))
                throw error;
            cause = error;
        }
        finally {
            opened.stream.destroy();
        }
        if (signal.aborted)
            throw (0,cancel/* abortError */.vt)(signal, DOING);
        if (end === null || breaks > RESUMES)
            throw new errors/* CacheError */.xA('cache-failing', `An entry of the Actions cache broke off ${breaks} times.`, { cause });
        const next = await open({ start: at, end }, signal);
        if (next === null)
            throw new errors/* CacheError */.xA('cache-not-found', 'An entry of the Actions cache went away while it was read.');
        opened = next;
    }
}
function streamOf({ status, stream }) {
    if (status !== 416 && stream !== null)
        return stream;
    throw new errors/* CacheError */.xA('cache-invalid', 'An entry of the Actions cache is shorter than it was.');
}
function checkedRange(answer, range) {
    const stream = streamOf(answer);
    const [, start, end] = /^bytes (\d+)-(\d+)\//.exec(answer.header('content-range') ?? '') ?? [];
    if (Number(start) === range.start && Number(end) === range.end)
        return stream;
    stream.destroy();
    throw new errors/* CacheError */.xA('cache-invalid', 'The storage behind the Actions cache gave other bytes than were asked for.');
}

// EXTERNAL MODULE: ./build/bodies/in-memory.js
var in_memory = __webpack_require__(808);
;// CONCATENATED MODULE: ./build/backends/actions-cache/blob-upload.js




/** Up to here one request brings it all. */
const ONE_PUT_BYTES = 16 * 1024 * 1024;
const BLOCK_BYTES = 8 * 1024 * 1024;
/** 4 MiB to 32 MiB each: larger blobs have larger blocks, of which there may be 50,000. */
const MAX_BLOCKS = 1_000;
const IN_FLIGHT = 4;
const blob_upload_REFUSED = [401, 403];
/** What the HTTP client makes of other refusals: for a cache whose URL somebody wrote. */
const MISTAKES = ['cache-invalid', 'cache-not-found', 'cache-read-only', 'cache-too-large'];
const blob_upload_DOING = 'Uploading to the Actions cache';
/**
 * Uploads a blob to Azure's storage by its signed URL: as one (Put Blob), or in blocks that are sent side by side (Put Block, Put Block List). Memory: four blocks.
 * @see https://learn.microsoft.com/rest/api/storageservices/put-block
 */
async function uploadBlob(client, url, body, signal) {
    if (body.sizeBytes <= ONE_PUT_BYTES) {
        await put(client, url, body, signal, { 'x-ms-blob-type': 'BlockBlob', 'content-type': 'application/octet-stream' });
        return;
    }
    const ids = await putBlocks(client, url, body, signal);
    const list = ids.map((id) => `<Latest>${id}</Latest>`).join('');
    const xml = `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`;
    await put(client, withQuery(url, { comp: 'blocklist' }), (0,in_memory/* bodyOfText */.V)(xml), signal, { 'content-type': 'application/xml' });
}
async function putBlocks(client, url, body, signal) {
    const blockBytes = Math.max(BLOCK_BYTES, Math.ceil(body.sizeBytes / MAX_BLOCKS));
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const upload = (0,external_node_crypto_.randomUUID)();
    const ids = [];
    const underWay = new Set();
    try {
        for await (const block of blocksOf(body, blockBytes, either)) {
            // Servers that store elsewhere than Azure read the order from the id, in the form that the Azure SDK gives it: 48 characters.
            const id = Buffer.from(`${upload}${`${ids.length}`.padStart(12, '0')}`).toString('base64');
            ids.push(id);
            // One that failed may be none of those under way any more.
            (0,cancel/* throwIfAborted */.Te)(either, blob_upload_DOING);
            const sent = put(client, withQuery(url, { comp: 'block', blockid: id }), (0,in_memory/* bodyOfBytes */.P)(block), either, {}).finally(() => underWay.delete(sent));
            sent.catch((error) => failed.abort(error));
            underWay.add(sent);
            if (underWay.size >= IN_FLIGHT)
                await Promise.race(underWay);
        }
        await Promise.all(underWay);
        (0,cancel/* throwIfAborted */.Te)(either, blob_upload_DOING);
        return ids;
    }
    catch (error) {
        (0,cancel/* throwIfAborted */.Te)(either, blob_upload_DOING);
        if ((0,errors/* isCacheError */.bt)(error))
            throw error;
        throw new errors/* CacheError */.xA('file-failed', `What is to be uploaded can't be read (${(0,errors/* systemCode */.xU)(error) ?? error}).`, {
            cause: error,
        });
    }
    finally {
        failed.abort();
        await Promise.allSettled(underWay);
    }
}
/** The body in pieces of `blockBytes`, each in memory of its own. */
async function* blocksOf(body, blockBytes, signal) {
    let block = Buffer.allocUnsafe(Math.min(blockBytes, body.sizeBytes));
    let filled = 0;
    let leftBytes = body.sizeBytes;
    for await (const part of unlessAborted(body.stream(), signal)) {
        let bytes = part;
        if (bytes.length > leftBytes)
            throw new errors/* CacheError */.xA('file-failed', 'What is to be uploaded is longer than it was.');
        while (bytes.length > 0) {
            const taken = Math.min(bytes.length, block.length - filled);
            block.set(bytes.subarray(0, taken), filled);
            filled += taken;
            leftBytes -= taken;
            bytes = bytes.subarray(taken);
            if (filled < block.length)
                continue;
            yield block;
            block = Buffer.allocUnsafe(Math.min(blockBytes, leftBytes));
            filled = 0;
        }
    }
    if (leftBytes !== 0)
        throw new errors/* CacheError */.xA('file-failed', `What is to be uploaded ended ${leftBytes} bytes too early.`);
}
/** Throws what `signal` aborts with, also while `stream` has nothing to give. */
async function* unlessAborted(stream, signal) {
    const iterator = stream[Symbol.asyncIterator]();
    try {
        for (;;) {
            const next = await (0,cancel/* orAborted */.H6)(iterator.next(), signal, blob_upload_DOING);
            if (next.done)
                return;
            yield next.value;
        }
    }
    finally {
        // One that is stuck would never come to its end; nothing waits for it.
        void iterator.return?.();
    }
}
async function put(client, url, body, signal, headers) {
    const accept = [200, 201, ...blob_upload_REFUSED];
    const { status } = await client
        .request({ method: 'PUT', url, headers, body, accept, limitBytes: 64 * 1024, signal })
        .catch((error) => {
        throw (0,errors/* isCacheError */.bt)(error, ...MISTAKES) ? notTaken(error) : error;
    });
    if (!blob_upload_REFUSED.includes(status))
        return;
    throw new errors/* CacheError */.xA('cache-forbidden', 'The storage behind the Actions cache refuses the URL that this upload was given.', {
        hint: "Such a URL is good for about an hour: is the upload that slow, is this machine's clock right, and does a proxy leave the query of a URL as it is?",
    });
}
/** The URL was made for this upload by the service itself. */
function notTaken(cause) {
    return new errors/* CacheError */.xA('cache-failing', cause.message, {
        hint: 'It is the storage behind the Actions cache that says so: try again later, and if that does not help, look for a proxy that changes what it passes on.',
        cause,
    });
}
function withQuery(url, parameters) {
    const more = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    const wider = new URL(url);
    // Not by `searchParams`, which would write the signature anew and could write it differently.
    wider.search = `${url.search}${url.search === '' ? '?' : '&'}${more.join('&')}`;
    return wider;
}

// EXTERNAL MODULE: ./build/backends/actions-cache/twirp.js
var actions_cache_twirp = __webpack_require__(7849);
;// CONCATENATED MODULE: ./build/backends/actions-cache/direct.js





/** Of Azure, Amazon and Google, and those who store like them. */
const SIGNATURES = ['sig', 'x-amz-signature', 'x-goog-signature'];
/** The Actions cache by its own protocol: entries are blobs as they are, and a part of one can be read. */
function openDirect(options) {
    const { client, version, mask, nowMs } = options;
    const twirp = (0,actions_cache_twirp/* createTwirp */.Ve)(options);
    const resolve = async (which, signal) => {
        const [key, restoreKeys] = 'key' in which ? [which.key, []] : [which.newestOf, [which.newestOf]];
        const answer = await twirp.call('GetCacheEntryDownloadURL', { key, restore_keys: restoreKeys, version }, signal);
        if (answer.kind === 'not-ok')
            return null;
        const found = textField(answer.fields, 'matched_key', 'matchedKey').toLowerCase();
        // The key of a lookup is a prefix too: with `key` alone an answer may be for a longer one.
        const isWanted = 'key' in which ? found === which.key.toLowerCase() : found.startsWith(which.newestOf.toLowerCase());
        if (!isWanted)
            return null;
        return { key: found, url: urlField(answer.fields, mask, 'signed_download_url', 'signedDownloadUrl') };
    };
    const entryOf = (key, url) => {
        const renew = async (signal) => (await resolve({ key }, signal))?.url ?? null;
        const blob = createBlobReader({ client, url, renew, folder: options.folder, nowMs });
        return { key, read: blob.read };
    };
    return {
        transport: 'direct',
        label: 'the Actions cache',
        whyNoRead: options.whyNoRead,
        whyNoWrite: options.whyNoWrite,
        refusesDuplicates: true,
        async lookup(which, signal) {
            const found = await resolve(which, signal);
            return found === null ? null : entryOf(found.key, found.url);
        },
        async save(key, body, signal) {
            const reserved = await twirp.call('CreateCacheEntry', { key, version }, signal);
            if (reserved.kind === 'not-ok')
                return 'exists';
            await uploadBlob(client, urlField(reserved.fields, mask, 'signed_upload_url', 'signedUploadUrl'), body, signal);
            const finalized = await twirp.call('FinalizeCacheEntryUpload', { key, size_bytes: `${body.sizeBytes}`, version }, signal);
            // When the answer to a first try was lost, the second one is refused although the entry is there.
            if (finalized.kind === 'ok' || (await resolve({ key }, signal)) !== null)
                return 'saved';
            throw new errors/* CacheError */.xA('cache-failing', `The Actions cache did not take the entry \`${key}\` after its upload.`);
        },
        close: () => (0,promises_.rm)(options.folder, { recursive: true, force: true }),
    };
}
/** Servers write names as in the protocol's definition, or as JSON usually has them. */
function textField(fields, ...names) {
    const value = names.map((name) => fields[name]).find((one) => typeof one === 'string' && one !== '');
    if (typeof value === 'string')
        return value;
    throw new errors/* CacheError */.xA('cache-invalid', `An answer of the Actions cache has no \`${names[0]}\`.`);
}
/** A signed URL is a secret: whoever has it can read or write the blob. */
function urlField(fields, mask, ...names) {
    const text = textField(fields, ...names);
    if (!URL.canParse(text))
        throw new errors/* CacheError */.xA('cache-invalid', `\`${names[0]}\` in an answer of the Actions cache is not a URL.`);
    const url = new URL(text);
    for (const [name, value] of url.searchParams) {
        if (!SIGNATURES.includes(name.toLowerCase()) || value === '')
            continue;
        // As it is, as it stands in the URL, and as others would write it.
        const written = new RegExp(`[?&]${name}=([^&#]+)`).exec(text)?.[1] ?? value;
        for (const form of new Set([value, written, encodeURIComponent(value)]))
            mask(form);
    }
    return url;
}

;// CONCATENATED MODULE: ./build/backends/actions-cache/open-service.js




/**
 * The Actions cache of this job; `null` where the runner has none. Which protocol a server speaks is told by the same variables as to `@actions/cache`
 * (its `config.ts`): v2 is spoken directly, everything else by the toolkit, and so is v2 when its first answer is not understood.
 */
async function openCacheService(options) {
    const { env, log } = options;
    const token = env.ACTIONS_RUNTIME_TOKEN ?? '';
    if (token === '')
        return null;
    const allowed = accessOf(env.ACTIONS_CACHE_MODE, token);
    const isEnterprise = isGhes(env.GITHUB_SERVER_URL);
    const baseUrl = env.ACTIONS_RESULTS_URL ?? '';
    const speaksV2 = !isEnterprise && (env.ACTIONS_CACHE_SERVICE_V2 ?? '') !== '';
    const toolkit = async (refusesDuplicates) => {
        const { openToolkit } = await __webpack_require__.e(/* import() */ 411).then(__webpack_require__.bind(__webpack_require__, 9411));
        const needed = (await hasTar(env.PATH)) ? allowed : { whyNoRead: NO_TAR, whyNoWrite: NO_TAR };
        return openToolkit({ ...options, ...needed, script: options.toolkitScript, refusesDuplicates });
    };
    if (!speaksV2)
        return (env.ACTIONS_CACHE_URL ?? '') === '' ? null : toolkit(isEnterprise);
    if (!URL.canParse(baseUrl) || !/^https?:$/.test(new URL(baseUrl).protocol))
        return null;
    if (options.transport === 'toolkit')
        return toolkit(true);
    const direct = openDirect({
        ...options,
        ...allowed,
        baseUrl: new URL(baseUrl),
        token,
        mask: log.mask,
        nowMs: () => performance.now(),
    });
    return options.transport === 'direct' ? direct : withWayOut(direct, () => toolkit(true), log);
}
/**
 * Goes on with `other` when `first` does not understand its first answer: the protocol is not public, and may change. Later than that it would be wrong, as neither
 * finds the entries of the other: what is there would be taken for evicted.
 */
function withWayOut(first, other, log) {
    let second = null;
    let isUnderstood = false;
    const attempt = async (use) => {
        if (second !== null)
            return use(await second);
        try {
            const answer = await use(first);
            isUnderstood ||= second === null;
            if (second === null)
                return answer;
        }
        catch (error) {
            if (isUnderstood || !(0,errors/* isCacheError */.bt)(error, 'cache-invalid'))
                throw error;
            if (second === null)
                log.info(`${error.message} @actions/cache is asked in its place, in all of this job.`);
            second ??= other();
        }
        return use(await second);
    };
    return {
        ...first,
        get transport() {
            return second === null ? first.transport : 'toolkit';
        },
        lookup: (which, signal) => attempt((service) => service.lookup(which, signal)),
        save: (key, body, signal) => attempt((service) => service.save(key, body, signal)),
        async close() {
            await first.close();
            await (await second)?.close();
        },
    };
}
const NO_TAR = '`tar` is missing on this runner, and @actions/cache does not work without it: install GNU tar.';
/** What the workflow's `cache-mode` allows, and what the token's own claim says. Unknown values allow everything: the service decides. */
function accessOf(cacheMode, token) {
    const mode = (cacheMode ?? '').trim().toLowerCase();
    const mayRead = !['none', 'write-only'].includes(mode);
    const mayWrite = !['none', 'read'].includes(mode);
    const byMode = (what) => `the workflow's \`cache-mode: ${mode}\` does not let this job ${what} the Actions cache.`;
    const byToken = tokenWrites(token) === false ? 'GitHub gave this job a token that only reads from the Actions cache.' : null;
    return { whyNoRead: mayRead ? null : byMode('read from'), whyNoWrite: mayWrite ? byToken : byMode('write to') };
}
/** Whether the token has a scope that it can write, by its claim `ac`; `null` when that can't be told. A hint, since nobody has documented the claim. */
function tokenWrites(token) {
    try {
        const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
        if (typeof claims !== 'object' || claims === null || !('ac' in claims) || typeof claims.ac !== 'string')
            return null;
        const scopes = JSON.parse(claims.ac);
        if (!Array.isArray(scopes) || scopes.length === 0)
            return null;
        const permissions = scopes.map((scope) => typeof scope === 'object' && scope !== null && 'Permission' in scope ? Number(scope.Permission) : Number.NaN);
        return permissions.some(Number.isNaN) ? null : permissions.some((permission) => (permission & 2) !== 0);
    }
    catch {
        return null;
    }
}
/** `@actions/cache` packs every entry with it. */
async function hasTar(path) {
    for (const folder of (path ?? '').split(external_node_path_.delimiter).filter(external_node_path_.isAbsolute)) {
        const isThere = await (0,promises_.access)((0,external_node_path_.join)(folder, 'tar'), promises_.constants.X_OK).then(() => true, () => false);
        if (isThere)
            return true;
    }
    return false;
}
/** As the toolkit tells: any host but github.com, `*.ghe.com` and `*.localhost`. */
function isGhes(serverUrl) {
    const url = URL.canParse(serverUrl ?? '') ? new URL(serverUrl ?? '') : new URL('https://github.com');
    const host = url.hostname.toLowerCase();
    return host !== 'github.com' && !host.endsWith('.ghe.com') && !host.endsWith('.localhost');
}

// EXTERNAL MODULE: ./build/backends/actions-cache/packs.js + 1 modules
var actions_cache_packs = __webpack_require__(5204);
;// CONCATENATED MODULE: ./build/backends/actions-cache/refs.js
/**
 * @param env `GITHUB_REF` and, for a pull request, `GITHUB_BASE_REF`
 * @param event the payload at `GITHUB_EVENT_PATH`, parsed; anything
 * @see https://docs.github.com/actions/reference/workflows-and-actions/dependency-caching (restrictions for accessing a cache)
 */
function refsOf(env, event) {
    const own = env.GITHUB_REF || 'refs/heads/main';
    const base = env.GITHUB_BASE_REF ? `refs/heads/${env.GITHUB_BASE_REF}` : null;
    const branch = defaultBranchOf(event);
    const fallback = branch === null ? null : `refs/heads/${branch}`;
    const others = [base, fallback].filter((ref) => ref !== null && ref !== own);
    return { own, others: [...new Set(others)].filter((ref) => ref !== null), isDefault: own === fallback };
}
function defaultBranchOf(event) {
    if (typeof event !== 'object' || event === null || !('repository' in event))
        return null;
    const { repository } = event;
    if (typeof repository !== 'object' || repository === null || !('default_branch' in repository))
        return null;
    return typeof repository.default_branch === 'string' && repository.default_branch !== '' ? repository.default_branch : null;
}

// EXTERNAL MODULE: ./build/http/client.js + 10 modules
var http_client = __webpack_require__(5803);
// EXTERNAL MODULE: ./build/nix/signature.js
var signature = __webpack_require__(8486);
;// CONCATENATED MODULE: ./build/phases/actions-cache.js










/** The rest is for packing and uploads: a push that is done is worth more than a store that is tidy. */
const COMPACTION_SHARE = 1 / 8;
const EFFORT = { concurrency: 8, attempts: 3, patienceMs: 10_000, connectTimeoutMs: 5_000 };
/** Asks the Actions cache what is in it, once for the whole job. */
async function findStore(session, store, signal) {
    try {
        return await withCacheService(session.runner, session.state().folder, store.storeDir, EFFORT, async (service) => {
            if (service === null)
                return none('this runner has no Actions cache.', null);
            if (service.whyNoRead !== null)
                return none(service.whyNoRead, null);
            const known = await readKnown(session.runner, service, store.storeDir, signal);
            const indexesFolder = (0,external_node_path_.join)(session.state().folder, 'actions-cache');
            await (0,known_indexes/* saveIndexes */.iC)(known, store.storeDir, indexesFolder);
            const found = { label: service.label, indexesFolder, pathCount: known.index.pathCount };
            return { store: found, whyNone: '', failure: null, whyNoPush: service.whyNoWrite };
        });
    }
    catch (error) {
        if (!(0,errors/* isCacheError */.bt)(error))
            throw error;
        return none(error.message, error);
    }
}
function none(why, failure) {
    return { store: null, whyNone: why, failure, whyNoPush: why };
}
/** What this job can read of the store. Throws what the service throws. */
async function readKnown(runner, service, storeDir, signal) {
    const refs = refsOf(runner.env, await readEvent(runner.env.GITHUB_EVENT_PATH));
    const nowS = Math.floor(Date.now() / 1000);
    return (0,known_indexes/* readIndexes */.PS)({ service, refs, storeDir, nowS, log: runner.log, signal });
}
/** Opens the Actions cache of this job for the time of `body`; `null` where the runner has none. */
async function withCacheService(runner, folder, storeDir, effort, body) {
    const { service, close } = await openService(runner, folder, storeDir, effort, null);
    try {
        return await body(service);
    }
    finally {
        await close();
    }
}
/** The Actions cache of this job, until `close`; `null` where the runner has none. @param indexesFolder what main read of it; `null`: this is main */
async function openService({ env, log }, folder, storeDir, { concurrency, ...patience }, indexesFolder) {
    const transport = indexesFolder === null ? null : await (0,known_indexes/* transportOf */.JH)(indexesFolder, log);
    const client = (0,http_client/* createHttpClient */.u)({ env, log, connections: concurrency, ...patience });
    const version = (0,keys/* cacheVersion */.DS)(storeDir);
    const service = await openCacheService({
        env,
        client,
        log,
        folder: (0,external_node_path_.join)(folder, `transfer-${process.pid}`),
        version,
        toolkitScript: (0,external_node_path_.join)(import.meta.dirname, 'toolkit.js'),
        transport,
    });
    return {
        service,
        async close() {
            await service?.close();
            await client.close();
        },
    };
}
/** The payload of the event that started the job; `null` when there is none that can be read. */
async function readEvent(file) {
    if (file === undefined || file === '')
        return null;
    try {
        return JSON.parse(await (0,promises_.readFile)(file, 'utf8'));
    }
    catch {
        return null;
    }
}
/** Opens the store in the Actions cache to push to. Main has read its indexes. `job` may still grow until the push is finished. */
async function openActionsCache(session, store, effort, job) {
    const { inputs, runner, state } = session;
    const { folder, main } = state();
    if (!main?.indexesFolder)
        throw new errors/* CacheError */.xA('state-invalid', 'Main did not read the indexes of the Actions cache.');
    const { service, close } = await openService(runner, folder, store.storeDir, effort, main.indexesFolder);
    try {
        if (service === null)
            throw new errors/* CacheError */.xA('cache-unreachable', 'This runner has no Actions cache any more.');
        const packs = (0,actions_cache_packs/* createPacks */.r)(service, job.packFindings);
        const known = await (0,known_indexes/* loadIndexes */.$G)(main.indexesFolder, runner.log, packs.gone);
        const { createActionsCache } = await Promise.all(/* import() */[__webpack_require__.e(636), __webpack_require__.e(416)]).then(__webpack_require__.bind(__webpack_require__, 9416));
        const own = inputs.signingKey === null ? [] : [(0,signature/* publicKeyOf */.kc)(inputs.signingKey)];
        const backend = createActionsCache({
            service,
            known,
            storeDir: store.storeDir,
            signingKey: inputs.signingKey,
            publicKeys: [...own, ...inputs.trustedPublicKeys],
            folder: (0,external_node_path_.join)(folder, 'packs'),
            writer: inputs.lane,
            budgetBytes: inputs.actionsCacheSizeBytes,
            compactionMs: Math.ceil(inputs.pushTimeoutMs * COMPACTION_SHARE),
            used: job.used,
            packs,
            nowS: Math.floor(Date.now() / 1000),
            log: runner.log,
        });
        return {
            backend,
            async close() {
                await backend.close().finally(close);
            },
        };
    }
    catch (error) {
        await close();
        throw error;
    }
}


/***/ }),

/***/ 4242:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  X: () => (/* binding */ askForUploads)
});

// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
// EXTERNAL MODULE: ./build/bodies/in-memory.js
var in_memory = __webpack_require__(808);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: external "node:http"
var external_node_http_ = __webpack_require__(7067);
// EXTERNAL MODULE: external "node:https"
var external_node_https_ = __webpack_require__(4708);
// EXTERNAL MODULE: ./build/http/credentials.js
var http_credentials = __webpack_require__(1711);
// EXTERNAL MODULE: ./build/http/failure.js
var failure = __webpack_require__(1923);
// EXTERNAL MODULE: ./build/http/proxy.js
var proxy = __webpack_require__(2749);
// EXTERNAL MODULE: ./build/http/trust.js
var trust = __webpack_require__(339);
;// CONCATENATED MODULE: ./build/http/upload-refusal.js






/** What a server says of the user or of the place, not of what is uploaded. */
const REFUSALS = new Set([401, 403, 404, 405, 501]);
const PATIENCE_MS = 3_000;
const ERROR_TEXT_BYTES = 4096;
/**
 * Why a server would refuse an upload, found out without one: the head of a PUT that says `Expect: 100-continue` (RFC 9110, section 10.1.1), whose
 * body is never sent. nginx, Jetty, Go and AWS check the user's rights before they ask for the body; the connection ends there, and nothing is stored.
 * `null`: it asks for the body, which servers also do that look at the rights only later (Tomcat as it is set by default), it does not answer in
 * time, or there is a proxy on the way, which speaks for itself. Not by way of the client: undici has no such header.
 */
function refusalOfUpload(upload) {
    const { url, credentials, env, log, signal } = upload;
    if (signal.aborted || (0,proxy/* proxyFor */.iJ)(url, env) !== null)
        return Promise.resolve(null);
    const send = url.protocol === 'https:' ? external_node_https_.request : external_node_http_.request;
    const secureContext = url.protocol === 'https:' ? (0,trust/* trustFromEnv */.a)(env, log) : null;
    return new Promise((resolve) => {
        const request = send(url, {
            method: 'PUT',
            headers: {
                'user-agent': 'nix-cache-action',
                'content-length': '1',
                expect: '100-continue',
                ...(credentials === null ? {} : { authorization: (0,http_credentials/* authorization */.i)(credentials) }),
            },
            agent: false,
            signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
            ...(secureContext === null ? {} : { secureContext }),
        });
        const settle = (refusal) => {
            resolve(refusal);
            request.destroy();
        };
        request.once('continue', () => settle(null));
        request.once('response', (response) => {
            void refusalOf(response, upload).then(settle, () => settle(null));
        });
        request.on('error', () => settle(null));
        request.flushHeaders();
    });
}
async function refusalOf(response, { url, credentials }) {
    const status = response.statusCode ?? 0;
    if (!REFUSALS.has(status))
        return null;
    const parts = [];
    let sizeBytes = 0;
    for await (const part of response) {
        const bytes = part;
        parts.push(bytes);
        sizeBytes += bytes.length;
        if (sizeBytes > ERROR_TEXT_BYTES)
            break;
    }
    const header = (name) => {
        const value = response.headers[name];
        return (Array.isArray(value) ? value[0] : value) ?? null;
    };
    const answer = { status, reason: response.statusMessage ?? '', header, bytes: Buffer.concat(parts) };
    return (0,failure/* errorOf */.Mz)((0,failure/* failureOfAnswer */.aJ)(answer, { method: 'PUT', url, sizeBytes: null, credentials, redirectedFrom: null }, Date.now()), 1);
}

// EXTERNAL MODULE: ./build/nix/cache-info.js
var cache_info = __webpack_require__(4075);
// EXTERNAL MODULE: ./build/backends/netrc-credentials.js
var netrc_credentials = __webpack_require__(1347);
;// CONCATENATED MODULE: ./build/backends/upload-probe.js






/** How long a server gets to refuse an upload on the sight of its head, beyond what an answer takes. */
const WAIT_MS = 250;
const MAX_WAIT_MS = 1_500;
const CACHE_INFO = 'nix-cache-info';
/** Of a path that can't be. */
const NO_PATH = `${'0'.repeat(32)}.narinfo`;
/**
 * Why an HTTP server takes no uploads at all, or not with these credentials, found out without leaving anything there; `null` when nothing is known against it.
 * It is asked for its methods, which shows servers that look at no method; the others are shown the head of an upload, and refuse that or not.
 */
async function whyNoUploads(target, means) {
    const { netrc, client, signal } = means;
    const base = new URL(target.pushUrl ?? target.url);
    if (!base.pathname.endsWith('/'))
        base.pathname += '/';
    const credentials = target.credentials ?? (0,netrc_credentials/* netrcCredentials */.d)(netrc, base);
    const startedMs = performance.now();
    const url = new URL(CACHE_INFO, base);
    const question = { method: 'OPTIONS', url, credentials, accept: ANY, limitBytes: cache_info/* MAX_CACHE_INFO_BYTES */.Rs, signal };
    const options = await unlessFailed(client.request(question), signal);
    if (options === null)
        return null;
    if (isCacheInfo(options.bytes))
        return whyNotTaken(base, options.bytes, credentials, client, signal);
    const place = new URL(NO_PATH, base);
    const refusal = await refusalOfUpload({ ...means, url: place, credentials });
    if (refusal !== null)
        return impossible(refusal.message, refusal);
    if (LOOK_FIRST.test(options.header('server') ?? '') || /\bPUT\b/.test(options.header('allow') ?? ''))
        return null;
    return whyRefusedInTheMiddle(place, credentials, performance.now() - startedMs, means);
}
/** These look at the place and at the user's rights before they ask for the body. */
const LOOK_FIRST = /nginx|apache|jetty|artifactory|nexus/i;
/** Others ask for the body of whatever comes (harmonia), and refuse it when its first byte is there. More than that does not come. */
async function whyRefusedInTheMiddle(url, credentials, answerMs, { client, signal }) {
    const patience = AbortSignal.timeout(Math.ceil(Math.min(MAX_WAIT_MS, WAIT_MS + 2 * answerMs)));
    const upload = { method: 'PUT', url, body: neverEnding(), credentials, accept: [], limitBytes: 0 };
    const refusal = await client.request({ ...upload, signal: AbortSignal.any([signal, patience]) }).then(() => null, (error) => error);
    if (signal.aborted)
        throw refusal;
    if (!(0,errors/* isCacheError */.bt)(refusal, 'cache-read-only', 'cache-not-found', 'cache-unauthorized', 'cache-forbidden'))
        return null;
    return impossible(refusal.message, refusal);
}
/**
 * For a server that looks at no method but maybe PUT: it gets back the file that it gave. nix-serve answers with that file once more; nix-binary-cache takes it, and would
 * have ended itself at an upload that breaks off.
 */
async function whyNotTaken(base, cacheInfo, credentials, client, signal) {
    const body = (0,in_memory/* bodyOfBytes */.P)(cacheInfo);
    const request = { method: 'PUT', url: new URL(CACHE_INFO, base), body, credentials, accept: ANY, signal };
    const answer = await unlessFailed(client.request({ ...request, limitBytes: cache_info/* MAX_CACHE_INFO_BYTES */.Rs }), signal);
    if (answer === null || !isCacheInfo(answer.bytes))
        return null;
    return impossible(`${base.href} gives what it has whatever it is asked to do (as nix-serve does), and takes no uploads.`);
}
/** A failure says nothing about uploads: `null`. */
async function unlessFailed(answer, signal) {
    try {
        return await answer;
    }
    catch (error) {
        if (!(0,errors/* isCacheError */.bt)(error) || signal.aborted)
            throw error;
        return null;
    }
}
function isCacheInfo(bytes) {
    return /^StoreDir:/m.test(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}
const ANY = Array.from({ length: 400 }, (_, index) => 200 + index);
function impossible(message, cause) {
    const hint = cause?.code === 'cache-unauthorized' || cause?.code === 'cache-forbidden'
        ? cause.hint
        : 'Name the URL that takes uploads in `push-url`; a server that only serves a store (harmonia, nix-serve) goes under `substituters`, or set `push: never`.';
    return new errors/* CacheError */.xA('push-impossible', message, { hint: hint ?? undefined, cause });
}
/** Two bytes, of which one comes. */
function neverEnding() {
    return {
        sizeBytes: 2,
        bytes: null,
        stream: () => {
            let begun = false;
            return new external_node_stream_.Readable({
                read() {
                    if (!begun)
                        this.push(Buffer.alloc(1));
                    begun = true;
                },
            });
        },
    };
}

// EXTERNAL MODULE: ./build/http/client.js + 10 modules
var http_client = __webpack_require__(5803);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
;// CONCATENATED MODULE: ./build/preflight/refusal.js



/** Why a folder would take nothing from this job's user; `null` when nothing is known against it. Of one that is not there yet its parent has to take it. */
async function whyReadOnly(folder, label) {
    try {
        await (0,promises_.access)(folder, promises_.constants.W_OK);
        return null;
    }
    catch (cause) {
        switch ((0,errors/* systemCode */.xU)(cause)) {
            case 'ENOENT':
                return folder === (0,external_node_path_.dirname)(folder) ? null : whyReadOnly((0,external_node_path_.dirname)(folder), label);
            case 'EROFS':
                return new errors/* CacheError */.xA('cache-read-only', `${label} is mounted for reading only.`, {
                    hint: 'Mount it for writing, or set `push: never`.',
                    cause,
                });
            case 'EACCES':
                return new errors/* CacheError */.xA('cache-forbidden', `${label}: this job's user may not write in ${folder}.`, {
                    hint: `Give it the right to (\`sudo chown -R "$(id -un)" ${folder}\` in a step before), or set \`push: never\`.`,
                    cause,
                });
            default:
                return null;
        }
    }
}

;// CONCATENATED MODULE: ./build/phases/ask-for-uploads.js



const PROBE = { patienceMs: 10_000, connectTimeoutMs: 5_000 };
/**
 * Why the cache would take nothing from this job, as far as that can be known without leaving a trace there; `null` when nothing is known against it. Of the kinds that
 * are not named here `check` or the first upload tells.
 */
async function askForUploads({ env, log }, target, netrc, signal) {
    if (target.kind === 'file')
        return whyReadOnly(target.folder, target.place);
    if (target.kind !== 'http' && target.kind !== 's3')
        return null;
    // Asked once: what a server says to this it says again.
    const { connectTimeoutMs, patienceMs } = PROBE;
    const client = (0,http_client/* createHttpClient */.u)({ env, log, connections: 1, attempts: 1, connectTimeoutMs, patienceMs });
    try {
        if (target.kind === 'http')
            return await whyNoUploads(target, { env, log, netrc, client, signal });
        const { openS3 } = await Promise.all(/* import() */[__webpack_require__.e(711), __webpack_require__.e(555)]).then(__webpack_require__.bind(__webpack_require__, 4555));
        const store = openS3(target, { client, log });
        return await store.whyNoPut(signal).finally(store.close);
    }
    finally {
        await client.close();
    }
}


/***/ }),

/***/ 7796:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  b: () => (/* binding */ openCache),
  n: () => (/* binding */ withCache)
});

// EXTERNAL MODULE: ./build/backends/open.js
var backends_open = __webpack_require__(4926);
// EXTERNAL MODULE: ./build/http/client.js + 10 modules
var http_client = __webpack_require__(5803);
// EXTERNAL MODULE: ./build/nix/signature.js
var signature = __webpack_require__(8486);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
// EXTERNAL MODULE: ./build/store/nix-about.js
var nix_about = __webpack_require__(317);
// EXTERNAL MODULE: ./build/store/nix-command.js + 1 modules
var nix_command = __webpack_require__(4705);
;// CONCATENATED MODULE: ./build/store/other-store-trouble.js


const KEY_HINT = 'Load the key into an ssh-agent in a step before this one, or name its file with `?ssh-key=/file`, and see that its public half is in authorized_keys there.';
/** What OpenSSH and Nix write, the most telling first: ssh says why, and Nix after it only that it could not connect. Seen with Nix 2.8, 2.26 and 2.34. */
const TROUBLES = [
    {
        sign: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for \S+ has changed/,
        code: 'cache-tls',
        what: () => 'its SSH host key is another one than the one that is known here.',
        hint: 'If the host was set up anew, replace its line in known_hosts (or `base64-ssh-public-host-key`); else somebody may sit in between.',
    },
    {
        sign: /Host key verification failed/,
        code: 'cache-tls',
        what: () => 'its SSH host key is not known here.',
        hint: 'Add its line to ~/.ssh/known_hosts in a step before this one, as the host itself tells it (its /etc/ssh/ssh_host_*_key.pub).',
    },
    {
        sign: /UNPROTECTED PRIVATE KEY FILE|bad permissions/,
        code: 'cache-unauthorized',
        what: () => 'ssh does not use a key file that others can read.',
        hint: 'Make it with `umask 077`, or `chmod 600` it.',
    },
    {
        sign: /Identity file (\S+) not accessible[\s\S]*Permission denied \(/,
        code: 'cache-unauthorized',
        what: ([, file]) => `the key file ${file} can't be read, and the host lets nobody in without a key.`,
        hint: KEY_HINT,
    },
    {
        sign: /Permission denied \(([\w,-]+)\)|Too many authentication failures/,
        code: 'cache-unauthorized',
        what: () => 'the host does not let this user in with the SSH keys of this job (`Permission denied`).',
        hint: KEY_HINT,
    },
    {
        sign: /Could not resolve hostname \S+:\d+:/,
        code: 'cache-invalid',
        what: () => 'this version of Nix takes no port in a store URL.',
        hint: 'Name the port in ~/.ssh/config (`Host name`, `HostName …`, `Port …`) and write that name into the URL.',
    },
    {
        sign: /Could not resolve hostname/,
        code: 'cache-unreachable',
        what: () => 'its host name is not known (DNS).',
        hint: 'Is it spelled right, and known on this runner?',
    },
    {
        sign: /Connection (?:refused|timed out|reset|closed)|No route to host|Network is unreachable|Operation timed out|not responding/,
        code: 'cache-unreachable',
        what: ([text]) => `no SSH connection comes about (${text}).`,
        hint: 'Is sshd running there, and may this runner reach its port?',
    },
    {
        sign: /(nix-(?:daemon|store)): (?:command )?not found|(nix-(?:daemon|store)): No such file/,
        code: 'cache-invalid',
        what: ([, one, other]) => `there is no \`${one ?? other}\` in the PATH of an SSH command.`,
        hint: 'Install Nix there, put it into the PATH of non-interactive shells, or name it with `?remote-program=/path`.',
    },
    {
        sign: /(?:unable to execute|Could not find executable) '[^']*ssh/,
        code: 'cache-invalid',
        what: () => 'there is no `ssh` on this machine.',
        hint: 'Install the OpenSSH client.',
    },
    {
        sign: /cannot add path '([^']+)' because it lacks a/,
        code: 'cache-forbidden',
        what: ([, path]) => `it does not trust this user, and ${path} has no signature by a key that it trusts.`,
        hint: 'Give `signing-key`, and add its public key to `trusted-public-keys` there (or this user to `trusted-users`).',
    },
    {
        sign: /hash mismatch importing path '([^']+)'/,
        code: 'path-corrupt',
        what: ([, path]) => `${path} is not what this machine's store says it is.`,
        hint: 'Check it with `nix-store --verify-path`, and repair it or build it again.',
    },
    {
        // As the last word: before another one it only says what became of that.
        sign: /(?:Broken pipe|unexpected (?:EOF|end-of-file))\s*$/,
        code: 'cache-unreachable',
        what: () => 'the connection broke off.',
        hint: 'The next job pushes what is missing. If that waits and waits: the daemon of an old Nix there may still hold the lock of a path, until it is restarted.',
    },
];
/** What a Nix that failed to speak to another store wrote, as one line for people. */
function explainOtherStore(stderr, label, cause) {
    const text = stderr.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '');
    for (const { sign, code, what, hint } of TROUBLES) {
        const match = sign.exec(text);
        if (match !== null)
            return new errors/* CacheError */.xA(code, `${label}: ${what(match)}`, { hint, cause });
    }
    return new errors/* CacheError */.xA('cache-failing', `${label}: ${(0,nix_command/* lastError */.VS)(stderr)}.`.replace(/\.\.$/, '.'), { cause });
}

// EXTERNAL MODULE: ./build/store/path-info.js + 1 modules
var path_info = __webpack_require__(2847);
// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __webpack_require__(1421);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: external "node:util"
var external_node_util_ = __webpack_require__(7975);
// EXTERNAL MODULE: ./build/waiting/cancel.js
var cancel = __webpack_require__(2368);
;// CONCATENATED MODULE: ./build/store/ssh-connection.js







/** From its last use on, so that it goes by itself when this process is killed. What uses it later begins another one. */
const PERSIST_SECONDS = 15;
/** Longer than `ConnectTimeout`, which does not hold for all of the handshake. */
const BEGIN_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 5_000;
/** The first value counts, so these come before those of the user. */
const MASTER = [
    ...['-M', '-N', '-T', '-x', '-a'],
    ...[`-oControlPersist=${PERSIST_SECONDS}`, '-oPermitLocalCommand=no', '-oClearAllForwardings=yes'],
];
/** By the ssh on `PATH`, as Nix's. Starts no process yet. `null` where it can't be. */
function shareSshConnection({ ssh, sshOptions, env, privateFolder }) {
    const given = sshOptions.split(/\s+/).filter((option) => option !== '');
    const parent = [privateFolder, (0,external_node_os_.tmpdir)()].find(hasRoomForSocket);
    if (parent === undefined || !given.every(isPlain))
        return null;
    const ending = new AbortController();
    let folder = null;
    let beginning = null;
    const begin = async () => {
        try {
            folder ??= await (0,promises_.mkdtemp)((0,external_node_path_.join)(parent, 'ssh-'));
            return await openMaster({ ssh, given, env, folder, signal: ending.signal });
        }
        catch {
            return null;
        }
    };
    const connection = async () => {
        if (ending.signal.aborted)
            return null;
        beginning ??= begin();
        const last = beginning;
        const socket = await last;
        // It was not used for a while. One that could not be had is not tried again.
        if (socket === null || (0,external_node_fs_.existsSync)(socket) || ending.signal.aborted)
            return socket;
        if (beginning === last)
            beginning = begin();
        return beginning;
    };
    return {
        begin() {
            void connection();
        },
        async options(signal) {
            const socket = await (0,cancel/* orAborted */.H6)(connection(), signal, 'Waiting for an SSH connection').catch(() => null);
            return socket === null || ending.signal.aborted ? null : `-oControlMaster=no -oControlPath=${socket}`;
        },
        async close() {
            ending.abort();
            await beginning;
            if (folder === null)
                return;
            const socket = (0,external_node_path_.join)(folder, SOCKET);
            const args = ['-F', '/dev/null', `-oControlPath=${socket}`, '-O', 'exit', ssh.destination];
            if ((0,external_node_fs_.existsSync)(socket))
                await succeeds(args, env, END_TIMEOUT_MS);
            await (0,promises_.rm)(folder, { recursive: true, force: true }).catch(() => undefined);
            folder = null;
        },
    };
}
/** The path of the socket when the connection is there, which a process holds that is nobody's child; `null` when it can't be had. May throw. */
async function openMaster({ ssh, given, env, folder, signal }) {
    const args = [...given, ...ssh.options];
    if (ssh.hostKey !== null) {
        const knownHosts = (0,external_node_path_.join)(folder, 'known_hosts');
        await (0,promises_.writeFile)(knownHosts, `${ssh.hostKey.host} ${ssh.hostKey.key}\n`, { mode: 0o600 });
        args.push(`-oUserKnownHostsFile=${knownHosts}`);
    }
    if (await isSharedByUser([...args, ssh.destination], env, signal))
        return null;
    const socket = (0,external_node_path_.join)(folder, SOCKET);
    const master = [...MASTER, `-oControlPath=${socket}`, ...args, ssh.destination];
    return (await succeeds(master, env, BEGIN_TIMEOUT_MS, signal)) && (0,external_node_fs_.existsSync)(socket) ? socket : null;
}
const SOCKET = 's';
/** Addresses of sockets have 104 bytes on macOS with the zero at their end. ssh makes the socket under a name that is longer by 17, and then renames it. */
const SOCKET_LIMIT_BYTES = 104 - 1 - 17;
/** Whether ssh can have a socket in a new folder there: its path is short enough, and has nothing that ssh or Nix takes for more than itself. */
function hasRoomForSocket(parent) {
    const socket = (0,external_node_path_.join)(parent, 'ssh-123456', SOCKET);
    return Buffer.byteLength(socket) <= SOCKET_LIMIT_BYTES && /^[\w.+/-]+$/.test(socket);
}
/** Not when they say already how connections are shared, nor with quotes: those mean something to new versions of Nix alone. */
function isPlain(option) {
    return !/['"\\]/.test(option) && !/^(?:-[MOS]|(?:-o)?(?i:control))/.test(option);
}
/** Whether the user's configuration shares connections to that host: then that may be the only way in, and is left as it is. */
async function isSharedByUser(args, env, signal) {
    const { stdout } = await (0,external_node_util_.promisify)(external_node_child_process_.execFile)('ssh', ['-G', ...args], { env, signal, timeout: BEGIN_TIMEOUT_MS });
    return /^controlpath (?!none$)/m.test(stdout) || /^controlmaster (?!false$|no$)/m.test(stdout);
}
/** Its output is of no interest: what can't connect here, Nix's own ssh says. */
function succeeds(args, env, timeoutMs, signal) {
    return new Promise((resolve) => {
        const child = (0,external_node_child_process_.spawn)('ssh', args, {
            env,
            stdio: 'ignore',
            timeout: timeoutMs,
            killSignal: 'SIGKILL',
            ...(signal && { signal }),
        });
        child.once('error', () => undefined);
        child.once('close', (code) => resolve(code === 0));
    });
}

;// CONCATENATED MODULE: ./build/store/ssh-destination.js
const ENABLED = new Set(['true', '1', 'yes']);
/**
 * Reads `ssh://` and `ssh-ng://` URLs as Nix makes arguments for ssh of them (nix/src/libstore/ssh.cc, addCommonSSHOpts). `null` for what is no such URL, and where Nix starts
 * no ssh (`localhost`) or shares connections itself (`max-connections`).
 */
function sshDestination(url) {
    const [place = '', query = ''] = url.split(/\?(.*)/s);
    const [, user = '', host = '', port] = /^(?:ssh|ssh-ng):\/\/([\w.-]+@)?(\w[\w.-]*)(?::(\d{1,5}))?\/?$/.exec(place) ?? [];
    const parameters = parametersOf(query);
    if (host === '' || user.startsWith('-') || parameters === null)
        return null;
    if (host === 'localhost' || parameters.has('max-connections'))
        return null;
    const key = parameters.get('ssh-key');
    const hostKey = parameters.get('base64-ssh-public-host-key');
    return {
        destination: `${user}${host}`,
        hostKey: hostKey === undefined ? null : { host, key: Buffer.from(hostKey, 'base64').toString() },
        options: [
            ...(key === undefined ? [] : ['-i', key]),
            ...(ENABLED.has(parameters.get('compress') ?? '') ? ['-C'] : []),
            ...(port === undefined ? [] : [`-p${port}`]),
        ],
    };
}
/** Not by URLSearchParams, for which `+` is a blank: base64 has it. `null`: it can't be decoded. */
function parametersOf(query) {
    try {
        return new Map(query.split('&').map((pair) => {
            const [name = '', value = ''] = pair.split(/=(.*)/s);
            return [decodeURIComponent(name), decodeURIComponent(value)];
        }));
    }
    catch {
        return null;
    }
}

// EXTERNAL MODULE: ./build/store/trust.js
var trust = __webpack_require__(8804);
;// CONCATENATED MODULE: ./build/store/other-store.js









const PING_TIMEOUT_MS = 30_000;
const ASK_TIMEOUT_MS = 5 * 60_000;
/** The end of a push is for its caller to say; this is the longest that a job of GitHub's may run. */
const COPY_TIMEOUT_MS = 6 * 60 * 60_000;
/** Side by side over one connection, of which a server allows 10 sessions if it is not told otherwise (`MaxSessions`). */
const INFO_PROCESSES = 4;
const INFOS_WORTH_A_PROCESS = 8;
/** ssh takes the first value of each, so those of the user go before. Nobody is there to be asked, and every wait has a limit. */
const SSH_OPTIONS = '-oBatchMode=yes -oConnectTimeout=15 -oServerAliveInterval=15 -oServerAliveCountMax=4';
/** A store beside that of this machine, as `nix --store URL` opens it: `OtherStore` of backends/nix-copy/other-store.ts, which has the contract. Starts no process. */
function openOtherStore(local, { env, storeDir, url, label, privateFolder }) {
    const sshOptions = `${env.NIX_SSHOPTS ?? ''} ${SSH_OPTIONS}`.trim();
    const direct = local.withEnvironment({ NIX_SSHOPTS: sshOptions, SSH_ASKPASS_REQUIRE: 'never' });
    const ssh = isSharingTried(local.about.version) ? sshDestination(url) : null;
    const connection = ssh === null ? null : shareSshConnection({ ssh, sshOptions, env: direct.environment, privateFolder });
    const store = ['--store', url];
    const explained = async (asked) => {
        try {
            return await asked;
        }
        catch (error) {
            if (!(0,errors/* isCacheError */.bt)(error, 'nix-failed') || !(error.cause instanceof nix_command/* NixErrorOutput */.TO))
                throw error;
            throw explainOtherStore(error.cause.message, label, error);
        }
    };
    /** Over the shared connection where there is one. What fails there, and may be asked again, is asked over one of its own, whose errors are those that count. */
    const ask = async (question, signal, mayRepeat = () => true) => {
        const shared = (await connection?.options(signal)) ?? null;
        if (shared === null)
            return explained(question(direct));
        try {
            return await explained(question(direct.withEnvironment({ NIX_SSHOPTS: `${sshOptions} ${shared}` })));
        }
        catch (error) {
            if (!(0,errors/* isCacheError */.bt)(error) || (0,errors/* isCacheError */.bt)(error, ...NOT_OF_CONNECTION) || signal.aborted || !mayRepeat())
                throw error;
            await connection?.close();
            return explained(question(direct));
        }
    };
    const infos = async (paths, signal) => {
        const isShared = paths.length > 0 && typeof (await connection?.options(signal)) === 'string';
        // Nix asks for one path after another, so where that takes no connections of their own, several processes ask.
        const processes = isShared ? Math.min(INFO_PROCESSES, Math.ceil(paths.length / INFOS_WORTH_A_PROCESS)) : 1;
        const answers = await Promise.all(equalParts(paths, processes).map((part) => ask((nix) => (0,path_info/* queryPathInfos */.zN)(nix, storeDir, part, signal, store), signal)));
        return new Map(answers.flatMap((answer) => [...answer]));
    };
    return {
        connect() {
            connection?.begin();
        },
        async ping(signal) {
            const options = { signal, timeoutMs: PING_TIMEOUT_MS };
            const command = (0,nix_about/* isAtLeast */.du)(local.about.version, 2, 26) ? 'info' : 'ping';
            const format = (0,nix_about/* isAtLeast */.du)(local.about.version, 2, 19) ? ['--json'] : [];
            // It is the only question of its process, and says what is wrong.
            return (0,trust/* parseTrusted */.fO)(await explained(direct.run(['store', command, ...format, ...store], options)));
        },
        async missing(paths, signal) {
            // In place of `path-info`, which asks for one path after another, and up to 2.26 connects anew after each that is missing. A derivation file would be
            // taken for its outputs.
            const asked = new Set(paths.filter((path) => !(0,store_path/* isDerivation */.qw)(path)));
            const missing = new Set();
            // A line that is lost would be a path that counts as there.
            const onErrorLines = (lines) => {
                for (const line of lines) {
                    const path = /^ {2}(\/\S+)$/.exec(line)?.[1];
                    if (path !== undefined && asked.has(path))
                        missing.add(path);
                }
            };
            const oneByOne = paths.filter(store_path/* isDerivation */.qw);
            for (const chunk of (0,path_info/* chunksOf */.U_)([...asked])) {
                try {
                    const options = { signal, timeoutMs: ASK_TIMEOUT_MS, onErrorLines };
                    const command = ['--realise', '--dry-run', '--option', 'substitute', 'false', ...store, ...chunk];
                    await ask((nix) => nix.runStore(command, options), signal);
                }
                catch (error) {
                    // A daemon looks at its own substituters there, and fails with them.
                    if (!(0,errors/* isCacheError */.bt)(error, 'cache-failing'))
                        throw error;
                    oneByOne.push(...chunk);
                }
            }
            for (const [path, info] of await infos(oneByOne, signal))
                if (info === null)
                    missing.add(path);
            return missing;
        },
        infos,
        async copy(paths, { substitute, onPath }, signal) {
            let begun = false;
            const onErrorLine = (line) => {
                const path = /^copying path '([^']+)'/.exec(line)?.[1];
                if (path === undefined)
                    return;
                begun = true;
                onPath(path);
            };
            const flags = substitute ? ['--substitute-on-destination'] : [];
            // Whether unsigned paths are taken is for the other store to say: it looks at signatures all the same where it does not trust this user.
            const command = ['copy', '-v', '--no-recursive', '--no-check-sigs', ...flags, '--to', url];
            const options = { signal, timeoutMs: COPY_TIMEOUT_MS, onErrorLine };
            // In the middle of a path nothing is repeated: a Nix 2.26 that was cut off there never lets go of that path's lock, and whoever sends it again waits for it.
            await ask((nix) => withPaths(nix, command, paths, options), signal, () => !begun);
        },
        async takeSignatures(from, paths, where, signal) {
            const signable = paths.filter((path) => !(0,store_path/* isDerivation */.qw)(path));
            if (signable.length === 0)
                return;
            const command = ['store', 'copy-sigs', '--substituter', from];
            const options = { signal, timeoutMs: ASK_TIMEOUT_MS };
            if (where === 'here')
                await withPaths(direct, command, signable, options);
            else
                await ask((nix) => withPaths(nix, [...command, ...store], signable, options), signal);
        },
        async close() {
            await connection?.close();
        },
    };
}
/** What the other store says of paths, and what this one does: no other connection changes it. */
const NOT_OF_CONNECTION = ['cache-forbidden', 'path-corrupt', 'cancelled'];
/**
 * Whether Nix and a shared connection get along. Nix 2.15 waits forever for a word that ssh says with a connection of its own alone (NixOS/nix#8329). Determinate Nix shares
 * connections itself, and then takes ours for its own; Lix was not tried.
 */
function isSharingTried(version) {
    return version.implementation === 'nix' && !(version.major === 2 && version.minor === 15);
}
async function withPaths(nix, command, paths, options) {
    if ((0,path_info/* takesStandardInput */.qb)(nix)) {
        await nix.run([...command, '--stdin'], { ...options, input: `${paths.join('\n')}\n` });
        return;
    }
    for (const chunk of chunksOfKind(paths)) {
        // An old Nix takes a derivation file for its outputs, unless told otherwise.
        const kind = chunk.some(store_path/* isDerivation */.qw) ? ['--derivation'] : [];
        await nix.run([...command, ...kind, ...chunk], options);
    }
}
function equalParts(paths, parts) {
    const size = Math.ceil(paths.length / parts);
    return Array.from({ length: parts }, (_, index) => paths.slice(index * size, (index + 1) * size)).filter((part) => part.length > 0);
}
/** In the same order; derivation files apart from others. */
function chunksOfKind(paths) {
    const runs = [];
    for (const path of paths) {
        const run = runs.at(-1);
        if (run?.[0] !== undefined && (0,store_path/* isDerivation */.qw)(run[0]) === (0,store_path/* isDerivation */.qw)(path))
            run.push(path);
        else
            runs.push([path]);
    }
    return runs.flatMap(path_info/* chunksOf */.U_);
}

;// CONCATENATED MODULE: ./build/phases/cache.js




/** Opens the backend of `target`. */
async function openCache({ inputs, runner, state }, store, target, netrc, { concurrency, ...patience }) {
    const client = (0,http_client/* createHttpClient */.u)({ env: runner.env, log: runner.log, connections: concurrency, ...patience });
    const own = inputs.signingKey === null ? [] : [(0,signature/* publicKeyOf */.kc)(inputs.signingKey)];
    try {
        const backend = await (0,backends_open/* openBackend */.f)(target, {
            client,
            log: runner.log,
            env: runner.env,
            storeDir: store.storeDir,
            signingKey: inputs.signingKey,
            sharesKey: inputs.caches.length > 1,
            publicKeys: [...own, ...inputs.trustedPublicKeys],
            netrc,
            lookups: concurrency,
            nixStores: {
                open: (url, label) => openOtherStore(store.nix, { env: runner.env, storeDir: store.storeDir, url, label, privateFolder: state().folder }),
                substitutesByDaemon: store.description.access === 'daemon',
                wasAsked: state().main !== null,
                privateFolder: state().folder,
            },
        });
        return {
            backend,
            async close() {
                await backend.close().finally(() => client.close());
            },
        };
    }
    catch (error) {
        await client.close();
        throw error;
    }
}
/** Opens the backend of `target` for the time of `body`. */
async function withCache(session, store, target, netrc, effort, body) {
    const { backend, close } = await openCache(session, store, target, netrc, effort);
    try {
        return await body(backend);
    }
    finally {
        await close();
    }
}


/***/ }),

/***/ 645:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   $O: () => (/* binding */ directSubstituters),
/* harmony export */   H_: () => (/* binding */ wishOf),
/* harmony export */   QY: () => (/* binding */ unreadNetrc),
/* harmony export */   Vm: () => (/* binding */ contextOf),
/* harmony export */   as: () => (/* binding */ knownNetrc),
/* harmony export */   iN: () => (/* binding */ applySettings),
/* harmony export */   ou: () => (/* binding */ canServeHere),
/* harmony export */   wl: () => (/* binding */ takeBackSettings)
/* harmony export */ });
/* harmony import */ var _nix_netrc_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6188);
/* harmony import */ var _nix_signature_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8486);
/* harmony import */ var _problem_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(411);
/* harmony import */ var _setup_configure_nix_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(305);
/* harmony import */ var _setup_netrc_file_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(7745);
/* harmony import */ var _setup_route_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(7199);
/* harmony import */ var _setup_untrusted_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(2660);
/* harmony import */ var _store_nix_about_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(317);








/**
 * Tells Nix about the caches to read from, in place of what an earlier phase told it. Substituters that the workflow adds are told whatever
 * the cache says.
 */
async function applySettings(session, store, reads, ours, signal) {
    const wish = wishOf(session, store, reads, ours);
    const configuration = await (0,_setup_configure_nix_js__WEBPACK_IMPORTED_MODULE_2__/* .configureNix */ .g_)(wish, store, session.state().configuration, contextOf(session, signal));
    session.keep({ configuration });
    return configuration.route;
}
/** All that Nix is to know of this step. */
function wishOf({ inputs }, store, reads, { substituter, hook }) {
    const ownKeys = [...(inputs.signingKey === null ? [] : [(0,_nix_signature_js__WEBPACK_IMPORTED_MODULE_1__/* .publicKeyOf */ .kc)(inputs.signingKey)]), ...inputs.trustedPublicKeys];
    return {
        substituters: unique([...reads.substituters, ...directSubstituters(inputs)]),
        // Of two keys with one name Nix takes the first: what a cache says of itself is what reads it, whatever key the workflow has.
        publicKeys: unique([...reads.publicKeys, ...ownKeys.map(_nix_signature_js__WEBPACK_IMPORTED_MODULE_1__/* .formatPublicKey */ .et)]),
        netrc: [...(substituter === null ? [] : [substituter.netrc]), ...netrcOf(inputs), ...reads.netrc],
        other: [...(substituter === null ? [] : settingsForOurs(store)), ...(hook?.settings ?? [])],
    };
}
/** Substituters that Nix reaches without the help of ours. */
function directSubstituters({ substituters }) {
    return substituters.filter(({ proxy }) => proxy === null).map(({ url }) => url);
}
/** Whether Nix can be told of a substituter of this job's own. Where it can't, and reads from no other cache, one warning says what an administrator has to add. */
async function canServeHere(session, store, readsOthers, signal) {
    const why = await (0,_setup_route_js__WEBPACK_IMPORTED_MODULE_4__/* .whyNothingNew */ .gB)(store, session.state().configuration, contextOf(session, signal));
    if (why === null)
        return true;
    const nothing = { substituters: [], publicKeys: [], netrc: [], other: [] };
    const advice = (0,_setup_untrusted_js__WEBPACK_IMPORTED_MODULE_6__/* .adviceFor */ .c)(nothing, (0,_setup_configure_nix_js__WEBPACK_IMPORTED_MODULE_2__/* .userName */ .nT)(), store.nix.about.systemConfFile, why);
    const { log } = session.runner;
    if (readsOthers)
        log.info(`What this action would serve on this machine is not read: ${advice.message} ${advice.fix}`);
    else
        (0,_problem_js__WEBPACK_IMPORTED_MODULE_7__/* .tellProblem */ .J)(advice, log);
    return false;
}
/** Takes back what this use of the action told Nix. A failure is said and does not stop the rest of post. */
async function takeBackSettings(session, signal) {
    const { configuration } = session.state();
    if (configuration !== null)
        await (0,_setup_configure_nix_js__WEBPACK_IMPORTED_MODULE_2__/* .undoConfiguration */ .zU)(configuration, contextOf(session, signal));
}
/**
 * With these a build outlives the end of our substituter. Older versions abort where this one says to go on: docs/decisions/010-local-substituter.md.
 */
function settingsForOurs({ nix }) {
    return (0,_store_nix_about_js__WEBPACK_IMPORTED_MODULE_5__/* .isAtLeast */ .du)(nix.about.version, 2, 26) ? [['fallback', 'true']] : [];
}
/** The entries that the workflow gives: for the first cache from its credentials, and the text of `netrc`. */
function netrcOf(inputs) {
    const own = inputs.caches.flatMap((target) => {
        if (target.kind !== 'http' || target.credentials === null)
            return [];
        const { url, credentials } = target;
        // Nix sends nothing but Basic. Servers that know tokens take one as the password, with any user name (Artifactory, attic, Cachix).
        return credentials.kind === 'basic'
            ? [{ machine: (0,_nix_netrc_js__WEBPACK_IMPORTED_MODULE_0__/* .netrcMachine */ .m4)(url.hostname), login: credentials.username, password: credentials.password }]
            : [{ machine: (0,_nix_netrc_js__WEBPACK_IMPORTED_MODULE_0__/* .netrcMachine */ .m4)(url.hostname), login: 'token', password: credentials.token }];
    });
    return [...own, ...inputs.netrc];
}
/** The entries that the workflow gives, then those that Nix reads on this machine already. */
async function knownNetrc(inputs, store, signal) {
    const { netrcFile } = await store.settings(signal);
    return [...netrcOf(inputs), ...(await (0,_setup_netrc_file_js__WEBPACK_IMPORTED_MODULE_3__/* .readNetrcFile */ .Z)(netrcFile)).entries];
}
/** Why what Nix's netrc on this machine holds does not count for this action; `null` when it does. */
async function unreadNetrc(store, signal) {
    const { netrcFile } = await store.settings(signal);
    return (await (0,_setup_netrc_file_js__WEBPACK_IMPORTED_MODULE_3__/* .readNetrcFile */ .Z)(netrcFile)).problem;
}
function contextOf(session, signal) {
    const { runner } = session;
    const { id, folder } = session.state();
    return {
        id,
        folder,
        env: runner.env,
        exportVariable: runner.exportVariable,
        remember: (configuration) => session.keep({ configuration }),
        log: runner.log,
        signal,
    };
}
function unique(texts) {
    return [...new Set(texts)];
}


/***/ }),

/***/ 321:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   b: () => (/* binding */ createMasking)
/* harmony export */ });
/** Shorter than this would mask half of the log. */
const SHORTEST_MASK = 4;
function createMasking() {
    const known = new Set();
    let secrets = [];
    return {
        add(secret) {
            if (secret === '' || known.has(secret))
                return false;
            known.add(secret);
            // Longest first: a secret that holds another one must be replaced whole.
            if (secret.length >= SHORTEST_MASK)
                secrets = [...secrets, secret].sort((a, b) => b.length - a.length);
            return true;
        },
        clean: (text) => secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text),
    };
}


/***/ }),

/***/ 1838:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   F: () => (/* binding */ openMountReader),
/* harmony export */   f: () => (/* binding */ MOUNT_EFFORT)
/* harmony export */ });
/* harmony import */ var _backends_open_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(4926);
/* harmony import */ var _cache_target_target_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9238);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9473);
/* harmony import */ var _http_client_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(5803);
/* harmony import */ var _http_proxy_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(2749);





/** Once for a whole job, so requests are tried less long than at its end: Nix waits. */
const MOUNT_EFFORT = { concurrency: 32, attempts: 3, patienceMs: 6_000, connectTimeoutMs: 5_000 };
/** A cache that Nix can't read by itself. Asks nothing of it yet. @throws CacheError `input-invalid` for one that Nix reads */
async function openMountReader({ env, log }, storeDir, netrc, { line, credentials, proxy }) {
    const target = (0,_cache_target_target_js__WEBPACK_IMPORTED_MODULE_1__/* .parseCacheTarget */ .h)(line, null, credentials);
    if ('problem' in target || target.kind === 'actions-cache')
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .CacheError */ .xA('internal', `${line} can't be served.`);
    const { concurrency, ...patience } = MOUNT_EFFORT;
    const through = proxy === null ? env : (0,_http_proxy_js__WEBPACK_IMPORTED_MODULE_4__/* .withProxy */ .fK)(env, proxy);
    const client = (0,_http_client_js__WEBPACK_IMPORTED_MODULE_3__/* .createHttpClient */ .u)({ env: through, log, connections: concurrency, ...patience });
    const reader = await (0,_backends_open_js__WEBPACK_IMPORTED_MODULE_0__/* .openReader */ .c)(target, { client, log, netrc, storeDir });
    return {
        ...reader,
        async close() {
            await reader.close();
            await client.close();
        },
    };
}


/***/ }),

/***/ 6871:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   KZ: () => (/* binding */ CACHE_PRIORITY),
/* harmony export */   _h: () => (/* binding */ priorityIn),
/* harmony export */   cS: () => (/* binding */ mountsOf)
/* harmony export */ });
/* harmony import */ var _target_label_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(4092);

/** Before cache.nixos.org (40): an answer from this machine costs nothing, and by default nothing that is signed there is pushed. */
const STORE_PRIORITY = 30;
/** After it, as `nix-cache-info` of a new cache says; `?priority=N` in the URL comes first, then what the cache says of itself. */
const CACHE_PRIORITY = 41;
/** What Nix can't read by itself, for the local substituter. An empty store needs nobody to serve it. */
function mountsOf({ inputs }, serving) {
    const { store } = serving;
    const stores = store === null || store.pathCount === 0
        ? []
        : [
            {
                name: 'actions-cache',
                label: 'the Actions cache',
                priority: STORE_PRIORITY,
                // Without a key there is nobody whose signature could be asked for: what the service gives to this job's ref is trusted as it is.
                isTrusted: inputs.signingKey === null,
                source: { kind: 'actions-cache', indexesFolder: store.indexesFolder },
            },
        ];
    const caches = serving.throughUs.flatMap(({ line: number, priority }) => {
        const target = inputs.caches[number];
        if (target === undefined || !('substituter' in target))
            return [];
        const credentials = target.kind === 'http' || target.kind === 's3' ? target.credentials : null;
        const line = target.kind === 's3' ? target.line : target.substituter;
        return [
            {
                name: `cache-${number + 1}`,
                label: (0,_target_label_js__WEBPACK_IMPORTED_MODULE_0__/* .labelOf */ .W)(inputs, number),
                priority: priorityIn(target.substituter) ?? priority ?? CACHE_PRIORITY,
                isTrusted: isTrustedIn(target.substituter),
                source: { kind: 'cache', line, credentials, proxy: null },
            },
        ];
    });
    const proxied = serving.proxied.map(({ line, url, proxy, priority }) => ({
        name: `substituter-${line + 1}`,
        label: url,
        priority: priorityIn(url) ?? priority ?? CACHE_PRIORITY,
        isTrusted: isTrustedIn(url),
        source: { kind: 'cache', line: url, credentials: null, proxy },
    }));
    return [...stores, ...caches, ...proxied];
}
/** What the user wrote into a store URL, as Nix reads it. */
function priorityIn(storeUrl) {
    const text = /[?&]priority=(\d{1,9})(?:&|$)/.exec(storeUrl)?.[1];
    return text === undefined ? null : Number(text);
}
/** Whether the user has Nix take the paths of a store without a signature. */
function isTrustedIn(storeUrl) {
    return /[?&]trusted=(1|true)(&|$)/.test(storeUrl);
}


/***/ }),

/***/ 9884:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   gv: () => (/* binding */ pushTimeoutMs),
/* harmony export */   v8: () => (/* binding */ mayStrangersStart),
/* harmony export */   vG: () => (/* binding */ isDryRun),
/* harmony export */   vn: () => (/* binding */ decidePush)
/* harmony export */ });
/* harmony import */ var _backends_cachix_token_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3918);
/* harmony import */ var _backends_job_identity_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(314);
/* harmony import */ var _nix_netrc_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6188);



/**
 * Events that a stranger can trigger and that yet see the repository's secrets. What such a job builds may be the stranger's code, and a
 * signed path is believed wherever the key is trusted.
 */
const STRANGERS_EVENTS = new Set(['pull_request_target', 'issue_comment']);
/** Whether anybody can start this job, with what the repository trusts. */
function mayStrangersStart(env) {
    return STRANGERS_EVENTS.has(env.GITHUB_EVENT_NAME ?? '');
}
/** @param netrc entries that apply to the cache's host, given or found on the machine */
function decidePush(inputs, target, env, netrc) {
    if (inputs.push === 'never')
        return { canPush: false, whyNot: '`push` is `never`.' };
    if (inputs.push === 'always')
        return { canPush: true, whyNot: null };
    if (mayStrangersStart(env)) {
        const whyNot = `anybody can start a job for \`${env.GITHUB_EVENT_NAME}\`; \`push: always\` pushes all the same.`;
        return { canPush: false, whyNot };
    }
    // GitHub keeps what a pull request stores in its Actions cache to that pull request, so there it needs no credentials of the workflow's.
    if (target.kind === 'actions-cache')
        return { canPush: true, whyNot: null };
    // Who may write into a folder is for the system to say, and who into a Nix store for that. Whether there are keys for a bucket comes to light when it is asked.
    if (target.kind === 'file' || target.kind === 'nix-copy' || target.kind === 's3')
        return { canPush: true, whyNot: null };
    if (target.kind === 'cachix') {
        if ((0,_backends_cachix_token_js__WEBPACK_IMPORTED_MODULE_2__.cachixToken)(target, netrc) !== null)
            return { canPush: true, whyNot: null };
        return { canPush: false, whyNot: 'there is no `token` (a pull request from a fork has no secrets).' };
    }
    if (target.kind === 'niks3') {
        if (target.token !== null || (0,_backends_job_identity_js__WEBPACK_IMPORTED_MODULE_0__/* .hasJobIdentity */ .iC)(env))
            return { canPush: true, whyNot: null };
        const whyNot = 'there is no `token`, and the job has no `permissions: id-token: write` (a pull request from a fork gets neither).';
        return { canPush: false, whyNot };
    }
    const writesTo = target.kind === 'attic' ? target.endpoint : (target.pushUrl ?? target.url);
    const hasCredentials = target.credentials !== null || (0,_nix_netrc_js__WEBPACK_IMPORTED_MODULE_1__/* .findNetrc */ .kE)(netrc, writesTo.hostname) !== null;
    if (hasCredentials)
        return { canPush: true, whyNot: null };
    if (target.kind === 'attic') {
        return {
            canPush: false,
            whyNot: 'there is no `token`, and attic takes nothing without (a pull request from a fork has no secrets).',
        };
    }
    if (inputs.signingKey !== null)
        return { canPush: true, whyNot: null };
    return {
        canPush: false,
        whyNot: 'there are no credentials and no signing key (a pull request from a fork has no secrets); `push: always` pushes all the same.',
    };
}
/** Plans, and sends nothing. */
function isDryRun(env) {
    return env.NIX_CACHE_ACTION_DRY_RUN === 'true' || env.NIX_CACHE_ACTION_DRY_RUN === '1';
}
/** What a cancelled job leaves: the runner gives its posts 5 minutes in all. */
const CANCELLED_TIMEOUT_MS = 4 * 60_000;
/** How long the end of the job waits for uploads. */
function pushTimeoutMs(inputs) {
    return inputs.jobStatus === 'cancelled' ? Math.min(inputs.pushTimeoutMs, CANCELLED_TIMEOUT_MS) : inputs.pushTimeoutMs;
}


/***/ }),

/***/ 8747:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   $n: () => (/* binding */ readDone),
/* harmony export */   B8: () => (/* binding */ pusherFiles),
/* harmony export */   GF: () => (/* binding */ writeJson),
/* harmony export */   Gn: () => (/* binding */ formatDone),
/* harmony export */   IY: () => (/* binding */ readFinishOrder),
/* harmony export */   T8: () => (/* binding */ takeOrders),
/* harmony export */   bM: () => (/* binding */ asPusherOrders),
/* harmony export */   jq: () => (/* binding */ awsVariables),
/* harmony export */   pj: () => (/* binding */ retractOrders),
/* harmony export */   tL: () => (/* binding */ readReport),
/* harmony export */   xN: () => (/* binding */ readIdentity)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9473);
/* harmony import */ var _setup_private_file_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(6124);




/** Those of an environment whose names begin with `AWS_`. */
function awsVariables(env) {
    return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (name.startsWith('AWS_') && value !== undefined ? [[name, value]] : [])));
}
/** Files of the pusher, in a folder of its own (0700). */
function pusherFiles(folder) {
    return {
        orders: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, 'orders.json'),
        identity: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, 'pusher.json'),
        finish: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, 'finish.json'),
        report: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, 'report.json'),
        done: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, 'done'),
        journalOffset: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, 'journal-offset.json'),
        log: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, 'log'),
        held: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, 'held'),
    };
}
/** Reads the orders and removes them. Who takes them has them alone. @throws CacheError `state-invalid` */
async function takeOrders(folder) {
    const { orders } = pusherFiles(folder);
    const taken = `${orders}.taken`;
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rename)(orders, taken).catch(() => undefined);
    const read = await readJson(taken, isOrders);
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rm)(taken, { force: true });
    if (read === null)
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .CacheError */ .xA('state-invalid', `There is nothing to push: ${orders} is missing or not ours.`);
    return read;
}
/** Takes the orders back; whether nobody had taken them. */
async function retractOrders(folder) {
    return (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.unlink)(pusherFiles(folder).orders).then(() => true, () => false);
}
/** What the keeper hands to its worker. @throws CacheError `state-invalid` */
function asPusherOrders(value) {
    if (isOrders(value))
        return value;
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .CacheError */ .xA('state-invalid', 'What the pusher was handed is of another version.');
}
async function writeJson(file, value) {
    await (0,_setup_private_file_js__WEBPACK_IMPORTED_MODULE_3__/* .writePrivateFile */ .P)(file, JSON.stringify(value));
}
const readIdentity = (folder) => readJson(pusherFiles(folder).identity, isIdentity);
const readFinishOrder = (folder) => readJson(pusherFiles(folder).finish, isFinishOrder);
const readReport = (folder) => readJson(pusherFiles(folder).report, isReport);
/** What it wrote down, by target; a line that was cut off is left out. */
async function readDone(folder) {
    const text = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readFile)(pusherFiles(folder).done, 'utf8').catch(() => '');
    const done = new Map();
    for (const line of text.split('\n')) {
        const [, target, sentBytes, path] = /^(\d{1,4}) (\d{1,15}) (\/.+)$/.exec(line) ?? [];
        if (path === undefined)
            continue;
        const paths = done.get(Number(target)) ?? new Map();
        done.set(Number(target), paths.set(path, Number(sentBytes)));
    }
    return done;
}
function formatDone({ target, path, sentBytes }) {
    return `${target} ${sentBytes} ${path}\n`;
}
/** `null` when it is not there, or none of this version's. */
async function readJson(file, is) {
    try {
        const value = JSON.parse(await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readFile)(file, 'utf8'));
        return is(value) ? value : null;
    }
    catch {
        return null;
    }
}
function has(value, ...names) {
    return typeof value === 'object' && value !== null && names.every((name) => name in value);
}
// Each is written by this very version, so the version and the names of its fields tell it from anything else.
function isOrders(value) {
    return has(value, 'version', 'inputs', 'state') && value.version === 1;
}
function isFinishOrder(value) {
    return has(value, 'version', 'aws', 'timeoutMs', 'used', 'packFindings', 'served', 'errors') && value.version === 1;
}
function isIdentity(value) {
    return has(value, 'pid', 'startTime', 'worker') && typeof value.pid === 'number' && has(value.worker, 'pid', 'startTime');
}
function isReport(value) {
    return has(value, 'version', 'caches', 'served', 'warnings') && value.version === 1;
}


/***/ }),

/***/ 2156:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  LS: () => (/* binding */ backgroundSession),
  fA: () => (/* binding */ openSession),
  v$: () => (/* binding */ removeFolder),
  UI: () => (/* binding */ resumeSession),
  wH: () => (/* binding */ withInputs)
});

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/inputs/given.js
var given = __webpack_require__(1153);
// EXTERNAL MODULE: ./build/inputs/inputs.js + 2 modules
var inputs_inputs = __webpack_require__(7504);
// EXTERNAL MODULE: ./build/inputs/secrets.js
var secrets = __webpack_require__(4598);
// EXTERNAL MODULE: ./build/state.js
var build_state = __webpack_require__(8801);
;// CONCATENATED MODULE: ./build/phases/kept-inputs.js

/** Inputs that are read anew in each phase although they are no secrets; the last two may have the credentials of a proxy or a mirror inside. */
const FRESH_INPUTS = new Set(['job-status', 'substituters', 'install-nix']);
/** The inputs to keep for later phases. */
function inputsToKeep(names, get) {
    return Object.fromEntries(names.filter((name) => !given/* SECRET_INPUTS */.pH.has(name) && !FRESH_INPUTS.has(name)).map((name) => [name, get(name)]));
}
/** Inputs for a later phase: secrets and the job's status as they are now, everything else as it was. */
function inputsAsKept(state, now) {
    return (name) => state.inputs[name] ?? now(name);
}

;// CONCATENATED MODULE: ./build/phases/session.js










/**
 * Opens pre's or main's session: masks secrets, checks the inputs, makes the folder. Main takes over what pre left.
 * @throws CacheError `input-invalid`, `file-failed`
 */
async function openSession(runner) {
    const get = (0,given/* inputFromEnv */.yj)(runner.env);
    for (const secret of (0,secrets/* secretTexts */.V)(get))
        runner.log.mask(secret);
    const inputs = (0,inputs_inputs/* parseInputs */.T)(get);
    const state = (0,build_state/* loadState */.C)(runner.state) ?? newState(runner.env, get);
    await makeFolder(state.folder);
    return { ...keptSession(runner, { ...state, inputs: inputsToKeep(given/* INPUT_NAMES */.Qh, get) }), inputs, early: null };
}
/** Opens what there is of post's session without its inputs; `null` when no earlier phase came far enough to leave anything. */
function resumeSession(runner) {
    for (const secret of (0,secrets/* secretTexts */.V)((0,given/* inputFromEnv */.yj)(runner.env)))
        runner.log.mask(secret);
    const state = (0,build_state/* loadState */.C)(runner.state);
    return state === null ? null : keptSession(runner, state);
}
/** All of it. @throws CacheError `input-invalid`: secrets are read anew, and a step in between may have changed them */
function withInputs(kept, early) {
    return { ...kept, inputs: (0,inputs_inputs/* parseInputs */.T)(inputsAsKept(kept.state(), (0,given/* inputFromEnv */.yj)(kept.runner.env))), early };
}
/** The session of the background process that pushes: main's, with the inputs as main had them. */
function backgroundSession(runner, get, state) {
    for (const secret of (0,secrets/* secretTexts */.V)(get))
        runner.log.mask(secret);
    return { runner, inputs: (0,inputs_inputs/* parseInputs */.T)(get), early: null, state: () => state, keep: () => undefined };
}
/** Removes what this use left in `RUNNER_TEMP`, but for the report. */
async function removeFolder(state) {
    await (0,promises_.rm)(state.folder, { recursive: true, force: true });
}
function keptSession(runner, initial) {
    let state = initial;
    const save = () => (0,build_state/* saveState */.L)(state, runner.saveState);
    save();
    return {
        runner,
        state: () => state,
        keep(change) {
            state = { ...state, ...change };
            save();
        },
    };
}
function newState(env, get) {
    const id = (0,external_node_crypto_.randomBytes)(6).toString('hex');
    const temp = env.RUNNER_TEMP ?? (0,external_node_os_.tmpdir)();
    return {
        version: 1,
        id,
        folder: (0,external_node_path_.join)(temp, `nix-cache-action-${id}`),
        reportFile: (0,external_node_path_.join)(temp, `nix-cache-action-report-${id}.json`),
        inputs: inputsToKeep(given/* INPUT_NAMES */.Qh, get),
        configuration: null,
        main: null,
    };
}
async function makeFolder(folder) {
    try {
        await (0,promises_.mkdir)(folder, { recursive: true, mode: 0o700 });
    }
    catch (cause) {
        throw new errors/* CacheError */.xA('file-failed', `The folder ${folder} can't be made (${(0,errors/* systemCode */.xU)(cause) ?? 'unknown'}).`, {
            hint: 'The action keeps its files in RUNNER_TEMP, which must be writable.',
            cause,
        });
    }
}


/***/ }),

/***/ 6477:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Z: () => (/* binding */ stopOnSignals)
/* harmony export */ });
const GRACE_MS = 1_500;
/** Answers SIGINT and SIGTERM with an orderly end in place of Node's immediate one, and says `what` becomes of what was begun. */
function stopOnSignals(log, what = 'what is complete becomes visible, the rest is left for the next job') {
    const controller = new AbortController();
    const onSignal = (name) => {
        if (!controller.signal.aborted)
            log.info(`${name}: ending; ${what}.`);
        controller.abort();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    return {
        signal: controller.signal,
        graceMs: GRACE_MS,
        now: (reason) => controller.abort(reason),
        close() {
            process.off('SIGINT', onSignal);
            process.off('SIGTERM', onSignal);
        },
    };
}


/***/ }),

/***/ 5022:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  mE: () => (/* binding */ NO_READS),
  k3: () => (/* binding */ startLocalSubstituter),
  E0: () => (/* binding */ stopLocalSubstituter),
  LW: () => (/* binding */ writePackFindings)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./build/backends/actions-cache/packs.js + 1 modules
var packs = __webpack_require__(5204);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/netrc.js
var nix_netrc = __webpack_require__(6188);
// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./build/background/detached.js
var detached = __webpack_require__(5015);
// EXTERNAL MODULE: ./build/background/process-identity.js
var process_identity = __webpack_require__(863);
// EXTERNAL MODULE: ./build/substituter/credentials.js
var substituter_credentials = __webpack_require__(8683);
// EXTERNAL MODULE: ./build/substituter/daemon-folder.js
var daemon_folder = __webpack_require__(418);
;// CONCATENATED MODULE: ./build/substituter/daemon.js







const POLL_MS = 20;
const STOP_GRACE_MS = 6_000;
const KILL_WAIT_MS = 1_000;
const LOG_TAIL = { bytes: 4_000, lines: 5 };
/**
 * Starts the background process of this folder and waits until it serves. It holds no pipe of ours (the runner would wait for it), is in a session of its own,
 * and keeps `RUNNER_TRACKING_ID`, by which the runner finds and ends it at the end of the job should post not come to it. One that ran here before is ended.
 * @throws CacheError `internal` with the end of the log when it died or is not ready in time, `cancelled`, `file-failed`
 */
async function startDaemon(options) {
    const { folder, log, signal } = options;
    await stopDaemon(folder, { log });
    const credentials = options.credentials ?? (0,substituter_credentials/* randomCredentials */.AJ)();
    await (0,daemon_folder/* writeOrders */.tA)(folder, { credentials, prefix: (0,substituter_credentials/* randomPrefix */.u1)(), handover: options.handover });
    const { nodePath, script, env } = options;
    const child = await (0,detached/* spawnDetached */.W)({ nodePath, script, env, argument: folder, log: (0,daemon_folder/* logFile */.N9)(folder) });
    try {
        const address = await readiness(child, options);
        log.debug(`The substituter runs as process ${address.pid} at port ${address.port}.`);
        return { ...address, credentials };
    }
    catch (error) {
        child.process.kill('SIGKILL');
        if (signal.aborted)
            throw new errors/* CacheError */.xA('cancelled', 'The start of the substituter was cancelled.');
        throw error;
    }
    finally {
        // The child took them; if it did not, nobody should find them.
        await (0,daemon_folder/* removeOrders */.AB)(folder);
    }
}
/** Whether the background process of this folder runs. */
async function daemonAlive(folder) {
    const address = await readAddress(folder);
    return address !== null && isRunning(address);
}
/** Ends the background process of this folder: asks first, then kills. Harmless when there is none, or it is dead already. */
async function stopDaemon(folder, { graceMs = STOP_GRACE_MS, log }) {
    const address = await (0,daemon_folder/* readAddress */.zq)(folder);
    if (address === null)
        return;
    // The keeper ends its worker, unless one of them can't.
    if (!(0,process_identity/* signalProcess */.a7)(address, 'SIGTERM'))
        (0,process_identity/* signalProcess */.a7)(address.worker, 'SIGTERM');
    for (const one of [address, (await (0,daemon_folder/* readAddress */.zq)(folder))?.worker ?? address.worker]) {
        if (await hasEnded(one, graceMs))
            continue;
        log.debug(`Process ${one.pid} of the substituter did not end within ${graceMs} ms and is killed.`);
        (0,process_identity/* signalProcess */.a7)(one, 'SIGKILL');
        if (!(await hasEnded(one, KILL_WAIT_MS)))
            log.debug(`Process ${one.pid} is still there.`);
    }
    await (0,daemon_folder/* removeAddress */.PC)(folder);
}
async function hasEnded(identity, withinMs) {
    for (const deadline = performance.now() + withinMs; performance.now() < deadline; await (0,external_node_timers_promises_.setTimeout)(POLL_MS)) {
        if (!(0,process_identity/* isRunning */.W_)(identity))
            return true;
    }
    return !(0,process_identity/* isRunning */.W_)(identity);
}
/** Waits for the file by which the child says that it serves. */
async function readiness(child, { folder, timeoutMs, signal }) {
    for (const deadline = performance.now() + timeoutMs;; await (0,external_node_timers_promises_.setTimeout)(POLL_MS, undefined, { signal })) {
        const address = await (0,daemon_folder/* readAddress */.zq)(folder);
        if (address !== null && address.pid === child.process.pid)
            return address;
        const end = child.end();
        if (end !== null)
            throw await failedStart(folder, end);
        if (performance.now() > deadline)
            throw await failedStart(folder, `was not ready within ${timeoutMs} ms`);
    }
}
async function failedStart(folder, what) {
    const text = await (0,promises_.readFile)((0,daemon_folder/* logFile */.N9)(folder), 'utf8').catch(() => '');
    const lines = text.slice(-LOG_TAIL.bytes).trim().split('\n').slice(-LOG_TAIL.lines);
    const said = lines.join(' / ') || 'nothing';
    return new errors/* CacheError */.xA('internal', `The substituter ${what}. Its last words: ${said}`);
}

// EXTERNAL MODULE: ./build/phases/configure.js
var configure = __webpack_require__(645);
;// CONCATENATED MODULE: ./build/phases/substituter.js








/** Nothing was served. */
const NO_READS = { used: new Set(), packFindings: Promise.resolve(packs/* NO_FINDINGS */.B), served: [], errors: {} };
const START_TIMEOUT_MS = 20_000;
/** Starts serve, which serves `mounts`. That it can't be started costs the job what it would have served: a warning, and `null`. */
async function startLocalSubstituter(session, store, mounts, signal) {
    const { inputs, runner, state } = session;
    const folder = (0,external_node_path_.join)(state().folder, 'serve');
    const netrc = await (0,configure/* knownNetrc */.as)(inputs, store, signal);
    const handover = { version: 1, storeDir: store.storeDir, netrc, mounts };
    try {
        // A netrc has one entry for a host, so a cache of the user's on this very machine shares its credentials with ours.
        const there = (0,nix_netrc/* findNetrc */.kE)(netrc, '127.0.0.1');
        await (0,promises_.mkdir)(folder, { recursive: true, mode: 0o700 });
        const { url, credentials } = await startDaemon({
            nodePath: process.execPath,
            script: (0,external_node_path_.join)(import.meta.dirname, 'serve.js'),
            env: runner.env,
            folder,
            handover,
            ...(there === null ? {} : { credentials: { username: there.login, password: there.password } }),
            timeoutMs: START_TIMEOUT_MS,
            log: runner.log,
            signal,
        });
        runner.log.mask(credentials.password);
        passProxyBy(runner);
        return {
            folder,
            storeUrls: mounts.map(({ name, isTrusted }) => `${url}/${name}${isTrusted ? '?trusted=1' : ''}`),
            netrc: { machine: new URL(url).hostname, login: credentials.username, password: credentials.password },
        };
    }
    catch (error) {
        if (!(0,errors/* isCacheError */.bt)(error))
            throw error;
        runner.log.warning(`${(0,errors/* describeError */.Uc)(error)} The job goes on without what it would have served: ${mounts.map(({ label }) => label).join(', ')}.`, 'nix-cache-action');
        return null;
    }
}
/** A proxy can't reach this machine's own address, and Nix would ask it for our URL (curl reads `http_proxy` in lower case alone). */
function passProxyBy({ env, exportVariable }) {
    if (!env.http_proxy && !env.all_proxy && !env.ALL_PROXY)
        return;
    const exempt = (env.no_proxy ?? env.NO_PROXY ?? '').split(',').filter((host) => host !== '');
    if (exempt.includes('127.0.0.1') || exempt.includes('*'))
        return;
    exportVariable('no_proxy', [...exempt, '127.0.0.1'].join(','));
}
/** Ends serve, when there is one, and gathers what it did. Never throws: what is not known costs some requests more. */
async function stopLocalSubstituter({ runner, state }) {
    const folder = state().main?.substituterFolder ?? null;
    if (folder === null)
        return NO_READS;
    try {
        await stopDaemon(folder, { log: runner.log });
        const statistics = await (0,daemon_folder/* readStatistics */.MS)(folder);
        const packFindings = Promise.resolve(await readPackFindings(folder));
        if (statistics === null)
            return { ...NO_READS, packFindings };
        const { served, mounts, errors } = statistics;
        const labels = state().main?.served ?? {};
        const reads = Object.entries(mounts).map(([name, { paths, narBytes, narsCut }]) => ({
            label: labels[name] ?? name,
            paths,
            bytes: narBytes,
            cut: narsCut,
        }));
        return { used: new Set(served), packFindings, served: reads, errors };
    }
    catch (error) {
        runner.log.debug((0,errors/* describeError */.Uc)(error));
        return NO_READS;
    }
}
const FINDINGS = 'packs.json';
/** Keeps what serve learned of the packs, for post. */
async function writePackFindings(folder, findings) {
    await (0,promises_.writeFile)((0,external_node_path_.join)(folder, FINDINGS), JSON.stringify(findings), { mode: 0o600 });
}
/** None when serve could not write them, for example since it was killed. */
async function readPackFindings(folder) {
    try {
        const { there, gone } = JSON.parse(await (0,promises_.readFile)((0,external_node_path_.join)(folder, FINDINGS), 'utf8'));
        return { there: textsOf(there), gone: textsOf(gone) };
    }
    catch {
        return packs/* NO_FINDINGS */.B;
    }
}
function textsOf(value) {
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}


/***/ }),

/***/ 4092:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   W: () => (/* binding */ labelOf)
/* harmony export */ });
/** For people: the cache that a line of `cache` names; `null`: the Actions cache in place of those. */
function labelOf({ caches }, line) {
    const target = line === null ? undefined : caches[line];
    return target === undefined || target.kind === 'actions-cache' ? 'the Actions cache' : target.place;
}


/***/ }),

/***/ 8649:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Jx: () => (/* binding */ checkKeysThere),
/* harmony export */   kv: () => (/* binding */ isKeyReadable),
/* harmony export */   sk: () => (/* binding */ checkKeyNames),
/* harmony export */   xD: () => (/* binding */ checkKeysReadable)
/* harmony export */ });
/* harmony import */ var _nix_signature_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(8486);

/** Pure: whether Nix will believe what the caches of this step have. */
/** Its paths are believed by every Nix from the start. */
const USUAL = 'cache.nixos.org-1';
/** Of two keys with one name Nix knows the first (libstore/keys.cc), and settings that add come last. */
function checkKeyNames({ effective, keys, told }) {
    if (told === null || !effective.requireSigs)
        return [];
    const named = new Map();
    for (const key of effective.trustedPublicKeys) {
        const name = (0,_nix_signature_js__WEBPACK_IMPORTED_MODULE_0__/* .signatureKeyName */ .DW)(key);
        if (!named.has(name))
            named.set(name, key);
    }
    const signing = keys.signing === null ? null : (0,_nix_signature_js__WEBPACK_IMPORTED_MODULE_0__/* .formatPublicKey */ .et)(keys.signing);
    return told.wish.publicKeys.flatMap((key) => {
        const name = (0,_nix_signature_js__WEBPACK_IMPORTED_MODULE_0__/* .signatureKeyName */ .DW)(key);
        const other = named.get(name);
        if (other === undefined || other === key || !effective.trustedPublicKeys.includes(key))
            return [];
        // A cache that names its keys says itself that this one is none of them.
        if (keys.ofCaches.includes(other))
            return [];
        const ours = key === signing ? 'what `signing-key` signs' : `what \`${key}\` signed`;
        const wayOut = key === signing
            ? `, or sign with a key of another name: \`nix-store --generate-binary-cache-key ${name}-new secret public\`.`
            : '.';
        return [
            {
                code: 'key-name-taken',
                level: 'warning',
                title: 'Two keys have one name',
                message: `Nix trusts another key with the name \`${name}\` already, and knows one key for a name, so it does not believe ${ours}.`,
                fix: `Remove \`${other}\` from \`trusted-public-keys\` (\`nix config show trusted-public-keys\`)${wayOut}`,
            },
        ];
    });
}
/** Whether Nix can decode an entry of `trusted-public-keys`: 32 bytes after the name, padded or not (libstore/keys.cc, `base64Decode`). */
function isKeyReadable(key) {
    return /^[^:]+:[A-Za-z0-9+/]{43}(?:=.*)?$/.test(key);
}
/** Nix decodes all keys before it looks at a signature, so one that it can't read fails every build that would take a path. Its daemon does not heed those of a user whom it does not trust. */
function checkKeysReadable({ effective, trust, sources }) {
    const unreadable = effective.trustedPublicKeys.find((key) => !isKeyReadable(key));
    if (unreadable === undefined || !effective.requireSigs || trust === 'untrusted')
        return [];
    const where = sources.find(({ text }) => text.includes(unreadable))?.name ?? "the system's nix.conf";
    // Without the part after the name: it may be a secret key.
    const colon = unreadable.indexOf(':');
    const shown = colon > 0 ? `\`${unreadable.slice(0, colon)}:…\`` : 'an entry without a name';
    return [
        {
            code: 'key-unreadable',
            level: 'warning',
            title: 'Nix can not read a key',
            message: `Nix can't read ${shown} in \`trusted-public-keys\`, and fails every build that would take a signed path from a cache.`,
            fix: `Write the public key there in full (\`NAME:BASE64\`), or take it out of ${where.replace(/^The/, 'the')}.`,
        },
    ];
}
/** What nobody signed, or an unknown key, Nix passes over without a word. It may be that the cache holds nothing but the usual paths. */
function checkKeysThere({ effective, keys, told }) {
    if (told === null || !effective.requireSigs || keys.areKnown)
        return [];
    const caches = keys.unsignedCaches.filter((url) => !/[?&]trusted=(?:1|true)\b/.test(url));
    if (caches.length === 0 || effective.trustedPublicKeys.some((key) => (0,_nix_signature_js__WEBPACK_IMPORTED_MODULE_0__/* .signatureKeyName */ .DW)(key) !== USUAL))
        return [];
    return [
        {
            code: 'key-missing',
            level: 'notice',
            title: 'No key to believe the cache by',
            message: `Neither \`signing-key\` nor \`trusted-public-keys\` is given, so Nix takes from ${caches.join(', ')} only what ${USUAL} signed.`,
            fix: `Add the cache's public key, \`trusted-public-keys: NAME:BASE64\` (for a mirror of cache.nixos.org that of ${USUAL}).`,
        },
    ];
}


/***/ }),

/***/ 2384:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  p: () => (/* binding */ gatherFacts)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/http/client.js + 10 modules
var http_client = __webpack_require__(5803);
// EXTERNAL MODULE: ./build/nix/netrc.js
var nix_netrc = __webpack_require__(6188);
// EXTERNAL MODULE: ./build/setup/configure-nix.js + 1 modules
var configure_nix = __webpack_require__(305);
// EXTERNAL MODULE: ./build/setup/netrc-file.js
var netrc_file = __webpack_require__(7745);
// EXTERNAL MODULE: ./build/setup/user-file.js
var user_file = __webpack_require__(6402);
// EXTERNAL MODULE: ./build/store/settings.js
var settings = __webpack_require__(4305);
// EXTERNAL MODULE: ./build/nix/cache-info.js
var cache_info = __webpack_require__(4075);
;// CONCATENATED MODULE: ./build/preflight/asking.js



/** Asks a cache for its `nix-cache-info` as Nix does when it opens it. Never throws for what is the cache's fault. */
async function askSubstituter(url, asking) {
    const sentMs = asking.nowMs();
    try {
        const answer = await get(url, asking);
        const aheadMs = aheadOf(answer, (sentMs + asking.nowMs()) / 2);
        if (REFUSALS.includes(answer.status))
            return { url, info: null, aheadMs, trouble: null };
        if (answer.status !== 200) {
            return { url, info: null, aheadMs, trouble: { what: 'it has no `nix-cache-info`', hint: NO_CACHE_HINT, isRefusal: false } };
        }
        return { url, aheadMs, ...read(Buffer.from(answer.bytes).toString('utf8'), asking.storeDir) };
    }
    catch (error) {
        if (!(0,errors/* isCacheError */.bt)(error))
            throw error;
        const { message, hint } = error;
        return {
            url,
            info: null,
            aheadMs: null,
            trouble: {
                what: message.replace(/\.$/, ''),
                hint,
                isRefusal: (0,errors/* isCacheError */.bt)(error, 'cache-unauthorized', 'cache-forbidden'),
            },
        };
    }
}
const REFUSALS = [401, 403];
const NO_CACHE_HINT = 'Correct its URL, or take it out of `substituters`.';
function get(url, { client, netrc, signal }) {
    const address = new URL(url);
    address.search = '';
    if (!address.pathname.endsWith('/'))
        address.pathname += '/';
    address.pathname += 'nix-cache-info';
    const entry = (0,nix_netrc/* findNetrc */.kE)(netrc ?? [], address.hostname);
    const credentials = entry === null ? null : { kind: 'basic', username: entry.login, password: entry.password };
    return client.request({
        method: 'GET',
        url: address,
        credentials,
        accept: [200, 404, 410, ...(netrc === null ? REFUSALS : [])],
        limitBytes: cache_info/* MAX_CACHE_INFO_BYTES */.Rs,
        signal,
    });
}
function read(text, storeDir) {
    let info;
    try {
        info = (0,cache_info/* parseCacheInfo */.Uw)(text);
    }
    catch (error) {
        if (!(error instanceof errors/* CacheError */.xA))
            throw error;
        return {
            info: null,
            trouble: { what: error.message.replace(/\.$/, ''), hint: 'Correct that file on the server.', isRefusal: false },
        };
    }
    if (info.storeDir === null || info.storeDir === storeDir)
        return { info, trouble: null };
    const what = `it is for stores in ${info.storeDir}, and this one is in ${storeDir}`;
    return {
        info: null,
        trouble: { what, hint: 'Take it out of `substituters`: paths can not move between store directories.', isRefusal: false },
    };
}
/** A shared cache on the way (RFC 9111, section 4.2.3) answers with a date of long ago and says how long. A date has whole seconds. */
function aheadOf(answer, askedMs) {
    const date = Date.parse(answer.header('date') ?? '');
    if (Number.isNaN(date))
        return null;
    const age = answer.header('age') ?? '0';
    return date + (/^\d{1,9}$/.test(age) ? Number(age) * 1000 : 0) - askedMs;
}

// EXTERNAL MODULE: ./build/preflight/place.js
var place = __webpack_require__(8183);
;// CONCATENATED MODULE: ./build/preflight/gather.js












/** A cache that takes longer is not one to wait for at the start of a job. */
const PATIENCE_MS = 3_000;
/** Configuration of a use of this action: `…/nix-cache-action-<id>/nix.conf`, or `nix-cache-action-<id>.conf` beside the system's. */
const USE = /nix-cache-action-[0-9a-f]{12}(?:\/nix)?\.conf$/;
/** One process of Nix, and one request for each cache. Throws `nix-failed`, `cancelled`. */
async function gatherFacts(means) {
    const { store, env, told, wish, keys, signal } = means;
    const { version, systemConfFile } = store.nix.about;
    const wished = wish === null ? null : { wish, user: (0,configure_nix/* userName */.nT)(), confFile: systemConfFile };
    const { NIX_USER_CONF_FILES: files } = env;
    const nix = files === undefined ? store.nix : store.nix.withEnvironment({ [user_file/* NIX_USER_CONF_FILES */.n3]: files });
    const asked = (0,settings/* querySettings */.s)(nix, signal);
    const reading = readSources(store, env);
    const [effective, answers, sources, disks] = await Promise.all([
        asked,
        Promise.all([asked, reading]).then(([settings, read]) => askAll(settings, read, means)),
        reading,
        lookAtDisks(store, env),
    ]);
    return { nix: version, trust: store.trust, effective, told, wished, sources, keys, answers, disks };
}
async function askAll(settings, sources, { store, env, told, wish, ours, log, signal }) {
    const wished = (told?.wish ?? wish)?.substituters ?? [];
    // Other uses of the action in this job ask theirs, with credentials that Nix may not have before they are through.
    const theirs = [...sources.filter(({ name }) => USE.test(name)), ...(await readIncludes(store))]
        .map(({ text }) => text)
        .join(' ');
    const urls = [...new Set([...settings.substituters, ...(wish?.substituters ?? [])])].filter((url) => /^https?:\/\//.test(url) && URL.canParse(url));
    const asked = urls.filter((url) => !(0,place/* hasPlace */.G)(ours, url) && ((0,place/* hasPlace */.G)(wished, url) || !(0,place/* hasPlace */.G)(theirs.split(/\s+/), url)));
    if (asked.length === 0)
        return [];
    const { entries, problem } = await (0,netrc_file/* readNetrcFile */.Z)(settings.netrcFile);
    const netrc = problem !== null && store.trust !== 'direct' ? null : entries;
    const limits = { connections: 4, attempts: 2, patienceMs: PATIENCE_MS, connectTimeoutMs: PATIENCE_MS };
    const client = (0,http_client/* createHttpClient */.u)({ env, log, ...limits });
    const limited = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    const asking = { client, netrc, storeDir: store.storeDir, nowMs: Date.now, signal: limited };
    // Credentials that the daemon does not take from this user: setting it up has told so already.
    const withheld = told !== null && told.netrcFile === null ? told.wish.netrc : [];
    const isTold = (url) => {
        const { hostname } = new URL(url);
        return (0,nix_netrc/* findNetrc */.kE)(withheld, hostname) !== null && (0,nix_netrc/* findNetrc */.kE)(entries, hostname) === null;
    };
    try {
        return await Promise.all(asked.map((url) => askSubstituter(url, isTold(url) ? { ...asking, netrc: null } : asking)));
    }
    finally {
        await client.close();
    }
}
/** `NIX_CONFIG` counts after all files, and of the files the first one (nix.conf(5)). */
async function readSources({ nix }, env) {
    const files = env[user_file/* NIX_USER_CONF_FILES */.n3]?.split(':') ?? nix.about.userConfFiles;
    const texts = await Promise.all(files.map(async (file) => ({ name: file, text: await (0,promises_.readFile)(file, 'utf8').catch(() => '') })));
    return [{ name: 'The environment variable NIX_CONFIG', text: env.NIX_CONFIG ?? '' }, ...texts];
}
/** What uses of the action have the system's configuration include. */
async function readIncludes({ nix }) {
    const folder = (0,external_node_path_.dirname)(nix.about.systemConfFile);
    const names = (await (0,promises_.readdir)(folder).catch(() => [])).filter((name) => USE.test(name));
    return Promise.all(names.map(async (name) => ({ name, text: await (0,promises_.readFile)((0,external_node_path_.join)(folder, name), 'utf8').catch(() => '') })));
}
async function lookAtDisks({ realStoreDir }, env) {
    const folders = [
        { holds: 'store', folder: realStoreDir },
        { holds: 'temp', folder: env.RUNNER_TEMP ?? (0,external_node_os_.tmpdir)() },
    ];
    const disks = await Promise.all(folders.map(async ({ holds, folder }) => {
        const found = await lookAtDisk(folder);
        return found === null ? [] : [{ holds, folder, ...found }];
    }));
    return disks.flat();
}
/** Of a store that is not there yet the folder that will hold it counts. */
async function lookAtDisk(folder) {
    try {
        const [{ bavail, bsize }, { dev }] = await Promise.all([(0,promises_.statfs)(folder), (0,promises_.stat)(folder)]);
        return { device: dev, freeBytes: bavail * bsize };
    }
    catch (error) {
        const isMissing = (0,errors/* systemCode */.xU)(error) === 'ENOENT' && (0,external_node_path_.dirname)(folder) !== folder;
        return isMissing ? lookAtDisk((0,external_node_path_.dirname)(folder)) : null;
    }
}


/***/ }),

/***/ 8183:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   G: () => (/* binding */ hasPlace)
/* harmony export */ });
/**
 * A store URL without its parameters, whose order and encoding Nix may change when it shows its settings, and without slashes at its end; `local` as new versions
 * show it. Enough to know a cache again.
 */
function placeOf(url) {
    return url
        .replace(/^local(?=\?|$)/, 'local://')
        .replace(/\?.*$/s, '')
        .replace(/\/+$/, '');
}
function hasPlace(urls, url) {
    return urls.some((other) => placeOf(other) === placeOf(url));
}


/***/ }),

/***/ 4547:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  M: () => (/* binding */ preflight),
  _: () => (/* binding */ problemsIn)
});

// EXTERNAL MODULE: ./build/preflight/place.js
var place = __webpack_require__(8183);
;// CONCATENATED MODULE: ./build/preflight/check-caches.js

/** Pure: what the caches say that Nix will ask. */
/** Signatures of requests (S3, Azure) are refused, and tokens not valid yet or any more, from about there on. */
const MOST_SKEW_MS = 5 * 60_000;
/** Of a cache that others named it is theirs to know whether it has to answer here; the daemon may have a way that this job has not. */
function checkAnswers({ answers, told, wished, effective }) {
    const own = (told ?? wished)?.wish.substituters ?? [];
    const cannot = (url) => (0,place/* hasPlace */.G)(effective.substituters, url) ? `Nix is set to read from ${url}, and can't` : `Nix can't read from ${url}`;
    return answers.flatMap(({ url, trouble }) => trouble === null
        ? []
        : [
            {
                code: 'substituter-unusable',
                level: (0,place/* hasPlace */.G)(own, url) ? 'warning' : 'notice',
                title: 'Nix can not read from a cache',
                message: `${cannot(url)}: ${trouble.what}.`,
                fix: told === null && trouble.isRefusal
                    ? `Nix sends there what its netrc says: write \`machine ${new URL(url).hostname} login USER password PASSWORD\` into ${effective.netrcFile}.`
                    : (trouble.hint ?? `Take it out of \`substituters\` (\`nix config show substituters\`).`),
            },
        ]);
}
/** A priority that somebody chose is nobody's business; of none Nix makes 0, which is before everything else. */
function checkPriorities({ answers, effective }) {
    if (!answers.some(({ info }) => info?.priority !== undefined && info.priority !== null && info.priority > 0))
        return [];
    const says = (url) => /[?&]priority=/.test(url);
    return answers
        .filter(({ url, info }) => info !== null && info.priority === null && !says(url) && effective.substituters.length > 1)
        .map(({ url }) => ({
        code: 'priority-missing',
        level: 'notice',
        title: 'A cache is asked before all others',
        message: `${url} does not say its priority, which Nix takes for 0: it is asked first, for every path of the other caches too.`,
        fix: `Add \`Priority: 41\` to its \`nix-cache-info\`, or \`?priority=41\` to its URL (\`?priority=0\` if it is meant so).`,
    }));
}
function checkClock({ answers }) {
    const told = answers.filter((answer) => answer.aheadMs !== null);
    // Where any other server agrees with this machine, it is that one which is wrong.
    const wrong = told.filter(({ aheadMs }) => Math.abs(aheadMs) > MOST_SKEW_MS);
    const [first] = wrong;
    if (first === undefined)
        return [];
    const agree = told.length - wrong.length;
    const host = new URL(first.url).host;
    const minutes = Math.round(Math.abs(first.aheadMs) / 60_000);
    const whose = agree > 0 ? `on ${host}` : 'on this machine (or that one)';
    return [
        {
            code: 'clock-wrong',
            level: 'warning',
            title: 'A clock is wrong',
            message: `This machine's clock is ${minutes} minutes ${first.aheadMs > 0 ? 'behind' : 'ahead of'} that of ${host}; signed requests, tokens and certificates fail with that.`,
            fix: `Set the clock ${whose}: \`sudo timedatectl set-ntp true\`.`,
        },
    ];
}

// EXTERNAL MODULE: ./build/preflight/check-keys.js
var check_keys = __webpack_require__(8649);
;// CONCATENATED MODULE: ./build/preflight/check-machine.js
/** Pure: the machine itself. */
const GIB = 2 ** 30;
/** Where packing a large path, or one larger build, is in danger. */
const LEAST_FREE_BYTES = GIB;
/** Nix 2.24.0 to 2.24.5: a NAR from a cache could write anywhere as root (CVE-2024-45593, GHSA-h4vv-h3jq-v493). */
function checkVersion({ nix }) {
    if (nix.implementation !== 'nix' || !/^2\.24\.[0-5](?!\d)/.test(nix.text))
        return [];
    return [
        {
            code: 'nix-unsafe',
            level: 'warning',
            title: 'This Nix is not safe to use with caches',
            message: `In Nix ${nix.text} a path from a cache can write anywhere on the machine when it is unpacked (CVE-2024-45593).`,
            fix: 'Install 2.24.6 or later (`sudo nix upgrade-nix`, or another version in the step that installs it).',
        },
    ];
}
function checkDisks({ disks, effective }) {
    const low = disks.filter(({ freeBytes }) => freeBytes < LEAST_FREE_BYTES);
    const [first, ...others] = low.filter(({ device }, index) => low.findIndex((other) => other.device === device) === index);
    if (first !== undefined) {
        const where = [first, ...others].map(({ folder, holds, freeBytes }) => `${megabytes(freeBytes)} in ${folder} (${HOLDS[holds]})`);
        const message = `There are only ${where.join(' and ')} left, and builds and uploads fail when that is used up.`;
        return [diskLow(message, first.holds === 'store' ? 'Free space in a step before: `nix-collect-garbage`.' : FREE_TEMP)];
    }
    const store = disks.find(({ holds }) => holds === 'store');
    if (store === undefined || store.freeBytes >= effective.minFreeBytes)
        return [];
    const message = `There are ${megabytes(store.freeBytes)} left in ${store.folder}, less than Nix's \`min-free\`, so every build begins with collecting garbage.`;
    return [diskLow(message, 'Free space in a step before, `nix-collect-garbage`, or lower `min-free` in nix.conf.')];
}
function diskLow(message, fix) {
    return { code: 'disk-low', level: 'warning', title: 'The disk is nearly full', message, fix };
}
const HOLDS = { store: 'the Nix store', temp: 'what is packed for the upload' };
const FREE_TEMP = 'Free space there in a step before (`df -h "$RUNNER_TEMP"`), or lower `concurrency` and set `max-path-size`.';
function megabytes(bytes) {
    return `${(bytes / 1e6).toFixed(0)} MB`;
}

// EXTERNAL MODULE: ./build/nix/nix-conf.js
var nix_conf = __webpack_require__(8002);
// EXTERNAL MODULE: ./build/setup/untrusted.js
var untrusted = __webpack_require__(2660);
;// CONCATENATED MODULE: ./build/preflight/check-settings.js



/** Each part of the wish by the names of its setting, the usual one first. */
const NAMES = {
    substituters: ['substituters', 'binary-caches'],
    publicKeys: ['trusted-public-keys', 'binary-cache-public-keys'],
    netrc: ['netrc-file'],
};
function checkTrust({ trust, wished, effective }) {
    if (trust !== 'untrusted' || wished === null || (0,untrusted/* grantOf */.o)(wished.wish, effective) !== 'denied')
        return [];
    return [(0,untrusted/* adviceFor */.c)(wished.wish, wished.user, wished.confFile, 'takes no settings from it')];
}
/** A setting that is not an `extra-` one replaces what was said before it, and `NIX_CONFIG` has the last word. */
function checkHidden({ told, effective, trust, sources }) {
    if (told === null)
        return [];
    const isHidden = {
        substituters: !told.wish.substituters.every((url) => (0,place/* hasPlace */.G)(effective.substituters, url)),
        // Of a user whom it does not trust a daemon takes no more than which of its caches to leave out.
        publicKeys: trust !== 'untrusted' && !told.wish.publicKeys.every((key) => effective.trustedPublicKeys.includes(key)),
        netrc: trust !== 'untrusted' && told.netrcFile !== null && effective.netrcFile !== told.netrcFile,
    };
    const parts = ['substituters', 'publicKeys', 'netrc'].filter((part) => isHidden[part]);
    return parts.length === 0 ? [] : [check_settings_hidden(parts, told, sources)];
}
function check_settings_hidden(parts, told, sources) {
    const found = parts.flatMap((part) => {
        const at = sources.flatMap(({ name, text }) => settingsIn(text, NAMES[part]).map((setting) => ({ name, setting })));
        return at.slice(0, 1).map(({ name, setting }) => ({ name, setting, part }));
    });
    const [first] = found;
    const common = { code: 'config-hidden', level: 'warning', title: 'What this step configures is hidden' };
    if (first === undefined) {
        const names = parts.map((part) => NAMES[part][0]);
        return {
            ...common,
            message: `Nix does not have what this step configured by way of ${told.route === 'user-file' ? 'NIX_USER_CONF_FILES' : 'its system configuration'}: something else sets ${quoted(names)}.`,
            fix: `See what \`nix config show ${names[0]}\` says, and write \`extra-${names[0]}\` where that is set.`,
        };
    }
    const here = found.filter(({ name }) => name === first.name);
    const added = here.filter(({ part }) => part !== 'netrc').map(({ setting }) => `extra-${setting}`);
    const fixes = [
        ...(added.length === 0 ? [] : [`write ${quoted(added)} there`]),
        ...(added.length === here.length ? [] : ['leave `netrc-file` out there and give its entries in `netrc`']),
    ];
    return {
        ...common,
        message: `${first.name} sets ${quoted(here.map(({ setting }) => setting))}, which hides what this step configures.`,
        fix: capital(`${fixes.join(', and ')}.`),
    };
}
/** Which of `names` a configuration sets anew. Nix says itself what it can't read. */
function settingsIn(text, names) {
    let lines;
    try {
        lines = (0,nix_conf/* parseNixConf */.X)(text);
    }
    catch {
        return [];
    }
    return names.filter((name) => lines.some((line) => line.kind === 'setting' && line.name === name));
}
function checkSubstitution({ effective, told, sources }) {
    if (told === null || effective.substitute)
        return [];
    const where = sources.find(({ text }) => settingsIn(text, ['substitute']).length > 0)?.name ?? "the system's nix.conf";
    return [
        {
            code: 'substitution-off',
            level: 'warning',
            title: 'Nix takes nothing from caches',
            message: 'Nix is set to build everything (`substitute = false`), so it reads from no cache.',
            fix: `Take \`substitute = false\` out of ${where.replace(/^The/, 'the')}, or write \`substitute = true\`.`,
        },
    ];
}
function quoted(names) {
    return names.map((name) => `\`${name}\``).join(' and ');
}
function capital(text) {
    return text.slice(0, 1).toUpperCase() + text.slice(1);
}

// EXTERNAL MODULE: ./build/preflight/gather.js + 1 modules
var gather = __webpack_require__(2384);
;// CONCATENATED MODULE: ./build/preflight/preflight.js





const CHECKS = [
    checkVersion,
    checkTrust,
    checkHidden,
    checkSubstitution,
    check_keys/* checkKeyNames */.sk,
    check_keys/* checkKeysReadable */.xD,
    check_keys/* checkKeysThere */.Jx,
    checkAnswers,
    checkPriorities,
    checkClock,
    checkDisks,
];
/** What is wrong with the set-up, as far as that shows before the first build. Nothing is changed and nothing written anywhere. Throws `nix-failed`, `cancelled`. */
async function preflight(means) {
    return problemsIn(await (0,gather/* gatherFacts */.p)(means));
}
/** What is wrong with a set-up of which this is known. Pure. */
function problemsIn(facts) {
    return CHECKS.flatMap((check) => check(facts));
}


/***/ }),

/***/ 411:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   J: () => (/* binding */ tellProblem)
/* harmony export */ });
/* unused harmony export PROBLEM_CODES */
/** Every mistake in a set-up that the action can name. The codes are stable; docs/troubleshooting.md has a section for each. */
const PROBLEM_CODES = (/* unused pure expression or super */ null && ([
    // What Nix can be told.
    'daemon-distrusts',
    'credentials-not-taken',
    'netrc-unreadable',
    'config-hidden',
    'substitution-off',
    // Keys.
    'key-missing',
    'key-name-taken',
    'key-unreadable',
    // The caches, as Nix will see them.
    'substituter-unusable',
    'priority-missing',
    // The machine.
    'nix-unsafe',
    'clock-wrong',
    'disk-low',
]));
/** One annotation. */
function tellProblem({ code, level, title, message, fix }, log) {
    log[level](`${message} ${fix}`, `${title} (${code})`);
}


/***/ }),

/***/ 2541:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  cli: () => (/* reexport */ cli),
  main: () => (/* reexport */ main),
  post: () => (/* reexport */ post),
  pre: () => (/* reexport */ pre),
  pusher: () => (/* reexport */ pusher),
  serve: () => (/* reexport */ serve_serve),
  toolkit: () => (/* reexport */ toolkit)
});

;// CONCATENATED MODULE: ./build/cli/cli.js
/** The command line: `dist/cli.js`. What it is made of is loaded here, so that the phases do not pay for it. */
async function cli() {
    // Whoever reads the output may go before it ends (`| head`); what was to be done is done all the same.
    for (const stream of [process.stdout, process.stderr])
        stream.on('error', () => undefined);
    const env = { ...process.env };
    // Programs that are started without an environment of their own get this process's.
    for (const name of Object.keys(env))
        if (name.startsWith('NIX_CACHE_'))
            delete process.env[name];
    const { runCommandLine } = await __webpack_require__.e(/* import() */ 740).then(__webpack_require__.bind(__webpack_require__, 8740));
    process.exitCode = await runCommandLine({
        argv: process.argv.slice(2),
        env,
        cwd: process.cwd(),
        stdin: process.stdin,
        out: (text) => void process.stdout.write(text),
        err: (text) => void process.stderr.write(text),
        isTerminal: process.stderr.isTTY === true,
    });
}

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./build/nix/signature.js
var signature = __webpack_require__(8486);
// EXTERNAL MODULE: ./build/store/local-store.js + 1 modules
var local_store = __webpack_require__(2325);
// EXTERNAL MODULE: ./build/store/snapshot.js
var store_snapshot = __webpack_require__(3584);
// EXTERNAL MODULE: ./build/phases/configure.js
var configure = __webpack_require__(645);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: ./build/http/client.js + 10 modules
var http_client = __webpack_require__(5803);
// EXTERNAL MODULE: ./build/errors.js
var build_errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/release.js
var nix_release = __webpack_require__(9321);
// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __webpack_require__(1421);
// EXTERNAL MODULE: external "node:util"
var external_node_util_ = __webpack_require__(7975);
// EXTERNAL MODULE: ./build/setup/run-as-root.js
var run_as_root = __webpack_require__(6853);
;// CONCATENATED MODULE: ./build/install/machine.js




const DISKUTIL_TIMEOUT_MS = 20_000;
/** Looks at this machine. */
async function probeMachine(caller) {
    const isRoot = process.getuid?.() === 0;
    const nixFolder = await probeNixFolder();
    const needsRoot = !isRoot && nixFolder !== 'ours';
    return {
        platform: process.platform,
        isRoot,
        sudo: needsRoot && (await (0,run_as_root/* canBecomeRoot */.eY)(caller)),
        // sd_booted(3)
        systemd: await canAccess('/run/systemd/system', promises_.constants.F_OK),
        nixFolder,
        nixVolume: nixFolder !== 'ours' && process.platform === 'darwin' && (await hasNixVolume()),
    };
}
/** Its name is that of `NIX_VOLUME_LABEL` in NixOS/nix, scripts/create-darwin-volume.sh. `diskutil` fails for a name that it does not know. */
function hasNixVolume() {
    return (0,external_node_util_.promisify)(external_node_child_process_.execFile)('/usr/sbin/diskutil', ['info', 'Nix Store'], { env: {}, timeout: DISKUTIL_TIMEOUT_MS }).then(() => true, () => false);
}
async function probeNixFolder() {
    if (!(await canAccess('/nix', promises_.constants.F_OK)))
        return 'missing';
    const store = (await canAccess('/nix/store', promises_.constants.F_OK)) ? '/nix/store' : null;
    if (await canAccess(store ?? '/nix', promises_.constants.W_OK))
        return 'ours';
    return store === null ? 'empty' : 'foreign';
}
/** Whether this process can do with the file what `mode` says (access(2)). */
function canAccess(file, mode) {
    return (0,promises_.access)(file, mode).then(() => true, () => false);
}

// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __webpack_require__(7030);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:readline"
var external_node_readline_ = __webpack_require__(481);
// EXTERNAL MODULE: ./build/setup/configure-nix.js + 1 modules
var configure_nix = __webpack_require__(305);
// EXTERNAL MODULE: ./build/waiting/cancel.js
var cancel = __webpack_require__(2368);
;// CONCATENATED MODULE: ./build/install/put-in-place.js





/** The profile that Nix's own installer makes, too: later steps and later jobs find Nix there. */
const PROFILE = '/nix/var/nix/profiles/default';
/**
 * Run as the owner of `/nix`: unpacks the tarball `$1`, moves its store paths to the store, registers them and makes the profile. `$2` names this
 * use of the action, `$3` is `daemon` or something else, `$4` the lines for nix.conf, each of which is added where the file has no such setting.
 *
 * A store path appears whole or not at all, and the profile comes last: what is killed in between is done again by the next one. Of two jobs at the same
 * time one waits: a move to where the other has just moved the same path would put it inside of that. So what lies there from others was left by them;
 * where there is no flock(1), after an hour.
 * From then on the daemon is that of the profile, as with Nix's own installer: one that is put there later (\`nix upgrade-nix\`) is the one that systemd starts.
 * A registration that is there already is left as it is. Nothing of the `install` script that comes with Nix is run; it only names the two paths.
 */
const PUT = `set -eu
umask 022
fail() { printf '%s' "$*" | head -n 3 | tr '\\n' ' ' >&2; exit 1; }
stage=/nix/.install-$2
mkdir -p /nix/store /nix/var/nix
exec 9< /nix
old=''
if command -v flock > /dev/null; then flock 9; else old='-mmin +60'; fi
find /nix -maxdepth 1 -name '.install-*' $old -exec sh -c 'chmod -R u+w "$@"; rm -rf "$@"' sh {} + 2> /dev/null || :
mkdir -p "$stage"
trap 'chmod -R u+w "$stage" && rm -rf "$stage"' EXIT
trap 'exit 1' HUP INT TERM
said=$(tar -xJof "$1" -C "$stage" --strip-components 1 2>&1) || fail "$said"
named() { sed -n "s|^$1=\\"\\(/nix/store/[0-9a-z]*-[^/\\"]*\\)\\".*|\\1|p" "$stage/install"; }
[ -f "$stage/install" ] && [ -s "$stage/.reginfo" ] || fail 'The tarball is not that of a Nix release.'
nix=$(named nix) cacert=$(named cacert)
[ -n "$nix" ] && [ -d "$stage/store/\${nix##*/}" ] || fail 'The tarball does not say where its Nix is.'
for path in "$stage"/store/*; do
	name=\${path##*/}
	[ ! -e "/nix/store/$name" ] || continue
	chmod -R a-w "$path"
	chmod u+w "$path" # a folder that nobody may write to can't be moved
	mv "$path" "/nix/store/$name"
	chmod u-w "/nix/store/$name"
done
if [ "$(id -u)" = 0 ]; then
	conf=/etc/nix/nix.conf
	mkdir -p /etc/nix
	touch "$conf"
	[ -z "$(tail -c 1 "$conf")" ] || echo >> "$conf"
	printf '%s' "$4" | while read -r line; do
		grep -q "^[[:space:]]*\${line%% =*}[[:space:]]*=" "$conf" || echo "$line" >> "$conf"
	done
fi
if [ "$3" = daemon ]; then
	getent group nixbld > /dev/null || groupadd --system nixbld
	for number in $(seq 1 32); do
		id "nixbld$number" > /dev/null 2>&1 ||
			useradd --system --no-create-home --home-dir /var/empty --shell /usr/sbin/nologin --gid nixbld --groups nixbld "nixbld$number"
	done
	chown root:nixbld /nix/store
	chmod 1775 /nix/store
fi
export HOME="$stage"
said=$("$nix/bin/nix-store" --load-db < "$stage/.reginfo" 2>&1) || fail "$said"
if [ "$3" = daemon ]; then
	mkdir -p /nix/var/nix/daemon-socket
	rm -f /etc/systemd/system/nix-daemon.service /etc/systemd/system/nix-daemon.socket # cp would go through links to the store
	cp "$nix/lib/systemd/system/nix-daemon.service" "$nix/lib/systemd/system/nix-daemon.socket" /etc/systemd/system/
	systemctl daemon-reload
	systemctl enable --now nix-daemon.socket
fi
said=$("$nix/bin/nix-env" --profile ${PROFILE} --install "$nix" $cacert 2>&1) || fail "$said"
if [ "$3" = daemon ]; then
	ln -sf ${PROFILE}/lib/systemd/system/nix-daemon.service ${PROFILE}/lib/systemd/system/nix-daemon.socket /etc/systemd/system/
	systemctl daemon-reload
fi`;
/** Run as root: makes `/nix` that of the user \`$1\`. */
const GIVE = `set -eu
mkdir -p /nix
chown "$1" /nix`;
/**
 * Puts the Nix of a tarball on this machine.
 * @throws CacheError `install-failed`, `disk-full`
 */
async function putInPlace(tarball, way, id, caller) {
    const args = ['sh', '-c', PUT, 'sh', tarball, id, way, confFor(way)];
    try {
        if (way === 'single-user-by-sudo')
            await (0,run_as_root/* runAsRoot */.yf)(['sh', '-c', GIVE, 'sh', userAndGroup()], caller);
        await (way === 'daemon' ? (0,run_as_root/* runAsRoot */.yf)(args, caller) : runHere(args, caller));
    }
    catch (error) {
        throw installError(error);
    }
}
/**
 * Root without a daemon builds as root, since a container has no users for builds. Who may become root at any time is as trusted as root, so the daemon
 * takes this job's settings from the user who runs it.
 */
function confFor(way) {
    return way === 'daemon' ? `build-users-group = nixbld\ntrusted-users = root ${(0,configure_nix/* userName */.nT)()}\n` : 'build-users-group =\n';
}
function userAndGroup() {
    return `${process.getuid?.() ?? ''}:${process.getgid?.() ?? ''}`;
}
async function runHere([program = '', ...args], { env, signal }) {
    const { PATH = '', HOME = '' } = env;
    await (0,external_node_util_.promisify)(external_node_child_process_.execFile)(program, args, { env: { PATH, HOME }, signal });
}
/** What `tar` and the like say when they fail. */
function installError(error) {
    const said = saidBy(error);
    const message = `Nix could not be put in place: ${said}.`;
    if (said.includes('No space left on device')) {
        return new build_errors/* CacheError */.xA('disk-full', message, { hint: 'Nix needs about 400 MB in `/nix`.', cause: error });
    }
    const hint = /\bxz\b/.test(said)
        ? 'Unpacking needs `tar` and `xz`: install them in a step before this one (`xz-utils` in Debian and Ubuntu).'
        : undefined;
    return new build_errors/* CacheError */.xA('install-failed', message, { hint, cause: error });
}
/** The last line of standard error, which is where the script says what is wrong. */
function saidBy(error) {
    const text = (0,build_errors/* isCacheError */.bt)(error) || !(error instanceof Error && 'stderr' in error && typeof error.stderr === 'string')
        ? (0,build_errors/* describeError */.Uc)(error)
        : error.stderr.trim() || (0,build_errors/* describeError */.Uc)(error);
    return (text.trim().split('\n').at(-1) ?? '').trim().replace(/\.$/, '').slice(0, 500);
}

;// CONCATENATED MODULE: ./build/install/own-installer.js












const DOING = "Nix's own installer";
const SOCKET = '/nix/var/nix/daemon-socket/socket';
const SETTINGS = '/etc/nix/nix.conf';
const DAEMON_PATIENCE_MS = 30_000;
const RETRY_MS = 100;
/** What the script may take to remove its scratch folder after SIGTERM. */
const GRACE_MS = 3_000;
/** How many users for builds the installer makes by itself. Each takes macOS about a second. */
const USUAL_BUILD_USERS = 32;
const KEPT_LINES = 40;
const TOLD_LINES = 6;
/** How every failure of the script begins and ends, whatever it is (`failure` and `finish_fail` in NixOS/nix, scripts/install-multi-user.sh). */
const SAID_BY_EVERY_FAILURE = /^(?:---- oh no! -|(?:Oh no|Jeeze), something went wrong|an issue, we'd love to fix|:\($|We'd love to help|(?:If you can|You can), open|You can open an issue|https:\/\/github\.com\/nixos\/nix\/issues|Or (?:get in touch|feel free))/i;
const HINT = 'Its whole output is in the log of this step. On a machine that is kept, undo what it had begun before the next try: https://nix.dev/manual/nix/stable/installation/uninstall';
/**
 * Installs Nix by the multi-user installer that is in its own release tarball: on macOS it makes the volume, the users and the daemon. It is run by this
 * user, as its authors mean it to be, and calls `sudo` itself. `folder` is where the tarball is unpacked for that time; `daemonPatienceMs` is how long the daemon
 * may take to answer after it.
 *
 * @throws CacheError `install-failed`, `disk-full`, `cancelled`, `deadline`
 */
async function installByItsOwnInstaller(tarball, folder, log, caller, daemonPatienceMs = DAEMON_PATIENCE_MS) {
    const place = await (0,promises_.mkdtemp)((0,external_node_path_.join)(folder, 'installer-'));
    try {
        await unpack(tarball, place, caller);
        const settings = (0,external_node_path_.join)(place, 'settings-of-this-job.conf');
        await (0,promises_.writeFile)(settings, await settingsToInstall(), { mode: 0o600 });
        await run((0,external_node_path_.join)(place, 'install'), argumentsWith(settings), log, caller);
        await untilDaemonAnswers(daemonPatienceMs, caller.signal);
    }
    finally {
        await (0,promises_.rm)(place, { recursive: true, force: true });
    }
}
/** Unpacks the tarball `$1` to the folder `$2`; the first lines of what `tar` says, when it fails, are its reason, the last one is not. */
const UNPACK = `said=$(tar -xJof "$1" -C "$2" --strip-components 1 2>&1) || {
	printf '%s' "$said" | head -n 3 | tr '\\n' ' ' >&2
	exit 1
}`;
async function unpack(tarball, place, { env, signal }) {
    const { PATH = '', HOME = '' } = env;
    try {
        await (0,external_node_util_.promisify)(external_node_child_process_.execFile)('sh', ['-c', UNPACK, 'sh', tarball, place], { env: { PATH, HOME }, signal });
    }
    catch (error) {
        (0,cancel/* throwIfAborted */.Te)(signal, DOING);
        throw installError(error);
    }
    for (const name of ['install', 'install-multi-user', '.reginfo']) {
        const isThere = await canAccess((0,external_node_path_.join)(place, name), promises_.constants.R_OK);
        if (!isThere)
            throw new build_errors/* CacheError */.xA('install-failed', 'The tarball is not that of a Nix release.');
    }
}
/** The installer writes the file anew, with what it is given at its beginning: so what was there is given as well. */
async function settingsToInstall() {
    const there = await (0,promises_.readFile)(SETTINGS, 'utf8').catch(() => '');
    const lines = there.split('\n').filter((line) => line !== '');
    const isSet = lines.some((line) => /^\s*trusted-users\s*=/.test(line));
    // Who may become root at any time is as trusted as root.
    return [...lines, ...(isSet ? [] : [`trusted-users = root ${(0,configure_nix/* userName */.nT)()}`]), ''].join('\n');
}
/**
 * What every installer since Nix 2.4 takes (NixOS/nix, scripts/install-nix-from-tarball.sh): an unknown one would print the usage and end with status 0.
 * So `--yes` is not among them, which came later (NixOS/nix#7218); without a terminal it asks nothing in any version. `--no-modify-profile`
 * does nothing for this kind of installation yet (NixOS/nix#4457). The flag for a volume without encryption is not needed since 2.4.
 */
function argumentsWith(settings) {
    const users = Math.min(USUAL_BUILD_USERS, 2 * (0,external_node_os_.availableParallelism)());
    const count = ['--daemon-user-count', String(users)];
    return ['--daemon', '--no-channel-add', '--no-modify-profile', ...count, '--nix-extra-conf-file', settings];
}
async function run(script, args, log, { env, signal }) {
    const { PATH = '', HOME = '', TMPDIR } = env;
    const user = (0,configure_nix/* userName */.nT)();
    const lines = [];
    const status = await runToItsEnd(
    // One pipe for both, so that the order of the lines is kept.
    ['/bin/sh', '-c', 'exec /bin/sh "$0" "$@" 2>&1', script, ...args], { PATH, HOME, USER: user, LOGNAME: user, ...(TMPDIR === undefined ? {} : { TMPDIR }) }, signal, (line) => {
        const text = (0,external_node_util_.stripVTControlCharacters)(line).trimEnd();
        if (text.trim() === '')
            return;
        log.info(text);
        lines.push(text.slice(0, 300));
        if (lines.length > KEPT_LINES)
            lines.shift();
    });
    (0,cancel/* throwIfAborted */.Te)(signal, DOING);
    if (status === 0 && (await canAccess((0,external_node_path_.join)(PROFILE, 'bin/nix'), promises_.constants.X_OK)))
        return;
    const told = lines.filter((line) => !SAID_BY_EVERY_FAILURE.test(line)).slice(-TOLD_LINES);
    const how = status === 0 ? 'ended, but there is no Nix' : `failed (${status === null ? 'killed' : `status ${status}`})`;
    const said = told.length === 0 ? 'it said nothing' : `the last that it said:\n${told.join('\n')}`;
    throw new build_errors/* CacheError */.xA(isFull(told) ? 'disk-full' : 'install-failed', `${DOING} ${how}; ${said}\n`, { hint: HINT });
}
function isFull(lines) {
    return lines.some((line) => line.includes('No space left on device'));
}
/** The status; `null` when a signal ended it. When `signal` aborts, all that it has started ends too, but for what runs as root, which its `sudo` may let finish. */
async function runToItsEnd([program = '', ...args], env, signal, onLine) {
    // A session of its own: no terminal, so that a `sudo` that wants a password after all fails and does not wait for it.
    const child = (0,external_node_child_process_.spawn)(program, args, { env, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    (0,external_node_readline_.createInterface)({ input: child.stdout }).on('line', onLine);
    let last;
    const stop = () => {
        killGroup(child, 'SIGTERM');
        last = setTimeout(() => {
            killGroup(child, 'SIGKILL');
            child.stdout.destroy();
        }, GRACE_MS);
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted)
        stop();
    try {
        return await new Promise((resolve, reject) => {
            child.once('error', (cause) => reject(new build_errors/* CacheError */.xA('install-failed', `${DOING} could not be run.`, { cause })));
            child.once('close', (status) => resolve(status));
        });
    }
    finally {
        signal.removeEventListener('abort', stop);
        clearTimeout(last);
    }
}
function killGroup({ pid }, name) {
    if (pid === undefined)
        return;
    try {
        process.kill(-pid, name);
    }
    catch {
        // It has ended meanwhile, or what is left of it runs as root.
    }
}
/** launchd starts the daemon while the installer ends. */
async function untilDaemonAnswers(patienceMs, signal) {
    const deadline = cancel/* systemClock */.ml.nowMs() + patienceMs;
    while (!(await answers())) {
        if (cancel/* systemClock */.ml.nowMs() > deadline) {
            const message = `Nix is installed, but ${patienceMs / 1000} s later its daemon does not answer at ${SOCKET}.`;
            throw new build_errors/* CacheError */.xA('install-failed', message, {
                hint: '`sudo launchctl print system/org.nixos.nix-daemon` and `/var/log/nix-daemon.log` say why.',
            });
        }
        await cancel/* systemClock */.ml.sleep(RETRY_MS, signal);
        (0,cancel/* throwIfAborted */.Te)(signal, DOING);
    }
}
function answers() {
    return new Promise((resolve) => {
        const socket = (0,external_node_net_.connect)(SOCKET);
        const end = (is) => () => {
            socket.destroy();
            resolve(is);
        };
        socket
            .once('connect', end(true))
            .once('error', end(false))
            .setTimeout(RETRY_MS * 10, end(false));
    });
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:stream/promises"
var external_node_stream_promises_ = __webpack_require__(6466);
// EXTERNAL MODULE: ./build/nix/hash.js
var nix_hash = __webpack_require__(3314);
;// CONCATENATED MODULE: ./build/install/tarball.js








/** The official ones have about 25 MB. */
const LIMIT_BYTES = 512 * 2 ** 20;
const PUBLISHED_HASH_LIMIT_BYTES = 4096;
const DOWNLOADS = 3;
/**
 * The path of a release's tarball, its hash checked: from the tool cache, where an earlier job on this machine left it, or from the server.
 * @throws CacheError `install-failed`, `disk-full`, `cache-*`, `cancelled`, `deadline`
 */
async function getTarball(release, system, means) {
    const kept = await keptTarball(release, system, means);
    if (kept !== null)
        return kept;
    const url = (0,nix_release/* tarballUrl */.oe)(release, system);
    const wanted = release.hashes.length > 0 ? release.hashes : [await publishedHash(url, means)];
    means.log.info(`Fetching ${url.href}.`);
    const file = (0,external_node_path_.join)(means.folder, 'nix.tar.xz');
    const hash = await downloadWhole(url, file, means);
    if (!wanted.some((one) => (0,nix_hash/* equalHash */.Le)(one, hash)))
        throw wrongHash(url, hash, release);
    if (release.hashes.length === 0) {
        means.log.notice(`Nix ${release.version} was checked against the hash that its own server publishes, which only finds a broken download. ` +
            `To pin what this job got, add \`${(0,nix_release/* formatReleaseHash */.VF)(hash)}\` to \`install-nix\`.`, 'nix-cache-action');
    }
    await keep(file, hash, release, system, means);
    return file;
}
/** The tarball of the tool cache. Its name is its hash, so one that was damaged or exchanged since is found out, also when the workflow gives no hash. */
async function keptTarball(release, system, { toolCache, log }) {
    const folder = await toolCache.find(release.version, system);
    if (folder === null)
        return null;
    for (const name of await (0,promises_.readdir)(folder)) {
        const [, hex] = /^([0-9a-f]{64})\.tar\.xz$/.exec(name) ?? [];
        if (hex === undefined)
            continue;
        const hash = (0,nix_hash/* parseHash */.Eb)(hex, 'sha256');
        if (release.hashes.length > 0 && !release.hashes.some((one) => (0,nix_hash/* equalHash */.Le)(one, hash)))
            continue;
        const file = (0,external_node_path_.join)(folder, name);
        try {
            if ((0,nix_hash/* equalHash */.Le)(await hashOf(file), hash)) {
                log.info(`Nix ${release.version} is in the tool cache.`);
                return file;
            }
            log.info(`${file} is damaged and is fetched again.`);
        }
        catch (error) {
            log.info(`${file} can't be read (${(0,build_errors/* systemCode */.xU)(error) ?? 'unknown'}) and is fetched again.`);
        }
    }
    return null;
}
/** That it can't be kept costs the next job a download. */
async function keep(file, hash, release, system, { toolCache, log }) {
    try {
        await toolCache.keep(file, `${(0,nix_hash/* digestText */.M6)(hash, 'hex')}.tar.xz`, release.version, system);
    }
    catch (error) {
        log.info(`Nix is not kept in the tool cache: ${(0,build_errors/* describeError */.Uc)(error)}`);
    }
}
async function publishedHash(tarball, { client, credentials, signal }) {
    const url = new URL(`${tarball.href}.sha256`);
    const limits = { accept: [200], limitBytes: PUBLISHED_HASH_LIMIT_BYTES };
    const { bytes } = await client.request({ method: 'GET', url, credentials, ...limits, signal });
    try {
        return (0,nix_release/* parsePublishedHash */.WH)(Buffer.from(bytes).toString('latin1'));
    }
    catch (cause) {
        throw new build_errors/* CacheError */.xA('install-failed', `${url.href} has no SHA-256 in it.`, {
            hint: 'Give the hash of the tarball in `install-nix`, as `sha256-…`.',
            cause,
        });
    }
}
/** Again when the line is cut in the middle: the client tries again only until an answer begins. */
async function downloadWhole(url, file, means) {
    for (let number = 1;; number++) {
        try {
            return await download(url, file, means);
        }
        catch (error) {
            await (0,promises_.rm)(file, { force: true });
            if ((0,build_errors/* isCacheError */.bt)(error))
                throw error;
            if ((0,build_errors/* systemCode */.xU)(error) === 'ENOSPC') {
                throw new build_errors/* CacheError */.xA('disk-full', `There is no room for ${url.href} in ${means.folder}.`, { cause: error });
            }
            if (number === DOWNLOADS || means.signal.aborted) {
                throw new build_errors/* CacheError */.xA('install-failed', `${url.href} broke off ${number} times: ${(0,build_errors/* describeError */.Uc)(error)}.`, {
                    cause: error,
                });
            }
            means.log.debug(`${url.href} broke off (${(0,build_errors/* describeError */.Uc)(error)}); trying again`);
        }
    }
}
async function download(url, file, { client, credentials, signal }) {
    const request = { method: 'GET', url, credentials, accept: [200], limitBytes: 0, streamed: true, signal };
    const { stream } = await client.request(request);
    if (stream === null)
        throw new build_errors/* CacheError */.xA('internal', `${url.href}: no stream.`);
    const digest = (0,external_node_crypto_.createHash)('sha256');
    let sizeBytes = 0;
    async function* hashed(source) {
        for await (const part of source) {
            sizeBytes += part.length;
            if (sizeBytes > LIMIT_BYTES)
                throw new build_errors/* CacheError */.xA('install-failed', `${url.href} is longer than ${LIMIT_BYTES} bytes.`);
            digest.update(part);
            yield part;
        }
    }
    await (0,external_node_stream_promises_.pipeline)(stream, hashed, (0,external_node_fs_.createWriteStream)(file, { mode: 0o644 }), { signal });
    return { algorithm: 'sha256', digest: digest.digest() };
}
async function hashOf(file) {
    const digest = (0,external_node_crypto_.createHash)('sha256');
    await (0,external_node_stream_promises_.pipeline)((0,external_node_fs_.createReadStream)(file), digest);
    return { algorithm: 'sha256', digest: digest.digest() };
}
function wrongHash(url, got, { hashes }) {
    const is = `${url.href} has the hash ${(0,nix_release/* formatReleaseHash */.VF)(got)}`;
    if (hashes.length === 0) {
        return new build_errors/* CacheError */.xA('install-failed', `${is}, which is not the one that stands beside it.`, {
            hint: 'The server, or a proxy on the way, does not give the file that was published; nothing was installed.',
        });
    }
    return new build_errors/* CacheError */.xA('install-failed', `${is}, which \`install-nix\` does not have.`, {
        hint: 'Nothing was installed. Each system has a tarball and a hash of its own: is that of this system there, and of this version?',
    });
}

;// CONCATENATED MODULE: ./build/install/way.js
/**
 * The way for this machine; why there is none, as a sentence, otherwise. docs/decisions/021-install-nix.md has the reasons.
 */
function chooseWay(probe) {
    const { platform, isRoot, sudo, systemd, nixFolder } = probe;
    if (nixFolder === 'ours')
        return 'single-user';
    if (platform === 'darwin')
        return chooseOnMacOS(probe);
    if (isRoot)
        return 'single-user';
    if (!sudo)
        return { whyNot: 'This user may not write to `/nix` and has no `sudo` without a password.' };
    if (systemd)
        return 'daemon';
    return nixFolder === 'foreign'
        ? { whyNot: 'There is a store of another user in `/nix`, no `nix` that goes with it, and no systemd to run a daemon.' }
        : 'single-user-by-sudo';
}
/** The installer takes over what is in `/nix`, and a volume of that name, which it even deletes where it has no password for it: so only where there is neither. */
function chooseOnMacOS({ isRoot, sudo, nixFolder, nixVolume }) {
    if (nixFolder === 'foreign') {
        return {
            whyNot: "There is a store of another user in `/nix`, and no `nix` that goes with it; Nix's installer would take it over.",
        };
    }
    if (nixVolume) {
        return {
            whyNot: "There is a volume `Nix Store` already, but no `nix` that goes with it; Nix's installer would take it over.",
        };
    }
    if (isRoot || sudo)
        return 'own-installer';
    return {
        whyNot: 'On macOS `/nix` takes a volume of its own, which takes root, and this user has no `sudo` without a password.',
    };
}

;// CONCATENATED MODULE: ./build/install/install-nix.js







const OTHER_INSTALLER = 'Install Nix in a step before this one, for example with cachix/install-nix-action.';
const WHICH_RELEASES = 'Is the version right? https://releases.nixos.org/?prefix=nix/ lists them; a mirror has `nix-VERSION/nix-VERSION-SYSTEM.tar.xz` and the same with `.sha256`.';
/**
 * Installs a release of Nix on a machine that has none. `id` names this use of the action.
 * @throws CacheError `install-failed`
 */
async function installNix(release, id, caller, means) {
    const system = (0,nix_release/* nixSystem */.DH)(process.platform, process.arch);
    if (system === null) {
        throw new build_errors/* CacheError */.xA('install-failed', `There is no Nix for ${process.platform} on ${process.arch}.`, {
            hint: OTHER_INSTALLER,
        });
    }
    const way = chooseWay(await probeMachine(caller));
    if (typeof way !== 'string')
        throw new build_errors/* CacheError */.xA('install-failed', way.whyNot, { hint: OTHER_INSTALLER });
    try {
        const tarball = await getTarball(release, system, means);
        if (way === 'own-installer')
            await installByItsOwnInstaller(tarball, means.folder, means.log, caller);
        else
            await putInPlace(tarball, way, id, caller);
        return way;
    }
    catch (cause) {
        if ((0,build_errors/* isCacheError */.bt)(cause, 'install-failed'))
            throw cause;
        const what = `Nix ${release.version} for ${system} can't be installed:`;
        // Whatever it is: the job has no Nix to go on with.
        if (!(0,build_errors/* isCacheError */.bt)(cause))
            throw new build_errors/* CacheError */.xA('install-failed', `${what} ${(0,build_errors/* describeError */.Uc)(cause)}.`, { cause });
        const hint = cause.code === 'cache-not-found' ? WHICH_RELEASES : (cause.hint ?? undefined);
        throw new build_errors/* CacheError */.xA('install-failed', `${what} ${cause.message}`, { hint, cause });
    }
}

;// CONCATENATED MODULE: ./build/install/tool-cache.js
const TOOL = 'nix';
/** The tool cache of the machine, where there is one (`RUNNER_TOOL_CACHE`). */
function openToolCache(env) {
    // The package reads the variable itself, and asserts that it is set.
    if (!env.RUNNER_TOOL_CACHE)
        return { find: async () => null, keep: async () => undefined };
    const load = () => Promise.all(/* import() */[__webpack_require__.e(88), __webpack_require__.e(186)]).then(__webpack_require__.bind(__webpack_require__, 9805));
    return {
        find: async (version, system) => (await load()).find(TOOL, version, system) || null,
        async keep(file, name, version, system) {
            await (await load()).cacheFile(file, name, TOOL, version, system);
        },
    };
}

// EXTERNAL MODULE: ./build/nix/netrc.js
var netrc = __webpack_require__(6188);
// EXTERNAL MODULE: ./build/phases/stop.js
var phases_stop = __webpack_require__(6477);
;// CONCATENATED MODULE: ./build/phases/install.js








/** A slow line needs some minutes for 25 MB; a machine without Nix is of no use to the job, so it is worth the wait. */
const INSTALL_TIMEOUT_MS = 10 * 60_000;
/** Where distributions have their certificate authorities. Nix by itself looks at the first one only, then at the bundle of its own profile. */
const BUNDLES = [
    '/etc/ssl/certs/ca-certificates.crt',
    '/etc/pki/tls/certs/ca-bundle.crt',
    '/etc/ssl/ca-bundle.pem',
    '/etc/ssl/cert.pem',
];
/** Installs Nix, as `install-nix` says, for this job's further steps. Throws `install-failed`, `disk-full`, `deadline`. */
async function installRelease(session, release) {
    const { inputs, runner, state } = session;
    const { env, log } = runner;
    const stop = (0,phases_stop/* stopOnSignals */.Z)(log, 'Nix may be there in part');
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(INSTALL_TIMEOUT_MS)]);
    // Never the entry `default`: what is meant for any cache is not meant for a server of Nix's project.
    const entry = (0,netrc/* findNetrc */.kE)(inputs.netrc.filter(({ machine }) => machine !== null), release.mirror.hostname);
    const client = (0,http_client/* createHttpClient */.u)({ env, log, connections: 2, attempts: 4, patienceMs: 30_000 });
    try {
        const way = await log.group(`Installing Nix ${release.version}`, () => installNix(release, state().id, { env, signal }, {
            client,
            credentials: entry === null ? null : { kind: 'basic', username: entry.login, password: entry.password },
            toolCache: openToolCache(env),
            folder: state().folder,
            log,
            signal,
        }));
        log.info(`Nix ${release.version} is installed, ${way === 'daemon' || way === 'own-installer' ? 'with a daemon' : 'without a daemon'}.`);
    }
    finally {
        stop.close();
        await client.close();
    }
    await offerNix(session, (0,external_node_path_.join)(PROFILE, 'bin'));
}
/** That a step finds Nix where main did: a machine that kept Nix from an earlier job has it, but not in the `PATH` of this one. */
async function offerFoundNix(session, store) {
    const { runner } = session;
    runner.log.info(`Nix ${store.nix.about.version.text} is there already: nothing is installed.`);
    const folder = (0,external_node_path_.dirname)(store.nix.program);
    if (!(runner.env.PATH ?? '').split(external_node_path_.delimiter).includes(folder))
        await offerNix(session, folder);
}
async function offerNix({ runner }, folder) {
    const { env } = runner;
    // Of the two the profile of the user comes first, for what the job installs.
    runner.addPath(folder);
    if (env.HOME !== undefined)
        runner.addPath((0,external_node_path_.join)(env.HOME, '.nix-profile/bin'));
    if (env.NIX_SSL_CERT_FILE || env.SSL_CERT_FILE)
        return;
    const there = await Promise.all(BUNDLES.map(isReadable));
    const bundle = BUNDLES[there.indexOf(true)];
    if (bundle !== undefined && bundle !== BUNDLES[0])
        runner.exportVariable('NIX_SSL_CERT_FILE', bundle);
}
function isReadable(file) {
    return (0,promises_.access)(file, promises_.constants.R_OK).then(() => true, () => false);
}

// EXTERNAL MODULE: ./build/phases/mounts.js
var phases_mounts = __webpack_require__(6871);
// EXTERNAL MODULE: ./build/preflight/preflight.js + 3 modules
var preflight = __webpack_require__(4547);
// EXTERNAL MODULE: ./build/problem.js
var build_problem = __webpack_require__(411);
;// CONCATENATED MODULE: ./build/phases/preflight.js





/**
 * Looks for the usual mistakes now that Nix is configured: one annotation for each, none when all is well. What configuring Nix and asking the caches brought
 * to light was said there. That it can't look costs nothing but the look.
 */
async function tellProblems(session, store, reads, ours, signal) {
    const { inputs, runner, state } = session;
    const { configuration, main } = state();
    const pushes = main?.whyNot === null;
    const isTold = configuration !== null && configuration.route !== 'none' && configuration.route !== 'advice-only';
    const told = {
        route: configuration?.route ?? 'none',
        wish: (0,configure/* wishOf */.H_)(session, store, reads, ours),
        netrcFile: configuration?.netrc?.file ?? null,
    };
    const { signingKey, trustedPublicKeys, caches } = inputs;
    const keys = {
        signing: signingKey === null ? null : (0,signature/* publicKeyOf */.kc)(signingKey),
        ofCaches: reads.publicKeys,
        // A job that pushes without a key is told so by another notice.
        areKnown: signingKey !== null || trustedPublicKeys.length > 0 || reads.publicKeys.length > 0 || pushes,
        unsignedCaches: caches.flatMap((target) => (target.kind === 'http' || target.kind === 'file') && reads.substituters.includes(target.substituter)
            ? [target.substituter]
            : []),
    };
    const { env, log } = runner;
    try {
        const problems = await (0,preflight/* preflight */.M)({
            store,
            env,
            told: isTold ? told : null,
            wish: null,
            keys,
            ours: ours.substituter?.storeUrls ?? [],
            log,
            signal,
        });
        for (const problem of problems)
            (0,build_problem/* tellProblem */.J)(problem, log);
    }
    catch (error) {
        if (!(0,build_errors/* isCacheError */.bt)(error))
            throw error;
        log.info(`The set-up was not looked at: ${(0,build_errors/* describeError */.Uc)(error)}`);
    }
}

// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./build/background/detached.js
var detached = __webpack_require__(5015);
// EXTERNAL MODULE: ./build/background/process-identity.js
var process_identity = __webpack_require__(863);
// EXTERNAL MODULE: ./build/nix/nix-conf.js
var nix_conf = __webpack_require__(8002);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
// EXTERNAL MODULE: ./build/setup/route.js
var route = __webpack_require__(7199);
// EXTERNAL MODULE: ./build/setup/user-file.js
var user_file = __webpack_require__(6402);
// EXTERNAL MODULE: ./build/store/gc-roots.js
var gc_roots = __webpack_require__(866);
// EXTERNAL MODULE: ./build/store/own-paths.js
var own_paths = __webpack_require__(827);
// EXTERNAL MODULE: ./build/store/settings.js
var settings = __webpack_require__(4305);
;// CONCATENATED MODULE: ./build/hook/script.js

/**
 * A POSIX shell script that appends one line for each output to the journal (`record.ts`), and then becomes the user's hook. Of the environment,
 * which holds all settings of Nix with their tokens, it uses `DRV_PATH` and `OUT_PATHS` alone.
 *
 * - A subshell does the work, so that nothing in it (a full disk, a folder that is gone) can end the script or change what the user's hook sees.
 * - One `printf` is one write to a file opened for appending: lines of builds that end together don't mix. It begins with a line break, too, so
 *   that a line which was cut off does not spoil the next one.
 * - Only an existing regular file is written: a FIFO would make it wait, and as root it would leave files in a folder of the job's user.
 * - A path may have a `?` in it, hence `set -f`.
 *
 * Throws `config-failed` when one of the parts can't be in a script.
 */
function hookScript({ journal, userHook }) {
    const file = quoted(journal);
    return `#!/bin/sh
# By nix-cache-action: notes what was built, for the process that pushes it. The build goes on whatever happens here.
[ -f ${file} ] && (
	set -f
	now=$(date +%s)
	for path in \${OUT_PATHS:--}; do
		printf '\\n1 %s %s %s\\n' "\${now:-0}" "\${DRV_PATH:--}" "$path"
	done >>${file}
) 2>/dev/null
${userHook === null ? 'exit 0' : `exec ${quoted(userHook)} "$@"`}
`;
}
function quoted(path) {
    if (/[\0\n]/.test(path))
        throw new build_errors/* CacheError */.xA('config-failed', 'A path for the post-build hook has a line break in it.');
    return `'${path.replaceAll("'", "'\\''")}'`;
}

;// CONCATENATED MODULE: ./build/hook/install.js











const SETTING = 'post-build-hook';
const JOURNAL = 'built';
/**
 * Puts the post-build hook into the store and gives the setting that has Nix run it. Some 100 ms, two or three short processes. What stands against it is told in
 * `whyNot`, failures included: the difference of the store finds all paths at the end of the job. Throws `cancelled`.
 */
async function hookSettings(options) {
    const whyNot = await whyNoHook(options);
    if (whyNot !== null)
        return withoutHook(whyNot);
    try {
        return await install(options);
    }
    catch (error) {
        if (!(0,build_errors/* isCacheError */.bt)(error) || (0,build_errors/* isCacheError */.bt)(error, 'cancelled', 'internal'))
            throw error;
        return withoutHook((0,build_errors/* describeError */.Uc)(error));
    }
}
function withoutHook(whyNot) {
    return { settings: [], journal: null, script: null, whyNot };
}
/** An untrusted user's settings don't reach the builds. The daemon's own configuration does, but then the builds of all its users have the hook. */
async function whyNoHook({ store, previous, context, isShared }) {
    if (setsHook(context.env.NIX_CONFIG)) {
        return `the environment variable NIX_CONFIG sets \`${SETTING}\`, which counts before all files. Move that to a nix.conf, and both hooks run.`;
    }
    if (store.trust !== 'untrusted')
        return null;
    const why = await (0,route/* whyNothingNew */.gB)(store, previous, context);
    if (why !== null)
        return `the Nix daemon does not trust this user, and ${why}.`;
    return isShared ? 'the Nix daemon does not trust this user, and other users build with it, too.' : null;
}
function setsHook(variable = '') {
    try {
        return (0,nix_conf/* parseNixConf */.X)(variable).some((line) => line.kind === 'setting' && line.name === SETTING);
    }
    catch {
        // Nix says itself what it can't read.
        return false;
    }
}
async function install({ store, context }) {
    const folder = (0,external_node_path_.join)(context.folder, 'hook');
    const journal = (0,external_node_path_.join)(folder, JOURNAL);
    const script = hookScript({ journal, userHook: await userHookOf(store, context) });
    const file = await writeFiles(folder, journal, script);
    const printed = (await store.nix.runStore(['--add', file], { signal: context.signal })).trim();
    const { path } = (0,store_path/* parseStorePath */.GV)(printed, store.storeDir);
    const { vanished } = await (0,gc_roots/* holdPaths */.S)(store, [path], folder, context.signal);
    if (vanished.length > 0)
        throw new build_errors/* CacheError */.xA('nix-failed', 'The post-build hook was collected as garbage at once.');
    const program = store.realPath(path);
    // Refused here, it costs the hook; with all settings, it would cost the job.
    (0,nix_conf/* formatSetting */.w)(SETTING, program);
    return { settings: [[SETTING, program]], journal, script: path, whyNot: null };
}
/** The hook that Nix runs without this use of the action; another use's hook is one, too. */
async function userHookOf(store, context) {
    // A daemon that does not trust the user heeds its own configuration alone.
    const ofDaemon = store.nix.withEnvironment({ NIX_CONFIG: '', [user_file/* NIX_USER_CONF_FILES */.n3]: '' });
    const { postBuildHook } = store.trust === 'untrusted' ? await (0,settings/* querySettings */.s)(ofDaemon, context.signal) : await (0,route/* settingsWithoutOurs */.To)(store, context);
    return postBuildHook;
}
/** Makes the journal and the script; gives the script's file. */
async function writeFiles(folder, journal, script) {
    const file = (0,external_node_path_.join)(folder, own_paths/* HOOK_NAME */.mm);
    try {
        await (0,promises_.mkdir)(folder, { recursive: true, mode: 0o700 });
        await (0,promises_.writeFile)(journal, '', { flag: 'a', mode: 0o600 });
        await (0,promises_.writeFile)(file, script);
        // In the store, everybody may run what its owner may run.
        await (0,promises_.chmod)(file, 0o755);
        return file;
    }
    catch (cause) {
        const code = (0,build_errors/* systemCode */.xU)(cause) ?? 'unknown';
        throw new build_errors/* CacheError */.xA(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `The post-build hook can't be written to ${folder} (${code}).`, {
            cause,
        });
    }
}

// EXTERNAL MODULE: ./build/inputs/given.js
var given = __webpack_require__(1153);
// EXTERNAL MODULE: ./build/phases/push-policy.js
var push_policy = __webpack_require__(9884);
// EXTERNAL MODULE: ./build/phases/pusher-folder.js
var pusher_folder = __webpack_require__(8747);
;// CONCATENATED MODULE: ./build/phases/pusher-control.js











/** Puts the post-build hook into the store, where the job is to push while it runs; `null` where it is not. */
async function prepareHook(session, store, isShared, signal) {
    const { inputs, runner, state } = session;
    if (inputs.continuous === 'false' || inputs.paths.length > 0 || (0,push_policy/* isDryRun */.vG)(runner.env))
        return null;
    const hook = await hookSettings({ store, previous: state().configuration, context: (0,configure/* contextOf */.Vm)(session, signal), isShared });
    if (hook.whyNot === null)
        return hook;
    const text = `Paths are not pushed while the job runs, but all at its end: ${hook.whyNot}`;
    if (inputs.continuous === 'true')
        runner.log.warning(text, 'nix-cache-action');
    else
        runner.log.notice(text, 'nix-cache-action');
    return null;
}
/** Starts the process that pushes while the job runs. Main's state must be complete. That it can't be started costs nothing but time at the end. */
async function startPusher(session, hook) {
    const { runner, state, keep } = session;
    const { main } = state();
    if (main === null)
        return;
    const folder = (0,external_node_path_.join)(state().folder, 'push');
    const files = (0,pusher_folder/* pusherFiles */.B8)(folder);
    try {
        await (0,promises_.mkdir)(folder, { recursive: true, mode: 0o700 });
        await Promise.all([files.identity, files.finish, files.report].map((file) => (0,promises_.rm)(file, { force: true })));
        const get = (0,given/* inputFromEnv */.yj)(runner.env);
        const inputs = Object.fromEntries(given/* INPUT_NAMES */.Qh.map((name) => [name, get(name)]));
        // Before it is there: however main ends, post knows of it.
        keep({ main: { ...main, pusherFolder: folder } });
        await (0,pusher_folder/* writeJson */.GF)(files.orders, { version: 1, inputs, state: state() });
        await (0,detached/* spawnDetached */.W)({
            nodePath: process.execPath,
            script: (0,external_node_path_.join)(import.meta.dirname, 'pusher.js'),
            argument: folder,
            // The collector of garbage spares what stands in the environment of a process: the hook, where it does not see its root.
            env: { ...runner.env, NIX_CACHE_ACTION_HOOK: hook.script ?? undefined },
            log: files.log,
        });
    }
    catch (error) {
        if (!(0,build_errors/* isCacheError */.bt)(error))
            throw error;
        keep({ main });
        runner.log.warning(`${(0,build_errors/* describeError */.Uc)(error)} Paths are pushed at the end of the job only.`, 'nix-cache-action');
    }
}
/** Between two looks at what the pusher says. */
const LOOK_MS = 100;
/** Before the first look at whether it has ended; each further wait is longer. With nothing to push that is soon, and the job waits for it. */
const FIRST_LOOK_MS = 10;
/** Beyond its time, for the report; after a signal, what its own end may take. */
const REPORT_MS = 2_000;
const STOP_MS = 4_000;
/** How long one that was started just now may take to say who it is. */
const START_MS = 3_000;
/**
 * Has the pusher push the rest and end, and shows what it says meanwhile. `null` when there is none, or it does not come to a report: then everything that is not
 * up is this process's to push.
 */
async function finishWithPusher(session, stop, job) {
    const { inputs, runner, state } = session;
    const folder = state().main?.pusherFolder ?? null;
    if (folder === null)
        return null;
    const files = (0,pusher_folder/* pusherFiles */.B8)(folder);
    const identity = await identityOf(folder);
    if (identity === null) {
        runner.log.info('The process that pushes while the job runs did not come to work; all is pushed now.');
        return null;
    }
    let endedByItself = true;
    if ((0,process_identity/* isRunning */.W_)(identity)) {
        const timeoutMs = (0,push_policy/* pushTimeoutMs */.gv)(inputs);
        const { used, served, errors } = job;
        const packFindings = await job.packFindings;
        try {
            const aws = (0,pusher_folder/* awsVariables */.jq)(runner.env);
            await (0,pusher_folder/* writeJson */.GF)(files.finish, { version: 1, aws, timeoutMs, used: [...used], packFindings, served, errors });
        }
        catch (error) {
            if (!(0,build_errors/* isCacheError */.bt)(error))
                throw error;
            runner.log.info(`The process that pushed while the job ran is stopped, and the rest pushed now: ${(0,build_errors/* describeError */.Uc)(error)}`);
            await stopPusher(session);
            return null;
        }
        const { size: from } = await (0,promises_.stat)(files.log);
        (0,process_identity/* signalProcess */.a7)(identity, 'SIGUSR2');
        endedByItself = await untilEnd(identity, files.log, from, timeoutMs + REPORT_MS, stop);
    }
    // One that lost its keeper must not push beside this process.
    const { worker = null } = (await (0,pusher_folder/* readIdentity */.xN)(folder)) ?? {};
    if (worker !== null)
        (0,process_identity/* signalProcess */.a7)(worker, 'SIGKILL');
    const report = await (0,pusher_folder/* readReport */.tL)(folder);
    if (report === null) {
        const tail = (await (0,promises_.readFile)(files.log, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n');
        runner.log.debug(tail);
        runner.log.warning(endedByItself
            ? 'The process that pushed while the job ran ended before its time (killed, or out of memory); what it did not push is pushed now.'
            : 'The process that pushed while the job ran did not end in time, and was killed.', 'nix-cache-action');
    }
    return report;
}
/** Ends it, pushed or not: nothing can be pushed at this end of the job. */
async function stopPusher({ state }) {
    const folder = state().main?.pusherFolder ?? null;
    const identity = folder === null ? null : await identityOf(folder);
    if (folder === null || identity === null)
        return;
    (0,process_identity/* signalProcess */.a7)(identity, 'SIGTERM');
    for (const deadline = performance.now() + STOP_MS; (0,process_identity/* isRunning */.W_)(identity) && performance.now() < deadline;)
        await (0,external_node_timers_promises_.setTimeout)(FIRST_LOOK_MS);
    const { worker = null } = (await (0,pusher_folder/* readIdentity */.xN)(folder)) ?? {};
    for (const left of [identity, worker])
        if (left !== null && (0,process_identity/* isRunning */.W_)(left))
            (0,process_identity/* signalProcess */.a7)(left, 'SIGKILL');
}
/** `null`: it did not start, and when it does, it finds no orders. */
async function identityOf(folder) {
    for (const deadline = performance.now() + START_MS; performance.now() < deadline; await (0,external_node_timers_promises_.setTimeout)(LOOK_MS)) {
        const identity = await (0,pusher_folder/* readIdentity */.xN)(folder);
        if (identity !== null)
            return identity;
    }
    return (await (0,pusher_folder/* retractOrders */.pj)(folder)) ? null : (0,pusher_folder/* readIdentity */.xN)(folder);
}
/** Shows the log from `from` on until the process ends, and sees to it that it does. Whether it did by itself. */
async function untilEnd(identity, log, from, timeoutMs, stop) {
    const startedMs = performance.now();
    let at = from;
    let shownAtMs = startedMs;
    let deadlineMs = performance.now() + timeoutMs;
    let isKilled = false;
    const onStop = () => {
        deadlineMs = Math.min(deadlineMs, performance.now() + STOP_MS);
        (0,process_identity/* signalProcess */.a7)(identity, 'SIGTERM');
    };
    stop.signal.addEventListener('abort', onStop, { once: true });
    if (stop.signal.aborted)
        onStop();
    while ((0,process_identity/* isRunning */.W_)(identity)) {
        const nowMs = performance.now();
        if (nowMs - shownAtMs >= LOOK_MS) {
            at = await showFrom(log, at);
            shownAtMs = nowMs;
        }
        if (nowMs > deadlineMs)
            isKilled = (0,process_identity/* signalProcess */.a7)(identity, 'SIGKILL');
        await (0,external_node_timers_promises_.setTimeout)(Math.min(LOOK_MS, FIRST_LOOK_MS + (nowMs - startedMs) / 20));
    }
    for (let end = await showFrom(log, at); end !== at; end = await showFrom(log, at))
        at = end;
    stop.signal.removeEventListener('abort', onStop);
    return !isKilled;
}
/** What the pusher wrote for the runner, word for word: its annotations are the job's. Answers with where it ends. */
async function showFrom(log, from) {
    const file = await (0,promises_.open)(log).catch(() => null);
    if (file === null)
        return from;
    try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, from);
        const whole = buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1);
        if (whole.length > 0)
            process.stdout.write(whole);
        return from + whole.length;
    }
    finally {
        await file.close();
    }
}

;// CONCATENATED MODULE: ./build/phases/run.js


/**
 * The one place where a phase's failure becomes an exit status. Pre and main fail the job on a mistake of the user, and when there is no Nix to go on with; anything else,
 * a bug of ours included, is a warning and the job goes on without the cache. Post settles its own failures by `on-push-failure`, so what
 * arrives here is unexpected and a warning as well. A command of root's that hangs (`sudo`, a restart of the daemon) does not hold up the job beyond its time.
 */
async function runPhase(phase, runner, body) {
    try {
        await body();
    }
    catch (error) {
        if ((0,build_errors/* isCacheError */.bt)(error, 'input-invalid', 'push-impossible', 'install-failed')) {
            runner.fail((0,build_errors/* describeError */.Uc)(error), (0,build_errors/* titleOf */.Gg)(error));
            return;
        }
        runner.log.warning(`${(0,build_errors/* describeError */.Uc)(error)} The job goes on without the cache.`, (0,build_errors/* titleOf */.Gg)(error, `nix-cache-action ${phase}`));
        if (error instanceof Error && error.stack !== undefined)
            runner.log.debug(error.stack);
    }
    finally {
        if ((0,run_as_root/* isCommandLeft */.bY)())
            process.exit();
    }
}

// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 7 modules
var core = __webpack_require__(3838);
// EXTERNAL MODULE: ./build/phases/masking.js
var masking = __webpack_require__(321);
;// CONCATENATED MODULE: ./build/phases/runner.js


/** @param announces whether masks are told to the runner; a background process has none that listens, and its output is a file */
function createRunner(env, announces = true) {
    const log = createLog(announces);
    return {
        env,
        log,
        saveState: core/* saveState */.LZ,
        state: core/* getState */.Gu,
        setOutput: core/* setOutput */.uH,
        exportVariable: core/* exportVariable */.dN,
        addPath: core/* addPath */.fM,
        async addSummary(markdown) {
            if (env.GITHUB_STEP_SUMMARY === undefined)
                return;
            await core/* summary */.z.addRaw(log.clean(markdown), true).write();
        },
        fail(message, title) {
            log.error(message, title);
            process.exitCode = core/* ExitCode */.yU.Failure;
        },
    };
}
/** A log on the runner's standard output that replaces every secret that it was told of, also in derived texts. */
function createLog(announces) {
    const { add, clean } = (0,masking/* createMasking */.b)();
    const line = (text) => withoutCommands(clean(text));
    const annotated = (title) => (title === undefined ? {} : { title });
    return {
        clean,
        debug: (message) => core/* debug */.Yz(line(message)),
        info: (message) => core/* info */.pq(line(message)),
        notice: (message, title) => core/* notice */.lm(line(message), annotated(title)),
        warning: (message, title) => core/* warning */.$e(line(message), annotated(title)),
        error: (message, title) => core/* error */.z3(line(message), annotated(title)),
        group: (title, body) => core/* group */.Os(line(title), body),
        mask(secret) {
            if (add(secret) && announces)
                core/* setSecret */.Pq(secret);
        },
    };
}
/**
 * Takes the power out of text that came from elsewhere (a server's answer, a file name): the runner obeys `::command::` at the start of a
 * line and the older `##[command]` anywhere in it.
 */
function withoutCommands(text) {
    return text
        .replaceAll('##[', '# #[')
        .replace(/^(\s*):(?=:)/gm, '$1: ')
        .replace(/[\0-\x08\x0b-\x1f\x7f]/g, '?');
}

// EXTERNAL MODULE: ./build/phases/actions-cache.js + 6 modules
var actions_cache = __webpack_require__(7147);
// EXTERNAL MODULE: ./build/phases/ask-for-uploads.js + 3 modules
var ask_for_uploads = __webpack_require__(4242);
// EXTERNAL MODULE: ./build/phases/cache.js + 4 modules
var cache = __webpack_require__(7796);
// EXTERNAL MODULE: ./build/cache-target/target.js + 5 modules
var cache_target_target = __webpack_require__(9238);
// EXTERNAL MODULE: ./build/http/proxy.js
var proxy = __webpack_require__(2749);
;// CONCATENATED MODULE: ./build/phases/proxied.js





/** Main must not hold up the job. */
const EFFORT = { concurrency: 4, attempts: 2, patienceMs: 5_000, connectTimeoutMs: 5_000 };
/** Asks the substituters with a proxy of their own whether they can be read through it. Whichever can't costs a warning and not the job. */
async function askProxied(session, store, signal) {
    const asked = await Promise.all(session.inputs.substituters.map(({ url, proxy }, line) => proxy === null ? null : askThrough(session, store, { line, url, proxy, priority: null }, signal)));
    return {
        readable: asked.filter((one) => one !== null && 'url' in one),
        warnings: asked.filter((one) => one !== null && 'text' in one),
    };
}
/** The substituter, or why not. */
async function askThrough(session, store, one, signal) {
    const { inputs, runner } = session;
    const target = (0,cache_target_target/* parseCacheTarget */.h)(one.url, null, null);
    if ('problem' in target || target.kind !== 'http')
        throw new build_errors/* CacheError */.xA('internal', `${one.url} is no HTTP cache.`);
    const through = { ...session, runner: { ...runner, env: (0,proxy/* withProxy */.fK)(runner.env, one.proxy) } };
    const netrc = await (0,configure/* knownNetrc */.as)(inputs, store, signal);
    const goesOn = `It is asked through the proxy ${hostOf(one.proxy)}. The job goes on without it.`;
    try {
        return await (0,cache/* withCache */.n)(through, store, target, netrc, EFFORT, async (backend) => {
            const { readable, note } = await backend.check(false, signal);
            const text = `${note ?? `${one.url} can't be read.`} ${goesOn}`;
            return readable ? { ...one, priority: backend.reads().priority } : { text, title: (0,build_errors/* titleOf */.Gg)(null) };
        });
    }
    catch (error) {
        if (!(0,build_errors/* isCacheError */.bt)(error))
            throw error;
        return { text: `${(0,build_errors/* describeError */.Uc)(error)} ${goesOn}`, title: (0,build_errors/* titleOf */.Gg)(error) };
    }
}
/** Without the credentials. */
function hostOf(proxy) {
    return new URL(proxy).host;
}

;// CONCATENATED MODULE: ./build/phases/serving.js







/** Main must not hold up the job. */
const serving_EFFORT = { concurrency: 8, attempts: 3, patienceMs: 10_000, connectTimeoutMs: 5_000 };
/** Failures that the end of the job would meet again. */
const LASTING = [
    'cache-unauthorized',
    'cache-forbidden',
    'cache-read-only',
    'cache-not-found',
    'cache-invalid',
    'cache-tls',
];
/**
 * Asks the configured caches whether they can be used, and the Actions cache where it is one, or has to stand in. An outage costs that cache, never
 * the job. Throws `push-impossible` when `push` is `always` and to one of them nothing could be pushed.
 */
async function decideServing(session, store, signal) {
    const [asked, proxied] = await Promise.all([
        Promise.all(session.inputs.caches.map((target, line) => target.kind === 'actions-cache'
            ? askActionsCache(session, store, line, signal)
            : askCache(session, store, target, line, signal))),
        askProxied(session, store, signal),
    ]);
    const standIn = await findStandIn(session, store, asked, signal);
    const own = asked.find(({ found }) => found !== null)?.found ?? null;
    const readable = asked.filter(({ reads }) => reads !== null);
    const targets = targetsOf(asked, standIn);
    const pushes = targets.some(({ whyNot }) => whyNot === null);
    const found = own ?? standIn?.found ?? null;
    return {
        reads: joined(readable.flatMap(({ reads }) => (reads === null || reads.throughUs ? [] : [reads]))),
        throughUs: readable.flatMap(({ line, reads, found }) => reads?.throughUs === true && found === null ? [{ line, priority: reads.priority }] : []),
        proxied: proxied.readable,
        store: found?.store ?? null,
        kind: readable[0]?.kind ?? (found === null || found.store === null ? 'none' : 'actions-cache'),
        targets,
        whyNot: pushes ? null : (targets[0]?.whyNot ?? null),
        warnings: [
            ...asked.flatMap(({ note, failure, found: self }) => [
                ...(note === null ? [] : [note]),
                ...(failure === null ? [] : [warningOf(failure, insteadOf(self, standIn, readable.length > 0))]),
            ]),
            ...proxied.warnings,
        ],
    };
}
/** Of one failure, and what comes of it. */
function warningOf(error, outcome) {
    return { text: `${(0,build_errors/* describeError */.Uc)(error)} ${outcome}`, title: (0,build_errors/* titleOf */.Gg)(error) };
}
/** Decided for reading and for writing separately; `null` where it is not wanted or not needed. */
async function findStandIn(session, store, asked, signal) {
    const { inputs, runner } = session;
    if (inputs.fallback !== 'actions-cache' || asked.some(({ found }) => found !== null))
        return null;
    const mayPush = inputs.push !== 'never' && !(inputs.push === 'auto' && (0,push_policy/* mayStrangersStart */.v8)(runner.env));
    const wantsPush = mayPush && asked.every(({ whyNoPush, failure }) => whyNoPush !== null || failure !== null);
    if (asked.some(({ reads }) => reads !== null) && !wantsPush)
        return null;
    const found = await (0,actions_cache/* findStore */.h$)(session, store, signal);
    return { found, pushes: wantsPush && found.whyNoPush === null };
}
/** Where the Actions cache takes the paths, a cache that may be back by the end of the job is not tried as well. */
function targetsOf(asked, standIn) {
    const lines = asked.map(({ line, whyNoPush, failure }) => {
        const whyNot = whyNoPush ?? (standIn?.pushes === true && failure !== null ? failure.message : null);
        return { line, whyNot, failed: failure !== null };
    });
    return standIn?.pushes === true ? [...lines, { line: null, whyNot: null, failed: false }] : lines;
}
function joined(all) {
    return {
        substituters: all.flatMap(({ substituters }) => substituters),
        publicKeys: all.flatMap(({ publicKeys }) => publicKeys),
        netrc: all.flatMap(({ netrc }) => netrc),
        throughUs: false,
        priority: null,
    };
}
/** What serves in place of the cache that failed: one sentence. */
function insteadOf(self, standIn, isReadable) {
    if (self !== null)
        return 'The job goes on without the Actions cache.';
    if (standIn === null)
        return isReadable ? 'The job goes on with its other caches.' : 'The job goes on without this cache.';
    const { found, pushes } = standIn;
    if (found.store === null)
        return `The job goes on without this cache, and there is no other: ${found.whyNone}`;
    return pushes
        ? 'The job reads from the Actions cache in its place, and pushes there.'
        : 'The job reads from the Actions cache in its place.';
}
async function askCache(session, store, target, line, signal) {
    const { inputs, runner } = session;
    const netrc = await (0,configure/* knownNetrc */.as)(inputs, store, signal);
    const { canPush, whyNot } = (0,push_policy/* decidePush */.vn)(inputs, target, runner.env, netrc);
    const common = { line, kind: target.kind, found: null };
    try {
        return await (0,cache/* withCache */.n)(session, store, target, netrc, serving_EFFORT, async (backend) => {
            const { readable, note, whyNoPush: said } = await backend.check(canPush, signal);
            const refusal = canPush && said === null ? await (0,ask_for_uploads/* askForUploads */.X)(runner, target, netrc, signal) : null;
            const whyNoPush = refusal === null ? said : (0,build_errors/* describeError */.Uc)(refusal);
            if (whyNoPush !== null && inputs.push === 'always')
                throw pushImpossible(whyNoPush);
            const reads = readable ? backend.reads() : null;
            const noted = note === null ? null : { text: note, title: (0,build_errors/* titleOf */.Gg)(null) };
            const told = refusal === null ? noted : warningOf(refusal, 'The job reads from it and pushes nothing there.');
            return { ...common, reads, whyNoPush: whyNot ?? whyNoPush, failure: null, note: told };
        });
    }
    catch (cause) {
        if (!(0,build_errors/* isCacheError */.bt)(cause) || cause.code === 'push-impossible')
            throw cause;
        const error = netrc.length > 0 ? cause : await withUnreadNetrc(cause, store, signal);
        const isLasting = (0,build_errors/* isCacheError */.bt)(error, ...LASTING);
        if (isLasting && inputs.push === 'always')
            throw pushImpossible(error.message, error);
        return { ...common, reads: null, whyNoPush: isLasting ? error.message : whyNot, failure: error, note: null };
    }
}
/** Where the cache wants credentials, and those that Nix has can't be read: that is what to do something about. */
async function withUnreadNetrc(error, store, signal) {
    const unread = (0,build_errors/* isCacheError */.bt)(error, 'cache-unauthorized', 'cache-forbidden') ? await (0,configure/* unreadNetrc */.QY)(store, signal) : null;
    return unread === null
        ? error
        : new build_errors/* CacheError */.xA(error.code, error.message, { hint: `${unread.message} ${unread.fix}`, cause: error });
}
function pushImpossible(why, cause) {
    return new build_errors/* CacheError */.xA('push-impossible', `\`push\` is \`always\`, but ${why}`, { hint: cause?.hint ?? undefined, cause });
}
async function askActionsCache(session, store, line, signal) {
    const { inputs, runner } = session;
    const found = await (0,actions_cache/* findStore */.h$)(session, store, signal);
    const { whyNot } = (0,push_policy/* decidePush */.vn)(inputs, { kind: 'actions-cache' }, runner.env, []);
    const whyNoPush = whyNot ?? found.whyNoPush;
    if (whyNoPush !== null && inputs.push === 'always') {
        throw new build_errors/* CacheError */.xA('push-impossible', `\`push\` is \`always\`, but ${whyNoPush}`, { hint: 'Use `push: auto`.' });
    }
    const reads = found.store === null ? null : { ...joined([]), throughUs: true };
    return { line, kind: 'actions-cache', reads, whyNoPush, failure: found.failure, note: null, found };
}

// EXTERNAL MODULE: ./build/phases/session.js + 1 modules
var phases_session = __webpack_require__(2156);
// EXTERNAL MODULE: ./build/push/attribution.js
var attribution = __webpack_require__(9604);
;// CONCATENATED MODULE: ./build/phases/store-sharing.js



/** Whether others may use the store while this job runs, from what the runner says and from the ages of two files. */
async function storeSharing({ stateDir }, env) {
    return (0,attribution/* findSharing */.g)({
        runnerEnvironment: env.RUNNER_ENVIRONMENT,
        storeMadeMs: await madeMs((0,external_node_path_.join)(stateDir, 'db', 'db.sqlite')),
        // The runner writes it when the job begins.
        jobBeganMs: (await madeMs(env.GITHUB_EVENT_PATH ?? '')) ?? Number.POSITIVE_INFINITY,
    });
}
/** `null` when the file is not there, or its file system does not know. */
async function madeMs(file) {
    const times = await (0,promises_.stat)(file).catch(() => null);
    return times === null || times.birthtimeMs === 0 ? null : times.birthtimeMs;
}

// EXTERNAL MODULE: ./build/phases/substituter.js + 1 modules
var substituter = __webpack_require__(5022);
// EXTERNAL MODULE: ./build/phases/target-label.js
var target_label = __webpack_require__(4092);
;// CONCATENATED MODULE: ./build/phases/main.js
















/** The longest that main may take in all, but for installing Nix: a job must not wait for a cache that does not answer. */
const MAIN_TIMEOUT_MS = 120_000;
async function main() {
    const runner = createRunner(process.env);
    await runPhase('main', runner, async () => {
        const session = await (0,phases_session/* openSession */.fA)(runner);
        const store = await findStore(session);
        const signal = AbortSignal.timeout(MAIN_TIMEOUT_MS);
        if (store === null)
            withoutNix(session);
        else
            await withNix(session, store, signal);
    });
}
/** Opens the store, of a Nix that is installed now where there was none and `install-nix` is given. */
async function findStore(session) {
    const { inputs, runner } = session;
    const open = () => (0,local_store/* openLocalStore */.n)({ env: runner.env, log: runner.log, signal: AbortSignal.timeout(MAIN_TIMEOUT_MS) });
    const found = await open();
    if (inputs.installNix === null)
        return found;
    if (found !== null)
        await offerFoundNix(session, found);
    else
        await installRelease(session, inputs.installNix);
    return found ?? (await open());
}
function withoutNix(session) {
    const { runner, keep } = session;
    const whyNot = 'there is no Nix on this machine.';
    runner.log.warning('No `nix` was found, so no cache is configured. Install it in a step before this one, or give `install-nix` a version.', 'nix-cache-action');
    const nothing = {
        targets: [],
        indexesFolder: null,
        substituterFolder: null,
        served: {},
        journal: null,
        isShared: false,
        pusherFolder: null,
    };
    keep({ main: { ...nothing, store: null, snapshotFile: null, whyNot, warnings: [] } });
    setOutputs(session, 'none', false, []);
}
async function withNix(session, store, signal) {
    const { runner, keep, state } = session;
    const snapshotFile = (0,external_node_path_.join)(state().folder, 'snapshot');
    const [serving] = await Promise.all([
        decideServing(session, store, signal),
        (0,store_snapshot/* takeSnapshot */.W9)(store.realStoreDir).then((snapshot) => (0,store_snapshot/* writeSnapshot */.oF)(snapshotFile, snapshot)),
    ]);
    const { targets, whyNot } = serving;
    for (const { text, title } of serving.warnings)
        runner.log.warning(text, title);
    const warnings = serving.warnings.map(({ text }) => text);
    const mounts = (0,phases_mounts/* mountsOf */.cS)(session, serving);
    const served = Object.fromEntries(mounts.map(({ name, label }) => [name, label]));
    const indexesFolder = serving.store?.indexesFolder ?? null;
    const isShared = await isStoreShared(session, store);
    const hook = whyNot === null ? await prepareHook(session, store, isShared, signal) : null;
    const kept = {
        store: store.description,
        snapshotFile,
        targets,
        whyNot,
        indexesFolder,
        served,
        warnings,
        isShared,
        journal: hook?.journal ?? null,
        substituterFolder: null,
        pusherFolder: null,
    };
    keep({ main: kept });
    const substituter = await startServing(session, store, mounts, serving, signal);
    keep({ main: { ...kept, substituterFolder: substituter?.folder ?? null } });
    const reads = withSubstituter(serving.reads, substituter);
    const route = await (0,configure/* applySettings */.iN)(session, store, reads, { substituter, hook }, signal);
    if (hook !== null && route !== 'advice-only')
        await startPusher(session, hook);
    await tellProblems(session, store, reads, { substituter, hook }, signal);
    const urls = route === 'advice-only' ? [] : [...reads.substituters, ...(0,configure/* directSubstituters */.$O)(session.inputs)];
    setOutputs(session, route === 'advice-only' ? 'none' : serving.kind, whyNot === null, urls);
    sayWhatServes(session, serving, urls);
}
async function isStoreShared({ inputs, runner }, store) {
    if (inputs.sharedStore !== 'auto')
        return inputs.sharedStore === 'true';
    const { isShared, because } = await storeSharing(store.nix.about, runner.env);
    if (isShared) {
        runner.log.info(`The store counts as shared, because ${because}: only what this job builds, and what its own links lead to, is pushed. \`shared-store: false\` says that nobody else uses it.`);
    }
    return isShared;
}
async function startServing(session, store, mounts, serving, signal) {
    if (mounts.length === 0)
        return null;
    const readsOthers = serving.reads.substituters.length + (0,configure/* directSubstituters */.$O)(session.inputs).length > 0;
    if (!(await (0,configure/* canServeHere */.ou)(session, store, readsOthers, signal)))
        return null;
    return (0,substituter/* startLocalSubstituter */.k3)(session, store, mounts, signal);
}
function withSubstituter(reads, substituter) {
    return substituter === null ? reads : { ...reads, substituters: [...reads.substituters, ...substituter.storeUrls] };
}
function setOutputs({ inputs, runner, state }, kind, canPush, substituters) {
    runner.setOutput('cache', kind);
    runner.setOutput('can-push', String(canPush));
    runner.setOutput('substituters', substituters.join(' '));
    runner.setOutput('public-key', inputs.signingKey === null ? '' : (0,signature/* formatPublicKey */.et)((0,signature/* publicKeyOf */.kc)(inputs.signingKey)));
    runner.setOutput('report', state().reportFile);
}
function sayWhatServes({ inputs, runner, state }, serving, substituters) {
    const { log } = runner;
    const { store, targets, whyNot } = serving;
    if (substituters.length > 0)
        log.info(`Nix reads from ${substituters.join(', ')}.`);
    else if (store === null)
        log.info('No cache serves this job.');
    if (store !== null) {
        log.info(store.pathCount === 0
            ? `${store.label} holds no paths for this job yet.`
            : `${store.label} holds ${store.pathCount} paths for this job, served on this machine.`);
    }
    if (whyNot !== null) {
        log.info(`Nothing is pushed at the end of the job: ${whyNot}`);
        return;
    }
    const taking = targets.filter((target) => target.whyNot === null).map(({ line }) => (0,target_label/* labelOf */.W)(inputs, line));
    const when = state().main?.pusherFolder == null ? 'at its end' : 'while it runs, and the rest at its end,';
    log.info(`What the job adds to the store is pushed ${when} to ${taking.join(', ')}.`);
    for (const { line, whyNot: why } of targets)
        if (why !== null)
            log.info(`Nothing is pushed to ${(0,target_label/* labelOf */.W)(inputs, line)}: ${why}`);
    if (inputs.signingKey !== null) {
        for (const target of inputs.caches)
            if (target.kind === 'attic')
                log.info(`${target.place} signs what it serves with its own key, so it needs no \`signing-key\`.`);
    }
    const keyless = targets.some(({ line, whyNot: why }) => why === null && needsKey(inputs, line));
    if (inputs.signingKey === null && keyless) {
        log.notice('No `signing-key`: paths go up with the signatures that they have, and Nix ignores those without one unless the server signs.', 'nix-cache-action');
    }
}
/** Servers that sign by themselves, and the Actions cache, which is trusted as it is, need none. */
function needsKey({ caches }, line) {
    const kind = line === null ? 'actions-cache' : (caches[line]?.kind ?? 'actions-cache');
    return kind === 'http' || kind === 'file' || kind === 'nix-copy';
}

// EXTERNAL MODULE: ./build/report/lines.js
var lines = __webpack_require__(6812);
// EXTERNAL MODULE: ./build/report/problem.js
var report_problem = __webpack_require__(5344);
// EXTERNAL MODULE: ./build/report/report.js + 1 modules
var report_report = __webpack_require__(6098);
// EXTERNAL MODULE: ./build/quantity.js
var quantity = __webpack_require__(6135);
;// CONCATENATED MODULE: ./build/report/chart.js
/** More can't be told apart by their colours. */
const MAX_SLICES = 8;
/** Mermaid draws no part that is smaller. */
const MIN_SHARE = 0.01;
const LABEL_LIMIT = 60;
const UNITS = [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
];
/**
 * Lines of a Mermaid pie chart, which GitHub draws in Markdown; none where there are less than two parts to compare. `title` is our own text. Mermaid refuses
 * a value of 0 and shows values without a unit, so that is in the title.
 */
function pie(title, slices) {
    const total = slices.reduce((sum, { bytes }) => sum + bytes, 0);
    const [unit, unitBytes] = UNITS.find(([, size]) => total >= 10 * size) ?? ['KiB', 1024];
    const values = withoutSmall(chart_joined(slices), total)
        .map(({ label, bytes }) => [label, (bytes / unitBytes).toFixed(1)])
        .filter(([, value]) => Number(value) > 0);
    if (values.length < 2)
        return [];
    return [
        '',
        '```mermaid',
        'pie showData',
        `    title ${title}, ${unit}`,
        ...values.map(([label, value]) => `    "${label}" : ${value}`),
        '```',
    ];
}
/** Mermaid shows the first of those that are called the same. */
function chart_joined(slices) {
    const byLabel = Map.groupBy(slices, ({ label }) => plain(label));
    return [...byLabel].map(([label, same]) => ({ label, bytes: same.reduce((sum, { bytes }) => sum + bytes, 0) }));
}
/** The largest, and all others as one, where that is large enough to be seen. */
function withoutSmall(slices, total) {
    const isSeen = ({ bytes }) => bytes >= total * MIN_SHARE;
    const largestFirst = slices.toSorted((a, b) => b.bytes - a.bytes);
    const seen = largestFirst.filter(isSeen);
    if (seen.length === slices.length && seen.length <= MAX_SLICES)
        return seen;
    const shown = seen.slice(0, MAX_SLICES - 1);
    const others = largestFirst.slice(shown.length).reduce((sum, { bytes }) => sum + bytes, 0);
    return [...shown, { label: 'others', bytes: others }].filter(isSeen);
}
/** Labels hold names from elsewhere; what could end the string, the line or the block is not in them. */
function plain(label) {
    const text = label.replace(/[^A-Za-z0-9 .,:/()_+-]/g, '?');
    return text.length > LABEL_LIMIT ? `${text.slice(0, LABEL_LIMIT - 3)}...` : text;
}

// EXTERNAL MODULE: ./build/report/words.js
var words = __webpack_require__(4702);
;// CONCATENATED MODULE: ./build/report/markdown.js

/** A page with thousands of rows helps nobody; all of them are in the JSON report. */
const MAX_ROWS = 100;
const CELL_LIMIT = 500;
/** Lines of a table with numbers in all columns but the first. */
function numbersTable(columns, rows) {
    const rules = columns.map((_, index) => (index === 0 ? '---' : '---:'));
    return ['', row(columns), row(rules), ...bodyOf(rows, columns.length)];
}
/** Lines of a table under a title that unfolds it; none without rows. `title` is our own text. */
function foldedTable(title, columns, rows) {
    if (rows.length === 0)
        return [];
    const head = [row(columns), row(columns.map(() => '---'))];
    return ['', `<details><summary>${title}</summary>`, '', ...head, ...bodyOf(rows, columns.length), '', '</details>'];
}
function bodyOf(rows, columns) {
    const shown = rows.slice(0, MAX_ROWS).map((cells) => row(cells.map(cell)));
    const left = rows.length - shown.length;
    return left === 0 ? shown : [...shown, row([`and ${left} more`, ...Array.from({ length: columns - 1 }, () => '')])];
}
function row(cells) {
    return `| ${cells.join(' | ')} |`;
}
/**
 * Text from elsewhere (names, answers of servers) as one line that shows it as it is. As entities, because those are never markup:
 * no HTML, Markdown, mention, formula or link; control characters and those that turn the direction of writing are not shown.
 */
function cell(text) {
    const short = text.length > CELL_LIMIT ? `${text.slice(0, CELL_LIMIT)}…` : text;
    return ((0,words/* oneLine */.TN)(short)
        .replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '�')
        // At the start of a line, `-`, `+` and `1.` begin a list, and `=` makes a title of the line before.
        .replace(/[&<>"'`*_[\]\\|#~@$!:]|^[-+=]|(?<=^\d{1,9})[.)](?= |$)/g, (character) => `&#${character.charCodeAt(0)};`));
}

;// CONCATENATED MODULE: ./build/report/summary.js





/** The runner takes 1 MiB for a step and drops what is longer. */
const SUMMARY_LIMIT_BYTES = 900 * 1024;
const SUMMARY_LARGEST = 10;
const SUMMARY_BUILT = 5;
/** Markdown for the job summary, under 1 MiB whatever the report holds. */
function reportSummary(report) {
    const warnings = report.warnings.slice(0, MAX_ROWS).map((warning) => ['', `> ${cell(warning)}`]);
    return withinLimit([...warnings, [''], ...originSections(report), ...report.caches.flatMap(cacheSections)]);
}
function originSections({ origins, built, caches, served, serveErrors }) {
    const reads = served.flatMap((one) => ['', cell((0,lines/* servedLine */.kw)(one))]);
    const errors = (0,lines/* serveErrorsLine */.PR)(serveErrors);
    const below = [...reads, ...(errors === null ? [] : ['', cell(errors)])];
    if (origins === null || origins.length === 0)
        return below.length === 0 ? [] : [['### Nix store', ...below, '']];
    const rows = origins.map((origin) => [(0,words/* originWords */.uY)(origin), String(origin.paths), (0,quantity/* formatBytes */.z3)(origin.narBytes)]);
    const slices = origins.map((origin) => ({ label: (0,words/* originWords */.uY)(origin), bytes: origin.narBytes }));
    return [
        ['### Nix store: what was new in this job', '', cell(hitLine(origins))],
        numbersTable(['', 'paths', 'NAR size'], rows),
        pie('New in the store', slices),
        // With what is known of why, they are listed under the cache that could say so.
        caches.some((cache) => cache.built.length > 0) ? [] : builtList(built),
        [...below, ''],
    ];
}
/** What people look for first. */
function hitLine(origins) {
    const sum = (...kinds) => origins.reduce((all, { from, paths }) => all + (kinds.includes(from) ? paths : 0), 0);
    const [cached, built, unsigned] = [sum('served', 'signed'), sum('built'), sum('unsigned')];
    const all = cached + built + unsigned;
    if (all === 0)
        return 'Nothing was built, and nothing came from a cache.';
    const share = Math.floor((100 * cached) / all);
    const told = `${(0,words/* countOf */.pq)(cached)} came from caches and ${built} ${built === 1 ? 'was' : 'were'} built here`;
    // Those may have come from a cache that is trusted as it is, or from another machine that built them.
    return unsigned === 0
        ? `${told}: ${share} % from caches.`
        : `${told}, and of ${unsigned} it is not known: at least ${share} % from caches.`;
}
function cacheSections(report) {
    const title = [`### Nix cache: ${cell(report.cache.label)}`];
    if (!report.cache.canPush)
        return [title, ['', `Not pushed to: ${cell(report.cache.whyNot ?? 'this job only reads.')}`, '']];
    if (report.paths.length === 0)
        return [title, report.stoppedBy === null ? ['', 'Nothing new to push.', ''] : stopOf(report)];
    return [
        title,
        countsTable(report),
        stopOf(report),
        builtTable(report),
        verificationOf(report),
        ...words/* CLASSES */.Nv.filter((name) => words/* TROUBLE */.gl.has(name)).map((name) => classTable(report, name)),
        largestTable(report),
        times(report),
        [''],
    ];
}
/** Leaves out the sections for which there is no room. */
function withinLimit(sections) {
    let text = '';
    for (const lines of sections) {
        const more = lines.map((line) => `${line}\n`).join('');
        if (Buffer.byteLength(text) + Buffer.byteLength(more) <= SUMMARY_LIMIT_BYTES)
            text += more;
    }
    return text;
}
function countsTable({ cache, counts, sentBytes }) {
    const rows = words/* CLASSES */.Nv.flatMap((name) => {
        const count = counts[name];
        return count === undefined ? [] : [[words/* CLASS_WORDS */.f5[name], String(count.paths), (0,quantity/* formatBytes */.z3)(count.narBytes)]];
    });
    const { pushed } = counts;
    if (pushed === undefined)
        return numbersTable(['', 'paths', 'NAR size'], rows);
    const saved = cache.kind === 'nix-copy' ? '' : savedWords(pushed.narBytes, sentBytes);
    const sent = `Sent ${(0,quantity/* formatBytes */.z3)(sentBytes)} for ${(0,quantity/* formatBytes */.z3)(pushed.narBytes)}${saved}.`;
    return [...numbersTable(['', 'paths', 'NAR size'], rows), '', sent];
}
function savedWords(narBytes, sentBytes) {
    if (narBytes === 0 || sentBytes >= narBytes)
        return '';
    return `: ${Math.floor(100 * (1 - sentBytes / narBytes))} % saved by compression and by what was there`;
}
function builtList(built) {
    const rows = built.map(({ path, narSizeBytes }) => [(0,words/* shortName */.EU)(path), (0,quantity/* formatBytes */.z3)(narSizeBytes)]);
    return foldedTable(`${built.length} built here`, ['path', 'NAR size'], rows);
}
function builtTable({ built }) {
    const rows = built.map(({ why, paths, narBytes }) => [
        String(paths.length),
        (0,quantity/* formatBytes */.z3)(narBytes),
        words/* WHY_BUILT_WORDS */.MF[why],
        paths.slice(0, SUMMARY_BUILT).map(words/* shortName */.EU).join(', ') + (paths.length > SUMMARY_BUILT ? ', …' : ''),
    ]);
    const total = built.reduce((sum, { paths }) => sum + paths.length, 0);
    return foldedTable(`${total} built here, and why`, ['paths', 'NAR size', 'it was', 'the largest of them'], rows);
}
function stopOf({ stoppedBy }) {
    if (stoppedBy === null)
        return [];
    return ['', `**The push ended early:** ${cell(stoppedBy.message)} ${cell(stoppedBy.hint ?? '')}`.trimEnd()];
}
function verificationOf(report) {
    const { verification } = report;
    if (verification === null || verification.checked === 0)
        return [];
    const { checked, problems } = verification;
    const result = `${(0,words/* countOf */.pq)(checked)}, ${problems.length} with problems.`;
    const line = (0,words/* isReadBack */.WX)(report)
        ? `Read back through the pull URL: ${result}`
        : `Checked in the index that was saved: ${result} None was read back.`;
    const rows = problems.map(({ path, problem }) => [(0,words/* baseName */.Fl)(path), problem ?? '']);
    return ['', line, ...foldedTable('Not readable', ['path', 'problem'], rows)];
}
function classTable(report, name) {
    const paths = report.paths.filter((path) => path.class === name);
    const rows = [...(0,words/* byReason */.UN)(paths)].map(([reason, group]) => [(0,words/* someNames */.Xq)(group), reason]);
    return foldedTable(`${paths.length} ${words/* CLASS_WORDS */.f5[name]}`, ['path', 'reason'], rows);
}
function largestTable(report) {
    const rows = report.paths
        .filter((path) => path.class === 'pushed')
        .sort((a, b) => (b.narSizeBytes ?? 0) - (a.narSizeBytes ?? 0))
        .slice(0, SUMMARY_LARGEST)
        .map((path) => [(0,words/* shortName */.EU)(path.path), (0,quantity/* formatBytes */.z3)(path.narSizeBytes ?? 0), (0,quantity/* formatBytes */.z3)(path.sentBytes ?? 0)]);
    return foldedTable('Largest pushed paths', ['path', 'NAR size', 'sent'], rows);
}
function times({ durationsMs }) {
    const parts = Object.entries(durationsMs)
        .filter(([, ms]) => ms >= 50)
        .map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)} s`);
    return parts.length === 0 ? [] : ['', `Time: ${parts.join(', ')}.`];
}

;// CONCATENATED MODULE: ./build/phases/post.js















/** What undoing the configuration may take: it restarts a daemon at worst. */
const UNDO_TIMEOUT_MS = 60_000;
/**
 * The end of the job. Undoes the configuration first, so that whatever happens to the push, no secret stays on disk; then pushes what is
 * new, reports, and follows `on-push-failure`. `cut`: aborted by a signal that came before this began. `early`: what was asked meanwhile.
 */
async function post(cut, early) {
    const runner = createRunner(process.env);
    const stop = (0,phases_stop/* stopOnSignals */.Z)(runner.log);
    if (cut.aborted)
        stop.now();
    await runPhase('post', runner, async () => {
        const kept = (0,phases_session/* resumeSession */.UI)(runner);
        if (kept === null)
            return;
        try {
            await takeBack(kept);
            const job = await (0,substituter/* stopLocalSubstituter */.E0)(kept);
            for (const served of job.served)
                runner.log.info((0,lines/* servedLine */.kw)(served));
            const session = await sessionToPush(kept, early);
            if (session !== null)
                await push(session, stop, job);
        }
        finally {
            await leaveNothing(kept);
        }
    });
    early?.cancel();
    stop.close();
}
async function takeBack(session) {
    try {
        await (0,configure/* takeBackSettings */.wl)(session, AbortSignal.timeout(UNDO_TIMEOUT_MS));
    }
    catch (error) {
        session.runner.log.warning((0,build_errors/* describeError */.Uc)(error), 'Nix configuration not undone');
    }
}
async function leaveNothing({ state, runner }) {
    try {
        await (0,phases_session/* removeFolder */.v$)(state());
    }
    catch (error) {
        runner.log.warning(`${state().folder} could not be removed: ${(0,build_errors/* describeError */.Uc)(error)}`, 'nix-cache-action');
    }
}
/** `null` when nothing can be pushed: this step did not run, or what its inputs are made of changed after it. */
async function sessionToPush(kept, early) {
    const { runner, state } = kept;
    if (state().main === null) {
        runner.log.info('This step did not run, so nothing is pushed.');
        return null;
    }
    try {
        return (0,phases_session/* withInputs */.wH)(kept, early);
    }
    catch (error) {
        await stopPusher(kept);
        settle({ runner, policy: state().inputs['on-push-failure'] }, `Nothing is pushed. ${(0,build_errors/* describeError */.Uc)(error)}`, false);
        return null;
    }
}
async function push(session, stop, job) {
    const { main } = session.state();
    const { log } = session.runner;
    if (main === null)
        return;
    if (main.store === null || main.whyNot !== null) {
        log.info(`Nothing is pushed: ${main.whyNot ?? 'there was no Nix.'}`);
        if (main.store !== null)
            await tellReads(session, main.store, stop, job);
        return;
    }
    const settling = { runner: session.runner, policy: session.inputs.onPushFailure };
    const startedMs = performance.now();
    try {
        const report = (await finishWithPusher(session, stop, job)) ?? (await pushHere(session, main.store, stop, job, startedMs));
        await tell(session, report);
        for (const cache of report.caches) {
            const problem = (0,report_problem/* problemOf */.Z)(cache, stop.signal.aborted);
            if (problem !== null)
                settle(settling, problem, isKnown(main, cache));
        }
    }
    catch (error) {
        settle(settling, (0,build_errors/* describeError */.Uc)(error), false);
        if (error instanceof Error && error.stack !== undefined)
            log.debug(error.stack);
    }
}
/** In this process, what no other has pushed, in what is left of the time. */
async function pushHere(session, store, stop, job, startedMs) {
    const { pusherFolder = null } = session.state().main ?? {};
    const { pushNewPaths } = await Promise.all(/* import() */[__webpack_require__.e(620), __webpack_require__.e(964)]).then(__webpack_require__.bind(__webpack_require__, 1964));
    const done = pusherFolder === null ? new Map() : await (0,pusher_folder/* readDone */.$n)(pusherFolder);
    return pushNewPaths(session, (0,local_store/* reopenLocalStore */.C)(store, session.runner.env), stop, job, done, startedMs);
}
/** A job that pushes nothing is told what it read. That this fails is no problem of the job. */
async function tellReads(session, store, stop, job) {
    try {
        const { reportOnReads } = await __webpack_require__.e(/* import() */ 620).then(__webpack_require__.bind(__webpack_require__, 8620));
        await tell(session, await reportOnReads(session, (0,local_store/* reopenLocalStore */.C)(store, session.runner.env), stop, job));
    }
    catch (error) {
        session.runner.log.info(`What came to the store during the job is not known: ${(0,build_errors/* describeError */.Uc)(error)}`);
    }
}
async function tell(session, report) {
    const { log } = session.runner;
    for (const line of (0,lines/* reportLines */.QS)(report))
        log.info(line);
    const details = (0,lines/* builtLines */.ST)(report);
    if (details.length > 0) {
        await log.group('What was built in this job, and why', async () => {
            for (const line of details)
                log.info(line);
        });
    }
    await publishReport(session, report);
}
/** One annotation per problem: an outage that main warned of and that lasts is no second one. */
function isKnown({ warnings }, { paths, stoppedBy }) {
    if (paths.length > 0 || stoppedBy === null)
        return false;
    return warnings.some((warning) => warning.startsWith((0,report_problem/* describeReason */.G)(stoppedBy)));
}
/** That it can't be written says nothing about the push. */
async function publishReport({ runner, state }, report) {
    const { reportFile } = state();
    const written = await Promise.allSettled([
        runner.addSummary(reportSummary(report)),
        (0,promises_.writeFile)(reportFile, (0,report_report/* reportJson */.l)(report), { mode: 0o600 }),
    ]);
    for (const [index, name] of ['The job summary', `The report ${reportFile}`].entries()) {
        const result = written[index];
        if (result?.status === 'rejected')
            runner.log.warning(`${name} can't be written: ${(0,build_errors/* describeError */.Uc)(result.reason)}`, 'nix-cache-action');
    }
}
/** Follows `on-push-failure`. `known`: people were warned of it before. */
function settle({ runner, policy }, problem, known) {
    if (policy === 'fail')
        runner.fail(problem);
    else if (policy === 'ignore')
        runner.log.info(problem);
    else if (known)
        runner.log.info(`Nothing was pushed: ${problem}`);
    else
        runner.log.warning(problem, 'nix-cache-action: push');
}

;// CONCATENATED MODULE: ./build/phases/pre.js





/** Pre knows nothing of the steps before main and may run without it: it must be short and needs no network. */
const PRE_TIMEOUT_MS = 30_000;
/**
 * The start of the job, before any step: fails early on wrong inputs and, where Nix is there already, configures it, so that steps before
 * this action's own read from the cache too. Whether the cache answers is main's question.
 */
async function pre() {
    const runner = createRunner(process.env);
    await runPhase('pre', runner, async () => {
        const session = await (0,phases_session/* openSession */.fA)(runner);
        const signal = AbortSignal.timeout(PRE_TIMEOUT_MS);
        const store = await (0,local_store/* openLocalStore */.n)({ env: runner.env, log: runner.log, signal });
        if (store === null)
            return;
        // For a store behind SSH, a step may yet have to load the key.
        const substituters = session.inputs.caches.flatMap((target) => target.kind === 'http' || target.kind === 'file' ? [target.substituter] : []);
        await (0,configure/* applySettings */.iN)(session, store, { substituters, publicKeys: [], netrc: [], throughUs: false, priority: null }, { substituter: null, hook: null }, signal);
    });
}

// EXTERNAL MODULE: external "node:events"
var external_node_events_ = __webpack_require__(8474);
;// CONCATENATED MODULE: ./build/phases/pusher.js








/** Builds keep the processor: everything that these processes do may wait for them (0 is usual, 19 the most patient). */
const PRIORITY = 15;
/** After so many of them more would not help: post does the rest. */
const MOST_WORKERS = 3;
/** Tells the keeper's child from the keeper. */
const WORKER_VARIABLE = 'NIX_CACHE_ACTION_PUSHER_WORKER';
const READY = 'ready';
/**
 * The background process that pushes what is built while the job runs, and the rest when post says so. Its only argument is the folder of its files. It is two: the keeper,
 * which has the orders, and its worker, which is started again where the last one came to when something kills it (an out-of-memory killer takes the larger process).
 */
async function pusher() {
    const runner = createRunner(process.env, false);
    await runPhase('pusher', runner, async () => {
        const folder = process.argv[2];
        if (folder === undefined)
            throw new build_errors/* CacheError */.xA('internal', 'The pusher is started by main, with the folder of its files.');
        if (process.env[WORKER_VARIABLE] !== undefined && process.send !== undefined)
            await work(runner, folder);
        else
            await pusher_keep(runner, folder);
    });
    // Whatever is still open (an idle connection to the cache) must not keep post waiting.
    process.exit();
}
async function work(runner, folder) {
    // The keeper, which lives as long, does without that code.
    const [[orders], { runPusherWorker }] = await Promise.all([(0,external_node_events_.once)(process, 'message'), Promise.all(/* import() */[__webpack_require__.e(620), __webpack_require__.e(964), __webpack_require__.e(138)]).then(__webpack_require__.bind(__webpack_require__, 7138))]);
    await runPusherWorker(runner, folder, (0,pusher_folder/* asPusherOrders */.bM)(orders), () => process.send?.(READY));
}
async function pusher_keep({ log, env }, folder) {
    // A runner may have been made more patient by whoever started it, and only root may take that back.
    if ((0,external_node_os_.getPriority)() < PRIORITY)
        (0,external_node_os_.setPriority)(PRIORITY);
    let worker = null;
    let isReady = false;
    let told = null;
    const tell = (signal) => {
        told = told === 'SIGTERM' ? told : signal;
        if (isReady)
            worker?.kill(signal);
    };
    process.on('SIGUSR2', () => tell('SIGUSR2'));
    for (const name of ['SIGINT', 'SIGTERM'])
        process.on(name, () => tell('SIGTERM'));
    // Post knows of it before it has the orders, and else takes them back: only one of the two pushes.
    await introduce(folder, null);
    const orders = await (0,pusher_folder/* takeOrders */.T8)(folder);
    for (let number = 1; number <= MOST_WORKERS; number++) {
        isReady = false;
        worker = employ(env, folder, orders);
        worker.on('message', () => {
            isReady = true;
            // It hears signals now; what came before is told again.
            if (told !== null)
                worker?.kill(told);
        });
        await introduce(folder, worker);
        const [status, signal] = await (0,external_node_events_.once)(worker, 'exit');
        if (status === 0 || told === 'SIGTERM')
            return;
        log.info(`The process that pushes ended with ${signal ?? `status ${status}`}${number < MOST_WORKERS ? '; another one goes on' : ''}.`);
    }
}
function employ(env, folder, orders) {
    const worker = (0,external_node_child_process_.fork)(process.argv[1] ?? '', [folder], { env: { ...env, [WORKER_VARIABLE]: '1' } });
    // Its end says it all.
    worker.on('error', () => undefined);
    worker.send(orders, () => undefined);
    return worker;
}
/** Post speaks to the keeper, and ends both. */
async function introduce(folder, worker) {
    const identity = { ...(0,process_identity/* ownIdentity */.hY)(), worker: (0,process_identity/* identityOf */.cu)(worker?.pid ?? process.pid) };
    await (0,pusher_folder/* writeJson */.GF)((0,pusher_folder/* pusherFiles */.B8)(folder).identity, identity);
}

// EXTERNAL MODULE: ./build/backends/actions-cache/known-indexes.js + 3 modules
var known_indexes = __webpack_require__(8890);
// EXTERNAL MODULE: ./build/backends/actions-cache/packs.js + 1 modules
var actions_cache_packs = __webpack_require__(5204);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
;// CONCATENATED MODULE: ./build/backends/actions-cache/store-reader.js


/** So much of a NAR is there, and checked, before its first byte is handed out: whatever is wrong with it by then is a plain "not there". */
const AHEAD_BYTES = 4 * 1024 * 1024;
/** Serves paths of the Actions cache: narinfos from the index, NARs as the frames of their chunks, which joined are a zstd stream. */
function createStoreReader({ index, packs, log, onClose }) {
    /** Paths whose frames turned out to be wrong. */
    const spoiled = new Set();
    const find = (hashPart) => {
        if (spoiled.has(hashPart))
            return null;
        const stored = index.path(hashPart);
        return stored === null || stored.chunks.some(({ pack }) => packs.gone.has(pack.key)) ? null : stored;
    };
    async function* counted(hashPart, chunks, signal) {
        try {
            yield* packs.frames(chunks, signal);
        }
        catch (error) {
            if ((0,build_errors/* isCacheError */.bt)(error, 'cache-invalid'))
                spoiled.add(hashPart);
            if ((0,build_errors/* isCacheError */.bt)(error, 'cache-invalid', 'cache-not-found'))
                log.info((0,build_errors/* describeError */.Uc)(error));
            throw error;
        }
    }
    return {
        label: 'the Actions cache',
        async narInfo(hashPart) {
            const stored = find(hashPart);
            if (stored === null)
                return null;
            // A pack that has gone is noticed before Nix decides for the path, and one that is used is kept by GitHub.
            return (await packs.areThere(new Set(stored.chunks.map(({ pack }) => pack)))) ? narInfoOf(hashPart, stored) : null;
        },
        async openNar(url, range, signal) {
            const stored = find(url);
            if (stored === null)
                return null;
            const totalBytes = fileBytes(stored);
            const wanted = { start: range?.start ?? 0, end: Math.min(range?.end ?? totalBytes, totalBytes - 1) };
            if (wanted.start > wanted.end)
                return null;
            const { chunks, skipBytes } = chunksIn(stored.chunks, wanted);
            const bytes = cut(counted(url, chunks, signal), skipBytes, wanted.end - wanted.start + 1);
            try {
                return { totalBytes, range: wanted, stream: await streamOf(bytes) };
            }
            catch (error) {
                if ((0,build_errors/* isCacheError */.bt)(error, 'cache-invalid', 'cache-not-found'))
                    return null;
                throw error;
            }
        },
        close: onClose,
    };
}
/** Its URL is the hash part: nothing else is needed to find its chunks again. */
function narInfoOf(hashPart, stored) {
    const { path, narHash, narSizeBytes, references, deriver, signatures, ca } = stored.info;
    const file = { url: hashPart, compression: 'zstd', fileHash: null, fileSizeBytes: fileBytes(stored) };
    return { storePath: path, narHash, narSizeBytes, references, deriver, signatures, ca, ...file };
}
function fileBytes({ chunks }) {
    return chunks.reduce((sum, { frameBytes }) => sum + frameBytes, 0);
}
/** The chunks whose frames hold `range`, and how much of the first one comes before it. */
function chunksIn(all, range) {
    const chunks = [];
    let skipBytes = 0;
    let at = 0;
    for (const chunk of all) {
        const end = at + chunk.frameBytes;
        if (end > range.start && at <= range.end) {
            if (chunks.length === 0)
                skipBytes = range.start - at;
            chunks.push(chunk);
        }
        at = end;
    }
    return { chunks, skipBytes };
}
async function* cut(frames, skipBytes, sizeBytes) {
    let skip = skipBytes;
    let left = sizeBytes;
    for await (const frame of frames) {
        const part = frame.subarray(skip, skip + left);
        skip = 0;
        left -= part.length;
        if (part.length > 0)
            yield part;
        if (left === 0)
            return;
    }
}
/** A stream whose first bytes are there already. */
async function streamOf(parts) {
    const ahead = [];
    let aheadBytes = 0;
    let ended = false;
    while (!ended && aheadBytes < AHEAD_BYTES) {
        const next = await parts.next();
        ended = next.done === true;
        if (!next.done) {
            ahead.push(next.value);
            aheadBytes += next.value.length;
        }
    }
    async function* all() {
        try {
            yield* ahead;
            if (!ended)
                yield* parts;
        }
        finally {
            await parts.return();
        }
    }
    return external_node_stream_.Readable.from(all(), { objectMode: false });
}

// EXTERNAL MODULE: external "node:http"
var external_node_http_ = __webpack_require__(7067);
// EXTERNAL MODULE: ./build/substituter/daemon-folder.js
var daemon_folder = __webpack_require__(418);
// EXTERNAL MODULE: ./build/substituter/server.js + 8 modules
var substituter_server = __webpack_require__(9460);
;// CONCATENATED MODULE: ./build/substituter/waiting-room.js
function createWaitingRoom() {
    const waiting = new Set();
    let serve = null;
    return {
        enter(connection) {
            connection.on('error', () => undefined);
            if (serve !== null) {
                serve(connection);
                return;
            }
            waiting.add(connection);
            connection.once('close', () => waiting.delete(connection));
        },
        leadTo(next) {
            serve = next;
            if (next === null)
                return;
            for (const connection of waiting)
                next(connection);
            waiting.clear();
        },
        close() {
            for (const connection of waiting)
                connection.destroy();
        },
    };
}

// EXTERNAL MODULE: ./build/substituter/within-limit.js
var within_limit = __webpack_require__(1156);
;// CONCATENATED MODULE: ./build/substituter/worker.js









/** What the worker says to its keeper: from now on connections are welcome. */
const worker_READY = 'ready';
/** Tells the keeper's child from the keeper: a variable, since the script's arguments are its caller's. */
const worker_WORKER_VARIABLE = 'NIX_CACHE_ACTION_SUBSTITUTER_WORKER';
const ORDERS_MS = 10_000;
/** Whoever waits for the start has a shorter limit of its own. */
const OPEN_MS = 10 * 60_000;
function isWorker() {
    return process.env[worker_WORKER_VARIABLE] !== undefined && process.send !== undefined;
}
/** Serves until it is told to end, its folder has gone or its life is over, with or without a keeper. */
async function runWorker({ folder, open, log, times }) {
    const end = new AbortController();
    const onSignal = (signal) => end.abort(signal);
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
    const { orders, listener, early } = await receiveOrders();
    // Before it serves nobody needs it without its keeper: whoever started them has given up.
    const onLonely = () => end.abort('the keeper has gone');
    process.once('disconnect', onLonely);
    if (!process.connected)
        onLonely();
    try {
        const limit = {
            limitMs: OPEN_MS,
            signal: end.signal,
            doing: 'Opening the cache',
            discard: (late) => void closeReaders(late, log, times),
        };
        const served = await (0,within_limit/* withinLimit */.z)(limit, (signal) => open(orders.handover, signal));
        process.off('disconnect', onLonely);
        try {
            await serve({ ...served, credentials: orders.credentials, prefix: orders.prefix, listener, log }, early, folder, times, end.signal);
        }
        finally {
            await closeReaders(served, log, times);
        }
    }
    finally {
        process.off('disconnect', onLonely);
        early.close();
        // Both would keep the process alive.
        listener.close();
        if (process.connected)
            process.disconnect();
    }
}
async function serve(options, early, folder, times, end) {
    const { log, mounts } = options;
    const statistics = await (0,daemon_folder/* readStatistics */.MS)(folder);
    const substituter = await (0,substituter_server/* startSubstituter */.Z)({ ...options, statistics });
    early.leadTo(substituter.take);
    if (statistics !== null)
        substituter.restarted();
    surviveSurprises(log);
    const farewell = meetKeeper(substituter, folder, log);
    try {
        log.info(`Serving ${mounts.map(({ reader }) => reader.label).join(', ')} at port ${substituter.port}.`);
        log.info(`The end: ${await worker_untilEnd(substituter, folder, times, end)}.`);
    }
    finally {
        farewell();
        await substituter.close(times.closeMs);
        await keepStatistics(substituter, folder);
    }
}
async function receiveOrders() {
    const [message, handle] = await (0,external_node_events_.once)(process, 'message', { signal: AbortSignal.timeout(ORDERS_MS) });
    const orders = (0,daemon_folder/* parseOrders */.FW)(message?.orders);
    if (orders === null || !(handle instanceof external_node_net_.Server))
        throw new build_errors/* CacheError */.xA('internal', 'The keeper of the substituter gave no orders.');
    const early = createWaitingRoom();
    handle.on('connection', early.enter);
    return { orders, listener: handle, early };
}
/** Takes connections that the keeper accepted; stands in for the keeper when it dies. Gives the function that ends this. */
function meetKeeper(substituter, folder, log) {
    const onMessage = (message, handle) => {
        if (handle instanceof external_node_net_.Socket)
            substituter.take(handle);
        // The keeper keeps it until we say its number, and an early death of ours loses nothing.
        if (typeof message === 'number')
            process.send?.(message);
    };
    const onDisconnect = () => {
        log.info('The keeper has gone; this process goes on alone.');
        const own = (0,process_identity/* ownIdentity */.hY)();
        const { port, url } = substituter;
        (0,daemon_folder/* writeAddress */.oz)(folder, { ...own, worker: own, port, url }).catch((error) => log.error((0,build_errors/* describeError */.Uc)(error)));
    };
    process.on('message', onMessage).once('disconnect', onDisconnect);
    if (process.connected)
        process.send?.(worker_READY);
    else
        onDisconnect();
    return () => {
        process.off('message', onMessage).off('disconnect', onDisconnect);
    };
}
/** A bug in some reader must not take the substituter away from the job's builds. */
function surviveSurprises(log) {
    const onSurprise = (error) => log.error(`Unexpected, and survived: ${(0,build_errors/* describeError */.Uc)(error)}`);
    process.on('uncaughtException', onSurprise).on('unhandledRejection', onSurprise);
}
/** Writes statistics when they changed. Gives the reason why it is over. */
async function worker_untilEnd(substituter, folder, { lookMs, lifeMs }, signal) {
    const deadline = performance.now() + lifeMs;
    for (let written = -1;;) {
        const revision = substituter.revision();
        if (revision !== written && (await keepStatistics(substituter, folder)))
            written = revision;
        await (0,external_node_timers_promises_.setTimeout)(lookMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted)
            return String(signal.reason);
        if (performance.now() > deadline)
            return 'the longest life of a job is over';
        if (!(await (0,daemon_folder/* folderExists */.PX)(folder)))
            return 'the folder has gone';
    }
}
/** Whether they could be written: a full disk is no reason to end, and a folder that has gone is found by the next look. */
function keepStatistics(substituter, folder) {
    return (0,daemon_folder/* writeStatistics */.Dy)(folder, substituter.statistics()).then(() => true, () => false);
}
async function closeReaders({ mounts }, log, { closeMs }) {
    const limit = { limitMs: closeMs, signal: new AbortController().signal, doing: 'Closing the caches' };
    await (0,within_limit/* withinLimit */.z)(limit, () => Promise.all(mounts.map(({ reader }) => reader.close()))).catch((error) => log.debug((0,build_errors/* describeError */.Uc)(error)));
}

;// CONCATENATED MODULE: ./build/substituter/keeper.js











/** Workers that may die within a minute before it is clear that more of them would not help. */
const MOST_DEATHS = 5;
const DEATHS_WITHIN_MS = 60_000;
const FIRST_PAUSE_MS = 100;
/** Beyond the time that a worker needs to close everything. */
const END_RESERVE_MS = 1_000;
/** Keeps a worker running. Returns when it ended of its own accord or was told to. @throws CacheError `internal` when the first one never served */
async function runKeeper({ folder, times, log }) {
    const end = new AbortController();
    const onSignal = () => end.abort();
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
    const orders = await (0,daemon_folder/* takeOrders */.T8)(folder);
    const waiting = createWaitingRoom();
    const server = (0,external_node_net_.createServer)({ pauseOnConnect: true }, waiting.enter);
    server.listen(0, substituter_server/* ADDRESS */.B);
    await (0,external_node_events_.once)(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string')
        throw new build_errors/* CacheError */.xA('internal', 'The substituter got no port.');
    const post = { folder, times, log, orders, server, port: address.port, waiting, end: end.signal };
    try {
        if (!(await keepWorkers(post)))
            await refuseAll(post);
    }
    finally {
        server.close();
        waiting.close();
    }
}
/** Whether it came to an orderly end; otherwise too many workers died. */
async function keepWorkers(post) {
    const { log, end } = post;
    const deaths = [];
    let everServed = false;
    for (;;) {
        const { death, served } = await keeper_employ(post);
        if (death === null || end.aborted)
            return true;
        everServed ||= served;
        if (!everServed)
            throw new build_errors/* CacheError */.xA('internal', `The worker of the substituter ${death} before it served.`);
        const now = performance.now();
        const recent = deaths.filter((time) => time > now - DEATHS_WITHIN_MS).length;
        deaths.push(now);
        if (recent >= MOST_DEATHS)
            return false;
        log.info(`The worker ${death}; another one takes its place.`);
        // The first one at once: clients wait.
        if (recent > 0)
            await (0,external_node_timers_promises_.setTimeout)(FIRST_PAUSE_MS * 2 ** recent, undefined, { signal: end }).catch(() => undefined);
        if (end.aborted)
            return true;
    }
}
/** One worker, from start to end. `death`: how it ended, `null` when it was meant to. */
async function keeper_employ(post) {
    const { orders, server, waiting, end, log } = post;
    const [script, ...args] = process.argv.slice(1);
    if (script === undefined)
        throw new build_errors/* CacheError */.xA('internal', 'The substituter does not know its own program.');
    const worker = (0,external_node_child_process_.fork)(script, args, {
        env: { ...process.env, [worker_WORKER_VARIABLE]: '1' },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    // A worker that dies with the message on its way is told by its end.
    const ignore = () => undefined;
    let served = false;
    /** Connections on their way to the worker: it may die before it has them. */
    const underway = new Map();
    const pass = (connection) => {
        const number = underway.size === 0 ? 0 : Math.max(...underway.keys()) + 1;
        underway.set(number, connection);
        worker.send(number, connection, { keepOpen: true }, ignore);
    };
    worker.on('message', (message) => {
        if (message === worker_READY) {
            served = true;
            waiting.leadTo(pass);
            announce(post, (0,process_identity/* identityOf */.cu)(worker.pid ?? 0)).catch((error) => log.error((0,build_errors/* describeError */.Uc)(error)));
        }
        else if (typeof message === 'number') {
            // Only our end of it: the connection is the worker's now.
            underway.get(message)?.destroy();
            underway.delete(message);
        }
    });
    worker.send({ orders }, server, { keepOpen: true }, ignore);
    const death = await endOf(worker, post);
    waiting.leadTo(null);
    for (const connection of underway.values())
        waiting.enter(connection);
    if (end.aborted)
        return { death: null, served };
    // Status 0 is no proof: whoever calls `runDaemon` may turn an error into a line of the log.
    return { death: served ? death : (death ?? 'ended with status 0'), served };
}
function announce({ folder, port, orders }, worker) {
    return (0,daemon_folder/* writeAddress */.oz)(folder, { ...(0,process_identity/* ownIdentity */.hY)(), worker, port, url: `http://${substituter_server/* ADDRESS */.B}:${port}/${orders.prefix}` });
}
async function endOf(worker, { end, server, times }) {
    const ended = new Promise((resolve) => {
        worker.once('error', (error) => resolve(`could not be started (${(0,build_errors/* describeError */.Uc)(error)})`));
        worker.once('exit', (status, signal) => resolve(status === 0 ? null : `ended with ${signal ?? `status ${status}`}`));
    });
    let force;
    const stop = () => {
        // Otherwise connections would come in here, and nobody would serve them.
        server.close();
        worker.kill('SIGTERM');
        force = setTimeout(() => worker.kill('SIGKILL'), 2 * times.closeMs + END_RESERVE_MS);
    };
    end.addEventListener('abort', stop, { once: true });
    if (end.aborted)
        stop();
    const death = await ended;
    end.removeEventListener('abort', stop);
    clearTimeout(force);
    return death;
}
/** What is left when no worker stays alive: everything is a miss, which harms no build. */
async function refuseAll(post) {
    const { folder, waiting, end, log, times } = post;
    log.error('Too many workers of the substituter died: from now on nothing is served.');
    const http = (0,external_node_http_.createServer)((_request, response) => {
        response.writeHead(404, { 'content-length': '0', connection: 'close' }).end();
    });
    waiting.leadTo((connection) => {
        http.emit('connection', connection);
        connection.resume();
    });
    await announce(post, (0,process_identity/* ownIdentity */.hY)()).catch((error) => log.error((0,build_errors/* describeError */.Uc)(error)));
    const deadline = performance.now() + times.lifeMs;
    while (!end.aborted && performance.now() < deadline && (await (0,daemon_folder/* folderExists */.PX)(folder))) {
        await (0,external_node_timers_promises_.setTimeout)(times.lookMs, undefined, { signal: end }).catch(() => undefined);
    }
}

;// CONCATENATED MODULE: ./build/substituter/run-daemon.js


/** A job has at most six hours on GitHub's machines, and five days on one's own (GitHub's documentation, "Usage limits for self-hosted runners"). */
const DEFAULT_TIMES = { lookMs: 2_000, lifeMs: (5 * 24 + 1) * 3_600_000, closeMs: 1_500 };
/**
 * The background process, which is two: the keeper, the one that `startDaemon` started, and its worker, the same program once more, which opens the cache and
 * serves it. Both listen on the same socket. Should the worker be killed (an out-of-memory killer takes the larger process, and those of a step before all
 * others), the keeper lets clients wait and starts another one; should the keeper be killed, the worker goes on. For Nix fails the build when a substituter that it
 * knows disappears.
 *
 * Ends on SIGTERM and SIGINT, when its folder has gone, and after a lifetime. Returns when all is closed and the last statistics are written; what the process
 * may still have open then is the caller's to end. @throws CacheError when it can't begin
 */
async function runDaemon(options) {
    const times = { ...DEFAULT_TIMES, ...options.times };
    if (isWorker())
        await runWorker({ ...options, times });
    else
        await runKeeper({ ...options, times });
}

// EXTERNAL MODULE: ./build/phases/mount-reader.js
var mount_reader = __webpack_require__(1838);
;// CONCATENATED MODULE: ./build/phases/serve-handover.js

/** What `main` of this very version wrote. @throws CacheError `state-invalid` */
function asServeHandover(value) {
    if (isHandover(value))
        return value;
    throw new build_errors/* CacheError */.xA('state-invalid', 'What main handed to serve is of another version.');
}
function isHandover(value) {
    return (typeof value === 'object' &&
        value !== null &&
        'version' in value &&
        value.version === 1 &&
        'storeDir' in value &&
        typeof value.storeDir === 'string' &&
        'netrc' in value &&
        Array.isArray(value.netrc) &&
        'mounts' in value &&
        Array.isArray(value.mounts));
}

;// CONCATENATED MODULE: ./build/phases/serve.js











/** The background process: serves to Nix what that can't read by itself, until post ends it. Its only argument is the folder of its files. */
async function serve_serve() {
    const runner = createRunner(process.env, false);
    await runPhase('serve', runner, async () => {
        const folder = process.argv[2];
        if (folder === undefined)
            throw new build_errors/* CacheError */.xA('internal', 'serve is started by main, with the folder of its files.');
        await runDaemon({ folder, open: openAll(runner, folder), log: runner.log });
    });
    // Whatever is still open (an idle connection to the cache) must not keep post waiting.
    process.exit();
}
function openAll(runner, folder) {
    return async (handover) => {
        const { storeDir, netrc, mounts } = asServeHandover(handover);
        const opened = await Promise.all(mounts.map(async ({ name, label, priority, source }) => {
            const reader = source.kind === 'actions-cache'
                ? await openStore(runner, folder, storeDir, source.indexesFolder)
                : await (0,mount_reader/* openMountReader */.F)(runner, storeDir, netrc, source);
            return { name, priority, reader: { ...reader, label } };
        }));
        return { mounts: opened, storeDir };
    };
}
async function openStore(runner, folder, storeDir, indexesFolder) {
    const { service, close } = await (0,actions_cache/* openService */.IH)(runner, folder, storeDir, mount_reader/* MOUNT_EFFORT */.f, indexesFolder);
    if (service === null)
        throw new build_errors/* CacheError */.xA('cache-unreachable', 'This runner has no Actions cache.');
    const packs = (0,actions_cache_packs/* createPacks */.r)(service);
    const { index } = await (0,known_indexes/* loadIndexes */.$G)(indexesFolder, runner.log, packs.gone);
    const onClose = async () => {
        await (0,substituter/* writePackFindings */.LW)(folder, packs.findings());
        await close();
    };
    return createStoreReader({ index, packs, log: runner.log, onClose });
}

// EXTERNAL MODULE: ./build/backends/actions-cache/toolkit-program.js
var toolkit_program = __webpack_require__(7400);
;// CONCATENATED MODULE: ./build/phases/toolkit.js

/** The process that `@actions/cache` runs in. Its only argument is what it is asked. */
async function toolkit() {
    await (0,toolkit_program/* runToolkit */.K)(process.argv[2] ?? '');
}

;// CONCATENATED MODULE: ./build/program.js









/***/ }),

/***/ 6135:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   kl: () => (/* binding */ parseSizeBytes),
/* harmony export */   yi: () => (/* binding */ parseDurationMs),
/* harmony export */   z3: () => (/* binding */ formatBytes)
/* harmony export */ });
const SIZE_UNITS = {
    '': 1,
    b: 1,
    kb: 1e3,
    mb: 1e6,
    gb: 1e9,
    tb: 1e12,
    k: 2 ** 10,
    m: 2 ** 20,
    g: 2 ** 30,
    t: 2 ** 40,
    kib: 2 ** 10,
    mib: 2 ** 20,
    gib: 2 ** 30,
    tib: 2 ** 40,
};
const TIME_UNITS = {
    ms: 1,
    '': 1e3,
    s: 1e3,
    sec: 1e3,
    second: 1e3,
    seconds: 1e3,
    m: 6e4,
    min: 6e4,
    minute: 6e4,
    minutes: 6e4,
    h: 36e5,
    hour: 36e5,
    hours: 36e5,
};
/** `2 GiB`, `500MB`, `1024` -> bytes; `null` when it is not a size. */
function parseSizeBytes(text) {
    return parseQuantity(text, SIZE_UNITS);
}
/** `10 min`, `90s`, `1.5 h`, `600` (seconds) -> milliseconds; `null` when it is not a duration. */
function parseDurationMs(text) {
    return parseQuantity(text, TIME_UNITS);
}
function parseQuantity(text, units) {
    const match = /^(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]*)$/i.exec(text.trim());
    const unit = units[match?.[2]?.toLowerCase() ?? '?'];
    if (match?.[1] === undefined || unit === undefined)
        return null;
    const value = Math.round(Number(match[1]) * unit);
    return Number.isSafeInteger(value) ? value : null;
}
/** Bytes for people, in binary units: `640 B`, `1.4 MiB`. */
function formatBytes(bytes) {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let value = bytes;
    let unit = 0;
    for (; value >= 1024 && unit < units.length - 1; unit++)
        value /= 1024;
    return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}


/***/ }),

/***/ 6812:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   PR: () => (/* binding */ serveErrorsLine),
/* harmony export */   QS: () => (/* binding */ reportLines),
/* harmony export */   ST: () => (/* binding */ builtLines),
/* harmony export */   kw: () => (/* binding */ servedLine)
/* harmony export */ });
/* harmony import */ var _quantity_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6135);
/* harmony import */ var _words_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4702);


const LOG_LINES_PER_CLASS = 10;
const LOG_ORIGINS = 12;
/** Names of keys are chosen by whoever signs. */
const LOG_WORDS_LIMIT = 120;
/** One line on what the local substituter gave to Nix. */
function servedLine({ label, paths, bytes, cut }) {
    const broken = cut === 0 ? '' : `; ${cut} broke off on the way`;
    return `Nix read ${paths} paths (${(0,_quantity_js__WEBPACK_IMPORTED_MODULE_0__/* .formatBytes */ .z3)(bytes)}) from ${label} in this job${broken}.`;
}
/** For the log; one line when nothing was new. */
function reportLines(report) {
    const { caches, storePaths } = report;
    const lines = originLines(report);
    if (caches.some(({ paths, stoppedBy }) => paths.length > 0 || stoppedBy !== null))
        return [...lines, ...caches.filter(({ paths }) => paths.length > 0).flatMap(cacheLines)];
    if (!caches.some(({ cache }) => cache.canPush))
        return lines;
    return [...lines, `Nothing new to push: all ${storePaths} paths in the store were there before the job.`];
}
function originLines({ origins }) {
    if (origins === null || origins.length === 0)
        return [];
    const parts = origins
        .slice(0, LOG_ORIGINS)
        .map((origin) => `${origin.paths} ${clipped((0,_words_js__WEBPACK_IMPORTED_MODULE_1__/* .originWords */ .uY)(origin))} (${(0,_quantity_js__WEBPACK_IMPORTED_MODULE_0__/* .formatBytes */ .z3)(origin.narBytes)})`);
    const left = origins.slice(LOG_ORIGINS).reduce((sum, { paths }) => sum + paths, 0);
    return [`New in the store: ${(0,_words_js__WEBPACK_IMPORTED_MODULE_1__/* .oneLine */ .TN)(parts.join(', '))}${left === 0 ? '' : `, and ${left} more`}.`];
}
function clipped(text) {
    return text.length > LOG_WORDS_LIMIT ? `${text.slice(0, LOG_WORDS_LIMIT)}…` : text;
}
/** For a folded group of the log: what was built, and what is known of why. */
function builtLines({ caches, serveErrors }) {
    const lines = caches.flatMap(({ cache, built }) => built.flatMap(({ why, paths, narBytes }) => [
        `${(0,_words_js__WEBPACK_IMPORTED_MODULE_1__/* .countOf */ .pq)(paths.length)} (${(0,_quantity_js__WEBPACK_IMPORTED_MODULE_0__/* .formatBytes */ .z3)(narBytes)}): ${_words_js__WEBPACK_IMPORTED_MODULE_1__/* .WHY_BUILT_WORDS */ .MF[why]} (${cache.label}).`,
        ...paths.slice(0, LOG_LINES_PER_CLASS).map((path) => `  ${(0,_words_js__WEBPACK_IMPORTED_MODULE_1__/* .baseName */ .Fl)(path)}`),
        ...(paths.length > LOG_LINES_PER_CLASS ? [`  and ${paths.length - LOG_LINES_PER_CLASS} more`] : []),
    ]));
    const errors = serveErrorsLine(serveErrors);
    return errors === null || lines.length === 0 ? lines : [...lines, errors];
}
/** `null` when there were none. */
function serveErrorsLine(errors) {
    const parts = Object.entries(errors).map(([code, count]) => `${code} ${count}`);
    return parts.length === 0
        ? null
        : `The local substituter met failures of its caches in this job (${parts.join(', ')}), so Nix may have built what they have.`;
}
function cacheLines(report) {
    const { counts, cache, verification } = report;
    const parts = _words_js__WEBPACK_IMPORTED_MODULE_1__/* .CLASSES */ .Nv.flatMap((name) => (counts[name] === undefined ? [] : [`${counts[name].paths} ${_words_js__WEBPACK_IMPORTED_MODULE_1__/* .CLASS_WORDS */ .f5[name]}`]));
    if (counts.pushed === undefined && counts.planned === undefined && !report.paths.some((path) => _words_js__WEBPACK_IMPORTED_MODULE_1__/* .TROUBLE */ .gl.has(path.class))) {
        return [`Nothing new to push to ${cache.label}: ${parts.join(', ')}.`];
    }
    const lines = [`${cache.label}: ${parts.join(', ')}${volume(report)}.`];
    for (const name of _words_js__WEBPACK_IMPORTED_MODULE_1__/* .CLASSES */ .Nv.filter((one) => _words_js__WEBPACK_IMPORTED_MODULE_1__/* .TROUBLE */ .gl.has(one)))
        lines.push(...classLines(report, name));
    if (verification !== null && verification.checked > 0) {
        const { checked, problems } = verification;
        const result = problems.length === 0 ? 'all well' : `${problems.length} with problems`;
        lines.push((0,_words_js__WEBPACK_IMPORTED_MODULE_1__/* .isReadBack */ .WX)(report)
            ? `Read back ${checked} of the pushed paths: ${result}.`
            : `Checked ${checked} of the pushed paths in the index that was saved: ${result}. None was read back.`);
        lines.push(...problems.slice(0, LOG_LINES_PER_CLASS).map(({ path, problem }) => `  ${(0,_words_js__WEBPACK_IMPORTED_MODULE_1__/* .baseName */ .Fl)(path)}: ${(0,_words_js__WEBPACK_IMPORTED_MODULE_1__/* .oneLine */ .TN)(problem ?? '')}`));
    }
    return lines;
}
function volume({ counts, sentBytes, durationsMs }) {
    if (counts.pushed === undefined)
        return '';
    const { push, finish = 0 } = durationsMs;
    const seconds = push === undefined ? '' : ` in ${((push + finish) / 1000).toFixed(1)} s`;
    return `; ${(0,_quantity_js__WEBPACK_IMPORTED_MODULE_0__/* .formatBytes */ .z3)(counts.pushed.narBytes)} as ${(0,_quantity_js__WEBPACK_IMPORTED_MODULE_0__/* .formatBytes */ .z3)(sentBytes)}${seconds}`;
}
/** One line for each reason: when a cache is down, thousands of paths have the same. */
function classLines(report, name) {
    const groups = [...(0,_words_js__WEBPACK_IMPORTED_MODULE_1__/* .byReason */ .UN)(report.paths.filter((path) => path.class === name))];
    const lines = groups
        .slice(0, LOG_LINES_PER_CLASS)
        .map(([reason, paths]) => `  ${(0,_words_js__WEBPACK_IMPORTED_MODULE_1__/* .someNames */ .Xq)(paths)}: ${_words_js__WEBPACK_IMPORTED_MODULE_1__/* .CLASS_WORDS */ .f5[name]}. ${(0,_words_js__WEBPACK_IMPORTED_MODULE_1__/* .oneLine */ .TN)(reason)}`.trimEnd());
    return groups.length > lines.length ? [...lines, `  and for ${groups.length - lines.length} more reasons`] : lines;
}


/***/ }),

/***/ 4644:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   TZ: () => (/* binding */ originsOf),
/* harmony export */   yv: () => (/* binding */ originOf)
/* harmony export */ });
/* unused harmony export ORIGINS */
/* harmony import */ var _nix_store_path_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9605);

/** In the order in which they are shown. */
const ORIGINS = ['served', 'signed', 'unsigned', 'built', 'source', 'derivation'];
/** How one path came. A path that was sent and built all the same (its NAR broke off) was built. */
function originOf(info, served) {
    if (info.ultimate)
        return 'built';
    if (served.has((0,_nix_store_path_js__WEBPACK_IMPORTED_MODULE_0__/* .hashPartOf */ .bV)(info.path)))
        return 'served';
    if (info.signatures.length > 0)
        return 'signed';
    if (info.ca === null)
        return 'unsigned';
    return (0,_nix_store_path_js__WEBPACK_IMPORTED_MODULE_0__/* .isDerivation */ .qw)(info.path) ? 'derivation' : 'source';
}
/** All of `added` by where it came from: in the order of `ORIGINS`, the largest first within one. */
function originsOf({ added, served, servedFrom }) {
    const groups = new Map();
    for (const info of added) {
        const from = originOf(info, served);
        const names = from === 'served' ? servedFrom : from === 'signed' ? keyNamesOf(info) : [];
        const key = JSON.stringify([from, ...names]);
        const before = groups.get(key);
        const [paths, narBytes] = [(before?.paths ?? 0) + 1, (before?.narBytes ?? 0) + info.narSizeBytes];
        groups.set(key, { from, names, paths, narBytes });
    }
    return [...groups.values()].sort((a, b) => ORIGINS.indexOf(a.from) - ORIGINS.indexOf(b.from) || b.narBytes - a.narBytes);
}
function keyNamesOf({ signatures }) {
    return [...new Set(signatures.map((signature) => signature.slice(0, Math.max(0, signature.indexOf(':')))))].sort();
}


/***/ }),

/***/ 5344:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   G: () => (/* binding */ describeReason),
/* harmony export */   Z: () => (/* binding */ problemOf)
/* harmony export */ });
/* harmony import */ var _words_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(4702);

/** One line on what of the push did not succeed, why and what to do; `null` when all did. `stopped`: by a signal. */
function problemOf(report, stopped) {
    const paths = ['failed', 'corrupt', 'out-of-time'].map((name) => [name, report.counts[name]?.paths ?? 0]);
    const parts = paths
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${count} ${name === 'out-of-time' ? 'out of time' : name}`);
    const unreadable = report.verification?.problems.length ?? 0;
    if (unreadable > 0)
        parts.push(`${unreadable} pushed, but ${(0,_words_js__WEBPACK_IMPORTED_MODULE_0__/* .isReadBack */ .WX)(report) ? "not readable through the cache's URL" : 'wrong in the index that was saved'}`);
    if (report.paths.length === 0 && report.stoppedBy !== null)
        return describeReason(report.stoppedBy);
    if (parts.length === 0)
        return null;
    const why = report.stoppedBy === null ? firstReason(report, stopped) : describeReason(report.stoppedBy);
    return `Not every path was pushed to ${report.cache.label}: ${parts.join(', ')}. ${why}`;
}
/** What ended a push, and what to do about it. */
function describeReason({ message, hint }) {
    return hint === null ? message : `${message} ${hint}`;
}
const UNREADABLE_HINT = 'Do its URL and `push-url` lead to the same repository, and does that keep all it takes?';
/** What one path failed of, where the run did not end with one reason for all. */
function firstReason(report, stopped) {
    const path = report.paths.find(({ class: name, reason }) => (name === 'failed' || name === 'corrupt') && reason !== null);
    if (path !== undefined)
        return `${(0,_words_js__WEBPACK_IMPORTED_MODULE_0__/* .baseName */ .Fl)(path.path)}: ${path.reason}`;
    const finding = report.verification?.problems[0];
    if (finding !== undefined) {
        const text = `${(0,_words_js__WEBPACK_IMPORTED_MODULE_0__/* .baseName */ .Fl)(finding.path)}: ${finding.problem?.replace(/\.$/, '')}.`;
        return report.cache.kind === 'http' ? `${text} ${UNREADABLE_HINT}` : text;
    }
    return stopped
        ? 'A signal ended the push; the rest is left for the next job.'
        : 'Raise `push-timeout`, or leave large paths out with `max-path-size`; a server that stalls says why in its own log.';
}


/***/ }),

/***/ 6098:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  d: () => (/* binding */ makeReport),
  l: () => (/* binding */ reportJson)
});

// EXTERNAL MODULE: ./build/quantity.js
var quantity = __webpack_require__(6135);
;// CONCATENATED MODULE: ./build/report/built.js
/** In the order in which they are shown: what people can do something about first. */
const WHY_BUILT = [
    'not-read',
    'kept-out',
    'lost',
    'untrusted',
    'differs',
    'there',
    'forbidden',
    'not-there',
];
/** By reason; empty where the cache was not asked: then nothing is known. */
function whyBuilt({ built, plan, lost, untrusted, forbidden, isRead }) {
    if (plan === null)
        return [];
    const groups = new Map();
    for (const info of built) {
        const verdict = plan.paths.get(info.path)?.verdict;
        const missing = lost.has(info.path) ? 'lost' : untrusted.has(info.path) ? 'untrusted' : 'not-there';
        const why = verdict === undefined ? null : reasonOf(verdict, missing, forbidden.has(info.path));
        if (why === null)
            continue;
        const reason = isRead || why === 'forbidden' ? why : 'not-read';
        const group = groups.get(reason);
        if (group === undefined)
            groups.set(reason, [info]);
        else
            group.push(info);
    }
    return WHY_BUILT.flatMap((why) => {
        const infos = groups.get(why);
        return infos === undefined ? [] : [grouped(why, infos)];
    });
}
function grouped(why, infos) {
    return { why, paths: infos.map(({ path }) => path), narBytes: infos.reduce((sum, info) => sum + info.narSizeBytes, 0) };
}
function reasonOf(verdict, missing, isForbidden) {
    switch (verdict.class) {
        case 'push':
            return missing;
        case 'present':
            return isForbidden ? 'forbidden' : 'there';
        case 'differs':
            return isForbidden ? 'forbidden' : 'differs';
        case 'withheld':
        case 'excluded':
        case 'too-large':
        case 'signed-upstream':
            return 'kept-out';
        // What a substituter has and nobody here signed was not built here.
        case 'upstream':
        case 'derivation':
        case 'vanished':
            return null;
    }
}

// EXTERNAL MODULE: ./build/report/origins.js
var report_origins = __webpack_require__(4644);
// EXTERNAL MODULE: ./build/report/words.js
var words = __webpack_require__(4702);
;// CONCATENATED MODULE: ./build/report/report.js




function makeReport({ caches, added, served, serveErrors, storePaths, durationsMs, warnings }) {
    const origins = added === null ? null : (0,report_origins/* originsOf */.TZ)({ added: added.infos, served: added.served, servedFrom: sentFrom(served) });
    const built = added === null ? [] : builtOf(added);
    const reports = caches.map((cache) => cacheReport(cache, built, added?.forbidden ?? new Set()));
    return {
        version: 1,
        origins,
        built: built.map(({ path, narSizeBytes }) => ({ path, narSizeBytes })),
        caches: reports,
        served,
        serveErrors,
        storePaths,
        durationsMs,
        warnings,
    };
}
/** The largest first. */
function builtOf({ infos, served }) {
    return infos
        .filter((info) => (0,report_origins/* originOf */.yv)(info, served) === 'built')
        .sort((a, b) => b.narSizeBytes - a.narSizeBytes || (a.path < b.path ? -1 : 1));
}
function sentFrom(served) {
    return served.filter(({ paths }) => paths > 0).map(({ label }) => label);
}
function cacheReport(facts, built, forbidden) {
    const { cache, plan, failure, result, findings, lost, untrusted, isRead, durationsMs } = facts;
    const paths = plan === null ? [] : [...plan.paths.values()].map((planned) => reported(planned, result?.outcomes.get(planned.path) ?? null));
    const counts = {};
    for (const path of paths) {
        const { paths: number, narBytes } = counts[path.class] ?? { paths: 0, narBytes: 0 };
        counts[path.class] = { paths: number + 1, narBytes: narBytes + (path.narSizeBytes ?? 0) };
    }
    return {
        cache,
        counts,
        sentBytes: paths.reduce((sum, path) => sum + (path.sentBytes ?? 0), 0),
        paths,
        built: whyBuilt({ built, plan, lost, untrusted, forbidden, isRead }),
        stoppedBy: failure ?? result?.stoppedBy ?? null,
        verification: findings === null ? null : { checked: findings.length, problems: findings.filter((finding) => finding.problem !== null) },
        durationsMs,
    };
}
function reported({ path, info, verdict }, outcome) {
    const common = { path, narSizeBytes: info?.narSizeBytes ?? null, sentBytes: null };
    switch (verdict.class) {
        case 'push':
            return { ...common, ...(outcome === null ? { class: 'planned', reason: null } : ended(outcome)) };
        case 'differs':
            return {
                ...common,
                class: 'differs',
                reason: `The cache has it with the NAR hash ${verdict.narHash}: the build is not reproducible.`,
            };
        case 'signed-upstream':
            return { ...common, class: 'signed-upstream', reason: `Signed by ${verdict.keyName}.` };
        case 'upstream':
            return { ...common, class: 'upstream', reason: `${verdict.substituter} has it.` };
        case 'excluded':
            return {
                ...common,
                class: 'excluded',
                reason: verdict.pattern === null ? 'No expression of `include` matches.' : `Matches ${verdict.pattern}.`,
            };
        case 'too-large':
            return { ...common, class: 'too-large', reason: `Larger than ${(0,quantity/* formatBytes */.z3)(verdict.limitBytes)}.` };
        case 'withheld':
            return { ...common, class: 'withheld', reason: (0,words/* withheldReason */.I8)(verdict) };
        case 'present':
        case 'derivation':
        case 'vanished':
            return { ...common, class: verdict.class, reason: null };
    }
}
function ended(outcome) {
    switch (outcome.class) {
        case 'pushed':
            return { class: 'pushed', reason: null, sentBytes: outcome.sentBytes };
        case 'corrupt':
        case 'failed':
            return { class: outcome.class, reason: outcome.message, sentBytes: null };
        case 'withheld':
            return { class: 'withheld', reason: (0,words/* withheldReason */.I8)(outcome), sentBytes: null };
        case 'vanished':
        case 'out-of-time':
            return { class: outcome.class, reason: null, sentBytes: null };
    }
}
function reportJson(report) {
    return `${JSON.stringify(report, null, '\t')}\n`;
}


/***/ }),

/***/ 4702:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   EU: () => (/* binding */ shortName),
/* harmony export */   Fl: () => (/* binding */ baseName),
/* harmony export */   I8: () => (/* binding */ withheldReason),
/* harmony export */   MF: () => (/* binding */ WHY_BUILT_WORDS),
/* harmony export */   Nv: () => (/* binding */ CLASSES),
/* harmony export */   TN: () => (/* binding */ oneLine),
/* harmony export */   UN: () => (/* binding */ byReason),
/* harmony export */   WX: () => (/* binding */ isReadBack),
/* harmony export */   Xq: () => (/* binding */ someNames),
/* harmony export */   f5: () => (/* binding */ CLASS_WORDS),
/* harmony export */   gl: () => (/* binding */ TROUBLE),
/* harmony export */   pq: () => (/* binding */ countOf),
/* harmony export */   uY: () => (/* binding */ originWords)
/* harmony export */ });
/** How classes are named for people: after a number of paths, or after "which is". */
const CLASS_WORDS = {
    pushed: 'pushed',
    planned: 'to be pushed',
    present: 'already there',
    differs: 'there with other content',
    'signed-upstream': 'signed by an upstream',
    upstream: 'at a substituter',
    excluded: 'excluded',
    withheld: 'withheld',
    'too-large': 'too large',
    derivation: 'derivation files',
    vanished: 'gone from the store',
    corrupt: 'corrupt',
    failed: 'failed',
    'out-of-time': 'out of time',
    circular: 'part of a circle',
};
/** In the order in which they are shown. */
const CLASSES = [
    'pushed',
    'planned',
    'failed',
    'corrupt',
    'out-of-time',
    'withheld',
    'present',
    'differs',
    'signed-upstream',
    'upstream',
    'excluded',
    'too-large',
    'derivation',
    'vanished',
];
/** Worth a line of its own in the log. */
const TROUBLE = new Set(['failed', 'corrupt', 'out-of-time', 'withheld', 'differs', 'vanished']);
/** Ends "Nix built it; it was ...": what the cache had of it. */
const WHY_BUILT_WORDS = {
    'not-there': 'not in the cache: new, with changed inputs, never pushed, or removed',
    lost: 'in the cache once, but its bytes are gone (evicted)',
    untrusted: 'in the cache, but signed by no key that this job trusts',
    forbidden: 'in the cache, but its derivation forbids substitution (allowSubstitutes = false)',
    differs: 'in the cache with other content, so the build is not reproducible',
    there: 'in the cache when the job ended; why Nix did not take it is unknown (for example: it came only while the job ran, no trusted key signed it, `--option substituters` or a flake hid the cache, or an outage)',
    'kept-out': "kept out of the cache by this workflow's inputs (include, exclude, max-path-size, skip-signed-by)",
    'not-read': 'not asked for: Nix did not read from this cache, which failed when the job began or for which Nix could not be set up',
};
/** Where paths came from: a few words. */
function originWords({ from, names }) {
    switch (from) {
        case 'built':
            return 'built here';
        case 'served':
            return `from ${names.join(', ') || 'the local substituter'}`;
        case 'signed':
            return `signed by ${names.join(', ')}`;
        case 'source':
            return 'sources and texts';
        case 'derivation':
            return 'derivation files';
        case 'unsigned':
            return 'copied here without a signature';
    }
}
function withheldReason({ culprit, culpritClass }) {
    return `It needs ${baseName(culprit)}, which ${culpritClass === 'failed' ? '' : 'is '}${CLASS_WORDS[culpritClass]}.`;
}
function byReason(paths) {
    return Map.groupBy(paths, (path) => path.reason ?? '');
}
/** The first of them, and how many more. */
function someNames(paths) {
    const first = baseName(paths[0]?.path ?? '');
    return paths.length === 1 ? first : `${first} and ${paths.length - 1} more`;
}
function countOf(paths) {
    return `${paths} ${paths === 1 ? 'path' : 'paths'}`;
}
function oneLine(text) {
    return text.replace(/\s+/g, ' ').trim();
}
/** What people call it: without the hash. */
function shortName(path) {
    return baseName(path).replace(/^[0-9a-z]{32}-/, '');
}
function baseName(path) {
    return path.slice(path.lastIndexOf('/') + 1);
}
/**
 * Whether `verification` is of what the cache answered. Paths of the Actions cache become visible together, and each answer of GitHub's counts towards its
 * limits, so those are checked in the index that was saved.
 */
function isReadBack({ cache }) {
    return cache.kind !== 'actions-cache';
}


/***/ }),

/***/ 305:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  g_: () => (/* binding */ configureNix),
  zU: () => (/* binding */ undoConfiguration),
  nT: () => (/* binding */ userName)
});

// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/netrc.js
var netrc = __webpack_require__(6188);
// EXTERNAL MODULE: ./build/nix/nix-conf.js
var nix_conf = __webpack_require__(8002);
// EXTERNAL MODULE: ./build/problem.js
var build_problem = __webpack_require__(411);
// EXTERNAL MODULE: ./build/store/nix-command.js + 1 modules
var nix_command = __webpack_require__(4705);
;// CONCATENATED MODULE: ./build/setup/configuration.js
const NOTHING_TOLD = { route: 'none', userConfFile: null, netrc: null, system: null };

// EXTERNAL MODULE: ./build/setup/daemon.js
var daemon = __webpack_require__(128);
// EXTERNAL MODULE: ./build/setup/netrc-file.js
var netrc_file = __webpack_require__(7745);
// EXTERNAL MODULE: ./build/setup/private-file.js
var private_file = __webpack_require__(6124);
// EXTERNAL MODULE: ./build/setup/route.js
var route = __webpack_require__(7199);
// EXTERNAL MODULE: ./build/setup/run-as-root.js
var run_as_root = __webpack_require__(6853);
// EXTERNAL MODULE: ./build/setup/system-include.js + 1 modules
var system_include = __webpack_require__(8066);
// EXTERNAL MODULE: ./build/setup/untrusted.js
var untrusted = __webpack_require__(2660);
// EXTERNAL MODULE: ./build/setup/user-file.js
var user_file = __webpack_require__(6402);
;// CONCATENATED MODULE: ./build/setup/configure-nix.js
















const CREDENTIALS_NOT_TAKEN = {
    code: 'credentials-not-taken',
    level: 'warning',
    title: 'The Nix daemon takes no credentials from this user',
    message: 'The Nix daemon knows the caches of this step, but takes no credentials from this user.',
    fix: "Put an entry for their hosts, `machine HOST login USER password PASSWORD`, into the daemon's own netrc (`/etc/nix/netrc`), and let this user read it.",
};
/**
 * Tells Nix what `wish` says for the rest of the job, by the route with the least rights that works. `previous` is what an earlier phase of this
 * step did: it is kept where it says the same, and replaced where not. Where this user can't tell Nix, one warning says what an administrator
 * has to add. Throws `config-failed`, `file-failed`, `disk-full`, and `format-invalid` for a value that Nix can't read.
 */
async function configureNix(wish, store, previous, context) {
    const choice = isNothing(wish) ? { route: 'none' } : await (0,route/* chooseRoute */.Xb)(wish, store, previous, context);
    if (previous !== null && previous.route !== choice.route)
        await undoConfiguration(previous, context);
    const task = { wish, store, previous, context };
    switch (choice.route) {
        case 'user-file':
            return choice.limited ? useGrant(task) : useOwnFile(task);
        case 'system-include':
            return useInclude(choice.system, task);
        case 'advice-only':
            return advise(choice.why, task);
        case 'already-there':
            await sayWhatIsMissing(task);
            return remembered({ ...NOTHING_TOLD, route: 'already-there' }, context);
        case 'none':
            return remembered(NOTHING_TOLD, context);
    }
}
/**
 * Takes back what was told, also when that was stopped in the middle, and leaves what others have changed since. Doing it twice does no harm.
 * Secrets go first. Throws `config-failed`.
 */
async function undoConfiguration(configuration, context) {
    const { netrc, userConfFile, system } = configuration;
    if (netrc !== null)
        await (0,private_file/* removePrivateFile */.w)(netrc.file);
    if (userConfFile !== null)
        await (0,user_file/* forgetUserConf */.Zq)(userConfFile, context);
    if (system !== null)
        await undoInclude(system, context);
}
async function useOwnFile(task) {
    const { wish, store, context } = task;
    const userConfFile = (0,user_file/* userConfFileOf */.tp)(context);
    const netrc = await planNetrc(task);
    const configuration = remembered({ ...NOTHING_TOLD, route: 'user-file', userConfFile, netrc }, context);
    await writeNetrc(netrc, task);
    await (0,user_file/* useUserConf */.lW)(userConfFile, confText(wish, netrc), store, context);
    return configuration;
}
/** A daemon complains on every command about settings that it does not take from this user; caches that it knows it takes. */
async function useGrant(task) {
    const { wish, store, context } = task;
    const userConfFile = (0,user_file/* userConfFileOf */.tp)(context);
    const configuration = remembered({ ...NOTHING_TOLD, route: 'user-file', userConfFile }, context);
    await (0,user_file/* useUserConf */.lW)(userConfFile, confText({ ...wish, publicKeys: [], other: [] }, null), store, context);
    await sayWhatIsMissing(task);
    return configuration;
}
/** A daemon that can't be told costs this job the cache, not the build: it becomes advice. */
async function useInclude(system, task) {
    const { wish, store, previous, context } = task;
    const netrc = await planNetrc(task);
    const configuration = remembered({ ...NOTHING_TOLD, route: 'system-include', netrc, system }, context);
    try {
        await writeNetrc(netrc, task);
        if (await (0,system_include/* addInclude */.Ep)(system, confText(wish, netrc), context))
            await (0,daemon/* restartDaemon */.I)(system.restart, store.nix, context);
    }
    catch (error) {
        if (!(0,errors/* isCacheError */.bt)(error, 'config-failed'))
            throw error;
        context.log.debug(error.message);
        await undoConfiguration(configuration, context).catch((undone) => context.log.debug(String(undone)));
        return advise(`its configuration can't be changed (${error.message})`, task);
    }
    if (previous === null)
        context.log.info(`${system.confFile} includes this job's settings until its end, as the daemon does not trust this user.`);
    return configuration;
}
function advise(why, { wish, store, previous, context }) {
    // Pre has said it already.
    if (previous?.route !== 'advice-only') {
        (0,build_problem/* tellProblem */.J)((0,untrusted/* adviceFor */.c)(wish, userName(), store.nix.about.systemConfFile, why), context.log);
    }
    return remembered({ ...NOTHING_TOLD, route: 'advice-only' }, context);
}
/** What a daemon that knows the caches, but does not trust the user, can't be told; unless its netrc, where this user may read it, has it already. */
async function sayWhatIsMissing({ wish, store, previous, context }) {
    if (previous !== null || wish.netrc.length === 0)
        return;
    const { netrcFile } = await (0,route/* settingsWithoutOurs */.To)(store, context);
    const { entries } = await (0,netrc_file/* readNetrcFile */.Z)(netrcFile);
    const isThere = wish.netrc.every(({ machine }) => (0,netrc/* findNetrc */.kE)(entries, machine ?? '') !== null);
    if (!isThere)
        (0,build_problem/* tellProblem */.J)(CREDENTIALS_NOT_TAKEN, context.log);
}
async function undoInclude(system, context) {
    if (!(await (0,run_as_root/* canBecomeRoot */.eY)(context))) {
        throw new errors/* CacheError */.xA('config-failed', `${system.confFile} still includes ${system.includeFile}: sudo asks for a password now.`, {
            hint: 'Remove that line and restart the Nix daemon.',
        });
    }
    if (!(await (0,system_include/* removeInclude */.BJ)(system, context)))
        return;
    const nix = await (0,nix_command/* findNix */.rv)(context);
    if (nix !== null)
        await (0,daemon/* restartDaemon */.I)(system.restart, nix, context);
}
/** Only settings that add, and the one for the netrc, which goes with a copy of what it hides: docs/decisions/002-settings-that-only-add.md. */
function confText(wish, netrc) {
    return [
        ...(wish.substituters.length > 0 ? [(0,nix_conf/* formatSetting */.w)('extra-substituters', wish.substituters)] : []),
        ...(wish.publicKeys.length > 0 ? [(0,nix_conf/* formatSetting */.w)('extra-trusted-public-keys', wish.publicKeys)] : []),
        ...(netrc === null ? [] : [(0,nix_conf/* formatSetting */.w)('netrc-file', netrc.file)]),
        ...wish.other.map(([name, value]) => (0,nix_conf/* formatSetting */.w)(name, value)),
    ].join('');
}
async function planNetrc({ wish, store, previous, context }) {
    if (wish.netrc.length === 0)
        return null;
    const file = (0,external_node_path_.join)(context.folder, 'netrc');
    const mayHaveChanged = previous?.system || (previous !== null && hasOtherFiles(store, previous, context));
    if (previous?.netrc && !mayHaveChanged)
        return previous.netrc;
    const { netrcFile } = await (0,route/* settingsWithoutOurs */.To)(store, context);
    return { file, replaces: netrcFile === file ? (previous?.netrc?.replaces ?? netrcFile) : netrcFile };
}
/** Whether Nix reads files that it does not by itself: those of other uses of the action in this job, which may name a netrc since. */
function hasOtherFiles(store, { userConfFile }, { env }) {
    const usual = new Set([userConfFile, ...store.nix.about.userConfFiles]);
    return (env.NIX_USER_CONF_FILES ?? '').split(':').some((file) => file !== '' && !usual.has(file));
}
async function writeNetrc(netrc, { wish, previous, context }) {
    if (netrc === null) {
        if (previous?.netrc)
            await (0,private_file/* removePrivateFile */.w)(previous.netrc.file);
        return;
    }
    const problem = await (0,netrc_file/* writeNetrcFile */.Q)(netrc.file, wish.netrc, netrc.replaces, context);
    if (problem !== null && previous === null)
        (0,build_problem/* tellProblem */.J)(problem, context.log);
}
function remembered(configuration, context) {
    context.remember(configuration);
    return configuration;
}
function isNothing({ substituters, publicKeys, netrc, other }) {
    return substituters.length + publicKeys.length + netrc.length + other.length === 0;
}
/** The user of this job, for people. */
function userName() {
    try {
        return (0,external_node_os_.userInfo)().username;
    }
    catch {
        // A uid without an entry in the user database.
        return String(process.getuid?.() ?? 'of this job');
    }
}


/***/ }),

/***/ 128:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   I: () => (/* binding */ restartDaemon),
/* harmony export */   h: () => (/* binding */ findRestart)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8500);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9473);
/* harmony import */ var _store_trust_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(8804);
/* harmony import */ var _run_as_root_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(6853);





/** `org.nixos.` is that of the usual installer on macOS, the other one Determinate's. */
const LAUNCHD_LABELS = ['org.nixos.nix-daemon', 'systems.determinate.nix-daemon'];
const SYSTEMD_SERVICE = 'nix-daemon.service';
const ANSWER_TIMEOUT_MS = 30_000;
const RETRY_MS = 100;
/** The command that restarts the Nix daemon, to be run as root; `null` when neither systemd nor launchd runs it. */
async function findRestart(caller) {
    const works = (...command) => (0,_run_as_root_js__WEBPACK_IMPORTED_MODULE_4__/* .runAsRoot */ .yf)(command, caller).then(() => true, () => false);
    if (process.platform === 'darwin') {
        for (const label of LAUNCHD_LABELS) {
            if (await works('launchctl', 'print', `system/${label}`))
                return ['launchctl', 'kickstart', '-k', `system/${label}`];
        }
        return null;
    }
    // The folder is there when systemd is what started the machine (sd_booted(3)).
    const booted = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.access)('/run/systemd/system').then(() => true, () => false);
    return booted && (await works('systemctl', 'is-active', '--quiet', SYSTEMD_SERVICE))
        ? ['systemctl', 'restart', SYSTEMD_SERVICE]
        : null;
}
/**
 * Restarts the daemon and waits until it answers. Throws `config-failed`.
 *
 * systemd leaves a service stopped that is to be started a sixth time within ten seconds (systemd.unit(5), `StartLimitBurst`). Several uses of the action, or
 * jobs on one machine, would come to that; it begins to count anew when told to forget failures.
 */
async function restartDaemon(restart, nix, caller) {
    if (restart[0] === 'systemctl')
        await (0,_run_as_root_js__WEBPACK_IMPORTED_MODULE_4__/* .runAsRoot */ .yf)(['systemctl', 'reset-failed', SYSTEMD_SERVICE], caller).catch(() => undefined);
    await (0,_run_as_root_js__WEBPACK_IMPORTED_MODULE_4__/* .runAsRoot */ .yf)(restart, caller);
    const deadline = performance.now() + ANSWER_TIMEOUT_MS;
    for (;;) {
        try {
            await (0,_store_trust_js__WEBPACK_IMPORTED_MODULE_3__/* .askDaemon */ .Ii)(nix, caller.signal);
            return;
        }
        catch (cause) {
            if (!(0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .isCacheError */ .bt)(cause, 'store-unreadable'))
                throw cause;
            if (performance.now() > deadline) {
                throw new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .CacheError */ .xA('config-failed', `After its restart: ${cause.message}`, { cause });
            }
        }
        await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_1__.setTimeout)(RETRY_MS);
    }
}


/***/ }),

/***/ 7745:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Q: () => (/* binding */ writeNetrcFile),
/* harmony export */   Z: () => (/* binding */ readNetrcFile)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);
/* harmony import */ var _nix_netrc_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6188);
/* harmony import */ var _private_file_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(6124);
/* harmony import */ var _run_as_root_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(6853);





/** Reads the netrc that Nix is set to use (`netrc-file`). `readForbidden` is asked for a text that this user may not read. Does not throw. */
async function readNetrcFile(file, readForbidden = nobody) {
    try {
        return { entries: (0,_nix_netrc_js__WEBPACK_IMPORTED_MODULE_2__/* .parseNetrc */ .QZ)(await readText(file, readForbidden)), problem: null };
    }
    catch (error) {
        if ((0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .systemCode */ .xU)(error) === 'ENOENT')
            return { entries: [], problem: null };
        return { entries: [], problem: unreadable(file, error) };
    }
}
/**
 * Writes the netrc that Nix downloads with, for this user and root alone. `netrc-file` is not additive, so the entries of the one that Nix would
 * have read (`existing`) go on behind ours: for a host that the workflow gives credentials for, these win, since the first entry of a host
 * counts. A multi-user install often has one that only root may read: it is read as root, where that works. Gives a problem as `readNetrcFile`
 * does. Throws `format-invalid` when something is too long for Nix, `file-failed`.
 */
async function writeNetrcFile(file, ours, existing, caller) {
    const { entries, problem } = await readNetrcFile(existing, async () => (await (0,_run_as_root_js__WEBPACK_IMPORTED_MODULE_4__/* .canBecomeRoot */ .eY)(caller)) ? (0,_run_as_root_js__WEBPACK_IMPORTED_MODULE_4__/* .runAsRoot */ .yf)(['cat', '--', existing], caller) : null);
    await (0,_private_file_js__WEBPACK_IMPORTED_MODULE_3__/* .writePrivateFile */ .P)(file, (0,_nix_netrc_js__WEBPACK_IMPORTED_MODULE_2__/* .formatNetrc */ .gG)([...ours, ...entries]));
    return problem;
}
function unreadable(file, error) {
    const isForbidden = (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .systemCode */ .xU)(error) === 'EACCES';
    return {
        code: 'netrc-unreadable',
        level: 'warning',
        title: 'The netrc can not be read',
        message: `The entries of ${file} do not count in this job: ${withFullStop((0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .describeError */ .Uc)(error))}`,
        fix: isForbidden
            ? `Let this user read it in a step before, \`sudo chgrp "$(id -gn)" ${file} && sudo chmod g+r ${file}\`, or give its entries in \`netrc\`.`
            : 'Write it as `machine HOST login USER password PASSWORD`, or give its entries in `netrc`.',
    };
}
function withFullStop(text) {
    return text.endsWith('.') ? text : `${text}.`;
}
async function readText(file, readForbidden) {
    try {
        return await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readFile)(file, 'utf8');
    }
    catch (error) {
        const text = (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .systemCode */ .xU)(error) === 'EACCES' ? await readForbidden() : null;
        if (text === null)
            throw error;
        return text;
    }
}
async function nobody() {
    return null;
}


/***/ }),

/***/ 7199:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   To: () => (/* binding */ settingsWithoutOurs),
/* harmony export */   Xb: () => (/* binding */ chooseRoute),
/* harmony export */   gB: () => (/* binding */ whyNothingNew)
/* harmony export */ });
/* harmony import */ var _store_settings_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(4305);
/* harmony import */ var _daemon_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(128);
/* harmony import */ var _run_as_root_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6853);
/* harmony import */ var _system_include_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(8066);
/* harmony import */ var _untrusted_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(2660);
/* harmony import */ var _user_file_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(6402);






/** Nix's settings without what this use of the action told it through the user's files. */
async function settingsWithoutOurs(store, context) {
    const listed = context.env[_user_file_js__WEBPACK_IMPORTED_MODULE_4__/* .NIX_USER_CONF_FILES */ .n3]?.split(':') ?? [];
    const ours = (0,_user_file_js__WEBPACK_IMPORTED_MODULE_4__/* .userConfFileOf */ .tp)(context);
    if (!listed.includes(ours))
        return store.settings(context.signal);
    const others = listed.filter((file) => file !== ours).join(':');
    return (0,_store_settings_js__WEBPACK_IMPORTED_MODULE_0__/* .querySettings */ .s)(store.nix.withEnvironment({ [_user_file_js__WEBPACK_IMPORTED_MODULE_4__/* .NIX_USER_CONF_FILES */ .n3]: others }), context.signal);
}
/**
 * Through the user's files where Nix heeds them. Else what the daemon grants everybody for good, when that is all that is wished for; else the system's
 * configuration, where this user can act as root; else nothing.
 */
async function chooseRoute(wish, store, previous, context) {
    if (store.trust !== 'untrusted')
        return { route: 'user-file', limited: false };
    const grant = previous?.system ? 'denied' : (0,_untrusted_js__WEBPACK_IMPORTED_MODULE_5__/* .grantOf */ .o)(wish, await settingsWithoutOurs(store, context));
    const asGranted = grant === 'already' ? { route: 'already-there' } : { route: 'user-file', limited: true };
    const isEnough = grant !== 'denied' && wish.netrc.length === 0 && wish.other.length === 0;
    // What another job has included grants it until that ends.
    if (isEnough && !(await (0,_system_include_js__WEBPACK_IMPORTED_MODULE_3__/* .includesOthers */ .js)(store, context)))
        return asGranted;
    const asRoot = await chooseInclude(store, previous, context);
    return asRoot.route === 'system-include' || grant === 'denied' ? asRoot : asGranted;
}
/**
 * Why Nix can't be told of a cache that nobody could have granted before, such as one with a port of this job's; `null` when it can. The text ends the
 * sentence "the daemon does not trust the user, and ...".
 */
async function whyNothingNew(store, previous, context) {
    if (store.trust !== 'untrusted')
        return null;
    const choice = await chooseInclude(store, previous, context);
    return choice.route === 'advice-only' ? choice.why : null;
}
async function chooseInclude(store, previous, context) {
    const advice = (why) => ({ route: 'advice-only', why });
    if (!(await (0,_run_as_root_js__WEBPACK_IMPORTED_MODULE_2__/* .canBecomeRoot */ .eY)(context)))
        return advice('there is no sudo without a password');
    if (previous?.system)
        return { route: 'system-include', system: previous.system };
    const restart = await (0,_daemon_js__WEBPACK_IMPORTED_MODULE_1__/* .findRestart */ .h)(context);
    if (restart === null)
        return advice('neither systemd nor launchd is there to restart it with another configuration');
    const system = await (0,_system_include_js__WEBPACK_IMPORTED_MODULE_3__/* .planInclude */ .Gj)(store, restart, context);
    return system === null
        ? advice(`its configuration ${store.nix.about.systemConfFile} is itself in the Nix store`)
        : { route: 'system-include', system };
}


/***/ }),

/***/ 6853:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   bY: () => (/* binding */ isCommandLeft),
/* harmony export */   eY: () => (/* binding */ canBecomeRoot),
/* harmony export */   yf: () => (/* binding */ runAsRoot)
/* harmony export */ });
/* harmony import */ var _actions_exec__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1955);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);


let left = false;
/** Whether a command was given up that may still run: it keeps this process alive for as long, and root's can't be ended from here. */
function isCommandLeft() {
    return left;
}
/** Whether this user is root, or `sudo` works without asking for a password. */
async function canBecomeRoot(caller) {
    return runAsRoot(['true'], caller).then(() => true, () => false);
}
/** Runs a command as root and gives its standard output; no argument may be a secret. Throws `config-failed`, also when the signal aborts. */
async function runAsRoot(argv, { env, signal }) {
    const [program = '', ...args] = process.getuid?.() === 0 ? argv : ['sudo', '-n', ...argv];
    const shown = `\`${[program, ...args].join(' ').slice(0, 120)}\``;
    const { PATH = '', HOME = '' } = env;
    const stopped = Promise.withResolvers();
    const onAbort = () => {
        left = true;
        stopped.reject(new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('config-failed', `${shown} did not end in time.`));
    };
    if (signal.aborted)
        onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
        // No `input`: a child that ends before it is written would end this process with EPIPE.
        const options = { env: { PATH, HOME }, silent: true, ignoreReturnCode: true };
        const { exitCode, stdout, stderr } = await Promise.race([(0,_actions_exec__WEBPACK_IMPORTED_MODULE_0__/* .getExecOutput */ .H)(program, args, options), stopped.promise]);
        if (exitCode === 0)
            return stdout;
        const why = stderr.trim().split('\n').at(-1) || `status ${exitCode}`;
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('config-failed', `${shown} failed: ${why.slice(0, 300)}.`);
    }
    catch (cause) {
        if (cause instanceof _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA)
            throw cause;
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('config-failed', `${shown} could not be run.`, { cause });
    }
    finally {
        signal.removeEventListener('abort', onAbort);
    }
}


/***/ }),

/***/ 8066:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  Ep: () => (/* binding */ addInclude),
  js: () => (/* binding */ includesOthers),
  Gj: () => (/* binding */ planInclude),
  BJ: () => (/* binding */ removeInclude)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/setup/private-file.js
var private_file = __webpack_require__(6124);
// EXTERNAL MODULE: ./build/setup/run-as-root.js
var run_as_root = __webpack_require__(6853);
;// CONCATENATED MODULE: ./build/setup/system-conf.js
/** Pure: the one line in the system's nix.conf, put in and taken out so that every other byte stays, in whatever order several are undone. */
/** First line of a configuration that was not there before; with it the file goes when the last include does. */
const CREATED = '# Created by nix-cache-action; goes with its last include.\n';
const MARK = ' # by nix-cache-action, until the end of the job';
/** With a line break in front, too: whether the file ended with one need not be remembered. */
function insertion(includeFile) {
    return `\n!include ${includeFile}${MARK}\n`;
}
/** The files that this action's includes name, those of other jobs too. */
function includesIn(text) {
    return text.split('\n').flatMap((line) => (line.endsWith(MARK) ? [line.slice('!include '.length, -MARK.length)] : []));
}
/**
 * The text with the include at its end; the same text when no other include of this action comes behind it already. `null` stands for a file that is not there. The last one's
 * netrc counts, which has the entries of those before it.
 */
function withInclude(text, includeFile) {
    const before = text ?? CREATED;
    if (includesIn(before).at(-1) === includeFile)
        return before;
    return (withoutInclude(before, includeFile) ?? CREATED) + insertion(includeFile);
}
/** The text without the include; `null` when the file was ours and nothing else is in it. */
function withoutInclude(text, includeFile) {
    if (text === null)
        return null;
    const inserted = insertion(includeFile);
    const at = text.indexOf(inserted);
    if (at < 0)
        return text === CREATED ? null : text;
    const before = text.slice(0, at);
    const after = text.slice(at + inserted.length);
    if (before === CREATED && after === '')
        return null;
    // What somebody appended meanwhile must not become one line with what stood last before.
    const glue = before === '' || before.endsWith('\n') || after === '' || after.startsWith('\n') ? '' : '\n';
    return before + glue + after;
}

;// CONCATENATED MODULE: ./build/setup/system-include.js






/** What the script says when the file is not (any more) what it was read as. */
const STALE = 'stale';
/** Others may change it between reading and replacing: each such time one of them got on. */
const ATTEMPTS = 25;
/**
 * Run as root: puts the contents of `$3` in place of the file `$1` (removes it, when `$3` is empty) if that has the contents of `$2` (is not
 * there, when `$2` is empty). The new file keeps owner and mode and comes in one step, by way of `$4`; where it can't be replaced (it is
 * mounted) it is written over. One job at a time, by a folder beside it, where one can be made; one that is still there after 5 s was left by a job that was killed.
 */
const REPLACE = `set -eu
lock="$1.nix-cache-action-lock"
tries=0
until mkdir "$lock" 2>/dev/null; do
	[ -d "$lock" ] || { lock=; break; }
	tries=$((tries + 1))
	if [ "$tries" -ge 50 ]; then rmdir "$lock" 2>/dev/null || :; tries=0; fi
	sleep 0.1
done
trap '[ -z "$lock" ] || rmdir "$lock" 2>/dev/null || :' EXIT
if [ -z "$2" ]; then [ ! -e "$1" ]; else cmp -s "$2" "$1"; fi || { echo ${STALE}; exit 0; }
if [ -z "$3" ]; then rm -f "$1"; exit 0; fi
rm -f "$4"
if [ -e "$1" ]; then cp -p "$1" "$4"; else mkdir -p "$(dirname "$1")"; touch "$4"; chmod 644 "$4"; fi
cat "$3" > "$4"
mv -f "$4" "$1" 2>/dev/null || { cat "$3" > "$1"; rm -f "$4"; }`;
/**
 * Where the daemon's configuration is and what this use of the action adds to it. `null` when it lies in the store, which is how NixOS,
 * nix-darwin and the like make it: nothing may be written there.
 */
async function planInclude(store, restart, context) {
    const { folder, confFile } = await findConf(store, context);
    if (confFile.startsWith(`${store.storeDir}/`))
        return null;
    return { confFile, includeFile: (0,external_node_path_.join)(folder, `nix-cache-action-${context.id}.conf`), restart };
}
/** Whether the daemon's configuration, as this user can read it, includes what other uses of the action wish for: it goes with their jobs. */
async function includesOthers(store, context) {
    const { confFile } = await findConf(store, context);
    return includesIn(await (0,promises_.readFile)(confFile, 'utf8').catch(() => '')).length > 0;
}
async function findConf(store, context) {
    const { about } = store.nix;
    // The daemon was not started with this user's environment.
    const usual = context.env.NIX_CONF_DIR === undefined ? about.systemConfFile : '/etc/nix/nix.conf';
    const folder = (0,external_node_path_.dirname)(usual);
    // Determinate's daemon writes nix.conf anew when it starts, and reads this one from there.
    const named = about.version.implementation === 'determinate' ? (0,external_node_path_.join)(folder, 'nix.custom.conf') : usual;
    return { folder, confFile: await (0,promises_.realpath)(named).catch(() => named) };
}
/** First line of an included file: which folder goes with its job. The runner empties RUNNER_TEMP before the next one, should nobody else have. */
const OWNER = '# For as long as this folder is there: ';
/**
 * Writes the included file and adds the line that includes it, and takes back what killed jobs left. Says whether anything changed. Throws
 * `config-failed`.
 */
async function addInclude(system, text, context) {
    const abandoned = await removeAbandoned(system, context);
    const file = await rewrite(system.includeFile, () => inBytes(`${OWNER}${context.folder}\n${text}`), context);
    const line = await rewrite(system.confFile, (conf) => withInclude(conf, inBytes(system.includeFile)), context);
    return abandoned || file || line;
}
/** A substituter that is gone costs each command of everybody seconds, or the build (docs/decisions/010-local-substituter.md). */
async function removeAbandoned(system, context) {
    let changed = false;
    for (const name of includesIn((await readIfThere(system.confFile, context)) ?? '')) {
        const includeFile = fromBytes(name).toString();
        if (includeFile === system.includeFile || (0,external_node_path_.dirname)(includeFile) !== (0,external_node_path_.dirname)(system.includeFile))
            continue;
        const [owner = ''] = ((await readIfThere(includeFile, context)) ?? '').split('\n', 1);
        if (!owner.startsWith(OWNER))
            continue;
        const ownerFolder = fromBytes(owner.slice(OWNER.length)).toString();
        const isGone = await (0,run_as_root/* runAsRoot */.yf)(['sh', '-c', '[ -e "$1" ] || echo gone', 'sh', ownerFolder], context);
        if (isGone.trim() === 'gone')
            changed = (await removeInclude({ ...system, includeFile }, context)) || changed;
    }
    return changed;
}
/** Takes the line and the file back; what is not there (any more) is fine. Says whether anything changed. Throws `config-failed`. */
async function removeInclude(system, context) {
    const line = await rewrite(system.confFile, (conf) => withoutInclude(conf, inBytes(system.includeFile)), context);
    const file = await rewrite(system.includeFile, () => null, context);
    await (0,run_as_root/* runAsRoot */.yf)(['rm', '-f', '--', nextOf(system.confFile, context), nextOf(system.includeFile, context)], context);
    return line || file;
}
function nextOf(file, { id }) {
    return `${file}.nix-cache-action-${id}`;
}
/** Changes a file of root's, whose text is in bytes (`inBytes`). Another job may do the same at this moment; then it is read again. */
async function rewrite(file, change, context) {
    for (let attempt = 1;; attempt++) {
        const old = await readIfThere(file, context);
        const next = change(old);
        if (next === old)
            return false;
        if (await replace(file, old, next, context))
            return true;
        if (attempt === ATTEMPTS)
            throw new errors/* CacheError */.xA('config-failed', `${file} changes all the time.`);
    }
}
/**
 * Says whether the file was as `old` has it. The texts go over in files of our own folder: a nix.conf may hold access tokens, which have no place
 * among arguments.
 */
async function replace(file, old, next, context) {
    const before = (0,external_node_path_.join)(context.folder, 'system-conf.before');
    const after = (0,external_node_path_.join)(context.folder, 'system-conf.after');
    try {
        if (old !== null)
            await (0,private_file/* writePrivateFile */.P)(before, fromBytes(old));
        if (next !== null)
            await (0,private_file/* writePrivateFile */.P)(after, fromBytes(next));
        const given = [file, old === null ? '' : before, next === null ? '' : after, nextOf(file, context)];
        return (await (0,run_as_root/* runAsRoot */.yf)(['sh', '-c', REPLACE, 'sh', ...given], context)).trim() !== STALE;
    }
    finally {
        await (0,private_file/* removePrivateFile */.w)(before);
        await (0,private_file/* removePrivateFile */.w)(after);
    }
}
/** Texts of files are taken byte by byte, a character for each: comments in an old nix.conf need not be UTF-8. */
function inBytes(text) {
    return Buffer.from(text).toString('latin1');
}
function fromBytes(bytes) {
    return Buffer.from(bytes, 'latin1');
}
async function readIfThere(file, context) {
    try {
        return await (0,promises_.readFile)(file, 'latin1');
    }
    catch (cause) {
        const code = (0,errors/* systemCode */.xU)(cause) ?? 'unknown';
        if (code === 'ENOENT')
            return null;
        if (code === 'EACCES')
            return Buffer.from(await (0,run_as_root/* runAsRoot */.yf)(['sh', '-c', 'base64 < "$1"', 'sh', file], context), 'base64').toString('latin1');
        throw new errors/* CacheError */.xA('config-failed', `${file} can't be read (${code}).`, { cause });
    }
}


/***/ }),

/***/ 2660:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   c: () => (/* binding */ adviceFor),
/* harmony export */   o: () => (/* binding */ grantOf)
/* harmony export */ });
function grantOf(wish, settings) {
    if (!wish.publicKeys.every((key) => settings.trustedPublicKeys.includes(key)))
        return 'denied';
    const among = (known) => wish.substituters.every((url) => known.some((entry) => sameCache(entry, url)));
    if (among(settings.substituters))
        return 'already';
    return among([...settings.substituters, ...settings.trustedSubstituters]) ? 'on-request' : 'denied';
}
/** The daemon compares texts, and lets an entry with a slash at its end stand for one without; not the other way round. */
function sameCache(entry, url) {
    return entry === url || entry === `${url}/`;
}
/** For an administrator: what to add where. `why` ends the sentence "the daemon does not trust the user, and ...". */
function adviceFor(wish, user, confFile, why) {
    const lines = [
        ...(wish.substituters.length > 0 ? [`extra-trusted-substituters = ${wish.substituters.join(' ')}`] : []),
        ...(wish.publicKeys.length > 0 ? [`extra-trusted-public-keys = ${wish.publicKeys.join(' ')}`] : []),
    ];
    const narrow = lines.length === 0 ? '' : ` Or, to allow no more than these caches, ${lines.map((line) => `\`${line}\``).join(' and ')}`;
    const netrc = lines.length === 0 || wish.netrc.length === 0 ? '' : `, with the credentials in the daemon's own netrc`;
    return {
        code: 'daemon-distrusts',
        level: 'warning',
        title: 'The Nix daemon does not trust this user',
        message: `The Nix daemon does not trust the user ${user}, and ${why}, so Nix does not read from the caches of this step.`,
        fix: `Add \`extra-trusted-users = ${user}\` to ${confFile} and restart the daemon.${narrow}${netrc}${narrow === '' ? '' : '.'}`,
    };
}


/***/ }),

/***/ 6402:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Zq: () => (/* binding */ forgetUserConf),
/* harmony export */   lW: () => (/* binding */ useUserConf),
/* harmony export */   n3: () => (/* binding */ NIX_USER_CONF_FILES),
/* harmony export */   tp: () => (/* binding */ userConfFileOf)
/* harmony export */ });
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);
/* harmony import */ var _private_file_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6124);



/** The files that Nix reads for a user, the first one applied last (nix.conf(5)). */
const NIX_USER_CONF_FILES = 'NIX_USER_CONF_FILES';
/** Where the settings for this user go. */
function userConfFileOf({ folder }) {
    return (0,node_path__WEBPACK_IMPORTED_MODULE_0__.join)(folder, 'nix.conf');
}
/**
 * Has Nix read `file` with `text` before the files that it reads for this user anyway. Of several the first one wins, so ours add to all
 * the others. Harmless to repeat.
 */
async function useUserConf(file, text, store, context) {
    if (file.includes(':')) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('config-failed', `The folder of ${file} has a colon in its name, where ${NIX_USER_CONF_FILES} separates files.`, {
            hint: 'Let the runner have a RUNNER_TEMP without one.',
        });
    }
    await (0,_private_file_js__WEBPACK_IMPORTED_MODULE_2__/* .writePrivateFile */ .P)(file, text);
    // Nix says which files these are, be it by the variable or by the XDG folders.
    const others = (context.env[NIX_USER_CONF_FILES]?.split(':') ?? store.nix.about.userConfFiles).filter((other) => other !== '' && other !== file);
    context.exportVariable(NIX_USER_CONF_FILES, [file, ...others].join(':'));
}
/** Removes our file and its entry. What other actions have added since stays. A variable can't be unset for later steps: the files that Nix reads without it stay in it. */
async function forgetUserConf(file, context) {
    await (0,_private_file_js__WEBPACK_IMPORTED_MODULE_2__/* .removePrivateFile */ .w)(file);
    const listed = context.env[NIX_USER_CONF_FILES]?.split(':') ?? [];
    if (listed.includes(file))
        context.exportVariable(NIX_USER_CONF_FILES, listed.filter((other) => other !== file).join(':'));
}


/***/ }),

/***/ 866:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   S: () => (/* binding */ holdPaths)
/* harmony export */ });
/* unused harmony export releasePaths */
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1455);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(9473);
/* harmony import */ var _own_paths_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(827);
/* harmony import */ var _path_info_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(2847);






const LINK_PREFIX = 'held-';
const TIMEOUT_MS = 60_000;
/**
 * Holds valid paths (full paths) against garbage collection, in one process: a derivation that nobody builds refers to all of them, and a link to it in
 * `folder` is a root of the collector. 1,500 paths take 0.1 s so, and 1 to 1.8 s with a root for each (docs/decisions/020-hook.md). Holds as long as the
 * link is there, whatever becomes of this process; a collector in another mount namespace does not see it. Throws `nix-failed`, `cancelled`.
 */
async function holdPaths(store, paths, folder, signal) {
    let left = [...new Set(paths)];
    for (;;) {
        if (left.length === 0)
            return { held: [], vanished: paths };
        try {
            await addRoot(store, left, folder, signal);
            const held = new Set(left);
            return { held: left, vanished: paths.filter((path) => !held.has(path)) };
        }
        catch (error) {
            if (!(0,_errors_js__WEBPACK_IMPORTED_MODULE_3__/* .isCacheError */ .bt)(error, 'nix-failed'))
                throw error;
            // It names one path that is gone at best, and holds none.
            const valid = await (0,_path_info_js__WEBPACK_IMPORTED_MODULE_4__/* .onlyValid */ .VV)(store.nix, left, { signal });
            if (valid.length === left.length)
                throw error;
            left = valid;
        }
    }
}
/** Lets go of all that was held with this folder. What the collector knows of the links goes with its next run. */
async function releasePaths(folder) {
    try {
        for (const name of await readdir(folder)) {
            if (name.startsWith(LINK_PREFIX))
                await rm(join(folder, name), { force: true });
        }
    }
    catch (error) {
        if (systemCode(error) !== 'ENOENT')
            throw error;
    }
}
async function addRoot({ nix }, paths, folder, signal) {
    const link = (0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(folder, `${LINK_PREFIX}${(0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(6).toString('hex')}`);
    const listed = paths.map((path) => nixString(path)).join(' ');
    const input = `derivation { name = "${_own_paths_js__WEBPACK_IMPORTED_MODULE_5__/* .HOLD_NAME */ .iN}"; system = "none"; builder = "none"; paths = map builtins.storePath [ ${listed} ]; }`;
    // Up to 2.8 a root outside of Nix's own folder has to be asked for; later versions take the flag, too.
    const root = ['--add-root', link, '--indirect'];
    const options = ['--option', 'substitute', 'false', '--option', 'pure-eval', 'false', '--option', 'restrict-eval', 'false'];
    await nix.runInstantiate([...options, ...root, '-'], { input, signal, timeoutMs: TIMEOUT_MS });
}
function nixString(text) {
    return `"${text.replace(/["\\$]/g, '\\$&')}"`;
}


/***/ }),

/***/ 8683:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   AJ: () => (/* binding */ randomCredentials),
/* harmony export */   db: () => (/* binding */ credentialsCheck),
/* harmony export */   u1: () => (/* binding */ randomPrefix)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);

const PASSWORD_BYTES = 24;
const PREFIX_BYTES = 16;
/** Credentials of one job: nothing in them that netrc or HTTP would have to escape. */
function randomCredentials(random = node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes) {
    return { username: 'nix-cache-action', password: random(PASSWORD_BYTES).toString('hex') };
}
/** The path by which one substituter is told from all others at all times: Nix remembers answers by URL, misses for an hour, hits for a month. */
function randomPrefix(random = node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes) {
    return random(PREFIX_BYTES).toString('hex');
}
/**
 * Whether a request's `Authorization` header holds these credentials (RFC 7617). The time that it takes tells nothing about them: digests are compared, and
 * all of them.
 */
function credentialsCheck({ username, password }) {
    const expected = digest(Buffer.from(`${username}:${password}`));
    return (authorization) => {
        const token = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization ?? '')?.[1];
        return token !== undefined && (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.timingSafeEqual)(digest(Buffer.from(token, 'base64')), expected);
    };
}
function digest(bytes) {
    return (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(bytes).digest();
}


/***/ }),

/***/ 418:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   AB: () => (/* binding */ removeOrders),
/* harmony export */   Dy: () => (/* binding */ writeStatistics),
/* harmony export */   FW: () => (/* binding */ parseOrders),
/* harmony export */   MS: () => (/* binding */ readStatistics),
/* harmony export */   N9: () => (/* binding */ logFile),
/* harmony export */   PC: () => (/* binding */ removeAddress),
/* harmony export */   PX: () => (/* binding */ folderExists),
/* harmony export */   T8: () => (/* binding */ takeOrders),
/* harmony export */   oz: () => (/* binding */ writeAddress),
/* harmony export */   tA: () => (/* binding */ writeOrders),
/* harmony export */   zq: () => (/* binding */ readAddress)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9473);
/* harmony import */ var _statistics_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(7862);




const ORDERS = 'serve-orders.json';
const ADDRESS = 'serve.json';
const LOG = 'serve.log';
const STATISTICS = 'serve-statistics.json';
async function folderExists(folder) {
    return (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.access)(folder).then(() => true, () => false);
}
function logFile(folder) {
    return (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, LOG);
}
/** @throws CacheError `disk-full`, `file-failed` */
async function writeOrders(folder, orders) {
    await writePrivately((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, ORDERS), { version: 1, ...orders });
}
/** Reads the orders and removes them. @throws CacheError `file-failed`, `state-invalid` */
async function takeOrders(folder) {
    const file = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, ORDERS);
    const fields = await readFields(file);
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rm)(file, { force: true });
    const orders = fields === null ? null : parseOrders(Object.fromEntries(fields));
    if (orders === null)
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .CacheError */ .xA('state-invalid', `There is nothing to serve: ${file} is missing or not ours.`);
    return orders;
}
async function removeOrders(folder) {
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rm)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, ORDERS), { force: true });
}
/** @throws CacheError `disk-full`, `file-failed` */
async function writeAddress(folder, address) {
    await writePrivately((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, ADDRESS), { version: 1, ...address });
}
/** Where the background process of this folder is or was; `null` when there was none. */
async function readAddress(folder) {
    const fields = await readFields((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, ADDRESS));
    const main = fields === null ? null : identityIn(fields);
    const worker = identityIn(mapOf(fields?.get('worker')));
    const [port, url] = [fields?.get('port'), fields?.get('url')];
    if (main === null || worker === null || !isCount(port) || typeof url !== 'string')
        return null;
    return { ...main, worker, port, url };
}
async function removeAddress(folder) {
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rm)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, ADDRESS), { force: true });
}
/** @throws CacheError `disk-full`, `file-failed` */
async function writeStatistics(folder, statistics) {
    await writePrivately((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, STATISTICS), statistics);
}
/** What the substituter of this folder did, up to some seconds ago; `null` when it wrote nothing. */
async function readStatistics(folder) {
    const text = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readFile)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, STATISTICS), 'utf8').catch(() => null);
    return text === null ? null : (0,_statistics_js__WEBPACK_IMPORTED_MODULE_3__/* .parseStatistics */ .N)(text);
}
/** Only this user can read it, and whoever does sees the old text or the new one. The folder is not made again when it is gone. */
async function writePrivately(file, value) {
    try {
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rm)(`${file}.new`, { force: true });
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.writeFile)(`${file}.new`, JSON.stringify(value), { mode: 0o600, flag: 'wx' });
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rename)(`${file}.new`, file);
    }
    catch (cause) {
        const code = (0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .systemCode */ .xU)(cause) ?? 'unknown';
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .CacheError */ .xA(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `${file} can't be written (${code}).`, { cause });
    }
}
/** The fields of a JSON object of version 1 or of none; `null` when there is no such thing. */
async function readFields(file) {
    const text = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readFile)(file, 'utf8').catch(() => null);
    if (text === null)
        return null;
    try {
        const fields = mapOf(JSON.parse(text));
        return fields.get('version') === 1 ? fields : null;
    }
    catch {
        return null;
    }
}
function mapOf(value) {
    return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}
function identityIn(fields) {
    const [pid, startTime] = [fields.get('pid'), fields.get('startTime')];
    // A pid of 0 or below would mean groups of processes, 1 is the system's.
    return isCount(pid) && pid > 1 ? { pid, startTime: typeof startTime === 'string' ? startTime : null } : null;
}
/** From another process of ours. */
function parseOrders(value) {
    const fields = mapOf(value);
    const [credentials, prefix] = [fields.get('credentials'), fields.get('prefix')];
    return isCredentials(credentials) && typeof prefix === 'string'
        ? { credentials, prefix, handover: fields.get('handover') }
        : null;
}
function isCredentials(value) {
    if (typeof value !== 'object' || value === null)
        return false;
    return 'username' in value && typeof value.username === 'string' && 'password' in value && typeof value.password === 'string';
}
function isCount(value) {
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}


/***/ }),

/***/ 9460:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  B: () => (/* binding */ server_ADDRESS),
  Z: () => (/* binding */ startSubstituter)
});

// EXTERNAL MODULE: external "node:events"
var external_node_events_ = __webpack_require__(8474);
// EXTERNAL MODULE: external "node:http"
var external_node_http_ = __webpack_require__(7067);
// EXTERNAL MODULE: external "node:stream/promises"
var promises_ = __webpack_require__(6466);
// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/substituter/credentials.js
var substituter_credentials = __webpack_require__(8683);
// EXTERNAL MODULE: ./build/nix/cache-info.js
var cache_info = __webpack_require__(4075);
;// CONCATENATED MODULE: ./build/substituter/byte-range.js
/**
 * The one range that a `Range` header asks for: `bytes=a-b` or `bytes=a-`, whose end is then `Number.MAX_SAFE_INTEGER`. `null`: answer with the whole. That is
 * allowed for whatever a server does not care to understand (RFC 9110, section 14.2): several ranges, the last bytes, other units, an end before the start.
 */
function parseRange(header) {
    const match = /^bytes=(\d{1,15})-(\d{0,15})$/i.exec(header?.replaceAll(/[ \t]/g, '') ?? '');
    if (match === null)
        return null;
    const start = Number(match[1]);
    const end = match[2] === '' ? Number.MAX_SAFE_INTEGER : Number(match[2]);
    return end < start ? null : { start, end };
}

;// CONCATENATED MODULE: ./build/substituter/nar-address.js

/** Longer ones would make request lines that some clients and our own limit on headers refuse. */
const MAX_READER_URL_BYTES = 4096;
const EXTENSIONS = {
    zstd: '.zst',
    xz: '.xz',
    bzip2: '.bz2',
    gzip: '.gz',
    br: '.br',
    lzip: '.lz',
    lz4: '.lz4',
};
const ADDRESS = /^nar\/([0-9a-df-np-sv-z]{32})-([A-Za-z0-9_-]+)\.nar(?:\.[a-z0-9]{1,4})?$/;
/**
 * The URL that a client is given in place of the reader's, relative to the root of the cache: `nar/<hashPart>-<reader's URL in base 64>.nar.zst`. It says all
 * that is needed, because Nix keeps narinfos on disk and may ask for the NAR long after, in another process. Throws `format-invalid` when it would be too long.
 */
function formatNarAddress({ hashPart, readerUrl }, compression) {
    const bytes = Buffer.from(readerUrl);
    if (bytes.length > MAX_READER_URL_BYTES)
        throw new errors/* CacheError */.xA('format-invalid', `The URL of the NAR of ${hashPart} has ${bytes.length} bytes, more than ${MAX_READER_URL_BYTES}.`);
    return `nar/${hashPart}-${bytes.toString('base64url')}.nar${EXTENSIONS[compression] ?? ''}`;
}
/** Reads what `formatNarAddress` wrote, `null` for anything else. The extension is for people: it is not looked at. */
function parseNarAddress(path) {
    const [, hashPart, opaque] = ADDRESS.exec(path) ?? [];
    if (hashPart === undefined || opaque === undefined)
        return null;
    const bytes = Buffer.from(opaque, 'base64url');
    const readerUrl = bytes.toString();
    const canonical = Buffer.from(readerUrl).toString('base64url') === opaque;
    return canonical && bytes.length <= MAX_READER_URL_BYTES ? { hashPart, readerUrl } : null;
}

// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
;// CONCATENATED MODULE: ./build/substituter/nar-chunks.js

/**
 * Exactly the bytes of `first.range`, taken up again where the reader failed. Throws when it fails too often, when it gives more bytes than it said, or
 * `cancelled`. The stream that is being read is closed when the generator ends, whoever ends it.
 */
async function* narChunks(first, options) {
    const { end } = first.range;
    let offset = first.range.start;
    let source = watch(first.stream, options);
    try {
        for (let resumes = 0; offset <= end;) {
            const next = await source.next().then(chunkOrEnd, failed);
            if (next instanceof Uint8Array) {
                offset += next.length;
                if (offset > end + 1)
                    throw new errors/* CacheError */.xA('cache-invalid', `The NAR is longer than the ${first.totalBytes} bytes that it has.`);
                yield next;
                continue;
            }
            source.close();
            if (options.signal.aborted || resumes++ >= options.maxResumes)
                throw next.error;
            options.onResume(next.error);
            source = watch((await options.reopen({ start: offset, end })).stream, options);
        }
        // Read to its end, the reader's connection can be used again. There is nothing left to spoil.
        await source.drain();
    }
    finally {
        source.close();
    }
}
/** All bytes of a NAR whose length nobody knows. Where the reader fails it can't be taken up again; otherwise as `narChunks`. */
async function* unmeasuredChunks(stream, options) {
    const source = watch(stream, options);
    try {
        for (let next = await source.next(); next !== null; next = await source.next())
            yield next;
    }
    finally {
        source.close();
    }
}
/** The client has all bytes by then, but its next request on the same connection waits. */
const DRAIN_MS = 100;
function chunkOrEnd(chunk) {
    return chunk ?? { error: new errors/* CacheError */.xA('cache-invalid', 'The NAR ended before its end.') };
}
function failed(error) {
    return { error };
}
function watch(stream, { stallMs, signal }) {
    // It may fail when nobody waits for it any more.
    stream.on('error', () => undefined);
    const iterator = stream[Symbol.asyncIterator]();
    let giveUp = () => undefined;
    const timer = setTimeout(() => giveUp(new errors/* CacheError */.xA('cache-stalled', `No byte of the NAR came within ${stallMs} ms.`)), stallMs);
    const cancelled = () => {
        giveUp(new errors/* CacheError */.xA('cancelled', 'The NAR is not wanted any more.'));
        stream.destroy();
    };
    signal.addEventListener('abort', cancelled, { once: true });
    const next = async () => {
        // A promise of its own for each chunk: racing against one that lives as long as the NAR would keep something of every chunk.
        const { done, value } = await new Promise((resolve, reject) => {
            giveUp = reject;
            timer.refresh();
            if (signal.aborted)
                cancelled();
            iterator.next().then(resolve, reject);
        });
        if (done === true)
            return null;
        if (value instanceof Uint8Array)
            return value;
        throw new errors/* CacheError */.xA('internal', 'The NAR did not come as bytes.');
    };
    return {
        next,
        async drain() {
            const impatience = setTimeout(() => giveUp(new errors/* CacheError */.xA('cache-stalled', 'The NAR does not end.')), DRAIN_MS);
            await next().catch(() => undefined);
            clearTimeout(impatience);
        },
        close() {
            clearTimeout(timer);
            signal.removeEventListener('abort', cancelled);
            stream.destroy();
        },
    };
}

// EXTERNAL MODULE: ./build/substituter/within-limit.js
var within_limit = __webpack_require__(1156);
;// CONCATENATED MODULE: ./build/substituter/nar-answers.js




function createNarAnswers(options) {
    const { outage, trouble, counters } = options;
    return async (address, asked, signal) => {
        const doing = `NAR of ${address.hashPart}`;
        if (outage.isOn())
            return null;
        const closed = new AbortController();
        try {
            const limit = { limitMs: options.startMs, signal: AbortSignal.any([signal, closed.signal]), doing };
            const nar = await (0,within_limit/* withinLimit */.z)(limit, (within) => begin(address, asked, within, options));
            outage.succeeded();
            if (nar === null)
                return null;
            const { totalBytes, range, chunks } = nar;
            if (chunks === null)
                return { totalBytes, range, body: external_node_stream_.Readable.from([]) };
            counters.narBegun(address.hashPart);
            const body = external_node_stream_.Readable.from(counted(chunks, doing, options), { objectMode: false });
            // A body that is destroyed before it was read never runs the generator that would close what is behind.
            body.once('close', () => closed.abort());
            return { totalBytes, range, body };
        }
        catch (error) {
            outage.failed(error);
            trouble(error, doing);
            return null;
        }
    };
}
/** Waits for the first bytes, so that what fails at once can still be a 404. */
async function begin(address, asked, signal, options) {
    const url = address.readerUrl;
    const nar = await options.reader.openNar(url, asked, signal);
    if (nar === null)
        return null;
    if (nar.totalBytes === null) {
        // There is no way to say which part that is. Nix asks so when it broke off, and builds the path when the rest is not there (docs/decisions/010-local-substituter.md).
        if ((asked?.start ?? 0) > 0) {
            discard(nar);
            return null;
        }
        const chunks = await begun(unmeasuredChunks(nar.stream, { stallMs: options.stallMs, signal }));
        return { totalBytes: null, range: null, chunks };
    }
    const { totalBytes, range } = nar;
    const wanted = { start: asked?.start ?? 0, end: Math.min(asked?.end ?? Number.MAX_SAFE_INTEGER, totalBytes - 1) };
    if (asked !== null && asked.start >= totalBytes) {
        discard(nar);
        return { totalBytes, range: null, chunks: null };
    }
    if (range.start !== wanted.start || range.end !== wanted.end) {
        discard(nar);
        throw new errors/* CacheError */.xA('cache-invalid', `Bytes ${range.start} to ${range.end} of ${totalBytes} came in place of ${wanted.start} to ${wanted.end}.`);
    }
    const rest = narChunks(nar, {
        reopen: (left) => reopen(url, left, totalBytes, signal, options),
        maxResumes: options.maxResumes,
        stallMs: options.stallMs,
        signal,
        onResume(error) {
            options.trouble(error, `NAR of ${address.hashPart}`);
            options.counters.narResumed();
        },
    });
    return { totalBytes, range, chunks: await begun(rest) };
}
async function begun(rest) {
    const first = await rest.next();
    if (first.done === true)
        throw new errors/* CacheError */.xA('cache-invalid', 'The NAR is empty.');
    return { first: first.value, rest };
}
/** From an offset on, what the first answer promised. */
async function reopen(url, left, totalBytes, signal, options) {
    const limit = {
        limitMs: options.startMs,
        signal,
        doing: 'The rest of the NAR',
        discard: (nar) => nar && discard(nar),
    };
    const nar = await (0,within_limit/* withinLimit */.z)(limit, (within) => options.reader.openNar(url, left, within));
    if (nar === null)
        throw new errors/* CacheError */.xA('cache-not-found', 'The rest of the NAR has gone.');
    if (nar.totalBytes !== null && nar.totalBytes === totalBytes && nar.range.start === left.start && nar.range.end === left.end)
        return nar;
    discard(nar);
    throw new errors/* CacheError */.xA('cache-invalid', 'The rest of the NAR is not that of the same NAR.');
}
/** Passes the chunks on and counts them. An end that comes too early is ours to count; one that the client wanted is not. */
async function* counted({ first, rest }, doing, { counters, trouble }) {
    try {
        for (let chunk = first; chunk !== null;) {
            counters.narBytes(chunk.length);
            yield chunk;
            chunk = await rest.next().then((next) => next.value ?? null, (error) => {
                if (!(0,errors/* isCacheError */.bt)(error, 'cancelled')) {
                    counters.narCut();
                    trouble(error, doing);
                }
                throw error;
            });
        }
    }
    finally {
        await rest.return();
    }
}
function discard({ stream }) {
    stream.on('error', () => undefined).destroy();
}

// EXTERNAL MODULE: ./build/nix/content-address.js
var content_address = __webpack_require__(1520);
// EXTERNAL MODULE: ./build/nix/narinfo.js
var narinfo = __webpack_require__(6113);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
;// CONCATENATED MODULE: ./build/substituter/narinfo-answers.js






/** Some hundred kilobytes; beyond it all are forgotten at once. */
const MAX_MISSES = 10_000;
/** Asks the reader once for all requests for the same path that run at the same time, and not at all shortly after a miss. */
function createNarInfoAnswers(options) {
    const { nowMs, missMs } = options;
    const running = new Map();
    const misses = new Map();
    const ask = async (hashPart) => {
        const { outage, trouble } = options;
        const doing = `narinfo of ${hashPart}`;
        if (outage.isOn())
            return null;
        try {
            const info = await (0,within_limit/* withinLimit */.z)({ limitMs: options.limitMs, signal: options.signal, doing }, (signal) => options.reader.narInfo(hashPart, signal));
            outage.succeeded();
            if (info !== null)
                return Buffer.from((0,narinfo/* formatNarInfo */.Nt)(served(info, hashPart, options)));
            if (misses.size >= MAX_MISSES)
                misses.clear();
            misses.set(hashPart, nowMs() + missMs);
        }
        catch (error) {
            outage.failed(error);
            trouble(error, doing);
        }
        return null;
    };
    return (hashPart) => {
        const missUntil = misses.get(hashPart);
        if (missUntil !== undefined && nowMs() < missUntil)
            return Promise.resolve(null);
        if (missUntil !== undefined)
            misses.delete(hashPart);
        const shared = running.get(hashPart);
        if (shared !== undefined)
            return shared;
        const answer = ask(hashPart).finally(() => running.delete(hashPart));
        running.set(hashPart, answer);
        return answer;
    };
}
/**
 * The reader's narinfo as clients get it: with a URL of ours, and without a content address that does not fit, because Nix aborts
 * (SIGABRT, 2.8 to 2.34) on one; without the field it only asks for a signature.
 */
function served(info, hashPart, { storeDir, sign }) {
    const { path } = (0,store_path/* parseStorePath */.GV)(info.storePath, storeDir);
    if ((0,store_path/* hashPartOf */.bV)(path) !== hashPart)
        throw new errors/* CacheError */.xA('cache-invalid', `The cache gave ${path} for ${hashPart}.`);
    const fits = (0,content_address/* checkContentAddress */.M3)({ path, references: info.references, ca: info.ca }, storeDir) === null;
    const url = formatNarAddress({ hashPart, readerUrl: info.url }, info.compression);
    return sign({ ...info, url, ca: fits ? info.ca : null });
}

;// CONCATENATED MODULE: ./build/substituter/outage.js

/**
 * A cache that is down answers each request only after retries and time limits. Nix asks for thousands of paths, so paying for each would hold up the job for
 * longer than building takes: after some failures in a row all are misses for a while, then one request is let through again to see.
 */
function createOutage({ failures, pauseMs, nowMs }) {
    let inARow = 0;
    let until = Number.NEGATIVE_INFINITY;
    return {
        isOn() {
            if (inARow < failures)
                return false;
            if (nowMs() < until)
                return true;
            // This one goes through; those beside it still have to wait for what becomes of it.
            until = nowMs() + pauseMs;
            return false;
        },
        succeeded() {
            inARow = 0;
        },
        failed(error) {
            if (!isAboutTheCache(error))
                return;
            inARow++;
            until = nowMs() + pauseMs;
        },
    };
}
/** Not about the cache as a whole: one damaged path, a client that went away. */
function isAboutTheCache(error) {
    return !(0,errors/* isCacheError */.bt)(error, 'format-invalid', 'path-corrupt', 'path-vanished', 'cache-not-found', 'cache-too-large', 'cancelled');
}

;// CONCATENATED MODULE: ./build/substituter/trouble.js

/** Lines for each code; what comes after is counted, and shown when debugging. */
const SHOWN = 3;
/** Counts every failure and shows the first ones of each code. What a client did not want any more is none. */
function createTrouble(counters, log) {
    const seen = new Map();
    return (error, doing) => {
        const code = error instanceof errors/* CacheError */.xA ? error.code : 'internal';
        if (code === 'cancelled')
            return;
        counters.error(code);
        const times = (seen.get(code) ?? 0) + 1;
        seen.set(code, times);
        const line = `${doing}: ${(0,errors/* describeError */.Uc)(error)} (${code})`;
        if (times > SHOWN)
            log.debug(line);
        else
            log.info(times === SHOWN ? `${line} Further ones of this kind are only counted.` : line);
        if (code === 'internal' && error instanceof Error && error.stack !== undefined)
            log.debug(error.stack);
    };
}

;// CONCATENATED MODULE: ./build/substituter/handler.js








const DEFAULT_LIMITS = {
    narInfoMs: 20_000,
    narStartMs: 60_000,
    narStallMs: 60_000,
    narResumes: 5,
    missMs: 3_000,
    outageFailures: 5,
    outagePauseMs: 30_000,
};
/** Hash part of a narinfo's name: 32 digits of Nix's base 32. */
const NARINFO = /^([0-9a-df-np-sv-z]{32})\.narinfo$/;
const NOT_THERE = { status: 404, headers: { 'content-length': '0' }, body: null };
/** Not 401: Nix 2.35 and later take that for an error of the cache, this one for a miss. */
const REFUSED = { status: 403, headers: { 'content-length': '0' }, body: null };
/**
 * What the local substituter answers, without sockets: the binary cache protocol as far as Nix reads it, over one reader. Whatever goes wrong behind it is a
 * 404, since most other answers make Nix fail the build; docs/decisions/010-local-substituter.md has them all. Nothing here writes.
 */
function createHandler(options) {
    const { reader, counters, signal: always, storeDir } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const nowMs = options.nowMs ?? (() => performance.now());
    const outage = createOutage({ failures: limits.outageFailures, pauseMs: limits.outagePauseMs, nowMs });
    const trouble = createTrouble(counters, options.log);
    const shared = { reader, outage, trouble };
    const narInfo = createNarInfoAnswers({
        ...shared,
        storeDir,
        sign: options.sign ?? ((info) => info),
        limitMs: limits.narInfoMs,
        missMs: limits.missMs,
        nowMs,
        signal: always,
    });
    const nar = createNarAnswers({
        ...shared,
        startMs: limits.narStartMs,
        stallMs: limits.narStallMs,
        maxResumes: limits.narResumes,
        counters,
    });
    const isAllowed = (0,substituter_credentials/* credentialsCheck */.db)(options.credentials);
    const cacheInfo = Buffer.from((0,cache_info/* formatCacheInfo */.y6)({ storeDir, wantMassQuery: true, priority: options.priority }));
    const root = `/${options.prefix}/`;
    const answer = async ({ path, headers }, signal) => {
        const name = path.startsWith(root) ? path.slice(root.length) : '';
        if (name === 'nix-cache-info')
            return whole('text/x-nix-cache-info', cacheInfo);
        const hashPart = NARINFO.exec(name)?.[1];
        if (hashPart !== undefined) {
            const text = await narInfo(hashPart);
            counters.narInfo(text !== null);
            return text === null ? NOT_THERE : whole('text/x-nix-narinfo', text);
        }
        const address = parseNarAddress(name);
        if (address === null)
            return NOT_THERE;
        const asked = parseRange(headers.range);
        const opened = await nar(address, asked, AbortSignal.any([signal, always]));
        return opened === null ? NOT_THERE : narAnswer(opened, asked !== null);
    };
    return async (request, signal) => {
        try {
            if (!isAllowed(request.headers.authorization)) {
                counters.refused();
                return REFUSED;
            }
            if (request.method === 'GET')
                return await answer(request, signal);
            if (request.method === 'HEAD')
                return withoutBody(await answer(request, signal));
        }
        catch (error) {
            trouble(error, `${request.method} request`);
        }
        return NOT_THERE;
    };
}
function whole(type, body) {
    return { status: 200, headers: { 'content-type': type, 'content-length': String(body.length) }, body };
}
function narAnswer({ totalBytes, range, body }, isPart) {
    const common = { 'accept-ranges': 'bytes', 'content-type': 'application/x-nix-nar' };
    if (totalBytes === null)
        return { status: 200, headers: common, body };
    if (range === null) {
        return { status: 416, headers: { ...common, 'content-range': `bytes */${totalBytes}`, 'content-length': '0' }, body: null };
    }
    const headers = { ...common, 'content-length': String(range.end - range.start + 1) };
    if (!isPart)
        return { status: 200, headers, body };
    return { status: 206, headers: { ...headers, 'content-range': `bytes ${range.start}-${range.end}/${totalBytes}` }, body };
}
function withoutBody({ status, headers, body }) {
    if (body !== null && !Buffer.isBuffer(body))
        body.destroy();
    return { status, headers, body: null };
}

// EXTERNAL MODULE: ./build/substituter/statistics.js
var statistics = __webpack_require__(7862);
;// CONCATENATED MODULE: ./build/substituter/server.js








/** On this machine no one else needs to reach it, and no one else can. */
const server_ADDRESS = '127.0.0.1';
/** A NAR's URL has up to 5.5 kB. */
const MAX_HEADER_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 30_000;
/** A connection that is closed just when a client uses it again costs the client an attempt: better that clients close theirs. */
const KEEP_ALIVE_MS = 5 * 60_000;
/** For clients that neither read nor write; Nix gives up itself after 300 s (`stalled-download-timeout`). */
const IDLE_MS = 10 * 60_000;
const CLOSE_GRACE_MS = 2_000;
/** Starts a binary cache on a port of the loopback interface. Throws what `listen` throws. */
async function startSubstituter(options) {
    const credentials = options.credentials ?? (0,substituter_credentials/* randomCredentials */.AJ)();
    const prefix = options.prefix ?? (0,substituter_credentials/* randomPrefix */.u1)();
    const counters = (0,statistics/* createCounters */.o)({ start: options.statistics });
    const ending = new AbortController();
    const handler = byMount(prefix, options.mounts, (mount) => createHandler({
        ...options,
        ...mount,
        prefix: mount.name === '' ? prefix : `${prefix}/${mount.name}`,
        credentials,
        counters: counters.of(mount.name),
        signal: ending.signal,
    }));
    let closing = false;
    const answer = (request, response) => {
        // Its connection would stay open for the next request.
        response.once('close', () => closing && setImmediate(() => server.closeIdleConnections()));
        void respond(request, response, handler);
    };
    const server = (0,external_node_http_.createServer)({ maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS }, answer);
    // Without this, a client that waits for the word `continue` would send us a body that nobody wants.
    server.on('checkContinue', answer);
    server.timeout = IDLE_MS;
    if (options.listener === undefined)
        server.listen(0, server_ADDRESS);
    else
        server.listen(options.listener);
    await (0,external_node_events_.once)(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string')
        throw new Error('The substituter got no port.');
    return {
        url: `http://${server_ADDRESS}:${address.port}/${prefix}`,
        port: address.port,
        credentials,
        take: (connection) => void server.emit('connection', connection),
        restarted: counters.restarted,
        statistics: counters.snapshot,
        revision: counters.revision,
        async close(graceMs = CLOSE_GRACE_MS) {
            closing = true;
            const closed = (0,external_node_events_.once)(server, 'close');
            server.close();
            server.closeIdleConnections();
            const patience = new AbortController();
            await Promise.race([closed, (0,external_node_timers_promises_.setTimeout)(graceMs, undefined, { signal: patience.signal }).catch(() => undefined)]);
            patience.abort();
            ending.abort();
            server.closeAllConnections();
            await closed;
        },
    };
}
/** One handler for all: each answers for its part of the paths. What is nobody's is the first one's to refuse. */
function byMount(prefix, mounts, make) {
    const handlers = new Map(mounts.map((mount) => [mount.name, make(mount)]));
    const [first] = handlers.values();
    if (first === undefined)
        throw new errors/* CacheError */.xA('internal', 'There is nothing to serve.');
    return (request, signal) => {
        const name = request.path.startsWith(`/${prefix}/`) ? request.path.slice(prefix.length + 2).split('/', 1)[0] : undefined;
        return (handlers.get(name ?? '') ?? first)(request, signal);
    };
}
async function respond(request, response, handler) {
    const gone = new AbortController();
    response.on('close', () => gone.abort()).on('error', () => undefined);
    const { method = '', url = '', headers } = request;
    const answer = await handler({ method, path: url, headers }, gone.signal);
    // Gone while we were asking: a NAR must be closed all the same.
    if (response.destroyed && answer.body !== null && !Buffer.isBuffer(answer.body))
        answer.body.destroy();
    if (response.destroyed)
        return;
    response.writeHead(answer.status, answer.headers);
    if (answer.body === null || Buffer.isBuffer(answer.body)) {
        response.end(answer.body ?? undefined);
        return;
    }
    // Both ends are destroyed when one of them fails: the client sees a cut connection, and asks for the rest.
    await (0,promises_.pipeline)(answer.body, response).catch(() => undefined);
}


/***/ }),

/***/ 7862:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   N: () => (/* binding */ parseStatistics),
/* harmony export */   o: () => (/* binding */ createCounters)
/* harmony export */ });
/** 3.5 MB of JSON. */
const MAX_SERVED = 100_000;
const NOTHING = {
    version: 1,
    narInfoHits: 0,
    narInfoMisses: 0,
    nars: 0,
    narsResumed: 0,
    narsCut: 0,
    narBytes: 0,
    errors: {},
    refused: 0,
    restarts: 0,
    served: [],
    servedIsComplete: true,
    mounts: {},
};
function createCounters({ start, maxServed = MAX_SERVED } = {}) {
    const before = start ?? NOTHING;
    const counts = { ...before };
    const errors = { ...before.errors };
    const served = new Set(before.served);
    const mounts = new Map(Object.entries(before.mounts).map(([name, mount]) => [
        name,
        { ...mount },
    ]));
    let { servedIsComplete } = before;
    let revision = 0;
    const add = (name, amount = 1) => {
        counts[name] += amount;
        revision++;
    };
    const all = {
        narInfo: (hit) => add(hit ? 'narInfoHits' : 'narInfoMisses'),
        narBegun(hashPart) {
            add('nars');
            if (served.size < maxServed)
                served.add(hashPart);
            else
                servedIsComplete &&= served.has(hashPart);
        },
        narResumed: () => add('narsResumed'),
        narCut: () => add('narsCut'),
        narBytes: (sizeBytes) => add('narBytes', sizeBytes),
        error(code) {
            errors[code] = (errors[code] ?? 0) + 1;
            revision++;
        },
        refused: () => add('refused'),
    };
    return {
        ...all,
        of(name) {
            const mount = mounts.get(name) ?? { paths: 0, narBytes: 0, narsCut: 0 };
            mounts.set(name, mount);
            return {
                ...all,
                narBegun(hashPart) {
                    const before = served.size;
                    all.narBegun(hashPart);
                    mount.paths += served.size - before;
                },
                narCut() {
                    all.narCut();
                    mount.narsCut++;
                },
                narBytes(sizeBytes) {
                    all.narBytes(sizeBytes);
                    mount.narBytes += sizeBytes;
                },
            };
        },
        restarted: () => add('restarts'),
        revision: () => revision,
        snapshot: () => ({
            ...counts,
            errors: { ...errors },
            served: [...served],
            servedIsComplete,
            mounts: Object.fromEntries([...mounts].map(([name, mount]) => [name, { ...mount }])),
        }),
    };
}
/** Reads what a substituter wrote; `null` when it is none of version 1, such as a part of one. */
function parseStatistics(text) {
    let value;
    try {
        value = JSON.parse(text);
    }
    catch {
        return null;
    }
    if (typeof value !== 'object' || value === null)
        return null;
    const fields = new Map(Object.entries(value));
    const count = (name) => countOf(fields.get(name));
    if (fields.get('version') !== 1)
        return null;
    const errors = fields.get('errors');
    const served = fields.get('served');
    return {
        version: 1,
        narInfoHits: count('narInfoHits'),
        narInfoMisses: count('narInfoMisses'),
        nars: count('nars'),
        narsResumed: count('narsResumed'),
        narsCut: count('narsCut'),
        narBytes: count('narBytes'),
        refused: count('refused'),
        restarts: count('restarts'),
        errors: typeof errors === 'object' && errors !== null ? numbersOf(errors) : {},
        served: Array.isArray(served) ? served.filter((name) => typeof name === 'string') : [],
        servedIsComplete: fields.get('servedIsComplete') === true,
        mounts: mountsOf(fields.get('mounts')),
    };
}
function countOf(value) {
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
function mountsOf(value) {
    if (typeof value !== 'object' || value === null)
        return {};
    const entries = Object.entries(value).map(([name, mount]) => {
        const fields = new Map(typeof mount === 'object' && mount !== null ? Object.entries(mount) : []);
        return [
            name,
            { paths: countOf(fields.get('paths')), narBytes: countOf(fields.get('narBytes')), narsCut: countOf(fields.get('narsCut')) },
        ];
    });
    return Object.fromEntries(entries);
}
function numbersOf(value) {
    return Object.fromEntries(Object.entries(value).filter((entry) => typeof entry[1] === 'number'));
}


/***/ }),

/***/ 1156:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   z: () => (/* binding */ withinLimit)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);

/**
 * Settles as `body` does, or throws `deadline` or `cancelled` in time, even if `body` does not care for its signal. That signal aborts together with the wait;
 * after a success it goes on to live as long as `signal`.
 */
async function withinLimit(limit, body) {
    const { limitMs, signal, doing } = limit;
    if (signal.aborted)
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('cancelled', `${doing}: cancelled.`);
    const ended = Promise.withResolvers();
    const timeout = new AbortController();
    const stop = (error) => {
        timeout.abort(error);
        ended.reject(error);
    };
    const timer = setTimeout(() => stop(new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('deadline', `${doing}: no answer within ${limitMs} ms.`)), limitMs);
    const cancelled = () => stop(new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('cancelled', `${doing}: cancelled.`));
    signal.addEventListener('abort', cancelled, { once: true });
    const work = Promise.resolve().then(() => body(AbortSignal.any([signal, timeout.signal])));
    try {
        return await Promise.race([work, ended.promise]);
    }
    catch (error) {
        // Nobody waits for it any more, so nobody else would close what it brings.
        work.then(limit.discard, () => undefined);
        throw error;
    }
    finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', cancelled);
    }
}


/***/ }),

/***/ 2368:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   H6: () => (/* binding */ orAborted),
/* harmony export */   Te: () => (/* binding */ throwIfAborted),
/* harmony export */   ml: () => (/* binding */ systemClock),
/* harmony export */   vt: () => (/* binding */ abortError)
/* harmony export */ });
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(8500);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);


const systemClock = {
    nowMs: () => performance.now(),
    async sleep(ms, signal) {
        // Only an abort can reject.
        await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_0__.setTimeout)(ms, undefined, { signal }).catch(() => undefined);
    },
};
/** @throws CacheError `cancelled` or `deadline`, when `signal` has aborted */
function throwIfAborted(signal, doing) {
    if (signal.aborted)
        throw abortError(signal, doing);
}
/** Why `signal` aborted: the `CacheError` that it was given as the reason, `deadline` for `AbortSignal.timeout`, else `cancelled`. */
function abortError(signal, doing) {
    const reason = signal.reason;
    if (reason instanceof _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA)
        return reason;
    if (reason instanceof DOMException && reason.name === 'TimeoutError') {
        return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('deadline', `${doing}: the time for it ran out.`);
    }
    return new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('cancelled', `${doing}: cancelled.`);
}
/** Settles as `promise` does, or rejects as soon as `signal` aborts, whatever `promise` is still waiting for. */
async function orAborted(promise, signal, doing) {
    const aborted = Promise.withResolvers();
    const onAbort = () => aborted.reject(abortError(signal, doing));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted)
        onAbort();
    try {
        return await Promise.race([promise, aborted.promise]);
    }
    finally {
        signal.removeEventListener('abort', onAbort);
    }
}


/***/ })

};
