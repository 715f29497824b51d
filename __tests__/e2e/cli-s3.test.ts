import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { cli, startServing } from '../support/command-line.ts';
import { build, graph } from '../support/derivations.ts';
import { createMachine } from '../support/machine.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';

const key = generateKey('test-1');
const secret = formatSecretKey(key);
const publicKey = formatPublicKey(publicKeyOf(key));

let server: S3Server;
beforeAll(async () => {
	server = await startS3Server();
}, 400_000);
afterAll(async () => server?.[Symbol.asyncDispose]());

it('a private bucket takes what is pushed, and is served to a Nix that has no credentials for it', async () => {
	await using machine = await createMachine({ nix: '2.34' });
	const bucket = await server.makeBucket();
	const { accessKeyId, secretAccessKey } = server.owner;
	const [app = ''] = await build(machine, graph('cli-s3'), { attributes: ['app'] });
	const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, NIX_CACHE_SIGNING_KEY: secret };
	const pushed = await cli(machine, ['push', bucket.url, app], { env, secrets: [secret, secretAccessKey] });
	expect(pushed.code, pushed.stderr).toBe(0);
	expect(pushed.stdout).toMatch(/: 3 pushed; /);
	await machine.emptyStore();
	const netrc = join(machine.work, 'netrc');
	const credentials = { NIX_CACHE_USERNAME: accessKeyId, NIX_CACHE_PASSWORD: secretAccessKey };
	const served = await startServing(machine, [bucket.url, '--netrc-file', netrc], { env: credentials });
	const settings = { substituters: served.url, 'trusted-public-keys': publicKey, 'netrc-file': netrc };
	const flags = Object.entries(settings).flatMap(([name, value]) => ['--option', name, value]);
	const read = await machine.exec(['nix-store', '--realise', app, ...flags]);
	expect(read.code, `${read.stderr}${served.output()}`).toBe(0);
	expect(await served.stop()).toBe(0);
	expect(served.output()).not.toContain(secretAccessKey);
});
