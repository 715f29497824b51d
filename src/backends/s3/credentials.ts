import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Target } from '../../cache-target/s3.ts';
import { CacheError, isCacheError } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';
import type { Log } from '../../log.ts';
import { createJobIdentity, hasJobIdentity } from '../job-identity.ts';
import { sdkLogger } from './sdk-logger.ts';
import { createTransport, UNATTENDED_MS } from './transport.ts';

export interface Keys {
	readonly accessKeyId: string;
	readonly secretAccessKey: string;
	readonly sessionToken?: string;
	/** From when on others have to be asked for. */
	readonly expiration?: Date;
}

/** Gives the keys that are good now: asked again when those that it gave run out. */
export type KeySource = () => Promise<Keys>;

export interface KeyMeans {
	readonly client: HttpClient;
	readonly log: Log;
}

/** Variables that name a source of credentials. With one of them, no credentials are a mistake; with none, the bucket is read as anybody. */
const NAMING = [
	'AWS_ACCESS_KEY_ID',
	'AWS_SECRET_ACCESS_KEY',
	'AWS_PROFILE',
	'AWS_WEB_IDENTITY_TOKEN_FILE',
	'AWS_CONTAINER_CREDENTIALS_FULL_URI',
	'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
] as const;

/** The keys that the environment itself holds, to tell whether they are others by now. */
export function givenKeys(): string {
	return ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].map((name) => process.env[name] ?? '').join(' ');
}

/**
 * Where the job's keys for this bucket come from: the inputs, else the profile that the URL names, else what the SDK finds (environment, `AWS_PROFILE` and the
 * files of the command line, a web identity, the role of the container or of the instance), or the role `AWS_ROLE_ARN` by the job's own identity. `null`: there
 * are none. The SDK reads `process.env` itself.
 * @throws CacheError `cache-unauthorized` when a source is named and gives none
 */
export async function findKeys(target: S3Target, means: KeyMeans): Promise<KeySource | null> {
	const { credentials, profile } = target;
	if (credentials !== null) {
		const keys = { accessKeyId: credentials.username, secretAccessKey: credentials.password };
		return async () => keys;
	}
	const named = NAMING.filter((name) => (process.env[name] ?? '') !== '');
	const isNamed = named.length > 0;
	const source = explained(await sourceOf(target, means, isNamed), sourceName(profile, named));
	try {
		await source();
		return source;
	} catch (error) {
		// The SDK tells "there is none" and "it failed" apart by texts alone.
		const isNone = isCacheError(error, 'cache-unauthorized') && isFromChain(error.cause);
		if (isNone && profile === null && !isNamed) return null;
		throw error;
	}
}

async function sourceOf(target: S3Target, { client, log }: KeyMeans, isNamed: boolean): Promise<KeySource> {
	const { fromIni, fromNodeProviderChain, fromWebToken } = await import('@aws-sdk/credential-providers');
	const { profile, region, endpoint } = target;
	const clientConfig: { requestHandler: NonNullable<S3ClientConfig['requestHandler']>; region: string } = {
		requestHandler: createTransport(client),
		// Of the token service. Other servers' regions have names that Amazon does not know.
		region: process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || (isAmazon(endpoint) ? region : 'us-east-1'),
	};
	const logger = sdkLogger(log);
	if (profile !== null) return fromIni({ profile, clientConfig, logger });
	const roleArn = isNamed ? null : roleOfJob();
	if (roleArn === null) return fromNodeProviderChain({ clientConfig, logger });
	const roleSessionName = process.env.AWS_ROLE_SESSION_NAME || `nix-cache-action-${process.env.GITHUB_RUN_ID ?? '0'}`;
	const identity = createJobIdentity({ client, env: process.env, audience: AUDIENCE, log });
	return async () => {
		const webIdentityToken = await identity.token(AbortSignal.timeout(UNATTENDED_MS));
		return fromWebToken({ clientConfig, logger, roleArn, roleSessionName, webIdentityToken })();
	};
}

/** What AWS's documentation has people enter as the audience of GitHub's identity provider. */
const AUDIENCE = 'sts.amazonaws.com';

/** The role that a job with `permissions: id-token: write` wants; `null`: there is none. GitHub gives a new token whenever it is asked, so a long job renews its keys. */
function roleOfJob(): string | null {
	const role = process.env.AWS_ROLE_ARN ?? '';
	return role !== '' && hasJobIdentity(process.env) ? role : null;
}

function isAmazon(endpoint: URL): boolean {
	return /\.amazonaws\.(com|com\.cn|eu)$/.test(endpoint.hostname);
}

function sourceName(profile: string | null, named: readonly string[]): string {
	if (profile !== null) return `the profile \`${profile}\``;
	if (named.length === 0) return roleOfJob() === null ? 'this machine' : '`AWS_ROLE_ARN` with the identity of this job';
	return named.map((name) => `\`${name}\``).join(' and ');
}

function explained(source: KeySource, from: string): KeySource {
	return async () => {
		try {
			return await source();
		} catch (error) {
			if (isCacheError(error)) throw error;
			const said = error instanceof Error ? error.message : String(error);
			throw new CacheError('cache-unauthorized', `There are no AWS credentials from ${from}: ${firstLine(said)}`, {
				hint: hintFor(error),
				cause: error,
			});
		}
	};
}

/** Errors of the token service, by their names. Source: STS API reference, AssumeRoleWithWebIdentity. */
const HINTS: Readonly<Record<string, string>> = {
	ExpiredTokenException: 'The identity token has expired: whoever writes it has to renew it.',
	InvalidIdentityToken: 'Does the account know the issuer of the token (an identity provider in IAM), and its audience?',
	AccessDenied: "Does the role's trust policy allow this repository, branch or environment?",
	IDPCommunicationError: 'AWS could not reach the issuer of the token: try again.',
};

function hintFor(error: unknown): string {
	const name = error instanceof Error ? error.name.replace(/^InvalidIdentityTokenException$/, 'InvalidIdentityToken') : '';
	return (
		HINTS[name] ??
		'Give `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` in `env` (`aws-actions/configure-aws-credentials` does), or the inputs `username` and `password`.'
	);
}

function firstLine(text: string): string {
	return (text.trim().split('\n', 1)[0] ?? '').slice(0, 300);
}

function isFromChain(error: unknown): boolean {
	return error instanceof Error && (error.name === 'CredentialsProviderError' || error.name === 'ProviderError');
}
