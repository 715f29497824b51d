export const id = 620;
export const ids = [620];
export const modules = {

/***/ 7656:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   b: () => (/* binding */ isMissing)
/* harmony export */ });
/** Whether there is no sign of it. */
function isMissing({ state }) {
    return state === 'missing' || state === 'presumed-missing';
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


/***/ }),

/***/ 8620:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  q: () => (/* binding */ jobReport),
  reportOnReads: () => (/* binding */ reportOnReads)
});

// EXTERNAL MODULE: ./build/report/report.js + 1 modules
var report = __webpack_require__(6098);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/report/origins.js
var origins = __webpack_require__(4644);
// EXTERNAL MODULE: ./build/store/derivation-outputs.js + 1 modules
var derivation_outputs = __webpack_require__(8569);
;// CONCATENATED MODULE: ./build/phases/added-paths.js



/** What the store is given for its answer. */
const LOOK_TIMEOUT_MS = 20_000;
/** What came to the store during the job, for the report: `null` when that can't be told. Never throws: nothing depends on it. */
async function findAdded(options) {
    const { session, job } = options;
    try {
        const infos = await addedInfos(options);
        return infos === null ? null : { infos, served: job.used, forbidden: await findForbidden(options, infos) };
    }
    catch (error) {
        session.runner.log.debug(`What came to the store during the job is not known: ${(0,errors/* describeError */.Uc)(error)}`);
        return null;
    }
}
async function addedInfos({ store, paths: added, known, signal }) {
    const paths = await added;
    if (paths === null)
        return null;
    const unknown = paths.filter((path) => !known.has(path));
    const asked = unknown.length === 0
        ? new Map()
        : await store.infos(unknown, AbortSignal.any([signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]));
    return paths.flatMap((path) => known.get(path) ?? asked.get(path) ?? []);
}
/** Files read for this; each takes a tenth of a millisecond. */
const MAX_DERIVATIONS = 1_000;
/** Of what was built though a cache has it, the paths whose derivations forbid substitution. */
async function findForbidden({ store, job, caches }, infos) {
    const isThere = (path) => caches.some(({ plan }) => {
        const state = plan?.paths.get(path)?.verdict.class;
        return state === 'present' || state === 'differs';
    });
    const built = infos.filter((info) => (0,origins/* originOf */.yv)(info, job.used) === 'built' && isThere(info.path));
    const forbidden = new Set();
    for (const { path, deriver } of built.slice(0, MAX_DERIVATIONS)) {
        if (deriver !== null && (await (0,derivation_outputs/* readForbidsSubstitutes */.l)(store, deriver)))
            forbidden.add(path);
    }
    return forbidden;
}

// EXTERNAL MODULE: ./build/phases/store-question.js + 2 modules
var store_question = __webpack_require__(7514);
// EXTERNAL MODULE: ./build/phases/target-push.js + 10 modules
var target_push = __webpack_require__(147);
;// CONCATENATED MODULE: ./build/phases/job-report.js




/** What the end of the job has to tell. `known`: what was learned of the store for the push. */
async function jobReport({ session, store, stop, job, names, added: paths, startedMs }, caches, known) {
    const added = await findAdded({ session, store, job, paths, known, caches, signal: stop.signal });
    return (0,report/* makeReport */.d)({
        caches,
        added,
        served: job.served,
        serveErrors: job.errors,
        storePaths: names.length,
        durationsMs: { total: Math.round(performance.now() - startedMs) },
        warnings: session.state().main?.warnings ?? [],
    });
}
/** Of a job that pushes nothing: what came from where. */
async function reportOnReads(session, store, stop, job) {
    const startedMs = performance.now();
    const naming = store.names();
    const added = (0,store_question/* addedSince */.V8)(session.state().main?.snapshotFile ?? null, store, naming);
    added.catch(() => undefined);
    const end = { session, store, stop, job, names: await naming, added, startedMs };
    const targets = session.state().main?.targets ?? [];
    return jobReport(end, targets.map((target) => (0,target_push/* untouched */.sF)(session, target)), new Map());
}


/***/ }),

/***/ 147:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  w7: () => (/* binding */ cacheOf),
  Sy: () => (/* binding */ createTargetPush),
  sF: () => (/* binding */ untouched)
});

// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/path-signature.js
var path_signature = __webpack_require__(2402);
;// CONCATENATED MODULE: ./build/push/finish.js

/** Ends the push, and takes back what was called pushed and is not there after all. */
async function finishPush(backend, result, signal) {
    try {
        const lost = await backend.finish(signal);
        if (lost.size === 0)
            return result;
        return { ...result, outcomes: pushedAs(result, (path, outcome) => failedAs(lost.get(path)) ?? outcome) };
    }
    catch (error) {
        const isLate = (0,errors/* isCacheError */.bt)(error, 'deadline', 'cancelled') || signal.aborted;
        const code = (0,errors/* isCacheError */.bt)(error) ? error.code : 'internal';
        const message = (0,errors/* describeError */.Uc)(error);
        const failed = isLate ? { class: 'out-of-time' } : { class: 'failed', code, message };
        const why = (0,errors/* isCacheError */.bt)(error) ? { code, message: error.message, hint: error.hint } : { code, message, hint: null };
        return { ...result, outcomes: pushedAs(result, () => failed), stoppedBy: result.stoppedBy ?? (isLate ? null : why) };
    }
}
function failedAs(reason) {
    return reason === undefined ? null : { class: 'failed', code: 'cache-not-found', message: reason };
}
function pushedAs(result, change) {
    return new Map([...result.outcomes].map(([path, outcome]) => [path, outcome.class === 'pushed' ? change(path, outcome) : outcome]));
}

// EXTERNAL MODULE: ./build/waiting/cancel.js
var cancel = __webpack_require__(2368);
;// CONCATENATED MODULE: ./build/push/disk-room.js

/** NARs that wait on disk for their upload leave less room for the next one. One that finds none tries again when no other of the run lies there. */
class DiskRoom {
    /** At work on their NAR, or done with it and not in the cache yet. */
    #holding = new Set();
    #waiting = [];
    /** Has waited, and tries again. */
    #trying = null;
    /** Somebody is short of room, so nothing new should take any. */
    get isShort() {
        return this.#trying !== null || this.#waiting.length > 0;
    }
    /** Throws what `pack` throws, and `signal.reason`. */
    async pack(job, pack, signal) {
        for (this.#holding.add(job);; await this.#turn(job, signal)) {
            try {
                return await pack(signal);
            }
            catch (error) {
                if (!(0,errors/* isCacheError */.bt)(error, 'disk-full') || this.#holding.size === 1)
                    throw error;
            }
            finally {
                if (this.#trying === job)
                    this.#trying = null;
            }
        }
    }
    /** Whatever the job had on disk is gone. */
    leave(job) {
        this.#holding.delete(job);
        if (this.#holding.size > 0)
            return;
        const next = this.#waiting.shift();
        if (next === undefined)
            return;
        this.#holding.add(next.job);
        this.#trying = next.job;
        next.wake();
    }
    async #turn(job, signal) {
        signal.throwIfAborted();
        this.#holding.delete(job);
        const woken = Promise.withResolvers();
        const entry = { job, wake: woken.resolve };
        this.#waiting.push(entry);
        const onAbort = () => {
            const at = this.#waiting.indexOf(entry);
            if (at !== -1)
                this.#waiting.splice(at, 1);
            woken.reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        await woken.promise.finally(() => signal.removeEventListener('abort', onAbort));
    }
}

;// CONCATENATED MODULE: ./build/push/failures.js

/** These say that no other path will fare better: the cache does not let us in, or the program that `compression` needs is missing. */
const FATAL_CODES = new Set(['cache-unauthorized', 'cache-read-only', 'cache-tls', 'input-invalid']);
/** These may be the fault of one path, unless they come this often in a row. The HTTP client has made its retries before each of them. */
const CACHE_CODES = new Set([
    'cache-unreachable',
    'cache-forbidden',
    'cache-not-found',
    'cache-throttled',
    'cache-failing',
    'cache-stalled',
    'cache-invalid',
]);
const FAILURES_IN_A_ROW = 4;
/** Tells the failures of one path from those of the cache. */
class Failures {
    #inARow = 0;
    succeeded() {
        this.#inARow = 0;
    }
    /** Told of each failed call; whether no other path will fare better. */
    concernsAll(code) {
        if (CACHE_CODES.has(code))
            this.#inARow++;
        return FATAL_CODES.has(code) || this.#inARow >= FAILURES_IN_A_ROW;
    }
}
/** What an error means for the path that it came with. */
function outcomeOf(error) {
    if (!(0,errors/* isCacheError */.bt)(error))
        return { class: 'failed', code: 'internal', message: (0,errors/* describeError */.Uc)(error) };
    switch (error.code) {
        case 'path-corrupt':
            return { class: 'corrupt', message: (0,errors/* describeError */.Uc)(error) };
        case 'path-vanished':
            return { class: 'vanished' };
        default:
            return { class: 'failed', code: error.code, message: (0,errors/* describeError */.Uc)(error) };
    }
}

;// CONCATENATED MODULE: ./build/push/jobs.js
/** Jobs for the paths of a plan, linked by their references. What is not in `push` can be read already, and no path waits for itself. */
function jobsOf(push) {
    const byPath = new Map();
    for (const [index, info] of push.entries()) {
        byPath.set(info.path, {
            info,
            index,
            dependants: [],
            abort: null,
            waitsFor: 0,
            publish: null,
            readBytes: 0,
            outcome: null,
        });
    }
    for (const job of byPath.values()) {
        for (const reference of new Set(job.info.references)) {
            const referred = byPath.get(reference);
            if (referred === undefined || referred === job)
                continue;
            referred.dependants.push(job);
            job.waitsFor++;
        }
    }
    return [...byPath.values()];
}
/**
 * Decides a job, and with it those that now can't become visible any more. Answers with all jobs that were decided by this; a job that
 * was decided before stays as it was.
 */
function decide(job, outcome) {
    if (job.outcome !== null)
        return [];
    job.outcome = outcome;
    const decided = [job];
    if (outcome.class === 'pushed') {
        for (const dependant of job.dependants)
            dependant.waitsFor--;
        return decided;
    }
    const withheld = outcomeOfDependants(job, outcome);
    // Grows while it is walked.
    for (const { dependants } of decided) {
        for (const dependant of dependants) {
            if (dependant.outcome !== null)
                continue;
            dependant.outcome = withheld;
            dependant.abort?.abort();
            decided.push(dependant);
        }
    }
    return decided;
}
function outcomeOfDependants({ info }, outcome) {
    switch (outcome.class) {
        case 'corrupt':
        case 'failed':
        case 'vanished':
            return { class: 'withheld', culprit: info.path, culpritClass: outcome.class };
        case 'withheld':
        case 'out-of-time':
            return outcome;
    }
}

;// CONCATENATED MODULE: ./build/push/progress.js
/** Shorter than this says nothing. */
const MIN_SPAN_MS = 1000;
/** Rates are those of the last samples, so that they follow what the network does. */
const MAX_SAMPLES = 15;
/** Counts what is done and measures how fast. Time comes in with every sample. */
class ProgressMeter {
    #samples = [];
    #pathsTotal;
    #bytesTotal;
    #paths = 0;
    #bytes = 0;
    constructor(sizesBytes, nowMs) {
        this.#pathsTotal = sizesBytes.length;
        this.#bytesTotal = sizesBytes.reduce((sum, size) => sum + size, 0);
        this.#samples.push({ atMs: nowMs, paths: 0, bytes: 0 });
    }
    add(paths, bytes) {
        this.#paths += paths;
        this.#bytes += bytes;
    }
    /** To be called about once a second. */
    sample(nowMs) {
        this.#samples.push({ atMs: nowMs, paths: this.#paths, bytes: this.#bytes });
        if (this.#samples.length > MAX_SAMPLES)
            this.#samples.shift();
    }
    /** What the rest takes if bytes and paths go on at the present rate; `null`: not known. */
    remainingMs(nowMs) {
        const rates = this.#rates(nowMs);
        if (rates === null)
            return null;
        const ofBytes = (this.#bytesTotal - this.#bytes) / rates.bytesPerMs;
        const ofPaths = (this.#pathsTotal - this.#paths) / rates.pathsPerMs;
        // While one large NAR is under way no path gets done: then its bytes alone tell.
        return Math.max(ofBytes, Number.isFinite(ofPaths) ? ofPaths : 0);
    }
    progress(nowMs) {
        const rates = this.#rates(nowMs);
        return {
            pathsDone: this.#paths,
            pathsTotal: this.#pathsTotal,
            bytesDone: Math.round(this.#bytes),
            bytesTotal: this.#bytesTotal,
            bytesPerSecond: rates === null ? null : Math.round(rates.bytesPerMs * 1000),
            remainingMs: this.remainingMs(nowMs),
        };
    }
    #rates(nowMs) {
        const first = this.#samples[0];
        if (first === undefined || nowMs - first.atMs < MIN_SPAN_MS || this.#bytes === first.bytes)
            return null;
        const spanMs = nowMs - first.atMs;
        return { bytesPerMs: (this.#bytes - first.bytes) / spanMs, pathsPerMs: (this.#paths - first.paths) / spanMs };
    }
}

;// CONCATENATED MODULE: ./build/push/schedule.js
/** Larger NARs cost processor, memory and disk, and have lanes of their own beside those of the small ones. */
const LARGE_BYTES = 8 * 1024 * 1024;
/**
 * Large NARs that are read at a time. The next one begins when the last byte of the one before is read, so no thread waits for work; more at a time would only
 * be ready later, and lie on disk meanwhile.
 */
const READING_LARGE = 1;
/** Large NARs in flight, packed or not: what lies in the spool. */
const LARGE_IN_FLIGHT = 6;
/** What of a push is to begin next, going by what is under way. Of a job with an outcome nothing begins. */
class Schedule {
    #options;
    /** Next at the end. */
    #large;
    #small;
    #publishable = [];
    /** Publishable and large, for a cache that takes the NAR only in that step. */
    #unread = [];
    #reading = new Set();
    #largeInFlight = new Set();
    #largeDoneBytes = 0;
    #isEnding = false;
    #inClosureOrder = false;
    constructor(jobs, options) {
        this.#options = options;
        this.#large = jobs.filter(isLarge).sort((a, b) => a.info.narSizeBytes - b.info.narSizeBytes);
        // References first: what comes early becomes visible early, and whenever the run ends it was not for nothing.
        this.#small = jobs.filter((job) => !isLarge(job)).reverse();
    }
    get isEnding() {
        return this.#isEnding;
    }
    /** From now on no NAR is begun. */
    end() {
        this.#isEnding = true;
    }
    /** `null`: there is nothing, or no room for it. What can become visible goes first: it ends the wait of others. */
    next() {
        return this.#nextPublishable() ?? this.#nextToPrepare();
    }
    /** All that the job refers to is visible, and its NAR is where the cache wants it by then. */
    becomesPublishable(job) {
        (isUnread(job) ? this.#unread : this.#publishable).push(job);
    }
    preparing(job) {
        if (!isLarge(job))
            return;
        this.#reading.add(job);
        this.#largeInFlight.add(job);
    }
    publishing(job) {
        if (isUnread(job))
            this.#largeInFlight.add(job);
    }
    /** The NAR is read to its end. Whether that makes room for the next one. */
    wasRead(job) {
        return this.#reading.delete(job);
    }
    /** The cache has what it wants before the job becomes visible. */
    prepared(job) {
        if (isLarge(job) && job.readBytes > 0)
            this.#largeDoneBytes += job.info.narSizeBytes;
    }
    /** Neither prepared nor published at this moment. */
    rests(job) {
        this.#reading.delete(job);
        this.#largeInFlight.delete(job);
    }
    /** When there is not enough time for everything: whole closures, one after another, in place of the largest NARs. */
    goInClosureOrder() {
        if (this.#inClosureOrder)
            return;
        this.#inClosureOrder = true;
        for (const queue of [this.#large, this.#small])
            queue.sort((a, b) => b.index - a.index);
    }
    #nextPublishable() {
        const mayRead = !this.#isEnding && this.#largeInFlight.size < LARGE_IN_FLIGHT;
        return (mayRead ? takeOpen(this.#unread) : null) ?? takeOpen(this.#publishable);
    }
    #nextToPrepare() {
        if (this.#isEnding || this.#options.room.isShort)
            return null;
        const hasRoom = this.#reading.size < READING_LARGE && this.#largeInFlight.size < LARGE_IN_FLIGHT;
        return (hasRoom ? this.#takeFrom(this.#large) : null) ?? this.#takeFrom(this.#small);
    }
    #takeFrom(queue) {
        for (let job = queue.pop(); job !== undefined; job = queue.pop()) {
            if (job.outcome !== null)
                continue;
            if (this.#canFinish(job))
                return job;
            this.#options.onTooLate(job);
        }
        return null;
    }
    /**
     * Whether a large NAR that is begun now can be done before the end, going by what was done of large ones since the start. Those under way are taken to be half
     * done: read, and not uploaded.
     */
    #canFinish(job) {
        if (!isLarge(job) || this.#largeDoneBytes === 0)
            return true;
        const { startedMs, endMs } = this.#options;
        const nowMs = this.#options.nowMs();
        const halfBytes = [...this.#largeInFlight].reduce((sum, { info }) => sum + info.narSizeBytes / 2, 0);
        const bytesPerMs = (this.#largeDoneBytes + halfBytes) / (nowMs - startedMs);
        return nowMs + (halfBytes + job.info.narSizeBytes) / bytesPerMs <= endMs;
    }
}
function isLarge(job) {
    return job.info.narSizeBytes > LARGE_BYTES;
}
/** Whether all of a large NAR is still to be read. */
function isUnread(job) {
    return isLarge(job) && job.readBytes === 0;
}
/** The first that nothing was decided on meanwhile. */
function takeOpen(queue) {
    for (let job = queue.shift(); job !== undefined; job = queue.shift())
        if (job.outcome === null)
            return job;
    return null;
}

;// CONCATENATED MODULE: ./build/push/pipeline.js







/**
 * Small paths cost round trips: 1,500 of them with two requests each at 20 ms are 2 s in 32 lanes. Nix's own client uses 25
 * connections, so no server is surprised.
 */
const AUTO_CONCURRENCY = 32;
const GRACE_MS = 5000;
const PROGRESS_EVERY_MS = 5000;
const TICK_MS = 1000;
/** How long calls that were aborted may take to come back. */
const SETTLE_MS = 2000;
/**
 * Pushes what the plan says: NARs in any order, large ones first; a path becomes visible only when all its references are
 * (invariant I1). A path that fails takes along what refers to it and nothing else; an error of the whole cache ends the run.
 * Does not throw for what a path or the cache does wrong: that is in the result, which has an outcome for each path of `plan.push`.
 */
async function runPipeline(plan, options) {
    return new PushRun(plan, options).run();
}
class PushRun {
    #options;
    #clock;
    #jobs;
    #schedule;
    #lanes;
    /** Calls to the backend; a job may be in its second before the first is counted off. */
    #inFlight = 0;
    #room = new DiskRoom();
    #meter;
    /** Aborted: so is everything in flight. */
    #cut = new AbortController();
    /** Ends the timers. */
    #over = new AbortController();
    #idle = Promise.withResolvers();
    #startedMs;
    /** Time at which nothing new is begun any more. */
    #endMs;
    #failures = new Failures();
    #stoppedBy = null;
    constructor(plan, options) {
        this.#options = options;
        this.#clock = options.clock ?? cancel/* systemClock */.ml;
        this.#startedMs = this.#clock.nowMs();
        // A short time is not to be eaten up by its own end.
        const graceMs = Math.min(options.graceMs ?? GRACE_MS, (options.deadlineMs - this.#startedMs) / 4);
        this.#endMs = options.deadlineMs - Math.max(0, graceMs);
        this.#lanes = options.concurrency === 'auto' ? AUTO_CONCURRENCY : options.concurrency;
        this.#jobs = jobsOf(plan.push);
        this.#schedule = new Schedule(this.#jobs, {
            room: this.#room,
            nowMs: () => this.#clock.nowMs(),
            startedMs: this.#startedMs,
            endMs: this.#endMs,
            onTooLate: (job) => this.#decide(job, { class: 'out-of-time' }),
        });
        this.#meter = new ProgressMeter(this.#jobs.map(({ info }) => info.narSizeBytes), this.#startedMs);
    }
    async run() {
        const { signal, drain, onProgress } = this.#options;
        const onStop = () => this.#stopSoon();
        const onDrain = () => this.#end();
        signal.addEventListener('abort', onStop, { once: true });
        drain?.addEventListener('abort', onDrain, { once: true });
        if (signal.aborted)
            onStop();
        if (drain?.aborted)
            onDrain();
        const ticking = this.#tick();
        this.#pump();
        await this.#idle.promise;
        this.#over.abort();
        await ticking;
        signal.removeEventListener('abort', onStop);
        drain?.removeEventListener('abort', onDrain);
        for (const job of this.#jobs)
            if (job.outcome === null)
                this.#decide(job, { class: 'out-of-time' });
        if (this.#jobs.length > 0)
            onProgress?.(this.#meter.progress(this.#clock.nowMs()));
        return {
            outcomes: new Map(this.#jobs.map((job) => [job.info.path, job.outcome ?? { class: 'out-of-time' }])),
            stoppedBy: this.#stoppedBy,
            elapsedMs: this.#clock.nowMs() - this.#startedMs,
        };
    }
    /** Begins as much as there is room for. */
    #pump() {
        while (!this.#cut.signal.aborted && this.#inFlight < this.#lanes) {
            const job = this.#schedule.next();
            if (job === null)
                break;
            this.#inFlight++;
            // Neither rejects: what goes wrong is the outcome of the job.
            void (job.publish === null ? this.#prepare(job) : this.#publish(job, job.publish)).finally(() => {
                this.#inFlight--;
                this.#pump();
            });
        }
        if (this.#inFlight === 0)
            this.#idle.resolve();
    }
    async #prepare(job) {
        this.#schedule.preparing(job);
        try {
            const publish = await this.#options.backend.prepare(job.info, this.#sourceOf(job), signalOf(job));
            this.#failures.succeeded();
            this.#schedule.prepared(job);
            job.publish = publish;
            if (job.waitsFor === 0)
                this.#schedule.becomesPublishable(job);
        }
        catch (error) {
            this.#fail(job, error);
        }
        finally {
            this.#schedule.rests(job);
            this.#room.leave(job);
        }
    }
    async #publish(job, publish) {
        this.#schedule.publishing(job);
        try {
            const { sentBytes } = await publish(signalOf(job));
            this.#failures.succeeded();
            this.#decide(job, { class: 'pushed', sentBytes });
            for (const dependant of job.dependants) {
                if (dependant.waitsFor === 0 && dependant.publish !== null)
                    this.#schedule.becomesPublishable(dependant);
            }
        }
        catch (error) {
            this.#fail(job, error);
        }
        finally {
            this.#schedule.rests(job);
            this.#room.leave(job);
        }
    }
    /** The job's NAR, watched: how much was read counts as progress, and a NAR that is read makes room for the next large one. */
    #sourceOf(job) {
        const read = (bytes) => {
            const newBytes = Math.min(bytes, job.info.narSizeBytes - job.readBytes);
            job.readBytes += newBytes;
            if (job.outcome === null)
                this.#meter.add(0, newBytes / 2);
            if (job.readBytes === job.info.narSizeBytes && this.#schedule.wasRead(job))
                this.#pump();
        };
        const source = this.#options.sourceOf(job.info, read);
        const readAll = () => read(job.info.narSizeBytes);
        return {
            raw: (signal) => source.raw(signal),
            packed: async (signal) => {
                const packed = await this.#room.pack(job, source.packed, signal);
                readAll();
                return packed;
            },
            async *chunks(isKnown, signal) {
                yield* source.chunks(isKnown, signal);
                readAll();
            },
        };
    }
    #decide(job, outcome) {
        for (const { info, readBytes } of decide(job, outcome))
            this.#meter.add(1, info.narSizeBytes - readBytes / 2);
    }
    #fail(job, error) {
        // Aborted, for a reason that is known already.
        if (job.outcome !== null)
            return;
        const outcome = this.#cut.signal.aborted ? { class: 'out-of-time' } : outcomeOf(error);
        if (outcome.class === 'failed' && this.#failures.concernsAll(outcome.code))
            this.#stop(outcome, error);
        else
            this.#decide(job, outcome);
    }
    /** Ends the run: whatever is not done fails for the same reason, which is said once. */
    #stop(outcome, error) {
        const { code, message } = outcome;
        this.#stoppedBy = (0,errors/* isCacheError */.bt)(error) ? { code, message: error.message, hint: error.hint } : { code, message, hint: null };
        for (const job of this.#jobs)
            job.outcome ??= outcome;
        this.#cutNow(error);
    }
    /** Looks at the clock about once a second: progress, order, end. */
    async #tick() {
        const { onProgress, deadlineMs, progressEveryMs = PROGRESS_EVERY_MS } = this.#options;
        let progressMs = this.#startedMs + progressEveryMs;
        while (!this.#over.signal.aborted && !this.#cut.signal.aborted) {
            const nowMs = this.#clock.nowMs();
            this.#meter.sample(nowMs);
            if (nowMs >= deadlineMs)
                this.#cutNow(new errors/* CacheError */.xA('deadline', 'The time for uploads is over.'));
            else if (nowMs >= this.#endMs)
                this.#end();
            else
                this.#mindTheOrder(nowMs);
            if (nowMs >= progressMs) {
                progressMs = nowMs + progressEveryMs;
                onProgress?.(this.#meter.progress(nowMs));
            }
            const nextMs = Math.min(nowMs + TICK_MS, progressMs, this.#schedule.isEnding ? deadlineMs : this.#endMs);
            await this.#clock.sleep(Math.max(1, nextMs - nowMs), this.#over.signal);
        }
    }
    #mindTheOrder(nowMs) {
        const remainingMs = this.#meter.remainingMs(nowMs);
        if (remainingMs !== null && nowMs + remainingMs > this.#endMs)
            this.#schedule.goInClosureOrder();
    }
    #stopSoon() {
        this.#end();
        const graceMs = this.#options.graceMs ?? GRACE_MS;
        void this.#clock.sleep(graceMs, this.#over.signal).then(() => {
            if (!this.#over.signal.aborted)
                this.#cutNow(new errors/* CacheError */.xA('cancelled', 'The push was cancelled.'));
        });
    }
    #end() {
        this.#schedule.end();
        this.#pump();
    }
    #cutNow(reason) {
        this.#schedule.end();
        this.#cut.abort(reason);
        for (const { abort } of this.#jobs)
            abort?.abort(reason);
        if (this.#inFlight === 0)
            this.#idle.resolve();
        // What does not listen to its signal is not waited for.
        void this.#clock.sleep(SETTLE_MS, this.#over.signal).then(() => this.#idle.resolve());
    }
}
function signalOf(job) {
    job.abort ??= new AbortController();
    return job.abort.signal;
}

// EXTERNAL MODULE: ./build/push/plan.js
var push_plan = __webpack_require__(1542);
;// CONCATENATED MODULE: ./build/push/verify.js

const SAMPLE = 64;
/** Of the sample, so many are the largest: those are the ones that body limits and cut connections hit. */
const SAMPLE_LARGEST = 16;
/** All of a sample at once: the HTTP client has its own limit, and `nix copy`'s stores are asked in one process for what comes together. */
const IN_FLIGHT = SAMPLE;
/** Reads pushed paths back as a substituter would. A failure to ask is a finding too; `signal` ends it with what was found by then. */
async function verifyPushed(backend, pushed, mode, signal) {
    const queue = sample(pushed, mode).values();
    const findings = [];
    const lane = async () => {
        for (const info of queue) {
            if (signal.aborted)
                return;
            const problem = await readBack(backend, info, signal);
            // What was asked when the signal came says nothing about the cache.
            if (problem === null || !signal.aborted)
                findings.push({ path: info.path, problem });
        }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    return findings;
}
/** Which paths are read back: the largest, and the rest evenly over the order in which they were pushed. */
function sample(pushed, mode) {
    if (mode === 'none')
        return [];
    if (mode === 'all' || pushed.length <= SAMPLE)
        return pushed;
    const largest = pushed.toSorted((a, b) => b.narSizeBytes - a.narSizeBytes).slice(0, SAMPLE_LARGEST);
    const taken = new Set(largest);
    const rest = pushed.filter((info) => !taken.has(info));
    const others = SAMPLE - largest.length;
    return [...largest, ...Array.from({ length: others }, (_, index) => rest[Math.floor((index * rest.length) / others)])].filter((info) => info !== undefined);
}
async function readBack(backend, info, signal) {
    try {
        const verdict = await backend.readBack(info, signal);
        return verdict.ok ? null : verdict.problem;
    }
    catch (error) {
        return (0,errors/* describeError */.Uc)(error);
    }
}

// EXTERNAL MODULE: ./build/quantity.js
var quantity = __webpack_require__(6135);
// EXTERNAL MODULE: ./build/phases/actions-cache.js + 6 modules
var actions_cache = __webpack_require__(7147);
// EXTERNAL MODULE: ./build/phases/cache.js + 4 modules
var phases_cache = __webpack_require__(7796);
;// CONCATENATED MODULE: ./build/phases/open-target.js



/** Requests in flight with `concurrency: auto`: enough to hide 20 ms of round trip from 1,500 small paths. */
const open_target_AUTO_CONCURRENCY = 32;
/** Opens what takes the job's paths, as main decided. */
async function openTarget({ session, store, netrc, job }, target) {
    const cache = target.line === null ? undefined : session.inputs.caches[target.line];
    const effort = effortOf(session.inputs, target);
    if (target.line === null || cache?.kind === 'actions-cache')
        return (0,actions_cache/* openActionsCache */.C3)(session, store, effort, job);
    if (cache === undefined)
        throw new errors/* CacheError */.xA('state-invalid', `Line ${target.line + 1} of \`cache\` is not there any more.`);
    return (0,phases_cache/* openCache */.b)(session, store, cache, readsNetrc(cache) ? await netrc() : [], effort);
}
/** Whether its credentials may come from a netrc. */
function readsNetrc(cache) {
    switch (cache.kind) {
        case 'http':
            return cache.credentials === null;
        case 'attic':
        case 'cachix':
        case 'niks3':
            return true;
        case 'file':
        case 's3':
        case 'nix-copy':
            return false;
    }
}
function effortOf(inputs, { failed }) {
    const concurrency = inputs.concurrency === 'auto' ? open_target_AUTO_CONCURRENCY : inputs.concurrency;
    const patienceMs = failed ? 10_000 : Math.min(90_000, inputs.pushTimeoutMs / 2);
    return { concurrency, attempts: failed ? 3 : 8, patienceMs, connectTimeoutMs: 15_000 };
}

// EXTERNAL MODULE: ./build/phases/push-policy.js
var push_policy = __webpack_require__(9884);
// EXTERNAL MODULE: ./build/phases/target-label.js
var target_label = __webpack_require__(4092);
// EXTERNAL MODULE: ./build/backends/backend.js
var backends_backend = __webpack_require__(7656);
;// CONCATENATED MODULE: ./build/phases/target-plan.js


function createPlanner({ upstreams, done, stopped }) {
    /** What the cache has. */
    const known = new Map();
    const pathsThatAre = (wanted) => new Set([...known].flatMap(([path, { state }]) => (state === wanted ? [path] : [])));
    /** Gives those that were not asked for. */
    const ask = async (backend, paths, signal, sparing) => {
        const unknown = paths.filter(({ path }) => !done.has(path) && !known.has(path));
        // What is not known to be up is listed as not pushed.
        if (unknown.length === 0 || stopped.aborted)
            return [];
        const found = await backend.presence(unknown, signal, sparing);
        for (const [path, presence] of found)
            if (!(0,backends_backend/* isMissing */.b)(presence))
                known.set(path, presence);
        return unknown.filter(({ path }) => found.get(path)?.state === 'presumed-missing');
    };
    /** Without what a substituter of the job's has, which is asked for nothing but what would go up. */
    const planWith = async (selection, there, signal) => {
        const plan = (0,push_plan/* planPush */.M)(selection, there);
        const upstream = await upstreams.find(plan.push, signal);
        if (upstream.size === 0)
            return plan;
        return (0,push_plan/* planPush */.M)((0,push_plan/* selectPaths */.L)(selection.candidates, { ...selection.rules, upstream }), there);
    };
    /** `ours`: what counts as there, whatever the cache says. */
    const planBeside = async (ours, backend, selection, signal) => {
        const { query } = selection;
        const presumed = await ask(backend, query, signal, true);
        const there = new Map([...known, ...ours]);
        const plan = await planWith(selection, there, signal);
        const going = new Set(plan.push.map(({ path }) => path));
        // Where something stays missing (it is excluded, or at a substituter), what refers to it may be there nevertheless.
        if (presumed.length === 0 || query.every(({ path }) => there.has(path) || going.has(path)))
            return plan;
        await ask(backend, presumed, signal, false);
        return planWith(selection, new Map([...known, ...ours]), signal);
    };
    return {
        plan: (backend, selection, signal) => planBeside([], backend, selection, signal),
        rest: (backend, selection, signal) => planBeside([...done.keys()].map((path) => [path, { state: 'present' }]), backend, selection, signal),
        lost: () => pathsThatAre('lost'),
        untrusted: () => pathsThatAre('untrusted'),
    };
}

;// CONCATENATED MODULE: ./build/phases/target-push.js











/** Of the time for the push, what is left for the upload of packs where paths go up together. */
const FINISH_SHARE = 0.5;
/** Asks nothing of the cache yet. */
function createTargetPush({ means, target, done, onPushed = () => { } }) {
    const { session, stop } = means;
    const { inputs, runner } = session;
    const planner = createPlanner({ upstreams: means.upstreams, done, stopped: stop.signal });
    let opened = null;
    let expected = null;
    const facts = untouched(session, target);
    /** Opened with the first push; one that failed is tried again. */
    const open = (signal) => {
        opened ??= openTarget(means, target).then(async (open) => {
            try {
                const { skipSignedBy } = await open.backend.check(!(0,push_policy/* isDryRun */.vG)(runner.env), signal);
                return { ...open, skipSignedBy };
            }
            catch (error) {
                await open.close();
                throw error;
            }
        });
        opened.catch(() => {
            opened = null;
        });
        return opened;
    };
    const run = async (backend, plan, order, deadlineMs) => {
        const nars = means.nars.join(plan.push.map(({ path }) => path));
        const over = new AbortController();
        if (inputs.signingKey !== null)
            void (0,path_signature/* signAhead */.f)(plan.push, inputs.signingKey, over.signal);
        return runPipeline(plan, {
            backend,
            sourceOf: nars.sourceOf,
            signal: stop.signal,
            ...(order.drain === undefined ? {} : { drain: order.drain }),
            graceMs: stop.graceMs,
            deadlineMs,
            concurrency: inputs.concurrency,
            // `nix copy` begins after that, and tells of itself.
            ...(backend.kind === 'nix-copy' ? {} : { onProgress: (progress) => order.onProgress(progressLine(progress)) }),
        }).finally(() => {
            over.abort();
            return nars.leave();
        });
    };
    const finish = async (order) => {
        const { startedMs, deadlineMs } = order;
        const signal = until(stop, deadlineMs);
        if (packs(facts.cache.kind) && !(0,push_policy/* isDryRun */.vG)(runner.env))
            means.expectNars(order.selection.query);
        const checked = await (expected ?? open(signal));
        const { backend } = checked;
        const selection = selectionFor(checked, order.selection);
        const plan = await planner.plan(backend, selection, signal);
        const planMs = elapsed(startedMs);
        const planned = { ...facts, plan, lost: planner.lost(), untrusted: planner.untrusted(), durationsMs: { plan: planMs } };
        await order.planned.wait();
        if ((0,push_policy/* isDryRun */.vG)(runner.env) || plan.push.length === 0)
            return planned;
        const left = { ...plan, push: plan.push.filter(({ path }) => !done.has(path)) };
        const takeMs = takesTogether(backend) ? deadlineMs - (deadlineMs - performance.now()) * FINISH_SHARE : deadlineMs;
        const before = plan.push.flatMap(({ path }) => {
            const sentBytes = done.get(path);
            return sentBytes === undefined ? [] : [[path, { class: 'pushed', sentBytes }]];
        });
        const taken = await run(backend, left, order, takeMs);
        const takenMs = elapsed(startedMs);
        const all = { ...taken, outcomes: new Map([...before, ...taken.outcomes]) };
        const result = await finishPush(backend, all, until(stop, deadlineMs));
        const pushedMs = elapsed(startedMs);
        const pushed = plan.push.filter((info) => result.outcomes.get(info.path)?.class === 'pushed');
        const findings = inputs.verify === 'none' ? null : await verifyPushed(backend, pushed, inputs.verify, until(stop, deadlineMs));
        const durationsMs = {
            plan: planMs,
            push: takenMs - planMs,
            finish: pushedMs - takenMs,
            verify: elapsed(startedMs) - pushedMs,
        };
        return { ...planned, result, findings, durationsMs };
    };
    return {
        target,
        expect(deadlineMs) {
            expected = open(until(stop, deadlineMs));
            // `finish` tells of it.
            expected.catch(() => undefined);
        },
        async push(order) {
            // A cache that does not answer must not hold up the end of the job.
            const asking = order.drain === undefined ? [] : [order.drain];
            const signal = AbortSignal.any([until(stop, order.deadlineMs), ...asking]);
            const checked = await open(signal);
            const { backend } = checked;
            const selection = selectionFor(checked, order.selection);
            const plan = await planner.rest(backend, selection, signal);
            await order.planned.wait();
            if (plan.push.length === 0)
                return;
            const taken = await run(backend, plan, order, order.deadlineMs);
            const { outcomes } = backend.kind === 'nix-copy' ? await finishPush(backend, taken, until(stop, order.deadlineMs)) : taken;
            for (const [path, outcome] of outcomes) {
                if (outcome.class !== 'pushed')
                    continue;
                done.set(path, outcome.sentBytes);
                onPushed(path, outcome.sentBytes);
            }
        },
        async finish(order) {
            try {
                return await finish(order);
            }
            catch (error) {
                if (error instanceof Error && error.stack !== undefined)
                    runner.log.debug(error.stack);
                return { ...facts, failure: failureOf(error), durationsMs: { plan: elapsed(order.startedMs) } };
            }
        },
        async close() {
            const open = await opened?.catch(() => null);
            await open?.close();
        },
    };
}
/** The selection for one cache: some don't want what certain keys signed, and a Nix store takes a path with its whole closure or not at all. */
function selectionFor({ backend, skipSignedBy }, selection) {
    const { candidates, rules } = selection;
    const more = skipSignedBy.filter((name) => !rules.skipSignedBy.includes(name));
    const wholeClosures = backend.kind === 'nix-copy';
    if (more.length === 0 && wholeClosures === rules.wholeClosures)
        return selection;
    return (0,push_plan/* selectPaths */.L)(candidates, { ...rules, wholeClosures, skipSignedBy: [...rules.skipSignedBy, ...more] });
}
function failureOf(error) {
    return (0,errors/* isCacheError */.bt)(error)
        ? { code: error.code, message: error.message, hint: error.hint }
        : { code: 'internal', message: (0,errors/* describeError */.Uc)(error), hint: null };
}
/** Whether it takes NARs as we pack them. */
function packs(kind) {
    return kind !== 'attic' && kind !== 'nix-copy' && kind !== 'none';
}
/** Where paths go up together at the end, that takes time of its own. */
function takesTogether({ kind }) {
    return kind === 'actions-cache';
}
function until(stop, deadlineMs) {
    return AbortSignal.any([stop.signal, AbortSignal.timeout(Math.max(1, Math.floor(deadlineMs - performance.now())))]);
}
/** For the report. */
function cacheOf(inputs, { line, whyNot }) {
    const kind = line === null ? 'actions-cache' : (inputs.caches[line]?.kind ?? 'actions-cache');
    return { kind, label: (0,target_label/* labelOf */.W)(inputs, line), canPush: whyNot === null, whyNot };
}
/** The facts on a cache before anything is done with it. */
function untouched(session, target) {
    const nothing = {
        plan: null,
        failure: null,
        result: null,
        findings: null,
        lost: new Set(),
        untrusted: new Set(),
        durationsMs: {},
    };
    return { ...nothing, cache: cacheOf(session.inputs, target), isRead: isRead(session, target) };
}
/** Whether Nix was told to read from it. */
function isRead({ inputs, state }, { line, failed }) {
    const { configuration, main } = state();
    if (failed || configuration?.route === 'advice-only')
        return false;
    const isThroughUs = Object.values(main?.served ?? {}).includes((0,target_label/* labelOf */.W)(inputs, line));
    return !isThroughUs || main?.substituterFolder !== null;
}
function progressLine({ pathsDone, pathsTotal, bytesDone, bytesTotal, bytesPerSecond, remainingMs }) {
    const rate = bytesPerSecond === null ? '' : `, ${(0,quantity/* formatBytes */.z3)(bytesPerSecond)}/s`;
    const left = remainingMs === null || pathsDone === pathsTotal ? '' : `, about ${Math.ceil(remainingMs / 1000)} s left`;
    return `Pushed ${pathsDone} of ${pathsTotal} paths, ${(0,quantity/* formatBytes */.z3)(bytesDone)} of ${(0,quantity/* formatBytes */.z3)(bytesTotal)}${rate}${left}`;
}
function elapsed(sinceMs) {
    return Math.round(performance.now() - sinceMs);
}


/***/ }),

/***/ 1542:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   L: () => (/* binding */ selectPaths),
/* harmony export */   M: () => (/* binding */ planPush)
/* harmony export */ });
/* harmony import */ var _nix_store_path_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9605);

/**
 * Chooses the paths that the cache has to be asked about.
 *
 * - A root is wanted unless it is a derivation file (and not named by `paths`), signed by an upstream or found at one, excluded, matched by no
 *   `include`, or too large.
 * - What a wanted root needs goes along however old it is: `include` and the rule on derivation files concern roots only.
 * - A path signed by a `skip-signed-by` key, or found at a substituter, ends the walk: that its closure can be read there is the upstream's own invariant. Not so with
 *   `wholeClosures`: there it is not wanted for itself, but goes along like any other path.
 * - An excluded or too large path that is needed ends the walk as well, but the cache is asked for it: when it is there, what
 *   needs it can go up.
 */
function selectPaths(candidates, rules) {
    const infoOf = lookUp(candidates);
    const ruledOut = new Map();
    for (const info of candidates.infos.values()) {
        const verdict = (rules.wholeClosures ? null : readableUpstream(info, rules)) ?? verdictOfRules(info, rules);
        if (verdict !== null)
            ruledOut.set(info.path, verdict);
    }
    const wanted = new Set();
    for (const root of candidates.roots) {
        const info = infoOf(root);
        if (info !== null && verdictOnRoot(info, rules, ruledOut) === null)
            wanted.add(root);
    }
    const order = referencesFirst(wanted, (path) => (ruledOut.has(path) ? [] : (infoOf(path)?.references ?? [])));
    const query = order
        .filter((path) => !isUpstream(ruledOut.get(path)))
        .map(infoOf)
        .filter((info) => info !== null);
    return { candidates, rules, ruledOut, wanted, order, query };
}
/**
 * Says for every path what becomes of it. `presence` is the cache's answer to `selection.query`.
 *
 * A path that is in the cache is taken at its word (what it refers to is the cache's own invariant), yet what turns out to be
 * missing below it is pushed too. A path whose reference neither is readable nor will be is withheld, and names the first cause.
 */
function planPush(selection, presence) {
    const { candidates, rules, ruledOut, wanted, order } = selection;
    const infoOf = lookUp(candidates);
    const verdicts = verdictsOf(selection, infoOf, presence);
    const needed = neededBy(wanted, verdicts, infoOf);
    const paths = new Map();
    const add = (path, verdict) => {
        paths.set(path, { path, info: infoOf(path), isRoot: candidates.roots.has(path), verdict });
    };
    const push = [];
    for (const path of order) {
        const verdict = verdicts.get(path);
        if (verdict === undefined || !(wanted.has(path) || needed.has(path)))
            continue;
        const info = infoOf(path);
        add(path, verdict.class === 'push' && wanted.has(path) ? { class: 'push', why: 'new' } : verdict);
        if (verdict.class === 'push' && info !== null)
            push.push(info);
    }
    for (const path of [...candidates.roots, ...candidates.vanished]) {
        if (paths.has(path))
            continue;
        const info = infoOf(path);
        const verdict = info === null ? { class: 'vanished' } : verdictOnRoot(info, rules, ruledOut);
        if (verdict !== null)
            add(path, verdict);
    }
    return { paths, push };
}
function lookUp(candidates) {
    const vanished = new Set(candidates.vanished);
    return (path) => (vanished.has(path) ? null : (candidates.infos.get(path) ?? null));
}
function readableUpstream(info, rules) {
    for (const signature of info.signatures) {
        const keyName = signature.slice(0, Math.max(0, signature.indexOf(':')));
        if (rules.skipSignedBy.includes(keyName))
            return { class: 'signed-upstream', keyName };
    }
    const substituter = rules.upstream.get(info.path);
    return substituter === undefined ? null : { class: 'upstream', substituter };
}
function isUpstream(verdict) {
    return verdict?.class === 'signed-upstream' || verdict?.class === 'upstream';
}
/** Why a path stays out even when a wanted one needs it, whoever signed it; `null` when it may go up. */
function verdictOfRules(info, rules) {
    const baseName = (0,_nix_store_path_js__WEBPACK_IMPORTED_MODULE_0__/* .baseNameOf */ .mv)(info.path);
    // `search`, as `test` would carry state from one path to the next with a flag `g` or `y`.
    const pattern = rules.exclude.find((expression) => baseName.search(expression) !== -1);
    if (pattern !== undefined)
        return { class: 'excluded', pattern: pattern.source };
    if (rules.maxPathSizeBytes !== null && info.narSizeBytes > rules.maxPathSizeBytes) {
        return { class: 'too-large', limitBytes: rules.maxPathSizeBytes };
    }
    return null;
}
/** Why a root is not wanted for itself; `null` when it is. */
function verdictOnRoot(info, rules, ruledOut) {
    const verdict = ruledOut.get(info.path);
    if (verdict !== undefined && isUpstream(verdict))
        return verdict;
    const elsewhere = rules.wholeClosures ? readableUpstream(info, rules) : null;
    if (elsewhere !== null)
        return elsewhere;
    if (!rules.explicitPaths && (0,_nix_store_path_js__WEBPACK_IMPORTED_MODULE_0__/* .isDerivation */ .qw)(info.path))
        return { class: 'derivation' };
    if (verdict !== undefined)
        return verdict;
    const baseName = (0,_nix_store_path_js__WEBPACK_IMPORTED_MODULE_0__/* .baseNameOf */ .mv)(info.path);
    const included = rules.include.length === 0 || rules.include.some((expression) => baseName.search(expression) !== -1);
    return included ? null : { class: 'excluded', pattern: null };
}
/** All that can be reached from `starts`, each once and after what it refers to. Loops over a stack: closures are thousands deep. */
function referencesFirst(starts, referencesOf) {
    const order = [];
    const seen = new Set();
    for (const start of starts) {
        if (seen.has(start))
            continue;
        seen.add(start);
        const stack = [{ path: start, references: referencesOf(start), next: 0 }];
        for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
            const reference = top.references[top.next++];
            if (reference === undefined) {
                order.push(top.path);
                stack.pop();
            }
            else if (!seen.has(reference)) {
                seen.add(reference);
                stack.push({ path: reference, references: referencesOf(reference), next: 0 });
            }
        }
    }
    return order;
}
function verdictsOf({ order, ruledOut }, infoOf, presence) {
    const verdicts = new Map();
    const obstacles = new Map();
    for (const path of order) {
        const info = infoOf(path);
        const verdict = info === null
            ? { class: 'vanished' }
            : (verdictOfCache(presence.get(path)) ?? ruledOut.get(path) ?? verdictOfReferences(info, obstacles));
        verdicts.set(path, verdict);
        obstacles.set(path, obstacleOf(path, verdict));
    }
    return verdicts;
}
function verdictOfCache(presence) {
    if (presence?.state === 'present')
        return { class: 'present' };
    return presence?.state === 'differs' ? { class: 'differs', narHash: presence.narHash } : null;
}
function verdictOfReferences(info, obstacles) {
    for (const reference of info.references) {
        if (reference === info.path)
            continue;
        const obstacle = obstacles.get(reference);
        // Nix allows no circles; one in what we were told would leave paths that wait for each other.
        if (obstacle === undefined)
            return { class: 'withheld', culprit: reference, culpritClass: 'circular' };
        if (obstacle !== null)
            return { class: 'withheld', ...obstacle };
    }
    return { class: 'push', why: 'needed' };
}
function obstacleOf(path, verdict) {
    switch (verdict.class) {
        case 'push':
        case 'present':
        case 'differs':
        case 'signed-upstream':
        case 'upstream':
            return null;
        case 'withheld':
            return { culprit: verdict.culprit, culpritClass: verdict.culpritClass };
        case 'excluded':
        case 'too-large':
        case 'vanished':
            return { culprit: path, culpritClass: verdict.class };
    }
}
/** What the wanted roots that are or will be readable need. What only withheld paths need stays out with them. */
function neededBy(wanted, verdicts, infoOf) {
    const isKept = (path) => {
        const verdict = verdicts.get(path)?.class;
        return verdict === 'push' || verdict === 'present' || verdict === 'differs';
    };
    return new Set(referencesFirst([...wanted].filter(isKept), (path) => (isKept(path) ? (infoOf(path)?.references ?? []) : [])));
}


/***/ })

};
