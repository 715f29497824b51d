export const id = 107;
export const ids = [107];
export const modules = {

/***/ 1625:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Ch: () => (/* binding */ openStore),
/* harmony export */   Us: () => (/* binding */ pushingTo),
/* harmony export */   Vc: () => (/* binding */ inputsOf),
/* harmony export */   cT: () => (/* binding */ withoutSecrets),
/* harmony export */   oi: () => (/* binding */ openCommandSession)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1455);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(8161);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(6760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(9473);
/* harmony import */ var _inputs_inputs_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(7504);
/* harmony import */ var _inputs_secrets_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(4598);
/* harmony import */ var _store_local_store_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(2325);
/* harmony import */ var _command_js__WEBPACK_IMPORTED_MODULE_9__ = __webpack_require__(3192);
/* harmony import */ var _parse_js__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(2422);










/** Inputs that have another meaning, or another default, without a job around: a command does what it is told. */
const FIXED = { push: 'always', fallback: 'none', 'on-push-failure': 'fail' };
/** More than any key has. */
const MAX_KEY_FILE_BYTES = 64 * 1024;
const NIX_TIMEOUT_MS = 120_000;
/**
 * The inputs of the action as this command line gives them: from options, environment variables, and `given` (by name). Every secret is masked before anything is
 * checked. @throws CacheError `input-invalid`, `file-failed`
 */
async function inputsOf(context, given) {
    const get = await inputReader(context, given);
    for (const secret of (0,_inputs_secrets_js__WEBPACK_IMPORTED_MODULE_6__/* .secretTexts */ .V)(get))
        context.terminal.log.mask(secret);
    return (0,_inputs_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .parseInputs */ .T)(get);
}
async function inputReader({ command, args, env, cwd }, given) {
    const found = new Map(Object.entries({ ...FIXED, ...given }));
    for (const { name, input } of command.variables)
        found.set(input, (env[name] ?? '').trim());
    for (const option of command.options) {
        if (option.input === undefined)
            continue;
        const values = args.values.get(option.name) ?? [];
        if (values.some((value) => /[\r\n]/.test(value)))
            throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_8__/* .usageError */ .D)(`\`--${option.name}\` has a line break in its value.`);
        found.set(option.input, values.length > 0 ? values.join('\n') : (option.default ?? ''));
    }
    const keyFile = (0,_command_js__WEBPACK_IMPORTED_MODULE_9__/* .optionValue */ .T)(command, args, 'signing-key-file');
    if (keyFile !== null)
        found.set('signing-key', await readKey((0,node_path__WEBPACK_IMPORTED_MODULE_3__.resolve)(cwd, keyFile), found.get('signing-key') ?? ''));
    return (name) => found.get(name) ?? '';
}
async function readKey(file, other) {
    if (other !== '')
        throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_8__/* .usageError */ .D)('Both `--signing-key-file` and NIX_CACHE_SIGNING_KEY are given.', 'Give one of them.');
    try {
        if ((await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_1__.stat)(file)).size > MAX_KEY_FILE_BYTES)
            throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_8__/* .usageError */ .D)(`${file} is too large for a key.`);
        return (await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_1__.readFile)(file, 'utf8')).trim();
    }
    catch (cause) {
        if (cause instanceof _errors_js__WEBPACK_IMPORTED_MODULE_4__/* .CacheError */ .xA)
            throw cause;
        throw (0,_parse_js__WEBPACK_IMPORTED_MODULE_8__/* .usageError */ .D)(`The file ${file} of \`--signing-key-file\` can't be read (${(0,_errors_js__WEBPACK_IMPORTED_MODULE_4__/* .systemCode */ .xU)(cause) ?? 'unknown'}).`);
    }
}
/** @throws CacheError `file-failed` */
async function openCommandSession(context, inputs) {
    const id = (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(6).toString('hex');
    const folder = await makeFolder(context.env.RUNNER_TEMP ?? (0,node_os__WEBPACK_IMPORTED_MODULE_2__.tmpdir)());
    let main = null;
    return {
        runner: runnerOf(context),
        inputs,
        early: null,
        state: () => ({ version: 1, id, folder, reportFile: (0,node_path__WEBPACK_IMPORTED_MODULE_3__.join)(folder, 'report.json'), inputs: {}, configuration: null, main }),
        keep: () => undefined,
        decide(decision) {
            main = decision;
        },
        close: () => (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_1__.rm)(folder, { recursive: true, force: true }),
    };
}
async function makeFolder(parent) {
    try {
        return await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_1__.mkdtemp)((0,node_path__WEBPACK_IMPORTED_MODULE_3__.join)(parent, 'nix-cache-action-'));
    }
    catch (cause) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_4__/* .CacheError */ .xA('file-failed', `No folder can be made in ${parent} (${(0,_errors_js__WEBPACK_IMPORTED_MODULE_4__/* .systemCode */ .xU)(cause) ?? 'unknown'}).`, {
            hint: 'Set TMPDIR to a folder that you can write to.',
            cause,
        });
    }
}
/** There are no later phases and no outputs. */
function runnerOf(context) {
    const { log } = context.terminal;
    const nothing = () => undefined;
    return {
        env: { ...withoutSecrets(context), GITHUB_WORKSPACE: context.cwd },
        log,
        saveState: nothing,
        state: () => '',
        setOutput: nothing,
        exportVariable: nothing,
        addPath: nothing,
        addSummary: async () => undefined,
        fail: log.error,
    };
}
/** The environment for programs that are started: they have no use for what this one was given. */
function withoutSecrets({ command, env }) {
    const secrets = new Set(command.variables.map(({ name }) => name));
    return Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.has(name)));
}
/** The store of this machine. @throws CacheError `nix-missing`, and what opening it throws */
async function openStore(context) {
    const { log } = context.terminal;
    const store = await (0,_store_local_store_js__WEBPACK_IMPORTED_MODULE_7__/* .openLocalStore */ .n)({ env: withoutSecrets(context), log, signal: AbortSignal.timeout(NIX_TIMEOUT_MS) });
    if (store !== null)
        return store;
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_4__/* .CacheError */ .xA('nix-missing', 'There is no Nix on this machine.', {
        hint: 'Install it, and see that `nix` is in PATH (`. /nix/var/nix/profiles/default/etc/profile.d/nix-daemon.sh`).',
    });
}
/** For a session that pushes to the first cache of its inputs. */
function pushingTo(store, indexesFolder) {
    return {
        store: store.description,
        snapshotFile: null,
        targets: [{ line: 0, whyNot: null, failed: false }],
        journal: null,
        isShared: false,
        pusherFolder: null,
        whyNot: null,
        indexesFolder,
        substituterFolder: null,
        served: {},
        warnings: [],
    };
}


/***/ }),

/***/ 3192:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   T: () => (/* binding */ optionValue)
/* harmony export */ });
/** The value of an option that was given at most once, or its default; `null` without either. */
function optionValue({ options }, { values }, name) {
    return values.get(name)?.at(-1) ?? options.find((option) => option.name === name)?.default ?? null;
}


/***/ }),

/***/ 1107:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  doctor: () => (/* binding */ doctor)
});

// EXTERNAL MODULE: ./build/cli/command-session.js
var command_session = __webpack_require__(1625);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(9473);
// EXTERNAL MODULE: ./build/nix/signature.js
var signature = __webpack_require__(8486);
// EXTERNAL MODULE: ./build/phases/ask-for-uploads.js + 3 modules
var ask_for_uploads = __webpack_require__(4242);
// EXTERNAL MODULE: ./build/phases/cache.js + 4 modules
var cache = __webpack_require__(7796);
// EXTERNAL MODULE: ./build/phases/configure.js
var configure = __webpack_require__(645);
// EXTERNAL MODULE: ./build/phases/push-policy.js
var push_policy = __webpack_require__(9884);
// EXTERNAL MODULE: ./build/preflight/check-keys.js
var check_keys = __webpack_require__(8649);
// EXTERNAL MODULE: ./build/preflight/gather.js + 1 modules
var gather = __webpack_require__(2384);
// EXTERNAL MODULE: ./build/preflight/place.js
var place = __webpack_require__(8183);
// EXTERNAL MODULE: ./build/preflight/preflight.js + 3 modules
var preflight = __webpack_require__(4547);
// EXTERNAL MODULE: ./build/setup/configure-nix.js + 1 modules
var configure_nix = __webpack_require__(305);
;// CONCATENATED MODULE: ./build/cli/examination.js











const EFFORT = { concurrency: 8, attempts: 2, patienceMs: 5_000, connectTimeoutMs: 5_000 };
/** Nix, its daemon, its caches, the keys, and the caches that were named. Nothing is changed here, and no path goes to a cache. Throws `nix-failed`, `cancelled`. */
async function examine(patient) {
    const { session, store, targets, signal } = patient;
    const netrc = await (0,configure/* knownNetrc */.as)(session.inputs, store, signal);
    const named = await Promise.all(targets.map((target) => ask(patient, target, netrc)));
    const wish = targets.length === 0 ? null : wishOf(patient, named);
    const facts = await (0,gather/* gatherFacts */.p)({
        store,
        env: session.runner.env,
        told: null,
        wish,
        keys: {
            signing: ownKey(patient),
            ofCaches: named.flatMap(({ reads }) => reads?.publicKeys ?? []),
            areKnown: true,
            unsignedCaches: [],
        },
        // What does not answer us need not be asked again in the name of Nix.
        ours: named.flatMap(({ reads, target }) => (reads === null && 'substituter' in target ? [target.substituter] : [])),
        log: session.runner.log,
        signal,
    });
    const problems = (0,preflight/* problemsIn */._)(facts);
    return [
        examineNix(store),
        ...examineTrust(patient, wish, problems),
        ...facts.answers.filter(({ info }) => info !== null).map(({ url }) => ok('cache', `${url} answers Nix.`)),
        ...named.flatMap(({ findings }) => findings),
        ...named.flatMap(({ reads }) => (reads === null ? [] : unread(reads, facts))),
        ...examineKeys(patient, wish, facts),
        ...problems.map(findingOf),
    ];
}
function ownKey({ session: { inputs } }) {
    return inputs.signingKey === null ? null : (0,signature/* publicKeyOf */.kc)(inputs.signingKey);
}
/** What Nix would have to be told to read the caches that were named. */
function wishOf(patient, named) {
    const own = ownKey(patient);
    const keys = [...(own === null ? [] : [own]), ...patient.session.inputs.trustedPublicKeys].map(signature/* formatPublicKey */.et);
    return {
        substituters: named.flatMap(({ reads }) => reads?.substituters ?? []),
        publicKeys: [...new Set([...keys, ...named.flatMap(({ reads }) => reads?.publicKeys ?? [])])],
        netrc: [],
        other: [],
    };
}
function examineNix({ nix, storeDir, description }) {
    const { version } = nix.about;
    const way = description.access === 'daemon' ? 'through its daemon' : 'directly';
    return ok('Nix', `${version.implementation === 'nix' ? 'Nix ' : ''}${version.text}, which opens ${storeDir} ${way}.`);
}
/** That it does not trust the user is a problem only where that stands in the way of something. */
function examineTrust({ store }, wish, problems) {
    const user = (0,configure_nix/* userName */.nT)();
    const confFile = store.nix.about.systemConfFile;
    switch (store.trust) {
        case 'direct':
            return [ok('trust', `The store is ${user}'s own, so Nix takes all settings of this user.`)];
        case 'trusted':
            return [ok('trust', `The daemon trusts ${user}, and takes all settings of this user.`)];
        case 'unknown':
            return [notice('trust', `Whether the daemon trusts ${user} can't be told.`, `See \`trusted-users\` in ${confFile}.`)];
        case 'untrusted':
            if (problems.some(({ code }) => code === 'daemon-distrusts'))
                return [];
            if ((wish?.substituters ?? []).length > 0)
                return [ok('trust', `The daemon does not trust ${user}, and grants everybody what was named.`)];
            return [
                notice('trust', `The daemon does not trust ${user}: caches and keys in this user's settings count only where it grants them to everybody.`, `Add \`extra-trusted-users = ${user}\` to ${confFile} and restart the daemon, or add the caches and keys there.`),
            ];
    }
}
/** Asks it with the credentials that were given. */
async function ask(patient, target, netrc) {
    const { session, store, signal } = patient;
    const { place } = target;
    try {
        return await (0,cache/* withCache */.n)(session, store, target, netrc, EFFORT, async (backend) => {
            const { readable, note } = await backend.check(false, signal);
            const answer = readable
                ? ok('cache', `${place} answers.`)
                : notice('cache', note ?? `${place} answers, and is no cache yet.`, 'The first push makes it a cache.');
            return {
                target,
                findings: [answer, await examinePush(patient, target, netrc)],
                reads: readable ? backend.reads() : null,
            };
        });
    }
    catch (error) {
        if (!(0,errors/* isCacheError */.bt)(error) || error.code === 'internal')
            throw error;
        return {
            target,
            findings: [warning('cache', `${place} can't be used: ${error.message}`, error.hint ?? 'Correct its URL.')],
            reads: null,
        };
    }
}
async function examinePush({ session, signal }, target, netrc) {
    const { inputs, runner } = session;
    const { place } = target;
    // Not as in a job: whoever types a command is no stranger.
    const { canPush } = (0,push_policy/* decidePush */.vn)({ ...inputs, push: 'auto' }, target, { ...runner.env, GITHUB_EVENT_NAME: '' }, netrc);
    if (!canPush)
        return notice('push', `There is nothing to push to ${place} with.`, CREDENTIALS_HINT);
    const refusal = await (0,ask_for_uploads/* askForUploads */.X)(runner, target, netrc, signal);
    return refusal === null
        ? ok('push', `Nothing is known against a push to ${place}.`)
        : warning('push', `${place} takes nothing: ${refusal.message}`, refusal.hint ?? CREDENTIALS_HINT);
}
const CREDENTIALS_HINT = 'To push, set NIX_CACHE_TOKEN, or NIX_CACHE_USERNAME and NIX_CACHE_PASSWORD, to those of somebody who may write.';
function unread({ substituters, throughUs }, { effective }) {
    if (throughUs)
        return [notice('cache', 'Nix can not read that cache by itself.', 'Let `serve` read it for Nix.')];
    return substituters
        .filter((url) => !(0,place/* hasPlace */.G)(effective.substituters, url))
        .map((url) => notice('cache', `Nix is not set to read from ${url}.`, `Add \`extra-substituters = ${url}\` to nix.conf.`));
}
function examineKeys({ session, targets }, wish, { effective }) {
    const own = ownKey({ session });
    const wanted = wish?.publicKeys ?? (own === null ? [] : [(0,signature/* formatPublicKey */.et)(own)]);
    const names = effective.trustedPublicKeys.filter(check_keys/* isKeyReadable */.kv).map(signature/* signatureKeyName */.DW);
    const trusted = ok('keys', names.length === 0 ? 'Nix believes no key.' : `Nix believes what ${names.join(', ')} signed.`);
    const missing = wanted
        .filter((key) => !effective.trustedPublicKeys.includes(key))
        .map((key) => warning('keys', `Nix does not believe what ${(0,signature/* signatureKeyName */.DW)(key)} signs.`, `Add \`extra-trusted-public-keys = ${key}\` to nix.conf.`));
    const isUnsigned = own === null && targets.some(({ kind }) => kind === 'http' || kind === 's3' || kind === 'file');
    const unsigned = notice('keys', 'There is no key to sign with: what is pushed keeps the signatures that it has.', 'To push, set NIX_CACHE_SIGNING_KEY.');
    return [trusted, ...missing, ...(isUnsigned ? [unsigned] : [])];
}
function findingOf({ code, level, message, fix }) {
    // In a job it may be a cache that somebody else set up, and that nobody needs there.
    return { level: code === 'substituter-unusable' ? 'warning' : level, about: code, text: message, fix };
}
function ok(about, text) {
    return { level: 'ok', about, text, fix: null };
}
function notice(about, text, fix) {
    return { level: 'notice', about, text, fix };
}
function warning(about, text, fix) {
    return { level: 'warning', about, text, fix };
}

// EXTERNAL MODULE: ./build/cli/exit-status.js
var exit_status = __webpack_require__(2900);
// EXTERNAL MODULE: ./build/cli/parse.js
var parse = __webpack_require__(2422);
// EXTERNAL MODULE: ./build/cli/words.js
var words = __webpack_require__(9596);
;// CONCATENATED MODULE: ./build/cli/doctor.js





const LIMIT_MS = 120_000;
/** `doctor [URL...]` */
async function doctor(context) {
    const { args, terminal, wantsJson } = context;
    const inputs = await (0,command_session/* inputsOf */.Vc)(context, { cache: args.operands.join('\n') });
    // Without a URL the inputs name the Actions cache, which is of no use here.
    const targets = args.operands.length === 0 ? [] : inputs.caches.map(asStoreTarget);
    const store = await (0,command_session/* openStore */.Ch)(context);
    const session = await (0,command_session/* openCommandSession */.oi)(context, inputs);
    try {
        const found = await examine({ session, store, targets, signal: AbortSignal.timeout(LIMIT_MS) });
        const findings = found.map(({ text, fix, ...rest }) => ({
            ...rest,
            text: (0,words/* inOurWords */.t)(text),
            fix: fix === null ? null : (0,words/* inOurWords */.t)(fix),
        }));
        const problems = findings.filter(({ level }) => level !== 'ok');
        if (wantsJson)
            terminal.print(JSON.stringify({ version: 1, findings: findings.filter(({ level }) => level === 'ok'), problems }, null, '\t'));
        else
            for (const finding of findings)
                for (const line of linesOf(finding))
                    terminal.print(line);
        return problems.some(({ level }) => level === 'warning') ? exit_status/* EXIT */.dc.failed : exit_status/* EXIT */.dc.well;
    }
    finally {
        await session.close();
    }
}
function asStoreTarget(target) {
    if (target.kind !== 'actions-cache')
        return target;
    throw (0,parse/* usageError */.D)('`doctor` does not look at the Actions cache.', '`ls` shows what is in it.');
}
const MARKS = { ok: 'ok     ', notice: 'notice ', warning: 'WARNING' };
function linesOf({ level, about, text, fix }) {
    return [`${MARKS[level]} ${about}: ${text}`, ...(fix === null ? [] : [`${' '.repeat(MARKS.ok.length)} -> ${fix}`])];
}


/***/ })

};
