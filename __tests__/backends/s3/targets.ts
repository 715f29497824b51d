import type { S3Target } from '../../../src/cache-target/s3.ts';
import { parseCacheTarget } from '../../../src/cache-target/target.ts';
import type { S3User } from '../../support/s3-server.ts';

/** The URL as the input `cache` would be understood, with the keys of a user as `username` and `password`. */
export function targetOf(url: string, user: S3User | null): S3Target {
	const credentials = user && { kind: 'basic' as const, username: user.accessKeyId, password: user.secretAccessKey };
	const target = parseCacheTarget(url, null, credentials);
	if ('problem' in target || target.kind !== 's3') throw new Error(JSON.stringify(target));
	return target;
}

/** Takes away what this machine may have of credentials; `more` comes in its place. */
export function environment(
	more: Readonly<Record<string, string>>,
	stub: (name: string, value: string | undefined) => unknown,
): void {
	for (const name of Object.keys(process.env)) if (/^(AWS|ACTIONS_ID)_/.test(name)) stub(name, undefined);
	const nowhere = {
		AWS_EC2_METADATA_DISABLED: 'true',
		AWS_CONFIG_FILE: '/nonexistent/config',
		AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
	};
	for (const [name, value] of Object.entries({ ...nowhere, ...more })) stub(name, value);
}
