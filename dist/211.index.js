export const id = 211;
export const ids = [211];
export const modules = {

/***/ 8133:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  Z: () => (/* binding */ BULK),
  F: () => (/* binding */ createCachixApi)
});

// EXTERNAL MODULE: ./build/bodies/in-memory.js
var in_memory = __webpack_require__(808);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/http/answer-text.js
var answer_text = __webpack_require__(1863);
// EXTERNAL MODULE: ./build/backends/json-fields.js
var json_fields = __webpack_require__(9488);
// EXTERNAL MODULE: ./build/nix/signature.js
var signature = __webpack_require__(8486);
;// CONCATENATED MODULE: ./build/backends/cachix/cache-information.js



/**
 * Reads the answer to `GET cache/NAME`. The token goes to the host in `uri`, so that must not be reached in the clear when the server itself is not.
 * @throws CacheError `cache-invalid`
 */
function parseCacheInformation(bytes, host, what) {
    const fields = (0,json_fields/* jsonFields */.y)(bytes, what);
    const written = fields.text('uri');
    const uri = URL.canParse(written) ? new URL(written) : null;
    const isHttp = uri !== null && (uri.protocol === 'https:' || (uri.protocol === 'http:' && host.protocol === 'http:'));
    if (!isHttp || uri.username !== '' || uri.password !== '' || uri.search !== '' || uri.hash !== '') {
        throw new errors/* CacheError */.xA('cache-invalid', `${what} names no place that Nix could read from.`);
    }
    return {
        uri,
        isPublic: fields.boolean('isPublic'),
        publicKeys: fields.texts('publicSigningKeys').map((text) => readKey(text, what)),
        permission: fields.text('permission'),
    };
}
function readKey(text, what) {
    try {
        return (0,signature/* parsePublicKey */.ee)(text);
    }
    catch (cause) {
        throw new errors/* CacheError */.xA('cache-invalid', `${what} has a key that can't be read: ${(0,errors/* describeError */.Uc)(cause)}`, { cause });
    }
}

;// CONCATENATED MODULE: ./build/backends/cachix/cachix-api.js
/** The API of Cachix, `HOST/api/v1`. Source: cachix/cachix, cachix-api/src/Cachix/API.hs and cachix/src/Cachix/Client/Push/S3.hs. */





/** What the command line client asks for at once; the server takes no more. */
const BULK = 32_768;
const DONE = [200, 201, 202, 204];
/** Explained here; the others are the HTTP client's business. */
const REFUSALS = [400, 401, 402, 403, 404, 409, 422];
const MAX_ANSWER_BYTES = 64 * 1024;
/** `BULK` hash parts with quotes and commas. */
const MAX_BULK_BYTES = 2 * 1024 * 1024;
const QUOTA = /quota|storage limit|limit (?:is |was )?(?:reached|exceeded)|exceed/i;
function createCachixApi(target, client) {
    const { host, name, token } = target;
    const credentials = token === null ? null : { kind: 'bearer', token };
    const base = `${host.origin}/api/v1/cache/${name}`;
    const call = async (method, path, body, limitBytes, signal) => {
        const answer = await client.request({
            method,
            url: new URL(`${base}${path}`),
            headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
            body: body === undefined ? null : (0,in_memory/* bodyOfText */.V)(JSON.stringify(body)),
            credentials,
            accept: [...DONE, ...REFUSALS],
            limitBytes,
            signal,
        });
        if (answer.status >= 300)
            throw refusal(answer);
        return answer.bytes;
    };
    const post = (path, body, signal) => call('POST', path, body, MAX_ANSWER_BYTES, signal);
    const ofUpload = ({ narId, uploadId }, step = '', query = {}) => `/multipart-nar/${encodeURIComponent(narId)}${step}?${new URLSearchParams({ uploadId, ...query })}`;
    function refusal(answer) {
        const said = (0,answer_text/* answerLine */.N)(answer.header('content-type') ?? '', answer.bytes, credentials);
        const because = said === '' ? '.' : ` ("${said}").`;
        if (answer.status === 402 || QUOTA.test(said)) {
            return new errors/* CacheError */.xA('cache-failing', `${target.place} takes no more${because}`, {
                hint: 'Its storage is used up: look at its settings on the server, or leave large paths out with `max-path-size`.',
            });
        }
        switch (answer.status) {
            case 401:
                return new errors/* CacheError */.xA('cache-unauthorized', `${host.host} refuses the token for ${target.place}${because}`, {
                    hint: token === null
                        ? 'It is private: give a token as `token`.'
                        : 'Is the token complete, not revoked, and one of this server?',
                });
            case 403:
                return new errors/* CacheError */.xA('cache-forbidden', `${host.host} does not let this token use ${target.place}${because}`, {
                    hint: 'Make a token for this cache, with the right to write when the job pushes.',
                });
            case 404:
                return new errors/* CacheError */.xA('cache-not-found', `${host.host} has no ${target.place}, or not for this token${because}`, {
                    hint: 'Is the name that of `https://NAME.cachix.org`? A private cache needs `token`.',
                });
            default:
                return new errors/* CacheError */.xA('cache-invalid', `${host.host} answered ${answer.status} for ${target.place}${because}`);
        }
    }
    return {
        async information(signal) {
            const bytes = await call('GET', '', undefined, MAX_ANSWER_BYTES, signal);
            return parseCacheInformation(bytes, host, `What ${host.host} says of ${target.place}`);
        },
        async missing(hashParts, signal) {
            const bytes = await call('POST', '/narinfo', hashParts, MAX_BULK_BYTES, signal);
            return new Set((0,json_fields/* jsonTexts */.b)(bytes, `The list of paths that ${target.place} lacks`));
        },
        async begin(compression, signal) {
            const fields = (0,json_fields/* jsonFields */.y)(await post(`/multipart-nar?compression=${compression}`, undefined, signal), 'A new upload');
            return { narId: fields.text('narId'), uploadId: fields.text('uploadId') };
        },
        async partUrl(upload, partNumber, contentMd5, signal) {
            const path = ofUpload(upload, '', { partNumber: `${partNumber}` });
            const url = (0,json_fields/* jsonFields */.y)(await post(path, { contentMD5: contentMd5 }, signal), 'A part of an upload').text('uploadUrl');
            if (/^https?:/.test(url) && URL.canParse(url))
                return new URL(url);
            throw new errors/* CacheError */.xA('cache-invalid', `${host.host} names no place for a part of an upload.`);
        },
        async complete(upload, parts, narInfo, signal) {
            await post(ofUpload(upload, '/complete'), { parts, narInfoCreate: narInfo }, signal);
        },
        async abort(upload, signal) {
            await post(ofUpload(upload, '/abort'), undefined, signal);
        },
    };
}


/***/ }),

/***/ 7211:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createCachix: () => (/* binding */ createCachix)
});

// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/signature.js
var signature = __webpack_require__(8486);
// EXTERNAL MODULE: ./build/backends/part-uploads.js
var part_uploads = __webpack_require__(2771);
// EXTERNAL MODULE: ./build/backends/cachix/cachix-api.js + 1 modules
var cachix_api = __webpack_require__(8133);
// EXTERNAL MODULE: ./build/backends/cachix/missing-paths.js
var missing_paths = __webpack_require__(8034);
// EXTERNAL MODULE: ./build/nix/hash.js
var hash = __webpack_require__(3314);
// EXTERNAL MODULE: ./build/nix/path-signature.js
var path_signature = __webpack_require__(2402);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
;// CONCATENATED MODULE: ./build/backends/cachix/narinfo-create.js



function narInfoCreate(info, file, signingKey) {
    return {
        cStoreHash: (0,store_path/* hashPartOf */.bV)(info.path),
        cStoreSuffix: (0,store_path/* baseNameOf */.mv)(info.path).slice((0,store_path/* hashPartOf */.bV)(info.path).length + 1),
        cNarHash: (0,hash/* formatHash */.ON)(info.narHash, 'nix32'),
        cNarSize: info.narSizeBytes,
        cFileHash: (0,hash/* digestText */.M6)(file.hash, 'hex'),
        cFileSize: file.sizeBytes,
        cReferences: [...new Set(info.references.map(store_path/* baseNameOf */.mv))].sort(),
        cDeriver: info.deriver === null ? 'unknown-deriver' : (0,store_path/* baseNameOf */.mv)(info.deriver),
        cSig: signingKey === null ? null : (0,path_signature/* signatureOf */.y)(info, signingKey).slice(signingKey.name.length + 1),
    };
}

// EXTERNAL MODULE: ./build/backends/in-flight.js
var in_flight = __webpack_require__(8336);
;// CONCATENATED MODULE: ./build/backends/cachix/open-uploads.js


const DROP_MS = 5_000;
const CLOSE_MS = 5_000;
const DROPS_IN_FLIGHT = 8;
function createOpenUploads(api, log) {
    const open = new Set();
    const dropping = new Set();
    const abort = async (upload, signal) => {
        open.delete(upload);
        try {
            await api.abort(upload, signal);
        }
        catch (error) {
            log.debug(`An upload was not given up: ${(0,errors/* describeError */.Uc)(error)}`);
        }
    };
    return {
        async begin(compression, signal) {
            const upload = await api.begin(compression, signal);
            open.add(upload);
            return upload;
        },
        done: (upload) => void open.delete(upload),
        drop(upload) {
            const dropped = abort(upload, AbortSignal.timeout(DROP_MS));
            dropping.add(dropped);
            void dropped.finally(() => dropping.delete(dropped));
        },
        async close() {
            const limit = AbortSignal.timeout(CLOSE_MS);
            await (0,in_flight/* visitInFlight */.F)([...open], DROPS_IN_FLIGHT, limit, abort);
            await Promise.all(dropping);
        },
    };
}

;// CONCATENATED MODULE: ./build/backends/cachix/signed-parts.js
/** Places for the parts of one upload. The server signs each URL for the MD5 of its part, which is read once more for it. */
function signedParts(api, upload) {
    return async (part, partNumber, _attempt, signal) => {
        const contentMd5 = Buffer.from(await part.md5()).toString('base64');
        const url = await api.partUrl(upload, partNumber, contentMd5, signal);
        return { url, headers: { 'content-type': 'application/octet-stream', 'content-md5': contentMd5 } };
    };
}

;// CONCATENATED MODULE: ./build/backends/cachix/cachix.js








/** How the server calls the compressions that it takes. */
const METHODS = { zstd: 'zst', xz: 'xz' };
/**
 * A cache of Cachix. The NAR goes up in parts before the path is visible; one more request completes it and makes its narinfo, so both steps of the port are the
 * server's own. Who asks it for many paths at once learns which are missing, not what the others hold, so a path is never said to differ.
 */
function createCachix(options) {
    const { target, client, log } = options;
    const api = (0,cachix_api/* createCachixApi */.F)(target, client);
    const uploads = createOpenUploads(api, log);
    let known = null;
    const keyFor = ({ publicKeys }) => {
        const { signingKey, sharesKey } = options;
        const isOurs = signingKey !== null && publicKeys.some((theirs) => theirs.name === signingKey.name || isHalfOf(theirs, signingKey));
        return isOurs || !sharesKey ? signingKey : null;
    };
    /** With a token that is no good a public cache is read as by everybody. */
    const inform = async (signal) => {
        try {
            return { information: await api.information(signal), refusal: null };
        }
        catch (error) {
            if (target.token === null || !(0,errors/* isCacheError */.bt)(error, 'cache-unauthorized'))
                throw error;
            const nobody = (0,cachix_api/* createCachixApi */.F)({ ...target, token: null }, client);
            const information = await nobody.information(signal).catch(() => null);
            if (information === null)
                throw error;
            return { information, refusal: error };
        }
    };
    const learn = async (signal) => {
        const { information, refusal } = await inform(signal);
        const netrc = netrcOf(information, target);
        await known?.reading.close();
        known = { information, refusal, netrc, reading: options.openReading(information.uri, netrc, information.publicKeys) };
        return known;
    };
    /** A server that completed the upload and whose answer was lost refuses to do it again; so may one where another job was faster (invariant I4). */
    const complete = async (upload, parts, narInfo, info, signal) => {
        try {
            await api.complete(upload, parts, narInfo, signal);
            uploads.done(upload);
        }
        catch (error) {
            uploads.drop(upload);
            if (!(0,errors/* isCacheError */.bt)(error, 'cache-invalid', 'cache-not-found'))
                throw error;
            const { reading } = known ?? (await learn(signal));
            const there = (await reading.presence([info], signal).catch(() => null))?.get(info.path);
            if (there?.state !== 'present')
                throw error;
        }
    };
    return {
        kind: 'cachix',
        label: target.place,
        reads: () => ({
            substituters: known === null ? [] : [`${urlText(known.information.uri)}${target.parameters}`],
            publicKeys: known?.information.publicKeys.map(signature/* formatPublicKey */.et) ?? [],
            netrc: known?.netrc ?? [],
            throughUs: false,
            priority: null,
        }),
        async check(mayWrite, signal) {
            const { information, refusal, reading } = await learn(signal);
            const checked = await reading.check(false, signal);
            if (!mayWrite)
                return checked;
            const whyNoPush = refusal === null ? whyNotPushed(information, target, keyFor(information)) : (0,errors/* describeError */.Uc)(refusal);
            return { ...checked, note: checked.note ?? whyNoPush, whyNoPush };
        },
        async presence(paths, signal) {
            const missing = await (0,missing_paths/* missingPaths */.D)(api, paths, signal);
            const stateOf = (path) => ({ state: missing.has(path) ? 'missing' : 'present' });
            return new Map(paths.map(({ path }) => [path, stateOf(path)]));
        },
        async prepare(info, nar, signal) {
            const signingKey = keyFor((known ?? (await learn(signal))).information);
            const packed = await nar.packed(signal);
            try {
                const method = METHODS[packed.compression];
                if (method === undefined)
                    throw new errors/* CacheError */.xA('input-invalid', `Cachix does not take \`${packed.compression}\`.`);
                const { body, fileHash } = packed;
                const narInfo = narInfoCreate(info, { hash: fileHash, sizeBytes: body.sizeBytes }, signingKey);
                const upload = await uploads.begin(method, signal);
                try {
                    const { partBytes = part_uploads/* PART_BYTES */._E } = options;
                    const parts = await (0,part_uploads/* uploadParts */.yR)(client, body, partBytes, signedParts(api, upload), signal);
                    return async (publishSignal) => {
                        await complete(upload, parts, narInfo, info, publishSignal);
                        return { sentBytes: body.sizeBytes };
                    };
                }
                catch (error) {
                    uploads.drop(upload);
                    throw error;
                }
            }
            finally {
                await packed.dispose();
            }
        },
        finish: async () => new Map(),
        async readBack(info, signal) {
            const { reading } = known ?? (await learn(signal));
            return reading.readBack(info, signal);
        },
        async close() {
            await uploads.close();
            await known?.reading.close();
        },
    };
}
/** Nix sends nothing but Basic; the server takes the token as password of any user. A public cache is not told who reads. */
function netrcOf({ uri, isPublic }, { token }) {
    return isPublic || token === null ? [] : [{ machine: uri.hostname, login: 'token', password: token }];
}
/** What keeps the job from pushing, as far as the server tells before it tries; `null` when nothing does. */
function whyNotPushed({ permission, publicKeys }, { place, name, token }, key) {
    if (permission === 'Read') {
        const who = token === null ? 'Without a token this job' : 'The token';
        return `${who} may read ${place} and not write to it. Give a token with the right to write, or set \`push: never\`.`;
    }
    if (publicKeys.length === 0) {
        const make = `Make one: \`cachix generate-keypair ${name}\`, or let the server have one in the settings of the cache.`;
        return `${place} has no key that its paths could be signed with. ${make}`;
    }
    if (key === null || publicKeys.some((theirs) => isHalfOf(theirs, key)))
        return null;
    const theirs = publicKeys.map((publicKey) => publicKey.name).join(' and ');
    const give = 'Give the secret key that belongs to it, or none where the server signs.';
    return `\`signing-key\` is not a key of ${place}, whose readers trust ${theirs}. ${give}`;
}
function isHalfOf(publicKey, key) {
    return Buffer.compare(publicKey.key, (0,signature/* publicKeyOf */.kc)(key).key) === 0;
}
/** Without the slash that `URL` puts behind a host alone: Nix compares texts. */
function urlText(url) {
    return url.href.replace(/\/$/, '');
}


/***/ }),

/***/ 8034:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   D: () => (/* binding */ missingPaths)
/* harmony export */ });
/* harmony import */ var _nix_store_path_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9605);
/* harmony import */ var _cachix_api_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8133);


/** Which of these paths (full) the cache does not have: one request for each `BULK` of them. Throws what the API does. */
async function missingPaths(api, paths, signal) {
    const missing = new Set();
    for (let at = 0; at < paths.length; at += _cachix_api_js__WEBPACK_IMPORTED_MODULE_1__/* .BULK */ .Z) {
        const some = paths.slice(at, at + _cachix_api_js__WEBPACK_IMPORTED_MODULE_1__/* .BULK */ .Z);
        const hashParts = await api.missing(some.map(({ path }) => (0,_nix_store_path_js__WEBPACK_IMPORTED_MODULE_0__/* .hashPartOf */ .bV)(path)), signal);
        for (const { path } of some)
            if (hashParts.has((0,_nix_store_path_js__WEBPACK_IMPORTED_MODULE_0__/* .hashPartOf */ .bV)(path)))
                missing.add(path);
    }
    return missing;
}


/***/ }),

/***/ 2771:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   _E: () => (/* binding */ PART_BYTES),
/* harmony export */   l4: () => (/* binding */ SIGNED_URL_HINT),
/* harmony export */   yR: () => (/* binding */ uploadParts)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _in_flight_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8336);


/** As Cachix's own client cuts; S3 takes nothing under 5 MiB, and the last part may be shorter. */
const PART_BYTES = 32 * 1024 * 1024;
/** S3 takes no more parts. */
const MAX_PARTS = 10_000;
/** Parts of one NAR; of several NARs that many each, as far as the client's connections go. */
const PARTS_IN_FLIGHT = 4;
/** A signed URL can run out between its making and the end of a queue. */
const PLACES_PER_PART = 3;
const MAX_THANKS_BYTES = 64 * 1024;
/** Where a signed URL is refused: it says itself who may write there. */
const SIGNED_URL_HINT = "Are the clocks of the cache's server and of its storage right, and does a proxy change what is sent?";
/**
 * Sends a body in parts to signed URLs, without credentials. Parts are read from where the body lies, so they take no memory. Answers with all of them, in
 * their order.
 */
async function uploadParts(client, body, partBytes, findPlace, signal) {
    const sizeBytes = Math.max(partBytes, Math.ceil(body.sizeBytes / MAX_PARTS));
    const count = Math.max(1, Math.ceil(body.sizeBytes / sizeBytes));
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    const done = [];
    await (0,_in_flight_js__WEBPACK_IMPORTED_MODULE_1__/* .visitInFlight */ .F)(numbers, PARTS_IN_FLIGHT, signal, async (partNumber, either) => {
        const part = body.part((partNumber - 1) * sizeBytes, Math.min(partNumber * sizeBytes, body.sizeBytes));
        const place = (attempt) => findPlace(part, partNumber, attempt, either);
        done.push({ partNumber, eTag: await putPart(client, part, place, either) });
    });
    return done.sort((a, b) => a.partNumber - b.partNumber);
}
async function putPart(client, part, findPlace, signal) {
    for (let attempt = 1;; attempt++) {
        const place = await findPlace(attempt);
        try {
            const accept = [200, 201, 204];
            const answer = await client.request({ ...place, method: 'PUT', body: part, accept, limitBytes: MAX_THANKS_BYTES, signal });
            const eTag = answer.header('etag');
            if (eTag !== null)
                return eTag;
            throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('cache-invalid', `${place.url.host} took a part of an upload and gave no ETag for it.`);
        }
        catch (error) {
            // 403: the URL has run out; 400: the bytes did not arrive as they were sent.
            if (!(0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .isCacheError */ .bt)(error, 'cache-forbidden', 'cache-invalid'))
                throw error;
            if (attempt >= PLACES_PER_PART)
                throw refusedAt(place.url, error);
        }
    }
}
function refusedAt({ host }, cause) {
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA(cause.code, `${host} took a part of an upload at none of ${PLACES_PER_PART} signed URLs: ${cause.message}`, {
        hint: SIGNED_URL_HINT,
        cause,
    });
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
