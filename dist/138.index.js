export const id = 138;
export const ids = [138];
export const modules = {

/***/ 7138:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  runPusherWorker: () => (/* binding */ runPusherWorker)
});

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
;// CONCATENATED MODULE: ./build/hook/follow.js


const POLL_MS = 500;
/**
 * Hands out what comes to the journal, until the signal aborts and all that came before it is handed out. What the caller does not keep is left to the next
 * reader. Throws what the journal throws.
 */
async function* followJournal(journal, options) {
    const { file, pollMs = POLL_MS, signal } = options;
    const changes = watchFile(file);
    try {
        for (;;) {
            const isLast = signal.aborted;
            const changed = changes.next();
            const batch = await journal.read();
            if (batch.records.length > 0)
                yield batch;
            else if (isLast)
                return;
            else
                await firstOf(changed, pollMs, signal);
        }
    }
    finally {
        changes.close();
    }
}
async function firstOf(changed, pollMs, signal) {
    const waited = new AbortController();
    const aborted = AbortSignal.any([signal, waited.signal]);
    try {
        await Promise.race([changed, (0,external_node_timers_promises_.setTimeout)(pollMs, undefined, { signal: aborted }).catch(() => undefined)]);
    }
    finally {
        waited.abort();
    }
}
/** A file that is not there, or a system that can't watch any more files, has changes that nobody sees. */
function watchFile(file) {
    let onChange = () => undefined;
    let watcher = null;
    try {
        watcher = (0,external_node_fs_.watch)(file, () => onChange());
        watcher.on('error', () => watcher?.close());
    }
    catch {
        watcher = null;
    }
    return {
        next() {
            const { promise, resolve } = Promise.withResolvers();
            onChange = resolve;
            return promise;
        },
        close: () => watcher?.close(),
    };
}

// EXTERNAL MODULE: ./build/hook/journal.js + 1 modules
var hook_journal = __webpack_require__(4636);
// EXTERNAL MODULE: ./build/store/derivation-outputs.js + 1 modules
var derivation_outputs = __webpack_require__(8569);
// EXTERNAL MODULE: ./build/store/gc-roots.js
var gc_roots = __webpack_require__(866);
// EXTERNAL MODULE: ./build/store/local-store.js + 1 modules
var local_store = __webpack_require__(2325);
;// CONCATENATED MODULE: ./build/phases/later-reads.js
/** What the job read, for a push that begins before its end: it is known once post says so. */
function laterReads() {
    const used = new Set();
    const served = [];
    const errors = {};
    const packFindings = Promise.withResolvers();
    return {
        job: { used, served, errors, packFindings: packFindings.promise },
        arrive(reads) {
            for (const hashPart of reads.used)
                used.add(hashPart);
            served.push(...reads.served);
            Object.assign(errors, reads.errors);
            packFindings.resolve(reads.packFindings);
        },
    };
}

// EXTERNAL MODULE: ./build/phases/push-new-paths.js + 17 modules
var push_new_paths = __webpack_require__(1964);
// EXTERNAL MODULE: ./build/phases/pusher-folder.js
var pusher_folder = __webpack_require__(8747);
// EXTERNAL MODULE: ./build/phases/session.js + 1 modules
var phases_session = __webpack_require__(2156);
// EXTERNAL MODULE: ./build/phases/stop.js
var phases_stop = __webpack_require__(6477);
;// CONCATENATED MODULE: ./build/phases/pusher-worker.js













/** How often it is looked whether the job is still there. */
const LOOK_MS = 5_000;
/** Before the time of the end is over: what was begun is cut, and the report written. */
const END_MS = 3_000;
/**
 * Pushes what is built until post wants the rest, pushes that, and writes the report. `ready` is called when signals are heard: SIGUSR2 means that post's order is there,
 * SIGTERM and SIGINT an early end.
 */
async function runPusherWorker(runner, folder, orders, ready) {
    const files = (0,pusher_folder/* pusherFiles */.B8)(folder);
    const session = (0,phases_session/* backgroundSession */.LS)(runner, (name) => orders.inputs[name] ?? '', orders.state);
    const { main } = orders.state;
    if (!main?.store || main.journal === null)
        throw new errors/* CacheError */.xA('state-invalid', 'The pusher was started without a store.');
    const store = (0,local_store/* reopenLocalStore */.C)(main.store, runner.env);
    const stop = (0,phases_stop/* stopOnSignals */.Z)(runner.log);
    const finishing = new AbortController();
    let arrival = Promise.resolve(null);
    process.on('SIGUSR2', () => {
        if (!finishing.signal.aborted)
            arrival = finishOrderOf(folder, stop);
        finishing.abort();
    });
    // Without its keeper nobody waits for it, and post does all that is left.
    process.once('disconnect', () => stop.now());
    const reads = laterReads();
    await (0,promises_.mkdir)(files.held, { recursive: true, mode: 0o700 });
    const { journal: file } = main;
    const outputsOf = (drvPath) => (0,derivation_outputs/* readOutputPaths */.m)(store, drvPath);
    const journal = await (0,hook_journal/* openJournal */._)({ file, stateFile: files.journalOffset, storeDir: store.storeDir, outputsOf });
    ready();
    const lonely = endWithFolder(folder, stop);
    try {
        const done = await (0,pusher_folder/* readDone */.$n)(folder);
        const onPushed = (target, path, sentBytes) => {
            // Where paths become visible together, at the end, none is up yet.
            if (reachesCacheAtOnce(session, target))
                (0,external_node_fs_.appendFileSync)(files.done, (0,pusher_folder/* formatDone */.Gn)({ target, path, sentBytes }), { mode: 0o600 });
        };
        await (0,push_new_paths/* withPushes */.L)(session, store, stop, reads.job, done, onPushed, async (pushes) => {
            await pushWhileBuilt(pushes, {
                journal,
                file,
                store,
                held: files.held,
                finishing: finishing.signal,
                stop,
                log: runner.log,
            });
            if (!finishing.signal.aborted)
                return;
            const arrived = await arrival;
            if (arrived === null)
                throw new errors/* CacheError */.xA('state-invalid', 'Post did not say how to end.');
            reads.arrive(arrived.order);
            const report = await pushes.finish(arrived);
            clearTimeout(arrived.limit);
            await (0,pusher_folder/* writeJson */.GF)(files.report, report);
        });
    }
    finally {
        clearInterval(lonely);
        stop.close();
    }
}
const OVER_HINT = 'Raise `push-timeout`; a server that stalls says why in its own log.';
/** Reads the order that has come now. Its time runs from here on, for what was begun before it, too: post waits no longer. */
async function finishOrderOf(folder, stop) {
    const startedMs = performance.now();
    const order = await (0,pusher_folder/* readFinishOrder */.IY)(folder);
    if (order === null)
        return null;
    // Where the SDK looks for them.
    for (const name of Object.keys((0,pusher_folder/* awsVariables */.jq)(process.env)))
        delete process.env[name];
    Object.assign(process.env, order.aws);
    // A short time is not to be eaten up by its own end.
    const deadlineMs = startedMs + order.timeoutMs - Math.min(END_MS, order.timeoutMs / 4);
    const over = () => stop.now(new errors/* CacheError */.xA('deadline', 'The time for the push is over.', { hint: OVER_HINT }));
    const limit = setTimeout(over, Math.max(1, deadlineMs - performance.now()));
    return { order, startedMs, deadlineMs, limit };
}
/**
 * Until post wants the rest, or the job is stopped. What is built is held as it comes, so that a collection in the job costs nothing that waits for an upload;
 * all that waits goes up together. What fails here is tried again at the end.
 */
async function pushWhileBuilt(pushes, { journal, file, store, held, finishing, stop, log }) {
    const signal = AbortSignal.any([finishing, stop.signal]);
    const waiting = [];
    const leave = (error) => log.info(`Left for the end of the job: ${(0,errors/* describeError */.Uc)(error)}`);
    const pushWaiting = async () => {
        while (waiting.length > 0 && !signal.aborted) {
            const batches = [...waiting];
            try {
                await pushes.push(batches.flatMap(({ roots }) => roots), { drain: finishing });
                await batches.at(-1)?.keep();
            }
            catch (error) {
                leave(error);
            }
            waiting.splice(0, batches.length);
        }
    };
    let pushing = Promise.resolve();
    const take = async ({ records, keep }) => {
        const paths = records.flatMap(({ outPaths }) => outPaths);
        try {
            const { held: roots } = await (0,gc_roots/* holdPaths */.S)(store, paths, held, stop.signal);
            log.info(`Built: ${paths.join(' ')}`);
            if (roots.length > 0 && waiting.push({ roots, keep }) === 1)
                pushing = pushWaiting();
        }
        catch (error) {
            leave(error);
        }
    };
    try {
        for await (const batch of followJournal(journal, { file, signal })) {
            // All that is left is post's to order.
            if (signal.aborted)
                break;
            await take(batch);
        }
    }
    finally {
        await pushing;
    }
}
function reachesCacheAtOnce({ inputs, state }, target) {
    const line = state().main?.targets[target]?.line ?? null;
    const kind = line === null ? 'actions-cache' : inputs.caches[line]?.kind;
    return kind !== 'actions-cache';
}
/** A job that is gone took the folder along. */
function endWithFolder(folder, stop) {
    return setInterval(() => {
        (0,promises_.access)(folder).catch(() => stop.now());
    }, LOOK_MS);
}


/***/ })

};
