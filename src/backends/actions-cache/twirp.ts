/**
 * The Actions cache's service, protocol v2: Twirp with JSON, `POST <base>/twirp/github.actions.results.api.v1.CacheService/<method>`. As `@actions/cache` speaks it
 * (its `cacheTwirpClient.ts` and the generated `results/api/v1/cache.ts`); GitHub has not published it.
 */

import { bodyOfText } from '../../bodies/in-memory.ts';
import { CacheError, isCacheError } from '../../errors.ts';
import type { HttpAnswer, HttpClient } from '../../http/client.ts';

export type TwirpMethod = 'CreateCacheEntry' | 'FinalizeCacheEntryUpload' | 'GetCacheEntryDownloadURL';

/** What the service said, as far as its clients act on it. */
export type TwirpAnswer =
	| { readonly kind: 'ok'; readonly fields: Readonly<Record<string, unknown>> }
	/** `ok: false`, or an entry that is there already. */
	| { readonly kind: 'not-ok' };

export interface Twirp {
	/** Throws `cache-unauthorized`, `cache-forbidden`, `cache-read-only`, `cache-throttled`, `cache-failing`, `cache-invalid`, `cache-unreachable`. */
	call(method: TwirpMethod, request: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<TwirpAnswer>;
}

export interface TwirpOptions {
	readonly client: HttpClient;
	/** `ACTIONS_RESULTS_URL`. */
	readonly baseUrl: URL;
	/** `ACTIONS_RUNTIME_TOKEN`. */
	readonly token: string;
}

const MAX_ANSWER_BYTES = 256 * 1024;

/** Statuses that carry a Twirp error to be understood here; others are the HTTP client's business (it waits for 429 and tries 5xx again). */
const UNDERSTOOD = [200, 400, 401, 403, 404, 409, 412];

/** How the service begins its refusals (`@actions/cache`, `CACHE_WRITE_DENIED_PREFIX` and `CACHE_READ_DENIED_PREFIX`). */
const WRITE_DENIED = 'cache write denied:';
const READ_DENIED = 'cache read denied:';
const QUOTA = 'insufficient usage';

export const THROTTLED_HINT =
	'GitHub takes about 200 new entries a minute of a repository, from all of its jobs and actions together: let fewer of them save at the same time. Later jobs push what is missing.';

export function createTwirp({ client, baseUrl, token }: TwirpOptions): Twirp {
	const ask = (method: TwirpMethod, request: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<HttpAnswer> =>
		client
			.request({
				method: 'POST',
				url: new URL(`/twirp/github.actions.results.api.v1.CacheService/${method}`, baseUrl),
				headers: { 'content-type': 'application/json', accept: 'application/json' },
				body: bodyOfText(JSON.stringify(request)),
				credentials: { kind: 'bearer', token },
				accept: UNDERSTOOD,
				limitBytes: MAX_ANSWER_BYTES,
				signal,
			})
			.catch((error: unknown) => {
				throw isCacheError(error, 'cache-throttled') ? throttled(error) : error;
			});
	return {
		async call(method, request, signal) {
			const first = await ask(method, request, signal);
			// The page of a proxy, in place of an answer, may be none the next time; `@actions/cache` tries again too.
			const answer = first.status === 200 && fieldsOf(first) === null ? await ask(method, request, signal) : first;
			return answer.status === 200 ? understood(method, answer) : refused(method, answer, token);
		},
	};
}

function understood(method: TwirpMethod, answer: HttpAnswer): TwirpAnswer {
	const fields = fieldsOf(answer);
	if (fields === null) throw strange(method, 'something that is not JSON');
	if (fields.ok === true) return { kind: 'ok', fields };
	const denial = denialIn(textOf(fields.message));
	if (denial !== null) throw denial;
	return { kind: 'not-ok' };
}

function refused(method: TwirpMethod, answer: HttpAnswer, token: string): TwirpAnswer {
	const fields = fieldsOf(answer) ?? {};
	const [code, message] = [textOf(fields.code), textOf(fields.msg).replaceAll(token, '***')];
	if (answer.status === 409 || code === 'already_exists') return { kind: 'not-ok' };
	const denial = denialIn(message);
	if (denial !== null) throw denial;
	if (answer.status === 401) {
		throw new CacheError('cache-unauthorized', "The Actions cache refuses this job's token.", {
			hint: 'The token is good for the length of a job: did it run longer than the runner allows?',
		});
	}
	if (answer.status === 403)
		throw new CacheError('cache-forbidden', `The Actions cache refuses ${method}: ${message || 'no reason given'}.`);
	throw strange(method, `${answer.status} ${code} ${message}`.trim());
}

/** What the service does not allow, by how it says so; `null` when it is something else. */
export function denialIn(message: string): CacheError | null {
	if (message.includes(WRITE_DENIED)) {
		const why = message.slice(message.indexOf(WRITE_DENIED) + WRITE_DENIED.length).trim();
		return new CacheError('cache-read-only', `This job may not write to the Actions cache: ${why || 'its token only reads'}.`, {
			hint: 'For events that strangers can start GitHub gives a token that only reads, unless the workflow says `cache-mode: write`.',
		});
	}
	if (message.includes(READ_DENIED)) {
		return new CacheError(
			'cache-forbidden',
			'This job may not read from the Actions cache: its token has no scope that it can read.',
			{ hint: 'Give the job `cache-mode: read` or `write`, or leave that out.' },
		);
	}
	if (message.toLowerCase().includes(QUOTA)) {
		return new CacheError(
			'cache-read-only',
			"The repository's storage for the Actions cache is used up, so nothing new is taken.",
			{ hint: 'Raise the budget in the settings of the repository, delete entries, or lower `actions-cache-size`.' },
		);
	}
	return null;
}

/** The HTTP client's hint is about binary caches. */
function throttled(cause: CacheError): CacheError {
	return new CacheError('cache-throttled', cause.message, { hint: THROTTLED_HINT, cause });
}

function strange(method: TwirpMethod, what: string): CacheError {
	return new CacheError('cache-invalid', `The Actions cache answered ${method} in a way that is not known: ${what}.`);
}

function fieldsOf(answer: HttpAnswer): Readonly<Record<string, unknown>> | null {
	try {
		const value: unknown = JSON.parse(Buffer.from(answer.bytes).toString('utf8'));
		return typeof value === 'object' && value !== null && !Array.isArray(value)
			? Object.fromEntries(Object.entries(value))
			: null;
	} catch {
		return null;
	}
}

/** One line, of text that ends in messages. */
function textOf(value: unknown): string {
	return typeof value === 'string' ? value.replace(/\s+/g, ' ').slice(0, 300) : '';
}
