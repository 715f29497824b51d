import type { Credentials } from '../cache-target/credentials.ts';

/** The value of the header `Authorization`. Sent with the first request already: some servers (Artifactory) never ask for it on HEAD. */
export function authorization(credentials: Credentials): string {
	return credentials.kind === 'bearer' ? `Bearer ${credentials.token}` : `Basic ${basicToken(credentials)}`;
}

/** `text`, which a server wrote, without the credentials that it may be echoing. */
export function withoutCredentials(text: string, credentials: Credentials | null): string {
	if (credentials === null) return text;
	const secrets =
		credentials.kind === 'bearer' ? [credentials.token] : [credentials.password, basicToken(credentials), credentials.username];
	return secrets.filter((secret) => secret !== '').reduce((left, secret) => left.replaceAll(secret, '***'), text);
}

function basicToken(credentials: Extract<Credentials, { kind: 'basic' }>): string {
	return Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64');
}
