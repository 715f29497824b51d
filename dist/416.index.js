export const id = 416;
export const ids = [416];
export const modules = {

/***/ 9416:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createActionsCache: () => (/* binding */ createActionsCache)
});

// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/hash.js
var hash = __webpack_require__(3314);
// EXTERNAL MODULE: ./build/nix/signature.js
var nix_signature = __webpack_require__(8486);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
// EXTERNAL MODULE: ./build/waiting/cancel.js
var cancel = __webpack_require__(2368);
// EXTERNAL MODULE: ./build/backends/in-flight.js
var in_flight = __webpack_require__(8336);
// EXTERNAL MODULE: ./build/backends/published-narinfo.js
var published_narinfo = __webpack_require__(9842);
// EXTERNAL MODULE: ./build/backends/actions-cache/compacting.js
var compacting = __webpack_require__(7180);
;// CONCATENATED MODULE: ./build/backends/actions-cache/early-uploads.js

/** One at a time: builds and other caches want the line, too. */
function createEarlyUploads(upload) {
    const closing = new AbortController();
    const uploads = new Map();
    let last = Promise.resolve();
    return {
        begin(pack, finished) {
            const before = last;
            const run = async () => {
                await before;
                const whole = await finished;
                if (whole === null || closing.signal.aborted)
                    return null;
                const up = await upload(whole, closing.signal);
                // A push may be larger than what is free on the disk.
                await whole.close();
                return up;
            };
            const uploaded = run().catch(() => null);
            uploads.set(pack, uploaded);
            last = uploaded;
        },
        async ended(pack, signal) {
            const uploaded = uploads.get(pack);
            return uploaded === undefined ? null : (0,cancel/* orAborted */.H6)(uploaded, signal, 'Uploading to the Actions cache');
        },
        async close() {
            closing.abort();
            await last;
        },
    };
}

// EXTERNAL MODULE: ./build/backends/actions-cache/format/merge.js + 1 modules
var merge = __webpack_require__(6533);
// EXTERNAL MODULE: ./build/backends/actions-cache/format/pack.js
var pack = __webpack_require__(7170);
;// CONCATENATED MODULE: ./build/backends/actions-cache/incoming.js

/** @param isGone whether the pack with this key is known to be gone, so that its chunks have to be stored again */
function createIncoming(index, isGone, writer) {
    /** Hashes of new frames, by chunk: a chunk that another NAR brings needs it too. */
    const hashes = new Map();
    const known = (id) => {
        const chunk = index.chunk(id);
        return chunk === null || isGone(chunk.pack.key) ? null : chunk;
    };
    const append = async (id, narBytes, frame, frameHash) => {
        hashes.set(keyOf(id), frameHash);
        return { id, narBytes, frameHash, place: await writer.append(id, frame) };
    };
    const find = async ({ id, narBytes }) => {
        const there = known(id);
        if (there !== null)
            return there;
        const [place, frameHash] = [await writer.find(id), hashes.get(keyOf(id))];
        if (place === null || frameHash === undefined)
            throw new errors/* CacheError */.xA('internal', 'A chunk that was known is not there any more.');
        return { id, narBytes, frameHash, place };
    };
    return {
        async take(nar, signal) {
            const chunks = [];
            const sent = new Set();
            for await (const chunk of nar.chunks((id) => known(id) !== null || writer.find(id) !== null, signal)) {
                const { id, narBytes, frame, frameHash } = chunk;
                if (frame === null || frameHash === null)
                    chunks.push(await find(chunk));
                else {
                    if (writer.find(id) === null)
                        sent.add(keyOf(id));
                    chunks.push(await append(id, narBytes, frame, frameHash));
                }
            }
            return incomingPath(chunks, sent);
        },
    };
}
function incomingPath(chunks, sent) {
    const own = new Map(chunks.flatMap((chunk) => ('place' in chunk && sent.has(keyOf(chunk.id)) ? [[keyOf(chunk.id), chunk.place]] : [])));
    const older = new Map(chunks.flatMap((chunk) => ('place' in chunk ? [] : [[chunk.pack.key, chunk.pack]])));
    return {
        olderPacks: [...older.values()],
        sentBytes: [...own.values()].reduce((sum, { frameBytes }) => sum + frameBytes, 0),
        stored: (info, packs, usedAt) => ({
            info,
            usedAt,
            chunks: chunks.map((chunk) => ('place' in chunk ? named(chunk, packs) : chunk)),
        }),
    };
}
function named({ id, narBytes, frameHash, place }, packs) {
    const pack = packs[place.pack];
    if (pack === undefined)
        throw new errors/* CacheError */.xA('internal', 'A frame lies in a pack that was not finished.');
    return { id, narBytes, frameHash, pack, offset: place.offset, frameBytes: place.frameBytes };
}
function keyOf(id) {
    return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
}

// EXTERNAL MODULE: ./build/backends/actions-cache/index-saving.js + 1 modules
var index_saving = __webpack_require__(831);
// EXTERNAL MODULE: ./build/backends/actions-cache/pack-upload.js
var pack_upload = __webpack_require__(8290);
// EXTERNAL MODULE: ./build/backends/actions-cache/pack-writer.js + 1 modules
var pack_writer = __webpack_require__(9271);
;// CONCATENATED MODULE: ./build/backends/actions-cache/actions-cache.js















const PACKED_AGAIN_IN_FLIGHT = 4;
/**
 * The store in the Actions cache: paths come in one by one, and become visible together, with the index that `finish` saves after the packs (invariant
 * I1). Two requests for each pack and two for the index, however many paths there are.
 */
function createActionsCache(options) {
    const { service, known, packs, storeDir, signingKey, nowS, log } = options;
    const early = createEarlyUploads((pack, signal) => (0,pack_upload/* uploadPack */.Z)(service, pack, nowS, signal));
    const writer = (0,pack_writer/* createPackWriter */.$)({
        folder: options.folder,
        header: pack/* PACK_HEADER */.Qv,
        trailer: (sizeBytes, frames) => (0,pack/* packTrailer */.RP)({ sizeBytes, frames }),
        ...(options.packLimitBytes === undefined ? {} : { limitBytes: options.packLimitBytes }),
        onFull: early.begin,
    });
    const incoming = createIncoming(known.index, (key) => packs.gone.has(key), writer);
    const published = [];
    let saved = known.index;
    /** Finds out which have gone. One of which that can't be told is taken to be there. Throws what `signal` aborts with. */
    const lookFor = async (wanted, signal) => {
        const looks = wanted.map((pack) => packs.areThere([pack]).catch((error) => log.debug((0,errors/* describeError */.Uc)(error))));
        await (0,cancel/* orAborted */.H6)(Promise.all(looks), signal, 'Looking for packs in the Actions cache');
    };
    /** A path that was stored without a signature that this job's readers trust is of no use to them, and gets ours. */
    const isReadable = ({ info }) => signingKey === null ||
        info.ca !== null ||
        info.signatures.some((signature) => (0,nix_signature/* verify */.MX)((0,nix_signature/* fingerprint */.Rj)(info), signature, options.publicKeys));
    /** Brings what paths of this push have in older packs that turn out to be gone. What can't be brought now is lost, and `finish` tells of it. */
    const packAgain = async (signal) => {
        await lookFor([...new Set(published.flatMap(({ incoming: path }) => path.olderPacks))], signal);
        const torn = published.filter(({ incoming: path }) => path.olderPacks.some(({ key }) => packs.gone.has(key)));
        if (torn.length === 0)
            return;
        log.info(`Packs that ${torn.length} new paths share have gone from the Actions cache; what lay in them is packed again.`);
        const limit = AbortSignal.any([signal, AbortSignal.timeout(options.compactionMs)]);
        await (0,in_flight/* visitInFlight */.F)(torn, PACKED_AGAIN_IN_FLIGHT, limit, async (path, either) => {
            try {
                const again = await incoming.take(path.nar, either);
                path.incoming = { ...again, sentBytes: path.incoming.sentBytes + again.sentBytes };
            }
            catch (error) {
                log.info(`${path.info.path} was not packed again: ${(0,errors/* describeError */.Uc)(error)}`);
            }
        });
    };
    /** What this ref's indexes hold, with what this job used; on the default branch, which others build on, kept to the budget. */
    const compactOwn = async (signal) => {
        const indexes = known.own.indexes.map(({ index }) => index);
        const own = (0,merge/* mergeIndexes */.$T)(indexes, { storeDir, gonePacks: packs.gone });
        const needed = published.flatMap(({ info }) => info.references.map(store_path/* hashPartOf */.bV));
        const used = new Map([...options.used, ...needed].map((hashPart) => [hashPart, nowS]));
        const index = (0,merge/* addPaths */.yS)(own, { packs: [], paths: [] }, used);
        if (!known.refs.isDefault)
            return { dropped: new Set(), index: () => index };
        const newBytes = published.reduce((sum, path) => sum + path.incoming.sentBytes, 0);
        return (0,compacting/* compact */.o)(index, {
            budgetBytes: options.budgetBytes,
            newBytes,
            nowS,
            packs,
            writer,
            log,
            limitMs: options.compactionMs,
            signal,
        });
    };
    return {
        kind: 'actions-cache',
        label: service.label,
        // Nix reads from the local substituter, which has an address only once it runs.
        reads: () => ({ substituters: [], publicKeys: [], netrc: [], throughUs: true, priority: null }),
        check: async () => ({ readable: true, note: null, whyNoPush: null, skipSignedBy: [] }),
        async presence(paths, signal) {
            const found = new Map();
            /** What this job has from elsewhere although it should be here may have lost its pack. */
            const unread = new Map();
            for (const info of paths) {
                const stored = known.index.path((0,store_path/* hashPartOf */.bV)(info.path));
                if (stored === null)
                    found.set(info.path, { state: wasIndexed(known, (0,store_path/* hashPartOf */.bV)(info.path)) ? 'lost' : 'missing' });
                else if (!isReadable(stored))
                    found.set(info.path, { state: 'untrusted' });
                else if (options.used.has((0,store_path/* hashPartOf */.bV)(info.path)))
                    found.set(info.path, presenceOf(info, stored));
                else
                    unread.set(info, stored);
            }
            await lookFor(packsOf([...unread.values()]), signal);
            for (const [info, stored] of unread)
                found.set(info.path, isLost(stored, packs) ? { state: 'lost' } : presenceOf(info, stored));
            return found;
        },
        async prepare(info, nar, signal) {
            const { signatures, ca, references, deriver } = (0,published_narinfo/* publishableInfo */.MT)(info, signingKey, storeDir);
            const taken = await incoming.take(nar, signal);
            return async () => {
                published.push({ info: { ...info, signatures, ca, references, deriver, ultimate: false }, nar, incoming: taken });
                return { sentBytes: taken.sentBytes };
            };
        },
        async finish(signal) {
            if (published.length === 0)
                return new Map();
            await packAgain(signal);
            const compacted = await compactOwn(signal);
            const added = [];
            for (const [index, pack] of (await writer.finish()).entries())
                added.push((await early.ended(index, signal)) ?? (await (0,pack_upload/* uploadPack */.Z)(service, pack, nowS, signal)));
            const all = published.map(({ info, incoming: path }) => path.stored(info, added, nowS));
            const older = packsOf(all).filter((pack) => !added.includes(pack));
            await lookFor(older, signal);
            const { whole, lost } = withoutLost(all, compacted.dropped, packs);
            const index = (0,merge/* addPaths */.yS)(compacted.index(added), { packs: added, paths: whole }, new Map());
            await (0,index_saving/* saveIndex */.m)(service, known.own, index, { createdAt: nowS, writer: options.writer }, signal);
            saved = index;
            published.length = 0;
            return lost;
        },
        async readBack(info) {
            const stored = saved.path((0,store_path/* hashPartOf */.bV)(info.path));
            if (stored === null)
                return { ok: false, problem: 'the index that was saved does not have it' };
            const narInfo = { ...stored.info, storePath: info.path, url: '', compression: 'zstd', fileHash: null, fileSizeBytes: null };
            const difference = (0,published_narinfo/* differenceOf */.Pq)(info, narInfo, signingKey === null ? [] : options.publicKeys, storeDir);
            return difference === null ? { ok: true } : { ok: false, problem: difference };
        },
        async close() {
            await early.close();
            await writer.close();
        },
    };
}
/** Whether an index that was read has it: one that the merged index lacks lay in packs that are gone. */
function wasIndexed({ own, others }, hashPart) {
    return [own, ...others].some(({ indexes }) => indexes.some(({ index }) => index.path(hashPart) !== null));
}
function presenceOf(info, stored) {
    return (0,hash/* equalHash */.Le)(stored.info.narHash, info.narHash)
        ? { state: 'present' }
        : { state: 'differs', narHash: (0,hash/* formatHash */.ON)(stored.info.narHash, 'nix32') };
}
function packsOf(paths) {
    return [...new Set(paths.flatMap(({ chunks }) => chunks.map(({ pack }) => pack)))];
}
function isLost({ chunks }, { gone }) {
    return chunks.some(({ pack }) => gone.has(pack.key));
}
/** Parts the paths from those with chunks in an older pack that has gone meanwhile, and what refers to them. References come before. */
function withoutLost(paths, dropped, packs) {
    const lost = new Map();
    const whole = [];
    for (const path of paths) {
        const isMissing = (reference) => lost.has(reference) || dropped.has((0,store_path/* hashPartOf */.bV)(reference));
        const culprit = path.info.references.find((reference) => reference !== path.info.path && isMissing(reference));
        if (culprit !== undefined)
            lost.set(path.info.path, `it needs ${culprit}, for which there is no room in \`actions-cache-size\` or which was lost`);
        else if (!isLost(path, packs))
            whole.push(path);
        else
            lost.set(path.info.path, 'a pack that holds a part of it has gone from the Actions cache; the next push brings all of it');
    }
    return { whole, lost };
}


/***/ }),

/***/ 9842:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   MT: () => (/* binding */ publishableInfo),
/* harmony export */   Pq: () => (/* binding */ differenceOf),
/* harmony export */   Tm: () => (/* binding */ narInfoOf)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _nix_content_address_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1520);
/* harmony import */ var _nix_hash_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3314);
/* harmony import */ var _nix_path_signature_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(2402);
/* harmony import */ var _nix_signature_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(8486);





/** 64 bytes in base 64. Nix 2.34 stops at one that is garbage, and then it finds no other one either. */
const SIGNATURE = /^[^:\s]+:[A-Za-z0-9+/]{86}==$/;
/**
 * The path as its narinfo is to describe it: every signature that it came with stays, and ours is added (invariant I3).
 * @throws CacheError `path-corrupt` when its CA field stands for another path: Nix clients of all versions end with SIGABRT at such a
 * narinfo
 */
function publishableInfo(info, signingKey, storeDir) {
    const ours = signingKey === null ? [] : [(0,_nix_path_signature_js__WEBPACK_IMPORTED_MODULE_3__/* .signatureOf */ .y)(info, signingKey)];
    return {
        storePath: info.path,
        narHash: info.narHash,
        narSizeBytes: info.narSizeBytes,
        references: info.references,
        deriver: info.deriver,
        signatures: [...new Set([...info.signatures.filter((signature) => SIGNATURE.test(signature)), ...ours])],
        ca: publishableCa(info, storeDir),
    };
}
function narInfoOf(info, nar) {
    const { url, compression, fileHash, fileSizeBytes } = nar;
    return { ...info, url, compression, fileHash, fileSizeBytes };
}
/**
 * A CA field of a kind that this code can't read (an experimental hash algorithm) can't be read by older clients either. It is left
 * out, and the signature speaks for the path as it does for any other.
 */
function publishableCa(info, storeDir) {
    const problem = (0,_nix_content_address_js__WEBPACK_IMPORTED_MODULE_1__/* .checkContentAddress */ .M3)(info, storeDir);
    if (problem === null || info.ca === null)
        return info.ca;
    if (!isReadable(info.ca))
        return null;
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('path-corrupt', `${info.path} can't be published: ${problem}.`, {
        hint: `Check it with \`nix-store --verify-path ${info.path}\`, and delete and build it again.`,
    });
}
function isReadable(ca) {
    try {
        (0,_nix_content_address_js__WEBPACK_IMPORTED_MODULE_1__/* .parseContentAddress */ .hv)(ca);
        return true;
    }
    catch {
        return false;
    }
}
/** Why a substituter would not take `published` for the local path `info`; `null` when it would. */
function differenceOf(info, published, publicKeys, storeDir) {
    const { narHash, narSizeBytes, references, signatures, ca } = published;
    if (!(0,_nix_hash_js__WEBPACK_IMPORTED_MODULE_2__/* .equalHash */ .Le)(narHash, info.narHash))
        return `its narinfo has another NAR hash (${(0,_nix_hash_js__WEBPACK_IMPORTED_MODULE_2__/* .formatHash */ .ON)(narHash, 'nix32')})`;
    if (narSizeBytes !== info.narSizeBytes)
        return `its narinfo has another NAR size (${narSizeBytes})`;
    if (references.join(' ') !== [...new Set(info.references)].sort().join(' '))
        return 'its narinfo has other references';
    const wrongCa = (0,_nix_content_address_js__WEBPACK_IMPORTED_MODULE_1__/* .checkContentAddress */ .M3)({ path: info.path, references, ca }, storeDir);
    if (wrongCa !== null)
        return wrongCa;
    // Content-addressed paths speak for themselves.
    if (ca !== null || publicKeys.length === 0)
        return null;
    const text = (0,_nix_signature_js__WEBPACK_IMPORTED_MODULE_4__/* .fingerprint */ .Rj)(info);
    return signatures.some((signature) => (0,_nix_signature_js__WEBPACK_IMPORTED_MODULE_4__/* .verify */ .MX)(text, signature, publicKeys))
        ? null
        : 'no signature of it is by a key that readers trust';
}


/***/ }),

/***/ 2402:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   f: () => (/* binding */ signAhead),
/* harmony export */   y: () => (/* binding */ signatureOf)
/* harmony export */ });
/* harmony import */ var _base64_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(4125);
/* harmony import */ var _ed25519_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1873);
/* harmony import */ var _signature_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(8486);



const made = new WeakMap();
function madeWith(key) {
    const known = made.get(key) ?? new WeakMap();
    made.set(key, known);
    return known;
}
/** The signature of a path: `name:base64`, made when it is not yet. Throws `format-invalid` when the size of its NAR is not known. */
function signatureOf(info, key) {
    const known = madeWith(key);
    const signature = known.get(info) ?? (0,_signature_js__WEBPACK_IMPORTED_MODULE_2__/* .sign */ ._S)((0,_signature_js__WEBPACK_IMPORTED_MODULE_2__/* .fingerprint */ .Rj)(info), key);
    known.set(info, signature);
    return signature;
}
/** Given to other threads at a time: 10 ms of work for two of them, which others may have to wait for. */
const AT_A_TIME = 256;
/**
 * Makes the signatures of paths that will be asked for soon, in about this order, on other threads; until `signal` is aborted. What it can't sign is left to whoever
 * asks. Resolves when all are made.
 */
async function signAhead(infos, key, signal, { signAside } = (0,_ed25519_js__WEBPACK_IMPORTED_MODULE_1__/* .ed25519 */ .ev)()) {
    if (signAside === undefined)
        return;
    const known = madeWith(key);
    for (let start = 0; start < infos.length && !signal.aborted; start += AT_A_TIME) {
        const batch = infos.slice(start, start + AT_A_TIME).filter((info) => !known.has(info) && info.narSizeBytes > 0);
        const signing = batch.map(async (info) => {
            known.set(info, null);
            const bytes = await signAside(Buffer.from((0,_signature_js__WEBPACK_IMPORTED_MODULE_2__/* .fingerprint */ .Rj)(info)), key.secretKey);
            known.set(info, `${key.name}:${(0,_base64_js__WEBPACK_IMPORTED_MODULE_0__/* .encodeBase64 */ .W)(bytes)}`);
        });
        // Whoever asks for one that failed signs it, and learns why not.
        await Promise.allSettled(signing);
    }
}


/***/ })

};
