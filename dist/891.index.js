export const id = 891;
export const ids = [891];
export const modules = {

/***/ 891:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createBinaryCache: () => (/* binding */ createBinaryCache)
});

// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/quote.js
var quote = __webpack_require__(9044);
;// CONCATENATED MODULE: ./build/nix/cache-info.js


/** No real one has more than some hundred. */
const MAX_CACHE_INFO_BYTES = 16 * 1024;
/**
 * Reads lines `Key: value`, as tolerant as Nix: other keys and lines without a colon are ignored (binary-cache-store.cc, init). Throws
 * `format-invalid` when it is too large, a store directory is not absolute or a priority is no number.
 */
function parseCacheInfo(text) {
    if (text.length > MAX_CACHE_INFO_BYTES)
        throw new errors/* CacheError */.xA('format-invalid', 'nix-cache-info is too large to be one.');
    let storeDir = null;
    let wantMassQuery = false;
    let priority = null;
    for (const line of text.split('\n')) {
        const colon = line.indexOf(':');
        if (colon === -1)
            continue;
        const value = line.slice(colon + 1).trim();
        switch (line.slice(0, colon)) {
            case 'StoreDir':
                if (!value.startsWith('/'))
                    throw new errors/* CacheError */.xA('format-invalid', `nix-cache-info has ${(0,quote/* quote */.h)(value)} as StoreDir.`);
                storeDir = value;
                break;
            case 'WantMassQuery':
                wantMassQuery = value === '1';
                break;
            case 'Priority':
                if (!/^-?\d{1,9}$/.test(value))
                    throw new errors/* CacheError */.xA('format-invalid', `nix-cache-info has ${(0,quote/* quote */.h)(value)} as Priority.`);
                priority = Number(value);
                break;
        }
    }
    return { storeDir, wantMassQuery, priority };
}
/** As `nix-push` wrote it and caches serve it. */
function formatCacheInfo(info) {
    const lines = [
        ...(info.storeDir === null ? [] : [`StoreDir: ${info.storeDir}`]),
        `WantMassQuery: ${info.wantMassQuery ? 1 : 0}`,
        ...(info.priority === null ? [] : [`Priority: ${info.priority}`]),
    ];
    return lines.map((line) => `${line}\n`).join('');
}

// EXTERNAL MODULE: ./build/nix/hash.js
var nix_hash = __webpack_require__(3314);
// EXTERNAL MODULE: ./build/nix/store-path.js
var store_path = __webpack_require__(9605);
;// CONCATENATED MODULE: ./build/nix/narinfo.js




/** Room for some twenty thousand references. */
const MAX_NARINFO_BYTES = 1024 * 1024;
const KNOWN_ONCE = new Set([
    'StorePath',
    'URL',
    'Compression',
    'FileHash',
    'FileSize',
    'NarHash',
    'NarSize',
    'References',
    'Deriver',
    'CA',
]);
function corrupt(line, problem, cause) {
    return new errors/* CacheError */.xA('format-invalid', `Line ${line} of the narinfo: ${problem}.`, { cause });
}
function splitFields(text) {
    if (Buffer.byteLength(text) > MAX_NARINFO_BYTES) {
        throw new errors/* CacheError */.xA('format-invalid', `The narinfo is larger than ${MAX_NARINFO_BYTES} bytes.`);
    }
    const lines = text.split('\n');
    if (lines.pop() !== '')
        throw corrupt(lines.length + 1, 'it does not end with a line end; is the file cut off?');
    const byName = new Map();
    const signatures = [];
    for (const [index, content] of lines.entries()) {
        const line = index + 1;
        if (content.endsWith('\r'))
            throw corrupt(line, 'it ends with CR and LF, which Nix refuses');
        if (/\p{Cc}/u.test(content))
            throw corrupt(line, 'there is a control character in it');
        const separator = content.indexOf(': ');
        if (separator < 1 || content.indexOf(':') !== separator)
            throw corrupt(line, `${(0,quote/* quote */.h)(content)} is not \`Name: value\``);
        const name = content.slice(0, separator);
        const field = { value: content.slice(separator + 2), line };
        if (name === 'Sig')
            signatures.push(field);
        if (!KNOWN_ONCE.has(name))
            continue;
        if (byName.has(name))
            throw corrupt(line, `${name} is there twice`);
        byName.set(name, field);
    }
    return { byName, signatures };
}
/** Runs `parse` over a field's value; an error names the line. */
function parseField(field, parse) {
    try {
        return parse(field.value);
    }
    catch (error) {
        if (error instanceof errors/* CacheError */.xA)
            throw corrupt(field.line, error.message.replace(/\.$/, ''), error);
        throw error;
    }
}
function parseNumber(field) {
    const number = Number(field.value);
    if (!/^\d{1,16}$/.test(field.value) || !Number.isSafeInteger(number))
        throw corrupt(field.line, `${(0,quote/* quote */.h)(field.value)} is no size`);
    return number;
}
function parseReferences(field, storeDir) {
    const names = field.value.split(' ').filter((name) => name !== '');
    const paths = names.map((name) => parseField({ ...field, value: name }, (value) => (0,store_path/* parseBaseName */.u7)(value, storeDir).path));
    return [...new Set(paths)].sort();
}
function parseDeriver(field, storeDir) {
    if (field === undefined || field.value === 'unknown-deriver')
        return null;
    return parseField(field, (value) => (0,store_path/* parseBaseName */.u7)(value, storeDir).path);
}
function parseSignature(field) {
    if (!/^[^:\s]+:\S+$/.test(field.value))
        throw corrupt(field.line, `${(0,quote/* quote */.h)(field.value)} is no signature (\`name:base64\`)`);
    return field.value;
}
function parseNarHash(value) {
    const hash = (0,nix_hash/* parseHash */.Eb)(value);
    if (hash.algorithm !== 'sha256')
        throw new errors/* CacheError */.xA('format-invalid', `NarHash is by ${hash.algorithm}, not by sha256.`);
    return hash;
}
function parseUrl(field) {
    if (!/^\S+$/.test(field.value))
        throw corrupt(field.line, `${(0,quote/* quote */.h)(field.value)} is no URL`);
    return field.value;
}
function parseCompression(field) {
    if (field === undefined || field.value === '')
        return 'bzip2';
    if (!/^[A-Za-z0-9-]{1,32}$/.test(field.value))
        throw corrupt(field.line, `${(0,quote/* quote */.h)(field.value)} is no name of a compression`);
    return field.value;
}
/**
 * Reads an untrusted narinfo. As tolerant as Nix: fields that no client needs may be absent (FileHash, FileSize, References, Deriver,
 * CA; Compression is then `bzip2`), unknown ones are ignored, hashes may have any spelling. What makes some Nix version fail is
 * refused: `format-invalid`, with the line. Source: nix/src/libstore/nar-info.cc.
 */
function parseNarInfo(text, options) {
    const { storeDir, expectedHashPart } = options;
    const { byName, signatures } = splitFields(text);
    const required = (name) => {
        const field = byName.get(name);
        if (field === undefined)
            throw new errors/* CacheError */.xA('format-invalid', `The narinfo has no ${name}.`);
        return field;
    };
    const optional = (name, parse) => {
        const field = byName.get(name);
        return field === undefined ? null : parse(field);
    };
    const storePath = parseField(required('StorePath'), (value) => (0,store_path/* parseStorePath */.GV)(value, storeDir).path);
    if (expectedHashPart !== undefined && (0,store_path/* hashPartOf */.bV)(storePath) !== expectedHashPart) {
        throw corrupt(required('StorePath').line, `it is about ${(0,quote/* quote */.h)(storePath, 300)}, not about a path with hash ${expectedHashPart}`);
    }
    const narSize = required('NarSize');
    const narSizeBytes = parseNumber(narSize);
    if (narSizeBytes === 0)
        throw corrupt(narSize.line, 'NarSize is 0');
    return {
        storePath,
        url: parseUrl(required('URL')),
        compression: parseCompression(byName.get('Compression')),
        fileHash: optional('FileHash', (field) => parseField(field, nix_hash/* parseHash */.Eb)),
        fileSizeBytes: optional('FileSize', parseNumber),
        narHash: parseField(required('NarHash'), parseNarHash),
        narSizeBytes,
        references: optional('References', (field) => parseReferences(field, storeDir)) ?? [],
        deriver: parseDeriver(byName.get('Deriver'), storeDir),
        signatures: signatures.map(parseSignature),
        ca: optional('CA', (field) => field.value || null),
    };
}
/** One line; refuses what would begin another one. */
function line(name, value) {
    if (/\p{Cc}/u.test(value))
        throw new errors/* CacheError */.xA('format-invalid', `${(0,quote/* quote */.h)(value)} can't be the ${name} of a narinfo.`);
    return `${name}: ${value}\n`;
}
/**
 * As Nix writes it, byte for byte: its order of fields, base names for paths, base 32 for hashes, `References: ` even when there are
 * none, references and signatures sorted and each once. Fields that are `null` are left out. Throws `format-invalid` when a value
 * has a line break or another control character in it. Source: nix/src/libstore/nar-info.cc, NarInfo::to_string.
 */
function formatNarInfo(info) {
    const references = [...new Set(info.references.map(store_path/* baseNameOf */.mv))].sort().join(' ');
    const signatures = [...new Set(info.signatures)].sort();
    return [
        line('StorePath', info.storePath),
        line('URL', info.url),
        line('Compression', info.compression),
        info.fileHash === null ? '' : line('FileHash', (0,nix_hash/* formatHash */.ON)(info.fileHash, 'nix32')),
        info.fileSizeBytes === null ? '' : line('FileSize', String(info.fileSizeBytes)),
        line('NarHash', (0,nix_hash/* formatHash */.ON)(info.narHash, 'nix32')),
        line('NarSize', String(info.narSizeBytes)),
        line('References', references),
        info.deriver === null ? '' : line('Deriver', (0,store_path/* baseNameOf */.mv)(info.deriver)),
        ...signatures.map((signature) => line('Sig', signature)),
        info.ca === null ? '' : line('CA', info.ca),
    ].join('');
}

;// CONCATENATED MODULE: ./build/backends/in-flight.js
/**
 * Calls `visit` for every item, at most `limit` at a time, in order of the items. The first failure aborts the signal that the other
 * calls were given; it is thrown when all of them have ended.
 */
async function visitInFlight(items, limit, signal, visit) {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const failures = [];
    const left = items.values();
    const work = async () => {
        for (const item of left) {
            if (failures.length > 0)
                return;
            try {
                await visit(item, either);
            }
            catch (error) {
                failures.push(error);
                failed.abort(error);
            }
        }
    };
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
    if (failures.length > 0)
        throw failures[0];
}

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
    return `nar/${(0,nix_hash/* digestText */.M6)(narHash, 'nix32')}.nar${SUFFIX[compression]}`;
}
function createNarUploads(store) {
    const uploads = new Map();
    return {
        async bring(info, nar, signal) {
            const content = (0,nix_hash/* digestText */.M6)(info.narHash, 'hex');
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
        const url = narKey(info.narHash, packed.compression);
        const sent = await storeUnlessThere(store, url, packed, signal);
        const { compression, fileHash, body } = packed;
        return { url, compression, fileHash, fileSizeBytes: body.sizeBytes, sentBytes: sent ? body.sizeBytes : 0 };
    }
    finally {
        await packed.dispose();
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
/**
 * The name stands for the contents, but what is there may have been cut off: it counts when it is as long as ours. (What another
 * compression level made has another length and is replaced; readers can use either.)
 */
async function isThere(store, key, body, signal) {
    try {
        return (await store.size(key, signal)) === body.sizeBytes;
    }
    catch (error) {
        if (isRefusal(error))
            return false;
        throw error;
    }
}
/** How servers answer that keep what is there and let nobody overwrite it (Artifactory without that permission, Nexus, WORM buckets). */
function isRefusal(error) {
    return (0,errors/* isCacheError */.bt)(error, 'cache-forbidden', 'cache-read-only', 'cache-invalid');
}

// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
;// CONCATENATED MODULE: ./build/backends/object-body.js

/** A body that is in memory. */
function bodyOfBytes(bytes) {
    return { sizeBytes: bytes.length, bytes, stream: () => external_node_stream_.Readable.from([bytes], { objectMode: false }) };
}
function bodyOfText(text) {
    return bodyOfBytes(Buffer.from(text, 'utf8'));
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: ./build/nix/base32.js
var base32 = __webpack_require__(9410);
;// CONCATENATED MODULE: ./build/nix/content-address.js






/** nix/src/libstore/content-address.cc, renderContentAddress. */
const PREFIX = {
    text: 'text:',
    flat: 'fixed:',
    recursive: 'fixed:r:',
    git: 'fixed:git:',
};
const METHODS = {
    text: 'text',
    fixed: 'flat',
    'fixed:r': 'recursive',
    'fixed:git': 'git',
};
/** The method's part of the text that is hashed for all but `text` and NARs by SHA-256. */
const INNER_PREFIX = { text: '', flat: '', recursive: 'r:', git: 'git:' };
const STORE_HASH_BYTES = 20;
/** Reads `fixed:[r:|git:]algo:digest` or `text:sha256:digest`. Throws `format-invalid`. */
function parseContentAddress(text) {
    const [, prefix = '', hash = ''] = /^(text|fixed|fixed:r|fixed:git):([a-z0-9]+:[A-Za-z0-9+/=]*)$/.exec(text) ?? [];
    const method = METHODS[prefix];
    if (method === undefined) {
        throw new errors/* CacheError */.xA('format-invalid', `${(0,quote/* quote */.h)(text, 160)} is not a content address (\`text:\` or \`fixed:\`, then algorithm and digest).`);
    }
    return { method, hash: (0,nix_hash/* parseHash */.Eb)(hash) };
}
/** As Nix writes it, the digest in base 32. */
function formatContentAddress(ca) {
    return PREFIX[ca.method] + formatHash(ca.hash, 'nix32');
}
function sha256(text) {
    return (0,external_node_crypto_.createHash)('sha256').update(text).digest();
}
/** nix/src/libstore/store-dir-config.cc, makeStorePath. `hash` is written `sha256:<hex>`. */
function makeStorePath(type, hash, name, storeDir) {
    const digest = (0,nix_hash/* foldHash */.Es)(sha256(`${type}:${hash}:${storeDir}:${name}`), STORE_HASH_BYTES);
    return `${storeDir}/${(0,base32/* encodeBase32 */.z)(digest)}-${name}`;
}
/** What Nix would stop at, with an exception or an assertion that ends its process. */
function impossible(ca, references, selfReference) {
    const { method, hash } = ca;
    if (method === 'text') {
        if (hash.algorithm !== 'sha256')
            return `a text file is addressed by sha256, not by ${hash.algorithm}`;
        return selfReference ? 'a text file can not refer to itself' : null;
    }
    if (method === 'git' && hash.algorithm !== 'sha1' && hash.algorithm !== 'sha256') {
        return `a git tree is addressed by sha1 or sha256, not by ${hash.algorithm}`;
    }
    if (method === 'recursive' && hash.algorithm === 'sha256')
        return null;
    return references.length > 0 || selfReference ? 'only a text file or a NAR hashed by sha256 can have references' : null;
}
/**
 * The full store path that a content address stands for. `references` are full paths, in any order, without the path itself;
 * `selfReference` says whether it refers to itself. Throws `format-invalid` on a combination that no path has.
 * Source: nix/src/libstore/store-dir-config.cc, makeFixedOutputPath and makeTextPath.
 */
function contentAddressPath(ca, name, references, selfReference, storeDir) {
    const problem = impossible(ca, references, selfReference);
    if (problem !== null)
        throw new errors/* CacheError */.xA('format-invalid', `${(0,quote/* quote */.h)(name)} can't be content-addressed so: ${problem}.`);
    const hash = (0,nix_hash/* formatHash */.ON)(ca.hash, 'hex');
    if (ca.method !== 'text' && !(ca.method === 'recursive' && ca.hash.algorithm === 'sha256')) {
        const inner = sha256(`fixed:out:${INNER_PREFIX[ca.method]}${hash}:`).toString('hex');
        return makeStorePath('output:out', `sha256:${inner}`, name, storeDir);
    }
    const sorted = [...new Set(references)].sort();
    const type = [ca.method === 'text' ? 'text' : 'source', ...sorted, ...(selfReference ? ['self'] : [])].join(':');
    return makeStorePath(type, hash, name, storeDir);
}
/**
 * Whether the CA field of a path fits the path: `null` when it does or when there is none, else what is wrong. A field that does not
 * fit must never be published: Nix clients of all versions end with SIGABRT when they see one.
 *
 * Paths that refer to themselves are checked like all others. Nix 2.17 to 2.34 compute their digest by another rule than the versions
 * before and after (release notes of 2.35), but the digest is in the field, and how the path follows from it never changed.
 * Whether the digest is that of the contents is not looked at: that takes the contents, and whoever imports the path checks it.
 * A field that this code can't read (an experimental algorithm) counts as one that does not fit, since older clients can't read it
 * either.
 */
function checkContentAddress(info, storeDir) {
    if (info.ca === null)
        return null;
    try {
        const { name } = (0,store_path/* parseStorePath */.GV)(info.path, storeDir);
        const others = info.references.filter((reference) => reference !== info.path);
        const expected = contentAddressPath(parseContentAddress(info.ca), name, others, others.length < info.references.length, storeDir);
        return expected === info.path ? null : `its CA field stands for ${expected}`;
    }
    catch (error) {
        if (error instanceof errors/* CacheError */.xA)
            return `its CA field can't be used: ${error.message}`;
        throw error;
    }
}

// EXTERNAL MODULE: ./build/nix/signature.js + 1 modules
var nix_signature = __webpack_require__(1386);
;// CONCATENATED MODULE: ./build/backends/published-narinfo.js




/** 64 bytes in base 64. Nix 2.34 stops at one that is garbage, and then it finds no other one either. */
const SIGNATURE = /^[^:\s]+:[A-Za-z0-9+/]{86}==$/;
/**
 * The path as its narinfo is to describe it: every signature that it came with stays, and ours is added (invariant I3).
 * @throws CacheError `path-corrupt` when its CA field stands for another path: Nix clients of all versions end with SIGABRT at such a
 * narinfo
 */
function publishableInfo(info, signingKey, storeDir) {
    const ours = signingKey === null ? [] : [(0,nix_signature/* sign */._S)((0,nix_signature/* fingerprint */.Rj)(info), signingKey)];
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
    const problem = checkContentAddress(info, storeDir);
    if (problem === null || info.ca === null)
        return info.ca;
    if (!isReadable(info.ca))
        return null;
    throw new errors/* CacheError */.xA('path-corrupt', `${info.path} can't be published: ${problem}.`, {
        hint: `Check it with \`nix-store --verify-path ${info.path}\`, and delete and build it again.`,
    });
}
function isReadable(ca) {
    try {
        parseContentAddress(ca);
        return true;
    }
    catch {
        return false;
    }
}
/** Why a substituter would not take `published` for the local path `info`; `null` when it would. */
function differenceOf(info, published, publicKeys, storeDir) {
    const { narHash, narSizeBytes, references, signatures, ca } = published;
    if (!(0,nix_hash/* equalHash */.Le)(narHash, info.narHash))
        return `its narinfo has another NAR hash (${(0,nix_hash/* formatHash */.ON)(narHash, 'nix32')})`;
    if (narSizeBytes !== info.narSizeBytes)
        return `its narinfo has another NAR size (${narSizeBytes})`;
    if (references.join(' ') !== [...new Set(info.references)].sort().join(' '))
        return 'its narinfo has other references';
    const wrongCa = checkContentAddress({ path: info.path, references, ca }, storeDir);
    if (wrongCa !== null)
        return wrongCa;
    // Content-addressed paths speak for themselves.
    if (ca !== null || publicKeys.length === 0)
        return null;
    const text = (0,nix_signature/* fingerprint */.Rj)(info);
    return signatures.some((signature) => (0,nix_signature/* verify */.MX)(text, signature, publicKeys))
        ? null
        : 'no signature of it is by a key that readers trust';
}

;// CONCATENATED MODULE: ./build/backends/binary-cache.js









const CACHE_INFO = 'nix-cache-info';
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
    /** @throws CacheError `format-invalid` when it can't be read or is that of another path */
    const lookUp = async (path, signal) => {
        const bytes = await store.get(narinfoKey(path), MAX_NARINFO_BYTES, signal);
        return bytes === null ? null : parseNarInfo(textOf(bytes), { storeDir, expectedHashPart: (0,store_path/* hashPartOf */.bV)(path) });
    };
    const putNarInfo = async (narInfo, signal) => {
        try {
            await store.put(narinfoKey(narInfo.storePath), bodyOfText(formatNarInfo(narInfo)), 'text/x-nix-narinfo', signal);
        }
        catch (error) {
            // Where nothing can be overwritten, another job may have been faster; if it said the same, all is well (invariant I4).
            if (!isRefusal(error))
                throw error;
            const there = await lookUp(narInfo.storePath, signal).catch(() => null);
            const same = there !== null && (0,nix_hash/* equalHash */.Le)(there.narHash, narInfo.narHash);
            if (!same || !narInfo.signatures.every((signature) => there.signatures.includes(signature)))
                throw error;
        }
    };
    return {
        kind: options.kind,
        label: store.label,
        reads: () => ({ substituters: [options.substituter], publicKeys: [] }),
        async check(mayWrite, signal) {
            const there = await store.get(CACHE_INFO, MAX_CACHE_INFO_BYTES, signal);
            if (there !== null) {
                checkCacheInfo(textOf(there), store.label, storeDir);
                return { readable: true, note: null };
            }
            if (!mayWrite)
                return { readable: false, note: `${store.label} has no ${CACHE_INFO} yet, so Nix can't read from it.` };
            const text = formatCacheInfo({ storeDir, wantMassQuery: true, priority: PRIORITY });
            await store.put(CACHE_INFO, bodyOfText(text), 'text/x-nix-cache-info', signal);
            if ((await store.get(CACHE_INFO, MAX_CACHE_INFO_BYTES, signal)) === null) {
                const note = `${store.label} does not serve the ${CACHE_INFO} that was put: is \`push-url\` that of another cache?`;
                return { readable: false, note };
            }
            log.info(`${store.label} had no ${CACHE_INFO}; it has one now.`);
            return { readable: true, note: null };
        },
        async presence(paths, signal) {
            const found = new Map();
            const unreadable = [];
            await visitInFlight(paths, options.lookups, signal, async (info, either) => {
                try {
                    found.set(info.path, presenceOf(info, await lookUp(info.path, either)));
                }
                catch (error) {
                    if (!(0,errors/* isCacheError */.bt)(error, 'format-invalid'))
                        throw error;
                    // Nix fails on a narinfo that it can't read, so it is worse than none: it counts as missing, and is replaced by a push.
                    unreadable.push(`${narinfoKey(info.path)}: ${error.message}`);
                    found.set(info.path, { state: 'missing' });
                }
            });
            if (unreadable[0] !== undefined) {
                log.warning(`${store.label} has ${unreadable.length} narinfos that can't be read. They count as missing. ${unreadable[0]}`);
            }
            return found;
        },
        async prepare(info, nar, signal) {
            const publishable = publishableInfo(info, signingKey, storeDir);
            const stored = await uploads.bring(info, nar, signal);
            return async (publishSignal) => {
                await putNarInfo(narInfoOf(publishable, stored), publishSignal);
                return { sentBytes: stored.sentBytes };
            };
        },
        async readBack(info, signal) {
            try {
                const published = await lookUp(info.path, signal);
                if (published === null)
                    return problem('its narinfo is not there');
                const difference = differenceOf(info, published, options.publicKeys, storeDir);
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
function checkCacheInfo(text, label, storeDir) {
    if (/^\s*[<{]/.test(text)) {
        throw new errors/* CacheError */.xA('cache-invalid', `${label}/${CACHE_INFO} is a web page or JSON, not the ${CACHE_INFO} of a cache.`, {
            hint: 'Is the URL that of the repository itself (no login page, no API)?',
        });
    }
    const theirs = storeDirOf(text, label);
    if (theirs !== null && theirs !== storeDir) {
        throw new errors/* CacheError */.xA('cache-invalid', `${label} is for stores in ${theirs}, and this one is in ${storeDir}.`, {
            hint: 'Paths can not move between store directories: use another cache.',
        });
    }
}
function storeDirOf(text, label) {
    try {
        return parseCacheInfo(text).storeDir;
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
    return (0,nix_hash/* equalHash */.Le)(there.narHash, info.narHash)
        ? { state: 'present' }
        : { state: 'differs', narHash: (0,nix_hash/* formatHash */.ON)(there.narHash, 'nix32') };
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


/***/ })

};
