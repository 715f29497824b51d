export const id = 102;
export const ids = [102];
export const modules = {

/***/ 7102:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   openHttpStore: () => (/* binding */ openHttpStore)
/* harmony export */ });
/* harmony import */ var _nix_netrc_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6188);

const STORED = [200, 201, 202, 204];
const ABSENT = [404, 410];
/** Longest text that a server may send along with its thanks. */
const THANKS_BYTES = 64 * 1024;
/**
 * A plain HTTP server: GET, HEAD and PUT below a base URL (Artifactory, Nexus, nginx with DAV).
 *
 * 401 and 403 are errors, with one exception. Once the server let us read something, a 403 for another object means that it is not
 * there: buckets that nobody may list (S3, CloudFront) answer so, and Nix takes it so. `check` reads `nix-cache-info` first, so
 * missing permissions come to light there.
 */
function openHttpStore(options) {
    const { client } = options;
    const readBase = asFolder(options.baseUrl);
    const writeBase = asFolder(options.pushUrl ?? options.baseUrl);
    let mayRead = false;
    const credentialsFor = (url) => {
        const given = url.origin === readBase.origin || url.origin === writeBase.origin ? options.credentials : null;
        return given ?? netrcCredentials(options.netrc, url);
    };
    const absent = () => (mayRead ? [...ABSENT, 403] : ABSENT);
    const ask = async (key, request) => {
        const url = new URL(key, readBase);
        const answer = await client.request({ ...request, url, credentials: credentialsFor(url) });
        if (answer.status < 300)
            mayRead = true;
        return answer;
    };
    return {
        label: shown(readBase),
        async size(key, signal) {
            const head = await ask(key, { method: 'HEAD', accept: [200, ...ABSENT, 403, 405, 501], limitBytes: 0, signal });
            if (head.status === 200)
                return sizeOf(head.header('content-length'), head);
            // Servers that know no HEAD, or forbid it, or deny what GET would give (signed URLs): one byte tells as well.
            const headers = { range: 'bytes=0-0' };
            const part = await ask(key, { method: 'GET', headers, accept: [200, 206, 416, ...absent()], limitBytes: 0, signal });
            if (absent().includes(part.status))
                return null;
            return part.status === 200
                ? sizeOf(part.header('content-length'), part)
                : sizeOf(/\/(\d+)$/.exec(part.header('content-range') ?? '')?.[1] ?? null, part);
        },
        async get(key, limitBytes, signal) {
            const answer = await ask(key, { method: 'GET', accept: [200, ...absent()], limitBytes, signal });
            return answer.status === 200 ? answer.bytes : null;
        },
        async put(key, body, contentType, signal) {
            const url = new URL(key, writeBase);
            const headers = { 'content-type': contentType };
            const credentials = credentialsFor(url);
            await client.request({ method: 'PUT', url, headers, body, credentials, accept: STORED, limitBytes: THANKS_BYTES, signal });
        },
        close: async () => undefined,
    };
}
/** What a key is relative to. */
function asFolder(url) {
    const folder = new URL(url);
    folder.search = '';
    folder.hash = '';
    if (!folder.pathname.endsWith('/'))
        folder.pathname += '/';
    return folder;
}
function shown(folder) {
    return `${folder.origin}${folder.pathname}`.replace(/\/$/, '');
}
function netrcCredentials(entries, url) {
    const entry = (0,_nix_netrc_js__WEBPACK_IMPORTED_MODULE_0__/* .findNetrc */ .kE)(entries, url.hostname);
    return entry === null ? null : { kind: 'basic', username: entry.login, password: entry.password };
}
/** -1 when the server does not tell, or tells the size of an encoded form. */
function sizeOf(text, answer) {
    return text !== null && /^\d{1,15}$/.test(text) && answer.header('content-encoding') === null ? Number(text) : -1;
}


/***/ })

};
