import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** HTTP basic credentials. Not to be logged. */
export interface Credentials {
	readonly username: string;
	readonly password: string;
}

const PASSWORD_BYTES = 24;
const PREFIX_BYTES = 16;

/** Credentials of one job: nothing in them that netrc or HTTP would have to escape. */
export function randomCredentials(random: (sizeBytes: number) => Buffer = randomBytes): Credentials {
	return { username: 'nix-cache-action', password: random(PASSWORD_BYTES).toString('hex') };
}

/** The path by which one substituter is told from all others at all times: Nix remembers answers by URL, misses for an hour, hits for a month. */
export function randomPrefix(random: (sizeBytes: number) => Buffer = randomBytes): string {
	return random(PREFIX_BYTES).toString('hex');
}

/**
 * Whether a request's `Authorization` header holds these credentials (RFC 7617). The time that it takes tells nothing about them: digests are compared, and
 * all of them.
 */
export function credentialsCheck({ username, password }: Credentials): (authorization: string | undefined) => boolean {
	const expected = digest(Buffer.from(`${username}:${password}`));
	return (authorization) => {
		const token = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization ?? '')?.[1];
		return token !== undefined && timingSafeEqual(digest(Buffer.from(token, 'base64')), expected);
	};
}

function digest(bytes: Uint8Array): Buffer {
	return createHash('sha256').update(bytes).digest();
}
