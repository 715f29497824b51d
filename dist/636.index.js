export const id = 636;
export const ids = [636];
export const modules = {

/***/ 7180:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   o: () => (/* binding */ compact)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _format_compaction_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(5856);


/** The packs of a push end here; copies fill up the last one. */
const PACK_BYTES = 1024 ** 3;
const RESERVE_BYTES = 1024 ** 2;
/**
 * Keeps the store to its budget: gives up what was not used for longest, and moves what is left of packs that are mostly dead, frame by frame. What goes wrong
 * with moving, or takes too long, leaves the packs that were not copied whole by then as they are.
 */
async function compact(index, options) {
    const { budgetBytes, newBytes, nowS, log } = options;
    const copyBytes = Math.max(0, PACK_BYTES - RESERVE_BYTES - newBytes);
    const plan = (0,_format_compaction_js__WEBPACK_IMPORTED_MODULE_1__/* .planCompaction */ .Jb)(index, { budgetBytes, nowS, newBytes, copyBytes });
    if (plan.dropped.size === 0 && plan.copies.length === 0)
        return { dropped: plan.dropped, index: () => index };
    const places = await copyFrames(plan, options);
    const done = (0,_format_compaction_js__WEBPACK_IMPORTED_MODULE_1__/* .carriedOut */ .vk)(plan, places.length);
    log.info(`${plan.dropped.size} paths that were not used for longest leave the store in the Actions cache; the rest of ${done.rewritten.length} packs moves.`);
    return {
        dropped: plan.dropped,
        index(packs) {
            const newPack = done.copies.length === 0 ? null : (packs[places[0]?.pack ?? -1] ?? null);
            const offsets = places.slice(0, done.copies.length).map(({ offset }) => offset);
            return newPack === null ? (0,_format_compaction_js__WEBPACK_IMPORTED_MODULE_1__/* .applyCompaction */ .gO)(index, plan, null, []) : (0,_format_compaction_js__WEBPACK_IMPORTED_MODULE_1__/* .applyCompaction */ .gO)(index, done, newPack, offsets);
        },
    };
}
/** Copies the frames as they are, from the first on: as many as could be had in time and lie in one pack. */
async function copyFrames({ copies }, { packs, writer, log, limitMs, signal }) {
    const places = [];
    try {
        const left = copies.values();
        for await (const frame of packs.frames(copies, AbortSignal.any([signal, AbortSignal.timeout(limitMs)]))) {
            const { value: chunk } = left.next();
            const place = chunk === undefined ? null : await writer.append(chunk.id, frame);
            if (place === null || place.pack !== (places[0] ?? place).pack)
                break;
            places.push(place);
        }
    }
    catch (error) {
        log.info(`Packs that are mostly dead stay as they are: ${(0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .describeError */ .Uc)(error)}`);
    }
    return places;
}


/***/ }),

/***/ 5856:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  gO: () => (/* binding */ applyCompaction),
  vk: () => (/* binding */ carriedOut),
  Jb: () => (/* binding */ planCompaction)
});

// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
// EXTERNAL MODULE: ./build/backends/actions-cache/format/frame-use.js
var frame_use = __webpack_require__(8776);
;// CONCATENATED MODULE: ./build/backends/actions-cache/format/least-used.js
/**
 * The paths, least recently used first and each after all that refer to it (of `paths`, itself not counted): whoever drops from the front never breaks a
 * closure. A path was used when what refers to it was. Paths in a circle, which Nix does not have, come together as the last group.
 * @param nowS seconds since 1970; nothing counts as used later
 */
function leastUsedFirst(paths, nowS) {
    const nodes = new Map();
    for (const path of paths)
        nodes.set(path.info.path, { path, usedAt: Math.min(path.usedAt, nowS), referrers: 0 });
    const referencesOf = ({ path: { info } }) => info.references.flatMap((reference) => (reference === info.path ? [] : (nodes.get(reference) ?? [])));
    for (const node of nodes.values())
        for (const reference of referencesOf(node))
            reference.referrers++;
    // Referrers first (Kahn's algorithm); the list grows while it is gone through.
    const order = [...nodes.values()].filter(({ referrers }) => referrers === 0);
    for (const node of order) {
        for (const reference of referencesOf(node)) {
            reference.usedAt = Math.max(reference.usedAt, node.usedAt);
            if (--reference.referrers === 0)
                order.push(reference);
        }
    }
    const circles = [...nodes.values()].filter(({ referrers }) => referrers > 0).map(({ path }) => path);
    // A stable sort: among those used at the same time referrers stay first.
    const sorted = order.sort((a, b) => a.usedAt - b.usedAt).map(({ path }) => [path]);
    return circles.length === 0 ? sorted : [...sorted, circles];
}

// EXTERNAL MODULE: ./build/backends/actions-cache/format/pack.js
var format_pack = __webpack_require__(7170);
;// CONCATENATED MODULE: ./build/backends/actions-cache/format/compaction.js





/** Live bytes are brought under this part of the budget, so that not every job has to drop something. */
const FILL = 0.9;
/** A pack of which less is live is rewritten. */
const LIVE_ENOUGH = 0.5;
/** Less than this is not worth a new entry. */
const MIN_GAIN_BYTES = 16 * 1024 * 1024;
const MAX_COPY_BYTES = 1024 ** 3;
const FRAMING_BYTES = format_pack/* HEADER_BYTES */.q2 + format_pack/* TRAILER_BYTES */.EH;
/**
 * Which paths to give up, least recently used first, until what is live fits 90 % of the budget; then which packs to rewrite: those that are mostly dead,
 * and others, deadest first, as long as all packs together exceed the budget.
 */
function planCompaction(index, limits) {
    const paths = [...index.paths()];
    const use = new frame_use/* FrameUse */.PF(index, paths);
    const liveBefore = use.liveBytes;
    const packsBefore = sizeOf(use.packs());
    const dropped = dropPaths(paths, use, limits);
    const needed = use.packs();
    const rewritten = packsToRewrite(needed, limits);
    const copies = rewritten.flatMap(({ frames }) => frames);
    const keys = new Set(rewritten.map(({ pack }) => pack.key));
    const kept = needed.filter(({ pack }) => !keys.has(pack.key));
    return {
        dropped,
        kept: kept.map(({ pack }) => pack),
        rewritten: rewritten.map(({ pack }) => pack),
        copies,
        liveBytes: { before: liveBefore, after: use.liveBytes },
        packBytes: { before: packsBefore, after: sizeOf(kept) + (copies.length > 0 ? (0,frame_use/* frameBytesOf */.gp)(copies) + FRAMING_BYTES : 0) },
    };
}
/** Takes from `use` what is given up. */
function dropPaths(paths, use, { budgetBytes, nowS, newBytes }) {
    const roomBytes = FILL * budgetBytes - newBytes;
    const dropped = new Set();
    if (use.liveBytes <= roomBytes)
        return dropped;
    for (const group of leastUsedFirst(paths, nowS)) {
        if (use.liveBytes <= roomBytes)
            break;
        for (const path of group) {
            use.drop(path);
            dropped.add((0,store_path/* hashPartOf */.bV)(path.info.path));
        }
    }
    return dropped;
}
function packsToRewrite(packs, { budgetBytes, newBytes, copyBytes = MAX_COPY_BYTES }) {
    const rewritten = [];
    let totalBytes = sizeOf(packs) + newBytes;
    let madeBytes = FRAMING_BYTES;
    let gainBytes = -FRAMING_BYTES;
    for (const one of packs.toSorted((a, b) => liveShare(a) - liveShare(b))) {
        const deadBytes = one.pack.sizeBytes - one.liveBytes - FRAMING_BYTES;
        const isWanted = liveShare(one) < LIVE_ENOUGH || totalBytes > budgetBytes;
        if (!isWanted || deadBytes <= 0 || madeBytes + one.liveBytes > copyBytes)
            continue;
        rewritten.push(one);
        totalBytes -= deadBytes;
        madeBytes += one.liveBytes;
        gainBytes += one.pack.sizeBytes - one.liveBytes;
    }
    return gainBytes < MIN_GAIN_BYTES ? [] : rewritten;
}
function liveShare({ pack, liveBytes }) {
    return liveBytes / pack.sizeBytes;
}
function sizeOf(packs) {
    return packs.reduce((sum, { pack }) => sum + pack.sizeBytes, 0);
}
/** The plan as far as its first `copied` frames carry it: a pack of which not all were copied stays. */
function carriedOut(plan, copied) {
    const left = new Set(plan.copies.slice(copied).map(({ pack }) => pack.key));
    return {
        ...plan,
        kept: [...plan.kept, ...plan.rewritten.filter(({ key }) => left.has(key))],
        rewritten: plan.rewritten.filter(({ key }) => !left.has(key)),
        copies: plan.copies.filter(({ pack }) => !left.has(pack.key)),
    };
}
/**
 * The index as the plan leaves it. `newPack` holds `plan.copies` at `offsets`; `null` when nothing was to be copied, or could be: then the plan's
 * frames stay where they are.
 */
function applyCompaction(index, plan, newPack, offsets) {
    const moved = newPack === null ? new Map() : movedTo(newPack, plan.copies, offsets);
    const packs = [...plan.kept, ...(newPack === null ? plan.rewritten : [newPack])];
    const packKeys = new Set(packs.map(({ key }) => key));
    const placed = (chunk) => moved.get((0,frame_use/* textOf */.b6)(chunk.id)) ?? (0,frame_use/* placeOf */.$t)(index, chunk);
    const changed = (path) => ({ ...path, chunks: path.chunks.map(placed) });
    const hashParts = new Set();
    for (const hashPart of index.hashParts())
        if (!plan.dropped.has(hashPart))
            hashParts.add(hashPart);
    return {
        storeDir: index.storeDir,
        pathCount: hashParts.size,
        packs,
        hashParts: () => hashParts,
        path(hashPart) {
            const path = hashParts.has(hashPart) ? index.path(hashPart) : null;
            return path === null ? null : changed(path);
        },
        mention: (hashPart) => (hashParts.has(hashPart) ? index.mention(hashPart) : null),
        *paths() {
            for (const path of index.paths())
                if (!plan.dropped.has((0,store_path/* hashPartOf */.bV)(path.info.path)))
                    yield changed(path);
        },
        chunk(id) {
            const chunk = moved.get((0,frame_use/* textOf */.b6)(id)) ?? index.chunk(id);
            return chunk !== null && packKeys.has(chunk.pack.key) ? chunk : null;
        },
    };
}
function movedTo(pack, copies, offsets) {
    if (offsets.length !== copies.length)
        throw new errors/* CacheError */.xA('internal', `${copies.length} frames were to be copied, and ${offsets.length} were.`);
    return new Map(copies.map((chunk, at) => [(0,frame_use/* textOf */.b6)(chunk.id), { ...chunk, pack, offset: offsetIn(pack, chunk, offsets[at]) }]));
}
function offsetIn(pack, { frameBytes }, offset = 0) {
    if (offset >= format_pack/* HEADER_BYTES */.q2 && offset + frameBytes <= pack.sizeBytes - format_pack/* TRAILER_BYTES */.EH)
        return offset;
    throw new errors/* CacheError */.xA('internal', `A copied frame can't lie at ${offset} of the new pack.`);
}


/***/ }),

/***/ 8776:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   $t: () => (/* binding */ placeOf),
/* harmony export */   PF: () => (/* binding */ FrameUse),
/* harmony export */   b6: () => (/* binding */ textOf),
/* harmony export */   gp: () => (/* binding */ frameBytesOf)
/* harmony export */ });
/** Which frames are needed, and by how many paths. */
class FrameUse {
    #frames = new Map();
    #liveBytes = 0;
    constructor(index, paths) {
        for (const path of paths) {
            for (const [id, chunk] of chunksOf(path)) {
                const known = this.#frames.get(id);
                if (known !== undefined)
                    known.paths++;
                else
                    this.#add(id, placeOf(index, chunk));
            }
        }
    }
    /** Bytes of the frames that paths need. */
    get liveBytes() {
        return this.#liveBytes;
    }
    drop(path) {
        for (const id of chunksOf(path).keys()) {
            const frame = this.#frames.get(id);
            if (frame === undefined || --frame.paths > 0)
                continue;
            this.#frames.delete(id);
            this.#liveBytes -= frame.chunk.frameBytes;
        }
    }
    packs() {
        const byKey = Map.groupBy(this.#frames.values(), ({ chunk }) => chunk.pack.key);
        return [...byKey.values()].flatMap((used) => {
            const frames = used.map(({ chunk }) => chunk).sort((a, b) => a.offset - b.offset);
            const pack = frames[0]?.pack;
            return pack === undefined ? [] : [{ pack, frames, liveBytes: frameBytesOf(frames) }];
        });
    }
    #add(id, chunk) {
        this.#frames.set(id, { chunk, paths: 1 });
        this.#liveBytes += chunk.frameBytes;
    }
}
/** Where all paths find the chunk: two jobs may have stored it at the same time, and one place is enough. */
function placeOf(index, chunk) {
    return index.chunk(chunk.id) ?? chunk;
}
function frameBytesOf(chunks) {
    return chunks.reduce((sum, { frameBytes }) => sum + frameBytes, 0);
}
/** For a key of a `Map`. */
function textOf(id) {
    return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
}
/** Each chunk once, however often the NAR has it. */
function chunksOf({ chunks }) {
    return new Map(chunks.map((chunk) => [textOf(chunk.id), chunk]));
}


/***/ }),

/***/ 831:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  m: () => (/* binding */ saveIndex)
});

// EXTERNAL MODULE: ./build/bodies/in-memory.js
var in_memory = __webpack_require__(808);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/waiting/cancel.js
var cancel = __webpack_require__(2368);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:zlib"
var external_node_zlib_ = __webpack_require__(8522);
// EXTERNAL MODULE: ./build/nix/hash.js
var hash = __webpack_require__(3314);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
// EXTERNAL MODULE: ./build/backends/actions-cache/format/frame-use.js
var frame_use = __webpack_require__(8776);
// EXTERNAL MODULE: ./build/backends/actions-cache/format/index-layout.js
var index_layout = __webpack_require__(8506);
;// CONCATENATED MODULE: ./build/backends/actions-cache/format/index-writer.js







/** The index as bytes. Packs that no path needs are left out, and so are their chunks. Throws `cache-too-large`. */
function encodeIndex(header, index) {
    return indexEncoder(index)(header);
}
/** As `encodeIndex`, for an index that is written under one number after another until one is free: nearly all of the work is done once. */
function indexEncoder(index) {
    const paths = [...index.paths()].sort((a, b) => byText((0,store_path/* hashPartOf */.bV)(a.info.path), (0,store_path/* hashPartOf */.bV)(b.info.path)));
    const chunks = chunksOf(paths, index);
    const packs = packsOf(chunks.list);
    const [pathTable, records] = pathTables(paths, chunks.lineOf);
    const tables = [chunkTable(chunks.list, packs.lineOf), pathTable, ...records];
    const contents = {
        storeDir: index.storeDir,
        packs: packs.list.map(recordOfPack),
        chunks: chunks.list.length,
        paths: paths.length,
    };
    return ({ slot, openSlots, createdAt, writer }) => {
        const head = { slot, openSlots, createdAt, writer: plain(writer), ...contents };
        const headBytes = Buffer.from(JSON.stringify(head), 'utf8');
        const headSize = Buffer.alloc(4);
        headSize.writeUInt32LE(headBytes.length);
        const body = Buffer.concat([headSize, headBytes, ...tables]);
        if (headBytes.length > index_layout/* MAX_HEAD_BYTES */.OK || body.length > index_layout/* MAX_BODY_BYTES */.YK)
            throw new errors/* CacheError */.xA('cache-too-large', `An index of ${paths.length} paths in ${packs.list.length} packs is too large.`);
        return Buffer.concat([prefixOf(body), (0,external_node_zlib_.zstdCompressSync)(body, { params: { [external_node_zlib_.constants.ZSTD_c_compressionLevel]: 3 } })]);
    };
}
function recordOfPack({ key, sizeBytes, createdAt }) {
    return { key, sizeBytes, createdAt };
}
/** For one line of a log. */
function plain(writer) {
    return writer.replaceAll(/\p{Cc}/gu, ' ').slice(0, index_layout/* MAX_WRITER_CHARS */.hF);
}
/** Each once. Where two jobs stored one, the place is that of the index and not of whatever path comes last: its pack may have gone unnoticed. */
function chunksOf(paths, index) {
    const byId = new Map(paths.flatMap(({ chunks }) => chunks.map((chunk) => [idText(chunk), chunk])));
    const sorted = [...byId].sort(([a], [b]) => byText(a, b));
    const lines = new Map(sorted.map(([id], line) => [id, line]));
    return { list: sorted.map(([, chunk]) => (0,frame_use/* placeOf */.$t)(index, chunk)), lineOf: (chunk) => lines.get(idText(chunk)) ?? 0 };
}
function packsOf(chunks) {
    const byKey = new Map(chunks.map(({ pack }) => [pack.key, pack]));
    const lines = new Map([...byKey.keys()].map((key, line) => [key, line]));
    return { list: [...byKey.values()], lineOf: ({ key }) => lines.get(key) ?? 0 };
}
function chunkTable(chunks, packLine) {
    const table = Buffer.alloc(chunks.length * index_layout/* CHUNK */.m$.bytes);
    for (const [line, chunk] of chunks.entries()) {
        const at = line * index_layout/* CHUNK */.m$.bytes;
        table.set(chunk.id, at + index_layout/* CHUNK */.m$.id);
        table.writeUInt32LE(packLine(chunk.pack), at + index_layout/* CHUNK */.m$.pack);
        table.writeBigUInt64LE(BigInt(chunk.offset), at + index_layout/* CHUNK */.m$.offset);
        table.writeUInt32LE(chunk.narBytes, at + index_layout/* CHUNK */.m$.narBytes);
        table.writeUInt32LE(chunk.frameBytes, at + index_layout/* CHUNK */.m$.frameBytes);
        table.set(chunk.frameHash, at + index_layout/* CHUNK */.m$.frameHash);
    }
    return table;
}
function pathTables(paths, chunkLine) {
    const lines = new Map(paths.map(({ info }, line) => [info.path, line]));
    const table = Buffer.alloc(paths.length * index_layout/* PATH */.gI.bytes);
    let offset = 0;
    const records = paths.map((path, line) => {
        const record = Buffer.from(JSON.stringify(recordOf(path, lines, chunkLine)), 'utf8');
        // Without a record it is not there, as for a record that nobody would read.
        const bytes = record.length > index_layout/* MAX_RECORD_BYTES */.xR ? Buffer.alloc(0) : record;
        const at = line * index_layout/* PATH */.gI.bytes;
        table.write((0,store_path/* hashPartOf */.bV)(path.info.path), at + index_layout/* PATH */.gI.hashPart, 'latin1');
        table.writeUInt32LE(offset, at + index_layout/* PATH */.gI.record);
        table.writeUInt32LE(bytes.length, at + index_layout/* PATH */.gI.recordBytes);
        offset += bytes.length;
        return bytes;
    });
    return [table, records];
}
function recordOf({ info, chunks, usedAt }, lines, chunkLine) {
    return {
        name: (0,store_path/* baseNameOf */.mv)(info.path).slice(index_layout/* PATH */.gI.hashPartBytes + 1),
        narHash: (0,hash/* digestText */.M6)(info.narHash, 'hex'),
        narSize: info.narSizeBytes,
        ...(info.references.length === 0 ? {} : { refs: info.references.map((path) => lines.get(path) ?? (0,store_path/* baseNameOf */.mv)(path)) }),
        ...(info.deriver === null ? {} : { deriver: (0,store_path/* baseNameOf */.mv)(info.deriver) }),
        ...(info.signatures.length === 0 ? {} : { sigs: info.signatures }),
        ...(info.ca === null ? {} : { ca: info.ca }),
        used: usedAt,
        chunks: chunks.map(chunkLine),
    };
}
function prefixOf(body) {
    const prefix = Buffer.alloc(index_layout/* PREFIX_BYTES */.r7);
    prefix.write(index_layout/* INDEX_MAGIC */.PA, 'latin1');
    prefix.writeUInt32LE(index_layout/* INDEX_VERSION */.g3, index_layout/* PREFIX */.H3.version);
    prefix.writeBigUInt64LE(BigInt(body.length), index_layout/* PREFIX */.H3.bodyBytes);
    prefix.set((0,external_node_crypto_.createHash)('sha256').update(body).digest(), index_layout/* PREFIX */.H3.sha256);
    return prefix;
}
/** One character a byte, so that texts sort as the bytes do. */
function idText({ id }) {
    return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
}
function byText(a, b) {
    return a < b ? -1 : a > b ? 1 : 0;
}

// EXTERNAL MODULE: ./build/backends/actions-cache/format/keys.js
var keys = __webpack_require__(7643);
;// CONCATENATED MODULE: ./build/backends/actions-cache/index-saving.js





/** Forty jobs that end at the same moment. */
const MOST_TRIES = 40;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4_000;
/**
 * Saves `index` as the next one of the chain. A number that another job takes first is passed over, and named as open: after a short wait, in which others that
 * are refused too spread, the newest number that is there is looked up, so that twenty jobs at the same moment try a few times each and not twenty. Throws
 * what the service throws, and `cache-failing` when there is no end to it.
 */
async function saveIndex(service, chain, index, header, signal) {
    const encode = indexEncoder(index);
    let slot = chain.lastSlot + 1;
    for (let refusals = 0; refusals < MOST_TRIES; refusals++) {
        const passedOver = Array.from({ length: slot - chain.lastSlot - 1 }, (_, number) => chain.lastSlot + 1 + number);
        const bytes = encode({ ...header, slot, openSlots: [...chain.openSlots, ...passedOver] });
        const key = (0,keys/* indexKey */.mh)(chain.ref, slot);
        if ((await service.save(key, (0,in_memory/* bodyOfBytes */.P)(bytes), signal)) === 'saved' && (await isOurs(service, key, bytes, signal)))
            return slot;
        await cancel/* systemClock */.ml.sleep(Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** refusals), signal);
        (0,cancel/* throwIfAborted */.Te)(signal, 'Saving the index');
        slot = Math.max(slot, await newestSlot(service, chain.ref, signal)) + 1;
    }
    throw new errors/* CacheError */.xA('cache-failing', `Other jobs took ${MOST_TRIES} index numbers in a row, so this job's index was not saved.`);
}
async function newestSlot(service, ref, signal) {
    const newest = await service.lookup({ newestOf: (0,keys/* indexPrefix */.jE)(ref) }, signal);
    return newest === null ? 0 : ((0,keys/* slotOfIndexKey */.nW)(newest.key, ref) ?? 0);
}
/** Where a second entry of one key is taken, the newer one hides ours. */
async function isOurs(service, key, bytes, signal) {
    if (service.refusesDuplicates)
        return true;
    const stream = await (await service.lookup({ key }, signal))?.read(null, signal);
    if (!stream)
        return false;
    const parts = [];
    for await (const part of stream)
        parts.push(part);
    return Buffer.concat(parts).equals(bytes);
}


/***/ }),

/***/ 8290:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Z: () => (/* binding */ uploadPack)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);
/* harmony import */ var _format_keys_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(7643);



/** When the answer to a reservation is lost, the request that is sent once more finds the key taken, and by nobody. */
const KEYS = 3;
/** Stores a pack under a key that nobody else has. @param nowS seconds since 1970. Throws what the service throws. */
async function uploadPack(service, { body }, nowS, signal) {
    for (let left = KEYS; left > 0; left--) {
        const key = (0,_format_keys_js__WEBPACK_IMPORTED_MODULE_2__/* .packKey */ .l7)((0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(20).toString('hex'));
        if ((await service.save(key, body, signal)) === 'saved')
            return { key, sizeBytes: body.sizeBytes, createdAt: nowS };
    }
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('cache-failing', `${KEYS} new keys were taken already.`, {
        hint: "The service of GitHub's cache reserves keys and does not answer: try again later.",
    });
}


/***/ }),

/***/ 9271:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  $: () => (/* binding */ createPackWriter)
});

// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./build/bodies/in-file.js
var in_file = __webpack_require__(5465);
;// CONCATENATED MODULE: ./build/backends/actions-cache/pack-file.js




/** What one system call takes; the system's limit is 1024. */
const PARTS_PER_WRITE = 256;
/**
 * Begins a pack with `header` in a file of `folder` (made when missing, mode 0700). The file (0600) loses its name right after it was opened, so nothing
 * stays behind however the process ends.
 */
function createPackFile(folder, header) {
    const opened = begin(folder, header);
    opened.catch(() => { });
    const waiting = [];
    let reservedBytes = header.length;
    let writtenBytes = header.length;
    let frames = 0;
    let failure = null;
    let writing = null;
    let closed = null;
    async function write(parts) {
        try {
            await writeAll(await opened, parts, writtenBytes);
        }
        catch (error) {
            throw fileError(error, folder);
        }
        for (const part of parts)
            writtenBytes += part.length;
    }
    /** While one write is under way the next frames gather, and go together. */
    async function writeWaiting() {
        while (waiting.length > 0) {
            const batch = waiting.splice(0, PARTS_PER_WRITE);
            try {
                if (failure !== null)
                    throw failure;
                await write(batch.map(({ frame }) => frame));
                frames += batch.length;
                for (const { resolve } of batch)
                    resolve();
            }
            catch (error) {
                failure = fileError(error, folder);
                for (const { reject } of batch)
                    reject(failure);
            }
        }
        writing = null;
    }
    const close = () => (closed ??= Promise.resolve(writing).then(() => closeFile(opened)));
    return {
        get sizeBytes() {
            return reservedBytes;
        },
        get failure() {
            return failure;
        },
        async append(frame) {
            if (failure !== null)
                throw failure;
            const offset = reservedBytes;
            reservedBytes += frame.length;
            await new Promise((resolve, reject) => {
                waiting.push({ frame, resolve, reject });
                writing ??= writeWaiting();
            });
            return offset;
        },
        async finish(trailer) {
            await writing;
            if (frames === 0)
                return null;
            const file = await opened;
            try {
                // Without what a write that failed left behind.
                await file.truncate(writtenBytes);
            }
            catch (error) {
                throw fileError(error, folder);
            }
            await write([trailer(writtenBytes, frames)]);
            return { body: (0,in_file/* bodyOfFile */.u)(file, writtenBytes), frames, close };
        },
        close,
    };
}
async function begin(folder, header) {
    await (0,promises_.mkdir)(folder, { recursive: true, mode: 0o700 });
    const path = (0,external_node_path_.join)(folder, `pack-${process.pid}-${++lastFile}`);
    const file = await (0,promises_.open)(path, 'wx+', 0o600);
    try {
        await (0,promises_.unlink)(path);
        await writeAll(file, [header], 0);
        return file;
    }
    catch (error) {
        await file.close();
        throw error;
    }
}
async function closeFile(opened) {
    const file = await opened.catch(() => null);
    await file?.close();
}
let lastFile = 0;
async function writeAll(file, parts, position) {
    let at = position;
    let rest = parts.filter((part) => part.length > 0);
    while (rest.length > 0) {
        const { bytesWritten } = await file.writev(rest, at);
        at += bytesWritten;
        rest = without(rest, bytesWritten);
    }
}
/** What is left of `parts` after their first `bytes` bytes. */
function without(parts, bytes) {
    let left = bytes;
    return parts.flatMap((part) => {
        const dropped = Math.min(left, part.length);
        left -= dropped;
        return dropped === part.length ? [] : [part.subarray(dropped)];
    });
}
function fileError(error, folder) {
    if (error instanceof errors/* CacheError */.xA)
        return error;
    const code = (0,errors/* systemCode */.xU)(error);
    if (code === 'ENOSPC' || code === 'EDQUOT') {
        return new errors/* CacheError */.xA('disk-full', `No space left in ${folder} for the pack that goes into the Actions cache.`, {
            hint: 'Free space on that disk, or leave large paths out with `max-path-size` or `exclude`.',
            cause: error,
        });
    }
    return new errors/* CacheError */.xA('file-failed', `Writing a pack in ${folder} failed (${code ?? String(error)}).`, { cause: error });
}

;// CONCATENATED MODULE: ./build/backends/actions-cache/pack-writer.js


/** Entries of up to 10 GiB are taken by GitHub; others that speak its protocol take less, and a reader of the toolkit kind fetches a pack whole. */
const DEFAULT_LIMIT_BYTES = 1024 ** 3;
function createPackWriter(options) {
    const { folder, header, trailer, limitBytes = DEFAULT_LIMIT_BYTES } = options;
    const trailerBytes = trailer(0, 0).length;
    const places = new Map();
    const packs = [];
    /** Of those that take no more frames. */
    const full = [];
    let finished = null;
    function packFor(frameBytes) {
        const last = packs.at(-1);
        if (last !== undefined && (last.failure !== null || last.sizeBytes + frameBytes + trailerBytes <= limitBytes))
            return last;
        if (last !== undefined) {
            const ended = last.finish(trailer);
            // Whoever asks for it is told.
            ended.catch(() => undefined);
            full.push(ended);
            options.onFull?.(full.length - 1, ended);
        }
        const next = createPackFile(folder, header);
        packs.push(next);
        return next;
    }
    async function write(frame) {
        if (finished !== null)
            throw new errors/* CacheError */.xA('internal', 'Packs that were finished take no more frames.');
        const file = packFor(frame.length);
        const pack = packs.length - 1;
        return { pack, offset: await file.append(frame), frameBytes: frame.length };
    }
    async function finishAll() {
        const all = await Promise.all(packs.map((pack, index) => full[index] ?? pack.finish(trailer)));
        // Only the last one can be without frames: after a failure no other is begun.
        return all.filter((pack) => pack !== null);
    }
    return {
        find: (id) => places.get(keyOf(id)) ?? null,
        append(id, frame) {
            const key = keyOf(id);
            const known = places.get(key);
            if (known !== undefined)
                return known;
            const place = write(frame);
            places.set(key, place);
            return place;
        },
        finish: () => (finished ??= finishAll()),
        async close() {
            await Promise.all(packs.map((pack) => pack.close()));
        },
    };
}
function keyOf(id) {
    return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
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


/***/ })

};
