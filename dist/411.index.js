export const id = 411;
export const ids = [411];
export const modules = {

/***/ 9411:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  openToolkit: () => (/* binding */ openToolkit)
});

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: external "node:stream/promises"
var external_node_stream_promises_ = __webpack_require__(6466);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/waiting/cancel.js
var cancel = __webpack_require__(2368);
// EXTERNAL MODULE: ./build/backends/actions-cache/file-error.js
var file_error = __webpack_require__(2818);
// EXTERNAL MODULE: ./build/backends/actions-cache/shared-work.js
var shared_work = __webpack_require__(5642);
// EXTERNAL MODULE: ./build/backends/actions-cache/twirp.js
var twirp = __webpack_require__(7849);
;// CONCATENATED MODULE: ./build/backends/actions-cache/toolkit-output.js
/** What `@actions/cache` says, as far as it tells what became of a call: it returns the same for a miss and for most failures. */


const COMMAND = /^::([\w-]+)(?: [^:]*)?::/;
/** It gives a URL whole, and then shows it inside of JSON. */
const LONGEST_TEXT = 2_000;
/** The lines of `output`. What it tells the runner to mask is given to `mask`, and is not in them. */
function linesOf(output, mask) {
    const all = output.split('\n').map((line) => {
        const level = COMMAND.exec(line)?.[1] ?? '';
        return { level, text: level === '' ? line : unescaped(line.replace(COMMAND, '')) };
    });
    const secrets = new Set(all.filter(({ level, text }) => level === 'add-mask' && text !== '').map(({ text }) => text));
    for (const secret of secrets)
        mask(secret);
    return all
        .filter(({ level, text }) => level !== 'add-mask' && text.trim() !== '')
        .map(({ level, text }) => ({ level, text: without(secrets, text).replace(/\s+/g, ' ').trim().slice(0, LONGEST_TEXT) }));
}
/** https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts, `escapeData`, backwards. */
function unescaped(text) {
    return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}
function without(secrets, text) {
    return [...secrets].reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}
/** Why the call was not done; `exists`: another entry has the key; `null`: it does not say that it failed. */
function failureIn(lines) {
    const reasons = lines.filter(isReason);
    const said = reasons.map(({ text }) => text).join('\n');
    const denial = (0,twirp/* denialIn */.Hn)(said);
    if (denial !== null)
        return denial;
    if (/rate limit|too many requests|\b429\b/i.test(said)) {
        return new errors/* CacheError */.xA('cache-throttled', 'The Actions cache limits the rate of requests now.', { hint: twirp/* THROTTLED_HINT */.Vi });
    }
    if (/storage quota has been hit/i.test(said))
        return (0,twirp/* denialIn */.Hn)('insufficient usage');
    const skipped = /effective cache-mode '([^']*)' does not permit (reads|writes)/.exec(said);
    if (skipped !== null) {
        const code = skipped[2] === 'reads' ? 'cache-forbidden' : 'cache-read-only';
        return new errors/* CacheError */.xA(code, `The workflow's \`cache-mode: ${skipped[1]}\` does not permit ${skipped[2]}.`);
    }
    if (/already exist|response was not ok|more details: (?:undefined|null)?$/im.test(said))
        return 'exists';
    const failed = reasons.some(({ level, text }) => level === 'error' || /^failed to (?:restore|save)/i.test(text));
    return failed ? new errors/* CacheError */.xA('cache-failing', `The Actions cache failed: ${reasonIn(lines)}`) : null;
}
/** Whether an entry that has an id was not saved all the same. */
function saysNotSaved(lines) {
    return lines.some(({ level, text }) => level !== 'debug' && /^failed to save/i.test(text));
}
/** The last line that tells of a failure, as a sentence. */
function reasonIn(lines) {
    const text = lines.findLast((line) => isReason(line) && line.level !== 'debug')?.text ?? lines.findLast(isReason)?.text;
    return `${(text ?? 'it gave no reason').slice(0, 300).replace(/\.$/, '')}.`;
}
/** Paths, headers and bodies are among the debug lines too. */
function isReason({ level, text }) {
    return level === 'error' || /\b(?:failed|denied|error|unable|limit|permit)\b/i.test(text);
}

// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __webpack_require__(1421);
// EXTERNAL MODULE: ./build/backends/actions-cache/toolkit-program.js
var toolkit_program = __webpack_require__(7400);
;// CONCATENATED MODULE: ./build/backends/actions-cache/toolkit-process.js







/** A pack of 1 GiB on a slow line. */
const CALL_LIMIT_MS = 15 * 60_000;
const MAX_OUTPUT_BYTES = 256 * 1024;
const DOING = 'Speaking to the Actions cache';
/** Runs one request with the folder `place` as its workspace. When it ends, however it does, nothing of it runs any more. */
async function runToolkitProcess({ env, script, log }, place, request, signal) {
    const temp = (0,external_node_path_.join)(place, 'temp');
    await (0,promises_.mkdir)(temp, { mode: 0o700 });
    const limit = AbortSignal.timeout(CALL_LIMIT_MS);
    const either = AbortSignal.any([signal, limit]);
    const run = { script, argument: JSON.stringify(request), place, env: { ...env, GITHUB_WORKSPACE: place, RUNNER_TEMP: temp } };
    const output = await outputOf(run, either);
    const lines = linesOf(output, log.mask);
    for (const { text } of lines)
        log.debug(`@actions/cache: ${text}`);
    if (signal.aborted)
        throw (0,cancel/* abortError */.vt)(signal, DOING);
    if (limit.aborted)
        throw new errors/* CacheError */.xA('cache-stalled', `${DOING}: not done after ${CALL_LIMIT_MS / 60_000} minutes.`);
    return { ...(await answerIn(place, lines)), lines };
}
/** Everything that the process and its own ones (tar, zstd) wrote, until all have ended; `signal` ends them. */
async function outputOf({ script, argument, place, env }, signal) {
    if (signal.aborted)
        return '';
    // A group of its own, so that a tar at work is ended too: it would go on writing to a folder that is being removed.
    const child = (0,external_node_child_process_.spawn)(process.execPath, [script, argument], {
        cwd: place,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
    });
    const parts = [];
    let sizeBytes = 0;
    const take = (bytes) => {
        if (sizeBytes < MAX_OUTPUT_BYTES)
            parts.push(bytes);
        sizeBytes += bytes.length;
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const stop = () => killGroup(child.pid);
    signal.addEventListener('abort', stop, { once: true });
    try {
        return await new Promise((resolve, reject) => {
            child.once('error', (cause) => reject(new errors/* CacheError */.xA('cache-failing', "The process that speaks to the Actions cache can't be run.", { cause })));
            child.once('close', () => resolve(Buffer.concat(parts).toString('utf8')));
        });
    }
    finally {
        signal.removeEventListener('abort', stop);
    }
}
function killGroup(pid) {
    if (pid === undefined)
        return;
    try {
        process.kill(-pid, 'SIGKILL');
    }
    catch {
        // It has ended meanwhile.
    }
}
async function answerIn(place, lines) {
    try {
        const answer = JSON.parse(await (0,promises_.readFile)((0,external_node_path_.join)(place, toolkit_program/* ANSWER_FILE */.w), 'utf8'));
        return answer;
    }
    catch (cause) {
        const why = `The process that speaks to the Actions cache ended without an answer: ${reasonIn(lines)}`;
        throw new errors/* CacheError */.xA('cache-failing', why, { cause });
    }
}

;// CONCATENATED MODULE: ./build/backends/actions-cache/toolkit.js











/**
 * The Actions cache through the public interface of `@actions/cache`: for servers that speak the older protocol (GHES, act, Gitea, Forgejo), and for the day on which
 * the newer one changes. An entry is an archive with one file; reading a part of it fetches all of it once.
 */
function openToolkit(options) {
    const { version, folder } = options;
    // The toolkit derives its namespace from the names of the files.
    const path = `nix-cache-action-${version.slice(0, 16)}`;
    const restored = new Map();
    const call = async (request, signal, use, prepare) => {
        await (0,promises_.mkdir)(folder, { recursive: true, mode: 0o700 });
        const place = await (0,promises_.mkdtemp)((0,external_node_path_.join)(folder, 'toolkit-'));
        try {
            await prepare?.(place);
            return await use(await runToolkitProcess(options, place, request, signal), place);
        }
        finally {
            await (0,promises_.rm)(place, { recursive: true, force: true });
        }
    };
    /** The file of an entry; `null` when the entry has gone. */
    const restore = (key, signal) => {
        const request = { call: 'restore', path, key, restoreKeys: [], lookupOnly: false };
        return call(request, signal, async ({ returned, lines }, place) => {
            if (typeof returned !== 'string' || returned.toLowerCase() !== key.toLowerCase()) {
                throwIfFailed(failureIn(lines));
                restored.delete(key);
                return null;
            }
            const kept = (0,external_node_path_.join)(folder, `entry-${(0,external_node_crypto_.randomBytes)(8).toString('hex')}`);
            await (0,promises_.rename)((0,external_node_path_.join)(place, path), kept).catch((cause) => {
                throw new errors/* CacheError */.xA('cache-invalid', `The archive of the entry \`${key}\` does not hold its file.`, { cause });
            });
            return kept;
        });
    };
    const entryOf = (key) => ({
        key: key.toLowerCase(),
        async read(range, signal) {
            const fetched = restored.get(key) ?? (0,shared_work/* shareWork */.P)((until) => restore(key, until));
            restored.set(key, fetched);
            const file = await fetched(signal, `Fetching the entry \`${key}\` from the Actions cache`);
            if (file === null)
                return null;
            const { size } = await (0,promises_.stat)(file);
            if (range !== null && range.end >= size)
                throw new errors/* CacheError */.xA('cache-invalid', `The entry \`${key}\` has ${size} bytes and should have more than ${range.end}.`);
            return (0,external_node_fs_.createReadStream)(file, range ?? {});
        },
    });
    return {
        transport: 'toolkit',
        label: 'the Actions cache',
        whyNoRead: options.whyNoRead,
        whyNoWrite: options.whyNoWrite,
        refusesDuplicates: options.refusesDuplicates,
        async lookup(which, signal) {
            const [key, restoreKeys] = 'key' in which ? [which.key, []] : [which.newestOf, [which.newestOf]];
            const request = { call: 'restore', path, key, restoreKeys, lookupOnly: true };
            const returned = await call(request, signal, (result) => {
                if (result.returned === null)
                    throwIfFailed(failureIn(result.lines));
                return result.returned;
            });
            if (typeof returned !== 'string')
                return null;
            const isWanted = 'key' in which ? returned.toLowerCase() === which.key : returned.toLowerCase().startsWith(which.newestOf);
            return isWanted ? entryOf(returned) : null;
        },
        async save(key, body, signal) {
            const request = { call: 'save', path, key };
            return call(request, signal, ({ returned, lines }) => {
                // On the older protocol it also returns the id of an entry whose upload failed.
                if (typeof returned === 'number' && returned >= 0 && !saysNotSaved(lines))
                    return 'saved';
                const failure = failureIn(lines);
                if (failure === 'exists')
                    return 'exists';
                throwIfFailed(failure);
                throw new errors/* CacheError */.xA('cache-failing', `The Actions cache did not take the entry \`${key}\`: ${reasonIn(lines)}`);
            }, (place) => writeBody(body, (0,external_node_path_.join)(place, path), signal));
        },
        async close() {
            await (0,promises_.rm)(folder, { recursive: true, force: true });
        },
    };
}
async function writeBody(body, file, signal) {
    try {
        await (0,external_node_stream_promises_.pipeline)(body.stream(), (0,external_node_fs_.createWriteStream)(file, { mode: 0o600, flags: 'wx' }), { signal });
    }
    catch (cause) {
        if (signal.aborted)
            throw (0,cancel/* abortError */.vt)(signal, 'Saving to the Actions cache');
        if ((0,errors/* isCacheError */.bt)(cause))
            throw cause;
        throw (0,file_error/* fileError */.z)(cause, file) ?? new errors/* CacheError */.xA('file-failed', `${file} can't be written (${cause}).`, { cause });
    }
}
function throwIfFailed(failure) {
    if (failure instanceof errors/* CacheError */.xA)
        throw failure;
}


/***/ })

};
