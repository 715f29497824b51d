export const id = 62;
export const ids = [62];
export const modules = {

/***/ 1062:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   createBinaryCacheReader: () => (/* binding */ createBinaryCacheReader)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9473);
/* harmony import */ var _nix_narinfo_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6113);


/**
 * A plain binary cache, for the local substituter. Its NARs are passed on as they are stored: Nix checks them against the narinfo, whose signature
 * it checks as it would without us.
 */
function createBinaryCacheReader(reader, storeDir) {
    return {
        label: reader.label,
        async narInfo(hashPart, signal) {
            const bytes = await reader.get(`${hashPart}.narinfo`, _nix_narinfo_js__WEBPACK_IMPORTED_MODULE_1__/* .MAX_NARINFO_BYTES */ .x1, signal);
            if (bytes === null)
                return null;
            return (0,_nix_narinfo_js__WEBPACK_IMPORTED_MODULE_1__/* .parseNarInfo */ .Ne)(Buffer.from(bytes).toString('utf8'), { storeDir, expectedHashPart: hashPart });
        },
        openNar(url, range, signal) {
            // What a narinfo names is looked up in its own cache, never elsewhere.
            if (/^[a-z][a-z0-9+.-]*:|^\/|(^|\/)\.\.(\/|$)/i.test(url)) {
                throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .CacheError */ .xA('format-invalid', `${reader.label} has a narinfo whose NAR lies elsewhere (${url}).`);
            }
            return reader.open(url, range, signal);
        },
        close: () => reader.close(),
    };
}


/***/ })

};
