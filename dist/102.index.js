export const id = 102;
export const ids = [102];
export const modules = {

/***/ 7102:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   openHttpStore: () => (/* binding */ openHttpStore)
/* harmony export */ });
/* harmony import */ var _netrc_credentials_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1347);
/* harmony import */ var _ranged_answer_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4272);


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
 * @param wasRead something could be read there before, by another phase
 */
function openHttpStore(options, wasRead = false) {
    const { client } = options;
    const readBase = asFolder(options.baseUrl);
    const writeBase = asFolder(options.pushUrl ?? options.baseUrl);
    let mayRead = wasRead;
    const credentialsFor = (url) => {
        const given = url.origin === readBase.origin || url.origin === writeBase.origin ? options.credentials : null;
        return given ?? (0,_netrc_credentials_js__WEBPACK_IMPORTED_MODULE_0__/* .netrcCredentials */ .d)(options.netrc, url);
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
            const head = await ask(key, { method: 'HEAD', accept: [200, 204, 400, ...ABSENT, 403, 405, 501], limitBytes: 0, signal });
            if (head.status === 200)
                return sizeOf(head.header('content-length'), head);
            // Servers that know no HEAD, or forbid it, deny what GET would give (signed URLs), or say that there is no content (ncps): one byte tells as well.
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
        async open(key, range, signal) {
            const headers = range === null ? {} : { range: `bytes=${range.start}-${range.end}` };
            const accept = [200, ...(range === null ? [] : [206, 416]), ...absent()];
            const answer = await ask(key, { method: 'GET', headers, accept, limitBytes: 0, streamed: true, signal });
            if (!absent().includes(answer.status))
                return (0,_ranged_answer_js__WEBPACK_IMPORTED_MODULE_1__/* .bytesOf */ .$)(answer, range, key);
            answer.stream?.destroy();
            return null;
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
/** -1 when the server does not tell, or tells the size of an encoded form. */
function sizeOf(text, answer) {
    return text !== null && /^\d{1,15}$/.test(text) && answer.header('content-encoding') === null ? Number(text) : -1;
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


/***/ })

};
