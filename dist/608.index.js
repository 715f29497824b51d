export const id = 608;
export const ids = [608];
export const modules = {

/***/ 4608:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createNiks3: () => (/* binding */ createNiks3)
});

// EXTERNAL MODULE: ./build/bodies/in-memory.js
var in_memory = __webpack_require__(808);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/hash.js
var hash = __webpack_require__(3314);
// EXTERNAL MODULE: ./build/nix/narinfo.js
var narinfo = __webpack_require__(6113);
// EXTERNAL MODULE: ./build/nix/signature.js
var signature = __webpack_require__(8486);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
// EXTERNAL MODULE: ./build/backends/job-identity.js
var job_identity = __webpack_require__(314);
// EXTERNAL MODULE: ./build/backends/part-uploads.js
var part_uploads = __webpack_require__(2771);
// EXTERNAL MODULE: ./build/backends/published-narinfo.js
var published_narinfo = __webpack_require__(9842);
;// CONCATENATED MODULE: ./build/backends/niks3/authentication.js

/** In a row, of tokens that were refused though they had not ended: clocks differ. A server that refuses a new one too means it. */
const MAX_RENEWALS = 1;
/** The token that the workflow gives; else tokens of GitHub's for the audience that `audience` learns from the server, renewed in time, and when one is refused that was not new. */
function authenticate(target, audience, means) {
    if (target.token !== null)
        return { token: async () => target.token, refused: () => false, accepted: () => undefined };
    let identity = null;
    let renewals = 0;
    return {
        async token(signal) {
            if (!(0,job_identity/* hasJobIdentity */.iC)(means.env))
                return null;
            const wanted = identity === null ? await audience(signal) : null;
            if (identity === null && wanted === null)
                return null;
            identity ??= (0,job_identity/* createJobIdentity */.Cv)({ ...means, audience: wanted ?? '' });
            return identity.token(signal);
        },
        refused(token) {
            // With an older one than others have by now: theirs is tried.
            if (identity === null || !identity.forget(token))
                return true;
            return ++renewals <= MAX_RENEWALS;
        },
        accepted() {
            renewals = 0;
        },
    };
}

// EXTERNAL MODULE: ./build/http/answer-text.js
var answer_text = __webpack_require__(1863);
// EXTERNAL MODULE: ./build/backends/json-fields.js
var json_fields = __webpack_require__(9488);
;// CONCATENATED MODULE: ./build/backends/niks3/niks3-api.js
/** The API of a niks3 server. Source: Mic92/niks3, server/ and client/. */





const DONE = [200, 201, 204];
/** Explained here; the others are the HTTP client's business. */
const REFUSALS = [400, 401, 403, 404, 409, 413, 422];
/** Servers that do not know the question yet answer it as one for a page. */
const NOT_KNOWN = [301, 302, 303, 307, 308, 404, 405];
const MAX_ANSWER_BYTES = 1024 * 1024;
const SIGNATURE = /^[^:\s]+:[A-Za-z0-9+/]{86}==$/;
function createNiks3Api(target, client, authentication) {
    const { url: base, place } = target;
    const what = (of) => `What ${place} says of ${of}`;
    async function ask(method, path, body, accept, signal) {
        for (;;) {
            const token = await authentication.token(signal);
            const credentials = token === null ? null : { kind: 'bearer', token };
            const answer = await client.request({
                method,
                url: new URL(path, base),
                headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
                body: body === undefined ? null : (0,in_memory/* bodyOfText */.V)(JSON.stringify(body)),
                credentials,
                accept: [...accept, ...REFUSALS],
                limitBytes: MAX_ANSWER_BYTES,
                signal,
            });
            if (accept.includes(answer.status)) {
                authentication.accepted();
                return answer;
            }
            if (answer.status === 401 && token !== null && authentication.refused(token))
                continue;
            throw refusal(answer, (0,answer_text/* answerLine */.N)(answer.header('content-type') ?? '', answer.bytes, credentials));
        }
    }
    const post = async (path, body, signal) => (await ask('POST', path, body, DONE, signal)).bytes;
    function refusal({ status }, said) {
        const because = said === '' ? '.' : ` ("${said}").`;
        switch (status) {
            case 401:
                return new errors/* CacheError */.xA('cache-unauthorized', `${place} refuses the token of this job${because}`, {
                    hint: target.token === null
                        ? "Does the server's OIDC configuration allow this repository and branch?"
                        : 'Is it the whole token of this server?',
                });
            case 403:
                return new errors/* CacheError */.xA('cache-forbidden', `${place} does not let this job write${because}`, {
                    hint: "Give it the scope to write in the server's configuration.",
                });
            case 404:
                return new errors/* CacheError */.xA('cache-not-found', `${place} does not know what it was asked for${because}`, {
                    hint: 'Is the URL that of a niks3 server (not that of its bucket)?',
                });
            case 413:
                return new errors/* CacheError */.xA('cache-too-large', `${place} refuses a path as too large${because}`, {
                    hint: 'Leave such paths out with `max-path-size`.',
                });
            default:
                return new errors/* CacheError */.xA('cache-invalid', `${place} answered ${status}${because}`);
        }
    }
    return {
        async configuration(issuer, signal) {
            const path = `api/cache-config?${new URLSearchParams({ issuer })}`;
            const { bytes } = await client.request({
                method: 'GET',
                url: new URL(path, base),
                headers: { accept: 'application/json' },
                accept: [200],
                limitBytes: MAX_ANSWER_BYTES,
                signal,
            });
            return readConfiguration((0,json_fields/* jsonFields */.y)(bytes, what('itself')), base, place);
        },
        async begin(closure, objects, signal) {
            const asked = objects.map(({ key, type, refs, narSizeBytes }) => ({ key, type, refs, nar_size: narSizeBytes }));
            const fields = (0,json_fields/* jsonFields */.y)(await post('api/pending_closures', { closure, objects: asked }, signal), what('a new closure'));
            const pending = fields.fields('pending_objects');
            return {
                id: fields.text('id'),
                objects: new Map(pending.names().map((key) => [key, readPending(pending.fields(key), place)])),
            };
        },
        async sign(closureId, key, metadata, signal) {
            const path = `api/pending_closures/${encodeURIComponent(closureId)}/sign`;
            const fields = (0,json_fields/* jsonFields */.y)(await post(path, { narinfos: { [key]: metadata } }, signal), what('signatures'));
            const signatures = fields.fields('signatures').texts(key);
            if (signatures.every((signature) => SIGNATURE.test(signature)))
                return signatures;
            throw new errors/* CacheError */.xA('cache-invalid', `${place} gave a signature that is none.`);
        },
        async partUrl(key, uploadId, partNumber, signal) {
            const asked = { object_key: key, upload_id: uploadId, start_part_number: partNumber, num_parts: 1 };
            const fields = (0,json_fields/* jsonFields */.y)(await post('api/multipart/request-parts', asked, signal), what('a part'));
            return signedUrl(fields.texts('part_urls')[0] ?? '', place);
        },
        async completeParts(key, uploadId, parts, signal) {
            // The quotes of an ETag are HTTP's; the server puts its own around it.
            const done = parts.map(({ partNumber, eTag }) => ({ part_number: partNumber, etag: eTag.replace(/^"|"$/g, '') }));
            await post('api/multipart/complete', { object_key: key, upload_id: uploadId, parts: done }, signal);
        },
        async has(key, signal) {
            const answer = await ask('HEAD', `api/objects/${key}`, undefined, [200, 204, ...NOT_KNOWN], signal);
            return answer.status < 300;
        },
        async commit(closureId, signal) {
            await post(`api/pending_closures/${encodeURIComponent(closureId)}/complete`, {}, signal);
        },
    };
}
function readConfiguration(fields, base, place) {
    // A server that reads are not told apart from serves them itself.
    const written = fields.textOrNull('substituter_url') || base.href;
    const substituter = URL.parse(written);
    if (substituter === null ||
        !/^https?:$/.test(substituter.protocol) ||
        substituter.username !== '' ||
        substituter.search !== '') {
        throw new errors/* CacheError */.xA('cache-invalid', `${place} names no place that Nix could read from.`);
    }
    return {
        substituter,
        publicKeys: fields.texts('public_keys').map((text) => readKey(text, place)),
        audience: fields.textOrNull('oidc_audience') || null,
        maxNarBytes: fields.numberOrNull('max_nar_size') || null,
    };
}
function readKey(text, place) {
    try {
        return (0,signature/* parsePublicKey */.ee)(text);
    }
    catch (cause) {
        throw new errors/* CacheError */.xA('cache-invalid', `${place} has a key that can't be read: ${(0,errors/* describeError */.Uc)(cause)}`, { cause });
    }
}
function readPending(fields, place) {
    const parts = fields.fieldsOrNull('multipart_info');
    if (parts === null)
        return { kind: 'whole', url: signedUrl(fields.text('presigned_url'), place) };
    return { kind: 'parts', uploadId: parts.text('upload_id'), urls: parts.texts('part_urls').map((url) => signedUrl(url, place)) };
}
function signedUrl(text, place) {
    const url = /^https?:/.test(text) ? URL.parse(text) : null;
    if (url === null)
        throw new errors/* CacheError */.xA('cache-invalid', `${place} names no place for an upload.`);
    return url;
}

;// CONCATENATED MODULE: ./build/backends/niks3/niks3.js











/** The server checks the names of NARs, and knows no others. */
const SUFFIXES = { zstd: '.zst', xz: '.xz', none: '' };
const NAR_TYPE = { 'content-type': 'application/x-nix-nar' };
/**
 * A cache behind a niks3 server. Each path is a closure of its own, as with the `--no-closure` of niks3's client: the server follows a narinfo's references when
 * it collects garbage, so nothing that is needed goes. Its NAR goes up before the path is visible; then the server signs, the narinfo goes up, and the closure is
 * committed. What is killed before that is swept by the server, with all that was uploaded for it.
 */
function createNiks3(options) {
    const { target, client, env, storeDir, signingKey } = options;
    const { partBytes = part_uploads/* PART_BYTES */._E } = options;
    let known = null;
    const api = createNiks3Api(target, client, authenticate(target, async (signal) => (await informed(signal)).configuration.audience, options));
    const learn = async (signal) => {
        const configuration = await api.configuration((0,job_identity/* identityIssuer */.Yn)(env), signal);
        await known?.reading.close();
        known = { configuration, reading: options.openReading(configuration.substituter, [], configuration.publicKeys) };
        return known;
    };
    const informed = async (signal) => known ?? learn(signal);
    const bringNar = async (key, nar, place, signal) => {
        if (place.kind === 'whole')
            return put(client, place.url, nar.body, NAR_TYPE, signal);
        const { uploadId, urls } = place;
        try {
            const parts = await (0,part_uploads/* uploadParts */.yR)(client, nar.body, partBytes, async (_part, number, attempt, either) => ({
                url: (attempt === 1 ? urls[number - 1] : undefined) ?? (await api.partUrl(key, uploadId, number, either)),
                headers: {},
            }), signal);
            await api.completeParts(key, uploadId, parts, signal);
        }
        catch (error) {
            // Another job brought the same NAR, and the server ended this upload.
            if (!(0,errors/* isCacheError */.bt)(error, 'cache-not-found') || !(await api.has(key, signal)))
                throw error;
        }
    };
    const publish = async (path, url, compression, closure, signal) => {
        const key = narInfoKey(path.storePath);
        const place = closure.objects.get(key);
        if (place?.kind === 'whole') {
            const signatures = await api.sign(closure.id, key, metadataOf(path, url, compression), signal);
            // The file is not described: another job's may lie there, packed in another way. Nix 2.8 does not ask for compressed narinfos, so this one is plain.
            const text = (0,narinfo/* formatNarInfo */.Nt)({
                ...path,
                signatures: [...new Set([...path.signatures, ...signatures])],
                url,
                compression,
                fileHash: null,
                fileSizeBytes: null,
            });
            await put(client, place.url, (0,in_memory/* bodyOfText */.V)(text), { 'content-type': 'text/x-nix-narinfo' }, signal);
        }
        try {
            await api.commit(closure.id, signal);
        }
        catch (error) {
            // It was committed, and that answer was lost.
            if (!(0,errors/* isCacheError */.bt)(error, 'cache-not-found') || !(await api.has(key, signal)))
                throw error;
        }
    };
    return {
        kind: 'niks3',
        label: target.place,
        reads: () => ({
            substituters: known === null ? [] : [`${known.configuration.substituter.href.replace(/\/$/, '')}${target.parameters}`],
            publicKeys: known?.configuration.publicKeys.map(signature/* formatPublicKey */.et) ?? [],
            netrc: [],
            throughUs: false,
            priority: null,
        }),
        async check(mayWrite, signal) {
            const { configuration, reading } = await learn(signal);
            const checked = await reading.check(false, signal);
            if (!mayWrite)
                return checked;
            const whyNoPush = await whyNotPushed(configuration, signal);
            const signs = signingKey !== null || configuration.publicKeys.length > 0;
            const unsigned = `${target.place} does not sign, and there is no \`signing-key\`: Nix ignores paths without a signature.`;
            return { ...checked, note: checked.note ?? whyNoPush ?? (signs ? null : unsigned), whyNoPush };
        },
        async presence(paths, signal) {
            return (await informed(signal)).reading.presence(paths, signal);
        },
        async prepare(info, nar, signal) {
            const { maxNarBytes } = (await informed(signal)).configuration;
            if (maxNarBytes !== null && info.narSizeBytes > maxNarBytes) {
                throw new errors/* CacheError */.xA('cache-too-large', `${target.place} takes NARs of at most ${maxNarBytes} bytes.`, {
                    hint: 'Leave such paths out with `max-path-size`.',
                });
            }
            const path = (0,published_narinfo/* publishableInfo */.MT)(info, signingKey, storeDir);
            const packed = await nar.packed(signal);
            try {
                const { compression, body } = packed;
                const url = narKey(info, compression);
                const closure = await api.begin(narInfoKey(info.path), objectsOf(info, url), signal);
                const place = closure.objects.get(url);
                if (place !== undefined)
                    await bringNar(url, packed, place, signal);
                return async (publishSignal) => {
                    await publish(path, url, compression, closure, publishSignal);
                    return { sentBytes: place === undefined ? 0 : body.sizeBytes };
                };
            }
            finally {
                await packed.dispose();
            }
        },
        finish: async () => new Map(),
        async readBack(info, signal) {
            return (await informed(signal)).reading.readBack(info, signal);
        },
        close: async () => known?.reading.close(),
    };
    /** What keeps the job from pushing, as far as the server tells before it tries; `null` when nothing does. */
    async function whyNotPushed({ audience }, signal) {
        if (target.token === null && !(0,job_identity/* hasJobIdentity */.iC)(env)) {
            const give = 'Give the job `permissions: id-token: write`, or the API token of the server as `token`.';
            return `There is no \`token\` for ${target.place}, and the job has no identity to show. ${give}`;
        }
        if (target.token === null && audience === null) {
            const give = "Give its API token as `token`, or set GitHub up in the server's OIDC configuration.";
            return `${target.place} takes no tokens of GitHub's, and there is no \`token\`. ${give}`;
        }
        try {
            // What is there does not matter: who may not write is refused.
            await api.has(`${'0'.repeat(32)}.narinfo`, signal);
            return null;
        }
        catch (error) {
            if ((0,errors/* isCacheError */.bt)(error, 'cache-unauthorized', 'cache-forbidden'))
                return (0,errors/* describeError */.Uc)(error);
            throw error;
        }
    }
}
/** To a signed URL. */
async function put(client, url, body, headers, signal) {
    try {
        await client.request({ method: 'PUT', url, headers, body, accept: [200, 201, 204], limitBytes: 64 * 1024, signal });
    }
    catch (error) {
        if (!(0,errors/* isCacheError */.bt)(error, 'cache-forbidden'))
            throw error;
        throw new errors/* CacheError */.xA(error.code, error.message, { hint: part_uploads/* SIGNED_URL_HINT */.l4, cause: error });
    }
}
function narInfoKey(path) {
    return `${(0,store_path/* hashPartOf */.bV)(path)}.narinfo`;
}
function narKey(info, compression) {
    const suffix = SUFFIXES[compression];
    if (suffix === undefined)
        throw new errors/* CacheError */.xA('input-invalid', `niks3 does not take \`${compression}\`.`);
    return `nar/${(0,hash/* digestText */.M6)(info.narHash, 'nix32')}.nar${suffix}`;
}
function objectsOf(info, url) {
    const references = [...new Set(info.references.map(narInfoKey))].sort();
    return [
        { key: narInfoKey(info.path), type: 'narinfo', refs: [...references, url] },
        { key: url, type: 'nar', refs: [], narSizeBytes: info.narSizeBytes },
    ];
}
function metadataOf(path, url, compression) {
    return {
        store_path: path.storePath,
        url,
        compression,
        nar_hash: (0,hash/* formatHash */.ON)(path.narHash, 'nix32'),
        nar_size: path.narSizeBytes,
        references: [...path.references].sort(),
        ...(path.deriver === null ? {} : { deriver: path.deriver }),
        ...(path.signatures.length === 0 ? {} : { signatures: path.signatures }),
        ...(path.ca === null ? {} : { ca: path.ca }),
    };
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
