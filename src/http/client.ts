import type { Log } from '../log.ts';
import { type Clock, systemClock, throwIfAborted } from '../waiting/cancel.ts';
import { type AttemptMeans, attempt } from './attempt.ts';
import { openConnections } from './connections.ts';
import type { Answer, Timeouts } from './exchange.ts';
import { describeRequest, errorOf } from './failure.ts';
import { createHostPace, type HostPace } from './host-pace.ts';
import type { Env } from './proxy.ts';
import { createRefusedSizes } from './refused-sizes.ts';
import type { HttpRequest } from './request.ts';

export type HttpAnswer = Answer;

/** One for all requests of a phase: pools, back-off and what hosts refused are shared. Closed where it was made. */
export interface HttpClient {
	/**
	 * Sends a request until there is an answer: again, with full jitter, after failures that may pass, and after redirects.
	 * @throws CacheError with the codes `cache-*`, `cancelled` or `deadline` (by `signal`), `file-failed` when the body can't be read
	 */
	request(request: HttpRequest): Promise<HttpAnswer>;
	/** Ends all connections. No other call may follow. */
	close(): Promise<void>;
}

export interface HttpClientOptions {
	/** For the proxy and the certificate authorities. */
	readonly env: Env;
	readonly log: Log;
	/** Connections, and so requests in flight, for each host. Default 32. */
	readonly connections?: number;
	/** Tries for one request. Default 8. */
	readonly attempts?: number;
	/** How long a host may fail without one success before requests to it are given up. Default 90,000. */
	readonly patienceMs?: number;
	/** Default 15,000. */
	readonly connectTimeoutMs?: number;
	/** Default 60 s each; for an upload 100 ms more per MB. */
	readonly timeouts?: Timeouts;
	readonly clock?: Clock;
	/** Uniform in [0, 1). */
	readonly random?: () => number;
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
	const { env, log, clock = systemClock, connections: perHost = 32 } = options;
	const { random = Math.random, attempts = 8, patienceMs = 90_000 } = options;
	const means: AttemptMeans = {
		connections: openConnections({ env, log, connections: perHost, connectTimeoutMs: options.connectTimeoutMs ?? 15_000 }),
		refusedSizes: createRefusedSizes(),
		timeouts: options.timeouts ?? { headersMs: 60_000, bodyMs: 60_000 },
		clock,
	};
	const paces = new Map<string, HostPace>();
	const paceOf = (origin: string): HostPace => {
		const pace = paces.get(origin) ?? createHostPace({ clock, random, connections: perHost, attempts, patienceMs });
		paces.set(origin, pace);
		return pace;
	};
	return {
		request: (request) => untilAnswered(request, paceOf(request.url.origin), means, log),
		close: () => means.connections.close(),
	};
}

async function untilAnswered(request: HttpRequest, pace: HostPace, means: AttemptMeans, log: Log): Promise<HttpAnswer> {
	let doing = describeRequest(request.method, request.url);
	let holdBody = false;
	for (let number = 1; ; number++) {
		const enteredAtMs = await pace.enter(request.signal, doing);
		const result = await attempt(request, holdBody, means).finally(() => pace.leave());
		if (result.failure === null) {
			pace.succeeded();
			return result.answer;
		}
		const { retry, retryAfterMs, message } = result.failure;
		const setback = { overloaded: retry === 'overloaded', retryAfterMs, attempt: number, enteredAtMs };
		const waitMs = retry === 'no' ? null : pace.failed(setback);
		if (waitMs === null) throw errorOf(result.failure, number);
		log.debug(`${message}; trying again (${number})`);
		// A server may refuse an upload (413, 401) and close before it is heard. With the body held back the refusal can be read.
		holdBody = result.wasCut;
		doing = message;
		await means.clock.sleep(waitMs, request.signal);
		throwIfAborted(request.signal, doing);
	}
}
