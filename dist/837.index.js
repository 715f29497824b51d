export const id = 837;
export const ids = [837,555,825];
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

/***/ 4272:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   $: () => (/* binding */ bytesOf)
/* harmony export */ });
/* harmony import */ var node_stream__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7075);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9473);


/**
 * What a streamed answer to a GET gives of an object: 200, 206 or 416. A server that ignores `Range` sends the whole, of which what comes before the range is
 * read and dropped. `what` is for messages. Throws `cache-invalid` when the server gives other bytes than were asked for.
 */
function bytesOf(answer, asked, what) {
    const { status, stream } = answer;
    const refuse = (problem) => {
        stream?.destroy();
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .CacheError */ .xA('cache-invalid', `${what}: ${problem}.`);
    };
    if (status === 416) {
        stream?.destroy();
        const totalBytes = Number(/^bytes \*\/(\d{1,15})$/.exec(answer.header('content-range') ?? '')?.[1] ?? Number.NaN);
        if (!Number.isSafeInteger(totalBytes))
            return refuse('the server refuses the range and does not say how long the object is');
        return { totalBytes, range: { start: totalBytes, end: totalBytes }, stream: node_stream__WEBPACK_IMPORTED_MODULE_0__.Readable.from([]) };
    }
    if (stream === null)
        return refuse('the server sent nothing');
    if (status === 206 && asked !== null) {
        const [, start, end, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(answer.header('content-range') ?? '') ?? [];
        const range = { start: Number(start), end: Number(end) };
        const totalBytes = Number(total);
        const wantedEnd = Math.min(asked.end, totalBytes - 1);
        if (range.start !== asked.start || range.end !== wantedEnd)
            return refuse('the server gave other bytes than were asked for');
        return { totalBytes, range, stream };
    }
    if (answer.header('content-encoding') !== null)
        return refuse('the server sends it encoded, so its length is not known');
    const totalBytes = Number(answer.header('content-length') ?? Number.NaN);
    if (!Number.isSafeInteger(totalBytes))
        return { totalBytes: null, stream };
    const range = { start: asked?.start ?? 0, end: Math.min(asked?.end ?? totalBytes - 1, totalBytes - 1) };
    if (range.start === 0 && range.end === totalBytes - 1)
        return { totalBytes, range, stream };
    return { totalBytes, range, stream: partOf(stream, range) };
}
/** The bytes of `range`; the connection is given up behind it. */
function partOf(whole, { start, end }) {
    async function* parts() {
        let at = 0;
        for await (const part of whole) {
            const bytes = part;
            const wanted = bytes.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
            at += bytes.length;
            if (wanted.length > 0)
                yield wanted;
            if (at > end)
                return;
        }
    }
    const part = node_stream__WEBPACK_IMPORTED_MODULE_0__.Readable.from(parts(), { objectMode: false });
    part.once('close', () => whole.destroy());
    return part;
}


/***/ }),

/***/ 2837:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   openS3Cache: () => (/* binding */ openS3Cache)
/* harmony export */ });
/* harmony import */ var _binary_cache_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9825);
/* harmony import */ var _store_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4555);


const NO_KEYS = 'there are no AWS credentials (a pull request from a fork has no secrets, and no identity of its own).';
/**
 * A binary cache in a bucket. Where everybody may read it, Nix gets its plain HTTPS URL: that works with every Nix (many are built without S3), without looking
 * for credentials first. Otherwise the local substituter reads it with the job's.
 */
function openS3Cache(target, means) {
    const store = (0,_store_js__WEBPACK_IMPORTED_MODULE_1__.openS3)(target, means);
    const cache = (0,_binary_cache_js__WEBPACK_IMPORTED_MODULE_0__.createBinaryCache)({ ...means, kind: 's3', store, substituter: target.substituter });
    let isPublic = false;
    return {
        ...cache,
        reads: () => (isPublic ? cache.reads() : { ...cache.reads(), substituters: [], throughUs: true }),
        async check(mayWrite, signal) {
            const hasKeys = await store.hasKeys(signal);
            const checked = await cache.check(mayWrite && hasKeys, signal);
            isPublic = checked.readable && (await store.isPublic('nix-cache-info', signal));
            return { ...checked, whyNoPush: mayWrite && !hasKeys ? NO_KEYS : null };
        },
    };
}


/***/ }),

/***/ 4555:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  openS3: () => (/* binding */ openS3)
});

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
// EXTERNAL MODULE: ./build/bodies/in-memory.js
var in_memory = __webpack_require__(808);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/backends/ranged-answer.js
var ranged_answer = __webpack_require__(4272);
// EXTERNAL MODULE: ./node_modules/@aws-sdk/client-s3/dist-cjs/index.js
var dist_cjs = __webpack_require__(3711);
// EXTERNAL MODULE: ./build/waiting/cancel.js
var cancel = __webpack_require__(2368);
// EXTERNAL MODULE: ./build/backends/job-identity.js
var job_identity = __webpack_require__(314);
;// CONCATENATED MODULE: ./build/backends/s3/sdk-logger.js
/** What the SDK would write on the console. Its failures come as errors; its warnings are for those who look for a cause. */
function sdkLogger(log) {
    const nothing = () => undefined;
    return { debug: nothing, info: nothing, error: nothing, warn: (...texts) => log.debug(texts.join(' ')) };
}

;// CONCATENATED MODULE: ./build/backends/s3/transport.js



/** The answers that mean something in S3's protocol. What is not among them is tried again, or ends as the HTTP client's own failure. */
const ANSWERS = [
    200, 201, 202, 204, 206, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 409, 411, 412, 416, 501,
];
/** Of what is no object. */
const ANSWER_BYTES = 256 * 1024;
/** For requests that no caller can cancel: somebody else waits for the same credentials. */
const UNATTENDED_MS = 60_000;
/**
 * Carries the SDK's requests with our HTTP client: its proxy, certificate authorities, time limits, further tries and pace. The SDK is left to make, sign and
 * understand them. A further try has the same signature, which is good for 15 minutes.
 */
function createTransport(client) {
    return {
        metadata: { handlerProtocol: 'http/1.1' },
        async handle(request, options = {}) {
            const { abortSignal: signal = AbortSignal.timeout(UNATTENDED_MS) } = options;
            const answer = await client.request({
                method: methodOf(request.method),
                url: urlOf(request),
                headers: request.headers,
                body: bodyOf(request.body),
                accept: ANSWERS,
                limitBytes: ANSWER_BYTES,
                signal,
            });
            const body = external_node_stream_.Readable.from([answer.bytes], { objectMode: false });
            return { response: { statusCode: answer.status, headers: answer.headers(), body } };
        },
        updateHttpClientConfig: () => undefined,
        httpHandlerConfigs: () => ({}),
    };
}
function bodyOf(body) {
    if (body === undefined || body === null)
        return null;
    if (typeof body === 'string')
        return (0,in_memory/* bodyOfText */.V)(body);
    if (body instanceof Uint8Array)
        return (0,in_memory/* bodyOfBytes */.P)(body);
    throw new errors/* CacheError */.xA('internal', 'The body of a request to S3 is of an unknown kind.');
}
function methodOf(method) {
    if (method === 'GET' || method === 'HEAD' || method === 'PUT' || method === 'POST' || method === 'DELETE')
        return method;
    throw new errors/* CacheError */.xA('internal', `A request to S3 has the unknown method ${method}.`);
}
function urlOf({ protocol, hostname, port, path, query }) {
    const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`);
    url.search = Object.entries(query ?? {})
        .flatMap(([name, value]) => value === null ? [escaped(name)] : [value].flat().map((one) => `${escaped(name)}=${escaped(one)}`))
        .join('&');
    return url;
}
/** As it was signed. Source: "Create a signed AWS API request" in the IAM user guide, UriEncode. */
function escaped(text) {
    return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

;// CONCATENATED MODULE: ./build/backends/s3/credentials.js




/** Variables that name a source of credentials. With one of them, no credentials are a mistake; with none, the bucket is read as anybody. */
const NAMING = [
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_PROFILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
];
/** The keys that the environment itself holds, to tell whether they are others by now. */
function givenKeys() {
    return ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].map((name) => process.env[name] ?? '').join(' ');
}
/**
 * Where the job's keys for this bucket come from: the inputs, else the profile that the URL names, else what the SDK finds (environment, `AWS_PROFILE` and the
 * files of the command line, a web identity, the role of the container or of the instance), or the role `AWS_ROLE_ARN` by the job's own identity. `null`: there
 * are none. The SDK reads `process.env` itself.
 * @throws CacheError `cache-unauthorized` when a source is named and gives none
 */
async function findKeys(target, means) {
    const { credentials, profile } = target;
    if (credentials !== null) {
        const keys = { accessKeyId: credentials.username, secretAccessKey: credentials.password };
        return async () => keys;
    }
    const named = NAMING.filter((name) => (process.env[name] ?? '') !== '');
    const isNamed = named.length > 0;
    const source = explained(await sourceOf(target, means, isNamed), sourceName(profile, named));
    try {
        await source();
        return source;
    }
    catch (error) {
        // The SDK tells "there is none" and "it failed" apart by texts alone.
        const isNone = (0,errors/* isCacheError */.bt)(error, 'cache-unauthorized') && isFromChain(error.cause);
        if (isNone && profile === null && !isNamed)
            return null;
        throw error;
    }
}
async function sourceOf(target, { client, log }, isNamed) {
    const { fromIni, fromNodeProviderChain, fromWebToken } = await __webpack_require__.e(/* import() */ 719).then(__webpack_require__.t.bind(__webpack_require__, 9719, 19));
    const { profile, region, endpoint } = target;
    const clientConfig = {
        requestHandler: createTransport(client),
        // Of the token service. Other servers' regions have names that Amazon does not know.
        region: process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || (isAmazon(endpoint) ? region : 'us-east-1'),
    };
    const logger = sdkLogger(log);
    if (profile !== null)
        return fromIni({ profile, clientConfig, logger });
    const roleArn = isNamed ? null : roleOfJob();
    if (roleArn === null)
        return fromNodeProviderChain({ clientConfig, logger });
    const roleSessionName = process.env.AWS_ROLE_SESSION_NAME || `nix-cache-action-${process.env.GITHUB_RUN_ID ?? '0'}`;
    const identity = (0,job_identity/* createJobIdentity */.Cv)({ client, env: process.env, audience: AUDIENCE, log });
    return async () => {
        const webIdentityToken = await identity.token(AbortSignal.timeout(UNATTENDED_MS));
        return fromWebToken({ clientConfig, logger, roleArn, roleSessionName, webIdentityToken })();
    };
}
/** What AWS's documentation has people enter as the audience of GitHub's identity provider. */
const AUDIENCE = 'sts.amazonaws.com';
/** The role that a job with `permissions: id-token: write` wants; `null`: there is none. GitHub gives a new token whenever it is asked, so a long job renews its keys. */
function roleOfJob() {
    const role = process.env.AWS_ROLE_ARN ?? '';
    return role !== '' && (0,job_identity/* hasJobIdentity */.iC)(process.env) ? role : null;
}
function isAmazon(endpoint) {
    return /\.amazonaws\.(com|com\.cn|eu)$/.test(endpoint.hostname);
}
function sourceName(profile, named) {
    if (profile !== null)
        return `the profile \`${profile}\``;
    if (named.length === 0)
        return roleOfJob() === null ? 'this machine' : '`AWS_ROLE_ARN` with the identity of this job';
    return named.map((name) => `\`${name}\``).join(' and ');
}
function explained(source, from) {
    return async () => {
        try {
            return await source();
        }
        catch (error) {
            if ((0,errors/* isCacheError */.bt)(error))
                throw error;
            const said = error instanceof Error ? error.message : String(error);
            throw new errors/* CacheError */.xA('cache-unauthorized', `There are no AWS credentials from ${from}: ${firstLine(said)}`, {
                hint: hintFor(error),
                cause: error,
            });
        }
    };
}
/** Errors of the token service, by their names. Source: STS API reference, AssumeRoleWithWebIdentity. */
const HINTS = {
    ExpiredTokenException: 'The identity token has expired: whoever writes it has to renew it.',
    InvalidIdentityToken: 'Does the account know the issuer of the token (an identity provider in IAM), and its audience?',
    AccessDenied: "Does the role's trust policy allow this repository, branch or environment?",
    IDPCommunicationError: 'AWS could not reach the issuer of the token: try again.',
};
function hintFor(error) {
    const name = error instanceof Error ? error.name.replace(/^InvalidIdentityTokenException$/, 'InvalidIdentityToken') : '';
    return (HINTS[name] ??
        'Give `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` in `env` (`aws-actions/configure-aws-credentials` does), or the inputs `username` and `password`.');
}
function firstLine(text) {
    return (text.trim().split('\n', 1)[0] ?? '').slice(0, 300);
}
function isFromChain(error) {
    return error instanceof Error && (error.name === 'CredentialsProviderError' || error.name === 'ProviderError');
}

;// CONCATENATED MODULE: ./build/backends/s3/failure.js

/** An answer that is not what was asked for. */
class AnswerError extends Error {
    name = 'AnswerError';
    answer;
    constructor(answer) {
        super(`${answer.status} ${answer.code}`);
        this.answer = answer;
    }
}
/** The document `<Error><Code>…</Code><Message>…</Message>…</Error>`, as far as it is there. */
function answerOfXml({ status, bytes, header }) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    const field = (name) => new RegExp(`<${name}>([^<]{1,1000})</${name}>`).exec(text)?.[1] ?? null;
    const message = (field('Message') ?? '').replace(/&(quot|apos|lt|gt|amp);/g, (_, name) => ENTITIES[name] ?? '');
    return { code: field('Code') ?? '', status, message, region: field('Region') ?? header('x-amz-bucket-region') };
}
const ENTITIES = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' };
/** What a request ended with, when that is an answer of the server (ours, or the SDK's); else `null`. */
function answerIn(error) {
    if (error instanceof AnswerError)
        return error.answer;
    if (!(error instanceof Error) || (0,errors/* isCacheError */.bt)(error))
        return null;
    const status = numberIn(fieldIn(error, '$metadata'), 'httpStatusCode');
    if (status === null)
        return null;
    const headers = fieldIn(fieldIn(error, '$response'), 'headers');
    const code = textIn(error, 'Code') ?? (/^(Error|Unknown\w*|\d+)$/.test(error.name) ? '' : error.name);
    const region = textIn(error, 'Region') ?? textIn(headers, 'x-amz-bucket-region');
    return { code, status, message: error.message, region };
}
/** Codes of what is not there. Without the right to list a bucket, S3 says `AccessDenied` of it: see `store.ts`. */
function isAbsent({ code, status }) {
    return code === 'NoSuchKey' || code === 'NotFound' || (status === 404 && code === '');
}
const REPEATED_AT_ONCE = new Set([
    'RequestTimeTooSkewed',
    'RequestExpired',
    'RequestTimeout',
    'OperationAborted',
    'ConditionalRequestConflict',
]);
/** How long a server gets that failed half-way. */
const PAUSE_MS = 1_000;
/**
 * In how many milliseconds the very same may succeed; `null`: it won't. After the first ones the server's time is known. A failure of the server comes here only
 * behind status 200: S3 begins its answer to the end of an upload in parts before it knows how that ends (API reference, CompleteMultipartUpload). By its status the
 * HTTP client knows it, and has tried again.
 */
function repeatAfterMs({ code, status }) {
    if (REPEATED_AT_ONCE.has(code))
        return 0;
    return status >= 500 && status !== 501 ? PAUSE_MS : null;
}
/** Answers that other keys may change. An expired session is a 400 to Amazon. */
function isRefusal({ status }) {
    return status === 400 || status === 401 || status === 403;
}
/**
 * The error for people. Codes: Amazon S3 API reference, "Error responses"; Garage, MinIO, Ceph, R2 and B2 use the same ones.
 * @param doing what was asked, such as `PUT s3://bucket/key`
 */
function s3Error(error, doing, target, isAnonymous) {
    if ((0,errors/* isCacheError */.bt)(error))
        return throttledOr(error);
    const answer = answerIn(error);
    if (answer === null) {
        const said = error instanceof Error ? error.message : String(error);
        return new errors/* CacheError */.xA('cache-invalid', `${doing}: the answer is not one of S3 (${said.slice(0, 200)}).`, {
            hint: 'Is `endpoint` that of the S3 service (not of its web console)?',
            cause: error,
        });
    }
    const { as, hint } = meaningOf(answer, target, isAnonymous);
    const name = answer.code === '' ? `${answer.status}` : `${answer.code} (${answer.status})`;
    return new errors/* CacheError */.xA(as, `${doing} was answered with ${name}${saidBy(answer)}.`, { hint, cause: error });
}
/** The HTTP client tells overload by its status alone; S3's `SlowDown` is a 503. */
function throttledOr(error) {
    if (error.code !== 'cache-failing' || !/reduce your request rate|SlowDown/i.test(error.message))
        return error;
    return new errors/* CacheError */.xA('cache-throttled', error.message, {
        hint: 'It limits the rate of requests: lower `concurrency`.',
        cause: error,
    });
}
function saidBy({ message, code }) {
    const line = message
        .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
        .trim()
        .replace(/\.$/, '');
    return line === '' || line === code || line.startsWith('UnknownError') ? '' : ` ("${line.slice(0, 200)}")`;
}
function meaningOf(answer, target, isAnonymous) {
    const { code, status } = answer;
    const known = REGION_CODES.has(code) || status === 301 || status === 307 ? wrongRegion(answer, target) : byCode(code, target);
    if (known !== null)
        return known;
    if (status === 401 || status === 403)
        return isAnonymous ? NO_KEYS : DENIED;
    if (status === 404)
        return { as: 'cache-not-found', hint: 'Is `endpoint` that of the S3 service?' };
    if (status === 405)
        return { as: 'cache-read-only', hint: 'The bucket takes no uploads; set `push: never`.' };
    return { as: status >= 500 ? 'cache-failing' : 'cache-invalid', hint: 'The log of the server may say more.' };
}
const NO_KEYS = {
    as: 'cache-unauthorized',
    hint: 'The job has no AWS credentials, and not everybody may do that: give `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` in `env`, or the inputs `username` and `password`.',
};
const DENIED = {
    as: 'cache-forbidden',
    hint: 'Its policy must allow `s3:GetObject`, `s3:PutObject` and `s3:AbortMultipartUpload` on the objects, and `s3:ListBucket` on the bucket (without it, what is not there is denied).',
};
const REGION_CODES = new Set([
    'PermanentRedirect',
    'TemporaryRedirect',
    'AuthorizationHeaderMalformed',
    'IllegalLocationConstraintException',
    'IncorrectEndpoint',
]);
function wrongRegion({ region, code }, target) {
    const as = 'cache-invalid';
    if (region !== null && region !== target.region)
        return {
            as,
            hint: `The bucket is in the region \`${region}\`: write \`region=${region}\` in the URL in place of \`${target.region}\`.`,
        };
    if (code === 'AuthorizationHeaderMalformed')
        return { as, hint: `Is \`region=${target.region}\` the one that the server is configured with? Garage: \`s3_region\`.` };
    return { as, hint: 'The bucket is to be asked elsewhere: check `region` and `endpoint` in the URL.' };
}
function byCode(code, { bucket, profile }) {
    const theirs = profile === null ? '' : ` of the profile \`${profile}\``;
    switch (code) {
        case 'NoSuchBucket':
        case 'InvalidBucketName':
            return { as: 'cache-not-found', hint: `There is no bucket \`${bucket}\`: make it, or correct its name or \`endpoint\`.` };
        case 'InvalidAccessKeyId':
            return {
                as: 'cache-unauthorized',
                hint: `The server does not know the access key id${theirs}: is it of another account or server, or deleted?`,
            };
        case 'SignatureDoesNotMatch':
            return { as: 'cache-unauthorized', hint: `The secret access key${theirs} is wrong for this access key id.` };
        case 'ExpiredToken':
        case 'TokenRefreshRequired':
            return {
                as: 'cache-unauthorized',
                hint: 'The session of the credentials has expired: make it longer (`role-duration-seconds` of `aws-actions/configure-aws-credentials`), or run that action once more at the end of the job.',
            };
        case 'InvalidToken':
            return {
                as: 'cache-unauthorized',
                hint: 'The session token is not that of the key: is an old `AWS_SESSION_TOKEN` in `env`?',
            };
        case 'RequestTimeTooSkewed':
        case 'RequestExpired':
            return { as: 'cache-unauthorized', hint: 'The clock of this machine is wrong: correct it.' };
        case 'SlowDown':
        case 'TooManyRequests':
            return { as: 'cache-throttled', hint: 'It limits the rate of requests: lower `concurrency`.' };
        case 'NoSuchUpload':
            // Also when the end of an upload was asked for twice, since the first answer got lost. Whoever looks finds the object then.
            return { as: 'cache-invalid', hint: 'The upload went away while it was under way: is a lifecycle rule too fast?' };
        case 'EntityTooLarge':
            return {
                as: 'cache-too-large',
                hint: 'The server takes no object of that size: leave such paths out with `max-path-size`.',
            };
        case 'QuotaExceeded':
        case 'XMinioAdminBucketQuotaExceeded':
        case 'XMinioStorageFull':
            return { as: 'cache-failing', hint: 'Its disk is full, or a quota is used up.' };
        case 'NotImplemented':
            return { as: 'cache-invalid', hint: 'The server has not all of S3 that this needs.' };
        default:
            return null;
    }
}
function fieldIn(value, name) {
    return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
function textIn(value, name) {
    const text = fieldIn(value, name);
    return typeof text === 'string' && text !== '' ? text : null;
}
function numberIn(value, name) {
    const number = fieldIn(value, name);
    return typeof number === 'number' ? number : null;
}

;// CONCATENATED MODULE: ./build/backends/s3/object-requests.js



/** What is larger is not hashed for the signature, which would hold up everything else. */
const HASHED_BYTES = 256 * 1024;
/**
 * Requests for objects, signed by the SDK and made here: there are several for each path, and its own way from a command to a request takes a millisecond of the
 * processor (1,500 paths: 4.0 s in place of 1.2 s).
 * @throws AnswerError for what is not a success
 */
function createObjectRequests(s3, { bucket, endpoint, addressing }, client) {
    const root = addressing === 'path' ? `${endpoint.pathname.replace(/\/$/, '')}/${bucket}` : endpoint.pathname.replace(/\/$/, '');
    const hostname = addressing === 'path' ? endpoint.hostname : `${bucket}.${endpoint.hostname}`;
    const host = addressing === 'path' ? endpoint.host : `${bucket}.${endpoint.host}`;
    const signer = s3.config.signer();
    // It may wait for credentials at once, and fail where nobody asks yet.
    signer.catch(() => undefined);
    /** How far the server's clock is ahead of ours. */
    let aheadMs = 0;
    return async (request, signal) => {
        const { method, key, query = {}, body = null, limitBytes } = request;
        const path = `${root}/${key.split('/').map(escaped).join('/')}`;
        const headers = { ...request.headers, host, 'x-amz-content-sha256': payloadHash(body) };
        const plain = { method, protocol: endpoint.protocol, hostname, path, query: { ...query }, headers };
        const signed = await (await signer).sign(plain, { signingDate: new Date(Date.now() + aheadMs) });
        const search = Object.entries(query).map(([name, value]) => `${escaped(name)}=${escaped(value)}`);
        const url = new URL(`${endpoint.protocol}//${host}${path}${search.length === 0 ? '' : `?${search.join('&')}`}`);
        const answer = await client.request({
            method,
            url,
            headers: signed.headers,
            body,
            accept: ANSWERS,
            limitBytes: limitBytes ?? 0,
            streamed: limitBytes === null,
            signal,
        });
        if (answer.status < 300)
            return answer;
        const told = answerOfXml(answer);
        const date = Date.parse(answer.header('date') ?? '');
        if (told.code === 'RequestTimeTooSkewed' && !Number.isNaN(date))
            aheadMs = date - Date.now();
        throw new AnswerError(told);
    };
}
function payloadHash(body) {
    if (body !== null && (body.bytes === null || body.sizeBytes > HASHED_BYTES))
        return 'UNSIGNED-PAYLOAD';
    return (0,external_node_crypto_.createHash)('sha256')
        .update(body?.bytes ?? '')
        .digest('hex');
}

;// CONCATENATED MODULE: ./build/backends/s3/connection.js







function openConnection(target, means) {
    let opening = null;
    const open = async () => {
        const given = givenKeys();
        const keys = await findKeys(target, means);
        const s3 = new dist_cjs/* S3Client */.YxF(configuration(target, keys, means));
        return { s3, request: createObjectRequests(s3, target, means.client), isAnonymous: keys === null, given };
    };
    const opened = (signal, doing) => {
        opening ??= open().catch((error) => {
            // Whoever comes next looks anew: the token service may be back by then.
            opening = null;
            throw error;
        });
        return (0,cancel/* orAborted */.H6)(opening, signal, doing);
    };
    /** What to ask once more with: a step of the job may have got other keys since these, which are static, ran out. */
    const openedAnew = async (open, signal, doing) => {
        const now = await opened(signal, doing);
        if (now !== open || open.given === givenKeys())
            return now;
        opening = null;
        return opened(signal, doing);
    };
    const attempt = async (doing, signal, once) => {
        (0,cancel/* throwIfAborted */.Te)(signal, doing);
        let open = await opened(signal, doing);
        try {
            return await (0,cancel/* orAborted */.H6)(once(open), signal, doing).catch(async (error) => {
                const answer = answerIn(error);
                if (answer === null)
                    throw error;
                const before = open;
                if (isRefusal(answer))
                    open = await openedAnew(open, signal, doing);
                const waitMs = open === before ? repeatAfterMs(answer) : 0;
                if (waitMs === null)
                    throw error;
                await cancel/* systemClock */.ml.sleep(waitMs, signal);
                (0,cancel/* throwIfAborted */.Te)(signal, doing);
                return (0,cancel/* orAborted */.H6)(once(open), signal, doing);
            });
        }
        catch (error) {
            throw s3Error(error, doing, target, open.isAnonymous);
        }
    };
    return {
        request: (doing, request, signal) => attempt(doing, signal, (open) => open.request(request, signal)),
        command: (doing, signal, run) => attempt(doing, signal, ({ s3 }) => run(s3, { abortSignal: signal })),
        hasKeys: async (signal) => !(await opened(signal, `Looking for the keys of ${target.place}`)).isAnonymous,
        close() {
            opening?.then(({ s3 }) => s3.destroy(), () => undefined);
        },
    };
}
function configuration({ region, endpoint, addressing }, keys, means) {
    return {
        region,
        endpoint: endpoint.href,
        forcePathStyle: addressing === 'path',
        requestHandler: createTransport(means.client),
        logger: sdkLogger(means.log),
        ...(keys === null ? ANONYMOUS : { credentials: keys }),
        // The HTTP client tries again by itself.
        maxAttempts: 1,
        // Garage, Ceph, R2, B2 and older MinIO know none or only some of Amazon's newer checksums. A NAR has its hash in the narinfo.
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
        expectContinueHeader: false,
        disableS3ExpressSessionAuth: true,
    };
}
/** Requests as anybody could make them. */
const ANONYMOUS = {
    credentials: async () => ({ accessKeyId: '', secretAccessKey: '' }),
    signer: { sign: async (request) => request },
};

// EXTERNAL MODULE: ./build/backends/in-flight.js
var in_flight = __webpack_require__(8336);
;// CONCATENATED MODULE: ./build/backends/s3/multipart.js





const PART_BYTES = 16 * 1024 * 1024;
/** S3's limit. From 160 GB on, parts are larger than `PART_BYTES`. */
const MOST_PARTS = 10_000;
/** Of one upload. */
const PARTS_AT_A_TIME = 4;
/** How long a failed upload may take to be taken back. */
const ABORT_MS = 10_000;
/**
 * Uploads an object in parts of one size, some side by side, each read from the body as it goes. A server that took all parts and then misses some gets them
 * once more, one after another: one of Ceph's stores loses parts that come side by side, from other clients too. Nothing is to be seen of the object before its upload is
 * complete. What a killed job leaves behind is for a lifecycle rule of the bucket (`AbortIncompleteMultipartUpload`).
 * Source: Amazon S3 user guide, "Multipart upload limits"; R2 wants all parts but the last of one size.
 */
async function uploadInParts(connection, upload, signal) {
    try {
        await uploadOnce(connection, upload, PARTS_AT_A_TIME, signal);
    }
    catch (error) {
        if (answerIn((0,errors/* isCacheError */.bt)(error) ? error.cause : error)?.code !== 'InvalidPart')
            throw error;
        await uploadOnce(connection, upload, 1, signal);
    }
}
async function uploadOnce(connection, upload, atATime, signal) {
    const { object, label } = upload;
    const { UploadId: id } = await connection.command(`POST ${label}?uploads`, signal, (s3, sending) => s3.send(new dist_cjs/* CreateMultipartUploadCommand */.nG4(object), sending));
    if (id === undefined)
        throw new errors/* CacheError */.xA('cache-invalid', `An upload of ${label} was begun, and the answer does not name it.`);
    const place = { Bucket: object.Bucket, Key: object.Key, UploadId: id };
    try {
        const tags = await putParts(connection, upload, place, atATime, signal);
        const Parts = tags.map((ETag, index) => ({ PartNumber: index + 1, ETag }));
        await connection.command(`POST ${label}?uploadId=…`, signal, (s3, sending) => s3.send(new dist_cjs/* CompleteMultipartUploadCommand */.Gym({ ...place, MultipartUpload: { Parts } }), sending));
    }
    catch (error) {
        // With a signal of its own: the upload may have been cancelled. What fails here is nothing that its end was not.
        await connection
            .command(`DELETE ${label}?uploadId=…`, AbortSignal.timeout(ABORT_MS), (s3, sending) => s3.send(new dist_cjs/* AbortMultipartUploadCommand */.tfP(place), sending))
            .catch(() => undefined);
        throw error;
    }
}
/** Answers with the tag of each part, in their order. */
async function putParts(connection, { body, label }, { Key, UploadId }, atATime, signal) {
    const partBytes = Math.max(PART_BYTES, Math.ceil(body.sizeBytes / MOST_PARTS));
    const numbers = Array.from({ length: Math.ceil(body.sizeBytes / partBytes) }, (_, index) => index + 1);
    const tags = [];
    await (0,in_flight/* visitInFlight */.F)(numbers, atATime, signal, async (number, either) => {
        const part = body.part((number - 1) * partBytes, Math.min(number * partBytes, body.sizeBytes));
        const query = { partNumber: `${number}`, uploadId: UploadId };
        const request = { method: 'PUT', key: Key, query, body: part, limitBytes: ANSWER_BYTES };
        const ETag = (await connection.request(`PUT part ${number} of ${label}`, request, either)).header('etag');
        if (ETag === null)
            throw new errors/* CacheError */.xA('cache-invalid', `Part ${number} of ${label} was answered without an ETag.`);
        tags[number - 1] = ETag;
    });
    return tags;
}

;// CONCATENATED MODULE: ./build/backends/s3/store.js









/** No store path has such a name, and nothing that Nix asks for. */
const PROBE_KEY = 'nix-cache-action-may-write';
/** What is larger goes up in parts: a line that breaks then costs a part and not the whole. One request could bring 5 GiB. */
const ONE_PUT_BYTES = 64 * 1024 * 1024;
/**
 * A bucket of Amazon S3, or of a server that speaks its protocol.
 *
 * Who may not list a bucket is told `AccessDenied` of what is not there. So once something could be read, that means "not there", as it does for Nix; `check`
 * reads `nix-cache-info` first, where missing permissions come to light. HEAD is never used: its answer has no body, and so not the reason of a refusal.
 * @param wasRead something could be read there before, by another phase
 */
function openS3(target, means, wasRead = false) {
    const { bucket, prefix, place: label, storageClass } = target;
    const connection = openConnection(target, means);
    let mayRead = wasRead;
    const nullIfAbsent = async (attempt) => {
        try {
            const found = await attempt;
            mayRead = true;
            return found;
        }
        catch (error) {
            const answer = answerIn((0,errors/* isCacheError */.bt)(error) ? error.cause : error);
            if (answer === null || !(isAbsent(answer) || (mayRead && answer.code === 'AccessDenied')))
                throw error;
            return null;
        }
    };
    const read = (key, range, limitBytes, signal) => {
        const headers = range === null ? {} : { range };
        return connection.request(`GET ${label}/${key}`, { method: 'GET', key: prefix + key, headers, limitBytes }, signal);
    };
    const size = async (key, signal) => {
        try {
            const found = await nullIfAbsent(read(key, 'bytes=0-0', 0, signal));
            if (found === null)
                return null;
            return sizeIn(found);
        }
        catch (error) {
            // There is no first byte.
            if (statusOf(error) === 416)
                return 0;
            throw error;
        }
    };
    return {
        label,
        size,
        async get(key, limitBytes, signal) {
            const found = await nullIfAbsent(read(key, null, limitBytes, signal));
            return found?.bytes ?? null;
        },
        async put(key, body, contentType, signal) {
            const object = {
                Bucket: bucket,
                Key: prefix + key,
                ContentType: contentType,
                ...(storageClass === null ? {} : { StorageClass: storageClass }),
            };
            if (body.sizeBytes > ONE_PUT_BYTES)
                return uploadInParts(connection, { object, body, label: `${label}/${key}` }, signal);
            const headers = {
                'content-type': contentType,
                ...(storageClass === null ? {} : { 'x-amz-storage-class': storageClass }),
            };
            const request = { method: 'PUT', key: object.Key, headers, body, limitBytes: ANSWER_BYTES };
            await connection.request(`PUT ${label}/${key}`, request, signal);
        },
        async open(key, range, signal) {
            try {
                const wanted = range === null ? null : `bytes=${range.start}-${range.end}`;
                const found = await nullIfAbsent(read(key, wanted, null, signal));
                return found === null ? null : (0,ranged_answer/* bytesOf */.$)(found, range, `GET ${label}/${key}`);
            }
            catch (error) {
                if (range === null || statusOf(error) !== 416)
                    throw error;
                const totalBytes = await size(key, signal);
                return totalBytes === null ? null : { totalBytes, range, stream: external_node_stream_.Readable.from([], { objectMode: false }) };
            }
        },
        async isPublic(key, signal) {
            const url = new URL(target.substituter);
            url.pathname += `${url.pathname.endsWith('/') ? '' : '/'}${key}`;
            url.search = '';
            try {
                const accept = [200, 400, 401, 403, 404];
                return (await means.client.request({ method: 'GET', url, accept, limitBytes: 0, signal })).status === 200;
            }
            catch (error) {
                if (signal.aborted || !(0,errors/* isCacheError */.bt)(error))
                    throw error;
                means.log.debug(`Asking ${label} as anybody: ${error.message}`);
                return false;
            }
        },
        async whyNoPut(signal) {
            const key = prefix + PROBE_KEY;
            const headers = { 'content-md5': (0,external_node_crypto_.createHash)('md5').update('something else').digest('base64') };
            const request = { method: 'PUT', key, headers, body: (0,in_memory/* bodyOfText */.V)('something'), limitBytes: ANSWER_BYTES };
            try {
                await connection.request(`PUT ${label}/${PROBE_KEY}`, request, signal);
            }
            catch (error) {
                if (signal.aborted || !(0,errors/* isCacheError */.bt)(error))
                    throw error;
                return (0,errors/* isCacheError */.bt)(error, 'cache-forbidden', 'cache-unauthorized', 'cache-read-only', 'cache-not-found') ? error : null;
            }
            // A server that does not look at the MD5 has it now.
            const removal = { method: 'DELETE', key, limitBytes: ANSWER_BYTES };
            await connection.request(`DELETE ${label}/${PROBE_KEY}`, removal, signal).catch((error) => {
                means.log.debug(`${label}/${PROBE_KEY} stays there: ${(0,errors/* describeError */.Uc)(error)}`);
            });
            return null;
        },
        hasKeys: (signal) => connection.hasKeys(signal),
        close: async () => connection.close(),
    };
}
/** -1 when the server does not tell. */
function sizeIn(answer) {
    const total = /\/(\d{1,15})$/.exec(answer.header('content-range') ?? '')?.[1] ?? answer.header('content-length');
    return total !== null && /^\d{1,15}$/.test(total) ? Number(total) : -1;
}
function statusOf(error) {
    return (0,errors/* isCacheError */.bt)(error) ? (answerIn(error.cause)?.status ?? null) : null;
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
