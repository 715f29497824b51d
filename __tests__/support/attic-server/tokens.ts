/** Attic's tokens: JWTs signed with HMAC-SHA-256, with its own claim on what they permit. Source: attic/token/src/lib.rs. */
import { createHmac, timingSafeEqual } from 'node:crypto';

const CLAIM = 'https://jwt.attic.rs/v1';

/** What a token permits for one cache. */
export interface Permission {
	readonly pull: boolean;
	readonly push: boolean;
}

export interface TokenOptions {
	/** Names of caches; `*` stands for anything. */
	readonly pull?: readonly string[];
	readonly push?: readonly string[];
	/** Seconds from now; a year if not said. */
	readonly validSeconds?: number;
}

/** As `atticadm make-token` writes them. */
export function makeToken(secret: string, { pull = [], push = [], validSeconds = 31_536_000 }: TokenOptions): string {
	const nowSeconds = Math.floor(Date.now() / 1000);
	const caches: Record<string, { r?: 1; w?: 1 }> = {};
	for (const name of pull) caches[name] = { ...caches[name], r: 1 };
	for (const name of push) caches[name] = { ...caches[name], w: 1 };
	const claims = {
		exp: nowSeconds + validSeconds,
		nbf: Math.min(nowSeconds, nowSeconds + validSeconds),
		sub: 'ci',
		[CLAIM]: { caches },
	};
	const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
	return `${text}.${signatureOf(secret, text)}`;
}

/** What the header `Authorization` permits for a cache: nothing without a token that counts, and nobody says why it does not. */
export function permissionOf(secret: string, authorization: string | undefined, cache: string): Permission {
	const claims = claimsOf(secret, tokenIn(authorization ?? ''));
	const [named] = Object.entries(claims).filter(([pattern]) => pattern === cache);
	const [, found] = named ?? Object.entries(claims).find(([pattern]) => matches(pattern, cache)) ?? [];
	const has = (right: string): boolean => isObject(found) && (found[right] === 1 || found[right] === true);
	return { pull: has('r'), push: has('w') };
}

function tokenIn(authorization: string): string {
	const [, scheme = '', rest = ''] = /^(bearer|basic) (.*)$/i.exec(authorization) ?? [];
	if (scheme.toLowerCase() === 'bearer') return rest;
	const text = Buffer.from(rest, 'base64').toString('utf8');
	return text.slice(text.indexOf(':') + 1);
}

function claimsOf(secret: string, token: string): Readonly<Record<string, unknown>> {
	const [header = '', payload = '', signature = ''] = token.split('.');
	const right = Buffer.from(signatureOf(secret, `${header}.${payload}`));
	const given = Buffer.from(signature);
	if (right.length !== given.length || !timingSafeEqual(right, given) || decode(header).alg !== 'HS256') return {};
	const claims = decode(payload);
	const nowSeconds = Date.now() / 1000;
	if (typeof claims.exp === 'number' && claims.exp <= nowSeconds) return {};
	if (typeof claims.nbf === 'number' && claims.nbf > nowSeconds) return {};
	const access = claims[CLAIM];
	return isObject(access) && isObject(access.caches) ? access.caches : {};
}

function signatureOf(secret: string, text: string): string {
	return createHmac('sha256', secret).update(text).digest('base64url');
}

function matches(pattern: string, cache: string): boolean {
	const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
	return new RegExp(`^${parts.join('.*')}$`).test(cache);
}

function encode(value: object): string {
	return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): Readonly<Record<string, unknown>> {
	const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
	return isObject(value) ? value : {};
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
