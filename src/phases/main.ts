import { join } from 'node:path';
import type { NixReads } from '../backends/backend.ts';
import { CacheError } from '../errors.ts';
import { formatPublicKey, publicKeyOf } from '../nix/signature.ts';
import { type LocalStore, openLocalStore } from '../store/local-store.ts';
import { takeSnapshot, writeSnapshot } from '../store/snapshot.ts';
import { applySettings, canServeHere } from './configure.ts';
import { runPhase } from './run.ts';
import { createRunner } from './runner.ts';
import { decideServing, type Serving } from './serving.ts';
import { openSession, type Session } from './session.ts';
import { type RunningSubstituter, startLocalSubstituter } from './substituter.ts';

/** Kinds of cache whose servers sign, and say so when they do not. */
const SIGNING_SERVERS: ReadonlySet<string> = new Set(['cachix', 'niks3']);

/** The longest that main may take in all: a job must not wait for a cache that does not answer. */
const MAIN_TIMEOUT_MS = 120_000;

export async function main(): Promise<void> {
	const runner = createRunner(process.env);
	await runPhase('main', runner, async () => {
		const session = await openSession(runner);
		const signal = AbortSignal.timeout(MAIN_TIMEOUT_MS);
		const store = await openLocalStore({ env: runner.env, log: runner.log, signal });
		if (store === null) withoutNix(session);
		else await withNix(session, store, signal);
	});
}

function withoutNix(session: Session): void {
	const { inputs, runner, keep } = session;
	if (inputs.installNix !== null) {
		throw new CacheError(
			'input-invalid',
			`install-nix: \`${inputs.installNix}\` is given, but installing Nix is not built yet.`,
			{
				hint: 'Install Nix in a step before this one, for example with cachix/install-nix-action.',
			},
		);
	}
	const whyNot = 'there is no Nix on this machine.';
	runner.log.warning('No `nix` was found, so no cache is configured. Install Nix in a step before this one.', 'nix-cache-action');
	const nothing = { pushTo: null, indexesFolder: null, substituterFolder: null, cacheFailed: false };
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
	const { pushTo, whyNot, cacheFailed } = serving;
	const warnings = [...serving.warnings];
	for (const warning of warnings) runner.log.warning(warning, 'nix-cache-action');
	const indexesFolder = serving.store?.indexesFolder ?? null;
	const kept = { store: store.description, snapshotFile, pushTo, whyNot, cacheFailed, indexesFolder, warnings };
	keep({ main: { ...kept, substituterFolder: null } });
	const substituter = await serveStore(session, store, serving, signal);
	keep({ main: { ...kept, substituterFolder: substituter?.folder ?? null } });
	const reads = withSubstituter(serving.reads, substituter);
	const route = await applySettings(session, store, reads, substituter, signal);
	const urls = route === 'advice-only' ? [] : [...reads.substituters, ...session.inputs.substituters];
	setOutputs(session, route === 'advice-only' ? 'none' : serving.kind, pushTo !== null, urls);
	sayWhatServes(session, serving, urls);
}

/** Nix can't read the store in the Actions cache by itself. An empty one needs nobody to serve it. */
async function serveStore(
	session: Session,
	store: LocalStore,
	serving: Serving,
	signal: AbortSignal,
): Promise<RunningSubstituter | null> {
	if (serving.store === null || serving.store.pathCount === 0) return null;
	const readsOthers = serving.reads.substituters.length + session.inputs.substituters.length > 0;
	if (!(await canServeHere(session, store, readsOthers, signal))) return null;
	return startLocalSubstituter(session, store, serving.store.indexesFolder, signal);
}

function withSubstituter(reads: NixReads, substituter: RunningSubstituter | null): NixReads {
	return substituter === null ? reads : { ...reads, substituters: [...reads.substituters, substituter.storeUrl] };
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

function sayWhatServes({ inputs, runner }: Session, serving: Serving, substituters: readonly string[]): void {
	const { log } = runner;
	const { store, pushTo, whyNot } = serving;
	if (substituters.length > 0) log.info(`Nix reads from ${substituters.join(', ')}.`);
	else if (store === null) log.info('No cache serves this job.');
	if (store !== null) {
		log.info(
			store.pathCount === 0
				? `${store.label} holds no paths for this job yet.`
				: `${store.label} holds ${store.pathCount} paths for this job, served on this machine.`,
		);
	}
	if (pushTo === null) {
		log.info(`Nothing is pushed at the end of the job: ${whyNot ?? 'this job only reads.'}`);
		return;
	}
	log.info(`What the job adds to the store is pushed at its end${pushTo === 'actions-cache' ? ' to the Actions cache' : ''}.`);
	if (inputs.signingKey === null && pushTo === 'cache' && !SIGNING_SERVERS.has(inputs.caches[0]?.kind ?? '')) {
		log.notice(
			'No `signing-key`: paths go up with the signatures that they have, and Nix ignores those without one unless the server signs.',
			'nix-cache-action',
		);
	}
}
