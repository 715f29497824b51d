export const id = 131;
export const ids = [131];
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

/***/ 2131:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   withBearerReads: () => (/* binding */ withBearerReads)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _at_path_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6035);


const CACHE_INFO = 'nix-cache-info';
/** A path that no cache has. Some servers give `nix-cache-info` to everybody, and narinfos not. */
const NO_PATH = `${'0'.repeat(32)}.narinfo`;
/**
 * A cache that is read with a token. Nix can send nothing but Basic; most servers that know tokens take one as its password (Artifactory, attic, Cachix). Where one
 * does not, Nix reads through the local substituter.
 */
function withBearerReads(cache, { baseUrl, token, client }) {
    let throughUs = false;
    const refusesBasic = async (signal) => {
        const credentials = { kind: 'basic', username: 'token', password: token };
        const ask = async (key) => {
            const url = (0,_at_path_js__WEBPACK_IMPORTED_MODULE_1__/* .atPath */ .Z)(baseUrl, `${baseUrl.pathname.replace(/\/$/, '')}/${key}`);
            const accept = [200, 401, 403, 404, 410];
            return (await client.request({ method: 'GET', url, credentials, accept, limitBytes: 0, signal })).status;
        };
        try {
            const [info, none] = await Promise.all([ask(CACHE_INFO), ask(NO_PATH)]);
            // 403 for what is not there is the answer of buckets that nobody may list.
            return info === 401 || info === 403 || none === 401;
        }
        catch (error) {
            if (!(0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .isCacheError */ .bt)(error) || signal.aborted)
                throw error;
            // It did not say no; Nix finds out.
            return false;
        }
    };
    return {
        ...cache,
        reads() {
            const reads = cache.reads();
            return throughUs ? { ...reads, substituters: [], throughUs } : reads;
        },
        async check(mayWrite, signal) {
            const checked = await cache.check(mayWrite, signal);
            throughUs = checked.readable && (await refusesBasic(signal));
            return checked;
        },
    };
}


/***/ })

};
