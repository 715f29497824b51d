import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NO_FINDINGS, type PackFindings } from '../backends/actions-cache/packs.ts';
import { describeError, isCacheError } from '../errors.ts';
import { findNetrc, type NetrcEntry } from '../nix/netrc.ts';
import type { ReportServed } from '../report/report.ts';
import type { LocalStore } from '../store/local-store.ts';
import { startDaemon, stopDaemon } from '../substituter/daemon.ts';
import { readStatistics } from '../substituter/daemon-folder.ts';
import { knownNetrc } from './configure.ts';
import type { MountOrder, ServeHandover } from './serve-handover.ts';
import type { KeptSession, Session } from './session.ts';

/** The process that serves to Nix what that can't read by itself, as main started it. */
export interface RunningSubstituter {
	/** Of its files: all that post needs. */
	readonly folder: string;
	/** For `extra-substituters`, in the order of what was to be served. */
	readonly storeUrls: readonly string[];
	readonly netrc: NetrcEntry;
}

/** What the job read through the local substituter, as far as serve told. */
export interface JobReads {
	/** Hash parts of the paths whose NARs were read. */
	readonly used: ReadonlySet<string>;
	/** There once serve has ended. */
	readonly packFindings: Promise<PackFindings>;
	/** What was served, by cache; empty: nothing ran. */
	readonly served: readonly ReportServed[];
	/** Failures of the caches behind it, by code: how often. */
	readonly errors: Readonly<Record<string, number>>;
}

/** Nothing was served. */
export const NO_READS: JobReads = { used: new Set(), packFindings: Promise.resolve(NO_FINDINGS), served: [], errors: {} };

const START_TIMEOUT_MS = 20_000;

/** Starts serve, which serves `mounts`. That it can't be started costs the job what it would have served: a warning, and `null`. */
export async function startLocalSubstituter(
	session: Session,
	store: LocalStore,
	mounts: readonly MountOrder[],
	signal: AbortSignal,
): Promise<RunningSubstituter | null> {
	const { inputs, runner, state } = session;
	const folder = join(state().folder, 'serve');
	const netrc = await knownNetrc(inputs, store, signal);
	const handover: ServeHandover = { version: 1, storeDir: store.storeDir, netrc, mounts };
	try {
		// A netrc has one entry for a host, so a cache of the user's on this very machine shares its credentials with ours.
		const there = findNetrc(netrc, '127.0.0.1');
		await mkdir(folder, { recursive: true, mode: 0o700 });
		const { url, credentials } = await startDaemon({
			nodePath: process.execPath,
			script: join(import.meta.dirname, 'serve.js'),
			env: runner.env,
			folder,
			handover,
			...(there === null ? {} : { credentials: { username: there.login, password: there.password } }),
			timeoutMs: START_TIMEOUT_MS,
			log: runner.log,
			signal,
		});
		runner.log.mask(credentials.password);
		passProxyBy(runner);
		return {
			folder,
			storeUrls: mounts.map(({ name, isTrusted }) => `${url}/${name}${isTrusted ? '?trusted=1' : ''}`),
			netrc: { machine: new URL(url).hostname, login: credentials.username, password: credentials.password },
		};
	} catch (error) {
		if (!isCacheError(error)) throw error;
		runner.log.warning(
			`${describeError(error)} The job goes on without what it would have served: ${mounts.map(({ label }) => label).join(', ')}.`,
			'nix-cache-action',
		);
		return null;
	}
}

/** A proxy can't reach this machine's own address, and Nix would ask it for our URL (curl reads `http_proxy` in lower case alone). */
function passProxyBy({ env, exportVariable }: Session['runner']): void {
	if (!env.http_proxy && !env.all_proxy && !env.ALL_PROXY) return;
	const exempt = (env.no_proxy ?? env.NO_PROXY ?? '').split(',').filter((host) => host !== '');
	if (exempt.includes('127.0.0.1') || exempt.includes('*')) return;
	exportVariable('no_proxy', [...exempt, '127.0.0.1'].join(','));
}

/** Ends serve, when there is one, and gathers what it did. Never throws: what is not known costs some requests more. */
export async function stopLocalSubstituter({ runner, state }: KeptSession): Promise<JobReads> {
	const folder = state().main?.substituterFolder ?? null;
	if (folder === null) return NO_READS;
	try {
		await stopDaemon(folder, { log: runner.log });
		const statistics = await readStatistics(folder);
		const packFindings = Promise.resolve(await readPackFindings(folder));
		if (statistics === null) return { ...NO_READS, packFindings };
		const { served, mounts, errors } = statistics;
		const labels = state().main?.served ?? {};
		const reads = Object.entries(mounts).map(([name, { paths, narBytes, narsCut }]) => ({
			label: labels[name] ?? name,
			paths,
			bytes: narBytes,
			cut: narsCut,
		}));
		return { used: new Set(served), packFindings, served: reads, errors };
	} catch (error) {
		runner.log.debug(describeError(error));
		return NO_READS;
	}
}

const FINDINGS = 'packs.json';

/** Keeps what serve learned of the packs, for post. */
export async function writePackFindings(folder: string, findings: PackFindings): Promise<void> {
	await writeFile(join(folder, FINDINGS), JSON.stringify(findings), { mode: 0o600 });
}

/** None when serve could not write them, for example since it was killed. */
async function readPackFindings(folder: string): Promise<PackFindings> {
	try {
		const { there, gone }: { there: unknown; gone: unknown } = JSON.parse(await readFile(join(folder, FINDINGS), 'utf8'));
		return { there: textsOf(there), gone: textsOf(gone) };
	} catch {
		return NO_FINDINGS;
	}
}

function textsOf(value: unknown): readonly string[] {
	return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
