import { isCacheError, systemCode } from '../errors.ts';
import type { Clock } from '../waiting/cancel.ts';
import { failureOfError, isReset } from './connection-failure.ts';
import type { Connections } from './connections.ts';
import { authorization } from './credentials.ts';
import { type Answer, exchange, type Timeouts } from './exchange.ts';
import { type Asked, type Failure, failureOfAnswer } from './failure.ts';
import { redirectTarget } from './redirect.ts';
import type { RefusedSizes } from './refused-sizes.ts';
import type { HttpRequest } from './request.ts';

export interface AttemptMeans {
	readonly connections: Connections;
	readonly refusedSizes: RefusedSizes;
	readonly timeouts: Timeouts;
	readonly clock: Clock;
}

/** What came of one try. `wasCut`: the other side ended the connection before it answered. */
export type Attempt =
	| { readonly answer: Answer; readonly failure: null }
	| { readonly answer: null; readonly failure: Failure; readonly wasCut: boolean };

/** How long a server gets to refuse an upload on the sight of its head, after it cut the line on the try before. */
const HOLD_BODY_MS = 1_000;
const USER_AGENT = 'nix-cache-action';

/**
 * One try: the request and the redirects that it meets.
 * @throws CacheError for what no further try would mend
 */
export async function attempt(request: HttpRequest, holdBody: boolean, means: AttemptMeans): Promise<Attempt> {
	let asked: Asked = {
		method: request.method,
		url: request.url,
		sizeBytes: request.body?.sizeBytes ?? null,
		credentials: request.credentials ?? null,
		redirectedFrom: null,
	};
	for (let redirects = 0; ; redirects++) {
		means.refusedSizes.check(asked);
		const answer = await send(request, asked, holdBody, means).catch((error: unknown) => ({ error }));
		if ('error' in answer) {
			if (isCacheError(answer.error)) throw answer.error;
			return { answer: null, failure: failureOfError(answer.error, asked), wasCut: isReset(systemCode(answer.error)) };
		}
		if (request.accept.includes(answer.status)) return { answer, failure: null };
		const target = redirectTarget(answer, asked, redirects);
		if (target === null) {
			if (answer.status === 413) means.refusedSizes.learn(asked);
			return { answer: null, failure: failureOfAnswer(answer, asked, Date.now()), wasCut: false };
		}
		const credentials = target.origin === asked.url.origin ? asked.credentials : null;
		asked = { ...asked, url: target, credentials, redirectedFrom: asked.url };
	}
}

function send(request: HttpRequest, { url, credentials }: Asked, holdBody: boolean, means: AttemptMeans): Promise<Answer> {
	return exchange(
		means.connections,
		{
			method: request.method,
			url,
			headers: {
				'user-agent': USER_AGENT,
				...request.headers,
				...(credentials === null ? {} : { authorization: authorization(credentials) }),
			},
			body: request.body ?? null,
			holdBodyMs: holdBody ? HOLD_BODY_MS : 0,
			wanted: (status) => status < 300 && request.accept.includes(status),
			limitBytes: request.limitBytes,
			streamed: request.streamed ?? false,
			signal: request.signal,
		},
		means.timeouts,
		means.clock,
	);
}
