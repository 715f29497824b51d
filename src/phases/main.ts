import { join } from 'node:path';
import type { NixReads } from '../backends/backend.ts';
import type { Inputs } from '../inputs/inputs.ts';
import { formatPublicKey, publicKeyOf } from '../nix/signature.ts';
import { type LocalStore, openLocalStore } from '../store/local-store.ts';
import { takeSnapshot, writeSnapshot } from '../store/snapshot.ts';
import { applySettings, canServeHere, directSubstituters } from './configure.ts';
import { installRelease, offerFoundNix } from './install.ts';
import { mountsOf } from './mounts.ts';
import { tellProblems } from './preflight.ts';
import { prepareHook, startPusher } from './pusher-control.ts';
import { runPhase } from './run.ts';
import { createRunner } from './runner.ts';
import type { MountOrder } from './serve-handover.ts';
import { decideServing, type Serving } from './serving.ts';
import { openSession, type Session } from './session.ts';
import { storeSharing } from './store-sharing.ts';
import { type RunningSubstituter, startLocalSubstituter } from './substituter.ts';
import { labelOf } from './target-label.ts';

/** The longest that main may take in all, but for installing Nix: a job must not wait for a cache that does not answer. */
const MAIN_TIMEOUT_MS = 120_000;

export async function main(): Promise<void> {
	const runner = createRunner(process.env);
	await runPhase('main', runner, async () => {
		const session = await openSession(runner);
		const store = await findStore(session);
		const signal = AbortSignal.timeout(MAIN_TIMEOUT_MS);
		if (store === null) withoutNix(session);
		else await withNix(session, store, signal);
	});
}

/** Opens the store, of a Nix that is installed now where there was none and `install-nix` is given. */
async function findStore(session: Session): Promise<LocalStore | null> {
	const { inputs, runner } = session;
	const open = (): Promise<LocalStore | null> =>
		openLocalStore({ env: runner.env, log: runner.log, signal: AbortSignal.timeout(MAIN_TIMEOUT_MS) });
	const found = await open();
	if (inputs.installNix === null) return found;
	if (found !== null) await offerFoundNix(session, found);
	else await installRelease(session, inputs.installNix);
	return found ?? (await open());
}

function withoutNix(session: Session): void {
	const { runner, keep } = session;
	const whyNot = 'there is no Nix on this machine.';
	runner.log.warning(
		'No `nix` was found, so no cache is configured. Install it in a step before this one, or give `install-nix` a version.',
		'nix-cache-action',
	);
	const nothing = {
		targets: [],
		indexesFolder: null,
		substituterFolder: null,
		served: {},
		journal: null,
		isShared: false,
		pusherFolder: null,
	};
	keep({ main: { ...nothing, store: null, snapshotFile: null, whyNot, warnings: [] } });
	setOutputs(session, 'none', false, []);
}

async function withNix(session: Session, store: LocalStore, signal: AbortSignal): Promise<void> {
	const { runner, keep, state } = session;
	const snapshotFile = join(state().folder, 'snapshot');
	const [serving] = await Promise.all([
		decideServing(session, store, signal),
		takeSnapshot(store.realStoreDir).then((snapshot) => writeSnapshot(snapshotFile, snapshot)),
	]);
	const { targets, whyNot } = serving;
	for (const { text, title } of serving.warnings) runner.log.warning(text, title);
	const warnings = serving.warnings.map(({ text }) => text);
	const mounts = mountsOf(session, serving);
	const served = Object.fromEntries(mounts.map(({ name, label }) => [name, label]));
	const indexesFolder = serving.store?.indexesFolder ?? null;
	const isShared = await isStoreShared(session, store);
	const hook = whyNot === null ? await prepareHook(session, store, isShared, signal) : null;
	const kept = {
		store: store.description,
		snapshotFile,
		targets,
		whyNot,
		indexesFolder,
		served,
		warnings,
		isShared,
		journal: hook?.journal ?? null,
		substituterFolder: null,
		pusherFolder: null,
	};
	keep({ main: kept });
	const substituter = await startServing(session, store, mounts, serving, signal);
	keep({ main: { ...kept, substituterFolder: substituter?.folder ?? null } });
	const reads = withSubstituter(serving.reads, substituter);
	const route = await applySettings(session, store, reads, { substituter, hook }, signal);
	if (hook !== null && route !== 'advice-only') await startPusher(session, hook);
	await tellProblems(session, store, reads, { substituter, hook }, signal);
	const urls = route === 'advice-only' ? [] : [...reads.substituters, ...directSubstituters(session.inputs)];
	setOutputs(session, route === 'advice-only' ? 'none' : serving.kind, whyNot === null, urls);
	sayWhatServes(session, serving, urls);
}

async function isStoreShared({ inputs, runner }: Session, store: LocalStore): Promise<boolean> {
	if (inputs.sharedStore !== 'auto') return inputs.sharedStore === 'true';
	const { isShared, because } = await storeSharing(store.nix.about, runner.env);
	if (isShared) {
		runner.log.info(
			`The store counts as shared, because ${because}: only what this job builds, and what its own links lead to, is pushed. \`shared-store: false\` says that nobody else uses it.`,
		);
	}
	return isShared;
}

async function startServing(
	session: Session,
	store: LocalStore,
	mounts: readonly MountOrder[],
	serving: Serving,
	signal: AbortSignal,
): Promise<RunningSubstituter | null> {
	if (mounts.length === 0) return null;
	const readsOthers = serving.reads.substituters.length + directSubstituters(session.inputs).length > 0;
	if (!(await canServeHere(session, store, readsOthers, signal))) return null;
	return startLocalSubstituter(session, store, mounts, signal);
}

function withSubstituter(reads: NixReads, substituter: RunningSubstituter | null): NixReads {
	return substituter === null ? reads : { ...reads, substituters: [...reads.substituters, ...substituter.storeUrls] };
}

function setOutputs(
	{ inputs, runner, state }: Session,
	kind: Serving['kind'],
	canPush: boolean,
	substituters: readonly string[],
): void {
	runner.setOutput('cache', kind);
	runner.setOutput('can-push', String(canPush));
	runner.setOutput('substituters', substituters.join(' '));
	runner.setOutput('public-key', inputs.signingKey === null ? '' : formatPublicKey(publicKeyOf(inputs.signingKey)));
	runner.setOutput('report', state().reportFile);
}

function sayWhatServes({ inputs, runner, state }: Session, serving: Serving, substituters: readonly string[]): void {
	const { log } = runner;
	const { store, targets, whyNot } = serving;
	if (substituters.length > 0) log.info(`Nix reads from ${substituters.join(', ')}.`);
	else if (store === null) log.info('No cache serves this job.');
	if (store !== null) {
		log.info(
			store.pathCount === 0
				? `${store.label} holds no paths for this job yet.`
				: `${store.label} holds ${store.pathCount} paths for this job, served on this machine.`,
		);
	}
	if (whyNot !== null) {
		log.info(`Nothing is pushed at the end of the job: ${whyNot}`);
		return;
	}
	const taking = targets.filter((target) => target.whyNot === null).map(({ line }) => labelOf(inputs, line));
	const when = state().main?.pusherFolder == null ? 'at its end' : 'while it runs, and the rest at its end,';
	log.info(`What the job adds to the store is pushed ${when} to ${taking.join(', ')}.`);
	for (const { line, whyNot: why } of targets)
		if (why !== null) log.info(`Nothing is pushed to ${labelOf(inputs, line)}: ${why}`);
	if (inputs.signingKey !== null) {
		for (const target of inputs.caches)
			if (target.kind === 'attic')
				log.info(`${target.place} signs what it serves with its own key, so it needs no \`signing-key\`.`);
	}
	const keyless = targets.some(({ line, whyNot: why }) => why === null && needsKey(inputs, line));
	if (inputs.signingKey === null && keyless) {
		log.notice(
			'No `signing-key`: paths go up with the signatures that they have, and Nix ignores those without one unless the server signs.',
			'nix-cache-action',
		);
	}
}

/** Servers that sign by themselves, and the Actions cache, which is trusted as it is, need none. */
function needsKey({ caches }: Inputs, line: number | null): boolean {
	const kind = line === null ? 'actions-cache' : (caches[line]?.kind ?? 'actions-cache');
	return kind === 'http' || kind === 'file' || kind === 'nix-copy';
}
