import type { Readable } from 'node:stream';
import type { PathReader } from '../backends/path-reader.ts';
import type { Log } from '../log.ts';
import { formatCacheInfo } from '../nix/cache-info.ts';
import type { NarInfo } from '../nix/narinfo.ts';
import { parseRange } from './byte-range.ts';
import { type Credentials, credentialsCheck } from './credentials.ts';
import { parseNarAddress } from './nar-address.ts';
import { createNarAnswers, type OpenNar } from './nar-answers.ts';
import { createNarInfoAnswers } from './narinfo-answers.ts';
import { createOutage } from './outage.ts';
import type { MountCounters } from './statistics.ts';
import { createTrouble } from './trouble.ts';

export interface SubstituterRequest {
	readonly method: string;
	/** As in the request line: `/<random>/nix-cache-info`. */
	readonly path: string;
	/** Names in lower case. */
	readonly headers: { readonly authorization?: string | undefined; readonly range?: string | undefined };
}

export interface SubstituterAnswer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	/** `null` for HEAD, whatever the length in the headers. A stream fails when the rest of a NAR can't be had: then the connection must be cut. */
	readonly body: null | Buffer | Readable;
}

/** Never throws. `signal` aborts when the client is gone or all is sent; a body that is a stream must be read or destroyed. */
export type Handler = (request: SubstituterRequest, signal: AbortSignal) => Promise<SubstituterAnswer>;

export interface HandlerOptions {
	readonly reader: PathReader;
	/** Where the URL's path begins, without slashes: 32 random hexadecimal digits, say. */
	readonly prefix: string;
	readonly credentials: Credentials;
	readonly storeDir: string;
	/** The lower, the earlier Nix asks; cache.nixos.org has 40. */
	readonly priority: number;
	/** Applied to each narinfo before it is sent, such as to add a signature; its URL is already ours. */
	readonly sign?: ((info: NarInfo) => NarInfo) | undefined;
	readonly limits?: Partial<HandlerLimits> | undefined;
	readonly counters: MountCounters;
	readonly log: Log;
	/** Ends all that is running. */
	readonly signal: AbortSignal;
	/** Monotonic. */
	readonly nowMs?: (() => number) | undefined;
}

export interface HandlerLimits {
	/** From a narinfo request to its answer. */
	readonly narInfoMs: number;
	/** From a NAR request to its first byte. */
	readonly narStartMs: number;
	/** From some bytes of a NAR to the next. */
	readonly narStallMs: number;
	/** How often one NAR is taken up again in the middle. */
	readonly narResumes: number;
	/** How long a path that was not there is believed to be missing. */
	readonly missMs: number;
	/** Failures in a row after which everything is a miss, and for how long. */
	readonly outageFailures: number;
	readonly outagePauseMs: number;
}

const DEFAULT_LIMITS: HandlerLimits = {
	narInfoMs: 20_000,
	narStartMs: 60_000,
	narStallMs: 60_000,
	narResumes: 5,
	missMs: 3_000,
	outageFailures: 5,
	outagePauseMs: 30_000,
};

/** Hash part of a narinfo's name: 32 digits of Nix's base 32. */
const NARINFO = /^([0-9a-df-np-sv-z]{32})\.narinfo$/;
const NOT_THERE: SubstituterAnswer = { status: 404, headers: { 'content-length': '0' }, body: null };
/** Not 401: Nix 2.35 and later take that for an error of the cache, this one for a miss. */
const REFUSED: SubstituterAnswer = { status: 403, headers: { 'content-length': '0' }, body: null };

/**
 * What the local substituter answers, without sockets: the binary cache protocol as far as Nix reads it, over one reader. Whatever goes wrong behind it is a
 * 404, since most other answers make Nix fail the build; docs/decisions/010-local-substituter.md has them all. Nothing here writes.
 */
export function createHandler(options: HandlerOptions): Handler {
	const { reader, counters, signal: always, storeDir } = options;
	const limits = { ...DEFAULT_LIMITS, ...options.limits };
	const nowMs = options.nowMs ?? (() => performance.now());
	const outage = createOutage({ failures: limits.outageFailures, pauseMs: limits.outagePauseMs, nowMs });
	const trouble = createTrouble(counters, options.log);
	const shared = { reader, outage, trouble };
	const narInfo = createNarInfoAnswers({
		...shared,
		storeDir,
		sign: options.sign ?? ((info) => info),
		limitMs: limits.narInfoMs,
		missMs: limits.missMs,
		nowMs,
		signal: always,
	});
	const nar = createNarAnswers({
		...shared,
		startMs: limits.narStartMs,
		stallMs: limits.narStallMs,
		maxResumes: limits.narResumes,
		counters,
	});
	const isAllowed = credentialsCheck(options.credentials);
	const cacheInfo = Buffer.from(formatCacheInfo({ storeDir, wantMassQuery: true, priority: options.priority }));
	const root = `/${options.prefix}/`;

	const answer = async ({ path, headers }: SubstituterRequest, signal: AbortSignal): Promise<SubstituterAnswer> => {
		const name = path.startsWith(root) ? path.slice(root.length) : '';
		if (name === 'nix-cache-info') return whole('text/x-nix-cache-info', cacheInfo);
		const hashPart = NARINFO.exec(name)?.[1];
		if (hashPart !== undefined) {
			const text = await narInfo(hashPart);
			counters.narInfo(text !== null);
			return text === null ? NOT_THERE : whole('text/x-nix-narinfo', text);
		}
		const address = parseNarAddress(name);
		if (address === null) return NOT_THERE;
		const asked = parseRange(headers.range);
		const opened = await nar(address, asked, AbortSignal.any([signal, always]));
		return opened === null ? NOT_THERE : narAnswer(opened, asked !== null);
	};

	return async (request, signal) => {
		try {
			if (!isAllowed(request.headers.authorization)) {
				counters.refused();
				return REFUSED;
			}
			if (request.method === 'GET') return await answer(request, signal);
			if (request.method === 'HEAD') return withoutBody(await answer(request, signal));
		} catch (error) {
			trouble(error, `${request.method} request`);
		}
		return NOT_THERE;
	};
}

function whole(type: string, body: Buffer): SubstituterAnswer {
	return { status: 200, headers: { 'content-type': type, 'content-length': String(body.length) }, body };
}

function narAnswer({ totalBytes, range, body }: OpenNar, isPart: boolean): SubstituterAnswer {
	const common = { 'accept-ranges': 'bytes', 'content-type': 'application/x-nix-nar' };
	if (totalBytes === null) return { status: 200, headers: common, body };
	if (range === null) {
		return { status: 416, headers: { ...common, 'content-range': `bytes */${totalBytes}`, 'content-length': '0' }, body: null };
	}
	const headers = { ...common, 'content-length': String(range.end - range.start + 1) };
	if (!isPart) return { status: 200, headers, body };
	return { status: 206, headers: { ...headers, 'content-range': `bytes ${range.start}-${range.end}/${totalBytes}` }, body };
}

function withoutBody({ status, headers, body }: SubstituterAnswer): SubstituterAnswer {
	if (body !== null && !Buffer.isBuffer(body)) body.destroy();
	return { status, headers, body: null };
}
