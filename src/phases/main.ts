import { join } from 'node:path';
import type { Backend, NixReads } from '../backends/backend.ts';
import { CacheError, describeError, isCacheError } from '../errors.ts';
import { findNetrc } from '../nix/netrc.ts';
import { formatPublicKey, publicKeyOf } from '../nix/signature.ts';
import { type LocalStore, openLocalStore } from '../store/local-store.ts';
import { takeSnapshot, writeSnapshot } from '../store/snapshot.ts';
import { withCache } from './cache.ts';
import { applySettings } from './configure.ts';
import { decidePush, type PushDecision } from './push-policy.ts';
import { runPhase } from './run.ts';
import { createRunner } from './runner.ts';
import { openSession, type Session } from './session.ts';

/** The longest that main may take in all: a job must not wait for a cache that does not answer. */
const MAIN_TIMEOUT_MS = 120_000;

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

function withoutNix({ inputs, runner, keep }: Session): void {
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
	keep({ main: { store: null, snapshotFile: null, canPush: false, whyNot, warnings: [] } });
	setOutputs(session, 'none', false, NO_READS);
}

async function withNix(session: Session, store: LocalStore, signal: AbortSignal): Promise<void> {
	const { inputs, runner, keep } = session;
	const snapshotFile = join(session.state().folder, 'snapshot');
	const warnings: string[] = [];
	const warn = (message: string): void => {
		warnings.push(message);
		runner.log.warning(message, 'nix-cache-action');
	};
	const target = inputs.caches[0] ?? null;
	const [looked] = await Promise.all([
		withCache(session, store, signal, async (backend, netrc) => {
			const decision = decidePush(inputs, target, runner.env.GITHUB_EVENT_NAME ?? '', netrc);
			return look(session, backend, decision, signal, warn);
		}),
		takeSnapshot(store.realStoreDir).then((snapshot) => writeSnapshot(snapshotFile, snapshot)),
	]);
	const { reads, decision } = looked ?? { reads: NO_READS, decision: decidePush(inputs, null, '', []) };
	keep({ main: { store: store.description, snapshotFile, canPush: decision.canPush, whyNot: decision.whyNot, warnings } });
	await applySettings(session, store, reads, signal);
	if (target !== null && decision.canPush && inputs.signingKey === null) {
		runner.log.notice(
			'No `signing-key`: paths go up with the signatures that they have, and Nix ignores those without one unless the server signs.',
			'nix-cache-action',
		);
	}
	setOutputs(session, reads.substituters.length > 0 ? (target?.kind ?? 'none') : 'none', decision.canPush, reads);
	say(session, reads, decision);
}

/** Asks the cache whether it can be used. An outage costs the substituter, never the job. */
async function look(
	{ inputs, runner }: Session,
	backend: Backend,
	decision: PushDecision,
	signal: AbortSignal,
	warn: (message: string) => void,
): Promise<{ reads: NixReads; decision: PushDecision }> {
	try {
		const { readable, note } = await backend.check(decision.canPush, signal);
		if (note !== null) warn(note);
		return { reads: readable ? backend.reads() : NO_READS, decision };
	} catch (error) {
		if (!isCacheError(error)) throw error;
		const lasting = isCacheError(error, 'cache-unauthorized', 'cache-forbidden', 'cache-invalid', 'cache-tls');
		if (lasting && inputs.push === 'always') {
			throw new CacheError('push-impossible', `\`push\` is \`always\`, but ${error.message}`, {
				hint: error.hint ?? undefined,
				cause: error,
			});
		}
		warn(`${describeError(error)} Nix goes on without this cache${fallbackNote(inputs.fallback)}.`);
		runner.log.debug(String(error.stack));
		return { reads: NO_READS, decision: lasting ? { canPush: false, whyNot: error.message } : decision };
	}
}
