export const id = 170;
export const ids = [170];
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

/***/ 6170:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   createBulkQuestion: () => (/* binding */ createBulkQuestion)
/* harmony export */ });
/* harmony import */ var _backends_cachix_cachix_api_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(8133);
/* harmony import */ var _backends_cachix_missing_paths_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8034);
/* harmony import */ var _backends_cachix_token_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(3918);
/* harmony import */ var _cache_target_cachix_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(7155);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(9473);
/* harmony import */ var _http_client_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(5803);






/** A part of what the substituters have for all their answers: asking for each path comes after it. */
const LIMIT_MS = 3_000;
/** Whoever does not answer is asked for each path. */
const EFFORT = { connections: 1, attempts: 1, patienceMs: LIMIT_MS, connectTimeoutMs: 2_000 };
/**
 * The one such question that needs no more than the right to read is that of Cachix. What fails once is not tried again.
 * @param servers of Cachix, beside cachix.org
 */
function createBulkQuestion(servers, netrc, log) {
    const silent = new Set();
    const ask = async (target, env, paths, signal) => {
        const client = (0,_http_client_js__WEBPACK_IMPORTED_MODULE_4__/* .createHttpClient */ .u)({ env, log, ...EFFORT });
        try {
            return await (0,_backends_cachix_missing_paths_js__WEBPACK_IMPORTED_MODULE_1__/* .missingPaths */ .D)((0,_backends_cachix_cachix_api_js__WEBPACK_IMPORTED_MODULE_0__/* .createCachixApi */ .F)(target, client), paths, signal);
        }
        finally {
            await client.close();
        }
    };
    return {
        async lacked(url, env, paths, signal) {
            const target = (0,_cache_target_cachix_js__WEBPACK_IMPORTED_MODULE_2__/* .cachixTargetAt */ .JT)(url, servers);
            if (target === null || silent.has(url.href))
                return new Set();
            try {
                const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
                return await ask({ ...target, token: (0,_backends_cachix_token_js__WEBPACK_IMPORTED_MODULE_5__.tokenFor)(url.hostname, netrc) }, env, paths, limit);
            }
            catch (error) {
                if (!(0,_errors_js__WEBPACK_IMPORTED_MODULE_3__/* .isCacheError */ .bt)(error) || error.code === 'internal')
                    throw error;
                if (!signal.aborted)
                    silent.add(url.href);
                log.debug(`${target.place} is asked for each path: ${(0,_errors_js__WEBPACK_IMPORTED_MODULE_3__/* .describeError */ .Uc)(error)}`);
                return new Set();
            }
        },
    };
}


/***/ })

};
