import type { Readable } from 'node:stream';
import { CacheError } from '../errors.ts';
import type { Inputs } from '../inputs/inputs.ts';
import { findStore } from '../phases/actions-cache.ts';
import { pushNewPaths } from '../phases/push-new-paths.ts';
import { type Stop, stopOnSignals } from '../phases/stop.ts';
import { NO_READS } from '../phases/substituter.ts';
import { reportLines } from '../report/lines.ts';
import { problemOf } from '../report/problem.ts';
import { makeReport, type Report, type ReportFacts, reportJson } from '../report/report.ts';
import type { LocalStore } from '../store/local-store.ts';
import { type CommandSession, inputsOf, openCommandSession, openStore, pushingTo } from './command-session.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitStatus, exitOfPush } from './exit-status.ts';
import { usageError } from './parse.ts';
import { inOurWords } from './words.ts';

/** A million paths. */
const MAX_STDIN_BYTES = 128 * 2 ** 20;
const ASKING_TIMEOUT_MS = 60_000;

const NOTHING: ReportFacts = {
	caches: [],
	added: null,
	served: [],
	serveErrors: {},
	storePaths: 0,
	durationsMs: {},
	warnings: [],
};

/** `push URL PATH...` */
export async function push(context: Context): Promise<ExitStatus> {
	const { args, terminal } = context;
	const [url = '', ...operands] = args.operands;
	const paths = await pathsOf(operands, context.stdin);
	const inputs = await inputsOf(context, { cache: url, paths: paths.join('\n') });
	if (paths.length === 0) {
		// What was to be pushed is all there.
		tell(context, makeReport(NOTHING), ['No paths were named.']);
		return EXIT.well;
	}
	const store = await openStore(context);
	const session = await openCommandSession(context, inputs);
	const stop = stopOnSignals(terminal.log);
	try {
		sayWhatIsUnsigned(context, inputs);
		session.decide(pushingTo(store, await indexesFor(session, store, stop.signal)));
		const dry = args.switches.has('dry-run');
		const report = await pushNewPaths(dry ? dryRun(session) : session, store, stop, NO_READS, new Map());
		tell(context, report, reportLines(report));
		return ended(context, report, stop);
	} finally {
		stop.close();
		await session.close();
	}
}

async function pathsOf(operands: readonly string[], stdin: Readable): Promise<readonly string[]> {
	const lines = operands.includes('-') ? await linesOf(stdin) : [];
	const paths = [...operands.filter((operand) => operand !== '-'), ...lines];
	if (paths.some((path) => path.trim() === '' || /[\r\n]/.test(path)))
		throw usageError('A PATH is empty, or has a line break in it.');
	return paths;
}

async function linesOf(stdin: Readable): Promise<readonly string[]> {
	const parts: Buffer[] = [];
	let sizeBytes = 0;
	for await (const part of stdin) {
		const bytes = Buffer.from(part);
		sizeBytes += bytes.length;
		if (sizeBytes > MAX_STDIN_BYTES) throw usageError('There is more on standard input than a list of paths.');
		parts.push(bytes);
	}
	const lines = Buffer.concat(parts).toString('utf8').split('\n');
	return lines.map((line) => line.trim()).filter((line) => line !== '');
}

/** The plan depends on what the store in the Actions cache holds, which a job reads once. */
async function indexesFor(session: CommandSession, store: LocalStore, stopped: AbortSignal): Promise<string | null> {
	if (session.inputs.caches[0]?.kind !== 'actions-cache') return null;
	const {
		store: found,
		whyNone,
		whyNoPush,
	} = await findStore(session, store, AbortSignal.any([stopped, AbortSignal.timeout(ASKING_TIMEOUT_MS)]));
	const whyNot = found === null ? whyNone : whyNoPush;
	if (whyNot !== null) throw new CacheError('cache-unreachable', `The Actions cache can't be used: ${whyNot}`);
	return found?.indexesFolder ?? null;
}

function dryRun(session: CommandSession): CommandSession {
	const { runner } = session;
	return { ...session, runner: { ...runner, env: { ...runner.env, NIX_CACHE_ACTION_DRY_RUN: 'true' } } };
}

function sayWhatIsUnsigned({ terminal }: Context, { caches, signingKey }: Inputs): void {
	const kind = caches[0]?.kind;
	if (signingKey !== null || !(kind === 'http' || kind === 's3' || kind === 'file' || kind === 'nix-copy')) return;
	terminal.log.notice(
		'No `signing-key`: paths go up with the signatures that they have, and Nix ignores those without one unless the server signs.',
	);
}

function tell({ terminal, wantsJson }: Context, report: Report, lines: readonly string[]): void {
	if (wantsJson) terminal.print(reportJson(report).trimEnd());
	else for (const line of lines) terminal.print(inOurWords(line));
}

function ended({ terminal }: Context, { caches }: Report, stop: Stop): ExitStatus {
	const [cache] = caches;
	if (cache === undefined) return EXIT.well;
	const status = stop.signal.aborted ? EXIT.interrupted : exitOfPush(cache);
	const problem = problemOf(cache, stop.signal.aborted);
	const vanished = cache.counts.vanished?.paths ?? 0;
	if (problem !== null) terminal.fail(problem);
	else if (vanished > 0) terminal.fail(`${vanished} paths are not in the store (any more).`);
	return status;
}
