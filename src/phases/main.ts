import { join } from 'node:path';
import type { BackendKind, NixReads } from '../backends/backend.ts';
import { CacheError, describeError, isCacheError } from '../errors.ts';
import { formatPublicKey, publicKeyOf } from '../nix/signature.ts';
import { type LocalStore, openLocalStore } from '../store/local-store.ts';
import { takeSnapshot, writeSnapshot } from '../store/snapshot.ts';
import { type Effort, withCache } from './cache.ts';
import { applySettings, knownNetrc } from './configure.ts';
import { decidePush, type PushDecision } from './push-policy.ts';
import { runPhase } from './run.ts';
import { createRunner } from './runner.ts';
import { openSession, type Session } from './session.ts';

/** The longest that main may take in all: a job must not wait for a cache that does not answer. */
const MAIN_TIMEOUT_MS = 120_000;

const EFFORT: Effort = { concurrency: 8, attempts: 3, patienceMs: 10_000, connectTimeoutMs: 5_000 };

/** Failures that the end of the job would meet again. */
const LASTING = [
	'cache-unauthorized',
	'cache-forbidden',
	'cache-read-only',
	'cache-not-found',
	'cache-invalid',
	'cache-tls',
] as const;

/** Nothing is read from the cache. */
const NO_READS: NixReads = { substituters: [], publicKeys: [] };

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
	keep({ main: { store: null, snapshotFile: null, cacheFailed: false, canPush: false, whyNot, warnings: [] } });
	setOutputs(session, 'none', false, []);
}

async function withNix(session: Session, store: LocalStore, signal: AbortSignal): Promise<void> {
	const { inputs, runner, keep } = session;
	const snapshotFile = join(session.state().folder, 'snapshot');
	const warnings: string[] = [];
	const warn = (message: string): void => {
		warnings.push(message);
		runner.log.warning(message, 'nix-cache-action');
	};
	const [{ reads, decision }] = await Promise.all([
		lookAtCache(session, store, warn, signal),
		takeSnapshot(store.realStoreDir).then((snapshot) => writeSnapshot(snapshotFile, snapshot)),
	]);
	const cacheFailed = inputs.caches.length > 0 && reads.substituters.length === 0;
	const { canPush, whyNot } = decision;
	keep({ main: { store: store.description, snapshotFile, cacheFailed, canPush, whyNot, warnings } });
	const route = await applySettings(session, store, reads, signal);
	const serving = route === 'advice-only' ? [] : [...reads.substituters, ...inputs.substituters];
	const kind = route === 'advice-only' || reads.substituters.length === 0 ? 'none' : (inputs.caches[0]?.kind ?? 'none');
	setOutputs(session, kind, decision.canPush, serving);
	sayWhatServes(session, decision, serving);
}

/** Decides whether the job pushes, and asks the cache whether it can be used. An outage costs the substituter, never the job. */
async function lookAtCache(
	session: Session,
	store: LocalStore,
	warn: (message: string) => void,
	signal: AbortSignal,
): Promise<{ readonly reads: NixReads; readonly decision: PushDecision }> {
	const { inputs, runner } = session;
	const target = inputs.caches[0] ?? null;
	const netrc = await knownNetrc(inputs, store, signal);
	const decision = decidePush(inputs, target, runner.env.GITHUB_EVENT_NAME ?? '', netrc);
	if (target === null) return { reads: NO_READS, decision };
	try {
		return await withCache(session, store, target, netrc, EFFORT, async (backend) => {
			const { readable, note } = await backend.check(decision.canPush, signal);
			if (note !== null) warn(note);
			return { reads: readable ? backend.reads() : NO_READS, decision };
		});
	} catch (error) {
		if (!isCacheError(error)) throw error;
		const lasting = isCacheError(error, ...LASTING);
		if (lasting && inputs.push === 'always') {
			throw new CacheError('push-impossible', `\`push\` is \`always\`, but ${error.message}`, {
				hint: error.hint ?? undefined,
				cause: error,
			});
		}
		const fallback = inputs.fallback === 'none' ? '' : ' (the Actions cache as a fallback is not built yet)';
		warn(`${describeError(error)} The job goes on without this cache${fallback}.`);
		return { reads: NO_READS, decision: lasting ? { canPush: false, whyNot: error.message } : decision };
	}
}

function setOutputs({ inputs, runner, state }: Session, kind: BackendKind, canPush: boolean, serving: readonly string[]): void {
	runner.setOutput('cache', kind);
	runner.setOutput('can-push', String(canPush));
	runner.setOutput('substituters', serving.join(' '));
	runner.setOutput('public-key', inputs.signingKey === null ? '' : formatPublicKey(publicKeyOf(inputs.signingKey)));
	runner.setOutput('report', state().reportFile);
}

function sayWhatServes({ inputs, runner }: Session, decision: PushDecision, serving: readonly string[]): void {
	const { log } = runner;
	log.info(serving.length > 0 ? `Nix reads from ${serving.join(', ')}.` : 'No cache serves this job.');
	if (!decision.canPush) {
		log.info(`Nothing is pushed at the end of the job: ${decision.whyNot ?? 'this job only reads.'}`);
		return;
	}
	log.info('What the job adds to the store is pushed at its end.');
	if (inputs.signingKey === null) {
		log.notice(
			'No `signing-key`: paths go up with the signatures that they have, and Nix ignores those without one unless the server signs.',
			'nix-cache-action',
		);
	}
}
