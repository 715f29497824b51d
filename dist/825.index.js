export const id = 825;
export const ids = [825];
export const modules = {

/***/ 7656:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   b: () => (/* binding */ isMissing)
/* harmony export */ });
/** Whether there is no sign of it. */
function isMissing({ state }) {
    return state === 'missing' || state === 'presumed-missing';
}


/***/ }),

/***/ 9825:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createBinaryCache: () => (/* binding */ createBinaryCache)
});

// EXTERNAL MODULE: ./build/bodies/in-memory.js
var in_memory = __webpack_require__(808);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/cache-info.js
var cache_info = __webpack_require__(4075);
// EXTERNAL MODULE: ./build/nix/hash.js
var hash = __webpack_require__(3314);
// EXTERNAL MODULE: ./build/nix/narinfo.js
var narinfo = __webpack_require__(6113);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
// EXTERNAL MODULE: ./build/backends/backend.js
var backend = __webpack_require__(7656);
// EXTERNAL MODULE: ./build/backends/in-flight.js
var in_flight = __webpack_require__(8336);
;// CONCATENATED MODULE: ./build/backends/nar-uploads.js


/**
 * Nix's own suffixes; readers never look at them. Only for gzip Nix has none, but our names come from the NarHash, so a gzip-compressed
 * NAR would have the name of the uncompressed one.
 */
const SUFFIX = { zstd: '.zst', xz: '.xz', gzip: '.gz', br: '.br', none: '' };
/** From here on it is worth a round trip to see whether an earlier run, or another job right now, brought the same bytes. */
const ASK_BEFORE_SENDING_BYTES = 1024 * 1024;
/** The key of a NAR is its uncompressed hash, so it is known before the first byte is read. */
function narKey(narHash, compression) {
    return `nar/${(0,hash/* digestText */.M6)(narHash, 'nix32')}.nar${SUFFIX[compression]}`;
}
/** The key of this very file, for where other bytes have the usual one. */
function fileKey(narHash, { compression, fileHash }) {
    return `nar/${(0,hash/* digestText */.M6)(narHash, 'nix32')}-${(0,hash/* digestText */.M6)(fileHash, 'nix32')}.nar${SUFFIX[compression]}`;
}
function createNarUploads(store) {
    const uploads = new Map();
    return {
        async bring(info, nar, signal) {
            const content = (0,hash/* digestText */.M6)(info.narHash, 'hex');
            for (let other = uploads.get(content); other !== undefined; other = uploads.get(content)) {
                // When the upload for another path fails, that path may be to blame (gone, corrupt); this one tries itself.
                const stored = await other.catch(() => null);
                if (stored !== null)
                    return { ...stored, sentBytes: 0 };
            }
            const upload = packAndStore(store, info, nar, signal);
            uploads.set(content, upload);
            return upload.catch((error) => {
                uploads.delete(content);
                throw error;
            });
        },
    };
}
async function packAndStore(store, info, nar, signal) {
    const packed = await nar.packed(signal);
    try {
        const { url, sent } = await storeUnderAnyKey(store, info.narHash, packed, signal);
        const { compression, fileHash, body } = packed;
        return { url, compression, fileHash, fileSizeBytes: body.sizeBytes, sentBytes: sent ? body.sizeBytes : 0 };
    }
    finally {
        await packed.dispose();
    }
}
/**
 * Under the usual key, unless what is there is not ours and can't be overwritten: a job that packed otherwise was ended before its narinfo, or its upload was cut off. No later
 * job could push the path then.
 */
async function storeUnderAnyKey(store, narHash, packed, signal) {
    const usual = narKey(narHash, packed.compression);
    try {
        return { url: usual, sent: await storeUnlessThere(store, usual, packed, signal) };
    }
    catch (error) {
        if (!isRefusal(error) || (await sizeOrNull(store, usual, signal)) === null)
            throw error;
        const url = fileKey(narHash, packed);
        return { url, sent: await storeUnlessThere(store, url, packed, signal) };
    }
}
async function storeUnlessThere(store, key, { body }, signal) {
    if (body.sizeBytes >= ASK_BEFORE_SENDING_BYTES && (await isThere(store, key, body, signal)))
        return false;
    try {
        await store.put(key, body, 'application/x-nix-nar', signal);
        return true;
    }
    catch (error) {
        if (isRefusal(error) && (await isThere(store, key, body, signal)))
            return false;
        throw error;
    }
}
/** Who is not let see it does not know. */
async function sizeOrNull(store, key, signal) {
    try {
        return await store.size(key, signal);
    }
    catch (error) {
        if (isRefusal(error))
            return null;
        throw error;
    }
}
/**
 * The name stands for the contents, but what is there may have been cut off: it counts when it is as long as ours. (What another
 * compression level made has another length and is replaced; readers can use either.)
 */
async function isThere(store, key, body, signal) {
    return (await sizeOrNull(store, key, signal)) === body.sizeBytes;
}
/** How servers answer that keep what is there and let nobody overwrite it (Artifactory without that permission, Nexus, WORM buckets). */
function isRefusal(error) {
    return (0,errors/* isCacheError */.bt)(error, 'cache-forbidden', 'cache-read-only', 'cache-invalid');
}

// EXTERNAL MODULE: ./build/backends/published-narinfo.js
var published_narinfo = __webpack_require__(9842);
;// CONCATENATED MODULE: ./build/backends/binary-cache.js










const CACHE_INFO = 'nix-cache-info';
/** Up to this size it costs little to send a NAR that was there after all: 0.3 ms to pack it (docs/decisions/035-presumed-missing.md). */
const UNASKED_NAR_BYTES = 64 * 1024;
const USABLE = { readable: true, note: null, whyNoPush: null, skipSignedBy: [] };
/**
 * Priority 41: Nix asks this cache after cache.nixos.org, which has 40. By default nothing that cache.nixos.org signed is pushed, so of
 * a usual closure (thousands of paths from there, dozens of our own) most is found at the first place asked; the other way round
 * each of those thousands would cost this server a request for nothing. A cache that mirrors everything, near and fast, is better
 * asked first: `?priority=30` in its URL, or a `nix-cache-info` of one's own, which is never overwritten. (`nix copy` writes none
 * of this, which means priority 0.)
 */
const PRIORITY = 41;
/** The Nix binary cache format over any place that holds bytes. Source: nix/src/libstore/binary-cache-store.cc. */
function createBinaryCache(options) {
    const { store, storeDir, signingKey, log } = options;
    const uploads = createNarUploads(store);
    let priority = null;
    /** @throws CacheError `format-invalid` when it can't be read or is that of another path */
    const lookUp = async (path, signal) => {
        const bytes = await store.get(narinfoKey(path), narinfo/* MAX_NARINFO_BYTES */.x1, signal);
        return bytes === null ? null : (0,narinfo/* parseNarInfo */.Ne)(textOf(bytes), { storeDir, expectedHashPart: (0,store_path/* hashPartOf */.bV)(path) });
    };
    const putNarInfo = async (narInfo, signal) => {
        try {
            await store.put(narinfoKey(narInfo.storePath), (0,in_memory/* bodyOfText */.V)((0,narinfo/* formatNarInfo */.Nt)(narInfo)), 'text/x-nix-narinfo', signal);
        }
        catch (error) {
            // Where nothing can be overwritten, another job may have been faster; if it said the same, all is well (invariant I4).
            if (!isRefusal(error))
                throw error;
            const there = await lookUp(narInfo.storePath, signal).catch(() => null);
            const same = there !== null && (0,hash/* equalHash */.Le)(there.narHash, narInfo.narHash);
            if (!same || !narInfo.signatures.every((signature) => there.signatures.includes(signature)))
                throw error;
        }
    };
    return {
        kind: options.kind,
        label: store.label,
        reads: () => ({ substituters: [options.substituter], publicKeys: [], netrc: [], throughUs: false, priority }),
        async check(mayWrite, signal) {
            const there = await store.get(CACHE_INFO, cache_info/* MAX_CACHE_INFO_BYTES */.Rs, signal);
            if (there !== null) {
                ({ priority } = checkedCacheInfo(textOf(there), store.label, storeDir));
                return USABLE;
            }
            if (!mayWrite)
                return { ...USABLE, readable: false, note: `${store.label} has no ${CACHE_INFO} yet, so Nix can't read from it.` };
            const text = (0,cache_info/* formatCacheInfo */.y6)({ storeDir, wantMassQuery: true, priority: PRIORITY });
            await store.put(CACHE_INFO, (0,in_memory/* bodyOfText */.V)(text), 'text/x-nix-cache-info', signal);
            if ((await store.get(CACHE_INFO, cache_info/* MAX_CACHE_INFO_BYTES */.Rs, signal)) === null) {
                const note = `${store.label} does not serve the ${CACHE_INFO} that was put: is \`push-url\` that of another cache?`;
                return { ...USABLE, readable: false, note };
            }
            log.info(`${store.label} had no ${CACHE_INFO}; it has one now.`);
            return USABLE;
        },
        async presence(paths, signal, sparing = false) {
            const found = new Map();
            const unreadable = [];
            const lacksReference = ({ references }) => references.map((path) => found.get(path)).some((presence) => presence !== undefined && (0,backend/* isMissing */.b)(presence));
            const look = async (info, either) => {
                if (sparing && info.narSizeBytes <= UNASKED_NAR_BYTES && lacksReference(info))
                    return { state: 'presumed-missing' };
                try {
                    return presenceOf(info, await lookUp(info.path, either));
                }
                catch (error) {
                    if (!(0,errors/* isCacheError */.bt)(error, 'format-invalid'))
                        throw error;
                    // Nix fails on a narinfo that it can't read, so it is worse than none: it counts as missing, and is replaced by a push.
                    unreadable.push(`${narinfoKey(info.path)}: ${error.message}`);
                    return { state: 'missing' };
                }
            };
            await (0,in_flight/* visitInFlight */.F)(paths, options.lookups, signal, async (info, either) => {
                found.set(info.path, await look(info, either));
            });
            if (unreadable[0] !== undefined) {
                log.warning(`${store.label} has ${unreadable.length} narinfos that can't be read. They count as missing. ${unreadable[0]}`);
            }
            return found;
        },
        async prepare(info, nar, signal) {
            const publishable = (0,published_narinfo/* publishableInfo */.MT)(info, signingKey, storeDir);
            const stored = await uploads.bring(info, nar, signal);
            return async (publishSignal) => {
                await putNarInfo((0,published_narinfo/* narInfoOf */.Tm)(publishable, stored), publishSignal);
                return { sentBytes: stored.sentBytes };
            };
        },
        finish: async () => new Map(),
        async readBack(info, signal) {
            try {
                const published = await lookUp(info.path, signal);
                if (published === null)
                    return problem('its narinfo is not there');
                const difference = (0,published_narinfo/* differenceOf */.Pq)(info, published, options.publicKeys, storeDir);
                return difference === null ? await findNar(store, published, signal) : problem(difference);
            }
            catch (error) {
                if ((0,errors/* isCacheError */.bt)(error, 'format-invalid'))
                    return problem(error.message);
                throw error;
            }
        },
        close: () => store.close(),
    };
}
function narinfoKey(path) {
    return `${(0,store_path/* hashPartOf */.bV)(path)}.narinfo`;
}
function textOf(bytes) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
function problem(text) {
    return { ok: false, problem: text };
}
/** @throws CacheError `cache-invalid` when Nix could not use the cache with this store */
function checkedCacheInfo(text, label, storeDir) {
    if (/^\s*[<{]/.test(text)) {
        throw new errors/* CacheError */.xA('cache-invalid', `${label}/${CACHE_INFO} is a web page or JSON, not the ${CACHE_INFO} of a cache.`, {
            hint: 'Is the URL that of the repository itself (no login page, no API)?',
        });
    }
    const info = parsedCacheInfo(text, label);
    if (info.storeDir !== null && info.storeDir !== storeDir) {
        throw new errors/* CacheError */.xA('cache-invalid', `${label} is for stores in ${info.storeDir}, and this one is in ${storeDir}.`, {
            hint: 'Paths can not move between store directories: use another cache.',
        });
    }
    return info;
}
function parsedCacheInfo(text, label) {
    try {
        return (0,cache_info/* parseCacheInfo */.Uw)(text);
    }
    catch (error) {
        if (!(0,errors/* isCacheError */.bt)(error))
            throw error;
        throw new errors/* CacheError */.xA('cache-invalid', `${label}: ${error.message}`, {
            hint: 'Correct or remove that file on the server.',
            cause: error,
        });
    }
}
function presenceOf(info, there) {
    if (there === null)
        return { state: 'missing' };
    return (0,hash/* equalHash */.Le)(there.narHash, info.narHash)
        ? { state: 'present' }
        : { state: 'differs', narHash: (0,hash/* formatHash */.ON)(there.narHash, 'nix32') };
}
async function findNar(store, published, signal) {
    const sizeBytes = await store.size(published.url, signal);
    if (sizeBytes === null)
        return problem(`its NAR (${published.url}) is not there`);
    if (sizeBytes !== -1 && published.fileSizeBytes !== null && sizeBytes !== published.fileSizeBytes) {
        return problem(`its NAR (${published.url}) has ${sizeBytes} bytes in place of ${published.fileSizeBytes}`);
    }
    return { ok: true };
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
