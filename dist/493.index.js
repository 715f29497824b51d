export const id = 493;
export const ids = [493];
export const modules = {

/***/ 6035:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Z: () => (/* binding */ atPath)
/* harmony export */ });
/** A place on the same server. (`new URL(path, url)` would take what is behind a leading `//` for another host.) */
function atPath({ origin }, path) {
    const place = new URL(origin);
    place.pathname = path;
    return place;
}


/***/ }),

/***/ 1493:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createAtticCache: () => (/* binding */ createAtticCache)
});

// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/netrc.js
var nix_netrc = __webpack_require__(6188);
// EXTERNAL MODULE: ./build/nix/signature.js
var signature = __webpack_require__(8486);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
// EXTERNAL MODULE: ./build/backends/netrc-credentials.js
var netrc_credentials = __webpack_require__(1347);
// EXTERNAL MODULE: ./build/backends/published-narinfo.js
var published_narinfo = __webpack_require__(9842);
// EXTERNAL MODULE: ./build/bodies/in-memory.js
var in_memory = __webpack_require__(808);
;// CONCATENATED MODULE: ./build/backends/attic/cache-config.js


/** A configuration has a key, two URLs, and a list of names. */
const MAX_CONFIG_BYTES = 256 * 1024;
/**
 * Reads the answer to `GET _api/v1/cache-config/<cache>`. Fields that it does not know are left alone, since servers add some.
 * Source: attic/attic/src/api/v1/cache_config.rs, CacheConfig.
 * @throws CacheError `cache-invalid`
 */
function parseCacheConfig(text, label) {
    const fields = asFields(parseJson(text));
    if (fields === null) {
        throw new errors/* CacheError */.xA('cache-invalid', `What answers for ${label} is no attic server: it sent no configuration of a cache.`, {
            hint: 'Is the URL that of the server (`attic login` takes the same), with the name of the cache behind it?',
        });
    }
    const { store_dir: storeDir, upstream_cache_key_names: upstream, priority, retention_period: retention } = fields;
    return {
        publicKey: readKey(fields.public_key, label),
        substituterEndpoint: textOrNull(fields.substituter_endpoint),
        apiEndpoint: textOrNull(fields.api_endpoint),
        isPublic: fields.is_public === true,
        storeDir: textOrNull(storeDir) ?? '/nix/store',
        upstreamKeyNames: Array.isArray(upstream) ? upstream.filter((name) => typeof name === 'string') : [],
        priority: typeof priority === 'number' ? priority : null,
        retentionSeconds: readRetention(retention),
    };
}
/** One line on it, for the log. */
function describeCacheConfig(config) {
    const { isPublic, priority, retentionSeconds, publicKey } = config;
    const kept = retentionSeconds === null ? "the server's time" : retentionSeconds === 0 ? 'ever' : `${retentionSeconds} s`;
    const rank = priority === null ? '' : `priority ${priority}, `;
    return `${isPublic ? 'public' : 'private'}, ${rank}kept for ${kept}, signed by ${(0,signature/* formatPublicKey */.et)(publicKey)}`;
}
/** `null`: not an object. */
function asFields(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}
/** `undefined`: not JSON. */
function parseJson(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return undefined;
    }
}
function textOrNull(value) {
    return typeof value === 'string' && value !== '' ? value : null;
}
function readKey(value, label) {
    try {
        return (0,signature/* parsePublicKey */.ee)(textOrNull(value) ?? '');
    }
    catch (cause) {
        throw new errors/* CacheError */.xA('cache-invalid', `The server names no key for ${label} that Nix could use: ${(0,errors/* describeError */.Uc)(cause)}`, {
            hint: 'Make a new one with `attic cache configure --regenerate-keypair`.',
            cause,
        });
    }
}
/** `"Global"`, or `{"Period": seconds}`. */
function readRetention(value) {
    const period = asFields(value)?.Period;
    return typeof period === 'number' ? period : null;
}

;// CONCATENATED MODULE: ./build/backends/attic/refusals.js

/**
 * The error with a hint that fits attic: what its statuses mean is its own. It takes a token that it can't verify for none, and who has no right
 * to a cache at all is not told whether there is one. Source: attic/server/src/access/http.rs, attic/server/src/error.rs.
 */
function explainRefusal(error, asker) {
    // Who answers elsewhere, after a redirect, never got the token; the hint that says so stays.
    if (!(0,errors/* isCacheError */.bt)(error) || !error.message.includes(asker.endpoint.origin))
        return error;
    const hint = hintFor(error, asker);
    return hint === null ? error : new errors/* CacheError */.xA(error.code, error.message, { hint, cause: error.cause });
}
/** How the token for a job is made. */
function makeToken(cache) {
    return `\`atticadm make-token --sub ci --validity 1y --pull ${cache} --push ${cache}\``;
}
function hintFor({ code }, { cache, wants, hasToken, expired }) {
    switch (code) {
        case 'cache-unauthorized':
            if (expired !== null)
                return expired;
            return hasToken
                ? `Attic answers so when the token does not name ${cache}, or was not made by this server, and also when there is no such cache: check the name, or make a token with ${makeToken(cache)}.`
                : `The cache is private, or there is none of that name: check the name, or give a \`token\` (${makeToken(cache)}).`;
        case 'cache-forbidden':
            if (expired !== null)
                return expired;
            return hasToken
                ? `The token may not ${wants} there, or was not made by this server: make one with ${makeToken(cache)}.`
                : `To ${wants} takes a \`token\` there (${makeToken(cache)}).`;
        case 'cache-not-found':
            return `Is ${cache} the name of a cache there (\`attic cache create ${cache}\` makes one), and the URL that of the server?`;
        case 'cache-too-large':
            return ('Attic takes a NAR whole and uncompressed in one request, so what stands before it sets the limit: nginx (`client_max_body_size`, 1 MB if not set), ' +
                'Cloudflare (100 MB on its free plan), Cloud Run (32 MB). Raise it, give an address that leads past it, or leave such paths out with `max-path-size`.');
        default:
            return null;
    }
}
/** What to say of a token that ended at this time; `null` when it has not ended, or does not say. */
function whyExpired(expiryMs, nowMs, cache) {
    if (expiryMs === null || expiryMs > nowMs)
        return null;
    return `The \`token\` expired at ${new Date(expiryMs).toISOString()}: make a new one with ${makeToken(cache)}.`;
}

;// CONCATENATED MODULE: ./build/backends/attic/api.js




/** A hash part takes 35 bytes, and ten thousand are asked for at a time. */
const MAX_MISSING_BYTES = 1024 * 1024;
function createAtticApi({ client, endpoint, cache, label, credentials, expired }) {
    const ask = async (wants, request) => {
        try {
            return await client.request({ ...request, credentials, accept: [200] });
        }
        catch (error) {
            throw explainRefusal(error, { endpoint, cache, wants, hasToken: credentials !== null, expired: expired() });
        }
    };
    return {
        async config(signal) {
            const url = new URL(`_api/v1/cache-config/${cache}`, endpoint);
            const { bytes } = await ask('pull', { method: 'GET', url, limitBytes: MAX_CONFIG_BYTES, signal });
            return parseCacheConfig(textOf(bytes), label);
        },
        async missing(hashParts, signal) {
            const url = new URL('_api/v1/get-missing-paths', endpoint);
            const body = (0,in_memory/* bodyOfText */.V)(JSON.stringify({ cache, store_path_hashes: hashParts }));
            const headers = { 'content-type': 'application/json' };
            const { bytes } = await ask('push', { method: 'POST', url, headers, body, limitBytes: MAX_MISSING_BYTES, signal });
            const paths = asFields(parseJson(textOf(bytes)))?.missing_paths;
            if (!Array.isArray(paths))
                throw new errors/* CacheError */.xA('cache-invalid', `${label} did not say which paths are missing there.`);
            return new Set(paths.filter((path) => typeof path === 'string'));
        },
        async upload({ preambleBytes, body }, signal) {
            const url = new URL('_api/v1/upload-path', endpoint);
            const headers = {
                'content-type': 'application/octet-stream',
                'x-attic-nar-info-preamble-size': `${preambleBytes}`,
            };
            await ask('push', { method: 'PUT', url, headers, body, limitBytes: 0, signal });
        },
    };
}
function textOf(bytes) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

// EXTERNAL MODULE: ./build/nix/narinfo.js
var narinfo = __webpack_require__(6113);
// EXTERNAL MODULE: ./build/backends/at-path.js
var at_path = __webpack_require__(6035);
;// CONCATENATED MODULE: ./build/backends/attic/substituter.js

/**
 * Where Nix reads: every attic server serves its caches beside its API, and may name another place for it, such as a CDN. That is taken where the
 * token need not go to another host than it was given for, nor from https to http. On its own origin the server is not believed: behind a
 * proxy it often knows neither the path nor the scheme that it is reached by. Without a slash at its end.
 */
function substituterOf({ endpoint, cache }, { substituterEndpoint, isPublic }, hasCredentialsFor) {
    const own = new URL(cache, endpoint);
    const told = parseWebUrl(substituterEndpoint);
    if (told === null || told.origin === endpoint.origin)
        return own;
    if (endpoint.protocol === 'https:' && told.protocol === 'http:')
        return own;
    const mayRead = isPublic || told.hostname === endpoint.hostname || hasCredentialsFor(told.hostname);
    return mayRead ? (0,at_path/* atPath */.Z)(told, told.pathname.replace(/\/+$/, '')) : own;
}
/** The host of the API as the server names it, when that is another one: uploads to it may pass a CDN's limits by. */
function otherApiHost({ endpoint }, { apiEndpoint }) {
    const told = parseWebUrl(apiEndpoint);
    return told === null || told.hostname === endpoint.hostname ? null : told.host;
}
/** The place as one that other things are relative to. */
function asFolder(url) {
    return (0,at_path/* atPath */.Z)(url, `${url.pathname.replace(/\/*$/, '')}/`);
}
function parseWebUrl(text) {
    const url = text !== null && URL.canParse(text) ? new URL(text) : null;
    return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? url : null;
}

;// CONCATENATED MODULE: ./build/backends/attic/read-back.js





/** Asks for a path as Nix would: its narinfo, signed by the server, and its NAR. */
async function readPathBack(info, options, signal) {
    try {
        const narInfo = await fetchNarInfo(info, options, signal);
        if (narInfo === null)
            return { ok: false, problem: 'its narinfo is not there' };
        const difference = (0,published_narinfo/* differenceOf */.Pq)(info, narInfo, [options.publicKey], options.storeDir);
        if (difference !== null)
            return { ok: false, problem: difference };
        const isThere = await hasNar(narInfo, options, signal);
        return isThere ? { ok: true } : { ok: false, problem: `its NAR (${narInfo.url}) is not there` };
    }
    catch (error) {
        if ((0,errors/* isCacheError */.bt)(error, 'format-invalid'))
            return { ok: false, problem: error.message };
        throw error;
    }
}
async function fetchNarInfo({ path }, { client, substituter, credentials, storeDir }, signal) {
    const hashPart = (0,store_path/* hashPartOf */.bV)(path);
    const url = new URL(`${hashPart}.narinfo`, asFolder(substituter));
    const accept = [200, 404];
    const answer = await client.request({ method: 'GET', url, credentials, accept, limitBytes: narinfo/* MAX_NARINFO_BYTES */.x1, signal });
    if (answer.status === 404)
        return null;
    const { bytes } = answer;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    return (0,narinfo/* parseNarInfo */.Ne)(text, { storeDir, expectedHashPart: hashPart });
}
/** By GET: the server may send to a signed URL of its storage, which is good for that method alone. */
async function hasNar(narInfo, { client, substituter, credentials }, signal) {
    const url = new URL(narInfo.url, asFolder(substituter));
    const own = url.origin === substituter.origin ? credentials : null;
    const headers = { range: 'bytes=0-0' };
    const accept = [200, 206, 404];
    const answer = await client.request({ method: 'GET', url, headers, credentials: own, accept, limitBytes: 0, signal });
    return answer.status !== 404;
}

;// CONCATENATED MODULE: ./build/backends/attic/token.js
/** What a `Date` can hold (ECMAScript, 21.4.1.1). */
const MAX_SECONDS = 8.64e12;
/**
 * When a token ends, in milliseconds since 1970; `null` when it does not say. Attic calls its tokens opaque beyond what is standard, so this
 * looks at nothing else, and what is no JWT is no error. Source: RFC 7519, 4.1.4; attic/token/src/lib.rs.
 */
function tokenExpiryMs(token) {
    const [, payload, signature] = token.split('.');
    if (payload === undefined || signature === undefined)
        return null;
    try {
        const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
        const expiry = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : null;
        return typeof expiry === 'number' && Math.abs(expiry) <= MAX_SECONDS ? expiry * 1000 : null;
    }
    catch {
        return null;
    }
}

// EXTERNAL MODULE: ./build/nix/hash.js
var hash = __webpack_require__(3314);
;// CONCATENATED MODULE: ./build/backends/attic/upload.js


/**
 * The body of `PUT _api/v1/upload-path`: a description in JSON, then the NAR as it is, uncompressed (the server cuts, compresses and checks it). The
 * description may stand in a header as well, but long lists of references do not fit there. Each stream reads the NAR anew; one that
 * turns out to be corrupt ends before its last bytes, and so does the request, so that the server has nothing to keep.
 * Source: attic/attic/src/api/v1/upload_path.rs.
 */
function uploadOf(cache, path, nar, signal) {
    const preamble = Buffer.from(describePath(cache, path), 'utf8');
    async function* parts() {
        yield preamble;
        yield* nar.raw(signal);
    }
    return {
        preambleBytes: preamble.length,
        body: {
            sizeBytes: preamble.length + path.narSizeBytes,
            bytes: null,
            stream: parts,
        },
    };
}
/** References in the order that Nix signs them in: the server signs them as they are sent. */
function describePath(cache, path) {
    return JSON.stringify({
        cache,
        store_path_hash: (0,store_path/* hashPartOf */.bV)(path.storePath),
        store_path: path.storePath,
        references: [...new Set(path.references)].sort().map(store_path/* baseNameOf */.mv),
        system: null,
        deriver: path.deriver === null ? null : (0,store_path/* baseNameOf */.mv)(path.deriver),
        sigs: path.signatures,
        ca: path.ca,
        nar_hash: `sha256:${(0,hash/* digestText */.M6)(path.narHash, 'hex')}`,
        nar_size: path.narSizeBytes,
    });
}

;// CONCATENATED MODULE: ./build/backends/attic/attic-cache.js













/**
 * Hash parts in one question. The server binds each as a variable of one SQL statement (SQLite takes 32,766), and the body stays under
 * the megabyte that nginx takes unless told otherwise.
 */
const PAGE = 10_000;
/**
 * A cache on an attic server, which takes a path and makes it readable in one step, and signs it. There is no step to prepare, so all of the upload
 * waits for the references (invariant I1), though attic itself would take paths in any order.
 */
function createAtticCache(options) {
    const { target, client, log, storeDir, signingKey, netrc } = options;
    const { cache, endpoint, place: label } = target;
    const credentials = target.credentials ?? (0,netrc_credentials/* netrcCredentials */.d)(netrc, endpoint);
    const expired = () => whyExpired(credentials === null ? null : tokenExpiryMs(secretOf(credentials)), Date.now(), cache);
    const api = createAtticApi({ client, endpoint, cache, label, credentials, expired });
    let known = null;
    const load = async (signal) => {
        const config = await api.config(signal);
        known = { config, substituter: substituterOf(target, config, (host) => (0,nix_netrc/* findNetrc */.kE)(netrc, host) !== null) };
        return known;
    };
    /** Asking for nothing takes the same right as asking for paths and pushing them. */
    const findWhyNoPush = async (signal) => {
        try {
            await api.missing([], signal);
            return null;
        }
        catch (error) {
            if ((0,errors/* isCacheError */.bt)(error, 'cache-unauthorized', 'cache-forbidden'))
                return (0,errors/* describeError */.Uc)(error);
            throw error;
        }
    };
    return {
        kind: 'attic',
        label,
        reads() {
            if (known === null)
                return { substituters: [], publicKeys: [], netrc: [], throughUs: false, priority: null };
            const { config, substituter } = known;
            return {
                substituters: [`${substituter.href}${target.parameters}`],
                publicKeys: [(0,signature/* formatPublicKey */.et)(config.publicKey)],
                netrc: config.isPublic ? [] : netrcFor(target, substituter),
                throughUs: false,
                priority: config.priority,
            };
        },
        async check(mayWrite, signal) {
            const { config } = await load(signal);
            log.debug(`${label}: ${describeCacheConfig(config)}.`);
            const apiHost = otherApiHost(target, config);
            if (apiHost !== null) {
                const why = `the token goes to ${endpoint.host} alone, and so do uploads`;
                log.info(`${label} names ${apiHost} for its API; ${why}. Where that host takes larger ones, name it in \`cache\`.`);
            }
            if (config.storeDir !== storeDir) {
                throw new errors/* CacheError */.xA('cache-invalid', `${label} is for stores in ${config.storeDir}, and this one is in ${storeDir}.`, {
                    hint: 'Paths can not move between store directories: use another cache.',
                });
            }
            const note = mayWrite ? expired() : null;
            const whyNoPush = note ?? (mayWrite ? await findWhyNoPush(signal) : null);
            return { readable: true, note, whyNoPush, skipSignedBy: config.upstreamKeyNames };
        },
        /** Attic tells which paths it has, not with which NAR hash, so none of them is called different. */
        async presence(paths, signal) {
            const found = new Map();
            for (let start = 0; start < paths.length; start += PAGE) {
                const page = paths.slice(start, start + PAGE);
                const hashParts = page.map(({ path }) => (0,store_path/* hashPartOf */.bV)(path));
                const missing = await api.missing(hashParts, signal);
                for (const { path } of page)
                    found.set(path, { state: missing.has((0,store_path/* hashPartOf */.bV)(path)) ? 'missing' : 'present' });
            }
            return found;
        },
        async prepare(info, nar) {
            const publishable = (0,published_narinfo/* publishableInfo */.MT)(info, signingKey, storeDir);
            return async (signal) => {
                await api.upload(uploadOf(cache, publishable, nar, signal), signal);
                // Whole even when the server had that NAR: it wants to see that we have it.
                return { sentBytes: info.narSizeBytes };
            };
        },
        finish: async () => new Map(),
        async readBack(info, signal) {
            const { config, substituter } = known ?? (await load(signal));
            const own = substituter.hostname === endpoint.hostname ? credentials : (0,netrc_credentials/* netrcCredentials */.d)(netrc, substituter);
            return readPathBack(info, { client, substituter, credentials: own, publicKey: config.publicKey, storeDir }, signal);
        },
        close: async () => undefined,
    };
}
/** Nix sends nothing but Basic, and attic takes a token as the password of any user. What is in the netrc already needs no second entry. */
function netrcFor({ credentials, endpoint }, substituter) {
    if (credentials === null || substituter.hostname !== endpoint.hostname)
        return [];
    const login = credentials.kind === 'basic' ? credentials.username : 'token';
    return [{ machine: (0,nix_netrc/* netrcMachine */.m4)(substituter.hostname), login, password: secretOf(credentials) }];
}
function secretOf(credentials) {
    return credentials.kind === 'basic' ? credentials.password : credentials.token;
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
