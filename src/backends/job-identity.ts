import { CacheError } from '../errors.ts';
import type { HttpClient } from '../http/client.ts';
import type { Log } from '../log.ts';
import { orAborted } from '../waiting/cancel.ts';
import { jsonFields } from './json-fields.ts';

/** Tokens by which GitHub says which job this is (OpenID Connect). */
export interface JobIdentity {
	/** A token that is good for a minute at least. Throws `cache-unauthorized`, and what the HTTP client throws. */
	token(signal: AbortSignal): Promise<string>;
	/** This token was refused: the next one is another. Answers whether it was the newest, so that many requests with one token renew it once. */
	forget(refused: string): boolean;
}

export interface JobIdentityOptions {
	readonly client: HttpClient;
	readonly env: Readonly<Record<string, string | undefined>>;
	/** For whom the token is. */
	readonly audience: string;
	readonly log: Log;
	readonly nowMs?: () => number;
}

/** A token, or the wait for it. */
interface Held {
	readonly token: Promise<string>;
	freshUntilMs: number;
}

/** For one token, with all tries. */
const LONGEST_WAIT_MS = 120_000;
/** Tokens live for some minutes, a push may take longer. */
const RENEW_BEFORE_MS = 60_000;
/** Of a token that does not say when it ends. */
const UNKNOWN_LIFE_MS = 4 * 60_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/** Whether the job may ask for such tokens: `permissions: id-token: write`, and no pull request from a fork. */
export function hasJobIdentity(env: JobIdentityOptions['env']): boolean {
	return (env.ACTIONS_ID_TOKEN_REQUEST_URL ?? '') !== '' && (env.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? '') !== '';
}

/** Who makes these tokens: GitHub, or an Enterprise Server (docs.github.com, "OpenID Connect reference"). */
export function identityIssuer(env: JobIdentityOptions['env']): string {
	const server = (env.GITHUB_SERVER_URL ?? '').replace(/\/$/, '');
	return server === '' || server === 'https://github.com'
		? 'https://token.actions.githubusercontent.com'
		: `${server}/_services/token`;
}

/** As `@actions/core` asks (oidc-utils.ts): the URL has parameters already, and the audience is one more. */
export function createJobIdentity(options: JobIdentityOptions): JobIdentity {
	const { client, env, audience, log, nowMs = Date.now } = options;
	let current: Held | null = null;
	let newest: string | null = null;

	const ask = async (signal: AbortSignal): Promise<string> => {
		const url = URL.parse(env.ACTIONS_ID_TOKEN_REQUEST_URL ?? '');
		if (url === null) throw new CacheError('internal', 'The runner gives no URL for the tokens of this job.');
		url.searchParams.set('audience', audience);
		const answer = await client.request({
			method: 'GET',
			url,
			headers: { accept: 'application/json' },
			credentials: { kind: 'bearer', token: env.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? '' },
			accept: [200],
			limitBytes: MAX_ANSWER_BYTES,
			signal,
		});
		const token = jsonFields(answer.bytes, "GitHub's answer with a token for this job").text('value');
		log.mask(token);
		return token;
	};

	/** For all who wait: that one of them is cancelled is nothing to the others. */
	const begin = (): Held => {
		const askedMs = nowMs();
		const held: Held = { token: ask(AbortSignal.timeout(LONGEST_WAIT_MS)), freshUntilMs: Number.POSITIVE_INFINITY };
		held.token.then(
			(token) => {
				newest = token;
				held.freshUntilMs = askedMs + (lifeMsOf(token, askedMs) ?? UNKNOWN_LIFE_MS) - RENEW_BEFORE_MS;
			},
			() => {
				if (current === held) current = null;
			},
		);
		return held;
	};

	return {
		async token(signal) {
			if (current === null || nowMs() >= current.freshUntilMs) current = begin();
			return orAborted(current.token, signal, 'Asking GitHub for a token for this job');
		},
		forget(refused) {
			if (refused !== newest) return false;
			current = null;
			newest = null;
			return true;
		},
	};
}

/**
 * How long a JSON Web Token lives that was asked for just now: by the clock of who made it, from which ours may differ. `null` when it does not say. It is not checked:
 * that is for whom it is for.
 */
function lifeMsOf(token: string, askedMs: number): number | null {
	try {
		const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
		if (typeof payload !== 'object' || payload === null) return null;
		const [issued, end]: unknown[] = [Reflect.get(payload, 'iat'), Reflect.get(payload, 'exp')];
		if (typeof end !== 'number') return null;
		return end * 1000 - (typeof issued === 'number' ? issued * 1000 : askedMs);
	} catch {
		return null;
	}
}
