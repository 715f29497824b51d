export const id = 193;
export const ids = [193];
export const modules = {

/***/ 7955:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createNixCopy: () => (/* binding */ createNixCopy)
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
// EXTERNAL MODULE: ./build/nix/hash.js
var hash = __webpack_require__(3314);
// EXTERNAL MODULE: ./build/backends/published-narinfo.js
var published_narinfo = __webpack_require__(9842);
;// CONCATENATED MODULE: ./build/backends/nix-copy/asked-together.js
/** Long enough for those who ask at the same time to be heard, and nothing beside the start of a process. */
const HEARS_MS = 10;
/** Questions for one path each that come at about the same time, asked as one: each costs a process and a connection. */
function askedTogether(ask) {
    let next = null;
    const begin = (signal) => {
        const paths = new Set();
        const answers = new Promise((resolve) => setTimeout(resolve, HEARS_MS)).then(() => {
            next = null;
            return ask([...paths], signal);
        });
        return { paths, answers };
    };
    return async (path, signal) => {
        next ??= begin(signal);
        next.paths.add(path);
        return (await next.answers).get(path) ?? null;
    };
}

// EXTERNAL MODULE: ./build/nix/cache-info.js
var cache_info = __webpack_require__(4075);
// EXTERNAL MODULE: ./build/nix/narinfo.js
var narinfo = __webpack_require__(6113);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
// EXTERNAL MODULE: ./build/backends/in-flight.js
var in_flight = __webpack_require__(8336);
;// CONCATENATED MODULE: ./build/backends/nix-copy/signatures.js








const FILES_IN_FLIGHT = 32;
/**
 * Writes narinfos into `folder` (new) as Nix's `file://` store has them. Nothing but signatures is ever taken from them, so the NARs that they speak of are not there.
 * Throws `disk-full`, `file-failed`.
 */
async function writeSignatures(folder, paths, storeDir, signal) {
    try {
        await (0,promises_.mkdir)(folder, { recursive: true, mode: 0o700 });
        await (0,promises_.writeFile)((0,external_node_path_.join)(folder, 'nix-cache-info'), (0,cache_info/* formatCacheInfo */.y6)({ storeDir, wantMassQuery: true, priority: 0 }));
        await (0,in_flight/* visitInFlight */.F)(paths, FILES_IN_FLIGHT, signal, async ({ info, publishable }) => {
            const nar = { url: 'nar/none.nar', compression: 'none', fileHash: info.narHash, fileSizeBytes: info.narSizeBytes };
            const text = (0,narinfo/* formatNarInfo */.Nt)((0,published_narinfo/* narInfoOf */.Tm)(publishable, { ...nar, sentBytes: 0 }));
            await (0,promises_.writeFile)((0,external_node_path_.join)(folder, `${(0,store_path/* hashPartOf */.bV)(info.path)}.narinfo`), text);
        });
    }
    catch (cause) {
        if (signal.aborted)
            throw new errors/* CacheError */.xA('cancelled', 'Signing was stopped.', { cause });
        const code = (0,errors/* systemCode */.xU)(cause);
        if (code === null)
            throw cause;
        throw new errors/* CacheError */.xA(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `${folder} can't be written (${code}).`, { cause });
    }
}

;// CONCATENATED MODULE: ./build/backends/nix-copy/nix-copy.js









/** So many damaged paths cost a `nix copy` each; after them the rest is given up. */
const COPIES = 6;
const PROGRESS_EVERY_MS = 5000;
/**
 * Any store that `nix copy` can write to. Paths are only gathered while the pipeline runs; `finish` has Nix copy all of them at once, which reads each NAR once and
 * sends it as it is. Such a store takes a path only when it has all that the path refers to, whoever signed that (`wholeClosures` in push/plan.ts).
 */
function createNixCopy(options) {
    const { target, nix, storeDir, signingKey, publicKeys, log } = options;
    const label = target.place;
    const store = nix.open(target.substituter, label);
    const gathered = [];
    const infoOf = askedTogether((paths, signal) => store.infos(paths, signal));
    const whyUnread = whyNotRead(target, nix);
    return {
        kind: 'nix-copy',
        label,
        reads: () => ({ substituters: [target.substituter], publicKeys: [], netrc: [], throughUs: false, priority: null }),
        async check(mayWrite, signal) {
            if (nix.wasAsked)
                store.connect();
            if (!nix.wasAsked && (await store.ping(signal)) === false && mayWrite)
                log.info(`${label} does not trust this user: it takes paths that a key it trusts has signed.`);
            if (!nix.wasAsked && whyUnread !== null)
                log.notice(whyUnread, 'nix-cache-action');
            return { readable: whyUnread === null, whyNoPush: null, note: null, skipSignedBy: [] };
        },
        async presence(paths, signal) {
            if (paths.length === 0)
                return new Map();
            const missing = await store.missing(paths.map(({ path }) => path), signal);
            // What a cache has signed has the hash that it says. What was built here may have come out differently there.
            const built = paths.filter(({ path, ultimate }) => ultimate && !missing.has(path));
            const there = await store.infos(built.map(({ path }) => path), signal);
            return new Map(paths.map((info) => [info.path, missing.has(info.path) ? MISSING : presenceOf(info, there.get(info.path) ?? null)]));
        },
        async prepare(info) {
            const publishable = (0,published_narinfo/* publishableInfo */.MT)(info, signingKey, storeDir);
            return async () => {
                gathered.push({ info, publishable });
                // As it goes through ssh, unless that compresses.
                return { sentBytes: info.narSizeBytes };
            };
        },
        async finish(signal) {
            const paths = gathered.splice(0);
            if (paths.length === 0)
                return new Map();
            // Several stores may be pushed to at once.
            const folder = (0,external_node_path_.join)(folderInUrls(nix.privateFolder), `signatures-${(0,external_node_crypto_.randomBytes)(6).toString('hex')}`);
            const unsigned = paths.filter(({ info, publishable }) => publishable.signatures.some((text) => !info.signatures.includes(text)));
            try {
                const signLater = await signHere(store, unsigned, folder, storeDir, signal);
                const infos = paths.map(({ info }) => info);
                const lost = await copyAll(store, infos, log, label, signal);
                const arrived = signLater.filter((path) => !lost.has(path));
                if (arrived.length > 0)
                    await store.takeSignatures(`file://${folder}`, arrived, 'there', signal);
                return lost;
            }
            finally {
                await (0,promises_.rm)(folder, { recursive: true, force: true });
            }
        },
        async readBack(info, signal) {
            const there = await infoOf(info.path, signal);
            if (there === null)
                return { ok: false, problem: 'it is not valid there' };
            const difference = (0,published_narinfo/* differenceOf */.Pq)(info, there, publicKeys, storeDir);
            return difference === null ? { ok: true } : { ok: false, problem: difference };
        },
        close: () => store.close(),
    };
}
/** A folder that Nix finds by a `file://` URL: versions differ in what they make of blanks and of what is encoded. What goes there is no secret. */
function folderInUrls(preferred) {
    return [preferred, (0,external_node_os_.tmpdir)()].find((folder) => /^[\w.+/-]+$/.test(folder)) ?? preferred;
}
const MISSING = { state: 'missing' };
function presenceOf(info, there) {
    return there === null || (0,hash/* equalHash */.Le)(there.narHash, info.narHash)
        ? { state: 'present' }
        : { state: 'differs', narHash: (0,hash/* formatHash */.ON)(there.narHash, 'nix32') };
}
function whyNotRead({ ssh, place }, nix) {
    if (ssh === null || ssh.hasKey || !nix.substitutesByDaemon)
        return null;
    return (`Nix does not read from ${place} in this job, it is only pushed to: the Nix daemon would connect as root, without this job's SSH keys. ` +
        'To read, name a key file and the host key in the URL: `?ssh-key=/file&base64-ssh-public-host-key=…`.');
}
/**
 * The signatures are made here and handed to Nix as a binary cache without NARs, so that no other program sees the key. They go into the local store, and from
 * there along with the paths. Answers with the paths that have to be signed in the other store: the daemon of an old Nix takes signatures of those alone whom it
 * trusts.
 */
async function signHere(store, unsigned, folder, storeDir, signal) {
    if (unsigned.length === 0)
        return [];
    const paths = unsigned.map(({ info }) => info.path);
    await writeSignatures(folder, unsigned, storeDir, signal);
    try {
        await store.takeSignatures(`file://${folder}`, paths, 'here', signal);
        return [];
    }
    catch (error) {
        if (!(0,errors/* isCacheError */.bt)(error, 'nix-failed'))
            throw error;
        return paths;
    }
}
/**
 * Copies until all is there that can be: a copy ends at the first path that can't be read here, and goes on without that path and what refers to it. Answers
 * with what did not arrive, and why.
 */
async function copyAll(store, paths, log, label, signal) {
    const lost = new Map();
    let left = paths;
    for (let copies = 1;; copies++) {
        try {
            await copyOnce(store, left, log, label, signal);
            return lost;
        }
        catch (error) {
            if (!(0,errors/* isCacheError */.bt)(error) || signal.aborted)
                throw error;
            const missing = await store.missing(left.map(({ path }) => path), signal);
            const arrived = paths.length - lost.size - missing.size;
            left = left.filter(({ path }) => missing.has(path));
            const culprit = left.find(({ path }) => error.message.includes(path));
            const goesOn = culprit !== undefined && !(0,errors/* isCacheError */.bt)(error, 'cache-forbidden') && copies < COPIES;
            if (!goesOn && arrived === 0 && lost.size === 0)
                throw error;
            const hit = goesOn ? withDependants(culprit, left) : left;
            for (const { path } of hit) {
                const reason = path === culprit?.path || !goesOn ? (0,errors/* describeError */.Uc)(error) : `it needs ${culprit.path}, which can't be copied.`;
                lost.set(path, reason);
            }
            left = left.filter(({ path }) => !lost.has(path));
            if (left.length === 0) {
                if (lost.size === paths.length)
                    throw error;
                return lost;
            }
        }
    }
}
async function copyOnce(store, paths, log, label, signal) {
    let begun = 0;
    let saidMs = performance.now();
    log.info(`\`nix copy\` of ${paths.length} paths to ${label}`);
    const onPath = () => {
        begun++;
        if (performance.now() < saidMs + PROGRESS_EVERY_MS)
            return;
        saidMs = performance.now();
        log.info(`\`nix copy\` is at path ${begun} of ${paths.length}`);
    };
    // A path that came from a cache can come from there to that store too.
    const substitute = paths.some(({ ultimate, signatures }) => !ultimate && signatures.length > 0);
    const copy = (mayFetch) => store.copy(paths.map(({ path }) => path), { substitute: mayFetch, onPath }, signal);
    try {
        await copy(substitute);
    }
    catch (error) {
        // It may have failed of its substituters.
        if (!substitute || !(0,errors/* isCacheError */.bt)(error, 'cache-failing') || signal.aborted)
            throw error;
        await copy(false);
    }
}
/** `culprit` and what refers to it, maybe through others. References come first in `paths`. */
function withDependants(culprit, paths) {
    const hit = new Set([culprit.path]);
    for (const { path, references } of paths)
        if (references.some((reference) => hit.has(reference)))
            hit.add(path);
    return paths.filter(({ path }) => hit.has(path));
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
