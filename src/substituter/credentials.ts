import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** HTTP basic credentials. Not to be logged. */
export interface Credentials {
	readonly username: string;
	readonly password: string;
}

const PASSWORD_BYTES = 24;

/** Credentials of one job: nothing in them that netrc or HTTP would have to escape. */
export function randomCredentials(random: (sizeBytes: number) => Buffer = randomBytes): Credentials {
	return { username: 'nix-cache-action', password: random(PASSWORD_BYTES).toString('hex') };
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
