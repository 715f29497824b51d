import { setTimeout as sleep } from 'node:timers/promises';
import type { PathReader } from '../backends/path-reader.ts';
import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import { readAddress, takeOrders, writeAddress, writeStatistics } from './daemon-folder.ts';
import { ownIdentity } from './process-identity.ts';
import { type Substituter, type SubstituterOptions, startSubstituter } from './server.ts';
import { withinLimit } from './within-limit.ts';

/** What is served: a cache that was opened, and how. The background process closes the reader. */
export type Served = Pick<SubstituterOptions, 'reader' | 'storeDir' | 'priority' | 'sign' | 'limits'>;

export interface RunDaemonOptions {
	/** The one that `startDaemon` was given. */
	readonly folder: string;
	/** Opens the cache from what `startDaemon` was given, a JSON value. `signal` aborts when the process is to end. */
	readonly open: (handover: unknown, signal: AbortSignal) => Promise<Served>;
	readonly log: Log;
	readonly times?: Partial<DaemonTimes> | undefined;
}

export interface DaemonTimes {
	/** Between two looks: have the statistics changed, is the folder still there? */
	readonly lookMs: number;
	/** After this the process ends, whatever happens: a job has at most six hours on GitHub's machines. */
	readonly lifeMs: number;
	readonly closeMs: number;
}

const DEFAULT_TIMES: DaemonTimes = { lookMs: 2_000, lifeMs: 7 * 3_600_000, closeMs: 2_000 };
/** The parent has its own, shorter limit. */
const OPEN_MS = 10 * 60_000;

/**
 * The background process: takes its orders from the folder, opens the cache, serves it, and says so in the folder. It ends on SIGTERM and SIGINT, when its folder
 * has gone, and after a lifetime; whatever else happens, it goes on, because Nix fails builds when a substituter disappears. Returns when all is closed and the
 * last statistics are written. @throws CacheError when it can't begin
 */
export async function runDaemon({ folder, open, log, times }: RunDaemonOptions): Promise<void> {
	const { lookMs, lifeMs, closeMs } = { ...DEFAULT_TIMES, ...times };
	const end = new AbortController();
	const onSignal = (signal: NodeJS.Signals): void => end.abort(signal);
	process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
	const onSurprise = (error: unknown): void => log.error(`Unexpected, and survived: ${describeError(error)}`);
	try {
		const { credentials, prefix, handover } = await takeOrders(folder);
		const discard = (late: Served): void => void closeReader(late.reader, log, closeMs);
		const served = await withinLimit({ limitMs: OPEN_MS, signal: end.signal, doing: 'Opening the cache', discard }, (signal) =>
			open(handover, signal),
		);
		try {
			const substituter = await startSubstituter({ ...served, credentials, prefix, log });
			process.on('uncaughtException', onSurprise).on('unhandledRejection', onSurprise);
			try {
				await writeAddress(folder, { ...ownIdentity(), port: substituter.port, url: substituter.url });
				log.info(`Serving ${served.reader.label} at port ${substituter.port}.`);
				log.info(`The end: ${await untilEnd(substituter, folder, { lookMs, lifeMs }, end.signal)}.`);
			} finally {
				await substituter.close(closeMs);
				await keepStatistics(substituter, folder);
			}
		} finally {
			await closeReader(served.reader, log, closeMs);
		}
	} finally {
		process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
		process.off('uncaughtException', onSurprise).off('unhandledRejection', onSurprise);
	}
}

/** Writes statistics when they changed. Gives the reason why it is over. */
async function untilEnd(
	substituter: Substituter,
	folder: string,
	{ lookMs, lifeMs }: Pick<DaemonTimes, 'lookMs' | 'lifeMs'>,
	signal: AbortSignal,
): Promise<string> {
	const deadline = performance.now() + lifeMs;
	for (let written = -1; ; ) {
		const revision = substituter.revision();
		if (revision !== written && (await keepStatistics(substituter, folder))) written = revision;
		await sleep(lookMs, undefined, { signal }).catch(() => undefined);
		if (signal.aborted) return String(signal.reason);
		if (performance.now() > deadline) return 'the longest life of a job is over';
		if ((await readAddress(folder))?.pid !== process.pid) return 'the folder has gone';
	}
}

/** Whether they could be written: a full disk is no reason to end, and a folder that has gone is found by the next look. */
async function keepStatistics(substituter: Substituter, folder: string): Promise<boolean> {
	return writeStatistics(folder, substituter.statistics()).then(
		() => true,
		() => false,
	);
}

async function closeReader(reader: PathReader, log: Log, limitMs: number): Promise<void> {
	await withinLimit({ limitMs, signal: new AbortController().signal, doing: 'Closing the cache' }, () => reader.close()).catch(
		(error: unknown) => log.debug(describeError(error)),
	);
}
