/** Who asks the cache service: a job, as the service learns of it from the runtime token, and the environment that the runner gives to its actions. */
import { createHmac, randomBytes } from 'node:crypto';

export interface Job {
	/** `owner/name`; `owner/repository` if not said. */
	readonly repository?: string;
	/** `refs/heads/main` if not said; of a pull request `refs/pull/7/merge`. */
	readonly ref?: string;
	/** Of a pull request: the branch that it is to go into. `refs/heads/main` if not said. */
	readonly base?: string;
	/** What the workflow's `cache-mode`, or the event's trust, leaves to the job. */
	readonly mode?: CacheMode;
	/** How long the token is good; a job's longest time if not said. */
	readonly tokenLifetimeMs?: number;
}

export type CacheMode = 'none' | 'read' | 'write' | 'write-only';

/** One member of the claim `ac`. Permission is a bit set: 1 may read, 2 may write. */
export interface Scope {
	readonly Scope: string;
	readonly Permission: number;
}

export interface Identity {
	readonly repository: string;
	/** In the order in which they are searched: the job's own, the base's, the default branch's. */
	readonly scopes: readonly Scope[];
}

/** What the runner sits on. `github`: protocol v2; `ghes`, `act`: v1, with another host name or none of the newer variables. */
export type Host = 'github' | 'ghes' | 'act';

const DEFAULT_BRANCH = 'refs/heads/main';
export const READ = 1;
export const WRITE = 2;
const JOB_LIMIT_MS = 6 * 60 * 60 * 1000;

/** The environment of an action (not of a `run:` step) as far as the cache is concerned. */
export function actionsEnvironment(host: Host, serviceUrl: string, token: string, job: Job): Readonly<Record<string, string>> {
	const common = {
		GITHUB_REPOSITORY: job.repository ?? 'owner/repository',
		GITHUB_REF: job.ref ?? DEFAULT_BRANCH,
		ACTIONS_RUNTIME_TOKEN: token,
		...(job.mode === undefined ? {} : { ACTIONS_CACHE_MODE: job.mode }),
	};
	switch (host) {
		case 'github':
			return {
				...common,
				GITHUB_SERVER_URL: 'https://github.com',
				ACTIONS_RESULTS_URL: `${serviceUrl}/`,
				ACTIONS_CACHE_URL: `${serviceUrl}/`,
				ACTIONS_CACHE_SERVICE_V2: 'True',
			};
		case 'ghes':
			return { ...common, GITHUB_SERVER_URL: 'https://github.example.com', ACTIONS_CACHE_URL: `${serviceUrl}/` };
		case 'act':
			return {
				...common,
				GITHUB_SERVER_URL: 'https://github.com',
				ACTIONS_CACHE_URL: `${serviceUrl}/0123456789abcdef/`,
				ACTIONS_RESULTS_URL: serviceUrl,
			};
	}
}

export interface Tokens {
	issue(job: Job): string;
	/** Who holds the token of an `Authorization` header; `null` when it is none of ours, or not good any more. */
	identify(authorization: string | undefined): Identity | null;
}

/** JSON Web Tokens with the claims that clients of the real service look at. */
export function createTokens(now: () => number): Tokens {
	const secret = randomBytes(32);
	const signature = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url');
	return {
		issue(job) {
			const claims = {
				ac: JSON.stringify(scopesOf(job)),
				repository: job.repository ?? 'owner/repository',
				exp: Math.floor((now() + (job.tokenLifetimeMs ?? JOB_LIMIT_MS)) / 1000),
				// Two jobs never have the same token.
				jti: randomBytes(8).toString('hex'),
			};
			const text = [{ alg: 'HS256', typ: 'JWT' }, claims]
				.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
				.join('.');
			return `${text}.${signature(text)}`;
		},
		identify(authorization) {
			const [, text, given] = /^Bearer ([\w-]+\.[\w-]+)\.([\w-]+)$/i.exec(authorization ?? '') ?? [];
			if (text === undefined || given !== signature(text)) return null;
			const claims: { ac: string; repository: string; exp: number } = JSON.parse(
				Buffer.from(text.split('.')[1] ?? '', 'base64url').toString(),
			);
			if (claims.exp * 1000 <= now()) return null;
			const scopes: readonly Scope[] = JSON.parse(claims.ac);
			return { repository: claims.repository, scopes };
		},
	};
}

function scopesOf(job: Job): readonly Scope[] {
	const ref = job.ref ?? DEFAULT_BRANCH;
	const { mode = 'write' } = job;
	const own = (mode === 'write' || mode === 'read' ? READ : 0) | (mode === 'write' || mode === 'write-only' ? WRITE : 0);
	const base = ref.startsWith('refs/pull/') ? (job.base ?? DEFAULT_BRANCH) : DEFAULT_BRANCH;
	const others = [...new Set([base, DEFAULT_BRANCH])].filter((scope) => scope !== ref);
	return [{ Scope: ref, Permission: own }, ...others.map((scope) => ({ Scope: scope, Permission: own & READ }))].filter(
		({ Permission }) => Permission !== 0,
	);
}
