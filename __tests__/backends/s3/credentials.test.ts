import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findKeys } from '../../../src/backends/s3/credentials.ts';
import { openS3 } from '../../../src/backends/s3/store.ts';
import { bodyOfBytes } from '../../../src/bodies/in-memory.ts';
import type { HttpClient } from '../../../src/http/client.ts';
import { never, recordingLog, testClient } from '../../http/peers/means.ts';
import { bodyOf, type Peer, startServer } from '../../http/peers/server.ts';
import { type S3Server, startS3Server } from '../../support/s3-server.ts';
import { environment, targetOf } from './targets.ts';

let server: S3Server;
let folder: string;
let client: HttpClient;
const peers: Peer[] = [];
beforeAll(async () => {
	server = await startS3Server();
	folder = mkdtempSync(join(tmpdir(), 's3-credentials-'));
}, 400_000);
afterAll(async () => {
	rmSync(folder, { recursive: true });
	await server[Symbol.asyncDispose]();
});
beforeEach(() => {
	client = testClient();
	environment({}, vi.stubEnv);
});
afterEach(async () => {
	vi.unstubAllEnvs();
	await client.close();
	await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

const means = () => ({ client, log: recordingLog() });
const given = (env: Readonly<Record<string, string>>) => environment(env, vi.stubEnv);
const started = async (...handler: Parameters<typeof startServer>): Promise<Peer> => {
	const peer = await startServer(...handler);
	peers.push(peer);
	return peer;
};

/** Puts something with the credentials that the environment has. */
async function put(parameters = ''): Promise<void> {
	const { url } = await server.makeBucket();
	const store = openS3(targetOf(`${url}${parameters}`, null), means());
	await store.put('a', bodyOfBytes(Buffer.from('x')), '', never);
	await store.close();
}

describe('credentials come from', () => {
	it('the environment', async () => {
		given({ AWS_ACCESS_KEY_ID: server.owner.accessKeyId, AWS_SECRET_ACCESS_KEY: server.owner.secretAccessKey });
		await put();
	});

	it('the environment, also when it has others since those of before ran out', async () => {
		const expired = '<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>';
		const used: string[] = [];
		const bucket = await started((request, response) => {
			const [, key = ''] = /Credential=(\w+)/.exec(request.headers.authorization ?? '') ?? [];
			used.push(key);
			response.writeHead(key === 'AKIAOLD' ? 400 : 200).end(key === 'AKIAOLD' ? expired : '');
		});
		given({ AWS_ACCESS_KEY_ID: 'AKIAOLD', AWS_SECRET_ACCESS_KEY: 'old', AWS_SESSION_TOKEN: 'old' });
		const store = openS3(targetOf(`s3://bucket?endpoint=${bucket.url.origin}`, null), means());
		const put = () => store.put('a', bodyOfBytes(Buffer.from('x')), '', never);
		await expect(put()).rejects.toMatchObject({ code: 'cache-unauthorized', message: expect.stringContaining('ExpiredToken') });
		expect(used).toEqual(['AKIAOLD']);
		given({ AWS_ACCESS_KEY_ID: 'AKIANEW', AWS_SECRET_ACCESS_KEY: 'new', AWS_SESSION_TOKEN: 'new' });
		await Promise.all([put(), put()]);
		await put();
		expect(used.slice(1).toSorted()).toEqual(['AKIANEW', 'AKIANEW', 'AKIANEW', 'AKIAOLD', 'AKIAOLD']);
		await store.close();
	});

	it('the profile that the URL names, before the environment', async () => {
		const file = join(folder, 'credentials');
		const { accessKeyId, secretAccessKey } = server.owner;
		writeFileSync(file, `[nix]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`);
		given({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_ACCESS_KEY_ID: 'AKIAOTHER', AWS_SECRET_ACCESS_KEY: 'other' });
		await put('&profile=nix');
		await expect(put('&profile=missing')).rejects.toMatchObject({
			code: 'cache-unauthorized',
			message: expect.stringContaining('the profile `missing`'),
		});
	});

	it('the inputs, before everything else', async () => {
		given({ AWS_ACCESS_KEY_ID: 'AKIAOTHER', AWS_SECRET_ACCESS_KEY: 'other', AWS_PROFILE: 'missing' });
		const { url } = await server.makeBucket();
		await openS3(targetOf(url, server.owner), means()).put('a', bodyOfBytes(Buffer.from('x')), '', never);
	});

	it('the role of the container, again and again as they expire', async () => {
		let asked = 0;
		const roles = await started((request, response) => {
			asked++;
			if (request.headers.authorization !== 'container-token') return void response.writeHead(403).end('{}');
			const Expiration = new Date(Date.now() + 1_000).toISOString();
			const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = server.owner;
			response.end(JSON.stringify({ AccessKeyId, SecretAccessKey, Token: '', Expiration }));
		});
		given({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${roles.url}creds`, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'container-token' });
		const store = openS3(targetOf((await server.makeBucket()).url, null), means());
		await store.put('a', bodyOfBytes(Buffer.from('x')), '', never);
		const before = asked;
		await setTimeout(1_100);
		await store.put('b', bodyOfBytes(Buffer.from('x')), '', never);
		expect(before).toBeGreaterThan(0);
		expect(asked).toBeGreaterThan(before);
	});

	it('the role of the instance, asked for as version 2 of its service wants it', async () => {
		const Expiration = new Date(Date.now() + 3_600_000).toISOString();
		const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = server.owner;
		const roles = '/latest/meta-data/iam/security-credentials/';
		const metadata = await started((request, response) => {
			if (request.method === 'PUT' && request.url === '/latest/api/token') return void response.end('instance-token');
			if (request.headers['x-aws-ec2-metadata-token'] !== 'instance-token') return void response.writeHead(401).end();
			if (request.url === roles) return void response.end('nix-cache');
			if (request.url !== `${roles}nix-cache`) return void response.writeHead(404).end();
			response.end(JSON.stringify({ Code: 'Success', AccessKeyId, SecretAccessKey, Token: '', Expiration }));
		});
		given({ AWS_EC2_METADATA_DISABLED: '', AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url.origin });
		await put();
		expect(metadata.received.map(({ path }) => path)).toContain(`${roles}nix-cache`);
	});

	it('the token service, for the identity token of the job', async () => {
		const token = join(folder, 'token');
		writeFileSync(token, 'header.payload.signature');
		const sts = await startTokenService({ token: 'header.payload.signature', role: 'arn:aws:iam::123456789012:role/nix' });
		given({
			AWS_WEB_IDENTITY_TOKEN_FILE: token,
			AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/nix',
			AWS_ENDPOINT_URL_STS: sts.url.origin,
		});
		await put();
		expect(sts.received.map(({ method }) => method)).toEqual(['POST', ...sts.received.slice(1).map(() => 'POST')]);
		writeFileSync(token, 'another.token.altogether');
		await expect(put()).rejects.toMatchObject({ code: 'cache-unauthorized', hint: expect.stringContaining('issuer') });
	});
});

it('the role of the job is taken on with a token of GitHub, and taken on again when its keys expire', async () => {
	const asked: string[] = [];
	const github = await started((request, response) => {
		asked.push(request.url ?? '');
		if (request.headers.authorization !== 'Bearer runner-token') return void response.writeHead(401).end();
		response.end(JSON.stringify({ value: 'token.of.github' }));
	});
	const sts = await startTokenService({ token: 'token.of.github', role: 'arn:aws:iam::123456789012:role/nix', livesMs: 1_000 });
	given({
		AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/nix',
		AWS_ENDPOINT_URL_STS: sts.url.origin,
		ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url}token?api-version=2`,
		ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner-token',
	});
	const store = openS3(targetOf((await server.makeBucket()).url, null), means());
	await store.put('a', bodyOfBytes(Buffer.from('x')), '', never);
	expect(asked[0]).toBe('/token?api-version=2&audience=sts.amazonaws.com');
	const before = sts.received.length;
	await setTimeout(1_100);
	await store.put('b', bodyOfBytes(Buffer.from('x')), '', never);
	expect(sts.received.length).toBeGreaterThan(before);
	vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/other');
	await expect(put()).rejects.toMatchObject({
		code: 'cache-unauthorized',
		message: expect.stringContaining('`AWS_ROLE_ARN`'),
		hint: expect.stringContaining('trust policy'),
	});
});

/** AssumeRoleWithWebIdentity as STS answers it: the token and the role are checked, and the request must be unsigned. */
async function startTokenService(wanted: {
	readonly token: string;
	readonly role: string;
	readonly livesMs?: number;
}): Promise<Peer> {
	return started(async (request, response) => {
		const form = new URLSearchParams((await bodyOf(request)).toString());
		const refuse = (status: number, code: string) =>
			void response
				.writeHead(status, { 'content-type': 'text/xml' })
				.end(
					`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
				);
		if (request.headers.authorization !== undefined || form.get('Action') !== 'AssumeRoleWithWebIdentity')
			return refuse(400, 'InvalidAction');
		if (form.get('WebIdentityToken') !== wanted.token) return refuse(400, 'InvalidIdentityToken');
		if (form.get('RoleArn') !== wanted.role || !/^[\w+=,.@-]{2,64}$/.test(form.get('RoleSessionName') ?? ''))
			return refuse(403, 'AccessDenied');
		const { accessKeyId, secretAccessKey } = server.owner;
		const expiration = new Date(Date.now() + (wanted.livesMs ?? 3_600_000)).toISOString();
		const credentials = `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken></SessionToken><Expiration>${expiration}</Expiration>`;
		response.setHeader('content-type', 'text/xml');
		response.end(
			`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>${credentials}</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
		);
	});
}

describe('a job', () => {
	const target = targetOf('s3://bucket', null);

	it('without credentials has none, and that is no error', async () => {
		expect(await findKeys(target, means())).toBeNull();
		given({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: '' });
		expect(await findKeys(target, means())).toBeNull();
	});

	it.each([
		[{ AWS_ACCESS_KEY_ID: 'AKIA' }, /`AWS_ACCESS_KEY_ID`/],
		[{ AWS_PROFILE: 'missing' }, /`AWS_PROFILE`/],
		[
			{ AWS_WEB_IDENTITY_TOKEN_FILE: '/nonexistent/token', AWS_ROLE_ARN: 'arn:aws:iam::1:role/nix' },
			/`AWS_WEB_IDENTITY_TOKEN_FILE`.*ENOENT/,
		],
	])('with credentials that can not be had (%j) is told', async (env, message) => {
		given(env);
		await expect(findKeys(target, means())).rejects.toMatchObject({
			code: 'cache-unauthorized',
			message: expect.stringMatching(message),
		});
	});
});
